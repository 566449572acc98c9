//! G5, G5.1 and G5.2 … G5.3: cubic and quadratic Bézier curves and rational B-splines, as lines.
//!
//! A Bézier curve is halved until its control polygon is flat; a B-spline is evaluated span by span by de Boor's
//! rule (Piegl & Tiller, The NURBS Book, A3.1 and 4.3) on a clamped uniform knot vector, as LinuxCNC's manual says.

use super::block::{Block, bit};
use super::state::Line;
use super::{Run, Step};
use shop_cam::canon::Command;

/// Lines leave the curve by at most this, mm.
const TOLERANCE: f64 = 0.001;
/// How often one curve is halved at most.
const DEEPEST: u32 = 12;
/// Highest order of a B-spline.
const HIGHEST_ORDER: usize = 10;
/// Control points of one B-spline.
const MOST_POINTS: usize = 100_000;

type Point = [f64; 2];

/// A B-spline that is being given line by line.
#[derive(Clone, Debug)]
pub(super) struct Spline {
    order: usize,
    /// Control points with their weights.
    points: Vec<(Point, f64)>,
}

fn middle(a: Point, b: Point) -> Point {
    [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])]
}

/// Calls `emit` with points along a cubic Bézier curve, its end included.
fn flatten(c: [Point; 4], depth: u32, emit: &mut impl FnMut(Point)) {
    // The second differences bound how far the curve leaves its chord (an eighth of them, doubled by the cubic).
    let bend = |a: Point, b: Point, c: Point| (a[0] - 2.0 * b[0] + c[0]).hypot(a[1] - 2.0 * b[1] + c[1]);
    let off = bend(c[0], c[1], c[2]).max(bend(c[1], c[2], c[3])) * 0.75;
    if off <= TOLERANCE || depth >= DEEPEST {
        emit(c[3]);
        return;
    }
    let (ab, bc, cd) = (middle(c[0], c[1]), middle(c[1], c[2]), middle(c[2], c[3]));
    let (abc, bcd) = (middle(ab, bc), middle(bc, cd));
    let m = middle(abc, bcd);
    flatten([c[0], ab, abc, m], depth + 1, emit);
    flatten([m, bcd, cd, c[3]], depth + 1, emit);
}

impl Spline {
    /// Returns the point at `u` in span `span` of a clamped uniform knot vector.
    fn at(&self, span: usize, u: f64) -> Point {
        let p = self.order - 1;
        let last = self.points.len() - self.order + 1;
        let knot = |i: usize| (i.saturating_sub(p)).min(last) as f64;
        let mut d = [[0.0; 3]; HIGHEST_ORDER];
        for (d, (q, w)) in d.iter_mut().zip(&self.points[span..=span + p]) {
            *d = [q[0] * w, q[1] * w, *w];
        }
        for r in 1..=p {
            for j in (r..=p).rev() {
                let i = span + j;
                let (low, high) = (knot(i), knot(i + p + 1 - r));
                let a = if high > low { (u - low) / (high - low) } else { 0.0 };
                d[j] = std::array::from_fn(|k| (1.0 - a) * d[j - 1][k] + a * d[j][k]);
            }
        }
        [d[p][0] / d[p][2], d[p][1] / d[p][2]]
    }

    /// Calls `emit` with points along the curve, the last control point included.
    fn walk(&self, mut emit: impl FnMut(Point)) {
        let spans = self.points.len() - self.order + 1;
        for span in 0..spans {
            let (a, b) = (span as f64, span as f64 + 1.0);
            let (from, to) = (self.at(span, a), self.at(span, b));
            self.halve(span, (a, from), (b, to), 0, &mut emit);
        }
    }

    fn halve(
        &self,
        span: usize,
        (a, from): (f64, Point),
        (b, to): (f64, Point),
        depth: u32,
        emit: &mut impl FnMut(Point),
    ) {
        let m = f64::midpoint(a, b);
        let here = self.at(span, m);
        let quarter = self.at(span, f64::midpoint(a, m));
        let chord = [to[0] - from[0], to[1] - from[1]];
        let length = chord[0].hypot(chord[1]);
        let off = |p: Point| {
            let v = [p[0] - from[0], p[1] - from[1]];
            if length > 0.0 { (chord[0] * v[1] - chord[1] * v[0]).abs() / length } else { v[0].hypot(v[1]) }
        };
        if depth >= DEEPEST || depth >= 2 && off(here).max(off(quarter)) <= TOLERANCE {
            emit(to);
            return;
        }
        self.halve(span, (a, from), (m, here), depth + 1, emit);
        self.halve(span, (m, here), (b, to), depth + 1, emit);
    }
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    fn spline_fault(&mut self, block: &Block, key: u32, what: &'static str) {
        self.notes.error("gcode/spline", key, block.span(), || what.into());
    }

