//! `shopctl send`: a program to a machine, with everything that can be known looked at before the first byte.

pub mod connect;
pub mod controller;
mod facts;
mod handover;
mod index;
mod job;
mod lines;
pub mod operator;
pub mod outcome;
mod places;
mod preflight;
mod restart;
pub mod resume;
pub mod screen;
mod source;

use crate::folders::{self, Folders};
use crate::program::{self, Bytes};
use crate::report::{self, Colour, Sources, Style};
use crate::{estimate, exit, output, profile, small};
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use connect::{Link, Wanted};
use controller::Situation;
use facts::Ahead;
use job::{Door, Feed, Job};
use lines::Lines;
use operator::Operator;
use outcome::Outcome;
use places::{Places, Start};
use preflight::{Allowed, Checked};
use screen::Screen;
use serde_json::{Value, json};
use shop_cam::machine::{Machine, MachineKind, Pause};
use shop_controller::session::{self, Failure, Options, Piece, Policy, Process, Protocol, Retract};
use shop_controller::sim;
use shop_controller::transport::Bell;
use shop_gcode::Context;
use shop_jobs::{Description, State, Store};
use shop_report::{Diagnostic, Severity};
use source::Source;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Send a program to a machine, and survive what goes wrong
#[derive(Args, Clone, Debug)]
#[command(after_help = exit::SEND_HELP)]
pub struct SendArgs {
    /// Program: G-code for this machine, - for standard input
    #[arg(value_name = "PROGRAM")]
    input: PathBuf,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    how: HowArgs,
    /// Trace the program's bounding box at safe height first
    #[arg(long)]
    frame: bool,
    /// Search the limit switches first
    #[arg(long)]
    home: bool,
    /// Let the controller read the program in its own check mode; nothing moves
    #[arg(long, conflicts_with_all = ["frame", "home"])]
    check: bool,
    /// Print exactly the bytes of the program that would be sent, and open no port; where it waits for a person, nothing
    #[arg(long)]
    dry_run: bool,
    /// Send lines that change settings of the controller, too
    #[arg(long)]
    allow_settings: bool,
    /// Send although checks failed; what cannot be sent at all is still refused
    #[arg(long)]
    force: bool,
    /// Keep no journal: the job cannot be resumed
    #[arg(long)]
    no_journal: bool,
}

/// Which machine, and where it is.
#[derive(Args, Clone, Debug)]
pub struct WireArgs {
    /// Machine profile: a name from `shopctl machine list`, or a TOML file [default: as the controller says]
    #[arg(short, long, value_name = "MACHINE")]
    pub machine: Option<String>,
    /// Port: a path, usb:VID:PID:SERIAL, tcp://host:port, or sim:grbl, sim:grblhal, sim:marlin; whole programs go to
    /// linuxcnc://host, moonraker://host, klipper:/socket
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,
    /// Serial speed [default: the profile's, else 115200]
    #[arg(long, value_name = "BAUD")]
    pub baud: Option<u32>,
    /// Protocol of the controller
    #[arg(long, value_enum, default_value_t)]
    pub protocol: Words,
    /// A simulated machine is so much faster than a real one
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub sim_speed: f64,
    /// Write every byte with its time to a file
    #[arg(long, value_name = "FILE")]
    pub raw_log: Option<PathBuf>,
}

