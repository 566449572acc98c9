//! A simulated GRBL 1.1 or grblHAL.
//!
//! The firmware is one program that reads lines and an interrupt that takes bytes in. The program is here a queue of
//! [`Step`]s: a line becomes steps, the first of which may have to wait (for room in the planner, for the motion to end,
//! for time), and while it waits no byte leaves the receive buffer. Realtime bytes act as they arrive.
//!
//! Behaviour is that of GRBL 1.1h as documented in its wiki and as observed on it; what is known to differ is said where
//! it does.

mod check;
mod modal;
mod realtime;
mod report;
mod ring;
mod settings;
mod steps;
mod system;
mod words;

use super::motion::{Motion, Overrides, Stop};
use super::{Io, NS};
use modal::{Modal, Spindle};
use report::Cadence;
use ring::{Line, Ring};
use settings::Settings;
use std::collections::VecDeque;
use steps::Step;

/// What the machine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Run,
    Hold,
    Jog,
    Home,
    Alarm,
    Door,
    Check,
    Sleep,
    /// grblHAL waits for a tool.
    Tool,
}

/// What is kept while there is no power, besides the settings.
#[derive(Clone, Debug)]
struct Kept {
    /// G54 and its kin.
    systems: Vec<[f64; 3]>,
    /// G28 and G30.
    homes: [[f64; 3]; 2],
    build_info: String,
    /// `$N0` and `$N1`.
    startup: [String; 2],
}

/// The interrupt is off while a byte is written to the EEPROM, and the receiver holds two bytes meanwhile.
#[derive(Clone, Debug, Default)]
struct Deaf {
    until: u64,
    /// When the byte being written is done.
    slot: u64,
    held: Vec<u8>,
}

/// A byte written to the EEPROM of an ATmega328P takes 3.4 ms (its data sheet, "EEPROM programming time").
const EEPROM_BYTE_NS: u64 = 3_400_000;

/// The firmware and the machine under it.
#[derive(Clone, Debug)]
pub(super) struct Grbl {
    hal: bool,
    settings: Settings,
    kept: Kept,
    ring: Ring,
    line: Line,
    steps: VecDeque<Step>,
    modal: Modal,
    /// G92
    offset: [f64; 3],
    tool_length: f64,
    probed: [f64; 3],
    probe_touched: bool,
    /// Where the program stands, ahead of the motion; machine coordinates.
    at: [f64; 3],
    motion: Motion,
    blocks: usize,
    state: State,
    /// Held, and at rest.
    still: bool,
    door_open: bool,
    door_closes: Option<u64>,
    /// Seconds until spindle and coolant are back after a door.
    restoring: Option<f64>,
    /// A soft limit stops the motion before it becomes an alarm.
    soft_limit: bool,
    jog_cancelled: bool,
    /// Waits for a reset after a limit alarm.
    locked_out: bool,
    /// Feed, rapid and spindle, percent.
    overrides: [u16; 3],
    cadence: Cadence,
    /// Clockwise or not, when it turns.
    spindle_on: Option<bool>,
    flood: bool,
    mist: bool,
    report_wanted: bool,
    deaf: Deaf,
    asleep_until: u64,
    hung: bool,
    dead: bool,
    /// Where the probe touches, machine coordinates.
    surface: Option<f64>,
    /// From machine coordinates to the machine's frame, whose zero is the corner of the limit switches.
    shift: [f64; 3],
    /// Machine seconds.
    clock: f64,
    starved_at: Option<f64>,
}

