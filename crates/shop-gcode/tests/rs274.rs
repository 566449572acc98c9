//! Against LinuxCNC's own interpreter: our motion equals the canonical dump of `rs274`, over the LinuxCNC programs of
//! the corpus and LinuxCNC's installed sample programs; what it rejects we reject.
//!
//! Runs where `rs274` is installed (Debian's `linuxcnc-uspace`) and says so when it is not. The dump has four decimals
//! in the program's units, so that is how closely ends can be compared.

use shop_cam::canon::{Command, Move as CanonMove, Plane, Position, Spindle, Way};
use shop_cam::machine::{Dialect, MachineKind};
use shop_gcode::{Context, Cutter, interpret};
use shop_report::Severity;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

const INCH: f64 = 25.4;

/// One thing that both must do.
#[derive(Clone, Debug)]
struct Event {
    kind: Kind,
    to: [f64; 9],
    /// mm/min; 0 for rapids.
    feed: f64,
    spindle: f64,
    tool: u32,
    /// Place of the original.
    note: String,
    /// Half a step of its last decimal, mm.
    rounding: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Rapid,
    Line,
    /// Centre in the plane, signed turns.
    Arc {
        plane: usize,
        center: [f64; 2],
        turns: i32,
    },
    Probe,
    /// A curve, of which the dump says nothing more: whatever one line of ours makes of it.
    Spline,
    /// In step with the spindle.
    Sync {
        pitch: f64,
    },
    Dwell {
        seconds: f64,
    },
    /// `(MSG,…)`, `(DEBUG,…)` with the values of parameters.
    Message(String),
}

/// The dump of rs274 as events in the frame of the first work offset.
fn events_of_dump(dump: &str) -> Vec<Event> {
    let mut out = Vec::new();
    let (mut unit, mut g5x, mut g92, mut angle) = (1.0, [0.0; 9], [0.0; 9], 0.0f64);
    let (mut plane, mut feed, mut rpm, mut direction, mut tool, mut selected) =
        (0, 0.0, 0.0, 0.0, 0u32, 0u32);
    let mut pitch: Option<f64> = None;
    let mut per_turn = false;
    let mut at = [0.0; 9];
    for line in dump.lines() {
        // Number, N word, then the call.
        let Some(open) = line.find('(') else { continue };
        let Some(name) = line[..open].split_whitespace().last() else { continue };
        let inside = line[open + 1..].rsplit_once(')').map_or("", |p| p.0);
        let n: Vec<f64> = inside
            .split([',', ' '])
            .filter(|t| !t.is_empty())
            .map(|t| t.trim().parse::<f64>().unwrap_or(f64::NAN))
            .collect();
        let g = |i: usize| n.get(i).copied().unwrap_or(0.0);
        let place = |p: [f64; 9], unit: f64| -> [f64; 9] {
            let mut q: [f64; 9] =
                std::array::from_fn(|i| if (3..6).contains(&i) { p[i] } else { p[i] * unit } + g92[i]);
            let (sin, cos) = angle.sin_cos();
            (q[0], q[1]) = (q[0] * cos - q[1] * sin, q[0] * sin + q[1] * cos);
            std::array::from_fn(|i| q[i] + g5x[i])
        };
        let nine = |n: &[f64]| -> [f64; 9] { std::array::from_fn(|i| n.get(i).copied().unwrap_or(0.0)) };
        let scale = |n: [f64; 9]| -> [f64; 9] {
            std::array::from_fn(|i| if (3..6).contains(&i) { n[i] } else { n[i] * unit })
        };
        let mut push = |kind: Kind, to: [f64; 9], feed: f64| {
            let spindle = direction * rpm;
            out.push(Event {
                kind,
                to,
                feed,
                spindle,
                tool,
                note: line.trim().to_owned(),
                rounding: 0.5e-4 * unit,
            });
        };
        match name {
            "USE_LENGTH_UNITS" => unit = if inside.contains("INCHES") { INCH } else { 1.0 },
            "SET_G5X_OFFSET" => g5x = scale(nine(&n[1..])),
            "SET_G92_OFFSET" => g92 = scale(nine(&n)),
            "SET_XY_ROTATION" => angle = g(0).to_radians(),
            "SELECT_PLANE" => {
                plane = if inside.contains("XY") {
                    0
                } else if inside.contains("XZ") {
                    1
                } else {
                    2
                }
            }
            "SET_FEED_RATE" => feed = g(0) * unit,
            "SET_FEED_MODE" => per_turn = g(1) != 0.0,
            "SET_SPINDLE_SPEED" => rpm = g(1),
            "START_SPINDLE_CLOCKWISE" => direction = 1.0,
            "START_SPINDLE_COUNTERCLOCKWISE" => direction = -1.0,
            "STOP_SPINDLE_TURNING" => direction = 0.0,
            "SELECT_TOOL" => selected = g(0) as u32,
            "CHANGE_TOOL" => tool = selected,
            "CHANGE_TOOL_NUMBER" => tool = g(0) as u32,
            "START_SPEED_FEED_SYNC" => pitch = Some(g(0) * unit),
            "STOP_SPEED_FEED_SYNCH" => pitch = None,
            "DWELL" => push(Kind::Dwell { seconds: g(0) }, at, 0.0),
            "STRAIGHT_TRAVERSE" => {
                at = place(nine(&n), unit);
                push(Kind::Rapid, at, 0.0);
            }
            "STRAIGHT_FEED" => {
                at = place(nine(&n), unit);
                match pitch {
                    Some(pitch) => push(Kind::Sync { pitch }, at, 0.0),
                    None => push(Kind::Line, at, if per_turn { feed * rpm } else { feed }),
                }
            }
            "RIGID_TAP" => {
                let back = at;
                at[..3].copy_from_slice(&place(nine(&n), unit)[..3]);
                push(Kind::Sync { pitch: pitch.unwrap_or(0.0) }, at, 0.0);
                at = back;
                push(Kind::Sync { pitch: pitch.unwrap_or(0.0) }, at, 0.0);
            }
            "STRAIGHT_PROBE" => {
                let (from, to) = (at, place(nine(&n), unit));
                at = touched(from, to);
                let down = (0..2).all(|i| (from[i] - to[i]).abs() < 0.01) && to[2] < from[2];
                push(Kind::Probe, if down { to } else { at }, feed);
            }
            "ARC_FEED" => {
                let [a, b, c] = [[0, 1, 2], [2, 0, 1], [1, 2, 0]][plane];
                let mut p = [0.0; 9];
                (p[a], p[b], p[c]) = (g(0), g(1), g(5));
                for i in 3..9 {
                    p[i] = g(i + 3);
                }
                let mut m = [0.0; 9];
                (m[a], m[b]) = (g(2), g(3));
                let center = place(m, unit);
                at = place(p, unit);
                push(Kind::Arc { plane, center: [center[a], center[b]], turns: g(4) as i32 }, at, feed);
            }
            "MESSAGE" => push(Kind::Message(said(inside)), at, 0.0),
            "NURBS_FEED" => push(Kind::Spline, at, feed),
            _ => {}
        }
    }
    out
}

