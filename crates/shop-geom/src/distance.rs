//! Distances between pieces, and from points to many pieces: the oracle behind every check.

use crate::grid::Grid;
use crate::{Aabb, Point, Polyline, Segment};

/// Many pieces, ready to be asked for the nearest.
#[derive(Clone, Debug)]
pub struct SegmentIndex {
    segments: Vec<Segment>,
    owners: Vec<u32>,
    boxes: Vec<Aabb>,
    grid: Grid,
}

/// The nearest piece to something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Index of the piece, in the order given.
    pub segment: u32,
    /// Index of the polyline it belongs to.
    pub owner: u32,
    /// Distance, mm.
    pub distance: f64,
}

impl SegmentIndex {
    /// Indexes all pieces of `polylines`.
    pub fn new<'a>(polylines: impl IntoIterator<Item = &'a Polyline>) -> Self {
        let (mut segments, mut owners) = (Vec::new(), Vec::new());
        for (owner, polyline) in polylines.into_iter().enumerate() {
            segments.extend(polyline.segments());
            owners.resize(segments.len(), owner as u32);
        }
        Self::of_segments(segments, owners)
    }

    /// Indexes `segments`, each with the index of what it belongs to.
    pub fn of_segments(segments: Vec<Segment>, owners: Vec<u32>) -> Self {
        let boxes: Vec<Aabb> = segments.iter().map(Segment::bounds).collect();
        // Cells of about the mean box: large arcs and long lines land in several, short ones in one.
        let total: f64 = boxes.iter().map(|b| b.width().max(b.height())).sum();
        let grid = Grid::new(&boxes, total / boxes.len().max(1) as f64);
        SegmentIndex { segments, owners, boxes, grid }
    }

    /// Returns the indexed pieces.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns what piece `i` belongs to.
    pub fn owner(&self, i: u32) -> u32 {
        self.owners[i as usize]
    }

    /// Returns the grid of the pieces' boxes.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Returns the piece nearest to `p` among those within `within` mm.
    pub fn nearest(&self, p: Point, within: f64) -> Option<Nearest> {
        let (segment, distance) =
            self.grid.nearest(p, within, |i| self.segments[i as usize].distance_to(p))?;
        Some(Nearest { segment, owner: self.owners[segment as usize], distance })
    }

    /// Returns the least distance from `segment` to any piece that `accept`s, if it is at most `within`.
    pub fn nearest_to_segment(
        &self,
        segment: &Segment,
        within: f64,
        mut accept: impl FnMut(u32) -> bool,
    ) -> Option<Nearest> {
        let area = segment.bounds().inflated(within);
        let mut best: Option<(u32, f64)> = None;
        self.grid.visit(&area, |i| {
            let limit = best.map_or(within, |b| b.1);
            if !self.boxes[i as usize].intersects(&area) || !accept(i) {
                return;
            }
            let d = segment_distance(segment, &self.segments[i as usize]);
            if d < limit || (best.is_none() && d <= within) {
                best = Some((i, d));
            }
        });
        best.map(|(i, distance)| Nearest { segment: i, owner: self.owners[i as usize], distance })
    }
}

/// Returns the least distance between two pieces, 0 when they meet.
pub fn segment_distance(_a: &Segment, _b: &Segment) -> f64 {
    unimplemented!()
}
