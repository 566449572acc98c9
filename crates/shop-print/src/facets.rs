//! A mesh made ready for slicing: corners on the grid, triangles in the order in which layers first meet them.
//!
//! The one idea: a print is read once from bottom to top. Triangles are sorted by counting, O(triangles + layers), and
//! a [`Front`] keeps those that the current layer cuts; a layer costs what it cuts, however many triangles there are.

use rayon::prelude::*;
use shop_geom::mesh::Mesh;
use shop_geom::planar::{PER_MM, Spot};

/// The planes in which a part is cut, and what is printed there.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Where each layer is cut: its middle, grid units above the bed.
    planes: Vec<i32>,
    /// Top of each layer, mm above the bed.
    tops: Vec<f64>,
    /// Layers of the raft, and the air above it, mm.
    raft: usize,
    air: f64,
}

impl Levels {
    /// Returns layers of one height but for the first, up to `height` mm.
    pub fn even(height_mm: f64, first_mm: f64, layer_mm: f64) -> Levels {
        let (mut planes, mut tops) = (Vec::new(), Vec::new());
        let mut bottom = 0.0;
        loop {
            // Sums of heights drift; products do not.
            let top = first_mm + planes.len() as f64 * layer_mm;
            let middle = 0.5 * (bottom + top);
            if middle >= height_mm || planes.len() >= Levels::MOST {
                return Levels { planes, tops, raft: 0, air: 0.0 };
            }
            planes.push((middle * PER_MM).round() as i32);
            tops.push(top);
            bottom = top;
        }
    }

    /// More layers than this are a mistake in the units.
    pub const MOST: usize = 1_000_000;

    /// Returns layers with these tops, mm, as far as their middles lie below `height` mm.
    pub fn of_tops(mut tops: Vec<f64>, height_mm: f64) -> Levels {
        let mut planes = Vec::with_capacity(tops.len());
        let mut bottom = 0.0;
        for &top in &tops {
            let middle = 0.5 * (bottom + top);
            if middle >= height_mm {
                break;
            }
            planes.push((middle * PER_MM).round() as i32);
            bottom = top;
        }
        tops.truncate(planes.len());
        Levels { planes, tops, raft: 0, air: 0.0 }
    }

    /// Returns these layers on a raft of `count` layers, `first_mm` and `layer_mm` thick, `air_mm` above it.
    pub fn on_raft(&self, count: usize, first_mm: f64, layer_mm: f64, air_mm: f64) -> Levels {
        if count == 0 {
            return self.clone();
        }
        let tops: Vec<f64> = (0..count).map(|i| first_mm + i as f64 * layer_mm).collect();
        let mut out = Levels::of_tops(tops, f64::INFINITY);
        (out.raft, out.air) = (count, air_mm);
        let lift = out.lift();
        out.planes.extend(self.planes.iter().map(|p| p + (lift * PER_MM).round() as i32));
        out.tops.extend(self.tops.iter().map(|t| t + lift));
        out
    }

    /// Returns how many layers the raft has.
    pub fn raft(&self) -> usize {
        self.raft
    }

    /// Returns how high above the bed the part begins, mm.
    pub fn lift(&self) -> f64 {
        self.raft.checked_sub(1).map_or(0.0, |last| self.tops[last] + self.air)
    }

    /// Returns how many layers there are.
    pub fn len(&self) -> usize {
        self.planes.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.planes.is_empty()
    }

    /// Returns the height at which a layer is cut, grid units.
    pub fn plane(&self, layer: usize) -> i32 {
        self.planes[layer]
    }

    /// Returns the top of a layer, where the nozzle is, mm.
    pub fn top(&self, layer: usize) -> f64 {
        self.tops[layer]
    }

    /// True when all layers of the part but its first are of one height.
    pub fn are_even(&self) -> bool {
        let mut heights = (self.raft + 1..self.len()).map(|layer| self.height(layer));
        let one = heights.next();
        heights.all(|h| one.is_some_and(|one| (h - one).abs() < 1e-6))
    }

    /// Returns how thick a layer is, mm.
    pub fn height(&self, layer: usize) -> f64 {
        let below = if layer == 0 { 0.0 } else { self.tops[layer - 1] };
        let air = if layer == self.raft { self.air } else { 0.0 };
        let height = self.tops[layer] - below - air;
        // Differences of sums are not quite the same from layer to layer; layers of one height are.
        (height * 1e9).round() / 1e9
    }

    /// Returns how many layers are cut below a height, mm.
    pub fn below(&self, height_mm: f64) -> usize {
        self.planes.partition_point(|p| f64::from(*p) < height_mm * PER_MM)
    }

    /// Returns the first layer whose plane is above `z`.
    pub(crate) fn above(&self, z: i32) -> usize {
        let n = self.planes.len();
        if n < 2 || z < self.planes[0] {
            return self.planes.partition_point(|p| *p <= z);
        }
        // Layers are mostly evenly spaced: guess, then step.
        let span = f64::from(self.planes[n - 1] - self.planes[0]);
        let guess = f64::from(z - self.planes[0]) / span * (n - 1) as f64;
        let mut i = (guess as usize).min(n);
        let away = |i: usize| i.checked_sub(1).map_or(0, |i| self.planes[i].abs_diff(z));
        if away(i) > 4 * (span / (n - 1) as f64) as u32 {
            return self.planes.partition_point(|p| *p <= z);
        }
        while i > 0 && self.planes[i - 1] > z {
            i -= 1;
        }
        while i < n && self.planes[i] <= z {
            i += 1;
        }
        i
    }
}

