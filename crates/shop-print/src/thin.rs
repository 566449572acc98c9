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
    fn fit(&self, r: f64) -> Option<Fit> {
        let first = 0.5 * (self.width + self.pitch);
        if r < first {
            // A bead with both sides free, or two that share the place.
            let round = self.height * (1.0 - std::f64::consts::FRAC_PI_4);
            let width = 2.0 * r;
            let wide = width >= self.least.max(1.5 * round);
            return (self.thin_walls && wide).then(|| {
                let area = self.height * (width - round);
                let off = r - 0.5 * (0.5 * area / self.height + round);
                Fit { pairs: 0, area, off, fat: width > FATTEST * self.width }
            });
        }
        let pairs = ((r - first) / self.pitch).floor().min(f64::from(self.walls) - 1.0);
        let space = 2.0 * (r - first - pairs * self.pitch);
        // Within the innermost walls that are wanted, lines of the filling take over where they can.
        let whole = pairs + 1.0 >= f64::from(self.walls);
        let most = if whole { 2.0 * self.to_fill - self.pitch } else { f64::INFINITY };
        (self.gap_fill && (self.least..=most).contains(&space)).then(|| Fit {
            pairs: pairs as u32 + 1,
            area: space * self.height,
            off: 0.25 * space,
            fat: space > FATTEST * self.pitch,
        })
    }
}

/// A road this many times as wide as usual becomes two.
const FATTEST: f64 = 1.45;

/// Roads about a middle line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fit {
    /// Pairs of walls around them.
    pairs: u32,
    /// Material per length of all of them, mm².
    area: f64,
    /// How far two of them would lie from the line, mm.
    off: f64,
    /// Two are wanted.
    fat: bool,
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
    /// Middle lines are looked for along it.
    looked: bool,
}

/// Part of an edge: between which lengths along it, mm.
#[derive(Clone, Copy, Debug)]
struct Span {
    contour: usize,
    edge: u32,
    low: f64,
    high: f64,
    looked: bool,
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
/// One road or two are laid at least this far before they change, mm.
const STEADY_MM: f64 = 1.0;
/// Places without walls that widen faster than this, half width per length, are corners: the tips of walls reach into them
/// ([`crate::walls`] puts tips back up to three times their distance, which is those that widen by more than a third).
const TAPER: f64 = 0.38;
/// How far a middle line may be straightened, and how much its width may be off, mm.
const STRAIGHT_MM: f64 = 0.004;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Thinner {
    pieces: Vec<Piece>,
    boxes: Vec<Aabb>,
    spans: Vec<Span>,
    line: Vec<Axis>,
}

impl Thinner {
    /// Adds roads for the narrow places of a region whose facing edges are marked. Near-linear in marked edges.
    pub fn roads(&mut self, region: &Contours, marks: &mut Marks, rules: &ThinRules, roads: &mut Roads) {
        if marks.is_empty() {
            return;
        }
        marks.touched.sort_unstable();
        self.load(region, marks, rules.reach());
        let grid = Grid::new(&self.boxes, PIECE_MM);
        self.line.clear();
        for i in 0..self.pieces.len() {
            let Piece { a, b, edge, looked } = self.pieces[i];
            if !looked {
                continue;
            }
            let along = b - a;
            let length = along.norm();
            let normal = left(along / length);
            let n = (length / STEP_MM).ceil().max(1.0);
            for k in 0..n as u32 {
                let p = a + along * ((f64::from(k) + 0.5) / n);
                let found = self.shrink(&grid, p, normal, rules.reach()).filter(|f| f.1 > edge);
                let axis =
                    found.map(|(radius, _)| Axis { center: p + normal * radius, normal, radius, edge });
                self.next(axis, &grid, rules, roads);
            }
        }
        self.next(None, &grid, rules, roads);
    }

