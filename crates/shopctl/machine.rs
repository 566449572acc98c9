//! `shopctl machine`: which machines there are, what one is, where its profile lies, and a new one to edit; and the
//! machine itself: ports, state, console, moves by hand, settings, what its codes mean.

mod act;
mod console;
mod decode;
mod editor;
mod live;
mod ports;
mod settings;
mod simulate;
mod status;

use crate::folders::Folders;
use crate::profile::{self, DIALECTS, KINDS, Origin, Profile};
use crate::report::{self, Colour, Sources, Style};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shop_report::Diagnostic;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Exit code for input with errors.
const INPUT_HAS_ERRORS: u8 = 3;

/// No table is that long, mm.
const BOUNDLESS: f64 = 30_000.0;

/// Profiles of machines, and the machines themselves: status, console, jog, home, settings
#[derive(Args, Clone, Debug)]
pub struct MachineArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Clone, Debug)]
enum Verb {
    /// List the machines there are
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one machine whole, as TOML
    Show {
        /// Name or path of the profile
        name: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a profile of your own, to edit, into your settings folder
    New {
        /// Name of the new machine: letters, digits and hyphens
        name: String,
        /// Machine to start from
        #[arg(long, value_name = "BASE")]
        from: String,
    },
    /// Print where a machine's profile lies
    Path {
        /// Name or path of the profile
        name: String,
    },
    /// List the ports of this computer, and who answers on them; nothing moves
    Ports(ports::PortsArgs),
    /// Tell what the machine is doing
    Status(status::StatusArgs),
    /// Talk to the controller line by line
    #[command(after_help = console::HELP)]
    Console(console::ConsoleArgs),
    /// Move by hand: jog X10 Y-5 --feed-mm-per-min 500
    Jog(act::JogArgs),
    /// Find the limit switches
    Home(act::HomeArgs),
    /// Put the work zero where the machine stands
    Zero(act::ZeroArgs),
    /// Touch something, and tell where; with --plate-mm put the work zero by it
    Probe(act::ProbeArgs),
    /// Take the lock off after an alarm; the position may be wrong
    Unlock(act::UnlockArgs),
    /// Write the controller's settings to a file
    Backup(settings::BackupArgs),
    /// Compare the controller's settings with a file
    Diff(settings::DiffArgs),
    /// Write settings from a file to the controller, one at a time, each read back
    Restore(settings::RestoreArgs),
    /// Explain what a controller says: error:22, ALARM:1
    Decode(decode::DecodeArgs),
    /// Be a simulated machine on a socket, for whoever wants to try what happens when a sender dies
    #[command(hide = true)]
    Simulate(simulate::SimulateArgs),
}

/// Runs the verb: the product goes to `out`, what is wrong to `talk`. Returns the exit code.
pub fn run(
    args: &MachineArgs,
    folders: &Folders,
    colour: Colour,
    out: &mut dyn Write,
    talk: &mut dyn Write,
) -> anyhow::Result<u8> {
    let mut sources = Sources::new();
    let mut found = Vec::new();
    let product = match &args.verb {
        Verb::Ports(a) => return ports::run(a, out),
        Verb::Status(a) => return status::run(a, out),
        Verb::Console(a) => return console::run(a, out),
        Verb::Jog(a) => return act::jog(a, out),
        Verb::Home(a) => return act::home(a, out),
        Verb::Zero(a) => return act::zero(a, out),
        Verb::Probe(a) => return act::probe(a, out),
        Verb::Unlock(a) => return act::unlock(a, out),
        Verb::Backup(a) => return settings::backup(a, out),
        Verb::Diff(a) => return settings::diff(a, out),
        Verb::Restore(a) => return settings::restore(a, out),
        Verb::Decode(a) => return decode::run(a, out),
        Verb::Simulate(a) => return simulate::run(a, out),
        Verb::List { json } => Some(list(*json, folders, &mut sources, &mut found)),
        Verb::Show { name, json } => {
            profile::load(name, folders, &mut sources, &mut found).map(|p| show(&p, *json))
        }
        Verb::New { name, from } => match profile::load(from, folders, &mut sources, &mut found) {
            Some(base) => new(name, &base, folders, &mut found)?,
            None => None,
        },
        Verb::Path { name } => path(name, folders, &mut sources, &mut found),
    };
    talk.write_all(report::render(&found, &sources, Style::for_stderr(colour)).as_bytes())?;
    let Some(product) = product else { return Ok(INPUT_HAS_ERRORS) };
    out.write_all(product.as_bytes())?;
    Ok(0)
}

/// One line of the list.
struct Entry {
    name: String,
    origin: Origin,
    /// Nothing when the profile has errors.
    profile: Option<Profile>,
}

fn list(as_json: bool, folders: &Folders, sources: &mut Sources<'_>, found: &mut Vec<Diagnostic>) -> String {
    let entry = |(name, origin): (String, Origin)| {
        let mut complaints = Vec::new();
        let profile = profile::load(&name, folders, sources, &mut complaints);
        found.append(&mut complaints);
        Entry { name, origin, profile }
    };
    let entries: Vec<Entry> = profile::list(folders).into_iter().map(entry).collect();
    if as_json {
        let list: Value = entries.iter().map(entry_json).collect();
        return format!("{list:#}\n");
    }
    let mut rows = vec![["NAME", "KIND", "BED (MM)", "DIALECT", "TITLE"].map(str::to_owned)];
    rows.extend(entries.iter().map(entry_row));
    table(&rows)
}

fn entry_row(e: &Entry) -> [String; 5] {
    let Some(p) = &e.profile else {
        let dash = String::from("-");
        return [e.name.clone(), dash.clone(), dash.clone(), dash, format!("has errors: {}", e.origin)];
    };
    let own = match &e.origin {
        Origin::Embedded => String::new(),
        Origin::File(path) => format!(" ({})", path.display()),
    };
    let [x, y] = bed(p);
    // The generic machines have no walls.
    let bed = if x.min(y) > BOUNDLESS { "any".to_owned() } else { format!("{x:.0} x {y:.0}") };
    [e.name.clone(), kind(p).into(), bed, dialect(p).into(), format!("{}{own}", p.machine.title)]
}

fn entry_json(e: &Entry) -> Value {
    match &e.profile {
        None => json!({ "name": e.name, "origin": e.origin.to_string(), "errors": true }),
        Some(p) => json!({
            "name": e.name,
            "kind": kind(p),
            "bed_mm": bed(p),
            "dialect": dialect(p),
            "title": p.machine.title,
            "origin": e.origin.to_string(),
            "materials": p.machine.materials.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
        }),
    }
}

fn bed(p: &Profile) -> [f64; 2] {
    let [x, y, _] = &p.machine.axes;
    [x.max - x.min, y.max - y.min]
}

fn kind(p: &Profile) -> &'static str {
    KINDS.iter().find(|(_, k)| *k == p.machine.kind).map_or("", |(w, _)| w)
}

