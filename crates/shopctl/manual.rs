//! Shell completions and manual pages, made from the command itself so that they never lag behind it.

use clap::Command;
use clap_complete::Shell;

/// Returns the completion script of a shell.
pub fn completions(shell: Shell, command: &mut Command) -> String {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the manual pages of the command and of every verb below it, each with its file name, e.g.
/// `shopctl-machine-list.1`, in the order of names.
pub fn man_pages(command: Command) -> Vec<(String, Vec<u8>)> {
    let mut pages = Vec::new();
    let name = command.get_name().to_owned();
    // No date: the same version makes the same bytes.
    let version = command.get_version().unwrap_or_default().to_owned();
    collect(command.disable_help_subcommand(true), &name, &version, &mut pages);
    pages.sort();
    pages
}

fn collect(command: Command, name: &str, version: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    for verb in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        let name = format!("{name}-{}", verb.get_name());
        let verb = verb.clone().disable_help_subcommand(true);
        collect(verb, &name, version, pages);
    }
    let title = name.to_owned();
    let page = clap_mangen::Man::new(command.name(title)).date("").source(format!("shopctl {version}"));
    let mut bytes = Vec::new();
    page.render(&mut bytes).expect("writing to memory does not fail");
    pages.push((format!("{name}.1"), bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let list = Command::new("list").about("List the machines there are");
        let secret = Command::new("debug").hide(true);
        let machine = Command::new("machine").about("Machines").subcommand(list).subcommand(secret);
        Command::new("shopctl").version("1.2.3").about("Does it").subcommand(machine)
    }

    #[test]
    fn every_verb_has_its_page() {
        let pages = man_pages(command());
        let names: Vec<&str> = pages.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["shopctl-machine-list.1", "shopctl-machine.1", "shopctl.1"]);
        let text = String::from_utf8_lossy(&pages[0].1);
        assert!(text.contains("List the machines there are") && text.contains("shopctl 1.2.3"), "{text}");
        assert_eq!(man_pages(command()), pages, "the same bytes every time");
    }

    #[test]
    fn every_shell_completes_the_verbs() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            assert!(completions(shell, &mut command()).contains("machine"), "{shell}");
        }
    }
}
