//! What must hold for printed layers.

mod adhesion;
mod common;
mod filling;
mod laws;
mod painted;
mod parts;
mod paths;
mod supports;
mod tools;
mod widths;
