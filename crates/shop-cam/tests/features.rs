//! What became what: rules, nesting, tabs, and the intent made of it.
#![allow(missing_docs, clippy::needless_raw_string_hashes, reason = "tests; the hashes are the updater's")]

use crate::sheet::{Shape, contour, settings};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use shop_cam::feature::{
    Contour, FeatureOptions, Features, Mark, OpenLine, Operations, Request, SmallHoles, TabRule, Waste,
    as_circle, matches_pattern, operations, place_tabs,
};
use shop_cam::intent::{Goal, Limits, intent};
use shop_cam::machine::{LayerOperation, LayerRule, MachineKind};
use shop_cam::track::Track;
use shop_geom::{Point, Polyline};
use shop_report::Checked;
use std::fmt::Write;

/// A plate on layer CUT with a hole, a circle on ENGRAVE around another hole, an open line, a point and a text.
fn drawing() -> Features {
    let contour = |path, depth, parent, layer| Contour { layer, ..contour(path, depth, parent) };
    let line = Polyline::open([Point::new(0.0, -15.0), Point::new(10.0, -15.0)]);
    Features {
        layers: vec!["CUT".into(), "engraving_top".into(), "dimensions".into(), "drill 5".into()],
        contours: vec![
            contour(Shape::Circle(2.0).at(0.0, 0.0), 2, Some(1), 0),
            contour(Shape::Circle(8.0).at(0.0, 0.0), 1, Some(2), 1),
            contour(Shape::Rect(40.0, 20.0).at(0.0, 0.0), 0, None, 0),
            contour(Shape::Circle(2.5).at(20.0, 0.0), 1, Some(2), 3),
            contour(Shape::Circle(0.4).at(-20.0, 0.0), 1, Some(2), 0),
            contour(Shape::Rect(60.0, 60.0).at(0.0, 0.0), 0, None, 2),
        ],
        lines: vec![OpenLine { path: line, layer: 0, colour: None, span: None }],
        points: vec![Mark { at: Point::new(5.0, 5.0), layer: 3, colour: None, span: None }],
        texts: 4,
    }
}

fn table(made: &Checked<Operations>) -> String {
    let mut out = String::new();
    for a in &made.value.assignments {
        let _ = writeln!(
            out,
            "{:<14}{:<15}{:>2} {:<8} {}",
            a.layer,
            a.shape,
            a.count,
            format!("{:?}", a.operation),
            a.why
        );
    }
    for d in &made.diagnostics {
        let _ = writeln!(out, "{}[{}] x{}: {}", d.severity, d.code, d.count, d.message);
    }
    out
}

fn check(
    kind: MachineKind,
    change: impl Fn(&mut FeatureOptions),
    rules: &[LayerRule],
    expected: &Expect,
) -> Operations {
    let mut options = FeatureOptions::new(kind);
    change(&mut options);
    let made = operations(drawing(), rules, &settings(kind, 1.0), &options);
    expected.assert_eq(&table(&made));
    made.value
}

