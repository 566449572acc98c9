//! Supports: columns of lines under what would otherwise be laid on air.
//!
//! Supports are the one thing that layers know from far above, so they are worked out before the layers flow: one quick
//! pass cuts all sections to rows, another goes from top to bottom and carries along what hangs,
//!
//! ```text
//!   hangs(i)   = section(i) − section(i − 1) grown by what may hang over
//!   carried(i) = (carried(i + 1) ∪ hangs(i + 1 + gap)) − section(i) grown by the distance to walls
//! ```
//!
//! and keeps of every layer only the rows on which a line will lie. NOTE: those rows are held for all layers at once, some
//! kilobytes each; everything else about a print is in memory for a few layers only.

use crate::facets::{Facets, Front, Levels};
use crate::job::Job;
use crate::pipeline::{Reach, Stages, run};
use crate::rows::{Frame, Rows, Run, Scanner, either, without};
use crate::section::Cutter;
use shop_geom::planar::{Contours, PER_MM, Planar};
use std::sync::Arc;

/// The lines of all layers' supports.
#[derive(Clone, Debug, Default)]
pub struct Supports {
    /// Every so many rows has a line.
    pub step: i32,
    layers: Vec<Rows>,
}

/// Runs of what hangs that are shorter than this are the rounding of slopes, mm.
const SLIVER_MM: f64 = 0.03;
/// Shorter lines carry nothing, mm.
const LEAST_LINE_MM: f64 = 0.8;

impl Supports {
    /// Returns where the lines of a layer lie.
    pub fn rows(&self, layer: usize) -> Option<&Rows> {
        self.layers.get(layer).filter(|r| !r.is_empty())
    }

    /// Returns the scan lines of supports: as fine as roads, a whole number of them from line to line.
    pub fn frame(spacing_mm: f64, pitch_mm: f64) -> (Frame, i32) {
        let step = (spacing_mm / pitch_mm).round().max(1.0);
        (Frame::new(0.0, spacing_mm / step * PER_MM), step as i32)
    }

    /// Works out the supports of a part. O(facets cut + runs of all layers).
    pub fn new(job: &Job, facets: &Facets) -> Supports {
        let (frame, step) = Supports::frame(job.settings.support_spacing_mm, job.settings.pitch_mm());
        let survey = Survey { job, facets, frame };
        let mut sections: Vec<Arc<Rows>> = Vec::with_capacity(job.levels.len());
        let none = Reach { below: 0, above: 0 };
        run(&survey, job.levels.len(), none, Front::default(), (), |rows| {
            sections.push(rows);
            true
        });
        let layers = Descent::new(job, frame, step, &sections).go();
        Supports { step, layers }
    }
}

/// The pass that cuts all sections to rows.
struct Survey<'a> {
    job: &'a Job,
    facets: &'a Facets,
    frame: Frame,
}

#[derive(Default)]
struct Room {
    cutter: Cutter,
    planar: Planar,
    scanner: Scanner,
    region: Contours,
}

impl Stages for Survey<'_> {
    type Room = Room;
    type Feed = Front;
    type Input = Vec<u32>;
    type Cut = Rows;
    type Plan = Arc<Rows>;
    type State = ();
    type Ordered = Arc<Rows>;
    type Text = Arc<Rows>;

    fn feed(&self, front: &mut Front, layer: usize) -> Vec<u32> {
        front.advance(self.facets, layer).to_vec()
    }

    fn cut(&self, room: &mut Room, layer: usize, cut: Vec<u32>) -> Rows {
        let plane = self.job.levels.plane(layer);
        let coarse = 0.02 * PER_MM;
        room.cutter.cut(self.facets, &cut, plane, coarse, f64::INFINITY, &mut room.planar, &mut room.region);
        let mut rows = Rows::default();
        room.scanner.scan(&room.region, &self.frame, &mut rows);
        rows
    }

    fn plan(&self, _: &mut Room, _: usize, around: &[Option<Arc<Rows>>]) -> Arc<Rows> {
        around.first().cloned().flatten().unwrap_or_default()
    }

    fn order(&self, (): &mut (), _: usize, plan: Arc<Rows>) -> Arc<Rows> {
        plan
    }

    fn text(&self, _: &mut Room, _: usize, ordered: Arc<Rows>) -> Arc<Rows> {
        ordered
    }
}

