//! An object made ready: its bodies and modifiers as facets, and every mix of settings that can meet in it as a *part*.
//!
//! ```text
//!   body ──────────── part 0            A modifier that changes walls cuts the region before walls are made, one that
//!     └─ modifier A ─ part 1            changes the filling only cuts the inside of walls that stay whole. Mixes are
//!         └─ and B ── part 2            worked out beforehand, so a layer only looks up where a piece goes.
//! ```

use crate::Material;
use crate::adhesion::hull;
use crate::facets::{Facets, Front, Levels};
use crate::fit;
use crate::job::Job;
use crate::model::{Changes, Effect, Modifier, Object, Place};
use crate::patterns::Core;
use crate::props::Props;
use crate::raft;
use crate::roles::{self, Roles};
use crate::section::{Mended, segment};
use crate::settings::{Pattern, Settings};
use crate::slice::{Slice, Slicer};
use crate::supports::paint::Paint;
use crate::supports::{self, Sources, Supports};
use shop_geom::boolean::Boolean;
use shop_geom::mesh::Mesh;
use shop_geom::planar::{Contours, PER_MM, Spot};
use std::ops::Range;
use std::sync::Arc;

/// A mix of settings, and whose it is.
#[derive(Clone, Debug)]
pub struct Part {
    /// The settings, worked out.
    pub job: Job,
    /// The object it is in.
    pub object: u16,
    /// Nothing of it is higher, mm.
    pub top_mm: f64,
    /// The parts to which its roads belong.
    pub roles: Roles,
    /// There may be roads that belong to it.
    pub used: bool,
    /// The same made with other tools: tool and part.
    pub(crate) others: Vec<(u16, u16)>,
}

impl Part {
    /// Returns one that makes all of itself.
    pub fn of(job: Job, object: u16, top_mm: f64) -> Part {
        Part { job, object, top_mm, roles: Roles::all(0), used: true, others: Vec::new() }
    }
}

/// More mixes than this are not told apart in one print.
pub(crate) const MOST_PARTS: usize = 4096;

/// Returns the triangles of all bodies, mm, when any of their settings may ask for them.
fn surface(groups: &[(Settings, Mesh)], modifiers: &[Modifier], shift: [f64; 3]) -> Vec<[[f64; 3]; 3]> {
    let adaptive = |s: &Settings| s.infill_pattern == Pattern::AdaptiveCubic;
    let changed = |m: &Modifier| match &m.effect {
        Effect::Change(changes) => {
            let mut settings = Settings::default();
            changes.apply(&mut settings);
            adaptive(&settings)
        }
        _ => false,
    };
    if !groups.iter().any(|g| adaptive(&g.0)) && !modifiers.iter().any(changed) {
        return Vec::new();
    }
    let corner = |mesh: &Mesh, i: u32| {
        let p = mesh.points[i as usize];
        [p.x + shift[0], p.y + shift[1], p.z + shift[2]]
    };
    let of = |(_, mesh): &(Settings, Mesh)| -> Vec<[[f64; 3]; 3]> {
        mesh.triangles.iter().map(|t| t.map(|i| corner(mesh, i))).collect()
    };
    groups.iter().flat_map(of).collect()
}

/// Keys that concern nothing but what lies inside the walls.
const FILLING: &[&str] = &[
    "top_layers",
    "bottom_layers",
    "top_shell_mm",
    "bottom_shell_mm",
    "infill_percent",
    "infill_pattern",
    "infill_link_mm",
    "top_pattern",
    "bottom_pattern",
    "ironing",
    "ironing_spacing_mm",
    "ironing_flow_percent",
    "ironing_mm_per_s",
    "bridges",
    "bridge_anchor_mm",
    "bridge_flow",
    "skin_margin_mm",
    "solid_mm_per_s",
    "top_mm_per_s",
    "bridge_mm_per_s",
    "infill_mm_per_s",
    "solid_tool",
    "infill_tool",
    "purge_into_infill",
];

#[derive(Debug)]
struct Solid {
    /// Where its facets are among those of the item.
    facets: usize,
    /// Its part when no modifier holds.
    part: u16,
}

