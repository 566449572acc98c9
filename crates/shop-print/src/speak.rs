//! A layer in order as canonical commands: travel, retraction, speeds, filament.

use crate::comb::Comber;
use crate::item::Part;
use crate::job::Job;
use crate::order::Ordered;
use crate::pace::Pace;
use crate::roads::{Kind, Road, Roads};
use shop_cam::Speed;
use shop_cam::canon::{Command, Heater, Limits, Role, Section, Wait};
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
    pace: Pace<'a>,
    commands: Vec<Command>,
    at: Option<Spot>,
    /// Height of roads, and their thickness, mm.
    z: f64,
    height: f64,
    feed: f64,
    kind: Option<Kind>,
    acceleration: f64,
    jerk: f64,
    /// Fan of the layer, and as it is.
    usual_fan: f64,
    fan: f64,
    /// The nozzle is still at the height of the layer below.
    rise: bool,
    /// The road that was laid last, and from where.
    last: Option<(&'a Road, &'a Roads, usize)>,
    comber: &'a mut Comber,
    /// Places between the ends of the way that is looked at.
    way: Vec<Spot>,
    used: Used,
}

/// Returns the commands of a layer.
pub fn speak(job: &Job, parts: &[Part], layer: usize, ordered: &Ordered, comber: &mut Comber) -> Spoken {
    let corners: usize = ordered.roads.roads().iter().map(|r| (r.end - r.start) as usize).sum();
    let pace = Pace::new(job, parts, layer, &ordered.roads);
    comber.load(&ordered.within);
    let below = Pace::fan_before(job, layer);
    let mut speaker = Speaker {
        job,
        parts,
        pace,
        commands: Vec::with_capacity(corners + 6 * ordered.lays.len() + 8),
        at: ordered.from,
        z: job.levels.top(layer),
        height: job.levels.height(layer),
        feed: 0.0,
        kind: None,
        acceleration: 0.0,
        jerk: 0.0,
        usual_fan: pace.fan(layer),
        fan: below,
        rise: true,
        last: None,
        comber,
        way: Vec::new(),
        used: Used::default(),
    };
    speaker.begin(layer);
    for (i, lay) in ordered.lays.iter().enumerate() {
        let next = ordered.lays.get(i + 1).map(|n| {
            let road = &ordered.roads.roads()[n.road as usize];
            ordered.roads.spots(road)[n.start as usize]
        });
        speaker.road(&ordered.roads.roads()[lay.road as usize], &ordered.roads, lay.start as usize, next);
    }
    speaker.blow(speaker.usual_fan);
    let mut section = Section::new(Role::Unknown, "");
    section.commands = speaker.commands;
    let from = ordered.from.filter(|_| layer > 0).map(|s| {
        let [x, y] = s.mm();
        [x, y, job.levels.top(layer - 1)]
    });
    Spoken { layer, section, from, used: speaker.used }
}

/// Corners of a road in the order in which they are laid.
#[derive(Clone, Copy)]
struct Walk {
    start: usize,
    corners: usize,
    closed: bool,
}

impl Walk {
    fn backwards(self) -> bool {
        !self.closed && self.start > 0
    }

    fn edges(self) -> usize {
        if self.closed { self.corners } else { self.corners - 1 }
    }

    /// Number of the corner that comes at `k`; a closed road begins again after its last.
    fn corner(self, k: usize) -> usize {
        if self.backwards() { self.start - k } else { (self.start + k) % self.corners }
    }

    /// Number of the corner after which the road has the area of edge `k`.
    fn edge(self, k: usize) -> usize {
        self.corner(if self.backwards() { k + 1 } else { k })
    }
}

