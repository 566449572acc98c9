//! The program as the proof sees it: what happens in the work, in order, and what can be judged while reading.

use super::{Findings, ProofFigures};
use crate::motion::{Event, Kind, Move, Place, State, in_work, walk};
use crate::piece::Piece;
use shop_cam::canon::{Command, Section, Spindle, Torch};
use shop_cam::intent::Intent;
use shop_cam::machine::MachineKind;
use shop_geom::Point;

/// The tool moves rapidly.
pub(super) const RAPID: u8 = 1;
/// A scribe or spot mark, which does not cut.
pub(super) const SCRIBE: u8 = 2;
/// Lies wholly on a line that is to be traced, no deeper than that.
pub(super) const ON_LINE: u8 = 4;
/// Stands in a hole that is to be drilled.
pub(super) const IN_DRILL: u8 = 8;

/// One move, or the part of it, in the work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub piece: Piece,
    pub high: f32,
    pub low: f32,
    /// Height at its end: the end of a plunge is its bottom.
    pub line: u32,
    /// Number of the continuous path it belongs to.
    pub run: u32,
    /// Index into the radii.
    pub tool: u8,
    pub flags: u8,
}

impl Work {
    pub fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// True when it does not move sideways.
    pub fn stands(&self) -> bool {
        self.piece.is_line() && (self.piece.b - self.piece.a).norm_squared() <= 1e-8
    }
}

/// Where a path enters the work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pierce {
    pub at: Point,
    pub run: u32,
    pub line: u32,
    pub tool: u8,
}

/// The program in the work.
#[derive(Default)]
pub(super) struct Program {
    pub works: Vec<Work>,
    pub pierces: Vec<Pierce>,
    /// Radius by tool index, mm.
    pub radii: Vec<f64>,
    /// Largest of them.
    pub largest: f64,
}

impl Program {
    pub fn radius(&self, tool: u8) -> f64 {
        self.radii[tool as usize]
    }
}

/// Depths closer than this are the same, mm.
pub(super) const SAME_DEPTH: f64 = 0.01;
/// A rapid must move sideways by more than this to count as sideways, mm.
pub(super) const SIDEWAYS: f64 = 1e-4;

struct Reader<'a> {
    intent: &'a Intent,
    program: Program,
    numbers: Vec<u32>,
    findings: &'a mut Findings,
    figures: &'a mut ProofFigures,
    run: u32,
    /// The last move was in the work and this one may continue it.
    running: bool,
    beam_seen: bool,
    first_cut: Option<(u32, Point)>,
    lowest: f64,
    lowest_at: (u32, Point),
    /// Axes that the program has moved: where the others stand is not known.
    placed: [bool; 3],
    ended: bool,
}

/// Reads the program; notes what is wrong with its state, arcs and extents.
pub(super) fn read(
    intent: &Intent,
    sections: &[Section],
    findings: &mut Findings,
    figures: &mut ProofFigures,
) -> Program {
    let mut reader = Reader {
        intent,
        program: Program::default(),
        numbers: Vec::new(),
        findings,
        figures,
        run: 0,
        running: false,
        beam_seen: false,
        first_cut: None,
        lowest: f64::INFINITY,
        lowest_at: (0, Point::origin()),
        placed: [false; 3],
        ended: false,
    };
    // Where the machine stands before the first move is not known; above the work is the usual place.
    let start = [0.0, 0.0, intent.top.max(0.0)];
    let mut last = State::new(start);
    let mut moved = false;
    walk(sections, start, |state, place, event| match event {
        Event::Move(m) => {
            reader.motion(state, place, &m, moved);
            moved = true;
            last = state.clone();
        }
        Event::Other(command) => {
            reader.command(state, place, command);
            last = state.clone();
        }
    });
    reader.close(sections, &last);
    let mut program = reader.program;
    if program.radii.is_empty() {
        let width = intent.diameters.first().map_or(0.0, |d| d.1);
        program.radii.push(0.5 * width);
    }
    program.largest = program.radii.iter().copied().fold(0.0, f64::max);
    program
}

