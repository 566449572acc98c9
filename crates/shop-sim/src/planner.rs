//! A controller's motion planner: how fast each move is entered, run and left.
//!
//! Every move may be entered at most at the speed its corner allows, and must be able to stop within what the
//! controller has read ahead:
//!
//! ```text
//!   v²      ╱‾‾‾‾╲
//!          ╱      ╲      corner      entry² = min( corner²,  exit² + 2·a·L,  entry²(before) + 2·a·L(before) )
//!    ─────╱        ╲───╳───╲
//!       move k      move k+1  ╲__ the least speed at the end of what is in the buffer
//! ```
//!
//! With S the running sum of 2·a·L, the backward pass over a window is min over its corners j of (corner_j² + S_j)
//! less S_k: a sliding minimum, so that a buffer of any depth costs O(1) a move. Blocks are handed out as soon as
//! they leave the buffer; memory does not grow with the program. S is counted in whole *grains* and may wrap around:
//! differences stay exact however long the program is, and do not depend on where the sum began.

/// Returns the lower of two numbers. One instruction, where `f64::min` looks for NaN too; none gets here.
#[inline(always)]
pub(crate) fn low(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Returns the higher of two numbers; see [`low`].
#[inline(always)]
pub(crate) fn high(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// One straight or circular move, in s and mm.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block {
    /// Length, mm, more than 0.
    pub length: f64,
    /// Acceleration along it, mm/s².
    pub acceleration: f64,
    /// Speed wanted, mm/s.
    pub nominal: f64,
    /// Square of the speed at which its first corner may be passed; 0 starts from rest.
    pub corner2: f64,
    /// Square of the speed at which it may start or end at rest: the first and the last step come at once.
    pub rest2: f64,
    /// For the caller: whose time it is.
    pub tag: u32,
}

#[derive(Clone, Copy, Default)]
struct Queued {
    block: Block,
    /// 2·a·L of all before it, grains.
    before: i64,
    /// 2·a·L of its own.
    delta2: f64,
}

/// Grains of a squared speed in 1 mm²/s²: fine enough for 0.001 mm/s, and a power of two.
const GRAINS: f64 = (1u64 << 24) as f64;
/// Speeds beyond 8 m/s are not told apart, so that the sum over the deepest buffer does not reach the sign.
const MOST2: f64 = (1u64 << 26) as f64;
/// Deepest buffer.
const DEEPEST: usize = 1 << 12;

#[inline(always)]
fn grains(v2: f64) -> i64 {
    (low(v2, MOST2) * GRAINS) as i64
}

/// Returns a − b as a squared speed, mm²/s².
#[inline(always)]
fn between(a: i64, b: i64) -> f64 {
    a.wrapping_sub(b) as f64 * (1.0 / GRAINS)
}

/// Returns the lower of two sums, which may have wrapped around.
#[inline(always)]
fn nearer(a: i64, b: i64) -> i64 {
    if a.wrapping_sub(b) < 0 { a } else { b }
}

/// Plans blocks in order.
#[derive(Clone)]
pub(crate) struct Planner {
    depth: u64,
    /// The buffer; a block's place is its number, wrapped.
    ring: Box<[Queued]>,
    /// Numbers and keys `corner² + S` of corners that can be the window's least, wrapped likewise.
    least: Box<[(u64, i64)]>,
    least_from: u64,
    least_to: u64,
    mask: u64,
    /// Numbers of the first block in the buffer and of the next one, since the last stop.
    first: u64,
    next: u64,
    sum: i64,
    /// Key of the end of the buffer.
    end: i64,
    entry: f64,
    entry2: f64,
}

impl Planner {
    /// Returns a planner that reads `depth` blocks ahead, the one being run included.
    pub fn new(depth: usize) -> Self {
        let depth = depth.clamp(2, DEEPEST);
        let size = (depth + 1).next_power_of_two();
        Planner {
            depth: depth as u64,
            ring: vec![Queued::default(); size].into_boxed_slice(),
            least: vec![(0, 0); size].into_boxed_slice(),
            least_from: 0,
            least_to: 0,
            mask: size as u64 - 1,
            first: 0,
            next: 0,
            sum: 0,
            end: 0,
            entry: 0.0,
            entry2: 0.0,
        }
    }

    /// True when nothing waits in the buffer.
    pub fn is_empty(&self) -> bool {
        self.first == self.next
    }

    /// Adds a block; tells `done` the tag and seconds of every block that is now settled.
    #[inline]
    pub fn push(&mut self, block: Block, done: &mut impl FnMut(u32, f64)) {
        let delta2 = 2.0 * block.acceleration * block.length;
        let key = self.sum.wrapping_add(grains(low(block.corner2, block.nominal * block.nominal)));
        while self.least_to > self.least_from
            && self.least[((self.least_to - 1) & self.mask) as usize].1.wrapping_sub(key) >= 0
        {
            self.least_to -= 1;
        }
        self.least[(self.least_to & self.mask) as usize] = (self.next, key);
        self.least_to += 1;
        self.ring[(self.next & self.mask) as usize] = Queued { block, before: self.sum, delta2 };
        self.next += 1;
        self.sum = self.sum.wrapping_add(grains(delta2));
        self.end = self.sum.wrapping_add(grains(block.rest2));
        if self.next - self.first >= self.depth {
            self.run_first(done);
        }
    }

    /// Changes length and acceleration of the block that was added last, if it is not settled.
    pub fn amend(&mut self, change: impl FnOnce(&mut Block)) {
        if self.is_empty() {
            return;
        }
        let last = &mut self.ring[((self.next - 1) & self.mask) as usize];
        change(&mut last.block);
        last.delta2 = 2.0 * last.block.acceleration * last.block.length;
        self.sum = last.before.wrapping_add(grains(last.delta2));
        self.end = self.sum.wrapping_add(grains(last.block.rest2));
    }

    /// The machine stops here: settles every block.
    pub fn stop(&mut self, done: &mut impl FnMut(u32, f64)) {
        while self.first < self.next {
            self.run_first(done);
        }
        (self.first, self.next, self.least_from, self.least_to) = (0, 0, 0, 0);
        (self.sum, self.end, self.entry, self.entry2) = (0, 0, 0.0, 0.0);
    }

    /// True when both hold the same blocks in the same state: whatever is added, they will tell the same.
    pub fn is_like(&self, other: &Planner) -> bool {
        let window = |p: &Planner| (p.next - p.first, p.first == 0, p.least_to - p.least_from);
        let bits = |b: &Block| [b.length, b.acceleration, b.nominal, b.corner2, b.rest2].map(f64::to_bits);
        let speeds = |p: &Planner| (p.entry.to_bits(), p.entry2.to_bits(), p.end.wrapping_sub(p.sum));
        self.depth == other.depth
            && window(self) == window(other)
            && (self.is_empty() || speeds(self) == speeds(other))
            && (0..self.next - self.first).all(|i| {
                let (a, b) = (self.queued(i), other.queued(i));
                bits(&a.block) == bits(&b.block)
                    && a.before.wrapping_sub(self.sum) == b.before.wrapping_sub(other.sum)
            })
            && (0..self.least_to - self.least_from).all(|i| {
                let (a, b) = (self.least_one(i), other.least_one(i));
                (a.0 - self.first, a.1.wrapping_sub(self.sum))
                    == (b.0 - other.first, b.1.wrapping_sub(other.sum))
            })
    }

    /// How many blocks wait.
    pub fn waiting(&self) -> usize {
        (self.next - self.first) as usize
    }

    fn queued(&self, i: u64) -> &Queued {
        &self.ring[((self.first + i) & self.mask) as usize]
    }

    fn least_one(&self, i: u64) -> (u64, i64) {
        self.least[((self.least_from + i) & self.mask) as usize]
    }

    /// Gives every block that waits to `change`, in order, to change its tag.
    pub fn change_tags(&mut self, mut change: impl FnMut(&mut u32)) {
        for i in self.first..self.next {
            change(&mut self.ring[(i & self.mask) as usize].block.tag);
        }
    }

    #[inline(always)]
    fn run_first(&mut self, done: &mut impl FnMut(u32, f64)) {
        let now = self.ring[(self.first & self.mask) as usize];
        if self.first == 0 {
            // The machine is at rest: it starts at once with what the first corner and the buffer allow.
            let key = self.least[(self.least_from & self.mask) as usize].1;
            self.entry2 = high(between(nearer(key, self.end), now.before), 0.0);
            self.entry = self.entry2.sqrt();
        }
        while self.least_from < self.least_to
            && self.least[(self.least_from & self.mask) as usize].0 <= self.first
        {
            self.least_from += 1;
        }
        self.first += 1;
        let b = &now.block;
        let reach2 = self.entry2 + now.delta2;
        let key = if self.least_from < self.least_to {
            nearer(self.least[(self.least_from & self.mask) as usize].1, self.end)
        } else {
            self.end
        };
        let after = now.before.wrapping_add(grains(now.delta2));
        let exit2 = low(low(high(between(key, after), 0.0), reach2), b.nominal * b.nominal);
        let exit = exit2.sqrt();
        done(b.tag, ramp(b, self.entry, self.entry2, exit, exit2));
        self.entry = exit;
        self.entry2 = exit2;
    }
}

/// Returns the time of a trapezoid or triangle from entry to exit speed, given with their squares.
#[inline(always)]
fn ramp(b: &Block, entry: f64, entry2: f64, exit: f64, exit2: f64) -> f64 {
    let per_acceleration = 1.0 / b.acceleration;
    let triangle2 = 0.5 * (entry2 + exit2) + b.acceleration * b.length;
    let nominal2 = b.nominal * b.nominal;
    if triangle2 <= nominal2 {
        let peak = high(high(triangle2, entry2), exit2).sqrt();
        return (2.0 * peak - entry - exit) * per_acceleration;
    }
    let peak = high(high(b.nominal, entry), exit);
    let ramps = (peak * peak - 0.5 * (entry2 + exit2)) * per_acceleration;
    (2.0 * peak - entry - exit) * per_acceleration + high((b.length - ramps) / peak, 0.0)
}

/// Returns the time of a block between the squares of its entry and exit speeds.
pub(crate) fn seconds(b: &Block, entry2: f64, exit2: f64) -> f64 {
    ramp(b, entry2.sqrt(), entry2, exit2.sqrt(), exit2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The planner as controllers write it: for each move, a backward pass over the buffer, then forward.
    fn replay(blocks: &[Block], depth: usize) -> Vec<f64> {
        let mut out = Vec::new();
        let mut entry2 = f64::NAN;
        for k in 0..blocks.len() {
            let end = (k + depth).min(blocks.len());
            let mut exit2 = blocks[end - 1].rest2;
            for j in (k + 1..end).rev() {
                let b = &blocks[j];
                exit2 = (exit2 + 2.0 * b.acceleration * b.length).min(b.corner2).min(b.nominal * b.nominal);
            }
            let b = &blocks[k];
            if k == 0 {
                let reach = exit2 + 2.0 * b.acceleration * b.length;
                entry2 = b.corner2.min(b.nominal * b.nominal).min(reach);
            }
            let reach = entry2 + 2.0 * b.acceleration * b.length;
            let exit2: f64 = f64::min(exit2, reach).min(b.nominal * b.nominal);
            out.push(seconds(b, entry2, exit2));
            entry2 = exit2;
        }
        out
    }

    proptest! {
        #[test]
        fn a_sliding_minimum_is_the_backward_pass(
            raw in prop::collection::vec(
                (0.01..20.0f64, 50.0..2000.0f64, 1.0..100.0f64, 0.0..1e4f64, 0.0..2.0f64), 1..60),
            depth in 2usize..20,
        ) {
            let mut blocks: Vec<Block> = raw.iter().enumerate().map(|(i, r)| Block {
                length: r.0, acceleration: r.1, nominal: r.2, corner2: r.3, rest2: r.4.min(r.2), tag: i as u32,
            }).collect();
            for i in 1..blocks.len() {
                let top = blocks[i].nominal.min(blocks[i - 1].nominal);
                blocks[i].corner2 = blocks[i].corner2.min(top * top);
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
        let b = Block { length: 100.0, acceleration: 500.0, nominal: 50.0, ..Block::default() };
        // 0.1 s up over 2.5 mm, 95 mm at 50 mm/s, 0.1 s down.
        assert!((seconds(&b, 0.0, 0.0) - (0.2 + 95.0 / 50.0)).abs() < 1e-12);
        let short = Block { length: 2.0, ..b };
        assert!((seconds(&short, 0.0, 0.0) - 2.0 * (2.0f64 / 500.0).sqrt()).abs() < 1e-12);
    }
}
