//! How much of a piece other pieces reach: the exact part of it within a distance of each.
//!
//! The set of points within `reach` of a piece Q is bounded by Q moved sideways by ±reach and by circles about its
//! ends. A piece P enters and leaves it only where it crosses these, so cutting P there and testing the middle of
//! every part gives the covered part exactly, to rounding; nothing between two samples is missed.

use crate::piece::Piece;
use shop_geom::{Point, Vector, left};

/// What of a piece is not covered yet, as fractions of its length, ascending.
#[derive(Default)]
pub(crate) struct Cover {
    open: Vec<(f64, f64)>,
    next: Vec<(f64, f64)>,
    cuts: Vec<f64>,
    half: f64,
    middle: Point,
    length: f64,
}

/// Uncovered ends shorter than this are rounding, mm.
const SLIVER: f64 = 1e-6;

impl Cover {
    /// Begins with all of `p` uncovered.
    pub fn begin(&mut self, p: &Piece) {
        self.open.clear();
        self.open.push((0.0, 1.0));
        self.length = p.length();
        self.middle = p.at(0.5);
        // No point of a piece is farther from its middle than half its length.
        self.half = 0.5 * self.length;
    }

    /// What is still uncovered.
    pub fn open(&self) -> &[(f64, f64)] {
        &self.open
    }

    /// The middle of the piece.
    pub fn middle(&self) -> Point {
        self.middle
    }

    /// Takes away what lies within `reach` of `q`; true when that was something.
    pub fn take(&mut self, p: &Piece, q: &Piece, reach: f64) -> bool {
        if self.open.is_empty() {
            return false;
        }
        let d = q.distance_to(self.middle);
        if d > reach + self.half {
            return false;
        }
        if d + self.half <= reach {
            self.open.clear();
            return true;
        }
        self.cut(p, q, reach);
        self.subtract(p, q, reach)
    }

    fn subtract(&mut self, p: &Piece, q: &Piece, reach: f64) -> bool {
        let mut taken = false;
        self.next.clear();
        let sliver = if self.length > 0.0 { SLIVER / self.length } else { 1.0 };
        for &(from, to) in &self.open {
            let mut at = from;
            let inner = self.cuts.iter().copied().filter(|&t| t > from && t < to);
            for t in inner.chain(std::iter::once(to)) {
                if q.distance_to(p.at(0.5 * (at + t))) <= reach {
                    taken = true;
                } else if let Some(last) = self.next.last_mut().filter(|l| l.1 == at) {
                    last.1 = t;
                } else {
                    self.next.push((at, t));
                }
                at = t;
            }
        }
        self.next.retain(|(a, b)| b - a > sliver);
        std::mem::swap(&mut self.open, &mut self.next);
        taken
    }

    /// Finds where `p` crosses the boundary of what is within `reach` of `q`.
    fn cut(&mut self, p: &Piece, q: &Piece, reach: f64) {
        self.cuts.clear();
        if q.is_line() {
            let d = q.b - q.a;
            let n = d.norm();
            if n > 0.0 {
                let side = left(d) / n;
                for k in [reach, -reach] {
                    with_line(p, q.a + side * k, d / n, &mut self.cuts);
                }
            }
        } else {
            with_circle(p, q.center, q.radius + reach, &mut self.cuts);
            if q.radius > reach {
                with_circle(p, q.center, q.radius - reach, &mut self.cuts);
            }
        }
        with_circle(p, q.a, reach, &mut self.cuts);
        if q.b != q.a {
            with_circle(p, q.b, reach, &mut self.cuts);
        }
        self.cuts.sort_unstable_by(f64::total_cmp);
    }
}

/// Adds the fractions of `p` at which it meets the line through `at` along the unit vector `along`.
fn with_line(p: &Piece, at: Point, along: Vector, cuts: &mut Vec<f64>) {
    let n = left(along);
    if p.is_line() {
        let (from, to) = ((p.a - at).dot(&n), (p.b - at).dot(&n));
        if from != to {
            add(cuts, from / (from - to));
        }
        return;
    }
    let x = (at - p.center).dot(&n);
    let h2 = p.radius * p.radius - x * x;
    if h2 >= 0.0 {
        let h = h2.sqrt();
        add(cuts, p.parameter(n * x + along * h));
        add(cuts, p.parameter(n * x - along * h));
    }
}

/// Adds the fractions of `p` at which it meets a circle.
fn with_circle(p: &Piece, center: Point, radius: f64, cuts: &mut Vec<f64>) {
    if p.is_line() {
        let d = p.b - p.a;
        let n2 = d.norm_squared();
        if n2 > 0.0 {
            let t = (center - p.a).dot(&d) / n2;
            let h2 = radius * radius - (p.a + d * t - center).norm_squared();
            if h2 >= 0.0 {
                let h = (h2 / n2).sqrt();
                add(cuts, t - h);
                add(cuts, t + h);
            }
        }
        return;
    }
    let w = center - p.center;
    let d = w.norm();
    if d == 0.0 {
        return;
    }
    let u = w / d;
    let x = (d * d + p.radius * p.radius - radius * radius) / (2.0 * d);
    let h2 = p.radius * p.radius - x * x;
    if h2 >= 0.0 {
        let h = h2.sqrt();
        add(cuts, p.parameter(u * x + left(u) * h));
        add(cuts, p.parameter(u * x - left(u) * h));
    }
}

fn add(cuts: &mut Vec<f64>, t: f64) {
    if t > 0.0 && t < 1.0 {
        cuts.push(t);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shop_geom::Segment;

    fn piece() -> impl Strategy<Value = Piece> {
        let xy = || (-5.0..5.0f64, -5.0..5.0f64);
        (xy(), xy(), prop_oneof![Just(0.0), -3.0..3.0f64]).prop_map(|(a, b, bulge)| {
            Piece::of(&Segment::new(Point::new(a.0, a.1), Point::new(b.0, b.1), bulge))
        })
    }

    proptest! {
        #[test]
        fn covers_what_sampling_covers(p in piece(), qs in prop::collection::vec(piece(), 1..4), reach in 0.1..3.0f64) {
            let mut cover = Cover::default();
            cover.begin(&p);
            for q in &qs {
                cover.take(&p, q, reach);
            }
            for i in 0..200 {
                let t = (f64::from(i) + 0.5) / 200.0;
                let d = qs.iter().map(|q| q.distance_to(p.at(t))).fold(f64::INFINITY, f64::min);
                let open = cover.open().iter().any(|&(a, b)| t >= a && t <= b);
                if (d - reach).abs() > 1e-6 {
                    prop_assert_eq!(open, d > reach, "t {} d {}", t, d);
                }
            }
        }
    }
}
