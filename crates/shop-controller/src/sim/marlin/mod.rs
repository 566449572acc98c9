//! A simulated Marlin 2.
//!
//! Bytes wait in a ring of 128; lines go from there into a queue of four as long as it has room, and `ok` is said when a
//! command leaves the queue. A numbered line must follow the last one and carry the right checksum; otherwise the ring is
//! emptied and the line asked for again. A command that takes its time says so every two seconds.

mod commands;
mod heat;
mod says;

use super::motion::{AXES, Limits, Motion, Stop};
use super::{Input, Io, NS, What};
use commands::Step;
use heat::Heater;
use std::collections::VecDeque;

/// Bytes the serial receive buffer takes.
const RING: usize = 128;
/// Commands that wait (`BUFSIZE`).
const QUEUE: usize = 4;
/// Blocks the planner takes: one of its 16 slots stays free.
const BLOCKS: usize = 15;
/// Characters of a line (`MAX_CMD_SIZE`, with the terminator).
const LINE: usize = 95;
/// Between two signs of life, wall seconds.
const KEEPALIVE_S: f64 = 2.0;

/// Settings that `M500` stores.
#[derive(Clone, Debug, PartialEq)]
struct Settings {
    limits: Limits,
    /// M204 P, R, T, mm/s²
    accelerations: [f64; 3],
}

impl Default for Settings {
    fn default() -> Settings {
        let limits = Limits {
            steps_per_mm: [80.0, 80.0, 400.0, 93.0],
            rate: [300.0, 300.0, 5.0, 25.0],
            acceleration: [3000.0, 3000.0, 100.0, 10_000.0],
            junction_deviation_mm: 0.013,
            slowest: 0.05,
        };
        Settings { limits, accelerations: [3000.0; 3] }
    }
}

/// A command in the queue.
#[derive(Clone, Debug)]
struct Command {
    text: String,
    number: Option<i64>,
}

/// The firmware and the machine under it.
#[derive(Clone, Debug)]
pub(super) struct Marlin {
    ring: VecDeque<u8>,
    line: Vec<u8>,
    in_comment: bool,
    last_number: i64,
    queue: VecDeque<Command>,
    /// The command being carried out, and what is left of it.
    doing: Option<Command>,
    steps: VecDeque<Step>,
    /// Its own number among those taken.
    index: u64,
    settings: Settings,
    stored: Settings,
    motion: Motion,
    /// Where the program stands, mm, and what is added to it (G92).
    at: [f64; AXES],
    shift: [f64; AXES],
    homed: [bool; 3],
    relative: bool,
    relative_e: bool,
    inches: bool,
    /// mm/s
    feed: f64,
    feed_percent: f64,
    heaters: [Heater; 2],
    spindle_on: bool,
    soft_endstops: bool,
    cold_extrusion: bool,
    keepalive_s: f64,
    /// Unasked temperatures: every so many ns, next at.
    auto_report: Option<(u64, u64)>,
    next_busy: u64,
    next_heat_report: u64,
    next_wait: Option<u64>,
    emergency: Vec<u8>,
    /// Somebody pressed the knob, or M108 came.
    released: bool,
    killed: bool,
    hung: bool,
    asleep_until: u64,
    storms: Vec<(i64, u32)>,
    noise_percent: f64,
    random: u64,
    clock: f64,
    starved_at: Option<f64>,
}

impl Marlin {
    pub(super) fn new(io: &mut Io) -> Marlin {
        let settings = Settings::default();
        let mut marlin = Marlin {
            ring: VecDeque::with_capacity(RING),
            line: Vec::new(),
            in_comment: false,
            last_number: 0,
            queue: VecDeque::new(),
            doing: None,
            steps: VecDeque::new(),
            index: 0,
            stored: settings.clone(),
            motion: Motion::new(settings.limits.clone()),
            settings,
            at: [0.0; AXES],
            shift: [0.0; AXES],
            homed: [false; 3],
            relative: false,
            relative_e: false,
            inches: false,
            feed: 25.0,
            feed_percent: 100.0,
            heaters: [Heater::nozzle(), Heater::bed()],
            spindle_on: false,
            soft_endstops: true,
            cold_extrusion: false,
            keepalive_s: KEEPALIVE_S,
            auto_report: None,
            next_busy: 0,
            next_heat_report: 0,
            next_wait: None,
            emergency: Vec::new(),
            released: false,
            killed: false,
            hung: false,
            asleep_until: 0,
            storms: Vec::new(),
            noise_percent: 0.0,
            random: 1,
            clock: 0.0,
            starved_at: None,
        };
        marlin.take_standing_faults(io);
        marlin.boot(io);
        marlin
    }

