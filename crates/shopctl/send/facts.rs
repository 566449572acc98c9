//! What a line makes the machine do: how long, where to, inside which box.
//!
//! The interpreter runs on a thread of its own, a few lines ahead of the wire; its commands are folded into one
//! [`Facts`] per line. A session needs them to know how long silence is no reason to worry, and where the machine may
//! be seen.

use crate::program::Bytes;
use shop_cam::canon::{Command, Position, Way};
use shop_cam::machine::Machine;
use shop_controller::session::Way as Course;
use shop_gcode::{Context, Step};
use shop_report::SourceId;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// What one line does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// The line, from 1.
    pub line: u64,
    /// How long it takes at most, s, at the programmed feed.
    pub seconds: f64,
    /// Where it ends, mm: where the machine is, from the first work zero, whatever tool it holds.
    pub end: Position,
    /// The box it stays in.
    pub low: Position,
    /// The other corner.
    pub high: Position,
    /// How it gets there, where it makes one move.
    pub way: Course,
    /// Moves that it makes.
    moves: u32,
    /// Where it ends cannot be known beforehand: a search for switches, a probe.
    pub lost: bool,
    /// The program ends here.
    pub last: bool,
}

/// How long looking for the switches may take, s.
const HOMING_S: f64 = 180.0;
/// Heating takes longer on a cold day: this many times what the profile says.
const HEATING: f64 = 4.0;
/// Room temperature, °C.
const ROOM_C: f64 = 15.0;
/// How long a touch may take where the feed is not known, s.
const PROBE_S: f64 = 120.0;

/// Folds the steps of one line after the other.
pub struct Fold {
    machine: Machine,
    at: Position,
    /// Offset of the tool: the machine is where the tip would be with none.
    tool: Position,
    feed: f64,
    open: Option<Facts>,
}

impl Fold {
    /// Begins with the tool at `start`.
    pub fn new(machine: Machine, start: Position) -> Fold {
        let feed = machine.process.feed.mm_per_min();
        Fold { machine, at: start, tool: [0.0; 3], feed, open: None }
    }

    /// Takes a step; returns the facts of the line before when a new one begins.
    pub fn step(&mut self, step: &Step, line: u32) -> Option<Facts> {
        let Step::Command(command) = step else { return None };
        let line = u64::from(line);
        let done = self.open.take_if(|open| open.line != line);
        let mut facts = self.open.unwrap_or(self.nothing(line));
        self.command(command, &mut facts);
        facts.end = self.at;
        self.open = Some(facts);
        done
    }

    /// Returns the facts of the last line.
    pub fn finish(&mut self) -> Option<Facts> {
        self.open.take()
    }

    /// Returns where the tool is.
    pub fn at(&self) -> Position {
        self.at
    }

    /// Returns the facts of a line that does nothing.
    pub fn nothing(&self, line: u64) -> Facts {
        let at = self.at;
        Facts {
            line,
            seconds: 0.0,
            end: at,
            low: at,
            high: at,
            way: Course::Straight { from_mm: at },
            moves: 0,
            lost: false,
            last: false,
        }
    }

    fn command(&mut self, command: &Command, facts: &mut Facts) {
        match command {
            Command::Rapid { to } => self.go(*to, None, true, facts),
            Command::Line { to } | Command::Extrude { to, .. } => self.go(*to, None, false, facts),
            Command::Arc { to, center, counter_clockwise } => {
                self.go(*to, Some(([center.x, center.y], *counter_clockwise)), false, facts);
            }
            Command::Move(m) => {
                let from = self.at;
                let length = m.length(self.tip());
                self.go(m.to, None, m.way == Way::Rapid, facts);
                // Arcs in other planes, and turns of rotary axes: not worth more than a box.
                facts.way = Course::Somewhere;
                if let Way::Arc { plane, center, .. } = m.way {
                    self.around(from, plane.axes(), center, facts);
                }
                facts.seconds += length / self.speed(m.way == Way::Rapid);
            }
            Command::ToolOffset { offset } => self.tool = *offset,
            Command::Drill(drill) => {
                let mut moves = Vec::new();
                drill.expand(self.tip(), |c| moves.push(c));
                for c in &moves {
                    self.command(c, facts);
                }
            }
            Command::Home { to, .. } => {
                facts.seconds += HOMING_S;
                (facts.lost, facts.way) = (true, Course::Somewhere);
                self.at = self.holder(*to);
            }
            Command::Probe { z, .. } => {
                facts.seconds += PROBE_S;
                (facts.lost, facts.way) = (true, Course::Somewhere);
                self.at[2] = *z + self.tool[2];
            }
            Command::Feed(feed) if feed.mm_per_min() > 0.0 => self.feed = feed.mm_per_min(),
            Command::Dwell { seconds } if seconds.is_finite() => facts.seconds += seconds.max(0.0),
            Command::Temperature { target_c, .. } => {
                let rate = self.machine.printer.as_ref().map_or(0.3, |p| p.bed_c_per_s.min(p.hotend_c_per_s));
                facts.seconds += HEATING * (target_c - ROOM_C).max(0.0) / rate.max(0.05);
            }
            Command::Filament { e } if e.is_finite() => facts.seconds += e.abs() / self.speed(false),
            Command::Spindle(_) => facts.seconds += self.machine.process.spin_up_s,
            Command::ToolChange { .. } | Command::FilamentChange => {
                facts.seconds += self.machine.process.tool_change_s;
            }
            Command::End => facts.last = true,
            _ => {}
        }
    }

