//! The short way: one contour, its parallel pieces joined end to end, and a proof that this is all.
//!
//! Most contours of a sheet are circles, slots and rounded rectangles. Their parallel curve is made of the parallel
//! pieces, trimmed where neighbours cross, and nothing else meets. That is accepted only with a certificate:
//!
//! * **Convex solid growing.** The parallel body of a convex body: support function h + δ. Always right.
//! * **Convex void shrinking.** Every piece of the result supports the void at h − δ, so the eroded void lies within
//!   the result. Conversely a normal n of a trimmed or dropped part lies between the normals n₁, n₂ that meet in a
//!   corner X of the result; n = a·n₁ + b·n₂ with a, b ≥ 0 and a + b ≥ 1, hence X·n ≤ h(n) − δ: what was dropped
//!   asks for nothing more. Right whenever no kept piece is turned around.
//! * **Anything else.** A point of the true boundary is at distance δ from the contour and perpendicular to some
//!   piece or in the fan of a convex corner, so it lies on an untrimmed parallel piece or join. Parts trimmed off
//!   are nearer than δ to some other piece, and the parallel of a concave arc with R < δ is nearer than δ to the
//!   arc's own neighbourhood; neither is boundary. So if every remaining piece keeps its distance δ from every
//!   piece of the contour, the remaining pieces are exactly the boundary.
//!
//! Whatever cannot be certified goes the long way (`swept`).

use super::piece::{Piece, bulge_about};
use super::{Corner, Frame};
use crate::distance::{point_distance, segment_distance};
use crate::{Point, Vector, Vertex, cross, left};
use std::f64::consts::TAU;

/// What became of a contour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// `out` holds the parallel curve.
    Done,
    /// The void has closed: there is no parallel curve.
    Nothing,
    /// No certificate.
    Unsure,
}

/// How the pieces meet at a vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    Smooth,
    Convex,
    Reflex,
}

/// Sorts the joint between directions `t1` and `t2` with the pieces' radii after the offset (0 for lines).
/// Smooth means that one common point, on the bisector, leaves neither parallel piece by more than `frame.flat`:
/// it is δ(1/cos(θ/2) − 1) ≈ δθ²/8 from the fan about the corner and (δθ/2)²/2R off an arc.
#[inline]
pub(super) fn joint(frame: &Frame, t1: Vector, t2: Vector, r1: f64, r2: f64) -> Joint {
    let (s, c) = (cross(t1, t2), t1.dot(&t2));
    if c > 0.0 {
        let slip = frame.delta * s;
        let bend = s * slip * 0.125;
        let off = |r: f64| r == 0.0 || 0.125 * slip * slip <= frame.flat * r.abs();
        if bend.abs() <= frame.flat && off(r1) && off(r2) {
            return Joint::Smooth;
        }
    }
    // Travel that folds back is taken as the tip of a hair: a cap there is right for a hair and harmless in a slit.
    if s > 0.0 || (c < 0.0 && s > -1e-6) { Joint::Convex } else { Joint::Reflex }
}

/// Returns the point at which two smoothly meeting parallel pieces join.
#[inline]
pub(super) fn bisector_point(delta: f64, at: Point, t1: Vector, t2: Vector) -> Point {
    let t = t1 + t2;
    at - left(t) * (delta / (1.0 + t1.dot(&t2)))
}

/// A parallel piece on the way to the result.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// The untrimmed parallel piece.
    whole: Piece,
    source: usize,
    a: Point,
    b: Point,
    trimmed: [bool; 2],
    /// How it meets the next one kept.
    join: Joint,
}

/// Room for the work on one contour, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Room {
    kept: Vec<Kept>,
    joints: Vec<Joint>,
    result: Vec<Piece>,
}

/// Above this many pieces the certificate of a contour that is not convex costs more than the long way.
const MOST_PIECES: usize = 40;

