//! Any bytes give a drawing or a diagnostic, and every shape of it lines and arcs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shop_formats::svg::{ReadOptions, read};
use shop_report::SourceId;

fuzz_target!(|bytes: &[u8]| {
    let read = read(SourceId(0), bytes, &ReadOptions::default());
    for (_, path) in read.value.paths(0.01) {
        assert!(path.is_finite());
    }
});
