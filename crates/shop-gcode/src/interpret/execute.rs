//! Runs one line: modal state, the order of execution, and what each code does.

use super::block::{Block, Code, DOLLAR, POLAR, bit};
use super::state::{Cutting, FeedMode, Line, Motion};
use super::{Run, Step};
use shop_cam::Speed;
use shop_cam::canon::{self, Command, MoreAxes, Move, PathControl, Position, Way};
use shop_cam::machine::Dialect;

const INCH: f64 = 25.4;
/// Coordinates beyond this are a mistake, mm: a kilometre.
pub(super) const FARTHEST: f64 = 1e6;
pub(super) const AXES: [u8; 3] = *b"XYZ";
pub(super) const MORE_AXES: [u8; 6] = *b"ABCUVW";
/// Bits of the axis words beside X, Y and Z.
pub(super) const MORE_BITS: u32 = bit(b'A') | bit(b'B') | bit(b'C') | bit(b'U') | bit(b'V') | bit(b'W');

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Executes the words of a line; true when the program ends here.
    #[inline]
    pub(crate) fn execute(&mut self, block: &Block) -> bool {
        const COORDINATES: u32 = bit(b'X') | bit(b'Y') | bit(b'Z') | bit(b'F') | bit(b'N') | bit(b'E');
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
                && (!block.has(b'E') || self.rules.extruder)
                && self.state.simple
            {
                self.state.motion = motion;
                if let Some(f) = block.get(b'F') {
                    self.set_feed(f, block);
                }
                if block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z') | bit(b'E')) != 0 {
                    let to = self.target(block);
                    match block.get(b'E') {
                        None => self.straight(motion, to, block),
                        Some(e) => self.extrude(motion, to, e, block),
                    }
                }
                return false;
            }
        }
        self.execute_all(block)
    }

    #[inline(never)]
    pub(super) fn execute_all(&mut self, block: &Block) -> bool {
        if self.turning.is_some() {
            return self.record(block);
        }
        let mut line = Line { used: bit(b'N'), ..Line::default() };
        self.here = block.span();
        let mut groups = 0u32;
        for code in block.g() {
            self.g_word(*code, &mut line, &mut groups, block);
        }
        if let Some(mode) = line.feed_mode {
            if self.state.feed_mode != mode {
                self.emit(Command::FeedMode(match mode {
                    FeedMode::PerMinute => canon::FeedMode::PerMinute,
                    FeedMode::Inverse => canon::FeedMode::InverseTime,
                    FeedMode::PerTurn => canon::FeedMode::PerTurn,
                }));
            }
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
        if let Some(diameter) = line.diameter {
            self.state.diameter = diameter;
            self.state.simple = !diameter && self.compensation.is_none();
        }
        if let Some(change) = line.compensation {
            self.change_compensation(change, block);
        }
        if let Some(system) = line.system {
            self.select_system(system, block);
        }
        if let Some(absolute) = line.absolute {
            self.state.absolute = absolute;
            if matches!(self.context.dialect, Dialect::Marlin | Dialect::Smoothie) {
                self.state.e_absolute = absolute;
            }
        }
        if let Some(absolute) = line.center_absolute {
            self.state.center_absolute = absolute;
        }
        if let Some(high) = line.return_high {
            self.state.return_high = high;
        }
        let axes = block.seen & (bit(b'X') | bit(b'Y') | bit(b'Z') | POLAR) != 0;
        if let Some(code) = line.turning {
            self.turn(code, block, &mut line);
        } else if let Some(once) = line.once {
            self.once(once, block, &mut line);
        } else {
            self.motion(axes, block, &mut line);
        }
        self.unused(block, &line);
        self.stops(block)
    }

    pub(super) fn units(&mut self, line: &Line) {
        if let Some(inch) = line.inch {
            self.state.unit = if inch { INCH } else { 1.0 };
            self.state.units_given = true;
        }
    }

    /// Sorts a G word into what the line asks for.
    pub(super) fn g_word(&mut self, code: Code, line: &mut Line, groups: &mut u32, block: &Block) {
        let at = (code.at as usize, code.at as usize + 1);
        let n = code.number;
        let (name, marlin) = (self.rules.name, self.rules.one_command);
        if !self.rules.runs_g(n) {
            let key = u32::try_from(n).unwrap_or(u32::MAX);
            self.notes.error("gcode/unsupported", key, at, || format!("{name} does not run {}", g_name(n)));
        }
        let group = match n {
            0 | 10 | 20 | 30 | 330 | 331 | 382..=385 | 700..=722 | 730 | 740 | 760 | 800..=890 => 1,
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
            330 => line.motion = Some(Motion::InStep { back: false }),
            331 => line.motion = Some(Motion::InStep { back: true }),
            760 if !marlin => line.motion = Some(Motion::Thread),
            50 | 51 if self.rules.formulas => line.motion = Some(Motion::Bezier { quadratic: n == 51 }),
            52 if self.rules.tool_change => line.motion = Some(Motion::ControlPoints),
            53 if self.rules.tool_change => {
                self.end_spline(block);
                line.motion = Some(Motion::None);
            }
            70 | 80 if self.rules.tool_change => line.diameter = Some(n == 70),
            730 | 740 | 810..=890 => line.motion = Some(Motion::Cycle(n as u16)),
            // Prusa's build of Marlin levels the bed with G80; others cancel a motion mode that G0 and G1 repeat anyway.
            800 if marlin => self.native(block, line),
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
            700..=722 if self.rules.runs_g(n) => line.turning = Some(n),
            400 => line.compensation = Some(Cutting::OnPath),
            80 => {}
            610 => self.emit(Command::PathControl(PathControl::Exact)),
            611 => self.emit(Command::PathControl(PathControl::ExactStop)),
            640 => {
                line.used |= bit(b'P') | bit(b'Q');
                let unit = if line.inch.unwrap_or(self.state.unit != 1.0) { INCH } else { 1.0 };
                let length = |letter: u8| block.get(letter).map(|v| v * unit);
                let (tolerance, straighten) = (length(b'P'), length(b'Q'));
                self.emit(Command::PathControl(PathControl::Blend { tolerance, straighten }));
            }
            430..=432 | 490 => self.tool_offset(n, block, line),
            960 => {
                line.used |= bit(b'D') | bit(b'S');
                let (s, most_rpm) =
                    (block.get(b'S').unwrap_or(0.0), block.get(b'D').unwrap_or(f64::INFINITY));
                // S counts metres or feet a minute.
                let unit = if self.state.unit == 1.0 { 1.0 } else { 0.3048 };
                self.state.surface = s > 0.0;
                self.emit(Command::SurfaceSpeed { m_per_min: s * unit, most_rpm });
            }
            970 => {
                if std::mem::take(&mut self.state.surface) {
                    self.emit(Command::SurfaceSpeed { m_per_min: 0.0, most_rpm: f64::INFINITY });
                }
            }
            410 | 411 | 420 | 421 if !marlin && self.rules.runs_g(n) => {
                line.used |= bit(b'D') | bit(b'L');
                let side = if n < 420 { 1.0 } else { -1.0 };
                line.compensation = Some(Cutting::Beside { side, given: n % 10 == 1 });
            }
            110 if self.rules.extruder => {
                self.emit(Command::FirmwareRetract { recover: true });
                line.used = u32::MAX;
            }
            110..=320 if marlin => {
                self.native(block, line);
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

    pub(super) fn set_feed(&mut self, f: f64, block: &Block) {
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
    pub(super) fn hand_on_feed(&mut self, feed: f64) {
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
                } else {
                    self.hand_on_feed(self.state.feed);
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
    pub(super) fn no_feed(&mut self, block: &Block) {
        self.notes.error("gcode/no-feed", 0, block.span(), || {
            "a cutting move before any feed: give F with or before it".into()
        });
    }

    /// Where the axis words of the line lead.
    #[inline]
    pub(crate) fn target(&self, block: &Block) -> Position {
        let s = &self.state;
        let mut to = s.position;
        if s.rotation != 0.0 && block.seen & (bit(b'X') | bit(b'Y')) != 0
            || s.diameter
            || block.seen & POLAR != 0
        {
            return self.turned_target(block);
        }
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
            if self.state.feed_mode != FeedMode::PerMinute
                || self.state.feed != self.state.emitted_feed
                || self.state.feed <= 0.0
            {
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
    pub(super) fn motion(&mut self, axes: bool, block: &Block, line: &mut Line) {
        let before = self.state.motion;
        if let Some(motion) = line.motion {
            let cycle = matches!(motion, Motion::Cycle(_));
            // LinuxCNC forgets the words of a cycle when another begins.
            if !cycle || self.rules.tool_change && motion != before {
                self.state.cycle = [None; 7];
            }
            if !cycle {
                self.state.cycle_from = None;
            }
            self.state.motion = motion;
        }
        let motion = self.state.motion;
        let arc_words = bit(b'I') | bit(b'J') | bit(b'K') | bit(b'R');
        let is_arc = matches!(motion, Motion::Arc { .. });
        let mut axes = axes;
        let mut more = None;
        if block.seen & MORE_BITS & !line.used != 0 {
            line.used |= MORE_BITS;
            if self.rules.more_axes {
                more = Some(self.more_target(block));
                axes = true;
            } else {
                self.extra_axes(block, MORE_BITS);
            }
        }
        let mut e = None;
        if self.rules.extruder && block.has(b'E') && line.used & bit(b'E') == 0 {
            line.used |= bit(b'E');
            e = block.get(b'E');
            axes = true;
        }
        // A B-spline may begin without a point of its own.
        axes |= motion == Motion::ControlPoints && line.motion.is_some();
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
        if self.rules.extruder {
            // Sensors to watch (RepRapFirmware), laser power of the move (Marlin).
            line.used |= bit(b'S') | bit(b'H') | bit(b'P');
        }
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
                match (more, e) {
                    (None, None) => self.straight(motion, to, block),
                    (None, Some(e)) => self.extrude(motion, to, e, block),
                    (Some(more), e) => {
                        let e = e.map_or(0.0, |e| self.filament(e));
                        self.straight_more(motion, to, more, e, block);
                    }
                }
            }
            Motion::Arc { counter_clockwise } => {
                line.used |= arc_words | bit(b'P');
                let e = e.map_or(0.0, |e| self.filament(e));
                self.arc(counter_clockwise, more.unwrap_or([None; 6]), e, block);
            }
            Motion::Probe => self.probe(block),
            Motion::InStep { back } => {
                line.used |= bit(b'K');
                let to = self.target(block);
                self.keep_step(back, to, block);
            }
            Motion::Thread => self.thread(block, line),
            Motion::Bezier { quadratic } => self.bezier(quadratic, before != motion, block, line),
            Motion::ControlPoints => self.control_point(line.motion.is_some(), block, line),
            Motion::Cycle(code) => {
                line.used |=
                    bit(b'R') | bit(b'Q') | bit(b'P') | bit(b'L') | bit(b'I') | bit(b'J') | bit(b'K');
                self.cycle(code, block);
            }
        }
    }

    /// Where the words of other axes lead.
    #[cold]
    fn more_target(&self, block: &Block) -> MoreAxes {
        let s = &self.state;
        std::array::from_fn(|i| {
            let unit = if i < 3 { 1.0 } else { s.unit };
            let v = block.get(MORE_AXES[i])? * unit;
            Some(if s.absolute { v + s.more_offset[i] } else { s.more[i] + v })
        })
    }

    /// A straight move of more than x, y and z.
    #[cold]
    fn straight_more(&mut self, motion: Motion, to: Position, more: MoreAxes, e: f64, block: &Block) {
        let far = |v: &f64| v.is_nan() || v.abs() > FARTHEST;
        if to.iter().any(far) || more.iter().flatten().any(far) {
            self.too_far(block);
            return;
        }
        let from = self.state.position;
        if motion == Motion::Line {
            let length = (0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
            let turned = self.turned(&more);
            self.feed_along(length, turned, block);
        }
        let way = if motion == Motion::Rapid { Way::Rapid } else { Way::Line };
        self.emit(Command::Move(Box::new(Move { to, way, more, e, pitch: None })));
        self.state.position = to;
        self.stand_more(&more);
    }

    /// Returns how far the rotary axes turn and the auxiliary ones go: degrees, mm.
    pub(super) fn turned(&self, more: &MoreAxes) -> [f64; 2] {
        let way = |range: std::ops::Range<usize>| {
            range.filter_map(|i| more[i].map(|v| (v - self.state.more[i]).powi(2))).sum::<f64>().sqrt()
        };
        [way(0..3), way(3..6)]
    }

    pub(super) fn stand_more(&mut self, more: &MoreAxes) {
        for (here, to) in self.state.more.iter_mut().zip(more) {
            *here = to.unwrap_or(*here);
        }
    }

    /// Feed of a move: along x, y, z if they move, else along u, v, w, else in degrees (LinuxCNC user manual, G94).
    pub(super) fn feed_along(&mut self, length: f64, turned: [f64; 2], block: &Block) {
        if length > 0.0 {
            return self.feed_for(length, block);
        }
        let degrees = turned[1] == 0.0;
        let along = if degrees { turned[0] } else { turned[1] };
        // Degrees do not become inches.
        if degrees && self.state.feed_mode == FeedMode::PerMinute && self.state.unit != 1.0 {
            let feed = self.state.feed / self.state.unit;
            if feed > 0.0 {
                return self.hand_on_feed(feed);
            }
        }
        self.feed_for(along, block);
    }

    #[cold]
    pub(super) fn extra_axes(&mut self, block: &Block, mask: u32) {
        for letter in MORE_AXES {
            if block.has(letter) && mask & bit(letter) != 0 {
                self.notes.warning("gcode/axis-left-out", u32::from(letter), block.place(letter), || {
                    format!("the axis {} is left out: only x, y and z are interpreted", letter as char)
                });
            }
        }
    }

    /// Words that nothing in the line uses.
    pub(super) fn unused(&mut self, block: &Block, line: &Line) {
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
    pub(super) fn stops(&mut self, block: &Block) -> bool {
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
        let words = s.name(s.position);
        let scale = |i: usize| if (3..6).contains(&i) { 1.0 } else { s.unit };
        let nine = |xyz: Position, more: [f64; 6]| -> [f64; 9] {
            std::array::from_fn(|i| if i < 3 { xyz[i] } else { more[i - 3] } / scale(i))
        };
        system.position = nine(words, std::array::from_fn(|i| s.more[i] - s.more_offset[i]));
        if s.diameter {
            system.position[0] *= 2.0;
        }
        system.systems = std::array::from_fn(|i| nine(s.systems[i], s.more_systems[i]));
        system.rotations = s.rotations.map(f64::to_degrees);
        system.shift = nine(s.shift, s.more_shift);
        system.stored = s.stored.map(|p| std::array::from_fn(|i| p[i] / scale(i)));
        system.tool_offset = s.tool_offset.map(|v| v / s.unit);
        let tools = self.context.tools.iter().flatten();
        let diameter = tools.filter(|t| Some(t.number) == s.tool).map(|t| t.diameter).next();
        system.diameter = diameter.unwrap_or(0.0) / s.unit;
        system.motion_mode = match s.motion {
            Motion::None => 800.0,
            Motion::Rapid => 0.0,
            Motion::Line => 10.0,
            Motion::Arc { counter_clockwise } => 20.0 + 10.0 * f64::from(u8::from(counter_clockwise)),
            Motion::Probe => 382.0,
            Motion::InStep { back } => 330.0 + f64::from(u8::from(back)),
            Motion::Thread => 760.0,
            Motion::Bezier { quadratic } => 50.0 + f64::from(u8::from(quadratic)),
            Motion::ControlPoints => 52.0,
            Motion::Cycle(n) => f64::from(n),
        };
        system.plane = 170.0 + 10.0 * s.plane as f64;
        system.compensation =
            self.compensation.as_ref().map_or(400.0, |c| if c.is_left() { 410.0 } else { 420.0 });
        system.feed_mode = match s.feed_mode {
            FeedMode::PerMinute => 0,
            FeedMode::Inverse => 1,
            FeedMode::PerTurn => 2,
        };
        system.return_high = s.return_high;
        system.spindle = s.spindle;
        system.surface = s.surface;
        system.diameters = s.diameter;
        system.center_absolute = s.center_absolute;
        system.shift_on = s.shift_on;
        (system.mist, system.flood) = (s.mist, s.flood);
        system.selected = f64::from(s.selected.unwrap_or(0));
        system.calls = self.flow.depth() as f64;
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

pub(super) fn g_name(tenths: i64) -> String {
    match (tenths / 10, tenths % 10) {
        (whole, 0) if tenths >= 0 => format!("G{whole}"),
        (whole, part) if tenths >= 0 => format!("G{whole}.{part}"),
        _ => "this G code".into(),
    }
}
