//! Each kind of entity in a small drawing of its own, with expectations worked out by hand.
//!
//! Drawings are written one group a line, `code value`, and spread to DXF's two lines by [`dxf`].

#![allow(clippy::format_push_string)] // Plain over fast: these texts are small.

use shop_formats::dxf::{DxfFacts, ReadOptions, read, read_with_facts};
use shop_formats::{Drawing, Exclusion};
use shop_geom::curve::Curve;
use shop_geom::{Point, Polyline};
use shop_report::{Checked, Severity, SourceId};
use std::f64::consts::{FRAC_PI_2, PI};

/// Returns DXF text of `code value` lines.
fn dxf(groups: &str) -> String {
    let mut out = String::new();
    for line in groups.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (code, value) = line.split_once(' ').unwrap_or((line, ""));
        out.push_str(&format!("{code:>3}\n{value}\n"));
    }
    out
}

/// Returns a drawing of these entities in mm, with these blocks.
fn drawing_text(blocks: &str, entities: &str) -> String {
    dxf(&format!(
        "0 SECTION\n2 HEADER\n9 $ACADVER\n1 AC1015\n9 $INSUNITS\n70 4\n0 ENDSEC
         0 SECTION\n2 BLOCKS\n{blocks}\n0 ENDSEC
         0 SECTION\n2 ENTITIES\n{entities}\n0 ENDSEC\n0 EOF"
    ))
}

fn read_text(text: &str) -> Checked<Drawing> {
    read(SourceId(0), text.as_bytes(), &ReadOptions::default())
}

fn clean(blocks: &str, entities: &str) -> Drawing {
    let checked = read_text(&drawing_text(blocks, entities));
    assert_eq!(checked.diagnostics, []);
    checked.value
}

/// Reads a drawing about which just this is to be said.
fn said(blocks: &str, entities: &str, code: &str) -> Drawing {
    let checked = read_text(&drawing_text(blocks, entities));
    assert_eq!(codes(&checked), [code]);
    checked.value
}

fn facts_of(text: &str) -> DxfFacts {
    read_with_facts(SourceId(0), text.as_bytes(), &ReadOptions::default()).1
}

/// Returns the only shape's lines and arcs.
fn only(drawing: &Drawing) -> &Polyline {
    assert_eq!(drawing.shapes.len(), 1);
    polyline(drawing, 0)
}

fn polyline(drawing: &Drawing, i: usize) -> &Polyline {
    match &drawing.shapes[i].curve {
        Curve::Polyline(p) => p,
        other => panic!("not lines and arcs: {other:?}"),
    }
}

#[track_caller]
fn near(a: Point, x: f64, y: f64) {
    assert!((a - Point::new(x, y)).norm() < 1e-9, "{a} is not ({x}, {y})");
}

fn codes(checked: &Checked<Drawing>) -> Vec<&'static str> {
    checked.diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn line() {
    let d = clean("", "0 LINE\n8 CUT\n10 1\n20 2\n30 9\n11 4\n21 6\n31 9");
    let p = only(&d);
    near(p.vertices[0].point, 1.0, 2.0);
    near(p.vertices[1].point, 4.0, 6.0);
    assert_eq!(p.length(), 5.0);
    assert_eq!(d.layers[d.shapes[0].layer as usize].name, "CUT");
}

#[test]
fn circle_and_arc() {
    let d = clean("", "0 CIRCLE\n8 0\n10 5\n20 5\n40 2\n0 ARC\n8 0\n10 0\n20 0\n40 10\n50 270\n51 90");
    assert!((polyline(&d, 0).area() - 4.0 * PI).abs() < 1e-12);
    let arc = polyline(&d, 1);
    near(arc.vertices[0].point, 0.0, -10.0);
    near(arc.last().expect("an end"), 0.0, 10.0);
    assert!((arc.length() - 10.0 * PI).abs() < 1e-9);
    near(arc.bounds().max, 10.0, 10.0);
}

#[test]
fn an_arc_of_a_full_turn_is_a_circle_and_one_of_none_is_nothing() {
    let d = clean("", "0 ARC\n10 0\n20 0\n40 1\n50 90\n51 450\n0 ARC\n10 0\n20 0\n40 1\n50 90\n51 90");
    assert!(only(&d).closed);
    assert_eq!(d.ignored[0].what, "ARC");
}

#[test]
fn ellipse() {
    // Major half axis 10 upwards, minor 5: its quarter from parameter 0 to π/2 runs from (0, 10) to (-5, 0).
    let d = clean("", &format!("0 ELLIPSE\n10 0\n20 0\n11 0\n21 10\n31 0\n40 0.5\n41 0\n42 {FRAC_PI_2}"));
    let Curve::Ellipse(e) = &d.shapes[0].curve else { panic!("an ellipse") };
    near(e.point_at(e.start), 0.0, 10.0);
    near(e.point_at(e.start + e.sweep), -5.0, 0.0);
    // Ratio 1 is an arc.
    let d = clean("", "0 ELLIPSE\n10 1\n20 1\n11 3\n21 0\n31 0\n40 1\n41 0\n42 6.283185307179586");
    assert!((only(&d).area() - 9.0 * PI).abs() < 1e-9);
}

#[test]
fn ellipse_upside_down_runs_the_other_way() {
    let at = |z| format!("0 ELLIPSE\n10 0\n20 0\n11 10\n21 0\n31 0\n40 0.5\n41 0\n42 {FRAC_PI_2}\n230 {z}");
    for (z, y) in [(1, 5.0), (-1, -5.0)] {
        let d = clean("", &at(z));
        let Curve::Ellipse(e) = &d.shapes[0].curve else { panic!("an ellipse") };
        near(e.point_at(e.start), 10.0, 0.0);
        near(e.point_at(e.start + e.sweep), 0.0, y);
    }
}

