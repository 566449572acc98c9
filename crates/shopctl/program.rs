//! Programs of any origin: their bytes, the machine they are for, and one pass over their commands.

mod parts;

pub use parts::{Watch, pass_in_parts};

use crate::folders::Folders;
use crate::report::{self, Sources, Style};
use crate::{Refusal, exit, guess, profile};
use anyhow::{Context as _, Result};
use shop_cam::canon::{Command, Role};
use shop_cam::machine::Machine;
use shop_gcode::library::{self, Subprogram};
use shop_gcode::{Context, Step};
use shop_report::Diagnostic;
use std::io::Read as _;
use std::ops::Deref;
use std::path::Path;
use std::sync::mpsc;

/// Larger programs are refused: places in them are 32-bit.
pub const LARGEST: u64 = u32::MAX as u64;

/// The bytes of a program: mapped from its file, or read from standard input.
#[derive(Debug)]
pub enum Bytes {
    /// A file; its pages come and go as the system likes and count as nobody's memory.
    Mapped(memmap2::Mmap),
    /// What was read.
    Read(Vec<u8>),
}

impl Bytes {
    /// Takes the pages of everything before `end` out of this process: a long pass does not fill memory with what it
    /// is through with. They come back by themselves when looked at again.
    #[cfg(unix)]
    pub fn forget(&self, end: usize) {
        /// The system's largest usual page; ranges must begin at one.
        const PAGE: usize = 1 << 16;
        if let Bytes::Mapped(map) = self {
            let whole = end / PAGE * PAGE;
            // SAFETY: nobody writes to the map, so what is read again is what was there.
            let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, 0, whole) };
        }
    }

    /// Does nothing where the system has no such call.
    #[cfg(not(unix))]
    pub fn forget(&self, _end: usize) {}

    /// Takes the whole pages of a range out of this process, as [`Bytes::forget`] does.
    #[cfg(unix)]
    pub fn forget_range(&self, range: std::ops::Range<usize>) {
        const PAGE: usize = 1 << 16;
        if let Bytes::Mapped(map) = self {
            let (from, to) = (range.start.next_multiple_of(PAGE), range.end.min(map.len()) / PAGE * PAGE);
            if from < to {
                // SAFETY: as above.
                let _ = unsafe {
                    map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, from, to - from)
                };
            }
        }
    }

    /// Does nothing where the system has no such call.
    #[cfg(not(unix))]
    pub fn forget_range(&self, _range: std::ops::Range<usize>) {}
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Read(bytes) => bytes,
        }
    }
}

/// Opens a program (`-`: standard input). Errors are about the world: absent, unreadable, too large.
pub fn open(path: &Path) -> Result<Bytes> {
    let failed = || format!("failed to read {}", path.display());
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes).with_context(failed)?;
        return Ok(Bytes::Read(bytes));
    }
    let mut file = std::fs::File::open(path).with_context(failed)?;
    let meta = file.metadata().with_context(failed)?;
    anyhow::ensure!(!meta.is_dir(), "failed to read {}: it is a folder", path.display());
    anyhow::ensure!(meta.len() < LARGEST, "failed to read {}: larger than 4 GiB", path.display());
    if meta.is_file() && meta.len() > 0 {
        // SAFETY: the map is only read. Should another program shorten the file meanwhile, the system ends this one;
        // nothing is written before the whole program is through.
        let map = unsafe { memmap2::Mmap::map(&file) };
        if let Ok(map) = map {
            return Ok(Bytes::Mapped(map));
        }
    }
    let mut bytes = Vec::new();
    (&mut file).take(LARGEST).read_to_end(&mut bytes).with_context(failed)?;
    Ok(Bytes::Read(bytes))
}

/// Finds the machine: the flag, the user's default, or one that suits the program, said aloud.
pub fn machine(
    name: Option<&str>,
    first: &[u8],
    style: Style,
    notes: &mut Vec<Diagnostic>,
) -> Result<Machine> {
    let folders = Folders::of_this_user();
    let mut sources = Sources::new();
    let mut found = Vec::new();
    let defaults = profile::settings(&folders, &mut sources, &mut found);
    let name = name.map(str::to_owned).or(defaults.default_machine).unwrap_or_else(|| {
        let name = guess::machine(first);
        let hint = "say -m MACHINE (shopctl machine list), or set default_machine in your config.toml";
        let text = format!("no machine named; {name} assumed");
        notes.push(Diagnostic::info("check/machine-assumed", text).hint(hint));
        name.to_owned()
    });
    let loaded = profile::load(&name, &folders, &mut sources, &mut found);
    let Some(profile) = loaded.filter(|_| !profile::has_errors(&found)) else {
        eprint!("{}", report::render(&found, &sources, style));
        return Err(Refusal { code: exit::INPUT, message: format!("machine {name} cannot be used") }.into());
    };
    // Places in a profile mean nothing among those of programs.
    for d in &mut found {
        d.span = None;
    }
    notes.extend(found);
    Ok(profile.machine)
}

