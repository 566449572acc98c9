//! Programs that are handed over whole: LinuxCNC, Klipper and Moonraker run them themselves, and are followed to the end.

use super::facts::Fold;
use super::index::Index;
use super::lines::Lines;
use super::operator::{Key, Operator};
use super::outcome::Outcome;
use super::screen::{Progress, Screen};
use crate::exit;
use serde_json::json;
use shop_cam::machine::Machine;
use shop_controller::handover::{Handover, Kind, Need, Options, Reached};
use shop_controller::session::{Event, Failure, State};
use shop_controller::transport::{self, Address, Bell, OpenError, Opened, Transport};
use shop_gcode::Context;
use shop_jobs::{Journal, State as JobState};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Who takes the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `linuxcnc://host:port`, `moonraker://host:port`
    Net(Kind, String, u16),
    /// `klipper:/path/of/its/socket`
    Socket(PathBuf),
}

/// Where `linuxcncrsh` and Moonraker listen, unless told otherwise.
const PORTS: [(&str, Kind, u16); 2] =
    [("linuxcnc://", Kind::LinuxCnc, 5007), ("moonraker://", Kind::Moonraker, 7125)];

impl Target {
    /// Reads a port, if it is one of those.
    pub fn parse(port: &str) -> Option<Result<Target, Outcome>> {
        if let Some(path) = port.strip_prefix("klipper:") {
            let path = path.trim_start_matches("//");
            return Some(Ok(Target::Socket(PathBuf::from(if path.is_empty() {
                "/tmp/klippy_uds"
            } else {
                path
            }))));
        }
        let (scheme, kind, usual) = PORTS.into_iter().find(|(scheme, ..)| port.starts_with(scheme))?;
        let rest = port[scheme.len()..].trim_end_matches('/');
        let text = if rest.rsplit_once(':').is_some_and(|(_, p)| p.parse::<u16>().is_ok()) {
            format!("tcp://{rest}")
        } else {
            format!("tcp://{rest}:{usual}")
        };
        Some(match Address::parse(&text) {
            Ok(Address::Tcp { host, port }) => Ok(Target::Net(kind, host, port)),
            _ => Err(Outcome::other(
                exit::USAGE,
                "usage",
                format!("`{port}` is no address; write {scheme}host"),
            )),
        })
    }

    /// Returns which of them it is.
    pub fn kind(&self) -> Kind {
        match self {
            Target::Net(kind, ..) => *kind,
            Target::Socket(_) => Kind::Klipper,
        }
    }

    /// Returns the profile that fits, when nobody named one.
    pub fn usual_machine(&self) -> &'static str {
        if self.kind() == Kind::LinuxCnc { "router-linuxcnc" } else { "printer-klipper" }
    }

    fn open(&self, bell: &Bell) -> Result<Opened, OpenError> {
        match self {
            Target::Net(_, host, port) => {
                let address = Address::Tcp { host: host.clone(), port: *port };
                transport::open(&address, 0, &shop_controller::sim::Options::default(), bell)
            }
            #[cfg(unix)]
            Target::Socket(path) => transport::open_socket(path),
            #[cfg(not(unix))]
            Target::Socket(path) => Err(OpenError::Absent(path.display().to_string())),
        }
    }
}

/// A program on its way to somebody who runs it.
pub struct Job<'a> {
    /// Who takes it.
    pub target: &'a Target,
    /// Where the program lies.
    pub path: &'a Path,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Take the e-stop off, switch on and home first, if need be.
    pub prepare: bool,
    /// Where the program ends, work coordinates, mm, where that is known.
    pub end_mm: Option<[f64; 3]>,
    /// Time by line.
    pub index: &'a Index,
    /// Its last line.
    pub last: u64,
    /// Where it is written down.
    pub journal: Option<&'a mut Journal>,
    /// Where people are told.
    pub screen: &'a mut Screen,
    /// Who listens for them.
    pub operator: &'a mut Operator,
}

/// How often a person is looked for while nothing happens.
const GLANCE: Duration = Duration::from_millis(250);
/// A start that no program is likely to have.
const ELSEWHERE: f64 = 7919.25;

/// Whether a line moves the zero from which places are told, or goes where only the controller knows.
fn moves_the_zero(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|b| matches!(b, b'G' | b'g')) {
        rest = &rest[at + 1..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let number =
            rest[..digits].iter().fold(0u32, |n, d| n.saturating_mul(10).saturating_add(u32::from(d - b'0')));
        // G28 and G30 go to places that only the controller knows.
        if matches!(number, 10 | 28 | 30 | 43 | 49 | 52 | 55..=59 | 68 | 92) {
            return true;
        }
    }
    false
}

