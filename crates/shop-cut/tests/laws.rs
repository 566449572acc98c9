//! Laws that every plan for a beam keeps, on random sheets, checked by brute force.
#![allow(missing_docs, reason = "tests")]

use crate::sheet::{
    Shape, asked, bite, contour, contours, cut, distance, features, is_connected, job, nearest, passes,
    pieces, samples, sheet, walk,
};
use crate::{planned, planned_with};
use proptest::prelude::*;
use shop_cam::canon::{Command, Role, Torch};
use shop_cam::feature::{Features, OpenLine, Operations, TabRule};
use shop_cam::machine::MachineKind;
use shop_cam::settings::Settings;
use shop_cam::toolpath::{Pass, PieceKind, lower};
use shop_cut::{AvoidLoose, CornerStyle, Options, Plan, ThermalRule};
use shop_geom::{Point, Polyline, Segment};

const TOLERANCE: f64 = 2e-3;

/// Everything that is true of every plan, whatever the options.
fn check(operations: &Operations, settings: &Settings, plan: &Plan) -> Result<(), TestCaseError> {
    let (all, radius) = (contours(operations), settings.diameter / 2.0);
    let mut burnt: Vec<Segment> = Vec::new();
    let mut done: Vec<usize> = Vec::new();
    for pass in passes(&plan.toolpaths) {
        prop_assert!(is_connected(pass));
        let pierce = pass.start().expect("no pass is empty");
        // The pierce is in the waste, as clear as the plan says, and on no old kerf.
        prop_assert!(bite(&all, radius, pierce) < TOLERANCE);
        if let Some(clearance) = pass.clearance {
            prop_assert!(bite(&all, radius, pierce) < TOLERANCE - clearance);
            let old = nearest(&burnt, pierce);
            prop_assert!(old > 0.999 * radius, "pierce {old} mm from an old kerf");
        }
        // Nothing of the pass touches what stays.
        for p in walk(pass, 0.25) {
            let b = bite(&all, radius, p);
            prop_assert!(b < TOLERANCE, "bites {b} at {p}");
        }
        burnt.extend(pass.pieces.iter().map(|p| p.segment));
        // Inner before outer: what is cut now does not lie in anything cut free before.
        let middle = pieces(pass)[0].point_at(0.5);
        let own =
            (0..all.len()).min_by(|&a, &b| all[a].distance_to(middle).total_cmp(&all[b].distance_to(middle)));
        let own = own.expect("a sheet has contours");
        let mut around = operations.profiles[own].parent;
        while let Some(p) = around {
            prop_assert!(!done.contains(&(p as usize)), "contour {own} after {p} around it");
            around = operations.profiles[p as usize].parent;
        }
        done.push(own);
    }
    Ok(())
}

