//! The proof: does this program make what was asked, and nothing else?
//!
//! It takes what the written text means (sections read back from it) and the [`Intent`], and knows nothing of how
//! the program was planned; it shares no geometry code with the planners' offsets. What can be exact is exact:
//! bites are the radius less a closed-form distance between path and wall, coverage is cut at the closed-form
//! boundary of what a path reaches. Only what is found uncovered, a path inside kept material, and the rows of a
//! pocket's floor are sampled.
//!
//! Codes: `proof/gouge` `proof/skin` `proof/missed` `proof/unreachable` `proof/tab` `proof/order` `proof/pierce`
//! `proof/old-kerf` `proof/rapid-in-work` `proof/plunge` `proof/arc` `proof/envelope` `proof/sheet`
//! `proof/no-spindle` `proof/no-feed` `proof/left-on` `proof/no-end` `proof/tool` `proof/too-deep` `proof/drill`
//! `proof/trace-off-line`.
//!
//! NOTE: the material is flat and the tool a cylinder; a laser's power is not judged, so that an engraving pass
//! along a contour counts as a cut; how a drag knife's tip trails its axis is in `blade.rs`.

mod blade;
mod contours;
mod drawn;
mod entry;
mod findings;
mod floor;
mod gouge;
mod lines;
mod program;
#[cfg(test)]
pub(crate) mod tests;
mod walls;

use crate::index::Index;
use contours::{Contours, Side};
pub use drawn::{Drawn, drawn};
pub(crate) use findings::Findings;
use program::Program;
use shop_cam::canon::Section;
use shop_cam::intent::{Goal, Intent, Waste};
use shop_cam::machine::MachineKind;
use shop_geom::grid::Grid;
use shop_geom::{Aabb, Point, Polyline};
use shop_report::{Cancelled, Diagnostic, Progress, Severity};
use walls::Walls;

/// What the proof measured. Lengths in mm.
#[derive(Clone, Debug, PartialEq)]
pub struct ProofFigures {
    /// Deepest bite into kept material; negative when the cut stays clear of it.
    pub max_gouge: f64,
    /// Moves that bite deeper than the tolerance.
    pub gouging_moves: u32,
    /// Thickest skin on a contour where the tool could touch it.
    pub max_skin: f64,
    /// Farthest place of a pocket's floor from any path, beyond the tool's radius.
    pub max_uncleared: f64,
    /// Contours, lines and pocket walls asked for.
    pub contours: usize,
    /// Of these, not cut.
    pub missed: usize,
    /// Contours that are too narrow for the tool everywhere.
    pub unreachable: usize,
    /// Holes drilled as asked.
    pub drilled: usize,
    /// Tabs asked for.
    pub tabs: usize,
    /// Goals finished after what lies around them was cut free.
    pub order_violations: usize,
    /// Places at which the tool enters the work.
    pub pierces: usize,
    /// Of these, in kept material.
    pub bad_pierces: usize,
    /// Of these, on a kerf cut before (plasma).
    pub old_kerf_pierces: usize,
    /// Least distance from a pierce's edge to kept material; infinite when there is none.
    pub pierce_clearance: f64,
    /// Rapids with the torch on, or through uncut material.
    pub rapids_in_work: usize,
    /// Rapids down into uncut material.
    pub rapid_plunges: usize,
    /// Arcs in the program.
    pub arcs: usize,
    /// Largest difference of an arc's radius between its ends.
    pub arc_mismatch: f64,
    /// Farthest that a path leaves the line it follows.
    pub off_line: f64,
    /// Farthest beyond the machine's travel on any axis; negative when there is room.
    pub envelope_excess: f64,
    /// Length of all moves in the work at the feed.
    pub cut_length: f64,
    /// Length of all rapids but the first.
    pub rapid_length: f64,
}

impl Default for ProofFigures {
    fn default() -> Self {
        ProofFigures {
            max_gouge: 0.0,
            gouging_moves: 0,
            max_skin: 0.0,
            max_uncleared: 0.0,
            contours: 0,
            missed: 0,
            unreachable: 0,
            drilled: 0,
            tabs: 0,
            order_violations: 0,
            pierces: 0,
            bad_pierces: 0,
            old_kerf_pierces: 0,
            pierce_clearance: f64::INFINITY,
            rapids_in_work: 0,
            rapid_plunges: 0,
            arcs: 0,
            arc_mismatch: 0.0,
            off_line: 0.0,
            envelope_excess: f64::NEG_INFINITY,
            cut_length: 0.0,
            rapid_length: 0.0,
        }
    }
}

