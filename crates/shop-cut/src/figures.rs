//! What a plan amounts to.

use crate::Options;
use shop_cam::canon::{Role, Torch};
pub use shop_cam::common::Sharing;
use shop_cam::settings::Settings;
use shop_cam::toolpath::{Pass, PieceKind, Toolpath};
use shop_geom::Point;
use std::collections::VecDeque;

/// Figures of a plan; lengths in mm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Outlines cut free.
    pub parts: u32,
    /// Closed contours cut, holes included.
    pub contours: u32,
    /// Times the beam or torch is started.
    pub pierces: u32,
    /// Contours cut by the small-hole rule.
    pub small_holes: u32,
    /// Length of the cuts.
    pub cut_length: f64,
    /// Length of leads, in and out.
    pub lead_length: f64,
    /// Length cut a second time to close contours.
    pub overburn_length: f64,
    /// Length of marks.
    pub mark_length: f64,
    /// Length of the rapids between passes.
    pub rapid_length: f64,
    /// Least distance from a pierce to the edge of the cut that it starts or any other.
    pub least_clearance: Option<f64>,
    /// Pierces nearer than the wanted clearance, for want of room.
    pub close_pierces: u32,
    /// Contours started on the path itself, for want of room.
    pub without_lead: u32,
    /// What common lines saved.
    pub sharing: Sharing,
    /// Rapids led around loose pieces.
    pub detours: u32,
    /// Rapids raised over loose pieces.
    pub lifts: u32,
    /// How well pierces keep apart in time.
    pub thermal: Option<Thermal>,
}

/// How well pierces keep apart while the last ones are hot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermal {
    /// The rule: least distance, mm.
    pub distance: f64,
    /// The rule: for how long, s.
    pub window_s: f64,
    /// Least distance found between two pierces within that time, mm; infinite when no two are that close in time.
    pub nearest: f64,
    /// Pierces nearer than the rule allows to one that is still hot.
    pub breaches: u32,
}

/// What only the planner knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub parts: u32,
    pub contours: u32,
    pub small_holes: u32,
    pub close_pierces: u32,
    pub without_lead: u32,
    pub sharing: Sharing,
}

pub(crate) fn count(toolpaths: &[Toolpath], settings: &Settings, options: &Options, tally: Tally) -> Figures {
    let mut f = Figures {
        parts: tally.parts,
        contours: tally.contours,
        small_holes: tally.small_holes,
        close_pierces: tally.close_pierces,
        without_lead: tally.without_lead,
        sharing: tally.sharing,
        ..Figures::default()
    };
    let mut at = options.start;
    let mut heat = Heat::default();
    for path in toolpaths {
        for pass in &path.passes {
            let (Some(start), Some(end)) = (pass.start(), pass.end()) else { continue };
            f.pierces += 1;
            let mut travel = 0.0;
            for &stop in pass.detour.iter().chain([&start]) {
                travel += (stop - at).norm();
                at = stop;
            }
            f.rapid_length += travel;
            at = end;
            f.detours += u32::from(!pass.detour.is_empty());
            f.lifts += u32::from(pass.lift);
            f.add_lengths(pass, path.role == Role::Mark);
            if let Some(c) = pass.clearance {
                f.least_clearance = Some(f.least_clearance.map_or(c, |least| least.min(c)));
            }
            if let Some(rule) = options.thermal.filter(|_| pass.torch == Torch::Cut) {
                heat.clock += travel / settings.rapid.mm_per_s() + settings.pierce_delay;
                heat.pierce(start, rule.distance, rule.window_s);
                heat.clock += duration(pass, path.feed.mm_per_s());
            }
        }
    }
    f.thermal = options.thermal.map(|rule| Thermal {
        distance: rule.distance,
        window_s: rule.window_s,
        nearest: heat.nearest,
        breaches: heat.breaches,
    });
    f
}

impl Figures {
    fn add_lengths(&mut self, pass: &Pass, mark: bool) {
        for piece in &pass.pieces {
            let length = piece.segment.length();
            match piece.kind {
                PieceKind::LeadIn | PieceKind::LeadOut => self.lead_length += length,
                PieceKind::Overburn => self.overburn_length += length,
                _ if mark => self.mark_length += length,
                _ => self.cut_length += length,
            }
        }
    }
}

/// Returns how long a pass takes at its feed, s; accelerations are for the simulator.
pub(crate) fn duration(pass: &Pass, mm_per_s: f64) -> f64 {
    let time =
        |length: f64, percent: f32| length * 100.0 / (f64::from(percent).max(1.0) * mm_per_s.max(1e-3));
    pass.pieces.iter().map(|p| time(p.segment.length(), p.feed_percent)).sum()
}

/// Pierces that are still hot.
#[derive(Clone, Debug)]
pub(crate) struct Heat {
    /// Seconds since the program's start.
    pub clock: f64,
    hot: VecDeque<(f64, Point)>,
    nearest: f64,
    breaches: u32,
}

impl Default for Heat {
    fn default() -> Self {
        Heat { clock: 0.0, hot: VecDeque::new(), nearest: f64::INFINITY, breaches: 0 }
    }
}

impl Heat {
    /// Returns the distance from `p` to the nearest pierce that is still hot, mm.
    pub fn distance(&mut self, p: Point, window_s: f64) -> f64 {
        while self.hot.front().is_some_and(|h| self.clock - h.0 > window_s) {
            self.hot.pop_front();
        }
        self.hot.iter().map(|h| (h.1 - p).norm()).fold(f64::INFINITY, f64::min)
    }

    /// Notes a pierce in `p` now.
    pub fn pierce(&mut self, p: Point, distance: f64, window_s: f64) {
        let near = self.distance(p, window_s);
        self.nearest = self.nearest.min(near);
        self.breaches += u32::from(near < distance);
        self.hot.push_back((self.clock, p));
    }
}
