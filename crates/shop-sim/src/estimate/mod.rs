//! How long the program takes: the machine's own planner, replayed.
//!
//! An [`Estimator`] is fed one command after the other and keeps no more than the controller's own look-ahead;
//! [`estimate`] feeds it whole sections. How corners are passed stands in `corner`, how moves become blocks in
//! `moves`, and the planners themselves in `crate::planner` (a buffer of so many blocks: GRBL and its kin, Marlin,
//! LinuxCNC) and `crate::lookahead` (Klipper).
//!
//! Spindle, torch and coolant words, dwells, tool changes and probes stop the machine; laser words do not (laser
//! mode). The link is taken to be fast enough to keep the buffer full: then Marlin's SLOWDOWN (blocks of less than 20 ms
//! that find the buffer less than half full are stretched) is met only in the first moves after a stop, and adds at most
//! 0.05 % to any of eleven programs, with lines arriving every 0.5 to 3.8 ms; link and SLOWDOWN together add at most
//! 0.13 % (measured in `tests/replay/link.rs`). So it is left out.
//!
//! NOTE: steps are not rounded; pauses count nothing, nor does homing where the profile has no rates (`homing`).

mod blend;
mod corner;
mod homing;
mod ledger;
mod limits;
mod moves;
mod part;
mod straighten;
#[cfg(test)]
pub(crate) mod tests;

use crate::motion::{Event, Kind, Move, Place, State, step};
use crate::tally::Sum;
use corner::Rule;
pub use ledger::Times;
use ledger::{Doing, Ledger, Waiting};
use limits::Limits;
use moves::Motion;
use shop_cam::canon::{
    Command, Factor, FeedMode, Heater, Laser, PathControl, Role, Section, Torch, Wait, Way,
};
use shop_cam::chords::Chords;
use shop_cam::machine::{Cornering, Cut, Dialect, Machine, TorchControl};
use shop_cam::toolpath::read_material;

/// Times in s, lengths in mm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// All of it.
    pub total_s: f64,
    /// Moves at the feed; on a printer those that lay filament.
    pub cut_s: f64,
    /// Rapids; on a printer all travel.
    pub rapid_s: f64,
    /// Filament pushed or pulled with the nozzle at rest.
    pub filament_s: f64,
    /// Waiting: dwells, and what the controller does at a pierce.
    pub dwell_s: f64,
    /// Waiting for a temperature.
    pub heat_s: f64,
    /// Tool changes.
    pub change_s: f64,
    /// Looking for the switches.
    pub home_s: f64,
    /// How often switches are looked for …
    pub homings: u32,
    /// … and how often of these it counts nothing, since the profile does not say how fast.
    pub homings_not_counted: u32,
    /// How often the torch or laser starts, or the tool goes down into the work.
    pub pierces: u32,
    /// Tool changes asked for.
    pub tool_changes: u32,
    /// Length of the moves at the feed.
    pub cut_length: f64,
    /// Length of the rapids.
    pub rapid_length: f64,
    /// Filament used, mm.
    pub filament_length: f64,
    /// Moves, an arc being one.
    pub moves: u64,
    /// What every section is for and its name, in order.
    pub names: Vec<(Role, String)>,
    /// Times of every section, in order.
    pub sections: Vec<Times>,
    /// Times by tool or extruder, where there are any.
    pub tools: Vec<(u32, Times)>,
    /// Times by layer of a print.
    pub layers: Vec<(u32, Times)>,
    /// Times by what the slicer calls the roads; those before the first name have the empty one.
    pub features: Vec<(String, Times)>,
}

/// LinuxCNC's look-ahead, in moves.
const LINUXCNC_DEPTH: usize = 200;
/// Room temperature, °C.
const ROOM_C: f64 = 20.0;
/// Marlin's own firmware retraction: 3 mm at 45 mm/s, back at 8 mm/s.
const FIRMWARE_RETRACT: (f64, f64, f64) = (3.0, 45.0, 8.0);

/// One heater: it goes from a temperature towards its target from a time on.
#[derive(Clone, Copy, Debug)]
struct Warmth {
    from_c: f64,
    target_c: f64,
    since_s: f64,
    c_per_s: f64,
}

