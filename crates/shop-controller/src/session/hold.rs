//! Standing still and going on.
//!
//! `!` and `~` are single bytes that may get lost, and GRBL ignores `~` while it still brakes (`Hold:1`). So a wish is
//! repeated until the state says that it was granted.

use std::time::Duration;

use super::types::{Cause, Event, Failure, Protocol, State};
use super::{Session, Stage};

/// How often `!` is repeated: it acts at once, so a second one is only for a lost one.
const HOLD_AGAIN: Duration = Duration::from_millis(250);

/// How often `~` is repeated: braking takes tenths of a second.
const RESUME_AGAIN: Duration = Duration::from_millis(100);

/// How long `!` is repeated.
const HOLD_TRIES: Duration = Duration::from_secs(3);

/// How long `~` is repeated: a door takes its time.
const RESUME_TRIES: Duration = Duration::from_secs(10);

/// What was asked for, and what was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hold {
    /// No line of the program goes.
    feed_stopped: bool,
    told: Option<Cause>,
    /// The controller itself waits, and says so when it goes on by answering.
    waits: bool,
    wish: Option<Wish>,
    /// The program pauses here: whether the line ends with it, its number.
    pause: Option<(bool, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Wish {
    still: bool,
    again: Duration,
    until: Duration,
}

impl Hold {
    pub(crate) fn is_feed_stopped(&self) -> bool {
        self.feed_stopped || self.pause.is_some()
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told.is_some() || self.pause.is_some()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.wish.map(|wish| wish.again)
    }
}

impl Session {
    /// Asks the machine to stand still: at once where it can, else when it has done what is in its buffers.
    pub fn hold(&mut self, now: Duration) {
        self.at(now);
        if matches!(self.stage, Stage::New | Stage::Gone | Stage::Stopping(_)) {
            return;
        }
        self.hold.feed_stopped = true;
        if self.protocol.is_none_or(Protocol::is_realtime) {
            // Who was told to go on and has not done so yet is held anew.
            if self.hold.wish.is_some_and(|wish| !wish.still) {
                self.hold.told = None;
            }
            self.urgent(b'!');
            self.hold.wish =
                Some(Wish { still: true, again: self.now + HOLD_AGAIN, until: self.now + HOLD_TRIES });
            self.watch.hurry(self.now);
        } else {
            let why = "no more lines are sent; what the machine has in its buffers it still does";
            self.held(Cause::Operator, why.to_owned());
        }
        self.pump();
    }

    /// Goes on after a hold, a door, a pause of the program.
    pub fn resume(&mut self, now: Duration) {
        self.at(now);
        if matches!(self.stage, Stage::New | Stage::Gone | Stage::Stopping(_)) {
            return;
        }
        self.hold.feed_stopped = false;
        self.watch.asked_machine(self.now);
        if let Some((last, number)) = self.hold.pause.take() {
            self.hold.told = None;
            self.tell(Event::Resumed);
            if last {
                self.tell(Event::Acknowledged(number));
            }
        }
        let stands = matches!(self.status.state, Some(State::Hold(_) | State::Door(_) | State::Tool));
        if self.protocol.is_none_or(Protocol::is_realtime) {
            let asked = self.hold.wish.take().is_some_and(|wish| wish.still);
            if stands || asked {
                self.urgent(b'~');
                self.hold.wish = Some(Wish {
                    still: false,
                    again: self.now + RESUME_AGAIN,
                    until: self.now + RESUME_TRIES,
                });
                self.watch.hurry(self.now);
            }
        } else {
            if self.hold.waits {
                // The emergency parser takes it past the line that waits.
                self.out.push(b"M108\n");
            }
            self.let_go();
        }
        self.pump();
    }

    /// Repeats a wish that was not granted yet.
    pub(crate) fn hold_on(&mut self) {
        let Some(wish) = self.hold.wish else { return };
        let stands = matches!(self.status.state, Some(State::Hold(_) | State::Door(_) | State::Tool));
        let over = matches!(self.status.state, Some(State::Alarm | State::Sleep));
        if over || stands == wish.still && !self.watch.is_asking() {
            self.hold.wish = None;
            return;
        }
        if self.now < wish.again {
            return;
        }
        if self.now >= wish.until {
            self.hold.wish = None;
            if !wish.still {
                self.tell(Event::Message("(the machine does not go on)".to_owned()));
                self.hold.told = None;
                self.tell_state();
            }
            return;
        }
        let (byte, pause) = if wish.still { (b'!', HOLD_AGAIN) } else { (b'~', RESUME_AGAIN) };
        self.urgent(byte);
        self.hold.wish = Some(Wish { again: self.now + pause, ..wish });
        self.watch.hurry(self.now);
    }

    /// Compares the state with the one before and tells what changed.
    pub(crate) fn tell_state(&mut self) {
        let working = matches!(self.stage, Stage::Running | Stage::Settling(_));
        let resumes = self.hold.wish.is_some_and(|wish| !wish.still);
        let cause = match self.status.state {
            // It was just told to go on, and will be told again.
            Some(State::Hold(_) | State::Door(true) | State::Tool) if resumes => return,
            Some(State::Hold(_)) if self.hold.feed_stopped => Some((Cause::Operator, "feed hold")),
            Some(State::Hold(_)) => Some((Cause::Machine, "the machine is in feed hold")),
            Some(State::Door(true)) => Some((Cause::Door(true), "the door is closed again")),
            Some(State::Door(false)) => Some((Cause::Door(false), "the door is open")),
            Some(State::Tool) => Some((Cause::Tool(None), "the controller waits for a tool")),
            Some(State::Alarm) if working => {
                let said = "the machine reports Alarm".to_owned();
                return self.fail(Failure::Alarm { code: None, said });
            }
            Some(State::Sleep) if working => {
                return self.fail(Failure::Alarm { code: None, said: "the machine fell asleep".to_owned() });
            }
            _ => None,
        };
        if matches!(self.stage, Stage::Stopping(_)) {
            return;
        }
        match cause {
            Some((cause, why)) => self.held(cause, why.to_owned()),
            None if self.protocol.is_none_or(Protocol::is_realtime) => self.let_go(),
            None => {}
        }
    }

    /// Tells that something holds the machine, once.
    fn held(&mut self, cause: Cause, why: String) {
        if self.hold.told != Some(cause) && self.hold.pause.is_none() {
            self.hold.told = Some(cause);
            self.tell(Event::Held { cause, why });
        }
    }

    /// Tells that it goes on, if it was told that it does not.
    fn let_go(&mut self) {
        if self.hold.pause.is_none() && self.hold.told.take().is_some() {
            self.hold.feed_stopped = false;
            self.hold.waits = false;
            self.watch.asked_machine(self.now);
            self.tell(Event::Resumed);
        }
    }

    /// The program pauses: everything before was answered.
    pub(crate) fn pause_here(&mut self, cause: Cause, last: bool, number: u64) {
        let why = match cause {
            Cause::Tool(Some(tool)) => format!("line {number} asks for tool {tool}"),
            Cause::Tool(None) => format!("line {number} asks for another tool"),
            _ => format!("the program pauses at line {number}"),
        };
        self.hold.told = None;
        self.held(cause, why);
        self.hold.pause = Some((last, number));
        self.zeros.pauses();
    }

    /// `//action:`: the machine's own panel wants something of its host.
    pub(crate) fn hear_action(&mut self, action: &str) {
        let word = action.split_ascii_whitespace().next().unwrap_or_default();
        match word {
            "pause" | "paused" | "out_of_filament" | "filament_runout" => {
                self.hold.feed_stopped = true;
                self.hold.waits = word != "pause";
                self.held(Cause::Host, format!("the machine asks for a pause ({action})"));
            }
            "resume" | "resumed" => {
                self.hold.waits = false;
                self.hold.feed_stopped = false;
                self.let_go();
            }
            "cancel" | "kill" => {
                self.tell(Event::Message(format!("//action:{action}")));
                self.fail(Failure::Stopped);
            }
            _ => self.tell(Event::Message(format!("//action:{action}"))),
        }
    }

    pub(crate) fn hear_busy(&mut self, why: &str) {
        if why.starts_with("paused") {
            self.hold.waits = true;
            self.held(Cause::Host, format!("the machine is {why}"));
        }
    }

    /// A line was taken: who waited for the user does no longer.
    pub(crate) fn waits_no_more(&mut self) {
        if self.hold.waits {
            self.let_go();
        }
    }

    /// Forgets all wishes: the machine is being stopped.
    pub(crate) fn hold_no_more(&mut self) {
        self.hold = Hold::default();
    }
}