/// Every contour is cut along its whole length.
fn check_whole(operations: &Operations, settings: &Settings, plan: &Plan) -> Result<(), TestCaseError> {
    let cut = cut(&plan.toolpaths);
    for profile in &operations.profiles {
        for p in samples(profile.contour.segments(), 0.5) {
            let d = nearest(&cut, p);
            // A concave corner is out of reach by (√2 − 1) of the radius.
            let at_corner = profile.contour.vertices.iter().any(|v| (v.point - p).norm() < settings.diameter);
            let corner = if at_corner { 0.415 } else { 0.0 };
            prop_assert!(d < settings.diameter / 2.0 * (1.0 + corner) + TOLERANCE, "{d} left at {p}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn torches_and_beams_touch_nothing_that_stays(parts in sheet(1.2), gap in 0.0..8.0f64, plasma: bool, loops: bool) {
        let kind = if plasma { MachineKind::Plasma } else { MachineKind::Laser };
        let (made, settings) = job(kind, if plasma { 1.0 } else { 0.2 }, features(&parts, gap - 14.0));
        let mut options = Options::new(&settings);
        if loops {
            options.corner = CornerStyle::Loop { length: 2.0 };
        }
        options.lead_out = if loops { 0.0 } else { 0.5 };
        let plan = planned_with(&made, &settings, &options);
        check(&made, &settings, &plan)?;
        check_whole(&made, &settings, &plan)?;
        prop_assert_eq!(plan.figures.contours as usize, made.profiles.len());
    }

    /// Another place, the same plan there; and any number of threads gives the same.
    #[test]
    fn a_plan_moves_with_its_sheet(parts in sheet(1.2), dx in -50.0..50.0f64) {
        let (made, settings) = job(MachineKind::Plasma, 1.2, features(&parts, 0.0));
        let options = Options { start: Point::new(-20.0, -20.0), ..Options::new(&settings) };
        let here = planned_with(&made, &settings, &options);
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
        let again = alone.install(|| planned_with(&made, &settings, &options));
        prop_assert_eq!(&here, &again);
        let mut moved = made.clone();
        for p in &mut moved.profiles {
            p.contour = p.contour.mapped(false, |q| Point::new(q.x + dx, q.y));
        }
        let options = Options { start: Point::new(dx - 20.0, -20.0), ..options };
        let there = planned_with(&moved, &settings, &options);
        prop_assert_eq!(here.figures.pierces, there.figures.pierces);
        prop_assert!((here.figures.cut_length - there.figures.cut_length).abs() < 0.05);
    }

    /// Tabs leave what they should and nothing else.
    #[test]
    fn tabs_hold(parts in sheet(1.2), plasma: bool, count in 1..6u32) {
        let kind = if plasma { MachineKind::Plasma } else { MachineKind::Laser };
        let tabs = Some(TabRule { count, spacing: 1e9, width: 1.0, height: 1.0 });
        let kerf = if plasma { 1.0 } else { 0.2 };
        let (made, settings) = asked(kind, kerf, features(&parts, 0.0), |o| o.tabs = tabs);
        let plan = planned(&made, &settings);
        check(&made, &settings, &plan)?;
        let cut = cut(&plan.toolpaths);
        for tab in made.profiles.iter().flat_map(|p| &p.tabs) {
            let d = nearest(&cut, tab.at);
            prop_assert!(d > tab.width / 2.0, "only {d} left at a tab");
        }
    }
}

/// After a tab the torch pierces in the waste again, not on the part's edge.
#[test]
fn every_pierce_after_a_tab_has_a_lead() {
    for kind in [MachineKind::Plasma, MachineKind::Laser] {
        let tabs = Some(TabRule { count: 4, spacing: 1e9, width: 3.0, height: 1.0 });
        let (made, settings) = asked(kind, 1.0, plate(1, 60.0), |o| o.tabs = tabs);
        let plan = planned(&made, &settings);
        let tabs: usize = made.profiles.iter().map(|p| p.tabs.len().max(1)).sum();
        assert_eq!(passes(&plan.toolpaths).len(), tabs);
        for pass in passes(&plan.toolpaths) {
            assert!(pass.length_of(PieceKind::LeadIn) > 1.0, "{kind:?}");
            assert!(pass.clearance.is_some_and(|c| c > 0.9), "{:?}", pass.clearance);
        }
        assert_eq!(plan.figures.without_lead, 0);
    }
}

/// A plate of holes closer together than the rule allows.
fn plate(n: usize, pitch: f64) -> Features {
    let mut f = features(&[], 0.0);
    let side = n as f64 * pitch;
    let corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)].map(|(x, y)| Point::new(x, y));
    f.contours.push(contour(Polyline::polygon(corners), 0, None));
    for i in 0..n * n {
        let at = Point::new(((i % n) as f64 + 0.5) * pitch, ((i / n) as f64 + 0.5) * pitch);
        f.contours.push(contour(Polyline::circle(at, 2.0), 1, Some(0)));
    }
    f
}

#[test]
fn pierces_keep_apart_while_hot() {
    let (made, settings) = job(MachineKind::Plasma, 1.0, plate(8, 8.0));
    let mut options = Options::new(&settings);
    options.thermal = Some(ThermalRule { distance: 12.0, window_s: 1.0 });
    let plan = planned_with(&made, &settings, &options);
    let thermal = plan.figures.thermal.expect("the rule is on");
    assert!(thermal.breaches <= 2, "{thermal:?}");
    let (last, outline) = (passes(&plan.toolpaths), 8.0 * 64.0 / 2.0);
    assert!(last[last.len() - 1].length_of(PieceKind::Cut) >= outline, "the outline comes last");
}

#[test]
fn small_holes_are_slow_and_keep_their_height() {
    let (made, settings) = job(MachineKind::Plasma, 1.0, plate(2, 20.0));
    let plan = planned(&made, &settings);
    assert_eq!((plan.figures.small_holes, plan.figures.parts), (4, 1));
    let all = passes(&plan.toolpaths);
    for pass in &all[..4] {
        assert!(!pass.height_control);
        assert!(pass.pieces.iter().all(|p| p.feed_percent == 60.0));
        assert!((pass.length_of(PieceKind::Overburn) - 4.0).abs() < 1e-6);
        // From the middle, straight out.
        assert!((pass.length_of(PieceKind::LeadIn) - 1.5).abs() < 1e-3);
    }
    assert!(all[4].height_control && all[4].pieces[0].feed_percent == 100.0);
    // Half a turn at most, however short the hole: clockwise outside, counter-clockwise inside.
    let turn = |p: &Pass| pieces(p).iter().map(Segment::area_about_origin).sum::<f64>();
    assert!(turn(all[0]) > 0.0 && turn(all[4]) < 0.0);
}

