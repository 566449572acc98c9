//! Making the process safe when a job ends early.
//!
//! ```text
//!  GRBL and its kin:   ! ─▶ Hold:0 ─▶ 0x18 ─▶ banner ─▶ M5 M9, Z up ─▶ rest
//!  Marlin and its kin: M410 ─▶ beam, spindle, heaters off ─▶ Z up ─▶ M400
//! ```
//!
//! A soft reset in `Hold:0` keeps the position and switches everything off; in motion it would lose steps. Every step
//! has an end in time, for the other side may be dead. None of this is an emergency stop.

use std::time::Duration;

use super::item::{Item, Kind};
use super::ledger::Ledger;
use super::types::{Event, Failure, Process, Protocol, Retract, State};
use super::{Link, Session, Stage};

/// How long a machine may brake.
const BRAKING: Duration = Duration::from_secs(4);

/// How long a soft reset may take.
const RESET: Duration = Duration::from_secs(2);

/// How long switching off and going up may take.
const SAFE: Duration = Duration::from_secs(15);

/// How long a machine that has lost its mind is given.
const LOST: Duration = Duration::from_millis(1500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Brakes.
    Halt,
    /// Was reset, has not greeted yet.
    Reset,
    /// Greeted; is it locked?
    Look,
    /// Switches off and goes up.
    Safe,
}

/// A job that is being stopped.
#[derive(Clone, Debug)]
pub(crate) struct Stopping {
    failure: Failure,
    step: Step,
    until: Duration,
    /// The machine knows where it is.
    knows: bool,
    /// Reports that said `Idle` after the last line.
    idles: u32,
}

impl Stopping {
    pub(crate) fn deadline(&self) -> Duration {
        self.until
    }
}

impl Session {
    /// Ends the job: the machine stops as gently as it can, what works goes off, the tool goes up; then
    /// [`Event::Failed`] with [`Failure::Stopped`]. Also makes a machine safe that has no job of ours.
    pub fn stop(&mut self, now: Duration) {
        self.at(now);
        if matches!(self.stage, Stage::New | Stage::Gone | Stage::Stopping(_)) {
            return;
        }
        self.begin_stop(Failure::Stopped);
        self.pump();
    }

    /// Ends everything at once: a soft reset, or M112. Position and program are lost.
    pub fn reset(&mut self, now: Duration) {
        self.at(now);
        if matches!(self.stage, Stage::New | Stage::Gone) {
            return;
        }
        let failure = match &self.stage {
            Stage::Stopping(stopping) => stopping.failure.clone(),
            _ => Failure::Stopped,
        };
        self.forget();
        let realtime = self.protocol.is_none_or(Protocol::is_realtime);
        if realtime {
            self.urgent(0x18);
        } else {
            self.out.push(b"M112\n");
        }
        let until = self.now + if realtime { RESET } else { Duration::from_millis(300) };
        self.stage = Stage::Stopping(Stopping { failure, step: Step::Reset, until, knows: false, idles: 0 });
        self.pump();
    }

    /// Says that the port is gone.
    pub fn disconnected(&mut self, now: Duration) {
        self.at(now);
        let failure = match &self.stage {
            Stage::Gone => return,
            Stage::Stopping(stopping) => stopping.failure.clone(),
            _ => Failure::Disconnected,
        };
        self.forget();
        self.stage = Stage::Gone;
        self.tell(Event::Failed(failure));
    }

    /// The job, or what there is of one, has failed.
    pub(crate) fn fail(&mut self, failure: Failure) {
        match self.stage {
            Stage::Asking(_) => {
                self.forget();
                self.stage = Stage::Over;
                self.tell(Event::Failed(failure));
            }
            Stage::Running | Stage::Settling(_) => self.begin_stop(failure),
            Stage::Ready if matches!(failure, Failure::Halted { .. }) => {
                self.forget();
                self.stage = Stage::Over;
                self.tell(Event::Failed(failure));
            }
            _ => {}
        }
    }

    /// Drops what waits; returns whether a line was cut in two on the wire.
    fn forget(&mut self) -> bool {
        self.queue.clear();
        self.hold_no_more();
        self.written.clear();
        self.job = super::Job::default();
        let cut = self.out.clear_waiting();
        self.link = Link::Counted(Ledger::new(127, true));
        cut
    }

