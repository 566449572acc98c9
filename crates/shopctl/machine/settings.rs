//! `shopctl machine backup`, `diff` and `restore`: the settings a controller keeps.
//!
//! The file is TOML: who it was, and a list of names and values in the controller's own order. Settings are written one at
//! a time, alone on the wire, and each is read back.

use super::live::{Ended, Live, SOON, usage, with};
use super::status::broken;
use crate::exit;
use crate::output;
use crate::send::WireArgs;
use crate::send::connect::protocol_name;
use crate::send::outcome::Outcome;
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use shop_controller::codes;
use shop_controller::session::{Event, Protocol};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a setting may take to be written and read back.
const WRITTEN: Duration = Duration::from_secs(15);

/// From the controller to a file.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// File to write, - for standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    wire: WireArgs,
}

/// The file against the controller.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// File of `shopctl machine backup`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wire: WireArgs,
}

/// From a file to the controller.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// File of `shopctl machine backup`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
    /// Restore although the file is of another kind of controller
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    wire: WireArgs,
}

/// The file, as it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    firmware: String,
    protocol: String,
    settings: Vec<(String, String)>,
}

fn read(file: &Path) -> Result<Kept, Outcome> {
    let wrong = |why: String| Outcome::other(exit::INPUT, "input", format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
    let kept: Kept = toml::from_str(&text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
    let sound = |t: &str| t.bytes().all(|b| (b' '..=b'~').contains(&b) && !b"!?~".contains(&b));
    for (name, value) in &kept.settings {
        if !(name.starts_with('$') || name.starts_with('M')) || !sound(name) || !sound(value) {
            return Err(wrong(format!("`{name}` = `{value}` is no setting")));
        }
    }
    Ok(kept)
}

fn write(live: &Live, settings: &[(String, String)]) -> String {
    let quoted = |s: &str| toml::Value::String(s.to_owned()).to_string();
    let identity = &live.link.identity;
    let mut out = format!(
        "# Settings of a controller. `shopctl machine diff` compares it with them, `restore` writes them back.\n\
         firmware = {}\nprotocol = {}\n\nsettings = [\n",
        quoted(&identity.firmware),
        quoted(protocol_name(live.protocol())),
    );
    for (name, value) in settings {
        let pair = format!("  [{}, {}],", quoted(name), quoted(value));
        let _ = match codes::setting(live.protocol(), name) {
            Some(what) => writeln!(out, "{pair:<32} # {what}"),
            None => writeln!(out, "{pair}"),
        };
    }
    out + "]\n"
}

/// Returns what can be kept and written back: all of GRBL's, and of Marlin's what is stored by M500.
fn current(live: &mut Live) -> Result<Vec<(String, String)>, Outcome> {
    let mut settings = list(live)?;
    if live.protocol().is_numbered() {
        settings
            .retain(|(name, _)| name.starts_with('M') && !matches!(name.as_str(), "M149" | "M82" | "M83"));
    } else if live.protocol().is_counted() {
        // Start-up lines are settings, too.
        let now = live.link.drive.now();
        live.link.drive.session.command(now, b"$N");
        let lines = live.wait(SOON, collector())?.unwrap_or_default();
        settings.extend(lines);
    }
    Ok(settings)
}

fn list(live: &mut Live) -> Result<Vec<(String, String)>, Outcome> {
    let now = live.link.drive.now();
    live.link.drive.session.read_settings(now);
    let found = live.wait(WRITTEN, collector())?;
    found.ok_or_else(|| {
        Outcome::other(exit::SILENT, "silent", "the controller does not list its settings".into())
    })
}

/// Collects settings until they were all listed; a refusal counts as none.
fn collector() -> impl FnMut(&mut Live, &Event) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    move |_, event| match event {
        Event::Setting(name, value) => {
            found.push((name.clone(), value.clone()));
            None
        }
        Event::Answered { .. } | Event::SettingsEnd => Some(std::mem::take(&mut found)),
        _ => None,
    }
}

/// Runs `backup`.
pub fn backup(args: &BackupArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    with(&args.wire, false, |live| {
        let settings = current(live)?;
        let text = write(live, &settings);
        if args.output.as_os_str() == "-" {
            out.write_all(text.as_bytes()).map_err(|e| broken(&e))?;
        } else {
            output::write_whole(&args.output, text.as_bytes())
                .map_err(|e| Outcome::other(exit::INTERNAL, "internal", format!("{e:#}")))?;
            eprintln!("{} settings of {} written", settings.len(), live.link.identity.firmware);
        }
        Ok(exit::DONE)
    })
}

/// A setting that is not as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    name: String,
    kept: Option<String>,
    found: Option<String>,
}

