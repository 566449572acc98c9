//! Plans for plasma torches, lasers and drag knives: kerf, pierces, leads, small holes, order.
//!
//! The planner works on the paths of the beam's middle ([`shop_cam::compensate`]) and asks one index of all paths
//! for room ([`shop_cam::lead`]), so that a lead is *found*, never assumed: it touches nothing that stays, no other
//! kerf, and not the edge of the sheet. Each contour offers several ways in; the route chooses among them.
//!
//! ```text
//!  operations ─▶ compensate ─▶ ways into every path ─▶ route ─▶ thermal ─▶ old kerfs ─▶ passes ─▶ toolpaths
//!                 one offset    parallel, by ball       inner     order     other way     per part
//! ```
//!
//! Marks come first, then lines cut through, then contours, inner before outer, part by part. The planner fails
//! only when it is cancelled; whatever does not fit is a diagnostic with a place.
//!
//! Cost: that of the offset and the route, plus O(pieces + ways · log) for everything else; a sheet of 37,500 contours
//! is planned (without offset and route) in well under a second on one core.

mod contour;
mod figures;
mod knife;
mod loops;
mod loose;
mod options;
mod order;

pub use figures::{Figures, Sharing, Thermal};
pub use options::{AvoidLoose, CornerStyle, Options, SmallHoleRule, SwivelRule, ThermalRule};

use contour::Planner;
use shop_cam::feature::Operations;
use shop_cam::machine::MachineKind;
use shop_cam::settings::Settings;
use shop_cam::toolpath::Toolpath;
use shop_report::{Cancelled, Diagnostic, Progress};

/// A planned job.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The toolpaths, in order: marks, lines cut through, then one per part.
    pub toolpaths: Vec<Toolpath>,
    /// What did not fit, was shortened or left out.
    pub diagnostics: Vec<Diagnostic>,
    /// What it amounts to.
    pub figures: Figures,
}

/// Plans all operations of a job for a plasma torch, laser or drag knife.
pub fn plan(
    operations: &Operations,
    settings: &Settings,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Plan, Cancelled> {
    let mut planner = Planner::new(settings, options);
    planner.notes_for_others(operations);
    let mut toolpaths = Vec::new();
    toolpaths.extend(planner.traces(operations, false, progress)?);
    toolpaths.extend(planner.traces(operations, true, progress)?);
    toolpaths.extend(planner.profiles(operations, progress)?);
    if settings.kind == MachineKind::Knife {
        knife::swivel(&mut toolpaths, settings, options);
    }
    let figures = figures::count(&toolpaths, settings, options, planner.tally);
    Ok(Plan { toolpaths, diagnostics: planner.diagnostics, figures })
}
