//! Writing files whole or not at all.

use anyhow::{Context, Result};
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to `path` (`-`: standard output): first to a temporary file in the same folder, then renamed, so
/// that a crash or a full disk never leaves half a program where a machine could find it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        let mut out = std::io::stdout().lock();
        return out.write_all(bytes).and_then(|()| out.flush()).context("failed to write standard output");
    }
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let failed = || format!("failed to write {}", path.display());
    let mut file = tempfile::Builder::new().prefix(".shopctl-").tempfile_in(folder).with_context(failed)?;
    file.write_all(bytes).with_context(failed)?;
    share(file.as_file(), path).with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(())
}

/// Gives the file the permissions of the one it replaces, or those a plainly created file would have: temporary
/// files are private, programs are for the machine's user too.
#[cfg(unix)]
fn share(file: &std::fs::File, path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_or(0o644, |m| m.permissions().mode());
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn share(_file: &std::fs::File, _path: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.nc");
        write_whole(&path, b"first").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_whole(&folder.path().join("none/part.nc"), b"x").is_err());
    }
}