    /// Returns where the tip is.
    fn tip(&self) -> Position {
        std::array::from_fn(|i| self.at[i] - self.tool[i])
    }

    /// Returns where the machine is when the tip is at `tip`.
    fn holder(&self, tip: Position) -> Position {
        std::array::from_fn(|i| tip[i] + self.tool[i])
    }

    /// Takes the circle around `center` into the box of a line.
    fn around(&self, from: Position, [a, b, _]: [usize; 3], center: [f64; 2], facts: &mut Facts) {
        let center = [center[0] + self.tool[a], center[1] + self.tool[b]];
        let radius = (from[a] - center[0]).hypot(from[b] - center[1]);
        for (axis, middle) in [a, b].into_iter().zip(center) {
            facts.low[axis] = facts.low[axis].min(middle - radius);
            facts.high[axis] = facts.high[axis].max(middle + radius);
        }
    }

    /// Slowest axis for rapids: a move along it alone is not faster. mm/s.
    fn speed(&self, rapid: bool) -> f64 {
        let axes = self.machine.axes.iter().map(|a| a.rapid.mm_per_min());
        let slowest = axes.fold(f64::INFINITY, f64::min);
        let speed = if rapid { slowest } else { self.feed };
        (speed / 60.0).max(1e-3)
    }

    fn go(&mut self, to: Position, arc: Option<([f64; 2], bool)>, rapid: bool, facts: &mut Facts) {
        let from = self.at;
        let to = self.holder(to);
        let arc = arc.map(|(c, way)| ([c[0] + self.tool[0], c[1] + self.tool[1]], way));
        for i in 0..3 {
            if to[i].is_finite() {
                self.at[i] = to[i];
            }
            facts.low[i] = facts.low[i].min(self.at[i]);
            facts.high[i] = facts.high[i].max(self.at[i]);
        }
        let mut length = (0..3).map(|i| (self.at[i] - from[i]).powi(2)).sum::<f64>().sqrt();
        facts.moves += 1;
        facts.way = if facts.moves == 1 { course(from, self.at, arc) } else { Course::Somewhere };
        if let Some((center, _)) = arc {
            let radius = (from[0] - center[0]).hypot(from[1] - center[1]);
            for i in 0..2 {
                facts.low[i] = facts.low[i].min(center[i] - radius);
                facts.high[i] = facts.high[i].max(center[i] + radius);
            }
            length = length.max(std::f64::consts::TAU * radius);
        }
        // Up to speed and down again, on the axis with the least acceleration.
        let speed = self.speed(rapid);
        let weakest = self.machine.axes.iter().map(|a| a.acceleration).fold(f64::INFINITY, f64::min);
        let ramps = (speed / weakest.max(1e-3)).min(2.0 * (length / weakest.max(1e-3)).sqrt());
        facts.seconds += length / speed + ramps;
    }
}

/// Returns the way of one move; what is not known well enough stays within its box.
fn course(from_mm: Position, to: Position, arc: Option<([f64; 2], bool)>) -> Course {
    if !from_mm.iter().chain(&to).all(|v| v.is_finite()) {
        return Course::Somewhere;
    }
    let Some((center_mm, counter_clockwise)) = arc else { return Course::Straight { from_mm } };
    let angle = |p: Position| (p[1] - center_mm[1]).atan2(p[0] - center_mm[0]);
    let turn = std::f64::consts::TAU;
    let forward = (angle(to) - angle(from_mm)).rem_euclid(turn);
    // Ends that are the same make a full turn; GRBL takes them for the same within half a millionth of a radian.
    let same = forward.min(turn - forward) < 5e-7;
    let sweep = match (same, counter_clockwise) {
        (true, true) => turn,
        (true, false) => -turn,
        (false, true) => forward,
        (false, false) => forward - turn,
    };
    if sweep.is_finite() { Course::Round { from_mm, center_mm, sweep } } else { Course::Somewhere }
}

