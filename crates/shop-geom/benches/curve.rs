//! Fitting arcs to curves: blobs of four cubics, as drawing programs export them, and ellipses.
//!
//! FIGURES

use divan::{Bencher, black_box, counter::ItemsCount};
use shop_geom::curve::{Curve, EllipseArc, PathBuilder};
use shop_geom::{Point, Vector};
use std::f64::consts::TAU;

fn main() {
    divan::main();
}

/// What `shopctl cut` asks for, mm.
const TOLERANCE: f64 = 5e-4;

/// Closed blobs of four cubics, smooth at the joints, 4 to 40 mm wide.
fn blobs(cubics: usize) -> Vec<Curve> {
    (0..cubics / 4)
        .map(|i| {
            let size = 2.0 * 10.0_f64.powf((i % 97) as f64 / 97.0);
            let at = Point::new((i % 300) as f64 * 50.0, (i / 300) as f64 * 50.0);
            // Radius and length of the handles at each of four corners, by a sequence that repeats late.
            let vary = |k: usize| 0.7 + 0.6 * ((i * 4 + k % 4) as f64 * 0.618_034).fract();
            let corner = |k: usize| {
                let (s, c) = (TAU * k as f64 / 4.0).sin_cos();
                let arm = Vector::new(c, s) * (size * vary(k));
                let handle = Vector::new(-s, c) * (0.55 * size * vary(k + 1));
                (at + arm, handle)
            };
            let mut pen = PathBuilder::default();
            pen.move_to(corner(0).0);
            for k in 0..4 {
                let ((a, out), (b, back)) = (corner(k), corner(k + 1));
                pen.cubic_to(a + out, b - back, b);
            }
            pen.close();
            pen.finish().pop().expect("a path")
        })
        .collect()
}

fn ellipses(count: usize) -> Vec<Curve> {
    let one = |i: usize| EllipseArc {
        center: Point::new((i % 300) as f64 * 50.0, (i / 300) as f64 * 50.0),
        major: Vector::new(5.0 + (i % 13) as f64, 0.0),
        minor: Vector::new(0.0, 2.0 + (i % 7) as f64 * 0.4),
        start: 0.0,
        sweep: TAU,
    };
    (0..count).map(|i| Curve::Ellipse(one(i))).collect()
}

fn fit(bencher: Bencher<'_, '_>, curves: &[Curve], items: usize) {
    bencher.counter(ItemsCount::new(items)).bench_local(|| {
        curves.iter().map(|c| black_box(c).to_polyline(TOLERANCE).vertices.len()).sum::<usize>()
    });
}

#[divan::bench(args = [4_000, 40_000, 400_000], sample_count = 5)]
fn fit_cubics(bencher: Bencher<'_, '_>, cubics: usize) {
    fit(bencher, &blobs(cubics), cubics);
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5)]
fn fit_ellipses(bencher: Bencher<'_, '_>, count: usize) {
    fit(bencher, &ellipses(count), count);
}
