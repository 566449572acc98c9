//! Ellipses, splines and Béziers as chains of lines and arcs within a tolerance.
//!
//! A controller has straight lines and circular arcs; drawings have more. The one idea: every other curve is first
//! put into rational Bézier pieces, which is exact, and then covered by *biarcs* (two arcs with a common tangent,
//! tangent to the curve at both ends), as long ones as the tolerance allows. The deviation of a piece from a
//! circle is itself a polynomial; its Bernstein coefficients bound it everywhere and not only where someone
//! looked, so that the tolerance is proven and not sampled (see `fit`).
//!
//! Vocabulary: a *piece* is one Bézier segment, a *chain* pieces end to end, a *window* the stretch of a chain that
//! one biarc covers.

mod bezier;
mod fit;
mod interpolate;
mod path;

pub use interpolate::interpolate;
pub use path::PathBuilder;

use crate::{Aabb, Point, Polyline, Segment, Vector, cross};
use bezier::{Chain, MAX_DEGREE};
use nalgebra::Affine2;
use std::borrow::Cow;
use std::f64::consts::{PI, TAU};

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

impl EllipseArc {
    /// Returns the point at parameter `t`, radians.
    pub fn point_at(&self, t: f64) -> Point {
        let (s, c) = t.sin_cos();
        self.center + self.major * c + self.minor * s
    }

    /// True when it runs once around.
    pub fn is_full(&self) -> bool {
        self.sweep.abs() >= TAU - 1e-9
    }

    /// True when the half axes are equal and perpendicular to 1e-9.
    pub fn is_circular(&self) -> bool {
        let (a, b) = (self.major.norm(), self.minor.norm());
        (a - b).abs() <= 1e-9 * a && self.major.dot(&self.minor).abs() <= 1e-9 * a * b
    }

    /// Returns it as circular arcs when it is circular.
    fn circular(&self) -> Option<Polyline> {
        if !self.is_circular() || !self.is_finite() {
            return None;
        }
        let sense = cross(self.major, self.minor).signum();
        let start = self.major.y.atan2(self.major.x) + sense * self.start;
        let sweep = sense * self.sweep.clamp(-TAU, TAU);
        let radius = f64::midpoint(self.major.norm(), self.minor.norm());
        let mut p = Polyline::arc(self.center, radius, start, sweep);
        if self.is_full() {
            p.vertices.pop();
            p.closed = true;
        }
        Some(p)
    }

    /// Returns the exact box: the extrema of `a·cos t + b·sin t` lie at atan2(b, a) and half a turn on.
    fn bounds(&self) -> Aabb {
        let mut b = Aabb::of([self.point_at(self.start), self.point_at(self.start + self.sweep)]);
        let (x, y) = (self.minor.x.atan2(self.major.x), self.minor.y.atan2(self.major.y));
        for t in [x, x + PI, y, y + PI] {
            let turn = if self.sweep >= 0.0 { t - self.start } else { self.start - t };
            if turn.rem_euclid(TAU) <= self.sweep.abs() {
                b.add(self.point_at(t));
            }
        }
        b
    }

    fn is_finite(&self) -> bool {
        let numbers = [self.center.coords, self.major, self.minor, Vector::new(self.start, self.sweep)];
        numbers.iter().all(|v| v.x.is_finite() && v.y.is_finite())
    }
}

