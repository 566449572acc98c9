//! Paths that follow a line: engraving, marking, cutting on the line.

use super::contours::{Contours, Side};
use super::program::{ON_LINE, RAPID, at_line};
use super::{Ctx, Findings, ProofFigures};
use crate::cover::Cover;
use crate::index::{Index, chunks};
use rayon::prelude::*;
use shop_cam::intent::{Goal, Waste};

/// Marks every move that lies on a line to be followed, and notes paths that leave theirs.
///
/// A path belongs to the lines when more than half of it is on them, or when following lines is all there is to
/// do.
pub(super) fn mark(
    ctx: &mut Ctx<'_>,
    contours: &Contours,
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    let mine: Vec<usize> =
        (0..contours.pieces.len()).filter(|&i| contour_of(contours, i).side == Side::On).collect();
    if mine.is_empty() || ctx.program.works.is_empty() {
        return;
    }
    let mean = mine.iter().map(|&i| contours.pieces[i].length()).sum::<f64>() / mine.len() as f64;
    let index = Index::new(mine.iter().map(|&i| &contours.pieces[i]), mean.max(0.2));
    let on = on_lines(ctx, contours, &mine, &index);
    judge(ctx, contours, &mine, &index, &on, findings, figures);
    for (work, share) in ctx.program.works.iter_mut().zip(&on) {
        if *share == 1.0 {
            work.flags |= ON_LINE;
        }
    }
}

fn contour_of(contours: &Contours, piece: usize) -> &super::contours::Contour {
    &contours.list[contours.owner[piece] as usize]
}

/// A line may be followed this much too deep, mm.
const TOO_DEEP: f64 = 0.05;

/// Returns for every move which share of it lies on a line.
fn on_lines(ctx: &Ctx<'_>, contours: &Contours, mine: &[usize], index: &Index) -> Vec<f64> {
    let works = &ctx.program.works;
    let tolerance = ctx.intent.gouge_tolerance;
    let parts = chunks(works.len(), |i| &works[i].piece, |_| true, 4.0 * index.cell(), 64);
    let shares: Vec<Vec<f64>> = parts
        .par_iter()
        .with_min_len(16)
        .map_init(
            || (Vec::new(), Cover::default()),
            |(found, cover), part| {
                index.near(works[part.clone()].iter().map(|w| &w.piece), tolerance, found);
                let share = |work: &super::program::Work| {
                    // A rapid that lifts the tool off the line stands on it.
                    if (work.is(RAPID) && !work.stands()) || found.is_empty() {
                        return 0.0;
                    }
                    cover.begin(&work.piece);
                    for &f in found.iter() {
                        let i = mine[f as usize];
                        let deep = ctx.has_depth()
                            && f64::from(work.low) < contour_of(contours, i).bottom - TOO_DEEP;
                        if !deep {
                            cover.take(&work.piece, &contours.pieces[i], tolerance);
                        }
                    }
                    1.0 - cover.open().iter().map(|(a, b)| b - a).sum::<f64>()
                };
                works[part.clone()].iter().map(share).collect()
            },
        )
        .collect();
    shares.into_iter().flatten().collect()
}

fn only_lines(goals: &[Goal]) -> bool {
    goals.iter().all(|g| matches!(g, Goal::Trace { .. } | Goal::Profile { waste: Waste::On, .. }))
}

fn judge(
    ctx: &Ctx<'_>,
    contours: &Contours,
    mine: &[usize],
    index: &Index,
    on: &[f64],
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    let works = &ctx.program.works;
    let all = only_lines(&ctx.intent.goals);
    let mut from = 0;
    while from < works.len() {
        let mut to = from + 1;
        while to < works.len() && works[to].run == works[from].run {
            to += 1;
        }
        let length = |i: usize| if works[i].is(RAPID) { 0.0 } else { works[i].piece.length() };
        let total: f64 = (from..to).map(length).sum();
        let followed: f64 = (from..to).map(|i| length(i) * on[i]).sum();
        if all || followed > 0.5 * total {
            for i in from..to {
                // Plunges count where they stand; rapids are judged elsewhere.
                if on[i] < 1.0 - 1e-9 && !works[i].is(RAPID) {
                    off_line(ctx, contours, mine, index, i, findings, figures);
                }
            }
        }
        from = to;
    }
}

fn off_line(
    ctx: &Ctx<'_>,
    contours: &Contours,
    mine: &[usize],
    index: &Index,
    i: usize,
    findings: &mut Findings,
    figures: &mut ProofFigures,
) {
    let work = &ctx.program.works[i];
    let far = |t: f64| {
        let p = work.piece.at(t);
        let d = index.nearest(p, f64::INFINITY, |k| contours.pieces[mine[k as usize]].distance_to(p));
        d.map_or(0.0, |d| d.1)
    };
    let off = [0.0, 0.25, 0.5, 0.75, 1.0].map(far).into_iter().fold(0.0, f64::max);
    figures.off_line = figures.off_line.max(off);
    let deep = off <= ctx.intent.gouge_tolerance;
    findings.error("proof/trace-off-line", off, Some(work.piece.b), || {
        let line = at_line(work.line);
        if deep {
            format!("{line}the path is deeper than the line it follows asks for")
        } else {
            format!("{line}the path leaves the line it follows by {off:.3} mm")
        }
    });
}
