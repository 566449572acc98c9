//! What the machine would do: proof against the design, time, extents, backplot.

mod cover;
mod index;
mod motion;
mod piece;
pub mod proof;

pub use proof::{Proof, ProofFigures, prove};
