//! Is every contour cut free, and in a sound order?
//!
//! A contour is covered where a path at full depth passes within the tool's radius plus the tolerance; that part
//! is exact (see [`crate::cover`]). What is left uncovered is sampled and judged against what any tool could do:
//!
//! ```text
//!      kept          s  on the contour, n its normal into the waste
//!   ────────s────    c = s + r·n  is the only centre whose disc touches s there, so
//!           │n         · c at least r from all kept material: the tool could touch s; not touching is a fault
//!           c          · c nearer than r (a concave corner): no tool of this radius can touch s. Then c is
//!                        pushed away from the material until it is free, at c'; a path is owed within
//!                        |c' − s|, and only what exceeds that is skin.
//! ```

use super::program::{RAPID, SAME_DEPTH, SCRIBE, at_line};
use super::{Ctx, Findings, ProofFigures};
use crate::cover::Cover;
use crate::index::chunks;
use crate::piece::Piece;
use rayon::prelude::*;
use shop_cam::intent::{Goal, Waste};
use shop_geom::{Point, Polyline, left};
use shop_report::{Cancelled, Progress, Severity};

/// Where the tool runs, seen along the contour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    Left,
    Right,
    On,
}

/// One contour that must be covered.
#[derive(Clone, Debug)]
pub(super) struct Contour {
    pub goal: u32,
    pub side: Side,
    pub bottom: f64,
    pub length: f64,
    /// Walls from here on do not bound this contour's tool (boundaries of pockets elsewhere).
    pub walls: u32,
}

/// All contours, flat.
#[derive(Default)]
pub(super) struct Contours {
    pub list: Vec<Contour>,
    pub pieces: Vec<Piece>,
    /// Contour of each piece.
    pub owner: Vec<u32>,
    /// Length along the contour at which each piece begins.
    pub starts: Vec<f64>,
}

impl Contours {
    /// Adds a contour; `reach` of a line that is followed is 0, its side `On`.
    pub fn add(&mut self, goal: u32, line: &Polyline, side: Side, bottom: f64, walls: u32) {
        let from = self.pieces.len();
        let mut length = 0.0;
        for segment in line.segments() {
            let piece = Piece::of(&segment);
            let n = piece.length();
            if n > 0.0 {
                self.pieces.push(piece);
                self.owner.push(self.list.len() as u32);
                self.starts.push(length);
                length += n;
            }
        }
        if self.pieces.len() == from
            && let Some(p) = line.first()
        {
            // A point: to be touched.
            self.pieces.push(Piece::line(p, p));
            self.owner.push(self.list.len() as u32);
            self.starts.push(0.0);
        }
        self.list.push(Contour { goal, side, bottom, length, walls });
    }
}

/// An uncovered stretch of a contour.
#[derive(Clone, Copy, Debug)]
struct Gap {
    from: f64,
    to: f64,
    skin: f64,
    at: Point,
    /// How much longer the contour is here than the path at the tool's radius from it: more than 1 in holes.
    stretch: f64,
}

/// What one stretch of a contour has to say.
struct Stretch {
    contour: u32,
    /// The move that covered the last of it.
    finish: u32,
    covered: f64,
    excused: f64,
    skin: f64,
    gaps: Vec<Gap>,
}

/// What became of one contour.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    /// Index of the move after which it was cut free, when it was.
    pub finish: Option<u32>,
}

#[derive(Default)]
struct Scratch {
    found: Vec<u32>,
    near: Vec<Candidate>,
    cover: Cover,
}

#[derive(Clone, Copy)]
struct Candidate {
    middle: Point,
    half: f64,
    index: u32,
}

/// Distance between samples of an uncovered stretch, mm.
const STEP: f64 = 0.25;
/// Uncovered stretches of one piece get at most this many samples.
const MOST_SAMPLES: f64 = 64.0;

/// Covers all contours; returns their fates in order. O(pieces · neighbours).
pub(super) fn check(
    ctx: &Ctx<'_>,
    contours: &Contours,
    findings: &mut Findings,
    figures: &mut ProofFigures,
    progress: &dyn Progress,
) -> Result<Vec<Fate>, Cancelled> {
    let size = 1.5 * ctx.path.cell();
    let parts = chunks(
        contours.pieces.len(),
        |i| &contours.pieces[i],
        |i| contours.owner[i] == contours.owner[i - 1],
        size,
        64,
    );
    progress.begin("proving contours", parts.len() as u64);
    let stretches: Result<Vec<Stretch>, Cancelled> = parts
        .par_iter()
        .with_min_len(16)
        .map_init(Scratch::default, |scratch, part| {
            progress.advance(1)?;
            Ok(stretch(ctx, contours, part.clone(), scratch))
        })
        .collect();
    Ok(gather(ctx, contours, &stretches?, findings, figures))
}

