//! What the machine will refuse or misread in a program that reads well: moves off the table, feeds and speeds out of
//! range, rapids and plunges in the stock, a tool that does not turn, cold filament, what is left on at the end.
//!
//! A [`Checker`] is fed command by command beside the estimator and keeps only the first place of every finding;
//! memory does not grow with the program. Errors are what the controller refuses or what breaks something for
//! certain; the rest, which may be meant, is a warning.

use crate::motion::{Event, Kind, Move, Place, State, distance, in_work, step};
use crate::piece::Piece;
use shop_cam::canon::{Command, Heater, Laser, Limits, Position, Spindle, Torch, Wait};
use shop_cam::chords::Chords;
use shop_cam::machine::{Dialect, Machine, MachineKind, Printer};
use shop_geom::Point;
use shop_report::Severity;

/// One finding, at a line of the program rather than at its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<&'static str>,
    /// 1-based line of the first place; 0 is the end of the program.
    pub line: u32,
    /// Letter of the word in that line that is to blame.
    pub letter: Option<u8>,
    /// Where the tool is then, mm.
    pub at: Option<[f64; 2]>,
    /// How often it was found.
    pub count: u32,
    /// Tells findings of one code apart.
    key: u32,
}

/// Extents of a program in work coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extents {
    /// Least x, y, z, mm.
    pub min: Position,
    /// Greatest x, y, z, mm.
    pub max: Position,
}

/// Holds a program against one machine, command by command.
pub struct Checker<'a> {
    state: State,
    inner: Inner<'a>,
    ended: bool,
    /// What was in force where a part began, written out.
    begun: Option<String>,
}

#[derive(Clone)]
struct Inner<'a> {
    machine: &'a Machine,
    /// What can be reached, work coordinates.
    reach: Extents,
    /// The stock, and the height of its top.
    stock: Option<Extents>,
    top: f64,
    /// `reach` says where z ends on the machine, rather than about the stock.
    z_known: bool,
    /// Lowest and highest z of the tool's holder, while an offset of the tool is in force.
    holder: Option<[f64; 2]>,
    /// Fastest of x, y and z, mm/min.
    fastest: f64,
    extents: Option<Extents>,
    /// The first move's start is not known.
    known: bool,
    moves: u64,
    hotends: Vec<f64>,
    /// Hottest target of each extruder so far: what was hot stays warm enough for the last retraction.
    hottest: Vec<f64>,
    bed_c: f64,
    /// Waited for since the target was set.
    waited: bool,
    /// Filament pushed after the nozzle was set too cold, micrometres: whole numbers, so that parts add up.
    pushed_cold: u64,
    tool: usize,
    /// A macro of the printer ran, which may have heated.
    macros: bool,
    heated: bool,
    findings: Vec<Finding>,
}

/// What is pushed after the nozzle was set too cold is a warning up to so much filament, micrometres: ends of programs
/// push some after the heater is off, and a nozzle takes a minute to cool.
const MOST_COLD_UM: u64 = 20_000;
/// The key of that finding.
const COOLED: u32 = 2;

/// Different findings that are kept apart; the rest joins the first of its code.
const MOST_FINDINGS: usize = 256;
/// Slack of the envelope: what rounding of a post may add, mm.
const SLACK: f64 = 1e-3;
/// Klipper's max_extrude_only_distance and Marlin's EXTRUDE_MAXLENGTH, mm.
const KLIPPER_FILAMENT: f64 = 50.0;
const MARLIN_FILAMENT: f64 = 200.0;

