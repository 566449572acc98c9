//! The planner and the motion of a simulated machine: a queue of straight blocks, look-ahead with junction deviation, and
//! trapezoids of speed that take their time.
//!
//! ```text
//!  speed      nominal ________
//!            /                \        entry speed of the next block
//!   now ____/                  \______
//!          accel   cruise   decel
//! ```
//!
//! The look-ahead is that of GRBL 1.1 (S. K. Jeon, "Improving GRBL: cornering algorithm", 2011): the speed at a junction
//! is limited by the centripetal acceleration on a circle that leaves the corner by the junction deviation, the newest
//! block always ends at rest, a reverse pass makes every block able to brake for the next, a forward pass keeps every
//! block from being entered faster than the ones before can accelerate. Only what is in the queue is known, so short
//! blocks cap the speed, as they do on the machine.
//!
//! *Braking* means a feed hold: the block's own deceleration down to rest, across junctions, then nothing until it is
//! released.

use super::record::Move;
use std::collections::VecDeque;

/// X, Y, Z, and the extruder where there is one.
pub(super) const AXES: usize = 4;

/// What the axes can do. Zero acceleration or rate means that the axis is not there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limits {
    pub(super) steps_per_mm: [f64; AXES],
    /// mm/s
    pub(super) rate: [f64; AXES],
    /// mm/s²
    pub(super) acceleration: [f64; AXES],
    pub(super) junction_deviation_mm: f64,
    /// Slowest feed, mm/s.
    pub(super) slowest: f64,
}

/// One straight piece, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) line: u64,
    /// Where it ends, machine coordinates, mm.
    pub(super) target: [f64; AXES],
    /// How fast, mm/s; infinite for a rapid.
    pub(super) feed: f64,
    /// Own acceleration limit, mm/s², besides that of the axes.
    pub(super) acceleration: f64,
    pub(super) tool_on: bool,
    /// Overrides do not touch it.
    pub(super) plain: bool,
}

#[derive(Clone, Debug)]
struct Block {
    request: Request,
    from: [f64; AXES],
    unit: [f64; AXES],
    length: f64,
    left: f64,
    acceleration: f64,
    rate: f64,
    nominal: f64,
    junction_sq: f64,
    entry_limit_sq: f64,
    entry_sq: f64,
}

impl Block {
    fn at(&self, left: f64) -> [f64; AXES] {
        let done = self.length - left;
        std::array::from_fn(|i| self.from[i] + self.unit[i] * done)
    }

    fn feed(&self, overrides: Overrides) -> f64 {
        let Request { feed, plain, .. } = self.request;
        match (feed.is_infinite(), plain) {
            (true, true) => self.rate,
            (true, false) => self.rate * overrides.rapid,
            (false, true) => feed.min(self.rate),
            (false, false) => (feed * overrides.feed).min(self.rate),
        }
    }
}

/// Factors the operator set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Overrides {
    pub(super) feed: f64,
    pub(super) rapid: f64,
}

/// What happened while time went by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Everything planned is done.
    Empty,
    /// Braked to rest.
    Braked,
}

/// Speed over the rest of the block that is being carried out.
#[derive(Clone, Copy, Debug, Default)]
struct Phase {
    acceleration: f64,
    seconds: f64,
}

/// The queue and what is going on.
#[derive(Clone, Debug)]
pub(super) struct Motion {
    limits: Limits,
    overrides: Overrides,
    queue: VecDeque<Block>,
    /// Where the last block ends, steps: planned positions are whole steps.
    planned: [i64; AXES],
    position: [f64; AXES],
    speed: f64,
    phases: [Phase; 3],
    /// Whether time moves it.
    going: bool,
    braking: bool,
    /// Finished pieces, for the record.
    pub(super) done: Vec<Move>,
}

/// Below this a speed or a time is nothing: rounding of a double, far below a step or a timer tick.
const NOTHING: f64 = 1e-12;

