//! GRBL: ring, answers, holds, resets, alarms, limits, homing, probing, memory, faults.

use super::bench::{Bench, answers_in, faults, state, swift};
use proptest::prelude::*;
use shop_controller::sim::{Input, Kind, Options};
use std::time::Duration;

const QUICK: [(u16, f64); 6] =
    [(110, 6000.0), (111, 6000.0), (112, 6000.0), (120, 500.0), (121, 500.0), (122, 500.0)];

fn quick() -> Options {
    Options { settings: QUICK.to_vec(), ..swift() }
}

fn with(settings: &[(u16, f64)]) -> Options {
    Options { settings: QUICK.iter().chain(settings).copied().collect(), ..swift() }
}

/// Lines as programs have them, right and wrong.
fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        (-50i32..50, -50i32..50, 100i32..5000).prop_map(|(x, y, f)| format!("G1 X{x} Y{y} F{f}")),
        (-50i32..50).prop_map(|x| format!("G0X{x}")),
        Just(String::new()),
        Just("(a comment) ; another".to_owned()),
        Just("M3 S1000".to_owned()),
        Just("M5".to_owned()),
        Just("G4 P0.01".to_owned()),
        Just("G2 X10 Y0 I5 J0 F500".to_owned()),
        Just("G1 X1 Q2".to_owned()),
        Just("O100".to_owned()),
        Just("%".to_owned()),
        "[A-Z0-9.-]{1,60}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_line_is_answered_once_and_the_ring_never_overflows(
        lines in prop::collection::vec(any_line(), 1..60),
        baud in prop_oneof![Just(0u32), Just(115_200)],
    ) {
        // No line may ask for a pause, which nobody would end: M0 is one however it is written, and whatever is before it.
        let harmless = |l: &String| l == "M3 S1000" || l == "M5";
        let lines: Vec<String> =
            lines.into_iter().map(|l| if harmless(&l) { l } else { l.replace('M', "S") }).collect();
        let mut bench = Bench::grbl(Options { baud, speed: 1000.0, ..quick() });
        let answers = bench.stream(&lines);
        let record = bench.machine.record();
        prop_assert_eq!(answers.len(), lines.len());
        prop_assert_eq!((record.lines, record.oks + record.errors), (lines.len() as u64, lines.len() as u64));
        prop_assert!(record.ring_high <= 128);
        prop_assert_eq!(record.overflow, 0);
    }

    #[test]
    fn time_in_any_portions_gives_the_same_machine(
        lines in prop::collection::vec(any_line(), 1..25),
        portions in prop::collection::vec(1u64..40_000_000, 1..50),
        baud in prop_oneof![Just(0u32), Just(115_200)],
        latency_ms in 0u64..17,
    ) {
        let text = lines.join("\n") + "\n";
        let options = Options { baud, latency: Duration::from_millis(latency_ms), ..quick() };
        let mut whole = Bench::grbl(options.clone());
        whole.send(text.as_bytes());
        let mut parts = Bench::grbl(options);
        parts.send(text.as_bytes());
        for ns in portions {
            parts.now += Duration::from_nanos(ns);
            parts.machine.tick(parts.now);
        }
        whole.now = Duration::from_secs(1000);
        whole.wait_ms(0);
        parts.now = Duration::from_secs(1000);
        parts.wait_ms(0);
        prop_assert_eq!(&whole.said, &parts.said);
        let (a, b) = (whole.machine.record(), parts.machine.record());
        prop_assert_eq!(a.motion_hash, b.motion_hash);
        prop_assert_eq!(a.accepted_hash, b.accepted_hash);
        prop_assert_eq!((a.overflow, a.ring_high), (b.overflow, b.ring_high));
    }

    #[test]
    fn a_hold_anywhere_changes_the_time_and_nothing_else(at_ms in 1u64..3000, held_ms in 1u64..2000) {
        let program = "G1X20F3000\nG1Y20\nG1X0\nG2X0Y0I0J-10\nG1X40\n";
        let mut plain = Bench::grbl(quick());
        plain.send(program.as_bytes());
        let time = plain.rest();
        let mut held = Bench::grbl(quick());
        held.send(program.as_bytes());
        held.wait_ms(at_ms);
        held.send(b"!");
        held.wait_ms(500 + held_ms);
        prop_assert_eq!(state(&held.send(b"?")), "Hold:0");
        held.send(b"~");
        held.rest();
        prop_assert_eq!(held.machine.position_mm(), plain.machine.position_mm());
        prop_assert_eq!(held.machine.record().motion_hash, plain.machine.record().motion_hash);
        prop_assert!(held.now.as_secs_f64() > time);
    }

    #[test]
    fn no_bytes_make_it_panic_or_spin(bytes in prop::collection::vec(any::<u8>(), 0..400), hal in any::<bool>()) {
        let kind = if hal { Kind::GrblHal } else { Kind::Grbl };
        let mut bench = Bench::new(kind, Options { baud: 115_200, settings: vec![(22, 1.0), (21, 1.0)], ..swift() });
        bench.send(b"$X\n");
        for part in bytes.chunks(50) {
            bench.send(part);
            bench.wait_ms(20);
        }
        bench.now += Duration::from_secs(100_000);
        bench.wait_ms(0);
        prop_assert!(bench.machine.record().ring_high <= 1023);
    }
}