const SLOT: &str = "0 LWPOLYLINE\n90 4\n70 1\n10 0\n20 0\n10 10\n20 0\n42 1\n10 10\n20 4\n10 0\n20 4\n42 1";

#[test]
fn lwpolyline_with_bulges() {
    let d = clean("", SLOT);
    let p = only(&d);
    assert!(p.closed);
    assert!((p.area() - (40.0 + 4.0 * PI)).abs() < 1e-9);
    near(p.bounds().min, -2.0, 0.0);
    near(p.bounds().max, 12.0, 4.0);
}

#[test]
fn an_extrusion_downwards_mirrors_x() {
    let d = clean("", &format!("{SLOT}\n230 -1"));
    let p = only(&d);
    assert!((p.area() + (40.0 + 4.0 * PI)).abs() < 1e-9, "the other way around");
    near(p.bounds().min, -12.0, 0.0);
    // An arc from 0 to 90 degrees goes from (-1, 0) to (0, 1), clockwise.
    let d = clean("", "0 ARC\n10 0\n20 0\n40 1\n50 0\n51 90\n210 0\n220 0\n230 -1");
    near(only(&d).vertices[0].point, -1.0, 0.0);
    near(only(&d).last().expect("an end"), 0.0, 1.0);
    assert!(only(&d).vertices[0].bulge < 0.0);
    // A line is in world coordinates whatever it is extruded along.
    let d = clean("", "0 LINE\n10 1\n20 2\n11 3\n21 4\n230 -1");
    near(only(&d).vertices[0].point, 1.0, 2.0);
}

#[test]
fn vertices_drawn_twice_are_one() {
    let d = clean("", "0 LWPOLYLINE\n70 1\n10 0\n20 0\n10 0\n20 0\n42 1\n10 2\n20 0\n42 1\n10 0\n20 0");
    assert_eq!(only(&d).vertices.len(), 2);
    assert!((only(&d).area() - PI).abs() < 1e-9);
}

fn heavy(flags: u32, vertices: &[(&str, u32)]) -> String {
    let mut s = format!("0 POLYLINE\n8 P\n66 1\n70 {flags}\n10 0\n20 0\n30 0\n");
    for (v, flags) in vertices {
        s.push_str(&format!("0 VERTEX\n8 P\n{v}\n70 {flags}\n"));
    }
    s + "0 SEQEND"
}

#[test]
fn polyline_in_the_plane_and_in_space() {
    let half = [("10 0\n20 0\n42 -1", 0), ("10 4\n20 0", 0)];
    let d = clean("", &heavy(0, &half));
    assert!((only(&d).length() - 2.0 * PI).abs() < 1e-9);
    near(only(&d).bounds().max, 4.0, 2.0);
    let points = [("10 0\n20 0\n30 5", 32), ("10 3\n20 0\n30 7", 32), ("10 3\n20 4\n30 0", 32)];
    let d = said("", &heavy(9, &points), "dxf/not-flat");
    assert!(only(&d).closed);
    assert_eq!(only(&d).length(), 12.0);
}

#[test]
fn a_spline_fit_polyline_goes_without_its_frame() {
    // 16: frame; 8: on the curve.
    let v = [("10 0\n20 0", 16), ("10 0\n20 0", 8), ("10 1\n20 1", 8), ("10 0\n20 9", 16), ("10 2\n20 0", 8)];
    let d = clean("", &heavy(4, &v));
    assert_eq!(only(&d).vertices.len(), 3);
    assert!(only(&d).bounds().max.y <= 1.0);
    // Curve-fit: 1 marks vertices that the fit added; all are on the curve.
    let d = clean("", &heavy(2, &[("10 0\n20 0\n42 0.5", 0), ("10 1\n20 0\n42 0.5", 1), ("10 2\n20 0", 0)]));
    assert_eq!(only(&d).vertices.len(), 3);
}

#[test]
fn meshes_are_counted() {
    let d = clean("", &heavy(16, &[("10 0\n20 0\n30 0", 64)]));
    assert_eq!((d.shapes.len(), d.ignored[0].count), (0, 1));
    assert_eq!(d.ignored[0].why, "a mesh, no outline");
    let d = clean("", &heavy(64, &[("10 0\n20 0\n30 0", 192), ("71 1\n72 2", 128)]));
    assert_eq!(d.ignored[0].why, "a polyface mesh, no outline");
}

#[test]
fn spline() {
    // A quarter circle of radius 1 as a rational parabola.
    let w = std::f64::consts::FRAC_1_SQRT_2;
    let d = clean(
        "",
        &format!(
            "0 SPLINE\n70 4\n71 2\n72 6\n73 3\n74 0\n40 0\n40 0\n40 0\n40 1\n40 1\n40 1\n41 1\n41 {w}\n41 1
             10 1\n20 0\n30 0\n10 1\n20 1\n30 0\n10 0\n20 1\n30 0"
        ),
    );
    assert!((d.shapes[0].curve.length() - FRAC_PI_2).abs() < 1e-6);
}

#[test]
fn a_periodic_spline_is_drawn_over_its_domain() {
    // Uniform knots, the first three points again at the end: a closed curve without clamped ends.
    let mut s = "0 SPLINE\n70 11\n71 3\n".to_owned();
    for k in 0..11 {
        s.push_str(&format!("40 {k}\n"));
    }
    for (x, y) in [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0), (10, 0), (10, 10)] {
        s.push_str(&format!("10 {x}\n20 {y}\n30 0\n"));
    }
    let d = clean("", &s);
    assert!(d.shapes[0].curve.is_closed(1e-6));
    // By symmetry it turns around (5, 5).
    near(d.shapes[0].curve.bounds().center(), 5.0, 5.0);
}