impl Warmth {
    fn new(c_per_s: f64) -> Self {
        Warmth { from_c: ROOM_C, target_c: ROOM_C, since_s: 0.0, c_per_s: c_per_s.max(1e-3) }
    }

    /// Returns the temperature at `now_s`; cooling is not modelled, a heater that is off is at once cold.
    fn at(&self, now_s: f64) -> f64 {
        let warmed = self.from_c + self.c_per_s * (now_s - self.since_s).max(0.0);
        if self.target_c < self.from_c { self.target_c.max(ROOM_C) } else { warmed.min(self.target_c) }
    }
}

/// Replays a program on one machine, command by command.
pub struct Estimator<'a> {
    machine: &'a Machine,
    state: State,
    inner: Inner<'a>,
    ended: bool,
    begun: Option<part::Begun>,
}

struct Inner<'a> {
    machine: &'a Machine,
    motion: Motion,
    ledger: Ledger,
    out: Estimate,
    material: Option<Cut>,
    /// Scales feeds (M220 and QtPlasmaC's velocity).
    factor: f64,
    speed_percent: f64,
    /// Scales filament (M221).
    flow: f64,
    /// G0 is run at the feed in force.
    rapid_feed: bool,
    down: bool,
    /// Some tool was asked for before.
    changed: bool,
    /// Axes whose switches were found: where they are is known.
    homed: [bool; 3],
    /// Lengths of what is counted in `out`: cut, rapid, filament.
    lengths: [Sum; 3],
    hotends: Vec<Warmth>,
    bed: Warmth,
    /// Temperatures asked for in a later part of a program: how warm it is then is known only to what is before.
    heats: Option<Vec<part::Heat>>,
    usual_rule: Rule,
}

impl<'a> Estimator<'a> {
    /// Returns an estimator of `machine`, at rest over the work zero.
    pub fn new(machine: &'a Machine) -> Self {
        let depth = match machine.cornering {
            Cornering::JunctionDeviation { buffer, .. } | Cornering::Jerk { buffer, .. } => buffer as usize,
            Cornering::Blend { .. } => LINUXCNC_DEPTH,
            Cornering::SquareCorner { .. } => 2,
        };
        // A profile's tolerance is what its G64 P says; Q is then the same.
        let straighten = if let Cornering::Blend { tolerance } = machine.cornering { tolerance } else { 0.0 };
        let limits = Limits::of(machine);
        let usual_rule = limits.rule;
        let p = machine.printer.as_ref();
        let start = [0.0, 0.0, 0.0f64.max(machine.process.safe_height)];
        let dialect = machine.post.dialect;
        Estimator {
            machine,
            state: State::new(start),
            inner: Inner {
                machine,
                motion: Motion::new(limits, depth, straighten),
                ledger: Ledger::new(),
                out: Estimate::default(),
                material: None,
                factor: 1.0,
                speed_percent: 100.0,
                flow: 1.0,
                rapid_feed: matches!(dialect, Dialect::Marlin | Dialect::Klipper | Dialect::RepRapFirmware),
                down: false,
                changed: false,
                homed: [false; 3],
                lengths: [Sum::default(); 3],
                hotends: vec![Warmth::new(p.map_or(2.5, |p| p.hotend_c_per_s))],
                bed: Warmth::new(p.map_or(0.5, |p| p.bed_c_per_s)),
                heats: None,
                usual_rule,
            },
            ended: false,
            begun: None,
        }
    }

    /// Says how many bytes the program has: so finely its arcs may be divided in all ([`Chords`]).
    #[must_use]
    pub fn of_bytes(mut self, bytes: usize) -> Self {
        self.state.chords = Chords::of(bytes as u64);
        self.inner.motion.chords = self.state.chords;
        self
    }

    /// Layers are not told apart: memory does not grow with them.
    #[must_use]
    pub fn of_all_layers(mut self) -> Self {
        self.inner.ledger.join_layers();
        self
    }