/// The probe of rs274 trips so long before the end of its move, mm.
const PROBE_SHORT: f64 = 0.254;

/// Where a probing move ends.
fn touched(from: [f64; 9], to: [f64; 9]) -> [f64; 9] {
    let way = (0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
    let short = if way > 0.0 { (PROBE_SHORT / way).min(1.0) } else { 0.0 };
    std::array::from_fn(|i| if i < 3 { to[i] + (from[i] - to[i]) * short } else { to[i] })
}

/// What stands between the quotes of a message.
fn said(text: &str) -> String {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).trim().to_owned()
}

/// Our commands as events.
fn events_of(sections: &[shop_cam::canon::Section]) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    let (mut at, mut feed, mut spindle, mut tool) = ([0.0; 9], 0.0, 0.0, 0u32);
    let mut last_rpm = 0.0;
    let mut per_turn = false;
    let mut queue = Vec::new();
    for section in sections {
        for (i, command) in section.commands.iter().enumerate() {
            let note = format!("line {}: {command:?}", section.lines.get(i).copied().unwrap_or(0));
            queue.clear();
            match command {
                Command::Drill(d) => d.expand([at[0], at[1], at[2]], |c| queue.push(c)),
                c => queue.push(c.clone()),
            }
            for command in &queue {
                let mut push = |kind: Kind, at: [f64; 9], feed: f64| {
                    out.push(Event { kind, to: at, feed, spindle, tool, note: note.clone(), rounding: 0.0 });
                };
                let set = |at: &mut [f64; 9], to: &Position| at[..3].copy_from_slice(to);
                match command {
                    Command::Rapid { to } => {
                        set(&mut at, to);
                        push(Kind::Rapid, at, 0.0);
                    }
                    Command::Line { to } => {
                        set(&mut at, to);
                        push(Kind::Line, at, feed);
                    }
                    Command::Arc { to, center, counter_clockwise } => {
                        set(&mut at, to);
                        let turns = if *counter_clockwise { 1 } else { -1 };
                        push(Kind::Arc { plane: 0, center: [center.x, center.y], turns }, at, feed);
                    }
                    Command::Move(m) => {
                        let CanonMove { to, way, more, pitch, .. } = **m;
                        set(&mut at, &to);
                        for k in 0..6 {
                            at[3 + k] = more[k].unwrap_or(at[3 + k]);
                        }
                        match (way, pitch) {
                            (_, Some(pitch)) => push(Kind::Sync { pitch }, at, 0.0),
                            (Way::Rapid, _) => push(Kind::Rapid, at, 0.0),
                            (Way::Line, _) => push(Kind::Line, at, feed),
                            (Way::Arc { plane, center, counter_clockwise, turns }, _) => {
                                let plane = match plane {
                                    Plane::Xy => 0,
                                    Plane::Zx => 1,
                                    Plane::Yz => 2,
                                };
                                let turns = turns as i32 * if counter_clockwise { 1 } else { -1 };
                                push(Kind::Arc { plane, center, turns }, at, feed);
                            }
                        }
                    }
                    Command::Probe { to, .. } => {
                        let from = at;
                        at[2] = *to;
                        push(Kind::Probe, at, feed);
                        at = touched(from, at);
                    }
                    Command::Dwell { seconds } => push(Kind::Dwell { seconds: *seconds }, at, 0.0),
                    Command::Message(text) => push(Kind::Message(text.trim().to_owned()), at, 0.0),
                    Command::Finish => push(Kind::Dwell { seconds: 0.0 }, at, 0.0),
                    Command::Feed(f) => feed = f.mm_per_min(),
                    Command::FeedMode(m) => per_turn = *m == shop_cam::canon::FeedMode::PerTurn,
                    Command::ToolChange { number } => tool = *number,
                    Command::Spindle(s) => match s {
                        Spindle::Off => spindle = 0.0,
                        Spindle::Clockwise { rpm } => {
                            spindle = *rpm;
                            last_rpm = *rpm;
                        }
                        Spindle::CounterClockwise { rpm } => {
                            spindle = -rpm;
                            last_rpm = *rpm;
                        }
                    },
                    _ => {}
                }
            }
        }
    }
    let _ = (per_turn, last_rpm);
    out
}