impl Grbl {
    pub(super) fn new(hal: bool, io: &mut Io) -> Grbl {
        let mut settings = Settings::default();
        for (number, value) in &io.options.settings {
            settings.put(*number, *value);
        }
        let (ring, line, blocks, systems) = if hal { (1023, 255, 100, 9) } else { (128, 79, 15, 6) };
        let motion = Motion::new(settings.limits());
        let mut grbl = Grbl {
            hal,
            kept: Kept {
                systems: vec![[0.0; 3]; systems],
                homes: [[0.0; 3]; 2],
                build_info: String::new(),
                startup: [String::new(), String::new()],
            },
            ring: Ring::new(ring),
            line: Line::new(line),
            steps: VecDeque::new(),
            modal: Modal::default(),
            offset: [0.0; 3],
            tool_length: 0.0,
            probed: [0.0; 3],
            probe_touched: false,
            at: [0.0; 3],
            motion,
            blocks,
            state: State::Idle,
            still: false,
            door_open: false,
            door_closes: None,
            restoring: None,
            soft_limit: false,
            jog_cancelled: false,
            locked_out: false,
            overrides: [100; 3],
            cadence: Cadence::default(),
            spindle_on: None,
            flood: false,
            mist: false,
            report_wanted: false,
            deaf: Deaf::default(),
            asleep_until: 0,
            hung: false,
            dead: false,
            surface: io.options.probe_z_mm,
            shift: io.options.start_mm.map(|v| -v),
            clock: 0.0,
            starved_at: None,
            settings,
        };
        grbl.power_up(io);
        grbl
    }

    fn power_up(&mut self, io: &mut Io) {
        let here = self.position();
        self.shift = std::array::from_fn(|i| self.shift[i] + here[i]);
        self.motion.drop_all();
        self.motion.place([0.0; 4]);
        // With homing on, nobody knows where the machine is before it.
        self.state = if self.settings.is_on(22) { State::Alarm } else { State::Idle };
        self.hung = false;
        self.start(io);
    }

    /// Starts the program of the firmware: everything but position, settings and the alarm lock is new.
    fn start(&mut self, io: &mut Io) {
        self.ring.clear();
        self.line.clear();
        self.steps.clear();
        self.modal = Modal::default();
        self.offset = [0.0; 3];
        self.tool_length = 0.0;
        self.probe_touched = false;
        self.overrides = [100; 3];
        self.apply_overrides();
        self.cadence = Cadence::default();
        self.switch_off();
        self.still = false;
        self.restoring = None;
        self.soft_limit = false;
        self.jog_cancelled = false;
        self.locked_out = false;
        self.report_wanted = false;
        self.starved_at = None;
        self.asleep_until = io.now;
        self.sync();
        io.say(if self.hal {
            "\r\nGrblHAL 1.1f ['$' or '$HELP' for help]\r\n"
        } else {
            "\r\nGrbl 1.1h ['$' for help]\r\n"
        });
        if matches!(self.state, State::Alarm | State::Sleep) {
            self.state = State::Alarm;
            io.say("[MSG:'$H'|'$X' to unlock]\r\n");
        } else {
            self.state = State::Idle;
            self.steps.extend((0..2).map(Step::Startup));
        }
    }

    /// The program goes on from where the machine is.
    fn sync(&mut self) {
        self.at = self.position();
    }

    fn position(&self) -> [f64; 3] {
        let [x, y, z, _] = self.motion.position();
        [x, y, z]
    }

    /// Returns where the machine is, mm.
    pub(super) fn position_mm(&self) -> [f64; 4] {
        self.motion.position()
    }

    /// Returns whether nothing moves or waits.
    pub(super) fn is_at_rest(&self) -> bool {
        self.motion.is_empty() && self.steps.is_empty() && self.ring.len() == 0
    }

    fn work_offset(&self) -> [f64; 3] {
        let zero = self.kept.systems[self.modal.coordinates];
        let mut sum: [f64; 3] = std::array::from_fn(|i| zero[i] + self.offset[i]);
        sum[2] += self.tool_length;
        sum
    }

    /// Returns the free blocks of the planner and bytes of the ring.
    fn room(&self) -> (usize, usize) {
        (self.blocks - self.motion.len().min(self.blocks), self.ring.room())
    }

    fn spindle_rpm(&self) -> f64 {
        if self.spindle_on.is_none() || self.modal.rpm == 0.0 {
            return 0.0;
        }
        let wanted = self.modal.rpm * f64::from(self.overrides[2]) / 100.0;
        let (least, most) = (self.settings.get(31), self.settings.get(30));
        if least < most { wanted.clamp(least, most) } else { most }
    }

    fn apply_overrides(&mut self) {
        let [feed, rapid, _] = self.overrides.map(|p| f64::from(p) / 100.0);
        self.motion.set_overrides(Overrides { feed, rapid });
    }

