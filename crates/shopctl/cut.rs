//! `shopctl cut`: from drawings to a proven program.
//!
//! ```text
//! bytes ─ read ─▶ drawing ─ chain, nest ─▶ features ─ rules ─▶ operations ─┬─ plan ─▶ toolpaths ─ lower, post ─▶ text
//!                                                                          │                                     │
//!                                                                          └─▶ intent ──────── prove ◀─ interpret ┘
//! ```
//!
//! The proof reads the written text, not the plan. Nothing is written that does not pass, unless `--force` says so.

mod features;
mod flags;
mod picture;
mod summary;

pub use flags::CutArgs;

use crate::folders::Folders;
use crate::input::{read_bytes, read_drawing};
use crate::output::write_whole;
use crate::profile::{self, Profile};
use crate::report::{self, Sources, Style};
use crate::ticker::Ticker;
use crate::{Refusal, exit};
use anyhow::{Context, Result, bail};
use features::Read;
use shop_cam::canon::Section;
use shop_cam::feature::Operations;
use shop_cam::intent::{Limits, intent};
use shop_cam::machine::{Dialect, Machine, MachineKind};
use shop_cam::settings::{Settings, settle};
use shop_cam::toolpath::{Toolpath, lower};
use shop_geom::{Aabb, Point};
use shop_report::{Diagnostic, Severity, SourceId};
use shop_sim::preview::PreviewInput;
use shop_sim::{Estimate, Proof, Swept};
use std::path::{Path, PathBuf};

/// One program: what it was made from and what came of it.
struct Outcome {
    inputs: Vec<PathBuf>,
    output: PathBuf,
    read: Read,
    operations: Operations,
    settings: Settings,
    machine: Machine,
    material: Option<String>,
    plan: Plan,
    /// The program's text, registered as a source so that findings can point into it.
    program: SourceId,
    proof: Proof,
    estimate: Estimate,
    pictures: Vec<(PathBuf, Vec<u8>)>,
    diagnostics: Vec<Diagnostic>,
    verdict: Verdict,
}

/// What the two planners have in common.
#[derive(Default)]
struct Plan {
    toolpaths: Vec<Toolpath>,
    figures: summary::PlanFigures,
    /// How far pierces should keep from parts, mm.
    pierce_clearance: f64,
}

/// The machine of the run, with what there is to say about the choice.
struct Chosen {
    machine: Machine,
    material: Option<String>,
    notes: Vec<Diagnostic>,
}

/// Whether the program may be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// Proven.
    Proven,
    /// The input has errors.
    InputErrors,
    /// The program does not do what the drawing asks.
    NotProven,
}

impl Verdict {
    fn exit(self) -> u8 {
        match self {
            Verdict::Proven => exit::DONE,
            Verdict::InputErrors => exit::INPUT,
            Verdict::NotProven => exit::CHECK,
        }
    }
}

/// Runs the verb; returns the exit code.
pub fn run(args: &CutArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    let chosen = choose_machine(args, style)?;
    if chosen.machine.kind == MachineKind::Printer {
        let message = format!("{} is a printer and cuts nothing", chosen.machine.name);
        bail!(Refusal { code: exit::USAGE, message });
    }
    let mut code = exit::DONE;
    let mut reports = Vec::new();
    for (inputs, output) in jobs(args, &chosen.machine)? {
        let mut sources = Sources::new();
        let mut ids = Vec::new();
        for path in &inputs {
            ids.push(sources.add(path.display().to_string(), read_bytes(path)?));
        }
        let outcome = make(args, &chosen, inputs, &ids, output, &mut sources)?;
        let written =
            outcome.verdict == Verdict::Proven || (args.force && outcome.verdict == Verdict::NotProven);
        deliver(&outcome, &sources, written)?;
        if args.json {
            reports.push(summary::json(&outcome, &sources, written));
        } else if !args.quiet || outcome.verdict != Verdict::Proven {
            eprint!("{}", report::render(&outcome.diagnostics, &sources, style));
            eprint!("{}", summary::text(&outcome, &sources, written));
        }
        code = code.max(if written { exit::DONE } else { outcome.verdict.exit() });
    }
    if args.json {
        let all = if reports.len() == 1 { reports.remove(0) } else { serde_json::Value::Array(reports) };
        println!("{all:#}");
    }
    Ok(code)
}

