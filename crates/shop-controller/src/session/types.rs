//! The nouns of a conversation: what is said, what is known, what went wrong.

use std::time::Duration;

/// A line of the program on its way to the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number in the file, from 1: where people look, and what the journal counts.
    pub number: u64,
    /// The words as they go over the wire, as [`super::wire::clean`] leaves them: no comment, no terminator, no
    /// realtime byte.
    pub text: Box<[u8]>,
    /// How long the machine may be silent over it, beyond what is in front of it: moves, dwells, heating.
    pub duration: Duration,
    /// Where it goes; nothing where nobody knows.
    pub reach: Option<Reach>,
}

/// From where the numbers of an axis count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zero {
    /// From the work zero with which the job began, wherever the program puts it later.
    #[default]
    First,
    /// From the work zero that holds while the line runs; where that lies, only the controller can tell.
    Told,
    /// From nowhere: nobody knows where the axis is.
    Unknown,
}

/// Where a line goes, work coordinates, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Where it ends.
    pub end_mm: [f64; 3],
    /// The lower corner of the box it stays in.
    pub low_mm: [f64; 3],
    /// The upper corner of that box.
    pub high_mm: [f64; 3],
    /// How it gets there.
    pub way: Way,
    /// From where each axis counts.
    pub zero: [Zero; 3],
}

impl Reach {
    /// Returns where the machine is that rests at the end of this.
    #[must_use]
    pub fn at_rest(self) -> Reach {
        let at = self.end_mm;
        Reach { low_mm: at, high_mm: at, way: Way::Straight { from_mm: at }, ..self }
    }

    /// Returns whether somebody knows where an axis is.
    pub fn is_known(&self) -> bool {
        self.zero.iter().any(|zero| *zero != Zero::Unknown)
    }

    /// Returns whether something moves, as far as anybody knows.
    pub(crate) fn moves(&self) -> bool {
        self.way == Way::Somewhere || self.low_mm != self.high_mm
    }
}

/// The way of a line, work coordinates, mm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Way {
    /// Within its box.
    #[default]
    Somewhere,
    /// Straight.
    Straight {
        /// Where it begins.
        from_mm: [f64; 3],
    },
    /// On an arc in XY, z along with it.
    Round {
        /// Where it begins.
        from_mm: [f64; 3],
        /// Middle of the circle, X and Y.
        center_mm: [f64; 2],
        /// Angle it turns, radians, counter-clockwise positive; whole turns count.
        sweep: f64,
    },
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
    /// RepRapFirmware: numbered like Marlin, the answer ends in `ok`.
    RepRapFirmware,
}

impl Protocol {
    /// Returns whether single bytes act at once, past every queue: `?`, `!`, `~`, 0x18.
    pub fn is_realtime(self) -> bool {
        !self.is_numbered()
    }

    /// Returns whether lines carry numbers and checksums, and may be asked for again.
    pub fn is_numbered(self) -> bool {
        matches!(self, Self::Marlin | Self::RepRapFirmware)
    }

    /// Returns whether answers are counted against the bytes of a ring.
    pub fn is_counted(self) -> bool {
        matches!(self, Self::Grbl | Self::GrblHal | Self::FluidNc)
    }
}

/// What the machine is doing, as it last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It said something that is not known here.
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

impl Status {
    /// Returns where it stands in work coordinates, mm.
    pub fn work_position_mm(&self) -> Option<[f64; 3]> {
        let (at, zero) = (self.machine_position_mm?, self.work_offset_mm?);
        Some([at[0] - zero[0], at[1] - zero[1], at[2] - zero[2]])
    }
}

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// How it is talked to.
    pub protocol: Option<Protocol>,
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
        /// Number of the line in the file; 0 for a line of the session's own.
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
    /// A line, or a report, was damaged on the wire: what the machine did may be wrong.
    Damaged {
        /// The line at or near which it was noticed.
        line: u64,
        /// What was seen.
        why: String,
    },
    /// It stands, or was seen, somewhere else than the program goes.
    Position {
        /// The line near which it was seen; nothing at the end of the program.
        line: Option<u64>,
        /// Where it should stand, or where the line at work ends; mm, from the zeros of [`Reach::zero`].
        wanted_mm: [f64; 3],
        /// Where it was.
        found_mm: [f64; 3],
    },
    /// The operator stopped it, here or at the machine.
    Stopped,
    /// The port went away.
    Disconnected,
}

/// What makes a machine stand still in the middle of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It was asked to, here.
    Operator,
    /// Its own hold button, or a hold of unknown origin.
    Machine,
    /// The door; `true` when it is closed again and the machine could go on.
    Door(bool),
    /// The program: M0, M1, M600.
    Program,
    /// The program wants this tool.
    Tool(Option<u32>),
    /// The machine's own panel or sensor (`//action:`), or `busy: paused for user`.
    Host,
}

