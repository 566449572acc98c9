//! The boundary of what must stay, and on which side of it a point lies.

use crate::index::Index;
use crate::piece::Piece;
use shop_geom::{Point, Polyline, cross};

/// Pieces with material on their left, indexed.
pub(super) struct Walls {
    pub pieces: Vec<Piece>,
    pub index: Index,
    /// The solid has no outer edge: what is drawn are voids in it.
    unbounded: bool,
}

impl Walls {
    /// Indexes the pieces of closed contours, in cells fit for a tool of this radius; `solid` is the area they
    /// enclose, negative when they are voids.
    pub fn new<'a>(contours: impl Iterator<Item = &'a Polyline>, radius: f64, solid: f64) -> Self {
        let mut pieces = Vec::new();
        for contour in contours {
            pieces.extend(contour.segments().map(|s| Piece::of(&s)).filter(|p| p.length() > 0.0));
        }
        let mean = pieces.iter().map(Piece::length).sum::<f64>() / pieces.len().max(1) as f64;
        let index = Index::new(pieces.iter(), radius.max(mean).max(0.1));
        Walls { pieces, index, unbounded: solid < 0.0 }
    }

    /// Returns the distance to the nearest of the first `walls` walls (within `within`, else none) and whether `p`
    /// lies in material.
    pub fn signed(&self, p: Point, within: f64, walls: u32) -> Option<(f64, bool)> {
        let distance =
            |i: u32| if i < walls { self.pieces[i as usize].distance_to(p) } else { f64::INFINITY };
        let (i, d) = self.index.nearest(p, within, distance)?;
        // At a vertex both pieces are equally near: the one that turns its face to the point tells the side.
        let mut side = self.face(i, p);
        let mut doubtful = false;
        let mut found = Vec::new();
        self.index.query(&shop_geom::Aabb::of([p]).inflated(d + EQUAL), &mut found);
        for &j in &found {
            if j != i && j < walls && self.pieces[j as usize].distance_to(p) <= d + EQUAL {
                let other = self.face(j, p);
                doubtful |= other * side <= 0.0 && (other.abs() - side.abs()).abs() < DOUBTFUL;
                if other.abs() > side.abs() {
                    side = other;
                }
            }
        }
        // Two faces that see the point as well and disagree: a cusp, or walls on top of each other.
        Some((d, if doubtful { self.winding(p, walls) > 0 } else { side > 0.0 }))
    }

    /// Returns how often the first `walls` walls go round `p`, one more when the solid has no outer edge: more than
    /// 0 in material. Costs a walk along a row of cells.
    fn winding(&self, p: Point, walls: u32) -> i32 {
        let mut found = Vec::new();
        let ray = shop_geom::Aabb { min: p, max: Point::new(f64::MAX, p.y) };
        self.index.query(&ray, &mut found);
        let pieces = found.iter().filter(|&&i| i < walls).map(|&i| &self.pieces[i as usize]);
        pieces.map(|w| turns(w, p)).sum::<i32>() + i32::from(self.unbounded)
    }

    /// Returns the sine of the angle between the piece, where it is nearest, and the way to `p`: positive on the
    /// left.
    pub fn face(&self, i: u32, p: Point) -> f64 {
        let piece = &self.pieces[i as usize];
        let foot = piece.nearest(p);
        let way = p - foot;
        let n = way.norm();
        if n == 0.0 {
            return 0.0;
        }
        let along = if piece.is_line() {
            piece.direction(0.0)
        } else {
            let v = foot - piece.center;
            shop_geom::left(v) * (piece.sweep.signum() / v.norm().max(1e-300))
        };
        cross(along, way / n)
    }
}

