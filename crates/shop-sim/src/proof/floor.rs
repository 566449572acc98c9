//! Is the floor of every pocket cleared, and not cut through?
//!
//! The floor is asked along rows a quarter of the radius apart; along a row the cleared part is exact. A point
//! that is not cleared counts only when the tool could reach it: when a disc of its radius fits into the pocket
//! over it.

use super::contours::{Contours, Side};
use super::program::{IN_DRILL, ON_LINE, RAPID, SAME_DEPTH, at_line};
use super::{Ctx, Findings, ProofFigures};
use crate::cover::Cover;
use crate::piece::Piece;
use rayon::prelude::*;
use shop_cam::intent::{Goal, Waste};
use shop_geom::{Aabb, Point, Polyline};

/// Rows per radius.
const ROWS_PER_RADIUS: f64 = 4.0;
/// A pocket is asked along at most this many rows.
const MOST_ROWS: f64 = 20_000.0;
/// Deeper than a floor by this is a bite into it, mm.
const INTO_FLOOR: f64 = 0.05;

#[derive(Clone, Copy, Default)]
struct Row {
    length: f64,
    uncleared: f64,
    worst: f64,
    at: Option<Point>,
}

/// Judges all pockets.
pub(super) fn check(ctx: &Ctx<'_>, findings: &mut Findings, figures: &mut ProofFigures) {
    for (g, goal) in ctx.intent.goals.iter().enumerate() {
        let Goal::Pocket { boundary, bottom } = goal else { continue };
        let walls: Vec<Piece> = boundary.iter().flat_map(Polyline::segments).map(|s| Piece::of(&s)).collect();
        let area = boundary.iter().fold(Aabb::EMPTY, |b, p| b.union(p.bounds()));
        if area.is_empty() {
            continue;
        }
        uncleared(ctx, g, &walls, &area, *bottom, findings, figures);
        cut_through(ctx, g, &walls, &area, *bottom, findings);
    }
}

fn uncleared(
    ctx: &Ctx<'_>,
    goal: usize,
    walls: &[Piece],
    area: &Aabb,
    bottom: f64,
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    let radius = ctx.program.largest;
    if radius <= 0.0 {
        return;
    }
    let step = (radius / ROWS_PER_RADIUS).max(area.height() / MOST_ROWS).max(1e-3);
    let spans = spans(walls, area, step);
    let rows: Vec<Row> = spans
        .par_iter()
        .with_min_len(8)
        .map_init(|| (Vec::new(), Cover::default()), |s, span| row(ctx, span, bottom, step, s))
        .collect();
    let total = rows.iter().fold(Row::default(), |a, b| Row {
        length: a.length + b.length,
        uncleared: a.uncleared + b.uncleared,
        worst: a.worst.max(b.worst),
        at: if b.worst > a.worst { b.at } else { a.at },
    });
    let share = total.uncleared / total.length.max(1e-9);
    figures.max_uncleared = figures.max_uncleared.max(total.worst);
    if let Some(at) = total.at.filter(|_| total.worst > ctx.intent.skin_tolerance) {
        findings.error("proof/skin", total.worst, Some(at), || {
            format!(
                "pocket {}: {:.2} % of the floor is not cleared; worst at ({:.3}, {:.3}), {:.3} mm beyond the tool",
                goal + 1,
                100.0 * share,
                at.x,
                at.y,
                total.worst.min(1e6)
            )
        });
    }
}

/// Returns the parts of horizontal rows inside the boundary (even-odd).
fn spans(walls: &[Piece], area: &Aabb, step: f64) -> Vec<Piece> {
    let count = (area.height() / step).ceil().max(1.0) as usize;
    // Off the middle, so that rows do not run along drawn lines or through vertices.
    let y_of = |k: usize| area.min.y + (k as f64 + 0.513_7) * step;
    let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); count];
    for wall in walls {
        let b = wall.bounds();
        let from = (((b.min.y - area.min.y) / step) - 1.0).max(0.0) as usize;
        let to = (((b.max.y - area.min.y) / step) + 1.0).max(0.0) as usize;
        for (k, row) in crossings.iter_mut().enumerate().take(to.min(count - 1) + 1).skip(from) {
            crossing(wall, y_of(k), row);
        }
    }
    let mut out = Vec::new();
    for (k, row) in crossings.iter_mut().enumerate() {
        row.sort_unstable_by(f64::total_cmp);
        // An odd count is a row through a vertex: its neighbours speak for it.
        if row.len() % 2 == 0 {
            let y = y_of(k);
            out.extend(row.chunks_exact(2).map(|c| Piece::line(Point::new(c[0], y), Point::new(c[1], y))));
        }
    }
    out
}

/// Adds where a wall crosses the horizontal line at `y`.
fn crossing(wall: &Piece, y: f64, out: &mut Vec<f64>) {
    if wall.is_line() {
        if (wall.a.y > y) != (wall.b.y > y) {
            out.push(wall.a.x + (y - wall.a.y) / (wall.b.y - wall.a.y) * (wall.b.x - wall.a.x));
        }
        return;
    }
    let v = y - wall.center.y;
    let h2 = wall.radius * wall.radius - v * v;
    if h2 > 0.0 {
        for h in [h2.sqrt(), -h2.sqrt()] {
            if wall.spans(shop_geom::Vector::new(h, v)) {
                out.push(wall.center.x + h);
            }
        }
    }
}

/// True when `p` lies inside the boundary.
fn inside(walls: &[Piece], p: Point) -> bool {
    let mut at = Vec::new();
    for wall in walls {
        crossing(wall, p.y, &mut at);
    }
    at.iter().filter(|&&x| x > p.x).count() % 2 == 1
}

