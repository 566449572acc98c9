//! Laws of cutting contours one kerf apart with one line.
#![allow(missing_docs, reason = "tests")]

use crate::sheet::{
    bite, contour, contours, cut, grid, is_connected, job, nearest, passes, pieces, samples, sharing, walk,
};
use crate::{planned, planned_with};
use proptest::prelude::*;
use shop_cam::feature::Operations;
use shop_cam::machine::MachineKind;
use shop_cam::settings::Settings;
use shop_cut::{CornerStyle, Options, Plan};
use shop_geom::{Point, Polyline, Segment};

const TOLERANCE: f64 = 2e-3;

/// Everything is cut free, nothing that stays is touched, and holes come before any outline.
fn check(made: &Operations, settings: &Settings, plan: &Plan) -> Result<(), TestCaseError> {
    let (all, radius) = (contours(made), settings.diameter / 2.0);
    let mut cut: Vec<Segment> = Vec::new();
    let mut outlines = false;
    for pass in passes(&plan.toolpaths) {
        prop_assert!(is_connected(pass));
        for p in walk(pass, 0.25) {
            prop_assert!(bite(&all, radius, p) < TOLERANCE, "bites {} at {p}", bite(&all, radius, p));
        }
        let own = pieces(pass);
        let (start, end) = (own[0].start(), own[own.len() - 1].end());
        let inner = made.profiles.iter().any(|p| p.depth == 1 && p.contour.bounds().contains(start));
        prop_assert!(!(inner && outlines), "a hole after an outline");
        outlines |= !inner;
        // An open cut starts and ends in a kerf that is there already.
        if (end - start).norm() > 1e-9 {
            prop_assert!(nearest(&cut, start) < TOLERANCE && nearest(&cut, end) < TOLERANCE);
        }
        cut.extend(own);
    }
    for profile in &made.profiles {
        for p in samples(profile.contour.segments(), 0.5) {
            let d = nearest(&cut, p);
            prop_assert!(d < radius + TOLERANCE, "{} left at {p}", d - radius);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn grids_are_cut_with_single_lines(
        columns in 1..6usize, rows in 1..6usize, w in 4.0..20.0f64, h in 4.0..20.0f64,
        kerf in 0.1..2.0f64, off in -0.0015..0.0015f64, holes: bool, plasma: bool, corner in 0..3u8,
    ) {
        let kind = if plasma { MachineKind::Plasma } else { MachineKind::Laser };
        let (made, settings) = sharing(kind, kerf, grid(columns, rows, (w, h), kerf + off, if holes { 2.5 } else { 0.0 }));
        let mut options = Options::new(&settings);
        options.corner = [CornerStyle::Round, CornerStyle::Sharp, CornerStyle::Loop { length: 2.0 }][usize::from(corner)];
        let plan = planned_with(&made, &settings, &options);
        prop_assert!(plan.diagnostics.iter().all(|d| d.severity != shop_report::Severity::Error));
        check(&made, &settings, &plan)?;
        let saved = plan.figures.sharing;
        let shared = ((columns - 1) * rows) as f64 * 2.0 * h + (columns * (rows - 1)) as f64 * 2.0 * w;
        if columns * rows > 1 {
            prop_assert_eq!(saved.contours as usize, columns * rows);
        }
        // Every open cut runs on into the kerf by half a kerf at either end; corners that need no cut are a gain.
        let starts = f64::from(saved.kerf_starts);
        prop_assert!(saved.length >= shared - starts * 1.01 * (kerf + off.abs()) - 1e-6, "{} of {shared}", saved.length);
        prop_assert!(saved.length <= shared + (columns * rows) as f64 * 4.0 * kerf);
        let whole = if holes { 2 } else { 1 } * columns * rows;
        prop_assert_eq!(i64::from(plan.figures.pierces), whole as i64 - i64::from(saved.pierces));
        prop_assert!(saved.pierces >= 0, "{} in a grid", saved.pierces);
    }

    /// A part in a hole, one kerf smaller: one circle cuts both.
    #[test]
    fn rings_in_each_other_are_cut_with_one_circle(radius in 5.0..30.0f64, kerf in 0.1..2.0f64) {
        let mut f = grid(1, 1, (40.0, 40.0), 0.0, radius);
        let inner = Polyline::circle(Point::origin(), radius - kerf);
        f.contours.push(contour(inner, 2, Some(1)));
        let (made, settings) = sharing(MachineKind::Laser, kerf, f);
        let plan = planned(&made, &settings);
        prop_assert_eq!((plan.figures.pierces, plan.figures.sharing.pierces), (2, 1));
        let all = contours(&made);
        for p in samples(cut(&plan.toolpaths), 0.25) {
            prop_assert!(bite(&all, kerf / 2.0, p) < TOLERANCE);
        }
    }
}

/// A large grid is the case that pays: half the cells are set free by the others, but for the edge of the grid.
#[test]
fn half_of_a_large_grid_needs_no_cut_of_its_own() {
    let (made, settings) = sharing(MachineKind::Laser, 0.5, grid(10, 10, (10.0, 8.0), 0.5, 0.0));
    let plan = planned(&made, &settings);
    // 50 cells all around, and of the others the 18 on the edge.
    assert_eq!(plan.figures.pierces, 68);
    assert_eq!(plan.figures.without_lead, 0, "every cell begins in waste or in a kerf");
}

/// The hint of a plan that complains of `code`.
fn hint((made, settings): &(Operations, Settings), code: &str) -> String {
    let said = planned(made, settings).diagnostics;
    let found = said.into_iter().find(|d| d.code == code).expect("is said");
    found.hint.expect("what to do")
}

#[test]
fn without_being_asked_nobody_shares() {
    let job = job(MachineKind::Plasma, 1.0, grid(2, 1, (10.0, 10.0), 1.0, 0.0));
    let hint = hint(&job, "cut/gap-narrower-than-kerf");
    assert!(hint.contains("--common-lines"), "{hint}");
}

#[test]
fn an_edge_of_two_parts_has_no_room_for_a_cut() {
    let hint =
        hint(&sharing(MachineKind::Plasma, 1.0, grid(2, 1, (10.0, 10.0), 0.0, 0.0)), "cut/edge-shared");
    assert!(hint.contains("1 mm"), "{hint}");
}

#[test]
fn a_gap_that_is_a_little_too_narrow_is_refused() {
    for gap in [0.4, 0.9, 0.996] {
        let job = sharing(MachineKind::Plasma, 1.0, grid(2, 2, (10.0, 10.0), gap, 0.0));
        let hint = hint(&job, "cut/gap-narrower-than-kerf");
        assert!(hint.contains("0.003"), "{hint}");
    }
}
