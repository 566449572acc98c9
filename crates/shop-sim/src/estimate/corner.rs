//! How fast a corner may be passed, by controller.
//!
//! With θ the angle between the way back and the way on, s = sin(θ/2):
//!
//! - Junction deviation (GRBL `planner.c`): v² = a·δ·s/(1 − s), a the acceleration across the corner.
//! - Marlin 2 the same, with the filament as a fourth axis; and on pieces under 1 mm that turn by less than 45°
//!   v² ≤ L·a/(π − θ), the circle that such pieces stand for.
//! - Classic jerk (Marlin 2): both moves at the slower one's speed, reduced until no axis jumps by more than its
//!   jerk; from rest the same, so that a move begins with a jump.
//! - Blend (LinuxCNC G64 P): a circle that leaves the corner by at most P, of radius at most what half the shorter
//!   move has room for, at 0.866 of the acceleration. Between lines it is run as a move of its own: see `blend`.

use super::limits::{Limits, most, most_of_four};
use crate::planner::{high, low};
use shop_cam::machine::{Cornering, Dialect, Machine};

/// How corners are passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// GRBL and its kin: allowed deviation, mm.
    Junction(f64),
    /// Marlin with junction deviation, mm.
    Marlin(f64),
    /// Marlin with CLASSIC_JERK.
    Jerk,
    /// Klipper; its queue knows the rest.
    SquareCorner,
    /// LinuxCNC: tolerance, mm.
    Blend(f64),
    /// LinuxCNC G61.1: a stop at every end.
    Stop,
}

impl Rule {
    pub fn of(machine: &Machine) -> Rule {
        match machine.cornering {
            Cornering::JunctionDeviation { deviation, .. } if machine.post.dialect == Dialect::Marlin => {
                Rule::Marlin(deviation)
            }
            Cornering::JunctionDeviation { deviation, .. } => Rule::Junction(deviation),
            Cornering::Jerk { .. } => Rule::Jerk,
            Cornering::SquareCorner { .. } => Rule::SquareCorner,
            Cornering::Blend { tolerance } => Rule::Blend(tolerance),
        }
    }

    pub fn set_deviation(&mut self, mm: f64) {
        if let Rule::Junction(deviation) | Rule::Marlin(deviation) = self {
            *deviation = mm;
        }
    }
}

/// Share of the acceleration that LinuxCNC gives to rounding a corner: √3/2 (tp: BLEND_ACC_RATIO_NORMAL).
pub(super) const BLEND_SHARE: f64 = 0.866_025_403_784_438_6;
/// Cosines beyond this are a straight line or a reversal (GRBL planner.c).
const STRAIGHT: f64 = 0.999_999;
/// Marlin takes shorter pieces for parts of an arc, mm …
const SMALL: f64 = 1.0;
/// … when they turn by less than 45°.
const SHALLOW: f64 = -std::f64::consts::FRAC_1_SQRT_2;

/// The end of a move, for the next corner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub unit: [f64; 4],
    pub nominal: f64,
    pub length: f64,
    /// A line, and no arc.
    pub straight: bool,
    /// It keeps to half of the acceleration (LinuxCNC).
    pub halved: bool,
}

/// The beginning of the next move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub unit: [f64; 4],
    pub nominal: f64,
    pub length: f64,
    pub acceleration: f64,
    /// Square of the speed of its first step (Marlin).
    pub rest2: f64,
    /// A line, and no arc.
    pub straight: bool,
}

/// Returns the square of the speed at which the corner may be passed, the moves' own speeds left aside.
#[inline]
pub(super) fn speed2(limits: &Limits, tail: &Tail, head: &Head) -> f64 {
    match limits.rule {
        Rule::Junction(deviation) => {
            let cos = cosine(&tail.unit, &head.unit);
            if cos > STRAIGHT {
                return 0.0;
            }
            if cos < -STRAIGHT {
                return f64::INFINITY;
            }
            let s = (0.5 * (1.0 - cos)).sqrt();
            let (length, share) = across(limits, &tail.unit, &head.unit);
            (length * deviation * s / (share * (1.0 - s))).max(0.0)
        }
        Rule::Marlin(deviation) => marlin(limits, deviation, tail, head),
        Rule::Jerk => {
            let v = tail.nominal.min(head.nominal);
            let jumps = |i: usize| (head.unit[i] - tail.unit[i]) * v;
            (v * jerk(&limits.jerk, jumps)).powi(2).max(head.rest2)
        }
        Rule::Blend(tolerance) => {
            let cos = cosine(&tail.unit, &head.unit);
            if cos > STRAIGHT {
                return 0.0;
            }
            if cos < -STRAIGHT {
                return f64::INFINITY;
            }
            let s = (0.5 * (1.0 - cos)).sqrt();
            let room = 0.5 * tail.length.min(head.length) * s / (1.0 - s * s).sqrt();
            let radius = (tolerance * s / (1.0 - s)).min(room);
            let (length, share) = across(limits, &tail.unit, &head.unit);
            (BLEND_SHARE * length / share * radius).max(0.0)
        }
        Rule::SquareCorner | Rule::Stop => 0.0,
    }
}

