//! The command as a person runs it who has a folder, settings and jobs of their own, and nothing else on the computer.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Returns the command, ready to be run in `home`; it reads nothing unless it is given something.
pub fn command(home: impl AsRef<Path>, args: &[&str]) -> Command {
    let home = home.as_ref();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shopctl"));
    command
        .args(args)
        .current_dir(home)
        .env("SHOPCTL_CONFIG_DIR", home.join("settings"))
        .env("SHOPCTL_STATE_DIR", home.join("state"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// Runs it and waits for its end.
pub fn shopctl(home: impl AsRef<Path>, args: &[&str]) -> Output {
    // Whoever gives the folder away keeps it until the end.
    command(home.as_ref(), args).output().expect("the command was built")
}
