//! Chains of rational Bézier pieces: the one form in which ellipses, splines and paths are measured and fitted.
//!
//! A control is homogeneous, `[w·x, w·y, w]`, so that de Casteljau's scheme serves polynomial and rational pieces
//! alike. Weights are positive, hence a piece lies in the hull of its controls, turns no more than their polygon
//! and has no pole.

use super::{EllipseArc, Nurbs};
use crate::{Aabb, Arc, Point, Segment, Vector, cross};
use std::f64::consts::{FRAC_PI_2, TAU};

/// A homogeneous control point `[w·x, w·y, w]`.
pub(super) type Control = [f64; 3];

/// Highest degree handled; CAD kernels stop at 25 or so, and the cost of a fit grows with its square.
pub(super) const MAX_DEGREE: usize = 32;

/// Bézier pieces of one degree, end to end, without allocation per piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// Degree of every piece, 1 or more.
    pub degree: usize,
    /// `degree + 1` controls per piece.
    pub controls: Vec<Control>,
}

#[inline]
pub(super) fn lerp(a: Control, b: Control, t: f64) -> Control {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

/// Returns the place of a homogeneous control.
#[inline]
pub(super) fn place(c: Control) -> Point {
    if c[2] == 1.0 { Point::new(c[0], c[1]) } else { Point::new(c[0] / c[2], c[1] / c[2]) }
}

#[inline]
fn control(p: Point, w: f64) -> Control {
    [p.x * w, p.y * w, w]
}

impl Chain {
    /// Returns a chain without pieces.
    pub fn new(degree: usize) -> Self {
        Chain { degree, controls: Vec::new() }
    }

    /// Returns how many pieces it has.
    pub fn len(&self) -> usize {
        self.controls.len() / (self.degree + 1)
    }

    /// Returns the controls of piece `i`.
    #[inline]
    pub fn piece(&self, i: usize) -> &[Control] {
        let n = self.degree + 1;
        &self.controls[i * n..(i + 1) * n]
    }

    /// Returns the pieces in order.
    pub fn pieces(&self) -> std::slice::ChunksExact<'_, Control> {
        self.controls.chunks_exact(self.degree + 1)
    }

    /// Returns the first and the last point.
    pub fn ends(&self) -> Option<(Point, Point)> {
        Some((place(*self.controls.first()?), place(*self.controls.last()?)))
    }

    /// Returns the pieces of an ellipse arc: rational quadratics of at most a quarter turn, exact.
    pub fn of_ellipse(e: &EllipseArc) -> Chain {
        let mut chain = Chain::new(2);
        let sweep = e.sweep.clamp(-TAU, TAU);
        let n = (sweep.abs() / FRAC_PI_2 - 1e-9).ceil().max(1.0);
        let step = sweep / n;
        let w = (step / 2.0).cos();
        let at = |i: usize| match i {
            _ if e.is_full() && i as f64 == n => e.point_at(e.start),
            _ if i as f64 == n => e.point_at(e.start + sweep),
            _ => e.point_at(e.start + step * i as f64),
        };
        for i in 0..n as usize {
            let (s, c) = (e.start + step * (i as f64 + 0.5)).sin_cos();
            let middle = e.center + (e.major * c + e.minor * s) / w;
            chain.controls.extend([control(at(i), 1.0), control(middle, w), control(at(i + 1), 1.0)]);
        }
        chain
    }

    /// Returns the Bézier pieces of the non-empty knot spans of `[knot p, knot n]`. The controls of a span are the
    /// values of the spline's blossom at its two knots (L. Ramshaw, "Blossoming", 1987), worked out by de Boor's
    /// scheme with a different argument at every level. O(p³) per span.
    pub fn of_nurbs(s: &Nurbs) -> Chain {
        let Some((degree, knots)) = s.sound() else { return Chain::new(1) };
        let mut chain = Chain::new(degree);
        let weight = |i: usize| if s.weights.len() == s.points.len() { s.weights[i] } else { 1.0 };
        let flat = s.weights.iter().any(|w| !(*w > 0.0 && w.is_finite()));
        let at = |i: usize| control(s.points[i], if flat { 1.0 } else { weight(i) });
        chain.controls.reserve((s.points.len() - degree).min(1 << 24) * (degree + 1));
        let mut level = [[0.0; 3]; MAX_DEGREE + 1];
        for k in degree..s.points.len() {
            let (u0, u1) = (knots[k], knots[k + 1]);
            if u1 <= u0 {
                continue;
            }
            // A span whose end knots have full multiplicity is in Bézier form already.
            if knots[k + 1 - degree] == u0 && knots[k + degree] == u1 {
                chain.controls.extend((k - degree..=k).map(at));
                continue;
            }
            for j in 0..=degree {
                for (l, i) in level.iter_mut().zip(k - degree..=k) {
                    *l = at(i);
                }
                for r in 1..=degree {
                    let u = if r <= degree - j { u0 } else { u1 };
                    for i in (r..=degree).rev() {
                        let (lo, hi) = (knots[k - degree + i], knots[k + 1 + i - r]);
                        level[i] = lerp(level[i - 1], level[i], (u - lo) / (hi - lo));
                    }
                }
                chain.controls.push(level[degree]);
            }
        }
        chain
    }

    /// Appends a straight piece.
    pub fn push_line(&mut self, a: Point, b: Point) {
        let n = self.degree as f64;
        self.controls.extend((0..=self.degree).map(|i| {
            let p = if i == self.degree { b } else { a + (b - a) * (i as f64 / n) };
            control(p, 1.0)
        }));
    }

    /// Appends a circular arc as rational pieces of at most a quarter turn to a chain of degree 2 or 3.
    pub fn push_arc(&mut self, arc: &Arc) {
        let n = (arc.sweep.abs() / FRAC_PI_2 - 1e-9).ceil().max(1.0);
        let w = (arc.sweep / n / 2.0).cos();
        for i in 0..n as usize {
            let (a, b) = (arc.point_at(i as f64 / n), arc.point_at((i + 1) as f64 / n));
            let angle = arc.start + arc.sweep * (i as f64 + 0.5) / n;
            let middle = arc.center + Vector::new(angle.cos(), angle.sin()) * (arc.radius / w);
            let q = [control(a, 1.0), control(middle, w), control(b, 1.0)];
            if self.degree == 2 {
                self.controls.extend(q);
            } else {
                self.push_elevated(&q);
            }
        }
    }

    /// Appends a quadratic piece to a chain of cubics (degree elevation).
    pub fn push_elevated(&mut self, q: &[Control]) {
        debug_assert!(self.degree == 3 && q.len() == 3);
        self.controls.extend([q[0], lerp(q[0], q[1], 2.0 / 3.0), lerp(q[1], q[2], 1.0 / 3.0), q[2]]);
    }

    /// Appends a line or arc.
    pub fn push_segment(&mut self, s: &Segment) {
        match s {
            Segment::Line(l) => self.push_line(l.a, l.b),
            Segment::Arc(a) => self.push_arc(a),
        }
    }

    /// Returns it as one spline with knots 0, 1, 2, … of full multiplicity.
    pub fn into_nurbs(self, closed: bool) -> Nurbs {
        let (p, m) = (self.degree, self.len());
        let mut points = Vec::with_capacity(m * p + 1);
        let mut weights = Vec::with_capacity(m * p + 1);
        for (i, piece) in self.pieces().enumerate() {
            // The joint is shared: the end of one piece is the start of the next.
            for c in &piece[usize::from(i > 0)..] {
                points.push(place(*c));
                weights.push(c[2]);
            }
        }
        if weights.iter().all(|w| *w == 1.0) {
            weights = Vec::new();
        }
        let mut knots = Vec::with_capacity(points.len() + p + 1);
        knots.push(0.0);
        for i in 0..=m {
            knots.extend(std::iter::repeat_n(i as f64, p));
        }
        knots.push(m as f64);
        Nurbs { degree: p, points, weights, knots, closed }
    }

    /// Returns the length, adaptive Gauss-Legendre, to about 1e-7 relative.
    pub fn length(&self) -> f64 {
        self.pieces().map(piece_length).sum()
    }

    /// Returns the bounding box to 1e-9 of the extent.
    pub fn bounds(&self) -> Aabb {
        let mut b = Aabb::EMPTY;
        for piece in self.pieces() {
            b.add(place(piece[0]));
            b.add(place(piece[self.degree]));
        }
        let slack = 1e-10 * (b.width() + b.height()) + 1e-12;
        for piece in self.pieces() {
            grow(&mut b, piece, slack, 40);
        }
        b
    }
}

