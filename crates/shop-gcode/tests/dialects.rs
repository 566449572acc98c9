//! Small programs of each dialect, and what they mean.

use shop_cam::canon::{Command, Factor, Heater, Limits, Role, Section, Wait};
use shop_cam::machine::{Dialect, MachineKind};
use shop_gcode::{Context, interpret};

/// Returns the commands of a program that has no errors.
fn commands(dialect: Dialect, program: &str) -> Vec<Command> {
    let read = interpret(program.as_bytes(), &Context::new(dialect, MachineKind::Router));
    assert!(!read.has_errors(), "{program}\n{:?}", read.diagnostics);
    read.value.into_iter().flat_map(|s| s.commands).filter(|c| !matches!(c, Command::Feed(_))).collect()
}

fn xs(commands: &[Command]) -> Vec<f64> {
    commands
        .iter()
        .filter_map(|c| match c {
            Command::Line { to } => Some(to[0]),
            _ => None,
        })
        .collect()
}

#[test]
fn reprapfirmware_loops_and_conditions_go_by_indentation() {
    let program = "G21\nG90\nG1 F600\nvar n = 3\nwhile iterations < var.n\n  if mod(iterations, 2) == 0\n    G1 \
                   X{10 * iterations + 1}\n  elif iterations == 1\n    G1 X{var.n}\n  else\n    G1 X99\n  ; within\nG1 X7\n";
    assert_eq!(xs(&commands(Dialect::RepRapFirmware, program)), [1.0, 3.0, 21.0, 7.0]);
    let program = "G1 F600\nwhile true\n  if iterations == 2\n    break\n  if iterations == 0\n    continue\n  G1 \
                   X{iterations}\nG1 X5";
    assert_eq!(xs(&commands(Dialect::RepRapFirmware, program)), [1.0, 5.0]);
}

#[test]
fn reprapfirmware_hands_on_what_only_the_machine_knows() {
    let program = "G1 F600\nif sensors.gpIn[0].value == 1\n  G1 X1\nG1 X{move.axes[0].max}\nM98 P\"a b.g\" R{1}\nG1 X2\n";
    let all = commands(Dialect::RepRapFirmware, program);
    assert_eq!(xs(&all), [2.0]);
    assert!(all.contains(&Command::Native("G1 X{move.axes[0].max}".into())), "{all:?}");
    assert!(all.contains(&Command::Native("M98 P\"a b.g\" R{1}".into())), "{all:?}");
}

#[test]
fn an_endless_loop_ends_with_a_word() {
    let context = Context::new(Dialect::RepRapFirmware, MachineKind::Router);
    let read = interpret(b"while true\n  G4 P1\n", &context);
    assert!(read.diagnostics.iter().any(|d| d.code == "gcode/endless"), "{:?}", read.diagnostics);
    let read = interpret(
        b"M808 L1000000\nG4 P1\nM808 L1000000\nM808\nM808\n",
        &Context { dialect: Dialect::Marlin, ..context },
    );
    assert!(read.diagnostics.iter().any(|d| d.code == "gcode/endless"), "{:?}", read.diagnostics);
}

#[test]
fn klipper_commands_have_names() {
    let program = "SET_VELOCITY_LIMIT ACCEL=3000 SQUARE_CORNER_VELOCITY=5\nSET_PRESSURE_ADVANCE ADVANCE=0.04\n\
                   SET_HEATER_TEMPERATURE HEATER=heater_bed TARGET=60\nRESPOND MSG=\"a b\"\nSTART_PRINT BED=60 ; go\n";
    let limits = |l: Limits| Command::Limits(Box::new(l));
    assert_eq!(
        commands(Dialect::Klipper, program),
        [
            limits(Limits {
                acceleration: Some(3000.0),
                travel_acceleration: Some(3000.0),
                square_corner_speed: Some(5.0),
                ..Limits::default()
            }),
            limits(Limits { pressure_advance: Some(0.04), ..Limits::default() }),
            Command::Temperature { heater: Heater::Bed, target_c: 60.0, wait: Wait::No },
            Command::Message("a b".into()),
            Command::Comment("go".into()),
            Command::Native("START_PRINT BED=60".into()),
        ]
    );
}

