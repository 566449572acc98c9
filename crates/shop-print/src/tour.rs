//! Short ways through many roads: which comes after which, and from which end.
//!
//! A tour begins as *always to the nearest end* and is then improved: a stretch of it is turned round (2-opt), or up to
//! three roads are put elsewhere (Or-opt), as long as that saves anything. Only ends that lie near one another are tried,
//! so the cost is about linear in the number of roads. A way that passes through the part's contour costs more than its length.
//!
//! ```text
//!    turned round:   ─a┐ ┌b─      ─a───┐b─          put elsewhere:   ─a b─  →  ─a─b─
//!                      ╳      →    ┌───┘                               c
//!                    ─c┘ └d─      ─c───d─                            ─d e─     ─d c e─
//! ```

use crate::fence::Fence;
use shop_geom::planar::Spot;

/// What a way between two roads costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fare {
    /// Ways from here on need the filament to be pulled back, grid units.
    pub free: f64,
    /// As much way is pulling back worth, grid units.
    pub toll: f64,
    /// And so much passing through a contour, grid units.
    pub passage: f64,
}

/// From where to where, as far as that is known.
type Way = (Option<Spot>, Option<Spot>);

impl Fare {
    /// Returns the least that a way costs, grid units: what it does when it passes through nothing.
    #[inline]
    pub fn least(&self, from: Spot, to: Spot) -> f64 {
        let far = from.distance(to);
        if far < self.free { far } else { far + self.toll }
    }

    /// Returns the cost of a way, grid units.
    #[inline]
    pub fn of(&self, fence: &Fence, from: Spot, to: Spot) -> f64 {
        self.least(from, to) + self.passage * f64::from(fence.crossings(from, to, u32::MAX))
    }

    /// Returns what some ways cost together, if that is less than `most`; those without both ends cost nothing. What passes
    /// through contours is looked at last.
    #[inline]
    fn within<const N: usize>(&self, fence: &Fence, ways: [Way; N], most: f64) -> Option<f64> {
        let mut cost: f64 = ways.iter().map(|w| self.least_of(*w)).sum();
        for way in ways {
            if cost >= most {
                return None;
            }
            if let (Some(a), Some(b)) = way {
                // No more of them than make it too much.
                let enough = ((most - cost) / self.passage).min(f64::from(u32::MAX - 1)) as u32 + 1;
                cost += self.passage * f64::from(fence.crossings(a, b, enough));
            }
        }
        (cost < most).then_some(cost)
    }

    /// Returns the least that a way costs, grid units; nothing when an end of it is not known.
    #[inline]
    fn least_of(&self, way: Way) -> f64 {
        if let (Some(a), Some(b)) = way { self.least(a, b) } else { 0.0 }
    }
}

/// A road on a tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Which one of the roads that were given.
    pub item: u32,
    /// It is laid from its second end to its first.
    pub backwards: bool,
}

/// Places sorted into square cells, to find the nearest one.
#[derive(Clone, Debug, Default)]
pub struct Near {
    low: Spot,
    /// Size of a cell, grid units.
    cell: f64,
    across: i32,
    up: i32,
    starts: Vec<u32>,
    /// Number of each place, cell by cell; those that are alive come first.
    numbers: Vec<u32>,
    alive: Vec<u32>,
    left: usize,
}

impl Near {
    /// Takes places, numbered from 0.
    pub fn load(&mut self, spots: &[Spot]) {
        let first = spots.first().copied().unwrap_or_default();
        let (mut low, mut high) = (first, first);
        for s in spots {
            low = Spot::new(low.x.min(s.x), low.y.min(s.y));
            high = Spot::new(high.x.max(s.x), high.y.max(s.y));
        }
        let [w, h] = low.to(high);
        // About two places a cell, and never more cells than places.
        let area = (w.max(1.0) * h.max(1.0)).max((0.1 * w.max(h)).powi(2)).max(1.0);
        let count = spots.len().max(1) as f64;
        self.cell = (2.0 * area / count).sqrt().max(1.0);
        self.low = low;
        self.across = (w / self.cell) as i32 + 1;
        self.up = (h / self.cell) as i32 + 1;
        let cells = self.across as usize * self.up as usize;
        self.starts.clear();
        self.starts.resize(cells + 1, 0);
        for s in spots {
            let c = self.cell_of(*s);
            self.starts[c + 1] += 1;
        }
        for c in 0..cells {
            self.starts[c + 1] += self.starts[c];
        }
        self.numbers.clear();
        self.numbers.resize(spots.len(), 0);
        self.alive.clear();
        self.alive.resize(cells, 0);
        for (i, s) in spots.iter().enumerate() {
            let c = self.cell_of(*s);
            self.numbers[(self.starts[c] + self.alive[c]) as usize] = i as u32;
            self.alive[c] += 1;
        }
        self.left = spots.len();
    }

