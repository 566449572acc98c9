//! Writing files whole or not at all.

use anyhow::{Context, Result};
use std::io::{Read as _, Seek as _, SeekFrom, Write};
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

/// A file that is written piece by piece: it appears under its name when it is whole, and not at all otherwise. Standard
/// output gets the pieces at once.
pub struct Growing<'a> {
    path: &'a Path,
    file: Option<tempfile::NamedTempFile>,
}

impl<'a> Growing<'a> {
    /// Begins a file, or standard output (`-`).
    pub fn begin(path: &'a Path) -> Result<Growing<'a>> {
        let folder = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        let temporary = || tempfile::Builder::new().prefix(".shopctl-").tempfile_in(folder);
        let file = if path == Path::new("-") { None } else { Some(temporary()) };
        let file = file.transpose().with_context(|| format!("failed to write {}", path.display()))?;
        Ok(Growing { path, file })
    }

    /// Adds a piece.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let written = if let Some(file) = &mut self.file {
            file.write_all(bytes)
        } else {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        };
        written.with_context(|| format!("failed to write {}", self.path.display()))
    }

    /// True when what was added can be written over.
    pub fn can_patch(&self) -> bool {
        self.file.is_some()
    }

    /// Writes over what was added, `at` bytes from the beginning; standard output stays as it is.
    pub fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes));
        written.with_context(|| format!("failed to write {}", self.path.display()))
    }

    /// Returns all that was added; nothing of what went to standard output.
    pub fn read_back(&mut self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        if let Some(file) = &mut self.file {
            let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut all));
            read.with_context(|| format!("failed to read {}", self.path.display()))?;
        }
        Ok(all)
    }

    /// Gives the whole file its name.
    pub fn finish(self) -> Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        let failed = || format!("failed to write {}", self.path.display());
        share(file.as_file(), self.path).with_context(failed)?;
        file.persist(self.path).with_context(failed)?;
        Ok(())
    }
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

    #[test]
    fn a_growing_file_appears_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.gcode");
        let mut file = Growing::begin(&path).unwrap();
        file.add(b"first ").unwrap();
        assert!(!path.exists());
        file.add(b"second").unwrap();
        file.patch(0, b"F").unwrap();
        assert_eq!(file.read_back().unwrap(), b"First second");
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"First second");
        drop(Growing::begin(&folder.path().join("never.gcode")).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
