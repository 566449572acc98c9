//! Lightning: trees that carry nothing but what is solid from above, and grow out of the walls as far below it as a slope
//! of 45° needs.
//!
//! ```text
//!   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒   solid          From the top to the bottom: where a place is the last one under a solid, a branch
//!   █ ╲   ╱   ╲   ╱ █                  leads from the nearest wall or branch to it. A layer further down every tip is
//!   █  ╲ ╱     ╲ ╱  █   branches       as much shorter as the layer is high, and bends are a little straighter; what
//!   █   ╲       ╱   █                  lies in a wall there has arrived.
//! ```
//!
//! NOTE: like supports, trees are known from far above, so they are worked out before the layers flow, and held for all
//! layers at once; they are few.

use super::Space;
use super::strands::{LOOSE, Strands};
use crate::job::Job;
use crate::rows::Rows;
use crate::supports::bits::{Bits, Lattice};
use crate::supports::survey::{Sources, Wants, survey};
use shop_geom::planar::{PER_MM, Spot};
use std::collections::VecDeque;

/// The trees of all layers.
#[derive(Clone, Debug, Default)]
pub struct Lightning {
    layers: Vec<Branches>,
}

/// Lines of one layer, in two flat arrays.
#[derive(Clone, Debug, Default)]
struct Branches {
    spots: Vec<Spot>,
    ends: Vec<u32>,
}

/// Nodes of the lattice lie at least this far apart, mm; farther, when there would be more than so many.
const CELL_MM: f64 = 0.8;
const MOST_NODES: f64 = 1e6;

const NONE: u32 = u32::MAX;

impl Lightning {
    /// Works out the trees of a part; `spacing` is the distance of lines of the same density, grid units. About linear in
    /// sections and nodes of the lattice.
    pub fn new(job: &Job, sources: &Sources<'_>, spacing: f64) -> Lightning {
        let spots = || sources.bodies.iter().flat_map(|f| f.points.iter().map(|p| Spot::new(p[0], p[1])));
        let (low, high) = spots()
            .fold((Spot::new(i32::MAX, i32::MAX), Spot::new(i32::MIN, i32::MIN)), |(l, h), s| {
                (Spot::new(l.x.min(s.x), l.y.min(s.y)), Spot::new(h.x.max(s.x), h.y.max(s.y)))
            });
        if low.x > high.x || job.levels.is_empty() {
            return Lightning::default();
        }
        let [x, y] = low.to(high);
        let cell = (CELL_MM * PER_MM).max((x * y / MOST_NODES).sqrt());
        let lattice = Lattice::new(0.0, cell, 4.0 * cell, spots());
        let mut layers = vec![Branches::default(); job.levels.len()];
        let mut grower = Grower::new(job, &lattice, cell, spacing);
        survey(job, sources, &lattice, Wants::default(), |layer, view| {
            layers[layer] = grower.descend(job.levels.height(layer) * PER_MM, view.solid);
        });
        Lightning { layers }
    }

    /// Adds the branches of a layer, as far as they lie in `within`, rows of its frame.
    pub fn fill(&self, space: &Space<'_>, within: &Rows, least: f64, strands: &mut Strands) {
        let Some(branches) = self.layers.get(space.layer) else { return };
        let mut start = 0;
        for &end in &branches.ends {
            let way = &branches.spots[start..end as usize];
            strands.add_way_within(way, [LOOSE; 2], (within, space.inner.1), least);
            start = end as usize;
        }
    }
}

/// A place of a tree.
#[derive(Clone, Copy, Debug)]
struct Node {
    at: [f64; 2],
    /// Towards the wall; always an earlier one.
    parent: u32,
    /// Where a tree begins in a wall; of roots only.
    wall: [f64; 2],
}

/// Trees on their way down.
struct Grower<'a> {
    lattice: &'a Lattice,
    /// Rows and columns.
    size: [usize; 2],
    cell: f64,
    /// A branch carries what is as near as this.
    radius: f64,
    /// Thickness of the walls.
    walls: f64,
    top: usize,
    /// Sections of the layers above, the next one last.
    above: VecDeque<Bits>,
    /// What was sparse in the layer above.
    sparse: Bits,
    nodes: Vec<Node>,
    /// The nearest node of the lattice that is not in the part, for each.
    outside: Vec<u32>,
    /// The section for which that is known.
    measured: Bits,
    carried: Vec<bool>,
    buckets: Vec<Vec<u32>>,
}

