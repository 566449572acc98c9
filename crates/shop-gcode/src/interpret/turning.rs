//! G70, G71 and G72: a turned part from its contour, which stands in a subprogram (LinuxCNC).
//!
//! The lines of the subprogram are read and computed like others, but its moves are only remembered; where it ends,
//! the cycle is worked out ([`super::contour`]) and run. Coordinates are kept in the program's units until then.

use super::block::{Block, bit};
use super::contour::{Contour, Cut, Piece, Pockets, Roughing, Vector};
use super::execute::{FARTHEST, g_name};
use super::state::{Line, Motion};
use super::{Run, Step};
use shop_cam::canon::{Command, Move, Plane, Position, Way};

/// Pieces of one contour; more is no part.
const MOST_PIECES: usize = 20_000;
/// Ends of arcs so near to the tool are reached already (LinuxCNC), in the program's units.
const EQUAL: f64 = 1e-4;
/// Finishing passes of one G70; more is a mistake.
const MOST_PASSES: f64 = 1000.0;

/// A cycle whose contour is being read.
#[derive(Clone, Debug)]
pub(super) struct Turning {
    /// The line that called it.
    block: Block,
    line: u32,
    code: i64,
    /// Where the cycle begins, and where the contour is: z, x in the program's units.
    from: Vector,
    at: Vector,
    incremental: bool,
    /// The motion in force in the subprogram.
    motion: Motion,
    pieces: Vec<Piece>,
    /// Where the tool stood.
    stands: Position,
    simple: bool,
    /// Calls that are open while the contour is read.
    pub(super) depth: usize,
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Begins to read the contour of a cycle.
    #[cold]
    pub(super) fn turn(&mut self, code: i64, block: &Block, line: &mut Line) {
        for letter in *b"XZQDEIPRUW" {
            line.used |= bit(letter);
        }
        let wrong = if self.state.plane != 1 {
            Some("works in the XZ plane only (G18)")
        } else if self.compensation.is_some() && code != 700 {
            Some("cannot be used while cutter compensation is on")
        } else if !block.has(b'Q') {
            Some("needs the number of its contour's subprogram, Q")
        } else {
            None
        };
        if let Some(why) = wrong {
            return self.refuse_turning(0, code, block, why);
        }
        let stands = self.words_of(self.state.position);
        let words = [self.turning_word(b'Z', block), self.turning_word(b'X', block)];
        let mut from: Vector = std::array::from_fn(|i| words[i].unwrap_or(stands[i]));
        // The way to the beginning is never incremental (LinuxCNC).
        self.make_cut(Cut::Rapid(from), block);
        let incremental = !self.state.absolute;
        if incremental {
            from = std::array::from_fn(|i| stands[i] + words[i].unwrap_or(0.0));
        }
        let number = block.get(b'Q').unwrap_or(0.0).round();
        let Some((at, first_line)) = self.call_contour(number, block) else { return };
        self.turning = Some(Box::new(Turning {
            block: block.clone(),
            line: self.line,
            code,
            from,
            at: from,
            incremental,
            motion: self.state.motion,
            pieces: Vec::new(),
            stands: self.state.position,
            simple: self.state.simple,
            depth: self.flow.depth(),
        }));
        self.state.simple = false;
        self.jump = Some((at, first_line));
    }

    #[cold]
    fn refuse_turning(&mut self, key: u32, code: i64, block: &Block, why: &str) {
        self.notes.error("gcode/turning-cycle", key, block.span(), || format!("{}: {why}", g_name(code)));
    }

    /// Returns z and x of a canonical point as the program's words would name it, x as a radius.
    fn words_of(&self, p: Position) -> Vector {
        let named = self.state.name(p);
        [named[2] / self.state.unit, named[0] / self.state.unit]
    }

