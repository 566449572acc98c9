//! Where two pieces meet: crossings, tangencies and shared stretches of lines and arcs.
//!
//! The idea: the carriers (line, circle) give at most two places, the four ends give up to four more where an end
//! lies on the other piece. Candidates between which the pieces do not part by more than the tolerance are one and
//! the same contact. So a line that leaves an arc tangentially meets it once, at their common end, and not at two
//! nearly equal roots of an ill-conditioned quadratic.
//!
//! NOTE: accuracy of a crossing is about 1e-15 of the coordinates over the sine of the angle between the pieces;
//! callers far from the origin should shift first if they need more.

use crate::{Arc, Line, Point, Segment, cross};

/// A place at which two pieces meet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meeting {
    /// Where.
    pub at: Point,
    /// Fraction of the first piece's length, exactly 0 or 1 within the tolerance of an end.
    pub ta: f64,
    /// Fraction of the second piece's length, likewise.
    pub tb: f64,
    /// True when they only touch inside of both: neither gets to the other side by more than the tolerance.
    pub tangent: bool,
}

/// A stretch that two pieces share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overlap {
    /// From and to, as fractions of the first piece, ascending.
    pub a: [f64; 2],
    /// The same places as fractions of the second piece; descending when it runs the other way.
    pub b: [f64; 2],
}

/// All places at which two pieces meet: at most two, or stretches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Intersections {
    points: [Meeting; MOST],
    point_count: u8,
    overlaps: [Overlap; 2],
    overlap_count: u8,
}

/// Two carriers meet in at most two places, and four ends can lie on the other piece.
const MOST: usize = 6;

impl Intersections {
    /// Returns the single places, ascending along the first piece.
    pub fn points(&self) -> &[Meeting] {
        &self.points[..self.point_count as usize]
    }

    /// Returns the shared stretches, ascending along the first piece.
    pub fn overlaps(&self) -> &[Overlap] {
        &self.overlaps[..self.overlap_count as usize]
    }

    /// True when they do not meet.
    pub fn is_empty(&self) -> bool {
        self.point_count == 0 && self.overlap_count == 0
    }

    fn add(&mut self, m: Meeting) {
        if (self.point_count as usize) < MOST {
            self.points[self.point_count as usize] = m;
            self.point_count += 1;
        }
    }

    fn add_overlap(&mut self, o: Overlap) {
        if (self.overlap_count as usize) < self.overlaps.len() {
            self.overlaps[self.overlap_count as usize] = o;
            self.overlap_count += 1;
        }
    }
}

/// Returns where `a` and `b` meet. Pieces (and ends) at most `tolerance` apart touch; 0 is a legitimate tolerance
/// for pieces that share their end points exactly.
///
/// ```
/// use shop_geom::{Point, Segment, intersect::intersect};
/// let a = Segment::new(Point::new(0.0, 0.0), Point::new(4.0, 0.0), 0.0);
/// let b = Segment::new(Point::new(1.0, -1.0), Point::new(1.0, 1.0), 0.0);
/// assert_eq!(intersect(&a, &b, 1e-9).points()[0].at, Point::new(1.0, 0.0));
/// ```
pub fn intersect(a: &Segment, b: &Segment, tolerance: f64) -> Intersections {
    let mut found = Candidates::default();
    carriers(a, b, tolerance, &mut found);
    ends(a, b, tolerance, &mut found);
    found.contacts(a, b, tolerance)
}

/// Places where contact was found, before neighbours are merged.
#[derive(Default)]
struct Candidates {
    list: [Meeting; MOST],
    count: usize,
}

impl Candidates {
    fn push(&mut self, m: Meeting) {
        if self.count < MOST {
            self.list[self.count] = m;
            self.count += 1;
        }
    }

    /// Accepts a place on both carriers if it lies within both pieces.
    fn try_push(&mut self, a: &Segment, b: &Segment, at: Point, tangent: bool, tolerance: f64) {
        let (ta, tb) = (a.nearest(at), b.nearest(at));
        // An end reached by clamping is accepted only within the tolerance, or within rounding.
        let slack = tolerance.max(4e-16 * (at.x.abs() + at.y.abs()));
        let on = |s: &Segment, t: f64| t > 0.0 && t < 1.0 || (s.point_at(t) - at).norm() <= slack;
        if on(a, ta) && on(b, tb) {
            self.push(Meeting { at, ta, tb, tangent });
        }
    }

