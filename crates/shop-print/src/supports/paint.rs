//! Painted surfaces, layer by layer: what of them lies between a layer's plane and the one below it, seen from above.
//!
//! What hangs in a layer lies, seen from above, between its own contour and that of the layer below; so does the surface
//! between their planes. A painted surface therefore says of just that strip whether it is held.
//!
//! ```text
//!          ╱ layer i          ├───┤  what hangs in layer i
//!        ╱▒
//!      ╱▒▒─ layer i − 1       ├───┤  the surface between the planes
//! ```

use crate::facets::Levels;
use shop_geom::mesh::Mesh;
use shop_geom::planar::{Contours, PER_MM, Spot, twice_area};

/// A painted surface.
#[derive(Clone, Debug, Default)]
pub struct Paint {
    /// Corners, grid units.
    triangles: Vec<[[i32; 3]; 3]>,
    /// The lowest layer that each comes to.
    firsts: Vec<u32>,
    /// Triangles whose highest layer is i are `order[starts[i]..starts[i + 1]]`.
    order: Vec<u32>,
    starts: Vec<u32>,
}

/// The triangles of a layer, from the top to the bottom.
#[derive(Clone, Debug, Default)]
pub(super) struct Fall {
    now: Vec<u32>,
}

impl Paint {
    /// Makes surfaces ready, moved by `shift` mm. O(triangles).
    pub fn new(meshes: &[Mesh], shift: [f64; 3], levels: &Levels) -> Paint {
        let grid = |v: f64, k: usize| ((v + shift[k]) * PER_MM).round() as i32;
        let corner = |m: &Mesh, i: u32| {
            let p = m.points[i as usize];
            [grid(p.x, 0), grid(p.y, 1), grid(p.z, 2)]
        };
        let all = meshes.iter().flat_map(|m| m.triangles.iter().map(move |t| t.map(|i| corner(m, i))));
        let mut paint = Paint { starts: vec![0; levels.len() + 1], ..Paint::default() };
        let mut lasts = Vec::new();
        for t in all {
            let z = t.map(|c| c[2]);
            let (low, high) = (z[0].min(z[1]).min(z[2]), z[0].max(z[1]).max(z[2]));
            // What lies in a plane belongs to the layer that is cut above it.
            let (first, last) = (levels.above(low), levels.above(high).min(levels.len().saturating_sub(1)));
            if first <= last && first < levels.len() {
                paint.triangles.push(t);
                paint.firsts.push(first as u32);
                lasts.push(last);
                paint.starts[last + 1] += 1;
            }
        }
        for i in 1..paint.starts.len() {
            paint.starts[i] += paint.starts[i - 1];
        }
        let mut at = paint.starts.clone();
        paint.order = vec![0; lasts.len()];
        for (i, last) in lasts.into_iter().enumerate() {
            paint.order[at[last] as usize] = i as u32;
            at[last] += 1;
        }
        paint
    }

    /// True when nothing is painted.
    pub fn is_empty(&self) -> bool {
        self.triangles.is_empty()
    }

    /// Goes on to the next layer down.
    pub(super) fn advance(&self, fall: &mut Fall, layer: usize) -> Vec<u32> {
        fall.now.retain(|t| self.firsts[*t as usize] as usize <= layer);
        let new = self.starts[layer] as usize..self.starts[layer + 1] as usize;
        fall.now.extend_from_slice(&self.order[new]);
        fall.now.clone()
    }

    /// Adds what of some triangles lies between two heights, seen from above, each piece left about.
    pub(super) fn strips(&self, triangles: &[u32], low: i32, high: i32, out: &mut Contours) {
        for t in triangles {
            let corners = self.triangles[*t as usize].map(|c| c.map(f64::from));
            let piece = clipped(&clipped(&corners, 1.0, f64::from(low)), -1.0, -f64::from(high));
            let mut piece: Vec<Spot> =
                piece.iter().map(|[x, y, _]| Spot::new(x.round() as i32, y.round() as i32)).collect();
            if piece.len() > 1 {
                if twice_area(&piece) < 0 {
                    piece.reverse();
                }
                out.add(&piece);
            }
        }
    }
}

/// Returns what of a polygon has `sign` · z ≥ `limit` (Sutherland and Hodgman 1974).
fn clipped(corners: &[[f64; 3]], sign: f64, limit: f64) -> Vec<[f64; 3]> {
    let mut out = Vec::with_capacity(corners.len() + 1);
    for (i, a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        let (da, db) = (sign * a[2] - limit, sign * b[2] - limit);
        if da >= 0.0 {
            out.push(*a);
        }
        if da.min(db) < 0.0 && da.max(db) > 0.0 {
            let t = da / (da - db);
            out.push(std::array::from_fn(|k| a[k] + t * (b[k] - a[k])));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::mesh::Point3;

    #[test]
    fn strips_of_all_layers_are_the_surface_seen_from_above() {
        let points = [[0.0, 0.0, 0.03], [8.0, 1.0, 3.4], [-1.0, 6.0, 2.0]].map(Point3::from).to_vec();
        let mesh = Mesh { points, triangles: vec![[0, 1, 2]] };
        let levels = Levels::even(4.0, 0.2, 0.2);
        let paint = Paint::new(&[mesh], [1.0, 2.0, 0.0], &levels);
        let (mut fall, mut area) = (Fall::default(), 0.0);
        for layer in (0..levels.len()).rev() {
            let mut strips = Contours::default();
            let below = layer.checked_sub(1).map_or(i32::MIN / 2, |l| levels.plane(l));
            let now = paint.advance(&mut fall, layer);
            paint.strips(&now, below, levels.plane(layer), &mut strips);
            area += strips.area_mm2();
        }
        let whole = 0.5 * (8.0 * 6.0 + 1.0);
        assert!((area - whole).abs() < 1e-3, "{area} {whole}");
    }
}
