//! Which modes are in force, by what was sent; held against what the controller says of itself (`$G`).
//!
//! A letter or a digit that is damaged on the wire may leave a line that is sound and wrong: F600 becomes F400, G21
//! becomes G20. What it does to the modes stays in force until another line says otherwise, so the report of the modes
//! shows it. Only what both sides know is compared; expressions, subprograms and the end of a program make it unknown.
//!
//! Sources: GRBL 1.1 `gcode.h` (modal groups) and `report_gcode_modes`; RS274/NGC version 3, table 4.

use super::wire::words;

/// Modal groups that are told.
const GROUPS: usize = 8;
const MOTION: usize = 0;
const SYSTEM: usize = 1;
const PLANE: usize = 2;
const UNITS: usize = 3;
const DISTANCE: usize = 4;
const FEED_MODE: usize = 5;
const SPINDLE: usize = 6;
/// Bit 0 is mist, bit 1 is flood.
const COOLANT: usize = 7;

/// Millimetres in an inch.
const INCH: f64 = 25.4;

/// Modes in force; what is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Modes {
    /// Numbers of the words in tenths (G38.2 is 382).
    groups: [Option<u16>; GROUPS],
    /// As written, in the units of its line: mm/min or in/min.
    feed: Option<(f64, bool)>,
    /// Spindle speed or power.
    rpm: Option<f64>,
    /// How often something was said of each group, then of feed and speed.
    said: [u64; GROUPS + 2],
}

/// What differs between two views of the modes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The first group that differs, and how often something had been said of it.
    group: usize,
    said: u64,
    /// As the program has it, and as the controller has it.
    pub wanted: String,
    pub found: String,
}

impl Modes {
    /// Forgets everything.
    pub(crate) fn forget(&mut self) {
        (self.groups, self.feed, self.rpm) = ([None; GROUPS], None, None);
        self.said.iter_mut().for_each(|n| *n += 1);
    }

    /// Returns whether the axes of a line are told where to be, for certain: G90 is in force, and nothing is computed.
    pub(crate) fn names_places(&self, line: &[u8]) -> bool {
        let mut mode = self.groups[DISTANCE];
        for word in words(line) {
            match word.map(|(letter, number)| group(letter, tenths(number))) {
                None => return false,
                Some(Some((DISTANCE, said))) => mode = Some(said),
                Some(_) => {}
            }
        }
        mode == Some(900)
    }

    /// Takes a line over that goes to the controller.
    pub(crate) fn say(&mut self, line: &[u8]) {
        if let [b'$', rest @ ..] = line {
            // Homing ends with the startup blocks (`$N0`), which say what they like.
            if matches!(rest, [b'H' | b'h', ..]) {
                self.forget();
            }
            return;
        }
        let (mut feed, mut ends) = (None, false);
        for word in words(line) {
            let Some((letter, number)) = word else { return self.forget() };
            match letter {
                b'F' => feed = Some(number),
                b'S' => (self.rpm, self.said[GROUPS + 1]) = (Some(number), self.said[GROUPS + 1] + 1),
                b'M' if matches!(tenths(number), 20 | 300) => ends = true,
                // Macros, and changes of tools that the controller does by itself.
                b'M' if matches!(tenths(number), 60 | 980 | 990) => return self.forget(),
                b'G' if matches!(tenths(number), 650 | 660) => return self.forget(),
                b'G' | b'M' => self.word(letter, tenths(number)),
                _ => {}
            }
        }
        if let Some(feed) = feed {
            // Which feed is kept in the other modes is a matter of the firmware.
            let per_minute = self.groups[FEED_MODE] == Some(940);
            self.feed = self.groups[UNITS].filter(|_| per_minute).map(|unit| (feed, unit == 200));
            self.said[GROUPS] += 1;
        } else if matches!(self.groups[FEED_MODE], Some(930 | 950)) {
            self.feed = None;
        }
        if ends {
            self.forget();
        }
    }

    fn word(&mut self, letter: u8, tenths: u16) {
        let Some((group, value)) = group(letter, tenths) else { return };
        self.said[group] += 1;
        self.groups[group] = match (group, value, self.groups[group]) {
            (COOLANT, 0, _) => Some(0),
            (COOLANT, one, before) => before.map(|b| b | one),
            _ => Some(value),
        };
    }

