//! How long the program takes: the machine's own planner, replayed.
//!
//! - Junction deviation (GRBL 1.1, grblHAL, FluidNC, Marlin with M205 J): corner speed from the deviation, 15-odd
//!   blocks of look-ahead, arcs divided into chords as GRBL's `mc_arc` does with $12 = 0.002 mm.
//! - Classic jerk (Marlin): corner speed from the jump of speed allowed on each axis; arcs in chords of 1 mm.
//! - Blend (LinuxCNC G64 P): a circle that leaves the corner by at most P, of radius at most what half the shorter
//!   move has room for, at 0.866 of the acceleration; arcs are one move, with the centripetal limit, and the rest
//!   of the acceleration along the path.
//!
//! Spindle, torch and coolant words, dwells, tool changes and probes stop the machine; laser words do not (laser
//! mode). NOTE: steps are not rounded, there is no S-curve, and pauses and tool changes by hand count nothing.

use crate::motion::{Event, Kind, Move, Place, State, walk};
use crate::planner::{Block, Planner};
use shop_cam::canon::{Command, Section, Torch};
use shop_cam::machine::{Cornering, Cut, Machine, TorchControl};
use shop_cam::toolpath::read_material;

/// Times in s, lengths in mm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// All of it.
    pub total_s: f64,
    /// Moves at the feed.
    pub cut_s: f64,
    /// Rapids.
    pub rapid_s: f64,
    /// Waiting: dwells, and what the controller does at a pierce.
    pub dwell_s: f64,
    /// How often the torch or laser starts, or the tool goes down into the work.
    pub pierces: u32,
    /// Tool changes asked for.
    pub tool_changes: u32,
    /// Length of the moves at the feed.
    pub cut_length: f64,
    /// Length of the rapids.
    pub rapid_length: f64,
    /// The same for every section, in order.
    pub sections: Vec<SectionTime>,
}

/// Times of one section, s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SectionTime {
    /// Moves at the feed.
    pub cut_s: f64,
    /// Rapids.
    pub rapid_s: f64,
    /// Waiting.
    pub dwell_s: f64,
}

impl SectionTime {
    /// Returns the sum.
    pub fn total_s(&self) -> f64 {
        self.cut_s + self.rapid_s + self.dwell_s
    }
}

/// GRBL's arc tolerance, $12, mm.
const ARC_TOLERANCE: f64 = 0.002;
/// Marlin's chord on arcs, MAX_ARC_SEGMENT_MM, mm.
const MARLIN_CHORD: f64 = 1.0;
/// An arc is never divided into more chords than this.
const MOST_CHORDS: f64 = 100_000.0;
/// Share of the acceleration that LinuxCNC gives to rounding a corner: √3/2 (tp: BLEND_ACC_RATIO_NORMAL).
const BLEND_SHARE: f64 = 0.866_025_403_784_438_6;
/// LinuxCNC's look-ahead, in moves.
const LINUXCNC_DEPTH: usize = 200;
/// Cosines beyond this are a straight line or a reversal (GRBL planner.c).
const STRAIGHT: f64 = 0.999_999;
/// Slowest sensible feed, so that a program without one still ends, mm/s.
const LEAST_SPEED: f64 = 1e-3;

/// Where a move stands in the bookkeeping.
const RAPID_TAG: u32 = 1 << 31;

struct Limits {
    speed: [f64; 3],
    acceleration: [f64; 3],
    /// One over each, for the inner loop.
    per_speed: [f64; 3],
    per_acceleration: [f64; 3],
    cornering: Cornering,
}

/// The end of the last block, for the next corner.
#[derive(Clone, Copy)]
struct Tail {
    unit: [f64; 3],
    nominal2: f64,
    length: f64,
}

struct Run<'a> {
    machine: &'a Machine,
    limits: Limits,
    planner: Planner,
    tail: Option<Tail>,
    out: Estimate,
    material: Option<Cut>,
    speed_percent: f64,
    down: bool,
}

