//! Offsets as the planners ask for them; run with `cargo bench -p shop-geom --bench offset`.
//!
//! MEASURED_PLACEHOLDER

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
