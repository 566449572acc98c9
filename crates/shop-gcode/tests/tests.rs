//! What must hold for parsing, interpreting and posting.

mod cycles;
mod dialects;
mod law;
mod law_more;
mod rs274;
mod subprograms;
