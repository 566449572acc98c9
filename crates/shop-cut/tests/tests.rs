//! What must hold for plans of plasma cutters, lasers and drag knives.

mod common_lines;
mod laws;
#[path = "../../shop-cam/tests/sheet/mod.rs"]
mod sheet;
