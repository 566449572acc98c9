//! Slits: what two walls leave open between them where that is too narrow for a road of its own.
//!
//! The walls on both sides of a slit are laid wider there, each by half of it, so that nothing stays open and no
//! sliver is laid. Their outer sides stay where they are, so their middles move towards the slit by half as much.
//!
//! ```text
//!   ───────────────────────────────────   outer side
//!   ╌╌╌╌╌╌╌╌╌╌╌╌╲                         middle of the wall, moved by r/2
//!   ─────────────╲╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
//!   ════════════════════════════════      inner side before    │ r: half the slit
//!                 · · · · · · · · · ·     middle of the slit
//!   ════════════════════════════════
//! ```

use crate::lines::{STRAIGHT_MM, along, beyond, length_of, straighten};
use shop_geom::grid::Grid;
use shop_geom::planar::{Contours, PER_MM, Spot};
use shop_geom::skeleton::Node;
use shop_geom::{Aabb, Line, Point};
use std::ops::Range;

/// A wall gets wider, or narrow again, over this length, mm: all of the way is well below one in two.
const TAPER_MM: f64 = 0.4;
/// A wall is beside a slit when it is no farther from its middle than so many times what it should be: up to where it
/// turns squarely around the slit's bend.
const BESIDE: f64 = 1.5;
/// Corners nearer to one another than this are one, mm.
const SAME_MM: f64 = 0.03;
/// Walls are not worth changing for less, mm.
const LEAST_MM: f64 = 0.005;
/// The width of a wall changes at once by no more than this, mm: pieces are as wide as their ends are in the mean, and so
/// their sides lie a quarter of it beside where they should at most.
const STEP_MM: f64 = 0.04;
/// Slits are looked for in cells of this size, and beside pieces of walls so long, mm.
const CELL_MM: f64 = 2.0;

/// A place on the middle line of a slit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rung {
    /// Where it is, mm.
    center: Point,
    /// Half the width of the slit, mm.
    radius: f64,
    /// By how much the walls on either side get wider, mm.
    wider: f64,
}

/// The middle lines of slits.
#[derive(Clone, Debug, Default)]
pub struct Slits {
    rungs: Vec<Rung>,
    /// Line i is `rungs[ends[i - 1]..ends[i]]`.
    ends: Vec<u32>,
}

/// A place between two rungs, as a wall sees it.
struct Seen {
    center: Point,
    /// How far the wall is from it by rights, mm.
    far: f64,
    wider: f64,
}

/// A corner of a wall.
#[derive(Clone, Copy)]
struct Place {
    spot: Spot,
    /// By how much the wall is wider there, mm.
    wider: f64,
    /// The wall had it before.
    own: bool,
}

impl Place {
    /// True when a wall is another without it, between two places.
    fn is_needed(&self, before: &Place, after: &Place) -> bool {
        let [x, y] = before.spot.to(after.spot);
        let [u, v] = before.spot.to(self.spot);
        let length = (x * x + y * y).sqrt().max(1.0);
        let t = (u * x + v * y) / (length * length);
        let by = self.wider - before.wider - t * (after.wider - before.wider);
        if self.spot == before.spot || self.spot == after.spot && after.own {
            return false;
        }
        self.own
            || !(0.0..=1.0).contains(&t)
            || (u * y - v * x).abs() > STRAIGHT_MM * PER_MM * length
            || by.abs() > STRAIGHT_MM
    }
}

