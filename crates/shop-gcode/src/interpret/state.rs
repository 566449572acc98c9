//! What stays in force from line to line, and what one line asks for.

use super::block::Code;
use crate::dialect::Rules;
use shop_cam::canon::Position;
use shop_cam::machine::Dialect;

/// The motion that axis words ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    /// G80.
    None,
    Rapid,
    Line,
    Arc {
        counter_clockwise: bool,
    },
    /// G38.2 … G38.5.
    Probe,
    /// G33, and G33.1, which comes back.
    InStep {
        back: bool,
    },
    /// G76.
    Thread,
    /// G5, and G5.1.
    Bezier {
        quadratic: bool,
    },
    /// G5.2: axis words are control points.
    ControlPoints,
    /// G73, G81 … G89, in tenths.
    Cycle(u16),
}

/// How F is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedMode {
    PerMinute,
    /// G93: moves per minute.
    Inverse,
    /// G95.
    PerTurn,
}

/// What stays in force from line to line.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Where the tool is, canonical.
    pub(crate) position: Position,
    /// Millimetres per unit of the program.
    pub(crate) unit: f64,
    pub(crate) units_given: bool,
    pub(crate) absolute: bool,
    pub(crate) center_absolute: bool,
    /// 0 XY, 1 ZX, 2 YZ.
    pub(crate) plane: usize,
    pub(crate) motion: Motion,
    pub(crate) feed_mode: FeedMode,
    /// F as it stands, in mm where it has a length.
    pub(crate) feed: f64,
    /// The last feed handed on, mm/min.
    pub(crate) emitted_feed: f64,
    /// M3 is 3, M4 is 4, off 0.
    pub(crate) spindle: u8,
    pub(crate) s: f64,
    pub(crate) selected: Option<u32>,
    pub(crate) tool: Option<u32>,
    pub(crate) mist: bool,
    pub(crate) flood: bool,
    pub(crate) system: usize,
    pub(crate) systems: [Position; 9],
    pub(crate) shift: Position,
    pub(crate) shift_on: bool,
    /// From program to canonical coordinates: origin of the system and of G92 (before its rotation).
    pub(crate) offset: Position,
    /// Angle of the system in force, radians.
    pub(crate) rotation: f64,
    pub(crate) rotations: [f64; 9],
    /// The same for the axes beside x, y and z.
    pub(crate) more: [f64; 6],
    pub(crate) more_offset: [f64; 6],
    pub(crate) more_systems: [[f64; 6]; 9],
    pub(crate) more_shift: [f64; 6],
    /// Nothing is in force that makes straight moves anything but straight moves.
    pub(crate) simple: bool,
    /// G7: X words are diameters.
    pub(crate) diameter: bool,
    /// G96 is in force.
    pub(crate) surface: bool,
    pub(crate) tool_offset: Position,
    /// Where the words stood when compensation went off, and where the tool.
    pub(crate) stands: Option<(Position, Position)>,
    /// G28.1 and G30.1, machine coordinates, mm and degrees.
    pub(crate) stored: [[f64; 9]; 2],
    /// Filament, as the program counts it.
    pub(crate) e: Counter,
    pub(crate) e_absolute: bool,
    /// The extruder in use.
    pub(crate) extruder: u16,
    /// Layers begun.
    pub(crate) layers: u32,
    /// G98: cycles return to where they began.
    pub(crate) return_high: bool,
    /// Words of cycles that stay in force: depth, r, q, p, i, j, k.
    pub(crate) cycle: [Option<f64>; 7],
    /// Height at which the series of cycles began.
    pub(crate) cycle_from: Option<f64>,
    /// A probing move down to this height whose touch-off has not come yet.
    pub(crate) probing: Option<f64>,
    pub(crate) probing_line: u32,
    /// Where that move stands in the program.
    pub(crate) probing_at: (usize, usize),
    pub(crate) cut_feed: Option<f64>,
    pub(crate) percent_closed: bool,
    pub(crate) torch: bool,
    pub(crate) saved: Option<Modes>,
}