#[test]
fn fit_points_alone_are_interpolated() {
    let d = clean("", "0 SPLINE\n70 8\n71 3\n74 3\n11 0\n21 0\n31 0\n11 5\n21 5\n31 0\n11 10\n21 0\n31 0");
    let b = d.shapes[0].curve.bounds();
    near(b.min, 0.0, 0.0);
    near(b.max, 10.0, 5.0);
}

#[test]
fn helix_is_its_spline() {
    let d = said(
        "",
        "0 HELIX\n100 AcDbSpline\n70 8\n71 1\n40 0\n40 0\n40 1\n40 1\n10 0\n20 0\n30 0\n10 3\n20 4\n30 5
         100 AcDbHelix\n10 99\n20 99\n30 99\n40 7\n41 3",
        "dxf/not-flat",
    );
    assert!((d.shapes[0].curve.length() - 5.0).abs() < 1e-9);
}

const BLOCK: &str = "0 BLOCK\n8 0\n2 Part\n70 0\n10 1\n20 1\n30 0
    0 CIRCLE\n8 0\n62 0\n10 2\n20 1\n40 1\n0 LINE\n8 MARK\n62 3\n10 1\n20 1\n11 3\n21 1\n0 ENDBLK\n8 0";

#[test]
fn insert_moves_turns_and_scales() {
    // Base point (1, 1) lands on (10, 20); a quarter turn; twice as large.
    let d = clean(BLOCK, "0 INSERT\n8 OUT\n62 5\n2 PART\n10 10\n20 20\n41 2\n42 2\n43 2\n50 90");
    assert_eq!(d.shapes.len(), 2);
    let b = polyline(&d, 0).bounds();
    near(b.min, 8.0, 20.0);
    near(b.max, 12.0, 24.0);
    near(polyline(&d, 1).vertices[1].point, 10.0, 24.0);
    // Layer 0 and BYBLOCK come from the INSERT; the rest is the entity's own.
    let name = |i: usize| d.layers[d.shapes[i].layer as usize].name.as_str();
    assert_eq!((name(0), name(1)), ("OUT", "MARK"));
    assert_eq!((d.shapes[0].colour, d.shapes[1].colour), (Some([0, 0, 255]), Some([0, 255, 0])));
}

#[test]
fn mirrored_insert_keeps_arcs() {
    let block = "0 BLOCK\n2 A\n10 0\n20 0\n0 ARC\n10 0\n20 0\n40 1\n50 0\n51 90\n0 ENDBLK";
    let d = clean(block, "0 INSERT\n2 A\n10 0\n20 0\n41 -1");
    near(only(&d).vertices[0].point, -1.0, 0.0);
    near(only(&d).last().expect("an end"), 0.0, 1.0);
    assert!((only(&d).length() - FRAC_PI_2).abs() < 1e-12);
    assert_eq!(facts_of(&drawing_text(block, "0 INSERT\n2 A\n10 0\n20 0\n41 -1")).mirrored_inserts, 1);
}

#[test]
fn stretched_insert_makes_ellipses() {
    let block = format!("0 BLOCK\n2 A\n10 0\n20 0\n0 CIRCLE\n10 0\n20 0\n40 1\n{SLOT}\n0 ENDBLK");
    let d = clean(&block, "0 INSERT\n2 A\n10 0\n20 0\n41 3\n42 1");
    let Curve::Ellipse(e) = &d.shapes[0].curve else { panic!("an ellipse") };
    assert_eq!((e.major.norm(), e.minor.norm()), (3.0, 1.0));
    // The slot: two lines and two half ellipses.
    assert_eq!(d.shapes.len(), 5);
    let b = d.shapes[1..].iter().fold(shop_geom::Aabb::EMPTY, |b, s| b.union(s.curve.bounds()));
    near(b.min, -6.0, 0.0);
    near(b.max, 36.0, 4.0);
}

#[test]
fn a_tilted_polyline_stays_one_curve() {
    let d = said("", &format!("{SLOT}\n210 0\n220 1\n230 1"), "dxf/not-flat");
    assert_eq!(d.shapes.len(), 1);
    assert!(d.shapes[0].curve.is_closed(0.01));
}

#[test]
fn arrays_and_nested_blocks() {
    let blocks =
        format!("{BLOCK}\n0 BLOCK\n2 Row\n10 0\n20 0\n0 INSERT\n2 Part\n10 0\n20 0\n70 3\n44 10\n0 ENDBLK");
    // Rows are stepped along the turned grid: a quarter turn puts columns above each other.
    let insert = "0 INSERT\n2 Row\n10 0\n20 0\n50 90\n71 2\n45 100";
    let d = clean(&blocks, insert);
    assert_eq!(d.shapes.len(), 12);
    let b = d.shapes.iter().fold(shop_geom::Aabb::EMPTY, |b, s| b.union(s.curve.bounds()));
    near(b.min, -101.0, 0.0);
    near(b.max, 1.0, 22.0);
    let f = facts_of(&drawing_text(&blocks, insert));
    assert_eq!(f.expanded["CIRCLE"], 6);
    assert_eq!(f.expanded["INSERT"], 3);
    assert_eq!(f.modelspace["INSERT"], 1);
    assert_eq!(f.block_definitions, 2);
}

