//! From which line an interrupted job goes on, and what brings the machine there.
//!
//! ```text
//!   done for certain          in the plan, perhaps done      sent, perhaps read       never sent
//!  ─────────────────────────┬──────────────────────────────┬────────────────────────┬────────────
//!                     acknowledged - planner          acknowledged               sent
//! ```
//!
//! A machine that was left alone (its sender died) reads and does what it was sent, and then stands at the end of one of
//! the lines between *acknowledged* and *sent*: where it stands proves which. A machine that was reset threw its plan
//! away; then as many lines are done again as the planner may have held, the *back-off*. Never is a line left out.

use super::facts::{Facts, Fold};
use super::lines::Lines;
use shop_cam::canon::{Command, Heater, Position};
use shop_cam::machine::{Machine, MachineKind};
use shop_controller::session::{Line, Reach, Way, Zero};
use shop_gcode::{Context, Modes, Step};
use shop_jobs::{History, State};
use std::collections::VecDeque;
use std::time::Duration;

/// A machine that reports whole steps stands this near to where it was sent, mm; a move shorter than that may take no
/// place in the planner.
pub const SAME_PLACE: f64 = 0.02;
/// A torch is lit again on the kerf that is there, so far before its end, mm: the arc has settled when it meets metal.
const KERF_LEAD: f64 = 5.0;
/// Lines that are remembered before the acknowledged one; more moves no planner holds.
const MEMORY: usize = 4096;
/// Blocks that are under way beside those in the planner.
const UNDER_WAY: u32 = 2;
/// Marlin's planner where it does not say (`BLOCK_BUFFER_SIZE`).
const PLANNER: u32 = 16;

/// Where a line ends.
#[derive(Clone, Debug)]
struct Stop {
    line: u64,
    /// Where the next line begins, and how many are behind.
    place: (usize, u64),
    end: Position,
    length: f64,
    /// The torch that burns behind it.
    torch: Option<Torch>,
    /// The last line that probed, up to here.
    probed: Option<u64>,
}

/// A torch that burns.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Torch {
    /// The line that lit it.
    line: u64,
    /// Height at which it was lit, mm.
    z: f64,
    /// What it waited then, s.
    delay_s: f64,
}

/// What the program did up to the last line that was sent.
#[derive(Debug)]
pub struct Trace {
    stops: VecDeque<Stop>,
    /// Somewhere the machine went where nobody can say beforehand.
    lost: bool,
}

impl Trace {
    /// Reads the program up to the end of line `sent`; remembers what a restart not before `acknowledged` may need.
    pub fn read(program: &[u8], context: &Context, machine: &Machine, acknowledged: u64, sent: u64) -> Trace {
        let mut trace = Trace { stops: VecDeque::new(), lost: false };
        let mut lines = Lines::new(program);
        let mut last = Stop {
            line: 0,
            place: lines.place(),
            end: context.start,
            length: 0.0,
            torch: None,
            probed: None,
        };
        trace.stops.push_back(last.clone());
        let end = nth_end(program, sent);
        let mut fold = Fold::new(machine.clone(), context.start);
        let (mut torch, mut probed) = (None, None);
        let mut close = |facts: &Facts, torch: Option<Torch>, probed, trace: &mut Trace| {
            trace.lost |= facts.lost;
            // Lines that say nothing end where the one before did.
            while lines.place().1 < facts.line {
                lines.next();
                let number = lines.place().1;
                let own = number == facts.line;
                let end = if own { facts.end } else { last.end };
                let length = (0..3).map(|i| (end[i] - last.end[i]).powi(2)).sum::<f64>().sqrt();
                let round = (0..3).map(|i| facts.high[i] - facts.low[i]).fold(0.0, f64::max);
                last = Stop {
                    line: number,
                    place: lines.place(),
                    end,
                    length: if own { length.max(round) } else { 0.0 },
                    torch: if own { torch } else { last.torch },
                    probed: if own { probed } else { last.probed },
                };
                trace.stops.push_back(last.clone());
                let oldest = trace.stops.front().map_or(0, |s| s.line);
                if trace.stops.len() > MEMORY && oldest + (MEMORY as u64) < acknowledged {
                    trace.stops.pop_front();
                }
            }
        };
        let mut before: (Option<Torch>, Option<u64>) = (None, None);
        shop_gcode::visit(&program[..end], context, |step, line| {
            if let Some(facts) = fold.step(&step, line) {
                close(&facts, before.0, before.1, &mut trace);
            }
            if let Step::Command(command) = &step {
                follow_torch(command, u64::from(line), fold.at(), &mut torch);
                if matches!(command, Command::Probe { .. }) {
                    probed = Some(u64::from(line));
                }
            }
            before = (torch, probed);
        });
        if let Some(facts) = fold.finish() {
            close(&facts, torch, probed, &mut trace);
        }
        close(&fold.nothing(sent), torch, probed, &mut trace);
        trace
    }

