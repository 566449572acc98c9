//! Chaining: from loose pieces to closed contours, and a report of what was joined and dropped.

use crate::{Point, Polyline};
use shop_report::{Cancelled, Progress};

/// How pieces are joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceOptions {
    /// Ends at most this far apart are joined, nearest first, mm.
    pub tolerance: f64,
    /// Drop pieces that lie within `tolerance` of another along their whole length, and the overlapping part of
    /// collinear or co-circular ones.
    pub drop_duplicates: bool,
}

/// A chain of input paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The joined geometry; gaps are bridged by straight pieces, so no input point moves.
    pub polyline: Polyline,
    /// The input paths in order, each with whether it is travelled backwards.
    pub pieces: Vec<(u32, bool)>,
}

/// Two ends that were joined although they did not meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// The two input paths.
    pub paths: [u32; 2],
    /// How far apart the ends were, mm.
    pub distance: f64,
    /// Where.
    pub at: Point,
}

/// A path left out, wholly or in part, because another covers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duplicate {
    /// The path that stays.
    pub kept: u32,
    /// The path left out.
    pub dropped: u32,
    /// True when only a part of `dropped` was covered; its rest stays.
    pub partial: bool,
    /// Where.
    pub at: Point,
}

/// A place at which more than two ends meet, so that the way on is a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Where.
    pub at: Point,
    /// The paths that end there.
    pub paths: Vec<u32>,
}

/// What chaining made of the paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traced {
    /// Closed contours, in the order of their first input path, travelled as drawn.
    pub closed: Vec<Chain>,
    /// What could not be closed.
    pub open: Vec<Chain>,
    /// Ends joined across a gap.
    pub gaps: Vec<Gap>,
    /// Paths left out because another covers them.
    pub duplicates: Vec<Duplicate>,
    /// Places where more than two ends meet.
    pub branches: Vec<Branch>,
    /// Paths too short to mean anything (shorter than the tolerance), left out.
    pub short: Vec<u32>,
}

/// Joins `paths` end to end. Near-linear in the number of pieces.
pub fn trace(
    _paths: &[Polyline],
    _options: &TraceOptions,
    _progress: &dyn Progress,
) -> Result<Traced, Cancelled> {
    unimplemented!()
}