    /// Returns the machine.
    pub fn machine(&self) -> &'a Machine {
        self.machine
    }

    /// A section begins.
    pub fn section(&mut self, role: Role, label: &str) {
        self.inner.ledger.section(role, label);
    }

    /// Runs one command; nothing after the first [`Command::End`] counts.
    #[inline]
    pub fn command(&mut self, command: &Command) {
        if self.ended {
            return;
        }
        let inner = &mut self.inner;
        match command {
            // Nearly all of a print.
            Command::Extrude { to, e } if to.iter().all(|v| v.is_finite()) => {
                let at = self.state.at;
                self.state.at = *to;
                inner.extrude(&self.state, at, *e);
            }
            Command::Home { axes, to, .. } => {
                inner.home(self.state.at, *axes, *to);
                self.state.at = *to;
            }
            _ => {
                let place = Place { section: 0, line: 0 };
                // What is walked in chords is an arc to the controller.
                let whole = !matches!(command, Command::Move(m) if matches!(m.way, Way::Arc { .. }));
                step(&mut self.state, place, command, &mut |state, _, event| match event {
                    Event::Move(m) => inner.motion(state, &m, whole),
                    Event::Other(command) => inner.other(state, command),
                });
                self.ended = *command == Command::End;
            }
        }
    }

    /// Returns how long the machine is busy with what has left the look-ahead: never more than what was run takes.
    pub fn so_far_s(&self) -> f64 {
        self.inner.ledger.seconds().value()
    }

    /// Returns the times of all that was run.
    pub fn finish(self) -> Estimate {
        self.inner.finish()
    }
}

/// Estimates the program's time on this machine. O(moves), memory as deep as the look-ahead.
pub fn estimate(sections: &[Section], machine: &Machine) -> Estimate {
    let mut estimator = Estimator::new(machine).of_bytes(crate::motion::bytes_of(sections) as usize);
    for section in sections {
        estimator.section(section.role, &section.label);
        for command in &section.commands {
            estimator.command(command);
        }
    }
    estimator.finish()
}

