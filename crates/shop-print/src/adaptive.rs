//! Layers as high as the surface allows: thin ones where it is nearly level, thick ones where it is steep.
//!
//! On a slope, layers are steps. How far a step's edge stands off the surface, its **cusp**, is the layer's height times
//! the upward part of the surface's normal (Dolenc and Mäkelä, *Computer-Aided Design* 26, 1994). Where the surface is
//! quite level nothing is stepped; there, a layer is to end exactly at its height.

use crate::facets::Levels;
use shop_geom::mesh::Mesh;

/// What is wanted of layers, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Height of the first layer.
    pub first: f64,
    /// Largest cusp.
    pub cusp: f64,
    /// Lowest and highest layer.
    pub heights: [f64; 2],
}

/// Slopes are known for slabs this high, mm.
const SLAB_MM: f64 = 0.02;
/// Facets this close to level are level: the upward part of their normal.
const LEVEL: f64 = 0.9999;
/// Heights are whole numbers of these, mm.
const STEP_MM: f64 = 0.01;

/// Slopes by height.
#[derive(Debug)]
pub struct Slopes {
    /// Most level slope of each slab: the upward part of its normal.
    slabs: Vec<f32>,
    /// Heights of level faces, mm.
    levels: Vec<f64>,
    height: f64,
}

impl Slopes {
    /// Begins with a print `height` mm tall, of which nothing is known.
    pub fn new(height: f64) -> Slopes {
        let count = (height / SLAB_MM).ceil().clamp(1.0, 1e7) as usize;
        Slopes { slabs: vec![0.0; count], levels: Vec::new(), height }
    }

    /// Takes a mesh in that is moved by `shift` mm upwards. O(triangles × slabs that they span).
    pub fn add(&mut self, mesh: &Mesh, shift: f64) {
        let last = self.slabs.len() - 1;
        let slab = |z: f64| ((z / SLAB_MM).max(0.0) as usize).min(last);
        for &triangle in &mesh.triangles {
            let [a, b, c] = mesh.corners(triangle);
            let normal = (b - a).cross(&(c - a));
            let size = normal.norm();
            if size <= 0.0 {
                continue;
            }
            let up = (normal.z / size).abs();
            let (low, high) = (a.z.min(b.z).min(c.z) + shift, a.z.max(b.z).max(c.z) + shift);
            if up >= LEVEL {
                self.levels.push(high);
                continue;
            }
            for most in &mut self.slabs[slab(low)..=slab(high)] {
                *most = most.max(up as f32);
            }
        }
        self.levels.sort_by(f64::total_cmp);
        self.levels.dedup_by(|a, b| (*a - *b).abs() < 1e-3);
    }

    /// Returns the layers.
    pub fn layers(&self, wanted: &Wanted) -> Levels {
        let mut tops = vec![wanted.first];
        while let Some(&bottom) = tops.last() {
            let height = self.height_at(bottom, wanted);
            // A layer is there when the part reaches its middle.
            if bottom + 0.5 * height >= self.height || tops.len() >= Levels::MOST {
                break;
            }
            tops.push(((bottom + height) * 1e6).round() / 1e6);
        }
        Levels::of_tops(tops, self.height)
    }

    /// Returns how high the layer may be that begins at `bottom`.
    fn height_at(&self, bottom: f64, wanted: &Wanted) -> f64 {
        let [least, most] = wanted.heights;
        let mut height = most.max(least);
        loop {
            let from = ((bottom / SLAB_MM) as usize).min(self.slabs.len());
            let to = (((bottom + height) / SLAB_MM).ceil() as usize).clamp(from, self.slabs.len());
            let steepest = self.slabs[from..to].iter().fold(0.0, |m: f32, s| m.max(*s));
            let allowed = (wanted.cusp / f64::from(steepest).max(1e-6)).clamp(least, most.max(least));
            let allowed = ((allowed / STEP_MM + 1e-6).floor() * STEP_MM).max(least);
            if allowed >= height - 1e-9 {
                break;
            }
            // Never lower than what the slopes of the lower part ask for.
            height = (height - STEP_MM).max(allowed);
        }
        // Level faces end a layer, and leave room for one below them.
        let first = self.levels.partition_point(|z| *z < bottom + least - 1e-6);
        match self.levels.get(first) {
            Some(z) if *z <= bottom + height + 1e-6 => z - bottom,
            Some(z) if *z < bottom + height + least => (0.5 * (z - bottom)).max(least),
            _ => height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::mesh::Point3;

    const WANTED: Wanted = Wanted { first: 0.2, cusp: 0.05, heights: [0.08, 0.28] };

    /// A ball of radius 10 on the bed.
    fn ball() -> Mesh {
        let (n, m) = (60_u32, 60_u32);
        let mut mesh = Mesh::default();
        for i in 0..=n {
            let (sin, cos) = (f64::from(i) / f64::from(n) * std::f64::consts::PI).sin_cos();
            for k in 0..m {
                let (y, x) = (f64::from(k) / f64::from(m) * std::f64::consts::TAU).sin_cos();
                mesh.points.push(Point3::new(10.0 * sin * x, 10.0 * sin * y, 10.0 - 10.0 * cos));
            }
        }
        for i in 0..n {
            for k in 0..m {
                let [a, b] = [k, (k + 1) % m].map(|k| i * m + k);
                mesh.triangles.push([a, b, b + m]);
                mesh.triangles.push([a, b + m, a + m]);
            }
        }
        mesh
    }

    #[test]
    fn layers_of_a_ball_are_thin_where_it_is_level() {
        let mut slopes = Slopes::new(20.0);
        slopes.add(&ball(), 0.0);
        let levels = slopes.layers(&WANTED);
        assert!((levels.top(levels.len() - 1) - 20.0).abs() < 0.2);
        for i in 1..levels.len() {
            let (height, top) = (levels.height(i), levels.top(i));
            assert!((0.08 - 1e-9..=0.28 + 1e-9).contains(&height), "{height}");
            // The upward part of the normal at the height of the layer's middle.
            let up = ((top - 0.5 * height - 10.0) / 10.0).abs();
            // Facets are flat, and slabs see the whole facet.
            assert!(height <= 0.09 || height * (up - 0.06) <= 0.05 + 1e-3, "{top} {height} {up}");
        }
        let middle = (0..levels.len()).find(|&i| levels.top(i) > 10.0).expect("there is one");
        assert!(levels.height(middle) > 0.27);
        assert!(levels.height(1) < 0.09);
    }

    #[test]
    fn level_faces_end_a_layer() {
        let mut step = Mesh::default();
        for z in [0.0, 3.33, 7.1] {
            let n = step.points.len() as u32;
            step.points.extend([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]].map(|[x, y]| Point3::new(x, y, z)));
            step.triangles.push([n, n + 1, n + 2]);
        }
        let mut slopes = Slopes::new(7.1);
        slopes.add(&step, 0.0);
        let levels = slopes.layers(&WANTED);
        for z in [3.33, 7.1] {
            assert!((0..levels.len()).any(|i| (levels.top(i) - z).abs() < 1e-5), "{z}");
        }
        assert!((1..levels.len()).all(|i| levels.height(i) >= 0.08 - 1e-9));
    }
}
