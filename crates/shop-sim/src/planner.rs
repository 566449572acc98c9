//! A controller's motion planner: how fast each move is entered, run and left.
//!
//! Every move may be entered at most at the speed its corner allows, and must be able to stop within what the
//! controller has read ahead:
//!
//! ```text
//!   v²      ╱‾‾‾‾╲
//!          ╱      ╲      corner      entry² = min( corner²,  exit² + 2·a·L,  entry²(before) + 2·a·L(before) )
//!    ─────╱        ╲───╳───╲
//!       move k      move k+1  ╲__ 0 at the end of what is in the buffer
//! ```
//!
//! With S the running sum of 2·a·L, the backward pass over a window is min over its corners j of (corner_j² + S_j)
//! less S_k: a sliding minimum, so that a buffer of any depth costs O(1) a move. Blocks are handed out as soon as
//! they leave the buffer; memory does not grow with the program.

use std::collections::VecDeque;

/// One straight or circular move, in s and mm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Length, mm, more than 0.
    pub length: f64,
    /// Acceleration along it, mm/s².
    pub acceleration: f64,
    /// Square of the speed wanted, mm²/s².
    pub nominal2: f64,
    /// Square of the speed at which its first corner may be passed; 0 starts from rest.
    pub corner2: f64,
    /// For the caller: whose time it is.
    pub tag: u32,
}

struct Queued {
    block: Block,
    /// 2·a·L of all before it since the last stop.
    before: f64,
}

/// Plans blocks in order.
pub(crate) struct Planner {
    depth: usize,
    queue: VecDeque<Queued>,
    /// Indices (since the last stop) and keys `corner² + S` of corners that can be the window's least.
    least: VecDeque<(u64, f64)>,
    first: u64,
    next: u64,
    sum: f64,
    entry2: f64,
}

impl Planner {
    /// Returns a planner that reads `depth` blocks ahead, the one being run included.
    pub fn new(depth: usize) -> Self {
        Planner {
            depth: depth.clamp(2, 1 << 20),
            queue: VecDeque::new(),
            least: VecDeque::new(),
            first: 0,
            next: 0,
            sum: 0.0,
            entry2: 0.0,
        }
    }

    /// Adds a block; tells `done` the tag and seconds of every block that is now settled.
    pub fn push(&mut self, mut block: Block, done: &mut impl FnMut(u32, f64)) {
        if self.queue.is_empty() {
            block.corner2 = 0.0;
        }
        let key = block.corner2.min(block.nominal2) + self.sum;
        while self.least.back().is_some_and(|b| b.1 >= key) {
            self.least.pop_back();
        }
        self.least.push_back((self.next, key));
        self.next += 1;
        self.queue.push_back(Queued { block, before: self.sum });
        self.sum += 2.0 * block.acceleration * block.length;
        if self.queue.len() >= self.depth {
            self.run_first(done);
        }
    }

    /// The machine stops here: settles every block.
    pub fn stop(&mut self, done: &mut impl FnMut(u32, f64)) {
        while !self.queue.is_empty() {
            self.run_first(done);
        }
        self.least.clear();
        (self.first, self.next, self.sum, self.entry2) = (0, 0, 0.0, 0.0);
    }

    fn run_first(&mut self, done: &mut impl FnMut(u32, f64)) {
        let Some(now) = self.queue.pop_front() else { return };
        while self.least.front().is_some_and(|f| f.0 <= self.first) {
            self.least.pop_front();
        }
        self.first += 1;
        let b = now.block;
        let reach2 = self.entry2 + 2.0 * b.acceleration * b.length;
        let exit2 = match self.queue.front() {
            None => 0.0,
            Some(after) => {
                let corner = self.least.front().map_or(self.sum, |l| l.1).min(self.sum);
                (corner - after.before).max(0.0).min(reach2).min(b.nominal2)
            }
        };
        done(b.tag, seconds(&b, self.entry2, exit2));
        self.entry2 = exit2;
    }
}

/// Returns the time of a trapezoid or triangle from entry to exit speed.
pub(crate) fn seconds(b: &Block, entry2: f64, exit2: f64) -> f64 {
    let (a, length) = (b.acceleration, b.length);
    let (v0, v1) = (entry2.sqrt(), exit2.sqrt());
    let peak2 = (0.5 * (entry2 + exit2) + a * length).min(b.nominal2).max(entry2).max(exit2);
    let peak = peak2.sqrt();
    let ramps = (2.0 * peak2 - entry2 - exit2) / (2.0 * a);
    let cruise = if peak > 0.0 { ((length - ramps) / peak).max(0.0) } else { 0.0 };
    (peak - v0) / a + (peak - v1) / a + cruise
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The planner as controllers write it: for each move, a backward pass over the buffer, then forward.
    fn replay(blocks: &[Block], depth: usize) -> Vec<f64> {
        let mut out = Vec::new();
        let mut entry2 = 0.0f64;
        for k in 0..blocks.len() {
            let end = (k + depth).min(blocks.len());
            let mut exit2 = 0.0;
            for j in (k + 1..end).rev() {
                let b = &blocks[j];
                exit2 = (exit2 + 2.0 * b.acceleration * b.length).min(b.corner2).min(b.nominal2);
            }
            let b = &blocks[k];
            let exit2: f64 = f64::min(exit2, entry2 + 2.0 * b.acceleration * b.length).min(b.nominal2);
            out.push(seconds(b, entry2, exit2));
            entry2 = exit2;
        }
        out
    }

    proptest! {
        #[test]
        fn a_sliding_minimum_is_the_backward_pass(
            raw in prop::collection::vec((0.01..20.0f64, 50.0..2000.0f64, 1.0..1e4f64, 0.0..1e4f64), 1..60),
            depth in 2usize..20,
        ) {
            let mut blocks: Vec<Block> = raw.iter().enumerate().map(|(i, r)| Block {
                length: r.0, acceleration: r.1, nominal2: r.2, corner2: r.3, tag: i as u32,
            }).collect();
            for i in 1..blocks.len() {
                blocks[i].corner2 = blocks[i].corner2.min(blocks[i].nominal2).min(blocks[i - 1].nominal2);
            }
            let want = replay(&blocks, depth);
            let mut got = Vec::new();
            let mut planner = Planner::new(depth);
            let mut done = |_tag: u32, s: f64| got.push(s);
            for b in &blocks {
                planner.push(*b, &mut done);
            }
            planner.stop(&mut done);
            prop_assert_eq!(got.len(), want.len());
            for (g, w) in got.iter().zip(&want) {
                prop_assert!((g - w).abs() < 1e-6 * w.max(1e-3), "{g} {w}");
            }
        }
    }

    #[test]
    fn a_single_move_is_a_trapezoid() {
        let b = Block { length: 100.0, acceleration: 500.0, nominal2: 2500.0, corner2: 0.0, tag: 0 };
        // 0.1 s up over 2.5 mm, 95 mm at 50 mm/s, 0.1 s down.
        assert!((seconds(&b, 0.0, 0.0) - (0.2 + 95.0 / 50.0)).abs() < 1e-12);
        let short = Block { length: 2.0, ..b };
        assert!((seconds(&short, 0.0, 0.0) - 2.0 * (2.0f64 / 500.0).sqrt()).abs() < 1e-12);
    }
}
