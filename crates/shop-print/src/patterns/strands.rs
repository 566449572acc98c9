//! Strands: the lines of a sparse pattern within the walls, joined along the walls.
//!
//! The one idea: a line that ends at a wall knows on which edge of it (its **dock**), so that neighbouring docks can be
//! joined by the piece of wall between them, and nothing has to be searched for. Joined strands are laid without lifting.
//!
//! ```text
//!   wall ──╮        ╭────╮        ╭──      docks in order along the wall, the nearest ones joined first,
//!          │        │    │        │        each once, no ring closed
//!          │        │    │        │
//! ```

use crate::roads::{Kind, Roads};
use crate::rows::{Frame, Rows};
use shop_geom::planar::{Contours, Spot};

/// The end of a strand that lies on no edge.
pub const LOOSE: u32 = u32::MAX;

/// One line.
#[derive(Clone, Copy, Debug)]
struct Strand {
    /// Its places are `spots[start..end]`.
    start: u32,
    end: u32,
    /// Edges on which its ends lie, counted by their last corners; [`LOOSE`] for none.
    docks: [u32; 2],
}

/// A dock on its way around a contour.
#[derive(Clone, Copy, Debug)]
struct Dock {
    contour: u32,
    /// The edge, counted by its last corner.
    edge: u32,
    /// From the first corner of the edge.
    far: f64,
    /// The strand's number twice, 1 more for its last end.
    end: u32,
}

/// A way along a wall from one dock to the next.
#[derive(Clone, Copy, Debug)]
struct Link {
    length: f64,
    from: u32,
    to: u32,
}

/// Lines of one layer, and room for work on them, used again and again.
#[derive(Default)]
pub struct Strands {
    spots: Vec<Spot>,
    list: Vec<Strand>,
    docks: Vec<Dock>,
    links: Vec<Link>,
    /// What every end is joined to: a link, and whether at its end.
    mates: Vec<u32>,
    /// One end of every path leads to the other.
    across: Vec<u32>,
    parts: Vec<(f64, f64)>,
    /// First corners of the contours that docks lie on.
    firsts: Vec<usize>,
}

const NONE: u32 = u32::MAX;
/// A line that meets a wall at a slant goes on no further than this many times the way straight to it.
const SLANT: f64 = 2.5;

impl Strands {
    /// Forgets all lines and keeps the room.
    pub fn clear(&mut self) {
        self.spots.clear();
        self.list.clear();
    }

    /// True when there is no line.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a straight line less what of it lies in `taken`, rows of `frame`; pieces shorter than `least` are left out.
    pub fn add_line(&mut self, ends: [Spot; 2], docks: [u32; 2], taken: Option<(&Rows, &Frame)>, least: f64) {
        self.add_way(&ends, docks, taken, least);
    }

    /// Adds a line of several corners less what of it lies in `taken`.
    pub fn add_way(&mut self, way: &[Spot], docks: [u32; 2], taken: Option<(&Rows, &Frame)>, least: f64) {
        self.add_parts(way, docks, least, |a, b, parts| left(taken, a, b, parts));
    }

    /// Adds what of a line of several corners lies in `within`.
    pub fn add_way_within(
        &mut self,
        way: &[Spot],
        docks: [u32; 2],
        (rows, frame): (&Rows, &Frame),
        least: f64,
    ) {
        self.add_parts(way, docks, least, |a, b, parts| {
            rows.along(frame, a, b, |low, high| parts.push((low, high)));
        });
    }

    /// Adds those parts of a line that `wanted` gives for each of its straight ways, as fractions of it.
    fn add_parts(
        &mut self,
        way: &[Spot],
        docks: [u32; 2],
        least: f64,
        wanted: impl Fn(Spot, Spot, &mut Vec<(f64, f64)>),
    ) {
        let mut parts = std::mem::take(&mut self.parts);
        let mut open = false;
        for (i, w) in way.windows(2).enumerate() {
            let (a, b) = (w[0], w[1]);
            parts.clear();
            wanted(a, b, &mut parts);
            if open && parts.first().is_none_or(|p| p.0 > 0.0) {
                self.finish(LOOSE, least);
                open = false;
            }
            for &(low, high) in &parts {
                if !open {
                    let first = i == 0 && low <= 0.0;
                    self.begin(between(a, b, low), if first { docks[0] } else { LOOSE });
                }
                self.spots.push(between(a, b, high));
                open = high >= 1.0;
                if !open {
                    self.finish(LOOSE, least);
                }
            }
        }
        if open {
            self.finish(docks[1], least);
        }
        self.parts = parts;
    }

    fn begin(&mut self, spot: Spot, dock: u32) {
        let start = self.spots.len() as u32;
        self.spots.push(spot);
        self.list.push(Strand { start, end: start, docks: [dock, LOOSE] });
    }

    fn finish(&mut self, dock: u32, least: f64) {
        let Some(strand) = self.list.last_mut() else { return };
        (strand.end, strand.docks[1]) = (self.spots.len() as u32, dock);
        let spots = &self.spots[strand.start as usize..];
        if spots.windows(2).map(|w| w[0].distance(w[1])).sum::<f64>() < least {
            self.spots.truncate(strand.start as usize);
            self.list.pop();
        }
    }

