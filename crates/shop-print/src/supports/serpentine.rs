//! Lines far apart through a region on the lattice, and the region's own edge from one line to the next.
//!
//! The edge of a region is a walk from node to node with the region to its left. Where it passes a row that has a line, it
//! meets the end of one. So the ends cut it into stretches, and the stretches from even lines to odd ones are laid: every
//! end has then one of them at most, lines become long roads, and the same stretch is laid in every layer in which the edge
//! is the same.
//!
//! ```text
//!      ╭──────────╮       beyond the last line: a tail from the end that is free
//!   3  ╰────────────╮
//!                   │     an edge from line 2 to line 3
//!   2  ╭────────────╯
//!      │                  the one from 1 to 2 is left out, the one on the other side from 2 down to 1 is not
//!   1  ╰────────────╮
//! ```
//!
//! What no line passes through is walked around, and so is what is so small that nothing else would stand by itself.

use super::bits::Bits;
use super::walk::{Node, is_slim, is_small, twice_area};
use std::ops::Range;

/// How a region is laid.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Lines are joined along the edge.
    pub join: bool,
    /// Nothing is laid but lines: others hold the edge.
    pub only_lines: bool,
    /// What reaches farther than this beyond a line has a tail, nodes.
    pub cover: f64,
    /// Edges that lie farther than this from all else are laid, nodes.
    pub far: f64,
    /// Width of a road, nodes.
    pub road: f64,
    /// Regions not wider and not longer than this have a closed wall and no lines, nodes.
    pub small: [f64; 2],
}

/// What is left of a line by the region.
#[derive(Clone, Copy, Debug)]
struct Line {
    row: i32,
    ends: [i32; 2],
    /// Lines are counted from the origin.
    number: i32,
    laid: bool,
}

/// What goes on from the end of a line.
#[derive(Clone, Debug, Default)]
struct Link {
    /// The end that it leads to; nothing for a tail.
    to: Option<usize>,
    /// Of `nodes`, and whether they are passed from the last to the first.
    nodes: Range<usize>,
    backwards: bool,
}

/// A stretch of an edge between ends of lines that follow one another.
#[derive(Clone, Debug)]
struct Stretch {
    from: usize,
    to: usize,
    nodes: Range<usize>,
    laid: bool,
}

/// Room for work, used again and again.
#[derive(Default)]
pub struct Serpentine {
    lines: Vec<Line>,
    /// First of `lines` in each row.
    starts: Vec<u32>,
    seen: Bits,
    laid: Bits,
    nodes: Vec<Node>,
    /// Where ends of lines lie in the walk: the node's number, and the end.
    stops: Vec<(usize, usize)>,
    stretches: Vec<Stretch>,
    links: Vec<Option<Link>>,
    road: Vec<Node>,
}

impl Serpentine {
    /// Shows the roads of a region whose lines lie in `rows`, given with their numbers, to `emit`, and whether they are
    /// closed; what follows an edge has all nodes of it. O(nodes / 64 + edges).
    pub fn wind(
        &mut self,
        region: &Bits,
        rows: impl Iterator<Item = (i32, usize)>,
        rules: &Rules,
        mut emit: impl FnMut(&[Node], bool),
    ) {
        self.load(region, rows);
        if rules.only_lines {
            return self.chain(&mut emit);
        }
        self.walk(region, rules, &mut emit);
        if rules.join {
            self.link();
        }
        self.turn_round(rules);
        self.chain(&mut emit);
        self.rest(rules, &mut emit);
    }

    fn load(&mut self, region: &Bits, rows: impl Iterator<Item = (i32, usize)>) {
        let [count, _] = region.size();
        self.lines.clear();
        self.starts.clear();
        self.nodes.clear();
        self.stretches.clear();
        for (number, row) in rows {
            // Rows without a line begin and end where the next one does.
            self.starts.resize(row + 1, self.lines.len() as u32);
            let lines = &mut self.lines;
            region.spans(row, |a, b| {
                let ends = [a as i32, b as i32 - 1];
                lines.push(Line { row: row as i32, ends, number, laid: false });
            });
        }
        self.starts.resize(count + 1, self.lines.len() as u32);
        self.links.clear();
        self.links.resize(2 * self.lines.len(), None);
        self.seen = region.cleared();
        self.laid = region.cleared();
        for line in &self.lines {
            (line.ends[0]..=line.ends[1])
                .for_each(|column| self.laid.set(line.row as usize, column as usize));
        }
    }

