//! The group-code reader: a DXF file as a run of (code, value) pairs, without copying a byte.
//!
//! An ASCII file writes every group on two lines, the code and the value; a binary file writes a code of one
//! byte (R12 and before) or two (R13 and after) and a value whose width follows from the code. A *record* is
//! everything from one `0` group to the next: an entity, a table entry, a section mark.
//!
//! Broken input is met here: a line that should be a code and is none ends the record, and [`Groups::record`]
//! finds the next `0` followed by a name. All loops move forward by at least one byte, so reading is linear.

use memchr::{memchr, memmem};

/// What a binary file begins with (DXF reference, "Binary DXF Files").
pub(super) const BINARY_SENTINEL: &[u8] = b"AutoCAD Binary DXF\r\n\x1a\0";

/// How the bytes are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Lines, ended by this byte (old Macintosh files end them with CR alone).
    Ascii { eol: u8 },
    /// Binary, with codes of two bytes instead of one.
    Binary { wide: bool },
}

/// One group: its code and its raw value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a> {
    pub code: i32,
    /// ASCII: the line without its end. Binary: the value's bytes.
    pub value: &'a [u8],
    /// Offset of the group's first byte.
    pub at: usize,
    /// Offset of the value from there.
    value_from: u8,
    binary: bool,
}

/// What stands next in a record.
pub(super) enum Next<'a> {
    Group(Group<'a>),
    /// The next record begins, or the part ends.
    End,
    /// What stands at this offset is no group.
    Broken(usize),
}

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Plain(f64),
    /// Written with a decimal comma.
    Comma(f64),
    /// Not a finite number.
    Bad,
}

/// A reader over part of a file.
#[derive(Clone)]
pub(super) struct Groups<'a> {
    bytes: &'a [u8],
    pos: usize,
    pub format: Format,
}

impl<'a> Groups<'a> {
    /// Reads from `pos`; offsets count from the start of `bytes`, which ends where the part ends.
    pub fn new(bytes: &'a [u8], pos: usize, format: Format) -> Self {
        Groups { bytes, pos: pos.min(bytes.len()), format }
    }

    pub fn pos(&self) -> usize {
        self.pos
    }

    pub fn seek(&mut self, pos: usize) {
        self.pos = pos.min(self.bytes.len());
    }

