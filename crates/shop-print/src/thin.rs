//! Places too narrow for the walls that are wanted: their middle lines, and roads as wide as the place is.
//!
//! Most contours are wide and need nothing but parallel contours. Where two sides come near one another, scan lines show
//! it for nothing: a short run between edges that go opposite ways. Only there the middle line is looked for, by
//! **shrinking balls** (Ma, Bae and Choi, *The Visual Computer* 28, 2012): the largest disc that touches the contour at a
//! place and holds no other part of it has its middle on the medial axis.
//!
//! ```text
//!   ────────p────────────     p: a place on a side, q: where the disc touches the other
//!           │ r                r: half the width there
//!   ╌╌╌╌╌╌╌╌c╌╌╌╌╌╌╌╌╌╌╌╌     c: on the middle line
//!           │
//!   ────────q────────────     roads: one along c as wide as the place, or two beside it
//! ```
//!
//! How many pairs of walls fit follows from r, and so does the width of what is left between the innermost pair:
//! one road while it is narrow, two when one would be too fat.

use crate::roads::{Kind, Roads};
use shop_geom::grid::Grid;
use shop_geom::planar::{Contours, PER_MM, Spot};
use shop_geom::{Aabb, Point, Vector, cross, left};

/// Marks of edges that face another one nearby; edge i ends at corner i of the region.
#[derive(Debug, Default)]
pub struct Marks {
    /// Between which lengths along each edge, grid units; empty while the second is below the first.
    spans: Vec<[f32; 2]>,
    touched: Vec<u32>,
}

impl Marks {
    /// Begins with a region of so many corners, none of them marked.
    pub fn begin(&mut self, corners: usize) {
        for &edge in &self.touched {
            self.spans[edge as usize] = NO_SPAN;
        }
        self.touched.clear();
        if self.spans.len() < corners {
            self.spans.resize(corners, NO_SPAN);
        }
    }

    /// Marks a place on an edge.
    #[inline]
    pub fn mark(&mut self, edge: u32, along: f64) {
        let span = &mut self.spans[edge as usize];
        if span[1] < span[0] {
            self.touched.push(edge);
        }
        *span = [span[0].min(along as f32), span[1].max(along as f32)];
    }

    /// True when nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }
}

const NO_SPAN: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

/// How narrow places are filled, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThinRules {
    /// Pairs of walls where there is room.
    pub walls: u32,
    /// Width of a road.
    pub width: f64,
    /// Distance of roads.
    pub pitch: f64,
    /// Height of the layer.
    pub height: f64,
    /// From the innermost wall to where lines of the filling end.
    pub to_fill: f64,
    /// Narrowest road.
    pub least: f64,
    /// Walls thinner than two roads are made.
    pub thin_walls: bool,
    /// Gaps between walls are filled.
    pub gap_fill: bool,
}

impl ThinRules {
    /// Returns half the width beyond which nothing special is needed, mm.
    pub fn reach(&self) -> f64 {
        0.5 * self.width + f64::from(self.walls.max(1) - 1) * self.pitch + self.to_fill
    }

    /// Returns what lies about the middle line where the place is 2r wide.
    fn fit(&self, r: f64) -> Fit {
        let first = 0.5 * (self.width + self.pitch);
        let round = self.height * (1.0 - std::f64::consts::FRAC_PI_4);
        if r < first {
            // One bead with both sides free, or two that share the place.
            let width = 2.0 * r;
            if !self.thin_walls || width < self.least.max(1.5 * round) {
                return Fit::Nothing;
            }
            let area = self.height * (width - round);
            return if width > FATTEST * self.width {
                let half = 0.5 * area / self.height;
                Fit::Two { area: 0.5 * area, off: r - 0.5 * (half + round) }
            } else {
                Fit::One { area }
            };
        }
        let pairs = ((r - first) / self.pitch).floor().min(f64::from(self.walls) - 1.0);
        let space = 2.0 * (r - first - pairs * self.pitch);
        // Within the innermost walls that are wanted, lines of the filling take over where they can.
        let most = if pairs + 1.0 >= f64::from(self.walls) {
            2.0 * self.to_fill - self.pitch
        } else {
            f64::INFINITY
        };
        if !self.gap_fill || space < self.least || space > most {
            return Fit::Nothing;
        }
        if space > FATTEST * self.pitch {
            Fit::Two { area: 0.5 * space * self.height, off: 0.25 * space }
        } else {
            Fit::One { area: space * self.height }
        }
    }
}

