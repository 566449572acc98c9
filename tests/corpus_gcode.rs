//! The interpreter over real programs: every file ends in a result or in clear diagnostics, and what the corpus says
//! is wrong with a file is found.
//!
//! The corpus lies beside the repository (`../shared/corpus/gcode`); without it the test says so and passes.

use serde_json::Value;
use shop_cam::canon::{Command, Move, Plane, Section, Way};
use shop_cam::machine::{Dialect, MachineKind};
use shop_gcode::{Context, interpret};
use shop_report::Severity;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Our codes for an expected error of the corpus; any of them says it.
fn codes(expected: &str) -> &'static [&'static str] {
    match expected.split(':').next().unwrap_or_default() {
        "E-no-feed-before-cut" => &["gcode/no-feed"],
        "E-unknown-text" => &["gcode/unknown-text", "gcode/checksum", "gcode/number-missing"],
        "E-repeated-word" => &["gcode/repeated-word"],
        "E-arc-without-ijk-or-r" => &["gcode/arc-without-center"],
        "E-arc-radius-mismatch" => &["gcode/arc-radius-mismatch"],
        "E-stray-close-paren" => &["gcode/stray-parenthesis"],
        "E-arc-r-too-small" => &["gcode/arc-radius-too-small"],
        "E-two-motions-in-block" => &["gcode/two-motions"],
        "E-unclosed-comment" => &["gcode/unclosed-comment"],
        _ => &[],
    }
}

/// Expected errors that are none when the program is run: the corpus lists them from the text alone.
const NOT_RUN: [&str; 4] = [
    // In a subprogram that stands before the F word in the text, and is called after it: there is a feed.
    "linuxcnc__useful-subroutines.ngc: E-no-feed-before-cut",
    // Transcripts of a console: the letters that come again stand in prose, and every word of that is reported as unknown
    // text.
    "fluidnc__flow_control_basic.nc: E-repeated-word",
    "fluidnc__m66_basic.nc: E-repeated-word",
    // Words of axes while G3 is in force, in lines that are refused for another word, which is reported: G130 and M563.
    "gcode-rs__samples.ngc: E-arc-without-ijk-or-r",
];

/// True when a finding says that something is an error where it stands: as an error, or, where the program never gets
/// to, as a warning that says so.
fn is_said(d: &shop_report::Diagnostic) -> bool {
    d.severity == Severity::Error || d.message.contains("it is not run as the program stands")
}

fn context(flavour: &str, exercises: &str) -> Context {
    let dialect = match flavour {
        f if f.starts_with("bgcode") => Dialect::Marlin,
        f if f.contains("QtPlasmaC") => Dialect::QtPlasmaC,
        f if f.contains("FluidNC") => Dialect::FluidNc,
        f if f.starts_with("linuxcnc") || f.starts_with("mach") => Dialect::LinuxCnc,
        "marlin" => Dialect::Marlin,
        "rrf" => Dialect::RepRapFirmware,
        "klipper" => Dialect::Klipper,
        _ => Dialect::Grbl,
    };
    let kind = if dialect == Dialect::QtPlasmaC || exercises.contains("plasma") {
        MachineKind::Plasma
    } else if exercises.contains("laser") {
        MachineKind::Laser
    } else if matches!(dialect, Dialect::Marlin | Dialect::RepRapFirmware | Dialect::Klipper) {
        MachineKind::Printer
    } else {
        MachineKind::Router
    };
    Context::new(dialect, kind)
}

/// Programs without an expected error that a controller refuses all the same, and why.
const REFUSED: &[(&str, &str, &str)] = &[
    ("linuxcnc__nestedcall.ngc", "gcode/flow", "`callsub` is no keyword; rs274 refuses it"),
    ("linuxcnc__homer_1=1.ngc", "gcode/unsupported", "G6.2 came after LinuxCNC 2.9; rs274 refuses it"),
    ("cncjs__helical-thread-milling.gcode", "gcode/unsupported", "GRBL has no G42"),
    ("cncjs__octocat.gcode", "gcode/unsupported", "GRBL has no M82 and M84"),
    ("gcode-rs__ffcp_end.gcode", "gcode/unsupported", "G162 is of FlashForge's firmware"),
    ("gcode-rs__bondtech_estep.gcode", "gcode/unsupported", "GRBL has no M92 and M500"),
    ("gcode-rs__plotter_owl.gcode", "gcode/unsupported", "GRBL has no M17, M18 and M300"),
    ("printrun__PCB-milling-and-_comment_.gcode", "gcode/unsupported", "GRBL has no M104"),
    ("printrun__PCB-milling-and-_comment_.gcode", "gcode/dwell", "G4 S means nothing to GRBL"),
    (
        "svg2gcode__smooth_curves_circular_interpolation.gcode",
        "gcode/arc-radius-too-small",
        "R0.002 for a chord of 0.0054: GRBL asks for 4 R² − chord² ≥ 0, to the last bit (error 34)",
    ),
];

