//! A layer in order as canonical commands: travel, retraction, speeds, filament.

mod around;
mod ends;
mod travel;

pub use around::{epilogue, prologue};

use crate::Print;
use crate::comb::Comber;
use crate::job::Job;
use crate::order::Ordered;
use crate::pace::Pace;
use crate::roads::{Kind, Road, Roads};
use crate::turns::Turn;
use shop_cam::Speed;
use shop_cam::canon::{Command, Limits, Role, Section};
use shop_cam::fit::fit_section;
use shop_geom::planar::{PER_MM, Spot};
use std::sync::Mutex;

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
    /// Layers in which a wall should have wound upwards, and there was more than one.
    pub unwound: u32,
    /// Material pushed into the tower for changes of tool, mm³.
    pub tower_mm3: f64,
    /// Material with which nozzles were filled anew that went into objects instead, mm³.
    pub purged_mm3: f64,
}

impl Used {
    /// Adds what another layer used.
    pub fn add(&mut self, other: &Used) {
        self.filament_mm += other.filament_mm;
        self.road_mm += other.road_mm;
        self.travel_mm += other.travel_mm;
        self.retractions += other.retractions;
        self.roads += other.roads;
        self.unwound += other.unwound;
        self.tower_mm3 += other.tower_mm3;
        self.purged_mm3 += other.purged_mm3;
    }
}

/// A layer, ready to be posted.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// Its number, from 0.
    pub layer: usize,
    /// The walk through layers that it is of ([`Print::rounds`]), from 0.
    pub round: usize,
    /// Its commands.
    pub section: Section,
    /// Where the nozzle stands before, mm, if known.
    pub from: Option<[f64; 3]>,
    /// What it used.
    pub used: Used,
}

/// Lists of commands that are used again: fresh memory for every layer costs more than filling it.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<Vec<Command>>>);

impl Spare {
    /// Returns an empty list.
    fn take(&self) -> Vec<Command> {
        self.0.lock().ok().and_then(|mut lists| lists.pop()).unwrap_or_default()
    }

    /// Takes back a list.
    pub(crate) fn give(&self, mut commands: Vec<Command>) {
        commands.clear();
        if let Ok(mut lists) = self.0.lock() {
            lists.push(commands);
        }
    }
}

/// Commands that whoever finishes a layer may add without the list being moved.
const ROOM: usize = 16;

struct Speaker<'a> {
    print: &'a Print,
    /// What holds for the road that is being laid.
    job: &'a Job,
    pace: Pace<'a>,
    commands: Vec<Command>,
    at: Option<Spot>,
    /// Height of roads, and their thickness, mm.
    z: f64,
    height: f64,
    layer: usize,
    feed: f64,
    kind: Option<Kind>,
    acceleration: f64,
    jerk: f64,
    /// Fan of the layer, and as it is.
    usual_fan: f64,
    fan: f64,
    /// The nozzle is still at the height of the layer below.
    rise: bool,
    /// It is where another object ends, and goes to this one at this height.
    over: Option<f64>,
    /// There is but one road in the layer.
    lone: bool,
    /// The tool in use.
    tool: Option<u32>,
    /// Its filament was pulled back for a change, and comes again with the next road.
    parked: bool,
    /// The road that was laid last, and from where.
    last: Option<(&'a Road, &'a Roads, usize)>,
    /// Where ways lead inside the part, and what is in the way of those between supports.
    comber: &'a mut Comber,
    beside: &'a mut Comber,
    /// Places between the ends of the way that is looked at.
    way: Vec<Spot>,
    /// The copy of an object that is being made, where that is said.
    labelled: Option<usize>,
    used: Used,
}

/// Returns the commands of a layer.
pub(crate) fn speak(
    print: &Print,
    turn: Turn,
    layer: usize,
    ordered: &Ordered,
    [comber, beside]: &mut [Comber; 2],
) -> Spoken {
    let job = &print.job;
    let corners: usize = ordered.roads.roads().iter().map(|r| (r.end - r.start) as usize).sum();
    let pace = Pace::new(job, &print.parts, layer, &ordered.roads);
    comber.load(&ordered.within);
    beside.load(&ordered.beside);
    let mut commands = print.spare.take();
    commands.reserve(corners + 6 * ordered.lays.len() + 8 + ROOM);
    let mut speaker = Speaker {
        print,
        job,
        pace,
        commands,
        at: ordered.from,
        z: job.levels.top(layer),
        height: job.levels.height(layer),
        layer,
        feed: 0.0,
        kind: None,
        acceleration: ordered.force.limits[0],
        jerk: ordered.force.limits[1],
        usual_fan: pace.fan(layer),
        // The beginning of the program switches it off.
        fan: if layer == 0 { 0.0 } else { ordered.force.fan },
        rise: true,
        over: None,
        lone: ordered.lays.len() == 1,
        tool: ordered.tool.map(u32::from),
        parked: false,
        last: None,
        comber,
        beside,
        way: Vec::new(),
        labelled: None,
        used: Used { purged_mm3: ordered.purged_mm3, ..Used::default() },
    };
    if layer == 0 && turn.over.is_some() {
        (speaker.over, speaker.fan) = (turn.over, f64::NAN);
    }
    speaker.begin(layer, turn);
    speaker.used.unwound = u32::from(!speaker.lone && job.winds(layer) && !ordered.lays.is_empty());
    for (i, lay) in ordered.lays.iter().enumerate() {
        let next = ordered.lays.get(i + 1).map(|n| {
            let road = &ordered.roads.roads()[n.road as usize];
            ordered.roads.spots(road)[n.start as usize]
        });
        speaker.road(&ordered.roads.roads()[lay.road as usize], &ordered.roads, lay.start as usize, next);
    }
    speaker.unlabel();
    speaker.blow(speaker.usual_fan);
    let mut section = Section::new(Role::Unknown, "");
    section.commands = speaker.commands;
    let from = ordered.from.filter(|_| layer > 0).map(|s| {
        let [x, y] = s.mm();
        [x, y, job.levels.top(layer - 1)]
    });
    if job.settings.arc_tolerance_mm > 0.0 {
        section = fit_section(&section, job.settings.arc_tolerance_mm, &mut { from });
    }
    Spoken { layer, round: turn.number, section, from, used: speaker.used }
}

/// A wall that winds goes on without a travel from one turn to the next when that is so near, mm: farther away, what is laid
/// on the way would stick out of a layer that is smaller than the one below.
const WINDS_ON_MM: f64 = 0.6;

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
        if let Some(part) = self.print.parts.get(usize::from(road.part)) {
            self.take(&part.job);
        }
        self.label(road);
        let winds = self.lone && road.closed && self.job.winds(self.layer);
        if winds {
            self.z -= self.height;
        }
        if !winds || self.at.is_none_or(|at| at.distance(spots[start]) > WINDS_ON_MM * PER_MM) {
            let held = |r: &Road| matches!(r.kind, Kind::Support | Kind::SupportInterface);
            let between = held(road) && self.last.is_some_and(|(last, ..)| held(last));
            self.travel(spots[start], between);
        }
        self.kind(road);
        self.blow(self.pace.fan_of(road, roads, self.usual_fan));
        let speed = self.pace.speed(road, roads);
        if winds {
            self.wind(road, roads, walk, speed);
            (self.rise, self.used.roads, self.last) =
                (false, self.used.roads + 1, Some((road, roads, start)));
            return;
        }
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
        if road.kind == Kind::PrimeTower {
            self.used.tower_mm3 += roads.volume_mm3(road);
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
}
