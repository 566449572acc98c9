//! Middle lines of narrow regions, and how wide the region is along them.
//!
//! The one idea: triangles of a Delaunay triangulation that respects the contours lie across a narrow region like rungs
//! of a ladder. Edges within the region (**chords**) have their middles near the middle line, and which triangles have
//! one, two or three of them tells where lines end, go on and fork (the chordal axis transform: Prasad, *Rectification of
//! the chordal axis transform*, 1997). Chords are only how lines are found: their places are then moved until both sides
//! are equally far, so that contours need few corners.
//!
//! ```text
//!   ●───────●───────●       one chord: an end       ╱╲
//!   │ ╲  ·  │ ╲  ·  │       two: the line goes on   three: a fork
//!   │  · ╲  │  · ╲  │
//!   ●───────●───────●       · nodes: the middle, and half the width there
//! ```
//!
//! Every corner of a region has a line of its own that leads into it. Those that add little beyond the disc in which
//! they begin are **pruned**: the ends of a strip come out as the middle of the last disc that fits.

mod mesh;

use crate::planar::{Contours, PER_MM};
use crate::{Point, Vector, cross};
use mesh::{Mesh, Side};

/// A place on a middle line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Where it is, mm.
    pub center: Point,
    /// Half the width of the region there, mm.
    pub radius: f64,
}

/// One middle line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its nodes are `nodes[start..end]`.
    pub start: usize,
    /// See `start`.
    pub end: usize,
    /// It returns to where it begins.
    pub closed: bool,
    /// Whether its first and its last node are ends of it, and not of another line.
    pub free: [bool; 2],
}

/// The middle lines of a region.
#[derive(Debug, Default)]
pub struct Skeleton {
    /// Places on the lines.
    pub nodes: Vec<Node>,
    /// The lines; those that meet come apart at the fork.
    pub lines: Vec<Line>,
    /// Pieces of the region that are about as long as wide: the middle of each.
    pub blobs: Vec<Node>,
}

/// Contours are cut to edges of at most this length, mm.
const STEP_MM: f64 = 0.5;
/// And into at least about so many.
const LEAST_SAMPLES: f64 = 12.0;
/// A line that leads into a corner wider than this is pruned: sine of half the corner's angle (74° in all).
const BLUNT: f64 = 0.6;
/// No triangle, no line.
const NONE: u32 = u32::MAX;

/// Chords from one fork or end to the next.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// Faces at its ends.
    faces: [u32; 2],
    /// Its nodes are `chain[start..end]`.
    start: usize,
    end: usize,
    alive: bool,
}

/// A triangle where lines end or fork.
#[derive(Clone, Copy, Debug)]
struct Fork {
    face: u32,
    node: Node,
    /// Links that meet here.
    links: [u32; 3],
    /// It is a corner of the region.
    tip: bool,
    /// And one too wide for a line to lead into it.
    blunt: bool,
    /// It lies within the disc of another.
    absorbed: bool,
}

impl Fork {
    fn alive<'a>(&'a self, links: &'a [Link]) -> impl Iterator<Item = u32> + 'a {
        self.links.iter().copied().filter(|l| *l != NONE && links[*l as usize].alive)
    }
}

/// Room for work, used again and again.
#[derive(Debug, Default)]
pub struct Skeletons {
    mesh: Mesh,
    chain: Vec<Node>,
    links: Vec<Link>,
    forks: Vec<Fork>,
    /// Which fork a face is.
    fork_of: Vec<u32>,
    seen: Vec<bool>,
}

impl Skeletons {
    /// Writes to `out` the middle lines of a region. Near n log n in corners.
    pub fn find(&mut self, region: &Contours, out: &mut Skeleton) {
        out.nodes.clear();
        out.lines.clear();
        out.blobs.clear();
        let mut mesh = std::mem::take(&mut self.mesh);
        mesh.make(region, STEP_MM * PER_MM, LEAST_SAMPLES);
        self.find_forks(&mesh, out);
        self.follow(&mesh, out);
        self.mesh = mesh;
        self.prune();
        self.join(out);
    }

