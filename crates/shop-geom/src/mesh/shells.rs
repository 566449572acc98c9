//! Shells: the pieces of a mesh that hang together by their points, and which of them are turned inside out.
//!
//! Points are joined by all cores at once: each group is a tree whose root is its lowest point, and roots are hung
//! under lower ones by compare-and-swap, so the trees may differ from run to run, but not the groups.

use super::{Mesh, Point3};
use crate::cross;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Triangles looked at in one go; sums of volumes are added up by these, whatever the threads.
const CHUNK: usize = 1 << 14;

/// A piece of a mesh that hangs together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shell {
    /// The lowest of its points, which names it.
    pub first: u32,
    /// What it encloses, mm³; negative when it is seen from inside.
    pub volume: f64,
    /// How many triangles it has.
    pub triangles: usize,
}

/// Returns the lowest point of each point's shell. Grows with the mesh; four bytes a point.
pub fn labels(mesh: &Mesh) -> Vec<u32> {
    let parents: Vec<AtomicU32> = (0..mesh.points.len() as u32).into_par_iter().map(AtomicU32::new).collect();
    mesh.triangles.par_iter().with_min_len(CHUNK).for_each(|t| {
        join(&parents, t[0], t[1]);
        join(&parents, t[0], t[2]);
    });
    (0..mesh.points.len() as u32).into_par_iter().with_min_len(CHUNK).map(|i| find(&parents, i)).collect()
}

fn find(parents: &[AtomicU32], mut i: u32) -> u32 {
    loop {
        let parent = parents[i as usize].load(Ordering::Relaxed);
        if parent == i {
            return i;
        }
        // Skip a step for those who come later; parents only ever get lower, so a lost race loses nothing.
        let above = parents[parent as usize].load(Ordering::Relaxed);
        parents[i as usize].fetch_min(above, Ordering::Relaxed);
        i = above;
    }
}

fn join(parents: &[AtomicU32], a: u32, b: u32) {
    let (mut a, mut b) = (find(parents, a), find(parents, b));
    while a != b {
        let (low, high) = (a.min(b), a.max(b));
        // Only a root may be hung elsewhere.
        if parents[high as usize].compare_exchange(high, low, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return;
        }
        (a, b) = (find(parents, low), find(parents, high));
    }
}

/// Returns the shells of a mesh in order of their lowest points, with what each encloses.
pub fn shells(mesh: &Mesh, labels: &[u32]) -> Vec<Shell> {
    let Some(&at) = mesh.points.first() else { return Vec::new() };
    // Triangles of one shell mostly follow one another: sums by runs are few.
    let runs: Vec<Vec<(u32, f64, usize)>> = mesh
        .triangles
        .par_chunks(CHUNK)
        .map(|part| {
            let mut runs: Vec<(u32, f64, usize)> = Vec::new();
            for &t in part {
                let [a, b, c] = mesh.corners(t).map(|p| p - at);
                let (label, six) = (labels[t[0] as usize], a.dot(&b.cross(&c)));
                match runs.last_mut().filter(|r| r.0 == label) {
                    Some(run) => (run.1, run.2) = (run.1 + six, run.2 + 1),
                    None => runs.push((label, six, 1)),
                }
            }
            runs
        })
        .collect();
    let mut runs: Vec<(u32, f64, usize)> = runs.concat();
    // Stable: sums are added in the order of the triangles.
    runs.sort_by_key(|r| r.0);
    runs.chunk_by(|a, b| a.0 == b.0)
        .map(|of| Shell {
            first: of[0].0,
            volume: of.iter().map(|r| r.1).sum::<f64>() / 6.0,
            triangles: of.iter().map(|r| r.2).sum(),
        })
        .collect()
}

/// Returns the shells, by their lowest point, that are turned inside out: seen from inside although no other shell
/// is around them whose cavity they could be. Grows with n log m for m shells that are seen from inside.
pub fn inverted(mesh: &Mesh, labels: &[u32], shells: &[Shell]) -> Vec<u32> {
    let mut probes: Vec<Probe> =
        shells.iter().filter(|s| s.volume < 0.0).map(|s| Probe::new(s.first)).collect();
    if probes.is_empty() {
        return Vec::new();
    }
    // A probe starts from the middle of its shell's largest triangle as seen from above.
    for &t in &mesh.triangles {
        if let Ok(i) = probes.binary_search_by_key(&labels[t[0] as usize], |p| p.shell) {
            probes[i].offer(mesh.corners(t));
        }
    }
    let by_x = {
        let mut order: Vec<usize> = (0..probes.len()).collect();
        order.sort_by(|a, b| probes[*a].at.x.total_cmp(&probes[*b].at.x));
        order
    };
    let sorted: Vec<Probe> = by_x.iter().map(|i| probes[*i]).collect();
    let turns = |part: &[[u32; 3]]| {
        let mut hits: Vec<(usize, i32)> = Vec::new();
        for &t in part {
            let corners = mesh.corners(t);
            let (low, high) =
                (corners[0].inf(&corners[1]).inf(&corners[2]), corners[0].sup(&corners[1]).sup(&corners[2]));
            let from = sorted.partition_point(|p| p.at.x < low.x);
            for (i, probe) in sorted.iter().enumerate().skip(from).take_while(|(_, p)| p.at.x <= high.x) {
                let reaches = (low.y..=high.y).contains(&probe.at.y) && high.z > probe.at.z;
                if reaches && labels[t[0] as usize] != probe.shell {
                    let turns = probe.turns_above(corners);
                    if turns != 0 {
                        hits.push((i, turns));
                    }
                }
            }
        }
        hits
    };
    let hits: Vec<Vec<(usize, i32)>> = mesh.triangles.par_chunks(CHUNK).map(turns).collect();
    let mut around = vec![0; sorted.len()];
    for (i, turns) in hits.into_iter().flatten() {
        around[i] += turns;
    }
    let mut out: Vec<u32> =
        sorted.iter().zip(around).filter(|(_, n)| *n <= 0).map(|(p, _)| p.shell).collect();
    out.sort_unstable();
    out
}

