//! Arcs that a controller accepts: from the *rounded* ends.
//!
//! A controller works out two radii, from the centre to the start and to the end, and refuses the arc when they
//! differ. Start and end are rounded to the grid of the text, so a centre that is merely rounded as well leaves
//! them different by up to two grid steps. Here the centre moves to the bisector of the rounded chord (where both
//! radii agree), and of the nine grid points around it that one is written whose radii agree best.
//!
//! Arcs are cut into pieces of at most half a turn, because beyond it small errors turn a short arc into a long one;
//! what is too small or too flat to be an arc on the grid becomes chords or a line, and so does every arc for a
//! controller that runs none.

use crate::dialect::ArcRule;
use crate::number::Grid;
use std::f64::consts::{PI, TAU};

/// Chords and radii below this are no arcs, mm: controllers compute in single precision.
const SMALLEST: f64 = 0.01;
/// Radii beyond this become chords, mm: a single has seven digits.
const LARGEST_RADIUS: f64 = 10_000.0;
/// How far chords may leave an arc that cannot be written as one, mm.
const CHORD_TOLERANCE: f64 = 0.001;
/// Most chords of one arc.
const MOST_CHORDS: f64 = 100_000.0;

/// An arc to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Exact ends and centre, mm.
    pub(super) from: [f64; 2],
    pub(super) to: [f64; 2],
    pub(super) center: [f64; 2],
    pub(super) counter_clockwise: bool,
    /// Where the program's text stands, grid steps.
    pub(super) grid_from: [i64; 2],
    /// The controller runs no arcs: it becomes chords.
    pub(super) flat: bool,
}

/// One piece of an arc, grid steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    /// Straight to here; the fraction is the part of the whole arc that is done.
    Line { to: [i64; 2], fraction: f64 },
    /// On a circle to here; `center` from the start of the piece (I, J).
    Arc { to: [i64; 2], center: [i64; 2], fraction: f64 },
}

/// What became of an arc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// A coordinate does not fit the grid.
    OutOfRange,
    /// Nobody can afford so many chords.
    TooMany,
}

/// Cuts an arc into pieces and hands them to `piece` in order. Before it becomes chords `afford` is asked whether there
/// may be so many.
pub(super) fn split(
    request: &Request,
    grid: Grid,
    afford: impl FnOnce(u64) -> bool,
    mut piece: impl FnMut(Piece),
) -> Outcome {
    let Request { from, to, center, counter_clockwise, grid_from, .. } = *request;
    let Some(end) = round(grid, to) else { return Outcome::OutOfRange };
    let radius = (from[0] - center[0]).hypot(from[1] - center[1]);
    if !radius.is_finite() {
        return Outcome::OutOfRange;
    }
    let full = from == to;
    let sweep = if full { TAU } else { sweep(from, to, center, counter_clockwise) };
    let smallest = SMALLEST.max(4.0 * grid.step());
    let chord = distance(grid_from, end) * grid.step();
    let sagitta = radius * (1.0 - (sweep / 2.0).min(PI).cos());
    let flat = sweep < PI && (chord < smallest || sagitta < 0.5 * grid.step());
    if 2.0 * radius <= CHORD_TOLERANCE || flat {
        piece(Piece::Line { to: end, fraction: 1.0 });
        return Outcome::Written;
    }
    if !request.flat && (smallest..=LARGEST_RADIUS).contains(&radius) {
        let pieces =
            if full { full_circle(request, grid) } else { partial(request, end, radius, sweep, grid) };
        if let Some((pieces, count)) = pieces {
            pieces[..count].iter().for_each(|p| piece(*p));
            return Outcome::Written;
        }
    }
    chords(request, end, radius, sweep, grid, afford, piece)
}

/// A full circle as two halves: with the far point at start + 2·(I, J) all four radii are one number.
fn full_circle(request: &Request, grid: Grid) -> Option<([Piece; 2], usize)> {
    let a = request.grid_from;
    let c = round(grid, request.center)?;
    let ij = [c[0] - a[0], c[1] - a[1]];
    let far = [a[0] + 2 * ij[0], a[1] + 2 * ij[1]];
    Some((
        [
            Piece::Arc { to: far, center: ij, fraction: 0.5 },
            Piece::Arc { to: a, center: [-ij[0], -ij[1]], fraction: 1.0 },
        ],
        2,
    ))
}

