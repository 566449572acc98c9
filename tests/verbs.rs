//! `check`, `estimate`, `preview`, `post`, `fmt` and `diff` as a person and a script meet them.

use crate::at_home::command;
use serde_json::Value;
use std::io::Write as _;
use std::process::{Output, Stdio};
use tempfile::TempDir;

/// A sound program for a router: two plunges, a square, and an end.
const SQUARE: &str = "G21 G90 G17 G94\nM3 S12000\nG4 P3\nG0 X0 Y0 Z5\nG1 Z-1 F300\nG1 X20 F900\nG1 Y20\nG1 X0\n\
                      G1 Y0\nG0 Z5\nM5\nM30\n";

/// A print of two roads, heated and switched off.
const PRINT: &str = "M104 S210\nM140 S60\nM190 S60\nM109 S210\nG28\nG90\nM83\n;LAYER_CHANGE\n;TYPE:Perimeter\n\
                     G1 Z0.2 F600\nG1 X10 Y10 F3000\nG1 X50 E1.3 F1200\n;TYPE:Infill\nG1 Y50 E1.3\n;LAYER_CHANGE\n\
                     G1 Z0.4\nG1 X10 E1.3\nM104 S0\nM140 S0\n";

fn home(files: &[(&str, &str)]) -> TempDir {
    let home = TempDir::new().expect("a place for files");
    for (name, text) in files {
        std::fs::write(home.path().join(name), text).expect("writable");
    }
    home
}

fn run(home: &TempDir, args: &[&str]) -> Output {
    command(home, args).output().expect("the command was built")
}

fn piped(home: &TempDir, args: &[&str], input: &str) -> Output {
    let pipe = Stdio::piped;
    let mut child =
        command(home, args).stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().expect("it was built");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

fn codes(report: &Value) -> Vec<&str> {
    let list = report["diagnostics"].as_array().expect("a list");
    list.iter().map(|d| d["code"].as_str().expect("a code")).collect()
}

#[test]
fn a_sound_program_passes_the_check() {
    let home = home(&[("a.nc", SQUARE)]);
    let out = run(&home, &["check", "a.nc", "-m", "router-grbl", "--json"]);
    assert_eq!(out.status.code(), Some(0));
    let report = json(&out);
    assert_eq!((report["passed"].as_bool(), codes(&report).len()), (Some(true), 0), "{report:#}");
    assert_eq!(report["extents_mm"]["max"], serde_json::json!([20.0, 20.0, 5.0]));
    let quiet = run(&home, &["check", "a.nc", "-m", "router-grbl", "-q"]);
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
}

#[test]
fn what_the_machine_refuses_has_line_and_column() {
    let home = home(&[("far.nc", &SQUARE.replace("G1 X20 F900", "G1 X99999 F900"))]);
    let out = run(&home, &["check", "far.nc", "-m", "router-grbl", "--json"]);
    assert_eq!(out.status.code(), Some(4));
    let report = json(&out);
    let d = &report["diagnostics"][0];
    assert_eq!((d["code"].as_str(), d["severity"].as_str()), (Some("check/envelope"), Some("error")));
    assert_eq!((d["line"].as_u64(), d["column"].as_u64()), (Some(6), Some(4)));
    let people = run(&home, &["check", "far.nc", "-m", "router-grbl"]);
    let talk = String::from_utf8_lossy(&people.stderr).into_owned();
    assert!(talk.contains("far.nc:6:4") && talk.contains("6 | G1 X99999 F900"), "{talk}");
    assert!(talk.contains("^^^^^^"), "{talk}");
}

#[test]
fn errors_of_the_text_end_otherwise_than_those_of_the_machine() {
    let home =
        home(&[("a.nc", "G21 G90\nG1 X1 X2 F100\nM30\n"), ("w.nc", &SQUARE.replace("M3 S12000\n", ""))]);
    assert_eq!(run(&home, &["check", "a.nc", "-m", "router-grbl", "-q"]).status.code(), Some(3));
    let warned = ["check", "w.nc", "-m", "router-grbl", "-q"];
    assert_eq!(run(&home, &warned).status.code(), Some(0));
    let strict = [&warned[..], &["--strict"]].concat();
    assert_eq!(run(&home, &strict).status.code(), Some(4));
}

#[test]
fn sarif_names_rules_files_and_places() {
    let home = home(&[("far.nc", &SQUARE.replace("X20", "X99999")), ("a.nc", SQUARE)]);
    let out = run(&home, &["check", "a.nc", "far.nc", "-m", "router-grbl", "--sarif"]);
    assert_eq!(out.status.code(), Some(4));
    let log = json(&out);
    let run = &log["runs"][0];
    assert_eq!(
        (log["version"].as_str(), run["results"][0]["ruleId"].as_str()),
        (Some("2.1.0"), Some("check/envelope"))
    );
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "far.nc");
    assert_eq!(place["region"]["startLine"], 6);
    assert!(
        run["tool"]["driver"]["rules"][0]["fullDescription"]["text"].as_str().is_some_and(|t| t.len() > 50)
    );
}

