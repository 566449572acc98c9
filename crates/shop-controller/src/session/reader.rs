//! Bytes that came in, cut into lines, wherever the wire split them.

/// No answer of any firmware is longer; what is, is garbage and is dropped whole.
const LONGEST: usize = 1024;

/// Cuts a stream into lines. `\r` and `\n` each end one; empty ones are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    part: Vec<u8>,
    /// The line in `part` is too long and goes nowhere.
    flooded: bool,
}

impl Reader {
    /// Appends bytes and hands each line that is complete to `each`; lines that are too long arrive cut off, with
    /// `true`.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], bool)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let (line, tail) = (&rest[..end], &rest[end + 1..]);
            if self.part.is_empty() && line.len() <= LONGEST {
                if !line.is_empty() {
                    each(line, false);
                }
            } else {
                self.keep(line);
                each(&self.part, self.flooded);
                self.part.clear();
                self.flooded = false;
            }
            rest = tail;
        }
        self.keep(rest);
    }

    /// Returns whether a line has begun and not ended.
    pub(crate) fn is_within(&self) -> bool {
        !self.part.is_empty()
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST - self.part.len();
        self.flooded |= bytes.len() > room;
        self.part.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, bool)> {
        let (mut reader, mut out) = (Reader::default(), Vec::new());
        for piece in pieces {
            reader.feed(piece, |line, flooded| out.push((line.to_vec(), flooded)));
            assert!(reader.part.len() <= LONGEST);
        }
        out
    }

    #[test]
    fn either_end_ends_a_line_and_empty_ones_are_left_out() {
        assert_eq!(
            lines([&b"\r\nok\r\n\nerr"[..], b"or:20\r"]),
            [(b"ok".to_vec(), false), (b"error:20".to_vec(), false)]
        );
    }

    #[test]
    fn garbage_without_end_is_cut_off() {
        let flood = vec![b'x'; 5000];
        let found = lines([&flood[..], b"\nok\n"]);
        assert_eq!(found, [(vec![b'x'; LONGEST], true), (b"ok".to_vec(), false)]);
    }

    proptest! {
        #[test]
        fn split_points_do_not_matter(
            bytes in prop::collection::vec(prop::sample::select(&b"ok\r\n<|:9"[..]), 0..3000),
            cuts in prop::collection::vec(0usize..3000, 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]);
            prop_assert_eq!(lines(pieces), lines([&bytes[..]]));
        }
    }
}
