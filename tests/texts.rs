//! `shopctl cut --text`: what becomes of the texts of a drawing.

#[path = "../crates/shop-formats/tests/font/mod.rs"]
mod font;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const FLAGS: [&str; 6] = ["-m", "laser-grbl", "--material", "plywood", "--thickness-mm", "3"];

/// A folder with the name plate of the examples, a text added to its layer to engrave.
fn workshop() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nameplate/nameplate.svg");
    let plate = std::fs::read_to_string(example).expect("the example");
    let words = "<text x=\"60\" y=\"53\" font-size=\"5\" text-anchor=\"middle\">HO HO</text>\n  </g>";
    let plate = plate.replacen("</g>", words, 1);
    assert!(plate.contains("<text"));
    std::fs::write(home.path().join("plate.svg"), plate).expect("a writable folder");
    std::fs::write(home.path().join("two.ttf"), font::two_letters()).expect("a writable folder");
    home
}

fn cut(home: &TempDir, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shopctl"))
        .args(["cut", "plate.svg", "-o", "out.nc", "--json"])
        .args(flags)
        .current_dir(home.path())
        .env("SHOPCTL_CONFIG_DIR", home.path().join("settings"))
        .output()
        .expect("the command was built")
}

fn report(run: &Output) -> Value {
    serde_json::from_slice(&run.stdout).expect("--json prints JSON")
}

fn codes(report: &Value) -> Vec<&str> {
    let found = report["diagnostics"].as_array().expect("a list");
    found.iter().filter_map(|d| d["code"].as_str()).collect()
}

#[test]
fn a_name_plate_is_engraved_as_asked_and_proven() {
    // How many lines there are to engrave: six drawn ones; an H has three strokes and an O one, or each a contour
    // and the O a second one.
    for (flags, engraved) in [
        (&["--text", "ignore"][..], 6),
        (&["--text", "stroke"], 6 + 2 * 4),
        (&["--text", "outline", "--font", "two.ttf"], 6 + 2 * 3),
        (&["--font", "two.ttf"], 6 + 2 * 3),
    ] {
        let home = workshop();
        let run = cut(&home, &[&FLAGS, flags].concat());
        let report = report(&run);
        assert_eq!((run.status.code(), &report["proven"]), (Some(0), &Value::Bool(true)), "{report:#}");
        assert!(!codes(&report).contains(&"cut/text-ignored"));
        let operations = report["operations"].as_array().expect("a list");
        let marks = operations.iter().filter(|o| o["layer"] == "ENGRAVE");
        let count: u64 = marks.map(|o| o["count"].as_u64().expect("a number")).sum();
        assert_eq!(count, engraved, "{flags:?}: {operations:#?}");
    }
}

#[test]
fn texts_that_are_left_out_are_said() {
    let run = cut(&workshop(), &FLAGS);
    assert_eq!(run.status.code(), Some(0));
    assert!(codes(&report(&run)).contains(&"cut/text-ignored"));
}

#[test]
fn a_font_is_asked_for_and_must_be_one() {
    let home = workshop();
    let run = cut(&home, &[&FLAGS[..], &["--text", "outline"]].concat());
    assert_eq!(run.status.code(), Some(2), "no --font");
    let run = cut(&home, &[&FLAGS[..], &["--font", "nothing.ttf"]].concat());
    assert_ne!(run.status.code(), Some(0), "no such file");
    let run = cut(&home, &[&FLAGS[..], &["--font", "plate.svg"]].concat());
    assert_eq!(run.status.code(), Some(3), "no font");
    assert!(codes(&report(&run)).contains(&"text/font"));
    assert!(!home.path().join("out.nc").exists());
}