fn partial(
    request: &Request,
    end: [i64; 2],
    radius: f64,
    sweep: f64,
    grid: Grid,
) -> Option<([Piece; 2], usize)> {
    let c = request.center;
    let a = request.grid_from;
    // A half circle stays whole; the hair's breadth allows for its own rounding.
    if sweep <= PI + 1e-6 {
        let p = Piece::Arc { to: end, center: center(a, end, c, sweep, request, grid)?, fraction: 1.0 };
        return Some(([p, p], 1));
    }
    let middle = point(request, radius, sweep * 0.5);
    let middle = round(grid, middle)?;
    Some((
        [
            Piece::Arc {
                to: middle,
                center: center(a, middle, c, sweep / 2.0, request, grid)?,
                fraction: 0.5,
            },
            Piece::Arc {
                to: end,
                center: center(middle, end, c, sweep / 2.0, request, grid)?,
                fraction: 1.0,
            },
        ],
        2,
    ))
}

/// Returns I and J for the piece from `a` to `b` about (nearly) `exact`, or `None` when no grid point serves.
fn center(
    a: [i64; 2],
    b: [i64; 2],
    exact: [f64; 2],
    sweep: f64,
    request: &Request,
    grid: Grid,
) -> Option<[i64; 2]> {
    let d = [(b[0] - a[0]) as f64, (b[1] - a[1]) as f64];
    let square = d[0] * d[0] + d[1] * d[1];
    if square == 0.0 {
        return None;
    }
    let scale = 1.0 / grid.step();
    // Centre relative to the middle of the chord, projected onto the bisector.
    let from_middle =
        [exact[0] * scale - a[0] as f64 - d[0] / 2.0, exact[1] * scale - a[1] as f64 - d[1] / 2.0];
    let t = (from_middle[1] * d[0] - from_middle[0] * d[1]) / square;
    let ideal = [d[0] / 2.0 - d[1] * t, d[1] / 2.0 + d[0] * t];
    let base = [ideal[0].round(), ideal[1].round()];
    let mut best: Option<(f64, f64, [f64; 2])> = None;
    for di in [0.0, -1.0, 1.0] {
        for dj in [0.0, -1.0, 1.0] {
            let c = [base[0] + di, base[1] + dj];
            let start = c[0].hypot(c[1]);
            let end = (d[0] - c[0]).hypot(d[1] - c[1]);
            let mismatch = (start - end).abs();
            let off = (c[0] - ideal[0]).hypot(c[1] - ideal[1]);
            // Agreement beyond a fiftieth of a step buys nothing; then the nearer centre is better.
            let rank = (mismatch * 50.0).floor();
            if best.is_none_or(|(r, o, _)| (rank, off) < (r, o)) {
                best = Some((rank, off, c));
            }
        }
    }
    let (_, _, c) = best?;
    let step = grid.step();
    let (start, end) = (c[0].hypot(c[1]) * step, (d[0] - c[0]).hypot(d[1] - c[1]) * step);
    if start == 0.0 || ArcRule::Grbl.refuses(start, end) {
        return None;
    }
    // The written arc must turn as far as the wanted one.
    let turned = self::sweep([0.0, 0.0], d, c, request.counter_clockwise);
    ((turned - sweep).abs() < 0.3).then_some([c[0] as i64, c[1] as i64])
}

fn chords(
    request: &Request,
    end: [i64; 2],
    radius: f64,
    sweep: f64,
    grid: Grid,
    afford: impl FnOnce(u64) -> bool,
    mut piece: impl FnMut(Piece),
) -> Outcome {
    let tolerance = CHORD_TOLERANCE.max(grid.step());
    let step = 2.0 * (1.0 - tolerance / radius.max(2.0 * tolerance)).acos();
    let count = (sweep / step).ceil().clamp(1.0, MOST_CHORDS);
    if !afford(count as u64) {
        return Outcome::TooMany;
    }
    for i in 1..count as u64 {
        let fraction = i as f64 / count;
        let Some(to) = round(grid, point(request, radius, sweep * fraction)) else {
            return Outcome::OutOfRange;
        };
        piece(Piece::Line { to, fraction });
    }
    piece(Piece::Line { to: end, fraction: 1.0 });
    Outcome::Written
}

/// Returns the point after turning by `angle` in the direction of the arc.
fn point(request: &Request, radius: f64, angle: f64) -> [f64; 2] {
    let Request { from, center, counter_clockwise, .. } = *request;
    let start = (from[1] - center[1]).atan2(from[0] - center[0]);
    let (sin, cos) = (if counter_clockwise { start + angle } else { start - angle }).sin_cos();
    [center[0] + radius * cos, center[1] + radius * sin]
}

