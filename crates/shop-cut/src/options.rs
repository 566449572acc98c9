//! What a beam planner can be told, with defaults and where they come from.

use shop_cam::canon::Torch;
use shop_cam::lead::{LeadRule, LeadStyle};
use shop_cam::machine::MachineKind;
use shop_cam::settings::Settings;
use shop_geom::offset::Corner;
use shop_geom::{Aabb, Point};

/// How a corner of a part is gone around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CornerStyle {
    /// An arc about the corner: the shortest way, and the corner stays sharp.
    Round,
    /// The sides run on to where they meet.
    Sharp,
    /// The sides run on past each other in a loop through the waste, so that the machine need not stop and the arc
    /// of a torch does not burn the corner.
    Loop {
        /// Length by which a side runs on, mm.
        length: f64,
    },
}

/// How small holes are cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmallHoleRule {
    /// Holes narrower than this are small, mm.
    pub diameter: f64,
    /// So are holes narrower than this many sheet thicknesses.
    pub thicknesses: f64,
    /// Feed in percent.
    pub feed_percent: f32,
    /// True when torch height control stays on.
    pub height_control: bool,
    /// Overburn, mm.
    pub overburn: f64,
    /// Shape of the lead; it starts as near to the middle as its length reaches.
    pub lead: LeadStyle,
}

impl Default for SmallHoleRule {
    /// 60 % below 32 mm with THC locked and 4 mm overburn (LinuxCNC qtplasmac.adoc, "Hole Cutting"); leads at right
    /// angles from near the centre (LinuxCNC plasma-cnc-primer.adoc).
    fn default() -> Self {
        SmallHoleRule {
            diameter: 32.0,
            thicknesses: 1.5,
            feed_percent: 60.0,
            height_control: false,
            overburn: 4.0,
            lead: LeadStyle::Line,
        }
    }
}

/// Consecutive pierces keep apart while the first is still hot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThermalRule {
    /// Least distance between two pierces, mm.
    pub distance: f64,
    /// For how long after a pierce the rule holds, s.
    pub window_s: f64,
}

impl Default for ThermalRule {
    /// A house rule; no published figure was found: a 40 to 60 A arc heats about a fingertip's width for a breath.
    fn default() -> Self {
        ThermalRule { distance: 10.0, window_s: 2.0 }
    }
}

/// What to do about rapids over pieces that are already cut loose and may have tipped up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AvoidLoose {
    /// Nothing: the safe height is enough.
    #[default]
    No,
    /// Travel at twice the safe height.
    Lift,
    /// Travel around them; at twice the safe height where there is no way around.
    Detour,
}

/// How a drag knife turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SwivelRule {
    /// Corners that turn by less are dragged through, radians.
    pub least_angle: f64,
    /// How far the blade is raised from full depth while it turns, as a fraction of the depth.
    pub lift: f64,
}

/// Everything the planner can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Leads of outlines and large holes.
    pub lead: LeadRule,
    /// Length of the arc off the path after the cut, mm; 0 for none.
    pub lead_out: f64,
    /// How far a closed cut runs on past its start, mm.
    pub overburn: f64,
    /// Corners.
    pub corner: CornerStyle,
    /// Cuts start at least this far from corners where they can, mm.
    pub corner_distance: f64,
    /// Small holes, if they are treated differently.
    pub small_holes: Option<SmallHoleRule>,
    /// Consecutive pierces, if they must keep apart.
    pub thermal: Option<ThermalRule>,
    /// Rapids over loose pieces.
    pub avoid_loose: AvoidLoose,
    /// Pieces smaller than this fall through the slats and are no obstacle, mm.
    pub loose_size: f64,
    /// How a torch marks.
    pub marking: Torch,
    /// Power of laser marks, as a fraction of the cutting power.
    pub mark_power: f64,
    /// How many ways into each contour the route may choose from.
    pub ways: usize,
    /// The sheet, if known: leads stay on it.
    pub sheet: Option<Aabb>,
    /// Where the tool is when the program starts.
    pub start: Point,
    /// Corners of a drag knife.
    pub swivel: SwivelRule,
}

impl Options {
    /// Returns the defaults for this process.
    pub fn new(settings: &Settings) -> Options {
        let kerf = settings.diameter;
        let plasma = settings.kind == MachineKind::Plasma;
        let knife = settings.kind == MachineKind::Knife;
        let lead = if plasma {
            // At least 6 mm whatever the kerf (lapas.io, lead-in-lead-out-cutting); a pierce spoils up to three
            // kerfs around it (LaserWeb4 issue 87), 3 mm with fine-cut consumables.
            LeadRule { style: LeadStyle::Arc, length: 6.0, radius: 2.0, clearance: 3.0, least: 0.3 }
        } else {
            // Arc leads of 1.5 to 3 kerfs for lasers (same source).
            let style = if knife { LeadStyle::None } else { LeadStyle::Arc };
            LeadRule { style, length: 3.0 * kerf, radius: 1.5 * kerf, clearance: kerf, least: 0.5 * kerf }
        };
        Options {
            lead,
            lead_out: 0.0,
            // 0.1 in is the lower of the usual figures (industrialmonitordirect, SheetCam lead-out); a knife must
            // pull its trailing blade across the start.
            overburn: if plasma { 2.5 } else { settings.blade_offset },
            corner: CornerStyle::Round,
            corner_distance: if plasma { 3.0 } else { 3.0 * kerf },
            small_holes: plasma.then(SmallHoleRule::default),
            thermal: plasma.then(ThermalRule::default),
            avoid_loose: AvoidLoose::No,
            loose_size: 20.0,
            marking: Torch::Scribe,
            mark_power: 0.2,
            ways: 4,
            sheet: None,
            start: Point::origin(),
            swivel: SwivelRule { least_angle: 0.35, lift: 0.8 },
        }
    }

    /// Returns how the offset turns outer corners.
    pub(crate) fn offset_corner(&self) -> Corner {
        match self.corner {
            // A tip longer than 4 widths, below 29°, is cut off: it would run far into the next part.
            CornerStyle::Sharp => Corner::Sharp { limit: 4.0 },
            CornerStyle::Round | CornerStyle::Loop { .. } => Corner::Round,
        }
    }
}
