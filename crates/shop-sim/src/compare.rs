//! Two programs against each other, by the path and not by the text: what moved, changed, came or went.
//!
//! A *run* is one connected piece of work: a contour cut, a road laid. Runs of the two programs are paired, each with
//! the first that will do: the same path in the same place, whatever its start, direction and vertices; the same path
//! elsewhere (*moved*); another path about there (*changed*, by its largest distance). The rest was *removed* or
//! *added*. Pairs are looked for in cells of a grid, so that the cost grows with the runs and not with their square.

use crate::motion::{Event, Kind, Move, Place, State, in_work, step};
use crate::piece::Piece;
use shop_cam::canon::Command;
use shop_cam::chords::Chords;
use shop_cam::machine::{Machine, MachineKind};
use shop_geom::Point;
use std::collections::BTreeMap;

/// The work of one program, run by run.
pub struct Tracks<'a> {
    machine: &'a Machine,
    state: State,
    inner: Inner,
    ended: bool,
}

struct Inner {
    runs: Vec<Run>,
    points: Vec<[f64; 3]>,
    travel: f64,
    open: bool,
    chords: Chords,
    /// There was no room for more: what follows is missing.
    full: bool,
    /// Every move at the feed is work, wherever it is.
    every_feed: bool,
}

/// One connected piece of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// 1-based lines from which it comes.
    pub lines: [u32; 2],
    /// Length, mm.
    pub length: f64,
    /// Feed at its beginning, mm/min.
    pub feed: f64,
    /// Tool, or extruder.
    pub tool: u32,
    /// Corners of the box round it.
    pub bounds: [[f64; 3]; 2],
    /// Mean of its points, weighted by length.
    pub middle: [f64; 3],
    from: u32,
    to: u32,
}

/// Two runs that belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Index of the run in the first program.
    pub a: u32,
    /// Index of the run in the second program.
    pub b: u32,
    /// How far it moved, mm.
    pub shift: [f64; 3],
    /// Largest distance between the two paths, after the shift of moved ones, mm.
    pub distance: f64,
}

/// What differs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Runs that are where they were.
    pub same: Vec<Pair>,
    /// The same path elsewhere.
    pub moved: Vec<Pair>,
    /// Another path about there.
    pub changed: Vec<Pair>,
    /// Runs of the first program that are gone.
    pub removed: Vec<u32>,
    /// Runs of the second program that are new.
    pub added: Vec<u32>,
    /// Runs that stayed where they were and come in another order.
    pub reordered: u32,
    /// Runs that stayed where they were and have another feed.
    pub feeds: u32,
    /// Runs that stayed where they were and have another tool.
    pub tools: u32,
    /// Length of travel in both programs, mm.
    pub travel: [f64; 2],
}

impl Comparison {
    /// True when nothing differs: path, order, feeds and tools.
    pub fn is_same(&self) -> bool {
        self.moved.is_empty()
            && self.changed.is_empty()
            && self.removed.is_empty()
            && self.added.is_empty()
            && self.reordered == 0
            && self.feeds == 0
            && self.tools == 0
    }
}

/// Chords of arcs, mm.
const CHORD_TOLERANCE: f64 = 0.001;

impl<'a> Tracks<'a> {
    /// Returns the work of an empty program on this machine.
    pub fn new(machine: &'a Machine) -> Self {
        let start = [0.0, 0.0, machine.process.safe_height.max(0.0)];
        let inner = Inner {
            runs: Vec::new(),
            points: Vec::new(),
            travel: 0.0,
            open: false,
            chords: Chords::of(0),
            full: false,
            every_feed: false,
        };
        Tracks { machine, state: State::new(start), inner, ended: false }
    }

    /// Says how many bytes the program has: so finely its arcs may be divided in all ([`Chords`]).
    #[must_use]
    pub fn of_bytes(mut self, bytes: usize) -> Self {
        self.state.chords = Chords::of(bytes as u64);
        self.inner.chords = self.state.chords;
        self
    }

    /// Takes every move at the feed for work: for programs whose zero is not the top of the stock.
    #[must_use]
    pub fn of_every_feed(mut self) -> Self {
        self.inner.every_feed = true;
        self
    }

