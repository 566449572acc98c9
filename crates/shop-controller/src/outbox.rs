//! Bytes on their way to the other end.

/// What waits to be written, in order; what is urgent overtakes all that has not left yet.
///
/// Whoever moves the bytes asks for [`Outbox::next`], writes what the wire takes and says so with [`Outbox::sent`].
///
/// ```
/// let mut out = shop_controller::Outbox::default();
/// out.push(b"G1 X1\n");
/// out.push_urgent(b'!');
/// assert_eq!(out.next(), b"!");
/// out.sent(1);
/// assert_eq!(out.next(), b"G1 X1\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    urgent: Vec<u8>,
    /// How much of `urgent` has left.
    urgent_left: usize,
    waiting: Vec<u8>,
    /// How much of `waiting` has left.
    waiting_left: usize,
}

impl Outbox {
    /// Appends bytes behind all others.
    pub fn push(&mut self, bytes: &[u8]) {
        // A wire that never catches up must not make what has left pile up.
        if self.waiting_left > 4096 {
            self.waiting.drain(..self.waiting_left);
            self.waiting_left = 0;
        }
        self.waiting.extend_from_slice(bytes);
    }

    /// Appends a byte that overtakes everything but other urgent bytes. Realtime commands only: it may land inside a
    /// line that is half written.
    pub fn push_urgent(&mut self, byte: u8) {
        self.urgent.push(byte);
    }

    /// Returns what is to be written next, empty when nothing is.
    pub fn next(&self) -> &[u8] {
        if self.urgent_left < self.urgent.len() {
            &self.urgent[self.urgent_left..]
        } else {
            &self.waiting[self.waiting_left..]
        }
    }

    /// Says that the first `count` bytes of [`Outbox::next`] have left.
    pub fn sent(&mut self, count: usize) {
        if self.urgent_left < self.urgent.len() {
            self.urgent_left += count;
            if self.urgent_left >= self.urgent.len() {
                self.urgent.clear();
                self.urgent_left = 0;
            }
        } else {
            self.waiting_left += count;
            if self.waiting_left >= self.waiting.len() {
                self.waiting.clear();
                self.waiting_left = 0;
            }
        }
    }

    /// Drops what has not left yet and is not urgent; returns whether a line was cut in two by it.
    pub fn clear_waiting(&mut self) -> bool {
        let cut = self.waiting_left > 0 && self.waiting.get(self.waiting_left - 1) != Some(&b'\n');
        self.waiting.clear();
        self.waiting_left = 0;
        cut
    }

    /// Returns whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.next().is_empty()
    }

    /// Returns how many bytes wait that are not urgent.
    pub fn waiting_len(&self) -> usize {
        self.waiting.len() - self.waiting_left
    }

    /// Returns how many bytes wait.
    pub fn len(&self) -> usize {
        self.urgent.len() - self.urgent_left + self.waiting.len() - self.waiting_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgent_bytes_overtake_a_line_that_is_half_written() {
        let mut out = Outbox::default();
        out.push(b"G1 X10\n");
        out.sent(3);
        out.push_urgent(b'?');
        out.push_urgent(b'!');
        let mut wire = Vec::new();
        while !out.is_empty() {
            wire.push(out.next()[0]);
            out.sent(1);
        }
        assert_eq!(wire, b"?!X10\n");
        assert_eq!(out.len(), 0);
    }

    #[test]
    fn clearing_says_whether_a_line_was_cut() {
        let mut out = Outbox::default();
        out.push(b"G1\nG2\n");
        out.sent(3);
        assert!(!out.clear_waiting());
        out.push(b"G1\n");
        out.sent(1);
        assert!(out.clear_waiting());
        assert!(out.is_empty());
    }
}
