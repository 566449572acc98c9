//! Klipper's look-ahead: speeds are settled backwards from the end of the queue, up to the last move that later ones
//! cannot change.
//!
//! Words: a move's *delta* is 2·a·L, the most its squared speed may change; the *smoothed* speeds are a second
//! solution with the lower acceleration that `minimum_cruise_ratio` leaves (a_m = a·(1 − ratio)), and its peaks cap
//! the speeds of the first:
//!
//! ```text
//!   v²     ╱‾‾‾‾‾‾‾╲   capped by the peak of the smoothed solution
//!         ╱  ⋰   ⋱  ╲
//!    ────╱ ⋰       ⋱ ╲────
//! ```
//!
//! Facts from Klipper's documentation (Kinematics, "Look-ahead" and "Smoothed look-ahead") and toolhead.py of 2026;
//! the queue is settled when it holds [`FLUSH_S`] of moves, as Klipper does, since what it may settle depends on it.

use crate::planner::{high, low};

/// Moves of this many seconds are gathered before the queue is looked at, and after a stop.
const FLUSH_S: f64 = 0.150;
const FLUSH_AFTER_STOP_S: f64 = 1.0;
/// A queue of more moves is settled whole: only absurdly short moves get there.
const MOST_MOVES: usize = 1 << 16;
/// The acceleration of filament alone before the extruder limits it, mm/s².
const FREE_ACCELERATION: f64 = 99_999_999.9;

/// What the printer may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrinterLimits {
    /// max_velocity, mm/s.
    pub speed: f64,
    /// max_accel, mm/s².
    pub acceleration: f64,
    /// max_z_velocity and max_z_accel.
    pub z: [f64; 2],
    /// square_corner_velocity, mm/s.
    pub square_corner: f64,
    /// minimum_cruise_ratio.
    pub cruise_ratio: f64,
    /// max_extrude_only_velocity and max_extrude_only_accel.
    pub filament: [f64; 2],
    /// instantaneous_corner_velocity, mm/s.
    pub filament_jump: f64,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    length: f64,
    acceleration: f64,
    max_start2: f64,
    max_cruise2: f64,
    delta2: f64,
    smoothed_start2: f64,
    smoothed_delta2: f64,
    tag: u32,
}

/// What the last move says about the next corner.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tail {
    unit: [f64; 4],
    /// Junction deviation times acceleration.
    corner: f64,
    kinematic: bool,
}

/// One move of the queue as it is settled: its speeds squared.
#[derive(Clone, Copy, Debug, Default)]
struct Settled {
    start2: f64,
    /// Negative: not known yet, the same as the move before.
    cruise2: f64,
    end2: f64,
}

/// The queue.
#[derive(Clone)]
pub(crate) struct Lookahead {
    queue: Vec<Queued>,
    settled: Vec<Settled>,
    tail: Option<Tail>,
    until_flush: f64,
}

impl Lookahead {
    pub fn new() -> Self {
        Lookahead {
            queue: Vec::with_capacity(1024),
            settled: Vec::with_capacity(1024),
            tail: None,
            until_flush: FLUSH_AFTER_STOP_S,
        }
    }

    /// Adds a move along `d` (x, y, z, filament; mm) at `speed`; tells `done` the tag and seconds of every move that
    /// is now settled.
    #[inline]
    pub fn push(
        &mut self,
        limits: &PrinterLimits,
        d: [f64; 4],
        speed: f64,
        tag: u32,
        done: &mut impl FnMut(u32, f64),
    ) {
        let mut length = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
        let kinematic = length >= 1e-9;
        let (mut acceleration, mut top) = (limits.acceleration, low(speed, limits.speed));
        if !kinematic {
            length = d[3].abs();
            if length == 0.0 {
                return;
            }
            (acceleration, top) = (FREE_ACCELERATION, speed);
        }
        let per_length = 1.0 / length;
        // Written out, since this is the innermost loop and an array's `map` is not always seen through.
        let along = if kinematic { per_length } else { 0.0 };
        let unit = [d[0] * along, d[1] * along, d[2] * along, d[3] * per_length];
        let corner = limits.square_corner * limits.square_corner * (std::f64::consts::SQRT_2 - 1.0);
        let corner = corner / limits.acceleration;
        let smooth = limits.acceleration * (1.0 - limits.cruise_ratio);
        if kinematic && d[2] != 0.0 {
            let ratio = 1.0 / unit[2].abs();
            top = low(top, limits.z[0] * ratio);
            acceleration = low(acceleration, limits.z[1] * ratio);
        }
        if unit[3] != 0.0 && ((d[0] == 0.0 && d[1] == 0.0) || unit[3] < 0.0) {
            let ratio = 1.0 / unit[3].abs();
            top = low(top, limits.filament[0] * ratio);
            acceleration = low(acceleration, limits.filament[1] * ratio);
        }
        let delta2 = 2.0 * length * acceleration;
        let mut now = Queued {
            length,
            acceleration,
            max_start2: 0.0,
            max_cruise2: top * top,
            delta2,
            smoothed_start2: 0.0,
            smoothed_delta2: low(2.0 * length * smooth, delta2),
            tag,
        };
        let tail = Tail { unit, corner: corner * acceleration, kinematic };
        let first = self.queue.is_empty();
        if let (Some(before), Some(last)) = (self.tail, self.queue.last())
            && kinematic
            && before.kinematic
        {
            corner_speed(limits, &before, last, &tail, &mut now);
        }
        self.tail = Some(tail);
        self.queue.push(now);
        if !first {
            self.until_flush -= length / top;
            if self.until_flush <= 0.0 || self.queue.len() > MOST_MOVES {
                self.flush(self.queue.len() <= MOST_MOVES, done);
            }
        }
    }

