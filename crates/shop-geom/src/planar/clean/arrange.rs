//! The arrangement of walks that cross: how often they wind around either side of every piece between crossings.
//!
//! The one idea: a walk changes its winding number by one wherever it crosses, so one number per group of walks that
//! cross one another tells all the others. All of it is counted on the exact crossings; only what is written is rounded.
//!
//! ```text
//!              ╎ q                 p comes with w on its left and w - 1 on its right. Where q goes to the left,
//!          w   ╎  w - 1            w - 1 and w - 2 lie beside p from there on; q comes with w - 1 and leaves with w
//!     p ───────┼───────▶           on its left. So of the ways in and the ways out exactly one of each, of
//!        w - 1 ╎  w - 2            different walks, has one on its left and none on its right, or none has:
//!              ╎                   the border of what is wound around goes over to the other walk at every crossing.
//! ```

use super::{Contours, Crossing, Edge, Spot, holds, turn, winding};
use std::cmp::Ordering;

/// Room for work, used again and again.
#[derive(Debug, Default)]
pub(super) struct Arrangement {
    /// Where walks are cut, in the order of the walks.
    cuts: Vec<Cut>,
    /// The two cuts of every crossing.
    of_crossing: Vec<[u32; 2]>,
    /// Where crossings are, on the grid.
    spots: Vec<Spot>,
    walks: Vec<Walk>,
    /// The winding number on the left of the piece behind every cut.
    left: Vec<i32>,
    stack: Vec<u32>,
    group: Vec<u32>,
}

/// A place where a walk crosses another, or itself. A piece reaches from a cut to the next one.
#[derive(Clone, Copy, Debug)]
struct Cut {
    edge: u32,
    /// How far along the edge: numerator and denominator, both positive.
    along: [i64; 2],
    crossing: u32,
    /// Which of the two edges of the crossing it is.
    side: u8,
    walk: u32,
}

/// A walk's edges and cuts.
#[derive(Clone, Copy, Debug)]
struct Walk {
    first_edge: u32,
    edges: u32,
    first_cut: u32,
    cuts: u32,
    seen: bool,
}

/// Not known yet.
const UNKNOWN: i32 = i32::MIN;

impl Arrangement {
    /// Writes to `out` what walks wind around at least once; false when three edges cross in one place. The edges are
    /// those of the walks, one after the other, each contour's last corner to its first being its first edge.
    pub(super) fn unite(
        &mut self,
        walks: &Contours,
        edges: &[Edge],
        boxes: &[[Spot; 2]],
        crossings: &[Crossing],
        out: &mut Contours,
    ) -> bool {
        if !self.cut(walks, edges, crossings) {
            return false;
        }
        self.left.clear();
        self.left.resize(self.cuts.len(), UNKNOWN);
        out.clear();
        for w in 0..self.walks.len() {
            if self.walks[w].cuts == 0 {
                let at = walks.get(w)[0];
                let outside = around(walks, boxes, at, |j| j == w as u32);
                let way = if super::twice_area(walks.get(w)) > 0 { 1 } else { -1 };
                if (outside > 0) != (outside + way > 0) {
                    out.add(walks.get(w));
                }
            } else if !self.walks[w].seen {
                self.gather(w as u32);
                if !self.number(walks, edges, boxes, crossings) {
                    return false;
                }
            }
        }
        self.trace(edges, out);
        true
    }

    /// Cuts the walks where they cross.
    fn cut(&mut self, walks: &Contours, edges: &[Edge], crossings: &[Crossing]) -> bool {
        self.cuts.clear();
        self.spots.clear();
        for (i, crossing) in crossings.iter().enumerate() {
            let [p, q] = crossing.edges.map(|e| edges[e as usize]);
            for (side, (this, other)) in [(p, q), (q, p)].into_iter().enumerate() {
                let from = turn(other.a, other.b, this.a).abs();
                let to = turn(other.a, other.b, this.b).abs();
                let along = [from, from + to];
                if side == 0 {
                    self.spots.push(place(this, along));
                }
                let edge = crossing.edges[side];
                self.cuts.push(Cut { edge, along, crossing: i as u32, side: side as u8, walk: 0 });
            }
        }
        self.cuts.sort_unstable_by(|a, b| {
            a.edge.cmp(&b.edge).then_with(|| order(a.along, b.along)).then(a.crossing.cmp(&b.crossing))
        });
        let twice = |c: &[Cut]| c[0].edge == c[1].edge && order(c[0].along, c[1].along).is_eq();
        if self.cuts.windows(2).any(twice) {
            return false;
        }
        self.of_crossing.clear();
        self.of_crossing.resize(crossings.len(), [0; 2]);
        for (i, cut) in self.cuts.iter().enumerate() {
            self.of_crossing[cut.crossing as usize][usize::from(cut.side)] = i as u32;
        }
        self.walks.clear();
        let (mut edge, mut cut) = (0, 0);
        for (w, contour) in walks.iter().enumerate() {
            let (first_edge, first_cut) = (edge, cut);
            edge += contour.len() as u32;
            while cut < self.cuts.len() && self.cuts[cut].edge < edge {
                self.cuts[cut].walk = w as u32;
                cut += 1;
            }
            self.walks.push(Walk {
                first_edge,
                edges: contour.len() as u32,
                first_cut: first_cut as u32,
                cuts: (cut - first_cut) as u32,
                seen: false,
            });
        }
        true
    }

