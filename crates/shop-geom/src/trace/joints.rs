//! Which ends belong together: nearest first, and where more than two meet, all of them at one junction.
//!
//! The radius grows in steps, from ends that coincide to ends the tolerance apart. What finds a partner at a small
//! radius is out of the game at the next, so the result is that of joining globally nearest pairs first, but the
//! number of pairs looked at stays linear even when pieces are much shorter than the tolerance: at any step no two
//! free ends are nearer than the step before, apart from the few that may not be joined.
//!
//! An end is `2·piece` (the start) or `2·piece + 1` (the end).

use super::Piece;
use crate::cells::Cells;
use crate::{Point, Vector};

/// No end, no junction.
pub(super) const NONE: u32 = u32::MAX;

/// Ends nearer than this coincide: their distance is rounding, no jog is needed, mm.
pub(super) const SNAP: f64 = 1e-9;

/// A chain whose ends are to be joined must be this many times as long as the gap, or the join would fold a short
/// straight piece onto itself. A triangle closed over a missing tip has about 3.
pub(super) const LOOP_RATIO: f64 = 3.0;

/// What meets what.
pub(super) struct Joints {
    /// The only other end that meets this one.
    pub partner: Vec<u32>,
    /// The junction that this end belongs to.
    pub junction: Vec<u32>,
    /// The ends at each junction, ascending.
    pub junctions: Vec<Vec<u32>>,
}

/// A free end, or a junction with an odd number of ends, which can take one more.
#[derive(Clone, Copy)]
struct Free {
    at: Point,
    end: u32,
    junction: u32,
}

/// Finds out which ends of `pieces` meet within `tolerance`.
pub(super) fn joints(pieces: &[Piece<'_>], tolerance: f64) -> Joints {
    let ends: Vec<Point> = pieces.iter().flat_map(|p| [p.start(), p.end()]).collect();
    let mut work = Work {
        pieces,
        joints: Joints {
            partner: vec![NONE; ends.len()],
            junction: vec![NONE; ends.len()],
            junctions: Vec::new(),
        },
        ends,
    };
    work.coincident();
    let mut free = work.free();
    for radius in radii(tolerance) {
        if free.is_empty() {
            break;
        }
        free = work.step(&free, radius);
    }
    work.latecomers(tolerance);
    for ends in &mut work.joints.junctions {
        ends.sort_unstable();
    }
    work.joints
}

/// The steps of the radius: drawings meet to rounding (1e-9), to what was written in the file (1e-6 and 1e-4), or
/// by hand; a factor of four between steps bounds the neighbours of a free end.
fn radii(tolerance: f64) -> impl Iterator<Item = f64> {
    let all = [1e-6, 1e-5, 1e-4, tolerance / 64.0, tolerance / 16.0, tolerance / 4.0, tolerance];
    let mut last = 0.0;
    all.into_iter().filter(move |&r| {
        let use_it = r > last && r <= tolerance;
        if use_it {
            last = r;
        }
        use_it
    })
}

struct Work<'a> {
    pieces: &'a [Piece<'a>],
    ends: Vec<Point>,
    joints: Joints,
}