/// A road this many times as wide as usual becomes two.
const FATTEST: f64 = 1.45;

/// Roads about a middle line: their material per length, mm², and how far two of them lie from it, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fit {
    Nothing,
    One { area: f64 },
    Two { area: f64, off: f64 },
}

/// A place on a middle line.
#[derive(Clone, Copy, Debug)]
struct Axis {
    center: Point,
    normal: Vector,
    radius: f64,
    /// Place along the contours, so that neighbours are told: edge and sample.
    edge: u32,
}

/// Part of an edge, at most [`PIECE_MM`] long.
#[derive(Clone, Copy, Debug)]
struct Piece {
    a: Point,
    b: Point,
    edge: u32,
}

const PIECE_MM: f64 = 1.0;
/// Distance of places along a contour, mm.
const STEP_MM: f64 = 0.25;
/// Marked spans are looked at this far beyond their ends, mm: scan lines lie 0.4 mm apart.
const BEYOND_MM: f64 = 0.6;
/// A disc that touches sides less opposite than this belongs to a corner (cosine between the touching radii).
const OPPOSITE: f64 = -0.6;
/// Places on a middle line further apart than this are two lines, mm.
const BREAK_MM: f64 = 3.0 * STEP_MM;
/// How far a middle line may be straightened, and how much its width may be off, mm.
const STRAIGHT_MM: f64 = 0.004;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Thinner {
    pieces: Vec<Piece>,
    boxes: Vec<Aabb>,
    line: Vec<Axis>,
}

impl Thinner {
    /// Adds roads for the narrow places of a region whose facing edges are marked. Near-linear in marked edges.
    pub fn roads(&mut self, region: &Contours, marks: &mut Marks, rules: &ThinRules, roads: &mut Roads) {
        if marks.is_empty() {
            return;
        }
        marks.touched.sort_unstable();
        self.load(region, marks);
        let grid = Grid::new(&self.boxes, PIECE_MM);
        self.line.clear();
        for i in 0..self.pieces.len() {
            let Piece { a, b, edge } = self.pieces[i];
            let along = b - a;
            let length = along.norm();
            let normal = left(along / length);
            let n = (length / STEP_MM).ceil().max(1.0);
            for k in 0..n as u32 {
                let p = a + along * ((f64::from(k) + 0.5) / n);
                let found = self.shrink(&grid, p, normal, rules.reach()).filter(|f| f.1 > edge);
                let axis =
                    found.map(|(radius, _)| Axis { center: p + normal * radius, normal, radius, edge });
                self.next(axis, rules, roads);
            }
        }
        self.next(None, rules, roads);
    }

    /// Cuts marked edges to pieces.
    fn load(&mut self, region: &Contours, marks: &Marks) {
        self.pieces.clear();
        self.boxes.clear();
        let at = |s: Spot| Point::from(s.mm());
        let (mut start, mut contour) = (0usize, 0usize);
        for &edge in &marks.touched {
            while start + region.get(contour).len() <= edge as usize {
                start += region.get(contour).len();
                contour += 1;
            }
            let spots = region.get(contour);
            let i = edge as usize - start;
            let (a, b) = (at(spots[if i == 0 { spots.len() - 1 } else { i - 1 }]), at(spots[i]));
            let length = (b - a).norm();
            let [low, high] = marks.spans[edge as usize].map(|v| f64::from(v) / PER_MM);
            let (low, high) = ((low - BEYOND_MM).max(0.0), (high + BEYOND_MM).min(length));
            if high - low < 1e-4 {
                continue;
            }
            let n = ((high - low) / PIECE_MM).ceil();
            let place = |k: f64| a + (b - a) * ((low + (high - low) * k / n) / length);
            for k in 0..n as u32 {
                let piece = Piece { a: place(f64::from(k)), b: place(f64::from(k) + 1.0), edge };
                self.boxes.push(Aabb::of([piece.a, piece.b]));
                self.pieces.push(piece);
            }
        }
    }

