//! The order of a layer: which island next, where walls begin, which end of a line first.
//!
//! This is the one stage that must wait for the layer before, so it only chooses: every choice costs a look at the
//! corners of one wall, or a short tour through islands or walls. The long tours through fillings are made before
//! ([`legs`](crate::legs)) and only entered here.

use crate::fence::Fence;
use crate::plan::{Island, Plan, Ring};
use crate::roads::Roads;
use crate::settings::Seam;
use crate::tools::Tools;
use crate::tour::{Fare, Near, Stop, Tourist};
use shop_geom::planar::{Contours, PER_MM, Spot, twice_area};
use std::sync::Arc;

/// One road, as it is laid.
#[derive(Clone, Copy, Debug)]
pub struct Lay {
    /// Which road.
    pub road: u32,
    /// The corner at which a closed road begins; an open one begins at its last corner when this is not 0.
    pub start: u32,
}

/// A layer in order.
#[derive(Clone, Debug, Default)]
pub struct Ordered {
    /// The roads.
    pub roads: Roads,
    /// In this order.
    pub lays: Vec<Lay>,
    /// The innermost walls, where ways are to be led inside them.
    pub within: Contours,
    /// What stands beside supports.
    pub beside: Contours,
    /// Where the nozzle comes from, if it is known.
    pub from: Option<Spot>,
    /// Where it ends.
    pub to: Option<Spot>,
    /// The tool in use before, if there is one.
    pub tool: Option<u16>,
    /// What was purged into objects after changes of tool, mm³.
    pub purged_mm3: f64,
    /// What is in force when it begins.
    pub force: Force,
}

/// What a layer leaves in force for the next one.
#[derive(Clone, Copy, Debug)]
pub struct Force {
    /// The fan, a fraction of full speed; not a number when nobody knows.
    pub fan: f64,
    /// Acceleration and speed jump, mm/s² and mm/s; 0 when nobody said any.
    pub limits: [f64; 2],
}

impl Default for Force {
    fn default() -> Force {
        Force { fan: f64::NAN, limits: [0.0; 2] }
    }
}

/// What one layer tells the next.
#[derive(Clone, Debug)]
pub struct State {
    seam: Seam,
    fare: Fare,
    tools: Arc<Tools>,
    tool: Option<u16>,
    /// Purged into objects in this layer, mm³.
    purged_mm3: f64,
    /// What is in force when the next layer begins.
    pub force: Force,
    layer: u64,
    at: Option<Spot>,
    past: Past,
    now: Past,
    tourist: Tourist,
    islands: Vec<Stop>,
    rings: Vec<Stop>,
    seams: Vec<u32>,
    /// Walls behind a ring, and where they begin.
    chain: Vec<(u32, u32)>,
}

/// Seams of a layer, each known by the upper right corner of the box around its wall: that tells walls apart which have
/// one middle.
#[derive(Clone, Debug, Default)]
struct Past {
    near: Near,
    corners: Vec<Spot>,
    seams: Vec<Spot>,
}

impl Past {
    fn above(&self, corner: Spot) -> Option<Spot> {
        self.near.nearest(corner, &self.corners).map(|i| self.seams[i as usize])
    }

    /// Returns how far the corner of the nearest wall is, grid units.
    fn far(&self, corner: Spot) -> f64 {
        let nearest = self.near.nearest(corner, &self.corners);
        nearest.map_or(f64::INFINITY, |i| corner.distance(self.corners[i as usize]))
    }
}

/// How many millimetres of way a sharp corner is worth to a seam.
const CORNER_MM: f64 = 3.0;

/// A wall has nothing below it when nothing of its size is so near to its place, mm.
const NEW_MM: f64 = 3.0;
/// So many times the beginnings of new holes and the order of walls are chosen in turn.
const HOLE_ROUNDS: usize = 3;
/// Walls behind one another begin no farther apart, mm; where they do they lie in different places.
const NEXT_MM: f64 = 2.0;

impl State {
    /// Begins with the first layer, the nozzle being at `at` and `tool` in use if that is known.
    pub fn new(seam: Seam, fare: Fare, tools: Arc<Tools>, at: Option<Spot>, tool: Option<u16>) -> State {
        State {
            seam,
            fare,
            tools,
            tool,
            purged_mm3: 0.0,
            force: Force::default(),
            layer: 0,
            at,
            past: Past::default(),
            now: Past::default(),
            tourist: Tourist::default(),
            islands: Vec::new(),
            rings: Vec::new(),
            seams: Vec::new(),
            chain: Vec::new(),
        }
    }

