//! Which pieces are near: a uniform grid in flat arrays, filled along each piece.
//!
//! A long slanted line is listed in the cells it passes, not in all cells of its box, so that memory stays
//! proportional to pieces plus length over cell size, whatever the drawing.

use crate::piece::Piece;
use shop_geom::{Aabb, Point};

/// Pieces by the cells they pass.
pub(crate) struct Index {
    bounds: Aabb,
    inverse_cell: f64,
    columns: usize,
    rows: usize,
    /// Items of cell i are `items[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Index {
    /// Indexes `pieces` in cells of at least `cell` mm. O(pieces + length / cell).
    pub fn new<'a>(pieces: impl Iterator<Item = &'a Piece> + Clone, cell: f64) -> Self {
        let (mut bounds, mut count, mut length) = (Aabb::EMPTY, 0usize, 0.0);
        for p in pieces.clone() {
            bounds = bounds.union(p.bounds());
            length += p.length();
            count += 1;
        }
        if count == 0 {
            bounds = Aabb::new(Point::origin(), Point::origin());
        }
        let (width, height) = (bounds.width(), bounds.height());
        let most = (4 * count + 16) as f64;
        let cell = (if cell.is_finite() && cell > 0.0 { cell } else { 1.0 })
            .max((width * height / most).sqrt())
            .max(width.max(height) / most)
            // So that each piece is listed in a few cells in the mean.
            .max(length / most);
        let columns = (width / cell) as usize + 1;
        let rows = (height / cell) as usize + 1;
        let mut index = Index {
            bounds,
            inverse_cell: 1.0 / cell,
            columns,
            rows,
            starts: vec![0; columns * rows + 1],
            items: Vec::new(),
        };
        index.fill(pieces);
        index
    }

    fn fill<'a>(&mut self, pieces: impl Iterator<Item = &'a Piece> + Clone) {
        let mut counts = std::mem::take(&mut self.starts);
        for p in pieces.clone() {
            self.boxes(p, 0.0, |area| self.cells(area, |c| counts[c + 1] += 1));
        }
        for i in 1..counts.len() {
            counts[i] += counts[i - 1];
        }
        let mut items = vec![0u32; counts[counts.len() - 1] as usize];
        let mut next = counts.clone();
        for (i, p) in pieces.enumerate() {
            self.boxes(p, 0.0, |area| {
                self.cells(area, |c| {
                    items[next[c] as usize] = i as u32;
                    next[c] += 1;
                });
            });
        }
        (self.starts, self.items) = (counts, items);
    }

    /// Cell size, mm.
    pub fn cell(&self) -> f64 {
        1.0 / self.inverse_cell
    }

    /// Calls `visit` with boxes, grown by `margin`, that together hold `piece`.
    fn boxes(&self, piece: &Piece, margin: f64, mut visit: impl FnMut(&Aabb)) {
        let whole = piece.bounds().inflated(margin);
        let size = 3.0 * self.cell().max(margin);
        if whole.width().min(whole.height()) <= size {
            return visit(&whole);
        }
        let n = (piece.length() / size).ceil().clamp(1.0, 4096.0) as usize;
        let sagitta = if piece.is_line() {
            0.0
        } else {
            piece.radius * (1.0 - (0.5 * piece.sweep / n as f64).abs().min(1.5).cos())
        };
        if n < 4 && sagitta > size {
            return visit(&whole);
        }
        let mut from = piece.a;
        for i in 1..=n {
            let to = if i == n { piece.b } else { piece.at(i as f64 / n as f64) };
            visit(&Aabb::new(from, to).inflated(margin + sagitta));
            from = to;
        }
    }

    #[inline]
    fn cells(&self, area: &Aabb, mut visit: impl FnMut(usize)) {
        if !self.bounds.intersects(area) {
            return;
        }
        let at = |v: f64, low: f64, n: usize| (((v - low) * self.inverse_cell).max(0.0) as usize).min(n - 1);
        let (x0, x1) = (
            at(area.min.x, self.bounds.min.x, self.columns),
            at(area.max.x, self.bounds.min.x, self.columns),
        );
        let (y0, y1) =
            (at(area.min.y, self.bounds.min.y, self.rows), at(area.max.y, self.bounds.min.y, self.rows));
        for y in y0..=y1 {
            for x in x0..=x1 {
                visit(y * self.columns + x);
            }
        }
    }

    /// Appends to `found` every piece that may touch `area`; repeats possible.
    #[inline]
    pub fn visit(&self, area: &Aabb, found: &mut Vec<u32>) {
        self.cells(area, |c| {
            found.extend_from_slice(&self.items[self.starts[c] as usize..self.starts[c + 1] as usize]);
        });
    }

    /// Collects into `found` every piece that may lie within `margin` of one of `pieces`, ascending, once each.
    pub fn near<'a>(
        &self,
        pieces: impl Iterator<Item = &'a Piece> + Clone,
        margin: f64,
        found: &mut Vec<u32>,
    ) {
        found.clear();
        // Neighbours are near the same things: one look at their common box, unless it is large.
        let area = pieces.clone().fold(Aabb::EMPTY, |b, p| b.union(p.bounds())).inflated(margin);
        if area.width().max(area.height()) <= 6.0 * self.cell() + 2.0 * margin {
            self.visit(&area, found);
        } else {
            for p in pieces {
                self.boxes(p, margin, |area| self.visit(area, found));
            }
        }
        found.sort_unstable();
        found.dedup();
    }

    /// Collects into `found` every piece that may touch `area`, ascending, once each.
    pub fn query(&self, area: &Aabb, found: &mut Vec<u32>) {
        found.clear();
        self.visit(area, found);
        found.sort_unstable();
        found.dedup();
    }

    /// Returns the piece nearest to `p` within `within` mm and its distance. A piece at an infinite distance is
    /// passed over; ties go to the lower index.
    pub fn nearest(&self, p: Point, within: f64, mut distance: impl FnMut(u32) -> f64) -> Option<(u32, f64)> {
        let mut best: Option<(u32, f64)> = None;
        let outside = Aabb::of([p]).distance(&self.bounds);
        if outside > within || self.items.is_empty() {
            return None;
        }
        let mut reach = self.cell().max(outside * 1.01).min(within);
        loop {
            let area = Aabb::of([p]).inflated(reach);
            self.cells(&area, |c| {
                for &i in &self.items[self.starts[c] as usize..self.starts[c + 1] as usize] {
                    let d = distance(i);
                    let better =
                        d.is_finite() && best.map_or(d <= within, |(j, e)| d < e || (d == e && i < j));
                    if better {
                        best = Some((i, d));
                    }
                }
            });
            let done = best.is_some_and(|(_, d)| d <= reach);
            if done || reach >= within || area.contains_box(&self.bounds) {
                return best;
            }
            reach = (reach * 2.0).min(within);
        }
    }
}

