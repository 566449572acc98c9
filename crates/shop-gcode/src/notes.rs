//! Diagnostics that count: the same finding a million times is one line with a number.

use shop_report::{Diagnostic, Severity, SourceId, Span};

/// Different findings that are kept apart; the rest joins the first of its code. Keeps the search below short.
const MOST: usize = 256;

/// Collects diagnostics of one source.
#[derive(Debug)]
pub(crate) struct Notes {
    source: SourceId,
    keys: Vec<(&'static str, u32)>,
    list: Vec<Diagnostic>,
}

impl Notes {
    pub(crate) fn new(source: SourceId) -> Notes {
        Notes { source, keys: Vec::new(), list: Vec::new() }
    }

    /// Adds a finding at bytes `start..end`; findings with the same code and `key` are counted, and only the first
    /// is written out.
    #[cold]
    pub(crate) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        key: u32,
        (start, end): (usize, usize),
        message: impl FnOnce() -> String,
    ) -> Option<&mut Diagnostic> {
        let same = |k: &(&'static str, u32)| k.0 == code && (k.1 == key || self.list.len() >= MOST);
        if let Some(i) = self.keys.iter().position(same) {
            if let Some(d) = self.list.get_mut(i) {
                d.count = d.count.saturating_add(1);
            }
            return None;
        }
        self.keys.push((code, key));
        self.list.push(Diagnostic::new(severity, code, message()).span(Span::new(
            self.source,
            start,
            end.max(start + 1),
        )));
        self.list.last_mut()
    }

    pub(crate) fn error(
        &mut self,
        code: &'static str,
        key: u32,
        at: (usize, usize),
        message: impl FnOnce() -> String,
    ) {
        self.add(Severity::Error, code, key, at, message);
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        key: u32,
        at: (usize, usize),
        message: impl FnOnce() -> String,
    ) {
        self.add(Severity::Warning, code, key, at, message);
    }

    pub(crate) fn info(
        &mut self,
        code: &'static str,
        key: u32,
        at: (usize, usize),
        message: impl FnOnce() -> String,
    ) {
        self.add(Severity::Info, code, key, at, message);
    }

    /// True when findings of a later part can be added as if they had been made here, one by one.
    pub(crate) fn has_room_for(&self, later: &Notes) -> bool {
        self.list.len() + later.list.len() < MOST
    }

    /// Adds the findings of a later part.
    pub(crate) fn append(&mut self, later: Notes) {
        for (key, d) in later.keys.into_iter().zip(later.list) {
            if let Some(i) = self.keys.iter().position(|k| *k == key) {
                self.list[i].count = self.list[i].count.saturating_add(d.count);
            } else {
                self.keys.push(key);
                self.list.push(d);
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.list
    }
}
