//! From commands to motion: the one place that knows what a command does to the machine's state.
//!
//! Proof, estimate and preview all see a program through [`walk`], so that they cannot disagree about where the
//! tool is. A drilling cycle is written out into its moves.

use crate::piece::Piece;
use shop_cam::canon::{self, Command, Drill, Laser, Plane, Position, Section, Spindle, Torch, Way};
use shop_cam::chords::Chords;
use shop_cam::machine::MachineKind;
use shop_geom::Point;

/// Chords of arcs outside the XY plane leave them by at most this, mm.
const CHORD_TOLERANCE: f64 = 0.001;
/// As many chords an arc may have when others have spent the program's allowance.
const COARSE: u32 = 32;

/// What the machine is doing when a command is met.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Where the tool is.
    pub at: Position,
    /// Feed, mm/min; none before the first F.
    pub feed: Option<f64>,
    pub spindle: Spindle,
    pub torch: Torch,
    pub laser: Laser,
    /// Tool in the spindle, 0 before the first change.
    pub tool: u32,
    /// From the tool holder's reference to the tip, mm (G43).
    pub tool_offset: Position,
    /// Where the axes beside x, y and z are: A, B, C, U, V, W.
    pub more: [f64; 6],
    /// How far arcs may still be divided.
    pub chords: Chords,
}

/// How a move is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Rapid,
    Line,
    Arc { center: Point, counter_clockwise: bool },
}

/// One move; the state it starts from is the walker's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub from: Position,
    pub to: Position,
    pub kind: Kind,
    /// Filament that goes in during the move, mm; 0 on machines without.
    pub e: f64,
    /// Turn of the axes beside x, y and z, degrees or mm.
    pub turn: f64,
}

impl Move {
    /// Returns the length of the way along x, y and z, mm.
    pub fn length(&self) -> f64 {
        match self.kind {
            Kind::Rapid | Kind::Line => distance(&self.from, &self.to),
            Kind::Arc { center, counter_clockwise } => {
                let [a, b] = [self.from, self.to].map(|p| Point::new(p[0], p[1]));
                Piece::arc(a, b, center, counter_clockwise).length().hypot(self.to[2] - self.from[2])
            }
        }
    }
}

/// Returns how far two places are from one another, mm.
#[inline]
pub(crate) fn distance(a: &Position, b: &Position) -> f64 {
    let d: [f64; 3] = std::array::from_fn(|i| b[i] - a[i]);
    (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
}

/// Where in the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Index of the section.
    pub section: u32,
    /// 1-based program line, 0 when not known.
    pub line: u32,
}

/// What the walker meets.
pub(crate) enum Event<'a> {
    /// The tool moves.
    Move(Move),
    /// Anything else, told before it takes effect.
    Other(&'a Command),
}

impl State {
    /// Returns the state of a machine that has just been switched on, at `at`.
    pub fn new(at: Position) -> Self {
        State {
            at,
            feed: None,
            spindle: Spindle::Off,
            torch: Torch::Off,
            laser: Laser::Off,
            tool: 0,
            tool_offset: [0.0; 3],
            more: [0.0; 6],
            chords: Chords::of(0),
        }
    }

    /// True when the laser gives light.
    pub fn laser_on(&self) -> bool {
        match self.laser {
            Laser::Off => false,
            Laser::Constant { power } | Laser::Dynamic { power } => power > 0.0,
        }
    }
}

