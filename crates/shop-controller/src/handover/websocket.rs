//! A websocket (RFC 6455) as the client of one server needs it: whole texts out, whole texts in, without a wire.
//!
//! Own, because it is this page, and a client library would bring its own sockets. What RFC 6455 does to confuse careless
//! proxies is done as far as a conversation that is a value can: frames are masked, by numbers that only look random; the
//! nonce of the handshake is always the same, and so is its answer.

use super::http::Nonsense;

/// What the client says of itself in the handshake (section 4.1), and what a websocket's server answers to it: the base64 of
/// the SHA-1 of that and the RFC's own name (section 4.2.2).
pub(super) const KEY: &str = "c2hvcGN0bC9oYW5kb3Zlcg==";
pub(super) const ACCEPT: &str = "HKThRGyh1uY9dt4GOQxdT3vpc/o=";

/// Longest message that is listened to, bytes.
const LONGEST: usize = 8 << 20;
/// Longest payload of a frame that is no part of a message (section 5.5), bytes.
const LONGEST_CONTROL: usize = 125;

const CONTINUED: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The highest bit: of the first byte that the message ends here, of the second that the payload is masked.
const FLAG: u8 = 0x80;
/// In the place of a length: it follows, in so many bits.
const LENGTH_16: u8 = 0x7E;
const LENGTH_64: u8 = 0x7F;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A whole message.
    Message(Vec<u8>),
    /// To be answered with the same bytes.
    Ping(Vec<u8>),
    Pong,
    /// The other end has had enough.
    Close,
}

/// Writes frames, and puts together what comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Socket {
    bytes: Vec<u8>,
    /// The message whose end is still to come.
    part: Option<Vec<u8>>,
    /// Frames that were written.
    count: u32,
}

impl Socket {
    /// Returns the frame of a text.
    pub(super) fn text(&mut self, text: &str) -> Vec<u8> {
        self.frame(TEXT, text.as_bytes())
    }

    /// Asks whether the other end is still there.
    pub(super) fn ping(&mut self) -> Vec<u8> {
        self.frame(PING, b"")
    }

    /// Answers a ping.
    pub(super) fn pong(&mut self, payload: &[u8]) -> Vec<u8> {
        self.frame(PONG, payload)
    }

    /// ```text
    ///  fin 000 opcode | mask length | length of the length, if more | mask, 4 bytes | payload, masked
    /// ```
    fn frame(&mut self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![FLAG | opcode];
        match payload.len() {
            n @ 0..126 => out.push(FLAG | n as u8),
            n @ 126..0x1_0000 => {
                out.push(FLAG | LENGTH_16);
                out.extend((n as u16).to_be_bytes());
            }
            n => {
                out.push(FLAG | LENGTH_64);
                out.extend((n as u64).to_be_bytes());
            }
        }
        // Knuth's multiplier: no two frames in a row have the same.
        self.count = self.count.wrapping_add(1);
        let mask = self.count.wrapping_mul(2_654_435_761).to_be_bytes();
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        out
    }

    /// Takes bytes; returns what is whole.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Heard>, Nonsense> {
        self.bytes.extend_from_slice(bytes);
        let mut heard = Vec::new();
        let mut at = 0;
        while let Some((opcode, whole, payload)) = frame_at(&self.bytes[at..])? {
            let (start, end) = (at + payload.0, at + payload.1);
            at = end;
            let payload = &self.bytes[start..end];
            match opcode {
                TEXT | BINARY if self.part.is_some() => return Err(Nonsense),
                TEXT | BINARY if whole => heard.push(Heard::Message(payload.to_vec())),
                TEXT | BINARY => self.part = Some(payload.to_vec()),
                CONTINUED => {
                    let part = self.part.as_mut().ok_or(Nonsense)?;
                    if part.len() + payload.len() > LONGEST {
                        return Err(Nonsense);
                    }
                    part.extend_from_slice(payload);
                    if whole {
                        heard.extend(self.part.take().map(Heard::Message));
                    }
                }
                CLOSE => heard.push(Heard::Close),
                PING => heard.push(Heard::Ping(payload.to_vec())),
                PONG => heard.push(Heard::Pong),
                _ => return Err(Nonsense),
            }
        }
        self.bytes.drain(..at);
        Ok(heard)
    }
}

