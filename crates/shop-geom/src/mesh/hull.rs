//! Convex hulls: of points in space, for what a part can stand on; of points in the plane, for what stands in its way.
//!
//! The hull in space is Quickhull (Barber, Dobkin, Huhdanpaa, 1996) with signs of volumes decided exactly: a point
//! either sees a facet or does not, and points in the plane of a facet never do.

use super::{Point3, Vector3};
use crate::Point;
use robust::{Coord, Coord3D, orient2d, orient3d};

/// Returns the corners of the convex hull in the plane, counter-clockwise from the leftmost, no three on a line; fewer
/// than three when all points lie on a line.
pub fn flat(points: impl IntoIterator<Item = Point>) -> Vec<Point> {
    let mut sorted: Vec<Point> = points.into_iter().collect();
    sorted.sort_unstable_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let coord = |p: Point| Coord { x: p.x, y: p.y };
    let mut hull: Vec<Point> = Vec::new();
    let chain = |hull: &mut Vec<Point>, points: &mut dyn Iterator<Item = Point>| {
        let start = hull.len();
        for p in points {
            while hull.len() >= start + 2
                && orient2d(coord(hull[hull.len() - 2]), coord(hull[hull.len() - 1]), coord(p)) <= 0.0
            {
                hull.pop();
            }
            hull.push(p);
        }
        hull.pop();
    };
    chain(&mut hull, &mut sorted.iter().copied());
    chain(&mut hull, &mut sorted.iter().rev().copied());
    hull
}

/// A facet on its way to the hull.
#[derive(Debug)]
struct Facet {
    corners: [u32; 3],
    /// The facets beyond the edges that begin at each corner.
    beyond: [u32; 3],
    /// Points that see it.
    outside: Vec<u32>,
    alive: bool,
}

/// Returns the triangles of the convex hull in space, counter-clockwise seen from outside; none when all points lie in
/// a plane. Points that are above a facet by no more than `within` mm are let be, which keeps the hulls of round parts
/// small. Grows with n log n for the points of real parts.
pub fn solid(points: &[Point3], within: f64) -> Vec<[u32; 3]> {
    let Some(first) = first_four(points) else { return Vec::new() };
    let mut hull = Hull { points, within, facets: Vec::new(), waiting: Vec::new() };
    hull.begin(first);
    while let Some(facet) = hull.waiting.pop() {
        if hull.facets[facet as usize].alive && !hull.facets[facet as usize].outside.is_empty() {
            hull.grow(facet);
        }
    }
    hull.facets.iter().filter(|f| f.alive).map(|f| f.corners).collect()
}

fn volume_sign(points: &[Point3], [a, b, c]: [u32; 3], p: u32) -> f64 {
    let coord = |i: u32| {
        let p = points[i as usize];
        Coord3D { x: p.x, y: p.y, z: p.z }
    };
    // Positive when `d` is below the plane through a, b, c that run counter-clockwise seen from above.
    -orient3d(coord(a), coord(b), coord(c), coord(p))
}

/// Returns four points that are not in a plane, such that the fourth is seen from the back of the first three.
fn first_four(points: &[Point3]) -> Option<[u32; 4]> {
    let furthest = |of: &dyn Fn(Point3) -> f64| {
        let best = points.iter().enumerate().max_by(|a, b| of(*a.1).total_cmp(&of(*b.1)));
        best.map(|(i, _)| i as u32)
    };
    let at = |i: u32| points[i as usize];
    let a = furthest(&|p| -p.x)?;
    let b = furthest(&|p| (p - at(a)).norm_squared())?;
    let along = at(b) - at(a);
    let c = furthest(&|p| along.cross(&(p - at(a))).norm_squared())?;
    let normal = along.cross(&(at(c) - at(a)));
    let d = furthest(&|p| normal.dot(&(p - at(a))).abs())?;
    let sign = volume_sign(points, [a, b, c], d);
    if sign == 0.0 {
        return None;
    }
    Some(if sign < 0.0 { [a, b, c, d] } else { [a, c, b, d] })
}

struct Hull<'a> {
    points: &'a [Point3],
    within: f64,
    facets: Vec<Facet>,
    /// Facets that may have points outside.
    waiting: Vec<u32>,
}

