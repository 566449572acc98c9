//! Controllers that take a whole program and run it themselves: LinuxCNC through `linuxcncrsh`, Klipper through its API
//! socket, Klipper behind Moonraker.
//!
//! A [`Handover`] has the shape of a [`crate::session::Session`]: bytes and the time go in, bytes and
//! [`Event`]s come out, and it knows no socket. Nothing is streamed: the program is handed over, started,
//! and followed to its end: LinuxCNC is asked again and again, Klipper tells what changes. What stops a job in the middle is the same as there, and so are the
//! words for it.
//!
//! ```text
//!  connect ─▶ Ready ─▶ start(name) ─▶ [needs: a file in its folder, or bytes of an upload] ─▶ running ─▶ Finished | Failed
//! ```

mod http;
mod klipper;
mod linuxcnc;
mod moonraker;
mod websocket;

use crate::Outbox;
use crate::session::{Event, Failure, State, Status};
use klipper::Klipper;
use linuxcnc::LinuxCnc;
use moonraker::Moonraker;
use std::collections::VecDeque;
use std::time::Duration;

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `linuxcncrsh`: a dialogue by lines over TCP, port 5007.
    LinuxCnc,
    /// Klipper's API socket: JSON, each message ended by 0x03.
    Klipper,
    /// Moonraker: HTTP and a websocket, port 7125.
    Moonraker,
}

/// How far a program is, in the words of whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reached {
    /// So much of its bytes, 0 to 1.
    Part(f64),
    /// This line is at work, from 1.
    Line(u64),
}

/// Whoever tells by itself is asked so many times more seldom.
const TOLD: u32 = 8;

/// How a job is handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Host as its header wants it (Moonraker).
    pub host: String,
    /// Password that `linuxcncrsh` asks for first.
    pub password: String,
    /// Password that it asks for before it takes commands.
    pub enable_password: String,
    /// Key of Moonraker's API, where it asks for one.
    pub api_key: Option<String>,
    /// LinuxCNC: take the e-stop of the control off, switch the machine on and home it, if need be.
    pub prepare: bool,
    /// Where the program ends in work coordinates, mm, where that is known: anywhere else is a failure. An axis of which it
    /// is not known is no number.
    pub end_mm: Option<[f64; 3]>,
    /// How far from there the machine may stand, mm.
    pub tolerance_mm: f64,
    /// Time between questions.
    pub poll: Duration,
    /// How long the other end may be silent.
    pub silence: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            host: "localhost".into(),
            password: "EMC".into(),
            enable_password: "EMCTOO".into(),
            api_key: None,
            prepare: false,
            end_mm: None,
            tolerance_mm: 0.05,
            poll: Duration::from_millis(250),
            silence: Duration::from_secs(10),
        }
    }
}

/// What a start waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The program must lie in this folder, under the name that was started; then [`Handover::file_is_there`].
    FileIn(String),
    /// The next bytes of the program, at most so many; none left: [`Handover::end_of_bytes`].
    Bytes(usize),
}

/// What an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Hold,
    Resume,
    Stop,
    Feed(u16),
}

/// A conversation with a controller that runs programs itself.
#[derive(Clone, Debug)]
pub struct Handover {
    talk: Talk,
    core: Core,
}

#[derive(Clone, Debug)]
enum Talk {
    LinuxCnc(LinuxCnc),
    Klipper(Klipper),
    Moonraker(Moonraker),
}

/// What all of them have.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub options: Options,
    pub now: Duration,
    pub out: Outbox,
    pub events: VecDeque<Event>,
    pub status: Status,
    pub over: bool,
    /// The last time something was heard while something was asked.
    pub heard: Duration,
    /// When the state is asked for next.
    pub poll_at: Option<Duration>,
    /// A question is open.
    pub asking: bool,
    /// How far the program is.
    pub reached: Option<Reached>,
    /// The other end tells what changes: it is only asked whether it is still there.
    pub told: bool,
}

impl Core {
    pub fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub fn fail(&mut self, failure: Failure) {
        if !self.over {
            self.over = true;
            self.poll_at = None;
            self.tell(Event::Failed(failure));
        }
    }

    /// Something was refused.
    pub fn refuse(&mut self, text: &str, said: &str) {
        let (text, said) = (text.to_owned(), said.to_owned());
        self.fail(Failure::Refused { line: 0, text, code: None, said });
    }

    /// The job is done, if the machine is where it should be.
    pub fn finish(&mut self) {
        if self.over {
            return;
        }
        let found = self.status.work_position_mm();
        if let (Some(wanted_mm), Some(found_mm)) = (self.options.end_mm, found) {
            let off = (0..3).any(|i| (wanted_mm[i] - found_mm[i]).abs() > self.options.tolerance_mm);
            if off {
                return self.fail(Failure::Position { line: None, wanted_mm, found_mm });
            }
        }
        self.over = true;
        self.poll_at = None;
        self.tell(Event::Finished { position_mm: self.status.machine_position_mm });
    }

    /// The state, with holds told as such.
    pub fn state(&mut self, state: State, why: &str) {
        let held = |s: Option<State>| matches!(s, Some(State::Hold(_)));
        let before = self.status.state.replace(state);
        if held(Some(state)) && !held(before) {
            self.tell(Event::Held { cause: crate::session::Cause::Host, why: why.to_owned() });
        } else if held(before) && state == State::Run {
            self.tell(Event::Resumed);
        }
    }

    pub fn ask_again(&mut self) {
        if !self.over {
            let rarely = if self.told { TOLD } else { 1 };
            self.poll_at = Some(self.now + self.options.poll * rarely);
        }
    }
}

