//! Where the words are: offsets, homing, machine coordinates, probing.

use super::block::{Block, Code, bit};
use super::execute::{AXES, FARTHEST, MORE_AXES, MORE_BITS, g_name};
use super::state::Line;
use super::{Run, Step};
use shop_cam::canon::{Command, Position};

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// As `target`, in a system that is turned.
    #[cold]
    pub(super) fn rotated_target(&self, block: &Block) -> Position {
        let s = &self.state;
        let mut program = s.name(s.position);
        for i in 0..3 {
            if let Some(v) = block.get(AXES[i]) {
                program[i] = v * s.unit + if s.absolute { 0.0 } else { program[i] };
            }
        }
        s.place(program)
    }

    /// G53: machine coordinates. x and y are placed by the machine's work zero; z is a retract.
    pub(super) fn machine_target(&mut self, block: &Block) -> Position {
        let s = &self.state;
        let mut to = s.position;
        for i in 0..2 {
            if let Some(v) = block.get(AXES[i]) {
                to[i] = v * s.unit + self.context.home[i];
            }
        }
        if block.has(b'Z') {
            to[2] = to[2].max(self.context.home[2]);
        }
        self.machine_position(block);
        to
    }

    #[cold]
    pub(super) fn machine_position(&mut self, block: &Block) {
        self.notes.info("gcode/machine-position", 0, block.span(), || {
            "the place depends on the machine's home and work offset; taken from the profile, z as a retract".into()
        });
    }

    pub(super) fn once(&mut self, code: Code, block: &Block, line: &mut Line) {
        let at = (code.at as usize, code.at as usize + 1);
        line.used |= bit(b'X') | bit(b'Y') | bit(b'Z') | bit(b'E') | MORE_BITS;
        match code.number {
            920 => self.shift(block),
            520 => {
                for i in 0..3 {
                    if let Some(v) = block.get(AXES[i]) {
                        self.state.shift[i] = v * self.state.unit;
                    }
                }
                self.state.place_offset();
            }
            921..=923 => {
                if code.number == 921 {
                    self.state.shift = [0.0; 3];
                }
                self.state.shift_on = code.number != 922;
                self.state.place_offset();
            }
            280 | 300 if self.rules.one_command && code.number == 300 => {
                self.native(block, line);
                self.notes.info("gcode/not-interpreted", 300, at, || "G30 is left to the machine".into());
            }
            280 if self.rules.extruder => {
                self.search_switches(block);
                line.used = u32::MAX;
            }
            280 | 300 => self.home(block),
            100 if self.rules.extruder && block.seen & (bit(b'L') | bit(b'P')) == 0 => {
                self.emit(Command::FirmwareRetract { recover: false });
                line.used = u32::MAX;
            }
            100 if self.rules.extruder && !block.has(b'L') => self.native(block, line),
            100 => {
                line.used |= bit(b'L') | bit(b'P') | bit(b'R');
                self.set_system(block, at);
            }
            _ => {
                line.used = u32::MAX;
                self.notes.info("gcode/not-interpreted", code.number as u32, at, || {
                    format!("{} stores a position in the machine", g_name(code.number))
                });
            }
        }
        if let Some(motion) = line.motion {
            self.state.motion = motion;
        }
    }

    /// G92: the words are where the tool is.
    pub(super) fn shift(&mut self, block: &Block) {
        self.touch_off(block);
        let s = &mut self.state;
        if self.rules.extruder {
            if let Some(e) = block.get(b'E') {
                s.e = e * s.unit;
            }
            if block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z') | bit(b'E') | MORE_BITS) == 0 {
                // Marlin: everything is zero here.
                s.e = 0.0;
                s.shift = s.position;
            }
        }
        let origin = s.systems[s.system];
        let (sin, cos) = (-s.rotation).sin_cos();
        let from: Position = std::array::from_fn(|i| s.position[i] - origin[i]);
        let turned = [from[0] * cos - from[1] * sin, from[0] * sin + from[1] * cos, from[2]];
        // Axes that are not named keep the offset they had, also one that G92.2 has put by (LinuxCNC).
        for i in 0..3 {
            if let Some(v) = block.get(AXES[i]) {
                s.shift[i] = turned[i] - v * s.unit;
            } else if !s.shift_on {
                s.shift[i] = 0.0;
            }
        }
        for i in 0..6 {
            if let Some(v) = block.get(MORE_AXES[i]) {
                let unit = if i < 3 { 1.0 } else { s.unit };
                s.more_shift[i] = s.more[i] - v * unit - s.more_systems[s.system][i];
            }
        }
        s.shift_on = true;
        s.place_offset();
    }

    /// A z that is set while a probing move waits ends the touch-off: the canonical frame moves to the sheet.
    pub(super) fn touch_off(&mut self, block: &Block) {
        if let (Some(to), Some(z)) = (self.state.probing, block.get(b'Z')) {
            self.state.probing = None;
            let z = z * self.state.unit;
            self.emit_at(Command::Probe { to, z }, self.state.probing_line);
            // From here on z counts from the sheet, so the words' z and the canonical z agree again.
            self.state.position[2] = z;
            self.state.shift[2] = 0.0;
            self.state.systems[self.state.system][2] = 0.0;
        }
    }

    pub(super) fn emit_at(&mut self, command: Command, line: u32) {
        let here = std::mem::replace(&mut self.line, line);
        self.emit(command);
        self.line = here;
    }

    pub(super) fn probe(&mut self, block: &Block) {
        let to = self.target(block);
        let from = self.state.position;
        if !to.iter().all(|v| v.abs() <= FARTHEST) {
            self.too_far(block);
            return;
        }
        self.feed_for((0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt(), block);
        if to[0] != from[0] || to[1] != from[1] || to[2] >= from[2] {
            self.notes.warning("gcode/probe", 1, block.span(), || {
                "only probing straight down is interpreted; taken as a move to the end of the probing".into()
            });
            self.emit(Command::Line { to });
        } else {
            self.state.probing = Some(to[2]);
            self.state.probing_line = self.line;
        }
        self.state.position = to;
    }

    #[cold]
    pub(crate) fn probe_without_touch_off(&mut self, to: f64) {
        self.notes.warning("gcode/probe", 0, (0, 1), || {
            "a probing move without setting z (G92 Z, G10 L20) after it: the height after it is not known"
                .into()
        });
        self.emit_at(Command::Probe { to, z: to }, self.state.probing_line);
    }

    /// G28, G30: over the given place home.
    pub(super) fn home(&mut self, block: &Block) {
        let any = block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z'));
        if any != 0 {
            let via = self.target(block);
            if !via.iter().all(|v| v.abs() <= FARTHEST) {
                self.too_far(block);
                return;
            }
            self.emit(Command::Rapid { to: via });
            self.state.position = via;
        }
        let home = self.context.home;
        let goes = |i: usize| any == 0 || block.has(AXES[i]);
        let mut to = self.state.position;
        if goes(2) {
            to[2] = to[2].max(home[2]);
            self.emit(Command::Rapid { to });
        }
        if goes(0) || goes(1) {
            for i in 0..2 {
                if goes(i) {
                    to[i] = home[i];
                }
            }
            self.emit(Command::Rapid { to });
        }
        self.state.position = to;
        self.machine_position(block);
    }

    /// G10 L2 and L20: origins of coordinate systems.
    pub(super) fn set_system(&mut self, block: &Block, at: (usize, usize)) {
        let l = block.get(b'L').unwrap_or(-1.0);
        let p = block.get(b'P').unwrap_or(0.0);
        if !(l == 2.0 || l == 20.0) || !(0.0..=9.0).contains(&p) || p.fract() != 0.0 {
            self.notes
                .info("gcode/not-interpreted", 100, at, || "this G10 changes tables in the machine".into());
            return;
        }
        let index = if p == 0.0 { self.state.system } else { p as usize - 1 };
        if l == 20.0 && index == self.state.system {
            self.touch_off(block);
        } else if l == 2.0 {
            self.machine_position(block);
        }
        let s = &mut self.state;
        for i in 0..3 {
            let Some(v) = block.get(AXES[i]) else { continue };
            let shift = if s.shift_on { s.shift[i] } else { 0.0 };
            s.systems[index][i] = if l == 20.0 {
                s.position[i] - v * s.unit - shift
            } else {
                v * s.unit + if i < 2 { self.context.home[i] } else { 0.0 }
            };
        }
        s.place_offset();
    }

    pub(super) fn select_system(&mut self, system: usize, block: &Block) {
        if system != self.state.system && self.state.systems[system] == [0.0; 3] {
            self.notes.warning("gcode/work-offset", system as u32, block.span(), || {
                "another work coordinate system is selected whose origin is not in the program; taken as the same"
                    .into()
            });
        }
        self.state.system = system;
        self.state.place_offset();
    }
}
