//! Chains of short lines to arcs: programs get shorter, and controllers need not look ahead so far.
//!
//! From each point the longest run of lines is sought that one circle stands for: the circle goes through the run's
//! first, middle and last point, every point between lies within the tolerance of it, every chord leaves its arc by no
//! more, and the run turns one way by less than a whole turn. Runs are doubled until one fails and then halved down, so
//! the cost is O(n log n) for n lines. Feed, height and filament per length must stay the same along a run; whatever
//! stands between two moves ends it.

use crate::canon::{Command, Move, Plane, Position, Section, Way};
use shop_geom::Point;
use std::f64::consts::{PI, TAU};

/// Fewer lines are left as they are.
const FEWEST: usize = 3;
/// Longest run that is tried.
const LONGEST: usize = 4096;
/// Radii beyond this are lines to every controller, mm.
const LARGEST_RADIUS: f64 = 5_000.0;
/// Filament per length may differ by this fraction along an arc, or by a rounding of E.
const SAME_FLOW: f64 = 0.02;
const ROUNDING: f64 = 1.5e-5;
/// Arcs turn less than this, so that start and end are never taken for a full circle.
const MOST_TURN: f64 = TAU * 0.95;

/// Returns the sections with chains of lines fitted by arcs within `tolerance`, mm.
///
/// ```
/// use shop_cam::canon::{Command, Role, Section};
/// let mut section = Section::new(Role::Profile, "round");
/// section.commands = (0..=90)
///     .map(|a| f64::from(a).to_radians())
///     .map(|a| Command::Line { to: [10.0 * a.cos(), 10.0 * a.sin(), 0.0] })
///     .collect();
/// let fitted = shop_cam::fit::fit_arcs(&[section], 0.01);
/// assert!(matches!(fitted[0].commands[1], Command::Arc { counter_clockwise: true, .. }));
/// assert_eq!(fitted[0].commands.len(), 2);
/// ```
pub fn fit_arcs(sections: &[Section], tolerance: f64) -> Vec<Section> {
    let mut at: Option<Position> = None;
    sections.iter().map(|s| fit_section(s, tolerance, &mut at)).collect()
}

/// Returns one section with chains of lines fitted by arcs within `tolerance`, mm. The tool stands at `at` before it, as far
/// as that is known, and after it.
pub fn fit_section(section: &Section, tolerance: f64, at: &mut Option<Position>) -> Section {
    let mut out = Section::new(section.role, section.label.clone());
    let commands = &section.commands;
    let with_lines = section.lines.len() == commands.len();
    let mut points: Vec<Vertex> = Vec::new();
    let mut i = 0;
    while i < commands.len() {
        let run = gather(&commands[i..], *at, &mut points);
        let mut k = 0;
        while k < run {
            // Points are one more than lines: the start of line k is point k.
            let found = longest(&points[k..], tolerance);
            let (count, kept) = match found {
                Ok((count, arc)) => {
                    out.commands.push(arc);
                    (count, 1)
                }
                Err(count) => {
                    out.commands.extend_from_slice(&commands[i + k..i + k + count]);
                    (count, count)
                }
            };
            if with_lines {
                out.lines.extend_from_slice(&section.lines[i + k..i + k + kept]);
            }
            k += count;
        }
        if run == 0 {
            out.commands.push(commands[i].clone());
            if with_lines {
                out.lines.push(section.lines[i]);
            }
            *at = after(&commands[i], *at);
            i += 1;
        } else {
            *at = points.last().map(|v| v.at);
            i += run;
        }
    }
    out
}

/// Returns where the tool is after a command, if that is known.
fn after(command: &Command, at: Option<Position>) -> Option<Position> {
    match command {
        Command::Rapid { to }
        | Command::Line { to }
        | Command::Extrude { to, .. }
        | Command::Arc { to, .. }
        | Command::Home { to, .. } => Some(*to),
        Command::Move(m) => Some(m.to),
        Command::Drill(d) => Some([d.at.x, d.at.y, d.clearance]),
        Command::Probe { .. } | Command::Verbatim(_) | Command::Native(_) => None,
        _ => at,
    }
}

/// A point of a chain and what came in on the way to it.
#[derive(Clone, Copy, Debug)]
struct Vertex {
    at: Position,
    e: f64,
    extrudes: bool,
}

/// Collects the chain of lines that begins here; returns their count.
fn gather(commands: &[Command], at: Option<Position>, points: &mut Vec<Vertex>) -> usize {
    points.clear();
    let Some(start) = at else { return 0 };
    points.push(Vertex { at: start, e: 0.0, extrudes: false });
    for command in commands {
        let vertex = match command {
            Command::Line { to } => Vertex { at: *to, e: 0.0, extrudes: false },
            Command::Extrude { to, e } => Vertex { at: *to, e: *e, extrudes: true },
            _ => break,
        };
        let last = points[points.len() - 1];
        let first = points.len() == 1 || last.extrudes == vertex.extrudes;
        if vertex.at[2] != start[2] || !first || vertex.at[..2] == last.at[..2] {
            break;
        }
        points.push(vertex);
    }
    points.len() - 1
}