/// Returns what the words of a program mean on a machine; `path` is where it came from.
pub fn context(path: &Path, bytes: &[u8], machine: &Machine) -> Context {
    Context { subprograms: subprograms(path, bytes, machine), ..Context::of(machine) }
}

/// Most files of subprograms that one program may need.
const MOST_FILES: usize = 1000;
/// Larger files are no subprograms, bytes.
const LARGEST_FILE: u64 = 1 << 24;

/// Reads the files of subprograms that a program calls and that lie beside it. What is not there the interpreter will
/// miss aloud.
fn subprograms(path: &Path, bytes: &[u8], machine: &Machine) -> Vec<Subprogram> {
    let folder = path.parent().filter(|_| path != Path::new("-")).unwrap_or(Path::new(""));
    let mut found: Vec<Subprogram> = Vec::new();
    let mut asked = 0;
    loop {
        let names = library::missing(bytes, &found, machine.post.dialect);
        let before = found.len();
        for name in names {
            asked += 1;
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            if !plain || asked > MOST_FILES || found.len() >= MOST_FILES {
                continue;
            }
            let file = folder.join(format!("{name}.ngc"));
            let small = std::fs::metadata(&file).is_ok_and(|m| m.is_file() && m.len() <= LARGEST_FILE);
            if let Ok(text) = if small { std::fs::read(&file) } else { continue } {
                found.push(Subprogram { name, text });
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// What a pass tells of.
pub enum Seen<'a> {
    /// A section begins.
    Section(Role, &'a str),
    /// A command with its 1-based line.
    Command(&'a Command, u32),
}

/// Shorter programs are not worth a second thread.
const WORTH_A_THREAD: usize = 1 << 20;
/// Commands handed over at a time, and how many such batches may wait.
const BATCH: usize = 2048;
const WAITING: usize = 8;

/// Runs the interpreter over a program; returns what it has to say. Memory does not grow with the program. A long
/// program is read on a thread of its own while `see` looks at what was read before; the order is the same.
pub fn pass(bytes: &[u8], context: &Context, mut see: impl FnMut(Seen<'_>)) -> Vec<Diagnostic> {
    let mut tell = |step: &Step, line: u32| see(seen(step, line));
    if bytes.len() < WORTH_A_THREAD {
        return shop_gcode::visit(bytes, context, |step, line| tell(&step, line));
    }
    side_by_side(|hand_on| shop_gcode::visit(bytes, context, hand_on), tell)
}

fn seen(step: &Step, line: u32) -> Seen<'_> {
    match step {
        Step::Command(command) => Seen::Command(command, line),
        Step::Section { role, label } => Seen::Section(*role, label),
    }
}

/// Runs `read` on a thread of its own and hands on to `tell` what it hands on, in order.
fn side_by_side<T: Send>(
    read: impl FnOnce(&mut dyn FnMut(Step, u32)) -> T + Send,
    mut tell: impl FnMut(&Step, u32),
) -> T {
    let (full, batches) = mpsc::sync_channel::<Vec<(Step, u32)>>(WAITING);
    let (done, empty) = mpsc::channel::<Vec<(Step, u32)>>();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let found = read(&mut |step, line| {
                batch.push((step, line));
                if batch.len() == BATCH {
                    let next = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
                    // Nobody listens any more only when the other side has fallen, which is told by its own panic.
                    let _ = full.send(std::mem::replace(&mut batch, next));
                }
            });
            let _ = full.send(batch);
            found
        });
        for mut batch in batches {
            for (step, line) in &batch {
                tell(step, *line);
            }
            batch.clear();
            let _ = done.send(batch);
        }
        reader.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn a_long_program_is_told_in_order() {
        let mut text = String::from("G21 G90\n");
        for i in 0..120_000 {
            writeln!(text, "G1 X{i} F600").expect("writing to a string cannot fail");
        }
        assert!(text.len() > WORTH_A_THREAD);
        let mut sources = Sources::new();
        let folders = Folders::of_this_user();
        let profile =
            profile::load("router-grbl", &folders, &mut sources, &mut Vec::new()).expect("built in");
        let (mut last, mut moves) = (0, 0);
        let found = pass(text.as_bytes(), &Context::of(&profile.machine), |seen| {
            let Seen::Command(command, line) = seen else { return };
            assert!(line >= last);
            last = line;
            if let Command::Line { to: [x, ..] } = command {
                assert_eq!(*x, f64::from(moves));
                moves += 1;
            }
        });
        assert_eq!((moves, last), (120_000, 120_001));
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["gcode/no-end"]);
    }
}
