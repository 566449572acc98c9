//! What is done to a layer's region before walls follow it: cracks closed, contours and holes moved, the foot taken in.
//!
//! All of it is off unless asked for, and costs nothing then.

use crate::job::Job;
use crate::settings::Fuzzy;
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar};

/// Straightening of contours that no proof sees, mm.
const NO_MATTER_MM: f64 = 0.02;
/// Corners of right angles, and a little sharper ones, stay corners when contours are moved; tips are cut off, so that
/// nothing goes farther than so many times what was asked for.
const FARTHEST: f64 = 1.5;
const CORNER: Corner = Corner::Sharp { limit: FARTHEST };

/// True when a region of this layer is not left as it is.
pub fn changes(job: &Job, layer: usize) -> bool {
    let s = &job.settings;
    s.closing_mm > 0.0 || s.xy_growth_mm != 0.0 || s.hole_growth_mm != 0.0 || foot(job, layer) > 0.0
}

/// Returns how far the region of a layer is taken in against the foot of an elephant, grid units.
fn foot(job: &Job, layer: usize) -> f64 {
    let s = &job.settings;
    let layers = s.elephant_foot_layers as usize;
    if layer >= layers {
        return 0.0;
    }
    s.elephant_foot_mm * PER_MM * (layers - layer) as f64 / layers as f64
}

/// Returns how far outwards of its mesh contours of a part lie on purpose at least and at most, mm; negative inwards.
pub fn moved_mm(job: &Job, layer: usize) -> [f64; 2] {
    let s = &job.settings;
    // Holes are moved with the rest, and beyond it.
    let (outer, hole) = (s.xy_growth_mm, s.xy_growth_mm - s.hole_growth_mm);
    let rough = if s.fuzzy == Fuzzy::Off { 0.0 } else { s.fuzzy_mm };
    // A finer straightening than this is not seen.
    let rough = rough + (s.resolution_mm - NO_MATTER_MM).max(0.0);
    let most = outer.max(hole);
    // Beyond corners it is farther.
    let most = if most > 0.0 { FARTHEST * most } else { most };
    [outer.min(hole) - rough - foot(job, layer) / PER_MM, most + rough]
}

/// Changes a region of a layer as the settings want it.
pub fn fit(job: &Job, layer: usize, planar: &mut Planar, region: &mut Contours) {
    let s = &job.settings;
    let mut room = Contours::default();
    if s.closing_mm > 0.0 {
        planar.inset(region, -s.closing_mm * PER_MM, CORNER, &mut room);
        planar.inset(&room, s.closing_mm * PER_MM, CORNER, region);
    }
    let (outer, hole) = (-s.xy_growth_mm * PER_MM, (s.hole_growth_mm - s.xy_growth_mm) * PER_MM);
    if outer != 0.0 || hole != 0.0 {
        planar.inset_each(region, outer, hole, CORNER, &mut room);
        std::mem::swap(region, &mut room);
    }
    let foot = foot(job, layer);
    if foot > 0.0 {
        take_in(region, foot, 0.5 * job.wall_rules(layer).width, planar);
    }
}

