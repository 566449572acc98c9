//! What controllers mean by their error and alarm numbers and texts, and what to do about it.
//!
//! The same number means different things: alarm 10 is a missing switch on GRBL, an emergency stop on grblHAL and a
//! spindle on FluidNC. So every question names the [`Protocol`]. A firmware that descends from GRBL has a table of its
//! own differences, and GRBL's where it says nothing.
//!
//! Numbers are those of GRBL 1.1h, grblHAL (2025), FluidNC 3.9 and Marlin 2.1; the words are ours.

mod fluidnc;
mod grbl;
mod grblhal;
mod settings;
mod texts;

pub use settings::setting;

use crate::session::Protocol;
use std::fmt;

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A line was refused; the machine is as it was.
    Error,
    /// The machine locked itself.
    Alarm,
}

/// A number and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// As the controller says it.
    pub number: u32,
    /// What happened.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// A text that a controller says, without a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// The part of it that tells it from others, in small letters.
    pub part: &'static str,
    /// What happened.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// What was made of something a controller said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Which number it is; `None` for a text.
    pub code: Option<(Kind, u32)>,
    /// What happened.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
}

impl fmt::Display for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some((Kind::Error, n)) => write!(f, "error {n}: ")?,
            Some((Kind::Alarm, n)) => write!(f, "alarm {n}: ")?,
            None => {}
        }
        write!(f, "{}; {}", self.meaning, self.advice)
    }
}

/// Returns what a number means.
///
/// ```
/// use shop_controller::codes::{Kind, find};
/// use shop_controller::session::Protocol;
///
/// let code = find(Protocol::Grbl, Kind::Error, 22).unwrap();
/// assert!(code.meaning.contains("feed"));
/// ```
pub fn find(protocol: Protocol, kind: Kind, number: u32) -> Option<&'static Code> {
    tables(protocol, kind).iter().find_map(|table| table.iter().find(|c| c.number == number))
}

/// Returns every number a firmware has, in order.
pub fn table(protocol: Protocol, kind: Kind) -> Vec<&'static Code> {
    let mut all: Vec<&Code> = Vec::new();
    for code in tables(protocol, kind).iter().flat_map(|t| t.iter()) {
        if !all.iter().any(|c| c.number == code.number) {
            all.push(code);
        }
    }
    all.sort_by_key(|c| c.number);
    all
}

/// Returns every text a firmware has that is explained here.
pub fn texts(protocol: Protocol) -> Vec<&'static Text> {
    texts::of(protocol).iter().flat_map(|t| t.iter()).collect()
}

/// Returns the tables of a firmware; the first that has a number wins.
fn tables(protocol: Protocol, kind: Kind) -> &'static [&'static [Code]] {
    match (protocol, kind) {
        (Protocol::Grbl | Protocol::Smoothie, Kind::Error) => &[grbl::ERRORS],
        (Protocol::Grbl | Protocol::Smoothie, Kind::Alarm) => &[grbl::ALARMS],
        (Protocol::GrblHal, Kind::Error) => &[grblhal::ERRORS, grbl::ERRORS],
        (Protocol::GrblHal, Kind::Alarm) => &[grblhal::ALARMS, grbl::ALARMS],
        (Protocol::FluidNc, Kind::Error) => &[fluidnc::ERRORS, grbl::ERRORS],
        (Protocol::FluidNc, Kind::Alarm) => &[fluidnc::ALARMS, grbl::ALARMS],
        (Protocol::Marlin | Protocol::RepRapFirmware, _) => &[],
    }
}

/// Returns what a line from a controller, or a number alone, means: `error:22`, `ALARM:1`, `22`, `Error:MINTEMP ...`,
/// `!!`. A number alone is an error's.
pub fn decode(protocol: Protocol, said: &str) -> Option<Decoded> {
    let said = said.trim();
    let small = said.to_lowercase();
    if let Some((kind, number)) = numbered(&small) {
        let code = find(protocol, kind, number)?;
        return Some(Decoded { code: Some((kind, number)), meaning: code.meaning, advice: code.advice });
    }
    let text = texts::of(protocol).iter().flat_map(|t| t.iter()).find(|t| small.contains(t.part))?;
    Some(Decoded { code: None, meaning: text.meaning, advice: text.advice })
}

