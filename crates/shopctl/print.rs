//! `shopctl print`: from meshes to a printer's program, written layer by layer while the next ones are sliced.
//!
//! ```text
//! bytes ─ read ─▶ scenes ─ place ─▶ bodies ─▶ Print ─ pipeline ─▶ sections ─ post ─▶ text ─▶ file without a name
//!                                                                   └─▶ time, check, proof ─▶ its name, or none
//! ```

mod fits;
mod given;
mod hold;
mod import;
mod model;
mod place;
mod recipe;
mod stop;
mod summary;
mod thumbs;
mod watch;
mod write;

use crate::cut::same_file;
use crate::folders::Folders;
use crate::report::{self, Colour, Sources, Style};
use crate::ticker::Ticker;
use crate::{Refusal, exit, output, preview, program};
use anyhow::{Result, bail};
use clap::Args;
use place::PlaceArgs;
use recipe::About;
use serde_json::Value;
use shop_cam::machine::{Machine, MachineKind};
use shop_formats::mesh::Setting;
use shop_geom::Point;
use shop_geom::mesh::{Mesh, Transform};
use shop_print::Print;
use shop_print::model::{Changes, Model};
use shop_print::settings::{Brim, FIELDS, Pictures, Settings};
use shop_report::{Diagnostic, Progress as _, Severity};
use shop_sim::Plot;
use std::path::{Path, PathBuf};

/// Slice meshes into a program for a printer
///
/// The program is timed, checked and held against the mesh while it is written, and appears when all is well.
#[derive(Args, Clone, Debug)]
pub struct PrintArgs {
    /// Meshes: STL, OBJ, 3MF or AMF, - for standard input; several are printed together
    #[arg(required_unless_present_any = ["explain_setting", "import", "watch"], value_name = "MESH")]
    inputs: Vec<PathBuf>,
    /// Program to write, - for standard output, .bgcode for a binary one (default: the mesh's name with the printer's
    /// ending)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Printer: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE", default_value = "printer-marlin")]
    machine: String,
    /// Filament: a name (abs, asa, nylon, pc, petg, pla, tpu) or a TOML file; given again, that of the next tool
    #[arg(long, value_name = "FILAMENT", default_value = "pla")]
    filament: Vec<String>,
    /// Quality: a name (draft, fine, standard, strong, ...) or a TOML file
    #[arg(long, value_name = "QUALITY", default_value = "standard")]
    quality: String,
    /// One setting, as in walls=3 or thumbnails=16x16/QOI,220x124/PNG; may be given again (--explain-setting all lists
    /// them)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Take the settings of another slicer's profile (.ini, .json) or project (.3mf) as well; without a mesh, only tell what
    /// becomes of them
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// Profile to take of a file with many, by its name; given again, that of filament and printer as well (default: those
    /// that the file says are in use)
    #[arg(long, value_name = "NAME", requires = "import")]
    preset: Vec<String>,
    /// Keep what was imported as a quality of this name, and as a printer when it describes one
    #[arg(long, value_name = "NAME", requires = "import")]
    save_as: Option<String>,
    /// Explain a setting, with its value as it would be used; all for all of them
    #[arg(long, value_name = "KEY")]
    explain_setting: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
    /// Picture to write: .svg, .png or .html by its ending; may be given more than once
    #[arg(long, value_name = "FILE")]
    preview: Vec<PathBuf>,
    /// Print every mesh that is put into a folder, until stopped; programs and notes of failure appear beside them
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["inputs", "output", "preview"])]
    watch: Option<PathBuf>,
    /// With --watch: end when everything that is there is done
    #[arg(long, requires = "watch")]
    once: bool,
    /// Slice nothing: hold a program that is already there against the meshes, as these flags would print them
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["output", "preview", "watch"])]
    hold: Option<PathBuf>,
    /// Threads to use (default: all cores)
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
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
    for path in &args.preview {
        if preview::ending(path).is_none() {
            let message = format!("{}: a preview ends in .svg, .png or .html", path.display());
            bail!(Refusal { code: exit::USAGE, message });
        }
    }
    if args.json && args.output.as_deref() == Some(Path::new("-")) {
        let message = "--json and -o - both want standard output".to_owned();
        bail!(Refusal { code: exit::USAGE, message });
    }
    let foreign = args.import.as_deref().map(|p| import::read(p, &args.preset)).transpose()?;
    let foreign = foreign.as_deref();
    if let Some(key) = &args.explain_setting {
        let Some(settings) = settings_of(args, foreign, 0, Settings::default(), style)? else {
            return Ok(exit::INPUT);
        };
        let text =
            recipe::explain(key, &settings).map_err(|message| Refusal { code: exit::USAGE, message })?;
        output::write_whole("-".as_ref(), text.as_bytes())?;
        return Ok(exit::DONE);
    }
    // What is told is what the first tool gets; the others differ from it in little.
    let imported = foreign.map(|foreign| import::map(&import::of_tool(foreign, 0)));
    if let Some(mapped) = &imported {
        if let Some(name) = &args.save_as {
            save(mapped, name, args.import.as_deref().unwrap_or("-".as_ref()))?;
        }
        if args.inputs.is_empty() && args.watch.is_none() {
            output::write_whole("-".as_ref(), mapped.text().as_bytes())?;
            return Ok(exit::DONE);
        }
    }
    let mut notes = Vec::new();
    let machine = program::machine(Some(&args.machine), &[], style, &mut notes)?;
    if machine.kind != MachineKind::Printer {
        let message = format!("{} is no printer", machine.name);
        bail!(Refusal { code: exit::USAGE, message });
    }
    if let Some(folder) = &args.watch {
        eprint!("{}", report::render(&notes, &Sources::new(), style));
        return watch::run(args, foreign, folder, &machine, style);
    }
    if let (Some(mapped), Some(path)) = (&imported, &args.import) {
        notes.extend(mapped.diagnostic(&path.display().to_string()));
    }
    if let Some(path) = &args.hold {
        return given::run(args, foreign, &machine, path, style, notes);
    }
    let usual = named(args.inputs.first().map_or(Path::new("-"), |p| p), &machine);
    let out = match &args.output {
        Some(folder) if folder.is_dir() => folder.join(&usual),
        Some(path) => path.clone(),
        None => usual,
    };
    apart(args, &out)?;
    let run = one(args, foreign, &machine, &args.inputs, &out, style, notes)?;
    if args.json {
        let text = format!("{:#}\n", run.report);
        output::write_whole("-".as_ref(), text.as_bytes())?;
    }
    Ok(run.code)
}

