//! `send` as a script meets it: on simulated machines, every way to end with its own exit code.

use crate::at_home::{command, shopctl as run};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A sound program for a router; a minute long at normal speed.
const PART: &str = "G21 G90 G17 G94\nM3 S12000 (why? Ä!)\nG4 P1\nG0 X0 Y0 Z5\nG1 Z-1 F300\nG1 X200 F900\nG1 Y200\n\
                    G1 X0\nG1 Y0\nG0 Z5\nM5\nM30\n";

fn home(program: &str) -> TempDir {
    let home = TempDir::new().expect("a place for files");
    std::fs::write(home.path().join("part.nc"), program).expect("writable");
    home
}

/// Starts a job and waits until the machine has taken lines that move.
fn begun(home: &TempDir) -> Child {
    let args = ["send", "part.nc", "-m", "router-grbl", "--port", "sim:grbl"];
    let mut child =
        command(home, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("built");
    let jobs = home.path().join("state/jobs");
    let started = || {
        let folders = std::fs::read_dir(&jobs).into_iter().flatten().flatten();
        let mut pages = folders.filter_map(|f| std::fs::read_to_string(f.path().join("latest")).ok());
        let taken = |text: &str| {
            text.split(' ')
                .filter_map(|w| {
                    w.strip_prefix("acknowledged=")?.trim_matches(char::from(0)).parse::<u32>().ok()
                })
                .max()
        };
        pages.any(|text| taken(&text) >= Some(6))
    };
    while !started() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it moved");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child
}

fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const FAST: [&str; 6] = ["-m", "router-grbl", "--port", "sim:grbl", "--sim-speed", "1000"];

fn send<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["send", "part.nc"].into_iter().chain(FAST).chain(more.iter().copied()).collect()
}

