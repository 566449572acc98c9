//! What must hold for supports: they stand under what hangs and nowhere else, keep off the part, and do as they are told.

use crate::common::{
    Piece, Step, block, commands, distance, loft, on, print_all, print_of, roads, runs, spoken, steps,
    together,
};
use proptest::prelude::*;
use shop_geom::mesh::Mesh;
use shop_print::model::{Effect, Modifier, Object, Place};
use shop_print::settings::{Labels, Settings, SupportPattern, SupportStyle};

/// Roads of one layer.
type Laid = Vec<Step>;

fn pieces<'a>(laid: &'a Laid, kind: &'a str) -> impl Iterator<Item = Piece> + 'a {
    laid.iter().filter(move |s| s.kind == kind).map(Step::piece)
}

const BASE: &str = "Support material";
const FACE: &str = "Support material interface";

fn supported(laid: &Laid) -> bool {
    pieces(laid, BASE).chain(pieces(laid, FACE)).next().is_some()
}

fn settings() -> Settings {
    let bed = Settings { center_x_mm: 0.0, center_y_mm: 0.0, ..Settings::default() };
    Settings { supports: true, layer_height_mm: 0.2, first_layer_height_mm: 0.2, ..bed }
}

/// A prism of `sides` from height to height, its top shifted; x and y are those of the bottom's middle.
fn prism(sides: u32, radius: f64, at: [f64; 3], height: f64, lean: [f64; 2]) -> Mesh {
    let top = [at[0] + lean[0], at[1] + lean[1], at[2] + height];
    loft(sides, 0.5, &[(at, radius), (top, radius)])
}

/// A post with a round plate on it: 12 mm around, at 10 mm.
fn mushroom() -> Mesh {
    together([prism(60, 3.0, [0.0; 3], 10.5, [0.0; 2]), prism(60, 12.0, [0.0, 0.0, 10.0], 1.0, [0.0; 2])])
}

fn laid(mesh: Mesh, settings: Settings) -> Vec<Laid> {
    roads(&print_of(mesh, settings))
}

