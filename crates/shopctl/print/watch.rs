//! `shopctl print --watch FOLDER`: every mesh that is put into a folder becomes a program beside it.
//!
//! A file counts as whole when its size and time stay the same from one look to the next, so that nothing is read while it
//! is still being copied. What is done needs no memory of its own: a mesh is done when a program, or a note about why there
//! is none, lies beside it and is not older. So a farm can be stopped and started at any time, and a mesh that is
//! replaced is printed anew. One bad file is told, in `NAME.failed.txt` too, and the next one is taken.

use super::{PrintArgs, named, one, stop};
use crate::report::Style;
use crate::{Refusal, exit, output};
use anyhow::{Result, bail};
use serde_json::Value;
use shop_cam::machine::Machine;
use shop_formats::mesh::Setting;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Time between two looks at the folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// In so many parts, so that a signal does not wait for it.
const NAPS: u32 = 10;

/// Size and time of a file.
type Stamp = (u64, SystemTime);

/// Looks after a folder until it is stopped; with `once` it ends when all that is there is done. Returns the exit code: that of the last
/// file that failed.
pub fn run(
    args: &PrintArgs,
    foreign: Option<&[Setting]>,
    folder: &Path,
    machine: &Machine,
    style: Style,
) -> Result<u8> {
    if !folder.is_dir() {
        let message = format!("{} is no folder", folder.display());
        bail!(Refusal { code: exit::USAGE, message });
    }
    let mut code = exit::DONE;
    let mut seen: BTreeMap<PathBuf, Stamp> = BTreeMap::new();
    if !args.quiet {
        eprintln!("watching {} for {}", folder.display(), machine.name);
    }
    loop {
        let now = meshes(folder);
        let mut waiting = 0;
        for (path, stamp) in &now {
            if is_done(path, stamp.1, machine) {
                continue;
            }
            if seen.get(path) != Some(stamp) {
                // New, or still growing.
                waiting += 1;
                continue;
            }
            let failed = make(args, foreign, path, machine, style);
            if failed != exit::DONE {
                code = failed;
            }
        }
        if args.once && waiting == 0 {
            return Ok(code);
        }
        seen = now;
        for _ in 0..NAPS {
            stop::obey();
            std::thread::sleep(LOOK_EVERY / NAPS);
        }
    }
}

/// Returns the meshes of a folder, by name.
fn meshes(folder: &Path) -> BTreeMap<PathBuf, Stamp> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    let mesh = |path: &Path| {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let hidden = path.file_name()?.to_str()?.starts_with('.');
        (!hidden && ["stl", "obj", "3mf", "amf"].contains(&ending.as_str())).then_some(())
    };
    let stamped = |path: PathBuf| {
        mesh(&path)?;
        let meta = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        Some((path, (meta.len(), meta.modified().ok()?)))
    };
    entries.filter_map(|e| stamped(e.ok()?.path())).collect()
}

/// Returns where the program of a mesh goes, and where it is told why there is none.
fn results(path: &Path, machine: &Machine) -> [PathBuf; 2] {
    let program = path.with_file_name(named(path, machine).file_name().unwrap_or_default());
    let mut failed = path.file_stem().unwrap_or_default().to_owned();
    failed.push(".failed.txt");
    [program, path.with_file_name(failed)]
}

fn is_done(path: &Path, made: SystemTime, machine: &Machine) -> bool {
    let newer = |p: &PathBuf| std::fs::metadata(p).and_then(|m| m.modified()).is_ok_and(|t| t >= made);
    results(path, machine).iter().any(newer)
}

/// Prints one mesh; whatever goes wrong, the watch goes on.
fn make(args: &PrintArgs, foreign: Option<&[Setting]>, path: &Path, machine: &Machine, style: Style) -> u8 {
    let [program, note] = results(path, machine);
    let inputs = [path.to_owned()];
    let work = || one(args, foreign, machine, &inputs, &program, style, Vec::new());
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    let (code, text, report) = match ended {
        Ok(Ok(run)) if run.code == exit::DONE => {
            let _ = std::fs::remove_file(&note);
            told(args, &run.report);
            return exit::DONE;
        }
        Ok(Ok(run)) => (run.code, complaints(&run.report), Some(run.report)),
        Ok(Err(error)) => {
            let code = error.downcast_ref::<Refusal>().map_or(exit::INTERNAL, |r| r.code);
            (code, format!("error: {error:#}\n"), None)
        }
        Err(_) => (exit::INTERNAL, "error: a fault of shopctl itself\n".to_owned(), None),
    };
    match report {
        Some(report) => told(args, &report),
        None => eprint!("{}: {text}", path.display()),
    }
    if let Err(error) = output::write_whole(&note, text.as_bytes()) {
        eprintln!("error: {error:#}");
    }
    code
}

/// One line of JSON for every program, where that is wanted.
fn told(args: &PrintArgs, report: &Value) {
    if args.json {
        println!("{report}");
    }
}

fn complaints(report: &Value) -> String {
    let lines = report["diagnostics"].as_array().into_iter().flatten().map(|d| {
        let word = |k: &str| d[k].as_str().unwrap_or_default().to_owned();
        let hint = d["hint"].as_str().map_or(String::new(), |h| format!("  hint: {h}\n"));
        format!("{}[{}]: {}\n{hint}", word("severity"), word("code"), word("message"))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_cam::machine::MachineKind;

    #[test]
    fn a_mesh_is_done_when_its_result_is_not_older() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::example(MachineKind::Printer);
        let mesh = folder.path().join("part.STL");
        std::fs::write(&mesh, "solid").unwrap();
        std::fs::write(folder.path().join(".hidden.stl"), "solid").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "").unwrap();
        let all = meshes(folder.path());
        assert_eq!(all.keys().collect::<Vec<_>>(), [&mesh]);
        let made = all[&mesh].1;
        assert!(!is_done(&mesh, made, &machine));
        let [program, failed] = results(&mesh, &machine);
        assert_eq!(program.file_name().unwrap(), "part.nc");
        std::fs::write(&failed, "").unwrap();
        assert!(is_done(&mesh, made, &machine));
        assert!(!is_done(&mesh, made + Duration::from_hours(1), &machine), "it was replaced since");
    }
}
