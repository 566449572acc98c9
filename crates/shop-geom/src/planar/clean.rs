//! What closed walks wind around at least once, without a sweep.
//!
//! Most walks of a print hardly cross: a section of a sound mesh, a parallel contour of a smooth one. What goes only up or
//! only down is sorted into [`strips`], and edges that come near one another there are held against one another, exactly. A walk that crosses nothing has one
//! winding number on either side, told by which others hold it; walks that cross are taken apart by [`arrange`]. Only
//! where edges touch (a corner on an edge, two edges on one another) is nothing said: that is work for the sweep.

mod arrange;
mod strips;

use super::{Contours, Spot, bounds, turn, twice_area};
use arrange::Arrangement;
use strips::Strips;

/// Room for work, used again and again.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    edges: Vec<Edge>,
    strips: Strips,
    boxes: Vec<[Spot; 2]>,
    order: Vec<u32>,
    crossings: Vec<Crossing>,
    arrangement: Arrangement,
    woven: Contours,
}

/// An edge of a walk.
#[derive(Clone, Copy, Debug)]
struct Edge {
    a: Spot,
    b: Spot,
}

/// Two edges that cross within both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crossing {
    /// The lower one first.
    edges: [u32; 2],
    /// The second comes from the right of the first and goes to its left.
    leftwards: bool,
}

/// What two edges have in common.
enum Meeting {
    /// Nothing, or the corner in which one follows the other.
    Nothing,
    /// A place within both; whether the second goes to the left of the first.
    Crossing { leftwards: bool },
    /// A corner of one lies on the other, or they lie on one another.
    Touch,
}

/// What walks turn out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// None crosses another or itself.
    Apart,
    /// They cross.
    Crossing,
    /// Edges touch, or walks are too many: nothing was written.
    Touching,
}

/// More contours than this are left to the sweep, which finds faster what lies in what.
const MOST: usize = 1000;

impl Cleaner {
    /// Writes to `out` what the walks wind around at least once, counter-clockwise, unless edges touch. Contours come in
    /// the order of their first corners. Crossings are rounded to the grid: seldom, an edge comes to lie on another by that.
    pub(super) fn unite(&mut self, walks: &Contours, out: &mut Contours) -> Found {
        if walks.len() > MOST || !self.load(walks) || !self.meet() {
            return Found::Touching;
        }
        self.boxes.clear();
        self.boxes.extend(walks.iter().map(bounds));
        if self.crossings.is_empty() {
            self.keep(walks, out);
            return Found::Apart;
        }
        let mut woven = std::mem::take(&mut self.woven);
        let arranged = self.arrangement.unite(walks, &self.edges, &self.boxes, &self.crossings, &mut woven);
        if arranged {
            self.sort(&woven, out);
        }
        self.woven = woven;
        if arranged { Found::Crossing } else { Found::Touching }
    }

    /// True when the walks neither cross nor touch one another or themselves.
    pub(super) fn is_clean(&mut self, walks: &Contours) -> bool {
        self.load(walks) && self.meet() && self.crossings.is_empty()
    }

    /// Writes to `out` those of walks apart from one another that have something on one side only.
    fn keep(&mut self, walks: &Contours, out: &mut Contours) {
        self.woven.clear();
        for (i, contour) in walks.iter().enumerate() {
            let around: i32 = (self.boxes.iter().enumerate())
                .filter(|(j, b)| *j != i && holds(b, contour[0]))
                .map(|(j, _)| winding(walks.get(j), contour[0]))
                .sum();
            let way = if twice_area(contour) > 0 { 1 } else { -1 };
            if (around > 0) != (around + way > 0) {
                self.woven.add(contour);
            }
        }
        let woven = std::mem::take(&mut self.woven);
        self.sort(&woven, out);
        self.woven = woven;
    }

    fn sort(&mut self, contours: &Contours, out: &mut Contours) {
        self.order.clear();
        self.order.extend(0..contours.len() as u32);
        self.order.sort_by_key(|&i| contours.get(i as usize)[0]);
        out.clear();
        for &i in &self.order {
            out.add(contours.get(i as usize));
        }
    }

    /// Lists the edges; false when one has no length.
    fn load(&mut self, walks: &Contours) -> bool {
        self.edges.clear();
        for contour in walks.iter() {
            let mut a = contour[contour.len() - 1];
            for &b in contour {
                if a == b {
                    return false;
                }
                self.edges.push(Edge { a, b });
                a = b;
            }
        }
        true
    }

