//! Supports as trees: thin branches from under what hangs, that lean together into trunks on their way down.
//!
//! ```text
//!   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
//!   ╷   ╷   ╷   ╷        tips, a few millimetres apart
//!    ╲  │   ╱  ╱
//!     ╲ ╲  ╱ ╱           a branch leans to its nearest neighbour, if both can meet before the bed,
//!      ╲┃ ┃╱             and where the part is in the way, to where the way down is free
//!       ┃┃
//!       ┃┃               where two meet, one goes on, as thick as the thicker one
//! ```
//!
//! From the bed up it is worked out where a branch is **free**: not near the part, and above a place where it is free, as
//! far as a branch may lean. A branch that is nowhere free comes down as near to the part as it fits, and stands on it.
//! So layers are passed three times, cut from the top to the bottom, then up, then down; in between they lie in a
//! [`Stack`], which holds what differs from layer to layer only.

use super::bits::{Bits, Growth, Lattice};
use super::stack::Stack;
use super::survey::{Sources, Wants, survey};
use super::{Branch, Layer};
use crate::job::Job;
use crate::rows::Rows;
use shop_geom::planar::PER_MM;
use std::collections::VecDeque;
use std::sync::Arc;

/// Branches do not lean to others that are farther away, mm.
const FARTHEST_MM: f64 = 15.0;

/// What trees see of a layer.
#[derive(Default)]
struct Level {
    hangs: Bits,
    solid: Bits,
    /// Where a thick branch has a free way down to the bed.
    free: Bits,
}

/// All layers, the last one pushed first.
#[derive(Default)]
struct Levels {
    hangs: Stack,
    solid: Stack,
    free: Stack,
}

/// The layers around the one that is grown: `levels[0]` is the layer below it.
struct Sight {
    all: Levels,
    levels: VecDeque<Level>,
    /// Layers above it that count.
    above: usize,
}

impl Sight {
    /// Goes one layer down.
    fn descend(&mut self) {
        let [hangs, solid, free] =
            [&mut self.all.hangs, &mut self.all.solid, &mut self.all.free].map(Stack::pop);
        let [hangs, solid, free] = [hangs, solid, free].map(Option::unwrap_or_default);
        self.levels.push_front(Level { hangs, solid, free });
        self.levels.truncate(self.above + 2);
    }

    /// Returns the layer so far above the one that is grown.
    fn above(&self, by: usize) -> Option<&Level> {
        self.levels.get(by + 1)
    }
}

/// A branch on its way down, in nodes of the lattice.
#[derive(Clone, Copy, Debug)]
struct Shoot {
    at: [f64; 2],
    /// Millimetres below its highest tip.
    depth: f64,
    /// Its number.
    id: u32,
    /// It ends here.
    over: bool,
}

/// What became of branches that end before the bed, by their numbers.
#[derive(Default)]
struct Ends {
    /// The branch that each went on as; its own number until it ends.
    heir: Vec<u32>,
    /// It stands on the part.
    grounded: Vec<bool>,
}

impl Ends {
    fn begin(&mut self) -> u32 {
        self.heir.push(self.heir.len() as u32);
        self.grounded.push(false);
        self.heir.len() as u32 - 1
    }

    /// True when a branch or what it became of stands on the part.
    fn on_part(&self, mut id: u32) -> bool {
        while self.heir[id as usize] != id {
            id = self.heir[id as usize];
        }
        self.grounded[id as usize]
    }
}

/// Returns the trees of all layers.
pub(super) fn trees(job: &Job, sources: &Sources<'_>, lattice: &Lattice) -> Vec<Layer> {
    let s = &job.settings;
    let n = job.levels.len();
    let gap = (s.support_gap_mm / s.layer_height_mm).round() as usize;
    let mut levels = Levels::default();
    survey(job, sources, lattice, Wants::default(), |_, view| {
        levels.hangs.push(view.hangs);
        levels.solid.push(view.solid);
    });
    let grove = Grove {
        job,
        lattice,
        lean: s.support_branch_angle_deg.to_radians().tan(),
        thin: lattice.cells(0.5 * s.support_tip_mm),
        thick: lattice.cells(0.5 * s.support_branch_mm),
        aside: lattice.cells(s.support_xy_mm),
        spacing: lattice.cells(s.support_tip_spacing_mm),
        roof: s.support_interface_layers as usize,
        gap,
    };
    grove.grow(grove.free(levels, n), n)
}