/// Layers of a prism of 8 mm that leans by `lean` degrees, `way` radians from the x axis, with supports turned.
fn leaning(sides: u32, radius: f64, lean: f64, way: f64, support_angle_deg: f64) -> Vec<Laid> {
    let reach = 8.0 * lean.to_radians().tan();
    let mesh = prism(sides, radius, [0.0; 3], 8.0, [reach * way.cos(), reach * way.sin()]);
    laid(mesh, Settings { support_angle_deg, ..settings() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_leans_less_than_the_limit_stands_alone(
        sides in 3u32..40, radius in 2.0f64..9.0, lean in 0.0f64..43.0, way in 0.0f64..6.3, turned in -90.0f64..90.0,
    ) {
        for (i, layer) in leaning(sides, radius, lean, way, turned).iter().enumerate() {
            prop_assert!(!supported(layer), "{i}");
        }
    }

    #[test]
    fn what_leans_more_is_held(
        sides in 5u32..40, radius in 3.0f64..9.0, lean in 55.0f64..70.0, way in 0.0f64..6.3, turned in -90.0f64..90.0,
    ) {
        prop_assert!(leaning(sides, radius, lean, way, turned)[..30].iter().all(supported));
    }

    #[test]
    fn what_leans_evenly_is_held_in_every_layer(
        step in 0.33f64..0.5, side in -1.0f64..1.0, upright: bool,
    ) {
        // A slab that leans along x or y, 12 mm wide, and lines along its edge.
        let sign = side.signum();
        let turn = |[x, y]: [f64; 2]| if upright { [y, x] } else { [x, y] };
        let lean = turn([sign * step * 40.0, 0.0]);
        let mesh = prism(4, 6.0 * 2.0_f64.sqrt(), [0.0; 3], 8.0, lean);
        let none = Settings { support_interface_layers: 0, support_interface_below_layers: 0, ..settings() };
        let layers = laid(mesh, Settings { support_angle_deg: if upright { 0.0 } else { 90.0 }, ..none });
        for i in 12..36 {
            // The edge of the layer that is held: one layer of air lies between. The slab's middle lies in that of the bed.
            let edge = sign * (6.0 + step * (f64::from(i as u32) + 2.5 - 20.0));
            for along in -5..=5 {
                let at = turn([edge, f64::from(along)]);
                let far = distance(at, pieces(&layers[i], BASE));
                prop_assert!(far < 1.7, "{i} {at:?} {far}");
            }
        }
    }

    #[test]
    fn a_roof_over_a_slot_is_held_along_all_of_it(
        wide in 1.8f64..3.0, off in -2.0f64..2.0, upright: bool, support_interface_layers in 0u32..2,
    ) {
        let turn = |low: [f64; 3], high: [f64; 3]| {
            let swap = |[x, y, z]: [f64; 3]| if upright { [y, x, z] } else { [x, y, z] };
            block(swap(low), swap(high))
        };
        let (a, b) = (off - 0.5 * wide, off + 0.5 * wide);
        let slot = together([
            turn([-10.0, -8.0, 0.0], [10.0, a, 10.1]),
            turn([-10.0, b, 0.0], [10.0, 8.0, 10.1]),
            turn([-10.0, -8.0, 10.0], [10.0, 8.0, 12.0]),
        ]);
        let layers = laid(slot, Settings { support_interface_layers, ..settings() });
        for i in 0..49 {
            for along in -8..=8 {
                let at = [f64::from(along), off];
                let at = if upright { [at[1], at[0]] } else { at };
                let far = distance(at, pieces(&layers[i], BASE).chain(pieces(&layers[i], FACE)));
                prop_assert!(far < 1.7, "{i} {at:?} {far}");
            }
        }
    }
}

#[test]
fn a_plate_on_a_post() {
    for support_pattern in [SupportPattern::Lines, SupportPattern::Zigzag, SupportPattern::Grid] {
        let with = Settings { support_pattern, ..settings() };
        let layers = laid(mushroom(), with);
        for (i, layer) in layers.iter().enumerate() {
            // Layer 50 is the plate's first, and one layer of air lies under it; two layers of interface under that.
            assert_eq!(supported(layer), i < 49, "{i}");
            assert_eq!(pieces(layer, FACE).next().is_some(), i == 47 || i == 48, "{i}");
            for [a, b] in pieces(layer, BASE).chain(pieces(layer, FACE)) {
                for [x, y] in [a, b, on([a, b], 0.5)] {
                    let from_axis = x.hypot(y);
                    assert!(from_axis > 3.5 && from_axis < 12.0 + 1.3, "{i} {from_axis}");
                }
            }
        }
    }
}

/// A table: a plate from 10 mm on over four legs, and a block under its left half.
fn table() -> Mesh {
    together([
        prism(4, 18.0, [0.0, 0.0, 10.0], 2.0, [0.0; 2]),
        prism(8, 1.0, [0.0; 3], 10.1, [0.0; 2]),
        prism(4, 6.0, [-6.5, 0.0, 0.0], 4.0, [0.0; 2]),
    ])
}

#[test]
fn supports_stand_on_the_bed_only_when_told() {
    let over = |[a, b]: &Piece| a[0].min(b[0]) < -6.5 && a[0].max(b[0]) > -6.5 && a[1].abs() < 3.0;
    let over_block = |layers: &[Laid]| layers.iter().flatten().any(|s| s.kind == BASE && over(&s.piece()));
    let free = laid(table(), settings());
    assert!(over_block(&free));
    // Those on the block begin with air and dense lines; it ends at layer 20.
    let on_block = |i: usize| {
        let over = |[a, b]: Piece| a[0] < -3.5 && a[0] > -9.0 && a[1].min(b[1]) < 0.0 && a[1].max(b[1]) > 0.0;
        pieces(&free[i], FACE).any(over)
    };
    assert!(!on_block(20) && on_block(21) && on_block(22) && !on_block(23));
    let bound = laid(table(), Settings { support_on_bed_only: true, ..settings() });
    assert!(!over_block(&bound));
    assert!(bound[..49].iter().all(supported));
}

fn modified(effect: Effect, supports: bool) -> Vec<Laid> {
    // The right half of the mushroom.
    let place = Place::Mesh(prism(4, 20.0, [14.2, 0.0, -1.0], 20.0, [0.0; 2]));
    let object = Object { modifiers: vec![Modifier { place, effect }], ..Object::of(mushroom()) };
    roads(&print_all(vec![object], Settings { supports, ..settings() }))
}

#[test]
fn enforcers_and_blockers_say_where() {
    let sides = |layers: &[Laid]| {
        let mut sides = [false; 2];
        for s in layers.iter().flatten().filter(|s| held(s)) {
            sides[usize::from(s.from[0] > 0.0)] |= s.from[0].abs() > 4.0;
        }
        sides
    };
    assert_eq!(sides(&modified(Effect::Support, false)), [false, true]);
    assert_eq!(sides(&modified(Effect::Support, true)), [true, true]);
    assert_eq!(sides(&modified(Effect::NoSupport, true)), [true, false]);
    assert_eq!(sides(&modified(Effect::NoSupport, false)), [false, false]);
}

#[test]
fn any_number_of_threads_gives_the_same_supports() {
    let said = |threads| spoken(&print_of(table(), settings()), threads).0;
    let one = said(1);
    for threads in [2, 7] {
        assert_eq!(said(threads), one);
    }
}

/// Middles of the rings of a layer.
fn rings(laid: &Laid) -> Vec<[f64; 2]> {
    let (mut out, mut ring): (Vec<[f64; 2]>, Vec<[f64; 2]>) = (Vec::new(), Vec::new());
    for [a, b] in pieces(laid, BASE) {
        if ring.last().is_none_or(|last| *last == a) {
            ring.push(a);
        } else {
            ring = vec![a];
        }
        ring.push(b);
        if ring[0] == b {
            let n = ring.len() as f64 - 1.0;
            let sum = ring[1..].iter().fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]]);
            out.push([sum[0] / n, sum[1] / n]);
            ring.clear();
        }
    }
    out
}

