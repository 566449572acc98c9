//! What must hold for every part, whatever the slicer does inside: volume, order, threads, plastic, and walls that stay in.

use crate::common::{
    SECTION, Step, commands, filament, from_contour, loft, only, print_of, roads, spoken, steps, together,
};
use proptest::prelude::*;
use shop_cam::canon::Command;
use shop_geom::mesh::Mesh;
use shop_geom::planar::encloses;
use shop_print::facets::{Facets, Front};
use shop_print::settings::Settings;
use shop_print::slice::Slicer;

/// A body of rotation with as many sides, closed at both ends; radii from bottom to top, mm.
fn vase(radii: &[f64], sides: u32, height: f64) -> Mesh {
    let last = (radii.len() - 1) as f64;
    let ring = |(k, r): (usize, &f64)| ([0.0, 0.0, height * k as f64 / last], *r);
    loft(sides, 0.0, &radii.iter().enumerate().map(ring).collect::<Vec<_>>())
}

fn settings(layer_mm: f64) -> Settings {
    Settings { layer_height_mm: layer_mm, first_layer_height_mm: layer_mm, ..Settings::default() }
}

/// Sum of the sections' areas times their heights, mm³.
fn sliced_volume(mesh: Mesh, layer_mm: f64) -> f64 {
    let print = print_of(mesh.clone(), settings(layer_mm));
    let facets = Facets::new(mesh, [0.0; 3], &print.job.levels);
    let (mut front, mut slicer) = (Front::default(), Slicer::default());
    (0..print.levels().len())
        .map(|layer| {
            let cut = front.advance(&facets, layer).to_vec();
            slicer.slice(&print.job, &facets, layer, &cut).region.area_mm2() * print.levels().height(layer)
        })
        .sum()
}