/// So many points or triangles at least are worked on by one core.
const AT_ONCE: usize = 4096;

/// A triangle and the last layer that cuts it.
#[derive(Clone, Copy, Debug)]
pub struct Facet {
    /// Its corners.
    pub corners: [u32; 3],
    last: u32,
}

/// A mesh, ready to be cut.
#[derive(Debug, Default)]
pub struct Facets {
    /// Corners, grid units.
    pub points: Vec<[i32; 3]>,
    /// By first layer.
    sorted: Vec<Facet>,
    /// Facets first cut by layer i are `sorted[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
}

impl Facets {
    /// Makes a mesh ready: moved by `shift` mm, cut at `levels`. A mesh that is seen from inside is turned inside out.
    pub fn new(mesh: Mesh, shift: [f64; 3], levels: &Levels) -> Facets {
        let inside_out = mesh.volume() < 0.0;
        let grid = |v: f64, by: f64| ((v + by) * PER_MM).round() as i32;
        let points: Vec<[i32; 3]> = mesh
            .points
            .par_iter()
            .with_min_len(AT_ONCE)
            .map(|p| [grid(p.x, shift[0]), grid(p.y, shift[1]), grid(p.z, shift[2])])
            .collect();
        let Mesh { points: given, mut triangles, .. } = mesh;
        drop(given);
        if inside_out {
            triangles.par_iter_mut().with_min_len(AT_ONCE).for_each(|t| t.swap(1, 2));
        }
        // First pass: which layers; second: where to.
        let mut starts = vec![0u32; levels.len() + 1];
        let spans: Vec<[u32; 2]> = triangles
            .par_iter()
            .with_min_len(AT_ONCE)
            .map(|t| {
                let z = t.map(|i| points[i as usize][2]);
                let (low, high) = (z[0].min(z[1]).min(z[2]), z[0].max(z[1]).max(z[2]));
                // A corner in the plane counts as above it, so that no triangle is cut in a point.
                let first = levels.above(low);
                let end = if high == low { first } else { levels.above(high) };
                [first as u32, end as u32]
            })
            .collect();
        for [first, end] in &spans {
            if first < end {
                starts[*first as usize + 1] += 1;
            }
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut at = starts.clone();
        let mut sorted = vec![Facet { corners: [0; 3], last: 0 }; *starts.last().unwrap_or(&0) as usize];
        for (corners, [first, end]) in triangles.into_iter().zip(spans) {
            if first < end {
                let slot = &mut at[first as usize];
                sorted[*slot as usize] = Facet { corners, last: end - 1 };
                *slot += 1;
            }
        }
        Facets { points, sorted, starts }
    }

    /// Returns how many facets are cut by any layer.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Returns a facet.
    #[inline]
    pub fn corners(&self, facet: u32) -> [u32; 3] {
        self.sorted[facet as usize].corners
    }

    /// Returns the last layer that each facet meets, facet by facet.
    pub fn last_layers(&self) -> impl Iterator<Item = u32> + '_ {
        self.sorted.iter().map(|f| f.last)
    }

    /// Adds the corners of what facets that begin in a layer or below it have at height `z` or below.
    pub fn spots_below(&self, layer: usize, z: i32, out: &mut Vec<Spot>) {
        for facet in &self.sorted[..self.begun(layer) as usize] {
            let corners = facet.corners.map(|c| self.points[c as usize]);
            for (i, a) in corners.into_iter().enumerate() {
                if a[2] <= z {
                    out.push(Spot::new(a[0], a[1]));
                }
                let b = corners[(i + 1) % 3];
                if (a[2] <= z) != (b[2] <= z) {
                    let t = f64::from(z - a[2]) / f64::from(b[2] - a[2]);
                    let at =
                        |k: usize| (f64::from(a[k]) + t * (f64::from(b[k]) - f64::from(a[k]))).round() as i32;
                    out.push(Spot::new(at(0), at(1)));
                }
            }
        }
    }

    /// Returns how many facets begin in a layer or below it: those with the lowest numbers.
    pub fn begun(&self, layer: usize) -> u32 {
        self.starts[layer + 1]
    }
}

/// The facets that one layer cuts, carried from layer to layer.
#[derive(Clone, Debug, Default)]
pub struct Front {
    cut: Vec<u32>,
}

impl Front {
    /// Goes on to `layer`, which must be the one after the last, and returns what it cuts. O(what this one and the last
    /// one cut).
    pub fn advance(&mut self, facets: &Facets, layer: usize) -> &[u32] {
        let now = layer as u32;
        self.cut.retain(|&f| facets.sorted[f as usize].last >= now);
        self.cut.extend(facets.starts[layer]..facets.starts[layer + 1]);
        &self.cut
    }
}
