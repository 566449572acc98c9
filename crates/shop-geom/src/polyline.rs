//! Chains of lines and arcs.

use crate::{Aabb, Point, Segment};
use std::f64::consts::PI;

/// A vertex and the bulge of the piece that leaves it: tan(sweep/4), 0 for a line, ±1 for a half circle,
/// positive counter-clockwise (DXF reference, LWPOLYLINE group 42).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vertex {
    /// Where.
    pub point: Point,
    /// tan(sweep/4) of the piece to the next vertex.
    pub bulge: f64,
}

impl Vertex {
    /// Returns a vertex at (x, y).
    pub fn new(x: f64, y: f64, bulge: f64) -> Self {
        Vertex { point: Point::new(x, y), bulge }
    }
}

/// A chain of lines and arcs, open or closed. When closed, the last vertex's bulge belongs to the piece back to
/// the first, and the first vertex is not repeated.
///
/// ```
/// use shop_geom::{Point, Polyline};
/// let c = Polyline::circle(Point::new(1.0, 2.0), 3.0);
/// assert!((c.area() - 9.0 * std::f64::consts::PI).abs() < 1e-12);
/// assert_eq!(c.segments().count(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polyline {
    /// The vertices in order.
    pub vertices: Vec<Vertex>,
    /// True when the last is joined to the first.
    pub closed: bool,
}

impl Polyline {
    /// Returns an open chain of straight pieces.
    pub fn open(points: impl IntoIterator<Item = Point>) -> Self {
        Polyline { vertices: straight(points), closed: false }
    }

    /// Returns a closed chain of straight pieces; do not repeat the first point.
    pub fn polygon(points: impl IntoIterator<Item = Point>) -> Self {
        Polyline { vertices: straight(points), closed: true }
    }

    /// Returns a circle as two counter-clockwise half circles starting at angle 0.
    pub fn circle(center: Point, radius: f64) -> Self {
        Polyline {
            vertices: vec![
                Vertex::new(center.x + radius, center.y, 1.0),
                Vertex::new(center.x - radius, center.y, 1.0),
            ],
            closed: true,
        }
    }

    /// Returns the open arc about `center` from angle `start` through `sweep`; more than half a turn becomes two
    /// pieces, so that no bulge exceeds 1.
    pub fn arc(center: Point, radius: f64, start: f64, sweep: f64) -> Self {
        let n = if sweep.abs() > PI { 2 } else { 1 };
        let bulge = (sweep / n as f64 / 4.0).tan();
        let at = |i: usize| {
            let (s, c) = (start + sweep * i as f64 / n as f64).sin_cos();
            Point::new(center.x + radius * c, center.y + radius * s)
        };
        let vertices =
            (0..=n).map(|i| Vertex { point: at(i), bulge: if i < n { bulge } else { 0.0 } }).collect();
        Polyline { vertices, closed: false }
    }

    /// Returns how many pieces it has.
    pub fn segment_count(&self) -> usize {
        match self.vertices.len() {
            0 => 0,
            n if self.closed => n,
            n => n - 1,
        }
    }

    /// Returns piece `i`, from vertex `i`.
    pub fn segment(&self, i: usize) -> Segment {
        let a = self.vertices[i];
        let b = self.vertices[(i + 1) % self.vertices.len()];
        Segment::new(a.point, b.point, a.bulge)
    }

