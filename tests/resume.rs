//! A sender that dies, and the job that goes on: the machine lives in a process of its own, the sender is killed at any
//! moment, and what the machine did in the end is held against what it does when nothing happens.
//!
//! A few kills here; `.ci/send-kill` asks for hundreds by the variables `SEND_KILLS` and `SEND_KILLS_MARLIN`.

use crate::at_home::command;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Moves that GRBL's planner may hold, and two that are under way: the back-off.
const BACK_OFF: usize = 17;

/// A simulated machine in a process of its own.
struct Machine {
    process: Child,
    address: String,
    record: PathBuf,
}

impl Machine {
    fn start(home: &TempDir, kind: &str, speed: &str) -> Machine {
        let record = home.path().join("record");
        let mut process = Command::new(env!("CARGO_BIN_EXE_shopctl"))
            .args(["machine", "simulate", "--kind", kind, "--sim-speed", speed, "--record"])
            .arg(&record)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was built");
        let mut address = String::new();
        let said = process.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut address).expect("it says where it listens");
        Machine { process, address: address.trim().to_owned(), record }
    }

    /// The cutting pieces of its motion, in order.
    fn cuts(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.record).expect("it writes");
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        text[..whole].lines().filter_map(|l| l.strip_prefix("cut ")).map(str::to_owned).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn shopctl(home: &TempDir, args: &[&str]) -> Command {
    let mut command = command(home, args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(home: &TempDir, args: &[&str]) -> Output {
    shopctl(home, args).output().expect("it was built")
}

/// Returns a place near by that is no tie between two steps of 0.004 mm: how a tie is rounded depends
/// on the last bit of a sum, and there is more than one way to the same place.
fn between_steps(v: f64) -> f64 {
    (v / 0.004).floor() * 0.004 + 0.001
}

/// A router's program with no two cuts alike: modal words left out, distances, inches, arcs.
fn router() -> String {
    let mut text = String::from("G21 G90 G17\nM3 S8000\nG0 X0 Y0 Z5\nG1 Z-1 F600\nF3000\n");
    for i in 1..100 {
        let (y, x) = (f64::from(i) * 0.3).sin_cos();
        let r = 5.0 + f64::from(i) * 0.1;
        let _ = writeln!(text, "X{:.3} Y{:.3}", between_steps(r * x), between_steps(r * y));
    }
    text += "G91\n";
    for i in 1..40 {
        let _ = writeln!(text, "X{:.3} Y-0.7", 1.0 + f64::from(i) * 0.024);
    }
    text += "G90 G20\n";
    for i in 1..40 {
        let _ = writeln!(text, "X{:.4} Y{:.4} F{}", f64::from(i) * 0.1, f64::from(i % 7) * 0.12, 100 + i);
    }
    text += "G21 F2500\nG2 X90 Y10 R20\n";
    for i in 1..20 {
        let _ = writeln!(text, "X{:.3} Y{:.3} R30", 90.0 - f64::from(i) * 3.0, 10.0 + f64::from(i));
    }
    text + "G0 Z5\nM5\nM30\n"
}

/// A printer's program without filament.
fn printer() -> String {
    let mut text = String::from("G21\nG90\nM83\nM106 S128\nG1 Z0.2 F600\nG1 F3000\n");
    for i in 1..200 {
        let (y, x) = (f64::from(i) * 0.3).sin_cos();
        let r = 25.0 + f64::from(i) * 0.1;
        let _ = writeln!(text, "G1 X{:.3} Y{:.3}", 50.0 + r * x, 50.0 + r * y);
    }
    text + "G1 Z5\nM107\n"
}

/// Kills the command after a while, unless it has ended by itself. Nothing of it is asked first.
fn run_and_kill(home: &TempDir, args: &[&str], after: Duration) -> bool {
    let mut child = shopctl(home, args).spawn().expect("it was built");
    std::thread::sleep(after);
    let ended = child.try_wait().expect("a child").is_some();
    if !ended {
        child.kill().expect("a process of ours");
    }
    child.wait().expect("a child");
    ended
}

/// Holds what was done against what was to be done: every piece, whole, in order; nothing left out; after a restart no
/// more than the back-off again; what is not of the program only goes up or down.
fn hold_against(wanted: &[String], done: &[String], hint: &str) {
    let mut next = 0;
    for piece in done {
        let numbers: Vec<&str> = piece.split(' ').collect();
        if let Some(at) = wanted.iter().position(|w| w == piece) {
            assert!(at <= next, "{hint}: pieces {next} to {at} were left out");
            assert!(at + BACK_OFF >= next, "{hint}: went back from {next} to {at}");
            next = at + 1;
        } else {
            let (upright, torn) = (
                numbers[..2] == numbers[3..5],
                wanted.get(next..).is_some_and(|w| {
                    // Broken off by a reset: the beginning of a piece that is not done yet.
                    w.iter().any(|w| w.split(' ').take(3).eq(numbers[..3].iter().copied()))
                }),
            );
            assert!(upright || torn, "{hint}: {piece} is not of the program");
        }
    }
    assert_eq!(next, wanted.len(), "{hint}: not all was done");
}

struct Case {
    kind: &'static str,
    speed: &'static str,
    program: String,
}

/// Numbers that look random, the same in every run (Knuth's multiplier).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most.max(1)
    }
}