    /// Adds one command of a line.
    pub fn command(&mut self, command: &Command, line: u32) {
        if self.ended || self.inner.full {
            return;
        }
        let (inner, machine) = (&mut self.inner, self.machine);
        step(&mut self.state, Place { section: 0, line }, command, &mut |state, place, event| {
            if let Event::Move(m) = event {
                inner.add(machine, state, &m, place.line);
            }
        });
        self.ended = *command == Command::End;
    }

    /// Returns the runs, in order.
    pub fn runs(&self) -> &[Run] {
        &self.inner.runs
    }

    /// True when all work is in it; a few lines that loop over millions of large arcs are cut short.
    pub fn is_whole(&self) -> bool {
        !self.inner.full
    }

    fn path(&self, run: u32) -> &[[f64; 3]] {
        let r = &self.inner.runs[run as usize];
        &self.inner.points[r.from as usize..r.to as usize]
    }
}

impl Inner {
    fn add(&mut self, machine: &Machine, state: &State, m: &Move, line: u32) {
        // What follows would be compared with something coarse.
        self.full |= state.chords.refused();
        if self.full {
            return;
        }
        // A move to where the tool stands is none, and does not end a run.
        let arc = matches!(m.kind, Kind::Arc { .. });
        if m.from == m.to && !arc {
            return;
        }
        let printer = machine.printer.is_some();
        let work = if self.every_feed {
            m.kind != Kind::Rapid
        } else if printer {
            m.e > 0.0 && m.kind != Kind::Rapid
        } else {
            m.kind != Kind::Rapid && in_work(machine.kind, 0.0, state, m).is_some()
        };
        if !work || self.points.len() >= u32::MAX as usize - 4096 {
            self.open = false;
            self.travel += gap(&m.from, &m.to);
            return;
        }
        // Only what is below the top of the stock counts, however the way there is divided.
        let clip = !self.every_feed && matches!(machine.kind, MachineKind::Router | MachineKind::Knife);
        let mut from = m.from;
        if let Kind::Arc { center, counter_clockwise } = m.kind {
            let (a, b) = (Point::new(m.from[0], m.from[1]), Point::new(m.to[0], m.to[1]));
            let piece = Piece::arc(a, b, center, counter_clockwise);
            let share = (CHORD_TOLERANCE / piece.radius.max(2.0 * CHORD_TOLERANCE)).clamp(0.0, 1.0);
            let n = (piece.sweep.abs() / (2.0 * (1.0 - share).acos())).ceil().clamp(1.0, 720.0) as u32;
            self.chords.take(n, 1);
            self.full |= self.chords.refused();
            if self.full {
                return;
            }
            for i in 1..n {
                let t = f64::from(i) / f64::from(n);
                let p = piece.at(t);
                let to = [p.x, p.y, m.from[2] + (m.to[2] - m.from[2]) * t];
                self.piece(from, to, clip, state, line);
                from = to;
            }
        }
        self.piece(from, m.to, clip, state, line);
    }

    /// Adds a straight piece of work, or what of it is below the top.
    fn piece(&mut self, mut from: [f64; 3], mut to: [f64; 3], clip: bool, state: &State, line: u32) {
        if clip && (from[2] > 0.0 || to[2] > 0.0) {
            if from[2] >= 0.0 && to[2] >= 0.0 {
                self.open = false;
                return;
            }
            let t = from[2] / (from[2] - to[2]);
            let top = [from[0] + (to[0] - from[0]) * t, from[1] + (to[1] - from[1]) * t, 0.0];
            if from[2] > 0.0 {
                from = top;
                self.open = false;
            } else {
                to = top;
            }
        }
        if !self.open {
            self.open = true;
            let at = self.points.len() as u32;
            self.points.push(from);
            self.runs.push(Run {
                lines: [line; 2],
                length: 0.0,
                feed: state.feed.unwrap_or(0.0),
                tool: state.tool,
                bounds: [from; 2],
                middle: [0.0; 3],
                from: at,
                to: at + 1,
            });
        }
        self.reach(to);
        if let Some(run) = self.runs.last_mut() {
            run.lines[1] = line;
        }
    }

    fn reach(&mut self, to: [f64; 3]) {
        let Some(run) = self.runs.last_mut() else { return };
        let from = self.points[self.points.len() - 1];
        let d = gap(&from, &to);
        // The mean is kept as it grows, so that no second pass is needed.
        if d > 0.0 {
            let share = d / (run.length + d);
            for k in 0..3 {
                run.middle[k] += (0.5 * (from[k] + to[k]) - run.middle[k]) * share;
                run.bounds[0][k] = run.bounds[0][k].min(to[k]);
                run.bounds[1][k] = run.bounds[1][k].max(to[k]);
            }
            run.length += d;
            self.points.push(to);
            run.to = self.points.len() as u32;
        }
    }
}

