//! Whose time it is: seconds by operation, tool, layer and feature.
//!
//! A *slot* is one combination of the four that occurs; every move carries the number of its slot and what it does,
//! so that the planner, which settles moves later, need not know.
//!
//! The ledger of a later part of a program does not know which combination is in force where it begins; that is left
//! open in its keys and filled in when it is joined to the ledger of what is before. Moves that were waiting in the
//! planner at its beginning have slots of their own there.

use crate::tally::Sum;
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
    /// Looking for the switches.
    pub home_s: f64,
}

impl Times {
    /// Returns the sum.
    pub fn total_s(&self) -> f64 {
        self.cut_s + self.rapid_s + self.filament_s + self.dwell_s + self.heat_s + self.change_s + self.home_s
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
    Dwell = 0,
    Heat = 1,
    Change = 2,
    Home = 3,
}

/// The same while they are summed up.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    moves: [Sum; 3],
    waits: [Sum; 4],
}

impl Sums {
    fn join(&mut self, other: &Sums) {
        for (sum, more) in self.moves.iter_mut().zip(other.moves) {
            sum.join(more);
        }
        for (sum, more) in self.waits.iter_mut().zip(other.waits) {
            sum.join(more);
        }
    }

    fn times(&self) -> Times {
        let [cut_s, rapid_s, filament_s] = self.moves.map(Sum::value);
        let [dwell_s, heat_s, change_s, home_s] = self.waits.map(Sum::value);
        Times { cut_s, rapid_s, filament_s, dwell_s, heat_s, change_s, home_s }
    }
}

/// One combination; what a part of a program does not know is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    section: Option<u32>,
    tool: Option<u32>,
    layer: Option<u32>,
    feature: Option<u32>,
}

/// More combinations than this are not told apart: a program would have to be made for it.
const MOST_SLOTS: usize = 1 << 20;
/// Nor more features.
const MOST_FEATURES: usize = 256;

pub(super) struct Ledger {
    now: Key,
    slot: u32,
    slots: Vec<(Key, Sums)>,
    index: BTreeMap<Key, u32>,
    /// Slots at the beginning of those moves that waited when the part began.
    waited: usize,
    pub sections: Vec<(Role, String)>,
    /// Names of features; the first is that of none.
    features: Vec<Box<str>>,
    /// Layers are told apart.
    layered: bool,
    /// All seconds so far.
    total: Sum,
}

impl Ledger {
    pub fn new() -> Self {
        let start = Key { section: Some(0), tool: Some(0), layer: Some(0), feature: Some(0) };
        Ledger { sections: vec![(Role::Unknown, String::new())], ..Ledger::part(0, start) }
    }

    /// Counts all layers as one from here on.
    pub fn join_layers(&mut self) {
        self.layered = false;
    }

    /// Returns the ledger of a later part, before which so many moves wait.
    pub fn later(waiting: usize) -> Self {
        Ledger::part(waiting, Key::default())
    }

    fn part(waited: usize, now: Key) -> Self {
        let mut ledger = Ledger {
            now,
            slot: 0,
            slots: vec![(Key::default(), Sums::default()); waited],
            index: BTreeMap::new(),
            waited,
            sections: Vec::new(),
            features: vec!["".into()],
            layered: true,
            total: Sum::default(),
        };
        ledger.look_up();
        ledger
    }

    fn look_up(&mut self) {
        if let Some(slot) = self.index.get(&self.now) {
            self.slot = *slot;
        } else if self.slots.len() < MOST_SLOTS {
            self.slot = self.slots.len() as u32;
            self.slots.push((self.now, Sums::default()));
            self.index.insert(self.now, self.slot);
        }
    }

    /// True when the ledger of a later part can be joined with the result of one ledger for both.
    pub fn has_room_for(&self, later: &Ledger) -> bool {
        self.slots.len() + later.slots.len() < MOST_SLOTS
            && self.features.len() + later.features.len() < MOST_FEATURES
            && (later.sections.is_empty() || !self.is_untouched())
    }

