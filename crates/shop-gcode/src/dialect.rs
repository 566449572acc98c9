//! What controllers understand and how they like it written: dialects as data.
//!
//! Sources: GRBL 1.1 `gcode.c` and its interface description; the manuals of grblHAL, FluidNC, LinuxCNC 2.9 and
//! QtPlasmaC, Marlin 2 and Smoothieware. Facts only; the words are ours.

use crate::parse::Syntax;
use shop_cam::machine::Dialect;

/// When a controller refuses an arc whose two radii differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArcRule {
    /// GRBL error:33: difference above 0.5 mm, or above 0.005 mm and above 0.1 % of the radius.
    Grbl,
    /// LinuxCNC without an INI, measured with 2.9: above 2.83 mm, or above 0.0283 mm and above 0.1 % of the radius.
    LinuxCnc,
    /// Takes the radius at the start and ends where the words say (Marlin, Smoothieware).
    Never,
}

impl ArcRule {
    /// True when radii `start` and `end`, mm, are refused.
    pub fn refuses(self, start: f64, end: f64) -> bool {
        let difference = (start - end).abs();
        match self {
            ArcRule::Grbl => difference > 0.5 || (difference > 0.005 && difference > 0.001 * start),
            ArcRule::LinuxCnc => {
                difference > 2.83 || (difference > 0.0283 && difference > 0.001 * start.max(end))
            }
            ArcRule::Never => false,
        }
    }

    /// Returns how much a radius word may be too short for half its chord, mm, by rounding of a half circle.
    pub fn short_radius(self) -> f64 {
        match self {
            // GRBL error:34: 4·R² − chord² must not be negative.
            ArcRule::Grbl => 0.0,
            ArcRule::LinuxCnc | ArcRule::Never => 0.00127,
        }
    }
}

/// What one controller family understands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Its name for people.
    pub name: &'static str,
    /// How its lines are read.
    pub syntax: Syntax,
    /// G-codes it runs, in tenths (G91.1 is 911), sorted.
    pub g: &'static [u16],
    /// M-codes it runs, sorted.
    pub m: &'static [u16],
    /// Expressions, parameters and O-words are computed.
    pub formulas: bool,
    /// M6 changes tools; without it, a T word alone counts as the change.
    pub tool_change: bool,
    /// A line that starts with `/` is left out.
    pub block_delete: bool,
    /// `%` marks the ends of a program; elsewhere it is refused.
    pub percent: bool,
    /// `*71` at the end of a line is a checksum; elsewhere it is refused.
    pub checksum: bool,
    /// G4 P counts milliseconds.
    pub dwell_ms: bool,
    /// A line carries one command only, and motion needs its G word on every line.
    pub one_command: bool,
    /// G0 and G1 share one feed.
    pub rapid_feed: bool,
    /// E words push filament, and heaters, fans and firmware retraction have their words.
    pub extruder: bool,
    /// It moves more axes than x, y and z (A, B, C, U, V, W).
    pub more_axes: bool,
    /// F and the lengths of a line are read in the units that the same line selects.
    pub units_first: bool,
    /// G0 is in force at the start.
    pub rapid_at_start: bool,
    /// Which arcs are refused.
    pub arcs: ArcRule,
    /// Longest line it takes, bytes without the line end.
    pub longest_line: usize,
    /// Comments are written `; …` and not `( … )`.
    pub remarks: bool,
    /// How a program ends.
    pub end: Option<&'static str>,
}

impl Rules {
    /// True when the G-code (in tenths) is run.
    pub fn runs_g(&self, tenths: i64) -> bool {
        u16::try_from(tenths).is_ok_and(|c| self.g.binary_search(&c).is_ok())
    }

    /// True when the M-code is run.
    pub fn runs_m(&self, code: i64) -> bool {
        u16::try_from(code).is_ok_and(|c| self.m.binary_search(&c).is_ok())
    }
}

