//! M0, M1, M6, M600: where a program waits for a person, and what is done about it.
//!
//! A line is cut into pieces. M6 and M600 come before the rest of their line, M0 and M1 after it: that is the order in
//! which RS274/NGC executes a block (NIST IR 6556, table 8).

use std::time::Duration;

use super::item::{Item, Kind};
use super::modes;
use super::types::{Cause, Line, Options, Policy, Protocol, Reach, Zero};
use super::{Session, Stage};

/// A word that pauses, and where it stands in its line.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    number: u32,
    start: usize,
    end: usize,
    tool: Option<u32>,
}

/// Returns the first word that pauses.
fn pause_word(text: &[u8]) -> Option<Word> {
    // Most lines have no M at all.
    if !text.iter().any(|b| matches!(b, b'M' | b'm')) || matches!(text.first(), Some(b'$' | b'[' | b'(')) {
        return None;
    }
    let (mut found, mut tool, mut i) = (None, None, 0);
    while i < text.len() {
        let letter = text[i].to_ascii_uppercase();
        let start = i;
        i += 1;
        if !letter.is_ascii_alphabetic() {
            continue;
        }
        let digits = text[i..].iter().take_while(|b| b.is_ascii_digit()).count();
        let number = std::str::from_utf8(&text[i..i + digits]).ok().and_then(|n| n.parse::<u32>().ok());
        i += digits;
        let whole = !matches!(text.get(i), Some(b'.'));
        match (letter, number) {
            // What follows is text, not words.
            (b'M', Some(117 | 118)) if found.is_none() => return None,
            (b'M', Some(number @ (0 | 1 | 6 | 600))) if whole && found.is_none() => {
                found = Some(Word { number, start, end: i, tool: None });
            }
            (b'T', number) => tool = number,
            _ => {}
        }
    }
    found.map(|word| Word { tool, ..word })
}

/// Returns what is wanted at an M word that pauses.
fn policy(number: u32, options: &Options) -> &Policy {
    match number {
        0 => &options.stop,
        1 => &options.optional_stop,
        6 => &options.tool_change,
        _ => &options.filament_change,
    }
}

/// What becomes of a line at which a program waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What is left of the line itself.
    Own(Vec<u8>),
    /// A line that goes beside it.
    Beside(Vec<u8>),
    /// Nothing goes: the machine has come to rest, and waits.
    Pause(Cause),
}

/// Cuts a clean line up where the program waits for a person, as `options` want it; nothing when it goes as it stands.
pub fn pieces(text: &[u8], options: &Options, protocol: Option<Protocol>) -> Option<Vec<Piece>> {
    let word = pause_word(text)?;
    let policy = policy(word.number, options);
    let cause = if word.number == 6 { Cause::Tool(word.tool) } else { Cause::Program };
    let others = match policy {
        // The controller waits for the user for as long as that takes.
        Policy::Pass => return None,
        Policy::Macro(lines) => lines.iter().map(|text| Piece::Beside(text.to_vec())).collect(),
        Policy::Prompt => vec![Piece::Beside(rest(protocol)), Piece::Pause(cause)],
        Policy::Skip => Vec::new(),
    };
    // The arguments of M600 go with it.
    let end = if word.number == 600 { text.len() } else { word.end };
    let left = [&text[..word.start], &text[end..]].concat().trim_ascii().to_vec();
    let own = (!left.is_empty()).then_some(Piece::Own(left));
    let mut pieces: Vec<Piece> = if word.number < 2 {
        own.into_iter().chain(others).collect()
    } else {
        others.into_iter().chain(own).collect()
    };
    if pieces.is_empty() {
        // Every line is answered by something.
        pieces.push(Piece::Beside(rest(protocol)));
    }
    Some(pieces)
}

/// Returns a line that is answered when the machine has come to rest.
fn rest(protocol: Option<Protocol>) -> Vec<u8> {
    match protocol {
        Some(Protocol::Marlin | Protocol::RepRapFirmware | Protocol::Smoothie) => b"M400".to_vec(),
        _ => b"G4P0.01".to_vec(),
    }
}

/// X, Y and Z.
const ALL: u8 = 0b111;

/// Takes out what is said about axes of which nobody knows.
fn without(mut reach: Reach, blind: u8) -> Reach {
    for (i, zero) in reach.zero.iter_mut().enumerate() {
        if blind & 1 << i != 0 {
            *zero = Zero::Unknown;
        }
    }
    reach
}

