//! What the machine would do: proof against the design, time, picture.
//!
//! ```text
//!  program text ─▶ interpret ─▶ sections ─┬─▶ prove    (with the intent)   figures, diagnostics
//!                                         ├─▶ estimate (with the machine)  seconds
//!                                         └─▶ preview                      svg, png, html
//! ```
//!
//! All three see the program through one walker, so that they agree about where the tool is and what it does.
//! [`prove`] is told what must be made by an [`Intent`](shop_cam::intent::Intent) and nothing about how it was
//! planned, [`drawn`] holds the contours it starts from against the drawing itself; its geometry is its own, so that a mistake in an offset is not repeated in the check of it.

pub mod check;
pub mod compare;
mod cover;
pub mod estimate;
mod index;
pub mod layers;
mod lookahead;
mod motion;
mod piece;
mod planner;
pub mod preview;
pub mod proof;
mod tally;

pub use check::{Checker, Extents, Finding};
pub use compare::{Comparison, Tracks, compare};
pub use estimate::{Estimate, Estimator, Times, estimate};
pub use preview::{
    ModelPicture, Plot, PlotColour, PlotView, PreviewInput, model_picture, preview_html, preview_png,
    preview_svg,
};
pub use proof::{Drawn, Proof, ProofFigures, Swept, drawn, prove};
