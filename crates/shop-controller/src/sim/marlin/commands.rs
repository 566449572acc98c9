//! Commands of Marlin: what each comes to.

use super::{BLOCKS, Marlin};
use crate::sim::motion::{AXES, Request};
use crate::sim::{Io, NS, What};

/// Near enough to a temperature (`TEMP_WINDOW`), °C.
pub(super) const WINDOW_C: f64 = 1.0;
/// How long a temperature must stay near before a wait for it ends (`TEMP_RESIDENCY_TIME`), s.
const RESIDENCY_S: f64 = 10.0;
/// Colder than this, filament is not fed (`EXTRUDE_MINTEMP`), °C.
const COLD_C: f64 = 170.0;
/// Size of the bed, mm.
const BED: [f64; 3] = [220.0, 220.0, 250.0];
/// Longest chord of an arc (`MM_PER_ARC_SEGMENT` and its kin), mm.
const CHORD: f64 = 1.0;

/// One thing a command does, and may have to wait for.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Move(Request),
    Arc(Box<Chords>),
    /// All motion ends.
    Drain,
    /// Machine seconds that are left.
    Wait(f64),
    /// ns
    Until(u64),
    /// A temperature is reached and stays; seconds that it must still stay.
    Heat {
        heater: usize,
        left_s: f64,
    },
    /// Somebody presses the knob.
    User,
    Homed([bool; 3]),
    Say(String),
}

/// An arc in the XY plane, chord by chord.
#[derive(Clone, Debug)]
pub(super) struct Chords {
    request: Request,
    from: [f64; AXES],
    centre: [f64; 2],
    radius: f64,
    start: f64,
    sweep: f64,
    /// The one that is next, from 1.
    next: u64,
    count: u64,
}

/// Parameters of a command: letters and values.
struct Parameters<'a>(&'a str);

impl Parameters<'_> {
    /// Returns the value behind a letter; a letter alone is nothing.
    fn get(&self, letter: char) -> Option<f64> {
        let start = self.0.find(letter)? + 1;
        let rest = self.0[start..].trim_start();
        let end =
            rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(rest.len());
        rest[..end].parse().ok().filter(|v: &f64| v.is_finite())
    }

    fn has(&self, letter: char) -> bool {
        self.0.contains(letter)
    }

    fn axes(&self) -> [Option<f64>; AXES] {
        ['X', 'Y', 'Z', 'E'].map(|letter| self.get(letter))
    }
}

impl Marlin {
    /// Takes the next command from the queue; returns whether there was one.
    pub(super) fn begin(&mut self, io: &mut Io) -> bool {
        let Some(command) = self.queue.pop_front() else { return false };
        self.index += 1;
        io.record.accept(command.text.as_bytes());
        self.next_busy = io.now + (self.keepalive_s * NS) as u64;
        self.released = false;
        let text = command.text.clone();
        self.doing = Some(command);
        if !self.fault(io) {
            self.carry_out(&text, io);
        }
        true
    }

    /// Lets go wrong what is to go wrong with this command; returns whether it is lost by it.
    fn fault(&mut self, io: &mut Io) -> bool {
        for what in io.faults_at(self.index, |w| !w.is_of_the_answer() && !w.is_of_a_byte()) {
            match what {
                What::Kill => self.kill(io),
                What::Runaway => {
                    io.record.errors += 1;
                    io.say("Error:Thermal Runaway, system stopped! Heater_ID: E0\n");
                    self.kill(io);
                }
                What::Reset => {
                    io.wire.forget_answers();
                    io.record.resets += 1;
                    self.boot(io);
                }
                What::Disconnect(time) => {
                    io.disconnect(time);
                    self.doing = None;
                }
                What::Hang | What::Dead => self.hung = true,
                What::Busy(time) | What::Stall(time) => {
                    self.steps.push_back(Step::Until(io.now + time.as_nanos() as u64));
                    continue;
                }
                What::Action(text) => {
                    io.say(&format!("//action:{text}\n"));
                    continue;
                }
                What::Temperatures(every) => {
                    let every = (every.as_nanos() as u64).max(1_000_000);
                    self.auto_report = Some((every, io.now + every));
                    continue;
                }
                _ => continue,
            }
            return true;
        }
        false
    }