/// Grows `b` to hold the piece. A piece is divided only while its hull sticks out of the box so far.
fn grow(b: &mut Aabb, piece: &[Control], slack: f64, depth: u32) {
    let hull = Aabb::of(piece.iter().map(|c| place(*c)));
    if b.inflated(slack).contains_box(&hull) {
        return;
    }
    if depth == 0 {
        *b = b.union(hull);
        return;
    }
    let n = piece.len();
    let (mut left, mut right) = ([[0.0; 3]; MAX_DEGREE + 1], [[0.0; 3]; MAX_DEGREE + 1]);
    split(piece, 0.5, &mut left[..n], &mut right[..n]);
    b.add(place(right[0]));
    grow(b, &left[..n], slack, depth - 1);
    grow(b, &right[..n], slack, depth - 1);
}

/// Divides a piece at `t` into `left` and `right` (de Casteljau).
#[inline]
pub(super) fn split(piece: &[Control], t: f64, left: &mut [Control], right: &mut [Control]) {
    let n = piece.len();
    right.copy_from_slice(piece);
    for r in 0..n {
        left[r] = right[0];
        for i in 0..n - 1 - r {
            right[i] = lerp(right[i], right[i + 1], t);
        }
    }
}

/// Returns the homogeneous point and its derivative at `t`.
#[inline]
pub(super) fn evaluate(piece: &[Control], t: f64) -> (Control, Control) {
    match piece.len() {
        3 => evaluate_at::<3>(piece, t),
        4 => evaluate_at::<4>(piece, t),
        _ => evaluate_at::<{ MAX_DEGREE + 1 }>(piece, t),
    }
}

