//! The tip of a drag knife: where it is when the program moves its axis.
//!
//! The tip trails at distance d; it moves towards the axis only, so that the blade's heading θ follows the axis's
//! direction ψ by dθ/ds = sin(ψ − θ) / d (the tractrix). Three cases are exact: a straight line with the blade in
//! line, an arc of the axis about the tip (the blade turns in place), and an arc on which the blade already trails
//! at its steady angle, where the tip follows the concentric arc of radius √(R² − d²). All others are integrated
//! (Runge-Kutta) into short chords.
//!
//! NOTE: where the knife enters the work its heading is taken to be that in which it trails its first move, as planners do; a real
//! blade may still point elsewhere for the first millimetre.

use super::program::{Program, Work};
use crate::piece::Piece;
use shop_geom::{Point, Vector, left};

/// Headings closer than this are in line, radians.
const IN_LINE: f64 = 1e-5;
/// An arc is about the tip, or trailed at the steady angle, within this, mm: rounded coordinates.
const CLOSE: f64 = 2e-3;
/// Steps per blade offset.
const STEPS: f64 = 20.0;
/// No move is divided into more chords than this.
const MOST_STEPS: f64 = 100_000.0;

/// Replaces the paths of the axis by those of the tip.
pub(super) fn trail(program: &mut Program, offset: f64) {
    let works = std::mem::take(&mut program.works);
    let mut out: Vec<Work> = Vec::with_capacity(works.len());
    let mut at = 0;
    for run in works.chunk_by(|a, b| a.run == b.run) {
        let first = run.iter().find(|w| !w.stands()).or(run.first());
        let Some(first) = first else { continue };
        let mut tip = settled(&first.piece, offset);
        while program.pierces.get(at).is_some_and(|p| p.run < run[0].run) {
            at += 1;
        }
        if let Some(pierce) = program.pierces.get_mut(at).filter(|p| p.run == run[0].run) {
            pierce.at = tip;
        }
        for work in run {
            tip = follow(work, tip, offset, &mut out);
        }
    }
    program.works = out;
}

/// Returns where the tip is when the blade already trails its axis along `axis` without turning in the work.
fn settled(axis: &Piece, offset: f64) -> Point {
    if axis.is_line() || axis.radius <= offset {
        return axis.a - axis.direction(0.0) * offset;
    }
    let steady = (axis.radius * axis.radius - offset * offset).sqrt();
    let (s, c) = (offset.atan2(steady) * -axis.sweep.signum()).sin_cos();
    let v = (axis.a - axis.center) * (steady / axis.radius);
    axis.center + v * c + left(v) * s
}

/// Adds the tip's path under one move of the axis; returns where the tip ends.
fn follow(work: &Work, tip: Point, offset: f64, out: &mut Vec<Work>) -> Point {
    let mut add = |piece: Piece| out.push(Work { piece, ..*work });
    let axis = &work.piece;
    if work.stands() {
        add(Piece::line(tip, tip));
        return tip;
    }
    if axis.is_line() {
        let u = axis.direction(0.0);
        let heading = (axis.a - tip).try_normalize(1e-12).unwrap_or(u);
        if (heading - u).norm() < IN_LINE.max(CLOSE / offset.max(CLOSE) * 0.1) {
            let end = axis.b - u * offset;
            add(Piece::line(tip, end));
            return end;
        }
        return drag(axis, tip, offset, add);
    }
    if (axis.center - tip).norm() <= CLOSE && (axis.radius - offset).abs() <= CLOSE {
        add(Piece::line(tip, axis.center));
        return axis.center;
    }
    let steady = (axis.radius * axis.radius - offset * offset).max(0.0).sqrt();
    let lags = left(tip - axis.center).dot(&(axis.a - tip)) * axis.sweep > 0.0;
    if lags && steady > 0.0 && ((tip - axis.center).norm() - steady).abs() <= CLOSE {
        let (s, c) = axis.sweep.sin_cos();
        let v = tip - axis.center;
        let end = axis.center + v * c + left(v) * s;
        add(Piece { a: tip, b: end, center: axis.center, radius: v.norm(), sweep: axis.sweep });
        return end;
    }
    drag(axis, tip, offset, add)
}

/// Integrates the tip's path in chords.
fn drag(axis: &Piece, tip: Point, offset: f64, mut add: impl FnMut(Piece)) -> Point {
    let length = axis.length();
    let n = (length * STEPS / offset).ceil().clamp(1.0, MOST_STEPS);
    let h = length / n;
    let v = axis.a - tip;
    let mut heading = v.y.atan2(v.x);
    let mut from = tip;
    let way = |s: f64| {
        let d = axis.direction((s / length).clamp(0.0, 1.0));
        d.y.atan2(d.x)
    };
    let rate = |s: f64, heading: f64| (way(s) - heading).sin() / offset;
    for k in 0..n as u32 {
        let s = f64::from(k) * h;
        if axis.is_line() && (way(s) - heading).sin().abs() < IN_LINE && (way(s) - heading).cos() > 0.0 {
            let end = axis.b - axis.direction(1.0) * offset;
            add(Piece::line(from, end));
            return end;
        }
        let k1 = rate(s, heading);
        let k2 = rate(s + 0.5 * h, heading + 0.5 * h * k1);
        let k3 = rate(s + 0.5 * h, heading + 0.5 * h * k2);
        let k4 = rate(s + h, heading + h * k3);
        heading += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
        let (sin, cos) = heading.sin_cos();
        let to = axis.at((s + h) / length) - Vector::new(cos, sin) * offset;
        add(Piece::line(from, to));
        from = to;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a straight line the angle φ to it decays as tan(φ/2) = tan(φ₀/2)·e^(−s/d).
    #[test]
    fn the_tip_follows_a_tractrix() {
        let (d, s) = (0.5f64, 0.8f64);
        let axis = Piece::line(Point::origin(), Point::new(s, 0.0));
        let mut count = 0;
        let end = drag(&axis, Point::new(0.0, -d), d, |_| count += 1);
        // The blade points up, the axis goes right: φ₀ = 90°.
        let phi = 2.0 * ((-s / d).exp()).atan();
        let want = Point::new(s - d * phi.cos(), -d * phi.sin());
        assert!((end - want).norm() < 1e-6, "{end} {want} in {count}");
    }
}