/// Returns what a controller of this dialect understands.
pub fn rules(dialect: Dialect) -> &'static Rules {
    match dialect {
        Dialect::Grbl => &GRBL,
        Dialect::GrblHal => &GRBLHAL,
        Dialect::FluidNc => &FLUIDNC,
        Dialect::LinuxCnc => &LINUXCNC,
        Dialect::QtPlasmaC => &QTPLASMAC,
        Dialect::Marlin => &MARLIN,
        Dialect::Klipper => &KLIPPER,
        Dialect::RepRapFirmware => &REPRAPFIRMWARE,
        Dialect::Smoothie => &SMOOTHIE,
    }
}

const PLAIN: Syntax =
    Syntax { text_arguments: false, bare_letters: false, extended: false, polar: false, braces: false };

const GRBL: Rules = Rules {
    name: "GRBL",
    syntax: PLAIN,
    g: &[
        0, 10, 20, 30, 40, 100, 170, 180, 190, 200, 210, 280, 281, 300, 301, 382, 383, 384, 385, 400, 431,
        490, 530, 540, 550, 560, 570, 580, 590, 610, 800, 900, 910, 911, 920, 921, 930, 940,
    ],
    m: &[0, 1, 2, 3, 4, 5, 7, 8, 9, 30],
    formulas: false,
    tool_change: false,
    block_delete: false,
    percent: false,
    checksum: false,
    dwell_ms: false,
    one_command: false,
    rapid_feed: false,
    extruder: false,
    more_axes: false,
    units_first: true,
    rapid_at_start: true,
    arcs: ArcRule::Grbl,
    longest_line: 79,
    remarks: false,
    end: Some("M30"),
};

const GRBLHAL: Rules = Rules {
    name: "grblHAL",
    g: &[
        0, 10, 20, 30, 40, 50, 51, 70, 80, 100, 170, 180, 190, 200, 210, 280, 281, 300, 301, 330, 331, 382,
        383, 384, 385, 400, 430, 431, 432, 490, 500, 510, 530, 540, 550, 560, 570, 580, 590, 591, 592, 593,
        610, 640, 650, 660, 670, 730, 760, 800, 810, 820, 830, 850, 860, 890, 900, 910, 911, 920, 921, 922,
        923, 930, 940, 950, 960, 970, 980, 990,
    ],
    m: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30, 48, 49, 50, 51, 52, 53, 60, 61, 62, 63, 64, 65, 66, 67, 68, 70, 71,
        72, 73, 99,
    ],
    formulas: true,
    tool_change: false,
    more_axes: true,
    percent: true,
    longest_line: 255,
    ..GRBL
};

const FLUIDNC: Rules = Rules {
    name: "FluidNC",
    m: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30, 56, 61, 62, 63, 64, 65, 66, 67, 68],
    formulas: true,
    more_axes: true,
    percent: true,
    longest_line: 255,
    ..GRBL
};

const LINUXCNC: Rules = Rules {
    name: "LinuxCNC",
    syntax: Syntax {
        text_arguments: false,
        bare_letters: false,
        extended: false,
        polar: true,
        braces: false,
    },
    g: &[
        0, 10, 20, 30, 40, 50, 51, 52, 53, 70, 80, 100, 170, 171, 180, 181, 190, 191, 200, 210, 280, 281,
        300, 301, 330, 331, 382, 383, 384, 385, 386, 388, 400, 410, 411, 420, 421, 430, 431, 432, 490, 520,
        530, 540, 550, 560, 570, 580, 590, 591, 592, 593, 610, 611, 640, 700, 710, 711, 712, 720, 721, 722,
        730, 740, 760, 800, 810, 820, 830, 840, 850, 860, 870, 880, 890, 900, 901, 910, 911, 920, 921, 922,
        923, 930, 940, 950, 960, 970, 980, 990,
    ],
    m: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 19, 30, 48, 49, 50, 51, 52, 53, 60, 61, 62, 63, 64, 65, 66, 67, 68, 70,
        71, 72, 73, 98, 99,
    ],
    tool_change: true,
    more_axes: true,
    formulas: true,
    block_delete: true,
    percent: true,
    units_first: false,
    rapid_at_start: false,
    arcs: ArcRule::LinuxCnc,
    longest_line: 254,
    end: Some("M2"),
    ..GRBL
};