/// How much filament went in, as the program counts it: where the last absolute word left it, and the relative words
/// since. Their sum is kept in whole steps, so that it is the same however it is divided and does not lose its digits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counter {
    /// mm.
    pub(crate) from: f64,
    /// Steps of [`Counter::STEP`].
    pub(crate) more: i128,
    pub(crate) used: Used,
}

/// What was done with the counter since [`Reader::begin`](super::Reader::begin).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Used {
    /// It was added to at most.
    #[default]
    No,
    /// It was set before anybody asked for it.
    Set,
    /// Somebody asked for it first.
    Asked,
}

impl Counter {
    /// mm; a binary fraction, so that nothing is lost in the conversion of a whole number.
    const STEP: f64 = 1.0 / (1u64 << 40) as f64;

    /// Takes an absolute word; returns how far it is from here.
    #[inline]
    pub(crate) fn go(&mut self, to: f64) -> f64 {
        if self.used == Used::No {
            self.used = Used::Asked;
        }
        // The conversion is slow, and hardly any program mixes both kinds of words.
        if self.more == 0 { to - self.from } else { to - self.value() }
    }

    /// Returns where it stands, mm.
    pub(crate) fn value(&self) -> f64 {
        self.from + self.more as f64 * Self::STEP
    }

    /// Stands at `v` from now on.
    #[inline]
    pub(crate) fn set(&mut self, v: f64) {
        if self.used == Used::No {
            self.used = Used::Set;
        }
        (self.from, self.more) = (v, 0);
    }

    /// Takes a relative word of less than a kilometre or so.
    #[inline]
    pub(crate) fn add(&mut self, v: f64) {
        self.more = self.more.saturating_add((v / Self::STEP) as i64 as i128);
    }
}

/// The modes that M70 saves and M72 restores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modes {
    pub(crate) unit: f64,
    pub(crate) absolute: bool,
    pub(crate) center_absolute: bool,
    pub(crate) plane: usize,
    pub(crate) feed_mode: FeedMode,
    pub(crate) feed: f64,
    pub(crate) return_high: bool,
    pub(crate) system: usize,
    pub(crate) diameter: bool,
    pub(crate) s: f64,
    pub(crate) spindle: u8,
    pub(crate) mist: bool,
    pub(crate) flood: bool,
}

/// What G40, G41 and G42 ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cutting {
    OnPath,
    /// 1 left, -1 right; `given` says that D is the diameter (G41.1, G42.1).
    Beside {
        side: f64,
        given: bool,
    },
}

/// What the G words of one line ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    pub(crate) motion: Option<Motion>,
    /// A code that acts once: G4, G10, G28, G30, G53, G92 …, in tenths.
    pub(crate) once: Option<Code>,
    pub(crate) machine_coordinates: bool,
    pub(crate) inch: Option<bool>,
    pub(crate) plane: Option<usize>,
    pub(crate) absolute: Option<bool>,
    pub(crate) center_absolute: Option<bool>,
    pub(crate) feed_mode: Option<FeedMode>,
    pub(crate) system: Option<usize>,
    pub(crate) return_high: Option<bool>,
    pub(crate) compensation: Option<Cutting>,
    pub(crate) diameter: Option<bool>,
    pub(crate) dwell: bool,
    /// G70, G71 …, in tenths.
    pub(crate) turning: Option<i64>,
    /// The line has been handed on as it stands.
    pub(crate) native: bool,
    /// Words that some code of the line uses.
    pub(crate) used: u32,
}

