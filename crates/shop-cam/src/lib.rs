//! The shop's nouns: machine, tool, material, feature, toolpath, and the canonical commands every planner ends in.

pub mod canon;
pub mod chart;
pub mod intent;
pub mod machine;
mod quantity;

pub use quantity::Speed;
