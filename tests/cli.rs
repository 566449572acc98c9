//! `shopctl` as a person or a script meets it: what it prints, writes and refuses.

use crate::at_home::shopctl;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path)
}

fn empty() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn report(run: &Output) -> Value {
    serde_json::from_slice(&run.stdout).expect("--json prints JSON")
}

fn circle(radius: f64) -> String {
    format!("0\nSECTION\n2\nENTITIES\n0\nCIRCLE\n8\n0\n10\n50\n20\n50\n40\n{radius}\n0\nENDSEC\n0\nEOF\n")
}

#[test]
fn every_example_is_cut_and_proven() {
    for (drawing, machine, flags) in [
        ("bracket/bracket.dxf", "plasma-grbl", &["--material", "mild-steel", "--thickness-mm", "3"][..]),
        ("bracket/bracket.dxf", "plasma-qtplasmac", &["--material", "mild-steel", "--thickness-mm", "3"]),
        ("gasket/gasket.dxf", "router-grbl", &["--tool-diameter-mm", "3", "--depth-mm", "4"]),
        (
            "gasket/gasket.dxf",
            "router-linuxcnc",
            &["--tool-diameter-mm", "3", "--depth-mm", "4", "--tabs", "3"],
        ),
        ("nameplate/nameplate.svg", "laser-grbl", &["--material", "plywood", "--thickness-mm", "3"]),
    ] {
        let home = empty();
        let path = example(drawing);
        let mut args = vec!["cut", path.to_str().expect("UTF-8"), "-m", machine, "-o", "out.nc", "--json"];
        args.extend(flags);
        let run = shopctl(&home, &args);
        assert_eq!(run.status.code(), Some(0), "{drawing} on {machine}: {}", text(&run.stdout));
        let report = report(&run);
        assert_eq!(report["proven"], true);
        assert!(report["proof"]["gouge_mm"].as_f64().expect("a number") <= 0.002);
        assert!(report["proof"]["skin_mm"].as_f64().expect("a number") <= 0.002);
        assert!(home.path().join("out.nc").exists());
    }
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let home = empty();
    let path = example("bracket/bracket.dxf");
    let mut programs = Vec::new();
    for threads in ["1", "2", "8", "1"] {
        let args = [
            "cut",
            path.to_str().expect("UTF-8"),
            "-m",
            "plasma-qtplasmac",
            "-o",
            "-",
            "-q",
            "--threads",
            threads,
        ];
        let run = shopctl(&home, &args);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        programs.push(run.stdout);
    }
    assert!(!programs[0].is_empty());
    assert!(programs.windows(2).all(|w| w[0] == w[1]));
}

#[test]
fn what_cannot_be_cut_is_refused_with_a_code_and_nothing_is_written() {
    let open = "0\nSECTION\n2\nENTITIES\n0\nLINE\n8\n0\n10\n0\n20\n0\n11\n9\n21\n0\n0\nENDSEC\n0\nEOF\n";
    let bow_tie = "0\nSECTION\n2\nENTITIES\n0\nLWPOLYLINE\n8\n0\n90\n4\n70\n1\n10\n0\n20\n0\n10\n40\n20\n40\n10\n40\n20\n0\n10\n0\n20\n40\n0\nENDSEC\n0\nEOF\n";
    for (name, bytes, code) in [
        ("empty.dxf", String::new(), "input/empty"),
        ("noise.bin", "\u{1}\u{2}\u{3}nothing".to_owned(), "input/unknown-format"),
        ("huge.dxf", circle(90_000.0), "cut/larger-than-table"),
        (
            "tiny-and-hole.dxf",
            circle(50.0)
                .replace("0\nENDSEC\n0\nEOF", &circle(0.4)[circle(0.4).find("0\nCIRCLE").expect("circle")..]),
            "cut/hole-smaller-than-kerf",
        ),
        ("open.dxf", open.to_owned(), ""),
        ("bow-tie.dxf", bow_tie.to_owned(), "cut/contours-cross"),
    ] {
        let home = empty();
        std::fs::write(home.path().join(name), bytes).expect("written");
        let run =
            shopctl(&home, &["cut", name, "-m", "plasma-grbl", "--op", "profile", "-o", "out.nc", "--json"]);
        let report = report(&run);
        let codes: Vec<&str> = report["diagnostics"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|d| d["severity"] == "error")
            .filter_map(|d| d["code"].as_str())
            .collect();
        assert_eq!(run.status.code(), Some(3), "{name}: {report:#}");
        assert!(code.is_empty() || codes.contains(&code), "{name}: {codes:?} lacks {code}");
        assert!(!home.path().join("out.nc").exists(), "{name}");
        assert!(!codes.is_empty());
    }
}

#[test]
fn wrong_flags_are_a_usage_error() {
    let home = empty();
    for args in [
        &["cut"][..],
        &["cut", "a.dxf", "--kerf-mm", "-1"],
        &["cut", "a.dxf", "--kerf-mm", "NaN"],
        &["cut", "a.dxf", "--op", "weld"],
        &["frobnicate"],
    ] {
        let run = shopctl(&home, args);
        assert_eq!(run.status.code(), Some(2), "{args:?}: {}", text(&run.stderr));
    }
}

