//! Who is cut whole, who begins in a kerf that is there already, and whom the others have cut free.
//!
//! Contours inside any contour of a group come before all contours that share lines, because a neighbour's cut may
//! be the one that sets a part free. Then the sharing contours are cut in the order of the route, colour by colour or
//! row by row: whichever takes no more pierces than there are contours, begins less often on a bare edge, then less
//! often where the work is hot, takes fewer pierces and has shorter rapids:
//!
//! ```text
//!    1 → 2 → 3        1   4   2      A row is best cut along, each contour but the first an open path; of a large
//!                     5   .   6      grid half the cells, colour by colour, set the other half free: the middle
//!                     3   7   …      one here needs no cut of its own.
//! ```

use super::Shared;
use super::spans::is_corner_arc;
use crate::compensate::CutPath;
use crate::track::Track;
use shop_geom::Point;
use std::collections::BTreeMap;

/// How one contour is cut.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// All around, by one of the ways into it.
    Whole,
    /// All around, from this distance along it, where it touches a kerf.
    From(f64),
    /// Only these ranges of it; they start and end in kerfs.
    Open(Vec<(f64, f64)>),
    /// Not at all: its neighbours have cut it free.
    Done,
}

/// What common lines save.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sharing {
    /// Contours that share a line.
    pub contours: u32,
    /// Length that need not be cut, mm.
    pub length: f64,
    /// Pierces that are not needed; negative when there are more than contours.
    pub pierces: i32,
    /// Starts in a kerf that is there already.
    pub kerf_starts: u32,
}

impl Sharing {
    /// Adds what another group saves.
    pub fn add(&mut self, other: &Arranged) {
        let more = &other.sharing;
        self.contours += more.contours;
        self.length += more.length;
        self.pierces += more.pierces;
        self.kerf_starts += more.kerf_starts;
    }
}

/// Paths in order, and what their common lines save.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arranged {
    /// Path and how it is cut.
    pub turns: Vec<(u32, Turn)>,
    /// What that saves.
    pub sharing: Sharing,
}

/// Says where the work is still hot from the last pierce.
pub trait Pace {
    /// True when a pierce in `p` should wait.
    fn is_hot(&mut self, p: Point) -> bool;
    /// Notes a pierce in `p`, after a rapid of `travel` mm, and the cut of `length` mm that follows.
    fn pierced(&mut self, p: Point, travel: f64, length: f64);
}

/// Pierces need not wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unpaced;

impl Pace for Unpaced {
    fn is_hot(&mut self, _: Point) -> bool {
        false
    }

    fn pierced(&mut self, _: Point, _: f64, _: f64) {}
}

/// Corners that turn by more keep their arc, radians: the kerfs of the two sides alone would meet in a point.
const SHARPEST: f64 = 2.1;
/// Ranges shorter than this are nothing, mm.
const NOTHING: f64 = 2e-3;

/// So many contours that can be begun are looked at for the nearest.
const AHEAD: u32 = 24;

/// In which order the contours of a cluster are tried.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Along,
    ByColour,
    /// From the lowest row up, each row from the left, and nothing between two that are cut while there is a choice.
    RowByRow,
}

/// What is given.
struct Job<'a> {
    shared: &'a Shared,
    paths: &'a [CutPath],
    /// Returns where a path is entered and left when it is cut whole with a lead.
    lead: &'a dyn Fn(u32) -> Option<(Point, Point)>,
}

/// What has been cut so far.
#[derive(Clone)]
struct State {
    /// Paths cut free; true: cut whole.
    cut: BTreeMap<u32, bool>,
    at: Point,
    out: Arranged,
    bare: u32,
    hot: u32,
    travel: f64,
}

impl Shared {
    /// Arranges the paths of one group, given in the order of the route. `lead` returns where a path is entered and
    /// left when it is cut whole with a lead, if it can be. `at` is where the tool is. Near-linear for grids.
    pub fn arrange<P: Pace + Clone>(
        &self,
        paths: &[CutPath],
        members: &[u32],
        lead: &dyn Fn(u32) -> Option<(Point, Point)>,
        at: Point,
        pace: &mut P,
    ) -> Arranged {
        let job = Job { shared: self, paths, lead };
        let out = Arranged::default();
        let mut state = State { cut: BTreeMap::new(), at, out, bare: 0, hot: 0, travel: 0.0 };
        for (cluster, list) in self.levels(paths, members) {
            if !cluster {
                for path in list {
                    state.take(&job, path, Turn::Whole, pace);
                }
                continue;
            }
            let run = |manner| {
                let mut pace = pace.clone();
                (job.run(state.clone(), &list, manner, &mut pace), pace)
            };
            let before = state.out.sharing.pierces;
            let cost = |s: &State| {
                let saved = s.out.sharing.pierces - before;
                ((-saved).max(0), s.bare, s.hot, -saved)
            };
            let dearer = |a: &State, b: &State| cost(a).cmp(&cost(b)).then(a.travel.total_cmp(&b.travel));
            let manners = [Manner::Along, Manner::ByColour, Manner::RowByRow].map(run);
            let best = manners.into_iter().min_by(|a, b| dearer(&a.0, &b.0));
            (state, *pace) = best.expect("there are three manners");
        }
        state.out
    }

