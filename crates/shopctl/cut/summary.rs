//! What a person is told about a job, and the same for scripts.

use super::{Outcome, Verdict};
use crate::report::{self, Sources};
use serde_json::{Value, json};
use shop_cam::feature::Assignment;
use shop_cam::machine::{LayerOperation, MachineKind};
use shop_formats::{Ignored, Units};
use std::fmt::Write as _;

/// What a plan amounts to, whichever planner made it. Lengths in mm.
#[derive(Clone, Debug, Default)]
pub struct PlanFigures {
    /// Outlines cut free.
    pub parts: u32,
    /// Closed contours cut.
    pub contours: u32,
    /// Times the tool enters the work.
    pub pierces: u32,
    /// Length of cuts.
    pub cut_length: f64,
    /// Length of marks.
    pub mark_length: f64,
    /// Length of leads and overburn.
    pub lead_length: f64,
    /// Length of rapids.
    pub rapid_length: f64,
    /// Sentences worth printing: thermal rule, small holes, tight pierces.
    pub remarks: Vec<String>,
}

impl PlanFigures {
    /// Returns the figures of a beam plan.
    pub fn of_cut(f: &shop_cut::Figures) -> Self {
        let mut remarks = Vec::new();
        if f.small_holes > 0 {
            remarks.push(format!("{} by the small-hole rule", count(f.small_holes as usize, "contour")));
        }
        if f.close_pierces > 0 {
            let text = count(f.close_pierces as usize, "pierce");
            remarks.push(format!("{text} nearer to the part than wanted, for want of room"));
        }
        remarks.extend(sharing(&f.sharing, "pierce"));
        if let Some(t) = f.thermal {
            let found =
                if t.nearest.is_finite() { format!("{:.1} mm", t.nearest) } else { "none that close".into() };
            remarks.push(format!(
                "heat: pierces within {} s of each other keep {} mm apart; nearest {found}, {} nearer than that",
                t.window_s, t.distance, t.breaches
            ));
        }
        PlanFigures {
            parts: f.parts,
            contours: f.contours,
            pierces: f.pierces,
            cut_length: f.cut_length,
            mark_length: f.mark_length,
            lead_length: f.lead_length + f.overburn_length,
            rapid_length: f.rapid_length,
            remarks,
        }
    }

    /// Returns the figures of a router plan.
    pub fn of_mill(f: &shop_mill::Figures) -> Self {
        let mut remarks = Vec::new();
        if f.drilled > 0 {
            remarks.push(format!("{} drilled", count(f.drilled as usize, "hole")));
        }
        if f.tabs > 0 {
            remarks.push(count(f.tabs as usize, "tab"));
        }
        remarks.extend(sharing(&f.sharing, "plunge"));
        PlanFigures {
            parts: f.parts,
            contours: f.contours,
            pierces: f.plunges,
            cut_length: f.cut_length + f.ramp_length,
            mark_length: 0.0,
            lead_length: f.lead_length,
            rapid_length: f.rapid_length,
            remarks,
        }
    }
}

/// Says what common lines saved.
fn sharing(s: &shop_cut::Sharing, pierce: &str) -> Option<String> {
    let pierces = count(s.pierces.unsigned_abs() as usize, pierce);
    let change = match s.pierces {
        0 => String::new(),
        1.. => format!(" and {pierces}"),
        _ => format!(" for {pierces} more"),
    };
    let starts = count(s.kerf_starts as usize, "start");
    (s.contours > 0).then(|| {
        let contours = count(s.contours as usize, "contour");
        format!(
            "common lines: {contours} share an edge, {} less to cut{change}; {starts} in a kerf cut before",
            length(s.length)
        )
    })
}

