//! Regions as bits on a lattice: what supports are planned with, where half a road more or less does not matter.
//!
//! A node of the lattice stands for the square cell around it. Regions of all layers lie on the same lattice, so what two
//! of them have in common is a row of `and`s, 64 cells at a time, and growing by a radius is a few shifts per row.

use super::shadow::fat;
use crate::rows::{Frame, Rows, Run};
use shop_geom::planar::{Contours, PER_MM, Spot};
use std::ops::Range;

/// Where the nodes lie.
#[derive(Clone, Debug)]
pub struct Lattice {
    /// Along its rows, and along its columns: column k is row −k of the second one.
    pub frames: [Frame; 2],
    /// Distance of nodes, grid units.
    pub cell: f64,
    /// Number of the first row and the first column.
    first: [i32; 2],
    rows: usize,
    /// Words in a row.
    width: usize,
}

/// A region on a lattice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    width: usize,
}

impl Lattice {
    /// Returns a lattice turned by `angle`, radians, over all `spots` and `margin` around them, nodes `cell` apart, grid
    /// units.
    pub fn new(angle: f64, cell: f64, margin: f64, spots: impl Iterator<Item = Spot>) -> Lattice {
        let frames = [Frame::new(angle, cell), Frame::new(angle + std::f64::consts::FRAC_PI_2, cell)];
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for s in spots {
            let at = frames[0].turn(s);
            for k in 0..2 {
                low[k] = low[k].min(at[k]);
                high[k] = high[k].max(at[k]);
            }
        }
        if low[0] > high[0] {
            (low, high) = ([0.0; 2], [0.0; 2]);
        }
        let begin = |k: usize| ((low[k] - margin) / cell).floor() as i32;
        let count = |k: usize| ((high[k] + margin) / cell).ceil() as i32 - begin(k) + 1;
        Lattice {
            frames,
            cell,
            first: [begin(1), begin(0)],
            rows: count(1).max(1) as usize,
            width: (count(0).max(1) as usize).div_ceil(64),
        }
    }

    /// Returns the empty region.
    pub fn empty(&self) -> Bits {
        Bits { words: vec![0; self.rows * self.width], width: self.width }
    }

    /// Returns the region of all nodes.
    pub fn full(&self) -> Bits {
        Bits { words: vec![u64::MAX; self.rows * self.width], width: self.width }
    }

    /// Returns the place of a node, or one between nodes, given as row and column from the first ones, grid units along
    /// rows and columns.
    #[inline]
    pub fn place_at(&self, row: f64, column: f64) -> [f64; 2] {
        [(f64::from(self.first[1]) + column) * self.cell, (f64::from(self.first[0]) + row) * self.cell]
    }

    /// Returns the node nearest to a place given along rows and columns, as row and column; nothing beyond the lattice.
    #[inline]
    pub fn node(&self, at: [f64; 2]) -> Option<[usize; 2]> {
        let row = (at[1] / self.cell).round() as i32 - self.first[0];
        let column = (at[0] / self.cell).round() as i32 - self.first[1];
        let inside = (0..self.rows as i32).contains(&row) && (0..64 * self.width as i32).contains(&column);
        inside.then_some([row as usize, column as usize])
    }

    /// Returns the number of a column as scan lines along columns count.
    fn column(&self, column: usize) -> i32 {
        -(self.first[1] + column as i32)
    }

    /// Returns the place of a node, grid units along rows and columns.
    #[inline]
    pub fn place(&self, row: usize, column: usize) -> [f64; 2] {
        self.place_at(row as f64, column as f64)
    }

    /// Returns how many rows and columns there are.
    pub fn size(&self) -> [usize; 2] {
        [self.rows, 64 * self.width]
    }

    /// Adds to `bits` all nodes that runs along the rows hold.
    pub fn mark(&self, runs: &Rows, bits: &mut Bits) {
        for row in runs.range() {
            for run in runs.get(row) {
                self.mark_run(row, *run, bits);
            }
        }
    }

    /// Adds to `bits` all nodes at most `distance` grid units from the edges of walks. O(edges + rows they are near to).
    pub fn mark_near(&self, walks: &Contours, distance: f64, bits: &mut Bits) {
        self.mark_near_in(i32::MIN..i32::MAX, walks, distance, bits);
    }

