//! Supports that stand straight under what they hold.
//!
//! Going down, what is held is carried along until the part is in the way:
//!
//! ```text
//!   carried(i) = (carried(i + 1) ∪ what hangs at i + 1 + gap, grown) − the section of i and what is too near to it
//! ```
//!
//! Of that, the layers next to what is held are interface, and so are those next to what supports stand on.

use super::Layer;
use super::bits::{Bits, Growth, Lattice};
use super::lay::{LEAST_LINE_MM, aside_mm};
use super::survey::{Sources, View, Wants, survey};
use crate::job::Job;
use crate::rows::Rows;
use shop_geom::planar::PER_MM;
use std::collections::VecDeque;
use std::sync::Arc;

/// Returns the columns of all layers.
pub(super) fn columns(job: &Job, sources: &Sources<'_>, lattice: &Lattice) -> Vec<Layer> {
    let s = &job.settings;
    let layers = |mm: f64| (mm / s.layer_height_mm).round() as usize;
    let wants = Wants {
        gap_above: layers(s.support_gap_mm),
        gap_below: layers(s.support_gap_below_mm),
        floor: s.support_interface_below_layers as usize,
        // A little more, so that roads are cut by the exact distance in few places only.
        aside: lattice.cells(aside_mm(s) + 0.04),
    };
    let mut descent = Descent {
        lattice,
        // A node stands for its cell, about.
        beyond: lattice.cells(s.support_beyond_mm.max(0.5 * s.support_spacing_mm)) - 0.25,
        delay: wants.gap_above + 1,
        faces: s.support_interface_layers as usize,
        stands: job.levels.raft() == 0,
        least: (LEAST_LINE_MM * PER_MM + 0.5 * lattice.cell) as i32,
        waiting: VecDeque::new(),
        recent: VecDeque::new(),
        carried: lattice.empty(),
        lowest: s.support_on_bed_only.then(|| vec![u32::MAX; lattice.size().iter().product()]),
        growth: Growth::default(),
        layers: Vec::with_capacity(job.levels.len()),
    };
    survey(job, sources, lattice, wants, |layer, view| descent.step(layer, view));
    descent.finish()
}

/// What is not as wide as this where it touches what hangs is made wider, mm.
const STOUT_MM: f64 = 1.2;
/// It is made wider by so much on every side that is free, mm.
const WIDEN_MM: f64 = 0.75;

/// What is not as wide as this on the bed has a foot there, mm.
const SURE_MM: f64 = 5.0;
/// So far a foot reaches beyond what stands on it, mm.
const FOOT_MM: f64 = 1.0;

struct Descent<'a> {
    lattice: &'a Lattice,
    /// How far supports reach beyond what hangs, nodes.
    beyond: f64,
    /// Layers from what hangs to what touches it.
    delay: usize,
    faces: usize,
    /// The lowest layer lies on the bed.
    stands: bool,
    /// Shorter lines of the interface are none, grid units.
    least: i32,
    waiting: VecDeque<Bits>,
    /// What was touched in the last layers.
    recent: VecDeque<Bits>,
    carried: Bits,
    /// The lowest layer in which the part is near every node, where that matters.
    lowest: Option<Vec<u32>>,
    growth: Growth,
    layers: Vec<Layer>,
}

