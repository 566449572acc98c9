//! What hangs in a layer, and where supports may stand: sections of all layers, from the top to the bottom.
//!
//! A node of the lattice **hangs** when the section holds it and the section below is farther away than what may hang
//! over. Nodes lie a road apart, but the distance is exact: the edges of the section below are made fat, and hold the
//! nodes that their fat covers. A surface that leans evenly hangs in strips narrower than the lattice, which could lie
//! between its nodes layer after layer. So the part is shifted against the lattice by another fraction of it from layer to
//! layer, and a node that the layer below does not hold is held against layers farther below as well, where the same
//! slope has come a longer way:
//!
//! ```text
//!     layer i      ▒▒▒▒▒▒▒▒▒▒▒▒·      · a node beyond the layer below
//!     layer i − 1  ▒▒▒▒▒▒▒▒▒▒▒
//!                  ▒▒▒▒▒▒▒▒▒
//!     layer i − 4  ▒▒▒▒▒├────┤        hangs if this is more than four layers may hang over
//! ```

use super::bits::{Bits, Growth, Lattice};
use super::paint::{self, Paint};
use super::reach_mm;
use crate::facets::Facets;
use crate::job::Job;
use crate::pipeline::{Reach, Stages, run};
use crate::rows::{Rows, Scanner};
use crate::section::Cutter;
use crate::settings::SupportStyle;
use shop_geom::planar::{Contours, PER_MM, Spot};
use std::sync::Arc;

/// What supports depend on.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    /// What is to be held.
    pub bodies: Vec<&'a Facets>,
    /// Where there is nothing after all.
    pub removed: Vec<&'a Facets>,
    /// Where everything that hangs is held, however steep.
    pub enforcers: Vec<&'a Facets>,
    /// Where nothing is held.
    pub blockers: Vec<&'a Facets>,
    /// Surfaces on which everything that hangs is held, and on which nothing is.
    pub painted: [Option<&'a Paint>; 2],
    /// What else stands on the bed, and what to add to each of its places to have it where it is seen from here: grid
    /// units. It holds what lies on it, and supports keep off it as they do of the object itself.
    pub others: Vec<(&'a Facets, Vec<Spot>)>,
}

/// How far around a layer looks, in layers and lattice nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wants {
    /// Layers of air under what is held.
    pub gap_above: usize,
    /// Layers of air on what supports stand on.
    pub gap_below: usize,
    /// Layers above what supports stand on that are told apart.
    pub floor: usize,
    /// Distance of supports from the part's sides, nodes.
    pub aside: f64,
}

/// One layer, as supports see it.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What hangs.
    pub hangs: Bits,
    /// The part's section.
    pub solid: Bits,
    /// The part, and everything too near to its sides.
    pub near: Bits,
    /// What is too near to the part above or below.
    pub shut: Bits,
    /// What lies closely above what supports stand on.
    pub floor: Bits,
}

/// Distance of lattice nodes, mm: half a road is neither here nor there.
const CELL_MM: f64 = 0.25;
/// Largest lattice: beyond this its nodes lie farther apart.
const MOST_NODES: f64 = 4e6;

/// Returns the lattice on which an object's supports are planned.
pub fn lattice(job: &Job, sources: &Sources<'_>) -> Lattice {
    let s = &job.settings;
    let spots = || sources.bodies.iter().flat_map(|f| f.points.iter().map(|p| Spot::new(p[0], p[1])));
    let (low, high) = spots()
        .fold((Spot::new(i32::MAX, i32::MAX), Spot::new(i32::MIN, i32::MIN)), |(l, h), s| {
            (Spot::new(l.x.min(s.x), l.y.min(s.y)), Spot::new(h.x.max(s.x), h.y.max(s.y)))
        });
    let margin_mm = reach_mm(s);
    let [x, y] = if low.x > high.x { [0.0; 2] } else { low.to(high) };
    let area_mm2 = (x / PER_MM + 2.0 * margin_mm) * (y / PER_MM + 2.0 * margin_mm);
    let cell_mm = match s.support_style {
        SupportStyle::Normal => CELL_MM,
        SupportStyle::Tree => 2.0 * CELL_MM,
    };
    let cell_mm = cell_mm.max((area_mm2 / MOST_NODES).sqrt());
    Lattice::new(s.support_angle_deg.to_radians(), cell_mm * PER_MM, margin_mm * PER_MM, spots())
}