#[derive(Debug)]
enum Extent {
    /// Facets of the item.
    Mesh(usize),
    /// Planes from and to, grid units.
    Planes(i32, i32),
}

/// A modifier that changes settings.
#[derive(Debug)]
struct Change {
    extent: Extent,
    filling_only: bool,
    /// What becomes of each part of the item, from its first; its own number where nothing does.
    becomes: Vec<u16>,
}

/// An object, ready to be sliced.
#[derive(Debug)]
pub struct Item {
    /// Facets of solids and of modifiers, each with its front while slicing.
    facets: Vec<Facets>,
    solids: Vec<Solid>,
    removed: Vec<usize>,
    changes: Vec<Change>,
    /// Its first part: the settings of its first body.
    pub first_part: u16,
    /// A part for each of the different scan lines that parts have.
    framed: Vec<u16>,
    /// Where copies stand, grid units to add.
    pub places: Vec<Spot>,
    /// Settings of the object as a whole, worked out.
    whole: Job,
    /// Facets inside which all that hangs is held, and those inside which nothing is.
    zones: [Vec<Facets>; 2],
    /// Surfaces on which all that hangs is held, and those on which nothing is.
    painted: [Option<Paint>; 2],
    /// Where surfaces are among the facets on which seams lie, and those on which none do.
    seams: [Option<usize>; 2],
    /// What stands under it: under each copy the same, but where neighbours stand too near.
    pub props: Props,
    /// Its convex outline as far up as the skirt goes, supports included.
    pub outline: Vec<Spot>,
    /// Its raft.
    pub raft: Contours,
    /// Some of its modifiers do nothing, because there are too many mixes already.
    crowded: bool,
}

/// One layer of an item.
#[derive(Debug, Default)]
pub struct ItemCut {
    /// Its parts, by number.
    pub parts: Vec<(u16, Slice)>,
    /// All parts together on each of their scan lines, regions and rows only; empty where the one part is all there is.
    wholes: Vec<Slice>,
    /// Lines along which the layer cuts painted surfaces: where seams lie, and where none do.
    pub seams: [Vec<[Spot; 2]>; 2],
    /// What had to be mended.
    pub mended: Mended,
}

impl ItemCut {
    /// Returns what the item holds in this layer, on the scan lines numbered `framed`; nothing where there is none of it.
    pub fn whole(&self, framed: usize) -> Option<&Slice> {
        match self.parts.first() {
            Some((_, only)) if self.wholes.is_empty() => Some(only),
            _ => self.wholes.get(framed),
        }
    }
}

/// Parts that are being worked out: settings and the box in which they hold.
struct Mixes {
    list: Vec<(Settings, [[f64; 3]; 2])>,
    most: usize,
    /// There would be more.
    full: bool,
}

impl Item {
    /// Makes an object ready, moved by `shift` mm; its parts are added to `parts`.
    pub fn new(
        object: Object,
        number: u16,
        shift: [f64; 3],
        (settings, filaments): (&Settings, &[Changes]),
        levels: &Arc<Levels>,
        filament_mm: f64,
        parts: &mut Vec<Part>,
    ) -> Item {
        let mut base = settings.clone();
        object.changes.apply(&mut base);
        let places = object.places.iter().map(|p| Spot::from_mm(p[0], p[1])).collect();
        let groups = grouped(object.bodies, &base);
        let first_part = parts.len() as u16;
        let mut item = Item {
            facets: Vec::new(),
            solids: Vec::new(),
            removed: Vec::new(),
            changes: Vec::new(),
            first_part,
            framed: Vec::new(),
            places,
            whole: Job::new(base.clone(), Arc::clone(levels), filament_mm),
            zones: Default::default(),
            painted: Default::default(),
            seams: [None; 2],
            props: Props::default(),
            outline: Vec::new(),
            raft: Contours::default(),
            crowded: false,
        };
        let surface = surface(&groups, &object.modifiers, shift);
        let most = MOST_PARTS.saturating_sub(parts.len());
        let mut mixes = Mixes { list: Vec::new(), most, full: false };
        for (settings, mesh) in groups {
            let part = first_part + mixes.list.len() as u16;
            mixes.list.push((settings, bounds(&mesh)));
            let facets = item.add(mesh, shift, levels);
            item.solids.push(Solid { facets, part });
        }
        let modifiers = item.paint(object.modifiers, shift, levels);
        item.zones = item.modify(modifiers, shift, levels, &mut mixes);
        item.crowded = mixes.full;
        for (mut mix, bounds) in mixes.list {
            roles::filament(&mut mix, settings, filaments);
            let mut job = Job::new(mix, Arc::clone(levels), filament_mm);
            job.core = Arc::new(Core::of(&job, &surface, &item.sources()));
            let known = |&p: &u16| parts[usize::from(p)].job.frames == job.frames;
            let framed = item.framed.iter().position(known);
            if framed.is_none() {
                item.framed.push(parts.len() as u16);
            }
            parts.push(Part::of(job, number, bounds[1][2] + shift[2]));
        }
        item
    }

