//! Cycles: contours turned (G70, G71, G72), holes in every plane, as LinuxCNC makes them. The moves were measured with `rs274` of LinuxCNC 2.9;
//! `rs274.rs` holds its sample programs against the same interpreter where it is installed.

use shop_cam::canon::{Command, Spindle, Way};
use shop_cam::machine::{Dialect, MachineKind};
use shop_gcode::{Context, interpret};
use std::fmt::Write as _;

fn context() -> Context {
    let mut context = Context::new(Dialect::LinuxCnc, MachineKind::Router);
    context.machine_zero = Some([0.0; 3]);
    context
}

/// The moves of a program as `R x z`, `F x z` and `A x z`, those that go nowhere left out.
fn moves(program: &str) -> String {
    let read = interpret(program.as_bytes(), &context());
    let errors: Vec<_> = read.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    let mut at = [0.0; 3];
    let mut out = errors.join("\n");
    for command in read.value.iter().flat_map(|s| &s.commands) {
        let (name, to) = match command {
            Command::Rapid { to } => ('R', *to),
            Command::Line { to } => ('F', *to),
            Command::Move(m) => match m.way {
                Way::Arc { counter_clockwise: true, .. } => ('A', m.to),
                Way::Arc { .. } => ('C', m.to),
                _ => ('?', m.to),
            },
            _ => continue,
        };
        if to != at {
            let round = |v: f64| (v * 1e4).round() / 1e4 + 0.0;
            write!(out, "{name} {} {}, ", round(to[0]), round(to[2])).expect("writing to a string");
        }
        at = to;
    }
    out.trim_end_matches(", ").to_owned()
}

const HEAD: &str = "G54 G18 G21 F100\nO100 SUB\n";

#[test]
fn finishing_follows_the_contour_at_its_distances() {
    let program = format!(
        "{HEAD}G0 X0 Z10\nG1 X2\nG1 X3 Z9\nG1 X4 Z7\nG1 X10\nO100 ENDSUB\nG0 X12 Z12\nG70 Q100\nG70 Q100 X10 Z7 D1 E0.5 P2\nM2\n"
    );
    assert_eq!(
        moves(&program),
        "R 12 12, R 0 10, F 2 10, F 3 9, F 4 7, F 10 7, \
         R 10 10, R 0 10.75, F 2 10.75, A 2.5303 10.5303, F 3.5303 9.5303, A 3.6708 9.3354, F 4.4635 7.75, F 10 7.75, \
         R 10 10, R 0 10.5, F 2 10.5, A 2.3536 10.3536, F 3.3536 9.3536, A 3.4472 9.2236, F 4.309 7.5, F 10 7.5"
    );
}

#[test]
fn roughing_cuts_in_steps_and_follows_the_contour() {
    let program = format!(
        "{HEAD}G0 X0 Z10\nG1 X2\nG1 X10 Z5\nG1 Z3\nO100 ENDSUB\nG0 X12 Z12 G7\nG71 Q100 X12 Z12 D0.2 I2 R0.5\nM2\n"
    );
    // G7: X words are diameters.
    assert_eq!(
        moves(&program),
        "R 6 12, F 6 3, R 6.5 3.5, R 6.5 11.5, R 6 12, R 4 11.4, F 4 6.5702, R 4.5 7.0702, R 4.5 10.9, R 4 11.4, \
         R 2 10.8, F 2 9.0702, R 2.5 9.5702, R 2.5 10.3, R 2 10.8, R 0 10.2, F 1 10.2, A 1.1562 10.1249, \
         F 5.1562 5.1249, A 5.2 5, F 5.2 3, F 6 3"
    );
}

#[test]
fn corners_are_rounded_and_broken() {
    let program = |corner: &str| {
        format!("{HEAD}G0 X0 Z10\nG1 X10 {corner}\nG1 Z0\nG1 X12\nO100 ENDSUB\nG0 X15 Z12\nG70 Q100\nM2\n")
    };
    assert_eq!(moves(&program("A2")), "R 15 12, R 0 10, F 8 10, A 10 8, F 10 0, F 12 0");
    assert_eq!(moves(&program("C2")), "R 15 12, R 0 10, F 8 10, F 10 8, F 10 0, F 12 0");
}

#[test]
fn what_cannot_be_turned_is_said() {
    let says = |program: &str, code: &str| {
        let read = interpret(program.as_bytes(), &context());
        assert!(read.diagnostics.iter().any(|d| d.code == code), "{program}: {:?}", read.diagnostics);
    };
    let with = |call: &str| {
        format!("{HEAD}G0 X0 Z10\nG1 X2\nG1 X3 Z11\nG1 X9 Z3\nO100 ENDSUB\nG0 X12 Z12\n{call}\nM2\n")
    };
    says(&with("G71 Q100"), "gcode/turning-cycle");
    says(&with("G71"), "gcode/turning-cycle");
    says(&with("G17 G71 Q100"), "gcode/turning-cycle");
    says(&with("G71 Q7"), "gcode/subprogram-missing");
    says(&with("G71 Q100 I0"), "gcode/turning-cycle");
    // Endless words end.
    says(&with("G71 Q100 I1e-9 D1e-9"), "gcode/turning-cycle");
}