    /// G5 and, with `quadratic`, G5.1.
    #[cold]
    pub(super) fn bezier(&mut self, quadratic: bool, fresh: bool, block: &Block, line: &mut Line) {
        for letter in *b"IJPQ" {
            line.used |= bit(letter);
        }
        if self.state.plane != 0 {
            return self.spline_fault(block, 0, "splines lie in the XY plane (G17)");
        }
        let unit = self.state.unit;
        let word = |letter: u8| block.get(letter).map(|v| v * unit);
        let from = self.state.position;
        let to = self.target(block);
        let start = [from[0], from[1]];
        let end = [to[0], to[1]];
        let control = if quadratic {
            if !(block.has(b'I') || block.has(b'J')) {
                return self.spline_fault(block, 1, "G5.1 needs I or J, its control point");
            }
            let c = [start[0] + word(b'I').unwrap_or(0.0), start[1] + word(b'J').unwrap_or(0.0)];
            // The same curve, one degree higher.
            let third = |a: Point| [a[0] + (c[0] - a[0]) * 2.0 / 3.0, a[1] + (c[1] - a[1]) * 2.0 / 3.0];
            self.spline_end = None;
            [start, third(start), third(end), end]
        } else {
            let (Some(p), Some(q)) = (word(b'P'), word(b'Q')) else {
                return self.spline_fault(block, 2, "G5 needs P and Q, its second control point");
            };
            let first = match (word(b'I'), word(b'J'), self.spline_end) {
                (Some(i), Some(j), _) => [i, j],
                // Left out, it goes on in the direction of the curve before.
                (None, None, Some(end)) if !fresh => [-end[0], -end[1]],
                _ => return self.spline_fault(block, 3, "the first G5 of a curve needs I and J"),
            };
            self.spline_end = Some([p, q]);
            [start, [start[0] + first[0], start[1] + first[1]], [end[0] + p, end[1] + q], end]
        };
        if control.iter().flatten().any(|v| v.is_nan() || v.abs() > 1e6) {
            return self.too_far(block);
        }
        let mut points = Vec::new();
        flatten(control, 0, &mut |p| points.push(p));
        self.along_curve(&points, block);
    }

    /// G5.2: a B-spline begins, or its next control point.
    #[cold]
    pub(super) fn control_point(&mut self, begins: bool, block: &Block, line: &mut Line) {
        for letter in *b"XYPL" {
            line.used |= bit(letter);
        }
        let here = self.state.position;
        let weight = block.get(b'P').unwrap_or(1.0);
        if !(weight > 0.0 && weight.is_finite()) {
            return self.spline_fault(block, 4, "the weight of a control point must be above 0");
        }
        if begins {
            let order = block.get(b'L').unwrap_or(3.0);
            if !(2.0..=HIGHEST_ORDER as f64).contains(&order) || self.state.plane != 0 {
                return self.spline_fault(
                    block,
                    5,
                    "a B-spline has an order L from 2 to 10 and lies in the XY plane",
                );
            }
            self.spline = Some(Spline { order: order as usize, points: vec![([here[0], here[1]], weight)] });
        }
        if block.seen & (bit(b'X') | bit(b'Y')) == 0 {
            return;
        }
        let to = self.target(block);
        if !(to[0].abs() <= 1e6 && to[1].abs() <= 1e6) {
            return self.too_far(block);
        }
        self.state.position = to;
        if let Some(spline) = self.spline.as_mut().filter(|s| s.points.len() < MOST_POINTS) {
            spline.points.push(([to[0], to[1]], weight));
        }
    }

    /// G5.3: the B-spline is complete.
    #[cold]
    pub(super) fn end_spline(&mut self, block: &Block) {
        let Some(spline) = self.spline.take() else {
            return self.spline_fault(block, 6, "G5.3 without G5.2");
        };
        if spline.points.len() < spline.order {
            return self.spline_fault(
                block,
                7,
                "a B-spline needs at least as many control points as its order",
            );
        }
        let mut points = Vec::new();
        spline.walk(|p| points.push(p));
        self.along_curve(&points, block);
    }

    fn along_curve(&mut self, points: &[Point], block: &Block) {
        if !self.spend(4 * points.len() as u64, block) {
            return;
        }
        self.feed_for(1.0, block);
        let z = self.state.position[2];
        for p in points {
            let to = [p[0], p[1], z];
            self.emit(Command::Line { to });
            self.state.position = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rational_quadratic_is_a_circle() {
        // A quarter of the unit circle (Piegl & Tiller, example 7.1).
        let w = 0.5f64.sqrt();
        let points = vec![([1.0, 0.0], 1.0), ([1.0, 1.0], w), ([0.0, 1.0], 1.0)];
        let spline = Spline { order: 3, points };
        let mut count = 0;
        spline.walk(|p| {
            assert!((p[0].hypot(p[1]) - 1.0).abs() < 1e-12, "{p:?}");
            count += 1;
        });
        assert!((4..=64).contains(&count), "{count}");
    }

    #[test]
    fn a_straight_curve_is_one_line() {
        let mut all = Vec::new();
        flatten([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], 0, &mut |p| all.push(p));
        assert_eq!(all, [[3.0, 0.0]]);
    }
}
