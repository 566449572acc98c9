//! What the controller says of itself, held against what was sent: bytes damaged on their way are found here.
//!
//! GRBL has no checksums. A damaged line is refused if it makes no sense; a newline that is lost is an answer that is
//! missing. What is left are lines that are sound and wrong:
//!
//! | what is damaged | where it shows | how soon |
//! |---|---|---|
//! | a byte is lost or one too many, while the planner is full | `Bf:` is not the sum of the lines in the ring | next report |
//! | a digit, a sign, an axis | the machine is off the way of its lines | while it is there |
//! | the same in the last line, or before a pause | it stands elsewhere | then |
//! | a feed, a speed, a mode | `$G` | a second |
//!
//! A place is asked for ten times a second. So the deviation that can stay unseen is what the tool does out and back
//! between two reports: half a period times the speed, and the tolerance. Nothing that a GRBL can be asked tells more:
//! a damaged coordinate is gone with the next absolute one.
//!
//! Two things that a report tells are left alone:
//! - `FS:`, the feed now. Below the program's it is always right: ramps, corners, holds, overrides. Above it could be wrong
//!   only beside no rapid, at a known override that has not just been lowered, and then shows what `$G` does not: a feed that
//!   the program sets anew within a second. That is too little to stop a job for a machine that tells its speed in another way.
//! - `Ln:`, the number of the line at work. It is the N word of that line, which a GRBL as delivered does not keep and which
//!   would cost seven bytes of each line on the wire; what it could tell, `Bf:` and the markers tell.
//!
//! Where only the machine knows where it is, nobody can hold anything against it: see [`super::zeros`] and
//! [`Reach`].
//!
//! A report may be damaged as well as a line. One that does not fit is asked again at once; if the next one does not fit
//! either, the job stops. If it does, nobody can say which of both was damaged: the job goes on, and does not end well.

use super::item::{Item, Kind};
use super::ledger::Contradiction;
use super::modes::{Difference, Modes};
use super::types::{Event, Failure, Protocol, Reach, State};
use super::watch::Asked;
use super::zeros::Told;
use super::{Link, Session, Stage, path};

/// What was seen and can have been a damaged report as well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// The last place was off the way, in words.
    astray: Option<String>,
    /// The last count of the ring was no sum of lines.
    short: Option<String>,
    /// The last report of the modes was not what the program said.
    modes: Option<Difference>,
    /// The first of what was not seen twice, and its line.
    pub once: Option<(u64, String)>,
}

impl Session {
    fn works(&self) -> bool {
        matches!(self.stage, Stage::Running | Stage::Settling(_))
    }

    /// The line that is at work, as far as it can be known: the oldest that is not answered.
    fn line_at_work(&self) -> u64 {
        let Link::Counted(ledger) = &self.link else { return 0 };
        ledger.items().map(|i| i.number).find(|n| *n > 0).unwrap_or(self.job.newest)
    }

    /// Holds a report against the ledger; `asked` is the question that it answers, where that is certain.
    pub(crate) fn hold_against(&mut self, asked: Option<Asked>) {
        let (Link::Counted(ledger), Some((_, free))) = (&self.link, self.status.room) else { return };
        if ledger.ring.is_none() || !self.works() {
            return;
        }
        let contradiction = ledger.contradiction(free, asked.map(|a| a.left));
        if self.counts_short(free, asked) {
            return;
        }
        let Some(contradiction) = contradiction else {
            self.watch.contradictions = 0;
            self.watch.checked = self.now;
            return;
        };
        // A report can be garbled too: only a second one convinces.
        self.watch.contradictions += 1;
        self.watch.hurry(self.now);
        if self.watch.contradictions >= 2 {
            let line = self.line_at_work();
            let why = match contradiction {
                Contradiction::Missing => {
                    format!("the controller has read on and an answer is missing, at or after line {line}")
                }
                Contradiction::Surplus => {
                    format!("the controller answered more than it has read, at or before line {line}")
                }
            };
            self.unsure(why);
        }
    }

    /// Returns whether the ring does not hold whole lines. Only a GRBL's own ring is known so well; while its planner is full and
    /// much waits behind it, it is in the middle of no line; and nothing may have been on the wire.
    fn counts_short(&mut self, free: u32, asked: Option<Asked>) -> bool {
        let Link::Counted(ledger) = &self.link else { return false };
        let full = matches!(self.status.room, Some((0, _))) && self.status.state == Some(State::Run);
        // A few bytes may be the rest of a line that is just being read.
        let full = full && ledger.ring.is_some_and(|ring| free <= ring / 2);
        let quiet = asked.is_some_and(|a| a.pushed == a.left && a.pushed == ledger.pushed());
        if self.protocol != Some(Protocol::Grbl) || !full || !quiet {
            return false;
        }
        if ledger.holds_whole_lines(free) {
            if let Some(seen) = self.job.evidence.short.take() {
                self.remember(seen);
            }
            return false;
        }
        let line = self.line_at_work();
        let seen = format!("a byte was lost or added on the wire, at or after line {line}");
        if self.job.evidence.short.replace(seen.clone()).is_some() {
            self.fail(Failure::Damaged { line, why: seen });
        } else {
            self.watch.hurry(self.now);
        }
        true
    }

