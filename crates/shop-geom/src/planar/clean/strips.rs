//! Which edges come near one another: climbs of walks, sorted into strips.
//!
//! ```text
//!    ─────────╱──────╲───────────      A climb goes only up, or only down: its own edges never meet one another,
//!     climb  ╱   and  ╲  climb         but for level ones that run back. So a strip holds climbs, not edges, and
//!    ───────╱──────────╲─────────      of two of them whose ranges overlap the edges are held against one another
//!    strip  │           │              in a single walk upwards through both.
//!    ───────┼───────────┼────────
//! ```

use super::{Edge, Spot};

/// Room for work, used again and again.
#[derive(Debug, Default)]
pub(super) struct Strips {
    laid: Vec<(u32, Piece)>,
    /// Strip `s` ends at `ends[s]`.
    ends: Vec<u32>,
    pieces: Vec<Piece>,
}

/// What a strip holds of a climb: its edges, and between which coordinates along the strip they lie there.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    low: i32,
    high: i32,
    first: u32,
    last: u32,
}

/// How strips lie.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// Strips are upright; else level.
    upright: bool,
    /// Where the first one begins.
    low: i64,
    /// They are so high, as a power of two.
    shift: u32,
    strips: usize,
}

/// Edges per strip, about.
const PER_STRIP: i64 = 8;

