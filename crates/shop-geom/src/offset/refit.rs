//! From a boundary on the grid back to exact lines and arcs.
//!
//! Every edge knows its curve. Edges of one curve in a row become one piece; where two curves follow each other,
//! they meet in the end they share, or in the crossing of the exact curves nearest to the grid's vertex. Only
//! where the crossing is ill-conditioned (next to parallel, or a graze within the chords' tolerance) does the
//! vertex stay where the grid puts it, between the two.

use super::Frame;
use super::piece::{Piece, bulge_about};
use super::swept::{AROUND, Beside, Curve, Edge, INSIDE, Rings};
use crate::boolean::Scale;
use crate::{Point, cross};

/// A piece of the result and what it runs beside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fitted {
    pub piece: Piece,
    pub beside: Beside,
}

/// A closed curve of the result.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Its pieces, end to end.
    pub pieces: Vec<Fitted>,
    /// Its edges on the grid: a range of them.
    pub edges: std::ops::Range<u32>,
    /// Straight pieces between the grid's vertices, in place of `pieces` that do not fit.
    pub doubtful: Option<Vec<Piece>>,
}

/// Edges of one curve in a row.
#[derive(Clone, Copy, Debug)]
struct Run {
    curve: u32,
    /// Where the grid says that it begins.
    from: Point,
    /// Length on the grid, mm.
    length: f64,
    /// How far `from` may be off because something was left out there, mm.
    loose: f64,
}

/// How far the grid's vertices may be from the exact crossing, for curves that cross at a right angle, mm.
#[derive(Clone, Copy)]
struct Slack {
    line: f64,
    arc: f64,
}

/// Returns the exact rings; slivers are left out. Linear.
pub(super) fn refit(rings: &Rings, curves: &[Curve], scale: Scale, frame: &Frame) -> Vec<Ring> {
    let unit = scale.unit();
    let slack = Slack { line: 8.0 * unit, arc: 8.0 * unit + 2.0 * frame.chord };
    let mut runs = Vec::new();
    let mut out = Vec::new();
    for w in rings.starts.windows(2) {
        let edges = &rings.edges[w[0] as usize..w[1] as usize];
        if edges.iter().any(|e| e.origin == AROUND) || is_sliver(edges, unit, frame.chord) {
            continue;
        }
        let mut ring = Ring { edges: w[0]..w[1], ..Ring::default() };
        collect_runs(edges, scale, &mut runs);
        if !fit(&mut runs, curves, slack, &mut ring.pieces) {
            ring.doubtful = Some(on_grid(edges, curves, scale));
        }
        if !ring.pieces.is_empty() || ring.doubtful.is_some() {
            out.push(ring);
        }
    }
    out
}

/// Returns the ring as straight pieces between the grid's vertices.
pub(super) fn on_grid(edges: &[Edge], curves: &[Curve], scale: Scale) -> Vec<Piece> {
    edges
        .iter()
        .filter(|e| e.a != e.b)
        .map(|e| {
            let contour = curves.get(e.origin as usize).map_or(u32::MAX, |c| c.piece.contour);
            Piece::line(scale.to_mm(e.a), scale.to_mm(e.b), contour)
        })
        .collect()
}

/// True for a ring whose mean width is within what chords leave of it: both its sides are the same curve as far
/// as the tolerance can tell, as where a chord polygon cuts off the lens between two arcs that touch. Leaving it
/// out moves no boundary by more than that width.
fn is_sliver(edges: &[Edge], unit: f64, chord: f64) -> bool {
    let Some(o) = edges.first().map(|e| e.a) else { return true };
    let (mut twice_area, mut length) = (0.0, 0.0);
    let at = |p: i_overlay::i_float::int::point::IntPoint<i32>| {
        (f64::from(p.x) - f64::from(o.x), f64::from(p.y) - f64::from(o.y))
    };
    for e in edges {
        let ((ax, ay), (bx, by)) = (at(e.a), at(e.b));
        twice_area += ax * by - ay * bx;
        length += ((bx - ax) * (bx - ax) + (by - ay) * (by - ay)).sqrt();
    }
    edges.len() < 3 || twice_area.abs() * unit <= (chord + 4.0 * unit) * length
}

/// Groups edges by their curve, starting where one curve ends.
fn collect_runs(edges: &[Edge], scale: Scale, runs: &mut Vec<Run>) {
    runs.clear();
    let n = edges.len();
    let first = (0..n).find(|&i| edges[i].origin != edges[if i == 0 { n - 1 } else { i - 1 }].origin);
    let first = first.unwrap_or(0);
    for i in 0..n {
        let e = &edges[(first + i) % n];
        let (a, b) = (scale.to_mm(e.a), scale.to_mm(e.b));
        let length = (b - a).norm();
        match runs.last_mut() {
            Some(run) if run.curve == e.origin => run.length += length,
            _ => runs.push(Run { curve: e.origin, from: a, length, loose: 0.0 }),
        }
    }
}