impl<'a> Checker<'a> {
    /// Returns a checker for `machine`, with the tool at rest at the height of travel.
    pub fn new(machine: &'a Machine) -> Self {
        let [x, y, z] = machine.axes;
        let zero = machine.work_zero;
        let reach = Extents {
            min: [x.min - zero[0] - SLACK, y.min - zero[1] - SLACK, z.min - SLACK],
            max: [x.max - zero[0] + SLACK, y.max - zero[1] + SLACK, z.max + SLACK],
        };
        let fastest = machine.axes.iter().map(|a| a.rapid.mm_per_min()).fold(0.0, f64::max);
        Checker {
            state: State::new([0.0, 0.0, machine.process.safe_height.max(0.0)]),
            inner: Inner {
                machine,
                reach,
                stock: None,
                top: 0.0,
                z_known: false,
                holder: None,
                fastest,
                extents: None,
                known: false,
                moves: 0,
                hotends: vec![0.0],
                hottest: vec![0.0],
                bed_c: 0.0,
                waited: true,
                pushed_cold: 0,
                tool: 0,
                macros: false,
                heated: false,
                findings: Vec::new(),
            },
            ended: false,
            begun: None,
        }
    }

    /// Says how many bytes the program has: so finely its arcs may be divided in all ([`Chords`]).
    #[must_use]
    pub fn of_bytes(mut self, bytes: usize) -> Self {
        self.state.chords = Chords::of(bytes as u64);
        self
    }

    /// Tells where the stock lies, work coordinates; without it its top is z = 0 everywhere.
    pub fn stock(&mut self, stock: Extents) {
        self.inner.stock = Some(stock);
        self.inner.top = stock.max[2];
    }

    /// Tells where the z of the work zero lies in machine coordinates, mm: then z is held against the machine's travel,
    /// tool offsets included.
    pub fn zero_z(&mut self, z: f64) {
        let axis = self.inner.machine.axes[2];
        self.inner.reach.min[2] = axis.min - z - SLACK;
        self.inner.reach.max[2] = axis.max - z + SLACK;
        self.inner.z_known = true;
    }

    /// Returns a checker for a later part of a long program, with what is in force here as its guess. Parts are put
    /// together as [`Estimator`](crate::Estimator)s are.
    pub fn fork(&self) -> Checker<'a> {
        let inner = Inner { findings: Vec::new(), ..self.inner.clone() };
        Checker { state: self.state.clone(), inner, ended: self.ended, begun: None }
    }

    /// The part's own commands begin here; what was found before is forgotten.
    pub fn begin(&mut self) {
        self.state.chords = self.state.chords.anew();
        self.inner.findings.clear();
        self.inner.pushed_cold = 0;
        (self.inner.extents, self.inner.holder, self.inner.moves) = (None, None, 0);
        self.begun = Some(self.modes());
    }

    /// True when `part` began where this one stands, with all in force that is in force here.
    pub fn continues_as(&self, part: &Checker<'_>) -> bool {
        part.begun.as_ref().is_some_and(|begun| *begun == self.modes())
            && self.state.chords.would_give(part.state.chords)
            && self.inner.findings.len() + part.inner.findings.len() < MOST_FINDINGS
    }

    /// Adds what `part` found and goes on from its end; it must continue this one.
    pub fn append(&mut self, part: Checker<'a>) {
        let mut chords = self.state.chords;
        chords.join(part.state.chords);
        self.state = part.state;
        self.state.chords = chords;
        self.ended = part.ended;
        let mut inner = part.inner;
        let later = std::mem::replace(&mut inner.findings, std::mem::take(&mut self.inner.findings));
        for f in later {
            let same = inner.findings.iter_mut().find(|g| g.code == f.code && g.key == f.key);
            match same {
                Some(g) => g.count = g.count.saturating_add(f.count),
                None => inner.findings.push(f),
            }
        }
        inner.pushed_cold = inner.pushed_cold.saturating_add(self.inner.pushed_cold);
        inner.moves += self.inner.moves;
        inner.extents = match (self.inner.extents, inner.extents) {
            (Some(a), Some(b)) => Some(Extents {
                min: std::array::from_fn(|i| a.min[i].min(b.min[i])),
                max: std::array::from_fn(|i| a.max[i].max(b.max[i])),
            }),
            (a, b) => a.or(b),
        };
        inner.holder = match (self.inner.holder, inner.holder) {
            (Some(a), Some(b)) => Some([a[0].min(b[0]), a[1].max(b[1])]),
            (a, b) => a.or(b),
        };
        self.inner = inner;
    }

    /// Returns all that is in force, written out, so that no bit is forgotten; nor any field, since all are named here.
    fn modes(&self) -> String {
        let Inner {
            machine: _,
            reach: _,
            stock: _,
            top: _,
            z_known: _,
            holder: _,
            fastest: _,
            extents: _,
            known,
            moves: _,
            pushed_cold: _,
            hotends,
            hottest,
            bed_c,
            waited,
            tool,
            macros,
            heated,
            findings: _,
        } = &self.inner;
        let warm = (hotends, hottest, bed_c, waited, heated, macros);
        format!("{:?} {} {known} {warm:?} {tool}", self.state, self.ended)
    }

    /// Looks at one command of a line.
    #[inline]
    pub fn command(&mut self, command: &Command, line: u32) {
        if self.ended {
            return;
        }
        let inner = &mut self.inner;
        match command {
            // Nearly all of a print.
            Command::Extrude { to, e } if to.iter().all(|v| v.is_finite()) => {
                let from = self.state.at;
                self.state.at = *to;
                inner.reaches(to, line);
                inner.extrudes(*e, line, || distance(&from, to));
                inner.known = true;
            }
            _ => {
                step(&mut self.state, Place { section: 0, line }, command, &mut |state, place, event| {
                    match event {
                        Event::Move(m) => inner.motion(state, &m, place.line),
                        Event::Other(command) => inner.other(state, command, place.line),
                    }
                });
                self.ended = *command == Command::End;
            }
        }
    }

    /// Returns what was found, in the order in which it was first found, and the extents of the moves.
    pub fn finish(mut self) -> (Vec<Finding>, Option<Extents>) {
        self.inner.at_the_end(&self.state);
        self.inner.weigh_cold();
        (self.inner.findings, self.inner.extents)
    }
}

