//! What profiles must be, and what is said when they are not.

// `expect!` blesses with a hash that it does not always need, and is handed over by value everywhere.
#![allow(clippy::needless_raw_string_hashes, clippy::needless_pass_by_value)]

use super::*;
use crate::report::{Style, render};
use expect_test::{Expect, expect};
use shop_cam::machine::{Cut, Dialect, MachineKind, Material, Tool, TorchControl};
use tempfile::TempDir;

fn nowhere() -> Folders {
    Folders { local_machines: PathBuf::from("/nonexistent/machines"), user: None }
}

fn embedded(name: &str) -> Profile {
    let (mut sources, mut found) = (Sources::new(), Vec::new());
    let profile = load(name, &nowhere(), &mut sources, &mut found);
    assert!(found.is_empty(), "{name}: {}", render(&found, &sources, Style::PLAIN));
    profile.expect("no complaint, so a profile")
}

fn all() -> impl Iterator<Item = Profile> {
    super::embedded::PROFILES.iter().map(|(name, _)| embedded(name))
}

#[test]
fn the_list_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("machines");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is part of the source")
        .map(|e| e.expect("readable").file_name().to_string_lossy().into_owned())
        .filter_map(|n| n.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    let listed: Vec<&str> = super::embedded::PROFILES.iter().map(|(n, _)| *n).collect();
    assert_eq!(names, listed);
}

#[test]
fn every_profile_has_sane_numbers() {
    for p in all() {
        let m = &p.machine;
        let name = &m.name;
        assert!(m.title.len() > 5 && m.source.len() > 20, "{name}: {}", m.source);
        for (axis, least) in m.axes.iter().zip([150.0, 150.0, 20.0]) {
            assert!(axis.max - axis.min >= least, "{name}: {axis:?}");
            assert!((100.0..=30_000.0).contains(&axis.rapid.mm_per_min()), "{name}: {axis:?}");
            assert!((5.0..=10_000.0).contains(&axis.acceleration), "{name}: {axis:?}");
        }
        let z = &m.axes[2];
        let safe = m.process.safe_height;
        assert!(z.min < 0.0 && z.max >= safe, "{name}: z {z:?} must reach from the work to {safe}");
        assert!(m.process.feed <= m.axes[0].rapid, "{name}: the usual feed is within reach");
        assert!(usize::from(m.post.line_limit) >= 79, "{name}");
        let draws = m.kind != MachineKind::Printer;
        assert_eq!(!m.layers.is_empty(), draws, "{name}: layers say what drawings mean");
        assert_eq!(m.tools.is_empty(), !matches!(m.kind, MachineKind::Router | MachineKind::Knife), "{name}");
        for material in &m.materials {
            assert!(material.source.len() > 5, "{name}: {}", material.name);
            let milled = p.milling.iter().any(|(n, _)| *n == material.name);
            assert!(milled || !material.cuts.is_empty(), "{name}: {} says nothing", material.name);
            check_chart(name, m.kind, material);
        }
        for (material, _) in &p.milling {
            for tool in p.machine_for(material).tools {
                let feed = tool.feed.expect("a milling material gives feeds").mm_per_min();
                let rpm = tool.rpm.expect("and speeds");
                let most = m.axes[0].rapid.mm_per_min().min(m.axes[1].rapid.mm_per_min());
                assert!((50.0..=most).contains(&feed), "{name} {material} T{}: {feed}", tool.number);
                assert!(rpm >= m.process.rpm_range[0] && rpm <= m.process.rpm_range[1], "{name} {material}");
            }
        }
    }
}

fn check_chart(name: &str, kind: MachineKind, material: &Material) {
    for pair in material.cuts.windows(2) {
        let [thin, thick] = pair else { continue };
        assert!(thin.thickness < thick.thickness, "{name} {}", material.name);
        let effort = |c: &Cut| f64::from(c.passes) * c.power / c.feed.mm_per_min();
        assert!(effort(thin) <= effort(thick) * 1.000_001, "{name} {}: thicker is easier", material.name);
        assert!(thin.kerf <= thick.kerf, "{name} {}: kerf", material.name);
        assert!(thin.pierce_delay <= thick.pierce_delay, "{name} {}: delay", material.name);
    }
    for cut in &material.cuts {
        let width = match kind {
            MachineKind::Plasma => 0.5..=3.0,
            MachineKind::Laser => 0.05..=0.5,
            _ => 0.0..=0.0,
        };
        assert!(width.contains(&cut.kerf), "{name} {} {}: kerf {}", material.name, cut.thickness, cut.kerf);
        if kind == MachineKind::Plasma {
            assert!((20.0..=100.0).contains(&cut.amps) && (80.0..=180.0).contains(&cut.volts), "{name}");
            assert!(cut.pierce_height >= 1.5 * cut.cut_height && cut.cut_height > 0.5, "{name}");
        }
    }
}

