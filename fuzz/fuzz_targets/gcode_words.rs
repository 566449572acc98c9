//! Reads any bytes as the words of every dialect: nothing is lost. What slicers write about
//! themselves and binary programs are read too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shop_cam::machine::Dialect;
use shop_gcode::{bgcode, dialect, metadata, parse};

const DIALECTS: [Dialect; 9] = [
    Dialect::Grbl,
    Dialect::GrblHal,
    Dialect::FluidNc,
    Dialect::LinuxCnc,
    Dialect::QtPlasmaC,
    Dialect::Marlin,
    Dialect::Klipper,
    Dialect::RepRapFirmware,
    Dialect::Smoothie,
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let dialect = DIALECTS[usize::from(*choice) % DIALECTS.len()];

    // Lossless: tokens follow one another, with nothing but blanks between.
    let mut at = 0;
    for token in parse::tokens(text, dialect::rules(dialect).syntax) {
        assert!(token.start >= at && token.end > token.start);
        assert!(text[at..token.start].iter().all(|b| matches!(b, b' ' | b'\t')));
        at = token.end;
    }
    assert!(text[at..].iter().all(|b| matches!(b, b' ' | b'\t')));
    let _ = metadata::read(text);
    let _ = bgcode::read(text);
});
