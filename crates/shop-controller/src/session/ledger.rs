//! What was sent and not yet answered, counted in bytes.
//!
//! GRBL has a ring of a known size and answers each line when it has read it. So much may be on its way as fits: the
//! sum of all unanswered lines, newlines included. The count is an assumption about bytes that nobody sees; it is
//! held against `Bf:` and against markers, see [`Ledger::contradiction`].

use std::collections::VecDeque;

use super::item::{Item, Kind};
use super::modes::Modes;
use crate::Outbox;

/// Lines in flight, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    /// Bytes that may be in flight.
    pub window: usize,
    /// Whether only one line may be in flight, whatever its size.
    pub single: bool,
    /// Size of the ring as seen when it was empty, where the firmware says so.
    pub ring: Option<u32>,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// All bytes ever handed to the outbox.
    pushed: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    item: Item,
    bytes: usize,
    /// Where the line ends in the stream of all bytes pushed.
    end: u64,
}

impl Ledger {
    pub(crate) fn new(window: usize, single: bool) -> Self {
        Self { window, single, ring: None, entries: VecDeque::new(), bytes: 0, pushed: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns bytes in flight.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns all bytes ever handed to the outbox.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    pub(crate) fn front(&self) -> Option<&Item> {
        self.entries.front().map(|e| &e.item)
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.entries.iter().map(|e| &e.item)
    }

    /// Returns whether a line of `length` bytes, newline not counted, may go now.
    pub(crate) fn fits(&self, item: &Item) -> bool {
        // A line longer than the window goes alone and trickles in as the parser takes it.
        self.is_empty()
            || !self.single
                && !item.alone
                && self.bytes + item.text.len() < self.window
                && !self.front().is_some_and(|i| i.alone)
    }

    pub(crate) fn push(&mut self, item: Item, out: &mut Outbox) {
        out.push(&item.text);
        out.push(b"\n");
        let bytes = item.text.len() + 1;
        self.bytes += bytes;
        self.pushed += bytes as u64;
        self.entries.push_back(Entry { item, bytes, end: self.pushed });
    }

    /// Returns how many bytes have left for the wire.
    pub(crate) fn left(&self, out: &Outbox) -> u64 {
        self.pushed.saturating_sub(out.waiting_len() as u64)
    }

    /// Takes the oldest line out: it was answered. `None` when none can have been: nothing is in flight, or the oldest
    /// has not left yet.
    pub(crate) fn answered(&mut self, out: &Outbox) -> Option<Item> {
        if self.entries.front()?.end > self.left(out) {
            return None;
        }
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.bytes;
        Some(entry.item)
    }

    /// Forgets all lines in flight: the controller did.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = Item> {
        self.bytes = 0;
        std::mem::take(&mut self.entries).into_iter().map(|e| e.item)
    }

    /// A marker's report came: returns how many lines in front of that marker are unanswered, if there is a marker, and
    /// the modes that it was sent in.
    pub(crate) fn marker_read(&mut self) -> Option<(usize, Option<Box<Modes>>)> {
        let unread = |i: &Item| !i.read && (i.kind == Kind::Marker || &*i.text == b"$G");
        let at = self.items().position(unread)?;
        let item = &mut self.entries[at].item;
        item.read = true;
        Some((at, item.modes.take()))
    }

    /// Returns whether a marker waits for its report.
    pub(crate) fn has_unread_marker(&self) -> bool {
        self.items().any(|i| i.kind == Kind::Marker && !i.read)
    }

    /// Returns what cannot be, given that the ring has `free` bytes free, in a report asked for when `left` bytes had
    /// left.
    ///
    /// All that had left before the question is in the ring or read. Of what is read at most one line is unanswered:
    /// the parser's. So if the ring holds less than the rest of it, an answer is missing; and if it holds more than is
    /// in flight at all, one came too much.
    pub(crate) fn contradiction(&self, free: u32, left: Option<u64>) -> Option<Contradiction> {
        let used = self.ring?.checked_sub(free)? as usize;
        if used > self.bytes {
            return Some(Contradiction::Surplus);
        }
        let there = self.entries.iter().take_while(|e| left.is_some_and(|left| e.end <= left));
        let held: usize = there.skip(1).map(|e| e.bytes).sum();
        (used < held).then_some(Contradiction::Missing)
    }

    /// Returns whether a ring with `free` bytes free can hold the newest lines, whole, when all that was handed over has
    /// arrived. Which of them it should hold is a question of answers: see [`Ledger::contradiction`].
    pub(crate) fn holds_whole_lines(&self, free: u32) -> bool {
        let Some(used) = self.ring.and_then(|ring| ring.checked_sub(free)) else { return true };
        let newest = self.entries.iter().rev().scan(0, |sum, entry| {
            *sum += entry.bytes;
            Some(*sum)
        });
        std::iter::once(0).chain(newest).any(|sum| sum == used as usize)
    }
}

/// How counts and reports disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contradiction {
    /// More answers came than lines were read.
    Surplus,
    /// Lines were read and their answers did not come.
    Missing,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(text: &str) -> Item {
        Item::own(Kind::Command, text.as_bytes())
    }

