//! Edges of contours by where they are: how far a place is from them, on which side, and how far a way is free.

use shop_geom::grid::Grid;
use shop_geom::planar::{Contours, PER_MM, Spot};
use shop_geom::{Aabb, Line, Point, Vector, cross};

/// Cells in which edges are looked for, mm.
const CELL_MM: f64 = 1.0;
/// Longer edges are looked for in pieces, mm: the box around one is about as large as the piece.
const PIECE_MM: f64 = 4.0;

/// The edges of contours, by where they are.
pub struct Edges {
    edges: Vec<Line>,
    grid: Grid,
}

impl Edges {
    /// Takes contours. O(their length).
    pub fn of(contours: &Contours) -> Edges {
        let mut edges = Vec::with_capacity(contours.spots().len());
        for ring in contours.iter() {
            let mut a = Point::from(ring[ring.len() - 1].mm());
            for b in ring {
                let b = Point::from(b.mm());
                let pieces = ((b - a).norm() / PIECE_MM).ceil().clamp(1.0, 1000.0);
                let at = |k: u32| a + (b - a) * (f64::from(k) / pieces);
                edges.extend((0..pieces as u32).map(|k| Line { a: at(k), b: at(k + 1) }));
                a = b;
            }
        }
        let boxes: Vec<Aabb> = edges.iter().map(|e| Aabb::new(e.a, e.b)).collect();
        Edges { grid: Grid::new(&boxes, CELL_MM), edges }
    }

    /// Returns how far within a contour a place is, at most `most`, negative outside; grid units.
    pub fn depth(&self, at: Spot, most: f64) -> f64 {
        let (at, most) = (Point::from(at.mm()), most / PER_MM);
        let mut best = (most, 0.0, false);
        self.grid.visit(&Aabb::of([at]).inflated(most), |i| {
            let edge = &self.edges[i as usize];
            let far = edge.distance_to(at);
            if far > best.0 {
                return;
            }
            // Of two edges that meet where it is nearest, the one that it is farther beside tells the side.
            let along = edge.b - edge.a;
            let side = cross(along, at - edge.a) / along.norm().max(1e-12);
            if far < best.0 - 1e-9 || side.abs() > best.1 {
                best = (far, side.abs(), side < 0.0);
            }
        });
        PER_MM * if best.2 { -best.0 } else { best.0 }
    }

    /// Returns how far a place is from the contours, at most `most`, mm.
    pub fn clearance(&self, at: Point, most: f64) -> f64 {
        let near = self.grid.nearest(at, most, |i| self.edges[i as usize].distance_to(at));
        near.map_or(most, |n| n.1)
    }

    /// Returns how far one can go in a direction before a contour is in the way, at most `most`, mm.
    pub fn way(&self, from: Point, along: Vector, most: f64) -> f64 {
        let mut least = most;
        self.grid.visit(&Aabb::of([from, from + along * most]), |i| {
            let Line { a, b } = self.edges[i as usize];
            let (sa, sb) = (cross(along, a - from), cross(along, b - from));
            if (sa > 0.0) != (sb > 0.0) {
                let hit = a + (b - a) * (sa / (sa - sb));
                let far = (hit - from).dot(&along);
                if far >= 0.0 {
                    least = least.min(far);
                }
            }
        });
        least
    }
}
