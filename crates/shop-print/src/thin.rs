//! Places too narrow for the walls that are wanted: their middle lines, and roads as wide as the place is.
//!
//! Most contours are wide and need nothing but parallel contours. Where two sides come near one another, scan lines show
//! it for nothing: a short run between edges that go opposite ways. Only then [`crate::walls`] looks for what its walls
//! leave open, and here the middle line of every such place is found ([`shop_geom::skeleton`]).
//!
//! ```text
//!   ─────────────────────
//!           │ r                r: half the width there
//!   ╌╌╌╌╌╌╌╌c╌╌╌╌╌╌╌╌╌╌╌╌     c: on the middle line
//!           │ r
//!   ─────────────────────     roads: one along c as wide as the place, or two beside it
//! ```
//!
//! One road while the place is narrow, two when one would be too fat, a small ring where it is as long as wide. Between
//! walls, what is too narrow for a road worth its way is left to the walls ([`crate::slits`]).

use crate::edges::Edges;
use crate::lines::{area_of, length_of, lengthen, shorten, straighten};
use crate::roads::{Kind, Roads};
use crate::slits::Slits;
use crate::stubs::{Stubs, area_mm2, around_mm, disc};
use shop_geom::planar::{Contours, Spot, twice_area};
use shop_geom::skeleton::{Node, Skeleton, Skeletons};
use shop_geom::{Point, Vector, left};

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
    /// Narrowest road.
    pub least: f64,
    /// Walls thinner than two roads are made.
    pub thin_walls: bool,
    /// Gaps between walls are filled.
    pub gap_fill: bool,
    /// The narrowest of them by walls that are wider there.
    pub wider_walls: bool,
}

impl ThinRules {
    /// Returns half the width beyond which nothing special is needed, mm.
    pub fn reach(&self) -> f64 {
        0.5 * self.width + f64::from(self.walls) * self.pitch
    }

    /// Returns how much less material per height a bead has than its width says: its sides are round.
    pub fn rounding(&self) -> f64 {
        self.height * (1.0 - std::f64::consts::FRAC_PI_4)
    }

    /// Returns the narrowest place within so many pairs of walls that has a road: its bead is the narrowest that is laid. A
    /// bead between walls is wider than what walls leave, as it fills what their round sides do.
    fn narrowest(&self, pairs: u32) -> f64 {
        let round = self.rounding();
        if pairs == 0 { self.least.max(1.5 * round) } else { self.least - round.min(0.5 * self.least) }
    }

    /// Returns how wide a place within so many pairs of walls is that they fill themselves; 0 where they do not.
    fn slit(&self, pairs: u32) -> f64 {
        if pairs == 0 || !self.wider_walls || !self.gap_fill {
            return 0.0;
        }
        (SLIT * self.pitch).max(self.narrowest(pairs)).min(WIDEST_SLIT * self.pitch)
    }

    /// Returns what lies about the middle line where a place within so many pairs of walls is 2r wide.
    fn fit(&self, pairs: u32, r: f64) -> Option<Fit> {
        let width = 2.0 * r;
        if width < self.narrowest(pairs) {
            return None;
        }
        if pairs == 0 {
            // A bead with both sides free, or two that share the place.
            let round = self.rounding();
            return self.thin_walls.then(|| {
                let area = self.height * (width - round);
                let off = r - 0.5 * (0.5 * area / self.height + round);
                Fit { area, off, fat: width > FATTEST * self.width }
            });
        }
        self.gap_fill.then_some(Fit {
            area: width * self.height,
            off: 0.25 * width,
            fat: width > FATTEST * self.pitch,
        })
    }
}

/// A road this many times as wide as usual becomes two.
pub const FATTEST: f64 = 1.45;

/// Gaps between walls narrower than this are filled by the walls, distances of roads: each is a quarter wider then, and
/// where a road begins between them, no more than half as wide as usual, all three have changed as little as can be.
const SLIT: f64 = 0.5;
/// And up to so wide where a road would be a sliver.
const WIDEST_SLIT: f64 = 0.75;
/// What fills less than so many squares as wide as roads are distant is a sliver.
const SLIVER: f64 = 2.0;
/// Slits shorter than this, distances of roads, stay as they are: walls that change and change back are no better.
const LEAST_LONG: f64 = 3.5;
/// And so do those that are narrower in the mean, mm.
const LEAST_SLIT_MM: f64 = 0.01;