/// Appends to `out` the parallel curve of the contour made of `pieces`. Linear for convex contours, quadratic in at
/// most 40 pieces for others.
pub(super) fn direct(pieces: &[Piece], frame: &Frame, room: &mut Room, out: &mut Vec<Vertex>) -> Outcome {
    let n = pieces.len();
    if n < 2 {
        return Outcome::Unsure;
    }
    let delta = frame.delta;
    room.kept.clear();
    room.joints.clear();
    // Survey: joints (room.joints[i] is at the start of piece i), turning, convexity.
    let (mut turning, mut convex_solid, mut convex_void) = (0.0, true, true);
    for i in 0..n {
        let (p, q) = (&pieces[if i == 0 { n - 1 } else { i - 1 }], &pieces[i]);
        // The radius of an arc that vanishes asks for nothing.
        let left_over = |p: &Piece| {
            if p.radius < 0.0 { parallel_radius(p, delta).min(0.0) } else { parallel_radius(p, delta) }
        };
        let (r1, r2) = (left_over(p), left_over(q));
        let (s, c) = (cross(p.to, q.from), p.to.dot(&q.from));
        if c < -0.999_999 {
            return Outcome::Unsure;
        }
        let j = joint(frame, p.to, q.from, r1, r2);
        match j {
            Joint::Smooth => turning += s,
            Joint::Convex => convex_void = false,
            Joint::Reflex => convex_solid = false,
        }
        if j != Joint::Smooth {
            turning += s.atan2(c);
        }
        if !q.is_line() {
            turning += q.sweep();
            if q.radius > 0.0 {
                convex_void = false;
            } else {
                convex_solid = false;
            }
        }
        room.joints.push(j);
    }
    // A contour that turns once around: ±2π. Anything else crosses itself.
    if (turning.abs() - TAU).abs() > 0.05 {
        return Outcome::Unsure;
    }
    let convex = if turning > 0.0 { convex_solid } else { convex_void };
    if !convex && n > MOST_PIECES {
        return Outcome::Unsure;
    }
    // Parallel pieces; concave arcs of too small a radius vanish.
    for (i, p) in pieces.iter().enumerate() {
        if let Some(whole) = parallel(p, delta) {
            room.kept.push(Kept {
                whole,
                source: i,
                a: whole.a,
                b: whole.b,
                trimmed: [false; 2],
                join: Joint::Smooth,
            });
        }
    }
    match room.kept.len() {
        0 if convex => return Outcome::Nothing,
        0 | 1 => return Outcome::Unsure,
        _ => {}
    }
    if !join_neighbours(pieces, frame, room) || !keeps_direction(room) {
        return Outcome::Unsure;
    }
    write(pieces, frame, room, out);
    if !convex && !certified(pieces, frame, room) {
        out.clear();
        return Outcome::Unsure;
    }
    Outcome::Done
}

/// Returns the signed radius of the parallel of `p`, 0 for a line.
#[inline]
pub(super) fn parallel_radius(p: &Piece, delta: f64) -> f64 {
    if p.is_line() { 0.0 } else { p.radius + delta }
}

/// Returns the parallel of `p`, or `None` when an arc's radius does not survive.
#[inline]
pub(super) fn parallel(p: &Piece, delta: f64) -> Option<Piece> {
    let radius = parallel_radius(p, delta);
    if p.radius < 0.0 && radius > -1e-9 {
        return None;
    }
    Some(Piece { a: p.a - left(p.from) * delta, b: p.b - left(p.to) * delta, radius, ..*p })
}

/// Settles where each kept piece ends and the next begins.
fn join_neighbours(pieces: &[Piece], frame: &Frame, room: &mut Room) -> bool {
    let (n, m) = (pieces.len(), room.kept.len());
    for k in 0..m {
        let l = (k + 1) % m;
        let (p, q) = (room.kept[k], room.kept[l]);
        let next = (p.source + 1) % n;
        let adjacent = q.source == next;
        let join = if adjacent { room.joints[next] } else { Joint::Reflex };
        room.kept[k].join = join;
        match join {
            Joint::Convex => {}
            Joint::Smooth => {
                let (s, t) = (&pieces[p.source], &pieces[q.source]);
                let at = bisector_point(frame.delta, s.b, s.to, t.from);
                room.kept[k].b = at;
                room.kept[l].a = at;
            }
            Joint::Reflex => {
                // Between two kept pieces nothing may stick out.
                let mut i = next;
                while i != q.source && !adjacent {
                    let after = (i + 1) % n;
                    if room.joints[i] == Joint::Convex || room.joints[after] == Joint::Convex {
                        return false;
                    }
                    i = after;
                }
                let Some(at) = least_trim(&p.whole, &q.whole) else { return false };
                room.kept[k].b = at;
                room.kept[k].trimmed[1] = true;
                room.kept[l].a = at;
                room.kept[l].trimmed[0] = true;
            }
        }
    }
    true
}

