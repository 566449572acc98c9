//! `shopctl machine` on simulated machines: what a person sees, what a script reads, which code it ends with.

use crate::at_home;
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn command(home: &Path, args: &[&str]) -> Command {
    at_home::command(home, &[&["machine"], args].concat())
}

fn home() -> TempDir {
    TempDir::new().expect("a place for files")
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    ended(command(home().path(), args).output().expect("the command was built"))
}

fn ended(output: Output) -> (Option<i32>, String, String) {
    let text = |b: Vec<u8>| String::from_utf8(b).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn piped(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let home = home();
    let pipe = Stdio::piped;
    let mut child =
        command(home.path(), args).stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().expect("it was built");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    ended(child.wait_with_output().expect("it ends"))
}

#[test]
fn codes_are_explained_without_a_machine() {
    let (code, out, _) = run(&["decode", "error:22"]);
    assert!(code == Some(0) && out.starts_with("error 22: no feed"), "{out}");
    let (_, hal, _) = run(&["decode", "ALARM:10", "--dialect", "grblhal", "--json"]);
    let value: Value = serde_json::from_str(&hal).expect("JSON");
    assert_eq!((value[0]["kind"].as_str(), value[0]["code"].as_u64()), (Some("alarm"), Some(10)));
    let (_, all, _) = run(&["decode"]);
    assert!(all.matches("error ").count() >= 36 && all.contains("alarm 10: "));
    let (code, out, talk) = run(&["decode", "error:99"]);
    assert!(code == Some(3) && out.is_empty() && talk.contains("hint:"), "{talk}");
}

#[test]
fn the_state_is_told_to_people_and_to_scripts() {
    let (code, out, _) = run(&["status", "--port", "sim:grbl"]);
    assert!(code == Some(0) && out.starts_with("GRBL 1.1h"), "{out}");
    assert!(
        out.contains("state       idle\n") && out.contains("work zero   X0.000 Y0.000 Z0.000\n"),
        "{out}"
    );
    for (port, protocol) in [("sim:grblhal", "grblhal"), ("sim:marlin", "marlin")] {
        let (code, out, _) = run(&["status", "--json", "--port", port]);
        let status: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!((code, status["protocol"].as_str()), (Some(0), Some(protocol)));
        assert_eq!(status["machine_position_mm"], serde_json::json!([0.0, 0.0, 0.0]), "{out}");
    }
}

#[test]
fn moves_by_hand_end_where_they_should_and_are_bounded() {
    for port in ["sim:grbl", "sim:grblhal", "sim:marlin"] {
        let (code, out, talk) =
            run(&["jog", "X10", "y-2.5", "--feed-mm-per-min", "3000", "--port", port, "--sim-speed", "20"]);
        assert!(code == Some(0) && out.contains("X10.000 Y-2.500 Z0.000"), "{port}: {out}{talk}");
    }
    let (code, out, talk) = run(&["jog", "X1001", "--feed-mm-per-min", "3000", "--port", "sim:grbl"]);
    assert!(code == Some(4) && out.is_empty() && talk.contains("1000 mm long"), "{talk}");
    for bad in
        [&["jog", "X"][..], &["jog", "Q1"], &["jog", "X1", "X2"], &["jog", "X1", "--feed-mm-per-min", "0"]]
    {
        let args = [bad, &["--port", "sim:grbl", "--feed-mm-per-min", "100"]].concat();
        assert_eq!(run(&args).0, Some(2), "{bad:?}");
    }
}

#[test]
fn the_work_zero_is_set_and_seen() {
    let (code, out, talk) = run(&["zero", "X", "Z15", "--port", "sim:grbl"]);
    assert!(code == Some(0) && out.starts_with("work X0.000 Y0.000 Z15.000"), "{out}{talk}");
    let (code, _, talk) = run(&["zero", "all", "--port", "sim:marlin"]);
    assert_eq!(code, Some(0), "{talk}");
}

#[test]
fn a_probe_finds_the_plate_and_puts_the_zero_on_it() {
    for port in ["sim:grbl", "sim:grblhal"] {
        let probe = ["probe", "Z-20", "--plate-mm", "1.5", "--port", port, "--sim-speed", "50"];
        let (code, out, talk) = run(&probe);
        assert!(code == Some(0) && out.contains("touched at machine X0.000 Y0.000 Z-10.000"), "{out}{talk}");
        // The plate, at Z-10, is called 1.5; the tool has gone up by 2 mm from where it had come to rest.
        let heights: Vec<f64> = out
            .lines()
            .last()
            .expect("one")
            .split(" Z")
            .skip(1)
            .filter_map(|z| z.split(',').next()?.trim().parse().ok())
            .collect();
        assert!((heights[0] - heights[1] - 11.5).abs() < 0.0015, "{out}");
        assert!((-8.05..-7.95).contains(&heights[1]), "{out}");
    }
}

#[test]
fn what_the_controller_refuses_is_explained() {
    let (code, _, talk) = run(&["home", "--port", "sim:grbl"]);
    assert!(code == Some(5) && talk.contains("error 5: homing is switched off"), "{talk}");
    let (code, _, talk) = run(&["probe", "Z-5", "--port", "sim:grbl", "--sim-speed", "50"]);
    assert!(code == Some(7) && talk.contains("alarm 5: the probe found nothing"), "{talk}");
    assert_eq!(run(&["home", "--port", "sim:marlin", "--sim-speed", "50"]).0, Some(0));
    let (code, out, _) = run(&["unlock", "--port", "sim:grbl"]);
    assert!(code == Some(0) && out.contains("was not locked"), "{out}");
}

#[test]
fn a_console_takes_lines_from_a_pipe_until_one_is_refused() {
    let (code, out, talk) = piped(&["console", "--port", "sim:grbl"], "$I\n$110=1234\n$$\nM6\nG0 X1\n");
    assert_eq!(code, Some(5), "{talk}");
    assert!(out.contains("[OPT:V,15,128]\nok\n") && out.contains("$110=1234.000"), "{out}");
    assert!(out.ends_with("error:20\n    the line has a command this controller does not know; post the program for it: `shopctl post -m MACHINE`\n"), "{out}");
    let (code, out, _) = piped(&["console", "--port", "sim:marlin"], "G1 X5 F6000\nM400\nM114\nexit\nM112\n");
    assert!(code == Some(0) && out.contains("machine X5.000"), "{out}");
}

#[test]
fn settings_are_kept_compared_and_put_back() {
    let home = home();
    let run = |args: &[&str]| ended(command(home.path(), args).output().expect("it was built"));
    for (port, old, new) in [("sim:grbl", "\"5000.000\"", "\"4321\""), ("sim:marlin", "X80.00", "X81.5")] {
        let (code, _, talk) = run(&["backup", "-o", "kept.toml", "--port", port]);
        assert_eq!(code, Some(0), "{talk}");
        assert_eq!(run(&["diff", "kept.toml", "--port", port]).0, Some(0), "what was just kept is the same");
        let path = home.path().join("kept.toml");
        let text = std::fs::read_to_string(&path).expect("written");
        std::fs::write(&path, text.replacen(old, new, 1)).expect("writable");
        let (code, out, _) = run(&["diff", "kept.toml", "--json", "--port", port]);
        let list: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!((code, list.as_array().map(Vec::len)), (Some(4), Some(1)), "{out}");
        let (code, out, talk) = run(&["restore", "kept.toml", "--port", port]);
        assert!(code == Some(0) && talk.contains("1 settings written and read back"), "{out}{talk}");
        assert_eq!(run(&["restore", "kept.toml", "--port", "sim:grblhal"]).0, Some(2), "another controller");
    }
    std::fs::write(home.path().join("bad.toml"), "firmware=''\nprotocol='grbl'\nsettings=[['G1','!']]")
        .expect("writable");
    assert_eq!(run(&["diff", "bad.toml", "--port", "sim:grbl"]).0, Some(3));
}

#[test]
fn ports_are_asked_who_is_there() {
    let (code, out, _) = run(&["ports", "--port", "sim:grblhal", "--json"]);
    let list: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, list[0]["protocol"].as_str()), (Some(0), Some("grblhal")), "{out}");
    assert_eq!(list[0]["receive_bytes"].as_u64(), Some(1024));
    assert_eq!(run(&["ports", "--no-ask"]).0, Some(0));
    let (code, _, talk) = run(&["status", "--port", "/dev/there-is-none"]);
    assert!(code == Some(9) && talk.contains("no such device"), "{talk}");
}