    /// Lists ends and forks; a lone triangle is a blob.
    fn find_forks(&mut self, mesh: &Mesh, out: &mut Skeleton) {
        self.forks.clear();
        self.fork_of.clear();
        self.fork_of.resize(mesh.len(), NONE);
        for face in mesh.faces() {
            let sides = Side::of(face);
            let chords = sides.iter().filter(|s| !mesh.is_rim(**s)).count();
            if chords == 2 {
                continue;
            }
            let [a, b, c] = mesh.corners(face).map(|c| mesh.at(c));
            let mut blunt = false;
            let node = if chords == 1 {
                // The corner opposite the only chord.
                let chord = sides.into_iter().find(|s| !mesh.is_rim(*s));
                let corners = |s: Side| [mesh.from(s), mesh.to(s), mesh.to(s.next())].map(|c| mesh.at(c));
                let [p, q, apex] = chord.map_or([a, b, c], corners);
                let (u, v) = ((p - apex), (q - apex));
                // The sine of half the angle, from the cosine of the whole.
                let cosine = u.dot(&v) / (u.norm() * v.norm()).max(1e-18);
                blunt = 0.5 * (1.0 - cosine) > BLUNT * BLUNT;
                Node { center: apex, radius: 0.0 }
            } else if chords == 0 {
                // The disc within a triangle.
                let (la, lb, lc) = ((c - b).norm(), (a - c).norm(), (b - a).norm());
                let around = la + lb + lc;
                let center = Point::from((a.coords * la + b.coords * lb + c.coords * lc) / around);
                Node { center, radius: cross(b - a, c - a).abs() / around }
            } else {
                // The middle of the disc through its corners, which holds no other; where contours have too few corners
                // for their distance, that disc may leave the region.
                let clear = |p: Point| {
                    let far = |c| mesh.to_contour(c, p).0;
                    mesh.corners(face).into_iter().map(far).fold(f64::INFINITY, f64::min)
                };
                let middle = Point::from((a.coords + b.coords + c.coords) / 3.0);
                let good = |p: &Point| clear(*p) > 0.7 * (a - p).norm() && mesh.reaches(face, *p);
                let center = circumcenter(a, b, c).filter(good).unwrap_or(middle);
                let radius = clear(center);
                Node { center, radius }
            };
            if chords == 0 {
                out.blobs.push(node);
                continue;
            }
            self.fork_of[face as usize] = self.forks.len() as u32;
            self.forks.push(Fork { face, node, links: [NONE; 3], tip: chords == 1, blunt, absorbed: false });
        }
    }

    /// Follows chords from fork to fork; what has no fork at all is a ring.
    fn follow(&mut self, mesh: &Mesh, out: &mut Skeleton) {
        self.links.clear();
        self.chain.clear();
        self.seen.clear();
        self.seen.resize(mesh.len(), false);
        for i in 0..self.forks.len() {
            for side in Side::of(self.forks[i].face) {
                self.walk(mesh, side, i as u32);
            }
        }
        for face in mesh.faces() {
            if self.fork_of[face as usize] != NONE || self.seen[face as usize] {
                continue;
            }
            let Some(first) = Side::of(face).into_iter().find(|s| !mesh.is_rim(*s)) else {
                continue;
            };
            let start = out.nodes.len();
            let mut side = first;
            while let Some(back) = mesh.beyond(side) {
                out.nodes.push(middle(mesh, side));
                self.seen[back.face as usize] = true;
                let Some(next) = onward(mesh, back) else { break };
                side = next;
                if side == first {
                    break;
                }
            }
            out.lines.push(Line { start, end: out.nodes.len(), closed: true, free: [false; 2] });
        }
    }

