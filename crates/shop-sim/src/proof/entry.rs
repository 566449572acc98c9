//! Pierces, rapids in the work, and drilled holes: what happens at points.

use super::contours::{Contours, Side};
use super::program::{IN_DRILL, Pierce, RAPID, SAME_DEPTH, SIDEWAYS, Work, at_line};
use super::{Ctx, Findings, ProofFigures};
use rayon::prelude::*;
use shop_cam::intent::Goal;
use shop_cam::machine::MachineKind;
use shop_geom::{Aabb, Point, Polyline, Vector};

/// A drill stands in its hole when this near to the middle, mm.
const IN_PLACE: f64 = 0.02;
/// A drill is of the right diameter within this, mm.
const DRILL_TOLERANCE: f64 = 0.11;

/// Points by x, for finding those near a place.
struct Points {
    sorted: Vec<(f64, f64, u32)>,
}

impl Points {
    fn new(points: impl Iterator<Item = (Point, u32)>) -> Self {
        let mut sorted: Vec<(f64, f64, u32)> = points.map(|(p, i)| (p.x, p.y, i)).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        Points { sorted }
    }

    fn near(&self, p: Point, within: f64) -> impl Iterator<Item = u32> + '_ {
        let from = self.sorted.partition_point(|q| q.0 < p.x - within);
        (self.sorted[from..].iter())
            .take_while(move |q| q.0 <= p.x + within)
            .filter(move |q| (q.0 - p.x).hypot(q.1 - p.y) <= within)
            .map(|q| q.2)
    }
}

/// Finds the holes to be drilled among the plunges and marks those; a hole that was not drilled becomes a contour
/// to be milled or cut out, with the returned index of its goal left to [`super::contours`].
pub(super) fn drills(
    ctx: &mut Ctx<'_>,
    contours: &mut Contours,
    finish: &mut [Option<u32>],
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    let goals = &ctx.intent.goals;
    let holes: Vec<u32> =
        (0..goals.len() as u32).filter(|&i| matches!(goals[i as usize], Goal::Drill { .. })).collect();
    if holes.is_empty() {
        return;
    }
    let within = IN_PLACE.max(ctx.intent.gouge_tolerance);
    let works = &ctx.program.works;
    let plunges = Points::new(
        (works.iter().enumerate())
            .filter(|(_, w)| w.stands() && !w.is(RAPID))
            .map(|(i, w)| (w.piece.a, i as u32)),
    );
    let beam = !ctx.has_depth();
    let pierces = Points::new(ctx.program.pierces.iter().enumerate().map(|(i, p)| (p.at, i as u32)));
    for &hole in &holes {
        let Goal::Drill { at, diameter, bottom } = &goals[hole as usize] else { continue };
        let mut best: Option<(u32, f64, f32)> = None;
        for i in plunges.near(*at, within) {
            let width = 2.0 * ctx.program.radius(works[i as usize].tool);
            let low = works[i as usize].low;
            if best.is_none_or(|b| low < b.2) {
                best = Some((i, width, low));
            }
        }
        let done = if beam {
            pierces.near(*at, within).next().map(|_| true)
        } else {
            best.map(|(i, width, low)| {
                drilled(ctx, hole, i, width, f64::from(low), *diameter, *bottom, findings)
            })
        };
        match done {
            Some(true) => {
                figures.drilled += 1;
                finish[hole as usize] = best.map(|b| b.0).or(finish[hole as usize]);
            }
            Some(false) => figures.missed += 1,
            None => {
                let circle = Polyline::circle(*at, 0.5 * diameter);
                contours.add(hole, &circle, Side::Left, *bottom, ctx.kept);
            }
        }
    }
    let holes = Points::new(holes.iter().filter_map(|&i| match &goals[i as usize] {
        Goal::Drill { at, .. } => Some((*at, i)),
        _ => None,
    }));
    // A drill that comes up again stands in the same hole.
    for i in 0..ctx.program.works.len() {
        let work = &ctx.program.works[i];
        let width = 2.0 * ctx.program.radius(work.tool);
        let fits = |g: u32| match &goals[g as usize] {
            Goal::Drill { diameter, .. } => *diameter == 0.0 || width <= diameter + DRILL_TOLERANCE,
            _ => false,
        };
        if work.stands() && holes.near(work.piece.a, within).any(fits) {
            ctx.program.works[i].flags |= IN_DRILL;
        }
    }
}