#[test]
fn a_job_is_done_when_the_machine_stands_at_its_end() {
    let home = home(PART);
    let output = run(&home, &send(&["--json"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let events = events(&output);
    let kinds: Vec<&str> = events.iter().filter_map(|e| e["event"].as_str()).collect();
    for kind in ["connected", "job", "ended"] {
        assert_eq!(kinds.iter().filter(|k| **k == kind).count(), 1, "{kinds:?}");
    }
    let end = events.last().expect("one");
    assert_eq!((end["result"].as_str(), end["exit_code"].as_u64()), (Some("done"), Some(0)));
    let job = home.path().join("state/jobs").join(end["job"].as_str().expect("a name"));
    let journal = std::fs::read_to_string(job.join("journal")).expect("kept");
    assert!(journal.contains("acknowledged=12") && journal.contains(" done"), "{journal}");
    assert!(!job.join("program").exists(), "nobody needs the copy any more");
    assert_eq!(run(&home, &["resume", "last", "--port", "sim:grbl"]).status.code(), Some(2), "it is done");
}

#[test]
fn a_dry_run_prints_the_bytes_and_opens_nothing() {
    let home = home("G21 (mm)\n%\nN5 G1 X1.5 F100 ; done!\n\nM30\n");
    let output = run(&home, &["send", "part.nc", "-m", "router-grbl", "--dry-run", "--port", "/dev/none"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "G21\nG1X1.5F100\nM30\n", "{}", said(&output));
    std::fs::write(home.path().join("stops.nc"), "G21\nG1 X1 F100\nM0\nT2 M6\nM1\nM30\n").expect("room");
    let dry = ["send", "stops.nc", "-m", "router-grbl", "--dry-run", "--stop", "skip", "--tool-change"];
    for (what, bytes) in [("prompt", "G4P0.01\nG4P0.01\nT2\n"), ("skip", "G4P0.01\nT2\n")] {
        let output = run(&home, &[&dry[..], &[what]].concat());
        let wanted = format!("G21\nG1X1F100\n{bytes}G4P0.01\nM30\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{what}: {}", said(&output));
    }
    let passed = run(&home, &[&dry[..], &["pass"]].concat());
    assert_eq!(passed.status.code(), Some(3), "GRBL does not know M6");
    let output = run(&home, &["send", "part.nc", "--protocol", "marlin", "--dry-run", "--force"]);
    assert!(output.stdout.starts_with(b"N0 M110 N0*125\nN1 G21*"), "{}", said(&output));
    assert!(!home.path().join("state/jobs").read_dir().is_ok_and(|mut d| d.next().is_some()));
}

#[test]
fn every_class_of_failure_has_its_code() {
    for (program, more, code) in [
        // Beyond what an axis of the profile reaches.
        ("G21 G90\nG1 Z-5000 F100\nM30\n", &[][..], 4),
        // A byte that acts at once, outside of a comment: not even by force.
        ("G21 G90\nG1 X1! F100\nM30\n", &["--force"], 4),
        ("G21 G90\nG1 X1 F100\n$110=5\nM30\n", &[], 4),
        // GRBL: error 22, no feed.
        ("G21 G90\nG1 X1\nM30\n", &["--force"], 5),
    ] {
        let home = home(program);
        let output = run(&home, &send(more));
        assert_eq!(output.status.code(), Some(code), "{program}: {}", said(&output));
    }
}

#[test]
fn a_refused_line_is_named_with_its_meaning() {
    let home = home("G21 G90\nG1 X1\nM30\n");
    let output = run(&home, &send(&["--force"]));
    let said = said(&output);
    assert!(said.contains("line 2") && said.contains("G1X1") && said.contains("error 22"), "{said}");
}

#[test]
fn who_waits_for_nobody_gives_up_when_that_was_asked_for() {
    let home = home("G21 G90\nG1 X1 F100\nM0\nG1 X2\nM30\n");
    let output = run(&home, &send(&["--hold-timeout", "1", "--json"]));
    assert_eq!(output.status.code(), Some(14), "{}", said(&output));
    let end = events(&output).pop().expect("one");
    assert_eq!((end["result"].as_str(), end["acknowledged_line"].as_u64()), (Some("held"), Some(2)));
    assert!(end["held"].as_str().is_some_and(|why| why.contains("line 3")), "{end}");
    // What was said to the first attempt holds for the second; it was stopped, so it goes back, and stops there again.
    let again = run(&home, &["resume", "last", "--yes", "--port", "sim:grbl", "--sim-speed", "1000"]);
    assert_eq!(again.status.code(), Some(14), "{}", said(&again));
    let through = ["resume", "last", "--yes", "--port", "sim:grbl", "--sim-speed", "1000", "--stop", "skip"];
    assert_eq!(run(&home, &through).status.code(), Some(0));
}

#[test]
fn ports_that_are_none_are_said() {
    let home = home(PART);
    let port = |port| run(&home, &["send", "part.nc", "-m", "router-grbl", "--port", port]);
    assert_eq!(port("/dev/no-such-port").status.code(), Some(9));
    assert_eq!(port("sim:none").status.code(), Some(2));
    assert_eq!(port("tcp://127.0.0.1:1").status.code(), Some(9));
    assert_eq!(run(&home, &["send", "missing.nc", "--port", "sim:grbl"]).status.code(), Some(1));
}

/// A job whose journal finds no more room, in the middle: `ulimit` is a disk of its own.
#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_leaves_the_machine_at_work() {
    let home = home(PART);
    // A journal that begins long is soon full: its first line has the place of the program.
    let deep = home.path().join(vec!["d".repeat(200); 17].join("/"));
    std::fs::create_dir_all(&deep).expect("room");
    let part = deep.join("part.nc");
    std::fs::write(&part, PART).expect("room");
    let full = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let send = [
        "send",
        &part.display().to_string(),
        "-m",
        "router-grbl",
        "--port",
        "sim:grbl",
        "--sim-speed",
        "10",
        "--json",
    ];
    let usual = command(&home, &send);
    let mut limited = Command::new("sh");
    limited.args(["-c", full]).arg(usual.get_program()).args(usual.get_args());
    limited
        .envs(usual.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .current_dir(home.path())
        .stdin(Stdio::null());
    let output = limited.output().expect("a shell");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let events = events(&output);
    assert!(events.iter().any(|e| e["event"] == "journal-lost"), "{events:?}");
    let listed = String::from_utf8(run(&home, &["resume", "--json"]).stdout).expect("text");
    let jobs: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(jobs[0]["acknowledged_line"], 12, "what could not be written down is still known: {listed}");
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_job_is_held_stopped_and_kept() {
    for name in ["-INT", "-TERM"] {
        let home = home(PART);
        let child = begun(&home);
        signal(&child, name);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        let listed = String::from_utf8(run(&home, &["resume"]).stdout).expect("text");
        assert!(listed.contains("part"), "{listed}");
    }
}

#[cfg(unix)]
#[test]
fn a_killed_job_is_interrupted_and_not_started_again_unasked() {
    let home = home(PART);
    let mut child = begun(&home);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let listed = String::from_utf8(run(&home, &["resume"]).stdout).expect("text");
    assert!(listed.contains("interrupted"), "{listed}");
    // A simulated machine in the same process died with it: where the new one stands proves nothing, and nobody is there
    // to be asked.
    let args = ["resume", "last", "--port", "sim:grbl"];
    assert_eq!(run(&home, &args).status.code(), Some(4), "{}", said(&run(&home, &args)));
}

/// Programs that take places from whoever only reads them: the job ends well all the same.
#[test]
fn what_only_the_machine_knows_is_no_reason_to_stop_it() {
    for (name, program) in [
        (
            "its own place of rest",
            "G21 G90\nG0 X20 Y10\nG1 Z-1 F300\nG1 X60 F900\nG28 G91 Z0\nG28 G91 X0 Y0\nM30\n",
        ),
        ("a new name for a place", "G21 G90\nG0 X20\nG92 X0\nG1 X100 F3000\nG1 X0\nM30\n"),
        ("another work zero", "G21 G90\nG0 X20\nG55\nG1 X100 F3000\nG0 X3\nG54\nG0 X5\nM30\n"),
        ("a tool's length", "G21 G90\nG0 X20 Z5\nG43.1 Z2\nG0 Z7\nG1 X100 F3000\nG49\nG0 Z5\nM30\n"),
        (
            "a safe start in the middle",
            "G21 G90\nG0 X20 Z5\nG40 G49 G80\nG1 X100 F3000\nG40 G49\nG0 Z1\nM30\n",
        ),
        (
            "an arc in another plane",
            "G21 G90\nG0 X20 Z5\nG18 G2 X40 Z5 I10 K0 F900\nG17 G1 X100 F3000\nM30\n",
        ),
        ("a touch", "G21 G90\nG0 X20 Z1\nG38.2 Z-20 F100\nG10 L20 P1 Z0\nG0 Z5\nG1 X100 F3000\nG0 Z9\nM30\n"),
    ] {
        let home = home(program);
        let output = run(&home, &send(&[]));
        assert_eq!(output.status.code(), Some(0), "{name}: {}", said(&output));
    }
}

#[test]
fn a_plasma_job_that_finds_the_sheet_ends_well() {
    let home = home("");
    let drawing = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bracket/bracket.dxf");
    let cut = ["cut", drawing, "-m", "openbuilds-lead-1010-plasma", "--material", "mild-steel"];
    let cut = run(&home, &[&cut[..], &["--thickness-mm", "3", "-o", "part.nc"]].concat());
    assert_eq!(cut.status.code(), Some(0), "{}", said(&cut));
    let program = std::fs::read_to_string(home.path().join("part.nc")).expect("written");
    assert!(program.contains("G38.2"), "it searches the sheet");
    // The work zero lies where the drawing's does, and leaves no room for the kerf: that is another matter.
    let sent = ["send", "part.nc", "--force", "-m", "openbuilds-lead-1010-plasma", "--port", "sim:grbl"];
    let output = run(&home, &[&sent[..], &["--sim-speed", "100"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// Programs of our own, on all machines whose controllers are simulated.
#[test]
fn every_machine_does_what_was_made_for_it() {
    let list = run(TempDir::new().expect("a place"), &["machine", "list", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let text = |m: &Value, key: &str| m[key].as_str().expect("a text").to_owned();
    let machines: Vec<(String, String, String)> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|m| (text(m, "name"), text(m, "kind"), text(m, "dialect")))
        .filter(|(.., dialect)| ["grbl", "grblhal", "fluidnc"].contains(&dialect.as_str()))
        .collect();
    assert!(machines.len() > 20, "{machines:?}");
    let job = |name: &str, kind: &str, dialect: &str| {
        let home = home("");
        let drawing = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/gasket/gasket.dxf");
        let what = match kind {
            "router" => "--material plywood --tool-diameter-mm 3 --depth-mm 4",
            "plasma" => "--material mild-steel --thickness-mm 3",
            "laser" => "--material plywood --thickness-mm 3",
            _ => "--material vinyl",
        };
        let cut = ["cut", drawing, "-m", name, "-o", "part.nc"].into_iter().chain(what.split(' '));
        let cut = run(&home, &cut.collect::<Vec<_>>());
        assert_eq!(cut.status.code(), Some(0), "{name}: {}", said(&cut));
        let port = if dialect == "grblhal" { "sim:grblhal" } else { "sim:grbl" };
        // The drawing lies around its zero: whether that fits the bed is another matter.
        let send = ["send", "part.nc", "-m", name, "--port", port, "--sim-speed", "1000", "--force"];
        let sent = run(&home, &send);
        assert_eq!(sent.status.code(), Some(0), "{name}: {}", said(&sent));
    };
    std::thread::scope(|scope| {
        for share in machines.chunks(machines.len().div_ceil(4)) {
            scope.spawn(move || share.iter().for_each(|(name, kind, dialect)| job(name, kind, dialect)));
        }
    });
}

/// A GRBL runs its startup blocks when it has found its switches: what was in force before is not any more.
#[test]
fn behind_a_search_for_the_switches_the_modes_are_looked_at_anew() {
    let home = home("G1 X2 F500\nM30\n");
    let simulate = ["machine", "simulate", "--kind", "grbl", "--sim-speed", "1000"];
    let mut machine = command(&home, &simulate).stdout(Stdio::piped()).spawn().expect("it was built");
    let mut address = String::new();
    BufReader::new(machine.stdout.take().expect("a pipe")).read_line(&mut address).expect("it says where");
    let address = address.trim();
    let mut console = command(&home, &["machine", "console", "--port", address])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it was built");
    let lines = b"$22=1\n$H\n$N0=G20G91\nG21G90\n";
    console.stdin.take().expect("a pipe").write_all(lines).expect("it reads");
    let code = console.wait().expect("it ends").code();
    let output =
        run(&home, &["send", "part.nc", "-m", "router-grbl", "--home", "--port", address, "--force"]);
    let _ = machine.kill();
    let _ = machine.wait();
    assert_eq!((code, output.status.code()), (Some(0), Some(0)), "{}", said(&output));
    assert!(said(&output).contains("other modes: G21G90"), "{}", said(&output));
}