/// Estimates the program's time on this machine. O(moves), memory as deep as the look-ahead.
pub fn estimate(sections: &[Section], machine: &Machine) -> Estimate {
    let depth = match machine.cornering {
        Cornering::JunctionDeviation { buffer, .. } | Cornering::Jerk { buffer, .. } => buffer as usize,
        Cornering::Blend { .. } => LINUXCNC_DEPTH,
    };
    let positive = |v: f64, otherwise: f64| if v.is_finite() && v > 0.0 { v } else { otherwise };
    let speed = machine.axes.map(|a| positive(a.rapid.mm_per_s(), 1.0));
    let acceleration = machine.axes.map(|a| positive(a.acceleration, 100.0));
    let mut run = Run {
        machine,
        limits: Limits {
            speed,
            acceleration,
            per_speed: speed.map(|v| 1.0 / v),
            per_acceleration: acceleration.map(|v| 1.0 / v),
            cornering: machine.cornering,
        },
        planner: Planner::new(depth),
        tail: None,
        out: Estimate { sections: vec![SectionTime::default(); sections.len()], ..Estimate::default() },
        material: None,
        speed_percent: 100.0,
        down: false,
    };
    let start = [0.0, 0.0, 0.0f64.max(machine.process.safe_height)];
    walk(sections, start, |state, place, event| match event {
        Event::Move(m) => run.motion(state, place, &m),
        Event::Other(command) => run.command(state, place, command),
    });
    run.stop();
    run.finish()
}

