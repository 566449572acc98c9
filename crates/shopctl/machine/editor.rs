//! A line editor: bytes of a keyboard in, text and cursor out. It draws nothing and knows no terminal.
//!
//! Keys are those of readline: arrows, Home, End, Ctrl-A E B F K U W, Ctrl-P N for history. Only plain ASCII can be
//! typed, since nothing else may go over the wire.

/// What a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line is complete.
    Line(String),
    /// Ctrl-X: reset.
    Reset,
    /// Ctrl-D on an empty line: the end.
    End,
    /// Ctrl-L: draw everything anew.
    Redraw,
}

/// Lines that are remembered.
const HISTORY: usize = 1000;
/// Longest line that can be typed.
const LONGEST: usize = 250;

/// The line being typed, and those before it.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    line: Vec<u8>,
    cursor: usize,
    history: Vec<String>,
    /// Which line of the history is shown; its length when none.
    shown: usize,
    /// What was typed before the history was asked.
    kept: Vec<u8>,
    escape: Vec<u8>,
}

impl Editor {
    /// Returns an editor that remembers these lines.
    pub fn with_history(lines: impl IntoIterator<Item = String>) -> Editor {
        let mut editor = Editor::default();
        lines.into_iter().for_each(|line| editor.remember(&line));
        editor
    }

    /// Returns what was typed so far, and where the cursor is in it.
    pub fn view(&self) -> (&str, usize) {
        (std::str::from_utf8(&self.line).unwrap_or_default(), self.cursor)
    }

    /// Returns the lines that are remembered, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Takes bytes of the keyboard; returns what they came to, in order.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Typed> {
        bytes.iter().filter_map(|b| self.key(*b)).collect()
    }

    fn key(&mut self, byte: u8) -> Option<Typed> {
        if !self.escape.is_empty() {
            self.escape.push(byte);
            self.escaped();
            return None;
        }
        match byte {
            0x1B => self.escape.push(byte),
            b'\r' | b'\n' => return Some(Typed::Line(self.enter())),
            0x04 if self.line.is_empty() => return Some(Typed::End),
            0x18 => return Some(Typed::Reset),
            0x0C => return Some(Typed::Redraw),
            0x7F | 0x08 if self.cursor > 0 => {
                self.cursor -= 1;
                self.line.remove(self.cursor);
            }
            0x04 => self.delete(),
            0x01 => self.cursor = 0,
            0x05 => self.cursor = self.line.len(),
            0x02 => self.cursor = self.cursor.saturating_sub(1),
            0x06 => self.cursor = (self.cursor + 1).min(self.line.len()),
            0x0B => self.line.truncate(self.cursor),
            0x15 => {
                self.line.drain(..self.cursor);
                self.cursor = 0;
            }
            0x17 => self.delete_word(),
            0x10 => self.older(),
            0x0E => self.newer(),
            b' '..=b'~' if self.line.len() < LONGEST => {
                self.line.insert(self.cursor, byte);
                self.cursor += 1;
            }
            _ => {}
        }
        None
    }

    /// Acts on an escape sequence, once it is whole: `ESC [ A`, `ESC O H`, `ESC [ 3 ~`.
    fn escaped(&mut self) {
        let done = match self.escape.as_slice() {
            [_, b'[' | b'O'] => false,
            [_, b'[' | b'O', rest @ ..] => {
                rest.last().is_some_and(|b| (0x40..=0x7E).contains(b)) || rest.len() > 8
            }
            _ => true,
        };
        if !done {
            return;
        }
        match std::mem::take(&mut self.escape).as_slice() {
            [_, _, b'A'] => self.older(),
            [_, _, b'B'] => self.newer(),
            [_, _, b'C'] => self.cursor = (self.cursor + 1).min(self.line.len()),
            [_, _, b'D'] => self.cursor = self.cursor.saturating_sub(1),
            [_, _, b'H'] | [_, _, b'1' | b'7', b'~'] => self.cursor = 0,
            [_, _, b'F'] | [_, _, b'4' | b'8', b'~'] => self.cursor = self.line.len(),
            [_, _, b'3', b'~'] => self.delete(),
            _ => {}
        }
    }

    fn delete(&mut self) {
        if self.cursor < self.line.len() {
            self.line.remove(self.cursor);
        }
    }

    fn delete_word(&mut self) {
        let before = &self.line[..self.cursor];
        let words = before.iter().rposition(|b| *b != b' ').map_or(0, |i| i + 1);
        let start = self.line[..words].iter().rposition(|b| *b == b' ').map_or(0, |i| i + 1);
        self.line.drain(start..self.cursor);
        self.cursor = start;
    }

    fn enter(&mut self) -> String {
        let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap_or_default();
        self.cursor = 0;
        self.remember(&line);
        line
    }

    fn remember(&mut self, line: &str) {
        let new = !line.trim().is_empty() && self.history.last().is_none_or(|last| last != line);
        if new {
            self.history.push(line.to_owned());
            if self.history.len() > HISTORY {
                self.history.remove(0);
            }
        }
        self.shown = self.history.len();
    }

    fn older(&mut self) {
        if self.shown == 0 {
            return;
        }
        if self.shown == self.history.len() {
            self.kept.clone_from(&self.line);
        }
        self.shown -= 1;
        self.show();
    }

    fn newer(&mut self) {
        if self.shown < self.history.len() {
            self.shown += 1;
            self.show();
        }
    }

    fn show(&mut self) {
        self.line = match self.history.get(self.shown) {
            Some(line) => line.bytes().filter(|b| (b' '..=b'~').contains(b)).collect(),
            None => std::mem::take(&mut self.kept),
        };
        self.cursor = self.line.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> (Vec<Typed>, String, usize) {
        let mut editor = Editor::with_history(["G0 X1".to_owned(), "$$".to_owned()]);
        let out = editor.feed(keys.as_bytes());
        let (text, cursor) = editor.view();
        (out, text.to_owned(), cursor)
    }

    #[test]
    fn keys_edit_the_line() {
        for (keys, text, cursor) in [
            ("abc", "abc", 3),
            ("abc\x1b[D\x1b[Dx", "axbc", 2),
            ("abc\x01x\x05y", "xabcy", 5),
            ("abc\x7f\x7f", "a", 1),
            ("abc def\x17", "abc ", 4),
            ("abc def  \x17", "abc ", 4),
            ("abc\x02\x0b", "ab", 2),
            ("abc\x02\x15", "c", 0),
            ("abc\x1b[H\x1b[3~", "bc", 0),
            ("abc\x1bOF\x1bOD", "abc", 2),
            ("\x1b[A", "$$", 2),
            ("\x1b[A\x1b[A\x1b[A", "G0 X1", 5),
            ("new\x10\x0e", "new", 3),
            ("ä\x1b[1;5Cx\x00", "x", 1),
            ("\x7f\x1b[B\x04x", "x", 1),
        ] {
            let (_, now, at) = typed(keys);
            assert_eq!((now.as_str(), at), (text, cursor), "{keys:?}");
        }
    }

    #[test]
    fn lines_end_and_are_remembered_once() {
        let mut editor = Editor::default();
        let lines = editor.feed(b"$X\r$X\r\r?\n");
        let line = |s: &str| Typed::Line(s.to_owned());
        assert_eq!(lines, [line("$X"), line("$X"), line(""), line("?")]);
        assert_eq!(editor.history(), ["$X", "?"]);
        assert_eq!(typed("\x04").0, [Typed::End]);
        assert_eq!(typed("a\x18\x0c").0, [Typed::Reset, Typed::Redraw]);
    }
}
