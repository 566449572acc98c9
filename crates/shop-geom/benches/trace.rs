//! Chaining, nesting and crossings of a sheet of brackets: 16 entities each, of which 12 are loose.
//!
//! Measured as processor time of one thread on a shared 4-core machine, 100,000 entities (1,000,000 in brackets):
//! chaining 30 ms (440), nesting of the 37,500 contours 21 ms (330), crossings 22 ms (295); one contour of 200,000
//! vertices: nesting 5 ms, crossings 20 ms. Chaining reads about 200 bytes and writes about 250 per entity, so
//! memory alone would take about 5 ms per 100,000 at 10 GB/s: six times less. The rest goes to the allocations
//! of the result, and to the cells of the two grids, of which every piece touches one to three.

use divan::{Bencher, black_box};
use shop_geom::nesting::{crossings, nesting};
use shop_geom::trace::{TraceOptions, trace};
use shop_geom::{Point, Polyline};
use shop_report::Silent;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

fn main() {
    divan::main();
}

/// Brackets with rounded corners, four holes and a slot, about 16 entities each.
fn sheet(entities: usize) -> Vec<Polyline> {
    let count = entities.div_ceil(16);
    let columns = (count as f64).sqrt().ceil() as usize;
    let mut out = Vec::with_capacity(count * 16);
    for i in 0..count {
        let (x, y) = ((i % columns) as f64 * 70.0, (i / columns) as f64 * 50.0);
        let (w, h, r) = (50.0 + (i * 7 % 9) as f64, 34.0 + (i * 5 % 7) as f64, 5.0);
        let mut line = |a: f64, b: f64, c: f64, d: f64| {
            out.push(Polyline::open([Point::new(x + a, y + b), Point::new(x + c, y + d)]));
        };
        line(r, 0.0, w - r, 0.0);
        line(w, r, w, h - r);
        line(w - r, h, r, h);
        line(0.0, h - r, 0.0, r);
        line(20.0, 14.0, 32.0, 14.0);
        line(32.0, 20.0, 20.0, 20.0);
        let mut arc = |a: f64, b: f64, radius: f64, start: f64, sweep: f64| {
            out.push(Polyline::arc(Point::new(x + a, y + b), radius, start, sweep));
        };
        arc(w - r, r, r, -FRAC_PI_2, FRAC_PI_2);
        arc(w - r, h - r, r, 0.0, FRAC_PI_2);
        arc(r, h - r, r, FRAC_PI_2, FRAC_PI_2);
        arc(r, r, r, PI, FRAC_PI_2);
        arc(32.0, 17.0, 3.0, -FRAC_PI_2, PI);
        arc(20.0, 17.0, 3.0, FRAC_PI_2, PI);
        for q in 0..4 {
            let (a, b) = (9.0 + (w - 18.0) * f64::from(q % 2), 8.0 + (h - 16.0) * f64::from(q / 2));
            out.push(Polyline::circle(Point::new(x + a, y + b), 2.5));
        }
    }
    out
}

fn contours(entities: usize) -> Vec<Polyline> {
    let options = TraceOptions { tolerance: 0.05, drop_duplicates: true };
    let traced = trace(&sheet(entities), &options, &Silent).expect("never cancels");
    traced.closed.into_iter().map(|c| c.polyline).collect()
}

/// One contour with bays on every scale.
fn coast(vertices: usize) -> Vec<Polyline> {
    vec![Polyline::polygon((0..vertices).map(|i| {
        let t = i as f64 / vertices as f64 * TAU;
        let r = 400.0
            + (1..60).map(|k| 24.0 / f64::from(k).powf(1.1) * (f64::from(5 * k) * t).sin()).sum::<f64>();
        Point::new(r * t.cos(), r * t.sin())
    }))]
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 5)]
fn chaining(bencher: Bencher<'_, '_>, entities: usize) {
    let paths = sheet(entities);
    let options = TraceOptions { tolerance: 0.05, drop_duplicates: true };
    bencher.bench_local(|| trace(black_box(&paths), &options, &Silent));
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 5)]
fn nest(bencher: Bencher<'_, '_>, entities: usize) {
    let contours = contours(entities);
    bencher.bench_local(|| nesting(black_box(&contours), &Silent));
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 5)]
fn cross(bencher: Bencher<'_, '_>, entities: usize) {
    let contours = contours(entities);
    bencher.bench_local(|| crossings(black_box(&contours), &Silent));
}

#[divan::bench(args = [10_000, 200_000], sample_count = 5)]
fn cross_one_contour(bencher: Bencher<'_, '_>, vertices: usize) {
    let contours = coast(vertices);
    bencher.bench_local(|| crossings(black_box(&contours), &Silent));
}