    fn add(&mut self, mesh: Mesh, shift: [f64; 3], levels: &Levels) -> usize {
        self.facets.push(Facets::new(mesh, shift, levels));
        self.facets.len() - 1
    }

    /// True when some of its modifiers do nothing, because there are too many mixes of settings.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded
    }

    /// True when there may be supports under it.
    pub fn wants_supports(&self) -> bool {
        supports::wanted(&self.whole, &self.sources())
    }

    /// Returns how far its supports may reach beyond it, grid units.
    pub fn support_reach(&self) -> f64 {
        supports::reach_mm(&self.whole.settings) * PER_MM
    }

    /// Works out what stands under one of its copies, `others` standing beside it.
    pub fn support(&self, others: Vec<(&Facets, Vec<Spot>)>) -> Supports {
        Supports::new(&self.whole, &Sources { others, ..self.sources() })
    }

    /// Takes in what stands under it, and works out what depends on that; `skirt` is of how many layers its outline is
    /// wanted.
    pub fn stand(&mut self, props: Props, skirt: usize) {
        self.props = props;
        (self.zones, self.painted) = Default::default();
        let levels = Arc::clone(&self.whole.levels);
        if levels.raft() > 0 {
            let bodies = self.solids.iter().map(|s| &self.facets[s.facets]);
            self.raft = raft::under(&self.whole, bodies, self.props.kinds());
        }
        if skirt > 0 {
            self.outline = self.low_outline(&levels, skirt.min(levels.len()));
        }
    }

    /// Returns how high its supports or its raft are, mm; nothing where there is neither.
    pub fn props_mm(&self) -> Option<f64> {
        let levels = &self.whole.levels;
        let layers = self.props.kinds().iter().map(Supports::height).max().unwrap_or(0).max(levels.raft());
        layers.checked_sub(1).map(|top| levels.top(top.min(levels.len().saturating_sub(1))))
    }

    /// Returns the facets of its bodies.
    pub fn bodies(&self) -> impl Iterator<Item = &Facets> {
        self.solids.iter().map(|s| &self.facets[s.facets])
    }

    /// Returns what supports depend on.
    fn sources(&self) -> Sources<'_> {
        let list = |numbers: &mut dyn Iterator<Item = usize>| numbers.map(|i| &self.facets[i]).collect();
        Sources {
            bodies: list(&mut self.solids.iter().map(|s| s.facets)),
            removed: list(&mut self.removed.iter().copied()),
            enforcers: self.zones[0].iter().collect(),
            blockers: self.zones[1].iter().collect(),
            painted: self.painted.each_ref().map(Option::as_ref),
            others: Vec::new(),
        }
    }

    /// Returns the convex outline of the lowest layers.
    fn low_outline(&self, levels: &Levels, layers: usize) -> Vec<Spot> {
        let mut spots = Vec::new();
        if layers > 0 {
            let top = (levels.top(layers - 1) * PER_MM).round() as i32;
            for solid in &self.solids {
                self.facets[solid.facets].spots_below(layers - 1, top, &mut spots);
            }
            for supports in self.props.kinds() {
                (0..layers).for_each(|layer| supports.spots(layer, &mut spots));
            }
            spots.extend_from_slice(self.raft.spots());
        }
        hull(spots)
    }

    /// Takes painted surfaces in; returns the other modifiers.
    fn paint(&mut self, modifiers: Vec<Modifier>, shift: [f64; 3], levels: &Levels) -> Vec<Modifier> {
        let mut surfaces: [Vec<Mesh>; 4] = Default::default();
        let mut rest = Vec::with_capacity(modifiers.len());
        for modifier in modifiers {
            let which = match modifier.effect {
                Effect::Support => 0,
                Effect::NoSupport => 1,
                Effect::Seam => 2,
                Effect::NoSeam => 3,
                Effect::Change(_) | Effect::Remove => usize::MAX,
            };
            match modifier.place {
                Place::Surface(mesh) if which < surfaces.len() => surfaces[which].push(mesh),
                // Nothing else can be said of a surface, nor of a seam inside a mesh.
                Place::Surface(_) => {}
                _ if which < 2 || which == usize::MAX => rest.push(modifier),
                _ => {}
            }
        }
        let [held, bare, seams, none] = surfaces;
        self.painted = [held, bare]
            .map(|meshes| Some(Paint::new(&meshes, shift, levels)).filter(|paint| !paint.is_empty()));
        for (i, meshes) in [seams, none].into_iter().enumerate() {
            let mut all = Mesh::default();
            for mesh in meshes {
                append(&mut all, mesh);
            }
            self.seams[i] = (!all.triangles.is_empty()).then(|| self.add(all, shift, levels));
        }
        rest
    }

    /// Takes modifiers in; returns where supports are wanted, and where not.
    fn modify(
        &mut self,
        modifiers: Vec<Modifier>,
        shift: [f64; 3],
        levels: &Levels,
        mixes: &mut Mixes,
    ) -> [Vec<Facets>; 2] {
        let mut zones = [Vec::new(), Vec::new()];
        let filling: Vec<bool> = (0..modifiers.len()).map(|i| filling_only(&modifiers, i)).collect();
        let mut sorted: Vec<(bool, Modifier)> = filling.into_iter().zip(modifiers).collect();
        // Stable: of each kind, later ones still win.
        sorted.sort_by_key(|(filling_only, _)| *filling_only);
        for (filling_only, Modifier { place, effect }) in sorted {
            if let (Place::Mesh(mesh), Effect::Support | Effect::NoSupport) = (&place, &effect) {
                let zone = usize::from(effect == Effect::NoSupport);
                zones[zone].push(Facets::new(mesh.clone(), shift, levels));
                continue;
            }
            let (everywhere, end) = ([f64::NEG_INFINITY; 3], [f64::INFINITY; 3]);
            let extent_box = match &place {
                Place::Mesh(mesh) | Place::Surface(mesh) => bounds(mesh),
                Place::Heights { .. } => [everywhere, end],
            };
            let extent = match place {
                Place::Mesh(mesh) | Place::Surface(mesh) => Extent::Mesh(self.add(mesh, shift, levels)),
                Place::Heights { low, high } => {
                    let grid = |z: f64| ((z + shift[2]) * PER_MM).round() as i32;
                    Extent::Planes(grid(low), grid(high))
                }
            };
            match effect {
                Effect::Change(changes) => {
                    let becomes = mixes.add(self.first_part, &changes, extent_box);
                    self.changes.push(Change { extent, filling_only, becomes });
                }
                Effect::Remove => {
                    if let Extent::Mesh(facets) = extent {
                        self.removed.push(facets);
                    }
                }
                Effect::Support | Effect::NoSupport | Effect::Seam | Effect::NoSeam => {}
            }
        }
        zones
    }

    /// Returns the meshes of its bodies, and of what is taken away from them.
    pub fn material(&self) -> impl Iterator<Item = Material<'_>> {
        self.material_at(0..self.places.len())
    }

    /// Returns the same for some of its copies.
    pub fn material_at(&self, copies: Range<usize>) -> impl Iterator<Item = Material<'_>> {
        let solid = self.solids.iter().map(|s| (s.facets, true));
        let removed = self.removed.iter().map(|&facets| (facets, false));
        solid.chain(removed).map(move |(facets, adds)| Material {
            facets: &self.facets[facets],
            adds,
            places: &self.places[copies.clone()],
        })
    }

    /// Returns what is carried from layer to layer.
    pub fn fronts(&self) -> Vec<Front> {
        vec![Front::default(); self.facets.len()]
    }

    /// Goes on to a layer: what of each set of facets it cuts.
    pub fn advance(&self, fronts: &mut [Front], layer: usize) -> Vec<Vec<u32>> {
        self.facets.iter().zip(fronts).map(|(facets, front)| front.advance(facets, layer).to_vec()).collect()
    }

    /// Returns the number by which [`ItemCut::whole`] knows the scan lines of a part.
    pub fn framed(&self, part: u16, parts: &[Part]) -> usize {
        let frames = &parts[usize::from(part)].job.frames;
        self.framed.iter().position(|&p| parts[usize::from(p)].job.frames == *frames).unwrap_or(0)
    }

    /// Cuts one layer.
    pub fn cut(&self, slicer: &mut Slicer, parts: &[Part], layer: usize, cuts: &[Vec<u32>]) -> ItemCut {
        let mut out = ItemCut::default();
        if cuts.iter().all(Vec::is_empty) {
            return out;
        }
        for (seams, surface) in out.seams.iter_mut().zip(self.seams) {
            if let Some(i) = surface {
                let plane = self.whole.levels.plane(layer);
                let facets = &self.facets[i];
                seams.extend(cuts[i].iter().filter_map(|f| segment(facets, facets.corners(*f), plane)));
            }
        }
        if let ([solid], true) = (&self.solids[..], self.changes.is_empty() && self.removed.is_empty()) {
            let job = &parts[usize::from(solid.part)].job;
            let slice = slicer.slice(job, &self.facets[solid.facets], layer, &cuts[solid.facets]);
            out.mended = slice.mended;
            if !slice.region.is_empty() {
                out.parts.push((solid.part, slice));
            }
            return out;
        }
        let mut work = Work { item: self, slicer, parts, layer, cuts, mended: Mended::default() };
        let pieces = work.solids();
        out.wholes = work.wholes(&pieces);
        let pieces = work.walls(pieces);
        out.parts = work.filled(pieces);
        out.mended = work.mended;
        out
    }
}