impl Slits {
    /// Forgets all slits and keeps the room.
    pub fn clear(&mut self) {
        self.rungs.clear();
        self.ends.clear();
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a stretch of a line whose ends are `free`. Where it begins or ends at a road, walls get wider half before and
    /// half behind that place; at a free end they get narrower up to the end of the place. `part` is room for work.
    pub fn add(&mut self, line: &[Node], stretch: Range<usize>, free: [bool; 2], part: &mut Vec<Node>) {
        let (from, to) = (stretch.start, stretch.end);
        part.clear();
        part.extend_from_slice(&line[stretch]);
        let roads = [from > 0, to < line.len()];
        straighten(part);
        let long = length_of(part);
        // As far within as walls are as wide as they get.
        let within = 0.5 * TAPER_MM;
        let ends = [part[0].radius, part[part.len() - 1].radius];
        let starts = [0, 1].map(|k| match (roads[k], free[k]) {
            (true, _) => within.min(0.5 * long),
            (false, true) => (1.5 * ends[k]).min(0.5 * long),
            (false, false) => 0.0,
        });
        let rung = |node: Node, wider: f64| Rung { center: node.center, radius: node.radius, wider };
        let full = |node: Node| rung(node, node.radius);
        if roads[0] {
            self.push(rung(along(line[..=from].iter().rev(), within), 0.0));
        } else if free[0] {
            self.push(rung(beyond(part, |k, _| k), 0.0));
        }
        self.push(full(along(part.iter(), starts[0])));
        let mut done = 0.0;
        for w in part.windows(2) {
            done += (w[1].center - w[0].center).norm();
            if done > starts[0] + 1e-6 && done < long - starts[1] - 1e-6 {
                self.push(full(w[1]));
            }
        }
        if starts[0] + starts[1] < long {
            self.push(full(along(part.iter().rev(), starts[1])));
        }
        if roads[1] {
            self.push(rung(along(line[to - 1..].iter(), within), 0.0));
        } else if free[1] {
            self.push(rung(beyond(part, |k, n| n - 1 - k), 0.0));
        }
        self.end();
    }

    /// Adds a place to the line that is being made.
    fn push(&mut self, rung: Rung) {
        self.rungs.push(rung);
    }

    /// Ends the line; one that makes no wall wider is dropped.
    fn end(&mut self) {
        let start = self.ends.last().map_or(0, |e| *e as usize);
        let line = &self.rungs[start..];
        if line.len() > 1 && line.iter().any(|r| r.wider > LEAST_MM) {
            self.ends.push(self.rungs.len() as u32);
        } else {
            self.rungs.truncate(start);
        }
    }

    /// Makes walls wider beside the slits: moves their middles, adds corners where that changes, and returns by how much
    /// they are wider at every corner, mm; nothing when no wall is. Inner sides of walls lie `half` mm from their
    /// middles. Near-linear in corners and slits.
    pub fn widen(&self, walls: &mut Contours, half: f64) -> Vec<f32> {
        let mut wider = Vec::new();
        if self.is_empty() {
            return wider;
        }
        let beside = Beside::new(self, half);
        let mut out = Contours::default();
        let mut changed = false;
        for wall in walls.iter() {
            let first = wider.len();
            let places = if beside.is_near(wall) { beside.places(wall) } else { Vec::new() };
            if places.iter().all(|p| p.wider <= LEAST_MM) {
                out.add(wall);
                wider.resize(first + wall.len(), 0.0);
                continue;
            }
            changed = true;
            let mut last: Option<Place> = None;
            for (i, place) in places.iter().enumerate() {
                let next = &places[(i + 1) % places.len()];
                if last.is_none_or(|last| place.is_needed(&last, next)) {
                    if let Some(last) = last {
                        steps(&last, place, &mut out, &mut wider);
                    }
                    out.push(place.spot);
                    wider.push(place.wider as f32);
                    last = Some(*place);
                }
            }
            if let Some(last) = last {
                steps(&last, &places[0], &mut out, &mut wider);
            }
            out.close();
        }
        if !changed {
            wider.clear();
            return wider;
        }
        *walls = out;
        wider
    }
}

/// Adds corners between two places, so that a wall gets wider or narrower in small steps.
fn steps(from: &Place, to: &Place, out: &mut Contours, wider: &mut Vec<f32>) {
    let (way, more) = (from.spot.to(to.spot), to.wider - from.wider);
    let n = (more.abs() / STEP_MM).ceil().min((from.spot.distance(to.spot) / (SAME_MM * PER_MM)).floor());
    for k in 1..n as u32 {
        let t = f64::from(k) / n;
        let [x, y] = way.map(|v| (t * v).round() as i32);
        out.push(Spot::new(from.spot.x + x, from.spot.y + y));
        wider.push((from.wider + t * more) as f32);
    }
}

/// Slits by where they are.
struct Beside<'a> {
    slits: &'a Slits,
    /// Numbers of rungs that another follows.
    steps: Vec<u32>,
    grid: Grid,
    bounds: Aabb,
    half: f64,
    /// No wall that is farther away is beside a slit, mm.
    reach: f64,
}

