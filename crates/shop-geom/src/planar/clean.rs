//! Whether closed walks cross or touch one another, and what they wind around when they do not.
//!
//! Most walks of a print are clean already: a section of a sound mesh, a parallel contour of a smooth one. Then no sweep
//! has to find it out: edges are sorted into strips, and those that meet in a strip are held against one another,
//! exactly. A walk that crosses nothing has one winding number on either side, told by which others hold it.

use super::{Contours, Spot, encloses, twice_area};

/// Room for work, used again and again.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    edges: Vec<Edge>,
    starts: Vec<u32>,
    strips: Vec<Entry>,
    bounds: Vec<[Spot; 2]>,
    order: Vec<u32>,
}

/// An edge of a walk.
#[derive(Clone, Copy, Debug)]
struct Edge {
    a: Spot,
    b: Spot,
}

/// An edge within a strip: between which x it lies there.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    low: i32,
    high: i32,
    edge: u32,
}

/// More contours than this are left to the sweep, which finds faster what lies in what.
const MOST: usize = 1000;
/// Edges per strip, about.
const PER_STRIP: usize = 4;

impl Cleaner {
    /// Writes to `out` what the walks wind around at least once, counter-clockwise, if they neither cross nor touch; says
    /// whether they do not. Contours come in the order of their first corners.
    pub(super) fn unite(&mut self, walks: &Contours, out: &mut Contours) -> bool {
        if walks.len() > MOST || !self.load(walks) || !self.is_clean() {
            return false;
        }
        self.bounds.clear();
        self.bounds.extend(walks.iter().map(|c| {
            c.iter().fold([c[0], c[0]], |[l, h], s| {
                [Spot::new(l.x.min(s.x), l.y.min(s.y)), Spot::new(h.x.max(s.x), h.y.max(s.y))]
            })
        }));
        let bounds = &self.bounds;
        let ways: Vec<i32> = walks.iter().map(|c| if twice_area(c) > 0 { 1 } else { -1 }).collect();
        self.order.clear();
        for (i, contour) in walks.iter().enumerate() {
            let at = contour[0];
            let mut around = 0;
            for (j, [low, high]) in bounds.iter().enumerate() {
                let within = low.x < at.x && at.x < high.x && low.y < at.y && at.y < high.y;
                if within && i != j && encloses(walks.get(j), at) {
                    around += ways[j];
                }
            }
            if (around > 0) != (around + ways[i] > 0) {
                self.order.push(i as u32);
            }
        }
        self.order.sort_by_key(|&i| walks.get(i as usize)[0]);
        out.clear();
        for &i in &self.order {
            out.add(walks.get(i as usize));
        }
        true
    }

    /// Lists the edges; false when one has no length.
    fn load(&mut self, walks: &Contours) -> bool {
        self.edges.clear();
        for contour in walks.iter() {
            let mut a = contour[contour.len() - 1];
            for &b in contour {
                if a == b {
                    return false;
                }
                self.edges.push(Edge { a, b });
                a = b;
            }
        }
        true
    }

    fn is_clean(&mut self) -> bool {
        if self.edges.is_empty() {
            return true;
        }
        let (low, high) =
            self.edges.iter().fold((i32::MAX, i32::MIN), |(l, h), e| (l.min(e.a.y), h.max(e.a.y)));
        let strips = (self.edges.len() / PER_STRIP).clamp(1, 4096);
        let height = ((i64::from(high) - i64::from(low)) / strips as i64 + 1).max(1);
        let of = |y: i32| ((i64::from(y) - i64::from(low)) / height) as usize;
        self.starts.clear();
        self.starts.resize(strips + 1, 0);
        for e in &self.edges {
            for s in of(e.a.y.min(e.b.y))..=of(e.a.y.max(e.b.y)) {
                self.starts[s + 1] += 1;
            }
        }
        for s in 0..strips {
            self.starts[s + 1] += self.starts[s];
        }
        self.strips.clear();
        self.strips.resize(self.starts[strips] as usize, Entry::default());
        for (i, e) in self.edges.iter().enumerate() {
            let (bottom, top) = if e.a.y <= e.b.y { (e.a, e.b) } else { (e.b, e.a) };
            let (first, last) = (of(bottom.y), of(top.y));
            let slope =
                (f64::from(top.x) - f64::from(bottom.x)) / (f64::from(top.y) - f64::from(bottom.y)).max(1.0);
            for s in first..=last {
                // A little wider than it is, so that rounding hides nothing.
                let y = i64::from(low) + s as i64 * height;
                let x = |y: i64| f64::from(bottom.x) + (y - i64::from(bottom.y)) as f64 * slope;
                let from = if s == first { f64::from(bottom.x) } else { x(y) };
                let to = if s == last { f64::from(top.x) } else { x(y + height) };
                let slot = &mut self.starts[s];
                self.strips[*slot as usize] =
                    Entry { low: from.min(to) as i32 - 2, high: from.max(to) as i32 + 2, edge: i as u32 };
                *slot += 1;
            }
        }
        let mut start = 0;
        for s in 0..strips {
            let end = self.starts[s] as usize;
            let strip = &mut self.strips[start..end];
            strip.sort_unstable_by_key(|e| (e.low, e.edge));
            for i in 0..strip.len() {
                let this = strip[i];
                for other in strip[i + 1..].iter().take_while(|o| o.low <= this.high) {
                    if touch(self.edges[this.edge as usize], self.edges[other.edge as usize]) {
                        return false;
                    }
                }
            }
            start = end;
        }
        true
    }
}

/// True when two edges have a place in common other than the corner in which one follows the other.
#[inline]
fn touch(p: Edge, q: Edge) -> bool {
    let apart = |a: i32, b: i32, c: i32, d: i32| a.max(b) < c.min(d) || c.max(d) < a.min(b);
    if apart(p.a.x, p.b.x, q.a.x, q.b.x) || apart(p.a.y, p.b.y, q.a.y, q.b.y) {
        return false;
    }
    if p.b == q.a && p.a != q.b {
        return runs_back(p.b, p.a, q.b);
    }
    if q.b == p.a && q.a != p.b {
        return runs_back(p.a, p.b, q.a);
    }
    let (c, d) = (turn(p.a, p.b, q.a), turn(p.a, p.b, q.b));
    if (c > 0 && d > 0) || (c < 0 && d < 0) {
        return false;
    }
    let (c, d) = (turn(q.a, q.b, p.a), turn(q.a, q.b, p.b));
    !((c > 0 && d > 0) || (c < 0 && d < 0))
}

/// True when two edges leave a corner in the same direction.
fn runs_back(at: Spot, to: Spot, other: Spot) -> bool {
    let dot = |a: Spot, b: Spot| {
        (i64::from(a.x) - i64::from(at.x)) * (i64::from(b.x) - i64::from(at.x))
            + (i64::from(a.y) - i64::from(at.y)) * (i64::from(b.y) - i64::from(at.y))
    };
    turn(at, to, other) == 0 && dot(to, other) > 0
}

/// Returns on which side of the line from `a` to `b` a place lies: positive on the left.
#[inline]
fn turn(a: Spot, b: Spot, c: Spot) -> i64 {
    let (ux, uy) = (i64::from(b.x) - i64::from(a.x), i64::from(b.y) - i64::from(a.y));
    let (vx, vy) = (i64::from(c.x) - i64::from(a.x), i64::from(c.y) - i64::from(a.y));
    ux * vy - uy * vx
}
