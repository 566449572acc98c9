//! How long looking for the switches takes (G28 on a printer, `$H`).
//!
//! Every axis goes fast to its switch, back, and slowly on again. Where the tool is when the power comes nobody knows:
//! the first time an axis is taken to have half of its travel before it, later what lies between the tool and home.
//! How fast is the profile's to say (`homing_mm_per_min`); where it does not, homing counts nothing, and the estimate
//! says so.
//!
//! Sources of what a profile does not say: Marlin's HOMING_BUMP_MM { 5, 5, 2 } and HOMING_BUMP_DIVISOR { 2, 2, 4 };
//! Klipper's homing_retract_dist 5 and second_homing_speed, half of homing_speed; GRBL's $24 = 25 mm/min and $27 = 1 mm,
//! z before x and y, which go at once. Others are taken for one of the three.

use crate::planner::{Block, seconds};
use shop_cam::Speed;
use shop_cam::machine::{Axis, Dialect, Machine};

/// GRBL's $24 and $27.
const GRBL_SLOW: f64 = 25.0 / 60.0;
const GRBL_BACK: f64 = 1.0;

/// Returns how far an axis has to go, mm, where it was last seen and home given as far as they are known. Where GRBL's
/// home lies in the coordinates of the work is never known.
pub(super) fn way(machine: &Machine, axis: usize, from_to: Option<[f64; 2]>) -> f64 {
    let Axis { min, max, .. } = machine.axes[axis];
    let known = from_to.filter(|_| !at_once(machine.post.dialect));
    known.map_or(0.5 * (max - min), |[from, to]| (from - to).abs())
}

/// Returns how long these axes take to their switches, each with so many mm before it; `None` when the profile does not
/// say how fast one of them is.
pub(super) fn homing_s(machine: &Machine, axes: [bool; 3], ways: [f64; 3]) -> Option<f64> {
    let mut each = [0.0; 3];
    for i in (0..3).filter(|i| axes[*i]) {
        each[i] = one_axis_s(machine, i, machine.axes[i].homing?, ways[i]);
    }
    let [x, y, z] = each;
    Some(if at_once(machine.post.dialect) { z + x.max(y) } else { x + y + z })
}

/// True when x and y look for their switches at the same time, once z has found its own.
fn at_once(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Grbl | Dialect::GrblHal | Dialect::FluidNc)
}

fn one_axis_s(machine: &Machine, axis: usize, fast: Speed, way: f64) -> f64 {
    let fast = fast.mm_per_s();
    let (back, slow) = match machine.post.dialect {
        dialect if at_once(dialect) => (GRBL_BACK, GRBL_SLOW),
        Dialect::Marlin => ([5.0, 5.0, 2.0][axis], fast / [2.0, 2.0, 4.0][axis]),
        _ => (5.0, 0.5 * fast),
    };
    let acceleration = machine.axes[axis].acceleration;
    let go = |length: f64, nominal: f64| {
        let block = Block { length, acceleration, nominal, ..Block::default() };
        if length > 0.0 && length.is_finite() { seconds(&block, 0.0, 0.0) } else { 0.0 }
    };
    go(way, fast) + go(back, fast) + go(back, slow)
}

#[cfg(test)]
mod tests {
    use crate::estimate::Estimator;
    use shop_cam::Speed;
    use shop_cam::canon::Command;
    use shop_cam::machine::{Dialect, Machine, MachineKind};

    fn machine(dialect: Dialect, homing: [Option<f64>; 3]) -> Machine {
        let mut machine = Machine::example(MachineKind::Router);
        machine.post.dialect = dialect;
        for (axis, mm_per_s) in machine.axes.iter_mut().zip(homing) {
            (axis.min, axis.max, axis.acceleration) = (0.0, 200.0, 1000.0);
            axis.homing = mm_per_s.map(Speed::from_mm_per_s);
        }
        machine
    }

    fn home(axes: [bool; 3], to: [f64; 3]) -> Command {
        Command::Home { axes, to, of_printer: true }
    }

    /// From rest to rest at 1000 mm/s²; all these ways are long enough for their speeds.
    fn s(length: f64, speed: f64) -> f64 {
        length / speed + speed / 1000.0
    }

    #[test]
    fn marlin_looks_for_one_switch_after_the_other() {
        let machine = machine(Dialect::Marlin, [Some(50.0), Some(40.0), Some(8.0)]);
        let mut estimator = Estimator::new(&machine);
        estimator.command(&home([true; 3], [0.0; 3]));
        // The second time it is known how far away home is.
        estimator.command(&Command::Rapid { to: [60.0, 0.0, 0.0] });
        estimator.command(&home([true, false, false], [0.0; 3]));
        let e = estimator.finish();
        let axis = |way: f64, fast: f64, back: f64, slow: f64| s(way, fast) + s(back, fast) + s(back, slow);
        let first = axis(100.0, 50.0, 5.0, 25.0) + axis(100.0, 40.0, 5.0, 20.0) + axis(100.0, 8.0, 2.0, 2.0);
        let want = first + axis(60.0, 50.0, 5.0, 25.0);
        assert!((e.home_s - want).abs() < 1e-9, "{} {want}", e.home_s);
        assert!((e.total_s - e.home_s - e.rapid_s).abs() < 1e-9);
        assert_eq!((e.homings, e.homings_not_counted), (2, 0));
    }

    #[test]
    fn grbl_takes_z_first_and_then_both_others() {
        let machine = machine(Dialect::Grbl, [Some(20.0), Some(10.0), Some(5.0)]);
        let mut estimator = Estimator::new(&machine);
        estimator.command(&home([true; 3], [0.0; 3]));
        let slow = 25.0 / 60.0;
        let axis = |fast: f64| s(100.0, fast) + s(1.0, fast) + s(1.0, slow);
        let e = estimator.finish();
        assert!((e.home_s - axis(5.0) - axis(10.0)).abs() < 1e-9, "{}", e.home_s);
    }

    #[test]
    fn what_the_profile_does_not_say_counts_nothing_and_is_told() {
        let machine = machine(Dialect::Klipper, [Some(20.0), Some(10.0), None]);
        let mut estimator = Estimator::new(&machine);
        estimator.command(&home([true; 3], [0.0; 3]));
        estimator.command(&home([true, true, false], [0.0; 3]));
        let e = estimator.finish();
        assert_eq!((e.homings, e.homings_not_counted), (2, 1));
        assert!(e.home_s > 0.0);
    }
}
