//! How fast a road is laid, and how much air it gets: what was asked for, what melts in time, and what cools in time.
//!
//! A layer that would be done too soon is laid more slowly: first all that is hidden, then the walls that are seen too, so
//! that these look alike in layers that take their time and layers that do not. The factor is the one with which the
//! layer takes just long enough, speeds below the slowest one left alone.

use crate::item::Part;
use crate::job::Job;
use crate::roads::{Kind, Road, Roads};
use crate::settings::Settings;

/// Paces of one layer.
#[derive(Clone, Copy, Debug)]
pub struct Pace<'a> {
    job: &'a Job,
    parts: &'a [Part],
    first: bool,
    /// Factors on speeds of what is hidden and of walls that are seen.
    hidden: f64,
    seen: f64,
    /// What the layer takes when nothing is slowed down, travel not counted, s; infinite where nobody asks.
    natural: f64,
}

/// Steps in which speeds over air change, so that not every corner has its own.
const STEPS: f64 = 20.0;
/// Steps that full speed of a fan has in firmwares.
const STEPS_OF_FANS: f64 = 255.0;
/// Halvings of the range in which a factor lies.
const HALVINGS: u32 = 40;

impl<'a> Pace<'a> {
    /// Works out the paces of a layer. O(roads), and a few dozen times that where it must be slowed down.
    pub fn new(job: &'a Job, parts: &'a [Part], layer: usize, roads: &Roads) -> Pace<'a> {
        let mut pace = Pace { job, parts, first: layer == 0, hidden: 1.0, seen: 1.0, natural: f64::INFINITY };
        let s = &job.settings;
        if s.least_layer_s > 0.0 || Pace::ramps(job) {
            pace.natural = pace.takes(roads);
        }
        let least = s.least_layer_s;
        if pace.natural >= least {
            return pace;
        }
        if s.slow_outer_walls_last {
            pace.hidden = pace.solve(roads, least, |p, f| Pace { hidden: f, ..p });
        }
        if pace.takes(roads) < least {
            let hidden = pace.hidden;
            pace.hidden = 1.0;
            let slow = |p: Pace<'a>, f: f64| Pace { hidden: f.min(hidden), seen: f, ..p };
            let factor = pace.solve(roads, least, slow);
            pace = slow(pace, factor);
        }
        pace
    }

    /// True when the time of a layer tells its fan.
    fn ramps(job: &Job) -> bool {
        job.settings.fan_least_percent < job.settings.fan_percent
    }

    /// Returns the fan that a layer of these roads has, for the next one to know; O(corners) where its time matters.
    pub fn fan_with(job: &'a Job, parts: &'a [Part], layer: usize, roads: &Roads) -> f64 {
        let mut pace = Pace { job, parts, first: layer == 0, hidden: 1.0, seen: 1.0, natural: f64::INFINITY };
        if Pace::ramps(job) {
            pace.natural = pace.takes(roads);
        }
        pace.fan(layer)
    }

    /// Returns what holds for a road.
    fn of(&self, road: &Road) -> &'a Settings {
        &self.parts.get(usize::from(road.part)).map_or(self.job, |p| &p.job).settings
    }

    /// Returns the largest factor with which a layer takes long enough.
    fn solve(self, roads: &Roads, least: f64, with: impl Fn(Pace<'a>, f64) -> Pace<'a>) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            let enough = with(self, middle).takes(roads) >= least;
            *(if enough { &mut low } else { &mut high }) = middle;
        }
        low
    }

    fn takes(&self, roads: &Roads) -> f64 {
        roads.roads().iter().map(|r| roads.length_mm(r) / self.speed(r, roads)).sum()
    }

    /// Returns the speed of a road that lies on something, mm/s.
    pub fn speed(&self, road: &Road, roads: &Roads) -> f64 {
        let s = self.of(road);
        let wanted = self.wanted(road, roads);
        let factor = if road.kind == Kind::OuterWall { self.seen } else { self.hidden };
        (wanted * factor).max(s.slowest_mm_per_s.min(wanted))
    }

    /// Returns the speed where a part of a road's width, percent, hangs over air.
    pub fn over_air(&self, road: &Road, speed: f64, percent: f64) -> f64 {
        let s = self.of(road);
        if !s.overhangs || percent <= s.overhang_from_percent || self.first {
            return speed;
        }
        let share = (percent - s.overhang_from_percent) / (100.0 - s.overhang_from_percent);
        let share = (share * STEPS).round() / STEPS;
        speed.min(speed + (s.overhang_mm_per_s - speed) * share)
    }

    /// Returns the fastest that a road may be laid, mm/s.
    fn wanted(&self, road: &Road, roads: &Roads) -> f64 {
        let edges = (road.end - road.start) as usize - usize::from(!road.closed);
        let thickest = if road.area > 0.0 {
            road.area
        } else {
            (0..edges).map(|i| roads.area(road, i)).fold(0.0, f64::max)
        };
        let s = self.of(road);
        self.usual(s, road.kind).min(s.most_flow_mm3_per_s / (thickest * s.flow).max(1e-9))
    }

    fn usual(&self, s: &Settings, kind: Kind) -> f64 {
        if self.first {
            return s.first_layer_mm_per_s;
        }
        match kind {
            Kind::OuterWall => s.outer_wall_mm_per_s,
            Kind::InnerWall => s.inner_wall_mm_per_s,
            Kind::Gap => s.gap_mm_per_s,
            Kind::Top => s.top_mm_per_s,
            Kind::Solid => s.solid_mm_per_s,
            Kind::InternalBridge if s.internal_bridge_mm_per_s > 0.0 => s.internal_bridge_mm_per_s,
            Kind::Bridge | Kind::InternalBridge => s.bridge_mm_per_s,
            Kind::Ironing => s.ironing_mm_per_s,
            Kind::Sparse | Kind::PrimeTower => s.infill_mm_per_s,
            Kind::Support | Kind::SupportInterface => s.support_mm_per_s,
            Kind::Skirt => s.first_layer_mm_per_s,
        }
    }

    /// Returns acceleration and speed jump of a road, as the two below.
    pub fn limits(job: &'a Job, parts: &'a [Part], layer: usize, road: &Road) -> [f64; 2] {
        let pace = Pace { job, parts, first: layer == 0, hidden: 1.0, seen: 1.0, natural: 0.0 };
        [pace.acceleration(road), pace.jerk(road)]
    }

    /// Returns the acceleration of a road, mm/s²; 0 leaves that of the machine.
    pub fn acceleration(&self, road: &Road) -> f64 {
        let s = self.of(road);
        let own = match road.kind {
            _ if self.first && s.first_layer_acceleration_mm_per_s2 > 0.0 => {
                s.first_layer_acceleration_mm_per_s2
            }
            Kind::OuterWall => s.outer_wall_acceleration_mm_per_s2,
            Kind::Top | Kind::Ironing => s.top_acceleration_mm_per_s2,
            Kind::Bridge | Kind::InternalBridge => s.bridge_acceleration_mm_per_s2,
            Kind::Sparse => s.infill_acceleration_mm_per_s2,
            _ => 0.0,
        };
        if own > 0.0 { own } else { s.acceleration_mm_per_s2 }
    }

    /// Returns the speed jump in corners of a road, mm/s; 0 leaves that of the machine.
    pub fn jerk(&self, road: &Road) -> f64 {
        let s = self.of(road);
        let own = if road.kind == Kind::OuterWall { s.outer_wall_jerk_mm_per_s } else { 0.0 };
        if own > 0.0 { own } else { s.jerk_mm_per_s }
    }

    /// Returns the fan of a layer, a fraction of full speed: off in the first, up evenly to the full layer, and then as much
    /// as the time of the layer asks for.
    pub fn fan(&self, layer: usize) -> f64 {
        let s = &self.job.settings;
        let full = s.fan_full_layer.max(2) as usize;
        let rise = if layer == 0 { 0.0 } else { (layer as f64 / (full - 1) as f64).min(1.0) };
        let least = s.fan_least_percent.min(s.fan_percent);
        let slack = (s.fan_from_s - s.least_layer_s).max(1e-3);
        // A layer that would take less is slowed down until it takes the least.
        let seconds = self.natural.max(s.least_layer_s);
        let haste = ((s.fan_from_s - seconds) / slack).clamp(0.0, 1.0);
        let share = s.at_heights.fan(self.job.levels.top(layer)).unwrap_or(1.0);
        let fan = |haste: f64| 0.01 * share * rise * (least + (s.fan_percent - least) * haste);
        // Times of layers are never quite the same: what is finer than firmwares know would be said again and again.
        if haste > 0.0 && haste < 1.0 {
            (STEPS_OF_FANS * fan(haste)).round() / STEPS_OF_FANS
        } else {
            fan(haste)
        }
    }

    /// Returns the fan while a road is laid.
    pub fn fan_of(&self, road: &Road, roads: &Roads, usual: f64) -> f64 {
        let s = self.of(road);
        let hangs = || {
            let from = s.overhang_from_percent.max(1.0);
            (0..(road.end - road.start) as usize).any(|i| f64::from(roads.hanging(road, i)) > from)
        };
        let spans = matches!(road.kind, Kind::Bridge | Kind::InternalBridge);
        if !self.first && (spans || s.overhangs && hangs()) {
            usual.max(0.01 * s.bridge_fan_percent)
        } else {
            usual
        }
    }
}
