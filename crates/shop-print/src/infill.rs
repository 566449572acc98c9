//! What fills a layer within its walls: skin that is seen from above, other solids, bridges, sparse lines, ironing.
//!
//! ```text
//!   inside the walls ─┬─ not covered ─┬─ from below, over air ─▶ bridges, each in its own direction
//!                     │   (skin)      ├─ from above ───────────▶ top, ironed if wanted
//!                     │               └─ deeper down ──────────▶ solid
//!                     └─ covered ─────────────────────────────▶ sparse pattern
//! ```

use crate::bridges::Bridger;
use crate::fill::{Edges, Lines, Weaver};
use crate::job::Job;
use crate::narrow::{Narrow, Solids};
use crate::patterns::{Space, Weft};
use crate::plan::View;
use crate::roads::{Kind, Roads};
use crate::rows::{Rows, Run, Scanner, common, either, merge, without};
use crate::settings::{Ironing, SkinPattern};
use crate::skin::Skinner;
use crate::slice::Slice;
use crate::verge::Verge;
use shop_geom::planar::Spot;

/// Room for filling, used again and again.
#[derive(Default)]
pub struct Filler {
    skinner: Skinner,
    weaver: Weaver,
    weft: Weft,
    bridger: Bridger,
    bridged: Rows,
    solid: Rows,
    sparse: Rows,
    top: Rows,
    bottom: Rows,
    deep: Rows,
    others: Rows,
    rest: Rows,
    scanner: Scanner,
    verge: Verge,
    narrow: Narrow,
    /// Solids less what is narrow, where anything is.
    wide: Rows,
    is_narrow: bool,
    /// Solids that lie on sparse filling.
    hung: Rows,
    spans: Spans,
}

/// Room for telling what lies on sparse filling.
#[derive(Default)]
struct Spans {
    inner: Rows,
    solid: Rows,
    sparse: Rows,
    held: Rows,
}

impl Filler {
    /// Adds to `roads` all that fills a layer.
    pub fn fill(&mut self, job: &Job, layer: usize, own: &Slice, view: &View<'_>, roads: &mut Roads) {
        let around = view.near;
        let way = layer % 2;
        let frame = &job.frames[way];
        let at = own.region.spots().first().copied().unwrap_or_default();
        let at = self.lay_bridges(job, layer, own, around, at, roads);
        self.split(job, layer, around, own, roads);
        let at = self.lay_solid(job, layer, own, view, at, roads);
        if !self.bridged.is_empty() {
            merge(&self.solid, &self.bridged, &mut self.rest, |a, b, out| either(a, b, |r| out.push(r)));
            std::mem::swap(&mut self.solid, &mut self.rest);
        }
        let inside = &own.walls.inside;
        let inner = (&own.inner, frame);
        let whole =
            Space { layer, turn: layer, height: job.levels.height(layer), inside, inner, taken: None };
        if view.group.is_empty() {
            let taken = (!self.solid.is_empty()).then_some((&self.solid, frame));
            self.weft.fill(job, &Space { taken, ..whole }, roads);
        } else {
            self.together(job, &whole, own, view.group, roads);
        }
        self.iron(job, layer, own, around, at, roads);
    }