/// The same for pieces of at most `N` controls.
#[inline]
pub(super) fn evaluate_at<const N: usize>(piece: &[Control], t: f64) -> (Control, Control) {
    let n = piece.len();
    let mut q = [[0.0; 3]; N];
    let q = &mut q[..n];
    q.copy_from_slice(piece);
    for r in (2..n).rev() {
        for i in 0..r {
            q[i] = lerp(q[i], q[i + 1], t);
        }
    }
    let d = (n - 1) as f64;
    let slope = [(q[1][0] - q[0][0]) * d, (q[1][1] - q[0][1]) * d, (q[1][2] - q[0][2]) * d];
    (lerp(q[0], q[1], t), slope)
}

/// Returns the speed |dP/dt| at `t`.
fn speed(piece: &[Control], t: f64) -> f64 {
    let (c, d) = evaluate(piece, t);
    let (x, y) = (c[0] / c[2], c[1] / c[2]);
    ((d[0] - x * d[2]) / c[2]).hypot((d[1] - y * d[2]) / c[2])
}

/// Abscissas and weights of Gauss-Legendre quadrature with 8 points on [-1, 1] (Abramowitz & Stegun, table 25.4).
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

fn gauss(piece: &[Control], t0: f64, t1: f64) -> f64 {
    let (m, h) = (f64::midpoint(t0, t1), (t1 - t0) / 2.0);
    h * GAUSS.iter().map(|&(x, w)| w * (speed(piece, m - h * x) + speed(piece, m + h * x))).sum::<f64>()
}

fn piece_length(piece: &[Control]) -> f64 {
    fn refine(piece: &[Control], t0: f64, t1: f64, whole: f64, depth: u32) -> f64 {
        let m = f64::midpoint(t0, t1);
        let (a, b) = (gauss(piece, t0, m), gauss(piece, m, t1));
        // A piece with a cusp converges slowly there, but on ever less of the length.
        if depth == 0 || (a + b - whole).abs() <= 1e-7 * (a + b) {
            return a + b;
        }
        refine(piece, t0, m, a, depth - 1) + refine(piece, m, t1, b, depth - 1)
    }
    if piece.len() == 2 {
        return (place(piece[1]) - place(piece[0])).norm();
    }
    refine(piece, 0.0, 1.0, gauss(piece, 0.0, 1.0), 14)
}

/// Returns the direction of travel at the start (or end) of a piece: toward the nearest control that differs.
#[inline]
pub(super) fn end_tangent(piece: &[Control], end: bool) -> Option<Vector> {
    let n = piece.len() - 1;
    let at = |i: usize| place(piece[if end { n - i } else { i }]);
    let p = at(0);
    let unit = |v: Vector| {
        let v = v / v.norm();
        if end { -v } else { v }
    };
    let (first, far) = (at(1) - p, at(n) - p);
    if first.norm_squared() > 1e-12 * far.norm_squared() && far.norm_squared() > 0.0 {
        return Some(unit(first));
    }
    let reach = (1..=n).map(|i| (at(i) - p).norm_squared()).fold(0.0, f64::max);
    (1..=n).map(|i| at(i) - p).find(|v| v.norm_squared() > 1e-20 * reach && v.norm_squared() > 0.0).map(unit)
}

/// Returns the sum of the angles between successive legs of the control polygon: an upper bound of what the
/// piece turns.
pub(super) fn turning(piece: &[Control]) -> f64 {
    let mut last: Option<Vector> = None;
    let mut turn = 0.0;
    for w in piece.windows(2) {
        let leg = place(w[1]) - place(w[0]);
        if leg.norm_squared() > 0.0 {
            if let Some(l) = last {
                turn += cross(l, leg).abs().atan2(l.dot(&leg));
            }
            last = Some(leg);
        }
    }
    turn
}