#[test]
fn recursion_is_cut_and_bombs_are_refused() {
    let recursive = "0 BLOCK\n2 A\n10 0\n20 0\n0 LINE\n10 0\n20 0\n11 1\n21 0\n0 INSERT\n2 B\n0 ENDBLK
        0 BLOCK\n2 B\n10 0\n20 0\n0 INSERT\n2 a\n0 ENDBLK";
    let checked = read_text(&drawing_text(recursive, "0 INSERT\n2 A\n10 0\n20 0"));
    assert_eq!(codes(&checked), ["dxf/recursive-block"]);
    assert_eq!(checked.value.shapes.len(), 1);

    let mut bomb = "0 BLOCK\n2 B0\n10 0\n20 0\n0 LINE\n10 0\n20 0\n11 1\n21 0\n0 ENDBLK\n".to_owned();
    for i in 1..40 {
        let j = i - 1;
        bomb += &format!("0 BLOCK\n2 B{i}\n10 0\n20 0\n0 INSERT\n2 B{j}\n70 32000\n71 32000\n0 ENDBLK\n");
    }
    let checked = read_text(&drawing_text(&bomb, "0 INSERT\n2 B39\n0 INSERT\n2 B0\n10 5\n20 5"));
    assert_eq!(codes(&checked), ["dxf/expansion-too-large"]);
    assert_eq!(checked.value.shapes.len(), 1, "the others are still shown");

    let mut deep = "0 BLOCK\n2 B0\n10 0\n20 0\n0 LINE\n10 0\n20 0\n11 1\n21 0\n0 ENDBLK\n".to_owned();
    for i in 1..5000 {
        deep += &format!("0 BLOCK\n2 B{i}\n10 0\n20 0\n0 INSERT\n2 B{}\n0 ENDBLK\n", i - 1);
    }
    let checked = read_text(&drawing_text(&deep, "0 INSERT\n2 B4999"));
    assert_eq!(codes(&checked), ["dxf/nesting-too-deep"]);

    // Many small ones that only together are too many: none is expanded, and the rest is read.
    let many = "0 INSERT\n2 PART\n70 1000\n71 1000\n".repeat(20) + "0 LINE\n10 0\n20 0\n11 1\n21 0";
    let checked = read_text(&drawing_text(BLOCK, &many));
    assert_eq!(codes(&checked), ["dxf/expansion-too-large"]);
    let options = ReadOptions { max_points: 50, ..ReadOptions::default() };
    let many = "0 INSERT\n2 PART\n".repeat(20);
    let checked = read(SourceId(0), drawing_text(BLOCK, &many).as_bytes(), &options);
    assert_eq!(codes(&checked), ["dxf/expansion-too-large"]);
    assert_eq!(checked.value.shapes.len(), 0);
}

#[test]
fn a_missing_block_is_said() {
    let checked = read_text(&drawing_text("", "0 INSERT\n2 Nowhere\n10 0\n20 0\n0 INSERT\n2 Nowhere"));
    assert_eq!(codes(&checked), ["dxf/block-missing"]);
    assert_eq!(checked.diagnostics[0].count, 2);
    assert!(checked.diagnostics[0].message.contains("Nowhere"));
}

#[test]
fn texts_and_attributes() {
    let d = clean(
        "0 BLOCK\n2 T\n10 0\n20 0\n0 ATTDEF\n10 0\n20 0\n40 1\n1 default\n2 TAG\n0 ENDBLK",
        "0 TEXT\n8 T\n10 1\n20 2\n40 5\n50 90\n1 %%c8 H7
         0 MTEXT\n8 T\n10 3\n20 4\n40 2.5\n3 {\\fArial;two\n1 \\Plines}\n101 Embedded Object\n10 77\n20 77
         0 TEXT\n10 0\n20 0\n11 9\n21 9\n72 1\n40 1\n1 centred
         0 INSERT\n2 T\n66 1\n10 0\n20 0\n0 ATTRIB\n10 6\n20 7\n40 1\n1 value\n2 TAG\n0 SEQEND
         0 POINT\n8 DRILL\n10 8\n20 9",
    );
    let texts: Vec<&str> = d.texts.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(texts, ["⌀8 H7", "two\nlines", "centred", "value"]);
    near(d.texts[0].at, 1.0, 2.0);
    assert!((d.texts[0].angle() - FRAC_PI_2).abs() < 1e-12 && d.texts[0].height() == 5.0);
    near(d.texts[1].at, 3.0, 4.0);
    near(d.texts[2].at, 9.0, 9.0);
    near(d.texts[3].at, 6.0, 7.0);
    near(d.points[0].0, 8.0, 9.0);
}

#[test]
fn hatch_boundaries_are_construction() {
    let d = clean(
        "",
        "0 HATCH\n8 H\n10 0\n20 0\n30 0\n210 0\n220 0\n230 1\n2 SOLID\n70 1\n71 0\n91 2
         92 3\n72 1\n73 1\n93 2\n10 0\n20 0\n42 1\n10 4\n20 0\n42 1\n97 0
         92 1\n93 2\n72 1\n10 0\n20 0\n11 1\n21 0\n72 2\n10 0\n20 0\n40 1\n50 0\n51 90\n73 1\n97 0
         75 0\n76 1\n98 1\n10 0\n20 0",
    );
    assert_eq!(d.shapes.len(), 3);
    assert!(d.shapes.iter().all(|s| s.excluded == Some(Exclusion::Construction)));
    assert!((polyline(&d, 0).area() - 4.0 * PI).abs() < 1e-9);
    near(polyline(&d, 2).last().expect("an end"), 0.0, 1.0);
    assert_eq!((d.ignored[0].what.as_str(), d.ignored[0].count), ("HATCH", 1));
    assert!(d.paths(0.01).is_empty());
}

