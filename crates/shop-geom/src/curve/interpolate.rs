//! Splines through points.

use super::Nurbs;
use super::bezier::Chain;
use crate::{Point, Vector};

/// Returns the cubic spline with continuous curvature through `points`, parametrised by chord length (C. de Boor,
/// "A Practical Guide to Splines", ch. IV). Ends: the given tangents (only their direction counts), else natural
/// (no curvature); a closed one, without repeated first point, is periodic. Repeated points are passed over. It
/// is given in Bézier form, knots of multiplicity 3, which is the same curve. O(n).
///
/// ```
/// use shop_geom::{Point, curve::{Curve, interpolate}};
/// let through = [Point::new(0.0, 0.0), Point::new(1.0, 1.0), Point::new(2.0, 0.0)];
/// let s = Curve::Nurbs(interpolate(&through, None, None, false));
/// assert_eq!(s.end(), Some(Point::new(2.0, 0.0)));
/// ```
pub fn interpolate(points: &[Point], start: Option<Vector>, end: Option<Vector>, closed: bool) -> Nurbs {
    let mut p: Vec<Point> = Vec::with_capacity(points.len() + 1);
    for q in points.iter().filter(|q| q.x.is_finite() && q.y.is_finite()) {
        if p.last() != Some(q) {
            p.push(*q);
        }
    }
    if closed && p.len() > 2 {
        if p.first() != p.last() {
            p.push(p[0]);
        }
        if p.len() < 4 {
            return polygon(p, closed);
        }
    } else if p.len() < 3 && start.is_none() && end.is_none() || p.len() < 2 {
        return polygon(p, closed);
    }
    let h: Vec<f64> = p.windows(2).map(|w| (w[1] - w[0]).norm()).collect();
    let slopes = if closed && p.len() > 3 { periodic(&p, &h) } else { clamped(&p, &h, start, end) };
    let mut chain = Chain::new(3);
    for (i, h) in h.iter().enumerate() {
        let (a, b) = (p[i] + slopes[i] * (h / 3.0), p[i + 1] - slopes[i + 1] * (h / 3.0));
        chain.controls.extend([p[i], a, b, p[i + 1]].map(|q| [q.x, q.y, 1.0]));
    }
    chain.into_nurbs(closed)
}

fn polygon(points: Vec<Point>, closed: bool) -> Nurbs {
    let n = points.len();
    let knots = (0..n + 2).map(|i| i.clamp(1, n.max(1)) as f64).collect();
    Nurbs { degree: 1, points, weights: Vec::new(), knots, closed }
}

/// Slopes dP/ds at the points: s'' is continuous where h₁m₀ + 2(h₀+h₁)m₁ + h₀m₂ = 3(h₁Δ₀ + h₀Δ₁).
fn clamped(p: &[Point], h: &[f64], start: Option<Vector>, end: Option<Vector>) -> Vec<Vector> {
    let n = p.len();
    let rise = |i: usize| (p[i + 1] - p[i]) / h[i];
    let unit = |v: Option<Vector>| v.and_then(|v| v.try_normalize(0.0)).filter(|v| v.x.is_finite());
    let (mut low, mut diagonal, mut high) = (vec![0.0; n], vec![1.0; n], vec![0.0; n]);
    let mut right = vec![Vector::zeros(); n];
    if let Some(t) = unit(start) {
        right[0] = t;
    } else {
        (diagonal[0], high[0], right[0]) = (2.0, 1.0, rise(0) * 3.0);
    }
    for i in 1..n - 1 {
        (low[i], diagonal[i], high[i]) = (h[i], 2.0 * (h[i - 1] + h[i]), h[i - 1]);
        right[i] = (rise(i - 1) * h[i] + rise(i) * h[i - 1]) * 3.0;
    }
    if let Some(t) = unit(end) {
        right[n - 1] = t;
    } else {
        (low[n - 1], diagonal[n - 1], right[n - 1]) = (1.0, 2.0, rise(n - 2) * 3.0);
    }
    tridiagonal(&low, diagonal, &high, right)
}

/// The cyclic system, by the rule of Sherman and Morrison for its two corners.
fn periodic(p: &[Point], h: &[f64]) -> Vec<Vector> {
    let n = h.len();
    let rise = |i: usize| (p[i + 1] - p[i]) / h[i];
    let before = |i: usize| (i + n - 1) % n;
    let low: Vec<f64> = (0..n).map(|i| h[i]).collect();
    let mut diagonal: Vec<f64> = (0..n).map(|i| 2.0 * (h[before(i)] + h[i])).collect();
    let high: Vec<f64> = (0..n).map(|i| h[before(i)]).collect();
    let right = (0..n).map(|i| (rise(before(i)) * h[i] + rise(i) * h[before(i)]) * 3.0).collect();
    let gamma = -diagonal[0];
    let (top, bottom) = (low[0], high[n - 1]);
    diagonal[0] -= gamma;
    diagonal[n - 1] -= top * bottom / gamma;
    let y = tridiagonal(&low, diagonal.clone(), &high, right);
    let mut u = vec![Vector::zeros(); n];
    (u[0].x, u[n - 1].x) = (gamma, bottom);
    let z = tridiagonal(&low, diagonal, &high, u);
    let last = top / gamma;
    let factor = (y[0] + y[n - 1] * last) / (1.0 + z[0].x + z[n - 1].x * last);
    let mut m: Vec<Vector> = y.iter().zip(&z).map(|(y, z)| y - factor * z.x).collect();
    m.push(m[0]);
    m
}

/// Thomas's algorithm; the systems here are diagonally dominant.
fn tridiagonal(low: &[f64], mut diagonal: Vec<f64>, high: &[f64], mut right: Vec<Vector>) -> Vec<Vector> {
    let n = right.len();
    for i in 1..n {
        let f = low[i] / diagonal[i - 1];
        diagonal[i] -= f * high[i - 1];
        right[i] = right[i] - right[i - 1] * f;
    }
    right[n - 1] /= diagonal[n - 1];
    for i in (0..n - 1).rev() {
        right[i] = (right[i] - right[i + 1] * high[i]) / diagonal[i];
    }
    right
}
