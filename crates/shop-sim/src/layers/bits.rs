//! Regions as bits: one for every small square of the bed.

use multiversion::multiversion;
use std::ops::Range;

/// Where the squares are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Left and front end, mm.
    pub from: [f64; 2],
    /// Size of a square, mm.
    pub pitch: f64,
    /// Squares across.
    pub width: usize,
    /// Squares from front to back.
    pub height: usize,
}

/// Most squares of a grid: its region is then half a megabyte, which stays in a core's cache.
const MOST: f64 = 4e6;

impl Grid {
    /// Returns a grid over a rectangle, its squares no smaller than `finest` mm.
    pub fn over(low: [f64; 2], high: [f64; 2], finest: f64) -> Grid {
        let size = [high[0] - low[0], high[1] - low[1]].map(|v| v.clamp(finest, 1e5));
        let pitch = finest.max((size[0] * size[1] / MOST).sqrt());
        let [width, height] = size.map(|v| (v / pitch).ceil() as usize + 1);
        Grid { from: low, pitch, width, height }
    }

    /// Returns a place in squares.
    pub fn place(&self, x: f64, y: f64) -> [f64; 2] {
        [(x - self.from[0]) / self.pitch, (y - self.from[1]) / self.pitch]
    }

    /// True when a place, in squares, lies on it.
    pub fn holds(&self, at: [f64; 2]) -> bool {
        let size = [self.width, self.height].map(|n| n as f64);
        (0..2).all(|k| (0.0..=size[k]).contains(&at[k]))
    }

    /// Returns how much of the straight way between two places lies on it, 0 to 1.
    pub fn share(&self, a: [f64; 2], b: [f64; 2]) -> f64 {
        let size = [self.width, self.height].map(|n| n as f64);
        let (mut from, mut to) = (0.0_f64, 1.0_f64);
        for k in 0..2 {
            let along = b[k] - a[k];
            if along == 0.0 {
                if !(0.0..=size[k]).contains(&a[k]) {
                    return 0.0;
                }
                continue;
            }
            let (s, t) = (-a[k] / along, (size[k] - a[k]) / along);
            (from, to) = (from.max(s.min(t)), to.min(s.max(t)));
        }
        (to - from).max(0.0)
    }

    /// Returns the area of so many squares, mm².
    pub fn area(&self, squares: u64) -> f64 {
        squares as f64 * self.pitch * self.pitch
    }

    /// Returns an empty region.
    pub fn empty(&self) -> Bits {
        let per_row = self.width.div_ceil(64);
        Bits { per_row, width: self.width, words: vec![0; per_row * self.height], used: 0..0 }
    }
}

/// A region. It knows the rows that it can have squares in, and nothing touches the others: most layers are much smaller
/// than the print.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    per_row: usize,
    width: usize,
    words: Vec<u64>,
    /// Every row outside of these is empty.
    used: Range<usize>,
}

impl PartialEq for Bits {
    fn eq(&self, other: &Bits) -> bool {
        (self.per_row, self.width, &self.words) == (other.per_row, other.width, &other.words)
    }
}

