//! `shopctl machine jog`, `home`, `zero`, `probe` and `unlock`: the machine by hand.

use super::live::{Ended, Live, SOON, place, usage, with};
use super::status::broken;
use crate::exit;
use crate::send::WireArgs;
use crate::send::outcome::Outcome;
use clap::Args;
use shop_controller::session::{Event, Jog, Protocol, State, Status};
use std::io::Write;
use std::time::{Duration, Instant};

/// How long homing may take.
const HOMING: Duration = Duration::from_mins(5);
/// How long a jog may take beyond what it should.
const SPARE: Duration = Duration::from_secs(10);
/// No jog is longer, where nobody says how large the machine is, mm.
const LONGEST: f64 = 1000.0;
/// The letters of the axes.
const AXES: [char; 3] = ['X', 'Y', 'Z'];

/// A move by hand.
#[derive(Args, Clone, Debug)]
pub struct JogArgs {
    /// Axes and distances in mm: X10 Y-5
    #[arg(value_name = "AXIS", required = true)]
    axes: Vec<String>,
    /// How fast
    #[arg(long, value_name = "FEED")]
    feed_mm_per_min: f64,
    /// The axes are a place in work coordinates, not distances
    #[arg(long)]
    absolute: bool,
    #[command(flatten)]
    wire: WireArgs,
}

/// Homing.
#[derive(Args, Clone, Debug)]
pub struct HomeArgs {
    #[command(flatten)]
    wire: WireArgs,
}

/// The lock.
#[derive(Args, Clone, Debug)]
pub struct UnlockArgs {
    #[command(flatten)]
    wire: WireArgs,
}

/// The work zero.
#[derive(Args, Clone, Debug)]
pub struct ZeroArgs {
    /// Axes: X, Y, Z, or all; with a number the place is called that: Z15
    #[arg(value_name = "AXIS", required = true)]
    axes: Vec<String>,
    #[command(flatten)]
    wire: WireArgs,
}

/// A touch.
#[derive(Args, Clone, Debug)]
pub struct ProbeArgs {
    /// Axis and how far to look at most, mm: Z-20
    #[arg(value_name = "AXIS")]
    axis: String,
    /// How fast
    #[arg(long, value_name = "FEED", default_value_t = 60.0)]
    feed_mm_per_min: f64,
    /// Put the work zero of the axis so that the place of contact is called that: the thickness of the plate
    #[arg(long, value_name = "MM")]
    plate_mm: Option<f64>,
    /// Go back by so much after contact
    #[arg(long, value_name = "MM", default_value_t = 2.0)]
    retract_mm: f64,
    #[command(flatten)]
    wire: WireArgs,
}

/// Reads `X10`; a letter alone has no number.
fn axis_word(word: &str) -> Option<(usize, Option<f64>)> {
    let letter = word.chars().next()?.to_ascii_uppercase();
    let axis = AXES.iter().position(|a| *a == letter)?;
    let rest = word[1..].trim_start_matches('=');
    if rest.is_empty() {
        return Some((axis, None));
    }
    let value: f64 = rest.parse().ok().filter(|v: &f64| v.is_finite())?;
    Some((axis, Some(value)))
}

/// Reads axis words, each axis once.
fn axes(words: &[String], numbers: bool) -> Result<[Option<f64>; 3], Outcome> {
    let mut found = [None; 3];
    for word in words {
        let (axis, value) =
            axis_word(word).ok_or_else(|| usage(format!("`{word}` is no axis; write X10, Y-5 or Z0.5")))?;
        if found[axis].is_some() {
            return Err(usage(format!("{} stands twice", AXES[axis])));
        }
        if numbers && value.is_none() {
            return Err(usage(format!("`{word}` has no distance")));
        }
        found[axis] = Some(value.unwrap_or(0.0));
    }
    Ok(found)
}

fn feed(value: f64) -> Result<f64, Outcome> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(usage("the feed must be above zero")) }
}

fn say(out: &mut dyn Write, text: &str) -> Result<(), Outcome> {
    writeln!(out, "{text}").map_err(|e| broken(&e))
}

fn stands(status: &Status) -> String {
    match (status.work_position_mm(), status.machine_position_mm) {
        (Some(work), Some(machine)) => format!("work {}, machine {}", place(work), place(machine)),
        (_, Some(machine)) => format!("machine {}", place(machine)),
        _ => "somewhere it does not say".into(),
    }
}