#[test]
fn the_generic_machines_are_what_scripts_rely_on() {
    let is = |name: &str, kind, dialect| {
        let m = embedded(name).machine;
        assert_eq!((m.kind, m.post.dialect), (kind, dialect), "{name}");
        for axis in &m.axes[..2] {
            assert!(axis.min <= -2500.0 && axis.max >= 2500.0, "{name} has no walls");
        }
    };
    is("router-grbl", MachineKind::Router, Dialect::Grbl);
    is("router-linuxcnc", MachineKind::Router, Dialect::LinuxCnc);
    is("plasma-grbl", MachineKind::Plasma, Dialect::Grbl);
    is("plasma-qtplasmac", MachineKind::Plasma, Dialect::QtPlasmaC);
    is("laser-grbl", MachineKind::Laser, Dialect::Grbl);
    is("knife-grbl", MachineKind::Knife, Dialect::Grbl);
    assert_eq!(embedded("laser-grblhal-co2").machine.post.dialect, Dialect::GrblHal);
    assert_eq!(embedded("plasma-qtplasmac").machine.process.torch, TorchControl::Controller);
    assert_eq!(embedded("plasma-grbl").machine.post.line_limit, 79);
}

#[test]
fn what_is_written_reads_the_same() {
    let folder = TempDir::new().expect("a place for files");
    for p in all() {
        let text = to_toml(&p);
        let path = folder.path().join(format!("{}.toml", p.machine.name));
        fs::write(&path, &text).expect("writable");
        let (mut sources, mut found) = (Sources::new(), Vec::new());
        let name = path.to_string_lossy();
        let again = load(&name, &nowhere(), &mut sources, &mut found);
        assert!(found.is_empty(), "{}", render(&found, &sources, Style::PLAIN));
        let again = again.expect("no complaint, so a profile");
        assert_eq!(to_toml(&again), text, "{}", p.machine.name);
        assert_eq!(again.machine.materials, p.machine.materials);
        assert_eq!(again.machine.axes, p.machine.axes);
        assert_eq!(again.machine.layers, p.machine.layers);
        assert_eq!(again.machine.post, p.machine.post);
    }
}

/// A whole little machine, to spoil.
const SMALL: &str = r#"[machine]
title = "Table"
kind = "plasma"
source = "a test"

[axes.x]
min_mm = 0
max_mm = 1200
rapid_mm_per_min = 9000
acceleration_mm_per_s2 = 500

[axes.y]
min_mm = 0
max_mm = 1200
rapid_mm_per_min = 9000
acceleration_mm_per_s2 = 500

[axes.z]
min_mm = -20
max_mm = 80
rapid_mm_per_min = 3000
acceleration_mm_per_s2 = 200

[process]
safe_height_mm = 15
kerf_mm = 1.5
feed_mm_per_min = 2000
torch = "program"

[material.steel]
source = "a test"

[[material.steel.cut]]
thickness_mm = 3
feed_mm_per_min = 3960
pierce_height_mm = 3.8
pierce_delay_s = 0.2
cut_height_mm = 1.5

[post]
extends = "grbl"
"#;