fn dialect(p: &Profile) -> &'static str {
    DIALECTS.iter().find(|(_, d)| *d == p.machine.post.dialect).map_or("", |(w, _)| w)
}

/// Lays rows out in columns; the last one is as wide as it likes.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn show(p: &Profile, as_json: bool) -> String {
    if as_json {
        return format!("{:#}\n", profile::to_json(p));
    }
    let extends = match p.bases.as_slice() {
        [] => String::new(),
        bases => format!(", extends {}", bases.join(" < ")),
    };
    format!("# {} ({}{extends})\n\n{}", p.machine.name, p.origin, profile::to_toml(p))
}

fn new(
    name: &str,
    base: &Profile,
    folders: &Folders,
    found: &mut Vec<Diagnostic>,
) -> anyhow::Result<Option<String>> {
    let fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || !name.bytes().all(fit) || name.starts_with('-') {
        let d = Diagnostic::error("machine/bad-name", format!("`{name}` is no name for a machine"));
        found.push(d.hint("small letters, digits and hyphens, as in `our-plasma-table`"));
        return Ok(None);
    }
    let unknown = "this computer does not say where your settings are; set SHOPCTL_CONFIG_DIR";
    let folder = folders.user_machines().context(unknown)?;
    let path = folder.join(format!("{name}.toml"));
    let text = format!(
        "# Profile of a machine of our own. Every key is spelled out; those that agree with `{base}` may go, with\n\
         # `extends = \"{base}\"` put under [machine]. `shopctl machine show {name}` checks the file.\n\n{body}",
        base = base.machine.name,
        body = profile::to_toml(base),
    );
    match write_new(&path, &text) {
        Ok(()) => Ok(Some(format!("{}\n", path.display()))),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let message = format!("{} is there already and is left as it is", path.display());
            let d = Diagnostic::error("machine/exists", message);
            found.push(d.hint("take another name, or edit that file"));
            Ok(None)
        }
        Err(e) => Err(e).with_context(|| format!("failed to write {}", path.display())),
    }
}

/// Writes a file that is not there yet; never over another one.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn path(
    name: &str,
    folders: &Folders,
    sources: &mut Sources<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<String> {
    if let Some((_, origin)) = profile::find(name, folders) {
        return Some(format!("{origin}\n"));
    }
    // Loading it says why there is none.
    profile::load(name, folders, sources, found);
    None
}