/// How a job is run.
#[derive(Args, Clone, Debug)]
pub struct HowArgs {
    /// At M0 [default: the profile's, else prompt]
    #[arg(long, value_enum, value_name = "WHAT")]
    stop: Option<Pausing>,
    /// At M1 [default: the profile's, else skip]
    #[arg(long, value_enum, value_name = "WHAT")]
    optional_stop: Option<Pausing>,
    /// At M6 [default: the profile's, else prompt]
    #[arg(long, value_enum, value_name = "WHAT")]
    tool_change: Option<Pausing>,
    /// At M600 [default: the profile's, else pass]
    #[arg(long, value_enum, value_name = "WHAT")]
    filament_change: Option<Pausing>,
    /// When an open door is closed again [default: ask]
    #[arg(long, value_enum, value_name = "WHAT")]
    door: Option<Door>,
    /// Stop a job that has stood still for so long: a hold, a door, a pause of the program [default: wait for ever]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    hold_timeout: Option<u64>,
    /// Tell what happens as JSON on standard output, one event a line
    #[arg(long)]
    json: bool,
    /// Say nothing while it runs
    #[arg(short, long)]
    quiet: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

/// A flag with names for its values, and its place in [`HowArgs`].
macro_rules! named_flags {
    ($do:ident, $how:ident) => {
        $do!("stop", $how.stop);
        $do!("optional-stop", $how.optional_stop);
        $do!("tool-change", $how.tool_change);
        $do!("filament-change", $how.filament_change);
        $do!("door", $how.door);
    };
}

impl HowArgs {
    /// Writes down what a later attempt must know.
    fn remember(&self, options: &mut BTreeMap<String, String>) {
        macro_rules! keep {
            ($name:literal, $flag:expr) => {
                if let Some(value) = $flag.as_ref().and_then(ValueEnum::to_possible_value) {
                    options.insert($name.to_owned(), value.get_name().to_owned());
                }
            };
        }
        named_flags!(keep, self);
        if let Some(seconds) = self.hold_timeout {
            options.insert("hold-timeout".to_owned(), seconds.to_string());
        }
    }

    /// Returns the flags of a later attempt: its own, and where it has none those of the first.
    fn recall(&self, options: &BTreeMap<String, String>) -> HowArgs {
        let mut how = self.clone();
        macro_rules! take {
            ($name:literal, $flag:expr) => {
                if $flag.is_none() {
                    $flag = options.get($name).and_then(|text| ValueEnum::from_str(text, false).ok());
                }
            };
        }
        named_flags!(take, how);
        let seconds = options.get("hold-timeout").and_then(|text| text.parse().ok());
        how.hold_timeout = how.hold_timeout.or(seconds);
        how
    }

    fn patience(&self) -> Option<Duration> {
        self.hold_timeout.map(Duration::from_secs)
    }
}

/// Spellings of the protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Words {
    /// Find out from what the controller says of itself.
    #[default]
    Auto,
    /// GRBL 0.9 and 1.1.
    Grbl,
    /// grblHAL.
    #[value(name = "grblhal")]
    GrblHal,
    /// FluidNC.
    #[value(name = "fluidnc")]
    FluidNc,
    /// Marlin, Prusa, Repetier.
    Marlin,
    /// Smoothieware.
    Smoothie,
    /// RepRapFirmware.
    #[value(name = "reprapfirmware")]
    RepRapFirmware,
}

impl Words {
    /// Returns the protocol, unless it is to be found out.
    pub fn protocol(self) -> Option<Protocol> {
        Some(match self {
            Words::Auto => return None,
            Words::Grbl => Protocol::Grbl,
            Words::GrblHal => Protocol::GrblHal,
            Words::FluidNc => Protocol::FluidNc,
            Words::Marlin => Protocol::Marlin,
            Words::Smoothie => Protocol::Smoothie,
            Words::RepRapFirmware => Protocol::RepRapFirmware,
        })
    }
}

/// Spellings of what happens where a program asks for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pausing {
    /// The machine comes to rest and waits for the operator.
    Prompt,
    /// The word goes to the controller.
    Pass,
    /// The word is left out.
    Skip,
}

impl From<Pausing> for Pause {
    fn from(p: Pausing) -> Pause {
        match p {
            Pausing::Prompt => Pause::Prompt,
            Pausing::Pass => Pause::Pass,
            Pausing::Skip => Pause::Skip,
        }
    }
}

/// Serial speed when nobody says one: GRBL's, and Marlin's most common.
pub const BAUD: u32 = 115_200;
/// How long homing, or a trace of the box, may take.
const MOVING: Duration = Duration::from_mins(5);

