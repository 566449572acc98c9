//! The shop's nouns: machine, tool, material, feature, toolpath, and the canonical commands every planner ends in.

pub mod canon;
pub mod chart;
pub mod chords;
pub mod common;
pub mod compensate;
pub mod feature;
pub mod fit;
pub mod intent;
pub mod lead;
pub mod machine;
mod quantity;
pub mod settings;
pub mod toolpath;
pub mod track;

pub use quantity::Speed;
