//! What the tool does, as paths to draw: rapids, and runs through the work with their leads told apart.

use super::PreviewInput;
use crate::index::Index;
use crate::motion::{Event, Kind, Move, State, in_work, walk};
use crate::piece::Piece;
use shop_cam::canon::{Command, Torch};
use shop_cam::intent::{Goal, Intent, Waste};
use shop_cam::machine::MachineKind;
use shop_geom::{Aabb, Point};

/// One connected path.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// True when the tool is not in the work.
    pub rapid: bool,
    pub pieces: Vec<Piece>,
    /// How many pieces lead into the contour.
    pub lead_in: usize,
    /// How many pieces lead out of it.
    pub lead_out: usize,
    /// Half the cut's width, mm.
    pub radius: f64,
    /// Seconds at the speeds asked for, acceleration left out.
    pub seconds: f64,
    /// Index of the section.
    pub section: u32,
}

/// Everything to draw.
pub(super) struct Trail {
    pub runs: Vec<Run>,
    /// Extents of what is cut or drawn.
    pub bounds: Aabb,
    pub cut_length: f64,
    pub rapid_length: f64,
    pub pierces: usize,
    pub kind: MachineKind,
}

/// Speed of rapids in the player, mm/s; only the proportion to feeds matters.
const RAPID_SPEED: f64 = 150.0;

/// Follows the program.
pub(super) fn follow(input: &PreviewInput<'_>) -> Trail {
    let kind = input.intent.map_or_else(|| guess(input), |i| i.kind);
    let top = input.intent.map_or(0.0, |i| i.top);
    let mut trail =
        Trail { runs: Vec::new(), bounds: Aabb::EMPTY, cut_length: 0.0, rapid_length: 0.0, pierces: 0, kind };
    let mut cutting = false;
    let mut known = false;
    walk(input.sections, [0.0, 0.0, top.max(0.0)], |state, place, event| match event {
        Event::Move(m) => {
            cutting = add(&mut trail, input.intent, kind, top, state, place.section, &m, cutting, known);
            known = true;
        }
        Event::Other(Command::Torch(Torch::Off) | Command::Laser(_)) => cutting = false,
        Event::Other(Command::Torch(_)) if state.torch == Torch::Off => cutting = false,
        Event::Other(_) => {}
    });
    for run in &trail.runs {
        if !run.rapid {
            trail.pierces += 1;
            trail.bounds = run.pieces.iter().fold(trail.bounds, |b, p| b.union(p.bounds()));
        }
    }
    if let Some(intent) = input.intent {
        find_leads(&mut trail, intent);
        for goal in &intent.goals {
            trail.bounds = trail.bounds.union(goal_bounds(goal));
        }
    }
    if trail.bounds.is_empty() {
        let rapid = trail.runs.iter().flat_map(|r| &r.pieces).fold(Aabb::EMPTY, |b, p| b.union(p.bounds()));
        trail.bounds = rapid.union(Aabb::of([Point::origin(), Point::new(10.0, 10.0)]));
    }
    trail
}

fn goal_bounds(goal: &Goal) -> Aabb {
    match goal {
        Goal::Profile { contour, .. } => contour.bounds(),
        Goal::Pocket { boundary, .. } => boundary.iter().fold(Aabb::EMPTY, |b, p| b.union(p.bounds())),
        Goal::Trace { line, .. } => line.bounds(),
        Goal::Drill { at, diameter, .. } => Aabb::of([*at]).inflated(0.5 * diameter),
    }
}

/// Tells the process from the program's own words.
fn guess(input: &PreviewInput<'_>) -> MachineKind {
    for command in input.sections.iter().flat_map(|s| &s.commands) {
        match command {
            Command::Torch(_) => return MachineKind::Plasma,
            Command::Laser(_) => return MachineKind::Laser,
            _ => {}
        }
    }
    MachineKind::Router
}

fn radius_of(intent: Option<&Intent>, tool: u32) -> f64 {
    let Some(intent) = intent else { return 0.0 };
    let table = &intent.diameters;
    let found = table.iter().find(|d| d.0 == tool).or_else(|| table.iter().find(|d| d.0 == 0));
    0.5 * found.or(table.first()).map_or(0.0, |d| d.1).max(0.0)
}

#[allow(clippy::fn_params_excessive_bools)]
fn add(
    trail: &mut Trail,
    intent: Option<&Intent>,
    kind: MachineKind,
    top: f64,
    state: &State,
    section: u32,
    m: &Move,
    cutting: bool,
    known: bool,
) -> bool {
    let (a, b) = (Point::new(m.from[0], m.from[1]), Point::new(m.to[0], m.to[1]));
    let piece = match m.kind {
        Kind::Arc { center, counter_clockwise } => Piece::arc(a, b, center, counter_clockwise),
        _ => Piece::line(a, b),
    };
    let length = piece.length().hypot(m.to[2] - m.from[2]);
    let rapid = m.kind == Kind::Rapid;
    let speed = if rapid { RAPID_SPEED } else { state.feed.map_or(10.0, |f| (f / 60.0).max(0.01)) };
    if rapid && known {
        trail.rapid_length += length;
    }
    let within = in_work(kind, top, state, m).filter(|_| !rapid);
    let Some((from, to)) = within else {
        if known && piece.length() > 0.0 {
            let radius = radius_of(intent, state.tool);
            push(trail, true, true, piece, radius, length / speed, section);
        }
        return cutting && rapid && in_work(kind, top, state, m).is_some();
    };
    trail.cut_length += length * (to - from);
    let radius = radius_of(intent, state.tool);
    push(trail, false, cutting, piece.part(from, to), radius, length / speed, section);
    to == 1.0
}

fn push(trail: &mut Trail, rapid: bool, join: bool, piece: Piece, radius: f64, seconds: f64, section: u32) {
    if let Some(last) = trail.runs.last_mut().filter(|r| join && r.rapid == rapid) {
        last.pieces.push(piece);
        last.seconds += seconds;
        return;
    }
    trail.runs.push(Run { rapid, pieces: vec![piece], lead_in: 0, lead_out: 0, radius, seconds, section });
}

/// Tells leads: what comes before a run first follows a contour, and after it last does.
fn find_leads(trail: &mut Trail, intent: &Intent) {
    let mut pieces = Vec::new();
    for goal in &intent.goals {
        if let Goal::Profile { contour, waste, .. } = goal
            && *waste != Waste::On
        {
            pieces.extend(contour.segments().map(|s| Piece::of(&s)));
        }
    }
    if pieces.is_empty() {
        return;
    }
    let mean = pieces.iter().map(Piece::length).sum::<f64>() / pieces.len() as f64;
    let index = Index::new(pieces.iter(), mean.max(0.5));
    for run in trail.runs.iter_mut().filter(|r| !r.rapid) {
        let off = (0.05 * run.radius).max(0.05);
        let follows = |p: &Piece| {
            p.length() > 0.0
                && [0.1, 0.5, 0.9].iter().all(|&t| {
                    let at = p.at(t);
                    let d = index.nearest(at, run.radius + off, |i| pieces[i as usize].distance_to(at));
                    d.is_some_and(|d| d.1 >= run.radius - off)
                })
        };
        if let Some(first) = run.pieces.iter().position(follows) {
            run.lead_in = first;
            run.lead_out = run.pieces.iter().rev().position(follows).unwrap_or(0);
        }
    }
}