impl Work<'_> {
    /// Joins ends that coincide. Nearly all of a clean drawing is done here, in one pass over the buckets.
    fn coincident(&mut self) {
        let cells = Cells::of_points(self.ends.iter().copied(), self.spacing(), SNAP);
        let mut groups = UnionFind::default();
        for bucket in 0..cells.buckets() {
            let entries = cells.bucket(bucket);
            match entries {
                [] | [_] => {}
                [a, b] => {
                    if a.tag == b.tag && self.coincide(a.item, b.item) {
                        groups.note(a.item, b.item);
                    }
                }
                many => {
                    for (i, a) in many.iter().enumerate() {
                        // Linking to the next equal one is enough: coincidence is all but transitive here.
                        let next = many[i + 1..].iter();
                        let mut next = next.filter(|b| b.tag == a.tag && self.coincide(a.item, b.item));
                        if let Some(b) = next.next() {
                            groups.note(a.item, b.item);
                        }
                    }
                }
            }
        }
        self.settle_coincident(groups);
    }

    /// Returns a cell size for all ends: a fraction of the typical piece, so that a cell holds about one place of
    /// the drawing. From a sample with a fixed stride, hence always the same.
    fn spacing(&self) -> f64 {
        let stride = self.pieces.len() / 1024 + 1;
        let mut chords: Vec<f64> =
            (self.ends.chunks_exact(2)).step_by(stride).map(|e| (e[1] - e[0]).amax()).collect();
        let middle = chords.len() / 2;
        if chords.is_empty() {
            return 1.0;
        }
        let (_, median, _) = chords.select_nth_unstable_by(middle, f64::total_cmp);
        (0.25 * *median).max(1e-6)
    }

    fn coincide(&self, a: u32, b: u32) -> bool {
        let (p, q) = (self.ends[a as usize], self.ends[b as usize]);
        a != b && (p.x - q.x).abs() <= SNAP && (p.y - q.y).abs() <= SNAP
    }

    /// Makes pairs of what coincides, and junctions where there are more than two.
    fn settle_coincident(&mut self, mut groups: UnionFind) {
        let partner = &mut self.joints.partner;
        let mut crowded: Vec<(u32, u32)> = Vec::new();
        for &(a, b) in &groups.links {
            let (pa, pb) = (partner[a as usize], partner[b as usize]);
            if pa == NONE && pb == NONE {
                partner[a as usize] = b;
                partner[b as usize] = a;
            } else if pa != b {
                crowded.push((a, b));
            }
        }
        if crowded.is_empty() {
            return;
        }
        groups.reset(self.ends.len());
        for &(a, b) in &crowded {
            for e in [a, b] {
                let p = partner[e as usize];
                if p != NONE {
                    groups.unite(e, p);
                }
            }
            groups.unite(a, b);
        }
        let mut members: Vec<(u32, u32)> = Vec::new();
        for &(a, b) in &crowded {
            for e in [a, b, partner[a as usize], partner[b as usize]] {
                if e != NONE {
                    members.push((groups.find(e), e));
                }
            }
        }
        members.sort_unstable();
        members.dedup();
        for group in members.chunk_by(|m, n| m.0 == n.0) {
            self.make_junction(group.iter().map(|m| m.1).collect());
        }
    }

    fn make_junction(&mut self, ends: Vec<u32>) {
        let id = self.joints.junctions.len() as u32;
        for &e in &ends {
            self.joints.partner[e as usize] = NONE;
            self.joints.junction[e as usize] = id;
        }
        self.joints.junctions.push(ends);
    }

    fn free(&self) -> Vec<Free> {
        let lonely = (0..self.ends.len() as u32).filter(|&e| self.is_free(e)).map(|e| Free {
            at: self.ends[e as usize],
            end: e,
            junction: NONE,
        });
        let odd = self.joints.junctions.iter().enumerate().filter(|(_, ends)| ends.len() % 2 == 1);
        lonely
            .chain(odd.map(|(id, ends)| Free {
                at: self.ends[ends[0] as usize],
                end: NONE,
                junction: id as u32,
            }))
            .collect()
    }

    fn is_free(&self, e: u32) -> bool {
        self.joints.partner[e as usize] == NONE && self.joints.junction[e as usize] == NONE
    }

    /// Joins what is free within `radius` and returns what stays free.
    fn step(&mut self, free: &[Free], radius: f64) -> Vec<Free> {
        let cells = Cells::of_points(free.iter().map(|f| f.at), 2.0 * radius, 0.0);
        let mut pairs: Vec<(f64, u32, u32)> = Vec::new();
        for (i, f) in free.iter().enumerate() {
            cells.visit_near(f.at, radius, |k| {
                let d = (free[k as usize].at - f.at).norm();
                if (k as usize) > i && d <= radius && self.may_join(f, &free[k as usize], d) {
                    pairs.push((d, i as u32, k));
                }
            });
        }
        if pairs.is_empty() {
            return free.to_vec();
        }
        pairs.sort_unstable_by(|p, q| p.0.total_cmp(&q.0).then((p.1, p.2).cmp(&(q.1, q.2))));
        let mut used = vec![false; free.len()];
        self.settle(free, &pairs, radius, &mut used);
        let mut left: Vec<Free> = (free.iter().zip(&used)).filter(|(_, u)| !**u).map(|(f, _)| *f).collect();
        // A junction that took an end, or a new one, may be odd now.
        for (f, _) in free.iter().zip(&used).filter(|(f, u)| **u && f.junction == NONE) {
            let id = self.joints.junction[f.end as usize];
            if id != NONE
                && self.joints.junctions[id as usize].len() % 2 == 1
                && self.joints.junctions[id as usize][0] == f.end
            {
                left.push(Free { at: f.at, end: NONE, junction: id });
            }
        }
        left
    }

    /// Settles the groups that `pairs` (nearest first) make of the free ends.
    fn settle(&mut self, free: &[Free], pairs: &[(f64, u32, u32)], radius: f64, used: &mut [bool]) {
        let mut groups = UnionFind::default();
        groups.reset(free.len());
        for &(_, i, k) in pairs {
            groups.unite(i, k);
        }
        let mut members: Vec<(u32, u32)> =
            (pairs.iter().flat_map(|p| [p.1, p.2])).map(|i| (groups.find(i), i)).collect();
        members.sort_unstable();
        members.dedup();
        // Groups with a choice that is not one place: their pairs are taken nearest first instead.
        let mut spread = vec![false; free.len()];
        for group in members.chunk_by(|m, n| m.0 == n.0) {
            match *group {
                [(_, i), (_, k)] => {
                    self.join(&free[i as usize], &free[k as usize]);
                    used[i as usize] = true;
                    used[k as usize] = true;
                }
                _ if self.is_one_place(free, group, radius) => {
                    let mut ends = Vec::new();
                    for &(_, i) in group {
                        self.take(&free[i as usize], &mut ends);
                        used[i as usize] = true;
                    }
                    self.make_junction(ends);
                }
                _ => group.iter().for_each(|&(_, i)| spread[i as usize] = true),
            }
        }
        for &(_, i, k) in pairs {
            let (i, k) = (i as usize, k as usize);
            if spread[i]
                && !used[i]
                && !used[k]
                && self.may_join(&free[i], &free[k], (free[i].at - free[k].at).norm())
            {
                self.join(&free[i], &free[k]);
                used[i] = true;
                used[k] = true;
            }
        }
    }

    /// True when all free ends of a group are within `radius` of each other and may be joined.
    fn is_one_place(&self, free: &[Free], group: &[(u32, u32)], radius: f64) -> bool {
        // Larger crowds within one radius are hatches of fine pieces, not corners.
        group.len() <= 16
            && group.iter().enumerate().all(|(n, &(_, i))| {
                group[n + 1..].iter().all(|&(_, k)| {
                    let (f, g) = (&free[i as usize], &free[k as usize]);
                    let d = (f.at - g.at).norm();
                    d <= radius && self.may_join(f, g, d)
                })
            })
    }

    fn join(&mut self, f: &Free, g: &Free) {
        if f.junction == NONE && g.junction == NONE {
            self.joints.partner[f.end as usize] = g.end;
            self.joints.partner[g.end as usize] = f.end;
        } else {
            let mut ends = Vec::new();
            self.take(f, &mut ends);
            self.take(g, &mut ends);
            self.make_junction(ends);
        }
    }

    /// Moves the ends that `f` stands for to `ends`; its junction is left empty.
    fn take(&mut self, f: &Free, ends: &mut Vec<u32>) {
        if f.junction == NONE {
            ends.push(f.end);
        } else {
            ends.append(&mut self.joints.junctions[f.junction as usize]);
        }
    }

    /// False when joining would fold a short chain onto itself.
    fn may_join(&self, f: &Free, g: &Free, gap: f64) -> bool {
        if f.junction != NONE || g.junction != NONE {
            return true;
        }
        self.length_between(f.end, g.end, LOOP_RATIO * gap).is_none_or(|l| l > LOOP_RATIO * gap)
    }

    /// Returns the length of the chain from `from` to `to`, both its ends; `None` when they belong to different
    /// chains or it is longer than `most`.
    fn length_between(&self, from: u32, to: u32, most: f64) -> Option<f64> {
        let (mut e, mut length) = (from, 0.0);
        loop {
            length += self.pieces[e as usize / 2].length();
            if length > most {
                return None;
            }
            let out = e ^ 1;
            if out == to {
                return Some(length);
            }
            e = self.joints.partner[out as usize];
            if e == NONE || e == from {
                return None;
            }
        }
    }

    /// Ends that stay alone although others met within their reach: the place was a choice, so they join it as a
    /// junction, and the walk may choose again.
    fn latecomers(&mut self, tolerance: f64) {
        let alone: Vec<u32> = (0..self.ends.len() as u32).filter(|&e| self.is_free(e)).collect();
        if alone.is_empty() {
            return;
        }
        let cells = Cells::of_points(alone.iter().map(|&e| self.ends[e as usize]), 2.0 * tolerance, 0.0);
        let mut nearest: Vec<(f64, u32)> = vec![(f64::INFINITY, NONE); alone.len()];
        for (e, p) in self.ends.iter().enumerate() {
            if self.is_free(e as u32) {
                continue;
            }
            cells.visit_near(*p, tolerance, |k| {
                let d = (self.ends[alone[k as usize] as usize] - p).norm();
                if d <= tolerance && (d, e as u32) < nearest[k as usize] {
                    nearest[k as usize] = (d, e as u32);
                }
            });
        }
        for (&e, &(_, other)) in alone.iter().zip(&nearest) {
            if other != NONE && !self.is_near_along(e, other, 4.0 * tolerance) {
                self.add_to_place(e, other);
            }
        }
    }

    /// True when the place of `other` is on the chain of `e`, less than `most` away.
    fn is_near_along(&self, e: u32, other: u32, most: f64) -> bool {
        let (mut at, mut length) = (e, 0.0);
        while length <= most {
            length += self.pieces[at as usize / 2].length();
            let out = at ^ 1;
            let next = self.joints.partner[out as usize];
            let same_junction = self.joints.junction[out as usize] != NONE
                && self.joints.junction[out as usize] == self.joints.junction[other as usize];
            if length <= most && (out == other || next == other || same_junction) {
                return true;
            }
            if next == NONE || next == e {
                return false;
            }
            at = next;
        }
        false
    }

    fn add_to_place(&mut self, e: u32, other: u32) {
        let id = self.joints.junction[other as usize];
        if id == NONE {
            let partner = self.joints.partner[other as usize];
            self.make_junction(vec![e, other, partner]);
        } else {
            self.joints.junctions[id as usize].push(e);
            self.joints.junction[e as usize] = id;
        }
    }
}

