//! What an SVG comes to, in mm.

use shop_formats::svg::{ReadOptions, read};
use shop_formats::{Drawing, Exclusion};
use shop_geom::curve::Curve;
use shop_geom::{Aabb, Point};
use shop_report::{Checked, Severity, SourceId};

fn open(svg: &str) -> Checked<Drawing> {
    read(SourceId(0), svg.as_bytes(), &ReadOptions::default())
}

/// A page of 100 by 50 mm in user units of 1 mm.
fn page(body: &str) -> Checked<Drawing> {
    open(&format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
         xmlns:inkscape='http://www.inkscape.org/namespaces/inkscape' width='100mm' height='50mm' \
         viewBox='0 0 100 50'>{body}</svg>"
    ))
}

#[track_caller]
fn check_box(b: Aabb, [x0, y0, x1, y1]: [f64; 4]) {
    let off = (b.min - Point::new(x0, y0)).norm() + (b.max - Point::new(x1, y1)).norm();
    assert!(off < 1e-9, "{b:?}");
}

fn bounds(d: &Drawing) -> Aabb {
    d.shapes.iter().fold(Aabb::EMPTY, |b, s| b.union(s.curve.bounds()))
}

fn codes<T>(c: &Checked<T>) -> Vec<&str> {
    c.diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn y_is_up_and_units_are_mm() {
    let c = page("<rect x='10' y='5' width='20' height='10'/>");
    check_box(bounds(&c.value), [10.0, 35.0, 30.0, 45.0]);
    assert!(c.diagnostics.is_empty() && c.value.units.declared);
    assert_eq!(c.value.shapes[0].colour, Some([0, 0, 0]));
}

#[test]
fn sizes_are_read_in_every_unit() {
    let check = |attributes: &str, mm: f64, declared: bool| {
        let c = open(&format!(
            "<svg xmlns='http://www.w3.org/2000/svg' {attributes}><circle cx='8' cy='8' r='5'/></svg>"
        ));
        let b = bounds(&c.value);
        assert!((b.width() - 10.0 * mm).abs() < 1e-9, "{attributes}: {b:?}");
        assert_eq!(c.value.units.declared, declared, "{attributes}");
        assert_eq!(codes(&c).contains(&"svg/units-missing"), !declared, "{attributes}");
        assert!(matches!(&c.value.shapes[0].curve, Curve::Polyline(p) if p.closed && p.vertices.len() == 2));
    };
    let px = 25.4 / 96.0;
    check("", px, false);
    check("viewBox='0 0 16 16'", px, false);
    check("width='16' height='16'", px, false);
    check("width='32px' height='32px' viewBox='0 0 16 16'", 2.0 * px, false);
    check("width='16mm' height='16mm' viewBox='0 0 16 16'", 1.0, true);
    check("width='1.6cm' height='1.6cm' viewBox='0 0 16 16'", 1.0, true);
    check("width='1in' height='1in' viewBox='0 0 25.4 25.4'", 1.0, true);
    check("width='72pt' height='72pt' viewBox='0 0 25.4 25.4'", 1.0, true);
    check("width='6pc' viewBox='0 0 25.4 25.4'", 1.0, true);
    check("width='100%' height='100%' viewBox='0 0 16 16'", px, false);
    check("width='32mm' height='16mm' viewBox='0 0 16 16'", 1.0, true);
    check("width='32mm' height='16mm' viewBox='0 0 16 16' preserveAspectRatio='xMinYMin slice'", 2.0, true);
    check("width='40mm' height='30mm'", px, true);
}

#[test]
fn the_user_may_say_the_scale() {
    let svg =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='5'/></svg>";
    let with = |o: ReadOptions| bounds(&read(SourceId(0), svg.as_bytes(), &o).value);
    let b = with(ReadOptions { mm_per_unit: Some(25.4), ..Default::default() });
    check_box(b, [76.2, 76.2, 330.2, 330.2]);
    check_box(with(ReadOptions { dpi: Some(25.4), ..Default::default() }), [3.0, 3.0, 13.0, 13.0]);
    let nonsense = ReadOptions { dpi: Some(f64::NAN), mm_per_unit: Some(-1.0), ..Default::default() };
    check_box(with(nonsense), [3.0, 3.0, 13.0, 13.0].map(|v| v * 25.4 / 96.0));
}

#[test]
fn old_programs_have_other_pixels() {
    let c = open(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:i='http://www.inkscape.org/namespaces/inkscape' \
         i:version='0.48.4 r9939' width='90' height='90'><rect width='90' height='90'/></svg>",
    );
    check_box(bounds(&c.value), [0.0, 0.0, 25.4, 25.4]);
    assert!(codes(&c).contains(&"svg/dpi"));
    let c = open(
        "<?xml version='1.0'?><!-- Generator: Adobe Illustrator 24.1 -->\
         <svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 72 72'><rect width='72' height='72'/></svg>",
    );
    check_box(bounds(&c.value), [0.0, 0.0, 25.4, 25.4]);
}

#[test]
fn a_page_without_height_starts_at_zero() {
    let c =
        open("<svg xmlns='http://www.w3.org/2000/svg'><rect x='96' y='96' width='96' height='96'/></svg>");
    check_box(bounds(&c.value), [25.4, 0.0, 50.8, 25.4]);
}

#[test]
fn transforms_and_uses_nest() {
    let c = page(
        "<defs><g id='a'><rect width='2' height='4'/></g><symbol id='s' viewBox='0 0 10 10'>\
         <circle cx='5' cy='5' r='5'/></symbol></defs>\
         <g transform='translate(10,10)'><use href='#a' x='1' transform='rotate(90)'/></g>\
         <use xlink:href='#s' x='50' y='20' width='20' height='20'/>\
         <rect x='2' y='2' width='2' height='4' transform='rotate(90)' transform-origin='2px 2px'/>",
    );
    let boxes: Vec<Aabb> = c.value.shapes.iter().map(|s| s.curve.bounds()).collect();
    // The rectangle at (1,0)-(3,4), turned to x -4..0, y 1..3, then moved.
    check_box(boxes[0], [6.0, 37.0, 10.0, 39.0]);
    check_box(boxes[1], [50.0, 10.0, 70.0, 30.0]);
    check_box(boxes[2], [-2.0, 46.0, 2.0, 48.0]);
}

#[test]
fn circles_stay_circles_until_stretched() {
    let c = page(
        "<g transform='rotate(30) scale(-2,2)'><circle r='5'/></g><circle r='5' transform='scale(1,2)'/>\
         <path d='M0 0A5 5 0 0 1 10 0' stroke='red'/><rect width='20' height='10' rx='2'/>",
    );
    let arcs = |c: &Curve| match c {
        Curve::Polyline(p) => p.vertices.iter().filter(|v| v.bulge != 0.0).count(),
        Curve::Ellipse(_) => 100,
        Curve::Nurbs(_) => 200,
    };
    let kinds: Vec<_> = c.value.shapes.iter().map(|s| arcs(&s.curve)).collect();
    assert_eq!(kinds, [2, 100, 1, 4]);
    check_box(c.value.shapes[1].curve.bounds(), [-5.0, 40.0, 5.0, 60.0]);
    let area = c.value.paths(0.001)[3].1.area().abs();
    assert!((area - (200.0 - (4.0 - std::f64::consts::PI) * 4.0)).abs() < 1e-9);
}

#[test]
fn layers_are_inkscapes_or_groups() {
    let c = page(
        "<g inkscape:groupmode='layer' inkscape:label='Cut' id='layer1'><g id='g7'><path d='M0 0h1'/></g></g>\
         <g inkscape:groupmode='layer' inkscape:label='Off' style='display:none'><path d='M0 0h1'/></g>\
         <path d='M0 0h1'/>",
    );
    let names: Vec<_> = c.value.layers.iter().map(|l| (l.name.as_str(), l.hidden)).collect();
    assert_eq!(names, [("Cut", false), ("Off", true), ("0", false)]);
    let excluded: Vec<_> = c.value.shapes.iter().map(|s| (s.layer, s.excluded)).collect();
    assert_eq!(excluded, [(0, None), (1, Some(Exclusion::LayerHidden)), (2, None)]);
    let c = page(
        "<g id='all'><g id='Cut_x20_1'><g id='inner'><path d='M0 0h1'/></g></g>\
         <g id='b'><path d='M0 0h1'/></g></g>",
    );
    let names: Vec<_> = c.value.layers.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["Cut 1", "b"]);
}

