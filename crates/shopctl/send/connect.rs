//! From a port to a controller that has said who it is.

use super::controller::Settings;
use super::operator::Operator;
use super::outcome::Outcome;
use super::screen::Screen;
use crate::exit;
use anyhow::{Context as _, Result};
use serde_json::json;
use shop_controller::drive::{Tap, Way};
use shop_controller::session::{Event, Failure, Identity, Options, Protocol, Session};
use shop_controller::transport::{self, Address, Bell};
use shop_controller::{Drive, sim};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// What to connect to, and how.
#[derive(Clone)]
pub struct Wanted {
    /// Where.
    pub address: Address,
    /// Serial speed.
    pub baud: u32,
    /// Which words, where that was said.
    pub protocol: Option<Protocol>,
    /// How the session behaves.
    pub options: Options,
    /// How a simulated machine is.
    pub simulation: sim::Options,
}

/// A controller that answers.
pub struct Link {
    /// The conversation.
    pub drive: Drive,
    /// Who it is.
    pub identity: Identity,
    /// What it is set to.
    pub settings: Settings,
    /// What finds the port again.
    pub port: String,
    /// Where it was found.
    pub place: String,
    /// Modes in force, as GRBL and its kin say them: `G0 G54 G17 …`.
    pub modes: String,
}

/// How often a person is looked for while nothing happens.
const GLANCE: Duration = Duration::from_millis(500);

/// Opens the port and finds out who is there. Moves nothing.
pub fn connect(
    wanted: &Wanted,
    bell: Bell,
    operator: &Operator,
    screen: &mut Screen,
    tap: Option<Tap>,
) -> std::result::Result<Link, Outcome> {
    let opened = transport::open(&wanted.address, wanted.baud, &wanted.simulation, &bell)
        .map_err(|e| Outcome::other(exit::PORT, "port", format!("failed to open {e}")))?;
    let (port, place) = (opened.identity, opened.place);
    let mut options = wanted.options.clone();
    options.bytes_per_s = options.bytes_per_s.or(bytes_per_s(wanted, &place));
    let session = Session::new(wanted.protocol, options);
    let mut drive = Drive::new(session, opened.transport, bell);
    drive.tap(tap);
    // What was said before anyone listened answers nothing: an old greeting must not look like a new start. A port that fails
    // says so again.
    let _ = drive.look();
    drive.session.connect(drive.now());
    let mut link = Link {
        drive,
        identity: Identity::default(),
        settings: Settings::default(),
        port,
        place,
        modes: String::new(),
    };
    let mut ready = false;
    while !ready {
        if operator.interrupted() {
            return Err(Outcome::of(&Failure::Stopped, None, false));
        }
        ready = link.listen(GLANCE, screen)?;
    }
    if link.identity.protocol.is_some_and(Protocol::is_counted) {
        link.command("$G", Duration::from_secs(3), operator, screen)?;
    }
    let mut event = json!({
        "event": "connected",
        "port": link.port,
        "firmware": link.identity.firmware,
        "protocol": link.identity.protocol.map(protocol_name),
    });
    super::screen::status_json(link.drive.session.status(), &mut event);
    screen.event(&event);
    Ok(link)
}

/// Returns how fast bytes leave. A controller that is a USB device itself takes them as they come, whatever speed is set,
/// and so does a program behind a pseudo-terminal: its answers are not too early to be true.
fn bytes_per_s(wanted: &Wanted, place: &str) -> Option<u32> {
    let serial = matches!(wanted.address, Address::Path(_) | Address::Usb { .. });
    let real = std::fs::canonicalize(place).map_or_else(|_| place.to_owned(), |p| p.display().to_string());
    let at_once = ["ttyACM", "usbmodem", "/dev/pts/"].iter().any(|name| real.contains(name));
    (serial && !at_once).then_some(wanted.baud / 10)
}

impl Link {
    /// Returns firmware and version, for people. GRBL says its number only.
    pub fn firmware(&self) -> String {
        let version = &self.identity.firmware;
        match self.identity.protocol {
            Some(Protocol::Grbl) if !version.to_lowercase().contains("grbl") => format!("GRBL {version}"),
            Some(Protocol::GrblHal) if !version.to_lowercase().contains("grbl") => {
                format!("grblHAL {version}")
            }
            _ => version.clone(),
        }
    }

    /// Lets the conversation go on for a moment before there is a job; returns whether the controller became ready.
    pub fn listen(&mut self, most: Duration, screen: &mut Screen) -> std::result::Result<bool, Outcome> {
        if self.drive.turn(most).is_err() {
            self.drive.session.disconnected(self.drive.now());
        }
        let mut ready = false;
        while let Some(event) = self.drive.session.next_event() {
            match event {
                Event::Ready(identity) => {
                    self.identity = identity;
                    ready = true;
                }
                Event::Setting(name, value) => self.settings.0.push((name, value)),
                Event::Message(text) => self.heard(&text, screen),
                Event::Failed(failure) => {
                    return Err(Outcome::of(&failure, self.drive.session.protocol(), false));
                }
                _ => {}
            }
        }
        Ok(ready)
    }

    /// Keeps the modes that the controller tells; says anything else.
    fn heard(&mut self, text: &str, screen: &mut Screen) {
        match text.strip_prefix("[GC:") {
            Some(modes) => modes.trim_end_matches(']').clone_into(&mut self.modes),
            None => screen.event(&json!({ "event": "message", "text": text })),
        }
    }

