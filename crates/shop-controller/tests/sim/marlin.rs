//! Marlin: numbers, checksums, resends, queue, heat, signs of life, faults.

use super::bench::{Bench, faults, swift};
use proptest::prelude::*;
use shop_controller::sim::{Kind, Options};
use std::time::Duration;

fn marlin(options: Options) -> Bench {
    Bench::new(Kind::Marlin, options)
}

/// Numbers a line and puts its checksum behind it.
fn numbered(number: usize, line: &str) -> String {
    let text = format!("N{number} {line}");
    let sum = text.bytes().fold(0u8, |sum, b| sum ^ b);
    format!("{text}*{sum}\n")
}

/// Sends lines one at a time, again when asked; returns how often it sent, or what stopped it.
fn send_all(bench: &mut Bench, lines: &[String]) -> Result<usize, String> {
    bench.line("M110 N0");
    let (mut next, mut sent) = (1, 0);
    while next <= lines.len() {
        let before = bench.said.len();
        bench.send(numbered(next, &lines[next - 1]).as_bytes());
        sent += 1;
        let mut waited = 0;
        while !bench.said[before..].contains("ok") {
            bench.wait_ms(10);
            waited += 1;
            if waited > 3000 || bench.said[before..].contains("kill()") {
                return Err(bench.said[before..].to_owned());
            }
        }
        let asked =
            bench.said[before..].lines().find_map(|l| l.strip_prefix("Resend: ")?.parse::<usize>().ok());
        next = asked.unwrap_or(next + 1);
    }
    Ok(sent)
}

fn moves(count: usize) -> Vec<String> {
    (1..=count).map(|i| format!("G1 X{:.1} F6000", i as f64 * 0.3)).collect()
}

#[test]
fn damaged_lines_are_asked_for_again_and_each_runs_once() {
    let lines = moves(300);
    let hash = |options: Options| {
        let mut bench = marlin(options);
        let sent = send_all(&mut bench, &lines).expect("all lines");
        bench.rest();
        (bench.machine.record().accepted_hash, bench.machine.position_mm(), sent)
    };
    let (hash_plain, end, sent) = hash(swift());
    assert_eq!((end[0], sent), (90.0, 300));
    for (fault, resent) in [("noise-pct:3", 3..30), ("resend:100", 1..2), ("storm:100:6", 6..7)] {
        let (hash, end, sent) = hash(faults(&[fault]));
        assert_eq!((hash, end), (hash_plain, end), "{fault}");
        assert!(resent.contains(&(sent - 300)), "{fault}: {}", sent - 300);
    }
}

#[test]
fn what_is_wrong_with_a_line_is_said_in_its_words() {
    let mut bench = marlin(swift());
    for (line, said) in [
        ("N5 G1 X1*9\n", "Error:Line Number is not Last Line Number+1, Last Line: 0\nResend: 1\nok\n"),
        ("N1 G1 X1*9\n", "Error:checksum mismatch, Last Line: 0\nResend: 1\nok\n"),
        ("N1 G1 X1\n", "Error:No Checksum with line number, Last Line: 0\nResend: 1\nok\n"),
        ("G999\n", "echo:Unknown command: \"G999\"\nok\n"),
        ("hello\n", "echo:Unknown command: \"hello\"\nok\n"),
        ("; nothing\n\n", ""),
        ("N7 M110 N41*79\n", "ok\n"),
    ] {
        assert_eq!(bench.send(line.as_bytes()), said, "{line}");
    }
    assert_eq!(bench.send(numbered(42, "G4 P0").as_bytes()), "ok\n");
}

#[test]
fn the_planner_holds_the_answer_back_and_advanced_ok_tells_the_room() {
    let mut bench = marlin(Options { advanced_ok: true, ..swift() });
    bench.send(b"G90\n");
    // Fifteen moves find room, the sixteenth is not answered before the first has ended.
    for i in 1..=16 {
        bench.send(format!("G1 X{} F60\n", i % 2 * 10).as_bytes());
    }
    assert_eq!(bench.said.matches("ok").count(), 16);
    assert!(bench.said.ends_with("ok P0 B3\n"), "{}", bench.said);
    bench.send(numbered(1, "M400").as_bytes());
    bench.wait_ms(600_000);
    assert!(bench.said.ends_with("ok N1 P15 B3\n"), "{}", bench.said);
}

#[test]
fn heating_takes_time_and_says_so() {
    let mut bench = marlin(swift());
    bench.send(b"M109 S200\n");
    let said = bench.wait_ms(20_000);
    assert!(
        said.contains("echo:busy: processing") && said.contains(" W:?") && !said.contains("ok"),
        "{said}"
    );
    let said = bench.wait_ms(100_000);
    assert!(said.ends_with("ok\n"), "{said}");
    assert!(bench.line("M105").starts_with("ok T:200.00 /200.00 B:22.00 /0.00"));
    bench.send(b"M190 S60\n");
    bench.wait_ms(3000);
    assert_eq!(bench.send(b"M108\n"), "ok\nok\n", "told not to wait any longer");
}

