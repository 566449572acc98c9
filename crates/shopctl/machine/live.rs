//! A machine that answers: what every verb that talks to one has in common.

use crate::exit;
use crate::report::{self, Colour, Sources, Style};
use crate::send::connect::{self, Link, Wanted};
use crate::send::operator::Operator;
use crate::send::outcome::Outcome;
use crate::send::screen::Screen;
use crate::send::{self, WireArgs};
use anyhow::Context as _;
use shop_cam::machine::Machine;
use shop_controller::session::{Event, Failure, Options, Protocol, State, Status};
use shop_controller::transport::Bell;
use std::time::{Duration, Instant};

/// How often a person is looked for while nothing happens.
pub const GLANCE: Duration = Duration::from_millis(250);
/// How long an answer that needs no motion may take.
pub const SOON: Duration = Duration::from_secs(5);
/// How long a machine may be silent about its state.
const STATUS: Duration = Duration::from_secs(3);

/// A conversation with a machine, and who listens for the person at it.
pub struct Live {
    /// The wire and the session on it.
    pub link: Link,
    /// Signals, and keys where they are asked for.
    pub operator: Operator,
    /// The profile, if one was named.
    pub machine: Option<Machine>,
    /// What happened to the person's patience.
    interrupted: bool,
}

/// What a verb comes to: an exit code, or why not.
pub type Ended = Result<u8, Outcome>;

/// Opens the port and finds out who is there; then runs `verb`. Prints how it ended, if not well.
pub fn with(wire: &WireArgs, keys: bool, verb: impl FnOnce(&mut Live) -> Ended) -> anyhow::Result<u8> {
    let style = Style::for_stderr(Colour::Auto);
    let mut notes = Vec::new();
    let machine = send::named_machine(wire, style, &mut notes)?;
    eprint!("{}", report::render(&notes, &Sources::new(), style));
    let mut bell = Bell::new().context("failed to make a pipe")?;
    let operator = Operator::listen(&mut bell, keys).context("failed to listen for signals")?;
    let tap = wire.raw_log.as_deref().map(connect::raw_log).transpose()?;
    let live = wanted(wire, machine.as_ref()).and_then(|wanted| {
        let link = connect::connect(&wanted, bell, &operator, &mut Screen::new(false, true), tap)?;
        Ok(Live { link, operator, machine, interrupted: false })
    });
    let ended = live.and_then(|mut live| {
        let ended = verb(&mut live);
        // What was asked for last still leaves.
        let _ = live.link.drive.finish(Duration::from_millis(500));
        ended
    });
    Ok(ended.unwrap_or_else(|outcome| tell(&outcome)))
}

fn wanted(wire: &WireArgs, machine: Option<&Machine>) -> Result<Wanted, Outcome> {
    let controller = machine.map(|m| m.controller.clone()).unwrap_or_default();
    Ok(Wanted {
        address: connect::address(wire.port.as_deref(), controller.port.as_deref())?,
        baud: wire.baud.or(controller.baud).unwrap_or(send::BAUD),
        protocol: wire.protocol.protocol(),
        options: Options::default(),
        simulation: wire.simulation(),
    })
}

/// Prints how something ended; returns its exit code.
pub fn tell(outcome: &Outcome) -> u8 {
    if outcome.code == exit::DONE {
        eprintln!("{}", outcome.text);
    } else {
        eprintln!("error: {}", outcome.text);
        if let Some(hint) = &outcome.hint {
            eprintln!("  = hint: {hint}");
        }
    }
    outcome.code
}

/// Something a verb asks for makes no sense.
pub fn usage(text: impl Into<String>) -> Outcome {
    Outcome::other(exit::USAGE, "usage", text.into())
}

impl Live {
    /// Returns what the other end speaks.
    pub fn protocol(&self) -> Protocol {
        self.link.identity.protocol.unwrap_or(Protocol::Grbl)
    }

    /// Returns the name and version of the firmware.
    pub fn firmware(&self) -> String {
        self.link.firmware()
    }

    /// Returns what the machine last said of itself.
    pub fn status(&self) -> &Status {
        self.link.drive.session.status()
    }

