//! A block printed well is clean; every fault that is planted is seen.

use super::*;
use shop_cam::Speed;
use shop_cam::canon::Role;
use shop_geom::planar::PER_MM;

/// A box in grid units.
struct Block(Vec<[[i32; 3]; 3]>);

impl Block {
    fn new(low: [f64; 3], high: [f64; 3]) -> Block {
        let at = |i: usize| -> [i32; 3] {
            std::array::from_fn(|k| ((if i >> k & 1 == 1 { high[k] } else { low[k] }) * PER_MM) as i32)
        };
        let quads = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
        let halves = |q: [usize; 4]| [[q[0], q[1], q[2]], [q[0], q[2], q[3]]];
        Block(quads.into_iter().flat_map(halves).map(|t| t.map(at)).collect())
    }
}

impl Triangles for Block {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn corners(&self, i: usize) -> [[i32; 3]; 3] {
        self.0[i]
    }
}

const LAYERS: usize = 10;
const HEIGHT: f64 = 0.2;
const PITCH: f64 = 0.4;

/// A layer filled with lines from side to side, inside `low` to `high`.
fn layer(number: usize, low: [f64; 2], high: [f64; 2]) -> Section {
    let mut section = Section::new(Role::Unknown, "");
    let z = HEIGHT * (number + 1) as f64;
    section.commands.push(Command::Feature("Solid infill".into()));
    section.commands.push(Command::Feed(Speed::from_mm_per_s(50.0)));
    let half = 0.5 * PITCH;
    let mut y = low[1] + half;
    while y < high[1] {
        let e = PITCH * HEIGHT * (high[0] - low[0] - PITCH) / 2.4;
        section.commands.push(Command::Line { to: [low[0] + half, y, z] });
        section.commands.push(Command::Extrude { to: [high[0] - half, y, z], e });
        y += PITCH;
    }
    section
}

fn claims() -> Claims {
    Claims {
        filament_mm2: 2.4,
        walls_mm: 0.86,
        top: true,
        bottom: usize::MAX,
        narrow_mm: 0.0,
        closing_mm: 0.0,
        gap_layers: 0,
        most_flow: 10.0,
        fill: Some(1.0),
    }
}

fn judged(sections: &[Section]) -> (LayerFigures, Vec<&'static str>) {
    let block = Block::new([10.0, 10.0, 0.0], [30.0, 20.0, 2.0]);
    let level = |i: usize| Level {
        plane: ((i as f64 + 0.5) * HEIGHT * PER_MM) as i32,
        height: HEIGHT,
        sparse: HEIGHT,
        moved: [0.0; 2],
    };
    let shapes = vec![Shape::new(&block, true, vec![[0, 0]], HEIGHT)];
    let levels = (0..LAYERS).map(level).collect();
    let layers = Layers::new(shapes, levels, claims(), [10.0, 10.0], [30.0, 20.0]);
    let mut judge = Judge::new(&layers);
    // Drawn backwards, judged in order.
    let mut looks: Vec<Look> =
        sections.iter().enumerate().rev().map(|(i, s)| layers.look(i, s, None)).collect();
    while let Some(look) = looks.pop() {
        judge.take(look);
    }
    let figures = judge.finish();
    let codes = figures.diagnostics(&claims()).iter().map(|d| d.code).collect();
    (figures, codes)
}

fn good() -> Vec<Section> {
    (0..LAYERS).map(|i| layer(i, [10.0, 10.0], [30.0, 20.0])).collect()
}

#[test]
fn a_good_print_is_clean() {
    let (f, codes) = judged(&good());
    assert_eq!(codes, [""; 0], "{f:?}");
    assert_eq!((f.outside_mm2, f.bare_mm2, f.midair_mm2, f.missing), (0.0, 0.0, 0.0, 0));
    assert!((f.section_mm2 - 200.0 * LAYERS as f64).abs() < 1.0, "{}", f.section_mm2);
    assert!((f.flow - PITCH * HEIGHT * 50.0 * 19.6 / 19.6).abs() < 0.01, "{}", f.flow);
}