    /// Lists the walks that cross one another, directly or by others, from one of them.
    fn gather(&mut self, first: u32) {
        self.group.clear();
        self.group.push(first);
        self.walks[first as usize].seen = true;
        let mut next = 0;
        while let Some(&w) = self.group.get(next) {
            next += 1;
            let walk = self.walks[w as usize];
            for c in walk.first_cut..walk.first_cut + walk.cuts {
                let other = self.cuts[self.other(c) as usize].walk;
                if !std::mem::replace(&mut self.walks[other as usize].seen, true) {
                    self.group.push(other);
                }
            }
        }
    }

    /// Finds the winding numbers of the walks that were gathered. False when a walk turns back on itself at the leftmost
    /// of their corners, where the counting starts.
    fn number(
        &mut self,
        walks: &Contours,
        edges: &[Edge],
        boxes: &[[Spot; 2]],
        crossings: &[Crossing],
    ) -> bool {
        let corners = self.group.iter().flat_map(|&w| {
            let walk = self.walks[w as usize];
            (walk.first_edge..walk.first_edge + walk.edges).map(move |e| (edges[e as usize].b, w, e))
        });
        let Some((at, w, edge)) = corners.min() else { return false };
        let walk = self.walks[w as usize];
        let next = walk.first_edge + (edge - walk.first_edge + 1) % walk.edges;
        let bend = turn(edges[edge as usize].a, at, edges[next as usize].b);
        if bend == 0 {
            return false;
        }
        let group = &self.group;
        let outside = around(walks, boxes, at, |j| group.contains(&j));
        let cuts = &self.cuts[walk.first_cut as usize..(walk.first_cut + walk.cuts) as usize];
        let before = cuts.partition_point(|c| c.edge <= edge) as u32;
        let piece = walk.first_cut + if before == 0 { walk.cuts - 1 } else { before - 1 };
        self.left[piece as usize] = outside + i32::from(bend > 0);
        self.stack.clear();
        self.stack.push(piece);
        while let Some(piece) = self.stack.pop() {
            let next = self.next(piece);
            let cut = self.cuts[next as usize];
            // The other walk goes to the left of this one.
            let leftwards = crossings[cut.crossing as usize].leftwards == (cut.side == 0);
            let here = self.left[piece as usize];
            let beyond = if leftwards { here - 1 } else { here + 1 };
            for (piece, left) in [(next, beyond), (self.other(next), here)] {
                if self.left[piece as usize] == UNKNOWN {
                    self.left[piece as usize] = left;
                    self.stack.push(piece);
                }
                debug_assert_eq!(
                    self.left[piece as usize], left,
                    "a walk that is closed comes back to where it began"
                );
            }
        }
        true
    }

    /// Returns the other cut at the same crossing.
    fn other(&self, cut: u32) -> u32 {
        let Cut { crossing, side, .. } = self.cuts[cut as usize];
        self.of_crossing[crossing as usize][usize::from(1 - side)]
    }

    /// Returns the next cut of the same walk.
    fn next(&self, cut: u32) -> u32 {
        let walk = self.walks[self.cuts[cut as usize].walk as usize];
        walk.first_cut + (cut - walk.first_cut + 1) % walk.cuts
    }

    /// Adds to `out` the borders between one and none.
    fn trace(&mut self, edges: &[Edge], out: &mut Contours) {
        for first in 0..self.cuts.len() as u32 {
            let mut piece = first;
            let mut last = None;
            let mut begin = None;
            let mut put = |spot: Spot, out: &mut Contours| {
                if last != Some(spot) {
                    out.push(spot);
                    begin = begin.or(Some(spot));
                    last = Some(spot);
                }
            };
            while self.left[piece as usize] == 1 {
                self.left[piece as usize] = UNKNOWN;
                let cut = self.cuts[piece as usize];
                put(self.spots[cut.crossing as usize], out);
                let next = self.next(piece);
                let walk = self.walks[cut.walk as usize];
                let mut n = self.cuts[next as usize].edge - walk.first_edge + walk.edges
                    - (cut.edge - walk.first_edge);
                if next > piece {
                    n -= walk.edges;
                }
                for k in 0..n {
                    let e = walk.first_edge + (cut.edge - walk.first_edge + k) % walk.edges;
                    put(edges[e as usize].b, out);
                }
                piece = self.other(next);
            }
            if last.is_some() && last == begin {
                out.pop();
            }
            out.close();
        }
    }
}

/// Returns how often the walks, but those left out, wind around a place.
fn around(walks: &Contours, boxes: &[[Spot; 2]], at: Spot, left_out: impl Fn(u32) -> bool) -> i32 {
    let near = boxes.iter().enumerate().filter(|(j, b)| holds(b, at) && !left_out(*j as u32));
    near.map(|(j, _)| winding(walks.get(j), at)).sum()
}

/// Returns the place so far along an edge, rounded.
fn place(edge: Edge, [from, whole]: [i64; 2]) -> Spot {
    let t = from as f64 / whole as f64;
    let [x, y] = edge.a.to(edge.b);
    Spot::new(edge.a.x + (x * t).round() as i32, edge.a.y + (y * t).round() as i32)
}

/// Compares two fractions, exactly.
fn order([a, b]: [i64; 2], [c, d]: [i64; 2]) -> Ordering {
    (i128::from(a) * i128::from(d)).cmp(&(i128::from(c) * i128::from(b)))
}
