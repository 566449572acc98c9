//! What waits for its turn on the wire.

use std::time::Duration;

use super::modes::Modes;
use super::types::{Cause, Line, Reach};

/// One line, and what its answer means to the session.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub kind: Kind,
    /// Number of the line in the file, 0 for lines of the session's own.
    pub number: u64,
    pub text: Box<[u8]>,
    pub duration: Duration,
    pub reach: Option<Reach>,
    /// The number of the work zero that holds while it runs: see [`super::zeros`].
    pub zero: u64,
    /// Goes when everything before it was answered, and nothing goes before it is.
    pub alone: bool,
    /// A marker whose report has come.
    pub read: bool,
    /// Of a marker: the modes in force in front of it.
    pub modes: Option<Box<Modes>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A line of the program; `true` for its last piece, whose answer acknowledges it.
    Program(bool),
    /// `$G`, whose report proves that everything before it was read.
    Marker,
    /// A question of the session while it connects.
    Ask,
    /// The last questions of a job.
    Final,
    /// A command of the operator.
    Command,
    /// A setting: its name, its value.
    Write(String, String),
    /// All settings; `true` when writes wait to be compared with them.
    Settings(bool),
    /// Makes the process safe.
    Safe,
    /// Goes nowhere: the machine comes to rest and waits for the operator. `true`: the line ends here.
    Pause(Cause, bool),
}

impl Item {
    pub(crate) fn own(kind: Kind, text: impl Into<Vec<u8>>) -> Self {
        let text: Vec<u8> = text.into();
        Self {
            kind,
            number: 0,
            text: text.into_boxed_slice(),
            duration: Duration::ZERO,
            reach: None,
            zero: 0,
            alone: false,
            read: false,
            modes: None,
        }
    }

    pub(crate) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    pub(crate) fn lasting(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Returns a line of the program, or the last piece of one.
    pub(crate) fn program(line: Line, alone: bool) -> Self {
        let Line { number, text, duration, reach } = line;
        Self {
            kind: Kind::Program(true),
            number,
            text,
            duration,
            reach,
            zero: 0,
            alone,
            read: false,
            modes: None,
        }
    }

    pub(crate) fn is_program(&self) -> bool {
        matches!(self.kind, Kind::Program(_) | Kind::Pause(..))
    }

    pub(crate) fn words(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
}
