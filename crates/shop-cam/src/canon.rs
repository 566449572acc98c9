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

/// One thing the machine does. At most 48 bytes: what is rare is boxed.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Moves as fast as it can, every axis at once (G0). Marlin, Klipper and RepRapFirmware know one feed for G0 and
    /// G1: there the feed in force is its speed.
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
    /// Moves straight at the feed while filament is pushed through the nozzle (G1 with E on a printer).
    Extrude {
        /// Where to.
        to: Position,
        /// Filament that goes in during the move, mm; negative pulls it back.
        e: f64,
    },
    /// Pushes filament with the nozzle at rest, or pulls it back (G1 with E alone), at the feed.
    Filament {
        /// Filament that goes in, mm; negative retracts.
        e: f64,
    },
    /// Retracts, or recovers, by the length and speed set in the firmware (G10, G11 on a printer).
    FirmwareRetract {
        /// True: the filament comes back (G11).
        recover: bool,
    },
    /// A move that has more to say than `Rapid`, `Line`, `Arc` and `Extrude`: other planes, turns, rotary axes,
    /// filament on an arc, a spindle in step.
    Move(Box<Move>),
    /// Sets the feed for what follows (F), whatever the mode it was given in. Along x, y and z where one of them
    /// moves; in degrees/min where only rotary axes do.
    Feed(Speed),
    /// Says how the program gives its feeds; the figures in [`Command::Feed`] are worked out already.
    FeedMode(FeedMode),
    /// Scales every feed that follows (M220), or the filament (M221).
    Factor {
        /// What is scaled.
        of: Factor,
        /// 1 is as programmed.
        factor: f64,
    },
    /// Says how closely the path is followed round corners (G61, G61.1, G64).
    PathControl(PathControl),
    /// Changes accelerations, speeds or corner settings of the controller (M201 … M205, SET_VELOCITY_LIMIT).
    Limits(Box<Limits>),
    /// Finishes every move before it goes on (M400, or a wait of no time).
    Finish,
    /// Searches the switches of these axes (G28 on a printer).
    Home {
        /// Which axes: x, y, z.
        axes: [bool; 3],
        /// Where the tool is afterwards.
        to: Position,
        /// A printer's own. Others look for their switches in another order, and up where a printer goes down, so
        /// that one is never written for the other.
        of_printer: bool,
    },
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
    /// Puts a tool into the spindle (T, M6), or makes an extruder the active one (T on a printer).
    ToolChange {
        /// Its number in the tool table.
        number: u32,
    },
    /// Makes the changer ready for a tool that comes later (T without M6).
    ToolSelect {
        /// Its number in the tool table.
        number: u32,
    },
    /// Puts a tool's offset in force (G43, G43.1, G49: none). Positions stay those of the tip.
    ToolOffset {
        /// From the tool holder's reference to the tip: x, y, z, mm.
        offset: Position,
    },
    /// Holds the speed of the surface instead of the spindle's (G96); 0 goes back to rpm (G97).
    SurfaceSpeed {
        /// Speed of the surface, m/min.
        m_per_min: f64,
        /// Never faster than this, rpm; infinite when not said.
        most_rpm: f64,
    },
    /// Sets the target of a heater (M104, M109, M140, M190, M141, M191).
    Temperature {
        /// Which one.
        heater: Heater,
        /// Target, °C; 0 switches it off.
        target_c: f64,
        /// Whether the program goes on at once.
        wait: Wait,
    },
    /// Sets a fan (M106, M107).
    Fan {
        /// Its number; 0 is the one for the part.
        number: u16,
        /// Fraction of full speed.
        fraction: f64,
    },
    /// Asks a person for another filament (M600).
    FilamentChange,
    /// Switches a digital output, or sets an analogue one (M62 … M68, M42).
    Output {
        /// Its number.
        number: u16,
        /// 0 and 1 for digital outputs.
        value: f64,
        /// Analogue.
        analog: bool,
        /// Together with the next move rather than at once.
        synchronised: bool,
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
    /// A layer of a print begins (`;LAYER_CHANGE`, `;LAYER:7`).
    Layer {
        /// Its number, the first is 0.
        number: u32,
    },
    /// What the slicer calls the roads that follow (`;TYPE:External perimeter`).
    Feature(Box<str>),
    /// A text for the machine's display (M117, `(MSG,…)`).
    Message(Box<str>),
    /// A remark for the reader of the program.
    Comment(Box<str>),
    /// A command of the controller that has no canonical meaning, as it stood (M115, `START_PRINT BED=60`).
    Native(Box<str>),
    /// A line passed on as it is (profile header and footer).
    Verbatim(Box<str>),
    /// Ends the program (M2, M30).
    End,
}

/// A plane of arcs; counter-clockwise is as seen from the positive end of the axis it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// G17.
    Xy,
    /// G18.
    Zx,
    /// G19.
    Yz,
}