    /// Puts a layer in order. About linear in islands and corners of outer walls.
    pub fn order(&mut self, plan: Plan) -> Ordered {
        let Plan { mut roads, islands, within, beside, fan: _ } = plan;
        let mut lays = Vec::with_capacity(roads.roads().len());
        let (from, tool) = (self.at, self.tool);
        self.now.corners.clear();
        self.now.seams.clear();
        if self.tools.is_plain() {
            self.islands(&islands, &roads, &mut lays);
        } else {
            self.by_tool(islands, &mut roads, &mut lays);
        }
        std::mem::swap(&mut self.past, &mut self.now);
        self.past.near.load(&self.past.corners);
        self.layer += 1;
        let purged_mm3 = std::mem::take(&mut self.purged_mm3);
        Ordered { roads, lays, within, beside, from, to: self.at, tool, purged_mm3, force: self.force }
    }

    /// Returns the tool in use.
    pub fn tool(&self) -> Option<u16> {
        self.tool
    }

    /// Lays islands tool by tool, the tool in use first, with what of the tower belongs to the changes. What may have any
    /// colour is laid after changes as far as filament has to be purged, and with its own tool otherwise; it makes no
    /// change of its own.
    fn by_tool(&mut self, islands: Vec<Island>, roads: &mut Roads, lays: &mut Vec<Lay>) {
        let tools = Arc::clone(&self.tools);
        let road = |i: &Island| i.rings.first().map(|r| r.outer).or_else(|| i.rest.first().copied());
        let of = |i: &Island, roads: &Roads| tools.of(road(i).map_or(0, |r| roads.roads()[r as usize].part));
        let mut groups: Vec<(u16, Vec<Island>)> = Vec::new();
        let put = |groups: &mut Vec<(u16, Vec<Island>)>, tool: u16, island: Island| match groups
            .iter_mut()
            .find(|g| g.0 == tool)
        {
            Some(group) => group.1.push(island),
            None => groups.push((tool, vec![island])),
        };
        let (mut any, fixed): (Vec<Island>, Vec<Island>) = islands.into_iter().partition(|i| i.purges);
        for island in fixed {
            put(&mut groups, of(&island, roads), island);
        }
        if groups.is_empty() {
            // The tool that is in use makes all of it, or the first that would come.
            let first = any.iter().map(|i| of(i, roads)).min();
            for island in any.drain(..) {
                let tool = self.tool.or(first).unwrap_or_default();
                remake(&tools, tool, &island, roads);
                put(&mut groups, tool, island);
            }
        }
        let skirt = |g: &(u16, Vec<Island>)| g.1.iter().any(|i| i.first);
        // What is laid before everything comes before everything.
        groups.sort_by_key(|g| (!skirt(g), Some(g.0) != self.tool, g.0));
        let layer = self.layer as usize;
        let count = groups.len();
        let begun = self.tool.or(groups.first().map(|g| g.0));
        let changes = count - usize::from(groups.first().is_some_and(|g| Some(g.0) == begun));
        let mut change = 0;
        self.tool = begun;
        if let Some(tool) = begun {
            let tower = tools.tower(layer, None, changes == 0, tool, roads);
            self.in_order(tower, roads, lays);
        }
        let end = groups.last().map_or(0, |g| g.0);
        for (k, (tool, mut islands)) in groups.into_iter().enumerate() {
            if self.tool != Some(tool) {
                self.tool = Some(tool);
                let (taken, purged) = purge(&tools, tool, &mut any, roads, of);
                self.purged_mm3 += purged;
                let now = Some((change, tools.rest_mm3(purged)));
                let tower = tools.tower(layer, now, change as usize + 1 == changes, tool, roads);
                change += 1;
                self.in_order(tower, roads, lays);
                self.islands(&taken, roads, lays);
            }
            // Its own but what later changes want, and in the end whatever nobody else lays.
            let later = (count - 1 - k) as f64 * tools.elsewhere_mm3();
            let mut spare = any.iter().map(|i| volume(i, roads)).sum::<f64>() - later;
            let last = any.extract_if(.., |i| {
                let goes = volume(i, roads) <= spare || !may_make(&tools, end, i, roads);
                let now = k + 1 == count || of(i, roads) == tool && goes;
                spare -= if now { volume(i, roads) } else { 0.0 };
                now
            });
            for island in last.collect::<Vec<_>>() {
                remake(&tools, tool, &island, roads);
                islands.push(island);
            }
            self.islands(&islands, roads, lays);
        }
    }