#[test]
fn hidden_layers_invisible_entities_and_paper_space_are_excluded_and_said() {
    let text = dxf("0 SECTION\n2 HEADER\n9 $INSUNITS\n70 4\n0 ENDSEC
        0 SECTION\n2 TABLES\n0 TABLE\n2 LAYER
        0 LAYER\n2 OFF\n70 0\n62 -3\n0 LAYER\n2 Frozen\n70 1\n62 2\n0 LAYER\n2 ON\n70 0\n62 1
        0 ENDTAB\n0 ENDSEC
        0 SECTION\n2 ENTITIES
        0 LINE\n8 off\n10 0\n20 0\n11 1\n21 0\n0 LINE\n8 FROZEN\n10 0\n20 0\n11 1\n21 0
        0 LINE\n8 ON\n60 1\n10 0\n20 0\n11 1\n21 0\n0 LINE\n8 ON\n67 1\n10 0\n20 0\n11 1\n21 0
        0 LINE\n8 ON\n10 0\n20 0\n11 1\n21 0\n0 TEXT\n8 OFF\n10 0\n20 0\n1 x
        0 ENDSEC\n0 EOF");
    let checked = read_text(&text);
    assert_eq!(codes(&checked), ["dxf/layer-hidden", "dxf/invisible", "dxf/paper-space"]);
    assert_eq!(checked.diagnostics[0].severity, Severity::Info);
    assert!(checked.diagnostics[0].message.starts_with("2 curves are on layers"));
    let d = checked.value;
    let why: Vec<_> = d.shapes.iter().map(|s| s.excluded).collect();
    use Exclusion::{Invisible, LayerHidden, PaperSpace};
    assert_eq!(why, [Some(LayerHidden), Some(LayerHidden), Some(Invisible), Some(PaperSpace), None]);
    assert_eq!(d.shapes[4].colour, Some([255, 0, 0]));
    assert_eq!(d.ignored[0].why, "on a layer that is off or frozen");
    assert!(d.layers.iter().find(|l| l.name == "OFF").is_some_and(|l| l.hidden));
}

#[test]
fn a_frozen_insert_hides_its_block_and_one_that_is_off_only_its_own() {
    let read = |flags: u32, colour: i32| {
        let text = dxf(&format!(
            "0 SECTION\n2 HEADER\n9 $INSUNITS\n70 4\n0 ENDSEC
            0 SECTION\n2 TABLES\n0 TABLE\n2 LAYER\n0 LAYER\n2 L\n70 {flags}\n62 {colour}\n0 ENDTAB\n0 ENDSEC
            0 SECTION\n2 BLOCKS\n{BLOCK}\n0 ENDSEC
            0 SECTION\n2 ENTITIES\n0 INSERT\n8 L\n2 PART\n10 0\n20 0\n0 ENDSEC\n0 EOF"
        ));
        let d = read_text(&text).value;
        d.shapes.iter().map(|s| s.excluded.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(read(1, 7), [true, true]);
    assert_eq!(read(0, -7), [true, false]);
    assert_eq!(read(0, 7), [false, false]);
}

#[test]
fn units() {
    let at = |units: &str| {
        let text = dxf(&format!(
            "0 SECTION\n2 HEADER\n{units}\n0 ENDSEC\n0 SECTION\n2 ENTITIES\n0 LINE\n10 0\n20 0\n11 2\n21 0\n0 ENDSEC\n0 EOF"
        ));
        let checked = read_text(&text);
        (only(&checked.value).length(), checked.value.units.declared, codes(&checked))
    };
    assert_eq!(at("9 $INSUNITS\n70 1"), (50.8, true, vec![]));
    assert_eq!(at("9 $INSUNITS\n70 4"), (2.0, true, vec![]));
    assert_eq!(at("9 $INSUNITS\n70 6"), (2000.0, true, vec![]));
    assert_eq!(at("9 $INSUNITS\n70 0"), (2.0, false, vec!["dxf/units-missing"]));
    assert_eq!(at(""), (2.0, false, vec!["dxf/units-missing"]));
    assert_eq!(at("9 $INSUNITS\n70 99"), (2.0, false, vec!["dxf/units-unknown"]));
    let inch = ReadOptions { mm_per_unit: Some(25.4), ..ReadOptions::default() };
    let text = dxf("0 SECTION\n2 ENTITIES\n0 LINE\n10 0\n20 0\n11 2\n21 0\n0 ENDSEC\n0 EOF");
    let checked = read(SourceId(0), text.as_bytes(), &inch);
    assert_eq!((only(&checked.value).length(), checked.diagnostics.len()), (50.8, 0));
}

#[test]
fn a_header_out_of_step_still_gives_its_unit() {
    let text = dxf("0 SECTION\n2 HEADER\n9 $ACADVER\n1 AC1015")
        + "stray\n"
        + &dxf(
            "9 $INSUNITS\n70 1\n0 ENDSEC\n0 SECTION\n2 ENTITIES\n0 LINE\n10 0\n20 0\n11 1\n21 0\n0 ENDSEC\n0 EOF",
        );
    let checked = read_text(&text);
    assert_eq!(codes(&checked), ["dxf/bad-header"]);
    assert_eq!(only(&checked.value).length(), 25.4);
}

#[test]
fn drawings_of_release_1() {
    let text = "EXTENTS,1\r\n0.0,8.0,0.0,8.0\r\nLAYER,1\r\n1\r\nLINE,1\r\n2.0,3.0,5.0,7.0\r\nARC,1\r\n5.0,5.0,1.0,270.0,0.0\r\n\
        CIRCLE,2\r\n3.0,1.0,1.0\r\nPOINT,1\r\n1.0,7.0\r\nTEXT,1\r\n1.0,4.0,0.75,0.0\r\nFOO\r\n\x1a";
    let checked = read_text(text);
    assert_eq!(codes(&checked), ["dxf/units-missing", "dxf/release-1"]);
    let d = checked.value;
    assert_eq!(polyline(&d, 0).length(), 5.0);
    near(polyline(&d, 1).vertices[0].point, 5.0, 4.0);
    near(polyline(&d, 1).last().expect("an end"), 6.0, 5.0);
    assert!((polyline(&d, 2).area() - PI).abs() < 1e-12);
    assert_eq!((d.points.len(), d.layers.len(), d.ignored.len()), (1, 2, 1));
}

#[test]
fn broken_entities_are_left_out_and_the_next_is_read() {
    let good = "0 LINE\n10 0\n20 0\n11 1\n21 0\n";
    for (bad, code) in [
        ("0 LINE\n10 0\n20 0\n11 1\n", "dxf/entity-incomplete"),
        ("0 CIRCLE\n10 0\n20 0\n", "dxf/entity-incomplete"),
        ("0 LINE\n10 zero\n20 0\n11 1\n21 0\n", "dxf/bad-number"),
        ("0 LINE\n10 nan\n20 0\n11 1\n21 0\n", "dxf/bad-number"),
        ("0 LINE\n10 1e999\n20 0\n11 1\n21 0\n", "dxf/bad-number"),
        ("0 LINE\n10 1e300\n20 0\n11 1\n21 0\n", "dxf/coordinate-too-large"),
        ("0 LINE\nten 0\n20 0\n11 1\n21 0\n", "dxf/bad-group"),
        ("0 SPLINE\n71 3\n10 0\n20 0\n", "dxf/spline-invalid"),
        ("0 LWPOLYLINE\n10 0\n20 0\n10 1\n10 2\n20 2\n", "dxf/entity-incomplete"),
        ("0 POLYLINE\n66 1\n0 VERTEX\n10 1\n0 VERTEX\n10 1\n20 2\n0 SEQEND\n", "dxf/entity-incomplete"),
    ] {
        let checked = read_text(&drawing_text("", &format!("{good}{bad}{good}")));
        assert_eq!(codes(&checked), [code], "{bad}");
        assert_eq!(checked.value.shapes.len(), 2, "{bad}");
        assert!(checked.diagnostics[0].severity == Severity::Error);
        let span = checked.diagnostics[0].span.expect("a place");
        let line = span.line_in(drawing_text("", &format!("{good}{bad}{good}")).as_bytes());
        // Header 14 lines, the section's start 8, the first line 10.
        assert!((27..50).contains(&line), "{bad}: line {line}");
    }
}

/// What looks otherwise in the CAD program is read and said: what, how many, and where first.
#[test]
fn what_a_plan_does_not_show_is_said() {
    let line = "0 LINE\n10 0\n20 0\n11 5\n21 0\n";
    let tables = "0 ENDSEC\n0 SECTION\n2 TABLES\n0 LTYPE\n2 Plain\n73 0\n0 LTYPE\n2 HIDDEN\n73 2
        0 LAYER\n2 Bends\n70 0\n62 1\n6 Hidden\n0 LAYER\n2 Notes\n6 PLAIN\n290 0";
    for (entities, code, sentence, count) in [
        ("0 LWPOLYLINE\n43 3\n10 0\n20 0\n10 5\n20 0", "dxf/polyline-width", "up to 3.000 mm wide", 1),
        ("0 LWPOLYLINE\n10 0\n20 0\n40 0\n41 0.5\n10 5\n20 0", "dxf/polyline-width", "0.500 mm", 1),
        (
            "0 POLYLINE\n66 1\n40 2\n41 2\n0 VERTEX\n10 0\n20 0\n0 VERTEX\n10 1\n20 0\n40 4\n41 1\n0 SEQEND",
            "dxf/polyline-width",
            "up to 4.000 mm wide; their middle line is read: 1 POLYLINE",
            1,
        ),
        ("0 CIRCLE\n10 0\n20 0\n40 1\n39 5", "dxf/thickness", "1 CIRCLE", 1),
        ("0 LINE\n10 0\n20 0\n30 1\n11 5\n21 0", "dxf/not-flat", "1 LINE", 1),
        ("0 CIRCLE\n10 0\n20 0\n40 1\n210 1\n220 0\n230 1", "dxf/not-flat", "1 CIRCLE", 1),
        ("0 ELLIPSE\n10 0\n20 0\n11 5\n21 0\n40 0.5\n210 0\n220 1\n230 1", "dxf/not-flat", "1 ELLIPSE", 1),
        ("0 CIRCLE\n10 0\n20 0\n30 7\n40 1", "dxf/heights", "from 0.000 to 7.000 mm", 1),
        ("0 LINE\n8 Bends\n10 0\n20 1\n11 5\n21 1", "dxf/line-type", "1 Hidden", 1),
        (
            "0 LINE\n8 Bends\n6 Continuous\n10 0\n20 1\n11 5\n21 1\n0 LINE\n6 CENTER\n10 0\n20 2\n11 5\n21 2
             0 LINE\n6 center2\n10 0\n20 3\n11 5\n21 3\n0 LINE\n6 CENTER\n10 0\n20 4\n11 5\n21 4
             0 LINE\n6 bylayer\n10 0\n20 5\n11 5\n21 5",
            "dxf/line-type",
            "2 CENTER, 1 center2",
            3,
        ),
        ("0 LINE\n8 NOTES\n10 0\n20 1\n11 5\n21 1", "dxf/not-plotted", "1 Notes", 1),
    ] {
        let text = drawing_text(tables, &format!("{line}{entities}"));
        let checked = read_text(&text);
        assert_eq!(codes(&checked), [code], "{entities}");
        let d = &checked.diagnostics[0];
        assert!(d.message.contains(sentence) && d.count == count, "{d:?}");
        assert!(d.hint.is_some() && d.severity != Severity::Error);
        if code != "dxf/heights" {
            let start = d.span.expect("a place").start as usize;
            assert!(start > text.find("ENTITIES").expect("a section"), "{entities}");
        }
    }
    // What is left out anyway is not talked about, nor heights that differ by the rounding of a program.
    clean("", &format!("{line}0 LINE\n10 0\n20 0\n30 1e-9\n11 5\n21 0"));
    let hidden = format!("{line}0 LWPOLYLINE\n60 1\n43 3\n10 0\n20 0\n10 5\n20 0");
    said("", &hidden, "dxf/invisible");
}

/// A block draws BYBLOCK lines as its INSERT says.
#[test]
fn line_types_come_through_blocks() {
    let block = "0 BLOCK\n2 B\n10 0\n20 0\n0 LINE\n6 BYBLOCK\n10 0\n20 0\n11 1\n21 0\n0 ENDBLK";
    clean(block, "0 INSERT\n2 B");
    let checked = read_text(&drawing_text(block, "0 INSERT\n2 B\n6 DASHED\n0 INSERT\n2 B\n6 DASHED"));
    assert_eq!(codes(&checked), ["dxf/line-type"]);
    assert_eq!(checked.diagnostics[0].count, 2);
}

/// The clip hangs on the INSERT by two dictionaries; one that is switched off, or somebody else's, is none.
#[test]
fn a_clipped_block_is_read_whole_and_said() {
    let insert = "0 INSERT\n102 {ACAD_XDICTIONARY\n360 2A\n102 }\n2 PART";
    let objects = |on: u8, filter: &str| {
        format!(
            "0 INSERT\n2 PART\n{insert}\n0 ENDSEC\n0 SECTION\n2 OBJECTS
             0 DICTIONARY\n5 2a\n3 OTHER\n360 77\n3 ACAD_FILTER\n360 2B
             0 DICTIONARY\n5 2B\n3 {filter}\n360 2C
             0 SPATIAL_FILTER\n5 2C\n70 2\n10 0\n20 0\n10 1\n20 1\n71 {on}"
        )
    };
    let checked = read_text(&drawing_text(BLOCK, &objects(1, "SPATIAL")));
    assert_eq!(codes(&checked), ["dxf/clipped"]);
    let d = &checked.diagnostics[0];
    assert!(d.message.ends_with("1 PART") && d.count == 1 && d.severity == Severity::Warning, "{d:?}");
    assert_eq!(checked.value.shapes.len(), 4);
    clean(BLOCK, &objects(0, "SPATIAL"));
    clean(BLOCK, &objects(1, "SORTENTS"));
}

#[test]
fn blocks_that_nobody_shows_and_blocks_defined_twice() {
    said(BLOCK, "", "dxf/only-blocks");
    let arrow = BLOCK.replace("2 Part", "2 _DOT");
    clean(&arrow, "");
    let d = said(&format!("{BLOCK}\n{BLOCK}"), "0 INSERT\n2 PART", "dxf/block-twice");
    assert_eq!(d.shapes.len(), 2);
}

#[test]
fn an_attribute_marked_invisible_is_left_out() {
    let insert =
        "0 INSERT\n66 1\n2 PART\n0 ATTRIB\n10 0\n20 0\n1 a\n70 1\n0 ATTRIB\n10 0\n20 0\n1 b\n70 0\n0 SEQEND";
    let d = clean(BLOCK, insert);
    assert_eq!(d.texts.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!((d.ignored[0].what.as_str(), d.ignored[0].why), ("ATTRIB", "marked invisible"));
}

/// Nobody knows for sure what a decimal comma means, so nothing is made of it; but it is shown where they stand and
/// what the drawing would be.
#[test]
fn decimal_commas_are_errors_and_their_drawing_can_be_looked_at() {
    let text = drawing_text("", "0 LINE\n10 0,5\n20 0\n11 2,5\n21 0");
    let checked = read_text(&text);
    assert_eq!(codes(&checked), ["dxf/decimal-comma"]);
    assert_eq!(checked.diagnostics[0].count, 2);
    assert_eq!(checked.diagnostics[0].severity, Severity::Error);
    let span = checked.diagnostics[0].span.expect("a place");
    assert_eq!(&text[span.start as usize..span.end as usize], "0,5");
    assert_eq!(only(&checked.value).length(), 2.0);
    // In a hatch and in a block's base point as well.
    let hatch = "0 HATCH\n91 1\n92 2\n72 0\n73 1\n93 3\n10 0,5\n20 0\n10 1\n20 0\n10 1\n20 1\n97 0\n75 0";
    assert_eq!(codes(&read_text(&drawing_text("", hatch))), ["dxf/decimal-comma"]);
    let block = "0 BLOCK\n2 B\n10 1,5\n20 0\n0 ENDBLK";
    assert_eq!(
        codes(&read_text(&drawing_text(block, "0 LINE\n10 0\n20 0\n11 2\n21 0"))),
        ["dxf/decimal-comma"]
    );
}

#[test]
fn counts_in_the_file_are_not_believed() {
    let d = clean("", "0 LWPOLYLINE\n90 2000000000\n70 0\n10 0\n20 0\n10 1\n20 0");
    assert_eq!(only(&d).vertices.len(), 2);
    let d = clean(
        "",
        "0 HATCH\n91 2000000000\n92 2\n72 0\n73 1\n93 2000000000\n10 0\n20 0\n10 1\n20 0\n10 1\n20 1\n97 0\n75 0",
    );
    assert_eq!(d.shapes.len(), 1);
}

#[test]
fn line_ends_comments_and_what_follows_the_end() {
    let text = drawing_text("", "0 LINE\n999 a remark\n10 0\n20 0\n11 3\n21 4");
    for (name, text) in [
        ("crlf", text.replace('\n', "\r\n")),
        ("cr", text.replace('\n', "\r")),
        ("bom", format!("\u{feff}{text}")),
        ("blank lines on top", format!("\n\n{text}")),
        ("trash", format!("{text}  0\nLINE\n trash \n\0\0")),
        ("dos end", format!("{text}\x1a")),
        ("comment on top", format!("999\nmade by hand\n{text}")),
    ] {
        let checked = read_text(&text);
        assert_eq!(codes(&checked), Vec::<&str>::new(), "{name}");
        assert_eq!(only(&checked.value).length(), 5.0, "{name}");
    }
}

#[test]
fn paths_taken_are_the_paths() {
    let mut d = clean(BLOCK, &format!("{SLOT}\n0 INSERT\n2 PART\n41 2\n0 LINE\n10 0\n20 0\n11 1\n21 0"));
    let paths = d.paths(1e-3);
    assert_eq!((paths.len(), d.take_paths(1e-3)), (4, paths));
    assert_eq!(d.shapes.len(), 4);
}

#[test]
fn what_is_no_dxf() {
    let refused = |bytes: &[u8]| codes(&read(SourceId(0), bytes, &ReadOptions::default()));
    assert_eq!(refused(b""), ["dxf/empty"]);
    assert_eq!(refused(b" \n\n"), ["dxf/empty"]);
    assert_eq!(refused(b"AC1032\0\0\0\0\0\0\x03"), ["dxf/is-dwg"]);
    assert_eq!(refused(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), ["dxf/not-dxf"]);
    assert_eq!(refused(b"\xff\xfe0\0\n\0"), ["dxf/utf-16"]);
    assert_eq!(refused(&[0; 1000]), ["dxf/not-dxf"]);
    assert!(refused(b"0\nEOF\n").contains(&"dxf/no-entities"));
}

#[test]
fn a_file_cut_short_says_so() {
    let text = drawing_text("", "0 LINE\n10 0\n20 0\n11 3\n21 4\n0 LINE\n10 0\n20 0\n11 3\n21 4");
    let cut = text.find("EOF").expect("an end mark") - 30;
    let checked = read_text(&text[..cut]);
    assert!(codes(&checked).contains(&"dxf/no-eof"));
    assert!(codes(&checked).contains(&"dxf/section-not-closed"));
    assert!(checked.has_errors());
    assert_eq!(checked.value.shapes.len(), 1);
}

/// Writes ASCII groups as binary DXF.
fn binary(text: &str, wide: bool) -> Vec<u8> {
    let mut out = b"AutoCAD Binary DXF\r\n\x1a\0".to_vec();
    let mut lines = text.lines();
    while let (Some(code), Some(value)) = (lines.next(), lines.next()) {
        let code: i16 = code.trim().parse().expect("a code");
        match (wide, code) {
            (true, _) => out.extend(code.to_le_bytes()),
            (false, 255..) => {
                out.push(255);
                out.extend(code.to_le_bytes());
            }
            (false, _) => out.push(code as u8),
        }
        let number = || value.trim().parse::<f64>().expect("a number");
        match code {
            10..=59 | 110..=149 | 210..=239 => out.extend(number().to_le_bytes()),
            60..=79 => out.extend((number() as i16).to_le_bytes()),
            90..=99 => out.extend((number() as i32).to_le_bytes()),
            _ => {
                out.extend(value.as_bytes());
                out.push(0);
            }
        }
    }
    out
}

#[test]
fn binary_is_what_ascii_is() {
    let text = drawing_text(
        BLOCK,
        &format!(
            "{SLOT}\n0 INSERT\n2 PART\n10 5\n20 5\n50 30\n0 CIRCLE\n10 0\n20 0\n40 1\n210 0\n220 0\n230 -1"
        ),
    );
    let ascii = read_text(&text);
    for wide in [false, true] {
        let read = read(SourceId(0), &binary(&text, wide), &ReadOptions::default());
        assert_eq!(read.diagnostics, []);
        let curves = |d: &Drawing| d.shapes.iter().map(|s| s.curve.clone()).collect::<Vec<_>>();
        assert_eq!(curves(&read.value), curves(&ascii.value), "wide: {wide}");
    }
}

/// Parts of a large file, read in parallel, are what one reader makes of the whole.
#[test]
fn large_files_read_the_same_for_any_number_of_threads() {
    let mut entities = String::new();
    for i in 0..40_000 {
        entities += &match i % 4 {
            0 => format!("0 LINE\n8 L{}\n10 {i}\n20 0\n11 {i}\n21 1\n", i % 7),
            1 => heavy(1, &[("10 0\n20 0", 0), ("10 1\n20 0", 0), ("10 1\n20 1", 0)]) + "\n",
            2 => {
                format!("0 INSERT\n8 L\n66 1\n2 PART\n10 {i}\n20 5\n0 ATTRIB\n10 0\n20 0\n1 t{i}\n0 SEQEND\n")
            }
            _ => format!("0 TEXT\n8 0\n10 0\n20 {i}\n1 0\n"),
        };
    }
    let text = drawing_text(BLOCK, &entities);
    assert!(text.len() > 5 << 19);
    let read = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            format!("{:?}", read_with_facts(SourceId(0), text.as_bytes(), &ReadOptions::default()))
        })
    };
    let one = read(1);
    assert_eq!(read(4), one);
    assert!(one == read(4));
    let (checked, facts) = read_with_facts(SourceId(0), text.as_bytes(), &ReadOptions::default());
    assert_eq!(checked.diagnostics, []);
    assert_eq!(checked.value.shapes.len(), 10_000 * 4);
    assert_eq!(checked.value.texts.len(), 20_000);
    assert_eq!(facts.modelspace["POLYLINE"], 10_000);
    assert_eq!(checked.value.layers.iter().filter(|l| l.name.starts_with('L')).count(), 8);
    let spans: Vec<u32> = checked.value.texts.iter().map(|t| t.span.start).collect();
    assert!(spans.is_sorted());
}