impl Handover {
    /// Returns a conversation of this kind.
    pub fn new(kind: Kind, options: Options) -> Handover {
        let core = Core {
            options,
            now: Duration::ZERO,
            out: Outbox::default(),
            events: VecDeque::new(),
            status: Status::default(),
            over: false,
            heard: Duration::ZERO,
            poll_at: None,
            asking: false,
            reached: None,
            told: false,
        };
        let talk = match kind {
            Kind::LinuxCnc => Talk::LinuxCnc(LinuxCnc::default()),
            Kind::Klipper => Talk::Klipper(Klipper::default()),
            Kind::Moonraker => Talk::Moonraker(Moonraker::default()),
        };
        Handover { talk, core }
    }

    /// Says hello; [`Event::Ready`] tells that a program may be started.
    pub fn connect(&mut self, now: Duration) {
        self.at(now);
        self.core.heard = self.core.now;
        match &mut self.talk {
            Talk::LinuxCnc(t) => t.connect(&mut self.core),
            Talk::Klipper(t) => t.connect(&mut self.core),
            Talk::Moonraker(t) => t.connect(&mut self.core),
        }
    }

    /// Starts a program. LinuxCNC: its path there; else its name, which [`Handover::need`] brings there. `bytes` is its size.
    pub fn start(&mut self, now: Duration, name: &str, bytes: u64) {
        self.at(now);
        self.core.heard = self.core.now;
        match &mut self.talk {
            Talk::LinuxCnc(t) => t.start(name, &mut self.core),
            Talk::Klipper(t) => t.start(name, &mut self.core),
            Talk::Moonraker(t) => t.start(name, bytes, &mut self.core),
        }
    }

    /// Returns what the start waits for.
    pub fn need(&self) -> Option<Need> {
        match &self.talk {
            Talk::LinuxCnc(_) => None,
            Talk::Klipper(t) => t.need(),
            Talk::Moonraker(t) => t.need(&self.core),
        }
    }

    /// The file lies where [`Need::FileIn`] wants it.
    pub fn file_is_there(&mut self, now: Duration) {
        self.at(now);
        if let Talk::Klipper(t) = &mut self.talk {
            t.file_is_there(&mut self.core);
        }
    }

    /// Gives bytes of the program to upload.
    pub fn give_bytes(&mut self, now: Duration, bytes: &[u8]) {
        self.at(now);
        self.core.heard = self.core.now;
        self.core.out.push(bytes);
    }

    /// All bytes were given.
    pub fn end_of_bytes(&mut self, now: Duration) {
        self.at(now);
        if let Talk::Moonraker(t) = &mut self.talk {
            t.end_of_bytes(&mut self.core);
        }
    }

    /// Makes the machine stand still.
    pub fn hold(&mut self, now: Duration) {
        self.wish(now, Wish::Hold);
    }

    /// Makes it go on.
    pub fn resume(&mut self, now: Duration) {
        self.wish(now, Wish::Resume);
    }

    /// Ends the job, with what works switched off as far as the other end does that; [`Failure::Stopped`] tells.
    pub fn stop(&mut self, now: Duration) {
        self.wish(now, Wish::Stop);
    }

    /// Makes it go faster or slower, percent.
    pub fn set_feed(&mut self, now: Duration, percent: u16) {
        self.wish(now, Wish::Feed(percent));
    }

    fn wish(&mut self, now: Duration, wish: Wish) {
        self.at(now);
        match &mut self.talk {
            Talk::LinuxCnc(t) => t.wish(wish, &mut self.core),
            Talk::Klipper(t) => t.wish(wish, &mut self.core),
            Talk::Moonraker(t) => t.wish(wish, &mut self.core),
        }
    }

    /// The other end is gone.
    pub fn disconnected(&mut self, now: Duration) {
        self.at(now);
        self.core.fail(Failure::Disconnected);
    }

    /// Takes bytes that came in.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.at(now);
        self.core.heard = self.core.now;
        match &mut self.talk {
            Talk::LinuxCnc(t) => t.receive(bytes, &mut self.core),
            Talk::Klipper(t) => t.receive(bytes, &mut self.core),
            Talk::Moonraker(t) => t.receive(bytes, &mut self.core),
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Duration) {
        self.at(now);
        if self.core.over {
            return;
        }
        let waited = self.core.now.saturating_sub(self.core.heard);
        if self.core.asking && waited >= self.core.options.silence {
            return self.core.fail(Failure::Silent { waited });
        }
        if self.core.poll_at.is_some_and(|t| t <= self.core.now) {
            self.core.poll_at = None;
            self.core.heard = self.core.now;
            match &mut self.talk {
                Talk::LinuxCnc(t) => t.poll(&mut self.core),
                Talk::Klipper(t) => t.poll(&mut self.core),
                Talk::Moonraker(t) => t.poll(&mut self.core),
            }
        }
    }

    /// Returns when [`Handover::tick`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        if self.core.over {
            return None;
        }
        let silence = self.core.asking.then_some(self.core.heard + self.core.options.silence);
        [silence, self.core.poll_at].into_iter().flatten().min()
    }

    /// Returns what is to be written.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.core.out
    }

    /// Returns the next thing to tell.
    pub fn next_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// Returns what the machine said of itself last.
    pub fn status(&self) -> &Status {
        &self.core.status
    }

    /// Returns how far the program is, where that was said.
    pub fn reached(&self) -> Option<Reached> {
        self.core.reached
    }

    fn at(&mut self, now: Duration) {
        self.core.now = self.core.now.max(now);
    }
}
