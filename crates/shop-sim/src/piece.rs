//! Lines and arcs as the proof sees them: flat, without angles, with exact distances.
//!
//! This is on purpose not the geometry that the planners use: a mistake in an offset must not be repeated by the
//! check of it. An arc is known by its ends, centre and signed sweep; whether a direction lies on it is decided
//! by cross products, so that the hot loops need no trigonometry.

use shop_geom::{Aabb, Point, Segment, Vector, cross, left};
use std::f64::consts::{PI, TAU};

/// A straight piece (`sweep` 0) or an arc about `center`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub a: Point,
    pub b: Point,
    pub center: Point,
    pub radius: f64,
    /// Signed angle, 0 for a line.
    pub sweep: f64,
}

impl Piece {
    pub fn line(a: Point, b: Point) -> Self {
        Piece { a, b, center: a, radius: 0.0, sweep: 0.0 }
    }

    /// Returns the arc from `a` to `b`; the radius is the mean of both ends', which halves the error of a
    /// rounded centre. Falls back to a line when the centre lies on an end.
    pub fn arc(a: Point, b: Point, center: Point, counter_clockwise: bool) -> Self {
        let radius = 0.5 * ((a - center).norm() + (b - center).norm());
        if radius < 1e-9 {
            return Self::line(a, b);
        }
        Piece { a, b, center, radius, sweep: crate::motion::sweep(a, b, center, counter_clockwise) }
    }

    pub fn of(segment: &Segment) -> Self {
        match segment {
            Segment::Line(l) => Self::line(l.a, l.b),
            Segment::Arc(c) => Piece { a: c.a, b: c.b, center: c.center, radius: c.radius, sweep: c.sweep },
        }
    }

    pub fn is_line(&self) -> bool {
        self.sweep == 0.0
    }

    pub fn length(&self) -> f64 {
        if self.is_line() { (self.b - self.a).norm() } else { self.radius * self.sweep.abs() }
    }

    /// Returns the point at fraction `t` of the length.
    pub fn at(&self, t: f64) -> Point {
        if self.is_line() {
            return self.a + (self.b - self.a) * t;
        }
        let (s, c) = (self.sweep * t).sin_cos();
        let u = (self.a - self.center).try_normalize(0.0).unwrap_or_else(Vector::x);
        self.center + (u * c + left(u) * s) * self.radius
    }

    /// Returns the piece between two fractions of the length.
    pub fn part(&self, from: f64, to: f64) -> Piece {
        let at = |t: f64| {
            if t == 0.0 {
                self.a
            } else if t == 1.0 {
                self.b
            } else {
                self.at(t)
            }
        };
        Piece { a: at(from), b: at(to), sweep: self.sweep * (to - from), ..*self }
    }

    /// Returns the unit direction of travel at `t`; zero for a piece without length.
    pub fn direction(&self, t: f64) -> Vector {
        if self.is_line() {
            return (self.b - self.a).try_normalize(0.0).unwrap_or_else(Vector::zeros);
        }
        let (s, c) = (self.sweep * t).sin_cos();
        let u = (self.a - self.center).try_normalize(0.0).unwrap_or_else(Vector::x);
        left(u * c + left(u) * s) * self.sweep.signum()
    }

    /// True when the direction `v` from the centre falls on the arc, ends included.
    #[inline]
    pub fn spans(&self, v: Vector) -> bool {
        let sweep = self.sweep.abs();
        if sweep >= TAU - 1e-9 {
            return true;
        }
        let sign = self.sweep.signum();
        let from_a = sign * cross(self.a - self.center, v);
        let to_b = sign * cross(v, self.b - self.center);
        if sweep <= PI { from_a >= 0.0 && to_b >= 0.0 } else { from_a >= 0.0 || to_b >= 0.0 }
    }

    /// Returns the point of the piece nearest to `p`.
    #[inline]
    pub fn nearest(&self, p: Point) -> Point {
        if self.is_line() {
            let d = self.b - self.a;
            let n2 = d.norm_squared();
            let t = if n2 == 0.0 { 0.0 } else { ((p - self.a).dot(&d) / n2).clamp(0.0, 1.0) };
            return if t == 1.0 { self.b } else { self.a + d * t };
        }
        let v = p - self.center;
        let n = v.norm();
        if n > 0.0 && self.spans(v) {
            return self.center + v * (self.radius / n);
        }
        if (p - self.a).norm_squared() <= (p - self.b).norm_squared() { self.a } else { self.b }
    }

    /// Returns the distance from `p`.
    #[inline]
    pub fn distance_to(&self, p: Point) -> f64 {
        if !self.is_line() {
            let v = p - self.center;
            if self.spans(v) {
                return (v.norm() - self.radius).abs();
            }
            return (p - self.a).norm_squared().min((p - self.b).norm_squared()).sqrt();
        }
        (self.nearest(p) - p).norm()
    }