    /// Lays sparse filling where several layers have it together: the last of them what all of them have, and each what it
    /// alone has.
    fn together(
        &mut self,
        job: &Job,
        whole: &Space<'_>,
        own: &Slice,
        group: &[Option<&Slice>],
        roads: &mut Roads,
    ) {
        let (layer, frame) = (whole.layer, whole.inner.1);
        let layers = job.group(layer);
        let itself = job.reach.below + (layer - layers.start);
        let covers: Vec<Option<&Rows>> = group
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != itself)
            .map(|(_, slice)| slice.map(|s| &s.cover[layer % 2]))
            .collect();
        self.skinner.split(&own.inner, &covers, &job.skin, &mut self.others, &mut self.deep);
        let mut with = |extra: &Rows| {
            let both = |a: &[Run], b: &[Run], out: &mut Rows| either(a, b, |r| out.push(r));
            merge(&self.solid, extra, &mut self.rest, both);
            std::mem::take(&mut self.rest)
        };
        let (alone, common) = (with(&self.deep), with(&self.others));
        self.weft.fill(job, &Space { taken: Some((&alone, frame)), ..*whole }, roads);
        if layer + 1 == layers.end {
            let height = layers.clone().map(|l| job.levels.height(l)).sum();
            let turn = layers.start / layers.len();
            let taken = Some((&common, frame));
            self.weft.fill(job, &Space { turn, height, taken, ..*whole }, roads);
        }
    }

    /// Tells solid from sparse, where there is no bridge, and fills what of it is narrow.
    fn split(&mut self, job: &Job, layer: usize, around: &[Option<&Slice>], own: &Slice, roads: &mut Roads) {
        let way = layer % 2;
        let frame = &job.frames[way];
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
        self.verge.clear();
        self.is_narrow = false;
        let Filler { verge, bridged, rest, solid, sparse, skinner, .. } = self;
        if bridged.is_empty() && !skinner.is_needed(&own.inner, &covers, &job.skin) {
            solid.clear();
            sparse.copy(&own.inner);
            return;
        }
        if !bridged.is_empty() || job.settings.walls == 0 {
            divide(skinner, job, &own.inner, bridged, &covers, rest, solid, sparse);
            if solid.is_empty() || job.settings.walls == 0 {
                return;
            }
        }
        verge.look(&mut self.scanner, &own.walls.inside, &own.inner, frame, job.reach_into_walls());
        divide(skinner, job, &verge.rows, bridged, &covers, rest, solid, sparse);
        if Narrow::is_needed(&own.inner, solid, frame.pitch()) {
            let solids = Solids { covers: &covers, bridged, frame };
            let rows = (&*solid, &mut self.wide);
            self.is_narrow = self.narrow.fill(job, layer, own, &solids, &mut self.scanner, rows, roads);
        }
    }

    /// Lays what hangs between two sides.
    fn lay_bridges(
        &mut self,
        job: &Job,
        layer: usize,
        own: &Slice,
        around: &[Option<&Slice>],
        at: Spot,
        roads: &mut Roads,
    ) -> Spot {
        self.bridged.clear();
        let below = job.reach.below.checked_sub(1).and_then(|i| around[i]);
        match below.filter(|_| job.settings.bridges) {
            Some(below) => self.bridger.bridge(job, layer, own, below, &mut self.bridged, at, roads),
            None => at,
        }
    }

    /// Lays what is seen from above, from below, and other solids.
    fn lay_solid(
        &mut self,
        job: &Job,
        layer: usize,
        own: &Slice,
        view: &View<'_>,
        at: Spot,
        roads: &mut Roads,
    ) -> Spot {
        let around = view.near;
        self.top.clear();
        if self.solid.is_empty() {
            return at;
        }
        let spans = self.find_spans(job, layer, view.lower);
        let (way, s) = (layer % 2, &job.settings);
        let mut at = at;
        let solid = if self.is_narrow { &self.wide } else { &self.solid };
        let mut rest = solid;
        // Rings leave their border to lines.
        let rings = [s.top_pattern, s.bottom_pattern].contains(&SkinPattern::Concentric);
        let all = (!rings).then_some(solid);
        if job.reach.above > 0 {
            let above = around[job.reach.below + 1].map(|s| &s.cover[way]);
            self.skinner.split(solid, &[above], &job.skin, &mut self.top, &mut self.rest);
            rest = &self.rest;
        }
        let mut lay = |rows: &Rows, kind: Kind, pattern: SkinPattern, at: Spot| {
            let flow = if kind == Kind::InternalBridge { s.internal_bridge_flow } else { 1.0 };
            let area = job.area(layer) * flow;
            if pattern == SkinPattern::Concentric {
                let pitch = job.frames[way].pitch();
                let first = 0.01 * s.infill_overlap_percent.max(0.0) * pitch;
                merge(&own.inner, rows, &mut self.others, |a, b, out| without(a, b, |r| out.push(r)));
                let taken = Some((&self.others, &job.frames[way]));
                let (inside, inner) = (&own.walls.inside, (&own.inner, &job.frames[way]));
                let height = job.levels.height(layer);
                let space = Space { layer, turn: layer, height, inside, inner, taken };
                self.weft.rings(&space, [first, pitch], (kind, area), roads);
                return at;
            }
            let monotonic = pattern == SkinPattern::Monotonic;
            let lines = Lines { kind, step: 1, link: job.link, least: job.least_line, area, monotonic };
            let edges = Edges { verge: &self.verge, solids: all };
            self.weaver.weave_to(Some(edges), rows, &job.frames[way], &lines, at, roads)
        };
        if s.bottom_pattern != SkinPattern::Monotonic && job.reach.below > 0 {
            let below = around[job.reach.below - 1].map(|s| &s.cover[way]);
            self.skinner.split(rest, &[below], &job.skin, &mut self.bottom, &mut self.deep);
            at = lay(&self.bottom, Kind::Solid, s.bottom_pattern, at);
            rest = &self.deep;
        }
        if spans {
            let room = &mut self.spans;
            self.skinner.split(rest, &[Some(&room.held)], &job.span, &mut self.hung, &mut room.inner);
            at = lay(&self.hung, Kind::InternalBridge, SkinPattern::Monotonic, at);
            rest = &room.inner;
        }
        at = lay(rest, Kind::Solid, SkinPattern::Monotonic, at);
        lay(&self.top, Kind::Top, s.top_pattern, at)
    }

    /// Leaves in `spans` what of the layer below holds lines: all of it but its sparse filling. False where there is none.
    fn find_spans(&mut self, job: &Job, layer: usize, lower: &[Option<&Slice>]) -> bool {
        let itself = job.reach.below;
        let Some(below) = lower.get(itself).copied().flatten() else { return false };
        let (way, frame) = (layer % 2, &job.frames[layer % 2]);
        let among = lower[..lower.len() - 1].iter().enumerate().filter(|(i, _)| *i != itself);
        let covers: Vec<Option<&Rows>> = among.map(|(_, slice)| slice.map(|s| &s.cover[way])).collect();
        let Spans { inner, solid, sparse, held } = &mut self.spans;
        self.scanner.scan(&below.walls.inside, frame, inner);
        self.skinner.split(inner, &covers, &job.skin, solid, sparse);
        merge(&below.cover[way], sparse, held, |a, b, out| without(a, b, |r| out.push(r)));
        !sparse.is_empty()
    }

    /// Goes over what is seen from above once more.
    fn iron(
        &mut self,
        job: &Job,
        layer: usize,
        own: &Slice,
        around: &[Option<&Slice>],
        at: Spot,
        roads: &mut Roads,
    ) {
        let s = &job.settings;
        let covered =
            || around.get(job.reach.below + 1).copied().flatten().is_some_and(|a| !a.region.is_empty());
        let wanted = match s.ironing {
            Ironing::Off => false,
            Ironing::Top => true,
            Ironing::Topmost => !covered(),
        };
        if !wanted || self.top.is_empty() {
            return;
        }
        let coarse = &job.frames[layer % 2];
        let times = (s.pitch_mm() / s.ironing_spacing_mm).round().clamp(1.0, 64.0) as i32;
        let frame = coarse.finer(times);
        self.scanner.scan(&own.walls.inside, &frame, &mut self.rest);
        self.deep.begin(self.rest.range().start);
        for row in self.rest.range() {
            // The nearest coarse row.
            let top = self.top.get((2 * row + times).div_euclid(2 * times));
            common(self.rest.get(row), top, |r| self.deep.push(r));
            self.deep.end_row();
        }
        let lines = Lines {
            kind: Kind::Ironing,
            step: 1,
            link: job.link / times,
            least: job.skin.least,
            area: job.area(layer) / f64::from(times) * 0.01 * s.ironing_flow_percent,
            monotonic: true,
        };
        self.weaver.weave(&self.deep, &frame, &lines, at, roads);
    }
}

/// Tells solid from sparse, where there is no bridge; `rest` is room.
fn divide(
    skinner: &mut Skinner,
    job: &Job,
    inner: &Rows,
    bridged: &Rows,
    covers: &[Option<&Rows>],
    rest: &mut Rows,
    solid: &mut Rows,
    sparse: &mut Rows,
) {
    let mut inner = inner;
    if !bridged.is_empty() {
        let least = job.skin.least;
        merge(inner, bridged, rest, |a, b, out| {
            without(a, b, |r| {
                if r.length() >= least {
                    out.push(r);
                }
            });
        });
        inner = rest;
    }
    skinner.split(inner, covers, &job.skin, solid, sparse);
}
