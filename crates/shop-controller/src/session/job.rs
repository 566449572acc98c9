//! Streaming a program, and proving at its end that it was done.
//!
//! An `ok` is only a count. What holds the count against the machine:
//! - `Bf:` in a report says how full the ring is (see [`super::ledger`]);
//! - a *marker*, `$G`, is answered by `[GC:...]` when all before it was read, and by nothing else;
//! - the place where the machine is seen lies on the way of the lines in flight, and at the end where the program ends;
//! - the modes that it reports are those of the program (see [`super::evidence`]).
//!
//! What does not add up is never repaired by guessing: a lost `ok` looks exactly like a lost newline.

use std::collections::VecDeque;
use std::time::Duration;

use super::evidence::Evidence;
use super::item::{Item, Kind};
use super::types::{Event, Failure, Line, Protocol, Reach, State, Zero};
use super::{Link, Session, Stage, status, wire};

/// How long counts may go unchecked before a marker is sent. It costs three bytes.
const UNCHECKED: Duration = Duration::from_secs(2);

/// How long modes may go unchecked. A report of them has 60 bytes: half a percent of a wire of 115200 baud.
const MODES: Duration = Duration::from_secs(1);

/// Reports in a row that must say `Idle`: GRBL says so for a moment between reading a line and starting its move.
const IDLES: u32 = 3;

/// Reports at rest to wait for the work zero where the end of the program counts from it: GRBL tells it in every 10th.
const ZERO_WITHIN: u32 = 12;

/// How long an answer may come after it should have come.
const GRACE: Duration = Duration::from_secs(1);

/// How long a printer may take to tell its place, and how often it is asked.
const PLACE: Duration = Duration::from_secs(2);
const PLACE_TRIES: u32 = 4;

/// A program on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Job {
    /// The last line was given.
    ended: bool,
    /// The controller only reads.
    pub checking: bool,
    /// Answers seem to be missing: no line goes until that is settled, and it is by then.
    doubt: Option<Doubt>,
    /// Where the newest lines went that are taken and perhaps not done, oldest first, and the number of the zero that they
    /// run under. Nothing stands for a line of which nobody knows where it goes.
    pub trail: VecDeque<(Option<Reach>, u64)>,
    /// Axes of which nobody knows where they are, after a change of tools: bit 0 is X.
    pub blind: u8,
    /// Where the newest line that was answered ends, and the number of its zero; nothing where nobody knows.
    end: Option<(Reach, u64)>,
    /// The newest line of the file that was answered.
    pub newest: u64,
    /// What does not fit, and was seen once.
    pub evidence: Evidence,
}

/// Answers that should have come before a marker's report and did not: lost, or late?
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// The line whose answer is the first that may be missing.
    line: u64,
    missing: usize,
    /// When late becomes lost: a while after a second marker, behind all that is in flight, was read.
    until: Option<Duration>,
}

/// What is left to be known after the last line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settling {
    idles: u32,
    place: Option<[f64; 3]>,
    /// Reports at rest that did not tell the work zero.
    without_zero: u32,
    /// Check mode is being left.
    leaving: bool,
    /// When the place is asked for again, and how often that was done.
    again: Option<Duration>,
    tries: u32,
}

impl Session {
    /// Returns whether a line is wanted now.
    pub fn wants_line(&self) -> bool {
        matches!(self.stage, Stage::Ready | Stage::Running)
            && !self.job.ended
            && self.queue.is_empty()
            && !self.hold.is_feed_stopped()
            && (!self.job.checking || self.status.state == Some(State::Check))
    }

    /// Hands over the next line of the program. It waits here until it fits.
    pub fn give(&mut self, now: Duration, line: Line) {
        self.at(now);
        if !matches!(self.stage, Stage::Ready | Stage::Running) {
            return;
        }
        self.begin_job();
        let alone = self.protocol.is_some_and(|p| wire::is_setting(&line.text, p));
        self.enqueue_line(line, alone);
        self.pump();
    }

