//! Writes commands line by line, knowing what the controller knows.

use super::arc::{self, Outcome, Piece, Request};
use super::{Force, Style, finding, merge};
use crate::number::Grid;
use shop_cam::canon::{Command, Drill, Laser, MoreAxes, Position, Section, Spindle, Torch};
use shop_cam::machine::{Cornering, Dialect, MachineKind, TorchControl};
use shop_report::{Diagnostic, Severity};

const AXES: [u8; 3] = *b"XYZ";
/// Percent of the feed are not written below this: M67 would stop the machine.
const SLOWEST_PERCENT: f64 = 1.0;

/// The feed as the controller last read it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Written {
    Unknown,
    /// In steps of the feed grid.
    Number(i64),
    /// QtPlasmaC's own cutting feed of the material in force.
    Control,
}

pub(super) struct Writer<'a> {
    pub(super) style: &'a Style<'a>,
    pub(super) out: Vec<u8>,
    found: Vec<Diagnostic>,
    /// Start of the line being written.
    line: usize,
    /// Where the text stands, grid steps.
    pub(super) at: [Option<i64>; 3],
    /// Where the canonical commands stand, mm.
    pub(super) exact: [Option<f64>; 3],
    /// From the tool holder's reference to the tip, mm.
    pub(super) tool_offset: [f64; 3],
    /// G word in force.
    pub(super) motion: Option<u8>,
    /// The next motion is written in full.
    pub(super) spell: bool,
    feed: Option<f64>,
    percent: f64,
    written: Written,
    material: Option<u32>,
    laser: Option<Laser>,
    spindle: Option<Spindle>,
    /// S word that goes with the next feed move.
    power: Option<i64>,
    coolant: Option<(bool, bool)>,
    tool: Option<u32>,
    pub(super) moved: bool,
    ended: bool,
    feeds: Grid,
    powers: Grid,
    /// Where the axes beside x, y and z stand.
    pub(super) more: MoreAxes,
    /// What of them the next line moves, grid steps.
    pub(super) more_due: [Option<i64>; 6],
    /// Filament that is wanted and not yet written, mm: what rounding left over.
    pub(super) owed: f64,
    /// Part of `owed` that the next line takes with it.
    pub(super) filament: Option<i64>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(style: &'a Style<'a>, entry: &Force) -> Self {
        let mut at = [None; 3];
        for (slot, v) in at.iter_mut().zip(entry.tip()) {
            *slot = v.and_then(|v| style.grid.round(v));
        }
        for i in (0..3).filter(|i| entry.lost[*i]) {
            at[i] = None;
        }
        Writer {
            style,
            out: Vec::new(),
            found: Vec::new(),
            line: 0,
            at,
            exact: entry.tip(),
            tool_offset: entry.tool_offset.map(|v| v.unwrap_or(0.0)),
            motion: None,
            spell: true,
            feed: entry.feed,
            percent: entry.percent.unwrap_or(100.0),
            written: Written::Unknown,
            material: entry.material,
            laser: entry.laser,
            spindle: entry.spindle,
            power: None,
            coolant: entry.coolant,
            tool: entry.tool,
            moved: entry.moved,
            ended: false,
            feeds: Grid::new(2),
            powers: Grid::new(3),
            more: entry.more,
            more_due: [None; 6],
            owed: 0.0,
            filament: None,
        }
    }

    pub(super) fn finish(self) -> (Vec<u8>, Vec<Diagnostic>) {
        (self.out, self.found)
    }

    pub(super) fn find(&mut self, severity: Severity, code: &'static str, message: &str) {
        let message = message.to_owned();
        merge(&mut self.found, vec![finding(severity, code, message)]);
    }

    // Lines.

    pub(super) fn text_line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.end_line();
    }

    pub(super) fn end_line(&mut self) {
        if self.out.len() - self.line > self.style.limit {
            self.tighten();
        }
        self.out.push(b'\n');
        self.line = self.out.len();
    }

    /// Takes the blanks out of a line that is too long, and puts F and S on a line of their own if it must.
    #[cold]
    fn tighten(&mut self) {
        let mut line: Vec<u8> = self.out.drain(self.line..).collect();
        line.retain(|b| *b != b' ');
        if line.len() > self.style.limit
            && let Some(f) = line.iter().position(|b| matches!(b, b'F' | b'S')).filter(|f| *f > 0)
        {
            self.out.extend_from_slice(&line[f..]);
            self.out.push(b'\n');
            line.truncate(f);
        }
        if line.len() > self.style.limit {
            self.find(Severity::Error, "gcode/line-too-long", "a line does not fit the controller's buffer");
        }
        self.line = self.out.len();
        self.out.extend_from_slice(&line);
    }

    #[inline]
    pub(super) fn word(&mut self, letter: u8, grid: Grid, steps: i64) {
        if self.out.len() > self.line {
            self.out.push(b' ');
        }
        self.out.push(letter);
        grid.write(steps, &mut self.out);
    }

    /// Writes a remark; what a controller would take for something else is replaced, and long ones are broken.
    pub(super) fn comment(&mut self, text: &str) {
        let remarks = self.style.rules.remarks;
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            if c == '%' {
                // LinuxCNC ends the program at a '%' that opens a line; nowhere is safest.
                plain.push_str("pct");
                continue;
            }
            plain.push(match c {
                '(' | '{' if !remarks => '[',
                ')' | '}' if !remarks => ']',
                // Real-time commands act even from within a comment; '*' begins a checksum.
                '!' | '?' => '.',
                '*' | '×' => 'x',
                '~' | '–' | '—' | '−' => '-',
                '°' => 'd',
                'ø' | 'Ø' | '⌀' => 'D',
                'ä' => 'a',
                'ö' => 'o',
                'ü' | 'µ' | 'μ' => 'u',
                'ß' => 's',
                'é' | 'è' | 'ê' => 'e',
                ' '..='\x7d' => c,
                _ => '_',
            });
        }
        // LinuxCNC acts on (MSG,...), (DEBUG,...), (PRINT,...), (LOG,...) and the like.
        let plain = if remarks { plain } else { plain.replacen(',', " ", usize::from(active(&plain))) };
        let room = self.style.limit.saturating_sub(2).max(20);
        let mut rest = plain.trim();
        while !rest.is_empty() {
            let mut cut = rest.len();
            if cut > room {
                cut = rest[..room].rfind(' ').filter(|n| *n > room / 2).unwrap_or(room);
            }
            let (head, tail) = rest.split_at(cut);
            if remarks {
                self.text_line(&format!("; {}", head.trim()));
            } else {
                self.text_line(&format!("({})", head.trim()));
            }
            rest = tail.trim_start();
        }
    }

    // Program.

    pub(super) fn header(&mut self, force: &Force) {
        let style = self.style;
        self.comment(&format!("{}, {}", style.machine.title, style.rules.name));
        match style.dialect {
            Dialect::Grbl | Dialect::GrblHal | Dialect::FluidNc => self.text_line("G21 G90 G17 G94 G54"),
            Dialect::LinuxCnc => {
                self.text_line("G21 G90 G17 G94 G40 G49 G80 G91.1 G97 G54");
                self.path_tolerance(0.02);
            }
            Dialect::QtPlasmaC => {
                self.text_line("G21 G90 G17 G94 G40 G49 G80 G91.1 G97 G54");
                self.text_line("G92.1");
                self.path_tolerance(0.1);
                for line in ["M52 P1", "M65 P2", "M65 P3", "M68 E3 Q0"] {
                    self.text_line(line);
                }
            }
            Dialect::Marlin | Dialect::Klipper | Dialect::RepRapFirmware => {
                self.text_line("G21");
                self.text_line("G90");
            }
            Dialect::Smoothie => {
                for line in ["G17", "G21", "G90", "G94"] {
                    self.text_line(line);
                }
            }
        }
        if force.extrudes && style.rules.extruder {
            // Filament is written move by move, so that no counter overflows and any layer can be the first.
            self.text_line("M83");
        }
        for line in &style.machine.post.header {
            self.verbatim(line);
        }
    }

    fn path_tolerance(&mut self, otherwise: f64) {
        let tolerance = match self.style.machine.cornering {
            Cornering::Blend { tolerance } if tolerance > 0.0 && tolerance < 10.0 => tolerance,
            _ => otherwise,
        };
        self.out.extend_from_slice(b"G64");
        let grid = Grid::new(4);
        self.word(b'P', grid, grid.round(tolerance).unwrap_or(0));
        self.end_line();
    }

    /// Switches everything off, goes up where z is ours, and ends the program.
    pub(super) fn footer(&mut self, force: &Force) {
        let style = self.style;
        let beam = matches!(style.machine.kind, MachineKind::Plasma | MachineKind::Laser);
        if beam {
            self.text_line(if style.dialect == Dialect::QtPlasmaC { "M5 $-1" } else { "M5" });
        }
        let safe = style.machine.process.safe_height;
        if style.z_ours
            && force.moved
            && let [Some(_), Some(_), Some(z)] = self.exact
            && z < safe
        {
            self.spell = false;
            self.move_to(true, [None, None, self.style.grid.round(safe)]);
        }
        if !beam && style.machine.kind != MachineKind::Printer {
            self.text_line("M5");
        }
        if force.coolant.is_some_and(|(mist, flood)| mist || flood) {
            self.text_line("M9");
        }
        if style.dialect == Dialect::QtPlasmaC {
            for line in ["M65 P2", "M65 P3", "M68 E3 Q0"] {
                self.text_line(line);
            }
        }
        for line in &style.machine.post.footer {
            self.verbatim(line);
        }
        if force.probed && !style.rules.rapid_feed && !style.rules.tool_change {
            self.text_line("G92.1");
        }
        if let Some(end) = style.rules.end {
            self.text_line(end);
        }
    }

    pub(super) fn section(&mut self, section: &Section) {
        self.out.reserve(section.commands.len() * 20);
        if !section.label.is_empty() || section.role != shop_cam::canon::Role::Unknown {
            let name = section.role.name();
            if section.label.is_empty() {
                self.comment(&format!("--- {name}"));
            } else {
                let label: String = section.label.split_whitespace().collect::<Vec<_>>().join(" ");
                self.comment(&format!("--- {name}: {label}"));
            }
        }
        for command in &section.commands {
            if self.ended {
                self.find(
                    Severity::Warning,
                    "gcode/after-end",
                    "there are commands after the end of the program; they are left out",
                );
                break;
            }
            self.command(command);
        }
        self.flush_power();
    }

    #[inline]
    fn command(&mut self, command: &Command) {
        match command {
            Command::Line { to } => self.straight(false, *to),
            Command::Rapid { to } => self.straight(true, *to),
            Command::Arc { to, center, counter_clockwise } => {
                self.arc(*to, [center.x, center.y], *counter_clockwise);
            }
            Command::Feed(speed) => self.feed = Some(speed.mm_per_min()),
            Command::Extrude { to, e } => self.extrude(*to, *e),
            _ => self.other(command),
        }
    }

    fn other(&mut self, command: &Command) {
        if !matches!(command, Command::Laser(_)) {
            self.flush_power();
        }
        match command {
            Command::Rapid { .. } | Command::Line { .. } | Command::Arc { .. } | Command::Feed(_) => {}
            Command::Dwell { seconds } => self.dwell(*seconds),
            Command::Spindle(spindle) => self.spindle(*spindle),
            Command::Torch(torch) => self.torch(*torch),
            Command::Laser(laser) => self.laser(*laser),
            Command::Coolant { mist, flood } => self.coolant(*mist, *flood),
            Command::ToolChange { number } => self.tool_change(*number),
            Command::Drill(drill) => self.drill(drill),
            Command::Material { number } => self.material(*number),
            Command::TorchHeightControl { on } => {
                if self.style.dialect == Dialect::QtPlasmaC {
                    self.text_line(if *on { "M63 P2" } else { "M62 P2" });
                } else {
                    self.find(
                        Severity::Info,
                        "gcode/no-thc-word",
                        "this controller has no word for torch height control; left to the height controller",
                    );
                }
            }
            Command::CutSpeed { percent } => self.cut_speed(*percent),
            Command::Probe { to, z } => self.probe(*to, *z),
            Command::Pause { optional } => self.text_line(if *optional { "M1" } else { "M0" }),
            Command::Comment(text) => {
                // QtPlasmaC reads its material from comments of this form; they go through as they are.
                if self.style.dialect == Dialect::QtPlasmaC && text.starts_with("o=") && safe_magic(text) {
                    self.text_line(&format!("({text})"));
                } else {
                    self.comment(text);
                }
            }
            Command::Verbatim(text) => self.verbatim(text),
            Command::End => self.ended = true,
            more => self.more(more),
        }
    }

    /// Passes lines on as they are; what they put in force is not known afterwards.
    pub(super) fn verbatim(&mut self, text: &str) {
        for line in text.lines() {
            if line.len() > self.style.limit {
                self.find(
                    Severity::Warning,
                    "gcode/line-too-long",
                    "a line of the profile's header or footer is longer than the controller takes",
                );
            }
            self.out.extend_from_slice(line.as_bytes());
            self.out.push(b'\n');
            self.line = self.out.len();
        }
        self.motion = None;
        self.written = Written::Unknown;
        self.spell = true;
    }

    // Motion.

    #[inline]
    pub(super) fn straight(&mut self, rapid: bool, to: Position) {
        let grid = self.style.grid;
        let (Some(x), Some(y), Some(z)) = (grid.round(to[0]), grid.round(to[1]), grid.round(to[2])) else {
            self.out_of_range();
            return;
        };
        let z = if self.style.z_ours { Some(z) } else { self.at[2] };
        let first = std::mem::replace(&mut self.exact, to.map(Some)) == [None; 3];
        self.moved = true;
        if rapid && self.style.z_ours && first {
            // Nobody knows where the tool is: first up, then over.
            self.move_to(rapid, [None, None, z]);
        }
        self.move_to(rapid, [Some(x), Some(y), z]);
    }

    /// Writes a straight move to a grid point; axes that are `None` stay.
    #[inline]
    pub(super) fn move_to(&mut self, rapid: bool, to: [Option<i64>; 3]) {
        let changed = (0..3).any(|i| to[i].is_some() && to[i] != self.at[i]) || self.more_due != [None; 6];
        if !changed {
            return;
        }
        if rapid {
            self.motion_word(0);
        } else {
            self.before_feed_move();
            self.motion_word(1);
        }
        for i in 0..3 {
            if let Some(v) = to[i]
                && (self.spell || to[i] != self.at[i])
                && (i < 2 || self.style.z_ours)
            {
                self.word(AXES[i], self.style.grid, v);
            }
        }
        self.due_words();
        if rapid {
            self.rapid_feed(to);
        } else {
            self.after_feed_move();
        }
        for i in 0..3 {
            if to[i].is_some() {
                self.at[i] = to[i];
            }
        }
        // A section whose first move spelled everything out is in force from here on.
        self.spell &= to.contains(&None);
        self.end_line();
    }

    #[inline]
    pub(super) fn motion_word(&mut self, g: u8) {
        if self.motion != Some(g) || self.spell || self.style.every_g {
            self.out.push(b'G');
            self.out.push(b'0' + g);
            self.motion = Some(g);
        }
    }

    /// Marlin has one feed for G0 and G1, so rapids carry theirs.
    #[inline]
    fn rapid_feed(&mut self, to: [Option<i64>; 3]) {
        if !self.style.rules.rapid_feed {
            return;
        }
        let axes = &self.style.machine.axes;
        let moving = (0..3).filter(|i| to[*i].is_some() && to[*i] != self.at[*i]);
        let slowest = moving.map(|i| axes[i].rapid.mm_per_min()).fold(f64::INFINITY, f64::min);
        if slowest.is_finite() && slowest > 0.0 {
            self.feed_word(slowest);
        }
    }

    /// What must stand on lines of its own before a feed move.
    #[inline]
    pub(super) fn before_feed_move(&mut self) {
        if self.style.dialect != Dialect::QtPlasmaC {
            return;
        }
        let own = self.material.and_then(|m| self.style.material_feed(m));
        if own.is_some() && own == self.feed && self.written != Written::Control {
            self.text_line("F#<_hal[plasmac.cut-feed-rate]>");
            self.written = Written::Control;
        }
    }

    #[inline]
    pub(super) fn after_feed_move(&mut self) {
        let own = self.written == Written::Control
            && self.material.and_then(|m| self.style.material_feed(m)) == self.feed;
        if !own {
            match self.feed {
                Some(feed) if feed > 0.0 => {
                    let scaled = if self.style.dialect == Dialect::QtPlasmaC {
                        feed
                    } else {
                        feed * self.percent / 100.0
                    };
                    self.feed_word(scaled);
                }
                _ => self.find(Severity::Error, "gcode/no-feed", "a cutting move before any feed"),
            }
        }
        if let Some(power) = self.power.take() {
            self.word(b'S', self.powers, power);
        }
    }

    #[inline]
    fn feed_word(&mut self, feed: f64) {
        let Some(steps) = self.feeds.round(feed).map(|s| s.max(1)) else {
            self.out_of_range();
            return;
        };
        if self.written != Written::Number(steps) {
            self.written = Written::Number(steps);
            self.word(b'F', self.feeds, steps);
        }
    }

    #[cold]
    pub(super) fn out_of_range(&mut self) {
        self.find(
            Severity::Error,
            "gcode/out-of-range",
            "a number that is not finite or too large to be written; the command is left out",
        );
    }

    fn arc(&mut self, to: Position, center: [f64; 2], counter_clockwise: bool) {
        self.arc_in([0, 1, 2], to, center, counter_clockwise, |_, _| {});
    }

    /// Writes an arc in the plane of the first two axes; `before` may add words to the line of the piece that ends at
    /// this fraction of the whole.
    pub(super) fn arc_in(
        &mut self,
        axes: [usize; 3],
        to: Position,
        center: [f64; 2],
        counter_clockwise: bool,
        mut before: impl FnMut(&mut Self, f64),
    ) {
        let [a, b, c] = axes;
        let (Some(x), Some(y)) = (self.exact[a], self.exact[b]) else {
            self.find(
                Severity::Error,
                "gcode/arc-without-start",
                "an arc before any other move: where it starts is not known",
            );
            self.straight(false, to);
            return;
        };
        let grid = self.style.grid;
        let stands = |axis: usize, v: f64| self.at[axis].or_else(|| grid.round(v));
        let (Some(gx), Some(gy)) = (stands(a, x), stands(b, y)) else {
            self.out_of_range();
            return;
        };
        let from = self.exact[c].unwrap_or(to[c]);
        let (flat, grid_from) = (!self.style.machine.post.arcs, [gx, gy]);
        let request =
            Request { from: [x, y], to: [to[a], to[b]], center, counter_clockwise, grid_from, flat };
        let (Some(_), Some(end)) = (grid.round(from), grid.round(to[c])) else {
            self.out_of_range();
            return;
        };
        let third = |fraction: f64| {
            if fraction == 1.0 { Some(end) } else { grid.round(from + (to[c] - from) * fraction) }
        };
        let afford = |chords| self.style.afford(chords);
        let outcome = arc::split(&request, grid, afford, |piece| {
            let (Piece::Line { to: end, fraction } | Piece::Arc { to: end, fraction, .. }) = piece;
            let mut target = [None; 3];
            target[a] = Some(end[0]);
            target[b] = Some(end[1]);
            target[c] = third(fraction);
            if !self.style.z_ours {
                target[2] = None;
            }
            before(self, fraction);
            match piece {
                Piece::Line { .. } => self.move_to(false, target),
                Piece::Arc { center, .. } => self.arc_line(axes, target, center, counter_clockwise),
            }
        });
        match outcome {
            Outcome::Written => {}
            Outcome::OutOfRange => return self.out_of_range(),
            // The program will not be written: see `Style::afford`.
            Outcome::TooMany => return,
        }
        self.exact = to.map(Some);
        self.moved = true;
    }

    fn arc_line(
        &mut self,
        [a, b, _]: [usize; 3],
        to: [Option<i64>; 3],
        center: [i64; 2],
        counter_clockwise: bool,
    ) {
        self.before_feed_move();
        self.motion_word(if counter_clockwise { 3 } else { 2 });
        let grid = self.style.grid;
        // One axis word must stand, or some controllers see no arc.
        let moves = |axis: usize| self.spell || self.at[axis] != to[axis];
        let mut words: [bool; 3] = std::array::from_fn(|i| to[i].is_some() && moves(i));
        words[b] |= !words[a] && to[b].is_some();
        for i in 0..3 {
            if let (true, Some(v)) = (words[i], to[i]) {
                self.word(AXES[i], grid, v);
            }
        }
        let (first, second) = if a < b { (0, 1) } else { (1, 0) };
        self.word(b'I' + a.min(b) as u8, grid, center[first]);
        self.word(b'I' + a.max(b) as u8, grid, center[second]);
        self.due_words();
        self.after_feed_move();
        for i in 0..3 {
            self.at[i] = to[i].or(self.at[i]);
        }
        self.spell = false;
        self.end_line();
    }

    /// Drills with a canned cycle where there is one, long hand elsewhere.
    fn drill(&mut self, drill: &Drill) {
        let Drill { at, clearance, retract, bottom, peck, dwell } = *drill;
        let from = [
            self.exact[0].unwrap_or(at.x),
            self.exact[1].unwrap_or(at.y),
            self.exact[2].unwrap_or(clearance),
        ];
        let canned = matches!(self.style.dialect, Dialect::LinuxCnc)
            && self.style.z_ours
            && bottom <= retract
            && retract <= clearance
            && (peck.is_none() || dwell == 0.0);
        if !canned || self.at.contains(&None) {
            let mut commands = Vec::new();
            drill.expand(from, |c| commands.push(c));
            for c in &commands {
                self.command(c);
            }
            return;
        }
        let grid = self.style.grid;
        let numbers = [at.x, at.y, bottom, retract, clearance, peck.unwrap_or(0.0)].map(|v| grid.round(v));
        let [Some(x), Some(y), Some(z), Some(r), Some(high), Some(q)] = numbers else {
            self.out_of_range();
            return;
        };
        if self.at[2] != Some(high) {
            // The cycle comes back to where it began, so it begins at the clearance height.
            let up = if from[2] < clearance { [from[0], from[1]] } else { [at.x, at.y] };
            self.straight(true, [up[0], up[1], from[2].max(clearance)]);
            self.straight(true, [up[0], up[1], clearance]);
        }
        let cycle = match (q > 0, dwell > 0.0) {
            (true, _) => "G98 G83",
            (false, true) => "G98 G82",
            (false, false) => "G98 G81",
        };
        self.out.extend_from_slice(cycle.as_bytes());
        self.word(b'X', grid, x);
        self.word(b'Y', grid, y);
        self.word(b'Z', grid, z);
        self.word(b'R', grid, r);
        if q > 0 {
            self.word(b'Q', grid, q);
        } else if dwell > 0.0 {
            let seconds = Grid::new(3);
            self.word(b'P', seconds, seconds.round(dwell).unwrap_or(0));
        }
        self.after_feed_move();
        self.end_line();
        self.motion = None;
        self.at = [Some(x), Some(y), Some(high)];
        self.exact = [Some(at.x), Some(at.y), Some(clearance)];
        self.moved = true;
    }

    /// Touches off on the sheet: down until the probe trips, then z counts from the sheet.
    fn probe(&mut self, to: f64, z: f64) {
        let grid = self.style.grid;
        let (Some(down), Some(up)) = (grid.round(to), grid.round(z)) else {
            self.out_of_range();
            return;
        };
        if !self.style.z_ours {
            self.find(
                Severity::Warning,
                "gcode/probe",
                "the controller looks after the height itself; probing is left out",
            );
            return;
        }
        let feed = match self.style.machine.process.torch {
            TorchControl::Probe { feed, .. } if feed.mm_per_min() > 0.0 => feed,
            _ => self.style.machine.process.plunge,
        };
        self.out.extend_from_slice(b"G38.2");
        self.word(b'Z', grid, down);
        self.written = Written::Unknown;
        self.feed_word(feed.mm_per_min());
        self.end_line();
        let set = if self.style.dialect == Dialect::LinuxCnc { "G10 L20 P0" } else { "G92" };
        self.out.extend_from_slice(set.as_bytes());
        self.word(b'Z', grid, up);
        self.end_line();
        self.written = Written::Unknown;
        self.motion = None;
        self.at[2] = Some(up);
        self.exact[2] = Some(z);
    }

    // Switches.

    fn dwell(&mut self, seconds: f64) {
        let ms = self.style.rules.dwell_ms;
        let grid = Grid::new(if ms { 0 } else { 3 });
        match grid.round(if ms { seconds * 1000.0 } else { seconds }) {
            Some(steps) if steps > 0 => {
                self.out.extend_from_slice(b"G4");
                self.word(b'P', grid, steps);
                self.end_line();
            }
            Some(_) => {}
            None => self.out_of_range(),
        }
    }

    fn spindle(&mut self, spindle: Spindle) {
        self.spindle = Some(spindle);
        let (word, rpm) = match spindle {
            Spindle::Off => return self.text_line("M5"),
            Spindle::Clockwise { rpm } => ("M3", rpm),
            Spindle::CounterClockwise { rpm } => ("M4", rpm),
        };
        let grid = Grid::new(1);
        match grid.round(rpm) {
            Some(steps) => {
                self.out.extend_from_slice(word.as_bytes());
                self.word(b'S', grid, steps);
                self.end_line();
            }
            None => self.out_of_range(),
        }
    }

    fn torch(&mut self, torch: Torch) {
        let qtplasmac = self.style.dialect == Dialect::QtPlasmaC;
        if !qtplasmac && matches!(torch, Torch::Scribe | Torch::Spot) {
            self.find(
                Severity::Error,
                "gcode/no-scribe",
                "this controller has one torch output only: it cannot mark",
            );
            return;
        }
        match torch {
            Torch::Off if qtplasmac => self.text_line("M5 $0"),
            Torch::Off => self.text_line("M5"),
            Torch::Cut if qtplasmac => self.text_line("M3 $0 S1"),
            Torch::Scribe => self.text_line("M3 $1 S1"),
            Torch::Spot => self.text_line("M3 $2 S1"),
            Torch::Cut => {
                // Controllers with a speed output switch nothing on at S0, so give full speed.
                let s = self.style.machine.process.rpm;
                let grid = Grid::new(1);
                let steps = grid.round(if s > 0.0 { s } else { 1000.0 }).unwrap_or(10_000);
                self.out.extend_from_slice(b"M3");
                self.word(b'S', grid, steps);
                self.end_line();
            }
        }
    }

    fn laser(&mut self, laser: Laser) {
        let mode = |l: Laser| match l {
            Laser::Off => 5,
            Laser::Constant { .. } => 3,
            Laser::Dynamic { .. } => 4,
        };
        let before = self.laser.map(mode);
        self.laser = Some(laser);
        let (Laser::Constant { power } | Laser::Dynamic { power }) = laser else {
            self.power = None;
            self.text_line("M5");
            return;
        };
        let full = self.style.machine.process.laser_full_s;
        let full = if full > 0.0 { full } else { 1000.0 };
        let Some(steps) = self.powers.round(power.max(0.0) * full) else {
            self.out_of_range();
            return;
        };
        if before == Some(mode(laser)) {
            // Within a mode the power changes with the next cut, on its line: no stop in between.
            self.power = Some(steps);
            return;
        }
        self.power = None;
        self.out.extend_from_slice(if mode(laser) == 3 { b"M3" } else { b"M4" });
        self.word(b'S', self.powers, steps);
        self.end_line();
    }

    /// Writes a power that no feed move took with it.
    #[inline]
    fn flush_power(&mut self) {
        if let Some(power) = self.power.take() {
            self.out.push(b'S');
            self.powers.write(power, &mut self.out);
            self.end_line();
        }
    }

    fn coolant(&mut self, mist: bool, flood: bool) {
        let (mut mist, mut flood) = (mist, flood);
        if mist && self.style.dialect == Dialect::Grbl {
            // Stock GRBL answers M7 with error:20.
            self.find(
                Severity::Info,
                "gcode/mist-as-flood",
                "GRBL is built without M7; the air is switched with M8",
            );
            (mist, flood) = (false, true);
        }
        let before = self.coolant.replace((mist, flood)).unwrap_or((false, false));
        let drops = (before.0 && !mist) || (before.1 && !flood);
        if drops || !(mist || flood) {
            self.text_line("M9");
        }
        if mist {
            self.text_line("M7");
        }
        if flood {
            self.text_line("M8");
        }
    }

    fn tool_change(&mut self, number: u32) {
        let tool = self.style.machine.tools.iter().find(|t| t.number == number);
        let name = tool.map_or("", |t| t.name.as_str());
        self.comment(&format!("tool {number}: {name}"));
        if self.style.rules.extruder {
            self.text_line(&format!("T{number}"));
        } else if self.style.rules.tool_change {
            self.text_line(&format!("T{number} M6"));
            if self.style.machine.kind == MachineKind::Router {
                self.text_line("G43");
                // The change has stopped the spindle.
                if let Some(spindle) = self.spindle.filter(|s| *s != Spindle::Off) {
                    self.spindle(spindle);
                }
            }
        } else {
            if !self.style.rules.one_command {
                self.text_line(&format!("T{number}"));
            }
            // The first tool is in the spindle before the program starts.
            if self.moved || self.tool.is_some_and(|t| t != number) {
                self.text_line("M0");
            }
        }
        self.tool = Some(number);
        self.written = Written::Unknown;
        self.motion = None;
        self.spell = true;
    }

    fn material(&mut self, number: u32) {
        self.material = Some(number);
        if self.style.dialect != Dialect::QtPlasmaC {
            return;
        }
        self.text_line(&format!("M190 P{number}"));
        self.text_line("M66 P3 L3 Q1");
        self.text_line("F#<_hal[plasmac.cut-feed-rate]>");
        self.written = Written::Control;
        if self.style.material_feed(number).is_none() {
            self.find(
                Severity::Info,
                "gcode/material",
                "the material is not in the profile: its feed at the control is not known here",
            );
        }
    }

    fn cut_speed(&mut self, percent: f64) {
        if !(SLOWEST_PERCENT..=200.0).contains(&percent) {
            self.find(Severity::Error, "gcode/cut-speed", "a cutting speed outside 1 to 200 percent");
            return;
        }
        self.percent = percent;
        if self.style.dialect == Dialect::QtPlasmaC {
            let grid = Grid::new(2);
            let steps = if percent == 100.0 { Some(0) } else { grid.round(percent) };
            self.out.extend_from_slice(b"M67 E3");
            self.word(b'Q', grid, steps.unwrap_or(0));
            self.end_line();
        }
    }
}

/// True when LinuxCNC would act on a comment of this text.
fn active(text: &str) -> bool {
    const WORDS: [&str; 10] =
        ["msg", "debug", "print", "log", "logopen", "logappend", "logclose", "probeopen", "probeclose", "py"];
    let word = text.trim_start().split(',').next().unwrap_or_default().trim().to_ascii_lowercase();
    WORDS.contains(&word.as_str())
}

fn safe_magic(text: &str) -> bool {
    text.len() < 250 && text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'(' && b != b')')
}
