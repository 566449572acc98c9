//! From moves to planner blocks: length, direction, speed and acceleration of each piece.
//!
//! Arcs are divided as the controller divides them: GRBL's `mc_arc` with $12 = 0.002 mm, Marlin's and Klipper's in
//! chords of 1 mm; LinuxCNC takes them whole, with the centripetal limit and the rest of the acceleration along the
//! path.

use super::blend::{Blend, HALF, blend};
use super::corner::{BLEND_SHARE, Head, Rule, Tail, from_rest2, speed2};
use super::ledger::{Doing, Ledger};
use super::limits::{Limits, most, most_of_four};
use super::straighten::{Chain, sagitta};
use crate::lookahead::Lookahead;
use crate::planner::{Block, Planner, high, low, seconds};
use shop_cam::canon::Position;
use shop_cam::chords::Chords;
use shop_geom::{Point, Vector, left};

/// GRBL's arc tolerance, $12, mm.
const ARC_TOLERANCE: f64 = 0.002;
/// Chord of arcs on printers: Marlin's MAX_ARC_SEGMENT_MM, Klipper's gcode_arcs resolution, mm.
const PRINTER_CHORD: f64 = 1.0;
/// Marlin's MIN_ARC_SEGMENT_MM and MIN_CIRCLE_SEGMENTS.
const MARLIN_LEAST_CHORD: f64 = 0.1;
const MARLIN_CIRCLE: f64 = 72.0;
/// An arc is never divided into more chords than this; see also [`Chords`].
const MOST_CHORDS: f64 = 100_000.0;
/// Chords that arcs still have when the program's allowance is spent: enough to be nearly as fast as they are.
const COARSE: u32 = 32;
/// What a blend leaves of a line at least, mm.
const LEAST_LENGTH: f64 = 1e-9;
/// How much longer than its ramp a stop on the way takes LinuxCNC, s: measured with 2.9 at a servo period of 1 ms.
const SETTLE_S: f64 = 0.008;
/// Slowest sensible feed, so that a program without one still ends, mm/s.
const LEAST_SPEED: f64 = 1e-3;

/// Written out, since this is the innermost loop and an array's `map` is not always seen through.
#[inline(always)]
fn scaled(d: &[f64; 4], by: f64) -> [f64; 4] {
    [d[0] * by, d[1] * by, d[2] * by, d[3] * by]
}

/// The controller's planner with what it needs to know.
#[derive(Clone)]
pub(super) struct Motion {
    pub limits: Limits,
    planner: Planner,
    lookahead: Lookahead,
    tail: Option<Tail>,
    chain: Chain,
    pub chords: Chords,
}

impl Motion {
    /// A planner of so many moves; `straighten` as in [`Motion::straighten`].
    pub fn new(limits: Limits, depth: usize, straighten: f64) -> Self {
        Motion {
            limits,
            planner: Planner::new(depth),
            lookahead: Lookahead::new(),
            tail: None,
            chain: Chain::new(straighten),
            chords: Chords::of(0),
        }
    }

    /// The machine stops.
    pub fn stop(&mut self, ledger: &mut Ledger) {
        self.settle(ledger);
        self.end_alone();
        let mut done = |tag, s| ledger.credit(tag, s);
        self.planner.stop(&mut done);
        self.lookahead.stop(&mut done);
        self.tail = None;
    }

    /// Nothing follows the last line: LinuxCNC gives it half of the acceleration all the same, as if a blend came.
    fn end_alone(&mut self) {
        let Some(tail) = self.tail.as_mut().filter(|t| t.straight && !t.halved) else { return };
        if matches!(self.limits.rule, Rule::Blend(tolerance) if tolerance > 0.0) {
            tail.halved = true;
            self.planner.amend(|last| last.acceleration *= HALF);
        }
    }

    /// From here on lines within so many mm of a longer one are run as that one (LinuxCNC's G64 Q); 0 for none.
    pub fn straighten(&mut self, within: f64, ledger: &mut Ledger) {
        self.settle(ledger);
        self.chain.within = if within.is_finite() { high(within, 0.0) } else { 0.0 };
    }

    /// Runs the lines that wait to become one; nearly always there are none.
    #[inline(always)]
    pub fn settle(&mut self, ledger: &mut Ledger) {
        if !self.chain.is_empty() {
            self.run_chain(ledger);
        }
    }

