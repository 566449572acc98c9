//! `shopctl print`: from a mesh to a printer's program, written layer by layer while the next ones are sliced.
//!
//! ```text
//! bytes ─ read ─▶ scene ─ place ─▶ Print ─ pipeline ─▶ sections ─ post ─▶ text ─ as it comes ─▶ file
//! ```

use crate::program;
use crate::report::{self, Colour, Sources, Style};
use crate::{Refusal, exit};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use shop_cam::machine::{Machine, MachineKind};
use shop_formats::mesh::{Role, Scene};
use shop_gcode::Posting;
use shop_geom::mesh::Mesh;
use shop_print::settings::Settings;
use shop_print::speak::{Spoken, epilogue, prologue};
use shop_print::{Print, Summary};
use shop_report::{Diagnostic, Severity};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Slice meshes into a program for a printer
#[derive(Args, Clone, Debug)]
pub struct PrintArgs {
    /// Mesh: STL, OBJ or 3MF, - for standard input
    #[arg(required = true, value_name = "MESH")]
    input: PathBuf,
    /// Program to write, - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Printer: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE", default_value = "printer-marlin")]
    machine: String,
    /// One setting, KEY=VALUE; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Threads to use (default: all cores)
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Say nothing when all is well
    #[arg(short, long)]
    quiet: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

/// Runs the verb; returns the exit code.
pub fn run(args: &PrintArgs) -> Result<u8> {
    if let Some(n) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(n.into()).build_global()?;
    }
    let style = Style::for_stderr(args.colour);
    let mut notes = Vec::new();
    let machine = program::machine(Some(&args.machine), &[], style, &mut notes)?;
    if machine.kind != MachineKind::Printer {
        let message = format!("{} is no printer", machine.name);
        bail!(Refusal { code: exit::USAGE, message });
    }
    let settings = settings(args)?;
    let bytes = program::open(&args.input)?;
    let mut sources = Sources::new();
    let id = sources.add(args.input.display().to_string(), &*bytes);
    let scene = shop_formats::mesh::read(id, &bytes, &shop_formats::mesh::ReadOptions::default())
        .drain_into(&mut notes);
    let mesh = together(scene);
    let errors = notes.iter().any(|d| d.severity == Severity::Error);
    if errors || mesh.triangles.is_empty() {
        eprint!("{}", report::render(&notes, &sources, style));
        return Ok(exit::INPUT);
    }
    drop(sources);
    drop(bytes);
    let filament = machine.printer.as_ref().map_or(1.75, |p| p.filament);
    let print = Print::new(mesh, settings, filament);
    let summary = write(&print, &machine, &args.output, &mut notes)?;
    let sources = Sources::new();
    if !args.quiet {
        notes.iter_mut().for_each(|d| d.span = None);
        eprint!("{}", report::render(&notes, &sources, style));
        eprintln!(
            "{} layers, {:.2} m of filament, {:.1} m of roads",
            summary.layers,
            summary.used.filament_mm / 1000.0,
            summary.used.road_mm / 1000.0
        );
    }
    Ok(exit::DONE)
}

fn settings(args: &PrintArgs) -> Result<Settings> {
    let mut settings = Settings::default();
    for set in &args.sets {
        let Some((key, value)) = set.split_once('=') else {
            let message = format!("--set {set}: KEY=VALUE is wanted");
            bail!(Refusal { code: exit::USAGE, message });
        };
        if let Err(wrong) = settings.set(key.trim(), value) {
            bail!(Refusal { code: exit::USAGE, message: format!("--set {set}: {wrong}") });
        }
    }
    Ok(settings)
}

/// Puts everything solid of a scene into one mesh, each instance in its place; shells that overlap are united layer by
/// layer. A lone mesh in its own place is moved, not copied.
fn together(scene: Scene) -> Mesh {
    let mut all = Mesh::default();
    for object in scene.objects {
        let last = object.instances.len().saturating_sub(1);
        let mut parts: Vec<Mesh> =
            object.parts.into_iter().filter(|p| p.role == Role::Solid).map(|p| p.mesh).collect();
        for (i, place) in object.instances.iter().enumerate() {
            for part in &mut parts {
                let mesh = if i == last { std::mem::take(part) } else { part.clone() };
                append(&mut all, mesh.transformed(place));
            }
        }
    }
    all
}

fn append(all: &mut Mesh, mesh: Mesh) {
    if all.points.is_empty() {
        *all = mesh;
        return;
    }
    let first = all.points.len() as u32;
    all.points.extend(mesh.points);
    all.triangles.extend(mesh.triangles.into_iter().map(|t| t.map(|i| i + first)));
}

/// Slices and writes at the same time; the file appears when it is whole.
fn write(print: &Print, machine: &Machine, path: &Path, notes: &mut Vec<Diagnostic>) -> Result<Summary> {
    let posting = Posting::new(machine, true);
    let failed = || format!("failed to write {}", path.display());
    let mut out = std::fs::File::create(path).with_context(failed)?;
    let found = Mutex::new(Vec::new());
    let keep = |text: shop_report::Checked<Vec<u8>>| {
        if !text.diagnostics.is_empty()
            && let Ok(mut found) = found.lock()
        {
            found.extend(text.diagnostics);
        }
        text.value
    };
    let mut wrong = None;
    let mut head = keep(posting.header());
    head.extend(keep(posting.section(&prologue(&print.job), None)));
    out.write_all(&head).with_context(failed)?;
    let summary = print.run(
        |spoken: &Spoken| keep(posting.section(&spoken.section, spoken.from)),
        |text| {
            wrong = out.write_all(&text).err();
            wrong.is_none()
        },
    );
    if let Some(error) = wrong {
        return Err(error).with_context(failed);
    }
    let mut tail = keep(posting.section(&epilogue(&print.job), None));
    tail.extend(keep(posting.footer(None)));
    out.write_all(&tail).with_context(failed)?;
    notes.extend(found.into_inner().unwrap_or_default());
    summary.context("slicing was ended")
}
