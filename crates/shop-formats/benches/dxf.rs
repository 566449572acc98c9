//! Reading sheets of lines, arcs and circles, as text in memory, and surveying them.
//!
//! Measured on 4 cores shared with other work, best of four runs, whole reader, file in memory: a sheet of 100,000
//! entities (11.8 MB) 37 ms on one thread (315 MB/s) and 22 ms on four (540 MB/s); one of a million (120 MB) 0.42 s and
//! 0.36 s. The bytes are looked at three times (section marks, line ends, digits) and every entity is written
//! once (120 bytes and its vertices). Against 10 GB/s, which such machines read (assumed, not measured), 315 MB/s is a
//! thirtieth: a line has seven bytes on average, and what costs is one branch after the other, not the bytes.

use divan::{Bencher, counter::BytesCount};
use shop_formats::dxf::{ReadOptions, read, read_with_facts};
use shop_formats::facts::facts;
use shop_report::SourceId;
use std::fmt::Write as _;

fn main() {
    divan::main();
}

/// Returns a sheet of `n` entities as CAD programs write them.
fn sheet(n: usize) -> String {
    let mut out = String::from("  0\nSECTION\n  2\nENTITIES\n");
    for i in 0..n {
        let (x, y) = ((i % 1000) as f64 * 12.345678, (i / 1000) as f64 * 9.87654321);
        let common = format!("  5\n{i:X}\n100\nAcDbEntity\n  8\nCUT\n");
        let _ = match i % 8 {
            0..3 => write!(
                out,
                "  0\nLINE\n{common}100\nAcDbLine\n 10\n{x}\n 20\n{y}\n 11\n{}\n 21\n{y}\n",
                x + 5.0
            ),
            3..6 => write!(
                out,
                "  0\nARC\n{common}100\nAcDbCircle\n 10\n{x}\n 20\n{y}\n 40\n2.5\n 50\n0.0\n 51\n90.0\n"
            ),
            _ => write!(out, "  0\nCIRCLE\n{common}100\nAcDbCircle\n 10\n{x}\n 20\n{y}\n 40\n1.25\n"),
        };
    }
    out + "  0\nENDSEC\n  0\nEOF\n"
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], max_time = 3)]
fn read_sheet(bencher: Bencher<'_, '_>, n: usize) {
    let text = sheet(n);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| read(SourceId(0), text.as_bytes(), &ReadOptions::default()));
}

#[divan::bench(args = [1_000, 10_000, 100_000], max_time = 3)]
fn survey_sheet(bencher: Bencher<'_, '_>, n: usize) {
    let text = sheet(n);
    let (checked, dxf) = read_with_facts(SourceId(0), text.as_bytes(), &ReadOptions::default());
    bencher.bench(|| facts(&checked.value, Some(&dxf)));
}
