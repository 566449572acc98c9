//! The file as text: decompression, character encodings, and the way back to places in the file.

use super::inflate;
use shop_report::{Diagnostic, SourceId, Span};
use std::ops::Range;

/// A file as text.
pub(super) struct Source {
    id: SourceId,
    /// The text, UTF-8.
    pub text: String,
    /// Where the text is shifted against the file: text offset and bytes it is ahead from there on. Empty when
    /// text and file agree.
    shifts: Vec<(usize, i64)>,
    /// False when the file is compressed and has no places of its own.
    placed: bool,
}

/// Most text of a compressed file; larger drawings than this do not come compressed by honest means.
const MOST_INFLATED: usize = 1 << 29;

impl Source {
    /// Decodes a file: gzip, byte order marks, the XML declaration, else UTF-8, else Windows-1252.
    pub fn decode(id: SourceId, bytes: &[u8], said: &mut Vec<Diagnostic>) -> Result<Source, Box<Diagnostic>> {
        let whole = Span::new(id, 0, bytes.len().min(1));
        let error = |code, text: &str, hint: &str| {
            Err(Box::new(Diagnostic::error(code, text).span(whole).hint(hint)))
        };
        if bytes.is_empty() {
            return error("svg/empty", "the file is empty", "export the drawing again");
        }
        if u32::try_from(bytes.len()).is_err() {
            return error("svg/too-large", "the file is larger than 4 GiB", "divide the drawing");
        }
        let inflated;
        let (bytes, placed) = if bytes.starts_with(&[0x1f, 0x8b]) {
            match inflate::gunzip(bytes, MOST_INFLATED) {
                Ok(v) => inflated = v,
                Err(why) => {
                    let d = Diagnostic::error(
                        "svg/gzip",
                        format!("the compressed file cannot be unpacked: {why}"),
                    );
                    return Err(Box::new(d.span(whole).hint("the file is damaged; export it anew")));
                }
            }
            (inflated.as_slice(), false)
        } else {
            (bytes, true)
        };
        let declared = declared_encoding(bytes);
        let encoding = match encoding_rs::Encoding::for_bom(bytes) {
            Some((e, _)) => e,
            None if bytes.starts_with(b"<\0") => encoding_rs::UTF_16LE,
            None if bytes.starts_with(b"\0<") => encoding_rs::UTF_16BE,
            None => declared
                .and_then(encoding_rs::Encoding::for_label)
                // A declaration in ASCII letters cannot be of UTF-16.
                .filter(|e| *e != encoding_rs::UTF_16LE && *e != encoding_rs::UTF_16BE)
                .unwrap_or(encoding_rs::UTF_8),
        };
        let mut encoding = encoding;
        if encoding == encoding_rs::UTF_8 && std::str::from_utf8(bytes).is_err() {
            encoding = encoding_rs::WINDOWS_1252;
            let at = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), |_| 0);
            let span = if placed { Span::new(id, at, at + 1) } else { whole };
            said.push(
                Diagnostic::warning(
                    "svg/encoding",
                    "the text is not UTF-8 as it should be; Windows-1252 assumed",
                )
                .span(span),
            );
        }
        let (text, _, _) = encoding.decode(bytes);
        let shifts = if !placed || encoding == encoding_rs::UTF_8 {
            if bytes.starts_with(b"\xef\xbb\xbf") { vec![(0, -3)] } else { Vec::new() }
        } else if encoding.is_single_byte() {
            shifts(&text, |_| 1)
        } else if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
            shifts(&text, |c| 2 * c.len_utf16() as i64)
        } else {
            // East Asian: two bytes for what is not ASCII, which holds for nearly all.
            shifts(&text, |c| if c.is_ascii() { 1 } else { 2 })
        };
        if text.contains('\0') {
            return error(
                "svg/not-xml",
                "the file holds zero bytes and is no text",
                "it is damaged or no SVG",
            );
        }
        Ok(Source { id, text: text.into_owned(), shifts, placed })
    }

    /// Returns the place in the file of a range of the text.
    pub fn span(&self, range: Range<usize>) -> Span {
        if !self.placed {
            return Span::new(self.id, 0, 0);
        }
        let at = |p: usize| {
            let i = self.shifts.partition_point(|s| s.0 <= p);
            let shift = if i == 0 { 0 } else { self.shifts[i - 1].1 };
            usize::try_from(p as i64 - shift).unwrap_or(0)
        };
        Span::new(self.id, at(range.start), at(range.end).max(at(range.start)))
    }

    /// Returns the offset of a 1-based row and column.
    pub fn offset(&self, row: usize, column: usize) -> usize {
        let mut start = 0;
        for _ in 1..row {
            match memchr::memchr(b'\n', &self.text.as_bytes()[start..]) {
                Some(n) => start += n + 1,
                None => break,
            }
        }
        let line = &self.text[start..];
        start + line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |c| c.0)
    }

    /// Overwrites `--` within the comments with blanks, offsets kept, when the text at `at` is in a comment; true
    /// when something was changed.
    pub fn mend_comments(&mut self, at: usize) -> bool {
        let (before, after) = self.text.split_at(self.text.floor_char_boundary(at));
        if !(before.rfind("<!--") > before.rfind("-->") || after.starts_with("<!--")) {
            return false;
        }
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        let mut changed = false;
        let mut i = 0;
        while let Some(open) = memchr::memmem::find(&bytes[i..], b"<!--") {
            let start = i + open + 4;
            let Some(length) = memchr::memmem::find(&bytes[start..], b"-->") else { break };
            let end = start + length;
            // A dash beside a dash; the one before `-->` too.
            let mut before = false;
            for k in start..end {
                let dash = bytes[k] == b'-';
                if dash && (before || bytes[k + 1] == b'-') {
                    bytes[k] = b' ';
                    changed = true;
                }
                before = dash;
            }
            i = end + 3;
        }
        self.text = String::from_utf8(bytes).expect("ASCII was exchanged for ASCII");
        changed
    }
}

