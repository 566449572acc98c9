//! `shopctl print` as a person, a script or a farm meets it.

use crate::at_home::shopctl;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(run: &Output) -> Value {
    serde_json::from_slice(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&run.stderr)))
}

/// A folder with a bracket in it: a plate with a wall at one end and a lip that hangs over.
fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::write(home.path().join("bracket.stl"), bracket()).expect("writable");
    home
}

fn bracket() -> String {
    let outline = [[0, 0], [30, 0], [30, 3], [5, 3], [5, 12], [8, 12], [8, 15], [0, 15]];
    // Ears of the outline, found by hand; the outline lies in x and z and is drawn out along y.
    let ears = [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 7], [4, 5, 7], [5, 6, 7]];
    let at = |i: usize, y: i32| format!("vertex {} {y} {}\n", outline[i][0], outline[i][1]);
    let mut out = "solid bracket\n".to_owned();
    let mut facet = |a: String, b: String, c: String| {
        out.extend(["facet normal 0 0 0\nouter loop\n", &a, &b, &c, "endloop\nendfacet\n"]);
    };
    for [a, b, c] in ears {
        facet(at(a, 0), at(b, 0), at(c, 0));
        facet(at(a, 20), at(c, 20), at(b, 20));
    }
    for i in 0..outline.len() {
        let k = (i + 1) % outline.len();
        facet(at(i, 0), at(k, 20), at(k, 0));
        facet(at(i, 0), at(i, 20), at(k, 20));
    }
    out + "endsolid bracket\n"
}

/// Copies that are made one after another stand so far apart that the head finds room, and begin warm.
#[test]
fn copies_one_after_another_find_room() {
    let home = home();
    // With the first in the middle of the bed, no second would have 80 mm beside it.
    for radius in ["head_radius_mm=30", "head_radius_mm=80"] {
        let sets = ["--copies", "2", "--set", "sequential=true", "--set", "gantry_mm=20", "--set", radius];
        let run = shopctl(&home, &[&["print", "bracket.stl", "-o", "a.gcode", "--json"][..], &sets].concat());
        assert_eq!(run.status.code(), Some(0), "{radius}: {}", text(&run.stderr));
        let told = json(&run)["diagnostics"].as_array().map(Vec::len);
        assert_eq!(told, Some(0), "{}", text(&run.stdout));
    }
}

/// Tools that share a nozzle are heated by its one heater.
#[test]
fn tools_of_one_nozzle_are_warm() {
    let home = home();
    let sets = ["--set", "one_nozzle=true", "--set", "infill_tool=1"];
    let run = shopctl(&home, &[&["print", "bracket.stl", "-o", "a.gcode"][..], &sets].concat());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
}

/// A bead of several layers is as thick as they are together, and no wider for it.
#[test]
fn filling_of_several_layers_together_is_proved_as_what_it_is() {
    let home = home();
    for (walls, height, every) in [("2", "0.05", "6"), ("1", "0.1", "4")] {
        let [walls, height, every] = [
            format!("walls={walls}"),
            format!("layer_height_mm={height}"),
            format!("infill_every_layers={every}"),
        ];
        let sets = ["--set", &walls, "--set", &height, "--set", &every, "--set", "infill_percent=30"];
        let run = shopctl(&home, &[&["print", "bracket.stl", "-o", "a.gcode", "--json"][..], &sets].concat());
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        let outside = json(&run)["proof"]["outside_mm2"].as_f64().expect("a figure");
        assert!(outside < 0.01, "{walls} {height} {every}: {outside} mm2 outside");
    }
}

/// What is made larger or smaller on purpose, or has a single wall, is proved as such.
#[test]
fn settings_that_move_contours_pass_the_proof() {
    let home = home();
    let sets = [
        "walls=1",
        "xy_growth_mm=0.5",
        "xy_growth_mm=-0.3",
        "hole_growth_mm=0.4",
        "elephant_foot_mm=0.75",
        "closing_mm=0.5",
        "fuzzy=all",
        "resolution_mm=0.2",
        "resolution_mm=0",
        "arc_tolerance_mm=0.05",
        "thin_walls=false",
        "gap_fill=false",
    ];
    for set in sets {
        let run = shopctl(&home, &["print", "bracket.stl", "-o", "a.gcode", "--set", set]);
        assert_eq!(run.status.code(), Some(0), "{set}: {}", text(&run.stderr));
    }
}