    /// Returns the members, inner ones first: single paths, and clusters of paths that share lines (true).
    fn levels(&self, paths: &[CutPath], members: &[u32]) -> Vec<(bool, Vec<u32>)> {
        let depth = |mut i: u32| {
            let mut n = 0u32;
            while let Some(around) = paths[i as usize].before.filter(|_| n < 10_000) {
                (i, n) = (around, n + 1);
            }
            n
        };
        let mut least: BTreeMap<u32, u32> = BTreeMap::new();
        for &m in members.iter().filter(|m| self.is_shared(**m)) {
            let known = least.entry(self.cluster[m as usize]).or_insert(u32::MAX);
            *known = (*known).min(depth(m));
        }
        let mut levels: BTreeMap<(std::cmp::Reverse<u32>, Option<u32>), Vec<u32>> = BTreeMap::new();
        for &m in members {
            let cluster = Some(self.cluster[m as usize]).filter(|_| self.is_shared(m));
            let level = cluster.map_or_else(|| depth(m), |c| least[&c]);
            levels.entry((std::cmp::Reverse(level), cluster)).or_default().push(m);
        }
        levels.into_iter().map(|((_, cluster), list)| (cluster.is_some(), list)).collect()
    }

    /// Returns what is left of a path when its neighbours in `cut` are cut; none when nothing of it has been.
    fn left_of(&self, path: u32, track: &Track, cut: &BTreeMap<u32, bool>) -> Option<Vec<(f64, f64)>> {
        let length = track.length();
        let mut covered: Vec<(f64, f64)> = Vec::new();
        for span in self.spans[path as usize].iter().filter(|s| cut.contains_key(&s.other)) {
            covered.push((span.from, span.to.min(length)));
            if span.to > length {
                covered.push((0.0, span.to - length));
            }
        }
        if covered.is_empty() {
            return None;
        }
        covered.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut left, mut reach) = (Vec::new(), 0.0f64);
        for (from, to) in covered {
            if from > reach + NOTHING {
                left.push((reach, from));
            }
            reach = reach.max(to);
        }
        if length > reach + NOTHING {
            left.push((reach, length));
        }
        // What is left before the start and after it is one.
        if left.len() > 1 && left[0].0 == 0.0 && left.last().is_some_and(|l| l.1 == length) {
            let first = left.remove(0);
            if let Some(last) = left.last_mut() {
                last.1 = length + first.1;
            }
        }
        left.retain(|&range| !self.is_needless(track, range));
        let more = self.distance;
        Some(left.into_iter().map(|(a, b)| (a - more, b + more)).collect())
    }

    /// True for an arc about a corner whose sides are both cut: their kerfs meet in it already, all around.
    fn is_needless(&self, track: &Track, (from, to): (f64, f64)) -> bool {
        let mut pieces = Vec::new();
        track.run(from + NOTHING / 2.0, to - NOTHING / 2.0, |s| pieces.push(s));
        let turn = |s: &shop_geom::Segment| match s {
            shop_geom::Segment::Arc(a) => a.sweep.abs(),
            shop_geom::Segment::Line(_) => 0.0,
        };
        let corner =
            |s: &shop_geom::Segment| is_corner_arc(s, self.distance, self.side) && turn(s) <= SHARPEST;
        match pieces.as_slice() {
            [] => true,
            [one] => corner(one),
            _ => false,
        }
    }
}