    #[cold]
    fn run_chain(&mut self, ledger: &mut Ledger) {
        if let Some(([x, y, z], speed, tag)) = self.chain.take() {
            self.run([x, y, z, 0.0], speed, tag, ledger);
        }
    }

    /// A line at the feed that may become one with its neighbours. Returns its length.
    pub fn line(&mut self, d: [f64; 3], speed: f64, doing: Doing, ledger: &mut Ledger) -> f64 {
        let [x, y, z] = d;
        let length = (x * x + y * y + z * z).sqrt();
        let straightens = self.chain.within > 0.0 && matches!(self.limits.rule, Rule::Blend(t) if t > 0.0);
        if !straightens || !length.is_finite() {
            return self.straight([x, y, z, 0.0], speed, doing, ledger);
        }
        if length > 0.0 {
            if !self.chain.takes(d, speed) {
                self.settle(ledger);
            }
            self.chain.push(d, speed, ledger.tag(doing));
        }
        length
    }

    /// A straight piece along `d`: x, y, z and filament, mm, at `speed` mm/s along it. Returns its length.
    #[inline]
    pub fn straight(&mut self, d: [f64; 4], speed: f64, doing: Doing, ledger: &mut Ledger) -> f64 {
        self.settle(ledger);
        self.run(d, speed, ledger.tag(doing), ledger)
    }