impl Reader<'_> {
    fn command(&mut self, state: &State, place: Place, command: &Command) {
        match command {
            Command::Torch(torch) => {
                if *torch != Torch::Off
                    && state.torch == Torch::Off
                    && self.intent.kind == MachineKind::Plasma
                {
                    self.beam_seen = true;
                    self.begin_run(state, place, Point::new(state.at[0], state.at[1]));
                    self.running = true;
                } else if *torch == Torch::Off {
                    self.running = false;
                }
            }
            Command::Laser(_) => self.running = false,
            Command::End => {
                self.ended = true;
                let on = state.spindle != Spindle::Off || state.torch != Torch::Off || state.laser_on();
                if on {
                    self.findings.warning("proof/left-on", 0.0, None, || {
                        format!(
                            "{}spindle, torch or laser is still on when the program ends",
                            at_line(place.line)
                        )
                    });
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, sections: &[Section], last: &State) {
        let figures = &mut *self.figures;
        figures.pierces = self.program.pierces.len();
        if !self.ended && sections.iter().any(|s| !s.commands.is_empty()) {
            // A controller that has no word for it stops where the text does.
            if self.intent.must_end {
                self.findings
                    .warning("proof/no-end", 0.0, None, || "the program has no end (M2 or M30)".to_owned());
            }
            if last.spindle != Spindle::Off || last.torch != Torch::Off || last.laser_on() {
                self.findings.error("proof/left-on", 0.0, None, || {
                    "spindle, torch or laser is left on after the last line".to_owned()
                });
            }
        }
        let beam = matches!(self.intent.kind, MachineKind::Plasma | MachineKind::Laser);
        if beam
            && !self.beam_seen
            && let Some((line, at)) = self.first_cut
        {
            self.findings.error("proof/no-spindle", 0.0, Some(at), || {
                format!("{}the program cuts, but the torch or laser is never on", at_line(line))
            });
        }
        self.depth();
    }

    /// Judges the deepest point against the deepest goal.
    fn depth(&mut self) {
        let bottoms = super::goal_bottoms(self.intent);
        let wanted = bottoms.fold(f64::INFINITY, f64::min);
        let deeper = wanted - self.lowest;
        if !deeper.is_finite() || deeper <= DEEPER_THAN_NEEDED {
            return;
        }
        let (line, at) = self.lowest_at;
        let message =
            || format!("{}the tool goes {deeper:.3} mm below the deepest goal, z {wanted:.3}", at_line(line));
        if deeper > MUCH_DEEPER {
            self.findings.error("proof/too-deep", deeper, Some(at), message);
        } else {
            self.findings.warning("proof/too-deep", deeper, Some(at), message);
        }
    }

    fn begin_run(&mut self, state: &State, place: Place, at: Point) {
        self.run += 1;
        let tool = self.tool(state.tool, place);
        self.program.pierces.push(Pierce { at, run: self.run, line: place.line, tool });
    }

    /// Returns the index of the radius of tool `number`.
    fn tool(&mut self, number: u32, place: Place) -> u8 {
        if let Some(i) = self.numbers.iter().position(|&n| n == number) {
            return i as u8;
        }
        let table = &self.intent.diameters;
        let width = (table.iter().find(|d| d.0 == number))
            .or_else(|| table.iter().find(|d| d.0 == 0))
            .or_else(|| if table.len() == 1 { table.first() } else { None });
        if width.is_none() {
            self.findings.error("proof/tool", 0.0, None, || {
                format!("{}the diameter of tool {number} is not known", at_line(place.line))
            });
        }
        let width = width.or(table.first()).map_or(0.0, |d| d.1);
        if self.numbers.len() == 255 {
            return 254;
        }
        self.numbers.push(number);
        self.program.radii.push(0.5 * width.max(0.0));
        (self.numbers.len() - 1) as u8
    }

    fn motion(&mut self, state: &State, place: Place, m: &Move, moved: bool) {
        let (a, b) = (Point::new(m.from[0], m.from[1]), Point::new(m.to[0], m.to[1]));
        let piece = match m.kind {
            Kind::Arc { center, counter_clockwise } => {
                self.arc(place, a, b, center);
                Piece::arc(a, b, center, counter_clockwise)
            }
            _ => Piece::line(a, b),
        };
        let rapid = m.kind == Kind::Rapid;
        let length = piece.length().hypot(m.to[2] - m.from[2]);
        self.extents(place, &piece, m);
        if !rapid && length > 0.0 {
            if state.feed.is_none() {
                self.findings.error("proof/no-feed", 0.0, Some(a), || {
                    format!("{}a cutting move before any feed is set", at_line(place.line))
                });
            }
            self.first_cut.get_or_insert((place.line, a));
        }
        self.beam_seen |= state.laser_on();
        let clip = in_work(self.intent.kind, self.intent.top, state, m);
        if rapid && moved {
            self.figures.rapid_length += length;
        }
        let Some((from, to)) = clip else {
            self.running = false;
            return;
        };
        if length == 0.0 {
            return;
        }
        let z = |t: f64| m.from[2] + t * (m.to[2] - m.from[2]);
        self.enter(state, place, piece.part(from, to), [z(from), z(to)], rapid);
        if to < 1.0 {
            self.running = false;
        }
    }

    fn enter(&mut self, state: &State, place: Place, piece: Piece, z: [f64; 2], rapid: bool) {
        let router = matches!(self.intent.kind, MachineKind::Router | MachineKind::Knife);
        if !self.running {
            self.begin_run(state, place, piece.a);
            self.running = true;
        }
        let (high, low) = (z[0].max(z[1]), z[0].min(z[1]));
        let mut flags = if rapid { RAPID } else { 0 };
        if matches!(state.torch, Torch::Scribe | Torch::Spot) && self.intent.kind == MachineKind::Plasma {
            flags |= SCRIBE;
        }
        let tool = self.tool(state.tool, place);
        if !rapid {
            self.figures.cut_length += piece.length().hypot(high - low);
            if self.intent.kind == MachineKind::Router && state.spindle == Spindle::Off {
                self.findings.error("proof/no-spindle", 0.0, Some(piece.a), || {
                    format!("{}the tool cuts while the spindle is off", at_line(place.line))
                });
            }
            if router && low < self.lowest {
                (self.lowest, self.lowest_at) = (low, (place.line, piece.b));
            }
        }
        if let Some(sheet) = &self.intent.sheet {
            let out = outside(&piece, sheet);
            if out > ON_SHEET {
                self.findings.error("proof/sheet", out, Some(piece.b), || {
                    format!("{}the cut leaves the sheet by {out:.3} mm", at_line(place.line))
                });
            }
        }
        self.program.works.push(Work {
            piece,
            high: high as f32,
            low: low as f32,
            line: place.line,
            run: self.run,
            tool,
            flags,
        });
    }

    /// Judges an arc as both controller families do.
    fn arc(&mut self, place: Place, a: Point, b: Point, center: Point) {
        let (r0, r1) = ((a - center).norm(), (b - center).norm());
        let error = (r0 - r1).abs();
        self.figures.arcs += 1;
        self.figures.arc_mismatch = self.figures.arc_mismatch.max(error);
        let relative = error / r0.max(r1).max(1e-12);
        // GRBL 1.1 gcode.c: error 33. LinuxCNC 2.9, measured with its stand-alone interpreter.
        let grbl = error > 0.5 || (error > 0.005 && error > 0.001 * r0);
        let linuxcnc = error > 2.83 || (error > 0.0283 && relative > 0.001);
        let empty = r0.max(r1) < 1e-6;
        if grbl || linuxcnc || empty {
            let who = match (grbl, linuxcnc) {
                (true, true) => "GRBL and LinuxCNC refuse it",
                (true, false) => "GRBL refuses it",
                (false, true) => "LinuxCNC refuses it",
                (false, false) => "it has no radius",
            };
            self.findings.error("proof/arc", error, Some(b), || {
                format!(
                    "{}the arc's radius is {r0:.4} mm at its start and {r1:.4} mm at its end; {who}",
                    at_line(place.line)
                )
            });
        }
    }

    fn extents(&mut self, place: Place, piece: &Piece, m: &Move) {
        let Some(envelope) = &self.intent.envelope else { return };
        let b = piece.bounds();
        let span = [[b.min.x, b.max.x], [b.min.y, b.max.y], [m.from[2].min(m.to[2]), m.from[2].max(m.to[2])]];
        // The start of the first move is not known; its end is the start of the next.
        for axis in 0..3 {
            self.placed[axis] |= m.to[axis] != m.from[axis] || span[axis][0] < span[axis][1];
            if !self.placed[axis] {
                continue;
            }
            let [low, high] = if piece.is_line() { [m.to[axis]; 2] } else { span[axis] };
            let out = (envelope[axis][0] - low).max(high - envelope[axis][1]);
            if out > self.figures.envelope_excess {
                self.figures.envelope_excess = out;
            }
            if out > ON_SHEET {
                let name = ["X", "Y", "Z"][axis];
                self.findings.error("proof/envelope", out, Some(piece.b), || {
                    format!("{}{name} leaves the machine's travel by {out:.3} mm", at_line(place.line))
                });
            }
        }
    }
}

/// Outside by less than this is rounding of the program's text, mm.
const ON_SHEET: f64 = 1e-3;
/// Deeper than the deepest goal by this is worth a word (a spoilboard takes a few tenths), mm.
const DEEPER_THAN_NEEDED: f64 = 0.5;
/// Deeper by this is a mistake, mm.
const MUCH_DEEPER: f64 = 5.0;

fn outside(piece: &Piece, area: &shop_geom::Aabb) -> f64 {
    let b = piece.bounds();
    (area.min.x - b.min.x).max(area.min.y - b.min.y).max(b.max.x - area.max.x).max(b.max.y - area.max.y)
}

/// Returns the program line as the beginning of a message.
pub(super) fn at_line(line: u32) -> String {
    if line == 0 { String::new() } else { format!("line {line}: ") }
}