    /// Returns the end of a line that lies at a node: on its left (0) or on its right (1).
    fn end_at(&self, [row, column]: Node, side: usize) -> Option<usize> {
        let (from, to) = (self.starts[row as usize] as usize, self.starts[row as usize + 1] as usize);
        let row = &self.lines[from..to];
        let at = row.partition_point(|l| l.ends[side] < column);
        (row.get(at)?.ends[side] == column).then_some(2 * (from + at) + side)
    }

    /// Walks along all edges; keeps the stretches between ends of lines, and lays what has none.
    fn walk(&mut self, region: &Bits, rules: &Rules, emit: &mut impl FnMut(&[Node], bool)) {
        let [rows, _] = region.size();
        let mut begins = Vec::new();
        for row in 0..rows {
            begins.clear();
            region.spans(row, |_, b| begins.push(b - 1));
            for &column in &begins {
                if !self.seen.has(row, column) {
                    self.around(region, [row as i32, column as i32], rules, emit);
                }
            }
        }
    }

    /// Walks around one edge, from the right side of a node on.
    fn around(&mut self, region: &Bits, begin: Node, rules: &Rules, emit: &mut impl FnMut(&[Node], bool)) {
        let first = self.nodes.len();
        self.stops.clear();
        let has = |row: i32, column: i32| region.holds(row, column);
        // Corners of cells: the node's own is its lower left one. Up along the right side of the first node.
        let (mut row, mut column, mut way) = (begin[0], begin[1] + 1, 1usize);
        loop {
            // The node to the left of the side that is passed now.
            let node = match way {
                0 => [row, column],
                1 => [row, column - 1],
                2 => [row - 1, column - 1],
                _ => [row - 1, column],
            };
            if way == 1 {
                let [r, c] = node.map(|v| v as usize);
                if self.seen.has(r, c) {
                    break;
                }
                self.seen.set(r, c);
            }
            if self.nodes.len() == first || self.nodes.last() != Some(&node) {
                self.nodes.push(node);
            }
            if way % 2 == 1
                && let Some(end) = self.end_at(node, usize::from(way == 1))
            {
                self.stops.push((self.nodes.len() - 1, end));
            }
            (row, column) = match way {
                0 => (row, column + 1),
                1 => (row + 1, column),
                2 => (row, column - 1),
                _ => (row - 1, column),
            };
            // Nodes that meet at a corner only hang together.
            let ahead = |left: bool| match (way, left) {
                (0, true) | (1, false) => has(row, column),
                (0, false) | (3, true) => has(row - 1, column),
                (1, true) | (2, false) => has(row, column - 1),
                _ => has(row - 1, column - 1),
            };
            way = if ahead(false) {
                (way + 3) % 4
            } else if ahead(true) {
                way
            } else {
                (way + 1) % 4
            };
        }
        if self.nodes.len() > first + 1 && self.nodes[first] == self.nodes[self.nodes.len() - 1] {
            self.nodes.pop();
            // What lies at the last node lies at the first one, and comes before what was found there.
            let last = self.nodes.len();
            let moved = self.stops.iter().rev().take_while(|s| s.0 == last).count();
            self.stops.rotate_right(moved);
            self.stops[..moved].iter_mut().for_each(|s| s.0 = first);
        }
        self.closed(first, rules, emit);
    }