    fn stop(&self, line: u64) -> Option<&Stop> {
        let first = self.stops.front()?.line;
        self.stops.get(usize::try_from(line.checked_sub(first)?).ok()?)
    }
}

fn follow_torch(command: &Command, line: u64, at: Position, torch: &mut Option<Torch>) {
    match command {
        Command::Torch(shop_cam::canon::Torch::Off) => *torch = None,
        Command::Torch(_) => {
            torch.get_or_insert(Torch { line, z: at[2], delay_s: 0.0 });
        }
        Command::Dwell { seconds } => {
            if let Some(torch) = torch.as_mut().filter(|t| t.delay_s == 0.0) {
                torch.delay_s = *seconds;
            }
        }
        _ => {}
    }
}

/// Returns where the text of the first `count` lines ends.
pub fn nth_end(program: &[u8], count: u64) -> usize {
    let mut lines = Lines::new(program);
    while lines.place().1 < count && lines.next().is_some() {}
    lines.place().0
}

/// What is known of the machine now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Where it stands, canonical, mm.
    pub at: Option<Position>,
    /// Where its work zero lies, canonical, mm; nothing where the controller does not say. A program may move it itself.
    pub zero: Option<Position>,
    /// Blocks that its planner holds.
    pub planner_blocks: Option<u32>,
    /// It does not know the feed that it was told: it was switched off or reset since, and where it believes to be
    /// proves nothing.
    pub forgot: bool,
}

/// Where the job goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Restart {
    /// The last line that is done.
    pub done: u64,
    /// Where the next line begins, and how many are behind.
    pub place: (usize, u64),
    /// Why the place is certain, or why it is not.
    pub why: String,
    /// It is certain.
    pub proven: bool,
    /// Positions can be compared with those of the controller.
    pub placed: bool,
    torch: Option<Torch>,
}

/// Decides where the job goes on. `zero` says where the program has its work zero behind a place in its text, canonical.
pub fn plan(
    history: &History,
    trace: &Trace,
    found: &Found,
    zero: &dyn Fn(usize) -> Option<Position>,
) -> Restart {
    let begun = history.from_line.saturating_sub(1);
    let acknowledged = history.progress.acknowledged.max(begun);
    let sent = history.progress.sent.max(acknowledged);
    let (line, why, proven) = match prove(history, trace, found, zero, (acknowledged, sent)) {
        Ok((line, why)) => (line, why, true),
        // Nothing of the last attempt had left: what is before it is done.
        Err(why) if sent == begun => (begun, why, false),
        Err(why) => {
            let blocks = found.planner_blocks.unwrap_or(PLANNER) + UNDER_WAY;
            (back_off(trace, acknowledged, begun, blocks), why, false)
        }
    };
    let line = before_the_arc(trace, line);
    let stop = trace.stop(line).or(trace.stops.front());
    Restart {
        done: stop.map_or(0, |s| s.line),
        place: stop.map_or((0, 0), |s| s.place),
        why,
        proven,
        placed: !trace.lost,
        torch: stop.and_then(|s| s.torch),
    }
}

