//! Plans for routers and mills in two and a half dimensions: profiles, pockets, drilling, engraving.
//!
//! Every cut goes down in layers and never straight into the stock if it can ramp along its own path
//! ([`depth`]). A contour is finished to its full depth before the next is begun; the last turn is one clean loop at
//! full depth. Where there is room, the tool comes and goes on a tangent arc through the waste, found as a beam's
//! lead is ([`shop_cam::lead`]).
//!
//! Order: holes by drill, then lines, then pockets, then contours, inner before outer, part by part, so that a part
//! is loose only when nothing is left to do on it. The planner fails only when it is cancelled; whatever does not
//! fit is a diagnostic with a place.

pub mod depth;
mod drill;
mod pocket;
mod profile;

pub use shop_cam::common::Sharing;
use shop_cam::feature::{Operations, Trace};
use shop_cam::machine::MachineKind;
use shop_cam::settings::Settings;
use shop_cam::toolpath::{PieceKind, Toolpath};
use shop_cam::track::Track;
use shop_geom::route::{Stop, route};
use shop_geom::{Aabb, Line, Point, Segment};
use shop_report::{Cancelled, Diagnostic, Progress};

/// On which side of the tool the finished wall is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The wall on the right of the travel: teeth leave at the wall; the better finish on a stiff machine.
    #[default]
    Climb,
    /// The wall on the left: teeth enter at the wall; the tool does not grab.
    Conventional,
}

/// Everything the planner can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Climb or conventional.
    pub direction: Direction,
    /// Steepest ramp, radians.
    pub ramp_angle: f64,
    /// Radius of the arcs onto and off a contour, mm; 0 for none.
    pub lead_radius: f64,
    /// Contours are entered at least this far from corners where they can, mm.
    pub corner_distance: f64,
    /// Depth of a drilling peck as a multiple of the drill's diameter; 0 drills in one go.
    pub peck_diameters: f64,
    /// How many ways into each contour the route may choose from.
    pub ways: usize,
    /// The sheet, if known.
    pub sheet: Option<Aabb>,
    /// Where the tool is when the program starts.
    pub start: Point,
}

impl Options {
    /// Returns the defaults for this run.
    pub fn new(settings: &Settings) -> Options {
        Options {
            direction: Direction::Climb,
            // Standard end mills ramp at 2 to 5° at most (facts: carbide-tooling.com).
            ramp_angle: 4.0f64.to_radians(),
            lead_radius: settings.diameter / 2.0,
            corner_distance: settings.diameter,
            // Three diameters is where chips begin to pack in a twist drill's flutes.
            peck_diameters: 3.0,
            ways: 8,
            sheet: None,
            start: Point::origin(),
        }
    }
}

/// Figures of a plan; lengths in mm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Outlines cut free.
    pub parts: u32,
    /// Closed contours cut, holes included.
    pub contours: u32,
    /// Times the tool enters the stock, drilled holes included.
    pub plunges: u32,
    /// Holes drilled.
    pub drilled: u32,
    /// Tabs left.
    pub tabs: u32,
    /// Contours begun on the path itself, for want of room for an arc.
    pub without_lead: u32,
    /// What common lines saved.
    pub sharing: Sharing,
    /// Length of cuts at depth, pockets included, all layers.
    pub cut_length: f64,
    /// Length of ramps.
    pub ramp_length: f64,
    /// Length of leads and links.
    pub lead_length: f64,
    /// Length of the rapids in x and y.
    pub rapid_length: f64,
}

/// A planned job.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The toolpaths, in order.
    pub toolpaths: Vec<Toolpath>,
    /// What did not fit or was left out.
    pub diagnostics: Vec<Diagnostic>,
    /// What it amounts to.
    pub figures: Figures,
}

/// What the stages of planning share.
pub(crate) struct Planner<'a> {
    pub settings: &'a Settings,
    pub options: &'a Options,
    pub diagnostics: Vec<Diagnostic>,
    pub figures: Figures,
    /// Where the tool is after what has been planned so far.
    pub at: Point,
}

