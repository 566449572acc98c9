//! Builds curves from pen movements: lines, Béziers and elliptical arcs.

use super::bezier::Chain;
use super::{Curve, EllipseArc};
use crate::{Arc, Point, Polyline, Segment, Vector, Vertex, cross};
use std::f64::consts::{PI, TAU};

/// Follows a pen and hands out one curve per subpath: a [`Polyline`] where lines and circular arcs suffice, else a
/// cubic spline in Bézier form, exact in both cases. A path with an ellipse among other pieces is exact too, for
/// an ellipse arc is a rational cubic.
///
/// ```
/// use shop_geom::{Point, curve::PathBuilder};
/// let mut b = PathBuilder::default();
/// b.move_to(Point::new(0.0, 0.0));
/// b.line_to(Point::new(4.0, 0.0));
/// b.cubic_to(Point::new(6.0, 0.0), Point::new(6.0, 3.0), Point::new(4.0, 3.0));
/// b.close();
/// assert!(b.finish()[0].is_closed(0.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct PathBuilder {
    done: Vec<Curve>,
    start: Point,
    pen: Point,
    /// Lines and arcs so far, without the pen's own place; empty once there is a Bézier.
    plain: Vec<Vertex>,
    /// Everything so far, once there is a Bézier.
    curved: Option<Chain>,
    drawn: bool,
}

impl PathBuilder {
    /// Returns where the pen is.
    pub fn pen(&self) -> Point {
        self.pen
    }

    /// Lifts the pen and begins a subpath at `p`.
    pub fn move_to(&mut self, p: Point) {
        self.end_subpath(false);
        (self.start, self.pen) = (p, p);
    }

    /// Draws a line.
    pub fn line_to(&mut self, p: Point) {
        self.drawn = true;
        if p == self.pen {
            return;
        }
        match &mut self.curved {
            Some(c) => c.push_line(self.pen, p),
            None => self.plain.push(Vertex { point: self.pen, bulge: 0.0 }),
        }
        self.pen = p;
    }

    /// Draws a cubic Bézier.
    pub fn cubic_to(&mut self, a: Point, b: Point, p: Point) {
        let pen = self.pen;
        if a == pen && b == pen && p == pen {
            self.drawn = true;
            return;
        }
        self.curved().controls.extend([pen, a, b, p].map(|q| [q.x, q.y, 1.0]));
        self.pen = p;
    }

    /// Draws a quadratic Bézier.
    pub fn quad_to(&mut self, a: Point, p: Point) {
        let pen = self.pen;
        self.cubic_to(pen + (a - pen) * (2.0 / 3.0), p + (a - p) * (2.0 / 3.0), p);
    }

    /// Draws a circular arc with this bulge, tan(sweep/4).
    pub fn bulge_to(&mut self, p: Point, bulge: f64) {
        match Arc::from_bulge(self.pen, p, bulge) {
            None => self.line_to(p),
            Some(arc) => {
                self.drawn = true;
                match &mut self.curved {
                    Some(c) => c.push_arc(&arc),
                    None if bulge.abs() > 1.0 => {
                        // No bulge above 1: two halves.
                        let (m, b) = (arc.point_at(0.5), (arc.sweep / 8.0).tan());
                        self.plain
                            .extend([Vertex { point: self.pen, bulge: b }, Vertex { point: m, bulge: b }]);
                    }
                    None => self.plain.push(Vertex { point: self.pen, bulge }),
                }
                self.pen = p;
            }
        }
    }

