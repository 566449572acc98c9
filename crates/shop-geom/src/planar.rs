//! Regions on an integer grid, for planners that handle thousands of layers: union, combination and parallel contours.
//!
//! The one idea: a region is two flat arrays, places and ends of contours, and the one who works on it brings the room
//! ([`Planar`]), so that a layer costs no allocation once the first few have been made. Corners are integers of a tenth
//! of a micrometre: cross products are exact in 64 bits for parts up to a hundred metres.
//!
//! A **region** has its solid on the left of every contour: outer contours counter-clockwise, holes clockwise, none
//! crossing another. [`Planar::unite`] makes one of any closed walks (what they wind around at least once), all else
//! here takes and returns regions.
//!
//! Parallel contours follow the same thought as [`offset`](crate::offset), for polygons only: walk along the shifted
//! edges, through the corner itself where they overlap, round it where they part; the walk winds at least once around
//! exactly what is left, so one sweep cleans it.
//!
//! ```text
//!       inset, left turn: the shifted edges cross      inset, right turn: they part
//!
//!           │     ╎                                         ╎ . ˙ ──────
//!           │     ╎                                         ╎  ┌────────
//!           │  m──┼──────      p1 ─ p ─ p2, or straight     ╎  │ p
//!           │  ╎p1                through m                 arc about p
//!           p──p2─────────
//! ```

mod clean;

use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::core::solver::Solver;
use i_overlay::i_float::int::point::IntPoint;
use i_overlay::i_shape::flat::buffer::FlatContoursBuffer;

use crate::boolean::Boolean;
use clean::Found;

/// Grid units per millimetre.
pub const PER_MM: f64 = 10_000.0;

/// A place on the grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// To the right, grid units.
    pub x: i32,
    /// Up, grid units.
    pub y: i32,
}

impl Spot {
    /// Returns the place at `x`, `y`.
    pub fn new(x: i32, y: i32) -> Spot {
        Spot { x, y }
    }

    /// Returns the nearest place of the grid to a point in mm.
    pub fn from_mm(x: f64, y: f64) -> Spot {
        Spot { x: (x * PER_MM).round() as i32, y: (y * PER_MM).round() as i32 }
    }

    /// Returns x and y in mm.
    #[inline]
    pub fn mm(self) -> [f64; 2] {
        [f64::from(self.x) / PER_MM, f64::from(self.y) / PER_MM]
    }

    /// Returns the distance to another place, grid units.
    #[inline]
    pub fn distance(self, other: Spot) -> f64 {
        let [x, y] = self.to(other);
        (x * x + y * y).sqrt()
    }

    /// Returns the way to another place, grid units.
    #[inline]
    pub fn to(self, other: Spot) -> [f64; 2] {
        [f64::from(other.x) - f64::from(self.x), f64::from(other.y) - f64::from(self.y)]
    }
}

/// Closed contours in two flat arrays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contours {
    spots: Vec<Spot>,
    ends: Vec<u32>,
}

impl Contours {
    /// Returns how many contours there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the corners of all contours, one after the other.
    pub fn spots(&self) -> &[Spot] {
        &self.spots
    }

    /// Forgets all contours and keeps the room.
    pub fn clear(&mut self) {
        self.spots.clear();
        self.ends.clear();
    }

    /// Returns the corners of one contour.
    #[inline]
    pub fn get(&self, i: usize) -> &[Spot] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.spots[start..self.ends[i] as usize]
    }

    /// Returns the contours in order.
    pub fn iter(&self) -> impl Iterator<Item = &[Spot]> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Adds a corner to the contour that is being made.
    #[inline]
    pub fn push(&mut self, spot: Spot) {
        self.spots.push(spot);
    }

    /// Takes the last corner back.
    #[inline]
    fn pop(&mut self) {
        self.spots.pop();
    }

    /// Ends the contour that is being made; one of fewer than three corners is dropped.
    pub fn close(&mut self) {
        let start = self.ends.last().map_or(0, |e| *e as usize);
        if self.spots.len() < start + 3 {
            self.spots.truncate(start);
        } else {
            self.ends.push(self.spots.len() as u32);
        }
    }

    /// Adds a whole contour.
    pub fn add(&mut self, contour: &[Spot]) {
        self.spots.extend_from_slice(contour);
        self.close();
    }

    /// Moves everything.
    pub fn shift(&mut self, by: Spot) {
        for s in &mut self.spots {
            *s = Spot::new(s.x + by.x, s.y + by.y);
        }
    }

    /// Adds all contours of another set.
    pub fn append(&mut self, other: &Contours) {
        for contour in other.iter() {
            self.add(contour);
        }
    }

    /// Adds all contours of another set, wound the other way.
    fn append_reversed(&mut self, other: &Contours) {
        for contour in other.iter() {
            self.spots.extend(contour.iter().rev());
            self.close();
        }
    }

    /// Returns the area in mm², holes taken off.
    pub fn area_mm2(&self) -> f64 {
        self.iter().map(|c| twice_area(c) as f64).sum::<f64>() / (2.0 * PER_MM * PER_MM)
    }
}