impl Beside<'_> {
    fn new(slits: &Slits, half: f64) -> Beside<'_> {
        let mut steps = Vec::with_capacity(slits.rungs.len());
        let mut start = 0;
        for &end in &slits.ends {
            steps.extend(start..end - 1);
            start = end;
        }
        let boxes: Vec<Aabb> = (steps.iter().map(|i| *i as usize))
            .map(|i| Aabb::of([slits.rungs[i].center, slits.rungs[i + 1].center]))
            .collect();
        let widest = slits.rungs.iter().map(|r| r.radius).fold(0.0, f64::max);
        Beside {
            slits,
            steps,
            grid: Grid::new(&boxes, CELL_MM),
            bounds: Aabb::of(slits.rungs.iter().map(|r| r.center)),
            half,
            reach: BESIDE * (half + widest),
        }
    }

    /// True when a slit may be beside a wall.
    fn is_near(&self, wall: &[Spot]) -> bool {
        let bounds = Aabb::of(wall.iter().map(|s| Point::from(s.mm())));
        bounds.intersects(&self.bounds.inflated(self.reach))
    }

    /// Returns the ends of a step.
    fn ends(&self, step: u32) -> [Rung; 2] {
        let i = self.steps[step as usize] as usize;
        [self.slits.rungs[i], self.slits.rungs[i + 1]]
    }

    /// Returns what a place on a wall is beside.
    fn seen(&self, at: Point) -> Option<Seen> {
        let far = |step: u32| {
            let [a, b] = self.ends(step).map(|r| r.center);
            Line { a, b }.distance_to(at)
        };
        let (step, far) = self.grid.nearest(at, self.reach, far)?;
        let [a, b] = self.ends(step);
        let way = b.center - a.center;
        let t = ((at - a.center).dot(&way) / way.norm_squared().max(1e-18)).clamp(0.0, 1.0);
        let by_rights = self.half + a.radius + t * (b.radius - a.radius);
        let wider = a.wider + t * (b.wider - a.wider);
        (far <= BESIDE * by_rights).then_some(Seen { center: a.center + way * t, far: by_rights, wider })
    }

    /// Returns a place of a wall, moved.
    fn moved(&self, at: Spot, own: bool) -> Place {
        let p = Point::from(at.mm());
        match self.seen(p) {
            Some(seen) if seen.wider > 0.0 => {
                // Corners go as much farther as they are farther away.
                let p = p + (seen.center - p) * (0.5 * seen.wider / seen.far);
                Place { spot: Spot::from_mm(p.x, p.y), wider: seen.wider, own }
            }
            _ => Place { spot: at, wider: 0.0, own },
        }
    }

    /// Returns the corners of a wall, and more of them where it gets wider or narrower.
    fn places(&self, wall: &[Spot]) -> Vec<Place> {
        let mut out = Vec::with_capacity(wall.len() + 8);
        let mut cuts = Vec::new();
        let first = self.moved(wall[0], true);
        let mut moved = first;
        for (i, &a) in wall.iter().enumerate() {
            let b = wall[(i + 1) % wall.len()];
            let [x, y] = a.to(b);
            let length = a.distance(b) / PER_MM;
            let at = |mm: f64| {
                let t = mm / length.max(1e-9);
                Spot::new(a.x + (t * x).round() as i32, a.y + (t * y).round() as i32)
            };
            self.cuts([a, b], length, &mut cuts);
            let mut last = (0.0, moved);
            out.push(moved);
            for k in 0..=cuts.len() {
                let (mm, next) = match cuts.get(k) {
                    Some(&mm) => (mm, self.moved(at(mm), false)),
                    None => (length, if i + 1 < wall.len() { self.moved(b, true) } else { first }),
                };
                // What is wider at one end only is so near that end, if no slit says otherwise.
                let far = mm - last.0;
                if far > 1.5 * TAPER_MM && (next.wider > 0.0) != (last.1.wider > 0.0) {
                    let mm = if next.wider > 0.0 { mm - TAPER_MM } else { last.0 + TAPER_MM };
                    out.push(self.moved(at(mm), false));
                }
                if k < cuts.len() {
                    out.push(next);
                }
                last = (mm, next);
            }
            moved = last.1;
        }
        out
    }

    /// Lists where along an edge of a wall it comes by rungs, mm.
    fn cuts(&self, [a, b]: [Spot; 2], length: f64, cuts: &mut Vec<f64>) {
        cuts.clear();
        let [a, b] = [a, b].map(|s| Point::from(s.mm()));
        let along = (b - a) / length.max(1e-9);
        let pieces = (length / CELL_MM).ceil().clamp(1.0, 10_000.0);
        for k in 0..pieces as u32 {
            let [from, to] = [k, k + 1].map(|k| a + (b - a) * (f64::from(k) / pieces));
            self.grid.visit(&Aabb::of([from, to]).inflated(self.reach), |step| {
                for rung in self.ends(step) {
                    let mm = (rung.center - a).dot(&along);
                    let far = (rung.center - (a + along * mm)).norm();
                    if mm > SAME_MM && mm < length - SAME_MM && far <= BESIDE * (self.half + rung.radius) {
                        cuts.push(mm);
                    }
                }
            });
        }
        cuts.sort_unstable_by(f64::total_cmp);
        cuts.dedup_by(|b, a| *b - *a < SAME_MM);
    }
}

