//! A uniform grid over boxes: the spatial index of all kernels here.
//!
//! Built in two passes into flat arrays (counts, then items), so that it costs two allocations however many boxes
//! there are. A box is listed in every cell it touches.

use crate::{Aabb, Point};

/// Boxes by the cells they touch.
#[derive(Clone, Debug)]
pub struct Grid {
    bounds: Aabb,
    inverse_cell: f64,
    columns: usize,
    rows: usize,
    /// Items of cell i are `items[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Grid {
    /// Builds the grid with cells of about `cell` mm; the cell grows when there would be many more cells than boxes.
    pub fn new(boxes: &[Aabb], cell: f64) -> Grid {
        let bounds = boxes.iter().fold(Aabb::EMPTY, |all, b| all.union(*b));
        let (width, height) = (bounds.width(), bounds.height());
        // At most about four cells per box, so that memory stays linear for sparse sheets.
        let most = (4 * boxes.len() + 16) as f64;
        let mut cell = if cell.is_finite() && cell > 0.0 { cell } else { 1.0 };
        cell = cell.max((width * height / most).sqrt()).max(width.max(height) / most);
        let columns = ((width / cell) as usize + 1).max(1);
        let rows = ((height / cell) as usize + 1).max(1);
        let mut grid = Grid {
            bounds,
            inverse_cell: 1.0 / cell,
            columns,
            rows,
            starts: vec![0; columns * rows + 1],
            items: Vec::new(),
        };
        grid.fill(boxes);
        grid
    }

    fn fill(&mut self, boxes: &[Aabb]) {
        for b in boxes.iter().filter(|b| !b.is_empty()) {
            let (x0, y0, x1, y1) = self.cells(b);
            for y in y0..=y1 {
                for x in x0..=x1 {
                    self.starts[y * self.columns + x + 1] += 1;
                }
            }
        }
        for i in 1..self.starts.len() {
            self.starts[i] += self.starts[i - 1];
        }
        self.items = vec![0; self.starts[self.starts.len() - 1] as usize];
        let mut next = self.starts.clone();
        for (i, b) in boxes.iter().enumerate().filter(|(_, b)| !b.is_empty()) {
            let (x0, y0, x1, y1) = self.cells(b);
            for y in y0..=y1 {
                for x in x0..=x1 {
                    let n = &mut next[y * self.columns + x];
                    self.items[*n as usize] = i as u32;
                    *n += 1;
                }
            }
        }
    }

    /// Returns the cell columns and rows that `b` touches, clamped to the grid.
    fn cells(&self, b: &Aabb) -> (usize, usize, usize, usize) {
        let index =
            |v: f64, low: f64, n: usize| (((v - low) * self.inverse_cell).max(0.0) as usize).min(n - 1);
        (
            index(b.min.x, self.bounds.min.x, self.columns),
            index(b.min.y, self.bounds.min.y, self.rows),
            index(b.max.x, self.bounds.min.x, self.columns),
            index(b.max.y, self.bounds.min.y, self.rows),
        )
    }

    /// Calls `visit` with every box listed in a cell that `area` touches; a box that spans cells is seen in each.
    #[inline]
    pub fn visit(&self, area: &Aabb, mut visit: impl FnMut(u32)) {
        if self.items.is_empty() || !self.bounds.intersects(area) {
            return;
        }
        let (x0, y0, x1, y1) = self.cells(area);
        for y in y0..=y1 {
            let row = y * self.columns;
            let (from, to) = (self.starts[row + x0] as usize, self.starts[row + x1 + 1] as usize);
            for &item in &self.items[from..to] {
                visit(item);
            }
        }
    }

    /// Collects into `found` every box listed near `area`, each once, in ascending order.
    pub fn query(&self, area: &Aabb, found: &mut Vec<u32>) {
        found.clear();
        self.visit(area, |i| found.push(i));
        found.sort_unstable();
        found.dedup();
    }

    /// Returns the box listed near `p` for which `distance` is least, with that distance, if any is at most
    /// `within`. Ties go to the lower index. Searches rings of cells outwards.
    pub fn nearest(&self, p: Point, within: f64, mut distance: impl FnMut(u32) -> f64) -> Option<(u32, f64)> {
        let mut best: Option<(u32, f64)> = None;
        let mut reach = (1.0 / self.inverse_cell).min(within);
        loop {
            let area = Aabb::of([p]).inflated(reach);
            self.visit(&area, |i| {
                let d = distance(i);
                let better = match best {
                    None => d <= within,
                    Some((j, e)) => d < e || (d == e && i < j),
                };
                if better {
                    best = Some((i, d));
                }
            });
            let covered = area.contains_box(&self.bounds);
            if best.is_some_and(|(_, d)| d <= reach) || reach >= within || covered {
                return best;
            }
            reach = (reach * 2.0).min(within);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_brute_force_finds() {
        let boxes: Vec<Aabb> = (0..200)
            .map(|i| {
                let (x, y) = (f64::from(i * 37 % 101), f64::from(i * 53 % 97));
                Aabb::of([Point::new(x, y)]).inflated(f64::from(i % 5))
            })
            .collect();
        let grid = Grid::new(&boxes, 7.0);
        let mut found = Vec::new();
        for i in 0..50 {
            let area = Aabb::of([Point::new(f64::from(i * 2), f64::from(i * 3 % 90))]).inflated(4.0);
            grid.query(&area, &mut found);
            let hit: Vec<u32> = (0..200).filter(|&k| boxes[k as usize].intersects(&area)).collect();
            assert!(hit.iter().all(|k| found.contains(k)));
            let p = area.center();
            let d = |k: u32| (boxes[k as usize].center() - p).norm();
            let best = (0..200).map(d).fold(f64::INFINITY, f64::min);
            assert_eq!(grid.nearest(p, 1e9, d).map(|(_, v)| v), Some(best));
        }
    }
}
