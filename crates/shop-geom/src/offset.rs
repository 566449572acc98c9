//! Parallel curves of regions: kerf and tool compensation, and the rings of a pocket.

use crate::Polyline;
use shop_report::{Cancelled, Progress};

/// What happens at a corner that sticks out of the solid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Corner {
    /// An arc about the corner.
    Round,
    /// The two sides extended to their meeting point, cut off at `limit` times the distance.
    Sharp {
        /// Furthest tip, as a multiple of the distance.
        limit: f64,
    },
}

/// How an offset is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OffsetOptions {
    /// Outer corners.
    pub corner: Corner,
    /// How far the result may be from the exact parallel curve, mm.
    pub tolerance: f64,
}

/// A closed curve of an offset.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetContour {
    /// Counter-clockwise around solid, clockwise around a void.
    pub polyline: Polyline,
    /// The input contours it runs beside, sorted.
    pub sources: Vec<u32>,
}

/// Returns the boundary of the solid grown by `distance` (shrunk when negative). The solid is what the closed
/// `contours` enclose: counter-clockwise ones bound solid, clockwise ones voids in it.
pub fn offset(
    _contours: &[Polyline],
    _distance: f64,
    _options: &OffsetOptions,
    _progress: &dyn Progress,
) -> Result<Vec<OffsetContour>, Cancelled> {
    unimplemented!()
}