impl State {
    pub(crate) fn new(rules: &Rules, dialect: Dialect) -> State {
        State {
            position: [0.0; 3],
            unit: 1.0,
            units_given: false,
            absolute: true,
            center_absolute: false,
            plane: 0,
            motion: if rules.rapid_at_start { Motion::Rapid } else { Motion::None },
            feed_mode: FeedMode::PerMinute,
            feed: 0.0,
            emitted_feed: 0.0,
            spindle: 0,
            s: 0.0,
            selected: None,
            tool: None,
            mist: false,
            flood: false,
            system: 0,
            systems: [[0.0; 3]; 9],
            shift: [0.0; 3],
            shift_on: true,
            offset: [0.0; 3],
            rotation: 0.0,
            rotations: [0.0; 9],
            more: [0.0; 6],
            more_offset: [0.0; 6],
            more_systems: [[0.0; 6]; 9],
            more_shift: [0.0; 6],
            simple: true,
            diameter: false,
            surface: false,
            tool_offset: [0.0; 3],
            stands: None,
            stored: [[0.0; 9]; 2],
            e: Counter::default(),
            e_absolute: true,
            extruder: 0,
            layers: 0,
            // LinuxCNC starts with G99 (measured with 2.9).
            return_high: !rules.tool_change,
            cycle: [None; 7],
            cycle_from: None,
            probing: None,
            probing_line: 0,
            probing_at: (0, 1),
            cut_feed: None,
            percent_closed: false,
            torch: matches!(dialect, Dialect::QtPlasmaC),
            saved: None,
        }
    }

    pub(crate) fn feeds_per_minute(&self) -> bool {
        self.feed_mode == FeedMode::PerMinute
    }

    pub(crate) fn tool_on(&self) -> bool {
        self.spindle != 0
    }

    pub(crate) fn modes(&self) -> Modes {
        Modes {
            unit: self.unit,
            absolute: self.absolute,
            center_absolute: self.center_absolute,
            plane: self.plane,
            feed_mode: self.feed_mode,
            feed: self.feed,
            return_high: self.return_high,
            system: self.system,
            diameter: self.diameter,
            s: self.s,
            spindle: self.spindle,
            mist: self.mist,
            flood: self.flood,
        }
    }

    pub(crate) fn restore(&mut self, modes: Modes) {
        self.unit = modes.unit;
        self.absolute = modes.absolute;
        self.center_absolute = modes.center_absolute;
        self.plane = modes.plane;
        self.feed_mode = modes.feed_mode;
        self.feed = modes.feed;
        self.return_high = modes.return_high;
        self.system = modes.system;
        self.diameter = modes.diameter;
        self.place_offset();
    }

    /// Turns a point of the system in force into the canonical frame: G92 first, then its rotation, then its origin
    /// (LinuxCNC's order).
    pub(crate) fn place(&self, program: Position) -> Position {
        let origin = self.systems[self.system];
        let p: Position = std::array::from_fn(|i| program[i] + self.offset[i] - origin[i]);
        let (sin, cos) = self.rotation.sin_cos();
        [p[0] * cos - p[1] * sin + origin[0], p[0] * sin + p[1] * cos + origin[1], p[2] + origin[2]]
    }

    /// Returns the words that would name this canonical point.
    pub(crate) fn name(&self, canonical: Position) -> Position {
        let origin = self.systems[self.system];
        let p: Position = std::array::from_fn(|i| canonical[i] - origin[i]);
        let (sin, cos) = (-self.rotation).sin_cos();
        let turned = [p[0] * cos - p[1] * sin, p[0] * sin + p[1] * cos, p[2]];
        std::array::from_fn(|i| turned[i] - (self.offset[i] - origin[i]))
    }

    pub(crate) fn place_offset(&mut self) {
        self.rotation = self.rotations[self.system];
        for i in 0..3 {
            self.offset[i] = self.systems[self.system][i] + if self.shift_on { self.shift[i] } else { 0.0 };
        }
        for i in 0..6 {
            self.more_offset[i] =
                self.more_systems[self.system][i] + if self.shift_on { self.more_shift[i] } else { 0.0 };
        }
    }
}