    /// Searches the switches. A GRBL runs its startup blocks behind that: modes and work zero are looked at anew.
    pub fn home(&mut self, operator: &Operator, screen: &mut Screen) -> std::result::Result<(), Outcome> {
        screen.say("homing");
        self.drive.session.home(self.drive.now());
        self.answered("homing", super::MOVING, operator, screen)?;
        if !self.identity.protocol.is_some_and(Protocol::is_counted) {
            return Ok(());
        }
        self.command("$G", Duration::from_secs(3), operator, screen)?;
        self.drive.session.query_status(self.drive.now());
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end && self.drive.turn(GLANCE).is_ok() {
            while let Some(event) = self.drive.session.next_event() {
                match event {
                    Event::Status(_) => return Ok(()),
                    Event::Failed(failure) => {
                        return Err(Outcome::of(&failure, self.drive.session.protocol(), false));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Sends a command of our own and waits for its answer; a refusal is an outcome.
    pub fn command(
        &mut self,
        text: &str,
        most: Duration,
        operator: &Operator,
        screen: &mut Screen,
    ) -> std::result::Result<(), Outcome> {
        self.drive.session.command(self.drive.now(), text.as_bytes());
        self.answered(text, most, operator, screen)
    }

    /// Waits until what was asked for is answered.
    pub fn answered(
        &mut self,
        text: &str,
        most: Duration,
        operator: &Operator,
        screen: &mut Screen,
    ) -> std::result::Result<(), Outcome> {
        let end = Instant::now() + most;
        while Instant::now() < end {
            if operator.interrupted() {
                self.drive.session.stop(self.drive.now());
            }
            if self.drive.turn(GLANCE).is_err() {
                self.drive.session.disconnected(self.drive.now());
            }
            while let Some(event) = self.drive.session.next_event() {
                match event {
                    Event::Answered { refused: None, .. } => return Ok(()),
                    Event::Answered { text, refused: Some((code, said)) } => {
                        let failure = Failure::Refused { line: 0, text, code, said };
                        return Err(Outcome::of(&failure, self.drive.session.protocol(), false));
                    }
                    Event::Message(text) => self.heard(&text, screen),
                    Event::Failed(failure) => {
                        return Err(Outcome::of(&failure, self.drive.session.protocol(), false));
                    }
                    _ => {}
                }
            }
        }
        Err(Outcome::other(exit::SILENT, "silent", format!("`{text}` was not answered")))
    }
}

/// Returns the name of a protocol, as `--protocol` spells it.
pub fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grbl => "grbl",
        Protocol::GrblHal => "grblhal",
        Protocol::FluidNc => "fluidnc",
        Protocol::Marlin => "marlin",
        Protocol::Smoothie => "smoothie",
        Protocol::RepRapFirmware => "reprapfirmware",
    }
}

/// How long a device that went away is looked for, and how often.
const AWAY: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(250);

/// Looks for a controller whose connection was lost, by its identity. When it is there again, what works is switched
/// off; the job is not gone on with. Returns what was found, for people.
pub fn find_again(wanted: &Wanted, port: &str, operator: &Operator, screen: &mut Screen) -> Option<String> {
    let address = Address::parse(port).ok().filter(|a| !matches!(a, Address::Simulated(_)))?;
    let wanted = Wanted { address, ..wanted.clone() };
    let end = Instant::now() + AWAY;
    screen.say("the connection was lost; looking for the controller");
    while Instant::now() < end && !operator.interrupted() {
        std::thread::sleep(LOOK);
        let Ok(bell) = Bell::new() else { continue };
        let Ok(mut link) = connect(&wanted, bell, operator, screen, None) else { continue };
        let state = link.drive.session.status().state;
        link.drive.session.stop(link.drive.now());
        // Its last word is that it has stopped.
        while Instant::now() < end && link.listen(GLANCE, screen).is_ok() {}
        let state = state.map_or("unknown", super::screen::state_name);
        let found = format!("the controller is there again on {} ({state}) and was made safe", link.place);
        screen.event(&json!({ "event": "found-again", "port": link.place, "state": state }));
        return Some(found);
    }
    None
}

/// Returns the port to use: as given, of the profile, or the only one there is.
pub fn address(flag: Option<&str>, profile: Option<&str>) -> std::result::Result<Address, Outcome> {
    if let Some(text) = flag.or(profile) {
        return Address::parse(text).map_err(|e| Outcome::other(exit::USAGE, "usage", e.to_string()));
    }
    let ports: Vec<_> = transport::ports().into_iter().filter(|p| p.usb.is_some()).collect();
    match ports.as_slice() {
        [one] => Ok(Address::Path(one.path.clone())),
        [] => Err(Outcome {
            hint: Some(
                "say --port, or set port in the machine's profile; sim:grbl is a machine without hardware"
                    .into(),
            ),
            ..Outcome::other(
                exit::PORT,
                "port",
                "no port is named, and no USB controller is plugged in".into(),
            )
        }),
        several => {
            let names: Vec<&str> = several.iter().map(|p| p.path.as_str()).collect();
            Err(Outcome {
                hint: Some("say --port".into()),
                ..Outcome::other(
                    exit::PORT,
                    "port",
                    format!("no port is named, and there are {}", names.join(", ")),
                )
            })
        }
    }
}

/// Opens the log of all bytes: seconds, direction, bytes as a quoted text.
pub fn raw_log(path: &Path) -> Result<Tap> {
    let file = std::fs::File::create(path).with_context(|| format!("failed to make {}", path.display()))?;
    let mut out = std::io::LineWriter::new(file);
    Ok(Box::new(move |way, at, bytes| {
        let arrow = if way == Way::Out { '>' } else { '<' };
        // A log that cannot be written is no reason to leave a machine alone.
        let _ = writeln!(out, "{:12.6} {arrow} \"{}\"", at.as_secs_f64(), bytes.escape_ascii());
    }))
}
