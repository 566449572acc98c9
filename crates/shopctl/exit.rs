//! Exit codes, the same for every verb. Scripts rely on them; they never change meaning.

/// Everything was done.
pub const DONE: u8 = 0;
/// A fault of ours, or of the machine we run on (disk full, no permission).
pub const INTERNAL: u8 = 1;
/// The command line makes no sense. clap uses the same number.
pub const USAGE: u8 = 2;
/// The input has errors; nothing was written or sent.
pub const INPUT: u8 = 3;
/// The program did not pass its proof or check; nothing was written or sent.
pub const CHECK: u8 = 4;
/// The controller refused a line of the program; the machine was stopped.
pub const REFUSED: u8 = 5;
/// The controller is in alarm, or stopped by itself.
pub const ALARM: u8 = 7;
/// The controller restarted in the middle of a job.
pub const RESTARTED: u8 = 8;
/// The port cannot be opened: absent, in use, not allowed.
pub const PORT: u8 = 9;
/// Nobody answers on the port, or nobody that is known.
pub const NOBODY: u8 = 10;
/// The connection went away in the middle of a job.
pub const LOST: u8 = 11;
/// The controller fell silent in the middle of a job.
pub const SILENT: u8 = 12;
/// Answers were lost, lines damaged, or the machine is not where it should be: the part may be wrong.
pub const UNSURE: u8 = 13;
/// The machine stood still for longer than `--hold-timeout`, and was stopped.
pub const HELD: u8 = 14;
/// A person stopped it.
pub const INTERRUPTED: u8 = 130;

/// The table for `--help`.
pub const HELP: &str = "\
Exit codes: 0 done, 1 internal, 2 usage, 3 input, 4 check, 130 interrupted; of a job: `send --help`";

/// The table of a job, for `--help`.
pub const SEND_HELP: &str = "\
Keys on a terminal: space holds and goes on, + and - change the feed by 10 %, 0 puts it back, q stops, ? reports.
Ctrl-C is a feed hold; a second one stops the machine. Neither is an emergency stop.

Exit codes:
    0  done: the machine stands still where the program ends
    1  internal, or the computer (disk full, no permission)
    2  usage
    3  the program has errors; nothing was sent
    4  a check failed (profile, settings, homing, work zero); nothing was sent
    5  the controller refused a line
    7  alarm, or the controller stopped by itself
    8  the controller restarted in the middle of the job
    9  the port cannot be opened: absent, in use, not allowed
   10  nobody answers on the port
   11  the connection was lost
   12  the controller fell silent
   13  unsure: an answer was lost or doubled, a line was damaged on the wire, or the machine is not where it should be
   14  it stood still for longer than --hold-timeout: a hold, a door, a pause
  130  stopped by a person
Every end but 0 leaves the machine stopped, with spindle, torch, laser and heaters off as far as the wire allows, and the
job in the journal: `shopctl resume` goes on with it.";
