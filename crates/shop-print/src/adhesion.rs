//! What is laid around parts so that they hold on to the bed, and so that the nozzle is full before they begin.
//!
//! ```text
//!    ╭───────────────╮      skirt: around everything, as often and as high as wanted
//!    │ ╭┄┄┄┄┄┄┄┄┄┄┄╮ │
//!    │ ┊ ┌───────┐ ┊ │      brim: rings that touch the part: around it, in its holes, or
//!    │ ┊ │ part  │ ┊ │      discs at its sharp corners only (mouse ears)
//!    │ ╰┄└───────┘┄╯ │
//!    ╰───────────────╯
//! ```

use crate::job::Job;
use crate::settings::Brim;
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot, simplify, twice_area};

/// How far rings may be straightened, mm.
const STRAIGHT_MM: f64 = 0.01;
/// Corners of ears are sought on contours that are straightened by as much, mm.
const CORNER_MM: f64 = 0.1;

/// Adds the loops of the skirt to `out`, the outermost first, around a convex outline and its brim.
pub fn skirt(job: &Job, outline: &[Spot], planar: &mut Planar, out: &mut Contours) {
    let s = &job.settings;
    let rules = &job.wall_rules(0);
    if outline.len() < 3 {
        return;
    }
    let mut hull = Contours::default();
    hull.add(outline);
    let near = 0.5 * rules.width + (s.brim_gap_mm + s.brim_mm.max(0.0) + s.skirt_mm) * PER_MM;
    for k in (0..s.skirt_loops).rev() {
        grow(&hull, near + f64::from(k) * rules.pitch, planar, out, |_| true);
    }
}

/// Adds the rings of the brim of a region to `out`, the outermost first.
pub fn brim(job: &Job, region: &Contours, planar: &mut Planar, out: &mut Contours) {
    let s = &job.settings;
    let rules = &job.wall_rules(0);
    let near = 0.5 * rules.width + s.brim_gap_mm * PER_MM;
    let rings = (s.brim_mm * PER_MM / rules.pitch).round() as u32;
    if s.brim_where == Brim::Ears {
        return ears(job, region, near, rings, planar, out);
    }
    let wanted = |area: i64| match s.brim_where {
        Brim::Inner => area < 0,
        Brim::Both => true,
        Brim::Outer | Brim::Ears => area > 0,
    };
    for k in (0..rings).rev() {
        grow(region, near + f64::from(k) * rules.pitch, planar, out, wanted);
    }
}

/// Adds those contours around a region that are wanted by their area.
fn grow(region: &Contours, by: f64, planar: &mut Planar, out: &mut Contours, wanted: impl Fn(i64) -> bool) {
    let (mut grown, mut simple) = (Contours::default(), Contours::default());
    planar.inset(region, -by, round(), &mut grown);
    simplify(&grown, STRAIGHT_MM * PER_MM, &mut simple);
    for contour in simple.iter().filter(|c| wanted(twice_area(c))) {
        out.add(contour);
    }
}

fn round() -> Corner {
    Corner::Round { tolerance: 0.02 * PER_MM }
}

/// Adds discs at sharp corners, ring by ring.
fn ears(job: &Job, region: &Contours, near: f64, rings: u32, planar: &mut Planar, out: &mut Contours) {
    let s = &job.settings;
    let pitch = job.wall_rules(0).pitch;
    let mut plain = Contours::default();
    simplify(region, CORNER_MM * PER_MM, &mut plain);
    let mut discs = Contours::default();
    let radius = f64::from(rings) * pitch;
    for contour in plain.iter().filter(|c| twice_area(c) > 0) {
        for corner in sharp(contour, s.brim_ear_angle_deg) {
            for k in 0..48 {
                let (sin, cos) = (std::f64::consts::TAU * f64::from(k) / 48.0).sin_cos();
                let off = |v: f64| (radius * v).round() as i32;
                discs.push(Spot::new(corner.x + off(cos), corner.y + off(sin)));
            }
            discs.close();
        }
    }
    let (mut all, mut body, mut rest) = (Contours::default(), Contours::default(), Contours::default());
    planar.unite(&discs, &mut all);
    planar.inset(region, -near, round(), &mut body);
    planar.combine(&all, &body, Boolean::Difference, &mut rest);
    while !rest.is_empty() {
        for contour in rest.iter() {
            out.add(contour);
        }
        planar.inset(&rest, pitch, round(), &mut all);
        std::mem::swap(&mut rest, &mut all);
    }
}

/// Returns the corners of a counter-clockwise contour that stick out at less than an angle.
fn sharp(contour: &[Spot], degrees: f64) -> impl Iterator<Item = Spot> + '_ {
    let n = contour.len();
    (0..n).filter_map(move |i| {
        let at = contour[i];
        let ([ax, ay], [bx, by]) = (contour[(i + n - 1) % n].to(at), at.to(contour[(i + 1) % n]));
        let turn = (ax * by - ay * bx).atan2(ax * bx + ay * by);
        (turn > (180.0 - degrees).to_radians()).then_some(at)
    })
}

/// Returns the convex hull of places, counter-clockwise (A. M. Andrew's chains, 1979). O(n log n).
pub fn hull(mut spots: Vec<Spot>) -> Vec<Spot> {
    spots.sort_unstable();
    spots.dedup();
    if spots.len() < 3 {
        return spots;
    }
    let mut hull: Vec<Spot> = Vec::new();
    let back = spots[..spots.len() - 1].iter().rev();
    let mut floor = 2;
    for (k, &s) in spots.iter().chain(back).enumerate() {
        if k == spots.len() {
            // The way back must leave the way there alone.
            floor = hull.len() + 1;
        }
        while hull.len() >= floor && !left(hull[hull.len() - 2], hull[hull.len() - 1], s) {
            hull.pop();
        }
        hull.push(s);
    }
    hull.pop();
    hull
}

fn left(a: Spot, b: Spot, c: Spot) -> bool {
    let d = |v: i32, w: i32| i64::from(v) - i64::from(w);
    d(b.x, a.x) * d(c.y, a.y) - d(b.y, a.y) * d(c.x, a.x) > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_hull_goes_around_everything_and_turns_left(list in prop::collection::vec((-50i32..50, -50i32..50), 3..60)) {
            let spots: Vec<Spot> = list.iter().map(|(x, y)| Spot::new(*x, *y)).collect();
            let hull = hull(spots.clone());
            prop_assert!(hull.iter().all(|s| spots.contains(s)));
            let n = hull.len();
            prop_assume!(n >= 3);
            for i in 0..n {
                let (a, b, c) = (hull[i], hull[(i + 1) % n], hull[(i + 2) % n]);
                prop_assert!(left(a, b, c));
                prop_assert!(spots.iter().all(|s| !left(b, a, *s)));
            }
        }
    }
}
