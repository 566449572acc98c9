//! Removes fins: pieces with open edges that grow out of edges which are closed without them.
//!
//! Pieces are what hangs together by edges of two triangles. They are looked at from the smallest on, so that what is
//! left in the end is the body.

use super::super::Mesh;
use super::super::edges::{Edges, Groups, net};
use super::drop_listed;

/// Removes fins; returns how many triangles.
pub(super) fn remove(mesh: &mut Mesh) -> usize {
    let edges = Edges::of(&mesh.triangles);
    if edges.iter().all(|uses| uses.len() < 3) {
        return 0;
    }
    let mut groups = Groups::new(mesh.triangles.len());
    for uses in edges.iter() {
        if let [a, b] = uses {
            groups.join(a.triangle(), b.triangle(), false);
        }
    }
    let piece: Vec<usize> = (0..mesh.triangles.len()).map(|i| groups.find(i).0).collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut number = vec![usize::MAX; piece.len()];
    for (i, &first) in piece.iter().enumerate() {
        if first == i {
            number[i] = pieces.len();
            pieces.push(Piece::default());
        }
        let [a, b, c] = mesh.corners(mesh.triangles[i]);
        pieces[number[first]].area += (b - a).cross(&(c - a)).norm();
    }
    let of = |triangle: usize| number[piece[triangle]];
    let many: Vec<_> = edges.iter().filter(|uses| uses.len() > 2).collect();
    for uses in edges.iter().filter(|uses| uses.len() == 1) {
        pieces[of(uses[0].triangle())].open = true;
    }
    for (i, uses) in many.iter().enumerate() {
        for u in *uses {
            pieces[of(u.triangle())].edges.push(i);
        }
    }
    let mut order: Vec<usize> =
        (0..pieces.len()).filter(|p| pieces[*p].open && !pieces[*p].edges.is_empty()).collect();
    order.sort_by(|a, b| pieces[*a].area.total_cmp(&pieces[*b].area).then(a.cmp(b)));
    let mut gone = vec![false; pieces.len()];
    for p in order {
        let others = |e: &usize| -> Vec<_> {
            many[*e].iter().copied().filter(|u| !gone[of(u.triangle())] && of(u.triangle()) != p).collect()
        };
        let closed_without = pieces[p].edges.iter().all(|e| net(&others(e)) == 0);
        // What all others have left is no fin.
        gone[p] = closed_without && pieces[p].edges.iter().any(|e| !others(e).is_empty());
    }
    let drop: Vec<u32> = (0..mesh.triangles.len()).filter(|i| gone[of(*i)]).map(|i| i as u32).collect();
    drop_listed(&mut mesh.triangles, &drop);
    drop.len()
}

#[derive(Default)]
struct Piece {
    area: f64,
    /// Has an open edge.
    open: bool,
    /// The edges of three triangles and more that it has, once for each of its uses.
    edges: Vec<usize>,
}