fn stretch(
    ctx: &Ctx<'_>,
    contours: &Contours,
    part: std::ops::Range<usize>,
    scratch: &mut Scratch,
) -> Stretch {
    let owner = contours.owner[part.start];
    let contour = &contours.list[owner as usize];
    let mut out =
        Stretch { contour: owner, finish: 0, covered: 0.0, excused: 0.0, skin: 0.0, gaps: Vec::new() };
    candidates(ctx, contour, &contours.pieces[part.clone()], scratch);
    let Scratch { near, cover, .. } = scratch;
    for i in part {
        let piece = &contours.pieces[i];
        cover.begin(piece);
        let (middle, half) = (cover.middle(), 0.5 * piece.length());
        let mut best = f64::INFINITY;
        let mut best_radius = 0.0;
        let mut done = false;
        for c in near.iter() {
            let work = &ctx.program.works[c.index as usize];
            let radius = ctx.reach_of(contour.side, work.tool);
            let way = (c.middle - middle).norm_squared();
            let far = radius + ctx.intent.skin_tolerance + half + c.half;
            if way > far * far {
                continue;
            }
            let d = work.piece.distance_to(middle);
            if d - radius < best {
                (best, best_radius) = (d - radius, radius);
            }
            if !done && cover.take(piece, &work.piece, radius + ctx.intent.skin_tolerance) {
                out.finish = out.finish.max(c.index);
                done = cover.open().is_empty();
            }
        }
        let start = contours.starts[i];
        if !done && !cover.open().is_empty() {
            let open: Vec<(f64, f64)> = cover.open().to_vec();
            judge(ctx, contour, piece, start, &open, near.is_empty(), &mut out);
        } else {
            out.covered += piece.length();
            if best > out.skin
                && (contour.side == Side::On || feasible(ctx, contour, piece, 0.5, best_radius))
            {
                out.skin = best;
            }
        }
    }
    out
}

/// Finds the moves at full depth near the pieces, in program order.
fn candidates(ctx: &Ctx<'_>, contour: &Contour, pieces: &[Piece], scratch: &mut Scratch) {
    let reach = if contour.side == Side::On { 0.0 } else { ctx.program.largest };
    ctx.path.near(pieces.iter(), reach + ctx.intent.skin_tolerance, &mut scratch.found);
    scratch.near.clear();
    for &index in &scratch.found {
        let work = &ctx.program.works[index as usize];
        if !counts(ctx, contour, index) {
            continue;
        }
        scratch.near.push(Candidate { middle: work.piece.at(0.5), half: 0.5 * work.piece.length(), index });
    }
}

/// True when the move cuts at the contour's full depth.
fn counts(ctx: &Ctx<'_>, contour: &Contour, index: u32) -> bool {
    let work = &ctx.program.works[index as usize];
    if work.is(RAPID) || (work.is(SCRIBE) && contour.side != Side::On) {
        return false;
    }
    // A plunge leaves its whole column at its bottom, other moves are as deep as their shallow end.
    let depth = if work.stands() { work.low } else { work.high };
    !ctx.has_depth() || f64::from(depth) <= contour.bottom + SAME_DEPTH
}

/// Judges what is not covered of one piece.
fn judge(
    ctx: &Ctx<'_>,
    contour: &Contour,
    piece: &Piece,
    start: f64,
    open: &[(f64, f64)],
    nothing_near: bool,
    out: &mut Stretch,
) {
    let length = piece.length();
    let mut uncovered = 0.0;
    for &(t0, t1) in open {
        let span = (t1 - t0) * length;
        uncovered += span;
        let from = start + t0 * length;
        // A short stretch right after one that was just judged shares its verdict.
        if span < 0.5 * STEP
            && let Some(last) = out.gaps.last_mut()
            && from - last.to < 1e-9
            && last.to - last.from + span <= STEP
        {
            last.to = from + span;
            continue;
        }
        let n = if nothing_near { 1.0 } else { (span / STEP).ceil().clamp(1.0, MOST_SAMPLES) };
        // Near its ends an uncovered stretch is covered almost; three samples find its worst place.
        let n = if !nothing_near && span > 0.5 * STEP { n.max(3.0) } else { n } as usize;
        for k in 0..n {
            let at = |x: f64| t0 + (t1 - t0) * x / n as f64;
            let t = at(k as f64 + 0.5);
            let span = (start + at(k as f64) * length, start + at(k as f64 + 1.0) * length);
            match skin(ctx, contour, piece, t) {
                Some(skin) if skin > ctx.intent.skin_tolerance => {
                    let stretch = stretch_of(ctx, contour, piece);
                    out.gaps.push(Gap { from: span.0, to: span.1, skin, at: piece.at(t), stretch });
                }
                Some(skin) => {
                    out.skin = out.skin.max(skin);
                    out.covered += span.1 - span.0;
                }
                None => out.excused += span.1 - span.0,
            }
        }
    }
    out.covered += length - uncovered;
}

