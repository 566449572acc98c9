//! What the machine would do: proof against the design, time, extents, backplot.

mod cover;
pub mod estimate;
mod index;
mod motion;
mod piece;
mod planner;
pub mod proof;

pub use estimate::{Estimate, SectionTime, estimate};
pub use proof::{Proof, ProofFigures, prove};
