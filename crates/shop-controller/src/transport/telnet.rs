//! Telnet's own bytes in a stream (RFC 854): answered with a refusal, and taken out.
//!
//! Network adapters of controllers greet with negotiations (echo, line mode). They all work when every offer is
//! declined: what remains is a plain stream.

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

/// Where in a negotiation the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Text,
    Iac,
    /// After DO, DONT, WILL or WONT.
    Verb(u8),
    /// Inside SB … SE.
    Inside,
    InsideIac,
}

/// Takes negotiations out of what comes in.
#[derive(Debug, Default)]
pub(super) struct Filter {
    at: At,
}

impl Filter {
    /// Appends the text of `raw` to `text`, and what must be answered to `answer`.
    pub(super) fn receive(&mut self, raw: &[u8], text: &mut Vec<u8>, answer: &mut Vec<u8>) {
        if self.at == At::Text && !raw.contains(&IAC) {
            text.extend_from_slice(raw);
            return;
        }
        for &byte in raw {
            self.at = match (self.at, byte) {
                (At::Text, IAC) => At::Iac,
                (At::Iac, IAC) | (At::Text, _) => {
                    text.push(byte);
                    At::Text
                }
                (At::Iac, DO | DONT | WILL | WONT) => At::Verb(byte),
                (At::Iac, SB) => At::Inside,
                (At::Verb(verb), option) => {
                    // What is agreed to be off needs no answer, or both ends would talk for ever.
                    match verb {
                        DO => answer.extend([IAC, WONT, option]),
                        WILL => answer.extend([IAC, DONT, option]),
                        _ => {}
                    }
                    At::Text
                }
                (At::Inside, IAC) => At::InsideIac,
                (At::Iac, _) | (At::InsideIac, SE) => At::Text,
                (At::Inside | At::InsideIac, _) => At::Inside,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(parts: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let (mut filter, mut text, mut answer) = (Filter::default(), Vec::new(), Vec::new());
        for part in parts {
            filter.receive(part, &mut text, &mut answer);
        }
        (text, answer)
    }

    #[test]
    fn offers_are_declined_and_taken_out() {
        let raw = [b"ok\r\n", &[IAC, WILL, 1, IAC, DO, 34, IAC, SB, 24, 1, IAC, SE][..], b"Grbl\n"].concat();
        let (text, answer) = run(&[&raw]);
        assert_eq!(text, b"ok\r\nGrbl\n");
        assert_eq!(answer, [IAC, DONT, 1, IAC, WONT, 34]);
        // Any split gives the same.
        for cut in 0..raw.len() {
            assert_eq!(run(&[&raw[..cut], &raw[cut..]]), (text.clone(), answer.clone()));
        }
    }

    #[test]
    fn a_doubled_byte_is_one() {
        assert_eq!(run(&[&[b'a', IAC, IAC, b'b']]), (vec![b'a', IAC, b'b'], Vec::new()));
    }
}