fn gap(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    (0..3).map(|k| (a[k] - b[k]) * (a[k] - b[k])).sum::<f64>().sqrt()
}

type Cell = [i64; 4];

fn cell(p: &[f64; 3], size: f64, more: i64) -> Cell {
    let at = |v: f64| (v / size).floor().clamp(-1e15, 1e15) as i64;
    [at(p[0]), at(p[1]), at(p[2]), more]
}

/// Runs that a pair is looked for among, at most.
const MOST_TRIED: usize = 64;

/// Runs of the second program by a place of theirs, taken out as they are paired.
struct Shelf {
    size: f64,
    cells: BTreeMap<Cell, Drawer>,
}

/// The runs of one cell, in order. Those that were taken are swept out when they are as many as the root of all, so
/// that a cell with n runs costs O(n·√n) in all however they are taken.
#[derive(Default)]
struct Drawer {
    runs: Vec<u32>,
    taken: Vec<u32>,
}

impl Shelf {
    fn new(size: f64, all: impl Iterator<Item = (u32, [f64; 3])>) -> Shelf {
        let mut cells: BTreeMap<Cell, Drawer> = BTreeMap::new();
        for (i, at) in all {
            cells.entry(cell(&at, size, 0)).or_default().runs.push(i);
        }
        Shelf { size, cells }
    }

    /// Calls `see` with runs near `at`, those of its own cell first, until it says that it has enough.
    fn near(&self, at: &[f64; 3], mut see: impl FnMut(u32) -> bool) {
        let mut tried = 0;
        for i in 0..27i64 {
            let k = (i + 13) % 27;
            let d = [k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1];
            let mut c = cell(at, self.size, 0);
            (0..3).for_each(|k| c[k] += d[k]);
            let Some(drawer) = self.cells.get(&c) else { continue };
            for run in &drawer.runs {
                if drawer.taken.binary_search(run).is_ok() {
                    continue;
                }
                tried += 1;
                if see(*run) || tried >= MOST_TRIED {
                    return;
                }
            }
        }
    }

    fn take(&mut self, run: u32, at: &[f64; 3]) {
        let Some(drawer) = self.cells.get_mut(&cell(at, self.size, 0)) else { return };
        let Err(place) = drawer.taken.binary_search(&run) else { return };
        drawer.taken.insert(place, run);
        if drawer.taken.len().pow(2) > drawer.runs.len() {
            let taken = std::mem::take(&mut drawer.taken);
            drawer.runs.retain(|r| taken.binary_search(r).is_err());
        }
    }
}