    /// The same in some of the rows, as they are counted from the origin.
    pub fn mark_near_in(&self, rows: Range<i32>, walks: &Contours, distance: f64, bits: &mut Bits) {
        let end = self.first[0] + self.rows as i32;
        let rows = rows.start.max(self.first[0])..rows.end.min(end);
        for walk in walks.iter() {
            let mut a = self.frames[0].turn(walk[walk.len() - 1]);
            for spot in walk {
                let b = self.frames[0].turn(*spot);
                fat(a, b, distance, self.cell, rows.clone(), |row, run| self.mark_run(row, run, bits));
                a = b;
            }
        }
    }

    #[inline]
    fn mark_run(&self, row: i32, run: Run, bits: &mut Bits) {
        let at = i64::from(row) - i64::from(self.first[0]);
        if at < 0 || at >= self.rows as i64 {
            return;
        }
        let words = &mut bits.words[at as usize * self.width..(at as usize + 1) * self.width];
        let column = |u: i32| {
            let k = (f64::from(u) / self.cell).ceil() as i64 - i64::from(self.first[1]);
            k.clamp(0, 64 * self.width as i64) as usize
        };
        fill(words, column(run.a), column(run.b));
    }

    /// Returns the runs of a region, along rows (0) or along columns (1).
    pub fn runs(&self, bits: &Bits, way: usize) -> Rows {
        let mut out = Rows::default();
        if bits.is_empty() {
            return out;
        }
        let turned;
        let (bits, count, first) = if way == 0 {
            (bits, self.rows, [self.first[0], self.first[1]])
        } else {
            // Columns from the last to the first, as their numbers run the other way.
            turned = self.turned(bits);
            (&turned, 64 * self.width, [self.column(64 * self.width - 1), self.first[0]])
        };
        let live = |row: usize| bits.row(row).iter().any(|w| *w != 0);
        let from = (0..count).find(|r| live(*r)).unwrap_or(0);
        let end = (from..count).rev().find(|r| live(*r)).map_or(from, |r| r + 1);
        out.begin(first[0] + from as i32);
        // A quarter of a node beyond the outer ones: less than half, so that turned and shifted regions do not grow.
        let at = |k: usize, by: f64| ((f64::from(first[1]) + k as f64 + by) * self.cell).round() as i32;
        for row in from..end {
            spans(bits.row(row), |a, b| out.push(Run { a: at(a, -0.25), b: at(b, -0.75) }));
            out.end_row();
        }
        out
    }

    /// Returns the region whose runs these are: what [`Lattice::runs`] was given.
    pub fn nodes(&self, runs: &Rows, way: usize) -> Bits {
        let mut out = self.empty();
        if way == 0 {
            self.mark(runs, &mut out);
            return out;
        }
        let row = |u: i32| ((f64::from(u) / self.cell).ceil() as i32 - self.first[0]).max(0) as usize;
        for line in runs.range() {
            let Ok(column) = usize::try_from(-line - self.first[1]) else { continue };
            for run in runs.get(line).iter().filter(|_| column < 64 * self.width) {
                (row(run.a)..row(run.b).min(self.rows)).for_each(|row| out.set(row, column));
            }
        }
        out
    }

    /// Returns a region whose rows are the columns of another, the last column first.
    pub fn turned(&self, bits: &Bits) -> Bits {
        let columns = 64 * self.width;
        let width = self.rows.div_ceil(64);
        let mut out = Bits { words: vec![0; columns * width], width };
        bits.each(|row, column| {
            out.words[(columns - 1 - column) * width + row / 64] |= 1 << (row % 64);
        });
        out
    }

    /// Returns the rows (way 0), or columns (1), next to lines that lie `spacing` nodes apart, with the lines' numbers, as
    /// they are counted from the origin. Columns are counted from the last one, as in [`Lattice::turned`].
    pub fn rows_every(&self, spacing: f64, way: usize) -> impl Iterator<Item = (i32, usize)> {
        let columns = 64 * self.width;
        let (first, rows) = if way == 0 {
            (self.first[0], self.rows as i32)
        } else {
            (self.column(columns - 1), columns as i32)
        };
        let spacing = spacing.max(1.0);
        let from = (f64::from(first) / spacing).floor() as i32;
        (from..)
            .map(move |k| (k, (f64::from(k) * spacing).round() as i32 - first))
            .skip_while(|(_, r)| *r < 0)
            .take_while(move |(_, r)| *r < rows)
            .map(|(k, r)| (k, r as usize))
    }

