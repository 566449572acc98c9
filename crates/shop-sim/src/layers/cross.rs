//! What a mesh holds at a height, straight from its triangles: no contours are chained, so nothing of the chaining of a
//! planner is believed.
//!
//! Triangles are found by height through buckets of doubling size: one that spans `s` layers lies in the level whose
//! buckets are at least as high, so a height has to look into two buckets of every level, whatever order heights come in.

use super::bits::{Bits, Grid};
use rayon::prelude::*;
use shop_geom::planar::PER_MM;
use std::sync::Arc;

/// A mesh in tenths of micrometres, in place.
pub trait Triangles: Sync {
    /// Returns how many triangles it has.
    fn count(&self) -> usize;
    /// Returns the corners of one.
    fn corners(&self, i: usize) -> [[i32; 3]; 3];
}

/// So many triangles at least are looked at by one core.
const AT_ONCE: usize = 4096;
/// Where triangles are that no height meets.
const NOWHERE: u32 = u32::MAX;

/// A mesh that can be cut at any height.
pub struct Shape<'a> {
    triangles: &'a dyn Triangles,
    /// It is material; else there is none where it is.
    adds: bool,
    /// Copies: what is added to x and y.
    places: Vec<[i32; 2]>,
    /// Lowest height, and how high the buckets of the first level are, grid units.
    low: i64,
    step: i64,
    sorted: Arc<Sorted>,
}

/// Triangles by height.
#[derive(Default)]
struct Sorted {
    /// Triangles by bucket, and where the buckets of each level begin.
    order: Vec<u32>,
    levels: Vec<Vec<u32>>,
}

impl<'a> Shape<'a> {
    /// Makes a mesh ready; `step` mm is about the distance of the heights at which it will be cut. O(triangles).
    pub fn new(triangles: &'a dyn Triangles, adds: bool, places: Vec<[i32; 2]>, step: f64) -> Shape<'a> {
        let n = triangles.count();
        let step = ((step * PER_MM) as i64).max(1);
        let span = |i: usize| {
            let z = triangles.corners(i).map(|c| c[2]);
            (i64::from(z[0].min(z[1]).min(z[2])), i64::from(z[0].max(z[1]).max(z[2])))
        };
        let all = || (0..n).into_par_iter().with_min_len(AT_ONCE);
        let wider = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        let (low, high) = all().map(span).reduce(|| (i64::MAX, i64::MIN), wider);
        let mut shape = Shape { triangles, adds, places, low, step, sorted: Arc::default() };
        if n == 0 {
            return shape;
        }
        // Level and bucket of each triangle; those that lie flat are met by no height.
        let homes: Vec<[u32; 2]> = all()
            .map(|i| {
                let (a, b) = span(i);
                let level = u64::BITS - (((b - a) / step) as u64).leading_zeros();
                if a < b { [level, (((a - low) / step) >> level) as u32] } else { [NOWHERE; 2] }
            })
            .collect();
        let homes = || homes.iter().map(|h| h.map(|k| k as usize));
        let met = |home: &[usize; 2]| home[0] != NOWHERE as usize;
        // First pass: how many; second: where to.
        let mut counts: Vec<Vec<u32>> = Vec::new();
        for [level, bucket] in homes().filter(met) {
            while counts.len() <= level {
                let buckets = (((high - low) / step) >> counts.len()) as usize + 2;
                counts.push(vec![0; buckets]);
            }
            counts[level][bucket + 1] += 1;
        }
        let mut total = 0;
        for c in counts.iter_mut().flatten() {
            total += *c;
            *c = total;
        }
        let levels = counts.clone();
        let mut order = vec![0; total as usize];
        for (i, [level, bucket]) in homes().enumerate().filter(|(_, home)| met(home)) {
            let at = &mut counts[level][bucket];
            order[*at as usize] = i as u32;
            *at += 1;
        }
        shape.sorted = Arc::new(Sorted { order, levels });
        shape
    }

    /// Returns the same mesh with other copies.
    pub fn at(&self, places: Vec<[i32; 2]>) -> Shape<'a> {
        Shape { places, sorted: Arc::clone(&self.sorted), ..*self }
    }

    /// True when it is material.
    pub fn adds(&self) -> bool {
        self.adds
    }

