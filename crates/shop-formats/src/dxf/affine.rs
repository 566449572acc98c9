//! Placing: maps of space, of which only what lands on the plane is kept.

use super::entity::Xyz;
use nalgebra::{Affine2, Matrix3};
use shop_geom::{Point, Vector, cross};

/// An affine map of space: columns are the images of the axes, then the image of the origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub x: Xyz,
    pub y: Xyz,
    pub z: Xyz,
    pub origin: Xyz,
}

fn add(a: Xyz, b: Xyz, f: f64) -> Xyz {
    [a[0] + b[0] * f, a[1] + b[1] * f, a[2] + b[2] * f]
}

pub(super) fn cross3(a: Xyz, b: Xyz) -> Xyz {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Returns the direction of `v`, or `None` when it has none.
pub(super) fn normalized(v: Xyz) -> Option<Xyz> {
    // Scaled first, so that neither huge nor tiny vectors lose themselves in their squares.
    let most = v[0].abs().max(v[1].abs()).max(v[2].abs());
    if !(most > 0.0 && most.is_finite()) {
        return None;
    }
    let v = v.map(|c| c / most);
    let n = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
    Some(v.map(|c| c / n))
}

impl Affine {
    /// Returns the map that multiplies everything by `f`.
    pub fn scale(f: f64) -> Self {
        Affine { x: [f, 0.0, 0.0], y: [0.0, f, 0.0], z: [0.0, 0.0, f], origin: [0.0; 3] }
    }

    /// Returns where the object coordinate system of this extrusion lies in the world, by the arbitrary axis
    /// algorithm (DXF reference): its x axis is Y × N when N is within 1/64 of the world's z, else Z × N.
    pub fn ocs(extrusion: Xyz) -> Self {
        let n = normalized(extrusion).unwrap_or([0.0, 0.0, 1.0]);
        let near_z = n[0].abs() < 1.0 / 64.0 && n[1].abs() < 1.0 / 64.0;
        let side = if near_z { cross3([0.0, 1.0, 0.0], n) } else { cross3([0.0, 0.0, 1.0], n) };
        let x = normalized(side).unwrap_or([1.0, 0.0, 0.0]);
        Affine { x, y: cross3(n, x), z: n, origin: [0.0; 3] }
    }

    /// Returns the image of a direction.
    #[inline]
    pub fn vector(&self, v: Xyz) -> Xyz {
        add(add(add([0.0; 3], self.x, v[0]), self.y, v[1]), self.z, v[2])
    }

    /// Returns the image of a point.
    pub fn point(&self, p: Xyz) -> Xyz {
        add(self.vector(p), self.origin, 1.0)
    }

    /// Returns the image of a point on the plane.
    #[inline]
    pub fn flat_point(&self, p: Xyz) -> Point {
        Point::new(
            self.x[0] * p[0] + self.y[0] * p[1] + self.z[0] * p[2] + self.origin[0],
            self.x[1] * p[0] + self.y[1] * p[1] + self.z[1] * p[2] + self.origin[1],
        )
    }

    /// Returns the image of a direction on the plane.
    pub fn flat_vector(&self, v: Xyz) -> Vector {
        let v = self.vector(v);
        Vector::new(v[0], v[1])
    }

    /// Returns `self` after `first`.
    pub fn after(&self, first: &Affine) -> Affine {
        Affine {
            x: self.vector(first.x),
            y: self.vector(first.y),
            z: self.vector(first.z),
            origin: self.point(first.origin),
        }
    }

    /// Returns the map of the plane at height `z` onto the drawing.
    pub fn on_plane(&self, z: f64) -> Affine2<f64> {
        let o = self.flat_point([0.0, 0.0, z]);
        Affine2::from_matrix_unchecked(Matrix3::new(
            self.x[0], self.y[0], o.x, //
            self.x[1], self.y[1], o.y, //
            0.0, 0.0, 1.0,
        ))
    }

    /// Returns what the map does to planes parallel to its local xy plane.
    pub fn plane(&self) -> Plane {
        Plane { u: Vector::new(self.x[0], self.x[1]), v: Vector::new(self.y[0], self.y[1]) }
    }
}

/// The linear part of a map of the plane: the images of its axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub u: Vector,
    pub v: Vector,
}

impl Plane {
    /// Returns (scale, turn in radians, mirrored) when the map keeps shapes, to 1e-9 of its scale: coarser would
    /// bend arcs by more than a drawing's own rounding, finer would refuse maps that were only rounded.
    pub fn similarity(&self) -> Option<(f64, f64, bool)> {
        let (a, b) = (self.u.norm(), self.v.norm());
        let close = 1e-9 * a.max(b);
        let straight = self.u.dot(&self.v).abs() <= close * a.max(b);
        (a > 0.0 && (a - b).abs() <= close && straight)
            .then(|| (a, self.u.y.atan2(self.u.x), cross(self.u, self.v) < 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downward_extrusion_mirrors_x() {
        let m = Affine::ocs([0.0, 0.0, -1.0]);
        assert_eq!(m.flat_point([2.0, 3.0, 0.0]), Point::new(-2.0, 3.0));
        assert!(m.plane().similarity().is_some_and(|(s, _, mirrored)| s == 1.0 && mirrored));
    }

    #[test]
    fn ocs_is_a_rotation_for_any_extrusion() {
        for n in [[1.0, 0.0, 0.0], [0.0, -2.0, 0.1], [1e-300, 0.0, 1e-300], [0.01, 0.01, 1.0], [0.0; 3]] {
            let m = Affine::ocs(n);
            for (a, b) in [(m.x, m.y), (m.y, m.z), (m.z, m.x)] {
                let dot: f64 = (0..3).map(|i| a[i] * b[i]).sum();
                assert!(dot.abs() < 1e-12);
            }
            let z = cross3(m.x, m.y);
            assert!((0..3).all(|i| (z[i] - m.z[i]).abs() < 1e-12));
        }
    }
}