    /// Faults that are not set off by a command.
    fn take_standing_faults(&mut self, io: &mut Io) {
        io.options.faults.retain(|fault| {
            match fault.what {
                What::Resend => self.storms.push((fault.at as i64, 1)),
                What::Storm(times) => self.storms.push((fault.at as i64, times)),
                What::NoisePercent(percent) => self.noise_percent = percent,
                What::Wait => self.next_wait = Some(NS as u64),
                _ => return true,
            }
            false
        });
    }

    /// The processor starts: everything but the stored settings, the place and the temperatures is new.
    fn boot(&mut self, io: &mut Io) {
        self.ring.clear();
        self.line.clear();
        self.in_comment = false;
        self.last_number = 0;
        self.queue.clear();
        self.doing = None;
        self.steps.clear();
        self.motion.drop_all();
        self.motion.place([0.0; AXES]);
        self.settings = self.stored.clone();
        self.motion.set_limits(self.settings.limits.clone());
        self.at = [0.0; AXES];
        self.shift = [0.0; AXES];
        self.homed = [false; 3];
        self.relative = false;
        self.relative_e = false;
        self.inches = false;
        self.feed = 25.0;
        self.feed_percent = 100.0;
        for heater in &mut self.heaters {
            heater.target_c = 0.0;
        }
        self.spindle_on = false;
        self.soft_endstops = true;
        self.cold_extrusion = false;
        self.keepalive_s = KEEPALIVE_S;
        self.auto_report = None;
        self.emergency.clear();
        self.released = false;
        self.killed = false;
        self.hung = false;
        self.starved_at = None;
        io.say(says::BANNER);
    }

    /// Returns where the machine is, mm.
    pub(super) fn position_mm(&self) -> [f64; AXES] {
        self.motion.position()
    }

    /// Returns whether nothing moves or waits.
    pub(super) fn is_at_rest(&self) -> bool {
        self.motion.is_empty() && self.doing.is_none() && self.queue.is_empty() && self.ring.is_empty()
    }

    /// Takes a byte off the wire.
    pub(super) fn byte(&mut self, byte: u8, io: &mut Io) {
        if self.killed {
            return;
        }
        if io.options.emergency_parser {
            self.emergency(byte, io);
        }
        if self.ring.len() < RING {
            self.ring.push_back(byte);
            io.record.ring_high = io.record.ring_high.max(self.ring.len());
        } else {
            io.record.overflow += 1;
        }
    }