/// The pass from top to bottom.
struct Descent<'a> {
    levels: &'a Levels,
    sections: &'a [Arc<Rows>],
    pitch: f64,
    step: i32,
    /// Layers between a support and what it carries.
    gap: usize,
    /// Distance from walls, grid units.
    aside: f64,
    /// What may hang over for every unit of height.
    slope: f64,
}

impl<'a> Descent<'a> {
    fn new(job: &'a Job, frame: Frame, step: i32, sections: &'a [Arc<Rows>]) -> Descent<'a> {
        let s = &job.settings;
        Descent {
            levels: &job.levels,
            sections,
            pitch: frame.pitch(),
            step,
            gap: (s.support_gap_mm / s.layer_height_mm).round() as usize,
            aside: s.support_xy_mm * PER_MM,
            slope: 1.0 / s.support_below_deg.to_radians().tan().max(0.01),
        }
    }

    fn go(&self) -> Vec<Rows> {
        let n = self.sections.len();
        let mut layers = vec![Rows::default(); n];
        let mut carried = Rows::default();
        for i in (0..n.saturating_sub(1)).rev() {
            let above = i + 1 + self.gap;
            if above < n {
                // Grown by half the distance of lines, so that even a narrow strip meets one.
                let hangs = self.grown(&self.hangs(above), 0.5 * self.pitch * f64::from(self.step));
                carried = merge(&carried, &hangs, |a, b, out| either(a, b, |r| out.push(r)));
            }
            if carried.is_empty() {
                continue;
            }
            let grown = self.grown(&self.sections[i], self.aside);
            carried = merge(&carried, &grown, |a, b, out| without(a, b, |r| out.push(r)));
            // Neither against the part right above nor on the part right below: both need air between.
            let mut lines = carried.clone();
            for k in (i.saturating_sub(self.gap)..=(i + self.gap).min(n - 1)).filter(|k| *k != i) {
                lines = merge(&lines, &self.sections[k], |a, b, out| without(a, b, |r| out.push(r)));
            }
            layers[i] = self.lines(&lines);
        }
        layers
    }

    /// Returns what of a layer is not held by the one below.
    fn hangs(&self, layer: usize) -> Rows {
        let reach = self.levels.height(layer) * self.slope * PER_MM;
        let held = self.grown(&self.sections[layer - 1], reach);
        let sliver = (SLIVER_MM * PER_MM) as i32;
        merge(&self.sections[layer], &held, |a, b, out| {
            without(a, b, |r| {
                if r.length() > sliver {
                    out.push(r);
                }
            });
        })
    }

    /// Returns a region with everything as near to it as `radius`.
    fn grown(&self, rows: &Rows, radius: f64) -> Rows {
        let mut out = Rows::default();
        let range = rows.range();
        if range.is_empty() {
            return out;
        }
        let reach = (radius / self.pitch).floor() as i32;
        out.begin(range.start - reach);
        let mut near: Vec<Run> = Vec::new();
        for row in range.start - reach..range.end + reach {
            near.clear();
            for d in -reach..=reach {
                let across = f64::from(d) * self.pitch;
                let along = (radius * radius - across * across).max(0.0).sqrt() as i32;
                near.extend(rows.get(row + d).iter().map(|r| Run { a: r.a - along, b: r.b + along }));
            }
            near.sort_unstable_by_key(|r| r.a);
            for r in &near {
                out.push(*r);
            }
            out.end_row();
        }
        out
    }

    /// Keeps the rows on which lines lie.
    fn lines(&self, rows: &Rows) -> Rows {
        let mut out = Rows::default();
        out.begin(rows.range().start);
        for row in rows.range() {
            if row % self.step == 0 {
                let long = |r: &&Run| f64::from(r.length()) >= LEAST_LINE_MM * PER_MM;
                for r in rows.get(row).iter().filter(long) {
                    out.push(*r);
                }
            }
            out.end_row();
        }
        out
    }
}

/// Returns rows made of two others, row by row.
fn merge(a: &Rows, b: &Rows, mut row: impl FnMut(&[Run], &[Run], &mut Rows)) -> Rows {
    let (mut from, mut to) = (a.range(), b.range());
    if from.is_empty() {
        from = to.clone();
    }
    if to.is_empty() {
        to = from.clone();
    }
    let mut out = Rows::default();
    let first = from.start.min(to.start);
    out.begin(first);
    for k in first..from.end.max(to.end) {
        row(a.get(k), b.get(k), &mut out);
        out.end_row();
    }
    out
}
