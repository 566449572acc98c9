//! Affine maps of space: how parts are scaled, turned and placed.

use super::{Point3, Vector3};
use nalgebra::{Matrix3, Rotation3, Unit};

/// Takes a place `p` to `linear * p + offset`, in mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    /// What turns, scales and shears.
    pub linear: Matrix3<f64>,
    /// Where the origin goes, in mm.
    pub offset: Vector3,
}

impl Default for Transform {
    fn default() -> Self {
        Transform::IDENTITY
    }
}

impl Transform {
    /// Leaves everything where it is.
    pub const IDENTITY: Transform = Transform {
        linear: Matrix3::new(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        offset: Vector3::new(0.0, 0.0, 0.0),
    };

    /// Returns a shift.
    pub fn shift(x: f64, y: f64, z: f64) -> Self {
        Transform { offset: Vector3::new(x, y, z), ..Self::IDENTITY }
    }

    /// Returns a scaling from the origin by a factor for each axis.
    pub fn scale(x: f64, y: f64, z: f64) -> Self {
        Transform { linear: Matrix3::from_diagonal(&Vector3::new(x, y, z)), ..Self::IDENTITY }
    }

    /// Returns a turn about an axis through the origin, counter-clockwise seen from its tip; right angles are exact.
    /// An axis without length turns nothing.
    pub fn turn(axis: Vector3, radians: f64) -> Self {
        let Some(axis) = Unit::try_new(axis, f64::MIN_POSITIVE) else { return Self::IDENTITY };
        let mut linear = *Rotation3::from_axis_angle(&axis, radians).matrix();
        // A part turned by a quarter should stand flat: what is zero or one but for rounding is made so.
        for v in linear.iter_mut() {
            let near = v.round();
            if (*v - near).abs() < 4.0 * f64::EPSILON {
                *v = near;
            }
        }
        Transform { linear, ..Self::IDENTITY }
    }

    /// Returns the shortest turn about the origin that takes direction `from` to direction `to`.
    pub fn turn_between(from: Vector3, to: Vector3) -> Self {
        let (Some(from), Some(to)) = (from.try_normalize(0.0), to.try_normalize(0.0)) else {
            return Self::IDENTITY;
        };
        let axis = from.cross(&to);
        let angle = axis.norm().atan2(from.dot(&to));
        if axis.norm() > 1e-12 {
            return Self::turn(axis, angle);
        }
        if from.dot(&to) > 0.0 {
            return Self::IDENTITY;
        }
        // Opposite: half a turn about any axis square to it; the one furthest from it keeps the numbers good.
        let square = if from.x.abs() < 0.9 { Vector3::x() } else { Vector3::y() };
        Self::turn(from.cross(&square), std::f64::consts::PI)
    }

    /// Returns this map followed by `then`.
    #[must_use]
    pub fn then(&self, then: &Transform) -> Self {
        Transform { linear: then.linear * self.linear, offset: then.linear * self.offset + then.offset }
    }

    /// Returns where a place goes.
    #[inline]
    pub fn apply(&self, p: Point3) -> Point3 {
        Point3::from(self.linear * p.coords + self.offset)
    }

    /// Returns by how much volumes grow, negative when left and right change places.
    pub fn volume_factor(&self) -> f64 {
        self.linear.determinant()
    }

    /// True when left and right change places.
    pub fn mirrors(&self) -> bool {
        self.volume_factor() < 0.0
    }

    /// True when every number in it is finite.
    pub fn is_finite(&self) -> bool {
        self.linear.iter().chain(self.offset.iter()).all(|v| v.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn direction() -> impl Strategy<Value = Vector3> {
        prop::array::uniform3(-1.0..1.0_f64)
            .prop_map(Vector3::from)
            .prop_filter("has a direction", |v| v.norm() > 1e-3)
    }

    proptest! {
        #[test]
        fn a_turn_between_takes_one_to_the_other(a in direction(), b in direction()) {
            let turned = Transform::turn_between(a, b).linear * a.normalize();
            prop_assert!((turned - b.normalize()).norm() < 1e-9);
        }

        #[test]
        fn one_after_the_other_is_both(a in direction(), b in direction(), p in direction()) {
            let one = Transform { offset: b, ..Transform::turn(a, 1.1) };
            let two = Transform { offset: a, ..Transform::scale(1.0, -2.0, 0.5) };
            let p = Point3::from(p);
            prop_assert!((one.then(&two).apply(p) - two.apply(one.apply(p))).norm() < 1e-12);
        }
    }

    #[test]
    fn opposite_directions_have_a_turn_too() {
        for v in [Vector3::x(), Vector3::y(), Vector3::z(), Vector3::new(1.0, 2.0, 3.0)] {
            let turned = Transform::turn_between(v, -v).linear * v;
            assert!((turned + v).norm() < 1e-12);
        }
    }

    #[test]
    fn a_quarter_turn_is_exact() {
        let quarter = Transform::turn(Vector3::x(), std::f64::consts::FRAC_PI_2);
        assert_eq!(quarter.apply(Point3::new(1.0, 2.0, 3.0)), Point3::new(1.0, -3.0, 2.0));
    }
}
