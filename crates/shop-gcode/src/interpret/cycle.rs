//! Canned cycles: G73, G81 … G89, in the XY plane.
//!
//! ```text
//!   start ───────────► over the hole          at max(start, R)
//!                          ┆ rapid
//!                          ▼ R ── feed ── Z   pecks of Q, wait P at the bottom
//!                          ▲ rapid            back to the start height (G98) or R (G99)
//! ```

use super::block::{Block, bit};
use super::{Run, Step};
use shop_cam::canon::{Command, Drill, Spindle};
use shop_geom::Point;

/// How far G73 draws back to break the chip, mm (LinuxCNC: 0.010 in).
const CHIP_BREAK: f64 = 0.254;

impl<F: FnMut(Step, u32)> Run<'_, F> {
    #[cold]
    pub(super) fn cycle(&mut self, code: u16, block: &Block) {
        let extra = bit(b'A') | bit(b'B') | bit(b'C') | bit(b'U') | bit(b'V') | bit(b'W');
        if block.seen & extra != 0 {
            self.notes.error("gcode/axis-in-cycle", 0, block.span(), || {
                "a canned cycle takes no rotary or auxiliary axis".into()
            });
        }
        if self.state.plane != 0 || matches!(code, 840 | 870 | 880) {
            self.notes.error("gcode/not-executed", u32::from(code), block.span(), || {
                format!("G{} in this plane is not executed here; what follows may be wrong", code / 10)
            });
            return;
        }
        let s = &mut self.state;
        for (i, letter) in [b'Z', b'R', b'Q', b'P'].into_iter().enumerate() {
            if let Some(v) = block.get(letter) {
                s.cycle[i] = Some(if letter == b'P' { v } else { v * s.unit });
            }
        }
        let from = *s.cycle_from.get_or_insert(s.position[2]);
        let [z, r, q, p] = s.cycle;
        let (Some(z), Some(r)) = (z, r) else {
            self.notes.error("gcode/cycle-words", 0, block.span(), || "a canned cycle needs Z and R".into());
            return;
        };
        let pecks = matches!(code, 730 | 830);
        let peck = q.filter(|q| pecks && *q > 0.0);
        if pecks && peck.is_none() {
            self.notes.error("gcode/cycle-words", 1, block.span(), || {
                format!("G{} needs a peck Q above 0", code / 10)
            });
        }
        let s = &self.state;
        let (retract, bottom) = if s.absolute {
            (r + s.offset[2], z + s.offset[2])
        } else {
            // Incremental heights count from where the series of cycles began.
            (from + r, from + r + z)
        };
        if retract < bottom || !(retract.abs() <= 1e6 && bottom.abs() <= 1e6) {
            self.notes.error("gcode/cycle-words", 2, block.span(), || {
                "the retract height R lies below the bottom Z".into()
            });
            return;
        }
        let repeats = block.get(b'L').unwrap_or(1.0);
        // Pecks cost too, three moves each: they are written out by those who move.
        let pecks = peck.map_or(0.0, |q| ((retract - bottom) / q).min(10_000.0)).max(0.0);
        let cost = (repeats - 1.0).max(0.0) + (3.0 * repeats * pecks).floor();
        if !(0.0..=100_000.0).contains(&repeats) || !self.spend(cost as u64, block) {
            self.notes.error("gcode/cycle-words", 3, block.span(), || format!("{repeats} repeats"));
            return;
        }
        let clearance = if self.state.return_high { from.max(retract) } else { retract };
        let dwell = if matches!(code, 820 | 890 | 830 | 730 | 860) { p.unwrap_or(0.0) } else { 0.0 };
        let dwell = if (0.0..=86_400.0).contains(&dwell) { dwell } else { 0.0 };
        for i in 0..repeats as u64 {
            // The second hole of an incremental row lies one step beyond the first.
            let to = if i == 0 || !self.state.absolute { self.target(block) } else { self.state.position };
            if !(to[0].abs() <= 1e6 && to[1].abs() <= 1e6) {
                self.too_far(block);
                return;
            }
            self.feed_for(retract - bottom, block);
            let at = Point::new(to[0], to[1]);
            let drill = Drill { at, clearance, retract, bottom, peck, dwell };
            match code {
                810..=830 => self.emit(Command::Drill(Box::new(drill))),
                _ => self.long_hand(code, drill, block),
            }
            self.state.position = [to[0], to[1], clearance];
        }
    }

    /// Cycles that are no plain drilling: chip breaking and boring.
    fn long_hand(&mut self, code: u16, drill: Drill, block: &Block) {
        let Drill { at, clearance, retract, bottom, .. } = drill;
        let z = self.state.position[2];
        let travel = z.max(clearance);
        let mut moves = Vec::new();
        if z < travel {
            moves.push(Command::Rapid { to: [self.state.position[0], self.state.position[1], travel] });
        }
        moves.push(Command::Rapid { to: [at.x, at.y, travel] });
        moves.push(Command::Rapid { to: [at.x, at.y, retract] });
        if let Some(peck) = drill.peck {
            let count = ((retract - bottom) / peck).ceil();
            if count > 1.0 && (count > 100_000.0 || !self.spend(2 * count as u64, block)) {
                return;
            }
            for i in 1..count as u64 {
                let depth = retract - peck * i as f64;
                moves.push(Command::Line { to: [at.x, at.y, depth] });
                moves.push(Command::Rapid { to: [at.x, at.y, (depth + CHIP_BREAK).min(retract)] });
            }
        }
        moves.push(Command::Line { to: [at.x, at.y, bottom] });
        if drill.dwell > 0.0 {
            moves.push(Command::Dwell { seconds: drill.dwell });
        }
        let up = [at.x, at.y, retract];
        match code {
            850 | 890 => moves.push(Command::Line { to: up }),
            860 => {
                moves.push(Command::Spindle(Spindle::Off));
                moves.push(Command::Rapid { to: up });
            }
            _ => moves.push(Command::Rapid { to: up }),
        }
        if clearance > retract {
            moves.push(Command::Rapid { to: [at.x, at.y, clearance] });
        }
        for command in moves {
            self.emit(command);
        }
        if code == 860 {
            self.spindle_again();
        }
    }
}