fn stretch_of(ctx: &Ctx<'_>, contour: &Contour, piece: &Piece) -> f64 {
    let inner = !piece.is_line() && (piece.sweep > 0.0) == (contour.side == Side::Left);
    if !inner || contour.side == Side::On {
        return 1.0;
    }
    piece.radius / (piece.radius - ctx.program.largest).max(0.25 * piece.radius)
}

fn normal(contour: &Contour, piece: &Piece, t: f64) -> shop_geom::Vector {
    let n = left(piece.direction(t));
    if contour.side == Side::Right { -n } else { n }
}

/// True when the tool could touch the contour here.
fn feasible(ctx: &Ctx<'_>, contour: &Contour, piece: &Piece, t: f64, radius: f64) -> bool {
    let c = piece.at(t) + normal(contour, piece, t) * radius;
    ctx.nearest_wall(c, radius - FREE, contour.walls).is_none()
}

/// Nearer to a wall than the radius by this is free, mm.
const FREE: f64 = 1e-6;

/// Returns the skin left at fraction `t` beyond what is unavoidable; none when nothing can be asked there.
fn skin(ctx: &Ctx<'_>, contour: &Contour, piece: &Piece, t: f64) -> Option<f64> {
    let s = piece.at(t);
    let reach = 5.0 * ctx.program.largest + 1.0;
    let nearest = ctx.path.nearest(s, reach, |i| {
        if counts(ctx, contour, i) {
            ctx.program.works[i as usize].piece.distance_to(s)
        } else {
            f64::INFINITY
        }
    });
    if contour.side == Side::On {
        return Some(nearest.map_or(f64::INFINITY, |n| n.1));
    }
    let (d, radius) = match nearest {
        Some((i, d)) => (d, ctx.program.radius(ctx.program.works[i as usize].tool)),
        None => (f64::INFINITY, ctx.program.largest),
    };
    let owed = owed(ctx, contour, s, normal(contour, piece, t), radius)?;
    Some(d - owed)
}

/// Returns how near a path must come to `s`: the radius where the tool can touch it, more in a corner.
fn owed(ctx: &Ctx<'_>, contour: &Contour, s: Point, n: shop_geom::Vector, radius: f64) -> Option<f64> {
    // A spinning tool goes wherever it fits. A jet does not go where it would run along its own kerf again: it is
    // taken a little wider, and a place that it fits into only to the last micrometre is not asked for.
    let slack = if ctx.has_depth() { 0.0 } else { (0.5 * ctx.intent.skin_tolerance).min(0.005) };
    let room = radius + slack;
    let mut c = s + n * room;
    let mut pushed = false;
    for _ in 0..24 {
        let Some((i, d)) = ctx.nearest_wall(c, room - FREE, contour.walls) else {
            if !pushed {
                return Some(radius);
            }
            let far = (c - s).norm();
            let free = far <= 5.0 * radius + 1.0 && ctx.sees(s, c, contour.walls);
            return free.then_some(far.max(radius));
        };
        let wall = &ctx.walls.pieces[i as usize];
        let foot = wall.nearest(c);
        if d < 1e-9 {
            return None;
        }
        // Already behind a wall: the push would go on into the material.
        if ctx.walls.face(i, c) > 0.0 {
            c = foot - (c - foot) * (room / d);
        } else {
            c = foot + (c - foot) * (room / d);
        }
        pushed = true;
    }
    None
}