/// Roads about a middle line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fit {
    /// Material per length of all of them, mm².
    area: f64,
    /// How far two of them would lie from the line, mm.
    off: f64,
    /// Two are wanted.
    fat: bool,
}

/// One road or two are laid at least this far before they change, mm.
const STEADY_MM: f64 = 1.0;
/// A road goes on through stretches up to so long that are too narrow for it, mm.
const BRIDGED_MM: f64 = 3.0;
/// But not where they are narrower than this part of its width.
const TOO_NARROW: f64 = 0.5;
/// Lines that reach no farther than so many radii of the widest disc make a star, and no road.
const STAR: f64 = 2.1;
/// A line whose ends are so much nearer to one another than it is long leads around its place.
const BENT: f64 = 0.85;
/// The width of a road changes at once by no more than this, mm.
const STEP_MM: f64 = 0.08;
/// Corners where it changes are at least so far apart, mm.
const LEAST_STEP_MM: f64 = 0.05;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Thinner {
    stubs: Stubs,
    skeletons: Skeletons,
    skeleton: Skeleton,
    places: Contours,
    line: Vec<Node>,
    part: Vec<Node>,
    fits: Vec<Option<Fit>>,
    /// What is left to the walls, of all places since it was cleared.
    pub slits: Slits,
}

impl Thinner {
    /// Adds roads for places left between so many walls on either side. Near n log n in corners of the places.
    pub fn roads(&mut self, places: &Contours, pairs: u32, rules: &ThinRules, roads: &mut Roads) {
        self.choose(places, pairs, rules, roads);
        if self.places.iter().any(|c| twice_area(c) < 0) {
            self.follow(pairs, rules, roads);
            return;
        }
        let places = std::mem::take(&mut self.places);
        for place in places.iter() {
            self.places.clear();
            self.places.add(place);
            let first = roads.roads().len();
            self.follow(pairs, rules, roads);
            if pairs > 0 {
                // Where lines fork, roads cover one another: what they bring is not more than there is room for.
                let room = rules.height * area_mm2(place);
                let brought: f64 = roads.roads()[first..].iter().map(|r| roads.volume_mm3(r)).sum();
                if brought > room {
                    roads.thin_from(first, room / brought);
                }
            }
        }
        self.places = places;
    }

    /// Adds roads along the middle lines of the places that are left.
    fn follow(&mut self, pairs: u32, rules: &ThinRules, roads: &mut Roads) {
        if self.places.is_empty() {
            return;
        }
        let mut skeletons = std::mem::take(&mut self.skeletons);
        let mut skeleton = std::mem::take(&mut self.skeleton);
        skeletons.find(&self.places, &mut skeleton);
        // Between walls, one road along a line is better than a narrow one all around.
        let wide = |m: &Node| pairs == 0 || 2.0 * m.radius > FATTEST * rules.pitch;
        let worth =
            |m: &Node| Stubs::is_worth(m.radius, pairs, rules) && (skeleton.lines.is_empty() || wide(m));
        if let Some(middle) = hub(&skeleton).filter(|m| self.places.iter().count() == 1 && worth(m)) {
            self.stubs.ring(self.places.spots(), middle, pairs, rules, roads);
            skeleton.lines.clear();
            skeleton.blobs.clear();
        }
        let mut around = None;
        for line in &skeleton.lines {
            self.line.clear();
            self.line.extend_from_slice(&skeleton.nodes[line.start..line.end]);
            if line.closed {
                self.line.extend(skeleton.nodes.get(line.start));
            }
            for end in [1, 0] {
                if line.free[end] {
                    let around = around.get_or_insert_with(|| Edges::of(&self.places));
                    lengthen(&mut self.line, around, pairs);
                } else if !line.closed {
                    shorten(&mut self.line);
                }
                self.line.reverse();
            }
            self.finish(pairs, rules, line.free, roads);
        }
        skeleton.blobs.iter().for_each(|b| disc(*b, pairs, rules, roads));
        (self.skeletons, self.skeleton) = (skeletons, skeleton);
    }