/// What became of one program.
struct Run {
    code: u8,
    report: Value,
}

/// Meshes, placed and with their settings.
struct Ready {
    print: Print,
    /// Pictures of what is printed, if the printer shows any.
    pictures: Vec<thumbs::Picture>,
    /// How many things stand on the bed.
    bodies: usize,
}

/// Makes `inputs` ready to be printed together; nothing when they cannot be, which is told.
fn ready(
    args: &PrintArgs,
    foreign: Option<&[Setting]>,
    machine: &Machine,
    inputs: &[PathBuf],
    ticker: &Ticker,
    style: Style,
    notes: &mut Vec<Diagnostic>,
) -> Result<Option<Ready>> {
    let home = at_home(machine);
    let Some(mut settings) = settings_of(args, foreign, 0, home.clone(), style)? else { return Ok(None) };
    notes.extend(fits::labels(&mut settings, machine));
    ticker.begin("reading", inputs.len() as u64);
    let bed = bed(machine, &settings);
    let Some(stand) = place::stand(inputs, &args.place, bed, style, notes)? else {
        ticker.clear();
        return Ok(None);
    };
    let wanted = match &settings.thumbnails {
        Pictures::OfMachine => machine.printer.as_ref().map_or(&[][..], |p| &p.thumbnails),
        Pictures::These(wanted) => wanted,
    };
    let pictures = if wanted.is_empty() || args.hold.is_some() {
        Vec::new()
    } else {
        let copies = stand.things.iter().flat_map(|t| t.places.iter().map(move |p| (t, p)));
        let moved = |(t, p): (&place::Thing, &[f64; 2])| {
            let by = Transform::shift(p[0], p[1], 0.0);
            t.solids().map(|m| m.clone().transformed(&by)).collect::<Vec<Mesh>>()
        };
        let meshes: Vec<Mesh> = copies.flat_map(moved).collect();
        let meshes: Vec<&Mesh> = meshes.iter().collect();
        thumbs::pictures(&meshes, wanted)
    };
    let bodies = stand.things.iter().map(|t| t.places.len()).sum();
    if !stand.settings.is_empty() && args.import.is_none() {
        let message =
            format!("the project brings {} settings of its own, which are not used", stand.settings.len());
        notes.push(Diagnostic::info("print/project-settings", message).hint("--import FILE uses them"));
    }
    let filament = machine.printer.as_ref().map_or(1.75, |p| p.filament);
    let Some(filaments) = filaments(args, foreign, &settings, &home, style)? else {
        return Ok(None);
    };
    let model = Model { filaments, ..model::model(stand, settings, notes) };
    let print = Print::of(model, filament);
    notes.extend(print.collisions());
    if args.hold.is_none() {
        notes.extend(fits::nozzle(&print, machine));
    }
    Ok(Some(Ready { print, pictures, bodies }))
}

