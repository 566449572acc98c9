//! Runs to lines, in an order in which a nozzle can lay them.
//!
//! Runs that lie on one another in neighbouring rows make a **chain**: back and forth, always upwards, until the region
//! forks or ends. A chain begins only when everything below its first run is laid, so every line touches the one laid
//! before it on one side only (monotonic filling: no ridges where two fronts meet).
//!
//! ```text
//!     ┌────────────┐        chains 1, 2 and 3; 3 waits for both
//!     └─────╮ 3    │
//!   ┌────┐  ╰─┬────┤
//!   │ 1  │    │ 2  │
//! ```

use crate::roads::{Kind, Roads};
use crate::rows::{Frame, Rows, Run};
use crate::verge::Verge;
use shop_geom::planar::Spot;

/// How runs become lines.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// What the lines are.
    pub kind: Kind,
    /// Only every so many rows has lines.
    pub step: i32,
    /// Ends of neighbouring lines closer than this along the rows are joined, grid units; none is when negative.
    pub link: i32,
    /// Shorter lines are left out, grid units.
    pub least: i32,
    /// Material per length, mm².
    pub area: f64,
    /// Chains wait for those below them.
    pub monotonic: bool,
}

/// What lies around the rows that are woven.
#[derive(Clone, Copy)]
pub struct Edges<'a> {
    /// Ends that are joined to nothing go on to the walls that it knows.
    pub verge: &'a Verge,
    /// All solids of the layer, where those beside one another are woven apart.
    pub solids: Option<&'a Rows>,
}

impl Edges<'_> {
    /// Returns how far the end of a line that is joined to the next one is drawn back, grid units: where other solids go on,
    /// these have joints along the same border, and each has to keep to its own side. Two ends that are drawn back by half
    /// of their joint have as much material as two without one.
    fn drawn(&self, run: Run, row: i32, right: bool, joint: f64) -> i32 {
        let Some(solids) = self.solids else { return 0 };
        let u = if right { run.b } else { run.a };
        let runs = solids.get(row);
        let within = runs.get(runs.partition_point(|r| r.b <= u)).is_some_and(|r| r.a < u);
        // Something is left of a line that is drawn back at both ends.
        if within { ((0.5 * joint) as i32).min(run.length() / 3) } else { 0 }
    }
}

/// A run and where it hangs.
#[derive(Clone, Copy, Debug)]
struct Node {
    run: Run,
    row: i32,
    /// The only run above and below, if each is the other's only one.
    up: u32,
    /// Runs below that are not yet laid; of heads only.
    waits: u32,
    head: bool,
}

const NONE: u32 = u32::MAX;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Weaver {
    nodes: Vec<Node>,
    starts: Vec<u32>,
    ready: Vec<u32>,
}

impl Weaver {
    /// Adds the lines of a region to `roads`, beginning near `at`; returns where the last one ends. O(runs + chains
    /// squared), chains being few.
    pub fn weave(&mut self, rows: &Rows, frame: &Frame, lines: &Lines, at: Spot, roads: &mut Roads) -> Spot {
        self.weave_to(None, rows, frame, lines, at, roads)
    }

    /// The same, with an eye to what lies around the region.
    pub fn weave_to(
        &mut self,
        edges: Option<Edges<'_>>,
        rows: &Rows,
        frame: &Frame,
        lines: &Lines,
        at: Spot,
        roads: &mut Roads,
    ) -> Spot {
        self.load(rows, lines);
        self.bind();
        if !lines.monotonic {
            self.free();
        }
        let mut at = at;
        while let Some((k, right)) = self.nearest(at, frame) {
            let head = self.ready.swap_remove(k);
            at = self.lay(head, right, edges, frame, lines, roads);
        }
        at
    }

    fn load(&mut self, rows: &Rows, lines: &Lines) {
        self.nodes.clear();
        self.starts.clear();
        let range = rows.range();
        let first = range.start + (-range.start).rem_euclid(lines.step);
        for row in (first..range.end).step_by(lines.step as usize) {
            self.starts.push(self.nodes.len() as u32);
            for run in rows.get(row) {
                if run.length() >= lines.least {
                    self.nodes.push(Node { run: *run, row, up: NONE, waits: 0, head: true });
                }
            }
        }
        self.starts.push(self.nodes.len() as u32);
    }