impl Hull<'_> {
    fn begin(&mut self, [a, b, c, d]: [u32; 4]) {
        for (corners, beyond) in
            [([a, b, c], [1, 2, 3]), ([b, a, d], [0, 3, 2]), ([c, b, d], [0, 1, 3]), ([a, c, d], [0, 2, 1])]
        {
            self.facets.push(Facet { corners, beyond, outside: Vec::new(), alive: true });
        }
        let all = (0..self.points.len() as u32).collect();
        self.share_out(all, 0);
    }

    fn sees(&self, p: u32, facet: usize) -> bool {
        volume_sign(self.points, self.facets[facet].corners, p) > 0.0
    }

    /// Returns how far above a facet's plane a point is, mm; nothing for a facet that is a line to all appearance.
    fn height(&self, p: u32, facet: u32) -> f64 {
        let corners = self.facets[facet as usize].corners;
        let up = normal(self.points, corners).try_normalize(0.0).unwrap_or_default();
        up.dot(&(self.points[p as usize] - self.points[corners[0] as usize]))
    }

    /// Gives each point to that of the facets from `from` on which it is furthest above; those that see none are inside.
    fn share_out(&mut self, points: Vec<u32>, from: usize) {
        for p in points {
            let seen = (from..self.facets.len()).filter(|f| self.sees(p, *f)).map(|f| f as u32);
            let highest = seen.max_by(|f, g| self.height(p, *f).total_cmp(&self.height(p, *g)));
            if let Some(f) = highest {
                self.facets[f as usize].outside.push(p);
            }
        }
        self.waiting.extend(from as u32..self.facets.len() as u32);
    }

    /// Gives up a facet's points, but for those that are further above one of its neighbours.
    fn let_be(&mut self, facet: u32) {
        let beyond = self.facets[facet as usize].beyond;
        for p in std::mem::take(&mut self.facets[facet as usize].outside) {
            let highest = beyond.into_iter().max_by(|f, g| self.height(p, *f).total_cmp(&self.height(p, *g)));
            if let Some(f) = highest.filter(|f| self.height(p, *f) > self.within && self.sees(p, *f as usize))
            {
                self.facets[f as usize].outside.push(p);
                self.waiting.push(f);
            }
        }
    }

    /// Takes in the point furthest from a facet.
    fn grow(&mut self, facet: u32) {
        let tip = self.facets[facet as usize]
            .outside
            .iter()
            .map(|p| (self.height(*p, facet), *p))
            .max_by(|p, q| p.0.total_cmp(&q.0).then(q.1.cmp(&p.1)))
            .expect("it has points outside");
        if tip.0 <= self.within && self.within > 0.0 {
            return self.let_be(facet);
        }
        let tip = tip.1;
        let (rim, gone) = self.rim(facet, tip);
        let first = self.facets.len() as u32;
        let n = rim.len() as u32;
        let mut orphans: Vec<u32> = Vec::new();
        for f in gone {
            orphans.append(&mut self.facets[f as usize].outside);
        }
        for (i, &(from, to, beyond)) in rim.iter().enumerate() {
            let i = i as u32;
            let (before, after) = (first + (i + n - 1) % n, first + (i + 1) % n);
            self.facets.push(Facet {
                corners: [from, to, tip],
                beyond: [beyond, after, before],
                outside: Vec::new(),
                alive: true,
            });
            // The facet that stays meets the new one where it met one that went.
            let kept = &mut self.facets[beyond as usize];
            let edge = kept.corners.iter().position(|c| *c == to).expect("they share the edge");
            kept.beyond[edge] = first + i;
        }
        orphans.retain(|p| *p != tip);
        self.share_out(orphans, first as usize);
    }

    /// Takes out all facets that a point sees, beginning with `facet`; returns the edges around them, in order, each with
    /// the facet that stays beyond it, and the facets taken out.
    fn rim(&mut self, facet: u32, tip: u32) -> (Vec<(u32, u32, u32)>, Vec<u32>) {
        let (mut rim, mut gone) = (Vec::new(), vec![facet]);
        self.facets[facet as usize].alive = false;
        // Facets on the way and the edge at which each goes on; its edges are gone through in order, so the rim comes
        // out in order too.
        let mut stack: Vec<(u32, usize, usize)> = vec![(facet, 0, 3)];
        while let Some((f, edge, left)) = stack.pop() {
            if left == 0 {
                continue;
            }
            stack.push((f, (edge + 1) % 3, left - 1));
            let Facet { corners, beyond, .. } = &self.facets[f as usize];
            let (from, to, next) = (corners[edge], corners[(edge + 1) % 3], beyond[edge]);
            if !self.facets[next as usize].alive {
                continue;
            }
            if self.sees(tip, next as usize) {
                self.facets[next as usize].alive = false;
                gone.push(next);
                let back =
                    self.facets[next as usize].corners.iter().position(|c| *c == to).expect("shared edge");
                stack.push((next, (back + 1) % 3, 2));
            } else {
                rim.push((from, to, next));
            }
        }
        (rim, gone)
    }
}

