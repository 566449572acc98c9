//! Interpreting a long program in parts, side by side, with the result of reading it from the beginning.
//!
//! What a line means depends on all lines before it, yet on hardly any of them: a few hundred lines suffice to know
//! where the tool is and what is in force. So a part begins with a guess ([`Reader::fork`]), reads the lines that say
//! most about what is in force ([`Survey`]) and a stretch of what stands before it, and then its own lines from
//! [`Reader::begin`] on:
//!
//! ```text
//!   one reader   ├──────── read ────────┤·············┊─ append ─▶
//!   a part        fork ┄ hints ┄┄┄ ├─── warms up ─────┼─── its own lines ───┤
//!                                                     ╰ begin: this must be where the other one stands
//! ```
//!
//! A guess is never trusted: [`Reader::continues_as`] holds everything that was in force at the beginning of the part
//! against what is in force where the reader before it has come to, to the last bit. When they are the same, the same
//! lines give the same commands, and [`Reader::append`] takes the part over; else it is thrown away and read again.
//! Programs that loop, call or compute their way are read in one go.

use super::state::{Counter, Used};
use super::{Context, Run, Step, bgcode};
use crate::notes::Notes;
use shop_report::Diagnostic;
use std::fmt::Write;
use std::ops::Range;

/// An interpreter that stops where it is told to, and goes on from there.
pub struct Reader<'a> {
    run: Run<'a, ()>,
    begun: Option<Begun>,
}

/// What was in force where a part began.
struct Begun {
    at: usize,
    line: u32,
    modes: String,
    counter: Counter,
    budget: u64,
}

impl<'a> Reader<'a> {
    /// Returns a reader of a program's text; none for a binary one, which [`visit`](super::visit) unpacks, and for one
    /// with files of subprograms.
    pub fn new(program: &'a [u8], context: &'a Context) -> Option<Reader<'a>> {
        let whole = !program.starts_with(bgcode::MAGIC) && context.subprograms.is_empty();
        whole.then(|| Reader { run: Run::new(program, context, ()), begun: None })
    }

    /// Returns where it stands: the offset of the next line, and its number.
    pub fn place(&self) -> (usize, u32) {
        (self.run.scanner.offset(), self.run.next_line)
    }

    /// True when nothing more will be read.
    pub fn is_done(&self) -> bool {
        self.run.ended || self.run.closed
    }

    /// Reads the lines before `end`, which must be the start of a line or the end of the program. Every step goes to
    /// `sink` with its 1-based line.
    #[must_use]
    pub fn read(self, end: usize, sink: impl FnMut(Step, u32)) -> Reader<'a> {
        let mut run = self.run.with_sink(sink);
        run.until(end);
        Reader { run: run.with_sink(()), begun: self.begun }
    }

    /// Reads what is left and returns what was found.
    pub fn finish(self, sink: impl FnMut(Step, u32)) -> Vec<Diagnostic> {
        let mut run = self.run.with_sink(sink);
        run.all();
        run.notes.finish()
    }

    /// Returns a reader for a later part, with what is in force here as its guess; none when more is in force than can
    /// be guessed.
    pub fn fork(&self) -> Option<Reader<'a>> {
        let r = &self.run;
        self.is_simple().then(|| Reader {
            run: Run {
                notes: Notes::new(r.context.source),
                state: r.state.clone(),
                parameters: r.parameters.clone(),
                meta: r.meta.clone(),
                spline_end: r.spline_end,
                line: r.line,
                percent: r.percent,
                next_line: r.next_line,
                guessed: true,
                ..Run::new(r.program, r.context, ())
            },
            begun: None,
        })
    }

    /// Goes to another line; only for parts that have not begun.
    pub fn skip_to(&mut self, at: usize, line: u32) {
        self.run.scanner.seek(at);
        self.run.next_line = line;
        self.run.furthest = at;
    }

    /// So many layers begin before, which were not read; only for parts that have not begun.
    pub fn skip_layers(&mut self, count: u32) {
        self.run.state.layers = self.run.state.layers.saturating_add(count);
    }

    /// The part's own lines begin here; what was found while it warmed up is forgotten.
    pub fn begin(&mut self) {
        self.run.notes = Notes::new(self.run.context.source);
        self.run.state.e.used = Used::No;
        self.begun = Some(Begun {
            at: self.run.scanner.offset(),
            line: self.run.next_line,
            modes: self.modes(),
            counter: self.run.state.e,
            budget: self.run.flow.left(),
        });
    }

    /// True when `part` began where this one stands, with all in force that is in force here.
    pub fn continues_as(&self, part: &Reader<'_>) -> bool {
        let Some(begun) = &part.begun else { return false };
        let (e, guess) = (self.run.state.e, begun.counter);
        let counter = part.run.state.e.used != Used::Asked
            || (e.from.to_bits() == guess.from.to_bits() && e.more == guess.more);
        (begun.at, begun.line) == self.place()
            && counter
            && !part.run.strayed
            && !self.is_done()
            && self.is_simple()
            && part.is_simple()
            && self.run.notes.has_room_for(&part.run.notes)
            && self.run.flow.left() > begun.budget.saturating_sub(part.run.flow.left())
            && begun.modes == self.modes()
    }

    /// Goes on where `part` has come to; it must continue this one.
    pub fn append(&mut self, part: Reader<'a>) {
        let (run, part, begun) = (&mut self.run, part.run, part.begun);
        let Some(begun) = begun else { return };
        let mut e = part.state.e;
        if e.used == Used::No {
            (e.from, e.more) = (run.state.e.from, run.state.e.more + (e.more - begun.counter.more));
        }
        e.used = match run.state.e.used {
            Used::No => e.used,
            before => before,
        };
        run.state = part.state;
        run.state.e = e;
        run.notes.append(part.notes);
        run.parameters = part.parameters;
        run.meta = part.meta;
        run.spline_end = part.spline_end;
        run.here = part.here;
        run.line = part.line;
        run.percent = part.percent;
        (run.ended, run.closed) = (part.ended, part.closed);
        (run.next_line, run.furthest) = (part.next_line, part.furthest);
        run.scanner = part.scanner;
        let _ = run.flow.spend(begun.budget.saturating_sub(part.flow.left()));
    }

    /// True when nothing is open that a part could not guess.
    fn is_simple(&self) -> bool {
        let r = &self.run;
        r.compensation.is_none()
            && r.turning.is_none()
            && r.spline.is_none()
            && r.repeats.is_empty()
            && r.meta.is_idle()
            && r.flow.is_unused()
            && r.in_file.is_none()
            && r.scanner.at_line_start()
    }

    /// Returns all that is in force, but for the counter of filament. Written out, since that names every field of
    /// every mode and every number to its last bit, the sign of a zero too.
    fn modes(&self) -> String {
        let r = &self.run;
        let mut state = r.state.clone();
        state.e = Counter::default();
        let mut text = String::with_capacity(2048);
        // Writing to a string cannot fail.
        let _ = write!(text, "{state:?} {:?} {:?} {} ", r.meta, r.spline_end, r.percent);
        let _ = r.parameters.write_settings(&mut text);
        text
    }
}