impl Nurbs {
    /// Returns what is wrong with its definition, if anything; such a spline is still drawn, as said here.
    ///
    /// | wrong | drawn as |
    /// |---|---|
    /// | number of knots is two short (first and last left out) | with these repeated |
    /// | other number of knots, decreasing or not finite | clamped uniform |
    /// | number of weights, or a weight not positive | all weights 1 |
    /// | fewer points than degree + 1 | lower degree, clamped uniform |
    /// | degree 0 or above 32 | degree 1: its control polygon |
    /// | a point not finite, or no point | nothing |
    pub fn problem(&self) -> Option<&'static str> {
        let n = self.points.len();
        if n == 0 {
            Some("no control points")
        } else if !self.points.iter().all(|p| p.x.is_finite() && p.y.is_finite()) {
            Some("a control point is not a number")
        } else if self.degree == 0 || self.degree > MAX_DEGREE {
            Some("degree out of range")
        } else if n <= self.degree {
            Some("too few control points for its degree")
        } else if self.knots.len() != n + self.degree + 1 {
            Some("wrong number of knots")
        } else if !increasing(&self.knots) {
            Some("knots decrease or are not numbers")
        } else if self.knots[self.degree] >= self.knots[n] {
            Some("all knots of the domain are equal")
        } else if !self.weights.is_empty() && self.weights.len() != n {
            Some("wrong number of weights")
        } else if !self.weights.iter().all(|w| *w > 0.0 && w.is_finite()) {
            Some("a weight is not positive")
        } else {
            None
        }
    }

    /// Returns degree and knots as they are used, mended where [`Nurbs::problem`] says.
    fn sound(&self) -> Option<(usize, Cow<'_, [f64]>)> {
        let n = self.points.len();
        if n < 2 || !self.points.iter().all(|p| p.x.is_finite() && p.y.is_finite()) {
            return None;
        }
        let degree = if self.degree > MAX_DEGREE { 1 } else { self.degree.clamp(1, n - 1) };
        if degree == self.degree && increasing(&self.knots) {
            if self.knots.len() == n + degree + 1 && self.knots[degree] < self.knots[n] {
                return Some((degree, Cow::Borrowed(&self.knots)));
            }
            if self.knots.len() == n + degree - 1 && self.knots[degree - 1] < self.knots[n - 1] {
                let (first, last) = (self.knots[0], self.knots[self.knots.len() - 1]);
                let padded = std::iter::once(first).chain(self.knots.iter().copied()).chain([last]);
                return Some((degree, padded.collect()));
            }
        }
        let uniform = (0..=n + degree).map(|i| i.clamp(degree, n) as f64);
        Some((degree, uniform.collect()))
    }

    fn ends(&self) -> Option<(Point, Point)> {
        let (&first, &last) = (self.points.first()?, self.points.last()?);
        if self.points.len() == 1 {
            return Some((first, last));
        }
        let (degree, knots) = self.sound()?;
        let n = self.points.len();
        if knots[1] == knots[degree] && knots[n] == knots[n + degree - 1] {
            return Some((first, last));
        }
        Chain::of_nurbs(self).ends()
    }

    fn transformed(&self, t: &Affine2<f64>) -> Nurbs {
        Nurbs { points: self.points.iter().map(|p| t * p).collect(), ..self.clone() }
    }
}

fn increasing(knots: &[f64]) -> bool {
    knots.iter().all(|k| k.is_finite()) && knots.windows(2).all(|w| w[0] <= w[1])
}

impl Curve {
    /// Returns lines and arcs that stay within `tolerance` of the curve, in both directions, with its exact ends.
    /// A closed curve is closed to the last bit. Time grows with the number of spans and of arcs.
    ///
    /// ```
    /// use shop_geom::{Point, Vector, curve::{Curve, EllipseArc}};
    /// let e = EllipseArc { center: Point::origin(), major: Vector::new(20.0, 0.0),
    ///     minor: Vector::new(0.0, 10.0), start: 0.0, sweep: std::f64::consts::TAU };
    /// let p = Curve::Ellipse(e).to_polyline(0.001);
    /// assert!(p.closed && p.vertices.len() < 60);
    /// ```
    pub fn to_polyline(&self, tolerance: f64) -> Polyline {
        match self {
            Curve::Polyline(p) => p.clone(),
            Curve::Ellipse(e) if !e.is_finite() => Polyline::default(),
            Curve::Ellipse(e) => {
                e.circular().unwrap_or_else(|| fit::fit(&Chain::of_ellipse(e), e.is_full(), tolerance))
            }
            Curve::Nurbs(s) => fit_nurbs(s, tolerance),
        }
    }