/// Runs `jog`.
pub fn jog(args: &JogArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let asked = axes(&args.axes, true).and_then(|axes_mm| {
        Ok(Jog { axes_mm, absolute: args.absolute, feed_mm_per_min: feed(args.feed_mm_per_min)? })
    });
    match asked {
        Err(outcome) => Ok(super::live::tell(&outcome)),
        Ok(jog) => with(&args.wire, false, |live| move_by_hand(live, &jog, out)),
    }
}

fn move_by_hand(live: &mut Live, jog: &Jog, out: &mut dyn Write) -> Ended {
    let status = live.look()?;
    if !matches!(status.state, Some(State::Idle | State::Jog) | None) {
        return Err(not_at_rest(&status));
    }
    let way = distance(jog, &status)?;
    bounded(live, jog, way)?;
    let most = Duration::from_secs_f64(way.iter().map(|d| d.abs()).sum::<f64>() / jog.feed_mm_per_min * 60.0)
        + SPARE;
    let now = live.link.drive.now();
    live.link.drive.session.jog(now, jog);
    let moved = answered(live).and_then(|()| live.rest(most));
    match moved {
        Err(end) if end.code == exit::INTERRUPTED => {
            let status = cancel(live)?;
            say(out, &format!("stopped at {}", stands(&status)))?;
            Ok(exit::INTERRUPTED)
        }
        Err(end) => Err(end),
        Ok(status) => {
            say(out, &stands(&status))?;
            Ok(exit::DONE)
        }
    }
}

/// Waits for the answers to everything that a jog is made of.
fn answered(live: &mut Live) -> Result<(), Outcome> {
    let lines = if live.protocol().is_counted() { 1 } else { 4 };
    for _ in 0..lines {
        live.answer("the jog", SOON + SPARE)?;
    }
    Ok(())
}

fn not_at_rest(status: &Status) -> Outcome {
    let state = status.state.map_or("unknown", crate::send::screen::state_name);
    Outcome {
        hint: Some("`shopctl machine status` tells more; `home` or `unlock` take an alarm off".into()),
        ..Outcome::other(exit::CHECK, "not-ready", format!("the machine is not at rest: {state}"))
    }
}

/// Returns how far each axis goes.
fn distance(jog: &Jog, status: &Status) -> Result<[f64; 3], Outcome> {
    let at = status.work_position_mm().or_else(|| status.machine_position_mm.filter(|_| !jog.absolute));
    let mut way = [0.0; 3];
    for axis in 0..3 {
        way[axis] = match (jog.axes_mm[axis], jog.absolute, at) {
            (None, ..) => 0.0,
            (Some(v), false, _) => v,
            (Some(v), true, Some(at)) => v - at[axis],
            (Some(_), true, None) => {
                return Err(usage("the machine does not say where it is; jog by distances"));
            }
        };
    }
    Ok(way)
}

/// A slip of the finger must not send the machine into its frame.
fn bounded(live: &Live, jog: &Jog, way: [f64; 3]) -> Result<(), Outcome> {
    for axis in 0..3 {
        let theirs = live.link.settings.number(&format!("${}", 130 + axis));
        let ours =
            live.machine.as_ref().map(|m| m.axes[axis].max - m.axes[axis].min).filter(|t| *t < 30_000.0);
        let travel = [theirs, ours].into_iter().flatten().reduce(f64::min).unwrap_or(LONGEST);
        if way[axis].abs() > travel {
            let text = format!(
                "{} would go {:.3} mm, and the axis is {travel} mm long",
                AXES[axis],
                way[axis].abs()
            );
            let hint = if jog.absolute { "is the work zero where it should be?" } else { "jog less far" };
            return Err(Outcome { hint: Some(hint.into()), ..Outcome::other(exit::CHECK, "too-far", text) });
        }
    }
    Ok(())
}

/// Ends a jog, and waits until the machine stands.
fn cancel(live: &mut Live) -> Result<Status, Outcome> {
    let now = live.link.drive.now();
    live.link.drive.session.jog_cancel(now);
    let end = Instant::now() + SPARE;
    loop {
        // The person was heard; what is left is to see it stop.
        let events = live.turn(Duration::from_millis(50))?;
        let still = events.iter().rev().find_map(|e| match e {
            Event::Status(s) if !matches!(s.state, Some(State::Jog | State::Run)) => Some(s.clone()),
            _ => None,
        });
        if let Some(status) = still {
            return Ok(status);
        }
        if Instant::now() > end {
            return Ok(live.status().clone());
        }
        let now = live.link.drive.now();
        live.link.drive.session.query_status(now);
    }
}