    /// Says that there are no more lines.
    pub fn end_of_program(&mut self, now: Duration) {
        self.at(now);
        if !matches!(self.stage, Stage::Ready | Stage::Running) {
            return;
        }
        self.begin_job();
        self.job.ended = true;
        self.pump();
    }

    /// From here on the controller only reads, until the program ends: every line that it would refuse is told as
    /// [`Event::WouldRefuse`]. Returns whether the controller can.
    pub fn check_mode(&mut self, now: Duration) -> bool {
        self.at(now);
        let can = matches!(self.stage, Stage::Ready) && self.protocol.is_some_and(Protocol::is_counted);
        if can {
            self.job.checking = true;
            self.queue.push_back(Item::own(Kind::Command, &b"$C"[..]).alone());
            self.pump();
        }
        can
    }

    fn begin_job(&mut self) {
        if matches!(self.stage, Stage::Ready) {
            self.stage = Stage::Running;
            let checking = self.job.checking;
            self.job = super::Job { checking, ..super::Job::default() };
            self.zeros.begin(self.status.work_offset_mm, self.status.machine_position_mm);
            self.watch.asked_machine(self.now);
            self.watch.checked = self.now;
            self.watch.modes = self.now;
        }
    }

    /// A line of the program was answered.
    pub(crate) fn program_answered(&mut self, item: &Item, last: bool, refused: Option<(Option<u32>, &str)>) {
        if let Some((code, said)) = refused {
            let (line, text, said) = (item.number, item.words(), said.to_owned());
            if !self.job.checking {
                return self.fail(Failure::Refused { line, text, code, said });
            }
            self.tell(Event::WouldRefuse { line, text, code, said });
        }
        self.waits_no_more();
        self.job.newest = self.job.newest.max(item.number);
        self.job.end = item.reach.map(|reach| (reach, item.zero));
        // What does not move would push out what still does.
        if item.reach.is_none_or(|r| self.job.trail.is_empty() || r.moves()) {
            if self.job.trail.len() > self.planned_lines() + 2 {
                self.job.trail.pop_front();
            }
            self.job.trail.push_back((item.reach, item.zero));
        }
        if last {
            self.tell(Event::Acknowledged(item.number));
        }
    }

    /// Returns how many lines that are answered may not be done. `FluidNC` does not say, and can be told up to 120
    /// (`planner_blocks` of its configuration).
    fn planned_lines(&self) -> usize {
        let usual = if self.protocol == Some(Protocol::FluidNc) { 120 } else { 16 };
        self.identity.planner_blocks.unwrap_or(usual).min(2048) as usize
    }

    /// `[GC:...]` came.
    pub(crate) fn hear_modal(&mut self, said: &str) {
        let Link::Counted(ledger) = &mut self.link else { return };
        let (before, modes) = ledger.marker_read().map_or((None, None), |(at, modes)| (Some(at), modes));
        let line = ledger.items().find(|i| i.number > 0).map_or(0, |i| i.number);
        let (last, own) = (!ledger.has_unread_marker(), ledger.items().any(|i| i.kind == Kind::Marker));
        if !own {
            self.tell(Event::Message(said.to_owned()));
        }
        match before {
            // FluidNC may tell its modes unasked.
            Some(missing) if missing > 0 && self.protocol != Some(Protocol::FluidNc) => {
                self.doubt(line, missing, last);
            }
            _ => self.hold_modes(modes.as_deref(), said),
        }
    }

    /// A marker was read, and lines before it are unanswered.
    fn doubt(&mut self, line: u64, missing: usize, last: bool) {
        if !matches!(self.stage, Stage::Running | Stage::Settling(_)) {
            return;
        }
        let first = self.job.doubt.is_none();
        let until = (!first && last).then(|| self.now + GRACE);
        let doubt = self.job.doubt.get_or_insert(Doubt { line, missing, until });
        doubt.until = doubt.until.or(until);
        if first {
            self.queue.push_front(Item::own(Kind::Marker, &b"$G"[..]));
        }
    }

