//! Canonical commands to a program's text, as one controller likes it.
//!
//! The rules that all of them accept (RS274/NGC, GRBL's `gcode.c`, measured with LinuxCNC 2.9): one motion word a
//! line; arcs by I and J only, worked out from the rounded ends ([`arc`](self)), at most half a turn; coordinates
//! compared after rounding, so that a move that rounds to nothing is left out and nothing drifts; F on the first
//! feed move of every section and tool; ASCII comments that do not nest; lines no longer than the controller's
//! buffer.
//!
//! Sections are written in parallel: a quick pass works out what is in force where each begins, and each spells its
//! first motion out in full, so that a person can start there. Cost: O(commands), one buffer per section.

mod arc;
mod more;
mod writer;

use crate::dialect::{Rules, rules};
use crate::number::Grid;
use rayon::prelude::*;
use shop_cam::Speed;
use shop_cam::canon::{Command, Laser, MoreAxes, Section, Spindle, Torch};
use shop_cam::chords;
use shop_cam::machine::{Dialect, Machine, MachineKind, TorchControl};
use shop_report::{Checked, Diagnostic, Severity};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use writer::Writer;

/// Chords that arcs may become in all, for a program of any length, and more for each of its lines and commands: each is
/// a line of text, arcs that no controller takes are rare, and what is beyond is no program for a machine.
const MOST_CHORDS: u64 = chords::ALLOWANCE / 2;
const CHORDS_PER_LINE: u64 = 128;
const CHORDS_PER_COMMAND: u64 = 2;

/// What is the same for the whole program.
#[derive(Debug)]
struct Style<'a> {
    machine: &'a Machine,
    dialect: Dialect,
    rules: &'static Rules,
    grid: Grid,
    limit: usize,
    /// The program moves z (else the controller or nobody does).
    z_ours: bool,
    /// Every motion line repeats its G word.
    every_g: bool,
    /// Chords that arcs may become still. What is left in the end does not depend on the order in which sections take
    /// from it, and when it does not suffice, nothing of what was written counts.
    chords: AtomicU64,
}

/// What is in force at some point of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Force {
    /// Where the tip came to, and with which offset of the tool; that offset when it is not the one before.
    position: [Option<f64>; 3],
    came_with: [Option<f64>; 3],
    tool_offset: [Option<f64>; 3],
    /// Axes that looked for their switches and were sent nowhere since: where they are, the profile may have wrong.
    lost: [bool; 3],
    more: MoreAxes,
    feed: Option<f64>,
    percent: Option<f64>,
    material: Option<u32>,
    laser: Option<Laser>,
    spindle: Option<Spindle>,
    torch: Option<Torch>,
    coolant: Option<(bool, bool)>,
    tool: Option<u32>,
    probed: bool,
    /// Some command moves filament.
    extrudes: bool,
    moved: bool,
    ended: bool,
    /// Lowest and highest z, to see whether a laser's head is moved at all.
    z: Option<[f64; 2]>,
}

impl Force {
    /// Returns what is in force after one more command on this machine.
    fn after(mut self, command: &Command, machine: &Machine) -> Force {
        match command {
            Command::Rapid { to } | Command::Line { to } | Command::Arc { to, .. } => self.stand(*to),
            Command::Extrude { to, .. } => {
                self.extrudes = true;
                self.stand(*to);
            }
            Command::Move(m) => {
                self.extrudes |= m.e != 0.0;
                self.more = std::array::from_fn(|i| m.more[i].or(self.more[i]));
                self.stand(m.to);
            }
            Command::Home { axes, to, of_printer } => {
                if *of_printer && homes(machine) {
                    (self.position, self.came_with) = (to.map(Some), self.tool_offset);
                }
                self.lost = std::array::from_fn(|i| self.lost[i] || axes[i]);
            }
            Command::Drill(d) => self.stand([d.at.x, d.at.y, d.clearance]),
            Command::Probe { z, .. } => {
                (self.position[2], self.came_with[2]) = (Some(*z), self.tool_offset[2]);
                self.lost[2] = false;
                self.probed = true;
                self.z = Some([f64::NEG_INFINITY, f64::INFINITY]);
            }
            Command::Feed(speed) => self.feed = Some(speed.mm_per_min()),
            Command::CutSpeed { percent } => self.percent = Some(*percent),
            Command::Material { number } => self.material = Some(*number),
            Command::Laser(l) => self.laser = Some(*l),
            Command::Spindle(s) => self.spindle = Some(*s),
            Command::Torch(t) => self.torch = Some(*t),
            Command::Coolant { mist, flood } => self.coolant = Some((*mist, *flood)),
            Command::ToolChange { number } => self.tool = Some(*number),
            Command::ToolOffset { offset } => self.tool_offset = offset.map(Some),
            Command::End => self.ended = true,
            Command::Filament { .. } => self.extrudes = true,
            Command::FirmwareRetract { .. }
            | Command::FeedMode(_)
            | Command::Factor { .. }
            | Command::PathControl(_)
            | Command::Limits(_)
            | Command::Finish
            | Command::ToolSelect { .. }
            | Command::SurfaceSpeed { .. }
            | Command::Temperature { .. }
            | Command::Fan { .. }
            | Command::FilamentChange
            | Command::Output { .. }
            | Command::Layer { .. }
            | Command::Feature(_)
            | Command::Message(_)
            | Command::Native(_)
            | Command::Dwell { .. }
            | Command::TorchHeightControl { .. }
            | Command::Pause { .. }
            | Command::Comment(_)
            | Command::Verbatim(_) => {}
        }
        self
    }

