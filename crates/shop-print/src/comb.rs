//! Ways that stay inside the part: along a straight line where that leads through nothing but filling, round the walls where
//! it does not.
//!
//! The straight way is cut by the innermost walls into stretches inside and outside of them. Each stretch outside begins
//! and ends on the same wall (or there is no way round, and the filament is pulled back): it is replaced by the shorter
//! way along that wall. What comes out is pulled tight.
//!
//! ```text
//!     ┌───────────────┐
//!     │  a╌╌╌╌┌──┐╌╌╌b│      a to b: out of the wall of the hole, along it, in again; then tight round its corners
//!     │   ╲___│  │___╱│
//!     │       └──┘    │
//!     └───────────────┘
//! ```
//!
//! Edges are kept in square cells, so a way costs about as many edges as lie beside it.

use shop_geom::planar::{Contours, PER_MM, Spot, turn};

/// Ways keep this far inside the wall that they go along, grid units.
const INSIDE: f64 = 0.02 * PER_MM;
/// Size of a cell, grid units, unless there would be too many of them.
const CELL: f64 = 2.0 * PER_MM;
const MOST_CELLS: f64 = 40_000.0;

/// A place on a contour.
#[derive(Clone, Copy, Debug)]
struct OnWall {
    contour: u32,
    /// The edge from this corner of the contour.
    edge: u32,
    spot: Spot,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    a: Spot,
    b: Spot,
    contour: u32,
    number: u32,
}

/// Where ways may lead, in one layer.
#[derive(Clone, Debug, Default)]
pub struct Comber {
    edges: Vec<Edge>,
    /// First edge of each contour, and one more.
    firsts: Vec<u32>,
    /// Length of a contour up to each of its edges, and of all contours' ends.
    along: Vec<f64>,
    lengths: Vec<f64>,
    low: Spot,
    cell: f64,
    across: i32,
    up: i32,
    starts: Vec<u32>,
    cells: Vec<u32>,
    stamps: Vec<u32>,
    stamp: u32,
    crossings: Vec<(f64, OnWall)>,
    way: Vec<Spot>,
}

impl Comber {
    /// Takes the walls of a layer. O(edges + cells).
    pub fn load(&mut self, walls: &Contours) {
        self.edges.clear();
        self.firsts.clear();
        self.along.clear();
        self.lengths.clear();
        for (c, contour) in walls.iter().enumerate() {
            self.firsts.push(self.edges.len() as u32);
            let mut length = 0.0;
            for (i, a) in contour.iter().enumerate() {
                let b = contour[(i + 1) % contour.len()];
                self.edges.push(Edge { a: *a, b, contour: c as u32, number: i as u32 });
                self.along.push(length);
                length += a.distance(b);
            }
            self.lengths.push(length);
        }
        self.firsts.push(self.edges.len() as u32);
        self.stamps.clear();
        self.stamps.resize(self.edges.len(), 0);
        self.stamp = 0;
        self.sort();
    }

    /// Puts edges into cells.
    fn sort(&mut self) {
        let Some(first) = self.edges.first().map(|e| e.a) else {
            (self.across, self.up) = (0, 0);
            return;
        };
        let (mut low, mut high) = (first, first);
        for e in &self.edges {
            low = Spot::new(low.x.min(e.a.x), low.y.min(e.a.y));
            high = Spot::new(high.x.max(e.a.x), high.y.max(e.a.y));
        }
        let [w, h] = low.to(high);
        self.low = low;
        self.cell = CELL.max((w * h / MOST_CELLS).sqrt());
        self.across = (w / self.cell) as i32 + 1;
        self.up = (h / self.cell) as i32 + 1;
        let cells = self.across as usize * self.up as usize;
        self.starts.clear();
        self.starts.resize(cells + 1, 0);
        let edges = std::mem::take(&mut self.edges);
        for e in &edges {
            self.meets(e.a, e.b, |starts, c| starts[c + 1] += 1);
        }
        for c in 0..cells {
            self.starts[c + 1] += self.starts[c];
        }
        self.cells.clear();
        self.cells.resize(self.starts[cells] as usize, 0);
        let mut list = std::mem::take(&mut self.cells);
        for (i, e) in edges.iter().enumerate() {
            self.meets(e.a, e.b, |starts, c| {
                list[starts[c] as usize] = i as u32;
                starts[c] += 1;
            });
        }
        // Every beginning has moved to the next one's place.
        self.starts.rotate_right(1);
        self.starts[0] = 0;
        (self.cells, self.edges) = (list, edges);
    }

