//! Fills holes with triangles between the points around them.
//!
//! Of all ways to cut the loop into triangles, the one that bends least is taken: each edge counts with its length and
//! one less the cosine of the angle at which the triangles on its sides meet, those around the hole included. So a missing
//! piece of a box's edge becomes an edge again, and not a chamfer, which the smallest area would make of it in places.
//! (The scheme is Liepa's, "Filling holes in meshes", 2003, with the bend summed up where he takes the largest.)
//! Holes of more edges are filled only where they are flat.

use super::super::edges::{Edges, net};
use super::super::{Mesh, Point3, Vector3, polygon};
use super::Findings;

/// A long loop is flat when no point is further from its plane, by its size.
const FLAT: f64 = 1e-3;

/// An edge that a fill must have, and the triangle on its other side.
#[derive(Clone, Copy, Debug)]
struct Rim {
    from: u32,
    to: u32,
    /// The normal of the triangle beyond; zero when it has no area.
    beyond: Vector3,
}

/// Fills what can be filled.
pub(super) fn fill(mesh: &mut Mesh, most_edges: usize, found: &mut Findings) {
    for hole in loops(rims(mesh)) {
        let corners: Vec<Point3> = hole.iter().map(|r| mesh.points[r.from as usize]).collect();
        found.first_hole.get_or_insert(corners[0]);
        let mut added: Vec<[u32; 3]> = Vec::new();
        let mut take = |t: [u32; 3]| added.push(t.map(|i| hole[i as usize].from));
        match hole.len() {
            // An edge there and back, which encloses nothing.
            0..=2 => continue,
            3 => take([0, 1, 2]),
            n if n <= most_edges => least_bend(&corners, &hole, &mut take),
            _ if is_flat(&corners) => polygon::triangles(&corners, take),
            n => {
                found.holes_left += 1;
                found.open_edges += n;
                continue;
            }
        }
        found.holes_filled += 1;
        found.triangles_added += added.len();
        for t in added {
            let [a, b, c] = mesh.corners(t);
            found.area_added += (b - a).cross(&(c - a)).norm() / 2.0;
            mesh.triangles.push(t);
        }
    }
}

/// Returns the edges that are run through more often one way than back, the other way round.
fn rims(mesh: &Mesh) -> Vec<Rim> {
    let mut rims = Vec::new();
    for uses in Edges::of(&mesh.triangles).iter() {
        let [low, high] = uses[0].points();
        let net = net(uses);
        if low == high || net == 0 {
            continue;
        }
        let open = uses.iter().filter(|u| u.rises() == (net > 0)).take(net.unsigned_abs() as usize);
        rims.extend(open.map(|u| {
            let [to, from] = u.run();
            let [a, b, c] = mesh.corners(mesh.triangles[u.triangle()]);
            let beyond = (b - a).cross(&(c - a)).try_normalize(0.0).unwrap_or_default();
            Rim { from, to, beyond }
        }));
    }
    rims
}

/// Cuts the edges into loops that meet no point twice. Every point has as many that end in it as begin, since what is
/// around a surface always runs in circles.
fn loops(mut rims: Vec<Rim>) -> Vec<Vec<Rim>> {
    rims.sort_by_key(|r| (r.from, r.to));
    let mut used = vec![false; rims.len()];
    let next_from = |point: u32, used: &[bool]| {
        let start = rims.partition_point(|r| r.from < point);
        (start..rims.len()).take_while(|i| rims[*i].from == point).find(|i| !used[*i])
    };
    let mut out = Vec::new();
    for first in 0..rims.len() {
        let mut path: Vec<Rim> = Vec::new();
        // Where on the path each point is.
        let mut at: std::collections::BTreeMap<u32, usize> = std::collections::BTreeMap::new();
        let mut next = (!used[first]).then_some(first);
        while let Some(i) = next {
            used[i] = true;
            at.insert(rims[i].from, path.len());
            path.push(rims[i]);
            if let Some(start) = at.get(&rims[i].to).copied() {
                let around = path.split_off(start);
                for rim in &around {
                    at.remove(&rim.from);
                }
                out.push(around);
                next = path.last().and_then(|r| next_from(r.to, &used));
            } else {
                next = next_from(rims[i].to, &used);
            }
        }
    }
    out
}

fn is_flat(corners: &[Point3]) -> bool {
    let spokes = corners
        .iter()
        .zip(corners.iter().cycle().skip(1))
        .map(|(a, b)| (a - corners[0]).cross(&(b - corners[0])));
    let Some(normal) = spokes.sum::<Vector3>().try_normalize(0.0) else { return false };
    let middle = corners.iter().map(|p| p.coords).sum::<Vector3>() / corners.len() as f64;
    let size = corners.iter().map(|p| (p.coords - middle).norm()).fold(0.0, f64::max);
    corners.iter().all(|p| (p.coords - middle).dot(&normal).abs() <= FLAT * size)
}

/// What the best cut of a stretch of the loop costs, and the corner that its last triangle has beside the ends.
#[derive(Clone, Copy)]
struct Best {
    cost: f64,
    apex: u32,
    normal: Vector3,
}

/// Cuts a loop so that the surface bends least; time grows with the cube of the corners.
fn least_bend(corners: &[Point3], hole: &[Rim], take: &mut impl FnMut([u32; 3])) {
    let n = corners.len();
    let at = |i: usize, k: usize| i * n + k;
    let mut best = vec![Best { cost: 0.0, apex: 0, normal: Vector3::zeros() }; n * n];
    for i in 0..n - 1 {
        best[at(i, i + 1)].normal = hole[i].beyond;
    }
    for span in 2..n {
        for i in 0..n - span {
            let k = i + span;
            let mut found = Best { cost: f64::INFINITY, apex: i as u32 + 1, normal: Vector3::zeros() };
            for m in i + 1..k {
                let across = (corners[m] - corners[i]).cross(&(corners[k] - corners[i]));
                let normal = across.try_normalize(0.0).unwrap_or_default();
                let (left, right) = (&best[at(i, m)], &best[at(m, k)]);
                let mut cost = left.cost + right.cost;
                cost += bend(left.normal, normal, corners[m] - corners[i]);
                cost += bend(right.normal, normal, corners[k] - corners[m]);
                if span == n - 1 {
                    cost += bend(hole[k].beyond, normal, corners[i] - corners[k]);
                }
                // Of equally flat cuts the one with less area: it has no triangle folded over another.
                cost += 1e-3 * across.norm() / (1.0 + across.norm().sqrt());
                if cost < found.cost {
                    found = Best { cost, apex: m as u32, normal };
                }
            }
            best[at(i, k)] = found;
        }
    }
    let mut stretches = vec![(0, n - 1)];
    while let Some((i, k)) = stretches.pop() {
        if k < i + 2 {
            continue;
        }
        let m = best[at(i, k)].apex as usize;
        take([i as u32, m as u32, k as u32]);
        stretches.extend([(i, m), (m, k)]);
    }
}

/// Returns how much an edge bends between two normals.
fn bend(one: Vector3, other: Vector3, edge: Vector3) -> f64 {
    edge.norm() * (1.0 - one.dot(&other))
}