/// Returns the summary for people, a few aligned lines.
pub fn text(outcome: &Outcome, sources: &Sources<'_>, written: bool) -> String {
    let program = sources.bytes(outcome.program).unwrap_or_default();
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "  {name:<8} {text}");
    };
    line("machine", format!("{} ({})", outcome.machine.name, outcome.machine.title));
    line("read", read_line(outcome, sources));
    for (i, row) in table(&outcome.operations.assignments).into_iter().enumerate() {
        line(if i == 0 { "made" } else { "" }, row);
    }
    line("settings", settings_line(outcome));
    if outcome.verdict != Verdict::InputErrors {
        line("plan", plan_line(outcome));
        for remark in &outcome.plan.figures.remarks {
            line("", remark.clone());
        }
        line("time", time_line(outcome));
        line("proof", proof_line(outcome));
    }
    let verdict = match (written, outcome.verdict) {
        (true, Verdict::Proven) => format!("{}, {}", outcome.output.display(), size(program)),
        (true, _) => format!("{}, {} (forced, NOT proven)", outcome.output.display(), size(program)),
        (false, Verdict::InputErrors) => format!("nothing: {}", report::summary(&outcome.diagnostics)),
        (false, _) => format!("nothing, for want of proof: {}", report::summary(&outcome.diagnostics)),
    };
    line("wrote", verdict);
    let names: Vec<String> = outcome.inputs.iter().map(|p| p.display().to_string()).collect();
    format!("{}\n{out}", names.join(", "))
}

fn size(text: &[u8]) -> String {
    format!("{} lines, {:.1} kB", lines(text), text.len() as f64 / 1000.0)
}

fn lines(text: &[u8]) -> usize {
    text.split(|&b| b == b'\n').count() - 1
}

fn read_line(outcome: &Outcome, sources: &Sources<'_>) -> String {
    let r = &outcome.read;
    let mut s =
        format!("{} in {}: {}", count(r.shapes, "shape"), units(&r.units), count(r.closed, "closed contour"));
    if r.open > 0 {
        let _ = write!(s, ", {}", count(r.open, "open line"));
    }
    if let Some(b) = r.bounds {
        let _ = write!(s, ", {:.1} x {:.1} mm", b.width(), b.height());
    }
    if r.gaps.0 > 0 {
        let _ = write!(s, "; {} joined (up to {:.3} mm)", count(r.gaps.0, "gap"), r.gaps.1);
    }
    if r.duplicates > 0 {
        let _ = write!(s, "; {} dropped", count(r.duplicates, "duplicate"));
    }
    if r.excluded > 0 {
        let _ = write!(s, "; {} hidden", r.excluded);
    }
    if !r.ignored.is_empty() {
        let place = |i: &Ignored| sources.place(i.first).map_or(String::new(), |p| format!(" ({p})"));
        let names: Vec<String> =
            r.ignored.iter().take(4).map(|i| format!("{} {}{}", i.count, i.what, place(i))).collect();
        let more = r.ignored.len().saturating_sub(4);
        let more = if more > 0 { format!(" and {more} kinds more") } else { String::new() };
        let _ = write!(s, "; ignored: {}{more}", names.join(", "));
    }
    s
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn units(units: &[Units]) -> String {
    let name = |u: &Units| {
        let unit = match u.mm_per_unit {
            1.0 => "mm".to_owned(),
            10.0 => "cm".to_owned(),
            25.4 => "inches".to_owned(),
            1000.0 => "metres".to_owned(),
            304.8 => "feet".to_owned(),
            k => format!("units of {} mm", (k * 1e6).round() / 1e6),
        };
        if u.declared { unit } else { format!("{unit} (assumed)") }
    };
    let mut names: Vec<String> = units.iter().map(name).collect();
    names.dedup();
    names.join(" and ")
}

/// Returns the table of what became what.
fn table(rows: &[Assignment]) -> Vec<String> {
    let layer = |a: &Assignment| match a.colour {
        Some([r, g, b]) => format!("{} #{r:02x}{g:02x}{b:02x}", a.layer),
        None => a.layer.clone(),
    };
    let width = rows.iter().map(|a| layer(a).chars().count()).max().unwrap_or(0).clamp(5, 32);
    rows.iter()
        .map(|a| {
            let mut name = layer(a);
            if name.chars().count() > width {
                name = name.chars().take(width - 1).chain(['…']).collect();
            }
            let what = count(a.count as usize, a.shape);
            format!("{name:<width$}  {what:<22} -> {:<8} ({})", operation(a.operation), a.why)
        })
        .collect()
}

fn operation(o: LayerOperation) -> &'static str {
    match o {
        LayerOperation::Profile => "cut out",
        LayerOperation::Outside => "cut outside",
        LayerOperation::Inside => "cut inside",
        LayerOperation::On => "cut on line",
        LayerOperation::Pocket => "pocket",
        LayerOperation::Mark => "mark",
        LayerOperation::Drill => "drill",
        LayerOperation::Ignore => "left out",
    }
}

