//! Numbered lines with checksums, that may be asked for again.
//!
//! Marlin takes line n+1 after line n and nothing else, and says which one it wants when a line is damaged. That makes
//! repetition harmless: a line that was taken already is refused by its number. So answers only pace the stream, and
//! what is proven is proven by numbers: `Resend: n` says that all before n were taken.
//!
//! ```text
//!   kept:   41 42 43 44 | 45 46 | 47 48
//!           taken         in      to be sent
//!                         flight  again
//!                acked ─┘      └─ cursor     └─ end
//! ```
//!
//! One line is in flight, or as many as fit the free places that ADVANCED_OK tells (`ok N12 P15 B3`).

use std::collections::VecDeque;
use std::io::Write as _;
use std::time::Duration;

use super::hear::Taken;
use super::item::{Item, Kind};
use crate::Outbox;

/// Lines that can be asked for again. OctoPrint keeps 50; Marlin never asks for more than its buffers hold.
const KEPT: usize = 64;

/// Bytes in flight beyond the first line: the receive buffer of a Marlin on AVR has 128.
const AHEAD: usize = 127;

/// How long the `ok` that belongs to a `Resend` may take. Some firmwares send none.
const RESEND_OK: Duration = Duration::from_millis(500);

/// How long lines that were on their way at a `Resend` may still cause others.
const SETTLE: Duration = Duration::from_millis(120);

/// What is waited more for each further request for the same line.
const BACK_OFF: Duration = Duration::from_millis(20);

/// Requests that may come while nothing is sent at all.
const STALE: u32 = 64;

/// Requests for the same line in a row that are taken for a broken wire. OctoPrint: 10.
const CONSECUTIVE: u32 = 10;

/// The share of lines that may be asked for again, one in so many, once there are [`FEW`] lines. OctoPrint: 10 %.
const RATIO: u64 = 10;

/// Lines before a share means something.
const FEW: u64 = 100;

/// What a line said about the stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing that matters.
    Nothing,
    /// Sent again from this line of the file.
    Again(u64),
    /// It cannot go on.
    Broken(String),
}

/// Lines that were numbered.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    kept: VecDeque<Kept>,
    /// Number of the first kept line.
    first: i64,
    /// The newest number that was taken.
    acked: i64,
    /// The newest number whose taking was told.
    told: i64,
    /// The next number to send.
    cursor: i64,
    /// Lines that may be in flight.
    credit: i64,
    /// One line at a time until this number is taken: the wire has just failed.
    careful: i64,
    /// A `Resend` came: nothing goes until then.
    hushed: Option<Duration>,
    /// Its `ok` has come.
    hushed_ok: bool,
    /// Requests that came while it was hushed, for the line that will be sent anyway.
    stale: u32,
    /// All bytes handed to the outbox.
    pushed: u64,
    /// Requests in a row for the same line.
    same: u32,
    wanted: i64,
    sent: u64,
    again: u64,
}

#[derive(Clone, Debug)]
struct Kept {
    item: Item,
    /// When it was handed to the outbox last, and where it ends among all bytes pushed.
    at: Duration,
    end: u64,
    bytes: usize,
}

impl Default for Numbered {
    fn default() -> Self {
        Self {
            kept: VecDeque::new(),
            first: 1,
            acked: 0,
            told: 0,
            cursor: 1,
            credit: 1,
            careful: 0,
            hushed: None,
            hushed_ok: false,
            stale: 0,
            pushed: 0,
            same: 0,
            wanted: 0,
            sent: 0,
            again: 0,
        }
    }
}

impl Numbered {
    fn end(&self) -> i64 {
        self.first + self.kept.len() as i64
    }

    fn get(&self, number: i64) -> Option<&Kept> {
        self.kept.get(usize::try_from(number - self.first).ok()?)
    }

    /// Returns the number of lines in flight.
    pub(crate) fn in_flight(&self) -> usize {
        (self.cursor - self.acked - 1) as usize
    }