/// What a session has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The controller said who it is; lines are welcome.
    Ready(Identity),
    /// A setting as it stands in the controller: `$110`, `500.000`; Marlin: `M92`, `X80.00 Y80.00`.
    Setting(String, String),
    /// All settings were listed.
    SettingsEnd,
    /// A setting was written and read back: its name, what the controller holds now, whether it is what was wanted.
    Written(String, String, bool),
    /// A line was handed to the wire.
    Sent(u64),
    /// The controller took a line into its plan, in order, each once.
    Acknowledged(u64),
    /// In check mode: the controller would refuse this line.
    WouldRefuse {
        /// Number of the line in the file.
        line: u64,
        /// The words as sent.
        text: String,
        /// The controller's error number, where it has one.
        code: Option<u32>,
        /// Its own words.
        said: String,
    },
    /// A command of the operator was answered.
    Answered {
        /// The command.
        text: String,
        /// `None` when it was taken; else the controller's error number and words.
        refused: Option<(Option<u32>, String)>,
    },
    /// The machine said what it is doing.
    Status(Status),
    /// A remark of the firmware, for the log.
    Message(String),
    /// A line was asked for again; 0 for a line of the session's own.
    Resent(u64),
    /// The machine stands still, or will in a moment, until told to go on.
    Held {
        /// What holds it.
        cause: Cause,
        /// The same for people.
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

/// What the machine works with: decides what has to go off when a job ends early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Process {
    /// A spindle.
    #[default]
    Spindle,
    /// A torch or a laser: must not stay on where the machine stands.
    Beam,
    /// Heaters and an extruder.
    Heaters,
    /// Nothing that can be switched.
    None,
}

/// Which way is up, when a job ends early and the machine knows where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Retract {
    /// Stay where it is.
    #[default]
    Never,
    /// Up to this height, machine coordinates, mm. Only for a homed machine.
    To(f64),
    /// Up by so much, mm.
    By(f64),
}

/// What happens at a pause or tool change of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The line goes to the controller, which knows what to do.
    Pass,
    /// The machine comes to rest, [`Event::Held`] is told, and [`super::Session::resume`] goes on.
    #[default]
    Prompt,
    /// The word is left out.
    Skip,
    /// These lines go instead.
    Macro(Vec<Box<[u8]>>),
}

/// How a session behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How long to look for a controller.
    pub connect: Duration,
    /// Time between questions for the state. GRBL's own documents call five a second usual and ten the most.
    pub poll: Duration,
    /// How long the machine may be silent beyond what its moves explain.
    pub silence: Duration,
    /// Bytes a second on the wire, where known: an answer that comes sooner than its line can have arrived is none.
    pub bytes_per_s: Option<u32>,
    /// Bytes in flight at most, where the user knows better than the controller says.
    pub window: Option<u32>,
    /// What goes off when a job ends early.
    pub process: Process,
    /// Where the tool goes when a job ends early.
    pub retract: Retract,
    /// M0.
    pub stop: Policy,
    /// M1.
    pub optional_stop: Policy,
    /// M6.
    pub tool_change: Policy,
    /// M600.
    pub filament_change: Policy,
    /// How far from the planned end the machine may stand, mm.
    pub tolerance_mm: f64,
    /// How far from the way of the lines in flight the machine may be seen, mm, beyond what its steps and its arcs
    /// explain; infinite: do not look.
    pub corridor_mm: f64,
    /// The same where only the box of a line is known, or the firmware is not known to keep to the way.
    pub loose_corridor_mm: f64,
    /// Whether the settings are read on connecting.
    pub read_settings: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(12),
            poll: Duration::from_millis(100),
            silence: Duration::from_secs(10),
            bytes_per_s: None,
            window: None,
            process: Process::default(),
            retract: Retract::default(),
            stop: Policy::Prompt,
            optional_stop: Policy::Skip,
            tool_change: Policy::Prompt,
            filament_change: Policy::Pass,
            tolerance_mm: 0.05,
            corridor_mm: 0.1,
            loose_corridor_mm: 1.0,
            read_settings: true,
        }
    }
}

/// A move by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Jog {
    /// Where to, or how far, mm.
    pub axes_mm: [Option<f64>; 3],
    /// Whether `axes_mm` is a place in work coordinates rather than a distance.
    pub absolute: bool,
    /// How fast, mm/min.
    pub feed_mm_per_min: f64,
}

/// An override: how much faster or slower than the program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Override {
    /// Feed, percent: 10 to 200.
    Feed(u16),
    /// Rapids, percent: 25, 50 or 100.
    Rapid(u16),
    /// Spindle, percent: 10 to 200.
    Spindle(u16),
}
