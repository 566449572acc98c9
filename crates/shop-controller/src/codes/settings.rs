//! What the numbered settings of GRBL and its kin are, in a few words.

use crate::session::Protocol;

const NAMES: &[(&str, &str)] = &[
    ("$0", "step pulse, µs"),
    ("$1", "motors stay on after a move, ms (255: always)"),
    ("$2", "step pins inverted, mask"),
    ("$3", "direction pins inverted, mask"),
    ("$4", "enable pin inverted"),
    ("$5", "limit pins inverted"),
    ("$6", "probe pin inverted"),
    ("$10", "what status reports tell, mask"),
    ("$11", "junction deviation, mm"),
    ("$12", "arc tolerance, mm"),
    ("$13", "reports in inches"),
    ("$20", "soft limits"),
    ("$21", "hard limits"),
    ("$22", "homing"),
    ("$23", "homing directions inverted, mask"),
    ("$24", "homing feed, mm/min"),
    ("$25", "homing seek, mm/min"),
    ("$26", "debounce of switches, ms"),
    ("$27", "pull-off from switches, mm"),
    ("$30", "highest spindle speed, rpm"),
    ("$31", "lowest spindle speed, rpm"),
    ("$32", "laser mode"),
    ("$100", "x steps per mm"),
    ("$101", "y steps per mm"),
    ("$102", "z steps per mm"),
    ("$110", "x highest rate, mm/min"),
    ("$111", "y highest rate, mm/min"),
    ("$112", "z highest rate, mm/min"),
    ("$120", "x acceleration, mm/s²"),
    ("$121", "y acceleration, mm/s²"),
    ("$122", "z acceleration, mm/s²"),
    ("$130", "x travel, mm"),
    ("$131", "y travel, mm"),
    ("$132", "z travel, mm"),
    ("$N0", "first start-up line"),
    ("$N1", "second start-up line"),
];

const MARLIN: &[(&str, &str)] = &[
    ("M92", "steps per mm"),
    ("M200", "filament diameter, mm"),
    ("M201", "highest accelerations, mm/s²"),
    ("M203", "highest rates, mm/s"),
    ("M204", "accelerations: print, retract, travel, mm/s²"),
    ("M205", "jerk or junction deviation"),
    ("M206", "home offsets, mm"),
    ("M301", "nozzle PID"),
    ("M304", "bed PID"),
    ("M420", "bed levelling"),
    ("M851", "probe offset, mm"),
    ("M900", "linear advance"),
];

/// Returns what a setting is, if it is one everybody has.
pub fn setting(protocol: Protocol, name: &str) -> Option<&'static str> {
    let table = if protocol.is_numbered() { MARLIN } else { NAMES };
    table.iter().find(|(n, _)| *n == name).map(|(_, what)| *what)
}
