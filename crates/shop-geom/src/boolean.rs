//! Polygons on an integer grid: what regions have in common, together, or apart.
//!
//! A thin layer over `i_overlay`'s integer core. Coordinates go to a grid fine enough to leave the geometry alone
//! and coarse enough for exact arithmetic, relative to the middle of what is given; arcs are flattened on the way
//! and stay flat. Whoever wants arcs back uses [`offset`](crate::offset), which keeps track of where edges come
//! from.

use crate::{Aabb, Point, Polyline};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
use i_overlay::i_shape::flat::buffer::FlatContoursBuffer;

/// What to keep of two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boolean {
    /// What lies in either.
    Union,
    /// What lies in both.
    Intersection,
    /// What lies in the first and not in the second.
    Difference,
    /// What lies in one of them only.
    Xor,
}

/// Which windings are inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// An odd number of turns.
    EvenOdd,
    /// At least one counter-clockwise turn left over: contours as [`offset`](crate::offset) orients them.
    Positive,
}

/// Powers of two between mm and grid: conversion of the scale itself never rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    center: Point,
    per_mm: f64,
}

impl Scale {
    /// Returns the grid for everything inside `bounds`: at most 2^28 units from the middle, where i_overlay's i32
    /// arithmetic is exact (its limit is 2^30), units between 2^-20 mm (about 1 nm, below any drawing's digits) and
    /// as coarse as the size demands: 60 nm at 16 m.
    pub(crate) fn new(bounds: Aabb) -> Scale {
        let half = (0.5 * bounds.width().max(bounds.height())).max(1e-3);
        let power = ((1u64 << 28) as f64 / half).log2().floor().clamp(-40.0, 20.0);
        Scale { center: bounds.center(), per_mm: power.exp2() }
    }

    /// Returns the length of one unit, mm.
    #[inline]
    pub(crate) fn unit(self) -> f64 {
        1.0 / self.per_mm
    }

    /// Returns the nearest grid point.
    #[inline]
    pub(crate) fn to_grid(self, p: Point) -> IntPoint<i32> {
        let v = (p - self.center) * self.per_mm;
        IntPoint::new(v.x.round() as i32, v.y.round() as i32)
    }

    /// Returns the place of a grid point.
    #[inline]
    pub(crate) fn to_mm(self, p: IntPoint<i32>) -> Point {
        self.center + crate::Vector::new(f64::from(p.x), f64::from(p.y)) / self.per_mm
    }
}

/// Returns the boundary of `rule` applied to the regions that `a` and `b` enclose, counter-clockwise around solid.
/// Arcs become chords within `tolerance` mm. Near n log n in pieces plus crossings.
pub fn combine(a: &[Polyline], b: &[Polyline], rule: Boolean, fill: Fill, tolerance: f64) -> Vec<Polyline> {
    let bounds = a.iter().chain(b).fold(Aabb::EMPTY, |all, p| all.union(p.bounds()));
    if bounds.is_empty() || !(bounds.width() + bounds.height()).is_finite() {
        return Vec::new();
    }
    let scale = Scale::new(bounds);
    let mut overlay = Overlay::<i32>::new(a.iter().chain(b).map(|p| p.vertices.len()).sum());
    for (set, kind) in [(a, ShapeType::Subject), (b, ShapeType::Clip)] {
        for p in set.iter().filter(|p| p.closed) {
            overlay.add_path_iter(p.flatten(tolerance).into_iter().map(|q| scale.to_grid(q)), kind);
        }
    }
    let rule = match rule {
        Boolean::Union => OverlayRule::Union,
        Boolean::Intersection => OverlayRule::Intersect,
        Boolean::Difference => OverlayRule::Difference,
        Boolean::Xor => OverlayRule::Xor,
    };
    let fill = match fill {
        Fill::EvenOdd => FillRule::EvenOdd,
        Fill::Positive => FillRule::Positive,
    };
    let mut out = FlatContoursBuffer::default();
    overlay.overlay_into(rule, fill, &mut out);
    let contour =
        |r: &std::ops::Range<usize>| Polyline::polygon(out.points[r.clone()].iter().map(|&q| scale.to_mm(q)));
    out.ranges.iter().map(contour).filter(|p| p.vertices.len() > 2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, side: f64) -> Polyline {
        Polyline::polygon(
            [(x, y), (x + side, y), (x + side, y + side), (x, y + side)].map(|(x, y)| Point::new(x, y)),
        )
    }

    fn area(p: &[Polyline]) -> f64 {
        p.iter().map(Polyline::area).sum()
    }

    #[test]
    fn areas_obey_inclusion_and_exclusion() {
        let (a, b) = ([square(0.0, 0.0, 10.0)], [square(5.0, 5.0, 10.0)]);
        let of = |rule| area(&combine(&a, &b, rule, Fill::Positive, 1e-3));
        assert!((of(Boolean::Union) - 175.0).abs() < 1e-4);
        assert!((of(Boolean::Intersection) - 25.0).abs() < 1e-4);
        assert!((of(Boolean::Difference) - 75.0).abs() < 1e-4);
        assert!((of(Boolean::Xor) - 150.0).abs() < 1e-4);
    }

    #[test]
    fn holes_come_out_clockwise() {
        let out = combine(
            &[square(0.0, 0.0, 9.0)],
            &[square(3.0, 3.0, 3.0)],
            Boolean::Difference,
            Fill::Positive,
            1e-3,
        );
        let mut areas: Vec<f64> = out.iter().map(|p| p.area().round()).collect();
        areas.sort_by(f64::total_cmp);
        assert_eq!(areas, [-9.0, 81.0]);
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(combine(&[], &[], Boolean::Union, Fill::EvenOdd, 1e-3).is_empty());
        assert!(combine(&[Polyline::default()], &[], Boolean::Union, Fill::EvenOdd, 1e-3).is_empty());
    }
}