/// A block of 20 mm by 20 mm, 10 mm high.
fn block() -> String {
    let at = |i: usize| format!("vertex {} {} {}\n", 20 * (i & 1), 20 * (i >> 1 & 1), 10 * (i >> 2));
    let quads = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    let facets = quads.into_iter().flat_map(|[a, b, c, d]| [[a, b, c], [a, c, d]]);
    let facet =
        |f: [usize; 3]| format!("facet normal 0 0 0\nouter loop\n{}endloop\nendfacet\n", f.map(at).concat());
    format!("solid block\n{}endsolid block\n", facets.map(facet).collect::<String>())
}

#[test]
fn a_program_takes_as_long_as_it_says_and_is_clean() {
    for machine in [
        "printer-marlin",
        "printer-klipper",
        "printer-ender-3",
        "printer-prusa-mk3s",
        "printer-reprapfirmware",
        "printer-smoothie",
        "printer-voron-2-300",
    ] {
        let home = home();
        let run = shopctl(&home, &["print", "bracket.stl", "-m", machine, "-o", "a.gcode", "--json"]);
        assert_eq!(run.status.code(), Some(0), "{machine}: {}", text(&run.stderr));
        let report = json(&run);
        let said = report["time_s"].as_f64().expect("a time");
        let proof = &report["proof"];
        assert_eq!(
            (proof["layers_missing"].as_u64(), proof["open_rows"].as_u64()),
            (Some(0), Some(0)),
            "{report}"
        );
        assert!(proof["outside_mm2"].as_f64() < Some(0.5), "{report}");
        assert!(proof["midair_mm2"].as_f64() > Some(10.0), "the lip hangs in the air: {report}");
        let time = json(&shopctl(&home, &["estimate", "a.gcode", "-m", machine, "--json"]));
        let took = time["total_s"].as_f64().expect("a time");
        assert!((took / said - 1.0).abs() < 0.005, "{machine}: {said} s are said, {took} s are estimated");
        let program = fs::read_to_string(home.path().join("a.gcode")).expect("it was written");
        let head = program.lines().find_map(|l| l.strip_prefix(";TIME:")).expect("a head");
        assert!((head.trim().parse::<f64>().expect("seconds") - said).abs() <= 0.5);
        let check = shopctl(&home, &["check", "a.gcode", "-m", machine, "--json"]);
        assert_eq!(check.status.code(), Some(0), "{machine}: {}", text(&check.stdout));
        let marks: Vec<u32> = program
            .lines()
            .filter_map(|l| l.strip_prefix("M73 P")?.split(' ').next()?.parse().ok())
            .collect();
        if machine == "printer-smoothie" {
            assert_eq!(marks, [0; 0], "it has no M73");
            continue;
        }
        assert!(marks.len() > 10 && marks.is_sorted() && *marks.last().expect("marks") > 90, "{marks:?}");
    }
}

#[test]
fn many_stand_apart_and_are_counted() {
    let home = home();
    fs::write(home.path().join("other.stl"), bracket()).expect("writable");
    let run = shopctl(
        &home,
        &["print", "bracket.stl", "other.stl", "--copies", "2", "--scale", "50%", "-o", "a.gcode", "--json"],
    );
    let report = json(&run);
    assert_eq!((run.status.code(), &report["bodies"]), (Some(0), &Value::from(4)));
    let full = shopctl(&home, &["print", "bracket.stl", "--copies", "500", "-o", "b.gcode"]);
    assert_eq!(full.status.code(), Some(3));
    assert!(text(&full.stderr).contains("print/bed-full"), "{}", text(&full.stderr));
    assert!(!home.path().join("b.gcode").exists());
}