impl Run<'_> {
    fn stop(&mut self) {
        let times = &mut self.out.sections;
        self.planner.stop(&mut |tag, s| credit(times, tag, s));
        self.tail = None;
    }

    fn wait(&mut self, place: Place, seconds: f64) {
        if seconds.is_finite() && seconds > 0.0 {
            self.out.sections[place.section as usize].dwell_s += seconds;
        }
    }

    fn command(&mut self, state: &State, place: Place, command: &Command) {
        match command {
            Command::Dwell { seconds } => {
                self.stop();
                self.wait(place, *seconds);
            }
            Command::Torch(torch) => self.torch(state, place, *torch),
            Command::Spindle(_) | Command::Coolant { .. } | Command::Pause { .. } | Command::End => {
                self.stop();
            }
            Command::ToolChange { .. } => {
                self.stop();
                self.out.tool_changes += 1;
            }
            Command::Laser(laser) if *laser != shop_cam::canon::Laser::Off && !state.laser_on() => {
                self.out.pierces += 1;
            }
            Command::Material { number } => {
                let all = self.machine.materials.iter().flat_map(|m| &m.cuts);
                self.material = all.into_iter().find(|c| c.number == Some(*number)).copied();
            }
            // A material that the program brings itself (QtPlasmaC).
            Command::Comment(text) => self.material = read_material(text).or(self.material),
            Command::CutSpeed { percent } => {
                self.speed_percent = if *percent > 0.0 { *percent } else { 100.0 };
            }
            Command::Probe { to, z } => {
                self.stop();
                // The surface is met where the program says it is: z above it after touch-off.
                let way = (state.at[2] - z).abs().min((state.at[2] - to).abs());
                let feed = state.feed.map_or(self.machine.process.plunge.mm_per_s(), |f| f / 60.0);
                self.wait(place, way / feed.max(LEAST_SPEED));
            }
            _ => {}
        }
    }

    fn torch(&mut self, state: &State, place: Place, torch: Torch) {
        self.stop();
        let controller = self.machine.process.torch == TorchControl::Controller;
        let safe = self.machine.process.safe_height;
        let heights = self.material.map_or((safe, safe), |m| (m.pierce_height, m.cut_height));
        if torch != Torch::Off && state.torch == Torch::Off {
            self.out.pierces += 1;
            if controller {
                let delay = self.material.map_or(0.0, |m| m.pierce_delay);
                let z = self.z_move(safe - heights.0) + self.z_move(heights.0 - heights.1);
                self.wait(place, delay + z);
            }
        } else if torch == Torch::Off && state.torch != Torch::Off && controller {
            let z = self.z_move(safe - heights.1);
            self.wait(place, z);
        }
    }

    /// Returns the time of a move in z alone, from rest to rest.
    fn z_move(&self, length: f64) -> f64 {
        let (v, a) = (self.limits.speed[2], self.limits.acceleration[2]);
        let b = Block { length: length.abs(), acceleration: a, nominal2: v * v, corner2: 0.0, tag: 0 };
        if b.length > 0.0 && b.length.is_finite() { crate::planner::seconds(&b, 0.0, 0.0) } else { 0.0 }
    }

    fn motion(&mut self, state: &State, place: Place, m: &Move) {
        let rapid = m.kind == Kind::Rapid;
        let tag = place.section | if rapid { RAPID_TAG } else { 0 };
        let goes_down = !rapid && m.to[2] < m.from[2] && m.to[2] < 0.0;
        if goes_down && !self.down && state.torch == Torch::Off && !state.laser_on() {
            self.out.pierces += 1;
        }
        self.down = if goes_down { true } else { self.down && m.to[2] < 0.0 };
        let feed = state.feed.unwrap_or_else(|| self.machine.process.feed.mm_per_min()) / 60.0;
        let speed = if rapid { f64::INFINITY } else { feed * self.speed_percent / 100.0 };
        let length = match m.kind {
            Kind::Arc { center, counter_clockwise } => self.arc(m, center, counter_clockwise, speed, tag),
            _ => self.line(m.from, m.to, speed, tag),
        };
        if rapid {
            self.out.rapid_length += length;
        } else {
            self.out.cut_length += length;
        }
    }

    fn line(&mut self, from: [f64; 3], to: [f64; 3], speed: f64, tag: u32) -> f64 {
        let d = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
        let length = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
        if length > 0.0 && length.is_finite() {
            let per_length = 1.0 / length;
            let unit = d.map(|v| v * per_length);
            let top = speed.min(along(&unit, &self.limits.per_speed)).max(LEAST_SPEED);
            let acceleration = along(&unit, &self.limits.per_acceleration);
            self.block(length, acceleration, top * top, unit, unit, tag);
        }
        length
    }

    fn block(
        &mut self,
        length: f64,
        acceleration: f64,
        nominal2: f64,
        first: [f64; 3],
        last: [f64; 3],
        tag: u32,
    ) {
        let corner2 = match &self.tail {
            None => 0.0,
            Some(tail) => {
                let limit = corner2(&self.limits, tail, &first, nominal2, length);
                limit.min(tail.nominal2).min(nominal2)
            }
        };
        self.tail = Some(Tail { unit: last, nominal2, length });
        let times = &mut self.out.sections;
        let block = Block { length, acceleration, nominal2, corner2, tag };
        self.planner.push(block, &mut |tag, s| credit(times, tag, s));
    }

    fn arc(
        &mut self,
        m: &Move,
        center: shop_geom::Point,
        counter_clockwise: bool,
        speed: f64,
        tag: u32,
    ) -> f64 {
        let (a, b) = (shop_geom::Point::new(m.from[0], m.from[1]), shop_geom::Point::new(m.to[0], m.to[1]));
        let sweep = crate::motion::sweep(a, b, center, counter_clockwise);
        let u = a - center;
        let radius = u.norm();
        if radius < 1e-9 {
            return self.line(m.from, m.to, speed, tag);
        }
        let rise = m.to[2] - m.from[2];
        let length = (radius * sweep).hypot(rise);
        let chords = match self.limits.cornering {
            Cornering::Blend { .. } => {
                self.round(u, radius, sweep, rise, length, speed, tag);
                return length;
            }
            // GRBL 1.1 motion_control.c, mc_arc.
            Cornering::JunctionDeviation { .. } => {
                let sag = ARC_TOLERANCE * (2.0 * radius - ARC_TOLERANCE);
                if sag > 0.0 { (0.5 * sweep.abs() * radius / sag.sqrt()).floor() } else { 1.0 }
            }
            Cornering::Jerk { .. } => (length / MARLIN_CHORD).ceil(),
        };
        let n = chords.clamp(1.0, MOST_CHORDS) as u32;
        // Chords by a rotation that is applied again and again, set right every 16th, as GRBL does at its 12th.
        let (s1, c1) = (sweep / f64::from(n)).sin_cos();
        let mut v = u;
        let mut from = m.from;
        for i in 1..=n {
            let to = if i == n {
                m.to
            } else {
                v = if i % 16 == 0 {
                    let (s, c) = (sweep * f64::from(i) / f64::from(n)).sin_cos();
                    u * c + shop_geom::left(u) * s
                } else {
                    v * c1 + shop_geom::left(v) * s1
                };
                [center.x + v.x, center.y + v.y, m.from[2] + rise * f64::from(i) / f64::from(n)]
            };
            self.line(from, to, speed, tag);
            from = to;
        }
        length
    }

    /// An arc as one move.
    fn round(
        &mut self,
        u: shop_geom::Vector,
        radius: f64,
        sweep: f64,
        rise: f64,
        length: f64,
        speed: f64,
        tag: u32,
    ) {
        let a = self.limits.acceleration[0].min(self.limits.acceleration[1]);
        let axis = self.limits.speed[0].min(self.limits.speed[1]);
        let top2 = speed.min(axis).max(LEAST_SPEED).powi(2).min(BLEND_SHARE * a * radius);
        let normal = top2 / radius;
        let along = (a * a - normal * normal).max(0.25 * a * a).sqrt();
        let (s, c) = sweep.sin_cos();
        let turn = |v: shop_geom::Vector| {
            let t = shop_geom::left(v) * (sweep.abs() / (length * sweep.signum()));
            [t.x, t.y, rise / length]
        };
        self.block(length, along, top2, turn(u), turn(u * c + shop_geom::left(u) * s), tag);
    }

    fn finish(mut self) -> Estimate {
        for s in &self.out.sections {
            self.out.cut_s += s.cut_s;
            self.out.rapid_s += s.rapid_s;
            self.out.dwell_s += s.dwell_s;
        }
        self.out.total_s = self.out.cut_s + self.out.rapid_s + self.out.dwell_s;
        self.out
    }
}

