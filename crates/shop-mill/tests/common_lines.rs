//! Laws of milling contours one tool diameter apart with one slot.
#![allow(missing_docs, reason = "tests")]

use crate::sheet::{bite, grid, is_connected, samples, sharing};
use proptest::prelude::*;
use shop_cam::machine::MachineKind;
use shop_geom::{Polyline, Segment};
use shop_mill::{Direction, Options, plan};
use shop_report::Silent;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn grids_are_milled_with_single_slots(
        columns in 1..5usize, rows in 1..5usize, w in 6.0..20.0f64, h in 6.0..20.0f64,
        tool in 1.0..6.0f64, conventional: bool,
    ) {
        let (made, settings) = sharing(MachineKind::Router, tool, grid(columns, rows, (w, h), tool, 0.0));
        let mut options = Options::new(&settings);
        options.direction = if conventional { Direction::Conventional } else { Direction::Climb };
        let plan = plan(&made, &settings, &options, &Silent).expect("nobody cancels");
        prop_assert!(plan.diagnostics.iter().all(|d| d.severity != shop_report::Severity::Error));
        let all: Vec<Polyline> = made.profiles.iter().map(|p| p.contour.clone()).collect();
        let mut cut: Vec<Segment> = Vec::new();
        for pass in plan.toolpaths.iter().flat_map(|t| &t.passes) {
            prop_assert!(is_connected(pass));
            let mut z = pass.z;
            for p in &pass.pieces {
                if z <= -settings.depth + 1e-9 && p.z <= -settings.depth + 1e-9 {
                    cut.push(p.segment);
                }
                z = p.z;
            }
            for p in samples(pass.pieces.iter().map(|p| p.segment), 0.25) {
                prop_assert!(bite(&all, tool / 2.0, p) < 2e-3, "bites at {p}");
            }
        }
        for contour in &all {
            for p in samples(contour.segments(), 0.5) {
                let d = cut.iter().map(|s| s.distance_to(p)).fold(f64::INFINITY, f64::min);
                prop_assert!(d < tool / 2.0 + 2e-3, "{d} left at {p}");
            }
        }
        let shared = ((columns - 1) * rows) as f64 * 2.0 * h + (columns * (rows - 1)) as f64 * 2.0 * w;
        let saved = plan.figures.sharing;
        prop_assert!(saved.length >= shared - f64::from(saved.kerf_starts) * 1.01 * tool - 1e-6);
        prop_assert_eq!(i64::from(plan.figures.plunges), (columns * rows) as i64 - i64::from(saved.pierces));
    }
}