    /// Returns the lines that are not known to be taken, oldest first.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        (self.acked + 1..self.end()).filter_map(|n| self.get(n)).map(|k| &k.item)
    }

    /// Returns whether all lines were taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.acked + 1 == self.end()
    }

    /// Returns whether the next line may go: nothing has to be repeated first and there is room.
    pub(crate) fn fits(&self, item: &Item) -> bool {
        if self.hushed.is_some() || self.cursor != self.end() {
            return false;
        }
        self.is_empty()
            || !item.alone && !self.items().any(|i| i.alone) && self.has_room(item.text.len() + 16)
    }

    fn has_room(&self, bytes: usize) -> bool {
        let flight = self.cursor - self.acked - 1;
        let credit = if self.acked < self.careful { 1 } else { self.credit };
        let held: usize = (self.acked + 1..self.cursor).filter_map(|n| self.get(n)).map(|k| k.bytes).sum();
        flight == 0 || flight < credit && held + bytes <= AHEAD
    }

    /// Numbers a line and sends it.
    pub(crate) fn push(&mut self, item: Item, now: Duration, out: &mut Outbox) {
        while self.kept.len() >= KEPT && self.first <= self.acked {
            self.kept.pop_front();
            self.first += 1;
        }
        self.kept.push_back(Kept { item, at: now, end: 0, bytes: 0 });
        self.sent += 1;
        self.transmit(now, out);
    }

    /// Sends what has to be sent again, as far as it may go; returns whether something went.
    pub(crate) fn repeat(&mut self, now: Duration, out: &mut Outbox) -> bool {
        let mut went = false;
        while self.hushed.is_none()
            && self.cursor < self.end()
            && self.has_room(self.get(self.cursor).map_or(0, |k| k.bytes))
        {
            self.transmit(now, out);
            went = true;
        }
        went
    }

    fn transmit(&mut self, now: Duration, out: &mut Outbox) {
        self.stale = 0;
        let number = self.cursor;
        let index = (number - self.first) as usize;
        let kept = &mut self.kept[index];
        let mut bytes = Check { out, sum: 0, count: 0 };
        // Writing to an outbox cannot fail.
        let _ = write!(bytes, "N{number} ");
        let _ = bytes.write_all(&kept.item.text);
        let sum = bytes.sum;
        let _ = writeln!(bytes, "*{sum}");
        kept.bytes = bytes.count;
        self.pushed += kept.bytes as u64;
        (kept.at, kept.end) = (now, self.pushed);
        self.cursor += 1;
    }

    /// An `ok` came; lines that were taken by it are appended to `done`.
    pub(crate) fn ok(
        &mut self,
        taken: Taken,
        now: Duration,
        out: &Outbox,
        bytes_per_s: Option<u32>,
        done: &mut Vec<Item>,
    ) {
        if let Some(until) = self.hushed {
            // The `ok` of a `Resend`, once; others are stale.
            if !self.hushed_ok {
                self.hushed_ok = true;
                let pause = self.pause();
                self.hushed = (!pause.is_zero()).then_some(until.min(now + pause));
            }
            return;
        }
        if let Some(queue) = taken.queue {
            self.credit = i64::from(queue.min(32)) + 1;
        }
        match taken.line {
            Some(number) if number > self.acked && number < self.cursor => self.ack(number, done),
            Some(_) => {}
            None => {
                if self.may_be_answered(self.acked + 1, now, out, bytes_per_s) {
                    self.ack(self.acked + 1, done);
                }
            }
        }
    }

    /// Returns how long to wait after a request: lines that are still on their way would each cause another, and a wire
    /// that keeps failing may need a moment.
    fn pause(&self) -> Duration {
        let ahead = if self.careful > self.wanted { SETTLE } else { Duration::ZERO };
        ahead + BACK_OFF * self.same.saturating_sub(2)
    }

    /// Returns whether line `number` has arrived by now as far as the wire goes: no answer comes before its line.
    fn may_be_answered(&self, number: i64, now: Duration, out: &Outbox, bytes_per_s: Option<u32>) -> bool {
        let Some(kept) = self.get(number).filter(|_| number < self.cursor) else { return false };
        let left = self.pushed.saturating_sub(out.waiting_len() as u64);
        let wire = bytes_per_s.map_or(Duration::ZERO, |b| Duration::from_secs(kept.bytes as u64) / b.max(1));
        // Half of it: clocks of the operating system are coarse, and a doubled answer comes at once.
        kept.end <= left && now >= kept.at + wire / 2
    }

    fn ack(&mut self, number: i64, done: &mut Vec<Item>) {
        self.acked = number;
        while self.told < number {
            self.told += 1;
            if let Some(kept) = self.get(self.told) {
                let text = if kept.item.is_program() { Box::default() } else { kept.item.text.clone() };
                let Item { ref kind, number, duration, reach, alone, read, .. } = kept.item;
                done.push(Item {
                    kind: kind.clone(),
                    number,
                    text,
                    duration,
                    reach,
                    alone,
                    read,
                    modes: None,
                    zero: 0,
                });
            }
        }
    }

    /// Line `number` was asked for again.
    pub(crate) fn resend(&mut self, number: i64, now: Duration, done: &mut Vec<Item>) -> Verdict {
        if number > self.cursor || number < self.first {
            return Verdict::Broken(format!(
                "line N{number} was asked for, and N{} to N{} can be given",
                self.first,
                self.cursor - 1
            ));
        }
        if self.hushed.is_some() && number == self.wanted {
            self.stale += 1;
        } else {
            self.same = if number == self.wanted { self.same + 1 } else { 1 };
            self.again += 1;
        }
        self.wanted = number;
        if self.same > CONSECUTIVE || self.stale > STALE {
            return Verdict::Broken(format!("line N{number} was asked for {CONSECUTIVE} times in a row"));
        }
        if self.sent > FEW && self.again * RATIO > self.sent {
            return Verdict::Broken(format!("{} of {} lines were asked for again", self.again, self.sent));
        }
        (self.hushed, self.hushed_ok) = (Some(now + RESEND_OK), false);
        self.careful = self.careful.max(self.cursor - 1);
        if number > self.acked {
            self.ack(number - 1, done);
        } else {
            // An answer was counted that was none: these were never taken.
            self.acked = number - 1;
        }
        self.cursor = number;
        self.get(number).map_or(Verdict::Nothing, |kept| Verdict::Again(kept.item.number))
    }

    /// No answer came for long: sends the oldest unanswered line once more. It is taken, or refused by its number,
    /// and either way the answer tells where things stand.
    pub(crate) fn probe(&mut self, now: Duration, out: &mut Outbox) {
        self.hushed = None;
        if self.acked + 1 < self.end() {
            self.careful = self.careful.max(self.cursor - 1);
            self.cursor = self.acked + 1;
            self.transmit(now, out);
        }
    }

    /// Returns when the `ok` of a `Resend` is given up.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.hushed
    }

    pub(crate) fn tick(&mut self, now: Duration) {
        if self.hushed.is_some_and(|until| now >= until) {
            self.hushed = None;
        }
    }

    /// Returns whether `text` is the line that was taken last, or one that is in flight.
    pub(crate) fn newest(&self, text: &[u8]) -> bool {
        let words = |line: &[u8]| -> Vec<u8> { line.iter().filter(|b| **b != b' ').copied().collect() };
        let text = words(text);
        (self.acked..self.cursor).filter_map(|n| self.get(n)).any(|kept| words(&kept.item.text) == text)
    }

    /// Returns whether a question of the last kind is among what is not taken.
    pub(crate) fn asks_for_place(&self) -> bool {
        self.items().any(|i| i.kind == Kind::Final && &*i.text == b"M114")
    }
}

/// Writes to an outbox and sums up what it writes.
struct Check<'a> {
    out: &'a mut Outbox,
    sum: u8,
    count: usize,
}

impl std::io::Write for Check<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.sum = bytes.iter().fold(self.sum, |sum, b| sum ^ b);
        self.count += bytes.len();
        self.out.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