/// Runs the verb; returns the exit code.
pub fn run(args: &SendArgs) -> Result<u8> {
    let style = Style::for_stderr(args.how.colour);
    let mut screen = Screen::new(args.how.json, args.how.quiet);
    let store = if args.no_journal || args.dry_run || args.check { None } else { Some(store()?) };
    let mut source = Source::copy(&args.input, store.as_ref().map(Store::path))?;
    let bytes = Arc::clone(&source.bytes);
    let mut notes = Vec::new();
    let named = named_machine(&args.wire, style, &mut notes)?;
    let asked = args.wire.protocol.protocol();
    let mut sources = Sources::new();
    let id = sources.add(source.name.clone(), &**bytes);
    let look = |machine: &Machine, protocol| {
        let policy = session_options(Some(machine), &args.how).tool_change;
        let allowed = Allowed { settings: args.allow_settings, tool_change: policy != Policy::Pass };
        preflight::check(&bytes, &sources, id, machine, protocol, allowed)
    };
    let teller = Teller { style, json: args.how.json };

    if args.dry_run {
        let machine = match named {
            Some(machine) => machine,
            None => generic(asked, &bytes, style, &mut notes)?,
        };
        let checked = look(&machine, asked);
        let code = teller.findings(&notes, &checked.diagnostics, &sources, args.force);
        if code == exit::DONE {
            let protocol = asked.or_else(|| preflight::protocol_of(machine.post.dialect));
            output::write_whole(
                "-".as_ref(),
                &dry(
                    &bytes,
                    checked.last,
                    protocol.unwrap_or(Protocol::Grbl),
                    &session_options(Some(&machine), &args.how),
                ),
            )?;
        }
        return Ok(code);
    }

    let port = args.wire.port.as_deref().or(port_of(named.as_ref()));
    if let Some(target) = port.and_then(handover::Target::parse) {
        return match target {
            Ok(target) => hand_over(
                args,
                &target,
                named,
                &source,
                store.as_ref(),
                &look,
                &teller,
                &sources,
                &mut screen,
            ),
            Err(end) => Ok(teller.end(&end, None, &mut screen)),
        };
    }

    small::forget_code();
    // What can fail without a controller fails before one is disturbed.
    let mut checked = named.as_ref().map(|machine| look(machine, asked));
    if let Some(checked) = &checked {
        let code = teller.findings(&notes, &checked.diagnostics, &sources, args.force);
        if code != exit::DONE {
            return Ok(teller.refused(code, &mut screen));
        }
    }
    small::forget_code();
    let address = match connect::address(args.wire.port.as_deref(), port_of(named.as_ref())) {
        Ok(address) => address,
        Err(end) => return Ok(teller.end(&end, None, &mut screen)),
    };
    let wanted = Wanted {
        address,
        baud: args.wire.baud.or(named.as_ref().and_then(|m| m.controller.baud)).unwrap_or(BAUD),
        protocol: asked,
        options: session_options(named.as_ref(), &args.how),
        simulation: args.wire.simulation(),
    };
    let mut bell = Bell::new().context("failed to make a pipe")?;
    let mut operator = Operator::listen(&mut bell, !args.how.json).context("failed to listen for signals")?;
    let tap = args.wire.raw_log.as_deref().map(connect::raw_log).transpose()?;
    let mut link = match connect::connect(&wanted, bell, &operator, &mut screen, tap) {
        Ok(link) => link,
        Err(end) => return Ok(teller.end(&end, None, &mut screen)),
    };
    screen.say(&format!("{} on {}", link.firmware(), link.place));

    let protocol = link.identity.protocol.unwrap_or(Protocol::Grbl);
    let is_named = named.is_some();
    let mut machine = match named {
        Some(machine) => machine,
        None => generic(Some(protocol), &bytes, style, &mut notes)?,
    };
    let differs = controller::adopt(&mut machine, &link.settings);
    if is_named && !differs.is_empty() {
        notes.push(
            Diagnostic::info("send/settings-differ", differs.join("; "))
                .hint("times are the controller's own; correct the profile to have them right beforehand"),
        );
    }
    if !is_named {
        let found = look(&machine, Some(protocol));
        let code = teller.findings(&notes, &found.diagnostics, &sources, args.force);
        if code != exit::DONE {
            return Ok(teller.refused(code, &mut screen));
        }
        checked = Some(found);
    } else if !differs.is_empty() {
        // The time is the controller's own; what was found is known already.
        checked = Some(look(&machine, Some(protocol)));
        teller.notes(&notes);
    }
    small::forget_code();
    let checked = checked.expect("looked at in one way or the other");
    if args.home
        && let Err(end) = link.home(&operator, &mut screen)
    {
        return Ok(teller.end(&end, None, &mut screen));
    }
    let found = controller::check(&Situation {
        machine: &machine,
        named: is_named,
        identity: &link.identity,
        status: link.drive.session.status(),
        settings: &link.settings,
        extents: checked.extents,
    });
    let code = teller.findings(&[], &found, &sources, args.force);
    if code != exit::DONE {
        return Ok(teller.refused(code, &mut screen));
    }
    if let Err(end) = settle_modes(&mut link, &operator, &mut screen) {
        return Ok(teller.end(&end, None, &mut screen));
    }
    if args.frame
        && let Err(end) = frame(&mut link, &machine, &checked, &operator, &mut screen)
    {
        return Ok(teller.end(&end, None, &mut screen));
    }
    if args.check && !link.drive.session.check_mode(link.drive.now()) {
        let end = Outcome::other(exit::USAGE, "usage", "this controller has no check mode".into());
        return Ok(teller.end(&end, None, &mut screen));
    }

    let mut kept = match &store {
        None => None,
        Some(store) => {
            let description = describe(args, &source, &checked, &machine, &link, &wanted);
            let (name, journal) = store.create(description)?;
            source.keep(&store.folder(&name))?;
            Some((name, journal))
        }
    };
    screen.event(&begins(kept.as_ref().map(|(name, _)| name), &source, &checked, &machine));
    screen.say(&format!(
        "{} on {}: {} lines, about {}",
        source.name,
        machine.name,
        checked.last,
        estimate::duration(checked.index.total_s())
    ));
    if let Some((_, journal)) = &mut kept {
        let offset = link.drive.session.status().work_offset_mm;
        journal
            .attempt(1, offset)
            .with_context(|| format!("failed to write {}", journal.path().display()))?;
    }
    small::forget_code();
    let places = places(&link, protocol);
    if places.is_none() && protocol.is_realtime() {
        let text = "the controller does not say where its work zero lies: places are not compared";
        screen.say(text);
        screen.event(&json!({ "event": "message", "text": text }));
    }
    let feed = Feed {
        lines: Lines::new(&bytes),
        ahead: Some(ahead(&bytes, &machine, &link)?),
        last: checked.last,
        places,
        protocol,
        text: Vec::new(),
        before: VecDeque::new(),
        prefix: "",
    };
    let job = Job {
        link: &mut link,
        feed,
        index: &checked.index,
        screen: &mut screen,
        operator: &mut operator,
        journal: kept.as_mut().map(|(_, journal)| journal),
        door: args.how.door.unwrap_or(Door::Ask),
        patience: args.how.patience(),
        from_s: 0.0,
        done: 0,
    };
    let (mut end, failure) = job.run();
    let name = kept.as_ref().map(|(name, _)| name.clone());
    if let (Some((name, journal)), Some(store)) = (&mut kept, &store) {
        let state = if end.code == exit::DONE { State::Done } else { State::Failed };
        if let Err(e) = journal.state(state, &end.text) {
            screen.say(&format!("warning: the journal's last line could not be written ({e})"));
        }
        if state == State::Done {
            source::drop_copy(&store.folder(name));
        }
    }
    if failure == Some(Failure::Disconnected) {
        let port = link.port.clone();
        drop(link);
        if let Some(found) = connect::find_again(&wanted, &port, &operator, &mut screen) {
            end.hint = Some(format!("{found}; `shopctl resume` goes on when you say so"));
        }
    }
    Ok(teller.end(&end, name.as_deref(), &mut screen))
}