/// Prints `inputs` together into one program.
fn one(
    args: &PrintArgs,
    foreign: Option<&[Setting]>,
    machine: &Machine,
    inputs: &[PathBuf],
    out: &Path,
    style: Style,
    mut notes: Vec<Diagnostic>,
) -> Result<Run> {
    let ticker = Ticker::new(args.quiet);
    let Some(Ready { print, pictures, bodies }) =
        ready(args, foreign, machine, inputs, &ticker, style, &mut notes)?
    else {
        return Ok(Run { code: exit::INPUT, report: summary::failed(inputs, &notes) });
    };
    if notes.iter().any(|d| d.severity == Severity::Error) {
        ticker.clear();
        eprint!("{}", report::render(&notes, &Sources::new(), style));
        eprintln!("error: the program is not written");
        return Ok(Run { code: exit::CHECK, report: summary::failed(inputs, &notes) });
    }
    let machine = &equipped(machine, &print.job.settings);
    let title = out.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut plot = (!args.preview.is_empty()).then(|| Plot::new(machine, &title));
    let work =
        write::Work { print: &print, machine, pictures: &pictures, plot: plot.as_mut(), ticker: &ticker };
    let written = write::write(work, out);
    ticker.clear();
    if stop::caught() {
        drop(written);
        stop::obey();
        bail!("it was stopped");
    }
    let written = written?;
    let outcome = &written.outcome;
    notes.extend(summary::mended(&outcome.summary));
    notes.extend(summary::vase(&outcome.summary));
    notes.extend(summary::findings(&outcome.findings));
    summary::merge(&mut notes, &outcome.diagnostics);
    notes.extend(fits::shrunk(&notes, &print));
    notes.extend(fits::empty(&outcome.summary, &print));
    let refused = notes.iter().any(|d| d.severity == Severity::Error);
    let figures = write::Figures::new(&outcome.summary, &outcome.estimate, &print.job.settings, machine);
    let told = summary::Told {
        inputs,
        out: (!refused).then_some(out),
        machine,
        args,
        bodies,
        height_mm: print.levels().len().checked_sub(1).map_or(0.0, |i| print.levels().top(i)),
        figures: &figures,
        outcome,
        notes: &notes,
    };
    if !args.quiet || refused {
        eprint!("{}", report::render(&notes, &Sources::new(), style));
    }
    if !args.quiet {
        eprint!("{}", summary::text(&told));
    }
    let report = summary::json(&told);
    if let Some(plot) = &plot {
        for path in &args.preview {
            output::write_whole(path, &preview::draw(plot, path))?;
        }
    }
    if refused {
        eprintln!("error: the program is not written");
        return Ok(Run { code: exit::CHECK, report });
    }
    stop::let_go();
    written.finish()?;
    Ok(Run { code: exit::DONE, report })
}

/// Refuses to write over what is read, and over what is written as well.
fn apart(args: &PrintArgs, out: &Path) -> Result<()> {
    let read = || args.inputs.iter().chain(&args.import);
    let written: Vec<&Path> = std::iter::once(out).chain(args.preview.iter().map(PathBuf::as_path)).collect();
    for (i, path) in written.iter().enumerate() {
        let message = if read().any(|input| same_file(input, path)) {
            format!("{} is read: it is not written over", path.display())
        } else if written[..i].contains(path) {
            format!("{} would be written twice", path.display())
        } else {
            continue;
        };
        bail!(Refusal { code: exit::USAGE, message });
    }
    Ok(())
}

/// Returns the name of the program made of a mesh.
fn named(input: &Path, machine: &Machine) -> PathBuf {
    let stem = if input == Path::new("-") { Path::new("stdin") } else { input };
    let mut name = stem.file_stem().unwrap_or_default().to_owned();
    name.push(".");
    name.push(&machine.post.ending);
    PathBuf::from(name)
}

/// Returns the settings that the machine itself makes: parts stand in the middle of its bed.
fn at_home(machine: &Machine) -> Settings {
    let mut settings = Settings::default();
    if let Some([left, front, right, back]) = machine.printer.as_ref().and_then(|p| p.bed) {
        settings.center_x_mm = 0.5 * (left + right);
        settings.center_y_mm = 0.5 * (front + back);
    }
    settings.one_nozzle = machine.printer.as_ref().is_some_and(|p| p.one_nozzle);
    settings
}

/// Returns the machine as the settings want it to be.
fn equipped(machine: &Machine, settings: &Settings) -> Machine {
    let mut machine = machine.clone();
    if let Some(printer) = &mut machine.printer {
        printer.one_nozzle = settings.one_nozzle;
    }
    machine
}

/// A bed that nobody has measured is taken for so wide each way, mm: that of most printers.
const USUAL_BED: f64 = 220.0;

