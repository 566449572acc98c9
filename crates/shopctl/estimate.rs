//! `shopctl estimate`: how long programs take on a machine, and on what the time goes.

use crate::program::{self, Bytes, Seen, Watch};
use crate::report::{self, Colour, Sources, Style};
use crate::setup::SetupArgs;
use crate::{check, exit, output};
use anyhow::Result;
use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};
use shop_cam::machine::{Dialect, Machine};
use shop_report::{Diagnostic, Severity};
use shop_sim::{Estimate, Estimator, Times};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Estimate how long programs take, with the machine's own motion planner
#[derive(Args, Clone, Debug)]
pub struct EstimateArgs {
    /// Programs: G-code of any dialect, - for standard input
    #[arg(required = true, value_name = "PROGRAM")]
    inputs: Vec<PathBuf>,
    /// Machine profile: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE")]
    machine: Option<String>,
    /// List every layer of a print
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    setup: SetupArgs,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

/// Runs the verb; returns the exit code.
pub fn run(args: &EstimateArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    let texts: Vec<Bytes> = args.inputs.iter().map(|p| program::open(p)).collect::<Result<_>>()?;
    let mut notes = Vec::new();
    let first = texts.first().map_or(&[][..], |t| t);
    let mut machine = program::machine(args.machine.as_deref(), first, style, &mut notes)?;
    args.setup.apply(&mut machine);
    eprint!("{}", report::render(&notes, &Sources::new(), style));
    let (mut code, mut reports, mut total) = (exit::DONE, Vec::new(), 0.0);
    let mut out = String::new();
    let estimates: Vec<_> = {
        let named = texts.par_iter().zip(&args.inputs);
        named.map(|(text, path)| estimate(path, text, &machine, &args.setup)).collect::<Result<_>>()?
    };
    for (path, (estimate, diagnostics)) in args.inputs.iter().zip(estimates) {
        let name = path.display().to_string();
        total += estimate.total_s;
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        if estimate.moves == 0 {
            eprintln!("error: {:#}", check::unreadable(&name));
            code = exit::INPUT;
            if !args.json {
                continue;
            }
        } else if errors > 0 {
            eprintln!("note: {name} has errors, so the time may be wrong; see `shopctl check`");
        }
        if args.json {
            reports.push(to_json(&name, &machine, &estimate, errors));
        } else {
            out.push_str(&to_text(&name, &machine, &estimate, args.layers));
        }
    }
    if args.json {
        let all = if reports.len() == 1 { reports.remove(0) } else { Value::Array(reports) };
        out = format!("{all:#}\n");
    } else if texts.len() > 1 {
        let _ = writeln!(out, "all together {}", duration(total));
    }
    output::write_whole("-".as_ref(), out.as_bytes())?;
    Ok(code)
}

/// Estimates one program.
fn estimate(
    path: &Path,
    bytes: &[u8],
    machine: &Machine,
    setup: &SetupArgs,
) -> Result<(Estimate, Vec<Diagnostic>)> {
    let mut estimator = Estimator::new(machine).of_bytes(bytes.len());
    let mut context = program::context(path, bytes, machine);
    setup.inform(&mut context)?;
    let diagnostics = program::pass_in_parts(bytes, &context, &mut estimator);
    Ok((estimator.finish(), diagnostics))
}

impl Watch for Estimator<'_> {
    #[inline]
    fn see(&mut self, seen: Seen<'_>) {
        match seen {
            Seen::Command(command, _) => self.command(command),
            Seen::Section(role, label) => self.section(role, label),
        }
    }

    fn fork(&self) -> Self {
        Estimator::fork(self)
    }

    fn begin(&mut self) {
        Estimator::begin(self);
    }

    fn continues_as(&self, part: &Self) -> bool {
        Estimator::continues_as(self, part)
    }

    fn append(&mut self, part: Self) {
        Estimator::append(self, part);
    }
}

