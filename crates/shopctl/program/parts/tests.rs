//! Parts against the whole: whatever a program does at the borders, the result is that of one pass.

use super::*;
use crate::folders::Folders;
use crate::profile;
use crate::report::Sources;
use proptest::prelude::*;
use shop_cam::machine::Machine;
use shop_report::SourceId;
use shop_sim::check::{Checker, Extents, Finding};
use shop_sim::{Estimate, Estimator};

/// Everything that looks at programs, at once.
struct Both<'a> {
    estimator: Estimator<'a>,
    checker: Checker<'a>,
    lines: u64,
}

impl Watch for Both<'_> {
    fn see(&mut self, seen: Seen<'_>) {
        match seen {
            Seen::Command(command, line) => {
                self.estimator.command(command);
                self.checker.command(command, line);
                self.lines = self.lines.wrapping_add(u64::from(line));
            }
            Seen::Section(role, label) => self.estimator.section(role, label),
        }
    }

    fn fork(&self) -> Self {
        Both { estimator: self.estimator.fork(), checker: self.checker.fork(), lines: 0 }
    }

    fn begin(&mut self) {
        self.estimator.begin();
        self.checker.begin();
        self.lines = 0;
    }

    fn continues_as(&self, part: &Self) -> bool {
        self.estimator.continues_as(&part.estimator) && self.checker.continues_as(&part.checker)
    }

    fn append(&mut self, part: Self) {
        self.estimator.append(part.estimator);
        self.checker.append(part.checker);
        self.lines = self.lines.wrapping_add(part.lines);
    }
}

type All = (Vec<Diagnostic>, Estimate, (Vec<Finding>, Option<Extents>), u64);

fn machine(name: &str) -> Machine {
    let folders = Folders::of_this_user();
    profile::load(name, &folders, &mut Sources::new(), &mut Vec::new()).expect("built in").machine
}

/// Runs a program in one piece and in parts; returns how many parts were guessed right.
fn same(text: &[u8], machine: &Machine, division: Division) -> usize {
    let context = Context::of(machine).source(SourceId(0));
    let new = || Both { estimator: Estimator::new(machine), checker: Checker::new(machine), lines: 0 };
    let end = |found, b: Both<'_>| -> All { (found, b.estimator.finish(), b.checker.finish(), b.lines) };
    let mut whole = new();
    let found = shop_gcode::visit(text, &context, |step, line| whole.see(seen(&step, line)));
    let whole = end(found, whole);
    let (mut parts, mut joined) = (new(), 0);
    let found = divided(text, &context, &mut parts, division, &mut joined).expect("it is text");
    let parts = end(found, parts);
    assert_eq!(whole, parts, "{}", String::from_utf8_lossy(text));
    joined
}

/// Small enough for programs of a page.
const SMALL: Division = Division { part: 200, warm: 400, wave: 5 };
const MACHINES: [&str; 5] =
    ["printer-klipper", "printer-marlin", "router-grbl", "router-linuxcnc", "k40-smoothie"];

/// A print with layers, kinds of roads, retractions and long travel.
fn print(relative: bool, moves: usize) -> String {
    use std::fmt::Write;
    let mut text = String::from("G21\nG90\nM104 S210\nM109 S210\nG28\n");
    text.push_str(if relative { "M83\n" } else { "M82\nG92 E0\n" });
    let (mut e, mut line) = (0.0, |s: String| text.push_str(&(s + "\n")));
    for i in 0..moves {
        let t = i as f64 * 0.3;
        if i % 40 == 0 {
            line(";LAYER_CHANGE".into());
            line(format!("G1 Z{:.2} F9000", 0.2 + i as f64 / 200.0));
            line(format!("M204 P{}", 500 + i % 3 * 100));
        }
        if i % 13 == 0 {
            line(format!(";TYPE:kind {}", i % 5));
            line(format!("G1 X{:.3} Y{:.3} F9000", 20.0 + (t * 7.0) % 90.0, 100.0));
            line("G1 F1800".into());
        }
        e = if relative { 0.05 } else { e + 0.05 };
        line(format!("G1 X{:.3} Y{:.3} E{e:.5}", 100.0 + 20.0 * t.cos(), 100.0 + 20.0 * t.sin()));
    }
    let _ = writeln!(text, "M104 S0\nM84");
    text
}

#[test]
fn prints_are_read_in_parts() {
    let division = Division { part: 4096, warm: 4096, wave: 5 };
    for name in ["printer-klipper", "printer-marlin"] {
        for relative in [false, true] {
            let text = print(relative, 4000);
            let joined = same(text.as_bytes(), &machine(name), division);
            assert!(joined * 2 > text.len() / division.part, "{name} {relative}: {joined}");
        }
    }
}

/// Lines that change what the lines after them mean.
const TURNS: [&str; 58] = [
    "G90",
    "G91",
    "G20",
    "G21",
    "M82",
    "M83",
    "G92 E0",
    "G92 X3 Y4",
    "G92 E5",
    "G17",
    "G18",
    "G2 X5 Y5 I3 J1",
    "G3 X1 I-2",
    "G0 X1",
    "G1 Y2 F300",
    "G1 X9 E2",
    "X4",
    "Y-3 E1.25",
    "F1200",
    "G1 X1 Y1 Z-1 F500 E.5",
    "M104 S180",
    "M109 S200",
    "M109 R60",
    "M140 S60",
    "M190 S60",
    "T1",
    "T0",
    "M204 P700 T900",
    "M205 X8",
    "M220 S50",
    "M221 S90",
    "G28",
    "G28 X",
    "G4 P200",
    "M400",
    ";LAYER:7",
    ";LAYER_CHANGE",
    ";TYPE:WALL",
    ";layer 3",
    "(--- profile: part 2)",
    "M3 S1000",
    "M5",
    "G54",
    "G55",
    "G10 L2 P2 X5",
    "G41 D3",
    "G40",
    "G81 X5 Y5 Z-2 R1 F100",
    "G80",
    "M2",
    "%",
    "o1 repeat [3]",
    "o1 endrepeat",
    "#1=5",
    "G1 X#1",
    "SET_VELOCITY_LIMIT ACCEL=900",
    "G93 G1 X3 F2",
    "M808 L2",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_change_at_any_border_is_seen(
        lines in prop::collection::vec((0usize..TURNS.len() + 200, 0u32..1000), 30..160),
        name in 0usize..MACHINES.len(),
        warm in 0usize..500,
        crlf: bool,
    ) {
        let mut text = String::new();
        for (i, (kind, n)) in lines.iter().enumerate() {
            // Most lines are moves, as they are in life; the programs must not end too soon.
            let line = match TURNS.get(*kind) {
                Some(line) if i > 20 || !line.starts_with("M2") => (*line).to_owned(),
                _ => format!("G1 X{}.{} Y{} E{}", n % 200, n % 10, n % 7 * 20, i),
            };
            text.push_str(&line);
            text.push_str(if crlf { "\r\n" } else { "\n" });
        }
        same(text.as_bytes(), &machine(MACHINES[name]), Division { warm, ..SMALL });
    }
}

#[test]
fn a_section_begins_in_a_part() {
    let mut text = String::from("G21 G90 G94\nG0 X0 Y0 Z5\n");
    for i in 0..60 {
        text += &[
            "(--- profile: part ",
            &i.to_string(),
            ")\nG0 X",
            &i.to_string(),
            " Y0\nG1 Z-1 F100\nG1 Y30\nG0 Z5\n",
        ]
        .concat();
    }
    for name in MACHINES {
        same(text.as_bytes(), &machine(name), SMALL);
    }
}
