//! Text that never runs: what stands behind the program's end, and subprograms that nothing calls.
//!
//! A person who deletes an M2, or calls a subprogram for the first time, meets what stands there. So it is read once,
//! line by line, as if it began with nothing in force. What is not known there (parameters, places) is not judged: only
//! what a line is refused for by its own words, and a cut without any feed. Such findings are warnings under the code
//! that they would have as errors.

use super::flow::Next;
use super::{Block, Run, Step};
use crate::parse;
use shop_report::Severity;

/// Errors that stay errors whatever is in force.
const CODES: [&str; 13] = [
    "gcode/arc-without-center",
    "gcode/checksum",
    "gcode/line-too-long",
    "gcode/no-feed",
    "gcode/number-missing",
    "gcode/repeated-word",
    "gcode/stray-parenthesis",
    "gcode/too-many-codes",
    "gcode/two-in-group",
    "gcode/two-motions",
    "gcode/unclosed-comment",
    "gcode/unknown-text",
    "gcode/unsupported",
];
/// Keys of these findings do not meet those of what runs.
const KEYS: u32 = 1 << 20;

/// A piece of text that never runs.
struct Piece {
    from: usize,
    line: u32,
    to: usize,
    why: String,
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Reads what never ran; the program is over. O(bytes of it).
    pub(super) fn read_unreached(&mut self) {
        // Where reading stopped at a fault or at `%` something else is wrong, or nothing.
        if self.closed && !self.state.percent_closed && self.ended {
            return;
        }
        let mut pieces = self.uncalled();
        if self.ended {
            pieces.extend(self.tail());
        }
        for (key, piece) in (KEYS..).zip(pieces) {
            self.read_piece(&piece, key);
        }
    }

    /// Returns what stands behind the last line that ran.
    fn tail(&self) -> Option<Piece> {
        let to = self.main_end.min(self.program.len());
        let from = self.furthest.min(to);
        // Line ends are counted from where the reader stands: loops and calls may have led it back.
        let here = self.scanner.offset().min(to);
        let (low, high) = (here.min(from), here.max(from));
        let between = memchr::memchr_iter(b'\n', self.program.get(low..high)?).count() as u32;
        let line =
            if here <= from { self.next_line + between } else { self.next_line.saturating_sub(between) };
        Some(Piece { from, line, to, why: "stands behind the program's end".to_owned() })
    }

    fn read_piece(&mut self, piece: &Piece, key: u32) {
        let Some(text) = self.program.get(..piece.to) else { return };
        // Nearly always there is nothing.
        if text.get(piece.from..).is_none_or(|t| t.iter().all(u8::is_ascii_whitespace)) {
            return;
        }
        let mut run: Run<'_, fn(Step, u32)> = Run::new(text, self.context, |_, _| {});
        run.unreached = true;
        run.percent = self.percent;
        run.scanner = parse::tokens(text, run.rules.syntax);
        run.scanner.seek(piece.from);
        (run.next_line, run.furthest) = (piece.line, piece.from);
        // Behind each further end it begins anew.
        let (feed, motion) = (run.state.feed, run.state.motion);
        while !run.closed {
            run.ended = false;
            (run.state.feed, run.state.motion) = (feed, motion);
            run.until(piece.to);
        }
        for d in run.notes.finish() {
            let Some(span) = d.span.filter(|_| d.severity == Severity::Error && CODES.contains(&d.code))
            else {
                continue;
            };
            let at = (span.start as usize, span.end as usize);
            let note = self.notes.add(Severity::Warning, d.code, key, at, || {
                format!("{}; it is not run as the program stands: it {}", d.message, piece.why)
            });
            if let Some(note) = note {
                note.count = d.count;
            }
        }
    }
}

impl<F> Run<'_, F> {
    /// Takes computed words for ones with a number; what they come to is not known.
    pub(super) fn with_some_numbers(&mut self, block: &Block) -> Block {
        let mut some = block.clone();
        for token in block.formulas.iter().filter(|t| !matches!(t.letter, b'G' | b'M')) {
            some.word(token.letter, 1.0, token.start, &mut self.notes);
        }
        some
    }

    /// Flow of control is not followed where nothing runs.
    pub(super) fn pass_by(&self) -> Option<Next> {
        self.unreached.then_some(Next::On)
    }

    fn uncalled(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for sub in self.flow.uncalled(self.furthest.min(self.main_end)) {
            let name = self.program.get(sub.name.0..sub.name.1).unwrap_or_default();
            let name = String::from_utf8_lossy(name).trim().to_owned();
            let why = format!("stands in the subprogram {name}, which nothing calls");
            pieces.push(Piece { from: sub.from, line: sub.line, to: sub.to, why });
        }
        pieces
    }
}
