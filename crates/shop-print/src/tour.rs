//! Short ways through many roads: which comes after which, and from which end.
//!
//! A tour begins as *always to the nearest end* and is then improved: a stretch of it is turned round (2-opt), or up to
//! three roads are put elsewhere (Or-opt), as long as that saves anything. Only ends that lie near one another are tried,
//! so the cost is about linear in the number of roads.
//!
//! ```text
//!    turned round:   ─a┐ ┌b─      ─a───┐b─          put elsewhere:   ─a b─  →  ─a─b─
//!                      ╳      →    ┌───┘                               c
//!                    ─c┘ └d─      ─c───d─                            ─d e─     ─d c e─
//! ```

use shop_geom::planar::Spot;

/// What a way between two roads costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fare {
    /// Ways from here on need the filament to be pulled back, grid units.
    pub free: f64,
    /// As much way is pulling back worth, grid units.
    pub toll: f64,
}

impl Fare {
    /// Returns the cost of a way, grid units.
    #[inline]
    fn of(&self, from: Spot, to: Spot) -> f64 {
        let far = from.distance(to);
        if far < self.free { far } else { far + self.toll }
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

    /// Puts the numbers of up to `K` places near `at` into `out`, the nearest first: those of the cells around.
    fn some<const K: usize>(&self, at: Spot, spots: &[Spot], but: u32, out: &mut [u32; K]) {
        let mut best = [(f64::INFINITY, u32::MAX); K];
        for ring in 0..2 {
            self.ring(at, ring, |n| {
                if n / 2 == but {
                    return;
                }
                let [x, y] = at.to(spots[n as usize]);
                let mut new = (x * x + y * y, n);
                for b in &mut best {
                    if new < *b {
                        std::mem::swap(b, &mut new);
                    }
                }
            });
        }
        *out = best.map(|b| b.1);
    }
}

/// Ends that are tried for every end.
const NEIGHBOURS: usize = 6;
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
    neighbours: Vec<[u32; NEIGHBOURS]>,
    stops: Vec<Stop>,
    /// Where on the tour an item is.
    place: Vec<u32>,
}