/// Compares two programs; places that differ by at most `tolerance`, mm, are the same. O(runs · log runs + points).
pub fn compare(a: &Tracks<'_>, b: &Tracks<'_>, tolerance: f64) -> Comparison {
    let mut out = Comparison { travel: [a.inner.travel, b.inner.travel], ..Comparison::default() };
    let mut left: Vec<u32> = (0..a.runs().len() as u32).collect();
    let mut free: Vec<bool> = vec![true; b.runs().len()];
    let of = |free: &[bool]| -> Vec<u32> { (0..free.len() as u32).filter(|i| free[*i as usize]).collect() };
    let tol = tolerance.max(1e-9);

    // Where it was.
    let middle = |t: &Tracks<'_>, i: u32| t.runs()[i as usize].middle;
    let all = of(&free);
    let mut shelf = Shelf::new((4.0 * tol).max(0.05), all.iter().map(|i| (*i, middle(b, *i))));
    left.retain(|&i| {
        let mut found = None;
        shelf.near(&middle(a, i), |j| {
            let alike = alike(&a.runs()[i as usize], &b.runs()[j as usize], tol, true);
            let within = Within { limit: tol, enough: tol };
            let d = if alike { distance(a.path(i), b.path(j), [0.0; 3], within) } else { f64::INFINITY };
            if d <= tol {
                found = Some((j, d));
            }
            d <= tol
        });
        let Some((j, d)) = found else { return true };
        shelf.take(j, &middle(b, j));
        free[j as usize] = false;
        out.same.push(Pair { a: i, b: j, shift: [0.0; 3], distance: d });
        false
    });

    // The same elsewhere: looked for by size, the nearest of them.
    let size = |t: &Tracks<'_>, i: u32| {
        let r = &t.runs()[i as usize];
        [r.bounds[1][0] - r.bounds[0][0], r.bounds[1][1] - r.bounds[0][1], r.length]
    };
    let all = of(&free);
    let mut shelf = Shelf::new((8.0 * tol).max(0.05), all.iter().map(|i| (*i, size(b, *i))));
    left.retain(|&i| {
        let ra = &a.runs()[i as usize];
        let mut best: Option<(f64, u32, [f64; 3], f64)> = None;
        shelf.near(&size(a, i), |j| {
            let rb = &b.runs()[j as usize];
            if alike(ra, rb, tol, false) {
                let shift = std::array::from_fn(|k| rb.middle[k] - ra.middle[k]);
                let within = Within { limit: 2.0 * tol, enough: 2.0 * tol };
                let d = distance(a.path(i), b.path(j), shift, within);
                let far = gap(&ra.middle, &rb.middle);
                if d <= 2.0 * tol && best.is_none_or(|(f, ..)| far < f) {
                    best = Some((far, j, shift, d));
                }
            }
            false
        });
        let Some((_, j, shift, distance)) = best else { return true };
        shelf.take(j, &size(b, j));
        free[j as usize] = false;
        out.moved.push(Pair { a: i, b: j, shift, distance });
        false
    });

    // Something else about there.
    let all = of(&free);
    let lengths = all.iter().map(|i| b.runs()[*i as usize].length);
    let mean = lengths.sum::<f64>() / all.len().max(1) as f64;
    let mut shelf = Shelf::new((0.25 * mean).clamp(0.5, 50.0), all.iter().map(|i| (*i, middle(b, *i))));
    left.retain(|&i| {
        let ra = &a.runs()[i as usize];
        let mut best: Option<(f64, u32)> = None;
        let reach = (0..3).map(|k| ra.bounds[1][k] - ra.bounds[0][k]).fold(0.0, f64::max);
        shelf.near(&middle(a, i), |j| {
            let rb = &b.runs()[j as usize];
            let far = gap(&ra.middle, &rb.middle);
            let ratio = ra.length / rb.length.max(1e-9);
            if far <= 0.5 * reach.max(1.0)
                && (0.5..=2.0).contains(&ratio)
                && best.is_none_or(|(f, _)| far < f)
            {
                best = Some((far, j));
            }
            false
        });
        let Some((_, j)) = best else { return true };
        let within = Within { limit: reach.max(1.0), enough: 1e-3 };
        let d = distance(a.path(i), b.path(j), [0.0; 3], within);
        if d > within.limit {
            return true;
        }
        shelf.take(j, &middle(b, j));
        free[j as usize] = false;
        out.changed.push(Pair { a: i, b: j, shift: [0.0; 3], distance: d });
        false
    });

    out.removed = left;
    out.added = of(&free);
    let order: Vec<u32> = out.same.iter().map(|p| p.b).collect();
    out.reordered = (order.len() - longest_rise(&order)) as u32;
    for p in &out.same {
        let (ra, rb) = (&a.runs()[p.a as usize], &b.runs()[p.b as usize]);
        out.feeds += u32::from((ra.feed - rb.feed).abs() > 1e-6 * ra.feed.max(1.0));
        out.tools += u32::from(ra.tool != rb.tool);
    }
    out
}

/// True when two runs may be the same path, by their boxes and lengths.
fn alike(a: &Run, b: &Run, tol: f64, in_place: bool) -> bool {
    if (a.length - b.length).abs() > 4.0 * tol + 1e-3 * a.length.max(b.length) {
        return false;
    }
    (0..3).all(|k| {
        let size = (a.bounds[1][k] - a.bounds[0][k]) - (b.bounds[1][k] - b.bounds[0][k]);
        let place = if in_place { a.bounds[0][k] - b.bounds[0][k] } else { 0.0 };
        size.abs() <= 2.0 * tol && place.abs() <= 1.001 * tol
    })
}

/// Points at which paths are compared.
const SAMPLES: usize = 64;

/// How well a distance must be known, mm.
#[derive(Clone, Copy)]
struct Within {
    /// What is farther is only known to be.
    limit: f64,
    /// What is nearer need not be told apart.
    enough: f64,
}

