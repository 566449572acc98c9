//! A layer between its neighbours: what is skin, what is sparse, and every road of it, sorted by island.

use crate::fence::Fence;
use crate::infill::Filler;
use crate::item::Part;
use crate::job::Job;
use crate::legs::{Legs, Walker};
use crate::overhang::{self, Below};
use crate::roads::{Kind, Roads};
use crate::seams::{self, Marks};
use crate::settings::Seam;
use crate::slice::Slice;
use crate::slits;
use crate::supports::{Supports, lay};
use crate::tour::Fare;
use shop_geom::planar::{Contours, PER_MM, Spot, encloses, twice_area};

/// An outer wall and the walls behind it, roads of the layer.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    /// The wall that is seen.
    pub outer: u32,
    /// Those behind it, innermost first.
    pub inner: Vec<u32>,
    /// Corners at which it may begin; all of them where none is named.
    pub among: Vec<u32>,
    /// It is laid before those behind it.
    pub outer_first: bool,
}

/// What hangs together in a layer.
#[derive(Clone, Debug, Default)]
pub struct Island {
    /// Middle of the box around it.
    pub middle: Spot,
    /// Its closed walls.
    pub rings: Vec<Ring>,
    /// Walls behind no outer wall, and everything open.
    pub rest: Vec<u32>,
    /// All of `rest` in the order in which it is laid.
    pub legs: Legs,
    /// It is laid before all others.
    pub first: bool,
    /// It may be laid with any tool that comes, right after a change.
    pub purges: bool,
    /// The copy of an object that it belongs to.
    pub copy: u16,
    /// The contours of its object.
    pub fence: Fence,
}

/// All roads of a layer, not yet in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The roads.
    pub roads: Roads,
    /// Who they belong to.
    pub islands: Vec<Island>,
    /// The innermost walls, where ways are to be led inside them.
    pub within: Contours,
    /// What stands beside supports: ways between them that do not cross it leave no strings on it.
    pub beside: Contours,
    /// The fan of the layer, a fraction of full speed.
    pub fan: f64,
}

impl Plan {
    /// Makes one island of all roads, as they stand.
    pub fn as_one_island(&mut self, first: bool) {
        self.islands.clear();
        if let Some(road) = self.roads.roads().first() {
            let middle = self.roads.spots(road)[0];
            let rest = (0..self.roads.roads().len() as u32).collect();
            self.islands.push(Island { middle, rest, first, ..Island::default() });
        }
    }

    /// Makes islands of their own of roads that another tool lays than the rest of their island, and of filling into which
    /// filament may be purged: pieces of at least `purge_mm3`.
    pub fn divide(&mut self, part: &Part) {
        let s = &part.job.settings;
        // With one tool, or none that could make it, nothing is ever purged into it.
        let purges = s.purge_mm3 > 0.0 && !part.others.is_empty();
        let (whole, sparse) = (purges && s.purge_into_object, purges && s.purge_into_infill);
        if part.roles.is_plain() && !whole && !sparse {
            return;
        }
        for mut island in std::mem::take(&mut self.islands) {
            let whose = |r: &u32| self.roads.roads()[*r as usize].part;
            let ring = island.rings.first().map(|r| whose(&r.outer));
            let own = ring.or_else(|| island.rest.first().map(whose));
            let into = |r: &u32| whole || sparse && self.roads.roads()[*r as usize].kind == Kind::Sparse;
            // By tool, and by whether filament is purged into it; in the order in which they first come.
            let mut groups: Vec<((u16, bool), Vec<u32>)> = Vec::new();
            for road in std::mem::take(&mut island.rest) {
                let key = (whose(&road), into(&road));
                match groups.iter_mut().find(|g| g.0 == key) {
                    Some(group) => group.1.push(road),
                    None => groups.push((key, vec![road])),
                }
            }
            let same = groups.iter().position(|g| Some(g.0.0) == own && g.0.1 == whole);
            if let Some(i) = same.filter(|_| ring.is_some()) {
                island.rest = groups.remove(i).1;
            }
            let middle = island.middle;
            if ring.is_some() {
                island.purges = whole;
                self.islands.push(island);
            }
            for ((_, purges), rest) in groups {
                for rest in self.pieces(rest, if purges { s.purge_mm3 } else { f64::INFINITY }) {
                    self.islands.push(Island { middle, rest, purges, ..Island::default() });
                }
            }
        }
    }

