//! Laws of regions on the grid: areas, distances, and what dropping corners may change.

use super::*;
use crate::{Point, Polyline};
use proptest::prelude::*;

fn square(x: i32, y: i32, side: i32) -> [Spot; 4] {
    [Spot::new(x, y), Spot::new(x + side, y), Spot::new(x + side, y + side), Spot::new(x, y + side)]
}

fn contours(all: &[&[Spot]]) -> Contours {
    let mut out = Contours::default();
    for c in all {
        out.add(c);
    }
    out
}

/// A star with one corner per radius, mm.
fn star(radii: &[f64]) -> Contours {
    let n = radii.len() as f64;
    let mut out = Contours::default();
    for (i, r) in radii.iter().enumerate() {
        let (sin, cos) = (i as f64 / n * std::f64::consts::TAU).sin_cos();
        out.push(Spot::from_mm(r * cos, r * sin));
    }
    out.close();
    out
}

/// Returns how far a place is from a contour, grid units.
fn distance(at: Spot, contour: &[Spot]) -> f64 {
    let point = |s: &Spot| Point::new(s.x.into(), s.y.into());
    Polyline::polygon(contour.iter().map(point)).distance_to(point(&at))
}

#[test]
fn overlapping_shells_are_one() {
    let (a, b) = (square(0, 0, 100_000), square(50_000, 50_000, 100_000));
    let mut out = Contours::default();
    Planar::default().unite(&contours(&[&a, &b]), &mut out);
    assert_eq!(out.len(), 1);
    assert!((out.area_mm2() - 175.0).abs() < 1e-9);
}