    /// Returns the pieces in order.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment> + Clone + '_ {
        (0..self.segment_count()).map(|i| self.segment(i))
    }

    /// Returns the first point; `None` when empty.
    pub fn first(&self) -> Option<Point> {
        self.vertices.first().map(|v| v.point)
    }

    /// Returns where travel ends: the last vertex, or the first again when closed.
    pub fn last(&self) -> Option<Point> {
        if self.closed { self.first() } else { self.vertices.last().map(|v| v.point) }
    }

    /// Returns the length of all pieces, mm.
    pub fn length(&self) -> f64 {
        self.segments().map(|s| s.length()).sum()
    }

    /// Returns the enclosed area, counter-clockwise positive; 0 for an open chain.
    pub fn area(&self) -> f64 {
        if !self.closed || self.vertices.is_empty() {
            return 0.0;
        }
        // About the first vertex, so that far-away drawings keep their digits.
        let o = self.vertices[0].point.coords;
        self.segments().map(|s| translate(s, -o).area_about_origin()).sum()
    }

    /// Returns the exact bounding box.
    pub fn bounds(&self) -> Aabb {
        match self.vertices.as_slice() {
            [only] => Aabb::of([only.point]),
            _ => self.segments().fold(Aabb::EMPTY, |b, s| b.union(s.bounds())),
        }
    }

    /// Turns the direction of travel around; the first vertex stays first when closed.
    pub fn reverse(&mut self) {
        let n = self.vertices.len();
        if n < 2 {
            return;
        }
        let bulges: Vec<f64> = self.vertices.iter().map(|v| v.bulge).collect();
        self.vertices.reverse();
        if self.closed {
            self.vertices.rotate_right(1);
        }
        // New piece i runs from new vertex i to new vertex i+1, backwards over one old piece.
        for i in 0..n {
            let old = if self.closed { n - 1 - i } else { (2 * n - 2 - i) % n };
            self.vertices[i].bulge = if bulges[old] == 0.0 { 0.0 } else { -bulges[old] };
        }
        if !self.closed {
            self.vertices[n - 1].bulge = 0.0;
        }
    }

    /// Returns it travelled the other way.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reverse();
        self
    }

    /// Returns points along it such that no chord leaves it by more than `tolerance`; the first point is repeated
    /// at the end when closed.
    pub fn flatten(&self, tolerance: f64) -> Vec<Point> {
        let mut out = Vec::with_capacity(self.vertices.len() + 1);
        out.extend(self.first());
        for s in self.segments() {
            s.flatten_into(tolerance, &mut out);
        }
        out
    }

    /// Returns the chain with every point mapped by a similarity: `map` moves points, `mirrored` says that it
    /// turns left into right.
    #[must_use]
    pub fn mapped(&self, mirrored: bool, map: impl Fn(Point) -> Point) -> Self {
        let sign = if mirrored { -1.0 } else { 1.0 };
        let vertices =
            self.vertices.iter().map(|v| Vertex { point: map(v.point), bulge: v.bulge * sign }).collect();
        Polyline { vertices, closed: self.closed }
    }

    /// Returns the distance from `p` to the nearest piece; infinite when there is none.
    pub fn distance_to(&self, p: Point) -> f64 {
        self.segments().map(|s| s.distance_to(p)).fold(f64::INFINITY, f64::min)
    }

    /// True when every coordinate and bulge is finite.
    pub fn is_finite(&self) -> bool {
        self.vertices.iter().all(|v| v.point.x.is_finite() && v.point.y.is_finite() && v.bulge.is_finite())
    }
}

fn straight(points: impl IntoIterator<Item = Point>) -> Vec<Vertex> {
    points.into_iter().map(|point| Vertex { point, bulge: 0.0 }).collect()
}

fn translate(s: Segment, by: crate::Vector) -> Segment {
    match s {
        Segment::Line(l) => Segment::Line(crate::Line { a: l.a + by, b: l.b + by }),
        Segment::Arc(c) => Segment::Arc(crate::Arc { a: c.a + by, b: c.b + by, center: c.center + by, ..c }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reversal is an involution, keeps length and turns the area's sign.
    #[test]
    fn reversing_twice_changes_nothing() {
        let mut p = Polyline {
            vertices: vec![
                Vertex::new(0.0, 0.0, 0.3),
                Vertex::new(4.0, 0.0, 0.0),
                Vertex::new(4.0, 3.0, -0.2),
                Vertex::new(0.0, 3.0, 0.0),
            ],
            closed: true,
        };
        for closed in [true, false] {
            p.closed = closed;
            p.vertices[3].bulge = 0.0;
            let r = p.clone().reversed();
            assert!((r.length() - p.length()).abs() < 1e-12);
            assert!((r.area() + p.area()).abs() < 1e-12);
            assert_eq!(r.first(), if closed { p.first() } else { p.last() });
            assert_eq!(r.reversed(), p);
        }
    }

    #[test]
    fn a_far_away_circle_keeps_its_area() {
        let c = Polyline::circle(Point::new(1e6, -1e6), 2.0);
        assert!((c.area() - 4.0 * PI).abs() < 1e-6);
        let b = c.bounds();
        assert!((b.width() - 4.0).abs() < 1e-9 && (b.height() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn flattening_stays_within_tolerance() {
        let c = Polyline::circle(Point::new(0.0, 0.0), 10.0);
        for w in c.flatten(0.001).windows(2) {
            let mid = nalgebra::center(&w[0], &w[1]);
            assert!(10.0 - mid.coords.norm() <= 0.001 + 1e-12);
        }
    }
}
