//! Steps of the firmware's program: what a line comes to, one after the other.

use super::check::{Action, Context, Order, check};
use super::modal::{Distance, Modal, Motion, Plane, Spindle};
use super::words::{self, Flow, error};
use super::{Deaf, EEPROM_BYTE_NS, Grbl, State};
use crate::sim::motion::Request;
use crate::sim::{Io, What};

/// One thing the program does, and may have to wait for.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// All motion ends first.
    Drain,
    /// Spindle and coolant become what the program says.
    Switch,
    /// Stands still, machine seconds that are left.
    Dwell(f64),
    /// So many bytes go to the EEPROM.
    Write(u32),
    /// Waits for a time, ns.
    Until(u64),
    Line(Request),
    Arc(Box<Chords>),
    Jog(Request),
    /// Towards contact, if there is any on the way.
    Probe {
        target: [f64; 3],
        feed: f64,
        away: bool,
        silent: bool,
    },
    Probed {
        silent: bool,
    },
    /// Looks for the switches, machine seconds that are left.
    Homing(f64),
    /// M0: stands until somebody presses start.
    Pause,
    /// M6 of grblHAL.
    ToolChange,
    /// M2, M30
    End,
    /// A start-up line.
    Startup(usize),
    /// A start-up line is done, with that code.
    Started(usize, u32),
    Answer(u32),
    /// Ends in an alarm 1 where the limit switch is.
    Crash,
}

/// An arc, chord by chord.
#[derive(Clone, Debug)]
pub(super) struct Chords {
    request: Request,
    plane: Plane,
    centre: [f64; 2],
    radius: f64,
    start: f64,
    sweep: f64,
    rise_from: f64,
    /// The one that is next, from 1.
    next: u64,
    count: u64,
}

/// Bytes a coordinate system takes in the EEPROM: three numbers and a checksum.
const COORDINATES: u32 = 13;

impl Grbl {
    /// Reads the line that has come in whole.
    pub(super) fn execute(&mut self, io: &mut Io) {
        let text = std::mem::take(&mut self.line.text);
        let too_long = self.line.too_long;
        self.line.clear();
        io.record.lines += 1;
        if !self.fault_of_line(io) {
            let code = if too_long {
                Some(error::LONG_LINE)
            } else if text.is_empty() {
                Some(0)
            } else if text[0] == b'$' {
                self.system(&text, io)
            } else if matches!(self.state, State::Alarm | State::Jog) {
                Some(error::LOCKED)
            } else {
                self.program(&text, io)
            };
            if let Some(code) = code {
                self.steps.push_back(Step::Answer(code));
            }
        }
        self.line.text = text;
        self.line.text.clear();
    }

    /// Lets go wrong what is to go wrong with this line; returns whether the line is lost by it.
    fn fault_of_line(&mut self, io: &mut Io) -> bool {
        for what in io.faults_at(io.record.lines, |w| !w.is_of_the_answer() && !w.is_of_a_byte()) {
            match what {
                What::Error(code) => {
                    self.steps.push_back(Step::Answer(code));
                    return true;
                }
                What::Alarm(code) => {
                    self.alarm(code, io);
                    return true;
                }
                What::ProbeFail => {
                    self.alarm(5, io);
                    return true;
                }
                What::Reset => {
                    io.wire.forget_answers();
                    io.record.resets += 1;
                    self.power_up(io);
                    return true;
                }
                What::Disconnect(time) => {
                    io.disconnect(time);
                    return true;
                }
                What::Hang => self.hung = true,
                What::Dead => self.dead = true,
                What::Stall(time) => self.asleep_until = io.now + time.as_nanos() as u64,
                What::Door(time) => {
                    self.door_open = true;
                    self.door_closes = time.map(|t| io.now + t.as_nanos() as u64);
                    self.open_door(io);
                }
                What::Hold => self.hold(),
                _ => {}
            }
            if self.hung || self.dead {
                return true;
            }
        }
        false
    }

    /// Reads a line of program. Returns the code to answer with, or nothing if it is answered later.
    fn program(&mut self, text: &[u8], io: &mut Io) -> Option<u32> {
        if self.hal && text == b"%" {
            return Some(0);
        }
        match self.judge(text, false) {
            Ok(order) => {
                io.record.accept(text);
                self.plan(&order, io);
                self.steps.push_back(Step::Answer(0));
                None
            }
            Err(code) => Some(code),
        }
    }

    /// Reads and judges a line.
    pub(super) fn judge(&self, text: &[u8], jog: bool) -> Result<Order, u32> {
        let words = words::read(text, &self.modal, jog, self.hal)?;
        let context = Context {
            before: &self.modal,
            position: self.at,
            systems: &self.kept.systems,
            offset: self.offset,
            tool_length: self.tool_length,
            homes: self.kept.homes,
        };
        check(words, &context)
    }

