//! How far a place is from the way of a line.
//!
//! GRBL and its kin do not round corners: the tool goes along each line and along each arc, so a place that is reported
//! lies on the way of one of the lines that may be at work, but for the grain of the machine ([`Grain`]). The way is a
//! straight piece, an arc with its rise, or, where it is not known so exactly, only a box.

use super::types::{Reach, Way};

/// How far a machine that works rightly may be reported from its way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Grain {
    /// Steps per mm of X, Y and Z, 0 where unknown.
    steps_per_mm: [f64; 3],
    /// How far the chords of an arc are from it, mm.
    arc_mm: f64,
}

impl Grain {
    /// Takes a setting over that says something about it.
    pub(crate) fn take(&mut self, name: &str, value: &str) {
        let Some(value) = value.trim().parse::<f64>().ok().filter(|v| *v > 0.0 && v.is_finite()) else {
            return;
        };
        match name {
            "$100" => self.steps_per_mm[0] = value,
            "$101" => self.steps_per_mm[1] = value,
            "$102" => self.steps_per_mm[2] = value,
            "$12" => self.arc_mm = value,
            _ => {}
        }
    }

    /// Returns what it comes to, mm: a step on each axis, since the report may come between two, and the arc's chords.
    pub(crate) fn mm(&self) -> f64 {
        let squares = self.steps_per_mm.map(|s| if s > 0.0 { s.powi(-2) } else { 0.0 });
        // Settings that make no sense must not make anything right.
        (squares.iter().sum::<f64>().sqrt() + self.arc_mm).min(0.5)
    }
}

/// Returns whether the tool may be seen at `at` while it does this line: within `near` of its way, or, where only the box
/// of a line is known, within `loose` of that. An axis of which it is not known where it is, is left out: the way's shadow
/// on the others counts.
pub(crate) fn may_be_at(reach: &Reach, at: [Option<f64>; 3], near: f64, loose: f64) -> bool {
    if let [Some(x), Some(y), Some(z)] = at {
        return may_be(reach, [x, y, z], near, loose);
    }
    let flat = |p: [f64; 3]| std::array::from_fn(|i| at[i].map_or(0.0, |_| p[i]));
    let way = match reach.way {
        Way::Straight { from_mm } => Way::Straight { from_mm: flat(from_mm) },
        Way::Round { from_mm, center_mm, sweep } if at[0].is_some() && at[1].is_some() => {
            Way::Round { from_mm: flat(from_mm), center_mm, sweep }
        }
        // An arc seen from the side is a stroke: its box.
        Way::Round { .. } | Way::Somewhere => Way::Somewhere,
    };
    let (end_mm, low_mm, high_mm) = (flat(reach.end_mm), flat(reach.low_mm), flat(reach.high_mm));
    let shadow = Reach { end_mm, low_mm, high_mm, way, ..*reach };
    may_be(&shadow, at.map(|v| v.unwrap_or(0.0)), near, loose)
}

