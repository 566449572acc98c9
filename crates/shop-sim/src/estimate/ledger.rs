//! Whose time it is: seconds by operation, tool, layer and feature.
//!
//! A *slot* is one combination of the four that occurs; every move carries the number of its slot and what it does,
//! so that the planner, which settles moves later, need not know.

use shop_cam::canon::Role;
use std::collections::BTreeMap;

/// Seconds by what they are spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// Moves at the feed; on a printer those that lay filament.
    pub cut_s: f64,
    /// Rapids; on a printer all travel.
    pub rapid_s: f64,
    /// Filament pushed or pulled with the nozzle at rest.
    pub filament_s: f64,
    /// Waiting: dwells, pierces, probing.
    pub dwell_s: f64,
    /// Waiting for a temperature.
    pub heat_s: f64,
    /// Tool changes.
    pub change_s: f64,
}

impl Times {
    /// Returns the sum.
    pub fn total_s(&self) -> f64 {
        self.cut_s + self.rapid_s + self.filament_s + self.dwell_s + self.heat_s + self.change_s
    }

    fn add(&mut self, other: &Times) {
        self.cut_s += other.cut_s;
        self.rapid_s += other.rapid_s;
        self.filament_s += other.filament_s;
        self.dwell_s += other.dwell_s;
        self.heat_s += other.heat_s;
        self.change_s += other.change_s;
    }
}

/// What a move does, in the low bits of its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Cut = 0,
    Rapid = 1,
    Filament = 2,
}

/// What the machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    Dwell,
    Heat,
    Change,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    section: u32,
    tool: u32,
    layer: u32,
    feature: u32,
}

/// More combinations than this are not told apart: a program would have to be made for it.
const MOST_SLOTS: usize = 1 << 20;

pub(super) struct Ledger {
    now: Key,
    slot: u32,
    slots: Vec<(Key, Times)>,
    index: BTreeMap<Key, u32>,
    pub sections: Vec<(Role, String)>,
    /// Names of features; the first is that of none.
    features: Vec<Box<str>>,
    /// Everything settled so far, s.
    pub so_far_s: f64,
}

impl Ledger {
    pub fn new() -> Self {
        let mut ledger = Ledger {
            now: Key::default(),
            slot: 0,
            slots: Vec::new(),
            index: BTreeMap::new(),
            sections: vec![(Role::Unknown, String::new())],
            features: vec!["".into()],
            so_far_s: 0.0,
        };
        ledger.look_up();
        ledger
    }

    fn look_up(&mut self) {
        if let Some(slot) = self.index.get(&self.now) {
            self.slot = *slot;
        } else if self.slots.len() < MOST_SLOTS {
            self.slot = self.slots.len() as u32;
            self.slots.push((self.now, Times::default()));
            self.index.insert(self.now, self.slot);
        }
    }

    /// A section begins. One without a name before anything else happened names what is there.
    pub fn section(&mut self, role: Role, label: &str) {
        let untouched = self.sections.len() == 1
            && self.sections[0] == (Role::Unknown, String::new())
            && self.slots.iter().all(|s| s.1 == Times::default());
        if untouched {
            self.sections[0] = (role, label.to_owned());
            return;
        }
        self.sections.push((role, label.to_owned()));
        self.now.section = self.sections.len() as u32 - 1;
        self.look_up();
    }

    pub fn tool(&mut self, number: u32) {
        self.now.tool = number;
        self.look_up();
    }

    /// A layer begins; layers are counted from 1 here, 0 is what comes before the first.
    pub fn layer(&mut self, number: u32) {
        self.now.layer = number.saturating_add(1);
        self.now.feature = 0;
        self.look_up();
    }

    pub fn feature(&mut self, name: &str) {
        let known = self.features.iter().position(|f| **f == *name);
        let index = known.unwrap_or_else(|| {
            if self.features.len() < 256 {
                self.features.push(name.into());
            }
            self.features.len() - 1
        });
        self.now.feature = index as u32;
        self.look_up();
    }

    pub fn in_feature(&self) -> &str {
        &self.features[self.now.feature as usize]
    }

    /// Returns the tag of a move made now.
    #[inline]
    pub fn tag(&self, doing: Doing) -> u32 {
        self.slot << 2 | doing as u32
    }

    #[inline]
    pub fn credit(&mut self, tag: u32, seconds: f64) {
        let Some((_, times)) = self.slots.get_mut((tag >> 2) as usize) else { return };
        self.so_far_s += seconds;
        match tag & 3 {
            0 => times.cut_s += seconds,
            1 => times.rapid_s += seconds,
            _ => times.filament_s += seconds,
        }
    }

    pub fn wait(&mut self, what: Waiting, seconds: f64) {
        if !(seconds.is_finite() && seconds > 0.0) {
            return;
        }
        self.so_far_s += seconds;
        let times = &mut self.slots[self.slot as usize].1;
        match what {
            Waiting::Dwell => times.dwell_s += seconds,
            Waiting::Heat => times.heat_s += seconds,
            Waiting::Change => times.change_s += seconds,
        }
    }

    /// Returns the sum of all so far.
    pub fn total(&self) -> Times {
        let mut sum = Times::default();
        for (_, times) in &self.slots {
            sum.add(times);
        }
        sum
    }

    pub fn by_section(&self) -> Vec<Times> {
        let mut out = vec![Times::default(); self.sections.len()];
        for (key, times) in &self.slots {
            out[key.section as usize].add(times);
        }
        out
    }

    pub fn by_tool(&self) -> Vec<(u32, Times)> {
        self.by(|k| k.tool)
    }

    pub fn by_layer(&self) -> Vec<(u32, Times)> {
        let mut all = self.by(|k| k.layer);
        all.retain(|l| l.0 > 0);
        for layer in &mut all {
            layer.0 -= 1;
        }
        all
    }

    pub fn by_feature(&self) -> Vec<(String, Times)> {
        if self.features.len() == 1 {
            return Vec::new();
        }
        let named = |(i, t): (u32, Times)| (self.features[i as usize].to_string(), t);
        self.by(|k| k.feature).into_iter().map(named).collect()
    }

    fn by(&self, what: impl Fn(&Key) -> u32) -> Vec<(u32, Times)> {
        let mut out: BTreeMap<u32, Times> = BTreeMap::new();
        for (key, times) in &self.slots {
            out.entry(what(key)).or_default().add(times);
        }
        out.retain(|_, t| t.total_s() > 0.0);
        out.into_iter().collect()
    }
}
