//! Pieces of contours with everything that a parallel curve needs, found without angles.
//!
//! All of `offset` works in one frame: the solid is on the left and grows to the right. Shrinking is growing what
//! is outside, so a contour is simply loaded backwards for it.
//!
//! ```text
//!        n (right of travel, out of the solid)
//!        ^           convex:  left turn, a gap opens between the parallel pieces
//!  a ----+----> b    reflex:  right turn, the parallel pieces cross
//!      solid         smooth:  next to no turn, the parallel pieces meet
//! ```

use crate::{Aabb, Arc, Line, Point, Polyline, Segment, Vector, cross, left};

/// One line or arc, directed. As a curve it goes on beyond its ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub a: Point,
    pub b: Point,
    /// Unit directions of travel at the ends.
    pub from: Vector,
    pub to: Vector,
    /// Middle of the circle; unused by a line.
    pub center: Point,
    /// Positive when counter-clockwise, negative when clockwise, 0 for a line.
    pub radius: f64,
    /// tan(sweep/4).
    pub bulge: f64,
    /// The input contour it belongs to.
    pub contour: u32,
}

/// Lengths below this are noise of the drawing's digits, mm; there is no direction in them.
const SHORTEST: f64 = 1e-8;

impl Piece {
    /// Returns the line from `a` to `b`, which must not be equal.
    pub fn line(a: Point, b: Point, contour: u32) -> Piece {
        let t = (b - a).normalize();
        Piece { a, b, from: t, to: t, center: a, radius: 0.0, bulge: 0.0, contour }
    }

    /// Returns the piece with this bulge. Tangents follow from the chord by the half-angle formulas:
    /// cos(sweep/2) = (1 − k²)/(1 + k²), sin(sweep/2) = 2k/(1 + k²) for bulge k.
    pub fn new(a: Point, b: Point, bulge: f64, contour: u32) -> Piece {
        let chord = b - a;
        let d = chord.norm();
        // A sagitta below a picometre is a line, and so is a circle too large to be told from one.
        if bulge.abs() * d < 2e-9 || d * (1.0 + bulge * bulge) > 4e9 * bulge.abs() {
            return Piece::line(a, b, contour);
        }
        let e = chord / d;
        let k = 1.0 / (1.0 + bulge * bulge);
        let (c, s) = ((1.0 - bulge * bulge) * k, 2.0 * bulge * k);
        let turn = left(e) * s;
        let radius = d / (4.0 * bulge * k);
        let center = nalgebra::center(&a, &b) + left(e) * (radius * c);
        Piece { a, b, from: e * c - turn, to: e * c + turn, center, radius, bulge, contour }
    }

    #[inline]
    pub fn is_line(&self) -> bool {
        self.radius == 0.0
    }

    /// Returns the signed angle it turns through.
    #[inline]
    pub fn sweep(&self) -> f64 {
        4.0 * self.bulge.atan()
    }

    pub fn length(&self) -> f64 {
        if self.is_line() { (self.b - self.a).norm() } else { (self.sweep() * self.radius).abs() }
    }

    /// Returns a box around it: exact for a line, the chord's box with the sagitta around it for an arc.
    #[inline]
    pub fn bounds(&self) -> Aabb {
        piece_box(self.a, self.b, self.bulge)
    }

    /// Returns the smallest box around it.
    pub fn tight_bounds(&self) -> Aabb {
        let mut b = Aabb::new(self.a, self.b);
        if !self.is_line() {
            let (mut u, mut v) = (self.a - self.center, self.b - self.center);
            if self.radius < 0.0 {
                std::mem::swap(&mut u, &mut v);
            }
            let r = self.radius.abs();
            for w in [Vector::new(r, 0.0), Vector::new(0.0, r), Vector::new(-r, 0.0), Vector::new(0.0, -r)] {
                let within = if self.bulge.abs() <= 1.0 {
                    cross(u, w) >= 0.0 && cross(w, v) >= 0.0
                } else {
                    !(cross(v, w) > 0.0 && cross(w, u) > 0.0)
                };
                if within {
                    b.add(self.center + w);
                }
            }
        }
        b
    }

