//! Route: random points and sheets of parts.
//!
//! The floor is the neighbour lists: 8 × 4 bytes written and about 18 points read per point, some 0.3 µs at memory
//! speed; everything above that is the local search, whose cost is cache misses on `place` and `points`.

use shop_geom::Point;
use shop_geom::route::{Stop, route, tour};
use shop_report::Silent;

fn main() {
    divan::main();
}

fn noise(n: usize) -> Vec<Point> {
    let mut state = 12345u64;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n).map(|_| Point::new(next() * 1000.0, next() * 1000.0)).collect()
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5)]
fn random_points(bencher: divan::Bencher<'_, '_>, n: usize) {
    let points = noise(n);
    bencher.bench_local(|| tour(&points, Point::origin(), None));
}

/// Parts of five holes and an outline, eight ways each, like the brackets of a full sheet.
#[divan::bench(args = [100, 1_000, 10_000], sample_count = 5)]
fn parts(bencher: divan::Bencher<'_, '_>, n: usize) {
    let side = (n as f64).sqrt().ceil() as usize;
    let mut stops = Vec::new();
    for part in 0..n {
        let (x, y) = ((part % side) as f64 * 70.0, (part / side) as f64 * 50.0);
        let outline = (part * 6 + 5) as u32;
        for k in 0..6 {
            let (cx, cy, r) = match k {
                4 => (x + 26.0, y + 17.0, 7.0),
                5 => (x + 26.0, y + 17.0, 25.0),
                _ => (x + 9.0 + 34.0 * f64::from(k % 2), y + 8.0 + 18.0 * f64::from(k / 2), 2.0),
            };
            let way = |i: i32| {
                let (s, c) = (f64::from(i) * std::f64::consts::FRAC_PI_4).sin_cos();
                let p = Point::new(cx + r * c, cy + r * s);
                (p, p)
            };
            let before = (k != 5).then_some(outline);
            stops.push(Stop { ways: (0..8).map(way).collect(), group: part as u32, before });
        }
    }
    bencher.bench_local(|| route(&stops, Point::origin(), &Silent));
}