impl Mixes {
    /// Lets changes hold inside a box; returns what becomes of every part there was.
    fn add(&mut self, first: u16, changes: &Changes, extent: [[f64; 3]; 2]) -> Vec<u16> {
        let n = self.list.len();
        let mut becomes: Vec<u16> = (0..n).map(|i| first + i as u16).collect();
        for (i, becomes) in becomes.iter_mut().enumerate() {
            let (settings, own) = &self.list[i];
            let low: [f64; 3] = std::array::from_fn(|k| own[0][k].max(extent[0][k]));
            let high: [f64; 3] = std::array::from_fn(|k| own[1][k].min(extent[1][k]));
            let mut changed = settings.clone();
            changes.apply(&mut changed);
            let meets = (0..3).all(|k| low[k] <= high[k]);
            if !meets || changed == *settings {
                continue;
            }
            self.full |= self.list.len() >= self.most;
            if !self.full {
                *becomes = first + self.list.len() as u16;
                self.list.push((changed, [low, high]));
            }
        }
        becomes
    }
}

/// Work on one layer of an item of several parts.
struct Work<'a> {
    item: &'a Item,
    slicer: &'a mut Slicer,
    parts: &'a [Part],
    layer: usize,
    cuts: &'a [Vec<u32>],
    mended: Mended,
}