    /// Finds what lies on what.
    fn bind(&mut self) {
        self.ready.clear();
        let n = self.starts.len().saturating_sub(1);
        for r in 1..n {
            let (low, high) = (self.starts[r - 1] as usize, self.starts[r] as usize);
            let end = self.starts[r + 1] as usize;
            let mut j = low;
            for i in high..end {
                let run = self.nodes[i].run;
                while j < high && self.nodes[j].run.b <= run.a {
                    j += 1;
                }
                let mut k = j;
                while k < high && self.nodes[k].run.a < run.b {
                    self.nodes[i].waits += 1;
                    k += 1;
                }
                if k == j + 1 {
                    // The only one below; is this the only one above it?
                    let below = self.nodes[j].run;
                    let left = i > high && self.nodes[i - 1].run.b > below.a;
                    let right = i + 1 < end && self.nodes[i + 1].run.a < below.b;
                    if !left && !right {
                        self.nodes[j].up = i as u32;
                        self.nodes[i].head = false;
                    }
                }
            }
        }
        self.ready.extend((0..self.nodes.len() as u32).filter(|&i| {
            let node = self.nodes[i as usize];
            node.head && node.waits == 0
        }));
    }

    /// Lets every chain begin at once.
    fn free(&mut self) {
        self.ready.clear();
        for (i, node) in self.nodes.iter_mut().enumerate().filter(|(_, n)| n.head) {
            node.waits = NONE;
            self.ready.push(i as u32);
        }
    }

    /// Returns the ready chain that begins nearest, and whether at its right end.
    fn nearest(&self, at: Spot, frame: &Frame) -> Option<(usize, bool)> {
        let [u, v] = frame.turn(at);
        let mut best: Option<(f64, usize, bool)> = None;
        for (k, &head) in self.ready.iter().enumerate() {
            let node = self.nodes[head as usize];
            let dv = v - f64::from(node.row) * frame.pitch();
            for (right, end) in [(false, node.run.a), (true, node.run.b)] {
                let du = u - f64::from(end);
                let far = du * du + dv * dv;
                if best.is_none_or(|(least, ..)| far < least) {
                    best = Some((far, k, right));
                }
            }
        }
        best.map(|(_, k, right)| (k, right))
    }

    /// Lays one chain, and makes those ready that waited for it.
    fn lay(
        &mut self,
        head: u32,
        right: bool,
        edges: Option<Edges<'_>>,
        frame: &Frame,
        lines: &Lines,
        roads: &mut Roads,
    ) -> Spot {
        let moved = |row: i32, u: i32, right: bool, more: i32| {
            frame.spot(if right { u + more } else { u - more }, row)
        };
        let free = |row: i32, u: i32, right: bool| {
            moved(row, u, right, edges.map_or(0, |e| e.verge.reach(row, u, right)))
        };
        let (mut i, mut right) = (head, right);
        let (mut open, mut drawn) = (false, 0);
        let last = loop {
            let Node { run, row, up, .. } = self.nodes[i as usize];
            let (start, end) = if right { (run.b, run.a) } else { (run.a, run.b) };
            if open {
                roads.push(moved(row, start, right, -drawn));
            } else {
                roads.begin(lines.kind, lines.area);
                roads.push(free(row, start, right));
            }
            right = !right;
            let next = (up != NONE).then(|| self.nodes[up as usize]);
            let off = |n: Node| (if right { n.run.b } else { n.run.a } - end).abs();
            let joined = next.filter(|n| off(*n) <= lines.link);
            open = joined.is_some();
            let spot = match joined.zip(edges) {
                Some((n, edges)) => {
                    let joint = f64::from(off(n)).hypot(frame.pitch());
                    drawn = edges.drawn(n.run, n.row, right, joint);
                    moved(row, end, right, -edges.drawn(run, row, right, joint))
                }
                None if open => frame.spot(end, row),
                None => free(row, end, right),
            };
            roads.push(spot);
            if !open {
                roads.end();
            }
            if next.is_none() {
                break spot;
            }
            i = up;
        };
        self.release(i);
        last
    }

    /// Counts a laid chain off those that lie on its last run.
    fn release(&mut self, last: u32) {
        let Node { run, .. } = self.nodes[last as usize];
        let r = self.starts.partition_point(|s| *s <= last);
        if r + 1 > self.starts.len() - 1 {
            return;
        }
        for i in self.starts[r]..self.starts[r + 1] {
            let node = &mut self.nodes[i as usize];
            if node.run.a < run.b && node.run.b > run.a {
                node.waits -= 1;
                if node.waits == 0 && node.head {
                    self.ready.push(i);
                }
            }
        }
    }
}