#[test]
fn layers_speak_for_themselves() {
    let made = check(
        MachineKind::Router,
        |_| {},
        &[],
        &expect![[r#"
        CUT           closed contour  3 Profile  nesting depth
        engraving_top closed contour  1 Mark     usual meaning of the layer's name
        drill 5       closed contour  1 Drill    usual meaning of the layer's name
        dimensions    closed contour  1 Ignore   usual meaning of the layer's name
        CUT           open line       1 Mark     an open line has no inside
        drill 5       point           1 Drill    usual meaning of the layer's name
                      text            4 Ignore   text is not an outline
        error[cut/hole-smaller-than-kerf] x1: a hole 0.800 mm wide leaves no room for the 1 mm tool
        warning[cut/open-line] x1: an open line is marked, not cut out
    "#]],
    );
    // Marks do not count as nesting: the hole in the engraved circle is a hole of the plate.
    let sides: Vec<(Waste, u32, Option<u32>)> =
        made.profiles.iter().map(|p| (p.waste, p.depth, p.parent)).collect();
    assert_eq!(sides[..2], [(Waste::Inside, 1, Some(1)), (Waste::Outside, 0, None)]);
    assert_eq!((made.holes.len(), made.traces.len()), (2, 2));
}

#[test]
fn a_torch_cannot_mark_and_skips_small_holes_when_told() {
    check(
        MachineKind::Plasma,
        |o| o.small_holes = SmallHoles::Skip,
        &[],
        &expect![[r#"
            CUT           closed contour  2 Profile  nesting depth
            engraving_top closed contour  1 Ignore   the machine cannot mark
            drill 5       closed contour  1 Ignore   the machine cannot mark
            CUT           closed contour  1 Ignore   hole smaller than the cut
            dimensions    closed contour  1 Ignore   usual meaning of the layer's name
            CUT           open line       1 Ignore   the machine cannot mark
            drill 5       point           1 Ignore   a point is only ever drilled
                          text            4 Ignore   text is not an outline
            warning[cut/hole-smaller-than-kerf] x1: a hole 0.800 mm wide leaves no room for the 1 mm kerf
            warning[cut/open-line] x1: an open line is left out
            warning[cut/needs-router] x1: a pocket is left out, or a hole to drill only marked: the machine is no router
            warning[cut/no-marking-tool] x3: a mark is left out: the machine cannot mark
        "#]],
    );
}

#[test]
fn a_request_goes_before_names() {
    let made = check(
        MachineKind::Laser,
        |o| o.request = Request::Profile,
        &[],
        &expect![[r#"
        CUT           closed contour  3 Profile  asked for
        engraving_top closed contour  1 Profile  asked for
        drill 5       closed contour  1 Profile  asked for
        dimensions    closed contour  1 Profile  asked for
        CUT           open line       1 Ignore   an open line has no inside
        drill 5       point           1 Ignore   a point is only ever drilled
                      text            4 Ignore   text is not an outline
        error[cut/hole-smaller-than-kerf] x1: a hole 0.800 mm wide leaves no room for the 1 mm kerf
        warning[cut/open-line] x1: an open line is left out
    "#]],
    );
    assert_eq!(made.profiles.len(), 6);
}

#[test]
fn a_pocket_keeps_its_islands() {
    let made = check(
        MachineKind::Router,
        |o| o.request = Request::Pocket,
        &[],
        &expect![[r#"
        CUT           closed contour  3 Pocket   asked for
        engraving_top closed contour  1 Pocket   asked for
        drill 5       closed contour  1 Pocket   asked for
        dimensions    closed contour  1 Pocket   asked for
        CUT           open line       1 Ignore   an open line has no inside
        drill 5       point           1 Ignore   a point is only ever drilled
                      text            4 Ignore   text is not an outline
        warning[cut/open-line] x1: an open line is left out
    "#]],
    );
    let islands: Vec<usize> = made.pockets.iter().map(|p| p.boundary.len()).collect();
    assert_eq!(islands, vec![1, 4, 1]);
    assert!(made.pockets.iter().all(|p| p.boundary[0].area() > 0.0));
    assert!(made.pockets[1].boundary[1..].iter().all(|b| b.area() < 0.0));
}

#[test]
fn the_profile_rules_first() {
    let rule = LayerRule {
        layer: Some("*cut*".into()),
        colour: None,
        operation: LayerOperation::Outside,
        feed_percent: Some(80.0),
        depth: Some(1.5),
        common_lines: None,
    };
    let made = check(
        MachineKind::Router,
        |_| {},
        &[rule],
        &expect![[r#"
        CUT           closed contour  3 Outside  profile rule for layer *cut*
        engraving_top closed contour  1 Mark     usual meaning of the layer's name
        drill 5       closed contour  1 Drill    usual meaning of the layer's name
        dimensions    closed contour  1 Ignore   usual meaning of the layer's name
        CUT           open line       1 Ignore   an open line has no inside
        drill 5       point           1 Drill    usual meaning of the layer's name
                      text            4 Ignore   text is not an outline
        warning[cut/open-line] x1: an open line is marked, not cut out
    "#]],
    );
    assert!(
        made.profiles.iter().all(|p| p.waste == Waste::Outside && p.feed_percent == 80.0 && p.bottom == -1.5)
    );
}

#[test]
fn patterns() {
    for (pattern, name, hit) in [
        ("*", "", true),
        ("cut*", "CUT_2", true),
        ("*hole*", "Tiny_Holes", true),
        ("a*b*c", "aXXbYYbZc", true),
        ("a*b", "abc", false),
        ("", "a", false),
    ] {
        assert_eq!(matches_pattern(pattern, name), hit, "{pattern} {name}");
    }
}

#[test]
fn only_whole_circles_are_circles() {
    assert!(
        as_circle(&Shape::Circle(3.0).at(1.0, 2.0))
            .is_some_and(|(c, r)| c == Point::new(1.0, 2.0) && r == 3.0)
    );
    assert!(as_circle(&Shape::Slot(1.0, 3.0).at(0.0, 0.0)).is_none());
    assert!(as_circle(&Shape::Rect(1.0, 3.0).at(0.0, 0.0)).is_none());
}

#[test]
fn the_intent_says_it_all() {
    let settings = settings(MachineKind::Router, 1.0);
    let made = operations(drawing(), &[], &settings, &FeatureOptions::new(MachineKind::Router)).value;
    let intent = intent(&made, &settings, &Limits::default());
    assert_eq!(intent.goals.len(), made.profiles.len() + made.traces.len() + made.holes.len());
    assert!(matches!(intent.goals[0], Goal::Profile { waste: Waste::Inside, parent: Some(1), .. }));
    // What stays: the plate less its two holes and the drilled one.
    let area: f64 = intent.kept.iter().map(Polyline::area).sum();
    let holes = std::f64::consts::PI * (2.0 * 2.0 + 2.5 * 2.5 + 0.4 * 0.4);
    assert!((area - (80.0 * 40.0 - holes)).abs() < 1e-9);
}

proptest! {
    /// Tabs lie on the contour, on straight pieces where there are any, apart from each other, wherever it starts.
    #[test]
    fn tabs_lie_well(w in 20.0..80.0f64, h in 20.0..80.0f64, count in 1u32..6, turn in 0usize..4, slot: bool) {
        let shape = if slot { Shape::Slot(w, h / 4.0) } else { Shape::Rect(w, h) };
        let mut contour = shape.at(0.0, 0.0);
        contour.vertices.rotate_left(turn);
        let rule = TabRule { count, spacing: f64::INFINITY, width: 3.0, height: 1.0 };
        let tabs = place_tabs(&contour, Waste::Outside, &rule, 2.0, -3.0);
        prop_assert!(!tabs.is_empty() && tabs.len() <= count as usize);
        let track = Track::new(&contour);
        let ends: Vec<f64> = (0..track.segments().len()).map(|i| track.start_of(i)).collect();
        for (i, tab) in tabs.iter().enumerate() {
            prop_assert!(contour.distance_to(tab.at) < 1e-9);
            prop_assert_eq!(tab.top, -2.0);
            let s = track.nearest(tab.at);
            let apart = |a: f64| (a - s).abs().min(track.length() - (a - s).abs());
            prop_assert!(ends.iter().all(|e| apart(*e) > 2.4), "half a tab and half a cut from the corner");
            prop_assert!(tabs[..i].iter().all(|t| apart(track.nearest(t.at)) >= 10.0 - 1e-6));
        }
    }
}

/// A tab in a slot hardly wider than the cut would be cut away on the slot's other side.
#[test]
fn no_tab_stands_in_a_narrow_slot() {
    let mut points = vec![(0.0, 0.0), (100.0, 0.0), (100.0, 40.0)];
    for slot in [80.0, 60.0, 40.0, 20.0] {
        points.extend([(slot + 1.2, 40.0), (slot + 1.2, 5.0), (slot - 1.2, 5.0), (slot - 1.2, 40.0)]);
    }
    points.push((0.0, 40.0));
    let comb = Polyline::polygon(points.into_iter().map(|(x, y)| Point::new(x, y)));
    for count in 1..9 {
        let rule = TabRule { count, spacing: f64::INFINITY, width: 3.0, height: 1.0 };
        let tabs = place_tabs(&comb, Waste::Outside, &rule, 2.0, -3.0);
        assert!(!tabs.is_empty());
        for tab in &tabs {
            let edge = shop_geom::Aabb::new(Point::origin(), Point::new(100.0, 40.0)).inflated(-1e-6);
            assert!(!edge.contains(tab.at), "{tab:?}");
        }
    }
}