/// Returns the first line between `acknowledged` and `sent` at whose end the machine stands.
fn prove(
    history: &History,
    trace: &Trace,
    found: &Found,
    zero: &dyn Fn(usize) -> Option<Position>,
    (acknowledged, sent): (u64, u64),
) -> Result<(u64, String), String> {
    if history.damaged {
        return Err("the journal is damaged".into());
    }
    if history.state != State::Running {
        return Err("the machine was stopped in the middle of its moves".into());
    }
    if found.forgot {
        return Err("the controller was switched off or reset since".into());
    }
    let Some(at) = found.at else { return Err("the controller does not say where it stands".into()) };
    let stands = |line: &u64| trace.stop(*line).is_some_and(|s| same(Some(s.end), Some(at)));
    let is_zero = |line: &u64| {
        let place = trace.stop(*line).map_or(0, |s| s.place.0);
        history.work_offset_mm.is_none() || same(zero(place), found.zero)
    };
    let mut standing = (acknowledged..=sent).filter(stands).peekable();
    match standing.peek().copied() {
        Some(first) => match standing.find(is_zero) {
            Some(line) => Ok((line, format!("the machine stands at the end of line {line}"))),
            None => Err(format!(
                "the machine stands at the end of line {first}, but the work zero is not where it was"
            )),
        },
        None => {
            Err(format!("the machine stands at {}, where none of the lines that were sent ends", place(at)))
        }
    }
}

/// Returns where the program has its work zero behind the first `end` bytes of its text, canonical: G10, G92 and their kin
/// move it, and so does the length of a tool.
pub fn zero_behind(program: &[u8], context: &Context, end: usize) -> Option<Position> {
    let m = shop_gcode::modes(&program[..end], context, |_, _| ())?;
    Some(std::array::from_fn(|i| m.position[i] - m.named[i] + m.tool_offset[i]))
}

fn same(a: Option<Position>, b: Option<Position>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    (0..3).all(|i| (a[i] - b[i]).abs() <= SAME_PLACE)
}

/// Writes a place for people.
pub fn place(at: Position) -> String {
    format!("X{:.3} Y{:.3} Z{:.3}", at[0], at[1], at[2])
}

/// Goes back from `line` over so many moves, but not below `begun`.
fn back_off(trace: &Trace, line: u64, begun: u64, moves: u32) -> u64 {
    let (mut at, mut left) = (line, moves);
    while at > begun && left > 0 {
        let Some(stop) = trace.stop(at) else { break };
        left -= u32::from(stop.length >= SAME_PLACE);
        at -= 1;
    }
    at
}

/// Where a torch burns, goes back along the kerf for the length of a lead; to before it was lit where the cut is shorter,
/// and to before the sheet was probed where the height came from there.
fn before_the_arc(trace: &Trace, line: u64) -> u64 {
    let Some(torch) = trace.stop(line).and_then(|s| s.torch) else { return line };
    if let Some(probed) = trace.stop(line).and_then(|s| s.probed) {
        return probed.min(torch.line).saturating_sub(1);
    }
    let (mut at, mut length) = (line, 0.0);
    while length < KERF_LEAD {
        let Some(stop) = trace.stop(at).filter(|s| s.line > torch.line) else {
            return torch.line.saturating_sub(1);
        };
        length += stop.length;
        at -= 1;
    }
    at
}

/// Heaters and fans as the program left them.
#[derive(Clone, Debug, Default)]
pub struct Warmth {
    heaters: Vec<(Heater, f64)>,
    fans: Vec<(u16, f64)>,
}

impl Warmth {
    /// Follows a command.
    pub fn follow(&mut self, command: &Command) {
        match command {
            Command::Temperature { heater, target_c, .. } => put(&mut self.heaters, *heater, *target_c),
            Command::Fan { number, fraction } => put(&mut self.fans, *number, *fraction),
            _ => {}
        }
    }
}