    fn column(&self, x: i32) -> i32 {
        ((f64::from(x) - f64::from(self.low.x)) / self.cell) as i32
    }

    fn row(&self, y: i32) -> i32 {
        ((f64::from(y) - f64::from(self.low.y)) / self.cell) as i32
    }

    fn cell_of(&self, s: Spot) -> usize {
        let column = self.column(s.x).clamp(0, self.across - 1);
        let row = self.row(s.y).clamp(0, self.up - 1);
        row as usize * self.across as usize + column as usize
    }

    /// Takes a place out.
    pub fn remove(&mut self, number: u32, at: Spot) {
        let c = self.cell_of(at);
        let start = self.starts[c] as usize;
        let cell = &mut self.numbers[start..start + self.alive[c] as usize];
        if let Some(i) = cell.iter().position(|n| *n == number) {
            let last = cell.len() - 1;
            cell.swap(i, last);
            self.alive[c] -= 1;
            self.left -= 1;
        }
    }

    /// Calls `look` with all places within a square ring of cells around a place's own, `ring` cells away; false when
    /// there are no cells so far away.
    fn ring(&self, at: Spot, ring: i32, mut look: impl FnMut(u32)) -> bool {
        let (x, y) = (self.column(at.x), self.row(at.y));
        let (left, right) = (x.saturating_sub(ring), x.saturating_add(ring));
        let (low, high) = (y.saturating_sub(ring), y.saturating_add(ring));
        let mut any = false;
        for row in low.max(0)..=high.min(self.up - 1) {
            let whole = row == low || row == high;
            let mut cells = |from: i32, to: i32| {
                for column in from.max(0)..=to.min(self.across - 1) {
                    any = true;
                    let c = row as usize * self.across as usize + column as usize;
                    let start = self.starts[c] as usize;
                    self.numbers[start..start + self.alive[c] as usize].iter().for_each(|n| look(*n));
                }
            };
            if whole {
                cells(left, right);
            } else {
                cells(left, left);
                if right != left {
                    cells(right, right);
                }
            }
        }
        any || left > 0 || low > 0 || right < self.across - 1 || high < self.up - 1
    }

    /// Returns the place nearest to `at` that is still there; of equal ones the one with the smallest number.
    pub fn nearest(&self, at: Spot, spots: &[Spot]) -> Option<u32> {
        if self.left == 0 {
            return None;
        }
        let mut best = (f64::INFINITY, u32::MAX);
        // Cells between a far place and the first column or row hold nothing.
        let outside = |v: i32, n: i32| if v < 0 { v.saturating_neg() } else { (v - n + 1).max(0) };
        let mut ring = outside(self.column(at.x), self.across).max(outside(self.row(at.y), self.up));
        while self.ring(at, ring, |n| {
            let [x, y] = at.to(spots[n as usize]);
            let far = x * x + y * y;
            if far < best.0 || far == best.0 && n < best.1 {
                best = (far, n);
            }
        }) {
            // All that lies nearer than this many cells has been seen.
            let seen = f64::from(ring) * self.cell;
            if best.0 <= seen * seen {
                break;
            }
            ring += 1;
        }
        Some(best.1)
    }

    /// Returns the numbers of up to `K` places less than `far` from `at`, of the cells around, the nearest first; those of
    /// `but`'s two ends left out, those that were taken out not.
    fn some<const K: usize>(&self, at: Spot, far: f64, spots: &[Spot], but: u32) -> [u32; K] {
        let mut best = [(far * far, u32::MAX); K];
        let range = |low: i32, at: i32, n: i32| {
            let cell = |v: f64| ((v - f64::from(low)) / self.cell) as i32;
            let own = cell(f64::from(at));
            let first = cell(f64::from(at) - far).max(own - 1).max(0);
            first..=cell(f64::from(at) + far).min(own + 1).min(n - 1)
        };
        let columns = range(self.low.x, at.x, self.across);
        for row in range(self.low.y, at.y, self.up) {
            let cell = |column: i32| row as usize * self.across as usize + column as usize;
            let (first, last) = (cell(*columns.start()), cell(*columns.end()));
            for &n in &self.numbers[self.starts[first] as usize..self.starts[last + 1] as usize] {
                let [x, y] = at.to(spots[n as usize]);
                let new = (x * x + y * y, n);
                if n / 2 == but || new >= best[K - 1] {
                    continue;
                }
                let mut i = K - 1;
                while i > 0 && new < best[i - 1] {
                    best[i] = best[i - 1];
                    i -= 1;
                }
                best[i] = new;
            }
        }
        best.map(|b| b.1)
    }
}

