//! What it means: a program's text to canonical commands, as one controller family would run it.
//!
//! The interpreter walks over the lines once. A line becomes a [`Block`] of words; the block is judged by the
//! dialect's [`Rules`] and executed in the order of RS274/NGC (NISTIR 6556, table 8), and
//! every command it gives goes to the caller at once with its 1-based line, so that memory need not grow with the
//! program ([`visit`]). What a controller would refuse is an error, what it would do differently from what the
//! text suggests a warning; nothing is passed over in silence.
//!
//! Canonical positions are those of the work coordinate system in force at the start: G92, G54 … and G10 move
//! the words, not the canonical frame. Machine positions (G28, G30, G53) are placed with the profile's work zero;
//! their z is a retract.
//!
//! Cost: O(bytes), no allocation per line. Loops and calls (LinuxCNC O-words) have a budget of lines, so that any
//! program ends.

mod arc;
mod block;
mod compensate;
mod contour;
mod cycle;
mod execute;
mod fast;
mod flow;
mod mcode;
mod meta;
mod modes;
mod place;
mod printer;
mod reader;
mod spline;
mod state;
mod thread;
mod turning;
mod unreached;

use crate::bgcode;
use crate::dialect::{Rules, rules};
use crate::expression::Parameters;
use crate::library::{Linked, Subprogram};
use crate::notes::Notes;
use crate::parse::{self, Kind};
use block::Block;
pub use modes::{Modes, modes};
pub use reader::{Reader, Survey};
use shop_cam::Speed;
use shop_cam::canon::{Command, Role, Section};
use shop_cam::machine::{Dialect, Machine, MachineKind};
use shop_report::{Checked, Diagnostic, Severity, SourceId};
use state::State;
use std::fmt::Write;

/// What a program's words mean on a machine, beyond the program itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// Which file the spans point into.
    pub source: SourceId,
    /// How the controller reads.
    pub dialect: Dialect,
    /// What M3 switches on.
    pub kind: MachineKind,
    /// S word of full laser power.
    pub laser_full_s: f64,
    /// Work coordinates of the machine's own zero in x and y, and the height of its retracts, mm.
    pub home: [f64; 3],
    /// Cutting feed of the controller's materials by number (QtPlasmaC).
    pub materials: Vec<(u32, Speed)>,
    /// Where the tool is before the first line, mm: it matters to words that leave an axis out.
    pub start: [f64; 3],
    /// Where the machine's zero lies in work coordinates, mm, when also its z is known. Then G53, G28 and G30 go there;
    /// else their z is a retract to the height of `home`.
    pub machine_zero: Option<[f64; 3]>,
    /// The controller's tool table, when it is known; a tool that is not in it is an error then.
    pub tools: Option<Vec<Cutter>>,
    /// Work that loops, calls and repeats may do in all: a repeated line counts 1, 1 more for each eight bytes, and 2
    /// more when it holds words, which become commands.
    pub budget: u64,
    /// Files of subprograms that the program may call.
    pub subprograms: Vec<Subprogram>,
    /// How far before the end of its move a probe is taken to touch, mm.
    pub probe_short: f64,
    /// Cutting feed when the program takes it from a material that is not listed.
    pub feed: Speed,
}

impl Context {
    /// Returns the context of a machine about which nothing else is known.
    pub fn new(dialect: Dialect, kind: MachineKind) -> Context {
        Context {
            source: SourceId(0),
            dialect,
            kind,
            laser_full_s: 1000.0,
            home: [0.0, 0.0, 10.0],
            materials: Vec::new(),
            start: [0.0; 3],
            machine_zero: None,
            tools: None,
            budget: flow::BUDGET,
            subprograms: Vec::new(),
            probe_short: 0.0,
            feed: Speed::from_mm_per_min(1000.0),
        }
    }

    /// Returns the context of `machine`.
    pub fn of(machine: &Machine) -> Context {
        let cuts = machine.materials.iter().flat_map(|m| &m.cuts);
        Context {
            source: SourceId(0),
            dialect: machine.post.dialect,
            kind: machine.kind,
            laser_full_s: if machine.process.laser_full_s > 0.0 {
                machine.process.laser_full_s
            } else {
                1000.0
            },
            home: [-machine.work_zero[0], -machine.work_zero[1], machine.process.safe_height],
            materials: cuts.filter_map(|c| c.number.map(|n| (n, c.feed))).collect(),
            start: [0.0; 3],
            machine_zero: None,
            tools: None,
            budget: flow::BUDGET,
            subprograms: Vec::new(),
            probe_short: 0.0,
            feed: machine.process.feed,
        }
    }