#[test]
fn a_print_is_timed_by_feature_and_layer() {
    let home = home(&[("p.gcode", PRINT)]);
    let out = run(&home, &["estimate", "p.gcode", "-m", "printer-klipper", "--json"]);
    assert_eq!(out.status.code(), Some(0));
    let e = json(&out);
    let names: Vec<&str> =
        e["features"].as_array().expect("a list").iter().filter_map(|f| f["name"].as_str()).collect();
    assert!(names.contains(&"Perimeter") && names.contains(&"Infill"), "{e:#}");
    assert_eq!(e["layers"].as_array().map(Vec::len), Some(2));
    assert_eq!(e["filament_length_mm"], 3.9);
    // The bed from 20 to 60 at 0.5 °C/s; the nozzle is warm by then: 40 / 0.5 = 80 s > 190 / 2.5 = 76 s.
    assert_eq!(e["heat_s"], 80.0);
    let parts = ["cut_s", "rapid_s", "filament_s", "dwell_s", "heat_s", "tool_change_s", "home_s"];
    let sum: f64 = parts.iter().filter_map(|k| e[k].as_f64()).sum();
    assert!((sum - e["total_s"].as_f64().expect("a number")).abs() < 0.01);
    let layers: f64 =
        e["layers"].as_array().expect("a list").iter().filter_map(|l| l["total_s"].as_f64()).sum();
    assert!(layers < sum && layers > 1.0);
}