    /// Merges candidates between which the pieces stay together.
    fn contacts(mut self, a: &Segment, b: &Segment, tolerance: f64) -> Intersections {
        let mut out = Intersections::default();
        let list = &mut self.list[..self.count];
        list.sort_unstable_by(|m, n| m.ta.total_cmp(&n.ta));
        let mut i = 0;
        while i < list.len() {
            let mut k = i;
            while k + 1 < list.len() && together(a, b, &list[k], &list[k + 1], tolerance) {
                k += 1;
            }
            let (first, last) = (list[i], list[k]);
            let stretch = (last.ta - first.ta) * a.length();
            if k > i && stretch > 4.0 * tolerance && same_carrier(a, b, &first, &last, tolerance) {
                out.add_overlap(Overlap { a: [first.ta, last.ta], b: [first.tb, last.tb] });
            } else {
                out.add(best(&list[i..=k], tolerance));
            }
            i = k + 1;
        }
        out
    }
}

/// Returns the candidate that stands for a contact: one at ends if there is any, else the middle of all.
fn best(contact: &[Meeting], tolerance: f64) -> Meeting {
    let at_end = |t: f64| usize::from(t == 0.0 || t == 1.0);
    let mut chosen = contact[contact.len() / 2];
    for m in contact {
        if at_end(m.ta) + at_end(m.tb) > at_end(chosen.ta) + at_end(chosen.tb) {
            chosen = *m;
        }
    }
    if at_end(chosen.ta) + at_end(chosen.tb) == 0 && contact.len() > 1 {
        let apart = (contact[0].at - contact[contact.len() - 1].at).norm();
        chosen.tangent |= apart > 4.0 * tolerance;
    }
    chosen
}

/// True when the pieces do not part between two candidates.
fn together(a: &Segment, b: &Segment, m: &Meeting, n: &Meeting, tolerance: f64) -> bool {
    if (n.ta - m.ta) * a.length() <= tolerance {
        return (n.tb - m.tb).abs() * b.length() <= tolerance.max(1e-12) * 4.0;
    }
    // The middle of an arc between two of its points is where it is furthest from a chord or another arc through
    // them; the quarters guard against two arcs that also meet in the middle.
    [0.5, 0.25, 0.75].iter().all(|f| {
        let t = m.ta + (n.ta - m.ta) * f;
        b.distance_to(a.point_at(t)) <= tolerance
    })
}

/// True when two pieces that stay together over a stretch do so because they lie on one line or circle.
fn same_carrier(a: &Segment, b: &Segment, m: &Meeting, n: &Meeting, tolerance: f64) -> bool {
    match (a, b) {
        (Segment::Line(_), Segment::Line(_)) => true,
        (Segment::Arc(p), Segment::Arc(q)) => {
            let chord = (m.at - n.at).norm();
            // Two circles through the same two points a chord apart differ by their sagittas; equal ones to the
            // tolerance are one circle unless the stretch is too short to tell, when a touch is the safer word.
            (p.center - q.center).norm() <= 16.0 * tolerance + 1e-9 * p.radius
                || chord > 0.5 * p.radius.min(q.radius)
        }
        _ => false,
    }
}

/// Adds the ends of each piece that lie on the other.
fn ends(a: &Segment, b: &Segment, tolerance: f64, found: &mut Candidates) {
    let on = |s: &Segment, p: Point| -> Option<f64> {
        let t = s.nearest(p);
        let d = (s.point_at(t) - p).norm();
        (d <= tolerance).then(|| snapped(s, t, p, tolerance))
    };
    for (ta, p) in [(0.0, a.start()), (1.0, a.end())] {
        if let Some(tb) = on(b, p) {
            found.push(Meeting { at: p, ta, tb, tangent: false });
        }
    }
    for (tb, p) in [(0.0, b.start()), (1.0, b.end())] {
        if let Some(ta) = on(a, p)
            && ta != 0.0
            && ta != 1.0
        {
            found.push(Meeting { at: p, ta, tb, tangent: false });
        }
    }
}

/// Returns `t`, or the end that is within the tolerance of `p`.
fn snapped(s: &Segment, t: f64, p: Point, tolerance: f64) -> f64 {
    if (s.start() - p).norm() <= tolerance {
        0.0
    } else if (s.end() - p).norm() <= tolerance {
        1.0
    } else {
        t
    }
}

/// Adds the places at which the lines or circles that carry the pieces meet.
fn carriers(a: &Segment, b: &Segment, tolerance: f64, found: &mut Candidates) {
    match (a, b) {
        (Segment::Line(p), Segment::Line(q)) => lines(p, q, |at| found.try_push(a, b, at, false, tolerance)),
        (Segment::Line(l), Segment::Arc(c)) | (Segment::Arc(c), Segment::Line(l)) => {
            line_and_circle(l, c, tolerance, |at, touch| found.try_push(a, b, at, touch, tolerance));
        }
        (Segment::Arc(p), Segment::Arc(q)) => {
            circles(p, q, tolerance, |at, touch| found.try_push(a, b, at, touch, tolerance));
        }
    }
}