    /// Acts on what must not wait in the queue.
    fn emergency(&mut self, byte: u8, io: &mut Io) {
        if byte != b'\n' && byte != b'\r' {
            if self.emergency.len() < 24 {
                self.emergency.push(byte);
            }
            return;
        }
        let line = std::mem::take(&mut self.emergency);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        let command = match text.strip_prefix('N') {
            Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' '),
            None => text,
        };
        let word: String = command.chars().take_while(char::is_ascii_alphanumeric).collect();
        self.urgent(&word, io);
    }

    /// Carries out M108, M112 or M410.
    fn urgent(&mut self, word: &str, io: &mut Io) {
        match word {
            "M108" => self.released = true,
            "M112" => self.kill(io),
            "M410" => {
                self.steps.retain(|s| !matches!(s, Step::Move(_) | Step::Arc(_)));
                self.motion.drop_all();
                self.at = self.motion.position();
            }
            _ => {}
        }
    }

    fn kill(&mut self, io: &mut Io) {
        io.record.errors += 1;
        io.say("Error:Printer halted. kill() called!\n");
        self.killed = true;
        self.queue.clear();
        self.doing = None;
        self.steps.clear();
        self.motion.drop_all();
        for heater in &mut self.heaters {
            heater.target_c = 0.0;
        }
    }

    /// Somebody touches the machine.
    pub(super) fn press(&mut self, input: Input, io: &mut Io) {
        match input {
            Input::Start => self.released = true,
            Input::Reset | Input::Power => {
                io.record.resets += 1;
                io.wire.forget_answers();
                self.boot(io);
            }
            Input::Hold | Input::Door(_) | Input::Limit => {}
        }
    }

    /// Reads lines and carries commands out until it has to wait.
    pub(super) fn run(&mut self, io: &mut Io) {
        loop {
            if self.killed || self.hung || io.now < self.asleep_until {
                return;
            }
            self.read_lines(io);
            if self.doing.is_none() && !self.begin(io) {
                return self.motion_goes();
            }
            while !self.steps.is_empty() {
                if !self.step(io) {
                    self.busy(io);
                    self.read_lines(io);
                    return self.motion_goes();
                }
                if self.killed || self.doing.is_none() {
                    break;
                }
            }
            if self.steps.is_empty()
                && let Some(command) = self.doing.take()
            {
                self.ok(command.number, io);
            }
        }
    }

    fn motion_goes(&mut self) {
        if !self.motion.is_going() && !self.motion.is_empty() {
            self.motion.go();
        }
    }

    /// Takes bytes out of the ring while the queue has room.
    fn read_lines(&mut self, io: &mut Io) {
        while self.queue.len() + usize::from(self.doing.is_some()) < QUEUE && !self.killed {
            let Some(byte) = self.ring.pop_front() else { return };
            match byte {
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    self.in_comment = false;
                    let text = String::from_utf8_lossy(&line);
                    let text = text.trim();
                    if !text.is_empty() {
                        io.record.lines += 1;
                        let text = self.with_noise(text);
                        self.line_came(&text, io);
                    }
                }
                b';' => self.in_comment = true,
                _ if self.in_comment || self.line.len() >= LINE => {}
                _ => self.line.push(byte),
            }
        }
    }

    /// Returns the line, damaged now and then by a fault; always the same ones.
    fn with_noise(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        if self.noise_percent > 0.0 && bytes.len() > 3 {
            let chance = (self.random() % 10_000) as f64 / 100.0;
            if chance < self.noise_percent {
                let place = 1 + self.random() as usize % (bytes.len() - 1);
                bytes[place] ^= 1;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A linear congruential generator (Knuth, MMIX): the same faults in every run.
    fn random(&mut self) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 33
    }

    /// Takes a line whose end has come.
    fn line_came(&mut self, text: &str, io: &mut Io) {
        let Some(numbered) = text.strip_prefix('N') else {
            self.enqueue(text, None, io);
            return;
        };
        let sets_number = text.contains("M110");
        let mut number = leading_number(numbered);
        if sets_number && let Some(i) = text[4..].find('N') {
            number = leading_number(&text[4 + i + 1..]);
        }
        if number != self.last_number + 1 && !sets_number {
            return self.ask_again("Line Number is not Last Line Number+1", io);
        }
        let Some(star) = text.rfind('*') else {
            return self.ask_again("No Checksum with line number", io);
        };
        let sum = text.as_bytes()[..star].iter().fold(0u8, |sum, b| sum ^ b);
        if text[star + 1..].trim().parse() != Ok(u32::from(sum)) {
            return self.ask_again("checksum mismatch", io);
        }
        if !sets_number && self.storm(number, io) {
            return self.ask_again("checksum mismatch", io);
        }
        self.last_number = number;
        let command = numbered[..star - 1].trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        self.enqueue(command.trim(), Some(number), io);
    }

    fn storm(&mut self, number: i64, io: &mut Io) -> bool {
        let left = self.storms.iter_mut().find(|(n, left)| *n == number && *left > 0);
        if let Some((_, left)) = left {
            *left -= 1;
            io.record.faults += 1;
            return true;
        }
        false
    }

    fn enqueue(&mut self, text: &str, number: Option<i64>, io: &mut Io) {
        if !io.options.emergency_parser {
            let word: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
            self.urgent(&word, io);
        }
        if !self.killed {
            self.queue.push_back(Command { text: text.to_owned(), number });
        }
    }

    /// Everything that waits in the ring is thrown away, and the line asked for again.
    fn ask_again(&mut self, why: &str, io: &mut Io) {
        self.ring.clear();
        io.record.resends += 1;
        let last = self.last_number;
        io.say(&format!("Error:{why}, Last Line: {last}\nResend: {}\nok\n", last + 1));
    }

    /// Says that a command is done.
    fn ok(&mut self, number: Option<i64>, io: &mut Io) {
        let text = if io.options.advanced_ok {
            let number = number.map_or(String::new(), |n| format!(" N{n}"));
            let free = BLOCKS - self.motion.len().min(BLOCKS);
            format!("ok{number} P{free} B{}\n", QUEUE - 1 - self.queue.len().min(QUEUE - 1))
        } else {
            "ok\n".to_owned()
        };
        self.answer(&text, io);
    }

    fn answer(&mut self, text: &str, io: &mut Io) {
        io.record.oks += 1;
        io.answer(self.index, text, &mut self.asleep_until);
    }

    /// Says that it is at work, when that has lasted.
    fn busy(&mut self, io: &mut Io) {
        if self.keepalive_s > 0.0 && io.now >= self.next_busy {
            let why = match self.steps.front() {
                Some(Step::User) => "paused for user",
                _ => "processing",
            };
            io.say(&format!("echo:busy: {why}\n"));
            self.next_busy = io.now + (self.keepalive_s * NS) as u64;
        }
    }

    /// Returns when something happens by itself, if anything will.
    pub(super) fn next(&self, io: &Io) -> Option<u64> {
        if self.killed {
            return None;
        }
        let after = |s: f64| io.now + io.wall_ns(s).max(1);
        let busy = !self.steps.is_empty() && !self.hung && self.asleep_until <= io.now;
        let heating = busy && matches!(self.steps.front(), Some(Step::Heat { .. }));
        let step = match self.steps.front() {
            Some(Step::Wait(s)) => Some(after(*s)),
            Some(Step::Until(ns)) => Some(*ns),
            Some(Step::Heat { heater, left_s }) => {
                Some(after(self.heaters[*heater].seconds_to(commands::WINDOW_C).unwrap_or(*left_s)))
            }
            _ => None,
        };
        [
            self.motion.next().map(after),
            step.filter(|_| busy),
            (busy && self.keepalive_s > 0.0).then_some(self.next_busy),
            heating.then_some(self.next_heat_report),
            self.auto_report.map(|(_, at)| at),
            self.next_wait,
            (self.asleep_until > io.now).then_some(self.asleep_until),
        ]
        .into_iter()
        .flatten()
        .map(|t| t.max(io.now))
        .min()
    }

    /// Lets time go by.
    pub(super) fn elapse(&mut self, ns: u64, io: &mut Io) {
        let seconds = ns as f64 / NS * io.speed();
        self.clock += seconds;
        self.elapse_step(seconds);
        for heater in &mut self.heaters {
            heater.elapse(seconds);
        }
        let stop = self.motion.elapse(seconds);
        for piece in self.motion.done.drain(..) {
            io.record.moved(piece, io.options.keep_moves);
        }
        if stop == Some(Stop::Empty) {
            self.starved_at = self.doing.is_none().then_some(self.clock);
        }
        if !self.killed {
            self.unasked(io);
        }
    }

    /// Says what is due without being asked.
    fn unasked(&mut self, io: &mut Io) {
        if let Some((every, at)) = self.auto_report
            && at <= io.now
        {
            io.say(&format!(" {}\n", self.temperatures()));
            self.auto_report = Some((every, io.now + every));
        }
        if self.next_wait.is_some_and(|t| t <= io.now) {
            if self.is_at_rest() {
                io.say("wait\n");
            }
            self.next_wait = Some(io.now + NS as u64);
        }
    }
}

/// Reads a whole number at the beginning of a text, as C's strtol: 0 when there is none.
fn leading_number(text: &str) -> i64 {
    let text = text.trim_start();
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    text[..sign + digits].parse().unwrap_or(0)
}