/// Returns the rows of both, and those between them.
fn both(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.clone(),
        (_, true) => a.clone(),
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

/// So many rows of a stroke are worked out together.
const AT_ONCE: usize = 8;

/// A straight way with everything within `r` squares of it.
#[derive(Clone, Copy, Debug)]
struct Stroke {
    /// Its lower and its upper end.
    low: [f64; 2],
    high: [f64; 2],
    /// Middles of the discs at its ends; the same twice, if there is but one.
    discs: [[f64; 2]; 2],
    r: f64,
    length: f64,
    /// Its direction upwards.
    along: [f64; 2],
    /// One over the slants of the long and the short sides.
    over_long: f64,
    over_short: f64,
}

impl Stroke {
    #[inline]
    fn new(a: [f64; 2], b: [f64; 2], r: f64, fresh: bool) -> Stroke {
        let (low, high) = if a[1] <= b[1] { (a, b) } else { (b, a) };
        let (dx, dy) = (high[0] - low[0], high[1] - low[1]);
        let length = (dx * dx + dy * dy).sqrt();
        let along = if length > 0.0 { [dx / length, dy / length] } else { [1.0, 0.0] };
        let discs = [if fresh { a } else { b }, b];
        Stroke { low, high, discs, r, length, along, over_long: 1.0 / along[1], over_short: 1.0 / along[0] }
    }
}

impl Bits {
    /// Empties it.
    pub fn clear(&mut self) {
        let words = self.words_of(&self.used);
        self.words[words].fill(0);
        self.used = 0..0;
    }

    /// Makes it the same as another one of its grid.
    pub fn copy(&mut self, from: &Bits) {
        let words = self.words_of(&both(&self.used, &from.used));
        self.words[words.clone()].copy_from_slice(&from.words[words]);
        self.used = from.used.clone();
    }

    fn rows(&self) -> usize {
        self.words.len().checked_div(self.per_row).unwrap_or(0)
    }

    fn words_of(&self, rows: &Range<usize>) -> Range<usize> {
        rows.start * self.per_row..rows.end * self.per_row
    }

    /// Returns the used rows and `by` more at both ends, as far as the grid goes.
    fn around(&self, by: usize) -> Range<usize> {
        if self.used.is_empty() {
            return 0..0;
        }
        self.used.start.saturating_sub(by)..(self.used.end + by).min(self.rows())
    }

    /// Adds the squares of a row whose middles lie between two places.
    #[inline]
    pub fn span(&mut self, row: usize, low: f64, high: f64) {
        self.touch(row..row + 1);
        self.fill(row, low, high);
    }

    /// Counts rows, which are some, as used.
    #[inline]
    fn touch(&mut self, rows: Range<usize>) {
        self.used = both(&self.used, &rows);
    }

    /// Adds part of a row that counts as used.
    #[inline]
    fn fill(&mut self, row: usize, low: f64, high: f64) {
        // Casts cut, and saturate: what lies left of the grid begins at 0.
        let a = (low + 0.5) as usize;
        let b = ((high + 0.5) as usize).min(self.width);
        if a >= b {
            return;
        }
        let words = &mut self.words[row * self.per_row..][..self.per_row];
        let (first, last) = (a / 64, (b - 1) / 64);
        let head = !0u64 << (a % 64);
        let tail = !0u64 >> (63 - (b - 1) % 64);
        if first == last {
            words[first] |= head & tail;
        } else {
            words[first] |= head;
            words[first + 1..last].fill(!0);
            words[last] |= tail;
        }
    }

    /// Adds everything within `r` squares of the straight way from `a` to `b`; about `a` only when it is not there yet
    /// (`fresh`).
    #[inline]
    pub fn stroke(&mut self, a: [f64; 2], b: [f64; 2], r: f64, fresh: bool) {
        let rows = self.rows();
        let row_of = |y: f64| ((y + 0.5) as usize).min(rows);
        let stroke = Stroke::new(a, b, r, fresh);
        let (low, high) = (stroke.low, stroke.high);
        let (first, end) = (row_of(low[1] - r), row_of(high[1] + r));
        if first >= end {
            return;
        }
        self.touch(first..end);
        // Rows farther than `r` from both ends meet the long sides only.
        let (from, to) = (row_of(low[1] + r + 1.0).max(first), row_of(high[1] - r - 1.0));
        if from >= to {
            self.near_ends(&stroke, first..end);
            return;
        }
        self.near_ends(&stroke, first..from);
        let (slant, reach) = (stroke.along[0] * stroke.over_long, r * stroke.over_long);
        for row in from..to {
            let middle = low[0] + (row as f64 + 0.5 - low[1]) * slant;
            self.fill(row, middle - reach, middle + reach);
        }
        self.near_ends(&stroke, to..end);
    }

    /// Adds some rows of a stroke.
    fn near_ends(&mut self, stroke: &Stroke, rows: Range<usize>) {
        let (mut left, mut right) = ([0.0; AT_ONCE], [0.0; AT_ONCE]);
        for start in rows.clone().step_by(AT_ONCE) {
            reaches(stroke, start as f64 + 0.5, &mut left, &mut right);
            for (row, (l, r)) in (start..rows.end).zip(left.iter().zip(&right)) {
                if l <= r {
                    self.fill(row, *l, *r);
                }
            }
        }
    }

    /// Makes it what two others give, word by word; of nothing and nothing, that must be nothing.
    pub fn set(&mut self, a: &Bits, b: &Bits, with: impl Fn(u64, u64) -> u64) {
        let used = both(&a.used, &b.used);
        let words = self.words_of(&both(&used, &self.used));
        combine(&mut self.words[words.clone()], &a.words[words.clone()], &b.words[words], with);
        self.used = used;
    }

    /// Makes it what three others give, word by word; of nothing and nothing and nothing, that must be nothing.
    pub fn set3(&mut self, [a, b, c]: [&Bits; 3], with: impl Fn(u64, u64, u64) -> u64) {
        let used = both(&both(&a.used, &b.used), &c.used);
        let words = self.words_of(&both(&used, &self.used));
        let [a, b, c] = [a, b, c].map(|bits| &bits.words[words.clone()]);
        combine3(&mut self.words[words.clone()], a, b, c, with);
        self.used = used;
    }

    /// Changes it by another one, word by word; nothing by nothing must stay nothing.
    pub fn change(&mut self, by: &Bits, with: impl Fn(u64, u64) -> u64) {
        self.used = both(&self.used, &by.used);
        let words = self.words_of(&self.used);
        modify(&mut self.words[words.clone()], &by.words[words], with);
    }

    /// Returns how many squares are in it.
    pub fn count(&self) -> u64 {
        ones(&self.words[self.words_of(&self.used)])
    }

    /// True when nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.words[self.words_of(&self.used)].iter().all(|w| *w == 0)
    }

    /// Makes it what another one of its grid is when grown by `by` squares each way, corners too. O(words × log of `by`).
    pub fn grown(&mut self, of: &Bits, by: usize, room: &mut Vec<u64>) {
        let rows = of.around(by);
        self.spread::<false>(of, by, &rows, room);
        self.trim(&rows);
        self.used = rows;
    }

    /// Makes it what is left of another one when `by` squares are taken away at every edge. What the grid cuts off is no
    /// edge.
    pub fn shrunk(&mut self, of: &Bits, by: usize, room: &mut Vec<u64>) {
        // What is not in it grows; further rows are not in it at all, and cannot reach what is.
        let rows = of.around(by);
        self.spread::<true>(of, by, &rows, room);
        self.trim(&rows);
        self.used = of.used.clone();
    }

    /// Takes away what is within `by` squares of another one, corners too. O(words, and those around what is in it).
    pub fn leave(&mut self, near: &Bits, by: usize, room: &mut Vec<u64>) {
        if !(1..64).contains(&by) {
            let mut all = near.clone();
            all.grown(near, by, room);
            self.change(&all, |a, near| a & !near);
            return;
        }
        for row in self.used.clone() {
            let around = row.saturating_sub(by).max(near.used.start)..(row + by + 1).min(near.used.end);
            let words = &mut self.words[row * self.per_row..][..self.per_row];
            for (i, word) in words.iter_mut().enumerate().filter(|(_, w)| **w != 0) {
                let here = near.column(i, around.clone());
                *word &= !widened(0, here, 0, by);
                if *word != 0 {
                    let before = i.checked_sub(1).map_or(0, |i| near.column(i, around.clone()));
                    let after = if i + 1 < near.per_row { near.column(i + 1, around.clone()) } else { 0 };
                    *word &= !widened(before, here, after, by);
                }
            }
        }
    }

    /// Returns what is in any of some rows, for a word of theirs.
    #[inline]
    fn column(&self, i: usize, rows: Range<usize>) -> u64 {
        if rows.is_empty() {
            return 0;
        }
        let words = &self.words[self.words_of(&rows)];
        words[i..].iter().step_by(self.per_row).fold(0, |all, w| all | w)
    }

    /// Writes what some rows of another one hold, grown within them; or what is not in it, and then what that leaves.
    fn spread<const TURNED: bool>(&mut self, of: &Bits, by: usize, rows: &Range<usize>, room: &mut Vec<u64>) {
        let old = self.words_of(&self.used);
        self.words[old].fill(0);
        let part = self.words_of(rows);
        let (per_row, last) = (self.per_row.max(1), self.last_word());
        let from = &of.words[part.clone()];
        if by == 0 {
            self.words[part].copy_from_slice(from);
            return;
        }
        room.resize(room.len().max(from.len()), 0);
        let (mut to, mut other) = (&mut self.words[part], &mut room[..from.len()]);
        // To and fro between the two; what is written last must be ours.
        let passes = by.div_ceil(63) + doublings(by).count();
        if passes.is_multiple_of(2) {
            std::mem::swap(&mut to, &mut other);
        }
        let mut done = by.min(63);
        if TURNED {
            all_along_turned(from, per_row, done, last, to);
        } else {
            all_along(from, per_row, done, to);
        }
        while done < by {
            let step = (by - done).min(63);
            all_along(to, per_row, step, other);
            std::mem::swap(&mut to, &mut other);
            done += step;
        }
        let mut steps = doublings(by).peekable();
        while let Some(step) = steps.next() {
            if TURNED && steps.peek().is_none() {
                across_turned(to, step * per_row, other);
            } else {
                across(to, step * per_row, other);
            }
            std::mem::swap(&mut to, &mut other);
        }
    }

    /// Returns the squares that the last word of a row has.
    fn last_word(&self) -> u64 {
        let rest = self.width % 64;
        if rest > 0 { (1 << rest) - 1 } else { !0 }
    }

    /// Takes away what lies beyond the last square of a row.
    fn trim(&mut self, rows: &Range<usize>) {
        let last = self.last_word();
        if last != !0 {
            let words = self.words_of(rows);
            for row in self.words[words].chunks_exact_mut(self.per_row) {
                row[self.per_row - 1] &= last;
            }
        }
    }
}

