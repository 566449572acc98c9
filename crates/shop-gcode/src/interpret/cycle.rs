//! Canned cycles: G73, G74, G81 … G89, in any plane.
//!
//! ```text
//!   start ───────────► over the hole          at max(start, R)
//!                          ┆ rapid
//!                          ▼ R ── feed ── Z   pecks of Q, wait P at the bottom
//!                          ▲ rapid            back to the start height (G98) or R (G99)
//! ```
//!
//! A cycle is worked out as if it were in the XY plane; in the others (G18, G19) depth is along Y or X.

use super::block::Block;
use super::execute::{AXES, MORE_BITS};
use super::{Run, Step};
use shop_cam::canon::{Command, Drill, Position, Spindle};
use shop_geom::Point;

/// How far G73 draws back to break the chip, mm (LinuxCNC: 0.010 in).
const CHIP_BREAK: f64 = 0.254;
/// The words that stay in force, in the order of `State::cycle`; the first stands for the letter of the depth.
const WORDS: [u8; 7] = *b"ZRQPIJK";

/// First and second axis of each plane, and the one along which holes go.
const PLANES: [[usize; 3]; 3] = [[0, 1, 2], [2, 0, 1], [1, 2, 0]];

/// Heights of a cycle and its other words, mm and seconds.
struct Hole {
    drill: Drill,
    /// G87: how far the tool goes aside, and to where it bores up.
    aside: [f64; 2],
    up: f64,
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    #[cold]
    pub(super) fn cycle(&mut self, code: u16, block: &Block) {
        if block.seen & MORE_BITS != 0 {
            self.notes.error("gcode/axis-in-cycle", 0, block.span(), || {
                "a canned cycle takes no rotary or auxiliary axis".into()
            });
        }
        let axes = PLANES[self.state.plane.min(2)];
        self.keep_words(axes[2], block);
        let Some(mut hole) = self.hole(code, axes, block) else { return };
        let repeats = block.get(b'L').unwrap_or(1.0);
        let drill = &hole.drill;
        let depth = drill.retract - drill.bottom;
        // Pecks cost too, three moves each: they are written out by those who move.
        let pecks = drill.peck.map_or(0.0, |q| (depth / q).min(10_000.0)).max(0.0);
        let cost = (repeats - 1.0).max(0.0) + (3.0 * repeats * pecks).floor();
        if !(0.0..=100_000.0).contains(&repeats) || !self.spend(cost as u64, block) {
            self.notes.error("gcode/cycle-words", 3, block.span(), || format!("{repeats} repeats"));
            return;
        }
        for i in 0..repeats as u64 {
            // The second hole of an incremental row lies one step beyond the first.
            let to = if i == 0 || !self.state.absolute { self.target(block) } else { self.state.position };
            if !(to[axes[0]].abs() <= 1e6 && to[axes[1]].abs() <= 1e6) {
                self.too_far(block);
                return;
            }
            self.feed_for(depth, block);
            hole.drill.at = Point::new(to[axes[0]], to[axes[1]]);
            if self.state.plane == 0 && matches!(code, 810..=830) {
                self.emit(Command::Drill(Box::new(hole.drill)));
            } else if !self.long_hand(code, axes, &hole, block) {
                return;
            }
            // After G88, too: the operator has drawn the tool out.
            self.state.position = turned(axes, [hole.drill.at.x, hole.drill.at.y, hole.drill.clearance]);
        }
    }

    /// Remembers the words of the line, mm and seconds.
    fn keep_words(&mut self, depth: usize, block: &Block) {
        let s = &mut self.state;
        for (i, letter) in WORDS.into_iter().enumerate() {
            let letter = if i == 0 { AXES[depth] } else { letter };
            if let Some(v) = block.get(letter) {
                s.cycle[i] = Some(if letter == b'P' { v } else { v * s.unit });
            }
        }
    }

    /// Works the words out; `None` when they make no cycle.
    fn hole(&mut self, code: u16, axes: [usize; 3], block: &Block) -> Option<Hole> {
        let along = axes[2];
        let s = &mut self.state;
        let from = *s.cycle_from.get_or_insert(s.position[along]);
        let [z, r, q, p, i, j, k] = s.cycle;
        let (Some(z), Some(r)) = (z, r) else {
            let letter = AXES[along] as char;
            self.notes.error("gcode/cycle-words", 0, block.span(), || {
                format!("a canned cycle needs {letter} and R")
            });
            return None;
        };
        let pecks = matches!(code, 730 | 830);
        let peck = q.filter(|q| pecks && *q > 0.0);
        if pecks && peck.is_none() {
            self.notes.error("gcode/cycle-words", 1, block.span(), || {
                format!("G{} needs a peck Q above 0", code / 10)
            });
        }
        let strict = self.rules.tool_change;
        if strict && p.is_none() && matches!(code, 820 | 860 | 880 | 890) {
            self.notes.error("gcode/cycle-words", 4, block.span(), || {
                format!("G{} needs the time P to wait at the bottom, in seconds", code / 10)
            });
        }
        let aside = [i, j].map(|v| v.unwrap_or(0.0));
        if code == 870 && (i.is_none() || j.is_none() || k.is_none()) {
            self.notes.error("gcode/cycle-words", 5, block.span(), || {
                "G87 needs I and J, how far to go aside, and K, to where to bore up".into()
            });
        }
        let s = &self.state;
        // Incremental heights count from where the series of cycles began.
        let (retract, bottom, up) = if s.absolute {
            let offset = s.offset[along];
            (r + offset, z + offset, k.unwrap_or(0.0) + offset)
        } else {
            (from + r, from + r + z, from + r + z + k.unwrap_or(0.0))
        };
        let sane = [retract, bottom, up, aside[0], aside[1]].into_iter().all(|v| v.abs() <= 1e6);
        if retract < bottom || !sane {
            self.notes.error("gcode/cycle-words", 2, block.span(), || {
                "the retract height R lies below the bottom Z".into()
            });
            return None;
        }
        let clearance = if self.state.return_high { from.max(retract) } else { retract };
        let waits = matches!(code, 820 | 890 | 830 | 730 | 860 | 840 | 740 | 880);
        let dwell = p.filter(|p| waits && (0.0..=86_400.0).contains(p)).unwrap_or(0.0);
        let drill = Drill { at: Point::new(0.0, 0.0), clearance, retract, bottom, peck, dwell };
        Some(Hole { drill, aside, up })
    }