/// A place on a shell from which to look up.
#[derive(Clone, Copy, Debug)]
struct Probe {
    shell: u32,
    at: Point3,
    area: f64,
}

impl Probe {
    fn new(shell: u32) -> Probe {
        Probe { shell, at: Point3::origin(), area: -1.0 }
    }

    fn offer(&mut self, [a, b, c]: [Point3; 3]) {
        let area = cross((b - a).xy(), (c - a).xy()).abs();
        if area > self.area {
            self.area = area;
            self.at = Point3::from((a.coords + b.coords + c.coords) / 3.0);
        }
    }

    /// Returns how often the triangle goes round the line straight up, counter-clockwise seen from above, if it does so
    /// above the place. Edges are decided exactly, so that of two triangles one has the line.
    fn turns_above(&self, [a, b, c]: [Point3; 3]) -> i32 {
        let at = self.at.xy();
        let side = |p: Point3, q: Point3| {
            let coord = |p: Point3| robust::Coord { x: p.x, y: p.y };
            robust::orient2d(coord(p), coord(q), robust::Coord { x: at.x, y: at.y })
        };
        let crossing = |p: Point3, q: Point3| match (p.y <= at.y, q.y <= at.y) {
            (true, false) if side(p, q) > 0.0 => 1,
            (false, true) if side(p, q) <= 0.0 => -1,
            _ => 0,
        };
        let turns = crossing(a, b) + crossing(b, c) + crossing(c, a);
        if turns == 0 {
            return 0;
        }
        // The triangle's height on the line.
        let normal = (b - a).cross(&(c - a));
        let z = a.z - (normal.x * (at.x - a.x) + normal.y * (at.y - a.y)) / normal.z;
        if z > self.at.z { turns } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Transform;

    fn cube(at: [f64; 3], size: f64, turned: bool) -> Mesh {
        let corner = |i: usize| {
            let step = |bit: usize| if i >> bit & 1 == 1 { size } else { 0.0 };
            Point3::new(at[0] + step(0), at[1] + step(1), at[2] + step(2))
        };
        let mut triangles = vec![
            [0, 2, 1],
            [1, 2, 3],
            [4, 5, 6],
            [5, 7, 6],
            [0, 1, 4],
            [1, 5, 4],
            [2, 6, 3],
            [3, 6, 7],
            [0, 4, 2],
            [2, 4, 6],
            [1, 3, 5],
            [3, 7, 5],
        ];
        if turned {
            for t in &mut triangles {
                t.swap(1, 2);
            }
        }
        Mesh { points: (0..8).map(corner).collect(), triangles }
    }

    fn together(meshes: impl IntoIterator<Item = Mesh>) -> Mesh {
        let mut all = Mesh::default();
        meshes.into_iter().for_each(|m| all.append(&m));
        all
    }

    #[test]
    fn a_cavity_is_no_inverted_part() {
        let mesh = together([
            cube([0.0; 3], 10.0, false),
            cube([2.0; 3], 5.0, true),
            cube([20.0, 0.0, 0.0], 3.0, true),
            cube([3.0; 3], 1.0, false),
        ]);
        let labels = labels(&mesh);
        let shells = shells(&mesh, &labels);
        let volumes: Vec<f64> = shells.iter().map(|s| s.volume.round()).collect();
        assert_eq!(volumes, [1000.0, -125.0, -27.0, 1.0]);
        assert_eq!(shells.iter().map(|s| s.triangles).sum::<usize>(), 48);
        assert_eq!(inverted(&mesh, &labels, &shells), [16]);
    }

    #[test]
    fn shells_do_not_depend_on_the_order_of_triangles() {
        let many = (0..50).map(|i| cube([f64::from(i) * 2.0, 0.0, 0.0], 1.0, i % 3 == 0));
        let mut mesh = together(many).transformed(&Transform::turn(super::super::Vector3::z(), 0.3));
        let before = labels(&mesh);
        mesh.triangles.reverse();
        assert_eq!(labels(&mesh), before);
        let found = shells(&mesh, &before);
        assert_eq!(found.len(), 50);
        assert_eq!(inverted(&mesh, &before, &found).len(), 17);
    }
}
