//! `shopctl check`: what this machine will refuse or misread in a program, with line and column.

mod text;

use crate::program::{self, Bytes, Seen, Watch};
use crate::report::{self, Colour, Sources, Style};
use crate::setup::{self, SetupArgs, Stock};
use crate::{Refusal, exit, output};
use anyhow::Result;
use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};
use shop_cam::machine::Machine;
use shop_gcode::Context;
use shop_report::{Diagnostic, Severity, SourceId, Span};
use shop_sim::check::{Checker, Extents, Finding};
use std::path::PathBuf;

/// Check programs against a machine: what it will refuse or misread
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Programs: G-code of any dialect, - for standard input
    #[arg(required = true, value_name = "PROGRAM")]
    inputs: Vec<PathBuf>,
    /// Machine profile: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Size of the stock; its corner at (0, 0) and its top at z = 0, or where @ says; else the
    /// top is z = 0 everywhere
    #[arg(long, value_name = "XxYxZ[@X,Y[,TOP]]", value_parser = setup::stock)]
    stock_mm: Option<Stock>,
    #[command(flatten)]
    setup: SetupArgs,
    /// Report as JSON on standard output
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Report as SARIF 2.1.0 on standard output, for code review tools
    #[arg(long)]
    sarif: bool,
    /// Warnings fail the check too
    #[arg(long)]
    strict: bool,
    /// Say nothing when all is well
    #[arg(short, long)]
    quiet: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

/// What was found about one program.
struct Checked {
    diagnostics: Vec<Diagnostic>,
    extents: Option<Extents>,
    lines: u32,
}

/// Runs the verb; returns the exit code.
pub fn run(args: &CheckArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    let (mut code, mut reports, mut all) = (exit::DONE, Vec::new(), Vec::new());
    let texts: Vec<Bytes> = args.inputs.iter().map(|p| program::open(p)).collect::<Result<_>>()?;
    let mut sources = Sources::new();
    let mut notes = Vec::new();
    let first = texts.first().map_or(&[][..], |t| t);
    let mut machine = program::machine(args.machine.as_deref(), first, style, &mut notes)?;
    args.setup.apply(&mut machine);
    // Read once, so that a fault of the tool table is one.
    let mut setting = Context::of(&machine);
    args.setup.inform(&mut setting)?;
    let named = args.inputs.iter().zip(&texts);
    let programs: Vec<(String, SourceId)> = named
        .map(|(path, text)| {
            let name = path.display().to_string();
            (name.clone(), sources.add(name, &**text))
        })
        .collect();
    let paths = programs.par_iter().zip(&args.inputs);
    let checked: Vec<Checked> = paths
        .map(|((_, id), path)| {
            let mut context = program::context(path, sources.bytes(*id).unwrap_or_default(), &machine);
            context.machine_zero = setting.machine_zero;
            context.tools.clone_from(&setting.tools);
            check(&sources, &context.source(*id), &machine, args)
        })
        .collect();
    let mut out = String::new();
    for ((name, _), mut checked) in programs.iter().zip(checked) {
        checked.diagnostics.splice(0..0, notes.drain(..));
        let verdict = verdict(&checked.diagnostics, args.strict);
        code = code.max(verdict);
        if args.json {
            reports.push(to_json(name, &machine, &checked, verdict, &sources));
        } else if args.sarif {
            all.extend(checked.diagnostics);
        } else if !args.quiet || verdict != exit::DONE {
            eprint!("{}", report::render(&checked.diagnostics, &sources, style));
            out.push_str(&verdict_line(name, &machine, &checked));
            out.push('\n');
        }
    }
    if args.json {
        let all = if reports.len() == 1 { reports.remove(0) } else { Value::Array(reports) };
        out = format!("{all:#}\n");
    }
    if args.sarif {
        out = format!("{:#}\n", report::to_sarif(&all, &sources, crate::explain::text));
    }
    output::write_whole("-".as_ref(), out.as_bytes())?;
    Ok(code)
}

