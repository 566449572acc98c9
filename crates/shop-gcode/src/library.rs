//! Subprograms in files of their own.
//!
//! LinuxCNC looks for what a program calls and does not define in a file of that name, lower case, with `.ngc` behind
//! it, beside the program (`o<hole> call` in `hole.ngc`, `M98 P100` in `100.ngc`). Whoever may read files asks
//! [`missing`] for names and hands their texts to the interpreter in [`crate::Context::subprograms`].

use crate::dialect::rules;
use shop_cam::machine::Dialect;

/// A subprogram's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprogram {
    /// The file's name without `.ngc`, in lower case.
    pub name: String,
    /// What it says.
    pub text: Vec<u8>,
}

/// What an O-word line or an M98 does with a name.
#[derive(PartialEq)]
enum Does {
    Calls,
    Defines,
    Else,
}

/// Returns the names of the subprograms that `program` and `known` call and do not define, in order.
///
/// ```
/// use shop_cam::machine::Dialect;
/// let names = shop_gcode::library::missing(b"o<Hole> call [5]\no1 sub\no1 endsub\no1 call\n", &[], Dialect::LinuxCnc);
/// assert_eq!(names, ["hole"]);
/// ```
pub fn missing(program: &[u8], known: &[Subprogram], dialect: Dialect) -> Vec<String> {
    if !rules(dialect).tool_change {
        return Vec::new();
    }
    let (mut called, mut defined) = (Vec::new(), Vec::new());
    for text in std::iter::once(program).chain(known.iter().map(|s| &*s.text)) {
        survey(text, &mut |name, does| match does {
            Does::Calls if !called.contains(&name) => called.push(name),
            Does::Defines => defined.push(name),
            _ => {}
        });
    }
    called.retain(|name| !defined.contains(name) && known.iter().all(|k| k.name != *name));
    called
}

/// Tells of every O-word line and M98. Letters that cannot begin one are passed over at the speed of memory.
fn survey(text: &[u8], tell: &mut impl FnMut(String, Does)) {
    for at in memchr::memchr2_iter(b'O', b'o', text) {
        if begins_line(text, at)
            && let Some((name, after)) = label(text, at + 1)
        {
            let rest = text.get(after..).unwrap_or_default();
            let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            let rest = &rest[blanks..];
            let run = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
            let does = match rest[..run].to_ascii_lowercase().as_slice() {
                b"call" => Does::Calls,
                b"sub" | b"" => Does::Defines,
                _ => Does::Else,
            };
            tell(String::from_utf8_lossy(&name).into_owned(), does);
        }
    }
    for at in memchr::memmem::find_iter(text, b"98") {
        let is = at > 0 && text[at - 1] & 0xDF == b'M' && begins_line(text, at - 1);
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n);
        let line = text.get(at + 2..end).unwrap_or_default();
        let p = line.iter().position(|b| b & 0xDF == b'P').filter(|_| is);
        if let Some((name, _)) = p.and_then(|p| label(line, p + 1)) {
            tell(String::from_utf8_lossy(&name).into_owned(), Does::Calls);
        }
    }
}

/// True when nothing but blanks, a `/` and a line number stands before `at` in its line.
fn begins_line(text: &[u8], at: usize) -> bool {
    let before = text[..at].iter().rev().take(16).take_while(|b| **b != b'\n');
    before.into_iter().all(|b| matches!(b, b' ' | b'\t' | b'/' | b'N' | b'n' | b'0'..=b'9' | b'\r'))
}

/// Returns the label of an O-word (bytes after the O) in its normal form and the place after it; `None` when it
/// must be computed or is no label.
pub(crate) fn label(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let at = at + text.get(at..)?.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    match text.get(at)? {
        b'<' => {
            let end = at + memchr::memchr(b'>', &text[at..])?;
            let name = text[at + 1..end].iter().filter(|b| !matches!(b, b' ' | b'\t'));
            Some((name.map(u8::to_ascii_lowercase).collect(), end + 1))
        }
        b'0'..=b'9' => {
            let digits = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
            let trimmed: Vec<u8> = text[at..at + digits].iter().copied().skip_while(|b| *b == b'0').collect();
            Some((trimmed, at + digits))
        }
        _ => None,
    }
}

/// A program with the files it calls behind it, in one text.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) text: Vec<u8>,
    /// Where each file begins, and its name.
    parts: Vec<(usize, String)>,
}

impl Linked {
    pub(crate) fn new(program: &[u8], subprograms: &[Subprogram]) -> Linked {
        let mut text = program.to_vec();
        let mut parts = Vec::new();
        for s in subprograms {
            // Two line ends: no place is both behind the program and in a file.
            text.extend_from_slice(b"\n\n");
            parts.push((text.len(), s.name.clone()));
            text.extend_from_slice(&s.text);
        }
        Linked { text, parts }
    }

    /// Returns the file and the line of a place, unless it is in the program itself.
    pub(crate) fn place(&self, at: usize) -> Option<(&str, usize)> {
        let (begin, name) = self.parts.iter().rfind(|p| p.0 <= at)?;
        let lines = memchr::memchr_iter(b'\n', self.text.get(*begin..at).unwrap_or_default()).count();
        Some((name, lines + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_called_and_not_defined() {
        let of = |text: &str| missing(text.as_bytes(), &[], Dialect::LinuxCnc);
        assert_eq!(of("N5 O <a b> CALL [1]\no<ab> call\n(o<no> call)\nG1 X1 (tool)\n"), ["ab"]);
        assert_eq!(of("M98 P0100 L2\nm98p200\nO200\nM99\nG98 X5\n"), ["100"]);
        assert_eq!(of("o#1 call\no<x> if [1]\no<x> endif\n"), [""; 0]);
        let known = Subprogram { name: "ab".into(), text: b"o<ab> sub\no<cd> call\no<ab> endsub\n".into() };
        assert_eq!(missing(b"o<ab> call\n", &[known], Dialect::LinuxCnc), ["cd"]);
        assert_eq!(missing(b"o<ab> call\n", &[], Dialect::Grbl), [""; 0]);
    }
}
