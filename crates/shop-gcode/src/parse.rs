//! What was written: the tokens of a program, every byte accounted for.
//!
//! The scanner never fails and never skips: a token is a range of bytes, tokens follow one another, and between
//! two of them stand only blanks. What a controller would refuse is a token too ([`Kind::Unknown`],
//! [`Kind::OpenComment`] …); judging is the interpreter's work, because controllers differ.
//!
//! Vocabulary: a *block* is one line; a *word* is a letter with its number; a *remark* is a comment after `;`;
//! a *formula* is a word whose number must be computed (`X[1+#2]`); an *assignment* is `#1=…`; a *flow line* is
//! LinuxCNC's O-word line.
//!
//! One pass, no allocation, O(bytes).

use crate::number::{self, Decimal};
use memchr::{memchr, memchr2};

/// What a dialect lets a program say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syntax {
    /// `M117 any text`: some commands take the rest of the line as a string (Marlin).
    pub text_arguments: bool,
    /// A letter may stand without a number (`G28 X`, Marlin).
    pub bare_letters: bool,
    /// A line may be a name with parameters (`SET_VELOCITY_LIMIT ACCEL=3000`, Klipper; `if …`, RepRapFirmware).
    pub extended: bool,
    /// `@` and `^` are a radius and an angle (LinuxCNC).
    pub polar: bool,
    /// A number may be computed in braces (`X{1+2}`, RepRapFirmware).
    pub braces: bool,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A letter and a number. `$` counts as a letter inside a block (`M3 $0`).
    Word,
    /// A letter without a number.
    Bare,
    /// A letter with something to compute: `X#1`, `X[1+2]`, `F#<_hal[plasmac.cut-feed-rate]>`.
    Formula,
    /// `#1=2`, `#<name>=[#1+1]`.
    Assignment,
    /// An O-word and the rest of its line, comments excluded.
    Flow,
    /// A name with the rest of its line, comments excluded.
    Extended,
    /// `( … )`.
    Comment,
    /// `( …` without an end on this line.
    OpenComment,
    /// `)` without a beginning.
    StrayParenthesis,
    /// `; …` up to the end of the line.
    Remark,
    /// `%`.
    Percent,
    /// `/` at the start of a line.
    BlockDelete,
    /// `*71` at the end of a line.
    Checksum,
    /// A `$` line: a setting or command of the controller, not G-code.
    Dollar,
    /// Free text that belongs to the command before it (`M117 Hello`).
    Text,
    /// The end of a line: `\n`, `\r\n` or `\r`.
    Newline,
    /// The byte order mark at the start of a file.
    ByteOrderMark,
    /// Bytes that are no G-code.
    Unknown,
}

/// A range of bytes and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// The letter of a word, in upper case; `\n` of a line end that counts as a line; 0 otherwise.
    pub letter: u8,
    /// The number of a word.
    pub number: Decimal,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Walks over the tokens of a program.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    line_start: bool,
    /// The last word was a command that takes text.
    wants_text: bool,
    syntax: Syntax,
}

/// Returns the tokens of `program`.
///
/// ```
/// use shop_gcode::parse::{tokens, Kind, Syntax};
/// let kinds: Vec<Kind> = tokens(b"g1x10 (fast)\n", Syntax::default()).map(|t| t.kind).collect();
/// assert_eq!(kinds, [Kind::Word, Kind::Word, Kind::Comment, Kind::Newline]);
/// ```
pub fn tokens(program: &[u8], syntax: Syntax) -> Scanner<'_> {
    Scanner { bytes: program, at: 0, line_start: true, wants_text: false, syntax }
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        self.token()
    }
}

