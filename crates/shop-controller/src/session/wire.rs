//! What of a program goes over the wire.
//!
//! GRBL picks `!`, `?`, `~`, 0x18 and everything from 0x80 up out of the stream wherever they stand, comments
//! included: `(why?)` asks for the state, an en dash (E2 80 93) changes the feed, `Ä` (C3 84) opens the safety door.
//! So comments never leave the house. Where such a byte stands outside of one, leaving it out would change what the
//! line means, and the line is refused instead. One law: what is left means to the controller what the whole line
//! meant.

use super::types::Protocol;

/// Why a line cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclean {
    /// A byte that the controller would act upon at once, or not understand.
    #[error("byte 0x{byte:02x} in column {column} would not reach the controller as part of the line")]
    Byte {
        /// The byte.
        byte: u8,
        /// Where it stands, from 1.
        column: usize,
    },
    /// A `%` with something behind it.
    #[error("the program mark % must stand alone")]
    Percent,
    /// Longer than the controller's line buffer.
    #[error("{length} characters, and the controller takes {longest}")]
    TooLong {
        /// Its length without comments and blanks.
        length: usize,
        /// What the controller takes.
        longest: usize,
    },
    /// The line carries a checksum, and it is wrong.
    #[error("its checksum is {said} and should be {found}: the file is damaged")]
    Checksum {
        /// What the line says.
        said: u32,
        /// What its bytes sum up to.
        found: u8,
    },
}

/// Returns the longest line that the controller takes, newline not counted.
///
/// GRBL: 80 with the final NUL (`LINE_BUFFER_SIZE`); grblHAL and FluidNC: 256; Marlin: 96 (`MAX_CMD_SIZE`), less what
/// number and checksum need; Smoothieware: 132 in its serial console; RepRapFirmware: 256, less the same.
pub fn longest(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Grbl => 79,
        Protocol::GrblHal | Protocol::FluidNc => 255,
        Protocol::Marlin => 80,
        Protocol::Smoothie => 127,
        Protocol::RepRapFirmware => 200,
    }
}

/// Returns what of `line` goes over the wire; `None` when nothing does.
///
/// ```
/// use shop_controller::session::{Protocol, wire};
///
/// let clean = |line: &str| wire::clean(line.as_bytes(), Protocol::Grbl);
/// assert_eq!(clean("N10 G1 X1.5 (why?) F100 ; done!\r\n"), Ok(Some((*b"G1X1.5F100").into())));
/// assert_eq!(clean("(start – job)"), Ok(None));
/// assert!(clean("G1 X−1").is_err(), "a minus sign that is none");
/// ```
pub fn clean(line: &[u8], protocol: Protocol) -> Result<Option<Box<[u8]>>, Unclean> {
    let mut out = Vec::new();
    Ok(clean_into(line, protocol, &mut out)?.then(|| out.into_boxed_slice()))
}

