//! What closed walks wind around at least once, without a sweep.
//!
//! Most walks of a print hardly cross: a section of a sound mesh, a parallel contour of a smooth one. Edges are sorted
//! into strips, and those that meet in a strip are held against one another, exactly. A walk that crosses nothing has one
//! winding number on either side, told by which others hold it; walks that cross are taken apart by [`arrange`]. Only
//! where edges touch (a corner on an edge, two edges on one another) is nothing said: that is work for the sweep.

mod arrange;

use super::{Contours, Spot, turn, twice_area};
use arrange::Arrangement;

/// Room for work, used again and again.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    edges: Vec<Edge>,
    starts: Vec<u32>,
    strips: Vec<Entry>,
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

/// An edge within a strip: between which x it lies there.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    low: i32,
    high: i32,
    edge: u32,
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
/// Edges per strip, about.
const PER_STRIP: i64 = 4;

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
        self.crossings.clear();
        if self.edges.is_empty() {
            return true;
        }
        let strips = self.fill_strips();
        let mut start = 0;
        for s in 0..strips {
            let end = self.starts[s] as usize;
            let strip = &mut self.strips[start..end];
            strip.sort_unstable_by_key(|e| (i64::from(e.low) << 32) | i64::from(e.edge));
            for i in 0..strip.len() {
                let this = strip[i];
                for other in strip[i + 1..].iter().take_while(|o| o.low <= this.high) {
                    let edges = [this.edge.min(other.edge), this.edge.max(other.edge)];
                    let [p, q] = edges.map(|e| self.edges[e as usize]);
                    match meeting(p, q) {
                        Meeting::Nothing => {}
                        Meeting::Crossing { leftwards } => {
                            self.crossings.push(Crossing { edges, leftwards });
                        }
                        Meeting::Touch => return false,
                    }
                }
            }
            start = end;
        }
        // Edges meet in every strip through which both run.
        self.crossings.sort_unstable();
        self.crossings.dedup();
        true
    }

    /// Sorts the edges into strips of equal height and returns how many these are; strip `s` ends at `starts[s]`. Strips
    /// lie along the axis that leaves fewer edges in many of them, and are so high that an edge is in few of them on
    /// average: a power of two, as a division for every edge costs more than all else here.
    fn fill_strips(&mut self) -> usize {
        let ([x, y], [dx, dy]) = self.extents();
        let upright = dx < dy;
        let (range, total) = if upright { (x, dx) } else { (y, dy) };
        let (low, n) = (range[0], self.edges.len() as i64);
        let height = ((range[1] - low) * PER_STRIP / n).max(total / n) + 1;
        let shift = 64 - height.leading_zeros();
        let strips = ((range[1] - low) >> shift) as usize + 1;
        let of = |y: i32| ((i64::from(y) - low) >> shift) as usize;
        let ends = |e: &Edge| {
            let [(ax, ay), (bx, by)] = [e.a, e.b].map(|s| if upright { (s.y, s.x) } else { (s.x, s.y) });
            if ay <= by { [(ax, ay), (bx, by)] } else { [(bx, by), (ax, ay)] }
        };
        self.starts.clear();
        self.starts.resize(strips + 1, 0);
        for e in &self.edges {
            let [(_, bottom), (_, top)] = ends(e);
            for s in of(bottom)..=of(top) {
                self.starts[s + 1] += 1;
            }
        }
        for s in 0..strips {
            self.starts[s + 1] += self.starts[s];
        }
        self.strips.clear();
        self.strips.resize(self.starts[strips] as usize, Entry::default());
        for (i, e) in self.edges.iter().enumerate() {
            let [(bx, by), (tx, ty)] = ends(e);
            let (first, last) = (of(by), of(ty));
            let mut put = |s: usize, from: i32, to: i32| {
                let slot = &mut self.starts[s];
                self.strips[*slot as usize] = Entry { low: from.min(to), high: from.max(to), edge: i as u32 };
                *slot += 1;
            };
            if first == last {
                put(first, bx, tx);
                continue;
            }
            let slope = (f64::from(tx) - f64::from(bx)) / (f64::from(ty) - f64::from(by));
            let mut from = bx;
            for s in first..last {
                let above = low + ((s as i64 + 1) << shift);
                let to = f64::from(bx) + (above - i64::from(by)) as f64 * slope;
                // A little wider than it is, so that rounding hides nothing.
                let widen = if slope < 0.0 { -2 } else { 2 };
                put(s, from, to as i32 + widen);
                from = to as i32 - widen;
            }
            put(last, from, tx);
        }
        strips
    }

    /// Returns between which coordinates the edges lie, and how far they run in all, along either axis.
    fn extents(&self) -> ([[i64; 2]; 2], [i64; 2]) {
        let (mut ranges, mut totals) = ([[i64::MAX, i64::MIN]; 2], [0; 2]);
        for e in &self.edges {
            for (i, (a, b)) in [(e.a.x, e.b.x), (e.a.y, e.b.y)].into_iter().enumerate() {
                let (a, b) = (i64::from(a), i64::from(b));
                ranges[i] = [ranges[i][0].min(a), ranges[i][1].max(a)];
                totals[i] += (b - a).abs();
            }
        }
        (ranges, totals)
    }
}

/// Returns the lowest and the highest coordinates of a contour.
fn bounds(contour: &[Spot]) -> [Spot; 2] {
    contour.iter().fold([contour[0], contour[0]], |[l, h], s| {
        [Spot::new(l.x.min(s.x), l.y.min(s.y)), Spot::new(h.x.max(s.x), h.y.max(s.y))]
    })
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
