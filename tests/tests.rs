//! Everything that is tested through the command, and the invariants of the house.

mod at_home;
mod cli;
mod corpus_dxf;
mod corpus_gcode;
mod corpus_svg;
mod machine_live;
mod page;
mod print;
mod profiles;
mod readme;
mod replay;
#[cfg(unix)]
mod resume;
mod send;
#[cfg(unix)]
mod terminal;
mod texts;
mod tidy;
mod verbs;
