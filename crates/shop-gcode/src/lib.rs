//! G-code both ways.
//!
//! [`parse`] says what was written, [`interpret()`] what it means for one controller, [`post()`] writes canonical
//! commands as a controller likes them. The law that binds them, for every dialect:
//! `interpret(post(c)) ≈ c`, within the decimals that are written.

pub mod bgcode;
pub mod dialect;
mod expression;
mod interpret;
pub mod library;
pub mod metadata;
mod notes;
pub mod number;
pub mod parse;
mod post;

pub use interpret::{Context, Cutter, Modes, Reader, Step, Survey, interpret, modes, visit};
pub use post::{Posting, post};
pub use shop_cam::fit::fit_arcs;

/// A small router with GRBL, for the examples in this documentation and for tests.
#[doc(hidden)]
pub fn example_machine() -> shop_cam::machine::Machine {
    shop_cam::machine::Machine::example(shop_cam::machine::MachineKind::Router)
}