    /// Lays the walk that begins at node `first` as a wall where it is to be one, and keeps its stretches otherwise.
    fn closed(&mut self, first: usize, rules: &Rules, emit: &mut impl FnMut(&[Node], bool)) {
        let walk = &self.nodes[first..];
        let twice = twice_area(walk);
        if self.stops.is_empty() {
            // The edge of a hole that no line meets lies between lines that hold what is there.
            if twice >= 0 {
                wall(walk, rules.road, emit);
            }
            return;
        }
        let lone = |&(_, end): &(usize, usize)| self.stops.iter().any(|s| s.1 == end ^ 1);
        if twice >= 0 && is_small(walk, rules.small) && self.stops.iter().all(lone) {
            wall(walk, rules.road, emit);
            for (_, end) in &self.stops {
                self.lines[end / 2].laid = true;
            }
            return;
        }
        // The walk goes on beyond its last node at its first one: all of it once more.
        let count = self.nodes.len() - first;
        self.nodes.extend_from_within(first..);
        for (i, &(at, from)) in self.stops.iter().enumerate() {
            let (next, to) = self.stops[(i + 1) % self.stops.len()];
            let next = if i + 1 == self.stops.len() { next + count } else { next };
            self.stretches.push(Stretch { from, to, nodes: at..next + 1, laid: false });
        }
    }

    /// Joins lines along edges from even ones to odd ones.
    fn link(&mut self) {
        for i in 0..self.stretches.len() {
            let Stretch { from, to, .. } = self.stretches[i];
            let [a, b] = [from, to].map(|end| self.lines[end / 2].number);
            if a != b && a.rem_euclid(2) == 0 {
                self.join(i);
            }
        }
    }

    fn join(&mut self, stretch: usize) {
        let Stretch { from, to, nodes, .. } = self.stretches[stretch].clone();
        self.stretches[stretch].laid = true;
        self.mark(nodes.clone());
        self.links[from] = Some(Link { to: Some(to), nodes: nodes.clone(), backwards: false });
        self.links[to] = Some(Link { to: Some(from), nodes, backwards: true });
    }

    /// Lays stretches that come back to the line from which they go, where they lead far from it or join two pieces of it.
    fn turn_round(&mut self, rules: &Rules) {
        for i in 0..self.stretches.len() {
            let Stretch { from, to, nodes, .. } = self.stretches[i].clone();
            let line = self.lines[from / 2];
            if line.number != self.lines[to / 2].number {
                continue;
            }
            let deep = self.nodes[nodes.clone()].iter().map(|n| (n[0] - line.row).abs()).max().unwrap_or(0);
            let deep = f64::from(deep) > rules.cover;
            let free = [from, to].map(|end| self.links[end].is_none());
            let gap = f64::from((self.nodes[nodes.start][1] - self.nodes[nodes.end - 1][1]).abs());
            let short = (nodes.len() as f64) < 2.0 * gap + 4.0 * rules.road;
            if free == [true; 2] && from / 2 != to / 2 && rules.join && (deep || short) {
                self.join(i);
            } else if deep && free != [false; 2] && !self.is_laid(&nodes) {
                self.stretches[i].laid = true;
                self.tail(if free[0] { from } else { to }, nodes, !free[0], rules.road);
            }
        }
    }

    /// True when most of a stretch lies beside what is laid.
    fn is_laid(&self, nodes: &Range<usize>) -> bool {
        // Its ends lie on a line that is.
        let inner = self.nodes[nodes.clone()].iter().skip(2).rev().skip(2);
        let (mut near, mut all) = (0, 0);
        for [row, column] in inner {
            all += 1;
            near += usize::from(self.laid.is_near(*row as usize, *column as usize, 1.5));
        }
        2 * near > all
    }

    /// Lets a road go on along an edge and end beside where the edge comes to the line again.
    fn tail(&mut self, end: usize, nodes: Range<usize>, backwards: bool, road: f64) {
        let all = &self.nodes[nodes.clone()];
        let from = if backwards { all[all.len() - 1] } else { all[0] };
        let slim = is_slim(all, road);
        // Along a spike and not back; otherwise a road's width is left at the end.
        let keep = if slim {
            let far = |n: &Node| (n[0] - from[0]).pow(2) + (n[1] - from[1]).pow(2);
            let tip = (0..all.len()).max_by_key(|i| far(&all[*i])).unwrap_or(0);
            if backwards { all.len() - tip } else { tip + 1 }
        } else {
            all.len().saturating_sub(road.ceil() as usize)
        };
        let nodes = if backwards { nodes.end - keep..nodes.end } else { nodes.start..nodes.start + keep };
        self.mark(nodes.clone());
        self.links[end] = Some(Link { to: None, nodes, backwards });
    }

