//! Laws of the simulated machines, and what each of their faults does.

mod bench;
mod grbl;
mod marlin;
mod planner;