    /// Returns the radius of the largest disc that touches at `p` from inside, and the edge opposite; nothing when it is
    /// larger than `most`, or when the other side is not opposite.
    fn shrink(&self, grid: &Grid, p: Point, normal: Vector, most: f64) -> Option<(f64, u32)> {
        let mut radius = most;
        let mut touch = None;
        for _ in 0..12 {
            let center = p + normal * radius;
            let near = grid.nearest(center, radius - 1e-4, |i| {
                let piece = &self.pieces[i as usize];
                (nearest_on(piece, center) - center).norm()
            });
            let Some((i, _)) = near else { break };
            let piece = &self.pieces[i as usize];
            let q = nearest_on(piece, center);
            let chord = q - p;
            let facing = normal.dot(&chord);
            if facing <= 1e-9 {
                return None;
            }
            radius = chord.norm_squared() / (2.0 * facing);
            touch = Some((q, piece.edge));
        }
        let (q, edge) = touch?;
        let center = p + normal * radius;
        let opposite = (p - center).dot(&(q - center)) / (radius * radius).max(1e-12);
        (radius > 1e-3 && opposite < OPPOSITE).then_some((radius, edge))
    }

    /// Takes the next place in; lines end where places do not hang together or where another number of roads fits.
    fn next(&mut self, axis: Option<Axis>, rules: &ThinRules, roads: &mut Roads) {
        if let Some(axis) = axis
            && let Some(last) = self.line.last()
        {
            let hangs = (axis.center - last.center).norm() <= BREAK_MM
                && axis.edge - last.edge <= 64
                && axis.normal.dot(&last.normal) > 0.0;
            let same = std::mem::discriminant(&rules.fit(axis.radius))
                == std::mem::discriminant(&rules.fit(last.radius));
            if hangs && same {
                self.line.push(axis);
                return;
            }
        }
        self.finish(rules, roads);
        self.line.clear();
        self.line.extend(axis);
    }

    /// Makes roads of the line that has come to its end.
    fn finish(&mut self, rules: &ThinRules, roads: &mut Roads) {
        let Some(first) = self.line.first() else { return };
        let length: f64 = self.line.windows(2).map(|w| (w[1].center - w[0].center).norm()).sum();
        // A speck is no road.
        if length < rules.least {
            return;
        }
        let fit = rules.fit(first.radius);
        self.straighten();
        let sides: &[f64] = match fit {
            Fit::Nothing => return,
            Fit::One { .. } => &[0.0],
            Fit::Two { .. } => &[1.0, -1.0],
        };
        for side in sides {
            roads.begin(Kind::Gap, 0.0);
            for axis in &self.line {
                let (area, off) = match rules.fit(axis.radius) {
                    Fit::Two { area, off } => (area, off),
                    Fit::One { area } => (area, 0.0),
                    Fit::Nothing => continue,
                };
                let at = axis.center + axis.normal * (off * side);
                roads.push_area(Spot::from_mm(at.x, at.y), area);
            }
            roads.end();
        }
    }

    /// Drops places that lie between their neighbours, in place and in width.
    fn straighten(&mut self) {
        let mut kept = 0;
        let mut since = 0;
        for i in 1..self.line.len() {
            if i + 1 < self.line.len() && i - since < 40 {
                let (a, b) = (self.line[kept], self.line[i + 1]);
                let along = b.center - a.center;
                let size = along.norm_squared().max(1e-12);
                let fits = self.line[since + 1..=i].iter().all(|m| {
                    let way = m.center - a.center;
                    let t = way.dot(&along) / size;
                    (0.0..=1.0).contains(&t)
                        && cross(along, way).abs() <= STRAIGHT_MM * size.sqrt()
                        && (a.radius + t * (b.radius - a.radius) - m.radius).abs() <= STRAIGHT_MM
                });
                if fits {
                    continue;
                }
            }
            kept += 1;
            self.line[kept] = self.line[i];
            since = i;
        }
        self.line.truncate(kept + 1);
    }
}