/// Returns twice the area in square grid units, positive when counter-clockwise.
pub fn twice_area(contour: &[Spot]) -> i64 {
    let Some(&origin) = contour.first() else { return 0 };
    let at = |s: Spot| (i64::from(s.x) - i64::from(origin.x), i64::from(s.y) - i64::from(origin.y));
    contour
        .windows(2)
        .map(|w| {
            let ((ax, ay), (bx, by)) = (at(w[0]), at(w[1]));
            ax * by - ay * bx
        })
        .sum()
}

/// Returns on which side of the line from `a` to `b` a place lies: positive on the left.
#[inline]
pub fn turn(a: Spot, b: Spot, c: Spot) -> i64 {
    let (ux, uy) = (i64::from(b.x) - i64::from(a.x), i64::from(b.y) - i64::from(a.y));
    let (vx, vy) = (i64::from(c.x) - i64::from(a.x), i64::from(c.y) - i64::from(a.y));
    ux * vy - uy * vx
}

/// Returns the lowest and the highest coordinates of a contour, which has corners.
pub fn bounds(contour: &[Spot]) -> [Spot; 2] {
    contour.iter().fold([contour[0], contour[0]], |[l, h], s| {
        [Spot::new(l.x.min(s.x), l.y.min(s.y)), Spot::new(h.x.max(s.x), h.y.max(s.y))]
    })
}

/// True when the place lies inside the contour; on its edge either may be said.
pub fn encloses(contour: &[Spot], at: Spot) -> bool {
    let Some(mut a) = contour.last().copied() else { return false };
    let mut inside = false;
    for &b in contour {
        if (a.y > at.y) != (b.y > at.y) {
            let (ax, ay) = (i64::from(a.x) - i64::from(at.x), i64::from(a.y) - i64::from(at.y));
            let (bx, by) = (i64::from(b.x) - i64::from(at.x), i64::from(b.y) - i64::from(at.y));
            let cross = ax * by - ay * bx;
            inside ^= (cross > 0) == (by > ay);
        }
        a = b;
    }
    inside
}

/// What becomes of corners that a parallel contour goes around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Corner {
    /// Arcs, as chords that leave them by at most this, grid units.
    Round {
        /// Largest deviation, grid units.
        tolerance: f64,
    },
    /// Sharp up to this many times the distance, cut off beyond.
    Sharp {
        /// Largest distance of the tip from the corner, in units of the offset; at least 1.
        limit: f64,
    },
}

/// Corners that turn by more than 120° are sharp: the cosine of that.
const SHARP: f64 = -0.5;

/// Room for work on regions, used again and again.
pub struct Planar {
    overlay: Overlay<i32>,
    flat: FlatContoursBuffer<i32>,
    walks: Contours,
    cleaner: clean::Cleaner,
    edges: Vec<Edge>,
    /// What the corner at the start of each edge takes off.
    cuts: Vec<Option<f64>>,
}

/// Direction and length of an edge.
#[derive(Clone, Copy)]
struct Edge {
    ux: f64,
    uy: f64,
    length: f64,
}

/// Returns how much the corner at the start of edge `i` takes off both its edges when they are shifted by `d`, if they cross
/// within them; 0 where they part.
fn cut(edges: &[Edge], i: usize, d: f64) -> Option<f64> {
    let (p, q) = (edges[if i == 0 { edges.len() - 1 } else { i - 1 }], edges[i]);
    let (cross, dot) = (p.ux * q.uy - p.uy * q.ux, p.ux * q.ux + p.uy * q.uy);
    if cross * d <= 0.0 {
        return (dot > SHARP || cross * d < 0.0).then_some(0.0);
    }
    let cut = cross * d / (1.0 + dot).max(1e-9);
    (dot > SHARP && cut <= p.length.min(q.length)).then_some(cut)
}

