//! What must hold for every part, whatever the slicer does inside: volume, order, threads, plastic, and walls that stay in.

use proptest::prelude::*;
use shop_cam::canon::Command;
use shop_geom::mesh::{Mesh, Point3};
use shop_geom::planar::{Spot, encloses};
use shop_print::facets::{Facets, Front};
use shop_print::settings::Settings;
use shop_print::slice::Slicer;
use shop_print::speak::Spoken;
use shop_print::{Print, Summary};

/// A body of rotation with as many sides, closed at both ends; radii from bottom to top, mm.
fn vase(radii: &[f64], sides: u32, height: f64) -> Mesh {
    let mut mesh = Mesh::default();
    let rings = radii.len() as u32;
    for (k, r) in radii.iter().enumerate() {
        for i in 0..sides {
            let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / f64::from(sides)).sin_cos();
            let z = height * k as f64 / f64::from(rings - 1);
            mesh.points.push(Point3::new(r * cos, r * sin, z));
        }
    }
    let at = |ring: u32, i: u32| ring * sides + i % sides;
    for ring in 1..rings {
        for i in 0..sides {
            mesh.triangles.push([at(ring - 1, i), at(ring - 1, i + 1), at(ring, i + 1)]);
            mesh.triangles.push([at(ring - 1, i), at(ring, i + 1), at(ring, i)]);
        }
    }
    for i in 1..sides - 1 {
        mesh.triangles.push([at(0, 0), at(0, i + 1), at(0, i)]);
        mesh.triangles.push([at(rings - 1, 0), at(rings - 1, i), at(rings - 1, i + 1)]);
    }
    mesh
}

fn settings(layer_mm: f64) -> Settings {
    Settings { layer_height_mm: layer_mm, first_layer_height_mm: layer_mm, ..Settings::default() }
}

/// Sum of the sections' areas times their heights, mm³.
fn sliced_volume(mesh: Mesh, layer_mm: f64) -> f64 {
    let print = Print::new(mesh.clone(), settings(layer_mm), 1.75);
    let facets = Facets::new(mesh, [0.0; 3], &print.job.levels);
    let (mut front, mut slicer) = (Front::default(), Slicer::default());
    (0..print.levels().len())
        .map(|layer| {
            let cut = front.advance(&facets, layer).to_vec();
            slicer.slice(&print.job, &facets, layer, &cut).region.area_mm2() * print.levels().height(layer)
        })
        .sum()
}

fn spoken(print: &Print, threads: usize) -> (Vec<Spoken>, Summary) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut all = Vec::new();
    let summary = pool.install(|| {
        print.run(
            |spoken: &Spoken| spoken.clone(),
            |layer| {
                all.push(layer);
                true
            },
        )
    });
    (all, summary.expect("nobody stopped it"))
}