    fn begin_stop(&mut self, failure: Failure) {
        let knows = !matches!(
            failure,
            Failure::Alarm { .. }
                | Failure::Restarted { .. }
                | Failure::Halted { .. }
                | Failure::Silent { .. }
        );
        let cut = self.forget();
        let realtime = self.protocol.is_none_or(Protocol::is_realtime);
        let now = self.now;
        let (step, until) = if realtime {
            self.watch.hurry(now);
            if knows {
                self.urgent(b'!');
                (Step::Halt, now + BRAKING)
            } else {
                if matches!(failure, Failure::Silent { .. }) {
                    self.urgent(b'!');
                }
                self.urgent(0x18);
                (Step::Reset, now + self.reset_time())
            }
        } else {
            if cut {
                self.out.push(b"\n");
            }
            if knows && self.protocol == Some(Protocol::Marlin) {
                // The emergency parser takes it at once; without one it waits its turn and does no harm.
                self.out.push(b"M410\n");
            }
            (Step::Safe, now + if knows { SAFE } else { LOST })
        };
        let halted = matches!(failure, Failure::Halted { .. });
        self.stage = Stage::Stopping(Stopping { failure, step, until, knows, idles: 0 });
        if !realtime {
            if halted {
                // The firmware has switched off what it could, and listens no more.
                self.over();
            } else {
                self.make_safe();
            }
        }
    }

    fn reset_time(&self) -> Duration {
        if self.protocol == Some(Protocol::Smoothie) { Duration::from_millis(300) } else { RESET }
    }

    /// Goes on when a step takes too long.
    pub(crate) fn stop_on(&mut self) {
        let Stage::Stopping(stopping) = &self.stage else { return };
        let late = self.now >= stopping.until;
        match stopping.step {
            Step::Halt if late => self.soft_reset(),
            // Numbered machines rest when M400 is answered; the others say so, see `stop_saw`.
            Step::Safe if !self.polls() && self.queue.is_empty() && self.is_answered() => self.over(),
            _ if late => self.over(),
            _ => {}
        }
    }

    fn soft_reset(&mut self) {
        let (now, time) = (self.now, self.reset_time());
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        // In motion it loses steps.
        stopping.knows &= matches!(self.status.state, Some(State::Hold(true) | State::Idle | State::Check));
        (stopping.step, stopping.until) = (Step::Reset, now + time);
        self.out.clear_waiting();
        self.urgent(0x18);
        self.status.state = None;
        self.watch.hurry(now);
    }

    /// A report came while stopping; `asked` when it answers a question.
    pub(crate) fn stop_saw(&mut self, asked: bool) {
        let safe = self.queue.is_empty() && self.is_answered();
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        let state = self.status.state;
        match stopping.step {
            Step::Halt if asked => match state {
                // In Idle the byte `!` may not have been heard; there is nothing to brake.
                Some(State::Run | State::Jog | State::Home | State::Hold(false) | State::Unknown) | None => {}
                Some(_) => self.soft_reset(),
            },
            Step::Look if state == Some(State::Idle) => self.make_safe(),
            Step::Look => self.over(),
            Step::Safe if safe && asked && state == Some(State::Idle) => {
                // The first may be from before the last move began.
                stopping.idles += 1;
                if stopping.idles > 1 {
                    self.over();
                }
            }
            _ => {}
        }
    }

    /// A banner came while stopping.
    pub(crate) fn stop_greeted(&mut self) {
        let now = self.now;
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        if stopping.step == Step::Reset {
            (stopping.step, stopping.until) = (Step::Look, now + RESET);
            self.watch.hurry(now);
        }
    }

    /// An alarm came while stopping: the position is lost, or the machine locked.
    pub(crate) fn stop_alarmed(&mut self) {
        if let Stage::Stopping(stopping) = &mut self.stage {
            stopping.knows = false;
            if stopping.step == Step::Halt {
                self.soft_reset();
            } else if stopping.step == Step::Safe {
                self.over();
            }
        }
    }

    /// Sends what switches off, and what goes up.
    fn make_safe(&mut self) {
        let now = self.now;
        let grbl = self.protocol.is_none_or(Protocol::is_realtime);
        let mut lines: Vec<String> = Vec::new();
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        stopping.step = Step::Safe;
        stopping.until = stopping.until.max(now + if stopping.knows { SAFE } else { LOST });
        let knows = stopping.knows;
        match self.options.process {
            Process::Spindle => lines.extend(["M5", "M9"].map(str::to_owned)),
            Process::Beam => lines
                .extend(if grbl { vec!["M5"] } else { vec!["M5", "M107"] }.into_iter().map(str::to_owned)),
            Process::Heaters => {
                let heaters = self.status.heaters_c.iter();
                let tools = heaters.filter_map(|(name, ..)| name.strip_prefix('T')?.parse::<u8>().ok());
                lines.extend(tools.map(|tool| format!("M104 T{tool} S0")));
                lines.extend(["M104 S0", "M140 S0", "M107"].map(str::to_owned));
            }
            Process::None => {}
        }
        match self.options.retract {
            Retract::To(mm) if knows && grbl => lines.push(format!("G53G0Z{mm:.3}")),
            Retract::By(mm) if knows && grbl => lines.push(format!("G21G91G0Z{mm:.3}")),
            Retract::By(mm) if knows => {
                lines.extend(["G91".to_owned(), format!("G0 Z{mm:.3} F600"), "G90".to_owned()]);
            }
            // Numbered machines have no machine coordinates to speak of: G53 is an option of Marlin.
            _ => {}
        }
        if grbl && self.options.retract != Retract::Never && knows {
            lines.push("G90".to_owned());
        }
        if !grbl {
            lines.push("M400".to_owned());
        }
        let items = lines.into_iter().map(|text| Item::own(Kind::Safe, text));
        if knows || grbl {
            self.queue.extend(items.map(Item::alone));
        } else {
            // It may not answer, and hear all the same.
            self.link = Link::Counted(Ledger::new(127, false));
            self.queue.extend(items);
        }
        self.watch.hurry(now);
    }

