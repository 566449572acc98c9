//! The command: flags, files, terminal and exit codes. The only place where the thinking crates meet the world.

mod check;
mod cut;
mod diff;
mod estimate;
mod exit;
mod explain;
mod fmt;
mod folders;
mod guess;
mod info;
mod input;
mod inspect;
mod machine;
mod manual;
mod output;
mod post;
mod preview;
mod print;
mod profile;
mod program;
mod report;
mod send;
mod setup;
mod small;
mod ticker;

use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// From an open design file to a machine that moves: plan, prove, write
#[derive(Parser, Debug)]
#[command(name = "shopctl", version, propagate_version = true, max_term_width = 100, disable_help_subcommand = true, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Cut(Box<cut::CutArgs>),
    #[command(visible_alias = "slice")]
    Print(Box<print::PrintArgs>),
    Check(check::CheckArgs),
    Estimate(estimate::EstimateArgs),
    Preview(preview::PreviewArgs),
    Post(post::PostArgs),
    Fmt(fmt::FmtArgs),
    Diff(diff::DiffArgs),
    Send(Box<send::SendArgs>),
    Resume(Box<send::resume::ResumeArgs>),
    Info(inspect::InfoArgs),
    Machine(machine::MachineArgs),
    /// Explain a diagnostic code, e.g. proof/gouge
    Explain {
        /// The code; without one, all are listed
        code: Option<String>,
        /// Report as JSON on standard output
        #[arg(long)]
        json: bool,
    },
    /// Print a completion script
    #[command(hide = true)]
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print this message or the help of a verb
    #[command(hide = true)]
    Help {
        /// The verb
        verb: Option<String>,
    },
    /// Write manual pages
    #[command(hide = true)]
    Man {
        /// Folder to write them to
        folder: PathBuf,
    },
}

/// Small pieces are made on all cores and freed on others; the system's allocator keeps a heap for each and hands nothing
/// from one to the other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Gives freed pages back at once: a stage's memory is the next stage's. Without it a sheet of 100,000 shapes takes half
/// as much again.
fn keep_memory_low() {
    /// `mi_option_purge_delay` of mimalloc.h, ms.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: sets one number inside the allocator, before any thread is started.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) };
}

fn main() -> ExitCode {
    small::begin();
    keep_memory_low();
    // A panic is a fault of ours and must look like one to scripts, not like exit code 101.
    let ended = std::panic::catch_unwind(|| run(Cli::parse()));
    match ended {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            // A closed pipe is how `| head` ends; nobody needs a message.
            let pipe = error.chain().any(|e| {
                e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
            });
            if !pipe {
                eprintln!("error: {error:#}");
            }
            let code =
                error.chain().find_map(|e| e.downcast_ref::<Refusal>()).map_or(exit::INTERNAL, |r| r.code);
            ExitCode::from(code)
        }
        Err(_) => {
            eprintln!(
                "error: internal fault; nothing was written. Please report it with the file that shows it."
            );
            ExitCode::from(exit::INTERNAL)
        }
    }
}

/// Marks an error with the exit code it ends in.
#[derive(Debug)]
pub struct Refusal {
    /// One of [`exit`].
    pub code: u8,
    /// What to say.
    pub message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// Prints the help of a verb, or of all.
fn help(verb: Option<&str>) -> anyhow::Result<u8> {
    let mut all = Cli::command();
    let of = match verb {
        None => &mut all,
        Some(name) => all.find_subcommand_mut(name).ok_or_else(|| Refusal {
            code: exit::USAGE,
            message: format!("there is no verb {name}; shopctl --help lists them"),
        })?,
    };
    of.print_long_help()?;
    Ok(exit::DONE)
}

fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.verb {
        Verb::Cut(args) => {
            if let Some(n) = args.threads {
                rayon::ThreadPoolBuilder::new().num_threads(n.into()).build_global()?;
            }
            cut::run(&args)
        }
        Verb::Print(args) => print::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Estimate(args) => estimate::run(&args),
        Verb::Preview(args) => preview::run(&args),
        Verb::Post(args) => post::run(&args),
        Verb::Fmt(args) => fmt::run(&args),
        Verb::Diff(args) => diff::run(&args),
        Verb::Send(args) => {
            small::forget_code();
            send::run(&args)
        }
        Verb::Resume(args) => send::resume::run(&args),
        Verb::Info(args) => inspect::run(&args),
        Verb::Machine(args) => {
            let folders = folders::Folders::of_this_user();
            let (mut out, mut talk) = (std::io::stdout().lock(), std::io::stderr().lock());
            machine::run(&args, &folders, report::Colour::Auto, &mut out, &mut talk)
        }
        Verb::Help { verb } => help(verb.as_deref()),
        Verb::Explain { code, json } => match explain::run(code.as_deref(), json) {
            Ok(text) => {
                output::write_whole("-".as_ref(), text.as_bytes())?;
                Ok(exit::DONE)
            }
            Err(finding) => {
                let style = report::Style::for_stderr(report::Colour::Auto);
                eprint!("{}", report::render(&[finding], &report::Sources::new(), style));
                Ok(exit::USAGE)
            }
        },
        Verb::Completions { shell } => {
            let text = manual::completions(shell, &mut Cli::command());
            output::write_whole("-".as_ref(), text.as_bytes())?;
            Ok(exit::DONE)
        }
        Verb::Man { folder } => {
            std::fs::create_dir_all(&folder)?;
            for (name, page) in manual::man_pages(Cli::command()) {
                output::write_whole(&folder.join(name), &page)?;
            }
            Ok(exit::DONE)
        }
    }
}