/// Checks the program, and hands it to somebody who runs it.
fn hand_over(
    args: &SendArgs,
    target: &handover::Target,
    named: Option<Machine>,
    source: &Source,
    store: Option<&Store>,
    look: &dyn Fn(&Machine, Option<Protocol>) -> Checked,
    teller: &Teller,
    sources: &Sources<'_>,
    screen: &mut Screen,
) -> Result<u8> {
    let mut notes = Vec::new();
    let bytes = &source.bytes;
    if args.frame || args.check {
        let end =
            Outcome::other(exit::USAGE, "usage", "--frame and --check need a controller that is fed".into());
        return Ok(teller.end(&end, None, screen));
    }
    let machine = match named {
        Some(machine) => machine,
        None => program::machine(Some(target.usual_machine()), bytes, teller.style, &mut notes)?,
    };
    let checked = look(&machine, None);
    let code = teller.findings(&notes, &checked.diagnostics, sources, args.force);
    if code != exit::DONE {
        return Ok(teller.refused(code, screen));
    }
    let mut bell = Bell::new().context("failed to make a pipe")?;
    let mut operator = Operator::listen(&mut bell, !args.how.json).context("failed to listen for signals")?;
    let mut kept = match store {
        None => None,
        Some(store) => {
            let port = args.wire.port.clone().or(port_of(Some(&machine)).map(str::to_owned));
            let mut options = BTreeMap::from([("handed-over".to_owned(), "yes".to_owned())]);
            args.how.remember(&mut options);
            let name = args.wire.machine.clone().unwrap_or_else(|| machine.name.clone());
            Some(store.create(description(source, checked.last, name, port.unwrap_or_default(), options))?)
        }
    };
    screen.event(&begins(kept.as_ref().map(|(name, _)| name), source, &checked, &machine));
    if let Some((_, journal)) = &mut kept {
        journal.attempt(1, None).with_context(|| format!("failed to write {}", journal.path().display()))?;
    }
    let job = handover::Job {
        target,
        path: &args.input,
        bytes,
        prepare: args.home,
        end_mm: handover::planned_end(bytes, &machine),
        index: &checked.index,
        last: checked.last,
        journal: kept.as_mut().map(|(_, journal)| journal),
        screen,
        operator: &mut operator,
    };
    let end = job.run(&bell);
    if let Some((_, journal)) = &mut kept {
        let state = if end.code == exit::DONE { State::Done } else { State::Failed };
        if let Err(e) = journal.state(state, &end.text) {
            screen.say(&format!("warning: the journal's last line could not be written ({e})"));
        }
    }
    Ok(teller.end(&end, kept.as_ref().map(|(name, _)| name.as_str()), screen))
}

