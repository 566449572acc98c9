//! What printers say: filament, heaters, fans, limits, extended commands, and what slicers write into comments.
//!
//! Sources: the command lists of Marlin 2, Klipper (`G-Codes.md`), RepRapFirmware 3 and Smoothieware. A command that
//! has no canonical form is handed on as it stands ([`Command::Native`]), so that nothing is lost.

use super::block::Block;
use super::execute::FARTHEST;
use super::state::{Line, Motion};
use super::{Run, Step};
use shop_cam::canon::{Command, Factor, Heater, Limits, Position, Wait};
use shop_cam::machine::{Dialect, MachineKind};

/// Filament beyond this in one move is a mistake, mm.
const LONGEST_FILAMENT: f64 = 1e6;
/// Turns of one M808 loop beyond which it counts as endless.
const MOST_LOOPS: f64 = 1e6;

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Takes an E word; returns the filament that goes in, mm.
    #[inline]
    pub(super) fn filament(&mut self, word: f64) -> f64 {
        let s = &mut self.state;
        let v = word * s.unit;
        // Klipper's G91 counts for the filament too, and its G90 leaves M83 in force.
        let absolute = s.e_absolute && (s.absolute || self.context.dialect != Dialect::Klipper);
        let e = if absolute { s.e.go(v) } else { v };
        if e.is_nan() || e.abs() > LONGEST_FILAMENT {
            return 0.0;
        }
        if absolute {
            s.e.set(v);
        } else {
            s.e.add(e);
        }
        e
    }

    /// A straight move with filament.
    #[inline]
    pub(super) fn extrude(&mut self, motion: Motion, to: Position, word: f64, block: &Block) {
        let e = self.filament(word);
        let here = to == self.state.position;
        if e == 0.0 && !here {
            return self.straight(motion, to, block);
        }
        if !to.iter().all(|v| v.abs() <= FARTHEST) {
            return self.too_far(block);
        }
        if e == 0.0 {
            return;
        }
        if self.state.feed <= 0.0 || !self.state.feeds_per_minute() {
            let from = self.state.position;
            let length = (0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
            self.feed_for(if here { e.abs() } else { length }, block);
        }
        if here {
            self.emit(Command::Filament { e });
        } else {
            self.emit(Command::Extrude { to, e });
            self.state.position = to;
        }
    }

    /// Hands the line on as it stands, once.
    #[cold]
    pub(super) fn native(&mut self, block: &Block, line: &mut Line) {
        if std::mem::replace(&mut line.native, true) {
            return;
        }
        line.used = u32::MAX;
        let text = self.bare_line(block);
        if !text.is_empty() {
            self.emit(Command::Native(text.into()));
        }
    }

    /// Returns the line without its number, checksum and comments.
    pub(super) fn bare_line(&self, block: &Block) -> String {
        let end = block.comments.iter().map(|c| c.start).min().unwrap_or(block.end).min(block.end);
        let text = String::from_utf8_lossy(self.program.get(block.start..end).unwrap_or_default());
        let text = text.trim();
        let text = match text.strip_prefix(['N', 'n']) {
            Some(rest) => rest.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start(),
            None => text,
        };
        let text = match text.rfind('*') {
            Some(star)
                if self.rules.checksum && text[star + 1..].trim().bytes().all(|b| b.is_ascii_digit()) =>
            {
                &text[..star]
            }
            _ => text,
        };
        text.trim_end().to_owned()
    }

    /// The M words of printers; false when it is none of them.
    pub(super) fn printer_word(&mut self, n: i64, block: &Block, line: &mut Line) -> bool {
        let s = block.get(b'S');
        let limits = |l: Limits| Command::Limits(Box::new(l));
        // M203 and M566 count per minute in RepRapFirmware.
        let slow = if self.context.dialect == Dialect::RepRapFirmware { 60.0 } else { 1.0 };
        let axes = |scale: f64| -> [Option<f64>; 4] { b"XYZE".map(|l| block.get(l).map(|v| v / scale)) };
        let command = match n {
            82 | 83 => {
                self.state.e_absolute = n == 82;
                return true;
            }
            104 | 109 | 140 | 190 | 141 | 191 => {
                let Some(command) = self.temperature(n, block) else {
                    self.native(block, line);
                    return true;
                };
                command
            }
            106 | 107 => {
                let s = s.unwrap_or(255.0);
                let full =
                    if self.context.dialect == Dialect::RepRapFirmware && s <= 1.0 { 1.0 } else { 255.0 };
                let fraction = if n == 106 { (s / full).clamp(0.0, 1.0) } else { 0.0 };
                Command::Fan { number: block.get(b'P').unwrap_or(0.0).clamp(0.0, 1000.0) as u16, fraction }
            }
            201 => limits(Limits { axis_acceleration: axes(1.0), ..Limits::default() }),
            203 => limits(Limits { axis_speed: axes(slow), ..Limits::default() }),
            204 => limits(self.accelerations(block)),
            205 => limits(self.corners(block)),
            566 => limits(Limits { jerk: axes(slow), ..Limits::default() }),
            572 | 900 => {
                let advance = block.get(if n == 900 { b'K' } else { b'S' });
                limits(Limits { pressure_advance: advance, ..Limits::default() })
            }
            220 | 221 => match s {
                Some(s) if s > 0.0 => Command::Factor {
                    of: if n == 220 { Factor::Feed } else { Factor::Flow },
                    factor: s / 100.0,
                },
                _ => {
                    self.native(block, line);
                    return true;
                }
            },
            400 => Command::Finish,
            600 => Command::FilamentChange,
            25 | 226 | 601 => Command::Pause { optional: false },
            42 => {
                let (number, value) = (block.get(b'P').unwrap_or(0.0), s.unwrap_or(0.0));
                Command::Output {
                    number: number.clamp(0.0, 1000.0) as u16,
                    value,
                    analog: value > 1.0,
                    synchronised: false,
                }
            }
            117 | 118 => {
                let text = block.text.and_then(|t| self.program.get(t.start..t.end)).unwrap_or_default();
                Command::Message(String::from_utf8_lossy(text).trim().into())
            }
            808 => {
                self.repeat_marker(block);
                line.used = u32::MAX;
                return true;
            }
            // The line number of the protocol, progress on the display, and reports that move nothing, are no business of
            // the program.
            73 | 110 => {
                line.used = u32::MAX;
                return true;
            }
            _ => return false,
        };
        line.used = u32::MAX;
        self.emit(command);
        true
    }

    fn temperature(&mut self, n: i64, block: &Block) -> Option<Command> {
        let (s, r) = (block.get(b'S'), block.get(b'R'));
        let waits = matches!(n, 109 | 190 | 191);
        let target_c = s.or(r.filter(|_| waits))?;
        let wait = match (waits, s) {
            (false, _) => Wait::No,
            (true, Some(_)) => Wait::Heat,
            (true, None) => Wait::Both,
        };
        let heater = match n {
            104 | 109 => {
                let tool = block.get(b'T').map_or(self.state.extruder, |t| t.clamp(0.0, 1000.0) as u16);
                Heater::Hotend(tool)
            }
            140 | 190 => Heater::Bed,
            _ => Heater::Chamber,
        };
        Some(Command::Temperature { heater, target_c, wait })
    }

    /// M204.
    fn accelerations(&self, block: &Block) -> Limits {
        let (p, t, s) = (block.get(b'P'), block.get(b'T'), block.get(b'S'));
        let mut l = Limits::default();
        if let Some(s) = s {
            l.acceleration = Some(s);
            l.travel_acceleration = Some(s);
            // The old form, of Prusa's firmware still: T is the filament's.
            l.retract_acceleration = t;
            return l;
        }
        l.acceleration = p;
        l.travel_acceleration = t;
        l.retract_acceleration = block.get(b'R');
        if self.context.dialect == Dialect::Klipper
            && let (Some(p), Some(t)) = (p, t)
        {
            l.acceleration = Some(p.min(t));
            l.travel_acceleration = l.acceleration;
        }
        l
    }

    /// M205: jerk, junction deviation, least speeds; in Smoothieware X is the junction deviation.
    fn corners(&self, block: &Block) -> Limits {
        if self.context.dialect == Dialect::Smoothie {
            return Limits { junction_deviation: block.get(b'X'), ..Limits::default() };
        }
        Limits {
            jerk: b"XYZE".map(|l| block.get(l)),
            junction_deviation: block.get(b'J'),
            least_speed: [block.get(b'S'), block.get(b'T')],
            ..Limits::default()
        }
    }

    /// M808: `L` opens a loop, without it the loop goes round.
    fn repeat_marker(&mut self, block: &Block) {
        if let Some(l) = block.get(b'L') {
            if l == 0.0 || l > MOST_LOOPS {
                self.notes.error("gcode/endless", 2, block.span(), || {
                    "this loop never ends; it is run once".into()
                });
            }
            let turns = if (1.0..=MOST_LOOPS).contains(&l) { l as u64 } else { 1 };
            self.repeats.push((block.next, self.line + 1, turns - 1));
        } else if let Some((at, line, left)) = self.repeats.last_mut() {
            if *left == 0 {
                self.repeats.pop();
            } else {
                *left -= 1;
                let to = (*at, *line);
                if self.spend(1, block) {
                    self.jump = Some(to);
                }
            }
        }
    }

    /// G28: the axes named look for their switches.
    pub(super) fn search_switches(&mut self, block: &Block) {
        let named = [b'X', b'Y', b'Z'].map(|l| block.has(l));
        let axes = if named == [false; 3] { [true; 3] } else { named };
        let home = self.context.home;
        let s = &mut self.state;
        for i in 0..3 {
            if axes[i] {
                s.shift[i] = 0.0;
                s.position[i] = if i == 2 { s.position[2].max(home[2]) } else { home[i] };
            }
        }
        s.place_offset();
        let to = s.position;
        self.emit(Command::Home { axes, to, of_printer: self.homes_a_printer() });
    }

    fn homes_a_printer(&self) -> bool {
        self.rules.extruder && self.context.kind == MachineKind::Printer
    }

    /// A line that begins with `$`. Of all that GRBL's kin do then, only looking for the switches takes part in a program.
    #[cold]
    pub(super) fn controller_line(&mut self, at: (usize, usize)) {
        let text = self.program.get(at.0..at.1).unwrap_or_default().trim_ascii();
        let grbl = matches!(
            self.context.dialect,
            Dialect::Grbl | Dialect::GrblHal | Dialect::FluidNc | Dialect::Smoothie
        );
        if grbl && text.eq_ignore_ascii_case(b"$h") {
            // Where its switches are in the coordinates of the work is not known; the tool is taken to be where it was.
            let (to, of_printer) = (self.state.position, self.homes_a_printer());
            self.emit(Command::Home { axes: [true; 3], to, of_printer });
            self.notes.warning("gcode/setting", 1, at, || {
                "$H looks for the switches and leaves the tool there; where that is, is not known here".into()
            });
            return;
        }
        self.notes.warning("gcode/setting", 0, at, || {
            "a '$' line is a command to the controller and may write its settings; not interpreted".into()
        });
    }

    /// `SET_VELOCITY_LIMIT ACCEL=3000`: a name and its parameters.
    #[cold]
    pub(super) fn extended(&mut self, block: &Block) {
        let Some(token) = block.extended else { return };
        let raw = self.program.get(token.start..token.end).unwrap_or_default();
        let text = String::from_utf8_lossy(raw).trim().to_owned();
        let name_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
        let (name, rest) = text.split_at(name_end);
        let name = name.to_ascii_uppercase();
        let field = |key: &str| parameter(rest, key);
        let number = |key: &str| field(key).and_then(|v| v.parse::<f64>().ok()).filter(|v| v.is_finite());
        let command =
            match name.as_str() {
                "SET_VELOCITY_LIMIT" => Some(Command::Limits(Box::new(Limits {
                    speed: number("VELOCITY"),
                    acceleration: number("ACCEL"),
                    travel_acceleration: number("ACCEL"),
                    square_corner_speed: number("SQUARE_CORNER_VELOCITY"),
                    cruise_ratio: number("MINIMUM_CRUISE_RATIO"),
                    ..Limits::default()
                }))),
                "SET_PRESSURE_ADVANCE" if number("ADVANCE").is_some() => {
                    Some(Command::Limits(Box::new(Limits {
                        pressure_advance: number("ADVANCE"),
                        ..Limits::default()
                    })))
                }
                "SET_HEATER_TEMPERATURE" => field("HEATER").and_then(heater).map(|heater| {
                    Command::Temperature { heater, target_c: number("TARGET").unwrap_or(0.0), wait: Wait::No }
                }),
                "ACTIVATE_EXTRUDER" => field("EXTRUDER")
                    .and_then(heater)
                    .and_then(|h| match h {
                        Heater::Hotend(n) => Some(n),
                        _ => None,
                    })
                    .map(|n| {
                        self.state.extruder = n;
                        self.state.tool = Some(u32::from(n));
                        Command::ToolChange { number: u32::from(n) }
                    }),
                "RESPOND" => field("MSG").map(|m| Command::Message(m.into())),
                "PAUSE" => Some(Command::Pause { optional: false }),
                _ => None,
            };
        if let Some(command) = command {
            self.emit(command);
            return;
        }
        if self.context.dialect != Dialect::Klipper {
            let at = (token.start, token.end);
            self.notes.error("gcode/unknown-text", 1, at, || format!("{name} is no command"));
        }
        const QUIET: [&str; 12] = [
            "EXCLUDE_OBJECT_DEFINE",
            "EXCLUDE_OBJECT_START",
            "EXCLUDE_OBJECT_END",
            "SET_PRINT_STATS_INFO",
            "GET_POSITION",
            "TEMPERATURE_WAIT",
            "SET_FAN_SPEED",
            "SET_LED",
            "SET_IDLE_TIMEOUT",
            "ECHO",
            "TIMELAPSE_TAKE_FRAME",
            "SAVE_VARIABLE",
        ];
        if !QUIET.contains(&name.as_str()) {
            let dialect = self.rules.name;
            let key = name.bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
            self.notes.warning("gcode/user-command", key, (token.start, token.end), || {
                format!(
                    "{dialect} runs {name} as it is set up; it may move the machine and is not executed here"
                )
            });
        }
        self.emit(Command::Native(text.into()));
    }

    /// What slicers write into comments: layers and kinds of roads. True when the comment is one of them.
    pub(super) fn marker(&mut self, text: &str) -> bool {
        let layer = text
            .strip_prefix("LAYER:")
            .or_else(|| text.strip_prefix("layer ").filter(|_| self.rules.extruder))
            .and_then(|t| t.split([',', ' ']).next())
            .and_then(|t| t.trim().parse::<i64>().ok());
        if text == "LAYER_CHANGE" || text == "CHANGE_LAYER" {
            let number = self.state.layers;
            self.state.layers += 1;
            self.emit(Command::Layer { number });
            return true;
        }
        if let Some(number) = layer {
            // Rafts have negative numbers, Simplify3D begins with 1: what counts is that they follow one another.
            let number = u32::try_from(number).unwrap_or(0);
            self.state.layers = number.saturating_add(1);
            self.emit(Command::Layer { number });
            return true;
        }
        let feature = text
            .strip_prefix("TYPE:")
            .or_else(|| text.strip_prefix("FEATURE: "))
            .or_else(|| text.strip_prefix("feature "));
        if let Some(name) = feature.map(str::trim).filter(|n| !n.is_empty()) {
            self.emit(Command::Feature(name.into()));
            return true;
        }
        false
    }
}

/// Returns the value of `KEY=value` or `KEY="value"`.
fn parameter<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let equals = rest.find('=')?;
        let name = rest[..equals].split_whitespace().last()?;
        let value = rest[equals + 1..].trim_start();
        let (value, after) = if let Some(quoted) = value.strip_prefix('"') {
            quoted.split_once('"').unwrap_or((quoted, ""))
        } else {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            value.split_at(end)
        };
        if name.eq_ignore_ascii_case(key) {
            return Some(value);
        }
        rest = after;
    }
}

fn heater(name: &str) -> Option<Heater> {
    match name {
        "heater_bed" => Some(Heater::Bed),
        "extruder" => Some(Heater::Hotend(0)),
        _ => name.strip_prefix("extruder").and_then(|n| n.parse().ok()).map(Heater::Hotend),
    }
}