    /// Returns the same context for another file.
    #[must_use]
    pub fn source(mut self, source: SourceId) -> Context {
        self.source = source;
        self
    }

    pub(crate) fn material_feed(&self, number: u32) -> Option<Speed> {
        self.materials.iter().find(|m| m.0 == number).map(|m| m.1)
    }
}

/// A line of the controller's tool table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cutter {
    /// T number.
    pub number: u32,
    /// Diameter, mm.
    pub diameter: f64,
    /// Offset of the tip: x, y, z, mm.
    pub offset: [f64; 3],
    /// Orientation of a lathe tool, 0 to 9.
    pub orientation: u8,
}

/// One thing that comes out of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A section begins (our own programs name them in comments).
    Section {
        /// What it is for.
        role: Role,
        /// Its name.
        label: String,
    },
    /// The machine does something.
    Command(Command),
}

/// Interprets `program` and hands every step to `sink` with its 1-based line, in order. Returns what was found.
pub fn visit(program: &[u8], context: &Context, sink: impl FnMut(Step, u32)) -> Vec<Diagnostic> {
    if program.starts_with(bgcode::MAGIC) {
        return visit_binary(program, context, sink);
    }
    if context.subprograms.is_empty() {
        let mut run = Run::new(program, context, sink);
        run.all();
        return run.notes.finish();
    }
    let linked = Linked::new(program, &context.subprograms);
    let mut run = Run::new(&linked.text, context, sink);
    // The line end that is put behind it belongs to it.
    run.main_end = program.len() + 1;
    run.go_on(0, (0, 1));
    run.all();
    let entered = std::mem::take(&mut run.entered);
    let mut diagnostics = run.notes.finish();
    // What is found in a file is told where the program calls it.
    for d in &mut diagnostics {
        let Some(span) = &mut d.span else { continue };
        let Some((name, line)) = linked.place(span.start as usize) else { continue };
        let call = entered.iter().find(|e| linked.place(e.0).is_some_and(|p| p.0 == name));
        let call = call.map_or((0, 1), |e| e.1);
        *span = shop_report::Span::new(span.source, call.0, call.1);
        d.message = format!("{} ({name}.ngc, line {line})", d.message);
    }
    diagnostics
}

/// Unpacks a binary program first. Places are lines of the unpacked text then, and are said in words.
fn visit_binary(program: &[u8], context: &Context, sink: impl FnMut(Step, u32)) -> Vec<Diagnostic> {
    let Checked { value, mut diagnostics } = bgcode::read(program);
    for mut d in visit(&value.text, context, sink) {
        if let Some(span) = d.span.take() {
            d.message = format!("{} (line {} of the unpacked program)", d.message, span.line_in(&value.text));
        }
        diagnostics.push(d);
    }
    diagnostics
}

/// Interprets `program` into sections. A program that names no sections of its own is one section of
/// [`Role::Unknown`].
///
/// ```
/// use shop_cam::canon::Command;
/// use shop_cam::machine::{Dialect, MachineKind};
/// use shop_gcode::{interpret, Context};
/// let context = Context::new(Dialect::Grbl, MachineKind::Router);
/// let read = interpret(b"G21 G90\nG1 X10 F600\nM30\n", &context);
/// assert!(read.diagnostics.is_empty());
/// assert_eq!(read.value[0].commands[1], Command::Line { to: [10.0, 0.0, 0.0] });
/// assert_eq!(read.value[0].lines, [2, 2, 3]);
/// ```
pub fn interpret(program: &[u8], context: &Context) -> Checked<Vec<Section>> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open = Section::new(Role::Unknown, "");
    // A line of a cutting program has some 18 bytes; growing twice costs less than touching memory in vain.
    let guess = (program.len() / 24).min(1 << 22);
    open.commands.reserve(guess);
    open.lines.reserve(guess);
    let diagnostics = visit(program, context, |step, line| match step {
        Step::Command(command) => {
            open.commands.push(command);
            open.lines.push(line);
        }
        Step::Section { role, label } => {
            let done = std::mem::replace(&mut open, Section::new(role, label));
            if !done.commands.is_empty() || done.role != Role::Unknown {
                sections.push(done);
            }
        }
    });
    if !open.commands.is_empty() || sections.is_empty() {
        sections.push(open);
    }
    for section in &mut sections {
        if section.commands.capacity() > section.commands.len() * 2 {
            section.commands.shrink_to_fit();
            section.lines.shrink_to_fit();
        }
    }
    Checked { value: sections, diagnostics }
}