    /// Follows chords from one that leaves a fork; a contour's edge leads nowhere.
    fn walk(&mut self, mesh: &Mesh, first: Side, from: u32) {
        let start = self.chain.len();
        let mut side = first;
        let (to, back) = loop {
            let Some(back) = mesh.beyond(side) else { return self.chain.truncate(start) };
            self.chain.push(middle(mesh, side));
            let fork = self.fork_of[back.face as usize];
            if fork != NONE {
                break (fork, back.index());
            }
            self.seen[back.face as usize] = true;
            let Some(next) = onward(mesh, back) else { return self.chain.truncate(start) };
            side = next;
        };
        // Every link is found from both its ends, a loop twice from the same one.
        if to < from || (to == from && back < first.index()) {
            self.chain.truncate(start);
            return;
        }
        // Within the disc in which lines meet, chords say nothing about where they lead.
        let discs = [from, to].map(|f| self.forks[f as usize].node);
        let within = |n: &Node| discs.iter().any(|d| (n.center - d.center).norm() <= d.radius);
        let mut kept = start;
        for i in start..self.chain.len() {
            if !within(&self.chain[i]) {
                self.chain[kept] = self.chain[i];
                kept += 1;
            }
        }
        self.chain.truncate(kept);
        let link = self.links.len() as u32;
        self.links.push(Link { faces: [from, to], start, end: self.chain.len(), alive: true });
        for end in [from, to] {
            if let Some(slot) = self.forks[end as usize].links.iter_mut().find(|l| **l == NONE) {
                *slot = link;
            }
        }
    }

    /// Returns how long a link is from fork to fork, mm.
    fn length(&self, link: &Link) -> f64 {
        let [a, b] = link.faces.map(|f| self.forks[f as usize].node.center);
        let mut last = a;
        let mut length = 0.0;
        for node in &self.chain[link.start..link.end] {
            length += (node.center - last).norm();
            last = node.center;
        }
        length + (b - last).norm()
    }

