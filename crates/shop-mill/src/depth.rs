//! Going down: layers, ramps along the path, tabs.
//!
//! A closed contour is cut in one engaged spiral. Each layer begins with a ramp along the path and goes on at its
//! depth until the turn is full; then the next ramp begins. The last ramp is followed by one whole turn at full
//! depth, so that the wall's foot is cut in one go and the ramps leave no mark.
//!
//! ```text
//!   z  0 ╲
//!         ╲______________╮ one turn after the start
//!                         ╲______________╮
//!                                         ╲________________________   whole turn at full depth
//!      │ramp│            │ramp│          │ramp│
//! ```
//!
//! The tool never takes more than one layer: where it ramps it removes what the ramp before left. Tabs are places
//! on the path below which the tool does not go; it is raised straight up and lowered again.

use shop_cam::toolpath::{Pass, Piece, PieceKind};
use shop_cam::track::Track;
use shop_geom::{Point, Segment};

use crate::upright;

/// A ramp never goes round more often than this: on a tiny contour it gets steeper instead, or a hole the size of
/// the tool would take thousands of turns.
const MOST_TURNS: f64 = 20.0;

/// Returns the heights of the layers from the top at 0 down to `bottom`, equally deep, none deeper than `step_down`.
pub fn layers(bottom: f64, step_down: f64) -> Vec<f64> {
    let depth = -bottom;
    if depth.is_nan() || depth <= 0.0 {
        return vec![bottom.min(0.0)];
    }
    let n = if step_down > 0.0 { (depth / step_down - 1e-9).ceil().clamp(1.0, 10_000.0) } else { 1.0 };
    (1..=n as usize).map(|k| if k as f64 == n { bottom } else { bottom * k as f64 / n }).collect()
}

/// A stretch of a contour where material is left standing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Where it starts on the path, mm.
    pub from: f64,
    /// Where it ends; may lie beyond the path's length.
    pub to: f64,
    /// Height below which the tool does not go, mm.
    pub top: f64,
}

/// A closed contour to be cut in layers.
#[derive(Clone, Copy, Debug)]
pub struct Spiral<'a> {
    /// The path, starting where it is entered.
    pub track: &'a Track,
    /// Pieces that lead onto it; the ramp begins on them.
    pub lead: &'a [Segment],
    /// Heights of the layers, top one first.
    pub layers: &'a [f64],
    /// Steepest ramp, radians.
    pub ramp_angle: f64,
    /// Feed on ramps, in percent.
    pub ramp_percent: f32,
    /// Feed elsewhere, in percent.
    pub percent: f32,
    /// Where material stays.
    pub tabs: &'a [Gap],
}

/// Returns the pass, and where on the path it ends.
pub fn spiral(s: &Spiral<'_>) -> (Pass, f64) {
    let length = s.track.length();
    let lead: f64 = s.lead.iter().map(Segment::length).sum();
    let slope = s.ramp_angle.clamp(1e-3, 1.5).tan();
    // The course as (distance along lead and path, height) from the lead's start; the path begins at 0.
    let mut course = vec![(-lead, 0.0)];
    let (mut u, mut z) = (-lead, 0.0);
    for (k, &floor) in s.layers.iter().enumerate() {
        let begin = f64::max(u, k as f64 * length);
        if k > 0 && begin > u {
            course.push((begin, z));
        }
        let begin = if k > 0 { begin } else { u };
        // Never ends on the lead: the layer's floor is reached on the path.
        u = (begin + ((z - floor) / slope).min(MOST_TURNS * length)).max(0.0);
        z = floor;
        course.push((u, z));
    }
    course.push((u + length, z));
    let mut pass = Pass::new(0.0);
    let mut at = -lead;
    for piece in s.lead {
        at += piece.length();
        let height = if at < 0.0 { height(&course, at) } else { height(&course, 0.0) };
        pass.pieces.push(Piece {
            segment: *piece,
            z: height,
            kind: PieceKind::LeadIn,
            feed_percent: s.ramp_percent,
        });
    }
    for pair in course.windows(2) {
        let (from, to) = (pair[0].0.max(0.0), pair[1].0);
        if to > from {
            let z0 = height(pair, from);
            stretch(&mut pass, s, (from, z0), (to, pair[1].1), length);
        }
    }
    (pass, u.rem_euclid(length))
}

