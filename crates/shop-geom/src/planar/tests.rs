//! Laws of regions on the grid: areas, distances, and what dropping corners may change.

use super::*;
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

fn distance(at: Spot, contour: &[Spot]) -> f64 {
    let mut least = f64::INFINITY;
    for i in 0..contour.len() {
        let (a, b) = (contour[i], contour[(i + 1) % contour.len()]);
        let ([ax, ay], [bx, by]) = (a.to(at), a.to(b));
        let t = ((ax * bx + ay * by) / (bx * bx + by * by).max(1e-9)).clamp(0.0, 1.0);
        least = least.min((ax - t * bx).hypot(ay - t * by));
    }
    least
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