/// Moves contours inwards but where nothing would be left to lay a road in.
fn take_in(region: &mut Contours, by: f64, half_road: f64, planar: &mut Planar) {
    let (mut core, mut wide, mut narrow) = (Contours::default(), Contours::default(), Contours::default());
    let deep = by + half_road;
    planar.inset(region, deep, CORNER, &mut core);
    planar.inset(&core, -deep, CORNER, &mut wide);
    planar.combine(region, &wide, Boolean::Difference, &mut narrow);
    planar.inset(region, by, CORNER, &mut core);
    planar.combine(&core, &narrow, Boolean::Union, region);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facets::Levels;
    use crate::settings::Settings;
    use shop_geom::planar::Spot;
    use std::sync::Arc;

    /// A plate 20 mm wide with a hole 10 mm wide, and a fin 0.5 mm thick beside it.
    fn plate() -> Contours {
        let square = |x: f64, w: f64, h: f64| {
            [[x, -h], [x + w, -h], [x + w, h], [x, h]].map(|[x, y]| Spot::from_mm(x, y))
        };
        let mut region = Contours::default();
        region.add(&square(-10.0, 20.0, 10.0));
        let mut hole = square(-5.0, 10.0, 5.0);
        hole.reverse();
        region.add(&hole);
        region.add(&square(15.0, 0.5, 10.0));
        region
    }

    fn area(settings: Settings, layer: usize) -> f64 {
        let levels = Arc::new(Levels::even(5.0, 0.2, 0.2));
        let job = Job::new(settings, levels, 1.75);
        let mut region = plate();
        assert_eq!(changes(&job, layer), settings_change(&job, layer));
        fit(&job, layer, &mut Planar::default(), &mut region);
        region.area_mm2()
    }

    fn settings_change(job: &Job, layer: usize) -> bool {
        let s = &job.settings;
        let neutral = Settings::default();
        s.xy_growth_mm != neutral.xy_growth_mm
            || s.hole_growth_mm != neutral.hole_growth_mm
            || s.closing_mm != neutral.closing_mm
            || (s.elephant_foot_mm > 0.0 && layer < s.elephant_foot_layers as usize)
    }

    #[test]
    fn contours_and_holes_are_moved_by_what_is_said() {
        let with = |change: fn(&mut Settings)| {
            let mut s = Settings::default();
            change(&mut s);
            area(s, 3)
        };
        let fin = |by: f64| (0.5 + 2.0 * by) * (20.0 + 2.0 * by);
        assert!((with(|_| ()) - (400.0 - 100.0 + fin(0.0))).abs() < 1e-6);
        let grown = 20.2 * 20.2 - 9.8 * 9.8 + fin(0.1);
        assert!((with(|s| s.xy_growth_mm = 0.1) - grown).abs() < 1e-3);
        let holes = 400.0 - 10.2 * 10.2 + fin(0.0);
        assert!((with(|s| s.hole_growth_mm = 0.1) - holes).abs() < 1e-3);
    }

    #[test]
    fn tips_go_no_farther_than_is_said() {
        let s = Settings { xy_growth_mm: 0.8, ..Settings::default() };
        let job = Job::new(s, Arc::new(Levels::even(5.0, 0.2, 0.2)), 1.75);
        let most = moved_mm(&job, 3)[1];
        for degrees in [5.0f64, 30.0, 60.0, 70.0, 80.0, 84.0] {
            let half = 10.0 * (0.5 * degrees.to_radians()).tan();
            let mut region = Contours::default();
            region.add(&[[0.0, -half], [10.0, 0.0], [0.0, half]].map(|[x, y]| Spot::from_mm(x, y)));
            fit(&job, 3, &mut Planar::default(), &mut region);
            let far = region.spots().iter().map(|s| s.mm()[0] - 10.0).fold(f64::MIN, f64::max);
            assert!(far <= most + 1e-3, "{degrees}: {far} {most}");
        }
    }

    #[test]
    fn the_foot_is_taken_in_layer_by_layer_and_fins_stay() {
        let with = |layer: usize| {
            let s = Settings { elephant_foot_mm: 0.2, elephant_foot_layers: 2, ..Settings::default() };
            area(s, layer)
        };
        let fin = 0.5 * 20.0;
        assert!((with(0) - (19.6 * 19.6 - 10.4 * 10.4 + fin)).abs() < 1e-3, "{}", with(0));
        assert!((with(1) - (19.8 * 19.8 - 10.2 * 10.2 + fin)).abs() < 1e-3);
        assert!((with(2) - (300.0 + fin)).abs() < 1e-6);
    }

    #[test]
    fn cracks_are_closed() {
        let half = |x: i32| {
            [[x, 0], [x + 50_000, 0], [x + 50_000, 50_000], [x, 50_000]].map(|[x, y]| Spot::new(x, y))
        };
        let mut region = Contours::default();
        region.add(&half(0));
        region.add(&half(50_400));
        let job = Job::new(
            Settings { closing_mm: 0.03, ..Settings::default() },
            Arc::new(Levels::even(5.0, 0.2, 0.2)),
            1.75,
        );
        fit(&job, 1, &mut Planar::default(), &mut region);
        assert_eq!(region.len(), 1);
        assert!((region.area_mm2() - 5.0 * 10.04).abs() < 1e-2);
    }
}