/// Returns by how much a wall is wider at corners that it is `laid` with: its own, and more of them along its edges.
pub fn at_corners(wall: &[Spot], wider: &[f32], laid: &[Spot]) -> Vec<f32> {
    let mut out = Vec::with_capacity(laid.len());
    let mut next = 0;
    for &spot in laid {
        let n = wall.len();
        if next < n && spot == wall[next] {
            out.push(wider[next]);
            next += 1;
            continue;
        }
        let (from, to) = ((next + n - 1) % n, next % n);
        let far = [wall[from].distance(spot), spot.distance(wall[to])];
        let t = (far[0] / (far[0] + far[1]).max(1e-9)) as f32;
        out.push(wider[from] + t * (wider[to] - wider[from]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(places: &[[f64; 2]]) -> Vec<Spot> {
        places.iter().map(|[x, y]| Spot::from_mm(*x, *y)).collect()
    }

    #[test]
    fn corners_that_are_added_are_as_wide_as_their_edge_is_there() {
        let wall = spots(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]);
        let laid =
            spots(&[[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 1.0]]);
        let wider = at_corners(&wall, &[0.0, 0.1, 0.0, 0.2], &laid);
        let wanted = [0.0, 0.025, 0.075, 0.1, 0.0, 0.2, 0.05];
        assert!(wider.len() == laid.len() && wider.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    /// Two walls along a slit that begins and ends at roads: both lean to it, where it is, and end where they did.
    #[test]
    fn walls_get_wider_along_a_slit_and_nowhere_else() {
        let half = 0.2;
        let node = |x: f64| Node { center: Point::new(x, 0.0), radius: 0.05 };
        let line: Vec<Node> = (0..=20).map(|k| node(f64::from(k))).collect();
        let mut slits = Slits::default();
        slits.add(&line, 5..11, [true, true], &mut Vec::new());
        let mut walls = Contours::default();
        walls.add(&spots(&[[0.0, 0.25], [20.0, 0.25], [20.0, 3.0], [0.0, 3.0]]));
        walls.add(&spots(&[[0.0, -3.0], [20.0, -3.0], [20.0, -0.25], [0.0, -0.25]]));
        walls.add(&spots(&[[50.0, 0.0], [60.0, 0.0], [60.0, 5.0]]));
        let before = walls.clone();
        let wider = slits.widen(&mut walls, half);
        assert_eq!(wider.len(), walls.spots().len());
        assert_eq!(walls.get(2), before.get(2));
        let mut most = [0.0f64; 2];
        for (spot, wider) in walls.spots().iter().zip(&wider) {
            let ([x, y], wider) = (spot.mm(), f64::from(*wider));
            if wider > 0.0 {
                assert!((4.7..10.3).contains(&x), "{x}");
                assert!((0.25 - y.abs() - 0.5 * wider).abs() < 1e-3, "{x} {y} {wider}");
                most[usize::from(y < 0.0)] = wider.max(most[usize::from(y < 0.0)]);
            }
        }
        assert!(most.iter().all(|m| (m - 0.05).abs() < 1e-6), "{most:?}");
        // As much as the slit is wide, over its length.
        let more = |wall: &[Spot], wider: &[f32]| -> f64 {
            let n = wall.len();
            (0..n)
                .map(|i| 0.5 * f64::from(wider[i] + wider[(i + 1) % n]) * wall[i].distance(wall[(i + 1) % n]))
                .sum()
        };
        let first = walls.get(0).len();
        let sum = more(walls.get(0), &wider[..first]) / PER_MM;
        assert!((sum - 5.0 * 0.05).abs() < 2e-3, "{sum}");
    }
}
