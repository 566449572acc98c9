//! What acts at once: realtime bytes, buttons, doors, resets, alarms.

use super::{Grbl, State};
use crate::sim::{Input, Io};

/// Seconds spindle and coolant get to come back after a door (`SAFETY_DOOR_SPINDLE_DELAY`, `..COOLANT_DELAY`).
const SPIN_UP: f64 = 4.0;
const COOLANT_UP: f64 = 1.0;

impl Grbl {
    /// Takes a byte off the wire.
    pub(in crate::sim) fn byte(&mut self, byte: u8, io: &mut Io) {
        if self.dead {
            return;
        }
        if io.now < self.deaf.until {
            self.hear(io);
            // The receiver holds two while the interrupt is off.
            if self.deaf.held.len() < 2 {
                self.deaf.held.push(byte);
            } else {
                io.record.lost_while_writing += 1;
            }
            return;
        }
        self.interrupt(byte, io);
    }

    /// Hears what the receiver held while the EEPROM was written.
    pub(super) fn hear(&mut self, io: &mut Io) {
        if self.deaf.until == 0 || io.now < self.deaf.slot {
            return;
        }
        let slots = (io.now - self.deaf.slot) / super::EEPROM_BYTE_NS + 1;
        self.deaf.slot += slots * super::EEPROM_BYTE_NS;
        if io.now >= self.deaf.until {
            self.deaf.until = 0;
        }
        for byte in std::mem::take(&mut self.deaf.held) {
            self.interrupt(byte, io);
        }
    }

    fn interrupt(&mut self, byte: u8, io: &mut Io) {
        let realtime =
            byte >= 0x80 || matches!(byte, 0x18 | b'?' | b'~' | b'!') || (self.hal && byte == 0x19);
        if realtime {
            *io.record.realtime.entry(byte).or_default() += 1;
            return self.realtime(byte, io);
        }
        if self.ring.push(byte) {
            io.record.ring_high = io.record.ring_high.max(self.ring.len());
        } else {
            io.record.overflow += 1;
        }
    }

    fn realtime(&mut self, byte: u8, io: &mut Io) {
        match byte {
            0x18 => self.soft_reset(io),
            b'?' => self.report(io),
            b'~' => self.resume(),
            b'!' => self.hold(),
            0x84 => self.open_door(io),
            0x85 if self.state == State::Jog => self.cancel_jog(),
            0x90..=0x97 | 0x99..=0x9d => self.override_by(byte),
            0x9e if self.state == State::Hold => self.toggle_spindle(),
            0xa0 => self.toggle_coolant(false),
            0xa1 if self.hal => self.toggle_coolant(true),
            _ if self.hal => self.realtime_of_hal(byte, io),
            _ => {}
        }
    }

    fn realtime_of_hal(&mut self, byte: u8, io: &mut Io) {
        match byte {
            0x80 => self.report(io),
            0x81 => self.resume(),
            0x82 => self.hold(),
            0x83 => {
                let state = self.modal.report();
                io.say(&format!("{state}\r\n"));
            }
            0x87 => {
                self.cadence.overrides_changed();
                self.cadence.offset_changed();
                self.report(io);
            }
            0x19 if self.state != State::Alarm => {
                self.motion.drop_all();
                self.steps.clear();
                self.ring.clear();
                self.line.clear();
                self.switch_off();
                self.sync();
                self.state = State::Idle;
            }
            0xa3 if self.state == State::Tool => self.state = State::Idle,
            _ => {}
        }
    }

    /// Answers `?`: at once, except where the firmware's program does not come by.
    fn report(&mut self, io: &mut Io) {
        let away = self.state == State::Home || self.locked_out;
        if away && !self.hal {
            self.report_wanted = true;
        } else {
            let text = self.status();
            io.say(&text);
        }
    }

    /// Feed hold.
    pub(super) fn hold(&mut self) {
        match self.state {
            State::Run => {
                self.state = State::Hold;
                self.brake();
            }
            State::Idle => {
                self.state = State::Hold;
                self.still = true;
            }
            State::Jog => self.cancel_jog(),
            _ => {}
        }
    }

    fn brake(&mut self) {
        self.starved_at = None;
        self.still = !self.motion.is_going();
        self.motion.brake();
    }

    fn cancel_jog(&mut self) {
        self.jog_cancelled = true;
        self.motion.brake();
    }

    /// Cycle start. In `Hold:1` it is lost: nothing remembers it.
    fn resume(&mut self) {
        match self.state {
            State::Hold if self.still => self.go_on(),
            State::Door if self.still && !self.door_open && self.restoring.is_none() => {
                let spindle = self.modal.spindle != super::Spindle::Off && !self.settings.is_on(32);
                let coolant = self.modal.flood || self.modal.mist;
                let seconds =
                    f64::from(u8::from(spindle)) * SPIN_UP + f64::from(u8::from(coolant)) * COOLANT_UP;
                if seconds > 0.0 {
                    self.restoring = Some(seconds);
                } else {
                    self.go_on();
                }
            }
            State::Idle => self.start_cycle(),
            State::Tool => self.state = State::Idle,
            _ => {}
        }
    }

    /// Goes on after a hold or a door.
    pub(super) fn go_on(&mut self) {
        self.still = false;
        let stopped = self.spindle_on.is_none() && self.modal.spindle != super::Spindle::Off;
        if self.state == State::Door || stopped {
            self.switch_by_program();
        }
        if self.motion.is_empty() {
            self.state = State::Idle;
        } else {
            self.state = State::Run;
            self.motion.go();
        }
    }