#[test]
fn trees_reach_everything_that_hangs_and_lean_together() {
    for faces in [0, 2] {
        let with =
            Settings { support_style: SupportStyle::Tree, support_interface_layers: faces, ..settings() };
        let layers = laid(mushroom(), with.clone());
        let top = rings(&layers[48 - faces as usize]);
        for k in 0..400 {
            let (sin, cos) = (f64::from(k) * 2.4).sin_cos();
            let from_axis = 4.2 + 7.6 * (f64::from(k) / 400.0).sqrt();
            let at = [from_axis * cos, from_axis * sin];
            let far = |p: &[f64; 2]| (p[0] - at[0]).hypot(p[1] - at[1]);
            let near = top.iter().map(far).fold(f64::MAX, f64::min);
            assert!(near < with.support_tip_spacing_mm + 1.0, "{at:?} {near}");
        }
        assert!(rings(&layers[1]).len() * 2 < top.len(), "{} {}", rings(&layers[1]).len(), top.len());
        for (i, layer) in layers.iter().enumerate() {
            assert_eq!(supported(layer), i < 49, "{i}");
            for [[x, y], _] in pieces(layer, BASE) {
                assert!(x.hypot(y) > 3.55, "{i} {}", x.hypot(y));
            }
        }
        // What a branch stands on is the branch below it.
        for pair in layers[..48 - faces as usize].windows(2) {
            for [at, _] in pieces(&pair[1], BASE) {
                assert!(distance(at, pieces(&pair[0], BASE)) < 1.1, "{at:?}");
            }
        }
    }
}

#[test]
fn feet_of_trees_are_full_where_they_touch_one_another() {
    // So low that branches have no room to become one.
    let low =
        together([prism(60, 3.0, [0.0; 3], 2.5, [0.0; 2]), prism(60, 12.0, [0.0, 0.0, 2.0], 1.0, [0.0; 2])]);
    let tree = Settings { support_style: SupportStyle::Tree, support_interface_layers: 0, ..settings() };
    let layers = laid(low, tree);
    // Walls of crowded branches are one around all of them; feet are wider, and full.
    let length =
        |i: usize| pieces(&layers[i], BASE).map(|[a, b]| (a[0] - b[0]).hypot(a[1] - b[1])).sum::<f64>();
    assert!(length(0) > 2.5 * length(5), "{} {}", length(0), length(5));
}

#[test]
fn trees_stand_on_the_part_only_where_they_may() {
    let over_block = |layers: &[Laid]| {
        layers.iter().take(30).flat_map(rings).any(|[x, y]| x < -4.0 && x > -9.0 && y.abs() < 2.5)
    };
    let tree = Settings { support_style: SupportStyle::Tree, support_branch_angle_deg: 10.0, ..settings() };
    assert!(over_block(&laid(table(), tree.clone())));
    let bound = laid(table(), Settings { support_on_bed_only: true, ..tree });
    assert!(!over_block(&bound));
}

/// Returns how far a place is from a rectangle; 0 inside.
fn aside([x, y]: [f64; 2], low: [f64; 2], high: [f64; 2]) -> f64 {
    let out = |v: f64, k: usize| (low[k] - v).max(v - high[k]).max(0.0);
    out(x, 0).hypot(out(y, 1))
}