/// Shows all layers to `see`, from the top to the bottom.
pub fn survey(
    job: &Job,
    sources: &Sources<'_>,
    lattice: &Lattice,
    wants: Wants,
    mut see: impl FnMut(usize, View) + Send,
) {
    let n = job.levels.len();
    let others: Vec<&Facets> = sources.others.iter().map(|o| o.0).collect();
    let lists = [&sources.bodies, &sources.removed, &sources.enforcers, &sources.blockers, &others];
    let fronts = lists.map(|list| list.iter().map(|f| Fall::new(f, n)).collect());
    let fronts = (fronts, [paint::Fall::default(), paint::Fall::default()]);
    let survey = Survey { job, sources, others: &others, lattice, wants };
    // Layers are counted from the top here: those above come before.
    let farthest = FAR[FAR.len() - 1].max(wants.gap_below + wants.floor);
    let reach = Reach { below: wants.gap_above, above: farthest };
    let mut layer = n;
    run(&survey, n, reach, fronts, (), |view| {
        layer -= 1;
        see(layer, view);
        true
    });
}

/// The facets that layers cut, from the top to the bottom.
#[derive(Debug, Default)]
struct Fall {
    /// Facets by the last layer that they meet.
    order: Vec<u32>,
    starts: Vec<u32>,
    cut: Vec<u32>,
}

impl Fall {
    fn new(facets: &Facets, layers: usize) -> Fall {
        let mut starts = vec![0u32; layers + 1];
        facets.last_layers().for_each(|l| starts[l as usize + 1] += 1);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut at = starts.clone();
        let mut order = vec![0; starts[layers] as usize];
        for (f, last) in facets.last_layers().enumerate() {
            let slot = &mut at[last as usize];
            order[*slot as usize] = f as u32;
            *slot += 1;
        }
        Fall { order, starts, cut: Vec::new() }
    }

    fn advance(&mut self, facets: &Facets, layer: usize) -> Vec<u32> {
        let begun = facets.begun(layer);
        self.cut.retain(|f| *f < begun);
        let new = self.starts[layer] as usize..self.starts[layer + 1] as usize;
        self.cut.extend_from_slice(&self.order[new]);
        self.cut.clone()
    }
}

struct Survey<'a> {
    job: &'a Job,
    sources: &'a Sources<'a>,
    /// Those of the sources' others.
    others: &'a [&'a Facets],
    lattice: &'a Lattice,
    wants: Wants,
}

/// One layer's section.
#[derive(Debug, Default)]
struct Section {
    bits: Bits,
    /// The same with everything else that stands on the bed, where there is anything.
    all: Option<Bits>,
    /// It and everything too near to its sides, where it is alone: as exact as what it holds.
    near: Option<Bits>,
    /// What it holds of the layer above: all that hangs over no farther than it may, and all that stands on it straight.
    holds: [Bits; 2],
    /// Where supports are wanted, and where not.
    forced: Option<Bits>,
    barred: Option<Bits>,
}

impl Section {
    /// Returns everything that is in the way.
    fn all(&self) -> &Bits {
        self.all.as_ref().unwrap_or(&self.bits)
    }
}

#[derive(Default)]
struct Room {
    cutter: Cutter,
    scanner: Scanner,
    walks: Contours,
    rows: Rows,
    growth: Growth,
}

/// What a layer cuts of each list, and the painted triangles of it.
type Cuts = ([Vec<Vec<u32>>; 5], [Vec<u32>; 2]);

