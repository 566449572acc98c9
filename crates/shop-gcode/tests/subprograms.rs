//! Subprograms: in the program, by number (M98, M99), and in files of their own. Compared with LinuxCNC 2.9 by hand and
//! by `rs274.rs`.

use shop_cam::canon::Command;
use shop_cam::machine::{Dialect, MachineKind};
use shop_gcode::library::Subprogram;
use shop_gcode::{Context, interpret};
use shop_report::Diagnostic;
use shop_report::Severity;

fn read(program: &str, files: &[(&str, &str)]) -> (Vec<(f64, f64, u32)>, Vec<Diagnostic>) {
    let mut context = Context::new(Dialect::LinuxCnc, MachineKind::Router);
    context.subprograms = files
        .iter()
        .map(|(name, text)| Subprogram { name: (*name).into(), text: text.as_bytes().into() })
        .collect();
    let read = interpret(program.as_bytes(), &context);
    let mut out = Vec::new();
    for section in &read.value {
        for (command, line) in section.commands.iter().zip(&section.lines) {
            if let Command::Line { to } | Command::Rapid { to } = command {
                out.push((to[0], to[1], *line));
            }
        }
    }
    (out, read.diagnostics)
}

fn stops(program: &str, files: &[(&str, &str)]) -> Vec<(f64, f64)> {
    let (moves, found) = read(program, files);
    assert!(found.is_empty(), "{found:?}");
    moves.into_iter().map(|m| (m.0, m.1)).collect()
}

