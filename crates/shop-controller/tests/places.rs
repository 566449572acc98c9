//! A machine that goes elsewhere than its program is noticed: on its way, and at the end.

use std::time::Duration;

use crate::rig::Rig;
use shop_controller::session::{Failure, Line, Options, Policy, Protocol, Reach, Session, Way, Zero};
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
        let (end_mm, low_mm, high_mm) = ([x, 0.0, 0.0], [low, 0.0, 0.0], [high, 0.0, 0.0]);
        let reach = Reach { end_mm, low_mm, high_mm, way, zero: [Zero::First; 3] };
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
    let Some(Failure::Position { line: None, wanted_mm, found_mm }) = rig.failure() else {
        panic!("{}", rig.story())
    };
    assert_eq!((wanted_mm[0], (found_mm[0] * 100.0).round()), (50.0, 5008.0));
}

#[test]
fn where_a_change_of_tools_takes_the_machine_is_its_own_affair() {
    let change = ["G0Y40", "G0X150"].map(|text| text.as_bytes().into());
    let options = Options { tool_change: Policy::Macro(change.into()), ..Options::default() };
    let lines = [("G90G0X20", 20.0), ("T2M6", 20.0), ("G0Z0", 20.0), ("G0X50Y0", 50.0), ("G1X10F3000", 10.0)];
    let rig = run_with(&lines, options.clone());
    assert!(rig.is_finished(), "{}", rig.story());
    // Behind it, as far as a planner reaches, the way is looked at again.
    let steps: Vec<(String, f64)> = (1..=20).map(|i| (format!("G1X{i}F3000"), f64::from(i))).collect();
    let mut damaged = vec![("G90", 0.0), ("T2M6", 0.0), ("G0X0Y0Z0", 0.0)];
    damaged.extend(steps.iter().map(|(text, x)| (text.as_str(), *x)));
    damaged.extend([("G1X90", 10.0), ("G1X0", 0.0)]);
    let rig = run_with(&damaged, options);
    let Some(Failure::Position { found_mm, .. }) = rig.failure() else { panic!("{}", rig.story()) };
    assert!((20.0..45.0).contains(&found_mm[0]), "stopped soon: {found_mm:?}");
}

/// A line without a reach is one of which nobody knows where it goes.
fn run_as_known(lines: &[(&str, Option<f64>)]) -> Rig {
    let mut at = Some(0.0f64);
    let lines = lines.iter().zip(1..).map(|(&(text, end), number)| {
        let from = std::mem::replace(&mut at, end);
        let reach = from.zip(end).map(|(from, end)| Reach {
            end_mm: [end, 0.0, 0.0],
            low_mm: [from.min(end), 0.0, 0.0],
            high_mm: [from.max(end), 0.0, 0.0],
            way: Way::Straight { from_mm: [from, 0.0, 0.0] },
            zero: [Zero::First, Zero::Unknown, Zero::First],
        });
        Line { number, text: text.as_bytes().into(), duration: Duration::from_secs(1), reach }
    });
    let lines: Vec<Line> = lines.collect();
    let mut rig = Rig::new(Kind::Grbl, sim::Options::workshop(), Options::default());
    rig.connect().job(lines);
    rig
}

#[test]
fn where_nobody_knows_the_way_none_is_expected() {
    let lines = [("G90G0X20", Some(20.0)), ("G92X0", None), ("G1X100F3000", None), ("M30", None)];
    let rig = run_as_known(&lines);
    assert!(rig.is_finished(), "{}", rig.story());
}

#[test]
fn behind_such_lines_the_way_is_looked_at_again() {
    let mut lines: Vec<(String, Option<f64>)> =
        vec![("G90G0X20".into(), Some(20.0)), ("G0X60".into(), None), ("G0X0".into(), None)];
    lines.extend((1..=30).map(|i| (format!("G1X{i}F3000"), Some(f64::from(i)))));
    // It is told 90, and should go to 10.
    lines.extend([("G1X90".into(), Some(10.0)), ("G1X0".into(), Some(0.0))]);
    let lines: Vec<_> = lines.iter().map(|(text, end)| (text.as_str(), *end)).collect();
    let rig = run_as_known(&lines);
    let Some(Failure::Position { line: Some(line), found_mm, .. }) = rig.failure() else {
        panic!("{}", rig.story())
    };
    assert!((31.0..60.0).contains(&found_mm[0]) && *line >= 34, "stopped soon: line {line}, {found_mm:?}");
}