    /// Does the same and gives up the curve, so that lines and arcs are not copied.
    pub fn into_polyline(self, tolerance: f64) -> Polyline {
        match self {
            Curve::Polyline(p) => p,
            other => other.to_polyline(tolerance),
        }
    }

    /// Returns the length, to 1e-5 relative or better.
    pub fn length(&self) -> f64 {
        match self {
            Curve::Polyline(p) => p.length(),
            Curve::Ellipse(e) if !e.is_finite() => 0.0,
            Curve::Ellipse(e) => e.circular().map_or_else(|| Chain::of_ellipse(e).length(), |p| p.length()),
            Curve::Nurbs(s) => Chain::of_nurbs(s).length(),
        }
    }

    /// Returns the bounding box: exact for lines, arcs and ellipses, to 1e-9 of the extent for splines.
    pub fn bounds(&self) -> Aabb {
        match self {
            Curve::Polyline(p) => p.bounds(),
            Curve::Ellipse(e) if !e.is_finite() => Aabb::EMPTY,
            Curve::Ellipse(e) => e.bounds(),
            Curve::Nurbs(s) => match s.points.as_slice() {
                [only] if only.x.is_finite() && only.y.is_finite() => Aabb::of([*only]),
                _ => Chain::of_nurbs(s).bounds(),
            },
        }
    }

    /// Returns where it starts; `None` when there is nothing.
    pub fn start(&self) -> Option<Point> {
        self.ends().map(|e| e.0)
    }

    /// Returns where it ends; the start again when it is a closed polyline or a full ellipse.
    pub fn end(&self) -> Option<Point> {
        self.ends().map(|e| e.1)
    }

    fn ends(&self) -> Option<(Point, Point)> {
        match self {
            Curve::Polyline(p) => Some((p.first()?, p.last()?)),
            Curve::Ellipse(e) if !e.is_finite() => None,
            Curve::Ellipse(e) => {
                let a = e.point_at(e.start);
                Some((a, if e.is_full() { a } else { e.point_at(e.start + e.sweep) }))
            }
            Curve::Nurbs(s) => s.ends(),
        }
    }

    /// Returns a box that holds the curve, at the cost of looking at its control points once.
    pub fn hull(&self) -> Aabb {
        match self {
            Curve::Nurbs(s) => Aabb::of(s.points.iter().copied()),
            other => other.bounds(),
        }
    }

    /// True when it is closed in itself: by its flag, or because its ends are no further apart than `tolerance`
    /// and it is larger than that. A spline's flag counts when its ends meet to 0.01 mm.
    pub fn is_closed(&self, tolerance: f64) -> bool {
        let large = |b: Aabb| b.width().max(b.height());
        let near = |t: f64| self.ends().is_some_and(|(a, b)| (a - b).norm() <= t) && large(self.hull()) > t;
        match self {
            Curve::Polyline(p) => p.closed || near(tolerance),
            Curve::Ellipse(e) => e.is_full() || near(tolerance),
            Curve::Nurbs(s) => near(if s.closed { tolerance.max(fit::CLOSING_GAP) } else { tolerance }),
        }
    }

    /// Returns the curve under an affine map, exact. Arcs stay arcs under similarities, mirrored ones included;
    /// otherwise a single arc becomes an ellipse and a chain with arcs a rational spline.
    pub fn transformed(&self, t: &Affine2<f64>) -> Curve {
        let m = t.matrix();
        let (x, y) = (Vector::new(m[(0, 0)], m[(1, 0)]), Vector::new(m[(0, 1)], m[(1, 1)]));
        let linear = |v: Vector| x * v.x + y * v.y;
        match self {
            Curve::Ellipse(e) => {
                let e =
                    EllipseArc { center: t * e.center, major: linear(e.major), minor: linear(e.minor), ..*e };
                Curve::Ellipse(e)
            }
            Curve::Nurbs(s) => Curve::Nurbs(s.transformed(t)),
            Curve::Polyline(p) => {
                let scale = x.norm().max(y.norm());
                let similar =
                    (x.norm() - y.norm()).abs() <= 1e-9 * scale && x.dot(&y).abs() <= 1e-9 * scale * scale;
                if similar || p.vertices.iter().all(|v| v.bulge == 0.0) {
                    return Curve::Polyline(p.mapped(cross(x, y) < 0.0, |q| t * q));
                }
                if let Some(e) = single_arc(p) {
                    return Curve::Ellipse(e).transformed(t);
                }
                let mut chain = Chain::new(2);
                p.segments().for_each(|s| chain.push_segment(&s));
                Curve::Nurbs(chain.into_nurbs(p.closed).transformed(t))
            }
        }
    }

