//! Which contours have to be offset together.
//!
//! What is outside the solid falls into connected parts, and a point's nearest piece borders its own part: the way
//! there crosses no other. So contours influence each other only when they bound the same part: solids side by
//! side, or solids in a hole and the hole's rim; never a rim and the hole in it, nor two holes. Of those, only
//! contours within twice the reach meet. On a sheet of parts hardly any do, and a sheet is many small problems.

use super::Frame;
use super::clear::Clear;
use super::piece::{Piece, load, piece_box};
use crate::distance::segment_distance;
use crate::grid::Grid;
use crate::{Aabb, Point, Polyline, Vertex};
use rayon::prelude::*;
use std::sync::OnceLock;

/// What clustering wants to know of a contour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    pub bounds: Aabb,
    /// True when the growing solid is inside.
    pub solid: bool,
}

/// Contours with more pieces than this get an index of their own when asked for neighbours.
const LARGE: usize = 64;
/// Contours this near to each other touch, mm.
const TOUCH: f64 = 1e-9;

/// Returns box and side of every contour; an empty box for one that cannot be offset.
pub(super) fn outlines(contours: &[Polyline], reversed: bool) -> Vec<Outline> {
    contours.par_iter().with_min_len(256).map(|c| outline(c, reversed)).collect()
}

fn outline(c: &Polyline, reversed: bool) -> Outline {
    let v = &c.vertices;
    let n = v.len();
    let nothing = Outline { bounds: Aabb::EMPTY, solid: true };
    if !c.closed || n < 2 || !c.is_finite() {
        return nothing;
    }
    let origin = v[0].point;
    let (mut bounds, mut twice_area) = (Aabb::EMPTY, 0.0);
    for i in 0..n {
        let (p, q) = (v[i], v[if i + 1 == n { 0 } else { i + 1 }].point);
        bounds.add(p.point);
        let (e, f) = (p.point - origin, q - origin);
        twice_area += e.x * f.y - e.y * f.x;
        if p.bulge != 0.0 {
            if p.point != q {
                bounds = bounds.union(Piece::new(p.point, q, p.bulge, 0).tight_bounds());
            }
            // Twice the cap: R²(φ − sin φ) with R = d(1 + k²)/4k and φ = 4 atan k.
            let (k, d2) = (p.bulge, (q - p.point).norm_squared());
            let r = (1.0 + k * k) / (4.0 * k);
            let sweep = 4.0 * k.atan();
            twice_area +=
                if k.abs() < 1e-3 { d2 * k * (2.0 / 3.0) } else { r * r * d2 * (sweep - sweep.sin()) };
        }
    }
    if !(bounds.width() + bounds.height()).is_finite() {
        return nothing;
    }
    Outline { bounds, solid: (twice_area >= 0.0) != reversed }
}

/// Groups of contours, each ascending, in the order of their first.
#[derive(Debug)]
pub(super) struct Groups {
    members: Vec<u32>,
    starts: Vec<u32>,
}

impl Groups {
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub fn get(&self, i: usize) -> &[u32] {
        &self.members[self.starts[i] as usize..self.starts[i + 1] as usize]
    }
}

/// Divides the contours that can be offset into groups that do not influence each other. Near-linear when few
/// boxes overlap.
pub(super) fn groups(contours: &[Polyline], outlines: &[Outline], frame: &Frame) -> Groups {
    let n = contours.len();
    let mut parent: Vec<u32> = (0..n as u32).collect();
    if n > 1 {
        for (i, j) in neighbours(contours, outlines, frame) {
            let (a, b) = (root(&mut parent, i), root(&mut parent, j));
            // The lower number leads.
            parent[a.max(b) as usize] = a.min(b);
        }
    }
    let mut starts = vec![0u32; n + 1];
    let roots: Vec<u32> = (0..n as u32).map(|i| root(&mut parent, i)).collect();
    let counted = |i: usize| !outlines[i].bounds.is_empty();
    for i in (0..n).filter(|&i| counted(i)) {
        starts[roots[i] as usize + 1] += 1;
    }
    for i in 0..n {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut members = vec![0; starts[n] as usize];
    for i in (0..n).filter(|&i| counted(i)) {
        let k = &mut next[roots[i] as usize];
        members[*k as usize] = i as u32;
        *k += 1;
    }
    starts.dedup();
    Groups { members, starts }
}

fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        parent[i as usize] = parent[parent[i as usize] as usize];
        i = parent[i as usize];
    }
    i
}

