//! What there is to say about a print: complaints, a few lines for people, JSON for scripts.

use super::PrintArgs;
use super::write::{Figures, Outcome};
use crate::estimate::{duration, feature};
use serde_json::{Map, Value, json};
use shop_cam::machine::Machine;
use shop_print::Summary;
use shop_report::{Diagnostic, Severity};
use shop_sim::Finding;
use shop_sim::layers::LayerFigures;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Everything about one program.
pub struct Told<'a> {
    /// What was printed.
    pub inputs: &'a [PathBuf],
    /// Where the program is; nothing when it was not written.
    pub out: Option<&'a Path>,
    /// For whom.
    pub machine: &'a Machine,
    /// As it was asked for.
    pub args: &'a PrintArgs,
    /// How many things stand on the bed.
    pub bodies: usize,
    /// How high they are, mm.
    pub height_mm: f64,
    /// Time and filament.
    pub figures: &'a Figures,
    /// All else.
    pub outcome: &'a Outcome,
    /// What was complained of.
    pub notes: &'a [Diagnostic],
}

/// Says what of the mesh was closed by straight lines, and what could not be.
pub fn mended(summary: &Summary) -> Vec<Diagnostic> {
    let m = summary.mended;
    let mut found = Vec::new();
    if m.cracks > 0 {
        let message = format!(
            "the mesh has holes: contours were closed by straight lines in {} layers, the widest {:.2} mm",
            summary.mended_layers, m.widest_mm
        );
        found.push(Diagnostic::warning("print/cracks-closed", message).count(m.cracks as usize));
    }
    if m.dropped > 0 {
        let message = "pieces of contours belong to nothing and are left out".to_owned();
        found.push(Diagnostic::warning("print/pieces-left-out", message).count(m.dropped as usize));
    }
    found
}

/// Says where a vase is none.
pub fn vase(summary: &Summary) -> Option<Diagnostic> {
    let layers = summary.used.unwound;
    let message = "a vase is one wall all the way up: in some layers there are several, which are laid one after another";
    let hint = "print it without vase=true, or let only its upper part be one: a part of a single outline, without holes";
    (layers > 0).then(|| {
        Diagnostic::warning("print/vase-of-several-walls", message).count(layers as usize).hint(hint)
    })
}

/// Returns what the check of the machine found, as it is told elsewhere.
pub fn findings(found: &[Finding]) -> Vec<Diagnostic> {
    let told = |f: &Finding| {
        let mut d = Diagnostic::new(f.severity, f.code, f.message.clone()).count(f.count as usize);
        d.hint = f.hint.map(Into::into);
        d
    };
    found.iter().map(told).collect()
}

/// Adds what layers complained of, each complaint once.
pub fn merge(into: &mut Vec<Diagnostic>, found: &[Diagnostic]) {
    for d in found {
        match into.iter_mut().find(|e| e.code == d.code && e.message == d.message) {
            Some(e) => e.count = e.count.saturating_add(d.count),
            None => into.push(d.clone()),
        }
    }
}

/// Returns what people want to know.
pub fn text(told: &Told<'_>) -> String {
    let Told { figures: f, outcome: o, .. } = told;
    let mut out = String::new();
    if let Some(path) = told.out {
        let _ = writeln!(out, "{} for {}", path.display(), told.machine.name);
    }
    let bodies = if told.bodies == 1 { String::new() } else { format!("{} bodies, ", told.bodies) };
    let _ = writeln!(out, "  {bodies}{} layers, {:.2} mm high", o.summary.layers, told.height_mm);
    let cost = if f.cost > 0.0 { format!(", costs {:.2}", f.cost) } else { String::new() };
    let _ = writeln!(
        out,
        "  {}; {:.2} m of filament, {:.1} g{cost}",
        duration(f.seconds),
        f.filament_mm / 1000.0,
        f.filament_g
    );
    let used = &o.summary.used;
    let _ = writeln!(
        out,
        "  {:.1} m of roads, {:.1} m of travel, {} retractions",
        used.road_mm / 1000.0,
        used.travel_mm / 1000.0,
        used.retractions
    );
    if used.tower_mm3 + used.purged_mm3 > 0.0 {
        let _ = writeln!(
            out,
            "  {:.1} cm3 in the tower for changes of tool, {:.1} cm3 purged into objects",
            used.tower_mm3 / 1000.0,
            used.purged_mm3 / 1000.0
        );
    }
    if let Some(h) = &o.held {
        out.push_str(&held(h));
    }
    out
}

