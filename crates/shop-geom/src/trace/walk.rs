//! From ends that meet to chains: the way through the drawing.
//!
//! Where only two ends meet there is nothing to choose, and the pieces between two junctions make one *strand*.
//! At junctions the walk prefers ends that meet exactly, then the smallest turn. Whenever it comes to a junction
//! that it has already passed, the loop is cut off: so every loop passes each junction once (two lobes that touch,
//! not a figure of eight), and what remains when no loop is left has no way round at all (Hierholzer 1873 with the
//! cycles kept apart). Strands that end nowhere are stepped over, so a stub at a corner does not open the contour.

use super::Piece;
use super::joints::{Joints, NONE, SNAP, departure};
use crate::{Point, Vector};

/// Chains as lists of ends through which their pieces are entered.
#[derive(Default)]
pub(super) struct Walked {
    /// All steps, chain after chain; an end `e` enters piece `e / 2`, backwards when odd.
    pub steps: Vec<u32>,
    /// Where each chain's steps end, and whether it is closed.
    pub chains: Vec<(u32, bool)>,
}

impl Walked {
    fn close_chain(&mut self, closed: bool) {
        self.chains.push((self.steps.len() as u32, closed));
    }

    /// Returns each chain's steps and whether it is closed.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], bool)> {
        let mut from = 0;
        self.chains.iter().map(move |&(to, closed)| {
            let steps = &self.steps[from..to as usize];
            from = to as usize;
            (steps, closed)
        })
    }
}

/// Walks all pieces once.
pub(super) fn walk(pieces: &[Piece<'_>], joints: &Joints) -> Walked {
    let mut out = Walked { steps: Vec::with_capacity(pieces.len()), chains: Vec::new() };
    let mut seen = vec![false; pieces.len()];
    // Strands that touch a junction are kept apart until the junctions are settled.
    let mut strands = Walked::default();
    for e in 0..2 * pieces.len() as u32 {
        if joints.partner[e as usize] != NONE || seen[e as usize / 2] {
            continue;
        }
        let from = out.steps.len();
        follow(e, joints, &mut seen, &mut out.steps);
        let last = out.steps[out.steps.len() - 1] ^ 1;
        if joints.junction[e as usize] == NONE && joints.junction[last as usize] == NONE {
            out.close_chain(false);
        } else {
            strands.steps.extend_from_slice(&out.steps[from..]);
            strands.close_chain(false);
            out.steps.truncate(from);
        }
    }
    for i in 0..pieces.len() {
        if !seen[i] {
            follow(2 * i as u32, joints, &mut seen, &mut out.steps);
            out.close_chain(true);
        }
    }
    if !strands.chains.is_empty() {
        Maze::new(pieces, joints, &strands).solve(&mut out);
    }
    out
}

/// Follows partners from end `e` until there is none, or round.
fn follow(e: u32, joints: &Joints, seen: &mut [bool], steps: &mut Vec<u32>) {
    let mut at = e;
    while at != NONE && !seen[at as usize / 2] {
        seen[at as usize / 2] = true;
        steps.push(at);
        at = joints.partner[(at ^ 1) as usize];
    }
}

/// Beyond this many ends at one junction the smoothest way is not searched for: the first one free is taken, so
/// that a star of n ends costs n and not n².
const CROWD: usize = 64;

/// The strands and junctions where there is a choice. Ends of strands are numbered as those of pieces.
struct Maze<'a> {
    strands: &'a Walked,
    /// First step of each strand.
    starts: Vec<u32>,
    /// For each end of a strand: its junction, its place, the direction into the strand.
    junction: Vec<u32>,
    place: Vec<Point>,
    inward: Vec<Vector>,
    /// Ends of strands at each junction.
    exits: Vec<Vec<u32>>,
    /// First exit of each junction that may be unused.
    next: Vec<u32>,
    used: Vec<bool>,
    /// Where on the current way each junction stands.
    on_way: Vec<u32>,
}