/// Places along a piece.
fn along(piece: Piece) -> impl Iterator<Item = [f64; 2]> {
    (0..=8).map(move |k| on(piece, f64::from(k) / 8.0))
}

fn held(step: &Step) -> bool {
    step.kind.starts_with(BASE)
}

#[test]
fn supports_keep_off_a_post_wherever_their_lines_lie() {
    for k in 0..12 {
        let y = 0.23 * f64::from(k);
        let print = shop_print::Print::new(mushroom(), Settings { center_y_mm: y, ..settings() }, 1.75);
        for (layer, laid) in roads(&print).iter().take(50).enumerate() {
            for road in laid.iter().filter(|s| held(s)) {
                // The post is a prism of 60 sides, 3 mm around; a road beside it goes straight past it, and is so wide.
                let xy = settings().support_xy_mm + 0.5 * settings().road_width_mm;
                let least = xy - 0.03 - road.length().powi(2) / (8.0 * (3.0 + xy));
                let air = |[x, v]: [f64; 2]| x.hypot(v - y) - 3.0;
                let nearest = along(road.piece()).map(air).fold(f64::INFINITY, f64::min);
                assert!(nearest > least.max(0.3), "{y}: {nearest} mm in layer {layer}");
            }
        }
    }
}

#[test]
fn what_hangs_together_is_few_roads() {
    // A disc of 30 mm on a post.
    let post = prism(60, 3.0, [0.0; 3], 10.5, [0.0; 2]);
    let disc = prism(60, 15.0, [0.0, 0.0, 10.0], 1.0, [0.0; 2]);
    let without_faces = Settings { support_interface_layers: 0, ..settings() };
    let print = print_of(together([post, disc]), without_faces);
    for layer in steps(&commands(&print)).iter().skip(1).take(47) {
        // 12 lines, 4 of which the post divides.
        let held: Vec<Step> = layer.iter().filter(|s| held(s)).cloned().collect();
        let roads = runs(&held).count();
        assert!((1..=3).contains(&roads), "{roads}");
    }
}

#[test]
fn between_supports_filament_is_pulled_back_where_a_wall_or_a_long_way_lies_between_only() {
    // Lines 3 mm apart that nothing joins, around a post and on both sides of a fence.
    let lines = Settings { support_pattern: SupportPattern::Lines, support_spacing_mm: 3.0, ..settings() };
    let fence = block([7.0, -16.0, 0.0], [8.2, 16.0, 10.1]);
    let post = prism(60, 3.0, [0.0; 3], 10.5, [0.0; 2]);
    let disc = prism(60, 15.0, [0.0, 0.0, 10.0], 1.0, [0.0; 2]);
    let print = print_of(together([post, disc, fence]), lines);
    let (mut free, mut walled) = (0, 0);
    for layer in steps(&commands(&print)).iter().skip(4).take(40) {
        let mut last: Option<&Step> = None;
        let mut pulled = false;
        for step in layer {
            pulled |= step.e < 0.0;
            if !step.is_laid() {
                continue;
            }
            if let Some(last) = last.filter(|l| held(l) && held(step)) {
                let way = [last.end(), step.piece()[0]];
                let long = (way[0][0] - way[1][0]).hypot(way[0][1] - way[1][1]);
                let past = along(way).any(|at| aside(at, [7.0, -16.0], [8.2, 16.0]) == 0.0);
                let through = past || distance([0.0; 2], [way]) < 2.9;
                if (1.6..5.9).contains(&long) {
                    assert_eq!(pulled, through, "{way:?}");
                    *(if through { &mut walled } else { &mut free }) += 1;
                }
            }
            (last, pulled) = (Some(step), false);
        }
    }
    assert!(free > 100 && walled > 0, "{free} {walled}");
}