#[test]
fn a_square_shrinks_until_nothing_is_left() {
    let region = contours(&[&square(0, 0, 100_000)]);
    let (mut planar, mut out) = (Planar::default(), Contours::default());
    for (d, area) in [(10_000.0, 64.0), (40_000.0, 4.0), (49_999.0, 4e-8), (50_001.0, 0.0), (90_000.0, 0.0)] {
        planar.inset(&region, d, Corner::Sharp { limit: 2.0 }, &mut out);
        assert!((out.area_mm2() - area).abs() < 1e-9, "{d}: {}", out.area_mm2());
    }
    planar.inset(&region, -10_000.0, Corner::Sharp { limit: 2.0 }, &mut out);
    assert!((out.area_mm2() - 144.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn every_corner_of_an_inset_is_that_far_inside(
        radii in prop::collection::vec(2.0f64..10.0, 3..40), d in 0.05f64..2.0, outward: bool,
    ) {
        let region = star(&radii);
        let mut out = Contours::default();
        let signed = if outward { -d } else { d };
        let tolerance = 20.0;
        Planar::default().inset(&region, signed * PER_MM, Corner::Round { tolerance }, &mut out);
        for &spot in out.spots() {
            let off = distance(spot, region.get(0)) - d * PER_MM;
            prop_assert!(off.abs() <= tolerance + 3.0, "{off}");
            prop_assert_eq!(encloses(region.get(0), spot), !outward);
        }
        // What is deep inside stays: Monte Carlo on a lattice.
        for k in 0..400 {
            let at = Spot::from_mm(f64::from(k % 20) - 10.0, f64::from(k / 20) - 10.0);
            let inside = encloses(region.get(0), at);
            let deep = distance(at, region.get(0)) * if inside { 1.0 } else { -1.0 } - signed * PER_MM;
            let kept = out.iter().filter(|c| encloses(c, at)).count() % 2 == 1;
            prop_assert!(deep.abs() <= tolerance + 3.0 || kept == (deep > 0.0), "{at:?} {deep}");
        }
    }

    #[test]
    fn dropped_corners_are_near_what_is_left(
        radii in prop::collection::vec(9.9f64..10.0, 3..200), tolerance in 1.0f64..500.0,
    ) {
        let region = star(&radii);
        let mut out = Contours::default();
        simplify(&region, tolerance, &mut out);
        prop_assert!(out.spots().len() <= region.spots().len());
        if out.is_empty() {
            return Ok(());
        }
        for &spot in region.spots() {
            prop_assert!(distance(spot, out.get(0)) <= tolerance + 1e-6);
        }
        prop_assert!(out.spots().iter().all(|s| region.spots().contains(s)));
    }
}

/// What the sweep makes of the walks.
fn swept(walks: &Contours) -> Contours {
    let mut planar = Planar::default();
    let mut out = Contours::default();
    planar.overlay.clear();
    planar.add(walks, ShapeType::Subject);
    planar.finish(OverlayRule::Subject, &mut out);
    out
}

proptest! {
    #[test]
    fn clean_walks_are_told_from_others_and_come_to_the_same(
        squares in prop::collection::vec((0i32..40, 0i32..40, 1i32..30, any::<bool>()), 1..7),
        radii in prop::collection::vec(3.0f64..10.0, 3..40),
    ) {
        let mut walks = Contours::default();
        for (x, y, side, hole) in squares {
            // Squares often share corners and sides, lie within one another, or are wound the wrong way.
            let mut corners = square(x * 1000, y * 1000, side * 1000);
            if hole {
                corners.reverse();
            }
            walks.add(&corners);
        }
        for walks in [walks, star(&radii)] {
            let (mut fast, mut cleaner) = (Contours::default(), clean::Cleaner::default());
            if cleaner.unite(&walks, &mut fast) != Found::Touching {
                let slow = swept(&walks);
                prop_assert_eq!(fast.len(), slow.len());
                prop_assert!((fast.area_mm2() - slow.area_mm2()).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn what_an_inset_loses_is_told() {
    let (mut planar, mut out) = (Planar::default(), Contours::default());
    let corner = Corner::Round { tolerance: 50.0 };
    let mut hole = square(10_000, 10_000, 80_000);
    hole.reverse();
    let ring = contours(&[&square(0, 0, 100_000), &hole]);
    assert!(planar.inset(&ring, 4_000.0, corner, &mut out));
    assert_eq!(out.len(), 2);
    assert!(!planar.inset(&ring, 7_500.0, corner, &mut out), "too narrow for that");
    assert!(out.is_empty());
    let tip = [Spot::new(0, 0), Spot::new(100_000, 0), Spot::new(0, 50_000)];
    assert!(!planar.inset(&contours(&[&tip]), 1_000.0, corner, &mut out), "the tip has 27°");
    let step = [(0, 0), (90_000, 0), (90_000, 500), (100_000, 500), (100_000, 90_000), (0, 90_000)];
    let step: Vec<Spot> = step.iter().map(|&(x, y)| Spot::new(x, y)).collect();
    assert!(!planar.inset(&contours(&[&step]), 4_000.0, corner, &mut out), "the step is gone");
}

/// How often walks wind around a place, by angles.
fn winding_by_angles(walks: &Contours, at: Spot) -> i32 {
    let turn = |a: Spot, b: Spot| {
        let ([ax, ay], [bx, by]) = (at.to(a), at.to(b));
        (ax * by - ay * bx).atan2(ax * bx + ay * by)
    };
    let all: f64 =
        walks.iter().map(|c| (0..c.len()).map(|i| turn(c[i], c[(i + 1) % c.len()])).sum::<f64>()).sum();
    (all / std::f64::consts::TAU).round() as i32
}

proptest! {
    #[test]
    fn what_is_taken_off_is_gone_and_the_rest_stays(
        a in prop::collection::vec(2.0f64..10.0, 3..40), b in prop::collection::vec(2.0f64..10.0, 3..40),
        by in (-50_000i32..50_000, -50_000i32..50_000),
    ) {
        let (a, mut b) = (star(&a), star(&b));
        b.shift(Spot::new(by.0, by.1));
        let (mut planar, mut fast, mut slow) = (Planar::default(), Contours::default(), Contours::default());
        planar.subtract(&a, &b, &mut fast);
        planar.combine(&a, &b, Boolean::Difference, &mut slow);
        prop_assert!((fast.area_mm2() - slow.area_mm2()).abs() < 1e-2);
        prop_assert!(clean::Cleaner::default().is_clean(&fast) || fast == slow);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Walks through places drawn by lot cross themselves and one another as they like, wound either way.
    #[test]
    fn walks_that_cross_enclose_what_they_wind_around(
        lots in prop::collection::vec(prop::collection::vec((0i32..400_000, 0i32..400_000), 3..12), 1..6),
    ) {
        let mut walks = Contours::default();
        for lot in &lots {
            for &(x, y) in lot {
                walks.push(Spot::new(x, y));
            }
            walks.close();
        }
        let (mut fast, mut cleaner) = (Contours::default(), clean::Cleaner::default());
        prop_assume!(cleaner.unite(&walks, &mut fast) != Found::Touching);
        prop_assert!((fast.area_mm2() - swept(&walks).area_mm2()).abs() < 1e-2);
        for k in 0..200 {
            let at = Spot::new(k % 20 * 20_000 + 7, k / 20 * 40_000 + 3);
            if walks.iter().all(|c| distance(at, c) > 2.0) {
                let kept = winding_by_angles(&fast, at);
                prop_assert_eq!(kept, i32::from(winding_by_angles(&walks, at) > 0), "{:?}", at);
            }
        }
        // What is clean stays as it is.
        let mut again = Contours::default();
        if cleaner.is_clean(&fast) {
            prop_assert_eq!(cleaner.unite(&fast, &mut again), Found::Apart);
            prop_assert_eq!(again, fast);
        }
    }
}

#[test]
fn what_touches_is_left_to_the_sweep() {
    let mut out = Contours::default();
    let mut cleaner = clean::Cleaner::default();
    let a = square(0, 0, 100);
    for (x, y) in [(100, 0), (100, 100), (100, 30), (0, 0), (0, 50)] {
        let found = cleaner.unite(&contours(&[&a, &square(x, y, 100)]), &mut out);
        assert_eq!(found, Found::Touching, "{x} {y}");
    }
    let spike =
        [Spot::new(0, 0), Spot::new(100, 0), Spot::new(200, 0), Spot::new(100, 0), Spot::new(100, 100)];
    assert_eq!(cleaner.unite(&contours(&[&spike]), &mut out), Found::Touching);
    // Three edges through one place.
    let (left, right) = ([Spot::new(-50, 0), Spot::new(50, 100)], [Spot::new(50, 0), Spot::new(-50, 100)]);
    let star = [left[0], left[1], Spot::new(0, -90), Spot::new(1, 190), right[0], right[1]];
    let through = [Spot::new(0, -90), Spot::new(0, 190), Spot::new(-400, 50)];
    assert_eq!(cleaner.unite(&contours(&[&star, &through]), &mut out), Found::Touching);
    let apart = contours(&[&a, &square(101, 0, 50), &square(10, 10, 50)]);
    assert_eq!(cleaner.unite(&apart, &mut out), Found::Apart);
    assert_eq!(out.len(), 2);
    assert_eq!(cleaner.unite(&contours(&[&a, &square(50, 50, 100)]), &mut out), Found::Crossing);
    assert_eq!(out.len(), 1);
}