impl<'a> Grower<'a> {
    fn new(job: &Job, lattice: &'a Lattice, cell: f64, spacing: f64) -> Grower<'a> {
        let s = &job.settings;
        Grower {
            lattice,
            size: lattice.size(),
            cell,
            radius: spacing.max(2.0 * cell),
            walls: f64::from(s.walls) * s.pitch_mm() * PER_MM,
            top: s.top_layers.max(1) as usize,
            above: VecDeque::new(),
            sparse: lattice.empty(),
            nodes: Vec::new(),
            outside: Vec::new(),
            measured: Bits::default(),
            carried: Vec::new(),
            buckets: Vec::new(),
        }
    }

    /// Goes down to a layer `height` thick with this section; returns its branches.
    fn descend(&mut self, height: f64, solid: Bits) -> Branches {
        let mut sparse = self.lattice.empty();
        if self.above.len() == self.top {
            sparse.add(&solid);
            self.above.iter().for_each(|b| sparse.keep(b));
        }
        let mut need = sparse.clone();
        need.take(&self.sparse);
        self.sparse = sparse;
        if !self.nodes.is_empty() || !need.is_empty() {
            self.measure(&solid);
            self.shorten(height);
            self.settle();
            if !need.is_empty() {
                self.grow(&need);
            }
        }
        if self.above.len() == self.top {
            self.above.pop_front();
        }
        self.above.push_back(solid);
        self.branches()
    }

    /// Finds the nearest place outside the part for every node: two passes over eight neighbours (Danielsson, 1980).
    fn measure(&mut self, solid: &Bits) {
        if self.measured == *solid {
            return;
        }
        self.measured = solid.clone();
        let [rows, columns] = self.size;
        let index = |r: usize, c: usize| r * columns + c;
        self.outside.clear();
        self.outside.resize(rows * columns, NONE);
        for r in 0..rows {
            for c in 0..columns {
                // The rim of the lattice lies outside everything.
                if !solid.has(r, c) || r == 0 || c == 0 || r + 1 == rows || c + 1 == columns {
                    self.outside[index(r, c)] = index(r, c) as u32;
                }
            }
        }
        let far = |from: u32, r: usize, c: usize| {
            let (dr, dc) = (from as usize / columns, from as usize % columns);
            (dr as i64 - r as i64).pow(2) + (dc as i64 - c as i64).pow(2)
        };
        for back in [false, true] {
            for i in 0..rows * columns {
                let at = if back { rows * columns - 1 - i } else { i };
                let (r, c) = (at / columns, at % columns);
                let mut best = self.outside[at];
                if best == at as u32 {
                    continue;
                }
                for dr in -1i64..=1 {
                    for dc in -1i64..=1 {
                        let (nr, nc) = (r as i64 + dr, c as i64 + dc);
                        // Inner nodes only: the rim is outside.
                        let other = self.outside[(nr * columns as i64 + nc) as usize];
                        if other != NONE && (best == NONE || far(other, r, c) < far(best, r, c)) {
                            best = other;
                        }
                    }
                }
                self.outside[at] = best;
            }
        }
    }

    fn index(&self, at: [f64; 2]) -> Option<usize> {
        self.lattice.node(at).map(|[r, c]| r * self.size[1] + c)
    }

    fn place(&self, index: u32) -> [f64; 2] {
        self.lattice.place(index as usize / self.size[1], index as usize % self.size[1])
    }

    /// Returns the nearest place outside the part.
    fn wall_of(&self, at: [f64; 2]) -> [f64; 2] {
        match self.index(at).map(|i| self.outside[i]) {
            Some(out) if out != NONE => self.place(out),
            _ => at,
        }
    }

    /// Returns how deep within the part a place lies.
    fn depth(&self, at: [f64; 2]) -> f64 {
        distance(at, self.wall_of(at))
    }

    /// Takes `step` off every tip, and lets bends be straighter.
    fn shorten(&mut self, step: f64) {
        let n = self.nodes.len();
        let mut children = vec![(0u32, NONE); n];
        for (i, node) in self.nodes.iter().enumerate().filter(|(_, n)| n.parent != NONE) {
            let c = &mut children[node.parent as usize];
            *c = (c.0 + 1, i as u32);
        }
        let before: Vec<[f64; 2]> = self.nodes.iter().map(|n| n.at).collect();
        let mut rest = vec![step; n];
        let mut gone = vec![false; n];
        for i in (0..n).rev() {
            let node = self.nodes[i];
            let to = if node.parent == NONE { node.wall } else { before[node.parent as usize] };
            match children[i] {
                (0, _) => {
                    let length = distance(node.at, to);
                    if length > rest[i] {
                        self.nodes[i].at = towards(node.at, to, rest[i] / length);
                        continue;
                    }
                    gone[i] = true;
                    if node.parent != NONE {
                        let p = node.parent as usize;
                        children[p].0 -= 1;
                        rest[p] = rest[p].min(rest[i] - length);
                    }
                }
                (1, child) if node.parent != NONE => {
                    let middle = towards(to, before[child as usize], 0.5);
                    let bend = distance(node.at, middle);
                    self.nodes[i].at = towards(node.at, middle, (0.5 * step / bend.max(1e-9)).min(1.0));
                }
                _ => {}
            }
        }
        self.keep(|i, _| !gone[i]);
    }

    /// Lets go of what lies outside the part here, and leads roots to where the walls are now.
    fn settle(&mut self) {
        let inside: Vec<bool> = self.nodes.iter().map(|n| self.depth(n.at) > 0.0).collect();
        self.keep(|i, _| inside[i]);
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut moved = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut node = *node;
            if node.parent == NONE {
                // The wall has stepped back: its old place is on the way to the new one.
                if self.depth(node.wall) > self.walls {
                    let root = Node { at: node.wall, parent: NONE, wall: self.wall_of(node.wall) };
                    node.parent = out.len() as u32;
                    out.push(root);
                }
            } else {
                node.parent = moved[node.parent as usize];
            }
            moved.push(out.len() as u32);
            out.push(node);
        }
        self.nodes = out;
    }

