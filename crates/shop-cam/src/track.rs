//! A path measured along its length, ready to be cut up.
//!
//! Planners think in distances along a contour: start here, overburn 4 mm, leave a tab there. A [`Track`] keeps the
//! pieces of a path with their running length; [`Track::started_at`] turns a closed one so that length 0 is where
//! the cut begins, after which every range is exact and a full turn ends on the very bits at which it began.

use shop_geom::{Point, Polyline, Segment, Vector};

/// A path with the distance along it.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    segments: Vec<Segment>,
    /// Distance from the start to the end of each piece, mm.
    ends: Vec<f64>,
    closed: bool,
}

/// A cut this close to the end of a piece is made at its end, mm: a sliver would only be a line more to send.
const SLIVER: f64 = 1e-6;

impl Track {
    /// Measures `path`, leaving out pieces without length.
    pub fn new(path: &Polyline) -> Self {
        Self::of(path.segments().filter(|s| s.length() > 0.0).collect(), path.closed)
    }

    fn of(segments: Vec<Segment>, closed: bool) -> Self {
        let mut total = 0.0;
        let ends = segments
            .iter()
            .map(|s| {
                total += s.length();
                total
            })
            .collect();
        Track { segments, ends, closed }
    }

    /// Returns the pieces.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the length, mm.
    pub fn length(&self) -> f64 {
        self.ends.last().copied().unwrap_or(0.0)
    }

    /// True when nothing has length.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// True when the last piece ends where the first starts.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns the piece at distance `s` and the fraction of it.
    pub fn locate(&self, s: f64) -> Option<(usize, f64)> {
        let last = self.segments.len().checked_sub(1)?;
        let s = if self.closed { s.rem_euclid(self.length()) } else { s };
        let i = self.ends.partition_point(|e| *e <= s).min(last);
        let length = self.segments[i].length();
        let before = self.ends[i] - length;
        Some((i, ((s - before) / length).clamp(0.0, 1.0)))
    }

    /// Returns the distance at which piece `i` starts.
    pub fn start_of(&self, i: usize) -> f64 {
        if i == 0 { 0.0 } else { self.ends[i - 1] }
    }

    /// Returns the point at distance `s`.
    pub fn point(&self, s: f64) -> Point {
        self.locate(s).map_or_else(Point::origin, |(i, t)| self.segments[i].point_at(t))
    }

    /// Returns the direction of travel at distance `s`.
    pub fn direction(&self, s: f64) -> Vector {
        self.locate(s).map_or_else(Vector::zeros, |(i, t)| self.segments[i].direction_at(t))
    }

    /// Returns the distance along the path of its point nearest to `p`. Linear in the number of pieces.
    pub fn nearest(&self, p: Point) -> f64 {
        let mut best = (f64::INFINITY, 0.0);
        for (i, segment) in self.segments.iter().enumerate() {
            let d = segment.distance_to(p);
            if d < best.0 {
                best = (d, self.start_of(i) + segment.nearest(p) * segment.length());
            }
        }
        best.1
    }

