//! Writing files whole or not at all.

use anyhow::{Context, Result};
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path` (`-`: standard output): first to a temporary file in the same folder, then renamed, so
/// that a crash or a full disk never leaves half a program where a machine could find it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = Growing::begin(path)?;
    file.add(bytes)?;
    file.finish()
}

/// A file that is written piece by piece: it appears under its name when it is whole, and not at all otherwise. Standard
/// output gets the pieces at once; a device or a pipe gets all of it at the end, and stays what it is.
pub struct Growing<'a> {
    path: &'a Path,
    /// The file that is there or will be, behind all links; nothing for a device or a pipe.
    target: Option<PathBuf>,
    file: Option<tempfile::NamedTempFile>,
}

impl<'a> Growing<'a> {
    /// Begins a file, or standard output (`-`).
    pub fn begin(path: &'a Path) -> Result<Growing<'a>> {
        let failed = || format!("failed to write {}", path.display());
        if path == Path::new("-") {
            return Ok(Growing { path, target: None, file: None });
        }
        let there = std::fs::metadata(path).ok();
        let target = match &there {
            Some(m) if m.is_file() => Some(path.canonicalize().with_context(failed)?),
            Some(m) if !m.is_dir() => None,
            _ => Some(path.to_owned()),
        };
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(".shopctl-");
        let file = match target.as_deref().map(Path::parent) {
            None => builder.tempfile(),
            Some(Some(folder)) if !folder.as_os_str().is_empty() => builder.tempfile_in(folder),
            Some(_) => builder.tempfile_in("."),
        };
        Ok(Growing { path, target, file: Some(file.with_context(failed)?) })
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
        let Some(mut file) = self.file else { return Ok(()) };
        let failed = || format!("failed to write {}", self.path.display());
        if let Some(target) = &self.target {
            share(file.as_file(), target).with_context(failed)?;
            file.persist(target).with_context(failed)?;
            return Ok(());
        }
        let mut there = std::fs::OpenOptions::new().write(true).open(self.path).with_context(failed)?;
        file.seek(SeekFrom::Start(0)).with_context(failed)?;
        std::io::copy(&mut file, &mut there).and_then(|_| there.flush()).with_context(failed)
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

    /// A device or a pipe is written to and stays what it is; behind a link the file changes, and the link stays.
    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_stays_what_it_is() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let [pipe, file, link] = ["pipe", "part.nc", "link.nc"].map(|n| folder.path().join(n));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        write_whole(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());

        write_whole(&file, b"first").unwrap();
        std::os::unix::fs::symlink("part.nc", &link).unwrap();
        write_whole(&link, b"second").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"second");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
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