    fn switch_off(&mut self) {
        self.spindle_on = None;
        self.flood = false;
        self.mist = false;
    }

    /// Switches on what the program asks for.
    fn switch_by_program(&mut self) {
        self.spindle_on = match self.modal.spindle {
            Spindle::Clockwise => Some(true),
            Spindle::CounterClockwise => Some(false),
            Spindle::Off => None,
        };
        self.flood = self.modal.flood;
        self.mist = self.modal.mist;
        self.cadence.overrides_changed();
    }

    /// Returns whether an axis stands at a limit switch, either end.
    fn at_switch(&self, axis: usize) -> bool {
        let place = self.position()[axis] + self.shift[axis];
        place >= 0.0 || place <= -self.settings.axes(130)[axis]
    }

    /// Returns whether the probe touches.
    fn touching(&self) -> bool {
        self.surface.is_some_and(|z| self.position()[2] <= z)
    }

    /// Lets the program of the firmware go on until it has to wait.
    pub(super) fn run(&mut self, io: &mut Io) {
        self.close_door(io);
        self.hear(io);
        while !self.is_suspended(io.now) {
            if !self.steps.is_empty() {
                if !self.step(io) {
                    return self.start_cycle();
                }
            } else if let Some(byte) = self.ring.pop() {
                if self.line.push(byte) {
                    self.execute(io);
                }
            } else {
                return self.start_cycle();
            }
        }
    }

    fn is_suspended(&self, now: u64) -> bool {
        let held = matches!(self.state, State::Hold | State::Door | State::Sleep | State::Tool);
        held || self.locked_out || self.hung || self.dead || now < self.asleep_until
    }

    /// Nothing more to read, or no room for it: what is planned begins.
    fn start_cycle(&mut self) {
        if self.state == State::Idle && !self.motion.is_empty() {
            self.state = State::Run;
            self.motion.go();
        }
    }

    /// Returns when something happens by itself, if anything will.
    pub(super) fn next(&self, io: &Io) -> Option<u64> {
        let after = |s: f64| io.now + io.wall_ns(s).max(1);
        let mut next = [
            self.motion.next().map(after),
            self.restoring.map(after),
            self.door_closes,
            (!self.deaf.held.is_empty()).then_some(self.deaf.slot),
            (self.asleep_until > io.now).then_some(self.asleep_until),
            None,
        ];
        if !self.is_suspended(io.now) {
            next[5] = match self.steps.front() {
                Some(Step::Dwell(s) | Step::Homing(s)) => Some(after(*s)),
                Some(Step::Until(ns)) => Some(*ns),
                _ => None,
            };
        }
        next.into_iter().flatten().map(|t| t.max(io.now)).min()
    }

    /// Lets time go by.
    pub(super) fn elapse(&mut self, ns: u64, io: &mut Io) {
        let seconds = ns as f64 / NS * io.speed();
        self.clock += seconds;
        if !self.is_suspended(io.now)
            && let Some(Step::Dwell(left) | Step::Homing(left)) = self.steps.front_mut()
        {
            *left -= seconds;
        }
        let stop = self.motion.elapse(seconds);
        for piece in self.motion.done.drain(..) {
            io.record.moved(piece, io.options.keep_moves);
        }
        match stop {
            Some(Stop::Empty) => self.ran_dry(),
            Some(Stop::Braked) => self.came_to_rest(io),
            None => {}
        }
        self.restore(seconds);
    }

    /// Spindle and coolant come back after a door. After the motion of the same time, which has not begun by then.
    fn restore(&mut self, seconds: f64) {
        if let Some(left) = &mut self.restoring {
            *left -= seconds;
            if *left <= 1e-9 {
                self.restoring = None;
                self.go_on();
            }
        }
    }

    fn ran_dry(&mut self) {
        if matches!(self.state, State::Run | State::Jog) {
            // A line that waits for it wanted it so; a program that has nothing to say did not.
            let starved = self.state == State::Run && self.steps.is_empty();
            self.starved_at = starved.then_some(self.clock);
            self.state = State::Idle;
        }
    }
}