    /// Returns a coordinate of the line; x as a radius.
    fn turning_word(&self, letter: u8, block: &Block) -> Option<f64> {
        let half = if letter == b'X' && self.state.diameter { 0.5 } else { 1.0 };
        block.get(letter).map(|v| v * half)
    }

    /// Remembers a line of the contour.
    #[cold]
    pub(super) fn record(&mut self, block: &Block) -> bool {
        let Some(mut turning) = self.turning.take() else { return false };
        self.record_in(&mut turning, block);
        self.turning = Some(turning);
        false
    }

    fn record_in(&mut self, turning: &mut Turning, block: &Block) {
        for code in block.g() {
            match code.number {
                0 => turning.motion = Motion::Rapid,
                10 => turning.motion = Motion::Line,
                20 => turning.motion = Motion::Arc { counter_clockwise: false },
                30 => turning.motion = Motion::Arc { counter_clockwise: true },
                _ => self.left_out_of_contour(block),
            }
        }
        if !block.m().is_empty() || block.has(b'Y') {
            self.left_out_of_contour(block);
        }
        let from = turning.at;
        let words = [self.turning_word(b'Z', block), self.turning_word(b'X', block)];
        // In absolute mode U and W count from the last point.
        let half = if self.state.diameter { 0.5 } else { 1.0 };
        let more = [block.get(b'W'), block.get(b'U').map(|u| u * half)];
        if (0..2).any(|i| more[i].is_some() && (words[i].is_some() || turning.incremental)) {
            self.refuse_turning(
                5,
                turning.code,
                block,
                "U stands beside X, W beside Z, or both in incremental mode",
            );
        }
        let to: Vector = std::array::from_fn(|i| match (more[i], words[i]) {
            (Some(v), _) => from[i] + v,
            (None, Some(v)) if turning.incremental => from[i] + v,
            (None, v) => v.unwrap_or(from[i]),
        });
        let far = |v: f64| v.is_nan() || v.abs() > FARTHEST / self.state.unit;
        if to == from {
            return;
        }
        if to.into_iter().any(far) {
            return self.too_far(block);
        }
        if turning.pieces.len() >= MOST_PIECES {
            return self.refuse_turning(1, turning.code, block, "the contour has too many pieces");
        }
        let arc = match turning.motion {
            Motion::Rapid | Motion::Line => None,
            Motion::Arc { counter_clockwise } => match self.middle(from, to, counter_clockwise, block) {
                Some(center) => Some((center, counter_clockwise)),
                None => return,
            },
            _ => return,
        };
        turning.pieces.push(Piece { start: from, end: to, arc, corner: 0.0 });
        if block.has(b'A') && block.has(b'C') {
            self.refuse_turning(6, turning.code, block, "a corner is rounded (A) or broken (C), not both");
        }
        if let Some(corner) = block.get(b'A').filter(|r| *r != 0.0) {
            turning.pieces.push(Piece { start: to, end: to, arc: Some((to, false)), corner });
        } else if let Some(corner) = block.get(b'C').filter(|r| *r != 0.0) {
            turning.pieces.push(Piece { start: to, end: to, arc: None, corner });
        }
        turning.at = to;
        // Expressions of the contour ask where it is.
        let unit = self.state.unit;
        let mut words = self.state.name(self.state.position);
        (words[2], words[0]) = (to[0] * unit, to[1] * unit);
        self.state.position = self.state.place(words);
    }

    #[cold]
    fn left_out_of_contour(&mut self, block: &Block) {
        self.notes.warning("gcode/turning-cycle", 2, block.span(), || {
            "in the subprogram of a contour only G0 to G3 with X and Z count; the rest of the line is not run"
                .into()
        });
    }