/// Checks one registered program.
fn check(sources: &Sources<'_>, context: &Context, machine: &Machine, args: &CheckArgs) -> Checked {
    let id = context.source;
    let bytes = sources.bytes(id).unwrap_or_default();
    let mut checker = Checker::new(machine).of_bytes(bytes.len());
    if let Some(s) = args.stock_mm {
        let far = [s.corner[0] + s.size[0], s.corner[1] + s.size[1], s.top];
        checker.stock(Extents { min: [s.corner[0], s.corner[1], s.top - s.size[2]], max: far });
    }
    if let Some(z) = args.setup.zero_z() {
        checker.zero_z(z);
    }
    let mut look = Look { checker, lines: 0 };
    let mut of_text = Vec::new();
    let (mut diagnostics, ()) = rayon::join(
        || program::pass_in_parts(bytes, context, &mut look),
        || text::check(bytes, id, machine, &mut of_text),
    );
    diagnostics.extend(of_text);
    let Look { checker, lines } = look;
    let (findings, extents) = checker.finish();
    diagnostics.extend(findings.into_iter().map(|f| placed(f, sources, id)));
    Checked { diagnostics, extents, lines }
}

/// One look at a program.
struct Look<'a> {
    checker: Checker<'a>,
    /// Line of the last command.
    lines: u32,
}

impl Watch for Look<'_> {
    #[inline]
    fn see(&mut self, seen: Seen<'_>) {
        if let Seen::Command(command, line) = seen {
            self.lines = line;
            self.checker.command(command, line);
        }
    }

    fn fork(&self) -> Self {
        Look { checker: self.checker.fork(), lines: self.lines }
    }

    fn begin(&mut self) {
        self.checker.begin();
        self.lines = 0;
    }

    fn continues_as(&self, part: &Self) -> bool {
        self.checker.continues_as(&part.checker)
    }

    fn append(&mut self, part: Self) {
        self.checker.append(part.checker);
        // A part without commands knows of no line.
        self.lines = if part.lines > 0 { part.lines } else { self.lines };
    }
}

/// Gives a finding its place: the word to blame in its line, or the whole line.
pub fn placed(finding: Finding, sources: &Sources<'_>, id: SourceId) -> Diagnostic {
    let Finding { severity, code, message, hint, line, letter, at, count, .. } = finding;
    let mut d = Diagnostic::new(severity, code, message).count(count as usize);
    d.hint = hint.map(str::to_owned);
    d.at = at;
    let bytes = sources.bytes(id).unwrap_or_default();
    let whole = if line == 0 {
        let end = bytes.trim_ascii_end().len();
        Some(end.saturating_sub(1)..end)
    } else {
        sources.line(id, line as usize)
    };
    if let Some(line) = whole {
        let word = letter.and_then(|l| text::word_in(&bytes[line.clone()], l));
        let place = word.map_or(line.clone(), |w| line.start + w.start..line.start + w.end);
        d = d.span(Span::new(id, place.start, place.end));
    }
    d
}

/// Errors in the text are the input's (3); what the machine would refuse fails the check (4).
fn verdict(diagnostics: &[Diagnostic], strict: bool) -> u8 {
    let worst = if strict { Severity::Warning } else { Severity::Error };
    let bad = diagnostics.iter().filter(|d| d.severity >= worst);
    bad.map(|d| if d.code.starts_with("check/") { exit::CHECK } else { exit::INPUT })
        .max()
        .unwrap_or(exit::DONE)
}

fn verdict_line(name: &str, machine: &Machine, checked: &Checked) -> String {
    let found = report::summary(&checked.diagnostics);
    let found = if found.is_empty() { "nothing against it".to_owned() } else { found };
    let extents = checked.extents.map_or(String::new(), |e| {
        let axis =
            |i: usize| format!("{} {:.1} to {:.1}", ['X', 'Y', 'Z'][i], e.min[i] + 0.0, e.max[i] + 0.0);
        format!("; {}, {}, {} mm", axis(0), axis(1), axis(2))
    });
    format!("{name} on {}: {found}; {} lines{extents}", machine.name, checked.lines)
}

fn to_json(name: &str, machine: &Machine, c: &Checked, verdict: u8, sources: &Sources<'_>) -> Value {
    let rounded = |p: [f64; 3]| p.map(|v| (v * 1e4).round() / 1e4 + 0.0);
    json!({
        "file": name,
        "machine": machine.name,
        "passed": verdict == exit::DONE,
        "errors": c.diagnostics.iter().filter(|d| d.severity == Severity::Error).count(),
        "warnings": c.diagnostics.iter().filter(|d| d.severity == Severity::Warning).count(),
        "extents_mm": c.extents.map(|e| json!({ "min": rounded(e.min), "max": rounded(e.max) })),
        "diagnostics": report::to_json(&c.diagnostics, sources),
    })
}

/// Refuses a program that cannot be used at all.
pub fn unreadable(name: &str) -> anyhow::Error {
    Refusal { code: exit::INPUT, message: format!("{name} moves nothing; `shopctl check` says why") }.into()
}
