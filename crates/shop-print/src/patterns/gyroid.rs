//! Gyroid: the surface sin x cos y + sin y cos z + sin z cos x = 0 (Schoen, 1970), cut at the height of a layer.
//!
//! ```text
//!  ~~~~╮    ╭~~~      At any height the cut is two families of waves, y = ±asin(C/R) − φ + …, each repeated every period:
//!      ╰~~~~╯         with A = sin x, B = cos z, C = −sin z cos x the equation is A cos y + B sin y = C, that is
//!  ~~~~╮    ╭~~~      R sin(y + φ) = C with R² = A² + B², tan φ = A / B. It has a solution for every x as long as
//!      ╰~~~~╯         |sin z| ≤ |cos z|; otherwise x and y change places, and waves run the other way.
//! ```
//!
//! Waves are scanned as straight lines are: the region is bent by the wave first, so that the wave is straight in it.

use super::Space;
use super::strands::Strands;
use crate::rows::{Frame, Rows, Scanner};
use shop_geom::planar::{Contours, Spot};
use std::f64::consts::TAU;

/// Steps of a period.
const STEPS: usize = 24;

/// Length of the cut for every unit of area, where a period is 2π: the mean over all heights, worked out by summing the
/// waves below in steps of a 10,000th of a period.
const LENGTH: f64 = 0.391_19;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Gyroid {
    scanner: Scanner,
    rows: Rows,
    bent: Contours,
    /// The edge of the region that every edge of the bent one is part of.
    edges: Vec<u32>,
    wave: Vec<f64>,
    way: Vec<Spot>,
}

impl Gyroid {
    /// Adds the waves of a layer at height `z`, as dense as straight lines `spacing` apart; lengths in grid units.
    pub fn fill(
        &mut self,
        space: &Space<'_>,
        angle: f64,
        spacing: f64,
        z: f64,
        least: f64,
        strands: &mut Strands,
    ) {
        // One unit of the formula.
        let unit = spacing * LENGTH;
        let across = turned(z / unit);
        for family in 0..2 {
            wave(z / unit, family, &mut self.wave);
            let turn = if across { 0.25 * TAU } else { 0.0 };
            let frame = Frame::new(angle + turn, TAU * unit);
            self.bend(space.inside, &frame, unit);
            self.weave(space, &frame, unit, least, strands);
        }
    }

    /// Moves every corner of the region across by as much as the wave does there. Edges are cut where the wave has its
    /// corners: between them both are straight, and so is what becomes of the edge.
    fn bend(&mut self, region: &Contours, frame: &Frame, unit: f64) {
        let Gyroid { bent, edges, wave, .. } = self;
        bent.clear();
        edges.clear();
        let step = TAU * unit / STEPS as f64;
        let mut edge = 0;
        for contour in region.iter() {
            let mut a = frame.turn(contour[contour.len() - 1]);
            for spot in contour {
                let b = frame.turn(*spot);
                let mut push = |u: f64, v: f64| {
                    bent.push(Spot::new(u.round() as i32, (v - at(wave, u / unit) * unit).round() as i32));
                    edges.push(edge);
                };
                // The wave's corners between the ends, in the order in which the edge passes them.
                let [from, to] = [a[0], b[0]].map(|u| u / step);
                let (first, last) = (from.min(to).floor() as i64 + 1, from.max(to).ceil() as i64);
                for k in 0..(last - first).max(0) {
                    let u = step * if from < to { first + k } else { last - 1 - k } as f64;
                    push(u, a[1] + (u - a[0]) / (b[0] - a[0]) * (b[1] - a[1]));
                }
                push(b[0], b[1]);
                edge += 1;
                a = b;
            }
            bent.close();
        }
    }

    fn weave(&mut self, space: &Space<'_>, frame: &Frame, unit: f64, least: f64, strands: &mut Strands) {
        let Gyroid { scanner, rows, bent, edges, wave, way, .. } = self;
        let step = TAU * unit / STEPS as f64;
        let level = Frame::new(0.0, frame.pitch());
        scanner.scan_showing(bent, &level, rows, |row, run, e, f| {
            let place = |u: f64| frame.place(u, f64::from(row) * frame.pitch() + at(wave, u / unit) * unit);
            let (a, b) = (f64::from(run.a), f64::from(run.b));
            way.clear();
            way.push(place(a));
            let first = (a / step).floor() as i64 + 1;
            let last = (b / step).ceil() as i64;
            way.extend((first..last).map(|k| place(k as f64 * step)));
            way.push(place(b));
            let docks = [edges[e as usize], edges[f as usize]];
            strands.add_way(way, docks, space.taken, least);
        });
    }
}

/// True where waves run along y.
fn turned(z: f64) -> bool {
    z.sin().abs() > z.cos().abs()
}

/// Writes one period of a wave, [`STEPS`] values and the first again.
fn wave(z: f64, family: u32, out: &mut Vec<f64>) {
    let (sz, cz) = z.sin_cos();
    let across = turned(z);
    // The constant one of A and B is made positive, so that φ has no jump.
    let sign = if across { sz.signum() } else { cz.signum() };
    out.clear();
    for k in 0..=STEPS {
        let (sin, cos) = (TAU * k as f64 / STEPS as f64).sin_cos();
        let [a, b, c] = if across { [sz, cos, -sin * cz] } else { [sin, cz, -sz * cos] }.map(|v| sign * v);
        let arc = (c / a.hypot(b)).clamp(-1.0, 1.0).asin();
        let half = if family == 0 { arc } else { 0.5 * TAU - arc };
        let y = half - a.atan2(b);
        // Turned by a quarter, what is y along the waves is −x across them.
        out.push(if across { -y } else { y });
    }
}

/// Returns the wave at `u`, which it is given for in steps.
#[inline]
fn at(wave: &[f64], u: f64) -> f64 {
    let k = (u / TAU).rem_euclid(1.0) * STEPS as f64;
    let i = (k as usize).min(STEPS - 1);
    wave[i] + (k - i as f64) * (wave[i + 1] - wave[i])
}
