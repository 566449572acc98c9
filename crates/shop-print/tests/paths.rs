//! What must hold for the way of the nozzle: filament that is pulled back comes again, seams lose nothing, slow layers keep
//! what is seen as it is.

use crate::common::{
    self, SECTION, Step, changes, distance, loft, on, only, print_all, print_of, runs, spoken, steps,
    together,
};
use shop_cam::canon::Command;
use shop_geom::mesh::{Mesh, Transform};
use shop_print::Print;
use shop_print::model::Object;
use shop_print::settings::{Seam, Settings};
use shop_print::speak::{Used, epilogue, prologue};

/// Two round posts beside one another, on a plate.
fn posts() -> Mesh {
    let round = |x: f64, radius: f64, low: f64, high: f64| {
        loft(90, 0.0, &[([x, 0.0, low], radius), ([x, 0.0, high], radius)])
    };
    together([round(0.0, 9.0, 0.0, 1.0), round(-5.0, 3.0, 0.5, 8.0), round(5.0, 3.0, 0.5, 8.0)])
}

fn commands(settings: Settings) -> Vec<Vec<Command>> {
    common::commands(&print_of(posts(), settings))
}

/// The whole way of the nozzle.
fn way(settings: Settings) -> Vec<Step> {
    steps(&commands(settings)).concat()
}

fn filament(settings: Settings) -> f64 {
    common::filament(way(settings).iter().filter(|s| s.length() > 0.0))
}

fn used(settings: Settings) -> Used {
    spoken(&print_of(posts(), settings), 2).1.used
}

fn plain() -> Settings {
    Settings { least_layer_s: 0.0, comb: false, ..Settings::default() }
}

#[test]
fn what_is_pulled_back_comes_again_wiped_or_not() {
    for (wipe_mm, retract_before_wipe_percent, firmware) in
        [(0.0, 0.0, false), (3.0, 0.0, false), (3.0, 40.0, false), (3.0, 0.0, true)]
    {
        let s = Settings { wipe_mm, retract_before_wipe_percent, firmware_retract: firmware, ..plain() };
        let pulled = s.retract_mm;
        let layers = commands(s);
        let (mut held, mut deepest) = (0.0f64, 0.0f64);
        for step in steps(&layers).iter().flatten() {
            if step.is_laid() {
                assert!(held.abs() < 1e-9, "a road is laid with {held} mm pulled back");
            } else {
                held += step.e;
                deepest = deepest.min(held);
            }
        }
        let wanted = if firmware { 0.0 } else { -pulled };
        assert!((deepest - wanted).abs() < 1e-9, "{deepest}");
        let count = |recover: bool| {
            let like = |c: &&Command| matches!(c, Command::FirmwareRetract { recover: r } if *r == recover);
            layers.iter().flatten().filter(like).count()
        };
        assert_eq!(count(true), count(false));
        assert_eq!(count(true) > 0, firmware);
    }
}

#[test]
fn wiping_goes_along_the_road_that_was_laid() {
    let all = way(Settings { wipe_mm: 2.0, ..plain() });
    let mut wiped = 0.0;
    for s in all.iter().filter(|s| s.e < 0.0 && s.length() > 0.0) {
        wiped += s.length();
        let z = 0.5 * (s.from[2] + s.to[2]);
        let roads = all.iter().filter(|r| r.is_laid() && (r.to[2] - z).abs() < 1e-9);
        assert!(distance(on(s.piece(), 0.5), roads.map(Step::piece)) < 1e-3, "{s:?}");
    }
    assert!(wiped > 50.0, "{wiped}");
}

#[test]
fn a_scarf_rises_within_its_layer_and_holds_as_much_plastic() {
    let abrupt = filament(plain());
    let scarf = filament(Settings { scarf_mm: 5.0, ..plain() });
    assert!((scarf / abrupt - 1.0).abs() < 5e-3, "{scarf} {abrupt}");
    let layers = steps(&commands(Settings { scarf_mm: 5.0, ..plain() }));
    for (i, layer) in layers.iter().enumerate().skip(1) {
        let (low, high) = (0.2 * i as f64, 0.2 * (i + 1) as f64);
        let heights: Vec<f64> =
            layer.iter().filter(|s| s.kind == "External perimeter" && s.e > 0.0).map(|s| s.to[2]).collect();
        assert!(heights.iter().all(|z| (low..high + 1e-9).contains(z)));
        assert!(heights.iter().any(|z| *z < high - 0.05));
    }
}

