//! Where a surface goes through itself.
//!
//! Triangles are put into a tree of boxes, and pairs whose boxes meet are looked at exactly: an edge of one goes through
//! the inside of the other. What only touches, and triangles that lie on one another in a plane, do not cross. Slicing
//! counts turns and gets over crossings, so this is to be known, not to be mended.

use super::{Mesh, Point3};
use rayon::prelude::*;
use robust::{Coord3D, orient3d};
use shop_report::Diagnostic;
use std::sync::atomic::{AtomicU64, Ordering};

/// Triangles in a leaf of the tree.
const LEAF: usize = 8;
/// Below this many triangles no other core is asked to help.
const ALONE: usize = 4096;
/// No more crossings than this are counted.
const MOST_FOUND: u64 = 100_000;
/// Pairs looked at, for each triangle and in any case: meshes that need more are heaps of triangles over one another.
const MOST_TRIES: (u64, u64) = (400, 10_000_000);

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Crossings {
    /// Pairs of triangles that go through one another, up to a limit of 100,000.
    pub pairs: u64,
    /// A corner of the first triangle that does, mm.
    pub first: Option<Point3>,
    /// The mesh is such a heap that not all was looked at.
    pub undecided: bool,
}

impl Crossings {
    /// Returns what there is to say about the part of this name.
    pub fn diagnostic(&self, name: &str) -> Option<Diagnostic> {
        let of = if name.is_empty() { String::new() } else { format!(" of `{name}`") };
        let message = match (self.undecided, self.first) {
            (true, _) => format!("the surface{of} lies on itself so often that it was not looked at in full"),
            (false, Some(p)) => format!(
                "the surface{of} goes through itself, {} pairs of facets, one at ({:.2}, {:.2}, {:.2})",
                self.pairs, p.x, p.y, p.z
            ),
            (false, None) => return None,
        };
        Some(Diagnostic::info("mesh/self-intersecting", message))
    }
}

/// Returns where a surface goes through itself. Grows with n log n and with what is found.
pub fn crossings(mesh: &Mesh) -> Crossings {
    let boxes: Vec<Box3> = mesh.triangles.par_iter().map(|t| Box3::of(mesh.corners(*t))).collect();
    let mut order: Vec<u32> = (0..mesh.triangles.len() as u32).collect();
    if order.is_empty() {
        return Crossings::default();
    }
    let tries = MOST_TRIES.0.saturating_mul(order.len() as u64).max(MOST_TRIES.1);
    let tree = build(&mut order, &boxes);
    let search = Search { mesh, boxes: &boxes, found: AtomicU64::new(0), left: AtomicU64::new(tries) };
    let first = search.within(&tree);
    let pairs = search.found.into_inner().min(MOST_FOUND);
    // Whether one of the limits is met does not depend on the order in which cores come along; what was found until
    // then does, and is not told.
    if pairs == MOST_FOUND || search.left.into_inner() == 0 {
        return Crossings { pairs: 0, first: None, undecided: true };
    }
    Crossings { pairs, first: first.map(|t| mesh.corners(mesh.triangles[t as usize])[0]), undecided: false }
}

/// A box that no side of is turned.
#[derive(Clone, Copy, Debug)]
struct Box3 {
    low: Point3,
    high: Point3,
}

impl Box3 {
    fn of(corners: [Point3; 3]) -> Box3 {
        let [a, b, c] = corners;
        Box3 { low: a.inf(&b).inf(&c), high: a.sup(&b).sup(&c) }
    }

    fn with(self, other: Box3) -> Box3 {
        Box3 { low: self.low.inf(&other.low), high: self.high.sup(&other.high) }
    }

    fn meets(&self, other: &Box3) -> bool {
        (0..3).all(|i| self.low[i] <= other.high[i] && other.low[i] <= self.high[i])
    }
}

enum Tree<'a> {
    Leaf(Box3, &'a [u32]),
    Branch(Box3, usize, Box<(Tree<'a>, Tree<'a>)>),
}

impl Tree<'_> {
    fn around(&self) -> &Box3 {
        match self {
            Tree::Leaf(b, _) | Tree::Branch(b, ..) => b,
        }
    }

    fn count(&self) -> usize {
        match self {
            Tree::Leaf(_, of) => of.len(),
            Tree::Branch(_, n, _) => *n,
        }
    }
}