/// Returns the event with which a job begins.
fn begins(job: Option<&String>, source: &Source, checked: &Checked, machine: &Machine) -> Value {
    json!({
        "event": "job",
        "job": job,
        "program": source.name,
        "sha256": source.sha256,
        "lines": checked.last,
        "machine": machine.name,
        "seconds": checked.index.total_s().round(),
    })
}

/// Returns the folder of the jobs.
fn store() -> Result<Store> {
    let state = folders::state().context(
        "this computer does not say where programs keep things; set SHOPCTL_STATE_DIR, or say --no-journal",
    )?;
    Ok(Store::new(state.join("jobs")))
}

/// Tells findings and ends.
struct Teller {
    style: Style,
    json: bool,
}

impl Teller {
    /// Shows what was found; returns the exit code that it asks for. Forced, only what cannot be sent counts.
    fn findings(&self, notes: &[Diagnostic], found: &[Diagnostic], sources: &Sources<'_>, force: bool) -> u8 {
        self.notes(notes);
        if self.json {
            println!("{}", json!({ "event": "findings", "diagnostics": report::to_json(found, sources) }));
        } else {
            eprint!("{}", report::render(found, sources, self.style));
        }
        let hopeless = |d: &&Diagnostic| d.code == "send/unclean-line" || !force;
        let errors = found.iter().filter(|d| d.severity == Severity::Error).filter(hopeless);
        let code = |d: &Diagnostic| if d.code.starts_with("gcode/") { exit::INPUT } else { exit::CHECK };
        errors.map(code).max().unwrap_or(exit::DONE)
    }

