//! Runs one line: modal state, the order of execution, and what each code does.

use super::block::{Block, Code, DOLLAR, bit};
use super::{Run, Step};
use crate::dialect::Rules;
use shop_cam::Speed;
use shop_cam::canon::{Command, Laser, Position, Spindle, Torch};
use shop_cam::machine::{Dialect, MachineKind};

const INCH: f64 = 25.4;
/// Coordinates beyond this are a mistake, mm: a kilometre.
const FARTHEST: f64 = 1e6;
const AXES: [u8; 3] = *b"XYZ";
const ROTARY_AND_EXTRA: [u8; 6] = *b"ABCUVW";

/// The motion that axis words ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    /// G80.
    None,
    Rapid,
    Line,
    Arc {
        counter_clockwise: bool,
    },
    /// G38.2 … G38.5.
    Probe,
    /// G73, G81 … G89, in tenths.
    Cycle(u16),
}

/// How F is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedMode {
    PerMinute,
    /// G93: moves per minute.
    Inverse,
    /// G95.
    PerTurn,
}

/// What stays in force from line to line.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Where the tool is, canonical.
    pub(crate) position: Position,
    /// Millimetres per unit of the program.
    pub(crate) unit: f64,
    units_given: bool,
    pub(crate) absolute: bool,
    pub(crate) center_absolute: bool,
    /// 0 XY, 1 ZX, 2 YZ.
    pub(crate) plane: usize,
    pub(crate) motion: Motion,
    feed_mode: FeedMode,
    /// F as it stands, in mm where it has a length.
    feed: f64,
    /// The last feed handed on, mm/min.
    emitted_feed: f64,
    /// M3 is 3, M4 is 4, off 0.
    spindle: u8,
    s: f64,
    selected: Option<u32>,
    tool: Option<u32>,
    mist: bool,
    flood: bool,
    system: usize,
    systems: [Position; 9],
    shift: Position,
    shift_on: bool,
    /// From program to canonical coordinates: origin of the system and of G92.
    pub(crate) offset: Position,
    /// G98: cycles return to where they began.
    pub(crate) return_high: bool,
    /// Words of cycles that stay in force: z, r, q, p.
    pub(crate) cycle: [Option<f64>; 4],
    /// Height at which the series of cycles began.
    pub(crate) cycle_from: Option<f64>,
    /// A probing move down to this height whose touch-off has not come yet.
    pub(crate) probing: Option<f64>,
    probing_line: u32,
    pub(crate) cut_feed: Option<f64>,
    pub(crate) percent_closed: bool,
    torch: bool,
    saved: Option<Modes>,
}

/// The modes that M70 saves and M72 restores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modes {
    unit: f64,
    absolute: bool,
    center_absolute: bool,
    plane: usize,
    feed_mode: FeedMode,
    feed: f64,
    return_high: bool,
}

/// What the G words of one line ask for.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    motion: Option<Motion>,
    /// A code that acts once: G4, G10, G28, G30, G53, G92 …, in tenths.
    once: Option<Code>,
    machine_coordinates: bool,
    inch: Option<bool>,
    plane: Option<usize>,
    absolute: Option<bool>,
    center_absolute: Option<bool>,
    feed_mode: Option<FeedMode>,
    system: Option<usize>,
    return_high: Option<bool>,
    dwell: bool,
    /// Words that some code of the line uses.
    used: u32,
}

impl State {
    pub(crate) fn new(rules: &Rules, dialect: Dialect) -> State {
        State {
            position: [0.0; 3],
            unit: 1.0,
            units_given: false,
            absolute: true,
            center_absolute: false,
            plane: 0,
            motion: if rules.rapid_at_start { Motion::Rapid } else { Motion::None },
            feed_mode: FeedMode::PerMinute,
            feed: 0.0,
            emitted_feed: 0.0,
            spindle: 0,
            s: 0.0,
            selected: None,
            tool: None,
            mist: false,
            flood: false,
            system: 0,
            systems: [[0.0; 3]; 9],
            shift: [0.0; 3],
            shift_on: true,
            offset: [0.0; 3],
            return_high: true,
            cycle: [None; 4],
            cycle_from: None,
            probing: None,
            probing_line: 0,
            cut_feed: None,
            percent_closed: false,
            torch: matches!(dialect, Dialect::QtPlasmaC),
            saved: None,
        }
    }

    pub(crate) fn feeds_per_minute(&self) -> bool {
        self.feed_mode == FeedMode::PerMinute
    }

    pub(crate) fn tool_on(&self) -> bool {
        self.spindle != 0
    }

    fn modes(&self) -> Modes {
        Modes {
            unit: self.unit,
            absolute: self.absolute,
            center_absolute: self.center_absolute,
            plane: self.plane,
            feed_mode: self.feed_mode,
            feed: self.feed,
            return_high: self.return_high,
        }
    }

