//! The conversation with a controller, without a wire or a clock.
//!
//! `now` is the time since the session began, from a clock that never goes back. Whoever drives a session
//! 1. passes on what came in ([`Session::receive`]) and calls [`Session::tick`] no later than [`Session::deadline`];
//! 2. writes what [`Session::outbox`] holds, at once;
//! 3. gives lines while [`Session::wants_line`] says so, and calls [`Session::end_of_program`] after the last one;
//! 4. takes every [`Event`] from [`Session::next_event`] after each call.
//!
//! ```
//! use std::time::Duration;
//! use shop_controller::session::{Event, Options, Protocol, Session};
//!
//! let mut session = Session::new(Some(Protocol::Grbl), Options { read_settings: false, ..Options::default() });
//! session.connect(Duration::ZERO);
//! session.receive(Duration::from_millis(5), b"Grbl 1.1h ['$' for help]\r\n");
//! while !session.outbox().is_empty() {
//!     let count = session.outbox().next().len(); // here they would be written
//!     session.outbox().sent(count);
//! }
//! session.receive(Duration::from_millis(9), b"[VER:1.1h.20190830:]\r\n[OPT:V,15,128]\r\nok\r\n");
//! session.receive(Duration::from_millis(9), b"<Idle|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,0.000,0.000>\r\n");
//! let mut events = std::iter::from_fn(|| session.next_event());
//! assert!(events.any(|e| matches!(e, Event::Ready(who) if who.receive_bytes == Some(128))));
//! ```
//!
//! The parts: [`wire`] is what may go over a wire; `hear` what a line of the controller means; `ledger` and `numbered`
//! are the two ways to keep count of what is in flight; `connect`, `job`, `stop` and `hold` are what a session does in
//! turn; `watch` asks for the state and notices silence; `evidence`, `path`, `zeros`
//! and `modes` find lines that were damaged on the wire; `calm` lets whoever drives it sleep a little longer.

mod calm;
mod connect;
mod evidence;
mod hear;
mod hold;
mod item;
mod job;
mod ledger;
mod modes;
mod numbered;
mod path;
mod pause;
mod reader;
mod request;
mod status;
mod stop;
mod types;
mod watch;
pub mod wire;
mod zeros;

use std::collections::VecDeque;
use std::time::Duration;

pub use self::pause::{Piece, pieces};
pub use self::types::{
    Cause, Event, Failure, Identity, Jog, Line, Options, Override, Policy, Process, Protocol, Reach, Retract,
    State, Status, Way, Zero,
};

use self::calm::Calm;
use self::connect::Asking;
use self::hear::{Heard, hear};
use self::hold::Hold;
use self::item::{Item, Kind};
use self::job::{Job, Settling};
use self::ledger::Ledger;
use self::modes::Modes;
use self::numbered::Numbered;
use self::path::Grain;
use self::reader::Reader;
use self::stop::Stopping;
use self::watch::Watch;
use self::zeros::Zeros;
use crate::Outbox;

/// Time's worth of lines that may wait in the operating system. A `!` cannot overtake them: with a ring of 1023 bytes
/// that would be a tenth of a second at 115200 baud. The 128 bytes of a GRBL take 11 ms and are never held back, for
/// every line that goes alone costs a call more.
const AHEAD: Duration = Duration::from_millis(12);

/// How little is left when more are handed on, by an answer that comes or, if none does, by the clock.
const REFILL: Duration = Duration::from_millis(6);
const NEARLY_DRY: Duration = Duration::from_millis(4);