/// What an undisturbed job comes to, and how long it takes.
fn undisturbed(case: &Case) -> (Vec<String>, Duration) {
    let home = TempDir::new().expect("a place for files");
    std::fs::write(home.path().join("part.nc"), &case.program).expect("writable");
    let machine = Machine::start(&home, case.kind, case.speed);
    let begun = Instant::now();
    let done = run(&home, &["send", "part.nc", "--port", &machine.address]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let took = begun.elapsed();
    std::thread::sleep(Duration::from_millis(50));
    (machine.cuts(), took)
}

/// Goes on with the job until it is done; returns whether a question would have been asked.
fn go_on(home: &TempDir, hint: &str) -> bool {
    let first = run(home, &["resume", "last"]);
    match first.status.code() {
        Some(0) => false,
        Some(4) => {
            let forced = run(home, &["resume", "last", "--yes"]);
            assert_eq!(forced.status.code(), Some(0), "{hint}: {}", String::from_utf8_lossy(&forced.stderr));
            true
        }
        code => panic!("{hint}: {code:?} {}", String::from_utf8_lossy(&first.stderr)),
    }
}

fn kill_often(case: &Case, count: u64) {
    let (wanted, took) = undisturbed(case);
    assert!(wanted.len() > 150);
    let mut chance = Chance(count);
    let (mut asked, mut in_time) = (0, 0);
    for turn in 0..count {
        let home = TempDir::new().expect("a place for files");
        std::fs::write(home.path().join("part.nc"), &case.program).expect("writable");
        let machine = Machine::start(&home, case.kind, case.speed);
        let moment = Duration::from_millis(chance.below(took.as_millis() as u64));
        let hint = format!("{} {turn}, killed after {moment:?}", case.kind);
        in_time += u64::from(!run_and_kill(&home, &["send", "part.nc", "--port", &machine.address], moment));
        let jobs = String::from_utf8(run(&home, &["resume"]).stdout).expect("text");
        if jobs.contains("done: line") {
            continue;
        }
        if !jobs.contains("interrupted: line") {
            // It died before there was a job.
            assert!(machine.cuts().is_empty(), "{hint}: moved without a journal that says so: {jobs}");
            continue;
        }
        // Nobody asked for it: it stays where it is.
        if chance.below(3) == 0 {
            let moment = Duration::from_millis(chance.below(took.as_millis() as u64));
            run_and_kill(&home, &["resume", "last"], moment);
        }
        if !String::from_utf8_lossy(&run(&home, &["resume"]).stdout).contains("done: line") {
            asked += u64::from(go_on(&home, &hint));
        }
        std::thread::sleep(Duration::from_millis(50));
        hold_against(&wanted, &machine.cuts(), &hint);
    }
    eprintln!(
        "{}: {count} senders, {in_time} killed in time, {asked} of the jobs wanted an answer",
        case.kind
    );
}

fn wanted_kills(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_killed_sender_of_grbl_leaves_nothing_out() {
    let case = Case { kind: "grbl", speed: "20", program: router() };
    kill_often(&case, wanted_kills("SEND_KILLS", 4));
}

#[test]
fn a_killed_sender_of_marlin_leaves_nothing_out() {
    let case = Case { kind: "marlin", speed: "20", program: printer() };
    kill_often(&case, wanted_kills("SEND_KILLS_MARLIN", 2));
}

/// Two shapes cut by a torch, in pieces of 2 mm.
fn plasma() -> String {
    let mut text = String::from("G21 G90 G94\n");
    for (x, y) in [(10.0, 10.0), (10.0, 60.0)] {
        let _ = writeln!(text, "G0 Z20\nG0 X{x} Y{y}\nG0 Z3.8\nM3 S1000\nG4 P0.5\nG1 Z1.5 F1000\nF2500");
        for i in 1..100 {
            let i = f64::from(i);
            let _ = writeln!(
                text,
                "G1 X{:.3} Y{:.3}",
                between_steps(x + 2.0 * i),
                between_steps(y + (i * 0.1).sin())
            );
        }
        text += "M5\n";
    }
    text + "G0 Z20\nM30\n"
}

/// A torch that went out with its sender is lit again on the kerf, a lead before where it stopped, as it was lit first.
#[test]
fn a_torch_is_lit_again_on_the_kerf_that_is_there() {
    let home = TempDir::new().expect("a place for files");
    std::fs::write(home.path().join("part.nc"), plasma()).expect("writable");
    let machine = Machine::start(&home, "grbl", "4");
    let send = ["send", "part.nc", "-m", "plasma-grbl", "--port", &machine.address, "--force"];
    let mut sender = shopctl(&home, &send).spawn().expect("it was built");
    let taken = || {
        let jobs = std::fs::read_dir(home.path().join("state/jobs")).into_iter().flatten().flatten();
        let pages = jobs.filter_map(|job| std::fs::read_to_string(job.path().join("latest")).ok());
        let numbers = |page: String| {
            let words = page.split(' ').filter_map(|w| w.strip_prefix("acknowledged="));
            words.filter_map(|n| n.parse::<u64>().ok()).max()
        };
        pages.filter_map(numbers).max()
    };
    while taken() < Some(60) {
        assert!(sender.try_wait().expect("a child").is_none(), "it ended before it cut");
        std::thread::sleep(Duration::from_millis(5));
    }
    sender.kill().expect("a process of ours");
    sender.wait().expect("a child");
    // What the machine has in its buffers it does; then it is looked for on the kerf.
    let raw = home.path().join("raw");
    let resume = ["resume", "last", "--yes", "--raw-log", &raw.display().to_string()];
    let done = run(&home, &resume);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let log = std::fs::read_to_string(&raw).expect("written");
    let sent: String =
        log.lines().filter_map(|l| l.split_once(" > ")).map(|(_, bytes)| bytes.trim_matches('"')).collect();
    let lines: Vec<&str> = sent.split("\\n").map(|l| l.trim_start_matches('?')).collect();
    let at = |from: usize, wanted: &str| {
        let found = lines[from..].iter().position(|l| l.starts_with(wanted));
        from + found.unwrap_or_else(|| panic!("no {wanted} behind {:?}", &lines[..from]))
    };
    // Out, up, over to the kerf, down to where it pierces, lit, waited for, down to the cut, on along the kerf.
    let mut order = Vec::new();
    for wanted in ["M5", "G0Z20.0000", "G0X", "G0Z3.8000", "M3S1000", "G4P0.5", "G1Z1.5000", "G1X"] {
        order.push(at(order.last().map_or(0, |n| n + 1), wanted));
    }
    let number = |line: &str, letter: char| -> f64 {
        let rest = &line[line.find(letter).expect("a word") + 1..];
        rest[..rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len())].parse().expect("a number")
    };
    let (relit, first) = (number(lines[order[2]], 'X'), number(lines[order[7]], 'X'));
    assert!((first - relit - 2.0).abs() < 0.01, "it goes on with the next piece: {relit}, {first}");
    // Everything was cut, in order; the lead is cut again, and no more.
    std::thread::sleep(Duration::from_millis(50));
    let cuts = machine.cuts();
    let ends: Vec<f64> = cuts.iter().filter_map(|c| c.split(' ').nth(3)?.parse().ok()).collect();
    let back =
        ends.windows(2).map(|w| w[0] - w[1]).filter(|back| (0.0..100.0).contains(back)).fold(0.0, f64::max);
    assert!((2.0..8.0).contains(&back), "5 mm of kerf are cut again: {back}");
    let starts: Vec<f64> = cuts.iter().filter_map(|c| c.split(' ').next()?.parse().ok()).collect();
    let gaps = ends.iter().zip(&starts[1..]).filter(|(end, start)| *start - *end > 0.01).count();
    assert_eq!(gaps, 0, "nothing is left out");
}

/// The machine was held and reset after its sender died: what was in its planner is gone. A person is asked, and the
/// moves that may have been lost are done again.
#[test]
fn a_reset_machine_is_asked_about_and_does_its_last_moves_again() {
    let case = Case { kind: "grbl", speed: "4", program: router() };
    let (wanted, took) = undisturbed(&case);
    let home = TempDir::new().expect("a place for files");
    std::fs::write(home.path().join("part.nc"), &case.program).expect("writable");
    let machine = Machine::start(&home, case.kind, case.speed);
    assert!(!run_and_kill(&home, &["send", "part.nc", "--port", &machine.address], took / 2));
    let mut wire = TcpStream::connect(machine.address.trim_start_matches("tcp://")).expect("it listens");
    wire.set_read_timeout(Some(Duration::from_secs(1))).expect("a socket");
    wire.write_all(b"!").expect("it reads");
    std::thread::sleep(Duration::from_millis(400));
    wire.write_all(b"\x18").expect("it reads");
    let mut said = [0; 256];
    let count = wire.read(&mut said).expect("it greets");
    assert!(!String::from_utf8_lossy(&said[..count]).contains("ALARM"), "it stood still");
    drop(wire);
    std::thread::sleep(Duration::from_millis(200));
    let before = machine.cuts().len();
    let first = run(&home, &["resume", "last"]);
    assert_eq!(first.status.code(), Some(4), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(machine.cuts().len(), before, "nothing moves unasked");
    assert!(go_on(&home, "after a reset"));
    std::thread::sleep(Duration::from_millis(50));
    hold_against(&wanted, &machine.cuts(), "after a reset");
}