#[test]
fn what_a_flood_brings_is_lost_without_a_word() {
    let mut bench = Bench::grbl(quick());
    for i in 0..200 {
        bench.send(format!("G1X{i}F1000\n").as_bytes());
    }
    let record = bench.machine.record();
    assert_eq!(record.ring_high, 128);
    assert!(record.overflow > 1000 && !bench.said.contains("error"));
}

#[test]
fn cr_and_lf_end_a_line_each() {
    let mut bench = Bench::grbl(quick());
    assert_eq!(bench.send(b"G1X1F100\r\n"), "ok\r\nok\r\n");
}

#[test]
fn the_room_that_a_report_tells_is_the_room_there_is() {
    let mut bench = Bench::grbl(with(&[(10, 3.0)]));
    assert!(bench.send(b"?").contains("|Bf:15,128|"));
    for _ in 0..8 {
        bench.send(b"G1X50F10\nG1X0\n");
    }
    // Fifteen wait in the planner, the sixteenth line in the parser.
    bench.send(b"G1X7\n");
    assert!(bench.send(b"?").contains("|Bf:0,123|"), "{}", bench.said);
    let mut hal = Bench::new(Kind::GrblHal, with(&[(10, 3.0)]));
    assert!(hal.send(b"?").contains("|Bf:100,1023|"));
}

#[test]
fn resume_is_lost_until_the_machine_stands() {
    let mut bench = Bench::grbl(quick());
    bench.send(b"G1X100F6000\n");
    bench.wait_ms(500);
    bench.send(b"!");
    assert_eq!(state(&bench.send(b"?")), "Hold:1");
    bench.send(b"~");
    bench.wait_ms(1000);
    assert_eq!(state(&bench.send(b"?")), "Hold:0");
    assert_eq!(bench.send(b"G1X0\n"), "", "no line is answered while it holds");
    assert_eq!(bench.send(b"~"), "ok\r\n");
    assert_eq!(state(&bench.send(b"?")), "Run");
}

#[test]
fn a_reset_in_motion_loses_the_position_and_one_at_rest_keeps_it() {
    let mut bench = Bench::grbl(quick());
    bench.send(b"G1X100F6000\n");
    bench.wait_ms(300);
    let said = bench.send(b"\x18");
    assert_eq!(said, "ALARM:3\r\n\r\nGrbl 1.1h ['$' for help]\r\n[MSG:'$H'|'$X' to unlock]\r\n");
    assert_eq!(bench.line("G1X1F100"), "error:9\r\n");
    assert_eq!(bench.line("$X"), "[MSG:Caution: Unlocked]\r\nok\r\n");
    bench.send(b"G1X50F6000\n");
    bench.wait_ms(200);
    bench.send(b"!");
    bench.wait_ms(500);
    let there = bench.machine.position_mm();
    assert_eq!(bench.send(b"\x18"), "\r\nGrbl 1.1h ['$' for help]\r\n");
    assert_eq!((state(&bench.send(b"?")).as_str(), bench.machine.position_mm()), ("Idle", there));
}

