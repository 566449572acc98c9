//! What must hold for router plans.

mod common_lines;
mod laws;
#[path = "../../shop-cam/tests/sheet/mod.rs"]
mod sheet;
