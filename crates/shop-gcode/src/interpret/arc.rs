//! G2 and G3: centre or radius, full circles, helices and turns, by the rules of the controller.

use super::block::{Block, bit};
use super::{Run, Step};
use crate::dialect::ArcRule;
use shop_cam::canon::{Command, MoreAxes, Move, Plane, Way};
use shop_geom::Point;
use std::f64::consts::{PI, TAU};

/// Ends closer than this, in radians, make a full turn (GRBL ARC_ANGULAR_TRAVEL_EPSILON).
const FULL_TURN: f64 = 5e-7;

/// Coordinates of the plane: first, second and normal axis, and the letters of the centre.
const PLANES: [(usize, usize, usize, u8, u8); 3] =
    [(0, 1, 2, b'I', b'J'), (2, 0, 1, b'K', b'I'), (1, 2, 0, b'J', b'K')];

impl<F: FnMut(Step, u32)> Run<'_, F> {
    #[inline]
    pub(super) fn arc(&mut self, counter_clockwise: bool, more: MoreAxes, e: f64, block: &Block) {
        let (a, b, _, first, second) = PLANES[self.state.plane.min(2)];
        let from = self.state.position;
        let mut to = self.target(block);
        if !to.iter().all(|v| v.abs() <= 1e6) {
            self.too_far(block);
            return;
        }
        let start = [from[a], from[b]];
        let end = [to[a], to[b]];
        let centers = bit(first) | bit(second);
        let center = if block.has(b'R') {
            if block.seen & centers != 0 {
                self.notes.error("gcode/arc-center-and-radius", 0, block.span(), || {
                    "an arc with a radius and a centre: give one of them".into()
                });
            }
            self.center_of_radius(block, start, end, counter_clockwise)
        } else if block.seen & centers != 0 {
            Some(self.center_of_words(block, a, b, first, second, start))
        } else {
            self.notes.error("gcode/arc-without-center", 0, block.span(), || {
                "an arc needs a centre (I, J, K of its plane) or a radius (R)".into()
            });
            None
        };
        let Some(center) = center.filter(|c| c[0].abs() <= 1e9 && c[1].abs() <= 1e9) else {
            self.feed_for(1.0, block);
            self.emit(Command::Line { to });
            self.state.position = to;
            self.stand_more(&more);
            return;
        };
        let radius = (start[0] - center[0]).hypot(start[1] - center[1]);
        let end_radius = (end[0] - center[0]).hypot(end[1] - center[1]);
        if self.rules.arcs.refuses(radius, end_radius) {
            self.mismatch(block, radius, end_radius, true);
        } else if self.rules.arcs == ArcRule::Never && ArcRule::Grbl.refuses(radius, end_radius) {
            self.mismatch(block, radius, end_radius, false);
        }
        let full = (start[0] - end[0]).hypot(start[1] - end[1]) <= FULL_TURN * radius;
        if full {
            to[a] = from[a];
            to[b] = from[b];
        }
        let mut turns = 1.0;
        if block.has(b'P') && !self.rules.one_command {
            turns = block.get(b'P').unwrap_or(1.0);
            if !(1.0..=10_000.0).contains(&turns) || turns.fract() != 0.0 {
                self.notes
                    .error("gcode/arc-turns", 0, block.place(b'P'), || format!("an arc of {turns} turns"));
                turns = 1.0;
            }
        }
        if self.state.plane == 0 && turns == 1.0 && more == [None; 6] && e == 0.0 {
            let length =
                if self.rules_need_length() { radius * sweep(start, end, center, full) } else { 1.0 };
            self.feed_for(length, block);
            let center = Point::new(center[0], center[1]);
            self.emit(Command::Arc { to, center, counter_clockwise });
            self.state.position = to;
            return;
        }
        // Turns are written out by those who move.
        if turns > 1.0 && !self.spend(2 * (turns as u64 - 1), block) {
            return;
        }
        let plane = [Plane::Xy, Plane::Zx, Plane::Yz][self.state.plane.min(2)];
        let way = Way::Arc { plane, center, counter_clockwise, turns: turns as u32 };
        let m = Move { to, way, more, e, pitch: None };
        self.feed_for(m.length(from), block);
        self.emit(Command::Move(Box::new(m)));
        self.state.position = to;
        self.stand_more(&more);
    }

    fn rules_need_length(&self) -> bool {
        !self.state.feeds_per_minute()
    }

    #[cold]
    fn mismatch(&mut self, block: &Block, start: f64, end: f64, refused: bool) {
        let name = self.rules.name;
        let text = format!("the arc's end lies {end:.4} mm from its centre, its start {start:.4} mm");
        if refused {
            self.notes
                .error("gcode/arc-radius-mismatch", 0, block.span(), || format!("{text}; {name} refuses it"));
        } else {
            self.notes.error("gcode/arc-radius-mismatch", 0, block.span(), || {
                format!("{text}; {name} makes something of it, others refuse it")
            });
        }
    }

    fn center_of_words(
        &mut self,
        block: &Block,
        a: usize,
        b: usize,
        first: u8,
        second: u8,
        start: [f64; 2],
    ) -> [f64; 2] {
        let s = &self.state;
        if !s.center_absolute {
            let unit = s.unit;
            let (u, v) = (block.get(first).unwrap_or(0.0) * unit, block.get(second).unwrap_or(0.0) * unit);
            if s.rotation != 0.0 && a == 0 {
                let (sin, cos) = s.rotation.sin_cos();
                return [start[0] + u * cos - v * sin, start[1] + u * sin + v * cos];
            }
            return [start[0] + u, start[1] + v];
        }
        let (offset, unit) = (s.offset, s.unit);
        if !(block.has(first) && block.has(second)) {
            self.notes.error("gcode/arc-without-center", 1, block.span(), || {
                "with G90.1 an arc needs both coordinates of its centre".into()
            });
        }
        let at =
            |letter: u8, axis: usize, here: f64| block.get(letter).map_or(here, |v| v * unit + offset[axis]);
        [at(first, a, start[0]), at(second, b, start[1])]
    }

    /// R: the shorter arc, or the longer when R is negative.
    fn center_of_radius(
        &mut self,
        block: &Block,
        start: [f64; 2],
        end: [f64; 2],
        counter_clockwise: bool,
    ) -> Option<[f64; 2]> {
        let radius = block.get(b'R').unwrap_or(0.0) * self.state.unit;
        let (dx, dy) = (end[0] - start[0], end[1] - start[1]);
        let chord = dx.hypot(dy);
        if chord == 0.0 || radius == 0.0 {
            self.notes.error("gcode/arc-radius-too-small", 1, block.span(), || {
                "an arc by radius needs an end that differs from its start".into()
            });
            return None;
        }
        let half = chord / 2.0;
        if half - radius.abs() > self.rules.arcs.short_radius().max(1e-6 * half) {
            self.notes.error("gcode/arc-radius-too-small", 0, block.span(), || {
                format!(
                    "the radius {:.4} mm is less than half the way to the end, {half:.4} mm",
                    radius.abs()
                )
            });
            return None;
        }
        let height = (radius * radius - half * half).max(0.0).sqrt();
        // The centre of a short counter-clockwise arc lies to the left of its chord.
        let side = if counter_clockwise == (radius > 0.0) { height } else { -height };
        Some([start[0] + dx / 2.0 - dy / chord * side, start[1] + dy / 2.0 + dx / chord * side])
    }
}

/// Returns the counter-clockwise angle from start to end about the centre, in 0 ..= 2π.
fn sweep(start: [f64; 2], end: [f64; 2], center: [f64; 2], full: bool) -> f64 {
    if full {
        return TAU;
    }
    let a0 = (start[1] - center[1]).atan2(start[0] - center[0]);
    let a1 = (end[1] - center[1]).atan2(end[0] - center[0]);
    let turn = a1 - a0;
    debug_assert!(turn.abs() <= TAU + PI * f64::EPSILON * 4.0);
    if turn <= 0.0 { turn + TAU } else { turn }
}