#[test]
fn planted_faults_are_seen() {
    let mut gone = good();
    gone[4].commands.clear();
    assert!(judged(&gone).1.contains(&"proof/layers-missing"));
    let short = good()[..7].to_vec();
    assert!(judged(&short).1.contains(&"proof/layers-missing"));
    let mut shifted = good();
    shifted[5] = layer(5, [10.5, 10.0], [30.5, 20.0]);
    let (f, codes) = judged(&shifted);
    assert!(codes.contains(&"proof/print-outside"), "{f:?}");
    assert_eq!(f.outside_worst.1, 5);
    let mut stray = good();
    stray[7].commands.push(Command::Line { to: [80.0, 50.0, 1.6] });
    stray[7].commands.push(Command::Extrude { to: [100.0, 50.0, 1.6], e: PITCH * HEIGHT * 20.0 / 2.4 });
    let (f, codes) = judged(&stray);
    assert!(codes.contains(&"proof/print-outside"), "{f:?}");
    assert!((f.outside_mm2 - 20.0 * (PITCH + HEIGHT * (1.0 - std::f64::consts::FRAC_PI_4))).abs() < 1e-6);
    let mut bare = good();
    bare[9] = layer(9, [10.0, 10.0], [30.0, 14.0]);
    assert!(judged(&bare).1.contains(&"proof/print-bare"));
    let mut thin = good();
    for command in thin.iter_mut().flat_map(|s| &mut s.commands) {
        if let Command::Extrude { e, .. } = command {
            *e *= 0.85;
        }
    }
    assert_eq!(judged(&thin).1, ["proof/print-fill"]);
    let mut fast = good();
    fast[3].commands[1] = Command::Feed(Speed::from_mm_per_s(200.0));
    assert_eq!(judged(&fast).1, ["proof/print-flow"]);
}

/// A table printed: a leg in the middle, a top twice as wide from layer 5 on, and whatever `more` lays beside the leg.
fn table(claims: Claims, more: impl Fn(usize) -> Option<Section>) -> LayerFigures {
    let (leg, top) =
        (Block::new([18.0, 13.0, 0.0], [22.0, 17.0, 1.0]), Block::new([10.0, 10.0, 1.0], [30.0, 20.0, 2.0]));
    let shapes = [&leg, &top].map(|b| Shape::new(b, true, vec![[0, 0]], HEIGHT)).into_iter().collect();
    let level = |i: usize| Level {
        plane: ((i as f64 + 0.5) * HEIGHT * PER_MM) as i32,
        height: HEIGHT,
        sparse: HEIGHT,
        moved: [0.0; 2],
    };
    let layers = Layers::new(shapes, (0..LAYERS).map(level).collect(), claims, [10.0, 10.0], [30.0, 20.0]);
    let mut judge = Judge::new(&layers);
    for i in 0..LAYERS {
        let mut section =
            if i < 5 { layer(i, [18.0, 13.0], [22.0, 17.0]) } else { layer(i, [10.0, 10.0], [30.0, 20.0]) };
        section.commands.extend(more(i).into_iter().flat_map(|s| s.commands));
        judge.take(layers.look(i, &section, None));
    }
    judge.finish()
}

#[test]
fn what_stands_on_nothing_is_on_air() {
    let f = table(claims(), |_| None);
    // 200 mm2 of top, held by 4 mm by 4 mm and 0.3 mm around it.
    assert!((f.midair_mm2 - (200.0 - 4.6 * 4.6)).abs() < 2.0, "{}", f.midair_mm2);
    assert_eq!(f.midair_worst.1, 5);
    assert_eq!(f.diagnostics(&claims()).iter().map(|d| d.code).collect::<Vec<_>>(), ["proof/print-on-air"]);
}

#[test]
fn supports_hold_over_as_much_air_as_they_are_to_leave_and_no_more() {
    let props = |last: usize| {
        move |i: usize| {
            let mut section = layer(i, [10.0, 10.0], [30.0, 20.0]);
            section.commands[0] = Command::Feature("Support material".into());
            (i <= last).then_some(section)
        }
    };
    for gap_layers in 0..3 {
        let claims = Claims { gap_layers, ..claims() };
        assert_eq!(table(claims.clone(), props(4 - gap_layers)).midair_mm2, 0.0, "{gap_layers}");
        assert!(table(claims, props(3 - gap_layers)).midair_mm2 > 100.0, "{gap_layers}");
    }
}

