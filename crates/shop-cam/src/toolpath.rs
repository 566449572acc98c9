//! Toolpaths: what the tool does while it is engaged, and their lowering to canonical commands.
//!
//! A [`Pass`] is one continuous engaged path, from the pierce or plunge to torch off or retract, as exact lines and
//! arcs; a [`Toolpath`] is the ordered passes of one part or operation with one tool. [`lower`] adds what lies
//! between the passes — rapids at a safe height, pierces, spindle, torch and beam — and knows everything about
//! process and nothing about dialects. Every toolpath becomes one section, so posting and checking run in parallel.

use crate::Speed;
use crate::canon::{Command, Drill, Laser, Position, Role, Section, Spindle, Torch};
use crate::machine::{Cut, MachineKind, TorchControl};
use crate::settings::Settings;
use rayon::prelude::*;
use shop_geom::{Point, Segment};
use std::fmt::Write as _;

/// What a piece of a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PieceKind {
    /// From the pierce onto the path.
    LeadIn,
    /// Going down along the path.
    Ramp,
    /// The cut itself.
    Cut,
    /// The cut's start once more.
    Overburn,
    /// Off the path.
    LeadOut,
    /// Turning a blade in a corner.
    Swivel,
    /// Straight up or down in place, at a tab or between layers.
    Lift,
    /// From one ring of a pocket to the next.
    Link,
}

/// One piece of a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// The piece in x and y; a line without length goes straight up or down.
    pub segment: Segment,
    /// Height at its end, mm. Beams and torches that look after themselves stay at 0.
    pub z: f64,
    /// What it is for.
    pub kind: PieceKind,
    /// Feed in percent of the toolpath's.
    pub feed_percent: f32,
}

/// One continuous engaged path.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// Height at its start, mm.
    pub z: f64,
    /// The pieces; each starts where the one before ends.
    pub pieces: Vec<Piece>,
    /// True when the torch height control may follow the sheet.
    pub height_control: bool,
    /// How the torch burns.
    pub torch: Torch,
    /// Laser power, fraction of full.
    pub power: f64,
    /// Least distance from the pierce to any path, mm, if it was looked for.
    pub clearance: Option<f64>,
    /// Places the rapid before this pass goes through, to get around cut-outs that may have tipped up.
    pub detour: Vec<Point>,
    /// True when the rapid before this pass should be made at twice the safe height.
    pub lift: bool,
}

impl Pass {
    /// Returns an empty pass that starts at height `z`.
    pub fn new(z: f64) -> Self {
        Pass {
            z,
            pieces: Vec::new(),
            height_control: true,
            torch: Torch::Cut,
            power: 1.0,
            clearance: None,
            detour: Vec::new(),
            lift: false,
        }
    }

    /// Adds a piece at the height of the one before.
    pub fn add(&mut self, segment: Segment, kind: PieceKind, feed_percent: f32) {
        let z = self.pieces.last().map_or(self.z, |p| p.z);
        self.pieces.push(Piece { segment, z, kind, feed_percent });
    }

    /// Returns where the tool enters.
    pub fn start(&self) -> Option<Point> {
        self.pieces.first().map(|p| p.segment.start())
    }

    /// Returns where it leaves.
    pub fn end(&self) -> Option<Point> {
        self.pieces.last().map(|p| p.segment.end())
    }

    /// Returns the length of its pieces of this kind, mm in x and y.
    pub fn length_of(&self, kind: PieceKind) -> f64 {
        self.pieces.iter().filter(|p| p.kind == kind).map(|p| p.segment.length()).sum()
    }

    /// Returns the length of all pieces, mm in x and y.
    pub fn length(&self) -> f64 {
        self.pieces.iter().map(|p| p.segment.length()).sum()
    }
}

/// The ordered passes of one part or operation, with one tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Toolpath {
    /// What it is for.
    pub role: Role,
    /// Name for people.
    pub label: String,
    /// T number; 0 is the machine without a tool table.
    pub tool: u32,
    /// Spindle speed, rpm.
    pub rpm: f64,
    /// Feed.
    pub feed: Speed,
    /// Feed straight down.
    pub plunge: Speed,
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// Holes to drill, in order, after the passes.
    pub drills: Vec<Drill>,
}