/// Lines handed over at a time, and how many such batches may wait: what a wire takes in a second.
const BATCH: usize = 128;
const WAITING: usize = 3;

/// Lines after which the pages of the program are let go: what is needed still comes back by itself.
const FORGET_EVERY: u32 = 1 << 13;

/// Runs the interpreter ahead of the wire.
pub struct Ahead {
    batches: Receiver<Vec<Facts>>,
    batch: std::vec::IntoIter<Facts>,
    next: Option<Facts>,
}

impl Ahead {
    /// Starts to read `program`, whose first line is executed with the tool at the context's start.
    pub fn start(program: &Arc<Bytes>, context: Context, machine: &Machine) -> std::io::Result<Ahead> {
        let (full, batches) = sync_channel(WAITING);
        let (program, machine) = (Arc::clone(program), machine.clone());
        let thread = std::thread::Builder::new().name("interpreter".into());
        thread.spawn(move || {
            let mut fold = Fold::new(machine, context.start);
            let mut batch = Vec::with_capacity(BATCH);
            let (mut heard, mut forgotten) = (true, 0);
            shop_gcode::visit(&program, &context.source(SourceId(0)), |step, line| {
                // What is behind, here and on the wire, is not looked at again.
                if line >= forgotten + FORGET_EVERY {
                    forgotten = line;
                    program.forget(program.len());
                }
                if let Some(facts) = fold.step(&step, line).filter(|_| heard) {
                    batch.push(facts);
                    if batch.len() == BATCH {
                        let whole = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                        // Nobody listens any more: the job is over.
                        heard = full.send(whole).is_ok();
                    }
                }
            });
            batch.extend(fold.open);
            let _ = full.send(batch);
        })?;
        Ok(Ahead { batches, batch: Vec::new().into_iter(), next: None })
    }

    /// Returns what a line does; nothing for one that does nothing. Lines must be asked for in order.
    pub fn facts(&mut self, line: u64) -> Option<Facts> {
        loop {
            if self.next.is_none() {
                self.next = self.batch.next();
            }
            match self.next {
                Some(facts) if facts.line < line => self.next = None,
                Some(facts) if facts.line == line => return self.next.take(),
                Some(_) => return None,
                None => self.batch = self.batches.recv().ok()?.into_iter(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Facts> {
        let machine = shop_gcode::example_machine();
        let program = Arc::new(Bytes::Read(text.as_bytes().to_vec()));
        let mut ahead = Ahead::start(&program, Context::of(&machine), &machine).expect("a thread");
        (1..=text.lines().count() as u64 + 1).filter_map(|l| ahead.facts(l)).collect()
    }

    #[test]
    fn lines_say_where_they_end_and_how_long_they_take() {
        let facts = all("G21 G90\n(nothing)\nG1 X60 F60\nG2 X0 I-30\nG4 P2\nM30\n");
        let lines: Vec<u64> = facts.iter().map(|f| f.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6]);
        assert_eq!(facts[1].end, [60.0, 0.0, 0.0]);
        assert!(facts[1].seconds >= 60.0 && facts[1].seconds < 61.0, "{}", facts[1].seconds);
        assert_eq!((facts[2].low[1], facts[2].high[1]), (-30.0, 30.0));
        let Course::Round { center_mm, sweep, .. } = facts[2].way else { panic!("{:?}", facts[2].way) };
        assert_eq!((center_mm, (sweep / std::f64::consts::PI * 1e6).round()), ([30.0, 0.0], -1e6));
        assert_eq!(facts[1].way, Course::Straight { from_mm: [0.0; 3] });
        assert!(facts[3].seconds >= 2.0);
        assert!(facts[4].last && !facts[3].last);
    }

    #[test]
    fn a_long_program_comes_line_by_line() {
        let lines: Vec<String> = (0..5000).map(|i| format!("G1 X{i} F600\n")).collect();
        let text = lines.concat();
        let facts = all(&text);
        assert_eq!(facts.len(), 5000);
        assert!(facts.iter().enumerate().all(|(i, f)| f.end[0] == i as f64));
    }
}