fn commands(print: &Print, threads: usize) -> Vec<Vec<Command>> {
    spoken(print, threads).0.into_iter().map(|s| s.section.commands).collect()
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
        let one = commands(&Print::new(mesh, settings(0.2), 1.75), 1);
        prop_assert_eq!(one, commands(&Print::new(other, settings(0.2), 1.75), 1));
    }

    #[test]
    fn walls_stay_inside(radii in prop::collection::vec(1.0f64..12.0, 2..5), sides in 3u32..30) {
        let mesh = vase(&radii, sides, 3.0);
        let print = Print::new(mesh.clone(), settings(0.2), 1.75);
        let facets = Facets::new(mesh, [0.0; 3], &print.job.levels);
        let (mut front, mut slicer) = (Front::default(), Slicer::default());
        for layer in 0..print.levels().len() {
            let cut = front.advance(&facets, layer).to_vec();
            let slice = slicer.slice(&print.job, &facets, layer, &cut);
            for ring in &slice.walls.rings {
                for spot in ring.spots() {
                    let around = slice.region.iter().filter(|c| encloses(c, *spot)).count();
                    prop_assert_eq!(around % 2, 1);
                    let near = distance(*spot, slice.region.get(0));
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
        let (layers, summary) = spoken(&Print::new(mesh, solid, 1.75), 1);
        let said: f64 = layers
            .iter()
            .flat_map(|s| &s.section.commands)
            .map(|c| if let Command::Extrude { e, .. } = c { *e } else { 0.0 })
            .sum();
        prop_assert!((said - summary.used.filament_mm).abs() < 1e-6);
        let plastic = said * std::f64::consts::FRAC_PI_4 * 1.75 * 1.75;
        // A full part holds its own volume: a little less at corners that round beads do not fill.
        prop_assert!((0.955..1.02).contains(&(plastic / volume)), "{}", plastic / volume);
    }
}

fn distance(at: Spot, contour: &[Spot]) -> f64 {
    (0..contour.len())
        .map(|i| {
            let (a, b) = (contour[i], contour[(i + 1) % contour.len()]);
            let ([px, py], [ex, ey]) = (a.to(at), a.to(b));
            let t = ((px * ex + py * ey) / (ex * ex + ey * ey).max(1.0)).clamp(0.0, 1.0);
            (px - t * ex).hypot(py - t * ey)
        })
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn any_number_of_threads_gives_the_same_program() {
    let print = || Print::new(vase(&[12.0, 5.0, 9.0, 9.0, 1.0], 48, 20.0), settings(0.2), 1.75);
    let one = commands(&print(), 1);
    assert_eq!(one.len(), 100);
    for threads in [2, 8] {
        assert_eq!(commands(&print(), threads), one);
    }
}

#[test]
fn facets_turned_over_and_missing_ones_are_mended_and_told() {
    let sound = vase(&[8.0, 8.0], 24, 5.0);
    let (_, good) = spoken(&Print::new(sound.clone(), settings(0.2), 1.75), 1);
    assert_eq!((good.mended_layers, good.layers), (0, 25));
    let mut turned = sound.clone();
    turned.triangles[7].swap(0, 1);
    let (_, mended) = spoken(&Print::new(turned, settings(0.2), 1.75), 1);
    assert_eq!((mended.mended_layers, mended.used.filament_mm), (0, good.used.filament_mm));
    let mut holed = sound;
    holed.triangles.remove(7);
    let (_, mended) = spoken(&Print::new(holed, settings(0.2), 1.75), 1);
    assert!(mended.mended_layers > 20 && mended.mended.widest_mm > 0.5);
    // A flat facet's hole is bridged by the straight line that was there.
    assert!((mended.used.filament_mm / good.used.filament_mm - 1.0).abs() < 1e-3);
}

/// Both ends of support lines of every layer.
fn support_lines(print: &Print) -> Vec<Vec<Spot>> {
    let lines = |s: Spoken| {
        let mut on = false;
        let mut spots = Vec::new();
        for c in &s.section.commands {
            match c {
                Command::Feature(name) => on = name.contains("Support"),
                Command::Extrude { to, .. } if on => spots.push(Spot::from_mm(to[0], to[1])),
                _ => {}
            }
        }
        spots
    };
    spoken(print, 2).0.into_iter().map(lines).collect()
}

#[test]
fn supports_stand_under_what_hangs_and_keep_off_the_part() {
    let with = Settings { supports: true, center_x_mm: 0.0, center_y_mm: 0.0, ..settings(0.2) };
    // A post with a plate on top: the plate begins at 10 mm.
    let mut mesh = vase(&[3.0, 3.0], 60, 11.0);
    let mut plate = vase(&[12.0, 12.0], 60, 1.0);
    for p in &mut plate.points {
        p.z += 10.0;
    }
    let first = mesh.points.len() as u32;
    mesh.points.extend(plate.points);
    mesh.triangles.extend(plate.triangles.into_iter().map(|t| t.map(|i| i + first)));
    let layers = support_lines(&Print::new(mesh, with.clone(), 1.75));
    assert_eq!(layers.len(), 55);
    for (i, spots) in layers.iter().enumerate() {
        // Layer 50 is the plate's first, and one layer of air lies under it.
        assert_eq!(!spots.is_empty(), i < 49, "{i}");
        for s in spots {
            let [x, y] = s.mm();
            let from_axis = x.hypot(y);
            assert!(from_axis > 3.55 && from_axis < 12.0 + 1.3, "{i} {from_axis}");
        }
    }
    let cone = vase(&[8.0, 2.0], 60, 10.0);
    assert!(support_lines(&Print::new(cone, with, 1.75)).iter().all(Vec::is_empty));
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
    let (layers, _) = spoken(&Print::new(round(), with, 1.75), 1);
    let (mut kind, mut radii, mut others) = (String::new(), Vec::new(), 0);
    for c in &layers[0].section.commands {
        match c {
            Command::Feature(name) => kind = name.to_string(),
            Command::Extrude { to, .. } if kind == "Skirt/Brim" => {
                assert_eq!(others, 0);
                radii.push(to[0].hypot(to[1]));
            }
            Command::Extrude { .. } => others += 1,
            _ => {}
        }
    }
    let (low, high) = radii.iter().fold((f64::MAX, 0.0f64), |(l, h), r| (l.min(*r), h.max(*r)));
    assert!((low - 8.22).abs() < 0.06, "{low}");
    assert!((high - (8.0 + 4.0 + 0.225 + 3.0 + pitch)).abs() < 0.06, "{high}");
    assert!(layers[1].section.commands.iter().all(|c| *c != Command::Feature("Skirt/Brim".into())));
}

#[test]
fn small_layers_take_their_time() {
    let seconds = |least_layer_s: f64, most_flow_mm3_per_s: f64| {
        let s = Settings { least_layer_s, most_flow_mm3_per_s, slowest_mm_per_s: 1.0, ..settings(0.2) };
        let (layers, _) = spoken(&Print::new(vase(&[4.0, 4.0], 40, 2.0), s, 1.75), 1);
        let (mut at, mut feed, mut sum) = ([0.0f64; 3], 1.0, 0.0);
        for c in &layers[5].section.commands {
            match c {
                Command::Feed(v) => feed = v.mm_per_min() / 60.0,
                Command::Line { to } => at = *to,
                Command::Extrude { to, .. } => {
                    sum += (to[0] - at[0]).hypot(to[1] - at[1]) / feed;
                    at = *to;
                }
                _ => {}
            }
        }
        sum
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
    let (layers, summary) = spoken(&Print::new(Mesh::default(), Settings::default(), 1.75), 2);
    assert!(layers.is_empty() && summary.layers == 0);
}
