//! Jobs on disk: what survives when the process does not.
//!
//! A *job* is one program for one machine. It has a folder of its own in the [`Store`], and in it a *journal*: lines
//! that are only ever appended, each with a checksum, which say what the job is, which state it is in, and how far the
//! machine is. Whoever finds a journal later knows from it alone what was sent, what was acknowledged, and where the
//! machine was then.
//!
//! ```text
//!  jobs/20261122-220501-bracket/journal
//!      3f2a… job program=/home/a/bracket.nc sha256=… lines=812 machine=plasma-grbl port=usb:1A86:7523
//!      90b1… state 0 running
//!      77c0… at 1250 sent=41 acknowledged=38 x=12.5 y=-3 z=0
//! ```
//!
//! Beside it lies a page with the newest progress, newer than the journal when the process was killed. The folder belongs
//! to the job for ever; a second attempt at it appends to the same journal.

mod history;
mod journal;
mod latest;
mod record;
mod store;

pub use history::History;
pub use journal::Journal;
pub use record::{Description, Progress, Record, State};
pub use store::{Entry, Store};

use std::io;
use std::path::PathBuf;

/// Why a job could not be kept or found. Fits "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The system refuses.
    #[error("use {}: {source}", path.display())]
    System {
        /// Which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// No job has this name, or several have.
    #[error("find job {name}: {why}")]
    NotOne {
        /// What was asked for.
        name: String,
        /// None, or which.
        why: String,
    },
    /// Another process works on it.
    #[error("use job {0}: it is being run by another process")]
    Running(String),
    /// The journal does not say what the job is.
    #[error("read job {0}: its journal has no readable beginning")]
    Unreadable(String),
}

impl JobError {
    fn system(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> JobError {
        let path = path.into();
        move |source| JobError::System { path, source }
    }
}