/// Returns a time as a person says it.
pub fn duration(s: f64) -> String {
    let whole = s.round() as u64;
    match whole {
        0..=59 => format!("{s:.1} s"),
        60..=3599 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

fn length(mm: f64) -> String {
    if mm.abs() < 10_000.0 { format!("{mm:.0} mm") } else { format!("{:.2} m", mm / 1000.0) }
}

/// Rows of a breakdown that are shown; the rest is counted.
const MOST_ROWS: usize = 30;

fn to_text(name: &str, machine: &Machine, e: &Estimate, layers: bool) -> String {
    let mut out = String::new();
    let printer = machine.printer.is_some();
    let _ = writeln!(out, "{name} on {}: {}", machine.name, duration(e.total_s));
    let mut line = |what: &str, seconds: f64, more: String| {
        if seconds > 0.0 {
            let share = 100.0 * seconds / e.total_s.max(1e-9);
            let more = if more.is_empty() { more } else { format!("  {more}") };
            let _ = writeln!(out, "  {what:<24} {:>14} {share:>5.1} %{more}", duration(seconds));
        }
    };
    line(if printer { "printing" } else { "cutting" }, e.cut_s, length(e.cut_length));
    line(if printer { "travel" } else { "rapids" }, e.rapid_s, length(e.rapid_length));
    line("filament alone", e.filament_s, format!("{} used in all", length(e.filament_length)));
    line("waiting", e.dwell_s, String::new());
    line("heating", e.heat_s, String::new());
    line("tool changes", e.change_s, format!("{}", e.tool_changes));
    // Where home lies from the work is never known there, so it is half of the travel every time.
    let grbl = matches!(machine.post.dialect, Dialect::Grbl | Dialect::GrblHal | Dialect::FluidNc);
    let often = if grbl { "" } else { " the first time" };
    line("homing", e.home_s, format!("assumed: from the middle of each axis{often}"));
    if e.homings_not_counted > 0 {
        let name = &machine.name;
        let _ = writeln!(out, "  homing is not counted: {name} has no homing_mm_per_min for every axis");
    }
    let mut list = |title: &str, rows: Vec<(String, f64)>| {
        if rows.len() < 2 {
            return;
        }
        let _ = writeln!(out, "{title}");
        for (name, seconds) in rows.iter().take(MOST_ROWS) {
            let share = 100.0 * seconds / e.total_s.max(1e-9);
            let _ = writeln!(out, "  {name:<24} {:>14} {share:>5.1} %", duration(*seconds));
        }
        if rows.len() > MOST_ROWS {
            let rest: f64 = rows[MOST_ROWS..].iter().map(|r| r.1).sum();
            let _ = writeln!(out, "  and {} more {:>21}", rows.len() - MOST_ROWS, duration(rest));
        }
    };
    let sections = e.names.iter().zip(&e.sections).filter(|(_, t)| t.total_s() > 0.0);
    list(
        "by operation",
        sections.map(|((role, label), t)| (operation(role.name(), label), t.total_s())).collect(),
    );
    list("by tool", e.tools.iter().map(|(n, t)| (format!("T{n}"), t.total_s())).collect());
    let mut features: Vec<(String, f64)> =
        e.features.iter().map(|(name, t)| (feature(name), t.total_s())).collect();
    features.sort_by(|a, b| b.1.total_cmp(&a.1));
    list("by feature", features);
    if layers {
        let _ = writeln!(out, "by layer");
        for (n, t) in &e.layers {
            let _ = writeln!(out, "  {:<24} {:>14}", n + 1, duration(t.total_s()));
        }
    } else if e.layers.len() > 1 {
        let longest = e.layers.iter().max_by(|a, b| a.1.total_s().total_cmp(&b.1.total_s()));
        if let Some((n, t)) = longest {
            let (count, time) = (e.layers.len(), duration(t.total_s()));
            let _ = writeln!(out, "{count} layers, the longest is {} with {time}", n + 1);
        }
    }
    out
}

fn operation(role: &str, label: &str) -> String {
    if label.is_empty() { role.to_owned() } else { format!("{role}: {label}") }
}

/// Returns the name under which the time of a feature is told.
pub fn feature(name: &str) -> String {
    if name.is_empty() { "(not named)".to_owned() } else { name.to_owned() }
}

fn to_json(name: &str, machine: &Machine, e: &Estimate, errors: usize) -> Value {
    let s = |v: f64| (v * 1e3).round() / 1e3;
    let times = |t: &Times| {
        json!({
            "total_s": s(t.total_s()), "cut_s": s(t.cut_s), "rapid_s": s(t.rapid_s),
            "filament_s": s(t.filament_s), "dwell_s": s(t.dwell_s), "heat_s": s(t.heat_s),
            "tool_change_s": s(t.change_s), "home_s": s(t.home_s),
        })
    };
    let with = |mut v: Value, key: &str, what: Value| {
        v[key] = what;
        v
    };
    json!({
        "file": name,
        "machine": machine.name,
        "errors": errors,
        "total_s": s(e.total_s),
        "cut_s": s(e.cut_s),
        "rapid_s": s(e.rapid_s),
        "filament_s": s(e.filament_s),
        "dwell_s": s(e.dwell_s),
        "heat_s": s(e.heat_s),
        "tool_change_s": s(e.change_s),
        "home_s": s(e.home_s),
        "homings": e.homings,
        "homings_not_counted": e.homings_not_counted,
        "tool_changes": e.tool_changes,
        "pierces": e.pierces,
        "moves": e.moves,
        "cut_length_mm": s(e.cut_length),
        "rapid_length_mm": s(e.rapid_length),
        "filament_length_mm": s(e.filament_length),
        "operations": e.names.iter().zip(&e.sections)
            .map(|((role, label), t)| with(times(t), "name", json!(operation(role.name(), label))))
            .collect::<Vec<_>>(),
        "tools": e.tools.iter().map(|(n, t)| with(times(t), "tool", json!(n))).collect::<Vec<_>>(),
        "features": e.features.iter().map(|(n, t)| with(times(t), "name", json!(n))).collect::<Vec<_>>(),
        "layers": e.layers.iter().map(|(n, t)| with(times(t), "layer", json!(n))).collect::<Vec<_>>(),
    })
}
