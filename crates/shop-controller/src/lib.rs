//! Talks to machine controllers.
//!
//! The one idea: a conversation is a value. A [`session::Session`] takes text that came in and the time that it is,
//! and gives bytes to send and [`session::Event`]s to tell; it knows no port, thread or clock, so that every fault of
//! a wire is a transcript in a test. Simulated machines have the same shape and sit at the other end.
//!
//! ```text
//!  program lines ─▶ Session ─▶ Outbox ─▶ transport ═══ wire ═══▶ controller (or simulated machine)
//!        events ◀──         ◀───────────          ◀══════════
//! ```
//!
//! *Line* means a block of the program as it goes over the wire; *in flight* is what was sent and not yet answered.

pub mod codes;
pub mod drive;
pub mod handover;
mod outbox;
pub mod session;
pub mod sim;
pub mod transport;

pub use drive::Drive;
pub use outbox::Outbox;