/// One line of the table.
#[derive(Default)]
struct Tally {
    files: usize,
    commands: usize,
    expected: usize,
    found: usize,
    clean: usize,
    refused: usize,
    wrong: usize,
}

fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    std::env::var_os("SHOPCTL_CORPUS").map_or_else(beside, Into::into).join("gcode")
}

fn facts(folder: &Path) -> Option<Value> {
    let Ok(facts) = std::fs::read(folder.join("facts.json")) else {
        eprintln!("skipped: no corpus at {}", folder.display());
        return None;
    };
    // Python writes NaN and Infinity, which JSON does not know.
    let facts = String::from_utf8_lossy(&facts)
        .replace("-Infinity", "null")
        .replace("Infinity", "null")
        .replace("NaN", "null");
    Some(serde_json::from_str(&facts).expect("facts.json is JSON"))
}

#[test]
fn every_program_ends_in_a_result_or_a_diagnostic() {
    let folder = folder();
    let Some(facts) = facts(&folder) else { return };
    let mut table: BTreeMap<String, Tally> = BTreeMap::new();
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for entry in facts.as_array().expect("a list") {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let (file, context) = (text("file"), context(text("flavour"), text("exercises")));
        let bytes = std::fs::read(folder.join(file)).expect("the file of the list");
        let read = interpret(&bytes, &context);
        let tally = table.entry(format!("{:?}", context.dialect)).or_default();
        tally.files += 1;
        tally.commands += read.value.iter().map(|s| s.commands.len()).sum::<usize>();
        let errors: Vec<_> = read.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
        let wanted: Vec<&str> = entry["warnings"]
            .as_array()
            .map(|w| w.iter().filter_map(Value::as_str).filter(|w| w.starts_with("E-")).collect())
            .unwrap_or_default();
        for w in &wanted {
            tally.expected += 1;
            if codes(w).iter().any(|c| read.diagnostics.iter().any(|d| is_said(d) && d.code == *c)) {
                tally.found += 1;
            } else {
                missing.push(format!("{file}: {w}"));
            }
        }
        tally.clean += usize::from(errors.is_empty());
        if !wanted.is_empty() || text("exercises").starts_with("ERROR") {
            continue;
        }
        let (known, unknown): (Vec<_>, Vec<_>) = errors
            .into_iter()
            .partition(|d: &&shop_report::Diagnostic| REFUSED.iter().any(|r| (r.0, r.1) == (file, d.code)));
        tally.refused += usize::from(!known.is_empty());
        tally.wrong += usize::from(!unknown.is_empty());
        for d in unknown {
            let line = d.span.map_or(0, |s| s.line_in(&bytes));
            wrong.push(format!(
                "{file} [{}] line {line}: {} {} (x{})",
                text("flavour"),
                d.code,
                d.message,
                d.count
            ));
        }
    }
    println!(
        "| dialect | files | commands | E- expected | found | without errors | refused rightly | false errors |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (dialect, t) in &table {
        let Tally { files, commands, expected, found, clean, refused, wrong } = t;
        println!(
            "| {dialect} | {files} | {commands} | {expected} | {found} | {clean} | {refused} | {wrong} |"
        );
    }
    println!("no errors when the program is run: {missing:#?}");
    let idle: Vec<_> = NOT_RUN.iter().filter(|n| !missing.iter().any(|m| m == *n)).collect();
    assert!(idle.is_empty(), "found after all: {idle:#?}");
    missing.retain(|m| !NOT_RUN.contains(&m.as_str()));
    assert!(missing.is_empty(), "not found: {missing:#?}");
    assert!(wrong.is_empty(), "errors in programs that have none: {wrong:#?}");
}

/// The same print as text and packed must be the same print.
#[test]
fn binary_and_text_twins_agree() {
    let folder = folder();
    let (Ok(text), Ok(binary)) = (
        std::fs::read(folder.join("libbgcode__mini_cube_a.gcode")),
        std::fs::read(folder.join("libbgcode__mini_cube_b.bgcode")),
    ) else {
        eprintln!("skipped: no corpus at {}", folder.display());
        return;
    };
    let context = Context::new(Dialect::Marlin, MachineKind::Router);
    let moves = |bytes: &[u8]| -> Vec<Command> {
        let read = interpret(bytes, &context);
        let all = read.value.into_iter().flat_map(|s| s.commands);
        all.filter(|c| !matches!(c, Command::Comment(_))).collect()
    };
    let (a, b) = (moves(&text), moves(&binary));
    let differ = (0..a.len().max(b.len())).find(|i| a.get(*i) != b.get(*i));
    assert_eq!(differ.map(|i| (i, a.get(i), b.get(i))), None, "{} and {} commands", a.len(), b.len());
    let (a, b) = (shop_gcode::metadata::read(&text), shop_gcode::metadata::read(&binary));
    assert_eq!(a.thumbnails.len(), b.thumbnails.len());
    assert!(a.thumbnails.iter().zip(&b.thumbnails).all(|(a, b)| a == b));
    for key in ["layer_height", "nozzle_diameter", "filament_type"] {
        assert_eq!(a.get(key), b.get(key), "{key}");
        assert!(a.get(key).is_some(), "{key}");
    }
}