/// Returns the height of the course at distance `u`.
fn height(course: &[(f64, f64)], u: f64) -> f64 {
    for pair in course.windows(2) {
        let ((u0, z0), (u1, z1)) = (pair[0], pair[1]);
        if u <= u1 {
            return if u1 > u0 { z0 + (z1 - z0) * ((u - u0) / (u1 - u0)).clamp(0.0, 1.0) } else { z1 };
        }
    }
    course.last().map_or(0.0, |c| c.1)
}

/// Adds one straight part of the course, raised over tabs.
fn stretch(pass: &mut Pass, s: &Spiral<'_>, (u0, z0): (f64, f64), (u1, z1): (f64, f64), length: f64) {
    // Exact at the end, so that a layer's floor is one number.
    let z_at = |u: f64| if u >= u1 { z1 } else { z0 + (z1 - z0) * (u - u0) / (u1 - u0) };
    // Breaks at the ends of tabs and where the course dives through a tab's top.
    let mut breaks = vec![u0, u1];
    for tab in s.tabs {
        let first = ((u0 - tab.to) / length).floor();
        let turns = ((u1 - u0) / length).ceil() as usize + 2;
        for k in 0..=turns {
            let shift = (first + k as f64) * length;
            breaks.extend([tab.from + shift, tab.to + shift]);
        }
        if z1 != z0 {
            breaks.push(u0 + (tab.top - z0) / (z1 - z0) * (u1 - u0));
        }
    }
    breaks.retain(|u| *u >= u0 && *u <= u1);
    breaks.sort_by(f64::total_cmp);
    for pair in breaks.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if to - from < 1e-6 {
            continue;
        }
        let middle = 0.5 * (from + to);
        let inside = |g: &&Gap| (middle - g.from).rem_euclid(length) < g.to - g.from;
        let top = s.tabs.iter().filter(inside).map(|g| g.top).fold(f64::NEG_INFINITY, f64::max);
        run(pass, s, (from, z_at(from).max(top)), (to, z_at(to).max(top)));
    }
}

/// Adds the path between two distances, going down evenly.
fn run(pass: &mut Pass, s: &Spiral<'_>, (u0, z0): (f64, f64), (u1, z1): (f64, f64)) {
    let now = pass.pieces.last().map_or(pass.z, |p| p.z);
    let falls = (z1 - z0).abs() > 1e-12;
    let (kind, percent) = if falls { (PieceKind::Ramp, s.ramp_percent) } else { (PieceKind::Cut, s.percent) };
    if (now - z0).abs() > 1e-9 {
        let at = pass.end().unwrap_or_else(|| s.track.point(u0));
        pass.pieces.push(Piece {
            segment: upright(at),
            z: z0,
            kind: PieceKind::Lift,
            feed_percent: s.percent,
        });
    }
    let mut gone = 0.0;
    s.track.run(u0, u1, |segment| {
        gone += segment.length();
        let z = if falls { z0 + (z1 - z0) * (gone / (u1 - u0)).min(1.0) } else { z1 };
        pass.pieces.push(Piece { segment, z, kind, feed_percent: percent });
    });
    // The last piece ends exactly at the depth, whatever the sum of lengths.
    if let Some(last) = pass.pieces.last_mut() {
        last.z = z1;
    }
}

/// Returns an open path followed there and back, one layer deeper each time.
pub fn back_and_forth(track: &Track, layers: &[f64], percent: f32) -> Pass {
    let mut pass = Pass::new(0.0);
    let back = track.reversed();
    for (k, &z) in layers.iter().enumerate() {
        let path = if k % 2 == 0 { track } else { &back };
        let at = path.point(0.0);
        pass.pieces.push(Piece { segment: upright(at), z, kind: PieceKind::Lift, feed_percent: percent });
        for s in path.segments() {
            pass.pieces.push(Piece { segment: *s, z, kind: PieceKind::Cut, feed_percent: percent });
        }
    }
    pass
}