    /// Drops nodes; those whose parent is dropped become roots that end where it was.
    fn keep(&mut self, keep: impl Fn(usize, &Node) -> bool) {
        let mut moved = vec![NONE; self.nodes.len()];
        let mut out = Vec::with_capacity(self.nodes.len());
        for (i, node) in self.nodes.iter().enumerate() {
            if !keep(i, node) {
                continue;
            }
            let mut node = *node;
            if node.parent != NONE {
                let parent = self.nodes[node.parent as usize];
                node.parent = moved[node.parent as usize];
                node.wall = parent.at;
            }
            moved[i] = out.len() as u32;
            out.push(node);
        }
        self.nodes = out;
    }

    /// Adds branches to everything in `need` that none carries.
    fn grow(&mut self, need: &Bits) {
        self.carried.clear();
        self.carried.resize(self.outside.len(), false);
        let wide = self.bucket_columns();
        self.buckets.clear();
        self.buckets.resize(wide * (self.size[0] / BUCKET + 1), Vec::new());
        for i in 0..self.nodes.len() {
            self.enter(i as u32);
        }
        let mut wanted = Vec::new();
        need.each(|r, c| {
            let i = (r * self.size[1] + c) as u32;
            let depth = distance(self.place(i), self.place(self.outside[i as usize]));
            if depth > self.radius + self.walls {
                wanted.push((depth, i));
            }
        });
        // Trees grow inwards from the walls.
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (depth, i) in wanted {
            if !self.carried[i as usize] {
                self.branch(self.place(i), depth);
            }
        }
    }