/// Puts what of `line` goes over the wire into `out`, instead of what was there; returns whether anything does.
pub fn clean_into(line: &[u8], protocol: Protocol, out: &mut Vec<u8>) -> Result<bool, Unclean> {
    out.clear();
    let mut at = 0;
    if line.starts_with(b"\xEF\xBB\xBF") {
        at = 3;
    }
    at += line[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let line = line.trim_ascii_end();
    if at >= line.len() {
        return Ok(false);
    }
    match line[at] {
        b'%' => return after_percent(&line[at + 1..]),
        b'/' => at += 1,
        _ => {}
    }
    let realtime = protocol.is_realtime();
    if realtime && matches!(line.get(at), Some(b'$' | b'[')) {
        // A command of the system: blanks and parentheses are part of it.
        for (i, byte) in line.iter().enumerate().skip(at) {
            check(*byte, i, realtime)?;
        }
        out.extend_from_slice(&line[at..]);
    } else {
        at += number(line, at);
        let end = if at > 0 && line[..at].iter().any(|b| matches!(b, b'N' | b'n')) {
            before_checksum(line)?
        } else {
            line.len()
        };
        copy_words(&line[..end], at, protocol, out)?;
    }
    if out.len() > longest(protocol) {
        return Err(Unclean::TooLong { length: out.len(), longest: longest(protocol) });
    }
    // The session numbers the lines itself.
    let renumbers = !realtime && first_word(out) == Some((b'M', 110));
    Ok(!out.is_empty() && !renumbers)
}

/// Returns whether a line may move the zero of the places that a GRBL or one of its kin reports: offsets, tool lengths,
/// other systems; pauses, macros, tool changes and homing, behind which anything may be.
///
/// ```
/// use shop_controller::session::wire::may_move_zero;
///
/// assert!(["G92X0", "G0G54", "g43.1z5", "T1M6", "$H"].iter().all(|line| may_move_zero(line.as_bytes())));
/// assert!(!["G1X92", "G28Z0", "G53G0Z0", "M3S1000", "$G"].iter().any(|line| may_move_zero(line.as_bytes())));
/// ```
pub fn may_move_zero(line: &[u8]) -> bool {
    match line {
        [b'$', word, ..] => {
            return !matches!(word, b'G' | b'g' | b'C' | b'c' | b'J' | b'j' | b'I' | b'i' | b'$' | b'#');
        }
        [b'O' | b'o' | b'[', ..] => return true,
        _ => {}
    }
    let mut rest = line;
    while let Some(at) = rest.iter().position(|b| matches!(b, b'G' | b'g' | b'M' | b'm')) {
        let letter = rest[at].to_ascii_uppercase();
        rest = &rest[at + 1..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        // What is too long for a number, or computed, may be anything.
        let number = std::str::from_utf8(&rest[..digits]).ok().and_then(|n| n.parse::<u32>().ok());
        match (letter, number) {
            (_, None)
            | (b'G', Some(10 | 43 | 49..=52 | 54..=59 | 65 | 66 | 68 | 69 | 92))
            | (b'M', Some(0 | 1 | 6 | 60 | 61 | 98 | 99 | 600)) => return true,
            _ => {}
        }
    }
    false
}

/// Returns the letters of a clean line with their numbers; `None` for what is neither: an expression, a parameter, a label.
pub fn words(line: &[u8]) -> impl Iterator<Item = Option<(u8, f64)>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let letter = rest.first()?.to_ascii_uppercase();
        let length = rest[1..].iter().take_while(|b| b.is_ascii_digit() || b"+-. ".contains(b)).count();
        let number = value(&rest[1..=length]);
        rest = &rest[1 + length..];
        let number = number.filter(|_| letter.is_ascii_alphabetic() && letter != b'O');
        if number.is_none() {
            rest = &[];
        }
        Some(number.map(|number| (letter, number)))
    })
}

/// Reads a number; blanks within it mean nothing.
fn value(text: &[u8]) -> Option<f64> {
    let mut digits = [0; 48];
    let mut count = 0;
    for byte in text.iter().filter(|b| **b != b' ') {
        *digits.get_mut(count)? = *byte;
        count += 1;
    }
    std::str::from_utf8(&digits[..count]).ok()?.parse().ok()
}

fn after_percent(rest: &[u8]) -> Result<bool, Unclean> {
    let rest = rest.trim_ascii();
    if rest.is_empty() || matches!(rest[0], b'(' | b';') { Ok(false) } else { Err(Unclean::Percent) }
}

/// Returns how many bytes a line number takes at `at`, blanks behind it included.
fn number(line: &[u8], at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let rest = &rest[blanks..];
    if !matches!(rest.first(), Some(b'N' | b'n')) {
        return blanks;
    }
    let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return blanks;
    }
    let after = rest[1 + digits..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    blanks + 1 + digits + after
}

/// Returns where the line ends, checksum (`*33`) left out, and checks that.
fn before_checksum(line: &[u8]) -> Result<usize, Unclean> {
    let Some(star) = line.iter().rposition(|b| *b == b'*') else { return Ok(line.len()) };
    let digits = line[star + 1..].trim_ascii();
    let said = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    let Some(said) = said.and_then(|d| d.parse::<u32>().ok()) else { return Ok(line.len()) };
    let start = line.iter().position(|b| matches!(b, b'N' | b'n')).unwrap_or(0);
    let found = line[start..star].iter().fold(0, |sum, b| sum ^ b);
    if u32::from(found) == said { Ok(star) } else { Err(Unclean::Checksum { said, found }) }
}

