//! One layer of a mesh: segments by the facets it cuts, chained to contours, made one region.
//!
//! Every facet that the plane cuts gives one segment, from the edge where its boundary falls through the plane to the
//! one where it rises, with the solid on its left. The next segment begins on that same edge, so a table from edges to
//! segments chains a layer in one pass, and no coordinate is compared. What stays open (missing facets, facets turned
//! over) is joined afterwards: first ends on the same edge, whichever way they run, then the nearest ends.

use crate::facets::Facets;
use shop_geom::planar::{Contours, PER_MM, Planar, Spot, simplify};

/// What had to be mended in one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mended {
    /// Cracks closed by straight lines.
    pub cracks: u32,
    /// Widest of them, mm.
    pub widest_mm: f64,
    /// Chains too far from everything to be closed; they are left out.
    pub dropped: u32,
}

impl Mended {
    /// Adds what was mended elsewhere.
    pub fn add(&mut self, other: &Mended) {
        self.cracks += other.cracks;
        self.dropped += other.dropped;
        self.widest_mm = self.widest_mm.max(other.widest_mm);
    }
}

/// Cracks wider than this are not bridged, mm: what would be drawn there is a guess.
const WIDEST_CRACK_MM: f64 = 20.0;

/// No segment.
const NONE: u32 = u32::MAX;

/// One segment of a layer.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: Spot,
    start: u64,
    end: u64,
    next: u32,
    has_before: bool,
    used: bool,
}

/// An open chain of segments.
#[derive(Clone, Copy, Debug)]
struct Chain {
    /// Its places are `room[first..end]`.
    first: u32,
    end: u32,
    /// Edges at both ends.
    edges: [u64; 2],
}

/// Room for cutting layers, used again and again.
#[derive(Default)]
pub struct Cutter {
    pieces: Vec<Piece>,
    table: Vec<(u64, u32)>,
    walks: Contours,
    simple: Contours,
    room: Vec<Spot>,
    chains: Vec<Chain>,
}

impl Cutter {
    /// Writes to `region` what the mesh holds at height `plane`, given the facets cut there. Near-linear in them.
    pub fn cut(
        &mut self,
        facets: &Facets,
        cut: &[u32],
        plane: i32,
        tolerance: f64,
        quiet_gap_mm: f64,
        planar: &mut Planar,
        region: &mut Contours,
    ) -> Mended {
        let mended = self.chain(facets, cut, plane, quiet_gap_mm);
        simplify(&self.walks, tolerance, &mut self.simple);
        planar.unite(&self.simple, region);
        mended
    }

    /// Returns the walks around what the mesh holds at height `plane`; what they wind around more than once is not yet one.
    pub fn walks(&mut self, facets: &Facets, cut: &[u32], plane: i32, tolerance: f64) -> &Contours {
        self.chain(facets, cut, plane, f64::INFINITY);
        simplify(&self.walks, tolerance, &mut self.simple);
        &self.simple
    }

    /// Chains the segments of a layer.
    fn chain(&mut self, facets: &Facets, cut: &[u32], plane: i32, quiet_gap_mm: f64) -> Mended {
        self.pieces.clear();
        for &f in cut {
            self.pieces.extend(piece(facets, facets.corners(f), plane));
        }
        self.link();
        self.walks.clear();
        self.open_chains(facets, plane);
        self.closed_chains();
        self.join(quiet_gap_mm)
    }

    /// Finds for every segment the one that begins where it ends.
    fn link(&mut self) {
        let size = (2 * self.pieces.len()).next_power_of_two().max(16);
        self.table.clear();
        self.table.resize(size, (0, NONE));
        let mask = size - 1;
        for (i, p) in self.pieces.iter().enumerate() {
            let mut at = slot(p.start) & mask;
            while self.table[at].1 != NONE {
                at = (at + 1) & mask;
            }
            self.table[at] = (p.start, i as u32);
        }
        for i in 0..self.pieces.len() {
            let end = self.pieces[i].end;
            let mut at = slot(end) & mask;
            // Where more than two facets share an edge, every segment is taken once.
            while self.table[at].1 != NONE {
                let (key, next) = self.table[at];
                if key == end && !self.pieces[next as usize].has_before {
                    self.pieces[next as usize].has_before = true;
                    self.pieces[i].next = next;
                    break;
                }
                at = (at + 1) & mask;
            }
        }
    }