impl Job<'_> {
    fn track(&self, path: u32) -> &Track {
        &self.paths[path as usize].track
    }

    /// Returns how a path would be cut now, where it is entered, and whether that is on a bare edge.
    fn turn(&self, path: u32, cut: &BTreeMap<u32, bool>) -> (Turn, Option<Point>, bool) {
        let track = self.track(path);
        if let Some(left) = self.shared.left_of(path, track, cut) {
            let entry = left.first().map(|r| track.point(r.0));
            return (if left.is_empty() { Turn::Done } else { Turn::Open(left) }, entry, false);
        }
        if let Some((enter, _)) = (self.lead)(path) {
            return (Turn::Whole, Some(enter), false);
        }
        let touch = self.shared.touches[path as usize].iter().find(|t| cut.get(&t.1) == Some(&true));
        match touch {
            Some(&(s, _)) => (Turn::From(s), Some(track.point(s)), false),
            None => (Turn::Whole, Some(track.point(0.0)), true),
        }
    }

    fn run(&self, mut state: State, members: &[u32], manner: Manner, pace: &mut dyn Pace) -> State {
        let mut waiting: BTreeMap<u32, u32> = BTreeMap::new();
        for before in members.iter().filter_map(|m| self.paths[*m as usize].before) {
            *waiting.entry(before).or_default() += 1;
        }
        let mut pending = members.to_vec();
        match manner {
            Manner::Along => {}
            Manner::ByColour => pending.sort_by_key(|m| self.shared.colour[*m as usize]),
            Manner::RowByRow => pending.sort_by(|a, b| {
                let [a, b] = [a, b].map(|m| self.track(*m).point(0.0));
                a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x))
            }),
        }
        while !pending.is_empty() {
            let next = self.next(&pending, manner, &state, &waiting, pace);
            let path = pending.remove(next);
            let (turn, entry, bare) = self.turn(path, &state.cut);
            state.bare += u32::from(bare);
            state.hot += u32::from(entry.is_some_and(|p| pace.is_hot(p)));
            state.take(self, path, turn, pace);
            if let Some(n) = self.paths[path as usize].before.and_then(|b| waiting.get_mut(&b)) {
                *n = n.saturating_sub(1);
            }
        }
        state
    }

    /// Returns the place of the next path among those pending: the nearest of the first few that can be begun, or the
    /// first of them row by row; if there is none, one where the work is hot, then one with a bare edge.
    fn next(
        &self,
        pending: &[u32],
        manner: Manner,
        state: &State,
        waiting: &BTreeMap<u32, u32>,
        pace: &mut dyn Pace,
    ) -> usize {
        let mut best: Option<((bool, bool, bool), f64, usize)> = None;
        let mut seen = 0;
        let colour = |i: usize| self.shared.colour[pending[i] as usize];
        for (i, &path) in pending.iter().enumerate() {
            if waiting.get(&path).is_some_and(|n| *n > 0) {
                continue;
            }
            let good = |key: (bool, bool, bool)| !key.0 && !key.2;
            if manner == Manner::ByColour && best.is_some_and(|b| good(b.0) && colour(b.2) != colour(i)) {
                break;
            }
            let (turn, entry, bare) = self.turn(path, &state.cut);
            let rows = manner == Manner::RowByRow;
            let split = rows && matches!(&turn, Turn::Open(ranges) if ranges.len() > 1);
            // Going round what is hot is what leaves one between two that are cut.
            let hot = !rows && entry.is_some_and(|p| pace.is_hot(p));
            let far = entry.filter(|_| !rows).map_or(0.0, |p| (p - state.at).norm());
            let key = (bare, split, hot);
            if best.is_none_or(|b| key.cmp(&b.0).then(far.total_cmp(&b.1)).is_lt()) {
                best = Some((key, far, i));
            }
            seen += u32::from(!bare && !split && !hot);
            if seen == AHEAD {
                break;
            }
        }
        best.map_or(0, |b| b.2)
    }
}

impl State {
    fn take(&mut self, job: &Job<'_>, path: u32, turn: Turn, pace: &mut dyn Pace) {
        let track = job.track(path);
        let length = track.length();
        let mut go = |enter: Point, leave: Point, length: f64| {
            let travel = (enter - self.at).norm();
            self.travel += travel;
            self.at = leave;
            pace.pierced(enter, travel, length);
        };
        let (mut passes, mut cut) = (1, length);
        match &turn {
            Turn::Whole => {
                let (enter, leave) = (job.lead)(path).unwrap_or((track.point(0.0), track.point(0.0)));
                go(enter, leave, length);
            }
            Turn::From(s) => go(track.point(*s), track.point(*s), length),
            Turn::Open(ranges) => {
                cut = 0.0;
                for &(a, b) in ranges {
                    cut += b - a;
                    go(track.point(a), track.point(b), b - a);
                }
                passes = ranges.len();
            }
            Turn::Done => (passes, cut) = (0, 0.0),
        }
        if job.shared.is_shared(path) {
            let sharing = &mut self.out.sharing;
            sharing.contours += 1;
            sharing.length += length - cut;
            sharing.pierces += 1 - passes as i32;
            sharing.kerf_starts += match &turn {
                Turn::Whole => 0,
                _ => passes as u32,
            };
        }
        self.cut.insert(path, matches!(turn, Turn::Whole | Turn::From(_)));
        self.out.turns.push((path, turn));
    }
}
