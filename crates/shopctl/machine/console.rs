//! `shopctl machine console`: a conversation with the controller, line by line, its numbers explained.
//!
//! On a terminal one types with a line editor and sees what the controller says in between; from a pipe each line is sent
//! when the one before was answered, and the first refusal ends it.

use super::editor::{Editor, Typed};
use super::live::{Ended, Live, SOON, with};
use super::status::{broken, in_a_line};
use crate::exit;
use crate::send::WireArgs;
use crate::send::outcome::Outcome;
use crate::{folders, output};
use clap::Args;
use shop_controller::codes;
use shop_controller::session::{Event, Protocol, wire};
use std::io::{BufRead as _, IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::Duration;

/// What the keys do.
pub const HELP: &str = "\
On a line of their own: ? tells the state, ! holds, ~ goes on. Ctrl-X resets the controller, Ctrl-C cancels a move by
hand, or holds; Ctrl-D or `exit` ends. Arrows, Home, End and Ctrl-A E K U W edit; up and down go through what was typed before.
From a pipe, lines are sent one at a time, and the first that is refused ends it with exit code 5.";

/// What is printed before what one types.
const PROMPT: &str = "> ";
/// How long a line from a pipe may take: it may home, heat or move far.
const PATIENCE: Duration = Duration::from_mins(30);

/// Which machine.
#[derive(Args, Clone, Debug)]
pub struct ConsoleArgs {
    #[command(flatten)]
    wire: WireArgs,
}

/// Runs the verb.
pub fn run(args: &ConsoleArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    with(&args.wire, false, |live| {
        eprintln!("{} on {}", live.firmware(), live.link.place);
        if std::io::stdin().is_terminal() && cfg!(unix) { by_hand(live, out) } else { from_pipe(live, out) }
    })
}

/// Sends what comes from a pipe, line by line.
fn from_pipe(live: &mut Live, out: &mut dyn Write) -> Ended {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| Outcome::other(exit::INPUT, "input", format!("failed to read: {e}")))?;
        match do_line(live, &line, out)? {
            Next::Wait => {
                let refused = live.wait(PATIENCE, |live, event| {
                    if let Some(text) = told(live.protocol(), event) {
                        // A reader that has gone is seen at the next line.
                        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
                    }
                    match event {
                        Event::Answered { refused, .. } => Some(refused.is_some()),
                        Event::SettingsEnd => Some(false),
                        _ => None,
                    }
                })?;
                match refused {
                    Some(true) => return Ok(exit::REFUSED),
                    Some(false) => {}
                    None => {
                        let text = format!("`{line}` was not answered");
                        return Err(Outcome::other(exit::SILENT, "silent", text));
                    }
                }
            }
            Next::Go => {}
            Next::End => break,
            Next::Refused => return Ok(exit::INPUT),
        }
    }
    Ok(exit::DONE)
}

/// What a line leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It was sent, and will be answered.
    Wait,
    /// Nothing to wait for.
    Go,
    /// The conversation ends.
    End,
    /// It cannot be sent.
    Refused,
}

/// Carries a typed line out.
fn do_line(live: &mut Live, line: &str, out: &mut dyn Write) -> Result<Next, Outcome> {
    let now = live.link.drive.now();
    let realtime = live.protocol().is_realtime();
    match line.trim() {
        "" => return Ok(Next::Go),
        "exit" | "quit" => return Ok(Next::End),
        "?" => {
            let text = in_a_line(&live.look()?);
            writeln!(out, "{text}").map_err(|e| broken(&e))?;
            return Ok(Next::Go);
        }
        "!" if realtime => {
            live.link.drive.session.hold(now);
            return Ok(Next::Go);
        }
        "~" if realtime => {
            live.link.drive.session.resume(now);
            return Ok(Next::Go);
        }
        _ => {}
    }
    match wire::clean(line.as_bytes(), live.protocol()) {
        Ok(Some(text)) => {
            live.link.drive.session.command(now, &text);
            Ok(Next::Wait)
        }
        Ok(None) => Ok(Next::Go),
        Err(unclean) => {
            eprintln!("error: not sent: {unclean}");
            Ok(Next::Refused)
        }
    }
}

/// Returns an event as people read it, if they care.
fn told(protocol: Protocol, event: &Event) -> Option<String> {
    match event {
        Event::Message(text) if text.starts_with("ALARM") => {
            let meaning = codes::decode(protocol, text).map(|d| format!("\n    {}; {}", d.meaning, d.advice));
            Some(text.clone() + &meaning.unwrap_or_default())
        }
        Event::Message(text) => Some(text.clone()),
        Event::Setting(name, value) => {
            let equals = if protocol.is_numbered() { ' ' } else { '=' };
            let line = format!("{name}{equals}{value}");
            Some(match codes::setting(protocol, name) {
                Some(what) => format!("{line:<20} {what}"),
                None => line,
            })
        }
        Event::Answered { refused: None, .. } => Some("ok".into()),
        Event::Answered { refused: Some((code, said)), .. } => {
            let meaning = code
                .and_then(|c| codes::find(protocol, codes::Kind::Error, c))
                .map(|c| format!("\n    {}; {}", c.meaning, c.advice));
            Some(said.clone() + &meaning.unwrap_or_default())
        }
        Event::Status(status) if protocol.is_numbered() => Some(in_a_line(status)),
        Event::Held { why, .. } => Some(format!("(held: {why})")),
        Event::Resumed => Some("(goes on)".into()),
        _ => None,
    }
}