    /// Adds the ledger of a later part and goes on from its end. `waiting` are the tags of the moves that wait here;
    /// returned is the slot here of every slot there.
    pub fn join(&mut self, later: &Ledger, waiting: &[u32]) -> Vec<u32> {
        let sections = self.sections.len() as u32;
        self.sections.extend_from_slice(&later.sections);
        let features: Vec<u32> = later.features.iter().map(|name| self.feature_number(name)).collect();
        let start = self.now;
        let here = |key: &Key| Key {
            section: key.section.map(|n| n + sections).or(start.section),
            tool: key.tool.or(start.tool),
            layer: key.layer.or(start.layer),
            feature: key.feature.map(|n| features[n as usize]).or(start.feature),
        };
        let mut slots = Vec::with_capacity(later.slots.len());
        for (i, (key, sums)) in later.slots.iter().enumerate() {
            let slot = if i < later.waited {
                waiting.get(i).map_or(self.slot, |tag| tag >> 2)
            } else {
                self.now = here(key);
                self.look_up();
                self.slot
            };
            self.slots[slot as usize].1.join(sums);
            slots.push(slot);
        }
        self.now = here(&later.now);
        self.look_up();
        self.total.join(later.total);
        slots
    }

    /// A section begins. One without a name before anything else happened names what is there.
    pub fn section(&mut self, role: Role, label: &str) {
        if self.is_untouched() {
            self.sections[0] = (role, label.to_owned());
            return;
        }
        self.sections.push((role, label.to_owned()));
        self.now.section = Some(self.sections.len() as u32 - 1);
        self.look_up();
    }

    fn is_untouched(&self) -> bool {
        self.sections.len() == 1 && self.sections[0] == (Role::Unknown, String::new()) && self.total.is_zero()
    }

    pub fn tool(&mut self, number: u32) {
        self.now.tool = Some(number);
        self.look_up();
    }

    /// A layer begins; layers are counted from 1 here, 0 is what comes before the first.
    pub fn layer(&mut self, number: u32) {
        if self.layered {
            self.now.layer = Some(number.saturating_add(1));
        }
        self.now.feature = Some(0);
        self.look_up();
    }

    pub fn feature(&mut self, name: &str) {
        self.now.feature = Some(self.feature_number(name));
        self.look_up();
    }

    fn feature_number(&mut self, name: &str) -> u32 {
        let known = self.features.iter().position(|f| **f == *name);
        let index = known.unwrap_or_else(|| {
            if self.features.len() < MOST_FEATURES {
                self.features.push(name.into());
            }
            self.features.len() - 1
        });
        index as u32
    }

    /// True when moves are booked to this feature now.
    pub fn is_in_feature(&self, name: &str) -> bool {
        self.now.feature.is_some_and(|n| *self.features[n as usize] == *name)
    }

    /// Returns the tag of a move made now.
    #[inline]
    pub fn tag(&self, doing: Doing) -> u32 {
        self.slot << 2 | doing as u32
    }

    #[inline]
    pub fn credit(&mut self, tag: u32, seconds: f64) {
        let Some((_, sums)) = self.slots.get_mut((tag >> 2) as usize) else { return };
        sums.moves[(tag & 3).min(2) as usize].add(seconds);
        self.total.add(seconds);
    }

    /// Waits in the slot in force.
    pub fn wait(&mut self, what: Waiting, seconds: f64) {
        self.wait_in(self.slot, what, seconds);
    }

    /// Waits in another slot than that in force.
    pub fn wait_in(&mut self, slot: u32, what: Waiting, seconds: f64) {
        if !(seconds.is_finite() && seconds > 0.0) {
            return;
        }
        self.slots[slot as usize].1.waits[what as usize].add(seconds);
        self.total.add(seconds);
    }

    /// Returns the slot in force.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// Returns all seconds so far.
    pub fn seconds(&self) -> Sum {
        self.total
    }

    /// Returns the sum of all so far.
    pub fn total(&self) -> Times {
        let mut sum = Sums::default();
        for (_, sums) in &self.slots {
            sum.join(sums);
        }
        sum.times()
    }

    pub fn by_section(&self) -> Vec<Times> {
        let mut out = vec![Sums::default(); self.sections.len()];
        for (key, sums) in &self.slots {
            out[key.section.unwrap_or(0) as usize].join(sums);
        }
        out.iter().map(Sums::times).collect()
    }

    pub fn by_tool(&self) -> Vec<(u32, Times)> {
        self.by(|k| k.tool.unwrap_or(0))
    }

    pub fn by_layer(&self) -> Vec<(u32, Times)> {
        let mut all = self.by(|k| k.layer.unwrap_or(0));
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
        self.by(|k| k.feature.unwrap_or(0)).into_iter().map(named).collect()
    }

    fn by(&self, what: impl Fn(&Key) -> u32) -> Vec<(u32, Times)> {
        let mut out: BTreeMap<u32, Sums> = BTreeMap::new();
        for (key, sums) in &self.slots {
            out.entry(what(key)).or_default().join(sums);
        }
        let times = out.into_iter().map(|(n, sums)| (n, sums.times()));
        times.filter(|(_, t)| t.total_s() > 0.0).collect()
    }
}