/// Leaves out moves that go nowhere.
fn moving(events: Vec<Event>) -> Vec<Event> {
    let mut at = [0.0; 9];
    events
        .into_iter()
        .filter(|e| {
            if e.kind == Kind::Spline {
                return true;
            }
            let still = (0..9).all(|i| (e.to[i] - at[i]).abs() <= 2.1 * e.rounding + 1e-9)
                && matches!(e.kind, Kind::Rapid | Kind::Line | Kind::Probe);
            at = if still { at } else { e.to };
            !still
        })
        .collect()
}

/// Says where two lists of events differ first.
fn difference(theirs: &[Event], ours: &[Event]) -> Option<String> {
    let turn = |a: f64| if a.is_finite() { a } else { 0.0 };
    let line = |e: &Event| e.note.split(':').next().unwrap_or_default().to_owned();
    let mut k = 0;
    for i in 0.. {
        if i >= theirs.len() && k >= ours.len() {
            break;
        }
        let (Some(t), Some(o)) = (theirs.get(i), ours.get(k)) else {
            return Some(format!(
                "event {i}: {} of theirs, {} of ours\n  theirs {:?}\n  ours   {:?}",
                theirs.len(),
                ours.len(),
                theirs.get(i).map(|e| &e.note),
                ours.get(k).map(|e| &e.note)
            ));
        };
        k += 1;
        if t.kind == Kind::Spline {
            let all = ours[k..].iter().take_while(|e| line(e) == line(o)).count();
            k += all;
            continue;
        }
        let tolerance = 1.2 * t.rounding + 1e-4;
        let ends = (0..9)
            .all(|k| turn((t.to[k] - o.to[k]).abs()) <= if (3..6).contains(&k) { 1.1e-4 } else { tolerance });
        let kinds = match (&t.kind, &o.kind) {
            (Kind::Arc { plane, center, turns }, Kind::Arc { plane: p, center: c, turns: n }) => {
                (plane, turns) == (p, n) && (0..2).all(|k| (center[k] - c[k]).abs() <= tolerance)
            }
            (Kind::Sync { pitch }, Kind::Sync { pitch: p }) => (pitch - p).abs() <= 1e-4,
            (Kind::Dwell { seconds }, Kind::Dwell { seconds: s }) => (seconds - s).abs() <= 1e-4,
            // Probing that is not straight down is a move of ours.
            (Kind::Probe, b) => matches!(b, Kind::Probe | Kind::Line),
            (a, b) => a == b,
        };
        let feeds = (t.feed - o.feed).abs() <= 1.5 * t.rounding + 1e-6 * t.feed.abs() + 1e-3;
        let with = (t.spindle - o.spindle).abs() < 1e-3 && t.tool == o.tool;
        if !(ends && kinds && feeds && with) {
            let mut text = format!("event {i}:");
            for (who, e) in [("theirs", t), ("ours  ", o)] {
                let _ = write!(
                    text,
                    "\n  {who} {:?} to {:?} F{} S{} T{}   {}",
                    e.kind,
                    &e.to[..6],
                    e.feed,
                    e.spindle,
                    e.tool,
                    e.note
                );
            }
            if !(ends && kinds) && i > 0 {
                let _ = write!(text, "\n  before: {}", theirs[i - 1].note);
            }
            return Some(text);
        }
    }
    None
}