struct Grove<'a> {
    job: &'a Job,
    lattice: &'a Lattice,
    /// How far a branch may lean for every unit of height.
    lean: f64,
    /// Radius of tips and of trunks, distance from the part, distance of tips: nodes.
    thin: f64,
    thick: f64,
    aside: f64,
    spacing: f64,
    /// Layers of dense lines above tips.
    roof: usize,
    /// Layers of air.
    gap: usize,
}

impl Grove<'_> {
    /// Finds where branches are free, from the lowest layer to the highest.
    fn free(&self, mut levels: Levels, n: usize) -> Levels {
        let mut room = Growth::default();
        let mut out = Levels::default();
        let mut below: Option<Bits> = None;
        // A layer's lean is less than a node: it is saved up.
        let mut saved = 0.0;
        for i in 0..n {
            let [hangs, solid] = [&mut levels.hangs, &mut levels.solid].map(Stack::pop);
            let [hangs, solid] = [hangs, solid].map(Option::unwrap_or_default);
            let mut free = match below {
                None => self.lattice.full(),
                Some(below) => {
                    saved += self.step(i);
                    if saved >= 1.0 {
                        saved -= 1.0;
                        below.grown(1.0, &mut room)
                    } else {
                        below
                    }
                }
            };
            free.take(&solid.grown(self.thick + self.aside, &mut room));
            below = Some(free.clone());
            out.hangs.push(hangs);
            out.solid.push(solid);
            out.free.push(free);
        }
        out
    }

    /// Returns how far a branch may lean in a layer, nodes.
    fn step(&self, layer: usize) -> f64 {
        self.lattice.cells(self.job.levels.height(layer) * self.lean)
    }

    /// Goes down from the top. O(layers × (branches + nodes / 64)) where branches are few.
    fn grow(&self, all: Levels, n: usize) -> Vec<Layer> {
        let below = 1 + self.gap;
        let mut sight = Sight { all, levels: VecDeque::new(), above: below + self.roof };
        sight.descend();
        let mut layers = vec![Layer::default(); n];
        let mut shoots: Vec<Shoot> = Vec::new();
        let mut ends = Ends::default();
        let mut room = Growth::default();
        for i in (0..n).rev() {
            sight.descend();
            let Some(own) = sight.above(0) else { break };
            let tight = own.solid.grown((self.thin + 0.5 * self.aside).max(1.0), &mut room);
            if let Some(above) = sight.above(below + self.roof)
                && !above.hangs.is_empty()
            {
                self.sprout(&above.hangs, &tight, &mut shoots, &mut ends);
            }
            if self.roof > 0 {
                layers[i].face = Arc::new(self.roof(&sight, below, &mut room));
            }
            let thickest = shoots.iter().map(|s| self.radius(s)).fold(self.thin, f64::max);
            let foot = self.lattice.cells(self.foot(i));
            let wide = own.solid.grown(thickest + foot + self.aside + 1.5, &mut room);
            self.keep(i, &shoots, &wide, &mut layers[i].branches);
            if i == 0 {
                break;
            }
            let next = &sight.levels[0];
            let tight = next.solid.grown((self.thin + 0.5 * self.aside).max(1.0), &mut room);
            self.descend(i, &next.free, &tight, &next.solid, &mut shoots, &mut ends);
        }
        if self.job.settings.support_on_bed_only {
            for layer in &mut layers {
                layer.branches.retain(|b| !ends.on_part(b.id));
            }
        }
        layers
    }

    /// Returns the dense lines of a layer.
    fn roof(&self, sight: &Sight, below: usize, room: &mut Growth) -> Rows {
        let mut face = self.lattice.empty();
        for above in (below..below + self.roof).filter_map(|by| sight.above(by)) {
            face.add(&above.hangs);
        }
        if face.is_empty() {
            return Rows::default();
        }
        let mut face = face.grown(self.lattice.cells(0.5), room);
        for near in (0..=self.gap).filter_map(|by| sight.above(by)) {
            face.take(&near.solid);
        }
        self.lattice.runs(&face, 1)
    }

    /// Adds tips under what hangs where no branch is near.
    fn sprout(&self, hangs: &Bits, tight: &Bits, shoots: &mut Vec<Shoot>, ends: &mut Ends) {
        let mut open = hangs.clone();
        open.take(tight);
        let cover = |open: &mut Bits, at: [f64; 2]| {
            let reach = self.spacing.ceil() as i32;
            for dr in -reach..=reach {
                let across = f64::from(dr);
                let along = (self.spacing * self.spacing - across * across).max(0.0).sqrt() as i32;
                for dc in -along..=along {
                    let (row, column) = (at[1].round() as i32 + dr, at[0].round() as i32 + dc);
                    if row >= 0 && column >= 0 && (row as usize) < self.lattice.size()[0] {
                        let column = column as usize;
                        if column < self.lattice.size()[1] {
                            open.unset(row as usize, column);
                        }
                    }
                }
            }
        };
        for shoot in shoots.iter() {
            cover(&mut open, shoot.at);
        }
        let mut rest: Vec<[usize; 2]> = Vec::new();
        open.each(|row, column| rest.push([row, column]));
        for [row, column] in rest {
            if !open.has(row, column) {
                continue;
            }
            let at = [column as f64, row as f64];
            cover(&mut open, at);
            shoots.push(Shoot { at, depth: 0.0, id: ends.begin(), over: false });
        }
    }

    /// Keeps the branches of a layer as they are laid.
    fn keep(&self, layer: usize, shoots: &[Shoot], wide: &Bits, branches: &mut Vec<Branch>) {
        let s = &self.job.settings;
        for shoot in shoots {
            let mut radius = self.radius(shoot) / self.lattice.cells(1.0);
            radius += self.foot(layer);
            let [column, row] = shoot.at;
            let near = self.cell(shoot.at).is_none_or(|[r, c]| wide.has(r, c));
            let [u, v] = self.lattice.place_at(row, column);
            branches.push(Branch {
                at: self.lattice.frames[0].back([u, v]),
                radius: (radius.max(0.6 * s.road_width_mm) * PER_MM) as i32,
                near,
                id: shoot.id,
            });
        }
    }

    /// Returns by how much branches are thicker near the bed, so that they hold on to it, mm.
    fn foot(&self, layer: usize) -> f64 {
        (FOOT_MM - self.job.levels.top(layer)).clamp(0.0, FOOT_MM)
    }

    fn radius(&self, shoot: &Shoot) -> f64 {
        let taper = self.job.settings.support_branch_taper_deg.to_radians().tan();
        let reached = self.thin + self.lattice.cells(shoot.depth * taper);
        // A tip soon is as thick as a branch, and a branch goes on to grow slowly.
        let quick = self.thin + self.lattice.cells(shoot.depth * QUICK);
        quick.min(self.thick).max(reached.min(2.0 * self.thick))
    }

    fn cell(&self, at: [f64; 2]) -> Option<[usize; 2]> {
        let [rows, columns] = self.lattice.size();
        let (row, column) = (at[1].round(), at[0].round());
        let inside = row >= 0.0 && column >= 0.0 && row < rows as f64 && column < columns as f64;
        inside.then_some([row as usize, column as usize])
    }

    /// Returns the nearest free node.
    fn nearest(&self, free: &Bits, at: [f64; 2]) -> Option<[f64; 2]> {
        let mut best: Option<(f64, [f64; 2])> = None;
        // Farther away than the part is wide of a thick branch, no free place can be reached any more.
        let sight = (self.thick + self.aside).ceil() as i32 + 3;
        for ring in 1..=sight {
            // A ring of the square's sides; a farther ring cannot be nearer than its own distance.
            if best.is_some_and(|(far, _)| far <= f64::from(ring * ring)) {
                break;
            }
            for k in -ring..=ring {
                for (dr, dc) in [(-ring, k), (ring, k), (k, -ring), (k, ring)] {
                    let to = [at[0].round() + f64::from(dc), at[1].round() + f64::from(dr)];
                    let far = (to[0] - at[0]).powi(2) + (to[1] - at[1]).powi(2);
                    if best.is_none_or(|(least, _)| far < least)
                        && self.cell(to).is_some_and(|[r, c]| free.has(r, c))
                    {
                        best = Some((far, to));
                    }
                }
            }
        }
        best.map(|(_, to)| to)
    }

    /// Moves all branches from one layer to the one below.
    fn descend(
        &self,
        layer: usize,
        free: &Bits,
        tight: &Bits,
        solid: &Bits,
        shoots: &mut Vec<Shoot>,
        ends: &mut Ends,
    ) {
        let step = self.step(layer);
        let height = self.job.levels.height(layer);
        let room = self.lattice.cells(self.job.levels.top(layer) * self.lean);
        let wishes = wishes(shoots, room.min(0.5 * self.lattice.cells(FARTHEST_MM)));
        for (shoot, wish) in shoots.iter_mut().zip(wishes) {
            let at = shoot.at;
            let open = |to: [f64; 2]| self.cell(to).is_some_and(|[r, c]| free.has(r, c));
            let fits = |to: [f64; 2]| self.cell(to).is_some_and(|[r, c]| !tight.has(r, c));
            let toward = |to: [f64; 2]| {
                let far = (to[0] - at[0]).hypot(to[1] - at[1]);
                let t = if far > step { step / far } else { 1.0 };
                [at[0] + t * (to[0] - at[0]), at[1] + t * (to[1] - at[1])]
            };
            let wished = wish.map(toward);
            let stuck = !open(at);
            let out = if stuck { self.nearest(free, at) } else { None };
            // Over the part there is no free way down at all: branches lean together there as well.
            let next = match wished.filter(|to| open(*to) || (stuck && out.is_none() && fits(*to))) {
                Some(to) => Some(to),
                None if !stuck => Some(at),
                None => {
                    let ways = [out.map(toward), Some(at)];
                    let clear = |to: [f64; 2]| self.cell(to).is_some_and(|[r, c]| !solid.has(r, c));
                    let way = ways.iter().flatten().find(|to| fits(**to));
                    way.or(ways.iter().flatten().find(|to| clear(**to))).copied()
                }
            };
            if let Some(to) = next {
                shoot.at = to;
            } else {
                shoot.over = true;
                ends.grounded[shoot.id as usize] = true;
            }
            shoot.depth += height;
        }
        shoots.retain(|s| !s.over);
        merge(shoots, step.max(0.5), ends);
    }
}