/// Places of files that are remembered; more are told at the first of them.
const MOST_ENTRIES: usize = 1000;
/// Messages grow no longer than this by the values put into them, bytes.
const LONGEST_MESSAGE: usize = 256;

/// One run over one program.
pub(crate) struct Run<'a, F> {
    pub(crate) program: &'a [u8],
    pub(crate) context: &'a Context,
    pub(crate) rules: &'static Rules,
    pub(crate) notes: Notes,
    pub(crate) state: State,
    pub(crate) parameters: Parameters,
    pub(crate) flow: flow::Flow,
    pub(crate) line: u32,
    compensation: Option<Box<compensate::Compensation>>,
    /// A lathe's cycle whose contour is being read.
    turning: Option<Box<turning::Turning>>,
    spline: Option<spline::Spline>,
    /// From the end of the last G5 to its second control point.
    spline_end: Option<[f64; 2]>,
    /// The line at hand, for findings about what it leads to.
    here: (usize, usize),
    meta: meta::Meta,
    /// Open M808 loops: where they begin, its line, and how often they go round still.
    repeats: Vec<(usize, u32, u64)>,
    /// Where the program goes on instead of the next line.
    jump: Option<(usize, u32)>,
    scanner: parse::Scanner<'a>,
    /// The program ends here; files of subprograms stand behind it.
    main_end: usize,
    /// Where the text ends that may be read now.
    limit: usize,
    /// In a file: the line of the program that called it.
    in_file: Option<u32>,
    /// Where files were entered, and from which place of the program.
    entered: Vec<(usize, (usize, usize))>,
    sink: F,
    ended: bool,
    /// Nothing more is read, though the program has no end of its own.
    closed: bool,
    /// Number of the line that is read next.
    next_line: u32,
    /// Lines before here were read already.
    furthest: usize,
    /// Lines with `%` so far.
    percent: u32,
    /// What is in force was guessed. Then nothing is run that goes elsewhere in the program: it stops there, strayed.
    guessed: bool,
    strayed: bool,
    /// Only looked at: see [`unreached`].
    unreached: bool,
}

impl<'a, F> Run<'a, F> {
    fn new(program: &'a [u8], context: &'a Context, sink: F) -> Self {
        let rules = rules(context.dialect);
        Run {
            program,
            context,
            rules,
            notes: Notes::new(context.source),
            state: State { position: context.start, ..State::new(rules, context.dialect) },
            parameters: Parameters::default(),
            // A long program may hold many curves and pecks of its own.
            flow: flow::Flow::new(context.budget.saturating_add(4 * program.len() as u64)),
            line: 0,
            compensation: None,
            turning: None,
            spline: None,
            spline_end: None,
            here: (0, 1),
            meta: meta::Meta::default(),
            repeats: Vec::new(),
            jump: None,
            scanner: parse::tokens(program, rules.syntax),
            main_end: program.len(),
            limit: program.len(),
            in_file: None,
            entered: Vec::new(),
            sink,
            ended: false,
            closed: false,
            next_line: 1,
            furthest: 0,
            percent: 0,
            guessed: false,
            strayed: false,
            unreached: false,
        }
    }
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    #[inline(always)]
    pub(crate) fn emit(&mut self, command: Command) {
        if !self.state.simple && self.compensation.is_some() {
            self.emit_compensated(command);
        } else {
            (self.sink)(Step::Command(command), self.line);
        }
    }

    fn hand_on(&mut self, command: Command, line: u32) {
        (self.sink)(Step::Command(command), line);
    }