    fn closed_chains(&mut self) {
        for i in 0..self.pieces.len() {
            let mut at = i;
            while !self.pieces[at].used {
                self.pieces[at].used = true;
                self.put(self.pieces[at].from);
                at = self.pieces[at].next as usize;
            }
            self.walks.close();
        }
    }

    #[inline]
    fn put(&mut self, spot: Spot) {
        self.walks.push(spot);
    }

    fn open_chains(&mut self, facets: &Facets, plane: i32) {
        self.chains.clear();
        self.room.clear();
        for i in 0..self.pieces.len() {
            if self.pieces[i].has_before {
                continue;
            }
            let first = self.room.len() as u32;
            let (start, mut end) = (self.pieces[i].start, 0);
            let mut at = i as u32;
            while at != NONE {
                let p = &mut self.pieces[at as usize];
                p.used = true;
                self.room.push(p.from);
                (end, at) = (p.end, p.next);
            }
            self.room.push(crossing(facets, end, plane));
            self.chains.push(Chain { first, end: self.room.len() as u32, edges: [start, end] });
        }
    }

    /// Joins open chains end to end.
    fn join(&mut self, quiet_gap_mm: f64) -> Mended {
        let mut mended = Mended::default();
        if self.chains.is_empty() {
            return mended;
        }
        let mut ends = Ends::new(&self.chains, &self.room);
        ends.join_by_edge();
        ends.join_by_distance();
        for gap in &ends.gaps {
            if *gap > quiet_gap_mm {
                mended.cracks += 1;
                mended.widest_mm = mended.widest_mm.max(*gap);
            }
        }
        let mut seen = vec![false; self.chains.len()];
        for i in 0..self.chains.len() {
            if seen[i] || ends.mate[2 * i] == NONE || ends.mate[2 * i + 1] == NONE {
                continue;
            }
            let (mut forward, mut backward) = (0u32, 0u32);
            let mut walk = Vec::new();
            let mut enter = 2 * i;
            let whole = loop {
                let chain = self.chains[enter / 2];
                let spots = &self.room[chain.first as usize..chain.end as usize];
                seen[enter / 2] = true;
                if enter % 2 == 0 {
                    walk.extend_from_slice(spots);
                    forward += spots.len() as u32;
                } else {
                    walk.extend(spots.iter().rev());
                    backward += spots.len() as u32;
                }
                let next = ends.mate[enter ^ 1];
                if next == NONE {
                    break false;
                }
                enter = next as usize;
                if enter / 2 == i {
                    break true;
                }
            };
            if !whole {
                mended.dropped += 1;
                continue;
            }
            if backward > forward {
                walk.reverse();
            }
            self.walks.add(&walk);
        }
        mended.dropped += seen.iter().filter(|s| !**s).count() as u32;
        mended
    }
}

/// The ends of open chains: chain i begins at end 2i and stops at end 2i + 1.
struct Ends {
    spots: Vec<Spot>,
    edges: Vec<u64>,
    /// The end that each is joined to.
    mate: Vec<u32>,
    gaps: Vec<f64>,
}

impl Ends {
    fn new(chains: &[Chain], room: &[Spot]) -> Ends {
        let spots: Vec<Spot> =
            chains.iter().flat_map(|c| [room[c.first as usize], room[c.end as usize - 1]]).collect();
        let edges = chains.iter().flat_map(|c| c.edges).collect();
        Ends { mate: vec![NONE; spots.len()], spots, edges, gaps: Vec::new() }
    }

    fn join(&mut self, a: usize, b: usize) {
        (self.mate[a], self.mate[b]) = (b as u32, a as u32);
    }