impl Default for Planar {
    fn default() -> Self {
        // Layers are the unit of parallel work; a sort within one must not wait for other layers' threads.
        let solver = Solver { multithreading: None, ..Solver::AUTO };
        Planar {
            overlay: Overlay::new_custom(
                1024,
                i_overlay::core::overlay::IntOverlayOptions::default(),
                solver,
            ),
            flat: FlatContoursBuffer::default(),
            walks: Contours::default(),
            cleaner: clean::Cleaner::default(),
            edges: Vec::new(),
            cuts: Vec::new(),
        }
    }
}

impl Planar {
    /// Writes to `out` the region that the closed walks wind around at least once, counter-clockwise. Near n log n in
    /// corners and crossings.
    ///
    /// True when the walks neither crossed nor touched: then nothing in `out` touches either.
    pub fn unite(&mut self, walks: &Contours, out: &mut Contours) -> bool {
        self.clean(walks, out) == Found::Apart
    }

    fn clean(&mut self, walks: &Contours, out: &mut Contours) -> Found {
        let found = self.cleaner.unite(walks, out);
        if found == Found::Touching {
            self.overlay.clear();
            self.add(walks, ShapeType::Subject);
            self.finish(OverlayRule::Subject, out);
        }
        found
    }

    /// Writes to `out` a combination of two regions. Near n log n in corners and crossings.
    pub fn combine(&mut self, a: &Contours, b: &Contours, rule: Boolean, out: &mut Contours) {
        self.overlay.clear();
        self.add(a, ShapeType::Subject);
        self.add(b, ShapeType::Clip);
        let rule = match rule {
            Boolean::Union => OverlayRule::Union,
            Boolean::Intersection => OverlayRule::Intersect,
            Boolean::Difference => OverlayRule::Difference,
            Boolean::Xor => OverlayRule::Xor,
        };
        self.finish(rule, out);
    }

    /// Writes to `out` what of `a` is not in `b`, as [`combine`](Planar::combine) does, but faster where the contours of
    /// the two seldom touch. What is written does not touch itself.
    ///
    /// NOTE: Both are regions: they wind once around what they hold.
    pub fn subtract(&mut self, a: &Contours, b: &Contours, out: &mut Contours) {
        let mut walks = std::mem::take(&mut self.walks);
        walks.clear();
        walks.append(a);
        walks.append_reversed(b);
        let found = self.cleaner.unite(&walks, out);
        if found == Found::Touching || found == Found::Crossing && !self.cleaner.is_clean(out) {
            self.combine(a, b, Boolean::Difference, out);
        }
        self.walks = walks;
    }

    /// Writes to `out` all places of the region that are at least `distance` grid units inside it; with a negative
    /// distance, all places at most that far from it. Near n log n in corners and crossings.
    ///
    /// True when nothing was lost by moving inwards: every corner is still there, and none was sharper than 60°, so that
    /// moving back as far, sharp up to twice the distance, gives the region again.
    pub fn inset(&mut self, region: &Contours, distance: f64, corner: Corner, out: &mut Contours) -> bool {
        self.inset_each(region, distance, distance, corner, out)
    }

    /// The same with distances of their own for outer contours and for holes.
    pub fn inset_each(
        &mut self,
        region: &Contours,
        outer: f64,
        hole: f64,
        corner: Corner,
        out: &mut Contours,
    ) -> bool {
        self.walks.clear();
        let mut whole = true;
        for contour in region.iter() {
            let distance = if outer == hole || twice_area(contour) > 0 { outer } else { hole };
            if vanishes(contour, distance) {
                whole = false;
            } else {
                whole &= self.walk(contour, distance, corner);
            }
        }
        let walks = std::mem::take(&mut self.walks);
        // A ring that is too narrow vanishes although no walk crosses another.
        whole &= self.clean(&walks, out) == Found::Apart && out.len() == region.len();
        self.walks = walks;
        whole
    }

