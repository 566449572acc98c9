//! What must hold for painted surfaces and for places where walls begin: paint counts where it is and nowhere else.

use crate::common::{self, Step, block, commands, print_all, print_of, roads_of, runs, steps, together};
use shop_geom::mesh::{Mesh, Point3};
use shop_print::Print;
use shop_print::model::{Effect, Modifier, Object, Place};
use shop_print::settings::{Pattern, Seam, Settings, SupportStyle};

/// A flat piece of surface.
fn quad(corners: [[f64; 3]; 4]) -> Mesh {
    Mesh { points: corners.map(Point3::from).to_vec(), triangles: vec![[0, 1, 2], [0, 2, 3]] }
}

fn settings() -> Settings {
    Settings {
        layer_height_mm: 0.2,
        first_layer_height_mm: 0.2,
        center_x_mm: 0.0,
        center_y_mm: 0.0,
        ..Settings::default()
    }
}

/// The first pieces of the roads of every layer.
fn begins(print: &Print) -> Vec<Vec<Step>> {
    let firsts = |layer: &Vec<Step>| runs(layer).map(|run| run[0].clone()).collect();
    steps(&commands(print)).iter().map(firsts).collect()
}

fn painted(mesh: Mesh, paints: Vec<(Mesh, Effect)>, settings: Settings) -> Print {
    let modifiers =
        paints.into_iter().map(|(m, effect)| Modifier { place: Place::Surface(m), effect }).collect();
    let object = Object { modifiers, ..Object::of(mesh) };
    print_all(vec![object], settings)
}

/// A leg with a plate on it that hangs over both ways, and one with sides that lean out.
fn table() -> Mesh {
    together([block([-3.0, -5.0, 0.0], [3.0, 5.0, 6.0]), block([-15.0, -5.0, 6.0], [15.0, 5.0, 8.0])])
}

fn funnel() -> Mesh {
    let mut mesh = block([-3.0, -5.0, 0.0], [3.0, 5.0, 6.0]);
    for p in &mut mesh.points {
        if p.z > 1.0 {
            p.x *= 4.0;
        }
    }
    mesh
}

fn supported(print: &Print) -> [bool; 2] {
    let mut sides = [false; 2];
    for s in begins(print).iter().flatten().filter(|s| s.kind.starts_with("Support")) {
        sides[usize::from(s.from[0] > 0.0)] |= s.from[0].abs() > 3.0;
    }
    sides
}

#[test]
fn painted_supports_are_where_they_are_painted() {
    let under = quad([[3.0, -5.0, 6.0], [3.0, 5.0, 6.0], [15.0, 5.0, 6.0], [15.0, -5.0, 6.0]]);
    let side = quad([[3.0, -5.0, 0.0], [3.0, 5.0, 0.0], [12.0, 5.0, 6.0], [12.0, -5.0, 6.0]]);
    for style in [SupportStyle::Normal, SupportStyle::Tree] {
        for (mesh, right) in [(table(), &under), (funnel(), &side)] {
            let with = |supports: bool| Settings { supports, support_style: style, ..settings() };
            let of = |paints: Vec<(Mesh, Effect)>, supports| {
                supported(&painted(mesh.clone(), paints, with(supports)))
            };
            assert_eq!(of(vec![], false), [false, false], "{style:?}");
            assert_eq!(of(vec![], true), [true, true], "{style:?}");
            assert_eq!(of(vec![(right.clone(), Effect::Support)], false), [false, true], "{style:?}");
            assert_eq!(of(vec![(right.clone(), Effect::NoSupport)], true), [true, false], "{style:?}");
            // What is said of the top of the plate says nothing of what hangs.
            let top = quad([[-15.0, -5.0, 8.0], [15.0, -5.0, 8.0], [15.0, 5.0, 8.0], [-15.0, 5.0, 8.0]]);
            assert_eq!(of(vec![(top, Effect::NoSupport)], true), [true, true], "{style:?}");
        }
    }
}

const SEAMS: [Seam; 5] = [Seam::Aligned, Seam::Rear, Seam::Nearest, Seam::Sharpest, Seam::Random];

fn seams(paints: &[(Mesh, Effect)], seam: Seam) -> Vec<[f64; 2]> {
    let mesh = block([-10.0, -10.0, 0.0], [10.0, 10.0, 6.0]);
    let layers = begins(&painted(mesh, paints.to_vec(), Settings { seam, ..settings() }));
    let wall = |l: &Vec<Step>| l.iter().find(|s| s.kind == "External perimeter").map(|s| s.piece()[0]);
    layers.iter().map(|l| wall(l).expect("a wall")).collect()
}

#[test]
fn walls_begin_where_it_is_painted() {
    // A strip in the middle of the front.
    let strip = quad([[4.0, -10.0, 0.0], [6.0, -10.0, 0.0], [6.0, -10.0, 6.0], [4.0, -10.0, 6.0]]);
    for seam in SEAMS {
        for [x, y] in seams(&[(strip.clone(), Effect::Seam)], seam) {
            assert!((3.5..=6.5).contains(&x) && y < -9.0, "{seam:?} {x} {y}");
        }
    }
}