/// Halves the triangles along their longest extent, again and again.
fn build<'a>(order: &'a mut [u32], boxes: &[Box3]) -> Tree<'a> {
    let around = order.iter().map(|i| boxes[*i as usize]).reduce(Box3::with).expect("never empty");
    if order.len() <= LEAF {
        return Tree::Leaf(around, order);
    }
    let axis = (around.high - around.low).imax();
    let middle = |i: u32| boxes[i as usize].low[axis] + boxes[i as usize].high[axis];
    let n = order.len();
    order.select_nth_unstable_by(n / 2, |a, b| middle(*a).total_cmp(&middle(*b)).then(a.cmp(b)));
    let (one, other) = order.split_at_mut(n / 2);
    let halves = if n > ALONE {
        rayon::join(|| build(one, boxes), || build(other, boxes))
    } else {
        (build(one, boxes), build(other, boxes))
    };
    Tree::Branch(around, n, Box::new(halves))
}

struct Search<'a> {
    mesh: &'a Mesh,
    boxes: &'a [Box3],
    found: AtomicU64,
    /// Pairs that may still be looked at.
    left: AtomicU64,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0 || self.found.load(Ordering::Relaxed) >= MOST_FOUND
    }

    /// Looks at all pairs within a branch; returns the first triangle that crosses another.
    fn within(&self, tree: &Tree<'_>) -> Option<u32> {
        match tree {
            _ if self.is_over() => None,
            Tree::Leaf(_, of) => {
                let pairs = (0..of.len()).flat_map(|i| of[..i].iter().map(move |j| (of[i], *j)));
                self.look(pairs)
            }
            Tree::Branch(_, n, halves) => {
                let (one, other) = &**halves;
                if *n > ALONE {
                    let ((a, b), c) = rayon::join(
                        || rayon::join(|| self.within(one), || self.within(other)),
                        || self.between(one, other),
                    );
                    lowest([a, b, c])
                } else {
                    lowest([self.within(one), self.within(other), self.between(one, other)])
                }
            }
        }
    }

    /// Looks at all pairs of one from each.
    fn between(&self, a: &Tree<'_>, b: &Tree<'_>) -> Option<u32> {
        if self.is_over() || !a.around().meets(b.around()) {
            return None;
        }
        match (a, b) {
            (Tree::Leaf(_, one), Tree::Leaf(_, other)) => {
                self.look(one.iter().flat_map(|i| other.iter().map(move |j| (*i, *j))))
            }
            (Tree::Branch(_, n, halves), _) if *n >= b.count() => {
                let (one, other) = &**halves;
                both(*n, || self.between(one, b), || self.between(other, b))
            }
            (_, Tree::Branch(_, n, halves)) => {
                let (one, other) = &**halves;
                both(*n, || self.between(a, one), || self.between(a, other))
            }
            (Tree::Branch(_, n, halves), Tree::Leaf(..)) => {
                let (one, other) = &**halves;
                both(*n, || self.between(one, b), || self.between(other, b))
            }
        }
    }

    fn look(&self, pairs: impl Iterator<Item = (u32, u32)>) -> Option<u32> {
        let (mut first, mut found, mut tried) = (None, 0, 0);
        for (i, j) in pairs {
            if !self.boxes[i as usize].meets(&self.boxes[j as usize]) {
                continue;
            }
            tried += 1;
            let [a, b] = [i, j].map(|i| self.mesh.corners(self.mesh.triangles[i as usize]));
            if cross(a, b) {
                found += 1;
                first = lowest([first, Some(i.min(j)), None]);
            }
        }
        self.found.fetch_add(found, Ordering::Relaxed);
        // Never below nothing: who comes to the end stays there.
        let take = |left: u64| Some(left.saturating_sub(tried));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        first
    }
}

/// Does one thing and the other, on two cores when there is enough to do; returns the lower of what they find.
fn both(
    n: usize,
    one: impl FnOnce() -> Option<u32> + Send,
    other: impl FnOnce() -> Option<u32> + Send,
) -> Option<u32> {
    let (a, b) = if n > ALONE { rayon::join(one, other) } else { (one(), other()) };
    lowest([a, b, None])
}

fn lowest(of: [Option<u32>; 3]) -> Option<u32> {
    of.into_iter().flatten().min()
}

