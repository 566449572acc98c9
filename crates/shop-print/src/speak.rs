//! A layer in order as canonical commands: travel, retraction, speeds, filament.

use crate::item::Part;
use crate::job::Job;
use crate::order::Ordered;
use crate::roads::{Kind, Road, Roads};
use crate::settings::Settings;
use shop_cam::Speed;
use shop_cam::canon::{Command, Heater, Role, Section, Wait};
use shop_geom::planar::{PER_MM, Spot};

/// What a printed layer used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Used {
    /// Filament pushed into roads, mm.
    pub filament_mm: f64,
    /// Length of all roads, mm.
    pub road_mm: f64,
    /// Length of all travel, mm.
    pub travel_mm: f64,
    /// Times that filament was pulled back.
    pub retractions: u32,
    /// Roads.
    pub roads: u32,
}

impl Used {
    /// Adds what another layer used.
    pub fn add(&mut self, other: &Used) {
        self.filament_mm += other.filament_mm;
        self.road_mm += other.road_mm;
        self.travel_mm += other.travel_mm;
        self.retractions += other.retractions;
        self.roads += other.roads;
    }
}

/// A layer, ready to be posted.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// Its number, from 0.
    pub layer: usize,
    /// Its commands.
    pub section: Section,
    /// Where the nozzle stands before, mm, if known.
    pub from: Option<[f64; 3]>,
    /// What it used.
    pub used: Used,
}

struct Speaker<'a> {
    /// What holds for the road that is being laid.
    job: &'a Job,
    parts: &'a [Part],
    commands: Vec<Command>,
    at: Option<Spot>,
    z: f64,
    feed: f64,
    /// Factor on all speeds but travel's.
    leisure: f64,
    kind: Option<Kind>,
    first: bool,
    /// The nozzle is still at the height of the layer below.
    rise: bool,
    used: Used,
}

/// Returns the commands of a layer.
pub fn speak(job: &Job, parts: &[Part], layer: usize, ordered: &Ordered) -> Spoken {
    let corners: usize = ordered.roads.roads().iter().map(|r| (r.end - r.start) as usize).sum();
    let mut speaker = Speaker {
        job,
        parts,
        commands: Vec::with_capacity(corners + 6 * ordered.lays.len() + 8),
        at: ordered.from,
        z: job.levels.top(layer),
        feed: 0.0,
        leisure: 1.0,
        kind: None,
        first: layer == 0,
        rise: true,
        used: Used::default(),
    };
    speaker.begin(layer);
    speaker.pace(ordered);
    for lay in &ordered.lays {
        let road = &ordered.roads.roads()[lay.road as usize];
        speaker.road(road, ordered, lay.start as usize);
    }
    let mut section = Section::new(Role::Unknown, "");
    section.commands = speaker.commands;
    let from = ordered.from.filter(|_| layer > 0).map(|s| {
        let [x, y] = s.mm();
        [x, y, job.levels.top(layer - 1)]
    });
    Spoken { layer, section, from, used: speaker.used }
}

