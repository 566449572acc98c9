//! Reports of the state: `<Idle|MPos:...>`, temperatures, M114.

use super::types::{State, Status};
use super::zeros::Told;

/// Millimetres in an inch: GRBL reports inches with `$13=1`.
const INCH: f64 = 25.4;

/// Takes a report (what stands between `<` and `>`) over into `status`; returns what it says about places, or nothing when it
/// made no sense.
pub(crate) fn take_report(status: &mut Status, report: &str, inches: bool) -> Option<Told> {
    let old_style = !report.contains('|');
    // GRBL 0.9 and old Smoothieware: `Idle,MPos:0.000,0.000,0.000,WPos:0.000,0.000,0.000,Buf:0,RX:0`.
    let mut fields = Fields { rest: report, old_style };
    let state = fields.next().and_then(state_of)?;
    let unit = if inches { INCH } else { 1.0 };
    let (mut machine, mut work, mut zero, mut pins) = (None, None, None, false);
    let mut next = status.clone();
    next.room = None;
    for field in fields {
        let Some((name, value)) = field.split_once(':') else { continue };
        match name {
            "MPos" | "WPos" | "WCO" => {
                let place = three(value, unit)?;
                match name {
                    "MPos" => machine = Some(place),
                    "WPos" => work = Some(place),
                    _ => zero = Some(place),
                }
            }
            "Bf" => next.room = pair(value).map(|(a, b)| (a as u32, b as u32)),
            "FS" | "F" => {
                let mut numbers = value.split(',').map(str::parse::<f64>);
                next.feed_mm_per_min = numbers.next().and_then(Result::ok).map(|v| v * unit);
                if name == "FS" {
                    next.rpm = numbers.next().and_then(Result::ok);
                }
            }
            "Ov" => next.overrides_percent = three(value, 1.0).map(|o| o.map(|v| v as u16)),
            "Pn" => {
                pins = true;
                if next.pins != value {
                    value.clone_into(&mut next.pins);
                }
            }
            _ => {}
        }
    }
    if !pins {
        next.pins.clear();
    }
    let told = Told {
        machine: machine.is_some() || work.is_some() && zero.is_some(),
        zero: zero.is_some() || work.is_some() && machine.is_some(),
    };
    next.work_offset_mm = zero.or(next.work_offset_mm);
    match (machine, work) {
        (Some(machine), Some(work)) => {
            next.machine_position_mm = Some(machine);
            next.work_offset_mm = Some(std::array::from_fn(|i| machine[i] - work[i]));
        }
        (Some(machine), None) => next.machine_position_mm = Some(machine),
        (None, Some(work)) => {
            next.machine_position_mm =
                next.work_offset_mm.map(|zero| std::array::from_fn(|i| work[i] + zero[i]));
        }
        (None, None) => {}
    }
    next.state = Some(state);
    *status = next;
    Some(told)
}

/// Cuts a report into fields; old reports part numbers and fields with the same comma.
struct Fields<'a> {
    rest: &'a str,
    old_style: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = if self.old_style {
            let starts_name = |at: usize| self.rest[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
            self.rest.match_indices(',').map(|(at, _)| at).find(|&at| starts_name(at))
        } else {
            self.rest.find('|')
        };
        let (field, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, ""),
        };
        self.rest = rest;
        Some(field)
    }
}

fn state_of(word: &str) -> Option<State> {
    let (name, sub) = word.split_once(':').map_or((word, None), |(name, sub)| (name, sub.parse::<u8>().ok()));
    Some(match name {
        "Idle" => State::Idle,
        "Run" => State::Run,
        "Hold" => State::Hold(sub.unwrap_or(0) == 0),
        "Jog" => State::Jog,
        "Home" | "Homing" => State::Home,
        "Alarm" | "Halt" => State::Alarm,
        "Door" => State::Door(sub == Some(0)),
        "Check" => State::Check,
        "Sleep" => State::Sleep,
        "Tool" => State::Tool,
        _ if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()) => State::Unknown,
        _ => return None,
    })
}

/// Returns the first three numbers, finite ones.
fn three(text: &str, unit: f64) -> Option<[f64; 3]> {
    let mut numbers = text.split(',').map(|n| n.trim().parse::<f64>().ok().filter(|v| v.is_finite()));
    let mut next = || Some(numbers.next()?? * unit);
    Some([next()?, next()?, next()?])
}

fn pair(text: &str) -> Option<(f64, f64)> {
    let (a, b) = text.split_once(',')?;
    Some((a.trim().parse().ok()?, b.trim().parse().ok()?))
}

/// Takes temperatures over: `T:21.30 /0.00 B:20.1 /0.00 T0:... @:0`.
pub(crate) fn take_temperatures(status: &mut Status, text: &str) {
    let mut words = text.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        let Some((name, measured)) = word.split_once(':') else { continue };
        let (measured, inline) = measured.split_once('/').map_or((measured, None), |(m, w)| (m, Some(w)));
        let heater = name.starts_with(['T', 'B', 'C'])
            && name.len() <= 3
            && name[1..].bytes().all(|b| b.is_ascii_digit());
        let Ok(measured) = measured.parse::<f64>() else { continue };
        if !heater || !measured.is_finite() {
            continue;
        }
        let wanted = inline.or_else(|| words.peek().and_then(|w| w.strip_prefix('/')));
        let wanted = wanted.and_then(|w| w.parse::<f64>().ok()).filter(|w| w.is_finite()).unwrap_or(0.0);
        match status.heaters_c.iter().position(|(known, ..)| known == name) {
            Some(i) => (status.heaters_c[i].1, status.heaters_c[i].2) = (measured, wanted),
            // No printer has more heaters than this; garbage might.
            None if status.heaters_c.len() < 16 => status.heaters_c.push((name.to_owned(), measured, wanted)),
            None => {}
        }
    }
}

