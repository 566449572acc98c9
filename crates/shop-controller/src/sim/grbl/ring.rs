//! The receive buffer, which loses what does not fit without a word, and the line that is being read from it.

/// The receive buffer.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    bytes: std::collections::VecDeque<u8>,
    size: usize,
}

impl Ring {
    pub(super) fn new(size: usize) -> Ring {
        Ring { bytes: std::collections::VecDeque::with_capacity(size), size }
    }

    /// Takes a byte in; returns whether there was room.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        let fits = self.bytes.len() < self.size;
        if fits {
            self.bytes.push_back(byte);
        }
        fits
    }

    pub(super) fn pop(&mut self) -> Option<u8> {
        self.bytes.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn room(&self) -> usize {
        self.size - self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// The line as the firmware keeps it: without spaces and comments, in capitals.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    /// More characters than there is room for.
    pub(super) too_long: bool,
    /// Inside `( )`.
    parentheses: bool,
    /// Behind `;`.
    semicolon: bool,
    size: usize,
}

impl Line {
    /// `size` is how many characters it takes without the terminator.
    pub(super) fn new(size: usize) -> Line {
        Line { size, ..Line::default() }
    }

    /// Takes a byte; returns whether it ended the line.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' | b'\r' => return true,
            b')' if self.parentheses => self.parentheses = false,
            _ if self.parentheses || self.semicolon => {}
            0..=b' ' | b'/' => {}
            b'(' => self.parentheses = true,
            b';' => self.semicolon = true,
            _ if self.text.len() >= self.size => self.too_long = true,
            _ => self.text.push(byte.to_ascii_uppercase()),
        }
        false
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.too_long = false;
        self.parentheses = false;
        self.semicolon = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, bool) {
        let mut line = Line::new(79);
        for byte in text.bytes() {
            assert!(!line.push(byte));
        }
        (String::from_utf8(line.text).expect("ASCII"), line.too_long)
    }

    #[test]
    fn comments_spaces_and_small_letters_go() {
        assert_eq!(read("g1 x10 (to the right) y5").0, "G1X10Y5");
        assert_eq!(read("G1 X1 ; the rest ( counts )").0, "G1X1");
        assert_eq!(read("/G1 X1").0, "G1X1");
        assert_eq!(read("(no end G1 X1").0, "");
    }

    #[test]
    fn a_line_has_79_characters_after_that() {
        let long = format!("G1X{}", "1".repeat(76));
        assert_eq!(read(&long), (long.clone(), false));
        assert!(read(&format!("{long}1")).1);
        assert!(!read(&format!("{long} (comment)")).1);
    }

    #[test]
    fn what_does_not_fit_the_ring_is_lost() {
        let mut ring = Ring::new(3);
        let kept = b"abcd".iter().filter(|b| ring.push(**b)).count();
        assert_eq!((kept, ring.room(), ring.pop()), (3, 0, Some(b'a')));
    }
}