    /// Returns the next group of the record at hand; comments (999) are skipped. A `0` group is not consumed.
    #[inline]
    pub fn next(&mut self) -> Next<'a> {
        loop {
            let from = self.pos;
            match self.any() {
                Next::Group(g) if g.code == 0 => {
                    self.pos = from;
                    return Next::End;
                }
                Next::Group(g) if g.code == 999 => {}
                other => return other,
            }
        }
    }

    /// Returns the next group, whatever its code.
    #[inline]
    fn any(&mut self) -> Next<'a> {
        match self.format {
            Format::Ascii { eol } => self.any_ascii(eol),
            Format::Binary { wide } => self.any_binary(wide),
        }
    }

    #[inline]
    fn any_ascii(&mut self, eol: u8) -> Next<'a> {
        let b = self.bytes;
        let at = self.pos;
        let mut i = at;
        while i < b.len() && matches!(b[i], b' ' | b'\t' | 0x0c) {
            i += 1;
        }
        let negative = i < b.len() && b[i] == b'-';
        i += usize::from(negative);
        let first = i;
        let mut code = 0i32;
        while i < b.len() && b[i].is_ascii_digit() && i < first + 6 {
            code = code * 10 + i32::from(b[i] - b'0');
            i += 1;
        }
        let digits = i - first;
        while i < b.len() && b[i] != eol && matches!(b[i], b' ' | b'\t' | b'\r' | 0x0c) {
            i += 1;
        }
        if digits == 0 || (i < b.len() && b[i] != eol) {
            // Only white space left, or the mark that DOS put behind a text file: the end and no fault.
            if b[at..].iter().all(|c| c.is_ascii_whitespace() || matches!(c, 0 | 0x1a)) {
                self.pos = b.len();
                return Next::End;
            }
            return Next::Broken(at);
        }
        if i >= b.len() {
            // A code without a value: the file was cut off here.
            self.pos = b.len();
            return Next::End;
        }
        let start = i + 1;
        let end = memchr(eol, &b[start..]).map_or(b.len(), |n| start + n);
        self.pos = (end + 1).min(b.len());
        let value = &b[start..end];
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        let value_from = (start - at).min(255) as u8;
        Next::Group(Group { code: if negative { -code } else { code }, value, at, value_from, binary: false })
    }

    fn any_binary(&mut self, wide: bool) -> Next<'a> {
        let b = self.bytes;
        let at = self.pos;
        let mut i = at;
        let word = |i: usize| b.get(i..i + 2).map(|w| i32::from(i16::from_le_bytes([w[0], w[1]])));
        let code = if wide {
            i += 2;
            word(at)
        } else {
            i += 1;
            match b.get(at) {
                Some(255) => {
                    i += 2;
                    word(at + 1)
                }
                other => other.map(|&c| i32::from(c)),
            }
        };
        let Some(code) = code else {
            self.pos = b.len();
            return Next::End;
        };
        let width = match binary_width(code) {
            Width::Text => match memchr(0, b.get(i..).unwrap_or_default()) {
                Some(n) => n,
                None => return self.cut_off(),
            },
            Width::Chunk => match b.get(i) {
                Some(&n) => {
                    i += 1;
                    usize::from(n)
                }
                None => return self.cut_off(),
            },
            Width::Bytes(n) => n,
            Width::Unknown => return Next::Broken(at),
        };
        let Some(value) = b.get(i..i + width) else { return self.cut_off() };
        self.pos = i + width + usize::from(matches!(binary_width(code), Width::Text));
        let value_from = (i - at) as u8;
        Next::Group(Group { code, value, at, value_from, binary: true })
    }

    fn cut_off(&mut self) -> Next<'a> {
        self.pos = self.bytes.len();
        Next::End
    }

    /// Consumes the `0` group that stands here and returns the record's name; `None` at the end. Anything else
    /// that stands here is passed over to the next record; `skipped` is told where that began.
    pub fn record(&mut self, mut skipped: impl FnMut(usize)) -> Option<Group<'a>> {
        loop {
            if self.pos >= self.bytes.len() {
                return None;
            }
            let from = self.pos;
            match self.any() {
                Next::Group(g) if g.code == 0 => return Some(g),
                Next::Group(g) if g.code == 999 => {}
                Next::End => return None,
                Next::Group(_) | Next::Broken(_) => {
                    skipped(from);
                    self.resync();
                    if self.pos <= from {
                        // It looks like a record from afar and is none.
                        self.pos = from + 1;
                        self.resync();
                    }
                }
            }
        }
    }

    /// Moves to the next thing that looks like the start of a record.
    pub fn resync(&mut self) {
        let from = self.pos;
        self.pos = match self.format {
            Format::Ascii { eol } => next_record(self.bytes, from, eol, |_| true),
            Format::Binary { wide } => next_binary_record(self.bytes, from + 1, wide),
        };
    }

    /// Moves to the next line; false when there is none or the file has no lines.
    pub fn skip_line(&mut self) -> bool {
        let Format::Ascii { eol } = self.format else { return false };
        match memchr(eol, &self.bytes[self.pos..]) {
            Some(n) => self.pos += n + 1,
            None => self.pos = self.bytes.len(),
        }
        self.pos < self.bytes.len()
    }

    /// Passes over the groups of the record at hand. Returns the offset of what is broken, if so.
    pub fn skip_record(&mut self) -> Option<usize> {
        loop {
            match self.next() {
                Next::Group(_) => {}
                Next::End => return None,
                Next::Broken(at) => return Some(at),
            }
        }
    }
}

