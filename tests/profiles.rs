//! `shopctl machine` as a person meets it: what it prints, where it writes, how it complains.

// `expect!` blesses with a hash that it does not always need, and is handed over by value everywhere.
#![allow(clippy::needless_raw_string_hashes, clippy::needless_pass_by_value)]

use expect_test::{Expect, expect};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// What a run of the command gave.
struct Run {
    out: String,
    talk: String,
    code: Option<i32>,
}

/// Runs `shopctl machine` in an empty folder, with settings of its own.
fn machine(home: &Path, args: &[&str]) -> Run {
    let run = Command::new(env!("CARGO_BIN_EXE_shopctl"))
        .arg("machine")
        .args(args)
        .current_dir(home)
        .env("SHOPCTL_CONFIG_DIR", home.join("settings"))
        .env("NO_COLOR", "1")
        .output()
        .expect("the command was built");
    let text = |b: Vec<u8>| {
        let text = String::from_utf8(b).expect("the command speaks UTF-8");
        text.replace(&home.display().to_string(), "").replace('\\', "/").replace("shopctl.exe", "shopctl")
    };
    Run { out: text(run.stdout), talk: text(run.stderr), code: run.status.code() }
}

fn home() -> TempDir {
    TempDir::new().expect("a place for files")
}

fn check_error(args: &[&str], file: Option<(&str, &str)>, expected: Expect) {
    let home = home();
    if let Some((name, text)) = file {
        fs::write(home.path().join(name), text).expect("writable");
    }
    let run = machine(home.path(), args);
    assert_eq!((run.code, run.out.as_str()), (Some(3), ""));
    expected.assert_eq(&run.talk);
}