/// Returns the pairs of contours that may meet.
fn neighbours(contours: &[Polyline], outlines: &[Outline], frame: &Frame) -> Vec<(u32, u32)> {
    let boxes: Vec<Aabb> = outlines.iter().map(|o| o.bounds).collect();
    let total: f64 = boxes.iter().map(|b| b.width().max(b.height())).sum();
    let grid = Grid::new(&boxes, total / boxes.len() as f64 + 2.0 * frame.reach);
    let reach = 2.0 * frame.reach;
    let large: Vec<OnceLock<Clear<'static>>> = (0..contours.len()).map(|_| OnceLock::new()).collect();
    let test = Neighbours { contours, outlines, large: &large };
    (0..contours.len() as u32)
        .into_par_iter()
        .with_min_len(256)
        .map_init(Vec::new, |found: &mut Vec<u32>, i| {
            let mine = &outlines[i as usize];
            found.clear();
            if !mine.bounds.is_empty() {
                let area = mine.bounds.inflated(reach);
                grid.visit(&area, |j| {
                    let other = &outlines[j as usize];
                    if j > i
                        && other.bounds.intersects(if same_part(mine, other) { &area } else { &mine.bounds })
                    {
                        found.push(j);
                    }
                });
            }
            found.sort_unstable();
            found.dedup();
            let near = |&j: &u32| {
                let together = same_part(mine, &outlines[j as usize]);
                // Contours that cross are one figure, whatever they bound.
                test.near(i, j, if together { reach } else { TOUCH })
            };
            found.iter().copied().filter(near).map(|j| (i, j)).collect::<Vec<_>>()
        })
        .flatten_iter()
        .collect()
}

/// True when two contours may bound one part of the outside.
fn same_part(a: &Outline, b: &Outline) -> bool {
    match (a.solid, b.solid) {
        (true, true) => true,
        (false, false) => false,
        (true, false) => b.bounds.inflated(TOUCH).contains_box(&a.bounds),
        (false, true) => a.bounds.inflated(TOUCH).contains_box(&b.bounds),
    }
}

struct Neighbours<'a> {
    contours: &'a [Polyline],
    outlines: &'a [Outline],
    /// Indexes of large contours, made when first asked for.
    large: &'a [OnceLock<Clear<'static>>],
}

impl Neighbours<'_> {
    /// True when contours `i` and `j` come within `reach` of each other.
    fn near(&self, i: u32, j: u32, reach: f64) -> bool {
        let size = |k: u32| self.contours[k as usize].vertices.len();
        let (small, big) = if size(i) <= size(j) { (i, j) } else { (j, i) };
        let area = self.outlines[small as usize].bounds.inflated(reach);
        let few = &self.contours[small as usize].vertices;
        if size(big) > LARGE {
            let index = self.large[big as usize].get_or_init(|| {
                let mut pieces = Vec::new();
                load(&self.contours[big as usize], big, false, &mut pieces);
                Clear::new(pieces)
            });
            return (0..few.len()).any(|k| {
                let bounds = bounds_at(few, k);
                piece_at(few, k).is_some_and(|s| index.is_within(&s.segment(), &bounds, reach))
            });
        }
        let many = &self.contours[big as usize].vertices;
        (0..many.len()).any(|i| {
            let bounds = bounds_at(many, i);
            if !bounds.intersects(&area) {
                return false;
            }
            let Some(segment) = piece_at(many, i).map(|p| p.segment()) else { return false };
            let around = bounds.inflated(reach);
            (0..few.len()).any(|k| {
                bounds_at(few, k).intersects(&around)
                    && piece_at(few, k).is_some_and(|s| segment_distance(&segment, &s.segment()) <= reach)
            })
        })
    }
}

fn ends(v: &[Vertex], i: usize) -> (Point, Point) {
    (v[i].point, v[if i + 1 == v.len() { 0 } else { i + 1 }].point)
}

fn bounds_at(v: &[Vertex], i: usize) -> Aabb {
    let (a, b) = ends(v, i);
    piece_box(a, b, v[i].bulge)
}

fn piece_at(v: &[Vertex], i: usize) -> Option<Piece> {
    let (a, b) = ends(v, i);
    (a != b).then(|| Piece::new(a, b, v[i].bulge, 0))
}