#[test]
fn coasting_pushes_less_before_retractions_only() {
    let retractions = used(plain()).retractions;
    let full = filament(plain());
    let coasted = filament(Settings { coast_mm3: 0.05, ..plain() });
    let saved = (full - coasted) * SECTION;
    // The way to the next layer retracts too, but no road of the layer is known to come after it.
    let most = 0.05 * f64::from(retractions);
    assert!(saved > 0.4 * most && saved < most + 1e-6, "{saved} {most}");
}

#[test]
fn walls_end_before_their_seam_by_the_gap() {
    for (gap, kind) in [(0.0, "External perimeter"), (0.3, "External perimeter"), (0.3, "Perimeter")] {
        let all = way(Settings { seam_gap_mm: gap, ..plain() });
        for run in runs(&all) {
            let (first, last) = (&run[0], &run[run.len() - 1]);
            if last.kind == kind {
                let far = (last.to[0] - first.from[0]).hypot(last.to[1] - first.from[1]);
                assert!((far - gap).abs() < 0.01, "{far} {gap}");
            }
        }
    }
}

#[test]
fn seen_walls_are_slowed_last() {
    let slowest = |s: Settings, kind: &str| {
        let at = |s: &Step| s.kind == kind && s.is_laid() && s.to[2] > 4.0;
        way(s).into_iter().filter(at).map(|s| s.speed).fold(f64::INFINITY, f64::min)
    };
    let with = |least_layer_s: f64, last: bool| Settings {
        least_layer_s,
        slow_outer_walls_last: last,
        slowest_mm_per_s: 1.0,
        ..plain()
    };
    let free = slowest(with(0.0, true), "External perimeter");
    assert_eq!(slowest(with(6.0, true), "External perimeter"), free);
    assert!(slowest(with(6.0, false), "External perimeter") < 0.99 * free);
    assert!(slowest(with(6.0, true), "Perimeter") < slowest(with(6.0, false), "Perimeter"));
    assert!(slowest(with(60.0, true), "External perimeter") < 0.9 * free);
}

#[test]
fn the_fan_turns_up_where_layers_are_done_soon() {
    let fan = |s: Settings| {
        let mut last = 0.0;
        for c in commands(s).iter().flatten() {
            if let Command::Fan { fraction, .. } = c {
                last = *fraction;
            }
        }
        last
    };
    let with = |fan_from_s: f64| Settings {
        fan_percent: 80.0,
        fan_least_percent: 30.0,
        fan_from_s,
        least_layer_s: 1.0,
        ..plain()
    };
    assert!((fan(with(1.5)) - 0.3).abs() < 1e-9);
    let some = fan(with(20.0));
    assert!(some > 0.35 && some < 0.8, "{some}");
    assert!((fan(plain()) - 1.0).abs() < 1e-9);
}

#[test]
fn random_seams_are_elsewhere_in_every_layer_and_the_same_in_every_run() {
    let begins = || {
        let all = way(Settings { seam: Seam::Random, ..plain() });
        let firsts = runs(&all).map(|run| &run[0]).filter(|s| s.kind == "External perimeter");
        firsts.map(|s| [0, 1].map(|i| (s.from[i] * 100.0).round() as i64)).collect::<Vec<_>>()
    };
    let spots = begins();
    assert_eq!(spots, begins());
    let mut different = spots.clone();
    different.sort_unstable();
    different.dedup();
    // Two posts of forty corners, drawn forty times each.
    assert!(different.len() > 45, "{} of {}", different.len(), spots.len());
}