/// Walks the program from `start` and tells `visit` every move and every other command, up to and including the
/// first `End`. Coordinates that are not finite leave the axis where it is. O(commands).
pub(crate) fn walk(sections: &[Section], start: Position, mut visit: impl FnMut(&State, Place, Event<'_>)) {
    let mut state = State::new(start);
    state.chords = Chords::of(bytes_of(sections));
    for (i, section) in sections.iter().enumerate() {
        for (k, command) in section.commands.iter().enumerate() {
            let place = Place { section: i as u32, line: section.lines.get(k).copied().unwrap_or(0) };
            step(&mut state, place, command, &mut visit);
            if *command == Command::End {
                return;
            }
        }
    }
}

/// Returns how long the text of sections is, roughly.
pub(crate) fn bytes_of(sections: &[Section]) -> u64 {
    20 * sections.iter().map(|s| s.commands.len() as u64).sum::<u64>()
}

pub(crate) fn step(
    state: &mut State,
    place: Place,
    command: &Command,
    visit: &mut impl FnMut(&State, Place, Event<'_>),
) {
    match command {
        Command::Rapid { to } | Command::Home { to, .. } => {
            go(state, place, *to, Kind::Rapid, (0.0, 0.0), visit);
        }
        Command::Line { to } => go(state, place, *to, Kind::Line, (0.0, 0.0), visit),
        Command::Arc { to, center, counter_clockwise } => {
            let kind = Kind::Arc { center: *center, counter_clockwise: *counter_clockwise };
            let kind = if center.x.is_finite() && center.y.is_finite() { kind } else { Kind::Line };
            go(state, place, *to, kind, (0.0, 0.0), visit);
        }
        Command::Drill(drill) => walk_drill(state, place, drill, visit),
        Command::Extrude { to, e } => go(state, place, *to, Kind::Line, (*e, 0.0), visit),
        Command::Move(m) => step_move(state, place, m, visit),
        other => {
            visit(state, place, Event::Other(other));
            apply(state, other);
        }
    }
}

/// A move that says more than a plain one; what is no arc in the XY plane is walked in chords.
fn step_move(
    state: &mut State,
    place: Place,
    m: &canon::Move,
    visit: &mut impl FnMut(&State, Place, Event<'_>),
) {
    let mut turn2 = 0.0;
    for (at, to) in state.more.iter_mut().zip(m.more) {
        if let Some(to) = to.filter(|to| to.is_finite()) {
            turn2 += (to - *at) * (to - *at);
            *at = to;
        }
    }
    let more = (m.e, f64::sqrt(turn2));
    match m.way {
        Way::Rapid => go(state, place, m.to, Kind::Rapid, more, visit),
        Way::Line => go(state, place, m.to, Kind::Line, more, visit),
        Way::Arc { plane: Plane::Xy, center: [x, y], counter_clockwise, turns: 1 }
            if x.is_finite() && y.is_finite() =>
        {
            let kind = Kind::Arc { center: Point::new(x, y), counter_clockwise };
            go(state, place, m.to, kind, more, visit);
        }
        Way::Arc { .. } => {
            let whole = m.length(state.at).max(1e-12);
            let count = state.chords.take(m.count_of_chords(state.at, CHORD_TOLERANCE), COARSE);
            m.divided(state.at, count, |to| {
                let d = (0..3).map(|i| (to[i] - state.at[i]).powi(2)).sum::<f64>().sqrt() / whole;
                go(state, place, to, Kind::Line, (more.0 * d, more.1 * d), visit);
            });
        }
    }
}

fn apply(state: &mut State, command: &Command) {
    match *command {
        Command::Feed(speed) => {
            let feed = speed.mm_per_min();
            state.feed = (feed.is_finite() && feed > 0.0).then_some(feed);
        }
        Command::Spindle(spindle) => state.spindle = spindle,
        Command::Torch(torch) => state.torch = torch,
        Command::Laser(laser) => state.laser = laser,
        Command::ToolChange { number } => state.tool = number,
        Command::Probe { z, .. } if z.is_finite() => state.at[2] = z,
        Command::ToolOffset { offset } if offset.iter().all(|v| v.is_finite()) => {
            // The machine stands still: the tip has other coordinates.
            for i in 0..3 {
                state.at[i] -= offset[i] - state.tool_offset[i];
            }
            state.tool_offset = offset;
        }
        _ => {}
    }
}

fn go(
    state: &mut State,
    place: Place,
    to: Position,
    kind: Kind,
    (e, turn): (f64, f64),
    visit: &mut impl FnMut(&State, Place, Event<'_>),
) {
    let mut target = state.at;
    for axis in 0..3 {
        if to[axis].is_finite() {
            target[axis] = to[axis];
        }
    }
    visit(state, place, Event::Move(Move { from: state.at, to: target, kind, e, turn }));
    state.at = target;
}

fn walk_drill(
    state: &mut State,
    place: Place,
    drill: &Drill,
    visit: &mut impl FnMut(&State, Place, Event<'_>),
) {
    drill.expand(state.at, |command| match command {
        Command::Rapid { to } => go(state, place, to, Kind::Rapid, (0.0, 0.0), visit),
        Command::Line { to } => go(state, place, to, Kind::Line, (0.0, 0.0), visit),
        other => visit(state, place, Event::Other(&other)),
    });
}

/// Below the top by less than this is on it, mm.
const TOUCHING: f64 = 1e-6;

/// Returns the part of a move that is in the work, as fractions of it: a tool below the stock's top, a torch that
/// burns, a laser that is on while feeding (laser mode switches it off in rapids).
pub(crate) fn in_work(kind: MachineKind, top: f64, state: &State, m: &Move) -> Option<(f64, f64)> {
    match kind {
        MachineKind::Plasma => (state.torch != Torch::Off).then_some((0.0, 1.0)),
        // Where filament goes in; what lies under it is not cut.
        MachineKind::Printer => (m.e > 0.0).then_some((0.0, 1.0)),
        MachineKind::Laser => (state.laser_on() && m.kind != Kind::Rapid).then_some((0.0, 1.0)),
        MachineKind::Router | MachineKind::Knife => {
            match (m.from[2] < top - TOUCHING, m.to[2] < top - TOUCHING) {
                (false, false) => None,
                (true, true) => Some((0.0, 1.0)),
                (below, _) => {
                    let t = ((top - m.from[2]) / (m.to[2] - m.from[2])).clamp(0.0, 1.0);
                    Some(if below { (0.0, t) } else { (t, 1.0) })
                }
            }
        }
    }
}

/// Travel below this angle counts as a full turn, radians (GRBL 1.1: ARC_ANGULAR_TRAVEL_EPSILON).
const FULL_TURN_BELOW: f64 = 5e-7;

/// Returns the signed angle of an arc about `center`.
pub(crate) fn sweep(from: Point, to: Point, center: Point, counter_clockwise: bool) -> f64 {
    let (u, w) = (from - center, to - center);
    let turn = shop_geom::cross(u, w).atan2(u.dot(&w));
    if counter_clockwise {
        if turn <= FULL_TURN_BELOW { turn + std::f64::consts::TAU } else { turn }
    } else if turn >= -FULL_TURN_BELOW {
        turn - std::f64::consts::TAU
    } else {
        turn
    }
}