impl Toolpath {
    /// Returns an empty toolpath of the main tool.
    pub fn new(role: Role, label: impl Into<String>, settings: &Settings) -> Self {
        Toolpath {
            role,
            label: label.into(),
            tool: settings.tool,
            rpm: settings.rpm,
            feed: settings.feed,
            plunge: settings.plunge,
            passes: Vec::new(),
            drills: Vec::new(),
        }
    }

    /// Returns where the tool first goes.
    pub fn start(&self) -> Option<Point> {
        self.passes.iter().find_map(Pass::start).or(self.drills.first().map(|d| d.at))
    }

    /// Returns where it is last.
    pub fn end(&self) -> Option<Point> {
        self.drills.last().map(|d| d.at).or(self.passes.iter().rev().find_map(Pass::end))
    }
}

/// Lowers toolpaths to canonical sections: a header, one section per toolpath, a footer.
///
/// The machine may stand anywhere when the program starts: a post must raise z before the first rapid in x and y.
/// Between sections the tool is off and at the safe height. Beams, and torches whose controller moves z, stay at
/// z = 0 throughout; a dialect for those machines leaves the z word out. Linear; sections are made in parallel.
pub fn lower(toolpaths: &[Toolpath], settings: &Settings) -> Vec<Section> {
    let used: Vec<&Toolpath> = toolpaths
        .iter()
        .filter(|t| t.drills.len() + t.passes.iter().map(|p| p.pieces.len()).sum::<usize>() > 0)
        .collect();
    let mut out = Vec::with_capacity(used.len() + 2);
    out.push(header(settings));
    let before = |i: usize| i.checked_sub(1).and_then(|k| used.get(k).copied());
    out.par_extend((0..used.len()).into_par_iter().map(|i| Lowering::section(used[i], before(i), settings)));
    out.push(footer(used.last().copied(), settings));
    out
}

fn header(settings: &Settings) -> Section {
    let mut section = Section::new(Role::Header, "header");
    if settings.kind == MachineKind::Plasma {
        match settings.material_number {
            Some(number) => section.commands.push(Command::Material { number }),
            None if settings.torch == TorchControl::Controller => {
                section.commands.push(Command::Comment(temporary_material(settings).into()));
            }
            None => {}
        }
    }
    if settings.air_assist {
        let beam = settings.kind == MachineKind::Laser;
        section.commands.push(Command::Coolant { mist: beam, flood: !beam });
    }
    section
}

/// Returns the comment by which a program brings its own material to QtPlasmaC, for this run only (option 0; LinuxCNC
/// qtplasmac.adoc, "Material Handling"): pierce height and delay, cut height and feed are required.
fn temporary_material(settings: &Settings) -> String {
    let mut text = format!(
        "o=0, ph={}, pd={}, ch={}, fr={}, kw={}, th=1",
        settings.pierce_height,
        settings.pierce_delay,
        settings.cut_height,
        settings.feed.mm_per_min(),
        settings.diameter
    );
    for (key, value) in [("ca", settings.amps), ("cv", settings.volts)] {
        if let Some(value) = value {
            let _ = write!(text, ", {key}={value}");
        }
    }
    text
}

/// Reads such a comment back: what a material says that a program brings itself; none for other comments.
///
/// ```
/// let cut = shop_cam::toolpath::read_material("o=0, ph=3.8, pd=0.4, ch=1.5, fr=2800").expect("a material");
/// assert_eq!((cut.pierce_delay, cut.cut_height), (0.4, 1.5));
/// ```
pub fn read_material(comment: &str) -> Option<Cut> {
    let comment = comment.trim().strip_prefix("o=")?;
    let mut cut = Cut {
        thickness: 0.0,
        number: None,
        kerf: 0.0,
        feed: Speed::default(),
        pierce_height: 0.0,
        pierce_delay: 0.0,
        cut_height: 0.0,
        amps: 0.0,
        volts: 0.0,
        power: 1.0,
        passes: 1,
    };
    for (key, value) in comment.split(',').filter_map(|part| part.split_once('=')) {
        let Some(value) = value.trim().parse::<f64>().ok().filter(|v| v.is_finite()) else { continue };
        match key.trim() {
            "nu" => cut.number = Some(value as u32),
            "ph" => cut.pierce_height = value,
            "pd" => cut.pierce_delay = value.max(0.0),
            "ch" => cut.cut_height = value,
            "fr" => cut.feed = Speed::from_mm_per_min(value),
            "kw" => cut.kerf = value,
            "ca" => cut.amps = value,
            "cv" => cut.volts = value,
            _ => {}
        }
    }
    Some(cut)
}