    pub(crate) fn restore(&mut self, modes: Modes) {
        self.unit = modes.unit;
        self.absolute = modes.absolute;
        self.center_absolute = modes.center_absolute;
        self.plane = modes.plane;
        self.feed_mode = modes.feed_mode;
        self.feed = modes.feed;
        self.return_high = modes.return_high;
    }

    fn place_offset(&mut self) {
        for i in 0..3 {
            self.offset[i] = self.systems[self.system][i] + if self.shift_on { self.shift[i] } else { 0.0 };
        }
    }
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Executes the words of a line; true when the program ends here.
    #[inline]
    pub(crate) fn execute(&mut self, block: &Block) -> bool {
        const COORDINATES: u32 = bit(b'X') | bit(b'Y') | bit(b'Z') | bit(b'F') | bit(b'N');
        // Nine lines of ten: a straight move, its G word given or not.
        if block.seen & !COORDINATES == 0 && block.m().is_empty() {
            let motion = match block.g() {
                [] => Some(self.state.motion),
                [Code { number: 0, .. }] => Some(Motion::Rapid),
                [Code { number: 10, .. }] => Some(Motion::Line),
                _ => None,
            };
            if let Some(motion @ (Motion::Rapid | Motion::Line)) = motion
                && self.state.units_given
                && self.state.feed_mode == FeedMode::PerMinute
                && self.state.probing.is_none()
            {
                self.state.motion = motion;
                if let Some(f) = block.get(b'F') {
                    self.set_feed(f, block);
                }
                if block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z')) != 0 {
                    let to = self.target(block);
                    self.straight(motion, to, block);
                }
                return false;
            }
        }
        self.execute_all(block)
    }

    #[inline(never)]
    fn execute_all(&mut self, block: &Block) -> bool {
        let mut line = Line { used: bit(b'N'), ..Line::default() };
        let mut groups = 0u32;
        for code in block.g() {
            self.g_word(*code, &mut line, &mut groups);
        }
        if let Some(mode) = line.feed_mode {
            self.state.feed_mode = mode;
            if mode == FeedMode::Inverse {
                self.state.feed = 0.0;
            }
        }
        if self.rules.units_first {
            self.units(&line);
        }
        if let Some(f) = block.get(b'F') {
            line.used |= bit(b'F');
            self.set_feed(f, block);
        }
        if let Some(s) = block.get(b'S')
            && !(line.dwell && self.rules.one_command)
        {
            line.used |= bit(b'S');
            self.s_word(s, block);
        }
        self.m_words(block, &mut line);
        if line.dwell {
            self.dwell(block, &mut line);
        }
        if let Some(plane) = line.plane {
            self.state.plane = plane;
        }
        if !self.rules.units_first {
            self.units(&line);
        }
        if let Some(system) = line.system {
            self.select_system(system, block);
        }
        if let Some(absolute) = line.absolute {
            self.state.absolute = absolute;
        }
        if let Some(absolute) = line.center_absolute {
            self.state.center_absolute = absolute;
        }
        if let Some(high) = line.return_high {
            self.state.return_high = high;
        }
        let axes = block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z')) != 0;
        if let Some(once) = line.once {
            self.once(once, block, &mut line);
        } else {
            self.motion(axes, block, &mut line);
        }
        self.unused(block, &line);
        self.stops(block)
    }

    fn units(&mut self, line: &Line) {
        if let Some(inch) = line.inch {
            self.state.unit = if inch { INCH } else { 1.0 };
            self.state.units_given = true;
        }
    }

    /// Sorts a G word into what the line asks for.
    fn g_word(&mut self, code: Code, line: &mut Line, groups: &mut u32) {
        let at = (code.at as usize, code.at as usize + 1);
        let n = code.number;
        let (name, marlin) = (self.rules.name, self.rules.one_command);
        if !self.rules.runs_g(n) {
            let key = u32::try_from(n).unwrap_or(u32::MAX);
            self.notes.error("gcode/unsupported", key, at, || format!("{name} does not run {}", g_name(n)));
        }
        let group = match n {
            0 | 10 | 20 | 30 | 330 | 331 | 382..=385 | 730 | 760 | 800..=890 => 1,
            50..=53 if !marlin => 1,
            170 | 171 | 180 | 181 | 190 | 191 => 2,
            900 | 910 => 3,
            901 | 911 => 4,
            930 | 940 | 950 => 5,
            200 | 210 => 6,
            400..=421 => 7,
            430..=432 | 490 => 8,
            540..=593 => 9,
            610 | 611 | 640 => 10,
            980 | 990 => 11,
            960 | 970 => 12,
            70 | 80 if !marlin => 13,
            _ => 0,
        };
        if group > 0 && *groups & (1 << group) != 0 {
            let what = if group == 1 { "gcode/two-motions" } else { "gcode/two-in-group" };
            self.notes
                .error(what, group, at, || format!("{} contradicts another G word of this line", g_name(n)));
            return;
        }
        *groups |= 1 << group;
        match n {
            0 => line.motion = Some(Motion::Rapid),
            10 => line.motion = Some(Motion::Line),
            20 => line.motion = Some(Motion::Arc { counter_clockwise: false }),
            30 => line.motion = Some(Motion::Arc { counter_clockwise: true }),
            382..=385 => line.motion = Some(Motion::Probe),
            730 | 810..=890 => line.motion = Some(Motion::Cycle(n as u16)),
            // Prusa's build of Marlin levels the bed with G80; others cancel a motion mode that G0 and G1 repeat anyway.
            800 if marlin => line.used = u32::MAX,
            800 => line.motion = Some(Motion::None),
            40 => line.dwell = true,
            170 | 180 | 190 => line.plane = Some((n as usize - 170) / 10),
            200 => line.inch = Some(true),
            210 => line.inch = Some(false),
            540 | 550 | 560 | 570 | 580 | 590 => line.system = Some((n as usize - 540) / 10),
            591..=593 => line.system = Some(n as usize - 591 + 6),
            900 => line.absolute = Some(true),
            910 => line.absolute = Some(false),
            901 => line.center_absolute = Some(true),
            911 => line.center_absolute = Some(false),
            930 => line.feed_mode = Some(FeedMode::Inverse),
            940 => line.feed_mode = Some(FeedMode::PerMinute),
            950 => line.feed_mode = Some(FeedMode::PerTurn),
            980 => line.return_high = Some(true),
            990 => line.return_high = Some(false),
            530 => line.machine_coordinates = true,
            100 | 280 | 281 | 300 | 301 | 520 | 920..=923 => line.once = Some(code),
            // Cutter compensation off, tool length, path control, spindle mode, lathe radius: no effect on the
            // path of the tool's tip.
            400 | 490 | 610 | 611 | 970 | 80 => {}
            640 => line.used |= bit(b'P') | bit(b'Q'),
            430..=432 => line.used |= bit(b'H') | bit(b'X') | bit(b'Y') | bit(b'Z'),
            410 | 411 | 420 | 421 if !marlin => {
                line.used |= bit(b'D') | bit(b'L');
                self.notes.error("gcode/cutter-compensation", 0, at, || {
                    "cutter compensation at the control is not executed here: the path shown is the uncorrected one"
                        .into()
                });
            }
            110..=320 if marlin => {
                line.used = u32::MAX;
                self.notes.info("gcode/not-interpreted", n as u32, at, || {
                    format!("{} is left to the machine", g_name(n))
                });
            }
            _ => {
                line.used = u32::MAX;
                if self.rules.runs_g(n) {
                    self.notes.error("gcode/not-executed", n as u32, at, || {
                        format!("{} is not executed here; what follows may be wrong", g_name(n))
                    });
                }
            }
        }
    }

    fn set_feed(&mut self, f: f64, block: &Block) {
        if !(0.0..=1e9).contains(&f) {
            let at = block.place(b'F');
            self.notes.error("gcode/bad-feed", 0, at, || format!("a feed of {f} is impossible"));
            return;
        }
        self.state.feed = if self.state.feed_mode == FeedMode::Inverse { f } else { f * self.state.unit };
        if self.state.feed_mode == FeedMode::PerMinute {
            let feed = self.state.feed;
            if feed > 0.0 {
                self.hand_on_feed(feed);
            }
        }
    }

    #[inline]
    fn hand_on_feed(&mut self, feed: f64) {
        if feed != self.state.emitted_feed && feed.is_finite() {
            self.state.emitted_feed = feed;
            self.emit(Command::Feed(Speed::from_mm_per_min(feed)));
        }
    }

    /// The feed of one feed move of this length, mm.
    #[inline]
    pub(crate) fn feed_for(&mut self, length: f64, block: &Block) {
        match self.state.feed_mode {
            FeedMode::PerMinute => {
                if self.state.feed <= 0.0 {
                    self.no_feed(block);
                }
            }
            FeedMode::Inverse => match block.get(b'F') {
                Some(f) if f > 0.0 => self.hand_on_feed((f * length).max(1e-6)),
                _ => self.no_feed(block),
            },
            FeedMode::PerTurn => {
                let feed = self.state.feed * self.state.s;
                if feed > 0.0 {
                    self.hand_on_feed(feed);
                } else {
                    self.no_feed(block);
                }
            }
        }
    }

    #[cold]
    fn no_feed(&mut self, block: &Block) {
        self.notes.error("gcode/no-feed", 0, block.span(), || {
            "a cutting move before any feed: give F with or before it".into()
        });
    }

    /// Where the axis words of the line lead.
    #[inline]
    pub(crate) fn target(&self, block: &Block) -> Position {
        let s = &self.state;
        let mut to = s.position;
        for i in 0..3 {
            if let Some(v) = block.get(AXES[i]) {
                to[i] = v * s.unit + if s.absolute { s.offset[i] } else { s.position[i] };
            }
        }
        to
    }

    #[inline]
    pub(crate) fn straight(&mut self, motion: Motion, to: Position, block: &Block) {
        if !to.iter().all(|v| v.abs() <= FARTHEST) {
            self.too_far(block);
            return;
        }
        if motion == Motion::Rapid {
            self.emit(Command::Rapid { to });
        } else {
            if self.state.feed_mode != FeedMode::PerMinute || self.state.feed <= 0.0 {
                let from = self.state.position;
                let length = (0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
                self.feed_for(length, block);
            }
            self.emit(Command::Line { to });
        }
        self.state.position = to;
    }

    #[cold]
    pub(crate) fn too_far(&mut self, block: &Block) {
        self.notes.error("gcode/out-of-range", 0, block.span(), || {
            "a coordinate of more than a kilometre; the move is left out".into()
        });
    }

    /// Axis words in the modal or given motion.
    fn motion(&mut self, axes: bool, block: &Block, line: &mut Line) {
        if let Some(motion) = line.motion {
            if !matches!(motion, Motion::Cycle(_)) {
                self.state.cycle = [None; 4];
                self.state.cycle_from = None;
            }
            self.state.motion = motion;
        }
        let motion = self.state.motion;
        let arc_words = bit(b'I') | bit(b'J') | bit(b'K') | bit(b'R');
        let is_arc = matches!(motion, Motion::Arc { .. });
        let extra = ROTARY_AND_EXTRA.iter().fold(0, |m, l| m | bit(*l)) & !line.used;
        if block.seen & extra != 0 {
            self.extra_axes(block, extra);
            line.used |= extra;
        }
        if block.has(b'E') && self.rules.one_command {
            line.used |= bit(b'E');
            self.notes.warning("gcode/extruder", 0, block.place(b'E'), || {
                "extruder words are left out: only the path is interpreted".into()
            });
        }
        let asked = axes || (is_arc && line.motion.is_some() && block.seen & arc_words != 0);
        let free = axes && line.used & (bit(b'X') | bit(b'Y') | bit(b'Z')) == 0;
        if !(asked && (free || !axes)) {
            if is_arc && line.motion.is_some() && !asked {
                self.notes.error("gcode/arc-without-center", 0, block.span(), || {
                    "an arc without a target or a centre".into()
                });
            }
            return;
        }
        line.used |= bit(b'X') | bit(b'Y') | bit(b'Z');
        if !self.state.units_given && self.rules.one_command {
            self.state.units_given = true;
        } else if !self.state.units_given {
            self.state.units_given = true;
            self.notes.warning("gcode/units-missing", 0, block.span(), || {
                "the first move comes before G20 or G21: millimetres assumed, the controller takes what was last \
                 in force"
                    .into()
            });
        }
        if let Some(to) = self.state.probing.take()
            && motion != Motion::None
        {
            self.probe_without_touch_off(to);
        }
        match motion {
            Motion::None => {
                self.notes.error("gcode/axis-words-without-motion", 0, block.span(), || {
                    "axis words, but no motion is in force: give G0, G1, G2 or G3".into()
                });
            }
            Motion::Rapid | Motion::Line => {
                let to =
                    if line.machine_coordinates { self.machine_target(block) } else { self.target(block) };
                self.straight(motion, to, block);
            }
            Motion::Arc { counter_clockwise } => {
                line.used |= arc_words | bit(b'P');
                self.arc(counter_clockwise, block);
            }
            Motion::Probe => self.probe(block),
            Motion::Cycle(code) => {
                line.used |=
                    bit(b'R') | bit(b'Q') | bit(b'P') | bit(b'L') | bit(b'I') | bit(b'J') | bit(b'K');
                self.cycle(code, block);
            }
        }
    }

    #[cold]
    fn extra_axes(&mut self, block: &Block, mask: u32) {
        for letter in ROTARY_AND_EXTRA {
            if block.has(letter) && mask & bit(letter) != 0 {
                self.notes.warning("gcode/axis-left-out", u32::from(letter), block.place(letter), || {
                    format!("the axis {} is left out: only x, y and z are interpreted", letter as char)
                });
            }
        }
    }

    /// G53: machine coordinates. x and y are placed by the machine's work zero; z is a retract.
    fn machine_target(&mut self, block: &Block) -> Position {
        let s = &self.state;
        let mut to = s.position;
        for i in 0..2 {
            if let Some(v) = block.get(AXES[i]) {
                to[i] = v * s.unit + self.context.home[i];
            }
        }
        if block.has(b'Z') {
            to[2] = to[2].max(self.context.home[2]);
        }
        self.machine_position(block);
        to
    }

    #[cold]
    fn machine_position(&mut self, block: &Block) {
        self.notes.info("gcode/machine-position", 0, block.span(), || {
            "the place depends on the machine's home and work offset; taken from the profile, z as a retract".into()
        });
    }

    fn once(&mut self, code: Code, block: &Block, line: &mut Line) {
        let at = (code.at as usize, code.at as usize + 1);
        let all = bit(b'X') | bit(b'Y') | bit(b'Z');
        line.used |= all;
        match code.number {
            920 => self.shift(block),
            520 => {
                for i in 0..3 {
                    if let Some(v) = block.get(AXES[i]) {
                        self.state.shift[i] = v * self.state.unit;
                    }
                }
                self.state.place_offset();
            }
            921..=923 => {
                if code.number == 921 {
                    self.state.shift = [0.0; 3];
                }
                self.state.shift_on = code.number != 922;
                self.state.place_offset();
            }
            280 | 300 if self.rules.one_command && code.number == 300 => {
                line.used = u32::MAX;
                self.notes.info("gcode/not-interpreted", 300, at, || "G30 is left to the machine".into());
            }
            280 | 300 => self.home(block, line),
            100 if self.rules.one_command && !block.has(b'L') => line.used = u32::MAX,
            100 => {
                line.used |= bit(b'L') | bit(b'P') | bit(b'R');
                self.set_system(block, at);
            }
            _ => {
                line.used = u32::MAX;
                self.notes.info("gcode/not-interpreted", code.number as u32, at, || {
                    format!("{} stores a position in the machine", g_name(code.number))
                });
            }
        }
        if let Some(motion) = line.motion {
            self.state.motion = motion;
        }
    }

    /// G92: the words are where the tool is.
    fn shift(&mut self, block: &Block) {
        self.touch_off(block);
        let s = &mut self.state;
        s.shift_on = true;
        for i in 0..3 {
            if let Some(v) = block.get(AXES[i]) {
                s.shift[i] = s.position[i] - v * s.unit - s.systems[s.system][i];
            }
        }
        s.place_offset();
    }

    /// A z that is set while a probing move waits ends the touch-off: the canonical frame moves to the sheet.
    fn touch_off(&mut self, block: &Block) {
        if let (Some(to), Some(z)) = (self.state.probing, block.get(b'Z')) {
            self.state.probing = None;
            let z = z * self.state.unit;
            self.emit_at(Command::Probe { to, z }, self.state.probing_line);
            // From here on z counts from the sheet, so the words' z and the canonical z agree again.
            self.state.position[2] = z;
            self.state.shift[2] = 0.0;
            self.state.systems[self.state.system][2] = 0.0;
        }
    }

    fn emit_at(&mut self, command: Command, line: u32) {
        let here = std::mem::replace(&mut self.line, line);
        self.emit(command);
        self.line = here;
    }

    fn probe(&mut self, block: &Block) {
        let to = self.target(block);
        let from = self.state.position;
        if !to.iter().all(|v| v.abs() <= FARTHEST) {
            self.too_far(block);
            return;
        }
        self.feed_for((0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt(), block);
        if to[0] != from[0] || to[1] != from[1] || to[2] >= from[2] {
            self.notes.warning("gcode/probe", 1, block.span(), || {
                "only probing straight down is interpreted; taken as a move to the end of the probing".into()
            });
            self.emit(Command::Line { to });
        } else {
            self.state.probing = Some(to[2]);
            self.state.probing_line = self.line;
        }
        self.state.position = to;
    }

    #[cold]
    pub(crate) fn probe_without_touch_off(&mut self, to: f64) {
        self.notes.warning("gcode/probe", 0, (0, 1), || {
            "a probing move without setting z (G92 Z, G10 L20) after it: the height after it is not known"
                .into()
        });
        self.emit_at(Command::Probe { to, z: to }, self.state.probing_line);
    }

    /// G28, G30: over the given place home.
    fn home(&mut self, block: &Block, line: &mut Line) {
        let any = block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z'));
        let homing = self.rules.one_command;
        if homing {
            // Marlin's G28 homes; O, R and L are its options.
            line.used |= bit(b'O') | bit(b'R') | bit(b'L');
        }
        if any != 0 && !homing {
            let via = self.target(block);
            if !via.iter().all(|v| v.abs() <= FARTHEST) {
                self.too_far(block);
                return;
            }
            self.emit(Command::Rapid { to: via });
            self.state.position = via;
        }
        let home = self.context.home;
        let goes = |i: usize| any == 0 || block.has(AXES[i]);
        let mut to = self.state.position;
        if goes(2) {
            to[2] = to[2].max(home[2]);
            self.emit(Command::Rapid { to });
        }
        if goes(0) || goes(1) {
            for i in 0..2 {
                if goes(i) {
                    to[i] = home[i];
                }
            }
            self.emit(Command::Rapid { to });
        }
        self.state.position = to;
        self.machine_position(block);
    }

    /// G10 L2 and L20: origins of coordinate systems.
    fn set_system(&mut self, block: &Block, at: (usize, usize)) {
        let l = block.get(b'L').unwrap_or(-1.0);
        let p = block.get(b'P').unwrap_or(0.0);
        if !(l == 2.0 || l == 20.0) || !(0.0..=9.0).contains(&p) || p.fract() != 0.0 {
            self.notes
                .info("gcode/not-interpreted", 100, at, || "this G10 changes tables in the machine".into());
            return;
        }
        let index = if p == 0.0 { self.state.system } else { p as usize - 1 };
        if l == 20.0 && index == self.state.system {
            self.touch_off(block);
        } else if l == 2.0 {
            self.machine_position(block);
        }
        let s = &mut self.state;
        for i in 0..3 {
            let Some(v) = block.get(AXES[i]) else { continue };
            let shift = if s.shift_on { s.shift[i] } else { 0.0 };
            s.systems[index][i] = if l == 20.0 {
                s.position[i] - v * s.unit - shift
            } else {
                v * s.unit + if i < 2 { self.context.home[i] } else { 0.0 }
            };
        }
        s.place_offset();
    }

    fn select_system(&mut self, system: usize, block: &Block) {
        if system != self.state.system && self.state.systems[system] == [0.0; 3] {
            self.notes.warning("gcode/work-offset", system as u32, block.span(), || {
                "another work coordinate system is selected whose origin is not in the program; taken as the same"
                    .into()
            });
        }
        self.state.system = system;
        self.state.place_offset();
    }

    fn dwell(&mut self, block: &Block, line: &mut Line) {
        let (p, s) = (block.get(b'P'), block.get(b'S'));
        line.used |= bit(b'P');
        let seconds = match (p, s) {
            (_, Some(s)) if self.rules.one_command => {
                line.used |= bit(b'S');
                s
            }
            (Some(p), _) if self.rules.dwell_ms => p / 1000.0,
            (Some(p), _) => p,
            // Marlin's bare G4 waits for the moves before it.
            _ if self.rules.one_command => return,
            _ => {
                self.notes.error("gcode/dwell", 0, block.span(), || "G4 without a time".into());
                return;
            }
        };
        if !(0.0..=86_400.0).contains(&seconds) {
            self.notes.error("gcode/dwell", 1, block.span(), || format!("a wait of {seconds} s"));
            return;
        }
        if !self.rules.dwell_ms && seconds >= 100.0 {
            self.notes.warning("gcode/dwell", 2, block.span(), || {
                format!("this waits {seconds} seconds; P counts seconds here, not milliseconds")
            });
        }
        self.emit(Command::Dwell { seconds });
    }

    fn s_word(&mut self, s: f64, block: &Block) {
        if s < 0.0 {
            self.notes.error("gcode/bad-speed", 0, block.place(b'S'), || format!("S{s} is impossible"));
            return;
        }
        let changed = s != self.state.s;
        self.state.s = s;
        let starts = block.m().iter().any(|c| matches!(c.number, 3..=5));
        if changed && !starts && self.state.spindle != 0 {
            self.hand_on_tool(Torch::Cut);
        }
    }

    /// The spindle, torch or laser as it is now.
    fn hand_on_tool(&mut self, torch: Torch) {
        let s = self.state.s;
        let power = (s / self.context.laser_full_s).max(0.0);
        let direction = self.state.spindle;
        let command = match (self.context.kind, direction) {
            (MachineKind::Router | MachineKind::Knife, 0) => Command::Spindle(Spindle::Off),
            (MachineKind::Router | MachineKind::Knife, 4) => {
                Command::Spindle(Spindle::CounterClockwise { rpm: s })
            }
            (MachineKind::Router | MachineKind::Knife, _) => Command::Spindle(Spindle::Clockwise { rpm: s }),
            (MachineKind::Plasma, 0) => Command::Torch(Torch::Off),
            (MachineKind::Plasma, _) => Command::Torch(torch),
            (MachineKind::Laser, 0) => Command::Laser(Laser::Off),
            (MachineKind::Laser, 4) => Command::Laser(Laser::Dynamic { power }),
            (MachineKind::Laser, _) => Command::Laser(Laser::Constant { power }),
        };
        self.emit(command);
    }

    /// The spindle starts again after a cycle stopped it.
    pub(crate) fn spindle_again(&mut self) {
        if self.state.spindle != 0 {
            self.hand_on_tool(Torch::Cut);
        }
    }

    pub(crate) fn tool_change(&mut self, number: u32) {
        self.state.tool = Some(number);
        self.emit(Command::ToolChange { number });
    }

    /// T and M words that act before the motion.
    fn m_words(&mut self, block: &Block, line: &mut Line) {
        if let Some(t) = block.get(b'T') {
            line.used |= bit(b'T');
            self.t_word(t, block);
        }
        for code in block.m() {
            let at = (code.at as usize, code.at as usize + 1);
            self.m_word(code.number, at, block, line);
        }
    }

    fn t_word(&mut self, t: f64, block: &Block) {
        if !(0.0..=99_999.0).contains(&t) || t.fract() != 0.0 {
            self.notes.error("gcode/bad-tool", 0, block.place(b'T'), || format!("T{t} is no tool"));
            return;
        }
        let number = t as u32;
        self.state.selected = Some(number);
        if !self.rules.tool_change
            && self.state.tool != Some(number)
            && self.context.kind != MachineKind::Laser
        {
            self.tool_change(number);
        }
    }

    fn m_word(&mut self, n: i64, at: (usize, usize), block: &Block, line: &mut Line) {
        let name = self.rules.name;
        let lenient = self.rules.m.is_empty();
        if n < 0 && lenient {
            line.used = u32::MAX;
            self.notes.info("gcode/not-interpreted", u32::MAX, at, || {
                "an M code with a point does not move the machine; not interpreted".into()
            });
            return;
        }
        if n < 0 || !(lenient || self.rules.runs_m(n)) {
            let user = (100..200).contains(&n) && self.rules.tool_change;
            let key = u32::try_from(n).unwrap_or(u32::MAX);
            line.used = u32::MAX;
            if user {
                self.notes.warning("gcode/user-command", key, at, || {
                    format!("M{n} runs a program of the machine's owner; not executed here")
                });
            } else if n != 6 {
                self.notes.error("gcode/unsupported", key, at, || match n {
                    0.. => format!("{name} does not run M{n}"),
                    _ => "there is no such M code".into(),
                });
                return;
            } else {
                self.notes.error("gcode/unsupported", 6, at, || {
                    format!("{name} does not run M6; the tool must be changed in a pause")
                });
            }
        }
        match n {
            0 | 1 | 2 | 30 | 60 => {}
            3..=5 => self.switch(n as u8, block, line),
            6 => {
                if let Some(number) = self.state.selected.filter(|_| self.rules.tool_change) {
                    self.tool_change(number);
                } else if self.rules.tool_change {
                    self.notes.warning("gcode/bad-tool", 1, at, || "M6 without a T word before it".into());
                }
            }
            7 => self.coolant(true, self.state.flood),
            8 => self.coolant(self.state.mist, true),
            9 => self.coolant(false, false),
            62..=65 if !lenient => {
                line.used |= bit(b'P');
                self.output(n, block, at);
            }
            67 | 68 if !lenient => {
                line.used |= bit(b'E') | bit(b'Q');
                self.analog(n, block, at);
            }
            190 if self.context.dialect == Dialect::QtPlasmaC => {
                line.used |= bit(b'P');
                self.material(block, at);
            }
            61 if !lenient => {
                line.used |= bit(b'Q');
                if let Some(q) = block.get(b'Q').filter(|q| (0.0..=99_999.0).contains(q)) {
                    self.tool_change(q as u32);
                }
            }
            98 | 99 if !lenient => {
                line.used = u32::MAX;
                self.notes.error("gcode/not-executed", n as u32 | 1 << 31, at, || {
                    format!("M{n} (subprograms by number) is not executed here; what follows may be wrong")
                });
            }
            70 => self.state.saved = Some(self.state.modes()),
            71 => self.state.saved = None,
            72 => {
                if let Some(modes) = self.state.saved {
                    self.state.restore(modes);
                }
            }
            73 => {
                let modes = self.state.modes();
                self.flow.restore_on_return(modes);
            }
            19 | 48..=53 | 56 | 66 | 159 if !lenient => {
                line.used |= bit(b'P') | bit(b'L') | bit(b'Q') | bit(b'E') | bit(b'R') | bit(b'S');
            }
            106 | 107 if self.context.kind == MachineKind::Laser => {
                line.used |= bit(b'S') | bit(b'P');
                // Fan pins drive lasers on boards without a spindle output; full is 255.
                let s = if n == 106 { block.get(b'S').unwrap_or(255.0) } else { 0.0 };
                let power = (s / 255.0).clamp(0.0, 1.0);
                self.state.spindle = if power > 0.0 { 3 } else { 0 };
                let laser = if power > 0.0 { Laser::Constant { power } } else { Laser::Off };
                self.emit(Command::Laser(laser));
            }
            _ => {
                line.used = u32::MAX;
                if lenient || n >= 0 && !(100..200).contains(&n) && n != 6 {
                    self.notes.info("gcode/not-interpreted", n as u32 | 1 << 31, at, || {
                        format!("M{n} does not move the machine; not interpreted")
                    });
                }
            }
        }
    }

    /// M3, M4, M5.
    fn switch(&mut self, n: u8, block: &Block, line: &mut Line) {
        let dollar = (block.seen & (1 << DOLLAR) != 0).then(|| block.value[DOLLAR]);
        line.used |= 1 << DOLLAR;
        if self.rules.one_command {
            // Marlin's laser inline power and PWM words.
            line.used |= bit(b'I') | bit(b'O') | bit(b'P');
        }
        self.state.spindle = if n == 5 { 0 } else { n };
        let torch = match dollar {
            Some(1.0) => Torch::Scribe,
            Some(2.0) => Torch::Spot,
            _ => Torch::Cut,
        };
        self.hand_on_tool(if self.state.torch { torch } else { Torch::Cut });
    }

    fn coolant(&mut self, mist: bool, flood: bool) {
        if (mist, flood) != (self.state.mist, self.state.flood) {
            self.state.mist = mist;
            self.state.flood = flood;
            self.emit(Command::Coolant { mist, flood });
        }
    }

    /// M62 … M65: on a plasma table output 2 locks torch height control and output 3 puts the torch out.
    fn output(&mut self, n: i64, block: &Block, at: (usize, usize)) {
        let p = block.get(b'P');
        let set = matches!(n, 62 | 64);
        match p {
            Some(2.0) if self.context.dialect == Dialect::QtPlasmaC => {
                self.emit(Command::TorchHeightControl { on: !set });
            }
            Some(3.0) if self.context.dialect == Dialect::QtPlasmaC => {
                if set && self.state.spindle != 0 {
                    self.emit(Command::Torch(Torch::Off));
                }
            }
            _ => self.notes.info("gcode/not-interpreted", n as u32 | 1 << 31, at, || {
                "a digital output is switched; not interpreted".into()
            }),
        }
    }

    fn analog(&mut self, n: i64, block: &Block, at: (usize, usize)) {
        let q = block.get(b'Q').unwrap_or(0.0);
        if self.context.dialect == Dialect::QtPlasmaC && block.get(b'E') == Some(3.0) {
            if !(0.0..=200.0).contains(&q) {
                self.notes.error("gcode/cut-speed", 0, at, || format!("a cutting speed of {q} percent"));
                return;
            }
            let percent = if q == 0.0 { 100.0 } else { q };
            self.emit(Command::CutSpeed { percent });
        } else if self.context.kind == MachineKind::Laser {
            self.notes.warning("gcode/analog-output", 0, at, || {
                "an analogue output is set; if it drives the laser, its power is not interpreted".into()
            });
        } else {
            self.notes.info("gcode/not-interpreted", n as u32 | 1 << 31, at, || {
                "an analogue output is set; not interpreted".into()
            });
        }
    }

    fn material(&mut self, block: &Block, at: (usize, usize)) {
        let p = block.get(b'P').unwrap_or(-1.0);
        if p < 0.0 {
            // The material chosen at the control.
            self.state.cut_feed = None;
            return;
        }
        if p.fract() != 0.0 || p > 1e9 {
            self.notes.error("gcode/material", 0, at, || format!("there is no material {p}"));
            return;
        }
        let number = p as u32;
        self.state.cut_feed = self.context.material_feed(number).map(Speed::mm_per_min);
        if self.state.cut_feed.is_none() {
            let assumed = self.context.feed.mm_per_min();
            self.notes.info("gcode/material", 1, at, || {
                format!("material {number} is not in the profile; its feed is taken as {assumed} mm/min")
            });
        }
        self.emit(Command::Material { number });
    }

    /// Words that nothing in the line uses.
    fn unused(&mut self, block: &Block, line: &Line) {
        let left = block.seen & !line.used & !(1 << DOLLAR);
        if left == 0 {
            return;
        }
        for letter in b'A'..=b'Z' {
            if left & bit(letter) != 0 {
                self.notes.warning("gcode/unused-word", u32::from(letter), block.place(letter), || {
                    format!("the word {} means nothing in this line", letter as char)
                });
            }
        }
    }

    /// M0, M1, M2, M30: after everything else of the line.
    fn stops(&mut self, block: &Block) -> bool {
        let mut ended = false;
        for code in block.m() {
            match code.number {
                0 | 1 | 60 => self.emit(Command::Pause { optional: code.number == 1 }),
                2 | 30 => {
                    if self.rules.end.is_none() {
                        let at = (code.at as usize, code.at as usize + 1);
                        let (n, name) = (code.number, self.rules.name);
                        self.notes.warning("gcode/unsupported", n as u32, at, || {
                            format!("{name} does not end a program with M{n} (M30 deletes a file there)")
                        });
                    }
                    // The end of a program stops the spindle and the coolant (RS274/NGC 3.6.1).
                    self.state.spindle = 0;
                    self.emit(Command::End);
                    ended = true;
                }
                _ => {}
            }
        }
        ended
    }

    /// Gives the expressions the present state.
    pub(crate) fn refresh_parameters(&mut self) {
        let s = &self.state;
        let system = &mut self.parameters.system;
        for i in 0..3 {
            system.position[i] = (s.position[i] - s.offset[i]) / s.unit;
        }
        system.feed = s.feed / s.unit;
        system.rpm = s.s;
        system.metric = s.unit == 1.0;
        system.absolute = s.absolute;
        system.tool = f64::from(s.tool.or(s.selected).unwrap_or(0));
        system.line = f64::from(self.line);
        system.work_offset = s.system as f64 + 1.0;
        // QtPlasmaC's own parameter: the cutting feed of the material in force.
        let feed = s.cut_feed.unwrap_or(self.context.feed.mm_per_min()) / s.unit;
        system.cut_feed = (self.context.dialect == Dialect::QtPlasmaC).then_some(feed);
    }
}

fn g_name(tenths: i64) -> String {
    match (tenths / 10, tenths % 10) {
        (whole, 0) if tenths >= 0 => format!("G{whole}"),
        (whole, part) if tenths >= 0 => format!("G{whole}.{part}"),
        _ => "this G code".into(),
    }
}