#[test]
fn hidden_things_are_kept_apart() {
    let c = page(
        "<g display='none'><path d='M0 0h1'/></g><g visibility='hidden'><path d='M0 0h2'/>\
         <path d='M0 0h3' visibility='visible'/></g><style>.x{display:none}</style><path class='x' d='M0 0h4'/>",
    );
    let shown: Vec<f64> = c.value.paths(0.01).iter().map(|p| p.1.length()).collect();
    assert_eq!(shown, [3.0]);
    assert_eq!(c.diagnostics.iter().find(|d| d.code == "svg/hidden").map(|d| d.count), Some(3));
}

#[test]
fn what_lies_beside_the_page_is_kept_and_said() {
    let c = page(
        "<rect x='-20' y='5' width='10' height='10'/><rect x='-5' y='5' width='10' height='10'/>\
        <circle cx='50' cy='70' r='5'/>",
    );
    assert_eq!((codes(&c), c.diagnostics[0].count), (vec!["svg/off-page"], 2));
    assert_eq!(c.value.shapes.len(), 3);
}

#[test]
fn what_a_renderer_drops_is_kept() {
    let c = page(
        "<path fill='none' d='M0 0h10v10z'/><line x1='1' x2='9' fill='none'/>\
         <polyline points='0,0 5,5' fill='none'/><path d='M0 0H10' stroke='red' stroke-width='0'/>\
         <path opacity='0' d='M1 1h1v1z'/>",
    );
    assert_eq!(c.value.shapes.len(), 5);
    let d = c.diagnostics.iter().find(|d| d.code == "svg/unpainted").expect("said");
    assert_eq!((d.count, d.severity), (4, Severity::Info));
}

