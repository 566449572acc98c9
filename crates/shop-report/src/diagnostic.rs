//! What we say about the user's input.

use crate::Span;
use std::fmt;

/// How bad it is. `Error` means that no program may be written without `--force`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing was lost.
    Info,
    /// Something was assumed, joined, dropped or left out.
    Warning,
    /// The input cannot be used as it is.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One finding about the input: a stable code, what, where, and what to do.
///
/// ```
/// use shop_report::Diagnostic;
/// let d = Diagnostic::warning("dxf/units-missing", "the drawing names no unit; millimetres assumed")
///     .hint("say --units in or --units mm");
/// assert_eq!(d.code, "dxf/units-missing");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Stable, `area/what` in kebab case; documented and never reused for another meaning.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Where in the user's file.
    pub span: Option<Span>,
    /// Where on the drawing, in mm.
    pub at: Option<[f64; 2]>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How many times the same was found; `span` and `at` are the first place.
    pub count: u32,
}

impl Diagnostic {
    /// Returns a diagnostic of this severity without place or hint.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { code, severity, message: message.into(), span: None, at: None, hint: None, count: 1 }
    }

    /// Returns an error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Returns a warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Returns an information.
    pub fn info(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, message)
    }

    /// Adds the place in the file.
    #[must_use]
    pub fn span(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Adds the place on the drawing, in mm.
    #[must_use]
    pub fn at(mut self, x: f64, y: f64) -> Self {
        self.at = Some([x, y]);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that the same was found `count` times.
    #[must_use]
    pub fn count(mut self, count: usize) -> Self {
        self.count = u32::try_from(count).unwrap_or(u32::MAX);
        self
    }
}

/// A value and the complaints about what it was made from. Readers never fail on content; a reader that could
/// make nothing of its input returns an empty value and at least one error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked<T> {
    /// What could be read.
    pub value: T,
    /// What was found wrong, assumed or left out, in the order found.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Checked<T> {
    /// Returns a value without complaints.
    pub fn clean(value: T) -> Self {
        Checked { value, diagnostics: Vec::new() }
    }

    /// True when an error was found.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// Moves the complaints to the end of `into` and returns the value.
    pub fn drain_into(self, into: &mut Vec<Diagnostic>) -> T {
        into.extend(self.diagnostics);
        self.value
    }
}
