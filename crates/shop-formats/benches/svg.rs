//! Reading SVG as drawing programs write it, and its curves as lines and arcs, on all threads.
//!
//! Measured on a 4-core machine shared with other work, fastest of several runs: 1,000 elements (134 kB) 1.5 ms, 10,000
//! 25 ms, 100,000 (13 MB) 0.5 s on the one thread that reads: 25 to 90 MB/s, the less the more the tree of the XML
//! outgrows the caches. Lines and arcs of 1,000 elements, on all threads, 3.6 ms. No function has more than 6 % of the
//! time: the XML itself (`roxmltree`) about a quarter, numbers a tenth, style and path data the rest. At 10 GB/s the
//! bytes alone would take 1.3 ms for the 13 MB; that limit is far, because every element is looked at as a tree of
//! attributes and its style worked out anew.

use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use shop_formats::svg::{ReadOptions, read};
use shop_report::SourceId;
use std::fmt::Write as _;

fn main() {
    divan::main();
}

/// Returns a page of `n` elements: paths of four cubics, polygons, rectangles and circles, in groups.
fn page(n: usize) -> String {
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"3000mm\" height=\"1500mm\" viewBox=\"0 0 3000 1500\">\n",
    );
    for i in 0..n {
        if i % 16 == 0 {
            let _ = writeln!(out, "<g id=\"part{i}\" transform=\"translate({},{})\">", i % 2900, i / 2900);
        }
        let s = 2.0 + (i % 9) as f64 * 0.731;
        let style = "style=\"fill:none;stroke:#ff0000;stroke-width:0.1\"";
        let _ = match i % 4 {
            0 => writeln!(
                out,
                "<path {style} d=\"M {s:.5},0 C {s:.5},{:.5} {:.5},{s:.5} 0,{s:.5} c {:.5},0 {:.5},{:.5} {:.5},{:.5} \
                 S -1,-3.5 0,{:.5} S {s:.5},-1.2 {s:.5},0 z\"/>",
                0.7 * s,
                0.4 * s,
                -0.6 * s,
                -1.1 * s,
                -0.5 * s,
                -s,
                -1.1 * s,
                -s
            ),
            1 => writeln!(out, "<path {style} d=\"M 0,0 H {s:.5} V {s:.5} L 0.5,{:.5} 0,1.25 Z\"/>", 1.5 * s),
            2 => writeln!(out, "<rect {style} x=\"1.5\" y=\"2\" width=\"{s:.5}\" height=\"4\" rx=\"0.8\"/>"),
            _ => writeln!(out, "<circle {style} cx=\"{s:.5}\" cy=\"3\" r=\"1.25\"/>"),
        };
        if i % 16 == 15 || i + 1 == n {
            out.push_str("</g>\n");
        }
    }
    out + "</svg>\n"
}

#[divan::bench(args = [1_000, 10_000, 100_000], max_time = 3)]
fn read_page(bencher: Bencher<'_, '_>, n: usize) {
    let text = page(n);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| read(SourceId(0), text.as_bytes(), &ReadOptions::default()));
}

#[divan::bench(args = [1_000, 10_000, 100_000], max_time = 3)]
fn lines_and_arcs(bencher: Bencher<'_, '_>, n: usize) {
    let text = page(n);
    let drawing = read(SourceId(0), text.as_bytes(), &ReadOptions::default()).value;
    bencher.counter(ItemsCount::new(n)).bench(|| drawing.paths(5e-4));
}