    /// Cuts a list of roads into pieces of at least so much material, mm³; what is left belongs to the last.
    fn pieces(&self, roads: Vec<u32>, least: f64) -> Vec<Vec<u32>> {
        let mut out: Vec<Vec<u32>> = vec![Vec::new()];
        let mut volume = 0.0;
        for road in roads {
            if volume >= least {
                volume = 0.0;
                out.push(Vec::new());
            }
            volume += self.roads.volume_mm3(&self.roads.roads()[road as usize]);
            if let Some(last) = out.last_mut() {
                last.push(road);
            }
        }
        if volume < least && out.len() > 1 {
            let rest = out.pop().unwrap_or_default();
            if let Some(last) = out.last_mut() {
                last.extend(rest);
            }
        }
        out.retain(|piece| !piece.is_empty());
        out
    }

    /// Takes another plan in, as it is.
    pub fn join(&mut self, other: Plan) {
        if self.roads.roads().is_empty() {
            *self = other;
        } else {
            self.add(&other, Spot::default(), 0);
        }
    }

    /// Adds another plan, moved by `shift`, for one copy of an object.
    pub fn add(&mut self, other: &Plan, shift: Spot, copy: u16) {
        let first = self.roads.roads().len() as u32;
        self.roads.append_moved(&other.roads, shift, copy);
        for (to, from) in [(&mut self.within, &other.within), (&mut self.beside, &other.beside)] {
            let mut moved = from.clone();
            moved.shift(shift);
            to.append(&moved);
        }
        self.islands.extend(other.islands.iter().map(|island| {
            Island {
                middle: Spot::new(island.middle.x + shift.x, island.middle.y + shift.y),
                rings: island
                    .rings
                    .iter()
                    .map(|r| Ring {
                        outer: r.outer + first,
                        inner: r.inner.iter().map(|i| i + first).collect(),
                        among: r.among.clone(),
                        outer_first: r.outer_first,
                    })
                    .collect(),
                rest: island.rest.iter().map(|i| i + first).collect(),
                legs: island.legs.shifted(first),
                first: island.first,
                purges: island.purges,
                copy,
                fence: island.fence.moved(shift),
            }
        }));
    }
}

/// What a part of a layer sees of its object.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What lies in the layers it looks at, `near[below]` being the layer itself.
    pub near: &'a [Option<&'a Slice>],
    /// The same from one layer further down on, where that matters; else empty.
    pub lower: &'a [Option<&'a Slice>],
    /// What lies in all layers that those look at which have their sparse filling together; empty where each has its own.
    pub group: &'a [Option<&'a Slice>],
    /// Lines along which painted surfaces are cut: where seams lie, and where none do.
    pub seams: &'a [Vec<[Spot; 2]>; 2],
}

/// Room for planning, used again and again.
#[derive(Default)]
pub struct Planner {
    filler: Filler,
    walker: Walker,
    props: lay::Room,
    fenced: Contours,
    fence: Fence,
}

impl Planner {
    /// Plans one part of a layer.
    pub fn part(&mut self, job: &Job, layer: usize, own: &Slice, view: &View<'_>) -> Plan {
        let View { near: around, seams, .. } = *view;
        let mut plan = Plan::default();
        let below = job.reach.below.checked_sub(1).and_then(|k| around[k]);
        let below = below.filter(|b| layer > 0 && job.settings.overhangs && b.region != own.region);
        let mut begins = Begins::new(job, layer, seams);
        match below {
            Some(below) => add_hanging_walls(job, layer, own, below, &mut begins, &mut plan.roads),
            None => add_walls(job, layer, own, &mut begins, &mut plan.roads),
        }
        let walls = plan.roads.roads().len();
        plan.roads.append(&own.thin);
        if !job.winds(layer) {
            self.filler.fill(job, layer, own, view, &mut plan.roads);
        }
        plan.islands = islands(&own.region, &plan.roads, walls);
        begins.note(&mut plan);
        if job.settings.outer_walls_first {
            plan.islands.iter_mut().flat_map(|i| &mut i.rings).for_each(|ring| ring.outer_first = true);
        }
        if job.settings.comb {
            plan.within = own.walls.rings.last().unwrap_or(&own.walls.inside).clone();
        }
        plan
    }

    /// Plans the supports of an object in a layer.
    pub fn supports(&mut self, job: &Job, layer: usize, supports: &Supports, way: &lay::Way<'_>) -> Plan {
        let mut plan = Plan::default();
        supports.lay(job, layer, way, &mut self.props, &mut plan.roads);
        if plan.roads.roads().len() > 1 {
            way.solids.iter().for_each(|solid| plan.beside.append(solid));
        }
        plan.as_one_island(false);
        plan
    }