    /// Looks whether the machine is where the lines in flight lead.
    pub(crate) fn look_where_it_is(&mut self) {
        let moving = matches!(self.status.state, Some(State::Run | State::Idle | State::Hold(_)));
        if !moving || !self.works() || self.job.checking {
            return;
        }
        if self.is_on_its_way() {
            if let Some(seen) = self.job.evidence.astray.take() {
                self.remember(seen);
            }
            return;
        }
        let Some((aim, zero)) = self.aim() else { return };
        let at = self.zeros.seen_from(&aim, zero);
        let found_mm: [f64; 3] = std::array::from_fn(|i| at[i].unwrap_or(aim.end_mm[i]));
        let line = self.line_at_work();
        let [x, y, z] = found_mm;
        let seen = format!("near line {line} the machine was seen off its way, at X{x:.3} Y{y:.3} Z{z:.3}");
        if self.job.evidence.astray.replace(seen).is_none() {
            return self.watch.hurry(self.now);
        }
        self.fail(Failure::Position { line: Some(line), wanted_mm: aim.end_mm, found_mm });
    }

    /// Returns whether the machine is on the way of a line that may be at work, as far as that is known.
    fn is_on_its_way(&self) -> bool {
        let Link::Counted(ledger) = &self.link else { return true };
        let loose = self.options.loose_corridor_mm;
        // Others may round corners, or move arms that only come near a straight line.
        let exact = matches!(self.protocol, Some(Protocol::Grbl | Protocol::GrblHal));
        let near = if exact { self.options.corridor_mm + self.grain.mm() } else { loose };
        // Answers and reports come in order: of what is not answered a GRBL is at work on the oldest line at most. Those behind
        // it hide nothing by what is not known of them.
        let counts = |at: usize, item: &Item| {
            let known = |reach: &Reach| self.zeros.seen_from(reach, item.zero).iter().all(Option::is_some);
            !exact || at == 0 || item.reach.as_ref().is_some_and(known)
        };
        let flight = ledger.items().filter(|i| matches!(i.kind, Kind::Program(_))).enumerate();
        let flight = flight.filter(|(at, i)| counts(*at, i)).map(|(_, i)| (i.reach, i.zero));
        let mut lines = self.job.trail.iter().copied().chain(flight).peekable();
        let there =
            |reach: Reach, zero| path::may_be_at(&reach, self.zeros.seen_from(&reach, zero), near, loose);
        lines.peek().is_none() || lines.any(|(reach, zero)| reach.is_none_or(|reach| there(reach, zero)))
    }

    /// Returns the way of the oldest line in flight, or of the newest before it, and the number of its zero.
    fn aim(&self) -> Option<(Reach, u64)> {
        let Link::Counted(ledger) = &self.link else { return None };
        let flight = ledger.items().find_map(|i| Some((i.reach?, i.zero)));
        flight.or_else(|| self.job.trail.back().and_then(|(reach, zero)| Some(((*reach)?, *zero))))
    }

    /// A report says where the machine stands, or where its work zero lies.
    pub(crate) fn hear_zero(&mut self, told: Told) {
        let Link::Counted(ledger) = &self.link else { return };
        let next = ledger.front().map(|item| item.zero);
        // A GRBL comes to rest before its zero moves. What others tell may be that of the line at work.
        let newest = self.zeros.newest();
        let rests = matches!(self.protocol, Some(Protocol::Grbl))
            || self.status.state == Some(State::Idle)
            || self.job.trail.iter().all(|(_, zero)| *zero == newest);
        self.zeros.report(told, next, rests, self.status.machine_position_mm, self.status.work_offset_mm);
    }

    /// Returns whether the modes that the controller reports can be held against those that were sent. `FluidNC` may tell
    /// them unasked.
    pub(crate) fn compares_modes(&self) -> bool {
        matches!(self.protocol, Some(Protocol::Grbl | Protocol::GrblHal)) && !self.job.checking
    }

    /// A report of the modes came: for a marker, what was in force in front of it.
    pub(crate) fn hold_modes(&mut self, wanted: Option<&Modes>, report: &str) {
        let alone = matches!(&self.link, Link::Counted(ledger) if ledger.len() == 1);
        if matches!(self.stage, Stage::Ready) && alone {
            self.modes.forget();
            return self.modes.learn(&Modes::read(report));
        }
        let Some(wanted) = wanted.filter(|_| self.works() && self.compares_modes()) else { return };
        let found = Modes::read(report);
        self.watch.modes = self.now;
        // Which speed others keep while the spindle is off is not known.
        let speeds = self.protocol == Some(Protocol::Grbl);
        let line = self.line_at_work();
        match (self.job.evidence.modes.take(), wanted.difference(&found, self.inches, speeds)) {
            (None, None) => {}
            (None, Some(difference)) => {
                self.job.evidence.modes = Some(difference);
                self.queue.push_front(Item::own(Kind::Marker, &b"$G"[..]));
            }
            (Some(_), Some(Difference { wanted, found, .. })) => {
                let why =
                    format!("near line {line} the controller is in {found} where the program says {wanted}");
                self.fail(Failure::Damaged { line, why });
            }
            (Some(before), None) if wanted.stands_since(&before) => {
                self.tell(Event::Message("(a report of the modes was damaged)".to_owned()));
            }
            (Some(before), None) => {
                let Difference { wanted, found, .. } = before;
                self.remember(format!(
                    "near line {line} the controller was in {found} where the program said {wanted}"
                ));
            }
        }
    }

    /// Returns what was seen once and never explained, and its line.
    pub(crate) fn doubtful(&mut self) -> Option<(u64, String)> {
        let line = self.line_at_work();
        let evidence = &mut self.job.evidence;
        let open = evidence.short.take().or(evidence.astray.take());
        evidence.once.take().or(open.map(|seen| (line, seen)))
    }

    /// Something was seen once, and can have been a damaged report: the job goes on, and does not end well.
    fn remember(&mut self, seen: String) {
        self.tell(Event::Message(format!("({seen}; or that report was damaged)")));
        let line = self.line_at_work();
        self.job.evidence.once.get_or_insert((line, seen));
    }
}