    fn add(&mut self, contours: &Contours, kind: ShapeType) {
        for contour in contours.iter() {
            self.overlay.add_path_iter(contour.iter().map(|s| IntPoint::new(s.x, s.y)), kind);
        }
    }

    fn finish(&mut self, rule: OverlayRule, out: &mut Contours) {
        self.overlay.overlay_into(rule, FillRule::Positive, &mut self.flat);
        out.clear();
        out.spots.extend(self.flat.points.iter().map(|p| Spot::new(p.x, p.y)));
        out.ends.extend(self.flat.ranges.iter().map(|r| r.end as u32));
    }

    /// Adds to `walks` the walk beside one contour, at `d` to its left. True when every edge keeps its direction, between
    /// corners that are not sharp.
    fn walk(&mut self, contour: &[Spot], d: f64, corner: Corner) -> bool {
        let start = self.walks.spots.len();
        let n = contour.len();
        self.edges.clear();
        for i in 0..n {
            let [x, y] = contour[i].to(contour[if i + 1 == n { 0 } else { i + 1 }]);
            let length = (x * x + y * y).sqrt();
            let inverse = if length > 0.0 { 1.0 / length } else { 0.0 };
            self.edges.push(Edge { ux: x * inverse, uy: y * inverse, length });
        }
        // A walk that cuts every corner could come out right way round although nothing is left of the contour: the
        // first corner is walked through then. Where every edge keeps its direction, nothing can turn over.
        self.cuts.clear();
        self.cuts.extend((0..n).map(|i| cut(&self.edges, i, d)));
        let all = (0..n).all(|i| self.keeps(i));
        for i in 0..n {
            self.corner(contour[i], i, d, corner, i > 0 || all, start);
        }
        while self.walks.spots.len() > start + 1 && self.walks.spots.last() == self.walks.spots.get(start) {
            self.walks.spots.pop();
        }
        self.walks.close();
        all
    }

    /// True when the shifted edge `i` still runs forward after corners have been cut at both its ends.
    fn keeps(&self, i: usize) -> bool {
        let after = if i + 1 == self.edges.len() { 0 } else { i + 1 };
        matches!((self.cuts[i], self.cuts[after]), (Some(a), Some(b)) if a + b < self.edges[i].length)
    }

    fn corner(&mut self, at: Spot, i: usize, d: f64, corner: Corner, may_cut: bool, start: usize) {
        let (p, q) = (self.edges[if i == 0 { self.edges.len() - 1 } else { i - 1 }], self.edges[i]);
        let (cross, dot) = (p.ux * q.uy - p.uy * q.ux, p.ux * q.ux + p.uy * q.uy);
        let (px, py) = (-p.uy * d, p.ux * d);
        let (qx, qy) = (-q.uy * d, q.ux * d);
        let tip = d / (1.0 + dot);
        if cross * d >= 0.0 && !(cross == 0.0 && dot < 0.0 && d < 0.0) {
            if may_cut && self.cuts[i].is_some() {
                self.put(start, at, -(p.uy + q.uy) * tip, (p.ux + q.ux) * tip);
            } else {
                self.put(start, at, px, py);
                self.put(start, at, 0.0, 0.0);
                self.put(start, at, qx, qy);
            }
            return;
        }
        // The tip lies |d|·√(2 / (1 + cos θ)) from the corner.
        let reach = (2.0 / (1.0 + dot).max(1e-9)).sqrt();
        match corner {
            Corner::Sharp { limit } if reach <= limit => {
                self.put(start, at, -(p.uy + q.uy) * tip, (p.ux + q.ux) * tip);
            }
            Corner::Sharp { .. } => {
                self.put(start, at, px, py);
                self.put(start, at, qx, qy);
            }
            Corner::Round { tolerance } if (reach - 1.0) * d.abs() <= tolerance => {
                self.put(start, at, -(p.uy + q.uy) * tip, (p.ux + q.ux) * tip);
            }
            Corner::Round { tolerance } => {
                let angle = cross.atan2(dot);
                // Finer than the grid is no finer.
                let step = 2.0 * (1.0 - (tolerance.max(1.0) / d.abs()).min(0.5)).acos();
                let n = (angle.abs() / step).ceil().max(1.0);
                let (sin, cos) = (angle / n).sin_cos();
                let (mut x, mut y) = (px, py);
                for _ in 0..n as u32 {
                    self.put(start, at, x, y);
                    (x, y) = (x * cos - y * sin, x * sin + y * cos);
                }
                self.put(start, at, qx, qy);
            }
        }
    }