    /// Cuts marked edges to pieces, and what lies within reach beside them, which discs must not hold either.
    fn load(&mut self, region: &Contours, marks: &Marks, reach: f64) {
        self.pieces.clear();
        self.boxes.clear();
        self.spans.clear();
        let (mut start, mut contour) = (0usize, 0usize);
        for &edge in &marks.touched {
            while start + region.get(contour).len() <= edge as usize {
                start += region.get(contour).len();
                contour += 1;
            }
            let spots = region.get(contour);
            let i = edge as usize - start;
            let length = length_of(spots, i);
            let [low, high] = marks.spans[edge as usize].map(|v| f64::from(v) / PER_MM);
            let (low, high) = (low - BEYOND_MM, high + BEYOND_MM);
            self.spans.push(Span { contour, edge, low: low.max(0.0), high: high.min(length), looked: true });
            let n = spots.len();
            for (from, forward) in [(length - high.min(length), true), (low.max(0.0), false)] {
                let (mut far, mut k) = (from, i);
                while far < reach {
                    k = if forward { (k + 1) % n } else { (k + n - 1) % n };
                    if k == i {
                        break;
                    }
                    let length = length_of(spots, k);
                    let rest = (reach - far).min(length);
                    let (low, high) = if forward { (0.0, rest) } else { (length - rest, length) };
                    let edge = (start + k) as u32;
                    self.spans.push(Span { contour, edge, low, high, looked: false });
                    far += length;
                }
            }
        }
        // The same edge may have come from both sides: one span each, looked along where any asks for it.
        self.spans
            .sort_by(|a, b| a.edge.cmp(&b.edge).then(b.looked.cmp(&a.looked)).then(a.low.total_cmp(&b.low)));
        let mut start = (0, 0);
        for k in 0..self.spans.len() {
            let span = self.spans[k];
            while start.0 < span.contour {
                start.1 += region.get(start.0).len();
                start.0 += 1;
            }
            let again = k > 0 && {
                let last = self.spans[k - 1];
                last.edge == span.edge && last.low <= span.low && last.high >= span.high
            };
            if !again && span.high - span.low > 1e-4 {
                self.cut(region.get(span.contour), span.edge as usize - start.1, &span);
            }
        }
    }

