//! Canonical commands: the waist between planners, posts, the interpreter and the simulator (after RS274/NGC,
//! NISTIR 6556 §4). Every planner ends here and every dialect starts here; the law is
//! `interpret(post(c)) ≈ c`.
//!
//! Positions are absolute, mm, in the work coordinate system; speeds are mm/min; every quantity is spelled out, so
//! a section can be read from its first command without what came before.

use crate::Speed;
use shop_geom::Point;

/// A position in work coordinates, mm: x, y, z.
pub type Position = [f64; 3];

/// One thing the machine does.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Moves as fast as it can, every axis at once (G0).
    Rapid {
        /// Where to.
        to: Position,
    },
    /// Moves straight at the feed (G1).
    Line {
        /// Where to.
        to: Position,
    },
    /// Moves on a circle in the XY plane at the feed, z along with it (G2, G3). Equal x and y at both ends make a
    /// full turn.
    Arc {
        /// Where to.
        to: Position,
        /// Middle of the circle.
        center: Point,
        /// Direction seen from +z.
        counter_clockwise: bool,
    },
    /// Sets the feed for what follows (F).
    Feed(Speed),
    /// Waits (G4).
    Dwell {
        /// How long, s.
        seconds: f64,
    },
    /// Sets the spindle (M3, M4, M5 on a router).
    Spindle(Spindle),
    /// Sets the torch (M3, M5 on a plasma table).
    Torch(Torch),
    /// Sets the laser (M3, M4, M5 with S).
    Laser(Laser),
    /// Sets coolant or assist air (M7, M8, M9).
    Coolant {
        /// M7: mist, or assist air on lasers.
        mist: bool,
        /// M8: flood.
        flood: bool,
    },
    /// Puts a tool into the spindle (T, M6).
    ToolChange {
        /// Its number in the tool table.
        number: u32,
    },
    /// Drills one hole: rapid to `at` at the clearance height, down at the feed, and back (G81, G83, or long hand).
    Drill(Box<Drill>),
    /// Selects a cut material in the controller (M190 P, QtPlasmaC).
    Material {
        /// Its number in the controller's table.
        number: u32,
    },
    /// Switches the controller's torch height control (M62/M63 P2, QtPlasmaC).
    TorchHeightControl {
        /// True: on.
        on: bool,
    },
    /// Scales the cutting speed (M67 E3, QtPlasmaC); 100 restores.
    CutSpeed {
        /// Percent of the material's feed.
        percent: f64,
    },
    /// Touches off on the sheet: moves down until the probe trips (G38.2), then the surface is z = `z`.
    Probe {
        /// How far down it may go.
        to: f64,
        /// Height of the surface below the trip point after touch-off, mm (float travel and backlash).
        z: f64,
    },
    /// Waits for a person (M0; M1 when optional).
    Pause {
        /// Only when the operator's switch is on.
        optional: bool,
    },
    /// A remark for the reader of the program.
    Comment(Box<str>),
    /// A line passed on as it is (profile header and footer).
    Verbatim(Box<str>),
    /// Ends the program (M2, M30).
    End,
}

/// State of a spindle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spindle {
    /// M5.
    Off,
    /// M3.
    Clockwise {
        /// Revolutions per minute.
        rpm: f64,
    },
    /// M4.
    CounterClockwise {
        /// Revolutions per minute.
        rpm: f64,
    },
}

/// State of a torch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torch {
    /// Off.
    Off,
    /// Cutting.
    Cut,
    /// Marking with a scribe.
    Scribe,
    /// Marking with short pulses of the arc.
    Spot,
}

/// State of a laser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Laser {
    /// M5.
    Off,
    /// M3: the same power at any speed.
    Constant {
        /// Fraction of full power, 0 to 1.
        power: f64,
    },
    /// M4: power follows speed, none at rest.
    Dynamic {
        /// Fraction of full power, 0 to 1.
        power: f64,
    },
}

/// A drilled hole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drill {
    /// Where.
    pub at: Point,
    /// Height at which the tool travels between holes.
    pub clearance: f64,
    /// Height down to which it moves rapidly.
    pub retract: f64,
    /// Height of the bottom.
    pub bottom: f64,
    /// Depth of a peck; none drills in one go.
    pub peck: Option<f64>,
    /// Wait at the bottom, s.
    pub dwell: f64,
}

/// Height above the last peck at which a drill starts to feed again, mm (0.010 in, LinuxCNC's G83).
const PECK_CLEARANCE: f64 = 0.254;
/// More pecks than this are a mistake in the program, and are drilled in one go.
const MOST_PECKS: f64 = 10_000.0;

impl Drill {
    /// Calls `emit` with the hole written out long hand, for a tool that stands at `from`: rapids, feeds and the
    /// dwell. The tool ends at `clearance` above the hole.
    pub fn expand(&self, from: Position, mut emit: impl FnMut(Command)) {
        let (x, y) = (self.at.x, self.at.y);
        let travel = from[2].max(self.clearance);
        if from[2] < travel {
            emit(Command::Rapid { to: [from[0], from[1], travel] });
        }
        emit(Command::Rapid { to: [x, y, travel] });
        if self.retract < travel {
            emit(Command::Rapid { to: [x, y, self.retract] });
        }
        let depth = self.retract - self.bottom;
        if let Some(peck) = self.peck.filter(|p| *p > 0.0 && depth / p < MOST_PECKS) {
            let mut z = self.retract - peck;
            while z > self.bottom + 1e-9 {
                emit(Command::Line { to: [x, y, z] });
                emit(Command::Rapid { to: [x, y, self.retract] });
                emit(Command::Rapid { to: [x, y, (z + PECK_CLEARANCE).min(self.retract)] });
                z -= peck;
            }
        }
        emit(Command::Line { to: [x, y, self.bottom] });
        if self.dwell > 0.0 {
            emit(Command::Dwell { seconds: self.dwell });
        }
        emit(Command::Rapid { to: [x, y, self.clearance] });
    }
}

impl Role {
    /// Returns its name, as it stands in programs.
    pub fn name(self) -> &'static str {
        match self {
            Role::Header => "header",
            Role::Mark => "mark",
            Role::Drill => "drill",
            Role::Pocket => "pocket",
            Role::Profile => "profile",
            Role::Footer => "footer",
            Role::Unknown => "section",
        }
    }

    /// Returns the role of this name.
    pub fn from_name(name: &str) -> Option<Role> {
        [Role::Header, Role::Mark, Role::Drill, Role::Pocket, Role::Profile, Role::Footer, Role::Unknown]
            .into_iter()
            .find(|r| r.name() == name)
    }
}

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Set-up before the first cut.
    Header,
    /// Marking and engraving.
    Mark,
    /// Holes.
    Drill,
    /// Clearing.
    Pocket,
    /// Cutting out.
    Profile,
    /// Shut-down.
    Footer,
    /// From a program that does not say.
    Unknown,
}

/// Commands of one operation and role: the unit of planning, posting and checking.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What it is for.
    pub role: Role,
    /// Name for people, e.g. "part 3 of 12".
    pub label: String,
    /// The commands, in order.
    pub commands: Vec<Command>,
    /// 1-based program line of each command; empty when it does not come from a program.
    pub lines: Vec<u32>,
}

impl Section {
    /// Returns an empty section.
    pub fn new(role: Role, label: impl Into<String>) -> Self {
        Section { role, label: label.into(), commands: Vec::new(), lines: Vec::new() }
    }
}
