//! The two things a path is made of: straight lines and circular arcs.

use crate::{Aabb, Point, Vector, left};
use std::f64::consts::{PI, TAU};

/// A straight piece from `a` to `b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Start.
    pub a: Point,
    /// End.
    pub b: Point,
}

impl Line {
    /// Returns the distance from `p` to the line.
    #[inline]
    pub fn distance_to(&self, p: Point) -> f64 {
        let (along, from) = (self.b - self.a, p - self.a);
        let square = along.norm_squared();
        let t = if square == 0.0 { 0.0 } else { (from.dot(&along) / square).clamp(0.0, 1.0) };
        (from - along * t).norm()
    }
}

/// A circular piece from `a` to `b` about `center`; both ends are kept so that chains meet to the last bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    /// Start.
    pub a: Point,
    /// End.
    pub b: Point,
    /// Middle of the circle.
    pub center: Point,
    /// Radius, mm, positive.
    pub radius: f64,
    /// Angle at which it starts, radians.
    pub start: f64,
    /// Signed angle it turns through, counter-clockwise positive, |sweep| ≤ 2π.
    pub sweep: f64,
}

/// One piece of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Segment {
    /// A straight piece.
    Line(Line),
    /// A circular piece.
    Arc(Arc),
}

impl Arc {
    /// Returns the arc from `a` to `b` with this bulge, tan(sweep/4); `None` when it is straight, has equal ends,
    /// or is so flat that its circle cannot be represented.
    pub fn from_bulge(a: Point, b: Point, bulge: f64) -> Option<Arc> {
        let chord = b - a;
        let d = chord.norm();
        if bulge == 0.0 || d == 0.0 || !bulge.is_finite() {
            return None;
        }
        // Half chord d/2, sagitta s = |bulge|·d/2; radius = d(1+b²)/(4|b|); centre to the left of a CCW chord.
        let offset = d * (1.0 - bulge * bulge) / (4.0 * bulge);
        let radius = d * (1.0 + bulge * bulge) / (4.0 * bulge.abs());
        if !radius.is_finite() || radius > 1e9 {
            return None;
        }
        let center = nalgebra::center(&a, &b) + left(chord) * (offset / d);
        let start = (a.y - center.y).atan2(a.x - center.x);
        Some(Arc { a, b, center, radius, start, sweep: 4.0 * bulge.atan() })
    }

    /// Returns the point at angle `start + t·sweep`.
    pub fn point_at(&self, t: f64) -> Point {
        if t == 0.0 {
            return self.a;
        }
        if t == 1.0 {
            return self.b;
        }
        let (s, c) = (self.start + t * self.sweep).sin_cos();
        self.center + Vector::new(c, s) * self.radius
    }

    /// True when the direction `v` from the centre falls within the sweep (ends included).
    pub fn spans(&self, v: Vector) -> bool {
        let angle = v.y.atan2(v.x);
        self.parameter_of_angle(angle).is_some()
    }

    /// Returns where on the sweep (0..=1) the absolute `angle` lies, or `None` outside of it.
    pub fn parameter_of_angle(&self, angle: f64) -> Option<f64> {
        let turn = if self.sweep >= 0.0 { angle - self.start } else { self.start - angle };
        let turn = turn.rem_euclid(TAU);
        let sweep = self.sweep.abs();
        if turn <= sweep {
            Some(turn / sweep)
        } else if TAU - turn < 1e-12 {
            Some(0.0)
        } else {
            None
        }
    }

    /// Returns the bulge, tan(sweep/4).
    pub fn bulge(&self) -> f64 {
        (self.sweep / 4.0).tan()
    }
}

impl Segment {
    /// Returns the piece from `a` to `b` with this bulge (0: straight).
    #[inline]
    pub fn new(a: Point, b: Point, bulge: f64) -> Segment {
        match Arc::from_bulge(a, b, bulge) {
            Some(arc) => Segment::Arc(arc),
            None => Segment::Line(Line { a, b }),
        }
    }

    /// Returns where it starts.
    #[inline]
    pub fn start(&self) -> Point {
        match self {
            Segment::Line(l) => l.a,
            Segment::Arc(c) => c.a,
        }
    }

    /// Returns where it ends.
    #[inline]
    pub fn end(&self) -> Point {
        match self {
            Segment::Line(l) => l.b,
            Segment::Arc(c) => c.b,
        }
    }

    /// Returns tan(sweep/4), 0 for a line.
    pub fn bulge(&self) -> f64 {
        match self {
            Segment::Line(_) => 0.0,
            Segment::Arc(c) => c.bulge(),
        }
    }

    /// Returns the length along the piece, mm.
    pub fn length(&self) -> f64 {
        match self {
            Segment::Line(l) => (l.b - l.a).norm(),
            Segment::Arc(c) => c.radius * c.sweep.abs(),
        }
    }