/// Returns how far the arc turns, in 0 ..= 2π.
fn sweep(from: [f64; 2], to: [f64; 2], center: [f64; 2], counter_clockwise: bool) -> f64 {
    let u = [from[0] - center[0], from[1] - center[1]];
    let v = [to[0] - center[0], to[1] - center[1]];
    let turn = (u[0] * v[1] - u[1] * v[0]).atan2(u[0] * v[0] + u[1] * v[1]);
    let turn = if counter_clockwise { turn } else { -turn };
    if turn <= 0.0 { turn + TAU } else { turn }
}

fn round(grid: Grid, p: [f64; 2]) -> Option<[i64; 2]> {
    Some([grid.round(p[0])?, grid.round(p[1])?])
}

fn distance(a: [i64; 2], b: [i64; 2]) -> f64 {
    ((a[0] - b[0]) as f64).hypot((a[1] - b[1]) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The written pieces, and how far they leave the exact arc, mm.
    fn deviation(pieces: &[Piece], request: &Request, grid: Grid) -> f64 {
        let (mut at, mut worst) = (request.grid_from, 0f64);
        let radius = (request.from[0] - request.center[0]).hypot(request.from[1] - request.center[1]);
        for p in pieces {
            let mm = |g: [i64; 2]| [grid.value(g[0]), grid.value(g[1])];
            let off =
                |q: [f64; 2]| ((q[0] - request.center[0]).hypot(q[1] - request.center[1]) - radius).abs();
            match *p {
                Piece::Arc { to, center, .. } => {
                    let (a, ij) = (mm(at), mm(center));
                    let c = [a[0] + ij[0], a[1] + ij[1]];
                    let turn = sweep(a, mm(to), c, request.counter_clockwise);
                    assert!(turn <= PI + 0.3, "more than half a turn: {turn}");
                    for i in 0..=16 {
                        let r = Request { from: a, center: c, ..*request };
                        worst = worst.max(off(point(&r, ij[0].hypot(ij[1]), turn * i as f64 / 16.0)));
                    }
                    at = to;
                }
                Piece::Line { to, .. } => {
                    let (a, b) = (mm(at), mm(to));
                    for i in 0..=16 {
                        let t = i as f64 / 16.0;
                        worst = worst.max(off([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]));
                    }
                    at = to;
                }
            }
        }
        worst
    }

    proptest! {
        #[test]
        fn pieces_are_accepted_and_lie_on_the_arc(
            cx in -500f64..500.0, cy in -500f64..500.0,
            radius in prop_oneof![0.02f64..1.0, 1.0..100.0, 100.0..20_000.0],
            start in 0f64..TAU,
            turn in prop_oneof![Just(TAU), Just(PI), 0.0001..TAU, PI - 1e-4..PI + 1e-4],
            counter_clockwise: bool,
            decimals in 3u8..6,
        ) {
            let grid = Grid::new(decimals);
            let angle = if counter_clockwise { start + turn } else { start - turn };
            let from = [cx + radius * start.cos(), cy + radius * start.sin()];
            let to = if turn == TAU { from } else { [cx + radius * angle.cos(), cy + radius * angle.sin()] };
            let grid_from = round(grid, from).expect("in range");
            let request = Request { from, to, center: [cx, cy], counter_clockwise, grid_from, flat: false };
            let mut pieces = Vec::new();
            prop_assert_eq!(split(&request, grid, |_| true, |p| pieces.push(p)), Outcome::Written);
            let mut at = grid_from;
            let mut last = 0.0;
            for p in &pieces {
                let (Piece::Arc { to, fraction, .. } | Piece::Line { to, fraction }) = *p;
                if let Piece::Arc { center: ij, .. } = *p {
                    let start = distance([0, 0], ij) * grid.step();
                    let end = distance([to[0] - at[0], to[1] - at[1]], ij) * grid.step();
                    prop_assert!((start - end).abs() <= 1.0 * grid.step(), "radii {start} {end}");
                    prop_assert!(!ArcRule::Grbl.refuses(start, end));
                }
                prop_assert!(fraction > last);
                last = fraction;
                at = to;
            }
            prop_assert_eq!(last, 1.0);
            prop_assert_eq!(at, round(grid, to).expect("in range"));
            let off = deviation(&pieces, &request, grid);
            prop_assert!(off <= 0.0011f64.max(4.0 * grid.step()), "off by {off}: {pieces:?}");
        }
    }
}
