//! `shopctl diff`: what changed in the path between two programs, not in the text.

use crate::program::{self, Bytes, Seen};
use crate::report::{self, Colour, Sources, Style};
use crate::{Refusal, check, exit, output};
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use shop_cam::machine::Machine;
use shop_sim::compare::{Comparison, Pair, Run, Tracks, compare};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Compare the paths of two programs: what moved, changed, came or went
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The old program, - for standard input
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new program
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Machine profile: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Paths that differ by less are the same
    #[arg(long, value_name = "D", default_value = "0.005", value_parser = positive)]
    tolerance_mm: f64,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|v: &f64| v.is_finite() && *v > 0.0).ok_or("say a positive number".to_owned())
}

/// Runs the verb; returns the exit code: 0 when the paths are the same, 4 when they differ.
pub fn run(args: &DiffArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    if [&args.old, &args.new].iter().all(|p| p.as_os_str() == "-") {
        let message = "only one of the two programs can come from standard input".to_owned();
        return Err(Refusal { code: exit::USAGE, message }.into());
    }
    let (old, new) = (program::open(&args.old)?, program::open(&args.new)?);
    let mut notes = Vec::new();
    let machine = program::machine(args.machine.as_deref(), &old, style, &mut notes)?;
    eprint!("{}", report::render(&notes, &Sources::new(), style));
    let tracks = |path: &Path, text: &Bytes, every_feed: bool| {
        let tracks = Tracks::new(&machine).of_bytes(text.len());
        let mut tracks = if every_feed { tracks.of_every_feed() } else { tracks };
        let context = program::context(path, text, &machine);
        program::pass(text, &context, |seen| {
            if let Seen::Command(command, line) = seen {
                tracks.command(command, line);
            }
        });
        tracks
    };
    let both = |every| rayon::join(|| tracks(&args.old, &old, every), || tracks(&args.new, &new, every));
    let (mut a, mut b) = both(false);
    if a.runs().is_empty() && b.runs().is_empty() {
        (a, b) = both(true);
        if !a.runs().is_empty() || !b.runs().is_empty() {
            eprintln!(
                "note: neither program works below z = 0 or with its tool on; every move at the feed is compared"
            );
        }
    }
    let names = [&args.old, &args.new].map(|p| p.display().to_string());
    for (name, tracks) in names.iter().zip([&a, &b]) {
        if tracks.runs().is_empty() {
            eprintln!("note: {name} does no work on {}", machine.name);
        }
        if !tracks.is_whole() {
            eprintln!("note: {name} loops over more arcs than can be compared; its end is left out");
        }
    }
    if a.runs().is_empty() && b.runs().is_empty() {
        return Err(check::unreadable(&names[0]));
    }
    let c = compare(&a, &b, args.tolerance_mm);
    if args.json {
        let all = format!("{:#}\n", to_json(&c, &a, &b, &names, &machine));
        output::write_whole("-".as_ref(), all.as_bytes())?;
    } else {
        output::write_whole("-".as_ref(), to_text(&c, &a, &b).as_bytes())?;
    }
    Ok(if c.is_same() { exit::DONE } else { exit::CHECK })
}

/// Says in one line what differs.
pub fn summary(c: &Comparison) -> String {
    let mut parts = Vec::new();
    let mut part = |n: usize, what: &str| {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    };
    part(c.moved.len(), "moved");
    part(c.changed.len(), "changed");
    part(c.removed.len(), "removed");
    part(c.added.len(), "added");
    part(c.reordered as usize, "in another order");
    part(c.feeds as usize, "with another feed");
    part(c.tools as usize, "with another tool");
    part(c.same.len(), "the same");
    parts.join(", ")
}

/// Differences of one kind that are listed; the rest is counted.
const MOST: usize = 20;

fn place(run: &Run) -> String {
    let [from, to] = run.lines;
    let lines = if from == to { format!("line {from}") } else { format!("lines {from} to {to}") };
    let [x, y, z] = run.middle.map(|v| (v * 100.0).round() / 100.0 + 0.0);
    format!("{lines}, about X{x} Y{y} Z{z}, {:.1} mm long", run.length)
}

fn to_text(c: &Comparison, a: &Tracks<'_>, b: &Tracks<'_>) -> String {
    let mut out = String::new();
    let mut list = |title: &str, rows: Vec<String>| {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(out, "{title}");
        for row in rows.iter().take(MOST) {
            let _ = writeln!(out, "  {row}");
        }
        if rows.len() > MOST {
            let _ = writeln!(out, "  and {} more", rows.len() - MOST);
        }
    };
    let of = |t: &Tracks<'_>, i: &u32| place(&t.runs()[*i as usize]);
    let shifted = |p: &Pair| {
        let [x, y, z] = p.shift.map(|v| (v * 1000.0).round() / 1000.0 + 0.0);
        let far = p.shift.iter().map(|v| v * v).sum::<f64>().sqrt();
        format!("by {far:.3} mm (x {x}, y {y}, z {z}): {}; now {}", of(a, &p.a), of(b, &p.b))
    };
    let mut by_distance = c.changed.clone();
    by_distance.sort_by(|p, q| q.distance.total_cmp(&p.distance));
    let changed = |p: &Pair| format!("by up to {:.3} mm: {}; now {}", p.distance, of(a, &p.a), of(b, &p.b));
    list("moved", c.moved.iter().map(shifted).collect());
    list("changed", by_distance.iter().map(changed).collect());
    list("removed", c.removed.iter().map(|i| of(a, i)).collect());
    list("added", c.added.iter().map(|i| of(b, i)).collect());
    let _ = writeln!(out, "{}", summary(c));
    let [before, after] = c.travel;
    if (before - after).abs() > 0.5 {
        let _ = writeln!(out, "travel {before:.0} mm, now {after:.0} mm");
    }
    out
}

fn to_json(c: &Comparison, a: &Tracks<'_>, b: &Tracks<'_>, names: &[String; 2], machine: &Machine) -> Value {
    let r = |v: f64| (v * 1e4).round() / 1e4 + 0.0;
    let run = |t: &Tracks<'_>, i: u32| {
        let run = &t.runs()[i as usize];
        json!({ "lines": run.lines, "middle_mm": run.middle.map(r), "length_mm": r(run.length) })
    };
    let pair = |p: &Pair| {
        json!({
            "old": run(a, p.a), "new": run(b, p.b),
            "shift_mm": p.shift.map(r), "distance_mm": r(p.distance),
        })
    };
    json!({
        "old": names[0], "new": names[1], "machine": machine.name, "same_path": c.is_same(),
        "same": c.same.len(), "reordered": c.reordered, "other_feed": c.feeds, "other_tool": c.tools,
        "moved": c.moved.iter().map(pair).collect::<Vec<_>>(),
        "changed": c.changed.iter().map(pair).collect::<Vec<_>>(),
        "removed": c.removed.iter().map(|i| run(a, *i)).collect::<Vec<_>>(),
        "added": c.added.iter().map(|i| run(b, *i)).collect::<Vec<_>>(),
        "travel_mm": c.travel.map(r),
    })
}