/// Returns +1 for a piece that crosses the ray from `p` to the right upwards, -1 downwards, and their sum for an
/// arc that crosses it twice.
fn turns(wall: &Piece, p: Point) -> i32 {
    if wall.is_line() {
        let up = wall.a.y <= p.y && p.y < wall.b.y;
        let down = wall.b.y <= p.y && p.y < wall.a.y;
        if !up && !down {
            return 0;
        }
        let x = wall.a.x + (p.y - wall.a.y) / (wall.b.y - wall.a.y) * (wall.b.x - wall.a.x);
        return i32::from(x > p.x) * (i32::from(up) - i32::from(down));
    }
    // An arc turns about `p` as its chord does, unless `p` lies between the two.
    let chord = turns(&Piece::line(wall.a, wall.b), p);
    let along = wall.b - wall.a;
    let side = match cross(along, p - wall.a) {
        // On the chord: on the side on which the rule for lines puts a point on a line.
        0.0 if along.y != 0.0 => -along.y,
        0.0 => along.x,
        side => side,
    };
    let beyond = if wall.sweep > 0.0 { side < 0.0 } else { side > 0.0 };
    let between = (p - wall.center).norm() < wall.radius && (beyond || wall.a == wall.b);
    chord + if between { wall.sweep.signum() as i32 } else { 0 }
}

/// Faces whose sines differ by less than this see a point equally well.
const DOUBTFUL: f64 = 0.05;
/// Distances closer than this are equal, mm.
const EQUAL: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn crossings_inside(points: &[Point], p: Point) -> bool {
        let mut inside = false;
        for i in 0..points.len() {
            let (a, b) = (points[i], points[(i + 1) % points.len()]);
            if (a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x) {
                inside = !inside;
            }
        }
        inside
    }

    proptest! {
        /// A star with spikes has every kind of vertex; the side must be what counting crossings says.
        #[test]
        fn side_is_what_crossings_say(radii in prop::collection::vec(1.0..10.0f64, 5..30), x in -12.0..12.0f64, y in -12.0..12.0f64) {
            let n = radii.len() as f64;
            let points: Vec<Point> = radii.iter().enumerate().map(|(i, r)| {
                let (s, c) = (std::f64::consts::TAU * i as f64 / n).sin_cos();
                Point::new(r * c, r * s)
            }).collect();
            let walls = Walls::new([Polyline::polygon(points.iter().copied())].iter(), 1.0, 1.0);
            let p = Point::new(x, y);
            let (d, inside) = walls.signed(p, 1e9, u32::MAX).unwrap();
            if d > 1e-6 {
                prop_assert_eq!(inside, crossings_inside(&points, p));
                prop_assert_eq!(walls.winding(p, u32::MAX) > 0, crossings_inside(&points, p));
            }
        }

        /// A hole that touches the outline from within leaves a void up to the very point.
        #[test]
        fn a_hole_that_touches_is_a_hole(turn in 0usize..4, x in 0.01..1.99f64) {
            let (s, c) = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)][turn];
            let square = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(x, y)| Point::new(x, y));
            let hole = Polyline::circle(Point::origin(), 1.0).mapped(false, |p| Point::new(c * p.x - s * p.y, s * p.x + c * p.y));
            let walls = Walls::new([Polyline::polygon(square), hole.reversed()].iter(), 1.0, 1.0);
            for p in [Point::new(x - 1.0, 0.0), Point::new(0.0, x - 1.0)] {
                prop_assert_eq!(walls.signed(p, 1e9, u32::MAX).map(|s| s.1), Some(false));
            }
        }

        /// The winding over arcs is that over their chords, when these are fine enough.
        #[test]
        fn arcs_wind_as_their_chords_do(bulges in prop::collection::vec(-1.5..1.5f64, 3..9), x in -14.0..14.0f64, y in -14.0..14.0f64) {
            let n = bulges.len() as f64;
            let vertices = bulges.iter().enumerate().map(|(i, b)| {
                let (s, c) = (std::f64::consts::TAU * i as f64 / n).sin_cos();
                shop_geom::Vertex::new(8.0 * c, 8.0 * s, *b)
            }).collect();
            let line = Polyline { vertices, closed: true };
            let chords = Polyline::polygon(line.flatten(1e-4).into_iter().skip(1));
            let p = Point::new(x, y);
            let of = |l: &Polyline| Walls::new(std::iter::once(l), 1.0, 1.0).winding(p, u32::MAX);
            if line.distance_to(p) > 1e-3 {
                prop_assert_eq!(of(&line), of(&chords));
            }
        }
    }
}
