//! Pieces of curves by the square cells they pass through: candidate pairs in near-linear time.
//!
//! Unlike [`crate::grid::Grid`] the cells are sparse: buckets of a hash table, so that neither a stray entity a
//! kilometre away nor long diagonals cost memory. Long pieces are listed along their run, not over their box; the
//! number of entries is at most a few times the number of pieces. Two flat arrays, filled by counting.

use crate::{Aabb, Point, Segment};

/// Items by cell. Cells that share a bucket are told apart by the entry's tag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    starts: Vec<u32>,
    entries: Vec<Entry>,
    inverse: f64,
    shift: u32,
}

/// One item in one cell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    /// Tells cells of one bucket apart.
    pub tag: u32,
    /// Index of the item.
    pub item: u32,
}

/// Mixes the two indices of a cell; the constants are odd and of the golden ratio and its kin (Fibonacci hashing,
/// Knuth, TAOCP 3, §6.4). Cells of one block of 8 × 8 differ in the lowest bits only, which also choose the bucket
/// within a run of 64: neighbours on the drawing are neighbours in memory.
#[inline]
fn hash(x: i64, y: i64) -> u64 {
    let h = ((x >> 3) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ ((y >> 3) as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    let h = (h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    // Turned by block, so that a regular lattice does not fill the same few buckets of every run.
    let cell = ((x & 7) | (y & 7) << 3) as u64 ^ (h >> 26);
    (h & !63) | (cell & 63)
}

/// Returns the bucket of a hash; there are at least 64.
#[inline]
fn bucket_of(h: u64, shift: u32) -> usize {
    (((h >> shift) & !63) | (h & 63)) as usize
}

impl Cells {
    /// Lists every piece in each cell that it passes within `margin` of.
    pub fn of_segments(segments: &[Segment], margin: f64) -> Cells {
        // Cells smaller than the margin would list every piece in a swarm of them.
        let inverse = 1.0 / cell_of(segments).max(margin);
        let mut found: Vec<(u64, u32)> = Vec::with_capacity(segments.len() * 2);
        for (i, s) in segments.iter().enumerate() {
            cells_along(s, inverse, margin, &mut |x, y| found.push((hash(x, y), i as u32)));
        }
        Cells::fill(&found, inverse)
    }

    /// Lists every point in its cell, and in the neighbouring ones of which it is within `margin`.
    pub fn of_points(points: impl ExactSizeIterator<Item = Point>, cell: f64, margin: f64) -> Cells {
        let inverse = 1.0 / cell.max(margin);
        let mut found: Vec<(u64, u32)> = Vec::with_capacity(points.len() + points.len() / 64);
        for (i, p) in points.enumerate() {
            let (x0, y0) = (index(p.x - margin, inverse), index(p.y - margin, inverse));
            let (x1, y1) = (index(p.x + margin, inverse), index(p.y + margin, inverse));
            for y in y0..=y1 {
                for x in x0..=x1 {
                    found.push((hash(x, y), i as u32));
                }
            }
        }
        Cells::fill(&found, inverse)
    }

    /// Lists boxes in the cells that they touch, on a grid per power of two: a box of size s stands in at most four
    /// cells of the level of s, so a point asks one cell per level. Entries of a cell are in the order given.
    pub fn of_boxes(boxes: impl ExactSizeIterator<Item = (u32, Aabb)>) -> (Cells, Vec<i32>) {
        let mut found: Vec<(u64, u32)> = Vec::with_capacity(boxes.len() * 2);
        let mut levels: Vec<i32> = Vec::new();
        for (item, b) in boxes {
            let level = level_of(&b);
            if !levels.contains(&level) {
                levels.push(level);
            }
            let inverse = cell_at(level).recip();
            let (x0, y0) = (index(b.min.x, inverse), index(b.min.y, inverse));
            let (x1, y1) = (index(b.max.x, inverse), index(b.max.y, inverse));
            for y in y0..=y1 {
                for x in x0..=x1 {
                    found.push((hash_at(level, x, y), item));
                }
            }
        }
        levels.sort_unstable();
        (Cells::fill(&found, 1.0), levels)
    }

    /// Returns the bucket and tag of the cell of `p` at a level of [`Cells::of_boxes`].
    #[inline]
    pub fn at_level(&self, level: i32, p: Point) -> (&[Entry], u32) {
        let inverse = cell_at(level).recip();
        let h = hash_at(level, index(p.x, inverse), index(p.y, inverse));
        (self.bucket(bucket_of(h, self.shift)), h as u32)
    }

    fn fill(found: &[(u64, u32)], inverse: f64) -> Cells {
        let bits = (found.len().max(64) as u64).ilog2();
        let shift = 64 - bits;
        let mut starts = vec![0u32; (1usize << bits) + 1];
        for (h, _) in found {
            starts[bucket_of(*h, shift) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut entries = vec![Entry::default(); found.len()];
        // Filling moves each start to the next bucket's; shifting back afterwards saves a second array.
        for &(h, item) in found {
            let slot = &mut starts[bucket_of(h, shift)];
            entries[*slot as usize] = Entry { tag: h as u32, item };
            *slot += 1;
        }
        for i in (1..starts.len()).rev() {
            starts[i] = starts[i - 1];
        }
        starts[0] = 0;
        Cells { starts, entries, inverse, shift }
    }

    /// Returns how many buckets there are.
    pub fn buckets(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Returns the entries of bucket `i`; only those of equal tag share a cell.
    #[inline]
    pub fn bucket(&self, i: usize) -> &[Entry] {
        &self.entries[self.starts[i] as usize..self.starts[i + 1] as usize]
    }

    /// Calls `visit` with every item listed in a cell that `segment` passes within `margin` of; the same item may
    /// come more than once.
    pub fn visit_along(&self, segment: &Segment, margin: f64, mut visit: impl FnMut(u32)) {
        if self.entries.is_empty() {
            return;
        }
        cells_along(segment, self.inverse, margin, &mut |x, y| self.visit_cell(x, y, &mut visit));
    }

    /// Calls `visit` with every item listed in a cell within `reach` of `p`; `reach` is at most a few cells.
    pub fn visit_near(&self, p: Point, reach: f64, mut visit: impl FnMut(u32)) {
        if self.entries.is_empty() {
            return;
        }
        let (x0, y0) = (index(p.x - reach, self.inverse), index(p.y - reach, self.inverse));
        let (x1, y1) = (index(p.x + reach, self.inverse), index(p.y + reach, self.inverse));
        for y in y0..=y1 {
            for x in x0..=x1 {
                self.visit_cell(x, y, &mut visit);
            }
        }
    }

    #[inline]
    fn visit_cell(&self, x: i64, y: i64, visit: &mut impl FnMut(u32)) {
        let h = hash(x, y);
        for e in self.bucket(bucket_of(h, self.shift)) {
            if e.tag == h as u32 {
                visit(e.item);
            }
        }
    }
}

/// Returns the level whose cells are as large as the box, or twice that.
pub(crate) fn level_of(b: &Aabb) -> i32 {
    // Below 1e-9 mm and beyond 1e18 mm nothing is told apart.
    b.width().max(b.height()).clamp(1e-9, 1e18).log2().ceil() as i32
}

fn cell_at(level: i32) -> f64 {
    2.0_f64.powi(level)
}

#[inline]
fn hash_at(level: i32, x: i64, y: i64) -> u64 {
    hash(x.wrapping_mul(128).wrapping_add(i64::from(level)), y)
}

#[inline]
fn index(v: f64, inverse: f64) -> i64 {
    // `floor` is a call where the baseline has no instruction for it.
    let v = v * inverse;
    let i = v as i64;
    i - i64::from(i as f64 > v)
}

/// Returns a cell size for `segments`: about twice the median length, but so large that all of them together need
/// only a few cells each.
fn cell_of(segments: &[Segment]) -> f64 {
    // A sample is enough for the median; the stride is fixed by the count, hence deterministic.
    let stride = segments.len() / 4096 + 1;
    let mut sample: Vec<f64> = segments.iter().step_by(stride).map(reach).collect();
    let total: f64 = segments.iter().map(reach).sum();
    if sample.is_empty() || !total.is_finite() {
        return 1.0;
    }
    let middle = sample.len() / 2;
    let (_, median, _) = sample.select_nth_unstable_by(middle, f64::total_cmp);
    let far = segments.iter().fold(0.0_f64, |m, s| m.max(s.start().x.abs()).max(s.start().y.abs()));
    // Cell indices must fit an i64 with room to spare.
    (2.0 * *median).max(0.5 * total / segments.len() as f64).max(far * 1e-15).max(1e-9)
}

/// Returns the length, or an upper bound of it that needs no square root.
#[inline]
fn reach(s: &Segment) -> f64 {
    match s {
        Segment::Line(l) => (l.b.x - l.a.x).abs().max((l.b.y - l.a.y).abs()),
        Segment::Arc(c) => c.radius * c.sweep.abs(),
    }
}

/// Calls `visit` with the cells that `s` passes within `margin` of; a cell may come twice when the piece returns.
fn cells_along(s: &Segment, inverse: f64, margin: f64, visit: &mut impl FnMut(i64, i64)) {
    let steps = (reach(s) * inverse).ceil().clamp(1.0, 1e7) as usize;
    if steps == 1 {
        let b = s.bounds();
        visit_box(&b, margin, inverse, None, visit);
        return;
    }
    // The chord of a step leaves an arc by at most this (sagitta of the step's sweep).
    let bow = match s {
        Segment::Line(_) => 0.0,
        Segment::Arc(c) => c.radius * (1.0 - (0.5 * c.sweep / steps as f64).cos()),
    };
    let mut last = None;
    let mut a = s.start();
    for i in 1..=steps {
        let b = if i == steps { s.end() } else { s.point_at(i as f64 / steps as f64) };
        last = Some(visit_box(&Aabb::new(a, b), margin + bow, inverse, last, visit));
        a = b;
    }
}

type Range = [i64; 4];

/// Visits the cells of a box except those of `before`, the box of the step before.
fn visit_box(
    b: &Aabb,
    margin: f64,
    inverse: f64,
    before: Option<Range>,
    visit: &mut impl FnMut(i64, i64),
) -> Range {
    let (x0, y0) = (index(b.min.x - margin, inverse), index(b.min.y - margin, inverse));
    let (x1, y1) = (index(b.max.x + margin, inverse), index(b.max.y + margin, inverse));
    for y in y0..=y1 {
        for x in x0..=x1 {
            let seen = before.is_some_and(|[a, b, c, d]| x >= a && y >= b && x <= c && y <= d);
            if !seen {
                visit(x, y);
            }
        }
    }
    [x0, y0, x1, y1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of pieces that touch shares a cell, also with strays and long diagonals.
    #[test]
    fn touching_pieces_share_a_cell() {
        let mut segments = vec![Segment::new(Point::new(-3e5, -1e5), Point::new(2e5, 4e5), 0.2)];
        for i in 0..300 {
            let (x, y) = (f64::from(i * 37 % 101), f64::from(i * 53 % 97));
            segments.push(Segment::new(Point::new(x, y), Point::new(x + 7.0, y + f64::from(i % 5)), 0.1));
        }
        segments.push(Segment::new(Point::new(1e6, 1e6), Point::new(1e6, 1e6 + 1.0), 0.0));
        segments.push(Segment::new(Point::new(-10.0, -10.0), Point::new(120.0, 110.0), 0.0));
        let cells = Cells::of_segments(&segments, 1e-6);
        for (i, a) in segments.iter().enumerate() {
            let mut seen = vec![false; segments.len()];
            cells.visit_along(a, 1e-6, |k| seen[k as usize] = true);
            for (k, b) in segments.iter().enumerate() {
                let meet = !crate::intersect::intersect(a, b, 1e-9).is_empty();
                assert!(!meet || seen[k], "{i} {k}");
            }
        }
    }
}