/// Finds the machine: the flag, the user's default, or a generic one, said aloud.
fn choose_machine(args: &CutArgs, style: Style) -> Result<Chosen> {
    let folders = Folders::of_this_user();
    let mut sources = Sources::new();
    let mut found = Vec::new();
    let defaults = profile::settings(&folders, &mut sources, &mut found);
    let mut notes = Vec::new();
    let name = args.machine.clone().or(defaults.default_machine).unwrap_or_else(|| {
        let name = if args.kerf_mm.is_some() { "plasma-grbl" } else { "router-grbl" };
        let text = format!("no machine named; {name} assumed");
        let hint = "say -m MACHINE (shopctl machine list), or set default_machine in your config.toml";
        notes.push(Diagnostic::warning("cut/machine-assumed", text).hint(hint));
        name.to_owned()
    });
    let loaded = profile::load(&name, &folders, &mut sources, &mut found);
    let Some(profile) = loaded.filter(|_| !profile::has_errors(&found)) else {
        eprint!("{}", report::render(&found, &sources, style));
        return Err(Refusal { code: exit::INPUT, message: format!("machine {name} cannot be used") }.into());
    };
    notes.extend(found);
    let material = args.material.clone().or_else(|| usable(defaults.default_material, &profile));
    let machine = material.as_ref().map_or_else(|| profile.machine.clone(), |m| profile.machine_for(m));
    Ok(Chosen { machine, material, notes })
}

/// The user's default material counts only where the machine has it.
fn usable(material: Option<String>, profile: &Profile) -> Option<String> {
    material.filter(|m| profile.machine.materials.iter().any(|k| k.name.eq_ignore_ascii_case(m)))
}

/// Groups the inputs into programs: one sheet when the output is one file, else one program each.
fn jobs(args: &CutArgs, machine: &Machine) -> Result<Vec<(Vec<PathBuf>, PathBuf)>> {
    let named = |input: &Path, folder: &Path| {
        let stem = if input == Path::new("-") { Path::new("stdin") } else { input };
        let mut name = stem.file_stem().unwrap_or_default().to_owned();
        name.push(".");
        name.push(&machine.post.ending);
        folder.join(name)
    };
    let each =
        |folder: &Path| args.inputs.iter().map(|i| (vec![i.clone()], named(i, folder))).collect::<Vec<_>>();
    let is_folder = |p: &Path| p.is_dir() || p.as_os_str().to_string_lossy().ends_with(['/', '\\']);
    let jobs = match &args.output {
        Some(out) if is_folder(out) => {
            std::fs::create_dir_all(out).with_context(|| format!("failed to create {}", out.display()))?;
            each(out)
        }
        Some(out) => vec![(args.inputs.clone(), out.clone())],
        None => each(Path::new("")),
    };
    for (i, (inputs, output)) in jobs.iter().enumerate() {
        if inputs.iter().any(|input| same_file(input, output)) {
            bail!(Refusal {
                code: exit::USAGE,
                message: format!("the output {} is one of the inputs", output.display())
            });
        }
        if let Some((other, _)) = jobs[..i].iter().find(|(_, o)| o == output) {
            bail!(Refusal {
                code: exit::USAGE,
                message: format!(
                    "{} and {} would both be written to {}",
                    other[0].display(),
                    inputs[0].display(),
                    output.display()
                )
            });
        }
    }
    if jobs.len() > 1 && !args.preview.is_empty() {
        bail!(Refusal {
            code: exit::USAGE,
            message: "--preview shows one program; give one drawing, or -o FILE for one sheet".to_owned()
        });
    }
    Ok(jobs)
}

