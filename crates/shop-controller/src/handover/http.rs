//! HTTP/1.1 as a client of one server needs it: one request after the other on a connection that stays open.
//!
//! Own, because what is needed is this page, and a client library would bring sockets, threads or an executor with it,
//! where a conversation here is a value.

use std::fmt::Write as _;

/// Largest answer that is listened to, bytes.
const LONGEST: usize = 8 << 20;

/// "101 Switching Protocols".
pub(super) const SWITCHING: u16 = 101;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    /// What a websocket's server says in its handshake.
    pub accept: Option<String>,
    pub body: Vec<u8>,
}

/// What has come of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    bytes: Vec<u8>,
}

/// The other end does not speak HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

impl Reader {
    /// Takes bytes; returns an answer when one is whole.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Option<Answer>, Nonsense> {
        self.bytes.extend_from_slice(bytes);
        let Some(end) = find(&self.bytes, b"\r\n\r\n") else {
            return if self.bytes.len() > 65_536 { Err(Nonsense) } else { Ok(None) };
        };
        let head = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status: u16 = match first.split(' ').collect::<Vec<_>>().as_slice() {
            [version, status, ..] if version.starts_with("HTTP/1.") => {
                status.parse().map_err(|_| Nonsense)?
            }
            _ => return Err(Nonsense),
        };
        let field = |name: &str| {
            let mut fields = head.split("\r\n").skip(1).filter_map(|l| l.split_once(':'));
            fields.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim().to_owned())
        };
        let header = |name: &str| field(name).map(|v| v.to_ascii_lowercase());
        let from = end + 4;
        if status == SWITCHING {
            // What follows is no HTTP any more.
            self.bytes.drain(..from);
            let accept = field("sec-websocket-accept");
            return Ok(Some(Answer { status, accept, body: Vec::new() }));
        }
        let (body, used) = if header("transfer-encoding").is_some_and(|v| v.contains("chunked")) {
            match chunks(&self.bytes[from..])? {
                Some(found) => found,
                None => return Ok(None),
            }
        } else {
            let length: usize =
                header("content-length").map_or(Ok(0), |v| v.parse()).map_err(|_| Nonsense)?;
            if length > LONGEST {
                return Err(Nonsense);
            }
            if self.bytes.len() < from + length {
                return Ok(None);
            }
            (self.bytes[from..from + length].to_vec(), length)
        };
        self.bytes.drain(..from + used);
        // "100 Continue" and its kin are no answers.
        if (100..200).contains(&status) {
            self.feed(&[])
        } else {
            Ok(Some(Answer { status, accept: None, body }))
        }
    }

    /// Returns what has come behind the last answer.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}

/// Reads a chunked body; returns it and how many bytes it took, once it is whole.
fn chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Nonsense> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line) = find(&bytes[at..], b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&bytes[at..at + line]).map_err(|_| Nonsense)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| Nonsense)?;
        if size > LONGEST || body.len() + size > LONGEST {
            return Err(Nonsense);
        }
        at += line + 2;
        if bytes.len() < at + size + 2 {
            return Ok(None);
        }
        body.extend_from_slice(&bytes[at..at + size]);
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

/// Writes a request; the body follows by itself.
pub(super) fn request(method: &str, target: &str, host: &str, more: &[(&str, &str)], length: u64) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n");
    for (name, value) in more {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if method != "GET" {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    (head + "\r\n").into_bytes()
}

/// Writes a value for a query.
pub(super) fn escaped(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_any_pieces() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        for size in 1..text.len() {
            let mut reader = Reader::default();
            let mut found = Vec::new();
            for part in text.chunks(size) {
                let mut next = reader.feed(part).expect("HTTP");
                while let Some(answer) = next {
                    found.push(answer);
                    next = reader.feed(&[]).expect("HTTP");
                }
            }
            let body = |i: usize| (found[i].status, String::from_utf8_lossy(&found[i].body).into_owned());
            assert_eq!((body(0), body(1)), ((200, "hello".into()), (404, "abcde".into())), "{size}");
        }
    }

    #[test]
    fn nonsense_is_told_and_names_are_escaped() {
        assert!(Reader::default().feed(b"Grbl 1.1h\r\n\r\n").is_err());
        assert!(Reader::default().feed(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").is_err());
        assert_eq!(escaped("part 1&2.gcode"), "part%201%262.gcode");
    }
}
