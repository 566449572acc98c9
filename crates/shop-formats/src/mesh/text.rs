//! What readers of words share: pieces for many cores, lines that may go on, and counts with the first place.

/// Returns consecutive ranges of at least `size` bytes that end where a line does.
pub(super) fn pieces(bytes: &[u8], size: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let mut end = bytes.len().min(start + size);
        while end < bytes.len() {
            end += memchr::memchr2(b'\n', b'\r', &bytes[end..]).map_or(bytes.len() - end, |n| n + 1);
            if !goes_on(&bytes[start..end]) {
                break;
            }
        }
        out.push((start, end));
        start = end;
    }
    out
}

/// True when the line that ends here goes on in the next one: a backslash before the line's end.
fn goes_on(text: &[u8]) -> bool {
    matches!(text, [.., b'\\', b'\n' | b'\r'] | [.., b'\\', b'\r', b'\n'])
}

/// Returns the lines of a text, each with its words.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= text.len() {
            return None;
        }
        let start = at;
        loop {
            at += memchr::memchr2(b'\n', b'\r', &text[at..]).map_or(text.len() - at, |n| n + 1);
            if at >= text.len() || !goes_on(&text[start..at]) {
                break;
            }
            // `\r\n` after a backslash is one end.
            at += usize::from(text[at - 1] == b'\r' && text[at] == b'\n');
        }
        Some(Line { start, words: &text[start..at] })
    })
}

/// A line, and the iterator over its words.
pub(super) struct Line<'a> {
    /// First byte of the line in its text.
    pub start: usize,
    words: &'a [u8],
}

fn is_blank(b: u8) -> bool {
    b.is_ascii_whitespace() || b == b'\\'
}

impl<'a> Iterator for Line<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.words.iter().position(|b| !is_blank(*b))?;
        let rest = &self.words[start..];
        let end = rest.iter().position(|b| is_blank(*b)).unwrap_or(rest.len());
        self.words = &rest[end..];
        Some(&rest[..end])
    }
}

/// How often something was found, and where first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// How often.
    pub count: usize,
    /// The byte of the file where it was found first.
    pub first: Option<usize>,
}

impl Found {
    /// Counts one more.
    pub fn one(&mut self, at: usize) {
        self.count += 1;
        self.first.get_or_insert(at);
    }

    /// Returns the sum of what was found in consecutive pieces.
    pub fn all(pieces: impl Iterator<Item = Found>) -> Found {
        pieces.fold(Found::default(), |sum, f| Found {
            count: sum.count + f.count,
            first: sum.first.or(f.first),
        })
    }

    /// Returns a sentence about one or many.
    pub fn say(self, one: &str, many: &str, what: &str) -> String {
        if self.count == 1 { format!("{one} {what}") } else { format!("{} {many} {what}", self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text_and_end_with_lines() {
        let text = b"one\ntwo \\\nthree\r\nfour\rfive \\\r\nsix";
        for size in 1..text.len() + 2 {
            let pieces = pieces(text, size);
            let joined: Vec<u8> = pieces.iter().flat_map(|p| text[p.0..p.1].to_vec()).collect();
            assert_eq!(joined, text);
            let words: Vec<Vec<&[u8]>> = pieces
                .iter()
                .flat_map(|p| lines(&text[p.0..p.1]))
                .map(Iterator::collect)
                .filter(|l: &Vec<&[u8]>| !l.is_empty())
                .collect();
            let expected: Vec<Vec<&[u8]>> =
                vec![vec![b"one"], vec![b"two", b"three"], vec![b"four"], vec![b"five", b"six"]];
            assert_eq!(words, expected, "{size}");
        }
    }
}
