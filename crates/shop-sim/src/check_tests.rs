//! Planted faults, one each, and a program without any.

use super::*;
use crate::estimate::tests::grbl;
use shop_cam::Speed;
use shop_cam::canon;
use shop_cam::machine::Cornering;

fn found(machine: &Machine, commands: &[Command]) -> Vec<Finding> {
    let mut checker = Checker::new(machine);
    for (i, c) in commands.iter().enumerate() {
        checker.command(c, i as u32 + 1);
    }
    checker.finish().0
}

fn codes(machine: &Machine, commands: &[Command]) -> Vec<(&'static str, u32, u32)> {
    found(machine, commands).iter().map(|f| (f.code, f.line, f.count)).collect()
}

fn rapid(x: f64, y: f64, z: f64) -> Command {
    Command::Rapid { to: [x, y, z] }
}

fn line(x: f64, y: f64, z: f64) -> Command {
    Command::Line { to: [x, y, z] }
}

fn feed(v: f64) -> Command {
    Command::Feed(Speed::from_mm_per_min(v))
}

const ON: Command = Command::Spindle(Spindle::Clockwise { rpm: 12_000.0 });
const OFF: Command = Command::Spindle(Spindle::Off);

fn printer() -> Machine {
    let mut m = grbl();
    m.kind = MachineKind::Printer;
    m.post.dialect = Dialect::Klipper;
    m.cornering = Cornering::SquareCorner { speed: 5.0, cruise_ratio: 0.5 };
    m.printer = Some(Printer {
        bed: None,
        thumbnails: Vec::new(),
        nozzle: 0.4,
        filament: 1.75,
        extruder: Speed::from_mm_per_s(50.0),
        extruder_acceleration: 1000.0,
        extruder_jerk: 1.0,
        print_acceleration: 1000.0,
        travel_acceleration: 1000.0,
        hotend_c: [170.0, 275.0],
        bed_most_c: 110.0,
        one_nozzle: false,
        hotend_c_per_s: 2.0,
        bed_c_per_s: 0.5,
    });
    m
}

fn hot(target_c: f64, wait: Wait) -> Command {
    Command::Temperature { heater: Heater::Hotend(0), target_c, wait }
}

#[test]
fn a_sound_program_has_nothing_to_say() {
    let sound = [
        rapid(0.0, 0.0, 5.0),
        ON,
        feed(600.0),
        rapid(10.0, 10.0, 5.0),
        line(10.0, 10.0, -1.0),
        line(50.0, 10.0, -1.0),
        rapid(50.0, 10.0, 5.0),
        OFF,
        Command::End,
    ];
    assert_eq!(codes(&grbl(), &sound), []);
}

#[test]
fn planted_faults_of_a_router_are_named() {
    let m = grbl();
    let start = [rapid(0.0, 0.0, 5.0), ON, feed(600.0)];
    let cases: Vec<(&str, Vec<Command>)> = vec![
        ("check/envelope", vec![rapid(1500.0, 0.0, 5.0), rapid(0.0, 0.0, 5.0)]),
        ("check/rapid-in-stock", vec![line(0.0, 0.0, -1.0), rapid(9.0, 0.0, -1.0), rapid(9.0, 0.0, 5.0)]),
        ("check/plunge-at-rapid", vec![rapid(0.0, 0.0, -1.0), rapid(0.0, 0.0, 5.0)]),
        ("check/spindle-off", vec![OFF, line(0.0, 0.0, -1.0), rapid(0.0, 0.0, 5.0)]),
        ("check/feed-range", vec![feed(90_000.0), rapid(0.0, 0.0, 6.0)]),
        ("check/rpm-range", vec![Command::Spindle(Spindle::Clockwise { rpm: 90_000.0 })]),
        ("check/ends-in-stock", vec![line(0.0, 0.0, -1.0)]),
    ];
    for (code, more) in cases {
        let all: Vec<Command> = start.iter().cloned().chain(more).collect();
        let found = codes(&m, &all);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [code]);
    }
    assert_eq!(codes(&m, &[OFF, Command::End]), [("check/nothing-moves", 0, 1)]);
}

#[test]
fn an_arc_reaches_beyond_its_ends() {
    let m = grbl();
    let arc =
        Command::Arc { to: [995.0, 20.0, 5.0], center: Point::new(995.0, 0.0), counter_clockwise: true };
    let found = codes(&m, &[feed(600.0), rapid(995.0, -20.0, 5.0), arc]);
    assert_eq!(found, [("check/envelope", 3, 1)]);
}

