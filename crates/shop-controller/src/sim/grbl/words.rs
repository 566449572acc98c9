//! A line of program as GRBL 1.1 reads it: letters and numbers, one command of a modal group a line, and the error codes it
//! answers with. What the words ask for is decided in `check`.

use super::modal::{Distance, Modal, Motion, Plane, Spindle, Units};

/// Error codes that the reader of a line answers with.
pub(super) mod error {
    pub(in super::super) const LETTER: u32 = 1;
    pub(in super::super) const NUMBER: u32 = 2;
    pub(in super::super) const STATEMENT: u32 = 3;
    pub(in super::super) const NEGATIVE: u32 = 4;
    pub(in super::super) const HOMING_OFF: u32 = 5;
    pub(in super::super) const PULSE: u32 = 6;
    pub(in super::super) const NOT_IDLE: u32 = 8;
    pub(in super::super) const LOCKED: u32 = 9;
    pub(in super::super) const SOFT_LIMITS_NEED_HOMING: u32 = 10;
    pub(in super::super) const LONG_LINE: u32 = 11;
    pub(in super::super) const DOOR: u32 = 13;
    pub(in super::super) const TRAVEL: u32 = 15;
    pub(in super::super) const JOG: u32 = 16;
    pub(in super::super) const UNSUPPORTED: u32 = 20;
    pub(in super::super) const MODAL_GROUP: u32 = 21;
    pub(in super::super) const NO_FEED: u32 = 22;
    pub(in super::super) const NOT_INTEGER: u32 = 23;
    pub(in super::super) const TWO_AXIS_COMMANDS: u32 = 24;
    pub(in super::super) const REPEATED: u32 = 25;
    pub(in super::super) const NO_AXIS_WORDS: u32 = 26;
    pub(in super::super) const LINE_NUMBER: u32 = 27;
    pub(in super::super) const VALUE_MISSING: u32 = 28;
    pub(in super::super) const COORDINATES: u32 = 29;
    pub(in super::super) const G53_MODE: u32 = 30;
    pub(in super::super) const AXIS_WORDS: u32 = 31;
    pub(in super::super) const NOT_IN_PLANE: u32 = 32;
    pub(in super::super) const TARGET: u32 = 33;
    pub(in super::super) const RADIUS: u32 = 34;
    pub(in super::super) const NO_OFFSETS: u32 = 35;
    pub(in super::super) const UNUSED: u32 = 36;
    pub(in super::super) const TOOL_AXIS: u32 = 37;
    pub(in super::super) const TOOL_NUMBER: u32 = 38;
}

/// What a line does besides moving along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NonModal {
    #[default]
    None,
    Dwell,
    SetCoordinates,
    GoHome0,
    SetHome0,
    GoHome1,
    SetHome1,
    MachineCoordinates,
    SetOffset,
    ResetOffset,
}

/// Which command the axis words belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AxisCommand {
    #[default]
    None,
    NonModal,
    Motion,
    ToolLength,
}

/// What M words do to the flow of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flow {
    #[default]
    Running,
    Paused,
    Completed,
    /// grblHAL's M6.
    ToolChange,
}

/// Letters that were given, one bit each.
pub(super) type Letters = u32;

/// Returns the bits of letters.
pub(super) const fn bits(letters: &[u8]) -> Letters {
    let mut bits = 0;
    let mut i = 0;
    while i < letters.len() {
        bits |= 1 << (letters[i] - b'A');
        i += 1;
    }
    bits
}

/// A line, read.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// The state after the line.
    pub(super) modal: Modal,
    pub(super) non_modal: NonModal,
    pub(super) axis_command: AxisCommand,
    pub(super) flow: Flow,
    /// Modal groups named in the line.
    pub(super) groups: u32,
    pub(super) given: Letters,
    value: [f64; 26],
    /// The line is a jog.
    pub(super) jog: bool,
    pub(super) tool_length: Option<bool>,
}