#[test]
fn objects_one_after_another_are_held_against_their_meshes() {
    let home = home();
    fs::write(home.path().join("other.stl"), bracket()).expect("writable");
    let report = |more: &[&str]| {
        let usual = ["print", "bracket.stl", "other.stl", "--copies", "2", "-o", "a.gcode", "--json", "-q"];
        let run = shopctl(&home, &[&usual, more].concat());
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        json(&run)
    };
    // Room for the head, so that both ways of printing have the same places.
    let apart = ["--set", "head_radius_mm=1"];
    let (all, each) = (report(&apart), report(&[&apart[..], &["--set", "sequential=true"]].concat()));
    let figure = |r: &Value, key: &str| r["proof"][key].as_f64().unwrap_or_else(|| panic!("{key}: {r}"));
    assert_eq!(each["proof"]["layers_missing"], 0);
    assert_eq!(figure(&each, "layers"), 4.0 * figure(&all, "layers"));
    for key in ["section_mm2", "road_mm2", "wanted_mm2", "midair_mm2"] {
        let (a, b) = (figure(&all, key), figure(&each, key));
        assert!((a - b).abs() <= 0.01 * a, "{key}: {a} together, {b} one after another");
    }
    assert!(figure(&each, "outside_mm2") < 1.0, "{each}");
}

#[test]
fn a_binary_program_says_the_same() {
    let home = home();
    for out in ["a.gcode", "a.bgcode"] {
        let run = shopctl(&home, &["print", "bracket.stl", "-o", out, "-q"]);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    }
    assert!(fs::read(home.path().join("a.bgcode")).expect("written").starts_with(b"GCDE"));
    let diff = shopctl(&home, &["diff", "a.gcode", "a.bgcode", "-m", "printer-marlin"]);
    assert_eq!(diff.status.code(), Some(0), "{}", text(&diff.stdout));
    let piped = shopctl(&home, &["print", "bracket.stl", "-o", "-", "-q"]);
    let lines = |t: &str| t.lines().filter(|l| l.starts_with("G1 ")).count();
    let file = fs::read_to_string(home.path().join("a.gcode")).expect("written");
    assert_eq!(lines(&text(&piped.stdout)), lines(&file));
}