fn put<K: PartialEq>(list: &mut Vec<(K, f64)>, key: K, value: f64) {
    match list.iter_mut().find(|(k, _)| *k == key) {
        Some(found) => found.1 = value,
        None => list.push((key, value)),
    }
}

/// What brings the machine to where it goes on, with everything in force that the program had put in force.
pub struct Approach<'a> {
    /// What is in force there.
    pub modes: &'a Modes,
    /// Heaters and fans.
    pub warmth: &'a Warmth,
    /// The machine.
    pub machine: &'a Machine,
    /// Where it goes on.
    pub restart: &'a Restart,
    /// Above everything the program passes, canonical, mm.
    pub safe_z: f64,
    /// Where the machine is, work coordinates, mm.
    pub from: Option<Position>,
    /// The controller numbers lines, as printers do.
    pub numbered: bool,
}

/// Collects lines, and where they go.
struct Script {
    lines: VecDeque<Line>,
    at: Option<Position>,
    numbered: bool,
}

/// Heating up takes no longer, s.
const HEATING_S: f64 = 1200.0;
/// A move of an approach takes no longer, s: a large table at a slow plunge.
const MOVING_S: f64 = 600.0;

impl Script {
    fn say(&mut self, text: &str, seconds: f64) {
        let duration = Duration::from_secs_f64(seconds.clamp(0.0, 1e6));
        let reach = self.at.map(|at| Reach {
            end_mm: at,
            low_mm: at,
            high_mm: at,
            way: Way::Straight { from_mm: at },
            zero: [Zero::First; 3],
        });
        let text = if self.numbered { text.to_owned() } else { text.replace(' ', "") };
        self.lines.push_back(Line { number: 0, text: text.into_bytes().into(), duration, reach });
    }

    fn go(&mut self, text: &str, to: [Option<f64>; 3]) {
        let from = self.at;
        self.at = from.map(|from| std::array::from_fn(|i| to[i].unwrap_or(from[i])));
        self.say(text, MOVING_S);
        if let (Some(a), Some(b), Some(line)) = (from, self.at, self.lines.back_mut()) {
            let (low_mm, high_mm) =
                (std::array::from_fn(|i| a[i].min(b[i])), std::array::from_fn(|i| a[i].max(b[i])));
            let (way, zero) = (Way::Straight { from_mm: a }, [Zero::First; 3]);
            line.reach = Some(Reach { end_mm: b, low_mm, high_mm, way, zero });
        }
    }
}