    fn column(&self, x: f64) -> i32 {
        (((x - f64::from(self.low.x)) / self.cell).floor() as i32).clamp(0, self.across - 1)
    }

    fn row(&self, y: f64) -> i32 {
        (((y - f64::from(self.low.y)) / self.cell).floor() as i32).clamp(0, self.up - 1)
    }

    /// Calls `meet` with every cell that a line meets.
    fn meets(&mut self, a: Spot, b: Spot, mut meet: impl FnMut(&mut Vec<u32>, usize)) {
        let mut starts = std::mem::take(&mut self.starts);
        self.cells_on(a, b, |c| meet(&mut starts, c));
        self.starts = starts;
    }

    fn cells_on(&self, a: Spot, b: Spot, mut meet: impl FnMut(usize)) {
        let (a, b) = if a.y <= b.y { (a, b) } else { (b, a) };
        let (ax, ay) = (f64::from(a.x), f64::from(a.y));
        let (bx, by) = (f64::from(b.x), f64::from(b.y));
        let slope = if b.y > a.y { (bx - ax) / (by - ay) } else { 0.0 };
        for row in self.row(ay)..=self.row(by) {
            // The part of the line in this row, a hair more on both sides.
            let bottom = f64::from(self.low.y) + f64::from(row) * self.cell - 1.0;
            let (y0, y1) = (bottom.max(ay), (bottom + self.cell + 2.0).min(by));
            let (mut x0, mut x1) =
                if b.y > a.y { (ax + (y0 - ay) * slope, ax + (y1 - ay) * slope) } else { (ax, bx) };
            if x0 > x1 {
                std::mem::swap(&mut x0, &mut x1);
            }
            for column in self.column(x0 - 1.0)..=self.column(x1 + 1.0) {
                meet(row as usize * self.across as usize + column as usize);
            }
        }
    }

    /// Calls `look` once with each edge in the cells that a line meets, until it returns false.
    fn beside(&mut self, a: Spot, b: Spot, mut look: impl FnMut(&Edge) -> bool) {
        if self.edges.is_empty() {
            return;
        }
        self.stamp += 1;
        let mut stamps = std::mem::take(&mut self.stamps);
        let mut go_on = true;
        self.cells_on(a, b, |c| {
            for &i in &self.cells[self.starts[c] as usize..self.starts[c + 1] as usize] {
                if go_on && stamps[i as usize] != self.stamp {
                    stamps[i as usize] = self.stamp;
                    go_on = look(&self.edges[i as usize]);
                }
            }
        });
        self.stamps = stamps;
    }

    /// True when a place lies inside the walls.
    fn holds(&mut self, at: Spot) -> bool {
        let mut inside = false;
        let far = Spot::new(self.low.x.min(at.x), at.y);
        self.beside(far, at, |e| {
            if (e.a.y > at.y) != (e.b.y > at.y) {
                inside ^= (turn(e.a, e.b, at) > 0) != (e.b.y > e.a.y);
            }
            true
        });
        inside
    }

    /// True when a straight way meets no wall.
    pub fn sees(&mut self, a: Spot, b: Spot) -> bool {
        let mut free = true;
        self.beside(a, b, |e| {
            free = !crosses(a, b, e);
            free
        });
        free
    }