/// Returns what people want to know of the proof.
pub fn held(h: &LayerFigures) -> String {
    format!(
        "  held against the mesh: {:.1} mm2 outside, {:.2} % bare, {:.0} mm2 on air\n",
        h.outside_mm2,
        100.0 * h.bare_mm2 / h.wanted_mm2.max(1e-9),
        h.midair_mm2
    )
}

fn rounded(v: f64) -> f64 {
    (v * 1e3).round() / 1e3
}

/// The worst layer, counted from 1, and what it has.
fn worst((mm2, layer): (f64, usize)) -> Value {
    if mm2 > 0.0 { json!({ "layer": layer + 1, "mm2": rounded(mm2) }) } else { Value::Null }
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|p| p.display().to_string()).collect()
}

/// Returns complaints as scripts want them.
pub fn diagnostics(notes: &[Diagnostic]) -> Vec<Value> {
    let one = |d: &Diagnostic| {
        let severity = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        json!({
            "severity": severity, "code": d.code, "message": d.message, "hint": d.hint, "count": d.count,
        })
    };
    notes.iter().map(one).collect()
}

/// Returns what scripts want to know of the proof.
pub fn proof(h: &LayerFigures) -> Value {
    json!({
        "layers": h.layers,
        "layers_missing": h.missing,
        "section_mm2": rounded(h.section_mm2),
        "road_mm2": rounded(h.road_mm2),
        "outside_mm2": rounded(h.outside_mm2),
        "outside_worst": worst(h.outside_worst),
        "wanted_mm2": rounded(h.wanted_mm2),
        "bare_mm2": rounded(h.bare_mm2),
        "bare_worst": worst(h.bare_worst),
        "midair_mm2": rounded(h.midair_mm2),
        "midair_worst": worst(h.midair_worst),
        "clash_mm2": rounded(h.clash_mm2),
        "clash_worst": worst(h.clash_worst),
        "solid_mm2": rounded(h.solid_mm2),
        "fill": rounded(h.fill()),
        "flow_mm3_per_s": rounded(h.flow),
        "pitch_mm": rounded(h.pitch_mm),
        "open_rows": h.unclear,
    })
}

/// Returns what scripts want to know.
pub fn json(told: &Told<'_>) -> Value {
    let Told { figures: f, outcome: o, .. } = told;
    let used = &o.summary.used;
    let features: Map<String, Value> =
        o.estimate.features.iter().map(|(n, t)| (feature(n), json!(rounded(t.total_s())))).collect();
    json!({
        "files": names(told.inputs),
        "output": told.out.map(|p| p.display().to_string()),
        "written": told.out.is_some(),
        "bytes": o.bytes,
        "machine": told.machine.name,
        "filament": told.args.filament.join(", "),
        "quality": told.args.quality,
        "set": told.args.sets,
        "bodies": told.bodies,
        "layers": o.summary.layers,
        "height_mm": rounded(told.height_mm),
        "time_s": rounded(f.seconds),
        "time_by_feature_s": features,
        "heating_s": rounded(o.estimate.heat_s),
        "filament_mm": rounded(f.filament_mm),
        "filament_cm3": rounded(f.filament_cm3),
        "filament_g": rounded(f.filament_g),
        "cost": rounded(f.cost),
        "road_mm": rounded(used.road_mm),
        "travel_mm": rounded(used.travel_mm),
        "retractions": used.retractions,
        "roads": used.roads,
        "tower_mm3": rounded(used.tower_mm3),
        "purged_into_objects_mm3": rounded(used.purged_mm3),
        "proof": o.held.as_ref().map(proof),
        "extents_mm": o.extents.map(|e| json!({"min": e.min.map(rounded), "max": e.max.map(rounded)})),
        "diagnostics": diagnostics(told.notes),
    })
}

/// Returns what scripts want to know of a print that did not begin.
pub fn failed(inputs: &[PathBuf], notes: &[Diagnostic]) -> Value {
    json!({ "files": names(inputs), "output": null, "written": false, "diagnostics": diagnostics(notes) })
}