/// Ends that are tried for every end.
const NEIGHBOURS: usize = 10;
/// Longer stretches are not turned round or passed over.
const LONGEST: usize = 1000;
/// Savings below this are none, grid units.
const LEAST_SAVING: f64 = 1.0;
/// Rounds of improvement at most; few tours need more than four.
const ROUNDS: usize = 8;

/// Room for work, used again and again.
#[derive(Clone, Debug, Default)]
pub struct Tourist {
    near: Near,
    /// Both ends of every item: item `i` has ends `2i` and `2i + 1`.
    ends: Vec<Spot>,
    stops: Vec<Stop>,
    /// Where on the tour an item is, and whether anything changed beside it since it was looked at.
    place: Vec<u32>,
    fresh: Vec<bool>,
    /// What the way to each stop costs, and to nowhere after the last.
    ways: Vec<f64>,
    /// Where the first way begins and the last one ends, if that is known.
    outer: [Option<Spot>; 2],
    fare: Fare,
    fence: Fence,
}

impl Tourist {
    /// Returns a short tour through all items, each given by its two ends, from the first to the second `outer` place where
    /// they are known. About linear in the number of items.
    pub fn tour(
        &mut self,
        items: impl IntoIterator<Item = [Spot; 2]>,
        outer: [Option<Spot>; 2],
        fare: Fare,
        fence: &Fence,
    ) -> &[Stop] {
        self.ends.clear();
        self.ends.extend(items.into_iter().flatten());
        self.stops.clear();
        let n = self.ends.len() / 2;
        self.ways.clear();
        self.ways.resize(n + 1, 0.0);
        (self.outer, self.fare, self.fence) = (outer, fare, fence.clone());
        if n <= 1 {
            let far = |[a, b]: [usize; 2]| {
                let way = |from: Option<Spot>, end: usize| from.map_or(0.0, |s| s.distance(self.ends[end]));
                way(outer[0], a) + way(outer[1], b)
            };
            let backwards = n == 1 && far([1, 0]) < far([0, 1]);
            self.stops.extend((0..n as u32).map(|item| Stop { item, backwards }));
            return &self.stops;
        }
        self.near.load(&self.ends);
        let improve = n > 2 || outer != [None; 2];
        self.greedy(outer[0]);
        (0..=n).for_each(|k| self.measure(k));
        if improve {
            self.place.clear();
            self.place.resize(n, 0);
            self.renumber(0, n);
            self.fresh.clear();
            self.fresh.resize(n, true);
            for _ in 0..ROUNDS {
                if !self.improve() {
                    break;
                }
            }
        }
        &self.stops
    }

    /// Returns what the way to each stop of the last tour costs.
    pub fn ways(&self) -> &[f64] {
        &self.ways[..self.stops.len()]
    }

    /// Always to the nearest end.
    fn greedy(&mut self, start: Option<Spot>) {
        let mut at = start.unwrap_or_else(|| self.ends.iter().copied().min().unwrap_or_default());
        while let Some(end) = self.near.nearest(at, &self.ends) {
            let (item, other) = (end / 2, end ^ 1);
            self.near.remove(end, self.ends[end as usize]);
            self.near.remove(other, self.ends[other as usize]);
            self.stops.push(Stop { item, backwards: end % 2 == 1 });
            at = self.ends[other as usize];
        }
    }

    fn renumber(&mut self, from: usize, to: usize) {
        for k in from..to {
            self.place[self.stops[k].item as usize] = k as u32;
        }
    }

    /// Finds out what the way to a stop costs.
    fn measure(&mut self, k: usize) {
        self.ways[k] = match (self.from(k), self.to(k)) {
            (Some(from), Some(to)) => self.fare.of(&self.fence, from, to),
            _ => 0.0,
        };
    }