/// Runs `home`.
pub fn home(args: &HomeArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    with(&args.wire, false, |live| {
        let now = live.link.drive.now();
        live.link.drive.session.home(now);
        if let Err(end) = live.answer("homing", HOMING) {
            if end.code == exit::INTERRUPTED {
                // Nothing else ends a homing cycle.
                let now = live.link.drive.now();
                live.link.drive.session.reset(now);
                let _ = live.turn(Duration::from_millis(200));
            }
            return Err(end);
        }
        let status = live.look()?;
        say(out, &format!("homed: {}", stands(&status)))?;
        Ok(exit::DONE)
    })
}

/// Runs `unlock`.
pub fn unlock(args: &UnlockArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    with(&args.wire, false, |live| {
        let before = live.look()?;
        let now = live.link.drive.now();
        live.link.drive.session.unlock(now);
        live.answer("unlock", SOON)?;
        let status = live.look()?;
        if status.state == Some(State::Alarm) {
            let hint = "a limit switch may still be pressed; after a limit the controller wants a reset (Ctrl-X in the console)";
            return Err(Outcome {
                hint: Some(hint.into()),
                ..Outcome::other(exit::ALARM, "alarm", "the machine is still locked".into())
            });
        }
        if before.state == Some(State::Alarm) {
            say(out, "unlocked; the machine may not be where it believes to be: home it if it can")?;
        } else {
            say(out, "the machine was not locked")?;
        }
        Ok(exit::DONE)
    })
}

/// Runs `zero`.
pub fn zero(args: &ZeroArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let words: Vec<String> = match args.axes.as_slice() {
        [all] if all.eq_ignore_ascii_case("all") => AXES.iter().map(char::to_string).collect(),
        words => words.to_vec(),
    };
    let wanted = match axes(&words, false) {
        Ok(wanted) => wanted,
        Err(outcome) => return Ok(super::live::tell(&outcome)),
    };
    with(&args.wire, false, |live| {
        let status = live.look()?;
        if !matches!(status.state, Some(State::Idle) | None) {
            return Err(not_at_rest(&status));
        }
        let status = call_it(live, wanted)?;
        say(out, &stands(&status))?;
        Ok(exit::DONE)
    })
}

/// Calls the place where the machine stands so in work coordinates, and sees that it took.
fn call_it(live: &mut Live, wanted: [Option<f64>; 3]) -> Result<Status, Outcome> {
    let named = AXES.iter().zip(wanted).filter_map(|(axis, v)| Some(format!("{axis}{:.4}", v?)));
    let words = named.collect::<Vec<_>>().join(" ");
    let modes = modal(live);
    let line = match live.protocol() {
        Protocol::Marlin => format!("G92 {words}"),
        _ => format!("G21 G10 L20 P0 {words}"),
    };
    live.ask(&line, SOON)?;
    put_back(live, &modes)?;
    let end = Instant::now() + SOON;
    loop {
        let status = live.look()?;
        // Marlin tells work coordinates only.
        let told = status.machine_position_mm.filter(|_| live.protocol().is_numbered());
        let right = status
            .work_position_mm()
            .or(told)
            .is_some_and(|at| (0..3).all(|i| wanted[i].is_none_or(|v| (at[i] - v).abs() < 0.0015)));
        if right {
            return Ok(status);
        }
        if Instant::now() > end {
            let text = "the controller took the new zero, and does not tell it";
            return Err(Outcome::other(exit::UNSURE, "unsure", text.into()));
        }
    }
}

/// Returns the words that put units and distance mode back as they are.
fn modal(live: &Live) -> Vec<&'static str> {
    let has = |word: &str| live.link.modes.split(' ').any(|m| m == word);
    ["G20", "G91"].into_iter().filter(|word| has(word)).collect()
}

fn put_back(live: &mut Live, modes: &[&str]) -> Result<(), Outcome> {
    if modes.is_empty() { Ok(()) } else { live.ask(&modes.join(" "), SOON).map(|_| ()) }
}