/// Returns the square of the speed with which the machine may set off.
#[inline]
pub(super) fn from_rest2(limits: &Limits, head: &Head) -> f64 {
    match limits.rule {
        Rule::Jerk => {
            let jumps = |i: usize| head.unit[i] * head.nominal;
            (head.nominal * jerk(&limits.jerk, jumps)).powi(2).max(head.rest2)
        }
        _ => head.rest2,
    }
}

fn cosine(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    -(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])
}

/// Returns the length of the turn of direction, and the share of the axes' acceleration that a unit of it takes.
fn across(limits: &Limits, before: &[f64; 4], next: &[f64; 4]) -> (f64, f64) {
    let j = [next[0] - before[0], next[1] - before[1], next[2] - before[2], 0.0];
    let length = (j[0] * j[0] + j[1] * j[1] + j[2] * j[2]).sqrt();
    (length, most(&j, &limits.per_acceleration))
}

#[inline]
fn marlin(limits: &Limits, deviation: f64, tail: &Tail, head: &Head) -> f64 {
    let (a, b) = (&tail.unit, &head.unit);
    let cos = cosine(a, b) - a[3] * b[3];
    if cos > STRAIGHT {
        return head.rest2;
    }
    let j = [b[0] - a[0], b[1] - a[1], b[2] - a[2], b[3] - a[3]];
    let length = (j[0] * j[0] + j[1] * j[1] + j[2] * j[2] + j[3] * j[3]).sqrt();
    let share = most_of_four(&j, &limits.per_acceleration);
    let acceleration = if share * head.acceleration > length { length / share } else { head.acceleration };
    let cos = high(cos, -STRAIGHT);
    let s = (0.5 * (1.0 - cos)).sqrt();
    let mut v2 = acceleration * deviation * s / (1.0 - s);
    if head.length < SMALL && cos < SHALLOW {
        v2 = low(v2, head.length * acceleration / turn(-cos));
    }
    high(v2, head.rest2)
}

/// Returns about acos(t) for 0.7 < t < 1, as Marlin computes it: a polynomial for asin by W. R. Franklin, off by at
/// most 0.033 rad and never below that.
fn turn(t: f64) -> f64 {
    let asin = 0.032_843_707
        + t * (-1.451_838_349
            + t * (29.661_539_56
                + t * (-131.112_347_7 + t * (262.813_056_2 + t * (-242.719_962_7 + t * 84.314_662_02)))));
    std::f64::consts::FRAC_PI_2 - asin
}

/// Returns the factor that keeps every axis' jump within its jerk.
fn jerk(allowed: &[f64; 4], jumps: impl Fn(usize) -> f64) -> f64 {
    let mut factor: f64 = 1.0;
    for (axis, allowed) in allowed.iter().enumerate() {
        let jump = jumps(axis).abs();
        if jump * factor > *allowed {
            factor = allowed / jump;
        }
    }
    factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jerk_lets_small_turns_pass() {
        let factor = |a: [f64; 4], b: [f64; 4], v: f64| v * jerk(&[8.0; 4], |i| (b[i] - a[i]) * v);
        let (x, y) = ([1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(factor(x, x, 30.0), 30.0);
        assert!((factor(x, y, 50.0) - 8.0).abs() < 1e-12);
        assert!((factor(x, [-1.0, 0.0, 0.0, 0.0], 50.0) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_polynomial_is_near_the_angle() {
        for i in 0..300 {
            let t = 0.707 + 0.293 * f64::from(i) / 300.0;
            assert!((turn(t) - t.acos()).abs() < 0.034, "{t}");
        }
    }
}
