//! How work talks back: spans, diagnostics, progress and cancellation.
//!
//! The thinking crates read nothing and print nothing. What they have to say about the user's input is a
//! [`Diagnostic`] with a stable code, a place and a hint; how far they are is a call to [`Progress`]; and the
//! only way in which a planner fails is [`Cancelled`].

mod diagnostic;
mod progress;
mod span;

pub use diagnostic::{Checked, Diagnostic, Severity};
pub use progress::{Cancelled, Progress, Silent};
pub use span::{SourceId, Span};