impl Inner<'_> {
    #[cold]
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        key: u32,
        line: u32,
        message: impl FnOnce() -> String,
    ) -> Option<&mut Finding> {
        let full = self.findings.len() >= MOST_FINDINGS;
        let same = |f: &Finding| f.code == code && (f.key == key || full);
        if let Some(i) = self.findings.iter().position(same) {
            self.findings[i].count = self.findings[i].count.saturating_add(1);
            return None;
        }
        self.findings.push(Finding {
            severity,
            code,
            message: message(),
            hint: None,
            line,
            letter: None,
            at: None,
            count: 1,
            key,
        });
        self.findings.last_mut()
    }

    fn warn(&mut self, code: &'static str, line: u32, letter: u8, message: impl FnOnce() -> String) {
        if let Some(f) = self.add(Severity::Warning, code, 0, line, message) {
            f.letter = Some(letter);
        }
    }

    /// Notes the extents and what lies beyond the table.
    #[inline]
    fn reaches(&mut self, at: &Position, line: u32) {
        self.moves += 1;
        let e = self.extents.get_or_insert(Extents { min: *at, max: *at });
        let mut outside = false;
        for i in 0..3 {
            e.min[i] = e.min[i].min(at[i]);
            e.max[i] = e.max[i].max(at[i]);
            outside |= at[i] < self.reach.min[i] || at[i] > self.reach.max[i];
        }
        if outside {
            self.beyond(at, line);
        }
    }

    #[cold]
    fn beyond(&mut self, at: &Position, line: u32) {
        for i in 0..3 {
            let (low, high) = (self.reach.min[i] + SLACK, self.reach.max[i] - SLACK);
            let name = b"XYZ"[i];
            let below = at[i] < self.reach.min[i];
            if !below && at[i] <= self.reach.max[i] {
                continue;
            }
            let v = at[i];
            let over = if below { low - v } else { v - high };
            let finding = self.add(Severity::Error, "check/envelope", 2 * i as u32 + u32::from(below), line, || {
                let axis = char::from(name);
                format!("{axis} goes to {v:.3} mm, {over:.3} mm beyond what the machine reaches ({low:.3} to {high:.3})")
            });
            if let Some(f) = finding {
                (f.letter, f.at) = (Some(name), Some([at[0], at[1]]));
                f.hint = Some("set the work zero elsewhere, turn the job, or take a larger machine");
            }
        }
    }

    /// As [`Inner::reaches`], for a tool with an offset (G43): the machine's axes are beside its tip.
    #[inline]
    fn reaches_with(&mut self, tip: &Position, offset: Position, line: u32) {
        if offset == [0.0; 3] {
            self.reaches(tip, line);
        } else {
            self.reaches_beside(tip, offset, line);
        }
    }

    #[cold]
    fn reaches_beside(&mut self, tip: &Position, offset: Position, line: u32) {
        let e = self.extents.get_or_insert(Extents { min: *tip, max: *tip });
        for i in 0..3 {
            e.min[i] = e.min[i].min(tip[i]);
            e.max[i] = e.max[i].max(tip[i]);
        }
        let kept = *e;
        let z = tip[2] + offset[2];
        let [low, high] = self.holder.unwrap_or([z, z]);
        self.holder = Some([low.min(z), high.max(z)]);
        // Where z = 0 lies for another tool's length is not known, unless it was said.
        let z = if self.z_known { z } else { tip[2].clamp(self.reach.min[2], self.reach.max[2]) };
        self.reaches(&[tip[0] + offset[0], tip[1] + offset[1], z], line);
        self.extents = Some(kept);
    }

    fn motion(&mut self, state: &State, m: &Move, line: u32) {
        let shift = state.tool_offset;
        match m.kind {
            Kind::Arc { center, counter_clockwise } => {
                let (a, b) = (Point::new(m.from[0], m.from[1]), Point::new(m.to[0], m.to[1]));
                let box_ = Piece::arc(a, b, center, counter_clockwise).bounds();
                self.reaches_with(&[box_.min.x, box_.min.y, m.from[2]], shift, line);
                self.reaches_with(&[box_.max.x, box_.max.y, m.to[2]], shift, line);
                self.moves -= 1;
            }
            _ => self.reaches_with(&m.to, shift, line),
        }
        if m.e != 0.0 {
            self.extrudes(m.e, line, || m.length());
        }
        if self.known {
            self.in_the_stock(state, m, line);
        }
        self.known = true;
    }

    /// Rapids and plunges below the stock's top, and cuts with a tool at rest.
    fn in_the_stock(&mut self, state: &State, m: &Move, line: u32) {
        let kind = self.machine.kind;
        let rapid = m.kind == Kind::Rapid;
        match kind {
            MachineKind::Router | MachineKind::Knife => {
                let top = self.top;
                if in_work(kind, top, state, m).is_none() || !self.over_stock(m) {
                    return;
                }
                let sideways = m.from[0] != m.to[0] || m.from[1] != m.to[1];
                if rapid && sideways && m.from[2].max(m.to[2]) < top {
                    let z = m.from[2].min(m.to[2]);
                    self.warn("check/rapid-in-stock", line, b'G', || {
                        format!("a rapid at z {z:.3} mm, below the top of the stock (z = {top})")
                    });
                } else if rapid && m.to[2] < m.from[2] {
                    let z = m.to[2];
                    self.warn("check/plunge-at-rapid", line, b'Z', || {
                        format!("a rapid goes down to z {z:.3} mm, below the top of the stock (z = {top})")
                    });
                }
                if !rapid && kind == MachineKind::Router && state.spindle == Spindle::Off {
                    let z = m.to[2].min(m.from[2]);
                    self.warn("check/spindle-off", line, b'G', || {
                        format!("cuts at z {z:.3} mm with the spindle off")
                    });
                }
            }
            MachineKind::Plasma if rapid && state.torch == Torch::Cut => {
                self.warn("check/rapid-with-torch", line, b'G', || "a rapid with the torch burning".into());
            }
            _ => {}
        }
    }

    /// True when a move passes over the stock, seen from above.
    fn over_stock(&self, m: &Move) -> bool {
        let Some(stock) = self.stock else { return true };
        // The part of the move between the stock's sides, as fractions of it. An arc is taken for its chord.
        let (mut enters, mut leaves) = (0.0f64, 1.0f64);
        for i in 0..2 {
            let (from, way) = (m.from[i], m.to[i] - m.from[i]);
            let (a, b) = ((stock.min[i] - from) / way, (stock.max[i] - from) / way);
            if way == 0.0 {
                leaves = if from > stock.min[i] && from < stock.max[i] { leaves } else { -1.0 };
            } else {
                (enters, leaves) = (enters.max(a.min(b)), leaves.min(a.max(b)));
            }
        }
        enters <= leaves
    }

    /// Filament goes in by `e` mm, along a way of so many mm.
    #[inline]
    fn extrudes(&mut self, e: f64, line: u32, length: impl FnOnce() -> f64) {
        let Some(p) = &self.machine.printer else { return };
        let hottest = self.hottest.get(self.tool).copied().unwrap_or(0.0);
        if hottest < p.hotend_c[0] {
            self.cold(hottest, line);
        } else if e > 0.0 {
            let target = self.hotends.get(self.tool).copied().unwrap_or(0.0);
            if target < p.hotend_c[0] {
                self.cooled(target, e, line);
            } else if !self.waited {
                self.impatient(target, line);
            }
        }
        if e > 0.0 && self.machine.post.dialect == Dialect::Klipper {
            let (length, most) = (length(), most_ratio(p));
            if e > most * length && length > 0.0 && e > p.nozzle * most {
                self.too_thick(e / length, most, p, line);
            }
        }
    }

    #[cold]
    fn cold(&mut self, target: f64, line: u32) {
        if !self.heated && self.macros {
            return;
        }
        let Some(p) = &self.machine.printer else { return };
        let coldest = p.hotend_c[0];
        // Whoever never heats may do so by hand; whoever sets a low target did it on purpose or by mistake.
        let severity = if self.heated { Severity::Error } else { Severity::Warning };
        let heated = self.heated;
        let finding = self.add(severity, "check/cold-extrusion", u32::from(heated), line, || {
            if heated {
                format!("moves filament with the nozzle set to {target:.0} °C; below {coldest:.0} °C the controller refuses")
            } else {
                "moves filament and never heated the nozzle".to_owned()
            }
        });
        if let Some(f) = finding {
            f.letter = Some(b'E');
            f.hint = Some("heat and wait first (M109)");
        }
    }

    #[cold]
    fn impatient(&mut self, target: f64, line: u32) {
        self.waited = true;
        self.warn("check/not-warm", line, b'E', || {
            format!("moves filament without waiting for {target:.0} °C (M109)")
        });
    }

    #[cold]
    fn too_thick(&mut self, ratio: f64, most: f64, p: &Printer, line: u32) {
        let area = std::f64::consts::PI * 0.25 * p.filament * p.filament;
        let finding = self.add(Severity::Error, "check/over-extrusion", 0, line, || {
            format!(
                "a road of {:.3} mm² in section; Klipper stops above {:.3} mm² (max_extrude_cross_section)",
                ratio * area,
                most * area
            )
        });
        if let Some(f) = finding {
            f.letter = Some(b'E');
        }
    }

    fn other(&mut self, state: &State, command: &Command, line: u32) {
        match command {
            Command::Feed(speed) => {
                let v = speed.mm_per_min();
                // Printers are told to travel as fast as they can by any large feed.
                if v > self.fastest * 1.000_001 && self.machine.kind != MachineKind::Printer {
                    let fastest = self.fastest;
                    self.warn("check/feed-range", line, b'F', || {
                        format!("a feed of {v:.0} mm/min; no axis is faster than {fastest:.0} mm/min")
                    });
                }
            }
            Command::Spindle(Spindle::Clockwise { rpm } | Spindle::CounterClockwise { rpm }) => {
                self.rpm(*rpm, line);
            }
            Command::Laser(Laser::Constant { power } | Laser::Dynamic { power }) if *power > 1.000_001 => {
                let (percent, full) = (power * 100.0, self.machine.process.laser_full_s);
                self.warn("check/laser-power", line, b'S', || {
                    format!("{percent:.0} % of the laser's power; full is S{full}")
                });
            }
            Command::Dwell { seconds } if *seconds > 0.0 => {
                if let Laser::Constant { power } = state.laser
                    && power > 0.0
                    && self.machine.kind == MachineKind::Laser
                {
                    self.warn("check/laser-at-rest", line, b'G', || {
                        "waits with the laser on at constant power (M3): it burns where it stands".into()
                    });
                }
            }
            Command::ToolChange { number } => self.tool(*number, line),
            Command::Temperature { heater, target_c, wait } => {
                self.temperature(*heater, *target_c, *wait, line);
            }
            Command::Filament { e } => self.filament(*e, line),
            Command::Limits(limits) => self.limits(limits, line),
            Command::Native(text) => self.native(text, line),
            _ => {}
        }
    }

    fn rpm(&mut self, rpm: f64, line: u32) {
        let [low, high] = self.machine.process.rpm_range;
        if self.machine.kind != MachineKind::Router || high <= 0.0 {
            return;
        }
        if rpm <= 0.0 {
            self.warn("check/rpm-range", line, b'S', || "the spindle is started at no speed (S0)".into());
        } else if rpm > high * 1.000_001 || rpm < low * 0.999_999 {
            self.warn("check/rpm-range", line, b'S', || {
                format!("{rpm:.0} rpm; the spindle turns at {low:.0} to {high:.0} rpm")
            });
        }
    }

    fn tool(&mut self, number: u32, line: u32) {
        let one = self.machine.printer.as_ref().is_some_and(|p| p.one_nozzle);
        self.tool = if one { 0 } else { number.min(63) as usize };
        if self.machine.kind == MachineKind::Printer {
            self.waited = true;
            return;
        }
        let table = &self.machine.tools;
        if number != 0 && !table.is_empty() && table.iter().all(|t| t.number != number) {
            let finding = self.add(Severity::Info, "check/tool-unknown", number, line, || {
                format!("tool {number} is not in the machine's table")
            });
            if let Some(f) = finding {
                f.letter = Some(b'T');
            }
        }
    }

    /// The nozzle was hot, and is to be cold: it takes its time, but not for long.
    #[cold]
    fn cooled(&mut self, target: f64, e: f64, line: u32) {
        let Some(coldest) = self.machine.printer.as_ref().map(|p| p.hotend_c[0]) else { return };
        self.pushed_cold = self.pushed_cold.saturating_add((e * 1000.0) as u64);
        let finding = self.add(Severity::Warning, "check/cold-extrusion", COOLED, line, || {
            format!("pushes filament after the nozzle was set to {target:.0} °C; below {coldest:.0} °C the controller refuses")
        });
        if let Some(f) = finding {
            f.letter = Some(b'E');
            f.hint = Some("heat and wait first (M109)");
        }
    }

    /// Pushing on when the nozzle must be cold by now is an error.
    fn weigh_cold(&mut self) {
        if self.pushed_cold > MOST_COLD_UM {
            let late =
                self.findings.iter_mut().filter(|f| f.code == "check/cold-extrusion" && f.key == COOLED);
            late.for_each(|f| f.severity = Severity::Error);
        }
    }

    fn temperature(&mut self, heater: Heater, target: f64, wait: Wait, line: u32) {
        let (most, name) = match (&self.machine.printer, heater) {
            (Some(p), Heater::Hotend(_)) => (p.hotend_c[1], "nozzle"),
            (Some(p), Heater::Bed) => (p.bed_most_c, "bed"),
            _ => return,
        };
        if target > most {
            let finding = self.add(
                Severity::Error,
                "check/temperature",
                u32::from(heater == Heater::Bed),
                line,
                || format!("{target:.0} °C for the {name}; the machine allows {most:.0} °C"),
            );
            if let Some(f) = finding {
                f.letter = Some(b'S');
            }
        }
        match heater {
            Heater::Bed => self.bed_c = target,
            Heater::Hotend(n) => {
                let one = self.machine.printer.as_ref().is_some_and(|p| p.one_nozzle);
                let n = if one { 0 } else { usize::from(n.min(63)) };
                if self.hotends.len() <= n {
                    self.hotends.resize(n + 1, 0.0);
                    self.hottest.resize(n + 1, 0.0);
                }
                // A cooler target needs no wait.
                if n == self.tool {
                    self.waited = wait != Wait::No || target <= self.hotends[n];
                }
                self.hotends[n] = target;
                self.hottest[n] = self.hottest[n].max(target);
                self.heated |= target > 0.0;
            }
            Heater::Chamber => {}
        }
    }

    fn filament(&mut self, e: f64, line: u32) {
        self.moves += 1;
        self.extrudes(e, line, || 0.0);
        let (most, severity) = match self.machine.post.dialect {
            Dialect::Klipper => (KLIPPER_FILAMENT, Severity::Error),
            Dialect::Marlin => (MARLIN_FILAMENT, Severity::Error),
            _ => return,
        };
        if e.abs() > most && self.machine.printer.is_some() {
            let finding = self.add(severity, "check/filament-length", 0, line, || {
                format!("{:.1} mm of filament in one move; the controller allows {most:.0} mm", e.abs())
            });
            if let Some(f) = finding {
                f.letter = Some(b'E');
            }
        }
    }

    fn limits(&mut self, limits: &Limits, line: u32) {
        let wild = limits.acceleration.is_some_and(|a| a > 100_000.0);
        if wild {
            self.warn("check/wild-limits", line, b'M', || {
                "sets an acceleration of more than 100,000 mm/s²".to_owned()
            });
        }
    }

    /// Commands of the controller that have no canonical meaning.
    fn native(&mut self, text: &str, line: u32) {
        self.macros |= text.bytes().next().is_some_and(|b| !matches!(b, b'M' | b'G' | b'm' | b'g'));
        let word = text.split_ascii_whitespace().next().unwrap_or_default();
        let writes = ["M500", "M502", "SAVE_CONFIG", "FIRMWARE_RESTART", "RESTART", "M997"];
        if writes.iter().any(|w| word.eq_ignore_ascii_case(w)) {
            let word = word.to_owned();
            let finding = self.add(Severity::Warning, "check/writes-settings", 0, line, || {
                format!("{word} changes what the machine keeps, and every later job with it")
            });
            if let Some(f) = finding {
                f.hint = Some("send it by hand, not with a job");
            }
        }
    }

    fn at_the_end(&mut self, state: &State) {
        if self.moves == 0 {
            self.add(Severity::Warning, "check/nothing-moves", 0, 0, || "the program moves nothing".into());
            return;
        }
        if self.machine.printer.is_some() && !self.macros {
            let nozzle = self.hotends.iter().any(|t| *t > 0.0);
            if nozzle || self.bed_c > 0.0 {
                let what = match (nozzle, self.bed_c > 0.0) {
                    (true, true) => "nozzle and bed",
                    (true, false) => "the nozzle",
                    _ => "the bed",
                };
                self.add(Severity::Warning, "check/heater-left-on", 0, 0, || {
                    format!("the program ends with {what} heated")
                });
            }
        }
        let inside = |s: Extents| (0..2).all(|i| state.at[i] > s.min[i] && state.at[i] < s.max[i]);
        let below = state.at[2] < self.top
            && self.machine.kind == MachineKind::Router
            && self.stock.is_none_or(inside);
        let axis = self.machine.axes[2];
        if let Some([low, high]) = self.holder.filter(|h| h[1] - h[0] > axis.max - axis.min + SLACK) {
            let (way, travel) = (high - low, axis.max - axis.min);
            self.add(Severity::Error, "check/envelope", 9, 0, || {
                format!("with its tools' offsets the program moves z over {way:.3} mm; the machine has {travel:.3} mm")
            });
        }
        if below {
            let z = state.at[2];
            self.add(Severity::Warning, "check/ends-in-stock", 0, 0, || {
                format!("the program ends with the tool at z {z:.3} mm, below the top of the stock")
            });
        }
    }
}

/// Klipper's default max_extrude_cross_section, 4·nozzle², as filament per mm of way.
fn most_ratio(p: &Printer) -> f64 {
    4.0 * p.nozzle * p.nozzle / (std::f64::consts::PI * 0.25 * p.filament * p.filament)
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