    fn notes(&self, notes: &[Diagnostic]) {
        if !self.json {
            eprint!("{}", report::render(notes, &Sources::new(), self.style));
        }
    }

    /// Nothing was sent.
    fn refused(&self, code: u8, screen: &mut Screen) -> u8 {
        let class = if code == exit::INPUT { "input" } else { "check" };
        self.end(&Outcome::other(code, class, "nothing was sent".into()), None, screen)
    }

    /// Tells how it ended.
    fn end(&self, end: &Outcome, job: Option<&str>, screen: &mut Screen) -> u8 {
        screen.clear();
        screen.event(&end.event(job));
        if !self.json {
            if end.code == exit::DONE {
                screen.say(&end.text);
            } else {
                eprintln!("error: {}", end.text);
                if let Some(hint) = &end.hint {
                    eprintln!("  = hint: {hint}");
                }
                if let Some(job) = job {
                    eprintln!("  = job: {job}");
                }
            }
        }
        end.code
    }
}

/// Loads the machine that was named, or the user's own default; none is no mistake.
pub fn named_machine(wire: &WireArgs, style: Style, notes: &mut Vec<Diagnostic>) -> Result<Option<Machine>> {
    let mut sources = Sources::new();
    let mut found = Vec::new();
    let default = profile::settings(&Folders::of_this_user(), &mut sources, &mut found).default_machine;
    match wire.machine.clone().or(default) {
        Some(name) => program::machine(Some(&name), &[], style, notes).map(Some),
        None => Ok(None),
    }
}

/// Returns a machine for a controller that nobody described.
fn generic(
    protocol: Option<Protocol>,
    bytes: &Bytes,
    style: Style,
    notes: &mut Vec<Diagnostic>,
) -> Result<Machine> {
    let name = match protocol {
        None => return program::machine(None, bytes, style, notes),
        Some(Protocol::Marlin | Protocol::RepRapFirmware) => "printer-marlin",
        Some(_) => "router-grbl",
    };
    program::machine(Some(name), bytes, style, notes)
}

fn port_of(machine: Option<&Machine>) -> Option<&str> {
    machine?.controller.port.as_deref()
}

impl WireArgs {
    /// Returns how a simulated machine is: as workshops have them, on a wire as fast as it was asked for.
    pub fn simulation(&self) -> sim::Options {
        let usual = simulation(self.sim_speed);
        sim::Options { baud: self.baud.unwrap_or(usual.baud), ..usual }
    }
}

/// How a simulated machine is: as workshops have them.
pub fn simulation(speed: f64) -> sim::Options {
    sim::Options {
        speed: if speed.is_finite() && speed > 0.0 { speed } else { 1.0 },
        ..sim::Options::workshop()
    }
}