impl<'a> Group<'a> {
    /// Returns where the value stands in the file.
    pub fn value_at(&self) -> usize {
        self.at + usize::from(self.value_from)
    }

    /// Returns the value as text bytes, white space at both ends removed.
    pub fn text(&self) -> &'a [u8] {
        self.value.trim_ascii()
    }

    /// Returns the value as a number.
    #[inline]
    pub fn number(&self) -> Number {
        if self.binary {
            return match (self.value.len(), <[u8; 8]>::try_from(self.value)) {
                (8, Ok(w)) => match f64::from_le_bytes(w) {
                    v if v.is_finite() => Number::Plain(v),
                    _ => Number::Bad,
                },
                _ => self.integer().map_or(Number::Bad, |v| Number::Plain(v as f64)),
            };
        }
        parse_number(self.value)
    }

    /// Returns the value as a whole number; a real number is cut off at its point.
    pub fn integer(&self) -> Option<i64> {
        if self.binary {
            return match *self.value {
                [a] => Some(i64::from(a)),
                [a, b] => Some(i64::from(i16::from_le_bytes([a, b]))),
                [a, b, c, d] => Some(i64::from(i32::from_le_bytes([a, b, c, d]))),
                _ => match self.number_of_eight() {
                    Some(v) => Some(v as i64),
                    None => integer_text(self.text()),
                },
            };
        }
        integer_text(self.text())
    }

    fn number_of_eight(&self) -> Option<f64> {
        let v = f64::from_le_bytes(self.value.try_into().ok()?);
        v.is_finite().then_some(v)
    }
}

fn integer_text(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return match parse_number(text) {
            Number::Plain(v) | Number::Comma(v) => Some(v as i64),
            Number::Bad => None,
        };
    }
    let v = digits.iter().fold(0i64, |v, d| v * 10 + i64::from(d - b'0'));
    Some(if negative { -v } else { v })
}

/// Powers of ten that `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Parses a decimal number, white space around it allowed. Numbers of at most 2^53 with at most 22 decimals take
/// Clinger's fast path (W. D. Clinger, "How to read floating point numbers accurately", 1990): digits and power
/// of ten are both exact, so one division rounds correctly. The rest goes to the standard library.
#[inline]
pub(super) fn parse_number(text: &[u8]) -> Number {
    let mut i = 0;
    while i < text.len() && text[i].is_ascii_whitespace() {
        i += 1;
    }
    let negative = i < text.len() && text[i] == b'-';
    i += usize::from(negative || (i < text.len() && text[i] == b'+'));
    let (mut mantissa, mut decimals, mut digits) = (0u64, 0usize, 0usize);
    let start = i;
    while i < text.len() && text[i].is_ascii_digit() {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(text[i] - b'0'));
        i += 1;
    }
    digits += i - start;
    if i < text.len() && text[i] == b'.' {
        i += 1;
        let start = i;
        while i < text.len() && text[i].is_ascii_digit() {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(text[i] - b'0'));
            i += 1;
        }
        decimals = i - start;
        digits += decimals;
    }
    while i < text.len() && text[i].is_ascii_whitespace() {
        i += 1;
    }
    if i == text.len() && digits > 0 && digits <= 19 && mantissa <= 1 << 53 && decimals < POWERS.len() {
        let v = mantissa as f64 / POWERS[decimals];
        return Number::Plain(if negative { -v } else { v });
    }
    parse_slowly(text)
}

