//! Checks of the text itself: bytes that act before the line is read, and modes that are taken for granted.

use shop_cam::machine::{Dialect, Machine};
use shop_gcode::dialect::rules;
use shop_gcode::parse::{Kind, Token, tokens};
use shop_report::{Diagnostic, SourceId, Span};
use std::ops::Range;

/// Looks at the bytes of a program.
pub fn check(bytes: &[u8], id: SourceId, machine: &Machine, found: &mut Vec<Diagnostic>) {
    let dialect = machine.post.dialect;
    if matches!(dialect, Dialect::Grbl | Dialect::GrblHal | Dialect::FluidNc) {
        found.extend(realtime(bytes, id));
    }
    found.extend(modes(bytes, id, dialect));
}

/// Bytes that GRBL takes out of the stream and acts on at once, wherever they stand (interface description, "Realtime
/// commands"): `!` holds, `?` reports, `~` goes on, 0x84 is the safety door, 0x90 to 0xA1 change overrides.
fn realtime(bytes: &[u8], id: SourceId) -> Option<Diagnostic> {
    let acts = |b: u8| b >= 0x80 || matches!(b, b'!' | b'?' | b'~' | 0x18);
    let block = 1 << 14;
    let mut first = None;
    let mut count = 0usize;
    for (i, part) in bytes.chunks(block).enumerate() {
        // Counted without a branch a byte; nearly every block has none.
        let here: usize = part.iter().map(|&b| usize::from(acts(b))).sum();
        if here > 0 && first.is_none() {
            first = part.iter().position(|&b| acts(b)).map(|at| i * block + at);
        }
        count += here;
    }
    let at = first?;
    // A byte order mark is three of them, and has a finding of its own.
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) && at == 0 && count == 3 {
        return None;
    }
    let what = match bytes[at] {
        b'!' => "`!` is a feed hold",
        b'?' => "`?` asks for a report",
        b'~' => "`~` starts the cycle again",
        0x18 => "0x18 resets the controller",
        _ => "a byte above 0x7F may be an override or the safety door",
    };
    let message = format!("{what} as soon as it arrives, in comments too");
    let end = if bytes[at] < 0x80 {
        at + 1
    } else {
        bytes[at..].iter().position(|b| *b < 0x80).map_or(bytes.len(), |n| at + n)
    };
    Some(
        Diagnostic::warning("check/realtime-byte", message)
            .span(Span::new(id, at, end))
            .hint("write comments in plain letters, or let the sender strip them")
            .count(count),
    )
}

/// How far the first move is looked for.
const HEAD: usize = 1 << 20;

/// Modes that the program relies on and does not set before it moves.
fn modes(bytes: &[u8], id: SourceId, dialect: Dialect) -> Option<Diagnostic> {
    let syntax = rules(dialect).syntax;
    let printer = matches!(dialect, Dialect::Marlin | Dialect::Klipper | Dialect::RepRapFirmware);
    let (mut distance, mut plane, mut extruder) = (false, false, false);
    let (mut motion, mut arc, mut filament) = (false, false, false);
    let mut line: Option<Token> = None;
    for token in tokens(&bytes[..bytes.len().min(HEAD)], syntax) {
        match token.kind {
            Kind::Word => {}
            Kind::Newline => {
                (motion, arc) = (false, false);
                continue;
            }
            _ => continue,
        }
        match (token.letter, token.number.fixed(1)) {
            (b'G', Some(0 | 10)) => motion = true,
            (b'G', Some(20 | 30)) => (motion, arc) = (true, true),
            (b'G', Some(900 | 910)) => distance = true,
            (b'G', Some(170 | 180 | 190)) => plane = true,
            (b'M', Some(820 | 830)) => extruder = true,
            (b'E', _) if motion => filament = true,
            (b'X' | b'Y' | b'Z', _) if motion => line = Some(token),
            _ => {}
        }
        // On a line of its own the axis word may come before the mode; a line is judged when the next axis comes.
        if line.is_some_and(|l| l.start < token.start) || (line.is_some() && token.letter == b'E') {
            break;
        }
    }
    let at = line?;
    let mut missing = Vec::new();
    if !distance {
        missing.push("G90");
    }
    if arc && !plane && !printer {
        missing.push("G17");
    }
    if printer && filament && !extruder {
        missing.push("M82 or M83");
    }
    if missing.is_empty() {
        return None;
    }
    let message = format!("moves before {}: what was last in force counts", missing.join(" and "));
    Some(
        Diagnostic::info("check/modes-assumed", message)
            .span(Span::new(id, at.start, at.end))
            .hint("begin a program with the modes it needs"),
    )
}

/// Returns where the word with this letter stands in a line.
pub fn word_in(line: &[u8], letter: u8) -> Option<Range<usize>> {
    let all = tokens(line, shop_gcode::parse::Syntax::default());
    let mut words = all.filter(|t| matches!(t.kind, Kind::Word | Kind::Formula | Kind::Bare));
    words.find(|t| line[t.start].to_ascii_uppercase() == letter).map(|t| t.start..t.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_act_are_found_wherever_they_stand() {
        let one =
            |text: &[u8]| realtime(text, SourceId(0)).map(|d| (d.span.expect("a place").start, d.count));
        assert_eq!(one(b"G0 X1 (plain)\n"), None);
        assert_eq!(one(b"G0 X1 (done!)\n"), Some((11, 1)));
        assert_eq!(one("G0 (\u{c4}u\u{df}ere)\n".as_bytes()), Some((4, 4)));
        assert_eq!(one("\u{feff}G0\n".as_bytes()), None);
    }

    #[test]
    fn modes_that_are_missing_are_named() {
        let one = |text: &str, dialect| modes(text.as_bytes(), SourceId(0), dialect).map(|d| d.message);
        assert_eq!(one("G21 G90\nG0 X1\n", Dialect::Grbl), None);
        assert!(one("G21\nG0 X1 Y2\n", Dialect::Grbl).expect("one").contains("G90"));
        assert!(one("G90\nG2 X1 Y2 I3\n", Dialect::Grbl).expect("one").contains("G17"));
        assert!(one("G90\nG1 X1 Y2 E3\n", Dialect::Marlin).is_some_and(|m| m.contains("M82")));
        assert_eq!(one("G90\nM83\nG1 X1 Y2 E3\n", Dialect::Marlin), None);
    }

    #[test]
    fn a_word_is_found_in_its_line() {
        assert_eq!(word_in(b"N10 g1 x 5 (Y3) y-2.5", b'Y'), Some(16..21));
        assert_eq!(word_in(b"G1 X5", b'Z'), None);
    }
}