    /// Returns whether lines wait because answers may be missing.
    pub(crate) fn doubts(&self) -> bool {
        self.job.doubt.is_some()
    }

    pub(crate) fn job_deadline(&self) -> Option<Duration> {
        let again = if let Stage::Settling(settling) = &self.stage { settling.again } else { None };
        let doubt = self.job.doubt.and_then(|doubt| doubt.until);
        [again, doubt].into_iter().flatten().min()
    }

    /// Late answers came after all, or they never will.
    fn settle_doubt(&mut self) {
        let Some(doubt) = self.job.doubt else { return };
        let waits = self.queue.front().is_some_and(|i| i.kind == Kind::Marker);
        if self.is_answered() && !waits {
            self.job.doubt = None;
            self.watch.checked = self.now;
            return self.send();
        }
        if doubt.until.is_some_and(|until| self.now >= until) {
            let Doubt { line, missing, .. } = doubt;
            let count =
                if missing == 1 { "an answer is".to_owned() } else { format!("{missing} answers are") };
            self.unsure(format!(
                "{count} missing at line {line}: a line was lost on the wire, or its answer"
            ));
        }
    }

    pub(crate) fn marker_answered(&mut self, item: &Item, refused: bool) {
        if item.read {
            self.watch.checked = self.now;
            self.watch.hurry(self.now);
        } else if !refused {
            self.unsure("the controller answered more lines than it was sent".to_owned());
        }
    }

    pub(crate) fn unsure(&mut self, why: String) {
        if matches!(self.stage, Stage::Running | Stage::Settling(_)) {
            self.fail(Failure::Unsure { why });
        }
    }

    /// Goes on to what comes after the last line, or sends a marker when counts went unchecked for too long.
    pub(crate) fn finish(&mut self) {
        self.settle_doubt();
        if matches!(self.stage, Stage::Running) && !self.doubts() {
            if self.job.ended && self.queue.is_empty() {
                self.settle();
            } else {
                self.mark();
            }
        }
        if let Stage::Settling(settling) = &self.stage
            && settling.again.is_some_and(|at| self.now >= at)
        {
            self.ask_place();
        }
    }

    fn mark(&mut self) {
        let counted = self.protocol.is_some_and(Protocol::is_counted);
        let modes_due = self.compares_modes() && self.now >= self.watch.modes + MODES;
        let due = modes_due || self.now >= self.watch.checked + UNCHECKED;
        let marking = |item: &Item| item.kind == Kind::Marker;
        let Link::Counted(ledger) = &self.link else { return };
        if counted && due && !ledger.is_empty() && !ledger.items().chain(&self.queue).any(marking) {
            self.queue.push_front(Item::own(Kind::Marker, &b"$G"[..]));
            self.send();
        }
    }

    fn settle(&mut self) {
        self.stage = Stage::Settling(Settling::default());
        match self.protocol {
            Some(Protocol::Marlin | Protocol::RepRapFirmware | Protocol::Smoothie) => {
                self.queue.push_back(Item::own(Kind::Final, &b"M400"[..]).alone());
                self.queue.push_back(Item::own(Kind::Final, &b"M114"[..]).alone());
            }
            _ => self.queue.push_back(Item::own(Kind::Marker, &b"$G"[..])),
        }
        self.send();
    }

    fn ask_place(&mut self) {
        let Stage::Settling(settling) = &mut self.stage else { return };
        settling.again = None;
        settling.tries += 1;
        if settling.tries >= PLACE_TRIES {
            return self.unsure("the controller does not say where it stands".to_owned());
        }
        self.queue.push_back(Item::own(Kind::Final, &b"M114"[..]).alone());
        self.send();
    }

    /// `M400` or `M114` at the end was answered.
    pub(crate) fn final_answered(&mut self, item: &Item) {
        let now = self.now;
        if let Stage::Settling(settling) = &mut self.stage
            && &*item.text == b"M114"
        {
            settling.again = Some(now + PLACE);
        }
        self.watch.hurry(now);
    }