    /// Returns the path travelled the other way.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self::of(self.segments.iter().rev().map(Segment::reversed).collect(), self.closed)
    }

    /// Returns a closed path that starts at distance `s`.
    #[must_use]
    pub fn started_at(&self, s: f64) -> Self {
        let Some((i, t)) = self.locate(s).filter(|_| self.closed) else { return self.clone() };
        let length = self.segments[i].length();
        let (i, t) = match (t * length < SLIVER, (1.0 - t) * length < SLIVER) {
            (true, _) => (i, 0.0),
            (_, true) => ((i + 1) % self.segments.len(), 0.0),
            _ => (i, t),
        };
        let mut out = Vec::with_capacity(self.segments.len() + 1);
        out.push(if t > 0.0 { self.segments[i].part(t, 1.0) } else { self.segments[i] });
        out.extend_from_slice(&self.segments[i + 1..]);
        out.extend_from_slice(&self.segments[..i]);
        if t > 0.0 {
            out.push(self.segments[i].part(0.0, t));
        }
        Self::of(out, true)
    }

    /// Returns the open path between distances `from < to`; see [`Track::run`].
    #[must_use]
    pub fn stretch(&self, from: f64, to: f64) -> Self {
        let mut pieces = Vec::new();
        self.run(from, to, |s| pieces.push(s));
        Self::of(pieces, false)
    }

    /// Calls `visit` with the pieces between distances `from < to`, in order; on a closed path `to` may lie beyond
    /// the length, and goes round again.
    pub fn run(&self, from: f64, to: f64, mut visit: impl FnMut(Segment)) {
        let length = self.length();
        if self.segments.is_empty() || to <= from || (to - from).is_nan() {
            return;
        }
        if !self.closed {
            return self.run_once(from.max(0.0), to.min(length), &mut visit);
        }
        let mut start = from.rem_euclid(length);
        let mut left = to - from;
        while left > SLIVER {
            let end = (start + left).min(length);
            self.run_once(start, end, &mut visit);
            left -= end - start;
            start = 0.0;
        }
    }

    fn run_once(&self, from: f64, to: f64, visit: &mut impl FnMut(Segment)) {
        let first = self.ends.partition_point(|e| *e <= from + SLIVER);
        for i in first..self.segments.len() {
            let (a, b) = (self.start_of(i), self.ends[i]);
            if a >= to - SLIVER {
                break;
            }
            let segment = &self.segments[i];
            let t0 = if from > a + SLIVER { (from - a) / (b - a) } else { 0.0 };
            let t1 = if to < b - SLIVER { (to - a) / (b - a) } else { 1.0 };
            visit(if t0 == 0.0 && t1 == 1.0 { *segment } else { segment.part(t0, t1) });
        }
    }

    /// Returns the distances of all corners: joints at which the direction turns by more than `angle` radians.
    pub fn corners(&self, angle: f64) -> Vec<f64> {
        let n = self.segments.len();
        let limit = angle.cos();
        let mut out = Vec::new();
        for i in 0..n {
            let previous = match i {
                0 if self.closed => n - 1,
                0 => continue,
                _ => i - 1,
            };
            let turn = self.segments[previous].direction_at(1.0).dot(&self.segments[i].direction_at(0.0));
            if turn < limit {
                out.push(self.start_of(i));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slot() -> Track {
        Track::new(&Polyline {
            vertices: vec![
                shop_geom::Vertex::new(0.0, -2.0, 0.0),
                shop_geom::Vertex::new(10.0, -2.0, 1.0),
                shop_geom::Vertex::new(10.0, 2.0, 0.0),
                shop_geom::Vertex::new(0.0, 2.0, 1.0),
            ],
            closed: true,
        })
    }

    proptest! {
        /// Starting elsewhere keeps the path, and the end meets the start to the last bit.
        #[test]
        fn started_elsewhere_it_is_the_same_path(s in -50.0..80.0f64) {
            let track = slot();
            let turned = track.started_at(s);
            prop_assert!((turned.length() - track.length()).abs() < 1e-9);
            prop_assert!((turned.point(0.0) - track.point(s)).norm() < 1e-5);
            let ends = (turned.segments()[0].start(), turned.segments()[turned.segments().len() - 1].end());
            prop_assert_eq!(ends.0, ends.1);
            for pair in turned.segments().windows(2) {
                prop_assert_eq!(pair[0].end(), pair[1].start());
            }
        }

        /// A run has the length asked for and its pieces meet.
        #[test]
        fn a_run_is_as_long_as_asked(from in 0.0..30.0f64, more in 0.01..70.0f64) {
            let (mut length, mut at) = (0.0, None::<Point>);
            let mut gap = 0.0f64;
            slot().run(from, from + more, |s| {
                length += s.length();
                if let Some(p) = at { gap = gap.max((s.start() - p).norm()); }
                at = Some(s.end());
            });
            prop_assert!((length - more).abs() < 1e-4, "{length} {more}");
            prop_assert!(gap < 1e-6);
        }
    }

    #[test]
    fn a_slot_has_no_corners_and_a_square_four() {
        assert!(slot().corners(0.2).is_empty());
        let square = Polyline::polygon(
            [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y)),
        );
        assert_eq!(Track::new(&square).corners(0.2), vec![0.0, 1.0, 2.0, 3.0]);
    }
}