/// Splits `0..count` into runs of neighbours, at most `most` long, whose common box stays small: the unit of work
/// and of one index query. `joined(i)` says that piece `i` belongs with piece `i - 1`.
pub(crate) fn chunks<'a>(
    count: usize,
    piece: impl Fn(usize) -> &'a Piece,
    joined: impl Fn(usize) -> bool,
    size: f64,
    most: usize,
) -> Vec<std::ops::Range<usize>> {
    let mut out = Vec::new();
    let (mut start, mut area) = (0, Aabb::EMPTY);
    for i in 0..count {
        let b = piece(i).bounds();
        let grown = area.union(b);
        let fits = |i: usize| i - start < most && grown.width().max(grown.height()) <= size && joined(i);
        if i > start && !fits(i) {
            out.push(start..i);
            (start, area) = (i, b);
        } else {
            area = grown;
        }
    }
    if count > start {
        out.push(start..count);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shop_geom::Segment;

    proptest! {
        #[test]
        fn finds_all_that_are_near(
            raw in prop::collection::vec(((-50.0..50.0f64, -50.0..50.0f64), (-50.0..50.0f64, -50.0..50.0f64), prop_oneof![Just(0.0), -2.0..2.0f64]), 1..40),
            cell in 0.1..20.0f64, margin in 0.0..5.0f64,
        ) {
            let pieces: Vec<Piece> = raw.iter().map(|(a, b, bulge)| {
                Piece::of(&Segment::new(Point::new(a.0, a.1), Point::new(b.0, b.1), *bulge))
            }).collect();
            let index = Index::new(pieces.iter(), cell);
            let mut found = Vec::new();
            for p in &pieces {
                index.near(std::iter::once(p), margin, &mut found);
                for (j, q) in pieces.iter().enumerate() {
                    if p.distance(q) <= margin {
                        prop_assert!(found.contains(&(j as u32)));
                    }
                }
                let to = p.at(0.3) + shop_geom::Vector::new(3.0, 1.0);
                let best = pieces.iter().map(|q| q.distance_to(to)).fold(f64::INFINITY, f64::min);
                let got = index.nearest(to, 1e9, |i| pieces[i as usize].distance_to(to));
                prop_assert!((got.map_or(f64::NAN, |g| g.1) - best).abs() < 1e-12);
            }
        }
    }
}
