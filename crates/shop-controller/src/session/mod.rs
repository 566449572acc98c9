//! The conversation with a controller, without a wire or a clock.
//!
//! `now` is the time since the session began, from a clock that never goes back. Whoever drives a session
//! 1. passes on what came in ([`Session::receive`]) and calls [`Session::tick`] no later than [`Session::deadline`];
//! 2. writes what [`Session::outbox`] holds, at once;
//! 3. gives lines while [`Session::wants_line`] says so, and [`Session::end_of_program`] after the last one;
//! 4. takes every [`Event`] from [`Session::next_event`] after each call.

use std::time::Duration;

/// A line of the program on its way to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1: where people look, and what the journal counts.
    pub number: u64,
    /// The words as they go over the wire: no comment, no terminator, no realtime byte.
    pub text: Box<[u8]>,
    /// How long the machine may be silent over it, beyond what is in front of it: moves, dwells, heating.
    pub duration: Duration,
}

/// Which words the other end speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// GRBL 0.9 and 1.1: bytes are counted.
    Grbl,
    /// grblHAL: GRBL with a larger ring and more states.
    GrblHal,
    /// FluidNC: GRBL with a window that its channel decides.
    FluidNc,
    /// Marlin, Prusa, Repetier: numbered lines with checksums.
    Marlin,
    /// Smoothieware: one line at a time.
    Smoothie,
    /// RepRapFirmware: one line at a time, the answer ends in `ok`.
    RepRapFirmware,
}

/// What the machine is doing, as it last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing is known yet.
    Unknown,
    /// Stands still and would take a job.
    Idle,
    /// Moves.
    Run,
    /// Was asked to stand still; `true` when it does.
    Hold(bool),
    /// Moves by hand.
    Jog,
    /// Looks for its switches.
    Home,
    /// Locked.
    Alarm,
    /// A door is open; `true` when it could go on.
    Door(bool),
    /// Only reads programs.
    Check,
    /// Asleep until a reset.
    Sleep,
    /// Waits for a tool.
    Tool,
}

/// What the machine says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// What it does; `None` before the first word.
    pub state: Option<State>,
    /// Where it stands, machine coordinates, mm.
    pub machine_position_mm: Option<[f64; 3]>,
    /// Where the work zero lies, machine coordinates, mm.
    pub work_offset_mm: Option<[f64; 3]>,
    /// Feed it goes at, mm/min.
    pub feed_mm_per_min: Option<f64>,
    /// Spindle speed.
    pub rpm: Option<f64>,
    /// Feed, rapid and spindle overrides, percent.
    pub overrides_percent: Option<[u16; 3]>,
    /// Free blocks in its planner, free bytes in its receive buffer.
    pub room: Option<(u32, u32)>,
    /// Heaters: letter and number as the firmware says (`T0`, `B`), measured and wanted, °C.
    pub heaters_c: Vec<(String, f64, f64)>,
    /// Pins that are active, as letters.
    pub pins: String,
}

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Firmware and version, as it says.
    pub firmware: String,
    /// Bytes its receive buffer takes, where it says so.
    pub receive_bytes: Option<u32>,
    /// Blocks that its planner takes, where it says so.
    pub planner_blocks: Option<u32>,
    /// What else it said of itself (`[OPT:]` letters, `Cap:` lines).
    pub capabilities: Vec<String>,
}

/// Why a job did not end well. One exit class each.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The controller refused a line.
    Refused {
        /// Number of the line in the file.
        line: u64,
        /// The words as sent.
        text: String,
        /// The controller's error number, where it has one.
        code: Option<u32>,
        /// Its own words.
        said: String,
    },
    /// An alarm locked the machine.
    Alarm {
        /// The controller's alarm number, where it has one.
        code: Option<u32>,
        /// Its own words.
        said: String,
    },
    /// It restarted in the middle of the job.
    Restarted {
        /// The banner.
        said: String,
    },
    /// It reported a fault of its own and stopped (`!!`, `kill()`).
    Halted {
        /// Its own words.
        said: String,
    },
    /// It has been silent for longer than the moves in flight take.
    Silent {
        /// For how long.
        waited: Duration,
    },
    /// An answer was lost, doubled or garbled, and what the machine did cannot be proven.
    Unsure {
        /// What did not add up.
        why: String,
    },
    /// It ended somewhere else than the program does.
    Position {
        /// Where it should stand, machine coordinates, mm.
        wanted_mm: [f64; 3],
        /// Where it stands.
        found_mm: [f64; 3],
    },
    /// The operator stopped it.
    Stopped,
    /// The port went away.
    Disconnected,
}

/// What a session has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The controller said who it is; lines are welcome.
    Ready(Identity),
    /// A setting it was asked for: `$110`, `500.000`.
    Setting(String, String),
    /// A line was handed to the wire.
    Sent(u64),
    /// The controller took a line into its plan, in order, each once.
    Acknowledged(u64),
    /// The machine said what it is doing.
    Status(Status),
    /// A remark of the firmware, for the log.
    Message(String),
    /// A line was asked for again.
    Resent(u64),
    /// The machine stands still until told to go on: hold, door, button, pause in the program.
    Held {
        /// What holds it, for people.
        why: String,
    },
    /// It goes on.
    Resumed,
    /// All lines are done, the machine stands still, its buffers are empty; where, machine coordinates, mm.
    Finished {
        /// Where it stands, where it says so.
        position_mm: Option<[f64; 3]>,
    },
    /// The job ended, and the process was made safe as far as the wire allows.
    Failed(Failure),
}
