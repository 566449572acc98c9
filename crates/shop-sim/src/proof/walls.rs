//! The boundary of what must stay, and on which side of it a point lies.

use crate::index::Index;
use crate::piece::Piece;
use shop_geom::{Point, Polyline, cross};

/// Pieces with material on their left, indexed.
pub(super) struct Walls {
    pub pieces: Vec<Piece>,
    pub index: Index,
}

impl Walls {
    /// Indexes the pieces of closed contours, in cells fit for a tool of this radius.
    pub fn new<'a>(contours: impl Iterator<Item = &'a Polyline>, radius: f64) -> Self {
        let mut pieces = Vec::new();
        for contour in contours {
            pieces.extend(contour.segments().map(|s| Piece::of(&s)).filter(|p| p.length() > 0.0));
        }
        let mean = pieces.iter().map(Piece::length).sum::<f64>() / pieces.len().max(1) as f64;
        let index = Index::new(pieces.iter(), radius.max(mean).max(0.1));
        Walls { pieces, index }
    }

    /// Returns the distance to the nearest of the first `walls` walls (within `within`, else none) and whether `p`
    /// lies in material.
    pub fn signed(&self, p: Point, within: f64, walls: u32) -> Option<(f64, bool)> {
        let distance =
            |i: u32| if i < walls { self.pieces[i as usize].distance_to(p) } else { f64::INFINITY };
        let (i, d) = self.index.nearest(p, within, distance)?;
        // At a vertex both pieces are equally near: the one that turns its face to the point tells the side.
        let mut side = self.face(i, p);
        let mut found = Vec::new();
        self.index.query(&shop_geom::Aabb::of([p]).inflated(d + EQUAL), &mut found);
        for &j in &found {
            if j != i && j < walls && self.pieces[j as usize].distance_to(p) <= d + EQUAL {
                let other = self.face(j, p);
                if other.abs() > side.abs() {
                    side = other;
                }
            }
        }
        Some((d, side > 0.0))
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
            let walls = Walls::new([Polyline::polygon(points.iter().copied())].iter(), 1.0);
            let p = Point::new(x, y);
            let (d, inside) = walls.signed(p, 1e9, u32::MAX).unwrap();
            if d > 1e-6 {
                prop_assert_eq!(inside, crossings_inside(&points, p));
            }
        }
    }
}
