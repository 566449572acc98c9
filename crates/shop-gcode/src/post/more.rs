//! What printers and mills with more axes say beyond straight lines and arcs: filament, heaters, limits, planes.
//!
//! Every command ends in a word of the dialect or in a finding that says what was left out.

use super::homes;
use super::writer::Writer;
use crate::number::Grid;
use shop_cam::canon::{
    Command, Factor, Heater, Limits, MoreAxes, Move, PathControl, Plane, Position, Wait, Way,
};
use shop_cam::machine::Dialect;
use shop_report::Severity;
use std::fmt::Write;

/// Letters and their values.
type Words = Vec<(u8, f64)>;
/// Decimals of E, mm of filament: slicers write five.
const FILAMENT: u8 = 5;
/// Letters of the axes beside x, y and z.
const MORE: [u8; 6] = *b"ABCUVW";

impl Writer<'_> {
    fn filament_grid() -> Grid {
        Grid::new(FILAMENT)
    }

    /// Takes filament into the next line; false when the dialect has no word for it.
    fn owe(&mut self, e: f64) -> bool {
        if e == 0.0 {
            return true;
        }
        if !self.style.rules.extruder {
            self.find(
                Severity::Error,
                "gcode/no-extruder",
                "this controller has no extruder; its words are left out",
            );
            return false;
        }
        self.owed += e;
        let Some(steps) = Self::filament_grid().round(self.owed) else {
            self.owed = 0.0;
            self.out_of_range();
            return false;
        };
        if steps != 0 {
            self.owed -= Self::filament_grid().value(steps);
            self.filament = Some(steps);
        }
        true
    }

    /// Writes the words of other axes and of filament that are due on this line.
    #[inline]
    pub(super) fn due_words(&mut self) {
        if self.more_due != [None; 6] {
            for (letter, due) in MORE.into_iter().zip(std::mem::take(&mut self.more_due)) {
                if let Some(steps) = due {
                    self.word(letter, self.style.grid, steps);
                }
            }
        }
        if let Some(steps) = self.filament.take() {
            self.word(b'E', Self::filament_grid(), steps);
        }
    }

    pub(super) fn extrude(&mut self, to: Position, e: f64) {
        self.owe(e);
        self.straight(false, to);
        if self.filament.is_some() {
            // Less than a grid step of travel: the filament alone.
            self.filament_line();
        }
    }

    fn filament_line(&mut self) {
        self.before_feed_move();
        self.out.extend_from_slice(b"G1");
        self.motion = Some(1);
        self.due_words();
        self.after_feed_move();
        self.end_line();
    }

    /// Writes what the main writer has no arm for.
    #[cold]
    pub(super) fn more(&mut self, command: &Command) {
        let rules = self.style.rules;
        match command {
            Command::Filament { e } => {
                if self.owe(*e) && self.filament.is_some() {
                    self.filament_line();
                }
            }
            Command::FirmwareRetract { recover } if rules.extruder => {
                self.text_line(if *recover { "G11" } else { "G10" });
            }
            Command::Move(m) => self.full_move(m),
            Command::Factor { of, factor } if rules.extruder => {
                let word: &[u8] = if *of == Factor::Feed { b"M220" } else { b"M221" };
                self.line_with(word, &[(b'S', factor * 100.0)]);
            }
            Command::PathControl(control) if rules.runs_g(610) && rules.tool_change => {
                self.path_control(*control);
            }
            Command::Limits(limits) => self.limits(limits),
            Command::Finish => self.text_line(if rules.extruder { "M400" } else { "G4 P0" }),
            Command::Home { axes, to, of_printer } => self.home(*axes, *to, *of_printer),
            Command::ToolSelect { number } if rules.tool_change => self.text_line(&format!("T{number}")),
            Command::ToolSelect { .. } | Command::FeedMode(_) => {}
            Command::ToolOffset { offset } if rules.runs_g(431) => self.tool_offset(*offset),
            Command::SurfaceSpeed { m_per_min, most_rpm } if rules.runs_g(960) => {
                if *m_per_min > 0.0 {
                    let most = most_rpm.is_finite().then_some((b'D', *most_rpm));
                    let words: Vec<_> = most.into_iter().chain([(b'S', *m_per_min)]).collect();
                    self.line_with(b"G96", &words);
                } else {
                    self.text_line("G97");
                }
            }
            Command::Temperature { heater, target_c, wait } if rules.extruder => {
                self.temperature(*heater, *target_c, *wait);
            }
            Command::Fan { number, fraction } if rules.extruder => {
                // RepRapFirmware takes up to 1 for a fraction, the others count to 255.
                let full = if self.style.dialect == Dialect::RepRapFirmware { 1.0 } else { 255.0 };
                let part = (*number > 0).then_some((b'P', f64::from(*number)));
                let speed = (b'S', fraction.clamp(0.0, 1.0) * full);
                let words: Vec<_> = part.into_iter().chain([speed]).collect();
                self.line_with(b"M106", &words);
            }
            Command::FilamentChange if rules.extruder => self.text_line("M600"),
            Command::Output { number, value, analog, synchronised } => {
                self.output(*number, *value, *analog, *synchronised);
            }
            Command::Layer { number } => self.marker(&format!("LAYER:{number}")),
            Command::Feature(name) => self.marker(&format!("TYPE:{name}")),
            Command::Message(text) => self.message(text),
            Command::Native(text) => self.native(text),
            _ => self.left_out(command),
        }
    }

    /// Looks for the switches, or says that it does not. Whatever place is named afterwards is gone to, also one where
    /// the tool should be.
    fn home(&mut self, axes: [bool; 3], to: Position, of_printer: bool) {
        if of_printer && homes(self.style.machine) {
            self.out.extend_from_slice(b"G28");
            for i in (0..3).filter(|i| axes[*i] && axes != [true; 3]) {
                self.out.extend_from_slice(&[b' ', b'X' + i as u8]);
            }
            self.end_line();
            self.stand(to);
        } else {
            self.find(
                Severity::Warning,
                "gcode/no-word",
                "looking for the switches is left out: this machine may do so in another order, or down into the work; \
                 home it before the program runs",
            );
        }
        for i in (0..3).filter(|i| axes[*i]) {
            self.at[i] = None;
        }
    }

    /// A comment that means something to those who read it back.
    fn marker(&mut self, text: &str) {
        if self.style.rules.remarks {
            // As slicers write it: no blank after the semicolon.
            let clean: String =
                text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '_' }).collect();
            self.text_line(&format!(";{clean}"));
        } else {
            self.comment(text);
        }
    }

    fn left_out(&mut self, command: &Command) {
        let name = match command {
            Command::Limits(_) => "accelerations, jerk or pressure advance that a program sets".to_owned(),
            Command::Temperature { .. } => "heaters".to_owned(),
            Command::Fan { .. } => "fans".to_owned(),
            Command::FirmwareRetract { .. } => "filament that the firmware pulls back".to_owned(),
            Command::FilamentChange => "a change of filament".to_owned(),
            Command::Pause { .. } => "a pause".to_owned(),
            _ => format!("{command:?}").chars().take_while(char::is_ascii_alphanumeric).collect(),
        };
        let message = format!("this controller has no word for {name}; it is left out");
        self.find(Severity::Warning, "gcode/no-word", &message);
    }

    /// Writes a line of a command and words with up to five decimals.
    fn line_with(&mut self, command: &[u8], words: &[(u8, f64)]) {
        let start = self.out.len();
        self.out.extend_from_slice(command);
        let grid = Grid::new(5);
        for (letter, v) in words {
            let Some(steps) = grid.round(*v) else {
                self.out.truncate(start);
                self.out_of_range();
                return;
            };
            self.word(*letter, grid, steps);
        }
        self.end_line();
    }

    fn path_control(&mut self, control: PathControl) {
        match control {
            PathControl::Exact => self.text_line("G61"),
            PathControl::ExactStop => self.text_line("G61.1"),
            PathControl::Blend { tolerance, straighten } => {
                let words = [(b'P', tolerance), (b'Q', straighten)];
                let words: Vec<_> = words.into_iter().filter_map(|(l, v)| v.map(|v| (l, v))).collect();
                self.line_with(b"G64", &words);
            }
        }
    }

    fn tool_offset(&mut self, offset: Position) {
        // The machine stands still: the tip has other coordinates.
        for i in 0..3 {
            self.exact[i] = self.exact[i].map(|v| v - (offset[i] - self.tool_offset[i]));
            self.at[i] = self.exact[i].and_then(|v| self.style.grid.round(v));
        }
        self.tool_offset = offset;
        if offset == [0.0; 3] {
            return self.text_line("G49");
        }
        let all = self.style.rules.tool_change;
        let words: Vec<_> = (0..3).filter(|i| all || *i == 2).map(|i| (b'X' + i as u8, offset[i])).collect();
        self.line_with(b"G43.1", &words);
    }

    fn temperature(&mut self, heater: Heater, target: f64, wait: Wait) {
        let letter = if wait == Wait::Both { b'R' } else { b'S' };
        let waits = usize::from(wait != Wait::No);
        let (words, codes): (Vec<(u8, f64)>, [&[u8]; 2]) = match heater {
            Heater::Hotend(n) => (vec![(b'T', f64::from(n)), (letter, target)], [b"M104", b"M109"]),
            Heater::Bed => (vec![(letter, target)], [b"M140", b"M190"]),
            Heater::Chamber => (vec![(letter, target)], [b"M141", b"M191"]),
        };
        self.line_with(codes[waits], &words);
    }

    fn output(&mut self, number: u16, value: f64, analog: bool, synchronised: bool) {
        let rules = self.style.rules;
        let n = f64::from(number);
        if rules.extruder {
            return self.line_with(b"M42", &[(b'P', n), (b'S', value)]);
        }
        let code = match (analog, synchronised, value != 0.0) {
            (true, true, _) => 67,
            (true, false, _) => 68,
            (false, true, true) => 62,
            (false, true, false) => 63,
            (false, false, true) => 64,
            (false, false, false) => 65,
        };
        if !rules.runs_m(code) {
            return self.find(
                Severity::Warning,
                "gcode/no-word",
                "this controller has no outputs to switch; left out",
            );
        }
        let word = format!("M{code}");
        if analog {
            self.line_with(word.as_bytes(), &[(b'E', n), (b'Q', value)]);
        } else {
            self.line_with(word.as_bytes(), &[(b'P', n)]);
        }
    }

    fn message(&mut self, text: &str) {
        let clean: String =
            text.chars().map(|c| if (' '..='~').contains(&c) && c != ';' { c } else { '_' }).collect();
        let room = self.style.limit.saturating_sub(8);
        let clean = clean.get(..room).unwrap_or(&clean);
        if self.style.rules.extruder {
            self.text_line(&format!("M117 {clean}"));
        } else if self.style.rules.tool_change {
            let clean = clean.replace('(', "[").replace(')', "]");
            self.text_line(&format!("(MSG,{clean})"));
        } else {
            self.comment(text);
        }
    }

    /// A command that only its own controller understands goes through where the dialect may know it.
    fn native(&mut self, text: &str) {
        let rules = self.style.rules;
        let clean = text.chars().all(|c| (' '..='~').contains(&c));
        let code = text
            .strip_prefix(['M', 'm'])
            .map(|t| t.split(|c: char| !c.is_ascii_digit()).next().unwrap_or(""));
        let runs = code
            .and_then(|c| c.parse::<i64>().ok())
            .is_some_and(|n| rules.runs_m(n) || (100..200).contains(&n) && rules.tool_change);
        let extended = self.style.dialect == Dialect::Klipper || code.is_some();
        // What viewers read from remarks is passed on as it stands.
        let remark = rules.remarks && text.starts_with(';');
        if clean && (runs || remark || rules.extruder && extended) {
            self.text_line(text);
        } else {
            self.comment(text);
            self.find(
                Severity::Warning,
                "gcode/no-word",
                "a command that only another controller understands is left in as a comment",
            );
        }
    }

    fn limits(&mut self, limits: &Limits) {
        let words = |values: [Option<f64>; 4], scale: f64| -> Words {
            b"XYZE".iter().zip(values).filter_map(|(l, v)| v.map(|v| (*l, v * scale))).collect()
        };
        let mut lines: Vec<(&[u8], Words)> = Vec::new();
        let l = limits;
        match self.style.dialect {
            Dialect::Klipper => return self.klipper_limits(l),
            Dialect::Marlin => {
                lines.push((b"M201", words(l.axis_acceleration, 1.0)));
                lines.push((b"M203", words(l.axis_speed, 1.0)));
                let m204 =
                    [(b'P', l.acceleration), (b'T', l.travel_acceleration), (b'R', l.retract_acceleration)];
                lines.push((b"M204", m204.into_iter().filter_map(|(c, v)| v.map(|v| (c, v))).collect()));
                let mut m205 = words(l.jerk, 1.0);
                let more = [(b'J', l.junction_deviation), (b'S', l.least_speed[0]), (b'T', l.least_speed[1])];
                m205.extend(more.into_iter().filter_map(|(c, v)| v.map(|v| (c, v))));
                lines.push((b"M205", m205));
                lines.push((b"M900", l.pressure_advance.map(|v| (b'K', v)).into_iter().collect()));
            }
            Dialect::RepRapFirmware => {
                lines.push((b"M201", words(l.axis_acceleration, 1.0)));
                lines.push((b"M203", words(l.axis_speed, 60.0)));
                let m204 = [(b'P', l.acceleration), (b'T', l.travel_acceleration)];
                lines.push((b"M204", m204.into_iter().filter_map(|(c, v)| v.map(|v| (c, v))).collect()));
                lines.push((b"M566", words(l.jerk, 60.0)));
                lines.push((
                    b"M572",
                    l.pressure_advance.map(|v| [(b'D', 0.0), (b'S', v)]).into_iter().flatten().collect(),
                ));
            }
            Dialect::Smoothie => {
                lines.push((b"M203", words(l.axis_speed, 1.0)));
                lines.push((b"M204", l.acceleration.map(|v| (b'S', v)).into_iter().collect()));
                lines.push((b"M205", l.junction_deviation.map(|v| (b'X', v)).into_iter().collect()));
            }
            _ => {}
        }
        lines.retain(|(_, w)| !w.is_empty());
        if lines.is_empty() {
            return self.left_out(&Command::Limits(Box::new(*limits)));
        }
        for (code, words) in &lines {
            self.line_with(code, words);
        }
    }

    fn klipper_limits(&mut self, l: &Limits) {
        let mut text = String::from("SET_VELOCITY_LIMIT");
        let fields = [
            ("VELOCITY", l.speed),
            ("ACCEL", l.acceleration),
            ("SQUARE_CORNER_VELOCITY", l.square_corner_speed),
            ("MINIMUM_CRUISE_RATIO", l.cruise_ratio),
        ];
        for (name, v) in fields {
            if let Some(v) = v.filter(|v| v.is_finite()) {
                let _ = write!(text, " {name}={v}");
            }
        }
        if text.contains(' ') {
            self.text_line(&text);
        }
        if let Some(v) = l.pressure_advance.filter(|v| v.is_finite()) {
            self.text_line(&format!("SET_PRESSURE_ADVANCE ADVANCE={v}"));
        }
    }

    /// Writes a move that has more than x, y and z.
    fn full_move(&mut self, m: &Move) {
        if let Some(pitch) = m.pitch {
            if self.style.rules.runs_g(330) && m.way == Way::Line {
                return self.in_step(m, pitch);
            }
            self.find(
                Severity::Error,
                "gcode/no-word",
                "this controller keeps no spindle in step; a plain move is written",
            );
        }
        let from = self.more;
        let more = if self.style.rules.more_axes { m.more } else { [None; 6] };
        if more != m.more {
            self.find(
                Severity::Error,
                "gcode/no-word",
                "this controller has x, y and z only; the other axes are left out",
            );
        }
        let Way::Arc { plane, center, counter_clockwise, turns } = m.way else {
            self.owe(m.e);
            self.due(from, more, 1.0);
            self.straight(m.way == Way::Rapid, m.to);
            if self.filament.is_some() {
                self.filament_line();
            }
            return;
        };
        let plane_word = ["G17", "G18", "G19"];
        if plane != Plane::Xy {
            self.text_line(plane_word[plane as usize]);
            self.motion = None;
        }
        let axes = plane.axes();
        let (Some(x), Some(y), Some(z)) = (self.exact[0], self.exact[1], self.exact[2]) else {
            return self.straight(false, m.to);
        };
        let start = [x, y, z];
        let total = m.sweep(start);
        let mut done = 0.0;
        for turn in 1..=turns.max(1) {
            // Whole turns first, each a turn's share of the way along the normal.
            let until =
                if turn == turns.max(1) { 1.0 } else { f64::from(turn) * std::f64::consts::TAU / total };
            let mut to = if turn == turns.max(1) { m.to } else { start };
            if turn < turns {
                to[axes[2]] = start[axes[2]] + (m.to[axes[2]] - start[axes[2]]) * until;
            }
            let begin = done;
            let e = m.e;
            let mut spent = begin;
            self.arc_in(axes, to, center, counter_clockwise, |writer, fraction| {
                let here = begin + (until - begin) * fraction;
                writer.owe(e * (here - spent));
                writer.due(from, more, here);
                spent = here;
            });
            done = until;
        }
        if plane != Plane::Xy {
            self.text_line(plane_word[0]);
            self.motion = None;
        }
        if self.filament.is_some() {
            self.filament_line();
        }
    }

    /// Makes the other axes' words due that lie this fraction of the way from `from` to `to`.
    fn due(&mut self, from: MoreAxes, to: MoreAxes, fraction: f64) {
        for i in 0..6 {
            let Some(to) = to[i] else { continue };
            let here = from[i].map_or(to, |from| from + (to - from) * fraction);
            let grid = self.style.grid;
            let before = self.more[i].and_then(|v| grid.round(v));
            self.more_due[i] = grid.round(here).filter(|steps| Some(*steps) != before);
            self.more[i] = Some(here);
        }
    }

    /// G33: a move in step with the spindle.
    fn in_step(&mut self, m: &Move, pitch: f64) {
        let grid = self.style.grid;
        let (Some(x), Some(y), Some(z), Some(k)) =
            (grid.round(m.to[0]), grid.round(m.to[1]), grid.round(m.to[2]), Grid::new(5).round(pitch))
        else {
            return self.out_of_range();
        };
        self.out.extend_from_slice(b"G33");
        for (letter, v) in [(b'X', x), (b'Y', y), (b'Z', z)] {
            self.word(letter, grid, v);
        }
        self.word(b'K', Grid::new(5), k);
        self.end_line();
        self.motion = None;
        self.stand(m.to);
        self.moved = true;
    }

    fn stand(&mut self, to: Position) {
        let grid = self.style.grid;
        self.at = to.map(|v| grid.round(v));
        self.exact = to.map(Some);
    }
}
