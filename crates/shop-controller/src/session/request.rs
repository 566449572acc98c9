//! What an operator asks for: commands, jogs, overrides, settings.

use std::time::Duration;

use super::item::{Item, Kind};
use super::types::{Event, Failure, Jog, Override, Protocol};
use super::{Session, Stage};

/// How long homing may take: a large table, slow switches.
const HOMING: Duration = Duration::from_mins(3);

impl Session {
    /// Sends a command of the operator, as it is; [`Event::Answered`] tells what came of it.
    pub fn command(&mut self, now: Duration, text: &[u8]) {
        self.request(now, Item::own(Kind::Command, text));
    }

    /// Looks for the switches.
    pub fn home(&mut self, now: Duration) {
        let text: &[u8] = if self.is_grbl() { b"$H" } else { b"G28" };
        self.request(now, Item::own(Kind::Command, text).alone().lasting(HOMING));
    }

    /// Takes the lock off after an alarm. The machine may not be where it believes to be.
    pub fn unlock(&mut self, now: Duration) {
        let text: &[u8] =
            if self.is_grbl() || self.protocol == Some(Protocol::Smoothie) { b"$X" } else { b"M999" };
        self.request(now, Item::own(Kind::Command, text).alone());
    }

    /// Moves by hand.
    pub fn jog(&mut self, now: Duration, jog: &Jog) {
        let axes = ["X", "Y", "Z"].iter().zip(jog.axes_mm);
        let words: Vec<String> = axes.filter_map(|(axis, mm)| Some(format!("{axis}{:.4}", mm?))).collect();
        let (mode, feed) = (if jog.absolute { "G90" } else { "G91" }, jog.feed_mm_per_min);
        if self.is_grbl() {
            return self.command(now, format!("$J=G21{mode}{}F{feed:.1}", words.concat()).as_bytes());
        }
        self.command(now, b"G21");
        self.command(now, mode.as_bytes());
        self.command(now, format!("G1 {} F{feed:.1}", words.join(" ")).as_bytes());
        self.command(now, b"G90");
    }

    /// Ends a move by hand.
    pub fn jog_cancel(&mut self, now: Duration) {
        self.at(now);
        self.queue.retain(|item| item.kind != Kind::Command);
        if self.is_grbl() {
            self.urgent(0x85);
        } else if self.protocol == Some(Protocol::Marlin) {
            self.out.push(b"M410\n");
        }
        self.pump();
    }

    /// Makes the machine go faster or slower than the program says.
    pub fn set_override(&mut self, now: Duration, wanted: Override) {
        self.at(now);
        if !self.is_grbl() {
            if let Override::Feed(percent) = wanted {
                self.command(now, format!("M220 S{percent}").as_bytes());
            }
            return;
        }
        let known = self.status.overrides_percent.unwrap_or([100; 3]);
        match wanted {
            Override::Feed(percent) => self.step_override(known[0], percent, 0x90),
            Override::Spindle(percent) => self.step_override(known[2], percent, 0x99),
            Override::Rapid(percent) => self.urgent(match percent {
                0..=37 => 0x97,
                38..=75 => 0x96,
                _ => 0x95,
            }),
        }
        self.watch.hurry(self.now);
        self.pump();
    }

    /// GRBL's bytes: 100 % is `base`, then +10, -10, +1, -1.
    fn step_override(&mut self, from: u16, to: u16, base: u8) {
        let to = to.clamp(10, 200);
        let mut at = from;
        if to == 100 {
            self.urgent(base);
            at = 100;
        }
        while at != to {
            let (byte, next) = match (to > at, to.abs_diff(at) >= 10) {
                (true, true) => (base + 1, at + 10),
                (false, true) => (base + 2, at.saturating_sub(10)),
                (true, false) => (base + 3, at + 1),
                (false, false) => (base + 4, at.saturating_sub(1)),
            };
            self.urgent(byte);
            at = next;
        }
    }

    /// Asks for all settings: [`Event::Setting`] for each, then [`Event::SettingsEnd`].
    pub fn read_settings(&mut self, now: Duration) {
        let text = self.list_command();
        self.request(now, Item::own(Kind::Settings(false), text));
    }

    /// Writes a setting, alone on the wire, and reads it back: [`Event::Written`]. `$110` and `500`, or `M92` and
    /// `X80 Y80`.
    pub fn write_setting(&mut self, now: Duration, name: &str, value: &str) {
        let text = if self.is_numbered() { format!("{name} {value}") } else { format!("{name}={value}") };
        self.request(now, Item::own(Kind::Write(name.to_owned(), value.to_owned()), text).alone());
    }