/// True when two paths lead to one file that is there.
pub fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Reads, plans, posts and proves one program.
fn make(
    args: &CutArgs,
    chosen: &Chosen,
    inputs: Vec<PathBuf>,
    ids: &[SourceId],
    output: PathBuf,
    sources: &mut Sources<'_>,
) -> Result<Outcome> {
    let machine = &chosen.machine;
    let progress = Ticker::new(args.quiet || args.json);
    let mut diagnostics = chosen.notes.clone();
    let choice = args.choice(chosen.material.clone());
    let mut settings = settle(machine, &choice).drain_into(&mut diagnostics);
    let texts = args.texts()?;
    let mut drawings = Vec::new();
    for (path, &id) in inputs.iter().zip(ids) {
        drawings.push(read_drawing(path, id, sources, args.scale(), &texts).drain_into(&mut diagnostics));
    }
    let mut options = args.feature_options(&settings);
    options.common_lines |= args.common_lines || machine.process.common_lines;
    let read_errors = verdict(&diagnostics) == Verdict::InputErrors;
    let (read, found) =
        features::features(drawings, &machine.layers, &options, &args.reading(), read_errors, &progress)?
            .drain_into(&mut diagnostics);
    let operations = shop_cam::feature::operations(found, &machine.layers, &settings, &options)
        .drain_into(&mut diagnostics);
    fit_on_table(&read, machine, &mut settings, &mut diagnostics);
    let mut outcome = Outcome {
        inputs,
        output,
        read,
        operations,
        settings,
        machine: machine.clone(),
        material: chosen.material.clone(),
        plan: Plan::default(),
        program: SourceId(0),
        proof: Proof::default(),
        estimate: Estimate::default(),
        pictures: Vec::new(),
        verdict: verdict(&diagnostics),
        diagnostics,
    };
    if outcome.verdict == Verdict::Proven {
        plan_and_prove(args, &mut outcome, sources, &progress)?;
    }
    progress.clear();
    Ok(outcome)
}

/// From operations to a proven text.
fn plan_and_prove(
    args: &CutArgs,
    outcome: &mut Outcome,
    sources: &mut Sources<'_>,
    progress: &Ticker,
) -> Result<()> {
    let Outcome { operations, settings, machine, diagnostics, .. } = outcome;
    let mut plan = plan(args, operations, settings, progress, diagnostics)?;
    let sections = lower(&plan.toolpaths, settings);
    // A big sheet's pieces weigh more than its program: let them go before the text is made.
    plan.toolpaths = Vec::new();
    let text = shop_gcode::post(&sections, machine).drain_into(diagnostics);
    drop(sections);
    outcome.program = sources.add(outcome.output.display().to_string(), text.into_bytes());
    let limits = Limits {
        pierce_clearance: plan.pierce_clearance,
        sheet: args.sheet(),
        // Marlin and Klipper know neither M2 nor M30: they are done when the last line has been sent.
        must_end: !matches!(machine.post.dialect, Dialect::Marlin | Dialect::Klipper),
        ..Limits::default()
    };
    let wanted = intent(operations, settings, &limits);
    // The intent has its own copy of all that is to be made; the table of what became what stays.
    let assignments = std::mem::take(&mut operations.assignments);
    *operations = Operations { assignments, ..Operations::default() };
    let bytes = sources.bytes(outcome.program).unwrap_or_default();
    let context = shop_gcode::Context::of(machine).source(outcome.program);
    let reread: Vec<Section> = shop_gcode::interpret(bytes, &context).drain_into(diagnostics);
    let estimate = shop_sim::estimate(&reread, machine);
    let [x, y, _] = settings.envelope;
    let view = PreviewInput {
        title: &outcome.output.display().to_string(),
        sections: &reread,
        intent: Some(&wanted),
        estimate: Some(&estimate),
        bed: Some(Aabb::new(Point::new(x[0], y[0]), Point::new(x[1], y[1]))),
    };
    for path in &args.preview {
        outcome.pictures.push((path.clone(), picture::picture(path, &view)?));
    }
    // The sections of a big sheet weigh as much as the proof's own tables: they go before it begins.
    let swept = Swept::new(&wanted, &reread);
    drop(reread);
    let proof = swept.prove(&wanted, progress)?;
    diagnostics.extend(proof.diagnostics.iter().cloned());
    outcome.plan = plan;
    outcome.proof = proof;
    outcome.estimate = estimate;
    outcome.verdict = verdict(&outcome.diagnostics);
    Ok(())
}