impl<'a> Speaker<'a> {
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
        self.blow(self.usual_fan);
    }

    fn feed(&mut self, mm_per_s: f64) {
        if self.feed != mm_per_s {
            self.feed = mm_per_s;
            self.commands.push(Command::Feed(Speed::from_mm_per_min(mm_per_s * 60.0)));
        }
    }

    fn blow(&mut self, fraction: f64) {
        if self.fan != fraction {
            self.fan = fraction;
            self.commands.push(Command::Fan { number: 0, fraction });
        }
    }

    fn position(&self, s: Spot) -> [f64; 3] {
        let [x, y] = s.mm();
        [x, y, self.z]
    }

    /// True when filament is pulled back before so long a way.
    fn retracts(&self, far_mm: f64) -> bool {
        let s = &self.job.settings;
        let wanted = s.retract_mm > 0.0 || s.firmware_retract;
        wanted
            && far_mm.is_finite()
            && (far_mm >= s.retract_least_travel_mm || self.rise && s.retract_at_layer)
    }

    /// Goes to where a road begins.
    fn travel(&mut self, to: Spot) {
        let far = self.at.map_or(f64::INFINITY, |at| at.distance(to) / PER_MM);
        if far == 0.0 && !self.rise {
            return;
        }
        let s = &self.job.settings;
        let inside = s.comb && !self.rise && far.is_finite() && self.led(to);
        let retract = self.retracts(far) && !(inside && self.led_mm(to) < s.comb_retract_mm);
        if retract {
            self.retract();
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
        if inside {
            for i in 0..self.way.len() {
                let spot = self.way[i];
                let mut through = self.position(spot);
                through[2] += hop;
                self.commands.push(Command::Line { to: through });
                self.used.travel_mm += self.at.map_or(0.0, |at| at.distance(spot) / PER_MM);
                self.at = Some(spot);
            }
        }
        self.commands.push(Command::Line { to: target });
        if hop > 0.0 {
            self.commands.push(Command::Line { to: self.position(to) });
        }
        if retract {
            let speed = if s.recover_mm_per_s > 0.0 { s.recover_mm_per_s } else { s.retract_mm_per_s };
            self.filament(s.retract_mm + s.recover_extra_mm, speed);
        }
        if let Some(at) = self.at {
            self.used.travel_mm += at.distance(to) / PER_MM;
        }
        self.rise = false;
        self.at = Some(to);
    }

    /// Looks for a way inside the part, and keeps it.
    fn led(&mut self, to: Spot) -> bool {
        let Some(at) = self.at else { return false };
        self.way.clear();
        let more = self.job.settings.comb_detour_mm * PER_MM;
        let Some(way) = self.comber.way(at, to, more) else { return false };
        self.way.extend_from_slice(way);
        true
    }

    /// Returns how long that way is, mm.
    fn led_mm(&self, to: Spot) -> f64 {
        let Some(mut at) = self.at else { return 0.0 };
        let mut length = 0.0;
        for s in self.way.iter().chain([&to]) {
            length += at.distance(*s);
            at = *s;
        }
        length / PER_MM
    }

    fn filament(&mut self, e: f64, speed: f64) {
        if self.job.settings.firmware_retract {
            self.commands.push(Command::FirmwareRetract { recover: e > 0.0 });
        } else {
            self.feed(speed);
            self.commands.push(Command::Filament { e });
        }
    }

    /// Pulls filament back, wiping along the road just laid when that is wanted.
    fn retract(&mut self) {
        let s = &self.job.settings;
        let wiped = if s.wipe_mm > 0.0 { self.wipe_way() } else { Vec::new() };
        let Some(last) = wiped.last().copied() else {
            return self.filament(-s.retract_mm, s.retract_mm_per_s);
        };
        let length: f64 = wiped.iter().map(|w| w.1).sum();
        if s.firmware_retract {
            self.filament(-s.retract_mm, s.retract_mm_per_s);
            self.feed(s.travel_mm_per_s);
            for (spot, _) in &wiped {
                self.commands.push(Command::Line { to: self.position(*spot) });
            }
        } else {
            let before = s.retract_mm * 0.01 * s.retract_before_wipe_percent;
            if before > 0.0 {
                self.filament(-before, s.retract_mm_per_s);
            }
            let during = s.retract_mm - before;
            // As fast as the filament can be pulled meanwhile.
            let speed = if during > 0.0 { length * s.retract_mm_per_s / during } else { f64::INFINITY };
            self.feed(speed.min(s.travel_mm_per_s));
            for (spot, part) in &wiped {
                let to = self.position(*spot);
                let e = -during * part / length;
                self.commands.push(if e < 0.0 { Command::Extrude { to, e } } else { Command::Line { to } });
            }
        }
        self.used.travel_mm += length;
        self.at = Some(last.0);
    }

    /// Returns places along the road that was laid last, and how long the ways to them are, mm: on round a closed road, back
    /// along an open one.
    fn wipe_way(&self) -> Vec<(Spot, f64)> {
        let Some((road, roads, start)) = self.last else { return Vec::new() };
        let spots = roads.spots(road);
        let walk = Walk { start, corners: spots.len(), closed: road.closed };
        let mut out = Vec::new();
        let mut left = self.job.settings.wipe_mm;
        let Some(mut at) = self.at else { return out };
        for k in 1..=walk.edges() {
            let next = spots[walk.corner(if walk.closed { k } else { walk.edges() - k })];
            let far = at.distance(next) / PER_MM;
            if far >= left {
                let [x, y] = at.to(next).map(|v| v * left / far);
                let end = Spot::new(at.x + x.round() as i32, at.y + y.round() as i32);
                out.push((end, left));
                break;
            }
            if far > 0.0 {
                out.push((next, far));
            }
            left -= far;
            at = next;
        }
        out
    }

    /// Says what kind of road comes, and what goes with it.
    fn kind(&mut self, road: &Road) {
        if self.kind != Some(road.kind) {
            self.kind = Some(road.kind);
            self.commands.push(Command::Feature(road.kind.name().into()));
        }
        let (acceleration, jerk) = (self.pace.acceleration(road), self.pace.jerk(road));
        if acceleration != self.acceleration || jerk != self.jerk {
            let changed = |new: f64, old: f64| (new != old && new > 0.0).then_some(new);
            let (a, j) = (changed(acceleration, self.acceleration), changed(jerk, self.jerk));
            (self.acceleration, self.jerk) = (acceleration, jerk);
            if a.is_some() || j.is_some() {
                let limits = Limits {
                    acceleration: a,
                    jerk: [j, j, None, None],
                    square_corner_speed: j,
                    ..Limits::default()
                };
                self.commands.push(Command::Limits(Box::new(limits)));
            }
        }
    }

    fn road(&mut self, road: &'a Road, roads: &'a Roads, start: usize, next: Option<Spot>) {
        let spots = roads.spots(road);
        let walk = Walk { start, corners: spots.len(), closed: road.closed };
        if let Some(part) = self.parts.get(usize::from(road.part)) {
            self.job = &part.job;
        }
        self.travel(spots[start]);
        self.kind(road);
        self.blow(self.pace.fan_of(road, roads, self.usual_fan));
        let speed = self.pace.speed(road, roads);
        let s = &self.job.settings;
        let scarf = if road.closed && road.kind == Kind::OuterWall { s.scarf_mm } else { 0.0 };
        let end = spots[walk.corner(walk.edges())];
        let coasts = s.coast_mm3 > 0.0
            && next.is_some_and(|n| self.retracts(end.distance(n) / PER_MM))
            && scarf == 0.0;
        let gap = if road.closed && scarf == 0.0 { s.seam_gap_mm } else { 0.0 };
        if scarf > 0.0 {
            self.scarf(road, roads, walk, speed);
        } else if coasts || gap > 0.0 {
            let coast = if coasts { s.coast_mm3 } else { 0.0 };
            self.shortened(road, roads, walk, speed, gap, coast);
        } else {
            self.edges(road, roads, walk, walk.edges(), speed);
            self.at = Some(end);
        }
        self.used.roads += 1;
        self.last = Some((road, roads, start));
    }

    /// Lays the first edges of a road.
    fn edges(&mut self, road: &Road, roads: &Roads, walk: Walk, edges: usize, speed: f64) {
        let spots = roads.spots(road);
        let hangs = self.job.settings.overhangs && roads.hangs(road);
        self.feed(speed);
        let mut from = spots[walk.corner(0)];
        for k in 0..edges {
            let to = spots[walk.corner(k + 1)];
            if hangs {
                let at = |k: usize| f64::from(roads.hanging(road, walk.corner(k)));
                self.feed(self.pace.over_air(road, speed, 0.5 * (at(k) + at(k + 1))));
            }
            self.extrude(from, to, roads.area(road, walk.edge(k)));
            from = to;
        }
    }

    #[inline]
    fn extrude(&mut self, from: Spot, to: Spot, area: f64) {
        let length = from.distance(to) / PER_MM;
        let e = self.job.filament(area * length);
        self.commands.push(Command::Extrude { to: self.position(to), e });
        self.used.filament_mm += e;
        self.used.road_mm += length;
    }

    /// Lays a road that ends `gap` mm early, and for whose last `coast` mm³ nothing is pushed.
    fn shortened(&mut self, road: &Road, roads: &Roads, walk: Walk, speed: f64, gap: f64, coast: f64) {
        let spots = roads.spots(road);
        // Most of a road is laid in any case.
        let most = 0.5 * roads.length_mm(road);
        let gap = gap.min(most);
        let mut whole = walk.edges();
        let (mut left, mut push) = (gap, coast);
        let mut tail: Vec<Spot> = Vec::new();
        let mut dry = 0.0;
        // Backwards from the end: first what is left out, then what comes by itself.
        while whole > 0 {
            let k = whole - 1;
            let (a, b) = (spots[walk.corner(k)], spots[walk.corner(k + 1)]);
            let length = a.distance(b) / PER_MM;
            let area = roads.area(road, walk.edge(k)).max(1e-9);
            let along = |mm: f64| {
                let [x, y] = b.to(a).map(|v| v * mm / length.max(1e-9));
                Spot::new(b.x + x.round() as i32, b.y + y.round() as i32)
            };
            if left >= length {
                left -= length;
                whole -= 1;
                continue;
            }
            if tail.is_empty() {
                tail.push(if left > 0.0 { along(left) } else { b });
            }
            let rest = length - left;
            let reach = (push / area).min((most - dry).max(0.0));
            if reach >= rest {
                push -= rest * area;
                dry += rest;
                left = 0.0;
                tail.push(a);
                whole -= 1;
                continue;
            }
            tail.push(if left + reach > 0.0 { along(left + reach) } else { b });
            break;
        }
        self.edges(road, roads, walk, whole.saturating_sub(1), speed);
        let mut from = spots[walk.corner(whole.saturating_sub(1))];
        self.feed(speed);
        if whole > 0
            && let Some(to) = tail.last().copied()
        {
            self.extrude(from, to, roads.area(road, walk.edge(whole - 1)));
            from = to;
        }
        for spot in tail.iter().rev().skip(1) {
            self.commands.push(Command::Line { to: self.position(*spot) });
            from = *spot;
        }
        self.at = Some(from);
    }

    /// Lays a closed road that begins as a ramp from the layer below and ends on that ramp.
    fn scarf(&mut self, road: &Road, roads: &Roads, walk: Walk, speed: f64) {
        let spots = roads.spots(road);
        let (top, height) = (self.z, self.height);
        let length = self.job.settings.scarf_mm.min(0.5 * roads.length_mm(road));
        self.feed(speed);
        let mut done = 0.0;
        let whole = roads.length_mm(road);
        let mut at = spots[walk.corner(0)];
        self.z = top - height * (1.0 - SCARF_BEGINS);
        self.commands.push(Command::Line { to: self.position(at) });
        // The ramp is laid twice: once up, once at the full height with what is missing.
        for k in 0..2 * walk.edges() {
            let to = spots[walk.corner(k % walk.edges() + 1)];
            let area = roads.area(road, walk.edge(k % walk.edges()));
            let far = at.distance(to) / PER_MM;
            let (a, b) = (done, (done + far).min(whole + length));
            let pieces =
                if a < length || b > whole { ((b - a) / SCARF_STEP_MM).ceil().max(1.0) } else { 1.0 };
            for i in 1..=pieces as u32 {
                let here = a + (b - a) * f64::from(i) / pieces;
                let middle = here - 0.5 * (b - a) / pieces;
                let [x, y] = at.to(to).map(|v| v * (here - a) / far.max(1e-9));
                let spot = Spot::new(at.x + x.round() as i32, at.y + y.round() as i32);
                let share = |s: f64| SCARF_BEGINS + (1.0 - SCARF_BEGINS) * (s / length).clamp(0.0, 1.0);
                self.z = top - height * (1.0 - share(here));
                let flow = if middle < whole { share(middle) } else { 1.0 - share(middle - whole) };
                let [px, py] = at.to(to).map(|v| v * (here - (b - a) / pieces - a) / far.max(1e-9));
                let from = Spot::new(at.x + px.round() as i32, at.y + py.round() as i32);
                self.extrude(from, spot, area * flow);
                self.at = Some(spot);
            }
            (at, done) = (to, b);
            if done >= whole + length {
                break;
            }
        }
        self.z = top;
    }
}

/// Part of the layer's height at which a scarf begins: thinner plastic does not stick.
const SCARF_BEGINS: f64 = 0.1;
/// Length of a scarf's steps, mm.
const SCARF_STEP_MM: f64 = 1.0;

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
    let some = |v: f64| (v > 0.0).then_some(v);
    let limits = Limits {
        travel_acceleration: some(s.travel_acceleration_mm_per_s2),
        pressure_advance: some(s.pressure_advance_s),
        ..Limits::default()
    };
    if limits != Limits::default() {
        c.push(Command::Limits(Box::new(limits)));
    }
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