#[cold]
fn parse_slowly(text: &[u8]) -> Number {
    let Ok(text) = std::str::from_utf8(text.trim_ascii()) else { return Number::Bad };
    // `inf` and `nan` would parse; digits are required.
    if text.len() > 400 || !text.bytes().any(|b| b.is_ascii_digit()) {
        return Number::Bad;
    }
    match text.parse::<f64>() {
        Ok(v) if v.is_finite() => Number::Plain(v),
        Ok(_) => Number::Bad,
        Err(_) => {
            // 1,5 and Fortran's 1.5D+3.
            let comma = text.matches(',').count() == 1 && !text.contains('.');
            let plain = text.replace(',', ".").replace(['d', 'D'], "e");
            match plain.parse::<f64>() {
                Ok(v) if v.is_finite() && comma => Number::Comma(v),
                Ok(v) if v.is_finite() && !text.contains(',') => Number::Plain(v),
                _ => Number::Bad,
            }
        }
    }
}

enum Width {
    Text,
    Chunk,
    Bytes(usize),
    Unknown,
}

/// Returns how a binary file writes the value of this group code (DXF reference, "Group Code Value Types").
fn binary_width(code: i32) -> Width {
    match code {
        0..=9
        | 100..=109
        | 300..=309
        | 320..=369
        | 390..=399
        | 410..=419
        | 430..=439
        | 470..=481
        | 999
        | 1000..=1003
        | 1005..=1009 => Width::Text,
        310..=319 | 1004 => Width::Chunk,
        10..=59 | 110..=149 | 160..=169 | 210..=239 | 460..=469 | 1010..=1059 => Width::Bytes(8),
        90..=99 | 420..=429 | 440..=459 | 1071 => Width::Bytes(4),
        60..=79 | 170..=179 | 270..=289 | 370..=389 | 400..=409 | 1060..=1070 => Width::Bytes(2),
        290..=299 => Width::Bytes(1),
        _ => Width::Unknown,
    }
}

/// Returns the start of the first `0` group at or after `from` whose value is a name that `accept` likes, or the
/// end. A line `0` followed by a line that starts with a letter can only be a group: had the `0` been a value, a
/// code would follow. `from` must be the start of a line.
pub(super) fn next_record(bytes: &[u8], from: usize, eol: u8, accept: impl Fn(&[u8]) -> bool) -> usize {
    let mut at = from;
    let mut zero: Option<usize> = None;
    while at < bytes.len() {
        let end = memchr(eol, &bytes[at..]).map_or(bytes.len(), |n| at + n);
        let line = bytes[at..end].trim_ascii();
        if let Some(zero) = zero
            && is_record_name(line)
            && accept(line)
        {
            return zero;
        }
        zero = (line == b"0").then_some(at);
        at = end + 1;
    }
    bytes.len()
}

fn is_record_name(line: &[u8]) -> bool {
    match line {
        [b'3', b'D', ..] => true,
        [first, ..] => first.is_ascii_alphabetic() || *first == b'_',
        [] => false,
    }
}

