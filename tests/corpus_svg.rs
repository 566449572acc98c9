//! The SVG files of the corpus beside the repository: every file a result or a clear error, the size that an
//! independent reader gives, and twins equal. Skipped, with a word, where the corpus is not there.

use serde_json::Value;
use shop_formats::{Drawing, dxf, svg};
use shop_geom::Aabb;
use shop_report::{Checked, Severity, SourceId};
use std::path::{Path, PathBuf};

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if folder.join("svg/facts.json").exists() {
        return Some(folder);
    }
    eprintln!("skipped: there is no corpus at {}", folder.display());
    None
}

fn open(path: &Path) -> Checked<Drawing> {
    let bytes = std::fs::read(path).expect("the file is there");
    svg::read(SourceId(0), &bytes, &svg::ReadOptions::default())
}

fn bounds(d: &Drawing) -> Aabb {
    let made = d.shapes.iter().filter(|s| s.excluded.is_none());
    made.fold(Aabb::EMPTY, |b, s| b.union(s.curve.bounds()))
}

fn length(d: &Drawing) -> f64 {
    d.shapes.iter().filter(|s| s.excluded.is_none()).map(|s| s.curve.length()).sum()
}

/// Where the reference (svgelements, always 96 dpi) says something else, and why.
const DIFFERENT: [(&str, &str); 8] = [
    ("atreus__case-mk-i.svg", "Inkscape 0.48: 90 dpi"),
    ("camotics__stretching_cat.svg", "Inkscape 0.91: 90 dpi"),
    ("makelangelo__multi_shapes_path-circle-line-rect.svg", "Illustrator: 72 dpi"),
    ("openscad__box-w-holes.svg", "Illustrator: 72 dpi"),
    (
        "resvg__structure-svg__nested-svg-with-overflow-auto.svg",
        "the reference leaves out x, y of a nested svg",
    ),
    ("sofle__top_plate.svg", "the reference counts a path without length"),
    ("svg2gcode__shapes.svg", "the reference does not skew ellipses"),
    ("svg2gcode__transform_origin.svg", "the reference leaves out transform-origin"),
];

#[test]
fn every_svg_has_the_size_of_the_reference() {
    let Some(corpus) = corpus() else { return };
    let facts = std::fs::read(corpus.join("svg/facts.json")).expect("the facts are there");
    let facts: Value = serde_json::from_slice(&facts).expect("the facts are JSON");
    let mut wrong = Vec::new();
    for f in facts.as_array().expect("a list") {
        let name = f["file"].as_str().expect("a name");
        let read = open(&corpus.join("svg").join(name));
        let (d, b) = (&read.value, bounds(&read.value));
        for (_, p) in d.paths(0.01) {
            assert!(p.is_finite() && !p.vertices.is_empty(), "{name}");
        }
        if d.shapes.is_empty() {
            assert!(!read.diagnostics.is_empty(), "{name}: nothing, and nothing said");
        }
        assert!(!read.has_errors(), "{name}: {:?}", read.diagnostics);
        let Some(r) = f["bbox_mm"].as_array() else { continue };
        let r: Vec<f64> = r.iter().filter_map(Value::as_f64).collect();
        // y is the other way up, and the page's height is not the reference's business: only its extent.
        let same = (b.min.x - r[0]).abs() < 0.011
            && (b.max.x - r[2]).abs() < 0.011
            && (b.height() - (r[3] - r[1])).abs() < 0.011;
        if same == DIFFERENT.iter().any(|d| d.0 == name) {
            wrong.push(format!("{name}: {b:?}, reference {r:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same sheet as DXF and SVG. The extent and every hole agree. The outlines do not: the SVG file has 181 lines
/// where the DXF has 85 beside the holes, so that lengths are compared with what the SVG says itself.
#[test]
fn the_gantry_sheet_is_its_twin() {
    let Some(corpus) = corpus() else { return };
    let svg = open(&corpus.join("svg/mendel90__frame_gantry_and_y_carriage.svg")).value;
    let twin = find(&corpus.join("designs"), "frame_gantry_and_y_carriage.dxf").expect("the twin is there");
    let dxf = read_dxf(&twin);
    let (p, q) = (bounds(&svg), bounds(&dxf));
    assert!((p.width() - q.width()).abs() < 0.01 && (p.height() - q.height()).abs() < 0.01, "{p:?} {q:?}");
    // Both are turned up; they differ by a shift.
    let shift = q.min - p.min;
    let holes: Vec<Aabb> =
        svg.shapes.iter().filter(|s| s.curve.is_closed(0.0)).map(|s| s.curve.bounds()).collect();
    assert_eq!(holes.len(), 47);
    for h in holes {
        // The DXF's holes are polygons: their corners lie on the circle.
        let (center, radius) = (h.center() + shift, h.width() / 2.0);
        let on = dxf.shapes.iter().filter_map(|s| s.curve.start());
        assert!(on.filter(|p| ((p - center).norm() - radius).abs() < 0.01).count() >= 12, "{h:?}");
    }
    assert!((length(&svg) - (3_705.018_679 + 409.663_656)).abs() < 1e-3, "{}", length(&svg));
}

/// The DXF has no unit and 0.75 of the SVG's numbers, hence the shape of the extent is compared.
#[test]
fn the_plotter_drawing_is_its_twin() {
    let Some(corpus) = corpus() else { return };
    let name = "makelangelo__multi_shapes_path-circle-line-rect";
    let p = bounds(&open(&corpus.join(format!("svg/{name}.svg"))).value);
    let q = bounds(&read_dxf(&corpus.join(format!("dxf/{name}.dxf"))));
    let (x, y) = (q.width() / p.width(), q.height() / p.height());
    assert!((x - y).abs() < 1e-3 * x && (x - 0.75 * 72.0 / 25.4).abs() < 2e-3, "{x} {y}");
}

fn read_dxf(path: &Path) -> Drawing {
    let bytes = std::fs::read(path).expect("the file is there");
    dxf::read(SourceId(0), &bytes, &dxf::ReadOptions::default()).value
}

fn find(folder: &Path, end: &str) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    entries.sort();
    entries
        .iter()
        .find(|p| p.to_string_lossy().ends_with(end))
        .cloned()
        .or_else(|| entries.iter().filter(|p| p.is_dir()).find_map(|p| find(p, end)))
}

/// Whatever is cut off or put in, there is an answer, and errors carry a place.
#[test]
fn truncated_files_are_said() {
    let Some(corpus) = corpus() else { return };
    let bytes = std::fs::read(corpus.join("svg/svg2gcode__shapes.svg")).expect("the file is there");
    for end in (0..bytes.len() - 8).step_by(97) {
        let read = svg::read(SourceId(0), &bytes[..end], &svg::ReadOptions::default());
        let error = read.diagnostics.iter().find(|d| d.severity == Severity::Error).expect("an error");
        assert!(error.span.is_some() && read.value.shapes.is_empty());
    }
}