fn row(ctx: &Ctx<'_>, span: &Piece, bottom: f64, step: f64, scratch: &mut (Vec<u32>, Cover)) -> Row {
    let (found, cover) = scratch;
    let tolerance = ctx.intent.skin_tolerance;
    ctx.path.near(std::iter::once(span), ctx.program.largest + tolerance, found);
    cover.begin(span);
    for &i in found.iter() {
        let work = &ctx.program.works[i as usize];
        if !work.is(RAPID) && deep_enough(ctx, i, bottom) {
            cover.take(span, &work.piece, ctx.program.radius(work.tool) + tolerance);
            if cover.open().is_empty() {
                break;
            }
        }
    }
    let length = span.length();
    let mut out = Row { length, ..Row::default() };
    for &(a, b) in cover.open() {
        let stretch = (b - a) * length;
        let n = (stretch / step).ceil().clamp(3.0, 200.0);
        for k in 0..n as u32 {
            let p = span.at(a + (b - a) * (f64::from(k) + 0.5) / n);
            if !reachable(ctx, p) {
                continue;
            }
            out.uncleared += stretch / n;
            let left = over(ctx, p, bottom);
            if left > out.worst {
                (out.worst, out.at) = (left, Some(p));
            }
        }
    }
    out
}

fn deep_enough(ctx: &Ctx<'_>, i: u32, bottom: f64) -> bool {
    let work = &ctx.program.works[i as usize];
    let depth = if work.stands() { work.low } else { work.high };
    !ctx.has_depth() || f64::from(depth) <= bottom + SAME_DEPTH
}

/// Returns by how much the nearest path misses `p`.
fn over(ctx: &Ctx<'_>, p: Point, bottom: f64) -> f64 {
    let within = 10.0 * ctx.program.largest + 1.0;
    let nearest = ctx.path.nearest(p, within, |i| {
        let work = &ctx.program.works[i as usize];
        if work.is(RAPID) || !deep_enough(ctx, i, bottom) {
            return f64::INFINITY;
        }
        work.piece.distance_to(p) - ctx.program.radius(work.tool)
    });
    nearest.map_or(within, |n| n.1)
}

/// True when a disc of the tool's radius over `p` fits between the walls.
fn reachable(ctx: &Ctx<'_>, p: Point) -> bool {
    let room = ctx.program.largest + (0.5 * ctx.intent.skin_tolerance).min(0.005);
    let mut c = p;
    for _ in 0..24 {
        let Some((i, d)) = ctx.nearest_wall(c, room - 1e-6, u32::MAX) else { return true };
        if d < 1e-9 {
            return false;
        }
        let foot = ctx.walls.pieces[i as usize].nearest(c);
        c = foot + (c - foot) * (room / d);
        if (c - p).norm() > ctx.program.largest {
            return false;
        }
    }
    false
}

/// Notes what goes deeper than the floor, unless a deeper goal lies there.
fn cut_through(
    ctx: &Ctx<'_>,
    goal: usize,
    walls: &[Piece],
    area: &Aabb,
    bottom: f64,
    findings: &mut Findings,
) {
    if !ctx.has_depth() {
        return;
    }
    let mut found = Vec::new();
    ctx.path.query(area, &mut found);
    for &i in &found {
        let work = &ctx.program.works[i as usize];
        let below = bottom - f64::from(work.low);
        if below <= INTO_FLOOR || work.is(ON_LINE | IN_DRILL) {
            continue;
        }
        let p = work.piece.at(0.5);
        if area.contains(p) && inside(walls, p) && !deeper_goal(ctx, p, f64::from(work.low)) {
            findings.error("proof/too-deep", below, Some(p), || {
                format!(
                    "{}the tool goes {below:.3} mm below the floor of pocket {}",
                    at_line(work.line),
                    goal + 1
                )
            });
        }
    }
}

fn deeper_goal(ctx: &Ctx<'_>, p: Point, low: f64) -> bool {
    let holds = |contour: &Polyline| {
        contour.bounds().contains(p) && {
            let walls: Vec<Piece> = contour.segments().map(|s| Piece::of(&s)).collect();
            inside(&walls, p)
        }
    };
    ctx.intent.goals.iter().any(|g| match g {
        Goal::Profile { contour, waste: Waste::Inside, bottom, .. } => {
            *bottom <= low + INTO_FLOOR && holds(contour)
        }
        Goal::Profile { contour, waste: Waste::Outside, bottom, .. } => {
            // Round a part that stands in the pocket: within the tool's width of its outline.
            *bottom <= low + INTO_FLOOR && contour.distance_to(p) <= 2.0 * ctx.program.largest + 1.0
        }
        Goal::Pocket { boundary, bottom } => {
            *bottom <= low + INTO_FLOOR && {
                let walls: Vec<Piece> =
                    boundary.iter().flat_map(Polyline::segments).map(|s| Piece::of(&s)).collect();
                inside(&walls, p)
            }
        }
        _ => false,
    })
}

/// Adds the walls of every pocket as contours that must be cut.
pub(super) fn add_walls(ctx: &Ctx<'_>, contours: &mut Contours) {
    for (g, goal) in ctx.intent.goals.iter().enumerate() {
        if let Goal::Pocket { boundary, bottom } = goal {
            for line in boundary {
                contours.add(g as u32, line, Side::Left, *bottom, u32::MAX);
            }
        }
    }
}

/// A point nearer to a contour than this is on it, not within, mm.
const ON_CONTOUR: f64 = 0.01;

/// True when `p` lies within the closed contour, clear of it.
pub(super) fn within(contour: &Polyline, p: Point) -> bool {
    let walls: Vec<Piece> = contour.segments().map(|s| Piece::of(&s)).collect();
    inside(&walls, p) && walls.iter().all(|w| w.distance_to(p) > ON_CONTOUR)
}