#[test]
fn what_is_read_is_never_written_over() {
    let home = home();
    let mesh = fs::read(home.path().join("bracket.stl")).expect("readable");
    for flags in [["-o", "bracket.stl"], ["-o", "./bracket.stl"], ["--preview", "bracket.stl"]] {
        let run = shopctl(&home, &[&["print", "bracket.stl"][..], &flags].concat());
        assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
        assert!(fs::read(home.path().join("bracket.stl")).expect("readable") == mesh, "{flags:?}");
    }
    let twice = shopctl(&home, &["print", "bracket.stl", "--preview", "a.png", "--preview", "a.png"]);
    assert_eq!(twice.status.code(), Some(2));
    fs::create_dir(home.path().join("out")).expect("writable");
    let run = shopctl(&home, &["print", "bracket.stl", "-o", "out", "-q"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(home.path().join("out/bracket.gcode").exists());
}

/// A signal in the middle leaves nothing behind: no program, and nothing without a name. (Others than this one may be
/// ignored by whoever runs the test.)
#[cfg(unix)]
#[test]
fn what_is_stopped_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt as _;
    let home = home();
    // So much that it is not done before the signal comes.
    let large = ["--scale", "6,6,130", "--set", "infill_percent=95", "--threads", "1"];
    let flags = [&["print", "bracket.stl", "-o", "a.gcode", "-q"][..], &large].concat();
    let mut run = crate::at_home::command(&home, &flags).spawn().expect("it begins");
    let names = || {
        let all = fs::read_dir(home.path()).expect("a folder").map(|e| e.expect("an entry").file_name());
        let mut names: Vec<String> = all.map(|n| n.to_string_lossy().into_owned()).collect();
        names.retain(|n| n != "bracket.stl");
        names
    };
    while names().is_empty() {
        assert_eq!(run.try_wait().expect("it runs"), None);
        std::thread::yield_now();
    }
    // Shells and supervisors say it twice.
    for _ in 0..2 {
        let id = run.id().to_string();
        let _ = std::process::Command::new("kill").args(["-s", "TERM", &id]).status().expect("kill");
    }
    let ended = run.wait().expect("it ends");
    assert_eq!(ended.signal(), Some(15), "{ended}");
    assert_eq!(names(), [""; 0]);
}

/// What was begun with nohup goes on when the terminal is gone.
#[cfg(target_os = "linux")]
#[test]
fn who_is_not_to_hang_up_does_not() {
    let home = home();
    let shopctl = crate::at_home::command(&home, &[]);
    let program = shopctl.get_program().to_string_lossy().into_owned();
    let script = format!(
        "trap '' HUP; '{program}' print bracket.stl -o a.gcode -q --scale 1,1,20 & kill -s HUP $!; wait $!"
    );
    let run = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(home.path())
        .env("SHOPCTL_CONFIG_DIR", home.path().join("settings"))
        .status();
    assert!(run.expect("sh").success());
    assert!(home.path().join("a.gcode").exists());
}

#[test]
fn what_cannot_be_laid_is_told_before_it_is_sliced() {
    let home = home();
    let codes = |flags: &[&str]| {
        let flags = [&["print", "bracket.stl", "-o", "a.gcode", "--json"][..], flags].concat();
        let run = shopctl(&home, &flags);
        let report = json(&run);
        let all = report["diagnostics"].as_array().expect("a list").iter();
        let codes: Vec<String> = all
            .filter_map(|d| d["code"].as_str().map(str::to_owned))
            .filter(|code| !code.starts_with("proof/"))
            .collect();
        assert_eq!(report["written"].as_bool(), Some(run.status.code() == Some(0)));
        assert_eq!(home.path().join("a.gcode").exists(), run.status.code() == Some(0));
        let _ = fs::remove_file(home.path().join("a.gcode"));
        (run.status.code(), codes)
    };
    let set = |text: &str| codes(&["--set", text]);
    assert_eq!(set("layer_height_mm=0.35"), (Some(0), vec!["print/layer-too-high".to_owned()]));
    assert_eq!(set("layer_height_mm=0.42"), (Some(4), vec!["print/layer-too-high".to_owned()]));
    assert_eq!(set("road_width_mm=0.9"), (Some(0), vec!["print/road-width".to_owned()]));
    assert_eq!(codes(&["--scale", "0.001"]), (Some(4), vec!["print/nothing-laid".to_owned()]));
    assert_eq!(codes(&["--scale", "10000"]), (Some(3), vec!["print/too-large".to_owned()]));
    assert_eq!(codes(&["-m", "printer-klipper", "--set", "labels=m486"]).1, ["print/labels-unknown"]);
    assert_eq!(codes(&["-m", "printer-klipper", "--set", "labels=firmware"]), (Some(0), Vec::new()));
}

#[test]
fn pictures_are_drawn_where_the_screen_wants_them() {
    let home = home();
    let run = shopctl(
        &home,
        &["print", "bracket.stl", "-m", "printer-voron-2-300", "-o", "a.gcode", "--preview", "a.png"],
    );
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let program = fs::read_to_string(home.path().join("a.gcode")).expect("written");
    assert!(program.contains("; thumbnail begin 32x32 ") && program.contains("; thumbnail begin 300x300 "));
    assert!(fs::read(home.path().join("a.png")).expect("drawn").starts_with(b"\x89PNG"));
    // A setting says otherwise than the machine.
    let set = "thumbnails=16x16/QOI,40x30/JPG";
    for out in ["b.gcode", "b.bgcode"] {
        let run =
            shopctl(&home, &["print", "bracket.stl", "-m", "printer-voron-2-300", "-o", out, "--set", set]);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        let written = fs::read(home.path().join(out)).expect("written");
        let found = shop_gcode::metadata::read(&written).thumbnails;
        let sizes: Vec<_> = found.iter().map(|t| (t.width, t.height, t.format)).collect();
        use shop_gcode::metadata::Image::{Jpg, Qoi};
        assert_eq!(sizes, [(16, 16, Qoi), (40, 30, Jpg)]);
        assert!(found[0].data.starts_with(b"qoif") && found[1].data.starts_with(b"\xff\xd8"));
    }
    let wrong = shopctl(&home, &["print", "bracket.stl", "--preview", "a.gif"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn foreign_profiles_are_taken_over_and_kept() {
    let home = home();
    let ini = "layer_height = 0.3\nfirst_layer_height = 0.3\nperimeters = 4\nsupport_material = 0\ntime_travel = 1\n";
    fs::write(home.path().join("prusa.ini"), ini).expect("writable");
    let told = shopctl(&home, &["print", "--import", "prusa.ini", "--save-as", "thick"]);
    let words = text(&told.stdout);
    assert!(words.contains("walls = 4") && words.contains("lost: time_travel = 1"), "{words}");
    let run = shopctl(&home, &["print", "bracket.stl", "--quality", "thick", "-o", "a.gcode", "--json"]);
    assert_eq!((run.status.code(), &json(&run)["layers"]), (Some(0), &Value::from(50)));
    let direct = shopctl(&home, &["print", "bracket.stl", "--import", "prusa.ini", "-o", "b.gcode"]);
    assert!(text(&direct.stderr).contains("print/settings-lost"), "{}", text(&direct.stderr));
}

#[test]
fn a_program_that_was_changed_is_held_against_the_mesh() {
    let home = home();
    assert_eq!(shopctl(&home, &["print", "bracket.stl", "-o", "a.gcode"]).status.code(), Some(0));
    let good = fs::read_to_string(home.path().join("a.gcode")).expect("it was written");
    let hold = |program: &str| {
        fs::write(home.path().join("b.gcode"), program).expect("writable");
        let run = shopctl(&home, &["print", "bracket.stl", "--hold", "b.gcode", "--json"]);
        let report = json(&run);
        let errors = report["diagnostics"].as_array().expect("a list").iter();
        let errors = errors.filter(|d| d["severity"] == "error").filter_map(|d| d["code"].as_str());
        (run.status.code(), errors.map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(hold(&good), (Some(0), Vec::new()));
    // One layer's roads are gone.
    let (before, rest) = good.split_once(";LAYER:30\n").expect("a layer");
    let (gone, after) = rest.split_once(";LAYER:31\n").expect("the next layer");
    let dry: Vec<&str> = gone.lines().filter(|l| !l.contains(" E")).collect();
    let dry = dry.join("\n") + "\n";
    let (code, errors) = hold(&format!("{before};LAYER:30\n{dry};LAYER:31\n{after}"));
    assert_eq!(code, Some(4));
    assert!(errors.contains(&"proof/layers-missing".to_owned()), "{errors:?}");
    // The nozzle is elsewhere from half way up.
    let (below, above) = good.split_once(";LAYER:30\n").expect("a layer");
    let moved: Vec<String> = above
        .lines()
        .map(|line| match line.strip_prefix("G1 X").and_then(|l| l.split_once(' ')) {
            Some((x, rest)) => format!("G1 X{:.3} {rest}", x.parse::<f64>().expect("a number") + 0.5),
            None => line.to_owned(),
        })
        .collect();
    let (_, errors) = hold(&format!("{below};LAYER:30\n{}\n", moved.join("\n")));
    assert!(errors.contains(&"proof/print-outside".to_owned()), "{errors:?}");
}

/// Vases and scarfs climb, so that their roads lie at heights that no layer has.
#[test]
fn roads_that_climb_are_held() {
    let home = home();
    fs::write(home.path().join("block.stl"), block()).expect("writable");
    for set in ["vase=true", "scarf_mm=10"] {
        let made = shopctl(&home, &["print", "block.stl", "--set", set, "-o", "a.gcode"]);
        assert_eq!(made.status.code(), Some(0), "{set}: {}", text(&made.stderr));
        let run = shopctl(&home, &["print", "block.stl", "--set", set, "--hold", "a.gcode", "--json"]);
        assert_eq!(run.status.code(), Some(0), "{set}: {}", json(&run));
        // The upper half is gone.
        let program = fs::read_to_string(home.path().join("a.gcode")).expect("it was written");
        let (half, _) = program.split_once(";LAYER:40\n").expect("a layer");
        fs::write(home.path().join("b.gcode"), half).expect("writable");
        let run = shopctl(&home, &["print", "block.stl", "--set", set, "--hold", "b.gcode", "--json"]);
        assert_eq!(run.status.code(), Some(4), "{set}: {}", json(&run));
    }
}

#[test]
fn a_program_is_not_held_against_what_is_no_mesh() {
    let home = home();
    fs::write(home.path().join("no.stl"), "").expect("writable");
    let run = shopctl(&home, &["print", "no.stl", "--hold", "bracket.stl", "--json"]);
    assert_eq!(run.status.code(), Some(3));
    assert_eq!(json(&run)["written"], false);
}

#[test]
fn each_filament_of_one_nozzle_is_imported() {
    let home = home();
    let profile = r#"{"nozzle_diameter": ["0.4"], "filament_type": ["PLA", "PETG"], "nozzle_temperature": ["210", "245"],
        "nozzle_temperature_initial_layer": ["210", "245"]}"#;
    fs::write(home.path().join("two.json"), profile).expect("writable");
    let args = ["print", "bracket.stl", "--import", "two.json", "--set", "infill_tool=1", "-o", "a.gcode"];
    let run = shopctl(&home, &args);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let program = fs::read_to_string(home.path().join("a.gcode")).expect("it was written");
    assert!(program.lines().any(|l| l.contains("T1 S245")), "the second tool has its own heat");
}

#[test]
fn a_folder_is_looked_after() {
    let home = home();
    let folder = home.path().join("in");
    fs::create_dir(&folder).expect("writable");
    fs::copy(home.path().join("bracket.stl"), folder.join("good.stl")).expect("copied");
    fs::write(folder.join("bad.stl"), "no mesh at all").expect("writable");
    let watch = || shopctl(&home, &["print", "--watch", "in", "--once", "--json", "-q"]);
    let run = watch();
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    assert!(folder.join("good.gcode").exists() && !folder.join("bad.gcode").exists());
    let note = fs::read_to_string(folder.join("bad.failed.txt")).expect("a note");
    assert!(note.contains("mesh/unknown-format"), "{note}");
    let reports: Vec<Value> =
        text(&run.stdout).lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect();
    assert_eq!(reports.len(), 2);
    let before = modified(&folder.join("good.gcode"));
    assert_eq!(watch().status.code(), Some(0), "all is done");
    assert_eq!(modified(&folder.join("good.gcode")), before);
}

#[test]
fn tools_have_filaments_and_roads_of_their_own() {
    let home = home();
    let set = ["supports=true", "support_interface_tool=1", "tower_x_mm=160", "tower_width_mm=20"];
    let sets: Vec<&str> = set.iter().flat_map(|s| ["--set", s]).collect();
    let args = ["print", "bracket.stl", "--filament", "pla", "--filament", "petg", "-o", "a.gcode", "--json"];
    let run = shopctl(&home, &[&args[..], &sets].concat());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let report = json(&run);
    assert_eq!(report["filament"], "pla, petg");
    assert!(report["tower_mm3"].as_f64() > Some(50.0), "{report}");
    assert_eq!(report["proof"]["clash_mm2"].as_f64(), Some(0.0), "{report}");
    let program = fs::read_to_string(home.path().join("a.gcode")).expect("written");
    let heats = |c: &str| {
        program
            .lines()
            .any(|l| l.starts_with("M104") && l.contains(c) || l.starts_with("M109") && l.contains(c))
    };
    assert!(program.lines().any(|l| l == "T1") && heats("T1 S2"), "the second tool is heated and used");
    let check = shopctl(&home, &["check", "a.gcode", "-m", "printer-marlin", "--json"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
}

#[test]
fn a_profile_of_many_is_taken_with_its_texts() {
    let home = home();
    let bundle = "[printer:mine]\nnozzle_diameter = 0.4\nstart_gcode = G28\\nG1 Z[first_layer_height] F900 ; up\\nM300 S[beep]\n\
                  [print:*common*]\nperimeters = 3\n[print:coarse]\ninherits = *common*\nlayer_height = 0.3\nfirst_layer_height = 0.3\n\
                  [print:other]\nlayer_height = 0.1\n";
    fs::write(home.path().join("all.ini"), bundle).expect("writable");
    let open = shopctl(&home, &["print", "bracket.stl", "--import", "all.ini", "-o", "a.gcode"]);
    assert_eq!(open.status.code(), Some(3));
    assert!(text(&open.stderr).contains("`coarse`, `other`"), "{}", text(&open.stderr));
    let run = shopctl(
        &home,
        &["print", "bracket.stl", "--import", "all.ini", "--preset", "coarse", "-o", "a.gcode"],
    );
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("print/settings-lost"), "{}", text(&run.stderr));
    let program = fs::read_to_string(home.path().join("a.gcode")).expect("written");
    assert!(
        program.contains("\nG1 Z0.3 F900 ; up\n") && program.contains("; walls = 3"),
        "its text is in it"
    );
    assert!(program.contains("; left out: M300 S|beep|"), "and what is not says so");
    assert!(program.contains("M190 S60"), "what it does not heat is heated");
}

fn modified(path: &Path) -> std::time::SystemTime {
    fs::metadata(path).and_then(|m| m.modified()).expect("it is there")
}
