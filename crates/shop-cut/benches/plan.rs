//! Planning a sheet of brackets for a plasma torch, offset and route included, on one thread.
//!
//! Measured on a shared, busy 4-core machine (median of 5): 60 parts (360 contours) 1.7 ms, 600 parts 25 ms, 6,000
//! parts (36,000 contours) 435 ms; about half of that is offset and route. Tracks, leads and passes of the largest
//! come to some 60 MB, 6 ms at 10 GB/s: the time goes into questions about room and into the route, not memory.
#![allow(missing_docs, reason = "a bench")]

#[path = "../../shop-cam/tests/sheet/mod.rs"]
mod sheet;

use sheet::{Shape, job};
use shop_cam::feature::{Contour, Features};
use shop_cam::machine::MachineKind;
use shop_cut::{Options, plan};
use shop_report::Silent;

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("first use of the pool");
    divan::main();
}

/// Brackets of one outline, four holes and a slot.
fn brackets(n: usize) -> Features {
    let mut f = Features { layers: vec!["0".into()], ..Features::default() };
    let columns = (n as f64).sqrt().ceil() as usize;
    for i in 0..n {
        let (x, y) = ((i % columns) as f64 * 70.0, (i / columns) as f64 * 50.0);
        let outer = f.contours.len() as u32;
        let mut add = |path, depth, parent| {
            f.contours.push(Contour { path, depth, parent, layer: 0, colour: None, span: None });
        };
        add(Shape::Rect(25.0, 17.0).at(x, y), 0, None);
        for (dx, dy) in [(-18.0, -10.0), (18.0, -10.0), (18.0, 10.0), (-18.0, 10.0)] {
            add(Shape::Circle(2.5).at(x + dx, y + dy), 1, Some(outer));
        }
        add(Shape::Slot(6.0, 3.0).at(x, y), 1, Some(outer));
    }
    f
}

#[divan::bench(args = [60, 600, 6000])]
fn plasma(bencher: divan::Bencher<'_, '_>, parts: usize) {
    let (made, settings) = job(MachineKind::Plasma, 1.0, brackets(parts));
    let options = Options::new(&settings);
    bencher.bench(|| plan(&made, &settings, &options, &Silent));
}
