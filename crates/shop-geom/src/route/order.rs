//! Orders under precedence: inside a part, and of parts whose entry and exit differ.

use super::{Stop, tour};
use crate::Point;

/// Up to so many stops the best order is found exactly; 2^8 subsets of 8 stops cost less than a local search.
pub const EXACT: usize = 8;

/// Returns the shortest path from `start` through all points, of which there are [`EXACT`] at most, towards `end`.
pub fn shortest(points: &[Point], start: Point, end: Option<Point>) -> Vec<u32> {
    let n = points.len();
    let free = Group { points: points.to_vec(), before: vec![None; n], children: vec![Vec::new(); n] };
    free.exact(start, end)
}

/// Returns the members of a group in a short order from `from` towards `to` in which every stop comes before its
/// `before`.
pub fn inner_order(
    members: &[u32],
    stops: &[Stop],
    places: &[Point],
    from: Point,
    to: Option<Point>,
) -> Vec<u32> {
    if members.len() <= 1 {
        return members.to_vec();
    }
    let group = Group::new(members, stops, places);
    let local = if members.len() <= EXACT { group.exact(from, to) } else { group.search(from, to) };
    local.into_iter().map(|i| members[i as usize]).collect()
}

/// A group with members numbered from 0.
struct Group {
    points: Vec<Point>,
    before: Vec<Option<u32>>,
    children: Vec<Vec<u32>>,
}

impl Group {
    fn new(members: &[u32], stops: &[Stop], places: &[Point]) -> Group {
        // Members are ascending, so their numbers are found by bisection.
        let number = |s: u32| members.binary_search(&s).ok().map(|i| i as u32);
        let before: Vec<Option<u32>> =
            members.iter().map(|&m| stops[m as usize].before.and_then(number)).collect();
        let mut children = vec![Vec::new(); members.len()];
        for (i, b) in before.iter().enumerate() {
            if let Some(b) = b {
                children[*b as usize].push(i as u32);
            }
        }
        Group { points: members.iter().map(|&m| places[m as usize]).collect(), before, children }
    }

    fn distance(&self, a: u32, b: u32) -> f64 {
        (self.points[a as usize] - self.points[b as usize]).norm()
    }

    /// Held and Karp's dynamic programme over subsets, restricted to subsets closed under precedence.
    fn exact(&self, from: Point, to: Option<Point>) -> Vec<u32> {
        let n = self.points.len();
        let full = (1usize << n) - 1;
        let needs: Vec<usize> =
            self.children.iter().map(|c| c.iter().fold(0, |mask, &i| mask | 1 << i)).collect();
        let mut cost = vec![f64::INFINITY; (full + 1) * n];
        let mut by = vec![u8::MAX; (full + 1) * n];
        for i in 0..n {
            if needs[i] == 0 {
                cost[(1 << i) * n + i] = (self.points[i] - from).norm();
            }
        }
        for set in 1..=full {
            for last in 0..n {
                let c = cost[set * n + last];
                if !c.is_finite() {
                    continue;
                }
                for next in 0..n {
                    if set & (1 << next) == 0 && needs[next] & !set == 0 {
                        let slot = (set | 1 << next) * n + next;
                        let sum = c + self.distance(last as u32, next as u32);
                        if sum < cost[slot] {
                            cost[slot] = sum;
                            by[slot] = last as u8;
                        }
                    }
                }
            }
        }
        let finish = |i: usize| cost[full * n + i] + to.map_or(0.0, |t| (t - self.points[i]).norm());
        let Some(mut last) = (0..n).min_by(|&a, &b| finish(a).total_cmp(&finish(b))) else {
            return Vec::new();
        };
        if !finish(last).is_finite() {
            // A circle of precedences cannot be kept; the caller's nesting has none.
            return (0..n as u32).collect();
        }
        let (mut set, mut order) = (full, Vec::with_capacity(n));
        loop {
            order.push(last as u32);
            let before = by[set * n + last];
            set &= !(1 << last);
            if before == u8::MAX {
                break;
            }
            last = before as usize;
        }
        order.reverse();
        order
    }