/// Returns how the session behaves with this machine.
fn session_options(machine: Option<&Machine>, how: &HowArgs) -> Options {
    let usual = Options::default();
    let controller = machine.map(|m| m.controller.clone()).unwrap_or_default();
    let policy =
        |flag: Option<Pausing>, own: Option<Pause>, usual: Policy| match flag.map(Pause::from).or(own) {
            None => usual,
            Some(Pause::Prompt) => Policy::Prompt,
            Some(Pause::Pass) => Policy::Pass,
            Some(Pause::Skip) => Policy::Skip,
        };
    let tool_change = if how.tool_change.is_none() && !controller.tool_change_lines.is_empty() {
        Policy::Macro(controller.tool_change_lines.iter().map(|l| l.as_bytes().into()).collect())
    } else {
        policy(how.tool_change, controller.tool_change, usual.tool_change)
    };
    Options {
        process: machine.map_or(Process::Spindle, |m| match m.kind {
            MachineKind::Plasma | MachineKind::Laser => Process::Beam,
            MachineKind::Router => Process::Spindle,
            MachineKind::Knife => Process::None,
            MachineKind::Printer => Process::Heaters,
        }),
        retract: machine.map_or(Retract::Never, |m| match m.kind {
            MachineKind::Laser => Retract::Never,
            _ => Retract::By(m.process.safe_height.max(1.0)),
        }),
        stop: policy(how.stop, controller.stop, usual.stop),
        optional_stop: policy(how.optional_stop, controller.optional_stop, usual.optional_stop),
        tool_change,
        filament_change: policy(how.filament_change, controller.filament_change, usual.filament_change),
        ..usual
    }
}

/// Puts the modes in force that the check took for granted, where the controller says that others are.
fn settle_modes(
    link: &mut Link,
    operator: &Operator,
    screen: &mut Screen,
) -> std::result::Result<(), Outcome> {
    let has = |word: &str| link.modes.split(' ').any(|m| m == word);
    let other: Vec<&str> = [("G20", "G21"), ("G91", "G90"), ("G18", "G17"), ("G19", "G17"), ("G93", "G94")]
        .into_iter()
        .filter(|(left, _)| has(left))
        .map(|(_, wanted)| wanted)
        .collect();
    if other.is_empty() {
        return Ok(());
    }
    let text = other.concat();
    screen.say(&format!("the controller was left in other modes: {text} first"));
    link.command(&text, Duration::from_secs(5), operator, screen)
}

/// Returns what is known of places when the first line goes.
fn places(link: &Link, protocol: Protocol) -> Option<Places> {
    let at = link.drive.session.status().work_position_mm()?;
    let start = Start { system: system_of(&link.modes), ..Start::usual(at, true, protocol) };
    protocol.is_realtime().then(|| Places::new(start))
}

/// Returns the work coordinate system that a controller says is in force, in tenths; the first where it says none.
fn system_of(modes: &str) -> u16 {
    let systems = modes.split(' ').filter_map(|word| word.strip_prefix("G5")?.parse::<f64>().ok());
    systems.map(|digit| 500 + (digit * 10.0) as u16).find(|system| (540..600).contains(system)).unwrap_or(540)
}

/// Runs the interpreter ahead of the wire, from where the tool is.
fn ahead(bytes: &Arc<Bytes>, machine: &Machine, link: &Link) -> Result<Ahead> {
    let status = link.drive.session.status();
    let mut context = Context::of(machine);
    if let Some(at) = status.work_position_mm() {
        context.start = at;
    }
    context.machine_zero = status.work_offset_mm.map(|o| o.map(|v| 0.0 - v));
    Ahead::start(bytes, context, machine).context("failed to start a thread")
}

/// Traces the box of the program at safe height.
fn frame(
    link: &mut Link,
    machine: &Machine,
    checked: &Checked,
    operator: &Operator,
    screen: &mut Screen,
) -> std::result::Result<(), Outcome> {
    let Some(e) = checked.extents else { return Ok(()) };
    let mut lines = vec!["G21".to_owned(), "G90".to_owned()];
    if machine.kind != MachineKind::Laser {
        lines.push(format!("G0 Z{:.3}", machine.process.safe_height.max(e.max[2])));
    }
    let corners = [(e.min[0], e.min[1]), (e.max[0], e.min[1]), (e.max[0], e.max[1]), (e.min[0], e.max[1])];
    lines.extend(corners.iter().chain(&corners[..1]).map(|(x, y)| format!("G0 X{x:.3} Y{y:.3}")));
    // A wait of no time is answered when all moves are done.
    lines.push(
        if link.identity.protocol.is_some_and(Protocol::is_numbered) { "M400" } else { "G4 P0.01" }
            .to_owned(),
    );
    screen.say("tracing the bounding box");
    for line in &lines {
        link.command(line, MOVING, operator, screen)?;
    }
    Ok(())
}