/// Returns where the text runs ahead of the file, in which a character has `width` bytes.
fn shifts(text: &str, width: impl Fn(char) -> i64) -> Vec<(usize, i64)> {
    let mut out: Vec<(usize, i64)> = Vec::new();
    let mut ahead = 0;
    // Stretches of one and the same drift would need slopes; characters that agree need no entry.
    for (at, c) in text.char_indices() {
        let step = c.len_utf8() as i64 - width(c);
        if step != 0 {
            ahead += step;
            out.push((at + c.len_utf8(), ahead));
        }
    }
    out
}

/// Returns the label in `<?xml … encoding="…"?>`.
fn declared_encoding(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..bytes.len().min(200)];
    let end = memchr::memmem::find(head, b"?>")?;
    let head = head[..end].strip_prefix(b"<?xml")?;
    let at = memchr::memmem::find(head, b"encoding")? + 8;
    let quote = head[at..].iter().position(|b| matches!(b, b'"' | b'\''))? + at;
    let length = head[quote + 1..].iter().position(|b| *b == head[quote])?;
    Some(&head[quote + 1..quote + 1 + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Source {
        Source::decode(SourceId(0), bytes, &mut Vec::new()).unwrap()
    }

    #[test]
    fn places_lead_back_to_the_file() {
        let text = "<?xml version='1.0' encoding='iso-8859-1'?><a n='äöü'><b/></a>";
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        for (bytes, needle) in [
            (latin, &b"<b/>"[..]),
            (text.replace("iso-8859-1", "utf-8").into_bytes(), b"<b/>"),
            ([b"\xef\xbb\xbf", text.replace("iso-8859-1", "utf-8").as_bytes()].concat(), b"<b/>"),
            (text.encode_utf16().flat_map(u16::to_le_bytes).collect(), b"<\0b\0/\0>\0"),
        ] {
            let s = decode(&bytes);
            let at = s.text.find("<b/>").unwrap();
            let span = s.span(at..at + 4);
            assert_eq!(&bytes[span.start as usize..span.end as usize], needle);
        }
    }

    #[test]
    fn dashes_in_comments_are_forgiven() {
        let mut s = decode(b"<a><!-- use --laser --- for --></a>");
        let e = usvg::roxmltree::Document::parse(&s.text).unwrap_err();
        let at = s.offset(e.pos().row as usize, e.pos().col as usize);
        assert!(s.mend_comments(at));
        assert!(usvg::roxmltree::Document::parse(&s.text).is_ok(), "{}", s.text);
    }
}
