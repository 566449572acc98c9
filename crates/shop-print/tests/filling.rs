//! What must hold for everything that fills a layer: as dense as was asked for, within the walls, joined along them.

use crate::common::{
    Piece, SECTION, Step, block, distance, filament, from_contour, on, print_of, roads_of, together,
};
use proptest::prelude::*;
use shop_geom::mesh::{Mesh, Transform, Vector3};
use shop_geom::planar::{Contours, PER_MM, Spot, encloses};
use shop_print::facets::Levels;
use shop_print::job::Job;
use shop_print::patterns::{Space, Weft};
use shop_print::roads::Roads;
use shop_print::rows::{Frame, Rows, Scanner, common, merge};
use shop_print::settings::{Ironing, Pattern, Settings, SkinPattern};
use std::sync::Arc;

const PATTERNS: [Pattern; 7] = [
    Pattern::Rectilinear,
    Pattern::Grid,
    Pattern::Triangles,
    Pattern::Cubic,
    Pattern::Gyroid,
    Pattern::Concentric,
    Pattern::AdaptiveCubic,
];

fn job(infill_pattern: Pattern, infill_percent: f64, infill_link_mm: f64) -> Job {
    let settings = Settings { infill_pattern, infill_percent, infill_link_mm, ..Settings::default() };
    Job::new(settings, Arc::new(Levels::even(100.0, 0.2, 0.2)), 1.75)
}

fn star(radii: &[f64], center: [f64; 2], region: &mut Contours) {
    for (i, r) in radii.iter().enumerate() {
        let (sin, cos) = (i as f64 / radii.len() as f64 * std::f64::consts::TAU).sin_cos();
        region.push(Spot::from_mm(center[0] + r * cos, center[1] + r * sin));
    }
    region.close();
}

fn lines(job: &Job, layer: usize, inside: &Contours, taken: Option<(&Rows, &Frame)>) -> Roads {
    let mut roads = Roads::default();
    let (mut inner, frame) = (Rows::default(), job.frames[layer % 2]);
    Scanner::default().scan(inside, &frame, &mut inner);
    let height = job.levels.height(layer);
    let space = Space { layer, turn: layer, height, inside, inner: (&inner, &frame), taken };
    Weft::default().fill(job, &space, &mut roads);
    roads
}

fn length_of(roads: &Roads) -> f64 {
    roads.roads().iter().map(|r| roads.length_mm(r)).sum()
}

#[test]
fn every_pattern_is_as_dense_as_was_asked_for() {
    let mut round = Contours::default();
    star(&[90.0; 90], [0.0; 2], &mut round);
    for pattern in PATTERNS {
        for percent in [7.0, 20.0, 43.0] {
            let job = job(pattern, percent, 0.0);
            let layers: Vec<usize> = (0..500).step_by(7).collect();
            let sum: f64 = layers.iter().map(|l| length_of(&lines(&job, *l, &round, None))).sum();
            let dense = sum * job.settings.pitch_mm() / round.area_mm2() / layers.len() as f64;
            assert!((100.0 * dense / percent - 1.0).abs() < 0.015, "{pattern:?} {percent}: {dense}");
        }
    }
}

#[test]
fn joined_lines_are_longer_and_fewer() {
    let mut region = Contours::default();
    star(&[30.0; 50], [3.0, 4.0], &mut region);
    for pattern in &PATTERNS[..5] {
        let [apart, joined] = [0.0, 50.0].map(|link| lines(&job(*pattern, 20.0, link), 7, &region, None));
        assert!(joined.roads().len() * 4 < apart.roads().len(), "{pattern:?}");
        // What is added is less than the walls it lies on.
        let added = length_of(&joined) - length_of(&apart);
        assert!(added > 0.0 && added < 60.0 * std::f64::consts::PI, "{pattern:?} {added}");
    }
}