    /// Goes on at `at`: in the program, or in a file of subprograms.
    fn go_on(&mut self, at: usize, from: (usize, usize)) {
        let in_file = at > self.main_end;
        if !in_file {
            self.in_file = None;
        } else if self.in_file.is_none() {
            self.in_file = Some(self.line);
        }
        if in_file && self.entered.iter().all(|e| e.0 != at) && self.entered.len() < MOST_ENTRIES {
            let caller = self.entered.last().map_or(from, |e| e.1);
            self.entered.push((at, if from.0 > self.main_end { caller } else { from }));
        }
        self.limit = if in_file { self.program.len() } else { self.main_end };
        self.scanner = parse::tokens(&self.program[..self.limit], self.rules.syntax);
        self.scanner.seek(at);
    }

    fn all(&mut self) {
        self.until(self.program.len());
        self.finish();
    }

    /// Runs the lines before `end`, the start of a line, or all of them when that is the end of the program.
    fn until(&mut self, end: usize) {
        let mut block = Block::default();
        let last = end >= self.program.len();
        while !self.ended && !self.closed && (last || self.scanner.offset() < end) {
            if !self.meta.is_idle() {
                if let Some((at, line)) = self.close_blocks(self.scanner.offset()) {
                    self.scanner.seek(at);
                    self.next_line = line;
                }
            } else if self.in_file.is_none()
                && self.scanner.offset() >= self.furthest
                && self.scanner.at_line_start()
            {
                let (at, line) = self.plain_lines(self.scanner.offset(), self.next_line, end);
                if at > self.scanner.offset() {
                    self.scanner.seek(at);
                    self.furthest = at;
                    self.next_line = line;
                }
                if at >= end && !last {
                    break;
                }
            }
            self.line = self.in_file.unwrap_or(self.next_line);
            if !block.read(&mut self.scanner, self.rules, &mut self.notes) {
                self.closed = true;
                break;
            }
            self.next_line += u32::from(block.newline);
            if block.start < self.furthest {
                // Only loops and calls come back; long lines and comments cost what they fill, and lines that move what
                // a command takes downstream.
                let bytes = (block.end - block.start) as u64;
                let moves = if block.has_words() { 2 } else { 0 };
                if !self.spend(1 + bytes / 8 + moves, &block) {
                    break;
                }
            } else {
                self.furthest = block.end;
            }
            if block.plain {
                self.words(&block);
            } else {
                self.careful(&block);
            }
            if let Some((at, line)) = self.jump.take() {
                self.go(at, line, block.span());
            }
        }
    }

    /// Goes on elsewhere.
    fn go(&mut self, at: usize, line: u32, from: (usize, usize)) {
        if self.unreached {
            return;
        }
        if self.guessed {
            self.stray();
            return;
        }
        self.go_on(at, from);
        self.next_line = line;
    }

    #[cold]
    fn stray(&mut self) {
        (self.strayed, self.closed) = (true, true);
    }

    /// Runs a line that is more than words.
    fn careful(&mut self, block: &Block) {
        if block.percent {
            self.percent += 1;
            // Text after the closing mark is none of the controller's business.
            if self.percent == 2 && self.rules.percent {
                self.state.percent_closed = true;
                self.closed = true;
                return;
            }
        }
        self.length_of_line(block);
        if block.deleted && self.rules.block_delete {
            let at = (block.start, block.end);
            self.notes.info("gcode/block-delete", 0, at, || {
                "left out because of its '/'; with block delete off the controller runs it".into()
            });
            return;
        }
        if self.turning.is_none() {
            self.comments(block);
        }
        if let Some(token) = block.dollar {
            self.controller_line((token.start, token.end));
        }
        if block.flow.is_some() {
            if self.guessed {
                return self.stray();
            }
            match self.pass_by().unwrap_or_else(|| self.flow_line(block)) {
                flow::Next::On => {}
                flow::Next::Jump { at, line } => self.go(at, line, block.span()),
                // Why has been said; nothing is known of what would follow.
                flow::Next::Stop => (self.ended, self.closed) = (true, true),
            }
            return;
        }
        if block.extended.is_some() {
            if !(self.rules.syntax.braces && self.meta_command(block)) {
                self.extended(block);
            }
            if self.guessed && !self.meta.is_idle() {
                self.stray();
            }
            return;
        }
        self.words(block);
    }