    /// Leads a branch to a place from the nearest one that is there, or from the wall.
    fn branch(&mut self, to: [f64; 2], depth: f64) {
        let (mut parent, mut from) = (NONE, self.wall_of(to));
        let wall = from;
        if let Some(near) = self.nearest(to, depth)
            && self.is_inside(self.nodes[near as usize].at, to)
        {
            (parent, from) = (near, self.nodes[near as usize].at);
        }
        let length = distance(from, to);
        // Close enough together to be found, and to carry all between them.
        let steps = (length / (0.5 * self.radius)).ceil().max(1.0);
        for k in 1..=steps as u32 {
            let at = towards(from, to, f64::from(k) / steps);
            if self.depth(at) <= 0.0 {
                continue;
            }
            self.nodes.push(Node { at, parent, wall });
            parent = self.nodes.len() as u32 - 1;
            self.enter(parent);
        }
    }

    fn is_inside(&self, a: [f64; 2], b: [f64; 2]) -> bool {
        let steps = (distance(a, b) / self.cell).ceil().max(1.0);
        (0..=steps as u32).all(|k| self.depth(towards(a, b, f64::from(k) / steps)) > 0.0)
    }

    fn bucket_columns(&self) -> usize {
        self.size[1] / BUCKET + 1
    }

    /// Lets a node carry what is around it, and be found.
    fn enter(&mut self, node: u32) {
        let at = self.nodes[node as usize].at;
        let Some([r, c]) = self.lattice.node(at) else { return };
        let wide = self.bucket_columns();
        self.buckets[r / BUCKET * wide + c / BUCKET].push(node);
        let reach = (self.radius / self.cell) as usize;
        for nr in r.saturating_sub(reach)..=(r + reach).min(self.size[0] - 1) {
            for nc in c.saturating_sub(reach)..=(c + reach).min(self.size[1] - 1) {
                let i = nr * self.size[1] + nc;
                if !self.carried[i] && distance(at, self.place(i as u32)) <= self.radius {
                    self.carried[i] = true;
                }
            }
        }
    }

    /// Returns the nearest node that is nearer than `within`.
    fn nearest(&self, at: [f64; 2], within: f64) -> Option<u32> {
        let [r, c] = self.lattice.node(at)?;
        let [br, bc] = [r / BUCKET, c / BUCKET].map(|v| v as i64);
        let (wide, high) = (self.bucket_columns() as i64, (self.size[0] / BUCKET + 1) as i64);
        let mut best = (within, NONE);
        for ring in 0..wide.max(high) {
            // Everything in this ring is at least so far.
            if (ring - 1) as f64 * BUCKET as f64 * self.cell > best.0 {
                break;
            }
            for y in (br - ring).max(0)..=(br + ring).min(high - 1) {
                let step = if (y - br).abs() == ring || ring == 0 { 1 } else { 2 * ring as usize };
                for x in (bc - ring..=bc + ring).step_by(step) {
                    if !(0..wide).contains(&x) {
                        continue;
                    }
                    for &node in &self.buckets[(y * wide + x) as usize] {
                        let far = distance(at, self.nodes[node as usize].at);
                        if far < best.0 || (far == best.0 && node < best.1) {
                            best = (far, node);
                        }
                    }
                }
            }
        }
        (best.1 != NONE).then_some(best.1)
    }

    /// Returns the trees as lines, each from a tip to a wall or to a line that is there.
    fn branches(&self) -> Branches {
        let mut out = Branches::default();
        let mut drawn = vec![false; self.nodes.len()];
        let spot = |p: [f64; 2]| Spot::new(p[0].round() as i32, p[1].round() as i32);
        for tip in (0..self.nodes.len()).rev() {
            if drawn[tip] {
                continue;
            }
            let mut i = tip;
            loop {
                let node = self.nodes[i];
                out.spots.push(spot(node.at));
                if drawn[i] {
                    break;
                }
                drawn[i] = true;
                if node.parent == NONE {
                    out.spots.push(spot(node.wall));
                    break;
                }
                i = node.parent as usize;
            }
            out.ends.push(out.spots.len() as u32);
        }
        out
    }
}

/// Nodes of the lattice along the side of a bucket.
const BUCKET: usize = 8;

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (b[0] - a[0]).hypot(b[1] - a[1])
}

fn towards(a: [f64; 2], b: [f64; 2], t: f64) -> [f64; 2] {
    [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
}