/// The result of a proof.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// What was measured.
    pub figures: ProofFigures,
    /// What is wrong, one per code: errors first, each with the worst place and how many there are.
    pub diagnostics: Vec<Diagnostic>,
}

impl Proof {
    /// True when nothing forbids running the program.
    pub fn holds(&self) -> bool {
        self.diagnostics.iter().all(|d| d.severity < Severity::Error)
    }
}

/// What all checks look at.
struct Ctx<'a> {
    intent: &'a Intent,
    program: Program,
    path: Index,
    walls: Walls,
    /// The first so many walls bound kept material; the rest are pockets.
    kept: u32,
}

impl Ctx<'_> {
    /// True when depth matters: a tool that is lowered, not a beam.
    fn has_depth(&self) -> bool {
        matches!(self.intent.kind, MachineKind::Router | MachineKind::Knife)
    }

    fn reach_of(&self, side: Side, tool: u8) -> f64 {
        if side == Side::On { 0.0 } else { self.program.radius(tool) }
    }

    /// Returns the nearest of the first `walls` walls within `within`.
    fn nearest_wall(&self, p: Point, within: f64, walls: u32) -> Option<(u32, f64)> {
        self.walls.index.nearest(p, within, |i| {
            if i < walls { self.walls.pieces[i as usize].distance_to(p) } else { f64::INFINITY }
        })
    }

    fn nearest_kept(&self, p: Point, within: f64) -> Option<(u32, f64)> {
        self.nearest_wall(p, within, self.kept)
    }

    /// Returns the distance to kept material's boundary and whether `p` is inside; none when nothing is kept.
    fn signed(&self, p: Point) -> Option<(f64, bool)> {
        if self.kept == 0 {
            return None;
        }
        self.walls.signed(p, f64::INFINITY, self.kept)
    }

    fn in_material(&self, p: Point) -> bool {
        self.signed(p).is_some_and(|(_, inside)| inside)
    }

    /// True when no wall crosses the way from `s`, which is on one, to `c`.
    fn sees(&self, s: Point, c: Point, walls: u32) -> bool {
        let way = c - s;
        let n = way.norm();
        if n < 2e-3 {
            return true;
        }
        let line = crate::piece::Piece::line(s + way * (1e-3 / n), c);
        let mut found = Vec::new();
        self.walls.index.near(std::iter::once(&line), 0.0, &mut found);
        found.iter().all(|&i| i >= walls || self.walls.pieces[i as usize].distance(&line) > 0.0)
    }
}

/// Heights that goals ask for.
fn goal_bottoms(intent: &Intent) -> impl Iterator<Item = f64> + '_ {
    intent.goals.iter().map(|g| match g {
        Goal::Profile { bottom, .. }
        | Goal::Pocket { bottom, .. }
        | Goal::Trace { bottom, .. }
        | Goal::Drill { bottom, .. } => *bottom,
    })
}

/// Proves that `sections`, as read back from the program's text, make what `intent` asks and touch nothing else.
/// Near-linear in moves and pieces; the parts are judged in parallel, the result is the same for any number of
/// threads.
pub fn prove(intent: &Intent, sections: &[Section], progress: &dyn Progress) -> Result<Proof, Cancelled> {
    Swept::new(intent, sections).prove(intent, progress)
}

/// What a program does in the work: all that the proof needs of it, so that the sections may go before the large
/// part of the proof begins.
pub struct Swept {
    program: Program,
    findings: Findings,
    figures: ProofFigures,
}

impl Swept {
    /// Follows the program and judges what can be judged on the way.
    pub fn new(intent: &Intent, sections: &[Section]) -> Swept {
        let mut findings = Findings::default();
        let mut figures = ProofFigures::default();
        let mut program = program::read(intent, sections, &mut findings, &mut figures);
        if intent.kind == MachineKind::Knife && intent.blade_offset > 0.0 {
            blade::trail(&mut program, intent.blade_offset);
        }
        Swept { program, findings, figures }
    }

    /// Holds it against the same intent.
    pub fn prove(self, intent: &Intent, progress: &dyn Progress) -> Result<Proof, Cancelled> {
        let Swept { program, findings, figures } = self;
        judge(context(intent, program), findings, figures, progress)
    }
}

