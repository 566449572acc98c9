//! Exit codes, the same for every verb. Scripts rely on them; they never change meaning.

/// Everything was done.
pub const DONE: u8 = 0;
/// A fault of ours, or of the machine we run on (disk full, no permission).
pub const INTERNAL: u8 = 1;
/// The command line makes no sense. clap uses the same number.
pub const USAGE: u8 = 2;
/// The input has errors; nothing was written.
pub const INPUT: u8 = 3;
/// The program did not pass its proof; nothing was written.
pub const CHECK: u8 = 4;

/// The table for `--help`.
pub const HELP: &str = "\
Exit codes: 0 done, 1 internal, 2 usage, 3 input has errors, 4 check failed, 130 interrupted";
