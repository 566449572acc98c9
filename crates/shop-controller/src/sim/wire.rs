//! The wire between a simulated machine and whoever talks to it: bytes take their time.
//!
//! ```text
//!  receive ─▶ coming ──one byte per 10 bits──▶ firmware ─▶ going ──▶ adapter ──after its latency──▶ outbox
//! ```
//!
//! Times are nanoseconds since the machine was made: whole numbers, so that a deadline is met exactly.

use crate::Outbox;
use std::collections::VecDeque;

/// A USB adapter hands on what it has when a packet is full: 64 bytes with 2 of status (FTDI application note AN232B-04).
const PACKET: usize = 62;

/// Both directions of the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire {
    byte_ns: u64,
    latency_ns: u64,
    coming: VecDeque<u8>,
    /// When the first of `coming` is here.
    coming_due: u64,
    /// Until when the line towards the machine is in use.
    coming_free: u64,
    going: VecDeque<(u64, Vec<u8>)>,
    going_free: u64,
    /// What the machine says later than it should, by time.
    late: Vec<(u64, Vec<u8>)>,
    packet: Vec<u8>,
    packet_due: u64,
    pub(super) outbox: Outbox,
}

impl Wire {
    pub(super) fn new(baud: u32, latency_ns: u64) -> Wire {
        let byte_ns = if baud == 0 { 0 } else { 10_000_000_000 / u64::from(baud) };
        Wire { byte_ns, latency_ns, ..Wire::default() }
    }

    /// Bytes set out towards the machine.
    pub(super) fn push(&mut self, now: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.coming.is_empty() {
            self.coming_due = now.max(self.coming_free) + self.byte_ns;
        }
        self.coming.extend(bytes);
    }

    /// Returns the next byte that is here by now.
    pub(super) fn arrived(&mut self, now: u64) -> Option<u8> {
        if self.coming_due > now {
            return None;
        }
        let byte = self.coming.pop_front()?;
        self.coming_free = self.coming_due;
        self.coming_due += self.byte_ns;
        Some(byte)
    }

    /// Returns how many bytes are on their way to the machine.
    pub(super) fn underway(&self) -> usize {
        self.coming.len()
    }

    /// The machine says something.
    pub(super) fn say(&mut self, now: u64, bytes: &[u8]) {
        // What was due earlier goes first, even if nobody looked in between.
        self.say_late(now);
        self.speak(now, bytes);
    }

    fn say_late(&mut self, now: u64) {
        while let Some(i) = self.late.iter().position(|(at, _)| *at <= now) {
            let (_, bytes) = self.late.remove(i);
            self.speak(now, &bytes);
        }
    }

    fn speak(&mut self, now: u64, bytes: &[u8]) {
        let due = now.max(self.going_free) + self.byte_ns * bytes.len() as u64;
        self.going_free = due;
        if due <= now && self.latency_ns == 0 && self.going.is_empty() {
            self.outbox.push(bytes);
        } else {
            self.going.push_back((due, bytes.to_vec()));
        }
    }

    /// The machine says something at a later time; what it says meanwhile goes first.
    pub(super) fn say_later(&mut self, at: u64, bytes: &[u8]) {
        self.late.push((at, bytes.to_vec()));
    }

    /// Nothing leaves before `until`: a wire that pauses.
    pub(super) fn pause(&mut self, until: u64) {
        self.going_free = self.going_free.max(until);
    }

    /// Hands on what is due.
    pub(super) fn deliver(&mut self, now: u64) {
        self.say_late(now);
        while let Some((due, bytes)) = self.going.pop_front_if(|(due, _)| *due <= now) {
            if self.latency_ns == 0 {
                self.outbox.push(&bytes);
                continue;
            }
            if self.packet.is_empty() {
                self.packet_due = due + self.latency_ns;
            }
            self.packet.extend(bytes);
            if self.packet.len() >= PACKET {
                self.packet_due = self.packet_due.min(due);
            }
        }
        if !self.packet.is_empty() && self.packet_due <= now {
            self.outbox.push(&self.packet);
            self.packet.clear();
        }
    }

    /// Returns when something arrives or leaves next.
    pub(super) fn next(&self) -> Option<u64> {
        let coming = (!self.coming.is_empty()).then_some(self.coming_due);
        let going = self.going.front().map(|(due, _)| *due);
        let packet = (!self.packet.is_empty()).then_some(self.packet_due);
        let late = self.late.iter().map(|(at, _)| *at).min();
        [coming, going, packet, late].into_iter().flatten().min()
    }

    /// What the machine said and has not left yet is lost.
    pub(super) fn forget_answers(&mut self) {
        self.going.clear();
        self.late.clear();
        self.packet.clear();
        self.going_free = 0;
    }

    /// The plug is pulled: everything underway is lost.
    pub(super) fn cut(&mut self) {
        self.forget_answers();
        self.coming.clear();
        self.outbox.clear_waiting();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn bytes_arrive_at_the_pace_of_the_wire() {
        let mut wire = Wire::new(10_000, 0); // a byte a millisecond
        wire.push(0, b"ab");
        assert_eq!(wire.arrived(MS - 1), None);
        assert_eq!(wire.arrived(MS), Some(b'a'));
        assert_eq!(wire.next(), Some(2 * MS));
        assert_eq!(wire.arrived(2 * MS), Some(b'b'));
        wire.push(10 * MS, b"c");
        assert_eq!(wire.next(), Some(11 * MS));
    }

    #[test]
    fn an_adapter_collects_until_its_time_or_its_packet_is_full() {
        let mut wire = Wire::new(0, 16 * MS);
        wire.say(0, b"ok\r\n");
        wire.deliver(15 * MS);
        assert!(wire.outbox.is_empty());
        wire.deliver(16 * MS);
        assert_eq!(wire.outbox.next(), b"ok\r\n");
        wire.say(20 * MS, &[b'x'; 70]);
        wire.deliver(20 * MS);
        assert_eq!(wire.outbox.len(), 74);
    }

    #[test]
    fn a_pause_holds_everything_behind_it() {
        let mut wire = Wire::new(0, 0);
        wire.say(0, b"o");
        wire.pause(30 * MS);
        wire.say(0, b"k\r\n");
        wire.say(MS, b"<Idle>\r\n");
        wire.deliver(29 * MS);
        assert_eq!(wire.outbox.next(), b"o");
        wire.deliver(30 * MS);
        assert_eq!(wire.outbox.next(), b"ok\r\n<Idle>\r\n");
    }
}