fn gather(
    ctx: &Ctx<'_>,
    contours: &Contours,
    stretches: &[Stretch],
    findings: &mut Findings,
    figures: &mut ProofFigures,
) -> Vec<Fate> {
    let mut fates = Vec::with_capacity(contours.list.len());
    let mut at = 0;
    for (index, contour) in contours.list.iter().enumerate() {
        let from = at;
        while at < stretches.len() && stretches[at].contour == index as u32 {
            at += 1;
        }
        fates.push(fate(ctx, contour, &stretches[from..at], findings, figures));
    }
    figures.contours = contours.list.len();
    fates
}

/// Adds up the stretches of one contour.
fn fate(
    ctx: &Ctx<'_>,
    contour: &Contour,
    stretches: &[Stretch],
    findings: &mut Findings,
    figures: &mut ProofFigures,
) -> Fate {
    let covered: f64 = stretches.iter().map(|s| s.covered).sum();
    let mut gaps: Vec<Gap> = stretches.iter().flat_map(|s| s.gaps.iter().copied()).collect();
    let tabs = tabs_of(ctx, contour);
    excuse_tabs(ctx, contour, tabs, &mut gaps, findings, figures);
    let radius = if contour.side == Side::On { 0.5 } else { ctx.program.largest };
    let far = ctx.intent.skin_tolerance.max(radius.min(1.0));
    let gone: f64 = gaps.iter().filter(|g| g.skin > far).map(|g| g.to - g.from).sum();
    let open: f64 = gaps.iter().map(|g| g.to - g.from).sum();
    let finish = stretches.iter().map(|s| s.finish).max().unwrap_or(0);
    let place = gaps.first().map(|g| g.at).or_else(|| first_point(ctx, contour));
    let point =
        contour.length == 0.0 || matches!(ctx.intent.goals[contour.goal as usize], Goal::Drill { .. });
    if gone > 0.5 * (covered + open) || (point && !gaps.is_empty()) {
        figures.missed += 1;
        findings.error("proof/missed", 0.0, place, || missed_message(ctx, contour, place));
        return Fate { finish: None };
    }
    if covered == 0.0 && gaps.is_empty() && contour.length > 0.0 {
        figures.unreachable += 1;
        findings.warning("proof/unreachable", 0.0, place, || {
            format!("{}: too narrow for the tool everywhere", name(ctx, contour))
        });
        return Fate { finish: None };
    }
    figures.max_skin = stretches.iter().map(|s| s.skin).fold(figures.max_skin, f64::max);
    if let Some(worst) = gaps.iter().max_by(|a, b| a.skin.total_cmp(&b.skin)) {
        figures.max_skin = figures.max_skin.max(worst.skin.min(1e9));
        let at = Some(worst.at);
        findings.error("proof/skin", worst.skin, at, || {
            let how = if worst.skin.is_finite() {
                format!("a skin of {:.3} mm is left", worst.skin)
            } else {
                "it is not cut".to_owned()
            };
            format!(
                "{} at ({:.3}, {:.3}): {how}; {open:.2} mm of the contour are not cut free",
                name(ctx, contour),
                worst.at.x,
                worst.at.y
            )
        });
        return Fate { finish: None };
    }
    Fate { finish: Some(finish) }
}

fn first_point(ctx: &Ctx<'_>, contour: &Contour) -> Option<Point> {
    match &ctx.intent.goals[contour.goal as usize] {
        Goal::Profile { contour, .. } => contour.first(),
        Goal::Pocket { boundary, .. } => boundary.first().and_then(Polyline::first),
        Goal::Trace { line, .. } => line.first(),
        Goal::Drill { at, .. } => Some(*at),
    }
}

fn name(ctx: &Ctx<'_>, contour: &Contour) -> String {
    let what = match &ctx.intent.goals[contour.goal as usize] {
        Goal::Profile { waste: Waste::On, .. } | Goal::Trace { .. } => "line",
        Goal::Profile { .. } => "contour",
        Goal::Pocket { .. } => "wall of pocket",
        Goal::Drill { .. } => "hole",
    };
    format!("{what} {}", contour.goal + 1)
}

fn missed_message(ctx: &Ctx<'_>, contour: &Contour, place: Option<Point>) -> String {
    let depth = if ctx.has_depth() { format!(" down to z {:.3}", contour.bottom) } else { String::new() };
    let place = place.map_or_else(String::new, |p| format!(" at ({:.3}, {:.3})", p.x, p.y));
    format!("{}{place} is not cut{depth}", name(ctx, contour))
}

fn tabs_of<'a>(ctx: &Ctx<'a>, contour: &Contour) -> &'a [(Point, f64)] {
    match &ctx.intent.goals[contour.goal as usize] {
        Goal::Profile { tabs, .. } => tabs,
        _ => &[],
    }
}