impl Motion {
    pub(super) fn new(limits: Limits) -> Motion {
        Motion {
            limits,
            overrides: Overrides { feed: 1.0, rapid: 1.0 },
            queue: VecDeque::new(),
            planned: [0; AXES],
            position: [0.0; AXES],
            speed: 0.0,
            phases: [Phase::default(); 3],
            going: false,
            braking: false,
            done: Vec::new(),
        }
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.sync();
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn set_overrides(&mut self, overrides: Overrides) {
        if self.overrides == overrides {
            return;
        }
        self.overrides = overrides;
        let mut before = f64::INFINITY;
        for block in &mut self.queue {
            block.nominal = block.feed(overrides).max(self.limits.slowest);
            block.entry_limit_sq = block.junction_sq.min(block.nominal.min(before).powi(2));
            before = block.nominal;
        }
        self.replan();
    }

    /// Returns how many blocks wait or are under way.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns where the machine is, mm.
    pub(super) fn position(&self) -> [f64; AXES] {
        self.position
    }

    /// Returns where the last planned block ends, mm.
    pub(super) fn planned(&self) -> [f64; AXES] {
        std::array::from_fn(|i| self.planned[i] as f64 / self.steps_per_mm(i))
    }

    /// Returns the speed, mm/s.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Says where the machine is, with nothing planned.
    pub(super) fn place(&mut self, position: [f64; AXES]) {
        self.position = position;
        self.sync();
    }

    fn sync(&mut self) {
        if self.queue.is_empty() {
            self.planned = std::array::from_fn(|i| (self.position[i] * self.steps_per_mm(i)).round() as i64);
        }
    }

    fn steps_per_mm(&self, axis: usize) -> f64 {
        let steps = self.limits.steps_per_mm[axis];
        if steps > 0.0 { steps } else { 1.0 }
    }

    /// Appends a block; one shorter than a step vanishes. Returns whether it was planned.
    pub(super) fn plan(&mut self, request: Request) -> bool {
        let steps: [i64; AXES] =
            std::array::from_fn(|i| (request.target[i] * self.steps_per_mm(i)).round() as i64);
        if steps == self.planned {
            return false;
        }
        let from = if self.queue.is_empty() { self.position } else { self.planned() };
        let delta: [f64; AXES] =
            std::array::from_fn(|i| (steps[i] - self.planned[i]) as f64 / self.steps_per_mm(i));
        self.planned = steps;
        self.queue.push_back(self.block(request, from, delta));
        self.replan();
        true
    }

    fn block(&self, request: Request, from: [f64; AXES], delta: [f64; AXES]) -> Block {
        let space = norm([delta[0], delta[1], delta[2], 0.0]);
        let length = if space > 0.0 { space } else { delta[3].abs() };
        let unit = delta.map(|d| d / length);
        let acceleration = limited(&self.limits.acceleration, unit).min(request.acceleration);
        let rate = limited(&self.limits.rate, unit);
        let mut block = Block {
            request,
            from,
            unit,
            length,
            left: length,
            acceleration,
            rate,
            nominal: 0.0,
            junction_sq: 0.0,
            entry_limit_sq: 0.0,
            entry_sq: 0.0,
        };
        block.nominal = block.feed(self.overrides).max(self.limits.slowest);
        if let Some(before) = self.queue.back() {
            block.junction_sq = self.junction_sq(before.unit, unit);
            block.entry_limit_sq = block.junction_sq.min(block.nominal.min(before.nominal).powi(2));
        }
        block
    }

    /// Returns the square of the speed a corner may be taken at, mm²/s².
    fn junction_sq(&self, before: [f64; AXES], after: [f64; AXES]) -> f64 {
        let cosine: f64 = -before.iter().zip(after).map(|(a, b)| a * b).sum::<f64>();
        if cosine > 0.999_999 {
            return 0.0; // straight back
        }
        if cosine < -0.999_999 {
            return f64::INFINITY; // straight on
        }
        let turn: [f64; AXES] = std::array::from_fn(|i| after[i] - before[i]);
        let size = norm(turn);
        let acceleration = limited(&self.limits.acceleration, turn.map(|t| t / size));
        let sine = (0.5 * (1.0 - cosine)).sqrt(); // of half the corner's angle
        (acceleration * self.limits.junction_deviation_mm * sine / (1.0 - sine)).max(0.0)
    }

    /// Works out the entry speed of every block, then the speed over the first. Linear in the blocks queued.
    fn replan(&mut self) {
        let mut exit = 0.0;
        for block in self.queue.iter_mut().skip(1).rev() {
            exit = block.entry_limit_sq.min(exit + 2.0 * block.acceleration * block.left);
            block.entry_sq = exit;
        }
        let mut entry = self.speed * self.speed;
        for i in 0..self.queue.len().saturating_sub(1) {
            let reach = entry + 2.0 * self.queue[i].acceleration * self.queue[i].left;
            let next = &mut self.queue[i + 1];
            next.entry_sq = next.entry_sq.min(reach);
            entry = next.entry_sq;
        }
        self.profile();
    }

    /// Works out the speed over what is left of the first block.
    fn profile(&mut self) {
        let Some(block) = self.queue.front() else {
            self.phases = [Phase::default(); 3];
            return;
        };
        let exit_sq = self.queue.get(1).map_or(0.0, |next| next.entry_sq);
        self.phases = if self.braking {
            brake(self.speed, block.acceleration, block.left)
        } else {
            trapezoid(self.speed, block.nominal, exit_sq, block.acceleration, block.left)
        };
    }

    /// Lets time move it, or not.
    pub(super) fn go(&mut self) {
        self.going = true;
        self.braking = false;
        self.replan();
    }

    pub(super) fn is_going(&self) -> bool {
        self.going
    }

    /// Asks for rest.
    pub(super) fn brake(&mut self) {
        if self.going {
            self.braking = true;
            self.profile();
        }
    }

    /// Returns the seconds until something happens: a block ends, or the machine has come to rest.
    pub(super) fn next(&self) -> Option<f64> {
        (self.going && !self.queue.is_empty()).then(|| self.phases.iter().map(|p| p.seconds).sum())
    }

    /// Lets time go by, seconds.
    pub(super) fn elapse(&mut self, mut seconds: f64) -> Option<Stop> {
        while self.going {
            let Some(block) = self.queue.front_mut() else {
                self.going = false;
                self.speed = 0.0;
                return None;
            };
            let mut travelled = 0.0;
            for phase in &mut self.phases {
                let step = phase.seconds.min(seconds);
                travelled += step * (self.speed + 0.5 * phase.acceleration * step);
                self.speed = (self.speed + phase.acceleration * step).max(0.0);
                phase.seconds -= step;
                seconds -= step;
                if phase.seconds > NOTHING {
                    break;
                }
            }
            block.left -= travelled;
            if self.phases.iter().any(|p| p.seconds > NOTHING) {
                self.position = block.at(block.left.max(0.0));
                return None;
            }
            if self.braking && self.speed < 1e-9 {
                self.position = block.at(block.left.max(0.0));
                return Some(self.rest());
            }
            self.finish();
            if self.queue.is_empty() {
                self.going = false;
                self.speed = 0.0;
                return Some(if self.braking { Stop::Braked } else { Stop::Empty });
            }
            self.profile();
        }
        None
    }

    fn rest(&mut self) -> Stop {
        self.going = false;
        self.speed = 0.0;
        Stop::Braked
    }

    /// The first block has arrived.
    fn finish(&mut self) {
        let Some(block) = self.queue.pop_front() else { return };
        self.position = block.at(0.0);
        self.done.push(piece(&block, self.position));
    }

    /// Drops everything planned, where the machine stands now.
    pub(super) fn drop_all(&mut self) {
        if let Some(block) = self.queue.front().filter(|b| b.left < b.length) {
            self.done.push(piece(block, self.position));
        }
        self.queue.clear();
        self.going = false;
        self.braking = false;
        self.speed = 0.0;
        self.sync();
    }
}

fn piece(block: &Block, to_mm: [f64; AXES]) -> Move {
    Move {
        line: block.request.line,
        from_mm: block.from,
        to_mm,
        rapid: block.request.feed.is_infinite(),
        tool_on: block.request.tool_on,
    }
}

fn norm(v: [f64; AXES]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Returns the largest value along a direction that keeps every axis within its own.
fn limited(most: &[f64; AXES], unit: [f64; AXES]) -> f64 {
    let along = |(m, u): (&f64, f64)| (u != 0.0 && *m > 0.0).then(|| m / u.abs());
    most.iter().zip(unit).filter_map(along).fold(f64::INFINITY, f64::min).min(1e9)
}

/// Returns the phases from `speed` to the exit speed over `left` mm.
fn trapezoid(speed: f64, nominal: f64, exit_sq: f64, acceleration: f64, left: f64) -> [Phase; 3] {
    let entry_sq = speed * speed;
    let nominal_sq = nominal * nominal;
    let twice = 2.0 * acceleration;
    if entry_sq - exit_sq >= twice * left * (1.0 - 1e-12) {
        return brake(speed, acceleration, left); // no room for anything else
    }
    if speed > nominal {
        // An override came: down to it first, on as usual from there.
        let exit_sq = exit_sq.min(nominal_sq);
        let slowing = (entry_sq - nominal_sq) / twice;
        let braking = (nominal_sq - exit_sq) / twice;
        let cruise = (left - slowing - braking).max(0.0) / nominal;
        let exit = exit_sq.sqrt();
        return [
            Phase { acceleration: -acceleration, seconds: (speed - nominal) / acceleration },
            Phase { acceleration: 0.0, seconds: cruise },
            Phase { acceleration: -acceleration, seconds: (nominal - exit) / acceleration },
        ];
    }
    let peak_sq = nominal_sq.min(0.5 * (entry_sq + exit_sq) + acceleration * left).max(entry_sq.max(exit_sq));
    let peak = peak_sq.sqrt();
    let ramps = (2.0 * peak_sq - entry_sq - exit_sq) / twice;
    [
        Phase { acceleration, seconds: (peak - speed) / acceleration },
        Phase { acceleration: 0.0, seconds: (left - ramps).max(0.0) / peak },
        Phase { acceleration: -acceleration, seconds: (peak - exit_sq.sqrt()) / acceleration },
    ]
}

/// Returns the phases down to rest, or as far as `left` mm go.
fn brake(speed: f64, acceleration: f64, left: f64) -> [Phase; 3] {
    let end_sq = (speed * speed - 2.0 * acceleration * left).max(0.0);
    let seconds = (speed - end_sq.sqrt()) / acceleration;
    [Phase { acceleration: -acceleration, seconds }, Phase::default(), Phase::default()]
}
