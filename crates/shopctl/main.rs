//! The command.
#![allow(dead_code)]
mod explain;
mod folders;
mod machine;
mod manual;
mod profile;
mod report;

use clap::{CommandFactory as _, Parser};

/// One command from an open design file to a moving machine
#[derive(clap::Parser)]
#[command(name = "shopctl")]
struct Cli {
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t)]
    color: report::Colour,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// List, show and make machine profiles
    Machine(machine::MachineArgs),
    /// Explain a code
    Explain {
        /// Code, as in `error[CODE]`; all of them without one
        code: Option<String>,
    },
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man {
        /// Where to
        folder: std::path::PathBuf,
    },
}

fn main() -> anyhow::Result<std::process::ExitCode> {
    let cli = Cli::parse();
    let folders = folders::Folders::of_this_user();
    let code = match &cli.verb {
        Verb::Machine(args) => {
            machine::run(args, &folders, cli.color, &mut std::io::stdout(), &mut std::io::stderr())?
        }
        Verb::Explain { code } => match explain::run(code.as_deref()) {
            Ok(text) => {
                print!("{text}");
                0
            }
            Err(d) => {
                let style = report::Style::for_stderr(cli.color);
                eprint!("{}", report::render(&[d], &report::Sources::new(), style));
                3
            }
        },
        Verb::Completions { shell } => {
            print!("{}", manual::completions(*shell, &mut Cli::command()));
            0
        }
        Verb::Man { folder } => {
            for (name, page) in manual::man_pages(Cli::command()) {
                std::fs::write(folder.join(name), page)?;
            }
            0
        }
    };
    Ok(code.into())
}
