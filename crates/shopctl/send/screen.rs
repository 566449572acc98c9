//! What a job looks like while it runs: a bar by time on a terminal, plain lines in a log, events for a script.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use shop_controller::session::{State, Status};
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// A bar is drawn no more often.
const DRAW_EVERY: Duration = Duration::from_millis(250);
/// An event of progress is told no more often.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// A log gets a line after so much of the job, percent, or after so much time.
const LOG_PERCENT: f64 = 10.0;
const LOG_EVERY: Duration = Duration::from_mins(1);

/// How far a job is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Last line of the file that the controller took.
    pub line: u64,
    /// Lines of the file.
    pub lines: u64,
    /// Seconds of the program that are behind, as planned.
    pub done_s: f64,
    /// Seconds of all of it, as planned.
    pub total_s: f64,
    /// Time since the first line.
    pub elapsed: Duration,
}

impl Progress {
    /// Returns how much is done, by time, percent.
    pub fn percent(&self) -> f64 {
        if self.total_s > 0.0 {
            (100.0 * self.done_s / self.total_s).clamp(0.0, 100.0)
        } else {
            100.0 * self.line as f64 / (self.lines.max(1)) as f64
        }
    }

    /// Returns what is left, s: the plan, corrected by how the job went so far.
    pub fn left_s(&self) -> f64 {
        let left = (self.total_s - self.done_s).max(0.0);
        // A machine that was held, slowed down or sped up goes on like that; at the start the plan is all there is.
        let weight = (self.done_s / 30.0).min(1.0);
        let pace = if self.done_s > 0.0 { self.elapsed.as_secs_f64() / self.done_s } else { 1.0 };
        left * (1.0 - weight + weight * pace.clamp(0.1, 10.0))
    }
}

enum Look {
    Bar(ProgressBar),
    Log { percent: f64, at: Instant },
    Json,
    Nothing,
}

/// Tells how a job goes.
pub struct Screen {
    look: Look,
    /// Told besides the progress, for people.
    talks: bool,
    next: Instant,
}

impl Screen {
    /// Returns what suits the streams: events on standard output for `json`, else a bar on a terminal, else lines on
    /// standard error.
    pub fn new(json: bool, quiet: bool) -> Screen {
        let look = if json {
            Look::Json
        } else if quiet {
            Look::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::hidden());
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
                bar.set_style(style);
            }
            Look::Bar(bar)
        } else {
            Look::Log { percent: 0.0, at: Instant::now() }
        };
        Screen { look, talks: !json && !quiet, next: Instant::now() }
    }

    /// The job begins: the bar appears.
    pub fn begin(&mut self) {
        if let Look::Bar(bar) = &self.look {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        }
    }

    /// Tells something for people, above the bar.
    pub fn say(&self, text: &str) {
        match &self.look {
            Look::Bar(bar) if !bar.is_hidden() => bar.println(text),
            _ if self.talks => note(text),
            _ => {}
        }
    }

    /// Tells something for scripts.
    pub fn event(&self, event: &Value) {
        if matches!(self.look, Look::Json) {
            // A reader that has gone is no reason to leave the machine alone.
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{event}").and_then(|()| out.flush());
        }
    }

    /// Returns when it wants to be told how far the job is.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Tells how far the job is, as often as it makes sense; at once when `now`.
    pub fn progress(&mut self, p: &Progress, status: &Status, now: bool) {
        let time = Instant::now();
        if time < self.next && !now {
            return;
        }
        self.next = time + if matches!(self.look, Look::Bar(_)) { DRAW_EVERY } else { TELL_EVERY };
        match &mut self.look {
            Look::Bar(bar) => {
                bar.set_position((p.percent() * 10.0) as u64);
                bar.set_message(line(p, status));
            }
            Look::Log { percent, at } => {
                let enough = p.percent() >= *percent + LOG_PERCENT || time >= *at + LOG_EVERY;
                if enough || now {
                    (*percent, *at) = (p.percent(), time);
                    note(&line(p, status));
                }
            }
            Look::Json => {
                let mut event = json!({
                    "event": "progress",
                    "line": p.line,
                    "lines": p.lines,
                    "percent": (p.percent() * 10.0).round() / 10.0,
                    "elapsed_s": tenth(p.elapsed.as_secs_f64()),
                    "left_s": tenth(p.left_s()),
                });
                status_json(status, &mut event);
                self.event(&event);
            }
            Look::Nothing => {}
        }
    }

    /// Takes the bar off the screen.
    pub fn clear(&mut self) {
        if let Look::Bar(bar) = &self.look {
            bar.finish_and_clear();
        }
    }
}

