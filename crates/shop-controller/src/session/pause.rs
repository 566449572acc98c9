//! M0, M1, M6, M600: where a program waits for a person, and what is done about it.
//!
//! A line is cut into pieces. M6 and M600 come before the rest of their line, M0 and M1 after it: that is the order in
//! which RS274/NGC executes a block (NIST IR 6556, table 8).

use std::time::Duration;

use super::item::{Item, Kind};
use super::types::{Cause, Line, Policy, Protocol};
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

impl Session {
    /// Puts a line into the queue, cut up where the program waits for a person.
    pub(crate) fn enqueue_line(&mut self, line: Line, alone: bool) {
        let Some(word) = pause_word(&line.text).filter(|_| !self.job.checking) else {
            return self.queue.push_back(Item::program(line, alone));
        };
        let (policy, cause) = match word.number {
            0 => (&self.options.stop, Cause::Program),
            1 => (&self.options.optional_stop, Cause::Program),
            6 => (&self.options.tool_change, Cause::Tool(word.tool)),
            _ => (&self.options.filament_change, Cause::Program),
        };
        if *policy == Policy::Pass {
            // The controller waits for the user for as long as that takes.
            return self.queue.push_back(Item::program(line, alone));
        }
        let pieces = match policy {
            Policy::Macro(lines) => {
                lines.iter().map(|text| Item::own(Kind::Program(false), &**text)).collect()
            }
            Policy::Prompt => vec![self.rest(), Item::own(Kind::Pause(cause, false), Vec::new())],
            Policy::Pass | Policy::Skip => Vec::new(),
        };
        let mut text = line.text.into_vec();
        // The arguments of M600 go with it.
        let end = if word.number == 600 { text.len() } else { word.end };
        text.drain(word.start..end);
        let text = text.trim_ascii().to_vec();
        let blank = text.is_empty();
        let mut own = Item::own(Kind::Program(false), text).lasting(line.duration);
        (own.reach, own.alone) = (line.reach, alone);
        let own = (!blank).then_some(own);
        let mut pieces: Vec<Item> = if word.number < 2 {
            own.into_iter().chain(pieces).collect()
        } else {
            pieces.into_iter().chain(own).collect()
        };
        if pieces.is_empty() {
            pieces.push(self.rest());
        }
        for piece in &mut pieces {
            piece.number = line.number;
        }
        if let Some(Kind::Program(last) | Kind::Pause(_, last)) = pieces.last_mut().map(|p| &mut p.kind) {
            *last = true;
        }
        self.queue.extend(pieces);
    }

    /// Returns a line that is answered when the machine has come to rest.
    fn rest(&self) -> Item {
        let text: &[u8] = match self.protocol {
            Some(Protocol::Marlin | Protocol::RepRapFirmware | Protocol::Smoothie) => b"M400",
            _ => b"G4P0.01",
        };
        Item::own(Kind::Program(false), text).lasting(Duration::from_secs(1))
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
