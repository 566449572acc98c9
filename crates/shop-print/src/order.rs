//! The order of a layer: which island next, where walls begin, which end of a line first.
//!
//! This is the one stage that must wait for the layer before, so it only chooses: every choice costs a look at the
//! corners of one wall, or at the middles of the islands.

use crate::plan::{Island, Plan, Ring};
use crate::roads::{Kind, Roads};
use crate::settings::Seam;
use shop_geom::planar::{PER_MM, Spot};

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
    /// Where the nozzle comes from, if it is known.
    pub from: Option<Spot>,
    /// Where it ends.
    pub to: Option<Spot>,
}

/// The seam of a wall, for the layer above.
#[derive(Clone, Copy, Debug)]
struct Past {
    middle: Spot,
    seam: Spot,
}

/// What one layer tells the next.
#[derive(Clone, Debug)]
pub struct State {
    seam: Seam,
    at: Option<Spot>,
    past: Vec<Past>,
    now: Vec<Past>,
}

/// How many millimetres of way a sharp corner is worth to a seam.
const CORNER_MM: f64 = 3.0;

impl State {
    /// Begins with the first layer.
    pub fn new(seam: Seam) -> State {
        State { seam, at: None, past: Vec::new(), now: Vec::new() }
    }

    /// Puts a layer in order. O(islands² + corners).
    pub fn order(&mut self, plan: Plan) -> Ordered {
        let Plan { roads, mut islands } = plan;
        let mut lays = Vec::with_capacity(roads.roads().len());
        let from = self.at;
        self.now.clear();
        while !islands.is_empty() {
            let at = self.at.unwrap_or_default();
            let before = islands.iter().position(|i| i.first);
            let next = before.unwrap_or_else(|| nearest(islands.iter().map(|i| i.middle), at));
            let island = islands.swap_remove(next);
            self.island(island, &roads, &mut lays);
        }
        std::mem::swap(&mut self.past, &mut self.now);
        Ordered { roads, lays, from, to: self.at }
    }

    fn island(&mut self, mut island: Island, roads: &Roads, lays: &mut Vec<Lay>) {
        while !island.rings.is_empty() {
            let at = self.at.unwrap_or(island.middle);
            let first = |r: &Ring| roads.spots(&roads.roads()[r.outer as usize])[0];
            let next = nearest(island.rings.iter().map(first), at);
            let ring = island.rings.swap_remove(next);
            let outer = roads.spots(&roads.roads()[ring.outer as usize]);
            let seam = self.seam(outer);
            for road in ring.inner {
                let spots = roads.spots(&roads.roads()[road as usize]);
                let start = nearest(spots.iter().copied(), outer[seam]);
                lays.push(Lay { road, start: start as u32 });
            }
            lays.push(Lay { road: ring.outer, start: seam as u32 });
            self.at = Some(outer[seam]);
        }
        let is_gap = |road: &u32| roads.roads()[*road as usize].kind == Kind::Gap;
        let (mut gaps, rest): (Vec<u32>, Vec<u32>) = island.rest.into_iter().partition(is_gap);
        while !gaps.is_empty() {
            let at = self.at.unwrap_or(island.middle);
            let ends = gaps.iter().flat_map(|&road| {
                let spots = roads.spots(&roads.roads()[road as usize]);
                [spots[0], spots[spots.len() - 1]]
            });
            let next = nearest(ends, at);
            let road = gaps.swap_remove(next / 2);
            let spots = roads.spots(&roads.roads()[road as usize]);
            let last = spots.len() - 1;
            let (start, end) = if next % 2 == 0 { (0, last) } else { (last, 0) };
            lays.push(Lay { road, start: start as u32 });
            self.at = Some(spots[end]);
        }
        for road in rest {
            let r = &roads.roads()[road as usize];
            let spots = roads.spots(r);
            let start =
                if r.closed { nearest(spots.iter().copied(), self.at.unwrap_or(spots[0])) } else { 0 };
            self.at = Some(if r.closed { spots[start] } else { spots[spots.len() - 1] });
            lays.push(Lay { road, start: start as u32 });
        }
    }

    /// Chooses where a wall begins, and remembers it.
    fn seam(&mut self, wall: &[Spot]) -> usize {
        let n = wall.len();
        let (mut low, mut high) = (wall[0], wall[0]);
        for s in wall {
            low = Spot::new(low.x.min(s.x), low.y.min(s.y));
            high = Spot::new(high.x.max(s.x), high.y.max(s.y));
        }
        let middle = Spot::new(low.x / 2 + high.x / 2, low.y / 2 + high.y / 2);
        let above = self.past.iter().min_by(|a, b| {
            a.middle.distance(middle).total_cmp(&b.middle.distance(middle)).then(a.seam.cmp(&b.seam))
        });
        let rear = Spot::new(middle.x, high.y);
        let target = match self.seam {
            Seam::Aligned => Some(above.map_or(rear, |p| p.seam)),
            Seam::Rear => Some(rear),
            Seam::Nearest => self.at,
            Seam::Sharpest => None,
        };
        let corners = match self.seam {
            Seam::Aligned | Seam::Sharpest => CORNER_MM * PER_MM,
            Seam::Rear | Seam::Nearest => 0.0,
        };
        let mut best = (f64::INFINITY, 0);
        for i in 0..n {
            let far = target.map_or(0.0, |t| t.distance(wall[i]));
            if far - corners > best.0 {
                continue;
            }
            let cost = far - corners * sharpness(wall[(i + n - 1) % n], wall[i], wall[(i + 1) % n]);
            if cost < best.0 {
                best = (cost, i);
            }
        }
        self.now.push(Past { middle, seam: wall[best.1] });
        best.1
    }
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

/// Returns the number of the nearest place.
fn nearest(spots: impl Iterator<Item = Spot>, at: Spot) -> usize {
    let mut best = (f64::INFINITY, 0);
    for (i, s) in spots.enumerate() {
        let [x, y] = at.to(s);
        let far = x * x + y * y;
        if far < best.0 {
            best = (far, i);
        }
    }
    best.1
}