/// Returns a pass straight down at one place, layer by layer; with `pecks` the tool comes up to the top between two
/// of them, to clear its flutes.
pub fn plunge(at: Point, layers: &[f64], pecks: bool) -> Pass {
    let mut pass = Pass::new(0.0);
    let mut go = |z: f64| {
        pass.pieces.push(Piece { segment: upright(at), z, kind: PieceKind::Lift, feed_percent: 100.0 });
    };
    for (k, &z) in layers.iter().enumerate() {
        if pecks && k > 0 {
            go(0.0);
        }
        go(z);
    }
    pass
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shop_geom::Polyline;

    fn circle(radius: f64) -> Track {
        Track::new(&Polyline::circle(Point::new(3.0, 4.0), radius))
    }

    #[test]
    fn layers_are_equal_and_end_at_the_bottom() {
        assert_eq!(layers(-3.0, 2.0), vec![-1.5, -3.0]);
        assert_eq!(layers(-3.0, 3.0), vec![-3.0]);
        assert_eq!(layers(0.0, 1.0), vec![0.0]);
        assert_eq!(layers(-1.0, 0.0), vec![-1.0]);
    }

    proptest! {
        /// The last turn is whole and at full depth, no move is steeper than allowed, no layer thicker, and the pass
        /// is one connected path.
        #[test]
        fn a_spiral_reaches_the_bottom_gently(radius in 0.5..40.0f64, depth in 0.1..12.0f64, step in 0.3..5.0f64) {
            let track = circle(radius);
            let heights = layers(-depth, step);
            let s = Spiral {
                track: &track, lead: &[], layers: &heights, ramp_angle: 3.0f64.to_radians(),
                ramp_percent: 50.0, percent: 100.0, tabs: &[],
            };
            let (pass, end) = spiral(&s);
            let mut z = 0.0;
            let mut at = track.point(0.0);
            let least_ramp = (step / 3.0f64.to_radians().tan()).min(MOST_TURNS * track.length());
            for p in &pass.pieces {
                prop_assert!((p.segment.start() - at).norm() < 1e-6);
                at = p.segment.end();
                prop_assert!(p.z <= z + 1e-9);
                prop_assert!(z - p.z <= p.segment.length() * step / least_ramp * (1.0 + 1e-6) + 1e-9);
                z = p.z;
            }
            let level: f64 = pass.pieces.iter().rev().take_while(|p| p.kind == PieceKind::Cut)
                .map(|p| p.segment.length()).sum();
            prop_assert!(level >= track.length() - 1e-4);
            prop_assert!((z + depth).abs() < 1e-12);
            prop_assert!((track.point(end) - at).norm() < 1e-5);
        }

        /// Over a tab the tool is never below its top, and beside the tabs the bottom is reached everywhere.
        #[test]
        fn tabs_stand(radius in 10.0..40.0f64, from in 0.0..20.0f64, depth in 1.0..9.0f64) {
            let track = circle(radius);
            let heights = layers(-depth, 2.0);
            let tab = Gap { from, to: from + 6.0, top: -depth / 2.0 };
            let s = Spiral {
                track: &track, lead: &[], layers: &heights, ramp_angle: 0.05,
                ramp_percent: 50.0, percent: 100.0, tabs: &[tab],
            };
            let (pass, _) = spiral(&s);
            let (mut z, mut bottom) = (0.0f64, 0.0);
            for p in &pass.pieces {
                let u = track.nearest(p.segment.point_at(0.5));
                let inside = (u - tab.from).rem_euclid(track.length()) < 6.0;
                if p.kind != PieceKind::Lift {
                    if inside { prop_assert!(p.z.min(z) >= tab.top - 1e-9); }
                    if p.z == -depth && z == -depth { bottom += p.segment.length(); }
                }
                z = p.z;
            }
            prop_assert!(bottom >= track.length() - 6.0 - 1e-3, "{bottom}");
        }
    }
}
