//! Splines: control points checked, fit points interpolated.

use super::affine::{Affine, normalized};
use super::entity::Spline;
use shop_geom::curve::{Nurbs, interpolate};
use shop_geom::{Point, Vector};

/// Returns the spline on the plane, or what is wrong with it.
///
/// NOTE: a spline of fit points alone is interpolated in its own xy plane, as AutoCAD-like programs draw it: cubic
/// whatever its degree says, by chord length, natural ends without tangents, smooth across the seam when closed.
/// Fit points of different heights in a block that is tipped over come out a little different from that.
pub(super) fn curve(s: &Spline, m: &Affine) -> Result<Nurbs, &'static str> {
    let closed = s.flags & 3 != 0;
    if !s.points.is_empty() {
        let points = s.points.iter().map(|&p| m.flat_point(p)).collect();
        return checked(s.degree, s.knots.clone(), points, s.weights.clone(), closed);
    }
    let fit: Vec<Point> = s.fit.iter().map(|p| Point::new(p[0], p[1])).collect();
    let height = s.fit.first().map_or(0.0, |p| p[2]);
    let tangent = |t: Option<[f64; 3]>| t.and_then(normalized).map(|t| Vector::new(t[0], t[1]));
    let (start, end) = (tangent(s.start_tangent), tangent(s.end_tangent));
    // Tangents at the ends say that it is not to be smooth across them.
    let periodic = closed && start.is_none() && end.is_none();
    let mut nurbs = interpolate(&fit, start, end, periodic);
    if nurbs.points.len() < 2 {
        return Err("neither control points nor two fit points");
    }
    nurbs.points.iter_mut().for_each(|p| *p = m.flat_point([p.x, p.y, height]));
    nurbs.closed = closed;
    Ok(nurbs)
}

/// Returns the spline with these parts, knots made up when there are none, or what is wrong with it.
pub(super) fn checked(
    degree: i64,
    mut knots: Vec<f64>,
    points: Vec<Point>,
    mut weights: Vec<f64>,
    closed: bool,
) -> Result<Nurbs, &'static str> {
    let degree = usize::try_from(degree).unwrap_or(0);
    if knots.is_empty() && points.len() > degree {
        knots = (0..=points.len() + degree).map(|i| i.clamp(degree, points.len()) as f64).collect();
    }
    if weights.len() == points.len() && weights.iter().all(|&w| w == weights[0] && w > 0.0) {
        weights.clear();
    }
    let nurbs = Nurbs { degree, points, weights, knots, closed };
    match nurbs.problem() {
        Some(problem) => Err(problem),
        None => Ok(nurbs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fit_points_are_met_and_stretched_with_their_block() {
        let fit = vec![[0.0; 3], [4.0, 1.0, 0.0], [5.0, 6.0, 0.0], [0.0, 8.0, 0.0]];
        let s = Spline { degree: 2, fit: fit.clone(), ..Spline::default() };
        let plain = curve(&s, &Affine::scale(1.0)).expect("valid");
        let m = Affine { x: [3.0, 0.0, 0.0], ..Affine::scale(1.0) };
        let wide = curve(&s, &m).expect("valid");
        for (i, p) in fit.iter().enumerate() {
            assert_eq!(plain.points[3 * i], Point::new(p[0], p[1]));
        }
        for (a, b) in plain.points.iter().zip(&wide.points) {
            assert!((b.x - 3.0 * a.x).abs() < 1e-12 && b.y == a.y);
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
            Spline { degree: -1, ..good.clone() },
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
