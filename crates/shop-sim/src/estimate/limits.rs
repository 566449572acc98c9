//! What the machine may do, from its profile and from what the program changes (M201 … M205, SET_VELOCITY_LIMIT).

use super::corner::Rule;
use crate::lookahead::PrinterLimits;
use crate::planner::high;
use shop_cam::canon;
use shop_cam::machine::{Cornering, Dialect, Machine};

/// Smallest sensible limit, so that a program that sets 0 still ends.
const LEAST: f64 = 1e-3;
/// Steps per mm of x, y, z and the extruder on most boards with Marlin: they decide with which speed a move begins
/// and ends, since the first step comes at once (planner: minimum_planner_speed).
const STEPS_PER_MM: [f64; 4] = [80.0, 80.0, 400.0, 93.0];

/// Limits in force; mm and s, axes x, y, z and the extruder.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub rule: Rule,
    pub speed: [f64; 4],
    pub acceleration: [f64; 4],
    /// One over each, for the inner loop.
    pub per_speed: [f64; 4],
    pub per_acceleration: [f64; 4],
    /// Speed jumps of Marlin's classic jerk.
    pub jerk: [f64; 4],
    /// Marlin: acceleration of printing moves, travel and filament alone; infinite elsewhere.
    pub print: f64,
    pub travel: f64,
    pub retract: f64,
    pub printer: PrinterLimits,
    /// Jerk of an S-curve, mm/s³.
    pub s_curve: Option<f64>,
}

impl Limits {
    pub fn of(machine: &Machine) -> Limits {
        let positive = |v: f64, otherwise: f64| if v.is_finite() && v > 0.0 { v } else { otherwise };
        let [x, y, z] = machine.axes.map(|a| positive(a.rapid.mm_per_s(), 1.0));
        let [ax, ay, az] = machine.axes.map(|a| positive(a.acceleration, 100.0));
        let p = machine.printer.as_ref();
        let filament = p.map_or([50.0, 1000.0], |p| {
            [positive(p.extruder.mm_per_s(), 50.0), positive(p.extruder_acceleration, 1000.0)]
        });
        let jump = p.map_or(5.0, |p| p.extruder_jerk);
        let rule = Rule::of(machine);
        let jerk = match machine.cornering {
            Cornering::Jerk { xy, z, .. } => [xy, xy, z, jump],
            _ => [jump; 4],
        };
        let (square_corner, cruise_ratio) = match machine.cornering {
            Cornering::SquareCorner { speed, cruise_ratio } => (speed, cruise_ratio),
            _ => (5.0, 0.5),
        };
        let marlin = machine.post.dialect == Dialect::Marlin;
        let (print, travel) = match p.filter(|_| marlin || machine.post.dialect == Dialect::RepRapFirmware) {
            Some(p) => (positive(p.print_acceleration, ax), positive(p.travel_acceleration, ax)),
            None => (f64::INFINITY, f64::INFINITY),
        };
        let mut limits = Limits {
            rule,
            speed: [x, y, z, filament[0]],
            acceleration: [ax, ay, az, filament[1]],
            per_speed: [0.0; 4],
            per_acceleration: [0.0; 4],
            jerk,
            print,
            travel,
            retract: filament[1],
            printer: PrinterLimits {
                speed: x.min(y),
                acceleration: ax.min(ay),
                z: [z, az],
                square_corner,
                cruise_ratio,
                filament,
                filament_jump: jump,
            },
            s_curve: machine.s_curve.filter(|j| j.is_finite() && *j > 0.0),
        };
        limits.settle();
        limits
    }

    fn settle(&mut self) {
        self.per_speed = self.speed.map(|v| 1.0 / v.max(LEAST));
        self.per_acceleration = self.acceleration.map(|v| 1.0 / v.max(LEAST));
    }

    /// Takes over what the program says.
    pub fn change(&mut self, by: &canon::Limits) {
        let sane = |v: Option<f64>| v.filter(|v| v.is_finite() && *v > 0.0);
        for i in 0..4 {
            if let Some(v) = sane(by.axis_speed[i]) {
                self.speed[i] = v;
            }
            if let Some(v) = sane(by.axis_acceleration[i]) {
                self.acceleration[i] = v;
            }
            if let Some(v) = by.jerk[i].filter(|v| v.is_finite() && *v >= 0.0) {
                self.jerk[i] = v;
            }
        }
        if let Some(v) = sane(by.junction_deviation) {
            self.rule.set_deviation(v);
        }
        if let Rule::SquareCorner = self.rule {
            // Klipper's M204 wants S, or both P and T, of which it takes the lower one; P alone is refused.
            let both = sane(by.acceleration).zip(sane(by.travel_acceleration)).map(|(p, t)| p.min(t));
            let p = &mut self.printer;
            p.acceleration = both.unwrap_or(p.acceleration);
            p.speed = sane(by.speed).unwrap_or(p.speed);
            p.square_corner =
                by.square_corner_speed.filter(|v| v.is_finite() && *v >= 0.0).unwrap_or(p.square_corner);
            let ratio = by.cruise_ratio.filter(|v| (0.0..1.0).contains(v));
            p.cruise_ratio = ratio.unwrap_or(p.cruise_ratio);
        } else {
            self.print = sane(by.acceleration).unwrap_or(self.print);
            self.travel = sane(by.travel_acceleration).unwrap_or(self.travel);
            self.retract = sane(by.retract_acceleration).unwrap_or(self.retract);
        }
        self.settle();
    }

    /// Returns the square of the speed with which a move of this direction begins from rest: that of its first step.
    pub fn first_step2(unit: &[f64; 4], acceleration: f64) -> f64 {
        let steps = (0..4).map(|i| unit[i].abs() * STEPS_PER_MM[i]).fold(1.0, high);
        0.5 * acceleration / steps
    }

    /// Returns the acceleration that stands for one with rounded ramps: that which reaches the axes' top speed in
    /// the same time (grblHAL planner.c; t(v) = v/a + a/j, or 2·√(v/j) when a is never reached).
    pub fn shaped(&self, unit: &[f64; 4], acceleration: f64) -> f64 {
        let Some(jerk) = self.s_curve else { return acceleration };
        let v = 1.0 / most(unit, &self.per_speed);
        let jerk = jerk / unit[..3].iter().fold(1e-9, |m: f64, u| m.max(u.abs()));
        let time = if v >= acceleration * acceleration / jerk {
            v / acceleration + acceleration / jerk
        } else {
            2.0 * (v / jerk).sqrt()
        };
        v / time
    }
}

/// Returns the largest share of an axis's limit that a direction takes, given one over each limit; 1 over it is the
/// greatest value along the direction.
#[inline]
pub(super) fn most(unit: &[f64; 4], per_limit: &[f64; 4]) -> f64 {
    let share = |i: usize| unit[i].abs() * per_limit[i];
    high(high(share(0), share(1)), share(2))
}

/// The same with the extruder.
#[inline]
pub(super) fn most_of_four(unit: &[f64; 4], per_limit: &[f64; 4]) -> f64 {
    high(most(unit, per_limit), unit[3].abs() * per_limit[3])
}
