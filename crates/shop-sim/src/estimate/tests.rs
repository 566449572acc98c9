//! Times that can be worked out by hand.

use super::*;
use crate::planner::Block;
use shop_cam::Speed;
use shop_cam::canon::{Role, Spindle};
use shop_cam::machine::{Axis, MachineKind, Process};
use shop_geom::Point;

pub(crate) fn machine(cornering: Cornering) -> Machine {
    let axis = |rapid: f64, acceleration: f64| Axis {
        min: -1000.0,
        max: 1000.0,
        rapid: Speed::from_mm_per_min(rapid),
        acceleration,
        homing: None,
    };
    let example = Machine::example(MachineKind::Router);
    let process = Process { spin_up_s: 0.0, ..example.process.clone() };
    let axes = [axis(6000.0, 500.0), axis(6000.0, 500.0), axis(1200.0, 100.0)];
    Machine { axes, cornering, process, ..example }
}

pub(crate) fn grbl() -> Machine {
    machine(Cornering::JunctionDeviation { deviation: 0.01, buffer: 15 })
}

fn timed(machine: &Machine, commands: Vec<Command>) -> Estimate {
    let mut section = Section::new(Role::Unknown, "");
    section.commands = commands;
    estimate(&[section], machine)
}

fn feed(v: f64) -> Command {
    Command::Feed(Speed::from_mm_per_min(v))
}

fn line(x: f64, y: f64) -> Command {
    Command::Line { to: [x, y, 5.0] }
}

#[test]
fn a_rapid_is_limited_by_its_slowest_axis() {
    let e = timed(&grbl(), vec![Command::Rapid { to: [100.0, 0.0, 5.0] }]);
    assert!((e.rapid_s - (0.2 + 80.0 / 100.0 + 0.2)).abs() < 1e-9, "{}", e.rapid_s);
    let down = timed(&grbl(), vec![Command::Rapid { to: [0.0, 0.0, -5.0] }]);
    // Triangle or trapezoid at 20 mm/s, 100 mm/s².
    assert!((down.rapid_s - (0.4 + (10.0 - 4.0) / 20.0)).abs() < 1e-9, "{}", down.rapid_s);
}

#[test]
fn a_square_corner_has_grbls_speed() {
    let e = timed(&grbl(), vec![feed(3000.0), line(50.0, 0.0), line(50.0, 50.0)]);
    // s = sin 45°; a across the diagonal = 500·√2; v² = a·0.01·s/(1 − s).
    let s = 0.5f64.sqrt();
    let corner = 500.0 * 2.0f64.sqrt() * 0.01 * s / (1.0 - s);
    let b = Block { length: 50.0, acceleration: 500.0, nominal: 50.0, ..Block::default() };
    let want = crate::planner::seconds(&b, 0.0, corner) + crate::planner::seconds(&b, corner, 0.0);
    assert!((e.cut_s - want).abs() < 1e-9);
}

#[test]
fn straight_pieces_take_as_long_as_the_whole() {
    // LinuxCNC's planner, run by itself: the last line has half of the acceleration at both of its ends.
    let linuxcnc = machine(Cornering::Blend { tolerance: 0.05 });
    for (machine, want) in [(grbl(), None), (linuxcnc, Some([3.891, 3.867]))] {
        let whole = timed(&machine, vec![feed(1500.0), line(90.0, 30.0)]);
        // Each line as it stands (Q0): the planner alone was measured.
        let control = PathControl::Blend { tolerance: Some(0.05), straighten: Some(0.0) };
        let mut pieces = vec![Command::PathControl(control), feed(1500.0)];
        pieces.extend((1..=3).map(|i| line(30.0 * f64::from(i), 10.0 * f64::from(i))));
        let pieces = timed(&machine, pieces);
        match want {
            None => assert!((whole.total_s - pieces.total_s).abs() < 1e-6),
            Some([one, three]) => {
                assert!((whole.total_s - one).abs() < 0.003, "{}", whole.total_s);
                assert!((pieces.total_s - three).abs() < 0.003, "{}", pieces.total_s);
            }
        }
    }
}

#[test]
fn many_short_pieces_are_slowed_by_the_buffer() {
    let mut pieces = vec![feed(6000.0)];
    pieces.extend((1..=1000).map(|i| line(0.1 * f64::from(i), 0.0)));
    let e = timed(&grbl(), pieces);
    // v ≤ √(2·a·14 blocks of 0.1 mm) = 37.4 mm/s.
    let limit = (2.0f64 * 500.0 * 1.4).sqrt();
    assert!((e.cut_s - 100.0 / limit).abs() < 0.1, "{} {}", e.cut_s, 100.0 / limit);
}

#[test]
fn arcs_keep_their_length_and_stops_cost_time() {
    let arc = Command::Arc { to: [0.0, 20.0, 5.0], center: Point::new(0.0, 10.0), counter_clockwise: true };
    for cornering in [
        Cornering::JunctionDeviation { deviation: 0.01, buffer: 15 },
        Cornering::Jerk { xy: 2.0, z: 0.4, buffer: 16 },
        Cornering::Blend { tolerance: 0.05 },
    ] {
        let m = machine(cornering);
        let e = timed(&m, vec![feed(600.0), arc.clone()]);
        let length = 10.0 * std::f64::consts::PI;
        assert!((e.cut_length - length).abs() < 1e-9);
        assert!((e.cut_s - length / 10.0).abs() < 0.05, "{cornering:?} {}", e.cut_s);
        let stop =
            timed(&m, vec![feed(600.0), line(10.0, 0.0), Command::Spindle(Spindle::Off), line(20.0, 0.0)]);
        let free = timed(&m, vec![feed(600.0), line(10.0, 0.0), line(20.0, 0.0)]);
        assert!(stop.total_s > free.total_s + 0.01);
        let wait = timed(&m, vec![feed(600.0), line(10.0, 0.0), Command::Dwell { seconds: 1.5 }]);
        assert_eq!(wait.dwell_s, 1.5);
    }
}