impl Session {
    /// Puts a line into the queue, cut up where the program waits for a person.
    pub(crate) fn enqueue_line(&mut self, line: Line, alone: bool) {
        // Behind it the modes are those of a new program: they are looked at before.
        if self.compares_modes() && modes::ends_program(&line.text) {
            self.queue.push_back(Item::own(Kind::Marker, &b"$G"[..]));
        }
        let blind = self.blind_axes(&line.text);
        let reach = line.reach.map(|reach| without(reach, blind)).filter(Reach::is_known);
        let line = Line { reach, ..line };
        let pieces = if self.job.checking { None } else { pieces(&line.text, &self.options, self.protocol) };
        let Some(pieces) = pieces else {
            return self.queue.push_back(Item::program(line, alone));
        };
        let last = pieces.len() - 1;
        for (i, piece) in pieces.into_iter().enumerate() {
            let last = i == last;
            let mut item = match piece {
                Piece::Own(text) => {
                    let own = Item::own(Kind::Program(last), text).lasting(line.duration);
                    Item { reach: line.reach, alone, ..own }
                }
                Piece::Beside(text) => {
                    let beside = Item::own(Kind::Program(last), text).lasting(Duration::from_secs(1));
                    Item { reach: line.reach.map(Reach::at_rest), ..beside }
                }
                Piece::Pause(cause) => Item::own(Kind::Pause(cause, last), Vec::new()),
            };
            item.number = line.number;
            self.queue.push_back(item);
        }
    }

    /// Returns the axes of which nobody knows where a line takes them, or from where: bit 0 is X. People, macros and firmwares
    /// move the machine when tools are changed: from then on until an axis was told where to be.
    fn blind_axes(&mut self, text: &[u8]) -> u8 {
        let changes = |word: Word| {
            let policy = policy(word.number, &self.options);
            matches!(policy, Policy::Macro(_)) || word.number >= 6 && *policy != Policy::Skip
        };
        if pause_word(text).is_some_and(changes) {
            self.job.blind = ALL;
            return ALL;
        }
        let before = self.job.blind;
        if before != 0 && self.modes.names_places(text) {
            let axes = [b'X', b'Y', b'Z'].into_iter().zip(0..);
            let named = axes.filter(|(axis, _)| text.iter().any(|b| b.eq_ignore_ascii_case(axis)));
            self.job.blind &= !named.fold(0, |bits, (_, bit)| bits | 1 << bit);
        }
        before
    }

    /// Returns whether `item` is no pause, or everything before it was answered.
    pub(crate) fn may_pause(&self, item: &Item) -> bool {
        !matches!(item.kind, Kind::Pause(..)) || self.is_answered() && matches!(self.stage, Stage::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_up_as_it_is_wanted() {
        let cut = |text: &str, policy: &Policy| {
            let options = Options {
                stop: policy.clone(),
                optional_stop: policy.clone(),
                tool_change: policy.clone(),
                filament_change: policy.clone(),
                ..Options::default()
            };
            let words = |p: Piece| match p {
                Piece::Own(text) => String::from_utf8(text).expect("text"),
                Piece::Beside(text) => format!("+{}", String::from_utf8_lossy(&text)),
                Piece::Pause(_) => "wait".to_owned(),
            };
            let pieces = pieces(text.as_bytes(), &options, Some(Protocol::Grbl))?;
            Some(pieces.into_iter().map(words).collect::<Vec<_>>().join(" "))
        };
        let change = Policy::Macro(vec![b"G53G0Z0"[..].into(), b"G0X0"[..].into()]);
        for (text, policy, wanted) in [
            ("G0X1M0", &Policy::Prompt, Some("G0X1 +G4P0.01 wait")),
            ("T2 M6", &Policy::Prompt, Some("+G4P0.01 wait T2")),
            ("M6T2S100", &change, Some("+G53G0Z0 +G0X0 T2S100")),
            ("M1", &Policy::Skip, Some("+G4P0.01")),
            ("M600 B1 X3", &Policy::Skip, Some("+G4P0.01")),
            ("M0", &Policy::Pass, None),
            ("G1X1", &Policy::Prompt, None),
        ] {
            assert_eq!(cut(text, policy).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn words_that_pause() {
        let found = |text: &str| pause_word(text.as_bytes()).map(|w| (w.number, w.start, w.end, w.tool));
        assert_eq!(found("M0"), Some((0, 0, 2, None)));
        assert_eq!(found("G0X1M01"), Some((1, 4, 7, None)));
        assert_eq!(found("T2 M6"), Some((6, 3, 5, Some(2))));
        assert_eq!(found("m06t12"), Some((6, 0, 3, Some(12))));
        assert_eq!(found("M600 B1"), Some((600, 0, 4, None)));
        for text in ["M3 S1000", "M10", "M60", "M117 M0 is near", "$M0", "G1 X0", "M0.5", ""] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
