//! What is switched: dwells, spindle, torch, laser, tools, outputs, materials.

use super::block::{Block, DOLLAR, bit};
use super::state::{Line, Modes};
use super::{Run, Step};
use shop_cam::Speed;
use shop_cam::canon::{Command, Laser, Spindle, Torch};
use shop_cam::machine::{Dialect, MachineKind};
use std::fmt::Write;

impl<F: FnMut(Step, u32)> Run<'_, F> {
    pub(super) fn dwell(&mut self, block: &Block, line: &mut Line) {
        let (p, s) = (block.get(b'P'), block.get(b'S'));
        line.used |= bit(b'P');
        let seconds = match (p, s) {
            (_, Some(s)) if self.rules.one_command => {
                line.used |= bit(b'S');
                s
            }
            (Some(p), _) if self.rules.dwell_ms => p / 1000.0,
            (Some(p), _) => p,
            // Marlin's bare G4 waits for the moves before it.
            _ if self.rules.one_command => 0.0,
            _ => {
                self.notes.error("gcode/dwell", 0, block.span(), || "G4 without a time".into());
                return;
            }
        };
        if !(0.0..=86_400.0).contains(&seconds) {
            self.notes.error("gcode/dwell", 1, block.span(), || format!("a wait of {seconds} s"));
            return;
        }
        if !self.rules.dwell_ms && seconds >= 100.0 {
            self.notes.warning("gcode/dwell", 2, block.span(), || {
                format!("this waits {seconds} seconds; P counts seconds here, not milliseconds")
            });
        }
        self.emit(if seconds == 0.0 { Command::Finish } else { Command::Dwell { seconds } });
    }

    pub(super) fn s_word(&mut self, s: f64, block: &Block) {
        if s < 0.0 {
            self.notes.error("gcode/bad-speed", 0, block.place(b'S'), || format!("S{s} is impossible"));
            return;
        }
        let changed = s != self.state.s;
        self.state.s = s;
        let starts = block.m().iter().any(|c| matches!(c.number, 3..=5));
        if changed && !starts && self.state.spindle != 0 {
            self.hand_on_tool(Torch::Cut);
        }
    }

    /// The spindle, torch or laser as it is now.
    pub(super) fn hand_on_tool(&mut self, torch: Torch) {
        let s = self.state.s;
        let power = (s / self.context.laser_full_s).max(0.0);
        let direction = self.state.spindle;
        let command = match (self.context.kind, direction) {
            (MachineKind::Router | MachineKind::Knife | MachineKind::Printer, 0) => {
                Command::Spindle(Spindle::Off)
            }
            (MachineKind::Router | MachineKind::Knife | MachineKind::Printer, 4) => {
                Command::Spindle(Spindle::CounterClockwise { rpm: s })
            }
            (MachineKind::Router | MachineKind::Knife | MachineKind::Printer, _) => {
                Command::Spindle(Spindle::Clockwise { rpm: s })
            }
            (MachineKind::Plasma, 0) => Command::Torch(Torch::Off),
            (MachineKind::Plasma, _) => Command::Torch(torch),
            (MachineKind::Laser, 0) => Command::Laser(Laser::Off),
            (MachineKind::Laser, 4) => Command::Laser(Laser::Dynamic { power }),
            (MachineKind::Laser, _) => Command::Laser(Laser::Constant { power }),
        };
        self.emit(command);
    }

    /// The spindle starts again after a cycle stopped it.
    pub(crate) fn spindle_again(&mut self) {
        if self.state.spindle != 0 {
            self.hand_on_tool(Torch::Cut);
        }
    }

    pub(crate) fn tool_change(&mut self, number: u32) {
        self.state.tool = Some(number);
        self.emit(Command::ToolChange { number });
    }

    /// T and M words that act before the motion.
    pub(super) fn m_words(&mut self, block: &Block, line: &mut Line) {
        // On printers T beside another command is that command's word.
        let own = !self.rules.extruder || block.m().is_empty() && block.g().is_empty();
        if let Some(t) = block.get(b'T').filter(|_| own) {
            line.used |= bit(b'T');
            self.t_word(t, block);
        }
        for code in block.m() {
            let at = (code.at as usize, code.at as usize + 1);
            self.m_word(code.number, at, block, line);
        }
    }

    pub(super) fn t_word(&mut self, t: f64, block: &Block) {
        if !(0.0..=99_999.0).contains(&t) || t.fract() != 0.0 {
            self.notes.error("gcode/bad-tool", 0, block.place(b'T'), || format!("T{t} is no tool"));
            return;
        }
        let number = t as u32;
        let known = |tools: &Vec<super::Cutter>| number == 0 || tools.iter().any(|t| t.number == number);
        if !self.context.tools.as_ref().is_none_or(known) {
            self.notes.error("gcode/bad-tool", 2, block.place(b'T'), || {
                format!("tool {number} is not in the controller's tool table")
            });
        }
        self.state.selected = Some(number);
        self.state.extruder = number.min(1000) as u16;
        if !self.rules.tool_change
            && self.state.tool != Some(number)
            && self.context.kind != MachineKind::Laser
        {
            self.tool_change(number);
        }
    }

    pub(super) fn m_word(&mut self, n: i64, at: (usize, usize), block: &Block, line: &mut Line) {
        let fan_laser = matches!(n, 106 | 107) && self.context.kind == MachineKind::Laser;
        if self.rules.extruder && !fan_laser && self.printer_word(n, block, line) {
            return;
        }
        let name = self.rules.name;
        let lenient = self.rules.m.is_empty();
        if n < 0 && lenient {
            line.used = u32::MAX;
            self.notes.info("gcode/not-interpreted", u32::MAX, at, || {
                "an M code with a point does not move the machine; not interpreted".into()
            });
            self.native(block, line);
            return;
        }
        if n < 0 || !(lenient || self.rules.runs_m(n)) {
            let user = (100..200).contains(&n) && self.rules.tool_change;
            let key = u32::try_from(n).unwrap_or(u32::MAX);
            line.used = u32::MAX;
            if user {
                self.notes.warning("gcode/user-command", key, at, || {
                    format!("M{n} runs a program of the machine's owner; not executed here")
                });
                self.native_code(n, block);
            } else if n != 6 {
                self.notes.error("gcode/unsupported", key, at, || match n {
                    0.. => format!("{name} does not run M{n}"),
                    _ => "there is no such M code".into(),
                });
                return;
            } else {
                self.notes.error("gcode/unsupported", 6, at, || {
                    format!("{name} does not run M6; the tool must be changed in a pause")
                });
            }
        }
        match n {
            0 | 1 | 2 | 30 | 60 => {}
            3..=5 => self.switch(n as u8, block, line),
            6 => {
                if let Some(number) = self.state.selected.filter(|_| self.rules.tool_change) {
                    // The change looks where the machine really is.
                    if let Some((_, tool)) = self.state.stands.take().filter(|s| s.0 == self.state.position) {
                        self.state.position = tool;
                    }
                    // LinuxCNC stops the spindle for the change.
                    if self.state.spindle != 0 {
                        self.state.spindle = 0;
                        self.hand_on_tool(Torch::Off);
                    }
                    self.tool_change(number);
                } else if self.rules.tool_change {
                    self.notes.warning("gcode/bad-tool", 1, at, || "M6 without a T word before it".into());
                }
            }
            7 => self.coolant(true, self.state.flood),
            8 => self.coolant(self.state.mist, true),
            9 => self.coolant(false, false),
            62..=65 if !lenient => {
                line.used |= bit(b'P');
                self.output(n, block, at);
            }
            67 | 68 if !lenient => {
                line.used |= bit(b'E') | bit(b'Q');
                self.analog(n, block, at);
            }
            190 if self.context.dialect == Dialect::QtPlasmaC => {
                line.used |= bit(b'P');
                self.material(block, at);
            }
            61 if !lenient => {
                line.used |= bit(b'Q');
                if let Some(q) = block.get(b'Q').filter(|q| (0.0..=99_999.0).contains(q)) {
                    self.tool_change(q as u32);
                }
            }
            98 if !lenient => {
                line.used |= bit(b'P') | bit(b'L');
                self.m98(block, at);
            }
            99 if !lenient => self.return_numbered(block),
            70 => self.state.saved = Some(self.state.modes()),
            71 => self.state.saved = None,
            72 => {
                if let Some(modes) = self.state.saved {
                    self.restore(modes);
                }
            }
            73 => {
                let modes = self.state.modes();
                self.flow.restore_on_return(modes);
            }
            19 | 48..=53 | 56 | 66 | 159 if !lenient => {
                line.used |= bit(b'P') | bit(b'L') | bit(b'Q') | bit(b'E') | bit(b'R') | bit(b'S');
                // What QtPlasmaC wants around its own words is written again by the post.
                if self.context.dialect != Dialect::QtPlasmaC {
                    self.native_code(n, block);
                }
            }
            106 | 107 if self.context.kind == MachineKind::Laser => {
                line.used |= bit(b'S') | bit(b'P');
                // Fan pins drive lasers on boards without a spindle output; full is 255.
                let s = if n == 106 { block.get(b'S').unwrap_or(255.0) } else { 0.0 };
                let power = (s / 255.0).clamp(0.0, 1.0);
                self.state.spindle = if power > 0.0 { 3 } else { 0 };
                let laser = if power > 0.0 { Laser::Constant { power } } else { Laser::Off };
                self.emit(Command::Laser(laser));
            }
            _ => {
                line.used = u32::MAX;
                if lenient || n >= 0 && !(100..200).contains(&n) && n != 6 {
                    self.notes.info("gcode/not-interpreted", n as u32 | 1 << 31, at, || {
                        format!("M{n} does not move the machine; not interpreted")
                    });
                }
                self.native(block, line);
            }
        }
    }

    /// M98 stands alone in its line.
    fn m98(&mut self, block: &Block, at: (usize, usize)) {
        let own = bit(b'M') | bit(b'P') | bit(b'L') | bit(b'N');
        let (p, l) = (block.get(b'P'), block.get(b'L').unwrap_or(1.0));
        let whole = |v: f64| v.fract() == 0.0 && (0.0..=1e9).contains(&v);
        match p {
            Some(p) if whole(p) && whole(l) && block.seen & !own == 0 && block.g().is_empty() => {
                self.call_numbered(p, l, block);
            }
            _ => self.notes.error("gcode/flow", 6, at, || {
                "M98 stands alone in its line, with P, the number of a subprogram, and perhaps L, how often".into()
            }),
        }
    }

    /// M3, M4, M5.
    pub(super) fn switch(&mut self, n: u8, block: &Block, line: &mut Line) {
        let dollar = (block.seen & (1 << DOLLAR) != 0).then(|| block.value[DOLLAR]);
        line.used |= 1 << DOLLAR;
        if self.rules.one_command {
            // Marlin's laser inline power and PWM words.
            line.used |= bit(b'I') | bit(b'O') | bit(b'P');
        }
        self.state.spindle = if n == 5 { 0 } else { n };
        let torch = match dollar {
            Some(1.0) => Torch::Scribe,
            Some(2.0) => Torch::Spot,
            _ => Torch::Cut,
        };
        self.hand_on_tool(if self.state.torch { torch } else { Torch::Cut });
    }

    /// Brings saved modes back, with what they switched.
    pub(super) fn restore(&mut self, modes: Modes) {
        self.state.restore(modes);
        self.state.simple = !modes.diameter && self.compensation.is_none();
        if (modes.s, modes.spindle) != (self.state.s, self.state.spindle) {
            self.state.s = modes.s;
            self.state.spindle = modes.spindle;
            self.hand_on_tool(Torch::Cut);
        }
        self.coolant(modes.mist, modes.flood);
        if modes.feed > 0.0 && self.state.feeds_per_minute() {
            self.hand_on_feed(modes.feed);
        }
    }

    pub(super) fn coolant(&mut self, mist: bool, flood: bool) {
        if (mist, flood) != (self.state.mist, self.state.flood) {
            self.state.mist = mist;
            self.state.flood = flood;
            self.emit(Command::Coolant { mist, flood });
        }
    }

    /// Hands on one M code with the words that go with it.
    fn native_code(&mut self, n: i64, block: &Block) {
        let mut text = format!("M{n}");
        for letter in *b"PLQERS" {
            if let Some(v) = block.get(letter) {
                let _ = write!(text, " {}{v}", letter as char);
            }
        }
        self.emit(Command::Native(text.into()));
    }

    /// M62 … M65: on a plasma table output 2 locks torch height control and output 3 puts the torch out.
    pub(super) fn output(&mut self, n: i64, block: &Block, at: (usize, usize)) {
        let p = block.get(b'P');
        let set = matches!(n, 62 | 64);
        match p {
            Some(2.0) if self.context.dialect == Dialect::QtPlasmaC => {
                self.emit(Command::TorchHeightControl { on: !set });
            }
            Some(3.0) if self.context.dialect == Dialect::QtPlasmaC => {
                if set && self.state.spindle != 0 {
                    self.emit(Command::Torch(Torch::Off));
                }
            }
            Some(p) if (0.0..=1000.0).contains(&p) => {
                let value = f64::from(u8::from(set));
                self.emit(Command::Output { number: p as u16, value, analog: false, synchronised: n < 64 });
            }
            _ => self.notes.error("gcode/output", 0, at, || "an output without its number P".into()),
        }
    }

    pub(super) fn analog(&mut self, n: i64, block: &Block, at: (usize, usize)) {
        let q = block.get(b'Q').unwrap_or(0.0);
        if self.context.dialect == Dialect::QtPlasmaC && block.get(b'E') == Some(3.0) {
            if !(0.0..=200.0).contains(&q) {
                self.notes.error("gcode/cut-speed", 0, at, || format!("a cutting speed of {q} percent"));
                return;
            }
            let percent = if q == 0.0 { 100.0 } else { q };
            self.emit(Command::CutSpeed { percent });
        } else if self.context.kind == MachineKind::Laser {
            self.notes.warning("gcode/analog-output", 0, at, || {
                "an analogue output is set; if it drives the laser, its power is not interpreted".into()
            });
        }
        match block.get(b'E').filter(|e| (0.0..=1000.0).contains(e)) {
            _ if self.context.dialect == Dialect::QtPlasmaC && block.get(b'E') == Some(3.0) => {}
            Some(e) => {
                let number = e as u16;
                self.emit(Command::Output { number, value: q, analog: true, synchronised: n == 67 });
            }
            None => {
                self.notes.error("gcode/output", 1, at, || "an analogue output without its number E".into());
            }
        }
    }

    pub(super) fn material(&mut self, block: &Block, at: (usize, usize)) {
        let p = block.get(b'P').unwrap_or(-1.0);
        if p < 0.0 {
            // The material chosen at the control.
            self.state.cut_feed = None;
            return;
        }
        if p.fract() != 0.0 || p > 1e9 {
            self.notes.error("gcode/material", 0, at, || format!("there is no material {p}"));
            return;
        }
        let number = p as u32;
        self.state.cut_feed = self.context.material_feed(number).map(Speed::mm_per_min);
        if self.state.cut_feed.is_none() {
            let assumed = self.context.feed.mm_per_min();
            self.notes.info("gcode/material", 1, at, || {
                format!("material {number} is not in the profile; its feed is taken as {assumed} mm/min")
            });
        }
        self.emit(Command::Material { number });
    }
}
