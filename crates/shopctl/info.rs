//! `shopctl info`: what can be said about a drawing or a mesh, as JSON for scripts and as a few lines for people.

#[path = "info/mesh.rs"]
pub mod mesh;

use serde_json::{Value, json};
use shop_formats::dxf::{self, DxfFacts};
use shop_formats::facts::Facts;
use shop_formats::{Drawing, Exclusion};
use shop_geom::Aabb;
use shop_report::Span;
use std::fmt::Write as _;

/// Returns the facts under the names that the corpus' `truth.json` uses; a DXF's own ones only for a DXF.
pub fn facts_json(file: &str, size: u64, drawing: &Drawing, facts: &Facts) -> Value {
    let mut out = json!({ "file": file, "size": size });
    if let Some(dxf) = &facts.dxf {
        merge(&mut out, about_dxf(dxf));
    }
    let names: std::collections::BTreeSet<&str> = drawing.layers.iter().map(|l| l.name.as_str()).collect();
    let units = match &facts.dxf {
        Some(dxf) => dxf::unit_name(dxf.insunits.unwrap_or(0)),
        None => "mm",
    };
    let by_layer = facts.dxf.as_ref().map_or(&facts.paths_by_layer, |d| &d.geometry_by_layer);
    let by_colour: serde_json::Map<String, Value> = facts
        .paths_by_colour
        .iter()
        .map(|(c, n)| (c.map_or("none".into(), |[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}")), json!(n)))
        .collect();
    let scale = facts.mm_per_unit;
    merge(
        &mut out,
        json!({
            "units": units,
            "mm_per_unit": scale,
            "units_declared": facts.units_declared,
            "layers": names,
            "geometry_paths": facts.paths,
            "geometry_by_layer": by_layer,
            "geometry_by_colour": by_colour,
            "bbox": facts.bounds.map(|b| corners(&b, 1.0 / scale, 4)),
            "bbox_mm": facts.bounds.map(|b| corners(&b, 1.0, 4)),
            "size_mm": facts.bounds.map(|b| [rounded(b.width(), 3), rounded(b.height(), 3)]),
            "length": rounded(facts.length / scale, 4),
            "length_mm": rounded(facts.length, 3),
            "closed_contours": facts.closed_contours(),
            "closed_contours_raw": facts.closed_raw,
            "closed_in_themselves": facts.closed_in_themselves,
            "closed_by_chaining": facts.closed_by_chaining,
            "open_chains": facts.open_chains,
            "branching_components": facts.branching_components,
            "duplicate_paths": facts.duplicates,
            "paths_dropped_short": facts.short,
            "texts": facts.texts,
            "points": facts.points,
            "excluded": facts.excluded.iter().map(|(why, n)| (key(*why).to_owned(), json!(n)))
                .collect::<serde_json::Map<_, _>>(),
        }),
    );
    out
}

fn about_dxf(dxf: &DxfFacts) -> Value {
    json!({
        "format": if dxf.binary { "binary" } else { "ascii" },
        "newline": dxf.newline,
        "non_ascii": dxf.non_ascii,
        "bom": dxf.bom,
        "acadver_raw": dxf.acadver,
        "release": release(dxf.acadver.as_deref()),
        "codepage": dxf.codepage,
        "has_header": dxf.has_header,
        "has_eof": dxf.has_eof,
        "insunits_in_file": dxf.insunits.is_some(),
        "insunits": dxf.insunits.unwrap_or(0),
        "exporter": dxf.exporter,
        "modelspace": dxf.modelspace,
        "paperspace": dxf.paperspace,
        "block_definitions": dxf.block_definitions,
        "in_block_definitions": dxf.in_block_definitions,
        "expanded": dxf.expanded,
        "mirrored_inserts": dxf.mirrored_inserts,
        "nonuniform_inserts": dxf.nonuniform_inserts,
        "negative_extrusion_entities": dxf.negative_extrusion_entities,
    })
}

/// Returns the product release that a `$ACADVER` stands for.
fn release(acadver: Option<&str>) -> &'static str {
    match acadver.unwrap_or("AC1009") {
        "AC1032" => "R2018",
        "AC1027" => "R2013",
        "AC1024" => "R2010",
        "AC1021" => "R2007",
        "AC1018" => "R2004",
        "AC1015" => "R2000",
        "AC1014" => "R14",
        "AC1012" => "R13",
        "AC1009" => "R12",
        "AC1006" => "R10",
        "AC1004" => "R9",
        "AC1003" => "R2.6",
        "AC1002" => "R2.5",
        "AC2.10" => "R2.10",
        "AC1.50" => "R2.05",
        "AC1.40" => "R1.4",
        "AC1.2" => "R1.2",
        _ => "unknown",
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn rounded(v: f64, digits: i32) -> f64 {
    let p = 10f64.powi(digits);
    // Adding zero turns a negative zero into a plain one.
    (v * p).round() / p + 0.0
}

fn corners(b: &Aabb, scale: f64, digits: i32) -> [f64; 4] {
    [b.min.x, b.min.y, b.max.x, b.max.y].map(|v| rounded(v * scale, digits))
}

fn key(why: Exclusion) -> &'static str {
    match why {
        Exclusion::LayerHidden => "layer_hidden",
        Exclusion::Invisible => "invisible",
        Exclusion::PaperSpace => "paper_space",
        Exclusion::Construction => "construction",
    }
}

/// Returns the facts as aligned lines for people; `place` says in words where in the file something stands.
pub fn facts_text(
    file: &str,
    size: u64,
    drawing: &Drawing,
    facts: &Facts,
    place: &dyn Fn(Span) -> Option<String>,
) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name:<10} {text}");
    };
    line("file", format!("{file} ({})", bytes_text(size)));
    if let Some(d) = &facts.dxf {
        let kind = if d.binary { "binary" } else { "ASCII" };
        let by = d.exporter.map_or(String::new(), |e| format!(", written by {e}"));
        line("format", format!("DXF {} {kind}{by}", release(d.acadver.as_deref())));
    }
    let unit = match (&facts.dxf, facts.units_declared) {
        (None, false) => "not given, pixels assumed".to_owned(),
        (Some(_), false) => "not given, mm assumed".to_owned(),
        (Some(d), true) => dxf::unit_name(d.insunits.unwrap_or(0)).to_owned(),
        (None, true) => "physical".to_owned(),
    };
    let scale = match facts.mm_per_unit {
        1.0 if facts.dxf.is_some() => String::new(),
        s => format!(" (1 unit = {} mm)", rounded(s, 6)),
    };
    line("units", format!("{unit}{scale}"));
    match facts.bounds {
        None => line("extent", "nothing to cut".to_owned()),
        Some(b) => {
            let [x, y, ..] = corners(&b, 1.0, 2);
            line("extent", format!("{:.2} x {:.2} mm from ({x:.2}, {y:.2})", b.width(), b.height()));
            line("length", format!("{:.1} mm in {}", facts.length, counted(facts.paths, "path")));
            line("contours", contours_text(facts));
        }
    }
    if let Some(d) = &facts.dxf {
        let list: Vec<String> = d.modelspace.iter().map(|(name, n)| format!("{n} {name}")).collect();
        if !list.is_empty() {
            line("entities", list.join(", "));
        }
    }
    let layers: Vec<String> = facts.paths_by_layer.iter().map(|(name, n)| format!("{name} ({n})")).collect();
    if !layers.is_empty() {
        line("layers", layers.join(", "));
    }
    let marks = [(facts.texts, "text"), (facts.points, "point")];
    let marks: Vec<String> =
        marks.iter().filter(|(n, _)| *n > 0).map(|(n, what)| counted(*n, what)).collect();
    if !marks.is_empty() {
        line("also", marks.join(", "));
    }
    for (why, n) in &facts.excluded {
        line("left out", format!("{} {}", counted(*n, "curve"), reason(*why)));
    }
    for i in &drawing.ignored {
        let first = if i.count > 1 { "first at " } else { "" };
        let place = place(i.first).map_or(String::new(), |p| format!(", {first}{p}"));
        line("ignored", format!("{} {}{place} ({})", i.count, i.what, i.why));
    }
    out
}

fn contours_text(f: &Facts) -> String {
    let mut parts = vec![format!("{} closed", f.closed_contours())];
    let also = [
        (f.open_chains, "open"),
        (f.branching_components, "branching"),
        (f.duplicates, "drawn twice"),
        (f.short, "too short"),
    ];
    parts.extend(also.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    parts.join(", ")
}

fn reason(why: Exclusion) -> &'static str {
    match why {
        Exclusion::LayerHidden => "on layers that are off or frozen",
        Exclusion::Invisible => "marked invisible",
        Exclusion::PaperSpace => "in paper space",
        Exclusion::Construction => "for construction only",
    }
}

fn counted(n: u32, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn bytes_text(size: u64) -> String {
    match size {
        0..1024 => format!("{size} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", size as f64 / 1024.0),
        _ => format!("{:.1} MiB", size as f64 / 1_048_576.0),
    }
}