#[test]
fn colours_come_from_stroke_then_fill() {
    let c = page(
        "<linearGradient id='g'><stop stop-color='lime'/></linearGradient><g stroke='#f00' color='navy'>\
         <path d='M0 0h1'/><path style='stroke:none;fill:blue' d='M0 0h1'/>\
         <path stroke='currentColor' d='M0 0h1'/><path stroke='url(#g)' d='M0 0h1'/>\
         <path stroke='none' fill='none' d='M0 0h1'/></g>",
    );
    let colours: Vec<_> = c.value.shapes.iter().map(|s| s.colour).collect();
    assert_eq!(colours, [Some([255, 0, 0]), Some([0, 0, 255]), Some([0, 0, 128]), Some([0, 255, 0]), None]);
}

#[test]
fn a_filled_shape_is_closed() {
    let c = page("<path d='M0 0h10v10'/><path d='M0 0C0 10 10 10 10 0'/><path d='M0 0h10v10' stroke='red'/>");
    let closed: Vec<bool> = c.value.shapes.iter().map(|s| s.curve.is_closed(0.0)).collect();
    assert_eq!(closed, [true, true, false]);
    let lengths: Vec<f64> = c.value.shapes.iter().map(|s| s.curve.length()).collect();
    assert!((lengths[0] - (20.0 + 200_f64.sqrt())).abs() < 1e-9, "{lengths:?}");
    assert!((lengths[1] - 30.0).abs() < 1e-5, "{lengths:?}");
    assert!(codes(&c).contains(&"svg/closed-fill"));
}

#[test]
fn what_is_left_out_is_counted() {
    let c = page(
        "<image href='a.png'/><foreignObject/><rect width='0' height='3'/><path d='M1 1'/><path d='M2 2z'/>\
         <clipPath id='c'><rect width='1' height='1'/></clipPath><path clip-path='url(#c)' d='M0 0h1'/>\
         <path d='M0 0h1' stroke='red' stroke-dasharray='1 2' marker-end='url(#m)'/>\
         <use href='#nothing'/><blob/>",
    );
    let list: Vec<_> = c.value.ignored.iter().map(|i| (i.what.as_str(), i.count)).collect();
    let expected = [
        ("image", 1),
        ("foreignObject", 1),
        ("rect", 1),
        ("path", 1),
        ("clip-path", 1),
        ("marker", 1),
        ("stroke-dasharray", 1),
        ("use", 1),
        ("blob", 1),
    ];
    assert_eq!(list, expected);
    assert_eq!(c.value.shapes.len(), 2);
}