    /// The machine said where it stands: after M400 that proves that all lines were done.
    pub(crate) fn hear_place(&mut self, text: &str) {
        let Some(place) = status::place(text) else { return self.tell(Event::Message(text.to_owned())) };
        let numbered = self.protocol.is_some_and(Protocol::is_numbered);
        if numbered {
            self.status.machine_position_mm = Some(place);
            self.tell(Event::Status(self.status.clone()));
        } else {
            self.tell(Event::Message(text.to_owned()));
        }
        let asked = match &self.link {
            Link::Numbered(numbered) => numbered.asks_for_place(),
            Link::Counted(_) => false,
        };
        let late = matches!(&self.stage, Stage::Settling(s) if s.again.is_some());
        if numbered && matches!(self.stage, Stage::Settling(_)) && (asked || late) {
            self.conclude(Some(place));
        }
    }

    /// A report came after the last line; `asked` when it answers a question.
    pub(crate) fn settle_on(&mut self, asked: bool) {
        let answered = self.is_answered() && self.queue.is_empty() && !self.doubts();
        let (state, place, room) = (self.status.state, self.status.machine_position_mm, self.status.room);
        let ring = match &self.link {
            Link::Counted(ledger) => ledger.ring,
            Link::Numbered(_) => return,
        };
        let Stage::Settling(settling) = &mut self.stage else { return };
        if settling.leaving && state == Some(State::Idle) {
            return self.conclude(None);
        }
        let checking = self.job.checking && state == Some(State::Check);
        let full = ring.is_none() || room.is_none_or(|(_, bytes)| Some(bytes) == ring);
        if !answered || !asked || !full || !(state == Some(State::Idle) || checking) {
            settling.idles = 0;
            return;
        }
        settling.idles = if place == settling.place { settling.idles + 1 } else { 1 };
        settling.place = place;
        if settling.idles < IDLES {
            return self.watch.hurry(self.now);
        }
        if checking {
            settling.leaving = true;
            self.queue.push_back(Item::own(Kind::Ask, &b"$C"[..]).alone());
            return self.send();
        }
        let waits = self.job.end.is_some_and(|(end, zero)| self.zeros.waits_for(&end, zero));
        if waits && settling.without_zero < ZERO_WITHIN {
            settling.without_zero += 1;
            return;
        }
        self.conclude(None);
    }

    /// Returns whether check mode is being left, which some firmwares do by starting anew.
    pub(crate) fn leaves_check_mode(&self) -> bool {
        matches!(&self.stage, Stage::Settling(settling) if settling.leaving)
    }

    /// All was read and the machine rests: is it where the program ends? `said` is the place as a controller without reports
    /// said it.
    pub(crate) fn conclude(&mut self, said: Option<[f64; 3]>) {
        if let Some(failure) = self.misplaced(said).filter(|_| !self.job.checking) {
            return self.fail(failure);
        }
        if let Some((line, why)) = self.doubtful() {
            return self.fail(Failure::Damaged { line, why });
        }
        self.stage = Stage::Ready;
        self.job = super::Job::default();
        self.queue.clear();
        self.tell(Event::Finished { position_mm: self.status.machine_position_mm });
    }

    /// Returns what is wrong with where the machine stands, as far as it is known where the program ends.
    fn misplaced(&self, said: Option<[f64; 3]>) -> Option<Failure> {
        let (reach, number) = self.job.end?;
        let found = match said {
            Some(place) => std::array::from_fn(|i| (reach.zero[i] == Zero::First).then_some(place[i])),
            None => self.zeros.seen_from(&reach, number),
        };
        let wanted_mm = reach.end_mm;
        let found_mm: [f64; 3] = std::array::from_fn(|i| found[i].unwrap_or(wanted_mm[i]));
        let off = (0..3).map(|i| (wanted_mm[i] - found_mm[i]).abs()).fold(0.0, f64::max);
        (off > self.options.tolerance_mm).then_some(Failure::Position { line: None, wanted_mm, found_mm })
    }
}