fn judge(
    mut ctx: Ctx<'_>,
    mut findings: Findings,
    mut figures: ProofFigures,
    progress: &dyn Progress,
) -> Result<Proof, Cancelled> {
    let intent = ctx.intent;
    progress.advance(0)?;
    let mut finish: Vec<Option<u32>> = vec![None; intent.goals.len()];
    let mut contours = goal_contours(&ctx);
    entry::drills(&mut ctx, &mut contours, &mut finish, &mut findings, &mut figures);
    lines::mark(&mut ctx, &contours, &mut findings, &mut figures);
    gouge::check(&ctx, &mut findings, &mut figures, progress)?;
    let fates = contours::check(&ctx, &contours, &mut findings, &mut figures, progress)?;
    floor::check(&ctx, &mut findings, &mut figures);
    let mut whole = vec![true; intent.goals.len()];
    for (contour, fate) in contours.list.iter().zip(&fates) {
        let goal = contour.goal as usize;
        whole[goal] &= fate.finish.is_some();
        finish[goal] = finish[goal].max(fate.finish);
    }
    for (done, whole) in finish.iter_mut().zip(whole) {
        *done = done.filter(|_| whole);
    }
    contours::order(&ctx, &finish, &parents(intent), &mut findings, &mut figures);
    entry::pierces(&ctx, &mut findings, &mut figures);
    entry::rapids(&ctx, &mut findings, &mut figures);
    Ok(Proof { figures, diagnostics: findings.finish() })
}

fn context(intent: &Intent, program: Program) -> Ctx<'_> {
    let mut walls: Vec<Polyline> = Vec::new();
    // A pocket's boundary has the pocket on its left; walls have the material there.
    for goal in &intent.goals {
        if let Goal::Pocket { boundary, .. } = goal {
            walls.extend(boundary.iter().map(|b| b.clone().reversed()));
        }
    }
    let kept_pieces = |p: &Polyline| p.segments().filter(|s| s.length() > 0.0).count() as u32;
    let kept = intent.kept.iter().map(kept_pieces).sum();
    let solid = intent.kept.iter().map(Polyline::area).sum();
    let radius = program.largest;
    let works = &program.works;
    let mean = works.iter().map(|w| w.piece.length()).sum::<f64>() / works.len().max(1) as f64;
    let path = Index::new(works.iter().map(|w| &w.piece), radius.max(0.5 * mean).max(0.2));
    let walls = Walls::new(intent.kept.iter().chain(&walls), radius, solid);
    Ctx { intent, program, path, walls, kept }
}

fn goal_contours(ctx: &Ctx<'_>) -> Contours {
    let mut contours = Contours::default();
    for (g, goal) in ctx.intent.goals.iter().enumerate() {
        match goal {
            Goal::Profile { contour, waste, bottom, .. } => {
                let ccw = contour.area() >= 0.0;
                let side = match waste {
                    Waste::On => Side::On,
                    Waste::Inside if ccw => Side::Left,
                    Waste::Outside if !ccw => Side::Left,
                    _ => Side::Right,
                };
                contours.add(g as u32, contour, side, *bottom, ctx.kept);
            }
            Goal::Trace { line, bottom } => contours.add(g as u32, line, Side::On, *bottom, 0),
            Goal::Pocket { .. } | Goal::Drill { .. } => {}
        }
    }
    floor::add_walls(ctx, &mut contours);
    contours
}

/// Returns for every goal the one that must be finished after it; holes to drill, pockets and lines belong to the
/// smallest outline around them.
fn parents(intent: &Intent) -> Vec<Option<u32>> {
    let outlines: Vec<(u32, &Polyline)> = (intent.goals.iter().enumerate())
        .filter_map(|(i, g)| match g {
            Goal::Profile { contour, waste: Waste::Outside, .. } => Some((i as u32, contour)),
            _ => None,
        })
        .collect();
    let loose = intent.goals.iter().any(|g| !matches!(g, Goal::Profile { .. }));
    let boxes: Vec<Aabb> = if loose { outlines.iter().map(|o| o.1.bounds()).collect() } else { Vec::new() };
    let mean = boxes.iter().map(|b| b.width().max(b.height())).sum::<f64>() / boxes.len().max(1) as f64;
    let grid = Grid::new(&boxes, mean);
    let mut found = Vec::new();
    let mut around = |p: Option<Point>| {
        let p = p?;
        grid.query(&Aabb::of([p]), &mut found);
        let size = |k: &u32| boxes[*k as usize].width() * boxes[*k as usize].height();
        (found.iter().copied())
            .filter(|&k| boxes[k as usize].contains(p) && floor::within(outlines[k as usize].1, p))
            .min_by(|a, b| size(a).total_cmp(&size(b)))
            .map(|k| outlines[k as usize].0)
    };
    (intent.goals.iter())
        .map(|g| match g {
            Goal::Profile { parent, .. } => *parent,
            Goal::Pocket { boundary, .. } => around(boundary.first().and_then(Polyline::first)),
            Goal::Trace { line, .. } => around(line.first()),
            Goal::Drill { at, .. } => around(Some(*at)),
        })
        .collect()
}