/// Returns where `p` and `q` cross within both, the place that cuts the least off the end of `p`.
fn least_trim(p: &Piece, q: &Piece) -> Option<Point> {
    const SLACK: f64 = 1e-9;
    p.meets(q)
        .iter()
        .map(|at| (p.progress(at), q.progress(at), at))
        .filter(|(s, t, _)| (-SLACK..=1.0 + SLACK).contains(s) && (-SLACK..=1.0 + SLACK).contains(t))
        .max_by(|x, y| x.0.total_cmp(&y.0))
        .map(|(_, _, at)| at)
}

/// True when every kept piece still runs the way its source does.
fn keeps_direction(room: &Room) -> bool {
    room.kept.iter().all(|k| {
        if k.whole.is_line() {
            (k.b - k.a).dot(&k.whole.from) > 1e-9
        } else if k.trimmed == [false; 2] {
            true
        } else {
            let from = if k.trimmed[0] { k.whole.progress(k.a) } else { 0.0 };
            let to = if k.trimmed[1] { k.whole.progress(k.b) } else { 1.0 };
            (to - from) * k.whole.length() > 1e-9
        }
    })
}

/// Appends the joined pieces to `out`, and to `room.result` piece by piece with their joins.
fn write(pieces: &[Piece], frame: &Frame, room: &mut Room, out: &mut Vec<Vertex>) {
    room.result.clear();
    let m = room.kept.len();
    for k in 0..m {
        let (p, q) = (room.kept[k], room.kept[(k + 1) % m]);
        // Where the ends are those of the source, so is the sweep; rounding of a tangent joint moves them by less
        // than a picometre.
        let moved = (p.a - p.whole.a).norm_squared() + (p.b - p.whole.b).norm_squared() > 1e-24;
        let bulge = match (p.whole.is_line(), moved) {
            (true, _) => 0.0,
            (false, false) => p.whole.bulge,
            (false, true) => bulge_about(p.whole.center, p.whole.radius, p.a, p.b),
        };
        push(p.a, p.b, bulge, out);
        room.result.push(Piece { a: p.a, b: p.b, bulge, ..p.whole });
        if p.join != Joint::Convex {
            continue;
        }
        let (s, t) = (&pieces[p.source], &pieces[q.source]);
        let mut leg = |a: Point, b: Point, bulge: f64| {
            push(a, b, bulge, out);
            let radius = if bulge == 0.0 { 0.0 } else { frame.delta };
            let join = Piece { a, b, from: s.to, to: t.from, center: s.b, radius, bulge, contour: s.contour };
            room.result.push(join);
        };
        match tip(frame, s.b, s.to, t.from) {
            Tip::Round => leg(p.b, q.a, quarter_tan(s.to, t.from)),
            Tip::Point(tip) => {
                leg(p.b, tip, 0.0);
                leg(tip, q.a, 0.0);
            }
            Tip::Cut(c, d) => {
                leg(p.b, c, 0.0);
                leg(c, d, 0.0);
                leg(d, q.a, 0.0);
            }
        }
    }
    if frame.corner != Corner::Round {
        drop_straight(out);
    }
}

/// What fills the gap at a convex corner.
pub(super) enum Tip {
    Round,
    Point(Point),
    Cut(Point, Point),
}

/// Returns how the corner `at` between directions `t1` and `t2` is filled. A sharp tip is δ/cos(θ/2) from the
/// corner; the cut is across the bisector at `limit`·δ.
pub(super) fn tip(frame: &Frame, at: Point, t1: Vector, t2: Vector) -> Tip {
    let Corner::Sharp { limit } = frame.corner else { return Tip::Round };
    // Below 1 the cut would fall inside the round corner.
    let limit = if limit.is_finite() { limit.clamp(1.0, 1e3) } else { 1e3 };
    let c = t1.dot(&t2).clamp(-1.0, 1.0);
    let half_cos = (0.5 * (1.0 + c)).sqrt();
    if half_cos * limit >= 1.0 {
        return Tip::Point(bisector_point(frame.delta, at, t1, t2));
    }
    let half_sin = (0.5 * (1.0 - c)).sqrt();
    let along = frame.delta * (limit - half_cos) / half_sin;
    let (p, q) = (at - left(t1) * frame.delta, at - left(t2) * frame.delta);
    Tip::Cut(p + t1 * along, q - t2 * along)
}

