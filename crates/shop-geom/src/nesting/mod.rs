//! Which contour lies in which: regions of any depth from closed contours, and contours that cross.
//!
//! A contour is tested by one point well inside of it: contours that touch at points or along edges cannot confuse
//! such a point, and of contours that do not cross, exactly the larger ones that hold the point lie around it. The
//! candidates come from a grid per box size, smallest area first, so that the first that holds the point is the
//! parent and the depth is one more than the parent's.

pub(crate) mod crossing;
mod inside;
mod repair;

use crate::cells::{Cells, level_of};
use crate::{Aabb, Point, Polyline};
use inside::{Mono, Rows};
use rayon::prelude::*;
use shop_report::{Cancelled, Progress};
use std::sync::OnceLock;

/// A place at which contours cross, or one crosses itself (`a == b`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// One contour.
    pub a: u32,
    /// The other, or the same.
    pub b: u32,
    /// Where.
    pub at: Point,
}

/// Containment of closed contours; even depth is the outside of a part, odd depth a hole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nesting {
    /// The smallest contour around each.
    pub parent: Vec<Option<u32>>,
    /// How many contours lie around each.
    pub depth: Vec<u32>,
}

/// Finds for every closed contour the one around it. Near-linear: O(n log n) for n pieces when contours do not
/// pile up at one height; a contour of n pieces and k holes costs O(n + k · pieces per row).
///
/// Contours may touch, at points or along edges. Of two equal ones the earlier lies around the later. Where
/// contours cross, each is judged by one point inside of it.
pub fn nesting(contours: &[Polyline], progress: &dyn Progress) -> Result<Nesting, Cancelled> {
    progress.begin("nesting", contours.len() as u64);
    let shapes = Shapes::new(contours);
    let (cells, levels) = Cells::of_boxes(
        shapes.by_area.iter().enumerate().map(|(rank, &i)| (rank as u32, shapes.bounds[i as usize])),
    );
    let parent = (0..contours.len())
        .into_par_iter()
        .with_min_len(CHUNK)
        .map(|i| {
            if i % CHUNK == 0 {
                progress.advance(CHUNK.min(contours.len() - i) as u64)?;
            }
            Ok(shapes.parent(i, &cells, &levels))
        })
        .collect::<Result<Vec<Option<u32>>, Cancelled>>()?;
    let mut depth = vec![0; contours.len()];
    for &i in shapes.by_area.iter().rev() {
        if let Some(p) = parent[i as usize] {
            depth[i as usize] = depth[p as usize] + 1;
        }
    }
    Ok(Nesting { parent, depth })
}

/// Contours between two looks at the progress.
const CHUNK: usize = 512;

/// Contours with more pieces than this are sorted into rows when first asked for.
const LARGE: usize = 96;

/// Everything about contours that containment needs.
struct Shapes {
    monos: Vec<Mono>,
    /// First piece of each contour, and one more.
    starts: Vec<u32>,
    bounds: Vec<Aabb>,
    inner: Vec<Point>,
    /// Contours by area, smallest first; of equal ones the later first.
    by_area: Vec<u32>,
    /// Place of each contour in `by_area`.
    rank: Vec<u32>,
    rows: Vec<OnceLock<Rows>>,
}

impl Shapes {
    fn new(contours: &[Polyline]) -> Shapes {
        let groups: Vec<Group> = contours.par_chunks(CHUNK).map(Group::new).collect();
        let n = groups.iter().map(|g| g.monos.len()).sum();
        let mut monos = Vec::with_capacity(n);
        let mut starts = Vec::with_capacity(contours.len() + 1);
        let (mut bounds, mut inner, mut areas) = (Vec::new(), Vec::new(), Vec::new());
        for g in groups {
            starts.extend(g.starts.iter().map(|s| s + monos.len() as u32));
            monos.extend(g.monos);
            bounds.extend(g.bounds);
            inner.extend(g.inner);
            areas.extend(g.areas);
        }
        starts.push(monos.len() as u32);
        let mut by_area: Vec<u32> = (0..contours.len() as u32).collect();
        by_area.sort_unstable_by(|&a, &b| areas[a as usize].total_cmp(&areas[b as usize]).then(b.cmp(&a)));
        let mut rank = vec![0; contours.len()];
        by_area.iter().enumerate().for_each(|(r, &i)| rank[i as usize] = r as u32);
        let rows = (0..contours.len()).map(|_| OnceLock::new()).collect();
        Shapes { monos, starts, bounds, inner, by_area, rank, rows }
    }