/// Copies words, without comments and needless blanks.
fn copy_words(line: &[u8], from: usize, protocol: Protocol, out: &mut Vec<u8>) -> Result<(), Unclean> {
    let realtime = protocol.is_realtime();
    let mut at = from;
    let mut quoted = false;
    while at < line.len() {
        let byte = line[at];
        match byte {
            b'"' if protocol == Protocol::RepRapFirmware => {
                quoted = !quoted;
                out.push(byte);
            }
            _ if quoted => keep_text(byte, out),
            b';' => break,
            b'(' => match line[at..].iter().position(|b| *b == b')') {
                Some(length) => at += length,
                // No firmware complains: the rest is comment.
                None => break,
            },
            b' ' | b'\t' => blank(protocol, out),
            // A blank that does not break, as word processors make it.
            0xC2 if line.get(at + 1) == Some(&0xA0) => {
                blank(protocol, out);
                at += 1;
            }
            // GRBL leaves it out; in expressions it divides.
            b'/' if protocol == Protocol::Grbl => {}
            _ => {
                check(byte, at, realtime)?;
                out.push(byte);
            }
        }
        at += 1;
        if !realtime && is_text_command(out) {
            for byte in line[at..].iter().take_while(|b| **b != b';') {
                keep_text(*byte, out);
            }
            break;
        }
    }
    while out.last() == Some(&b' ') {
        out.pop();
    }
    Ok(())
}

/// Blanks mean nothing to GRBL, and cost a byte of its ring each.
fn blank(protocol: Protocol, out: &mut Vec<u8>) {
    if !protocol.is_counted() && !out.is_empty() && out.last() != Some(&b' ') {
        out.push(b' ');
    }
}

/// Texts are for people: what the wire cannot carry is left out of them.
fn keep_text(byte: u8, out: &mut Vec<u8>) {
    if (b' '..0x7F).contains(&byte) {
        out.push(byte);
    }
}

/// Returns whether what stands in `out` is a command whose argument is text: M117, M118, file names.
fn is_text_command(out: &[u8]) -> bool {
    let Some(words) = out.strip_suffix(b" ") else { return false };
    matches!(words, b"M117" | b"M118" | b"M23" | b"M28" | b"M30" | b"M32" | b"m117" | b"m118")
}

fn check(byte: u8, at: usize, realtime: bool) -> Result<(), Unclean> {
    let acts = realtime && matches!(byte, b'!' | b'?' | b'~');
    if acts || byte >= 0x7F || byte < b' ' && byte != b'\t' {
        return Err(Unclean::Byte { byte, column: at + 1 });
    }
    Ok(())
}

/// Returns the first word, letter and whole number.
fn first_word(text: &[u8]) -> Option<(u8, u32)> {
    WordsOf { rest: text }.next().map(|(letter, tenths)| (letter, tenths / 10))
}

/// Returns whether a line writes to, or reads from, memory that keeps settings: it has to go alone, for GRBL is deaf
/// while it writes (3.4 ms a byte, interrupts off).
pub fn is_setting(text: &[u8], protocol: Protocol) -> bool {
    if matches!(text.first(), Some(b'$' | b'[')) {
        return !text.to_ascii_uppercase().starts_with(b"$J=");
    }
    WordsOf { rest: text }.any(|word| match word {
        (b'G', 100 | 281 | 301 | 540..=599) => protocol.is_realtime(),
        (b'M', 5000..=5040) => true,
        _ => false,
    })
}

/// Letters with their numbers in tenths; what is no number counts 0.
struct WordsOf<'a> {
    rest: &'a [u8],
}