const QTPLASMAC: Rules = Rules {
    name: "QtPlasmaC",
    m: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 19, 30, 48, 49, 50, 51, 52, 53, 60, 61, 62, 63, 64, 65, 66, 67, 68, 70,
        71, 72, 73, 98, 99, 159, 190,
    ],
    ..LINUXCNC
};

const MARLIN: Rules = Rules {
    name: "Marlin",
    syntax: Syntax { text_arguments: true, bare_letters: true, extended: false, polar: false, braces: false },
    g: &[
        0, 10, 20, 30, 40, 50, 100, 110, 120, 170, 180, 190, 200, 210, 260, 270, 280, 290, 300, 310, 320,
        330, 340, 350, 382, 383, 384, 385, 420, 530, 540, 550, 560, 570, 580, 590, 591, 592, 593, 600, 610,
        760, 800, 900, 910, 920, 921, 922,
    ],
    m: &[],
    formulas: false,
    checksum: true,
    dwell_ms: true,
    one_command: true,
    rapid_feed: true,
    extruder: true,
    arcs: ArcRule::Never,
    longest_line: 95,
    remarks: true,
    end: None,
    ..GRBL
};

const KLIPPER: Rules = Rules {
    name: "Klipper",
    syntax: Syntax { text_arguments: true, bare_letters: true, extended: true, polar: false, braces: false },
    g: &[0, 10, 20, 30, 40, 100, 110, 170, 180, 190, 200, 210, 280, 900, 910, 920],
    longest_line: 1 << 16,
    ..MARLIN
};

const REPRAPFIRMWARE: Rules = Rules {
    name: "RepRapFirmware",
    syntax: Syntax { text_arguments: true, bare_letters: true, extended: true, polar: false, braces: true },
    g: &[
        0, 10, 20, 30, 40, 100, 110, 170, 180, 190, 200, 210, 280, 290, 300, 310, 320, 382, 383, 384, 385,
        400, 530, 540, 550, 560, 570, 580, 590, 591, 592, 593, 600, 610, 900, 910, 920, 930, 940,
    ],
    longest_line: 200,
    more_axes: true,
    ..MARLIN
};

const SMOOTHIE: Rules = Rules {
    name: "Smoothieware",
    syntax: Syntax { text_arguments: true, bare_letters: true, extended: false, polar: false, braces: false },
    g: &[
        0, 10, 20, 30, 40, 100, 110, 170, 180, 190, 200, 210, 280, 281, 282, 283, 284, 285, 286, 290, 300,
        310, 320, 382, 383, 384, 385, 430, 431, 490, 530, 540, 550, 560, 570, 580, 590, 591, 592, 593, 800,
        810, 820, 830, 900, 910, 911, 920, 921, 922, 923, 940, 980, 990,
    ],
    m: &[],
    checksum: true,
    dwell_ms: false,
    one_command: true,
    rapid_feed: false,
    extruder: true,
    arcs: ArcRule::Never,
    longest_line: 120,
    remarks: true,
    end: Some("M2"),
    ..GRBL
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_lists_are_sorted() {
        for r in
            [&GRBL, &GRBLHAL, &FLUIDNC, &LINUXCNC, &QTPLASMAC, &MARLIN, &KLIPPER, &REPRAPFIRMWARE, &SMOOTHIE]
        {
            assert!(r.g.is_sorted() && r.m.is_sorted(), "{}", r.name);
        }
    }

    #[test]
    fn arc_rules_as_measured() {
        // LinuxCNC 2.9: 0.027 passes at any radius, 0.03 fails at r = 10 and passes at r = 100.
        assert!(!ArcRule::LinuxCnc.refuses(10.0, 10.027));
        assert!(ArcRule::LinuxCnc.refuses(10.0, 10.03));
        assert!(!ArcRule::LinuxCnc.refuses(100.0, 100.03));
        assert!(ArcRule::Grbl.refuses(1.0, 1.006) && !ArcRule::Grbl.refuses(10.0, 10.006));
        assert!(ArcRule::Grbl.refuses(1000.0, 1000.6));
    }
}