    /// Calls `take` with the triangles that may be met at a height.
    fn near(&self, z: i64, mut take: impl FnMut(u32)) {
        let at = (z - self.low) / self.step;
        if z < self.low {
            return;
        }
        for (level, starts) in self.sorted.levels.iter().enumerate() {
            let bucket = (at >> level) as usize;
            let last = starts.len() - 1;
            let (from, to) = (bucket.saturating_sub(1).min(last), (bucket + 1).min(last));
            self.sorted.order[starts[from] as usize..starts[to] as usize].iter().for_each(|i| take(*i));
        }
    }
}

/// Room for cutting.
#[derive(Default)]
pub struct Room {
    /// Row, place along it, and direction.
    crossings: Vec<(u32, f32, i32)>,
    starts: Vec<u32>,
    sorted: Vec<(f32, i32)>,
}

impl Room {
    /// Adds to `out` what a shape holds at height `z` (grid units); returns how many rows say nothing, because the mesh is
    /// open there. Inside is where it winds around at least once.
    pub fn cut(&mut self, shape: &Shape<'_>, z: i32, grid: &Grid, out: &mut Bits) -> usize {
        let mut unclear = 0;
        for place in &shape.places {
            self.crossings.clear();
            shape.near(i64::from(z), |i| self.triangle(shape.triangles.corners(i as usize), z, *place, grid));
            unclear += self.fill(grid, out);
        }
        unclear
    }

    /// A corner at the height counts as above it, so that no triangle is met in a point.
    fn triangle(&mut self, corners: [[i32; 3]; 3], z: i32, place: [i32; 2], grid: &Grid) {
        let up = corners.map(|c| c[2] >= z);
        if up == [true; 3] || up == [false; 3] {
            return;
        }
        let mut ends = [[0.0; 2]; 2];
        for i in 0..3 {
            let (a, b) = (corners[i], corners[(i + 1) % 3]);
            let rises = up[(i + 1) % 3];
            if up[i] == rises {
                continue;
            }
            // Always from the lower end, so that two triangles agree about the edge between them.
            let (low, high) = if rises { (a, b) } else { (b, a) };
            let t = f64::from(z - low[2]) / f64::from(high[2] - low[2]);
            let along = |k: usize| {
                let from = f64::from(low[k]) + f64::from(place[k]);
                (from + t * (f64::from(high[k]) - f64::from(low[k]))) / PER_MM
            };
            ends[usize::from(rises)] = grid.place(along(0), along(1));
        }
        let [from, to] = ends;
        let (low, high, turn) = if from[1] < to[1] { (from, to, 1) } else { (to, from, -1) };
        let (first, end) = ((low[1] + 0.5) as usize, ((high[1] + 0.5) as usize).min(grid.height));
        let slant = (high[0] - low[0]) / (high[1] - low[1]);
        for row in first..end {
            let x = low[0] + (row as f64 + 0.5 - low[1]) * slant;
            self.crossings.push((row as u32, x as f32, turn));
        }
    }

    fn fill(&mut self, grid: &Grid, out: &mut Bits) -> usize {
        self.starts.clear();
        self.starts.resize(grid.height + 1, 0);
        for (row, _, _) in &self.crossings {
            self.starts[*row as usize + 1] += 1;
        }
        for i in 1..self.starts.len() {
            self.starts[i] += self.starts[i - 1];
        }
        self.sorted.clear();
        self.sorted.resize(self.crossings.len(), (0.0, 0));
        for (row, x, turn) in &self.crossings {
            let at = &mut self.starts[*row as usize];
            self.sorted[*at as usize] = (*x, *turn);
            *at += 1;
        }
        let (mut begin, mut unclear) = (0, 0);
        for row in 0..grid.height {
            // Filling has moved every start to the next row's.
            let end = self.starts[row] as usize;
            let line = &mut self.sorted[begin..end];
            begin = end;
            if line.is_empty() {
                continue;
            }
            if line.iter().map(|c| c.1).sum::<i32>() != 0 {
                unclear += 1;
                continue;
            }
            line.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            // Which way round is inside depends on the direction of the triangles alone: they are seen from outside.
            let mut depth = 0;
            for pair in line.windows(2) {
                depth -= pair[0].1;
                if depth > 0 {
                    out.span(row, f64::from(pair[0].0), f64::from(pair[1].0));
                }
            }
        }
        unclear
    }
}