impl Strips {
    /// Gives every two edges that come near one another to `hold`, some of them twice, until that returns false. Returns
    /// false then, and where an edge runs back on the one before.
    pub(super) fn pairs(&mut self, edges: &[Edge], mut hold: impl FnMut(u32, u32) -> bool) -> bool {
        if edges.is_empty() {
            return true;
        }
        let grid = Grid::over(edges);
        if !self.lay(edges, &grid) {
            return false;
        }
        self.sort(grid.strips);
        let mut start = 0;
        for &end in &self.ends[..grid.strips] {
            let strip = &mut self.pieces[start..end as usize];
            start = end as usize;
            strip.sort_unstable_by_key(|p| p.low);
            for (i, this) in strip.iter().enumerate() {
                for other in strip[i + 1..].iter().take_while(|o| o.low <= this.high) {
                    if !climb(edges, &grid, this, other, &mut hold) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Cuts the walks into climbs and these into pieces, strip by strip; false when a level edge runs back.
    fn lay(&mut self, edges: &[Edge], grid: &Grid) -> bool {
        self.laid.clear();
        let (mut strip, mut piece) = (0, Piece::default());
        let (mut before, mut climbs, mut sideways) = (None, 0, 0);
        for (i, edge) in edges.iter().enumerate() {
            let [(ax, ay), (bx, by)] = [edge.a, edge.b].map(|s| grid.turned(s));
            let (way, side) = (sign(ay, by), if ay == by { sign(ax, bx) } else { 0 });
            let goes_on = before == Some(edge.a) && (way == 0 || climbs == 0 || way == climbs);
            if goes_on {
                if side * sideways < 0 {
                    return false;
                }
                climbs = if way == 0 { climbs } else { way };
            } else {
                if before.is_some() {
                    self.laid.push((strip as u32, piece));
                }
                strip = grid.strip(ay);
                piece = Piece { low: ax, high: ax, first: i as u32, last: i as u32 };
                climbs = way;
            }
            (before, sideways) = (Some(edge.b), side);
            piece.last = i as u32;
            let last = grid.strip(by);
            if strip != last {
                let slope = (f64::from(bx) - f64::from(ax)) / (f64::from(by) - f64::from(ay));
                while strip != last {
                    let border = grid.border(if way > 0 { strip + 1 } else { strip });
                    let x = (f64::from(ax) + (border - i64::from(ay)) as f64 * slope) as i32;
                    // A little wider than it is, so that rounding hides nothing.
                    let (low, high) = (x.saturating_sub(2), x.saturating_add(2));
                    let ended = Piece { low: piece.low.min(low), high: piece.high.max(high), ..piece };
                    self.laid.push((strip as u32, ended));
                    piece = Piece { low, high, first: i as u32, last: i as u32 };
                    strip = if way > 0 { strip + 1 } else { strip - 1 };
                }
            }
            piece.low = piece.low.min(bx);
            piece.high = piece.high.max(bx);
        }
        self.laid.push((strip as u32, piece));
        true
    }

    /// Sorts the pieces by their strips.
    fn sort(&mut self, strips: usize) {
        self.ends.clear();
        self.ends.resize(strips + 1, 0);
        for (strip, _) in &self.laid {
            self.ends[*strip as usize + 1] += 1;
        }
        for s in 0..strips {
            self.ends[s + 1] += self.ends[s];
        }
        self.pieces.clear();
        self.pieces.resize(self.laid.len(), Piece::default());
        for (strip, piece) in &self.laid {
            let slot = &mut self.ends[*strip as usize];
            self.pieces[*slot as usize] = *piece;
            *slot += 1;
        }
    }
}

impl Grid {
    /// Lays strips along the axis that leaves fewer edges in many of them, and so high that few edges cross their
    /// borders: a power of two, as a division for every edge costs more than all else here.
    fn over(edges: &[Edge]) -> Grid {
        let ([x, y], [dx, dy]) = extents(edges);
        let upright = dx < dy;
        let (range, total) = if upright { (x, dx) } else { (y, dy) };
        let (low, n) = (range[0], edges.len() as i64);
        let height = ((range[1] - low) * PER_STRIP).max(2 * total) / n + 1;
        let shift = 64 - height.leading_zeros();
        Grid { upright, low, shift, strips: ((range[1] - low) >> shift) as usize + 1 }
    }

    /// Returns where a place is along the strips and across them.
    fn turned(&self, s: Spot) -> (i32, i32) {
        if self.upright { (s.y, s.x) } else { (s.x, s.y) }
    }

    /// Returns in which strip something lies.
    fn strip(&self, across: i32) -> usize {
        ((i64::from(across) - self.low) >> self.shift) as usize
    }

    /// Returns where a strip begins.
    fn border(&self, strip: usize) -> i64 {
        self.low + ((strip as i64) << self.shift)
    }

    /// Returns between which coordinates across the strips an edge lies.
    fn span(&self, edge: &Edge) -> [i32; 2] {
        let [(_, a), (_, b)] = [edge.a, edge.b].map(|s| self.turned(s));
        [a.min(b), a.max(b)]
    }
}

/// Returns in which direction one goes from `a` to `b`.
fn sign(a: i32, b: i32) -> i32 {
    i32::from(b > a) - i32::from(b < a)
}

/// Gives to `hold` the edges of two pieces that are at one height.
#[inline]
fn climb(
    edges: &[Edge],
    grid: &Grid,
    this: &Piece,
    other: &Piece,
    hold: &mut impl FnMut(u32, u32) -> bool,
) -> bool {
    let (these, others) = (Climb::of(edges, grid, this), Climb::of(edges, grid, other));
    let span = |climb: &Climb, i: u32| grid.span(&edges[climb.at(i) as usize]);
    let mut from = 0;
    for i in 0..these.edges {
        let [low, high] = span(&these, i);
        // Those that lie wholly below are below all that comes.
        while from < others.edges && span(&others, from)[1] < low {
            from += 1;
        }
        for j in from..others.edges {
            let [bottom, top] = span(&others, j);
            if bottom > high {
                break;
            }
            if top >= low && !hold(these.at(i), others.at(j)) {
                return false;
            }
        }
    }
    true
}

/// The edges of a piece from below to above.
struct Climb {
    lowest: u32,
    edges: u32,
    up: bool,
}

impl Climb {
    #[inline]
    fn of(edges: &[Edge], grid: &Grid, piece: &Piece) -> Climb {
        let (_, from) = grid.turned(edges[piece.first as usize].a);
        let (_, to) = grid.turned(edges[piece.last as usize].b);
        let up = from <= to;
        let lowest = if up { piece.first } else { piece.last };
        Climb { lowest, edges: piece.last - piece.first + 1, up }
    }

    #[inline]
    fn at(&self, i: u32) -> u32 {
        if self.up { self.lowest + i } else { self.lowest - i }
    }
}

/// Returns between which coordinates the edges lie, and how far they run in all, along either axis.
fn extents(edges: &[Edge]) -> ([[i64; 2]; 2], [i64; 2]) {
    let (mut ranges, mut totals) = ([[i64::MAX, i64::MIN]; 2], [0; 2]);
    for e in edges {
        for (i, (a, b)) in [(e.a.x, e.b.x), (e.a.y, e.b.y)].into_iter().enumerate() {
            let (a, b) = (i64::from(a), i64::from(b));
            ranges[i] = [ranges[i][0].min(a), ranges[i][1].max(a)];
            totals[i] += (b - a).abs();
        }
    }
    (ranges, totals)
}