/// What rs274 alone has not: its machine moves x, y, z, a, b and c, and owns no user commands (M100 to M199). Both are
/// left to it in other words: U, V and W go by letters that the program does not use, user commands are left out.
struct Translated {
    text: Vec<u8>,
    /// Places among the nine coordinates: ours and theirs.
    axes: Vec<(usize, usize)>,
}

fn translated(program: &[u8]) -> Translated {
    let syntax = shop_gcode::dialect::rules(Dialect::LinuxCnc).syntax;
    let all: Vec<_> = shop_gcode::parse::tokens(program, syntax).collect();
    let word = |t: &shop_gcode::parse::Token| {
        use shop_gcode::parse::Kind::{Formula, Word};
        matches!(t.kind, Word | Formula)
    };
    let used = |letter: u8| all.iter().any(|t| word(t) && t.letter == letter);
    let mut free = b"ABC".iter().copied().filter(|l| !used(*l));
    let mut axes = Vec::new();
    let mut text = program.to_vec();
    for (i, letter) in b"UVW".iter().copied().enumerate() {
        if !used(letter) {
            continue;
        }
        let Some(other) = free.next() else { continue };
        axes.push((6 + i, 3 + usize::from(other - b'A')));
        for t in all.iter().filter(|t| word(t) && t.letter == letter) {
            text[t.start] = other;
        }
    }
    for t in all.iter().filter(|t| word(t) && t.letter == b'M') {
        if t.number.scale == 0 && (100..200).contains(&t.number.mantissa) {
            text[t.start..t.end].fill(b' ');
        }
    }
    Translated { text, axes }
}

/// Faults of the installed LinuxCNC, 2.9.0~pre1, that are none of ours: the line that shows them is taken out of the
/// program before both read it.
const FAULTS: [(&str, &[u8], &str); 1] = [(
    "lathe_g70_71_demo.ngc",
    b"G42.1 D0.3 L2",
    "with compensation on, G70 goes from its beginning to the end of the contour first",
)];

/// The tool table of the comparison: number and diameter, mm.
fn tools() -> Vec<Cutter> {
    (1..=20)
        .map(|n| Cutter {
            number: n,
            diameter: 0.8 + 0.1 * f64::from(n),
            offset: [0.0, 0.0, 0.0],
            orientation: 0,
        })
        .collect()
}

fn context() -> Context {
    let mut c = Context::new(Dialect::LinuxCnc, MachineKind::Router);
    c.machine_zero = Some([0.0; 3]);
    c.tools = Some(tools());
    c.probe_short = PROBE_SHORT;
    c
}

enum Verdict {
    Accepted(Vec<Event>),
    Rejected(String),
    Skipped(String),
}

