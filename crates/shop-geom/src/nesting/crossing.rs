//! Where contours cross: pairs of pieces from a sparse grid, and at shared places a look around.
//!
//! ```text
//!      B           A        Two strands meet within the tolerance of a vertex. Walk a little way in and out
//!        \       /          on both and sort the four points by angle: crossing when in and out of one lie on
//!   A --- \ --- + --- A     different sides of the other (A B A B), touching when they do not (A A B B). When two
//!          \   /            of them are too near to tell, walk further; when they stay together they touch.
//!           \ /
//!            + B
//! ```

use super::Crossing;
use crate::cells::Cells;
use crate::intersect::{Meeting, intersect};
use crate::{Aabb, Arc, Line, Point, Polyline, Segment, Vector, cross};
use rayon::prelude::*;
use shop_report::{Cancelled, Progress};
use std::f64::consts::TAU;

/// Getting to the other side by less than this is touching, mm. Drawings are written with four to six decimals,
/// and no machine here moves by a hundredth of a micrometre.
pub(crate) const TOUCH: f64 = 1e-5;

/// First distance of the look around a shared place, mm: far beyond `TOUCH`, far below any feature.
const LOOK: f64 = 2e-3;

pub(super) fn crossings(contours: &[Polyline], progress: &dyn Progress) -> Result<Vec<Crossing>, Cancelled> {
    let strands = Strands::new(contours);
    let cells = Cells::of_segments(&strands.segments, TOUCH);
    let buckets = cells.buckets();
    progress.begin("looking for crossings", buckets as u64);
    let chunks = buckets.div_ceil(BUCKETS);
    let found: Vec<Vec<Crossing>> = (0..chunks)
        .into_par_iter()
        .map(|chunk| {
            let mut found = Vec::new();
            let range = chunk * BUCKETS..((chunk + 1) * BUCKETS).min(buckets);
            progress.advance(range.len() as u64)?;
            for bucket in range {
                let entries = cells.bucket(bucket);
                for (i, a) in entries.iter().enumerate() {
                    for b in entries[i + 1..].iter().filter(|b| b.tag == a.tag) {
                        strands.pair(a.item.min(b.item), a.item.max(b.item), &mut found);
                    }
                }
            }
            Ok(found)
        })
        .collect::<Result<_, Cancelled>>()?;
    Ok(sorted(found.concat()))
}

/// Buckets of the grid between two looks at the progress.
const BUCKETS: usize = 4096;

/// Sorts and merges places that were found from several pairs of pieces.
fn sorted(mut found: Vec<Crossing>) -> Vec<Crossing> {
    found.sort_unstable_by(|p, q| {
        (p.a, p.b).cmp(&(q.a, q.b)).then(p.at.x.total_cmp(&q.at.x)).then(p.at.y.total_cmp(&q.at.y))
    });
    let mut merged: Vec<Crossing> = Vec::with_capacity(found.len());
    for c in found {
        let near = |m: &&Crossing| (m.a, m.b) == (c.a, c.b) && c.at.x - m.at.x <= 4.0 * TOUCH;
        let seen = merged.iter().rev().take_while(near).any(|m| (m.at - c.at).norm() <= 4.0 * TOUCH);
        if !seen {
            merged.push(c);
        }
    }
    merged
}

/// All pieces of all contours, with where they lie along theirs.
pub(super) struct Strands {
    pub segments: Vec<Segment>,
    pub boxes: Vec<Aabb>,
    pub owner: Vec<u32>,
    /// Length of the contour before each piece.
    along: Vec<f64>,
    /// First piece of each contour, and one more.
    starts: Vec<u32>,
    /// Length of each contour.
    total: Vec<f64>,
}

impl Strands {
    /// Takes the contours to pieces, those without length left out.
    pub fn new(contours: &[Polyline]) -> Strands {
        let n = contours.iter().map(Polyline::segment_count).sum();
        let mut s = Strands {
            segments: Vec::with_capacity(n),
            boxes: Vec::with_capacity(n),
            owner: Vec::with_capacity(n),
            along: Vec::with_capacity(n),
            starts: Vec::with_capacity(contours.len() + 1),
            total: Vec::with_capacity(contours.len()),
        };
        for (i, c) in contours.iter().enumerate() {
            s.starts.push(s.segments.len() as u32);
            let mut length = 0.0;
            for p in c.segments() {
                let own = p.length();
                if own > 0.0 {
                    s.boxes.push(p.bounds());
                    s.segments.push(p);
                    s.owner.push(i as u32);
                    s.along.push(length);
                    length += own;
                }
            }
            s.total.push(length);
        }
        s.starts.push(s.segments.len() as u32);
        s
    }

    /// Adds the places at which pieces `a < b` cross.
    fn pair(&self, a: u32, b: u32, found: &mut Vec<Crossing>) {
        let (i, k) = (a as usize, b as usize);
        let (p, q) = (&self.segments[i], &self.segments[k]);
        if !near(&self.boxes[i], &self.boxes[k]) || (self.follow(a, b) && meet_once(p, q)) || apart(p, q) {
            return;
        }
        for m in intersect(p, q, TOUCH).points() {
            let inside = |t: f64| t > 0.0 && t < 1.0;
            let crosses = if inside(m.ta) && inside(m.tb) {
                !m.tangent
            } else {
                !self.same_place(a, b, m) && self.change_sides(a, b, m)
            };
            if crosses {
                found.push(Crossing { a: self.owner[i], b: self.owner[k], at: m.at });
            }
        }
    }

