//! The lines of a program, one after the other, as they stand in the file.

use memchr::memchr2;

/// A walk over the lines of a program. `\n`, `\r\n` and `\r` each end one.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    /// Begins at the first line; a byte order mark is no part of it.
    pub fn new(bytes: &'a [u8]) -> Lines<'a> {
        let at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Lines { bytes, at, number: 0 }
    }

    /// Goes on at a place that [`Lines::place`] gave.
    pub fn resume(bytes: &'a [u8], (at, number): (usize, u64)) -> Lines<'a> {
        Lines { bytes, at, number }
    }

    /// Returns where the next line begins, and how many are behind.
    pub fn place(&self) -> (usize, u64) {
        (self.at, self.number)
    }
}

impl<'a> Iterator for Lines<'a> {
    /// Number from 1, and text without its end.
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|r| !r.is_empty())?;
        let (length, end) = match memchr2(b'\n', b'\r', rest) {
            Some(n) if rest[n] == b'\r' && rest.get(n + 1) == Some(&b'\n') => (n, n + 2),
            Some(n) => (n, n + 1),
            None => (rest.len(), rest.len()),
        };
        self.at += end;
        self.number += 1;
        Some((self.number, &rest[..length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_like() {
        let all: Vec<_> = Lines::new(b"\xEF\xBB\xBFG21\r\n\nG0 X1\rM2").collect();
        assert_eq!(all, [(1, &b"G21"[..]), (2, b""), (3, b"G0 X1"), (4, b"M2")]);
        assert_eq!(Lines::new(b"").count(), 0);
        assert_eq!(Lines::new(b"G0\n").count(), 1);
        let mut lines = Lines::new(b"a\nb\nc");
        lines.next();
        assert_eq!(Lines::resume(b"a\nb\nc", lines.place()).next(), Some((2, &b"b"[..])));
    }
}