    /// Returns how many nodes make so many millimetres.
    pub fn cells(&self, mm: f64) -> f64 {
        mm * PER_MM / self.cell
    }
}

/// Sets the bits from `a` to before `b`.
fn fill(words: &mut [u64], a: usize, b: usize) {
    let (mut from, mut a) = (a / 64, a % 64);
    while 64 * from + a < b {
        let end = (b - 64 * from).min(64);
        let high = if end == 64 { u64::MAX } else { (1 << end) - 1 };
        words[from] |= high & (u64::MAX << a);
        (from, a) = (from + 1, 0);
    }
}

/// True when one of the bits from `a` to before `b` is set.
fn any(words: &[u64], a: usize, b: usize) -> bool {
    (a / 64..b.div_ceil(64)).any(|i| {
        let low = if i == a / 64 { u64::MAX << (a % 64) } else { u64::MAX };
        let high = if 64 * (i + 1) > b { (1 << (b % 64)) - 1 } else { u64::MAX };
        words[i] & low & high != 0
    })
}

/// Calls `emit` with where every span of set bits begins and ends.
fn spans(words: &[u64], mut emit: impl FnMut(usize, usize)) {
    let mut open = None;
    for (i, word) in words.iter().enumerate() {
        let mut at = 0;
        while at < 64 {
            let rest = if open.is_some() { !word >> at } else { word >> at };
            if rest == 0 {
                break;
            }
            at += rest.trailing_zeros() as usize;
            match open.take() {
                Some(a) => emit(a, 64 * i + at),
                None => open = Some(64 * i + at),
            }
        }
    }
    if let Some(a) = open {
        emit(a, 64 * words.len());
    }
}

/// Room for growing, used again and again.
#[derive(Default)]
pub struct Growth {
    wide: Vec<u64>,
    next: Vec<u64>,
}

impl Bits {
    /// True when no node is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// Returns an empty region of the same lattice.
    pub fn cleared(&self) -> Bits {
        Bits { words: vec![0; self.words.len()], width: self.width }
    }

    /// True when a node is in it; none beyond the lattice is.
    #[inline]
    pub fn holds(&self, row: i32, column: i32) -> bool {
        let [rows, columns] = self.size();
        let inside = row >= 0 && column >= 0 && (row as usize) < rows && (column as usize) < columns;
        inside && self.has(row as usize, column as usize)
    }

    /// True when a node is in it.
    #[inline]
    pub fn has(&self, row: usize, column: usize) -> bool {
        self.words[row * self.width + column / 64] >> (column % 64) & 1 != 0
    }

    /// Puts a node in.
    #[inline]
    pub fn set(&mut self, row: usize, column: usize) {
        self.words[row * self.width + column / 64] |= 1 << (column % 64);
    }

    /// Takes a node out.
    #[inline]
    pub fn unset(&mut self, row: usize, column: usize) {
        self.words[row * self.width + column / 64] &= !(1 << (column % 64));
    }

    /// Returns its words, row after row.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns its words to be written to.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Returns how many rows and columns there are.
    pub fn size(&self) -> [usize; 2] {
        [self.words.len() / self.width.max(1), 64 * self.width]
    }

    /// True when the node in a row (way 0) or in a column (way 1) is in it, `k` nodes along it.
    pub fn has_along(&self, way: usize, line: usize, k: usize) -> bool {
        if way == 0 { self.has(line, k) } else { self.has(k, line) }
    }

    /// Puts the node in a row or column in, `k` nodes along it.
    pub fn set_along(&mut self, way: usize, line: usize, k: usize) {
        if way == 0 { self.set(line, k) } else { self.set(k, line) }
    }

    /// Takes the node in a row or column out, `k` nodes along it.
    pub fn unset_along(&mut self, way: usize, line: usize, k: usize) {
        if way == 0 { self.unset(line, k) } else { self.unset(k, line) }
    }