    /// Returns where the tip is: the machine stands still while the tool's offset changes.
    fn tip(&self) -> [Option<f64>; 3] {
        let shift = |i: usize| self.came_with[i].unwrap_or(0.0) - self.tool_offset[i].unwrap_or(0.0);
        std::array::from_fn(|i| self.position[i].map(|v| v + shift(i)))
    }

    fn stand(&mut self, to: [f64; 3]) {
        (self.position, self.came_with) = (to.map(Some), self.tool_offset);
        self.lost = [false; 3];
        self.moved = true;
        let [low, high] = self.z.unwrap_or([to[2], to[2]]);
        self.z = Some([low.min(to[2]), high.max(to[2])]);
    }

    /// Returns what is in force after a part whose own commands leave `later`.
    fn then(self, later: &Force) -> Force {
        let mut z = later.z;
        if let (Some([a, b]), Some([c, d])) = (self.z, later.z) {
            z = Some([a.min(c), b.max(d)]);
        }
        let came_with = |i: usize| {
            let moved = later.position[i].is_some();
            if moved { later.came_with[i].or(self.tool_offset[i]) } else { self.came_with[i] }
        };
        Force {
            position: std::array::from_fn(|i| later.position[i].or(self.position[i])),
            came_with: std::array::from_fn(came_with),
            tool_offset: std::array::from_fn(|i| later.tool_offset[i].or(self.tool_offset[i])),
            lost: std::array::from_fn(|i| later.lost[i] || self.lost[i] && later.position[i].is_none()),
            more: std::array::from_fn(|i| later.more[i].or(self.more[i])),
            feed: later.feed.or(self.feed),
            percent: later.percent.or(self.percent),
            material: later.material.or(self.material),
            laser: later.laser.or(self.laser),
            spindle: later.spindle.or(self.spindle),
            torch: later.torch.or(self.torch),
            coolant: later.coolant.or(self.coolant),
            tool: later.tool.or(self.tool),
            probed: self.probed || later.probed,
            extrudes: self.extrudes || later.extrudes,
            moved: self.moved || later.moved,
            ended: self.ended || later.ended,
            z: z.or(self.z),
        }
    }
}

/// True when homing may be written for this machine: it is a printer, whose G28 looks for the switches. G28 says something
/// else to GRBL, and a router with a printer's firmware goes down with it, onto the work.
fn homes(machine: &Machine) -> bool {
    rules(machine.post.dialect).extruder && machine.kind == MachineKind::Printer
}

