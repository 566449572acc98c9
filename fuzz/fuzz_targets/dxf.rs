//! Any bytes at all through the DXF reader and the facts: no panic, no number that is not finite, bounded memory.
//!
//! `cargo +nightly fuzz run dxf -- -max_len=65536 -rss_limit_mb=1024`, seeded with real drawings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shop_formats::dxf::{ReadOptions, read_with_facts};
use shop_formats::facts::facts;
use shop_report::SourceId;

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions { max_points: 20_000, ..ReadOptions::default() };
    let (checked, dxf) = read_with_facts(SourceId(0), bytes, &options);
    let drawing = &checked.value;
    assert!(drawing.shapes.iter().all(|s| s.curve.is_finite()));
    assert!(drawing.shapes.iter().all(|s| (s.layer as usize) < drawing.layers.len()));
    assert!(drawing.texts.iter().all(|t| (t.layer as usize) < drawing.layers.len()));
    // Curves are approximated elsewhere; what they promise is tried there. Here: the survey of small drawings.
    if drawing.shapes.len() < 200 {
        let _ = facts(drawing, Some(&dxf));
    }
});
