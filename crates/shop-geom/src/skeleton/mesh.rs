//! Triangles between the contours of a region.
//!
//! Contours get corners between theirs, are triangulated within, and chords are flipped until no corner lies in the
//! circle through another triangle's (`i_triangle`: exact on the integer grid). That library takes contours at their
//! word, so they are made a region first, none of them touching another.

use crate::planar::{Contours, Corner, Planar, Spot};
use crate::{Point, Vector, cross};
use i_triangle::advanced::delaunay::IntDelaunay;
use i_triangle::i_overlay::i_float::int::point::IntPoint;
use i_triangle::i_overlay::i_shape::flat::buffer::FlatContoursBuffer;
use i_triangle::int::triangulator::IntTriangulator;

/// How far inwards contours that touch are moved, one after the other, grid units.
const PARTING: [f64; 3] = [2.0, 8.0, 32.0];

/// A side of a triangle, its inside on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// The triangle.
    pub face: u32,
    /// Its corner on the other side.
    across: u8,
}

impl Side {
    /// Returns the sides of a triangle.
    #[inline]
    pub fn of(face: u32) -> [Side; 3] {
        [0, 1, 2].map(|across| Side { face, across })
    }

    /// Returns the side of the same triangle that begins where this one ends.
    #[inline]
    pub fn next(self) -> Side {
        Side { across: (self.across + 1) % 3, ..self }
    }

    /// Returns the side that ends where this one begins.
    #[inline]
    pub fn prev(self) -> Side {
        Side { across: (self.across + 2) % 3, ..self }
    }

    /// Returns a number of its own.
    pub fn index(self) -> usize {
        3 * self.face as usize + usize::from(self.across)
    }
}

/// Delaunay triangles within contours; sides that are no contour have another triangle beyond them.
pub struct Mesh {
    flat: FlatContoursBuffer<i32>,
    walks: Contours,
    clean: Contours,
    planar: Planar,
    triangulator: IntTriangulator<i32, u32>,
    delaunay: IntDelaunay<i32>,
    places: Vec<Point>,
    /// The other ends of the contour's edges at corner i: `rims[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    rims: Vec<u32>,
}

