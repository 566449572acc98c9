//! Reads any bytes as G-code of every dialect: no panic, no hang, and what was read can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shop_cam::machine::{Dialect, MachineKind};
use shop_gcode::{Context, interpret, parse};

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let dialects = [
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
    let kinds = [MachineKind::Router, MachineKind::Plasma, MachineKind::Laser, MachineKind::Knife];
    let dialect = dialects[usize::from(*choice) % dialects.len()];
    let kind = kinds[usize::from(*choice) / dialects.len() % kinds.len()];

    // Lossless: tokens follow one another, with nothing but blanks between.
    let mut at = 0;
    for token in parse::tokens(text, shop_gcode::dialect::rules(dialect).syntax) {
        assert!(token.start >= at && token.end > token.start);
        assert!(text[at..token.start].iter().all(|b| matches!(b, b' ' | b'\t')));
        at = token.end;
    }

    // The sanitizer makes everything some ten times slower; the budget keeps the limit of a second a run meaningful.
    let mut context = Context::new(dialect, kind);
    context.budget /= 10;
    let read = interpret(text, &context);
    let mut machine = shop_gcode::example_machine();
    machine.kind = kind;
    machine.post.dialect = dialect;
    let _ = shop_gcode::post(&read.value, &machine);
});