#[test]
fn rapids_go_around_loose_pieces() {
    let (made, settings) = job(MachineKind::Plasma, 1.0, {
        let part = || (Shape::Rect(14.0, 14.0), None);
        features(&[part(), part(), part(), part(), part(), part()], 0.0)
    });
    let mut options = Options::new(&settings);
    options.avoid_loose = AvoidLoose::Detour;
    let plan = planned_with(&made, &settings, &options);
    let boxes: Vec<_> = made.profiles.iter().map(|p| p.contour.bounds()).collect();
    let (mut at, mut loose) = (options.start, Vec::new());
    for pass in passes(&plan.toolpaths) {
        let to = pass.start().expect("not empty");
        let mut way = pass.detour.clone();
        way.push(to);
        for p in way {
            let crossed = samples([Segment::new(at, p, 0.0)], 0.5);
            let hit =
                |b: &&shop_geom::Aabb| !pass.lift && crossed.iter().any(|q| b.inflated(-1.0).contains(*q));
            assert!(loose.iter().find(hit).is_none());
            at = p;
        }
        at = pass.end().expect("not empty");
        let own = boxes.iter().min_by(|a, b| (a.center() - at).norm().total_cmp(&(b.center() - at).norm()));
        loose.push(*own.expect("there are parts"));
    }
}

#[test]
fn marks_come_first_and_burn_less() {
    let mut f = plate(1, 40.0);
    let line = Polyline::open([Point::new(5.0, 5.0), Point::new(15.0, 5.0)]);
    f.lines.push(OpenLine { path: line, layer: 0, colour: None, span: None });
    let (made, settings) = job(MachineKind::Laser, 0.2, f);
    let plan = planned(&made, &settings);
    assert_eq!(plan.toolpaths[0].role, Role::Mark);
    assert_eq!(plan.figures.mark_length, 10.0);
    let pass = &plan.toolpaths[0].passes[0];
    assert!(pass.power < settings.power && pass.torch == Torch::Scribe);
}

#[test]
fn a_hole_that_is_too_small_is_an_error_with_a_place() {
    let (made, settings) = job(MachineKind::Plasma, 4.2, plate(2, 20.0));
    let plan = planned(&made, &settings);
    let d = plan.diagnostics.iter().find(|d| d.code == "cut/hole-smaller-than-kerf").expect("is said");
    assert_eq!(d.count, 4);
    assert!(d.at.is_some_and(|at| distance(&contours(&made), Point::new(at[0], at[1])) < 2.1));
}

#[test]
fn parts_too_close_are_an_error_with_a_place() {
    let part = || (Shape::Rect(10.0, 10.0), None);
    let mut f = features(&[part(), part()], 0.0);
    let dx = -(f.contours[1].path.bounds().min.x - f.contours[0].path.bounds().max.x) + 0.8;
    f.contours[1].path = f.contours[1].path.mapped(false, |p| Point::new(p.x + dx, p.y));
    let (made, settings) = job(MachineKind::Plasma, 1.0, f);
    let plan = planned(&made, &settings);
    let d = plan.diagnostics.iter().find(|d| d.code == "cut/gap-narrower-than-kerf").expect("is said");
    let [x, _] = d.at.expect("with a place");
    assert!((9.9..10.9).contains(&x) && d.message.contains("0.800"), "{d:?}");
}

/// The axis of a drag knife stays its blade's length ahead of the tip: every tip position is on the contour.
#[test]
fn a_knife_turns_about_its_corners() {
    let (made, mut settings) = job(MachineKind::Knife, 0.0, plate(1, 40.0));
    (settings.diameter, settings.blade_offset) = (0.0, 0.3);
    let plan = planned(&made, &settings);
    let all = contours(&made);
    for pass in passes(&plan.toolpaths) {
        assert!(is_connected(pass));
        for p in walk(pass, 0.1) {
            let d = distance(&all, p);
            assert!(d <= 0.3 + 1e-6, "axis {d} from the contour");
        }
        assert!(pass.pieces.iter().filter(|p| p.kind == PieceKind::Cut).all(|p| p.z == -3.0));
    }
    let square = passes(&plan.toolpaths)[1];
    assert_eq!(square.pieces.iter().filter(|p| p.kind == PieceKind::Swivel).count(), 4);
}

/// Lowered, the torch burns only along passes: lit before the first cutting move, off before every rapid.
#[test]
fn the_torch_is_off_on_rapids() {
    let (made, settings) = job(MachineKind::Plasma, 1.0, plate(3, 15.0));
    let plan = planned(&made, &settings);
    let sections = lower(&plan.toolpaths, &settings);
    let (mut lit, mut pierces) = (false, 0);
    for command in sections.iter().flat_map(|s| &s.commands) {
        match command {
            Command::Torch(Torch::Off) => lit = false,
            Command::Torch(_) => {
                lit = true;
                pierces += 1;
            }
            Command::Rapid { .. } => assert!(!lit),
            Command::Arc { .. } => assert!(lit),
            _ => {}
        }
    }
    assert_eq!(pierces, plan.figures.pierces);
    assert_eq!(sections[sections.len() - 1].commands.last(), Some(&Command::End));
}