// Loops over words and rows, for the widest vectors that the processor has.

/// Writes between which places a stroke holds rows, the middle of the first at `y`; from more to less where it holds none.
#[multiversion(targets("x86_64+avx2"))]
fn reaches(stroke: &Stroke, y: f64, left: &mut [f64; AT_ONCE], right: &mut [f64; AT_ONCE]) {
    let Stroke { low, high, discs, r, length, along: [ux, uy], over_long, over_short } = *stroke;
    let middle = |k: usize| y + k as f64;
    for k in 0..AT_ONCE {
        let (mut l, mut g) = (f64::INFINITY, f64::NEG_INFINITY);
        for end in discs {
            let h = middle(k) - end[1];
            let square = r * r - h * h;
            let half = square.max(0.0).sqrt();
            l = if square >= 0.0 { l.min(end[0] - half) } else { l };
            g = if square >= 0.0 { g.max(end[0] + half) } else { g };
        }
        (left[k], right[k]) = (l, g);
    }
    let mut widen = |k: usize, holds: bool, l: f64, g: f64| {
        left[k] = if holds { left[k].min(l) } else { left[k] };
        right[k] = if holds { right[k].max(g) } else { right[k] };
    };
    if ux.abs() < 1e-9 {
        for k in 0..AT_ONCE {
            let h = middle(k) - low[1];
            widen(k, h >= 0.0 && h <= length, low[0] - r, low[0] + r);
        }
    } else if uy > 1e-9 {
        for k in 0..AT_ONCE {
            // |h ux - x uy| <= r, and 0 <= x ux + h uy <= length, with x from the lower end.
            let h = middle(k) - low[1];
            let (at, reach) = (h * ux * over_long, r * over_long);
            let (p, q) = (-h * uy * over_short, (length - h * uy) * over_short);
            let (l, g) = ((at - reach).max(p.min(q)), (at + reach).min(p.max(q)));
            widen(k, l <= g, low[0] + l, low[0] + g);
        }
    } else {
        for k in 0..AT_ONCE {
            let h = middle(k) - low[1];
            widen(k, h.abs() <= r, low[0].min(high[0]), low[0].max(high[0]));
        }
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn combine<F: Fn(u64, u64) -> u64>(to: &mut [u64], a: &[u64], b: &[u64], with: F) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = with(*a, *b);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn combine3<F: Fn(u64, u64, u64) -> u64>(to: &mut [u64], a: &[u64], b: &[u64], c: &[u64], with: F) {
    for (((to, a), b), c) in to.iter_mut().zip(a).zip(b).zip(c) {
        *to = with(*a, *b, *c);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn modify<F: Fn(u64, u64) -> u64>(to: &mut [u64], by: &[u64], with: F) {
    for (to, by) in to.iter_mut().zip(by) {
        *to = with(*to, *by);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn ones(words: &[u64]) -> u64 {
    // A closure would not be one with the loop.
    let mut sum = 0;
    for word in words {
        sum += u64::from(word.count_ones());
    }
    sum
}

/// Returns steps that reach `by` together, none farther than those before it have reached and one: each joins what there
/// is already.
fn doublings(by: usize) -> impl Iterator<Item = usize> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let step = (by - done).min(done + 1);
        done += step;
        (step > 0).then_some(step)
    })
}

/// Writes to `to` rows of so many words, each square grown by `by` of 1 to 63 along them.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
fn all_along(from: &[u64], per_row: usize, by: usize, to: &mut [u64]) {
    for (to, row) in to.chunks_exact_mut(per_row).zip(from.chunks_exact(per_row)) {
        along(row.iter().copied(), by, to);
    }
}

/// The same of what is not in the rows, the last words of which have the squares of `last`.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
fn all_along_turned(from: &[u64], per_row: usize, by: usize, last: u64, to: &mut [u64]) {
    for (to, row) in to.chunks_exact_mut(per_row).zip(from.chunks_exact(per_row)) {
        let end = per_row - 1;
        along(row.iter().enumerate().map(|(i, w)| if i == end { !w & last } else { !w }), by, to);
    }
}

/// Writes to `to` a row, each square grown by `by` of 1 to 63 to both sides.
#[inline(always)]
fn along(mut row: impl Iterator<Item = u64>, by: usize, to: &mut [u64]) {
    let (mut before, mut here) = (0, row.next().unwrap_or(0));
    for to in to {
        let after = row.next().unwrap_or(0);
        *to = widened(before, here, after, by);
        (before, here) = (here, after);
    }
}

/// Returns a word of a row that is grown by `by` of 1 to 63 to both sides, by what it and its neighbours held.
#[inline(always)]
fn widened(before: u64, here: u64, after: u64, by: usize) -> u64 {
    if here == !0 || before | here | after == 0 {
        return here;
    }
    let (mut up, mut down) = (here, here);
    for step in doublings(by) {
        up |= up << step;
        down |= down >> step;
    }
    // The last square of the word before that is near enough reaches farthest, and the first of the next one.
    let (last, first) = (before >> (64 - by), after << (64 - by));
    let reached = |near: u64, all: u64| if near == 0 { 0 } else { all };
    up | down
        | reached(last, !0 >> (last.leading_zeros() & 63))
        | reached(first, !0 << (first.trailing_zeros() & 63))
}

/// Writes to `to` every word, with those `n` before and after it added.
#[multiversion(targets("x86_64+avx2"))]
fn across(from: &[u64], n: usize, to: &mut [u64]) {
    sums(from, n, to, |w| w);
}

/// The same, and then what is not in it.
#[multiversion(targets("x86_64+avx2"))]
fn across_turned(from: &[u64], n: usize, to: &mut [u64]) {
    sums(from, n, to, |w| !w);
}

#[inline(always)]
fn sums(from: &[u64], n: usize, to: &mut [u64], out: impl Fn(u64) -> u64) {
    let length = from.len();
    if length < 2 * n {
        for (i, to) in to.iter_mut().enumerate() {
            let near = |k: Option<usize>| k.and_then(|k| from.get(k)).copied().unwrap_or(0);
            *to = out(from[i] | near(i.checked_sub(n)) | near(Some(i + n)));
        }
        return;
    }
    for i in 0..n {
        to[i] = out(from[i] | from[i + n]);
    }
    let inner = to[n..length - n].iter_mut().zip(&from[n..]).zip(from).zip(&from[2 * n..]);
    for (((to, here), before), after) in inner {
        *to = out(here | before | after);
    }
    for i in length - n..length {
        to[i] = out(from[i] | from[i - n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(bits: &Bits, x: usize, y: usize) -> bool {
        bits.words[y * bits.per_row + x / 64] >> (x % 64) & 1 == 1
    }

    fn grid() -> Grid {
        Grid { from: [0.0; 2], pitch: 1.0, width: 150, height: 40 }
    }

    proptest! {
        #[test]
        fn a_stroke_holds_what_is_near_its_line(
            a in (-5.0..155.0, -5.0..45.0), b in (-5.0..155.0, -5.0..45.0), r in 0.3..6.0, along in any::<bool>(),
        ) {
            let grid = grid();
            let mut bits = grid.empty();
            let (a, b) = ([a.0, a.1], [b.0, if along { a.1 } else { b.1 }]);
            bits.stroke(a, b, r, true);
            let d = [b[0] - a[0], b[1] - a[1]];
            let square = d[0] * d[0] + d[1] * d[1];
            for y in 0..grid.height {
                for x in 0..grid.width {
                    let p = [x as f64 + 0.5 - a[0], y as f64 + 0.5 - a[1]];
                    let t = ((p[0] * d[0] + p[1] * d[1]) / square.max(1e-12)).clamp(0.0, 1.0);
                    let far = (p[0] - t * d[0]).hypot(p[1] - t * d[1]);
                    if (far - r).abs() > 1e-6 {
                        prop_assert_eq!(at(&bits, x, y), far < r, "{} {}", x, y);
                    }
                }
            }
        }

        #[test]
        fn a_way_of_strokes_needs_every_corner_only_once(
            way in prop::collection::vec((-5.0..155.0, -5.0..45.0, any::<bool>()), 3..9), r in 0.3..6.0,
        ) {
            let grid = grid();
            let (mut all, mut once) = (grid.empty(), grid.empty());
            let mut from = [way[0].0, way[0].1];
            for (i, (x, y, along)) in way.into_iter().enumerate().skip(1) {
                let to = [x, if along { from[1] } else { y }];
                all.stroke(from, to, r, true);
                once.stroke(from, to, r, i == 1);
                from = to;
            }
            prop_assert_eq!(all, once);
        }

        #[test]
        fn growing_and_shrinking_are_those_of_squares(
            spans in prop::collection::vec((0usize..40, 0.0..150.0, 0.0..40.0), 0..30), by in 0usize..9,
        ) {
            let grid = grid();
            let mut bits = grid.empty();
            for (row, from, length) in spans {
                bits.span(row, from, from + length);
            }
            // Whatever was there before.
            let (mut grown, mut shrunk, mut room) = (grid.empty(), grid.empty(), Vec::new());
            for old in [&mut grown, &mut shrunk] {
                old.span(7, 3.0, 99.0);
            }
            grown.grown(&bits, by, &mut room);
            shrunk.shrunk(&bits, by, &mut room);
            let near = |x: usize, y: usize, wanted: bool| {
                let (xs, ys) = (x.saturating_sub(by)..=(x + by).min(149), y.saturating_sub(by)..=(y + by).min(39));
                xs.clone().any(|x| ys.clone().any(|y| at(&bits, x, y) == wanted))
            };
            for y in 0..grid.height {
                for x in 0..grid.width {
                    prop_assert_eq!(at(&grown, x, y), near(x, y, true));
                    prop_assert_eq!(at(&shrunk, x, y), !near(x, y, false));
                }
            }
        }

        #[test]
        fn rows_out_of_use_are_empty_whatever_was_done(
            deeds in prop::collection::vec((0usize..9, 0usize..3, 0usize..3, 0usize..40, 0.0..150.0, 0usize..9), 1..60),
        ) {
            let grid = grid();
            let mut all = [grid.empty(), grid.empty(), grid.empty()];
            let mut room = Vec::new();
            for (deed, i, k, row, from, by) in deeds {
                let other = all[k].clone();
                let words = |bits: &Bits| bits.words.clone();
                let (mine, theirs) = (words(&all[i]), words(&other));
                let by_word = |with: fn(u64, u64) -> u64| -> Vec<u64> {
                    mine.iter().zip(&theirs).map(|(a, b)| with(*a, *b)).collect()
                };
                let wanted = match deed {
                    0 => {
                        all[i].span(row, from, from + 9.0);
                        None
                    }
                    1 => {
                        all[i].copy(&other);
                        Some(theirs.clone())
                    }
                    2 => {
                        let own = all[i].clone();
                        all[i].set(&own, &other, |a, b| a & !b);
                        Some(by_word(|a, b| a & !b))
                    }
                    3 => {
                        all[i].change(&other, |a, b| a | b);
                        Some(by_word(|a, b| a | b))
                    }
                    4 => {
                        all[i].grown(&other, by, &mut room);
                        None
                    }
                    5 => {
                        all[i].shrunk(&other, by, &mut room);
                        None
                    }
                    6 => {
                        let mut grown = grid.empty();
                        grown.grown(&other, by, &mut room);
                        all[i].leave(&other, by, &mut room);
                        Some(mine.iter().zip(&grown.words).map(|(a, b)| a & !b).collect())
                    }
                    7 => {
                        let own = all[i].clone();
                        let third = all[(k + 1) % 3].clone();
                        all[i].set3([&own, &other, &third], |a, b, c| a & !(b | c));
                        let both = theirs.iter().zip(&third.words).map(|(b, c)| b | c);
                        Some(mine.iter().zip(both).map(|(a, b)| a & !b).collect())
                    }
                    _ => {
                        all[i].clear();
                        Some(vec![0; mine.len()])
                    }
                };
                if let Some(wanted) = wanted {
                    prop_assert_eq!(&all[i].words, &wanted, "{}", deed);
                }
                for bits in &all {
                    for row in (0..grid.height).filter(|r| !bits.used.contains(r)) {
                        let words = &bits.words[row * bits.per_row..][..bits.per_row];
                        prop_assert!(words.iter().all(|w| *w == 0), "{} {}", deed, row);
                    }
                }
            }
        }
    }
}
