//! Where to pierce and how to come onto a path, so that nothing that stays is touched.
//!
//! The paths of the tool's middle bound the forbidden area: material that stays, grown by half the cut. A point in
//! the waste at distance *d* from every path is therefore at least *d* plus half the cut away from every part, and
//! clear of every other kerf as soon as *d* is at least half a cut. So one index over all paths is enough, and one
//! question per start point settles everything: how large is the empty ball that touches the path there?
//!
//! ```text
//!            ·  ˙  ·  .           n  into the waste
//!         ·      c      ·         c  middle of the largest empty ball that touches the path in p
//!        ·       |       ·        q  pierce: line to x, quarter arc onto the path; everything inside
//!        ·   q   |       ·           the ball is clear by construction
//!         ·  |   |      ·
//!          ' x   |     ·
//!  ────────── `-_p____________→ t
//! ```
//!
//! A straight lead of length *l* ≤ ρ along n ends exactly *l* from every path; a half circle of diameter *l* ends
//! in the same place and arrives tangentially; a quarter arc with a straight start fits whenever its pierce lies
//! deep enough in the ball. The ball is found by shrinking (J. Ma, S. W. Bae, S. Choi, "3D medial axis point
//! approximation using nearest neighbors and the normal field", 2012), mostly with a single nearest-piece query.

use crate::settings::Settings;
use crate::track::Track;
use shop_geom::distance::SegmentIndex;
use shop_geom::{Aabb, Arc, Line, Point, Segment, Vector, left};
use std::f64::consts::{FRAC_PI_2, PI};

/// The shape of a lead-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeadStyle {
    /// A straight start, then a quarter arc that arrives along the path; a half circle where that does not fit.
    Arc,
    /// Straight, at right angles to the path.
    Line,
    /// None: start on the path.
    None,
}

/// What is wanted of a lead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeadRule {
    /// Its shape.
    pub style: LeadStyle,
    /// Its length, mm.
    pub length: f64,
    /// Radius of its arc, mm.
    pub radius: f64,
    /// How far the pierce stays from every path where there is room, mm.
    pub clearance: f64,
    /// Leads shorter than this are not worth making, mm.
    pub least: f64,
}

/// A lead onto a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Distance along the path at which it arrives, mm.
    pub at: f64,
    /// The place on the path.
    pub onto: Point,
    /// The pieces, in order of travel; empty when the cut starts on the path.
    pub pieces: Vec<Segment>,
    /// Least distance from the pierce to any path, mm; 0 without a lead.
    pub clearance: f64,
}

impl Lead {
    /// Returns where the tool enters.
    pub fn pierce(&self) -> Point {
        self.pieces.first().map_or(self.onto, Segment::start)
    }
}

/// All paths of a job, ready to be asked for room.
#[derive(Clone, Debug)]
pub struct Room {
    index: SegmentIndex,
    /// The whole lead stays in here.
    limits: Option<Aabb>,
}

/// Returns where the tool's middle may go: on the sheet, if it is known, less half a cut, and where the machine
/// reaches.
pub fn within(sheet: Option<Aabb>, radius: f64, settings: &Settings) -> Aabb {
    let [x, y, _] = settings.envelope;
    let reach = Aabb::new(Point::new(x[0], y[0]), Point::new(x[1], y[1]));
    sheet.map_or(reach, |sheet| {
        let s = sheet.inflated(-radius);
        let low = Point::new(s.min.x.max(reach.min.x), s.min.y.max(reach.min.y));
        Aabb { min: low, max: Point::new(s.max.x.min(reach.max.x), s.max.y.min(reach.max.y)) }
    })
}

/// Slack in comparing distances, mm: far below anything a machine does, far above rounding.
const SLACK: f64 = 1e-6;