#[test]
fn every_verb_reads_standard_input() {
    let home = home(&[("b.nc", SQUARE)]);
    let m = ["-m", "router-grbl"];
    for args in [
        &["check", "-", "-q"][..],
        &["estimate", "-"],
        &["preview", "-", "-o", "p.svg"],
        &["post", "-", "-q", "-o", "q.nc", "--from", "router-grbl"],
        &["fmt", "-"],
        &["diff", "-", "b.nc"],
    ] {
        let out = piped(&home, &[args, &m].concat(), SQUARE);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn pictures_are_written_in_every_format() {
    let home = home(&[("a.nc", SQUARE), ("p.gcode", PRINT)]);
    for (file, machine) in [("a.nc", "router-grbl"), ("p.gcode", "printer-marlin")] {
        let args = [
            "preview",
            file,
            "-m",
            machine,
            "-o",
            "a.svg",
            "-o",
            "a.png",
            "-o",
            "a.html",
            "--view",
            "iso",
            "--stock-mm",
            "60x60x3@-5,-5",
            "--json",
        ];
        let out = run(&home, &args);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(json(&out)["points"].as_u64().is_some_and(|n| n > 3));
        let read = |name: &str| std::fs::read(home.path().join(name)).expect("written");
        assert!(read("a.svg").starts_with(b"<svg") && read("a.png").starts_with(b"\x89PNG"));
        let page = String::from_utf8(read("a.html")).expect("UTF-8");
        assert!(page.contains("<!doctype html>") && !page.contains("src=") && !page.contains("http"));
    }
    assert_eq!(run(&home, &["preview", "a.nc", "-o", "a.gif"]).status.code(), Some(2));
}

#[test]
fn a_program_is_carried_to_another_controller_and_keeps_its_path() {
    let home = home(&[("a.nc", SQUARE)]);
    for machine in ["router-linuxcnc", "mpcnc-marlin", "mpcnc-fluidnc"] {
        let out =
            run(&home, &["post", "a.nc", "-m", machine, "--from", "router-grbl", "-o", "b.nc", "--json"]);
        assert_eq!(out.status.code(), Some(0), "{machine}: {}", String::from_utf8_lossy(&out.stdout));
        let report = json(&out);
        assert_eq!((report["written"].as_bool(), report["path_kept"].as_bool()), (Some(true), Some(true)));
        let same = run(&home, &["diff", "a.nc", "a.nc", "-m", "router-grbl"]);
        assert_eq!(same.status.code(), Some(0));
    }
}

#[test]
fn a_print_is_packed_and_read_back() {
    let home = home(&[("a.gcode", PRINT), ("a.nc", SQUARE)]);
    let out = run(&home, &["post", "a.gcode", "-m", "printer-marlin", "-o", "b.bgcode"]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert!(std::fs::read(home.path().join("b.bgcode")).expect("written").starts_with(b"GCDE"));
    let diff = run(&home, &["diff", "a.gcode", "b.bgcode", "-m", "printer-marlin", "--json"]);
    assert_eq!(diff.status.code(), Some(0), "{diff:?}");
    // Routers read no such thing.
    let out = run(&home, &["post", "a.nc", "-m", "router-grbl", "-o", "b.BGCODE"]);
    assert_eq!(out.status.code(), Some(2), "{out:?}");
}

#[test]
fn a_program_with_errors_is_not_carried_anywhere() {
    let home = home(&[("a.nc", &SQUARE.replace("G1 X20", "G1 X20 X30"))]);
    let args = ["post", "a.nc", "-m", "router-linuxcnc", "--from", "router-grbl", "-o", "b.nc", "-q"];
    assert_eq!(run(&home, &args).status.code(), Some(3));
    assert!(!home.path().join("b.nc").exists());
    assert_eq!(run(&home, &[&args[..], &["--force"]].concat()).status.code(), Some(0));
    assert!(home.path().join("b.nc").exists());
}

#[test]
fn what_changed_in_the_path_is_said() {
    let moved = SQUARE.replace("X20", "X23").replace("X0", "X3");
    let spelt = SQUARE.replace("G1", "g01").replace("X20", "X20.000");
    let home = home(&[("a.nc", SQUARE), ("moved.nc", &moved), ("spelt.nc", &spelt)]);
    let out = run(&home, &["diff", "a.nc", "moved.nc", "-m", "router-grbl", "--json"]);
    assert_eq!(out.status.code(), Some(4));
    let report = json(&out);
    assert_eq!(report["moved"][0]["shift_mm"], serde_json::json!([3.0, 0.0, 0.0]), "{report:#}");
    assert_eq!(run(&home, &["diff", "a.nc", "spelt.nc", "-m", "router-grbl"]).status.code(), Some(0));
}

#[test]
fn a_tidied_program_means_the_same() {
    let untidy = "n10 g21g90 \r\nG00X0.000Y+0Z5.0\r\ng01 z-1.50 f300.0 (down)\r\nM30\r\n";
    let home = home(&[("u.nc", untidy)]);
    let out = run(&home, &["fmt", "u.nc", "-m", "router-grbl"]);
    let tidied = String::from_utf8(out.stdout).expect("text");
    assert_eq!(tidied, "N10 G21 G90\nG0 X0 Y0 Z5\nG1 Z-1.5 F300 (down)\nM30\n");
    std::fs::write(home.path().join("t.nc"), &tidied).expect("writable");
    assert_eq!(run(&home, &["diff", "u.nc", "t.nc", "-m", "router-grbl"]).status.code(), Some(0));
    assert_eq!(run(&home, &["fmt", "--check", "u.nc", "-m", "router-grbl"]).status.code(), Some(4));
    assert_eq!(run(&home, &["fmt", "--check", "t.nc", "-m", "router-grbl"]).status.code(), Some(0));
}

#[test]
fn nonsense_ends_in_a_message() {
    let home = home(&[("empty.nc", ""), ("text.nc", "nothing of the kind\n"), ("zero.nc", "\0\0\0")]);
    for file in ["empty.nc", "text.nc", "zero.nc"] {
        for verb in ["check", "estimate"] {
            let out = run(&home, &[verb, file, "-m", "router-grbl"]);
            assert!(matches!(out.status.code(), Some(0 | 3)), "{verb} {file}: {out:?}");
        }
        let out = run(&home, &["preview", file, "-m", "router-grbl", "-o", "x.png"]);
        assert_eq!(out.status.code(), Some(3), "{file}");
    }
    assert_eq!(run(&home, &["check", "none.nc"]).status.code(), Some(1));
    assert_eq!(run(&home, &["check", "empty.nc", "-m", "no-such-machine"]).status.code(), Some(3));
}

/// A circle of short lines becomes arcs when asked, and the new program is still held against the old one.
#[test]
fn post_fits_arcs_when_asked() {
    let chord = |degree| {
        let (y, x) = f64::from(degree).to_radians().sin_cos();
        format!("G1 X{:.4} Y{:.4} F900\n", 20.0 * x, 20.0 * y)
    };
    let chords: Vec<String> = (1..=360).map(chord).collect();
    let head = "G21 G90 G17\nM3 S12000\nG0 X20 Y0 Z5\nG1 Z-1 F300\n";
    let text = [head, &chords.concat(), "G0 Z5\nM5\nM30\n"].concat();
    let home = home(&[("round.nc", &text)]);
    let lines = |flags: &[&str]| {
        let all = [&["post", "round.nc", "-m", "router-grbl", "-o", "out.nc"], flags].concat();
        let done = run(&home, &all);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let made = std::fs::read_to_string(home.path().join("out.nc")).expect("written");
        (made.lines().count(), made.contains("G3"))
    };
    let (plain, arcs) = lines(&[]);
    assert!(plain > 360 && !arcs);
    let (fitted, arcs) = lines(&["--fit-arcs-mm", "0.01"]);
    assert!(fitted < 30 && arcs, "{fitted} lines");
    let wrong = run(&home, &["post", "round.nc", "-m", "router-grbl", "-o", "x.nc", "--fit-arcs-mm", "5"]);
    assert_eq!(wrong.status.code(), Some(2));
}

/// Places of the machine's own become places of the work when it is known where that lies.
#[test]
fn post_knows_where_the_work_lies_when_told() {
    let text = SQUARE.replace("G0 Z5\nM5", "G53 G0 Z-2\nG53 G0 X105 Y60\nG28\nM5");
    let home = home(&[("a.nc", &text)]);
    let posted = |flags: &[&str]| {
        let all =
            [&["post", "a.nc", "-m", "router-grbl", "--from", "router-grbl", "-o", "-"], flags].concat();
        let out = run(&home, &all);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    };
    // Each machine coordinate less that of the work zero; z only if that is known as well.
    let flat = posted(&["--work-zero-mm", "100,50"]);
    assert!(flat.contains("X5 Y10\nX-100 Y-50\n") && !flat.contains("Z38"), "{flat}");
    let whole = posted(&["--work-zero-mm", "100,50,-40"]);
    assert!(whole.contains("Z38\nX5 Y10\nX-100 Y-50 Z40\n"), "{whole}");
    let wrong = ["post", "a.nc", "-m", "router-grbl", "-o", "-", "--work-zero-mm", "100"];
    assert_eq!(run(&home, &wrong).status.code(), Some(2));
}

/// What the controller's tool table says is carried out: the length as an offset, the radius in the path.
#[test]
fn post_takes_tools_from_the_controllers_table() {
    let text = "G21 G90 G17 G94\nT1 M6\nG43 H1\nM3 S12000\nG0 X0 Y0 Z5\nG1 Z-1 F300\nG41 D1 X10 Y10 F900\nX50\nY50\n\
                G40 X60 Y60\nG0 Z5\nM5\nM2\n";
    let tables = [("t.tbl", "; ours\nT1 P1 Z-20.5 D6 ; the usual one\n"), ("bad.tbl", "T1 P1\nZ5 D6\n")];
    let home = home(&[&[("a.ngc", text)], &tables[..]].concat());
    let args = ["post", "a.ngc", "-m", "router-grbl", "--from", "router-linuxcnc", "-o", "-"];
    let out = run(&home, &[&args[..], &["--tool-table", "t.tbl"]].concat());
    let posted = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    // 3 mm to the left of the lines, and round the outer corner: 10 ∓ 3/√2.
    let corner = "X7.8787 Y12.1213 F900\nG2 X10 Y13 I2.1213 J-2.1212\nG1 X47\nY50\n";
    assert!(posted.contains("G43.1 Z-20.5\n") && posted.contains(corner), "{posted}");
    // Without it the path stays as it is written, and that is said.
    let out = run(&home, &args);
    let posted = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(!posted.contains("G2 ") && posted.contains("X10 Y10 F900\nX50\nY50\n"), "{posted}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("gcode/cutter-compensation"));
    let out = run(&home, &[&args[..], &["--tool-table", "bad.tbl"]].concat());
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("bad.tbl:2"));
    let out = run(&home, &[&args[..], &["--tool-table", "none.tbl"]].concat());
    assert_eq!(out.status.code(), Some(1));
}

/// Looking for the switches takes as long as the profile's rates say, and what is assumed is said.
#[test]
fn homing_is_timed_where_the_profile_says_how_fast() {
    let axes = ["x", "y", "z"].map(|axis| format!("[axes.{axis}]\nhoming_mm_per_min = 600\n")).concat();
    let router = format!("[machine]\nextends = \"router-grbl\"\ntitle = \"mine\"\n{axes}");
    let home =
        home(&[("p.gcode", PRINT), ("mine.toml", &router), ("h.nc", "$H\nG21 G90\nG1 X9 F600\n$H\nM30\n")]);
    let at = |machine: &str| json(&run(&home, &["estimate", "p.gcode", "-m", machine, "--json"]));
    let known = at("printer-ender-3");
    // 20, 20 and 4 mm/s from the middle of 235, 235 and 255 mm, and Marlin's bumps: at least the plain ways.
    let least = 117.5 / 20.0 + 117.5 / 20.0 + 127.5 / 4.0 + 2.0 * (5.0 / 20.0 + 5.0 / 10.0) + 2.0 / 4.0 + 2.0;
    let home_s = known["home_s"].as_f64().expect("a number");
    assert!(home_s > least && home_s < least + 1.0, "{home_s} {least}");
    assert_eq!((known["homings"].as_u64(), known["homings_not_counted"].as_u64()), (Some(1), Some(0)));
    let unknown = at("printer-marlin");
    assert_eq!((unknown["home_s"].as_f64(), unknown["homings_not_counted"].as_u64()), (Some(0.0), Some(1)));
    let talk = |machine: &str| {
        String::from_utf8(run(&home, &["estimate", "p.gcode", "-m", machine]).stdout).expect("text")
    };
    assert!(talk("printer-ender-3").contains("assumed: from the middle of each axis the first time\n"));
    // Where a router's home lies from the work is never known.
    let told = String::from_utf8(run(&home, &["estimate", "h.nc", "-m", "mine.toml"]).stdout).expect("text");
    assert!(told.contains("assumed: from the middle of each axis\n"), "{told}");
    assert!(
        talk("printer-marlin").contains("homing is not counted: printer-marlin has no homing_mm_per_min")
    );
}

/// A finding stands where its cause is: a probe's at the probe, and places in a program are none of a drawing.
#[test]
fn findings_point_at_their_cause() {
    let text = SQUARE.replace("G0 Z5\nM5", "G0 Z5\nG38.2 Z-10 F50\nG0 X999999\nM5");
    let home = home(&[("a.nc", &text)]);
    let report = json(&run(&home, &["check", "a.nc", "-m", "router-grbl", "--json"]));
    let list = report["diagnostics"].as_array().expect("a list");
    let line = |code: &str| list.iter().find(|d| d["code"] == code).and_then(|d| d["line"].as_u64());
    assert_eq!((line("gcode/probe"), line("check/envelope")), (Some(11), Some(12)), "{report:#}");
    let talk = run(&home, &["check", "a.nc", "-m", "router-grbl"]);
    assert!(!String::from_utf8_lossy(&talk.stderr).contains("drawing"), "{talk:?}");
}