/// Judges one drilled hole; true when it is as asked, none when the tool is too small and may have milled it.
fn drilled(
    ctx: &Ctx<'_>,
    hole: u32,
    work: u32,
    width: f64,
    low: f64,
    diameter: f64,
    bottom: f64,
    findings: &mut Findings,
) -> bool {
    let work = &ctx.program.works[work as usize];
    let at = Some(work.piece.a);
    if low > bottom + SAME_DEPTH {
        findings.error("proof/drill", low - bottom, at, || {
            format!("{}hole {} is drilled to z {low:.3}, not to {bottom:.3}", at_line(work.line), hole + 1)
        });
        return false;
    }
    // A point has no diameter: any drill makes it.
    if diameter > 0.0 && (width - diameter).abs() > DRILL_TOLERANCE {
        findings.error("proof/drill", (width - diameter).abs(), at, || {
            format!(
                "{}hole {} of {diameter:.3} mm is drilled with {width:.3} mm",
                at_line(work.line),
                hole + 1
            )
        });
        return false;
    }
    true
}

/// What is wrong with one pierce.
#[derive(Clone, Copy, Default)]
struct Verdict {
    clearance: f64,
    cramped: bool,
    old_kerf: bool,
}

/// Judges every place at which the tool enters the work.
pub(super) fn pierces(ctx: &Ctx<'_>, findings: &mut Findings, figures: &mut ProofFigures) {
    let pierces = &ctx.program.pierces;
    let first = first_works(ctx);
    let verdicts: Vec<Option<Verdict>> = pierces
        .par_iter()
        .with_min_len(64)
        .enumerate()
        .map_init(Vec::new, |found, (i, p)| pierce(ctx, p, first[i], found))
        .collect();
    for (p, verdict) in pierces.iter().zip(&verdicts) {
        let Some(v) = verdict else { continue };
        if v.clearance < figures.pierce_clearance {
            figures.pierce_clearance = v.clearance;
        }
        if v.clearance < -ctx.intent.gouge_tolerance {
            figures.bad_pierces += 1;
            findings.error("proof/pierce", -v.clearance, Some(p.at), || {
                format!(
                    "{}the pierce at ({:.3}, {:.3}) damages {:.3} mm of material that must stay",
                    at_line(p.line),
                    p.at.x,
                    p.at.y,
                    -v.clearance
                )
            });
        } else if v.cramped {
            let short = ctx.intent.pierce_clearance - v.clearance;
            findings.warning("proof/pierce", short, Some(p.at), || {
                format!(
                    "{}the pierce at ({:.3}, {:.3}) is {:.3} mm from the part beyond the cut's radius, {:.3} mm are asked",
                    at_line(p.line),
                    p.at.x,
                    p.at.y,
                    v.clearance,
                    ctx.intent.pierce_clearance
                )
            });
        }
        if v.old_kerf {
            figures.old_kerf_pierces += 1;
            findings.error("proof/old-kerf", 0.0, Some(p.at), || {
                format!(
                    "{}the pierce at ({:.3}, {:.3}) is on a kerf that has been cut already",
                    at_line(p.line),
                    p.at.x,
                    p.at.y
                )
            });
        }
    }
    off_sheet(ctx, findings);
}

/// Returns for every pierce the first move after it, if there is one.
fn first_works(ctx: &Ctx<'_>) -> Vec<Option<u32>> {
    let works = &ctx.program.works;
    let mut at = 0;
    (ctx.program.pierces.iter())
        .map(|p| {
            while at < works.len() && works[at].run < p.run {
                at += 1;
            }
            (at < works.len() && works[at].run == p.run).then_some(at as u32)
        })
        .collect()
}

fn pierce(ctx: &Ctx<'_>, p: &Pierce, first: Option<u32>, found: &mut Vec<u32>) -> Option<Verdict> {
    let follows = first.is_some_and(|f| ctx.program.works[f as usize].is(super::program::ON_LINE | IN_DRILL));
    if follows {
        return None;
    }
    let radius = ctx.program.radius(p.tool);
    let mut verdict = Verdict { clearance: f64::INFINITY, ..Verdict::default() };
    if let Some((d, inside)) = ctx.signed(p.at) {
        verdict.clearance = if inside { -(radius + d) } else { d - radius };
        let asked = ctx.intent.pierce_clearance;
        verdict.cramped = verdict.clearance < asked - 1e-3
            && verdict.clearance >= -ctx.intent.gouge_tolerance
            && has_room(ctx, p.at, radius + asked);
    }
    let plasma = ctx.intent.kind == MachineKind::Plasma;
    if plasma || ctx.intent.common_lines {
        let reach = 0.999 * radius;
        ctx.path.query(&Aabb::of([p.at]).inflated(reach), found);
        let in_kerf = found.iter().any(|&i| {
            let work = &ctx.program.works[i as usize];
            work.run < p.run && !work.is(super::program::SCRIBE) && work.piece.distance_to(p.at) < reach
        });
        // A start in a kerf is a fault: below the torch there may be nothing that the arc could go to. Where lines
        // are shared it is what was asked for, but only on a contour itself, where one cut goes on from another and
        // the kerf's edge is half a cut away. A pierce farther out that hits a kerf is an accident still.
        let slack = ctx.intent.skin_tolerance.max(ctx.intent.gouge_tolerance);
        let goes_on = in_kerf && ctx.intent.common_lines && verdict.clearance.abs() <= slack;
        verdict.old_kerf = plasma && in_kerf && !goes_on;
        verdict.cramped &= !goes_on;
    }
    Some(verdict)
}