/// Modal groups as bits, so that two of one in a line are seen.
pub(super) mod group {
    pub(in super::super) const NON_MODAL: u32 = 1;
    pub(in super::super) const MOTION: u32 = 1 << 1;
    pub(in super::super) const PLANE: u32 = 1 << 2;
    pub(in super::super) const DISTANCE: u32 = 1 << 3;
    pub(in super::super) const ARC_DISTANCE: u32 = 1 << 4;
    pub(in super::super) const FEED: u32 = 1 << 5;
    pub(in super::super) const UNITS: u32 = 1 << 6;
    pub(in super::super) const CUTTER: u32 = 1 << 7;
    pub(in super::super) const TOOL_LENGTH: u32 = 1 << 8;
    pub(in super::super) const COORDINATES: u32 = 1 << 12;
    pub(in super::super) const PATH: u32 = 1 << 13;
    pub(in super::super) const STOP: u32 = 1 << 14;
    pub(in super::super) const SPINDLE: u32 = 1 << 15;
    pub(in super::super) const COOLANT: u32 = 1 << 16;
    pub(in super::super) const TOOL: u32 = 1 << 17;
}

impl Words {
    pub(super) fn value(&self, letter: u8) -> f64 {
        self.value[usize::from(letter - b'A')]
    }

    pub(super) fn set(&mut self, letter: u8, value: f64) {
        self.value[usize::from(letter - b'A')] = value;
    }

    pub(super) fn has(&self, letters: &[u8]) -> bool {
        self.given & bits(letters) != 0
    }
}

/// Reads a line that has no spaces, comments or small letters any more. `hal` takes what grblHAL takes besides.
pub(super) fn read(line: &[u8], modal: &Modal, jog: bool, hal: bool) -> Result<Words, u32> {
    let mut words = Words {
        modal: *modal,
        non_modal: NonModal::None,
        axis_command: AxisCommand::None,
        flow: Flow::Running,
        groups: 0,
        given: 0,
        value: [0.0; 26],
        jog,
        tool_length: None,
    };
    if jog {
        words.modal.motion = Motion::Linear;
        words.modal.inverse_time = false;
    }
    let mut rest = line;
    while let Some((&letter, tail)) = rest.split_first() {
        if !letter.is_ascii_uppercase() {
            return Err(error::LETTER);
        }
        let (value, used) = number(tail).ok_or(error::NUMBER)?;
        rest = &tail[used..];
        let whole = value.trunc();
        let hundredths = ((value - whole).abs() * 100.0).round() as u32;
        match letter {
            b'G' => words.g(whole, hundredths, hal)?,
            b'M' => words.m(whole, hundredths, hal)?,
            _ => words.parameter(letter, value)?,
        }
    }
    Ok(words)
}

/// Reads a number as the firmware does: sign, digits, one point; no exponent. Returns it and how many bytes it took.
pub(super) fn number(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let mut point = None;
    let mut digits = 0;
    let mut used = sign;
    for &c in &text[sign..] {
        match c {
            b'0'..=b'9' => digits += 1,
            b'.' if point.is_none() => point = Some(used),
            _ => break,
        }
        used += 1;
    }
    if digits == 0 {
        return None;
    }
    let text = std::str::from_utf8(&text[..used]).ok()?;
    Some((text.parse().ok()?, used))
}

impl Words {
    fn group(&mut self, group: u32) -> Result<(), u32> {
        if self.groups & group != 0 {
            return Err(error::MODAL_GROUP);
        }
        self.groups |= group;
        Ok(())
    }

    fn axis_command(&mut self, command: AxisCommand) -> Result<(), u32> {
        if self.axis_command != AxisCommand::None {
            return Err(error::TWO_AXIS_COMMANDS);
        }
        self.axis_command = command;
        Ok(())
    }

