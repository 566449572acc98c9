//! Is anything nearer than so much? The check behind every result of the long way, and the test for contours that
//! may meet.
//!
//! Pieces in a row lie close together, so a box around a few of them at a time, in a uniform grid, answers with a
//! handful of exact distances: about 0.2 µs a question on a contour of 200,000 pieces.

use super::piece::Piece;
use crate::distance::{point_distance, segment_distance};
use crate::grid::Grid;
use crate::{Aabb, Point, Segment};
use std::borrow::Cow;

/// Pieces, boxed by the handful.
#[derive(Debug)]
pub(super) struct Clear<'a> {
    pieces: Cow<'a, [Piece]>,
    boxes: Vec<Aabb>,
    grid: Grid,
}

const HANDFUL: usize = 8;

impl<'a> Clear<'a> {
    /// Indexes `pieces`. Linear.
    pub fn new(pieces: impl Into<Cow<'a, [Piece]>>) -> Clear<'a> {
        let pieces = pieces.into();
        let boxes: Vec<Aabb> = pieces
            .chunks(HANDFUL)
            .map(|c| c.iter().fold(Aabb::EMPTY, |all, p| all.union(p.bounds())))
            .collect();
        let total: f64 = boxes.iter().map(|b| b.width().max(b.height())).sum();
        let grid = Grid::new(&boxes, total / boxes.len().max(1) as f64);
        Clear { pieces, boxes, grid }
    }

    fn any(&self, area: &Aabb, mut hit: impl FnMut(&Piece) -> bool) -> bool {
        let mut found = false;
        self.grid.visit(area, |i| {
            let i = i as usize;
            if found || !self.boxes[i].intersects(area) {
                return;
            }
            let last = self.pieces.len().min((i + 1) * HANDFUL);
            found = self.pieces[i * HANDFUL..last].iter().any(&mut hit);
        });
        found
    }

    /// True when a piece is nearer to `p` than `distance`.
    pub fn is_nearer(&self, p: Point, distance: f64) -> bool {
        if distance <= 0.0 {
            return false;
        }
        let area = Aabb::of([p]).inflated(distance);
        self.any(&area, |s| {
            if s.is_line() {
                // The common case without a root.
                let (d, v) = (s.b - s.a, p - s.a);
                let t = (v.dot(&d) / d.norm_squared()).clamp(0.0, 1.0);
                (v - d * t).norm_squared() < distance * distance
            } else {
                point_distance(&s.segment(), p) < distance
            }
        })
    }

    /// True when a piece is at most `distance` from `segment`, whose box is `bounds`.
    pub fn is_within(&self, segment: &Segment, bounds: &Aabb, distance: f64) -> bool {
        let area = bounds.inflated(distance);
        self.any(&area, |s| {
            s.bounds().intersects(&area) && segment_distance(segment, &s.segment()) <= distance
        })
    }
}