/// What one circle makes of a run.
enum Fit {
    Arc(Command),
    /// So nearly straight that it may yet become part of an arc.
    Flat,
    No,
}

/// Returns the most lines that one arc stands for, and the arc; or how many lines are no arc's beginning.
fn longest(points: &[Vertex], tolerance: f64) -> Result<(usize, Command), usize> {
    let most = (points.len() - 1).min(LONGEST);
    let (mut good, mut flat) = (None, 0);
    let mut bad = most + 1;
    let mut count = FEWEST;
    while count <= most {
        match arc(&points[..=count], tolerance) {
            Fit::Arc(command) => good = Some((count, command)),
            Fit::Flat => flat = count,
            Fit::No => {
                bad = count;
                break;
            }
        }
        if count == most {
            break;
        }
        count = (2 * count).min(most);
    }
    let mut low = good.as_ref().map_or(flat, |g| g.0);
    while bad - low > 1 && low > 0 {
        let middle = usize::midpoint(low, bad);
        match arc(&points[..=middle], tolerance) {
            Fit::Arc(command) => {
                low = middle;
                good = Some((middle, command));
            }
            Fit::Flat => low = middle,
            Fit::No => bad = middle,
        }
    }
    // A straight run is passed over by halves: an arc may begin in it, but looking at every line again would cost the
    // square of its length.
    good.ok_or((low / 2).max(1))
}

fn arc(points: &[Vertex], tolerance: f64) -> Fit {
    let flat = |v: &Vertex| [v.at[0], v.at[1]];
    let first = flat(&points[0]);
    let last = flat(&points[points.len() - 1]);
    let middle = flat(&points[points.len() / 2]);
    let Some(center) = circle(first, middle, last) else { return straight(points, tolerance) };
    let radius = (first[0] - center[0]).hypot(first[1] - center[1]);
    if radius.is_nan() || radius > LARGEST_RADIUS {
        return straight(points, tolerance);
    }
    let angle = |p: [f64; 2]| (p[1] - center[1]).atan2(p[0] - center[0]);
    let (mut turned, mut length, mut e) = (0.0f64, 0.0, 0.0);
    let (mut before, mut off_before) = (angle(first), 0.0f64);
    for pair in points.windows(2) {
        let (a, b) = (flat(&pair[0]), flat(&pair[1]));
        let here = angle(b);
        let mut step = here - before;
        step -= TAU * (step / TAU).round();
        before = here;
        // One way only; and the chord, whose ends lie that far outside the circle, dips inside by its sagitta.
        let off = (b[0] - center[0]).hypot(b[1] - center[1]) - radius;
        let (inner, outer) = (off.min(off_before), off.max(off_before));
        off_before = off;
        let dips = inner - radius * (1.0 - (step / 2.0).cos());
        if turned * step < 0.0 || step == 0.0 || outer > tolerance || dips < -tolerance {
            return Fit::No;
        }
        turned += step;
        length += (b[0] - a[0]).hypot(b[1] - a[1]);
        e += pair[1].e;
    }
    if turned.abs() > MOST_TURN {
        return Fit::No;
    }
    let even = points.windows(2).all(|p| {
        let l = (p[1].at[0] - p[0].at[0]).hypot(p[1].at[1] - p[0].at[1]);
        let due = e * l / length;
        (p[1].e - due).abs() <= (SAME_FLOW * due.abs()).max(ROUNDING)
    });
    if !even {
        return Fit::No;
    }
    if radius * (1.0 - (turned.abs() / 2.0).min(PI).cos()) < tolerance {
        return Fit::Flat;
    }
    let to = points[points.len() - 1].at;
    let counter_clockwise = turned > 0.0;
    if !points[points.len() - 1].extrudes {
        return Fit::Arc(Command::Arc { to, center: Point::new(center[0], center[1]), counter_clockwise });
    }
    let way = Way::Arc { plane: Plane::Xy, center, counter_clockwise, turns: 1 };
    Fit::Arc(Command::Move(Box::new(Move { to, way, more: [None; 6], e, pitch: None })))
}

/// A run on a line: every point within the tolerance of the chord.
fn straight(points: &[Vertex], tolerance: f64) -> Fit {
    let (a, b) = (points[0].at, points[points.len() - 1].at);
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx.hypot(dy);
    let near = |v: &Vertex| (dx * (v.at[1] - a[1]) - dy * (v.at[0] - a[0])).abs() <= tolerance * length;
    if length > 0.0 && points.iter().all(near) { Fit::Flat } else { Fit::No }
}