#[test]
fn planted_faults_of_a_printer_are_named() {
    let m = printer();
    let road = |x: f64, e: f64| Command::Extrude { to: [x, 0.0, 0.2], e };
    let off = hot(0.0, Wait::No);
    let cases: Vec<(&str, Vec<Command>)> = vec![
        ("check/cold-extrusion", vec![road(10.0, 0.3)]),
        ("check/cold-extrusion", vec![hot(150.0, Wait::Heat), road(10.0, 0.3), off.clone()]),
        ("check/not-warm", vec![hot(210.0, Wait::No), road(10.0, 0.3), off.clone()]),
        ("check/temperature", vec![hot(300.0, Wait::Heat), road(10.0, 0.3), off.clone()]),
        ("check/over-extrusion", vec![hot(210.0, Wait::Heat), road(10.0, 4.0), off.clone()]),
        ("check/filament-length", vec![hot(210.0, Wait::Heat), Command::Filament { e: 80.0 }, off.clone()]),
        ("check/heater-left-on", vec![hot(210.0, Wait::Heat), road(10.0, 0.3)]),
        ("check/writes-settings", vec![rapid(1.0, 0.0, 5.0), Command::Native("SAVE_CONFIG".into())]),
    ];
    for (code, all) in cases {
        assert_eq!(codes(&m, &all).iter().map(|f| f.0).collect::<Vec<_>>(), [code], "{all:?}");
    }
    // A round road ends where it begins, or nearly, and is as thick as it is long, not as its chord is.
    let round = |e: f64| {
        Command::Move(Box::new(canon::Move {
            to: [0.5, 0.0, 0.2],
            way: canon::Way::Arc {
                plane: canon::Plane::Xy,
                center: [10.0, 0.0],
                turns: 1,
                counter_clockwise: true,
            },
            more: canon::MoreAxes::default(),
            e,
            pitch: None,
        }))
    };
    let sound =
        [hot(210.0, Wait::Heat), road(0.5, 0.01), round(2.0), off.clone(), Command::Filament { e: -2.0 }];
    assert_eq!(codes(&m, &sound), []);
    // Tools that share a nozzle are as warm as it is.
    let mut shared = printer();
    let second = [hot(210.0, Wait::Heat), Command::ToolChange { number: 1 }, road(10.0, 0.3), off.clone()];
    assert_eq!(codes(&shared, &second).iter().map(|f| f.0).collect::<Vec<_>>(), ["check/cold-extrusion"]);
    shared.printer.as_mut().expect("a printer").one_nozzle = true;
    assert_eq!(codes(&shared, &second), []);
    // What is pulled back after the end is as good as ever; what is pushed then is not.
    let late = [hot(210.0, Wait::Heat), road(10.0, 0.3), off, road(20.0, 0.3)];
    assert_eq!(codes(&m, &late), [("check/cold-extrusion", 4, 1)]);
    // A little of it is how programs end; a print that goes on is one that the controller refuses.
    for (roads, wanted) in [(50, Severity::Warning), (70, Severity::Error)] {
        let mut all = vec![hot(210.0, Wait::Heat), road(10.0, 0.3), hot(150.0, Wait::No)];
        all.extend((0..roads).map(|i| road(f64::from(20 + i % 2 * 10), 0.3)));
        all.push(hot(0.0, Wait::No));
        let found = found(&m, &all);
        assert_eq!(
            found.iter().map(|f| (f.code, f.severity)).collect::<Vec<_>>(),
            [("check/cold-extrusion", wanted)]
        );
    }
}

fn with(
    machine: &Machine,
    set: impl FnOnce(&mut Checker<'_>),
    commands: &[Command],
) -> Vec<(&'static str, u32, u32)> {
    let mut checker = Checker::new(machine);
    set(&mut checker);
    for (i, c) in commands.iter().enumerate() {
        checker.command(c, i as u32 + 1);
    }
    checker.finish().0.iter().map(|f| (f.code, f.line, f.count)).collect()
}

#[test]
fn the_stock_lies_where_it_is_said_to_lie() {
    let machine = grbl();
    let stock = Extents { min: [10.0, 10.0, 0.0], max: [50.0, 50.0, 18.0] };
    let inside = [
        rapid(20.0, 20.0, 30.0),
        ON,
        rapid(20.0, 20.0, 12.0),
        feed(600.0),
        line(20.0, 40.0, 12.0),
        rapid(20.0, 40.0, 30.0),
        OFF,
    ];
    let beside = [
        rapid(0.0, 0.0, 30.0),
        ON,
        rapid(0.0, 0.0, 12.0),
        rapid(0.0, 60.0, 12.0),
        rapid(0.0, 60.0, 30.0),
        OFF,
    ];
    let across = [rapid(0.0, 30.0, 12.0), rapid(60.0, 30.0, 12.0), rapid(60.0, 30.0, 30.0)];
    let with = |commands: &[Command]| with(&machine, |c| c.stock(stock), commands);
    assert_eq!(with(&inside), [("check/plunge-at-rapid", 3, 1)]);
    assert_eq!(with(&beside), []);
    assert_eq!(with(&across), [("check/rapid-in-stock", 2, 1)]);
    assert_eq!(codes(&machine, &inside), []);
}

#[test]
fn tool_offsets_count_in_the_travel() {
    let mut machine = grbl();
    (machine.axes[2].min, machine.axes[2].max) = (-100.0, 0.0);
    let long = Command::ToolOffset { offset: [0.0, 0.0, 60.0] };
    let job = [long.clone(), rapid(1.0, 1.0, -70.0), rapid(2.0, 1.0, -80.0)];
    let envelope = |all: Vec<(&'static str, u32, u32)>| -> Vec<_> {
        all.into_iter().filter(|f| f.0 == "check/envelope").collect()
    };
    // The work zero lies 90 mm below the top of the travel: the spindle goes to -70 + 60 - 90 = -100 and below.
    assert_eq!(envelope(with(&machine, |c| c.zero_z(-90.0), &job)), [("check/envelope", 3, 1)]);
    assert_eq!(envelope(with(&machine, |c| c.zero_z(-30.0), &job)), []);
    // Without a height only the way counts.
    let far = [long, rapid(1.0, 1.0, 10.0), rapid(2.0, 1.0, -99.0)];
    assert_eq!(envelope(codes(&machine, &far)), [("check/envelope", 0, 1)]);
}
