//! How much of a wall's width lies over air.
//!
//! ```text
//!        ┌──w──┐           The middle of the wall lies d beyond the contour of the layer below (d < 0 inside of it):
//!   ─────┼──╂──┤           the share of its width over air is d / w + ½.
//!   below│──d→ ╎
//! ```
//!
//! Most corners of most layers lie well within the layer below, which its scan lines show for nothing. Only for the
//! others the nearest edge of the contour below is looked for.

use crate::rows::{Frame, Rows};
use crate::slice::Slice;
use shop_geom::grid::Grid;
use shop_geom::planar::{PER_MM, Spot};
use shop_geom::{Aabb, Line, Point, cross};

/// Edges longer than this are looked at in between, mm.
const STEP_MM: f64 = 1.0;
/// Corners are added where the share changes by more than this, percent.
const CHANGE: i32 = 8;

/// A layer below, ready to be asked.
pub struct Below<'a> {
    rows: &'a Rows,
    frame: Frame,
    /// Corners and those after them, mm.
    edges: Vec<Line>,
    /// The edge that ends where an edge begins.
    before: Vec<u32>,
    /// The edge that begins where an edge ends.
    after: Vec<u32>,
    grid: Grid,
    width: f64,
}

impl<'a> Below<'a> {
    /// Makes the layer below ready for walls `width` mm wide; `frame` is that of its first scan lines.
    pub fn new(below: &'a Slice, frame: Frame, width: f64) -> Below<'a> {
        let (mut edges, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for contour in below.region.iter() {
            let (first, n) = (edges.len() as u32, contour.len() as u32);
            for (i, a) in contour.iter().enumerate() {
                let b = contour[(i + 1) % contour.len()];
                edges.push(Line { a: Point::from(a.mm()), b: Point::from(b.mm()) });
                before.push(first + (i as u32 + n - 1) % n);
                after.push(first + (i as u32 + 1) % n);
            }
        }
        let boxes: Vec<Aabb> = edges.iter().map(|e| Aabb::new(e.a, e.b)).collect();
        Below {
            rows: &below.cover[0],
            frame,
            grid: Grid::new(&boxes, 2.0 * width),
            edges,
            before,
            after,
            width,
        }
    }

    /// Returns how much of a wall with its middle at a place lies over air, percent.
    pub fn percent(&self, at: Spot) -> u8 {
        if self.is_deep(at) {
            return 0;
        }
        let p = Point::from(at.mm());
        let near = self.grid.nearest(p, self.width, |i| self.edges[i as usize].distance_to(p));
        let Some((edge, far)) = near else {
            return if self.holds(at) { 0 } else { 100 };
        };
        let signed = if self.is_outside(edge as usize, p) { far } else { -far };
        (100.0 * (signed / self.width + 0.5)).clamp(0.0, 100.0).round() as u8
    }

    /// True when two scan lines on either side of a place are inside for more than half a width around it: between them
    /// lies nothing that is worth slowing down for.
    fn is_deep(&self, at: Spot) -> bool {
        let [u, v] = self.frame.turn(at);
        let row = (v / self.frame.pitch()).floor() as i32;
        let reach = 0.5 * (self.width * PER_MM + self.frame.pitch());
        (row - 1..=row + 2).all(|row| {
            self.rows.get(row).iter().any(|r| f64::from(r.a) <= u - reach && u + reach <= f64::from(r.b))
        })
    }

    /// True when the nearest scan line is inside beside a place; for places that no contour is near.
    fn holds(&self, at: Spot) -> bool {
        let [u, v] = self.frame.turn(at);
        let row = (v / self.frame.pitch()).round() as i32;
        self.rows.get(row).iter().any(|r| f64::from(r.a) <= u && u <= f64::from(r.b))
    }

    /// True when a place lies on the outer side of the edge that is nearest to it.
    fn is_outside(&self, edge: usize, p: Point) -> bool {
        let Line { a, b } = self.edges[edge];
        let along = b - a;
        let t = (p - a).dot(&along);
        let right = |e: usize| {
            let Line { a, b } = self.edges[e];
            cross(b - a, p - a) < 0.0
        };
        // Beside a corner, both its edges are asked: a corner that sticks out has all outside beyond either of them.
        let other = if t <= 0.0 {
            self.before[edge] as usize
        } else if t >= along.norm_squared() {
            self.after[edge] as usize
        } else {
            return right(edge);
        };
        let (first, second) = if t <= 0.0 { (other, edge) } else { (edge, other) };
        let ways = [first, second].map(|e| self.edges[e].b - self.edges[e].a);
        if cross(ways[0], ways[1]) >= 0.0 {
            right(first) || right(second)
        } else {
            right(first) && right(second)
        }
    }
}

/// Writes to `out` a closed wall with corners wherever the share over air changes, and to `percent` that share at each;
/// says whether any of it hangs at all.
pub fn mark(below: &Below<'_>, wall: &[Spot], out: &mut Vec<Spot>, percent: &mut Vec<u8>) -> bool {
    out.clear();
    percent.clear();
    let Some(&first) = wall.first() else { return false };
    let start = below.percent(first);
    let mut last = start;
    for (i, &a) in wall.iter().enumerate() {
        out.push(a);
        percent.push(last);
        let (b, end) = match wall.get(i + 1) {
            Some(&b) => (b, below.percent(b)),
            None => (first, start),
        };
        let pieces = (a.distance(b) / (STEP_MM * PER_MM)).ceil();
        for k in 1..pieces as u32 {
            let [x, y] = a.to(b).map(|w| (w * f64::from(k) / pieces).round() as i32);
            let at = Spot::new(a.x + x, a.y + y);
            let here = below.percent(at);
            if (i32::from(here) - i32::from(last)).abs() > CHANGE
                || (i32::from(here) - i32::from(end)).abs() > CHANGE
            {
                out.push(at);
                percent.push(here);
                last = here;
            }
        }
        last = end;
    }
    percent.iter().any(|p| *p > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Scanner;
    use shop_geom::planar::twice_area;

    const WIDTH: f64 = 0.44;

    fn slice(contours: &[&[[f64; 2]]]) -> Slice {
        let mut slice = Slice::default();
        for contour in contours {
            for [x, y] in *contour {
                slice.region.push(Spot::from_mm(*x, *y));
            }
            slice.region.close();
        }
        Scanner::default().scan(&slice.region, &frame(), &mut slice.cover[0]);
        slice
    }

    fn frame() -> Frame {
        Frame::new(0.7, 0.4 * PER_MM)
    }

    #[test]
    fn the_share_is_the_distance_from_the_contour_below() {
        let slice = slice(&[
            &[[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0]],
            &[[5.0, 5.0], [5.0, 8.0], [8.0, 8.0], [8.0, 5.0]],
        ]);
        assert!(twice_area(slice.region.get(1)) < 0);
        let below = Below::new(&slice, frame(), WIDTH);
        for (x, y, d) in [
            (10.0, 0.22, -0.22),
            (10.0, 0.0, 0.0),
            (10.0, -0.11, 0.11),
            (10.0, -5.0, 9.0),
            (12.0, 12.0, -9.0),
            (20.1, 20.1, 0.02_f64.sqrt()),
            (6.5, 5.05, 0.05),
            (6.5, 6.5, 9.0),
            (4.95, 4.95, -0.005_f64.sqrt()),
        ] {
            let want = (100.0 * (d / WIDTH + 0.5)).clamp(0.0, 100.0);
            let got = f64::from(below.percent(Spot::from_mm(x, y)));
            assert!((got - want).abs() <= 1.0, "{x} {y}: {got} {want}");
        }
    }

    #[test]
    fn a_wall_gets_corners_where_it_leaves_the_layer_below() {
        let slice = slice(&[&[[0.0, 0.0], [10.0, 0.0], [10.0, 20.0], [0.0, 20.0]]]);
        let below = Below::new(&slice, frame(), WIDTH);
        let wall = [[0.22, 0.22], [30.0, 0.22], [30.0, 19.0], [0.22, 19.0]].map(|[x, y]| Spot::from_mm(x, y));
        let (mut out, mut percent) = (Vec::new(), Vec::new());
        assert!(mark(&below, &wall, &mut out, &mut percent));
        assert_eq!(out.len(), percent.len());
        for (s, p) in out.iter().zip(&percent) {
            let x = s.mm()[0];
            assert!(
                if x < 9.7 {
                    *p == 0
                } else if x > 10.3 {
                    *p == 100
                } else {
                    true
                },
                "{x} {p}"
            );
        }
        let steps = out.windows(2).zip(percent.windows(2)).filter(|(_, p)| p[0] != p[1]);
        assert!(steps.clone().count() >= 2);
        assert!(steps.clone().all(|(s, _)| s[0].distance(s[1]) <= 1.01 * PER_MM));
        let inner = [[1.0, 1.0], [9.0, 1.0], [9.0, 19.0], [1.0, 19.0]].map(|[x, y]| Spot::from_mm(x, y));
        assert!(!mark(&below, &inner, &mut out, &mut percent));
    }
}