/// Returns where a program ends, work coordinates, mm: an axis that it never places is no number. Nothing where that cannot
/// be known beforehand: it homes, probes, moves its zero, or says words that only the other end understands.
pub fn planned_end(program: &[u8], machine: &Machine) -> Option<[f64; 3]> {
    let foreign = |text: &[u8]| {
        let text = text.trim_ascii();
        let plain = matches!(text, [b'(' | b';' | b'%', ..] | []) || plain_word(text);
        !plain || moves_the_zero(text)
    };
    if Lines::new(program).any(|(_, text)| foreign(text)) {
        return None;
    }
    let from = |start: f64| {
        let context = Context { start: [start; 3], ..Context::of(machine) };
        let mut fold = Fold::new(machine.clone(), context.start);
        let mut lost = false;
        shop_gcode::visit(program, &context, |step, line| {
            lost |= fold.step(&step, line).is_some_and(|facts| facts.lost);
        });
        lost |= fold.finish().is_some_and(|facts| facts.lost);
        (!lost).then(|| fold.at())
    };
    // Whoever begins somewhere else and ends at the same place was brought there by the program.
    let (here, there) = (from(0.0)?, from(ELSEWHERE)?);
    Some(std::array::from_fn(|i| if (here[i] - there[i]).abs() < 1e-6 { here[i] } else { f64::NAN }))
}

/// Whether a line begins with a word of a letter and a number, as those of RS274 do.
fn plain_word(text: &[u8]) -> bool {
    matches!(text, [letter, second, ..]
        if letter.is_ascii_alphabetic() && matches!(second, b'0'..=b'9' | b' ' | b'-' | b'+' | b'.'))
}

/// How far a program has come, as lines of its text.
struct Course {
    begun: Instant,
    line: u64,
    /// Bytes of the text that were counted, and the lines in them.
    counted: (usize, u64),
}

impl Course {
    /// Hears how far it is.
    fn reach(&mut self, reached: Option<Reached>, bytes: &[u8], last: u64) {
        let line = match reached {
            None => return,
            Some(Reached::Line(line)) => line.saturating_sub(1),
            Some(Reached::Part(part)) => {
                let to = ((bytes.len() as f64 * part) as usize).min(bytes.len());
                let (from, lines) = self.counted;
                if to > from {
                    self.counted = (to, lines + memchr::memchr_iter(b'\n', &bytes[from..to]).count() as u64);
                }
                self.counted.1
            }
        };
        self.line = self.line.max(line.min(last));
    }
}

