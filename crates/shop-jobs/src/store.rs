//! The folder of all jobs.

use crate::JobError;
use crate::history::History;
use crate::journal::{self, Journal};
use crate::record::{Description, State};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Name of the journal in a job's folder.
pub(crate) const JOURNAL: &str = "journal";
/// Name of the file with the newest progress.
pub(crate) const LATEST: &str = "latest";
/// Name of the file whose lock says that a process works on the job.
const CLAIM: &str = "lock";
/// Two jobs of the same second and name are told apart by a number; no more than this many.
const MOST_ALIKE: u32 = 10_000;

/// Where jobs lie.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// A job in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name: the time it was made, and the program's.
    pub name: String,
    /// What its journal says.
    pub history: History,
    /// A process works on it now.
    pub running: bool,
}

impl Entry {
    /// True when it had begun, did not end, and nobody works on it: it waits for a person.
    pub fn interrupted(&self) -> bool {
        !self.running && self.history.attempts > 0 && self.history.state != State::Done
    }
}

impl Store {
    /// Returns the store in this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Store {
        Store { folder: folder.into() }
    }

    /// Returns where the store is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Returns a job's folder. What else belongs to the job may lie there.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a job; nothing of it is running yet. Returns its name and its journal.
    pub fn create(&self, description: Description) -> Result<(String, Journal), JobError> {
        std::fs::create_dir_all(&self.folder).map_err(JobError::system(&self.folder))?;
        let stem = stem(&description);
        for n in 1..MOST_ALIKE {
            let name = if n == 1 { stem.clone() } else { format!("{stem}-{n}") };
            let folder = self.folder.join(&name);
            match std::fs::create_dir(&folder) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(JobError::system(&folder)(e)),
            }
            sync_folder(&self.folder);
            let claim = claim(&folder)?.ok_or_else(|| JobError::Running(name.clone()))?;
            return Ok((name, Journal::create(&folder, description, claim)?));
        }
        Err(JobError::NotOne { name: stem, why: "too many jobs have the same name".into() })
    }

    /// Lists the jobs, oldest first. What is no job is passed over.
    pub fn list(&self) -> Vec<Entry> {
        let folders = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = folders.map(|f| f.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names.iter().filter_map(|name| self.entry(name)).collect()
    }

    fn entry(&self, name: &str) -> Option<Entry> {
        let folder = self.folder.join(name);
        let mut history = History::read(&std::fs::read(folder.join(JOURNAL)).ok()?)?;
        journal::add_latest(&mut history, &folder);
        // Looking must not make a file in a folder that may be someone else's.
        let running = match OpenOptions::new().read(true).open(folder.join(CLAIM)) {
            Ok(file) => matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)),
            Err(_) => false,
        };
        Some(Entry { name: name.to_owned(), history, running })
    }

    /// Finds a job by its name, the beginning of it, or `last`.
    pub fn find(&self, name: &str) -> Result<Entry, JobError> {
        let mut all = self.list();
        let none = |why: String| JobError::NotOne { name: name.to_owned(), why };
        if name == "last" {
            return all.pop().ok_or_else(|| none("there are no jobs".into()));
        }
        if let Some(at) = all.iter().position(|e| e.name == name) {
            return Ok(all.swap_remove(at));
        }
        let mut fitting: Vec<Entry> = all.into_iter().filter(|e| e.name.starts_with(name)).collect();
        match fitting.len() {
            0 => Err(none(format!("there is none in {}", self.folder.display()))),
            1 => Ok(fitting.remove(0)),
            _ => {
                let names: Vec<&str> = fitting.iter().map(|e| e.name.as_str()).collect();
                Err(none(format!("it could be {}", names.join(", "))))
            }
        }
    }

    /// Takes up a job that nobody works on.
    pub fn reopen(&self, name: &str) -> Result<Journal, JobError> {
        let folder = self.folder.join(name);
        let path = folder.join(JOURNAL);
        let claim = claim(&folder)?.ok_or_else(|| JobError::Running(name.to_owned()))?;
        let text = std::fs::read(&path).map_err(JobError::system(&path))?;
        let mut history = History::read(&text).ok_or_else(|| JobError::Unreadable(name.to_owned()))?;
        journal::add_latest(&mut history, &folder);
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        Journal::reopen(&folder, history, whole as u64, claim)
    }
}

/// Locks a job's folder; nothing when another process has it.
fn claim(folder: &Path) -> Result<Option<File>, JobError> {
    let path = folder.join(CLAIM);
    let mut options = OpenOptions::new();
    let file =
        options.write(true).create(true).truncate(false).open(&path).map_err(JobError::system(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(e)) => Err(JobError::system(&path)(e)),
    }
}

/// Puts a folder's entries on the disk, where the system has a call for it.
pub(crate) fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

/// Returns the name of a job: `20261122-220501-bracket`, time in UTC.
fn stem(description: &Description) -> String {
    let s = description.created_s;
    let ([year, month, day], clock) = (civil(s / 86_400), s % 86_400);
    let [hour, minute, second] = [clock / 3600, clock / 60 % 60, clock % 60];
    let program = Path::new(&description.program).file_stem().map(|s| s.to_string_lossy().into_owned());
    let plain: String = program
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{}", plain.trim_matches('-'))
}

/// Returns year, month and day of a day since 1970-01-01 (proleptic Gregorian; H. Hinnant, "chrono-compatible low-level
/// date algorithms", `civil_from_days`, for days after the epoch).
fn civil(days: u64) -> [u64; 3] {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    [year + era * 400 + u64::from(month <= 2), month, of_year - (153 * m + 2) / 5 + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_names() {
        assert_eq!(civil(0), [1970, 1, 1]);
        assert_eq!(civil(19_782), [2024, 2, 29]);
        assert_eq!(civil(20_779), [2026, 11, 22]);
        let d = Description {
            created_s: 20_779 * 86_400 + 79_501,
            program: "/a/Br\u{e4}cket 2.nc".into(),
            ..Description::default()
        };
        assert_eq!(stem(&d), "20261122-220501-br-cket-2");
    }
}