    /// Lets the conversation go on for a moment; returns what was told.
    pub fn turn(&mut self, most: Duration) -> Result<Vec<Event>, Outcome> {
        let drive = &mut self.link.drive;
        if drive.turn(most).is_err() {
            drive.session.disconnected(drive.now());
        }
        let events: Vec<Event> = std::iter::from_fn(|| drive.session.next_event()).collect();
        for event in &events {
            if let Event::Failed(failure) = event {
                return Err(Outcome::of(failure, self.link.drive.session.protocol(), true));
            }
        }
        Ok(events)
    }

    /// Returns whether the person wants it to end; stays true.
    pub fn interrupted(&mut self) -> bool {
        self.interrupted |= self.operator.interrupted();
        self.interrupted
    }

    /// Waits until `done` finds what it waits for among the events. `None`: the time is over.
    pub fn wait<T>(
        &mut self,
        most: Duration,
        mut done: impl FnMut(&mut Live, &Event) -> Option<T>,
    ) -> Result<Option<T>, Outcome> {
        let end = Instant::now() + most;
        loop {
            if self.interrupted() {
                return Err(Outcome::of(&Failure::Stopped, Some(self.protocol()), false));
            }
            for event in self.turn(GLANCE.min(end.saturating_duration_since(Instant::now())))? {
                if let Some(found) = done(self, &event) {
                    return Ok(Some(found));
                }
            }
            if Instant::now() >= end {
                return Ok(None);
            }
        }
    }

    /// Sends a command and waits for its answer; returns what the controller said to it besides.
    pub fn ask(&mut self, text: &str, most: Duration) -> Result<Vec<String>, Outcome> {
        let now = self.link.drive.now();
        self.link.drive.session.command(now, text.as_bytes());
        self.answer(text, most)
    }

    /// Waits for the answer to what was asked for.
    pub fn answer(&mut self, text: &str, most: Duration) -> Result<Vec<String>, Outcome> {
        let mut said = Vec::new();
        let answered = self.wait(most, |_, event| match event {
            Event::Answered { text, refused } => Some(refused.clone().map(|r| (text.clone(), r))),
            Event::Message(text) => {
                said.push(text.clone());
                None
            }
            _ => None,
        })?;
        match answered {
            None => Err(Outcome::other(exit::SILENT, "silent", format!("`{text}` was not answered"))),
            Some(Some((text, (code, said)))) => Err(Outcome { hint: None, ..self.refusal(text, code, said) }),
            Some(None) => Ok(said),
        }
    }

    fn refusal(&self, text: String, code: Option<u32>, said: String) -> Outcome {
        let failure = if said.starts_with("ALARM") {
            Failure::Alarm { code, said }
        } else {
            Failure::Refused { line: 0, text, code, said }
        };
        Outcome::of(&failure, Some(self.protocol()), false)
    }

    /// Asks for the state and waits for it.
    pub fn look(&mut self) -> Result<Status, Outcome> {
        if self.protocol().is_numbered() {
            self.ask("M105", SOON)?;
            self.ask("M114", SOON)?;
            return Ok(self.status().clone());
        }
        let now = self.link.drive.now();
        self.link.drive.session.query_status(now);
        let status = self.wait(STATUS, |_, event| match event {
            Event::Status(status) => Some(status.clone()),
            _ => None,
        })?;
        status.ok_or_else(|| {
            Outcome::other(exit::SILENT, "silent", "the controller does not say its state".into())
        })
    }

    /// Waits until the machine stands still; `end` is when patience ends.
    pub fn rest(&mut self, most: Duration) -> Result<Status, Outcome> {
        if self.protocol().is_numbered() {
            self.ask("M400", most)?;
            return self.look();
        }
        let end = Instant::now() + most;
        loop {
            let status = self.look()?;
            if !matches!(status.state, Some(State::Run | State::Jog | State::Home)) {
                return Ok(status);
            }
            if Instant::now() >= end {
                return Err(Outcome::other(
                    exit::SILENT,
                    "silent",
                    "the machine does not come to rest".into(),
                ));
            }
            self.wait(Duration::from_millis(50), |_, _| None::<()>)?;
        }
    }
}

/// Writes a place as people read it.
pub fn place(at: [f64; 3]) -> String {
    format!("X{:.3} Y{:.3} Z{:.3}", at[0], at[1], at[2])
}
