//! The state a program leaves behind from line to line.

/// Motion modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    Seek,
    Linear,
    ArcCw,
    ArcCcw,
    /// G38: towards or away from contact, with or without an alarm when it fails.
    Probe {
        away: bool,
        silent: bool,
    },
    /// G80
    None,
}

/// Planes of arcs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plane {
    Xy,
    Zx,
    Yz,
}

impl Plane {
    /// Returns the two axes of the plane and the one across it.
    pub(super) fn axes(self) -> [usize; 3] {
        match self {
            Plane::Xy => [0, 1, 2],
            Plane::Zx => [2, 0, 1],
            Plane::Yz => [1, 2, 0],
        }
    }
}

/// G90 and G91.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distance {
    Absolute,
    Incremental,
}

/// G20 and G21.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Units {
    Inches,
    Millimetres,
}

/// M3, M4 and M5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spindle {
    Clockwise,
    CounterClockwise,
    Off,
}

/// The state of the parser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Modal {
    pub(super) motion: Motion,
    pub(super) plane: Plane,
    pub(super) distance: Distance,
    pub(super) inverse_time: bool,
    pub(super) units: Units,
    /// 0 for G54
    pub(super) coordinates: usize,
    pub(super) spindle: Spindle,
    pub(super) flood: bool,
    pub(super) mist: bool,
    /// mm/min
    pub(super) feed: f64,
    pub(super) rpm: f64,
    pub(super) tool: u32,
}

impl Default for Modal {
    fn default() -> Modal {
        Modal {
            motion: Motion::Seek,
            plane: Plane::Xy,
            distance: Distance::Absolute,
            inverse_time: false,
            units: Units::Millimetres,
            coordinates: 0,
            spindle: Spindle::Off,
            flood: false,
            mist: false,
            feed: 0.0,
            rpm: 0.0,
            tool: 0,
        }
    }
}

impl Modal {
    /// Returns the answer to `$G`.
    pub(super) fn report(&self) -> String {
        let motion = match self.motion {
            Motion::Seek => "G0",
            Motion::Linear => "G1",
            Motion::ArcCw => "G2",
            Motion::ArcCcw => "G3",
            Motion::Probe { away: false, silent: false } => "G38.2",
            Motion::Probe { away: false, silent: true } => "G38.3",
            Motion::Probe { away: true, silent: false } => "G38.4",
            Motion::Probe { away: true, silent: true } => "G38.5",
            Motion::None => "G80",
        };
        let coordinates = match self.coordinates {
            i @ 0..=5 => format!("G{}", 54 + i),
            i => format!("G59.{}", i - 5),
        };
        let plane = match self.plane {
            Plane::Xy => "G17",
            Plane::Zx => "G18",
            Plane::Yz => "G19",
        };
        let units = if self.units == Units::Inches { "G20" } else { "G21" };
        let distance = if self.distance == Distance::Absolute { "G90" } else { "G91" };
        let feed_mode = if self.inverse_time { "G93" } else { "G94" };
        let spindle = match self.spindle {
            Spindle::Clockwise => "M3",
            Spindle::CounterClockwise => "M4",
            Spindle::Off => "M5",
        };
        let coolant = match (self.mist, self.flood) {
            (false, false) => "M9",
            (true, false) => "M7",
            (false, true) => "M8",
            (true, true) => "M7 M8",
        };
        let inch = if self.units == Units::Inches { 25.4 } else { 1.0 };
        format!(
            "[GC:{motion} {coordinates} {plane} {units} {distance} {feed_mode} {spindle} {coolant} T{} F{} S{}]",
            self.tool,
            trimmed(self.feed / inch, usize::from(inch > 1.0)),
            trimmed(self.rpm, 0)
        )
    }
}

/// Writes a number with that many decimals.
pub(super) fn trimmed(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}")
}