    /// Takes `cost` from the budget of repeated work; false when it is used up.
    pub(crate) fn spend(&mut self, cost: u64, block: &Block) -> bool {
        let enough = self.flow.spend(cost);
        if !enough {
            let at = (block.start, block.end);
            self.notes.error("gcode/endless", 0, at, || {
                "loops, calls and repeats go on and on; stopped here".into()
            });
            self.ended = true;
            self.strayed |= self.guessed;
        }
        enough
    }

    /// Computes what is to be computed and executes the words.
    fn words(&mut self, block: &Block) {
        if block.formulas.is_empty() && block.assignments.is_empty() {
            self.ended |= self.execute(block);
            return;
        }
        if self.rules.syntax.braces && block.assignments.is_empty() {
            if let Some(computed) = self.compute_braces(block) {
                self.ended |= self.execute(&computed);
            }
            return;
        }
        if !self.rules.formulas {
            let first = block.formulas.iter().chain(&block.assignments).map(|t| (t.start, t.end)).min();
            let at = first.unwrap_or((block.start, block.end));
            let name = self.rules.name;
            self.notes.error("gcode/expression", 0, at, || {
                format!("{name} computes no expressions or parameters; the line is not run")
            });
            return;
        }
        if self.unreached {
            let some = self.with_some_numbers(block);
            self.ended |= self.execute(&some);
            return;
        }
        let Some(computed) = self.compute(block) else { return };
        let settings = self.assignments(block);
        self.ended |= self.execute(&computed);
        for (name, v) in settings {
            self.parameters.set(name, v);
        }
    }

    fn compute(&mut self, block: &Block) -> Option<Block> {
        let mut computed = block.clone();
        if self.program.get(block.start..block.end).is_none_or(asks_controller) {
            self.refresh_parameters();
        }
        for token in &block.formulas {
            let text = self.program.get(..token.end).unwrap_or_default();
            match crate::expression::primary(text, token.start + 1, &self.parameters) {
                Ok((v, _)) => computed.word(token.letter, v, token.start, &mut self.notes),
                Err(fault) => {
                    self.notes
                        .error("gcode/expression", 1, (fault.at.min(token.end), token.end), || fault.message);
                    return None;
                }
            }
        }
        Some(computed)
    }

    fn assignments(&mut self, block: &Block) -> Vec<(crate::expression::Name, f64)> {
        let mut settings = Vec::new();
        for token in &block.assignments {
            let text = self.program.get(..token.end).unwrap_or_default();
            match crate::expression::assignment(text, token.start, &self.parameters) {
                Ok(setting) => settings.push(setting),
                Err(fault) => {
                    self.notes
                        .error("gcode/expression", 2, (fault.at.min(token.end), token.end), || fault.message);
                }
            }
        }
        settings
    }

    fn length_of_line(&mut self, block: &Block) {
        let longest = self.rules.longest_line;
        if block.end - block.start <= longest {
            return;
        }
        // GRBL's kin drop blanks and comments before the line counts.
        let strips = !matches!(self.context.dialect, Dialect::LinuxCnc | Dialect::QtPlasmaC);
        let comments: usize = block.comments.iter().map(|c| c.end - c.start).sum();
        let text = self.program.get(block.start..block.end).unwrap_or_default();
        let blanks = text.iter().filter(|b| matches!(b, b' ' | b'\t')).count();
        if !strips || text.len().saturating_sub(comments + blanks) > longest {
            let name = self.rules.name;
            self.notes.error("gcode/line-too-long", 0, (block.start, block.end), || {
                format!("{name} takes lines of up to {longest} characters and drops this one")
            });
        }
    }

    fn comments(&mut self, block: &Block) {
        for token in &block.comments {
            let inner = match token.kind {
                Kind::Comment => self.program.get(token.start + 1..token.end - 1),
                _ => self.program.get(token.start + 1..token.end),
            };
            let text = String::from_utf8_lossy(inner.unwrap_or_default());
            let text = text.trim();
            if let Some((role, label)) = section_mark(text) {
                let step = Step::Section { role, label: label.to_owned() };
                (self.sink)(step, self.line);
                continue;
            }
            if text.is_empty() {
                continue;
            }
            self.magic(text);
            if self.rules.tool_change && token.kind == Kind::Comment && self.active_comment(text) {
                continue;
            }
            if (text.starts_with(['L', 'T', 'F', 'C'])
                || text.starts_with("layer ")
                || text.starts_with("feature "))
                && self.marker(text)
            {
                continue;
            }
            self.emit(Command::Comment(text.into()));
        }
    }

