//! Asks for the state, and notices when nothing comes.
//!
//! A machine may be silent for good reasons: a long move, a dwell, a door. So silence is measured against what explains
//! it: the lines in flight say how long they take, a position that changes is life, and who holds may hold for ever.

use std::time::Duration;

use super::hear::Heard;
use super::types::{Event, Failure, Protocol, State};
use super::{Link, Session, Stage, status};

/// A question that was not answered by then was lost.
const LOST: Duration = Duration::from_secs(1);

/// How long a line that has begun is waited for before the next question: some controllers would answer it in the
/// middle of the line.
const LINE: Duration = Duration::from_millis(100);

/// How often a machine is looked at while it comes to rest.
const CLOSE: Duration = Duration::from_millis(50);

/// When what was heard, asked and done last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// The question for the state that is out.
    asked: Option<Asked>,
    /// When a question was asked although another was out: its answer may still come, or both are answered at once.
    doubled: Option<Duration>,
    /// The newest question, answered or not.
    newest: Option<Asked>,
    /// How long the last answer took.
    answer: Duration,
    next: Duration,
    /// When bytes came in.
    bytes: Duration,
    /// When anything sensible was heard.
    heard: Duration,
    /// When the machine last showed that it gets on.
    pub progress: Duration,
    /// Time that the newest lines take, summed up.
    recent: Recent,
    /// Reports in a row whose counts contradict the ledger.
    pub contradictions: u32,
    /// When counts were last held against the machine's own.
    pub checked: Duration,
    /// When the modes were last held against the machine's own.
    pub modes: Duration,
    /// Questions for the state that were answered.
    pub reports: u32,
    /// Repeated lines since the last answer.
    probes: u32,
}

/// A question for the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// When it was asked.
    at: Duration,
    /// How many bytes of lines had been handed over then, and how many of them had left.
    pub pushed: u64,
    pub left: u64,
    /// No other question is out that the next answer could belong to.
    pub sure: bool,
    /// No line follows before the answer, so that the count of the ring is exact.
    quiet: bool,
}

/// The shortest time between two questions of a GRBL that is slower than the wire. Its processor has nothing to do then but
/// to wait for its planner, and a report takes an eighth of this on a wire of 115200 baud.
const EAGER: Duration = Duration::from_millis(40);

/// How long the answer to a question may still come after another was asked.
const DOUBLED: Duration = Duration::from_millis(300);

/// How long lines wait for the answer to a question: a report has 60 bytes, which take 5 ms, and an FTDI chip may keep
/// it 16 ms more. The planner is full meanwhile, and half a ring of lines waits behind it.
const QUIET: Duration = Duration::from_millis(25);

/// The times of as many lines as a planner holds.
#[derive(Clone, Debug, Default)]
struct Recent {
    times: std::collections::VecDeque<Duration>,
    sum: Duration,
}

impl Recent {
    /// Planner blocks of a Marlin, and some.
    const LINES: usize = 20;

    fn push(&mut self, time: Duration) {
        if self.times.len() == Self::LINES {
            let oldest = self.times.pop_front().unwrap_or_default();
            self.sum = self.sum.saturating_sub(oldest);
        }
        self.times.push_back(time);
        self.sum = self.sum.saturating_add(time);
    }
}

impl Watch {
    pub(crate) fn start(&mut self, now: Duration) {
        *self = Self { next: now, heard: now, progress: now, checked: now, modes: now, ..Self::default() };
    }

    /// A line went to the wire that takes so long.
    pub(crate) fn line_went(&mut self, now: Duration, duration: Duration) {
        self.recent.push(duration);
        self.progress = self.progress.max(now);
    }

    pub(crate) fn bytes_came(&mut self, now: Duration) {
        self.bytes = now;
    }

    /// Something was said to the machine that it has to answer.
    pub(crate) fn asked_machine(&mut self, now: Duration) {
        self.progress = self.progress.max(now);
    }

    pub(crate) fn heard(&mut self, now: Duration, heard: &Heard<'_>) {
        if matches!(heard, Heard::Message(_)) {
            return;
        }
        self.heard = now;
        // Temperatures come by themselves, whether lines are taken or not.
        if !matches!(heard, Heard::Report(_) | Heard::Temperatures(_, false) | Heard::Wait) {
            self.progress = now;
            self.probes = 0;
        }
    }

    /// Asks at once, whatever the turn.
    pub(crate) fn hurry(&mut self, now: Duration) {
        // A question of this very moment is soon enough.
        if self.asked.is_none_or(|asked| asked.at < now) {
            self.next = now;
            if self.asked.take().is_some() {
                self.doubled = Some(now);
            }
        }
    }

    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Returns until when no line goes, for a question is out that is to be answered exactly.
    pub(crate) fn quiet_until(&self) -> Option<Duration> {
        self.asked.filter(|asked| asked.quiet).map(|asked| asked.at + QUIET)
    }
}

impl Session {
    /// Asks the machine for its state, at the next turn.
    pub fn query_status(&mut self, now: Duration) {
        self.at(now);
        if self.protocol.is_some_and(|p| !p.is_realtime()) {
            self.command(now, b"M114");
            self.command(now, b"M105");
        } else {
            self.watch.hurry(self.now);
        }
        self.pump();
    }

    fn poll_interval(&self) -> Duration {
        match &self.stage {
            Stage::Asking(_) | Stage::Stopping(_) | Stage::Settling(_) => CLOSE.min(self.options.poll),
            _ => self.options.poll,
        }
    }

    pub(crate) fn polls(&self) -> bool {
        match &self.stage {
            Stage::Asking(asking) => asking.polls(self.protocol),
            _ => self.protocol.is_some_and(Protocol::is_realtime),
        }
    }