#[test]
fn a_hard_limit_locks_everything_but_reset() {
    let mut bench = Bench::grbl(with(&[(21, 1.0)]));
    bench.send(b"G1X190F6000\nG1X0\n");
    let said = bench.wait_ms(10_000);
    assert_eq!(said, "ALARM:1\r\n[MSG:Reset to continue]\r\n");
    assert_eq!(bench.machine.position_mm()[0], 120.0, "the switch is where the machine says");
    assert_eq!(bench.send(b"?$X\n"), "");
    assert!(bench.send(b"\x18").ends_with("to unlock]\r\n"));
    assert!(bench.send(b"?").contains("|Pn:X"), "{}", bench.said);
    assert_eq!(bench.line("$X"), "[MSG:Caution: Unlocked]\r\nok\r\n");
}

#[test]
fn a_soft_limit_stops_first_and_keeps_the_position() {
    let mut bench = Bench::grbl(with(&[(22, 1.0), (20, 1.0)]));
    assert!(bench.said.ends_with("to unlock]\r\n"));
    assert_eq!(bench.line("$H"), "ok\r\n");
    assert_eq!(bench.machine.position_mm(), [-1.0, -1.0, -1.0, 0.0]);
    bench.send(b"G90G1X-100F6000\n");
    bench.wait_ms(300);
    bench.send(b"G1X10\nG1X-50\n");
    let said = bench.wait_ms(5000);
    assert_eq!(said, "ALARM:2\r\n[MSG:Reset to continue]\r\n");
    let x = bench.machine.position_mm()[0];
    assert!((-100.0..-1.0).contains(&x), "braked at {x}");
    assert_eq!(bench.line("$J=X5F100"), "");
}

#[test]
fn homing_takes_its_time_and_says_nothing_meanwhile() {
    let mut bench = Bench::grbl(with(&[(22, 1.0), (23, 3.0)]));
    bench.send(b"$H\n");
    bench.wait_ms(1000);
    assert_eq!(bench.send(b"??"), "");
    let said = bench.wait_ms(120_000);
    assert_eq!(answers_in(&said), ["ok"]);
    assert_eq!(said.matches('<').count(), 1, "{said}");
    // Two axes home to their lower end.
    assert_eq!(bench.machine.position_mm(), [-199.0, -199.0, -1.0, 0.0]);
    let mut hal = Bench::new(Kind::GrblHal, with(&[(22, 1.0)]));
    hal.send(b"$H\n");
    assert_eq!(state(&hal.send(b"?")), "Home");
}

#[test]
fn a_probe_tells_where_it_touched_and_rests_a_little_further() {
    let mut bench = Bench::grbl(Options { probe_z_mm: Some(-12.5), ..quick() });
    let said = bench.line("G38.2 Z-20 F600");
    assert_eq!(said, "[PRB:0.000,0.000,-12.500:1]\r\nok\r\n");
    let z = bench.machine.position_mm()[2];
    assert!((-12.7..-12.5).contains(&z), "{z}");
    assert_eq!(bench.line("G38.2 Z-30"), "ALARM:4\r\nok\r\n");
    let mut empty = Bench::grbl(quick());
    assert_eq!(empty.line("G38.3 Z-5 F600"), "[PRB:0.000,0.000,-5.000:0]\r\nok\r\n");
    empty.send(b"G38.2 Z-9\n");
    assert_eq!(empty.wait_ms(3000), "ALARM:5\r\n[PRB:0.000,0.000,-9.000:0]\r\nok\r\n");
}

#[test]
fn what_comes_while_the_memory_is_written_is_lost() {
    let mut bench = Bench::grbl(Options { baud: 115_200, ..quick() });
    bench.send(b"G10 L20 P1 X0 Y0\nG1 X5 F1000\nG1 X10\n");
    bench.wait_ms(1000);
    assert!(bench.machine.record().lost_while_writing > 5);
    // The same lines one at a time arrive whole, and the setting is there.
    let mut alone = Bench::grbl(Options { baud: 115_200, ..quick() });
    alone.wait_ms(100);
    assert_eq!(alone.line("$110=777.5"), "ok\r\n");
    assert!(alone.line("$$").contains("$110=777.500\r\n"));
    assert_eq!(alone.machine.record().lost_while_writing, 0);
    alone.machine.press(alone.now, Input::Power);
    assert!(alone.line("$$").contains("$110=777.500\r\n"), "kept without power");
}

