//! The program of a job: a copy of our own, so that nobody changes or cuts it short while a machine works from it, and
//! so that it is still there when the job is resumed.

use crate::program::{self, Bytes};
use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Name of the copy in a job's folder.
pub const COPY: &str = "program";
/// Bytes copied at a time.
const BLOCK: usize = 1 << 16;

/// A program ready to be sent.
pub struct Source {
    /// What people call it.
    pub name: String,
    /// Its full path, for the journal.
    pub path: String,
    /// Its bytes.
    pub bytes: Arc<Bytes>,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// The copy, until it has a place of its own.
    copy: Option<NamedTempFile>,
}

impl Source {
    /// Copies a program (`-`: standard input) into `folder`, or into the temporary one.
    pub fn copy(path: &Path, folder: Option<&Path>) -> Result<Source> {
        let from_stdin = path == Path::new("-");
        let failed = || format!("failed to read {}", path.display());
        let mut copy = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("failed to make {}", folder.display()))?;
                tempfile::Builder::new().prefix(".incoming-").tempfile_in(folder)
            }
            None => NamedTempFile::new(),
        }
        .context("failed to make a file for the job's copy of the program")?;
        let sha256 = if from_stdin {
            pour(&mut std::io::stdin().lock(), &mut copy)?
        } else {
            let mut file = std::fs::File::open(path).with_context(failed)?;
            let meta = file.metadata().with_context(failed)?;
            anyhow::ensure!(!meta.is_dir(), "failed to read {}: it is a folder", path.display());
            pour(&mut file, &mut copy)?
        };
        copy.flush().context("failed to keep a copy of the program")?;
        let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Source {
            name: if from_stdin { "standard input".into() } else { path.display().to_string() },
            path: if from_stdin { "-".into() } else { full.display().to_string() },
            bytes: Arc::new(program::open(copy.path())?),
            sha256,
            copy: Some(copy),
        })
    }

    /// Opens the copy that a job left behind, and makes sure that it is the same program.
    pub fn of_job(folder: &Path, path: &str, sha256: &str) -> Result<Source> {
        let kept = folder.join(COPY);
        let mut file = std::fs::File::open(&kept)
            .with_context(|| format!("failed to open {}: the job's program is gone", kept.display()))?;
        let found = pour(&mut file, &mut std::io::sink())?;
        anyhow::ensure!(
            found == sha256,
            "{} is not the program that was sent: its hash differs",
            kept.display()
        );
        let bytes = Arc::new(program::open(&kept)?);
        Ok(Source { name: path.to_owned(), path: path.to_owned(), bytes, sha256: found, copy: None })
    }

    /// Moves the copy into the job's folder.
    pub fn keep(&mut self, folder: &Path) -> Result<()> {
        if let Some(copy) = self.copy.take() {
            copy.as_file().sync_all().context("failed to keep a copy of the program")?;
            copy.persist(folder.join(COPY)).context("failed to keep a copy of the program")?;
        }
        Ok(())
    }
}

/// Removes a job's copy, which nobody needs once all of it is done.
pub fn drop_copy(folder: &Path) {
    let path: PathBuf = folder.join(COPY);
    let _ = std::fs::remove_file(path);
}

/// Copies everything and returns its hash.
fn pour(from: &mut impl Read, to: &mut impl std::io::Write) -> Result<String> {
    let mut hash = Sha256::new();
    let mut block = vec![0; BLOCK];
    let mut length = 0;
    loop {
        let n = match from.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e).context("failed to read the program"),
        };
        hash.update(&block[..n]);
        to.write_all(&block[..n]).context("failed to keep a copy of the program")?;
        length += n as u64;
        anyhow::ensure!(length < program::LARGEST, "the program is larger than 4 GiB");
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_bytes_and_the_hash_of_the_original() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("part.nc");
        std::fs::write(&path, "abc").expect("room");
        let mut source = Source::copy(&path, Some(folder.path())).expect("readable");
        // FIPS 180-2, appendix B.1.
        assert_eq!(source.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        std::fs::write(&path, "changed").expect("room");
        assert_eq!(&**source.bytes, b"abc");
        let job = folder.path().join("job");
        std::fs::create_dir(&job).expect("room");
        source.keep(&job).expect("room");
        let again = Source::of_job(&job, "part.nc", &source.sha256).expect("kept");
        assert_eq!(&**again.bytes, b"abc");
        assert!(Source::of_job(&job, "part.nc", "00").is_err());
        drop_copy(&job);
        assert!(Source::of_job(&job, "part.nc", &source.sha256).is_err());
    }
}