    /// Takes off what leads into corners, until nothing changes.
    fn prune(&mut self) {
        loop {
            let mut changed = false;
            for i in 0..self.links.len() {
                let link = self.links[i];
                if !link.alive || link.faces[0] == link.faces[1] {
                    continue;
                }
                let counts = link.faces.map(|f| self.forks[f as usize].alive(&self.links).count());
                for (end, root) in [(0, 1), (1, 0)] {
                    let (tip, fork) =
                        (self.forks[link.faces[end] as usize], self.forks[link.faces[root] as usize]);
                    // A line of its own keeps its middle.
                    let leaf = counts[end] == 1 && !fork.tip && (counts[root] > 1 || tip.tip);
                    let fall = fork.node.radius - tip.node.radius;
                    let length = self.length(&link);
                    let corner = tip.blunt && length < 2.5 * fork.node.radius;
                    if leaf && (corner || fall + 1e-3 > BLUNT * length) {
                        self.links[i].alive = false;
                        // What is left of it is the disc at its other end.
                        self.forks[link.faces[end] as usize].absorbed = true;
                        changed = true;
                        break;
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// Puts links together where two are left of a fork, and writes them out.
    fn join(&mut self, out: &mut Skeleton) {
        for i in 0..self.forks.len() {
            let fork = self.forks[i];
            let alive = fork.alive(&self.links).count();
            if alive == 0 && !fork.tip && !fork.absorbed {
                out.blobs.push(fork.node);
            }
        }
        let mut done = vec![false; self.links.len()];
        for i in 0..self.links.len() {
            if done[i] || !self.links[i].alive {
                continue;
            }
            // Back to where the line begins, then forward to its end.
            let (mut link, mut enter) = (i as u32, 0);
            let mut closed = false;
            while let Some((before, side)) = self.beyond(link, enter) {
                // `side` is where the link before touches; its other end is where it begins.
                (link, enter) = (before, 1 - side);
                if link as usize == i {
                    closed = true;
                    break;
                }
            }
            let start = out.nodes.len();
            let first_fork = self.links[link as usize].faces[enter];
            self.put_fork(first_fork, !closed, out);
            let mut free = [self.is_free(first_fork), false];
            loop {
                done[link as usize] = true;
                let Link { start, end, faces, .. } = self.links[link as usize];
                if enter == 0 {
                    out.nodes.extend_from_slice(&self.chain[start..end]);
                } else {
                    out.nodes.extend(self.chain[start..end].iter().rev());
                }
                let leave = faces[1 - enter];
                match self.beyond(link, 1 - enter) {
                    Some((next, side)) if !done[next as usize] => {
                        self.put_fork(leave, true, out);
                        (link, enter) = (next, side);
                    }
                    _ => {
                        self.put_fork(leave, true, out);
                        free[1] = self.is_free(leave);
                        break;
                    }
                }
            }
            keep(Line { start, end: out.nodes.len(), closed, free }, out);
        }
    }

    fn is_free(&self, fork: u32) -> bool {
        self.forks[fork as usize].alive(&self.links).count() == 1
    }

    fn put_fork(&self, fork: u32, wanted: bool, out: &mut Skeleton) {
        let fork = &self.forks[fork as usize];
        if wanted && !fork.blunt {
            out.nodes.push(fork.node);
        }
    }

    /// Returns the link that a line goes on with beyond an end of another, and which of its ends touches: the only other
    /// one, or of two the one that goes on straighter than the others do.
    fn beyond(&self, link: u32, end: usize) -> Option<(u32, usize)> {
        let at = self.links[link as usize].faces[end];
        let fork = &self.forks[at as usize];
        let mut arms: [(u32, usize, Vector); 3] = [(NONE, 0, Vector::zeros()); 3];
        let mut n = 0;
        for l in fork.alive(&self.links) {
            let faces = self.links[l as usize].faces;
            for side in 0..2 {
                // A loop touches with both its ends and is listed twice.
                if faces[side] == at && n < 3 && !arms[..n].iter().any(|a| (a.0, a.1) == (l, side)) {
                    arms[n] = (l, side, self.direction(l, side));
                    n += 1;
                }
            }
        }
        let me = arms[..n].iter().position(|a| (a.0, a.1) == (link, end))?;
        match n {
            2 => Some((arms[1 - me].0, arms[1 - me].1)),
            3 => {
                let bend = |a: usize, b: usize| arms[a].2.dot(&arms[b].2);
                let pairs = [(0, 1), (0, 2), (1, 2)];
                let best = pairs.into_iter().min_by(|p, q| bend(p.0, p.1).total_cmp(&bend(q.0, q.1)))?;
                let other = if best.0 == me {
                    best.1
                } else if best.1 == me {
                    best.0
                } else {
                    return None;
                };
                Some((arms[other].0, arms[other].1))
            }
            _ => None,
        }
    }

    /// Returns the direction in which a link leaves one of its ends.
    fn direction(&self, link: u32, side: usize) -> Vector {
        let link = &self.links[link as usize];
        let fork = self.forks[link.faces[side] as usize].node;
        let nodes = &self.chain[link.start..link.end];
        let far = |n: &&Node| (n.center - fork.center).norm() > fork.radius;
        let to = if side == 0 { nodes.iter().find(far) } else { nodes.iter().rev().find(far) };
        let to = to.or(if side == 0 { nodes.last() } else { nodes.first() });
        let other = self.forks[link.faces[1 - side] as usize].node.center;
        let way = to.map_or(other, |n| n.center) - fork.center;
        way.try_normalize(1e-9).unwrap_or_else(Vector::zeros)
    }
}

/// Adds a line; one that stays within a disc is a blob.
fn keep(line: Line, out: &mut Skeleton) {
    let nodes = &out.nodes[line.start..line.end];
    let widest = nodes.iter().copied().max_by(|a, b| a.radius.total_cmp(&b.radius));
    let stays = |w: Node| nodes.iter().all(|n| (n.center - w.center).norm() < 0.5 * w.radius);
    if !line.closed
        && let Some(widest) = widest
        && stays(widest)
    {
        out.nodes.truncate(line.start);
        if line.free == [true, true] {
            out.blobs.push(widest);
        }
        return;
    }
    out.lines.push(line);
}

/// Returns the other chord of a triangle that was entered through one.
#[inline]
fn onward(mesh: &Mesh, entered: Side) -> Option<Side> {
    [entered.next(), entered.prev()].into_iter().find(|s| !mesh.is_rim(*s))
}

/// Returns the node of a chord: its middle, moved until the contours at both its ends are equally far.
fn middle(mesh: &Mesh, chord: Side) -> Node {
    let (a, b) = (mesh.from(chord), mesh.to(chord));
    let (pa, pb) = (mesh.at(a), mesh.at(b));
    let mut center = Point::from(0.5 * (pa.coords + pb.coords));
    let most = 0.5 * (pb - pa).norm();
    let mut radius = most;
    for _ in 0..2 {
        let ((da, fa), (db, fb)) = (mesh.to_contour(a, center), mesh.to_contour(b, center));
        radius = (0.5 * (da + db)).min(most);
        let Some(across) = (fb - fa).try_normalize(1e-9) else { break };
        let shift = 0.5 * (db - da);
        if shift.abs() < 5e-4 {
            break;
        }
        center += across * shift;
    }
    Node { center, radius }
}

fn circumcenter(a: Point, b: Point, c: Point) -> Option<Point> {
    let (p, q) = (b - a, c - a);
    let twice = 2.0 * cross(p, q);
    let (pp, qq) = (p.norm_squared(), q.norm_squared());
    (twice.abs() > 1e-12).then(|| a + Vector::new(q.y * pp - p.y * qq, p.x * qq - q.x * pp) / twice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planar::Spot;

    fn of(contours: &[&[[f64; 2]]]) -> Skeleton {
        let mut region = Contours::default();
        for contour in contours {
            for [x, y] in *contour {
                region.push(Spot::from_mm(*x, *y));
            }
            region.close();
        }
        let mut out = Skeleton::default();
        Skeletons::default().find(&region, &mut out);
        out
    }

    fn circle(r: f64, n: u32, way: f64) -> Vec<[f64; 2]> {
        (0..n)
            .map(|i| {
                let (sin, cos) = (way * f64::from(i) / f64::from(n) * std::f64::consts::TAU).sin_cos();
                [r * cos, r * sin]
            })
            .collect()
    }

    #[test]
    fn a_strip_is_one_line_that_ends_where_the_last_disc_fits() {
        for width in [0.2, 0.5, 1.0] {
            let s = of(&[&[[0.0, 0.0], [20.0, 0.0], [20.0, width], [0.0, width]]]);
            assert_eq!(s.lines.len(), 1, "{width}");
            let line = s.lines[0];
            assert_eq!(line.free, [true, true]);
            let nodes = &s.nodes[line.start..line.end];
            for n in nodes {
                assert!((n.center.y - 0.5 * width).abs() < 2e-3, "{width} {n:?}");
                assert!(n.radius <= 0.5 * width + 1e-6);
            }
        }
    }

    #[test]
    fn a_strip_beside_places_that_touch_is_a_line_all_the_same() {
        let strip = [[0.0, 0.0], [20.0, 0.0], [20.0, 0.3], [0.0, 0.3]];
        let (a, b) = ([[5.0, 5.0], [7.0, 5.0], [7.0, 6.0]], [[7.0, 6.0], [9.0, 6.0], [9.0, 7.0]]);
        for touching in [&[&strip[..], &a, &b][..], &[&a, &b, &strip]] {
            let s = of(touching);
            let along = s.lines.iter().map(|l| (s.nodes[l.end - 1].center - s.nodes[l.start].center).norm());
            assert!(along.fold(0.0, f64::max) > 19.0, "{:?}", s.lines);
        }
        // It touches itself: a seam of no width from its side inwards.
        let s =
            of(&[&[[0.0, 0.0], [10.0, 0.0], [10.0, 0.1], [10.0, 0.0], [20.0, 0.0], [20.0, 0.3], [0.0, 0.3]]]);
        assert!(s.lines.iter().any(|l| l.end - l.start > 10), "{:?} {:?}", s.lines, s.blobs);
    }

    #[test]
    fn a_ring_is_one_closed_line() {
        let (outer, inner) = (circle(5.0, 90, 1.0), circle(4.6, 80, -1.0));
        let s = of(&[&outer, &inner]);
        assert_eq!((s.lines.len(), s.blobs.len()), (1, 0));
        assert!(s.lines[0].closed);
        for n in &s.nodes {
            assert!((n.center.coords.norm() - 4.8).abs() < 0.01 && (n.radius - 0.2).abs() < 0.01, "{n:?}");
        }
    }

    #[test]
    fn a_disc_is_a_blob() {
        for n in [4, 5, 12, 64] {
            let s = of(&[&circle(0.4, n, 1.0)]);
            assert_eq!((s.lines.len(), s.blobs.len()), (0, 1), "{n} {s:?}");
            let fits = 0.4 * (std::f64::consts::PI / f64::from(n)).cos();
            let blob = s.blobs[0];
            assert!(blob.radius > 0.85 * fits && blob.radius < fits + 1e-3, "{n} {s:?}");
            assert!(blob.center.coords.norm() + blob.radius < fits + 0.02, "{n} {s:?}");
        }
    }

    #[test]
    fn a_cross_has_a_line_through_and_its_arms() {
        let h = 0.2;
        let s = of(&[&[
            [5.0, -h],
            [5.0, h],
            [h, h],
            [h, 5.0],
            [-h, 5.0],
            [-h, h],
            [-5.0, h],
            [-5.0, -h],
            [-h, -h],
            [-h, -5.0],
            [h, -5.0],
            [h, -h],
        ]]);
        let length: f64 = s
            .lines
            .iter()
            .map(|l| {
                s.nodes[l.start..l.end].windows(2).map(|w| (w[1].center - w[0].center).norm()).sum::<f64>()
            })
            .sum();
        assert!((length - 20.0).abs() < 1.2, "{length} {:?}", s.lines);
        assert_eq!(s.lines.iter().flat_map(|l| l.free).filter(|f| *f).count(), 4);
    }

    #[test]
    fn no_line_leaves_the_region_where_a_tongue_meets_a_wide_place() {
        // A tongue that widens along an arc, cut off where it is wide enough for walls.
        let arc = (0..=12).map(|i| 0.25 * f64::from(i)).map(|x| [x, -0.05 * (1.0 + 1.2 * x + x * x)]);
        let walk: Vec<Spot> = arc.chain([[3.0, 0.0], [0.0, 0.0]]).map(|[x, y]| Spot::from_mm(x, y)).collect();
        assert!(crate::planar::twice_area(&walk) > 0);
        let mut region = Contours::default();
        region.add(&walk);
        let mut s = Skeleton::default();
        Skeletons::default().find(&region, &mut s);
        assert!(!s.lines.is_empty());
        for n in &s.nodes {
            let at = Spot::from_mm(n.center.x, n.center.y);
            assert!(n.radius < 1e-3 || crate::planar::encloses(&walk, at), "{n:?}");
        }
    }

    #[test]
    fn a_wedge_keeps_its_tip_and_a_blunt_one_does_not() {
        let s = of(&[&[[0.0, -0.5], [10.0, 0.0], [0.0, 0.5]]]);
        assert_eq!(s.lines.len(), 1);
        let ends = [s.lines[0].start, s.lines[0].end - 1].map(|i| s.nodes[i].center.x);
        assert!(ends[0].max(ends[1]) > 9.9, "{ends:?}");
        let nothing = of(&[]);
        assert!(nothing.lines.is_empty() && nothing.blobs.is_empty());
    }
}