#[test]
fn filament_absolute_and_relative() {
    let e = |program: &str, dialect: Dialect| -> Vec<f64> {
        let all = commands(dialect, program);
        all.iter()
            .filter_map(|c| match c {
                Command::Extrude { e, .. } | Command::Filament { e } => Some((e * 1e6).round() / 1e6),
                _ => None,
            })
            .collect()
    };
    let program = "G1 F600\nG1 X1 E1\nG1 X2 E1.5\nG92 E0\nG1 X3 E1\nM83\nG1 X4 E1\nG1 E-2\nM82\nG1 X5 E0.5\n";
    assert_eq!(e(program, Dialect::Marlin), [1.0, 0.5, 1.0, 1.0, -2.0, 0.5]);
    // Marlin's G91 speaks for E too, RepRapFirmware's does not.
    let program = "G1 F600\nG91\nG1 X1 E1\nG1 X1 E1\n";
    assert_eq!(e(program, Dialect::Marlin), [1.0, 1.0]);
    assert_eq!(e(program, Dialect::RepRapFirmware), [1.0]);
}

#[test]
fn marlin_words_of_a_print() {
    let program = "M140 S60\nM109 R200\nM106 P1 S127.5\nM220 S50\nG10\nG11\nM117 Hello; world\n;LAYER:3\n;TYPE:WALL-OUTER\nM600\nM115\n";
    assert_eq!(
        commands(Dialect::Marlin, program),
        [
            Command::Temperature { heater: Heater::Bed, target_c: 60.0, wait: Wait::No },
            Command::Temperature { heater: Heater::Hotend(0), target_c: 200.0, wait: Wait::Both },
            Command::Fan { number: 1, fraction: 0.5 },
            Command::Factor { of: Factor::Feed, factor: 0.5 },
            Command::FirmwareRetract { recover: false },
            Command::FirmwareRetract { recover: true },
            Command::Comment("world".into()),
            Command::Message("Hello".into()),
            Command::Layer { number: 3 },
            Command::Feature("WALL-OUTER".into()),
            Command::FilamentChange,
            Command::Native("M115".into()),
        ]
    );
}

/// The same line with blanks within its words, outside its remark.
fn careful_line(line: &str) -> String {
    let (words, remark) = line.split_at(line.find(';').unwrap_or(line.len()));
    let spaced = words.replace('X', "X ").replace('Y', "Y ").replace('E', "E ").replace('Z', "Z ");
    format!("{}{remark}", spaced.replace("G1", "G 1").replace("G0", "G 0"))
}

/// The quick way over plain lines and the careful way must agree; blanks inside words force the careful one.
#[test]
fn both_ways_over_plain_lines_agree() {
    let mut plain = String::from("G21\nG90\nM3 S9\n");
    let mut careful = plain.clone();
    for i in 0..500 {
        let (x, y, e) = (f64::from(i) * 0.137, f64::from(i % 17) - 8.25, f64::from(i) * 0.01);
        let line = match i % 7 {
            0 => format!("G0 X{x:.3} F{}\n", 1000 + i),
            1 => format!("G1 Z{y:.2}\n"),
            2 => format!("X{x:.3} Y{y:.4} E{e:.5}\n"),
            3 => format!("G01 E{:.4}\r\n", e - 0.8),
            4 if i % 2 == 0 => "G1\n".into(),
            4 => format!("N{i} G1 Y{y:.3} S{} ; move {i}\n", i % 5),
            _ => format!("G1 X{x:.3} Y{y:.4} E{e:.5} F{}\n", 600 + i % 3),
        };
        careful.push_str(&careful_line(&line));
        plain.push_str(&line);
    }
    for dialect in [Dialect::Marlin, Dialect::Klipper, Dialect::RepRapFirmware, Dialect::Smoothie] {
        let context = Context::new(dialect, MachineKind::Router);
        let (a, b) = (interpret(plain.as_bytes(), &context), interpret(careful.as_bytes(), &context));
        assert_eq!(a.value, b.value, "{dialect:?}");
        let codes = |d: &[shop_report::Diagnostic]| d.iter().map(|d| (d.code, d.count)).collect::<Vec<_>>();
        assert_eq!(codes(&a.diagnostics), codes(&b.diagnostics));
    }
}

/// `$H` is the one line for the controller that takes part in a program; other controllers do not know it.
#[test]
fn grbls_kin_look_for_their_switches_at_a_dollar_h() {
    for dialect in [Dialect::Grbl, Dialect::GrblHal, Dialect::FluidNc, Dialect::Smoothie, Dialect::LinuxCnc] {
        for (line, homes) in [("$H", true), ("$h \r", true), ("$X", false), ("$HX", false)] {
            let program = format!("G21 G90\nG0 X1 Y2 Z3\n{line}\nG0 X4\nM2\n");
            let read = interpret(program.as_bytes(), &Context::new(dialect, MachineKind::Router));
            let of_line: Vec<_> = read.diagnostics.iter().filter(|d| d.code == "gcode/setting").collect();
            let home = Command::Home { axes: [true; 3], to: [1.0, 2.0, 3.0], of_printer: false };
            let found = read.value.iter().flat_map(|s| &s.commands).any(|c| *c == home);
            assert_eq!(found, homes && dialect != Dialect::LinuxCnc, "{dialect:?} {line}");
            assert!(dialect == Dialect::Smoothie || of_line.len() == 1, "{dialect:?} {:?}", read.diagnostics);
        }
    }
}