    /// Turns a line that makes sense into steps.
    fn plan(&mut self, order: &Order, io: &mut Io) {
        let before = std::mem::replace(&mut self.modal, order.modal);
        let checking = self.state == State::Check;
        self.switches(&before, checking);
        self.act(&order.first, io);
        if let Some(length) = order.tool_length {
            self.tool_length = length;
            self.cadence.offset_changed();
        }
        if self.modal.coordinates != before.coordinates {
            self.cadence.offset_changed();
            self.steps.push_back(Step::Drain);
        }
        self.act(&order.action, io);
        match order.flow {
            Flow::Running => {}
            Flow::Paused | Flow::ToolChange if checking => {}
            Flow::Paused => self.steps.extend([Step::Drain, Step::Pause]),
            Flow::Completed => self.steps.extend([Step::Drain, Step::End]),
            Flow::ToolChange => self.steps.extend([Step::Drain, Step::ToolChange]),
        }
    }

    /// What is switched waits for the motion before it. A laser's power goes along with the moves instead.
    fn switches(&mut self, before: &Modal, checking: bool) {
        let now = &self.modal;
        let laser = self.settings.is_on(32);
        let faster = now.rpm != before.rpm && before.spindle != Spindle::Off && !laser;
        let switched = (now.spindle, now.flood, now.mist) != (before.spindle, before.flood, before.mist);
        if (switched || faster) && !checking {
            self.steps.extend([Step::Drain, Step::Switch]);
        }
    }

    fn act(&mut self, action: &Action, io: &mut Io) {
        let checking = self.state == State::Check;
        match *action {
            Action::Dwell(seconds) if !checking => self.steps.extend([Step::Drain, Step::Dwell(seconds)]),
            Action::None | Action::Dwell(_) => {}
            Action::Coordinates(system, zero) => {
                self.kept.systems[system] = zero;
                self.cadence.offset_changed();
                self.steps.extend([Step::Drain, Step::Write(COORDINATES)]);
            }
            Action::Offset(offset) => {
                self.offset = offset;
                self.cadence.offset_changed();
            }
            Action::SetHome(which) => {
                self.kept.homes[which] = self.at;
                self.steps.extend([Step::Drain, Step::Write(COORDINATES)]);
            }
            Action::GoHome(by_the_way, home) => {
                for target in by_the_way.into_iter().chain([home]) {
                    self.line_to(target, f64::INFINITY, io);
                }
            }
            Action::Line(target) => {
                let feed = match self.modal.motion {
                    Motion::Seek => f64::INFINITY,
                    _ => self.feed_over(distance(self.at, target)),
                };
                self.line_to(target, feed, io);
            }
            Action::Arc { target, centre, radius, clockwise } => {
                self.arc(target, centre, radius, clockwise, io);
            }
            Action::Probe(target) => {
                let Motion::Probe { away, silent } = self.modal.motion else { return };
                if checking {
                    self.at = target;
                    return;
                }
                let feed = self.feed_over(distance(self.at, target));
                self.steps.extend([Step::Drain, Step::Probe { target, feed, away, silent }]);
            }
        }
    }

    /// Returns the feed over a distance, mm/s.
    fn feed_over(&self, length: f64) -> f64 {
        let per_minute = if self.modal.inverse_time { self.modal.feed * length } else { self.modal.feed };
        per_minute / 60.0
    }

    fn request(&self, target: [f64; 3], feed: f64, io: &Io) -> Request {
        let [x, y, z] = target;
        let laser = self.settings.is_on(32);
        let burning =
            self.modal.spindle != Spindle::Off && !(laser && (feed.is_infinite() || self.modal.rpm == 0.0));
        Request {
            line: io.record.lines,
            target: [x, y, z, 0.0],
            feed,
            acceleration: f64::INFINITY,
            tool_on: burning,
            plain: false,
        }
    }

    fn line_to(&mut self, target: [f64; 3], feed: f64, io: &mut Io) {
        if self.is_beyond_soft_limits(target) {
            return self.stop_at_soft_limit(io);
        }
        if self.state != State::Check {
            let (target, crash) = self.as_far_as_the_switch(target);
            self.steps.push_back(Step::Line(self.request(target, feed, io)));
            if crash {
                self.steps.extend([Step::Drain, Step::Crash]);
            }
        }
        self.at = target;
    }

    /// Returns whether a target lies outside the travel that `$20` guards.
    pub(super) fn is_beyond_soft_limits(&self, target: [f64; 3]) -> bool {
        let travel = self.settings.axes(130);
        self.settings.is_on(20) && (0..3).any(|i| target[i] > 1e-9 || target[i] < -travel[i] - 1e-9)
    }