    /// Turns a command into steps.
    fn carry_out(&mut self, text: &str, io: &mut Io) {
        let upper = text.to_ascii_uppercase();
        let Some((letter, number, rest)) = split(&upper) else { return unknown(text, io) };
        let p = Parameters(rest);
        match (letter, number) {
            // G0 goes at the feed in force, too.
            ('G', 0 | 1) => self.linear(&p, io),
            ('G', 2 | 3) => self.arc(&p, number == 2, io),
            ('G', 4) => {
                let seconds = p.get('P').unwrap_or(0.0) / 1000.0 + p.get('S').unwrap_or(0.0);
                self.steps.extend([Step::Drain, Step::Wait(seconds.max(0.0))]);
            }
            ('G', 20 | 21) => self.inches = number == 20,
            ('G', 28) => self.home(&p),
            ('G', 90 | 91) => (self.relative, self.relative_e) = (number == 91, number == 91),
            ('G', 92) => self.set_position(&p),
            ('M', 82 | 83) => self.relative_e = number == 83,
            ('M', 0 | 1) => {
                self.steps.extend([Step::Drain, Step::Say("//action:paused\n".into()), Step::User]);
            }
            ('M', 3..=5) => {
                self.spindle_on = number != 5;
                self.steps.push_back(Step::Drain);
            }
            ('M', 104 | 109) => self.heat(0, &p, number == 109),
            ('M', 140 | 190) => self.heat(1, &p, number == 190),
            ('M', 105) => {
                let temperatures = self.temperatures();
                self.doing = None;
                self.answer(&format!("ok {temperatures}\n"), io);
            }
            ('M', 400) => self.steps.push_back(Step::Drain),
            ('M', 112) => self.kill(io),
            ('M', 113) => self.keepalive_s = p.get('S').unwrap_or(self.keepalive_s).clamp(0.0, 60.0),
            ('M', 114) => {
                let text = self.position(p.has('R'));
                io.say(&text);
            }
            ('M', 115) => io.say(&Marlin::firmware(io.options.emergency_parser)),
            ('M', 119) => io.say("Reporting endstop status\nx_min: open\ny_min: open\nz_min: open\n"),
            ('M', 155) => {
                let every = (p.get('S').unwrap_or(0.0).clamp(0.0, 60.0) * NS) as u64;
                self.auto_report = (every > 0).then_some((every, io.now + every));
            }
            ('M', 211) => self.soft_endstops = p.get('S') != Some(0.0),
            ('M', 220) => self.feed_percent = p.get('S').unwrap_or(100.0).clamp(10.0, 999.0),
            ('M', 302) => self.cold_extrusion = p.get('P') == Some(1.0) || p.get('S') == Some(0.0),
            ('M', 92 | 201 | 203 | 204 | 205) => self.set(number, &p),
            ('M', 500) => {
                self.stored = self.settings.clone();
                io.say("echo:Settings Stored (600 bytes; crc 1234)\n");
            }
            ('M', 501 | 502) => {
                self.settings = if number == 501 { self.stored.clone() } else { super::Settings::default() };
                self.steps.push_back(Step::Drain);
                self.motion.set_limits(self.settings.limits.clone());
            }
            ('M', 503) => io.say(&self.settings_report()),
            ('M', 999) => {}
            _ if is_silent(letter, number) => {}
            _ => unknown(text, io),
        }
    }

    fn unit(&self) -> f64 {
        if self.inches { 25.4 } else { 1.0 }
    }

    /// Returns where the words of a move point, machine coordinates.
    fn target(&self, p: &Parameters<'_>) -> [f64; AXES] {
        let words = p.axes();
        let mut target: [f64; AXES] = std::array::from_fn(|i| {
            let relative = if i == 3 { self.relative_e } else { self.relative };
            match words[i] {
                None => self.at[i],
                Some(v) if relative => self.at[i] + v * self.unit(),
                Some(v) => v * self.unit() + self.shift[i],
            }
        });
        for i in 0..3 {
            // An axis that was homed stays on the bed.
            if self.soft_endstops && self.homed[i] {
                target[i] = target[i].clamp(0.0, BED[i]);
            }
        }
        target
    }

    fn request(&mut self, target: [f64; AXES], io: &mut Io) -> Request {
        let mut target = target;
        let feeds = target[3] != self.at[3];
        let moves = target[..3] != self.at[..3];
        let cold = self.heaters[0].temperature_c < COLD_C && !self.cold_extrusion;
        let [print, retract, travel] = self.settings.accelerations;
        let acceleration = match (moves, feeds) {
            (true, true) => print,
            (false, true) => retract,
            _ => travel,
        };
        let wanted = target;
        if feeds && cold {
            io.say("echo: cold extrusion prevented\n");
            // What is not fed is still counted.
            target[3] = self.motion.planned()[3];
        }
        self.at = wanted;
        let feed = self.feed * self.feed_percent / 100.0;
        Request {
            line: self.index,
            target,
            feed,
            acceleration,
            tool_on: self.spindle_on || feeds,
            plain: true,
        }
    }

