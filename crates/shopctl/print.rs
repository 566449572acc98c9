//! `shopctl print`: from a mesh to a printer's program, written layer by layer while the next ones are sliced.
//!
//! ```text
//! bytes ─ read ─▶ scene ─ place ─▶ Print ─ pipeline ─▶ sections ─ post ─▶ text ─ as it comes ─▶ file
//! ```

mod recipe;

use crate::folders::Folders;
use crate::output::Growing;
use crate::program;
use crate::report::{self, Colour, Sources, Style};
use crate::{Refusal, exit, output};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use recipe::About;
use shop_cam::machine::{Machine, MachineKind};
use shop_formats::mesh::{ReadOptions, Role, Scene};
use shop_gcode::Posting;
use shop_geom::mesh::Mesh;
use shop_geom::mesh::repair::{Limits, repair};
use shop_print::settings::Settings;
use shop_print::speak::{Spoken, epilogue, prologue};
use shop_print::{Print, Summary};
use shop_report::{Checked, Diagnostic, Severity};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Slice meshes into a program for a printer
#[derive(Args, Clone, Debug)]
pub struct PrintArgs {
    /// Mesh: STL, OBJ or 3MF, - for standard input
    #[arg(required_unless_present = "explain_setting", value_name = "MESH")]
    input: Option<PathBuf>,
    /// Program to write, - for standard output (default: the mesh's name with the printer's ending)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Printer: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE", default_value = "printer-marlin")]
    machine: String,
    /// Filament: a name (abs, petg, pla, tpu) or a TOML file
    #[arg(long, value_name = "FILAMENT", default_value = "pla")]
    filament: String,
    /// Quality: a name (draft, fine, standard, strong, ...) or a TOML file
    #[arg(long, value_name = "QUALITY", default_value = "standard")]
    quality: String,
    /// One setting, KEY=VALUE; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Explain a setting, with its value as it would be used; all for all of them
    #[arg(long, value_name = "KEY")]
    explain_setting: Option<String>,
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
    let Some(settings) = settings(args, style)? else { return Ok(exit::INPUT) };
    if let Some(key) = &args.explain_setting {
        let text =
            recipe::explain(key, &settings).map_err(|message| Refusal { code: exit::USAGE, message })?;
        output::write_whole("-".as_ref(), text.as_bytes())?;
        return Ok(exit::DONE);
    }
    let mut notes = Vec::new();
    let machine = program::machine(Some(&args.machine), &[], style, &mut notes)?;
    if machine.kind != MachineKind::Printer {
        let message = format!("{} is no printer", machine.name);
        bail!(Refusal { code: exit::USAGE, message });
    }
    let input = args.input.as_deref().unwrap_or("-".as_ref());
    let Some(mesh) = mesh(input, style, &mut notes)? else { return Ok(exit::INPUT) };
    let filament = machine.printer.as_ref().map_or(1.75, |p| p.filament);
    let print = Print::new(mesh, settings, filament);
    let out = args.output.clone().unwrap_or_else(|| named(input, &machine));
    let summary = write(&print, &machine, &out, &mut notes)?;
    notes.extend(mended(&summary));
    if !args.quiet {
        eprint!("{}", report::render(&notes, &Sources::new(), style));
        eprintln!(
            "{} layers, {:.2} m of filament, {:.1} m of roads",
            summary.layers,
            summary.used.filament_mm / 1000.0,
            summary.used.road_mm / 1000.0
        );
    }
    Ok(exit::DONE)
}