    /// All that could be done was done.
    fn over(&mut self) {
        self.queue.clear();
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Stage::Stopping(stopping) = stage {
            self.tell(Event::Failed(stopping.failure));
        }
    }

    /// The controller locked itself.
    pub(crate) fn hear_alarm(&mut self, code: Option<u32>, said: &str) {
        let said = said.to_owned();
        self.tell(Event::Message(said.clone()));
        match self.stage {
            Stage::Running | Stage::Settling(_) => self.fail(Failure::Alarm { code, said }),
            Stage::Stopping(_) => self.stop_alarmed(),
            Stage::Ready | Stage::Over => self.refuse_all(code, &said),
            _ => {}
        }
    }

    /// The firmware began anew.
    pub(crate) fn hear_banner(&mut self, said: &str) {
        self.tell(Event::Message(said.to_owned()));
        self.modes.forget();
        match self.stage {
            Stage::Asking(_) => self.ask_greeted(said),
            Stage::Settling(_) if self.leaves_check_mode() => {
                self.link_cleared();
                self.conclude(None);
            }
            Stage::Running | Stage::Settling(_) => self.fail(Failure::Restarted { said: said.to_owned() }),
            Stage::Stopping(_) => self.stop_greeted(),
            Stage::Ready if self.protocol.is_some_and(Protocol::is_numbered) => {
                // Its line numbers begin anew.
                self.refuse_all(None, said);
                self.connect(self.now);
            }
            Stage::Ready | Stage::Over => self.refuse_all(None, said),
            Stage::New | Stage::Gone => {}
        }
    }

    /// What is in flight will not be answered any more.
    fn link_cleared(&mut self) -> Vec<Item> {
        match &mut self.link {
            Link::Counted(ledger) => ledger.clear().collect(),
            Link::Numbered(numbered) => std::mem::take(numbered).items().cloned().collect(),
        }
    }

    fn refuse_all(&mut self, code: Option<u32>, said: &str) {
        for item in self.link_cleared() {
            if matches!(item.kind, Kind::Command | Kind::Write(..) | Kind::Settings(_)) {
                self.tell(Event::Answered { text: item.words(), refused: Some((code, said.to_owned())) });
            }
        }
    }

    pub(crate) fn hear_resend(&mut self, number: i64) {
        let Link::Numbered(numbered) = &mut self.link else { return };
        let mut done = Vec::new();
        let verdict = numbered.resend(number, self.now, &mut done);
        for item in done {
            self.answered(item, None);
        }
        match verdict {
            super::numbered::Verdict::Again(line) => self.tell(Event::Resent(line)),
            super::numbered::Verdict::Broken(why) => {
                self.fail(Failure::Unsure { why: format!("the wire is bad: {why}") });
            }
            super::numbered::Verdict::Nothing => {}
        }
    }

    /// The firmware left a line out that it does not know, and says `ok` all the same. It repeats the line: is it ours?
    pub(crate) fn hear_unknown(&mut self, said: &str) {
        self.ask_unknown();
        let Link::Numbered(numbered) = &self.link else { return self.tell(Event::Message(said.to_owned())) };
        // With its checksum it is a line whose number was damaged; that one is asked for again.
        let repeated = said.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).map(|(line, _)| line);
        let repeated = repeated.filter(|line| !line.contains('*'));
        let ours = repeated.is_none_or(|line| numbered.newest(line.as_bytes()));
        let line = numbered.items().next().map_or(0, |i| i.number);
        self.tell(Event::Message(if line > 0 { format!("line {line}: {said}") } else { said.to_owned() }));
        if !ours && matches!(self.stage, Stage::Running | Stage::Settling(_)) {
            // Checksums are an exclusive or: the same bit damaged twice does not show.
            self.fail(Failure::Unsure { why: format!("a line was damaged on the wire: {said}") });
        }
    }
}