#[test]
fn settings_refuse_what_the_firmware_refuses() {
    let mut bench = Bench::grbl(swift());
    for (line, answer) in [
        ("$20=1", "error:10"),
        ("$22=1", "ok"),
        ("$20=1", "ok"),
        ("$22=0", "ok"),
        ("$0=2", "error:6"),
        ("$11=-1", "error:4"),
        ("$999=1", "error:3"),
        ("$110", "error:3"),
        ("$110=", "error:2"),
        ("$Q", "error:2"),
        ("$$1", "error:3"),
        ("$J=G91X5", "error:22"),
        ("$RST=$", "ok"),
    ] {
        assert_eq!(answers_in(&bench.line(line)), [answer], "{line}");
    }
    assert!(bench.line("$$").contains("$20=0\r\n"), "soft limits go with homing");
}

#[test]
fn a_jog_ends_where_it_is_cancelled_and_no_program_runs_meanwhile() {
    let mut bench = Bench::grbl(quick());
    assert_eq!(bench.send(b"$J=G91X100F3000\n"), "ok\r\n");
    bench.wait_ms(400);
    assert_eq!(bench.send(b"G1X1F100\n"), "error:9\r\n");
    bench.send(b"\x85");
    bench.wait_ms(500);
    assert_eq!(state(&bench.send(b"?")), "Idle");
    let x = bench.machine.position_mm()[0];
    assert!((10.0..40.0).contains(&x), "{x}");
    assert_eq!(bench.send(b"$J=G91X1F3000\n"), "ok\r\n");
    bench.rest();
    assert!((bench.machine.position_mm()[0] - x - 1.0).abs() < 0.005);
}

#[test]
fn a_pause_in_the_program_is_answered_after_it() {
    let mut bench = Bench::grbl(quick());
    assert_eq!(bench.send(b"G1X1F6000\nM0\nG1X2\n"), "ok\r\n");
    assert_eq!(bench.wait_ms(1000), "");
    assert_eq!(state(&bench.send(b"?")), "Hold:0");
    assert_eq!(bench.send(b"~"), "ok\r\nok\r\n");
}

#[test]
fn a_door_stops_spindle_and_motion_and_gives_them_back() {
    let mut bench = Bench::grbl(quick());
    bench.send(b"M3S900\nG1X100F6000\n");
    bench.wait_ms(300);
    bench.machine.press(bench.now, Input::Door(true));
    assert_eq!(bench.wait_ms(1000), "[MSG:Check Door]\r\n");
    bench.send(b"~");
    let report = bench.send(b"?");
    assert!(report.starts_with("<Door:1|") && report.contains("FS:0,0|Pn:D"), "{report}");
    bench.machine.press(bench.now, Input::Door(false));
    assert_eq!(state(&bench.send(b"?")), "Door:0");
    bench.send(b"~");
    assert_eq!(state(&bench.send(b"?")), "Door:3");
    bench.wait_ms(4100);
    assert_eq!(state(&bench.send(b"?")), "Run");
    bench.rest();
    assert_eq!(bench.machine.position_mm()[0], 100.0);
}

#[test]
fn overrides_change_the_speed_and_have_their_bounds() {
    let mut bench = Bench::grbl(quick());
    bench.send(b"G1X1000F1000\n");
    bench.wait_ms(1000);
    for _ in 0..30 {
        bench.send(b"\x91");
    }
    bench.wait_ms(1000);
    let report = bench.send(b"?");
    assert!(report.contains("FS:2000,0"), "{report}");
    assert!(bench.send(b"?").contains("Ov:200,100,100") || report.contains("Ov:200,100,100"));
    for _ in 0..30 {
        bench.send(b"\x92");
    }
    bench.wait_ms(1000);
    assert!(bench.send(b"?").contains("FS:100,0"));
}

#[test]
fn check_mode_reads_and_does_not_move() {
    let mut bench = Bench::grbl(quick());
    assert_eq!(bench.line("$C"), "[MSG:Enabled]\r\nok\r\n");
    assert_eq!(bench.send(b"G1X50F100\nG4P10\nM3S10\nM0\nG1X1Q1\n"), "ok\r\nok\r\nok\r\nok\r\nerror:20\r\n");
    assert_eq!(bench.line("$C"), "[MSG:Disabled]\r\nok\r\n\r\nGrbl 1.1h ['$' for help]\r\n");
    assert_eq!(bench.machine.position_mm()[0], 0.0);
}