#[test]
fn free_ends_reach_into_the_walls_and_joined_ones_follow_them() {
    let mut region = Contours::default();
    for [x, y] in [[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0]] {
        region.push(Spot::from_mm(x, y));
    }
    region.close();
    let beyond = |s: &Spot| {
        let [x, y] = s.mm();
        (-x).max(x - 20.0).max(-y).max(y - 20.0)
    };
    let job_of = |link| job(Pattern::Grid, 20.0, link);
    let reach = 0.5 * job_of(0.0).settings.pitch_mm();
    let roads = lines(&job_of(0.0), 3, &region, None);
    for road in roads.roads() {
        let spots = roads.spots(road);
        for end in [spots[0], spots[spots.len() - 1]] {
            assert!((beyond(&end) - reach).abs() < 1e-3, "{end:?}");
        }
    }
    let roads = lines(&job_of(50.0), 3, &region, None);
    for road in roads.roads() {
        let spots = roads.spots(road);
        assert!(spots[1..spots.len() - 1].iter().all(|s| beyond(s) < 1e-3));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_stay_inside_and_off_what_is_taken(
        // From seven corners on, no edge comes nearer to the middle than the hole's corners.
        radii in prop::collection::vec(4.0f64..15.0, 7..24),
        hole in prop::collection::vec(1.0f64..3.5, 3..9),
        solid in (prop::collection::vec(2.0f64..9.0, 3..9), -10.0f64..10.0, -10.0f64..10.0),
        pattern in 0usize..7, percent in 10.0f64..60.0, link in 0.0f64..30.0, layer in 0usize..400,
    ) {
        let fill = Fill { pattern, percent, link, layer };
        stays_inside(&radii, &hole, &solid, fill)?;
    }
}

#[test]
fn lines_are_not_joined_past_several_short_pieces_of_what_is_taken() {
    let mut radii = [4.0; 23];
    radii[8..11].copy_from_slice(&[12.487213554135646, 7.184140745829286, 8.926741598504492]);
    let solid = (vec![2.0, 2.0, 8.082561035644545, 8.747114220187168], -5.240453561446287, 5.36016061513881);
    let fill = Fill { pattern: 0, percent: 52.54181773455023, link: 17.335872956882607, layer: 47 };
    for corners in 12..24 {
        stays_inside(&radii[..corners], &[1.0; 3], &solid, fill).expect("off what is taken");
    }
}

#[test]
fn waves_end_at_the_walls_of_a_needle() {
    let mut radii = [4.0; 23];
    radii[5..7].copy_from_slice(&[12.764704582872232, 4.338711837429441]);
    let solid = (vec![2.0; 3], 0.0, 0.0);
    for layer in 280..320 {
        let fill = Fill { pattern: 4, percent: 11.841973555357582, link: 0.0, layer };
        stays_inside(&radii, &[1.0; 3], &solid, fill).expect("within the walls");
    }
}

/// How a region is filled.
#[derive(Clone, Copy)]
struct Fill {
    /// Its number among [`PATTERNS`].
    pattern: usize,
    percent: f64,
    link: f64,
    layer: usize,
}

/// Fills a star with a hole, less a smaller star of which the place is given, mm, and looks where the lines are.
fn stays_inside(
    radii: &[f64],
    hole: &[f64],
    solid: &(Vec<f64>, f64, f64),
    fill: Fill,
) -> Result<(), TestCaseError> {
    let Fill { pattern, percent, link, layer } = fill;
    let mut region = Contours::default();
    star(radii, [0.0; 2], &mut region);
    let first: Vec<Spot> = region.get(0).to_vec();
    let around: Vec<f64> = hole.iter().rev().copied().collect();
    let mut inner = Contours::default();
    star(&around, [0.0; 2], &mut inner);
    // A hole goes the other way around.
    let walk: Vec<Spot> = inner.get(0).iter().rev().copied().collect();
    region.add(&walk);
    let mut block = Contours::default();
    star(&solid.0, [solid.1, solid.2], &mut block);
    let frame = Frame::new(0.3, 0.4 * PER_MM);
    let mut rows = Rows::default();
    // What is filled otherwise lies within the walls.
    let (mut all, mut held) = (Rows::default(), Rows::default());
    Scanner::default().scan(&block, &frame, &mut all);
    Scanner::default().scan(&region, &frame, &mut held);
    merge(&all, &held, &mut rows, |a, b, out| common(a, b, |r| out.push(r)));
    let job = job(PATTERNS[pattern], percent, link);
    let roads = lines(&job, layer, &region, Some((&rows, &frame)));
    for road in roads.roads() {
        let pieces = roads.spots(road).len() - 1;
        for (i, w) in roads.spots(road).windows(2).enumerate() {
            let middle = Spot::new(i32::midpoint(w[0].x, w[1].x), i32::midpoint(w[0].y, w[1].y));
            let near = |s: Spot| region.iter().map(|c| from_contour(s, c)).fold(f64::MAX, f64::min);
            // Free ends go on into the walls, at a slant for longer.
            let [begins, ends] = [i == 0, i + 1 == pieces];
            for (s, free) in [(w[0], begins), (middle, begins || ends), (w[1], ends)] {
                let inside = encloses(&first, s) && !encloses(&walk, s);
                let slack = if free { 5.0 + 2.5 * job.reach_into_walls() } else { 5.0 };
                prop_assert!(inside || near(s) < slack, "{:?} {}", s, near(s));
            }
            let mut length = 0.0;
            rows.along(&frame, w[0], w[1], |a, b| length += (b - a) * w[0].distance(w[1]));
            // What goes on beyond a corner that points inwards may come back behind it.
            let free = if begins || ends { 2.5 * job.reach_into_walls() } else { 0.0 };
            prop_assert!(length <= 0.51 * frame.pitch() + free, "{}", length);
        }
    }
    Ok(())
}

/// Returns the lines of one kind in every layer.
fn lines_of(mesh: Mesh, settings: Settings, kind: &str) -> Vec<Vec<Step>> {
    let settings = Settings { center_x_mm: 0.0, center_y_mm: 0.0, ..settings };
    roads_of(&print_of(mesh, settings), kind)
}

/// Layers in which there is something.
fn layers_with(layers: &[Vec<Step>]) -> Vec<usize> {
    (0..layers.len()).filter(|i| !layers[*i].is_empty()).collect()
}

fn length(steps: &[Step]) -> f64 {
    steps.iter().map(Step::length).sum()
}

fn plain() -> Settings {
    // Bridges over air are looked at alone.
    let internal_bridge_below_percent = 0.0;
    Settings {
        layer_height_mm: 0.2,
        first_layer_height_mm: 0.2,
        internal_bridge_below_percent,
        ..Settings::default()
    }
}

/// A plate on two walls.
fn bridge() -> Mesh {
    together([
        block([-12.0, -10.0, 0.0], [-6.0, 10.0, 5.0]),
        block([6.0, -10.0, 0.0], [12.0, 10.0, 5.0]),
        block([-12.0, -10.0, 5.0], [12.0, 10.0, 7.0]),
    ])
}

#[test]
fn a_bridge_runs_from_side_to_side_whichever_way_the_part_lies() {
    for degrees in [0.0, 17.0, 61.0, 90.0, 133.0] {
        let angle = f64::to_radians(degrees);
        let mut mesh = bridge();
        mesh.transform(&Transform::turn(Vector3::z(), angle));
        let layers = lines_of(mesh, plain(), "Bridge infill");
        assert_eq!(layers_with(&layers), [25], "{degrees}");
        let (mut across, mut all) = (0.0, 0.0);
        let (sin, cos) = angle.sin_cos();
        for [a, b] in layers[25].iter().map(Step::piece) {
            let [x, y] = [b[0] - a[0], b[1] - a[1]];
            all += x.hypot(y);
            let along = (x * cos + y * sin).abs();
            if along > 0.99 * x.hypot(y) {
                across += along;
                // Both ends lie on what holds them, by the length of the anchor.
                let ends = [a, b].map(|p| (p[0] * cos + p[1] * sin).abs());
                assert!(ends.iter().all(|u| (u - 7.2).abs() < 0.05), "{degrees} {ends:?}");
            }
        }
        assert!(across > 0.9 * all, "{degrees} {across} {all}");
        // Every 0.4 mm one line over the width of the inside.
        let count = across / 14.4;
        assert!((count - 18.4 / plain().pitch_mm()).abs() < 3.0, "{count}");
    }
}

#[test]
fn what_is_held_on_one_side_only_is_no_bridge_and_neither_is_a_slope() {
    let held = block([-12.0, -10.0, 0.0], [-2.0, 10.0, 5.0]);
    let mesh = together([held, block([-12.0, -10.0, 5.0], [12.0, 10.0, 7.0])]);
    assert!(lines_of(mesh, plain(), "Bridge infill").iter().all(Vec::is_empty));
    let mut turned = block([0.0; 3], [20.0, 20.0, 5.0]);
    turned.transform(&Transform::turn(Vector3::z(), 0.3));
    assert!(lines_of(turned, plain(), "Bridge infill").iter().all(Vec::is_empty));
    let off = Settings { bridges: false, ..plain() };
    assert!(lines_of(bridge(), off, "Bridge infill").iter().all(Vec::is_empty));
}

/// A slab with a smaller one on it.
fn step() -> Mesh {
    let slab = block([-15.0, -10.0, 0.0], [15.0, 10.0, 4.0]);
    together([slab, block([-15.0, -10.0, 4.0], [0.0, 10.0, 6.0])])
}

#[test]
fn solids_right_above_sparse_filling_are_bridges() {
    let with = |infill_percent: f64, below: f64| Settings {
        infill_percent,
        internal_bridge_below_percent: below,
        internal_bridge_mm_per_s: 33.0,
        internal_bridge_flow: 1.2,
        least_layer_s: 0.0,
        ..plain()
    };
    // Four solid layers on top, of which the lowest lies on sparse filling; the same under the step.
    let spans = lines_of(step(), with(20.0, 50.0), "Bridge infill");
    assert_eq!(layers_with(&spans), [16, 26]);
    for (layer, left, right) in [(16, -0.8, 13.4), (26, -14.2, -0.8)] {
        let (width, lines) = (right - left, &spans[layer]);
        let ends = |s: &Step| [s.from[0], s.to[0]];
        let low = lines.iter().flat_map(ends).fold(f64::MAX, f64::min);
        let high = lines.iter().flat_map(ends).fold(f64::MIN, f64::max);
        assert!((low - left).abs() < 1.2 && (high - right).abs() < 1.2, "{layer}: {low} {high}");
        let (long, laid) = (length(lines), filament(lines) * SECTION);
        let all = long * plain().pitch_mm() / (width * 18.4);
        assert!((0.9..1.12).contains(&all), "{layer}: {all}");
        let full = long * plain().pitch_mm() * plain().layer_height_mm;
        assert!((laid / full - 1.2).abs() < 0.01, "{layer}: {laid} {full}");
        assert!(lines.iter().all(|s| (s.speed - 33.0).abs() < 1e-9));
    }
    for settings in [
        with(20.0, 0.0),
        with(60.0, 50.0),
        with(100.0, 100.0),
        Settings { top_layers: 0, ..with(20.0, 50.0) },
    ] {
        assert!(lines_of(step(), settings, "Bridge infill").iter().all(Vec::is_empty));
    }
    // However many layers are solid below, and where none is.
    for bottom_layers in [0, 1, 7] {
        let settings = Settings { bottom_layers, ..with(20.0, 50.0) };
        assert_eq!(layers_with(&lines_of(step(), settings, "Bridge infill")), [16, 26]);
    }
}

#[test]
fn solids_beside_one_another_have_no_more_than_fills_them() {
    // In layer 19 one half is seen from above, the other is not, and both are solid.
    for infill_angle_deg in [45.0, 60.0, 80.0, 110.0] {
        let settings = Settings { infill_angle_deg, infill_percent: 100.0, ..plain() };
        let pitch = settings.pitch_mm();
        let mut all = lines_of(step(), settings.clone(), "Top solid infill").swap_remove(19);
        all.extend(lines_of(step(), settings, "Solid infill").swap_remove(19));
        // What lies in a strip along the border, and what would fill it.
        let within = |[x, y]: [f64; 2]| (x + 0.7).abs() < 1.5 && y.abs() < 8.0;
        let laid = |[a, b]: Piece| {
            let long = (a[0] - b[0]).hypot(a[1] - b[1]);
            let at = |k: i32| [0, 1].map(|i| a[i] + (f64::from(k) + 0.5) / 200.0 * (b[i] - a[i]));
            long * (0..200).filter(|k| within(at(*k))).count() as f64 / 200.0
        };
        let share = pitch * all.iter().map(|s| laid(s.piece())).sum::<f64>() / (3.0 * 16.0);
        assert!((share - 1.0).abs() < 0.05, "{infill_angle_deg}: {share}");
    }
}

#[test]
fn what_is_seen_from_above_is_told_and_ironed() {
    let top = lines_of(step(), plain(), "Top solid infill");
    assert_eq!(layers_with(&top), [19, 29]);
    // In the lower one nothing under the upper block, but for the margin.
    let least = top[19].iter().map(|s| s.from[0].min(s.to[0])).fold(f64::MAX, f64::min);
    assert!(least > -1.8, "{least}");
    for (ironing, want) in [(Ironing::Top, vec![19, 29]), (Ironing::Topmost, vec![29])] {
        let settings = Settings { ironing, ..plain() };
        let (spacing, flow) = (settings.ironing_spacing_mm, settings.ironing_flow_percent);
        let height = settings.layer_height_mm;
        let ironed = lines_of(step(), settings, "Ironing");
        assert_eq!(layers_with(&ironed), want);
        let last = ironed.last().expect("layers");
        let (laid, plastic) = (filament(last) * SECTION, 13.3 * 18.3 * height * 0.01 * flow);
        assert!((laid / plastic - 1.0).abs() < 0.05, "{laid} {plastic}");
        let length = length(last);
        assert!((length * spacing / (13.3 * 18.3) - 1.0).abs() < 0.1, "{length}");
    }
}

#[test]
fn seen_solids_have_as_much_plastic_whatever_their_pattern() {
    let sum = |settings: Settings, kind: &str| filament(lines_of(step(), settings, kind).iter().flatten());
    let usual = sum(plain(), "Top solid infill");
    let bottom = sum(plain(), "Solid infill");
    for pattern in [SkinPattern::Rectilinear, SkinPattern::Concentric] {
        let top = sum(Settings { top_pattern: pattern, ..plain() }, "Top solid infill");
        // Rings have no turns at the walls.
        assert!((0.93..1.01).contains(&(top / usual)), "{pattern:?} {top} {usual}");
        let both = sum(Settings { bottom_pattern: pattern, ..plain() }, "Solid infill");
        assert!((0.93..1.01).contains(&(both / bottom)), "{pattern:?} {both} {bottom}");
    }
}

#[test]
fn adaptive_cubes_are_fine_near_the_surface_and_coarse_inside() {
    let sparse = |infill_pattern: Pattern, near: bool| -> f64 {
        let mut mesh = block([-35.0, -35.0, 0.0], [35.0, 35.0, 70.0]);
        mesh.transform(&Transform::turn(Vector3::z(), 0.2));
        let settings = Settings { infill_pattern, infill_link_mm: 0.0, ..plain() };
        let settings = Settings { layer_height_mm: 1.0, first_layer_height_mm: 1.0, ..settings };
        let settings = Settings { road_width_mm: 1.2, infill_percent: 25.0, ..settings };
        let layers = lines_of(mesh, settings, "Internal infill");
        let sum = |s: &Step| {
            // By short pieces, so that every one of them is near the walls or not.
            let n = (s.length() / 0.05).ceil() as u32;
            let piece = s.length() / f64::from(n);
            let (sin, cos) = 0.2f64.sin_cos();
            (0..n)
                .filter(|k| {
                    let [x, y] = on(s.piece(), (f64::from(*k) + 0.5) / f64::from(n));
                    let (u, v) = (x * cos + y * sin, y * cos - x * sin);
                    let from_wall = 35.0 - u.abs().max(v.abs());
                    if near { from_wall < 4.0 } else { from_wall > 24.0 }
                })
                .count() as f64
                * piece
        };
        layers[28..42].iter().flatten().map(sum).sum()
    };
    let (near, near_all) = (sparse(Pattern::AdaptiveCubic, true), sparse(Pattern::Cubic, true));
    let (deep, deep_all) = (sparse(Pattern::AdaptiveCubic, false), sparse(Pattern::Cubic, false));
    assert!(near > 0.85 * near_all && near <= 1.001 * near_all, "{near} {near_all}");
    assert!(deep < 0.6 * deep_all && deep > 0.1 * deep_all, "{deep} {deep_all}");
}

#[test]
fn lightning_carries_all_that_is_solid_above_and_stands_on_itself() {
    let mesh = block([-20.0, -20.0, 0.0], [20.0, 20.0, 20.0]);
    let with = |infill_pattern| Settings { infill_pattern, infill_link_mm: 0.0, ..plain() };
    let layers = lines_of(mesh.clone(), with(Pattern::Lightning), "Internal infill");
    let near = |l: &[Step], p: [f64; 2]| distance(p, l.iter().map(Step::piece));
    // The last layer under the solid ones: no place is farther from a branch than a line's distance and a node's.
    let spacing = plain().pitch_mm() * 5.0;
    for i in -34..=34 {
        for j in -34..=34 {
            let p = [0.5 * f64::from(i), 0.5 * f64::from(j)];
            let from_wall = 19.2 - p[0].abs().max(p[1].abs());
            assert!(near(&layers[95], p).min(from_wall) < spacing + 1.2, "{p:?}");
        }
    }
    for k in 5..=95 {
        for s in &layers[k] {
            for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
                let p = on(s.piece(), t);
                let from_wall = 20.0 - p[0].abs().max(p[1].abs());
                assert!(from_wall < 1.6 || near(&layers[k - 1], p) < 0.5, "{k} {p:?}");
            }
        }
    }
    assert!(layers[96..].iter().all(Vec::is_empty));
    let grid = lines_of(mesh, with(Pattern::Grid), "Internal infill");
    let sum = |all: &[Vec<Step>]| all.iter().map(|l| length(l)).sum::<f64>();
    assert!(sum(&layers) < 0.5 * sum(&grid), "{} {}", sum(&layers), sum(&grid));
    assert!(length(&layers[30]) < 0.3 * length(&layers[95]));
}
