//! Texts as shapes: where DXF and SVG say they stand, in strokes and in a font's outlines.

use crate::font::two_letters;
use shop_formats::text::{Lettering, draw};
use shop_formats::{Drawing, dxf, svg};
use shop_geom::{Aabb, Point};
use shop_report::SourceId;
use std::fmt::Write;

/// A drawing of these entities, one group a line.
fn drawing(entities: &str) -> Drawing {
    let mut text = String::new();
    for line in
        format!("0 SECTION\n2 ENTITIES\n{entities}\n0 ENDSEC\n0 EOF").lines().filter(|l| !l.is_empty())
    {
        let (code, value) = line.trim().split_once(' ').expect("code and value");
        writeln!(text, "{code}\n{value}").expect("a string takes all");
    }
    dxf::read(SourceId(0), text.as_bytes(), &dxf::ReadOptions::default()).value
}

fn bounds(d: &Drawing) -> Aabb {
    d.shapes.iter().fold(Aabb::EMPTY, |b, s| b.union(s.curve.bounds()))
}

#[track_caller]
fn stands(d: &Drawing, [x0, y0, x1, y1]: [f64; 4]) {
    let b = bounds(d);
    let off = (b.min - Point::new(x0, y0)).norm() + (b.max - Point::new(x1, y1)).norm();
    assert!(off < 1e-6, "{b:?}");
}

/// Every way in which DXF places a text, on `HH`, 19 wide and 12 high in strokes.
#[test]
fn dxf_texts_stand_where_they_are_put() {
    let text = "0 TEXT\n8 NAMES\n62 1\n40 12\n1 HH\n10 100\n20 50\n";
    let multi = "0 MTEXT\n40 12\n1 HH\n10 100\n20 50\n";
    for (entity, place) in [
        (text.to_owned(), [100.0, 50.0, 119.0, 62.0]),
        (format!("{text}50 90"), [88.0, 50.0, 100.0, 69.0]),
        (format!("{text}41 2"), [100.0, 50.0, 138.0, 62.0]),
        (format!("{text}71 2"), [81.0, 50.0, 100.0, 62.0]),
        (format!("{text}71 4"), [100.0, 38.0, 119.0, 50.0]),
        // A slant of 45 degrees moves the heads by the height.
        (format!("{text}51 45"), [100.0, 50.0, 131.0, 62.0]),
        (format!("{text}72 1\n11 200\n21 70"), [190.5, 70.0, 209.5, 82.0]),
        (format!("{text}72 2\n73 3\n11 200\n21 70"), [181.0, 58.0, 200.0, 70.0]),
        (format!("{text}72 4\n11 200\n21 70"), [190.5, 64.0, 209.5, 76.0]),
        // Fitted from (100, 50) to (138, 50), with its height and with all.
        (format!("{text}72 5\n11 138\n21 50"), [100.0, 50.0, 138.0, 62.0]),
        (format!("{text}72 3\n11 138\n21 50"), [100.0, 50.0, 138.0, 74.0]),
        // A downward extrusion mirrors.
        (format!("{text}210 0\n220 0\n230 -1"), [-119.0, 50.0, -100.0, 62.0]),
        (format!("{multi}71 1"), [100.0, 38.0, 119.0, 50.0]),
        (format!("{multi}71 5"), [90.5, 44.0, 109.5, 56.0]),
        (format!("{multi}71 9"), [81.0, 54.0, 100.0, 66.0]),
        (format!("{multi}71 7\n11 0\n21 1\n31 0"), [84.0, 50.0, 96.0, 69.0]),
    ] {
        let mut d = drawing(&entity);
        assert_eq!(draw(&mut d, Lettering::Stroke), []);
        assert!(d.texts.is_empty() && d.shapes.len() == 6, "{entity}");
        stands(&d, place);
        if entity.contains("NAMES") {
            let s = &d.shapes[0];
            assert_eq!((d.layers[s.layer as usize].name.as_str(), s.colour), ("NAMES", Some([255, 0, 0])));
        }
    }
}

#[test]
fn outlines_are_the_fonts_and_closed() {
    let mut d = drawing("0 TEXT\n40 7\n1 HOX\n10 1\n20 2");
    let said = draw(&mut d, Lettering::Outline(&two_letters()));
    assert_eq!(said.iter().map(|d| d.code).collect::<Vec<_>>(), ["text/no-glyph"]);
    // Capitals are 700 units high: one is 0.01 mm.
    stands(&d, [1.0, 2.0, 1.0 + 11.0, 9.0]);
    assert_eq!(d.shapes.len(), 3);
    assert!(d.shapes.iter().all(|s| s.curve.is_closed(0.0)));
    // The area under the parabolas of a rectangle's midpoints is 5/6 of it.
    let area = |i: usize| d.shapes[i].curve.to_polyline(1e-4).area().abs();
    assert!((area(0) - 35.0).abs() < 1e-9);
    assert!((area(1) - 35.0 * 5.0 / 6.0).abs() < 1e-2 && (area(2) - 15.0 * 5.0 / 6.0).abs() < 1e-2);
}

#[test]
fn a_broken_font_leaves_the_texts() {
    let mut d = drawing("0 TEXT\n40 7\n1 H\n10 1\n20 2\n0 TEXT\n40 7\n1 H\n10 1\n20 2");
    let said = draw(&mut d, Lettering::Outline(&two_letters()[..40]));
    assert_eq!(said.iter().map(|d| d.code).collect::<Vec<_>>(), ["text/font"]);
    assert_eq!((d.texts.len(), d.shapes.len()), (2, 0));
}

/// The middle of a text in SVG is where `text-anchor` says; letters stand upright although y runs down there.
#[test]
fn svg_texts_stand_where_they_are_put() {
    let page = |attributes: &str| {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='100mm' height='50mm' viewBox='0 0 100 50'>\
             <text x='50' y='20' font-size='10' {attributes}>HH</text></svg>"
        )
    };
    let read = |attributes: &str, options: &svg::ReadOptions| {
        svg::read(SourceId(0), page(attributes).as_bytes(), options)
    };
    let keep = svg::ReadOptions { keep_texts: true, ..svg::ReadOptions::default() };
    let (w, h) = (7.16 * 19.0 / 12.0, 7.16);
    for (attributes, place) in [
        ("", [50.0, 30.0, 50.0 + w, 30.0 + h]),
        ("text-anchor='middle'", [50.0 - w / 2.0, 30.0, 50.0 + w / 2.0, 30.0 + h]),
        ("text-anchor='end'", [50.0 - w, 30.0, 50.0, 30.0 + h]),
    ] {
        let mut d = read(attributes, &keep);
        assert_eq!(d.diagnostics, []);
        assert_eq!(draw(&mut d.value, Lettering::Stroke), []);
        stands(&d.value, place);
    }
    // With a font the layout is SVG's own.
    let options = svg::ReadOptions { fonts: Some(svg::fonts([two_letters()])), ..keep };
    let d = read("text-anchor='middle'", &options);
    assert_eq!((d.diagnostics.len(), d.value.shapes.len(), d.value.texts.len()), (0, 2, 0));
    stands(&d.value, [44.0, 30.0, 55.0, 37.0]);
}
