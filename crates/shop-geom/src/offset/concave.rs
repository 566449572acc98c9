//! Finely divided concave curves, swept as one.
//!
//! Where a chain of short lines bends inwards more tightly than δ, the strips of its lines overlap each other many
//! times over, and every one of them would cross all the others. What is needed of them is little: the points that
//! have their nearest point on the chain. Let v₀ … v_k be a chain of lines that only turns right, and X a point
//! on the perpendicular bisector of v₀v_k:
//!
//! ```text
//!            v₁ ── v₂            The fan of triangles (X, v_i, v_i+1) replaces the strips when
//!          ╱     ┆    ╲            1. X is to the right of every line,
//!        v₀ ┄┄┄┄ X ┄┄┄┄ v₃         2. X is within δ of every vertex,
//!                                  3. X is no nearer to any point of the chain than to v₀ and v_k.
//! ```
//!
//! By 1 the triangles add up without going back; by 2 they hold nothing further than δ from the chain. They hold
//! enough: let q on the chain be the nearest point of some x, and the way from q to x leave the fan. It cannot
//! cross the chain, so it crosses v_kX (or v₀X) in some z, for which q is nearest too, |zq| ≤ |zv_k|. But
//! |zq|² − |zv_k|² is linear in z, positive at z = v_k, and by 3 not negative at X. So the way stays inside. The
//! further away X is, the flatter the circle of 3 about it, so the furthest that 2 allows is taken.
//!
//! The fan is walked like the pie of a small concave arc, v₀ ─ X ─ v_k: one spike instead of one for every line.

use super::piece::Piece;
use crate::{Point, cross, left};

/// Longest chain that is tried as one fan.
const LONGEST: usize = 256;

/// Writes into `out` the pieces with tight concave chains replaced by one pie each, and into `index` the number of
/// the first piece behind each; `first` is the number of piece 0. Returns false, and writes nothing, when there is
/// none. Linear: every line is looked at a few times.
pub(super) fn gather(
    pieces: &[Piece],
    delta: f64,
    first: u32,
    out: &mut Vec<Piece>,
    index: &mut Vec<u32>,
) -> bool {
    out.clear();
    index.clear();
    let n = pieces.len();
    let tight = |i: usize| i + 1 < n && is_tight(&pieces[i], &pieces[i + 1], delta);
    if !(0..n).any(tight) {
        return false;
    }
    out.reserve_exact(n);
    index.reserve_exact(n);
    let mut i = 0;
    while i < n {
        let fan = if tight(i) { longest_fan(&pieces[i..], delta) } else { None };
        index.push(first + i as u32);
        if let Some((k, apex)) = fan {
            let (p, q) = (&pieces[i], &pieces[i + k - 1]);
            // Any radius up to δ makes it a pie.
            out.push(Piece {
                a: p.a,
                b: q.b,
                from: p.from,
                to: q.to,
                center: apex,
                radius: -delta,
                bulge: 0.0,
                ..*p
            });
            i += k;
        } else {
            out.push(pieces[i]);
            i += 1;
        }
    }
    true
}

/// True for lines that turn right too sharply, for their length, to cut their corner.
fn is_tight(p: &Piece, q: &Piece, delta: f64) -> bool {
    let s = cross(p.to, q.from);
    p.is_line() && q.is_line() && s < 0.0 && p.to.dot(&q.from) > 0.0 && {
        let slip = delta * s;
        slip * slip > (p.b - p.a).norm_squared().min((q.b - q.a).norm_squared())
    }
}

/// Returns the largest fan, of 2, 4, 8 … lines, at the start of `pieces`.
fn longest_fan(pieces: &[Piece], delta: f64) -> Option<(usize, Point)> {
    // The lines in a row that only turn right, by less than three quarters of a half turn in all.
    let mut run = 1;
    let mut turned = 0.0;
    while run < pieces.len().min(LONGEST) {
        let (p, q) = (&pieces[run - 1], &pieces[run]);
        let s = cross(p.to, q.from);
        turned -= s;
        if !q.is_line() || s >= 0.0 || p.to.dot(&q.from) <= 0.0 || turned > 2.2 {
            break;
        }
        run += 1;
    }
    let mut k = run;
    while k >= 2 {
        if let Some(apex) = fan(&pieces[..k], delta) {
            return Some((k, apex));
        }
        k /= 2;
    }
    None
}

/// Returns the point of the fan over the chain, if there is one.
fn fan(chain: &[Piece], delta: f64) -> Option<Point> {
    let (from, to) = (chain[0].a, chain[chain.len() - 1].b);
    let normal = -left(to - from).try_normalize(0.0)?;
    let middle = nalgebra::center(&from, &to);
    let mut depth = f64::INFINITY;
    for p in chain.iter().map(|l| l.a).chain([to]) {
        let v = p - middle;
        let across = cross(normal, v);
        let room = (delta - across) * (delta + across);
        if room <= 0.0 {
            return None;
        }
        // A hair less than δ, so that rounding keeps within.
        depth = depth.min(v.dot(&normal) + room.sqrt() * (1.0 - 1e-9));
    }
    let apex = middle + normal * depth;
    let near = (apex - from).norm_squared().max((apex - to).norm_squared()) * (1.0 - 1e-12);
    let keeps_off = |l: &Piece| {
        let v = apex - l.a;
        let (along, beside) = (v.dot(&l.from), -cross(l.from, v));
        let foot = along > 0.0 && along < (l.b - l.a).norm();
        let nearest = if foot { beside * beside } else { v.norm_squared().min((apex - l.b).norm_squared()) };
        beside > 0.0 && nearest >= near
    };
    (depth > 0.0 && chain.iter().all(keeps_off)).then_some(apex)
}