/// Returns the outward direction of a triangle times twice its area.
pub(super) fn normal(points: &[Point3], [a, b, c]: [u32; 3]) -> Vector3 {
    let at = |i: u32| points[i as usize];
    (at(b) - at(a)).cross(&(at(c) - at(a)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Mesh;
    use proptest::prelude::*;

    fn check(points: &[Point3]) {
        let hull = solid(points, 0.0);
        for &t in &hull {
            assert!(
                (0..points.len() as u32).all(|p| volume_sign(points, t, p) <= 0.0),
                "{t:?} is not outermost"
            );
        }
        assert_eq!(super::super::edges::balance(&hull), 0);
        if !hull.is_empty() {
            let mesh = Mesh { points: points.to_vec(), triangles: hull.clone() };
            assert!(mesh.volume() > 0.0);
            // Euler: a closed surface without handles, two less than half as many triangles again as corners.
            let mut corners: Vec<u32> = hull.concat();
            corners.sort_unstable();
            corners.dedup();
            assert_eq!(hull.len(), 2 * corners.len() - 4);
        }
    }

    proptest! {
        #[test]
        fn every_point_is_behind_every_facet(
            points in prop::collection::vec(prop::array::uniform3(-1.0..1.0_f64), 0..60),
        ) {
            check(&points.into_iter().map(Point3::from).collect::<Vec<_>>());
        }

        /// Many in one plane, on one line, in one place.
        #[test]
        fn points_on_a_grid_are_no_harder(
            points in prop::collection::vec(prop::array::uniform3(-2_i8..3), 0..60),
        ) {
            check(&points.into_iter().map(|p| Point3::from(p.map(f64::from))).collect::<Vec<_>>());
        }

        #[test]
        fn a_flat_hull_has_all_points_to_its_left(
            points in prop::collection::vec(prop::array::uniform2(-3_i8..4), 0..40),
        ) {
            let points: Vec<Point> = points.into_iter().map(|p| Point::from(p.map(f64::from))).collect();
            let hull = flat(points.iter().copied());
            for i in 0..hull.len() {
                let (a, b) = (hull[i], hull[(i + 1) % hull.len()]);
                prop_assert!(points.iter().all(|p| crate::cross(b - a, p - a) >= 0.0 || hull.len() < 3));
                let c = hull[(i + 2) % hull.len()];
                prop_assert!(hull.len() < 3 || crate::cross(b - a, c - b) > 0.0);
            }
        }
    }

    proptest! {
        /// A box full of points, turned so that none of its faces is flat to the last digit.
        #[test]
        fn what_is_let_be_is_hardly_outside(
            axis in prop::array::uniform3(-1.0..1.0_f64),
            angle in 0.0..6.0_f64,
            points in prop::collection::vec(prop::array::uniform3(0_u8..5), 30..90),
        ) {
            let turn = crate::mesh::Transform::turn(axis.into(), angle);
            let points: Vec<Point3> =
                points.into_iter().map(|p| turn.apply(Point3::from(p.map(f64::from)))).collect();
            let within = 1e-3;
            for t in solid(&points, within) {
                let direction = normal(&points, t);
                // Facets between points almost on a line look anywhere.
                if direction.norm() > 0.5 {
                    let up = direction.normalize();
                    let above = points.iter().map(|p| up.dot(&(p - points[t[0] as usize]))).fold(0.0, f64::max);
                    prop_assert!(above <= 3.0 * within, "{}", above);
                }
            }
        }
    }

    #[test]
    fn a_cube_has_twelve_facets_whatever_lies_on_its_faces() {
        let mut points = Vec::new();
        for i in 0..5 * 5 * 5 {
            points.push(Point3::new(f64::from(i % 5), f64::from(i / 5 % 5), f64::from(i / 25)));
        }
        check_volume(&points, 64.0);
    }

    fn check_volume(points: &[Point3], volume: f64) {
        let mesh = Mesh { points: points.to_vec(), triangles: solid(points, 0.0) };
        assert!((mesh.volume() - volume).abs() < 1e-9, "{}", mesh.volume());
    }
}