    /// Returns it for the distance functions, which ask an arc for its ends, circle and sweep only.
    #[inline]
    pub fn segment(&self) -> Segment {
        if self.is_line() {
            Segment::Line(Line { a: self.a, b: self.b })
        } else {
            Segment::Arc(Arc {
                a: self.a,
                b: self.b,
                center: self.center,
                radius: self.radius.abs(),
                start: 0.0,
                sweep: self.sweep(),
            })
        }
    }

    /// Returns the point half way along.
    pub fn middle(&self) -> Point {
        let m = nalgebra::center(&self.a, &self.b);
        // The sagitta is to the right of the chord of a counter-clockwise arc.
        m - left(self.b - self.a) * (0.5 * self.bulge)
    }

    /// Returns the nearest point of the whole line or circle.
    pub fn project(&self, p: Point) -> Point {
        if self.is_line() {
            self.a + self.from * (p - self.a).dot(&self.from)
        } else {
            let v = p - self.center;
            let n = v.norm();
            if n > 0.0 { self.center + v * (self.radius.abs() / n) } else { self.a }
        }
    }

    /// Returns the unit direction of travel of the curve at `p` on it.
    pub fn direction_at(&self, p: Point) -> Vector {
        if self.is_line() {
            return self.from;
        }
        left(p - self.center).try_normalize(0.0).unwrap_or(self.from) * self.radius.signum()
    }

    /// Returns how far along `p` on the curve lies: 0 at `a`, 1 at `b`; beyond the ends < 0 or > 1.
    pub fn progress(&self, p: Point) -> f64 {
        if self.is_line() {
            return (p - self.a).dot(&self.from) / (self.b - self.a).norm();
        }
        let (u, v) = (self.a - self.center, p - self.center);
        let sweep = self.sweep().abs();
        let mut angle = (cross(u, v) * self.radius.signum()).atan2(u.dot(&v));
        // Half of what is not swept counts as before the start, half as beyond the end.
        if angle < sweep * 0.5 - std::f64::consts::PI {
            angle += std::f64::consts::TAU;
        }
        angle / sweep
    }

    /// Returns where the two whole curves meet: none, one or two points.
    pub fn meets(&self, other: &Piece) -> Meets {
        match (self.is_line(), other.is_line()) {
            (true, true) => {
                let k = cross(self.from, other.from);
                if k == 0.0 {
                    return Meets::default();
                }
                let t = cross(other.a - self.a, other.from) / k;
                Meets::one(self.a + self.from * t)
            }
            (true, false) => line_circle(self, other),
            (false, true) => line_circle(other, self),
            (false, false) => circle_circle(self, other),
        }
    }
}

/// Up to two points.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meets {
    points: [Option<Point>; 2],
}

impl Meets {
    fn one(p: Point) -> Meets {
        Meets { points: [Some(p), None] }
    }

    pub fn iter(self) -> impl Iterator<Item = Point> {
        self.points.into_iter().flatten()
    }

    /// Returns the point nearest to `p`.
    pub fn nearest(self, p: Point) -> Option<Point> {
        self.iter().min_by(|a, b| (a - p).norm_squared().total_cmp(&(b - p).norm_squared()))
    }
}

fn line_circle(line: &Piece, arc: &Piece) -> Meets {
    let v = arc.center - line.a;
    let foot = line.a + line.from * v.dot(&line.from);
    let h = cross(line.from, v).abs();
    let r = arc.radius.abs();
    let y2 = (r - h) * (r + h);
    if y2 < 0.0 {
        return Meets::default();
    }
    let y = line.from * y2.sqrt();
    Meets { points: [Some(foot - y), Some(foot + y)] }
}