/// The machine is told X100 more than the program says, when it counts from a zero that the program has moved.
#[test]
fn a_zero_that_moved_elsewhere_is_noticed() {
    // The plan is G92X5 at X20: what is called X0 then is X15 of before.
    for (word, sound) in [("G92X5", true), ("G92X9", false)] {
        let lines =
            [("G90G0X20", Some(20.0)), (word, Some(20.0)), ("G1X50F3000", Some(65.0)), ("X0", Some(15.0))];
        let rig = run_as_known(&lines);
        assert_eq!(rig.is_finished(), sound, "{word}: {}", rig.story());
        assert!(sound || matches!(rig.failure(), Some(Failure::Position { .. })), "{}", rig.story());
    }
}

#[test]
fn a_place_from_a_zero_that_only_the_controller_knows_is_looked_at() {
    // Behind a touch Z counts from the plate.
    for (word, sound) in [("Z1", true), ("Z5", false)] {
        let told = |from: f64, end: f64| {
            let (low, high) = (from.min(end), from.max(end));
            let at = |z: f64| [0.0, 0.0, z];
            let way = Way::Straight { from_mm: at(from) };
            let zero = [Zero::First, Zero::First, Zero::Told];
            Some(Reach { end_mm: at(end), low_mm: at(low), high_mm: at(high), way, zero })
        };
        let nobody =
            Reach { zero: [Zero::First, Zero::First, Zero::Unknown], ..told(0.0, 0.0).expect("one") };
        let lines = [
            ("G90G38.2Z-20F300", Some(nobody)),
            ("G92Z0", Some(nobody)),
            ("G0Z30", Some(nobody)),
            ("G1Z20F2000", told(30.0, 20.0)),
            (word, told(20.0, 1.0)),
            ("M30", told(1.0, 1.0)),
        ];
        let lines = lines.into_iter().zip(1..).map(|((text, reach), number)| Line {
            number,
            text: text.as_bytes().into(),
            duration: Duration::from_secs(20),
            reach,
        });
        let lines: Vec<Line> = lines.collect();
        let mut rig = Rig::new(Kind::Grbl, sim::Options::workshop(), Options::default());
        rig.connect().job(lines);
        assert_eq!(rig.is_finished(), sound, "{word}: {}", rig.story());
        assert!(
            sound || matches!(rig.failure(), Some(Failure::Position { line: None, .. })),
            "{}",
            rig.story()
        );
    }
}

/// A `FluidNC` that has planned 60 moves of a millimetre is seen somewhere, twice; returns whether it is stopped.
fn fluidnc_is_stopped_at(place: &str) -> bool {
    let options = Options { read_settings: false, ..Options::default() };
    let mut session = Session::new(Some(Protocol::FluidNc), options);
    let (mut now, mut sent) = (Duration::ZERO, Vec::new());
    session.connect(now);
    let mut say = |session: &mut Session, text: &str| {
        now += Duration::from_millis(20);
        session.tick(now);
        for text in ["", text] {
            if !text.is_empty() {
                session.receive(now, format!("{text}\r\n").as_bytes());
            }
            while !session.outbox().is_empty() {
                sent.extend(session.outbox().next());
                let count = session.outbox().next().len();
                session.outbox().sent(count);
            }
        }
        (now, sent.contains(&b'!'))
    };
    for text in
        ["Grbl 3.7 [FluidNC v3.7.16 (wifi) '$' for help]", "[VER:3.7 FluidNC v3.7.16:]", "[OPT:MPHS]", "ok"]
    {
        say(&mut session, text);
    }
    let (mut now, _) = say(&mut session, "<Idle|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,0.000,0.000>");
    for number in 1..=60u32 {
        let x = f64::from(number);
        let (from, to) = ([x - 1.0, 0.0, 0.0], [x, 0.0, 0.0]);
        let (way, zero) = (Way::Straight { from_mm: from }, [Zero::First; 3]);
        let reach = Some(Reach { end_mm: to, low_mm: from, high_mm: to, way, zero });
        let text = format!("G1X{x}F600").into_bytes().into();
        assert!(session.wants_line(), "line {number}");
        session.give(now, Line { number: u64::from(number), text, duration: Duration::from_secs(1), reach });
        (now, _) = say(&mut session, "ok");
    }
    let mut seen = || say(&mut session, &format!("<Run|MPos:{place}|FS:600,0>")).1;
    assert!(!seen(), "a report may be damaged");
    seen()
}

#[test]
fn a_planner_whose_size_nobody_told_may_be_a_large_one() {
    assert!(!fluidnc_is_stopped_at("1.500,0.000,0.000"));
    assert!(!fluidnc_is_stopped_at("1.500,0.700,0.000"), "its arms may bend the way");
    assert!(fluidnc_is_stopped_at("1.500,30.000,0.000"));
}