/// Writes `sections` for `machine`. The text ends with everything switched off, also when the sections do not say so.
/// It is empty when arcs would become more chords than any machine is fed with, and the diagnostics say so.
///
/// ```
/// use shop_cam::canon::{Command, Role, Section};
/// # use shop_cam::Speed;
/// # let machine = shop_gcode::example_machine();
/// let mut cut = Section::new(Role::Profile, "part 1");
/// cut.commands.push(Command::Feed(Speed::from_mm_per_min(600.0)));
/// cut.commands.push(Command::Line { to: [10.0, 0.0, -1.0] });
/// let text = shop_gcode::post(&[cut], &machine).value;
/// assert!(text.contains("(--- profile: part 1)\nG1 X10 Y0 Z-1 F600\n"));
/// assert!(text.ends_with("M30\n"));
/// ```
pub fn post(sections: &[Section], machine: &Machine) -> Checked<String> {
    let after = |s: &Section| s.commands.iter().fold(Force::default(), |force, c| force.after(c, machine));
    let summaries: Vec<Force> = sections.par_iter().map(after).collect();
    let mut entries = Vec::with_capacity(sections.len());
    let mut force = Force::default();
    let mut written = sections.len();
    for (i, summary) in summaries.iter().enumerate() {
        entries.push(force);
        force = force.then(summary);
        if force.ended {
            written = i + 1;
            break;
        }
    }
    let commands = sections.iter().map(|s| s.commands.len() as u64).sum::<u64>();
    // Loops come back to the same lines.
    let lines = sections.iter().flat_map(|s| &s.lines).max().map_or(0, |line| u64::from(*line));
    let chords = AtomicU64::new(MOST_CHORDS + CHORDS_PER_LINE * lines + CHORDS_PER_COMMAND * commands);
    let style = Style::new(machine, &force, chords);
    let parts: Vec<(Vec<u8>, Vec<Diagnostic>)> = sections[..written]
        .par_iter()
        .zip(&entries)
        .map(|(section, entry)| {
            let mut writer = Writer::new(&style, entry);
            writer.section(section);
            writer.finish()
        })
        .collect();

    if style.is_bankrupt() {
        return Checked { value: String::new(), diagnostics: vec![too_long()] };
    }
    let mut header = Writer::new(&style, &Force::default());
    header.header(&force);
    let mut footer = Writer::new(&style, &force);
    footer.footer(&force);
    let (mut text, mut diagnostics) = header.finish();
    let (last, mut last_diagnostics) = footer.finish();
    text.reserve(parts.iter().map(|p| p.0.len()).sum::<usize>() + last.len());
    for (part, found) in parts {
        text.extend_from_slice(&part);
        merge(&mut diagnostics, found);
    }
    text.extend_from_slice(&last);
    merge(&mut diagnostics, std::mem::take(&mut last_diagnostics));
    if sections[written..].iter().any(|s| !s.commands.is_empty()) {
        diagnostics.push(Diagnostic::warning(
            "gcode/after-end",
            "there are sections after the end of the program; they are left out",
        ));
    }
    let value = match String::from_utf8(text) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    };
    Checked { value, diagnostics }
}

/// A program that is written section by section, for planners that never hold all of it.
///
/// ```
/// use shop_cam::canon::{Command, Role, Section};
/// # let machine = shop_gcode::example_machine();
/// let posting = shop_gcode::Posting::new(&machine, false);
/// let mut section = Section::new(Role::Unknown, "");
/// section.commands.push(Command::Rapid { to: [1.0, 2.0, 3.0] });
/// let text = posting.section(&section, Some([0.0, 2.0, 3.0])).value;
/// assert_eq!(text, b"G0 X1 Y2 Z3\n");
/// ```
#[derive(Debug)]
pub struct Posting<'a> {
    style: Style<'a>,
    extrudes: bool,
}