    #[inline]
    fn run(&mut self, d: [f64; 4], speed: f64, tag: u32, ledger: &mut Ledger) -> f64 {
        let speed = high(speed, LEAST_SPEED);
        if self.limits.rule == Rule::SquareCorner {
            let mut done = |tag, s| ledger.credit(tag, s);
            self.lookahead.push(&self.limits.printer, d, speed, tag, &mut done);
            return (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
        }
        let flat = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        let way = flat.sqrt();
        // What moves filament alone is as long as its filament.
        let length = if flat > 0.0 { way } else { d[3].abs() };
        if !(length > 0.0 && length.is_finite()) {
            return 0.0;
        }
        let per_length = 1.0 / length;
        let unit = scaled(&d, per_length);
        let limits = &self.limits;
        let printer = d[3] != 0.0 || limits.print.is_finite();
        let (top, acceleration) = if printer {
            let own = if flat == 0.0 {
                limits.retract
            } else if d[3] == 0.0 {
                limits.travel
            } else {
                limits.print
            };
            let most_acceleration = 1.0 / most_of_four(&unit, &limits.per_acceleration);
            let a = if flat == 0.0 { own } else { low(own, most_acceleration) };
            (low(speed, 1.0 / most_of_four(&unit, &limits.per_speed)), a)
        } else {
            (speed.min(1.0 / most(&unit, &limits.per_speed)), 1.0 / most(&unit, &limits.per_acceleration))
        };
        let acceleration = limits.shaped(&unit, acceleration);
        let marlin = matches!(limits.rule, Rule::Marlin(_) | Rule::Jerk);
        let rest2 = if marlin { low(Limits::first_step2(&unit, acceleration), top * top) } else { 0.0 };
        // Marlin's corners know the filament as a fourth axis, of a direction of length 1.
        let turn = if matches!(limits.rule, Rule::Marlin(_)) && d[3] != 0.0 && flat > 0.0 {
            scaled(&d, 1.0 / (flat + d[3] * d[3]).sqrt())
        } else {
            unit
        };
        let head = Head { unit: turn, nominal: top, length, acceleration, rest2, straight: true };
        self.block(&head, turn, tag, ledger);
        way
    }

    /// Hands one block to the planner.
    #[inline]
    fn block(&mut self, head: &Head, last: [f64; 4], tag: u32, ledger: &mut Ledger) {
        if let Rule::Blend(tolerance) = self.limits.rule
            && let Some(tail) = self.tail.filter(|t| t.straight && head.straight)
        {
            return self.blended(tolerance, &tail, head, last, tag, ledger);
        }
        let mut done = |tag, s| ledger.credit(tag, s);
        let corner2 = match &self.tail {
            None => from_rest2(&self.limits, head),
            Some(tail) => {
                let top = low(tail.nominal, head.nominal);
                low(speed2(&self.limits, tail, head), top * top)
            }
        };
        self.tail = Some(Tail {
            unit: last,
            nominal: head.nominal,
            length: head.length,
            straight: head.straight,
            halved: false,
        });
        let block = Block {
            length: head.length,
            acceleration: head.acceleration,
            nominal: head.nominal,
            corner2,
            rest2: head.rest2,
            tag,
        };
        self.planner.push(block, &mut done);
        if self.limits.rule == Rule::Stop {
            self.planner.stop(&mut done);
            self.tail = None;
        }
    }

    /// Hands one line that follows another to LinuxCNC's planner.
    fn blended(
        &mut self,
        tolerance: f64,
        tail: &Tail,
        head: &Head,
        unit: [f64; 4],
        tag: u32,
        ledger: &mut Ledger,
    ) {
        let mut done = |tag, s| ledger.credit(tag, s);
        let mut own = Block {
            length: head.length,
            acceleration: head.acceleration,
            nominal: head.nominal,
            corner2: f64::INFINITY,
            rest2: head.rest2,
            tag,
        };
        let mut halved = false;
        let kind = if tolerance > 0.0 { Some(blend(&self.limits, tail, head, tolerance)) } else { None };
        match kind {
            Some(Blend::Tangent) => own.corner2 = tail.nominal * tail.nominal,
            Some(Blend::Arc { off, length, speed, acceleration }) => {
                self.planner.amend(|last| last.length = high(last.length - off, LEAST_LENGTH));
                own.length = high(own.length - off, LEAST_LENGTH);
                own.corner2 = speed * speed;
                let arc =
                    Block { length, acceleration, nominal: speed, corner2: speed * speed, rest2: 0.0, tag };
                self.planner.push(arc, &mut done);
            }
            Some(Blend::Parabola { overlap }) => {
                if !tail.halved {
                    self.planner.amend(|last| last.acceleration *= HALF);
                }
                own.acceleration *= HALF;
                (own.corner2, halved) = (0.0, true);
                done(tag, -overlap);
            }
            // Exact path (G61): straight on, or to rest.
            None => {
                let corner2 = speed2(&self.limits, tail, head);
                own.corner2 = low(corner2, tail.nominal * tail.nominal);
                if corner2 <= 0.0 {
                    done(tag, SETTLE_S);
                }
            }
        }
        self.planner.push(own, &mut done);
        self.tail = Some(Tail { unit, nominal: head.nominal, length: head.length, straight: true, halved });
    }

    /// An arc in the XY plane with its helix. Returns its length.
    pub fn arc(
        &mut self,
        from: Position,
        to: Position,
        (center, counter_clockwise): (Point, bool),
        e: f64,
        speed: f64,
        doing: Doing,
        ledger: &mut Ledger,
    ) -> f64 {
        let (a, b) = (Point::new(from[0], from[1]), Point::new(to[0], to[1]));
        let sweep = crate::motion::sweep(a, b, center, counter_clockwise);
        let u = a - center;
        let radius = u.norm();
        if radius < 1e-9 || !radius.is_finite() {
            let d = [to[0] - from[0], to[1] - from[1], to[2] - from[2], e];
            return self.straight(d, speed, doing, ledger);
        }
        let rise = to[2] - from[2];
        let flat = radius * sweep.abs();
        let length = flat.hypot(rise);
        let chords = match self.limits.rule {
            Rule::Blend(t) if t > 0.0 && sagitta(radius, sweep) < self.chain.within => {
                // LinuxCNC's naive CAM detector: as good as its two halves.
                let half = {
                    let (s, c) = (0.5 * sweep).sin_cos();
                    u * c + left(u) * s
                };
                let middle = [center.x + half.x, center.y + half.y, 0.5 * (from[2] + to[2])];
                for (a, b) in [(from, middle), (middle, to)] {
                    self.line(std::array::from_fn(|i| b[i] - a[i]), speed, doing, ledger);
                }
                return length;
            }
            Rule::Blend(_) | Rule::Stop => {
                self.settle(ledger);
                self.round(u, radius, sweep, rise, length, speed, doing, ledger);
                return length;
            }
            // GRBL 1.1 motion_control.c, mc_arc.
            Rule::Junction(_) => {
                let sag = ARC_TOLERANCE * (2.0 * radius - ARC_TOLERANCE);
                if sag > 0.0 { (0.5 * flat / sag.sqrt()).floor() } else { 1.0 }
            }
            Rule::Marlin(_) | Rule::Jerk => {
                let least = (MARLIN_CIRCLE * sweep.abs() / std::f64::consts::TAU).ceil();
                let usual = (flat / PRINTER_CHORD).floor().max(least);
                (flat / (flat / usual).clamp(MARLIN_LEAST_CHORD, PRINTER_CHORD)).floor()
            }
            Rule::SquareCorner => (length / PRINTER_CHORD).floor(),
        };
        let n = self.chords.take(chords.clamp(1.0, MOST_CHORDS) as u32, COARSE);
        let share = e / f64::from(n);
        // Chords by a rotation that is applied again and again, set right every 16th, as GRBL does at its 12th.
        let (s1, c1) = (sweep / f64::from(n)).sin_cos();
        let mut v = u;
        let mut at = from;
        for i in 1..=n {
            let next = if i == n {
                to
            } else {
                v = if i % 16 == 0 {
                    let (s, c) = (sweep * f64::from(i) / f64::from(n)).sin_cos();
                    u * c + left(u) * s
                } else {
                    v * c1 + left(v) * s1
                };
                [center.x + v.x, center.y + v.y, from[2] + rise * f64::from(i) / f64::from(n)]
            };
            let d = [next[0] - at[0], next[1] - at[1], next[2] - at[2], share];
            self.straight(d, speed, doing, ledger);
            at = next;
        }
        length
    }

    /// An arc as one move.
    fn round(
        &mut self,
        u: Vector,
        radius: f64,
        sweep: f64,
        rise: f64,
        length: f64,
        speed: f64,
        doing: Doing,
        ledger: &mut Ledger,
    ) {
        let limits = &self.limits;
        let a = limits.acceleration[0].min(limits.acceleration[1]);
        let axis = limits.speed[0].min(limits.speed[1]);
        let most = axis.min((BLEND_SHARE * a * radius).sqrt());
        let top = speed.max(LEAST_SPEED).min(most);
        // What is left for speeding up is reckoned at the highest speed that any override could ask for.
        let normal = most * most / radius;
        let along = (a * a - normal * normal).max(0.25 * a * a).sqrt();
        let (s, c) = sweep.sin_cos();
        let turn = |v: Vector| {
            let t = left(v) * (sweep.abs() / (length * sweep.signum()));
            [t.x, t.y, rise / length, 0.0]
        };
        let head =
            Head { unit: turn(u), nominal: top, length, acceleration: along, rest2: 0.0, straight: false };
        let tag = ledger.tag(doing);
        self.block(&head, turn(u * c + left(u) * s), tag, ledger);
    }

    /// Returns the time of a move in z alone, from rest to rest.
    pub fn z_move(&self, length: f64) -> f64 {
        let block = Block {
            length: length.abs(),
            acceleration: self.limits.acceleration[2],
            nominal: self.limits.speed[2],
            ..Block::default()
        };
        if block.length > 0.0 && block.length.is_finite() { seconds(&block, 0.0, 0.0) } else { 0.0 }
    }

    /// True when both hold the same moves, limits and speeds, tags aside.
    pub fn is_like(&self, other: &Motion) -> bool {
        self.planner.is_like(&other.planner)
            && self.lookahead.is_like(&other.lookahead)
            && self.chain.is_like(&other.chain)
            && format!("{:?} {:?}", self.limits, self.tail) == format!("{:?} {:?}", other.limits, other.tail)
    }

    /// Returns the tags of the moves that wait, in order.
    pub fn tags(&self) -> Vec<u32> {
        let mut all = Vec::with_capacity(self.planner.waiting() + self.lookahead.waiting() + 1);
        // Planner or lookahead, and then the chain.
        self.clone().change_tags(|tag| all.push(*tag));
        all
    }

    /// Gives the tag of every move that waits to `change`, in order.
    pub fn change_tags(&mut self, mut change: impl FnMut(&mut u32)) {
        self.planner.change_tags(&mut change);
        self.lookahead.change_tags(&mut change);
        if !self.chain.is_empty() {
            change(&mut self.chain.tag);
        }
    }

    /// True when nothing waits to be run.
    pub fn is_still(&self) -> bool {
        self.planner.is_empty() && self.tail.is_none() && self.chain.is_empty()
    }
}