    /// Returns the least distance to another piece, 0 when they meet.
    pub fn distance(&self, other: &Piece) -> f64 {
        match (self.is_line(), other.is_line()) {
            (true, true) => line_line(self, other),
            (true, false) => line_arc(self, other),
            (false, true) => line_arc(other, self),
            (false, false) => arc_arc(self, other),
        }
    }

    /// Returns the exact bounding box.
    pub fn bounds(&self) -> Aabb {
        let mut b = Aabb::new(self.a, self.b);
        if !self.is_line() {
            for v in [Vector::x(), Vector::y(), -Vector::x(), -Vector::y()] {
                if self.spans(v) {
                    b.add(self.center + v * self.radius);
                }
            }
        }
        b
    }

    /// Returns the fraction of the length at which the direction `v` from the centre lies; beyond 1 when it is
    /// not on the arc.
    pub fn parameter(&self, v: Vector) -> f64 {
        let u = self.a - self.center;
        let turn = (cross(u, v) * self.sweep.signum()).atan2(u.dot(&v));
        turn.rem_euclid(TAU) / self.sweep.abs()
    }
}

fn line_line(p: &Piece, q: &Piece) -> f64 {
    let (d, e) = (p.b - p.a, q.b - q.a);
    let (a0, a1) = (cross(d, q.a - p.a), cross(d, q.b - p.a));
    let (b0, b1) = (cross(e, p.a - q.a), cross(e, p.b - q.a));
    if a0 * a1 < 0.0 && b0 * b1 < 0.0 {
        return 0.0;
    }
    ends(p, q)
}

/// Least distance from the ends of either to the other.
fn ends(p: &Piece, q: &Piece) -> f64 {
    q.distance_to(p.a).min(q.distance_to(p.b)).min(p.distance_to(q.a)).min(p.distance_to(q.b))
}

fn line_arc(line: &Piece, arc: &Piece) -> f64 {
    let d = line.b - line.a;
    let n2 = d.norm_squared();
    if n2 > 0.0 {
        let t = (arc.center - line.a).dot(&d) / n2;
        let foot = line.a + d * t - arc.center;
        let gap = arc.radius * arc.radius - foot.norm_squared();
        if gap < 0.0 {
            if (0.0..=1.0).contains(&t) && arc.spans(foot) {
                return foot.norm() - arc.radius;
            }
        } else {
            let h = (gap / n2).sqrt();
            for s in [t - h, t + h] {
                if (0.0..=1.0).contains(&s) && arc.spans(line.a + d * s - arc.center) {
                    return 0.0;
                }
            }
        }
    }
    ends(line, arc)
}

fn arc_arc(p: &Piece, q: &Piece) -> f64 {
    let w = q.center - p.center;
    let d = w.norm();
    let mut best = ends(p, q);
    if d == 0.0 {
        return best;
    }
    let u = w / d;
    // Where the circles cross.
    let x = (d * d + p.radius * p.radius - q.radius * q.radius) / (2.0 * d);
    let h2 = p.radius * p.radius - x * x;
    if h2 >= 0.0 {
        let h = h2.sqrt();
        for v in [u * x + left(u) * h, u * x - left(u) * h] {
            if p.spans(v) && q.spans(v - w) {
                return 0.0;
            }
        }
    }
    // Interior minima lie on the line of the centres.
    for (i, j) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
        let (v, z) = (u * (i * p.radius), u * (j * q.radius));
        if p.spans(v) && q.spans(z) {
            best = best.min((w + z - v).norm());
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece() -> impl Strategy<Value = Piece> {
        let xy = || (-5.0..5.0f64, -5.0..5.0f64);
        (xy(), xy(), prop_oneof![Just(0.0), -3.0..3.0f64]).prop_map(|(a, b, bulge)| {
            Piece::of(&Segment::new(Point::new(a.0, a.1), Point::new(b.0, b.1), bulge))
        })
    }

    /// Least distance by brute force, to about `length/400`.
    fn brute(p: &Piece, q: &Piece) -> f64 {
        (0..=400).map(|i| q.distance_to(p.at(f64::from(i) / 400.0))).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn distance_is_what_sampling_finds(p in piece(), q in piece()) {
            let (d, b) = (p.distance(&q), brute(&p, &q));
            prop_assert!(d <= b + 1e-9, "{d} > {b}");
            prop_assert!(d >= b - p.length() / 400.0 - 1e-9, "{d} < {b}");
            prop_assert!((d - q.distance(&p)).abs() < 1e-9);
        }

        #[test]
        fn parameter_inverts_at(p in piece(), t in 0.01..0.99f64) {
            if !p.is_line() {
                prop_assert!((p.parameter(p.at(t) - p.center) - t).abs() < 1e-9);
            }
            prop_assert!(p.distance_to(p.at(t)) < 1e-9);
            prop_assert!(p.bounds().inflated(1e-9).contains(p.at(t)));
        }
    }
}