fn lines(p: &Line, q: &Line, mut found: impl FnMut(Point)) {
    let (u, v) = (p.b - p.a, q.b - q.a);
    let c = cross(u, v);
    // Nearly parallel lines meet, if at all, at their ends or along a stretch.
    if c.abs() <= 1e-14 * (u.norm_squared() * v.norm_squared()).sqrt() {
        return;
    }
    found(p.a + u * (cross(q.a - p.a, v) / c));
}

fn line_and_circle(l: &Line, c: &Arc, tolerance: f64, mut found: impl FnMut(Point, bool)) {
    let Some(u) = (l.b - l.a).try_normalize(0.0) else { return };
    let to_center = c.center - l.a;
    let foot = l.a + u * to_center.dot(&u);
    let away = cross(u, to_center).abs();
    let depth = c.radius - away;
    if depth < -tolerance {
        return;
    }
    if depth <= tolerance {
        return found(foot, true);
    }
    // (r − h)(r + h) keeps the digits that r² − h² loses near tangency.
    let half = (depth * (c.radius + away)).sqrt();
    found(foot - u * half, false);
    found(foot + u * half, false);
}

fn circles(p: &Arc, q: &Arc, tolerance: f64, mut found: impl FnMut(Point, bool)) {
    let between = q.center - p.center;
    let d = between.norm();
    let (big, small) = if p.radius >= q.radius { (p.radius, q.radius) } else { (q.radius, p.radius) };
    // How deep the circles lie in each other, and how far the smaller sticks out of the larger.
    let (depth, out) = (big + small - d, d - (big - small));
    if d <= 1e-12 * big || depth < -tolerance || out < -tolerance {
        return;
    }
    let u = between / d;
    let touch = depth <= tolerance || out <= tolerance;
    // Along the line of centres from p's centre (Bourke, "Intersection of two circles"), factored as above.
    let along = 0.5 * (d + (p.radius - q.radius) * (p.radius + q.radius) / d);
    if touch {
        let side = if depth <= tolerance || p.radius >= q.radius { 1.0 } else { -1.0 };
        return found(p.center + u * (p.radius * side), true);
    }
    let half = ((p.radius - along) * (p.radius + along)).max(0.0).sqrt();
    let foot = p.center + u * along;
    found(foot - crate::left(u) * half, false);
    found(foot + crate::left(u) * half, false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::PI;
    use std::fmt::Write;

    fn line(ax: f64, ay: f64, bx: f64, by: f64) -> Segment {
        Segment::new(Point::new(ax, ay), Point::new(bx, by), 0.0)
    }

    fn arc(ax: f64, ay: f64, bx: f64, by: f64, bulge: f64) -> Segment {
        Segment::new(Point::new(ax, ay), Point::new(bx, by), bulge)
    }

    /// Places, whether tangent, and shared stretches in one line of text.
    fn told(a: &Segment, b: &Segment) -> String {
        let r = intersect(a, b, 1e-9);
        let mut s = String::new();
        for m in r.points() {
            let touch = if m.tangent { "touch " } else { "" };
            let _ = write!(s, "{touch}({:.3}, {:.3}) {:.3} {:.3}; ", m.at.x + 0.0, m.at.y + 0.0, m.ta, m.tb);
        }
        for o in r.overlaps() {
            let _ = write!(s, "along {:.3}-{:.3} {:.3}-{:.3}; ", o.a[0], o.a[1], o.b[0], o.b[1]);
        }
        s.trim_end_matches("; ").to_string()
    }

    #[test]
    fn tells_every_way_of_meeting() {
        let half = arc(1.0, 0.0, -1.0, 0.0, 1.0);
        let cases = [
            (line(0.0, 0.0, 4.0, 0.0), line(1.0, -1.0, 1.0, 1.0), "(1.000, 0.000) 0.250 0.500"),
            (line(0.0, 0.0, 4.0, 0.0), line(1.0, 0.0, 1.0, 1.0), "(1.000, 0.000) 0.250 0.000"),
            (line(0.0, 0.0, 4.0, 0.0), line(4.0, 0.0, 9.0, 0.0), "(4.000, 0.000) 1.000 0.000"),
            (line(0.0, 0.0, 4.0, 0.0), line(6.0, 0.0, 2.0, 0.0), "along 0.500-1.000 1.000-0.500"),
            (line(0.0, 0.0, 4.0, 0.0), line(0.0, 1.0, 4.0, 1.0), ""),
            (line(-2.0, 0.5, 2.0, 0.5), half, "(-0.866, 0.500) 0.283 0.833; (0.866, 0.500) 0.717 0.167"),
            (line(-2.0, 1.0, 2.0, 1.0), half, "touch (0.000, 1.000) 0.500 0.500"),
            // A line that leaves an arc tangentially.
            (line(1.0, 0.0, 1.0, -5.0), half, "(1.000, 0.000) 0.000 0.000"),
            (line(-2.0, 0.0, 2.0, 0.0), half, "(-1.000, 0.000) 0.250 1.000; (1.000, 0.000) 0.750 0.000"),
            (half, arc(1.0, 1.0, -1.0, 1.0, -1.0), "(0.866, 0.500) 0.167 0.167; (-0.866, 0.500) 0.833 0.833"),
            (half, arc(1.0, 2.0, -1.0, 2.0, -1.0), "touch (0.000, 1.000) 0.500 0.500"),
            // The two halves of a circle, and one half with a quarter of the same circle.
            (half, half.reversed(), "along 0.000-1.000 1.000-0.000"),
            (half, arc(-1.0, 0.0, 1.0, 0.0, 1.0), "(1.000, 0.000) 0.000 1.000; (-1.000, 0.000) 1.000 0.000"),
            (half, half.part(0.25, 0.75), "along 0.250-0.750 0.000-1.000"),
        ];
        for (a, b, expected) in cases {
            assert_eq!(told(&a, &b), expected, "{a:?} {b:?}");
        }
    }

    #[test]
    fn two_long_arcs_of_one_circle_share_two_stretches() {
        let a = turn(0.0, 1.7);
        let b = turn(1.0, 1.7);
        let r = intersect(&a, &b, 1e-9);
        assert_eq!(r.overlaps().len(), 2, "{r:?}");
    }

    /// An arc of the unit circle, in half turns.
    fn turn(from: f64, sweep: f64) -> Segment {
        let (start, sweep) = (from * PI, sweep * PI);
        let at = |t: f64| Point::new(t.cos(), t.sin());
        let (a, b) = (at(start), at(start + sweep));
        Segment::Arc(Arc { a, b, center: Point::origin(), radius: 1.0, start, sweep })
    }

    fn piece() -> impl Strategy<Value = Segment> {
        let n = -8i32..8;
        let bulge = prop_oneof![Just(0.0), -1.0..1.0];
        (n.clone(), n.clone(), n.clone(), n, bulge)
            .prop_filter("length", |t| (t.0, t.1) != (t.2, t.3))
            .prop_map(|t| arc(t.0.into(), t.1.into(), t.2.into(), t.3.into(), t.4))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Every reported place lies on both, the roles can be swapped, and pieces whose sampled distance changes
        /// sides are found to meet.
        #[test]
        fn meets_where_both_are(a in piece(), b in piece()) {
            let r = intersect(&a, &b, 1e-9);
            for m in r.points() {
                prop_assert!(a.distance_to(m.at) < 1e-8 && b.distance_to(m.at) < 1e-8);
                prop_assert!((a.point_at(m.ta) - m.at).norm() < 1e-7, "{m:?}");
                prop_assert!((b.point_at(m.tb) - m.at).norm() < 1e-7, "{m:?}");
            }
            let s = intersect(&b, &a, 1e-9);
            prop_assert_eq!(r.points().len(), s.points().len(), "{:?} {:?}", r, s);
            prop_assert_eq!(r.overlaps().len(), s.overlaps().len());
            // Chord polygons that cross clearly: the pieces meet.
            let chords = |p: &Segment| (0..=64).map(|i| p.point_at(f64::from(i) / 64.0)).collect::<Vec<_>>();
            let (p, q) = (chords(&a), chords(&b));
            let side = |a: Point, b: Point, c: Point| cross(b - a, c - a);
            let crossed = p.windows(2).any(|u| q.windows(2).any(|v| {
                side(u[0], u[1], v[0]) * side(u[0], u[1], v[1]) < -1e-9
                    && side(v[0], v[1], u[0]) * side(v[0], v[1], u[1]) < -1e-9
            }));
            if crossed && r.is_empty() {
                // Chords may cross near the ends of arcs that do not; only a clear miss is a fault.
                let gap = p.iter().map(|x| b.distance_to(*x)).fold(f64::INFINITY, f64::min);
                prop_assert!(gap < 0.5, "missed {a:?} {b:?}");
            }
        }
    }
}
