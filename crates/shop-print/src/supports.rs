//! Supports: what is laid under places that would otherwise be laid on air, and taken away afterwards.
//!
//! Supports are the one thing that layers know from far above, so they are worked out before the layers flow. One pass
//! goes from the top to the bottom: [`survey`] cuts sections to [`bits`] and finds what hangs, and [`columns`] or
//! [`trees`] carry down what holds it. What is kept of a layer is little, and nothing of it where it is as the layer
//! above; [`lay`] makes roads of it when the layer's turn comes, and measures the distance to the part exactly.
//!
//! ```text
//!      ▒▒▒▒▒▒▒▒▒▒▒ ─── what hangs: section − the section below, grown by what may hang over
//!      ┄┄┄┄┄┄┄┄┄┄┄     air
//!      ═══════════     interface: dense lines, across those below
//!   █  ╫─╫─╫─╫─╫─╫     base: lines far apart
//!   ██  ╫─╫─╫─╫─╫      kept off the part's sides, and off all else that stands on the bed
//! ```

pub mod bits;
pub mod columns;
pub mod lay;
pub mod paint;
pub mod serpentine;
pub mod shadow;
pub mod stack;
pub mod survey;
pub mod trees;
pub mod walk;

use crate::job::Job;
use crate::rows::{Frame, Rows};
use crate::settings::{Settings, SupportStyle};
use bits::Lattice;
use shop_geom::planar::{Contours, Spot};
use std::sync::Arc;
pub use survey::Sources;

/// What stands under an object.
#[derive(Clone, Debug, Default)]
pub struct Supports {
    lattice: Option<Lattice>,
    layers: Vec<Layer>,
}

/// Supports of one layer, on the rows of the lattice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Layer {
    /// Base, along rows.
    base: Arc<Rows>,
    /// Interface, along columns.
    face: Arc<Rows>,
    /// Branches of trees.
    branches: Vec<Branch>,
}

/// A branch where a layer cuts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Branch {
    at: Spot,
    /// To the outside of its wall, grid units.
    radius: i32,
    /// The part may be too near.
    near: bool,
    /// Its number.
    id: u32,
}

impl Layer {
    fn is_empty(&self) -> bool {
        self.base.is_empty() && self.face.is_empty() && self.branches.is_empty()
    }
}

/// True when an object may have supports.
pub fn wanted(job: &Job, sources: &Sources<'_>) -> bool {
    let forced = !sources.enforcers.is_empty() || sources.painted[0].is_some();
    !job.levels.is_empty() && (job.settings.supports || forced)
}

/// Returns how far from the box around an object anything of its supports may stand, mm.
pub fn reach_mm(settings: &Settings) -> f64 {
    settings.support_xy_mm + settings.support_beyond_mm.max(settings.support_spacing_mm) + 2.0
}

impl Supports {
    /// Works out the supports of an object; none where it wants none. Near-linear in facets, sections and nodes of the
    /// lattice.
    pub fn new(job: &Job, sources: &Sources<'_>) -> Supports {
        if !wanted(job, sources) {
            return Supports::default();
        }
        let lattice = survey::lattice(job, sources);
        let layers = match job.settings.support_style {
            SupportStyle::Normal => columns::columns(job, sources, &lattice),
            SupportStyle::Tree => trees::trees(job, sources, &lattice),
        };
        Supports { lattice: Some(lattice), layers }
    }

    /// True when nothing stands in a layer.
    pub fn is_empty(&self, layer: usize) -> bool {
        self.layers.get(layer).is_none_or(Layer::is_empty)
    }

    /// Returns the box around all that stands there in any layer, grid units; nothing where nothing does. O(layers).
    pub fn bounds(&self) -> Option<[Spot; 2]> {
        let grown = |[l, h]: [Spot; 2], [s, t]: [Spot; 2]| {
            [Spot::new(l.x.min(s.x), l.y.min(s.y)), Spot::new(h.x.max(t.x), h.y.max(t.y))]
        };
        // One layer after the other: places of all layers of a tall part are more than all else that is kept of it.
        let mut spots = Vec::new();
        let of_layer = |layer: usize| {
            spots.clear();
            self.spots(layer, &mut spots);
            spots.iter().map(|s| [*s; 2]).reduce(grown)
        };
        (0..self.layers.len()).filter_map(of_layer).reduce(grown)
    }

