//! What must hold for prints of several objects, bodies and modifiers: nothing is made twice or left out, and what a
//! modifier does not speak of stays as it is.

use crate::common::{block, by_kind, changes, print_all, spoken, steps};
use shop_print::Summary;
use shop_print::model::{Body, Effect, Modifier, Object, Place};
use shop_print::roads::Kind;
use shop_print::settings::Settings;
use std::collections::BTreeMap;

fn settings() -> Settings {
    Settings { first_layer_height_mm: 0.2, layer_height_mm: 0.2, least_layer_s: 0.0, ..Settings::default() }
}

/// Filament of every kind of road, mm, and all of it.
fn filament(objects: Vec<Object>, settings: Settings) -> (BTreeMap<String, f64>, Summary) {
    let (layers, summary) = spoken(&print_all(objects, settings), 2);
    (by_kind(&steps(&layers)), summary)
}

fn of(kinds: &BTreeMap<String, f64>, kind: Kind) -> f64 {
    kinds.get(kind.name()).copied().unwrap_or_default()
}

fn close(a: f64, b: f64, part: f64) {
    assert!((a - b).abs() <= part * a.abs().max(b.abs()), "{a} and {b}");
}

const LOW: [f64; 3] = [0.0; 3];
const HIGH: [f64; 3] = [20.0, 20.0, 6.0];

#[test]
fn copies_and_objects_add_up() {
    // Alone, the block stands where the first of them does: lines of the filling lie where the bed says.
    let alone = |x, y| Settings { center_x_mm: 110.0 - x, center_y_mm: 110.0 - y, ..settings() };
    let (_, one) = filament(vec![Object::of(block(LOW, HIGH))], alone(15.0, 15.0));
    let copies =
        Object { places: vec![[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]], ..Object::of(block(LOW, HIGH)) };
    let (_, three) = filament(vec![copies], settings());
    close(three.used.filament_mm, 3.0 * one.used.filament_mm, 1e-9);
    let (_, left) = filament(vec![Object::of(block(LOW, HIGH))], alone(15.0, 0.0));
    let (_, right) = filament(vec![Object::of(block(LOW, HIGH))], alone(-15.0, 0.0));
    let beside = Object::of(block([30.0, 0.0, 0.0], [50.0, 20.0, 6.0]));
    let (_, two) = filament(vec![Object::of(block(LOW, HIGH)), beside], settings());
    close(two.used.filament_mm, left.used.filament_mm + right.used.filament_mm, 1e-9);
    assert_eq!(two.layers, one.layers);
}

#[test]
fn bodies_with_the_same_settings_unite() {
    let (_, whole) = filament(vec![Object::of(block(LOW, HIGH))], settings());
    let mut object = Object::of(block(LOW, [12.0, 20.0, 6.0]));
    object.bodies.push(Body { mesh: block([8.0, 0.0, 0.0], HIGH), ..Body::default() });
    let (_, united) = filament(vec![object], settings());
    close(united.used.filament_mm, whole.used.filament_mm, 1e-6);
}

#[test]
fn a_later_body_takes_the_place_of_an_earlier_one() {
    let solid = Settings { infill_percent: 100.0, ..settings() };
    let (_, whole) = filament(vec![Object::of(block(LOW, HIGH))], solid.clone());
    let mut object = Object::of(block(LOW, HIGH));
    let other = changes(&[("outer_wall_mm_per_s", "17")]);
    object.bodies.push(Body { mesh: block([5.0, 5.0, 0.0], [15.0, 15.0, 6.0]), changes: other });
    let (_, both) = filament(vec![object], solid);
    // Walls lie along the border from both sides, and the plastic is that of the one block.
    assert!(both.used.roads > whole.used.roads);
    close(both.used.filament_mm, whole.used.filament_mm, 0.01);
}

#[test]
fn a_modifier_of_the_filling_leaves_walls_alone() {
    let (plain, _) = filament(vec![Object::of(block(LOW, HIGH))], settings());
    let half = Place::Mesh(block([10.0, -1.0, -1.0], [21.0, 21.0, 7.0]));
    let mut object = Object::of(block(LOW, HIGH));
    object
        .modifiers
        .push(Modifier { place: half, effect: Effect::Change(changes(&[("infill_percent", "40")])) });
    let (modified, _) = filament(vec![object], settings());
    for kind in [Kind::OuterWall, Kind::InnerWall] {
        close(of(&plain, kind), of(&modified, kind), 1e-12);
    }
    let (before, after) = (of(&plain, Kind::Sparse), of(&modified, Kind::Sparse));
    // Half of it is twice as dense.
    close(after / before, 1.5, 0.03);
}

#[test]
fn a_modifier_of_walls_makes_walls() {
    let half = Place::Mesh(block([10.0, -1.0, -1.0], [21.0, 21.0, 7.0]));
    let mut object = Object::of(block(LOW, HIGH));
    object.modifiers.push(Modifier { place: half, effect: Effect::Change(changes(&[("walls", "4")])) });
    let (plain, _) = filament(vec![Object::of(block(LOW, HIGH))], settings());
    let (modified, _) = filament(vec![object], settings());
    assert!(of(&modified, Kind::OuterWall) > 1.3 * of(&plain, Kind::OuterWall));
}

#[test]
fn heights_have_settings_of_their_own() {
    let solid = |low, high| Modifier {
        place: Place::Heights { low, high },
        effect: Effect::Change(changes(&[("infill_percent", "100")])),
    };
    let (plain, _) = filament(vec![Object::of(block(LOW, HIGH))], settings());
    let mut object = Object::of(block(LOW, HIGH));
    object.modifiers.push(solid(-1.0, 7.0));
    let (all, _) = filament(vec![object.clone()], settings());
    assert_eq!(of(&all, Kind::Sparse), 0.0);
    object.modifiers = vec![solid(2.0, 4.0)];
    let (some, _) = filament(vec![object], settings());
    // Layers 5 to 26 of 30 are sparse; ten of those 22 became solid.
    close(of(&some, Kind::Sparse) / of(&plain, Kind::Sparse), 12.0 / 22.0, 0.02);
}

#[test]
fn where_nothing_shall_be_is_nothing() {
    let solid = Settings { infill_percent: 100.0, ..settings() };
    let hole = block([5.0, 5.0, -1.0], [15.0, 15.0, 7.0]);
    let mut object = Object::of(block(LOW, HIGH));
    object.modifiers.push(Modifier { place: Place::Mesh(hole), effect: Effect::Remove });
    let (_, whole) = filament(vec![Object::of(block(LOW, HIGH))], solid.clone());
    let (_, holed) = filament(vec![object], solid);
    close(holed.used.filament_mm / whole.used.filament_mm, 0.75, 0.01);
}

#[test]
fn skin_looks_through_the_borders_of_modifiers() {
    // A block that is sparse above and below a border at half its height has no skin there.
    let upper = Place::Mesh(block([-1.0, -1.0, 3.0], [21.0, 21.0, 7.0]));
    let mut object = Object::of(block(LOW, HIGH));
    let faster = changes(&[("outer_wall_mm_per_s", "60"), ("inner_wall_mm_per_s", "70")]);
    object.modifiers.push(Modifier { place: upper, effect: Effect::Change(faster) });
    let (plain, _) = filament(vec![Object::of(block(LOW, HIGH))], settings());
    let (modified, _) = filament(vec![object], settings());
    close(of(&plain, Kind::Sparse), of(&modified, Kind::Sparse), 1e-9);
}