/// Returns where each branch would lean: half way to its nearest neighbour, if that is at most `reach` nodes away.
fn wishes(shoots: &[Shoot], reach: f64) -> Vec<Option<[f64; 2]>> {
    let mut order: Vec<usize> = (0..shoots.len()).collect();
    order.sort_by(|&a, &b| shoots[a].at[0].total_cmp(&shoots[b].at[0]).then(a.cmp(&b)));
    let mut wishes = vec![None; shoots.len()];
    for (k, &i) in order.iter().enumerate() {
        let at = shoots[i].at;
        let mut best = (4.0 * reach * reach, None);
        let mut look = |j: usize| {
            let other = shoots[j].at;
            let along = (other[0] - at[0]).powi(2);
            let far = along + (other[1] - at[1]).powi(2);
            if far < best.0 {
                best = (far, Some(j));
            }
            along < best.0
        };
        for &j in &order[k + 1..] {
            if !look(j) {
                break;
            }
        }
        for &j in order[..k].iter().rev() {
            if !look(j) {
                break;
            }
        }
        wishes[i] = best.1.map(|j| {
            let other = shoots[j].at;
            [0.5 * (at[0] + other[0]), 0.5 * (at[1] + other[1])]
        });
    }
    wishes
}

/// Feet of trees spread by as much over as much height, mm.
const FOOT_MM: f64 = 1.0;
/// How much thicker a tip becomes for every millimetre down, mm.
const QUICK: f64 = 0.4;

/// Makes one branch of those that are nearer to one another than `near` nodes. O(n log n) where few are so near along x.
fn merge(shoots: &mut Vec<Shoot>, near: f64, ends: &mut Ends) {
    shoots.sort_by(|a, b| a.at[0].total_cmp(&b.at[0]).then(a.at[1].total_cmp(&b.at[1])));
    for i in 0..shoots.len() {
        if shoots[i].over {
            continue;
        }
        for j in i + 1..shoots.len() {
            let (a, b) = (shoots[i], shoots[j]);
            if b.at[0] - a.at[0] > near {
                break;
            }
            if !b.over && (b.at[0] - a.at[0]).hypot(b.at[1] - a.at[1]) <= near {
                // The thicker one stays where it is.
                let (heir, other) = if b.depth > a.depth { (b, a) } else { (a, b) };
                ends.heir[other.id as usize] = heir.id;
                (shoots[i], shoots[j].over) = (heir, true);
            }
        }
    }
    shoots.retain(|s| !s.over);
}