    /// Number of the end at which a stop begins.
    #[inline]
    fn enters(&self, k: usize) -> u32 {
        let s = self.stops[k];
        2 * s.item + u32::from(s.backwards)
    }

    #[inline]
    fn head(&self, k: usize) -> Spot {
        self.ends[self.enters(k) as usize]
    }

    #[inline]
    fn tail(&self, k: usize) -> Spot {
        self.ends[(self.enters(k) ^ 1) as usize]
    }

    /// Where the way to stop `k` begins; nowhere when the start is free.
    #[inline]
    fn from(&self, k: usize) -> Option<Spot> {
        if k == 0 { self.outer[0] } else { Some(self.tail(k - 1)) }
    }

    /// Where the way from the stop before `k` ends; nowhere after the last when that is free.
    #[inline]
    fn to(&self, k: usize) -> Option<Spot> {
        if k == self.stops.len() { self.outer[1] } else { Some(self.head(k)) }
    }

    /// Goes through all ends once that are worth a look; true when anything was saved.
    fn improve(&mut self) -> bool {
        let mut better = false;
        for item in 0..self.stops.len() {
            if std::mem::take(&mut self.fresh[item]) {
                better |= self.improve_at(2 * item as u32) | self.improve_at(2 * item as u32 + 1);
            }
        }
        better
    }

    /// Looks for something better than the way from or to an end.
    fn improve_at(&mut self, end: u32) -> bool {
        let (mut better, at) = (false, self.place[(end / 2) as usize] as usize);
        let way = self.ways[if self.enters(at) == end { at } else { at + 1 }];
        let neighbours: [u32; NEIGHBOURS] = self.near.some(self.ends[end as usize], way, &self.ends, end / 2);
        for near in neighbours {
            if near == u32::MAX {
                break;
            }
            let (k, m) = (self.place[(end / 2) as usize] as usize, self.place[(near / 2) as usize] as usize);
            let leaves = self.enters(k) != end;
            let joint = (Some(self.ends[end as usize]), Some(self.ends[near as usize]));
            // Whatever saves anything makes one of its ways cheaper, and is found from there.
            if self.fare.least_of(joint) >= self.ways[if leaves { k + 1 } else { k }] {
                break;
            }
            let enters = self.enters(m) == near;
            // End to beginning: a road in between is put elsewhere.
            better |=
                leaves != enters && self.turn(k, m, leaves, joint) || self.shift(k, m, leaves, enters, joint);
        }
        better
    }

    /// Something changed beside the stops around the way to stop `k`.
    fn touch(&mut self, k: usize) {
        for stop in [k.wrapping_sub(1), k] {
            if let Some(stop) = self.stops.get(stop) {
                self.fresh[stop.item as usize] = true;
            }
        }
    }

    /// Joins two ends of one sort by the way `joint`, turning round what lies between.
    fn turn(&mut self, k: usize, m: usize, leaves: bool, joint: Way) -> bool {
        // The stretch a..=b is turned: the end of a−1 meets that of b, or the beginning of a that of b+1.
        let (low, high) = (k.min(m), k.max(m));
        let (a, b) = if leaves { (low + 1, high) } else { (low, high - 1) };
        if a > b || b - a > LONGEST {
            return false;
        }
        let other =
            if leaves { (Some(self.head(a)), self.to(b + 1)) } else { (self.from(a), Some(self.tail(b))) };
        let most = self.ways[a] + self.ways[b + 1] - LEAST_SAVING;
        let saves = self.fare.within(&self.fence, [joint, other], most).is_some();
        if saves {
            self.reverse(a, b);
            self.touch(a);
            self.touch(b + 1);
        }
        saves
    }

    fn reverse(&mut self, a: usize, b: usize) {
        let stretch = &mut self.stops[a..=b];
        stretch.reverse();
        for s in stretch {
            s.backwards = !s.backwards;
        }
        self.ways[a + 1..=b].reverse();
        self.renumber(a, b + 1);
        self.measure(a);
        self.measure(b + 1);
    }

