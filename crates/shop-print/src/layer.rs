//! A layer of the whole print: every object's parts, cut and planned one by one, and laid out copy by copy.

use crate::Print;
use crate::adhesion::hull;
use crate::item::{ItemCut, Part};
use crate::plan::{Plan, Planner, View};
use crate::raft;
use crate::roads::Kind;
use crate::section::Mended;
use crate::slice::{Slice, Slicer};
use crate::supports::lay::Way;
use crate::turns::Turn;
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Spot};
use std::sync::Arc;

/// A layer as its neighbours see it.
#[derive(Debug, Default)]
pub struct LayerCut {
    /// Its objects, in the print's order.
    items: Vec<ItemCut>,
    /// Loops around everything, the outermost first; in the lowest layers only.
    around: Contours,
    /// What the raft covers.
    raft: Contours,
    /// What had to be mended.
    pub mended: Mended,
}

impl Print {
    /// Cuts a layer; `cuts` holds the facets that it meets, by object and set.
    pub(crate) fn cut_layer(
        &self,
        slicer: &mut Slicer,
        turn: Turn,
        layer: usize,
        cuts: &[Vec<Vec<u32>>],
    ) -> LayerCut {
        let mut out = LayerCut::default();
        for (i, (item, cuts)) in self.items.iter().zip(cuts).enumerate() {
            if turn.only.is_some_and(|(only, ..)| only != i) {
                out.items.push(ItemCut::default());
                continue;
            }
            let cut = item.cut(slicer, &self.parts, layer, cuts);
            out.mended.add(&cut.mended);
            out.items.push(cut);
        }
        if layer < self.job.levels.raft() {
            out.raft = self.footprint(slicer, turn, &out);
        }
        let s = &self.job.settings;
        if layer == 0 || (s.skirt_loops > 0 && layer < s.skirt_layers as usize) {
            let footprint = if layer == 0 { self.footprint(slicer, turn, &out) } else { Contours::default() };
            slicer.around(&self.job, layer, &footprint, &self.outline(turn), &mut out.around);
        }
        out
    }

    /// Returns the convex outline of all copies, as high as the skirt is.
    fn outline(&self, turn: Turn) -> Vec<Spot> {
        let mut spots = Vec::new();
        for (i, item) in self.items.iter().enumerate() {
            for (k, place) in item.places.iter().enumerate() {
                if turn.only.is_none_or(|(item, copy, _)| (item, copy) == (i, k)) {
                    spots.extend(item.outline.iter().map(|s| Spot::new(s.x + place.x, s.y + place.y)));
                }
            }
        }
        hull(spots)
    }

    /// Returns what all copies hold in a layer.
    fn footprint(&self, slicer: &mut Slicer, turn: Turn, layer: &LayerCut) -> Contours {
        let mut all = Contours::default();
        let mut first = true;
        for (item, cut) in self.items.iter().zip(&layer.items) {
            let whole = cut.whole(0).map(|whole| &whole.region);
            let whole = if self.job.levels.raft() > 0 { Some(&item.raft) } else { whole };
            let Some(whole) = whole else { continue };
            let places = item.places.iter().enumerate();
            for (_, place) in places.filter(|(k, _)| turn.only.is_none_or(|(_, only, _)| only == *k)) {
                let moved = moved(whole, *place);
                all = if first { moved } else { slicer.combine(&all, &moved, Boolean::Union) };
                first = false;
            }
        }
        all
    }

    /// Plans a layer between its neighbours; `around[below]` is the layer itself.
    pub(crate) fn plan_layer(
        &self,
        planner: &mut Planner,
        turn: Turn,
        layer: usize,
        around: &[Option<Arc<LayerCut>>],
    ) -> Plan {
        let Some(own) = around[self.job.reach.below].as_deref() else { return Plan::default() };
        let mut plan = Plan::default();
        let mut copies = 0;
        let lone = matches!(&self.items[..], [only] if only.places == [Spot::default()]);
        if let Some((i, place, copy)) = turn.only {
            let item = self.plan_item(planner, layer, i, own, around);
            plan.add(&item, self.items[i].places[place], copy);
            let props = self.plan_props(planner, layer, (i, place), own);
            plan.add(&props, self.items[i].places[place], copy);
        }
        for i in (0..self.items.len()).filter(|_| turn.only.is_none()) {
            let item = self.plan_item(planner, layer, i, own, around);
            if lone {
                plan = item;
                plan.join(self.plan_props(planner, layer, (i, 0), own));
                break;
            }
            let ready = &self.items[i];
            let mut known: Vec<(usize, Plan)> = Vec::new();
            for (k, place) in ready.places.iter().enumerate() {
                plan.add(&item, *place, copies);
                // Copies of one kind have the same, but where others' supports lie already.
                let (kind, free) = (ready.props.kind(k), ready.props.before(k).is_empty());
                let at = known.iter().position(|(known, _)| free && *known == kind).unwrap_or_else(|| {
                    // Those that are not shared are found by nobody.
                    known.push((
                        if free { kind } else { usize::MAX },
                        self.plan_props(planner, layer, (i, k), own),
                    ));
                    known.len() - 1
                });
                plan.add(&known[at].1, *place, copies);
                copies += 1;
            }
        }
        if !own.raft.is_empty() {
            let mut raft = raft::plan(&self.job, layer, &own.raft);
            if let Some(part) = self.parts.first() {
                raft.roads.belong_by(|kind| part.roles.of(kind));
                raft.divide(part);
            }
            planner.walk(&mut raft, self.job.fare(), None);
            plan.add(&raft, Spot::default(), 0);
        }
        if !own.around.is_empty() {
            let mut skirt = Plan::default();
            for contour in own.around.iter() {
                skirt.roads.close(Kind::Skirt, self.job.area(layer), contour);
            }
            if let Some(part) = self.parts.first() {
                skirt.roads.belong_to(part.roles.walls);
            }
            skirt.as_one_island(true);
            planner.walk(&mut skirt, self.job.fare(), None);
            plan.add(&skirt, Spot::default(), 0);
        }
        plan
    }

