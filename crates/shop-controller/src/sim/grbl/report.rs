//! What GRBL says of itself: the status report and its cadence, parameters, build.

use super::modal::trimmed;
use super::{Grbl, State};
use std::fmt::Write as _;

/// Reports between two that tell the work offset, at work and at rest.
const OFFSET_EVERY: [u8; 2] = [30, 10];
/// The same for the overrides.
const OVERRIDES_EVERY: [u8; 2] = [20, 10];

/// What is told only now and then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cadence {
    offset_in: u8,
    overrides_in: u8,
}

impl Cadence {
    /// The next report tells the work offset.
    pub(super) fn offset_changed(&mut self) {
        self.offset_in = 0;
    }

    /// The next report tells the overrides and what is switched on.
    pub(super) fn overrides_changed(&mut self) {
        self.overrides_in = 0;
    }
}

impl Grbl {
    /// Returns the answer to `?`.
    pub(super) fn status(&mut self) -> String {
        let mask = self.settings.get(10) as u32;
        let inch = if self.settings.is_on(13) { 25.4 } else { 1.0 };
        let offset = self.work_offset();
        let mut position = self.position();
        let name = if mask & 1 == 0 {
            position = std::array::from_fn(|i| position[i] - offset[i]);
            "WPos"
        } else {
            "MPos"
        };
        let mut out = format!("<{}|{name}:{}", self.state_word(), self.coordinates(position));
        if mask & 2 != 0 {
            let (blocks, bytes) = self.room();
            let _ = write!(out, "|Bf:{blocks},{bytes}");
        }
        let feed = self.motion.speed() * 60.0 / inch;
        let _ = write!(out, "|FS:{},{}", trimmed(feed, 0), trimmed(self.spindle_rpm(), 0));
        let pins = self.pins();
        if !pins.is_empty() {
            let _ = write!(out, "|Pn:{pins}");
        }
        let rest = usize::from(!self.is_busy());
        if self.cadence.offset_in > 0 {
            self.cadence.offset_in -= 1;
        } else {
            self.cadence.offset_in = OFFSET_EVERY[rest] - 1;
            self.cadence.overrides_in = self.cadence.overrides_in.max(1);
            let _ = write!(out, "|WCO:{}", self.coordinates(offset));
        }
        if self.cadence.overrides_in > 0 {
            self.cadence.overrides_in -= 1;
        } else {
            self.cadence.overrides_in = OVERRIDES_EVERY[rest] - 1;
            let [feed, rapid, spindle] = self.overrides;
            let _ = write!(out, "|Ov:{feed},{rapid},{spindle}");
            let on = self.accessories();
            if !on.is_empty() {
                let _ = write!(out, "|A:{on}");
            }
        }
        out.push_str(">\r\n");
        out
    }

    /// Returns the state as the report spells it.
    pub(super) fn state_word(&self) -> String {
        match self.state {
            State::Idle => "Idle".into(),
            State::Run => "Run".into(),
            State::Jog => "Jog".into(),
            State::Home => "Home".into(),
            State::Alarm => "Alarm".into(),
            State::Check => "Check".into(),
            State::Sleep => "Sleep".into(),
            State::Tool => "Tool".into(),
            State::Hold => format!("Hold:{}", u8::from(!self.still)),
            State::Door => {
                let stage = match (self.restoring.is_some(), self.still, self.door_open) {
                    (true, ..) => 3,
                    (false, false, _) => 2,
                    (false, true, true) => 1,
                    (false, true, false) => 0,
                };
                format!("Door:{stage}")
            }
        }
    }

    fn is_busy(&self) -> bool {
        matches!(self.state, State::Run | State::Hold | State::Jog | State::Door | State::Home)
    }

    /// Writes coordinates in the units of `$13`.
    pub(super) fn coordinates(&self, v: [f64; 3]) -> String {
        let (inch, decimals) = if self.settings.is_on(13) { (25.4, 4) } else { (1.0, 3) };
        v.map(|x| trimmed(x / inch, decimals)).join(",")
    }

    fn pins(&self) -> String {
        let mut pins = String::new();
        if self.touching() {
            pins.push('P');
        }
        for (i, letter) in "XYZ".chars().enumerate() {
            if self.at_switch(i) {
                pins.push(letter);
            }
        }
        if self.door_open {
            pins.push('D');
        }
        pins
    }

    fn accessories(&self) -> String {
        let mut on = String::new();
        match self.spindle_on {
            Some(true) => on.push('S'),
            Some(false) => on.push('C'),
            None => {}
        }
        if self.flood {
            on.push('F');
        }
        if self.mist {
            on.push('M');
        }
        on
    }

    /// Returns the answer to `$#`.
    pub(super) fn parameters(&self) -> String {
        let mut out = String::new();
        for (i, zero) in self.kept.systems.iter().enumerate() {
            let name = if i < 6 { format!("G{}", 54 + i) } else { format!("G59.{}", i - 5) };
            let _ = write!(out, "[{name}:{}]\r\n", self.coordinates(*zero));
        }
        for (name, home) in ["G28", "G30"].iter().zip(self.kept.homes) {
            let _ = write!(out, "[{name}:{}]\r\n", self.coordinates(home));
        }
        let _ = write!(out, "[G92:{}]\r\n", self.coordinates(self.offset));
        let _ = write!(out, "[TLO:{}]\r\n", trimmed(self.tool_length, 3));
        out + &self.probe_report()
    }

    /// Returns where the probe touched last, and whether it did.
    pub(super) fn probe_report(&self) -> String {
        format!("[PRB:{}:{}]\r\n", self.coordinates(self.probed), u8::from(self.probe_touched))
    }

    /// Returns the answer to `$I`.
    pub(super) fn build(&self, extended: bool) -> String {
        let info = &self.kept.build_info;
        if !self.hal {
            return format!("[VER:1.1h.20190830:{info}]\r\n[OPT:V,15,128]\r\n");
        }
        let mut out = format!("[VER:1.1f.20260817:{info}]\r\n[OPT:VNMSL,100,1024,3,0]\r\n");
        if extended {
            out += "[AXS:3:XYZ]\r\n[NEWOPT:ENUMS,RT+]\r\n[FIRMWARE:grblHAL]\r\n[DRIVER:shopctl simulated machine]\r\n";
        }
        out
    }
}
