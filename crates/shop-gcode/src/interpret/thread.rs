//! G33, G33.1 and G76: moves in step with the spindle.
//!
//! ```text
//!     drive line ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄  rapids
//!                  ╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔╲     one pass: in (L1), along, out (L2), each deeper than the last
//! ```

use super::block::{Block, bit};
use super::state::Line;
use super::{Run, Step};
use shop_cam::canon::{Command, Move, Position, Way};

/// Passes of one thread; more is a mistake in its words.
const MOST_PASSES: f64 = 10_000.0;

fn in_step(to: Position, pitch: f64) -> Command {
    Command::Move(Box::new(Move { to, way: Way::Line, more: [None; 6], e: 0.0, pitch: Some(pitch) }))
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// G33 and, with `back`, G33.1: rigid tapping goes in and comes out again.
    #[cold]
    pub(super) fn keep_step(&mut self, back: bool, to: Position, block: &Block) {
        let k = block.get(b'K').unwrap_or(0.0) * self.state.unit;
        if k == 0.0 || !k.is_finite() {
            self.notes.error("gcode/thread", 0, block.span(), || {
                "a move in step with the spindle needs K, its travel per turn".into()
            });
            return;
        }
        self.needs_spindle(block);
        let from = self.state.position;
        self.emit(in_step(to, k));
        if back {
            self.emit(in_step(from, k));
        } else {
            self.state.position = to;
        }
    }

    fn needs_spindle(&mut self, block: &Block) {
        if !self.state.tool_on() || self.state.s <= 0.0 {
            self.notes.error("gcode/thread", 1, block.span(), || {
                "a move in step with the spindle, and the spindle does not turn".into()
            });
        }
    }

    /// G76: a thread in many passes.
    #[cold]
    pub(super) fn thread(&mut self, block: &Block, line: &mut Line) {
        for letter in *b"XZPIJKRQHEL" {
            line.used |= bit(letter);
        }
        let unit = self.state.unit;
        let length = |letter: u8| block.get(letter).map(|v| v * unit);
        let (Some(pitch), Some(peak), Some(first), Some(full)) =
            (length(b'P'), length(b'I'), length(b'J'), length(b'K'))
        else {
            self.notes.error("gcode/thread", 2, block.span(), || "G76 needs P, Z, I, J and K".into());
            return;
        };
        let degression = block.get(b'R').unwrap_or(1.0);
        let slide = block.get(b'Q').unwrap_or(0.0).to_radians().tan();
        let springs = block.get(b'H').unwrap_or(0.0).max(0.0).floor();
        let taper = length(b'E').unwrap_or(0.0);
        let ends = block.get(b'L').unwrap_or(0.0);
        let (entry, exit) = (ends == 1.0 || ends == 3.0, ends == 2.0 || ends == 3.0);
        let to = self.target(block);
        let start = self.state.position;
        let wrong = if self.state.plane != 1 {
            Some("G76 works in the XZ plane (G18)")
        } else if !(pitch > 0.0 && first > 0.0 && full >= first && degression >= 1.0) {
            Some("G76 needs P and J above 0, K not below J and R not below 1")
        } else if peak == 0.0 || to[2] == start[2] || !block.has(b'Z') {
            Some("G76 needs a thread that has a depth and a length")
        } else if !(0.0..=80.0).contains(&block.get(b'Q').unwrap_or(0.0)) {
            Some("the slide angle Q of G76 lies between 0 and 80 degrees")
        } else {
            None
        };
        if let Some(why) = wrong {
            self.notes.error("gcode/thread", 3, block.span(), || why.into());
            return;
        }
        self.needs_spindle(block);
        // Outside threads have their peaks towards the axis from the drive line: I below 0.
        let inward = peak.signum();
        let way = (to[2] - start[2]).signum();
        let rise = full.hypot(taper) / taper.abs().max(f64::MIN_POSITIVE);
        let steep = if taper > 0.0 { pitch * rise } else { pitch };
        let last = (full / first).powf(degression).ceil();
        if last > MOST_PASSES || !self.spend(8 * (last + springs) as u64, block) {
            self.notes.error("gcode/thread", 4, block.span(), || format!("a thread of {last} passes"));
            return;
        }
        let pass = |run: &mut Self, depth: f64| {
            let drive = start[0] - inward * (full - depth);
            let cut = start[0] + peak + inward * depth;
            let out = cut - inward * full;
            let begin = start[2] + way * depth * slide;
            let end = to[2] - way * (full - depth) * slide;
            let at = |x: f64, z: f64| -> Position { [x, start[1], z] };
            run.emit(Command::Rapid { to: at(drive, begin) });
            if entry {
                run.emit(in_step(at(out, begin), steep));
                run.emit(in_step(at(cut, begin + way * taper), steep));
            } else {
                run.emit(Command::Rapid { to: at(cut, begin) });
            }
            if exit {
                run.emit(in_step(at(cut, end - way * taper), pitch));
                run.emit(in_step(at(out, end), steep));
            } else {
                run.emit(in_step(at(cut, end), pitch));
            }
            run.emit(Command::Rapid { to: at(drive, end) });
        };
        let mut n = 1.0f64;
        loop {
            let depth = first * n.powf(1.0 / degression);
            if depth >= full || n > MOST_PASSES {
                break;
            }
            pass(self, depth);
            n += 1.0;
        }
        for _ in 0..=springs as u64 {
            pass(self, full);
        }
        self.state.position = [start[0], start[1], to[2]];
    }
}
