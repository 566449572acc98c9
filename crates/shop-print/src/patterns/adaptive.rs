//! Adaptive cubic: cubes that stand on a corner, small near the surface and twice as large with every step away from it.
//!
//! The one idea: a face of the cubes with edges of 2ˡ finest ones lies in the middle of a cube of the next size, so it is
//! there exactly where that larger cube is divided, that is, where the surface passes through it. A line of the finest
//! family with number m, 2ˡ being the largest power of two in m, is drawn where a map of cubes of size 2ˡ⁺¹ says so.
//!
//! ```text
//!   m = 0   │ level: as coarse as it gets      ┌───────┬───┬─┐  surface
//!   m = 1   ╎ 0                                │       │   ├─┤
//!   m = 2   ┆ 1                                │       ├───┼─┤
//!   m = 3   ╎ 0                                └───────┴───┴─┘
//! ```

use crate::rows::{Frame, Run};
use std::f64::consts::PI;

/// Cubes grow to at most 2⁵ finest ones.
const LEVELS: u32 = 5;
/// A map has at most so many cubes; finer ones are not divided by where they are: they all are.
const MOST_CUBES: usize = 1 << 28;

/// Which cubes the surface passes through.
#[derive(Clone, Debug, Default)]
pub struct Octree {
    /// Turn of the first family, radians.
    angle: f64,
    /// Edge of the finest cubes, grid units.
    edge: f64,
    /// Maps of cubes of 2, 4, 8 … finest edges.
    maps: Vec<Map>,
}

/// Marks of cubes in a box.
#[derive(Clone, Debug, Default)]
struct Map {
    low: [i64; 3],
    size: [i64; 3],
    bits: Vec<u64>,
}

impl Map {
    fn slot(&self, cube: [i64; 3]) -> Option<usize> {
        let mut at = 0;
        for k in 0..3 {
            let i = cube[k] - self.low[k];
            if !(0..self.size[k]).contains(&i) {
                return None;
            }
            at = at * self.size[k] + i;
        }
        Some(at as usize)
    }

    fn mark(&mut self, cube: [i64; 3]) {
        if let Some(i) = self.slot(cube) {
            self.bits[i / 64] |= 1 << (i % 64);
        }
    }

    fn has(&self, cube: [i64; 3]) -> bool {
        self.slot(cube).is_some_and(|i| self.bits[i / 64] >> (i % 64) & 1 == 1)
    }
}

impl Octree {
    /// Works out the cubes of a surface, corners in grid units. `spacing` is the distance of lines of one family where
    /// they are closest, `angle` the turn of the first one. O(triangles + cubes that they pass through).
    pub fn new(surface: &[[[f64; 3]; 3]], angle: f64, spacing: f64) -> Octree {
        let edge = spacing * (2.0f64 / 3.0).sqrt();
        let mut tree = Octree { angle, edge, maps: Vec::new() };
        let inner: Vec<[[f64; 3]; 3]> =
            surface.iter().map(|t| t.map(|p| tree.turned(p).map(|c| c / (2.0 * edge)))).collect();
        let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
        for p in inner.iter().flatten() {
            for k in 0..3 {
                low[k] = low[k].min(p[k]);
                high[k] = high[k].max(p[k]);
            }
        }
        if inner.is_empty() {
            return tree;
        }
        let first = low.map(|v| v.floor() as i64 - 1);
        let size: [i64; 3] = std::array::from_fn(|k| high[k].floor() as i64 + 2 - first[k]);
        let cubes = size.iter().map(|n| *n as f64).product::<f64>();
        if cubes > MOST_CUBES as f64 {
            return tree;
        }
        let mut map = Map { low: first, size, bits: vec![0; (cubes as usize).div_ceil(64)] };
        for triangle in &inner {
            mark_triangle(triangle, &mut map);
        }
        tree.maps.push(map);
        for _ in 1..LEVELS {
            let finer = &tree.maps[tree.maps.len() - 1];
            tree.maps.push(halved(finer));
        }
        tree
    }