#[test]
fn what_is_small_stands_on_a_closed_wall() {
    // A peg of 0.8 mm that hangs from an arm.
    let arm = block([-10.0, -1.0, 8.0], [0.0, 1.0, 9.0]);
    let post = block([-12.0, -3.0, 0.0], [-9.0, 3.0, 9.0]);
    for at in [0.0, 0.4, 0.8, 1.2, 1.6, 2.0] {
        let peg = block([-1.0, at - 0.4, 6.0], [-0.2, at + 0.4, 8.5]);
        // Nothing is wanted under the arm itself.
        let place = Place::Mesh(block([-20.0, -20.0, 7.0], [20.0, 20.0, 9.5]));
        let modifiers = vec![Modifier { place, effect: Effect::NoSupport }];
        let object = Object { modifiers, ..Object::of(together([arm.clone(), post.clone(), peg])) };
        let layers = roads(&print_all(vec![object], Settings { support_interface_layers: 0, ..settings() }));
        for (i, layer) in layers.iter().enumerate().take(28) {
            let wall: Vec<Step> = layer.iter().filter(|s| held(s)).cloned().collect();
            let length: f64 = wall.iter().map(Step::length).sum();
            let ends = [wall[0].piece()[0], wall[wall.len() - 1].end()];
            assert!(length > 5.0 && (i == 0 || ends[0] == ends[1]), "{i}: {length} mm, {ends:?}");
        }
    }
}

#[test]
fn supports_keep_off_what_else_stands_on_the_bed() {
    // A block of 7 mm under the mushroom's plate, one beside it, and the mushroom itself at two places.
    for style in [SupportStyle::Normal, SupportStyle::Tree] {
        let (low, high) = ([5.0, -4.0], [11.0, 4.0]);
        let mushroom = Object { places: vec![[0.0; 2], [60.0, 0.0]], ..Object::of(mushroom()) };
        let other = block([low[0], low[1], 0.0], [high[0], high[1], 7.0]);
        let settings = Settings { support_style: style, ..settings() };
        let one = |objects: Vec<Object>| roads(&print_all(objects, settings.clone()));
        // The middle of everything is put in the middle of the bed: 30 mm from the first copy's axis.
        let shift = 30.0;
        let alone = one(vec![mushroom.clone()]);
        let both = one(vec![mushroom, Object::of(other)]);
        let xy = settings.support_xy_mm + 0.5 * settings.road_width_mm;
        let in_the_way = |layers: &[Laid]| {
            let near = |s: &Step| {
                held(s) && along(s.piece()).any(|[x, y]| aside([x + shift, y], low, high) < xy - 0.02)
            };
            layers.iter().take(35).flatten().filter(|l| near(l)).count()
        };
        assert!(in_the_way(&alone) > 0, "{style:?}: it would stand there");
        assert_eq!(in_the_way(&both), 0, "{style:?}");
        // Over the block it stands on it, and the copy that stands alone is held as it is without.
        let over = |layer: &Laid| {
            pieces(layer, BASE).any(|p| along(p).any(|[x, y]| aside([x + shift, y], low, high) == 0.0))
        };
        assert!(both[40..46].iter().all(over), "{style:?}");
        let right = |layers: &[Laid]| -> f64 {
            let there = |s: &&Step| held(s) && s.from[0] > 0.0;
            layers.iter().flatten().filter(there).map(Step::length).sum()
        };
        let (a, b) = (right(&alone), right(&both));
        assert!((a - b).abs() < 1e-6 * a, "{style:?}: {a} mm and {b} mm of supports under the other copy");
    }
}

#[test]
fn supports_of_neighbours_do_not_lie_in_one_another() {
    for style in [SupportStyle::Normal, SupportStyle::Tree] {
        // Plates 1 mm apart: what is laid beyond each would lie under the other.
        let places = vec![[0.0; 2], [25.0, 0.0], [50.0, 0.0]];
        let settings = Settings { support_style: style, labels: Labels::OctoPrint, ..settings() };
        let objects = vec![Object { places, ..Object::of(mushroom()) }];
        let print = print_all(objects, settings);
        let mut whose = Vec::new();
        for (i, layer) in roads(&print).into_iter().enumerate() {
            let of_supports: Vec<Step> = layer.into_iter().filter(held).collect();
            for (k, a) in of_supports.iter().enumerate() {
                for b in of_supports[..k].iter().filter(|b| b.object != a.object) {
                    let (p, q) = (a.piece(), b.piece());
                    let ends = p.map(|e| distance(e, [q])).into_iter().chain(q.map(|e| distance(e, [p])));
                    let apart = if cross(p, q) { 0.0 } else { ends.fold(f64::MAX, f64::min) };
                    assert!(apart > 0.35, "{style:?} {i}: {p:?} and {q:?} are {apart} mm apart");
                }
            }
            whose.extend(of_supports.into_iter().map(|s| s.object));
        }
        whose.sort();
        whose.dedup();
        assert_eq!(whose.len(), 3, "{style:?}");
    }
}

/// True when two pieces cross.
fn cross([a, b]: Piece, [c, d]: Piece) -> bool {
    let side =
        |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}
