//! A machine that goes elsewhere than its program is noticed: on its way, and at the end.

use std::time::Duration;

use crate::rig::Rig;
use shop_controller::session::{Failure, Line, Options, Policy, Reach, Way};
use shop_controller::sim::{self, Kind};

/// Lines as the controller reads them, and where each should end (y and z stay 0).
fn run(lines: &[(&str, f64)]) -> Rig {
    run_with(lines, Options::default())
}

fn run_with(lines: &[(&str, f64)], options: Options) -> Rig {
    let mut at = 0.0f64;
    let lines = lines.iter().zip(1..).map(|(&(text, x), number)| {
        let (from, low, high) = (at, at.min(x), at.max(x));
        at = x;
        let way = Way::Straight { from_mm: [from, 0.0, 0.0] };
        let reach = Reach { end_mm: [x, 0.0, 0.0], low_mm: [low, 0.0, 0.0], high_mm: [high, 0.0, 0.0], way };
        Line { number, text: text.as_bytes().into(), duration: Duration::from_secs(1), reach: Some(reach) }
    });
    let lines: Vec<Line> = lines.collect();
    let mut rig = Rig::new(Kind::Grbl, sim::Options::workshop(), options);
    rig.connect().job(lines);
    rig
}

#[test]
fn a_machine_that_goes_its_way_is_left_alone() {
    let rig = run(&[("G0X20", 20.0), ("G1X50F3000", 50.0), ("G1X10", 10.0), ("G0X0", 0.0)]);
    assert!(rig.is_finished(), "{}", rig.story());
}

#[test]
fn a_digit_that_was_damaged_is_seen_on_the_way() {
    let rig = run(&[("G0X20", 20.0), ("G1X250F3000", 50.0), ("G1X10", 10.0), ("G0X0", 0.0)]);
    let Some(Failure::Position { found_mm, .. }) = rig.failure() else { panic!("{}", rig.story()) };
    assert!((51.0..80.0).contains(&found_mm[0]), "stopped soon: {found_mm:?}");
    assert!(rig.machine.is_at_rest());
}

#[test]
fn a_small_difference_is_seen_at_the_end() {
    let rig = run(&[("G0X20", 20.0), ("G1X50.08F3000", 50.0)]);
    let Some(Failure::Position { wanted_mm, found_mm }) = rig.failure() else { panic!("{}", rig.story()) };
    assert_eq!((wanted_mm[0], (found_mm[0] * 100.0).round()), (50.0, 5008.0));
}

#[test]
fn where_a_change_of_tools_takes_the_machine_is_its_own_affair() {
    let change = ["G0Y40", "G0X150"].map(|text| text.as_bytes().into());
    let options = Options { tool_change: Policy::Macro(change.into()), ..Options::default() };
    let lines = [("G0X20", 20.0), ("T2M6", 20.0), ("G0Z0", 20.0), ("G0X50Y0", 50.0), ("G1X10F3000", 10.0)];
    let rig = run_with(&lines, options.clone());
    assert!(rig.is_finished(), "{}", rig.story());
    // Behind it, as far as a planner reaches, the way is looked at again.
    let steps: Vec<(String, f64)> = (1..=20).map(|i| (format!("G1X{i}F3000"), f64::from(i))).collect();
    let mut damaged = vec![("T2M6", 0.0), ("G0X0Y0Z0", 0.0)];
    damaged.extend(steps.iter().map(|(text, x)| (text.as_str(), *x)));
    damaged.extend([("G1X90", 10.0), ("G1X0", 0.0)]);
    let rig = run_with(&damaged, options);
    let Some(Failure::Position { found_mm, .. }) = rig.failure() else { panic!("{}", rig.story()) };
    assert!((20.0..45.0).contains(&found_mm[0]), "stopped soon: {found_mm:?}");
}