    /// Returns how many layers have any of it, counted from the bed.
    pub fn height(&self) -> usize {
        self.layers.iter().rposition(|l| !l.is_empty()).map_or(0, |top| top + 1)
    }

    /// Adds places around what stands in a layer: their convex hull holds all of it.
    pub fn spots(&self, layer: usize, out: &mut Vec<Spot>) {
        let (Some(lattice), Some(own)) = (&self.lattice, self.layers.get(layer)) else { return };
        let ways = [(&own.base, 0), (&own.face, 1)];
        for (rows, way) in ways {
            for row in rows.range() {
                let runs = rows.get(row);
                for run in runs.first().into_iter().chain(runs.last()) {
                    out.extend([run.a, run.b].map(|u| lattice.frames[way].spot(u, row)));
                }
            }
        }
        for branch in &own.branches {
            let (Spot { x, y }, r) = (branch.at, branch.radius);
            out.extend([(r, r), (-r, r), (-r, -r), (r, -r)].map(|(dx, dy)| Spot::new(x + dx, y + dy)));
        }
    }

    /// Adds tiles that together cover what stands in a layer.
    pub fn tiles(&self, layer: usize, out: &mut Contours) {
        let (Some(lattice), Some(own)) = (&self.lattice, self.layers.get(layer)) else { return };
        let mut tile = |frame: &Frame, [a, b]: [f64; 2], [low, high]: [f64; 2]| {
            out.add(&[[a, low], [b, low], [b, high], [a, high]].map(|at| frame.back(at)));
        };
        for (rows, way) in [(&own.base, 0), (&own.face, 1)] {
            for row in rows.range() {
                let middle = f64::from(row) * lattice.cell;
                let across = [middle - 0.5 * lattice.cell, middle + 0.5 * lattice.cell];
                for run in rows.get(row) {
                    tile(&lattice.frames[way], [f64::from(run.a), f64::from(run.b)], across);
                }
            }
        }
        for branch in &own.branches {
            let [x, y] = [branch.at.x, branch.at.y].map(f64::from);
            let r = f64::from(branch.radius);
            tile(&Frame::new(0.0, 1.0), [x - r, x + r], [y - r, y + r]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Print;
    use shop_geom::mesh::{Mesh, Point3};

    /// A post of 10 mm and a plate of 40 mm on it.
    fn tower(height: f64) -> Mesh {
        let mut mesh = Mesh::default();
        for (half, low, high) in [(5.0, 0.0, height), (20.0, height - 0.01, height + 2.0)] {
            let first = mesh.points.len() as u32;
            for i in 0..8 {
                let side = |bit: u32| if i >> bit & 1 == 0 { -half } else { half };
                mesh.points.push(Point3::new(side(0), side(1), if i >> 2 & 1 == 0 { low } else { high }));
            }
            for [a, b, c, d] in
                [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
            {
                mesh.triangles.extend([[a, b, c], [a, c, d]].map(|t: [u32; 3]| t.map(|k| k + first)));
            }
        }
        mesh
    }

    #[test]
    fn what_goes_straight_down_is_kept_once() {
        for support_on_bed_only in [false, true] {
            let settings = Settings { supports: true, support_on_bed_only, ..Settings::default() };
            let print = Print::new(tower(60.0), settings, 1.75);
            let layers = &print.items[0].props.kinds()[0].layers;
            let same =
                |w: &[Layer]| Arc::ptr_eq(&w[0].base, &w[1].base) && Arc::ptr_eq(&w[0].face, &w[1].face);
            assert!(layers[5..280].windows(2).all(same));
        }
    }
}