fn footer(last: Option<&Toolpath>, settings: &Settings) -> Section {
    let mut section = Section::new(Role::Footer, "footer");
    match settings.kind {
        MachineKind::Router => section.commands.push(Command::Spindle(Spindle::Off)),
        MachineKind::Laser => section.commands.push(Command::Laser(Laser::Off)),
        MachineKind::Plasma => section.commands.push(Command::Torch(Torch::Off)),
        MachineKind::Knife | MachineKind::Printer => {}
    }
    if settings.air_assist {
        section.commands.push(Command::Coolant { mist: false, flood: false });
    }
    if let Some(p) = last.and_then(Toolpath::end) {
        // The spindle stops only above the work.
        let z = Lowering::travel_height(settings);
        section.commands.insert(0, Command::Rapid { to: [p.x, p.y, z] });
    }
    section.commands.push(Command::End);
    section
}

/// The state while one section is written.
struct Lowering<'a> {
    settings: &'a Settings,
    out: Vec<Command>,
    at: Option<Position>,
    feed: f64,
    height_control: bool,
    percent: f64,
}

impl Lowering<'_> {
    fn section(path: &Toolpath, before: Option<&Toolpath>, settings: &Settings) -> Section {
        let pieces: usize = path.passes.iter().map(|p| p.pieces.len() + 8).sum();
        let mut state = Lowering {
            settings,
            out: Vec::with_capacity(pieces + path.drills.len() + 4),
            at: None,
            feed: f64::NAN,
            height_control: true,
            percent: 100.0,
        };
        state.tool(path, before);
        for pass in &path.passes {
            match settings.kind {
                MachineKind::Plasma => state.plasma(path, pass),
                MachineKind::Laser => state.laser(path, pass),
                _ => state.cutter(path, pass),
            }
        }
        if !path.drills.is_empty() {
            state.feed(path.plunge.mm_per_min());
            state.out.extend(path.drills.iter().map(|d| Command::Drill(Box::new(*d))));
        }
        Section { role: path.role, label: path.label.clone(), commands: state.out, lines: Vec::new() }
    }

    /// Height of travel between passes.
    fn travel_height(settings: &Settings) -> f64 {
        match (settings.kind, settings.torch) {
            (MachineKind::Laser, _) | (MachineKind::Plasma, TorchControl::Controller) => 0.0,
            _ => settings.safe_height,
        }
    }

    fn tool(&mut self, path: &Toolpath, before: Option<&Toolpath>) {
        if self.settings.kind != MachineKind::Router {
            return;
        }
        let changes = before.is_none_or(|b| b.tool != path.tool);
        if changes {
            if before.is_some() {
                self.out.push(Command::Spindle(Spindle::Off));
            }
            if path.tool > 0 {
                self.out.push(Command::ToolChange { number: path.tool });
            }
        }
        if changes || before.is_some_and(|b| b.rpm != path.rpm) {
            self.out.push(Command::Spindle(Spindle::Clockwise { rpm: path.rpm }));
            if self.settings.spin_up_s > 0.0 {
                self.out.push(Command::Dwell { seconds: self.settings.spin_up_s });
            }
        }
    }

    fn feed(&mut self, mm_per_min: f64) {
        if self.feed != mm_per_min {
            self.feed = mm_per_min;
            self.out.push(Command::Feed(Speed::from_mm_per_min(mm_per_min)));
        }
    }

    fn rapid(&mut self, to: Position) {
        if self.at != Some(to) {
            self.at = Some(to);
            self.out.push(Command::Rapid { to });
        }
    }

    fn line(&mut self, to: Position) {
        if self.at != Some(to) {
            self.at = Some(to);
            self.out.push(Command::Line { to });
        }
    }

    /// Travels to above the start of a pass.
    fn approach(&mut self, pass: &Pass, start: Point) {
        let height = Self::travel_height(self.settings);
        let z = if pass.lift { 2.0 * height } else { height };
        if let Some(at) = self.at.filter(|at| at[2] < z) {
            self.rapid([at[0], at[1], z]);
        }
        for via in &pass.detour {
            self.rapid([via.x, via.y, z]);
        }
        self.rapid([start.x, start.y, z]);
    }

    /// Follows the pieces at `base` + their own height.
    fn follow(&mut self, path: &Toolpath, pass: &Pass, base: f64, scale_in_feed: bool) {
        let (feed, plunge) = (path.feed.mm_per_min(), path.plunge.mm_per_min());
        for piece in &pass.pieces {
            let z = base + piece.z;
            let percent = f64::from(piece.feed_percent);
            let from = self.at.map_or(z, |p| p[2]);
            let upright = piece.kind == PieceKind::Lift;
            if scale_in_feed {
                self.feed(if upright && z < from { plunge } else { feed * percent / 100.0 });
            } else {
                if self.percent != percent {
                    self.percent = percent;
                    self.out.push(Command::CutSpeed { percent });
                }
                self.feed(feed);
            }
            let end = piece.segment.end();
            let to = [end.x, end.y, z];
            match piece.segment {
                Segment::Line(_) => self.line(to),
                Segment::Arc(a) => {
                    self.at = Some(to);
                    self.out.push(Command::Arc { to, center: a.center, counter_clockwise: a.sweep > 0.0 });
                }
            }
        }
    }

    fn cutter(&mut self, path: &Toolpath, pass: &Pass) {
        let Some(start) = pass.start() else { return };
        self.approach(pass, start);
        // Rapidly down to just above the stock, or above where the pass starts when that is higher still.
        let near = self.settings.retract_height.max(pass.z);
        self.rapid([start.x, start.y, near]);
        self.feed(path.plunge.mm_per_min());
        self.line([start.x, start.y, pass.z]);
        self.follow(path, pass, 0.0, true);
        self.up();
    }

    fn up(&mut self) {
        if let Some([x, y, _]) = self.at {
            self.rapid([x, y, Self::travel_height(self.settings)]);
        }
    }

    fn laser(&mut self, path: &Toolpath, pass: &Pass) {
        let Some(start) = pass.start() else { return };
        self.approach(pass, start);
        self.feed(path.feed.mm_per_min() * f64::from(pass.pieces[0].feed_percent) / 100.0);
        let power = pass.power;
        let on =
            if self.settings.laser_dynamic { Laser::Dynamic { power } } else { Laser::Constant { power } };
        self.out.push(Command::Laser(on));
        self.follow(path, pass, 0.0, true);
        self.out.push(Command::Laser(Laser::Off));
    }

    fn plasma(&mut self, path: &Toolpath, pass: &Pass) {
        let Some(start) = pass.start() else { return };
        let settings = self.settings;
        self.approach(pass, start);
        let [x, y] = [start.x, start.y];
        let controlled = settings.torch == TorchControl::Controller;
        if let TorchControl::Probe { reach, offset, feed } = settings.torch {
            self.feed(feed.mm_per_min());
            self.out.push(Command::Probe { to: -reach.abs(), z: offset });
            self.at = None;
        }
        let burns = pass.torch == Torch::Cut;
        if !controlled {
            self.rapid([x, y, if burns { settings.pierce_height } else { settings.cut_height }]);
        }
        self.controller_state(pass, controlled);
        self.out.push(Command::Torch(pass.torch));
        if burns && !controlled && settings.pierce_delay > 0.0 {
            self.out.push(Command::Dwell { seconds: settings.pierce_delay });
        }
        if !controlled && burns {
            self.feed(path.plunge.mm_per_min());
            self.line([x, y, settings.cut_height]);
        }
        self.follow(path, pass, if controlled { 0.0 } else { settings.cut_height }, !controlled);
        self.out.push(Command::Torch(Torch::Off));
        self.restore(controlled);
        self.up();
    }

    /// Sets what a controller with its own height control needs to know before the arc starts.
    fn controller_state(&mut self, pass: &Pass, controlled: bool) {
        if controlled && self.height_control != pass.height_control {
            self.height_control = pass.height_control;
            self.out.push(Command::TorchHeightControl { on: pass.height_control });
        }
    }

    /// Puts it back, so that every section starts from the same state.
    fn restore(&mut self, controlled: bool) {
        if controlled && !self.height_control {
            self.height_control = true;
            self.out.push(Command::TorchHeightControl { on: true });
        }
        if self.percent != 100.0 {
            self.percent = 100.0;
            self.out.push(Command::CutSpeed { percent: 100.0 });
        }
    }
}