    /// Returns a place in the directions of the cubes' edges: the first family's across, then those a third of a turn
    /// further, all rising with height.
    fn turned(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|k| {
            let (sin, cos) = (self.angle + 2.0 * PI / 3.0 * k as f64).sin_cos();
            (2.0f64 / 3.0).sqrt() * (y * cos - x * sin) + z / 3.0f64.sqrt()
        })
    }

    /// Calls `emit` with the parts of a line that are drawn, as runs. The line is that of a `row` of one `family`, whose
    /// lines are those of `frame` at height `z`.
    pub fn parts(&self, family: usize, frame: &Frame, z: f64, row: i32, run: Run, mut emit: impl FnMut(Run)) {
        let place = |u: f64| {
            let s = frame.place(u, f64::from(row) * frame.pitch());
            self.turned([f64::from(s.x), f64::from(s.y), z])
        };
        let (a, b) = (place(f64::from(run.a)), place(f64::from(run.b)));
        // The number of the face, from where the line lies and not from its row, which begins anywhere.
        let number = (0.5 * (a[family] + b[family]) / self.edge).round() as i64;
        let level = if number == 0 { LEVELS } else { number.trailing_zeros() };
        let Some(map) = self.maps.get(level as usize) else { return emit(run) };
        let cube = self.edge * f64::from(2 << level);
        let cuts = cuts(a, b, family, cube);
        let mut open: Option<i32> = None;
        let along = |t: f64| run.a + (t * f64::from(run.length())).round() as i32;
        for pair in cuts.windows(2) {
            let t = 0.5 * (pair[0] + pair[1]);
            let mut at: [i64; 3] =
                std::array::from_fn(|k| ((a[k] + t * (b[k] - a[k])) / cube).floor() as i64);
            at[family] = number.div_euclid(2 << level);
            match (map.has(at), open) {
                (true, None) => open = Some(along(pair[0])),
                (false, Some(from)) => {
                    emit(Run { a: from, b: along(pair[0]) });
                    open = None;
                }
                _ => {}
            }
        }
        if let Some(from) = open {
            emit(Run { a: from, b: run.b });
        }
    }
}

/// Returns where a line passes from cube to cube, as fractions of it, both its ends included.
fn cuts(a: [f64; 3], b: [f64; 3], family: usize, cube: f64) -> Vec<f64> {
    let mut out = vec![0.0, 1.0];
    for k in (0..3).filter(|k| *k != family) {
        let (from, to) = (a[k] / cube, b[k] / cube);
        let (low, high) = (from.min(to).ceil() as i64, from.max(to).floor() as i64);
        if (to - from).abs() > 1e-9 {
            out.extend((low..=high).map(|n| ((n as f64 - from) / (to - from)).clamp(0.0, 1.0)));
        }
    }
    out.sort_by(f64::total_cmp);
    out
}

/// Marks all cubes that a triangle may pass through: column by column along the direction that it faces most.
fn mark_triangle(t: &[[f64; 3]; 3], map: &mut Map) {
    let side = |i: usize| -> [f64; 3] { std::array::from_fn(|k| t[i][k] - t[0][k]) };
    let (p, q) = (side(1), side(2));
    let normal = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
    let faced = (0..3).fold(0, |m, k| if normal[k].abs() > normal[m].abs() { k } else { m });
    let bounds = |k: usize| {
        let (low, high) = (t[0][k].min(t[1][k]).min(t[2][k]), t[0][k].max(t[1][k]).max(t[2][k]));
        (low.floor() as i64, high.floor() as i64)
    };
    let [i, j] = [(faced + 1) % 3, (faced + 2) % 3];
    let (low, high) = bounds(faced);
    if normal[faced] == 0.0 {
        for corner in t {
            map.mark(corner.map(|c| c.floor() as i64));
        }
        return;
    }
    let slopes = [-normal[i] / normal[faced], -normal[j] / normal[faced]];
    for ci in bounds(i).0..=bounds(i).1 {
        for cj in bounds(j).0..=bounds(j).1 {
            let middle = t[0][faced]
                + slopes[0] * (ci as f64 + 0.5 - t[0][i])
                + slopes[1] * (cj as f64 + 0.5 - t[0][j]);
            let half = 0.5 * (slopes[0].abs() + slopes[1].abs());
            let from = ((middle - half).floor() as i64).max(low);
            let to = ((middle + half).floor() as i64).min(high);
            for c in from..=to {
                let mut cube = [0; 3];
                (cube[faced], cube[i], cube[j]) = (c, ci, cj);
                map.mark(cube);
            }
        }
    }
}

/// Returns the map of cubes twice as large.
fn halved(finer: &Map) -> Map {
    let low = finer.low.map(|v| v.div_euclid(2));
    let size: [i64; 3] =
        std::array::from_fn(|k| (finer.low[k] + finer.size[k] - 1).div_euclid(2) - low[k] + 1);
    let cubes = size.iter().product::<i64>() as usize;
    let mut map = Map { low, size, bits: vec![0; cubes.div_ceil(64)] };
    for (word, bits) in finer.bits.iter().enumerate() {
        let mut bits = *bits;
        while bits != 0 {
            let at = (word * 64) as i64 + i64::from(bits.trailing_zeros());
            bits &= bits - 1;
            let [_, n, m] = finer.size;
            let cube = [at / (n * m), at / m % n, at % m];
            map.mark(std::array::from_fn(|k| (cube[k] + finer.low[k]).div_euclid(2)));
        }
    }
    map
}