/// Says what of the mesh was closed by straight lines, and what could not be.
fn mended(summary: &Summary) -> Vec<Diagnostic> {
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

/// Returns the name of the program made of a mesh.
fn named(input: &Path, machine: &Machine) -> PathBuf {
    let stem = if input == Path::new("-") { Path::new("stdin") } else { input };
    let mut name = stem.file_stem().unwrap_or_default().to_owned();
    name.push(".");
    name.push(&machine.post.ending);
    PathBuf::from(name)
}

/// Returns the settings of this run, or nothing when a profile has faults, which are told.
fn settings(args: &PrintArgs, style: Style) -> Result<Option<Settings>> {
    let folders = Folders::of_this_user();
    let (mut sources, mut found) = (Sources::new(), Vec::new());
    let mut settings = Settings::default();
    for (about, name) in [(About::Filament, &args.filament), (About::Quality, &args.quality)] {
        recipe::lay(about, name, &folders, &mut sources, &mut settings, &mut found);
    }
    if !found.is_empty() {
        eprint!("{}", report::render(&found, &sources, style));
        return Ok(None);
    }
    for text in &args.sets {
        recipe::set(text, &mut settings).map_err(|message| Refusal { code: exit::USAGE, message })?;
    }
    Ok(Some(settings))
}

/// Reads a mesh; nothing when there is none to slice, which is told.
fn mesh(input: &Path, style: Style, notes: &mut Vec<Diagnostic>) -> Result<Option<Mesh>> {
    let bytes = program::open(input)?;
    let mut sources = Sources::new();
    let id = sources.add(input.display().to_string(), &*bytes);
    let scene = shop_formats::mesh::read(id, &bytes, &ReadOptions::default()).drain_into(notes);
    let mesh = together(scene, notes);
    if notes.iter().any(|d| d.severity == Severity::Error) || mesh.triangles.is_empty() {
        eprint!("{}", report::render(notes, &sources, style));
        return Ok(None);
    }
    // Places in the file are told by name only: the file itself is let go before slicing begins.
    for d in notes {
        d.span = None;
    }
    Ok(Some(mesh))
}

/// Puts everything solid of a scene into one mesh, each instance in its place; shells that overlap are united layer by
/// layer. Each is repaired first, and what was wrong with it is told. A lone mesh in its own place is moved, not copied.
fn together(scene: Scene, notes: &mut Vec<Diagnostic>) -> Mesh {
    let mut all = Mesh::default();
    for object in scene.objects {
        let last = object.instances.len().saturating_sub(1);
        let (solid, others): (Vec<_>, Vec<_>) = object.parts.into_iter().partition(|p| p.role == Role::Solid);
        if !others.is_empty() {
            let message =
                format!("parts that change others are left out: `{}` is printed without them", object.name);
            notes.push(Diagnostic::warning("print/parts-left-out", message).count(others.len()));
        }
        let mut parts: Vec<Mesh> = Vec::with_capacity(solid.len());
        for mut part in solid {
            notes.extend(repair(&mut part.mesh, &Limits::default()).diagnostics(&object.name));
            parts.push(part.mesh);
        }
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
    let found = Mutex::new(Vec::new());
    let keep = |text: Checked<Vec<u8>>| {
        if !text.diagnostics.is_empty()
            && let Ok(mut found) = found.lock()
        {
            found.extend(text.diagnostics);
        }
        text.value
    };
    let mut out = Growing::begin(path)?;
    let mut head = keep(posting.header());
    head.extend(keep(posting.section(&prologue(&print.job), None)));
    out.add(&head)?;
    let mut wrong = Ok(());
    let summary = print.run(
        |spoken: &Spoken| keep(posting.section(&spoken.section, spoken.from)),
        |text| {
            wrong = out.add(&text);
            wrong.is_ok()
        },
    );
    wrong?;
    let mut tail = keep(posting.section(&epilogue(&print.job), None));
    tail.extend(keep(posting.footer(None)));
    out.add(&tail)?;
    out.finish()?;
    notes.extend(found.into_inner().unwrap_or_default());
    summary.context("slicing was ended")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_formats::mesh::{Object, Part};
    use shop_geom::mesh::{Point3, Transform};

    #[test]
    fn what_is_not_solid_is_left_out_and_said() {
        let points =
            [[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]].map(Point3::from).to_vec();
        let mesh = Mesh { points, triangles: vec![[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]] };
        let part = |role| Part { role, mesh: mesh.clone(), ..Part::default() };
        let object = Object {
            parts: vec![part(Role::Solid), part(Role::Negative)],
            instances: vec![Transform::default()],
            ..Object::default()
        };
        let mut notes = Vec::new();
        let all = together(Scene { objects: vec![object], ..Scene::default() }, &mut notes);
        assert_eq!(all.triangles.len(), 4);
        assert_eq!(notes.iter().map(|d| d.code).collect::<Vec<_>>(), ["print/parts-left-out"]);
    }
}