/// The moves of cycles as `R x y z` and `F x y z`, with what is switched between them.
fn holes(cycles: &str) -> String {
    let program = format!("G21 G90 F100 S500 M3\nG0 X1 Y2 Z10\n{cycles}\nM2\n");
    let read = interpret(program.as_bytes(), &context());
    let mut out: Vec<String> = read.diagnostics.iter().map(|d| d.code.to_owned()).collect();
    let mut at = [1.0, 2.0, 10.0];
    let round = |p: [f64; 3]| p.map(|v| ((v * 1e4).round() / 1e4 + 0.0).to_string()).join(" ");
    for command in
        read.value.iter().flat_map(|s| &s.commands).skip_while(|c| !matches!(c, Command::Rapid { .. }))
    {
        let mut each = Vec::new();
        match command {
            Command::Drill(d) => d.expand(at, |c| each.push(c)),
            c => each.push(c.clone()),
        }
        for command in each {
            match command {
                Command::Rapid { to } | Command::Line { to } if to == at => {}
                Command::Rapid { to } => {
                    out.push(format!("R {}", round(to)));
                    at = to;
                }
                Command::Line { to } => {
                    out.push(format!("F {}", round(to)));
                    at = to;
                }
                Command::Spindle(Spindle::Off) => out.push("off".into()),
                Command::Spindle(Spindle::Clockwise { .. }) => out.push("cw".into()),
                Command::Spindle(Spindle::CounterClockwise { .. }) => out.push("ccw".into()),
                Command::Dwell { seconds } => out.push(format!("wait {seconds}")),
                Command::Pause { .. } => out.push("stop".into()),
                _ => {}
            }
        }
    }
    out.join(", ")
}

#[test]
fn holes_go_along_the_axis_of_the_plane() {
    assert_eq!(holes("G18 G98 G81 X5 Z3 Y-2 R4"), "R 1 4 10, R 5 4 3, F 5 -2 3, R 5 4 3");
    assert_eq!(holes("G19 G99 G82 X-2 Y5 Z7 R1 P0.5"), "R 1 5 7, F -2 5 7, wait 0.5, R 1 5 7");
    assert_eq!(
        holes("G18 G83 X5 Z3 Y-2 R2 Q3"),
        "R 5 2 3, F 5 -1 3, R 5 2 3, R 5 -0.746 3, F 5 -2 3, R 5 2 3"
    );
}

#[test]
fn taps_and_bores_switch_the_spindle() {
    assert_eq!(
        holes("G98 G84 X5 Y5 Z-2 R4 P1"),
        "R 5 5 10, R 5 5 4, F 5 5 -2, off, ccw, wait 1, F 5 5 10, off, cw"
    );
    assert_eq!(holes("M4\nG74 X5 Y5 Z-2 R4"), "ccw, R 5 5 10, R 5 5 4, F 5 5 -2, off, cw, F 5 5 4, off, ccw");
    assert_eq!(
        holes("G87 X5 Y5 Z-2 R4 I1 J1 K1"),
        "R 5 5 10, R 5 5 4, R 6 6 4, off, R 6 6 -2, R 5 5 -2, cw, F 5 5 1, F 5 5 -2, off, R 6 6 -2, R 6 6 4, R 5 5 4, cw"
    );
    assert_eq!(holes("G88 X5 Y5 Z-2 R4 P1"), "R 5 5 10, R 5 5 4, F 5 5 -2, wait 1, off, stop, cw");
    assert_eq!(holes("G86 X5 Y5 Z-2 R4 P1"), "R 5 5 10, R 5 5 4, F 5 5 -2, wait 1, off, R 5 5 4, cw");
}

#[test]
fn words_stay_with_their_own_cycle() {
    assert_eq!(
        holes("G81 X5 Y5 Z-2 R4\nX6"),
        "R 5 5 10, R 5 5 4, F 5 5 -2, R 5 5 4, R 6 5 4, F 6 5 -2, R 6 5 4"
    );
    assert!(holes("G81 X5 Y5 Z-2 R4\nG85 X6").starts_with("gcode/cycle-words"));
    for wrong in ["G82 X5 Z-2 R4", "G83 X5 Z-2 R4", "G87 X5 Z-2 R4", "G81 X5 Z9 R4", "G81 X5 Z-2 R4 A5"] {
        assert!(holes(wrong).starts_with("gcode/"), "{wrong}");
    }
    assert!(holes("M5\nG84 X5 Z-2 R4").starts_with("gcode/thread"));
}
