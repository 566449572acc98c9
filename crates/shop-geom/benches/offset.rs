//! Offsets as the planners ask for them; run with `cargo bench -p shop-geom --bench offset`.
//!
//! Measured 2026-11-22 on 4 cores shared with other work (load average 28; fastest of the samples):
//!
//! | input | time | per item |
//! |---|---|---|
//! | sheet, 375 / 3,750 / 37,500 contours, one thread | 0.22 / 2.2 / 28 ms | 0.6–0.75 µs a contour |
//! | coast, 2,000 / 20,000 / 200,000 vertices, +1 mm, one thread | 3.3 / 24 / 282 ms | 1.2–1.7 µs a vertex |
//! | coast, 200,000 vertices, −3 mm (bays and capes tighter than that) | 598 ms | 3 µs a vertex |
//! | pocket with 200 islands in rings of 0.4 mm | 62 ms | |
//!
//! The limit: the sheet reads 4.4 MB of vertices and writes 4.1 MB, with outlines and grid about 12 MB, or 1.2 ms at
//! 10 GB/s; square roots and two allocations a contour make the rest, a factor of 23. The coast touches about
//! 130 MB (pieces, curves, grid edges, two sorts, the check), or 13 ms: a factor of 20, of which a quarter is the
//! kernel clearing fresh pages and a fifth the check by distance.

#[path = "../tests/offset_oracle/mod.rs"]
mod oracle;

use divan::Bencher;
use oracle::{coast, pocket, round, sheet};
use shop_geom::offset::{offset, rings};
use shop_report::Silent;

fn main() {
    divan::main();
}

/// Kerf of a sheet of parts, one thread: nearly every contour alone.
#[divan::bench(args = [375, 3_750, 37_500], sample_count = 10)]
fn sheet_kerf(bencher: Bencher<'_, '_>, n: usize) {
    let contours = sheet(n);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    bencher.bench_local(|| pool.install(|| offset(&contours, 0.5, &round(1e-3), &Silent)));
}

/// The same on all cores.
#[divan::bench(sample_count = 10)]
fn sheet_kerf_all_cores(bencher: Bencher<'_, '_>) {
    let contours = sheet(37_500);
    bencher.bench_local(|| offset(&contours, 0.5, &round(1e-3), &Silent));
}

/// One contour of very many vertices, outwards by less than its bays, one thread.
#[divan::bench(args = [2_000, 20_000, 200_000], sample_count = 5)]
fn coast_out(bencher: Bencher<'_, '_>, n: usize) {
    let contours = [coast(n)];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    bencher.bench_local(|| pool.install(|| offset(&contours, 1.0, &round(1e-3), &Silent)));
}

/// The same inwards by more than its bays.
#[divan::bench(sample_count = 5)]
fn coast_in(bencher: Bencher<'_, '_>) {
    let contours = [coast(200_000)];
    bencher.bench_local(|| offset(&contours, -3.0, &round(1e-3), &Silent));
}

/// A pocket with 200 islands, cleared in rings.
#[divan::bench(sample_count = 5)]
fn pocket_rings(bencher: Bencher<'_, '_>) {
    let contours = pocket(200);
    bencher.bench_local(|| rings(&contours, 0.5, 0.4, &round(1e-3), &Silent));
}