    /// `(MSG,…)`, `(DEBUG,…)` and `(PRINT,…)` speak to the operator, the last two with the values of parameters.
    fn active_comment(&mut self, text: &str) -> bool {
        let Some((word, said)) = text.split_once(',') else { return false };
        let word = word.trim().to_ascii_lowercase();
        let said = match word.as_str() {
            "msg" => said.to_owned(),
            // #5599 = 0 silences (DEBUG,…).
            "debug" if self.parameters.number(5599) == Some(0.0) => return false,
            "debug" | "print" => self.with_values(said),
            _ => return false,
        };
        self.emit(Command::Message(said.into()));
        true
    }

    /// Puts in the values of `#1` and `#<name>`, as LinuxCNC prints them.
    fn with_values(&mut self, text: &str) -> String {
        self.refresh_parameters();
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('#').filter(|_| out.len() < LONGEST_MESSAGE) {
            out.push_str(&rest[..at]);
            match crate::expression::primary(rest.as_bytes(), at, &self.parameters) {
                Ok((v, end)) if rest.is_char_boundary(end) => {
                    let _ = write!(out, "{v:.6}");
                    rest = &rest[end..];
                }
                _ => {
                    out.push('#');
                    rest = &rest[at + 1..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// Comments that mean something to a controller: QtPlasmaC's materials, and the tool of a controller without
    /// T words in our own programs.
    fn magic(&mut self, text: &str) {
        if text.starts_with("o=") && self.context.dialect == Dialect::QtPlasmaC {
            let field = |name: &str| {
                let mut fields = text.split(',').map(str::trim);
                fields.find_map(|f| f.strip_prefix(name)).and_then(|v| v.trim().parse::<f64>().ok())
            };
            if field("o=") == Some(0.0) {
                self.state.cut_feed = field("fr=").filter(|f| f.is_finite() && *f > 0.0);
            }
        } else if let Some(rest) = text.strip_prefix("tool ") {
            let digits = rest.split(':').next().unwrap_or_default();
            if self.rules.one_command
                && rest.contains(':')
                && let Ok(number) = digits.parse::<u32>()
            {
                self.tool_change(number);
            }
        }
    }
}

/// Returns role and label of a comment that begins a section of our own programs: `--- profile: part 3`.
fn section_mark(text: &str) -> Option<(Role, &str)> {
    let rest = text.strip_prefix("--- ")?;
    let (role, label) = rest.split_once(':').unwrap_or((rest, ""));
    Some((Role::from_name(role)?, label.trim()))
}

/// True when a line may ask for a parameter that the controller keeps: from #5000 on, `#<_…>`, or computed ones.
fn asks_controller(line: &[u8]) -> bool {
    memchr::memchr_iter(b'#', line).any(|at| match line.get(at + 1) {
        Some(b'0'..=b'9') => {
            let digits = line[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            digits > 3
        }
        Some(b'<') => line.get(at + 2).is_none_or(|b| !b.is_ascii_alphanumeric()),
        _ => true,
    })
}

/// Adds what is only known at the end.
impl<F: FnMut(Step, u32)> Run<'_, F> {
    fn finish(&mut self) {
        let end = self.main_end;
        let at = (end.saturating_sub(1), end);
        if let Some(to) = self.state.probing.take() {
            self.probe_without_touch_off(to);
        }
        self.compensation_off();
        self.read_unreached();
        if !self.ended && self.rules.end.is_some() && !self.state.percent_closed {
            let name = self.rules.name;
            self.notes.add(Severity::Warning, "gcode/no-end", 0, at, || {
                format!("the program has no M2 or M30; {name} keeps its state and may wait for more")
            });
        }
        if self.state.tool_on() {
            self.notes.add(Severity::Warning, "gcode/left-on", 0, at, || {
                "the program ends with the spindle, torch or laser on".into()
            });
        }
    }
}
