//! The rings that clear a pocket.

use super::{OffsetContour, OffsetOptions, offset};
use crate::boolean::{Boolean, Fill, combine};
use crate::{Aabb, Polyline};
use shop_report::{Cancelled, Progress};

/// Pieces shorter than this are left out between rings, mm: they say nothing about the shape, and each would be
/// carried along, and have joints of its own, in every further ring.
const DECIMATE: f64 = 1e-4;
/// The finest step that is taken literally, mm.
const LEAST_STEP: f64 = 1e-3;

/// Returns successive inward offsets of a pocket until nothing is left: the first at `first` from its boundary, each
/// further one by `step` from the one before. The pocket is what `contours` enclose, islands clockwise.
///
/// **Coverage.** A tool of radius r that follows all rings removes every point that it can reach, for r = `first`
/// (and so for every larger one). Let δ(p) be a point's distance to the boundary. Where δ ≤ `first`, the tool's
/// centre that reaches p lies inside the first ring, and the way there crosses it within r. Where p lies between
/// two rings, the way to its nearest point of the boundary meets the outer of them after less than `step`. So up
/// to `step` = r nothing is left, between rings or where the last one closes. For larger steps that is not so
/// where a part of the pocket comes to an end or narrows between two rings: there what the tool leaves is
/// calculated, and wherever it leaves anything a ring is put in half way, which the same argument proves enough
/// up to `step` = 2r. Larger steps are taken as 2r.
///
/// Each ring comes from the one before, exact up to pieces below 0.1 µm that are left out, so the effort is that of
/// one offset a ring. Rings put in follow the ring outside of them.
pub fn rings(
    contours: &[Polyline],
    first: f64,
    step: f64,
    options: &OffsetOptions,
    progress: &dyn Progress,
) -> Result<Vec<Vec<OffsetContour>>, Cancelled> {
    let mut all = Vec::new();
    if !(first.is_finite() && step.is_finite()) {
        return Ok(all);
    }
    let first = first.max(0.0);
    let step = step.max(LEAST_STEP);
    let step = if first > 0.0 { step.min((2.0 * first).max(LEAST_STEP)) } else { step };
    let mut ring = offset(contours, -first, options, progress)?;
    while !ring.is_empty() {
        let shape: Vec<Polyline> = ring.iter().map(|c| decimated(&c.polyline)).collect();
        let next = inner(&shape, &ring, step, options, progress)?;
        let between = if first > 0.0 && step > first * (1.0 + 1e-9) {
            half_way(&shape, &ring, &next, first, step, options, progress)?
        } else {
            Vec::new()
        };
        all.push(std::mem::replace(&mut ring, next));
        if !between.is_empty() {
            all.push(between);
        }
    }
    Ok(all)
}

/// Returns `shape` shrunk by `step`, with the sources that its contours had in `outer`.
fn inner(
    shape: &[Polyline],
    outer: &[OffsetContour],
    step: f64,
    options: &OffsetOptions,
    progress: &dyn Progress,
) -> Result<Vec<OffsetContour>, Cancelled> {
    let mut ring = offset(shape, -step, options, progress)?;
    for contour in &mut ring {
        let from = std::mem::take(&mut contour.sources);
        contour.sources = from.iter().flat_map(|&i| outer[i as usize].sources.iter().copied()).collect();
        contour.sources.sort_unstable();
        contour.sources.dedup();
    }
    Ok(ring)
}

/// Returns the ring half way inside `shape`, as far as a tool of radius `r` leaves something between `shape` and
/// the next ring.
fn half_way(
    shape: &[Polyline],
    outer: &[OffsetContour],
    next: &[OffsetContour],
    r: f64,
    step: f64,
    options: &OffsetOptions,
    progress: &dyn Progress,
) -> Result<Vec<OffsetContour>, Cancelled> {
    let lines = |c: Vec<OffsetContour>| c.into_iter().map(|c| c.polyline).collect::<Vec<_>>();
    let inside: Vec<Polyline> = next.iter().map(|c| c.polyline.clone()).collect();
    let beyond = lines(offset(shape, -r, options, progress)?);
    let reached = lines(offset(&inside, r, options, progress)?);
    let left = combine(&beyond, &reached, Boolean::Difference, Fill::Positive, 0.5 * options.tolerance);
    // What is thinner than the tolerance is where the two boundaries are the same.
    let wide = |c: &Polyline| c.area().abs() > 2.0 * options.tolerance * c.length();
    let left: Vec<Aabb> = left.iter().filter(|c| wide(c)).map(Polyline::bounds).collect();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let ring = inner(shape, outer, 0.5 * step, options, progress)?;
    let solid = |c: &OffsetContour| c.polyline.area() > 0.0;
    let parts: Vec<Aabb> = ring
        .iter()
        .filter(|c| solid(c))
        .map(|c| c.polyline.bounds())
        .filter(|b| left.iter().any(|l| b.inflated(r).contains_box(l)))
        .collect();
    let wanted = |c: &OffsetContour| {
        let b = c.polyline.bounds();
        parts.iter().any(|p| if solid(c) { *p == b } else { p.contains_box(&b) })
    };
    Ok(ring.into_iter().filter(wanted).collect())
}

/// Returns the contour without pieces too short to matter; one that is nothing else stays as it is.
fn decimated(contour: &Polyline) -> Polyline {
    let v = &contour.vertices;
    let mut vertices = Vec::with_capacity(v.len());
    for (i, at) in v.iter().enumerate() {
        let to = v[if i + 1 == v.len() { 0 } else { i + 1 }].point;
        if at.bulge.abs() > 1.5 || (to - at.point).norm_squared() > DECIMATE * DECIMATE {
            vertices.push(*at);
        }
    }
    if vertices.len() < 2 { contour.clone() } else { Polyline { vertices, closed: true } }
}