    fn linear(&mut self, p: &Parameters<'_>, io: &mut Io) {
        self.take_feed(p);
        let target = self.target(p);
        let request = self.request(target, io);
        self.steps.push_back(Step::Move(request));
    }

    fn take_feed(&mut self, p: &Parameters<'_>) {
        if let Some(f) = p.get('F').filter(|f| *f > 0.0) {
            self.feed = f * self.unit() / 60.0;
        }
    }

    /// An arc in the XY plane by its centre.
    fn arc(&mut self, p: &Parameters<'_>, clockwise: bool, io: &mut Io) {
        self.take_feed(p);
        let from = self.at;
        let target = self.target(p);
        let unit = self.unit();
        let (i, j) = (p.get('I').unwrap_or(0.0) * unit, p.get('J').unwrap_or(0.0) * unit);
        let radius = i.hypot(j);
        if radius < 1e-9 {
            io.say("Error:G2/G3 bad parameters\n");
            return;
        }
        let centre = [from[0] + i, from[1] + j];
        let start = (-j).atan2(-i);
        let mut sweep = (target[1] - centre[1]).atan2(target[0] - centre[0]) - start;
        if clockwise && sweep >= -1e-9 {
            sweep -= std::f64::consts::TAU;
        } else if !clockwise && sweep <= 1e-9 {
            sweep += std::f64::consts::TAU;
        }
        let request = self.request(target, io);
        let count = (sweep.abs() * radius / CHORD).ceil().clamp(1.0, 1e6) as u64;
        let arc = Chords { request, from, centre, radius, start, sweep, next: 1, count };
        self.steps.push_back(Step::Arc(Box::new(arc)));
    }

    fn home(&mut self, p: &Parameters<'_>) {
        let named = ['X', 'Y', 'Z'].map(|letter| p.has(letter));
        let which = if named == [false; 3] { [true; 3] } else { named };
        let here = self.motion.planned();
        // 50 mm/s to the switch and slowly again for x and y, 4 mm/s for z.
        let way = |i: usize, speed: f64| if which[i] { here[i].abs().min(BED[i]) / speed + 1.5 } else { 0.0 };
        let seconds = way(0, 50.0) + way(1, 50.0) + way(2, 4.0);
        self.steps.extend([Step::Drain, Step::Wait(seconds), Step::Homed(which)]);
    }

    fn set_position(&mut self, p: &Parameters<'_>) {
        let words = p.axes();
        let none = words.iter().all(Option::is_none);
        for i in 0..AXES {
            if let Some(v) = words[i].or(none.then_some(0.0)) {
                self.shift[i] = self.at[i] - v * self.unit();
            }
        }
    }

    fn heat(&mut self, heater: usize, p: &Parameters<'_>, wait: bool) {
        let cool_too = p.get('R');
        if let Some(target) = p.get('S').or(cool_too) {
            self.heaters[heater].target_c = target.clamp(0.0, 300.0);
        }
        let h = &self.heaters[heater];
        let wanted = h.target_c > 0.0 && (cool_too.is_some() || h.target_c > h.temperature_c - WINDOW_C);
        if wait && wanted {
            self.next_heat_report = 0;
            self.steps.extend([Step::Drain, Step::Heat { heater, left_s: RESIDENCY_S }]);
        }
    }

    fn set(&mut self, number: u32, p: &Parameters<'_>) {
        let words = p.axes();
        let put = |to: &mut [f64; AXES]| {
            for (to, word) in to.iter_mut().zip(words) {
                if let Some(v) = word.filter(|v| *v > 0.0) {
                    *to = v;
                }
            }
        };
        match number {
            92 => put(&mut self.settings.limits.steps_per_mm),
            201 => put(&mut self.settings.limits.acceleration),
            203 => put(&mut self.settings.limits.rate),
            204 => {
                for (i, letter) in ['P', 'R', 'T'].into_iter().enumerate() {
                    if let Some(v) = p.get(letter).or(p.get('S')).filter(|v| *v > 0.0) {
                        self.settings.accelerations[i] = v;
                    }
                }
            }
            _ => {
                if let Some(v) = p.get('J').filter(|v| *v >= 0.0) {
                    self.settings.limits.junction_deviation_mm = v;
                }
            }
        }
        self.motion.set_limits(self.settings.limits.clone());
    }