fn settings_line(outcome: &Outcome) -> String {
    let s = &outcome.settings;
    let feed = format!("feed {:.0} mm/min", s.feed.mm_per_min());
    let assumed = if s.material_assumed { " (ASSUMED)" } else { "" };
    let sheet = match (&s.material, s.thickness) {
        (Some(material), Some(thickness)) => format!("{material} {thickness} mm{assumed}: "),
        _ => String::new(),
    };
    match s.kind {
        MachineKind::Router => format!(
            "{} mm tool{}, {:.2} mm deep in steps of {:.2}, {feed}, plunge {:.0}, {:.0} rpm",
            s.diameter,
            if s.tool > 0 { format!(" (T{})", s.tool) } else { String::new() },
            s.depth,
            s.step_down.min(s.depth),
            s.plunge.mm_per_min(),
            s.rpm,
        ),
        MachineKind::Plasma => format!(
            "{sheet}{} mm kerf, {feed}, pierce {} mm for {} s, cut at {} mm",
            s.diameter, s.pierce_height, s.pierce_delay, s.cut_height
        ),
        MachineKind::Laser => format!(
            "{sheet}{} mm kerf, {feed}, {:.0} % power, {}",
            s.diameter,
            s.power * 100.0,
            count(s.passes as usize, "pass").replace("passs", "passes")
        ),
        MachineKind::Printer => feed,
        MachineKind::Knife => format!("{sheet}blade {} mm behind its axis, {feed}", s.blade_offset),
    }
}

fn plan_line(outcome: &Outcome) -> String {
    let f = &outcome.plan.figures;
    let mut s = format!(
        "{}, {}, {}: cut {}, leads {}, rapids {}",
        count(f.parts as usize, "part"),
        count(f.contours as usize, "contour"),
        count(
            f.pierces as usize,
            if outcome.settings.kind == MachineKind::Router { "plunge" } else { "pierce" }
        ),
        length(f.cut_length),
        length(f.lead_length),
        length(f.rapid_length),
    );
    if f.mark_length > 0.0 {
        let _ = write!(s, ", marks {}", length(f.mark_length));
    }
    s
}

fn length(mm: f64) -> String {
    if mm < 10_000.0 { format!("{mm:.0} mm") } else { format!("{:.2} m", mm / 1000.0) }
}

fn time_line(outcome: &Outcome) -> String {
    let e = &outcome.estimate;
    let mut s = format!(
        "about {} (cutting {}, rapids {}, waiting {})",
        duration(e.total_s),
        duration(e.cut_s),
        duration(e.rapid_s),
        duration(e.dwell_s)
    );
    if let Some(cost) = material_cost(outcome) {
        let _ = write!(s, "; material {cost:.2} at the profile's price");
    }
    s
}

/// Returns the price of the sheet under the parts' bounding box.
fn material_cost(outcome: &Outcome) -> Option<f64> {
    let name = outcome.material.as_ref()?;
    let price =
        outcome.machine.materials.iter().find(|m| m.name.eq_ignore_ascii_case(name))?.price_per_m2_mm?;
    let b = outcome.read.bounds?;
    Some(b.width() * b.height() / 1e6 * outcome.settings.thickness? * price)
}