fn next_binary_record(bytes: &[u8], from: usize, wide: bool) -> usize {
    let code = if wide { 2 } else { 1 };
    let mut at = from;
    while at + code + 2 < bytes.len() {
        let name = &bytes[at + code..];
        if bytes[at..at + code].iter().all(|&b| b == 0)
            && (name[0].is_ascii_uppercase() || name.starts_with(b"3D"))
            && memchr(0, &name[..name.len().min(40)])
                .is_some_and(|n| n >= 3 && name[..n].iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_'))
        {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// A section of the file.
#[derive(Clone, Debug)]
pub(super) struct Section<'a> {
    pub name: &'a [u8],
    /// First byte after the section's name.
    pub start: usize,
    /// First byte of its end mark.
    pub end: usize,
}

/// What a file is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Sections<'a> {
    pub list: Vec<Section<'a>>,
    pub has_eof: bool,
    /// A section that nobody closed.
    pub unclosed: Option<usize>,
    /// Where the file ends; what follows is trash.
    pub end: usize,
}

/// Finds the sections without reading them. An ASCII file is searched for the marks (memory speed); a binary one
/// is walked group by group.
pub(super) fn sections(bytes: &[u8], start: usize, format: Format) -> Sections<'_> {
    match format {
        Format::Ascii { eol } => ascii_sections(bytes, start, eol),
        Format::Binary { .. } => binary_sections(bytes, start, format),
    }
}

fn ascii_sections(bytes: &[u8], start: usize, eol: u8) -> Sections<'_> {
    let format = Format::Ascii { eol };
    let mut found = Sections { end: bytes.len(), ..Sections::default() };
    let mut open: Option<(&[u8], usize)> = None;
    let finder = memmem::Finder::new("SEC");
    let mut from = start;
    while let Some(n) = finder.find(&bytes[from..]) {
        let hit = from + n;
        from = hit + 3;
        let Some((zero, line, after)) = mark_around(bytes, start, hit, eol) else { continue };
        match line {
            b"SECTION" => {
                if let Some((name, s)) = open.take() {
                    found.unclosed = found.unclosed.or(Some(s));
                    found.list.push(Section { name, start: s, end: zero });
                }
                let mut groups = Groups::new(bytes, after, format);
                open = match groups.next() {
                    Next::Group(g) if g.code == 2 => Some((g.text(), groups.pos())),
                    _ => Some((b"".as_slice(), after)),
                };
            }
            b"ENDSEC" => {
                if let Some((name, s)) = open.take() {
                    found.list.push(Section { name, start: s, end: zero });
                }
            }
            _ => {}
        }
    }
    // The mark behind the last section; one further up, inside of a section, is somebody's text.
    let tail = open.map_or_else(|| found.list.last().map_or(start, |s| s.end), |(_, s)| s);
    let mut from = tail;
    while let Some(n) = memmem::find(&bytes[from..], b"EOF") {
        let hit = from + n;
        from = hit + 3;
        if let Some((zero, b"EOF", _)) = mark_around(bytes, start, hit, eol) {
            found.has_eof = true;
            found.end = zero;
            break;
        }
    }
    if let Some((name, s)) = open {
        found.unclosed = found.unclosed.or(Some(s));
        found.list.push(Section { name, start: s, end: found.end.max(s) });
    }
    found
}

/// Returns (start of the code line, the line, start of what follows) when the line around `hit` is the value of
/// a `0` group. Marks are short, so it looks no further than `REACH` either way, which keeps the search linear.
fn mark_around(bytes: &[u8], start: usize, hit: usize, eol: u8) -> Option<(usize, &[u8], usize)> {
    const REACH: usize = 64;
    let line_before = |at: usize| {
        let low = at.saturating_sub(REACH).max(start);
        match memchr::memrchr(eol, &bytes[low..at]) {
            Some(n) => Some(low + n + 1),
            None => (low == start).then_some(start),
        }
    };
    let line_start = line_before(hit).filter(|&s| s > start)?;
    let high = (hit + REACH).min(bytes.len());
    let line_end = match memchr(eol, &bytes[hit..high]) {
        Some(n) => hit + n,
        None if high == bytes.len() => high,
        None => return None,
    };
    let zero = line_before(line_start - 1)?;
    (bytes[zero..line_start - 1].trim_ascii() == b"0").then_some((
        zero,
        bytes[line_start..line_end].trim_ascii(),
        (line_end + 1).min(bytes.len()),
    ))
}

