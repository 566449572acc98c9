//! Planning a plate of holes and a pocket with islands for a router, offset and route included, on one thread.
//!
//! Measured on a shared, busy 4-core machine (median of 5): profiles of 100, 900 and 10,000 holes 0.84, 6.8 and 98 ms;
//! a pocket around 4, 25 and 100 islands with a 1 mm tool 6, 17 and 58 ms. The 10,000 holes come to some 250,000
//! pieces of 112 bytes, 28 MB, 3 ms at 10 GB/s: the time goes into route and offset, not memory.
#![allow(missing_docs, reason = "a bench")]

#[path = "../../shop-cam/tests/sheet/mod.rs"]
mod sheet;

use sheet::{Shape, job};
use shop_cam::feature::{Contour, FeatureOptions, Features, Request, operations};
use shop_cam::machine::MachineKind;
use shop_mill::{Options, plan};
use shop_report::Silent;

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("first use of the pool");
    divan::main();
}

fn plate(n: usize) -> Features {
    let mut f = Features { layers: vec!["0".into()], ..Features::default() };
    let mut add = |path, depth, parent| {
        f.contours.push(Contour { path, depth, parent, layer: 0, colour: None, span: None });
    };
    let side = n as f64 * 4.0;
    add(Shape::Rect(side + 4.0, side + 4.0).at(side, side), 0, None);
    for i in 0..n * n {
        add(Shape::Circle(2.5).at((i % n) as f64 * 8.0 + 4.0, (i / n) as f64 * 8.0 + 4.0), 1, Some(0));
    }
    f
}

#[divan::bench(args = [10, 30, 100])]
fn profiles(bencher: divan::Bencher<'_, '_>, side: usize) {
    let (made, settings) = job(MachineKind::Router, 2.0, plate(side));
    let options = Options::new(&settings);
    bencher.bench(|| plan(&made, &settings, &options, &Silent));
}

#[divan::bench(args = [2, 5, 10])]
fn pocket(bencher: divan::Bencher<'_, '_>, side: usize) {
    let (_, settings) = job(MachineKind::Router, 1.0, Features::default());
    let wanted = FeatureOptions { request: Request::Pocket, ..FeatureOptions::new(MachineKind::Router) };
    let made = operations(plate(side), &[], &settings, &wanted).value;
    let options = Options::new(&settings);
    bencher.bench(|| plan(&made, &settings, &options, &Silent));
}