#[test]
fn an_absent_file_is_named() {
    let home = empty();
    let run = shopctl(&home, &["cut", "none.dxf", "-m", "router-grbl"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("none.dxf"));
}

#[test]
fn help_fits_a_screen() {
    let run = shopctl(empty(), &["--help"]);
    let help = text(&run.stdout);
    assert!(help.lines().count() <= 24, "{help}");
    assert!(help.contains("Exit codes"));
}

#[test]
fn several_drawings_share_a_sheet_or_give_a_program_each() {
    let home = empty();
    for (name, x) in [("a", 50), ("b", 250)] {
        std::fs::write(
            home.path().join(format!("{name}.dxf")),
            circle(40.0).replace("10\n50", &format!("10\n{x}")),
        )
        .expect("written");
    }
    let run = shopctl(&home, &["cut", "a.dxf", "b.dxf", "-m", "plasma-grbl", "-o", "sheet.nc", "--json"]);
    assert_eq!(report(&run)["plan"]["contours"], 2);
    let run = shopctl(&home, &["cut", "a.dxf", "b.dxf", "-m", "plasma-grbl", "-o", "each/", "--json"]);
    assert_eq!(report(&run).as_array().map(Vec::len), Some(2));
    assert!(home.path().join("each/a.nc").exists() && home.path().join("each/b.nc").exists());
}

#[test]
fn previews_in_every_format() {
    let home = empty();
    let path = example("bracket/bracket.dxf");
    let args = [
        "cut",
        path.to_str().expect("UTF-8"),
        "-m",
        "plasma-grbl",
        "-q",
        "-o",
        "b.nc",
        "--preview",
        "b.svg",
        "--preview",
        "b.png",
        "--preview",
        "b.html",
    ];
    assert_eq!(shopctl(&home, &args).status.code(), Some(0));
    let read = |name: &str| std::fs::read(home.path().join(name)).expect("written");
    assert!(read("b.svg").starts_with(b"<svg") || read("b.svg").starts_with(b"<?xml"));
    assert!(read("b.png").starts_with(b"\x89PNG"));
    let html = text(&read("b.html"));
    assert!(html.contains("<!doctype html>") || html.contains("<!DOCTYPE html>"));
    assert!(!html.contains("http://") || html.contains("http://www.w3.org"));
}

/// Four plates of 40 by 30 mm, this far apart.
fn plates(gap: f64) -> String {
    let mut out =
        "0\nSECTION\n2\nHEADER\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n".to_owned();
    for (i, j) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let (x, y) = (10.0 + i * (40.0 + gap), 10.0 + j * (30.0 + gap));
        out.push_str("0\nLWPOLYLINE\n8\n0\n90\n4\n70\n1\n");
        for (dx, dy) in [(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0)] {
            out += &["10\n", &(x + dx).to_string(), "\n20\n", &(y + dy).to_string(), "\n"].concat();
        }
    }
    out + "0\nENDSEC\n0\nEOF\n"
}

/// Parts one width of the cut apart are cut with one line when that is asked for, and it is proven.
#[test]
fn parts_share_lines_when_asked() {
    let home = empty();
    let write = |name: &str, gap| std::fs::write(home.path().join(name), plates(gap)).expect("writable");
    write("apart.dxf", 2.0);
    write("touching.dxf", 0.0);
    let flags = ["--kerf-mm", "2", "--tool-diameter-mm", "2", "--depth-mm", "3", "-o", "out.nc", "--json"];
    let cut = |name: &str, machine: &str, more: &[&str]| {
        let run = shopctl(&home, &[&["cut", name, "-m", machine], &flags[..], more].concat());
        (run.status.code(), report(&run))
    };
    for machine in ["plasma-qtplasmac", "plasma-grbl", "laser-grbl", "router-grbl"] {
        let (code, report) = cut("apart.dxf", machine, &["--common-lines"]);
        assert_eq!((code, &report["proven"]), (Some(0), &Value::Bool(true)), "{machine}: {report:#}");
        let remarks = report["plan"]["remarks"].to_string();
        assert!(remarks.contains("4 contours share an edge"), "{remarks}");
    }
    let (code, refused) = cut("apart.dxf", "plasma-grbl", &[]);
    assert_eq!(code, Some(3));
    assert!(refused["diagnostics"].to_string().contains("--common-lines"), "the way out is named");
    let (code, refused) = cut("touching.dxf", "plasma-grbl", &["--common-lines"]);
    assert_eq!(code, Some(3));
    assert!(refused["diagnostics"].to_string().contains("cut/edge-shared"));
}

/// Box generators draw their kerf themselves and cross their own lines at inner corners: refused where a side must be
/// kept, cut when only followed.
#[test]
fn lines_that_are_only_followed_may_cross() {
    let home = empty();
    let rings = "0\nCIRCLE\n8\n0\n10\n50\n20\n50\n40\n20\n0\nCIRCLE\n8\n0\n10\n70\n20\n50\n40\n20\n";
    let drawing = format!("0\nSECTION\n2\nENTITIES\n{rings}0\nENDSEC\n0\nEOF\n");
    std::fs::write(home.path().join("rings.dxf"), drawing).expect("writable");
    let cut = |flags: &[&str]| {
        let all = [&["cut", "rings.dxf", "-m", "laser-grbl", "-o", "out.nc", "--json"], flags].concat();
        let run = shopctl(&home, &all);
        (run.status.code(), text(&run.stdout))
    };
    let (code, said) = cut(&[]);
    assert!(code == Some(3) && said.contains("cut/contours-cross"), "{said}");
    for flags in [["--side", "on"], ["--op", "trace"]] {
        let (code, said) = cut(&flags);
        assert_eq!(code, Some(0), "{flags:?}: {said}");
    }
}