    /// Cycles that are written out; false when one cannot be run.
    fn long_hand(&mut self, code: u16, axes: [usize; 3], hole: &Hole, block: &Block) -> bool {
        let Drill { at, clearance, retract, bottom, dwell, .. } = hole.drill;
        let here = axes.map(|axis| self.state.position[axis]);
        let emit = |run: &mut Self, command: Command| {
            run.emit(match command {
                Command::Rapid { to } => Command::Rapid { to: turned(axes, to) },
                Command::Line { to } => Command::Line { to: turned(axes, to) },
                other => other,
            });
        };
        if matches!(code, 810..=830) {
            hole.drill.expand(here, |command| emit(self, command));
            return true;
        }
        let over = |z: f64| [at.x, at.y, z];
        let travel = here[2].max(retract);
        if here[2] < travel {
            emit(self, Command::Rapid { to: [here[0], here[1], travel] });
        }
        emit(self, Command::Rapid { to: over(travel) });
        emit(self, Command::Rapid { to: over(retract) });
        if code == 870 {
            self.bore_back(axes, hole);
            return true;
        }
        if let Some(peck) = hole.drill.peck {
            let count = ((retract - bottom) / peck).ceil();
            if count > 1.0 && (count > 100_000.0 || !self.spend(2 * count as u64, block)) {
                return false;
            }
            for i in 1..count as u64 {
                let depth = retract - peck * i as f64;
                emit(self, Command::Line { to: over(depth) });
                emit(self, Command::Rapid { to: over((depth + CHIP_BREAK).min(retract)) });
            }
        }
        let taps = matches!(code, 740 | 840);
        if taps && !self.turns_for_tapping(code, block) {
            return false;
        }
        emit(self, Command::Line { to: over(bottom) });
        if taps {
            self.emit(Command::Spindle(Spindle::Off));
            let rpm = self.state.s;
            let clockwise = code == 740;
            let reversed =
                if clockwise { Spindle::Clockwise { rpm } } else { Spindle::CounterClockwise { rpm } };
            self.emit(Command::Spindle(reversed));
        }
        if dwell > 0.0 {
            self.emit(Command::Dwell { seconds: dwell });
        }
        match code {
            740 | 840 => {
                emit(self, Command::Line { to: over(clearance) });
                self.emit(Command::Spindle(Spindle::Off));
                self.spindle_again();
                return true;
            }
            850 | 890 => emit(self, Command::Line { to: over(retract) }),
            860 => self.emit(Command::Spindle(Spindle::Off)),
            // The operator draws the tool out.
            880 => {
                self.emit(Command::Spindle(Spindle::Off));
                self.emit(Command::Pause { optional: false });
                self.spindle_again();
                return true;
            }
            _ => {}
        }
        if clearance > retract || !matches!(code, 850 | 890) {
            emit(self, Command::Rapid { to: over(clearance) });
        }
        if code == 860 {
            self.spindle_again();
        }
        true
    }

    /// G74 and G84 need a spindle that turns the right way.
    fn turns_for_tapping(&mut self, code: u16, block: &Block) -> bool {
        let wanted = if code == 840 { 3 } else { 4 };
        let turns = self.state.spindle == wanted && self.state.s > 0.0;
        if !turns {
            self.notes.error("gcode/thread", 5, block.span(), || {
                format!("G{} taps with the spindle turning by M{wanted}, and it does not", code / 10)
            });
        }
        turns
    }

    /// G87: beside the hole to its bottom, up into it, and out again the same way.
    fn bore_back(&mut self, axes: [usize; 3], hole: &Hole) {
        let Drill { at, clearance, retract, bottom, .. } = hole.drill;
        let aside = |z: f64| turned(axes, [at.x + hole.aside[0], at.y + hole.aside[1], z]);
        let over = |z: f64| turned(axes, [at.x, at.y, z]);
        self.emit(Command::Rapid { to: aside(retract) });
        self.emit(Command::Spindle(Spindle::Off));
        self.emit(Command::Rapid { to: aside(bottom) });
        self.emit(Command::Rapid { to: over(bottom) });
        self.spindle_again();
        self.emit(Command::Line { to: over(hole.up) });
        self.emit(Command::Line { to: over(bottom) });
        self.emit(Command::Spindle(Spindle::Off));
        self.emit(Command::Rapid { to: aside(bottom) });
        self.emit(Command::Rapid { to: aside(clearance) });
        self.emit(Command::Rapid { to: over(clearance) });
        self.spindle_again();
    }
}

/// Returns the position whose coordinates along the plane and across it are these.
fn turned(axes: [usize; 3], v: [f64; 3]) -> Position {
    let mut p = [0.0; 3];
    for (axis, v) in axes.into_iter().zip(v) {
        p[axis] = v;
    }
    p
}
