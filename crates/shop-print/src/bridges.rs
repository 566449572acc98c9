//! Bridges: what hangs between two sides is filled with lines that run from one to the other.
//!
//! ```text
//!   ┌────────┬───────────────┬────────┐     ▒ the layer below, on which lines end
//!   │▒▒▒▒▒▒╒═╪═══════════════╪═╕▒▒▒▒▒▒│     ═ lines, a little way into both sides (the anchors)
//!   │▒▒▒▒▒▒╘═╪═══════════════╪═╛▒▒▒▒▒▒│
//!   └────────┴───────────────┴────────┘
//! ```
//!
//! Every piece that hangs looks for its own direction: lines are tried along its edges, across them and every few
//! degrees, and the direction in which they are best held wins: the sum of the squares of free lengths, a length that is
//! held on one side or on none counting several times. A piece that is not held in any direction is no bridge.

use crate::fill::{Lines, Weaver};
use crate::job::Job;
use crate::roads::{Kind, Roads};
use crate::rows::{Frame, Rows, Run, Scanner, without};
use crate::slice::Slice;
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot, encloses, twice_area};
use std::f64::consts::PI;

/// Less than this is no bridge but a rounding of walls, mm².
const LEAST_MM2: f64 = 1.0;
/// How much more a free line costs that is held on one side only, and on none.
const LAME: [f64; 2] = [3.0, 6.0];
/// Share of all lines, by length, that must be held on both sides.
const HELD: f64 = 0.5;
/// Directions that are tried anyway.
const DIRECTIONS: u32 = 12;
/// Edges are sorted by direction into so many classes; the longest classes are tried.
const CLASSES: usize = 36;
const TRIED: usize = 3;
/// Lines tried for a direction are no more than about this many.
const MOST_LINES: f64 = 64.0;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Bridger {
    planar: Planar,
    scanner: Scanner,
    weaver: Weaver,
    hanging: Contours,
    piece: Contours,
    grown: Contours,
    place: Contours,
    held: Contours,
    all: Contours,
    spare: Contours,
    lines: Rows,
    ends: Rows,
}

impl Bridger {
    /// Adds the bridges of a layer to `roads`, beginning near `at`; returns where the last one ends, and leaves in
    /// `taken` the rows of `frame` on which they lie.
    pub fn bridge(
        &mut self,
        job: &Job,
        layer: usize,
        own: &Slice,
        below: &Slice,
        taken: &mut Rows,
        at: Spot,
        roads: &mut Roads,
    ) -> Spot {
        let frame = &job.frames[layer % 2];
        taken.clear();
        if hanging_mm2(&own.inner, &below.cover[layer % 2], frame) < LEAST_MM2 {
            return at;
        }
        self.planar.combine(&own.walls.inside, &below.region, Boolean::Difference, &mut self.hanging);
        self.all.clear();
        let mut at = at;
        for outer in 0..self.hanging.len() {
            if !self.take_piece(outer, job.settings.pitch_mm()) {
                continue;
            }
            self.find_sides(job, &below.region);
            let Some(angle) = self.direction(job) else { continue };
            self.find_place(&own.walls.inside);
            let frame = Frame::new(angle, job.settings.pitch_mm() * PER_MM);
            self.scanner.scan(&self.place, &frame, &mut self.lines);
            let lines = Lines {
                kind: Kind::Bridge,
                step: 1,
                link: job.link,
                least: job.link / 2,
                area: job.area(layer) * job.settings.bridge_flow,
                monotonic: true,
            };
            at = self.weaver.weave(&self.lines, &frame, &lines, at, roads);
            self.all.append(&self.place);
        }
        self.scanner.scan(&self.all, frame, taken);
        at
    }

    /// Leaves in `piece` what hangs within an outer contour; false when that is no outer one, or too little.
    fn take_piece(&mut self, outer: usize, pitch_mm: f64) -> bool {
        let contour = self.hanging.get(outer);
        if twice_area(contour) <= 0 {
            return false;
        }
        self.piece.clear();
        self.piece.add(contour);
        for hole in self.hanging.iter().filter(|c| twice_area(c) < 0) {
            if encloses(contour, hole[0]) {
                self.piece.add(hole);
            }
        }
        let around: f64 = self.piece.iter().map(length_mm).sum();
        let area = self.piece.area_mm2();
        // A strip is as wide as twice its area is long around it.
        area >= LEAST_MM2 && 2.0 * area / around.max(1e-9) >= pitch_mm
    }

    /// Leaves in `grown` the piece with its anchors, and in `held` what is near enough below to hold ends of lines.
    fn find_sides(&mut self, job: &Job, below: &Contours) {
        let s = &job.settings;
        let round = Corner::Round { tolerance: 0.02 * PER_MM };
        self.planar.inset(&self.piece, -s.bridge_anchor_mm.max(0.01) * PER_MM, round, &mut self.grown);
        self.planar.inset(&self.piece, -reach(job) - 100.0, round, &mut self.spare);
        self.planar.combine(&self.spare, below, Boolean::Intersection, &mut self.held);
    }