    /// Lays roads as they stand.
    fn in_order(&mut self, list: std::ops::Range<u32>, roads: &Roads, lays: &mut Vec<Lay>) {
        for road in list {
            let laid = &roads.roads()[road as usize];
            let spots = roads.spots(laid);
            lays.push(Lay { road, start: 0 });
            self.at = Some(if laid.closed { spots[0] } else { spots[spots.len() - 1] });
        }
    }

    /// Lays islands one after another.
    fn islands(&mut self, islands: &[Island], roads: &Roads, lays: &mut Vec<Lay>) {
        for island in islands.iter().filter(|i| i.first) {
            self.island(island, None, roads, lays);
        }
        let others: Vec<&Island> = islands.iter().filter(|i| !i.first).collect();
        let ends = |i: &Island| {
            let wall = i.rings.first().map(|r| roads.spots(&roads.roads()[r.outer as usize])[0]);
            let [a, b] = i.legs.ends(roads).unwrap_or([i.middle; 2]);
            [wall.unwrap_or(a), wall.unwrap_or(b)]
        };
        let mut stops = std::mem::take(&mut self.islands);
        stops.clear();
        // Ways between islands pass through the contours of both, whichever way they lead.
        let (both, nowhere) = (others.iter().map(|i| ends(i)), Fence::default());
        stops.extend_from_slice(self.tourist.tour(both, [self.at, None], self.fare, &nowhere));
        for (i, stop) in stops.iter().enumerate() {
            let next = stops.get(i + 1).map(|s| ends(others[s.item as usize])[0]);
            self.island(others[stop.item as usize], next, roads, lays);
        }
        self.islands = stops;
    }

    /// Lays one island; `next` is where it goes on, if that is in this layer: otherwise the next layer begins about where
    /// this island did.
    fn island(&mut self, island: &Island, next: Option<Spot>, roads: &Roads, lays: &mut Vec<Lay>) {
        let at = self.at.unwrap_or(island.middle);
        self.seams.clear();
        for ring in &island.rings {
            let wall = roads.spots(&roads.roads()[ring.outer as usize]);
            let seam = self.seam(wall, &ring.among, at);
            self.seams.push(seam as u32);
        }
        self.begin_holes(island, at, roads);
        let seams = std::mem::take(&mut self.seams);
        let begins = |i: usize| {
            let outer = &roads.roads()[island.rings[i].outer as usize];
            [roads.spots(outer)[seams[i] as usize]; 2]
        };
        let mut stops = std::mem::take(&mut self.rings);
        stops.clear();
        let order = self.tourist.tour(
            (0..island.rings.len()).map(begins),
            [Some(at), None],
            self.fare,
            &island.fence,
        );
        stops.extend_from_slice(order);
        let begun = lays.len();
        for stop in &stops {
            let ring = &island.rings[stop.item as usize];
            let outer = roads.spots(&roads.roads()[ring.outer as usize]);
            let mut seam = seams[stop.item as usize] as usize;
            if self.seam == Seam::Nearest
                && let Some(at) = self.at
            {
                seam = nearest_of(outer, &ring.among, at);
            }
            self.ring(ring, seam, roads, lays);
            self.remember(outer, outer[seam]);
        }
        let first = lays.get(begun).map(|l| roads.spots(&roads.roads()[l.road as usize])[l.start as usize]);
        let goal = next.or(first);
        (self.rings, self.seams) = (stops, seams);
        let mut at = self.at;
        island.legs.enter(roads, self.at, goal, self.fare, &island.fence, |laid| {
            let road = &roads.roads()[laid.road as usize];
            let spots = roads.spots(road);
            let last = spots.len() - 1;
            let (start, end) = match (road.closed, laid.backwards) {
                (true, _) => {
                    let start = nearest(spots, at.unwrap_or(spots[0]));
                    (start, start)
                }
                (false, false) => (0, last),
                (false, true) => (last, 0),
            };
            lays.push(Lay { road: laid.road, start: start as u32 });
            at = Some(spots[end]);
            at
        });
        self.at = at;
    }