#[inline]
fn nearest_on(piece: &Piece, p: Point) -> Point {
    let along = piece.b - piece.a;
    let t = ((p - piece.a).dot(&along) / along.norm_squared().max(1e-18)).clamp(0.0, 1.0);
    piece.a + along * t
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Frame, Rows, Scanner};

    const RULES: ThinRules = ThinRules {
        walls: 2,
        width: 0.442_920_367,
        pitch: 0.4,
        height: 0.2,
        to_fill: 0.36,
        least: 0.1,
        thin_walls: true,
        gap_fill: true,
    };

    fn roads_of(corners: &[[f64; 2]]) -> Roads {
        let mut region = Contours::default();
        corners.iter().for_each(|[x, y]| region.push(Spot::from_mm(*x, *y)));
        region.close();
        let (mut scanner, mut marks, mut rows) = (Scanner::default(), Marks::default(), Rows::default());
        marks.begin(region.spots().len());
        for angle in [0.8, 0.8 + std::f64::consts::FRAC_PI_2] {
            let frame = Frame::new(angle, 0.4 * PER_MM);
            scanner.scan_marking(&region, &frame, 3.0 * RULES.reach() * PER_MM, &mut marks, &mut rows);
        }
        let mut roads = Roads::default();
        Thinner::default().roads(&region, &mut marks, &RULES, &mut roads);
        roads
    }

    /// Material of all roads, mm³.
    fn material(roads: &Roads) -> f64 {
        let of = |r: &crate::roads::Road| -> f64 {
            let spots = roads.spots(r);
            (0..spots.len() - 1).map(|i| spots[i].distance(spots[i + 1]) / PER_MM * roads.area(r, i)).sum()
        };
        roads.roads().iter().map(of).sum()
    }

    #[test]
    fn a_thin_wall_is_one_road_as_wide_as_it_is() {
        for width in [0.2, 0.3, 0.4, 0.55] {
            let roads = roads_of(&[[0.0, 0.0], [20.0, 0.0], [20.0, width], [0.0, width]]);
            assert_eq!(roads.roads().len(), 1, "{width}");
            let spots = roads.spots(&roads.roads()[0]);
            assert!(spots.iter().all(|s| (s.mm()[1] - width / 2.0).abs() < 1e-3));
            let ends = [spots[0], spots[spots.len() - 1]].map(|s| s.mm()[0]);
            assert!((ends[0] - ends[1]).abs() > 20.0 - width - 0.6, "{ends:?}");
            let want = 0.2 * (width - 0.2 * (1.0 - std::f64::consts::FRAC_PI_4));
            assert!((roads.area(&roads.roads()[0], 0) - want).abs() < 1e-4);
        }
    }

    #[test]
    fn a_wall_of_almost_two_roads_is_two() {
        let roads = roads_of(&[[0.0, 0.0], [20.0, 0.0], [20.0, 0.8], [0.0, 0.8]]);
        assert_eq!(roads.roads().len(), 2);
        let share = material(&roads) / (0.2 * (0.8 - 0.2 * (1.0 - std::f64::consts::FRAC_PI_4)) * 20.0);
        assert!(share > 0.93 && share <= 1.0, "{share}");
    }

    #[test]
    fn what_is_wide_or_a_corner_has_none() {
        assert!(roads_of(&[[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0]]).roads().is_empty());
        // Two pairs of walls fill 1.643 mm exactly.
        assert!(roads_of(&[[0.0, 0.0], [20.0, 0.0], [20.0, 1.65], [0.0, 1.65]]).roads().is_empty());
    }

    #[test]
    fn a_wedge_has_the_material_of_its_width() {
        let roads = roads_of(&[[0.0, 0.0], [30.0, 0.0], [30.0, 0.6], [0.0, 0.1]]);
        let road = roads.roads()[0];
        let spots = roads.spots(&road);
        for i in 0..spots.len() - 1 {
            let x = 0.5 * (spots[i].mm()[0] + spots[i + 1].mm()[0]);
            let width = 0.1 + 0.5 * x / 30.0;
            let want = 0.2 * (width - 0.2 * (1.0 - std::f64::consts::FRAC_PI_4));
            assert!((roads.area(&road, i) - want).abs() < 3e-3, "{x} {want} {}", roads.area(&road, i));
        }
    }
}
