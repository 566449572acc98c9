//! Solid filling of places that are little wider than a road: a road or two along their middle.
//!
//! Lines in a fixed direction fill a narrow place badly: as dashes that hang together nowhere, or as one line beside a
//! gap. So where two or three walls' widths are left between walls, what must be solid follows the place instead, as wide
//! as it is ([`crate::thin`]); sparse filling stays as it is.
//!
//! Rows tell cheaply whether there is such a place at all ([`Narrow::is_needed`]); most solid layers have none.

use crate::job::Job;
use crate::roads::Roads;
use crate::rows::{Frame, Rows, Run, Scanner, merge, without};
use crate::slice::Slice;
use crate::thin::{ThinRules, Thinner};
use crate::walls::open;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot};

/// Places between walls that are narrower than this are narrow, distances of roads.
const WIDEST: f64 = 2.5;
/// Less of them than this is left to the lines, mm.
const LEAST_MM: f64 = 2.0;
/// Parts of a road shorter than this, in distances of roads, are not laid, and gaps so short not left.
const SHORTEST: f64 = 1.0;
/// How far a contour may be rounded, grid units.
const TOLERANCE: f64 = 0.005 * PER_MM;
/// As far do tips reach that were cut off and put back, in distances that they were moved by.
const TIPS: f64 = 2.0;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Narrow {
    planar: Planar,
    thinner: Thinner,
    whole: Contours,
    core: Contours,
    wide: Contours,
    places: Contours,
    rows: Rows,
    roads: Roads,
    parts: Vec<(f64, f64)>,
    covered: Vec<(f64, f64)>,
    spanned: Vec<(f64, f64)>,
}

/// What of a layer is solid, for roads that follow no rows.
pub struct Solids<'a> {
    /// Sections of the layers around; what none of them lacks is covered.
    pub covers: &'a [Option<&'a Rows>],
    /// What bridges, which is solid without them.
    pub bridged: &'a Rows,
    /// How all rows lie.
    pub frame: &'a Frame,
}

impl Narrow {
    /// True when the inside of walls, as rows `pitch` grid units apart, has so much that is narrow and at least in part `solid`
    /// that it is worth a look.
    pub fn is_needed(inner: &Rows, solid: &Rows, pitch: f64) -> bool {
        // What is left for the middles of lines, at a slant of up to 45°.
        let limit = (WIDEST - 0.8) * std::f64::consts::SQRT_2 * pitch;
        // Runs are in order and apart.
        let from = |runs: &'_ [Run], u: i32| runs.partition_point(|r| r.b <= u);
        let holds = |row: i32, u: i32| {
            let runs = inner.get(row);
            runs.get(from(runs, u)).is_some_and(|r| r.a <= u)
        };
        let mut sum = 0.0;
        for row in solid.range() {
            let laid = solid.get(row);
            let is_laid = |r: &&Run| laid.get(from(laid, r.a)).is_some_and(|s| s.a < r.b);
            for run in inner.get(row).iter().filter(is_laid) {
                let length = f64::from(run.length());
                if length < limit {
                    sum += pitch;
                } else {
                    let middle = i32::midpoint(run.a, run.b);
                    let rows = (1..3).take_while(|k| holds(row + k, middle)).count()
                        + (1..3).take_while(|k| holds(row - k, middle)).count();
                    if rows < 2 {
                        sum += length;
                    }
                }
                if sum > LEAST_MM * PER_MM {
                    return true;
                }
            }
        }
        false
    }

    /// Lays roads in what is narrow of `solid`, and writes what is left to `wide`; false when nothing is narrow.
    pub fn fill(
        &mut self,
        job: &Job,
        layer: usize,
        own: &Slice,
        solids: &Solids<'_>,
        scanner: &mut Scanner,
        (solid, wide): (&Rows, &mut Rows),
        roads: &mut Roads,
    ) -> bool {
        let rules = ThinRules { gap_fill: true, wider_walls: false, ..job.thin_rules(layer) };
        if rules.walls == 0 || !self.find(job, layer, &own.walls.inside) {
            return false;
        }
        self.roads.clear();
        self.thinner.roads(&self.places, rules.walls, &rules, &mut self.roads);
        let least = SHORTEST * job.settings.pitch_mm() * PER_MM;
        for i in 0..self.roads.roads().len() {
            self.lay(i, solids, solid, least, roads);
        }
        scanner.scan(&self.places, solids.frame, &mut self.rows);
        let sliver = job.skin.least;
        merge(solid, &self.rows, wide, |a, b, out| {
            without(a, b, |r| {
                if r.length() >= sliver || b.is_empty() {
                    out.push(r);
                }
            });
        });
        true
    }