/// Where a move ends: x, y, z, the other axes, and the filament so far, with its feed (0 for rapids).
type Stop = ([f64; 9], f64, f64);

/// Plays commands into stops and the length of the way.
fn stops(sections: &[Section]) -> (Vec<Stop>, f64) {
    let (mut at, mut e, mut feed, mut length) = ([0.0f64; 9], 0.0, 0.0, 0.0);
    let (mut out, mut queue) = (Vec::new(), Vec::new());
    for command in sections.iter().flat_map(|s| &s.commands) {
        queue.clear();
        match command {
            Command::Drill(d) => d.expand([at[0], at[1], at[2]], |c| queue.push(c)),
            c => queue.push(c.clone()),
        }
        for command in &queue {
            let plain = |to, way, e| Move { to, way, more: [None; 6], e, pitch: None };
            let here = [at[0], at[1], at[2]];
            let m = match command {
                Command::Rapid { to } | Command::Home { to, .. } => plain(*to, Way::Rapid, 0.0),
                Command::Line { to } => plain(*to, Way::Line, 0.0),
                Command::Extrude { to, e } => plain(*to, Way::Line, *e),
                Command::Filament { e } => plain(here, Way::Line, *e),
                Command::Arc { to, center, counter_clockwise } => {
                    let (center, ccw) = ([center.x, center.y], *counter_clockwise);
                    plain(*to, Way::Arc { plane: Plane::Xy, center, counter_clockwise: ccw, turns: 1 }, 0.0)
                }
                Command::Move(m) => **m,
                Command::Feed(f) => {
                    feed = f.mm_per_min();
                    continue;
                }
                _ => continue,
            };
            length += m.length(here);
            e += m.e;
            at[..3].copy_from_slice(&m.to);
            for k in 0..6 {
                at[3 + k] = m.more[k].unwrap_or(at[3 + k]);
            }
            out.push((at, e, if m.way == Way::Rapid || m.pitch.is_some() { 0.0 } else { feed }));
        }
    }
    (out, length)
}

/// The law over real programs: what is read, written again and read again is the same motion.
#[test]
fn programs_survive_being_posted() {
    let folder = folder();
    let Some(facts) = facts(&folder) else { return };
    let (mut held, mut left_out, mut broken) = (0, Vec::new(), Vec::new());
    for entry in facts.as_array().expect("a list") {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let (file, context) = (text("file"), context(text("flavour"), text("exercises")));
        let bytes = std::fs::read(folder.join(file)).expect("the file of the list");
        let mut machine = shop_gcode::example_machine();
        machine.kind = context.kind;
        machine.post.dialect = context.dialect;
        machine.post.decimals = 5;
        machine.post.line_limit = 0;
        let context = Context::of(&machine);
        let read = interpret(&bytes, &context);
        let posted = shop_gcode::post(&read.value, &machine);
        if read.has_errors() || posted.has_errors() {
            left_out.push(file.to_owned());
            continue;
        }
        // A controller that looks after z itself gets none.
        let again = interpret(posted.value.as_bytes(), &context);
        let flat = context.dialect == Dialect::QtPlasmaC || context.kind == MachineKind::Laser;
        let ((meant, length), (found, length_again)) = (stops(&read.value), stops(&again.value));
        let axes = if flat { 0..2 } else { 0..9 };
        let near = |a: &Stop, b: &Stop| {
            axes.clone().all(|k| (a.0[k] - b.0[k]).abs() < 2e-5 + 1e-9 * b.0[k].abs())
                && (a.1 - b.1).abs() < 2e-5
        };
        let mut next = 0;
        let mut lost = None;
        for (i, m) in meant.iter().enumerate() {
            // Moves that go nowhere are not written.
            if i > 0 && near(m, &meant[i - 1]) {
                continue;
            }
            let same = |s: &Stop| near(s, m) && ((s.2 - m.2).abs() < 0.006 || m.2 == 0.0);
            if let Some(n) = found[next..].iter().position(same) {
                next += n + 1;
            } else {
                lost = Some(m);
                break;
            }
        }
        let same_way = flat || (length - length_again).abs() < 1e-3 * length + 30.0;
        if lost.is_none() && same_way && !again.has_errors() {
            held += 1;
        } else {
            let error =
                again.diagnostics.iter().find(|d| d.severity == Severity::Error).map(|d| d.message.clone());
            broken.push(format!(
                "{file} [{:?}]: lost {lost:?}, way {length} and {length_again}, {error:?}",
                context.dialect
            ));
        }
    }
    println!(
        "{held} held, {} not tried (errors in the program or for this controller): {left_out:?}",
        left_out.len()
    );
    assert!(broken.is_empty(), "{broken:#?}");
}
