//! The newest progress of a job, in a page of memory that belongs to a file.
//!
//! What is stored here outlives the process at once, without asking the system for anything: the page is the system's own
//! copy of the file. So a line can be said to be sent before its first byte leaves, at no cost, and no slow disk holds it
//! up. It does not outlive the power; the journal does, a moment later.
//!
//! ```text
//!  0     1 77c0… at 1250 sent=41 acknowledged=38 mm=12.5,-3,0      attempt, record
//!  2048  1 90b1… at 1253 sent=42 acknowledged=38 mm=12.5,-3,0      the two are written in turn
//! ```
//!
//! A process that dies while it writes one leaves the other whole; and what it would have sent then has not left.

use crate::record::{Progress, Record};
use memmap2::MmapMut;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{Ordering, compiler_fence};
use std::time::Duration;

/// One page of memory on most computers; larger ones map the rest in vain.
const SIZE: usize = 4096;
/// Room for one record: the longest has 130 bytes.
const HALF: usize = SIZE / 2;

/// Where the newest progress is stored.
#[derive(Debug)]
pub(crate) struct Latest {
    map: MmapMut,
    second: bool,
    text: String,
}

impl Latest {
    /// Takes up the page in this file, or makes one. Its room on the disk is really there: storing in it cannot fail.
    pub(crate) fn open(path: &Path) -> io::Result<Latest> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() != SIZE as u64 {
            file.set_len(0)?;
            stay_in_place(&file);
            (&file).write_all(&[0; SIZE])?;
            file.sync_all()?;
        }
        // SAFETY: the file is this process's alone, by the lock of the job's folder, and nobody makes it shorter.
        let map = unsafe { MmapMut::map_mut(&file) }?;
        Ok(Latest { map, second: false, text: String::with_capacity(256) })
    }

    /// Forgets what an attempt before this one left.
    pub(crate) fn clear(&mut self) {
        self.map.fill(0);
    }

    /// Stores how far an attempt is. Once it returns, the process may die.
    pub(crate) fn store(&mut self, attempt: u32, at: Duration, progress: Progress) {
        self.text.clear();
        let _ = write!(self.text, "{attempt} ");
        Record::Progress { at, progress }.write(&mut self.text);
        let start = if self.second { HALF } else { 0 };
        let count = self.text.len().min(HALF);
        self.map[start..start + count].copy_from_slice(&self.text.as_bytes()[..count]);
        self.second = !self.second;
        // Nothing that follows, above all no write to a wire, may be moved in front of it.
        compiler_fence(Ordering::SeqCst);
    }
}

/// Asks a file system that writes everything to a new place to leave this file where it is: else even room that is there
/// may be missing when the disk is full. Others do not know the wish.
#[cfg(target_os = "linux")]
fn stay_in_place(file: &File) {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let _ = ioctl_getflags(file).and_then(|flags| ioctl_setflags(file, flags | IFlags::NOCOW));
}

#[cfg(not(target_os = "linux"))]
fn stay_in_place(_file: &File) {}

/// Returns how far this attempt is by such a page, and when it was.
pub(crate) fn read(page: &[u8], attempt: u32) -> Option<(Duration, Progress)> {
    let halves = [page.get(..HALF)?, page.get(HALF..SIZE)?];
    let records = halves.iter().filter_map(|half| {
        let end = half.iter().position(|b| *b == b'\n')?;
        let (whose, record) = std::str::from_utf8(&half[..end]).ok()?.split_once(' ')?;
        match Record::read(record)? {
            Record::Progress { at, progress } if whose.parse() == Ok(attempt) => Some((at, progress)),
            _ => None,
        }
    });
    records.max_by_key(|(at, p)| (p.sent, p.acknowledged, *at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn progress(n: u64) -> Progress {
        Progress { sent: n + 3, acknowledged: n, position_mm: Some([n as f64 / 3.0, -1.0e5, 0.0]) }
    }

    #[test]
    fn a_process_that_dies_leaves_what_it_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("latest");
        let mut latest = Latest::open(&path).expect("room");
        assert_eq!(read(&std::fs::read(&path).expect("there"), 1), None);
        for n in 0..9 {
            latest.store(1, Duration::from_millis(n), progress(n));
            // What another process sees now is what would be left.
            let seen = std::fs::read(&path).expect("there");
            assert_eq!(read(&seen, 1), Some((Duration::from_millis(n), progress(n))));
            assert_eq!(read(&seen, 2), None, "another attempt's");
        }
        latest.clear();
        assert_eq!(read(&std::fs::read(&path).expect("there"), 1), None);
    }

    proptest! {
        /// Whatever part of a record was stored when the process died: the one before is whole.
        #[test]
        fn a_torn_record_leaves_the_one_before(n in 1u64..1 << 50, stored in 0usize..SIZE, keep in any::<bool>()) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("latest");
            let mut latest = Latest::open(&path).expect("room");
            let at = Duration::from_millis(n);
            if keep {
                latest.store(7, at, progress(n - 1));
            }
            latest.store(7, at, progress(n));
            let before = std::fs::read(&path).expect("there");
            latest.store(7, at, progress(n * 10));
            let after = std::fs::read(&path).expect("there");
            let torn: Vec<u8> = after[..stored].iter().chain(&before[stored..]).copied().collect();
            let found = read(&torn, 7).map(|(_, p)| p);
            prop_assert!(found == Some(progress(n)) || found == Some(progress(n * 10)), "{found:?}");
        }

        #[test]
        fn nothing_makes_it_fall(page in prop::collection::vec(any::<u8>(), 0..SIZE + 9)) {
            read(&page, 1);
        }
    }
}