    /// Plans one object where it was modelled.
    fn plan_item(
        &self,
        planner: &mut Planner,
        layer: usize,
        item: usize,
        own: &LayerCut,
        around: &[Option<Arc<LayerCut>>],
    ) -> Plan {
        let ready = &self.items[item];
        let mut plan = Plan::default();
        for (part, slice) in &own.items[item].parts {
            let Part { job, roles, .. } = &self.parts[usize::from(*part)];
            let framed = ready.framed(*part, &self.parts);
            let seen = |below: usize, above: usize| -> Vec<Option<&Slice>> {
                let seen = &around[self.job.reach.below - below..=self.job.reach.below + above];
                seen.iter().map(|layer| layer.as_deref().and_then(|l| l.items[item].whole(framed))).collect()
            };
            let near = seen(job.reach.below, job.reach.above);
            // Layers that have their sparse filling together see what each of them sees.
            let group = job.group(layer);
            let all = if group.len() > 1 {
                let (below, above) = (layer - group.start, group.end - 1 - layer);
                seen(job.reach.below + below, job.reach.above + above)
            } else {
                Vec::new()
            };
            let lower = match layer {
                0 => None,
                _ if job.spans_sparse => Some(seen(job.reach.below + 1, job.reach.above)),
                _ => None,
            };
            let lower = lower.as_deref().unwrap_or_default();
            let view = View { near: &near, lower, group: &all, seams: &own.items[item].seams };
            let mut planned = planner.part(job, layer, slice, &view);
            planned.roads.belong_by(|kind| roles.of(kind));
            planned.divide(&self.parts[usize::from(*part)]);
            plan.join(planned);
        }
        let whole = own.items[item].whole(0).map(|whole| &whole.region);
        planner.walk(&mut plan, self.job.fare(), whole);
        plan
    }

    /// Plans what stands under a copy of an object, where it was modelled.
    fn plan_props(
        &self,
        planner: &mut Planner,
        layer: usize,
        (i, copy): (usize, usize),
        own: &LayerCut,
    ) -> Plan {
        let item = &self.items[i];
        let Some(supports) = item.props.under(copy).filter(|s| !s.is_empty(layer)) else {
            return Plan::default();
        };
        if layer < self.job.levels.raft() {
            return Plan::default();
        }
        let from = |&(j, k): &(usize, usize)| {
            let (a, b) = (item.places[copy], self.items[j].places[k]);
            Spot::new(b.x - a.x, b.y - a.y)
        };
        let region = |j: usize| own.items[j].whole(0).map(|whole| &whole.region);
        let near = item.props.near(copy).iter().filter_map(|at| Some(moved(region(at.0)?, from(at))));
        let near: Vec<Contours> = near.collect();
        let solids: Vec<&Contours> = region(i).into_iter().chain(&near).collect();
        let mut laid = Contours::default();
        for at in item.props.before(copy) {
            let mut tiles = Contours::default();
            if let Some(supports) = self.items[at.0].props.under(at.1) {
                supports.tiles(layer, &mut tiles);
            }
            tiles.shift(from(at));
            laid.append(&tiles);
        }
        let Part { job, roles, .. } = &self.parts[usize::from(item.first_part)];
        let mut plan = planner.supports(job, layer, supports, &Way { solids: &solids, laid: &laid });
        plan.roads.belong_by(|kind| roles.of(kind));
        plan.divide(&self.parts[usize::from(item.first_part)]);
        planner.walk(&mut plan, self.job.fare(), region(i));
        plan
    }
}

fn moved(region: &Contours, by: Spot) -> Contours {
    let mut out = Contours::default();
    for contour in region.iter() {
        for s in contour {
            out.push(Spot::new(s.x + by.x, s.y + by.y));
        }
        out.close();
    }
    out
}
