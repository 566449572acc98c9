//! Ellipses, splines and Béziers as chains of lines and arcs within a tolerance.

use crate::{Point, Polyline, Vector};

/// Part of an ellipse: `center + cos(t)·major + sin(t)·minor` for `t` from `start` through `sweep`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EllipseArc {
    /// Middle.
    pub center: Point,
    /// First half axis.
    pub major: Vector,
    /// Second half axis; after a skewed transform not always perpendicular to the first.
    pub minor: Vector,
    /// Parameter at which it starts, radians.
    pub start: f64,
    /// Signed parameter range, ±2π for a full ellipse.
    pub sweep: f64,
}

/// A rational B-spline over its true domain [knot p, knot n].
#[derive(Clone, Debug, PartialEq)]
pub struct Nurbs {
    /// Degree, 1 or more.
    pub degree: usize,
    /// Control points.
    pub points: Vec<Point>,
    /// Weights, one per control point; empty means all 1.
    pub weights: Vec<f64>,
    /// Knots, `points.len() + degree + 1`.
    pub knots: Vec<f64>,
    /// True when the drawing says that it is closed.
    pub closed: bool,
}

/// A curve as it was drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// Lines and circular arcs, exact.
    Polyline(Polyline),
    /// Part of an ellipse.
    Ellipse(EllipseArc),
    /// A spline.
    Nurbs(Nurbs),
}

impl Curve {
    /// Returns lines and arcs that stay within `tolerance` of the curve, with its exact ends.
    pub fn to_polyline(&self, _tolerance: f64) -> Polyline {
        unimplemented!()
    }

    /// Returns the length, to 1e-5 relative.
    pub fn length(&self) -> f64 {
        unimplemented!()
    }
}
