//! Regions as runs on scan lines.
//!
//! The one idea: what fills a layer is drawn in parallel lines, so regions that decide about filling need to be known on
//! those lines only. A region is the list of its runs on every line; what two regions have in common, together or apart
//! is a merge of sorted lists, exact along the lines and linear in their number. No polygon is ever clipped.
//!
//! ```text
//!   row 12   ─────[=====]──────[==]────      a run goes from a to b along u
//!   row 11   ───[=========]───[====]───      rows are one pitch apart along v
//!   row 10   ───[==================]───      u, v: x, y turned back by the direction of the lines
//! ```

use shop_geom::planar::{Contours, Spot};

/// Part of a scan line, grid units along it; `a < b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it begins.
    pub a: i32,
    /// Where it ends.
    pub b: i32,
}

impl Run {
    /// Returns how long it is, grid units.
    #[inline]
    pub fn length(self) -> i32 {
        self.b - self.a
    }
}

/// Scan lines: which way they run and how far apart they lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    cos: f64,
    sin: f64,
    pitch: f64,
    shift: f64,
}

impl Frame {
    /// Returns lines in direction `angle`, radians, `pitch` grid units apart, one of them through the origin.
    pub fn new(angle: f64, pitch: f64) -> Frame {
        let (sin, cos) = angle.sin_cos();
        Frame { cos, sin, pitch, shift: 0.0 }
    }

    /// Returns the same lines, moved across by `shift` grid units.
    pub fn moved(self, shift: f64) -> Frame {
        Frame { shift: (self.shift + shift).rem_euclid(self.pitch), ..self }
    }

    /// Returns the same lines, each moved across by `shift` grid units and numbered as it is.
    pub fn beside(self, shift: f64) -> Frame {
        Frame { shift: self.shift + shift, ..self }
    }

    /// Returns lines in the same direction, `times` as many: line 0 stays where it is.
    pub fn finer(self, times: i32) -> Frame {
        Frame { pitch: self.pitch / f64::from(times), ..self }
    }

    /// Returns the distance of lines, grid units.
    pub fn pitch(&self) -> f64 {
        self.pitch
    }

    /// Returns a place as u along the lines and v across them, row 0 being at v = 0.
    #[inline]
    pub fn turn(&self, s: Spot) -> [f64; 2] {
        let (x, y) = (f64::from(s.x), f64::from(s.y));
        [x * self.cos + y * self.sin, y * self.cos - x * self.sin - self.shift]
    }

    /// Returns the place at u along the lines and v across them.
    #[inline]
    pub fn back(&self, [u, v]: [f64; 2]) -> Spot {
        Spot::new((u * self.cos - v * self.sin).round() as i32, (u * self.sin + v * self.cos).round() as i32)
    }

    /// Returns the place at `u` on a row.
    #[inline]
    pub fn spot(&self, u: i32, row: i32) -> Spot {
        self.place(f64::from(u), f64::from(row) * self.pitch)
    }

    /// Returns the place at `u`, `v`: what [`Frame::turn`] makes of it.
    #[inline]
    pub fn place(&self, u: f64, v: f64) -> Spot {
        let v = v + self.shift;
        Spot::new((u * self.cos - v * self.sin).round() as i32, (u * self.sin + v * self.cos).round() as i32)
    }
}

/// Runs of consecutive rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    first: i32,
    /// Runs of row `first + i` are `runs[starts[i]..starts[i + 1]]`; empty when there are no rows.
    starts: Vec<u32>,
    runs: Vec<Run>,
}

/// Room for scanning, used again and again.
#[derive(Default)]
pub struct Scanner {
    counts: Vec<u32>,
    crossings: Vec<u64>,
    turned: Vec<[f64; 2]>,
    /// The corner before each one.
    before: Vec<u32>,
}

impl Scanner {
    /// Writes to `out` the runs of a region. O(corners + crossings).
    pub fn scan(&mut self, region: &Contours, frame: &Frame, out: &mut Rows) {
        self.sweep(region, frame, out);
        self.pair(out, |_, _, _, _| {});
    }