impl Plane {
    /// Returns the indices of its first and second axis and of its normal.
    ///
    /// ```
    /// assert_eq!(shop_cam::canon::Plane::Zx.axes(), [2, 0, 1]);
    /// ```
    pub fn axes(self) -> [usize; 3] {
        match self {
            Plane::Xy => [0, 1, 2],
            Plane::Zx => [2, 0, 1],
            Plane::Yz => [1, 2, 0],
        }
    }
}

/// Which way a [`Move`] takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// As [`Command::Rapid`].
    Rapid,
    /// As [`Command::Line`].
    Line,
    /// On a circle or helix at the feed.
    Arc {
        /// Plane of the circle.
        plane: Plane,
        /// Middle of the circle along the plane's first and second axis.
        center: [f64; 2],
        /// Direction seen from the positive end of the plane's normal.
        counter_clockwise: bool,
        /// Turns, the last one perhaps not full; at least 1.
        turns: u32,
    },
}

/// Axes beside x, y and z, in the order A, B, C (degrees), U, V, W (mm).
pub type MoreAxes = [Option<f64>; 6];

/// A move with all that a program may say about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// Where to.
    pub to: Position,
    /// Which way.
    pub way: Way,
    /// Where the other axes go, absolute; none stays.
    pub more: MoreAxes,
    /// Filament that goes in during the move, mm.
    pub e: f64,
    /// Travel per turn of the spindle, mm, that the move keeps in step with (G33, a pass of G76); none is free.
    pub pitch: Option<f64>,
}

/// Most chords of one move; beyond it the program is a mistake.
const MOST_CHORDS: f64 = 100_000.0;

impl Move {
    /// Returns the angle that an arc turns in all, radians; 0 for straight moves.
    pub fn sweep(&self, from: Position) -> f64 {
        let Way::Arc { plane, center, counter_clockwise, turns } = self.way else { return 0.0 };
        let [a, b, _] = plane.axes();
        let angle = |p: Position| (p[b] - center[1]).atan2(p[a] - center[0]);
        let turn =
            if counter_clockwise { angle(self.to) - angle(from) } else { angle(from) - angle(self.to) };
        let turn = turn.rem_euclid(std::f64::consts::TAU);
        let whole = !(FULL_TURN_BELOW..=std::f64::consts::TAU - FULL_TURN_BELOW).contains(&turn);
        let last = if whole { std::f64::consts::TAU } else { turn };
        last + std::f64::consts::TAU * f64::from(turns.max(1) - 1)
    }

    /// Returns the length of the way from `from` along x, y and z, mm.
    pub fn length(&self, from: Position) -> f64 {
        let Way::Arc { plane, center, .. } = self.way else {
            return (0..3).map(|i| (self.to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
        };
        let [a, b, c] = plane.axes();
        let radius = (from[a] - center[0]).hypot(from[b] - center[1]);
        (radius * self.sweep(from)).hypot(self.to[c] - from[c])
    }

    /// Returns of how many chords [`Move::chords`] tells.
    pub fn count_of_chords(&self, from: Position, tolerance: f64) -> u32 {
        let Way::Arc { plane, center, .. } = self.way else { return 1 };
        let [a, b, _] = plane.axes();
        let radius = (from[a] - center[0]).hypot(from[b] - center[1]);
        let step = 2.0 * (1.0 - tolerance / radius.max(2.0 * tolerance)).clamp(-1.0, 1.0).acos();
        (self.sweep(from) / step.max(1e-6)).ceil().clamp(1.0, MOST_CHORDS) as u32
    }

    /// Calls `emit` with the ends of chords that leave the way by at most `tolerance`, mm, the last one at `to`.
    /// O(chords).
    pub fn chords(&self, from: Position, tolerance: f64, emit: impl FnMut(Position)) {
        self.divided(from, self.count_of_chords(from, tolerance), emit);
    }

    /// Calls `emit` with the ends of `count` chords, the last one at `to`.
    pub fn divided(&self, from: Position, count: u32, mut emit: impl FnMut(Position)) {
        if let Way::Arc { plane, center, counter_clockwise, .. } = self.way {
            let [a, b, c] = plane.axes();
            let radius = (from[a] - center[0]).hypot(from[b] - center[1]);
            let grows = (self.to[a] - center[0]).hypot(self.to[b] - center[1]) - radius;
            let total = self.sweep(from);
            let count = f64::from(count);
            let first = (from[b] - center[1]).atan2(from[a] - center[0]);
            let signed = if counter_clockwise { total } else { -total };
            // One turn after the other, set right every 16th.
            let (sin1, cos1) = (signed / count).sin_cos();
            let (mut sin, mut cos) = first.sin_cos();
            for i in 1..count as u64 {
                let t = i as f64 / count;
                (sin, cos) = if i % 16 == 0 {
                    (first + signed * t).sin_cos()
                } else {
                    (sin * cos1 + cos * sin1, cos * cos1 - sin * sin1)
                };
                let mut at = from;
                at[a] = center[0] + (radius + grows * t) * cos;
                at[b] = center[1] + (radius + grows * t) * sin;
                at[c] += (self.to[c] - from[c]) * t;
                emit(at);
            }
        }
        emit(self.to);
    }
}

/// Travel below this angle counts as a full turn, radians (GRBL 1.1: ARC_ANGULAR_TRAVEL_EPSILON).
const FULL_TURN_BELOW: f64 = 5e-7;

/// How a program gives its feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedMode {
    /// G94.
    PerMinute,
    /// G93: moves per minute.
    InverseTime,
    /// G95: length per turn of the spindle.
    PerTurn,
}

/// What a percentage scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// M220: all feeds.
    Feed,
    /// M221: filament.
    Flow,
}

