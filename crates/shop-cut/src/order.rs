//! Changes to a finished route: pierces apart in time, and off kerfs that are already cut.

use crate::ThermalRule;
use crate::figures::Heat;
use shop_cam::common::Pace;
use shop_cam::lead::{Lead, Room};
use shop_cam::settings::Settings;
use shop_geom::distance::SegmentIndex;
use shop_geom::route::{Stop, Visit};
use shop_geom::{Line, Point, Segment};

/// How far ahead a better next pierce is looked for: far enough to leave a hot spot, near enough to come back to it.
const AHEAD: usize = 24;

/// Reorders `visits` so that pierces keep the rule where they can: the next is the first within reach of the route,
/// in the same part, with nothing left inside it, that is far enough from every pierce still hot; if there is none,
/// the one farthest from them. Groups stay whole and inner contours first. O(n · AHEAD).
pub(crate) fn spread(
    visits: &[Visit],
    stops: &[Stop],
    seconds: &[f64],
    rule: &ThermalRule,
    start: Point,
    settings: &Settings,
) -> Vec<Visit> {
    let n = visits.len();
    // How many stops must still come before each.
    let mut waiting = vec![0u32; stops.len()];
    for v in visits {
        if let Some(b) = stops[v.stop as usize].before {
            waiting[b as usize] += 1;
        }
    }
    // The rest of the route as a list that can lose any member: next[i] follows visit i - 1; 0 is the head.
    let mut next: Vec<u32> = (0..=n as u32).collect();
    let mut heat = Heat::default();
    let mut at = start;
    let mut out = Vec::with_capacity(n);
    for _ in 0..n {
        let head = next[0] as usize;
        let group = stops[visits[head].stop as usize].group;
        let mut best: Option<(f64, usize, usize)> = None;
        let (mut before, mut i) = (0usize, head);
        for _ in 0..AHEAD {
            if i >= n || stops[visits[i].stop as usize].group != group {
                break;
            }
            if waiting[visits[i].stop as usize] == 0 {
                let d = heat.distance(entry(stops, visits[i]).0, rule.window_s);
                if best.is_none_or(|b| d > b.0) {
                    best = Some((d, before, i));
                }
                if d >= rule.distance {
                    break;
                }
            }
            before = i + 1;
            i = next[i + 1] as usize;
        }
        let (_, before, i) = best.unwrap_or((0.0, 0, head));
        next[before] = next[i + 1];
        let visit = visits[i];
        let (enter, leave) = entry(stops, visit);
        heat.clock += (enter - at).norm() / settings.rapid.mm_per_s() + settings.pierce_delay;
        heat.pierce(enter, rule.distance, rule.window_s);
        heat.clock += seconds[visit.stop as usize];
        at = leave;
        if let Some(b) = stops[visit.stop as usize].before {
            waiting[b as usize] -= 1;
        }
        out.push(visit);
    }
    out
}

/// Keeps the thermal rule among contours that share lines, as far as there is another to take first.
#[derive(Clone)]
pub(crate) struct Cooling<'a> {
    rule: Option<ThermalRule>,
    settings: &'a Settings,
    heat: Heat,
}

impl<'a> Cooling<'a> {
    pub fn new(rule: Option<ThermalRule>, settings: &'a Settings) -> Self {
        Cooling { rule, settings, heat: Heat::default() }
    }
}

impl Pace for Cooling<'_> {
    fn is_hot(&mut self, p: Point) -> bool {
        self.rule.is_some_and(|r| self.heat.distance(p, r.window_s) < r.distance)
    }

    fn pierced(&mut self, p: Point, travel: f64, length: f64) {
        if let Some(r) = self.rule {
            self.heat.clock += travel / self.settings.rapid.mm_per_s() + self.settings.pierce_delay;
            self.heat.pierce(p, r.distance, r.window_s);
            self.heat.clock += length / self.settings.feed.mm_per_s().max(1e-3);
        }
    }
}

fn entry(stops: &[Stop], visit: Visit) -> (Point, Point) {
    stops[visit.stop as usize].ways[visit.way as usize]
}

/// The ways into one contour.
pub(crate) struct Candidate<'a> {
    /// One lead per way; none where the start is not to be chosen.
    pub leads: &'a [Lead],
    /// Leads with which it goes on after tabs, whatever the way.
    pub again: &'a [Lead],
}

fn way_of<'a>(candidates: &[Candidate<'a>], visit: Visit) -> Option<&'a Lead> {
    candidates[visit.stop as usize].leads.get(visit.way as usize)
}

/// Goes through the route and takes another way wherever a pierce lies within `half` a kerf of what has been cut by
/// then: paths and leads. Returns the positions of visits for which no way is free.
///
/// A pierce found with a clearance of half a kerf is off every path whatever the order, so only leads can be in its
/// way; for the others the paths cut so far count too.
pub(crate) fn leave_old_kerfs(
    visits: &mut [Visit],
    candidates: &[Candidate<'_>],
    room: &Room,
    half: f64,
) -> Vec<u32> {
    // A hair less than half, as rounding must not make conflicts of leads that were found just clear.
    let reach = half * 0.9999;
    let mut position = vec![u32::MAX; candidates.len()];
    let (mut pieces, mut owners) = (Vec::new(), Vec::new());
    for (i, v) in visits.iter().enumerate() {
        position[v.stop as usize] = i as u32;
        pieces.extend(way_of(candidates, *v).into_iter().flat_map(|l| &l.pieces));
        pieces.extend(candidates[v.stop as usize].again.iter().flat_map(|l| &l.pieces));
        owners.resize(pieces.len(), i as u32);
    }
    let leads = SegmentIndex::of_segments(pieces, owners);
    // Visits whose way was changed: their leads in the index no longer count, their new ones are here.
    let mut changed: Vec<u32> = Vec::new();
    let mut crowded = Vec::new();
    for i in 0..visits.len() {
        let visit = visits[i];
        let own = &candidates[visit.stop as usize].leads;
        let free = |lead: &Lead| {
            let p = lead.pierce();
            let spot = Segment::Line(Line { a: p, b: p });
            let on_lead = leads
                .nearest_to_segment(&spot, reach, |k| {
                    let by = leads.owner(k);
                    by < i as u32 && changed.binary_search(&by).is_err()
                })
                .is_some();
            let on_new_lead = || {
                changed.iter().any(|&c| {
                    let v = visits[c as usize];
                    way_of(candidates, v)
                        .into_iter()
                        .flat_map(|l| &l.pieces)
                        .any(|s| s.distance_to(p) < reach)
                })
            };
            let on_path = || {
                let paths = room.index();
                lead.clearance < half
                    && paths
                        .nearest_to_segment(&spot, reach, |k| {
                            let by = paths.owner(k);
                            by != visit.stop && position[by as usize] < i as u32
                        })
                        .is_some()
            };
            !on_lead && !on_path() && !on_new_lead()
        };
        if own.get(visit.way as usize).is_none_or(free) {
            continue;
        }
        match (0..own.len()).find(|&w| free(&own[w])) {
            Some(way) => {
                visits[i].way = way as u32;
                // Visits are gone through in order, so the list stays sorted.
                changed.push(i as u32);
            }
            None => crowded.push(i as u32),
        }
    }
    crowded
}