fn binary_sections(bytes: &[u8], start: usize, format: Format) -> Sections<'_> {
    let mut found = Sections { end: bytes.len(), ..Sections::default() };
    let mut open: Option<(&[u8], usize)> = None;
    let mut groups = Groups::new(bytes, start, format);
    while let Some(g) = groups.record(|_| {}) {
        match g.text() {
            b"SECTION" => {
                if let Some((name, s)) = open.take() {
                    found.unclosed = found.unclosed.or(Some(s));
                    found.list.push(Section { name, start: s, end: g.at });
                }
                let after = groups.pos();
                open = match groups.next() {
                    Next::Group(g) if g.code == 2 => Some((g.text(), groups.pos())),
                    _ => Some((b"".as_slice(), after)),
                };
            }
            b"ENDSEC" => {
                if let Some((name, s)) = open.take() {
                    found.list.push(Section { name, start: s, end: g.at });
                }
            }
            b"EOF" => {
                found.has_eof = true;
                found.end = g.at;
                break;
            }
            _ => {}
        }
        if groups.skip_record().is_some() {
            groups.resync();
        }
    }
    if let Some((name, s)) = open {
        found.unclosed = found.unclosed.or(Some(s));
        found.list.push(Section { name, start: s, end: found.end.max(s) });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> Vec<(i32, String)> {
        let mut groups = Groups::new(text, 0, Format::Ascii { eol: b'\n' });
        let mut out = Vec::new();
        while let Next::Group(g) = groups.any() {
            out.push((g.code, String::from_utf8_lossy(g.value).into_owned()));
        }
        out
    }

    #[test]
    fn reads_codes_with_spaces_and_either_line_end() {
        let want = vec![(0, "LINE".to_owned()), (10, " 1.5".to_owned()), (-4, String::new())];
        assert_eq!(all(b"  0\nLINE\n 10 \n 1.5\n-4\n\n"), want);
        assert_eq!(all(b"  0\r\nLINE\r\n 10 \r\n 1.5\r\n-4\r\n\r\n\x1a"), want);
    }

    #[test]
    fn numbers_of_every_spelling() {
        for (text, want) in [
            ("  -1.50 ", Number::Plain(-1.5)),
            ("+3", Number::Plain(3.0)),
            (".5", Number::Plain(0.5)),
            ("1e3", Number::Plain(1000.0)),
            ("1.5D+2", Number::Plain(150.0)),
            ("1,5", Number::Comma(1.5)),
            ("-6,63671875", Number::Comma(-6.63671875)),
            ("1,234.5", Number::Bad),
            ("nan", Number::Bad),
            ("inf", Number::Bad),
            ("1e999", Number::Bad),
            ("-", Number::Bad),
            ("", Number::Bad),
            ("12a", Number::Bad),
        ] {
            assert_eq!(parse_number(text.as_bytes()), want, "{text}");
        }
    }

    proptest! {
        /// The fast path rounds as the standard library does.
        #[test]
        fn numbers_round_correctly(v in any::<f64>(), decimals in 0usize..25, whole in -1e9..1e9f64) {
            for text in [format!("{v}"), format!("{whole:.decimals$}"), format!("{v:e}")] {
                let want = text.parse::<f64>().ok().filter(|v| v.is_finite());
                let got = match parse_number(text.as_bytes()) {
                    Number::Plain(v) => Some(v),
                    _ => None,
                };
                prop_assert_eq!(got, want);
            }
        }
    }

    #[test]
    fn sections_are_found_past_texts_that_look_like_marks() {
        let text = b"0\nSECTION\n2\nENTITIES\n0\nTEXT\n1\nENDSEC\n8\n0\n0\nENDSEC\n0\nEOF\ntrash\n";
        let s = sections(text, 0, Format::Ascii { eol: b'\n' });
        assert_eq!(s.list.len(), 1);
        assert_eq!(s.list[0].name, b"ENTITIES");
        assert_eq!(&text[s.list[0].start..s.list[0].end], b"0\nTEXT\n1\nENDSEC\n8\n0\n");
        assert!(s.has_eof && s.unclosed.is_none());
    }

    #[test]
    fn what_only_looks_like_a_record_is_passed_over() {
        for text in ["10\n1\n\u{c}0x\nLINE\n0\nARC\n", "x\n\r0\nLINE\n0\nARC\n", "\u{c}\u{c}0\nA\n"] {
            let mut groups = Groups::new(text.as_bytes(), 0, Format::Ascii { eol: b'\n' });
            let count = std::iter::from_fn(|| groups.record(|_| {})).take(10).count();
            assert!((1..3).contains(&count));
        }
    }
}