#[test]
fn accelerations_follow_the_kind_of_road() {
    let s = Settings {
        acceleration_mm_per_s2: 3000.0,
        outer_wall_acceleration_mm_per_s2: 1000.0,
        pressure_advance_s: 0.04,
        ..plain()
    };
    let print = print_of(posts(), s.clone());
    let limits = |c: &Command| match c {
        Command::Limits(l) => Some(**l),
        _ => None,
    };
    let first: Vec<_> = prologue(&print.job).commands.iter().filter_map(limits).collect();
    assert_eq!(first.iter().map(|l| l.pressure_advance).collect::<Vec<_>>(), [Some(0.04)]);
    // What one layer leaves in force holds for the next.
    let mut acceleration = None;
    for layer in commands(s) {
        let mut kind = String::new();
        for c in &layer {
            match c {
                Command::Limits(l) => acceleration = l.acceleration.or(acceleration),
                Command::Feature(name) => kind = name.to_string(),
                Command::Extrude { .. } => {
                    let wanted = if kind == "External perimeter" { 1000.0 } else { 3000.0 };
                    assert_eq!(acceleration, Some(wanted), "{kind}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn combing_pulls_back_less_and_loses_nothing() {
    let (straight, inside) = (used(plain()), used(Settings { comb: true, ..plain() }));
    assert!(inside.retractions < straight.retractions, "{} {}", inside.retractions, straight.retractions);
    assert!((inside.filament_mm - straight.filament_mm).abs() < 1e-6);
    assert!(inside.travel_mm < 1.3 * straight.travel_mm);
}

/// Lines that are passed on as they stand, layer by layer.
fn lines(layers: &[Vec<Command>]) -> Vec<Vec<String>> {
    let line = |c: &Command| match c {
        Command::Verbatim(t) | Command::Native(t) => Some(t.to_string()),
        Command::Pause { .. } => Some("pause".to_owned()),
        Command::FilamentChange => Some("colour".to_owned()),
        Command::Temperature { target_c, .. } => Some(format!("heat {target_c}")),
        _ => None,
    };
    layers.iter().map(|l| l.iter().filter_map(line).collect()).collect()
}

#[test]
fn texts_and_deeds_come_where_they_are_wanted() {
    let mut s = plain();
    s.set("before_layer_gcode", "; before {layer} of {layers}").expect("sound");
    s.set("layer_gcode", "{if layer % 2 == 0}M117 {layer_z}{endif}").expect("sound");
    s.set("at_heights", "1 pause; 1.1 colour; 2 hotend 199; 3 fan 50").expect("sound");
    s.set("start_gcode", "START BED={bed_c}").expect("sound");
    s.set("end_gcode", "END {layer}").expect("sound");
    assert!(s.set("layer_gcode", "{nonsense}").is_err());
    let print = print_of(posts(), s.clone());
    let start = lines(&[prologue(&print.job).commands]);
    assert_eq!(start[0].last().map(String::as_str), Some("START BED=60"));
    assert_eq!(lines(&[epilogue(&print.job).commands])[0], ["END 40"]);
    let layers = commands(s);
    let said = lines(&layers);
    assert_eq!(said.len(), 40);
    for (i, lines) in said.iter().enumerate() {
        assert_eq!(lines[0], format!("; before {} of 40", i + 1));
        let top = 0.2 * (i + 1) as f64;
        let has = |what: &str| lines.iter().any(|l| l == what);
        assert_eq!(lines.iter().any(|l| l.starts_with("M117 ")), i % 2 == 1);
        assert_eq!(has(&format!("M117 {}", (top * 1e6).round() / 1e6)), i % 2 == 1, "{lines:?}");
        // The first layer whose top is above the height.
        assert_eq!((has("pause"), has("colour"), has("heat 199")), (i == 5, i == 5, i == 10), "{i}");
    }
    let mut fan = layers.iter().flatten().filter_map(|c| match c {
        Command::Fan { fraction, .. } => Some(*fraction),
        _ => None,
    });
    assert_eq!(fan.next_back(), Some(0.5));
}

#[test]
fn every_road_of_an_object_lies_between_its_labels_and_so_does_the_way_to_it() {
    for labels in ["exclude-object", "m486", "m486-named", "firmware", "octoprint", "off"] {
        let mut settings = Settings { skirt_loops: 1, ..plain() };
        settings.set("labels", labels).expect("sound");
        let places = vec![[0.0, 0.0], [30.0, 0.0]];
        let object = Object { name: "Two posts".to_owned(), places, ..Object::of(posts()) };
        let print = print_all(vec![object], settings);
        let all = common::commands(&print);
        let (mut open, mut seen, mut kind): (Option<String>, [usize; 2], String) =
            (None, [0; 2], String::new());
        let (head, body): (Vec<&Command>, Vec<&Command>) = {
            let all: Vec<&Command> = all.iter().flatten().collect();
            let first = all.iter().position(|c| matches!(c, Command::Layer { .. })).expect("a layer");
            (all[..first].to_vec(), all[first..].to_vec())
        };
        let head: Vec<String> = head
            .iter()
            .filter_map(|c| if let Command::Native(t) = c { Some(t.to_string()) } else { None })
            .collect();
        let wanted: &[&str] = match labels {
            "exclude-object" => &["NAME=Two_posts_copy_1_id_0 ", "NAME=Two_posts_copy_2_id_1 "],
            "m486-named" => &[
                "M486 T2",
                "M486 S0 A\"Two_posts_copy_1_id_0\"",
                "M486 S1 A\"Two_posts_copy_2_id_1\"",
                "M486 S-1",
            ],
            "m486" | "firmware" => &[
                "M486 T2",
                "M486 S0",
                "M486 Atwo_posts_copy_1_id_0",
                "M486 S1",
                "M486 Atwo_posts_copy_2_id_1",
                "M486 S-1",
            ],
            _ => &[],
        };
        assert_eq!(head.len(), wanted.len(), "{head:?}");
        assert!(head.iter().zip(wanted).all(|(told, part)| told.contains(part)), "{head:?}");
        for c in body {
            match c {
                Command::Feature(name) => kind = name.to_string(),
                Command::Native(t) if t.contains("END") || t.ends_with("S-1") || t.contains("; stop") => {
                    assert!(open.take().is_some());
                }
                Command::Native(t)
                    if t.contains("EXCLUDE") || t.contains("M486") || t.contains("; printing") =>
                {
                    assert!(open.replace(t.to_string()).is_none());
                }
                Command::Extrude { to, e } if *e > 0.0 && kind != "Skirt/Brim" && labels != "off" => {
                    let text = open.as_deref().expect("a road is somebody's");
                    let copy = usize::from(to[0] > print.job.settings.center_x_mm);
                    let m486 = labels.starts_with("m486") || labels == "firmware";
                    let wanted = if m486 { format!("S{copy}") } else { format!("_id_{copy}") };
                    assert!(text.ends_with(&wanted), "{text} {wanted}");
                    seen[copy] += 1;
                }
                Command::Extrude { .. } if kind == "Skirt/Brim" => assert_eq!(open, None),
                _ => {}
            }
        }
        assert_eq!(open, None);
        assert!(labels == "off" || seen.iter().all(|n| *n > 100));
    }
}

#[test]
fn a_wall_that_winds_lays_nothing_on_the_way_in_from_a_much_larger_layer() {
    // Each layer is 0.8 mm smaller than the one below.
    let cone = loft(48, 0.0, &[([0.0; 3], 15.0), ([0.0, 0.0, 3.0], 3.0)]);
    let settings = Settings { vase: true, bottom_layers: 1, ..plain() };
    let [x, y] = [settings.center_x_mm, settings.center_y_mm];
    let layers = only(steps(&common::commands(&print_of(cone, settings))), Step::is_laid);
    for (i, layer) in layers.iter().enumerate().skip(2) {
        let radius = 15.0 - 4.0 * 0.2 * (i as f64 + 0.5);
        let ends = layer.iter().flat_map(|s| [s.from, s.to]);
        let far = ends.map(|p| (p[0] - x).hypot(p[1] - y)).fold(0.0, f64::max);
        assert!(far < radius, "{i}: {far} {radius}");
    }
}

#[test]
fn what_is_in_force_is_said_once_and_again_where_nobody_knows() {
    let cone = || loft(24, 0.0, &[([0.0; 3], 12.0), ([0.0, 0.0, 6.0], 2.0)]);
    let told = |at_heights: &str| {
        let mut settings = Settings {
            acceleration_mm_per_s2: 1000.0,
            outer_wall_acceleration_mm_per_s2: 500.0,
            jerk_mm_per_s: 8.0,
            fan_least_percent: 20.0,
            ..plain()
        };
        settings.set("at_heights", at_heights).expect("sound");
        let layers = common::commands(&print_of(cone(), settings));
        let (mut fan, mut limits) = (None, [None; 2]);
        let mut again = Vec::new();
        for (i, layer) in layers.iter().enumerate() {
            for c in layer {
                match c {
                    Command::Fan { fraction, .. } => {
                        // Steps that a firmware tells apart.
                        assert!((255.0 * fraction - (255.0 * fraction).round()).abs() < 1e-9);
                        if fan.replace(*fraction) == Some(*fraction) {
                            again.push((i, "fan"));
                        }
                    }
                    Command::Limits(l) => {
                        let new = [l.acceleration, l.jerk[0]];
                        assert!(new.iter().any(Option::is_some));
                        for (old, new) in limits.iter_mut().zip(new) {
                            if new.is_some() && std::mem::replace(old, new) == new {
                                again.push((i, "limits"));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        assert!(fan.is_some_and(|f| f > 0.9) && limits.iter().all(Option::is_some));
        again
    };
    assert_eq!(told(""), []);
    for act in ["pause", "colour", "write M117 there"] {
        let again = told(&format!("2 {act}"));
        assert_eq!(again.iter().map(|a| a.0).collect::<Vec<_>>(), vec![10; again.len()], "{act}");
        assert!(again.iter().any(|a| a.1 == "limits"), "{act}");
    }
}

#[test]
fn objects_one_after_another_are_whole_and_passed_over_above_their_tops() {
    let model = |apart: f64, gantry_mm: f64| {
        let places = vec![[0.0, 0.0], [apart, 0.0], [2.0 * apart, 0.0]];
        let settings = Settings { sequential: true, gantry_mm, head_radius_mm: 35.0, ..plain() };
        print_all(vec![Object { places, ..Object::of(posts()) }], settings)
    };
    let codes = |p: &Print| p.collisions().iter().map(|d| d.code).collect::<Vec<_>>();
    assert_eq!(codes(&model(60.0, 25.0)), [""; 0]);
    assert_eq!(codes(&model(50.0, 25.0)), ["print/objects-collide"; 2]);
    assert_eq!(codes(&model(60.0, 7.0)), ["print/object-too-tall"; 2]);

    let print = model(60.0, 25.0);
    let (all, summary) = spoken(&print, 2);
    assert_eq!((summary.layers, all.len()), (120, 120));
    let numbers: Vec<u32> = all
        .iter()
        .flatten()
        .filter_map(|c| if let Command::Layer { number } = c { Some(*number) } else { None })
        .collect();
    assert!(numbers.iter().copied().eq(0..120));
    let whose = |x: f64| ((x - print.copies[0].bounds[0][0]) / 60.0).floor() as usize;
    let mut last = 0;
    for s in steps(&all).iter().flatten().filter(|s| s.length() > 0.0) {
        let (from, to) = (whose(s.from[0].max(print.copies[0].bounds[0][0])), whose(s.to[0]));
        if s.e > 0.0 {
            assert!(from == to && to >= last, "{s:?}");
            last = to;
        } else if from != to {
            assert!(s.from[2] > 8.5 && s.to[2] > 8.5, "{s:?}");
        }
    }
    assert_eq!(last, 2);
}

#[test]
fn arcs_push_as_much_filament_in_fewer_moves() {
    let total = |layers: &[Vec<Command>]| {
        let (mut moves, mut arcs, mut e) = (0, 0, 0.0);
        for c in layers.iter().flatten() {
            match c {
                Command::Extrude { e: more, .. } => {
                    moves += 1;
                    e += more;
                }
                Command::Move(m) => {
                    moves += 1;
                    arcs += 1;
                    e += m.e;
                }
                _ => {}
            }
        }
        (moves, arcs, e)
    };
    let lines = total(&commands(plain()));
    let arcs = total(&commands(Settings { arc_tolerance_mm: 0.02, ..plain() }));
    assert_eq!(lines.1, 0);
    assert!(arcs.1 > 100 && 3 * arcs.0 < 2 * lines.0, "{arcs:?} {lines:?}");
    assert!((arcs.2 - lines.2).abs() < 1e-6 * lines.2);
}

#[test]
fn every_road_is_laid_with_its_tool_and_changes_are_purged_into_a_tower() {
    let object = |x: f64, tool: &str, tall: f64| {
        let mut mesh = posts();
        mesh.transform(&Transform::scale(1.0, 1.0, tall));
        Object { changes: changes(&[("tool", tool)]), places: vec![[x, 0.0]], ..Object::of(mesh) }
    };
    let settings = Settings {
        purge_mm3: 40.0,
        tower_x_mm: 100.0,
        tower_y_mm: 140.0,
        tower_width_mm: 20.0,
        skirt_loops: 1,
        ..plain()
    };
    let objects = vec![object(0.0, "1", 1.0), object(30.0, "0", 0.5)];
    let wrong = Settings { tower_x_mm: 110.0, tower_y_mm: 110.0, ..settings.clone() };
    let found = print_all(objects.clone(), wrong).collisions();
    assert!(!found.is_empty() && found.iter().all(|d| d.code == "print/tower-in-the-way"));
    let print = print_all(objects, settings);
    assert_eq!(print.collisions(), []);
    let all = spoken(&print, 1).0;
    assert_eq!(all, spoken(&print, 3).0);
    let (mut tool, mut kind, mut changes) = (None, String::new(), 0);
    let (mut held, mut purged) = (0.0, 0.0);
    for (i, layer) in all.iter().enumerate() {
        let (mut here, mut tower) = (0, 0.0);
        for c in layer {
            match c {
                Command::ToolChange { number } => {
                    assert!(purged >= 40.0 || changes < 2, "{purged}");
                    (changes, here, purged) = (changes + 1, here + 1, 0.0);
                    tool = Some(*number);
                }
                Command::Feature(name) => kind = name.to_string(),
                Command::Filament { e } => held += e,
                Command::Extrude { to, e } if *e > 0.0 => {
                    assert!(held > -1e-9, "{held}");
                    if kind == "Wipe tower" {
                        purged += e * SECTION;
                        tower += e;
                    } else if kind != "Skirt/Brim" {
                        let wanted = u32::from(to[0] < print.copies[0].bounds[1][0] + 1.0);
                        assert_eq!(tool, Some(wanted), "layer {i} {kind}");
                    }
                }
                _ => {}
            }
        }
        // The first tool of all, and then one change in each layer that has both.
        assert_eq!(
            here,
            if i == 0 { 2 } else { usize::from(i < 20 || i == 20 && tool_at(&all[19]) == Some(0)) }
        );
        assert_eq!(tower > 0.0, i < 20, "{i}");
    }
    assert!(changes > 15);
}

fn tool_at(layer: &[Command]) -> Option<u32> {
    layer.iter().rev().find_map(|c| if let Command::ToolChange { number } = c { Some(*number) } else { None })
}

#[test]
fn a_vase_winds_upwards_without_a_seam() {
    let mesh = loft(60, 0.0, &[([0.0; 3], 10.0), ([0.0, 0.0, 10.0], 14.0)]);
    let print = print_of(mesh, Settings { vase: true, bottom_layers: 3, ..plain() });
    let all = steps(&common::commands(&print));
    assert_eq!(all.len(), 50);
    let mut before = 0.6;
    for (i, steps) in all.iter().enumerate().skip(3) {
        let laid: Vec<&Step> = steps.iter().filter(|s| s.is_laid()).collect();
        // The first turn is gone to from the filling of the bottom; no other has a travel or pulls filament back.
        assert!(i == 3 || laid.len() == steps.len(), "{i}");
        for s in laid {
            assert!(s.to[2] >= before - 1e-9 && s.to[2] - before < 0.02, "{i} {s:?} {before}");
            before = s.to[2];
        }
        assert!((before - 0.2 * (i + 1) as f64).abs() < 1e-6);
    }
    // A wall of one road all the way up: its plastic is its length times its section, and the flat end half a turn's.
    let e = common::filament(all[10..40].iter().flatten());
    let wall = 30.0 * std::f64::consts::TAU * (12.0 - 0.225) * 0.2 * print.job.area(5) / 0.2;
    assert!((e * SECTION / wall - 1.0).abs() < 0.02);
}