    /// Lays what is left of edges and lies far from everything: spikes along lines, that none of them meets.
    fn rest(&mut self, rules: &Rules, emit: &mut impl FnMut(&[Node], bool)) {
        for i in 0..self.stretches.len() {
            let Stretch { nodes, laid: false, .. } = self.stretches[i].clone() else { continue };
            let mut at = nodes.start;
            while at < nodes.end {
                let open = |i: &usize| {
                    let [row, column] = self.nodes[*i].map(|v| v as usize);
                    !self.laid.is_near(row, column, rules.far)
                };
                let Some(from) = (at..nodes.end).find(&open) else { break };
                let to = (from..nodes.end).find(|i| !open(i)).unwrap_or(nodes.end);
                let piece = &self.nodes[from..to];
                // There and back in one another is laid once.
                if is_slim(piece, rules.road) {
                    wall(piece, rules.road, emit);
                } else {
                    emit(piece, false);
                }
                self.mark(from..to);
                at = to;
            }
        }
    }

    /// Says that nodes lie on a road.
    fn mark(&mut self, nodes: Range<usize>) {
        for [row, column] in &self.nodes[nodes] {
            self.laid.set(*row as usize, *column as usize);
        }
    }

    /// Shows the roads that lines and links make.
    fn chain(&mut self, emit: &mut impl FnMut(&[Node], bool)) {
        let open = |link: &Option<Link>| link.as_ref().is_none_or(|l| l.to.is_none());
        for end in 0..self.links.len() {
            if !self.lines[end / 2].laid && open(&self.links[end]) {
                self.road.clear();
                self.follow(end, true);
                self.run(end, emit, false);
            }
        }
        for line in 0..self.lines.len() {
            if !self.lines[line].laid {
                self.road.clear();
                self.run(2 * line, emit, true);
            }
        }
    }

    /// Adds what goes on from an end, or comes to it where it lies `before` the line; returns the end that it leads to.
    fn follow(&mut self, end: usize, before: bool) -> Option<usize> {
        let link = self.links[end].clone()?;
        let nodes = self.nodes[link.nodes].iter();
        if link.backwards == before {
            self.road.extend(nodes);
        } else {
            self.road.extend(nodes.rev());
        }
        link.to
    }

    /// Follows lines and links from an end on until there is nothing more.
    fn run(&mut self, end: usize, emit: &mut impl FnMut(&[Node], bool), closed: bool) {
        let mut end = end;
        loop {
            let line = &mut self.lines[end / 2];
            if std::mem::replace(&mut line.laid, true) {
                break;
            }
            let [a, b] = [end % 2, 1 - end % 2].map(|side| [line.row, line.ends[side]]);
            self.road.extend([a, b]);
            match self.follow(end ^ 1, false) {
                Some(to) => end = to,
                None => break,
            }
        }
        emit(&self.road, closed);
    }
}

/// Shows a walk as a closed road, or one half of it where both halves would lie in one another.
fn wall(walk: &[Node], road: f64, emit: &mut impl FnMut(&[Node], bool)) {
    if !is_slim(walk, road) {
        return emit(walk, true);
    }
    let farthest = |from: usize| {
        let far = |i: &usize| (0..2).map(|k| (walk[*i][k] - walk[from][k]).pow(2)).sum::<i32>();
        (0..walk.len()).max_by_key(far).unwrap_or(0)
    };
    let a = farthest(0);
    let b = farthest(a);
    let half: Vec<Node> = walk.iter().cycle().skip(a.min(b)).take(a.abs_diff(b) + 1).copied().collect();
    emit(&half, false);
}

#[cfg(test)]
mod tests {
    use super::super::bits::{Growth, Lattice};
    use super::*;
    use proptest::prelude::*;
    use shop_geom::planar::Spot;

    const RULES: Rules =
        Rules { join: true, only_lines: false, cover: 3.0, far: 6.0, road: 1.8, small: [13.0, 24.0] };
    const SPACING: f64 = 10.7;

    fn lattice() -> Lattice {
        Lattice::new(0.0, 10.0, 0.0, [Spot::new(-600, -700), Spot::new(600, 700)].into_iter())
    }