impl Scanner<'_> {
    /// Returns how far the scanner is.
    #[inline]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// True at the start of a line.
    #[inline]
    pub fn at_line_start(&self) -> bool {
        self.line_start
    }

    /// Goes on at `at`, which must be the start of a line.
    pub fn seek(&mut self, at: usize) {
        self.at = at.min(self.bytes.len());
        self.line_start = true;
        self.wants_text = false;
    }

    /// Returns the next token.
    #[inline]
    pub fn token(&mut self) -> Option<Token> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let start = self.at;
        let byte = *self.bytes.get(start)?;
        let letter = byte & 0xDF;
        if letter.is_ascii_uppercase() && !self.wants_text {
            // Blanks between the letter and its number are allowed everywhere.
            let mut i = start + 1;
            while matches!(self.bytes.get(i), Some(b' ' | b'\t')) {
                i += 1;
            }
            if letter != b'O'
                && let Some((number, end)) = number::read(self.bytes, i)
            {
                self.line_start = false;
                self.at = end;
                if self.syntax.text_arguments && letter == b'M' {
                    self.wants_text = takes_text(number);
                }
                return Some(Token { kind: Kind::Word, letter, number, start, end });
            }
        } else if byte == b'\n' {
            self.line_start = true;
            self.wants_text = false;
            self.at = start + 1;
            return Some(Token { letter: b'\n', ..plain(Kind::Newline, start, self.at) });
        }
        Some(self.other(start, byte))
    }

    /// Everything that is neither a plain word nor a line end.
    #[inline(never)]
    fn other(&mut self, start: usize, byte: u8) -> Token {
        let at_line_start = std::mem::replace(&mut self.line_start, false);
        let token = match byte {
            b'\r' => {
                self.line_start = true;
                self.wants_text = false;
                if self.bytes.get(start + 1) == Some(&b'\n') {
                    Token { letter: b'\n', ..plain(Kind::Newline, start, start + 2) }
                } else {
                    plain(Kind::Newline, start, start + 1)
                }
            }
            b';' => plain(Kind::Remark, start, self.line_end(start)),
            _ if self.wants_text => {
                self.wants_text = false;
                let end = self.line_end(start);
                let end = memchr(b';', &self.bytes[start..end]).map_or(end, |n| start + n);
                plain(Kind::Text, start, self.without_blanks(start, end))
            }
            b'(' => {
                let line_end = self.line_end(start);
                match memchr(b')', &self.bytes[start..line_end]) {
                    Some(n) => plain(Kind::Comment, start, start + n + 1),
                    None => plain(Kind::OpenComment, start, line_end),
                }
            }
            // A list (`E16:16`, RepRapFirmware) or a version (`U3.13.2`): the first value stands in the word, the rest
            // here.
            b':' | b'.' if self.syntax.text_arguments => {
                let rest = &self.bytes[start..self.line_end(start)];
                let run =
                    rest.iter().take_while(|b| matches!(b, b':' | b'.' | b'-' | b'+' | b'0'..=b'9')).count();
                plain(Kind::Text, start, start + run)
            }
            b')' => plain(Kind::StrayParenthesis, start, start + 1),
            b'%' => plain(Kind::Percent, start, start + 1),
            b'/' if at_line_start => {
                self.line_start = true;
                plain(Kind::BlockDelete, start, start + 1)
            }
            b'$' if at_line_start => plain(Kind::Dollar, start, self.line_end(start)),
            b'$' | b'*' => {
                let i = self.skip_blanks(start + 1);
                match number::read(self.bytes, i) {
                    Some((number, end)) => {
                        let kind = if byte == b'$' { Kind::Word } else { Kind::Checksum };
                        Token { kind, letter: byte, number, start, end }
                    }
                    None => self.unknown(start),
                }
            }
            b'"' if self.syntax.text_arguments => {
                let line_end = self.line_end(start);
                let end = memchr(b'"', &self.bytes[start + 1..line_end]).map_or(line_end, |n| start + n + 2);
                plain(Kind::Text, start, end)
            }
            b'@' | b'^' if self.syntax.polar => {
                let i = self.skip_blanks(start + 1);
                match number::read(self.bytes, i) {
                    Some((number, end)) => Token { kind: Kind::Word, letter: byte, number, start, end },
                    None if matches!(self.bytes.get(i), Some(b'#' | b'[')) => {
                        Token { letter: byte, ..plain(Kind::Formula, start, self.formula_end(i)) }
                    }
                    None => self.unknown(start),
                }
            }
            b'#' => self.assignment(start),
            0xEF if start == 0 && self.bytes.starts_with(b"\xEF\xBB\xBF") => {
                self.line_start = true;
                plain(Kind::ByteOrderMark, 0, 3)
            }
            _ if byte.is_ascii_alphabetic() => self.letter(start, byte & 0xDF, at_line_start),
            _ => self.unknown(start),
        };
        self.at = token.end;
        token
    }

    /// A letter that no number follows, or an O.
    fn letter(&mut self, start: usize, letter: u8, at_line_start: bool) -> Token {
        let i = self.skip_blanks(start + 1);
        let next = self.bytes.get(i).copied().unwrap_or(b'\n');
        if letter == b'O' {
            // O-words stand first in their line; only N may stand before.
            if matches!(next, b'0'..=b'9' | b'<' | b'#' | b'[') {
                let end = self.code_end(i);
                return Token { letter, ..plain(Kind::Flow, start, end) };
            }
            return self.unknown(start);
        }
        if next == b'{' && self.syntax.braces {
            let line_end = self.line_end(i);
            let end = self.brace_end(i, line_end);
            return Token { letter, ..plain(Kind::Formula, start, end) };
        }
        if matches!(next, b'#' | b'[') || (matches!(next, b'-' | b'+') && self.formula_after_sign(i)) {
            let end = self.formula_end(i);
            return Token { letter, ..plain(Kind::Formula, start, end) };
        }
        // Two letters in a row are text, unless the dialect knows letters without numbers.
        if self.function_end(i).is_some() && !self.syntax.bare_letters {
            let end = self.formula_end(i);
            return Token { letter, ..plain(Kind::Formula, start, end) };
        }
        let run = self.bytes[start..].iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
        if run > 1 && at_line_start && self.syntax.extended {
            let line_end = self.line_end(start);
            let end = memchr(b';', &self.bytes[start..line_end]).map_or(line_end, |n| start + n);
            return plain(Kind::Extended, start, self.without_blanks(start, end));
        }
        if run > 1 && (at_line_start || !self.syntax.bare_letters) {
            return self.unknown(start);
        }
        Token { letter, ..plain(Kind::Bare, start, start + 1) }
    }

    fn formula_after_sign(&self, at: usize) -> bool {
        let i = self.skip_blanks(at + 1);
        matches!(self.bytes.get(i), Some(b'#' | b'[')) || self.function_end(i).is_some()
    }

    /// Returns where the name of a function (`SIN`, `ATAN` … before `[`) that starts at `at` ends.
    fn function_end(&self, at: usize) -> Option<usize> {
        let run = self.bytes.get(at..)?.iter().take(6).take_while(|b| b.is_ascii_alphabetic()).count();
        let open = self.skip_blanks(at + run);
        let is = (2..=5).contains(&run)
            && self.bytes.get(open) == Some(&b'[')
            && crate::expression::is_function(&self.bytes[at..at + run]);
        is.then_some(at + run)
    }

    /// Returns the end of one primary of an expression: `#12`, `#<name>`, `#[…]`, `[…]`, `SIN[…]`, `ATAN[…]/[…]`.
    fn formula_end(&self, at: usize) -> usize {
        let line_end = self.line_end(at);
        let mut i = at;
        // Signs and number signs may pile up: -##2.
        while i < line_end && matches!(self.bytes[i], b'#' | b'-' | b'+' | b' ' | b'\t') {
            i += 1;
        }
        if let Some(end) = self.function_end(i) {
            let name = &self.bytes[i..end];
            let first = self.bracket_end(self.skip_blanks(end), line_end);
            if name.eq_ignore_ascii_case(b"atan") {
                let slash = self.skip_blanks(first);
                if self.bytes.get(slash) == Some(&b'/') {
                    return self.bracket_end(self.skip_blanks(slash + 1), line_end);
                }
            }
            return first;
        }
        match self.bytes.get(i) {
            Some(b'<') => memchr(b'>', &self.bytes[i..line_end]).map_or(line_end, |n| i + n + 1),
            Some(b'[') => self.bracket_end(i, line_end),
            _ => match number::read(self.bytes, i) {
                Some((_, end)) => end,
                None => (i + 1).min(line_end).max(at + 1),
            },
        }
    }

    /// Returns the place after the bracket that closes the one at `at`.
    fn bracket_end(&self, at: usize, line_end: usize) -> usize {
        let mut depth = 0u32;
        let mut i = at;
        while i < line_end {
            match self.bytes[i] {
                b'[' => depth += 1,
                b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return i + 1;
                    }
                }
                _ => {}
            }
            i += 1;
        }
        line_end.max(at)
    }

    /// Returns the place after the brace that closes the one at `at`.
    fn brace_end(&self, at: usize, line_end: usize) -> usize {
        let mut depth = 0u32;
        for i in at..line_end {
            match self.bytes[i] {
                b'{' => depth += 1,
                b'}' if depth == 1 => return i + 1,
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        line_end.max(at + 1)
    }

    fn assignment(&self, start: usize) -> Token {
        let target = self.formula_end(start);
        let equals = self.skip_blanks(target);
        if self.bytes.get(equals) != Some(&b'=') {
            return plain(Kind::Unknown, start, target);
        }
        let value = self.skip_blanks(equals + 1);
        let mut end = self.formula_end(value).min(self.line_end(start)).max(equals + 1);
        // `#1=-5` and `#1=5` are numbers, `#1=#2` a formula; both end where their primary ends.
        if let Some((_, number_end)) = number::read(self.bytes, value) {
            end = number_end;
        }
        plain(Kind::Assignment, start, end)
    }

    /// A run of bytes up to something that can start a token again.
    fn unknown(&self, start: usize) -> Token {
        let rest = &self.bytes[start..self.line_end(start)];
        let run = rest.iter().skip(1).take_while(|b| !matches!(b, b' ' | b'\t' | b'(' | b';')).count();
        plain(Kind::Unknown, start, start + (1 + run).min(rest.len().max(1)))
    }

    fn skip_blanks(&self, mut at: usize) -> usize {
        while matches!(self.bytes.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        at
    }

    fn line_end(&self, at: usize) -> usize {
        memchr2(b'\n', b'\r', &self.bytes[at..]).map_or(self.bytes.len(), |n| at + n)
    }

    /// The end of the line without comments and blanks.
    fn code_end(&self, at: usize) -> usize {
        let line_end = self.line_end(at);
        let end = memchr2(b'(', b';', &self.bytes[at..line_end]).map_or(line_end, |n| at + n);
        self.without_blanks(at, end)
    }

    fn without_blanks(&self, start: usize, mut end: usize) -> usize {
        while end > start && matches!(self.bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        end
    }
}

#[inline(always)]
fn plain(kind: Kind, start: usize, end: usize) -> Token {
    Token { kind, letter: 0, number: Decimal { mantissa: 0, scale: 0 }, start, end }
}

/// Marlin commands whose argument is a string: M16, M23, M28, M30, M32, M117, M118, M928 (Marlin 2 documentation), M550 (RepRapFirmware).
fn takes_text(number: Decimal) -> bool {
    number.scale == 0 && matches!(number.mantissa, 16 | 23 | 28 | 30 | 32 | 117 | 118 | 550 | 928)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MARLIN: Syntax =
        Syntax { text_arguments: true, bare_letters: true, extended: false, polar: false, braces: false };

    fn show(text: &str, syntax: Syntax) -> String {
        tokens(text.as_bytes(), syntax)
            .map(|t| format!("{:?}<{}>", t.kind, text[t.start..t.end].escape_debug()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn lines_as_they_come() {
        let c = |text: &str, expected: &str| assert_eq!(show(text, Syntax::default()), expected);
        c("g01x-1.5 Y 2;end\r\n", "Word<g01> Word<x-1.5> Word<Y 2> Remark<;end> Newline<\\r\\n>");
        c(
            "/N10 G91.1 (a(b) c) X",
            "BlockDelete</> Word<N10> Word<G91.1> Comment<(a(b)> Bare<c> StrayParenthesis<)> Bare<X>",
        );
        c(
            "%\n$32=1\nM3 $0 S1",
            "Percent<%> Newline<\\n> Dollar<$32=1> Newline<\\n> Word<M3> Word<$0> Word<S1>",
        );
        c("G1 X[1+[2*3]]Y#<a b>Z-#5", "Word<G1> Formula<X[1+[2*3]]> Formula<Y#<a b>> Formula<Z-#5>");
        c(
            "#1=-5 #<x>=[#1] o100 if [#1 GT 2] (c)",
            "Assignment<#1=-5> Assignment<#<x>=[#1]> \
          Flow<o100 if [#1 GT 2]> Comment<(c)>",
        );
        c("F#<_hal[plasmac.cut-feed-rate]>", "Formula<F#<_hal[plasmac.cut-feed-rate]>>");
        c("G1 Xsin[30] Yatan[1]/[2]Z1", "Word<G1> Formula<Xsin[30]> Formula<Yatan[1]/[2]> Word<Z1>");
        c("hello G1 (open", "Unknown<hello> Word<G1> OpenComment<(open>");
        c("N3 G1*71", "Word<N3> Word<G1> Checksum<*71>");
        assert_eq!(
            show("M117 Done, (100%) ;x\nG28 X Y0", MARLIN),
            "Word<M117> Text<Done, (100%)> Remark<;x> Newline<\\n> Word<G28> Bare<X> Word<Y0>"
        );
    }

    proptest! {
        #[test]
        fn every_byte_is_accounted_for(text in "[GXM01.\\-#\\[\\]<>()=;/%$*oO \t\r\nsin\u{e9}]{0,60}", marlin: bool) {
            let bytes = text.as_bytes();
            let mut at = 0;
            for t in tokens(bytes, if marlin { MARLIN } else { Syntax::default() }) {
                prop_assert!(t.start >= at && t.end > t.start && t.end <= bytes.len());
                prop_assert!(bytes[at..t.start].iter().all(|b| matches!(b, b' ' | b'\t')));
                at = t.end;
            }
            prop_assert!(bytes[at..].iter().all(|b| matches!(b, b' ' | b'\t')));
        }
    }
}