    /// A free tour, made lawful by delaying what must wait, then improved by moves that keep the law.
    fn search(&self, from: Point, to: Option<Point>) -> Vec<u32> {
        // Roots wait for everything inside them; leave them out of the free tour when they are few.
        let inner: Vec<u32> =
            (0..self.points.len() as u32).filter(|&i| self.before[i as usize].is_some()).collect();
        let root = self.before.iter().position(Option::is_none);
        let one_root = self.before.iter().filter(|b| b.is_none()).count() == 1;
        let order = if one_root && inner.len() > 1 {
            let points: Vec<Point> = inner.iter().map(|&i| self.points[i as usize]).collect();
            let towards = root.map(|r| self.points[r]).or(to);
            let mut order: Vec<u32> =
                tour(&points, from, towards).into_iter().map(|i| inner[i as usize]).collect();
            order.extend(root.map(|r| r as u32));
            order
        } else {
            tour(&self.points, from, to)
        };
        let mut order = self.delayed(&order);
        if self.before.iter().flatten().any(|&b| self.before[b as usize].is_some()) || !one_root {
            self.improve(&mut order, from);
        }
        order
    }

    /// Returns the order with every stop moved back to just after the last of those that must precede it.
    fn delayed(&self, order: &[u32]) -> Vec<u32> {
        let mut waiting: Vec<u32> = self.children.iter().map(|c| c.len() as u32).collect();
        let mut reached = vec![false; order.len()];
        let mut out = Vec::with_capacity(order.len());
        for &i in order {
            reached[i as usize] = true;
            let mut ready = (waiting[i as usize] == 0).then_some(i);
            while let Some(r) = ready {
                out.push(r);
                ready = None;
                if let Some(b) = self.before[r as usize] {
                    waiting[b as usize] -= 1;
                    if waiting[b as usize] == 0 && reached[b as usize] {
                        ready = Some(b);
                    }
                }
            }
        }
        out
    }

    /// Or-opt of single stops within the places that precedence allows; a few sweeps.
    fn improve(&self, order: &mut [u32], from: Point) {
        let n = order.len();
        let neighbours = super::tour::nearest_neighbours(&self.points, 8);
        let mut place = vec![0usize; n];
        for sweep in 0..4 {
            let mut moved = false;
            for node in 0..n as u32 {
                for (i, &o) in order.iter().enumerate() {
                    if sweep == 0 && node == 0 {
                        place[o as usize] = i;
                    }
                }
                moved |= self.try_move(node, order, &mut place, &neighbours, from);
            }
            if !moved {
                break;
            }
        }
    }

    fn try_move(
        &self,
        node: u32,
        order: &mut [u32],
        place: &mut [usize],
        neighbours: &[u32],
        from: Point,
    ) -> bool {
        let n = order.len();
        let at = place[node as usize];
        let point = |i: usize| self.points[order[i] as usize];
        let here = self.points[node as usize];
        let before = if at == 0 { from } else { point(at - 1) };
        let saved = (here - before).norm()
            + if at + 1 < n { (here - point(at + 1)).norm() - (point(at + 1) - before).norm() } else { 0.0 };
        let low = self.children[node as usize].iter().map(|&c| place[c as usize] + 1).max().unwrap_or(0);
        let high = self.before[node as usize].map_or(n, |b| place[b as usize]);
        for &c in neighbours[node as usize * 8..][..8].iter().take_while(|&&c| c != u32::MAX) {
            let p = place[c as usize];
            // Between c and its successor; places counted with the node still where it is.
            if p == at || p + 1 == at || p + 1 < low || p + 1 > high {
                continue;
            }
            let far = (self.points[c as usize] - here).norm();
            if far >= saved {
                break;
            }
            let added = far
                + if p + 1 < n {
                    (point(p + 1) - here).norm() - (point(p + 1) - self.points[c as usize]).norm()
                } else {
                    0.0
                };
            if saved - added > 1e-9 {
                let target = if p < at { p + 1 } else { p };
                if target < at {
                    order[target..=at].rotate_right(1);
                } else {
                    order[at..=target].rotate_left(1);
                }
                for i in target.min(at)..=target.max(at) {
                    place[order[i] as usize] = i;
                }
                return true;
            }
        }
        false
    }
}

