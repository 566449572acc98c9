//! The interpreter over real programs: every file ends in a result or in clear diagnostics, and what the corpus says
//! is wrong with a file is found.
//!
//! The corpus lies beside the repository (`../shared/corpus/gcode`); without it the test says so and passes.

use serde_json::Value;
use shop_cam::machine::{Dialect, MachineKind};
use shop_gcode::{Context, interpret};
use shop_report::Severity;
use std::path::Path;

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

/// Expected errors that cannot be found by running the program: the corpus lists them from the text alone.
const NOT_RUN: [&str; 5] = [
    // In a subprogram that nothing calls.
    "linuxcnc__useful-subroutines.ngc: E-no-feed-before-cut",
    // Transcripts of a console: the whole line is unknown text, which is reported.
    "fluidnc__flow_control_basic.nc: E-repeated-word",
    "fluidnc__m66_basic.nc: E-repeated-word",
    // Behind the program's end.
    "gcode-rs__samples.ngc: E-arc-without-ijk-or-r",
    "gcode-rs__samples.ngc: E-no-feed-before-cut",
];

fn context(flavour: &str, exercises: &str) -> Context {
    let dialect = match flavour {
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
    } else {
        MachineKind::Router
    };
    Context::new(dialect, kind)
}

#[test]
fn every_program_ends_in_a_result_or_a_diagnostic() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("SHOPCTL_CORPUS").map_or_else(beside, Into::into).join("gcode");
    let Ok(facts) = std::fs::read(folder.join("facts.json")) else {
        eprintln!("skipped: no corpus at {}", folder.display());
        return;
    };
    // Python writes NaN and Infinity, which JSON does not know.
    let facts = String::from_utf8_lossy(&facts)
        .replace("-Infinity", "null")
        .replace("Infinity", "null")
        .replace("NaN", "null");
    let facts: Value = serde_json::from_str(&facts).expect("facts.json is JSON");
    let (mut expected, mut found, mut missing, mut clean, mut commands) = (0, 0, Vec::new(), 0, 0);
    let mut false_errors = Vec::new();
    for entry in facts.as_array().expect("a list") {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let bytes = std::fs::read(folder.join(text("file"))).expect("the file of the list");
        let read = interpret(&bytes, &context(text("flavour"), text("exercises")));
        commands += read.value.iter().map(|s| s.commands.len()).sum::<usize>();
        let errors: Vec<&str> =
            read.diagnostics.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code).collect();
        let wanted: Vec<&str> = entry["warnings"]
            .as_array()
            .map(|w| w.iter().filter_map(Value::as_str).filter(|w| w.starts_with("E-")).collect())
            .unwrap_or_default();
        for w in &wanted {
            expected += 1;
            if codes(w).iter().any(|c| errors.contains(c)) {
                found += 1;
            } else {
                missing.push(format!("{}: {w}", text("file")));
            }
        }
        clean += usize::from(errors.is_empty());
        if wanted.is_empty() && !errors.is_empty() && !text("exercises").starts_with("ERROR") {
            let mut first: Vec<String> = read
                .diagnostics
                .iter()
                .filter(|d| d.severity == Severity::Error)
                .map(|d| {
                    let line = d.span.map_or(0, |s| s.line_in(&bytes));
                    format!("  {} line {line}: {} (x{})", d.code, d.message, d.count)
                })
                .collect();
            first.truncate(4);
            false_errors.push(format!("{} [{}]\n{}", text("file"), text("flavour"), first.join("\n")));
        }
    }
    println!(
        "{commands} commands, {clean} programs without errors; {found} of {expected} expected errors found"
    );
    let unexplained: Vec<&String> = missing.iter().filter(|m| !NOT_RUN.contains(&m.as_str())).collect();
    assert!(unexplained.is_empty(), "not found: {unexplained:?}");
    println!("missing:\n{}", missing.join("\n"));
    println!("errors in {} other programs:\n{}", false_errors.len(), false_errors.join("\n"));
}