/// Where a controller without a word for homing is afterwards is not known from the word that was left out.
#[test]
fn homing_that_is_left_out_moves_nothing() {
    let mut first = Section::new(Role::Unknown, "");
    first.commands.push(Command::Home { axes: [true; 3], to: [0.0, 0.0, 5.0], of_printer: false });
    let mut second = Section::new(Role::Unknown, "");
    second.commands.push(Command::Rapid { to: [0.0, 0.0, 5.0] });
    let text = shop_gcode::post(&[first, second], &shop_gcode::example_machine());
    assert!(text.value.contains("G0 X0 Y0 Z5\n"), "{}", text.value);
    assert!(text.diagnostics.iter().any(|d| d.code == "gcode/no-word"));
}

/// Only printers are sent to their switches, and only by what was made for a printer. Whoever looks for them does not
/// take what stands behind for done: no place that is named there may be left out.
#[test]
fn homing_is_a_printers_own_and_hides_no_move() {
    use MachineKind::{Laser, Printer, Router};
    let targets = [
        (Dialect::Marlin, Printer),
        (Dialect::Klipper, Printer),
        (Dialect::Smoothie, Printer),
        (Dialect::Marlin, Router),
        (Dialect::Smoothie, Laser),
        (Dialect::RepRapFirmware, Router),
        (Dialect::Grbl, Router),
        (Dialect::LinuxCnc, Router),
    ];
    let sources = [
        (Dialect::Grbl, Router, "$H"),
        (Dialect::Smoothie, Router, "$H"),
        (Dialect::Marlin, Router, "G28"),
        (Dialect::Marlin, Printer, "G28"),
        (Dialect::Klipper, Printer, "G28"),
    ];
    for (dialect, kind, word) in sources {
        // The place behind the word is the one where the tool is taken to be.
        let program = format!("G21\nG90\n{word}\nG0 X0 Y0 Z0\nG1 X5 F600\n{word}\nG0 X0 Y0 Z0\n");
        let mut context = Context::new(dialect, kind);
        context.home = [0.0; 3];
        let read = interpret(program.as_bytes(), &context).value;
        for (dialect, target) in targets {
            let mut machine = shop_gcode::example_machine();
            (machine.post.dialect, machine.kind) = (dialect, target);
            machine.post.header.clear();
            // In one section, and each command in its own.
            let alone: Vec<Section> = read
                .iter()
                .flat_map(|s| &s.commands)
                .map(|c| {
                    let mut section = Section::new(Role::Unknown, "");
                    section.commands.push(c.clone());
                    section
                })
                .collect();
            for sections in [&read, &alone] {
                let text = shop_gcode::post(sections, &machine);
                let (about, homes) = (format!("{word} {kind:?} to {dialect:?} {target:?}"), (kind, target));
                let written = text.value.lines().filter(|l| l.starts_with("G28")).count();
                assert_eq!(
                    written,
                    if homes == (Printer, Printer) { 2 } else { 0 },
                    "{about}\n{}",
                    text.value
                );
                let told = text.diagnostics.iter().find(|d| d.message.contains("switches"));
                assert_eq!(told.map(|d| (d.code, d.count)), (written == 0).then_some(("gcode/no-word", 2)));
                let place = if target == Laser { "X0 Y0" } else { "X0 Y0 Z0" };
                assert_eq!(text.value.matches(place).count(), 2, "{about}\n{}", text.value);
            }
        }
    }
}

/// A radius that is a micrometre too short is refused by GRBL, and taken for half a circle by LinuxCNC.
#[test]
fn grbl_takes_no_radius_that_is_too_short() {
    for (dialect, refused) in [(Dialect::Grbl, true), (Dialect::GrblHal, true), (Dialect::LinuxCnc, false)] {
        let context = Context::new(dialect, MachineKind::Router);
        let read = interpret(b"G21 G90 F100\nG1 X0 Y0\nG2 X10 R4.999\nM30\n", &context);
        let found = read.diagnostics.iter().any(|d| d.code == "gcode/arc-radius-too-small");
        assert_eq!(found, refused, "{dialect:?}");
        let half = interpret(b"G21 G90 F100\nG1 X0 Y0\nG2 X10 R5\nM30\n", &context);
        assert!(!half.has_errors(), "{dialect:?}");
    }
}
