//! What the bytes of a name or a text mean: code pages, escapes and the control codes of TEXT and MTEXT.
//!
//! Until R2004 a drawing is written in the code page that `$DWGCODEPAGE` names; from R2007 (AC1021) in UTF-8. On
//! top of either, `\U+00D8` is a Unicode character, `\M+1xxxx` a character of an Asian code page, `^I` a control
//! character and, in texts, `%%c` the diameter sign (DXF reference, "Special characters").

use super::codepages;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// How the drawing's bytes become characters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Charset {
    /// A page of the encoding standard; `strict` pages were declared, others give way to valid UTF-8.
    Page { encoding: &'static Encoding, declared: bool },
    /// A DOS page: ASCII and these 128 characters.
    Dos(&'static str),
}

impl Charset {
    /// Returns the character set of a drawing with this `$ACADVER` and `$DWGCODEPAGE`, and false when the page
    /// has a name that nobody knows.
    pub fn of(version: Option<&str>, codepage: Option<&str>) -> (Charset, bool) {
        let fallback = Charset::Page { encoding: WINDOWS_1252, declared: false };
        if version.is_some_and(|v| v.starts_with("AC10") && v >= "AC1021") {
            return (Charset::Page { encoding: UTF_8, declared: true }, true);
        }
        let Some(name) = codepage.map(str::to_ascii_lowercase) else { return (fallback, true) };
        let number: String = name.chars().filter(char::is_ascii_digit).collect();
        let number: u32 = number.parse().unwrap_or(0);
        if let Some(upper) = codepages::upper_half(number) {
            return (Charset::Dos(upper), true);
        }
        let label = match number {
            866 => "ibm866",
            874 => "windows-874",
            932 => "shift_jis",
            936 => "gbk",
            949 => "euc-kr",
            950 => "big5",
            1250..=1258 => &format!("windows-{number}"),
            10000 => "macintosh",
            _ => match name.as_str() {
                "utf8" | "utf-8" | "ansi_65001" => "utf-8",
                "ascii" | "undefined" | "" => return (fallback, true),
                "mac-roman" | "macroman" => "macintosh",
                "gb2312" => "gbk",
                "big5" => "big5",
                "ksc5601" => "euc-kr",
                _ if name.starts_with("iso8859") => &name.replace("iso8859", "iso-8859").replace('_', "-"),
                _ => "",
            },
        };
        match Encoding::for_label(label.as_bytes()) {
            Some(encoding) => (Charset::Page { encoding, declared: true }, true),
            None => (fallback, false),
        }
    }

    /// Returns the characters of `bytes`, escapes resolved.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = self.characters(bytes);
        if text.contains("\\U+") || text.contains("\\u+") || text.contains("\\M+") {
            Cow::Owned(unescape(&text))
        } else {
            text
        }
    }

    fn characters<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        if bytes.is_ascii() {
            return String::from_utf8_lossy(bytes);
        }
        match *self {
            Charset::Page { encoding, declared } => {
                // A drawing that claims UTF-8 and is not was saved by a tool that did not convert; one that
                // claims nothing and is valid UTF-8 hardly is anything else.
                if (!declared || encoding == UTF_8)
                    && let Ok(text) = std::str::from_utf8(bytes)
                {
                    return Cow::Borrowed(text);
                }
                let encoding = if encoding == UTF_8 { WINDOWS_1252 } else { encoding };
                encoding.decode_without_bom_handling(bytes).0
            }
            Charset::Dos(upper) => Cow::Owned(
                bytes
                    .iter()
                    .map(|&b| match b {
                        0..128 => char::from(b),
                        _ => upper.chars().nth(usize::from(b) - 128).unwrap_or('\u{fffd}'),
                    })
                    .collect(),
            ),
        }
    }
}

/// Resolves `\U+XXXX` and `\M+nXXXX`.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(n) = rest.find('\\') {
        out.push_str(&rest[..n]);
        rest = &rest[n..];
        let taken = match rest.as_bytes() {
            [b'\\', b'U' | b'u', b'+', ..] => rest.get(3..7).and_then(|hex| {
                let c = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)?;
                out.push(c);
                Some(7)
            }),
            [b'\\', b'M', b'+', page, ..] => rest.get(4..8).and_then(|hex| {
                let code = u16::from_str_radix(hex, 16).ok()?;
                out.push_str(&multibyte(*page, code)?);
                Some(8)
            }),
            _ => None,
        };
        let taken = taken.unwrap_or_else(|| {
            out.push('\\');
            1
        });
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// Returns the character that `\M+` names: pages 1 to 5 are 932, 950, 949, 1361 (Johab, which nobody
/// reads any more) and 936.
fn multibyte(page: u8, code: u16) -> Option<String> {
    let label = match page {
        b'1' => "shift_jis",
        b'2' => "big5",
        b'3' => "euc-kr",
        b'5' => "gbk",
        _ => return None,
    };
    let bytes = code.to_be_bytes();
    let (text, bad) = Encoding::for_label(label.as_bytes())?.decode_without_bom_handling(&bytes);
    (!bad).then(|| text.into_owned())
}