    /// The same; shows every run with its row and the edges at both its ends, counted by their last corners.
    pub fn scan_showing(
        &mut self,
        region: &Contours,
        frame: &Frame,
        out: &mut Rows,
        visit: impl FnMut(i32, Run, u32, u32),
    ) {
        self.sweep(region, frame, out);
        self.pair(out, visit);
    }

    /// Writes to `out` the runs that walks wind around at least once. O(corners + crossings).
    pub fn scan_wound(&mut self, walks: &Contours, frame: &Frame, out: &mut Rows) {
        self.sweep(walks, frame, out);
        out.starts.clear();
        out.starts.push(0);
        let mut start = 0;
        let rows = self.counts.len().saturating_sub(1);
        for end in &self.counts[..rows] {
            let row = &mut self.crossings[start..*end as usize];
            row.sort_unstable();
            let (mut around, mut from) = (0, 0);
            for c in row.iter() {
                let (u, edge) = (((c >> 32) as u32 ^ 0x8000_0000) as i32, *c as u32 as usize);
                // The inside lies to the left: of edges that go down, to the right of the crossing.
                let falls = self.turned[edge][1] < self.turned[self.before[edge] as usize][1];
                let was = around;
                around += if falls { 1 } else { -1 };
                if was <= 0 && around > 0 {
                    from = u;
                } else if was > 0 && around <= 0 {
                    out.push(Run { a: from, b: u });
                }
            }
            out.end_row();
            start = *end as usize;
        }
    }

    /// The same as [`Self::scan`]; returns whether a run is shorter than `limit` grid units and leads between edges that go opposite ways.
    pub fn scan_for_narrow(&mut self, region: &Contours, frame: &Frame, limit: f64, out: &mut Rows) -> bool {
        self.sweep(region, frame, out);
        let Scanner { turned, before, .. } = self;
        let (turned, before) = (std::mem::take(turned), std::mem::take(before));
        let pitch = frame.pitch;
        let edge = |e: u32| {
            let (a, b) = (turned[before[e as usize] as usize], turned[e as usize]);
            [b[0] - a[0], (b[1] - a[1]) * pitch]
        };
        let limit = limit as i32;
        let mut narrow = false;
        self.pair(out, |_, run, e, f| {
            if narrow || run.length() >= limit {
                return;
            }
            let ([ax, ay], [bx, by]) = (edge(e), edge(f));
            narrow = ax * bx + ay * by < OPPOSITE * ((ax * ax + ay * ay) * (bx * bx + by * by)).sqrt();
        });
        (self.turned, self.before) = (turned, before);
        narrow
    }