    /// Puts one to three stops, of which `k` is the first or the last, next to stop `m`, one end of which is joined
    /// to by the way `joint`.
    fn shift(&mut self, k: usize, m: usize, leaves: bool, enters: bool, joint: Way) -> bool {
        // Between stops g − 1 and g, so that the two ends meet.
        let (g, turned) = (if enters { m } else { m + 1 }, leaves != enters);
        for length in 1..=3 {
            // The end that is to be joined is an outer one of the stretch.
            let (a, b) = if leaves {
                let Some(a) = (k + 1).checked_sub(length) else { break };
                (a, k)
            } else {
                (k, k + length - 1)
            };
            if b >= self.stops.len() || (a..=b).contains(&m) || m.abs_diff(a) > LONGEST {
                break;
            }
            if (a..=b + 1).contains(&g) {
                continue;
            }
            let free = if leaves { self.head(a) } else { self.tail(b) };
            let other = if enters { (self.from(g), Some(free)) } else { (Some(free), self.to(g)) };
            let bridge = (self.from(a), self.to(b + 1));
            let most = self.ways[a] + self.ways[b + 1] + self.ways[g] - LEAST_SAVING;
            if self.fare.within(&self.fence, [joint, other, bridge], most).is_some() {
                self.put(a, b, g, turned);
                return true;
            }
        }
        false
    }

    fn put(&mut self, a: usize, b: usize, g: usize, turned: bool) {
        if turned {
            self.reverse(a, b);
        }
        let length = b + 1 - a;
        let (from, to, middle) = if g > b {
            self.stops[a..g].rotate_left(length);
            self.ways[a..g].rotate_left(length);
            (a, g, g - length)
        } else {
            self.stops[g..=b].rotate_right(length);
            self.ways[g..=b].rotate_right(length);
            (g, b + 1, g + length)
        };
        self.renumber(from, to);
        for k in [from, middle, to] {
            self.measure(k);
            self.touch(k);
        }
    }
}

/// How a tour is walked: cut in two, each piece forwards or backwards, one of them first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The first stop of the second piece.
    pub cut: usize,
    /// The second piece is walked first.
    pub swapped: bool,
    /// Which piece is walked backwards.
    pub turned: [bool; 2],
}

impl Entry {
    /// Returns the stops of a tour in the order in which they are visited, and whether each is walked against its direction
    /// on the tour.
    pub fn walk(self, count: usize) -> impl Iterator<Item = (usize, bool)> {
        let pieces = [(0..self.cut, self.turned[0]), (self.cut..count, self.turned[1])];
        let order = if self.swapped { [1, 0] } else { [0, 1] };
        order.into_iter().flat_map(move |p| {
            let (piece, turned) = pieces[p].clone();
            let (first, last) = (piece.start, piece.end);
            piece.map(move |i| (if turned { first + last - 1 - i } else { i }, turned))
        })
    }
}

