//! What the machine would do: proof against the design, time, extents, backplot.

mod cover;
pub mod estimate;
mod index;
mod motion;
mod piece;
mod planner;
pub mod preview;
pub mod proof;

pub use estimate::{Estimate, SectionTime, estimate};
pub use preview::{PreviewInput, preview_html, preview_png, preview_svg};
pub use proof::{Proof, ProofFigures, prove};