impl Iterator for WordsOf<'_> {
    type Item = (u8, u32);

    fn next(&mut self) -> Option<(u8, u32)> {
        let start = self.rest.iter().position(u8::is_ascii_alphabetic)?;
        let letter = self.rest[start].to_ascii_uppercase();
        self.rest = &self.rest[start + 1..];
        let (mut tenths, mut decimals) = (0u32, None);
        for byte in self.rest {
            match byte {
                b'0'..=b'9' if decimals.is_none_or(|d| d == 0) => {
                    tenths = tenths.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                    decimals = decimals.map(|d| d + 1);
                }
                b'0'..=b'9' | b' ' => {}
                b'.' => decimals = Some(0),
                _ => break,
            }
        }
        let tenths = if decimals.is_some_and(|d| d > 0) { tenths } else { tenths.saturating_mul(10) };
        Some((letter, tenths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grbl(line: &[u8]) -> Result<Option<String>, Unclean> {
        clean(line, Protocol::Grbl).map(|l| l.map(|l| String::from_utf8(l.into_vec()).expect("ASCII")))
    }

    fn marlin(line: &[u8]) -> Result<Option<String>, Unclean> {
        clean(line, Protocol::Marlin).map(|l| l.map(|l| String::from_utf8(l.into_vec()).expect("ASCII")))
    }

    #[test]
    fn comments_blanks_numbers_and_marks_stay_at_home() {
        for (line, left) in [
            (&b"G1 X1 F500 (why?)\r\n"[..], Some("G1X1F500")),
            (b"G1 X2 ; done!", Some("G1X2")),
            (b"(start \xE2\x80\x93 job)", None),
            (b"G1 (\xC3\x84ussere Kontur) X3", Some("G1X3")),
            (b"%", None),
            (b"% (end)", None),
            (b"  \t ", None),
            (b"\xEF\xBB\xBFG21", Some("G21")),
            (b"G1\xC2\xA0X1", Some("G1X1")),
            (b"/G1 X1", Some("G1X1")),
            (b"N100 G1 X1", Some("G1X1")),
            (b"N100", None),
            (b"G1 X1 (never closed", Some("G1X1")),
            (b"N3 T0*57", Some("T0")),
            (b"$J=G91 X10 F500", Some("$J=G91 X10 F500")),
        ] {
            assert_eq!(grbl(line), Ok(left.map(str::to_owned)), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn what_would_change_the_meaning_is_refused() {
        let byte = |byte, column| Err(Unclean::Byte { byte, column });
        assert_eq!(grbl(b"G1 X1!"), byte(b'!', 6));
        assert_eq!(grbl(b"G1 \xE2\x88\x921"), byte(0xE2, 4));
        assert_eq!(grbl(b"G1\x18"), byte(0x18, 3));
        assert_eq!(grbl(b"$N0=~"), byte(b'~', 5));
        assert_eq!(grbl(b"%O1000"), Err(Unclean::Percent));
        assert_eq!(grbl(b"N3 T0*58"), Err(Unclean::Checksum { said: 58, found: 57 }));
        assert_eq!(grbl(&[b'X'; 80]), Err(Unclean::TooLong { length: 80, longest: 79 }));
        assert!(grbl(&[b'X'; 79]).is_ok());
    }

    #[test]
    fn marlin_keeps_its_blanks_and_texts() {
        for (line, left) in [
            (&b"G1  X1 Y2 ; move"[..], Some("G1 X1 Y2")),
            (b"M117 Done! (50 %)", Some("M117 Done! (50 %)")),
            (b"M117 \xC3\x84pfel ; x", Some("M117 pfel")),
            (b"N0 M110 N0*125", None),
            (b"M110 N5", None),
            (b"G28 (home)", Some("G28")),
        ] {
            assert_eq!(marlin(line), Ok(left.map(str::to_owned)), "{}", String::from_utf8_lossy(line));
        }
        let text = clean(b"M291 P\"a;b (c)\" S1", Protocol::RepRapFirmware);
        assert_eq!(text, Ok(Some((*b"M291 P\"a;b (c)\" S1").into())));
    }

    #[test]
    fn lines_that_touch_settings() {
        for line in [
            "$110=500",
            "$RST=*",
            "$N0=G54",
            "G10L2P1X0",
            "G10 L20 P1",
            "G28.1",
            "G30.1",
            "G54",
            "G59.3",
            "M500",
            "$#",
        ] {
            assert!(is_setting(line.as_bytes(), Protocol::Grbl), "{line}");
        }
        for line in ["$J=G91X1F100", "G1X10", "G28", "G0X54", "G53G0Z0", "M5", "G1Y100", "G92X0"] {
            assert!(!is_setting(line.as_bytes(), Protocol::Grbl), "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_acts_at_once_ever_leaves(line in prop::collection::vec(any::<u8>(), 0..100)) {
            for protocol in [Protocol::Grbl, Protocol::GrblHal, Protocol::FluidNc, Protocol::Smoothie] {
                if let Ok(Some(text)) = clean(&line, protocol) {
                    let lawful = |b: &u8| (b' '..0x7F).contains(b) && !matches!(b, b'!' | b'?' | b'~') || *b == b'\t';
                    prop_assert!(text.iter().all(lawful));
                    prop_assert!(text.len() <= longest(protocol));
                }
            }
        }

        #[test]
        fn what_is_clean_stays_as_it_is(line in "[GXYZFN0-9. ()%;/$a-z-]{0,60}") {
            for protocol in [Protocol::Grbl, Protocol::Marlin, Protocol::Smoothie] {
                if let Ok(Some(once)) = clean(line.as_bytes(), protocol)
                    && number(&once, 0) == 0 && !matches!(once[0], b'%' | b'/')
                {
                    prop_assert_eq!(clean(&once, protocol), Ok(Some(once.clone())));
                }
            }
        }
    }
}