    /// Returns the point at fraction `t` of the length.
    pub fn point_at(&self, t: f64) -> Point {
        match self {
            Segment::Line(l) => {
                if t == 1.0 {
                    l.b
                } else {
                    l.a + (l.b - l.a) * t
                }
            }
            Segment::Arc(c) => c.point_at(t),
        }
    }

    /// Returns the unit direction of travel at fraction `t`; zero for a piece without length.
    pub fn direction_at(&self, t: f64) -> Vector {
        match self {
            Segment::Line(l) => (l.b - l.a).try_normalize(0.0).unwrap_or_else(Vector::zeros),
            Segment::Arc(c) => {
                let (s, k) = (c.start + t * c.sweep).sin_cos();
                left(Vector::new(k, s)) * c.sweep.signum()
            }
        }
    }

    /// Returns the same piece travelled the other way.
    #[must_use]
    pub fn reversed(&self) -> Segment {
        match *self {
            Segment::Line(l) => Segment::Line(Line { a: l.b, b: l.a }),
            Segment::Arc(c) => {
                Segment::Arc(Arc { a: c.b, b: c.a, start: c.start + c.sweep, sweep: -c.sweep, ..c })
            }
        }
    }

    /// Returns the piece between fractions `t0 < t1`.
    #[must_use]
    pub fn part(&self, t0: f64, t1: f64) -> Segment {
        match *self {
            Segment::Line(_) => Segment::Line(Line { a: self.point_at(t0), b: self.point_at(t1) }),
            Segment::Arc(c) => Segment::Arc(Arc {
                a: c.point_at(t0),
                b: c.point_at(t1),
                start: c.start + c.sweep * t0,
                sweep: c.sweep * (t1 - t0),
                ..c
            }),
        }
    }

    /// Returns the exact bounding box.
    pub fn bounds(&self) -> Aabb {
        match self {
            Segment::Line(l) => Aabb::new(l.a, l.b),
            Segment::Arc(c) => {
                let mut b = Aabb::new(c.a, c.b);
                for (dx, dy) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)] {
                    if c.spans(Vector::new(dx, dy)) {
                        b.add(c.center + Vector::new(dx, dy) * c.radius);
                    }
                }
                b
            }
        }
    }

    /// Returns the nearest point of the piece to `p`, as a fraction of its length.
    pub fn nearest(&self, p: Point) -> f64 {
        match self {
            Segment::Line(l) => {
                let d = l.b - l.a;
                let n2 = d.norm_squared();
                if n2 == 0.0 { 0.0 } else { ((p - l.a).dot(&d) / n2).clamp(0.0, 1.0) }
            }
            Segment::Arc(c) => {
                let v = p - c.center;
                if v.norm_squared() > 0.0
                    && let Some(t) = c.parameter_of_angle(v.y.atan2(v.x))
                {
                    return t;
                }
                if (p - c.a).norm_squared() <= (p - c.b).norm_squared() { 0.0 } else { 1.0 }
            }
        }
    }

    /// Returns the distance from `p` to the piece.
    pub fn distance_to(&self, p: Point) -> f64 {
        match self {
            Segment::Line(l) => l.distance_to(p),
            Segment::Arc(c) => {
                let v = p - c.center;
                if v.norm_squared() == 0.0 || c.spans(v) {
                    (v.norm() - c.radius).abs()
                } else {
                    (p - c.a).norm().min((p - c.b).norm())
                }
            }
        }
    }

    /// Returns the area between the piece and the origin, signed: summed over a closed path this is its area.
    pub fn area_about_origin(&self) -> f64 {
        let (a, b) = (self.start(), self.end());
        let triangle = 0.5 * (a.x * b.y - b.x * a.y);
        match self {
            Segment::Line(_) => triangle,
            Segment::Arc(c) => {
                // A full circle has equal ends, hence no triangle; the cap formula covers it.
                triangle + 0.5 * c.radius * c.radius * (c.sweep - c.sweep.sin())
            }
        }
    }

    /// Appends points after the start up to and with the end, so that no chord leaves the arc by more than
    /// `tolerance`.
    pub fn flatten_into(&self, tolerance: f64, out: &mut Vec<Point>) {
        if let Segment::Arc(c) = self {
            let n = arc_chords(c.radius, c.sweep, tolerance);
            for i in 1..n {
                out.push(c.point_at(i as f64 / n as f64));
            }
        }
        out.push(self.end());
    }
}

/// Returns into how many chords an arc must be divided to stay within `tolerance`, at least 1 per third of a turn.
/// Sagitta of a chord over angle φ: r(1 − cos(φ/2)).
pub fn arc_chords(radius: f64, sweep: f64, tolerance: f64) -> usize {
    let sweep = sweep.abs();
    let least = (sweep / (2.0 * PI / 3.0)).ceil().max(1.0);
    let step = if tolerance < radius { 2.0 * (1.0 - tolerance / radius).acos() } else { PI };
    if step <= 0.0 { 100_000 } else { (sweep / step).ceil().max(least).min(100_000.0) as usize }
}