    /// Returns the curve closed by a straight line from its end to its start; unchanged when it is closed.
    #[must_use]
    pub fn closed_by_line(self) -> Curve {
        match self {
            Curve::Polyline(mut p) => {
                if !p.closed && p.vertices.len() > 2 && p.first() == p.last() {
                    p.vertices.pop();
                }
                p.closed = true;
                Curve::Polyline(p)
            }
            c if c.is_closed(0.0) => c,
            c => {
                let (mut chain, ends) = match &c {
                    Curve::Nurbs(s) => (Chain::of_nurbs(s), c.ends()),
                    Curve::Ellipse(e) if e.is_finite() => (Chain::of_ellipse(e), c.ends()),
                    _ => return c,
                };
                if let Some((a, b)) = ends.filter(|(a, b)| a != b) {
                    chain.push_line(b, a);
                }
                Curve::Nurbs(chain.into_nurbs(true))
            }
        }
    }

    /// Returns the curve travelled the other way.
    #[must_use]
    pub fn reversed(self) -> Curve {
        match self {
            Curve::Polyline(p) => Curve::Polyline(p.reversed()),
            Curve::Ellipse(e) => {
                Curve::Ellipse(EllipseArc { start: e.start + e.sweep, sweep: -e.sweep, ..e })
            }
            Curve::Nurbs(mut s) => {
                s.points.reverse();
                s.weights.reverse();
                s.knots.reverse();
                s.knots.iter_mut().for_each(|k| *k = -*k);
                Curve::Nurbs(s)
            }
        }
    }

    /// True when every number is finite.
    pub fn is_finite(&self) -> bool {
        match self {
            Curve::Polyline(p) => p.is_finite(),
            Curve::Ellipse(e) => e.is_finite(),
            Curve::Nurbs(s) => {
                s.points.iter().all(|p| p.x.is_finite() && p.y.is_finite())
                    && s.weights.iter().chain(&s.knots).all(|w| w.is_finite())
            }
        }
    }
}

fn fit_nurbs(s: &Nurbs, tolerance: f64) -> Polyline {
    if let [only] = s.points.as_slice()
        && only.x.is_finite()
        && only.y.is_finite()
    {
        return Polyline::open([*only]);
    }
    fit::fit(&Chain::of_nurbs(s), s.closed, tolerance)
}

/// Returns the arc that a polyline is when all its pieces lie on one circle and follow each other.
fn single_arc(p: &Polyline) -> Option<EllipseArc> {
    let mut whole: Option<crate::Arc> = None;
    for s in p.segments() {
        let Segment::Arc(a) = s else { return None };
        match &mut whole {
            None => whole = Some(a),
            Some(w) => {
                let tiny = 1e-9 * w.radius;
                let same = (w.center - a.center).norm() <= tiny && (w.radius - a.radius).abs() <= tiny;
                if !same || w.sweep.signum() != a.sweep.signum() {
                    return None;
                }
                w.sweep += a.sweep;
            }
        }
    }
    let w = whole.filter(|w| w.sweep.abs() <= TAU + 1e-9)?;
    let sweep = if p.closed { TAU.copysign(w.sweep) } else { w.sweep };
    let (major, minor) = (Vector::new(w.radius, 0.0), Vector::new(0.0, w.radius));
    Some(EllipseArc { center: w.center, major, minor, start: w.start, sweep })
}