    fn list_command(&self) -> &'static [u8] {
        if self.is_numbered() { b"M503" } else { b"$$" }
    }

    fn is_numbered(&self) -> bool {
        self.protocol.is_some_and(Protocol::is_numbered)
    }

    pub(crate) fn is_grbl(&self) -> bool {
        self.protocol.is_none_or(Protocol::is_counted)
    }

    fn request(&mut self, now: Duration, item: Item) {
        self.at(now);
        if matches!(self.stage, Stage::Ready | Stage::Running | Stage::Over) {
            self.queue.push_back(item);
            self.pump();
        }
    }

    /// A request was answered.
    pub(crate) fn request_answered(&mut self, item: Item, refused: Option<(Option<u32>, &str)>) {
        let text = item.words();
        let said = refused.map(|(code, said)| (code, said.to_owned()));
        match item.kind {
            Kind::Write(name, _) if refused.is_some() => {
                self.tell(Event::Answered { text, refused: said });
                self.tell(Event::Written(name, String::new(), false));
                self.list_when_written();
            }
            Kind::Write(name, value) => {
                self.written.push((name, value));
                self.list_when_written();
            }
            Kind::Settings(verify) => {
                if verify {
                    self.verify();
                }
                self.listed.clear();
                if let Some(refused) = said {
                    self.tell(Event::Answered { text, refused: Some(refused) });
                } else {
                    self.tell(Event::SettingsEnd);
                }
            }
            _ => {
                if self.job.checking && text == "$C" && refused.is_some() {
                    self.job.checking = false;
                    let (code, said) = said.unwrap_or_default();
                    self.stage = Stage::Over;
                    return self.tell(Event::Failed(Failure::Refused { line: 0, text, code, said }));
                }
                self.tell(Event::Answered { text, refused: said });
            }
        }
    }

    /// Asks for one list for all that was written.
    fn list_when_written(&mut self) {
        if !self.written.is_empty() && !self.queue.iter().any(|i| matches!(i.kind, Kind::Write(..))) {
            self.queue.push_back(Item::own(Kind::Settings(true), self.list_command()));
        }
    }

    pub(crate) fn hear_setting(&mut self, name: &str, value: &str) {
        self.grain.take(name, value);
        if name == "$13" {
            self.inches = value.trim() == "1";
        }
        if !self.written.is_empty() && self.listed.len() < 4096 {
            self.listed.push((name.to_owned(), value.to_owned()));
        }
        self.tell(Event::Setting(name.to_owned(), value.to_owned()));
    }

    /// Compares what was written with what was listed.
    fn verify(&mut self) {
        for (name, wanted) in std::mem::take(&mut self.written) {
            let found = self.listed.iter().filter(|(n, _)| *n == name).map(|(_, value)| value.clone());
            let found: Vec<String> = found.collect();
            let right = found.iter().any(|found| is_same(found, &wanted));
            self.tell(Event::Written(name, found.last().cloned().unwrap_or_default(), right));
        }
    }
}

/// Returns whether two values mean the same: as numbers, as words with numbers, or letter by letter.
fn is_same(found: &str, wanted: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    if let (Some(found), Some(wanted)) = (number(found), number(wanted)) {
        // Controllers print three decimals, and hold single precision.
        return (found - wanted).abs() <= 0.0005 + wanted.abs() * 1e-6;
    }
    let words = |text: &str| -> Vec<(String, Option<f64>)> {
        let word = |w: &str| {
            let (letter, value) = w.split_at(w.chars().next().map_or(0, char::len_utf8));
            (letter.to_ascii_uppercase(), number(value))
        };
        text.split_ascii_whitespace().map(word).collect()
    };
    let (have, want) = (words(found), words(wanted));
    let lettered = !want.is_empty() && want.iter().all(|(_, v)| v.is_some());
    if lettered {
        // Marlin rounds to two decimals, five for small ones.
        return want.iter().all(|(letter, value)| {
            have.iter().any(|(l, v)| {
                l == letter && v.zip(*value).is_some_and(|(v, w)| (v - w).abs() <= 0.005 + w.abs() * 1e-6)
            })
        });
    }
    found.trim() == wanted.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_the_same() {
        for (found, wanted) in
            [("500.000", "500"), ("80.00", "80"), ("X80.00 Y80.00 Z400.00", "X80 Y80"), ("G21", "G21")]
        {
            assert!(is_same(found, wanted), "{found} {wanted}");
        }
        for (found, wanted) in [("500.000", "501"), ("X80.00", "Y80"), ("", "1"), ("G20", "G21")] {
            assert!(!is_same(found, wanted), "{found} {wanted}");
        }
    }
}
