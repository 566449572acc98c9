//! Laws that every plan for a router keeps, on random sheets, checked by brute force.
#![allow(missing_docs, reason = "tests")]

use crate::sheet::{
    Shape, asked, at_depth, bite, contour, contours, distance, features, in_solid, is_connected, job,
    machine, nearest, passes, samples, shape, sheet, walk,
};
use crate::{planned, planned_with};
use proptest::prelude::*;
use shop_cam::canon::{Command, Role};
use shop_cam::feature::{
    FeatureOptions, Features, OpenLine, Operations, Request, TabRule, Waste, operations,
};
use shop_cam::machine::{MachineKind, Tool, ToolShape};
use shop_cam::settings::{Choice, Settings, settle};
use shop_cam::toolpath::{PieceKind, lower};
use shop_geom::{Point, Polyline, Segment};
use shop_mill::{Direction, Options, Plan};

const TOLERANCE: f64 = 2e-3;

/// What a router with a 2 mm tool makes of a drawing for which this is asked.
fn requested(request: Request, features: Features) -> (Operations, Settings) {
    asked(MachineKind::Router, 2.0, features, |o| o.request = request)
}

/// No move goes down faster than a ramp, except in place, and none of these is at a wall's first layer.
fn check_ramps(settings: &Settings, options: &Options, plan: &Plan) -> Result<(), TestCaseError> {
    for pass in passes(&plan.toolpaths) {
        prop_assert!(is_connected(pass));
        let mut z = pass.z;
        for p in &pass.pieces {
            if p.kind == PieceKind::Ramp && p.segment.length() > 1.0 && pass.length() > 200.0 {
                prop_assert!((z - p.z) / p.segment.length() < options.ramp_angle.tan() * 1.01);
            }
            prop_assert!(z - p.z <= settings.step_down + 1e-9);
            z = p.z;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn profiles_free_parts_and_touch_nothing(parts in sheet(2.2), gap in 0.0..8.0f64, climb: bool) {
        let (made, settings) = job(MachineKind::Router, 2.0, features(&parts, gap - 14.0));
        let mut options = Options::new(&settings);
        options.direction = if climb { Direction::Climb } else { Direction::Conventional };
        let plan = planned_with(&made, &settings, &options);
        let (all, radius) = (contours(&made), settings.diameter / 2.0);
        for pass in passes(&plan.toolpaths) {
            for p in walk(pass, 0.25) {
                let b = bite(&all, radius, p);
                prop_assert!(b < TOLERANCE, "bites {b} at {p}");
            }
        }
        check_ramps(&settings, &options, &plan)?;
        let cut = at_depth(&plan.toolpaths, -3.0);
        for profile in &made.profiles {
            for p in samples(profile.contour.segments(), 0.5) {
                // A concave corner is out of reach by (√2 − 1) of the radius.
                let at_corner = profile.contour.vertices.iter().any(|v| (v.point - p).norm() < 2.0 * radius);
                let corner = if at_corner { 0.415 } else { 0.0 };
                let d = nearest(&cut, p);
                prop_assert!(d < radius * (1.0 + corner) + TOLERANCE, "{d} left at {p}");
            }
        }
        prop_assert_eq!(plan.figures.contours as usize, made.profiles.len());
    }

    #[test]
    fn tabs_stand_and_the_rest_is_free(parts in sheet(2.2)) {
        let tabs = Some(TabRule { count: 2, spacing: 1e9, width: 4.0, height: 1.0 });
        let (made, settings) = asked(MachineKind::Router, 2.0, features(&parts, 0.0), |o| o.tabs = tabs);
        let plan = planned(&made, &settings);
        let below = |top: f64| {
            let mut out = Vec::new();
            for pass in passes(&plan.toolpaths) {
                let mut z = pass.z;
                for p in &pass.pieces {
                    if z.min(p.z) < top - 1e-9 && p.kind != PieceKind::Lift {
                        out.push(p.segment);
                    }
                    z = p.z;
                }
            }
            out
        };
        for tab in made.profiles.iter().flat_map(|p| &p.tabs) {
            // Measured on the contour from its middle, half its width on either side stands.
            let d = nearest(&below(tab.top), tab.at);
            prop_assert!(d > 1.9, "a tab is cut to {d}");
        }
        prop_assert!(made.profiles.iter().all(|p| p.waste == Waste::Inside || p.tabs.len() == 2));
    }

    /// A pocket is cleared up to its corners and nothing beyond its wall.
    #[test]
    fn pockets_are_cleared(parts in proptest::collection::vec((shape(8.0, 14.0), proptest::option::of(shape(1.2, 2.0))), 1..3)) {
        let (made, settings) = requested(Request::Pocket, features(&parts, 0.0));
        let options = Options::new(&settings);
        let plan = planned_with(&made, &settings, &options);
        check_ramps(&settings, &options, &plan)?;
        let all: Vec<Polyline> = made.pockets.iter().flat_map(|p| p.boundary.clone()).collect();
        for pass in passes(&plan.toolpaths) {
            for p in walk(pass, 0.25) {
                // The material that stays is outside of the pocket.
                let d = distance(&all, p);
                prop_assert!(in_solid(&all, p) && d > 1.0 - TOLERANCE, "bites {} at {p}", 1.0 - d);
            }
        }
        let cut = at_depth(&plan.toolpaths, -3.0);
        for pocket in &made.pockets {
            let b = pocket.boundary[0].bounds();
            for i in 0..40 {
                for k in 0..40 {
                    let p = b.min + shop_geom::Vector::new(b.width() * i as f64 / 40.0, b.height() * k as f64 / 40.0);
                    // Reachable without a doubt: a ball of the tool's size around it, and then some, is inside.
                    if in_solid(&all, p) && distance(&all, p) > 1.001 {
                        let d = nearest(&cut, p);
                        prop_assert!(d < 1.0 + TOLERANCE, "{p} is left, {d} from the tool");
                    }
                }
            }
        }
    }
}

#[test]
fn circles_of_a_drill_are_drilled() {
    let mut machine = machine(MachineKind::Router);
    let tool = |number, shape, diameter| Tool {
        number,
        name: String::new(),
        shape,
        diameter,
        flutes: 2,
        flute_length: 20.0,
        feed: None,
        plunge: None,
        rpm: None,
        step_down: None,
        step_over: None,
    };
    machine.tools = vec![tool(1, ToolShape::EndMill, 3.0), tool(2, ToolShape::Drill, 4.0)];
    let settings = settle(&machine, &Choice { depth: Some(18.0), ..Choice::default() }).value;
    assert_eq!((settings.tool, settings.diameter), (1, 3.0));
    let hole = |r| (Shape::Rect(15.0, 15.0), Some(Shape::Circle(r)));
    let made = operations(
        features(&[hole(2.0), hole(2.5)], 0.0),
        &[],
        &settings,
        &FeatureOptions::new(machine.kind),
    );
    let made = made.value;
    assert_eq!((made.holes.len(), made.profiles.len()), (1, 3));
    assert_eq!(made.profiles.iter().filter(|p| p.parent.is_some()).count(), 1);
    let plan = planned(&made, &settings);
    assert_eq!(plan.figures.drilled, 1);
    let first = &plan.toolpaths[0];
    assert_eq!((first.role, first.tool, first.drills[0].peck), (Role::Drill, 2, Some(12.0)));
    // The drill comes first, then the mill is put in, once.
    let sections = lower(&plan.toolpaths, &settings);
    let changes: Vec<u32> = (sections.iter().flat_map(|s| &s.commands))
        .filter_map(|c| if let Command::ToolChange { number } = c { Some(*number) } else { None })
        .collect();
    assert_eq!(changes, vec![2, 1]);
}

#[test]
fn an_open_line_is_engraved_there_and_back() {
    let mut f = features(&[], 0.0);
    let line = Polyline::open([Point::new(0.0, 0.0), Point::new(10.0, 0.0)]);
    f.lines.push(OpenLine { path: line, layer: 0, colour: None, span: None });
    let (made, settings) = requested(Request::Trace, f);
    let plan = planned(&made, &settings);
    let pass = passes(&plan.toolpaths)[0];
    // 3 mm in two layers of a 2 mm tool: out and home again.
    assert_eq!(pass.start(), pass.end());
    assert_eq!(pass.length_of(PieceKind::Cut), 20.0);
    assert_eq!(pass.pieces.last().map(|p| p.z), Some(-3.0));
}

/// A plate 40 mm wide with an open slot from its top edge, a round hole, a closed slot, and a square hole with a relief in
/// each corner: all exactly as wide as a 2 mm tool.
fn plate_of_tight_places() -> Vec<Polyline> {
    let polygon = |points: &[(f64, f64)]| Polyline::polygon(points.iter().map(|&(x, y)| Point::new(x, y)));
    let plate = polygon(&[
        (-20.0, -20.0),
        (20.0, -20.0),
        (20.0, 20.0),
        (1.0, 20.0),
        (1.0, 12.0),
        (-1.0, 12.0),
        (-1.0, 20.0),
        (-20.0, 20.0),
    ]);
    // A round relief about each corner of a square; it meets the sides one radius from the corner.
    let corners = [(5.0, 5.0), (-5.0, 5.0), (-5.0, -5.0), (5.0, -5.0)];
    let three_quarters = (3.0 * std::f64::consts::FRAC_PI_8).tan();
    let mut square = Polyline { vertices: Vec::new(), closed: true };
    for (i, &(x, y)) in corners.iter().enumerate() {
        let (px, py) = corners[(i + 3) % 4];
        let (nx, ny) = corners[(i + 1) % 4];
        let toward = |tx: f64, ty: f64| {
            (x + (tx - x).signum() * f64::from(tx != x), y + (ty - y).signum() * f64::from(ty != y))
        };
        let (a, b) = (toward(px, py), toward(nx, ny));
        square.vertices.push(shop_geom::Vertex::new(a.0, a.1, three_quarters));
        square.vertices.push(shop_geom::Vertex::new(b.0, b.1, 0.0));
    }
    vec![plate, Polyline::circle(Point::new(-12.0, 0.0), 1.0), Shape::Slot(3.0, 1.0).at(12.0, -12.0), square]
}

#[test]
fn a_pocket_as_wide_as_the_tool_is_cleared() {
    let (made, settings) = requested(Request::Pocket, features(&[(Shape::Slot(5.0, 1.0), None)], 0.0));
    let plan = planned(&made, &settings);
    assert!(plan.diagnostics.is_empty(), "{:?}", plan.diagnostics);
    let cut = at_depth(&plan.toolpaths, -3.0);
    for x in [-5.0, 0.0, 5.0] {
        assert!(nearest(&cut, Point::new(x, 0.0)) < TOLERANCE);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Wherever a tool of exactly this size fits, it goes, however the drawing is turned and rounded.
    #[test]
    fn a_tool_goes_into_a_place_of_its_own_size(turn in 0.0..7.0f64, x in -50.0..50.0f64, digits in 4..12i32) {
        let (s, c) = turn.sin_cos();
        let unit = 10f64.powi(digits);
        let round = |v: f64| (v * unit).round() / unit;
        let moved = |p: Point| Point::new(round(c * p.x - s * p.y + x), round(s * p.x + c * p.y));
        let exact: Vec<Polyline> = plate_of_tight_places();
        let mut f = features(&[], 0.0);
        for (i, path) in exact.iter().enumerate() {
            let (depth, parent) = if i == 0 { (0, None) } else { (1, Some(0)) };
            let path = path.mapped(false, moved);
            f.contours.push(contour(path, depth, parent));
        }
        f.layers = vec!["0".to_owned()];
        let (made, settings) = job(MachineKind::Router, 2.0, f);
        let plan = planned(&made, &settings);
        prop_assert!(plan.diagnostics.iter().all(|d| d.severity != shop_report::Severity::Error), "{:?}", plan.diagnostics);
        let all = contours(&made);
        let plunged = passes(&plan.toolpaths).into_iter().flat_map(|p| &p.pieces).filter(|p| p.z <= -settings.depth + 1e-9);
        let cut: Vec<Segment> = plunged.filter(|p| p.kind == PieceKind::Lift).map(|p| p.segment).collect();
        let cut = [cut, at_depth(&plan.toolpaths, -settings.depth)].concat();
        for p in samples(cut.iter().copied(), 0.25) {
            prop_assert!(bite(&all, 1.0, p) < TOLERANCE);
        }
        // The tool's middle must pass through the bottom of the slot, the hole, the closed slot's ends, the reliefs.
        let owed = [(0.0, 13.0), (0.0, 19.0), (-12.0, 0.0), (9.0, -12.0), (15.0, -12.0), (5.0, 5.0), (-5.0, -5.0)];
        for (px, py) in owed {
            let p = moved(Point::new(px, py));
            prop_assert!(nearest(&cut, p) < TOLERANCE, "nothing at {p}: {}", nearest(&cut, p));
        }
        // Three holes and the outline; the reliefs are plunges, not contours.
        prop_assert_eq!((plan.figures.contours, plan.figures.parts), (4, 1));
    }
}