impl Stages for Survey<'_> {
    type Room = Room;
    type Feed = ([Vec<Fall>; 5], [paint::Fall; 2]);
    type Input = Cuts;
    type Cut = Section;
    type Plan = View;
    type State = ();
    type Ordered = View;
    type Text = View;

    fn feed(&self, (falls, paints): &mut Self::Feed, step: usize) -> Cuts {
        let layer = self.job.levels.len() - 1 - step;
        let lists = self.lists();
        let mut falls = falls.iter_mut();
        let cuts = lists.map(|list| {
            let falls = falls.next().map(|f| f.iter_mut()).into_iter().flatten();
            list.iter().zip(falls).map(|(f, fall)| fall.advance(f, layer)).collect()
        });
        let painted = [0, 1]
            .map(|i| self.sources.painted[i].map_or_else(Vec::new, |p| p.advance(&mut paints[i], layer)));
        (cuts, painted)
    }

    fn cut(&self, room: &mut Room, step: usize, (cuts, painted): Cuts) -> Section {
        let layer = self.job.levels.len() - 1 - step;
        let [bodies, removed, enforcers, blockers, _] = self.lists();
        let bits = self.mark(room, bodies, &cuts[0], layer);
        let mut section = Section { bits, ..Section::default() };
        self.shift(&mut room.walks, layer + 1, layer);
        let whole = self.scan(room);
        section.holds = self.reaches(layer).map(|reach| {
            let mut holds = whole.clone();
            self.lattice.mark_near(&room.walks, reach, &mut holds);
            holds
        });
        if !removed.is_empty() {
            let hole = self.mark(room, removed, &cuts[1], layer);
            for (holds, reach) in section.holds.iter_mut().zip(self.reaches(layer)) {
                let (mut deep, mut edge) = (hole.clone(), self.lattice.empty());
                self.lattice.mark_near(&room.walks, reach, &mut edge);
                deep.take(&edge);
                holds.take(&deep);
            }
            section.bits.take(&hole);
        } else if cuts[4].iter().all(Vec::is_empty) && self.wants.aside > 0.0 {
            // Roads of supports lie on the nodes themselves.
            self.shift(&mut room.walks, usize::MAX, layer + 1);
            let mut near = section.bits.clone();
            self.lattice.mark_near(&room.walks, self.wants.aside * self.lattice.cell, &mut near);
            section.near = Some(near);
        }
        self.surround(room, &cuts[4], layer, &mut section);
        let mut place = |list: &[&Facets], cuts: &[Vec<u32>]| {
            (!list.is_empty()).then(|| self.mark(room, list, cuts, layer))
        };
        section.forced = place(enforcers, &cuts[2]);
        section.barred = place(blockers, &cuts[3]);
        for (i, zone) in [&mut section.forced, &mut section.barred].into_iter().enumerate() {
            if let Some(bits) = self.strips(room, i, &painted[i], layer) {
                zone.get_or_insert_with(|| self.lattice.empty()).add(&bits);
            }
        }
        section
    }

    fn plan(&self, room: &mut Room, step: usize, around: &[Option<Arc<Section>>]) -> View {
        let layer = self.job.levels.len() - 1 - step;
        let own = self.wants.gap_above;
        let at = |k: usize| around.get(k).and_then(|s| s.as_deref());
        let Some(section) = at(own) else { return View::default() };
        let mut view = View {
            hangs: self.hangs(layer, |k| at(own + k)),
            solid: section.all().clone(),
            near: match &section.near {
                Some(near) => near.clone(),
                None => section.all().grown(self.wants.aside, &mut room.growth),
            },
            shut: section.all().clone(),
            floor: self.lattice.empty(),
        };
        let none = Bits::default();
        for k in (0..own).chain(own + 1..=own + self.wants.gap_below) {
            view.shut.add(at(k).map_or(&none, Section::all));
        }
        for k in 1..=self.wants.floor {
            view.floor.add(at(own + self.wants.gap_below + k).map_or(&none, Section::all));
        }
        view
    }

    fn order(&self, (): &mut (), _: usize, view: View) -> View {
        view
    }

    fn text(&self, _: &mut Room, _: usize, view: View) -> View {
        view
    }
}