/// How far a chunk of groups may be carried or turned; keeps a sweep near-linear.
const REACH: usize = 60;

/// Improves a sequence of groups that are entered and left at different places: chunks of one to three are moved,
/// and stretches turned (each group still run forwards), as long as it gets shorter.
pub fn improve_directed(mut sequence: Vec<u32>, ends: &[(Point, Point)], start: Point) -> Vec<u32> {
    let link = |a: Option<u32>, b: Option<u32>| match (a, b) {
        (_, None) => 0.0,
        (None, Some(b)) => (ends[b as usize].0 - start).norm(),
        (Some(a), Some(b)) => (ends[b as usize].0 - ends[a as usize].1).norm(),
    };
    let n = sequence.len();
    for _ in 0..8 {
        let mut moved = false;
        for i in 0..n {
            moved |= turn_at(&mut sequence, i, &link) || carry_from(&mut sequence, i, &link);
        }
        if !moved {
            break;
        }
    }
    sequence
}

type Link<'a> = dyn Fn(Option<u32>, Option<u32>) -> f64 + 'a;

fn at(sequence: &[u32], i: isize) -> Option<u32> {
    usize::try_from(i).ok().and_then(|i| sequence.get(i)).copied()
}

/// Turns the stretch from place `i` on that gains most.
fn turn_at(sequence: &mut [u32], i: usize, link: &Link<'_>) -> bool {
    let (mut forward, mut backward) = (0.0, 0.0);
    let mut best = (1e-9, i);
    let first = sequence[i];
    let before = at(sequence, i as isize - 1);
    for j in i + 1..sequence.len().min(i + REACH) {
        forward += link(Some(sequence[j - 1]), Some(sequence[j]));
        backward += link(Some(sequence[j]), Some(sequence[j - 1]));
        let after = at(sequence, j as isize + 1);
        let old = link(before, Some(first)) + forward + link(Some(sequence[j]), after);
        let new = link(before, Some(sequence[j])) + backward + link(Some(first), after);
        if old - new > best.0 {
            best = (old - new, j);
        }
    }
    if best.1 > i {
        sequence[i..=best.1].reverse();
    }
    best.1 > i
}

/// Carries one to three groups from place `i` to the near place that gains most.
fn carry_from(sequence: &mut [u32], i: usize, link: &Link<'_>) -> bool {
    let n = sequence.len();
    let mut best = (1e-9, 0usize, 0usize);
    for length in 1..=3.min(n - i) {
        let (first, last) = (Some(sequence[i]), Some(sequence[i + length - 1]));
        let (before, after) = (at(sequence, i as isize - 1), at(sequence, (i + length) as isize));
        let saved = link(before, first) + link(last, after) - link(before, after);
        let (from, to) = (i.saturating_sub(REACH), (i + length + REACH).min(n));
        for gap in from..=to {
            if gap >= i && gap <= i + length {
                continue;
            }
            let (a, b) = (at(sequence, gap as isize - 1), at(sequence, gap as isize));
            let gain = saved - (link(a, first) + link(last, b) - link(a, b));
            if gain > best.0 {
                best = (gain, length, gap);
            }
        }
    }
    let (_, length, gap) = best;
    if length == 0 {
        return false;
    }
    if gap < i {
        sequence[gap..i + length].rotate_right(length);
    } else {
        sequence[i..gap].rotate_left(length);
    }
    true
}