    /// Leaves the crossings of every row, in order, in `crossings`, their ends in `counts`.
    fn sweep(&mut self, region: &Contours, frame: &Frame, out: &mut Rows) {
        out.clear();
        self.counts.clear();
        self.crossings.clear();
        self.turned.clear();
        self.before.clear();
        if region.is_empty() {
            return;
        }
        self.turned.extend(region.spots().iter().map(|s| {
            let [u, v] = frame.turn(*s);
            [u, v / frame.pitch]
        }));
        for contour in region.iter() {
            let first = self.before.len() as u32;
            self.before.push(first + contour.len() as u32 - 1);
            self.before.extend(first..first + contour.len() as u32 - 1);
        }
        let (low, high) = self
            .turned
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p[1]), h.max(p[1])));
        out.first = low.ceil() as i32;
        let rows = (high.ceil() as i32 - out.first).max(0) as usize;
        if rows == 0 {
            return;
        }
        self.counts.resize(rows + 1, 0);
        let ends = |a: [f64; 2], b: [f64; 2]| (a[1].min(b[1]).ceil() as i32, a[1].max(b[1]).ceil() as i32);
        for (b, a) in self.turned.iter().zip(&self.before) {
            let (from, to) = ends(self.turned[*a as usize], *b);
            for row in from..to {
                self.counts[(row - out.first) as usize + 1] += 1;
            }
        }
        for i in 1..=rows {
            self.counts[i] += self.counts[i - 1];
        }
        self.crossings.resize(self.counts[rows] as usize, 0);
        out.starts.extend(self.counts.iter().map(|c| c / 2));
        for (i, (b, before)) in self.turned.iter().zip(&self.before).enumerate() {
            let a = self.turned[*before as usize];
            let (from, to) = ends(a, *b);
            if from >= to {
                continue;
            }
            let slope = (b[0] - a[0]) / (b[1] - a[1]);
            for row in from..to {
                let u = a[0] + (f64::from(row) - a[1]) * slope;
                let slot = &mut self.counts[(row - out.first) as usize];
                // Sorts as a number by place, then by edge.
                let place = (u.round() as i32 as u32) ^ 0x8000_0000;
                self.crossings[*slot as usize] = u64::from(place) << 32 | i as u64;
                *slot += 1;
            }
        }
    }

    /// Makes runs of the crossings, and shows each with its row and the edges at its ends.
    fn pair(&mut self, out: &mut Rows, mut visit: impl FnMut(i32, Run, u32, u32)) {
        // The counters stand at the ends of their rows.
        let mut start = 0;
        let rows = self.counts.len().saturating_sub(1);
        for (i, end) in self.counts[..rows].iter().enumerate() {
            let row = &mut self.crossings[start..*end as usize];
            row.sort_unstable();
            for pair in row.chunks_exact(2) {
                let [a, b] = [pair[0], pair[1]].map(|c| ((c >> 32) as u32 ^ 0x8000_0000) as i32);
                let run = Run { a, b };
                visit(out.first + i as i32, run, pair[0] as u32, pair[1] as u32);
                out.runs.push(run);
            }
            start = *end as usize;
        }
    }
}

/// Cosine between edges that count as going opposite ways.
const OPPOSITE: f64 = -0.5;

impl Rows {
    /// Forgets all runs and keeps the room.
    pub fn clear(&mut self) {
        self.starts.clear();
        self.runs.clear();
        self.first = 0;
    }

    /// Takes over all runs of others, and keeps the room.
    pub fn copy(&mut self, other: &Rows) {
        self.first = other.first;
        self.starts.clone_from(&other.starts);
        self.runs.clone_from(&other.runs);
    }

    /// True when there is no run.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns all rows that may have runs.
    pub fn range(&self) -> std::ops::Range<i32> {
        self.first..self.first + (self.starts.len() as i32 - 1).max(0)
    }

    /// Returns the runs of one row, left to right; none outside the range.
    #[inline]
    pub fn get(&self, row: i32) -> &[Run] {
        let i = i64::from(row) - i64::from(self.first);
        if i < 0 || i + 1 >= self.starts.len() as i64 {
            return &[];
        }
        &self.runs[self.starts[i as usize] as usize..self.starts[i as usize + 1] as usize]
    }

    /// Returns how long all runs are together, grid units.
    pub fn length(&self) -> i64 {
        self.runs.iter().map(|r| i64::from(r.length())).sum()
    }