    /// True when one piece follows the other on one contour.
    fn follow(&self, a: u32, b: u32) -> bool {
        let owner = self.owner[a as usize];
        if owner != self.owner[b as usize] {
            return false;
        }
        let (first, last) = (self.starts[owner as usize], self.starts[owner as usize + 1] - 1);
        b == a + 1 || (a == first && b == last)
    }

    /// True when a meeting is one place of one contour, passed once.
    fn same_place(&self, a: u32, b: u32, m: &Meeting) -> bool {
        let owner = self.owner[a as usize];
        if owner != self.owner[b as usize] {
            return false;
        }
        let at = |i: u32, t: f64| self.along[i as usize] + t * self.segments[i as usize].length();
        let total = self.total[owner as usize];
        let d = (at(a, m.ta) - at(b, m.tb)).abs();
        d.min(total - d) <= (2.0 * LOOK).min(total / 8.0)
    }

    /// True when the contours get to each other's other side at a shared place.
    fn change_sides(&self, a: u32, b: u32, m: &Meeting) -> bool {
        let most = 0.125
            * self.total[self.owner[a as usize] as usize].min(self.total[self.owner[b as usize] as usize]);
        let mut look = LOOK.min(most);
        while look <= most.min(1.0) {
            let [a_in, a_out] = self.around(a, m.ta, look, m.at);
            let [b_in, b_out] = self.around(b, m.tb, look, m.at);
            match interleaved(a_in, a_out, b_in, b_out, 4.0 * TOUCH / look) {
                Some(crosses) => return crosses,
                None => look *= 8.0,
            }
        }
        false
    }

    /// Returns the directions from `at` to the points `look` before and after fraction `t` of piece `i`.
    fn around(&self, i: u32, t: f64, look: f64, at: Point) -> [Vector; 2] {
        [self.walk(i, t, look, false) - at, self.walk(i, t, look, true) - at]
    }

    /// Returns the point a distance further on along the contour, or back.
    fn walk(&self, i: u32, t: f64, distance: f64, forwards: bool) -> Point {
        let owner = self.owner[i as usize] as usize;
        let (first, last) = (self.starts[owner], self.starts[owner + 1] - 1);
        let (mut i, mut left) = (i, distance);
        let length = self.segments[i as usize].length();
        let mut at = t * length;
        loop {
            let s = &self.segments[i as usize];
            let length = s.length();
            let rest = if forwards { length - at } else { at };
            if left <= rest {
                let to = if forwards { at + left } else { at - left };
                return s.point_at(to / length);
            }
            left -= rest;
            i = match (forwards, i) {
                (true, i) if i == last => first,
                (true, i) => i + 1,
                (false, i) if i == first => last,
                (false, i) => i - 1,
            };
            at = if forwards { 0.0 } else { self.segments[i as usize].length() };
        }
    }
}

#[inline]
fn near(a: &Aabb, b: &Aabb) -> bool {
    a.min.x <= b.max.x + TOUCH
        && b.min.x <= a.max.x + TOUCH
        && a.min.y <= b.max.y + TOUCH
        && b.min.y <= a.max.y + TOUCH
}

/// True when pieces that follow each other surely meet nowhere but at their common end.
fn meet_once(p: &Segment, q: &Segment) -> bool {
    match (p, q) {
        (Segment::Line(_), Segment::Line(_)) => true,
        (Segment::Line(l), Segment::Arc(c)) | (Segment::Arc(c), Segment::Line(l)) => line_leaves_arc(l, c),
        (Segment::Arc(a), Segment::Arc(b)) => {
            // The halves of a circle; they may overlap but not cross.
            (a.center - b.center).amax() <= 1e-9 * a.radius && (a.radius - b.radius).abs() <= 1e-9 * a.radius
        }
    }
}

/// True when a line that shares an end with an arc does not come back to its circle.
fn line_leaves_arc(l: &Line, c: &Arc) -> bool {
    let (from, to) = if l.a == c.a || l.a == c.b { (l.a, l.b) } else { (l.b, l.a) };
    let direction = to - from;
    let length = direction.norm();
    // From a point on the circle, the second meeting is twice the way to the foot of the centre's perpendicular.
    let second = 2.0 * (c.center - from).dot(&direction) / length;
    second <= TOUCH || second >= length + TOUCH
}

/// True when two lines are surely apart: the ends of one are on one side of the other.
#[inline]
fn apart(p: &Segment, q: &Segment) -> bool {
    let (Segment::Line(a), Segment::Line(b)) = (p, q) else { return false };
    let beside = |a: &Line, b: &Line| {
        let u = a.b - a.a;
        let (c, d) = (cross(u, b.a - a.a), cross(u, b.b - a.a));
        let margin = 2.0 * TOUCH * (u.x.abs() + u.y.abs());
        (c > margin && d > margin) || (c < -margin && d < -margin)
    };
    beside(a, b) || beside(b, a)
}

/// Returns whether exactly one of `b_in`, `b_out` lies between `a_in` and `a_out` by angle; `None` when two
/// directions are within `margin` radians, too near to tell.
fn interleaved(a_in: Vector, a_out: Vector, b_in: Vector, b_out: Vector, margin: f64) -> Option<bool> {
    let angle = |v: Vector| v.y.atan2(v.x);
    let (from, to) = (angle(a_out), angle(a_in));
    let turn = |x: f64| (x - from).rem_euclid(TAU);
    let (end, p, q) = (turn(to), turn(angle(b_in)), turn(angle(b_out)));
    let clear = |x: f64| x > margin && x < TAU - margin && (x - end).abs() > margin;
    (clear(p) && clear(q)).then_some((p < end) != (q < end))
}
