//! The contours of a layer, asked for how often a straight way passes through them.
//!
//! Ways through the air outside of a part leave strings on what is seen of it: whoever chooses what is laid after what
//! avoids them where that costs little. Edges are kept in square cells, so a way costs about as many edges as lie beside it.

use shop_geom::planar::{Contours, PER_MM, Spot, turn};
use std::ops::Range;
use std::sync::Arc;

/// Size of a cell, grid units, unless there would be too many of them.
const CELL: f64 = 1.5 * PER_MM;
const MOST_CELLS: f64 = 20_000.0;
/// Corners are left out where no more than so much of the contour is moved, and edges stay shorter than that, grid units.
const ASIDE: f64 = 0.05 * PER_MM;
const LONG: f64 = 0.8 * PER_MM;
/// Ways up to this long pass through nothing that counts, grid units.
const SHORT: f64 = 0.5 * PER_MM;

/// Contours, maybe moved.
#[derive(Clone, Debug, Default)]
pub struct Fence {
    cells: Option<Arc<Cells>>,
    shift: Spot,
}

/// Edges sorted into square cells.
#[derive(Debug)]
struct Cells {
    low: Spot,
    /// Cells in a millimetre of grid units.
    scale: f64,
    across: i32,
    up: i32,
    starts: Vec<u32>,
    edges: Vec<[Spot; 2]>,
}

impl Fence {
    /// Takes contours. O(edges + cells).
    pub fn new(contours: &Contours) -> Fence {
        Fence { cells: Cells::new(contours).map(Arc::new), shift: Spot::default() }
    }

    /// Returns the same contours elsewhere.
    pub fn moved(&self, by: Spot) -> Fence {
        let shift = Spot::new(self.shift.x + by.x, self.shift.y + by.y);
        Fence { cells: self.cells.clone(), shift }
    }

    /// Returns how often a straight way passes through the contours, or `most` when it does so more often; a short way does
    /// not. O(cells on the way + edges in them).
    #[inline]
    pub fn crossings(&self, from: Spot, to: Spot, most: u32) -> u32 {
        let Some(cells) = &self.cells else { return 0 };
        if from.distance(to) <= SHORT {
            return 0;
        }
        let own = |s: Spot| Spot::new(s.x - self.shift.x, s.y - self.shift.y);
        cells.crossings(own(from), own(to), most)
    }
}

impl Cells {
    fn new(contours: &Contours) -> Option<Cells> {
        let (first, rest) = contours.spots().split_first()?;
        let (mut low, mut high) = (*first, *first);
        for s in rest {
            low = Spot::new(low.x.min(s.x), low.y.min(s.y));
            high = Spot::new(high.x.max(s.x), high.y.max(s.y));
        }
        let [w, h] = low.to(high);
        let cell = CELL.max((w * h / MOST_CELLS).sqrt()).max(w.max(h) / MOST_CELLS);
        let (across, up) = ((w / cell) as i32 + 1, (h / cell) as i32 + 1);
        let count = across as usize * up as usize;
        let mut cells =
            Cells { low, scale: 1.0 / cell, across, up, starts: vec![0; count + 1], edges: Vec::new() };
        let mut plain: Vec<[Spot; 2]> = Vec::new();
        contours.iter().for_each(|contour| simplify(contour, &mut plain));
        let mut starts = std::mem::take(&mut cells.starts);
        cells.sort(&plain, |c, _| starts[c + 1] += 1);
        for c in 0..count {
            starts[c + 1] += starts[c];
        }
        let mut edges = vec![[low; 2]; starts[count] as usize];
        cells.sort(&plain, |c, edge| {
            edges[starts[c] as usize] = edge;
            starts[c] += 1;
        });
        // Every beginning has moved to the next one's place.
        starts.rotate_right(1);
        starts[0] = 0;
        (cells.starts, cells.edges) = (starts, edges);
        Some(cells)
    }

    /// Calls `put` with every edge and every cell that it meets.
    fn sort(&self, edges: &[[Spot; 2]], mut put: impl FnMut(usize, [Spot; 2])) {
        for &[a, b] in edges {
            let cell = self.cell_of(a);
            if cell == self.cell_of(b) {
                put(cell, [a, b]);
            } else {
                self.on(a, b, |row| {
                    row.for_each(|c| put(c, [a, b]));
                    true
                });
            }
        }
    }

    fn column(&self, x: f64) -> i32 {
        ((x - f64::from(self.low.x)) * self.scale).clamp(0.0, f64::from(self.across - 1)) as i32
    }

    fn row(&self, y: f64) -> i32 {
        ((y - f64::from(self.low.y)) * self.scale).clamp(0.0, f64::from(self.up - 1)) as i32
    }

    fn cell_of(&self, s: Spot) -> usize {
        self.row(f64::from(s.y)) as usize * self.across as usize + self.column(f64::from(s.x)) as usize
    }

    /// Calls `meet` with the cells that a line meets in one row after another, and maybe one beside them, until it returns
    /// false.
    #[inline]
    fn on(&self, a: Spot, b: Spot, mut meet: impl FnMut(Range<usize>) -> bool) {
        let (a, b) = if a.y <= b.y { (a, b) } else { (b, a) };
        let [ax, ay, bx, by] = [a.x, a.y, b.x, b.y].map(f64::from);
        let slope = if b.y > a.y { (bx - ax) / (by - ay) } else { 0.0 };
        let (first, last) = (self.row(ay), self.row(by));
        let size = 1.0 / self.scale;
        let mut from = ax;
        for row in first..=last {
            // The part of the line in this row, a hair more on both sides.
            let top = f64::from(self.low.y) + f64::from(row + 1) * size;
            let to = if row == last { bx } else { ax + (top - ay) * slope };
            let (left, right) = if from <= to { (from, to) } else { (to, from) };
            let start = row as usize * self.across as usize;
            let (left, right) = (self.column(left - 1.0) as usize, self.column(right + 1.0) as usize);
            if !meet(start + left..start + right + 1) {
                return;
            }
            from = to;
        }
    }

