//! How long answers may be left unread.
//!
//! At 115200 baud a controller answers every two milliseconds, and to be woken for each answer is most of what a sender
//! costs. While enough lines are in flight to keep the wire busy, several answers can be read at once. How long that is
//! depends on the wire, which nobody knows: so it is felt out. Was most of the window still in flight when the answers
//! were read, the next pause is a little longer; was little left, it is shorter or none at all.
//!
//! ```text
//!  in flight  ████▇▆▅▄▄████▇▆▅▄▄████      half a window is never used up by waiting
//!                      │read, refill
//! ```
//!
//! A wish of the operator does not wait for it: whoever waits is woken by it.

use std::time::Duration;

use super::{Link, Session, Stage};

/// The longest pause: half the time that the 128 bytes of a GRBL take on a wire of 115200 baud, less what a busy computer
/// may be late.
const MOST: Duration = Duration::from_millis(4);
/// How much longer a pause becomes at a time.
const STEP: Duration = Duration::from_micros(250);

/// Feels out how long a pause may be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calm {
    pause: Duration,
    until: Duration,
}

impl Calm {
    /// Answers were read, and so many bytes of a window are still in flight.
    fn read(&mut self, now: Duration, left: usize, window: usize) {
        self.pause = match left * 4 {
            much if much >= window * 2 => (self.pause + STEP).min(MOST),
            some if some >= window => self.pause / 2,
            _ => Duration::ZERO,
        };
        self.until = now + self.pause;
    }
}

impl Session {
    /// Returns until when nothing that comes in can matter: answers that come before may be read then. Nothing, when they
    /// are to be read as they come.
    pub fn calm(&self) -> Option<Duration> {
        // Only while a line waits for room: else there is something to send.
        let streams = matches!(self.stage, Stage::Running) && !self.queue.is_empty();
        let minds = self.hold.is_feed_stopped() || self.hold.is_told() || self.doubts();
        (streams && !minds && self.calm.until > self.now).then_some(self.calm.until)
    }

    /// Returns how many bytes of lines were ever handed to the wire, where bytes are counted.
    pub(crate) fn handed_over(&self) -> u64 {
        match &self.link {
            Link::Counted(ledger) => ledger.pushed(),
            Link::Numbered(_) => 0,
        }
    }

    /// Returns how many bytes of lines were ever handed to the wire and answered, where bytes are counted.
    pub(crate) fn answered_bytes(&self) -> u64 {
        match &self.link {
            Link::Counted(ledger) => ledger.pushed() - ledger.bytes() as u64,
            Link::Numbered(_) => 0,
        }
    }

    /// Something was read; `before` is what had been handed over then, `answered` how much of it had been answered.
    pub(crate) fn calm_down(&mut self, before: u64, answered: u64) {
        let Link::Counted(ledger) = &self.link else { return };
        if self.answered_bytes() == answered {
            // Only a report came: it says nothing of how fast lines are taken.
            return;
        }
        let window = if ledger.single { 0 } else { ledger.window };
        // The ledger may be another one now: that of the protocol that was found out.
        let fresh = ledger.pushed().saturating_sub(before) as usize;
        let left = ledger.bytes().saturating_sub(fresh);
        if window == 0 {
            self.calm = Calm::default();
        } else {
            self.calm.read(self.now, left, window);
        }
    }
}
