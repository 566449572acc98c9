//! `shopctl machine status`: what the machine is doing, once or again and again.

use super::live::{Ended, Live, place, with};
use crate::exit;
use crate::send::WireArgs;
use crate::send::connect::protocol_name;
use crate::send::outcome::Outcome;
use crate::send::screen::{state_name, status_json};
use clap::Args;
use serde_json::json;
use shop_controller::session::Status;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write};
use std::time::Duration;

/// Which machine, and how often.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    wire: WireArgs,
    /// Go on until Ctrl-C, this often
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "0.5")]
    watch: Option<f64>,
    /// Print as JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: &StatusArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    with(&args.wire, false, |live| match args.watch {
        None => once(live, args.json, out),
        Some(seconds) => watch(live, args.json, seconds.clamp(0.05, 3600.0), out),
    })
}

fn once(live: &mut Live, json: bool, out: &mut dyn Write) -> Ended {
    let status = live.look()?;
    let text = if json { as_json(live, &status) } else { in_words(live, &status) };
    out.write_all(text.as_bytes()).map_err(|e| broken(&e))?;
    Ok(exit::DONE)
}

fn watch(live: &mut Live, json: bool, seconds: f64, out: &mut dyn Write) -> Ended {
    let on_terminal = std::io::stdout().is_terminal() && !json;
    let mut last = String::new();
    let ended = loop {
        let status = match live.look() {
            Ok(status) => status,
            Err(end) if end.code == exit::INTERRUPTED => break Ok(exit::DONE),
            Err(end) => break Err(end),
        };
        let text = if json { as_json(live, &status) } else { in_a_line(&status) + "\n" };
        if text != last {
            let drawn = if on_terminal { format!("\r\x1b[K{}", text.trim_end()) } else { text.clone() };
            out.write_all(drawn.as_bytes()).and_then(|()| out.flush()).map_err(|e| broken(&e))?;
            last = text;
        }
        match live.wait(Duration::from_secs_f64(seconds), |_, _| None::<()>) {
            Err(end) if end.code == exit::INTERRUPTED => break Ok(exit::DONE),
            Err(end) => break Err(end),
            Ok(_) => {}
        }
    };
    if on_terminal {
        let _ = writeln!(out);
    }
    ended
}

/// Standard output has gone; that is how `| head` ends.
pub fn broken(error: &std::io::Error) -> Outcome {
    Outcome::other(exit::INTERNAL, "internal", format!("failed to write: {error}"))
}

fn as_json(live: &Live, status: &Status) -> String {
    let mut value = json!({
        "port": live.link.port,
        "firmware": live.firmware(),
        "protocol": protocol_name(live.protocol()),
    });
    status_json(status, &mut value);
    value["work_offset_mm"] = json!(status.work_offset_mm);
    value["rpm"] = json!(status.rpm);
    value["pins"] = json!(status.pins);
    value["room"] = json!(status.room);
    format!("{value}\n")
}

fn in_words(live: &Live, status: &Status) -> String {
    let mut out = format!("{} on {}\n", live.firmware(), live.link.place);
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "{name:<12}{text}");
    };
    if let Some(state) = status.state {
        line("state", state_name(state).into());
    }
    if let Some(at) = status.machine_position_mm {
        line("machine", place(at));
    }
    if let Some(at) = status.work_position_mm() {
        line("work", place(at));
    }
    if let Some(at) = status.work_offset_mm {
        line("work zero", place(at));
    }
    if let Some(feed) = status.feed_mm_per_min {
        line("feed", format!("{feed:.0} mm/min"));
    }
    if let Some(rpm) = status.rpm {
        line("spindle", format!("{rpm:.0} rpm"));
    }
    if let Some([feed, rapid, spindle]) = status.overrides_percent {
        line("overrides", format!("feed {feed} %, rapid {rapid} %, spindle {spindle} %"));
    }
    for (heater, is_c, wanted_c) in &status.heaters_c {
        line(heater, format!("{is_c:.1} of {wanted_c:.1} °C"));
    }
    if !status.pins.is_empty() {
        line("active pins", status.pins.clone());
    }
    out
}

/// The same in one line, for watching.
pub fn in_a_line(status: &Status) -> String {
    let mut out = status.state.map_or("", state_name).to_owned();
    if let Some(at) = status.work_position_mm() {
        let _ = write!(out, " · work {}", place(at));
    }
    if let Some(at) = status.machine_position_mm {
        let _ = write!(out, " · machine {}", place(at));
    }
    if let Some(feed) = status.feed_mm_per_min.filter(|f| *f > 0.0) {
        let _ = write!(out, " · F{feed:.0}");
    }
    if let Some(rpm) = status.rpm.filter(|r| *r > 0.0) {
        let _ = write!(out, " · S{rpm:.0}");
    }
    for (heater, is_c, wanted_c) in &status.heaters_c {
        let _ = write!(out, " · {heater} {is_c:.0}/{wanted_c:.0} °C");
    }
    if !status.pins.is_empty() {
        let _ = write!(out, " · pins {}", status.pins);
    }
    // Marlin does not say a state.
    out.trim_start_matches(" · ").to_owned()
}