impl Approach<'_> {
    /// Returns the lines, in order. They carry no number of the file.
    pub fn lines(&self) -> VecDeque<Line> {
        let m = self.modes;
        let mut s = Script { lines: VecDeque::new(), at: self.from, numbered: self.numbered };
        // Words without G92: it is put in force again when the machine is there.
        let words: Position = std::array::from_fn(|i| m.named[i] + m.shift[i]);
        let [x, y, z] = m.position;
        let up = self.safe_z.max(z);
        let up_word = up - z + words[2];
        let laser = self.machine.kind == MachineKind::Laser;
        let beam = matches!(self.machine.kind, MachineKind::Laser | MachineKind::Plasma);
        let printer = self.machine.kind == MachineKind::Printer;
        let feed = self.machine.process.feed.mm_per_min().max(1.0);
        let plunge = match self.machine.process.plunge.mm_per_min() {
            p if p > 0.0 => p.min(feed),
            _ => feed,
        };
        if beam {
            s.say("M5", 1.0);
        }
        self.base(&mut s);
        if !laser {
            s.go(&format!("G0 Z{up_word:.4}"), [None, None, Some(up)]);
        }
        if printer {
            self.warm_up(&mut s);
        }
        if let Some(m3) = m.spindle.filter(|_| !beam && !printer) {
            s.say(&format!("M{m3} S{}", number(m.s)), 1.0);
            if self.machine.process.spin_up_s > 0.0 {
                let wait = self.machine.process.spin_up_s;
                s.say(&format!("G4 {}{}", if self.numbered { 'S' } else { 'P' }, number(wait)), wait);
            }
        }
        for (on, word) in [(m.mist, "M7"), (m.flood, "M8")] {
            if on {
                s.say(word, 1.0);
            }
        }
        s.go(&format!("G0 X{:.4} Y{:.4}", words[0], words[1]), [Some(x), Some(y), None]);
        if m.shift != [0.0; 3] {
            let up = if laser { m.named[2] } else { up - z + m.named[2] };
            s.say(&format!("G92 X{:.4} Y{:.4} Z{up:.4}", m.named[0], m.named[1]), 1.0);
        }
        let down = format!("G1 Z{:.4} F{}", m.named[2], number(plunge));
        match self.restart.torch {
            Some(torch) => {
                let pierce = torch.z.max(z) - z + m.named[2];
                s.go(&format!("G0 Z{pierce:.4}"), [None, None, Some(torch.z.max(z))]);
                s.say(&format!("M{} S{}", m.spindle.unwrap_or(3), number(m.s)), 1.0);
                if torch.delay_s > 0.0 {
                    s.say(&format!("G4 P{}", number(torch.delay_s)), torch.delay_s);
                }
                s.go(&down, [None, None, Some(z)]);
            }
            None if laser => {}
            None => s.go(&down, [None, None, Some(z)]),
        }
        self.finish(&mut s);
        s.lines
    }

    /// Millimetres and places, whatever was in force.
    fn base(&self, s: &mut Script) {
        let m = self.modes;
        if self.numbered {
            s.say("G90", 1.0);
            if m.unit_mm != 1.0 {
                s.say("G21", 1.0);
            }
            return;
        }
        s.say("G21 G90 G17 G94", 1.0);
        s.say(&system(m.system), 1.0);
        if m.shift != [0.0; 3] {
            s.say("G92.1", 1.0);
        }
        if m.tool_offset[2] != 0.0 {
            s.say(&format!("G43.1 Z{:.4}", m.tool_offset[2]), 1.0);
        }
    }

    /// Everything at once first, then waits for each.
    fn warm_up(&self, s: &mut Script) {
        let hot = self.warmth.heaters.iter().filter(|(_, c)| *c > 0.0);
        for wait in [false, true] {
            for (heater, c) in hot.clone() {
                let code = match heater {
                    Heater::Hotend(n) => format!("M{} T{n} S{}", if wait { 109 } else { 104 }, number(*c)),
                    Heater::Bed => format!("M{} S{}", if wait { 190 } else { 140 }, number(*c)),
                    Heater::Chamber => format!("M{} S{}", if wait { 191 } else { 141 }, number(*c)),
                };
                s.say(&code, if wait { HEATING_S } else { 1.0 });
            }
        }
        for (fan, fraction) in &self.warmth.fans {
            s.say(&format!("M106 P{fan} S{:.0}", (fraction * 255.0).clamp(0.0, 255.0)), 1.0);
        }
        if let Some(tool) = self.modes.tool.filter(|t| *t > 0) {
            s.say(&format!("T{tool}"), 60.0);
        }
    }

    /// The modes of the program, last, because they change what words mean.
    fn finish(&self, s: &mut Script) {
        let m = self.modes;
        if self.machine.kind == MachineKind::Printer {
            s.say(if m.e_absolute { "M82" } else { "M83" }, 1.0);
            s.say(&format!("G92 E{:.5}", m.e / m.unit_mm), 1.0);
        }
        if let Some(m3) = m.spindle.filter(|_| self.machine.kind == MachineKind::Laser) {
            s.say(&format!("M{m3} S{}", number(m.s)), 1.0);
        }
        if m.plane != 17 {
            s.say(&format!("G{}", m.plane), 1.0);
        }
        if m.unit_mm != 1.0 {
            s.say("G20", 1.0);
        }
        if m.feed_mode == 94 && m.feed > 0.0 {
            let feed = number(m.feed / m.unit_mm);
            // A numbered machine takes a feed with a motion word only.
            s.say(&if self.numbered { format!("G1 F{feed}") } else { format!("F{feed}") }, 1.0);
        } else if m.feed_mode != 94 {
            s.say(&format!("G{}", m.feed_mode), 1.0);
        }
        if !self.numbered
            && let Some(motion @ (0 | 1)) = m.motion
        {
            // In inverse time even a bare G1 wants its F.
            if !(motion == 1 && m.feed_mode == 93) {
                s.say(&format!("G{motion}"), 1.0);
            }
        }
        if !m.absolute {
            s.say("G91", 1.0);
        }
    }

    /// Returns the word that the first line of the program needs in front, where it relies on the arc of the line before.
    pub fn prefix(&self, first: &[u8]) -> &'static str {
        let silent = !first.iter().any(|b| matches!(b, b'G' | b'g'));
        match self.modes.motion {
            Some(2) if silent => "G2",
            Some(3) if silent => "G3",
            Some(1) if silent && self.modes.feed_mode == 93 => "G1",
            _ => "",
        }
    }
}