    /// Keeps the places that are wide enough for a road, and fills those at once that are about as long as wide.
    fn choose(&mut self, places: &Contours, pairs: u32, rules: &ThinRules, roads: &mut Roads) {
        self.places.clear();
        let holes = places.iter().any(|c| twice_area(c) < 0);
        let mut any = false;
        for contour in places.iter() {
            let (area, around) = (area_mm2(contour), around_mm(contour));
            if !holes && self.stubs.fill(contour, (area, around), pairs, rules, roads) {
                continue;
            }
            // Half the mean width is the area over half the length around; what would take less than a drop between walls
            // is left to them.
            let drop = if pairs == 0 { rules.least * rules.least } else { 0.25 * rules.pitch * rules.pitch };
            let least =
                if rules.slit(pairs) > 0.0 { 0.5 * LEAST_SLIT_MM } else { 0.2 * rules.narrowest(pairs) };
            if area < 0.0 || (area / around > least && area > drop) {
                any |= area > 0.0;
                self.places.add(contour);
            }
        }
        if !any {
            self.places.clear();
        }
    }

    /// Makes roads of a line whose ends are `free`, and slits of what they leave.
    fn finish(&mut self, pairs: u32, rules: &ThinRules, free: [bool; 2], roads: &mut Roads) {
        if self.line.len() < 2 {
            return;
        }
        let narrowest = rules.narrowest(pairs);
        self.refine(narrowest);
        self.fits.clear();
        self.fits.extend(self.line.iter().map(|n| rules.fit(pairs, n.radius)));
        self.bridge(rules.fit(pairs, 0.5 * narrowest), narrowest);
        let slit = rules.slit(pairs);
        if slit > 0.0 {
            self.drop_slivers(slit, rules.pitch);
            self.find_slits(free, rules.pitch);
        }
        self.settle();
        let mut from = 0;
        for i in 1..=self.fits.len() {
            let fat = |i: usize| self.fits[i].map(|f| f.fat);
            if i < self.fits.len() && fat(i) == fat(from) {
                continue;
            }
            if let Some(fat) = fat(from) {
                // Stretches that hang together share the place between them.
                let to = if i < self.fits.len() && self.fits[i].is_some() { i + 1 } else { i };
                self.lay(from..to, fat, pairs, rules, roads);
            }
            from = i;
        }
    }

    /// Leaves stretches that would be slivers to the walls.
    fn drop_slivers(&mut self, slit: f64, pitch: f64) {
        let mut from = 0;
        while from < self.fits.len() {
            let road = self.fits[from].is_some();
            let to = from + self.fits[from..].iter().take_while(|f| f.is_some() == road).count();
            let stretch = &self.line[from..to];
            let widest = 2.0 * stretch.iter().map(|n| n.radius).fold(0.0, f64::max);
            let sliver = area_of(stretch) < SLIVER * pitch * pitch;
            let narrow = widest <= if sliver { WIDEST_SLIT * pitch } else { slit };
            if road && narrow && self.is_long(from..to, LEAST_LONG * pitch) {
                self.fits[from..to].fill(None);
            }
            from = to;
        }
    }

    /// True when a stretch and what lies before and behind it without a road are longer than so much, mm.
    fn is_long(&self, stretch: std::ops::Range<usize>, least: f64) -> bool {
        let mut long = length_of(&self.line[stretch.clone()]);
        let step = |i: usize| (self.line[i].center - self.line[i - 1].center).norm();
        let (mut from, mut to) = (stretch.start, stretch.end);
        while long <= least && from > 0 && self.fits[from - 1].is_none() {
            long += step(from);
            from -= 1;
        }
        while long <= least && to < self.fits.len() && self.fits[to].is_none() {
            long += step(to);
            to += 1;
        }
        long > least
    }

    /// Keeps the stretches of the line that have no road as slits.
    fn find_slits(&mut self, free: [bool; 2], pitch: f64) {
        let mut from = 0;
        while from < self.fits.len() {
            let road = self.fits[from].is_some();
            let to = from + self.fits[from..].iter().take_while(|f| f.is_some() == road).count();
            let (area, long) = (area_of(&self.line[from..to]), length_of(&self.line[from..to]));
            if !road && long > LEAST_LONG * pitch && area > LEAST_SLIT_MM * long {
                self.slits.add(&self.line, from..to, free, &mut self.part);
            }
            from = to;
        }
    }