impl Tourist {
    /// Returns a short tour through all items, each given by its two ends, from `start` if there is one. About linear in
    /// the number of items.
    pub fn tour(
        &mut self,
        items: impl IntoIterator<Item = [Spot; 2]>,
        start: Option<Spot>,
        fare: Fare,
    ) -> &[Stop] {
        self.ends.clear();
        self.ends.extend(items.into_iter().flatten());
        self.stops.clear();
        let n = self.ends.len() / 2;
        if n <= 1 {
            let backwards =
                n == 1 && start.is_some_and(|s| s.distance(self.ends[1]) < s.distance(self.ends[0]));
            self.stops.extend((0..n as u32).map(|item| Stop { item, backwards }));
            return &self.stops;
        }
        self.near.load(&self.ends);
        let improve = n > 2 || start.is_some();
        if improve {
            self.neighbours.clear();
            for (i, s) in self.ends.iter().enumerate() {
                let mut found = [u32::MAX; NEIGHBOURS];
                self.near.some(*s, &self.ends, i as u32 / 2, &mut found);
                self.neighbours.push(found);
            }
        }
        self.greedy(start);
        if improve {
            self.place.clear();
            self.place.resize(n, 0);
            self.renumber(0, n);
            for _ in 0..ROUNDS {
                if !self.improve(start, fare) {
                    break;
                }
            }
        }
        &self.stops
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

    /// Cost of the way from the stop before `k` to a place; nothing before the first one when the start is free.
    #[inline]
    fn lead_in(&self, k: usize, to: Spot, start: Option<Spot>, fare: Fare) -> f64 {
        let from = if k == 0 { start } else { Some(self.tail(k - 1)) };
        from.map_or(0.0, |f| fare.of(f, to))
    }

    /// Cost of the way from a place to the stop after `k`; nothing after the last one.
    #[inline]
    fn lead_out(&self, k: usize, from: Spot, fare: Fare) -> f64 {
        if k + 1 == self.stops.len() { 0.0 } else { fare.of(from, self.head(k + 1)) }
    }

    /// Goes through all ends once; true when anything was saved.
    fn improve(&mut self, start: Option<Spot>, fare: Fare) -> bool {
        let mut better = false;
        for end in 0..self.ends.len() as u32 {
            let item = (end / 2) as usize;
            for i in 0..NEIGHBOURS {
                let near = self.neighbours[end as usize][i];
                if near == u32::MAX {
                    break;
                }
                let (k, m) = (self.place[item] as usize, self.place[(near / 2) as usize] as usize);
                let leaves = self.enters(k) != end;
                let (from, to) = (self.ends[end as usize], self.ends[near as usize]);
                let now =
                    if leaves { self.lead_out(k, from, fare) } else { self.lead_in(k, from, start, fare) };
                // Whatever saves anything makes one of its ways shorter, and is found from there.
                if fare.of(from, to) >= now {
                    break;
                }
                let enters = self.enters(m) == near;
                if leaves == enters {
                    // End to beginning: a road in between is put elsewhere.
                    better |= self.shift(k, m, leaves, start, fare);
                } else {
                    better |= self.turn(k, m, leaves, start, fare) || self.shift(k, m, leaves, start, fare);
                }
            }
        }
        better
    }

    /// Joins two ends of one sort by turning round what lies between.
    fn turn(&mut self, k: usize, m: usize, leaves: bool, start: Option<Spot>, fare: Fare) -> bool {
        // The stretch a..=b is turned: the end of a−1 meets that of b, or the beginning of a that of b+1.
        let (low, high) = (k.min(m), k.max(m));
        let (a, b) = if leaves { (low + 1, high) } else { (low, high - 1) };
        if a > b || b - a > LONGEST {
            return false;
        }
        let (first, last) = (self.head(a), self.tail(b));
        let old = self.lead_in(a, first, start, fare) + self.lead_out(b, last, fare);
        let new = self.lead_in(a, last, start, fare) + self.lead_out(b, first, fare);
        if new > old - LEAST_SAVING {
            return false;
        }
        self.reverse(a, b);
        true
    }

    fn reverse(&mut self, a: usize, b: usize) {
        let stretch = &mut self.stops[a..=b];
        stretch.reverse();
        for s in stretch {
            s.backwards = !s.backwards;
        }
        self.renumber(a, b + 1);
    }

    /// Puts one to three stops, of which `k` is the first or the last, next to stop `m`.
    fn shift(&mut self, k: usize, m: usize, leaves: bool, start: Option<Spot>, fare: Fare) -> bool {
        for length in 1..=3 {
            // The end that is to be joined is an outer one of the stretch.
            let (a, b) = if leaves {
                let Some(a) = (k + 1).checked_sub(length) else { break };
                (a, k)
            } else {
                (k, k + length - 1)
            };
            if b >= self.stops.len() || (a..=b).contains(&m) {
                break;
            }
            if m.abs_diff(a) > LONGEST {
                break;
            }
            let (first, last) = (self.head(a), self.tail(b));
            let gone = self.lead_in(a, first, start, fare) + self.lead_out(b, last, fare);
            let bridge =
                if b + 1 == self.stops.len() { 0.0 } else { self.lead_in(a, self.head(b + 1), start, fare) };
            for after in [false, true] {
                // Between stops g − 1 and g.
                let g = if after { m + 1 } else { m };
                if (a..=b + 1).contains(&g) {
                    continue;
                }
                let next = (g < self.stops.len()).then(|| self.head(g));
                let gap = next.map_or(0.0, |n| self.lead_in(g, n, start, fare));
                for turned in [false, true] {
                    let (head, tail) = if turned { (last, first) } else { (first, last) };
                    let joined = self.lead_in(g, head, start, fare) + next.map_or(0.0, |n| fare.of(tail, n));
                    if joined + bridge < gone + gap - LEAST_SAVING {
                        self.put(a, b, g, turned);
                        return true;
                    }
                }
            }
        }
        false
    }

    fn put(&mut self, a: usize, b: usize, g: usize, turned: bool) {
        if turned {
            self.reverse(a, b);
        }
        let length = b + 1 - a;
        if g > b {
            self.stops[a..g].rotate_left(length);
            self.renumber(a, g);
        } else {
            self.stops[g..=b].rotate_right(length);
            self.renumber(g, b + 1);
        }
    }
}

/// Returns at which stop a tour that may be begun anywhere is best entered from `at` when `goal` comes after it, and
/// whether it is then walked backwards: the ways in and out count, the link that is cut is saved, and the tour's own two
/// ends must be joined. `ends` gives beginning and end of a stop. O(stops).
pub fn entry(
    count: usize,
    at: Spot,
    goal: Option<Spot>,
    fare: Fare,
    ends: impl Fn(usize) -> [Spot; 2],
) -> (usize, bool) {
    let mut best = (f64::INFINITY, 0, false);
    if count == 0 {
        return (0, false);
    }
    let on = |from: Spot| goal.map_or(0.0, |g| fare.of(from, g));
    let mut before = ends(count - 1)[1];
    let close = fare.of(before, ends(0)[0]);
    for k in 0..count {
        let [from, to] = ends(k);
        let cut = if k == 0 { close } else { fare.of(before, from) };
        let forwards = fare.of(at, from) + on(before) - cut;
        if forwards < best.0 {
            best = (forwards, k, false);
        }
        // Walked backwards, the tour begins with the stop before the cut.
        let backwards = fare.of(at, before) + on(from) - cut;
        if backwards < best.0 {
            best = (backwards, if k == 0 { count - 1 } else { k - 1 }, true);
        }
        before = to;
    }
    (best.1, best.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FARE: Fare = Fare { free: 0.0, toll: 0.0 };

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
            let stops = tourist.tour(items.iter().copied(), Some(start), FARE);
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
            let stops = tourist.tour(items.iter().copied(), Some(start), FARE).to_vec();
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
        let (k, backwards) = entry(4, Spot::new(12, 0), Some(Spot::new(12, 11)), FARE, |k| ring[k]);
        assert_eq!((k, backwards), (1, true));
    }
}
