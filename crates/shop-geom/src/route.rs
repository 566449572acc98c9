//! Short routes through many stops: nearest-neighbour start, then 2-opt and Or-opt with neighbour lists, with
//! precedence kept.

use crate::Point;
use shop_report::{Cancelled, Progress};

/// A place to visit: one of several ways in, each with its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// Ways to visit it: where one arrives and where one leaves.
    pub ways: Vec<(Point, Point)>,
    /// Stops of the same group are visited one after the other (a part and its holes).
    pub group: u32,
    /// The stop that must come after this one (the contour around it).
    pub before: Option<u32>,
}

/// One visit of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Which stop.
    pub stop: u32,
    /// Which of its ways.
    pub way: u32,
}

/// Returns an order of all stops, starting from `start`, that keeps every `before` and every group whole.
pub fn route(_stops: &[Stop], _start: Point, _progress: &dyn Progress) -> Result<Vec<Visit>, Cancelled> {
    unimplemented!()
}