/// How a controller follows the path round corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PathControl {
    /// G61: the path as it is, as fast as it allows.
    Exact,
    /// G61.1: with a stop at every end.
    ExactStop,
    /// G64: corners are rounded.
    Blend {
        /// How far the path may be left, mm; none keeps the speed, however far it leads.
        tolerance: Option<f64>,
        /// How far lines may lie beside one that stands for several, mm (Q).
        straighten: Option<f64>,
    },
}

/// Limits that a program changes; none stays as it is. Lengths in mm, times in s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Highest acceleration of x, y, z and the extruder, mm/s² (M201).
    pub axis_acceleration: [Option<f64>; 4],
    /// Highest speed of x, y, z and the extruder, mm/s (M203).
    pub axis_speed: [Option<f64>; 4],
    /// Speed jump of x, y, z and the extruder, mm/s (M205 X Y Z E, M566).
    pub jerk: [Option<f64>; 4],
    /// Acceleration of printing moves, mm/s² (M204 P or S, SET_VELOCITY_LIMIT ACCEL).
    pub acceleration: Option<f64>,
    /// Acceleration of travel moves, mm/s² (M204 T).
    pub travel_acceleration: Option<f64>,
    /// Acceleration of the filament alone, mm/s² (M204 R).
    pub retract_acceleration: Option<f64>,
    /// Junction deviation, mm (M205 J).
    pub junction_deviation: Option<f64>,
    /// Highest speed of all (SET_VELOCITY_LIMIT VELOCITY), mm/s.
    pub speed: Option<f64>,
    /// Speed round a square corner, mm/s (Klipper).
    pub square_corner_speed: Option<f64>,
    /// Fraction of a move that is made at one speed (Klipper MINIMUM_CRUISE_RATIO).
    pub cruise_ratio: Option<f64>,
    /// Lowest speed of printing moves and of travel, mm/s (M205 S, T).
    pub least_speed: [Option<f64>; 2],
    /// Pressure advance, s (M900 K, M572, SET_PRESSURE_ADVANCE).
    pub pressure_advance: Option<f64>,
}

/// A heater.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heater {
    /// The nozzle of this extruder.
    Hotend(u16),
    /// The bed.
    Bed,
    /// The chamber.
    Chamber,
}

/// Whether a program waits for a temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It goes on at once.
    No,
    /// Until it is warm enough (S).
    Heat,
    /// Until it is reached, from above too (R).
    Both,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stays_small() {
        assert!(size_of::<Command>() <= 48, "{}", size_of::<Command>());
    }

    #[test]
    fn a_helix_in_another_plane_is_as_long_as_its_chords() {
        let from = [10.0, -3.0, 0.0];
        let way = Way::Arc { plane: Plane::Zx, center: [0.0, 0.0], counter_clockwise: true, turns: 3 };
        let m = Move { to: [0.0, 9.0, 10.0], way, more: [None; 6], e: 0.0, pitch: None };
        let (mut at, mut length, mut last) = (from, 0.0, from);
        m.chords(from, 1e-6, |to| {
            assert!((to[0].hypot(to[2]) - 10.0).abs() < 1e-9);
            length += (0..3).map(|i| (to[i] - at[i]).powi(2)).sum::<f64>().sqrt();
            at = to;
            last = to;
        });
        assert_eq!(last, m.to);
        // ZX seen from +y: from +x counter-clockwise to +z is three quarters of a turn, after two whole ones.
        let sweep = 2.75 * std::f64::consts::TAU;
        assert!((m.sweep(from) - sweep).abs() < 1e-12);
        assert!((length - (10.0 * sweep).hypot(12.0)).abs() < 1e-3, "{length}");
        assert!((m.length(from) - (10.0 * sweep).hypot(12.0)).abs() < 1e-9);
    }
}