    /// Leaves in `places` what is narrow, up to the sides of the walls; false when nothing is.
    fn find(&mut self, job: &Job, layer: usize, inside: &Contours) -> bool {
        let rules = job.wall_rules(layer);
        // From where lines end to the side of the wall.
        let to_wall = (rules.to_fill - 0.5 * rules.pitch).max(1.0);
        self.planar.inset(inside, -to_wall, Corner::Sharp { limit: TIPS }, &mut self.whole);
        let half = 0.5 * WIDEST * rules.pitch;
        let Self { planar, whole, core, wide, places, .. } = self;
        open(whole, half, TOLERANCE, planar, core, wide, places);
        !self.places.is_empty()
    }

    /// Lays what of a road is solid.
    fn lay(&mut self, road: usize, solids: &Solids<'_>, solid: &Rows, least: f64, roads: &mut Roads) {
        let all = &self.roads;
        let road = &all.roads()[road];
        let spots = all.spots(road);
        let length: f64 = spots.windows(2).map(|w| w[0].distance(w[1])).sum();
        // Parts of the whole way, grid units from its beginning.
        self.parts.clear();
        let mut before = 0.0;
        for w in spots.windows(2) {
            let own = w[0].distance(w[1]);
            uncovered(solids, w[0], w[1], [&mut self.covered, &mut self.spanned], |low, high| {
                self.parts.push((before + low * own, before + high * own));
            });
            solid.along(solids.frame, w[0], w[1], |low, high| {
                self.parts.push((before + low * own, before + high * own));
            });
            before += own;
        }
        join(&mut self.parts, least);
        for &(low, high) in &self.parts {
            if high - low < least.min(0.9 * length) {
                continue;
            }
            roads.begin(road.kind, 0.0);
            let mut at = 0.0;
            for (i, w) in spots.windows(2).enumerate() {
                let own = w[0].distance(w[1]);
                let (from, to) = ((low - at).max(0.0), (high - at).min(own));
                if from < to {
                    let [a, b] = [from / own, to / own].map(|t| all.between(road, i, t));
                    if roads.last_spot() != Some(a.0) {
                        roads.push_area(a.0, a.1);
                    }
                    roads.push_area(b.0, b.1);
                }
                at += own;
            }
            roads.end();
        }
    }
}

/// Calls `emit` with parts of a straight way that some layer around does not hold and that no bridge spans, as fractions of
/// it.
fn uncovered(
    solids: &Solids<'_>,
    a: Spot,
    b: Spot,
    [found, spanned]: [&mut Vec<(f64, f64)>; 2],
    mut emit: impl FnMut(f64, f64),
) {
    spanned.clear();
    solids.bridged.along(solids.frame, a, b, |low, high| spanned.push((low, high)));
    let mut part = |low, high| gaps(spanned, low, high, &mut emit);
    for cover in solids.covers {
        let Some(cover) = cover else { return part(0.0, 1.0) };
        found.clear();
        cover.along(solids.frame, a, b, |low, high| found.push((low, high)));
        gaps(found, 0.0, 1.0, &mut part);
    }
}

/// Calls `emit` with what `taken`, which is in order and apart, leaves of a part.
fn gaps(taken: &[(f64, f64)], low: f64, high: f64, emit: &mut impl FnMut(f64, f64)) {
    let mut from = low;
    for &(start, end) in taken {
        if start.min(high) > from {
            emit(from, start.min(high));
        }
        from = from.max(end);
    }
    if high > from {
        emit(from, high);
    }
}

/// Sorts parts, and joins those with less than `gap` between them.
fn join(parts: &mut Vec<(f64, f64)>, gap: f64) {
    parts.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut kept = 0;
    for i in 1..parts.len() {
        if parts[i].0 <= parts[kept].1 + gap {
            parts[kept].1 = parts[kept].1.max(parts[i].1);
        } else {
            kept += 1;
            parts[kept] = parts[i];
        }
    }
    parts.truncate(kept + 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_is_not_taken() {
        let left = |taken: &[(f64, f64)], low, high| {
            let mut out = Vec::new();
            gaps(taken, low, high, &mut |a, b| out.push((a, b)));
            out
        };
        assert_eq!(left(&[], 0.2, 0.7), [(0.2, 0.7)]);
        assert_eq!(left(&[(0.3, 0.4), (0.6, 0.9)], 0.2, 0.7), [(0.2, 0.3), (0.4, 0.6)]);
        assert_eq!(left(&[(0.0, 0.1), (0.1, 0.3), (0.8, 0.9)], 0.2, 0.7), [(0.3, 0.7)]);
        assert!(left(&[(0.1, 0.8)], 0.2, 0.7).is_empty());
    }
}