    /// Calls `emit` with the parts of the straight way from `a` to `b` that lie within half a row of a run, as fractions
    /// of the way, in order. O(rows passed + runs there).
    pub fn along(&self, frame: &Frame, a: Spot, b: Spot, mut emit: impl FnMut(f64, f64)) {
        let ([ua, va], [ub, vb]) = (frame.turn(a), frame.turn(b));
        let (va, vb) = (va / frame.pitch, vb / frame.pitch);
        let (from, to) = (va.round() as i32, vb.round() as i32);
        let range = self.range();
        if self.is_empty() || from.max(to) < range.start || from.min(to) >= range.end {
            return;
        }
        let (du, dv) = (ub - ua, vb - va);
        let step = if to < from { -1 } else { 1 };
        // Where the way leaves a row for the next one.
        let leaves = |row: i32| {
            if row == to { 1.0 } else { ((f64::from(row) + 0.5 * f64::from(step) - va) / dv).clamp(0.0, 1.0) }
        };
        let (mut row, mut start) = (from, 0.0);
        let mut held: Option<(f64, f64)> = None;
        loop {
            let end = leaves(row);
            let mut found = |low: f64, high: f64| {
                let (low, high) = (low.max(start), high.min(end));
                if low < high {
                    match &mut held {
                        Some(last) if last.1 + 1e-9 >= low => last.1 = high,
                        _ => {
                            if let Some((low, high)) = held.replace((low, high)) {
                                emit(low, high);
                            }
                        }
                    }
                }
            };
            let runs = self.get(row);
            if du.abs() < 1.0 {
                let within = |r: &Run| f64::from(r.a) <= ua && ua <= f64::from(r.b);
                if runs.iter().any(within) {
                    found(start, end);
                }
            } else if du > 0.0 {
                for r in runs {
                    found((f64::from(r.a) - ua) / du, (f64::from(r.b) - ua) / du);
                }
            } else {
                for r in runs.iter().rev() {
                    found((f64::from(r.b) - ua) / du, (f64::from(r.a) - ua) / du);
                }
            }
            if row == to {
                break;
            }
            start = end;
            row += step;
        }
        if let Some((low, high)) = held {
            emit(low, high);
        }
    }

    /// Begins to write rows from `first` on.
    pub fn begin(&mut self, first: i32) {
        self.clear();
        self.first = first;
        self.starts.push(0);
    }

    /// Adds a run to the row being written, to the right of all others there; one that touches the last is joined to it.
    #[inline]
    pub fn push(&mut self, run: Run) {
        if run.a >= run.b {
            return;
        }
        let row = self.starts[self.starts.len() - 1] as usize;
        match self.runs[row..].last_mut() {
            Some(last) if last.b >= run.a => last.b = last.b.max(run.b),
            _ => self.runs.push(run),
        }
    }

    /// Returns the runs of the row being written.
    #[inline]
    pub fn last_row(&self) -> &[Run] {
        &self.runs[self.starts[self.starts.len() - 1] as usize..]
    }

    /// Ends the row being written.
    #[inline]
    pub fn end_row(&mut self) {
        self.starts.push(self.runs.len() as u32);
    }
}

/// Calls `emit` with what two sorted lists of runs have in common, left to right.
#[inline]
pub fn common(a: &[Run], b: &[Run], mut emit: impl FnMut(Run)) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let run = Run { a: a[i].a.max(b[j].a), b: a[i].b.min(b[j].b) };
        if run.a < run.b {
            emit(run);
        }
        if a[i].b < b[j].b {
            i += 1;
        } else {
            j += 1;
        }
    }
}

/// Calls `emit` with what the first list has and the second has not, left to right.
#[inline]
pub fn without(a: &[Run], b: &[Run], mut emit: impl FnMut(Run)) {
    let mut j = 0;
    for run in a {
        let mut from = run.a;
        while j < b.len() && b[j].b <= from {
            j += 1;
        }
        let mut k = j;
        while k < b.len() && b[k].a < run.b {
            if b[k].a > from {
                emit(Run { a: from, b: b[k].a });
            }
            from = from.max(b[k].b);
            k += 1;
        }
        if from < run.b {
            emit(Run { a: from, b: run.b });
        }
    }
}

/// Calls `emit` with the runs of either list, each list sorted; runs come sorted by where they begin and may overlap.
#[inline]
pub fn either(a: &[Run], b: &[Run], mut emit: impl FnMut(Run)) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let first = j == b.len() || (i < a.len() && a[i].a <= b[j].a);
        if first {
            emit(a[i]);
            i += 1;
        } else {
            emit(b[j]);
            j += 1;
        }
    }
}