    /// Adds places where the narrowest road ends; where a place is all but there, it is taken for it.
    fn refine(&mut self, narrowest: f64) {
        let least = 0.5 * narrowest + 1e-6;
        let mut i = 1;
        while i < self.line.len() {
            let (a, b) = (self.line[i - 1], self.line[i]);
            if (a.radius < least) != (b.radius < least) && (a.radius - b.radius).abs() > 1e-5 {
                let t = (least - a.radius) / (b.radius - a.radius);
                if t < 0.02 {
                    self.line[i - 1].radius = least;
                } else if t > 0.98 {
                    self.line[i].radius = least;
                } else {
                    self.line.insert(i, Node { center: a.center + (b.center - a.center) * t, radius: least });
                    i += 1;
                }
            }
            i += 1;
        }
    }

    /// Lets a road go on through a short stretch that is a little too narrow for it: it is one wall, and one way.
    fn bridge(&mut self, narrowest: Option<Fit>, width: f64) {
        let mut last = None;
        for i in 0..self.fits.len() {
            if self.fits[i].is_none() {
                continue;
            }
            let from = last.replace(i).map_or(i, |l: usize| l + 1);
            let between = &self.line[from..i];
            let wide = between.iter().all(|n| 2.0 * n.radius > TOO_NARROW * width);
            if wide && !between.is_empty() && length_of(&self.line[from - 1..=i]) < BRIDGED_MM {
                self.fits[from..i].fill(narrowest);
            }
        }
    }

    /// Lets one road or two follow a line for a while before they change.
    fn settle(&mut self) {
        let mut from = 0;
        for i in 1..=self.fits.len() {
            let fat = |i: usize| self.fits[i].map(|f| f.fat);
            if i < self.fits.len() && fat(i) == fat(from) {
                continue;
            }
            let length = length_of(&self.line[from..i]);
            let near = |k: Option<usize>| k.and_then(|k| self.fits.get(k)).is_some_and(Option::is_some);
            if let Some(this) = fat(from)
                && length < STEADY_MM
                && (near(from.checked_sub(1)) || near(Some(i)))
            {
                for fit in self.fits[from..i].iter_mut().flatten() {
                    fit.fat = !this;
                }
            }
            from = i;
        }
    }

    /// Adds a road, or two side by side, along part of the line.
    fn lay(
        &mut self,
        part: std::ops::Range<usize>,
        fat: bool,
        pairs: u32,
        rules: &ThinRules,
        roads: &mut Roads,
    ) {
        self.part.clear();
        self.part.extend_from_slice(&self.line[part]);
        let length = length_of(&self.part);
        // A speck is no road.
        if length < rules.least {
            return;
        }
        straighten(&mut self.part);
        let part = &self.part;
        let sides: &[f64] = if fat { &[1.0, -1.0] } else { &[0.0] };
        for side in sides {
            roads.begin(Kind::Gap, 0.0);
            let mut last: Option<Fit> = None;
            for (i, node) in part.iter().enumerate() {
                let before = last;
                // The place that a stretch shares with the next may fit nothing itself.
                let Some(fit) = rules.fit(pairs, node.radius).or(last) else { continue };
                last = Some(fit);
                let (a, b) = (part[i.saturating_sub(1)].center, part[(i + 1).min(part.len() - 1)].center);
                let normal = (b - a).try_normalize(1e-9).map_or(Vector::zeros(), left);
                let at = node.center + normal * (fit.off * side);
                let area = if fat { 0.5 * fit.area } else { fit.area };
                taper(before.map(|b| if fat { 0.5 * b.area } else { b.area }), area, at, rules.height, roads);
                roads.push_area(Spot::from_mm(at.x, at.y), area);
            }
            roads.end();
        }
    }
}

/// Adds corners on the way to the next one, so that a road gets wider or narrower in small steps: between two corners it
/// is laid as wide as they are in the mean.
fn taper(before: Option<f64>, area: f64, at: Point, height: f64, roads: &mut Roads) {
    let (Some(before), Some(from)) = (before, roads.last_spot()) else { return };
    let from = Point::from(from.mm());
    let steps = ((area - before).abs() / (height * STEP_MM)).ceil().min((at - from).norm() / LEAST_STEP_MM);
    for k in 1..steps as u32 {
        let t = f64::from(k) / steps;
        let spot = from + (at - from) * t;
        roads.push_area(Spot::from_mm(spot.x, spot.y), before + t * (area - before));
    }
}