    /// Returns the place on a wall that is nearest, if it is near.
    fn nearest(&mut self, at: Spot, beside: f64) -> Option<OnWall> {
        let reach = beside as i32;
        let mut best: Option<(f64, OnWall)> = None;
        let rows = (2.0 * beside / self.cell).ceil() as i32 + 1;
        for k in 0..=rows {
            let y = (f64::from(at.y) - beside + f64::from(k) * self.cell)
                .min(f64::from(at.y) + beside)
                .round() as i32;
            let (left, right) = (Spot::new(at.x - reach, y), Spot::new(at.x + reach, y));
            self.beside(left, right, |e| {
                let spot = foot(at, e);
                let far = at.distance(spot);
                let on = OnWall { contour: e.contour, edge: e.number, spot };
                let closer = |b: &(f64, OnWall)| (far, on.contour, on.edge) < (b.0, b.1.contour, b.1.edge);
                if far <= beside && best.as_ref().is_none_or(closer) {
                    best = Some((far, on));
                }
                true
            });
        }
        best.map(|b| b.1)
    }

    /// Returns the places between `from` and `to` of a way inside the walls that is at most `more` grid units longer than
    /// the straight one; nothing when there is none. Its ends may lie on walls around the innermost one, up to `beside` grid
    /// units from that.
    pub fn way(&mut self, from: Spot, to: Spot, more: f64, beside: f64) -> Option<&[Spot]> {
        self.way.clear();
        if self.edges.is_empty() {
            return None;
        }
        let mut inside = self.holds(from);
        let (starts_inside, ends_inside) = (inside, self.holds(to));
        let mut crossings = std::mem::take(&mut self.crossings);
        crossings.clear();
        self.beside(from, to, |e| {
            if crosses(from, to, e) {
                let (t, spot) = crossing(from, to, e);
                crossings.push((t, OnWall { contour: e.contour, edge: e.number, spot }));
            }
            true
        });
        crossings
            .sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1.contour, a.1.edge).cmp(&(b.1.contour, b.1.edge))));
        let mut left: Option<OnWall> = None;
        let mut found = true;
        if !inside {
            left = self.nearest(from, beside);
            found = left.is_some();
        }
        for (_, on) in &crossings {
            if !found {
                break;
            }
            if inside {
                left = Some(*on);
            } else if let Some(out) = left.take() {
                found = self.along(out, *on, more);
            }
            inside = !inside;
        }
        self.crossings = crossings;
        // The last crossing says the same as the end itself, but for corners that are met exactly.
        found &= inside == ends_inside;
        if found && !inside {
            let last = self.nearest(to, beside);
            found = match (left, last) {
                (Some(out), Some(back)) => self.along(out, back, more),
                _ => false,
            };
        }
        if !found {
            return None;
        }
        self.tighten(starts_inside.then_some(from), ends_inside.then_some(to));
        let mut at = from;
        let mut length = 0.0;
        for s in self.way.iter().chain([&to]) {
            length += at.distance(*s);
            at = *s;
        }
        (length <= from.distance(to) + more).then_some(&self.way)
    }

    /// Adds the shorter way along a wall; false when it is not one wall, or too long a way.
    fn along(&mut self, from: OnWall, to: OnWall, more: f64) -> bool {
        if from.contour != to.contour {
            return false;
        }
        let first = self.firsts[from.contour as usize];
        let count = self.firsts[from.contour as usize + 1] - first;
        let place = |on: OnWall| {
            let edge = self.edges[(first + on.edge) as usize];
            self.along[(first + on.edge) as usize] + edge.a.distance(on.spot)
        };
        let total = self.lengths[from.contour as usize];
        let ahead = (place(to) - place(from)).rem_euclid(total.max(1.0));
        let forwards = ahead <= total - ahead;
        if ahead.min(total - ahead) > from.spot.distance(to.spot) + more {
            return false;
        }
        self.way.push(self.inside(first, count, from.edge, from.spot));
        let whole_turn = forwards != (place(to) >= place(from));
        if from.edge != to.edge || whole_turn {
            let mut k = from.edge;
            for _ in 0..count {
                let corner = if forwards { (k + 1) % count } else { k };
                let spot = self.edges[(first + corner) as usize].a;
                self.way.push(self.inside_corner(first, count, corner, spot));
                k = if forwards { (k + 1) % count } else { (k + count - 1) % count };
                if k == to.edge {
                    break;
                }
            }
        }
        self.way.push(self.inside(first, count, to.edge, to.spot));
        true
    }

    /// Moves a place on an edge a little to its left, where the inside is.
    fn inside(&self, first: u32, count: u32, edge: u32, spot: Spot) -> Spot {
        let e = self.edges[(first + edge % count) as usize];
        let [x, y] = e.a.to(e.b);
        shifted(spot, [-y, x], INSIDE)
    }

    fn inside_corner(&self, first: u32, count: u32, corner: u32, spot: Spot) -> Spot {
        let before = self.edges[(first + (corner + count - 1) % count) as usize];
        let after = self.edges[(first + corner) as usize];
        let unit = |[x, y]: [f64; 2]| {
            let size = x.hypot(y).max(1.0);
            [x / size, y / size]
        };
        let (u, v) = (unit(before.a.to(before.b)), unit(after.a.to(after.b)));
        // The bisector; at a corner that is passed on its inner side the distance to both edges is kept.
        let half = (0.5 * (1.0 + u[0] * v[0] + u[1] * v[1])).max(0.1).sqrt();
        shifted(spot, [-u[1] - v[1], u[0] + v[0]], INSIDE / half)
    }

    /// Leaves out places that can be passed by; an end that lies inside may see past them.
    fn tighten(&mut self, from: Option<Spot>, to: Option<Spot>) {
        let mut way = std::mem::take(&mut self.way);
        if way.is_empty() {
            return;
        }
        self.way.extend(from);
        self.way.append(&mut way);
        self.way.extend(to);
        let full = std::mem::replace(&mut self.way, way);
        let mut i = 0;
        while i < full.len() {
            let end = i == 0 && from.is_some() || i + 1 == full.len() && to.is_some();
            if !end {
                self.way.push(full[i]);
            }
            // As far as can be seen, tried in growing and then in shrinking steps.
            let (mut reach, mut step) = (1, 1);
            while i + reach + step < full.len() && self.sees(full[i], full[i + reach + step]) {
                reach += step;
                step *= 2;
            }
            while step > 1 {
                step /= 2;
                if i + reach + step < full.len() && self.sees(full[i], full[i + reach + step]) {
                    reach += step;
                }
            }
            i += reach;
        }
    }
}