    /// Chooses where walls of holes begin that have nothing below them: anywhere is as good to the eye, and so it is where
    /// ways from and to the walls before and after them pass through no hole.
    fn begin_holes(&mut self, island: &Island, at: Spot, roads: &Roads) {
        let wall = |i: usize| roads.spots(&roads.roads()[island.rings[i].outer as usize]);
        if self.seam != Seam::Aligned || island.rings.len() < 2 {
            return;
        }
        let new = |i: &usize| {
            let far = || self.past.far(bounds(wall(*i)).1) > NEW_MM * PER_MM;
            island.rings[*i].among.is_empty() && far() && twice_area(wall(*i)) < 0
        };
        let holes: Vec<usize> = (0..island.rings.len()).filter(new).collect();
        if holes.is_empty() {
            return;
        }
        for _ in 0..HOLE_ROUNDS {
            let begins = (0..island.rings.len()).map(|i| [wall(i)[self.seams[i] as usize]; 2]);
            let stops = self.tourist.tour(begins, [Some(at), None], self.fare, &island.fence);
            let order: Vec<usize> = stops.iter().map(|s| s.item as usize).collect();
            for (k, &i) in order.iter().enumerate().filter(|(_, i)| holes.binary_search(i).is_ok()) {
                let place = |j: &usize| wall(*j)[self.seams[*j] as usize];
                let before = k.checked_sub(1).map_or(at, |k| place(&order[k]));
                let after = order.get(k + 1).map(place);
                let (corners, n) = (wall(i), wall(i).len());
                let cost = |c: usize| {
                    let hidden = sharpness(corners[(c + n - 1) % n], corners[c], corners[(c + 1) % n]);
                    self.fare.of(&island.fence, before, corners[c])
                        + after.map_or(0.0, |a| self.fare.of(&island.fence, corners[c], a))
                        - CORNER_MM * PER_MM * hidden
                };
                let best = (0..n).map(|c| (cost(c), c)).min_by(|a, b| a.0.total_cmp(&b.0));
                self.seams[i] = best.map_or(0, |b| b.1) as u32;
            }
        }
    }

    /// Lays a wall that is seen, beginning at its corner `seam`, and those behind it. Where they are walls of several narrow
    /// or wide places they are visited by a short way that ends beside the seam.
    fn ring(&mut self, ring: &Ring, seam: usize, roads: &Roads, lays: &mut Vec<Lay>) {
        let spots = |road: u32| roads.spots(&roads.roads()[road as usize]);
        let outer = spots(ring.outer)[seam];
        let mut chain = std::mem::take(&mut self.chain);
        chain.clear();
        chain.extend(ring.inner.iter().rev().map(|road| (*road, nearest(spots(*road), outer) as u32)));
        let place = |link: &(u32, u32)| spots(link.0)[link.1 as usize];
        let steps = chain.iter().map(place).zip(std::iter::once(outer).chain(chain.iter().map(place)));
        if steps.into_iter().any(|(a, b)| a.distance(b) > NEXT_MM * PER_MM) {
            // Where the nozzle comes from, when it ends at the seam.
            let far = self.at.filter(|_| !ring.outer_first);
            let begins = chain.iter().map(|link| [place(link); 2]);
            let stops = self.tourist.tour(begins, [Some(outer), far], self.fare, &Fence::default());
            let order: Vec<u32> = stops.iter().map(|s| chain[s.item as usize].0).collect();
            // From the seam outwards each as near as can be, and then where it costs least to come and to go.
            let mut after = outer;
            for (link, road) in chain.iter_mut().zip(order) {
                *link = (road, nearest(spots(road), after) as u32);
                after = place(link);
            }
            for i in (0..chain.len()).rev() {
                let Some(before) = chain.get(i + 1).map(place).or(far) else { continue };
                let after = i.checked_sub(1).map_or(outer, |k| place(&chain[k]));
                chain[i].1 = between(spots(chain[i].0), before, after, self.fare) as u32;
            }
        }
        let begun = lays.len();
        lays.push(Lay { road: ring.outer, start: seam as u32 });
        lays.extend(chain.iter().map(|(road, start)| Lay { road: *road, start: *start }));
        if !ring.outer_first {
            lays[begun..].reverse();
        }
        self.at = lays.last().map(|l| spots(l.road)[l.start as usize]);
        self.chain = chain;
    }

    fn remember(&mut self, wall: &[Spot], seam: Spot) {
        self.now.corners.push(bounds(wall).1);
        self.now.seams.push(seam);
    }