impl Job<'_> {
    /// Hands the program over and follows it to the end.
    pub fn run(mut self, bell: &Bell) -> Outcome {
        let opened = match self.target.open(bell) {
            Ok(opened) => opened,
            Err(e) => return Outcome::other(exit::PORT, "port", format!("failed to open {e}")),
        };
        let host = match self.target {
            Target::Net(_, host, port) => format!("{host}:{port}"),
            Target::Socket(_) => "localhost".into(),
        };
        let options = Options {
            host,
            prepare: self.prepare,
            end_mm: self.end_mm,
            api_key: std::env::var("MOONRAKER_API_KEY").ok().filter(|k| !k.is_empty()),
            ..Options::default()
        };
        let mut talk = Handover::new(self.target.kind(), options);
        let mut wire = opened.transport;
        self.screen.begin();
        let end = self.follow(&mut talk, &mut *wire, bell, &opened.place);
        self.screen.clear();
        end
    }

    /// Writes down what the program is doing; a journal that cannot be written is no reason to leave a machine alone.
    fn write(&mut self, state: JobState, why: &str) {
        if let Some(journal) = self.journal.as_deref_mut()
            && let Err(e) = journal.state(state, why)
        {
            self.screen.say(&format!("warning: the journal cannot be written ({e})"));
        }
    }

    fn show(&mut self, talk: &Handover, course: &mut Course, started: bool) {
        course.reach(talk.reached(), self.bytes, self.last);
        if !started {
            return;
        }
        if let Some(journal) = self.journal.as_deref_mut() {
            let position_mm = talk.status().machine_position_mm;
            // All of it is there; how far it is is what the other end says.
            let progress = shop_jobs::Progress { sent: self.last, acknowledged: course.line, position_mm };
            let _ = journal.progress(progress);
        }
        let progress = Progress {
            line: course.line,
            lines: self.last,
            done_s: self.index.at(course.line),
            total_s: self.index.total_s(),
            elapsed: course.begun.elapsed(),
        };
        self.screen.progress(&progress, talk.status(), false);
    }

    fn follow(&mut self, talk: &mut Handover, wire: &mut dyn Transport, bell: &Bell, place: &str) -> Outcome {
        let begun = Instant::now();
        talk.connect(begun.elapsed());
        let (mut given, mut started, mut stopping) = (0, false, false);
        let mut course = Course { begun, line: 0, counted: (0, 0) };
        loop {
            if let Err(end) = self.bring(talk, begun, &mut given) {
                return end;
            }
            if turn(talk, wire, bell, begun).is_err() {
                talk.disconnected(begun.elapsed());
            }
            self.people(talk, begun, &mut stopping);
            self.show(talk, &mut course, started);
            while let Some(event) = talk.next_event() {
                match event {
                    Event::Ready(identity) => {
                        self.screen.say(&format!("{} on {place}", identity.firmware));
                        self.screen.event(
                            &json!({ "event": "connected", "port": place, "firmware": identity.firmware }),
                        );
                        match self.name() {
                            Ok(name) => talk.start(begun.elapsed(), &name, self.bytes.len() as u64),
                            Err(end) => return end,
                        }
                        started = true;
                        course.begun = Instant::now();
                    }
                    Event::Held { why, .. } => {
                        self.write(JobState::Held, &why);
                        self.screen.say(&format!("held: {why}"));
                        self.screen.event(&json!({ "event": "held", "why": why }));
                    }
                    Event::Resumed => {
                        self.write(JobState::Running, "");
                        self.screen.say("goes on");
                        self.screen.event(&json!({ "event": "resumed" }));
                    }
                    Event::Message(text) => self.screen.event(&json!({ "event": "message", "text": text })),
                    Event::Finished { position_mm } => {
                        if let Some(journal) = self.journal.as_deref_mut() {
                            let all = self.last;
                            let _ = journal.progress(shop_jobs::Progress {
                                sent: all,
                                acknowledged: all,
                                position_mm,
                            });
                        }
                        let took = crate::estimate::duration(course.begun.elapsed().as_secs_f64());
                        return Outcome::done(format!(
                            "done: {} has run the program to its end in {took}",
                            self.kind_name()
                        ));
                    }
                    Event::Failed(failure) => return self.failed(&failure, started),
                    _ => {}
                }
            }
        }
    }

    fn kind_name(&self) -> &'static str {
        match self.target.kind() {
            Kind::LinuxCnc => "LinuxCNC",
            Kind::Klipper | Kind::Moonraker => "Klipper",
        }
    }

    /// Its own words are what is known: nothing is streamed, and there are no numbers.
    fn failed(&self, failure: &Failure, started: bool) -> Outcome {
        let end = Outcome::of(failure, None, started);
        match failure {
            Failure::Alarm { said, .. } if !started => Outcome {
                hint: Some("put it right there; `--home` switches LinuxCNC on and homes it".into()),
                ..Outcome::other(
                    exit::CHECK,
                    "not-ready",
                    format!("{} is not ready: {said}", self.kind_name()),
                )
            },
            Failure::Refused { said, text, .. } => {
                let text = format!("{} refused `{text}`: {said}", self.kind_name());
                Outcome { text, hint: None, ..end }
            }
            _ => end,
        }
    }

    /// What a person wants: Ctrl-C and space hold, a second Ctrl-C and q stop.
    fn people(&mut self, talk: &mut Handover, begun: Instant, stopping: &mut bool) {
        let now = begun.elapsed();
        let held = matches!(talk.status().state, Some(State::Hold(_)));
        if self.operator.interrupted() {
            if *stopping || held {
                talk.stop(now);
            } else {
                *stopping = true;
                talk.hold(now);
                self.screen.say("pausing; Ctrl-C again stops the job");
            }
        }
        for key in self.operator.keys() {
            match key {
                Key::HoldOrResume if held => {
                    *stopping = false;
                    talk.resume(now);
                }
                Key::HoldOrResume => talk.hold(now),
                Key::Stop => talk.stop(now),
                Key::Faster | Key::Slower | Key::AsProgrammed => {
                    let percent = talk.status().overrides_percent.map_or(100, |o| o[0]);
                    talk.set_feed(
                        now,
                        match key {
                            Key::Faster => (percent + 10).min(200),
                            Key::Slower => percent.saturating_sub(10).max(10),
                            _ => 100,
                        },
                    );
                }
                _ => {}
            }
        }
    }

    /// Returns what the program is called at the other end.
    fn name(&self) -> Result<String, Outcome> {
        let usage = |text: &str| Outcome::other(exit::USAGE, "usage", text.into());
        if self.path.as_os_str() == "-" {
            return Err(usage("a program from standard input cannot be handed over: give a file"));
        }
        if self.target.kind() == Kind::LinuxCnc {
            let path = self.path.canonicalize().map_err(|e| usage(&e.to_string()))?;
            return Ok(path.display().to_string());
        }
        let name = self.path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let plain = |c: char| c.is_alphanumeric() || " ._-+()".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(usage(&format!(
                "`{name}` is no name that Klipper takes: letters, digits, . _ - + ( )"
            )));
        }
        Ok(name.to_owned())
    }

    /// Brings the program to where it is needed.
    fn bring(&self, talk: &mut Handover, begun: Instant, given: &mut usize) -> Result<(), Outcome> {
        match talk.need() {
            None => {}
            Some(Need::FileIn(folder)) => {
                let place = Path::new(&folder).join(self.path.file_name().unwrap_or_default());
                crate::output::write_whole(&place, self.bytes).map_err(|e| {
                    Outcome::other(
                        exit::INTERNAL,
                        "internal",
                        format!("failed to write {}: {e:#}", place.display()),
                    )
                })?;
                talk.file_is_there(begun.elapsed());
            }
            Some(Need::Bytes(room)) => {
                let end = self.bytes.len().min(*given + room);
                talk.give_bytes(begun.elapsed(), &self.bytes[*given..end]);
                *given = end;
                if end == self.bytes.len() {
                    talk.end_of_bytes(begun.elapsed());
                }
            }
        }
        Ok(())
    }
}