/// Returns the bytes of the program as they would go over the wire.
fn dry(bytes: &Bytes, last: u64, protocol: Protocol, options: &Options) -> Vec<u8> {
    let mut out = Vec::new();
    let mut feed = Feed {
        lines: Lines::new(bytes),
        ahead: None,
        last,
        places: None,
        protocol,
        text: Vec::new(),
        before: VecDeque::new(),
        prefix: "",
    };
    let mut number = 0u64;
    let mut numbered = |text: &[u8], out: &mut Vec<u8>| {
        if protocol.is_numbered() {
            let line = [format!("N{number} ").as_bytes(), text].concat();
            let sum = line.iter().fold(0, |sum, b| sum ^ b);
            out.extend_from_slice(&line);
            out.extend_from_slice(format!("*{sum}").as_bytes());
            number += 1;
        } else {
            out.extend_from_slice(text);
        }
        out.push(b'\n');
    };
    if protocol.is_numbered() {
        numbered(b"M110 N0", &mut out);
    }
    while let Some(line) = feed.next() {
        match session::pieces(&line.text, options, Some(protocol)) {
            None => numbered(&line.text, &mut out),
            Some(pieces) => {
                for piece in &pieces {
                    // Where it waits for a person, nothing goes.
                    if let Piece::Own(text) | Piece::Beside(text) = piece {
                        numbered(text, &mut out);
                    }
                }
            }
        }
    }
    out
}

/// Says what the job is, for whoever resumes it.
fn describe(
    args: &SendArgs,
    source: &Source,
    checked: &Checked,
    machine: &Machine,
    link: &Link,
    wanted: &Wanted,
) -> Description {
    let mut options = BTreeMap::from([("baud".to_owned(), wanted.baud.to_string())]);
    let protocol = link.identity.protocol.map(connect::protocol_name).unwrap_or_default();
    options.insert("protocol".to_owned(), protocol.to_owned());
    options.insert("firmware".to_owned(), link.identity.firmware.clone());
    let status = link.drive.session.status();
    if let Some([x, y, z]) = status.work_position_mm() {
        options.insert("start".to_owned(), format!("{x},{y},{z}"));
    }
    if args.wire.machine.is_some() {
        options.insert("named".to_owned(), "yes".to_owned());
    }
    args.how.remember(&mut options);
    if let Some(asked) = args.wire.protocol.protocol() {
        options.insert("asked".to_owned(), connect::protocol_name(asked).to_owned());
    }
    let name = args.wire.machine.clone().unwrap_or_else(|| machine.name.clone());
    description(source, checked.last, name, link.port.clone(), options)
}

fn description(
    source: &Source,
    lines: u64,
    machine: String,
    port: String,
    options: BTreeMap<String, String>,
) -> Description {
    let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Description {
        created_s: created.map_or(0, |d| d.as_secs()),
        program: source.path.clone(),
        sha256: source.sha256.clone(),
        bytes: source.bytes.len() as u64,
        lines,
        machine,
        port,
        options,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        how: HowArgs,
    }

    fn how(flags: &[&str]) -> HowArgs {
        Line::try_parse_from([&["send"], flags].concat()).expect("known flags").how
    }

    #[test]
    fn a_later_attempt_remembers_the_flags_of_the_first_unless_it_has_its_own() {
        let first = ["--stop", "skip", "--tool-change", "pass", "--door", "go-on", "--hold-timeout", "60"];
        let mut options = BTreeMap::new();
        how(&first).remember(&mut options);
        let later = how(&["--stop", "prompt"]).recall(&options);
        assert_eq!((later.stop, later.tool_change), (Some(Pausing::Prompt), Some(Pausing::Pass)));
        assert_eq!((later.optional_stop, later.door, later.hold_timeout), (None, Some(Door::GoOn), Some(60)));
    }
}