/// Resolves `^` codes: `^I` is a tab, `^ ` a caret.
fn carets(text: &str) -> Cow<'_, str> {
    if !text.contains('^') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '^' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('I') => out.push('\t'),
            Some('J') => out.push('\n'),
            Some('@'..='_') => {}
            Some(' ') | None => out.push('^'),
            Some(c) => out.extend(['^', c]),
        }
    }
    Cow::Owned(out)
}

/// Returns the characters of a TEXT, `%%` codes resolved: `%%c` ⌀, `%%d` °, `%%p` ±, `%%nnn` by number; the
/// switches for under-, over- and struck lines are left out.
pub(super) fn plain_text(text: &str) -> String {
    percents(&carets(text))
}

fn percents(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(n) = rest.find("%%") {
        out.push_str(&rest[..n]);
        rest = &rest[n + 2..];
        let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let code = rest[..digits].parse::<u32>().unwrap_or(0);
            out.extend(char::from_u32(code).filter(|c| !c.is_control()));
            rest = &rest[digits..];
            continue;
        }
        let mut chars = rest.chars();
        match chars.next().map(|c| c.to_ascii_lowercase()) {
            Some('c') => out.push('⌀'),
            Some('d') => out.push('°'),
            Some('p') => out.push('±'),
            Some('%') => out.push('%'),
            Some('u' | 'o' | 'k') => {}
            _ => {
                out.push_str("%%");
                continue;
            }
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

/// Returns the characters of an MTEXT: formatting left out, `\P` a new line, stacked fractions with a slash.
pub(super) fn plain_mtext(text: &str) -> String {
    let text = carets_outside_stacks(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' => {}
            '\\' => match chars.next() {
                Some('P' | 'N' | 'X') => out.push('\n'),
                Some('~') => out.push('\u{a0}'),
                Some(c @ ('\\' | '{' | '}')) => out.push(c),
                Some('L' | 'l' | 'O' | 'o' | 'K' | 'k') | None => {}
                Some('S') => stack(&mut chars, &mut out),
                // Alignment, colour, font, height, paragraph, tracking, width, slant: up to a semicolon.
                Some('A' | 'C' | 'c' | 'F' | 'f' | 'H' | 'p' | 'T' | 'W' | 'Q') => {
                    chars.by_ref().take_while(|&c| c != ';').for_each(drop);
                }
                Some(c) => out.extend(['\\', c]),
            },
            _ => out.push(c),
        }
    }
    percents(&out)
}

fn stack(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        match c {
            ';' => return,
            '^' => {
                out.push('/');
                if chars.peek() == Some(&' ') {
                    chars.next();
                }
            }
            '#' => out.push('/'),
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
}

/// Resolves `^` codes except in stacked text, where the caret is the fraction.
fn carets_outside_stacks(text: &str) -> Cow<'_, str> {
    if !text.contains('^') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(n) = rest.find("\\S") {
        out.push_str(&carets(&rest[..n]));
        rest = &rest[n..];
        let end = rest.find(';').map_or(rest.len(), |n| n + 1);
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    out.push_str(&carets(rest));
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_pages_and_escapes() {
        let page = |version, name| Charset::of(version, name).0;
        assert_eq!(page(None, None).decode(b"\xc4ussen"), "Äussen");
        assert_eq!(page(None, None).decode("Äussen".as_bytes()), "Äussen");
        assert_eq!(page(Some("AC1015"), Some("ANSI_1251")).decode(b"\xd0\xe5\xe7"), "Рез");
        assert_eq!(page(Some("AC1015"), Some("dos850")).decode(b"\x8eussen"), "Äussen");
        assert_eq!(page(Some("AC1009"), Some("dos932")).decode(b"\x83J\x83b\x83g"), "カット");
        assert_eq!(page(Some("AC1021"), Some("ANSI_1252")).decode("Ø5".as_bytes()), "Ø5");
        assert_eq!(page(Some("AC1021"), None).decode(b"\xd85"), "Ø5");
        assert_eq!(page(None, None).decode(br"\U+00D85 \M+18354 \U+ZZ"), "Ø5 サ \\U+ZZ");
        assert!(!Charset::of(None, Some("klingon")).1);
    }

    #[test]
    fn control_codes_are_removed() {
        assert_eq!(plain_text("%%c5 %%p0.1 45%%d %%uHOLE%%u 50%%% %%065 %%x"), "⌀5 ±0.1 45° HOLE 50% A %%x");
        assert_eq!(plain_text("a^Ib^ c"), "a\tb^c");
        assert_eq!(
            plain_mtext(r"{\fArial|b0;\H2.5;PART} \A1;\S1/2;\PA\~B \\ \{x\} \S+0.1^ -0.2;"),
            "PART 1/2\nA\u{a0}B \\ {x} +0.1/-0.2"
        );
    }
}