#[test]
fn what_lies_beyond_the_raster_is_outside() {
    let (clean, _) = judged(&good());
    for far in [0.0, 5.0, 1000.0] {
        let mut stray = good();
        let z = HEIGHT * 4.0;
        let e = 20.0 * PITCH * HEIGHT / 2.4;
        stray[3].commands.push(Command::Line { to: [60.0 + far, 5.0, z] });
        stray[3].commands.push(Command::Extrude { to: [60.0 + far, 25.0, z], e });
        let (f, codes) = judged(&stray);
        assert_eq!(codes, ["proof/print-outside"], "{far}");
        let more = f.road_mm2 - clean.road_mm2;
        assert!((f.outside_mm2 - more).abs() < 1e-9, "{far}: {} of {more}", f.outside_mm2);
    }
    // Half of a road that leaves the raster is in it, and seen there.
    let mut half = good();
    let y = 15.0;
    half[3].commands.push(Command::Line { to: [30.0, y, HEIGHT * 4.0] });
    half[3].commands.push(Command::Extrude { to: [50.0, y, HEIGHT * 4.0], e: 20.0 * PITCH * HEIGHT / 2.4 });
    let (f, _) = judged(&half);
    assert!((f.outside_mm2 - 20.0 * 0.443).abs() < 0.3, "{}", f.outside_mm2);
}

#[test]
fn supports_in_the_part_are_seen() {
    let clash = |feature: &str, low: [f64; 2], high: [f64; 2]| {
        let mut sections = good();
        let mut more = layer(2, low, high);
        more.commands[0] = Command::Feature(feature.into());
        sections[2].commands.extend(more.commands);
        judged(&sections)
    };
    for feature in ["Support material", "Support material interface", "Wipe tower", "Skirt/Brim"] {
        let (f, codes) = clash(feature, [12.0, 12.0], [16.0, 16.0]);
        assert_eq!(codes, ["proof/print-clash"], "{feature}");
        assert!((f.clash_mm2 - 16.0).abs() < 1.0, "{}", f.clash_mm2);
        assert_eq!(f.clash_worst.1, 2);
    }
    assert_eq!(clash("Support material", [30.2, 12.0], [31.8, 16.0]).0.clash_mm2, 0.0, "beside it");
    assert_eq!(clash("Ironing", [12.0, 12.0], [16.0, 16.0]).0.clash_mm2, 0.0, "over it");
}

#[test]
fn figures_of_walks_add_up() {
    let mut bad = good();
    bad[5] = layer(5, [10.5, 10.0], [30.5, 20.0]);
    let (clean, fault) = (judged(&good()).0, judged(&bad).0);
    let mut sum = clean.clone();
    sum.add(&fault);
    assert_eq!(sum.layers, 2 * LAYERS);
    assert_eq!(sum.outside_worst, (fault.outside_worst.0, LAYERS + 5));
    assert_eq!(sum.road_mm2, clean.road_mm2 + fault.road_mm2);
    // Who complains of a walk names the layer as the whole print counts it.
    let told = fault.after(LAYERS).diagnostics(&claims());
    assert!(told.iter().any(|d| d.message.ends_with(&format!("in layer {}", LAYERS + 6))), "{told:?}");
}

#[test]
fn copies_and_holes_count() {
    let block = Block::new([10.0, 10.0, 0.0], [14.0, 14.0, 2.0]);
    let hole = Block::new([11.0, 11.0, -1.0], [13.0, 13.0, 3.0]);
    let far = (10.0 * PER_MM) as i32;
    let shapes = vec![
        Shape::new(&block, true, vec![[0, 0], [far, 0]], HEIGHT),
        Shape::new(&hole, false, vec![[0, 0]], HEIGHT),
    ];
    let level = Level { plane: 5000, height: HEIGHT, sparse: HEIGHT, moved: [0.0; 2] };
    let layers = Layers::new(shapes, vec![level], claims(), [10.0, 10.0], [24.0, 14.0]);
    let look = layers.look(0, &Section::new(Role::Unknown, ""), None);
    let area = layers.grid.area(look.section.count());
    assert!((area - (16.0 - 4.0 + 16.0)).abs() < 0.5, "{area}");
}
