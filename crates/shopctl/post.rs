//! `shopctl post`: a program of any dialect for another controller, held against the original before it is written.

use crate::program::{self, Seen};
use crate::report::{self, Colour, Sources, Style};
use crate::setup::SetupArgs;
use crate::{Refusal, diff, exit, output};
use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use shop_cam::machine::Machine;
use shop_gcode::{Context, bgcode};
use shop_report::{Diagnostic, Severity};
use shop_sim::compare::{Pair, Tracks, compare};
use std::path::PathBuf;

/// Carry a program to another controller
#[derive(Args, Clone, Debug)]
pub struct PostArgs {
    /// Program: G-code of any dialect, - for standard input
    #[arg(value_name = "PROGRAM")]
    input: PathBuf,
    /// Machine it is to run on: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE")]
    machine: String,
    /// Machine it was made for; guessed from its words when not given
    #[arg(long, value_name = "MACHINE")]
    from: Option<String>,
    /// Program to write, - for standard output; FILE.bgcode is written as binary G-code (printers only)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Make arcs of chains of short lines that stay this near to them, mm
    #[arg(long, value_name = "MM", value_parser = tolerance)]
    fit_arcs_mm: Option<f64>,
    #[command(flatten)]
    setup: SetupArgs,
    /// Write it although the input has errors or the path differs
    #[arg(long)]
    force: bool,
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
pub fn run(args: &PostArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    if args.json && args.output.as_os_str() == "-" {
        let message = "--json and -o - both want standard output; write the program to a file".to_owned();
        bail!(Refusal { code: exit::USAGE, message });
    }
    let text = program::open(&args.input)?;
    let mut diagnostics = Vec::new();
    let machine = program::machine(Some(&args.machine), &text, style, &mut diagnostics)?;
    let mut from = program::machine(args.from.as_deref(), &text, style, &mut diagnostics)?;
    // They say how the job lay on the machine that it was made for; the new program says places, not zeros.
    args.setup.apply(&mut from);
    let binary = args.output.extension().is_some_and(|e| e.eq_ignore_ascii_case("bgcode"));
    if binary && machine.printer.is_none() {
        let message =
            format!("only printers read binary G-code, and {} is none; name the output .nc", machine.name);
        bail!(Refusal { code: exit::USAGE, message });
    }
    let name = args.input.display().to_string();
    let mut sources = Sources::new();
    let id = sources.add(name.clone(), &*text);
    // What M3 switches is a matter of the machine that the program will run on, if the first has no opinion.
    let mut context = program::context(&args.input, &text, &from).source(id);
    args.setup.inform(&mut context)?;
    let mut read = shop_gcode::interpret(&text, &context).drain_into(&mut diagnostics);
    if let Some(tolerance) = args.fit_arcs_mm {
        read = shop_gcode::fit_arcs(&read, tolerance);
    }
    let posted = shop_gcode::post(&read, &machine).drain_into(&mut diagnostics);
    drop(read);
    // Every program has a beginning and an end; an empty one was refused, and --force cannot make it up.
    let refused = posted.is_empty();
    let kept = if refused {
        Ok(())
    } else {
        keeps_its_path(
            (&text, &context),
            (posted.as_bytes(), &Context::of(&machine)),
            (&from, &machine),
            args.fit_arcs_mm.unwrap_or(0.0),
        )
    };
    if let Err(off) = &kept {
        let message = format!("the path of the new program differs from that of the old one: {off}");
        diagnostics.push(Diagnostic::error("post/path-differs", message));
    }
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let written = errors == 0 || (args.force && !refused);
    if written {
        let packed = binary.then(|| in_blocks(&text, &posted));
        output::write_whole(&args.output, packed.as_deref().unwrap_or(posted.as_bytes()))?;
    }
    if args.json {
        let value = json!({
            "file": name, "from": from.name, "machine": machine.name, "written": written,
            "output": args.output.display().to_string(), "lines": posted.lines().count(),
            "path_kept": kept.is_ok() && !refused, "diagnostics": report::to_json(&diagnostics, &sources),
        });
        println!("{value:#}");
    } else if !args.quiet || !written {
        eprint!("{}", report::render(&diagnostics, &sources, style));
        if written {
            let (lines, out) = (posted.lines().count(), args.output.display());
            let path = if kept.is_ok() { "the same path as" } else { "another path than" };
            eprintln!("{out}: {lines} lines for {}, {path} {name}", machine.name);
        } else if refused {
            eprintln!("nothing was written");
        } else {
            eprintln!("nothing was written; --force writes it all the same");
        }
    }
    Ok(match (written, kept) {
        (true, _) => exit::DONE,
        (false, Err(_)) => exit::CHECK,
        (false, Ok(())) => exit::INPUT,
    })
}

/// Returns a program as binary G-code, with what the slicer said of the old one and its pictures.
fn in_blocks(old: &[u8], new: &str) -> Vec<u8> {
    let metadata = shop_gcode::metadata::read(old);
    let about = bgcode::About {
        file: vec![("Producer".to_owned(), concat!("shopctl ", env!("CARGO_PKG_VERSION")).to_owned())],
        slicer: metadata.values,
        thumbnails: metadata.thumbnails,
        ..bgcode::About::default()
    };
    let mut out = bgcode::head(&about);
    out.extend(bgcode::text_blocks(new.as_bytes()));
    out
}

/// Reads a tolerance that makes sense for arcs.
fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(mm) if mm > 0.0 && mm <= 1.0 => Ok(mm),
        _ => Err("a tolerance above 0 and up to 1 mm is wanted".to_owned()),
    }
}

/// Reads both programs and compares the work they do, `fitted` mm apart at most where arcs were fitted; says what
/// differs.
fn keeps_its_path(
    old: (&[u8], &Context),
    new: (&[u8], &Context),
    (from, to): (&Machine, &Machine),
    fitted: f64,
) -> Result<(), String> {
    // Both are judged as work on the same kind of machine, or a print would be compared with a cut.
    // Loops are written out in the new one, which gives it no right to more chords than the old one has.
    let bytes = new.0.len().min(2 * old.0.len() + 65_536);
    let tracks = |(text, context): (&[u8], &Context)| {
        let mut tracks = Tracks::new(from).of_bytes(bytes);
        program::pass(text, context, |seen| {
            if let Seen::Command(command, line) = seen {
                tracks.command(command, line);
            }
        });
        tracks
    };
    let (a, b) = (tracks(old), tracks(new));
    if !(a.is_whole() && b.is_whole()) {
        return Err("it loops over more arcs than can be compared".to_owned());
    }
    // Half a step of the coarser grid each way, and the chords of what has no arcs there.
    let tolerance = 10f64.powi(-i32::from(to.post.decimals.min(9))) + 0.002 + fitted;
    let c = compare(&a, &b, tolerance);
    // Where a path enters the stock at a shallow angle, a step of the grid in z is several of them along it.
    let far = |p: &&Pair| p.distance + p.shift.iter().map(|v| v * v).sum::<f64>().sqrt() > 4.0 * tolerance;
    let off = c.moved.iter().chain(&c.changed).filter(far).count() + c.removed.len() + c.added.len();
    if off == 0 { Ok(()) } else { Err(diff::summary(&c)) }
}
