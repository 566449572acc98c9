//! One user per port: a lock file that names the process.
//!
//! The system lets the lock go when the process ends, however it ends, so that nothing is ever stale.

use super::OpenError;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;

/// A port that is ours.
#[derive(Debug)]
pub(super) struct Claim {
    _file: Option<File>,
}

/// Returns where locks lie: the user's own runtime folder, else the temporary one.
fn folder() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|p| p.is_absolute() && p.is_dir())
        .unwrap_or_else(std::env::temp_dir)
}

/// Claims a port by the name that all its users know it by.
pub(super) fn claim(port: &str) -> Result<Claim, OpenError> {
    let plain: String = port.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let path = folder().join(format!("shopctl-port{plain}.lock"));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // Another user's file cannot be opened: the exclusive open of the device itself still guards the port.
    let Ok(mut file) = options.open(&path) else { return Ok(Claim { _file: None }) };
    match file.try_lock() {
        Ok(()) => {
            let text = format!("{:>10}\n", std::process::id());
            let written =
                file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
            // A name that cannot be written takes nothing from the lock.
            drop(written);
            Ok(Claim { _file: Some(file) })
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
            Err(match pid {
                Some(pid) => OpenError::InUse { port: port.to_owned(), pid, program: program(pid) },
                None => OpenError::Busy(port.to_owned()),
            })
        }
        Err(std::fs::TryLockError::Error(_)) => Ok(Claim { _file: None }),
    }
}

/// Returns ` (name)` of a process where the system tells.
fn program(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.trim().is_empty() { String::new() } else { format!(" ({})", name.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_claimed_once() {
        let name = format!("/dev/test-{}", std::process::id());
        let first = claim(&name).expect("free");
        let second = claim(&name).expect_err("taken");
        assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
        drop(first);
        claim(&name).expect("free again");
    }
}
