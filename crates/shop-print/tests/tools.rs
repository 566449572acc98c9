//! What must hold where several tools work: each lays what it is to lay, and what it pushes away to be clean is accounted.

use shop_cam::canon::Command;
use shop_geom::mesh::{Mesh, Point3};
use shop_print::model::{Changes, Model, Object};
use shop_print::settings::{OwnTool, Settings};
use shop_print::{Print, Summary};

const FILAMENT_MM: f64 = 1.75;
const SECTION: f64 = std::f64::consts::FRAC_PI_4 * FILAMENT_MM * FILAMENT_MM;

fn block(low: [f64; 3], high: [f64; 3]) -> Mesh {
    let mut mesh = Mesh::default();
    for i in 0..8 {
        let pick = |k: usize| if i >> k & 1 == 0 { low[k] } else { high[k] };
        mesh.points.push(Point3::new(pick(0), pick(1), pick(2)));
    }
    for [a, b, c, d] in [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]] {
        mesh.triangles.extend([[a, b, c], [a, c, d]]);
    }
    mesh
}

/// A leg with a plate on it.
fn table() -> Mesh {
    let mut mesh = block([-4.0, -4.0, 0.0], [4.0, 4.0, 5.0]);
    mesh.append(&block([-12.0, -12.0, 5.0], [12.0, 12.0, 8.0]));
    mesh
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

/// A road's piece: the tool that laid it, its kind, its material in mm³, and the x at which it ends.
type Piece = (u32, String, f64, f64);

fn laid(print: &Print) -> (Vec<Vec<Piece>>, Summary) {
    let (mut tool, mut kind) = (0, String::new());
    let mut out = Vec::new();
    let summary = print.run(
        |s| s.section.commands.clone(),
        |commands| {
            let mut layer = Vec::new();
            for c in commands {
                match c {
                    Command::ToolChange { number } => tool = number,
                    Command::Feature(name) => kind = name.to_string(),
                    Command::Extrude { to, e } if e > 0.0 => {
                        layer.push((tool, kind.clone(), e * SECTION, to[0]));
                    }
                    _ => {}
                }
            }
            out.push(layer);
            true
        },
    );
    (out, summary.expect("nobody stopped it"))
}

fn one(mesh: Mesh, settings: Settings) -> Print {
    Print::new(mesh, settings, FILAMENT_MM)
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
    let print = one(table(), all);
    assert_eq!(print.job.tools.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let (layers, _) = laid(&print);
    let mut seen = Vec::new();
    for (tool, kind, ..) in layers.iter().flatten() {
        let wanted = match kind.as_str() {
            "External perimeter" | "Perimeter" | "Gap fill" => 1,
            "Internal infill" => 2,
            "Support material" => 3,
            "Support material interface" => 4,
            "Wipe tower" => continue,
            _ => 0,
        };
        assert_eq!(*tool, wanted, "{kind}");
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
        let (layers, _) = laid(&one(table(), settings));
        let mut kinds: Vec<(String, f64)> = Vec::new();
        for (_, kind, volume, _) in layers.into_iter().flatten() {
            match kinds.iter_mut().find(|k| k.0 == kind) {
                Some(k) => k.1 += volume,
                None => kinds.push((kind, volume)),
            }
        }
        kinds.sort_by(|a, b| a.0.cmp(&b.0));
        kinds
    };
    let apart = Settings { infill_tool: OwnTool(Some(1)), support_tool: OwnTool(Some(1)), ..plain.clone() };
    for (a, b) in sum(plain).iter().zip(sum(apart)) {
        assert!(a.0 == b.0 && (a.1 - b.1).abs() < 1e-6 * a.1, "{a:?} {b:?}");
    }
}

#[test]
fn the_tower_is_only_as_high_as_there_are_changes() {
    let one_tool = one(table(), settings());
    assert!(laid(&one_tool).0.iter().flatten().all(|p| p.1 != "Wipe tower"));
    // A tool for supports where nothing is held is no tool of the print.
    let mesh = block([0.0; 3], [10.0, 10.0, 3.0]);
    let none = Settings { supports: true, support_tool: OwnTool(Some(1)), ..settings() };
    assert_eq!(one(mesh, none).job.tools.len(), 1);
    // Supports end under the plate, and so does the tower.
    let with = Settings { supports: true, support_tool: OwnTool(Some(1)), ..settings() };
    let (layers, _) = laid(&one(table(), with));
    let tall = layers.iter().rposition(|l| l.iter().any(|p| p.1 == "Wipe tower")).expect("a tower");
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
        let mut changes = Changes::default();
        for (key, text) in pairs {
            changes.add(key, text).expect("a setting");
        }
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
    Print::of(Model { settings, objects, ..Model::default() }, FILAMENT_MM)
}

#[test]
fn what_is_purged_is_accounted() {
    let (mut towers, mut parts) = (Vec::new(), Vec::new());
    for (infill, whole) in [(false, false), (true, false), (false, true), (true, true)] {
        let print = blocks(infill, whole);
        let third = print.copies[2].bounds[0][0] - 1.0..print.copies[2].bounds[1][0] + 1.0;
        let (layers, summary) = laid(&print);
        let is_tower = |p: &&Piece| p.1 == "Wipe tower";
        let tower: f64 = layers.iter().flatten().filter(is_tower).map(|p| p.2).sum();
        assert!((tower - summary.used.tower_mm3).abs() < 1e-6 * tower, "{tower} {:?}", summary.used);
        let part: f64 = layers.iter().flatten().filter(|p| !is_tower(p)).map(|p| p.2).sum();
        parts.push(part);
        // What comes right after a tool came, where it is not seen: no change is purged too little.
        let (mut before, mut changes) = (None, 0);
        for (i, layer) in layers.iter().enumerate() {
            for run in layer.chunk_by(|a, b| a.0 == b.0) {
                let changed = before.is_some_and(|tool| tool != run[0].0);
                before = Some(run[0].0);
                changes += u32::from(changed);
                let hides = |p: &Piece| {
                    let of_third = third.contains(&p.3);
                    p.1 == "Wipe tower"
                        || whole && of_third
                        || infill && !of_third && p.1 == "Internal infill"
                };
                let clean: f64 = run.iter().take_while(|p| hides(p)).map(|p| p.2).sum();
                let wanted = settings().purge_mm3 - 1e-6;
                assert!(!changed || clean >= wanted, "layer {i}: {clean} mm³, {infill} {whole}");
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
fn any_number_of_threads_gives_the_same() {
    let print = blocks(true, true);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| laid(&print).0)
    };
    assert_eq!(run(1), run(5));
}