/// Values as numbers where they are numbers: `500` and `500.000` are the same.
fn same(a: &str, b: &str) -> bool {
    let words = |t: &str| t.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let one = |a: &str, b: &str| {
        let letters = a.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(a.len());
        let number = |t: &str| t.get(letters..)?.parse::<f64>().ok();
        let alike = a.get(..letters) == b.get(..letters);
        a == b || alike && number(a).zip(number(b)).is_some_and(|(a, b)| (a - b).abs() < 5e-4)
    };
    let (a, b) = (words(a), words(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| one(a, b))
}

fn differences(kept: &[(String, String)], found: &[(String, String)]) -> Vec<Difference> {
    let mut left: Vec<&(String, String)> = found.iter().collect();
    let mut out = Vec::new();
    for (name, value) in kept {
        // A name may stand several times (one for each extruder): the one that fits first.
        let by_name = |(n, _): &&(String, String)| n == name;
        let fits = left.iter().position(|s| by_name(s) && same(&s.1, value));
        let Some(at) = fits.or_else(|| left.iter().position(by_name)) else {
            out.push(Difference { name: name.clone(), kept: Some(value.clone()), found: None });
            continue;
        };
        let (_, now) = left.remove(at);
        if !same(now, value) {
            out.push(Difference { name: name.clone(), kept: Some(value.clone()), found: Some(now.clone()) });
        }
    }
    let more = left.into_iter().map(|(name, value)| Difference {
        name: name.clone(),
        kept: None,
        found: Some(value.clone()),
    });
    out.extend(more);
    out
}

fn table(protocol: Protocol, list: &[Difference]) -> String {
    let dash = |v: &Option<String>| v.clone().unwrap_or_else(|| "-".into());
    let mut rows = vec![["SETTING", "FILE", "CONTROLLER", "WHAT"].map(str::to_owned)];
    rows.extend(list.iter().map(|d| {
        let what = codes::setting(protocol, &d.name).unwrap_or_default().to_owned();
        [d.name.clone(), dash(&d.kept), dash(&d.found), what]
    }));
    super::table(&rows)
}

/// Runs `diff`: exit code 4 when something differs.
pub fn diff(args: &DiffArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let kept = match read(&args.file) {
        Ok(kept) => kept,
        Err(outcome) => return Ok(super::live::tell(&outcome)),
    };
    with(&args.wire, false, |live| {
        let list = differences(&kept.settings, &current(live)?);
        let text = if args.json {
            let list: Vec<_> = list
                .iter()
                .map(|d| json!({ "name": d.name, "file": d.kept, "controller": d.found }))
                .collect();
            format!("{:#}\n", serde_json::Value::Array(list))
        } else if list.is_empty() {
            "nothing differs\n".into()
        } else {
            table(live.protocol(), &list)
        };
        out.write_all(text.as_bytes()).map_err(|e| broken(&e))?;
        Ok(if list.is_empty() { exit::DONE } else { exit::CHECK })
    })
}

/// Runs `restore`.
pub fn restore(args: &RestoreArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let kept = match read(&args.file) {
        Ok(kept) => kept,
        Err(outcome) => return Ok(super::live::tell(&outcome)),
    };
    with(&args.wire, false, |live| {
        let theirs = protocol_name(live.protocol());
        if kept.protocol != theirs && !args.force {
            let text =
                format!("the file is of {} ({}), the controller is {theirs}", kept.firmware, kept.protocol);
            let hint = "numbers may mean other things; --force restores all the same";
            return Err(Outcome { hint: Some(hint.into()), ..usage(text) });
        }
        let mut list = differences(&kept.settings, &current(live)?);
        list.retain(|d| d.kept.is_some());
        // Soft limits are refused while homing is off, and go off with it.
        list.sort_by_key(|d| d.name != "$22");
        let text =
            if list.is_empty() { "nothing to restore\n".into() } else { table(live.protocol(), &list) };
        out.write_all(text.as_bytes()).map_err(|e| broken(&e))?;
        if args.dry_run || list.is_empty() {
            return Ok(exit::DONE);
        }
        write_all(live, &list)
    })
}

fn write_all(live: &mut Live, list: &[Difference]) -> Ended {
    for (done, difference) in list.iter().enumerate() {
        let Some(value) = &difference.kept else { continue };
        let written = write_one(live, &difference.name, value);
        if let Err(end) = written {
            let so_far = format!("{} ({done} of {} settings were written)", end.text, list.len());
            return Err(Outcome { text: so_far, ..end });
        }
    }
    if live.protocol() == Protocol::Marlin {
        live.ask("M500", SOON)?;
    }
    eprintln!("{} settings written and read back", list.len());
    Ok(exit::DONE)
}

/// Writes a setting and reads it back.
fn write_one(live: &mut Live, name: &str, value: &str) -> Result<(), Outcome> {
    if name.starts_with("$N") {
        // Start-up lines are listed by a command of their own.
        live.ask(&format!("{name}={value}"), WRITTEN)?;
        let now = live.link.drive.now();
        live.link.drive.session.command(now, b"$N");
        let lines = live.wait(SOON, collector())?.unwrap_or_default();
        let found = lines.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
        let plain = |t: &str| t.replace(' ', "").to_uppercase();
        return if plain(&found) == plain(value) { Ok(()) } else { Err(other(name, value, &found)) };
    }
    let now = live.link.drive.now();
    live.link.drive.session.write_setting(now, name, value);
    let mut refused = None;
    let written = live.wait(WRITTEN, |_, event| match event {
        Event::Answered { refused: Some((code, said)), .. } => {
            refused = Some((*code, said.clone()));
            None
        }
        Event::Written(_, found, right) => Some((found.clone(), *right)),
        _ => None,
    })?;
    match (refused, written) {
        (Some((code, said)), _) => {
            let meaning = code.and_then(|c| codes::find(live.protocol(), codes::Kind::Error, c));
            let meaning = meaning.map_or(said, |c| format!("{}; {}", c.meaning, c.advice));
            Err(Outcome::other(exit::REFUSED, "refused", format!("{name}={value} was refused: {meaning}")))
        }
        (None, Some((_, true))) => Ok(()),
        (None, Some((found, false))) => Err(other(name, value, &found)),
        (None, None) => Err(Outcome::other(exit::SILENT, "silent", format!("{name} was not answered"))),
    }
}

fn other(name: &str, wanted: &str, found: &str) -> Outcome {
    let text = format!("{name} was set to `{wanted}`, and the controller holds `{found}`");
    Outcome::other(exit::UNSURE, "unsure", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(same("500", "500.000") && same("X80.00 Y80", "X80 Y80.000") && same("G21", "G21"));
        assert!(!same("500", "501") && !same("X80", "Y80") && !same("1", "1 2") && !same("", "1"));
    }

    #[test]
    fn differences_are_found_whichever_side_lacks_something() {
        let kept = list(&[("$0", "10"), ("$110", "500"), ("$9", "1"), ("M301", "P1"), ("M301", "P2")]);
        let found = list(&[("$0", "10.0"), ("$110", "600"), ("$7", "1"), ("M301", "P2"), ("M301", "P1")]);
        let names: Vec<String> = differences(&kept, &found).into_iter().map(|d| d.name).collect();
        assert_eq!(names, ["$110", "$9", "$7"]);
    }
}
