//! Looped corners: the sides of an outer corner run on past each other through the waste.
//!
//! ```text
//!                  ╭───╮
//!      part        │   │     The path leaves the corner straight on, turns back in an arc of the waste's room and
//!     ──────┐      │   │     enters the next side from outside: the corner is cut twice at full speed instead of
//!           │ ─────┼───╯     once at a crawl.
//!           │      ↓
//! ```
//!
//! The offset goes round an outer corner on an arc about it. That arc is replaced by a line of the wanted length, an
//! arc, and a line back; where the loop has no room, the arc stays.

use rayon::prelude::*;
use shop_cam::common::Neighbours;
use shop_cam::compensate::CutPath;
use shop_cam::feature::Profile;
use shop_cam::lead::Room;
use shop_cam::track::Track;
use shop_geom::{Line, Point, Polyline, Segment, Vector, Vertex};

/// Replaces the corner arcs of `paths` by loops of this length wherever there is room.
pub(crate) fn add(
    paths: &mut [CutPath],
    profiles: &[Profile],
    neighbours: Option<&Neighbours>,
    room: &Room,
    radius: f64,
    length: f64,
) {
    if length <= 0.0 || radius <= 0.0 {
        return;
    }
    paths.par_iter_mut().for_each(|path| {
        // Where lines are shared a side runs on in its neighbour's.
        if neighbours.is_some_and(|n| n.has(path.profile)) {
            return;
        }
        let corners = sharp_vertices(&profiles[path.profile as usize].contour);
        if !path.on_line && !corners.is_empty() {
            path.track = looped(&path.track, &corners, room, radius, length);
        }
    });
}

/// Returns the corners of a contour, sorted by x for finding.
fn sharp_vertices(contour: &Polyline) -> Vec<Point> {
    let track = Track::new(contour);
    let mut out: Vec<Point> = track.corners(0.35).into_iter().map(|s| track.point(s)).collect();
    out.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    out
}

fn is_corner(corners: &[Point], p: Point) -> bool {
    let first = corners.partition_point(|c| c.x < p.x - 1e-3);
    corners[first..].iter().take_while(|c| c.x <= p.x + 1e-3).any(|c| (c - p).norm() <= 1e-3)
}

fn looped(track: &Track, corners: &[Point], room: &Room, radius: f64, length: f64) -> Track {
    let mut vertices: Vec<Vertex> = Vec::with_capacity(track.segments().len() + 3 * corners.len());
    for s in track.segments() {
        let a = s.start();
        if let Segment::Arc(arc) = s
            // Waste on the left: around an outer corner the path turns right.
            && arc.sweep < -0.35
            && (arc.radius - radius).abs() < 1e-3
            && is_corner(corners, arc.center)
            && let Some(l) = Loop::new(arc.a, s.direction_at(0.0), arc.b, s.direction_at(1.0), length)
            && l.fits(room)
        {
            vertices.push(Vertex { point: a, bulge: 0.0 });
            vertices.push(Vertex { point: l.out, bulge: l.bulge });
            vertices.push(Vertex { point: l.back, bulge: 0.0 });
        } else {
            vertices.push(Vertex { point: a, bulge: s.bulge() });
        }
    }
    Track::new(&Polyline { vertices, closed: true })
}

struct Loop {
    a: Point,
    out: Point,
    back: Point,
    b: Point,
    /// Of the arc from `out` to `back`.
    bulge: f64,
}

impl Loop {
    /// The sides meet in m; the loop runs `length` past it, and comes back on the other side from as far.
    fn new(a: Point, u: Vector, b: Point, v: Vector, length: f64) -> Option<Loop> {
        let cross = shop_geom::cross(u, v);
        if cross.abs() < 1e-6 {
            return None;
        }
        let s = shop_geom::cross(b - a, v) / cross;
        let meet = a + u * s;
        let (out, back) = (meet + u * length, meet - v * length);
        // An arc that leaves `out` along u and arrives in `back` along v turns left by 2π less the corner's turn.
        let turn = cross.atan2(u.dot(&v));
        let sweep = std::f64::consts::TAU + turn;
        let bulge = (sweep / 4.0).tan();
        (s > 0.0 && bulge.is_finite()).then_some(Loop { a, out, back, b, bulge })
    }

    /// True when nothing else lies where the loop goes. Its straight parts leave the path tangentially, so they are
    /// asked from a little way off.
    fn fits(&self, room: &Room) -> bool {
        let off = |own: Point, far: Point| Segment::Line(Line { a: own + (far - own) * 0.02, b: far });
        let arc = Segment::new(self.out, self.back, self.bulge);
        let clear = |s: &Segment| room.index().nearest_to_segment(s, 1e-6, |_| true).is_none();
        let reached = |s: &Segment| room.allows(s);
        let sides = [off(self.a, self.out), off(self.b, self.back)];
        reached(&arc)
            && sides.iter().all(reached)
            && clear(&arc)
            && clear(&off(self.a, self.out))
            && clear(&off(self.b, self.back))
    }
}