type Pieces = Vec<(u16, Contours)>;

impl Work<'_> {
    fn job(&self, part: u16) -> &Job {
        &self.parts[usize::from(part)].job
    }

    fn section(&mut self, part: u16, facets: usize) -> Contours {
        let mut region = Contours::default();
        let job = &self.parts[usize::from(part)].job;
        let (facets, cut) = (&self.item.facets[facets], &self.cuts[facets]);
        if !cut.is_empty() {
            let mended = self.slicer.section(job, facets, self.layer, cut, &mut region);
            self.mended.add(&mended);
        }
        region
    }

    /// Returns what each body holds; later ones have the place where they overlap.
    fn solids(&mut self) -> Pieces {
        let mut pieces: Pieces = Vec::new();
        for solid in &self.item.solids {
            let region = self.section(solid.part, solid.facets);
            self.take_away(&mut pieces, &region);
            pieces.push((solid.part, region));
        }
        for &facets in &self.item.removed {
            let hole = self.section(self.item.first_part, facets);
            self.take_away(&mut pieces, &hole);
        }
        pieces.retain(|(_, region)| !region.is_empty());
        self.fit(&mut pieces);
        pieces
    }

    /// Moves the contours of all pieces together as the settings want it; where pieces meet, they stay together.
    fn fit(&mut self, pieces: &mut Pieces) {
        if !pieces.iter().any(|(part, _)| fit::changes(self.job(*part), self.layer)) {
            return;
        }
        let before = pieces.clone();
        let mut all = Contours::default();
        for (_, region) in &before {
            all = self.slicer.combine(&all, region, Boolean::Union);
        }
        for (i, (part, region)) in pieces.iter_mut().enumerate() {
            let job = &self.parts[usize::from(*part)].job;
            let (mut fitted, mut own) = (all.clone(), region.clone());
            self.slicer.fit(job, self.layer, &mut fitted);
            self.slicer.fit(job, self.layer, &mut own);
            // What it grows to, and what it was: not what the others were.
            own = self.slicer.combine(&own, region, Boolean::Union);
            own = self.slicer.combine(&own, &fitted, Boolean::Intersection);
            for (k, (_, other)) in before.iter().enumerate() {
                if k != i {
                    own = self.slicer.combine(&own, other, Boolean::Difference);
                }
            }
            *region = own;
        }
        for i in 1..pieces.len() {
            let (earlier, later) = pieces.split_at_mut(i);
            for (_, region) in earlier {
                *region = self.slicer.combine(region, &later[0].1, Boolean::Difference);
            }
        }
        pieces.retain(|(_, region)| !region.is_empty());
    }

    fn take_away(&mut self, pieces: &mut Pieces, hole: &Contours) {
        if hole.is_empty() {
            return;
        }
        for (_, region) in pieces {
            *region = self.slicer.combine(region, hole, Boolean::Difference);
        }
    }

    /// Returns all pieces together, on every kind of scan lines.
    fn wholes(&mut self, pieces: &Pieces) -> Vec<Slice> {
        let mut pieces = pieces.iter();
        let Some((_, first)) = pieces.next() else { return Vec::new() };
        let mut all = first.clone();
        for (_, region) in pieces {
            all = self.slicer.combine(&all, region, Boolean::Union);
        }
        let framed = self.item.framed.iter();
        framed.map(|&part| self.slicer.whole(&self.parts[usize::from(part)].job, all.clone())).collect()
    }

    /// Divides pieces by the modifiers that change walls, and makes walls.
    fn walls(&mut self, pieces: Pieces) -> Vec<(u16, Slice)> {
        let pieces = self.divided(pieces, false);
        let mut out = Vec::with_capacity(pieces.len());
        for (part, region) in pieces {
            let job = &self.parts[usize::from(part)].job;
            out.push((part, self.slicer.walled(job, self.layer, region)));
        }
        out
    }

    /// Divides the inside of walls by the modifiers that change nothing else.
    fn filled(&mut self, walled: Vec<(u16, Slice)>) -> Vec<(u16, Slice)> {
        let mut out: Vec<(u16, Slice)> = Vec::with_capacity(walled.len());
        for (part, mut slice) in walled {
            let inside = std::mem::take(&mut slice.walls.inside);
            let home = out.len();
            out.push((part, slice));
            for (p, inside) in self.divided(vec![(part, inside)], true) {
                let at = if p == part {
                    home
                } else {
                    out.push((p, Slice { region: inside.clone(), ..Slice::default() }));
                    out.len() - 1
                };
                out[at].1.walls.inside = inside;
            }
        }
        for (part, slice) in &mut out {
            self.slicer.fill(&self.parts[usize::from(*part)].job, self.layer, slice);
        }
        out
    }

    fn divided(&mut self, mut pieces: Pieces, filling_only: bool) -> Pieces {
        let item = self.item;
        for change in item.changes.iter().filter(|c| c.filling_only == filling_only) {
            let becomes = |part: u16| change.becomes.get(usize::from(part - item.first_part)).copied();
            if !pieces.iter().any(|(part, _)| becomes(*part).is_some_and(|p| p != *part)) {
                continue;
            }
            match change.extent {
                Extent::Planes(low, high) => {
                    let plane = self.job(item.first_part).levels.plane(self.layer);
                    if (low..high).contains(&plane) {
                        for (part, _) in &mut pieces {
                            *part = becomes(*part).unwrap_or(*part);
                        }
                    }
                }
                Extent::Mesh(facets) => {
                    let place = self.section(item.first_part, facets);
                    if !place.is_empty() {
                        pieces = self.split(pieces, &place, becomes);
                    }
                }
            }
        }
        pieces
    }

    fn split(&mut self, pieces: Pieces, place: &Contours, becomes: impl Fn(u16) -> Option<u16>) -> Pieces {
        let mut out = Vec::with_capacity(2 * pieces.len());
        for (part, region) in pieces {
            match becomes(part) {
                Some(other) if other != part => {
                    let inside = self.slicer.combine(&region, place, Boolean::Intersection);
                    let rest = self.slicer.combine(&region, place, Boolean::Difference);
                    out.extend([(part, rest), (other, inside)].into_iter().filter(|(_, r)| !r.is_empty()));
                }
                _ => out.push((part, region)),
            }
        }
        out
    }
}