    /// Leaves in `place` where lines of the piece lie: off those of other pieces.
    fn find_place(&mut self, inside: &Contours) {
        if self.all.is_empty() {
            self.planar.combine(&self.grown, inside, Boolean::Intersection, &mut self.place);
        } else {
            self.planar.combine(&self.grown, inside, Boolean::Intersection, &mut self.spare);
            self.planar.combine(&self.spare, &self.all, Boolean::Difference, &mut self.place);
        }
    }

    /// Returns the direction in which lines are held best, radians.
    fn direction(&mut self, job: &Job) -> Option<f64> {
        let reach = reach(job) as i32;
        let mut best: Option<(f64, f64)> = None;
        for angle in candidates(&self.piece) {
            let (sin, cos) = angle.sin_cos();
            let across = |s: &Spot| f64::from(s.y) * cos - f64::from(s.x) * sin;
            let (low, high) = self
                .piece
                .spots()
                .iter()
                .map(across)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            let pitch = (job.settings.pitch_mm() * PER_MM).max((high - low) / MOST_LINES);
            // The first line half a distance from the edge.
            let frame = Frame::new(angle, pitch).moved(low + 0.5 * pitch);
            self.scanner.scan(&self.piece, &frame, &mut self.lines);
            self.scanner.scan(&self.held, &frame, &mut self.ends);
            let (mut cost, mut sum, mut held) = (0.0, 0.0, 0.0);
            for row in self.lines.range() {
                for run in self.lines.get(row) {
                    let length = f64::from(run.length());
                    let sides = held_sides(*run, self.ends.get(row), reach);
                    sum += length;
                    let counted = match sides {
                        2 => {
                            held += length;
                            length
                        }
                        n => length * LAME[1 - n],
                    };
                    cost += counted * counted * pitch;
                }
            }
            if held >= HELD * sum && sum > 0.0 && best.is_none_or(|b| cost < b.0 * (1.0 - 1e-6)) {
                best = Some((cost, angle));
            }
        }
        best.map(|b| b.1)
    }
}

/// Returns how far beyond the end of a line it may be held: the walls lie in between.
fn reach(job: &Job) -> f64 {
    (f64::from(job.settings.walls) + 0.5) * job.settings.pitch_mm() * PER_MM
}

/// Returns at how many of its ends a line is held.
fn held_sides(line: Run, held: &[Run], reach: i32) -> usize {
    let touches = |a: i32, b: i32| held.iter().any(|r| r.a < b && r.b > a);
    usize::from(touches(line.a - reach, line.a + SLACK))
        + usize::from(touches(line.b - SLACK, line.b + reach))
}

/// Lines end where what holds them begins, but for rounding, grid units.
const SLACK: i32 = 20;

/// Returns how much of a layer's inside hangs, mm².
fn hanging_mm2(inner: &Rows, below: &Rows, frame: &Frame) -> f64 {
    let mut sum = 0i64;
    let sliver = frame.pitch() as i32;
    for row in inner.range() {
        without(inner.get(row), below.get(row), |r| {
            if r.length() > sliver {
                sum += i64::from(r.length());
            }
        });
    }
    sum as f64 * frame.pitch() / (PER_MM * PER_MM)
}

/// Returns directions worth trying, radians: along and across the longest edges, and some anyway.
fn candidates(piece: &Contours) -> Vec<f64> {
    // Directions as vectors of twice the angle, so that both ways along an edge are the same.
    let mut classes = [(0.0f64, 0.0f64, 0.0f64); CLASSES];
    for contour in piece.iter() {
        let mut a = contour[contour.len() - 1];
        for &b in contour {
            let [x, y] = a.to(b);
            let length = x.hypot(y);
            if length > 0.0 {
                let twice = 2.0 * y.atan2(x);
                let class = (twice / (2.0 * PI)).rem_euclid(1.0) * CLASSES as f64;
                let c = &mut classes[(class.round() as usize) % CLASSES];
                *c = (c.0 + length, c.1 + length * twice.cos(), c.2 + length * twice.sin());
            }
            a = b;
        }
    }
    classes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut out = Vec::with_capacity(2 * TRIED + DIRECTIONS as usize);
    for class in classes.iter().take(TRIED).filter(|c| c.0 > 0.0) {
        let angle = 0.5 * class.2.atan2(class.1);
        out.extend([angle, angle + 0.5 * PI]);
    }
    out.extend((0..DIRECTIONS).map(|k| f64::from(k) * PI / f64::from(DIRECTIONS)));
    out
}

fn length_mm(contour: &[Spot]) -> f64 {
    let mut a = contour[contour.len() - 1];
    let mut sum = 0.0;
    for &b in contour {
        sum += a.distance(b);
        a = b;
    }
    sum / PER_MM
}