/// Writes a line on standard error; a terminal that has gone is no reason to fall.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn tenth(v: f64) -> f64 {
    (v * 10.0).round() / 10.0
}

/// Adds what the machine says of itself.
pub fn status_json(status: &Status, event: &mut Value) {
    if let Some(state) = status.state {
        event["state"] = state_name(state).into();
    }
    if let Some(at) = status.machine_position_mm {
        event["machine_position_mm"] = json!(at);
    }
    if let Some(at) = status.work_position_mm() {
        event["work_position_mm"] = json!(at.map(|v| (v * 1e4).round() / 1e4));
    }
    if let Some(feed) = status.feed_mm_per_min {
        event["feed_mm_per_min"] = json!(feed);
    }
    if let Some(overrides) = status.overrides_percent {
        event["overrides_percent"] = json!(overrides);
    }
    for (heater, is_c, wanted_c) in &status.heaters_c {
        event["heaters_c"][heater] = json!([is_c, wanted_c]);
    }
}

/// Returns the name of a state.
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Unknown => "unknown",
        State::Idle => "idle",
        State::Run => "run",
        State::Hold(_) => "hold",
        State::Jog => "jog",
        State::Home => "home",
        State::Alarm => "alarm",
        State::Door(_) => "door",
        State::Check => "check",
        State::Sleep => "sleep",
        State::Tool => "tool",
    }
}

/// The line beside the bar: percent by time, what is behind and ahead, what the machine does.
fn line(p: &Progress, status: &Status) -> String {
    use std::fmt::Write as _;
    let clock = |s: f64| {
        let s = s.round() as u64;
        if s < 3600 {
            format!("{}:{:02}", s / 60, s % 60)
        } else {
            format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
        }
    };
    let mut out = format!(
        "{:.0} % · line {} of {} · {} gone, about {} left",
        p.percent().floor(),
        p.line,
        p.lines,
        clock(p.elapsed.as_secs_f64()),
        clock(p.left_s()),
    );
    if let Some(state) = status.state {
        let _ = write!(out, " · {}", state_name(state));
    }
    if let Some(feed) = status.feed_mm_per_min.filter(|f| *f > 0.0) {
        let _ = write!(out, " F{feed:.0}");
    }
    for (heater, is_c, wanted_c) in status.heaters_c.iter().filter(|h| h.2 > 0.0) {
        let _ = write!(out, " · {heater} {is_c:.0}/{wanted_c:.0} °C");
    }
    let names = ["feed", "rapid", "spindle"];
    for (name, percent) in names.iter().zip(status.overrides_percent.unwrap_or([100; 3])) {
        if percent != 100 {
            let _ = write!(out, " · {name} {percent} %");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_the_pace_of_the_machine() {
        let at = |elapsed, done_s| {
            Progress { total_s: 1000.0, done_s, elapsed: Duration::from_secs(elapsed), ..Progress::default() }
                .left_s()
        };
        assert_eq!(at(0, 0.0), 1000.0);
        assert_eq!(at(500, 500.0), 500.0);
        assert_eq!(at(1000, 500.0), 1000.0);
    }

    #[test]
    fn the_line_says_what_differs_from_the_plan() {
        let p =
            Progress { line: 5, lines: 10, done_s: 30.0, total_s: 60.0, elapsed: Duration::from_secs(30) };
        let status =
            Status { state: Some(State::Run), overrides_percent: Some([80, 100, 100]), ..Status::default() };
        assert_eq!(line(&p, &status), "50 % · line 5 of 10 · 0:30 gone, about 0:30 left · run · feed 80 %");
    }
}
