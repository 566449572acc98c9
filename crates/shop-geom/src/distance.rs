//! Distances between pieces, and from points to many pieces: the oracle behind every check.

use crate::grid::Grid;
use crate::{Aabb, Arc, Line, Point, Polyline, Segment, Vector, cross, left};
use std::f64::consts::{PI, TAU};

/// Many pieces, ready to be asked for the nearest.
#[derive(Clone, Debug)]
pub struct SegmentIndex {
    segments: Vec<Segment>,
    owners: Vec<u32>,
    boxes: Vec<Aabb>,
    grid: Grid,
}

/// The nearest piece to something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Index of the piece, in the order given.
    pub segment: u32,
    /// Index of the polyline it belongs to.
    pub owner: u32,
    /// Distance, mm.
    pub distance: f64,
}

impl SegmentIndex {
    /// Indexes all pieces of `polylines`.
    pub fn new<'a>(polylines: impl IntoIterator<Item = &'a Polyline>) -> Self {
        let (mut segments, mut owners) = (Vec::new(), Vec::new());
        for (owner, polyline) in polylines.into_iter().enumerate() {
            segments.extend(polyline.segments());
            owners.resize(segments.len(), owner as u32);
        }
        Self::of_segments(segments, owners)
    }

    /// Indexes `segments`, each with the index of what it belongs to.
    pub fn of_segments(segments: Vec<Segment>, owners: Vec<u32>) -> Self {
        let boxes: Vec<Aabb> = segments.iter().map(Segment::bounds).collect();
        // Cells of about the mean box: large arcs and long lines land in several, short ones in one.
        let total: f64 = boxes.iter().map(|b| b.width().max(b.height())).sum();
        let grid = Grid::new(&boxes, total / boxes.len().max(1) as f64);
        SegmentIndex { segments, owners, boxes, grid }
    }

    /// Returns the indexed pieces.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns what piece `i` belongs to.
    pub fn owner(&self, i: u32) -> u32 {
        self.owners[i as usize]
    }

    /// Returns the grid of the pieces' boxes.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Returns the piece nearest to `p` among those within `within` mm.
    pub fn nearest(&self, p: Point, within: f64) -> Option<Nearest> {
        let (segment, distance) =
            self.grid.nearest(p, within, |i| point_distance(&self.segments[i as usize], p))?;
        Some(Nearest { segment, owner: self.owners[segment as usize], distance })
    }

    /// Returns the least distance from `segment` to any piece that `accept`s, if it is at most `within`.
    pub fn nearest_to_segment(
        &self,
        segment: &Segment,
        within: f64,
        mut accept: impl FnMut(u32) -> bool,
    ) -> Option<Nearest> {
        let area = segment.bounds().inflated(within);
        let mut best: Option<(u32, f64)> = None;
        self.grid.visit(&area, |i| {
            let limit = best.map_or(within, |b| b.1);
            if !self.boxes[i as usize].intersects(&area) || !accept(i) {
                return;
            }
            let d = segment_distance(segment, &self.segments[i as usize]);
            if d < limit || (best.is_none() && d <= within) {
                best = Some((i, d));
            }
        });
        best.map(|(i, distance)| Nearest { segment: i, owner: self.owners[i as usize], distance })
    }
}

/// Returns the least distance between two pieces, 0 when they meet.
///
/// The least distance is attained at an end of one of them, at a common point, or where both are perpendicular to
/// the way between: the foot of a centre on a line, or along the line of two centres. All of these are tried, so
/// the result is exact to rounding; near a grazing contact it is the true gap or overlap, of the order of 1e-15
/// of the coordinates.
pub fn segment_distance(a: &Segment, b: &Segment) -> f64 {
    match (a, b) {
        (Segment::Line(p), Segment::Line(q)) => line_line(p, q),
        (Segment::Line(p), Segment::Arc(c)) | (Segment::Arc(c), Segment::Line(p)) => line_arc(p, c),
        (Segment::Arc(c), Segment::Arc(e)) => arc_arc(c, e),
    }
}

/// True when the direction `v` from the centre falls within the arc's sweep, ends included. The sides of two
/// lines decide instead of angles; a direction within rounding of an end may fall either way.
#[inline]
pub(crate) fn within_sweep(arc: &Arc, v: Vector) -> bool {
    let turn = arc.sweep.abs();
    if turn >= TAU {
        return true;
    }
    let (mut from, mut to) = (arc.a - arc.center, arc.b - arc.center);
    if arc.sweep < 0.0 {
        std::mem::swap(&mut from, &mut to);
    }
    if turn <= PI {
        cross(from, v) >= 0.0 && cross(v, to) >= 0.0
    } else {
        !(cross(to, v) > 0.0 && cross(v, from) > 0.0)
    }
}

/// Returns the distance from `p` to the piece without the use of angles.
#[inline]
pub(crate) fn point_distance(s: &Segment, p: Point) -> f64 {
    match s {
        Segment::Line(l) => point_line(p, l),
        Segment::Arc(c) => point_arc(p, c),
    }
}

#[inline]
fn point_line(p: Point, l: &Line) -> f64 {
    let (d, v) = (l.b - l.a, p - l.a);
    let n2 = d.norm_squared();
    let t = if n2 > 0.0 { (v.dot(&d) / n2).clamp(0.0, 1.0) } else { 0.0 };
    (v - d * t).norm()
}

#[inline]
fn point_arc(p: Point, c: &Arc) -> f64 {
    let v = p - c.center;
    if within_sweep(c, v) {
        (v.norm() - c.radius).abs()
    } else {
        (p - c.a).norm_squared().min((p - c.b).norm_squared()).sqrt()
    }
}