    fn cut(&mut self, spots: &[Spot], i: usize, span: &Span) {
        let n = spots.len();
        let [a, b] = [spots[(i + n - 1) % n], spots[i]].map(|s| Point::from(s.mm()));
        let length = (b - a).norm();
        let count = ((span.high - span.low) / PIECE_MM).ceil();
        let place = |k: f64| a + (b - a) * ((span.low + (span.high - span.low) * k / count) / length);
        for k in 0..count as u32 {
            let (a, b) = (place(f64::from(k)), place(f64::from(k) + 1.0));
            self.boxes.push(Aabb::of([a, b]));
            self.pieces.push(Piece { a, b, edge: span.edge, looked: span.looked });
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

    /// Takes the next place in; lines end where places do not hang together.
    fn next(&mut self, axis: Option<Axis>, grid: &Grid, rules: &ThinRules, roads: &mut Roads) {
        if let Some(axis) = axis
            && let Some(last) = self.line.last()
            && (axis.center - last.center).norm() <= BREAK_MM
            && axis.edge - last.edge <= 64
            && axis.normal.dot(&last.normal) > 0.0
        {
            self.line.push(axis);
            return;
        }
        self.finish(grid, rules, roads);
        self.line.clear();
        self.line.extend(axis);
    }

    /// Makes roads of the line that has come to its end.
    fn finish(&mut self, grid: &Grid, rules: &ThinRules, roads: &mut Roads) {
        if self.line.len() < 2 {
            return;
        }
        self.lengthen(grid);
        self.line.reverse();
        self.lengthen(grid);
        self.line.reverse();
        let line = &self.line;
        let mut fits: Vec<Option<Fit>> = (0..line.len())
            .map(|i| {
                let (a, b) = (line[i.saturating_sub(1)], line[(i + 1).min(line.len() - 1)]);
                let tapers = (b.radius - a.radius).abs() > TAPER * (b.center - a.center).norm();
                rules.fit(line[i].radius).filter(|f| f.pairs > 0 || !tapers)
            })
            .collect();
        self.settle(&mut fits);
        let key = |f: &Option<Fit>| f.map(|f| (f.pairs, f.fat));
        let mut from = 0;
        for i in 1..=fits.len() {
            if i < fits.len() && key(&fits[i]) == key(&fits[from]) {
                continue;
            }
            if let Some((_, fat)) = key(&fits[from]) {
                // Stretches that hang together share the place between them.
                let to = if i < fits.len() && fits[i].is_some() { i + 1 } else { i };
                self.lay(from..to, fat, rules, roads);
            }
            from = i;
        }
    }

    /// Lets one road or two follow a line for a while before they change.
    fn settle(&self, fits: &mut [Option<Fit>]) {
        let mut from = 0;
        for i in 1..=fits.len() {
            let same =
                i < fits.len() && fits[i].map(|f| (f.pairs, f.fat)) == fits[from].map(|f| (f.pairs, f.fat));
            if same {
                continue;
            }
            let length: f64 = self.line[from..i].windows(2).map(|w| (w[1].center - w[0].center).norm()).sum();
            let Some(this) = fits[from].filter(|_| length < STEADY_MM) else {
                from = i;
                continue;
            };
            let fits_with = |k: Option<usize>| k.and_then(|k| fits[k]).is_some_and(|f| f.pairs == this.pairs);
            if fits_with(from.checked_sub(1)) || fits_with((i < fits.len()).then_some(i)) {
                for fit in fits[from..i].iter_mut().flatten() {
                    fit.fat = !this.fat;
                }
            }
            from = i;
        }
    }

    /// Adds a road, or two side by side, along part of the line.
    fn lay(&self, part: std::ops::Range<usize>, fat: bool, rules: &ThinRules, roads: &mut Roads) {
        let mut part = self.line[part].to_vec();
        let length: f64 = part.windows(2).map(|w| (w[1].center - w[0].center).norm()).sum();
        // A speck is no road.
        if length < rules.least {
            return;
        }
        straighten(&mut part);
        let sides: &[f64] = if fat { &[1.0, -1.0] } else { &[0.0] };
        for side in sides {
            roads.begin(Kind::Gap, 0.0);
            let mut last = None;
            for axis in &part {
                // The place that a stretch shares with the next may fit nothing itself.
                let Some(fit) = rules.fit(axis.radius).or(last) else { continue };
                last = Some(fit);
                let at = axis.center + axis.normal * (fit.off * side);
                roads.push_area(Spot::from_mm(at.x, at.y), if fat { 0.5 * fit.area } else { fit.area });
            }
            roads.end();
        }
    }

    /// Goes on straight from the end of the line while the place does not get much narrower or wider.
    fn lengthen(&mut self, grid: &Grid) {
        let [.., before, last] = self.line[..] else { return };
        let Some(along) = (last.center - before.center).try_normalize(1e-6) else { return };
        let step = 0.4 * STEP_MM;
        for k in 1..=(2.0 * (last.radius + STEP_MM) / step) as u32 {
            let center = last.center + along * (step * f64::from(k));
            let near = grid.nearest(center, 1.2 * last.radius, |i| {
                (nearest_on(&self.pieces[i as usize], center) - center).norm()
            });
            let Some((_, radius)) = near.filter(|(_, r)| *r >= 0.85 * last.radius) else { break };
            let radius = radius.min(last.radius);
            self.line.push(Axis { center, radius, ..last });
        }
    }
}

/// Drops places that lie between their neighbours, in place and in width.
fn straighten(line: &mut Vec<Axis>) {
    let mut kept = 0;
    let mut since = 0;
    for i in 1..line.len() {
        if i + 1 < line.len() && i - since < 40 {
            let (a, b) = (line[kept], line[i + 1]);
            let along = b.center - a.center;
            let size = along.norm_squared().max(1e-12);
            let fits = line[since + 1..=i].iter().all(|m| {
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
        line[kept] = line[i];
        since = i;
    }
    line.truncate(kept + 1);
}

/// Returns the length of the edge that ends at a corner, mm.
fn length_of(spots: &[Spot], i: usize) -> f64 {
    spots[if i == 0 { spots.len() - 1 } else { i - 1 }].distance(spots[i]) / PER_MM
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
        for [x, y] in corners {
            region.push(Spot::from_mm(*x, *y));
        }
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
            // Towards its ends a road tapers a little.
            let share = material(&roads) / (want * 20.0);
            assert!((0.9..=1.0).contains(&share), "{width}: {share}");
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
            if !(0.6..29.4).contains(&x) {
                continue;
            }
            let width = 0.1 + 0.5 * x / 30.0;
            let want = 0.2 * (width - 0.2 * (1.0 - std::f64::consts::FRAC_PI_4));
            assert!((roads.area(&road, i) - want).abs() < 3e-3, "{x} {want} {}", roads.area(&road, i));
        }
    }
}