/// Returns tan(θ/4) for the left turn θ in (0, π] from `t1` to `t2`.
#[inline]
pub(super) fn quarter_tan(t1: Vector, t2: Vector) -> f64 {
    let (s, c) = (cross(t1, t2).abs(), t1.dot(&t2));
    let half = if c >= 0.0 { s / (1.0 + c) } else { (1.0 - c) / s.max(1e-300) };
    if half > 1e150 { 1.0 } else { half / (1.0 + (1.0 + half * half).sqrt()) }
}

/// Appends the piece from `a` to `b` by its first vertex, in two halves when it is more than half a turn.
#[inline]
pub(super) fn push(a: Point, b: Point, bulge: f64, out: &mut Vec<Vertex>) {
    if bulge.abs() > 1.0 + 1e-9 {
        let half = bulge / (1.0 + (1.0 + bulge * bulge).sqrt());
        let middle = nalgebra::center(&a, &b) - left(b - a) * (0.5 * bulge);
        out.push(Vertex { point: a, bulge: half });
        out.push(Vertex { point: middle, bulge: half });
    } else {
        out.push(Vertex { point: a, bulge });
    }
}

/// Drops vertices at which a straight line goes straight on: a side and its extension to a sharp tip.
fn drop_straight(out: &mut Vec<Vertex>) {
    let n = out.len();
    let mut before = out[n - 1];
    let (first, mut kept) = (out[0], 0);
    for i in 0..n {
        let (v, next) = (out[i], if i + 1 < n { out[i + 1] } else { first });
        let (e, f) = (v.point - before.point, next.point - v.point);
        let straight = before.bulge == 0.0 && v.bulge == 0.0;
        if straight && e.dot(&f) > 0.0 && cross(e, f).abs() <= 1e-12 * e.norm() * f.norm() {
            continue;
        }
        before = v;
        out[kept] = v;
        kept += 1;
    }
    out.truncate(kept);
}

/// True when every piece of the result keeps its distance from the whole contour, and everything trimmed off an
/// arc is nearer than that to the contour.
fn certified(pieces: &[Piece], frame: &Frame, room: &Room) -> bool {
    let delta = frame.delta;
    let least = delta - (2.0 * frame.flat).max(1e-7);
    for r in &room.result {
        let around = r.bounds().inflated(least);
        let segment = r.segment();
        for s in pieces {
            if s.bounds().intersects(&around) && segment_distance(&segment, &s.segment()) < least {
                return false;
            }
        }
    }
    // Tips may stand out further than δ, where distances prove nothing about each other.
    if frame.corner != Corner::Round && crosses_itself(&room.result) {
        return false;
    }
    let near = |p: Point, own: usize| {
        let other = |(i, s): (usize, &Piece)| i != own && point_distance(&s.segment(), p) < delta + 1e-7;
        pieces.iter().enumerate().any(other)
    };
    let rest_is_near = |k: &Kept| {
        let cut = |from: f64, to: f64| {
            let t = 0.5 * (from + to);
            near(point_along(&k.whole, t), k.source)
        };
        (!k.trimmed[0] || cut(0.0, k.whole.progress(k.a)))
            && (!k.trimmed[1] || cut(k.whole.progress(k.b), 1.0))
    };
    // Between lines alone a trimmed part lies in the other's swept rectangle.
    pieces.iter().all(Piece::is_line) || room.kept.iter().all(rest_is_near)
}

fn point_along(p: &Piece, t: f64) -> Point {
    if p.is_line() {
        return p.a + (p.b - p.a) * t;
    }
    let (s, c) = (p.sweep() * t).sin_cos();
    let v = p.a - p.center;
    p.center + v * c + left(v) * s
}

/// True when two pieces that are not neighbours meet.
fn crosses_itself(result: &[Piece]) -> bool {
    let n = result.len();
    for i in 0..n {
        let b = result[i].bounds();
        for j in i + 2..n {
            let neighbours = i == 0 && j == n - 1;
            if !neighbours
                && result[j].bounds().intersects(&b)
                && segment_distance(&result[i].segment(), &result[j].segment()) < 1e-9
            {
                return true;
            }
        }
    }
    false
}