fn names() -> Vec<String> {
    let home = home();
    let run = machine(home.path(), &["list", "--json"]);
    assert_eq!((run.code, run.talk.as_str()), (Some(0), ""));
    let list: Value = serde_json::from_str(&run.out).expect("JSON");
    list.as_array().expect("a list").iter().map(|m| m["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn every_machine_is_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("machines");
    let files = fs::read_dir(folder).expect("the folder is part of the source");
    let mut stems: Vec<String> = files
        .map(|f| f.expect("readable").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    stems.sort();
    assert_eq!(names(), stems);
}

#[test]
fn every_machine_shows_whole_and_has_a_source() {
    let home = home();
    for name in names() {
        let run = machine(home.path(), &["show", &name, "--json"]);
        assert_eq!((run.code, run.talk.as_str()), (Some(0), ""), "{name}");
        let m: Value = serde_json::from_str(&run.out).expect("JSON");
        assert_eq!(m["machine"]["name"], name.as_str());
        assert!(m["machine"]["source"].as_str().is_some_and(|s| s.len() > 20), "{name}");
        for axis in ["x", "y", "z"] {
            let a = &m["axes"][axis];
            assert!(a["min_mm"].as_f64() < a["max_mm"].as_f64(), "{name} {axis}");
        }
        let materials = m["material"].as_object();
        assert_eq!(materials.is_none(), m["machine"]["kind"] == "printer", "{name}: what it works");
        for (material, of) in materials.into_iter().flatten() {
            assert!(of["source"].as_str().is_some_and(|s| s.len() > 5), "{name} {material}");
        }
        assert!(m["post"]["extends"].is_string(), "{name}");
    }
}

#[test]
fn a_shown_machine_is_a_profile() {
    let home = home();
    for name in ["plasma-qtplasmac", "printnc", "k40-smoothie", "knife-grbl"] {
        let shown = machine(home.path(), &["show", name]).out;
        let (_, body) = shown.split_once("\n\n").expect("a heading");
        fs::write(home.path().join("again.toml"), body).expect("writable");
        let again = machine(home.path(), &["show", "./again.toml"]);
        assert_eq!((again.code, again.talk.as_str()), (Some(0), ""), "{name}");
        assert_eq!(again.out.split_once("\n\n").expect("a heading").1, body, "{name}");
    }
}

/// A plate of 60 x 40 mm with a round hole of 20 mm in it.
const PLATE: &str = "0\nSECTION\n2\nHEADER\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n\
    0\nLWPOLYLINE\n8\n0\n90\n4\n70\n1\n10\n20\n20\n20\n10\n80\n20\n20\n10\n80\n20\n60\n10\n20\n20\n60\n\
    0\nCIRCLE\n8\n0\n10\n50\n20\n40\n40\n10\n0\nENDSEC\n0\nEOF\n";

fn cut(home: &Path, args: &[&str]) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_shopctl"))
        .args(["cut", "plate.dxf", "-o", "plate.nc"])
        .args(args)
        .current_dir(home)
        .env("SHOPCTL_CONFIG_DIR", home.join("settings"))
        .output()
        .expect("the command was built");
    (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
}

#[test]
fn every_machine_cuts_a_plate_and_proves_it() {
    let home = home();
    fs::write(home.path().join("plate.dxf"), PLATE).expect("writable");
    // The proof follows the axis of a drag knife and not yet its blade.
    for name in names().iter().filter(|n| *n != "knife-grbl") {
        let (code, talk) = cut(home.path(), &["-m", name]);
        if name.starts_with("printer-") {
            assert_eq!(code, Some(2), "{name}: {talk}");
            continue;
        }
        assert_eq!(code, Some(0), "{name}: {talk}");
        let program = fs::read_to_string(home.path().join("plate.nc")).expect("it was written");
        assert!(program.lines().count() > 10, "{name}: {program}");
    }
}

#[test]
fn a_milled_material_sets_the_feeds() {
    let home = home();
    fs::write(home.path().join("plate.dxf"), PLATE).expect("writable");
    let feeds = |material: &str| -> Vec<String> {
        let (code, talk) =
            cut(home.path(), &["-m", "router-grbl", "--material", material, "--thickness-mm", "6"]);
        assert_eq!(code, Some(0), "{material}: {talk}");
        let program = fs::read_to_string(home.path().join("plate.nc")).expect("it was written");
        let words = program.split_whitespace().filter(|w| w.starts_with('F')).map(str::to_owned);
        words.collect()
    };
    for (material, feed) in [("plywood", "F3463"), ("aluminium", "F795")] {
        let feeds = feeds(material);
        assert!(feeds.iter().any(|f| f.starts_with(feed)), "{material}: {feeds:?}");
    }
}

#[test]
fn a_new_machine_is_written_once_and_shadows() {
    let home = home();
    let run = machine(home.path(), &["new", "our-table", "--from", "plasma-grbl"]);
    assert_eq!((run.code, run.talk.as_str()), (Some(0), ""));
    assert_eq!(run.out, "/settings/machines/our-table.toml\n");
    let path = home.path().join("settings/machines/our-table.toml");
    let text = fs::read_to_string(&path).expect("it was written");
    assert!(text.starts_with("# Profile of a machine of our own."), "{text}");
    fs::write(&path, text.replace("Plasma table with GRBL (generic)", "Our table")).expect("writable");

    let again = machine(home.path(), &["new", "our-table", "--from", "router-grbl"]);
    assert_eq!(again.code, Some(3));
    assert!(
        again.talk.starts_with("error[machine/exists]: /settings/machines/our-table.toml"),
        "{}",
        again.talk
    );
    assert_eq!(machine(home.path(), &["path", "our-table"]).out, "/settings/machines/our-table.toml\n");
    assert_eq!(machine(home.path(), &["path", "plasma-grbl"]).out, "built in\n");
    let list = machine(home.path(), &["list"]).out;
    let line = list.lines().find(|l| l.starts_with("our-table")).expect("it is in the list");
    assert!(line.contains("Our table (/settings/machines/our-table.toml)"), "{line}");
    for bad in ["", "Our Table", "../x", "-x", "a.b"] {
        let run = machine(home.path(), &["new", "--from", "router-grbl", "--", bad]);
        assert_eq!(run.code, Some(3), "{bad}");
    }
}

#[test]
fn the_list_is_a_table() {
    let home = home();
    let list = machine(home.path(), &["list"]).out;
    let some: Vec<&str> = list
        .lines()
        .filter(|l| ["NAME", "plasma-grbl", "printnc", "sculpfun"].iter().any(|n| l.starts_with(n)))
        .collect();
    expect![[r#"
        NAME                         KIND     BED (MM)     DIALECT         TITLE
        plasma-grbl                  plasma   any          grbl            Plasma table with GRBL (generic)
        printnc                      router   1335 x 1420  linuxcnc        PrintNC with LinuxCNC
        sculpfun-s9                  laser    375 x 395    grbl            Sculpfun S9"#]]
    .assert_eq(&some.join("\n"));
}

#[test]
fn an_unknown_machine_names_its_neighbours() {
    check_error(
        &["show", "shapoko-3"],
        None,
        expect![[r#"
        error[machine/unknown]: there is no machine `shapoko-3`
          = hint: did you mean `shapeoko-3`? `shopctl machine list` shows all
    "#]],
    );
    check_error(
        &["path", "shapeoko"],
        None,
        expect![[r#"
        error[machine/unknown]: there is no machine `shapeoko`
          = hint: did you mean `shapeoko-3` or `shapeoko-4-xxl` or `shapeoko-5-pro-4x4`? `shopctl machine list` shows all
    "#]],
    );
    check_error(
        &["show", "./none.toml"],
        None,
        expect![[r#"
        error[machine/unknown]: there is no profile `./none.toml`
          = hint: a name with a slash or an ending is taken for a path
    "#]],
    );
    check_error(
        &["new", "mine", "--from", "zzz"],
        None,
        expect![[r#"
        error[machine/unknown]: there is no machine `zzz`
          = hint: `shopctl machine list` shows the machines there are
    "#]],
    );
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let mine = "[machine]\nextends = \"plasma-grbl\"\ntitle = \"Mine\"\n\n[process]\nkerf = 1.2\nfeed_mm_per_min = \"fast\"\n";
    check_error(
        &["show", "mine.toml"],
        Some(("mine.toml", mine)),
        expect![[r#"
        error[machine/unknown-key]: unknown key `kerf` in [process]
         --> mine.toml:6:1
          |
        6 | kerf = 1.2
          | ^^^^
          |
          = hint: did you mean `kerf_mm`?

        error[machine/wrong-type]: `feed_mm_per_min` must be a number and is a text
         --> mine.toml:7:19
          |
        7 | feed_mm_per_min = "fast"
          |                   ^^^^^^
          |
          = hint: the unit is in the key (mm/min); write the number alone
    "#]],
    );
}

#[test]
fn a_broken_profile_does_not_hide_the_others() {
    let home = home();
    fs::create_dir(home.path().join("machines")).expect("writable");
    fs::write(home.path().join("machines/broken.toml"), "[machine\n").expect("writable");
    let run = machine(home.path(), &["list"]);
    assert_eq!(run.code, Some(0));
    assert!(
        run.out.contains("has errors: machines/broken.toml") && run.out.contains("printnc"),
        "{}",
        run.out
    );
    expect![[r#"
        error[machine/syntax]: unclosed table, expected `]`
         --> machines/broken.toml:1:9
          |
        1 | [machine
          |         ^
          |
          = hint: the file is TOML: `key = 1.5`, `key = "text"`, `[heading]`; see toml.io
    "#]]
    .assert_eq(&run.talk);
}