impl Survey<'_> {
    fn lists(&self) -> [&[&Facets]; 5] {
        let s = self.sources;
        [&s.bodies, &s.removed, &s.enforcers, &s.blockers, self.others]
    }

    /// Returns what of a painted surface belongs to a layer; a strip narrower than the lattice counts where it is near.
    fn strips(&self, room: &mut Room, which: usize, triangles: &[u32], layer: usize) -> Option<Bits> {
        let paint = self.sources.painted[which].filter(|_| !triangles.is_empty())?;
        let planes = &self.job.levels;
        let below = layer.checked_sub(1).map_or(i32::MIN / 2, |l| planes.plane(l));
        room.walks.clear();
        paint.strips(triangles, below, planes.plane(layer), &mut room.walks);
        self.shift(&mut room.walks, layer, usize::MAX);
        let mut bits = self.scan(room);
        self.lattice.mark_near(&room.walks, 0.75 * self.lattice.cell, &mut bits);
        Some(bits)
    }

    /// Adds to a section what else stands on the bed.
    fn surround(&self, room: &mut Room, cuts: &[Vec<u32>], layer: usize, section: &mut Section) {
        if cuts.iter().all(Vec::is_empty) {
            return;
        }
        room.walks.clear();
        let plane = self.job.levels.plane(layer);
        for ((facets, places), cut) in self.sources.others.iter().zip(cuts).filter(|(_, c)| !c.is_empty()) {
            let walks = room.cutter.walks(facets, cut, plane, STRAIGHT_MM * PER_MM);
            for place in places {
                let mut moved = walks.clone();
                moved.shift(*place);
                room.walks.append(&moved);
            }
        }
        self.shift(&mut room.walks, layer, usize::MAX);
        let mut all = self.scan(room);
        self.shift(&mut room.walks, layer + 1, layer);
        let held = self.scan(room);
        for (holds, reach) in section.holds.iter_mut().zip(self.reaches(layer)) {
            holds.add(&held);
            self.lattice.mark_near(&room.walks, reach, holds);
        }
        all.add(&section.bits);
        section.all = Some(all);
    }

    /// Returns how far the next layer may hang over this one, and by how much it may seem to, grid units.
    fn reaches(&self, layer: usize) -> [f64; 2] {
        let slope = 1.0 / self.job.settings.support_below_deg.to_radians().tan().max(0.01);
        let next = (layer + 1).min(self.job.levels.len() - 1);
        [self.job.levels.height(next) * slope + EVEN_MM, EVEN_MM].map(|mm| mm * PER_MM)
    }

    /// Returns what some facets hold in a layer; leaves the walks around that.
    fn mark(&self, room: &mut Room, list: &[&Facets], cuts: &[Vec<u32>], layer: usize) -> Bits {
        room.walks.clear();
        for (facets, cut) in list.iter().zip(cuts).filter(|(_, cut)| !cut.is_empty()) {
            let plane = self.job.levels.plane(layer);
            room.walks.append(room.cutter.walks(facets, cut, plane, STRAIGHT_MM * PER_MM));
        }
        self.shift(&mut room.walks, layer, usize::MAX);
        self.scan(room)
    }

    fn scan(&self, room: &mut Room) -> Bits {
        let mut bits = self.lattice.empty();
        room.scanner.scan_wound(&room.walks, &self.lattice.frames[0], &mut room.rows);
        self.lattice.mark(&room.rows, &mut bits);
        bits
    }

    /// Moves walks from where the lattice has them in one layer to where it has them in another.
    fn shift(&self, walks: &mut Contours, to: usize, from: usize) {
        let phase = |layer: usize| if layer == usize::MAX { [0.0; 2] } else { PHASES[layer % PHASES.len()] };
        let (a, b) = (phase(from), phase(to));
        let by = [0, 1].map(|k| ((b[k] - a[k]) * self.lattice.cell).round() as i32);
        walks.shift(Spot::new(by[0], by[1]));
    }

    /// Returns the nodes of a layer that those below do not hold; `at` gives the section so many layers below.
    fn hangs<'s>(&self, layer: usize, at: impl Fn(usize) -> Option<&'s Section>) -> Bits {
        let mut hangs = self.lattice.empty();
        let (Some(own), Some(below)) = (at(0), at(1)) else { return hangs };
        if self.job.settings.supports {
            hangs.add(&own.bits);
            hangs.take(&below.holds[1]);
            let mut leaning = hangs.clone();
            hangs.take(&below.holds[0]);
            leaning.take(&hangs);
            if !leaning.is_empty() {
                self.lean(layer, &leaning, at, &mut hangs);
            }
        }
        if let Some(forced) = &own.forced {
            let mut all = own.bits.clone();
            all.keep(forced);
            all.take(&below.holds[1]);
            hangs.add(&all);
        }
        if let Some(barred) = &own.barred {
            hangs.take(barred);
        }
        hangs
    }

    /// Adds those of some nodes beyond the layer below that are too far from one of the layers far below.
    fn lean<'s>(
        &self,
        layer: usize,
        leaning: &Bits,
        at: impl Fn(usize) -> Option<&'s Section>,
        hangs: &mut Bits,
    ) {
        for by in FAR.into_iter().filter(|by| *by <= layer) {
            let Some(far) = at(by) else { continue };
            let may: f64 = (layer - by..layer).map(|l| self.reaches(l)[0]).sum();
            // The nearest node that it holds may lie a node farther in than its edge.
            let may = may / self.lattice.cell + 1.0;
            leaning.each(|row, column| {
                if !far.all().is_near(row, column, may) {
                    hangs.set(row, column);
                }
            });
        }
    }
}

/// Where the part is shifted to in layers that follow one another, nodes: four places that fill a square evenly, each
/// of them one after the other in x and in y.
const PHASES: [[f64; 2]; 4] = [[-0.375, -0.125], [0.125, -0.375], [-0.125, 0.375], [0.375, 0.125]];
/// How many layers below one is held against: layers that are shifted alike.
const FAR: [usize; 2] = [4, 8];
/// Contours are straightened by as much for this, mm.
const STRAIGHT_MM: f64 = 0.02;
/// Rounding of places that lie above one another, mm.
const EVEN_MM: f64 = 0.015;
