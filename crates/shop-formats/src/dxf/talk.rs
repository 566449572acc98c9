//! What is found while reading: one diagnostic per code with a count, one line per kind of thing left out.

use super::groups::{Group, Number};
use super::note::{Note, Noted};
use crate::Ignored;
use shop_report::{Diagnostic, Severity, SourceId, Span};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Findings of one part of a file. Merging parts in file order gives what one reader of the whole would have said.
#[derive(Clone, Debug, Default)]
pub(super) struct Talk<'a> {
    source: SourceId,
    found: Vec<Diagnostic>,
    ignored: BTreeMap<(&'a [u8], &'static str), (u32, Span)>,
    noted: BTreeMap<Note, BTreeMap<Box<[u8]>, Noted>>,
}

impl<'a> Talk<'a> {
    pub fn new(source: SourceId) -> Self {
        Talk { source, ..Self::default() }
    }

    pub fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start, end)
    }

    /// Notes a finding; the first of each code is kept, with how many there were.
    pub fn say(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: Option<Span>,
        message: impl FnOnce() -> String,
        hint: &str,
    ) {
        if let Some(known) = self.found.iter_mut().find(|d| d.code == code) {
            known.count = known.count.saturating_add(1);
            return;
        }
        let mut d = Diagnostic::new(severity, code, message());
        d.span = span;
        d.hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.found.push(d);
    }

    pub fn error(&mut self, code: &'static str, span: Span, message: impl FnOnce() -> String, hint: &str) {
        self.say(Severity::Error, code, Some(span), message, hint);
    }

    pub fn warn(&mut self, code: &'static str, span: Span, message: impl FnOnce() -> String, hint: &str) {
        self.say(Severity::Warning, code, Some(span), message, hint);
    }

    /// Says what is wrong with a number; returns what it may have meant, so that the drawing can be looked at.
    ///
    /// A decimal comma is an error although its meaning can be guessed: `1,234` may as well be a thousand, other
    /// programs read `2,5` as 2 (ezdxf's recovery) or as nothing, and a program that is cut must not hang on a guess.
    #[cold]
    pub fn odd_number(&mut self, g: &Group<'a>, number: Number) -> Option<f64> {
        let text = || String::from_utf8_lossy(&g.text()[..g.text().len().min(40)]).into_owned();
        let span = self.span(g.value_at(), g.value_at() + g.value.len());
        match number {
            Number::Plain(v) => Some(v),
            Number::Comma(v) => {
                self.error(
                    "dxf/decimal-comma",
                    span,
                    || format!("`{}` has a decimal comma, and a DXF file has decimal points", text()),
                    "export it again with an English number format; what is shown takes the commas for points",
                );
                Some(v)
            }
            Number::Bad => {
                self.error(
                    "dxf/bad-number",
                    span,
                    || format!("`{}` in group {} is not a finite number", text(), g.code),
                    "what it belongs to is left out; export the drawing again",
                );
                None
            }
        }
    }

    /// Counts something that is in the file and not in the drawing.
    pub fn ignore(&mut self, what: &'a [u8], why: &'static str, span: Span) {
        let entry = self.ignored.entry((what, why)).or_insert((0, span));
        entry.0 = entry.0.saturating_add(1);
        entry.1 = entry.1.min(span);
    }

    /// Counts something that is read otherwise than it looks: under what name, and by how much (mm, where that is
    /// something to tell).
    pub fn note(&mut self, note: Note, name: &[u8], most: f64, span: Span) {
        self.add_note(note, name, Noted { count: 1, most, first: span });
    }

    fn add_note(&mut self, note: Note, name: &[u8], more: Noted) {
        let names = self.noted.entry(note).or_default();
        match names.get_mut(name) {
            Some(known) => {
                known.count = known.count.saturating_add(more.count);
                known.most = known.most.max(more.most);
                known.first = known.first.min(more.first);
            }
            None => {
                names.insert(name.into(), more);
            }
        }
    }

    /// Adds what a later part found.
    pub fn merge(&mut self, later: Talk<'a>) {
        for d in later.found {
            match self.found.iter_mut().find(|known| known.code == d.code) {
                Some(known) => known.count = known.count.saturating_add(d.count),
                None => self.found.push(d),
            }
        }
        for ((what, why), (count, span)) in later.ignored {
            let entry = self.ignored.entry((what, why)).or_insert((0, span));
            entry.0 = entry.0.saturating_add(count);
            entry.1 = entry.1.min(span);
        }
        for (note, names) in later.noted {
            for (name, noted) in &names {
                self.add_note(note, name, *noted);
            }
        }
    }

    /// Returns the diagnostics, and what was left out in the order of the file. Names are shown as `decode` reads them.
    pub fn finish(
        mut self,
        decode: impl for<'t> Fn(&'t [u8]) -> Cow<'t, str>,
    ) -> (Vec<Diagnostic>, Vec<Ignored>) {
        for (note, names) in std::mem::take(&mut self.noted) {
            self.found.push(note.diagnostic(&names, &decode));
        }
        let mut ignored: Vec<Ignored> = self
            .ignored
            .into_iter()
            .map(|((what, why), (count, first))| {
                let what = String::from_utf8_lossy(&what[..what.len().min(80)]).into_owned();
                Ignored { what, why, count, first }
            })
            .collect();
        ignored.sort_by_key(|i| i.first);
        (self.found, ignored)
    }
}