    /// The printer stops here: settles every move.
    pub fn stop(&mut self, done: &mut impl FnMut(u32, f64)) {
        self.flush(false, done);
        self.tail = None;
        self.until_flush = FLUSH_AFTER_STOP_S;
    }

    /// True when both hold the same moves in the same state: whatever is added, they will tell the same.
    pub fn is_like(&self, other: &Lookahead) -> bool {
        let tail =
            |l: &Lookahead| l.tail.map(|t| (t.unit.map(f64::to_bits), t.corner.to_bits(), t.kinematic));
        self.until_flush.to_bits() == other.until_flush.to_bits()
            && tail(self) == tail(other)
            && self.queue.len() == other.queue.len()
            && self.queue.iter().zip(&other.queue).all(|(a, b)| a.bits() == b.bits())
    }

    /// How many moves wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Gives the tag of every move that waits to `change`, in order.
    pub fn change_tags(&mut self, mut change: impl FnMut(&mut u32)) {
        self.queue.iter_mut().for_each(|m| change(&mut m.tag));
    }

    /// Settles what later moves cannot change, or everything.
    fn flush(&mut self, lazy: bool, done: &mut impl FnMut(u32, f64)) {
        self.until_flush = FLUSH_S;
        let mut searching = lazy;
        let mut count = self.queue.len();
        self.settled.clear();
        self.settled.resize(count, Settled::default());
        let (mut next_start2, mut next_smoothed2, mut peak2) = (0.0f64, 0.0f64, 0.0f64);
        let mut pending = 0;
        for i in (0..count).rev() {
            let m = &self.queue[i];
            let reach2 = next_start2 + m.delta2;
            let start2 = low(m.max_start2, reach2);
            let smoothed_reach2 = next_smoothed2 + m.smoothed_delta2;
            let smoothed2 = low(m.smoothed_start2, smoothed_reach2);
            let mut cruise2 = -1.0;
            pending += 1;
            if smoothed2 < smoothed_reach2 {
                // This move can speed up.
                if smoothed2 + m.smoothed_delta2 > next_smoothed2 || pending > 1 {
                    // And it, or one after it, slows down: a peak.
                    if searching && peak2 > 0.0 {
                        count = i + pending;
                        searching = false;
                    }
                    peak2 = (smoothed2 + smoothed_reach2) * 0.5;
                }
                cruise2 = low(low((start2 + reach2) * 0.5, m.max_cruise2), peak2);
                pending = 0;
            }
            self.settled[i] = Settled { start2, cruise2, end2: next_start2 };
            (next_start2, next_smoothed2) = (start2, smoothed2);
        }
        if searching || count == 0 {
            return;
        }
        let mut before2 = 0.0f64;
        for (m, s) in self.queue[..count].iter().zip(&self.settled) {
            let cruise2 = if s.cruise2 < 0.0 { low(before2, s.start2) } else { s.cruise2 };
            done(m.tag, m.seconds(low(s.start2, cruise2), cruise2, low(s.end2, cruise2)));
            before2 = cruise2;
        }
        self.queue.drain(..count);
    }
}

impl Queued {
    /// Everything but the tag.
    fn bits(&self) -> [u64; 7] {
        let Queued { length, acceleration, max_start2, max_cruise2, delta2, smoothed_start2, .. } = *self;
        [length, acceleration, max_start2, max_cruise2, delta2, smoothed_start2, self.smoothed_delta2]
            .map(f64::to_bits)
    }

    fn seconds(&self, start2: f64, cruise2: f64, end2: f64) -> f64 {
        let per_acceleration = 1.0 / self.acceleration;
        let cruise = cruise2.sqrt();
        let ramps = (cruise2 - 0.5 * (start2 + end2)) * per_acceleration;
        (2.0 * cruise - start2.sqrt() - end2.sqrt()) * per_acceleration
            + high((self.length - ramps) / cruise, 0.0)
    }
}

/// Sets the highest speed at the corner between two moves along the axes.
#[inline]
fn corner_speed(limits: &PrinterLimits, before: &Tail, last: &Queued, tail: &Tail, now: &mut Queued) {
    let mut start2 = low(low(now.max_cruise2, last.max_cruise2), last.max_start2 + last.delta2);
    let jump = tail.unit[3] - before.unit[3];
    if jump != 0.0 {
        let v = limits.filament_jump / jump;
        start2 = low(start2, v * v);
    }
    let (a, b) = (&before.unit, &tail.unit);
    let cos = -(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
    let sin_half = high(0.5 * (1.0 - cos), 0.0).sqrt();
    let cos_half = high(0.5 * (1.0 + cos), 0.0).sqrt();
    let rest = 1.0 - sin_half;
    if rest > 0.0 && cos_half > 0.0 {
        let circle = sin_half / rest;
        let quarter_tan = 0.25 * sin_half / cos_half;
        start2 = low(start2, circle * low(tail.corner, before.corner));
        start2 = low(start2, quarter_tan * low(now.delta2, last.delta2));
    }
    now.max_start2 = start2;
    now.smoothed_start2 = low(start2, last.smoothed_start2 + last.smoothed_delta2);
}