    /// Lists where edges cross; false when some touch.
    fn meet(&mut self) -> bool {
        let (edges, crossings) = (&self.edges, &mut self.crossings);
        crossings.clear();
        let apart = self.strips.pairs(edges, |p, q| {
            let pair = [p.min(q), p.max(q)];
            let [p, q] = pair.map(|e| edges[e as usize]);
            match meeting(p, q) {
                Meeting::Nothing => true,
                Meeting::Crossing { leftwards } => {
                    crossings.push(Crossing { edges: pair, leftwards });
                    true
                }
                Meeting::Touch => false,
            }
        });
        // Edges meet in every strip through which both run.
        self.crossings.sort_unstable();
        self.crossings.dedup();
        apart
    }
}

/// True when a place lies within the bounds.
fn holds([low, high]: &[Spot; 2], at: Spot) -> bool {
    low.x < at.x && at.x < high.x && low.y < at.y && at.y < high.y
}

/// Returns how often a walk winds around a place that does not lie on it, counter-clockwise.
fn winding(walk: &[Spot], at: Spot) -> i32 {
    let mut a = walk[walk.len() - 1];
    let mut around = 0;
    for &b in walk {
        if (a.y > at.y) != (b.y > at.y) {
            // Edges that cross the ray to the right.
            let side = turn(a, b, at);
            if b.y > a.y && side > 0 {
                around += 1;
            } else if b.y < a.y && side < 0 {
                around -= 1;
            }
        }
        a = b;
    }
    around
}

/// Returns what two edges have in common.
#[inline]
fn meeting(p: Edge, q: Edge) -> Meeting {
    let apart = |a: i32, b: i32, c: i32, d: i32| a.max(b) < c.min(d) || c.max(d) < a.min(b);
    if apart(p.a.x, p.b.x, q.a.x, q.b.x) || apart(p.a.y, p.b.y, q.a.y, q.b.y) {
        return Meeting::Nothing;
    }
    let shared = |back: bool| if back { Meeting::Touch } else { Meeting::Nothing };
    if p.b == q.a && p.a != q.b {
        return shared(runs_back(p.b, p.a, q.b));
    }
    if q.b == p.a && q.a != p.b {
        return shared(runs_back(p.a, p.b, q.a));
    }
    let (from, to) = (turn(p.a, p.b, q.a), turn(p.a, p.b, q.b));
    if (from > 0 && to > 0) || (from < 0 && to < 0) {
        return Meeting::Nothing;
    }
    let (c, d) = (turn(q.a, q.b, p.a), turn(q.a, q.b, p.b));
    if (c > 0 && d > 0) || (c < 0 && d < 0) {
        return Meeting::Nothing;
    }
    if from == 0 || to == 0 || c == 0 || d == 0 {
        return Meeting::Touch;
    }
    Meeting::Crossing { leftwards: from < 0 }
}

/// True when two edges leave a corner in the same direction.
fn runs_back(at: Spot, to: Spot, other: Spot) -> bool {
    let dot = |a: Spot, b: Spot| {
        (i64::from(a.x) - i64::from(at.x)) * (i64::from(b.x) - i64::from(at.x))
            + (i64::from(a.y) - i64::from(at.y)) * (i64::from(b.y) - i64::from(at.y))
    };
    turn(at, to, other) == 0 && dot(to, other) > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walks() -> impl Strategy<Value = Contours> {
        // Few coordinates, so that edges touch, are level, run back; or many, so that they cross.
        let walk = |most: i32| prop::collection::vec((0..most, 0..most), 2..24);
        prop::collection::vec(prop_oneof![walk(6), walk(1000), walk(i32::MAX / 2)], 1..4).prop_map(|all| {
            let mut out = Contours::default();
            for walk in all {
                let mut corners: Vec<Spot> = walk.into_iter().map(|(x, y)| Spot::new(x, y)).collect();
                corners.dedup();
                if corners.len() > 1 && corners.first() == corners.last() {
                    corners.pop();
                }
                out.add(&corners);
            }
            out
        })
    }

    proptest! {
        #[test]
        fn edges_meet_as_when_each_is_held_against_each(walks in walks()) {
            let mut cleaner = Cleaner::default();
            // A walk of one corner stays where it is.
            prop_assume!(cleaner.load(&walks));
            let (mut touch, mut crossings) = (false, Vec::new());
            for p in 0..cleaner.edges.len() {
                for q in p + 1..cleaner.edges.len() {
                    match meeting(cleaner.edges[p], cleaner.edges[q]) {
                        Meeting::Nothing => {}
                        Meeting::Crossing { leftwards } => {
                            crossings.push(Crossing { edges: [p as u32, q as u32], leftwards });
                        }
                        Meeting::Touch => touch = true,
                    }
                }
            }
            prop_assert_eq!(cleaner.meet(), !touch);
            if !touch {
                prop_assert_eq!(&cleaner.crossings, &crossings);
            }
        }
    }
}
