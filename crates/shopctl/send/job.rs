//! A job on its way: lines out, answers in, and between them the journal, the screen and the operator.

use super::connect::Link;
use super::facts::Ahead;
use super::index::Index;
use super::lines::Lines;
use super::operator::{Key, Operator};
use super::outcome::Outcome;
use super::places::Places;
use super::screen::{self, Screen};
use crate::exit;
use serde_json::json;
use shop_controller::session::{Cause, Event, Failure, Line, Override, Protocol, State, wire};
use shop_jobs::{Journal, State as JobState};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a machine may take to come to rest after a Ctrl-C that nobody can follow up.
const BRAKING: Duration = Duration::from_secs(5);
/// The longest time between two looks at the screen.
const GLANCE: Duration = Duration::from_millis(500);
/// Steps of the feed override, percent.
const STEP: i32 = 10;

/// Where the lines of a job come from.
pub struct Feed<'a> {
    /// The program.
    pub lines: Lines<'a>,
    /// What each line does, where that is known.
    pub ahead: Option<Ahead>,
    /// Last line that is sent.
    pub last: u64,
    /// Which places are known; nothing where the controller has no reports to compare them with.
    pub places: Option<Places>,
    /// How lines are cleaned.
    pub protocol: Protocol,
    /// Reused for every line.
    pub text: Vec<u8>,
    /// Lines of our own that go first.
    pub before: VecDeque<Line>,
    /// Word that the first line of the program gets in front.
    pub prefix: &'static str,
}

impl Feed<'_> {
    /// Returns the next line that goes over the wire.
    pub fn next(&mut self) -> Option<Line> {
        if let Some(line) = self.before.pop_front() {
            return Some(line);
        }
        loop {
            let (number, raw) = self.lines.next().filter(|(n, _)| *n <= self.last)?;
            // What cannot be sent was refused before the job began.
            if !wire::clean_into(raw, self.protocol, &mut self.text).unwrap_or(false) {
                continue;
            }
            if !self.prefix.is_empty() {
                self.text.splice(..0, std::mem::take(&mut self.prefix).bytes());
            }
            let facts = self.ahead.as_mut().and_then(|a| a.facts(number));
            let reach = self.places.as_mut().and_then(|places| places.line(&self.text, facts.as_ref()));
            let duration = facts.map_or(0.0, |facts| facts.seconds);
            let duration = Duration::try_from_secs_f64(duration).unwrap_or(Duration::MAX / 4);
            return Some(Line { number, text: self.text.as_slice().into(), duration, reach });
        }
    }
}

/// What happens when the door was open and is closed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Door {
    /// Wait for the operator: space, or the machine's own start button.
    Ask,
    /// Go on as soon as it is closed.
    GoOn,
}

/// A job on its way.
pub struct Job<'a> {
    /// The controller.
    pub link: &'a mut Link,
    /// Where the lines come from.
    pub feed: Feed<'a>,
    /// Time by line.
    pub index: &'a Index,
    /// What is told.
    pub screen: &'a mut Screen,
    /// Who may want something.
    pub operator: &'a mut Operator,
    /// Where it is written down.
    pub journal: Option<&'a mut Journal>,
    /// What a closed door means.
    pub door: Door,
    /// How long it may stand still before it is stopped; nothing waits for ever.
    pub patience: Option<Duration>,
    /// Seconds of the program before its first line, as planned.
    pub from_s: f64,
    /// Last line that is done already.
    pub done: u64,
}

/// What is known while it runs.
struct Course {
    begun: Instant,
    progress: shop_jobs::Progress,
    /// Since when it stands still, and why.
    held: Option<(Instant, String)>,
    /// It stood still for too long and is being stopped: why it stood.
    overheld: Option<String>,
    interrupts: u32,
    /// Stop when the machine stands still, or at this time.
    stop_at: Option<Instant>,
    journal_fails: bool,
    resent: u64,
    refused: u64,
    end: Option<Outcome>,
}