    /// Joins lines along the contours they end at, by ways of at most `most` grid units that keep off `taken`. O(docks
    /// log docks + corners).
    pub fn join(&mut self, region: &Contours, most: f64, taken: Option<(&Rows, &Frame)>) {
        self.mates.clear();
        self.mates.resize(2 * self.list.len(), NONE);
        self.links.clear();
        self.across.clear();
        if most <= 0.0 {
            return;
        }
        self.find_docks(region);
        self.find_links(region, most);
        self.across.extend((0..2 * self.list.len() as u32).map(|e| e ^ 1));
        for k in 0..self.links.len() {
            let Link { from, to, .. } = self.links[k];
            let [a, b] = [from, to].map(|d| self.docks[d as usize].end as usize);
            let free = self.mates[a] == NONE && self.mates[b] == NONE && self.across[a] != b as u32;
            if !free || self.is_taken(region, k, taken) {
                continue;
            }
            (self.mates[a], self.mates[b]) = (2 * k as u32, 2 * k as u32 + 1);
            let (p, q) = (self.across[a], self.across[b]);
            (self.across[p as usize], self.across[q as usize]) = (q, p);
        }
    }

    fn find_docks(&mut self, region: &Contours) {
        self.docks.clear();
        let spots = region.spots();
        for (i, strand) in self.list.iter().enumerate() {
            for (k, &edge) in strand.docks.iter().enumerate().filter(|(_, e)| **e != LOOSE) {
                let at = self.spots[if k == 0 { strand.start } else { strand.end - 1 } as usize];
                let end = 2 * i as u32 + k as u32;
                self.docks.push(Dock { contour: 0, edge, far: at.distance(spots[edge as usize]), end });
            }
        }
        // The farther from an edge's last corner, the earlier.
        self.docks.sort_unstable_by(|a, b| {
            a.edge.cmp(&b.edge).then(b.far.total_cmp(&a.far)).then(a.end.cmp(&b.end))
        });
        let (mut contour, mut last) = (0, region.iter().next().map_or(0, <[Spot]>::len) as u32);
        for dock in &mut self.docks {
            while dock.edge >= last {
                contour += 1;
                last += region.get(contour as usize).len() as u32;
            }
            dock.contour = contour;
        }
    }

    /// Leaves the ways between neighbouring docks in `links`, the shortest first.
    fn find_links(&mut self, region: &Contours, most: f64) {
        let spots = region.spots();
        let (mut first, mut start) = (0, 0u32);
        let mut contour = 0;
        while first < self.docks.len() {
            let own = self.docks[first].contour;
            while contour < own {
                start += region.get(contour as usize).len() as u32;
                contour += 1;
            }
            let n = region.get(own as usize).len() as u32;
            let end = first + self.docks[first..].partition_point(|d| d.contour == own);
            for i in first..end {
                let next = if i + 1 < end { i + 1 } else { first };
                if next == i {
                    continue;
                }
                let (a, b) = (self.docks[i], self.docks[next]);
                let mut length = a.far - b.far;
                let mut edge = a.edge;
                // Around the corner, as often as it takes.
                let mut around = a.edge == b.edge && length < 0.0;
                while (edge != b.edge || around) && length <= most + b.far {
                    around = false;
                    let corner = spots[edge as usize];
                    edge = if edge + 1 < start + n { edge + 1 } else { start };
                    length += corner.distance(spots[edge as usize]);
                }
                if length <= most {
                    self.links.push(Link { length, from: i as u32, to: next as u32 });
                }
            }
            first = end;
        }
        self.links.sort_unstable_by(|a, b| a.length.total_cmp(&b.length).then(a.from.cmp(&b.from)));
    }

    /// Calls `visit` with the corners passed on a link, forwards, its docks left out.
    fn corners_of(&self, region: &Contours, link: usize, mut visit: impl FnMut(Spot)) {
        let Link { from, to, .. } = self.links[link];
        let (a, b) = (self.docks[from as usize], self.docks[to as usize]);
        let spots = region.spots();
        let contour = region.get(a.contour as usize);
        let start = (contour.as_ptr() as usize - spots.as_ptr() as usize) / size_of::<Spot>();
        let mut edge = a.edge as usize;
        let mut around = a.edge == b.edge && a.far < b.far;
        while edge != b.edge as usize || around {
            around = false;
            visit(spots[edge]);
            edge = if edge + 1 < start + contour.len() { edge + 1 } else { start };
        }
    }

    fn is_taken(&self, region: &Contours, link: usize, taken: Option<(&Rows, &Frame)>) -> bool {
        let Some((rows, frame)) = taken else { return false };
        let Link { from, to, .. } = self.links[link];
        let mut at = self.place(self.docks[from as usize].end);
        // All of the way counts together: several short pieces are as much in the way as a long one.
        let mut held = 0.0;
        let mut look = |next: Spot| {
            let length = at.distance(next);
            rows.along(frame, at, next, |low, high| held += (high - low) * length);
            at = next;
        };
        self.corners_of(region, link, &mut look);
        look(self.place(self.docks[to as usize].end));
        held > 0.5 * frame.pitch()
    }