#[test]
fn walls_do_not_begin_where_that_is_painted() {
    let back = quad([[-10.0, 10.0, 0.0], [10.0, 10.0, 0.0], [10.0, 10.0, 6.0], [-10.0, 10.0, 6.0]]);
    let front = quad([[-10.0, -10.0, 0.0], [10.0, -10.0, 0.0], [10.0, -10.0, 6.0], [-10.0, -10.0, 6.0]]);
    for seam in SEAMS {
        for paint in [&back, &front] {
            let at_back = std::ptr::eq(paint, &raw const back);
            for [x, y] in seams(&[(paint.clone(), Effect::NoSeam)], seam) {
                assert!(if at_back { y < 9.6 } else { y > -9.6 }, "{seam:?} {at_back} {x} {y}");
            }
        }
    }
    // Where all is forbidden, it begins somewhere.
    let all = [(block([-10.0, -10.0, 0.0], [10.0, 10.0, 6.0]), Effect::NoSeam)];
    assert_eq!(seams(&all, Seam::Aligned), seams(&[], Seam::Aligned));
}

#[test]
fn random_seams_lie_anywhere_along_a_wall() {
    let all = seams(&[], Seam::Random);
    let corner = |[x, y]: &[f64; 2]| x.abs() > 9.5 && y.abs() > 9.5;
    assert!(all.iter().filter(|s| corner(s)).count() * 4 < all.len(), "{all:?}");
    let side = |[x, y]: &[f64; 2]| {
        if x.abs() > y.abs() { usize::from(*x > 0.0) } else { 2 + usize::from(*y > 0.0) }
    };
    for k in 0..4 {
        assert!(all.iter().filter(|s| side(s) == k).count() >= 2, "side {k}: {all:?}");
    }
}

/// Filament of a kind in each layer, mm.
fn filament(settings: Settings, kind: &str) -> Vec<f64> {
    let print = print_of(block([-10.0, -10.0, 0.0], [10.0, 10.0, 8.0]), settings);
    roads_of(&print, kind).iter().map(common::filament).collect()
}

#[test]
fn sparse_filling_of_several_layers_is_as_much_as_of_each() {
    for pattern in [Pattern::Grid, Pattern::Rectilinear, Pattern::Gyroid, Pattern::Triangles] {
        let with =
            |every: u32| Settings { infill_every_layers: every, infill_pattern: pattern, ..settings() };
        let each = filament(with(1), "Internal infill");
        let two = filament(with(2), "Internal infill");
        // Layers 4 to 35 of 40 are sparse; all but those that have no whole group are laid two by two.
        for (i, (a, b)) in each.iter().zip(&two).enumerate() {
            if (6..=33).contains(&i) {
                assert_eq!(*b > 0.0, i % 2 == 0, "{pattern:?} layer {i}: {b} for {a}");
            }
        }
        let (a, b): (f64, f64) = (each.iter().sum(), two.iter().sum());
        assert!((a - b).abs() < 0.03 * a, "{pattern:?}: {a} and {b} mm");
        // Thicker than wide is not laid.
        assert_eq!(filament(with(10), "Internal infill"), two, "{pattern:?}");
        for kind in ["Solid infill", "Top solid infill", "External perimeter"] {
            assert_eq!(filament(with(1), kind), filament(with(2), kind), "{kind}");
        }
    }
}

#[test]
fn shells_are_as_thick_as_they_are_to_be() {
    let solid = |s: Settings| {
        // The lowest of those at the top lies on sparse filling.
        let all = ["Solid infill", "Top solid infill", "Bridge infill"].map(|kind| filament(s.clone(), kind));
        (0..all[0].len()).filter(|i| all.iter().map(|f| f[*i]).sum::<f64>() > 0.0).collect::<Vec<_>>()
    };
    let with =
        |top_shell_mm: f64, bottom_shell_mm: f64| Settings { top_shell_mm, bottom_shell_mm, ..settings() };
    assert_eq!(solid(with(0.0, 0.0)).len(), 8);
    let thick = solid(with(1.2, 2.0));
    assert_eq!(thick, (0..10).chain(34..40).collect::<Vec<_>>());
    assert_eq!(solid(Settings { top_layers: 0, ..with(5.0, 0.1) }).len(), 4, "none stays none");
}

#[test]
fn walls_are_laid_from_the_side_that_is_wanted() {
    for outer_walls_first in [false, true] {
        let mesh = block([-10.0, -10.0, 0.0], [10.0, 10.0, 2.0]);
        let with = Settings { outer_walls_first, walls: 3, ..settings() };
        for layer in begins(&print_of(mesh, with)) {
            let walls: Vec<(bool, f64)> = layer
                .iter()
                .filter(|s| s.kind.ends_with("erimeter"))
                .map(|s| (s.kind.starts_with('E'), s.from[0].abs().max(s.from[1].abs())))
                .collect();
            assert_eq!(walls.len(), 3);
            assert!(walls[if outer_walls_first { 0 } else { 2 }].0);
            assert_eq!(walls.is_sorted_by(|a, b| a.1 > b.1), outer_walls_first, "{walls:?}");
        }
    }
}