    fn g(&mut self, whole: f64, hundredths: u32, hal: bool) -> Result<(), u32> {
        let code =
            if (0.0..1000.0).contains(&whole) { whole as u32 } else { return Err(error::UNSUPPORTED) };
        let group = match (code, hundredths) {
            (10 | 28 | 30 | 92, 0) => {
                self.axis_command(AxisCommand::NonModal)?;
                self.non_modal = match code {
                    10 => NonModal::SetCoordinates,
                    28 => NonModal::GoHome0,
                    30 => NonModal::GoHome1,
                    _ => NonModal::SetOffset,
                };
                group::NON_MODAL
            }
            (28 | 30 | 92, 10) => {
                self.non_modal = match code {
                    28 => NonModal::SetHome0,
                    30 => NonModal::SetHome1,
                    _ => NonModal::ResetOffset,
                };
                group::NON_MODAL
            }
            (4, 0) => {
                self.non_modal = NonModal::Dwell;
                group::NON_MODAL
            }
            (53, 0) => {
                self.non_modal = NonModal::MachineCoordinates;
                group::NON_MODAL
            }
            (0..=3, 0) => {
                self.axis_command(AxisCommand::Motion)?;
                self.modal.motion =
                    [Motion::Seek, Motion::Linear, Motion::ArcCw, Motion::ArcCcw][code as usize];
                group::MOTION
            }
            (38, 20 | 30 | 40 | 50) => {
                self.axis_command(AxisCommand::Motion)?;
                self.modal.motion =
                    Motion::Probe { away: hundredths >= 40, silent: matches!(hundredths, 30 | 50) };
                group::MOTION
            }
            (80, 0) => {
                self.modal.motion = Motion::None;
                group::MOTION
            }
            (17..=19, 0) => {
                self.modal.plane = [Plane::Xy, Plane::Zx, Plane::Yz][code as usize - 17];
                group::PLANE
            }
            (90 | 91, 0) => {
                self.modal.distance = if code == 90 { Distance::Absolute } else { Distance::Incremental };
                group::DISTANCE
            }
            (91, 10) => group::ARC_DISTANCE,
            (93 | 94, 0) => {
                self.modal.inverse_time = code == 93;
                group::FEED
            }
            (20 | 21, 0) => {
                self.modal.units = if code == 20 { Units::Inches } else { Units::Millimetres };
                group::UNITS
            }
            (40, 0) => group::CUTTER,
            (49, 0) | (43, 10) => {
                self.axis_command(AxisCommand::ToolLength)?;
                self.tool_length = Some(code == 43);
                group::TOOL_LENGTH
            }
            (54..=59, 0) => {
                self.modal.coordinates = code as usize - 54;
                group::COORDINATES
            }
            (59, 10 | 20 | 30) if hal => {
                self.modal.coordinates = 5 + hundredths as usize / 10;
                group::COORDINATES
            }
            (61, 0) => group::PATH,
            // A fraction where there is none is told before an unknown command is.
            (0..=4 | 10 | 17..=21 | 40 | 49 | 53..=59 | 61 | 80 | 91..=94, 1..) => {
                let fixed = matches!(code, 10 | 28 | 30 | 61 | 91 | 92);
                return Err(if fixed { error::UNSUPPORTED } else { error::NOT_INTEGER });
            }
            _ => return Err(error::UNSUPPORTED),
        };
        self.group(group)
    }

    fn m(&mut self, whole: f64, hundredths: u32, hal: bool) -> Result<(), u32> {
        if hundredths > 0 {
            return Err(error::NOT_INTEGER);
        }
        let code =
            if (0.0..1000.0).contains(&whole) { whole as u32 } else { return Err(error::UNSUPPORTED) };
        let group = match code {
            0 => {
                self.flow = Flow::Paused;
                group::STOP
            }
            1 => group::STOP, // optional stop, with no switch for it
            2 | 30 => {
                self.flow = Flow::Completed;
                group::STOP
            }
            3..=5 => {
                self.modal.spindle =
                    [Spindle::Clockwise, Spindle::CounterClockwise, Spindle::Off][code as usize - 3];
                group::SPINDLE
            }
            6 if hal => {
                self.flow = Flow::ToolChange;
                group::TOOL
            }
            7 if hal => {
                self.modal.mist = true;
                group::COOLANT
            }
            8 => {
                self.modal.flood = true;
                group::COOLANT
            }
            9 => {
                self.modal.flood = false;
                self.modal.mist = false;
                group::COOLANT
            }
            _ => return Err(error::UNSUPPORTED),
        };
        // M7 and M8 may stand together.
        if group == group::COOLANT && matches!(code, 7 | 8) {
            self.groups |= group;
            return Ok(());
        }
        self.group(group)
    }

    fn parameter(&mut self, letter: u8, value: f64) -> Result<(), u32> {
        /// Largest tool number (`MAX_TOOL_NUMBER` of GRBL's documentation of error 38).
        const TOOLS: f64 = 255.0;
        let known = bits(b"FIJKLNPRSTXYZ");
        let bit = bits(&[letter]);
        if known & bit == 0 {
            return Err(error::UNSUPPORTED);
        }
        if self.given & bit != 0 {
            return Err(error::REPEATED);
        }
        if bits(b"FNPST") & bit != 0 && value < 0.0 {
            return Err(error::NEGATIVE);
        }
        if letter == b'T' && value > TOOLS {
            return Err(error::TOOL_NUMBER);
        }
        self.given |= bit;
        self.set(letter, if matches!(letter, b'L' | b'N' | b'T') { value.trunc() } else { value });
        Ok(())
    }
}
