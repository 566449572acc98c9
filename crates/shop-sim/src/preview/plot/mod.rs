//! Pictures of any program, ours or not: the path in space, coloured by what it is.
//!
//! A [`Plot`] is fed command by command and keeps every point of the path, 24 bytes each; arcs are divided into
//! chords. It is drawn from above or in isometric view, as SVG, as PNG, or as one HTML page in which it can be turned,
//! cut into layers, played and measured. The same program gives the same bytes.

mod draw;
mod page;
mod raster;
#[cfg(test)]
mod tests;
mod web;

use crate::motion::{Event, Kind, Move, Place, State, in_work, step};
use crate::piece::Piece;
use shop_cam::canon::{Command, Role};
use shop_cam::chords::Chords;
use shop_cam::machine::{Machine, MachineKind};
use shop_geom::Point;

/// From where the path is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlotView {
    /// From above.
    #[default]
    Top,
    /// From the front right and above, all axes foreshortened alike.
    Iso,
}

/// What the colours say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlotColour {
    /// Features of a print, else tools where there are several, else heights.
    #[default]
    Auto,
    /// The tool or extruder.
    Tool,
    /// The feed.
    Feed,
    /// What the slicer or the program calls it.
    Feature,
    /// The height.
    Z,
}

/// What a piece of the path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum What {
    /// Not drawn: the path begins here.
    Start = 0,
    /// Rapids and travel.
    Travel = 1,
    /// Work: cutting, burning, laying filament.
    Work = 2,
    /// At the feed, but in the air.
    Air = 3,
}

/// One point with the piece that leads to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dot {
    pub at: [f32; 3],
    pub what: What,
    pub tool: u8,
    pub feature: u16,
    /// mm/min.
    pub feed: f32,
}

/// The path of a program.
pub struct Plot<'a> {
    machine: &'a Machine,
    state: State,
    title: String,
    trail: Trail,
    ended: bool,
}

/// What is drawn.
pub(super) struct Trail {
    pub dots: Vec<Dot>,
    pub tools: Vec<u32>,
    pub features: Vec<String>,
    pub kind: MachineKind,
    /// Fastest of the axes, mm/min: the speed of rapids.
    pub rapid: f32,
    /// Where the machine reaches, work coordinates: least and greatest x, y, z.
    pub bed: [[f64; 3]; 2],
    /// Least and greatest corner of the stock, whose top lies at z = 0.
    pub stock: Option<[[f64; 3]; 2]>,
    /// Something is below the top of the stock. Where nothing is, zero lies elsewhere and every feed counts as work.
    pub works: bool,
    /// Time of the whole, if it is known, s.
    pub total_s: Option<f64>,
    tool: u8,
    feature: u16,
    known: bool,
    chords: Chords,
    /// Length of the program.
    pub bytes: usize,
}

/// Chords of arcs leave them by at most this, mm; finer than any picture.
const CHORD_TOLERANCE: f64 = 0.005;

impl<'a> Plot<'a> {
    /// Returns the path of nothing on this machine.
    pub fn new(machine: &'a Machine, title: &str) -> Self {
        let [x, y, z] = machine.axes;
        let zero = machine.work_zero;
        let rapid = machine.axes[..2].iter().map(|a| a.rapid.mm_per_min()).fold(1.0, f64::max);
        Plot {
            machine,
            state: State::new([0.0, 0.0, machine.process.safe_height.max(0.0)]),
            title: title.to_owned(),
            trail: Trail {
                dots: Vec::new(),
                tools: vec![0],
                features: vec![String::new()],
                kind: machine.kind,
                rapid: rapid as f32,
                bed: [[x.min - zero[0], y.min - zero[1], z.min], [x.max - zero[0], y.max - zero[1], z.max]],
                stock: None,
                works: false,
                total_s: None,
                tool: 0,
                feature: 0,
                known: false,
                chords: Chords::of(0),
                bytes: 0,
            },
            ended: false,
        }
    }

    /// Says how many bytes the program has: so finely its arcs may be divided in all ([`Chords`]).
    #[must_use]
    pub fn of_bytes(mut self, bytes: usize) -> Self {
        self.state.chords = Chords::of(bytes as u64);
        self.trail.chords = self.state.chords;
        self.trail.bytes = bytes;
        self
    }

    /// Says how large the stock is, x, y, z in mm, and where its lower left corner lies; its top is at z = 0.
    pub fn stock(&mut self, [x, y, z]: [f64; 3], corner: [f64; 2], top: f64) {
        let [a, b] = corner;
        let sane = [x, y, z].iter().all(|v| *v >= 0.0) && [x, y, z, a, b, top].iter().all(|v| v.is_finite());
        self.trail.stock = sane.then_some([[a, b, top - z], [a + x, b + y, top]]);
    }

    /// Says how long the program takes.
    pub fn total_s(&mut self, seconds: f64) {
        self.trail.total_s = Some(seconds).filter(|s| s.is_finite() && *s > 0.0);
    }

    /// A section begins.
    pub fn section(&mut self, role: Role, label: &str) {
        let name =
            if label.is_empty() { role.name().to_owned() } else { format!("{}: {label}", role.name()) };
        // A part each would give as many colours as parts; what is done to them tells more.
        let name = name.split(':').next().unwrap_or_default().to_owned();
        self.trail.feature(&name);
    }