/// Takes away what tabs leave standing, and asks that they do. An uncovered run belongs to a tab when it holds the
/// tab's middle and is no longer than the tab, the round ends that the tool leaves on either side of it, and one
/// corner.
fn excuse_tabs(
    ctx: &Ctx<'_>,
    contour: &Contour,
    tabs: &[(Point, f64)],
    gaps: &mut Vec<Gap>,
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    if tabs.is_empty() {
        return;
    }
    let radius = if contour.side == Side::On { 0.0 } else { ctx.program.largest };
    let runs = runs(gaps, contour.length);
    let mut excused = vec![false; gaps.len()];
    for &(middle, length) in tabs {
        let holds = |run: &&Vec<usize>| {
            run.iter().any(|&g| (gaps[g].at - middle).norm() <= (gaps[g].to - gaps[g].from).max(0.5 * length))
        };
        figures.tabs += 1;
        let mut standing = 0.0;
        for run in runs.iter().filter(holds) {
            let long: f64 = run.iter().map(|&g| gaps[g].to - gaps[g].from).sum();
            let stretch = run.iter().map(|&g| gaps[g].stretch).fold(1.0, f64::max);
            standing += long;
            // In a concave corner the path turns at once while the contour goes on for a diameter.
            if long <= (length + 2.0 * radius) * stretch + 2.0 * radius + TAB_SLACK {
                for &g in run {
                    excused[g] = true;
                }
            }
        }
        if standing < 0.5 * length {
            findings.error("proof/tab", length - standing, Some(middle), || {
                format!(
                    "{}: the tab of {length:.2} mm at ({:.3}, {:.3}) is cut through; {standing:.2} mm of it stand",
                    name(ctx, contour),
                    middle.x,
                    middle.y
                )
            });
        }
    }
    let mut excused = excused.into_iter();
    gaps.retain(|_| !excused.next().unwrap_or(false));
}

/// A tab may be longer than asked by this, mm: ramps at its ends.
const TAB_SLACK: f64 = 1.0;
/// Uncovered stretches closer than this are one run, mm.
const ONE_RUN: f64 = 0.3;

/// Groups gaps that follow each other along a contour, over its start as well.
fn runs(gaps: &[Gap], length: f64) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::new();
    for i in 0..gaps.len() {
        match out.last_mut() {
            Some(run) if gaps[i].from - gaps[i - 1].to <= ONE_RUN => run.push(i),
            _ => out.push(vec![i]),
        }
    }
    let over_start = |a: &Gap, b: &Gap| a.from + length - b.to <= ONE_RUN;
    if out.len() > 1 && gaps.first().zip(gaps.last()).is_some_and(|(a, b)| over_start(a, b)) {
        let first = out.remove(0);
        if let Some(last) = out.last_mut() {
            last.extend(first);
        }
    }
    out
}

/// Judges the order: whatever lies in a contour is finished before it is. `fates` by goal.
pub(super) fn order(
    ctx: &Ctx<'_>,
    finish: &[Option<u32>],
    parents: &[Option<u32>],
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    for (i, done) in finish.iter().enumerate() {
        let Some(done) = *done else { continue };
        let mut above = parents[i];
        // On through every contour around it; the count guards against a ring of parents.
        for _ in 0..finish.len() {
            let Some(p) = above else { break };
            let parent = p as usize;
            if let Some(free) = finish.get(parent).copied().flatten()
                && done > free
            {
                late(ctx, i, parent, done, free, findings, figures);
                break;
            }
            above = parents.get(parent).copied().flatten();
        }
    }
}

fn late(
    ctx: &Ctx<'_>,
    goal: usize,
    parent: usize,
    done: u32,
    free: u32,
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    let tabbed = matches!(&ctx.intent.goals[parent], Goal::Profile { tabs, .. } if !tabs.is_empty());
    let severity = if tabbed { Severity::Warning } else { Severity::Error };
    let work = &ctx.program.works[done as usize];
    let freed = ctx.program.works[free as usize].line;
    if !tabbed {
        figures.order_violations += 1;
    }
    findings.note(severity, "proof/order", 0.0, Some(work.piece.b), || {
        let around = if freed == 0 { String::new() } else { format!(" on line {freed}") };
        format!(
            "{}goal {} is finished after goal {} around it has been cut free{around}",
            at_line(work.line),
            goal + 1,
            parent + 1
        )
    });
}