fn credit(times: &mut [SectionTime], tag: u32, seconds: f64) {
    if let Some(time) = times.get_mut((tag & !RAPID_TAG) as usize) {
        if tag & RAPID_TAG == 0 {
            time.cut_s += seconds;
        } else {
            time.rapid_s += seconds;
        }
    }
}

/// Returns the greatest value along `unit` that keeps every axis within its limit, given one over each limit.
fn along(unit: &[f64; 3], per_limit: &[f64; 3]) -> f64 {
    let share = |i: usize| unit[i].abs() * per_limit[i];
    1.0 / share(0).max(share(1)).max(share(2))
}

/// Returns the square of the speed at which the corner may be passed.
fn corner2(limits: &Limits, tail: &Tail, next: &[f64; 3], nominal2: f64, length: f64) -> f64 {
    let before = &tail.unit;
    let cos = -(before[0] * next[0] + before[1] * next[1] + before[2] * next[2]);
    match limits.cornering {
        Cornering::Jerk { xy, z, .. } => {
            jerk(before, next, tail.nominal2.sqrt(), nominal2.sqrt(), [xy, xy, z]).powi(2)
        }
        _ if cos > STRAIGHT => 0.0,
        _ if cos < -STRAIGHT => f64::INFINITY,
        Cornering::JunctionDeviation { deviation, .. } => {
            let s = (0.5 * (1.0 - cos)).sqrt();
            (across(limits, before, next) * deviation * s / (1.0 - s)).max(0.0)
        }
        Cornering::Blend { tolerance } => {
            let s = (0.5 * (1.0 - cos)).sqrt();
            let room = 0.5 * tail.length.min(length) * s / (1.0 - s * s).sqrt();
            let radius = (tolerance * s / (1.0 - s)).min(room);
            (BLEND_SHARE * across(limits, before, next) * radius).max(0.0)
        }
    }
}