    fn crossings(&self, from: Spot, to: Spot, most: u32) -> u32 {
        let mut count = 0;
        self.on(from, to, |row| {
            let range = self.starts[row.start] as usize..self.starts[row.end] as usize;
            for (i, &[a, b]) in self.edges[range.clone()].iter().enumerate() {
                let (s, t) = (turn(from, to, a), turn(from, to, b));
                if (s > 0) == (t > 0) || (turn(a, b, from) > 0) == (turn(a, b, to) > 0) {
                    continue;
                }
                // An edge that lies in several cells counts in the one in which it is crossed.
                let part = s as f64 / (s - t) as f64;
                let [x, y] = a.to(b).map(|v| (part * v) as i32);
                let cell = self.cell_of(Spot::new(a.x + x, a.y + y));
                let own = self.starts[cell] as usize..self.starts[cell + 1] as usize;
                count += u32::from(own.contains(&(range.start + i)));
            }
            count < most
        });
        count.min(most)
    }
}

/// Adds the edges of a contour without corners that make little difference.
fn simplify(contour: &[Spot], out: &mut Vec<[Spot; 2]>) {
    let n = contour.len();
    let mut a = contour[0];
    for i in 1..n {
        let (b, next) = (contour[i], contour[(i + 1) % n]);
        let ([ux, uy], [vx, vy]) = (a.to(next), a.to(b));
        let size = ux * ux + uy * uy;
        let aside = ux * vy - uy * vx;
        if size > LONG * LONG || aside * aside > ASIDE * ASIDE * size {
            out.push([a, b]);
            a = b;
        }
    }
    out.push([a, contour[0]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Random(u64);

    impl Random {
        fn next(&mut self, most: i32) -> i32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) % most as u64) as i32
        }

        fn spot(&mut self) -> Spot {
            Spot::new(self.next(600_000) - 100_000, self.next(600_000) - 100_000)
        }
    }

    /// Stars whose edges are too long to be left out.
    fn stars() -> Contours {
        let mut out = Contours::default();
        for (middle, size, points) in
            [(100_000, 95_000.0, 14), (300_000, 90_000.0, 24), (200_000, 30_000.0, 9)]
        {
            for i in 0..points {
                let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / f64::from(points)).sin_cos();
                let r = if i % 2 == 0 { size } else { 0.4 * size };
                out.push(Spot::new(middle + (r * cos) as i32, middle / 2 + (r * sin) as i32));
            }
            out.close();
        }
        out
    }

    fn plainly(contours: &Contours, from: Spot, to: Spot) -> u32 {
        let edges = contours.iter().flat_map(|c| (0..c.len()).map(|i| [c[i], c[(i + 1) % c.len()]]));
        let passes = |[a, b]: &[Spot; 2]| {
            (turn(from, to, *a) > 0) != (turn(from, to, *b) > 0)
                && (turn(*a, *b, from) > 0) != (turn(*a, *b, to) > 0)
        };
        edges.filter(passes).count() as u32
    }

    #[test]
    fn all_passages_are_counted_once() {
        let contours = stars();
        let fence = Fence::new(&contours);
        let by = Spot::new(-70_000, 123_456);
        let moved = fence.moved(by);
        let mut random = Random(3);
        let mut many = 0;
        for _ in 0..3000 {
            let (a, b) = (random.spot(), random.spot());
            let count = plainly(&contours, a, b);
            assert_eq!(fence.crossings(a, b, u32::MAX), count, "{a:?} {b:?}");
            assert_eq!(fence.crossings(b, a, u32::MAX), count, "{a:?} {b:?}");
            assert_eq!(fence.crossings(a, b, 2), count.min(2));
            let there = |s: Spot| Spot::new(s.x + by.x, s.y + by.y);
            assert_eq!(moved.crossings(there(a), there(b), u32::MAX), count);
            many += u32::from(count > 2);
        }
        assert!(many > 300, "{many}");
        let near = Spot::new(300_000 + 90_000, 150_000);
        assert_eq!(fence.crossings(near, Spot::new(near.x + 100, near.y), 9), 0);
        assert_eq!(Fence::default().crossings(Spot::new(0, 0), near, 9), 0);
    }

    #[test]
    fn fine_corners_make_no_difference() {
        // A circle of 2000 corners, 30 mm across: what passes it by 0.1 mm passes it by.
        let mut circle = Contours::default();
        for i in 0..2000 {
            let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / 2000.0).sin_cos();
            circle.push(Spot::from_mm(15.0 * cos, 15.0 * sin));
        }
        circle.close();
        let fence = Fence::new(&circle);
        assert!(fence.cells.as_ref().is_some_and(|c| c.edges.len() < 400));
        for (y, count) in [(14.9, 2), (15.1, 0), (0.0, 2), (-14.9, 2)] {
            let (a, b) = (Spot::from_mm(-20.0, y), Spot::from_mm(20.0, y));
            assert_eq!(fence.crossings(a, b, u32::MAX), count, "{y}");
        }
        assert_eq!(fence.crossings(Spot::from_mm(0.0, 0.0), Spot::from_mm(20.0, 1.0), u32::MAX), 1);
    }
}
