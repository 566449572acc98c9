//! `shopctl resume`: goes on with a job that was interrupted. Without a job it lists them.
//!
//! Nothing goes on by itself: a job is taken up only by this verb, and where it cannot be proven how far the machine is,
//! a person is asked first.

use super::connect::{self, Link, Wanted};
use super::facts::Ahead;
use super::job::{Door, Feed, Job};
use super::lines::Lines;
use super::operator::{Key, Operator};
use super::outcome::Outcome;
use super::places::{Places, Start};
use super::preflight::{Allowed, Checked};
use super::restart::{self, Approach, Found, Restart, Trace, Warmth};
use super::screen::Screen;
use super::source::{self, Source};
use super::{HowArgs, Teller, WireArgs, controller, preflight};
use crate::report::{Sources, Style};
use crate::{estimate, exit, output, program};
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use shop_cam::machine::MachineKind;
use shop_controller::session::{Protocol, State as MachineState};
use shop_controller::transport::Bell;
use shop_gcode::{Context, Step};
use shop_jobs::{Entry, State, Store};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Go on with an interrupted job; without one, list the jobs
///
/// What no flag says is as it was when the job was first sent: machine, port, speed, and what happens at pauses.
#[derive(Args, Clone, Debug)]
#[command(after_help = exit::SEND_HELP)]
pub struct ResumeArgs {
    /// Job: its name, the beginning of it, or last
    #[arg(value_name = "JOB")]
    job: Option<String>,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    how: HowArgs,
    /// Do not ask, even where it is not proven how far the machine is
    #[arg(long)]
    yes: bool,
    /// Everything before this line is done: go on with it
    #[arg(long, value_name = "LINE")]
    from_line: Option<u64>,
    /// Search the limit switches first
    #[arg(long)]
    home: bool,
}

/// How long a machine may take to finish what it was sent before.
const FINISHING: Duration = Duration::from_hours(4);
/// How often a person is looked for while a question is open.
const GLANCE: Duration = Duration::from_millis(250);

/// Runs the verb; returns the exit code.
pub fn run(args: &ResumeArgs) -> Result<u8> {
    let store = super::store()?;
    let Some(name) = &args.job else {
        output::write_whole("-".as_ref(), list(&store, args.how.json).as_bytes())?;
        return Ok(exit::DONE);
    };
    let style = Style::for_stderr(args.how.colour);
    let mut screen = Screen::new(args.how.json, args.how.quiet);
    let teller = Teller { style, json: args.how.json };
    let entry = match store.find(name) {
        Ok(entry) => entry,
        Err(e) => {
            return Ok(teller.end(
                &Outcome::other(exit::USAGE, "usage", format!("failed to {e}")),
                None,
                &mut screen,
            ));
        }
    };
    if entry.history.state == State::Done {
        let end = Outcome::other(
            exit::USAGE,
            "usage",
            format!("job {} is done: nothing is left of it", entry.name),
        );
        return Ok(teller.end(&end, None, &mut screen));
    }
    if entry.history.attempts == 0 && !entry.running {
        let text = format!("nothing of job {} was sent", entry.name);
        let hint = Some("it ended before its first line: `shopctl send` it again".to_owned());
        let end = Outcome { hint, ..Outcome::other(exit::USAGE, "usage", text) };
        return Ok(teller.end(&end, None, &mut screen));
    }
    if entry.history.description.options.contains_key("handed-over") {
        let text = format!("job {} was handed over whole: who runs it knows how far it is", entry.name);
        let hint = Some("go on with it there, or `shopctl send` it again from its beginning".to_owned());
        let end = Outcome { hint, ..Outcome::other(exit::USAGE, "usage", text) };
        return Ok(teller.end(&end, None, &mut screen));
    }
    let mut journal = store.reopen(&entry.name)?;
    let end = resume(args, &store, &entry, &mut journal, style, &mut screen)?;
    if end.code == exit::DONE {
        source::drop_copy(&store.folder(&entry.name));
    }
    Ok(teller.end(&end, Some(&entry.name), &mut screen))
}