/// Returns the place in an answer to M114: `X:1.00 Y:2.00 Z:3.00 E:0.00 Count X:80 Y:160 Z:1200`, or with `C: X:...`.
pub(crate) fn place(text: &str) -> Option<[f64; 3]> {
    let text = text.split("Count").next()?;
    let mut found = [None; 3];
    for (axis, letter) in ["X:", "Y:", "Z:"].iter().enumerate() {
        let from = text.find(letter)? + letter.len();
        let number = text[from..].trim_start().split([' ', '\t']).next()?;
        found[axis] = number.parse::<f64>().ok().filter(|v| v.is_finite());
    }
    Some([found[0]?, found[1]?, found[2]?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(report: &str) -> Status {
        let mut status = Status::default();
        assert!(take_report(&mut status, report, false).is_some(), "{report}");
        status
    }

    #[test]
    fn a_report_of_grbl_1_1() {
        let s = read(
            "Hold:1|MPos:1.500,-2.000,3.000|Bf:14,100|FS:500,8000|Pn:XP|WCO:1.000,0.000,0.500|Ov:110,50,90",
        );
        assert_eq!(s.state, Some(State::Hold(false)));
        assert_eq!(s.machine_position_mm, Some([1.5, -2.0, 3.0]));
        assert_eq!(s.work_position_mm(), Some([0.5, -2.0, 2.5]));
        assert_eq!(
            (s.room, s.rpm, s.overrides_percent),
            (Some((14, 100)), Some(8000.0), Some([110, 50, 90]))
        );
        assert_eq!(s.pins, "XP");
    }

    #[test]
    fn offsets_are_remembered_and_work_positions_count_from_them() {
        let mut s = read("Idle|WPos:1.000,1.000,1.000|WCO:10.000,20.000,30.000");
        assert_eq!(take_report(&mut s, "Run|WPos:2.000,1.000,1.000|FS:1,2", false), Some(Told::default()));
        assert_eq!(s.machine_position_mm, Some([12.0, 21.0, 31.0]));
    }

    #[test]
    fn a_report_of_grbl_0_9() {
        let s = read("Run,MPos:1.000,2.000,3.000,WPos:0.000,0.000,0.000,Buf:3,RX:10");
        assert_eq!((s.state, s.machine_position_mm), (Some(State::Run), Some([1.0, 2.0, 3.0])));
        assert_eq!(s.work_offset_mm, Some([1.0, 2.0, 3.0]));
    }

    #[test]
    fn inches_become_millimetres() {
        let mut s = Status::default();
        let told = take_report(&mut s, "Idle|MPos:1.0000,0.0000,0.0000|F:10", true);
        assert_eq!(told, Some(Told { machine: true, zero: false }));
        assert_eq!((s.machine_position_mm, s.feed_mm_per_min), (Some([25.4, 0.0, 0.0]), Some(254.0)));
    }

    #[test]
    fn garbage_changes_nothing() {
        let before = read("Idle|MPos:1.000,2.000,3.000");
        let mut s = before.clone();
        for report in
            ["", "|MPos:1,2,3", "Run|MPos:1,2", "Run|MPos:1,x,3", "12|MPos:1,2,3", "Run|MPos:1,inf,3"]
        {
            assert_eq!(take_report(&mut s, report, false), None, "{report}");
            assert_eq!(s, before);
        }
    }

    #[test]
    fn temperatures_of_one_or_many_heaters() {
        let mut s = Status::default();
        take_temperatures(&mut s, "T:21.30 /200.00 B:20.10 /60.00 T0:21.30 /200.00 @:64 B@:0");
        take_temperatures(&mut s, "T:22.0 E:0 W:?");
        let found: Vec<_> = s.heaters_c.iter().map(|(n, m, w)| (n.as_str(), *m, *w)).collect();
        assert_eq!(found, [("T", 22.0, 0.0), ("B", 20.1, 60.0), ("T0", 21.3, 200.0)]);
    }

    #[test]
    fn places() {
        assert_eq!(place("X:1.00 Y:-2.50 Z:3.00 E:0.00 Count X:80 Y:160 Z:1200"), Some([1.0, -2.5, 3.0]));
        assert_eq!(place("ok C: X:1.0000 Y:2.0000 Z:3.0000 E:0.0000"), Some([1.0, 2.0, 3.0]));
        assert_eq!(place("X:1.00 Y:?"), None);
    }

    proptest! {
        #[test]
        fn no_report_is_too_strange(text in "[a-zA-Z0-9:|,./ -]{0,60}", other in "\\PC{0,30}") {
            let mut s = Status::default();
            let _ = take_report(&mut s, &text, false);
            let _ = take_report(&mut s, &other, true);
            take_temperatures(&mut s, &text);
            take_temperatures(&mut s, &other);
            let _ = (place(&text), place(&other));
        }
    }
}