fn system(system: u16) -> String {
    if system > 59 { format!("G59.{}", system - 590) } else { format!("G{system}") }
}

/// Writes a number with no more digits than it needs.
fn number(v: f64) -> String {
    let text = format!("{v:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_jobs::{Description, Progress};

    fn history(from_line: u64, sent: u64, acknowledged: u64, state: State) -> History {
        History {
            description: Description::default(),
            state,
            why: String::new(),
            progress: Progress { sent, acknowledged, position_mm: None },
            ran: Duration::ZERO,
            attempts: 1,
            from_line,
            work_offset_mm: None,
            damaged: false,
        }
    }

    fn at(position: Option<Position>) -> Found {
        Found { at: position, zero: Some([0.0; 3]), planner_blocks: Some(15), forgot: false }
    }

    fn restart(text: &str, kind: MachineKind, history: &History, found: &Found) -> Restart {
        let machine = Machine::example(kind);
        let p = history.progress;
        let trace = Trace::read(text.as_bytes(), &Context::of(&machine), &machine, p.acknowledged, p.sent);
        let context = Context::of(&machine);
        plan(history, &trace, found, &|end| zero_behind(text.as_bytes(), &context, end))
    }

    /// A hundred moves of 1 mm, from line 2 on: line n ends at X n - 1.
    fn straight() -> String {
        let moves: Vec<String> = (1..=100).map(|x| format!("G1 X{x}\n")).collect();
        format!("G21 G90 F600\n{}M30\n", moves.concat())
    }

    #[test]
    fn where_the_machine_stands_proves_the_line() {
        let running = history(1, 60, 50, State::Running);
        for line in [50, 55, 60] {
            let found = at(Some([line as f64 - 1.0, 0.0, 0.0]));
            let r = restart(&straight(), MachineKind::Router, &running, &found);
            assert!(r.proven && r.done == line && r.place.1 == line, "{r:?}");
        }
    }

    #[test]
    fn what_is_not_proven_goes_back_by_the_planner_and_no_further_than_the_attempt_began() {
        let text = straight();
        let elsewhere = at(Some([48.5, 0.0, 0.0]));
        for (history, found) in [
            (history(1, 60, 50, State::Running), elsewhere),
            (history(1, 60, 50, State::Running), at(None)),
            (history(1, 60, 50, State::Failed), at(Some([52.0, 0.0, 0.0]))),
        ] {
            let r = restart(&text, MachineKind::Router, &history, &found);
            assert!(!r.proven && r.done == 33, "{r:?}");
        }
        let second = restart(&text, MachineKind::Router, &history(45, 60, 50, State::Failed), &elsewhere);
        assert_eq!(second.done, 44);
        let unsent = restart(&text, MachineKind::Router, &history(45, 44, 44, State::Running), &elsewhere);
        assert_eq!((unsent.done, unsent.proven), (44, false));
    }

    #[test]
    fn a_zero_that_moved_proves_nothing() {
        let mut running = history(1, 60, 50, State::Running);
        running.work_offset_mm = Some([1.0, 2.0, 3.0]);
        let found = Found { zero: Some([0.0, 0.0, 1.0]), ..at(Some([54.0, 0.0, 0.0])) };
        assert!(!restart(&straight(), MachineKind::Router, &running, &found).proven);
        assert!(restart(&straight(), MachineKind::Router, &running, &at(found.at)).proven);
    }

    #[test]
    fn a_zero_that_the_program_moved_is_where_it_should_be() {
        // G10 makes X50 of the first zero the new X0, in line 52: line n ends at X n - 1 of the first zero.
        let (before, after): (Vec<String>, Vec<String>) = (
            (1..=50).map(|x| format!("G1 X{x}\n")).collect(),
            (1..=50).map(|x| format!("G1 X{x}\n")).collect(),
        );
        let text = format!("G21 G90 F600\n{}G10 L20 P1 X0\n{}M30\n", before.concat(), after.concat());
        let mut running = history(1, 80, 70, State::Running);
        running.work_offset_mm = Some([-300.0, -200.0, -10.0]);
        let stands = at(Some([75.0, 0.0, 0.0]));
        let moved = Found { zero: Some([50.0, 0.0, 0.0]), ..stands };
        let r = restart(&text, MachineKind::Router, &running, &moved);
        assert!(r.proven && r.done == 77, "{r:?}");
        assert!(!restart(&text, MachineKind::Router, &running, &stands).proven);
    }

    #[test]
    fn a_torch_is_lit_again_on_the_kerf() {
        let cuts: Vec<String> = (1..=40).map(|x| format!("G1 X{x}\n")).collect();
        let text = format!("G21 G90 F600\nG0 Z3.8\nM3\nG4 P0.5\nG1 Z1.5\n{}M5\nG0 Z20\nM30\n", cuts.concat());
        // Line n ends at X n - 5; 5 mm of kerf before the end of line 30 is the end of line 25.
        let found = at(Some([25.0, 0.0, 1.5]));
        let r = restart(&text, MachineKind::Plasma, &history(1, 32, 28, State::Running), &found);
        assert!(r.proven && r.done == 25, "{r:?}");
        assert_eq!(r.torch, Some(Torch { line: 3, z: 3.8, delay_s: 0.5 }));
        // Nearer to the pierce than that, all of the pierce is done again.
        let found = at(Some([2.0, 0.0, 1.5]));
        let r = restart(&text, MachineKind::Plasma, &history(1, 9, 6, State::Running), &found);
        assert!(r.done == 2 && r.torch.is_none(), "{r:?}");
    }

    #[test]
    fn an_approach_puts_everything_in_force_again() {
        let text = "G21 G90\nM3 S9000\nG0 Z5\nG20\nG1 Z-0.1 F10\nG91\nX1\nX1\nX1\n";
        let machine = Machine::example(MachineKind::Router);
        let found = at(Some([50.8, 0.0, -2.54]));
        let r = restart(text, MachineKind::Router, &history(1, 9, 7, State::Running), &found);
        assert_eq!(r.done, 8);
        let modes = shop_gcode::modes(&text.as_bytes()[..r.place.0], &Context::of(&machine), |_, _| ())
            .expect("a text");
        let approach = Approach {
            modes: &modes,
            warmth: &Warmth::default(),
            machine: &machine,
            restart: &r,
            safe_z: 5.0,
            from: found.at,
            numbered: false,
        };
        let lines: Vec<String> =
            approach.lines().iter().map(|l| String::from_utf8_lossy(&l.text).into_owned()).collect();
        let said = lines.join(" ");
        let order = [
            "G21G90G17G94",
            "G54",
            "G0Z5.0000",
            "M3S9000",
            "G0X50.8000Y0.0000",
            "G1Z-2.5400",
            "G20",
            "F10",
            "G91",
        ];
        let mut from = 0;
        for word in order {
            from += said[from..].find(word).unwrap_or_else(|| panic!("{word} in {said}")) + 1;
        }
        assert!(lines.iter().all(|l| l.len() < 70));
    }
}