/// True when an edge of one triangle goes through the inside of the other.
fn cross(one: [Point3; 3], other: [Point3; 3]) -> bool {
    pierces(one, other) || pierces(other, one)
}

/// True when an edge of `one` goes through the inside of `other`.
fn pierces(one: [Point3; 3], other: [Point3; 3]) -> bool {
    let coord = |p: Point3| Coord3D { x: p.x, y: p.y, z: p.z };
    let [a, b, c] = other.map(coord);
    let one = one.map(coord);
    let sides = one.map(|p| orient3d(a, b, c, p));
    (0..3).any(|i| {
        let j = (i + 1) % 3;
        if !(sides[i] > 0.0 && sides[j] < 0.0 || sides[i] < 0.0 && sides[j] > 0.0) {
            return false;
        }
        let (p, q) = (one[i], one[j]);
        let turns = [orient3d(p, q, a, b), orient3d(p, q, b, c), orient3d(p, q, c, a)];
        turns.iter().all(|t| *t > 0.0) || turns.iter().all(|t| *t < 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::{Transform, Vector3, hull};
    use proptest::prelude::*;

    fn ball(n: u32) -> Mesh {
        let golden = std::f64::consts::PI * (3.0 - 5.0_f64.sqrt());
        let points: Vec<Point3> = (0..n)
            .map(|i| {
                let z = 1.0 - 2.0 * (f64::from(i) + 0.5) / f64::from(n);
                let (r, a) = ((1.0 - z * z).sqrt(), golden * f64::from(i));
                Point3::new(10.0 * r * a.cos(), 10.0 * r * a.sin(), 10.0 * z)
            })
            .collect();
        let triangles = hull::solid(&points, 0.0);
        Mesh { points, triangles }
    }

    #[test]
    fn a_ball_does_not_cross_itself_and_two_do() {
        let mut mesh = ball(400);
        assert_eq!(crossings(&mesh), Crossings::default());
        let apart = ball(400).transformed(&Transform::shift(20.5, 0.0, 0.0));
        let mut two = mesh.clone();
        two.append(&apart);
        assert_eq!(crossings(&two).pairs, 0);
        mesh.append(&ball(400).transformed(&Transform::shift(7.0, 1.0, 2.0)));
        let found = crossings(&mesh);
        assert!(found.pairs > 20 && found.first.is_some(), "{found:?}");
        assert_eq!(found.diagnostic("").map(|d| d.code), Some("mesh/self-intersecting"));
        assert_eq!(crossings(&Mesh::default()), Crossings::default());
    }

    #[test]
    fn a_heap_of_triangles_is_not_looked_at_for_ever() {
        let mut mesh = Mesh::default();
        for i in 0..3000 {
            let turn = Transform::turn(Vector3::new(1.0, f64::from(i), f64::from(i * i % 17)), f64::from(i));
            let at = mesh.points.len() as u32;
            let corners =
                [Vector3::new(9.0, 0.0, 0.0), Vector3::new(-5.0, 8.0, 0.0), Vector3::new(-5.0, -8.0, 0.0)];
            mesh.points.extend(corners.map(|c| turn.apply(Point3::from(c))));
            mesh.triangles.push([at, at + 1, at + 2]);
        }
        assert!(crossings(&mesh).undecided);
    }

    proptest! {
        /// Against every pair looked at, in any order.
        #[test]
        fn the_tree_finds_what_looking_everywhere_finds(
            corners in prop::collection::vec(prop::array::uniform3(prop::array::uniform3(-6_i8..6)), 0..60),
        ) {
            let mut mesh = Mesh::default();
            for t in corners {
                let at = mesh.points.len() as u32;
                mesh.points.extend(t.map(|c| Point3::from(c.map(f64::from))));
                mesh.triangles.push([at, at + 1, at + 2]);
            }
            let all: Vec<[Point3; 3]> = mesh.triangles.iter().map(|t| mesh.corners(*t)).collect();
            let pairs = (0..all.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            let slow = pairs.filter(|(i, j)| cross(all[*i], all[*j])).count();
            let found = crossings(&mesh);
            prop_assert_eq!(found.pairs, slow as u64);
            prop_assert_eq!(found.first.is_some(), slow > 0);
        }
    }
}
