//! Progress on the terminal: a bar that appears only when work takes longer than a moment.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shop_report::{Cancelled, Progress};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Work shorter than this shows no bar at all.
const PATIENCE: Duration = Duration::from_millis(700);

/// Draws one bar per stage on standard error when it is a terminal, else nothing.
pub struct Ticker {
    begun: Instant,
    bar: Option<Mutex<ProgressBar>>,
}

impl Ticker {
    /// Returns a ticker; `quiet` draws nothing.
    pub fn new(quiet: bool) -> Self {
        let draw = !quiet && std::io::stderr().is_terminal();
        Ticker { begun: Instant::now(), bar: draw.then(|| Mutex::new(hidden_bar())) }
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        if let Some(Ok(bar)) = self.bar.as_ref().map(Mutex::lock) {
            bar.finish_and_clear();
        }
    }
}

fn hidden_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{msg:12} {bar:32} {percent:>3}% {elapsed}") {
        bar.set_style(style);
    }
    bar
}

impl Progress for Ticker {
    fn begin(&self, stage: &'static str, total: u64) {
        if let Some(Ok(bar)) = self.bar.as_ref().map(Mutex::lock) {
            bar.set_length(total.max(1));
            bar.set_position(0);
            bar.set_message(stage);
        }
    }

    fn advance(&self, items: u64) -> Result<(), Cancelled> {
        // Before the moment has passed nothing is drawn, so that the fast path pays one clock reading.
        if self.bar.is_some()
            && self.begun.elapsed() > PATIENCE
            && let Some(Ok(bar)) = self.bar.as_ref().map(Mutex::try_lock)
        {
            if bar.is_hidden() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.inc(items);
        }
        Ok(())
    }
}