/// Returns the unit direction in which a piece leaves its end `e`, towards its inside.
pub(super) fn departure(pieces: &[Piece<'_>], e: u32) -> Vector {
    let polyline = pieces[e as usize / 2].polyline();
    let n = polyline.segment_count();
    // The first piece with a length says where it goes.
    let from_start = |i: usize| polyline.segment(i).direction_at(0.0);
    let from_end = |i: usize| -polyline.segment(n - 1 - i).direction_at(1.0);
    for i in 0..n {
        let d = if e.is_multiple_of(2) { from_start(i) } else { from_end(i) };
        if d != Vector::zeros() {
            return d;
        }
    }
    Vector::zeros()
}

/// Disjoint sets by union to the smaller index, with path halving.
#[derive(Default)]
pub(super) struct UnionFind {
    parent: Vec<u32>,
    links: Vec<(u32, u32)>,
}

impl UnionFind {
    /// Notes a link for later.
    fn note(&mut self, a: u32, b: u32) {
        self.links.push((a, b));
    }

    fn reset(&mut self, n: usize) {
        self.parent = (0..n as u32).collect();
    }

    fn find(&mut self, mut i: u32) -> u32 {
        while self.parent[i as usize] != i {
            let up = self.parent[self.parent[i as usize] as usize];
            self.parent[i as usize] = up;
            i = up;
        }
        i
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }
}