    /// Joins ends that lie on one edge of the mesh: facets turned over. Ends of opposite kind first.
    fn join_by_edge(&mut self) {
        let mut order: Vec<usize> = (0..self.edges.len()).collect();
        order.sort_by_key(|&e| (self.edges[e], e % 2, e));
        let mut i = 0;
        while i < order.len() {
            let mut j = i + 1;
            while j < order.len() && self.edges[order[j]] == self.edges[order[i]] {
                j += 1;
            }
            let same = &order[i..j];
            for k in 0..same.len() / 2 {
                let (a, b) = (same[k], same[same.len() - 1 - k]);
                // Both ends of a lone segment on one edge are no contour.
                if a / 2 != b / 2 {
                    self.join(a, b);
                }
            }
            i = j;
        }
    }

    /// Joins the nearest free ends, again and again: O(n² log n) in open ends, which are few.
    fn join_by_distance(&mut self) {
        let free: Vec<usize> = (0..self.mate.len()).filter(|&e| self.mate[e] == NONE).collect();
        let mut pairs = Vec::new();
        for (k, &a) in free.iter().enumerate() {
            // Very many open ends are no cracks but a ruin: only a window of them is tried.
            for &b in free[k + 1..].iter().take(2000) {
                let far = self.spots[a].distance(self.spots[b]) / PER_MM;
                if far <= WIDEST_CRACK_MM {
                    // A head wants a tail; the other pairings need facets turned over.
                    let cost = if a % 2 == b % 2 { 4.0 * far + 0.1 } else { far };
                    pairs.push((cost, far, a, b));
                }
            }
        }
        pairs.sort_by(|p, q| p.0.total_cmp(&q.0).then((p.2, p.3).cmp(&(q.2, q.3))));
        for (_, far, a, b) in pairs {
            if self.mate[a] == NONE && self.mate[b] == NONE {
                self.join(a, b);
                self.gaps.push(far);
            }
        }
    }
}

/// Spreads an edge over the table (Fibonacci hashing, Knuth 6.4).
#[inline]
fn slot(edge: u64) -> usize {
    (edge.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

#[inline]
fn edge(a: u32, b: u32) -> u64 {
    u64::from(a.min(b)) << 32 | u64::from(a.max(b))
}

/// Returns the two edges at which the plane cuts a facet: where it falls below the plane, and where it rises. A corner in
/// the plane counts as above it.
#[inline]
fn cut(facets: &Facets, corners: [u32; 3], plane: i32) -> Option<[u64; 2]> {
    let up = corners.map(|c| facets.points[c as usize][2] >= plane);
    let next = [1, 2, 0];
    let fall = (0..3).find(|&i| up[i] && !up[next[i]])?;
    let rise = (0..3).find(|&i| !up[i] && up[next[i]])?;
    Some([edge(corners[fall], corners[next[fall]]), edge(corners[rise], corners[next[rise]])])
}

/// Returns the line along which a plane cuts a facet; nothing when it does not.
pub(crate) fn segment(facets: &Facets, corners: [u32; 3], plane: i32) -> Option<[Spot; 2]> {
    Some(cut(facets, corners, plane)?.map(|edge| crossing(facets, edge, plane)))
}

/// Returns the segment in which the plane cuts a facet.
#[inline]
fn piece(facets: &Facets, corners: [u32; 3], plane: i32) -> Option<Piece> {
    let [start, end] = cut(facets, corners, plane)?;
    Some(Piece {
        from: crossing(facets, start, plane),
        start,
        end,
        next: NONE,
        has_before: false,
        used: false,
    })
}

/// Returns where an edge passes the plane: the same place for both facets beside it.
#[inline]
fn crossing(facets: &Facets, edge: u64, plane: i32) -> Spot {
    let [ax, ay, az] = facets.points[(edge >> 32) as usize].map(f64::from);
    let [bx, by, bz] = facets.points[(edge & 0xFFFF_FFFF) as usize].map(f64::from);
    let t = (f64::from(plane) - az) / (bz - az);
    Spot::new((ax + t * (bx - ax)).round() as i32, (ay + t * (by - ay)).round() as i32)
}
