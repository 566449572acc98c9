//! Where the words are: offsets, homing, machine coordinates, probing.

use super::block::{ANGLE, Block, Code, POLAR, RADIUS, bit};
use super::execute::{AXES, FARTHEST, MORE_AXES, MORE_BITS, g_name};
use super::state::{Cutting, Line};
use super::{Run, Step};
use shop_cam::canon::{Command, Move, Position, Way};

/// The shortest probing move that LinuxCNC takes, mm (0.01 in).
const SHORTEST_PROBE: f64 = 0.254;

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// As `target`, where the words are more than offsets: in a system that is turned, as diameters, or polar.
    #[cold]
    pub(super) fn turned_target(&self, block: &Block) -> Position {
        let s = &self.state;
        let mut program = s.name(s.position);
        for i in 0..3 {
            if let Some(v) = block.get(AXES[i]) {
                let unit = if i == 0 && s.diameter { s.unit / 2.0 } else { s.unit };
                program[i] = v * unit + if s.absolute { 0.0 } else { program[i] };
            }
        }
        if block.seen & POLAR != 0 {
            let (mut radius, mut angle) = (program[0].hypot(program[1]), program[1].atan2(program[0]));
            let keep = |here: f64| if s.absolute { 0.0 } else { here };
            if block.seen & (1 << RADIUS) != 0 {
                radius = block.value[RADIUS] * s.unit + keep(radius);
            }
            if block.seen & (1 << ANGLE) != 0 {
                angle = block.value[ANGLE].to_radians() + keep(angle);
            }
            program[0] = radius * angle.cos();
            program[1] = radius * angle.sin();
        }
        s.place(program)
    }

    /// G53: machine coordinates. x and y are placed by the machine's work zero; z is a retract, unless it is known.
    pub(super) fn machine_target(&mut self, block: &Block) -> Position {
        let s = &self.state;
        let mut to = s.position;
        let zero = self.context.machine_zero.unwrap_or(self.context.home);
        for i in 0..3 {
            if let Some(v) = block.get(AXES[i]) {
                let unit = if i == 0 && s.diameter { s.unit / 2.0 } else { s.unit };
                to[i] = v * unit + zero[i] - s.tool_offset[i];
            }
        }
        if self.context.machine_zero.is_none() {
            if block.has(b'Z') {
                to[2] = s.position[2].max(self.context.home[2]);
            }
            self.machine_position(block);
        }
        to
    }

    /// G43, G43.1, G43.2 and G49: the tool's offset.
    #[cold]
    pub(super) fn tool_offset(&mut self, n: i64, block: &Block, line: &mut Line) {
        let table = |number: Option<u32>| {
            let tools = self.context.tools.as_ref()?;
            tools.iter().find(|t| Some(t.number) == number).map(|t| t.offset)
        };
        let before = self.state.tool_offset;
        let mut offset = before;
        match n {
            490 => offset = [0.0; 3],
            430 => {
                line.used |= bit(b'H');
                let h = block.get(b'H').map(|h| h as u32).filter(|h| *h > 0);
                offset = table(h.or(self.state.tool)).unwrap_or([0.0; 3]);
            }
            _ => {
                line.used |= bit(b'H') | bit(b'X') | bit(b'Y') | bit(b'Z') | MORE_BITS;
                let added = table(block.get(b'H').map(|h| h as u32)).unwrap_or([0.0; 3]);
                for i in 0..3 {
                    match block.get(AXES[i]) {
                        Some(v) if n == 431 => offset[i] = v * self.state.unit,
                        Some(v) => offset[i] += v * self.state.unit,
                        None if n == 432 => offset[i] += added[i],
                        None => {}
                    }
                }
            }
        }
        if offset != before && offset.iter().all(|v| v.abs() <= FARTHEST) {
            self.state.tool_offset = offset;
            // The machine stands still: it is the tip that is elsewhere now.
            for i in 0..3 {
                self.state.position[i] -= offset[i] - before[i];
            }
            self.emit(Command::ToolOffset { offset });
        }
    }

    /// G40, G41 and G42.
    #[cold]
    pub(super) fn change_compensation(&mut self, change: Cutting, block: &Block) {
        let Cutting::Beside { side, given } = change else { return self.compensation_off() };
        let at = block.span();
        let d = block.get(b'D');
        let mut orientation = 0;
        if let Some(l) = block.get(b'L') {
            if self.state.plane != 1 || !(0.0..=9.0).contains(&l) || l.fract() != 0.0 {
                self.notes.error("gcode/cutter-compensation", 7, at, || {
                    "the orientation of a lathe tool, L, is 0 to 9 and belongs to the XZ plane (G18)".into()
                });
            } else {
                orientation = l as u8;
            }
        }
        let diameter = if given {
            d.map(|d| d * self.state.unit)
        } else {
            let number = d.map_or(self.state.tool, |d| Some(d as u32).filter(|d| *d > 0).or(self.state.tool));
            match (&self.context.tools, number) {
                (_, None) => Some(0.0),
                (Some(tools), number) => tools.iter().find(|t| Some(t.number) == number).map(|t| {
                    orientation = t.orientation;
                    t.diameter
                }),
                (None, Some(number)) => {
                    self.notes.warning("gcode/cutter-compensation", 0, at, || {
                        format!("the diameter of tool {number} stands in the controller's table; the path shown is the uncorrected one")
                    });
                    return;
                }
            }
        };
        match diameter.filter(|d| d.is_finite()) {
            Some(diameter) => self.compensate(side, diameter / 2.0, orientation, at),
            None => self.notes.error("gcode/cutter-compensation", 6, at, || {
                "the tool of this compensation is not in the tool table, or D is missing".into()
            }),
        }
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
            280 | 300 => self.home(code.number == 300, block),
            100 if self.rules.extruder && block.seen & (bit(b'L') | bit(b'P')) == 0 => {
                self.emit(Command::FirmwareRetract { recover: false });
                line.used = u32::MAX;
            }
            100 if self.rules.extruder && !block.has(b'L') => self.native(block, line),
            100 => {
                line.used |= bit(b'L') | bit(b'P') | bit(b'R');
                self.set_system(block, at);
            }
            281 | 301 => {
                self.store_position(code.number == 301);
                if self.context.machine_zero.is_none() {
                    self.notes.info("gcode/not-interpreted", code.number as u32, at, || {
                        format!("{} stores a position in the machine", g_name(code.number))
                    });
                }
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
                s.e.set(e * s.unit);
            }
            if block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z') | bit(b'E') | MORE_BITS) == 0 {
                // Marlin: everything is zero here.
                s.e.set(0.0);
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
        if self.context.machine_zero.is_some() {
            // The frame of the machine is known: it does not move with the sheet.
            if let Some(to) = self.state.probing.take() {
                self.emit_at(Command::Probe { to, z: to }, self.state.probing_line);
            }
            return;
        }
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
        let way = (0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
        let towards = block.g().iter().any(|c| c.number == 382);
        if self.rules.tool_change && towards && way < SHORTEST_PROBE {
            self.notes.error("gcode/probe", 2, block.span(), || {
                format!("the probing move begins {way:.3} mm from its end; {SHORTEST_PROBE} mm is the least")
            });
        }
        // What the probe would say: the moves that must touch do, those that may miss, miss.
        let number = block.g().iter().map(|c| c.number).find(|n| (382..=388).contains(n)).unwrap_or(382);
        let short = if way > 0.0 { (self.context.probe_short / way).min(1.0) } else { 0.0 };
        let touched: Position = std::array::from_fn(|i| to[i] + (from[i] - to[i]) * short);
        self.parameters.probed(touched.map(|v| v / self.state.unit), number % 2 == 0);
        self.feed_for((0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt(), block);
        if to[0] != from[0] || to[1] != from[1] || to[2] >= from[2] {
            self.notes.warning("gcode/probe", 1, block.span(), || {
                "only probing straight down is interpreted; taken as a move to the end of the probing".into()
            });
            self.emit(Command::Line { to: touched });
        } else {
            self.state.probing = Some(to[2]);
            (self.state.probing_line, self.state.probing_at) = (self.line, block.span());
        }
        self.state.position = touched;
    }

    #[cold]
    pub(crate) fn probe_without_touch_off(&mut self, to: f64) {
        if self.context.machine_zero.is_some() {
            return self.emit_at(Command::Probe { to, z: to }, self.state.probing_line);
        }
        self.notes.warning("gcode/probe", 0, self.state.probing_at, || {
            "a probing move without setting z (G92 Z, G10 L20) after it: the height after it is not known"
                .into()
        });
        self.emit_at(Command::Probe { to, z: to }, self.state.probing_line);
    }

    /// G28, G30: over the given place home.
    pub(super) fn home(&mut self, second: bool, block: &Block) {
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
        if let Some(zero) = self.context.machine_zero {
            return self.home_exactly(zero, second, block);
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

    /// G28 and G30 where the machine's zero is known: to the stored place, of the axes named or of all.
    fn home_exactly(&mut self, zero: [f64; 3], second: bool, block: &Block) {
        let stored = self.state.stored[usize::from(second)];
        let named = |i: usize| block.has(if i < 3 { AXES[i] } else { MORE_AXES[i - 3] });
        let any = (0..9).any(named);
        let mut to = self.state.position;
        for i in (0..3).filter(|i| !any || named(*i)) {
            to[i] = stored[i] + zero[i] - self.state.tool_offset[i];
        }
        let mut more = [None; 6];
        for i in (0..6).filter(|i| (!any || named(*i + 3)) && stored[*i + 3] != self.state.more[*i]) {
            more[i] = Some(stored[i + 3]);
        }
        if more == [None; 6] {
            self.emit(Command::Rapid { to });
        } else {
            self.emit(Command::Move(Box::new(Move { to, way: Way::Rapid, more, e: 0.0, pitch: None })));
            self.stand_more(&more);
        }
        self.state.position = to;
    }

    /// G28.1 and G30.1: remembers where the machine is.
    fn store_position(&mut self, second: bool) {
        let zero = self.context.machine_zero.unwrap_or([self.context.home[0], self.context.home[1], 0.0]);
        let s = &mut self.state;
        for i in 0..3 {
            s.stored[usize::from(second)][i] = s.position[i] - zero[i] + s.tool_offset[i];
        }
        s.stored[usize::from(second)][3..].copy_from_slice(&s.more);
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
        } else if l == 2.0 && self.context.machine_zero.is_none() {
            self.machine_position(block);
        }
        let zero = self.context.machine_zero.unwrap_or([self.context.home[0], self.context.home[1], 0.0]);
        let s = &mut self.state;
        if l == 2.0
            && let Some(r) = block.get(b'R')
        {
            s.rotations[index] = r.to_radians();
        }
        let (sin, cos) = s.rotations[index].sin_cos();
        let on = if s.shift_on { 1.0 } else { 0.0 };
        // L20 makes the words name where the tool is: what is left of its place after the words, turned.
        let mut words: Position = {
            let (sin, cos) = (-s.rotations[index]).sin_cos();
            let origin = s.systems[index];
            let d: Position = std::array::from_fn(|i| s.position[i] - origin[i]);
            [d[0] * cos - d[1] * sin, d[0] * sin + d[1] * cos, d[2]]
        };
        let mut named = false;
        for i in 0..3 {
            let Some(v) = block.get(AXES[i]) else { continue };
            let unit = if i == 0 && s.diameter { s.unit / 2.0 } else { s.unit };
            if l == 20.0 {
                words[i] = v * unit + s.shift[i] * on;
                named = true;
            } else {
                s.systems[index][i] = v * unit + zero[i];
            }
        }
        if named {
            let turned = [words[0] * cos - words[1] * sin, words[0] * sin + words[1] * cos, words[2]];
            s.systems[index] = std::array::from_fn(|i| s.position[i] - turned[i]);
        }
        for i in 0..6 {
            let Some(v) = block.get(MORE_AXES[i]) else { continue };
            let v = if i < 3 { v } else { v * s.unit };
            s.more_systems[index][i] = if l == 20.0 { s.more[i] - v - s.more_shift[i] * on } else { v };
        }
        s.place_offset();
    }

    pub(super) fn select_system(&mut self, system: usize, block: &Block) {
        let unknown = self.state.systems[system] == [0.0; 3] && self.context.machine_zero.is_none();
        if system != self.state.system && unknown {
            self.notes.warning("gcode/work-offset", system as u32, block.span(), || {
                "another work coordinate system is selected whose origin is not in the program; taken as the same"
                    .into()
            });
        }
        self.state.system = system;
        self.state.place_offset();
    }
}