    fn monos(&self, i: usize) -> &[Mono] {
        &self.monos[self.starts[i] as usize..self.starts[i + 1] as usize]
    }

    /// True when contour `i` holds `p` (even-odd).
    fn holds(&self, i: usize, p: Point) -> bool {
        let monos = self.monos(i);
        let crossed = if monos.len() <= LARGE {
            inside::crossed(monos, p)
        } else {
            self.rows[i].get_or_init(|| Rows::new(monos)).crossed(monos, p)
        };
        crossed % 2 == 1
    }

    /// Returns the contour of least area among the larger ones that hold the inner point of contour `i`.
    fn parent(&self, i: usize, cells: &Cells, levels: &[i32]) -> Option<u32> {
        let (p, own) = (self.inner[i], self.rank[i]);
        let mut best: Option<u32> = None;
        let from = level_of(&self.bounds[i]);
        // What lies around has a box at least as large, up to rounding.
        for &level in levels.iter().filter(|&&l| l + 1 >= from) {
            let (entries, tag) = cells.at_level(level, p);
            let first = entries.partition_point(|e| e.item <= own);
            for e in entries[first..].iter().take_while(|e| best.is_none_or(|b| e.item < b)) {
                let k = self.by_area[e.item as usize] as usize;
                if e.tag == tag && self.bounds[k].contains(p) && self.holds(k, p) {
                    best = Some(e.item);
                    break;
                }
            }
        }
        best.map(|rank| self.by_area[rank as usize])
    }
}

/// The shapes of some consecutive contours.
struct Group {
    monos: Vec<Mono>,
    starts: Vec<u32>,
    bounds: Vec<Aabb>,
    inner: Vec<Point>,
    areas: Vec<f64>,
}

impl Group {
    fn new(contours: &[Polyline]) -> Group {
        let vertices: usize = contours.iter().map(|c| c.vertices.len()).sum();
        let mut g = Group {
            monos: Vec::with_capacity(vertices * 2),
            starts: Vec::with_capacity(contours.len()),
            bounds: Vec::with_capacity(contours.len()),
            inner: Vec::with_capacity(contours.len()),
            areas: Vec::with_capacity(contours.len()),
        };
        let mut scratch = Vec::new();
        for c in contours {
            let from = g.monos.len();
            g.starts.push(from as u32);
            inside::monotone(c, &mut g.monos);
            let bounds = inside::bounds(&g.monos[from..], c);
            let inner = inside::point_inside(&g.monos[from..], &bounds, &mut scratch);
            g.bounds.push(bounds);
            g.inner.push(inner.or(c.first()).unwrap_or_default());
            g.areas.push(inside::area(c));
        }
        g
    }
}

/// Returns the contours as the boundary of a solid: counter-clockwise at even depth, clockwise at odd.
#[must_use]
pub fn oriented(contours: &[Polyline], nesting: &Nesting) -> Vec<Polyline> {
    contours
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let hole = nesting.depth.get(i).is_some_and(|d| d % 2 == 1);
            if (c.area() < 0.0) == hole { c.clone() } else { c.clone().reversed() }
        })
        .collect()
}

/// Returns the box of a closed contour without computing an angle.
pub(crate) fn bounds(contour: &Polyline) -> Aabb {
    inside::bounds_of(contour)
}

/// Finds where contours cross each other or themselves, sorted by contours and place; touching, at a point or along
/// an edge, is not crossing. Near-linear for contours that cross at few places.
///
/// Contours cross where one gets to the other side of the other by more than 1e-5 mm; files with five decimals
/// draw tangents no better than that.
pub fn crossings(contours: &[Polyline], progress: &dyn Progress) -> Result<Vec<Crossing>, Cancelled> {
    crossing::crossings(contours, progress)
}

/// Rebuilds crossing contours as the boundary of their even-odd fill: simple contours that do not cross,
/// counter-clockwise around solid and clockwise around voids.
///
/// Arcs stay arcs. Where the pieces cannot be put together again (places nearer to each other than rounding), the
/// fill is computed on polygons within `tolerance` of the contours instead.
pub fn repair(contours: &[Polyline], tolerance: f64) -> Vec<Polyline> {
    repair::repair(contours, tolerance)
}

#[cfg(test)]
mod tests;