/// Returns the acceleration there is across the corner.
fn across(limits: &Limits, before: &[f64; 3], next: &[f64; 3]) -> f64 {
    let j = [next[0] - before[0], next[1] - before[1], next[2] - before[2]];
    let n = (j[0] * j[0] + j[1] * j[1] + j[2] * j[2]).sqrt();
    n * along(&j, &limits.per_acceleration)
}

/// Returns the speed at which Marlin passes a corner with classic jerk: both moves at the slower one's speed,
/// reduced until no axis jumps by more than its jerk. An axis that reverses jumps by the sum, one that only slows
/// or quickens by the difference.
fn jerk(before: &[f64; 3], next: &[f64; 3], v0: f64, v1: f64, allowed: [f64; 3]) -> f64 {
    let v = v0.min(v1);
    let mut factor: f64 = 1.0;
    for axis in 0..3 {
        let jump = (next[axis] - before[axis]).abs() * v;
        if jump > allowed[axis].max(1e-6) {
            factor = factor.min(allowed[axis].max(1e-6) / jump);
        }
    }
    v * factor
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use shop_cam::Speed;
    use shop_cam::canon::{Role, Spindle};
    use shop_cam::machine::{Axis, Controller, Dialect, MachineKind, Post, Process};
    use shop_geom::Point;

    pub(crate) fn machine(cornering: Cornering) -> Machine {
        let axis = |rapid: f64, acceleration: f64| Axis {
            min: -1000.0,
            max: 1000.0,
            rapid: Speed::from_mm_per_min(rapid),
            acceleration,
        };
        Machine {
            name: "test".into(),
            title: "Test".into(),
            kind: MachineKind::Router,
            source: String::new(),
            axes: [axis(6000.0, 500.0), axis(6000.0, 500.0), axis(1200.0, 100.0)],
            cornering,
            work_zero: [0.0, 0.0],
            process: Process {
                safe_height: 5.0,
                retract_height: 1.0,
                kerf: 0.0,
                feed: Speed::from_mm_per_min(1000.0),
                plunge: Speed::from_mm_per_min(300.0),
                rpm: 10_000.0,
                rpm_range: [0.0, 24_000.0],
                spin_up_s: 0.0,
                torch: TorchControl::Program,
                laser_dynamic: false,
                laser_full_s: 1000.0,
                air_assist: false,
                common_lines: false,
            },
            tools: Vec::new(),
            materials: Vec::new(),
            layers: Vec::new(),
            post: Post {
                dialect: Dialect::Grbl,
                decimals: 4,
                line_limit: 79,
                header: Vec::new(),
                footer: Vec::new(),
                ending: "nc".into(),
            },
            controller: Controller::default(),
        }
    }

    pub(crate) fn grbl() -> Machine {
        machine(Cornering::JunctionDeviation { deviation: 0.01, buffer: 15 })
    }

    fn timed(machine: &Machine, commands: Vec<Command>) -> Estimate {
        let mut section = Section::new(Role::Unknown, "");
        section.commands = commands;
        estimate(&[section], machine)
    }

    fn feed(v: f64) -> Command {
        Command::Feed(Speed::from_mm_per_min(v))
    }

    fn line(x: f64, y: f64) -> Command {
        Command::Line { to: [x, y, 5.0] }
    }

    #[test]
    fn a_rapid_is_limited_by_its_slowest_axis() {
        let e = timed(&grbl(), vec![Command::Rapid { to: [100.0, 0.0, 5.0] }]);
        assert!((e.rapid_s - (0.2 + 80.0 / 100.0 + 0.2)).abs() < 1e-9, "{}", e.rapid_s);
        let down = timed(&grbl(), vec![Command::Rapid { to: [0.0, 0.0, -5.0] }]);
        // Triangle or trapezoid at 20 mm/s, 100 mm/s².
        assert!((down.rapid_s - (0.4 + (10.0 - 4.0) / 20.0)).abs() < 1e-9, "{}", down.rapid_s);
    }

    #[test]
    fn a_square_corner_has_grbls_speed() {
        let e = timed(&grbl(), vec![feed(3000.0), line(50.0, 0.0), line(50.0, 50.0)]);
        // s = sin 45°; a across the diagonal = 500·√2; v² = a·0.01·s/(1 − s).
        let s = 0.5f64.sqrt();
        let corner = 500.0 * 2.0f64.sqrt() * 0.01 * s / (1.0 - s);
        let b = Block { length: 50.0, acceleration: 500.0, nominal2: 2500.0, corner2: 0.0, tag: 0 };
        let want = crate::planner::seconds(&b, 0.0, corner) + crate::planner::seconds(&b, corner, 0.0);
        assert!((e.cut_s - want).abs() < 1e-9);
    }

    #[test]
    fn straight_pieces_take_as_long_as_the_whole() {
        for machine in [grbl(), machine(Cornering::Blend { tolerance: 0.05 })] {
            let whole = timed(&machine, vec![feed(1500.0), line(90.0, 30.0)]);
            let mut pieces = vec![feed(1500.0)];
            pieces.extend((1..=3).map(|i| line(30.0 * f64::from(i), 10.0 * f64::from(i))));
            let pieces = timed(&machine, pieces);
            assert!((whole.total_s - pieces.total_s).abs() < 1e-6);
        }
    }

    #[test]
    fn many_short_pieces_are_slowed_by_the_buffer() {
        let mut pieces = vec![feed(6000.0)];
        pieces.extend((1..=1000).map(|i| line(0.1 * f64::from(i), 0.0)));
        let e = timed(&grbl(), pieces);
        // v ≤ √(2·a·14 blocks of 0.1 mm) = 37.4 mm/s.
        let limit = (2.0f64 * 500.0 * 1.4).sqrt();
        assert!((e.cut_s - 100.0 / limit).abs() < 0.1, "{} {}", e.cut_s, 100.0 / limit);
    }

    #[test]
    fn arcs_keep_their_length_and_stops_cost_time() {
        let arc =
            Command::Arc { to: [0.0, 20.0, 5.0], center: Point::new(0.0, 10.0), counter_clockwise: true };
        for cornering in [
            Cornering::JunctionDeviation { deviation: 0.01, buffer: 15 },
            Cornering::Jerk { xy: 10.0, z: 0.4, buffer: 16 },
            Cornering::Blend { tolerance: 0.05 },
        ] {
            let m = machine(cornering);
            let e = timed(&m, vec![feed(600.0), arc.clone()]);
            let length = 10.0 * std::f64::consts::PI;
            assert!((e.cut_length - length).abs() < 1e-9);
            assert!((e.cut_s - length / 10.0).abs() < 0.05, "{cornering:?} {}", e.cut_s);
            let stop = timed(
                &m,
                vec![feed(600.0), line(10.0, 0.0), Command::Spindle(Spindle::Off), line(20.0, 0.0)],
            );
            let free = timed(&m, vec![feed(600.0), line(10.0, 0.0), line(20.0, 0.0)]);
            assert!(stop.total_s > free.total_s + 0.01);
            let wait = timed(&m, vec![feed(600.0), line(10.0, 0.0), Command::Dwell { seconds: 1.5 }]);
            assert_eq!(wait.dwell_s, 1.5);
        }
    }

    #[test]
    fn jerk_lets_small_turns_pass() {
        assert_eq!(jerk(&[1.0, 0.0, 0.0], &[1.0, 0.0, 0.0], 50.0, 30.0, [8.0; 3]), 30.0);
        let right_angle = jerk(&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0], 50.0, 50.0, [8.0; 3]);
        assert!((right_angle - 8.0).abs() < 1e-12);
        let reversal = jerk(&[1.0, 0.0, 0.0], &[-1.0, 0.0, 0.0], 50.0, 50.0, [8.0; 3]);
        assert!((reversal - 4.0).abs() < 1e-12);
    }
}