    #[inline]
    fn put(&mut self, start: usize, at: Spot, x: f64, y: f64) {
        let spot = Spot::new(at.x + nearest(x), at.y + nearest(y));
        if self.walks.spots.len() == start || self.walks.spots.last() != Some(&spot) {
            self.walks.spots.push(spot);
        }
    }
}

/// Returns the nearest integer: `f64::round` is a call where the processor cannot be trusted to have it.
#[inline]
fn nearest(x: f64) -> i32 {
    (x + 0.5f64.copysign(x)) as i32
}

/// True when nothing can be left of what the contour encloses: it is too narrow. Its walk would only cross itself, once
/// for every pair of corners.
fn vanishes(contour: &[Spot], distance: f64) -> bool {
    let Some(&first) = contour.first() else { return true };
    let (mut low, mut high) = (first, first);
    for s in contour {
        low = Spot::new(low.x.min(s.x), low.y.min(s.y));
        high = Spot::new(high.x.max(s.x), high.y.max(s.y));
    }
    let [width, height] = low.to(high);
    // Solid shrinks when moved inwards, holes when moved outwards.
    width.min(height) <= 2.0 * distance.abs() && (twice_area(contour) > 0) == (distance > 0.0)
}

/// Writes to `out` the contours with as few of their own corners as leave every dropped one within `tolerance` grid
/// units of the straight line that takes its place. One pass: from each kept corner looks a wedge that is narrowed by
/// every corner passed (the sector method of Sklansky and Gonzalez, 1980). O(corners).
pub fn simplify(contours: &Contours, tolerance: f64, out: &mut Contours) {
    out.clear();
    for contour in contours.iter() {
        simplify_into(contour, tolerance, out);
    }
}

fn simplify_into(contour: &[Spot], tolerance: f64, out: &mut Contours) {
    let n = contour.len();
    let first = far_corner(contour);
    let mut anchor = contour[first];
    let mut wedge = Wedge::default();
    let mut last = anchor;
    out.push(anchor);
    for i in 1..=n {
        let spot = contour[(first + i) % n];
        if !wedge.admits(anchor, spot, tolerance) {
            anchor = last;
            out.push(anchor);
            wedge = Wedge::default();
            wedge.admits(anchor, spot, tolerance);
        }
        last = spot;
    }
    out.close();
}

/// A corner that is surely one: the leftmost, lowest of those.
fn far_corner(contour: &[Spot]) -> usize {
    (0..contour.len()).min_by_key(|&i| contour[i]).unwrap_or(0)
}

/// Directions in which a straight line passes everything seen so far closely enough.
#[derive(Clone, Copy, Default)]
struct Wedge {
    left: Option<[f64; 2]>,
    right: [f64; 2],
    farthest: f64,
}

impl Wedge {
    /// Takes one more corner in; false when no straight line from the anchor to it passes the earlier ones closely.
    fn admits(&mut self, anchor: Spot, spot: Spot, tolerance: f64) -> bool {
        let [x, y] = anchor.to(spot);
        let squared = x * x + y * y;
        if squared <= tolerance * tolerance {
            return self.left.is_none();
        }
        if let Some([lx, ly]) = self.left {
            let [rx, ry] = self.right;
            // Turning back is a corner, however sharp.
            if lx * y - ly * x > 0.0 || rx * y - ry * x < 0.0 || squared < self.farthest {
                return false;
            }
        }
        self.farthest = squared;
        // The two directions that pass the spot at the tolerance.
        let along = (squared - tolerance * tolerance).sqrt();
        let left = [x * along - y * tolerance, y * along + x * tolerance];
        let right = [x * along + y * tolerance, y * along - x * tolerance];
        match self.left {
            None => (self.left, self.right) = (Some(left), right),
            Some([lx, ly]) => {
                if lx * left[1] - ly * left[0] < 0.0 {
                    self.left = Some(left);
                }
                if self.right[0] * right[1] - self.right[1] * right[0] > 0.0 {
                    self.right = right;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