    /// Draws one command.
    #[inline]
    pub fn command(&mut self, command: &Command) {
        if self.ended {
            return;
        }
        let (trail, machine) = (&mut self.trail, self.machine);
        match command {
            Command::Extrude { to, e } if to.iter().all(|v| v.is_finite()) => {
                let from = self.state.at;
                self.state.at = *to;
                let what = if *e > 0.0 { What::Work } else { What::Travel };
                trail.reach(from, *to, what, self.state.feed);
            }
            Command::ToolChange { number } => {
                trail.change(*number);
                self.state.tool = *number;
            }
            Command::Feature(name) => trail.feature(name),
            _ => {
                step(&mut self.state, Place { section: 0, line: 0 }, command, &mut |state, _, event| {
                    if let Event::Move(m) = event {
                        trail.add(machine, state, &m);
                    }
                });
                self.ended = *command == Command::End;
            }
        }
    }

    /// Returns how many points the path has.
    pub fn len(&self) -> usize {
        self.trail.dots.len()
    }

    /// True when nothing moves.
    pub fn is_empty(&self) -> bool {
        self.trail.dots.is_empty()
    }

    /// Draws the path as SVG.
    pub fn svg(&self, view: PlotView, colour: PlotColour) -> String {
        draw::svg(&page::lay_out(&self.trail, &self.title, view, colour))
    }

    /// Draws the path as PNG, 1600 pixels wide.
    pub fn png(&self, view: PlotView, colour: PlotColour) -> Vec<u8> {
        draw::png(&page::lay_out(&self.trail, &self.title, view, colour))
    }

    /// Returns one HTML page that needs no network: turn, pan, zoom, layers, play along the time, measure.
    pub fn html(&self, colour: PlotColour) -> String {
        web::write(&self.trail, &self.title, page::resolve(&self.trail, colour))
    }
}

impl Trail {
    fn feature(&mut self, name: &str) {
        let known = self.features.iter().position(|f| f == name);
        let index = known.unwrap_or_else(|| {
            // More names than colours tell nothing apart.
            if self.features.len() < 250 {
                self.features.push(name.to_owned());
            }
            self.features.len() - 1
        });
        self.feature = index as u16;
    }

    fn change(&mut self, number: u32) {
        let known = self.tools.iter().position(|t| *t == number);
        let index = known.unwrap_or_else(|| {
            if self.dots.is_empty() && self.tools == [0] {
                self.tools.clear();
            }
            if self.tools.len() < 250 {
                self.tools.push(number);
            }
            self.tools.len() - 1
        });
        self.tool = index as u8;
    }

    fn add(&mut self, machine: &Machine, state: &State, m: &Move) {
        let travel = m.kind == Kind::Rapid || (machine.printer.is_some() && m.e <= 0.0);
        let what = if travel {
            What::Travel
        } else if in_work(machine.kind, 0.0, state, m).is_some() {
            What::Work
        } else {
            What::Air
        };
        if let Kind::Arc { center, counter_clockwise } = m.kind {
            let (a, b) = (Point::new(m.from[0], m.from[1]), Point::new(m.to[0], m.to[1]));
            let piece = Piece::arc(a, b, center, counter_clockwise);
            let share = (CHORD_TOLERANCE / piece.radius.max(2.0 * CHORD_TOLERANCE)).clamp(0.0, 1.0);
            let n = (piece.sweep.abs() / (2.0 * (1.0 - share).acos())).ceil().clamp(1.0, 720.0) as u32;
            // A corner is no arc: what is beyond the allowance, a loop over what is drawn already, is left out.
            if self.chords.take(n, 0) == 0 {
                self.lift(m.to);
                return;
            }
            let mut from = m.from;
            for i in 1..n {
                let t = f64::from(i) / f64::from(n);
                let p = piece.at(t);
                let to = [p.x, p.y, m.from[2] + (m.to[2] - m.from[2]) * t];
                self.reach(from, to, what, state.feed);
                from = to;
            }
            self.reach(from, m.to, what, state.feed);
        } else {
            self.reach(m.from, m.to, what, state.feed);
        }
    }

    /// Goes on at `to` without drawing.
    fn lift(&mut self, to: [f64; 3]) {
        self.known = true;
        self.push(to.map(|v| v as f32), What::Start, 0.0);
    }

    #[inline]
    fn reach(&mut self, from: [f64; 3], to: [f64; 3], what: What, feed: Option<f64>) {
        let narrow = |p: [f64; 3]| p.map(|v| v as f32);
        if !self.known {
            // Where the tool stands before its first move is nobody's business.
            self.known = true;
            let start = if what == What::Work { from } else { to };
            self.push(narrow(start), What::Start, 0.0);
            if what != What::Work {
                return;
            }
        }
        let feed = if what == What::Travel { self.rapid } else { feed.unwrap_or(0.0) as f32 };
        if from != to {
            self.push(narrow(to), what, feed);
        }
    }

    /// Returns what a piece counts as.
    #[inline]
    pub fn what(&self, dot: &Dot) -> What {
        if dot.what == What::Air && !self.works { What::Work } else { dot.what }
    }

    fn push(&mut self, at: [f32; 3], what: What, feed: f32) {
        self.works |= what == What::Work;
        self.dots.push(Dot { at, what, tool: self.tool, feature: self.feature, feed });
    }
}
