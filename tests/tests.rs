//! Everything that is tested through the command, and the invariants of the house.

mod cli;
mod profiles;
mod tidy;