#[test]
fn a_cold_nozzle_feeds_nothing() {
    let mut bench = marlin(swift());
    assert_eq!(bench.line("G1 X10 E5 F600"), "echo: cold extrusion prevented\nok\n");
    bench.line("M302 S0");
    bench.line("G1 X20 E8");
    bench.line("M400");
    assert_eq!(bench.machine.position_mm(), [20.0, 0.0, 0.0, 8.0]);
    assert!(bench.line("M114").starts_with("X:20.00 Y:0.00 Z:0.00 E:8.00 Count X:1600"));
}

#[test]
fn urgent_commands_do_not_wait_where_the_firmware_can_do_so() {
    let mut bench = marlin(swift());
    bench.send(b"G4 P60000\nG4 P1\n");
    assert_eq!(bench.send(b"M112\n"), "Error:Printer halted. kill() called!\n");
    assert_eq!(bench.send(b"M105\n"), "");
    let mut slow = marlin(Options { emergency_parser: false, ..swift() });
    slow.send(b"G4 P1000\nG4 P1\nG4 P1\nG4 P1\n");
    assert_eq!(slow.send(b"M112\n"), "", "the queue is full");
    assert!(slow.wait_ms(2000).contains("kill()"));
}

#[test]
fn a_pause_waits_for_somebody() {
    let mut bench = marlin(swift());
    bench.send(b"M0\n");
    assert!(bench.wait_ms(5000).contains("echo:busy: paused for user"));
    bench.machine.press(bench.now, shop_controller::sim::Input::Start);
    assert!(bench.said.contains("//action:paused") && bench.wait_ms(1).ends_with("ok\n"));
}

#[test]
fn homing_and_soft_ends() {
    let mut bench = marlin(swift());
    bench.line("G1 X50 Y20 F6000");
    bench.line("G28");
    assert_eq!(bench.machine.position_mm()[..3], [0.0; 3]);
    bench.line("G1 X-5 Y300");
    bench.line("M400");
    assert_eq!(bench.machine.position_mm()[..2], [0.0, 220.0]);
}

#[test]
fn settings_are_kept_when_they_are_stored() {
    let mut bench = marlin(swift());
    bench.line("M92 X81.5");
    assert!(bench.line("M503").contains("echo: M92 X81.50 Y80.00"));
    bench.machine.press(bench.now, shop_controller::sim::Input::Power);
    assert!(bench.line("M503").contains("echo: M92 X80.00"));
    bench.line("M92 X81.5");
    bench.line("M500");
    bench.machine.press(bench.now, shop_controller::sim::Input::Power);
    assert!(bench.line("M503").contains("echo: M92 X81.50"));
}

#[test]
fn faults_do_what_their_names_say() {
    let lines = moves(20);
    let run = |fault: &str| {
        let mut bench = marlin(faults(&[fault]));
        let sent = send_all(&mut bench, &lines);
        (bench, sent)
    };
    assert!(run("drop-ok:10").1.is_err());
    assert!(run("kill:10").1.expect_err("halted").contains("Error:Printer halted"));
    assert!(run("runaway:10").1.expect_err("halted").contains("Thermal Runaway"));
    assert!(run("reset:10").1.expect_err("silent").starts_with("start\n"));
    let (bench, sent) = run("busy:10:9000");
    assert!(sent.is_ok());
    assert_eq!(bench.said.matches("echo:busy: processing").count(), 4);
    assert!(run("action:10:pause").0.said.contains("//action:pause\n"));
    let (mut bench, _) = run("temps:1:200");
    assert_eq!(bench.wait_ms(1000).matches(" T:22.00 /0.00").count(), 5);
    let mut bench = marlin(faults(&["wait"]));
    assert_eq!(bench.wait_ms(3000).matches("wait\n").count(), 3);
    let (bench, _) = run("dup-ok:10");
    assert!(bench.said.contains("ok\nok\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_make_it_panic_or_spin(bytes in prop::collection::vec(any::<u8>(), 0..400), paced in any::<bool>()) {
        let mut bench = marlin(Options { baud: if paced { 115_200 } else { 0 }, ..swift() });
        for part in bytes.chunks(50) {
            bench.send(part);
            bench.wait_ms(20);
        }
        bench.now += Duration::from_secs(10_000);
        bench.wait_ms(0);
        prop_assert!(bench.machine.record().ring_high <= 128);
    }

    #[test]
    fn time_in_any_portions_gives_the_same_machine(
        portions in prop::collection::vec(1u64..400_000_000, 1..50),
        count in 1usize..30,
    ) {
        let text = moves(count).join("\n") + "\nM109 S50\nM114\n";
        let mut whole = marlin(Options { baud: 115_200, ..swift() });
        let mut parts = marlin(Options { baud: 115_200, ..swift() });
        for line in text.lines() {
            for bench in [&mut whole, &mut parts] {
                bench.send(format!("{line}\n").as_bytes());
            }
        }
        for ns in portions {
            parts.now += Duration::from_nanos(ns);
            parts.machine.tick(parts.now);
        }
        for bench in [&mut whole, &mut parts] {
            bench.now = Duration::from_secs(100);
            bench.wait_ms(0);
        }
        prop_assert_eq!(&whole.said, &parts.said);
        prop_assert_eq!(whole.machine.record().motion_hash, parts.machine.record().motion_hash);
    }
}