/// Reads `error:22`, `error 22`, `alarm:1` or `22`.
fn numbered(small: &str) -> Option<(Kind, u32)> {
    let (kind, rest) = if let Some(rest) = small.strip_prefix("error") {
        (Kind::Error, rest)
    } else if let Some(rest) = small.strip_prefix("alarm") {
        (Kind::Alarm, rest)
    } else {
        (Kind::Error, small)
    };
    let digits = rest.trim_start_matches([':', ' ', '=', '#']);
    Some((kind, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Protocol; 6] = [
        Protocol::Grbl,
        Protocol::GrblHal,
        Protocol::FluidNc,
        Protocol::Marlin,
        Protocol::Smoothie,
        Protocol::RepRapFirmware,
    ];

    #[test]
    fn every_table_is_in_order_and_says_something() {
        for table in
            [grbl::ERRORS, grbl::ALARMS, grblhal::ERRORS, grblhal::ALARMS, fluidnc::ERRORS, fluidnc::ALARMS]
        {
            assert!(table.windows(2).all(|w| w[0].number < w[1].number));
            for code in table {
                assert!(code.meaning.len() > 8 && code.advice.len() > 8, "{code:?}");
                assert!(!code.meaning.ends_with('.') && !code.advice.ends_with('.'), "{code:?}");
            }
        }
        for text in ALL.iter().flat_map(|p| texts::of(*p)).flat_map(|t| t.iter()) {
            assert_eq!(text.part, text.part.to_lowercase());
            assert!(!text.advice.ends_with('.'), "{text:?}");
        }
    }

    #[test]
    fn grbl_has_the_numbers_its_documentation_has() {
        let errors: Vec<u32> = table(Protocol::Grbl, Kind::Error).iter().map(|c| c.number).collect();
        let wanted: Vec<u32> = (1..=17).chain(20..=38).collect();
        assert_eq!(errors, wanted);
        let alarms: Vec<u32> = table(Protocol::Grbl, Kind::Alarm).iter().map(|c| c.number).collect();
        assert_eq!(alarms, (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn one_number_three_meanings() {
        let meaning = |p| find(p, Kind::Alarm, 10).expect("alarm 10").meaning;
        assert!(meaning(Protocol::Grbl).contains("second"));
        assert!(meaning(Protocol::GrblHal).contains("emergency stop"));
        assert!(meaning(Protocol::FluidNc).contains("spindle"));
        assert!(find(Protocol::Marlin, Kind::Alarm, 10).is_none());
    }

    #[test]
    fn spellings_are_understood() {
        let code = |s: &str| decode(Protocol::Grbl, s).and_then(|d| d.code);
        assert_eq!(code("error:22"), Some((Kind::Error, 22)));
        assert_eq!(code("Error: 9"), Some((Kind::Error, 9)));
        assert_eq!(code("ALARM:1\r\n"), Some((Kind::Alarm, 1)));
        assert_eq!(code("alarm 2"), Some((Kind::Alarm, 2)));
        assert_eq!(code("38"), Some((Kind::Error, 38)));
        assert_eq!(code("error:99"), None);
        assert_eq!(code("hello"), None);
    }

    #[test]
    fn texts_are_found_by_what_tells_them_apart() {
        for (protocol, said, word) in [
            (Protocol::Marlin, "Error:Thermal Runaway, system stopped! Heater_ID: E0", "heater"),
            (Protocol::Marlin, "Error:Printer halted. kill() called!", "stopped for good"),
            (Protocol::Marlin, "echo:Unknown command: \"G999\"", "does not know"),
            (Protocol::Marlin, "Error:Line Number is not Last Line Number+1, Last Line: 41", "lost"),
            (Protocol::Smoothie, "!!", "halted"),
            (Protocol::Smoothie, "error:Unsupported command", "does not know"),
            (Protocol::RepRapFirmware, "Error: G0/G1: insufficient axes homed", "home"),
        ] {
            let found = decode(protocol, said).unwrap_or_else(|| panic!("{said}"));
            let all = format!("{found}");
            assert!(all.to_lowercase().contains(word), "{said}: {all}");
        }
    }
}