/// What may end it before it began, told as an outcome.
macro_rules! or_end {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(end) => return Ok(end),
        }
    };
}

fn resume(
    args: &ResumeArgs,
    store: &Store,
    entry: &Entry,
    journal: &mut shop_jobs::Journal,
    style: Style,
    screen: &mut Screen,
) -> Result<Outcome> {
    let what = &entry.history.description;
    let source = Source::of_job(&store.folder(&entry.name), &what.program, &what.sha256)?;
    let bytes = Arc::clone(&source.bytes);
    let mut notes = Vec::new();
    let machine = args.wire.machine.as_deref().unwrap_or(&what.machine);
    let mut machine = program::machine(Some(machine), &bytes, style, &mut notes)?;
    let port = args.wire.port.as_deref().unwrap_or(&what.port);
    let how = args.how.recall(&what.options);
    let kept = |key: &str| what.options.get(key).map(String::as_str);
    let wanted = Wanted {
        address: or_end!(connect::address(Some(port), None)),
        baud: args.wire.baud.or(kept("baud").and_then(|b| b.parse().ok())).unwrap_or(super::BAUD),
        protocol: args.wire.protocol.protocol().or(kept("asked").and_then(asked_protocol)),
        options: super::session_options(Some(&machine), &how),
        simulation: args.wire.simulation(),
    };
    let mut bell = Bell::new().context("failed to make a pipe")?;
    let mut operator = Operator::listen(&mut bell, !args.how.json).context("failed to listen for signals")?;
    let tap = args.wire.raw_log.as_deref().map(connect::raw_log).transpose()?;
    let mut link = or_end!(connect::connect(&wanted, bell, &operator, screen, tap));
    screen.say(&format!("{} on {}", link.firmware(), link.place));
    let protocol = link.identity.protocol.unwrap_or(Protocol::Grbl);
    controller::adopt(&mut machine, &link.settings);
    if args.home {
        or_end!(link.home(&operator, screen));
    }
    or_end!(come_to_rest(&mut link, protocol, &operator, screen));

    let mut sources = Sources::new();
    let id = sources.add(source.name.clone(), &**bytes);
    let checked = preflight::check(
        &bytes,
        &sources,
        id,
        &machine,
        Some(protocol),
        Allowed { settings: true, tool_change: true },
    );
    let context = start_of(&machine, kept("start"), &entry.history);
    let base = base(&bytes, &context, &entry.history);
    let restart = decide(args, entry, &bytes, &context, &machine, &link, base);
    let situation = controller::Situation {
        machine: &machine,
        named: kept("named").is_some(),
        identity: &link.identity,
        status: link.drive.session.status(),
        settings: &link.settings,
        extents: checked.extents,
    };
    let teller = Teller { style, json: args.how.json };
    let code = teller.findings(&notes, &controller::check(&situation), &sources, false);
    if code != exit::DONE {
        return Ok(Outcome::other(code, "check", "nothing was sent".into()));
    }
    let before = or_end!(approach(&bytes, &context, &machine, &checked, &restart, &link, base));
    screen.event(&json!({
        "event": "resume", "job": entry.name, "from_line": restart.done + 1, "lines": checked.last,
        "acknowledged_line": entry.history.progress.acknowledged, "sent_line": entry.history.progress.sent,
        "proven": restart.proven, "why": restart.why, "before": before.lines.len(),
    }));
    screen.say(&format!(
        "{}: {}; goes on with line {} of {}, about {} left",
        source.name,
        restart.why,
        restart.done + 1,
        checked.last,
        estimate::duration(checked.index.total_s() - checked.index.at(restart.done))
    ));
    if !restart.proven && !args.yes {
        or_end!(ask(&mut link, &mut operator, screen));
    }
    let offset = link.drive.session.status().work_offset_mm;
    journal
        .attempt(restart.done + 1, offset)
        .with_context(|| format!("failed to write {}", journal.path().display()))?;
    let feed = Feed {
        lines: Lines::resume(&bytes, restart.place),
        ahead: Some(Ahead::start(&bytes, context, &machine).context("failed to start a thread")?),
        last: checked.last,
        places: protocol.is_realtime().then(|| Places::new(before.start)),
        protocol,
        text: Vec::new(),
        before: before.lines,
        prefix: before.prefix,
    };
    let job = Job {
        link: &mut link,
        feed,
        index: &checked.index,
        screen,
        operator: &mut operator,
        journal: Some(journal),
        door: how.door.unwrap_or(Door::Ask),
        patience: how.patience(),
        from_s: checked.index.at(restart.done),
        done: restart.done,
    };
    let (end, _) = job.run();
    let state = if end.code == exit::DONE { State::Done } else { State::Failed };
    if let Err(e) = journal.state(state, &end.text) {
        screen.say(&format!("warning: the journal's last line could not be written ({e})"));
    }
    Ok(end)
}