    /// Returns the middle of an arc of the contour.
    fn middle(&mut self, from: Vector, to: Vector, counter_clockwise: bool, block: &Block) -> Option<Vector> {
        if let Some(r) = block.get(b'R') {
            let (dz, dx) = (to[0] - from[0], to[1] - from[1]);
            let chord = dz.hypot(dx);
            let height = (r * r - chord * chord / 4.0).max(0.0).sqrt();
            let side = if counter_clockwise { height } else { -height } / chord;
            return Some([from[0] + dz / 2.0 - dx * side, from[1] + dx / 2.0 + dz * side]);
        }
        if !block.has(b'I') && !block.has(b'K') {
            self.notes.error("gcode/arc-without-center", 0, block.span(), || {
                "an arc of the contour needs a centre (I, K) or a radius (R)".into()
            });
            return None;
        }
        let base = if self.state.center_absolute { [0.0; 2] } else { from };
        let center = [base[0] + block.get(b'K').unwrap_or(0.0), base[1] + block.get(b'I').unwrap_or(0.0)];
        center.into_iter().all(|v| v.abs() < 1e9).then_some(center)
    }

    /// Runs the cycle whose contour has been read.
    #[cold]
    pub(super) fn run_turning(&mut self) {
        let Some(turning) = self.turning.take() else { return };
        let Turning { block, line, code, from, pieces, stands, simple, .. } = *turning;
        self.state.position = stands;
        self.state.simple = simple;
        self.here = block.span();
        let get = |letter: u8, otherwise: f64| block.get(letter).unwrap_or(otherwise);
        if pieces.len() < 2 {
            return;
        }
        let mut contour = Contour::new(pieces);
        contour.begin(from);
        let cuts = if code == 700 {
            let passes = get(b'P', 1.0);
            if (0.0..=MOST_PASSES).contains(&passes) {
                contour.finish(get(b'D', 0.0), get(b'E', 0.0), passes as u32)
            } else {
                Err("P, the number of passes, lies between 1 and 1000")
            }
        } else {
            contour.rough(&Roughing {
                pockets: [Pockets::All, Pockets::None, Pockets::Only][(code % 10).min(2) as usize],
                facing: code >= 720,
                shift: [get(b'W', 0.0), get(b'U', 0.0)],
                leave: get(b'D', 0.0),
                step: get(b'I', 1.0),
                escape: get(b'R', 0.5),
            })
        };
        let cuts = match cuts {
            Ok(cuts) => cuts,
            Err(why) => return self.refuse_turning(3, code, &block, why),
        };
        // The pieces of one cycle cost like lines that are repeated.
        if !self.spend(cuts.len() as u64, &block) {
            return;
        }
        let here = std::mem::replace(&mut self.line, line);
        for cut in cuts {
            self.make_cut(cut, &block);
        }
        self.line = here;
    }

    fn make_cut(&mut self, cut: Cut, block: &Block) {
        let unit = self.state.unit;
        let mut words = self.state.name(self.state.position);
        let mut place = |run: &Self, p: Vector| {
            (words[2], words[0]) = (p[0] * unit, p[1] * unit);
            run.state.place(words)
        };
        match cut {
            Cut::Rapid(to) => {
                let to = place(self, to);
                self.state.motion = Motion::Rapid;
                self.straight(Motion::Rapid, to, block);
            }
            Cut::Feed(to) => {
                let to = place(self, to);
                self.state.motion = Motion::Line;
                self.straight(Motion::Line, to, block);
            }
            Cut::Arc { to, center, counter_clockwise } => {
                self.state.motion = Motion::Arc { counter_clockwise };
                let (center, to) = (place(self, center), place(self, to));
                let there = (0..3).all(|i| (to[i] - self.state.position[i]).abs() < EQUAL * unit);
                if there {
                    return;
                }
                let center = [center[2], center[0]];
                let way = Way::Arc { plane: Plane::Zx, center, counter_clockwise, turns: 1 };
                let m = Move { to, way, more: [None; 6], e: 0.0, pitch: None };
                self.feed_for(m.length(self.state.position), block);
                self.emit(Command::Move(Box::new(m)));
                self.state.position = to;
            }
        }
    }
}