/// Writes to `out` what `row` makes of the rows of both.
pub fn merge(a: &Rows, b: &Rows, out: &mut Rows, mut row: impl FnMut(&[Run], &[Run], &mut Rows)) {
    let (from, to) = (a.range(), b.range());
    let (first, last) = match (from.is_empty(), to.is_empty()) {
        (true, _) => (to.start, to.end),
        (false, true) => (from.start, from.end),
        _ => (from.start.min(to.start), from.end.max(to.end)),
    };
    out.begin(first);
    for k in first..last {
        row(a.get(k), b.get(k), out);
        out.end_row();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list() -> impl Strategy<Value = Vec<Run>> {
        prop::collection::vec((1i32..6, 1i32..6), 0..8).prop_map(|steps| {
            let mut at = 0;
            steps
                .into_iter()
                .map(|(gap, length)| {
                    let run = Run { a: at + gap, b: at + gap + length };
                    at = run.b;
                    run
                })
                .collect()
        })
    }

    fn has(list: &[Run], u: i32) -> bool {
        list.iter().any(|r| r.a <= u && u < r.b)
    }

    proptest! {
        #[test]
        fn merges_are_what_their_names_say(a in list(), b in list()) {
            let (mut both, mut rest, mut all) = (Vec::new(), Vec::new(), Vec::new());
            common(&a, &b, |r| both.push(r));
            without(&a, &b, |r| rest.push(r));
            either(&a, &b, |r| all.push(r));
            for u in 0..100 {
                prop_assert_eq!(has(&both, u), has(&a, u) && has(&b, u));
                prop_assert_eq!(has(&rest, u), has(&a, u) && !has(&b, u));
                prop_assert_eq!(has(&all, u), has(&a, u) || has(&b, u));
            }
            prop_assert!(all.windows(2).all(|w| w[0].a <= w[1].a));
        }

        #[test]
        fn a_way_is_in_the_rows_where_its_places_are(
            lists in prop::collection::vec(list(), 1..8),
            first in -4i32..4,
            way in (-30i32..60, -60i32..100, -30i32..60, -60i32..100),
            angle in 0.0f64..6.3,
        ) {
            let mut rows = Rows::default();
            rows.begin(first);
            for list in &lists {
                for r in list {
                    rows.push(Run { a: 100 * r.a, b: 100 * r.b });
                }
                rows.end_row();
            }
            let frame = Frame::new(angle, 500.0).moved(123.0);
            let [a, b] = [[way.0, way.1], [way.2, way.3]]
                .map(|[u, v]| frame.place(100.0 * f64::from(u), 50.0 * f64::from(v)));
            let mut parts = Vec::new();
            rows.along(&frame, a, b, |low, high| parts.push((low, high)));
            prop_assert!(parts.windows(2).all(|w| w[0].1 < w[1].0));
            for k in 0..200 {
                let t = (f64::from(k) + 0.5) / 200.0;
                let ([ua, va], [ub, vb]) = (frame.turn(a), frame.turn(b));
                let (u, v) = (ua + t * (ub - ua), (va + t * (vb - va)) / 500.0);
                if (v - v.round()).abs() > 0.49 {
                    continue;
                }
                let inside = |slack: f64| {
                    rows.get(v.round() as i32)
                        .iter()
                        .any(|r| f64::from(r.a) - slack <= u && u <= f64::from(r.b) + slack)
                };
                let said = parts.iter().any(|p| p.0 <= t && t <= p.1);
                prop_assert!(if said { inside(3.0) } else { !inside(-3.0) }, "{} {}", t, said);
            }
        }

        #[test]
        fn runs_sum_up_to_the_area(radii in prop::collection::vec(3.0f64..10.0, 3..30), angle in 0.0f64..3.0) {
            let mut region = Contours::default();
            for (i, r) in radii.iter().enumerate() {
                let (sin, cos) = (i as f64 / radii.len() as f64 * std::f64::consts::TAU).sin_cos();
                region.push(Spot::from_mm(r * cos, r * sin));
            }
            region.close();
            let mut rows = Rows::default();
            let pitch = 20.0;
            Scanner::default().scan(&region, &Frame::new(angle, pitch).moved(7.0), &mut rows);
            let area = rows.length() as f64 * pitch / 1e8;
            prop_assert!((area - region.area_mm2()).abs() < 0.2, "{area} {}", region.area_mm2());
        }
    }
}
