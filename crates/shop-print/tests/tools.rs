//! What must hold where several tools work: each lays what it is to lay, and what it pushes away to be clean is accounted.

use crate::common::{
    FILAMENT_MM, SECTION, Step, block, by_kind, changes, filament, only, print_all, print_of, spoken, steps,
    together,
};
use shop_geom::mesh::Mesh;
use shop_print::model::{Changes, Model, Object};
use shop_print::settings::{OwnTool, Settings};
use shop_print::{Print, Summary};

/// A leg with a plate on it.
fn table() -> Mesh {
    together([block([-4.0, -4.0, 0.0], [4.0, 4.0, 5.0]), block([-12.0, -12.0, 5.0], [12.0, 12.0, 8.0])])
}

fn settings() -> Settings {
    Settings {
        layer_height_mm: 0.2,
        first_layer_height_mm: 0.2,
        least_layer_s: 0.0,
        tower_x_mm: 140.0,
        tower_y_mm: 140.0,
        tower_width_mm: 25.0,
        purge_mm3: 30.0,
        ..Settings::default()
    }
}

/// The roads of every layer, and what they came to.
fn laid(print: &Print) -> (Vec<Vec<Step>>, Summary) {
    let (said, summary) = spoken(print, 2);
    (only(steps(&said), Step::is_laid), summary)
}

/// Material, mm³.
fn volume<'a>(steps: impl IntoIterator<Item = &'a Step>) -> f64 {
    filament(steps) * SECTION
}