#[test]
fn text_without_fonts_stays_text() {
    let c = page(
        "<text x='10' y='20' font-size='10' transform='rotate(-90 10 20)'>Part <tspan>A</tspan>\
         <tspan x='10' y='32'>two</tspan></text>",
    );
    let t = &c.value.texts;
    assert_eq!(t.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(), ["Part A", "two"]);
    assert!((t[0].at - Point::new(10.0, 30.0)).norm() < 1e-9);
    assert!((t[0].angle() - std::f64::consts::FRAC_PI_2).abs() < 1e-9);
    assert!((t[0].height() - 7.16).abs() < 1e-9);
    assert_eq!((c.value.ignored[0].what.as_str(), c.value.ignored[0].count), ("text", 1));
    assert!(codes(&c).contains(&"svg/text"));
}

#[test]
fn bad_files_get_errors_with_a_line() {
    let check = |bytes: &[u8], code: &str, line: usize| {
        let c = read(SourceId(0), bytes, &ReadOptions::default());
        let d = c.diagnostics.iter().find(|d| d.severity == Severity::Error).expect("an error");
        assert_eq!(d.code, code, "{}", d.message);
        assert_eq!(d.span.expect("a place").line_in(bytes), line, "{}", d.message);
        assert!(c.value.shapes.is_empty());
    };
    check(b"", "svg/empty", 1);
    check(b"0\nSECTION\n", "svg/not-xml", 1);
    check(b"<svg>\n<g>\n", "svg/not-xml", 2);
    check(b"<svg>\n<path d='M0 0\n", "svg/not-xml", 2);
    check(b"<html>\n</html>", "svg/not-svg", 1);
    check(&[0; 64], "svg/not-xml", 1);
    check(&[0x1f, 0x8b, 8, 0, 0], "svg/gzip", 1);
    let bomb = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\
        <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>]>\n<svg>&d;</svg>";
    check(bomb.as_bytes(), "svg/not-xml", 1);
}

#[test]
fn loops_and_bombs_of_use_end() {
    let c = page("<g id='a'><use href='#b'/><path d='M0 0h1'/></g><g id='b'><use href='#a'/></g>");
    assert!(c.value.shapes.len() < 10);
    let mut bomb = String::from("<defs><path id='u0' d='M0 0h1'/>");
    for i in 1..30 {
        let uses = format!("<use href='#u{}'/>", i - 1).repeat(10);
        bomb = format!("{bomb}<g id='u{i}'>{uses}</g>");
    }
    bomb += "</defs><use href='#u29'/>";
    let c = page(&bomb);
    assert!(codes(&c).contains(&"svg/too-many-copies"), "{:?}", codes(&c));
    let deep = format!("{}<path d='M0 0h1'/>{}", "<g>".repeat(5000), "</g>".repeat(5000));
    assert!(codes(&page(&deep)).contains(&"svg/too-deep"));
}

#[test]
fn numbers_out_of_bounds_do_no_harm() {
    let c = page(
        "<path d='M0 0L1e30 1e400'/><rect width='1e308' height='1e308'/><circle r='NaN'/><circle r='inf'/>\
         <g transform='scale(1e200)'><g transform='scale(1e200)'><path d='M1 1h1'/></g></g>\
         <path d='M0 0A1e-300 1e300 0 1 1 5 5'/><path transform='scale(0)' d='M0 0h1v1z'/><path d='M0 0h1'/>",
    );
    assert!(c.value.shapes.iter().all(|s| s.curve.is_finite()));
    assert!(c.value.paths(0.001).iter().all(|p| p.1.is_finite()));
    assert!((c.value.shapes.last().expect("one").curve.length() - 1.0).abs() < 1e-12);
}

#[test]
fn the_place_in_the_file_is_kept() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'>\n<!-- ä -->\n<path d='M0 0h1'/></svg>";
    let c = open(svg);
    let span = c.value.shapes[0].span;
    assert_eq!(&svg[span.start as usize..span.end as usize], "<path d='M0 0h1'/>");
    assert_eq!(span.line_in(svg.as_bytes()), 3);
}