    #[test]
    fn the_newline_counts_and_the_window_may_be_filled_to_the_last_byte() {
        let (mut ledger, mut out) = (Ledger::new(10, false), Outbox::default());
        assert!(ledger.fits(&line("12345678901234")), "an empty ring takes anything");
        ledger.push(line("1234"), &mut out);
        assert!(ledger.fits(&line("1234")), "5 + 5 = 10");
        assert!(!ledger.fits(&line("12345")));
    }

    #[test]
    fn lonely_lines_wait_and_are_waited_for() {
        let (mut ledger, mut out) = (Ledger::new(100, false), Outbox::default());
        ledger.push(line("G1"), &mut out);
        assert!(!ledger.fits(&line("$0=1").alone()));
        out.sent(3);
        ledger.answered(&out);
        ledger.push(line("$0=1").alone(), &mut out);
        assert!(!ledger.fits(&line("G1")));
    }

    #[test]
    fn what_has_not_left_cannot_have_been_answered() {
        let (mut ledger, mut out) = (Ledger::new(100, false), Outbox::default());
        ledger.push(line("G1"), &mut out);
        out.sent(2);
        assert!(ledger.answered(&out).is_none());
        out.sent(1);
        assert!(ledger.answered(&out).is_some());
        assert!(ledger.answered(&out).is_none());
    }

    /// A parser as GRBL has it: takes a line out of the ring, then answers it. Whatever moment a report is from, an
    /// honest ledger never contradicts it; a ledger that missed one answer of three is found out when the ring is
    /// read, one that heard one twice when it is not.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Send,
        Leave(usize),
        Arrive(usize),
        Read,
        Answer,
        Report,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Send),
            Just(Step::Send),
            (1usize..30).prop_map(Step::Leave),
            (1usize..30).prop_map(Step::Arrive),
            Just(Step::Read),
            Just(Step::Answer),
            Just(Step::Report),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn an_honest_count_is_never_contradicted(steps in steps()) {
            let (mut ledger, mut out) = (Ledger::new(60, false), Outbox::default());
            ledger.ring = Some(60);
            let (mut wire, mut ring, mut unanswered) = (Vec::new(), Vec::new(), 0);
            for (i, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Send => {
                        let item = line(&"X".repeat(3 + i % 17));
                        if ledger.fits(&item) {
                            ledger.push(item, &mut out);
                        }
                    }
                    Step::Leave(n) => {
                        let n = n.min(out.len());
                        wire.extend_from_slice(&out.next()[..n]);
                        out.sent(n);
                    }
                    Step::Arrive(n) => ring.extend(wire.drain(..n.min(wire.len()))),
                    Step::Read => {
                        if unanswered == 0 && let Some(end) = ring.iter().position(|b| *b == b'\n') {
                            ring.drain(..=end);
                            unanswered += 1;
                        }
                    }
                    Step::Answer => {
                        if unanswered > 0 {
                            unanswered -= 1;
                            prop_assert!(ledger.answered(&out).is_some());
                        }
                    }
                    Step::Report => {
                        // What left before the question arrives before it is answered.
                        let left = ledger.left(&out);
                        ring.append(&mut wire);
                        prop_assert!(ring.len() <= 60, "the window is the ring");
                        let free = 60 - ring.len() as u32;
                        prop_assert_eq!(ledger.contradiction(free, Some(left)), None);
                        if out.is_empty() {
                            prop_assert!(ledger.holds_whole_lines(free));
                            // A byte that was lost, or one too many, is no whole line.
                            prop_assert!(ring.is_empty() || !ledger.holds_whole_lines(free + 1));
                            prop_assert!(free == 0 || !ledger.holds_whole_lines(free - 1));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_missed_answer_and_a_doubled_one_are_found() {
        let (mut ledger, mut out) = (Ledger::new(100, false), Outbox::default());
        ledger.ring = Some(100);
        for _ in 0..3 {
            ledger.push(line("G1 X1"), &mut out);
        }
        out.sent(18);
        let left = Some(ledger.left(&out));
        assert_eq!(ledger.contradiction(100 - 12, left), None, "one in the parser, two in the ring");
        assert_eq!(ledger.contradiction(100, left), Some(Contradiction::Missing));
        ledger.answered(&out);
        ledger.answered(&out);
        assert_eq!(ledger.contradiction(100 - 12, left), Some(Contradiction::Surplus));
    }
}
