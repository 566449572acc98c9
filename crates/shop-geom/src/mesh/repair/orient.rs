//! Turns triangles that face the wrong way.
//!
//! Two triangles that share an edge run through it in opposite directions when they face the same side. So the triangles
//! of a piece are of one kind or the other, and the kind with less area is turned.

use super::super::Mesh;
use super::super::edges::{Edges, Groups};
use rayon::prelude::*;

/// Turns triangles; returns how many, and along how many edges it cannot be right.
pub(super) fn orient(mesh: &mut Mesh) -> (usize, usize) {
    let edges = Edges::of(&mesh.triangles);
    let mut groups = Groups::new(mesh.triangles.len());
    let mut one_sided = 0;
    for uses in edges.iter() {
        if let [a, b] = uses {
            let turned = a.rises() == b.rises();
            one_sided += usize::from(!groups.join(a.triangle(), b.triangle(), turned));
        }
    }
    drop(edges);
    let area = |t: &[u32; 3]| {
        let [a, b, c] = mesh.corners(*t);
        (b - a).cross(&(c - a)).norm()
    };
    let areas: Vec<f64> = mesh.triangles.par_iter().map(area).collect();
    // By piece: the area of its first triangle's kind less that of the other.
    let mut ahead = vec![0.0; mesh.triangles.len()];
    for (i, area) in areas.iter().enumerate() {
        let (first, turned) = groups.find(i);
        ahead[first] += if turned { -area } else { *area };
    }
    let mut turned = 0;
    for (i, t) in mesh.triangles.iter_mut().enumerate() {
        let (first, other_kind) = groups.find(i);
        if other_kind == (ahead[first] >= 0.0) {
            t.swap(1, 2);
            turned += 1;
        }
    }
    (turned, one_sided)
}
