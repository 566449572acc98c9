//! Reading answers less often costs a wire nothing.

use crate::rig::{Rig, kit, program, rosette};
use shop_controller::session::{Event, Line, Options, Protocol};
use shop_controller::sim::{self, Kind};
use std::time::Duration;

/// Runs a job; returns how long it took and how often answers were read.
fn run(kind: Kind, machine: &sim::Options, patient: bool) -> (Duration, usize) {
    let lines = program(&rosette(2000, false), Protocol::Grbl);
    let mut rig = Rig::new(kind, machine.clone(), Options::default());
    rig.connect();
    let (begun, reads) = (rig.now, rig.reads);
    rig.patient = patient;
    rig.job(lines);
    assert!(rig.is_finished(), "{}", rig.story());
    (rig.now.saturating_sub(begun), rig.reads - reads)
}

#[test]
fn a_busy_wire_stays_busy_while_answers_wait() {
    for (latency, most_reads) in [(0, 0.6), (1, 0.6), (4, 1.0), (16, 1.0)] {
        let machine = sim::Options { latency: Duration::from_millis(latency), ..kit(Kind::Grbl) };
        let (at_once, often) = run(Kind::Grbl, &machine, false);
        let (patient, seldom) = run(Kind::Grbl, &machine, true);
        assert!(patient <= at_once.mul_f64(1.01), "{latency} ms: {patient:?}, at once {at_once:?}");
        assert!(seldom as f64 <= most_reads * often as f64, "{latency} ms: {seldom} reads, at once {often}");
    }
}

/// A planner that is full answers when a move is done: nobody has to look more often, and it never runs dry.
#[test]
fn a_machine_that_is_slower_than_the_wire_is_not_kept_waiting() {
    let machine = sim::Options { latency: Duration::from_millis(1), speed: 1.0, ..kit(Kind::Grbl) };
    let (at_once, _) = run(Kind::Grbl, &machine, false);
    let (patient, _) = run(Kind::Grbl, &machine, true);
    assert!(patient <= at_once.mul_f64(1.001), "{patient:?}, at once {at_once:?}");
}

/// Lines wait while the ring is counted, and the machine does not notice: its planner is full then.
#[test]
fn counting_the_ring_keeps_no_machine_waiting() {
    for latency in [0, 1, 16] {
        let machine = |mask| {
            let mut machine =
                sim::Options { latency: Duration::from_millis(latency), speed: 1.0, ..kit(Kind::Grbl) };
            machine.settings.push((10, mask));
            machine
        };
        let lines = program(&rosette(2000, false), Protocol::Grbl);
        let took = [1.0, 3.0].map(|mask| {
            let mut rig = Rig::new(Kind::Grbl, machine(mask), Options::default());
            rig.connect();
            let begun = rig.now;
            rig.job(lines.clone());
            assert!(rig.is_finished() && rig.machine.record().starvations == 0, "{}", rig.story());
            let asked = rig.machine.record().realtime[&b'?'];
            (rig.now.saturating_sub(begun), asked)
        });
        assert!(took[1].0 <= took[0].0.mul_f64(1.001), "{latency} ms: {took:?}");
        assert!(took[1].1 > took[0].1, "it was counted: {took:?}");
    }
}

/// How long a program takes at least through a ring of `ring` bytes and an adapter that keeps answers for `latency`, s.
///
/// ```text
///  lines   ▐ 1 ▌ 2 ▌ 3 ▌ 4 ▌ 5 ▌ 6 ▌ 7 ▌░░░░░░░░░░░▐ 8 ▌...      as many as the ring takes, then silence
///  answers     └──────── latency ────────────────▶│ ok × 7
/// ```
///
/// The adapter's clock starts with the first answer, one line after the first byte. So a ring is worth its bytes each
/// latency and one line: 128 bytes and 16 ms at 115200 baud are 123 bytes each 17.5 ms, 61 % of the wire, whoever sends.
/// A ring of 1023 bytes lasts 89 ms, and the wire is never idle.
fn floor(lines: &[Line], ring: usize, latency: f64) -> f64 {
    let byte_s = 10.0 / 115_200.0;
    let (mut floor, mut rest) = (0.0, lines);
    while let Some(first) = rest.first() {
        let bytes = |line: &Line| line.text.len() + 1;
        let mut sum = 0;
        let fits = |line: &&Line| {
            sum += bytes(line);
            sum <= ring
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let whole: usize = rest[..count].iter().map(bytes).sum();
        floor += (whole as f64 * byte_s).max(bytes(first) as f64 * byte_s + latency);
        rest = &rest[count..];
    }
    floor
}

#[test]
fn a_ring_is_used_for_what_it_is_worth() {
    let lines = program(&rosette(2000, false), Protocol::Grbl);
    for (kind, ring, latency) in [
        (Kind::Grbl, 128, 1),
        (Kind::Grbl, 128, 16),
        (Kind::GrblHal, 1023, 1),
        (Kind::GrblHal, 1023, 16),
        (Kind::GrblHal, 1023, 50),
    ] {
        let machine = sim::Options { latency: Duration::from_millis(latency), ..kit(kind) };
        let floor = floor(&lines, ring, latency as f64 * 1e-3);
        let wire = lines.iter().map(|l| l.text.len() + 1).sum::<usize>() as f64 * 10.0 / 115_200.0;
        for patient in [false, true] {
            let (took, _) = run(kind, &machine, patient);
            let took = took.as_secs_f64();
            println!(
                "{kind:?} {ring} bytes, {latency} ms: {:.1} % of the wire, {:.1} % of what the ring allows",
                100.0 * wire / took,
                100.0 * floor / took
            );
            // The questions for the state and the modes, the start and the end of the job.
            assert!(took <= floor * 1.03 + 0.2, "{kind:?} {latency} ms: {took} s, floor {floor} s");
        }
    }
}

#[test]
fn who_holds_is_not_left_waiting() {
    let mut rig = Rig::new(Kind::Grbl, kit(Kind::Grbl), Options::default());
    rig.connect();
    (rig.patient, rig.resumes) = (true, false);
    let lines = program(&rosette(400, false), Protocol::Grbl);
    assert!(rig.job_until(lines, |e| matches!(e, Event::Acknowledged(200..))), "{}", rig.story());
    assert!(rig.session.calm().is_some(), "the wire is busy");
    rig.session.hold(rig.now);
    assert_eq!(rig.session.calm(), None);
    assert_eq!(rig.session.outbox().next().first(), Some(&b'!'));
}