    /// Braked to rest.
    pub(super) fn came_to_rest(&mut self, io: &mut Io) {
        self.still = true;
        if self.soft_limit {
            return self.alarm(2, io);
        }
        if self.jog_cancelled {
            self.jog_cancelled = false;
            self.motion.drop_all();
            self.sync();
            if self.state == State::Jog {
                self.state = State::Idle;
            }
        }
        if self.state == State::Door {
            self.switch_off();
        }
    }

    /// The door is open, or somebody says so (0x84).
    pub(super) fn open_door(&mut self, io: &mut Io) {
        match self.state {
            State::Alarm | State::Check | State::Sleep | State::Tool => return,
            State::Home => return self.abort_homing(7, io),
            State::Run | State::Jog => {
                self.jog_cancelled |= self.state == State::Jog;
                self.brake();
            }
            State::Idle => self.still = true,
            State::Hold => {}
            State::Door => {
                // Opened again while everything comes back.
                self.restoring = None;
            }
        }
        io.say("[MSG:Check Door]\r\n");
        self.state = State::Door;
        if self.still {
            self.switch_off();
        }
    }

    /// Closes the door when its time has come.
    pub(super) fn close_door(&mut self, io: &Io) {
        if self.door_closes.is_some_and(|t| t <= io.now) {
            self.door_open = false;
            self.door_closes = None;
        }
    }

    /// Somebody touches the machine.
    pub(in crate::sim) fn press(&mut self, input: Input, io: &mut Io) {
        match input {
            Input::Hold => self.hold(),
            Input::Start => self.resume(),
            Input::Door(open) => {
                self.door_open = open;
                self.door_closes = None;
                if open {
                    self.open_door(io);
                }
            }
            Input::Reset => self.soft_reset(io),
            Input::Limit => {
                if self.settings.is_on(21) && !matches!(self.state, State::Alarm | State::Check) {
                    self.alarm(1, io);
                }
            }
            Input::Power => {
                io.record.resets += 1;
                io.wire.forget_answers();
                self.dead = false;
                self.power_up(io);
            }
        }
    }

    /// Ctrl-X. In motion the position is lost, at rest it is kept.
    fn soft_reset(&mut self, io: &mut Io) {
        io.record.resets += 1;
        let held = matches!(self.state, State::Hold | State::Door) && !self.still;
        if self.state == State::Home {
            return self.abort_homing(6, io);
        }
        if matches!(self.state, State::Run | State::Jog) || held {
            io.record.alarms.push(3);
            io.say("ALARM:3\r\n");
            self.state = State::Alarm;
        }
        self.motion.drop_all();
        self.start(io);
    }

    fn abort_homing(&mut self, code: u32, io: &mut Io) {
        io.record.alarms.push(code);
        io.say(&format!("ALARM:{code}\r\n"));
        self.state = State::Alarm;
        self.motion.drop_all();
        self.start(io);
    }

    /// Locks the machine. After a limit nothing is heard any more but a reset.
    pub(super) fn alarm(&mut self, code: u32, io: &mut Io) {
        io.record.alarms.push(code);
        io.say(&format!("ALARM:{code}\r\n"));
        self.steps.clear();
        self.motion.drop_all();
        self.switch_off();
        self.soft_limit = false;
        self.state = State::Alarm;
        self.sync();
        if matches!(code, 1 | 2) {
            io.say("[MSG:Reset to continue]\r\n");
            self.locked_out = true;
        }
    }

    /// A probe that failed locks the machine, and its line is answered `ok` all the same.
    pub(super) fn alarm_of_probe(&mut self, code: u32, io: &mut Io) {
        let steps = std::mem::take(&mut self.steps);
        self.alarm(code, io);
        self.steps = steps;
    }

    /// A target beyond the travel: what is planned lies within it, so it comes to rest first and knows where it is.
    pub(super) fn stop_at_soft_limit(&mut self, io: &mut Io) {
        self.steps.clear();
        if self.state == State::Run {
            self.soft_limit = true;
            self.state = State::Hold;
            self.brake();
        } else {
            self.alarm(2, io);
        }
    }

    fn override_by(&mut self, byte: u8) {
        let step = |now: u16, by: i32| (i32::from(now) + by).clamp(10, 200) as u16;
        let [feed, rapid, spindle] = &mut self.overrides;
        match byte {
            0x90 => *feed = 100,
            0x91 => *feed = step(*feed, 10),
            0x92 => *feed = step(*feed, -10),
            0x93 => *feed = step(*feed, 1),
            0x94 => *feed = step(*feed, -1),
            0x95 => *rapid = 100,
            0x96 => *rapid = 50,
            0x97 => *rapid = 25,
            0x99 => *spindle = 100,
            0x9a => *spindle = step(*spindle, 10),
            0x9b => *spindle = step(*spindle, -10),
            0x9c => *spindle = step(*spindle, 1),
            _ => *spindle = step(*spindle, -1),
        }
        self.apply_overrides();
        self.cadence.overrides_changed();
    }

    /// Only while held does the spindle stop by override.
    fn toggle_spindle(&mut self) {
        if self.spindle_on.is_some() {
            self.spindle_on = None;
        } else {
            self.switch_by_program();
        }
        self.cadence.overrides_changed();
    }

    fn toggle_coolant(&mut self, mist: bool) {
        if matches!(self.state, State::Idle | State::Run | State::Hold) {
            let (modal, real) = if mist {
                (&mut self.modal.mist, &mut self.mist)
            } else {
                (&mut self.modal.flood, &mut self.flood)
            };
            *modal = !*modal;
            *real = *modal;
            self.cadence.overrides_changed();
        }
    }
}