impl Descent<'_> {
    fn step(&mut self, layer: usize, view: View) {
        let View { hangs, near, shut, floor, .. } = view;
        if let Some(lowest) = &mut self.lowest {
            let [_, columns] = self.lattice.size();
            near.each(|row, column| lowest[row * columns + column] = layer as u32);
        }
        self.waiting.push_back(hangs);
        let mut touched = self.lattice.empty();
        if self.waiting.len() > self.delay
            && let Some(hangs) = self.waiting.pop_front()
            && !hangs.is_empty()
        {
            touched = hangs.grown(self.beyond, &mut self.growth);
            touched.take(&near);
            self.widen(&mut touched);
            self.carried.add(&touched);
        }
        self.carried.take(&near);
        let mut base = self.carried.clone();
        base.take(&shut);
        let mut face = self.lattice.empty();
        if self.faces > 0 {
            self.recent.push_front(touched);
            self.recent.truncate(self.faces);
            self.recent.iter().for_each(|bits| face.add(bits));
        }
        face.add(&floor);
        face.keep(&base);
        if !face.is_empty() {
            // Where its lines would be too short, base goes on.
            face = self.lattice.nodes(&longer(&self.lattice.runs(&face, 1), self.least), 1);
        }
        base.take(&face);
        if layer == 0 && self.stands {
            let mut feet = self.feet(&base);
            for bits in [&near, &shut, &face] {
                feet.take(bits);
            }
            base.add(&feet);
        }
        self.keep(&base, &face);
    }

    /// Returns what is slim, grown.
    fn feet(&mut self, base: &Bits) -> Bits {
        let [stout, more] = [0.5 * SURE_MM, FOOT_MM].map(|mm| self.lattice.cells(mm));
        let room = &mut self.growth;
        let mut slim = base.clone();
        slim.take(&base.shrunk(stout, room).grown(2.0 * stout, room));
        slim.grown(more, room)
    }

    /// Grows what has just been touched where it is slim, so that what stands below is stout. Only here: what is cut off on
    /// a slope would be pushed along all of it.
    fn widen(&mut self, touched: &mut Bits) {
        let [stout, more] = [0.5 * STOUT_MM, WIDEN_MM].map(|mm| self.lattice.cells(mm));
        let room = &mut self.growth;
        let mut all = self.carried.clone();
        all.add(touched);
        let mut slim = touched.clone();
        // Corners of what is stout are not, nor is what stands beside something that is.
        slim.take(&all.shrunk(stout, room).grown(2.0 * stout, room));
        if !slim.is_empty() {
            touched.add(&slim.grown(more, room));
        }
    }

    /// Keeps a layer; what is as in the layer above is kept once.
    fn keep(&mut self, base: &Bits, face: &Bits) {
        let above = self.layers.last().cloned().unwrap_or_default();
        let share =
            |rows: Rows, above: &Arc<Rows>| if rows == **above { Arc::clone(above) } else { Arc::new(rows) };
        self.layers.push(Layer {
            base: share(self.lattice.runs(base, 0), &above.base),
            face: share(self.lattice.runs(face, 1), &above.face),
            branches: Vec::new(),
        });
    }

    fn finish(mut self) -> Vec<Layer> {
        self.layers.reverse();
        if let Some(lowest) = self.lowest.take() {
            self.on_bed(&lowest);
        }
        self.layers
    }

    /// Keeps what nothing of the part lies under; from the bed up.
    fn on_bed(&mut self, lowest: &[u32]) {
        let [_, columns] = self.lattice.size();
        let mut order: Vec<u32> =
            (0..lowest.len() as u32).filter(|&i| lowest[i as usize] != u32::MAX).collect();
        order.sort_unstable_by_key(|&i| (lowest[i as usize], i));
        let mut order = order.into_iter().peekable();
        let mut covered = self.lattice.empty();
        let all = std::mem::take(&mut self.layers);
        self.layers.reserve_exact(all.len());
        for (layer, held) in all.into_iter().enumerate() {
            while let Some(i) = order.next_if(|&i| (lowest[i as usize] as usize) < layer) {
                covered.set(i as usize / columns, i as usize % columns);
            }
            let left = |rows: &Rows, way| {
                let mut bits = self.lattice.nodes(rows, way);
                bits.take(&covered);
                bits
            };
            let (base, face) = (left(&held.base, 0), left(&held.face, 1));
            self.keep(&base, &face);
        }
    }
}

/// Returns the runs that are at least so long.
fn longer(rows: &Rows, least: i32) -> Rows {
    let mut out = Rows::default();
    out.begin(rows.range().start);
    for row in rows.range() {
        rows.get(row).iter().filter(|r| r.length() >= least).for_each(|r| out.push(*r));
        out.end_row();
    }
    out
}
