//! What fills a layer within its walls: skin that is seen from above, other solids, bridges, sparse lines, ironing.
//!
//! ```text
//!   inside the walls ─┬─ not covered ─┬─ from below, over air ─▶ bridges, each in its own direction
//!                     │   (skin)      ├─ from above ───────────▶ top, ironed if wanted
//!                     │               └─ deeper down ──────────▶ solid
//!                     └─ covered ─────────────────────────────▶ sparse pattern
//! ```

use crate::fill::{Lines, Weaver};
use crate::job::Job;
use crate::patterns::{Space, Weft};
use crate::roads::{Kind, Roads};
use crate::rows::Rows;
use crate::skin::Skinner;
use crate::slice::Slice;
use shop_geom::planar::Spot;

/// Room for filling, used again and again.
#[derive(Default)]
pub struct Filler {
    skinner: Skinner,
    weaver: Weaver,
    weft: Weft,
    solid: Rows,
    sparse: Rows,
    top: Rows,
    rest: Rows,
}

impl Filler {
    /// Adds to `roads` all that fills a layer. `around` holds what of its object lies in the
    /// layers it can see, `around[below]` being the layer itself.
    pub fn fill(
        &mut self,
        job: &Job,
        layer: usize,
        own: &Slice,
        around: &[Option<&Slice>],
        roads: &mut Roads,
    ) {
        let way = layer % 2;
        let frame = &job.frames[way];
        let at = own.region.spots().first().copied().unwrap_or_default();
        self.split(job, way, around, own);
        let at = self.lay_solid(job, layer, around, at, roads);
        let taken = (!self.solid.is_empty()).then_some((&self.solid, frame));
        let space = Space { layer, inside: &own.walls.inside, taken };
        self.weft.fill(job, &space, at, roads);
    }

    /// Tells solid from sparse.
    fn split(&mut self, job: &Job, way: usize, around: &[Option<&Slice>], own: &Slice) {
        let mut covers: Vec<Option<&Rows>> = around
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != job.reach.below)
            .map(|(_, slice)| slice.map(|s| &s.cover[way]))
            .collect();
        if job.settings.infill_percent >= 100.0 {
            // Nothing is covered well enough: the part is solid, and laid as solids are.
            covers.push(None);
        }
        self.skinner.split(&own.inner, &covers, &job.skin, &mut self.solid, &mut self.sparse);
    }

    /// Lays what is seen from above, and other solids.
    fn lay_solid(
        &mut self,
        job: &Job,
        layer: usize,
        around: &[Option<&Slice>],
        at: Spot,
        roads: &mut Roads,
    ) -> Spot {
        if self.solid.is_empty() {
            return at;
        }
        let way = layer % 2;
        let frame = &job.frames[way];
        let lines =
            |kind| Lines { kind, step: 1, link: job.link, least: job.least_line, area: job.area(layer) };
        if job.reach.above == 0 {
            return self.weaver.weave(&self.solid, frame, &lines(Kind::Solid), at, roads);
        }
        let above = around.get(job.reach.below + 1).copied().flatten().map(|s| &s.cover[way]);
        self.skinner.split(&self.solid, &[above], &job.skin, &mut self.top, &mut self.rest);
        let at = self.weaver.weave(&self.rest, frame, &lines(Kind::Solid), at, roads);
        self.weaver.weave(&self.top, frame, &lines(Kind::Top), at, roads)
    }
}