fn shifted(spot: Spot, [x, y]: [f64; 2], by: f64) -> Spot {
    let size = x.hypot(y);
    if size < 1e-9 {
        return spot;
    }
    Spot::new(spot.x + (x / size * by).round() as i32, spot.y + (y / size * by).round() as i32)
}

/// True when a way crosses an edge; a corner that is met belongs to one of its edges only.
fn crosses(from: Spot, to: Spot, e: &Edge) -> bool {
    (turn(from, to, e.a) > 0) != (turn(from, to, e.b) > 0)
        && (turn(e.a, e.b, from) > 0) != (turn(e.a, e.b, to) > 0)
}

/// Returns where a way crosses an edge that it crosses, and at what part of it.
fn crossing(from: Spot, to: Spot, e: &Edge) -> (f64, Spot) {
    let (a, b) = (turn(e.a, e.b, from) as f64, turn(e.a, e.b, to) as f64);
    let t = a / (a - b);
    let [x, y] = from.to(to);
    (t, Spot::new(from.x + (t * x).round() as i32, from.y + (t * y).round() as i32))
}

/// Returns the place of an edge that is nearest to another place.
fn foot(at: Spot, e: &Edge) -> Spot {
    let ([px, py], [ex, ey]) = (e.a.to(at), e.a.to(e.b));
    let t = ((px * ex + py * ey) / (ex * ex + ey * ey).max(1.0)).clamp(0.0, 1.0);
    Spot::new(e.a.x + (t * ex).round() as i32, e.a.y + (t * ey).round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BESIDE: f64 = 1.0 * PER_MM;
    const MM: i32 = PER_MM as i32;

    fn contours(list: &[&[(i32, i32)]]) -> Contours {
        let mut out = Contours::default();
        for c in list {
            out.add(&c.iter().map(|(x, y)| Spot::new(x * MM, y * MM)).collect::<Vec<_>>());
        }
        out
    }

    fn square_with_hole() -> Contours {
        contours(&[&[(0, 0), (30, 0), (30, 30), (0, 30)], &[(10, 8), (10, 20), (20, 20), (20, 8)]])
    }

    fn at(x: f64, y: f64) -> Spot {
        Spot::from_mm(x, y)
    }

    #[test]
    fn a_free_way_is_straight() {
        let mut comber = Comber::default();
        comber.load(&square_with_hole());
        assert_eq!(comber.way(at(2.0, 2.0), at(28.0, 3.0), 1e9, BESIDE), Some(&[][..]));
        assert!(comber.holds(at(5.0, 15.0)) && !comber.holds(at(15.0, 15.0)) && !comber.holds(at(31.0, 1.0)));
    }

    #[test]
    fn a_hole_is_gone_round_the_shorter_way() {
        let mut comber = Comber::default();
        comber.load(&square_with_hole());
        let (a, b) = (at(4.0, 13.0), at(26.0, 13.0));
        let way = comber.way(a, b, 1e9, BESIDE).expect("there is one").to_vec();
        // Below the hole: past its two lower corners.
        assert_eq!(way.len(), 2, "{way:?}");
        assert!(way.iter().all(|s| (f64::from(s.y) / PER_MM - 8.0).abs() < 0.1), "{way:?}");
        assert!(comber.way(a, b, 0.5 * PER_MM, BESIDE).is_none());
    }

    #[test]
    fn between_islands_there_is_none() {
        let mut comber = Comber::default();
        comber.load(&contours(&[
            &[(0, 0), (10, 0), (10, 10), (0, 10)],
            &[(20, 0), (30, 0), (30, 10), (20, 10)],
        ]));
        assert!(comber.way(at(5.0, 5.0), at(25.0, 5.0), 1e9, BESIDE).is_none());
        assert!(comber.way(at(5.0, 5.0), at(8.0, 5.0), 1e9, BESIDE).is_some());
        comber.load(&Contours::default());
        assert!(comber.way(at(5.0, 5.0), at(8.0, 5.0), 1e9, BESIDE).is_none());
    }

    #[test]
    fn ends_on_outer_walls_count_as_inside() {
        // A U whose two arms are 10 mm apart; ends half a millimetre outside.
        let mut comber = Comber::default();
        comber.load(&contours(&[&[
            (0, 0),
            (30, 0),
            (30, 30),
            (20, 30),
            (20, 10),
            (10, 10),
            (10, 30),
            (0, 30),
        ]]));
        let way = comber.way(at(10.5, 25.0), at(19.5, 25.0), 1e9, BESIDE).expect("down and up").to_vec();
        assert!(way.iter().any(|s| (f64::from(s.y) / PER_MM) < 10.0), "{way:?}");
        let mut last = at(10.5, 25.0);
        let mut length = 0.0;
        for s in &way {
            length += last.distance(*s);
            last = *s;
        }
        length += last.distance(at(19.5, 25.0));
        assert!(length < 42.0 * PER_MM, "{}", length / PER_MM);
    }

    #[test]
    fn whatever_way_is_found_stays_inside() {
        // A star with a hole, ways between random places in it.
        let star: Vec<(i32, i32)> = (0..24)
            .map(|i| {
                let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / 24.0).sin_cos();
                let r = if i % 2 == 0 { 40.0 } else { 18.0 };
                ((r * cos) as i32, (r * sin) as i32)
            })
            .collect();
        let hole = [(-5, -5), (-5, 5), (5, 5), (5, -5)];
        let mut comber = Comber::default();
        comber.load(&contours(&[&star, &hole]));
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % 800_000) as i32 - 400_000
        };
        let (mut tried, mut led) = (0, 0);
        while tried < 400 {
            let (a, b) = (Spot::new(next(), next()), Spot::new(next(), next()));
            if !comber.holds(a) || !comber.holds(b) {
                continue;
            }
            tried += 1;
            let way = comber.way(a, b, 1e9, BESIDE).expect("all is one piece").to_vec();
            led += usize::from(!way.is_empty());
            let mut last = a;
            for s in way.iter().chain([&b]) {
                assert!(comber.sees(last, *s), "{last:?} {s:?} {way:?}");
                last = *s;
            }
        }
        assert!(led > 100, "{led}");
    }
}