impl<'a> Maze<'a> {
    fn new(pieces: &[Piece<'_>], joints: &Joints, strands: &'a Walked) -> Self {
        let n = strands.chains.len();
        let mut maze = Maze {
            strands,
            starts: Vec::with_capacity(n),
            junction: Vec::with_capacity(2 * n),
            place: Vec::with_capacity(2 * n),
            inward: Vec::with_capacity(2 * n),
            exits: vec![Vec::new(); joints.junctions.len()],
            next: vec![0; joints.junctions.len()],
            used: vec![false; n],
            on_way: vec![NONE; joints.junctions.len()],
        };
        let mut from = 0;
        for (steps, _) in strands.iter() {
            maze.starts.push(from);
            from += steps.len() as u32;
            for e in [steps[0], steps[steps.len() - 1] ^ 1] {
                let id = joints.junction[e as usize];
                if id != NONE {
                    maze.exits[id as usize].push(maze.junction.len() as u32);
                }
                maze.junction.push(id);
                let piece = &pieces[e as usize / 2];
                maze.place.push(if e % 2 == 0 { piece.start() } else { piece.end() });
                maze.inward.push(departure(pieces, e));
            }
        }
        maze
    }

    fn solve(&mut self, out: &mut Walked) {
        let stems = self.stems();
        let mut order: Vec<u32> = (0..self.used.len() as u32).collect();
        // A strand that would be left over at a junction (the stem of a T) starts last, so that the bar closes
        // first.
        order.sort_by_key(|&s| stems[2 * s as usize] || stems[2 * s as usize + 1]);
        let mut left_over = Vec::new();
        for s in order {
            if self.used[s as usize] {
                continue;
            }
            if self.junction[2 * s as usize] == NONE || self.junction[2 * s as usize + 1] == NONE {
                self.used[s as usize] = true;
                left_over.push(s);
            } else {
                self.loops_from(s, out, &mut left_over);
            }
        }
        left_over.sort_unstable();
        self.join_left_over(&left_over, out);
    }

    /// Walks from strand `s` until nothing is left to walk, cutting off loops.
    fn loops_from(&mut self, s: u32, out: &mut Walked, left_over: &mut Vec<u32>) {
        // Each step of the way is the end through which a strand is entered.
        let mut way: Vec<u32> = Vec::new();
        let start = self.junction[2 * s as usize];
        self.on_way[start as usize] = 0;
        self.used[s as usize] = true;
        way.push(2 * s);
        let mut at = self.junction[2 * s as usize + 1];
        loop {
            if at == NONE {
                // Into the void: this strand leads nowhere.
                at = self.step_back(&mut way, left_over);
            } else if self.on_way[at as usize] == NONE {
                self.on_way[at as usize] = way.len() as u32;
            } else if (self.on_way[at as usize] as usize) < way.len() {
                let from = self.on_way[at as usize] as usize;
                for &e in &way[from + 1..] {
                    self.on_way[self.junction[e as usize] as usize] = NONE;
                }
                self.emit(&way[from..], true, out);
                way.truncate(from);
            }
            match self.best_exit(at, way.last().map(|e| e ^ 1)) {
                Some(e) => {
                    self.used[e as usize / 2] = true;
                    way.push(e);
                    at = self.junction[(e ^ 1) as usize];
                }
                None if way.is_empty() => {
                    self.on_way[at as usize] = NONE;
                    return;
                }
                None => {
                    self.on_way[at as usize] = NONE;
                    at = self.step_back(&mut way, left_over);
                }
            }
        }
    }

    /// Gives up the last strand of the way and returns the junction that it left from.
    fn step_back(&mut self, way: &mut Vec<u32>, left_over: &mut Vec<u32>) -> u32 {
        match way.pop() {
            Some(e) => {
                left_over.push(e / 2);
                self.junction[e as usize]
            }
            None => NONE,
        }
    }

    /// Returns the best unused way out of junction `at` after arriving through end `from`.
    fn best_exit(&mut self, at: u32, from: Option<u32>) -> Option<u32> {
        let exits = &self.exits[at as usize];
        let next = &mut self.next[at as usize];
        while exits.get(*next as usize).is_some_and(|&e| self.used[e as usize / 2]) {
            *next += 1;
        }
        let rest = &exits[*next as usize..];
        let mut unused = rest.iter().copied().filter(|&e| !self.used[e as usize / 2]);
        match from {
            Some(f) if rest.len() <= CROWD => {
                let free: Vec<u32> = unused.collect();
                // Of neighbours with a common side, each loop has to take one copy of it.
                let twin = |e: u32| free.iter().any(|&k| k != e && self.are_twins(k, e));
                let cost = |e: u32| if twin(e) { self.turn(f, e) - 5.0 } else { self.turn(f, e) };
                free.iter().copied().min_by(|&a, &b| cost(a).total_cmp(&cost(b)).then(a.cmp(&b)))
            }
            _ => unused.next(),
        }
    }

    /// True when two strands join the same junctions and set out in the same direction.
    fn are_twins(&self, a: u32, b: u32) -> bool {
        self.junction[(a ^ 1) as usize] == self.junction[(b ^ 1) as usize]
            && (self.inward[a as usize] - self.inward[b as usize]).norm() < 1e-6
    }

    /// Returns what it costs to go from end `from` to end `to`: the turn in radians, and more than any turn when
    /// the ends do not meet exactly.
    fn turn(&self, from: u32, to: u32) -> f64 {
        let (u, v) = (-self.inward[from as usize], self.inward[to as usize]);
        let turn = crate::cross(u, v).atan2(u.dot(&v)).abs();
        let apart = (self.place[from as usize] - self.place[to as usize]).norm();
        if apart <= SNAP { turn } else { turn + 10.0 }
    }

    /// Returns for each end whether it stays over when the ends of its junction are paired smoothest first.
    fn stems(&self) -> Vec<bool> {
        let mut stem = vec![false; self.junction.len()];
        for exits in self.exits.iter().filter(|x| x.len() % 2 == 1 && x.len() <= CROWD) {
            let mut alone = exits.clone();
            for [a, b] in self.smooth_pairs(exits) {
                alone.retain(|&e| e != a && e != b);
            }
            for e in alone {
                stem[e as usize] = true;
            }
        }
        stem
    }

    /// Returns pairs of ends at one junction, smoothest first.
    fn smooth_pairs(&self, ends: &[u32]) -> Vec<[u32; 2]> {
        if ends.len() > CROWD {
            return ends.chunks_exact(2).map(|c| [c[0], c[1]]).collect();
        }
        let mut all: Vec<(f64, u32, u32)> = Vec::new();
        for (i, &a) in ends.iter().enumerate() {
            all.extend(ends[i + 1..].iter().map(|&b| (self.turn(a, b), a, b)));
        }
        all.sort_unstable_by(|p, q| p.0.total_cmp(&q.0).then((p.1, p.2).cmp(&(q.1, q.2))));
        let mut taken: Vec<u32> = Vec::new();
        let mut pairs = Vec::new();
        for (_, a, b) in all {
            if !taken.contains(&a) && !taken.contains(&b) {
                taken.extend([a, b]);
                pairs.push([a, b]);
            }
        }
        pairs
    }

    /// Joins what no loop could use into open chains, smoothest first.
    fn join_left_over(&self, left_over: &[u32], out: &mut Walked) {
        let mut at_junction: Vec<(u32, u32)> = (left_over.iter())
            .flat_map(|&s| [2 * s, 2 * s + 1])
            .filter(|&e| self.junction[e as usize] != NONE)
            .map(|e| (self.junction[e as usize], e))
            .collect();
        at_junction.sort_unstable();
        let mut partner = vec![NONE; self.junction.len()];
        for group in at_junction.chunk_by(|m, n| m.0 == n.0) {
            let ends: Vec<u32> = group.iter().map(|m| m.1).collect();
            for [a, b] in self.smooth_pairs(&ends) {
                partner[a as usize] = b;
                partner[b as usize] = a;
            }
        }
        let mut seen = vec![false; self.used.len()];
        let mut way = Vec::new();
        for &s in left_over {
            for e in [2 * s, 2 * s + 1] {
                if partner[e as usize] != NONE || seen[s as usize] {
                    continue;
                }
                way.clear();
                let mut at = e;
                while at != NONE && !seen[at as usize / 2] {
                    seen[at as usize / 2] = true;
                    way.push(at);
                    at = partner[(at ^ 1) as usize];
                }
                self.emit(&way, false, out);
            }
        }
        debug_assert!(left_over.iter().all(|&s| seen[s as usize]), "what is left over has no loops");
    }

    /// Writes out a way over strands as steps over pieces.
    fn emit(&self, way: &[u32], closed: bool, out: &mut Walked) {
        for &e in way {
            let s = e as usize / 2;
            let steps = &self.strands.steps[self.starts[s] as usize..self.strands.chains[s].0 as usize];
            if e % 2 == 0 {
                out.steps.extend_from_slice(steps);
            } else {
                out.steps.extend(steps.iter().rev().map(|step| step ^ 1));
            }
        }
        out.close_chain(closed);
    }
}