/// Returns a time as a person says it.
fn duration(s: f64) -> String {
    let whole = s.round() as u64;
    match whole {
        0..=59 => format!("{s:.1} s"),
        60..=3599 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

fn proof_line(outcome: &Outcome) -> String {
    let p = &outcome.proof.figures;
    let mut s = format!(
        "gouge {:.4} mm, skin {:.4} mm, {} of {} contours, {} pierces",
        p.max_gouge.max(0.0),
        p.max_skin.max(0.0),
        p.contours - p.missed.min(p.contours),
        p.contours,
        p.pierces
    );
    if p.pierce_clearance.is_finite() && outcome.settings.kind != MachineKind::Router {
        let _ = write!(s, " at least {:.2} mm clear", p.pierce_clearance.max(0.0));
    }
    s.push_str(if outcome.verdict == Verdict::Proven { ": proven" } else { ": NOT proven" });
    s
}

/// Returns the report for scripts.
pub fn json(outcome: &Outcome, sources: &Sources<'_>, written: bool) -> Value {
    let (p, f, e, s) = (&outcome.proof.figures, &outcome.plan.figures, &outcome.estimate, &outcome.settings);
    let finite = |v: f64| if v.is_finite() { json!(v) } else { Value::Null };
    let program = sources.bytes(outcome.program).unwrap_or_default();
    json!({
        "inputs": outcome.inputs.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
        "output": written.then(|| outcome.output.display().to_string()),
        "machine": outcome.machine.name,
        "proven": outcome.verdict == Verdict::Proven,
        "written": written,
        "exit_code": outcome.verdict.exit(),
        "read": {
            "units": outcome.read.units.iter().map(|u| json!({
                "mm_per_unit": u.mm_per_unit, "declared": u.declared,
            })).collect::<Vec<_>>(),
            "shapes": outcome.read.shapes,
            "hidden": outcome.read.excluded,
            "closed_contours": outcome.read.closed,
            "open_lines": outcome.read.open,
            "gaps_joined": outcome.read.gaps.0,
            "widest_gap_mm": outcome.read.gaps.1,
            "duplicates_dropped": outcome.read.duplicates,
            "bbox_mm": outcome.read.bounds.map(|b| [b.min.x, b.min.y, b.max.x, b.max.y]),
            "ignored": sources.ignored_json(&outcome.read.ignored),
        },
        "operations": outcome.operations.assignments.iter().map(|a| json!({
            "layer": a.layer,
            "colour": a.colour.map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}")),
            "shape": a.shape, "count": a.count, "operation": operation(a.operation), "why": a.why,
        })).collect::<Vec<_>>(),
        "settings": {
            "material": s.material, "thickness_mm": s.thickness, "material_assumed": s.material_assumed,
            "width_mm": s.diameter, "depth_mm": s.depth, "feed_mm_per_min": s.feed.mm_per_min(),
            "rpm": s.rpm, "power": s.power, "passes": s.passes, "pierce_height_mm": s.pierce_height,
            "pierce_delay_s": s.pierce_delay, "cut_height_mm": s.cut_height, "tool": s.tool,
        },
        "plan": {
            "parts": f.parts, "contours": f.contours, "pierces": f.pierces, "cut_mm": f.cut_length,
            "mark_mm": f.mark_length, "lead_mm": f.lead_length, "rapid_mm": f.rapid_length, "remarks": f.remarks,
        },
        "proof": {
            "off_drawing_mm": outcome.read.off_drawing,
            "gouge_mm": p.max_gouge.max(0.0), "skin_mm": p.max_skin.max(0.0), "contours": p.contours,
            "missed": p.missed, "unreachable": p.unreachable, "order_violations": p.order_violations,
            "pierces": p.pierces, "bad_pierces": p.bad_pierces, "old_kerf_pierces": p.old_kerf_pierces,
            "pierce_clearance_mm": finite(p.pierce_clearance), "rapids_in_work": p.rapids_in_work,
            "arcs": p.arcs, "arc_mismatch_mm": p.arc_mismatch, "off_line_mm": p.off_line,
            "envelope_excess_mm": finite(p.envelope_excess), "cut_mm": p.cut_length, "rapid_mm": p.rapid_length,
        },
        "time": { "total_s": e.total_s, "cut_s": e.cut_s, "rapid_s": e.rapid_s, "dwell_s": e.dwell_s },
        "material_cost": material_cost(outcome),
        "program": {
            "lines": lines(program), "bytes": program.len(),
        },
        "diagnostics": report::to_json(&outcome.diagnostics, sources),
    })
}