fn circle_circle(p: &Piece, q: &Piece) -> Meets {
    let between = q.center - p.center;
    let d = between.norm();
    if d == 0.0 {
        return Meets::default();
    }
    let (r, s) = (p.radius.abs(), q.radius.abs());
    let x = 0.5 * (d + (r - s) * (r + s) / d);
    let y2 = (r - x) * (r + x);
    if y2 < 0.0 {
        return Meets::default();
    }
    let u = between / d;
    let (along, across) = (u * x, left(u) * y2.sqrt());
    Meets { points: [Some(p.center + along - across), Some(p.center + along + across)] }
}

/// Returns the bulge of the arc from `a` to `b` about `center`, counter-clockwise when `sense` is positive, by
/// tan(φ/2) = sin φ/(1 + cos φ) applied twice; a full turn less rounding comes out as 0.
pub(super) fn bulge_about(center: Point, sense: f64, a: Point, b: Point) -> f64 {
    let (u, v, sense) = (a - center, b - center, sense.signum());
    let (s, c) = (cross(u, v) * sense, u.dot(&v));
    let n = s.hypot(c);
    if n == 0.0 {
        return 0.0;
    }
    // φ in (−π, π] by the short way round; tan(φ/4), and for the long way tan(π/2 − |φ|/4) = 1/tan(|φ|/4).
    let half = if c >= 0.0 { s / (n + c) } else { (n - c) / s };
    let quarter = if half.is_finite() { half / (1.0 + (1.0 + half * half).sqrt()) } else { 1.0 };
    let quarter = if s >= 0.0 { quarter } else { -1.0 / quarter };
    sense * quarter
}

/// Returns a box around the piece from `a` to `b`.
#[inline]
pub(super) fn piece_box(a: Point, b: Point, bulge: f64) -> Aabb {
    let chord = Aabb::new(a, b);
    if bulge == 0.0 {
        return chord;
    }
    let d = (b - a).norm();
    let k = bulge.abs();
    // A minor arc stays within its sagitta of the chord; a major one within its diameter of it.
    chord.inflated(if k <= 1.0 { 0.5 * k * d } else { 0.5 * d * (k + 1.0 / k) })
}

/// Appends the pieces of a closed contour, backwards when `reversed`; what has no length is left out. Returns
/// the enclosed area with the sign of the travel.
pub(super) fn load(contour: &Polyline, id: u32, reversed: bool, out: &mut Vec<Piece>) -> f64 {
    let v = &contour.vertices;
    let n = v.len();
    if !contour.closed || n < 2 {
        return 0.0;
    }
    let first = out.len();
    let origin = v[0].point;
    let noise = SHORTEST.max(1e-15 * (origin.x.abs() + origin.y.abs()));
    let mut at = origin;
    let mut area = 0.0;
    for i in 0..n {
        let (to, bulge) = if reversed {
            let k = n - 1 - i;
            (v[k].point, -v[k].bulge)
        } else {
            (v[(i + 1) % n].point, v[i].bulge)
        };
        let d = (to - at).norm();
        let extent = d * (1.0 + bulge * bulge);
        if !(extent > noise && extent.is_finite()) || d == 0.0 {
            continue;
        }
        let piece = Piece::new(at, to, bulge, id);
        area += 0.5 * cross(at - origin, to - origin) + cap_area(&piece);
        out.push(piece);
        at = to;
    }
    // The last piece of all may have been noise: close exactly.
    if out.len() > first && at != origin {
        let last = out[out.len() - 1];
        let len = out.len();
        if last.a == origin {
            out.pop();
        } else {
            out[len - 1] = Piece::new(last.a, origin, last.bulge, id);
        }
    }
    area
}

/// Returns the signed area between an arc and its chord.
fn cap_area(p: &Piece) -> f64 {
    if p.is_line() {
        return 0.0;
    }
    let sweep = p.sweep();
    0.5 * p.radius * p.radius * (sweep - sweep.sin())
}