/// Places that any triangle order and any start of triangles must not change.
fn shuffled(mesh: &Mesh, seed: u64) -> Mesh {
    let mut mesh = mesh.clone();
    let mut state = seed | 1;
    for i in (1..mesh.triangles.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        mesh.triangles.swap(i, (state >> 33) as usize % (i + 1));
        mesh.triangles[i].rotate_left((state >> 20) as usize % 3);
    }
    mesh
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sections_add_up_to_the_volume(radii in prop::collection::vec(2.0f64..12.0, 2..6), sides in 3u32..60) {
        let mesh = vase(&radii, sides, 9.0);
        let volume = mesh.volume();
        prop_assert!(volume > 0.0);
        let sliced = sliced_volume(mesh, 0.05);
        // The middle of a layer stands for all of it: an error of second order in its height.
        prop_assert!((sliced / volume - 1.0).abs() < 2e-3, "{sliced} {volume}");
    }

    #[test]
    fn the_order_of_facets_does_not_matter(
        radii in prop::collection::vec(3.0f64..12.0, 2..5), sides in 3u32..30, seed: u64,
    ) {
        let mesh = vase(&radii, sides, 3.0);
        let other = shuffled(&mesh, seed);
        let one = commands(&print_of(mesh, settings(0.2)));
        prop_assert_eq!(one, commands(&print_of(other, settings(0.2))));
    }

    #[test]
    fn walls_stay_inside(radii in prop::collection::vec(1.0f64..12.0, 2..5), sides in 3u32..30) {
        let mesh = vase(&radii, sides, 3.0);
        let print = print_of(mesh.clone(), settings(0.2));
        let facets = Facets::new(mesh, [0.0; 3], &print.job.levels);
        let (mut front, mut slicer) = (Front::default(), Slicer::default());
        for layer in 0..print.levels().len() {
            let cut = front.advance(&facets, layer).to_vec();
            let slice = slicer.slice(&print.job, &facets, layer, &cut);
            for ring in &slice.walls.rings {
                for spot in ring.spots() {
                    let around = slice.region.iter().filter(|c| encloses(c, *spot)).count();
                    prop_assert_eq!(around % 2, 1);
                    let near = from_contour(*spot, slice.region.get(0));
                    prop_assert!(near > 0.2 * 10_000.0, "{}", near);
                }
            }
        }
    }

    #[test]
    fn the_filament_is_the_plastic_of_the_part(radius in 6.0f64..15.0, sides in 5u32..40) {
        let mesh = vase(&[radius, radius], sides, 4.0);
        let volume = mesh.volume();
        let solid = Settings { infill_percent: 100.0, ..settings(0.2) };
        let (layers, summary) = spoken(&print_of(mesh, solid), 1);
        let said = filament(only(steps(&layers), Step::feeds).iter().flatten());
        prop_assert!((said - summary.used.filament_mm).abs() < 1e-6);
        let plastic = said * SECTION;
        // A full part holds its own volume: a little less at corners that round beads do not fill.
        prop_assert!((0.955..1.02).contains(&(plastic / volume)), "{}", plastic / volume);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_program() {
    let print = || print_of(vase(&[12.0, 5.0, 9.0, 9.0, 1.0], 48, 20.0), settings(0.2));
    let one = spoken(&print(), 1).0;
    assert_eq!(one.len(), 100);
    for threads in [2, 8] {
        assert_eq!(spoken(&print(), threads).0, one);
    }
}

#[test]
fn facets_turned_over_and_missing_ones_are_mended_and_told() {
    let sound = vase(&[8.0, 8.0], 24, 5.0);
    let (_, good) = spoken(&print_of(sound.clone(), settings(0.2)), 1);
    assert_eq!((good.mended_layers, good.layers), (0, 25));
    let mut turned = sound.clone();
    turned.triangles[7].swap(0, 1);
    let (_, mended) = spoken(&print_of(turned, settings(0.2)), 1);
    assert_eq!((mended.mended_layers, mended.used.filament_mm), (0, good.used.filament_mm));
    let mut holed = sound;
    holed.triangles.remove(7);
    let (_, mended) = spoken(&print_of(holed, settings(0.2)), 1);
    assert!(mended.mended_layers > 20 && mended.mended.widest_mm > 0.5);
    // A flat facet's hole is bridged by the straight line that was there.
    assert!((mended.used.filament_mm / good.used.filament_mm - 1.0).abs() < 1e-3);
}

/// Support lines of every layer.
fn support_lines(mesh: Mesh, settings: Settings) -> Vec<Vec<Step>> {
    only(roads(&print_of(mesh, settings)), |s| s.kind.contains("Support"))
}

#[test]
fn supports_stand_under_what_hangs_and_keep_off_the_part() {
    let with = Settings { supports: true, center_x_mm: 0.0, center_y_mm: 0.0, ..settings(0.2) };
    // A post with a plate on top: the plate begins at 10 mm.
    let plate = [([0.0, 0.0, 10.0], 12.0), ([0.0, 0.0, 11.0], 12.0)];
    let mesh = together([vase(&[3.0, 3.0], 60, 11.0), loft(60, 0.0, &plate)]);
    let layers = support_lines(mesh, with.clone());
    assert_eq!(layers.len(), 55);
    for (i, lines) in layers.iter().enumerate() {
        // Layer 50 is the plate's first, and one layer of air lies under it.
        assert_eq!(!lines.is_empty(), i < 49, "{i}");
        for [x, y] in lines.iter().map(Step::end) {
            let from_axis = x.hypot(y);
            assert!(from_axis > 3.55 && from_axis < 12.0 + 1.3, "{i} {from_axis}");
        }
    }
    let cone = vase(&[8.0, 2.0], 60, 10.0);
    assert!(support_lines(cone, with).iter().all(Vec::is_empty));
}

#[test]
fn a_brim_lies_around_the_first_layer_before_anything_else() {
    let round = || vase(&[8.0, 8.0], 90, 2.0);
    let with = Settings {
        brim_mm: 4.0,
        skirt_loops: 2,
        skirt_mm: 3.0,
        center_x_mm: 0.0,
        center_y_mm: 0.0,
        ..settings(0.2)
    };
    let pitch = with.pitch_mm();
    let said = commands(&print_of(round(), with));
    let roads = &only(steps(&said), Step::feeds)[0];
    let (brim, others) = roads.split_at(roads.partition_point(|s| s.kind == "Skirt/Brim"));
    assert!(others.iter().all(|s| s.kind != "Skirt/Brim"));
    let radii = brim.iter().map(|s| s.to[0].hypot(s.to[1]));
    let (low, high) = radii.fold((f64::MAX, 0.0f64), |(l, h), r| (l.min(r), h.max(r)));
    assert!((low - 8.22).abs() < 0.06, "{low}");
    assert!((high - (8.0 + 4.0 + 0.225 + 3.0 + pitch)).abs() < 0.06, "{high}");
    assert!(said[1].iter().all(|c| *c != Command::Feature("Skirt/Brim".into())));
}

#[test]
fn small_layers_take_their_time() {
    let seconds = |least_layer_s: f64, most_flow_mm3_per_s: f64| {
        let s = Settings { least_layer_s, most_flow_mm3_per_s, slowest_mm_per_s: 1.0, ..settings(0.2) };
        let layers = roads(&print_of(vase(&[4.0, 4.0], 40, 2.0), s));
        layers[5].iter().map(|s| s.length() / s.speed).sum::<f64>()
    };
    let free = seconds(0.0, 1000.0);
    assert!(free < 5.0, "{free}");
    assert!((seconds(20.0, 1000.0) - 20.0).abs() < 0.1);
    assert!((seconds(0.5 * free, 1000.0) - free).abs() < 1e-9);
    // A tenth of a cubic millimetre a second lays 0.08 mm² at 1.2 mm/s.
    assert!(seconds(0.0, 0.1) > 20.0 * free);
}

#[test]
fn nothing_gives_nothing() {
    let (layers, summary) = spoken(&print_of(Mesh::default(), Settings::default()), 2);
    assert!(layers.is_empty() && summary.layers == 0);
}
