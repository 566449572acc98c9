//! Does the tool bite into what must stay?
//!
//! The bite of a path is the tool's radius less the exact distance between path and wall; on the wrong side of
//! the wall the distance adds to it. Which side a path is on can change only where it crosses a wall, so that one
//! test per stretch of connected path is enough.

use super::program::{IN_DRILL, ON_LINE, Work, at_line};
use super::{Ctx, Findings, ProofFigures};
use crate::index::chunks;
use crate::piece::Piece;
use rayon::prelude::*;
use shop_geom::Point;
use shop_report::{Cancelled, Progress};

/// The worst bite of a stretch of path.
#[derive(Clone, Copy, Debug, Default)]
struct Bite {
    depth: f64,
    work: u32,
    /// Moves beyond the tolerance.
    moves: u32,
}

#[derive(Default)]
struct Scratch {
    found: Vec<u32>,
    walls: Vec<Wall>,
}

#[derive(Clone, Copy)]
struct Wall {
    middle: Point,
    half: f64,
    index: u32,
}

/// A path that comes nearer to a wall than this touches it, mm.
const TOUCH: f64 = 1e-9;
/// Along a path inside kept material the depth is sampled at this distance, mm.
const STEP: f64 = 0.1;

/// Measures every bite. O(moves · neighbours).
pub(super) fn check(
    ctx: &Ctx<'_>,
    findings: &mut Findings,
    figures: &mut ProofFigures,
    progress: &dyn Progress,
) -> Result<(), Cancelled> {
    if ctx.kept == 0 {
        return Ok(());
    }
    let works = &ctx.program.works;
    let joined = |i: usize| {
        works[i].run == works[i - 1].run && (works[i].piece.a - works[i - 1].piece.b).norm_squared() < 1e-12
    };
    let size = 1.5 * ctx.walls.index.cell();
    let parts = chunks(works.len(), |i| &works[i].piece, joined, size, 64);
    progress.begin("proving paths", parts.len() as u64);
    let bites: Result<Vec<Bite>, Cancelled> = parts
        .par_iter()
        .with_min_len(16)
        .map_init(Scratch::default, |scratch, part| {
            progress.advance(1)?;
            Ok(measure(ctx, part.clone(), scratch))
        })
        .collect();
    let bites = bites?;
    let worst = bites.iter().copied().fold(Bite::default(), |a, b| if b.depth > a.depth { b } else { a });
    let moves: u32 = bites.iter().map(|b| b.moves).sum();
    figures.max_gouge = worst.depth;
    figures.gouging_moves = moves;
    if worst.depth > ctx.intent.gouge_tolerance {
        let work = &works[worst.work as usize];
        let p = work.piece.b;
        findings.error("proof/gouge", worst.depth, Some(p), || {
            format!(
                "{}the cut goes {:.4} mm into material that must stay, at ({:.3}, {:.3}); {moves} {} beyond {} mm",
                at_line(work.line),
                worst.depth,
                p.x,
                p.y,
                if moves == 1 { "move is" } else { "moves are" },
                ctx.intent.gouge_tolerance
            )
        });
    }
    Ok(())
}

fn measure(ctx: &Ctx<'_>, part: std::ops::Range<usize>, scratch: &mut Scratch) -> Bite {
    let works = &ctx.program.works[part.clone()];
    let reach = works.iter().map(|w| ctx.program.radius(w.tool)).fold(0.0, f64::max);
    gather(ctx, works, reach, scratch);
    let mut bite = Bite::default();
    // Which side the stretch is on; none until tested.
    let mut inside: Option<bool> = None;
    for (k, work) in works.iter().enumerate() {
        let radius = ctx.program.radius(work.tool);
        let near = nearest(ctx, work, radius, &scratch.walls);
        if work.is(ON_LINE | IN_DRILL) {
            // May cross walls: what comes after must be tested again.
            inside = if near > TOUCH { inside } else { None };
            continue;
        }
        let depth = if near <= TOUCH {
            inside = None;
            deepest(ctx, &work.piece, radius)
        } else {
            let within = *inside.get_or_insert_with(|| ctx.in_material(work.piece.a));
            if within { deepest(ctx, &work.piece, radius) } else { radius - near }
        };
        if depth > bite.depth {
            (bite.depth, bite.work) = (depth, (part.start + k) as u32);
        }
        bite.moves += u32::from(depth > ctx.intent.gouge_tolerance);
    }
    bite
}

fn gather(ctx: &Ctx<'_>, works: &[Work], reach: f64, scratch: &mut Scratch) {
    ctx.walls.index.near(works.iter().map(|w| &w.piece), reach, &mut scratch.found);
    scratch.walls.clear();
    for &index in &scratch.found {
        if index < ctx.kept {
            let wall = &ctx.walls.pieces[index as usize];
            scratch.walls.push(Wall { middle: wall.at(0.5), half: 0.5 * wall.length(), index });
        }
    }
}

/// Returns the distance from the move to the nearest wall, or `radius` when none is nearer.
fn nearest(ctx: &Ctx<'_>, work: &Work, radius: f64, walls: &[Wall]) -> f64 {
    let (middle, half) = (work.piece.at(0.5), 0.5 * work.piece.length());
    let mut best = radius;
    for wall in walls {
        let far = best + half + wall.half;
        if (wall.middle - middle).norm_squared() < far * far {
            best = best.min(work.piece.distance(&ctx.walls.pieces[wall.index as usize]));
        }
    }
    best
}

/// Returns the deepest bite along a piece that crosses a wall or runs inside, sampled.
fn deepest(ctx: &Ctx<'_>, piece: &Piece, radius: f64) -> f64 {
    let n = (piece.length() / STEP).ceil().clamp(1.0, 200.0);
    let mut worst: f64 = 0.0;
    for k in 0..=n as u32 {
        let p = piece.at(f64::from(k) / n);
        if let Some((d, inside)) = ctx.signed(p) {
            worst = worst.max(if inside { radius + d } else { radius - d });
        }
    }
    // The centre itself touched the wall.
    worst.max(if piece.length() > 0.0 { worst } else { 0.0 })
}