/// A frame: its opcode, whether the message ends with it, where its payload begins and ends.
type Frame = (u8, bool, (usize, usize));

/// Reads the frame that begins here, if all of it is there. A server does not mask (section 5.1).
fn frame_at(bytes: &[u8]) -> Result<Option<Frame>, Nonsense> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (opcode, whole, control) = (first & 0x0F, first & FLAG != 0, first & 0x08 != 0);
    let (length, start) = match (second & !FLAG, rest) {
        (LENGTH_16, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
        (LENGTH_64, [a, b, c, d, e, f, g, h, ..]) => {
            (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10)
        }
        (LENGTH_16 | LENGTH_64, _) => return Ok(None),
        (n, _) => (u64::from(n), 2),
    };
    let most = if control { LONGEST_CONTROL } else { LONGEST };
    if first & 0x70 != 0 || second & FLAG != 0 || length > most as u64 || control && !whole {
        return Err(Nonsense);
    }
    let end = start + length as usize;
    Ok((bytes.len() >= end).then_some((opcode, whole, (start, end))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A frame as a server writes it: not masked.
    fn served(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            n @ 0..126 => out.push(n as u8),
            n @ 126..0x1_0000 => out.extend([&[126][..], &(n as u16).to_be_bytes()].concat()),
            n => out.extend([&[127][..], &(n as u64).to_be_bytes()].concat()),
        }
        out.extend(payload);
        out
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // Section 5.7: a text unmasked, the same in two frames, a ping.
        for bytes in [
            &[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f][..],
            &[0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f],
        ] {
            assert_eq!(Socket::default().feed(bytes), Ok(vec![Heard::Message(b"Hello".to_vec())]));
        }
        let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        assert_eq!(Socket::default().feed(&ping), Ok(vec![Heard::Ping(b"Hello".to_vec())]));
    }

    #[test]
    fn what_is_no_websocket_is_told() {
        for bytes in [
            // Masked, reserved bits, a control frame in parts, an unknown opcode, more than anybody sends.
            &[0x81, 0x85, 1, 2, 3, 4, 5, 5, 5, 5, 5][..],
            &[0xC1, 0],
            &[0x09, 0],
            &[0x83, 0],
            &[0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0],
            &[0x80, 0],
            &[0x01, 0, 0x81, 0],
        ] {
            assert_eq!(Socket::default().feed(bytes), Err(Nonsense), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn messages_come_whole_in_any_pieces(
            messages in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..70_000), 1usize..4), 0..4),
            size in 1usize..5000,
        ) {
            let mut bytes = Vec::new();
            for (message, parts) in &messages {
                let step = (message.len() / parts).max(1);
                let chunks: Vec<&[u8]> = if message.is_empty() { vec![&[]] } else { message.chunks(step).collect() };
                for (i, chunk) in chunks.iter().enumerate() {
                    let opcode = if i == 0 { 2 } else { 0 };
                    let fin = if i + 1 == chunks.len() { 0x80 } else { 0 };
                    bytes.extend(served(fin | opcode, chunk));
                    // Control frames may stand between the parts.
                    bytes.extend(served(0x8A, b""));
                }
            }
            let (mut socket, mut heard) = (Socket::default(), Vec::new());
            for part in bytes.chunks(size) {
                heard.extend(socket.feed(part).expect("sound"));
            }
            heard.retain(|h| *h != Heard::Pong);
            let wanted: Vec<Heard> = messages.into_iter().map(|(m, _)| Heard::Message(m)).collect();
            prop_assert_eq!(heard, wanted);
        }

        #[test]
        fn a_masked_frame_holds_the_text(text in "\\PC{0,200}", long in any::<bool>()) {
            let text = if long { text.repeat(400) } else { text };
            let frame = Socket::default().text(&text);
            prop_assert_eq!(frame[0], 0x81);
            let start = match frame[1] & !FLAG { LENGTH_16 => 4, LENGTH_64 => 10, _ => 2 };
            let (mask, body) = frame[start..].split_at(4);
            let back: Vec<u8> = body.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
            prop_assert_eq!(back, text.as_bytes());
        }

        #[test]
        fn nothing_makes_it_fall(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut socket = Socket::default();
            for part in &parts {
                if socket.feed(part).is_err() {
                    break;
                }
            }
        }
    }
}