fn check(spoil: &[(&str, &str)], expected: Expect) {
    let mut text = SMALL.to_owned();
    for (from, to) in spoil {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    check_text(&text, expected);
}

fn check_text(text: &str, expected: Expect) {
    let folder = TempDir::new().expect("a place for files");
    let path = folder.path().join("table.toml");
    fs::write(&path, text).expect("writable");
    let (mut sources, mut found) = (Sources::new(), Vec::new());
    let profile = load(&path.to_string_lossy(), &nowhere(), &mut sources, &mut found);
    assert_eq!(profile.is_none(), has_errors(&found));
    let style = Style { per_code: 9, ..Style::PLAIN };
    let shown = render(&found, &sources, style);
    expected.assert_eq(&shown.replace(&folder.path().display().to_string(), ""));
}

#[test]
fn a_whole_machine_has_no_complaint() {
    check(&[], expect![""]);
}

#[test]
fn misspelt_keys() {
    check(
        &[("kerf_mm", "kerf"), ("rapid_mm_per_min = 9000", "rapid_mm_min = 9000")],
        expect![[r#"
            error[machine/unknown-key]: unknown key `rapid_mm_min` in [axes.x]
             --> /table.toml:9:1
              |
            9 | rapid_mm_min = 9000
              | ^^^^^^^^^^^^
              |
              = hint: did you mean `rapid_mm_per_min`?

            error[machine/unknown-key]: unknown key `kerf` in [process]
              --> /table.toml:26:1
               |
            26 | kerf = 1.5
               | ^^^^
               |
               = hint: did you mean `kerf_mm`?
        "#]],
    );
    check(
        &[("[post]", "[spindel]\nspeed = 1\n\n[post]\ncolor = 1")],
        expect![[r#"
        error[machine/unknown-key]: unknown key `spindel`
          --> /table.toml:40:2
           |
        40 | [spindel]
           |  ^^^^^^^
           |
           = hint: known here: axes, controller, cornering, layers, machine, material, post, printer, process, tool

        error[machine/unknown-key]: unknown key `color` in [post]
          --> /table.toml:44:1
           |
        44 | color = 1
           | ^^^^^
           |
           = hint: known here: arcs, decimals, ending, extends, footer, header, line_limit, repeat_motion
    "#]],
    );
}

#[test]
fn wrong_types() {
    check(
        &[
            ("max_mm = 1200", "max_mm = \"1200\""),
            ("feed_mm_per_min = 2000", "feed_mm_per_min = \"2 m/min\""),
            ("title = \"Table\"", "title = 5"),
            ("[[material.steel.cut]]", "[material.steel.cut]"),
        ],
        expect![[r#"
            error[machine/wrong-type]: `title` must be a text in quotes and is a number
             --> /table.toml:2:9
              |
            2 | title = 5
              |         ^

            error[machine/wrong-type]: `max_mm` must be a number and is a text
             --> /table.toml:8:10
              |
            8 | max_mm = "1200"
              |          ^^^^^^
              |
              = hint: write 1200 without quotes

            error[machine/wrong-type]: `feed_mm_per_min` must be a number and is a text
              --> /table.toml:27:19
               |
            27 | feed_mm_per_min = "2 m/min"
               |                   ^^^^^^^^^
               |
               = hint: the unit is in the key (mm/min); write the number alone

            error[machine/wrong-type]: `cut` must be a list of `[[material.steel.cut]]` and is a table
              --> /table.toml:33:1
               |
            33 | [material.steel.cut]
               | ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        &[("[axes.z]", "[axes.c]"), ("[process]", "[axes]\nz = 5\n[process]")],
        expect![[r#"
        error[machine/unknown-key]: unknown key `c` in [axes]
          --> /table.toml:18:7
           |
        18 | [axes.c]
           |       ^
           |
           = hint: known here: x, y, z

        error[machine/missing-key]: [axes.z] is missing
          --> /table.toml:24:1
           |
        24 | [axes]
           | ^^^^^^
           |
           = hint: add [axes.z] and `min_mm = ...` (mm)

        error[machine/wrong-type]: `axes.z` must be a table `[axes.z]` and is a number
          --> /table.toml:25:5
           |
        25 | z = 5
           |     ^
    "#]],
    );
}

#[test]
fn impossible_values() {
    check(
        &[
            ("max_mm = 1200", "max_mm = -3"),
            ("max_mm = 80", "max_mm = nan"),
            ("kerf_mm = 1.5", "kerf_mm = -1.5"),
            ("cut_height_mm = 1.5", "cut_height_mm = 5"),
            ("kind = \"plasma\"", "kind = \"plasm\""),
            ("safe_height_mm = 15", "safe_height_mm = 15\nretract_height_mm = 20"),
        ],
        expect![[r#"
            error[machine/bad-value]: `kind` cannot be "plasm"
             --> /table.toml:3:8
              |
            3 | kind = "plasm"
              |        ^^^^^^^
              |
              = hint: did you mean "plasma"?

            error[machine/bad-value]: `max_mm` is -3 and must be above `min_mm`, which is 0
             --> /table.toml:8:10
              |
            8 | max_mm = -3
              |          ^^

            error[machine/bad-value]: `max_mm` must be a finite number
              --> /table.toml:20:10
               |
            20 | max_mm = nan
               |          ^^^

            error[machine/bad-value]: `retract_height_mm` is 20 and must not be above `safe_height_mm`, which is 15
              --> /table.toml:26:21
               |
            26 | retract_height_mm = 20
               |                     ^^

            error[machine/bad-value]: `kerf_mm` is -1.5 and must not be below 0
              --> /table.toml:27:11
               |
            27 | kerf_mm = -1.5
               |           ^^^^
        "#]],
    );
    check(
        &[
            ("source = \"a test\"\n", "source = \"a test\"\nwork_zero_mm = [0, 1300]\n"),
            ("extends = \"grbl\"", "extends = \"grbl\"\nheader = [\"(why?)\", \"(fräsen)\"]\ndecimals = 4.5"),
            (
                "[post]",
                "[[layers]]\ncolour = \"red\"\noperation = \"cut\"\n[[layers]]\noperation = \"mark\"\n[post]",
            ),
            ("[post]", "[tool.a]\nname = \"x\"\n[post]"),
        ],
        expect![[r##"
            error[machine/bad-value]: `work_zero_mm` lies off the machine: y = 1300 and the axis reaches 0 to 1200
             --> /table.toml:5:16
              |
            5 | work_zero_mm = [0, 1300]
              |                ^^^^^^^^^

            error[machine/bad-value]: `colour` cannot be "red"
              --> /table.toml:42:10
               |
            42 | colour = "red"
               |          ^^^^^
               |
               = hint: write it as in SVG: "#ff0000" is red

            error[machine/bad-value]: `operation` cannot be "cut"
              --> /table.toml:43:13
               |
            43 | operation = "cut"
               |             ^^^^^
               |
               = hint: one of: profile, outside, inside, on, pocket, mark, drill, ignore

            error[machine/bad-value]: [tool.a]: a tool is named by its number
              --> /table.toml:46:1
               |
            46 | [tool.a]
               | ^^^^^^^^
               |
               = hint: write [tool.1] and so on, as in the controller's tool table

            error[machine/bad-value]: this line has a `?`, which acts at once on this controller
              --> /table.toml:50:11
               |
            50 | header = ["(why?)", "(fräsen)"]
               |           ^^^^^^^^

            error[machine/bad-value]: this line has the character 'ä', which is not plain ASCII
              --> /table.toml:50:21
               |
            50 | header = ["(why?)", "(fräsen)"]
               |                     ^^^^^^^^^^

            error[machine/bad-value]: `decimals` is 4.5 and must be a whole number
              --> /table.toml:51:12
               |
            51 | decimals = 4.5
               |            ^^^

            error[machine/missing-key]: [layers] has no `match`
              --> /table.toml:44:1
               |
            44 | [[layers]]
               | ^^^^^^^^^^
               |
               = hint: add `match = ...`
        "##]],
    );
}

#[test]
fn missing_keys_and_headings() {
    check(
        &[("torch = \"program\"\n", ""), ("pierce_delay_s = 0.2\n", "")],
        expect![[r#"
        error[machine/missing-key]: [process] has no `torch`
          --> /table.toml:24:1
           |
        24 | [process]
           | ^^^^^^^^^
           |
           = hint: add `torch = ...`

        error[machine/missing-key]: [material.steel.cut] has no `pierce_delay_s`
          --> /table.toml:32:1
           |
        32 | [[material.steel.cut]]
           | ^^^^^^^^^^^^^^^^^^^^^^
           |
           = hint: add `pierce_delay_s = ...` (seconds)
    "#]],
    );
    check_text(
        "",
        expect![[r#"
        error[machine/missing-key]: [machine] is missing
         --> /table.toml:1:1
          |
        1 |
          | ^
          |
          = hint: add [machine] and `title = ...`

        error[machine/missing-key]: [post] is missing
         --> /table.toml:1:1
          |
        1 |
          | ^
          |
          = hint: add [post] and `extends = ...`

        error[machine/missing-key]: [axes.x] is missing
         --> /table.toml:1:1
          |
        1 |
          | ^
          |
          = hint: add [axes.x] and `min_mm = ...` (mm)

        error[machine/missing-key]: [axes.y] is missing
         --> /table.toml:1:1
          |
        1 |
          | ^
          |
          = hint: add [axes.y] and `min_mm = ...` (mm)

        error[machine/missing-key]: [axes.z] is missing
         --> /table.toml:1:1
          |
        1 |
          | ^
          |
          = hint: add [axes.z] and `min_mm = ...` (mm)

        error[machine/missing-key]: [process] is missing
         --> /table.toml:1:1
          |
        1 |
          | ^
          |
          = hint: add [process] and `safe_height_mm = ...` (mm)
    "#]],
    );
}

#[test]
fn one_thickness_twice() {
    check(
        &[(
            "[post]",
            "[[material.steel.cut]]\nthickness_mm = 3\nfeed_mm_per_min = 1\npierce_height_mm = 3\npierce_delay_s = 0\ncut_height_mm = 1\n\n[post]",
        )],
        expect![[r#"
            error[machine/bad-value]: the chart has 3 mm twice
              --> /table.toml:40:1
               |
            40 | [[material.steel.cut]]
               | ^^^^^^^^^^^^^^^^^^^^^^
               |
               = hint: give the second way to cut it a material of its own, e.g. [material.mild-steel-30a]
        "#]],
    );
}

#[test]
fn broken_toml() {
    check(
        &[("title = \"Table\"", "title = \"Table"), ("[process]", "[process")],
        expect![[r#"
        error[machine/syntax]: unclosed table, expected `]`
          --> /table.toml:24:9
           |
        24 | [process
           |         ^
           |
           = hint: the file is TOML: `key = 1.5`, `key = "text"`, `[heading]`; see toml.io

        error[machine/syntax]: invalid basic string, expected `"`
         --> /table.toml:2:15
          |
        2 | title = "Table
          |               ^
    "#]],
    );
}

#[test]
fn extends_and_shadows() {
    let folder = TempDir::new().expect("a place for files");
    let machines = folder.path().join("machines");
    fs::create_dir(&machines).expect("writable");
    let put = |name: &str, text: &str| fs::write(machines.join(name), text).expect("writable");
    put(
        "router-grbl.toml",
        "[machine]\nextends = \"router-grbl\"\ntitle = \"Ours\"\n[process]\nspindle_rpm = 12000\n",
    );
    put("ring-a.toml", "[machine]\nextends = \"ring-b\"\n");
    put("ring-b.toml", "[machine]\nextends = \"ring-a\"\n");
    put("lost.toml", "[machine]\nextends = \"router-gbrl\"\n");
    put("upside.toml", "[machine]\nextends = \"router-grbl\"\n[axes.x]\nmin_mm = 30000\n");
    let folders = Folders { local_machines: machines.clone(), user: None };
    let (mut sources, mut found) = (Sources::new(), Vec::new());

    let ours = load("router-grbl", &folders, &mut sources, &mut found).expect("shadows the built-in one");
    assert_eq!((ours.machine.title.as_str(), ours.machine.process.rpm), ("Ours", 12000.0));
    assert_eq!(ours.machine.process.safe_height, embedded("router-grbl").machine.process.safe_height);
    assert_eq!(ours.bases, ["router-grbl"]);
    let theirs = load("printnc", &folders, &mut sources, &mut found).expect("built upon ours");
    assert_eq!(theirs.machine.process.rpm, 18000.0, "printnc says so itself");
    assert_eq!(theirs.bases, ["router-linuxcnc", "router-grbl", "router-grbl"]);
    assert!(
        list(&folders).contains(&("router-grbl".into(), Origin::File(machines.join("router-grbl.toml"))))
    );
    assert!(found.is_empty());

    for name in ["ring-a", "lost", "upside", "rooter-grbl"] {
        assert_eq!(load(name, &folders, &mut sources, &mut found), None, "{name}");
    }
    let shown = render(&found, &sources, Style::PLAIN).replace(&folder.path().display().to_string(), "");
    expect![[r#"
        error[machine/extends-itself]: `ring-a` extends itself
         --> /machines/ring-b.toml:2:11
          |
        2 | extends = "ring-a"
          |           ^^^^^^^^
          |
          = hint: a profile may extend another one, or the one of the same name that it shadows

        error[machine/unknown]: there is no machine `router-gbrl`
         --> /machines/lost.toml:2:11
          |
        2 | extends = "router-gbrl"
          |           ^^^^^^^^^^^^^
          |
          = hint: did you mean `router-grbl`? `shopctl machine list` shows all

        error[machine/unknown]: there is no machine `rooter-grbl`

        error[machine/bad-value]: `min_mm` is 30000 and must be below `max_mm`, which is 20000
         --> /machines/upside.toml:4:10
          |
        4 | min_mm = 30000
          |          ^^^^^
    "#]]
    .assert_eq(&shown);
}

#[test]
fn a_job_finds_its_cut() {
    let steel = &embedded("plasma-grbl").machine.materials[0];
    assert_eq!(steel.name, "mild-steel", "the first material of a file is the one meant when none is named");
    let cut = steel.cut_for(3.0).expect("in the chart").cut;
    assert_eq!((cut.feed.mm_per_min(), cut.amps), (3960.0, 45.0));
    assert!(steel.cut_for(5.0).expect("between two lines").interpolated);
    assert_eq!(steel.cut_for(25.0), None);
}

#[test]
fn feeds_follow_the_material_and_the_tool() {
    let router = embedded("router-grbl");
    let [plywood, aluminium, unknown] =
        ["Plywood", "aluminium", "cheese"].map(|m| router.machine_for(m).tools[0].clone());
    let feed = |t: &Tool| t.feed.map_or(0.0, |f| f.mm_per_min().round());
    assert_eq!((feed(&plywood), plywood.step_down), (3463.0, Some(6.0)));
    assert_eq!((feed(&aluminium), aluminium.step_down.map(|d| d < 1.0)), (796.0, Some(true)));
    assert_eq!((feed(&unknown), unknown.rpm), (0.0, None));
}

#[test]
fn settings_of_the_user() {
    let folder = TempDir::new().expect("a place for files");
    let folders = Folders { user: Some(folder.path().to_owned()), ..nowhere() };
    let (mut sources, mut found) = (Sources::new(), Vec::new());
    assert_eq!(settings(&folders, &mut sources, &mut found), Settings::default());
    let path = folder.path().join("config.toml");
    fs::write(&path, "default_machine = \"printnc\"\n").expect("writable");
    let s = settings(&folders, &mut sources, &mut found);
    assert_eq!((s.default_machine.as_deref(), s.default_material), (Some("printnc"), None));
    fs::write(&path, "default_machin = \"printnc\"\n").expect("writable");
    settings(&folders, &mut sources, &mut found);
    let shown = render(&found, &sources, Style::PLAIN).replace(&folder.path().display().to_string(), "");
    expect![[r#"
        error[machine/unknown-key]: unknown key `default_machin`
         --> /config.toml:1:1
          |
        1 | default_machin = "printnc"
          | ^^^^^^^^^^^^^^
          |
          = hint: did you mean `default_machine`?
    "#]]
    .assert_eq(&shown);
}

#[test]
fn huge_and_unreadable_files_are_refused() {
    let folder = TempDir::new().expect("a place for files");
    let path = folder.path().join("huge.toml");
    fs::write(&path, vec![b'#'; 2 << 20]).expect("writable");
    let bin = folder.path().join("bin.toml");
    fs::write(&bin, [0xff, 0xfe, 0]).expect("writable");
    for p in [&path, &bin] {
        let (mut sources, mut found) = (Sources::new(), Vec::new());
        assert_eq!(load(&p.to_string_lossy(), &nowhere(), &mut sources, &mut found), None);
        assert_eq!(found[0].code, "machine/unreadable");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(cut_at in 0usize..1000, insert in "[ -~\\n\"=\\[\\]]{0,12}", skip in 0usize..40) {
        let at = cut_at.min(SMALL.len());
        let text = format!("{}{insert}{}", &SMALL[..at], SMALL.get(at + skip..).unwrap_or(""));
        let source = shop_report::SourceId(0);
        let text = Text { name: "t".into(), origin: Origin::Embedded, source, body: text };
        let mut found = Vec::new();
        base_of(&text);
        if let Some(table) = parse(&text, &mut found) {
            let machine = schema::machine("t", Section::new("", vec![top(&table, source)]), &mut found);
            proptest::prop_assert_eq!(machine.is_none(), has_errors(&found));
        }
    }
}