/// Writes what waits, waits for something to happen, hands on what came.
fn turn(talk: &mut Handover, wire: &mut dyn Transport, bell: &Bell, begun: Instant) -> std::io::Result<()> {
    while !talk.outbox().is_empty() {
        let sent = wire.write(talk.outbox().next())?;
        if sent == 0 {
            break;
        }
        talk.outbox().sent(sent);
    }
    let until = talk.deadline().map_or(GLANCE, |d| d.saturating_sub(begun.elapsed()).min(GLANCE));
    // What is still needed does not wait.
    let until = if matches!(talk.need(), Some(Need::Bytes(_))) && talk.outbox().is_empty() {
        Duration::ZERO
    } else {
        until
    };
    let to_write = !talk.outbox().is_empty();
    wire.wait(bell, to_write, Some(until))?;
    let mut bytes = Vec::new();
    let read = wire.read(&mut bytes);
    if !bytes.is_empty() {
        talk.receive(begun.elapsed(), &bytes);
    }
    talk.tick(begun.elapsed());
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_where_it_ends_or_that_it_does_not() {
        let machine = Machine::example(shop_cam::machine::MachineKind::Router);
        let end = |text: &str| planned_end(text.as_bytes(), &machine);
        assert_eq!(end("%\nG21 G90\n(a)\nG0 X1 Y2 Z5\nG1 X10 F100\nM30\n%\n"), Some([10.0, 2.0, 5.0]));
        let partly = end("G21 G90\nG0 X1\nG91\nG1 Y4 F100\nM30\n").expect("X is known");
        assert!(partly[0] == 1.0 && partly[1].is_nan() && partly[2].is_nan());
        for unknown in ["G28\nG0 X1\n", "G38.2 Z-5 F50\n", "PRINT_END\n", "G92 X0\nG0 X1\n", "o<a> call\n"] {
            assert_eq!(end(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn how_far_it_is_is_counted_in_lines() {
        let mut course = Course { begun: Instant::now(), line: 0, counted: (0, 0) };
        let text = b"G0\nG1\nG2\nG3\n";
        let mut at = |reached| {
            course.reach(Some(reached), text, 4);
            course.line
        };
        assert_eq!(at(Reached::Part(0.5)), 2);
        assert_eq!(at(Reached::Part(0.1)), 2, "it does not go back");
        assert_eq!(at(Reached::Part(1.0)), 4);
        assert_eq!(at(Reached::Line(9)), 4);
    }

    #[test]
    fn addresses_name_who_takes_the_program() {
        let net = |kind, host: &str, port| Target::Net(kind, host.to_owned(), port);
        for (text, target) in [
            ("linuxcnc://shop", net(Kind::LinuxCnc, "shop", 5007)),
            ("linuxcnc://10.0.0.1:5008/", net(Kind::LinuxCnc, "10.0.0.1", 5008)),
            ("moonraker://printer.local", net(Kind::Moonraker, "printer.local", 7125)),
            ("klipper:/run/klippy.sock", Target::Socket("/run/klippy.sock".into())),
            ("klipper:", Target::Socket("/tmp/klippy_uds".into())),
        ] {
            assert_eq!(Target::parse(text).expect("one of them").expect("sound"), target);
        }
        assert!(Target::parse("/dev/ttyUSB0").is_none() && Target::parse("tcp://h:1").is_none());
        assert!(Target::parse("linuxcnc://").expect("one of them").is_err());
    }

    #[test]
    fn lines_that_move_the_zero_are_known() {
        for text in ["G92X0", "G10L20P1X0", "G55", "G0G28", "G43.1Z5", "g59.3", "G28 X0 Y0"] {
            assert!(moves_the_zero(text.as_bytes()), "{text}");
        }
        for text in ["G54", "G1X92", "G0X10", "G53G0Z0", "G2I10J28", "M92", "G90"] {
            assert!(!moves_the_zero(text.as_bytes()), "{text}");
        }
    }
}