/// Runs `probe`.
pub fn probe(args: &ProbeArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let asked = match axis_word(&args.axis) {
        Some((axis, Some(way))) if way != 0.0 => Ok((axis, way)),
        _ => Err(usage(format!("`{}` is no way to look; write Z-20", args.axis))),
    };
    let asked = asked.and_then(|(axis, way)| {
        let retract = args.retract_mm;
        let sound = (0.0..=100.0).contains(&retract) && args.plate_mm.is_none_or(f64::is_finite);
        if sound {
            Ok((axis, way, feed(args.feed_mm_per_min)?))
        } else {
            Err(usage("that is no retract or plate"))
        }
    });
    match asked {
        Err(outcome) => Ok(super::live::tell(&outcome)),
        Ok((axis, way, feed)) => with(&args.wire, false, |live| touch(live, args, axis, way, feed, out)),
    }
}

fn touch(live: &mut Live, args: &ProbeArgs, axis: usize, way: f64, feed: f64, out: &mut dyn Write) -> Ended {
    let status = live.look()?;
    if !matches!(status.state, Some(State::Idle) | None) {
        return Err(not_at_rest(&status));
    }
    let mut axes_mm = [None; 3];
    axes_mm[axis] = Some(way);
    let jog = Jog { axes_mm, absolute: false, feed_mm_per_min: feed };
    bounded(live, &jog, distance(&jog, &status)?)?;
    let letter = AXES[axis];
    let most = Duration::from_secs_f64(way.abs() / feed * 60.0) + SPARE;
    let modes = modal(live);
    let said = live.ask(&format!("G21 G91 G38.2 {letter}{way:.3} F{feed:.1}"), most);
    let said = match said {
        Err(end) if end.code == exit::INTERRUPTED => {
            let now = live.link.drive.now();
            live.link.drive.session.stop(now);
            let _ = live.turn(Duration::from_secs(2));
            return Err(end);
        }
        other => other?,
    };
    let contact = said.iter().find_map(|line| contact(line));
    // An alarm locks the machine: nothing is put back then.
    let Some(contact) = contact else {
        let text = said.iter().find(|l| l.starts_with("ALARM")).cloned().unwrap_or_default();
        let meaning = shop_controller::codes::decode(live.protocol(), &text).map_or(text, |d| d.to_string());
        return Err(Outcome::other(exit::ALARM, "alarm", format!("nothing was touched: {meaning}")));
    };
    let back = if modes.contains(&"G91") { &modes[..] } else { &["G90"][..] };
    live.ask(&back.join(" "), SOON)?;
    let mut status = live.rest(SPARE)?;
    say(out, &format!("touched at machine {}", place(contact)))?;
    if let (Some(plate), Some(at)) = (args.plate_mm, status.machine_position_mm) {
        let mut wanted = [None; 3];
        wanted[axis] = Some(plate + at[axis] - contact[axis]);
        status = call_it(live, wanted)?;
    }
    if args.retract_mm > 0.0 {
        let mut axes_mm = [None; 3];
        axes_mm[axis] = Some(-way.signum() * args.retract_mm);
        let now = live.link.drive.now();
        let jog = Jog { axes_mm, absolute: false, feed_mm_per_min: feed.max(300.0) };
        live.link.drive.session.jog(now, &jog);
        answered(live)?;
        status = live.rest(SPARE)?;
    }
    say(out, &stands(&status))?;
    Ok(exit::DONE)
}

/// Reads `[PRB:1.000,2.000,-3.000:1]`, if something was touched.
fn contact(line: &str) -> Option<[f64; 3]> {
    let (place, touched) = line.strip_prefix("[PRB:")?.trim_end_matches(']').rsplit_once(':')?;
    let mut numbers = place.split(',').map(|v| v.parse().ok());
    let mut next = || numbers.next().flatten();
    let place = [next()?, next()?, next()?];
    (touched == "1").then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_read_once_each() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(axes(&words(&["X10", "z-0.5"]), true).expect("sound"), [Some(10.0), None, Some(-0.5)]);
        assert_eq!(axes(&words(&["Y"]), false).expect("sound"), [None, Some(0.0), None]);
        for bad in [&["A1"][..], &["X"], &["X1", "X2"], &["Xnan"], &["10"], &["Xinf"], &[""], &["é1"]] {
            assert!(axes(&words(bad), true).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_contact_is_read_only_if_there_was_one() {
        assert_eq!(contact("[PRB:1.000,2.500,-3.000:1]"), Some([1.0, 2.5, -3.0]));
        assert_eq!(contact("[PRB:1.000,2.500,-3.000:0]"), None);
        assert_eq!(contact("[MSG:hello]"), None);
    }
}
