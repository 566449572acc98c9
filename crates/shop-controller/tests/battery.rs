//! The fault battery: everything that goes wrong between a sender and a controller, and how a job ends then.
//!
//! A job may end well only if the machine took every line exactly once; it may never hang.

use crate::rig::{Rig, kit, program, protocol_of, rosette};
use shop_controller::session::{Failure, Options, Process};
use shop_controller::sim::Kind;

/// How a job has to end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Done, every line once.
    Well,
    /// Not done, and it says why; the process is off.
    Badly(fn(&Failure) -> bool),
    /// One or the other, but never done when it was not.
    Honestly,
}

macro_rules! badly {
    ($pattern:pat $(if $guard:expr)?) => {
        End::Badly(|failure| matches!(failure, $pattern $(if $guard)?))
    };
}

fn battery() -> Vec<(Kind, &'static str, End)> {
    use End::{Honestly, Well};
    use Kind::{Grbl, Marlin};
    vec![
        (Grbl, "drop-ok:150", badly!(Failure::Unsure { .. })),
        (Grbl, "dup-ok:150", badly!(Failure::Unsure { .. })),
        (Grbl, "garble-ok:150", badly!(Failure::Unsure { .. })),
        (Grbl, "split-ok:150:30", Well),
        (Grbl, "delay-ok:150:3000", Well),
        (Grbl, "error:150:20", badly!(Failure::Refused { code: Some(20), .. })),
        (Grbl, "alarm:150:1", badly!(Failure::Alarm { code: Some(1), .. })),
        (Grbl, "reset:150", badly!(Failure::Restarted { .. })),
        (Grbl, "noise:150:[MSG:hello]", Well),
        (Grbl, "drop-rx:2000", Honestly),
        (Grbl, "flip-rx:2000", Honestly),
        (Grbl, "disconnect:150:800", badly!(Failure::Disconnected)),
        (Grbl, "hang:150", badly!(Failure::Silent { .. })),
        (Grbl, "dead:150", badly!(Failure::Silent { .. })),
        (Grbl, "stall:150:2000", Well),
        (Grbl, "door:150:1500", Well),
        (Grbl, "hold:150", Well),
        (Marlin, "resend:100", Well),
        (Marlin, "storm:100:6", Well),
        (Marlin, "storm:100:50", badly!(Failure::Unsure { .. })),
        (Marlin, "noise-pct:3", Well),
        (Marlin, "noise-pct:60", badly!(Failure::Unsure { .. })),
        (Marlin, "drop-ok:100", Well),
        (Marlin, "dup-ok:100", Well),
        (Marlin, "garble-ok:100", Well),
        (Marlin, "split-ok:100:30", Well),
        (Marlin, "delay-ok:100:3000", Well),
        (Marlin, "busy:100:9000", Well),
        (Marlin, "temps:1:200", Well),
        (Marlin, "wait", Well),
        (Marlin, "drop-rx:2000", Well),
        (Marlin, "flip-rx:2000", Well),
        (Marlin, "kill:100", badly!(Failure::Halted { .. })),
        (Marlin, "runaway:100", badly!(Failure::Halted { said } if said.contains("Runaway"))),
        (Marlin, "reset:100", badly!(Failure::Restarted { .. })),
        (Marlin, "disconnect:100:800", badly!(Failure::Disconnected)),
        (Marlin, "action:100:pause", Well),
        (Marlin, "action:100:cancel", badly!(Failure::Stopped)),
    ]
}

#[test]
fn every_fault_ends_as_it_should() {
    let mut wrong = Vec::new();
    for (kind, fault, end) in battery() {
        for advanced in [false, true] {
            if advanced && kind != Kind::Marlin {
                continue;
            }
            let verdict = run(kind, fault, end, advanced);
            if let Err(why) = verdict {
                wrong.push(format!("{kind:?} {fault} advanced {advanced}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(kind: Kind, fault: &str, end: End, advanced_ok: bool) -> Result<(), String> {
    let lines = program(&rosette(300, kind == Kind::Marlin), protocol_of(kind));
    let mut machine = kit(kind);
    machine.advanced_ok = advanced_ok;
    machine.faults.push(fault.parse().expect("a fault"));
    let process = if kind == Kind::Marlin { Process::Heaters } else { Process::Spindle };
    let options = Options { process, bytes_per_s: Some(11520), ..Options::default() };
    let mut rig = Rig::new(kind, machine, options);
    rig.connect();
    let before = rig.machine.record().clone();
    rig.job(lines.clone());
    let record = rig.machine.record();
    let (finished, failure) = (rig.is_finished(), rig.failure());
    let fail = |why: &str| Err(format!("{why}\n{}", rig.story()));
    if record.faults == 0 && fault != "wait" && !fault.starts_with("noise-pct") {
        return fail("the fault did not go off");
    }
    if record.overflow > 0 {
        return fail("the ring ran over");
    }
    let told = rig.acknowledged();
    if !told.windows(2).all(|w| w[0] < w[1]) {
        return fail("lines were told twice or out of order");
    }
    let right = match (end, failure) {
        (End::Well | End::Honestly, None) => finished,
        (End::Badly(expected), Some(failure)) => !finished && expected(failure),
        (End::Honestly, Some(_)) => !finished,
        _ => false,
    };
    if !right {
        return fail(&format!("wrong end: finished {finished}, {failure:?}"));
    }
    // A damaged byte is not always found on a wire without checksums.
    let silent = matches!(end, End::Honestly);
    if finished && !silent && !rig.took_exactly(&lines, &before) {
        return fail("the machine took something else");
    }
    Ok(())
}