/// Returns the bodies with their settings; those that have the same are one, so that they unite where they overlap.
fn grouped(bodies: Vec<crate::model::Body>, base: &Settings) -> Vec<(Settings, Mesh)> {
    let mut groups: Vec<(Settings, Mesh)> = Vec::new();
    for body in bodies {
        let mut settings = base.clone();
        body.changes.apply(&mut settings);
        match groups.iter().position(|(s, _)| *s == settings) {
            // The group is as late as its last body.
            Some(i) => {
                let (settings, mut mesh) = groups.remove(i);
                append(&mut mesh, body.mesh);
                groups.push((settings, mesh));
            }
            None => groups.push((settings, body.mesh)),
        }
    }
    groups
}

/// Adds a mesh to another one.
fn append(all: &mut Mesh, mesh: Mesh) {
    if all.points.is_empty() {
        *all = mesh;
        return;
    }
    let first = all.points.len() as u32;
    all.points.extend(mesh.points);
    all.triangles.extend(mesh.triangles.into_iter().map(|t| t.map(|i| i + first)));
}

/// True when a modifier concerns only what lies inside the walls, and none that comes later and concerns more says
/// anything about the same.
fn filling_only(modifiers: &[Modifier], i: usize) -> bool {
    let keys = |m: &Modifier| match &m.effect {
        Effect::Change(changes) => changes.keys().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let inside = |keys: &[String]| keys.iter().all(|k| FILLING.contains(&k.as_str()));
    let own = keys(&modifiers[i]);
    let later = modifiers[i + 1..].iter().map(keys).filter(|k| !inside(k));
    inside(&own) && later.flatten().all(|k| !own.contains(&k))
}

fn bounds(mesh: &Mesh) -> [[f64; 3]; 2] {
    let none = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    mesh.bounds().map_or(none, |(low, high)| [[low.x, low.y, low.z], [high.x, high.y, high.z]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::FIELDS;

    #[test]
    fn what_concerns_the_filling_is_a_setting() {
        for key in FILLING {
            assert!(FIELDS.iter().any(|f| f.name == *key), "{key}");
        }
    }
}