    /// Returns where an end lies.
    fn place(&self, end: u32) -> Spot {
        let strand = self.list[end as usize / 2];
        self.spots[if end.is_multiple_of(2) { strand.start } else { strand.end - 1 } as usize]
    }

    /// Adds all lines to `roads` as joined, in the order in which they were made. Ends on a contour that are joined to
    /// nothing go on until they are `reach` grid units beyond it.
    pub fn lay(&mut self, region: &Contours, (kind, area): (Kind, f64), reach: f64, roads: &mut Roads) {
        self.mates.resize(2 * self.list.len(), NONE);
        self.reach_out(region, reach);
        for end in 0..self.mates.len() as u32 {
            // Of the two free ends of a path, the one of the lower number.
            if self.mates[end as usize] == NONE && self.far_end(end) >= end {
                self.walk(region, end, (kind, area), roads);
            }
        }
    }

    /// Returns the other free end of the path that a free end belongs to.
    fn far_end(&self, end: u32) -> u32 {
        self.across.get(end as usize).copied().unwrap_or(end ^ 1)
    }

    /// Lays one path from a free end to its other one.
    fn walk(&self, region: &Contours, first: u32, (kind, area): (Kind, f64), roads: &mut Roads) {
        roads.begin(kind, area);
        let mut end = first;
        let mut corners: Vec<Spot> = Vec::new();
        loop {
            let strand = self.list[end as usize / 2];
            let spots = &self.spots[strand.start as usize..strand.end as usize];
            push_all(spots, end.is_multiple_of(2), roads);
            let out = end ^ 1;
            let mate = self.mates[out as usize];
            if mate == NONE {
                return roads.end();
            }
            let link = self.links[mate as usize / 2];
            corners.clear();
            self.corners_of(region, mate as usize / 2, |s| corners.push(s));
            let forward = mate.is_multiple_of(2);
            push_all(&corners, forward, roads);
            let next = if forward { link.to } else { link.from };
            end = self.docks[next as usize].end;
        }
    }

    /// Moves free ends on a contour on until they are `reach` beyond it.
    fn reach_out(&mut self, region: &Contours, reach: f64) {
        if reach <= 0.0 {
            return;
        }
        self.firsts.clear();
        let mut first = 0;
        for contour in region.iter() {
            self.firsts.push(first);
            first += contour.len();
        }
        for end in 0..self.mates.len() {
            let strand = self.list[end / 2];
            let edge = strand.docks[end % 2];
            if edge == LOOSE || self.mates[end] != NONE {
                continue;
            }
            let (at, from) = if end % 2 == 0 {
                (strand.start as usize, strand.start as usize + 1)
            } else {
                (strand.end as usize - 1, strand.end as usize - 2)
            };
            let way = self.spots[from].to(self.spots[at]);
            let edge = self.edge(region, edge as usize);
            let [x, y] = beyond(way, edge, reach);
            let spot = &mut self.spots[at];
            *spot = Spot::new(spot.x + x.round() as i32, spot.y + y.round() as i32);
        }
    }

    /// Returns an edge, counted by its last corner, as the way along it.
    fn edge(&self, region: &Contours, last: usize) -> [f64; 2] {
        let contour = self.firsts.partition_point(|f| *f <= last) - 1;
        let around = if self.firsts[contour] == last { region.get(contour).len() } else { 0 };
        region.spots()[last + around - 1].to(region.spots()[last])
    }
}

/// Returns how far a line that goes `way` goes on until it is `reach` beyond an edge; the outside lies to the right of it.
fn beyond([dx, dy]: [f64; 2], [ex, ey]: [f64; 2], reach: f64) -> [f64; 2] {
    let length = dx.hypot(dy).max(1e-9);
    let out = (dx * ey - dy * ex) / (length * ex.hypot(ey)).max(1e-9);
    if out <= 0.0 {
        return [0.0; 2];
    }
    let far = reach * (1.0 / out).min(SLANT) / length;
    [far * dx, far * dy]
}

fn push_all(spots: &[Spot], forward: bool, roads: &mut Roads) {
    for i in 0..spots.len() {
        roads.push(spots[if forward { i } else { spots.len() - 1 - i }]);
    }
}

/// Leaves in `parts` what of a straight way is not taken, as fractions of it.
fn left(taken: Option<(&Rows, &Frame)>, a: Spot, b: Spot, parts: &mut Vec<(f64, f64)>) {
    let Some((rows, frame)) = taken else { return parts.push((0.0, 1.0)) };
    let mut from = 0.0;
    rows.along(frame, a, b, |low, high| {
        if low > from {
            parts.push((from, low));
        }
        from = high;
    });
    if from < 1.0 {
        parts.push((from, 1.0));
    }
}

fn between(a: Spot, b: Spot, t: f64) -> Spot {
    let [x, y] = a.to(b);
    Spot::new(a.x + (t * x).round() as i32, a.y + (t * y).round() as i32)
}
