//! Triangle meshes: points in mm and triangles that name them.
//!
//! The one idea: a mesh is nothing but two flat arrays. Who needs neighbours, edges or volumes builds them for the
//! question at hand and drops them again, since a print is read once from bottom to top.

pub mod arrange;
pub mod crossing;
mod edges;
pub mod hull;
pub mod polygon;
pub mod repair;
pub mod rest;
pub mod shells;
mod transform;
pub mod weld;

pub use transform::Transform;

use crate::Aabb;
use rayon::prelude::*;

/// A place in space in mm.
pub type Point3 = nalgebra::Point3<f64>;
/// A displacement or direction in space in mm.
pub type Vector3 = nalgebra::Vector3<f64>;

/// Triangles over shared points, in mm, z up, seen counter-clockwise from outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mesh {
    /// The corners; each place once when a reader has welded them.
    pub points: Vec<Point3>,
    /// Three indices into [`Mesh::points`] each.
    pub triangles: Vec<[u32; 3]>,
}

impl Mesh {
    /// Returns the three corners of a triangle.
    #[inline]
    pub fn corners(&self, triangle: [u32; 3]) -> [Point3; 3] {
        triangle.map(|i| self.points[i as usize])
    }

    /// Returns the mesh with every place once, bit for bit, in the order in which the triangles come by, and without
    /// the points that no triangle names.
    #[must_use]
    pub fn welded(&self) -> Mesh {
        Mesh::welded_from(&self.points, &self.triangles)
    }

    /// Returns the mesh of these triangles with every place once, as [`Mesh::welded`].
    pub fn welded_from(points: &[Point3], triangles: &[[u32; 3]]) -> Mesh {
        const CHUNK: usize = weld::CHUNK_CORNERS / 3;
        let key = |i: u32| {
            let p = points[i as usize];
            weld::double([p.x, p.y, p.z])
        };
        let chunks: Vec<&[[u32; 3]]> = triangles.chunks(CHUNK).collect();
        let (points, triangles) = weld::weld(chunks.len(), |chunk, out: &mut Vec<[weld::Double; 3]>| {
            out.extend(chunks[chunk].iter().map(|t| t.map(key)));
        });
        Mesh { points, triangles }
    }

    /// Adds all of another mesh; points that the two have in common stay twice.
    pub fn append(&mut self, other: &Mesh) {
        let base = self.points.len() as u32;
        self.points.extend_from_slice(&other.points);
        self.triangles.extend(other.triangles.iter().map(|t| t.map(|i| i + base)));
    }

    /// Moves every point; a transform that mirrors also turns the triangles, so that they are still seen from outside.
    pub fn transform(&mut self, by: &Transform) {
        self.points.par_iter_mut().with_min_len(4096).for_each(|p| *p = by.apply(*p));
        if by.mirrors() {
            self.triangles.par_iter_mut().with_min_len(4096).for_each(|t| t.swap(1, 2));
        }
    }

    /// Returns the mesh moved.
    #[must_use]
    pub fn transformed(mut self, by: &Transform) -> Mesh {
        self.transform(by);
        self
    }

    /// Returns the lowest and the highest corner of the box around all points; `None` for a mesh without points.
    pub fn bounds(&self) -> Option<(Point3, Point3)> {
        let first = *self.points.first()?;
        let of = |points: &[Point3]| {
            points.iter().fold((first, first), |(low, high), p| (low.inf(p), high.sup(p)))
        };
        let boxes = self.points.par_chunks(16_384).map(of);
        Some(boxes.reduce(|| (first, first), |a, b| (a.0.inf(&b.0), a.1.sup(&b.1))))
    }

    /// Returns the box around the mesh seen from above, in mm; `None` for a mesh without points.
    pub fn footprint(&self) -> Option<Aabb> {
        let (low, high) = self.bounds()?;
        Some(Aabb { min: low.xy(), max: high.xy() })
    }

    /// Returns the area of all triangles in mm².
    pub fn area(&self) -> f64 {
        let doubled = |&t: &[u32; 3]| {
            let [a, b, c] = self.corners(t);
            (b - a).cross(&(c - a)).norm()
        };
        self.triangles.iter().map(doubled).sum::<f64>() / 2.0
    }

    /// Returns the volume in mm³ that the triangles enclose, negative when they are seen from inside (the divergence
    /// theorem: the sum of the signed tetrahedra to one place).
    pub fn volume(&self) -> f64 {
        let Some(&at) = self.points.first() else { return 0.0 };
        let six = |&t: &[u32; 3]| {
            let [a, b, c] = self.corners(t).map(|p| p - at);
            a.dot(&b.cross(&c))
        };
        // Chunks are summed in order, so that the sum does not depend on who summed what.
        let sums: Vec<f64> =
            self.triangles.par_chunks(16_384).map(|chunk| chunk.iter().map(six).sum()).collect();
        sums.iter().sum::<f64>() / 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tetrahedron() -> Mesh {
        let points = vec![
            Point3::new(1.0, 1.0, 1.0),
            Point3::new(4.0, 1.0, 1.0),
            Point3::new(1.0, 3.0, 1.0),
            Point3::new(1.0, 1.0, 6.0),
        ];
        Mesh { points, triangles: vec![[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]] }
    }

    #[test]
    fn a_tetrahedron_has_a_sixth_of_its_box() {
        let mesh = tetrahedron();
        assert!((mesh.volume() - 3.0 * 2.0 * 5.0 / 6.0).abs() < 1e-12);
        let (low, high) = mesh.bounds().expect("it has points");
        assert_eq!((low, high), (Point3::new(1.0, 1.0, 1.0), Point3::new(4.0, 3.0, 6.0)));
    }

    #[test]
    fn nothing_has_no_bounds() {
        assert_eq!(Mesh::default().bounds(), None);
        assert_eq!(Mesh::default().volume(), 0.0);
    }
}