impl Default for Mesh {
    fn default() -> Mesh {
        Mesh {
            flat: FlatContoursBuffer::default(),
            walks: Contours::default(),
            clean: Contours::default(),
            planar: Planar::default(),
            triangulator: IntTriangulator::default(),
            delaunay: IntDelaunay { triangles: Vec::new(), points: Vec::new() },
            places: Vec::new(),
            starts: Vec::new(),
            rims: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mesh").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Mesh {
    /// Triangulates a region, its contours cut to edges of at most `step` and into about `least` or more, grid units.
    /// n log n in corners.
    pub fn make(&mut self, region: &Contours, step: f64, least: f64) {
        self.sample(region, step, least);
        self.part(step, least);
        if self.flat.is_empty() {
            self.delaunay.triangles.clear();
            self.delaunay.points.clear();
        } else {
            self.triangulator.uncheck_delaunay_flat_into(&self.flat, &mut self.delaunay);
        }
        self.places.clear();
        self.places.extend(self.delaunay.points.iter().map(|p| Point::from(Spot::new(p.x, p.y).mm())));
        self.find_rims();
    }

    /// Makes the contours in `walks` those of `flat`, where none touches itself or another: those that do are moved inwards
    /// a little. Where even that does not part them, nothing is left.
    fn part(&mut self, step: f64, least: f64) {
        let mut apart = self.planar.unite(&self.walks, &mut self.clean);
        let touched = !apart;
        for by in PARTING {
            if apart {
                break;
            }
            self.planar.inset(&self.clean, by, Corner::Sharp { limit: 1.0 }, &mut self.walks);
            apart = self.planar.unite(&self.walks, &mut self.clean);
        }
        if touched && apart {
            // Moving them has left corners only. Places between them are rounded: where that makes contours touch again,
            // corners alone do better.
            let corners = std::mem::take(&mut self.clean);
            self.sample(&corners, step, least);
            if !self.planar.unite(&self.walks, &mut self.clean) {
                self.clean = corners;
            }
        }
        self.flat.points.clear();
        self.flat.ranges.clear();
        for contour in self.clean.iter().filter(|_| apart) {
            let start = self.flat.points.len();
            self.flat.points.extend(contour.iter().map(|s| IntPoint::new(s.x, s.y)));
            self.flat.ranges.push(start..self.flat.points.len());
        }
    }

    /// Leaves in `walks` the contours with places between their corners.
    fn sample(&mut self, region: &Contours, step: f64, least: f64) {
        self.walks.clear();
        for contour in region.iter() {
            let mut a = contour[contour.len() - 1];
            let around: f64 =
                contour.windows(2).map(|w| w[0].distance(w[1])).sum::<f64>() + a.distance(contour[0]);
            let step = step.min(around / least).max(1.0);
            for &b in contour {
                let n = (a.distance(b) / step).ceil().max(1.0);
                for k in 0..n as u32 {
                    self.walks.push(between(a, b, f64::from(k) / n));
                }
                a = b;
            }
            self.walks.close();
        }
    }

    /// Lists the contour's edges at every corner.
    fn find_rims(&mut self) {
        self.starts.clear();
        self.starts.resize(self.places.len() + 2, 0);
        let each = |mesh: &Mesh, take: &mut dyn FnMut(u32, u32)| {
            for side in mesh.faces().flat_map(Side::of).filter(|s| mesh.is_rim(*s)) {
                let [a, b] = [mesh.from(side), mesh.to(side)];
                take(a, b);
                take(b, a);
            }
        };
        let mut starts = std::mem::take(&mut self.starts);
        let mut rims = std::mem::take(&mut self.rims);
        each(self, &mut |a, _| starts[a as usize + 2] += 1);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        rims.clear();
        rims.resize(starts.last().map_or(0, |n| *n as usize), 0);
        // Filling moves every start to where the corner's edges end.
        each(self, &mut |a, b| {
            let at = &mut starts[a as usize + 1];
            rims[*at as usize] = b;
            *at += 1;
        });
        (self.starts, self.rims) = (starts, rims);
    }

    /// Returns how many triangles there are.
    pub fn len(&self) -> usize {
        self.delaunay.triangles.len()
    }

    /// Returns the triangles.
    pub fn faces(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    /// Returns the corners of a triangle.
    #[inline]
    pub fn corners(&self, face: u32) -> [u32; 3] {
        Side::of(face).map(|s| self.from(s))
    }

    /// Returns where a corner is, mm.
    #[inline]
    pub fn at(&self, corner: u32) -> Point {
        self.places[corner as usize]
    }

    #[inline]
    fn corner(&self, side: Side, further: u8) -> u32 {
        let k = (side.across + further) % 3;
        self.delaunay.triangles[side.face as usize].vertices[usize::from(k)].index as u32
    }

    /// Returns the corner where a side begins.
    #[inline]
    pub fn from(&self, side: Side) -> u32 {
        self.corner(side, 1)
    }

    /// Returns the corner where it ends.
    #[inline]
    pub fn to(&self, side: Side) -> u32 {
        self.corner(side, 2)
    }

    /// Returns the same side as the triangle beyond it has it; nothing for an edge of a contour.
    #[inline]
    pub fn beyond(&self, side: Side) -> Option<Side> {
        let triangles = &self.delaunay.triangles;
        let other = triangles[side.face as usize].neighbors[usize::from(side.across)];
        let back = triangles.get(other)?.neighbors.iter().position(|n| *n == side.face as usize)?;
        Some(Side { face: other as u32, across: back as u8 })
    }

    /// True for an edge of a contour.
    #[inline]
    pub fn is_rim(&self, side: Side) -> bool {
        self.delaunay.triangles[side.face as usize].neighbors[usize::from(side.across)] >= self.len()
    }

    /// Returns how far a place is from the contour about a corner, and the nearest place there.
    #[inline]
    pub fn to_contour(&self, corner: u32, p: Point) -> (f64, Point) {
        let c = self.at(corner);
        let mut best = ((p - c).norm_squared(), c);
        let ends = self.starts[corner as usize] as usize..self.starts[corner as usize + 1] as usize;
        for end in &self.rims[ends] {
            let way: Vector = self.at(*end) - c;
            let t = ((p - c).dot(&way) / way.norm_squared().max(1e-18)).clamp(0.0, 1.0);
            let foot = c + way * t;
            let far = (p - foot).norm_squared();
            if far < best.0 {
                best = (far, foot);
            }
        }
        (best.0.sqrt(), best.1)
    }

    /// True when the straight way from a triangle's middle to a place crosses no contour.
    pub fn reaches(&self, from: u32, to: Point) -> bool {
        let [a, b, c] = self.corners(from).map(|c| self.at(c));
        let start = Point::from((a.coords + b.coords + c.coords) / 3.0);
        let (mut face, mut came) = (from, None);
        for _ in 0..64 {
            // The side through which the way leaves: the place lies beyond it, and its ends on either side of the way.
            let leaves = |s: &Side| {
                let (p, q) = (self.at(self.from(*s)), self.at(self.to(*s)));
                cross(q - p, to - p) < 0.0
                    && cross(to - start, p - start) <= 0.0
                    && cross(to - start, q - start) >= 0.0
            };
            let out = Side::of(face).into_iter().find(|s| Some(*s) != came && leaves(s));
            let Some(out) = out else { return true };
            let Some(next) = self.beyond(out) else { return false };
            (face, came) = (next.face, Some(next));
        }
        false
    }
}

fn between(a: Spot, b: Spot, t: f64) -> Spot {
    let [dx, dy] = a.to(b);
    let part = |from: i32, way: f64| from + (way * t).round() as i32;
    Spot::new(part(a.x, dx), part(a.y, dy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planar::PER_MM;
    use proptest::prelude::*;

    /// A region with a hole, both with random corners on rays from the middle.
    fn ring() -> impl Strategy<Value = Contours> {
        (prop::collection::vec(0.5..1.0f64, 3..40), prop::collection::vec(0.1..0.45f64, 3..30)).prop_map(
            |(outer, inner)| {
                let mut region = Contours::default();
                for (radii, way) in [(outer, 1.0), (inner, -1.0)] {
                    let n = radii.len() as f64;
                    for (i, r) in radii.iter().enumerate() {
                        let (sin, cos) = (way * i as f64 / n * std::f64::consts::TAU).sin_cos();
                        region.push(Spot::from_mm(4.0 * r * cos, 4.0 * r * sin));
                    }
                    region.close();
                }
                let mut clean = Contours::default();
                Planar::default().unite(&region, &mut clean);
                clean
            },
        )
    }

    proptest! {
        #[test]
        fn triangles_fill_a_region_and_hold_no_corner_that_they_see(region in ring(), step in 0.1..3.0f64) {
            let mut mesh = Mesh::default();
            mesh.make(&region, step * PER_MM, 12.0);
            let mut area = 0.0;
            for face in mesh.faces() {
                let [a, b, c] = mesh.corners(face).map(|c| mesh.at(c));
                let twice = cross(b - a, c - a);
                prop_assert!(twice >= 0.0);
                area += 0.5 * twice;
                for side in Side::of(face) {
                    prop_assert_eq!(mesh.to(side), mesh.from(side.next()));
                    prop_assert_eq!(mesh.from(side), mesh.to(side.prev()));
                    prop_assert_eq!(mesh.is_rim(side), mesh.beyond(side).is_none());
                    let Some(back) = mesh.beyond(side) else { continue };
                    prop_assert_eq!((mesh.from(side), mesh.to(side)), (mesh.to(back), mesh.from(back)));
                    prop_assert_eq!(mesh.beyond(back), Some(side));
                    // Delaunay: angles across a chord are 180° together at most.
                    let [p, q] = [side, back].map(|s| mesh.at(mesh.to(s.next())));
                    let (from, to) = (mesh.at(mesh.from(side)), mesh.at(mesh.to(side)));
                    let angle = |at: Point| (from - at).angle(&(to - at));
                    prop_assert!(angle(p) + angle(q) < std::f64::consts::PI + 1e-6);
                }
            }
            let wanted = region.area_mm2();
            prop_assert!((area - wanted).abs() < 1e-3, "{} {}", area, wanted);
        }
    }

    proptest! {
        #[test]
        fn walks_that_touch_everywhere_are_triangulated(
            walks in prop::collection::vec(prop::collection::vec((0..9, 0..9), 3..12), 1..6), scale in 1..300,
        ) {
            let mut region = Contours::default();
            for walk in walks {
                for (x, y) in walk {
                    region.push(Spot::new(x * scale, y * scale));
                }
                region.close();
            }
            let mut clean = Contours::default();
            Planar::default().unite(&region, &mut clean);
            let mut mesh = Mesh::default();
            mesh.make(&clean, 70.0, 12.0);
            let sides = mesh.faces().flat_map(Side::of);
            prop_assert!(sides.clone().all(|s| mesh.beyond(s).is_none_or(|b| mesh.beyond(b) == Some(s))));
            // Twice the area from what is around it: chords take each other off.
            let units = |c: u32| mesh.at(c).coords * PER_MM;
            let around: f64 = sides.filter(|s| mesh.is_rim(*s)).map(|s| cross(units(mesh.from(s)), units(mesh.to(s)))).sum();
            let faces: f64 = mesh.faces().map(|f| {
                let [a, b, c] = mesh.corners(f).map(units);
                cross(b - a, c - a)
            }).sum();
            prop_assert!((around - faces).abs() < 1e-3, "{} {}", around, faces);
            // Rounding moves a place between two corners by a unit at most, parting by those of `PARTING`.
            let length: f64 = clean.iter().map(|c| c.windows(2).map(|w| w[0].distance(w[1])).sum::<f64>()
                + c[c.len() - 1].distance(c[0])).sum();
            let wanted = clean.area_mm2() * 2.0 * PER_MM * PER_MM;
            prop_assert!(faces - wanted <= 2.0 * length + 1.0 && wanted - faces <= 90.0 * length, "{} {} {}", faces, wanted, length);
        }
    }

    #[test]
    fn contours_that_touch_are_taken_as_well() {
        // Two squares with a common corner, and a third whose corner lies on an edge of the first.
        let mut region = Contours::default();
        for [x, y, w] in [[0, 0, 10], [10, 10, 10], [-5, 2, 5]] {
            let corners = [[x, y], [x + w, y], [x + w, y + w], [x, y + w]];
            for [x, y] in corners {
                region.push(Spot::new(x * 1000, y * 1000));
            }
            region.close();
        }
        let mut mesh = Mesh::default();
        mesh.make(&region, 2000.0, 12.0);
        let area: f64 = mesh
            .faces()
            .map(|f| {
                let [a, b, c] = mesh.corners(f).map(|c| mesh.at(c));
                0.5 * cross(b - a, c - a)
            })
            .sum();
        assert!((area - 2.25).abs() < 1e-2, "{area}");
        mesh.make(&Contours::default(), 1000.0, 12.0);
        assert_eq!(mesh.len(), 0);
    }
}
