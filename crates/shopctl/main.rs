//! The command.
mod folders;
mod machine;
mod manual;
mod profile;
mod report;

use clap::Parser;

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
    Machine(machine::MachineArgs),
}

fn main() -> anyhow::Result<std::process::ExitCode> {
    let cli = Cli::parse();
    let folders = folders::Folders::of_this_user();
    let Verb::Machine(args) = &cli.verb;
    let code = machine::run(args, &folders, cli.color, &mut std::io::stdout(), &mut std::io::stderr())?;
    Ok(code.into())
}