    /// With hard limits on, a move ends where the first switch is met.
    ///
    /// NOTE: it brakes for the switch, where a real machine finds it at speed.
    fn as_far_as_the_switch(&self, target: [f64; 3]) -> ([f64; 3], bool) {
        if !self.settings.is_on(21) {
            return (target, false);
        }
        let travel = self.settings.axes(130);
        let mut share: f64 = 1.0;
        for i in 0..3 {
            let (from, to) = (self.at[i] + self.shift[i], target[i] + self.shift[i]);
            if to > 0.0 && from < to {
                share = share.min(-from / (to - from));
            } else if to < -travel[i] && from > to {
                share = share.min((from + travel[i]) / (from - to));
            }
        }
        let share = share.max(0.0);
        (std::array::from_fn(|i| self.at[i] + (target[i] - self.at[i]) * share), share < 1.0)
    }

    fn arc(&mut self, target: [f64; 3], centre: [f64; 2], radius: f64, clockwise: bool, io: &mut Io) {
        if self.is_beyond_soft_limits(target) {
            return self.stop_at_soft_limit(io);
        }
        let [a, b, c] = self.modal.plane.axes();
        let angle = |p: [f64; 3]| (p[b] - centre[1]).atan2(p[a] - centre[0]);
        let start = angle(self.at);
        let mut sweep = angle(target) - start;
        // Closer than this to a full turn is one (`ARC_ANGULAR_TRAVEL_EPSILON`: rounding of single precision).
        if clockwise && sweep >= -5e-7 {
            sweep -= std::f64::consts::TAU;
        } else if !clockwise && sweep <= 5e-7 {
            sweep += std::f64::consts::TAU;
        }
        let tolerance = self.settings.get(12);
        let sagitta = (tolerance * (2.0 * radius - tolerance)).max(1e-12).sqrt();
        let chords = (0.5 * sweep.abs() * radius / sagitta).floor().clamp(1.0, 1e6) as u64;
        let length = (sweep * radius).hypot(target[c] - self.at[c]);
        if self.state != State::Check {
            self.steps.push_back(Step::Arc(Box::new(Chords {
                request: self.request(target, self.feed_over(length), io),
                plane: self.modal.plane,
                centre,
                radius,
                start,
                sweep,
                rise_from: self.at[c],
                next: 1,
                count: chords,
            })));
        }
        self.at = target;
    }

    /// Carries out the first step; returns whether it is done.
    pub(super) fn step(&mut self, io: &mut Io) -> bool {
        let Some(mut step) = self.steps.pop_front() else { return true };
        let done = match &mut step {
            Step::Drain => self.motion.is_empty(),
            Step::Switch => {
                self.switch_by_program();
                self.starved_at = None;
                true
            }
            Step::Dwell(left) => {
                self.starved_at = None;
                *left <= 1e-12
            }
            Step::Homing(left) if *left > 1e-12 => false,
            Step::Homing(_) => self.homed(io),
            Step::Until(ns) => *ns <= io.now,
            Step::Write(bytes) => {
                self.write(*bytes, io);
                true
            }
            Step::Line(request) => self.motion.len() < self.blocks && self.begin(*request, io),
            Step::Arc(chords) => self.chord(chords, io),
            Step::Jog(request) => self.jog(*request),
            Step::Probe { target, feed, away, silent } => {
                self.probe(*target, *feed, *away, *silent, io);
                true
            }
            Step::Probed { silent } => self.probed(*silent, io),
            Step::Pause => {
                self.state = State::Hold;
                self.still = true;
                true
            }
            Step::ToolChange => {
                self.state = State::Tool;
                true
            }
            Step::End => {
                self.end_of_program(io);
                true
            }
            Step::Startup(which) => self.start_up(*which, io),
            Step::Started(which, code) => {
                let result = if *code == 0 { "ok".into() } else { format!("error:{code}") };
                io.say(&format!(">{}:{result}\r\n", self.kept.startup[*which]));
                true
            }
            Step::Answer(code) => {
                self.answer(*code, io);
                true
            }
            Step::Crash => {
                self.alarm(1, io);
                return true;
            }
        };
        if !done {
            self.steps.push_front(step);
        }
        done
    }

    fn begin(&mut self, request: Request, io: &mut Io) -> bool {
        let planned = self.motion.plan(request);
        if planned && let Some(since) = self.starved_at.take() {
            io.record.starvations += 1;
            io.record.starved_s += self.clock - since;
        }
        true
    }