    /// Draws an arc of an ellipse from the pen to `p`, as SVG's `A` says (SVG 2, appendix B.2.4): half axes, turned
    /// by `rotation` radians, the long way around or not, in the direction of growing angles or not. Half axes
    /// too short to reach are scaled up.
    pub fn arc_to(&mut self, rx: f64, ry: f64, rotation: f64, long: bool, growing: bool, p: Point) {
        let (rx, ry) = (rx.abs(), ry.abs());
        let pen = self.pen;
        if p == pen || rx == 0.0 || ry == 0.0 || !(rx + ry).is_finite() {
            return self.line_to(p);
        }
        let (sin, cos) = rotation.sin_cos();
        let half = (pen - p) / 2.0;
        // In the frame of the axes, scaled to the unit circle.
        let v = Vector::new((cos * half.x + sin * half.y) / rx, (cos * half.y - sin * half.x) / ry);
        let grow = v.norm().max(1.0);
        let (rx, ry, v) = (rx * grow, ry * grow, v / grow);
        let lift = ((1.0 - v.norm_squared()).max(0.0) / v.norm_squared()).sqrt();
        let lift = if long == growing { -lift } else { lift };
        let center = Vector::new(lift * v.y, -lift * v.x);
        let (a, b) = (v - center, -v - center);
        let start = a.y.atan2(a.x);
        let mut sweep = cross(a, b).atan2(a.dot(&b));
        if growing && sweep < 0.0 {
            sweep += TAU;
        } else if !growing && sweep > 0.0 {
            sweep -= TAU;
        }
        if sweep.abs() == PI {
            sweep = PI.copysign(if growing { 1.0 } else { -1.0 });
        }
        if (rx - ry).abs() <= 1e-9 * rx {
            return self.bulge_to(p, (sweep / 4.0).tan());
        }
        let (major, minor) = (Vector::new(cos, sin) * rx, Vector::new(-sin, cos) * ry);
        let middle = nalgebra::center(&pen, &p) + major * center.x + minor * center.y;
        self.ellipse_to(&EllipseArc { center: middle, major, minor, start, sweep }, p);
    }

    /// Draws an ellipse arc that starts at the pen; `p` is its exact end.
    fn ellipse_to(&mut self, e: &EllipseArc, p: Point) {
        let mut quadratics = Chain::of_ellipse(e);
        let pen = self.pen;
        let end = quadratics.controls.len() - 1;
        (quadratics.controls[0], quadratics.controls[end]) = ([pen.x, pen.y, 1.0], [p.x, p.y, 1.0]);
        let chain = self.curved();
        for q in quadratics.pieces() {
            chain.push_elevated(q);
        }
        self.pen = p;
    }

    /// Draws the line back to where the subpath began, and ends it there.
    pub fn close(&mut self) {
        if self.pen != self.start && self.curved.is_some() {
            self.line_to(self.start);
        } else if self.pen != self.start {
            self.plain.push(Vertex { point: self.pen, bulge: 0.0 });
            self.pen = self.start;
        }
        self.drawn = true;
        self.end_subpath(true);
    }

    /// Ends the path and returns its subpaths in order; a subpath without length is a single point.
    pub fn finish(mut self) -> Vec<Curve> {
        self.end_subpath(false);
        self.done
    }

    fn curved(&mut self) -> &mut Chain {
        self.drawn = true;
        if self.curved.is_none() {
            let mut chain = Chain::new(3);
            for (i, v) in self.plain.iter().enumerate() {
                let next = self.plain.get(i + 1).map_or(self.pen, |n| n.point);
                chain.push_segment(&Segment::new(v.point, next, v.bulge));
            }
            self.plain.clear();
            self.curved = Some(chain);
        }
        self.curved.get_or_insert_default()
    }

    fn end_subpath(&mut self, closed: bool) {
        let curve = if let Some(chain) = self.curved.take() {
            Curve::Nurbs(chain.into_nurbs(closed))
        } else {
            let mut vertices = std::mem::take(&mut self.plain);
            if !self.drawn {
                return;
            }
            let closed = closed && !vertices.is_empty();
            if !closed {
                vertices.push(Vertex { point: self.pen, bulge: 0.0 });
            }
            Curve::Polyline(Polyline { vertices, closed })
        };
        self.drawn = false;
        self.pen = self.start;
        self.done.push(curve);
    }
}