/// A conversation with one controller.
#[derive(Clone, Debug)]
pub struct Session {
    options: Options,
    /// Who is there; what was asked for, or what was found out.
    protocol: Option<Protocol>,
    identity: Identity,
    status: Status,
    /// Reports are in inches (`$13=1`).
    inches: bool,
    /// How finely the machine moves, by its settings.
    grain: Grain,
    /// Modes in force behind the newest line.
    modes: Modes,
    /// Work zeros in force.
    zeros: Zeros,
    stage: Stage,
    link: Link,
    /// What goes next, in order.
    queue: VecDeque<Item>,
    hold: Hold,
    job: Job,
    /// Settings that were written and wait to be read back: name, value.
    written: Vec<(String, String)>,
    /// What was listed meanwhile.
    listed: Vec<(String, String)>,
    /// The greeting that was heard before anything was asked, and nothing but remarks after it.
    greeting: Option<String>,
    watch: Watch,
    calm: Calm,
    reader: Reader,
    out: Outbox,
    events: VecDeque<Event>,
    /// When all lines that were handed over have left, as fast as the wire goes; whether more wait for that.
    wire_free: Duration,
    paced: bool,
    /// The latest time that was told.
    now: Duration,
}

/// What the session is at.
#[derive(Clone, Debug)]
enum Stage {
    /// Nothing was asked yet.
    New,
    /// Finds out who is there.
    Asking(Asking),
    /// Knows, and has no job.
    Ready,
    /// Streams.
    Running,
    /// All lines were given; waits for rest.
    Settling(Settling),
    /// Makes the process safe.
    Stopping(Stopping),
    /// A job has failed; no further lines.
    Over,
    /// The port is gone.
    Gone,
}

/// How what is in flight is kept.
#[derive(Clone, Debug)]
enum Link {
    Counted(Ledger),
    Numbered(Numbered),
}

impl Session {
    /// Returns a session that speaks `protocol`, or finds out which.
    pub fn new(protocol: Option<Protocol>, options: Options) -> Self {
        Self {
            options,
            protocol,
            identity: Identity::default(),
            status: Status::default(),
            inches: false,
            grain: Grain::default(),
            modes: Modes::default(),
            zeros: Zeros::default(),
            stage: Stage::New,
            link: Link::Counted(Ledger::new(127, true)),
            queue: VecDeque::new(),
            hold: Hold::default(),
            job: Job::default(),
            written: Vec::new(),
            listed: Vec::new(),
            greeting: None,
            watch: Watch::default(),
            calm: Calm::default(),
            reader: Reader::default(),
            out: Outbox::default(),
            events: VecDeque::new(),
            wire_free: Duration::ZERO,
            paced: false,
            now: Duration::ZERO,
        }
    }