    /// Calls `emit` with where every span of nodes in a row begins and ends.
    pub fn spans(&self, row: usize, emit: impl FnMut(usize, usize)) {
        spans(self.row(row), emit);
    }

    fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.width..(row + 1) * self.width]
    }

    /// Calls `visit` with row and column of every node, in order.
    pub fn each(&self, mut visit: impl FnMut(usize, usize)) {
        for (i, word) in self.words.iter().enumerate().filter(|(_, w)| **w != 0) {
            let (row, column) = (i / self.width, 64 * (i % self.width));
            let mut rest = *word;
            while rest != 0 {
                visit(row, column + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
    }

    /// True when a node at most `radius` nodes from a node is in it. O(radius), where rows are short.
    pub fn is_near(&self, row: usize, column: usize, radius: f64) -> bool {
        let (rows, columns) = (self.words.len() / self.width.max(1), 64 * self.width);
        let reach = radius.max(0.0) as usize;
        (0..=reach).any(|across| {
            let along = (radius * radius - (across * across) as f64).sqrt() as usize;
            let (a, b) = (column.saturating_sub(along), (column + along + 1).min(columns));
            let below = row.checked_sub(across);
            let above = Some(row + across).filter(|r| *r < rows && across > 0);
            below.into_iter().chain(above).any(|r| any(self.row(r), a, b))
        })
    }

    /// Adds another region.
    pub fn add(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// Takes another region away.
    pub fn take(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    /// Keeps what another region has as well.
    pub fn keep(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    /// Returns the region without all nodes at most `radius` nodes away from what does not belong to it. O(nodes / 64 ×
    /// radius).
    pub fn shrunk(&self, radius: f64, room: &mut Growth) -> Bits {
        let mut rest = self.clone();
        rest.words.iter_mut().for_each(|w| *w = !*w);
        let rest = rest.grown(radius, room);
        let mut out = self.clone();
        out.take(&rest);
        out
    }

    /// Returns the region with all nodes at most `radius` nodes away. O(nodes / 64 × radius).
    pub fn grown(&self, radius: f64, room: &mut Growth) -> Bits {
        let reach = radius.floor().max(0.0) as usize;
        let mut out = Bits { words: vec![0; self.words.len()], width: self.width };
        let (width, rows) = (self.width, self.words.len() / self.width.max(1));
        // How many rows away a row grown by `along` still counts.
        let across =
            |along: usize| (radius * radius - (along * along) as f64).max(0.0).sqrt().floor() as usize;
        for row in 0..rows {
            if self.row(row).iter().all(|w| *w == 0) {
                continue;
            }
            room.wide.clear();
            room.wide.extend_from_slice(self.row(row));
            for along in 0..=reach {
                if along > 0 {
                    room.next.clear();
                    for k in 0..width {
                        let left = if k > 0 { room.wide[k - 1] >> 63 } else { 0 };
                        let right = if k + 1 < width { room.wide[k + 1] << 63 } else { 0 };
                        let w = room.wide[k];
                        room.next.push(w | w << 1 | left | w >> 1 | right);
                    }
                    std::mem::swap(&mut room.wide, &mut room.next);
                }
                // Rows nearer than this get the next, wider one.
                let far = across(along);
                let inner = if along < reach { across(along + 1).saturating_add(1) } else { 0 };
                for d in inner..=far {
                    for r in [row.checked_sub(d), Some(row + d).filter(|r| *r < rows && d > 0)] {
                        let Some(r) = r else { continue };
                        let to = &mut out.words[r * width..(r + 1) * width];
                        to.iter_mut().zip(&room.wide).for_each(|(a, b)| *a |= b);
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn near_is_what_growing_reaches(
            nodes in prop::collection::vec((0usize..30, 0usize..150), 0..12), radius in 0.0f64..12.0,
        ) {
            let corners = [Spot::new(0, 0), Spot::new(1490, 290)];
            let lattice = Lattice::new(0.0, 10.0, 0.0, corners.into_iter());
            let mut bits = lattice.empty();
            for (row, column) in nodes {
                bits.set(row, column);
            }
            let grown = bits.grown(radius, &mut Growth::default());
            let [rows, columns] = bits.size();
            for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                prop_assert_eq!(bits.is_near(row, column, radius), grown.has(row, column), "{} {}", row, column);
            }
        }
    }
}
