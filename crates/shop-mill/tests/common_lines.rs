//! Laws of milling contours one tool diameter apart with one slot.
#![allow(missing_docs, reason = "tests")]

use crate::planned_with;
use crate::sheet::{at_depth, bite, contours, grid, is_connected, nearest, passes, samples, sharing, walk};
use proptest::prelude::*;
use shop_cam::machine::MachineKind;
use shop_mill::{Direction, Options};

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
        let plan = planned_with(&made, &settings, &options);
        prop_assert!(plan.diagnostics.iter().all(|d| d.severity != shop_report::Severity::Error));
        let all = contours(&made);
        let cut = at_depth(&plan.toolpaths, -settings.depth);
        for pass in passes(&plan.toolpaths) {
            prop_assert!(is_connected(pass));
            for p in walk(pass, 0.25) {
                prop_assert!(bite(&all, tool / 2.0, p) < 2e-3, "bites at {p}");
            }
        }
        for contour in &all {
            for p in samples(contour.segments(), 0.5) {
                let d = nearest(&cut, p);
                prop_assert!(d < tool / 2.0 + 2e-3, "{d} left at {p}");
            }
        }
        let shared = ((columns - 1) * rows) as f64 * 2.0 * h + (columns * (rows - 1)) as f64 * 2.0 * w;
        let saved = plan.figures.sharing;
        prop_assert!(saved.length >= shared - f64::from(saved.kerf_starts) * 1.01 * tool - 1e-6);
        prop_assert_eq!(i64::from(plan.figures.plunges), (columns * rows) as i64 - i64::from(saved.pierces));
    }
}