impl Job<'_> {
    /// Sends all lines and waits until the machine has done them, or until something ends it. Returns how it ended and
    /// the failure behind it.
    pub fn run(mut self) -> (Outcome, Option<Failure>) {
        let mut failure = None;
        let mut course = Course {
            begun: Instant::now(),
            progress: shop_jobs::Progress { sent: self.done, acknowledged: self.done, position_mm: None },
            held: None,
            overheld: None,
            interrupts: 0,
            stop_at: None,
            journal_fails: false,
            resent: 0,
            refused: 0,
            end: None,
        };
        self.screen.begin();
        while course.end.is_none() {
            self.operate(&mut course);
            while self.link.drive.session.wants_line() {
                let now = self.link.drive.now();
                match self.feed.next() {
                    Some(line) => self.link.drive.session.give(now, line),
                    None => self.link.drive.session.end_of_program(now),
                }
            }
            self.events(&mut course, &mut failure);
            // Written down before the bytes leave: what the machine may do is never unknown.
            self.write_down(&mut course);
            if course.end.is_some() {
                break;
            }
            self.show(&course, false);
            let next = self
                .screen
                .next()
                .saturating_duration_since(Instant::now())
                .clamp(Duration::from_millis(20), GLANCE);
            if self.link.drive.turn(next).is_err() {
                let now = self.link.drive.now();
                self.link.drive.session.disconnected(now);
            }
        }
        // A realtime byte or a last line may still wait for the wire.
        let _ = self.link.drive.finish(Duration::from_millis(500));
        self.screen.clear();
        let end = course.end.expect("the loop ends with one");
        (end, failure)
    }

    fn events(&mut self, course: &mut Course, failure: &mut Option<Failure>) {
        while let Some(event) = self.link.drive.session.next_event() {
            match event {
                Event::Sent(line) => course.progress.sent = course.progress.sent.max(line),
                Event::Acknowledged(line) => {
                    course.progress.acknowledged = course.progress.acknowledged.max(line);
                }
                Event::Status(status) => course.progress.position_mm = status.machine_position_mm,
                Event::Message(text) => {
                    self.screen.say(&format!("  {text}"));
                    self.screen.event(&json!({ "event": "message", "text": text }));
                }
                Event::Resent(line) => {
                    course.resent += 1;
                    self.screen.event(&json!({ "event": "resent", "line": line }));
                }
                Event::WouldRefuse { line, text, code, said } => {
                    course.refused += 1;
                    let failure = Failure::Refused { line, text, code, said };
                    let found = Outcome::of(&failure, self.link.drive.session.protocol(), true);
                    self.screen.say(&format!("error: {}", found.text.replace("refused", "would refuse")));
                    self.screen.event(&json!({ "event": "would-refuse", "line": line, "text": found.text }));
                }
                Event::Held { cause, why } => self.held(course, cause, &why),
                Event::Resumed => {
                    course.held = None;
                    self.screen.say("goes on");
                    self.screen.event(&json!({ "event": "resumed" }));
                    self.journal_state(course, JobState::Running, "");
                }
                Event::Finished { position_mm } => {
                    course.progress.acknowledged = course.progress.acknowledged.max(self.feed.last);
                    course.progress.position_mm = position_mm.or(course.progress.position_mm);
                    course.end = Some(self.finished(course));
                }
                Event::Failed(why) => {
                    let protocol = self.link.drive.session.protocol();
                    let mut end = match course.overheld.take() {
                        Some(held) if why == Failure::Stopped => overheld(&held),
                        _ => Outcome::of(&why, protocol, true),
                    };
                    if end.more.is_null() {
                        *end.more = json!({});
                    }
                    end.more["acknowledged_line"] = course.progress.acknowledged.into();
                    *failure = Some(why);
                    course.end = Some(end);
                }
                Event::Ready(_)
                | Event::Setting(..)
                | Event::SettingsEnd
                | Event::Written(..)
                | Event::Answered { .. } => {}
            }
        }
    }

    fn finished(&self, course: &Course) -> Outcome {
        let took = crate::estimate::duration(course.begun.elapsed().as_secs_f64());
        if course.refused > 0 {
            let text = format!("the controller would refuse {} lines", course.refused);
            return Outcome::other(exit::CHECK, "check", text);
        }
        let again = if course.resent > 0 {
            format!(", {} lines asked for again", course.resent)
        } else {
            String::new()
        };
        Outcome::done(format!("done: {} lines in {took}{again}", self.feed.last))
    }

    fn held(&mut self, course: &mut Course, cause: Cause, why: &str) {
        course.held = Some((Instant::now(), why.to_owned()));
        let go_on = cause == Cause::Door(true) && self.door == Door::GoOn;
        let hint = match (go_on, self.operator.has_keys()) {
            (true, _) => "; goes on",
            (false, true) => "; space goes on, q stops",
            (false, false) => "; the machine's start button or SIGUSR1 goes on, SIGTERM stops",
        };
        self.screen.say(&format!("held: {why}{hint}"));
        self.screen.event(&json!({ "event": "held", "why": why }));
        self.journal_state(course, JobState::Held, why);
        if go_on {
            self.link.drive.session.resume(self.link.drive.now());
        }
    }

    /// What the operator wants; the wire is served first.
    fn operate(&mut self, course: &mut Course) {
        if self.operator.interrupted() {
            self.interrupt(course);
        }
        if self.operator.resumed() {
            self.link.drive.session.resume(self.link.drive.now());
        }
        for key in self.operator.keys() {
            let now = self.link.drive.now();
            let session = &mut self.link.drive.session;
            match key {
                Key::HoldOrResume if course.held.is_some() => session.resume(now),
                Key::HoldOrResume => session.hold(now),
                Key::Faster | Key::Slower => {
                    let at = i32::from(session.status().overrides_percent.map_or(100, |o| o[0]));
                    let to = if key == Key::Faster { at + STEP } else { at - STEP };
                    session.set_override(now, Override::Feed(to.clamp(10, 200) as u16));
                }
                Key::AsProgrammed => session.set_override(now, Override::Feed(100)),
                Key::Stop => session.stop(now),
                Key::Report => self.show(course, true),
                Key::Yes | Key::No => {}
            }
        }
        if let (Some(patience), Some((since, why))) = (self.patience, &course.held)
            && since.elapsed() >= patience
            && course.overheld.is_none()
        {
            self.screen.say(&format!("it has stood still for {} s: stopping", patience.as_secs()));
            course.overheld = Some(why.clone());
            self.link.drive.session.stop(self.link.drive.now());
        }
        let still = matches!(self.link.drive.session.status().state, Some(State::Hold(true) | State::Idle));
        let counted = self.link.drive.session.protocol().is_none_or(Protocol::is_realtime);
        if course.stop_at.is_some_and(|at| still || !counted || Instant::now() >= at) {
            course.stop_at = None;
            self.link.drive.session.stop(self.link.drive.now());
        }
    }

    /// Ctrl-C: a feed hold first; then the machine is stopped.
    fn interrupt(&mut self, course: &mut Course) {
        course.interrupts += 1;
        let now = self.link.drive.now();
        let session = &mut self.link.drive.session;
        if course.interrupts == 1 {
            session.hold(now);
            // Before anything else, a word to the screen included.
            let _ = self.link.drive.flush();
            if self.operator.has_keys() {
                self.screen.say("feed hold: space goes on, Ctrl-C again stops the machine");
            } else {
                self.screen.say("feed hold, then stop");
                course.stop_at = Some(Instant::now() + BRAKING);
            }
            return;
        }
        course.stop_at = None;
        // What stands still is stopped gently, its position kept; what moves is stopped at once.
        if course.interrupts == 2 && matches!(session.status().state, Some(State::Hold(true))) {
            session.stop(now);
        } else {
            session.reset(now);
        }
        let _ = self.link.drive.flush();
        self.screen.say("stopping");
    }

    fn write_down(&mut self, course: &mut Course) {
        let Some(journal) = self.journal.as_deref_mut() else { return };
        let written = journal.progress(course.progress);
        self.journal_said(course, &written);
    }

    fn journal_state(&mut self, course: &mut Course, state: JobState, why: &str) {
        let Some(journal) = self.journal.as_deref_mut() else { return };
        let written = journal.state(state, why);
        self.journal_said(course, &written);
    }

    /// A journal that cannot be written is said once, and again when it can.
    fn journal_said(&mut self, course: &mut Course, written: &std::io::Result<()>) {
        let fails = written.is_err();
        if let Err(e) = written
            && !course.journal_fails
        {
            self.screen.say(&format!(
                "warning: the journal cannot be written ({e}); the job goes on, and could not be resumed from here"
            ));
            self.screen.event(&json!({ "event": "journal-lost", "why": e.to_string() }));
        }
        course.journal_fails = fails;
    }

    fn show(&mut self, course: &Course, now: bool) {
        if !now && Instant::now() < self.screen.next() {
            return;
        }
        let line = course.progress.acknowledged;
        let progress = screen::Progress {
            line,
            lines: self.feed.last,
            done_s: (self.index.at(line) - self.from_s).max(0.0),
            total_s: self.index.total_s() - self.from_s,
            elapsed: course.begun.elapsed(),
        };
        self.screen.progress(&progress, self.link.drive.session.status(), now);
    }
}

/// It stood still for longer than it was allowed to.
fn overheld(why: &str) -> Outcome {
    Outcome {
        hint: Some("`shopctl resume` goes on with it when the cause is gone".into()),
        more: Box::new(json!({ "held": why })),
        ..Outcome::other(exit::HELD, "held", format!("the machine stood still for too long: {why}"))
    }
}
