//! Times the offset of the bench's inputs once each, for a profiler to look at.

#[path = "../tests/offset_oracle/mod.rs"]
mod oracle;

use oracle::{coast, round, sheet};
use shop_geom::offset::offset;
use std::time::Instant;

fn main() {
    let coast = [coast(200_000)];
    let sheet = sheet(37_500);
    let only = std::env::args().nth(1);
    for _ in 0..3 {
        for (name, contours, d) in [
            ("sheet", &sheet[..], 0.5),
            ("sheet", &sheet[..], -0.5),
            ("sheet", &sheet[..], 3.0),
            ("coast", &coast[..], 1.0),
            ("coast", &coast[..], -1.0),
            ("coast", &coast[..], -3.0),
        ] {
            if only.as_ref().is_some_and(|o| *o != format!("{name}{d}")) {
                continue;
            }
            let start = Instant::now();
            let out = offset(contours, d, &round(1e-3), &shop_report::Silent).unwrap_or_default();
            let pieces: usize = out.iter().map(|o| o.polyline.vertices.len()).sum();
            println!("{name} {d}: {:?}, {} contours, {pieces} pieces", start.elapsed(), out.len());
        }
    }
}
