//! Times the reader on a file: `cargo run --release --example read_speed -- FILE [RUNS]`

use shop_formats::dxf::{ReadOptions, read};
use shop_report::SourceId;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let file = args.next().unwrap_or_default();
    let runs: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(5);
    let bytes = std::fs::read(&file)?;
    for _ in 0..runs {
        let start = Instant::now();
        let drawing = read(SourceId(0), &bytes, &ReadOptions::default());
        let seconds = start.elapsed().as_secs_f64();
        let shapes = drawing.value.shapes.len();
        println!("{:.1} ms, {:.0} MB/s, {shapes} shapes", seconds * 1e3, bytes.len() as f64 / seconds / 1e6);
    }
    Ok(())
}