    pub(crate) fn watch_deadline(&self) -> Option<Duration> {
        let poll = self.polls().then(|| {
            let next = match self.watch.asked {
                Some(asked) => (asked.at + LOST).max(self.watch.next),
                None => self.counts_again().map_or(self.watch.next, |at| at.min(self.watch.next)),
            };
            if self.reader.is_within() { next.max(self.watch.bytes + LINE) } else { next }
        });
        [poll, self.patience()].into_iter().flatten().min()
    }

    /// Returns when silence becomes a reason to act.
    fn patience(&self) -> Option<Duration> {
        let working = matches!(self.stage, Stage::Running | Stage::Settling(_));
        if !working {
            return None;
        }
        let silence = self.options.silence;
        match &self.link {
            // Whoever holds may hold for ever, but answers when asked.
            Link::Counted(_) if self.hold.is_told() => Some(self.watch.heard + silence),
            Link::Numbered(_) if self.hold.is_told() => None,
            Link::Counted(ledger) => {
                let oldest = ledger.front().map_or(Duration::ZERO, |item| item.duration);
                let deaf = self.watch.heard + silence;
                let waits = !ledger.is_empty() || matches!(self.stage, Stage::Settling(_));
                let stuck = waits.then(|| self.watch.progress + silence + oldest);
                // Asked all the time, so silence is silence, even with nothing in flight.
                Some(stuck.map_or(deaf, |stuck| stuck.min(deaf)))
            }
            Link::Numbered(numbered) if numbered.in_flight() > 0 => {
                let wait = silence / 3;
                Some(self.watch.progress + wait + self.watch.recent.sum)
            }
            Link::Numbered(_) => None,
        }
    }

    /// Asks for the state when it is time, and gives up when it has been silent for too long.
    pub(crate) fn watch(&mut self) {
        let now = self.now;
        if self.polls() {
            let lost = self.watch.asked.is_some_and(|asked| now >= asked.at + LOST);
            let interrupts = self.reader.is_within() && now < self.watch.bytes + LINE;
            let due = now >= self.watch.next || self.counts_again().is_some_and(|at| now >= at);
            if due && (self.watch.asked.is_none() || lost) && !interrupts {
                let (pushed, left) = match &self.link {
                    Link::Counted(ledger) => (ledger.pushed(), ledger.left(&self.out)),
                    Link::Numbered(_) => (0, 0),
                };
                let sure = !lost && self.watch.doubled.is_none_or(|at| now > at + DOUBLED);
                let quiet = sure && pushed == left && self.has_time();
                self.urgent(b'?');
                self.watch.asked = Some(Asked { at: now, pushed, left, sure, quiet });
                self.watch.newest = self.watch.asked;
                self.watch.next = now + self.poll_interval();
            }
        }
        if self.patience().is_some_and(|end| now >= end) {
            self.lose_patience();
        }
    }

    /// Returns whether the machine is slower than the wire: its planner was full and its ring half full when it last spoke, so that a
    /// question can be answered before it misses any.
    fn has_time(&self) -> bool {
        let Link::Counted(ledger) = &self.link else { return false };
        let half = |ring: u32| self.status.room.is_some_and(|(blocks, free)| blocks == 0 && free <= ring / 2);
        self.protocol == Some(Protocol::Grbl)
            && matches!(self.stage, Stage::Running)
            && ledger.ring.is_some_and(half)
            && ledger.bytes() * 2 >= ledger.window
    }

    /// Returns when the ring is to be counted again: before the lines that were not in it the last time have left it.
    fn counts_again(&self) -> Option<Duration> {
        let (Link::Counted(ledger), Some(newest)) = (&self.link, self.watch.newest) else { return None };
        let fresh = ledger.pushed().saturating_sub(newest.pushed) as usize * 2 >= ledger.window;
        // On a slow wire the answers, and the lines that wait for them, must not take all the time.
        (fresh && self.has_time()).then(|| newest.at + EAGER.max(self.watch.answer * 3))
    }

    fn lose_patience(&mut self) {
        let now = self.now;
        let waited = now.saturating_sub(self.watch.progress.min(self.watch.heard));
        if let Link::Numbered(numbered) = &mut self.link
            && self.watch.probes < 3
        {
            // Lines can be repeated without harm: that wakes up whoever lost one, or its answer.
            self.watch.probes += 1;
            self.watch.progress = now;
            numbered.probe(now, &mut self.out);
            return;
        }
        self.fail(Failure::Silent { waited });
    }

    /// A report of the state came.
    pub(crate) fn hear_report(&mut self, report: &str) {
        let place = self.status.machine_position_mm;
        let Some(told) = status::take_report(&mut self.status, report, self.inches) else { return };
        self.hear_zero(told);
        let asked = self.watch.asked.take();
        if let Some(asked) = asked {
            self.watch.answer = self.now.saturating_sub(asked.at);
        }
        self.watch.reports = self.watch.reports.saturating_add(1);
        let moves = self.status.feed_mm_per_min.is_some_and(|feed| feed > 0.0)
            || self.status.machine_position_mm != place;
        let patient = !matches!(
            self.status.state,
            Some(State::Idle | State::Run | State::Check | State::Alarm | State::Unknown) | None
        );
        if moves || patient {
            self.watch.progress = self.now;
        }
        self.tell(Event::Status(self.status.clone()));
        self.tell_state();
        self.hold_against(asked.filter(|asked| asked.sure));
        self.look_where_it_is();
        self.settle_on(asked.is_some());
        self.stop_saw(asked.is_some());
        self.ask_saw();
    }
}