/// Plans with the planner for this kind of machine.
fn plan(
    args: &CutArgs,
    operations: &Operations,
    settings: &Settings,
    progress: &Ticker,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Plan> {
    if settings.kind == MachineKind::Router {
        let plan = shop_mill::plan(operations, settings, &args.mill_options(settings), progress)?;
        diagnostics.extend(plan.diagnostics);
        let figures = summary::PlanFigures::of_mill(&plan.figures);
        return Ok(Plan { toolpaths: plan.toolpaths, figures, pierce_clearance: 0.0 });
    }
    let options = args.cut_options(settings);
    let plan = shop_cut::plan(operations, settings, &options, progress)?;
    diagnostics.extend(plan.diagnostics);
    let figures = summary::PlanFigures::of_cut(&plan.figures);
    Ok(Plan { toolpaths: plan.toolpaths, figures, pierce_clearance: options.lead.clearance })
}

/// Holds the drawing against the table. Where the work zero lies is settled at the machine by touching off, so a
/// drawing that fits by size but lies elsewhere only asks for another zero.
fn fit_on_table(read: &Read, machine: &Machine, settings: &mut Settings, notes: &mut Vec<Diagnostic>) {
    let Some(b) = read.bounds else { return };
    let names = ["x", "y"];
    let spans = [[b.min.x, b.max.x], [b.min.y, b.max.y]];
    let margin = settings.diameter.max(0.0);
    for axis in 0..2 {
        let [low, high] = settings.envelope[axis];
        let [from, to] = spans[axis];
        if to - from > high - low {
            notes.push(
                Diagnostic::error(
                    "cut/larger-than-table",
                    format!(
                        "the drawing is {:.1} mm in {} and {} reaches {:.1} mm",
                        to - from,
                        names[axis],
                        machine.name,
                        high - low
                    ),
                )
                .hint("check the drawing's unit (--units), or choose a larger machine"),
            );
        } else if from - margin < low || to + margin > high {
            // As much room on either side as the travel leaves.
            let room = (high - low - (to - from)) / 2.0;
            settings.envelope[axis] = [from - room, to + room];
            // A zero is a zero, whichever side it was rounded from.
            let tenth = |v: f64| (v * 10.0).round() / 10.0 + 0.0;
            let text =
                format!("the drawing lies from {:.1} to {:.1} mm in {}", tenth(from), tenth(to), names[axis]);
            let hint = format!(
                "set the work zero so that the tool can go from {:.1} to {:.1} mm in {}",
                from - margin,
                to + margin,
                names[axis]
            );
            notes.push(Diagnostic::info("cut/zero-elsewhere", text).hint(hint));
        }
    }
}

/// Writes the program if it may be, and the pictures in any case: they show what is wrong.
fn deliver(outcome: &Outcome, sources: &Sources<'_>, written: bool) -> Result<()> {
    let text = sources.bytes(outcome.program).unwrap_or_default();
    if written {
        write_whole(&outcome.output, text)?;
    }
    for (path, picture) in &outcome.pictures {
        write_whole(path, picture)?;
    }
    Ok(())
}

fn verdict(diagnostics: &[Diagnostic]) -> Verdict {
    let errors = || diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let about_the_program = |d: &Diagnostic| d.code.starts_with("proof/") || d.code.starts_with("gcode/");
    if errors().any(|d| !about_the_program(d)) {
        Verdict::InputErrors
    } else if errors().next().is_some() {
        Verdict::NotProven
    } else {
        Verdict::Proven
    }
}
