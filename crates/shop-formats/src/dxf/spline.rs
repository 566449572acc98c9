//! Splines: control points checked, fit points interpolated.

use super::affine::Affine;
use super::entity::{Spline, Xyz};
use shop_geom::curve::Nurbs;
use shop_geom::{Point, Vector};

/// More than any CAD program writes (AutoCAD stops at 10, Rhino at 11); the cost of a point grows with its square.
const MAX_DEGREE: i64 = 25;

/// Returns the spline on the plane, or what is wrong with it.
pub(super) fn curve(s: &Spline, m: &Affine) -> Result<Nurbs, &'static str> {
    let closed = s.flags & 3 != 0;
    if s.points.is_empty() {
        return interpolated(s, m, closed);
    }
    let points: Vec<Point> = s.points.iter().map(|&p| m.flat_point(p)).collect();
    checked(s.degree, s.knots.clone(), points, s.weights.clone(), closed)
}

/// Returns the spline with these parts, knots made up when there are none, or what is wrong with it.
pub(super) fn checked(
    degree: i64,
    mut knots: Vec<f64>,
    points: Vec<Point>,
    mut weights: Vec<f64>,
    closed: bool,
) -> Result<Nurbs, &'static str> {
    if !(1..=MAX_DEGREE).contains(&degree) {
        return Err("a degree that is not between 1 and 25");
    }
    let degree = degree as usize;
    if points.len() <= degree {
        return Err("fewer control points than its degree needs");
    }
    if knots.is_empty() {
        knots = clamped_knots(points.len(), degree);
    }
    if knots.len() != points.len() + degree + 1 {
        return Err("a number of knots that does not fit its control points");
    }
    if knots.windows(2).any(|w| w[0] > w[1]) {
        return Err("knots that do not ascend");
    }
    if knots[degree] >= knots[points.len()] {
        return Err("knots that span nothing");
    }
    if weights.len() != points.len() {
        if !weights.is_empty() {
            return Err("a number of weights that does not fit its control points");
        }
    } else if weights.iter().any(|&w| w <= 0.0) {
        return Err("a weight that is not positive");
    } else if weights.iter().all(|&w| w == weights[0]) {
        weights = Vec::new();
    }
    Ok(Nurbs { degree, points, weights, knots, closed })
}

fn clamped_knots(points: usize, degree: usize) -> Vec<f64> {
    let inner = points - degree;
    let ends = |v: f64| std::iter::repeat_n(v, degree);
    ends(0.0).chain((0..=inner).map(|i| i as f64)).chain(ends(inner as f64)).collect()
}

/// Returns the cubic through the fit points: chord-length parameters; given end tangents are taken as unit speed,
/// an end without one has no curvature; a closed one is smooth across its seam. This is what AutoCAD-like programs
/// draw (The NURBS Book, §9.3; the degree stored with fit points is not used by them).
fn interpolated(s: &Spline, m: &Affine, closed: bool) -> Result<Nurbs, &'static str> {
    let mut fit: Vec<Xyz> = s.fit.clone();
    fit.dedup();
    if closed && fit.len() > 2 && fit.first() != fit.last() {
        fit.push(fit[0]);
    }
    if fit.len() < 2 {
        return Err("neither control points nor two fit points");
    }
    let h: Vec<f64> = fit.windows(2).map(|w| distance(w[0], w[1])).collect();
    let points: Vec<Point> = fit.iter().map(|&p| m.flat_point(p)).collect();
    let tangent = |t: Option<Xyz>| Some(m.flat_vector(super::affine::normalized(t?)?));
    let periodic = closed && fit.len() > 3 && s.start_tangent.is_none() && s.end_tangent.is_none();
    let d = if periodic {
        periodic_tangents(&points, &h)
    } else {
        open_tangents(&points, &h, tangent(s.start_tangent), tangent(s.end_tangent))
    };
    // Each span as a Bézier cubic; inner knots three times.
    let mut controls = vec![points[0]];
    let mut knots = vec![0.0; 4];
    let mut t = 0.0;
    for i in 0..h.len() {
        controls.push(points[i] + d[i] * (h[i] / 3.0));
        controls.push(points[i + 1] - d[i + 1] * (h[i] / 3.0));
        controls.push(points[i + 1]);
        t += h[i];
        knots.extend([t; 3]);
    }
    knots.push(t);
    checked(3, knots, controls, Vec::new(), closed)
}

fn distance(a: Xyz, b: Xyz) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1]).hypot(a[2] - b[2])
}

/// Returns the right side of the condition that the second derivative is continuous at inner point `b`:
/// h₁·d₀ + 2(h₀+h₁)·d₁ + h₀·d₂ = 3(h₁·(b−a)/h₀ + h₀·(c−b)/h₁).
fn smooth(a: Point, b: Point, c: Point, h0: f64, h1: f64) -> Vector {
    ((b - a) * (h1 / h0) + (c - b) * (h0 / h1)) * 3.0
}