    /// Reads a report: `[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]`, or as GRBL 0.9 has it, without the name.
    pub(crate) fn read(report: &str) -> Modes {
        let inner = report.trim_matches(['[', ']']);
        let inner = inner.strip_prefix("GC:").unwrap_or(inner);
        let mut found = Modes::default();
        for word in words(inner.as_bytes()).flatten() {
            match word {
                (b'F', number) => found.feed = Some((number, false)),
                (b'S', number) => found.rpm = Some(number),
                (letter @ (b'G' | b'M'), number) => {
                    if let Some((COOLANT, value)) = group(letter, tenths(number)) {
                        found.groups[COOLANT] = Some(found.groups[COOLANT].unwrap_or(0) | value);
                    } else {
                        found.word(letter, tenths(number));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Takes over what is not known from a report.
    pub(crate) fn learn(&mut self, found: &Modes) {
        for (known, found) in self.groups.iter_mut().zip(found.groups) {
            *known = known.or(found);
        }
    }

    /// Returns what a report says otherwise; `inches`: it gives feeds in in/min; `speeds`: S is compared, too.
    pub(crate) fn difference(&self, found: &Modes, inches: bool, speeds: bool) -> Option<Difference> {
        let told = |group: usize, wanted: String, found: String| {
            Some(Difference { group, said: self.said[group], wanted, found })
        };
        for group in 0..GROUPS {
            if let (Some(wanted), Some(found)) = (self.groups[group], found.groups[group])
                && wanted != found
            {
                return told(group, spelled(group, wanted), spelled(group, found));
            }
        }
        if let (Some((wanted, in_inches)), Some((reported, _))) = (self.feed, found.feed) {
            let mm = if in_inches { wanted * INCH } else { wanted };
            // No decimals in mm, one in inches; single precision.
            let same = |unit: f64, grain: f64| (mm / unit - reported).abs() <= grain + mm / unit * 1e-4;
            // In the units of `$13`, as some have it in those that are in force.
            let in_inches = inches || in_inches || found.groups[UNITS] == Some(200);
            if !(same(1.0, 1.0) || in_inches && same(INCH, 0.1)) {
                return told(GROUPS, format!("F{wanted}"), format!("F{reported}"));
            }
        }
        if let (true, Some(wanted), Some(reported)) = (speeds, self.rpm, found.rpm)
            && (wanted - reported).abs() > 1.0 + wanted.abs() * 1e-4
        {
            return told(GROUPS + 1, format!("S{wanted}"), format!("S{reported}"));
        }
        None
    }

    /// Returns whether nothing was said since of the group that differed: if it is right now, the report was wrong.
    pub(crate) fn stands_since(&self, difference: &Difference) -> bool {
        self.said[difference.group] == difference.said
    }
}

/// Returns whether a line ends the program, and with it the modes.
pub(crate) fn ends_program(line: &[u8]) -> bool {
    // Most lines have no M at all.
    line.iter().any(|b| matches!(b, b'M' | b'm'))
        && words(line).flatten().any(|(letter, number)| letter == b'M' && matches!(tenths(number), 20 | 300))
}

fn tenths(number: f64) -> u16 {
    // Out of range becomes a word that nobody knows.
    (number * 10.0).round().clamp(0.0, 60_000.0) as u16
}

/// Returns the group of a word, and its value there.
fn group(letter: u8, tenths: u16) -> Option<(usize, u16)> {
    let group = match (letter, tenths) {
        (b'G', 0 | 10 | 20 | 30 | 50 | 51 | 330 | 382..=385 | 730 | 760 | 800..=890) => MOTION,
        (b'G', 540..=593) => SYSTEM,
        (b'G', 170 | 180 | 190) => PLANE,
        (b'G', 200 | 210) => UNITS,
        (b'G', 900 | 910) => DISTANCE,
        (b'G', 930 | 940 | 950) => FEED_MODE,
        (b'M', 30 | 40 | 50) => SPINDLE,
        (b'M', 70) => return Some((COOLANT, 1)),
        (b'M', 80) => return Some((COOLANT, 2)),
        (b'M', 90) => return Some((COOLANT, 0)),
        _ => return None,
    };
    Some((group, tenths))
}

fn spelled(group: usize, value: u16) -> String {
    match (group, value) {
        (COOLANT, 0) => "M9".to_owned(),
        (COOLANT, 1) => "M7".to_owned(),
        (COOLANT, 2) => "M8".to_owned(),
        (COOLANT, _) => "M7 M8".to_owned(),
        (SPINDLE, value) => format!("M{}", value / 10),
        (_, value) if value % 10 == 0 => format!("G{}", value / 10),
        (_, value) => format!("G{}.{}", value / 10, value % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &[&str]) -> Modes {
        let mut modes = Modes::default();
        for line in lines {
            modes.say(line.as_bytes());
        }
        modes
    }

    fn differs(lines: &[&str], report: &str) -> Option<(String, String)> {
        let found = after(lines).difference(&Modes::read(report), false, true);
        found.map(|d| (d.wanted, d.found))
    }

    #[test]
    fn a_report_that_agrees_differs_in_nothing() {
        let report = "[GC:G1 G54 G17 G21 G90 G94 M3 M8 T0 F600 S12000]";
        assert_eq!(differs(&["G21G90G17G94G54", "M3S12000M9", "M8", "G1X1F600.4", "X2"], report), None);
        assert_eq!(differs(&["G0X1", "G1X1F600", "G53G1X1", "G4P1", "G92X0", "$J=G91X1F1"], report), None);
        let old = "[G1 G54 G17 G21 G90 G94 M0 M5 M9 T0 F600. S0.]";
        assert_eq!(differs(&["G1F600M5S0M9"], old), None, "GRBL 0.9");
        assert_eq!(
            differs(&["G20G94", "G1X1F10"], "[GC:G1 G20 F254 S0]"),
            None,
            "feeds in mm, whatever the program has"
        );
        assert_eq!(differs(&["G20G94", "G1X1F10"], "[GC:G1 G20 F10.0 S0]"), None, "as older ones have it");
        assert_eq!(differs(&["G21G94F3000", "G20"], "[GC:G1 G20 F118.1 S0]"), None, "and in those of now");
        assert_eq!(differs(&["M7", "M8"], "[GC:M8]"), None, "what was on before is not known");
        assert_eq!(differs(&["M9M7", "M8"], "[GC:M7 M8]"), None);
        assert_eq!(differs(&["G38.2Z-5F100"], "[GC:G38.2 F100]"), None);
        assert_eq!(differs(&["G93", "G1X1F2"], "[GC:G1 G93 F9 S0]"), None);
        for unknown in ["M30", "G1X[#1+2]", "O100 CALL", "M98P5", "G65P1", "T1M6", "$H", "$HZ"] {
            assert_eq!(differs(&["G21G94F600", unknown], "[GC:G3 G55 G20 F1 S1]"), None, "{unknown}");
        }
    }

    #[test]
    fn a_feed_is_known_with_its_units_and_its_mode_only() {
        for lines in [["G20", "G1X[#1]", "G1X1F10"], ["G94", "M98P1", "G21F10"], ["G21", "G93", "F10"]] {
            assert_eq!(differs(&lines, "[GC:F254 S0]"), None, "{lines:?}");
        }
        assert!(differs(&["G20G94", "G1X1F10"], "[GC:F300 S0]").is_some());
    }

    #[test]
    fn axes_are_told_where_to_be_in_absolute_mode() {
        assert!(after(&["G90"]).names_places(b"G0X1") && after(&["G91"]).names_places(b"G90X1"));
        for (before, line) in [(&[][..], "G0X1"), (&["G91"], "X1"), (&["G90"], "G91X1"), (&["G90"], "X[#1]")]
        {
            assert!(!after(before).names_places(line.as_bytes()), "{before:?} {line}");
        }
    }

    #[test]
    fn every_group_that_differs_is_named() {
        let report = "[GC:G1 G54 G17 G21 G90 G94 M5 M9 T0 F600 S0]";
        for (line, wanted, found) in [
            ("G0X1", "G0", "G1"),
            ("G55", "G55", "G54"),
            ("G59.3", "G59.3", "G54"),
            ("G18", "G18", "G17"),
            ("G20", "G20", "G21"),
            ("G91", "G91", "G90"),
            ("G93", "G93", "G94"),
            ("M3", "M3", "M5"),
            ("M9M8", "M8", "M9"),
            ("F620", "F620", "F600"),
            ("S1000", "S1000", "S0"),
        ] {
            assert_eq!(
                differs(&["G21G94", line], report),
                Some((wanted.to_owned(), found.to_owned())),
                "{line}"
            );
        }
    }

    #[test]
    fn what_nobody_touched_since_is_known_to_stand() {
        let mut modes = after(&["G21G94", "G1X1F600", "M3S1000"]);
        let difference = modes.difference(&Modes::read("[GC:F900]"), false, true).expect("F differs");
        modes.say(b"G1X2");
        assert!(modes.stands_since(&difference));
        modes.say(b"F800");
        assert!(!modes.stands_since(&difference));
    }

    #[test]
    fn what_is_not_known_is_learnt_from_a_report() {
        let mut modes = after(&["G0"]);
        modes.learn(&Modes::read("[GC:G1 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]"));
        let spelled = modes.difference(&Modes::read("[GC:G0 G20]"), false, true).map(|d| d.wanted);
        assert_eq!(spelled.as_deref(), Some("G21"));
        modes.say(b"M8");
        assert!(modes.difference(&Modes::read("[GC:M9]"), false, true).is_some());
    }

    #[test]
    fn ends_of_programs_are_known() {
        for (line, ends) in [("M2", true), ("M30", true), ("G0X1M02", true), ("M3", false), ("M300", false)] {
            assert_eq!(ends_program(line.as_bytes()), ends, "{line}");
        }
    }
}