fn history_file() -> Option<PathBuf> {
    folders::state().map(|folder| folder.join("console-history"))
}

/// A person types.
fn by_hand(live: &mut Live, out: &mut dyn Write) -> Ended {
    let remembered = history_file().and_then(|f| std::fs::read_to_string(f).ok()).unwrap_or_default();
    let mut editor = Editor::with_history(remembered.lines().map(str::to_owned));
    let mut keys = Keys::open(live).map_err(|e| broken(&e))?;
    let ended = talk(live, &mut editor, &mut keys, out);
    drop(keys);
    let _ = writeln!(out);
    if let Some(file) = history_file() {
        // What was typed is a comfort, not a product.
        let _ = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let _ = output::write_whole(&file, (editor.history().join("\n") + "\n").as_bytes());
    }
    ended
}

fn talk(live: &mut Live, editor: &mut Editor, keys: &mut Keys, out: &mut dyn Write) -> Ended {
    draw(editor, out)?;
    loop {
        let mut texts = Vec::new();
        for event in live.turn(SOON)? {
            texts.extend(told(live.protocol(), &event));
        }
        if live.operator.interrupted() {
            let now = live.link.drive.now();
            live.link.drive.session.jog_cancel(now);
            live.link.drive.session.hold(now);
            texts.push("(held; ~ goes on, Ctrl-X resets, Ctrl-D ends)".into());
        }
        for text in texts {
            write!(out, "\r\x1b[K{text}\r\n").map_err(|e| broken(&e))?;
        }
        for typed in editor.feed(&keys.pressed()) {
            match typed {
                Typed::Line(line) => {
                    write!(out, "\r\x1b[K{PROMPT}{line}\r\n").map_err(|e| broken(&e))?;
                    if do_line(live, &line, out)? == Next::End {
                        return Ok(exit::DONE);
                    }
                }
                Typed::Reset => {
                    let now = live.link.drive.now();
                    live.link.drive.session.reset(now);
                    write!(out, "\r\x1b[K(reset)\r\n").map_err(|e| broken(&e))?;
                }
                Typed::End => return Ok(exit::DONE),
                Typed::Redraw => write!(out, "\x1b[H\x1b[2J").map_err(|e| broken(&e))?,
            }
        }
        draw(editor, out)?;
    }
}

/// Draws the line being typed anew, with the cursor where it is.
fn draw(editor: &Editor, out: &mut dyn Write) -> Result<(), Outcome> {
    let (text, cursor) = editor.view();
    let back = text.len() - cursor;
    let place = if back > 0 { format!("\x1b[{back}D") } else { String::new() };
    write!(out, "\r\x1b[K{PROMPT}{text}{place}").and_then(|()| out.flush()).map_err(|e| broken(&e))
}

#[cfg(unix)]
use unix::Keys;

#[cfg(unix)]
mod unix {
    //! The keyboard of a terminal, byte by byte.

    use super::Live;
    use rustix::termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };
    use std::io;
    use std::os::fd::{AsFd as _, OwnedFd};

    /// Gives bytes until it is dropped. Ctrl-C stays a signal.
    pub struct Keys {
        fd: OwnedFd,
        usual: Termios,
    }

    impl Keys {
        /// Takes the terminal.
        pub fn open(live: &mut Live) -> io::Result<Keys> {
            let fd = io::stdin().as_fd().try_clone_to_owned()?;
            let usual = tcgetattr(&fd)?;
            let mut modes = usual.clone();
            modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
            modes.input_modes.remove(InputModes::ICRNL | InputModes::IXON);
            modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
            modes.special_codes[SpecialCodeIndex::VMIN] = 0;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(&fd, OptionalActions::Now, &modes)?;
            live.link.drive.bell.watch(Some(fd.try_clone()?));
            Ok(Keys { fd, usual })
        }

        /// Returns what was typed. With VMIN 0 a read does not wait.
        pub fn pressed(&mut self) -> Vec<u8> {
            let mut bytes = [0; 256];
            rustix::io::read(&self.fd, &mut bytes).map_or_else(|_| Vec::new(), |n| bytes[..n].to_vec())
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            let _ = tcsetattr(&self.fd, OptionalActions::Now, &self.usual);
        }
    }
}

/// Where terminals cannot be read byte by byte, lines come as from a pipe.
#[cfg(not(unix))]
struct Keys;

#[cfg(not(unix))]
impl Keys {
    fn open(_live: &mut Live) -> std::io::Result<Keys> {
        Ok(Keys)
    }

    fn pressed(&mut self) -> Vec<u8> {
        Vec::new()
    }
}