#[test]
fn start_up_lines_run_at_the_start_and_are_no_answers() {
    let mut bench = Bench::grbl(quick());
    assert_eq!(answers_in(&bench.line("$N0=G55G20")), ["ok"]);
    assert_eq!(bench.line("$N1=G1X1"), "error:22\r\n");
    bench.machine.press(bench.now, Input::Power);
    let said = bench.wait_ms(1);
    assert!(said.ends_with("help]\r\n>G55G20:ok\r\n"), "{said}");
    assert!(bench.line("$G").starts_with("[GC:G0 G55 G17 G20 "));
}

/// What a program of ten lines sees of each fault at its fifth.
#[test]
fn faults_do_what_their_names_say() {
    let program: Vec<String> = (1..=10).map(|i| format!("G1X{i}F6000")).collect();
    let run = |fault: &str| {
        let options = Options { settings: QUICK.to_vec(), ..faults(&[fault]) };
        let mut bench = Bench::grbl(options);
        let answers = bench.stream(&program);
        (bench, answers)
    };
    let count = |fault: &str| run(fault).1.len();
    assert_eq!((count("drop-ok:5"), count("dup-ok:5"), count("garble-ok:5")), (9, 11, 9));
    assert_eq!((count("split-ok:5:30"), count("delay-ok:5:3000"), count("stall:5:2000")), (10, 10, 10));
    assert_eq!(run("error:5:20").1[4], "error:20");
    let (bench, answers) = run("alarm:5:1");
    assert!(answers.len() == 4 && bench.said.ends_with("ALARM:1\r\n[MSG:Reset to continue]\r\n"));
    let (bench, _) = run("reset:5");
    assert_eq!((bench.said.matches("Grbl 1.1h").count(), bench.machine.record().resets), (2, 1));
    assert!(run("noise:5:[MSG:hello]").0.said.contains("[MSG:hello]\r\nok\r\n"));
    let (mut bench, answers) = run("hang:5");
    assert_eq!((answers.len(), state(&bench.send(b"?")).as_str()), (4, "Idle"));
    let (mut bench, answers) = run("dead:5");
    assert_eq!((answers.len(), bench.send(b"?\x18").as_str()), (4, ""));
    let (mut bench, answers) = run("hold:5");
    assert_eq!((answers.len(), state(&bench.send(b"?")).as_str()), (4, "Hold:0"));
    let (mut bench, _) = run("door:5:1500");
    assert!(bench.said.contains("[MSG:Check Door]"));
    bench.wait_ms(1500);
    assert_eq!(state(&bench.send(b"?")), "Door:0");
    let (bench, _) = run("drop-rx:6");
    assert_eq!((bench.machine.record().bytes, bench.machine.record().faults), (101, 1));
    let (mut bench, _) = run("disconnect:5:800");
    bench.wait_ms(1000);
    assert!(bench.machine.is_connected());
    assert_eq!(state(&bench.send(b"?")), "Idle");
}

#[test]
fn a_machine_that_waits_for_its_sender_counts_it() {
    let mut bench = Bench::grbl(quick());
    bench.send(b"G1X10F6000\n");
    bench.wait_ms(2000);
    bench.send(b"G1X20\n");
    bench.rest();
    let record = bench.machine.record();
    assert_eq!(record.starvations, 1);
    assert!((1.0..2.0).contains(&record.starved_s), "{}", record.starved_s);
    // A pause the program asked for is none.
    bench.send(b"M3S1\n");
    bench.wait_ms(2000);
    bench.send(b"G1X10\n");
    bench.rest();
    assert_eq!(bench.machine.record().starvations, 1);
}

#[test]
fn grblhal_knows_more() {
    let mut bench = Bench::new(Kind::GrblHal, quick());
    assert!(bench.said.starts_with("\r\nGrblHAL 1.1f"));
    assert!(bench.line("$I+").contains("[FIRMWARE:grblHAL]"));
    assert!(bench.line("$EA").contains("[ALARMCODE:10||"));
    assert_eq!(bench.line("M7"), "ok\r\n");
    assert_eq!(bench.send(b"T2M6\n"), "");
    assert_eq!(state(&bench.send(b"\x80")), "Tool");
    assert_eq!(bench.send(b"\xa3"), "ok\r\n");
    bench.send(b"G1X100F6000\n");
    bench.wait_ms(300);
    bench.send(b"\x82");
    bench.wait_ms(500);
    assert_eq!(state(&bench.send(b"?")), "Hold:0");
    bench.send(b"\x19");
    assert_eq!(state(&bench.send(b"?")), "Idle");
}
