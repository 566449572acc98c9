//! What must hold for everything that fills a layer: as dense as was asked for, within the walls, joined along them.

use proptest::prelude::*;
use shop_geom::planar::{Contours, PER_MM, Spot, encloses};
use shop_print::facets::Levels;
use shop_print::job::Job;
use shop_print::patterns::{Space, Weft};
use shop_print::roads::Roads;
use shop_print::rows::{Frame, Rows, Scanner};
use shop_print::settings::{Pattern, Settings};
use std::sync::Arc;

const PATTERNS: [Pattern; 6] = [
    Pattern::Rectilinear,
    Pattern::Grid,
    Pattern::Triangles,
    Pattern::Cubic,
    Pattern::Gyroid,
    Pattern::Concentric,
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
    Weft::default().fill(job, &Space { layer, inside, taken }, Spot::default(), &mut roads);
    roads
}

fn length(roads: &Roads) -> f64 {
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
            let sum: f64 = layers.iter().map(|l| length(&lines(&job, *l, &round, None))).sum();
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
        let added = length(&joined) - length(&apart);
        assert!(added > 0.0 && added < 60.0 * std::f64::consts::PI, "{pattern:?} {added}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_stay_inside_and_off_what_is_taken(
        radii in prop::collection::vec(4.0f64..15.0, 3..24),
        hole in prop::collection::vec(1.0f64..3.5, 3..9),
        solid in (prop::collection::vec(2.0f64..9.0, 3..9), -10.0f64..10.0, -10.0f64..10.0),
        pattern in 0usize..6, percent in 10.0f64..60.0, link in 0.0f64..30.0, layer in 0usize..400,
    ) {
        let mut region = Contours::default();
        star(&radii, [0.0; 2], &mut region);
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
        Scanner::default().scan(&block, &frame, &mut rows);
        let job = job(PATTERNS[pattern], percent, link);
        let roads = lines(&job, layer, &region, Some((&rows, &frame)));
        for road in roads.roads() {
            for w in roads.spots(road).windows(2) {
                let middle = Spot::new(i32::midpoint(w[0].x, w[1].x), i32::midpoint(w[0].y, w[1].y));
                let near = |s: Spot| (0..region.len()).map(|i| distance(s, region.get(i))).fold(f64::MAX, f64::min);
                // Waves are scanned along edges cut as fine as they are themselves.
                let slack = if pattern == 4 { 0.15 * PER_MM } else { 5.0 };
                for s in [w[0], middle, w[1]] {
                    let inside = encloses(&first, s) && !encloses(&walk, s);
                    prop_assert!(inside || near(s) < slack, "{:?} {}", s, near(s));
                }
                let mut length = 0.0;
                rows.along(&frame, w[0], w[1], |a, b| length += (b - a) * w[0].distance(w[1]));
                prop_assert!(length <= 0.51 * frame.pitch(), "{}", length);
            }
        }
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