fn asked_protocol(name: &str) -> Option<Protocol> {
    <super::Words as clap::ValueEnum>::from_str(name, false).ok()?.protocol()
}

/// Waits until the machine has done what it was sent before, and knows where it stands.
fn come_to_rest(
    link: &mut Link,
    protocol: Protocol,
    operator: &Operator,
    screen: &mut Screen,
) -> std::result::Result<(), Outcome> {
    if protocol.is_numbered() {
        link.command("M400", FINISHING, operator, screen)?;
        return link.command("M114", Duration::from_secs(5), operator, screen);
    }
    let end = std::time::Instant::now() + FINISHING;
    let mut told = false;
    while link.drive.session.status().state == Some(MachineState::Run) && std::time::Instant::now() < end {
        if !std::mem::replace(&mut told, true) {
            screen.say("the machine still moves: waiting for it");
        }
        if operator.interrupted() {
            link.drive.session.stop(link.drive.now());
        }
        link.listen(GLANCE, screen)?;
    }
    Ok(())
}

/// Returns the context in which the first line was executed.
fn start_of(
    machine: &shop_cam::machine::Machine,
    start: Option<&str>,
    history: &shop_jobs::History,
) -> Context {
    let mut context = Context::of(machine);
    let mut numbers = start.unwrap_or_default().split(',').map(str::parse::<f64>);
    let mut next = || numbers.next().and_then(Result::ok).filter(|v| v.is_finite());
    if let (Some(x), Some(y), Some(z)) = (next(), next(), next()) {
        context.start = [x, y, z];
    }
    context.machine_zero = history.work_offset_mm.map(|o| o.map(|v| 0.0 - v));
    context
}

/// Returns where the canonical zero lies, machine coordinates, mm: the work zero of the first line.
fn base(bytes: &[u8], context: &Context, history: &shop_jobs::History) -> Option<[f64; 3]> {
    let offset = history.work_offset_mm?;
    // A program that had moved its zero when the last attempt began, began that with the moved one.
    let begun = restart::nth_end(bytes, history.from_line.saturating_sub(1));
    let moved = restart::zero_behind(bytes, context, begun)?;
    Some(std::array::from_fn(|i| offset[i] - moved[i]))
}