/// Returns the middle of the circle through three points; `None` when they lie on a line.
fn circle(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> Option<[f64; 2]> {
    let (bx, by, cx, cy) = (b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]);
    let d = 2.0 * (bx * cy - by * cx);
    let (bb, cc) = (bx * bx + by * by, cx * cx + cy * cy);
    let center = [a[0] + (cy * bb - by * cc) / d, a[1] + (bx * cc - cx * bb) / d];
    center.iter().all(|v| v.is_finite()).then_some(center)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canon::Role;
    use proptest::prelude::*;

    /// Returns the points and chords of commands, arcs as chords of a thousandth of the tolerance.
    fn trace(commands: &[Command], tolerance: f64) -> (Vec<Position>, f64) {
        let (mut at, mut all, mut e) = ([0.0; 3], vec![[0.0; 3]], 0.0);
        for c in commands {
            let m = match c {
                Command::Line { to } => {
                    Move { to: *to, way: Way::Line, more: [None; 6], e: 0.0, pitch: None }
                }
                Command::Extrude { to, e } => {
                    Move { to: *to, way: Way::Line, more: [None; 6], e: *e, pitch: None }
                }
                Command::Arc { to, center, counter_clockwise } => {
                    let (center, ccw) = ([center.x, center.y], *counter_clockwise);
                    let way = Way::Arc { plane: Plane::Xy, center, counter_clockwise: ccw, turns: 1 };
                    Move { to: *to, way, more: [None; 6], e: 0.0, pitch: None }
                }
                Command::Move(m) => **m,
                _ => continue,
            };
            m.chords(at, tolerance / 50.0, |p| all.push(p));
            at = m.to;
            e += m.e;
        }
        (all, e)
    }

    fn distance(p: Position, path: &[Position]) -> f64 {
        let segment = |a: Position, b: Position| {
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let l = dx * dx + dy * dy;
            let t =
                if l > 0.0 { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / l).clamp(0.0, 1.0) } else { 0.0 };
            (a[0] + dx * t - p[0]).hypot(a[1] + dy * t - p[1])
        };
        path.windows(2).map(|w| segment(w[0], w[1])).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        /// Whatever the path: the fitted one stays within the tolerance, both ways, and pushes the same filament.
        #[test]
        fn never_beyond_the_tolerance(
            bends in prop::collection::vec((-0.6f64..0.6, 0.1f64..3.0, 3usize..30), 1..8),
            noise in 0.0f64..0.02, tolerance in 0.005f64..0.1, prints: bool,
        ) {
            let (mut at, mut heading, mut k) = ([0.0f64; 3], 0.0f64, 0.0f64);
            let mut section = Section::new(Role::Profile, "");
            section.commands.push(Command::Line { to: [0.0; 3] });
            for (bend, step, count) in bends {
                for _ in 0..count {
                    heading += bend / 3.0;
                    k += 1.0;
                    at[0] += step * heading.cos() + noise * (k * 12.9).sin();
                    at[1] += step * heading.sin() + noise * (k * 7.7).cos();
                    section.commands.push(if prints { Command::Extrude { to: at, e: step * 0.05 } } else { Command::Line { to: at } });
                }
            }
            let fitted = fit_arcs(std::slice::from_ref(&section), tolerance);
            let (before, e) = trace(&section.commands, tolerance);
            let (after, f) = trace(&fitted[0].commands, tolerance);
            prop_assert!((e - f).abs() < 1e-9);
            prop_assert_eq!(before.last(), after.last());
            for (points, path) in [(&before, &after), (&after, &before)] {
                for p in points {
                    let off = distance(*p, path);
                    prop_assert!(off <= 1.05 * tolerance, "{off} of {tolerance}");
                }
            }
        }
    }

    #[test]
    fn a_circle_of_many_chords_is_few_arcs() {
        let mut section = Section::new(Role::Profile, "");
        for i in 0..=720 {
            let a = f64::from(i).to_radians() / 2.0;
            section.commands.push(Command::Line { to: [20.0 * a.cos(), 20.0 * a.sin(), -1.0] });
        }
        let fitted = fit_arcs(&[section], 0.005);
        assert!(fitted[0].commands.len() <= 4, "{}", fitted[0].commands.len());
    }

    #[test]
    fn straight_chains_stay_lines() {
        let mut section = Section::new(Role::Profile, "");
        section.commands = (0..100).map(|i| Command::Line { to: [f64::from(i), 0.0, 0.0] }).collect();
        let fitted = fit_arcs(std::slice::from_ref(&section), 0.01);
        assert_eq!(fitted[0], section);
    }
}