impl<'a> Posting<'a> {
    /// Begins a program for `machine` whose tool moves in z; `extrudes` says whether it pushes filament.
    pub fn new(machine: &'a Machine, extrudes: bool) -> Posting<'a> {
        let free = Force { z: Some([f64::NEG_INFINITY, f64::INFINITY]), ..Force::default() };
        Posting { style: Style::new(machine, &free, AtomicU64::new(MOST_CHORDS)), extrudes }
    }

    /// Returns what stands before the first section.
    pub fn header(&self) -> Checked<Vec<u8>> {
        self.written(Vec::new(), None, |w| w.header(&Force { extrudes: self.extrudes, ..Force::default() }))
    }

    /// Returns the text of one section, begun at `from` if that is known. Sections may be written in any order and at
    /// the same time: each spells out what it needs. O(commands).
    pub fn section(&self, section: &Section, from: Option<shop_cam::canon::Position>) -> Checked<Vec<u8>> {
        self.section_in(Vec::new(), section, from)
    }

    /// The same in the room of a text that is not needed any more.
    pub fn section_in(
        &self,
        mut room: Vec<u8>,
        section: &Section,
        from: Option<shop_cam::canon::Position>,
    ) -> Checked<Vec<u8>> {
        let more = CHORDS_PER_COMMAND * section.commands.len() as u64;
        self.style.chords.fetch_add(more, Relaxed);
        room.clear();
        self.written(room, from, |w| w.section(section))
    }

    /// Returns what stands after the last section, which ends at `from`.
    pub fn footer(&self, from: Option<shop_cam::canon::Position>) -> Checked<Vec<u8>> {
        let force = Force { moved: from.is_some(), ..Force::default() };
        self.written(Vec::new(), from, |w| w.footer(&force))
    }

    fn written(
        &self,
        room: Vec<u8>,
        from: Option<shop_cam::canon::Position>,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Checked<Vec<u8>> {
        let position = from.map_or([None; 3], |p| p.map(Some));
        let mut writer = Writer::new(&self.style, &Force { position, ..Force::default() });
        writer.out = room;
        write(&mut writer);
        let (value, diagnostics) = writer.finish();
        Checked { value, diagnostics }
    }
}

/// Adds findings, counting those that are there already.
fn merge(into: &mut Vec<Diagnostic>, found: Vec<Diagnostic>) {
    for d in found {
        let same = |e: &&mut Diagnostic| (e.code, e.severity, &e.message) == (d.code, d.severity, &d.message);
        match into.iter_mut().find(same) {
            Some(e) => e.count = e.count.saturating_add(d.count),
            None => into.push(d),
        }
    }
}

impl<'a> Style<'a> {
    fn new(machine: &'a Machine, all: &Force, chords: AtomicU64) -> Style<'a> {
        let dialect = machine.post.dialect;
        let rules = rules(dialect);
        let flat = all.z.is_none_or(|[low, high]| low == high);
        let z_ours = dialect != Dialect::QtPlasmaC
            && !(machine.kind == MachineKind::Plasma && machine.process.torch == TorchControl::Controller)
            && !(machine.kind == MachineKind::Laser && flat);
        let limit = usize::from(machine.post.line_limit);
        Style {
            machine,
            dialect,
            rules,
            grid: Grid::new(machine.post.decimals.clamp(1, 6)),
            limit: if limit < 40 { rules.longest_line } else { limit.min(rules.longest_line) },
            z_ours,
            every_g: rules.one_command || dialect == Dialect::QtPlasmaC || machine.post.repeat_motion,
            chords,
        }
    }

    /// Takes so many chords from what the program may have; false when they are too many, and from then on for all.
    fn afford(&self, chords: u64) -> bool {
        let take = |left: u64| Some(left.saturating_sub(chords));
        // `Relaxed`: the number guards nothing but itself.
        self.chords.fetch_update(Relaxed, Relaxed, take).is_ok_and(|left| left > chords)
    }

    /// True when arcs asked for more chords than there may be.
    fn is_bankrupt(&self) -> bool {
        self.chords.load(Relaxed) == 0
    }

    /// Cutting feed of a material of the controller's table.
    fn material_feed(&self, number: u32) -> Option<f64> {
        let cuts = self.machine.materials.iter().flat_map(|m| &m.cuts);
        let mut feeds = cuts.filter(|c| c.number == Some(number)).map(|c| c.feed);
        feeds.next().map(Speed::mm_per_min)
    }
}

/// What is said instead of a program.
fn too_long() -> Diagnostic {
    let message =
        "arcs that this controller does not take would become millions of short lines; nothing is written";
    Diagnostic::error("gcode/too-many-chords", message)
        .hint("radii beyond ten metres are no arcs to a controller: is the program in the right units?")
}

/// Returns a finding without a place: canonical commands have none.
fn finding(severity: Severity, code: &'static str, message: String) -> Diagnostic {
    Diagnostic::new(severity, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_cam::canon::Role;
    use shop_geom::Point;

    /// Full circles of twenty metres, which no controller takes for arcs, in sections of a hundred.
    fn huge(circles: usize) -> Vec<Section> {
        let circle =
            Command::Arc { to: [0.0, 0.0, -1.0], center: Point::new(20_000.0, 0.0), counter_clockwise: true };
        let mut all = Vec::new();
        for first in (0..circles).step_by(100) {
            let mut section = Section::new(Role::Profile, format!("from {first}"));
            section.commands.push(Command::Feed(Speed::from_mm_per_min(1000.0)));
            section.commands.push(Command::Line { to: [0.0, 0.0, -1.0] });
            section.commands.extend(std::iter::repeat_n(circle.clone(), (circles - first).min(100)));
            all.push(section);
        }
        all
    }

    #[test]
    fn huge_arcs_become_chords_and_thousands_of_them_nothing() {
        let machine = crate::example_machine();
        let few = post(&huge(3), &machine);
        assert!(few.diagnostics.is_empty(), "{:?}", few.diagnostics);
        let chords = few.value.lines().count();
        assert!(chords > 3 * 9_000, "{chords}");
        let many = post(&huge(500), &machine);
        assert_eq!(many.value, "");
        assert_eq!(many.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["gcode/too-many-chords"]);
    }
}