impl Speaker<'_> {
    fn begin(&mut self, layer: usize) {
        let s = &self.job.settings;
        self.commands.push(Command::Layer { number: layer as u32 });
        self.commands.push(Command::Native(";LAYER_CHANGE".into()));
        self.commands.push(Command::Native(format!(";Z:{:.3}", self.z).into()));
        self.commands.push(Command::Native(format!(";HEIGHT:{:.3}", self.job.levels.height(layer)).into()));
        if layer == 1 && s.hotend_c != s.first_layer_hotend_c {
            let heater = Heater::Hotend(0);
            self.commands.push(Command::Temperature { heater, target_c: s.hotend_c, wait: Wait::No });
        }
        // The fan comes up evenly from the second layer on.
        let full = s.fan_full_layer.max(2) as usize;
        if layer > 0 && layer < full && s.fan_percent > 0.0 {
            let fraction = 0.01 * s.fan_percent * layer as f64 / (full - 1) as f64;
            self.commands.push(Command::Fan { number: 0, fraction });
        }
    }

    fn feed(&mut self, mm_per_s: f64) {
        if self.feed != mm_per_s {
            self.feed = mm_per_s;
            self.commands.push(Command::Feed(Speed::from_mm_per_min(mm_per_s * 60.0)));
        }
    }

    fn position(&self, s: Spot) -> [f64; 3] {
        let [x, y] = s.mm();
        [x, y, self.z]
    }

    /// Goes to where a road begins.
    fn travel(&mut self, to: Spot) {
        let far = self.at.map_or(f64::INFINITY, |at| at.distance(to) / PER_MM);
        if far == 0.0 && !self.rise {
            return;
        }
        let s = &self.job.settings;
        let retract =
            far.is_finite() && far >= s.retract_least_travel_mm && (s.retract_mm > 0.0 || s.firmware_retract);
        if retract {
            self.filament(-s.retract_mm);
            self.used.retractions += 1;
        }
        let hop = if retract { s.z_hop_mm } else { 0.0 };
        let mut target = self.position(to);
        target[2] += hop;
        self.feed(s.travel_mm_per_s);
        if hop > 0.0
            && let Some(at) = self.at
        {
            let mut up = self.position(at);
            up[2] += hop;
            self.commands.push(Command::Line { to: up });
        }
        self.commands.push(Command::Line { to: target });
        if hop > 0.0 {
            self.commands.push(Command::Line { to: self.position(to) });
        }
        if retract {
            self.filament(s.retract_mm);
        }
        if far.is_finite() {
            self.used.travel_mm += far;
        }
        self.rise = false;
        self.at = Some(to);
    }

    fn filament(&mut self, e: f64) {
        if self.job.settings.firmware_retract {
            self.commands.push(Command::FirmwareRetract { recover: e > 0.0 });
        } else {
            self.feed(self.job.settings.retract_mm_per_s);
            self.commands.push(Command::Filament { e });
        }
    }

    fn road(&mut self, road: &Road, ordered: &Ordered, start: usize) {
        let spots = ordered.roads.spots(road);
        let n = spots.len();
        if let Some(part) = self.parts.get(usize::from(road.part)) {
            self.job = &part.job;
        }
        self.travel(spots[start]);
        if self.kind != Some(road.kind) {
            self.kind = Some(road.kind);
            self.commands.push(Command::Feature(road.kind.name().into()));
        }
        self.feed(self.speed(road, &ordered.roads));
        let edges = if road.closed { n } else { n - 1 };
        let backwards = !road.closed && start > 0;
        for k in 0..edges {
            let (i, j) =
                if backwards { (start - k, start - k - 1) } else { ((start + k) % n, (start + k + 1) % n) };
            let length = spots[i].distance(spots[j]) / PER_MM;
            let e = self.job.filament(ordered.roads.area(road, if backwards { j } else { i }) * length);
            self.commands.push(Command::Extrude { to: self.position(spots[j]), e });
            self.used.filament_mm += e;
            self.used.road_mm += length;
        }
        self.used.roads += 1;
        self.at = Some(match (road.closed, backwards) {
            (true, _) => spots[start],
            (false, true) => spots[0],
            (false, false) => spots[n - 1],
        });
    }

    /// Returns the speed of a road that is laid at leisure: what melts in time, and cools in time.
    fn speed(&self, road: &Road, roads: &Roads) -> f64 {
        let s = &self.job.settings;
        let wanted = self.wanted(road, roads);
        (wanted * self.leisure).max(s.slowest_mm_per_s.min(wanted))
    }

    /// Returns the fastest that a road may be laid.
    fn wanted(&self, road: &Road, roads: &Roads) -> f64 {
        let edges = (road.end - road.start) as usize - 1;
        let thickest = if road.area > 0.0 {
            road.area
        } else {
            (0..edges).map(|i| roads.area(road, i)).fold(0.0, f64::max)
        };
        let s = &self.parts.get(usize::from(road.part)).map_or(self.job, |p| &p.job).settings;
        usual(s, self.first, road.kind).min(s.most_flow_mm3_per_s / (thickest * s.flow).max(1e-9))
    }

    /// Chooses by how much all roads of the layer are slowed down, so that it takes long enough. Travel is not counted:
    /// it cools as well.
    fn pace(&mut self, ordered: &Ordered) {
        let least = self.job.settings.least_layer_s;
        if least <= 0.0 {
            return;
        }
        let roads = &ordered.roads;
        let seconds: f64 = roads.roads().iter().map(|r| roads.length_mm(r) / self.wanted(r, roads)).sum();
        self.leisure = (seconds / least).min(1.0);
    }
}

/// Returns the speed of a kind of road when nothing holds it back, mm/s.
fn usual(s: &Settings, first_layer: bool, kind: Kind) -> f64 {
    if first_layer {
        return s.first_layer_mm_per_s;
    }
    match kind {
        Kind::OuterWall => s.outer_wall_mm_per_s,
        Kind::InnerWall => s.inner_wall_mm_per_s,
        Kind::Gap => s.gap_mm_per_s,
        Kind::Top | Kind::Solid | Kind::Bridge | Kind::Ironing => s.solid_mm_per_s,
        Kind::Sparse | Kind::PrimeTower => s.infill_mm_per_s,
        Kind::Support | Kind::SupportInterface => s.support_mm_per_s,
        Kind::Skirt => s.first_layer_mm_per_s,
    }
}

/// Returns what stands before the first layer: heat, home.
pub fn prologue(job: &Job) -> Section {
    let s = &job.settings;
    let mut section = Section::new(Role::Unknown, "");
    let hotend = Heater::Hotend(0);
    let temperature = |heater, target_c, wait| Command::Temperature { heater, target_c, wait };
    let c = &mut section.commands;
    c.push(Command::Native("; generated by shopctl".into()));
    c.push(Command::Native("; road_model = round".into()));
    if s.bed_c > 0.0 {
        c.push(temperature(Heater::Bed, s.bed_c, Wait::No));
    }
    c.push(Command::Home { axes: [true; 3], to: [0.0; 3] });
    if s.bed_c > 0.0 {
        c.push(temperature(Heater::Bed, s.bed_c, Wait::Heat));
    }
    c.push(temperature(hotend, s.first_layer_hotend_c, Wait::Heat));
    c.push(Command::Fan { number: 0, fraction: 0.0 });
    section
}

/// Returns what stands after the last layer: everything off, and away from the part.
pub fn epilogue(job: &Job) -> Section {
    let s = &job.settings;
    let mut section = Section::new(Role::Unknown, "");
    let c = &mut section.commands;
    if s.retract_mm > 0.0 {
        c.push(Command::Feed(Speed::from_mm_per_min(s.retract_mm_per_s * 60.0)));
        c.push(Command::Filament { e: -s.retract_mm });
    }
    c.push(Command::Temperature { heater: Heater::Hotend(0), target_c: 0.0, wait: Wait::No });
    if s.bed_c > 0.0 {
        c.push(Command::Temperature { heater: Heater::Bed, target_c: 0.0, wait: Wait::No });
    }
    c.push(Command::Fan { number: 0, fraction: 0.0 });
    c.push(Command::Native("M84".into()));
    section
}