    fn chord(&mut self, arc: &mut Chords, io: &mut Io) -> bool {
        let [a, b, c] = arc.plane.axes();
        while self.motion.len() < self.blocks {
            let mut request = arc.request;
            if arc.next < arc.count {
                let share = arc.next as f64 / arc.count as f64;
                let angle = arc.start + arc.sweep * share;
                request.target[a] = arc.centre[0] + arc.radius * angle.cos();
                request.target[b] = arc.centre[1] + arc.radius * angle.sin();
                request.target[c] = arc.rise_from + (arc.request.target[c] - arc.rise_from) * share;
            }
            self.begin(request, io);
            if arc.next >= arc.count {
                return true;
            }
            arc.next += 1;
        }
        false
    }

    fn jog(&mut self, request: Request) -> bool {
        if self.motion.len() >= self.blocks {
            return false;
        }
        if self.motion.plan(request) && self.state == State::Idle {
            self.state = State::Jog;
            self.motion.go();
        }
        true
    }

    /// The processor hears nothing while it writes.
    fn write(&mut self, bytes: u32, io: &mut Io) {
        self.starved_at = None;
        if self.hal {
            return; // its settings lie in flash or FRAM, and its interrupts stay on
        }
        let until = io.now + u64::from(bytes) * EEPROM_BYTE_NS;
        self.deaf = Deaf { until, slot: io.now + EEPROM_BYTE_NS, held: Vec::new() };
        self.steps.push_front(Step::Until(until));
    }

    fn end_of_program(&mut self, io: &mut Io) {
        let Modal { feed, rpm, tool, units, .. } = self.modal;
        self.modal = Modal {
            motion: Motion::Linear,
            distance: Distance::Absolute,
            feed,
            rpm,
            tool,
            units,
            ..Modal::default()
        };
        self.overrides = [100; 3];
        self.apply_overrides();
        self.switch_by_program();
        self.cadence.offset_changed();
        io.say("[MSG:Pgm End]\r\n");
    }

    fn start_up(&mut self, which: usize, io: &mut Io) -> bool {
        let text = self.kept.startup[which].clone().into_bytes();
        if text.is_empty() {
            return true;
        }
        let behind = std::mem::take(&mut self.steps);
        let code = match self.judge(&text, false) {
            Ok(order) => {
                self.plan(&order, io);
                0
            }
            Err(code) => code,
        };
        self.steps.push_back(Step::Started(which, code));
        self.steps.extend(behind);
        true
    }

    fn answer(&mut self, code: u32, io: &mut Io) {
        if code == 0 {
            io.record.oks += 1;
            io.answer(io.record.lines, "ok\r\n", &mut self.asleep_until);
        } else {
            io.record.errors += 1;
            io.answer(io.record.lines, &format!("error:{code}\r\n"), &mut self.asleep_until);
        }
    }

    /// Begins to probe. Contact is a plane across z.
    fn probe(&mut self, target: [f64; 3], feed: f64, away: bool, silent: bool, io: &mut Io) {
        self.probe_touched = false;
        if self.touching() != away {
            self.alarm_of_probe(4, io);
            return;
        }
        let from = self.at;
        let mut end = target;
        if let Some(z) = self.surface {
            let share = (z - from[2]) / (target[2] - from[2]);
            if share.is_finite() && (0.0..=1.0).contains(&share) {
                self.probe_touched = true;
                self.probed = std::array::from_fn(|i| from[i] + (target[i] - from[i]) * share);
                end = self.past_contact(target, feed);
            }
        }
        self.steps.push_front(Step::Probed { silent });
        self.steps.push_front(Step::Drain);
        let request = self.request(end, feed, io);
        self.steps.push_front(Step::Line(request));
    }

    /// Returns where the machine has come to rest after contact: it is told at speed and brakes.
    fn past_contact(&self, target: [f64; 3], feed: f64) -> [f64; 3] {
        let length = distance(self.probed, target);
        let acceleration = self.settings.axes(120).into_iter().fold(f64::INFINITY, f64::min).max(1e-3);
        let speed = feed.min(self.settings.get(112) / 60.0);
        let share = (speed * speed / (2.0 * acceleration) / length).min(1.0);
        if share.is_finite() {
            std::array::from_fn(|i| self.probed[i] + (target[i] - self.probed[i]) * share)
        } else {
            target
        }
    }

    fn probed(&mut self, silent: bool, io: &mut Io) -> bool {
        if !self.probe_touched {
            self.probed = self.position();
            if !silent {
                self.alarm_of_probe(5, io);
            }
        }
        self.sync();
        io.say(&self.probe_report());
        true
    }
}

pub(super) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (b - a) * (b - a)).sum::<f64>().sqrt()
}