/// Returns the middle of a place whose lines all lie around it: a blob, or where lines fork or bend and end soon.
fn hub(skeleton: &Skeleton) -> Option<Node> {
    let Skeleton { nodes, lines, blobs } = skeleton;
    let within = lines.iter().flat_map(|l| &nodes[l.start..l.end]);
    let middle = *within.clone().chain(blobs).max_by(|a, b| a.radius.total_cmp(&b.radius))?;
    let near = |n: &Node| (n.center - middle.center).norm() <= STAR * middle.radius;
    let one = match lines[..] {
        [] => blobs.len() == 1,
        [line] => {
            let line = &nodes[line.start..line.end];
            (line[line.len() - 1].center - line[0].center).norm() < BENT * length_of(line)
        }
        _ => true,
    };
    (one && within.chain(blobs).all(near)).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walls::{Room, WallRules, Walls, walls};
    use shop_geom::planar::{PER_MM, Planar};

    const RULES: ThinRules = ThinRules {
        walls: 2,
        width: 0.442_920_367,
        pitch: 0.4,
        height: 0.2,
        least: 0.1,
        thin_walls: true,
        gap_fill: true,
        wider_walls: true,
    };

    fn roads_of(corners: &[[f64; 2]]) -> Roads {
        laid_in(corners, &RULES).0
    }

    /// Roads of varying width, and walls, in a region.
    fn laid_in(corners: &[[f64; 2]], thin: &ThinRules) -> (Roads, Walls) {
        let mut region = Contours::default();
        for [x, y] in corners {
            region.push(Spot::from_mm(*x, *y));
        }
        region.close();
        let rules = WallRules {
            count: RULES.walls,
            width: RULES.width * PER_MM,
            pitch: RULES.pitch * PER_MM,
            to_fill: 0.9 * RULES.pitch * PER_MM,
            resolution: 0.002 * PER_MM,
            fills: [true; 2],
        };
        let (mut planar, mut room) = (Planar::default(), Room::default());
        let mut walls = walls(&region, &rules, true, &mut planar, &mut room);
        let mut roads = Roads::default();
        let mut thinner = Thinner::default();
        for (pairs, rest) in room.rests.iter().enumerate() {
            thinner.slits.clear();
            thinner.roads(rest, pairs as u32, thin, &mut roads);
            if pairs > 0 {
                walls.widen(pairs - 1, &thinner.slits, RULES.pitch);
            }
        }
        (roads, walls)
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
    fn a_pin_is_a_ring_with_the_material_of_the_pin() {
        for d in [0.3, 0.5, 0.7] {
            let corners: Vec<[f64; 2]> = (0..64)
                .map(|i| {
                    let (sin, cos) = (f64::from(i) / 64.0 * std::f64::consts::TAU).sin_cos();
                    [149.0 + 0.5 * d * cos, 92.0 + 0.5 * d * sin]
                })
                .collect();
            let roads = roads_of(&corners);
            assert_eq!(roads.roads().len(), 1, "{d}");
            let want =
                0.2 * std::f64::consts::PI * 0.5 * d * (0.5 * d - 0.2 * (1.0 - std::f64::consts::FRAC_PI_4));
            let share = material(&roads) / want;
            assert!((0.9..1.02).contains(&share), "{d} {share}");
        }
    }

    #[test]
    fn what_is_wide_or_a_corner_has_none() {
        assert!(roads_of(&[[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0]]).roads().is_empty());
        // Two pairs of walls fill 1.643 mm exactly.
        assert!(roads_of(&[[0.0, 0.0], [20.0, 0.0], [20.0, 1.65], [0.0, 1.65]]).roads().is_empty());
    }

    #[test]
    fn what_two_walls_leave_open_is_filled_when_its_bead_is_one_that_is_laid() {
        // Two roads side by side are 0.843 mm wide, and a bead 0.043 mm wider than its place.
        for (width, filled) in [(0.88, false), (0.94, true), (1.0, true), (1.1, true)] {
            let rules = ThinRules { wider_walls: false, ..RULES };
            let roads = laid_in(&[[0.0, 0.0], [30.0, 0.0], [30.0, width], [0.0, width]], &rules).0;
            let share = material(&roads) / (0.2 * 30.0 * (width - 0.843));
            assert!(if filled { (0.85..=1.0).contains(&share) } else { share == 0.0 }, "{width} {share}");
        }
    }

    #[test]
    fn what_two_walls_leave_open_is_theirs_when_it_is_no_more_than_half_a_road() {
        for (width, wider) in [(0.86, true), (0.94, true), (1.03, true), (1.06, false), (1.1, false)] {
            let corners = [[0.0, 0.0], [30.0, 0.0], [30.0, width], [0.0, width]];
            let (roads, walls) = laid_in(&corners, &RULES);
            assert_eq!(roads.roads().is_empty(), wider, "{width}");
            let mut each = walls.each();
            let (Some((0, wall, more)), None) = (each.next(), each.next()) else { panic!("{width}") };
            let most = more.iter().copied().fold(0.0, f32::max);
            assert!(
                (f64::from(most) - if wider { 0.5 * (width - 0.843) } else { 0.0 }).abs() < 1e-3,
                "{width}"
            );
            for (spot, more) in wall.iter().zip(more) {
                let [x, y] = spot.mm();
                // The outer side is where it was.
                let outside = x.min(30.0 - x).min(y).min(width - y) - 0.5 * (RULES.width + f64::from(*more));
                assert!(outside.abs() < 1e-3, "{width} {x} {y} {outside}");
            }
        }
    }

    #[test]
    fn where_lines_fork_is_no_more_material_than_room() {
        for reach in [0.25, 0.35, 0.45] {
            for narrow in [1.0, 0.8, 0.6] {
                let mut place = Contours::default();
                for k in 0..3 {
                    let (sin, cos) = (f64::from(k) / 3.0 * std::f64::consts::TAU).sin_cos();
                    place.push(Spot::from_mm(2.0 * reach * cos, narrow * 2.0 * reach * sin));
                }
                place.close();
                let mut roads = Roads::default();
                Thinner::default().roads(&place, 1, &RULES, &mut roads);
                let share = material(&roads) / (0.2 * place.area_mm2());
                assert!((0.6..=1.0 + 1e-6).contains(&share), "{reach} {narrow} {share}");
            }
        }
    }

    #[test]
    fn a_waist_that_is_a_little_too_narrow_divides_no_wall() {
        // The narrowest road is 0.1 mm wide.
        for (waist, length, roads) in
            [(0.06, 1.0, 1), (0.06, 0.5, 1), (0.04, 1.0, 2), (0.06, 6.0, 2), (0.2, 6.0, 1)]
        {
            let (a, b) = (0.5 * length, 5.0 + 0.5 * length);
            let side = [[b, 0.15], [a, 0.5 * waist], [-a, 0.5 * waist], [-b, 0.15]];
            let other = [[-b, -0.15], [-a, -0.5 * waist], [a, -0.5 * waist], [b, -0.15]];
            let all: Vec<[f64; 2]> = side.into_iter().chain(other).collect();
            assert_eq!(roads_of(&all).roads().len(), roads, "{waist} {length}");
        }
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

    /// Whether a corner of the middle line comes to lie a hair before or behind the place where the narrowest road ends
    /// must not decide over half the road.
    #[test]
    fn a_place_a_little_larger_has_a_road_a_little_longer() {
        let tooth = [[0.4756, 0.7585], [0.0, 0.6068], [-0.003, 0.1619], [0.4636, 0.0]];
        for k in 0..400 {
            let scale = PER_MM * (0.97 + 0.0002 * f64::from(k));
            let mut places = Contours::default();
            for [x, y] in tooth {
                places.push(Spot::new((x * scale) as i32, (y * scale) as i32));
            }
            places.close();
            let mut roads = Roads::default();
            Thinner::default().roads(&places, 1, &ThinRules { least: 0.15, ..RULES }, &mut roads);
            let length: f64 = (roads.roads().iter())
                .map(|r| roads.spots(r).windows(2).map(|w| w[0].distance(w[1])).sum::<f64>() / PER_MM)
                .sum();
            assert!((0.5..0.8).contains(&length), "{k} {length}");
        }
    }
}