impl Inner<'_> {
    fn stop(&mut self) {
        self.motion.stop(&mut self.ledger);
    }

    fn feed(&self, state: &State) -> f64 {
        let feed = state.feed.unwrap_or_else(|| self.machine.process.feed.mm_per_min());
        feed * (1.0 / 60.0) * self.factor
    }

    #[inline]
    fn extrude(&mut self, state: &State, from: [f64; 3], e: f64) {
        let to = state.at;
        let e = if e.is_finite() { e * self.flow } else { 0.0 };
        let d = [to[0] - from[0], to[1] - from[1], to[2] - from[2], e];
        let still = d[0] == 0.0 && d[1] == 0.0 && d[2] == 0.0;
        let doing = match (still, e > 0.0) {
            (true, _) => Doing::Filament,
            (false, true) => Doing::Cut,
            (false, false) => Doing::Rapid,
        };
        let speed = self.feed(state);
        let length = self.motion.straight(d, speed, doing, &mut self.ledger);
        self.count(doing, length, e);
    }

    /// A move; `whole` when the program has it like this, and it is no chord of an arc.
    fn motion(&mut self, state: &State, m: &Move, whole: bool) {
        let printer = self.machine.printer.is_some();
        let rapid = m.kind == Kind::Rapid || (printer && m.e <= 0.0);
        let goes_down = !rapid && m.to[2] < m.from[2] && m.to[2] < 0.0;
        if goes_down && !self.down && state.torch == Torch::Off && !state.laser_on() {
            self.out.pierces += 1;
        }
        self.down = if goes_down { true } else { self.down && m.to[2] < 0.0 };
        let speed = if m.kind == Kind::Rapid && !self.rapid_feed {
            f64::INFINITY
        } else {
            self.feed(state) * self.speed_percent / 100.0
        };
        let e = m.e * self.flow;
        let doing = if rapid { Doing::Rapid } else { Doing::Cut };
        let length = if let Kind::Arc { center, counter_clockwise } = m.kind {
            let turn = (center, counter_clockwise);
            self.motion.arc(m.from, m.to, turn, e, speed, doing, &mut self.ledger)
        } else {
            let mut d = [m.to[0] - m.from[0], m.to[1] - m.from[1], m.to[2] - m.from[2], e];
            if m.turn > 0.0 && d[..3] == [0.0; 3] {
                // Only rotary axes move: their feed counts degrees. Their limits are not in the profile; those of x
                // are taken.
                d[0] = m.turn;
            }
            if whole && doing == Doing::Cut && e == 0.0 && m.turn == 0.0 {
                self.motion.line([d[0], d[1], d[2]], speed, doing, &mut self.ledger)
            } else {
                self.motion.straight(d, speed, doing, &mut self.ledger)
            }
        };
        self.count(doing, length, e);
    }

    #[inline(always)]
    fn count(&mut self, doing: Doing, length: f64, e: f64) {
        self.out.moves += 1;
        self.lengths[usize::from(doing != Doing::Cut)].add(length);
        if e != 0.0 {
            self.lengths[2].add(e);
        }
    }

    fn other(&mut self, state: &State, command: &Command) {
        if !matches!(command, Command::Comment(_) | Command::Message(_) | Command::Feed(_)) {
            self.motion.settle(&mut self.ledger);
        }
        match command {
            Command::Filament { e } => self.filament(*e, self.feed(state)),
            Command::FirmwareRetract { recover } => {
                let (length, out, back) = FIRMWARE_RETRACT;
                let (e, speed) = if *recover { (length, back) } else { (-length, out) };
                self.filament(e, speed);
            }
            Command::Layer { number } => self.ledger.layer(*number),
            Command::Feature(name) if !self.ledger.is_in_feature(name) => self.ledger.feature(name),
            Command::Factor { of, factor } if factor.is_finite() && *factor > 0.0 => match of {
                Factor::Feed => self.factor = *factor,
                Factor::Flow => self.flow = *factor,
            },
            Command::Limits(limits) => self.motion.limits.change(limits),
            Command::PathControl(control) => self.path_control(*control),
            Command::Temperature { heater, target_c, wait } => self.heat(*heater, *target_c, *wait),
            Command::Dwell { seconds } => {
                self.stop();
                self.ledger.wait(Waiting::Dwell, *seconds);
            }
            Command::Torch(torch) => self.torch(state, *torch),
            Command::Spindle(_)
            | Command::Coolant { .. }
            | Command::Pause { .. }
            | Command::Finish
            | Command::SurfaceSpeed { .. }
            | Command::FeedMode(FeedMode::PerTurn)
            | Command::End => self.stop(),
            Command::ToolChange { number } => self.tool_change(*number),
            Command::FilamentChange => {
                self.stop();
                self.ledger.wait(Waiting::Change, self.machine.process.tool_change_s);
            }
            Command::Laser(laser) if *laser != Laser::Off && !state.laser_on() => {
                self.out.pierces += 1;
            }
            Command::Material { number } => {
                let all = self.machine.materials.iter().flat_map(|m| &m.cuts);
                self.material = all.into_iter().find(|c| c.number == Some(*number)).copied();
            }
            // A material that the program brings itself (QtPlasmaC).
            Command::Comment(text) => self.material = read_material(text).or(self.material),
            Command::CutSpeed { percent } => {
                self.speed_percent = if *percent > 0.0 { *percent } else { 100.0 };
            }
            Command::Probe { to, z } => {
                self.stop();
                // The surface is met where the program says it is: z above it after touch-off.
                let way = (state.at[2] - z).abs().min((state.at[2] - to).abs());
                let feed = state.feed.map_or(self.machine.process.plunge.mm_per_s(), |f| f / 60.0);
                self.ledger.wait(Waiting::Dwell, way / feed.max(1e-3));
            }
            _ => {}
        }
    }

    fn filament(&mut self, e: f64, speed: f64) {
        let e = if e.is_finite() { e * self.flow } else { 0.0 };
        self.motion.straight([0.0, 0.0, 0.0, e], speed, Doing::Filament, &mut self.ledger);
        self.out.moves += 1;
        self.lengths[2].add(e);
    }

    fn tool_change(&mut self, number: u32) {
        self.stop();
        self.ledger.tool(number);
        // A printer's first T only names the extruder that is there.
        let first = !self.changed && self.machine.printer.is_some() && number == 0;
        if !first {
            self.changed = true;
            self.out.tool_changes += 1;
            self.ledger.wait(Waiting::Change, self.machine.process.tool_change_s);
        }
    }

    fn home(&mut self, at: [f64; 3], axes: [bool; 3], to: [f64; 3]) {
        self.stop();
        let way = |i: usize| homing::way(self.machine, i, self.homed[i].then_some([at[i], to[i]]));
        let seconds = homing::homing_s(self.machine, axes, std::array::from_fn(way));
        self.out.homings += 1;
        self.out.homings_not_counted += u32::from(seconds.is_none());
        self.ledger.wait(Waiting::Home, seconds.unwrap_or(0.0));
        for i in 0..3 {
            self.homed[i] |= axes[i];
        }
    }

    fn path_control(&mut self, control: PathControl) {
        let blends = matches!(self.usual_rule, Rule::Blend(_));
        if !blends {
            return;
        }
        let rule = match control {
            PathControl::ExactStop => Rule::Stop,
            // The path as it is: corners are passed only as fast as a blend of next to nothing allows.
            PathControl::Exact => Rule::Blend(0.0),
            PathControl::Blend { tolerance: Some(t), .. } if t.is_finite() && t > 0.0 => Rule::Blend(t),
            // Keeps the speed at any price: as far as half the shorter move.
            PathControl::Blend { .. } => Rule::Blend(f64::MAX),
        };
        let within = match control {
            PathControl::Blend { tolerance, straighten } => straighten.or(tolerance).unwrap_or(0.0),
            PathControl::Exact | PathControl::ExactStop => 0.0,
        };
        self.motion.straighten(within, &mut self.ledger);
        self.motion.limits.rule = rule;
    }

    fn heat(&mut self, heater: Heater, target_c: f64, wait: Wait) {
        if !target_c.is_finite() {
            return;
        }
        if wait != Wait::No && !self.motion.is_still() {
            self.stop();
        }
        let heat =
            part::Heat { heater, target_c, wait, after: self.ledger.seconds(), slot: self.ledger.slot() };
        match &mut self.heats {
            Some(later) => later.push(heat),
            None => drop(self.heat_at(&heat, heat.after.value())),
        }
    }

    /// Sets a heater at this time and waits; returns for how long, s.
    fn heat_at(&mut self, heat: &part::Heat, now_s: f64) -> f64 {
        let rate = self.machine.printer.as_ref().map_or(2.5, |p| p.hotend_c_per_s);
        let warmth = match heat.heater {
            Heater::Hotend(n) => {
                let n = usize::from(n.min(63));
                if self.hotends.len() <= n {
                    self.hotends.resize(n + 1, Warmth::new(rate));
                }
                &mut self.hotends[n]
            }
            Heater::Bed => &mut self.bed,
            Heater::Chamber => return 0.0,
        };
        let here = warmth.at(now_s);
        *warmth = Warmth { from_c: here, target_c: heat.target_c, since_s: now_s, c_per_s: warmth.c_per_s };
        if heat.wait == Wait::No {
            return 0.0;
        }
        let seconds = ((heat.target_c - here) / warmth.c_per_s).max(0.0);
        self.ledger.wait_in(heat.slot, Waiting::Heat, seconds);
        seconds
    }

    fn torch(&mut self, state: &State, torch: Torch) {
        self.stop();
        let controller = self.machine.process.torch == TorchControl::Controller;
        let safe = self.machine.process.safe_height;
        let heights = self.material.map_or((safe, safe), |m| (m.pierce_height, m.cut_height));
        if torch != Torch::Off && state.torch == Torch::Off {
            self.out.pierces += 1;
            if controller {
                let delay = self.material.map_or(0.0, |m| m.pierce_delay);
                let z = self.motion.z_move(safe - heights.0) + self.motion.z_move(heights.0 - heights.1);
                self.ledger.wait(Waiting::Dwell, delay + z);
            }
        } else if torch == Torch::Off && state.torch != Torch::Off && controller {
            let z = self.motion.z_move(safe - heights.1);
            self.ledger.wait(Waiting::Dwell, z);
        }
    }

    fn finish(mut self) -> Estimate {
        self.stop();
        let sum = self.ledger.total();
        let mut out = self.out;
        [out.cut_length, out.rapid_length, out.filament_length] = self.lengths.map(Sum::value);
        out.total_s = sum.total_s();
        (out.cut_s, out.rapid_s, out.filament_s) = (sum.cut_s, sum.rapid_s, sum.filament_s);
        (out.dwell_s, out.heat_s, out.change_s) = (sum.dwell_s, sum.heat_s, sum.change_s);
        out.home_s = sum.home_s;
        out.sections = self.ledger.by_section();
        out.tools = self.ledger.by_tool();
        out.layers = self.ledger.by_layer();
        out.features = self.ledger.by_feature();
        out.names = self.ledger.sections;
        out
    }
}