/// Decides where it goes on.
fn decide(
    args: &ResumeArgs,
    entry: &Entry,
    bytes: &[u8],
    context: &Context,
    machine: &shop_cam::machine::Machine,
    link: &Link,
    base: Option<[f64; 3]>,
) -> Restart {
    let status = link.drive.session.status();
    let numbered = link.identity.protocol.is_some_and(Protocol::is_numbered);
    let canonical = |at: Option<[f64; 3]>| match (at, base) {
        (Some(at), Some(base)) => Some(std::array::from_fn(|i| at[i] - base[i])),
        _ => None,
    };
    let found = Found {
        at: match base {
            _ if numbered => status.machine_position_mm,
            Some(_) => canonical(status.machine_position_mm),
            None => status.work_position_mm(),
        },
        zero: canonical(status.work_offset_mm),
        planner_blocks: link.identity.planner_blocks,
        forgot: forgot(bytes, context, entry.history.progress.acknowledged, &link.modes),
    };
    let mut history = entry.history.clone();
    if let Some(line) = args.from_line {
        let done = line.saturating_sub(1);
        history.from_line = line.max(1);
        history.progress = shop_jobs::Progress { sent: done, acknowledged: done, position_mm: None };
        history.state = State::Failed;
    }
    let p = history.progress;
    let sent = p.sent.max(p.acknowledged).max(history.from_line.saturating_sub(1));
    let trace = Trace::read(bytes, context, machine, p.acknowledged, sent);
    let zero = |end| restart::zero_behind(bytes, context, end);
    let mut restart = restart::plan(&history, &trace, &found, &zero);
    if args.from_line.is_some() {
        (restart.why, restart.proven) = ("as it was asked for".into(), false);
    }
    restart
}

/// Whether a controller that says its modes (GRBL and its kin) knows no feed any more, though a line that it took had one.
fn forgot(bytes: &[u8], context: &Context, acknowledged: u64, modes: &str) -> bool {
    let feed = modes.split(' ').find_map(|m| m.strip_prefix('F')).and_then(|f| f.parse::<f64>().ok());
    let taken = &bytes[..restart::nth_end(bytes, acknowledged)];
    feed == Some(0.0) && shop_gcode::modes(taken, context, |_, _| {}).is_some_and(|m| m.feed > 0.0)
}

/// What comes before the first line of the program.
struct Before {
    lines: VecDeque<shop_controller::session::Line>,
    prefix: &'static str,
    start: Start,
}

fn approach(
    bytes: &[u8],
    context: &Context,
    machine: &shop_cam::machine::Machine,
    checked: &Checked,
    restart: &Restart,
    link: &Link,
    base: Option<[f64; 3]>,
) -> std::result::Result<Before, Outcome> {
    let status = link.drive.session.status();
    let protocol = link.identity.protocol.unwrap_or(Protocol::Grbl);
    if restart.done == 0 {
        let at = status.work_position_mm();
        let usual = Start::usual(at.unwrap_or_default(), at.is_some(), protocol);
        let start = Start { system: super::system_of(&link.modes), ..usual };
        return Ok(Before { lines: VecDeque::new(), prefix: "", start });
    }
    let mut warmth = Warmth::default();
    let modes = shop_gcode::modes(&bytes[..restart.place.0], context, |step, _| {
        if let Step::Command(command) = &step {
            warmth.follow(command);
        }
    });
    let modes = modes.filter(|m| !m.moved_origin || holds_zero(m, status, base)).ok_or_else(|| {
        let text = format!(
            "the program moves its own work zero (G10), and the controller has not the one that is in force before line {}",
            restart.done + 1
        );
        let hint = "set the work zero as the program had it there, or say --from-line behind its last G10".to_owned();
        Outcome { hint: Some(hint), ..Outcome::other(exit::CHECK, "check", text) }
    })?;
    let printer = machine.kind == MachineKind::Printer;
    let safe_z = if printer {
        modes.position[2] + machine.process.safe_height.max(5.0)
    } else {
        machine.process.safe_height.max(checked.extents.map_or(0.0, |e| e.max[2]))
    };
    // Else the places that the controller reports are not those of the lines.
    let plain = modes.position == modes.named && modes.tool_offset == [0.0; 3] && modes.system == 54;
    let from = status.work_position_mm().filter(|_| plain);
    let numbered = protocol.is_numbered();
    // Behind a search for switches, or a touch, places are known that were named since.
    let start = Start {
        absolute: modes.absolute,
        unit_mm: modes.unit_mm,
        system: if modes.system > 59 { modes.system } else { modes.system * 10 },
        cycle: modes.motion.is_some_and(|motion| (73..=89).contains(&motion)),
        ..Start::usual(modes.position, from.is_some() && restart.placed, protocol)
    };
    let approach = Approach { modes: &modes, warmth: &warmth, machine, restart, safe_z, from, numbered };
    let first = Lines::resume(bytes, restart.place).next().map_or(&b""[..], |(_, text)| text);
    Ok(Before { lines: approach.lines(), prefix: approach.prefix(first), start })
}