impl Room {
    /// Indexes all paths; owners are their positions. `limits` is where the tool's middle may go (the sheet less
    /// half a cut).
    pub fn new<'a>(tracks: impl IntoIterator<Item = &'a Track>, limits: Option<Aabb>) -> Self {
        let (mut segments, mut owners) = (Vec::new(), Vec::new());
        for (owner, track) in tracks.into_iter().enumerate() {
            segments.extend_from_slice(track.segments());
            owners.resize(segments.len(), owner as u32);
        }
        Room { index: SegmentIndex::of_segments(segments, owners), limits }
    }

    /// Returns the index of all pieces.
    pub fn index(&self) -> &SegmentIndex {
        &self.index
    }

    /// Returns the radius of the largest ball, at most `limit`, that touches a path in `p`, lies on the side of the
    /// unit vector `n`, and holds no point of any path.
    pub fn ball(&self, p: Point, n: Vector, limit: f64) -> f64 {
        let mut radius = limit;
        // Each round cuts the ball at the nearest piece in it; nearest pieces run out after a few.
        for _ in 0..24 {
            if radius <= SLACK {
                return 0.0;
            }
            let center = p + n * radius;
            let Some(near) = self.index.nearest(center, radius - SLACK) else { return radius };
            let piece = &self.index.segments()[near.segment as usize];
            let v = piece.point_at(piece.nearest(center)) - p;
            let depth = n.dot(&v);
            if depth <= 0.0 {
                return 0.0;
            }
            let smaller = v.norm_squared() / (2.0 * depth);
            if smaller.partial_cmp(&radius) != Some(std::cmp::Ordering::Less) {
                return radius;
            }
            radius = smaller;
        }
        0.0
    }

    /// Returns the distance from `p` to the nearest path, at most `within`.
    pub fn distance(&self, p: Point, within: f64) -> f64 {
        self.index.nearest(p, within).map_or(within, |n| n.distance)
    }

    /// True when `piece` lies where the tool's middle may go.
    pub fn allows(&self, piece: &Segment) -> bool {
        self.limits.is_none_or(|b| b.contains_box(&piece.bounds()))
    }

    /// Finds the best lead onto `track` at distance `s`, into the waste on its left (`side` = 1) or right (−1).
    /// Returns `None` when not even the shortest fits.
    pub fn lead(&self, track: &Track, s: f64, side: f64, rule: &LeadRule) -> Option<Lead> {
        let (onto, t) = (track.point(s), track.direction(s));
        let n = left(t) * side;
        if rule.style == LeadStyle::None || t == Vector::zeros() {
            return None;
        }
        let quarter = Quarter::of(rule);
        let reach = rule.length.max(rule.clearance);
        let wants_quarter = rule.style == LeadStyle::Arc && quarter.ball.is_finite();
        let ball = self.ball(onto, n, if wants_quarter { quarter.ball.max(reach) } else { reach });
        let lead = |pieces: Vec<Segment>, clearance| {
            let fits = pieces.iter().all(|p| self.allows(p));
            fits.then_some(Lead { at: s, onto, pieces, clearance })
        };
        if rule.style == LeadStyle::Arc {
            if ball >= quarter.ball {
                let least = ball - quarter.radius.hypot(ball - quarter.rise);
                if let Some(found) = lead(quarter.pieces(onto, t, n, side), least) {
                    return Some(found);
                }
            }
            // A half circle as long as asked reaches 2/π of its length.
            let reach = ball.min((rule.length * 2.0 / PI).max(rule.clearance));
            if reach >= rule.least
                && let Some(found) = lead(vec![half_circle(onto, n, reach, side)], reach)
            {
                return Some(found);
            }
        }
        let length = ball.min(rule.length.max(rule.clearance));
        if length < rule.least {
            return None;
        }
        lead(vec![Segment::Line(Line { a: onto + n * length, b: onto })], length)
    }

    /// Finds leads onto `track`: up to `ways`, from start points spread along it and away from its corners. Those
    /// with the wanted clearance come alone; where there is none, the ones with the most room. Empty when no lead
    /// fits anywhere. O(pieces + ways) queries.
    pub fn leads(
        &self,
        track: &Track,
        side: f64,
        rule: &LeadRule,
        corner_distance: f64,
        ways: usize,
    ) -> Vec<Lead> {
        self.leads_where(track, side, rule, corner_distance, ways, &|_| true)
    }

    /// As [`Room::leads`], but only onto places at distances along the track that are `allowed`.
    pub fn leads_where(
        &self,
        track: &Track,
        side: f64,
        rule: &LeadRule,
        corner_distance: f64,
        ways: usize,
        allowed: &dyn Fn(f64) -> bool,
    ) -> Vec<Lead> {
        let mut found: Vec<Lead> = Vec::with_capacity(ways);
        let best = |found: &[Lead]| found.iter().map(|l| l.clearance).fold(0.0, f64::max);
        for dense in [false, true] {
            let wanted = if dense { 2 * ways } else { ways };
            for s in start_points(track, corner_distance, wanted, dense, allowed) {
                found.extend(self.lead(track, s, side, rule));
            }
            let clearance = best(&found);
            if clearance >= rule.clearance - SLACK {
                found.retain(|l| l.clearance >= rule.clearance - SLACK);
                found.truncate(ways);
                return found;
            }
            // Looking closer is worth it only where there may be much more room than was found.
            if clearance >= 0.5 * rule.clearance || clearance >= 0.8 * most_room(track, side) {
                break;
            }
        }
        found.sort_by(|a, b| b.clearance.total_cmp(&a.clearance));
        let clearance = best(&found);
        found.retain(|l| l.clearance >= 0.9 * clearance);
        found.truncate(ways);
        found
    }
}

/// Returns an upper bound for the radius of a ball on this side of a closed track: no ball in it is larger than
/// the circle of its area. Infinite on the outside.
fn most_room(track: &Track, side: f64) -> f64 {
    let Some(first) = track.segments().first() else { return 0.0 };
    let o = first.start();
    let cap = |s: &Segment| match s {
        Segment::Line(_) => 0.0,
        Segment::Arc(c) => 0.5 * c.radius * c.radius * (c.sweep - c.sweep.sin()),
    };
    let triangle = |s: &Segment| 0.5 * shop_geom::cross(s.start() - o, s.end() - o);
    let area = side * track.segments().iter().map(|s| triangle(s) + cap(s)).sum::<f64>();
    if area > 0.0 { (area / PI).sqrt() } else { f64::INFINITY }
}

