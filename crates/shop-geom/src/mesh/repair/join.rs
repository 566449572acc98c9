//! Joins points that almost meet: those on open edges, when that closes the edges.
//!
//! The smallest distance that closes everything is taken, a tenth of the limit, a third or all of it; where none does,
//! the one that leaves the fewest open edges. A joined point is the mean of those that it is made of.

use super::super::edges::{Edges, Groups};
use super::super::{Mesh, Point3, Vector3};

/// Distances that are tried, as parts of the limit.
const LADDER: [f64; 3] = [0.1, 0.3, 1.0];
/// Points of a cell that a point is held against: in a heap of points all are near the first ones.
const MOST_NEIGHBOURS: usize = 32;

/// Joins points; returns how many became others, and within what distance.
pub(super) fn join(mesh: &mut Mesh, limit: f64) -> (usize, f64) {
    let edges = Edges::of(&mesh.triangles);
    let mut open: Vec<u32> = edges.iter().filter(|u| u.len() == 1).flat_map(|u| u[0].points()).collect();
    let mut fewest = edges.open();
    drop(edges);
    if fewest == 0 || limit <= 0.0 {
        return (0, 0.0);
    }
    open.sort_unstable();
    open.dedup();
    let mut best = None;
    for part in LADDER {
        let within = part * limit;
        let renamed = near(mesh, &open, within);
        let triangles: Vec<[u32; 3]> = mesh
            .triangles
            .iter()
            .map(|t| t.map(|i| renamed[i as usize]))
            .filter(|[a, b, c]| a != b && b != c && c != a)
            .collect();
        let left = Edges::of(&triangles).open();
        if left < fewest {
            fewest = left;
            best = Some((renamed, within));
        }
        if left == 0 {
            break;
        }
    }
    let Some((renamed, within)) = best else { return (0, 0.0) };
    let joined = apply(mesh, &open, &renamed);
    (joined, within)
}

/// Returns for every point which one it becomes: the lowest of those that are within reach, one after the other.
fn near(mesh: &Mesh, open: &[u32], within: f64) -> Vec<u32> {
    // Far beyond any part's size, cells may be shared: neighbours are told by their distance.
    let cell = |p: Point3| p.coords.map(|v| (v / within).floor().clamp(-1e15, 1e15) as i64);
    let mut cells: Vec<(nalgebra::Vector3<i64>, u32)> = Vec::with_capacity(open.len());
    cells.extend(open.iter().map(|&i| (cell(mesh.points[i as usize]), i)));
    let order = |a: &nalgebra::Vector3<i64>, b: &nalgebra::Vector3<i64>| a.as_slice().cmp(b.as_slice());
    cells.sort_unstable_by(|a, b| order(&a.0, &b.0).then(a.1.cmp(&b.1)));
    let mut groups = Groups::new(mesh.points.len());
    for (at, &(home, i)) in cells.iter().enumerate() {
        for dx in -1..=1 {
            for dy in -1..=1 {
                // Three cells one above the other are neighbours in the order.
                let low = home + nalgebra::Vector3::new(dx, dy, -1);
                let from = cells.partition_point(|c| order(&c.0, &low).is_lt());
                let high = home + nalgebra::Vector3::new(dx, dy, 1);
                let column = cells[from..].iter().take_while(|c| !order(&c.0, &high).is_gt());
                for (j, &(_, other)) in column.enumerate().take(3 * MOST_NEIGHBOURS) {
                    let apart = mesh.points[i as usize] - mesh.points[other as usize];
                    if from + j > at && apart.norm() <= within {
                        groups.join(i as usize, other as usize, false);
                    }
                }
            }
        }
    }
    (0..mesh.points.len()).map(|i| groups.find(i).0 as u32).collect()
}

/// Moves joined points to their mean and renames them in the triangles.
fn apply(mesh: &mut Mesh, open: &[u32], renamed: &[u32]) -> usize {
    let mut sums: Vec<(u32, Vector3)> =
        open.iter().map(|&i| (renamed[i as usize], mesh.points[i as usize].coords)).collect();
    // Stable: means do not depend on anything but the order of the points.
    sums.sort_by_key(|s| s.0);
    let mut joined = 0;
    for group in sums.chunk_by(|a, b| a.0 == b.0).filter(|g| g.len() > 1) {
        let mean = group.iter().map(|g| g.1).sum::<Vector3>() / group.len() as f64;
        mesh.points[group[0].0 as usize] = Point3::from(mean);
        joined += group.len() - 1;
    }
    for t in &mut mesh.triangles {
        *t = t.map(|i| renamed[i as usize]);
    }
    joined
}