/// Returns the largest distance found from points of one path, shifted, to the other, both ways; as soon as it is over
/// the limit, what it is so far.
fn distance(a: &[[f64; 3]], b: &[[f64; 3]], shift: [f64; 3], within: Within) -> f64 {
    let there = one_way(a, b, shift, within);
    if there > within.limit {
        return there;
    }
    there.max(one_way(b, a, shift.map(|v| -v), within))
}

fn one_way(a: &[[f64; 3]], b: &[[f64; 3]], shift: [f64; 3], within: Within) -> f64 {
    let n = a.len();
    // Every vertex of short paths, evenly chosen ones of long paths, and the middles between.
    let every = n.div_ceil(SAMPLES).max(1);
    let mut worst = 0.0f64;
    let mut hint = 0;
    let mut see = |p: [f64; 3]| {
        let p = std::array::from_fn(|k| p[k] + shift[k]);
        worst = worst.max(nearest(&p, b, &mut hint, within.enough));
        worst
    };
    for i in (0..n).step_by(every) {
        let mut far = see(a[i]);
        if let Some(next) = a.get(i + 1) {
            far = see(std::array::from_fn(|k| 0.5 * (a[i][k] + next[k])));
        }
        if far > within.limit {
            return far;
        }
    }
    a.last().map_or(0.0, |last| see(*last))
}

/// Returns the distance from a point to a path, or a longer one that is near enough. `hint` is the piece that was nearest
/// the last time: paths that go alike are followed from there, and searched whole only when that is far.
fn nearest(p: &[f64; 3], path: &[[f64; 3]], hint: &mut usize, enough: f64) -> f64 {
    let mut best = f64::INFINITY;
    let look = |range: std::ops::Range<usize>, best: &mut f64, hint: &mut usize| {
        for i in range {
            let d = to_piece(p, &path[i], path.get(i + 1).unwrap_or(&path[i]));
            if d < *best {
                (*best, *hint) = (d, i);
            }
        }
    };
    let from = hint.saturating_sub(2);
    let to = (*hint + path.len() / SAMPLES + 8).min(path.len());
    look(from..to, &mut best, hint);
    if best > enough {
        look(0..path.len(), &mut best, hint);
    }
    best
}

fn to_piece(p: &[f64; 3], a: &[f64; 3], b: &[f64; 3]) -> f64 {
    let d: [f64; 3] = std::array::from_fn(|k| b[k] - a[k]);
    let squared: f64 = d.iter().map(|v| v * v).sum();
    let along: f64 = (0..3).map(|k| (p[k] - a[k]) * d[k]).sum();
    let t = if squared > 0.0 { (along / squared).clamp(0.0, 1.0) } else { 0.0 };
    gap(p, &std::array::from_fn(|k| a[k] + d[k] * t))
}