impl<'a, F> Run<'a, F> {
    /// Returns the same run with another sink.
    fn with_sink<G>(self, sink: G) -> Run<'a, G> {
        Run {
            program: self.program,
            context: self.context,
            rules: self.rules,
            notes: self.notes,
            state: self.state,
            parameters: self.parameters,
            flow: self.flow,
            line: self.line,
            compensation: self.compensation,
            turning: self.turning,
            spline: self.spline,
            spline_end: self.spline_end,
            here: self.here,
            meta: self.meta,
            repeats: self.repeats,
            jump: self.jump,
            scanner: self.scanner,
            main_end: self.main_end,
            limit: self.limit,
            in_file: self.in_file,
            entered: self.entered,
            sink,
            ended: self.ended,
            closed: self.closed,
            next_line: self.next_line,
            furthest: self.furthest,
            percent: self.percent,
            guessed: self.guessed,
            strayed: self.strayed,
            unreached: self.unreached,
        }
    }
}

/// What a quick look at a part of a program tells about it: how many lines it has, and which of them say most about what
/// is in force after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Line ends.
    pub lines: u32,
    /// Layers that begin without a number.
    pub layers: u32,
    /// The last line of each kind that is no move. Lines of one kind differ in their numbers only.
    kinds: Vec<(u64, Range<usize>)>,
}

/// Kinds of lines that are told apart.
const MOST_KINDS: usize = 64;
/// Longer lines are no hints.
const LONGEST: usize = 250;

impl Survey {
    /// Looks at the lines of `program` in this range, which begins and ends with a line. O(bytes), about 4 GB/s where
    /// lines are moves.
    pub fn of(program: &[u8], range: Range<usize>) -> Survey {
        let mut survey = Survey::default();
        let mut at = range.start;
        let bytes = &program[..range.end.min(program.len())];
        for end in memchr::memchr_iter(b'\n', bytes.get(at..).unwrap_or_default()) {
            let end = range.start + end;
            survey.lines += 1;
            let (text, line) = (&bytes[at..end], at..end + 1);
            at = end + 1;
            if is_move(text) || text.len() > LONGEST {
                continue;
            }
            if text.first() == Some(&b';') {
                match text[1..].trim_ascii() {
                    b"LAYER_CHANGE" | b"CHANGE_LAYER" => survey.layers += 1,
                    rest if rest.starts_with(b"LAYER:") || rest.starts_with(b"layer ") => {
                        survey.note(kind(b"LAYER"), line);
                    }
                    _ => {}
                }
                continue;
            }
            survey.note(kind(text), line);
        }
        survey
    }

    fn note(&mut self, kind: u64, line: Range<usize>) {
        match self.kinds.iter().position(|k| k.0 == kind) {
            Some(i) => self.kinds[i].1 = line,
            None if self.kinds.len() < MOST_KINDS => self.kinds.push((kind, line)),
            None => {}
        }
    }

    /// Adds what the next part tells.
    pub fn append(&mut self, next: &Survey) {
        self.lines += next.lines;
        self.layers += next.layers;
        for (kind, line) in &next.kinds {
            self.note(*kind, line.clone());
        }
    }

    /// Returns the lines that say most, in order.
    pub fn hints(&self) -> Vec<Range<usize>> {
        let mut all: Vec<_> = self.kinds.iter().map(|k| k.1.clone()).collect();
        all.sort_unstable_by_key(|h| h.start);
        all
    }
}

/// True for lines that are moves and nothing else, as far as their beginning tells.
#[inline]
fn is_move(line: &[u8]) -> bool {
    match line {
        [b'G' | b'g', b'0'..=b'3', next, ..] => !next.is_ascii_digit() && *next != b'.',
        [b'X' | b'Y' | b'Z' | b'x' | b'y' | b'z' | b'I' | b'J', ..] | [] => true,
        _ => false,
    }
}

/// Lines of one kind differ in their numbers only.
fn kind(line: &[u8]) -> u64 {
    let code = line.iter().take_while(|b| !matches!(b, b';' | b'('));
    let mut seen_letter = false;
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for b in code {
        // The first number belongs to the code, as in M204.
        let number = b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b' ' | b'\t' | b'\r');
        seen_letter |= *b == b' ';
        if number && seen_letter {
            continue;
        }
        // FNV-1a.
        hash = (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}