fn open_tangents(p: &[Point], h: &[f64], first: Option<Vector>, last: Option<Vector>) -> Vec<Vector> {
    let n = p.len();
    let mut rows = Vec::with_capacity(n);
    rows.push(match first {
        Some(t) => (0.0, 1.0, 0.0, t),
        None => (0.0, 2.0, 1.0, (p[1] - p[0]) * (3.0 / h[0])),
    });
    for i in 1..n - 1 {
        let right = smooth(p[i - 1], p[i], p[i + 1], h[i - 1], h[i]);
        rows.push((h[i], 2.0 * (h[i - 1] + h[i]), h[i - 1], right));
    }
    rows.push(match last {
        Some(t) => (0.0, 1.0, 0.0, t),
        None => (1.0, 2.0, 0.0, (p[n - 1] - p[n - 2]) * (3.0 / h[n - 2])),
    });
    tridiagonal(&rows)
}

/// The last point is the first; the system is cyclic and solved by the Sherman-Morrison formula.
fn periodic_tangents(p: &[Point], h: &[f64]) -> Vec<Vector> {
    let n = h.len();
    let mut rows: Vec<(f64, f64, f64, Vector)> = (0..n)
        .map(|i| {
            let before = (i + n - 1) % n;
            let right = smooth(p[before], p[i], p[i + 1], h[before], h[i]);
            (h[i], 2.0 * (h[before] + h[i]), h[before], right)
        })
        .collect();
    let (corner_low, corner_high) = (rows[n - 1].2, rows[0].0);
    let gamma = -rows[0].1;
    rows[0].1 -= gamma;
    rows[n - 1].1 -= corner_low * corner_high / gamma;
    let y = tridiagonal(&rows);
    for (i, row) in rows.iter_mut().enumerate() {
        let u = if i == 0 { gamma } else { 0.0 } + if i == n - 1 { corner_low } else { 0.0 };
        row.3 = Vector::new(u, 0.0);
    }
    let z: Vec<f64> = tridiagonal(&rows).iter().map(|v| v.x).collect();
    let factor = (y[0] + y[n - 1] * (corner_high / gamma)) / (1.0 + z[0] + z[n - 1] * corner_high / gamma);
    let mut d: Vec<Vector> = (0..n).map(|i| y[i] - factor * z[i]).collect();
    d.push(d[0]);
    d
}

/// Solves rows of (below, diagonal, above, right side); the rows here dominate their diagonal.
fn tridiagonal(rows: &[(f64, f64, f64, Vector)]) -> Vec<Vector> {
    let mut above = Vec::with_capacity(rows.len());
    let mut right: Vec<Vector> = Vec::with_capacity(rows.len());
    for (i, &(a, b, c, r)) in rows.iter().enumerate() {
        let (before, value) = if i == 0 { (0.0, Vector::zeros()) } else { (above[i - 1], right[i - 1]) };
        let pivot = b - a * before;
        above.push(c / pivot);
        right.push((r - value * a) / pivot);
    }
    for i in (0..rows.len().saturating_sub(1)).rev() {
        let next = right[i + 1];
        right[i] -= next * above[i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(fit: &[[f64; 2]], flags: i64) -> Nurbs {
        let fit = fit.iter().map(|p| [p[0], p[1], 0.0]).collect();
        curve(&Spline { degree: 3, flags, fit, ..Spline::default() }, &Affine::scale(1.0)).expect("valid")
    }

    #[test]
    fn passes_through_its_points_and_is_smooth_there() {
        let fit = [[0.0, 0.0], [4.0, 1.0], [5.0, 6.0], [0.0, 8.0], [0.0, 0.0]];
        for flags in [0, 1] {
            let n = through(&fit, flags);
            for (i, p) in fit.iter().enumerate() {
                assert_eq!(n.points[3 * i], Point::new(p[0], p[1]));
            }
            // C1 and C2 in chord length at inner points, and across the seam when closed.
            let spans: Vec<(&[Point], f64)> =
                (0..fit.len() - 1).map(|i| (&n.points[3 * i..3 * i + 4], n.knots[3 * i + 4] - n.knots[3 * i + 3])).collect();
            let joints = (0..spans.len() - 1).map(|i| (i, i + 1)).chain((flags == 1).then_some((spans.len() - 1, 0)));
            for (i, j) in joints {
                let ((a, ha), (b, hb)) = (spans[i], spans[j]);
                let (d1a, d1b) = ((a[3] - a[2]) / ha, (b[1] - b[0]) / hb);
                assert!((d1a - d1b).norm() < 1e-12);
                let d2a = (a[3] - a[2] - (a[2] - a[1])) / (ha * ha);
                let d2b = (b[2] - b[1] - (b[1] - b[0])) / (hb * hb);
                assert!((d2a - d2b).norm() < 1e-12, "{d2a} {d2b}");
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let one = Affine::scale(1.0);
        let points = vec![[0.0; 3], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
        let good = Spline { degree: 3, points, ..Spline::default() };
        assert!(curve(&good, &one).is_ok());
        for bad in [
            Spline { degree: 0, ..good.clone() },
            Spline { degree: 2_000_000_000, ..good.clone() },
            Spline { degree: 4, ..good.clone() },
            Spline { knots: vec![0.0, 1.0], ..good.clone() },
            Spline { knots: vec![0.0; 8], ..good.clone() },
            Spline { knots: vec![0.0, 0.0, 0.0, 1.0, 0.5, 2.0, 2.0, 2.0], ..good.clone() },
            Spline { weights: vec![1.0, 1.0, -1.0, 1.0], ..good.clone() },
            Spline::default(),
        ] {
            assert!(curve(&bad, &one).is_err());
        }
    }
}