/// Whether the controller holds the work zero that the program made. What a reset takes away, G92 and the length of the tool,
/// may be there or not: the approach puts it in force anew.
fn holds_zero(
    modes: &shop_gcode::Modes,
    status: &shop_controller::session::Status,
    base: Option<[f64; 3]>,
) -> bool {
    let (Some(is), Some(base)) = (status.work_offset_mm, base) else { return false };
    let origin = |i: usize| base[i] + modes.position[i] - modes.named[i] - modes.shift[i];
    [[0.0; 3], modes.shift].iter().any(|shift| {
        [[0.0; 3], modes.tool_offset]
            .iter()
            .any(|tool| (0..3).all(|i| (is[i] - origin(i) - shift[i] - tool[i]).abs() <= restart::SAME_PLACE))
    })
}

/// Asks whether to go on from there.
fn ask(link: &mut Link, operator: &mut Operator, screen: &mut Screen) -> std::result::Result<(), Outcome> {
    if !operator.has_keys() {
        let text =
            "it is not proven how far the machine is, and nobody can be asked; nothing was sent".to_owned();
        return Err(Outcome {
            hint: Some(
                "look at the machine; home it if it was switched off; then say --yes, or --from-line".into(),
            ),
            ..Outcome::other(exit::CHECK, "check", text)
        });
    }
    let status = link.drive.session.status();
    if let Some(at) = status.work_position_mm().or(status.machine_position_mm) {
        screen.say(&format!(
            "the controller believes to be at {}: is that so, and the work zero right?",
            restart::place(at)
        ));
    }
    screen.say("the tool goes up to safe height, over to where it goes on, and down there. Go on? y/n");
    loop {
        if operator.interrupted() {
            return Err(Outcome::other(exit::INTERRUPTED, "stopped", "nothing was sent".into()));
        }
        for key in operator.keys() {
            match key {
                Key::Yes => return Ok(()),
                Key::No | Key::Stop => {
                    return Err(Outcome::other(exit::INTERRUPTED, "stopped", "nothing was sent".into()));
                }
                _ => {}
            }
        }
        link.listen(GLANCE, screen)?;
    }
}

/// Lists the jobs.
fn list(store: &Store, as_json: bool) -> String {
    let jobs = store.list();
    let state = |e: &Entry| match (e.running, e.history.state) {
        (false, _) if e.history.attempts == 0 => "never begun",
        (false, State::Running | State::Held) => "interrupted",
        (_, state) => state.name(),
    };
    if as_json {
        let list: Vec<_> = jobs
            .iter()
            .map(|e| {
                let d = &e.history.description;
                json!({
                    "job": e.name, "state": state(e), "why": e.history.why, "program": d.program, "machine": d.machine,
                    "port": d.port, "acknowledged_line": e.history.progress.acknowledged, "lines": d.lines,
                    "attempts": e.history.attempts, "created_s": d.created_s,
                })
            })
            .collect();
        return format!("{:#}\n", serde_json::Value::Array(list));
    }
    if jobs.is_empty() {
        return format!("no jobs in {}\n", store.path().display());
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let mut out = String::new();
    for e in &jobs {
        let (d, done) = (&e.history.description, e.history.progress.acknowledged);
        let age = estimate::duration(now.saturating_sub(d.created_s) as f64);
        let _ = writeln!(
            out,
            "{}  {}: line {done} of {}, {} on {}, begun {age} ago",
            e.name,
            state(e),
            d.lines,
            d.program,
            d.port
        );
    }
    out
}