#[test]
fn numbered_subprograms_run_as_often_as_they_are_called() {
    let program = "G21 G90 F100\nG0 X1\nM98 P100\nM98 P0100 L2\nM98 P200\nG0 X9\nM98 P100 L0\nM30\n\
                   O100 (step)\nG91 G1 X1\nG90\nM99\nO200\nM98 P100\nG1 Y2\nM99\n";
    let expected = [(1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (4.0, 0.0), (5.0, 0.0), (5.0, 2.0), (9.0, 2.0)];
    assert_eq!(stops(program, &[]), expected);
}

#[test]
fn numbered_subprograms_share_their_parameters() {
    let program = "O1 (main)\nG21 G90 F100\n#3=7\nM98 P100\nG1 X#3\nM30\nO100\nG1 Y#3\n#3=5\nM99\n";
    assert_eq!(stops(program, &[]), [(0.0, 7.0), (5.0, 7.0)]);
}

#[test]
fn files_are_called_like_subprograms_and_told_by_the_line_that_calls() {
    let files = [
        (
            "hole",
            "%\n(drills)\no<deep> sub\nG1 Y#1\no<deep> endsub\no<hole> sub\nG1 X#1\no<deep> call [#1+1]\no<hole> return [#1*2]\no<hole> endsub\n%\n",
        ),
        ("300", "O300\nG1 X30\nM99\n"),
    ];
    let program = "G21 G90 F100\no<Hole> call [4]\nG1 X#<_value>\nM98 P300\nM2\n";
    let (moves, found) = read(program, &files);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(moves, [(4.0, 0.0, 2), (4.0, 5.0, 2), (8.0, 5.0, 3), (30.0, 5.0, 4)]);
}

#[test]
fn a_call_in_the_last_line_comes_back_to_the_end() {
    let (moves, found) = read("G21 G90 F100\no<a> call", &[("a", "o<a> sub\nG1 X1\no<a> endsub\nG1 X99\n")]);
    assert_eq!(moves, [(1.0, 0.0, 2)]);
    assert!(found.iter().all(|d| d.code == "gcode/no-end"), "{found:?}");
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_name() {
    let program = "G21 G90 F100\nG0 X1\no<a> call\nM2\n";
    let (_, found) = read(program, &[("b", "\n"), ("a", "o<a> sub\n\nG1 Q5 X1 X2\no<a> endsub\n")]);
    let d = found.iter().find(|d| d.code == "gcode/repeated-word").expect("found");
    assert!(d.message.ends_with("(a.ngc, line 3)"), "{}", d.message);
    assert_eq!(d.span.expect("a place").line_in(program.as_bytes()), 3);
}

#[test]
fn what_cannot_be_called_is_said() {
    let code = |program: &str, wanted: &str| {
        let found = read(program, &[]).1;
        assert!(found.iter().any(|d| d.code == wanted), "{program}: {found:?}");
    };
    code("G21 G90 F100\nM98 P7\nM2\n", "gcode/subprogram-missing");
    code("G21 G90 F100\no<x> call\nM2\n", "gcode/subprogram-missing");
    code("G21 G90 F100\nM98 Q3\nM2\n", "gcode/flow");
    code("G21 G90 F100\nG0 X2 M98 P7\nM2\nO7\nM99\n", "gcode/flow");
    code("G21 G90 F100\nM98 P100.5\nM2\n", "gcode/flow");
    code("G21 G90 F100\no7 sub\nG1 X1\no7 endsub\nM98 P7\nM2\n", "gcode/subprogram-missing");
    code("G21 G90 F100\nM98 P7\nM2\nO7\nM98 P7\nM99\n", "gcode/endless");
    code("G21 G90 F100\nM98 P7 L900000000\nM2\nO7\nM99\n", "gcode/endless");
    code("G21 G90 F100\no7 call\nM2\no7 sub\nG1 X1\n", "gcode/flow");
    code("G21 G90 F100\nG0 X1\nM99\n", "gcode/starts-again");
}

/// What is found in text that never runs, by code, severity and line.
fn not_run(program: &str) -> Vec<(&'static str, Severity, usize)> {
    let context = Context::new(Dialect::LinuxCnc, MachineKind::Router);
    let found = interpret(program.as_bytes(), &context).diagnostics;
    let told = found.iter().filter(|d| d.message.contains("it is not run as the program stands"));
    told.map(|d| (d.code, d.severity, d.span.map_or(0, |s| s.line_in(program.as_bytes())))).collect()
}

#[test]
fn what_never_runs_is_looked_at_all_the_same() {
    let warning = |code, line| (code, Severity::Warning, line);
    let behind = "G21 G90\nG1 X1 F100\nM2\n\nG1 X2\nG2 X5\nM2\nX1 X2\n";
    assert_eq!(
        not_run(behind),
        [
            warning("gcode/no-feed", 5),
            warning("gcode/arc-without-center", 6),
            warning("gcode/repeated-word", 8)
        ]
    );
    let uncalled = "G21 G90\no100 sub\n#1=[#2/0]\nG1 X#1\no100 endsub\no200 sub\nG1 X1 F100\no200 endsub\no200 call\nM2\n";
    assert_eq!(not_run(uncalled), [warning("gcode/no-feed", 4)]);
    // Nothing is known of parameters, places and branches there.
    for fine in [
        "G21 G90\nM2\nF100\no1 if [#1 GT 2]\nG2 X#1 Y#2 I#3\no1 endif\no9 call\n",
        "G21 G90\no1 sub\nF#1\nG1 X#2\nG3 X#3 R#4\no1 endsub\nM2\n",
        "G21 G90\nM2\n(G1 X1)\n\n",
        "%\nG21 G90\nM2\n%\nanything at all\n",
    ] {
        assert_eq!(not_run(fine), [], "{fine}");
    }
}

/// What stands behind an end is read as if it began there, also behind the second one.
#[test]
fn behind_every_end_nothing_is_in_force() {
    let text = "G21 G90\nF100 G1 X1\nM2\nF100 G1 X2\nX3\nM2\nG1 X4\nX5\n";
    let read = interpret(text.as_bytes(), &Context::new(Dialect::LinuxCnc, MachineKind::Router));
    let found: Vec<_> = read.diagnostics.iter().map(|d| (d.code, d.severity)).collect();
    assert_eq!(found, [("gcode/no-feed", Severity::Warning)], "{:?}", read.diagnostics);
    let line = read.diagnostics[0].span.map(|s| s.line_in(text.as_bytes()));
    assert_eq!(line, Some(7));
}