    /// Puts what is open on every island in order; ways avoid the contours of the `object`, if it is one.
    pub fn walk(&mut self, plan: &mut Plan, fare: Fare, object: Option<&Contours>) {
        let fence = match object {
            Some(object) if plan.roads.roads().len() > 2 => self.fence(object),
            _ => Fence::default(),
        };
        for island in &mut plan.islands {
            island.legs = self.walker.walk(&plan.roads, &island.rest, fare, &fence);
            island.fence = fence.clone();
        }
    }

    /// Returns the fence of an object: that of the layer before, if nothing changes.
    fn fence(&mut self, object: &Contours) -> Fence {
        if self.fenced != *object {
            self.fenced.clone_from(object);
            self.fence = Fence::new(object);
        }
        self.fence.clone()
    }
}

/// Where seen walls may begin, when that is not left to their corners.
struct Begins {
    seam: Seam,
    layer: usize,
    marks: Marks,
    wall: Vec<Spot>,
    among: Vec<Spot>,
    /// Corners of roads.
    found: Vec<(u32, Vec<u32>)>,
}

impl Begins {
    fn new(job: &Job, layer: usize, seams: &[Vec<[Spot; 2]>; 2]) -> Begins {
        let marks = Marks::new(seams, job.settings.road_width_mm);
        let seam = job.settings.seam;
        Begins { seam, layer, marks, wall: Vec::new(), among: Vec::new(), found: Vec::new() }
    }

    /// Returns a seen wall as it is laid, with the corners that it needs to begin where it shall.
    fn wall<'a>(&'a mut self, contour: &'a [Spot]) -> &'a [Spot] {
        self.among.clear();
        if self.marks.is_empty() && self.seam != Seam::Random {
            return contour;
        }
        seams::places(self.seam, &self.marks, self.layer, contour, &mut self.wall, &mut self.among);
        &self.wall
    }

    /// Keeps at which corners of the road that was added last it may begin.
    fn keep(&mut self, roads: &Roads) {
        if let (Some(road), false) = (roads.roads().last(), self.among.is_empty()) {
            let spots = roads.spots(road).iter().enumerate();
            self.among.sort_unstable();
            let may = |s: &Spot| self.among.binary_search(s).is_ok();
            let among = spots.filter(|(_, s)| may(s)).map(|(i, _)| i as u32).collect();
            self.found.push((roads.roads().len() as u32 - 1, among));
        }
    }

    /// Notes it with the walls.
    fn note(&mut self, plan: &mut Plan) {
        for ring in plan.islands.iter_mut().flat_map(|i| &mut i.rings) {
            if let Ok(k) = self.found.binary_search_by_key(&ring.outer, |f| f.0) {
                ring.among = std::mem::take(&mut self.found[k].1);
            }
        }
    }
}

fn add_walls(job: &Job, layer: usize, own: &Slice, begins: &mut Begins, roads: &mut Roads) {
    for (depth, wall, wider) in own.walls.each() {
        if depth == 0 {
            close(Kind::OuterWall, (job, layer), (wall, wider), begins.wall(wall), roads);
            begins.keep(roads);
        } else {
            close(Kind::InnerWall, (job, layer), (wall, wider), wall, roads);
        }
    }
}

/// Adds a wall as it is laid, with corners more than it had.
fn close(
    kind: Kind,
    (job, layer): (&Job, usize),
    (wall, wider): (&[Spot], &[f32]),
    laid: &[Spot],
    roads: &mut Roads,
) {
    let area = job.area(layer);
    if wider.is_empty() {
        return roads.close(kind, area, laid);
    }
    let height = job.levels.height(layer);
    let more = slits::at_corners(wall, wider, laid);
    roads.close_each(kind, laid, more.into_iter().map(|w| area + height * f64::from(w)));
}

/// The same, with what of them lies over air.
fn add_hanging_walls(
    job: &Job,
    layer: usize,
    own: &Slice,
    below: &Slice,
    begins: &mut Begins,
    roads: &mut Roads,
) {
    let below = Below::new(below, job.frames[0], job.wall_rules(layer).width / PER_MM);
    let (mut corners, mut percent) = (Vec::new(), Vec::new());
    for (depth, wall, wider) in own.walls.each() {
        let kind = if depth == 0 { Kind::OuterWall } else { Kind::InnerWall };
        let begun = if depth == 0 { begins.wall(wall) } else { wall };
        if overhang::mark(&below, begun, &mut corners, &mut percent) {
            close(kind, (job, layer), (wall, wider), &corners, roads);
            roads.hang(&percent);
        } else {
            close(kind, (job, layer), (wall, wider), begun, roads);
        }
        if depth == 0 {
            begins.keep(roads);
        }
    }
}

