//! Which contour lies in which: regions of any depth from closed contours, and contours that cross.

use crate::{Point, Polyline};
use shop_report::{Cancelled, Progress};

/// A place at which contours cross, or one crosses itself (`a == b`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// One contour.
    pub a: u32,
    /// The other, or the same.
    pub b: u32,
    /// Where.
    pub at: Point,
}

/// Containment of closed contours; even depth is the outside of a part, odd depth a hole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nesting {
    /// The smallest contour around each.
    pub parent: Vec<Option<u32>>,
    /// How many contours lie around each.
    pub depth: Vec<u32>,
}

/// Finds for every closed contour the one around it. Near-linear.
pub fn nesting(_contours: &[Polyline], _progress: &dyn Progress) -> Result<Nesting, Cancelled> {
    unimplemented!()
}

/// Finds where contours cross each other or themselves; touching is not crossing.
pub fn crossings(_contours: &[Polyline], _progress: &dyn Progress) -> Result<Vec<Crossing>, Cancelled> {
    unimplemented!()
}

/// Rebuilds crossing contours as the boundary of their even-odd fill.
pub fn repair(_contours: &[Polyline], _tolerance: f64) -> Vec<Polyline> {
    unimplemented!()
}