    /// Lets time go by for the command.
    pub(super) fn elapse_step(&mut self, seconds: f64) {
        match self.steps.front_mut() {
            Some(Step::Wait(left)) => *left -= seconds,
            Some(Step::Heat { heater, left_s }) => {
                if self.heaters[*heater].seconds_to(WINDOW_C).is_none() {
                    *left_s -= seconds;
                } else {
                    *left_s = RESIDENCY_S;
                }
            }
            _ => {}
        }
    }

    /// Carries out the first step; returns whether it is done.
    pub(super) fn step(&mut self, io: &mut Io) -> bool {
        let Some(mut step) = self.steps.pop_front() else { return true };
        let done = match &mut step {
            Step::Move(request) => self.motion.len() < BLOCKS && self.plan(*request, io),
            Step::Arc(arc) => self.chord(arc, io),
            Step::Drain => self.motion.is_empty(),
            Step::Wait(left) => *left <= 1e-12,
            Step::Until(ns) => *ns <= io.now,
            Step::Heat { heater, left_s } => self.is_warm(*heater, *left_s, io),
            Step::User => self.released,
            Step::Homed(which) => {
                self.homed(*which);
                true
            }
            Step::Say(text) => {
                io.say(text);
                true
            }
        };
        if !done {
            self.steps.push_front(step);
        }
        done
    }

    fn plan(&mut self, request: Request, io: &mut Io) -> bool {
        if self.motion.plan(request)
            && let Some(since) = self.starved_at.take()
        {
            io.record.starvations += 1;
            io.record.starved_s += self.clock - since;
        }
        true
    }

    fn chord(&mut self, arc: &mut Chords, io: &mut Io) -> bool {
        while self.motion.len() < BLOCKS {
            let mut request = arc.request;
            let last = arc.next >= arc.count;
            if !last {
                let share = arc.next as f64 / arc.count as f64;
                let angle = arc.start + arc.sweep * share;
                let end = arc.request.target;
                request.target = std::array::from_fn(|i| arc.from[i] + (end[i] - arc.from[i]) * share);
                request.target[0] = arc.centre[0] + arc.radius * angle.cos();
                request.target[1] = arc.centre[1] + arc.radius * angle.sin();
            }
            self.plan(request, io);
            arc.next += 1;
            if last {
                return true;
            }
        }
        false
    }

    fn is_warm(&mut self, heater: usize, left_s: f64, io: &mut Io) -> bool {
        if self.released {
            return true;
        }
        let near = self.heaters[heater].seconds_to(WINDOW_C).is_none();
        if near && left_s <= 1e-9 {
            return true;
        }
        if io.now >= self.next_heat_report {
            let left = if near { format!("{left_s:.0}") } else { "?".into() };
            io.say(&format!("{} W:{left}\n", self.temperatures()));
            self.next_heat_report = io.now + NS as u64;
        }
        false
    }

    fn homed(&mut self, which: [bool; 3]) {
        let mut place = self.motion.position();
        for i in 0..3 {
            if which[i] {
                place[i] = 0.0;
                self.at[i] = 0.0;
                self.shift[i] = 0.0;
                self.homed[i] = true;
            }
        }
        self.motion.place(place);
    }
}

fn unknown(text: &str, io: &mut Io) {
    io.say(&format!("echo:Unknown command: \"{text}\"\n"));
}

/// Splits `G1 X5` into letter, number and the rest.
fn split(upper: &str) -> Option<(char, u32, &str)> {
    let letter = upper.chars().next().filter(|c| matches!(c, 'G' | 'M' | 'T'))?;
    let rest = upper[1..].trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    Some((letter, rest[..digits].parse().ok()?, &rest[digits..]))
}

/// Commands that are taken and have nothing to say here: fans, displays, motors off, tools, meshes, sounds.
fn is_silent(letter: char, number: u32) -> bool {
    match letter {
        'G' => matches!(number, 10 | 11 | 17 | 29 | 54),
        'M' => matches!(
            number,
            17 | 18 | 20 | 27 | 31 | 73 | 75..=78 | 84..=86 | 106..=108 | 110 | 117 | 118 | 120 | 121 | 204 | 221
                | 300 | 410 | 412 | 420 | 428 | 486 | 600 | 851 | 862 | 876 | 900
        ),
        _ => letter == 'T',
    }
}
