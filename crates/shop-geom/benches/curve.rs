//! Fitting arcs to curves: blobs of four cubics, as drawing programs export them, and ellipses.
//!
//! Measured on one thread of a 4-core machine shared with other work, fastest of several runs: 40,000 cubics, which
//! become 507,000 arcs within 0.5 µm, 0.23 s (5.7 µs a cubic, 0.45 µs an arc); 10,000 ellipses, 635,000 arcs, 0.20 s.
//! Ten times as many take ten times as long. `Drawing::paths` fits curves on all threads, one curve each.
//!
//! The limit is arithmetic and not memory: a cubic is read as 96 bytes and its arcs written as 300, 40 ns at 10 GB/s.
//! Every biarc takes two to three attempts of about 2,600 instructions (callgrind), most of them in bounding a
//! polynomial of degree 6 for each of its two arcs, some 400 multiplications and additions an attempt; at four of
//! them a cycle that would be about 30 ns where 300 are needed.

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
