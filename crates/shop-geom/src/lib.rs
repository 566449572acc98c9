//! Points, arcs, polylines and regions in millimetres, and the operations on them.
//!
//! Everything but [`mesh`] is two-dimensional; all is `f64`, y up and counter-clockwise positive. Curves are kept as lines and
//! circular arcs for as long as anyone can use them: a [`Polyline`] is DXF's own model, vertices with a bulge.
//! Approximation takes its tolerance from the caller; topology is decided on an integer grid or by exact
//! predicates inside a kernel, never by an epsilon in a public signature.

mod aabb;
mod cells;
mod polyline;
mod segment;

pub mod boolean;
pub mod curve;
pub mod distance;
pub mod grid;
pub mod intersect;
pub mod mesh;
pub mod nesting;
pub mod offset;
pub mod planar;
pub mod route;
pub mod skeleton;
pub mod trace;

pub use aabb::Aabb;
pub use polyline::{Polyline, Vertex};
pub use segment::{Arc, Line, Segment};

/// A place in mm.
pub type Point = nalgebra::Point2<f64>;
/// A displacement or direction in mm.
pub type Vector = nalgebra::Vector2<f64>;

/// Returns the z component of the cross product: positive when `b` is to the left of `a`.
#[inline]
pub fn cross(a: Vector, b: Vector) -> f64 {
    a.x * b.y - a.y * b.x
}

/// Returns `v` turned a quarter turn counter-clockwise.
#[inline]
pub fn left(v: Vector) -> Vector {
    Vector::new(-v.y, v.x)
}