/// Returns ways to start on `track` itself, without a lead: places spread along it and away from its corners.
pub fn starts(track: &Track, corner_distance: f64, ways: usize) -> Vec<Lead> {
    let bare = |s: f64| Lead { at: s, onto: track.point(s), pieces: Vec::new(), clearance: 0.0 };
    let found = start_points(track, corner_distance, ways.max(1), false, &|_| true);
    found.into_iter().map(bare).collect()
}

/// A straight start and a quarter arc onto the path.
#[derive(Clone, Copy, Debug)]
struct Quarter {
    radius: f64,
    /// Height of the pierce above the path.
    rise: f64,
    /// Radius of the ball in which it is clear with the wanted clearance.
    ball: f64,
}

impl Quarter {
    fn of(rule: &LeadRule) -> Quarter {
        let radius = rule.radius.max(1e-3).min((rule.length / FRAC_PI_2).max(1e-3));
        let straight = (rule.length - radius * FRAC_PI_2).max(0.0);
        let rise = radius + straight;
        // The pierce lies `radius` beside the ball's middle axis and `rise` above the path, and must be at least
        // `clearance` inside a ball of radius b: hypot(radius, b − rise) ≤ b − clearance, solved for b.
        let c = rule.clearance.max(0.0);
        let ball = if rise > c {
            ((radius * radius + rise * rise - c * c) / (2.0 * (rise - c))).max(rise.max(c))
        } else {
            f64::INFINITY
        };
        Quarter { radius, rise, ball: if ball <= 8.0 * (rise + c) { ball } else { f64::INFINITY } }
    }

    fn pieces(&self, p: Point, t: Vector, n: Vector, side: f64) -> Vec<Segment> {
        let center = p + n * self.radius;
        let x = center - t * self.radius;
        let q = x + n * (self.rise - self.radius);
        let arc = Segment::Arc(Arc {
            a: x,
            b: p,
            center,
            radius: self.radius,
            start: (-t.y).atan2(-t.x),
            sweep: FRAC_PI_2 * side,
        });
        if self.rise - self.radius > 1e-6 { vec![Segment::Line(Line { a: q, b: x }), arc] } else { vec![arc] }
    }
}

fn half_circle(p: Point, n: Vector, reach: f64, side: f64) -> Segment {
    let a = p + n * reach;
    Segment::Arc(Arc {
        a,
        b: p,
        center: p + n * (reach / 2.0),
        radius: reach / 2.0,
        start: n.y.atan2(n.x),
        sweep: PI * side,
    })
}

/// Joints that turn by more than this are corners, radians: the facets of a drawn curve turn by less.
const CORNER: f64 = 0.26;

/// Returns places to start along a closed `track`, best first: middles of long straight pieces, then of long arcs,
/// all at least `corner_distance` from corners where there are such places. `dense` adds places spread evenly.
fn start_points(
    track: &Track,
    corner_distance: f64,
    wanted: usize,
    dense: bool,
    allowed: &dyn Fn(f64) -> bool,
) -> Vec<f64> {
    let length = track.length();
    if length <= 0.0 || wanted == 0 {
        return Vec::new();
    }
    // (straight, length of the piece's share, place)
    let mut places: Vec<(bool, f64, f64)> = Vec::new();
    let least = length / (4 * wanted) as f64;
    for (i, s) in track.segments().iter().enumerate() {
        let l = s.length();
        if l < least {
            continue;
        }
        let k = ((l / length * wanted as f64).round() as usize).clamp(1, wanted);
        let straight = matches!(s, Segment::Line(_));
        let share = l / k as f64;
        places.extend((0..k).map(|j| (straight, share, track.start_of(i) + (j as f64 + 0.5) * share)));
    }
    places.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    if dense || places.len() < wanted.min(4) {
        places.extend((0..wanted).map(|k| (false, 0.0, (k as f64 + 0.5) * length / wanted as f64)));
    }
    places.retain(|p| allowed(p.2));
    let corners = track.corners(CORNER);
    let to_corner = |s: f64| {
        let i = corners.partition_point(|c| *c < s);
        let apart = |c: Option<&f64>| c.map_or(f64::INFINITY, |c| (s - c).abs().min(length - (s - c).abs()));
        let (first, last) = (apart(corners.first()), apart(corners.last()));
        apart(corners.get(i)).min(if i > 0 { apart(corners.get(i - 1)) } else { last }).min(first)
    };
    let mut near: Vec<(f64, f64)> = places.iter().map(|p| (to_corner(p.2), p.2)).collect();
    if near.iter().any(|p| p.0 >= corner_distance) {
        near.retain(|p| p.0 >= corner_distance);
    } else {
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
    }
    near.truncate(if dense { 2 * wanted } else { wanted });
    near.into_iter().map(|p| p.1).collect()
}