    /// Roads of a region, all nodes between the ends of their pieces filled in; and whether they are closed.
    fn wound(lattice: &Lattice, region: &Bits, rules: &Rules) -> Vec<(Vec<Node>, bool)> {
        let mut out = Vec::new();
        let lines = lattice.rows_every(SPACING, 0);
        Serpentine::default().wind(region, lines, rules, |road, closed| {
            let mut filled = vec![road[0]];
            for pair in road.windows(2) {
                let [[row, from], [_, to]] = [pair[0], pair[1]];
                if pair[1][0] == row && from.abs_diff(to) > 1 {
                    let step = (to - from).signum();
                    filled.extend((1..from.abs_diff(to) as i32).map(|k| [row, from + k * step]));
                }
                filled.push(pair[1]);
            }
            out.push((filled, closed));
        });
        out
    }

    /// Boxes, some of them taken out again.
    fn region(lattice: &Lattice, boxes: &[(usize, usize, usize, usize, bool)]) -> Bits {
        let mut out = lattice.empty();
        let [rows, columns] = lattice.size();
        for &(row, column, high, wide, hole) in boxes {
            for r in row..(row + high).min(rows) {
                for c in column..(column + wide).min(columns) {
                    if hole { out.unset(r, c) } else { out.set(r, c) }
                }
            }
        }
        out
    }

    fn boxes() -> impl Strategy<Value = Vec<(usize, usize, usize, usize, bool)>> {
        prop::collection::vec(
            (0usize..130, 0usize..110, 1usize..60, 1usize..60, prop::bool::weighted(0.3)),
            1..9,
        )
    }

    proptest! {
        #[test]
        fn roads_stay_in_the_region_and_come_near_to_all_of_it(boxes in boxes(), join: bool) {
            let lattice = lattice();
            let region = region(&lattice, &boxes);
            let mut laid = region.cleared();
            for (road, _) in wound(&lattice, &region, &Rules { join, ..RULES }) {
                for pair in road.windows(2) {
                    prop_assert!((0..2).all(|k| pair[0][k].abs_diff(pair[1][k]) <= 1), "{pair:?}");
                }
                for [row, column] in road {
                    prop_assert!(region.holds(row, column));
                    laid.set(row as usize, column as usize);
                }
            }
            let mut bare = region;
            // From a place between two lines, or between an edge that is passed by and the next road.
            bare.take(&laid.grown(RULES.far + 2.5, &mut Growth::default()));
            prop_assert!(bare.is_empty());
        }

        #[test]
        fn no_end_of_a_line_is_joined_twice(boxes in boxes()) {
            let lattice = lattice();
            let region = region(&lattice, &boxes);
            let mut passed = std::collections::BTreeMap::new();
            for (road, closed) in wound(&lattice, &region, &RULES) {
                let last = road.len() - 1;
                for (i, node) in road.iter().enumerate() {
                    let inner = closed || i > 0 && i < last;
                    *passed.entry(*node).or_insert(0) += usize::from(inner);
                }
            }
            // A node is a corner of slim places on both of its sides.
            prop_assert!(passed.values().all(|n| *n <= 4), "{:?}", passed.values().max());
        }
    }

    #[test]
    fn a_round_region_is_few_roads() {
        let lattice = lattice();
        let mut middle = lattice.empty();
        middle.set(70, 60);
        let mut growth = Growth::default();
        for radius in [9.0, 15.0, 22.0, 40.0, 55.0] {
            let disc = middle.grown(radius, &mut growth);
            // One, and where it is shallow a piece of the edge for itself.
            assert!(wound(&lattice, &disc, &RULES).len() <= 3, "{radius}");
        }
        let mut ring = middle.grown(50.0, &mut growth);
        ring.take(&middle.grown(30.0, &mut growth));
        assert!(wound(&lattice, &ring, &RULES).len() <= 5);
    }

    #[test]
    fn what_would_not_stand_has_a_closed_wall() {
        let lattice = lattice();
        for row in 40..60 {
            let post = region(&lattice, &[(row, 50, 9, 11, false)]);
            let roads = wound(&lattice, &post, &RULES);
            assert!(matches!(&roads[..], [(wall, true)] if wall.len() == 36), "{row}");
        }
    }
}