    /// Chooses where a wall begins when the nozzle is at `at`: one of the corners `among`, or any.
    fn seam(&self, wall: &[Spot], among: &[u32], at: Spot) -> usize {
        let n = wall.len();
        let (low, high) = bounds(wall);
        let rear = Spot::new(low.x / 2 + high.x / 2, high.y);
        let target = match self.seam {
            // A random place was chosen when the wall was made.
            Seam::Aligned | Seam::Random => Some(self.past.above(high).unwrap_or(rear)),
            Seam::Rear => Some(rear),
            Seam::Nearest => return nearest_of(wall, among, at),
            Seam::Sharpest => None,
        };
        let corners = match self.seam {
            Seam::Aligned | Seam::Sharpest => CORNER_MM * PER_MM,
            Seam::Rear | Seam::Nearest | Seam::Random => 0.0,
        };
        let mut best = (f64::INFINITY, 0);
        let mut look = |i: usize| {
            let far = target.map_or(0.0, |t| t.distance(wall[i]));
            if far - corners > best.0 {
                return;
            }
            let cost = far - corners * sharpness(wall[(i + n - 1) % n], wall[i], wall[(i + 1) % n]);
            if cost < best.0 {
                best = (cost, i);
            }
        };
        if among.is_empty() {
            (0..n).for_each(&mut look);
        } else {
            for i in among {
                look(*i as usize);
            }
        }
        best.1
    }
}

/// Returns the number of the nearest of some corners; of all where none is named.
fn nearest_of(wall: &[Spot], among: &[u32], at: Spot) -> usize {
    let far = |i: &u32| at.distance(wall[*i as usize]);
    let best = among.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
    best.map_or_else(|| nearest(wall, at), |i| *i as usize)
}

/// Takes islands into which filament is purged when `tool` comes, its own first; returns them and what they take, mm³.
fn purge(
    tools: &Tools,
    tool: u16,
    any: &mut Vec<Island>,
    roads: &mut Roads,
    of: impl Fn(&Island, &Roads) -> u16,
) -> (Vec<Island>, f64) {
    let wanted = tools.elsewhere_mm3();
    let (mut taken, mut purged) = (Vec::new(), 0.0);
    any.sort_by_key(|i| of(i, roads) != tool);
    while purged < wanted {
        let Some(k) = any.iter().position(|i| may_make(tools, tool, i, roads)) else { break };
        let island = any.remove(k);
        purged += volume(&island, roads);
        remake(tools, tool, &island, roads);
        taken.push(island);
    }
    (taken, purged)
}

/// Returns all roads of an island.
fn all(island: &Island) -> impl Iterator<Item = u32> + '_ {
    let rings = island.rings.iter().flat_map(|r| r.inner.iter().copied().chain([r.outer]));
    rings.chain(island.rest.iter().copied())
}

/// Returns the material of an island, mm³.
fn volume(island: &Island, roads: &Roads) -> f64 {
    all(island).map(|r| roads.volume_mm3(&roads.roads()[r as usize])).sum()
}

/// True when a tool can make an island.
fn may_make(tools: &Tools, tool: u16, island: &Island, roads: &Roads) -> bool {
    all(island).all(|r| tools.made_with(roads.roads()[r as usize].part, tool).is_some())
}

/// Lets another tool make an island.
fn remake(tools: &Tools, tool: u16, island: &Island, roads: &mut Roads) {
    for road in all(island) {
        if let Some(part) = tools.made_with(roads.roads()[road as usize].part, tool) {
            roads.give(road, part);
        }
    }
}

/// Returns the corners of the box around a wall.
fn bounds(wall: &[Spot]) -> (Spot, Spot) {
    let (mut low, mut high) = (wall[0], wall[0]);
    for s in wall {
        low = Spot::new(low.x.min(s.x), low.y.min(s.y));
        high = Spot::new(high.x.max(s.x), high.y.max(s.y));
    }
    (low, high)
}

/// Returns how well a corner hides a seam, 0 to 1: one that the part goes around (concave) better than one that sticks
/// out.
fn sharpness(before: Spot, at: Spot, after: Spot) -> f64 {
    let ([ax, ay], [bx, by]) = (before.to(at), at.to(after));
    let size = ((ax * ax + ay * ay) * (bx * bx + by * by)).sqrt().max(1.0);
    let (sin, cos) = ((ax * by - ay * bx) / size, (ax * bx + ay * by) / size);
    let turn = 0.5 * (1.0 - cos);
    if sin < 0.0 { turn } else { 0.7 * turn }
}

/// Returns the number of the place at which it costs least to come from one place and go on to another.
fn between(spots: &[Spot], from: Spot, to: Spot, fare: Fare) -> usize {
    let cost = |s: &Spot| fare.least(from, *s) + fare.least(*s, to);
    let best = spots.iter().map(cost).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0, |b| b.0)
}

/// Returns the number of the nearest place.
fn nearest(spots: &[Spot], at: Spot) -> usize {
    let mut best = (f64::INFINITY, 0);
    for (i, s) in spots.iter().enumerate() {
        let [x, y] = at.to(*s);
        let far = x * x + y * y;
        if far < best.0 {
            best = (far, i);
        }
    }
    best.1
}