/// Returns where bodies may be arranged: the bed as far as it reaches evenly around the middle that the settings name.
fn bed(machine: &Machine, settings: &Settings) -> place::Bed {
    let middle = Point::new(settings.center_x_mm, settings.center_y_mm);
    let half = match machine.printer.as_ref().and_then(|p| p.bed) {
        Some([left, front, right, back]) => Point::new(
            (middle.x - left).min(right - middle.x).max(0.0),
            (middle.y - front).min(back - middle.y).max(0.0),
        ),
        None => Point::new(0.5 * USUAL_BED, 0.5 * USUAL_BED),
    };
    let low = Point::new(middle.x - half.x, middle.y - half.y);
    let high = Point::new(middle.x + half.x, middle.y + half.y);
    let (head_mm, gantry_mm) = if settings.sequential {
        (settings.head_radius_mm, settings.gantry_mm)
    } else {
        (0.0, f64::INFINITY)
    };
    // A bed that is only supposed ends nowhere in particular.
    let measured = machine.printer.as_ref().is_some_and(|p| p.bed.is_some());
    let edge_mm = if measured { around_mm(settings) } else { 0.0 };
    place::Bed { low, high, head_mm, gantry_mm, edge_mm }
}

/// Returns how far skirt, brim and raft reach beyond bodies in the first layer, mm.
fn around_mm(s: &Settings) -> f64 {
    let brim = if s.brim_mm > 0.0 && s.brim_where != Brim::Inner { s.brim_gap_mm + s.brim_mm } else { 0.0 };
    let raft = if s.raft_layers > 0 { s.raft_margin_mm } else { 0.0 };
    let skirt = if s.skirt_loops > 0 { s.skirt_mm + f64::from(s.skirt_loops) * s.road_width_mm } else { 0.0 };
    brim.max(raft) + skirt
}

/// Returns what is different with the filament of each tool; the first says nothing new.
fn filaments(
    args: &PrintArgs,
    foreign: Option<&[Setting]>,
    settings: &Settings,
    home: &Settings,
    style: Style,
) -> Result<Option<Vec<Changes>>> {
    let tools = foreign.map_or(1, import::tools).max(args.filament.len());
    let mut out = vec![Changes::default()];
    for tool in 1..tools {
        let Some(other) = settings_of(args, foreign, tool, home.clone(), style)? else { return Ok(None) };
        let mut changes = Changes::default();
        for field in FIELDS {
            let (ours, theirs) = (settings.get(field.name), other.get(field.name));
            if let Some(text) = theirs.filter(|t| ours.as_ref() != Some(t)) {
                // It is a value that was read before.
                let _ = changes.add(field.name, &text);
            }
        }
        out.push(changes);
    }
    Ok(Some(out))
}

/// Returns the settings that hold where a tool lays, or nothing when a profile has faults, which are told.
fn settings_of(
    args: &PrintArgs,
    foreign: Option<&[Setting]>,
    tool: usize,
    mut settings: Settings,
    style: Style,
) -> Result<Option<Settings>> {
    let folders = Folders::of_this_user();
    let (mut sources, mut found) = (Sources::new(), Vec::new());
    // Tools of which nothing is said have the first one's.
    let filament = args.filament.get(tool).or(args.filament.first()).map_or("pla", |f| f);
    for (about, name) in [(About::Filament, filament), (About::Quality, &args.quality)] {
        recipe::lay(about, name, &folders, &mut sources, &mut settings, &mut found);
    }
    if !found.is_empty() {
        eprint!("{}", report::render(&found, &sources, style));
        return Ok(None);
    }
    if let Some(foreign) = foreign {
        import::map(&import::of_tool(foreign, tool)).apply(&mut settings);
    }
    for text in &args.sets {
        recipe::set(text, &mut settings).map_err(|message| Refusal { code: exit::USAGE, message })?;
    }
    Ok(Some(settings))
}

/// Keeps imported settings as a quality of the user's own.
fn save(mapped: &import::Mapped, name: &str, from: &Path) -> Result<()> {
    let usage = |message: String| Refusal { code: exit::USAGE, message };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        bail!(usage(format!("{name}: a name has small letters, digits and hyphens")));
    }
    let Some(user) = Folders::of_this_user().user else {
        bail!(usage("this computer does not say where its users keep settings".to_owned()));
    };
    let folder = user.join("profiles").join(About::Quality.folder());
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.toml"));
    let title = format!("from {}", from.file_name().unwrap_or_default().to_string_lossy());
    output::write_whole(&path, mapped.profile(&title).as_bytes())?;
    eprintln!("{} is the quality {name}", path.display());
    if let Some(text) = import::printer::profile(&mapped.machine, &title)
        && let Some(folder) = Folders::of_this_user().user_machines()
    {
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.toml"));
        output::write_whole(&path, text.as_bytes())?;
        eprintln!("{} is the printer {name}", path.display());
    }
    Ok(())
}