/// Plans all operations of a job for a router.
pub fn plan(
    operations: &Operations,
    settings: &Settings,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Plan, Cancelled> {
    debug_assert!(settings.kind == MachineKind::Router);
    let mut planner = Planner {
        settings,
        options,
        diagnostics: Vec::new(),
        figures: Figures::default(),
        at: options.start,
    };
    let mut toolpaths = planner.drill(&operations.holes, progress)?;
    toolpaths.extend(planner.traces(&operations.traces, false, progress)?);
    toolpaths.extend(planner.pockets(&operations.pockets, progress)?);
    toolpaths.extend(planner.traces(&operations.traces, true, progress)?);
    toolpaths.extend(planner.profiles(&operations.profiles, progress)?);
    let mut figures = planner.figures;
    count(&mut figures, &toolpaths, options.start);
    Ok(Plan { toolpaths, diagnostics: planner.diagnostics, figures })
}

impl Planner<'_> {
    /// Plans lines: marks, or those cut through.
    fn traces(
        &mut self,
        traces: &[Trace],
        through: bool,
        progress: &dyn Progress,
    ) -> Result<Option<Toolpath>, Cancelled> {
        use shop_cam::canon::Role;
        let chosen: Vec<(&Trace, Track)> = (traces.iter().filter(|t| t.through == through))
            .map(|t| (t, Track::new(&t.line)))
            .filter(|(_, track)| !track.is_empty())
            .collect();
        if chosen.is_empty() {
            return Ok(None);
        }
        let starts: Vec<Vec<f64>> = chosen.iter().map(|(_, track)| self.starts(track)).collect();
        let stops: Vec<Stop> = (chosen.iter().zip(&starts).enumerate())
            .map(|(i, ((trace, track), starts))| {
                let layers = depth::layers(trace.bottom, self.settings.step_down);
                let ways = starts
                    .iter()
                    .map(|&s| {
                        // An even number of passes there and back ends where it began.
                        let returns = track.is_closed() || layers.len().is_multiple_of(2);
                        let far = if s > 0.0 { 0.0 } else { track.length() };
                        (track.point(s), track.point(if returns { s } else { far }))
                    })
                    .collect();
                Stop { ways, group: i as u32, before: None }
            })
            .collect();
        let visits = route(&stops, self.at, progress)?;
        let (role, label) = if through { (Role::Profile, "lines") } else { (Role::Mark, "engraving") };
        let mut path = Toolpath::new(role, label, self.settings);
        for visit in visits {
            let (trace, track) = &chosen[visit.stop as usize];
            let s = starts[visit.stop as usize][visit.way as usize];
            let layers = depth::layers(trace.bottom, self.settings.step_down);
            let percent = trace.feed_percent as f32;
            path.passes.push(if track.is_closed() {
                depth::spiral(&depth::Spiral {
                    track: &track.started_at(s),
                    lead: &[],
                    layers: &layers,
                    ramp_angle: self.options.ramp_angle,
                    ramp_percent: percent * self.ramp_percent() / 100.0,
                    percent,
                    tabs: &[],
                })
                .0
            } else {
                let forward = if s > 0.0 { track.reversed() } else { track.clone() };
                depth::back_and_forth(&forward, &layers, percent)
            });
        }
        self.at = path.end().unwrap_or(self.at);
        Ok(Some(path))
    }

    /// Returns the feed on ramps in percent: as fast as elsewhere, unless the tool would go down faster than it may
    /// plunge.
    pub(crate) fn ramp_percent(&self) -> f32 {
        let down = self.settings.feed.mm_per_min() * self.options.ramp_angle.clamp(1e-3, 1.5).sin();
        (100.0 * self.settings.plunge.mm_per_min() / down.max(1e-9)).clamp(1.0, 100.0) as f32
    }

    fn starts(&self, track: &Track) -> Vec<f64> {
        if !track.is_closed() {
            return vec![0.0, track.length()];
        }
        let found = shop_cam::lead::starts(track, self.options.corner_distance, self.options.ways);
        found.into_iter().map(|l| l.at).collect()
    }
}

/// Returns a move straight up or down in place.
pub(crate) fn upright(at: Point) -> Segment {
    Segment::Line(Line { a: at, b: at })
}

fn count(figures: &mut Figures, toolpaths: &[Toolpath], start: Point) {
    let mut at = start;
    for path in toolpaths {
        for pass in &path.passes {
            let (Some(start), Some(end)) = (pass.start(), pass.end()) else { continue };
            figures.plunges += 1;
            figures.rapid_length += (start - at).norm();
            at = end;
            for piece in &pass.pieces {
                let length = piece.segment.length();
                match piece.kind {
                    PieceKind::Ramp => figures.ramp_length += length,
                    PieceKind::LeadIn | PieceKind::LeadOut | PieceKind::Link => figures.lead_length += length,
                    _ => figures.cut_length += length,
                }
            }
        }
        for drill in &path.drills {
            figures.plunges += 1;
            figures.drilled += 1;
            figures.rapid_length += (drill.at - at).norm();
            at = drill.at;
        }
    }
}