/// Joins the exact curves of `runs` into `out`; false when they do not fit what the grid says.
fn fit(runs: &mut Vec<Run>, curves: &[Curve], slack: Slack, out: &mut Vec<Fitted>) -> bool {
    // Edges inside the sweep reach the boundary only by rounding, a few units long at a corner.
    if !drop_noise(runs, curves, slack) {
        return false;
    }
    for _ in 0..8 {
        out.clear();
        out.reserve_exact(runs.len().max(2));
        match runs.as_slice() {
            [] => return true,
            [only] => return full_circle(&curves[only.curve as usize], out),
            _ => {}
        }
        let n = runs.len();
        let mut start = meeting(curves, runs[n - 1].curve, &runs[0], slack);
        let first = start;
        let mut dropped = 0;
        for i in 0..n {
            let end = if i + 1 < n { meeting(curves, runs[i].curve, &runs[i + 1], slack) } else { first };
            let curve = &curves[runs[i].curve as usize];
            match piece_between(&curve.piece, start, end, runs[i].length, slack) {
                Between::Piece(piece) => out.push(Fitted { piece, beside: curve.beside }),
                Between::Nothing => {
                    runs[i].curve = INSIDE;
                    dropped += 1;
                }
                Between::Misfit => return false,
            }
            start = end;
        }
        if dropped == 0 {
            return true;
        }
        if !drop_noise(runs, curves, slack) {
            return false;
        }
    }
    false
}

/// Takes out runs inside the sweep, which must be short, and joins what comes together; false when one is long.
fn drop_noise(runs: &mut Vec<Run>, curves: &[Curve], slack: Slack) -> bool {
    if runs.iter().all(|r| r.curve != INSIDE) {
        return true;
    }
    let mut kept: Vec<Run> = Vec::with_capacity(runs.len());
    let mut moved: Option<Point> = None;
    for run in runs.iter() {
        if run.curve == INSIDE {
            if run.length > 16.0 * slack.arc {
                return false;
            }
            // The neighbours meet about here.
            moved.get_or_insert(run.from);
            continue;
        }
        let run = rejoin(*run, moved.take());
        match kept.last_mut() {
            Some(last) if last.curve == run.curve => last.length += run.length,
            _ => kept.push(run),
        }
    }
    if let Some(first) = kept.first_mut() {
        *first = rejoin(*first, moved);
    }
    while kept.len() > 1 && kept[0].curve == kept[kept.len() - 1].curve {
        let last = kept.remove(kept.len() - 1);
        kept[0] = Run { length: kept[0].length + last.length, ..last };
    }
    debug_assert!(kept.iter().all(|r| (r.curve as usize) < curves.len()));
    *runs = kept;
    true
}

/// Returns the run begun half way from where the one before it ended.
fn rejoin(run: Run, ended: Option<Point>) -> Run {
    match ended {
        Some(p) => {
            let gap = (run.from - p).norm();
            Run { from: nalgebra::center(&p, &run.from), loose: run.loose + gap, ..run }
        }
        None => run,
    }
}

fn full_circle(curve: &Curve, out: &mut Vec<Fitted>) -> bool {
    let p = &curve.piece;
    if p.is_line() {
        return false;
    }
    let opposite = p.center - (p.a - p.center);
    let half = |a, b| Piece { a, b, bulge: p.radius.signum(), ..*p };
    out.push(Fitted { piece: half(p.a, opposite), beside: curve.beside });
    out.push(Fitted { piece: half(opposite, p.a), beside: curve.beside });
    true
}

/// Returns the exact point at which curve `p` goes over into the curve of `run`.
fn meeting(curves: &[Curve], p: u32, run: &Run, slack: Slack) -> Point {
    let (before, after) = (&curves[p as usize], &curves[run.curve as usize]);
    let near = run.from;
    if before.next == run.curve && (before.piece.b - near).norm() <= slack.line {
        return before.piece.b;
    }
    let (p, q) = (&before.piece, &after.piece);
    let error = run.loose + if p.is_line() && q.is_line() { slack.line } else { slack.arc };
    if let Some(x) = p.meets(q).nearest(near) {
        let angle = cross(p.direction_at(x), q.direction_at(x)).abs();
        // Below a milliradian the crossing says less about the place than the grid does.
        if angle >= 1e-3 && (x - near).norm() * angle <= error {
            return x;
        }
    }
    // Back and forth between the two to where they are nearest to each other about here.
    (0..4).fold(near, |at, _| nalgebra::center(&p.project(at), &q.project(at)))
}

enum Between {
    Piece(Piece),
    /// Next to nothing, or turned around by no more than the slack.
    Nothing,
    Misfit,
}

/// Returns the part of `curve` between two points on it that is about `length` long.
fn piece_between(curve: &Piece, a: Point, b: Point, length: f64, slack: Slack) -> Between {
    const LEAST: f64 = 1e-9;
    let chord = (b - a).norm();
    let turned = |by: f64| if by <= 64.0 * slack.arc { Between::Nothing } else { Between::Misfit };
    if curve.is_line() {
        let along = (b - a).dot(&curve.from);
        return if along > LEAST { Between::Piece(Piece { a, b, ..*curve }) } else { turned(chord) };
    }
    let bulge = bulge_about(curve.center, curve.radius, a, b);
    let found = 4.0 * bulge.atan().abs() * curve.radius.abs();
    // The way round the other side: the ends have passed each other.
    if found > 2.0 * length + 16.0 * slack.arc
        && found - length > 0.5 * std::f64::consts::PI * curve.radius.abs()
    {
        return turned(chord);
    }
    if found <= LEAST {
        // Equal ends: the whole circle less nothing, or nothing.
        return if length > std::f64::consts::PI * curve.radius.abs() {
            Between::Misfit
        } else {
            Between::Nothing
        };
    }
    Between::Piece(Piece { a, b, bulge, ..*curve })
}