fn may_be(reach: &Reach, at: [f64; 3], near: f64, loose: f64) -> bool {
    // Most places are far from most lines: one comparison for each side of the box.
    let margin = if reach.way == Way::Somewhere { loose } else { near };
    let inside = (0..3).all(|i| at[i] >= reach.low_mm[i] - margin && at[i] <= reach.high_mm[i] + margin);
    inside
        && match reach.way {
            Way::Somewhere => true,
            Way::Straight { from_mm } => from_piece(from_mm, reach.end_mm, at) <= near,
            Way::Round { from_mm, center_mm, sweep } => {
                from_arc(from_mm, reach.end_mm, center_mm, sweep, at) <= near
            }
        }
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

/// Returns the distance of `at` from the piece between two places.
fn from_piece(from: [f64; 3], to: [f64; 3], at: [f64; 3]) -> f64 {
    let along: [f64; 3] = std::array::from_fn(|i| to[i] - from[i]);
    let square: f64 = along.iter().map(|v| v * v).sum();
    let dot: f64 = (0..3).map(|i| along[i] * (at[i] - from[i])).sum();
    let t = if square > 0.0 { (dot / square).clamp(0.0, 1.0) } else { 0.0 };
    distance(std::array::from_fn(|i| from[i] + along[i] * t), at)
}

/// Returns the distance of `at` from an arc in XY that rises evenly; seen along the radius, which is where it is least
/// unless the rise is steep.
fn from_arc(from: [f64; 3], to: [f64; 3], center: [f64; 2], sweep: f64, at: [f64; 3]) -> f64 {
    let polar = |p: [f64; 3]| {
        ((p[0] - center[0]).hypot(p[1] - center[1]), (p[1] - center[1]).atan2(p[0] - center[0]))
    };
    let ((start, begin), (end, _), (radius, angle)) = (polar(from), polar(to), polar(at));
    let ends = distance(from, at).min(distance(to, at));
    let turn = std::f64::consts::TAU;
    let first = ((angle - begin) * sweep.signum()).rem_euclid(turn);
    // A helix passes the same direction once a turn.
    let passes =
        std::iter::successors(Some(first), |a| Some(a + turn)).take_while(|a| *a <= sweep.abs()).take(64);
    let passes = passes.map(|turned| {
        let t = turned / sweep.abs();
        let (wanted, height) = (start + (end - start) * t, from[2] + (to[2] - from[2]) * t);
        (radius - wanted).hypot(at[2] - height)
    });
    passes.fold(ends, f64::min)
}

#[cfg(test)]
mod tests {
    use super::super::types::Zero;
    use super::*;
    use proptest::prelude::*;

    fn straight(from_mm: [f64; 3], end_mm: [f64; 3]) -> Reach {
        let (low_mm, high_mm) = (
            std::array::from_fn(|i| from_mm[i].min(end_mm[i])),
            std::array::from_fn(|i| from_mm[i].max(end_mm[i])),
        );
        Reach { end_mm, low_mm, high_mm, way: Way::Straight { from_mm }, zero: [Zero::First; 3] }
    }

    fn helix(radius: f64, begin: f64, sweep: f64, rise: f64) -> Reach {
        let on = |a: f64, z: f64| [7.0 + radius * a.cos(), -3.0 + radius * a.sin(), z];
        let low_mm = [7.0 - radius, -3.0 - radius, rise.min(0.0)];
        let high_mm = [7.0 + radius, -3.0 + radius, rise.max(0.0)];
        let way = Way::Round { from_mm: on(begin, 0.0), center_mm: [7.0, -3.0], sweep };
        Reach { end_mm: on(begin + sweep, rise), low_mm, high_mm, way, zero: [Zero::First; 3] }
    }

    fn place() -> impl Strategy<Value = [f64; 3]> {
        prop::array::uniform3(-200.0..200.0f64)
    }

    proptest! {
        #[test]
        fn every_place_of_a_piece_is_on_it_and_one_beside_it_is_not(
            a in place(), b in place(), t in 0.0..1.0f64, off in 0.1..5.0f64,
        ) {
            prop_assume!(distance(a, b) > 1e-3);
            let on: [f64; 3] = std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t);
            prop_assert!(may_be(&straight(a, b), on, 1e-6, 0.0));
            // Across: along a direction at right angles to the piece.
            let d: [f64; 3] = std::array::from_fn(|i| b[i] - a[i]);
            let least = (0..3).min_by(|i, j| d[*i].abs().total_cmp(&d[*j].abs())).expect("three");
            let unit: [f64; 3] = std::array::from_fn(|i| f64::from(u8::from(i == least)));
            let across = [
                d[1] * unit[2] - d[2] * unit[1], d[2] * unit[0] - d[0] * unit[2], d[0] * unit[1] - d[1] * unit[0],
            ];
            let length = across.iter().map(|v| v * v).sum::<f64>().sqrt();
            let beside: [f64; 3] = std::array::from_fn(|i| on[i] + across[i] / length * off);
            prop_assert!(!may_be(&straight(a, b), beside, off - 1e-6, 1e9));
            prop_assert!(may_be(&straight(a, b), beside, off + 1e-6, 0.0));
        }

        #[test]
        fn every_place_of_an_arc_is_on_it_and_one_within_or_without_is_not(
            radius in 0.5..80.0f64, begin in -4.0..4.0f64, turns in 0.05..2.5f64, back in any::<bool>(),
            rise in -5.0..5.0f64, t in 0.0..1.0f64, off in 0.01..0.4f64,
        ) {
            let sweep = turns * std::f64::consts::TAU * if back { -1.0 } else { 1.0 };
            let arc = helix(radius, begin, sweep, rise);
            let (angle, z) = (begin + sweep * t, rise * t);
            let at = |r: f64| [7.0 + r * angle.cos(), -3.0 + r * angle.sin(), z];
            prop_assert!(may_be(&arc, at(radius), 1e-6, 0.0));
            prop_assert!(!may_be(&arc, [7.0, -3.0, z], radius.min(0.4), 1e9));
            // Other turns of a helix may be nearer than this.
            if turns <= 1.0 && off < radius {
                prop_assert!(!may_be(&arc, at(radius - off), off * 0.7, 1e9));
                prop_assert!(may_be(&arc, at(radius - off), off + 1e-6, 0.0));
            }
        }
    }

    #[test]
    fn behind_the_end_of_an_arc_is_not_on_it() {
        let quarter = helix(10.0, 0.0, std::f64::consts::FRAC_PI_2, 0.0);
        let opposite = [7.0 - 10.0, -3.0, 0.0];
        assert!(!may_be(&quarter, opposite, 0.05, 1.0));
        assert!(may_be(&helix(10.0, 0.0, -std::f64::consts::TAU, 0.0), opposite, 1e-9, 0.0), "a full turn");
    }

    #[test]
    fn the_grain_is_that_of_the_settings() {
        let mut grain = Grain::default();
        for (name, value) in
            [("$100", "80"), ("$101", "80.000"), ("$102", "400"), ("$12", "0.002"), ("$11", "9")]
        {
            grain.take(name, value);
        }
        grain.take("$100", "nonsense");
        assert!((grain.mm() - 0.01986).abs() < 1e-4, "{}", grain.mm());
        assert_eq!(Grain::default().mm(), 0.0);
    }
}