fn line_line(p: &Line, q: &Line) -> f64 {
    let side = |l: &Line, r: Point| robust::orient2d(coord(l.a), coord(l.b), coord(r));
    let (c, d) = (side(q, p.a), side(q, p.b));
    // Proper crossings only: where an end lies on the other line the end's own distance says 0.
    if (c > 0.0) != (d > 0.0) && c != 0.0 && d != 0.0 {
        let (e, f) = (side(p, q.a), side(p, q.b));
        if (e > 0.0) != (f > 0.0) && e != 0.0 && f != 0.0 {
            return 0.0;
        }
    }
    point_line(p.a, q).min(point_line(p.b, q)).min(point_line(q.a, p)).min(point_line(q.b, p))
}

fn line_arc(l: &Line, c: &Arc) -> f64 {
    let mut best = point_arc(l.a, c).min(point_arc(l.b, c)).min(point_line(c.a, l)).min(point_line(c.b, l));
    let d = l.b - l.a;
    let n2 = d.norm_squared();
    if best == 0.0 || n2 == 0.0 {
        return best;
    }
    let t = (c.center - l.a).dot(&d) / n2;
    let foot = l.a + d * t - c.center;
    let h2 = foot.norm_squared();
    let reach2 = c.radius * c.radius - h2;
    if reach2 >= 0.0 {
        let dt = (reach2 / n2).sqrt();
        for u in [t - dt, t + dt] {
            if (0.0..=1.0).contains(&u) && within_sweep(c, foot + d * (u - t)) {
                return 0.0;
            }
        }
    } else if (0.0..=1.0).contains(&t) && within_sweep(c, foot) {
        best = best.min(h2.sqrt() - c.radius);
    }
    best
}

fn arc_arc(p: &Arc, q: &Arc) -> f64 {
    let mut best = point_arc(p.a, q).min(point_arc(p.b, q)).min(point_arc(q.a, p)).min(point_arc(q.b, p));
    let between = q.center - p.center;
    let d2 = between.norm_squared();
    // About one centre the ends decide: where the sweeps overlap, an end of one lies within the other.
    if best == 0.0 || d2 == 0.0 {
        return best;
    }
    let d = d2.sqrt();
    // Where the circles cross: along the centres by x, across by y.
    let x = 0.5 * (d + (p.radius - q.radius) * (p.radius + q.radius) / d);
    let y2 = (p.radius - x) * (p.radius + x);
    let u = between / d;
    if y2 >= 0.0 {
        let y = y2.sqrt();
        for side in [y, -y] {
            let v = u * x + left(u) * side;
            if within_sweep(p, v) && within_sweep(q, v - between) {
                return 0.0;
            }
        }
    }
    for (s, t) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
        if within_sweep(p, u * s) && within_sweep(q, u * t) {
            best = best.min((d + t * q.radius - s * p.radius).abs());
        }
    }
    best
}

#[inline]
fn coord(p: Point) -> robust::Coord<f64> {
    robust::Coord { x: p.x, y: p.y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece() -> impl Strategy<Value = Segment> {
        let c = -5.0..5.0f64;
        (c.clone(), c.clone(), c.clone(), c, prop_oneof![Just(0.0), -3.0..3.0f64, Just(1.0), Just(-1.0)])
            .prop_map(|(x, y, u, v, bulge)| Segment::new(Point::new(x, y), Point::new(u, v), bulge))
    }

    /// Samples both pieces densely; the truth is at most this, and not less by more than the sampling step.
    fn sampled(a: &Segment, b: &Segment) -> f64 {
        (0..=400).map(|i| b.distance_to(a.point_at(f64::from(i) / 400.0))).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn agrees_with_dense_samples(a in piece(), b in piece()) {
            let (d, e) = (segment_distance(&a, &b), sampled(&a, &b));
            prop_assert!(d <= e + 1e-9, "{d} {e}");
            prop_assert!(e - d <= a.length() / 800.0 + 1e-9, "{d} {e}");
        }

        #[test]
        fn is_symmetric_and_blind_to_direction(a in piece(), b in piece()) {
            let d = segment_distance(&a, &b);
            prop_assert!((d - segment_distance(&b, &a)).abs() < 1e-12);
            prop_assert!((d - segment_distance(&a.reversed(), &b)).abs() < 1e-9);
        }

        #[test]
        fn points_agree_with_the_angle_form(a in piece(), x in -6.0..6.0f64, y in -6.0..6.0f64) {
            let p = Point::new(x, y);
            prop_assert!((point_distance(&a, p) - a.distance_to(p)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_shared_end_is_no_distance() {
        let a = Segment::new(Point::new(0.0, 0.0), Point::new(1.0, 0.3), 0.4);
        let b = Segment::new(Point::new(1.0, 0.3), Point::new(2.0, 0.0), 0.0);
        assert_eq!(segment_distance(&a, &b), 0.0);
    }

    #[test]
    fn full_circles_know_their_gap() {
        let circle = |x: f64, r: f64| {
            let p = crate::Polyline::circle(Point::new(x, 0.0), r);
            [p.segment(0), p.segment(1)]
        };
        let least = |p: &[Segment; 2], q: &[Segment; 2]| {
            p.iter().flat_map(|s| q.iter().map(move |t| segment_distance(s, t))).fold(f64::MAX, f64::min)
        };
        assert!((least(&circle(0.0, 2.0), &circle(5.0, 1.0)) - 2.0).abs() < 1e-12);
        assert!((least(&circle(0.0, 5.0), &circle(1.0, 1.0)) - 3.0).abs() < 1e-12);
        assert!((least(&circle(0.0, 5.0), &circle(0.0, 1.0)) - 4.0).abs() < 1e-12);
        assert_eq!(least(&circle(0.0, 2.0), &circle(2.0, 1.0)), 0.0);
    }
}
