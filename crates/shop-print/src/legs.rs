//! The open roads of an island in the order in which they are laid.
//!
//! Roads of one rank are laid before those of the next: what carries before what is carried, the seen top last. Within a
//! rank a [tour](crate::tour) visits them, filling of all kinds mixed, so that the nozzle goes on where it is; the lines of
//! a top keep the order in which they were drawn (from one side to the other, so that no two fronts meet). Tours are made
//! when nothing is known yet about the layer below: a leg that is a tour may be entered anywhere.

use crate::fence::Fence;
use crate::roads::{Kind, Roads};
use crate::tour::{Entry, Fare, Tourist, entry};
use shop_geom::planar::Spot;

/// A road of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Laid {
    /// Which road of the layer.
    pub road: u32,
    /// From its last corner to its first.
    pub backwards: bool,
}

/// Roads in order, rank after rank.
#[derive(Clone, Debug, Default)]
pub struct Legs {
    roads: Vec<Laid>,
    /// What the way to each of them costs on its tour.
    ways: Vec<f64>,
    cuts: Vec<Leg>,
}

#[derive(Clone, Copy, Debug)]
struct Leg {
    end: u32,
    /// It is a tour: it may be entered anywhere and walked both ways.
    tour: bool,
}

/// Room for work, used again and again.
#[derive(Clone, Debug, Default)]
pub struct Walker {
    tourist: Tourist,
    ranked: Vec<(u8, u32)>,
}

/// Returns which roads are laid before others, and whether those of a kind are laid in the order in which they were
/// made.
fn rank(kind: Kind) -> (u8, bool) {
    match kind {
        Kind::Skirt | Kind::PrimeTower => (0, true),
        // What touches stands on the layer below, and not on what lies beside it.
        Kind::Support | Kind::SupportInterface => (1, false),
        Kind::OuterWall
        | Kind::InnerWall
        | Kind::Gap
        | Kind::Solid
        | Kind::Sparse
        | Kind::Bridge
        | Kind::InternalBridge => (3, false),
        Kind::Top => (4, true),
        Kind::Ironing => (5, true),
    }
}

/// Returns first and last corner of a road; a closed one ends where it begins.
fn ends(roads: &Roads, road: u32) -> [Spot; 2] {
    let road = &roads.roads()[road as usize];
    let spots = roads.spots(road);
    [spots[0], if road.closed { spots[0] } else { spots[spots.len() - 1] }]
}

impl Walker {
    /// Puts roads in order. About linear in their number.
    pub fn walk(&mut self, roads: &Roads, rest: &[u32], fare: Fare, fence: &Fence) -> Legs {
        self.ranked.clear();
        self.ranked.extend(rest.iter().map(|r| (rank(roads.roads()[*r as usize].kind).0, *r)));
        // Stable: those of one rank stay in the order in which they were made.
        self.ranked.sort_by_key(|r| r.0);
        let mut out = Legs {
            roads: Vec::with_capacity(rest.len()),
            ways: Vec::with_capacity(rest.len()),
            cuts: Vec::new(),
        };
        for leg in self.ranked.chunk_by(|a, b| a.0 == b.0) {
            let fixed = rank(roads.roads()[leg[0].1 as usize].kind).1;
            if fixed {
                out.ways.resize(out.ways.len() + leg.len(), 0.0);
                out.roads.extend(leg.iter().map(|r| Laid { road: r.1, backwards: false }));
            } else {
                let stops = self.tourist.tour(leg.iter().map(|r| ends(roads, r.1)), [None; 2], fare, fence);
                out.roads.extend(
                    stops.iter().map(|s| Laid { road: leg[s.item as usize].1, backwards: s.backwards }),
                );
                out.ways.extend_from_slice(self.tourist.ways());
            }
            out.cuts.push(Leg { end: out.roads.len() as u32, tour: !fixed });
        }
        out
    }
}

impl Legs {
    /// Returns the same roads where `first` others stand before them.
    pub fn shifted(&self, first: u32) -> Legs {
        let roads = self.roads.iter().map(|r| Laid { road: r.road + first, ..*r }).collect();
        Legs { roads, ..self.clone() }
    }

    /// Returns beginning and end of all of it, as far as that is known before it is entered.
    pub fn ends(&self, roads: &Roads) -> Option<[Spot; 2]> {
        let (first, last) = (self.roads.first()?, self.roads.last()?);
        let [from, to] = [ends(roads, first.road), ends(roads, last.road)];
        Some([from[usize::from(first.backwards)], to[usize::from(!last.backwards)]])
    }

    /// Calls `lay` with all roads in order, entering each leg where that is near and leaving it near what comes next,
    /// `goal` in the end; `lay` returns where it came to.
    pub fn enter(
        &self,
        roads: &Roads,
        at: Option<Spot>,
        goal: Option<Spot>,
        fare: Fare,
        fence: &Fence,
        mut lay: impl FnMut(Laid) -> Option<Spot>,
    ) {
        let (mut at, mut start) = (at, 0);
        for (i, leg) in self.cuts.iter().enumerate() {
            let next = self.cuts.get(i + 1).filter(|l| !l.tour);
            let goal = next.map_or(goal, |_| Some(ends(roads, self.roads[leg.end as usize].road)[0]));
            let (list, ways) = (&self.roads[start..leg.end as usize], &self.ways[start..leg.end as usize]);
            start = leg.end as usize;
            let entry = match at {
                Some(at) if leg.tour => entry(list.len(), ways, at, goal, fare, fence, |k| {
                    let [a, b] = ends(roads, list[k].road);
                    if list[k].backwards { [b, a] } else { [a, b] }
                }),
                _ => Entry::default(),
            };
            for (k, turned) in entry.walk(list.len()) {
                at = lay(Laid { backwards: list[k].backwards != turned, ..list[k] });
            }
        }
    }
}
