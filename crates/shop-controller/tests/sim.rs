//! Laws of the simulated machines, and what each of their faults does.

#[path = "sim/bench.rs"]
mod bench;
#[path = "sim/grbl.rs"]
mod grbl;
#[path = "sim/marlin.rs"]
mod marlin;
#[path = "sim/planner.rs"]
mod planner;