/// Runs `rs274` in `folder` over `program`.
fn rs274(folder: &Path, program: &[u8]) -> Verdict {
    let path = |name: &str| folder.join(name);
    std::fs::write(path("p.ngc"), program).expect("written");
    std::fs::write(path("p.var"), "").expect("written");
    // rs274 without an INI takes its machine for an inch machine.
    let table: String = tools().iter().fold(String::new(), |mut s, t| {
        let _ = writeln!(s, "T{} P{} Z0 D{:.8} ;", t.number, t.number, t.diameter / INCH);
        s
    });
    std::fs::write(path("p.tbl"), table).expect("written");
    let _ = std::fs::remove_file(path("p.out"));
    let errors = std::fs::File::create(path("p.err")).expect("created");
    let child = Process::new("rs274")
        .args(["-g", "-n", "2", "-t", "p.tbl", "-v", "p.var", "p.ngc", "p.out"])
        .current_dir(folder)
        // It keeps its tools in a file of the home folder, which must be nobody else's.
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn();
    let Ok(mut child) = child else { return Verdict::Skipped("rs274 does not start".into()) };
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if begun.elapsed() < Duration::from_secs(20) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Verdict::Skipped("rs274 runs longer than 20 s".into());
            }
        }
    }
    let dump = String::from_utf8_lossy(&std::fs::read(path("p.out")).unwrap_or_default()).into_owned();
    if dump.contains("PROGRAM_END()") || dump.contains("FINISH()") {
        return Verdict::Accepted(events_of_dump(&dump));
    }
    let errors = String::from_utf8_lossy(&std::fs::read(path("p.err")).unwrap_or_default()).into_owned();
    let said: Vec<&str> = errors.lines().skip_while(|l| !l.starts_with("executing")).skip(1).collect();
    Verdict::Rejected(said.join(" | "))
}

/// The programs: LinuxCNC's of the corpus, and its installed samples.
fn programs() -> Vec<PathBuf> {
    let mut all = Vec::new();
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("SHOPCTL_CORPUS").map_or_else(beside, PathBuf::from).join("gcode");
    let mut folders = vec![
        corpus,
        PathBuf::from("/usr/share/linuxcnc/ncfiles"),
        PathBuf::from("/usr/share/doc/linuxcnc/examples"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "ngc")
                && (!folder.ends_with("gcode") || name.starts_with("linuxcnc__"))
            {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

#[test]
fn the_same_motion_as_linuxcnc() {
    if Process::new("rs274")
        .arg("-h")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("skipped: rs274 (LinuxCNC) is not installed");
        return;
    }
    let only = std::env::var("RS274_ONLY").ok();
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = std::collections::BTreeSet::new();
    let (mut same, mut refused) = (0, 0);
    let (mut differ, mut missed, mut skipped, mut false_errors) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for path in programs() {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if only.as_ref().is_some_and(|o| !path.to_string_lossy().contains(o.as_str())) {
            continue;
        }
        let Ok(mut bytes) = std::fs::read(&path) else { continue };
        for (_, line, why) in FAULTS.iter().filter(|f| name.ends_with(f.0)) {
            if let Some(at) = bytes.windows(line.len()).position(|w| w == *line) {
                bytes[at..at + line.len()].fill(b' ');
                println!("{name} without {}: {why}", String::from_utf8_lossy(line));
            }
        }
        if !seen.insert(bytes.clone()) {
            continue;
        }
        let read = interpret(&bytes, &context());
        if only.is_some() && std::env::var_os("RS274_SHOW").is_some() {
            for e in events_of(&read.value) {
                println!("{:?} {:.4?} {}", e.kind, &e.to[..3], e.note.split(':').next().unwrap_or_default());
            }
        }
        let errors: Vec<String> = read
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| format!("{} line {}: {}", d.code, d.span.map_or(0, |s| s.line_in(&bytes)), d.message))
            .collect();
        let theirs = translated(&bytes);
        let mut ours = events_of(&read.value);
        for e in &mut ours {
            for (from, to) in &theirs.axes {
                e.to[*to] = std::mem::take(&mut e.to[*from]);
            }
        }
        match rs274(folder.path(), &theirs.text) {
            Verdict::Skipped(why) => skipped.push(format!("{name}: {why}")),
            Verdict::Rejected(_) if !errors.is_empty() => refused += 1,
            Verdict::Rejected(why) if why.contains("File ended with no percent sign") => refused += 1,
            Verdict::Rejected(why) => missed.push(format!("{name}: {why}")),
            Verdict::Accepted(_) if !errors.is_empty() => {
                false_errors.push(format!("{name}: {}", errors.join("\n    ")));
            }
            Verdict::Accepted(theirs) => match difference(&moving(theirs), &moving(ours)) {
                None => same += 1,
                Some(how) => differ.push(format!("{name}: {how}")),
            },
        }
    }
    println!("{same} the same, {refused} refused by both, {} skipped: {skipped:#?}", skipped.len());
    println!("--- {} refused by rs274 only:\n{}", missed.len(), missed.join("\n"));
    println!("--- {} refused by us only:\n{}", false_errors.len(), false_errors.join("\n"));
    println!("--- {} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(
        only.is_some() || (missed.is_empty() && false_errors.is_empty() && differ.is_empty()),
        "see above"
    );
}