    /// Takes bytes that came in.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.at(now);
        self.watch.bytes_came(self.now);
        let (before, answered) = (self.handed_over(), self.answered_bytes());
        let mut reader = std::mem::take(&mut self.reader);
        reader.feed(bytes, |line, flooded| {
            if flooded {
                self.tell(Event::Message("(a line without end was dropped)".to_owned()));
            } else {
                self.hear(&String::from_utf8_lossy(line));
            }
            // After each line, so that it does not matter in which pieces they come.
            self.pump();
        });
        self.reader = reader;
        self.calm_down(before, answered);
        self.pump();
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Duration) {
        self.at(now);
        self.pump();
    }

    /// Returns when [`Session::tick`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        if matches!(self.stage, Stage::New | Stage::Gone) {
            return None;
        }
        let stage = match &self.stage {
            Stage::Asking(asking) => Some(asking.deadline()),
            Stage::Stopping(stopping) => Some(stopping.deadline()),
            _ => None,
        };
        let link = match &self.link {
            Link::Numbered(numbered) => numbered.deadline(),
            Link::Counted(_) => None,
        };
        let pace = self.paced && !self.queue.is_empty();
        let pace = pace.then(|| self.wire_free.saturating_sub(NEARLY_DRY)).filter(|at| *at > self.now);
        [
            stage,
            link,
            pace,
            self.quiet_deadline(),
            self.job_deadline(),
            self.hold.deadline(),
            self.watch_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Returns what is to be written.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.out
    }

    /// Returns the next thing to tell.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns what the machine said of itself last.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Returns who is there, as far as it is known.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns which protocol is spoken, once that is known.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Returns how many lines are in flight.
    pub fn in_flight(&self) -> usize {
        match &self.link {
            Link::Counted(ledger) => ledger.len(),
            Link::Numbered(numbered) => numbered.in_flight(),
        }
    }

    /// Returns how many bytes the lines in flight have, where bytes are counted.
    pub fn bytes_in_flight(&self) -> usize {
        match &self.link {
            Link::Counted(ledger) => ledger.bytes(),
            Link::Numbered(_) => 0,
        }
    }

    fn at(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Does what is to be done now. What one step does may be the reason for another: a job that fails at its end asks
    /// for the state at once.
    fn pump(&mut self) {
        for _ in 0..4 {
            self.turn();
            if self.deadline().is_none_or(|due| due > self.now) {
                return;
            }
        }
    }

    fn turn(&mut self) {
        if matches!(self.stage, Stage::New | Stage::Gone) {
            return;
        }
        self.watch();
        self.hold_on();
        match self.stage {
            Stage::Asking(_) => self.ask_on(),
            Stage::Stopping(_) => self.stop_on(),
            _ => {}
        }
        self.send();
        self.finish();
    }

    /// Hands the wire what may go.
    fn send(&mut self) {
        if let Link::Numbered(numbered) = &mut self.link {
            numbered.tick(self.now);
            if numbered.repeat(self.now, &mut self.out) {
                self.watch.asked_machine(self.now);
            }
        }
        while let Some(item) = self.queue.front() {
            let waits = self.hold.is_feed_stopped() || self.doubts() || self.quiet_deadline().is_some();
            let blocked = item.is_program() && waits;
            if blocked || !self.fits(item) || !self.may_pause(item) || !self.has_left() {
                return;
            }
            let Some(mut item) = self.queue.pop_front() else { return };
            if let Kind::Pause(cause, last) = item.kind {
                self.pause_here(cause, last, item.number);
                continue;
            }
            if item.kind == Kind::Program(true) {
                self.tell(Event::Sent(item.number));
            }
            // Others are not asked for their modes, and tell their place in words of their own.
            if matches!(self.link, Link::Counted(_)) {
                if item.kind == Kind::Marker {
                    item.modes = Some(Box::new(self.modes.clone()));
                } else {
                    self.modes.say(&item.text);
                }
                item.zero = self.zeros.goes(&item.text);
            }
            self.watch.line_went(self.now, item.duration);
            self.pace(item.text.len() + 1);
            match &mut self.link {
                Link::Counted(ledger) => ledger.push(item, &mut self.out),
                Link::Numbered(numbered) => numbered.push(item, self.now, &mut self.out),
            }
        }
    }

    /// Returns until when lines wait for the answer to a question.
    fn quiet_deadline(&self) -> Option<Duration> {
        self.watch.quiet_until().filter(|until| *until > self.now && !self.queue.is_empty())
    }

    /// Returns whether so little waits in the operating system that more may follow.
    fn has_left(&mut self) -> bool {
        let most = if self.paced { REFILL } else { AHEAD };
        self.paced = self.wire_free > self.now + most;
        !self.paced
    }

    /// Hands over a byte that overtakes all others.
    fn urgent(&mut self, byte: u8) {
        self.out.push_urgent(byte);
        self.pace(1);
    }

    fn pace(&mut self, bytes: usize) {
        if let Some(rate) = self.options.bytes_per_s {
            let time = Duration::from_secs(bytes as u64) / rate.max(1);
            self.wire_free = self.wire_free.max(self.now) + time;
        }
    }

    fn fits(&self, item: &Item) -> bool {
        match &self.link {
            Link::Counted(ledger) => ledger.fits(item),
            Link::Numbered(numbered) => numbered.fits(item),
        }
    }

    /// Returns whether nothing is in flight.
    fn is_answered(&self) -> bool {
        match &self.link {
            Link::Counted(ledger) => ledger.is_empty(),
            Link::Numbered(numbered) => numbered.is_empty(),
        }
    }

    /// Takes one line of the controller.
    fn hear(&mut self, line: &str) {
        let heard = hear(line);
        match self.stage {
            Stage::New => return self.hear_before(&heard),
            Stage::Gone => return,
            _ => {}
        }
        self.watch.heard(self.now, &heard);
        match heard {
            Heard::Ok(taken) => self.hear_ok(taken, line),
            Heard::Error(code, said) => self.hear_error(code, said),
            Heard::Alarm(code, said) => self.hear_alarm(code, said),
            Heard::Banner(said) => self.hear_banner(said),
            Heard::Report(report) => self.hear_report(report),
            Heard::Modal => self.hear_modal(line),
            Heard::Resend(number) => self.hear_resend(number),
            Heard::Halted(said) => {
                self.tell(Event::Message(said.to_owned()));
                self.fail(Failure::Halted { said: said.to_owned() });
            }
            Heard::Temperatures(text, _) => {
                status::take_temperatures(&mut self.status, text);
                self.tell(Event::Status(self.status.clone()));
            }
            Heard::Place(text) => self.hear_place(text),
            Heard::Action(action) => self.hear_action(action),
            Heard::Busy(why) => self.hear_busy(why),
            Heard::Setting(name, value) => self.hear_setting(name, value),
            Heard::Version(text) => {
                self.tell_when_asked(line);
                self.hear_version(text);
            }
            Heard::Build(text) => {
                self.tell_when_asked(line);
                self.hear_build(text);
            }
            Heard::Firmware(text) => {
                self.tell_when_asked(line);
                self.hear_firmware(text);
            }
            Heard::Capability(text) => {
                self.tell_when_asked(line);
                self.hear_capability(text);
            }
            Heard::Unknown(said) => self.hear_unknown(said),
            Heard::Mismatch(said) | Heard::Message(said) => self.tell(Event::Message(said.to_owned())),
            Heard::Wait => {}
        }
    }

    /// What the controller says of itself is news to whoever asks for it, not while it is being got to know.
    fn tell_when_asked(&mut self, line: &str) {
        if !matches!(self.stage, Stage::Asking(_)) {
            self.tell(Event::Message(line.to_owned()));
        }
    }

    /// One line was taken.
    fn hear_ok(&mut self, taken: hear::Taken, line: &str) {
        if taken.temperatures {
            status::take_temperatures(&mut self.status, line);
            self.tell(Event::Status(self.status.clone()));
        }
        if taken.place {
            self.hear_place(line);
        }
        match &mut self.link {
            Link::Counted(ledger) => match ledger.answered(&self.out) {
                Some(item) => self.answered(item, None),
                None => self.surplus("ok"),
            },
            Link::Numbered(numbered) => {
                let mut done = Vec::new();
                numbered.ok(taken, self.now, &self.out, self.options.bytes_per_s, &mut done);
                for item in done {
                    self.answered(item, None);
                }
            }
        }
    }

    fn hear_error(&mut self, code: Option<u32>, said: &str) {
        let item = match &mut self.link {
            Link::Counted(ledger) => ledger.answered(&self.out),
            // Marlin complains, and answers `ok` all the same: the line is the oldest one in flight. Only the program has
            // to be run to the letter.
            Link::Numbered(numbered) => numbered.items().next().filter(|item| item.is_program()).cloned(),
        };
        match item {
            None if matches!(self.link, Link::Numbered(_)) => self.tell(Event::Message(said.to_owned())),
            Some(item) => self.answered(item, Some((code, said))),
            None => self.surplus(said),
        }
    }

    /// An answer came that no line is waiting for.
    fn surplus(&mut self, said: &str) {
        if self.ask_answered_late() {
            return;
        }
        self.tell(Event::Message(format!("(an answer to nothing: {said})")));
        if matches!(self.stage, Stage::Running | Stage::Settling(_)) {
            self.fail(Failure::Unsure {
                why: format!("the controller answered \"{said}\" when no line was waiting for an answer"),
            });
        }
    }

    /// A line was answered; `refused` when it was not taken.
    fn answered(&mut self, item: Item, refused: Option<(Option<u32>, &str)>) {
        self.zeros.answered(&item);
        match item.kind {
            Kind::Program(last) => self.program_answered(&item, last, refused),
            Kind::Marker => self.marker_answered(&item, refused.is_some()),
            Kind::Ask => self.ask_answered(refused),
            Kind::Final => self.final_answered(&item),
            Kind::Safe | Kind::Pause(..) => {}
            Kind::Command | Kind::Write(..) | Kind::Settings(_) => self.request_answered(item, refused),
        }
    }
}