/// True when a point `wanted` away from the material can be reached by walking away from it: then a better pierce
/// was there to be had.
fn has_room(ctx: &Ctx<'_>, from: Point, wanted: f64) -> bool {
    let mut p = from;
    for _ in 0..32 {
        let Some((i, d)) = ctx.nearest_kept(p, wanted) else { return true };
        if d >= wanted - 1e-3 {
            return true;
        }
        let away = (p - ctx.walls.pieces[i as usize].nearest(p)).try_normalize(1e-9);
        let Some(away) = away else { return false };
        p += away * (0.25 * wanted).min(wanted - d);
    }
    false
}

fn off_sheet(ctx: &Ctx<'_>, findings: &mut Findings) {
    let Some(sheet) = &ctx.intent.sheet else { return };
    for p in &ctx.program.pierces {
        if !sheet.inflated(1e-3).contains(p.at) {
            findings.error("proof/sheet", 0.0, Some(p.at), || {
                format!("{}the pierce at ({:.3}, {:.3}) is not on the sheet", at_line(p.line), p.at.x, p.at.y)
            });
        }
    }
}

/// Judges rapids in the work: with the beam on, or the tool down where nothing has been cleared yet.
pub(super) fn rapids(ctx: &Ctx<'_>, findings: &mut Findings, figures: &mut ProofFigures) {
    let works = &ctx.program.works;
    let rapid: Vec<u32> = (0..works.len() as u32).filter(|&i| works[i as usize].is(RAPID)).collect();
    let bad: Vec<bool> = rapid
        .par_iter()
        .with_min_len(64)
        .map_init(Vec::new, |found, &i| {
            let work = &works[i as usize];
            let sideways = work.piece.length() > SIDEWAYS;
            match ctx.intent.kind {
                MachineKind::Plasma | MachineKind::Laser => sideways,
                _ => (sideways || goes_down(works, i)) && !cleared(ctx, i, found),
            }
        })
        .collect();
    for (&i, bad) in rapid.iter().zip(bad) {
        if !bad {
            continue;
        }
        let work = &works[i as usize];
        let at = Some(work.piece.b);
        let beam = ctx.intent.kind == MachineKind::Plasma;
        if work.piece.length() > SIDEWAYS {
            figures.rapids_in_work += 1;
            findings.error("proof/rapid-in-work", work.piece.length(), at, || {
                let how = if beam { "with the torch on" } else { "through uncut material" };
                format!("{}a rapid of {:.2} mm {how}", at_line(work.line), work.piece.length())
            });
        } else {
            figures.rapid_plunges += 1;
            findings.error("proof/plunge", ctx.intent.top - f64::from(work.low), at, || {
                format!("{}a rapid plunges into uncut material, to z {:.3}", at_line(work.line), work.low)
            });
        }
    }
}

/// True when a standing rapid goes down: it begins its path or goes below what came before.
fn goes_down(works: &[Work], i: u32) -> bool {
    let work = &works[i as usize];
    match (i as usize).checked_sub(1).map(|k| &works[k]).filter(|w| w.run == work.run) {
        None => true,
        Some(before) => work.low < before.low - 1e-4,
    }
}

/// True when earlier cuts have cleared the whole disc along the rapid down to its depth. Sampled: every half
/// radius along it, twelve points around.
fn cleared(ctx: &Ctx<'_>, i: u32, found: &mut Vec<u32>) -> bool {
    let works = &ctx.program.works;
    let work = &works[i as usize];
    let radius = ctx.program.radius(work.tool);
    let n = (work.piece.length() / (0.5 * radius).max(0.1)).ceil().clamp(1.0, 400.0);
    for k in 0..=n as u32 {
        let c = work.piece.at(f64::from(k) / n);
        ctx.path.query(&Aabb::of([c]).inflated(radius + ctx.program.largest + 0.1), found);
        found.retain(|&j| {
            let w = &works[j as usize];
            let floor = if w.stands() { w.low } else { w.high };
            j < i && !w.is(RAPID) && floor <= work.low + 1e-3
        });
        for step in 0..12 {
            let (s, o) = (std::f64::consts::TAU * f64::from(step) / 12.0).sin_cos();
            let p = c + Vector::new(o, s) * (0.97 * radius);
            let free = found.iter().any(|&j| {
                let w = &works[j as usize];
                w.piece.distance_to(p) <= 1.02 * ctx.program.radius(w.tool) + 0.02
            });
            if !free {
                return false;
            }
        }
    }
    true
}