/// Returns the length of the longest rising subsequence: what kept its order.
fn longest_rise(order: &[u32]) -> usize {
    let mut ends: Vec<u32> = Vec::new();
    for v in order {
        let at = ends.partition_point(|e| e < v);
        if at == ends.len() { ends.push(*v) } else { ends[at] = *v }
    }
    ends.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::tests::grbl;
    use proptest::prelude::*;
    use shop_cam::Speed;

    type Square = (f64, f64, f64);

    /// Cuts squares with the given corner and size, at 1 mm depth.
    fn tracks<'a>(
        machine: &'a Machine,
        squares: &[Square],
        feed: f64,
        start: usize,
        split: bool,
    ) -> Tracks<'a> {
        let mut t = Tracks::new(machine);
        t.command(&Command::Feed(Speed::from_mm_per_min(feed)), 1);
        for (n, (x, y, s)) in squares.iter().enumerate() {
            let corners = [[*x, *y], [x + s, *y], [x + s, y + s], [*x, y + s]];
            let at = |i: usize, z: f64| [corners[i % 4][0], corners[i % 4][1], z];
            let line = n as u32 * 10 + 2;
            t.command(&Command::Rapid { to: at(start, 5.0) }, line);
            t.command(&Command::Rapid { to: at(start, -1.0) }, line);
            for i in 1..=4 {
                if split {
                    let (a, b) = (at(start + i - 1, -1.0), at(start + i, -1.0));
                    t.command(&Command::Line { to: std::array::from_fn(|k| 0.5 * (a[k] + b[k])) }, line);
                }
                t.command(&Command::Line { to: at(start + i, -1.0) }, line);
            }
            t.command(&Command::Rapid { to: at(start, 5.0) }, line);
        }
        t
    }

    const THREE: [Square; 3] = [(0.0, 0.0, 10.0), (30.0, 0.0, 10.0), (0.0, 40.0, 20.0)];

    #[test]
    fn the_same_path_is_the_same_whatever_its_vertices_and_start() {
        let m = grbl();
        let a = tracks(&m, &THREE, 600.0, 0, false);
        for (start, split) in [(0, false), (0, true), (2, false), (3, true)] {
            let c = compare(&a, &tracks(&m, &THREE, 600.0, start, split), 0.001);
            assert!(c.is_same(), "{start} {split}: {c:?}");
            assert_eq!(c.same.len(), 3);
        }
    }

    #[test]
    fn what_differs_is_named() {
        let m = grbl();
        let a = tracks(&m, &THREE, 600.0, 0, false);
        let moved =
            compare(&a, &tracks(&m, &[THREE[0], (33.0, 0.0, 10.0), THREE[2]], 600.0, 0, false), 0.001);
        assert_eq!((moved.same.len(), moved.moved.len(), moved.moved[0].shift[0]), (2, 1, 3.0));
        let larger =
            compare(&a, &tracks(&m, &[THREE[0], THREE[1], (0.0, 40.0, 21.0)], 600.0, 0, false), 0.001);
        assert_eq!((larger.same.len(), larger.changed.len()), (2, 1));
        assert!((larger.changed[0].distance - 2f64.sqrt()).abs() < 1e-9);
        let fewer = compare(&a, &tracks(&m, &THREE[..2], 600.0, 0, false), 0.001);
        assert_eq!((fewer.removed.as_slice(), fewer.added.len()), (&[2][..], 0));
        let turned = compare(&a, &tracks(&m, &[THREE[1], THREE[2], THREE[0]], 600.0, 0, false), 0.001);
        assert_eq!((turned.same.len(), turned.reordered), (3, 1));
        let slower = compare(&a, &tracks(&m, &THREE, 500.0, 0, false), 0.001);
        assert_eq!((slower.same.len(), slower.feeds), (3, 3));
    }

    #[test]
    fn work_that_fills_the_memory_is_cut_short_and_says_so() {
        let m = grbl();
        let arc =
            Command::Arc { to: [0.0, 0.0, -1.0], center: Point::new(90.0, 0.0), counter_clockwise: true };
        for (bytes, whole) in [(2_000_000, true), (100, false)] {
            let mut t = Tracks::new(&m).of_bytes(bytes);
            t.command(&Command::Line { to: [0.0, 0.0, -1.0] }, 1);
            (0..10_000u32).for_each(|i| t.command(&arc, i));
            assert_eq!(t.is_whole(), whole);
            assert!(t.inner.points.len() < 20_000_000);
        }
    }

    #[test]
    fn runs_on_one_place_are_paired_in_order() {
        let m = grbl();
        let same = vec![THREE[0]; 300];
        let c = compare(&tracks(&m, &same, 600.0, 0, false), &tracks(&m, &same[1..], 600.0, 0, true), 0.001);
        assert_eq!((c.same.len(), c.reordered, c.removed.as_slice()), (299, 0, &[299][..]));
    }

    proptest! {
        #[test]
        fn every_run_is_accounted_for_once(
            a in prop::collection::vec((0.0..50.0f64, 0.0..50.0f64, 1.0..9.0f64), 0..12),
            b in prop::collection::vec((0.0..50.0f64, 0.0..50.0f64, 1.0..9.0f64), 0..12),
        ) {
            let m = grbl();
            let (ta, tb) = (tracks(&m, &a, 600.0, 0, false), tracks(&m, &b, 600.0, 1, true));
            let c = compare(&ta, &tb, 0.001);
            let pairs = c.same.iter().chain(&c.moved).chain(&c.changed);
            let (mut of_a, mut of_b): (Vec<u32>, Vec<u32>) = pairs.map(|p| (p.a, p.b)).unzip();
            of_a.extend(&c.removed);
            of_b.extend(&c.added);
            of_a.sort_unstable();
            of_b.sort_unstable();
            prop_assert_eq!(of_a, (0..a.len() as u32).collect::<Vec<_>>());
            prop_assert_eq!(of_b, (0..b.len() as u32).collect::<Vec<_>>());
            let itself = compare(&ta, &ta, 0.001);
            prop_assert!(itself.is_same());
        }
    }
}
