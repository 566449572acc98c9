//! Everything that is tested through the command, and the invariants of the house.

mod cli;
mod corpus_svg;
mod profiles;
mod tidy;
