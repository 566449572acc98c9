//! Layers of different heights in one print, as height ranges and objects want them.
//!
//! All objects share their layers, so the lowest height that any of them wants holds for all. A layer that would reach
//! across the end of a range stops there, unless that left less than half of it.
//!
//! ```text
//!   z  ▔▔▔▔▔▔▔▔  0.2
//!   9  ▔▔▔▔▔▔▔▔  ┐ a range with layers of its own
//!      ▔▔▔▔▔▔▔▔  │ 0.1
//!   7  ▔▔▔▔▔▔▔▔  ┘
//!      ▔▔▔▔▔▔▔▔  0.2
//! ```

use crate::facets::Levels;
use crate::model::{Effect, Object, Place};
use crate::settings::Settings;

/// Heights this close to one another are the same, mm.
const NEAR_MM: f64 = 1e-6;

/// What one object wants, mm.
#[derive(Clone, Debug, PartialEq)]
struct Wish {
    /// Its upper end.
    top: f64,
    /// Height of its layers.
    height: f64,
    /// Lower end, upper end and height of layers of its ranges; later ones win.
    ranges: Vec<[f64; 3]>,
}

impl Wish {
    fn of(object: &Object, shift: f64, settings: &Settings) -> Option<Wish> {
        let mut own = settings.clone();
        object.changes.apply_some(&mut own, |key| key == "layer_height_mm");
        let mut ranges = Vec::new();
        for modifier in &object.modifiers {
            if let (Place::Heights { low, high }, Effect::Change(changes)) =
                (&modifier.place, &modifier.effect)
                && changes.keys().any(|key| key == "layer_height_mm")
            {
                let mut there = own.clone();
                changes.apply_some(&mut there, |key| key == "layer_height_mm");
                ranges.push([low + shift, high + shift, there.layer_height_mm]);
            }
        }
        let top = object.bounds()?[1][2] + shift;
        Some(Wish { top, height: own.layer_height_mm, ranges })
    }

    /// Returns the height of the layer that begins at `bottom`; nothing above the object.
    fn at(&self, bottom: f64) -> Option<f64> {
        let holds = |r: &&[f64; 3]| r[0] <= bottom + NEAR_MM && bottom + NEAR_MM < r[1];
        (bottom + NEAR_MM < self.top)
            .then(|| self.ranges.iter().rev().find(holds).map_or(self.height, |range| range[2]))
    }
}

/// Returns the layers of objects that are moved `shift` mm upwards and are `height` mm tall together.
pub fn layers(objects: &[Object], shift: f64, height: f64, settings: &Settings) -> Levels {
    let mut wishes: Vec<Wish> = Vec::new();
    for wish in objects.iter().filter_map(|o| Wish::of(o, shift, settings)) {
        // Objects that want the same count once.
        match wishes.iter_mut().find(|w| w.height == wish.height && w.ranges == wish.ranges) {
            Some(same) => same.top = same.top.max(wish.top),
            None => wishes.push(wish),
        }
    }
    let (first, usual) = (settings.first_layer_height_mm, settings.layer_height_mm);
    if wishes.iter().all(|w| w.height == usual && w.ranges.is_empty()) {
        return Levels::even(height, first, usual);
    }
    let mut ends: Vec<f64> = wishes.iter().flat_map(|w| &w.ranges).flat_map(|r| [r[0], r[1]]).collect();
    ends.sort_by(f64::total_cmp);
    let mut tops = vec![first];
    while let Some(&bottom) = tops.last() {
        let wanted = wishes.iter().filter_map(|w| w.at(bottom)).reduce(f64::min).unwrap_or(usual);
        if bottom + 0.5 * wanted >= height || tops.len() >= Levels::MOST {
            break;
        }
        let next = ends.partition_point(|end| *end < bottom + 0.5 * wanted - NEAR_MM);
        let top = ends.get(next).map_or(bottom + wanted, |end| end.min(bottom + wanted));
        tops.push((top / NEAR_MM).round() * NEAR_MM);
    }
    Levels::of_tops(tops, height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Changes, Modifier};
    use shop_geom::mesh::{Mesh, Point3};

    /// An object 10 mm tall that begins 1 mm below zero, with ranges of its own.
    fn object(ranges: &[[f64; 3]], own: Option<f64>) -> Object {
        let points = [[0.0, 0.0, -1.0], [9.0, 0.0, -1.0], [0.0, 9.0, 9.0]].map(Point3::from).to_vec();
        let mut object = Object::of(Mesh { points, triangles: vec![[0, 1, 2]] });
        let high = |mm: f64| {
            let mut changes = Changes::default();
            changes.add("layer_height_mm", &mm.to_string()).expect("sound");
            changes
        };
        object.changes = own.map(high).unwrap_or_default();
        object.modifiers = ranges
            .iter()
            .map(|r| Modifier {
                place: Place::Heights { low: r[0] - 1.0, high: r[1] - 1.0 },
                effect: Effect::Change(high(r[2])),
            })
            .collect();
        object
    }

    fn levels(objects: &[Object]) -> Levels {
        layers(objects, 1.0, 10.0, &Settings::default())
    }

    #[test]
    fn layers_of_a_range_have_its_height_and_end_with_it() {
        let levels = levels(&[object(&[[7.0, 9.05, 0.1]], None)]);
        for i in 1..levels.len() {
            let bottom = levels.top(i) - levels.height(i);
            let wanted = match bottom {
                z if z > 9.0 - 1e-3 && z < 9.05 - 1e-3 => 0.05,
                z if z > 7.0 - 1e-3 && z < 9.05 - 1e-3 => 0.1,
                _ => 0.2,
            };
            assert!((levels.height(i) - wanted).abs() < 1e-5, "{bottom}: {}", levels.height(i));
        }
        assert!((levels.top(levels.len() - 1) - 10.05).abs() < 1e-5);
    }

    #[test]
    fn the_lowest_height_holds_and_even_ones_stay_as_they_are() {
        assert_eq!(levels(&[object(&[], None), object(&[], None)]), Levels::even(10.0, 0.2, 0.2));
        let both = levels(&[object(&[], Some(0.3)), object(&[[0.0, 5.0, 0.1]], None)]);
        for i in 1..both.len() {
            let wanted = if both.top(i) < 5.0 + 1e-3 { 0.1 } else { 0.2 };
            assert!((both.height(i) - wanted).abs() < 1e-5, "{}", both.top(i));
        }
        let one = levels(&[object(&[], Some(0.3))]);
        assert!((1..one.len()).all(|i| (one.height(i) - 0.3).abs() < 1e-5));
    }
}