/// A box around places, grid units.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    low: Spot,
    high: Spot,
}

impl Bounds {
    fn of(spots: &[Spot]) -> Bounds {
        let first = spots.first().copied().unwrap_or_default();
        spots.iter().fold(Bounds { low: first, high: first }, |b, s| Bounds {
            low: Spot::new(b.low.x.min(s.x), b.low.y.min(s.y)),
            high: Spot::new(b.high.x.max(s.x), b.high.y.max(s.y)),
        })
    }

    fn holds(&self, s: Spot) -> bool {
        self.low.x <= s.x && s.x <= self.high.x && self.low.y <= s.y && s.y <= self.high.y
    }

    fn middle(&self) -> Spot {
        let half = |a: i32, b: i32| i64::midpoint(i64::from(a), i64::from(b)) as i32;
        Spot::new(half(self.low.x, self.high.x), half(self.low.y, self.high.y))
    }

    fn size(&self) -> i64 {
        i64::from(self.high.x) - i64::from(self.low.x) + i64::from(self.high.y) - i64::from(self.low.y)
    }
}

/// Sorts roads by the outer contours of the region that hold them; the first `walls` roads are closed. O(roads × corners
/// of the contours whose box holds them).
fn islands(region: &Contours, roads: &Roads, walls: usize) -> Vec<Island> {
    let outers: Vec<(&[Spot], Bounds)> =
        region.iter().filter(|c| twice_area(c) > 0).map(|c| (c, Bounds::of(c))).collect();
    let mut islands: Vec<Island> =
        outers.iter().map(|(_, b)| Island { middle: b.middle(), ..Island::default() }).collect();
    let home = |s: Spot| {
        if outers.len() < 2 {
            return 0;
        }
        let mut best = (i64::MAX, 0);
        for (i, (contour, bounds)) in outers.iter().enumerate() {
            if bounds.holds(s) && bounds.size() < best.0 && encloses(contour, s) {
                best = (bounds.size(), i);
            }
        }
        best.1
    };
    let all = &roads.roads()[..if islands.is_empty() { 0 } else { roads.roads().len() }];
    for (i, road) in all.iter().enumerate().take(walls).filter(|(_, r)| r.kind == Kind::OuterWall) {
        let island = home(roads.spots(road)[0]);
        islands[island].rings.push(Ring { outer: i as u32, ..Ring::default() });
    }
    for (i, road) in all.iter().enumerate() {
        if i < walls && road.kind == Kind::OuterWall {
            continue;
        }
        let spots = roads.spots(road);
        let island = &mut islands[home(spots[0])];
        if i >= walls {
            island.rest.push(i as u32);
            continue;
        }
        match nearest_ring(&island.rings, roads, spots[0]) {
            Some(r) => island.rings[r].inner.insert(0, i as u32),
            None => island.rest.push(i as u32),
        }
    }
    islands.retain(|i| !i.rings.is_empty() || !i.rest.is_empty());
    islands
}

/// Returns the ring whose outer wall comes nearest to a place.
fn nearest_ring(rings: &[Ring], roads: &Roads, at: Spot) -> Option<usize> {
    if rings.len() < 2 {
        return (!rings.is_empty()).then_some(0);
    }
    let far = |ring: &Ring| {
        let spots = roads.spots(&roads.roads()[ring.outer as usize]);
        let mut least = f64::INFINITY;
        let mut a = spots[spots.len() - 1];
        for &b in spots {
            least = least.min(to_edge(at, a, b));
            a = b;
        }
        least
    };
    (0..rings.len()).min_by(|&a, &b| far(&rings[a]).total_cmp(&far(&rings[b])))
}

/// Returns the squared distance of a place to an edge.
#[inline]
pub(crate) fn to_edge(at: Spot, a: Spot, b: Spot) -> f64 {
    let ([px, py], [ex, ey]) = (a.to(at), a.to(b));
    let t = ((px * ex + py * ey) / (ex * ex + ey * ey).max(1.0)).clamp(0.0, 1.0);
    let (dx, dy) = (px - t * ex, py - t * ey);
    dx * dx + dy * dy
}