/// Returns how a tour is best walked from `at` when `goal` comes after it: the ways in, out and between its two pieces count,
/// the way that is cut is saved. `ends` gives beginning and end of a stop, `ways` what the way to each stop costs. O(stops).
pub fn entry(
    count: usize,
    ways: &[f64],
    at: Spot,
    goal: Option<Spot>,
    fare: Fare,
    fence: &Fence,
    ends: impl Fn(usize) -> [Spot; 2],
) -> Entry {
    if count == 0 {
        return Entry::default();
    }
    let (first, last) = (ends(0)[0], ends(count - 1)[1]);
    let came = |to: Spot| fare.least(at, to);
    let goes = |from: Spot| goal.map_or(0.0, |g| fare.least(from, g));
    let whole = |turned| Entry { cut: 0, swapped: false, turned: [turned; 2] };
    let mut least: Vec<(f64, Entry)> = Vec::with_capacity(6 * count);
    least.push((came(first) + goes(last), whole(false)));
    least.push((came(last) + goes(first), whole(true)));
    let ([a, d], round) = ([first, last], fare.least(first, last));
    for cut in 1..count {
        // The pieces are a to b and c to d.
        let (b, c) = (ends(cut - 1)[1], ends(cut)[0]);
        let (ac, bd) = (fare.least(a, c), fare.least(b, d));
        let mut add =
            |cost: f64, swapped, turned| least.push((cost - ways[cut], Entry { cut, swapped, turned }));
        add(came(b) + ac + goes(d), false, [true, false]);
        add(came(a) + bd + goes(c), false, [false, true]);
        add(came(b) + round + goes(c), false, [true, true]);
        add(came(c) + round + goes(b), true, [false, false]);
        add(came(d) + ac + goes(b), true, [false, true]);
        add(came(c) + bd + goes(a), true, [true, false]);
    }
    // What passes through contours is looked at where the rest is best.
    let cost = |walk: Entry, most: f64| {
        let cut = walk.cut;
        let pieces =
            if cut == 0 { [[first, last]; 2] } else { [[first, ends(cut - 1)[1]], [ends(cut)[0], last]] };
        let of = |p: usize| if walk.turned[p] { [pieces[p][1], pieces[p][0]] } else { pieces[p] };
        let (x, y) = if walk.swapped { (of(1), of(0)) } else { (of(0), of(1)) };
        let (saved, between) = if cut == 0 { (0.0, None) } else { (ways[cut], Some(y[0])) };
        let links = [(Some(x[1]), between), (Some(at), Some(x[0])), (Some(y[1]), goal)];
        fare.within(fence, links, most + saved).map(|cost| cost - saved)
    };
    let mut best = (f64::INFINITY, Entry::default());
    for l in &least {
        if l.0 < best.0 {
            best = *l;
        }
    }
    best.0 = cost(best.1, f64::INFINITY).unwrap_or(f64::INFINITY);
    least.retain(|l| l.0 < best.0);
    least.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (least, walk) in least {
        if least >= best.0 {
            break;
        }
        if let Some(cost) = cost(walk, best.0) {
            best = (cost, walk);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::planar::Contours;

    const FARE: Fare = Fare { free: 0.0, toll: 0.0, passage: 0.0 };

    fn random(n: usize, seed: u64) -> Vec<[Spot; 2]> {
        let mut state = seed | 1;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % 1_000_000) as i32
        };
        (0..n)
            .map(|_| {
                let a = Spot::new(next(), next());
                [a, Spot::new(a.x + next() / 50, a.y + next() / 50)]
            })
            .collect()
    }

    fn length(items: &[[Spot; 2]], stops: &[Stop], start: Spot) -> f64 {
        let mut at = start;
        let mut sum = 0.0;
        for s in stops {
            let [a, b] = items[s.item as usize];
            let (from, to) = if s.backwards { (b, a) } else { (a, b) };
            sum += at.distance(from);
            at = to;
        }
        sum
    }

    fn best(items: &[[Spot; 2]], left: &mut Vec<usize>, at: Spot) -> f64 {
        if left.is_empty() {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for i in 0..left.len() {
            let item = left.remove(i);
            for (from, to) in [(0, 1), (1, 0)] {
                let way = at.distance(items[item][from]);
                if way < least {
                    least = least.min(way + best(items, left, items[item][to]));
                }
            }
            left.insert(i, item);
        }
        least
    }

    #[test]
    fn small_tours_are_nearly_the_shortest_there_are() {
        let (mut ours, mut least) = (0.0, 0.0);
        for seed in 0..60 {
            let items = random(6, seed * 7919);
            let start = Spot::new(500_000, 0);
            let mut tourist = Tourist::default();
            let stops = tourist.tour(items.iter().copied(), [Some(start), None], FARE, &Fence::default());
            ours += length(&items, stops, start);
            least += best(&items, &mut (0..6).collect(), start);
        }
        assert!(ours < 1.06 * least, "{ours} {least}");
    }

    #[test]
    fn everything_is_visited_once_and_better_than_by_greed() {
        for n in [0, 1, 2, 3, 50, 3000] {
            let items = random(n, 42);
            let mut tourist = Tourist::default();
            let start = Spot::new(0, 0);
            let stops =
                tourist.tour(items.iter().copied(), [Some(start), None], FARE, &Fence::default()).to_vec();
            let mut seen: Vec<u32> = stops.iter().map(|s| s.item).collect();
            seen.sort_unstable();
            assert!(seen.iter().copied().eq(0..n as u32));
            if n >= 50 {
                tourist.near.load(&tourist.ends);
                tourist.stops.clear();
                tourist.greedy(Some(start));
                let greedy = length(&items, &tourist.stops, start);
                let ours = length(&items, &stops, start);
                assert!(ours < if n > 50 { 0.9 } else { 1.0 } * greedy, "{n}: {}", ours / greedy);
            }
        }
    }

    #[test]
    fn the_nearest_place_is_found_and_taken_ones_are_not() {
        let spots: Vec<Spot> = random(200, 5).into_iter().flatten().collect();
        let mut near = Near::default();
        near.load(&spots);
        let mut gone = vec![false; spots.len()];
        for at in random(200, 6).into_iter().flatten() {
            let plain = (0..spots.len())
                .filter(|i| !gone[*i])
                .min_by(|a, b| at.distance(spots[*a]).total_cmp(&at.distance(spots[*b])));
            let found = near.nearest(at, &spots).map(|n| n as usize);
            assert_eq!(found.map(|n| at.distance(spots[n])), plain.map(|n| at.distance(spots[n])));
            if let Some(n) = found {
                near.remove(n as u32, spots[n]);
                gone[n] = true;
            }
        }
    }

    #[test]
    fn a_tour_is_entered_where_it_costs_least() {
        // A square walked once, entered from beside its second corner.
        let ring: Vec<[Spot; 2]> =
            [(0, 0), (10, 0), (10, 10), (0, 10)].map(|(x, y)| [Spot::new(x, y); 2]).to_vec();
        let ways = [0.0, 10.0, 10.0, 10.0];
        let goal = Some(Spot::new(12, 11));
        let entry = entry(4, &ways, Spot::new(12, 0), goal, FARE, &Fence::default(), |k| ring[k]);
        let order: Vec<usize> = entry.walk(4).map(|w| w.0).collect();
        assert_eq!(order, [1, 0, 3, 2]);
    }

    #[test]
    fn a_tour_is_cut_and_turned_as_costs_least() {
        let fence = Fence::default();
        for seed in 1..200 {
            let items = random(1 + seed as usize % 7, seed * 31);
            let mut tourist = Tourist::default();
            let stops = tourist.tour(items.iter().copied(), [None; 2], FARE, &fence).to_vec();
            let places = random(2, seed * 77);
            let (at, goal) = (places[0][0], (seed % 3 > 0).then_some(places[1][0]));
            let ends = |k: usize| {
                let [a, b] = items[stops[k].item as usize];
                if stops[k].backwards { [b, a] } else { [a, b] }
            };
            let cost = |walk: Entry| {
                let (mut from, mut sum) = (at, 0.0);
                for (k, turned) in walk.walk(stops.len()) {
                    let [a, b] = ends(k);
                    let (a, b) = if turned { (b, a) } else { (a, b) };
                    sum += from.distance(a);
                    from = b;
                }
                sum + goal.map_or(0.0, |g| from.distance(g))
            };
            let found = entry(stops.len(), tourist.ways(), at, goal, FARE, &fence, ends);
            let visited: Vec<usize> = found.walk(stops.len()).map(|w| w.0).collect();
            assert!((0..stops.len()).all(|k| visited.contains(&k)) && visited.len() == stops.len());
            for cut in 0..stops.len() {
                for way in 0..8 {
                    let walk = Entry { cut, swapped: way & 4 > 0, turned: [way & 2 > 0, way & 1 > 0] };
                    assert!(cost(found) <= cost(walk) + 1e-6, "{seed} {found:?} {walk:?}");
                }
            }
        }
    }

    #[test]
    fn ways_through_the_air_are_avoided() {
        // A comb: short roads in its teeth, and others in its back.
        let mut comb = Contours::default();
        let mut items = Vec::new();
        for tooth in 0..20 {
            let x = 4.0 * f64::from(tooth);
            for [dx, y] in [[0.0, 0.0], [0.0, 4.0], [2.0, 4.0], [2.0, 0.0]] {
                comb.push(Spot::from_mm(x + dx, y));
            }
            items.push([Spot::from_mm(x + 0.8, 3.0), Spot::from_mm(x + 1.2, 3.0)]);
            items.push([Spot::from_mm(x + 1.0, -0.5), Spot::from_mm(x + 2.5, -2.5)]);
        }
        comb.push(Spot::from_mm(78.0, -3.0));
        comb.push(Spot::from_mm(0.0, -3.0));
        comb.close();
        let fence = Fence::new(&comb);
        let passages = |passage: f64| {
            let fare = Fare { passage, ..FARE };
            let mut tourist = Tourist::default();
            let stops = tourist.tour(items.iter().copied(), [None; 2], fare, &fence);
            let ends = |s: &Stop| {
                let [a, b] = items[s.item as usize];
                if s.backwards { [b, a] } else { [a, b] }
            };
            let ways = stops.windows(2).map(|w| fence.crossings(ends(&w[0])[1], ends(&w[1])[0], u32::MAX));
            ways.sum::<u32>()
        };
        let (heedless, careful) = (passages(0.0), passages(100_000.0));
        assert!(heedless >= 30 && 3 * careful < 2 * heedless, "{heedless} {careful}");
    }
}