#[test]
fn kinds_of_roads_have_their_tools() {
    let all = Settings {
        supports: true,
        wall_tool: OwnTool(Some(1)),
        infill_tool: OwnTool(Some(2)),
        support_tool: OwnTool(Some(3)),
        support_interface_tool: OwnTool(Some(4)),
        ..settings()
    };
    let print = print_of(table(), all);
    assert_eq!(print.job.tools.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let (layers, _) = laid(&print);
    let mut seen = Vec::new();
    for Step { tool, kind, .. } in layers.iter().flatten() {
        let wanted = match kind.as_str() {
            "External perimeter" | "Perimeter" | "Gap fill" => 1,
            "Internal infill" => 2,
            "Support material" => 3,
            "Support material interface" => 4,
            "Wipe tower" => continue,
            _ => 0,
        };
        assert_eq!(*tool, Some(wanted), "{kind}");
        if !seen.contains(kind) {
            seen.push(kind.clone());
        }
    }
    assert!(seen.len() >= 6, "{seen:?}");
}

#[test]
fn another_tool_changes_nothing_but_itself() {
    let plain = Settings { supports: true, purge_mm3: 0.0, ..settings() };
    let sum = |settings: Settings| {
        let (layers, _) = laid(&print_of(table(), settings));
        by_kind(&layers)
    };
    let apart = Settings { infill_tool: OwnTool(Some(1)), support_tool: OwnTool(Some(1)), ..plain.clone() };
    for (a, b) in sum(plain).iter().zip(sum(apart)) {
        assert!(*a.0 == b.0 && (a.1 - b.1).abs() < 1e-6 * a.1, "{a:?} {b:?}");
    }
}

#[test]
fn the_tower_is_only_as_high_as_there_are_changes() {
    let one_tool = print_of(table(), settings());
    assert!(laid(&one_tool).0.iter().flatten().all(|p| p.kind != "Wipe tower"));
    // A tool for supports where nothing is held is no tool of the print.
    let mesh = block([0.0; 3], [10.0, 10.0, 3.0]);
    let none = Settings { supports: true, support_tool: OwnTool(Some(1)), ..settings() };
    assert_eq!(print_of(mesh, none).job.tools.len(), 1);
    // Supports end under the plate, and so does the tower.
    let with = Settings { supports: true, support_tool: OwnTool(Some(1)), ..settings() };
    let (layers, _) = laid(&print_of(table(), with));
    let tall = layers.iter().rposition(|l| l.iter().any(|p| p.kind == "Wipe tower")).expect("a tower");
    assert!((20..=25).contains(&tall), "{tall}");
}

#[test]
fn a_tool_lays_with_the_settings_of_its_filament() {
    let mut soluble = Changes::default();
    soluble.add("hotend_c", "190").expect("a setting");
    soluble.add("flow", "1.1").expect("a setting");
    let with = Settings { supports: true, support_tool: OwnTool(Some(1)), ..settings() };
    let model = Model {
        settings: with,
        filaments: vec![Changes::default(), soluble],
        objects: vec![Object::of(table())],
    };
    let print = Print::of(model, FILAMENT_MM);
    let told: Vec<(u32, f64, f64)> = print
        .parts
        .iter()
        .map(|p| (p.job.settings.tool, p.job.settings.hotend_c, p.job.settings.flow))
        .collect();
    assert_eq!(told, [(0, 210.0, 1.0), (1, 190.0, 1.1)]);
}

/// Two blocks, each of its own tool, into whose filling may be purged or not, and a third one that may have any colour.
fn blocks(infill: bool, whole: bool) -> Print {
    let object = |x: f64, pairs: &[(&str, &str)]| {
        let changes = changes(pairs);
        let mesh = block([0.0; 3], [22.0, 22.0, 5.0]);
        Object { changes, places: vec![[x, 0.0]], ..Object::of(mesh) }
    };
    let into = if infill { "true" } else { "false" };
    let any = if whole { "true" } else { "false" };
    let objects = vec![
        object(0.0, &[("tool", "0"), ("purge_into_infill", into)]),
        object(30.0, &[("tool", "1"), ("purge_into_infill", into)]),
        object(60.0, &[("tool", "1"), ("purge_into_object", any)]),
    ];
    let settings = Settings { tower_x_mm: 160.0, ..settings() };
    print_all(objects, settings)
}

#[test]
fn what_is_purged_is_accounted() {
    let (mut towers, mut parts) = (Vec::new(), Vec::new());
    for (infill, whole) in [(false, false), (true, false), (false, true), (true, true)] {
        let print = blocks(infill, whole);
        let third = print.copies[2].bounds[0][0] - 1.0..print.copies[2].bounds[1][0] + 1.0;
        let (layers, summary) = laid(&print);
        let is_tower = |p: &&Step| p.kind == "Wipe tower";
        let tower = volume(layers.iter().flatten().filter(is_tower));
        assert!((tower - summary.used.tower_mm3).abs() < 1e-6 * tower, "{tower} {:?}", summary.used);
        parts.push(volume(layers.iter().flatten().filter(|p| !is_tower(p))));
        // What comes right after a tool came, where it is not seen: no change is purged too little.
        let (mut before, mut changes) = (None, 0);
        for (i, layer) in layers.iter().enumerate() {
            for run in layer.chunk_by(|a, b| a.tool == b.tool) {
                let changed = before.is_some_and(|tool| tool != run[0].tool);
                before = Some(run[0].tool);
                changes += u32::from(changed);
                let hides = |p: &Step| {
                    let of_third = third.contains(&p.to[0]);
                    p.kind == "Wipe tower"
                        || whole && of_third
                        || infill && !of_third && p.kind == "Internal infill"
                };
                let clean = volume(run.iter().take_while(|p| hides(p)));
                let wanted = settings().purge_mm3 - 1e-6;
                assert!(!changed || clean >= wanted, "layer {i}: {clean} mm³, {infill} {whole}");
                // What may have any colour waits for the change, whichever tool comes.
                let waits = run.iter().any(|p| third.contains(&p.to[0]));
                assert!(!changed || !whole || infill || waits, "layer {i}: {infill} {whole}");
            }
        }
        assert!(changes >= 24, "{changes}");
        towers.push(summary.used);
    }
    // However it is purged, the objects have what they have.
    assert!(parts.iter().all(|p| (p - parts[0]).abs() < 1e-6 * parts[0]), "{parts:?}");
    assert_eq!(towers[0].purged_mm3, 0.0);
    for used in &towers[1..] {
        assert!(used.purged_mm3 > 100.0 && used.tower_mm3 < 0.9 * towers[0].tower_mm3, "{used:?}");
    }
}

#[test]
fn where_everything_may_have_any_colour_no_tool_is_changed_and_no_tower_built() {
    let any = |tool: &str, x: f64| {
        let changes = changes(&[("tool", tool), ("purge_into_object", "true")]);
        Object { changes, places: vec![[x, 0.0]], ..Object::of(block([0.0; 3], [15.0, 15.0, 3.0])) }
    };
    let print = print_all(vec![any("0", 0.0), any("1", 30.0)], settings());
    let (layers, _) = laid(&print);
    let mut seen: Vec<_> = layers.iter().flatten().map(|p| (p.tool, p.kind == "Wipe tower")).collect();
    seen.dedup();
    assert_eq!(seen, [(Some(0), false)]);
    assert_eq!(print.collisions().iter().map(|d| d.code).collect::<Vec<_>>(), ["print/any-colour"]);
    let told: Vec<_> = blocks(true, true).collisions().into_iter().map(|d| d.code).collect();
    assert_eq!(told, [""; 0]);
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let print = blocks(true, true);
    assert_eq!(spoken(&print, 1).0, spoken(&print, 5).0);
}
