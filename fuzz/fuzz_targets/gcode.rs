//! Runs any bytes as a program of every dialect: no panic, no hang, and what was read can be written again, checked, timed
//! and compared.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shop_cam::machine::{Cornering, Dialect, MachineKind};
use shop_gcode::{Context, interpret};
use shop_sim::compare::{Tracks, compare};
use shop_sim::{Checker, Estimator};

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
const KINDS: [MachineKind; 4] =
    [MachineKind::Router, MachineKind::Plasma, MachineKind::Laser, MachineKind::Knife];

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let dialect = DIALECTS[usize::from(*choice) % DIALECTS.len()];
    let kind = KINDS[usize::from(*choice) / DIALECTS.len() % KINDS.len()];

    // The sanitizer makes everything some ten times slower; the budget keeps the limit of a second a run meaningful.
    let mut context = Context::new(dialect, kind);
    context.budget /= 10;
    let read = interpret(text, &context);

    let mut machine = shop_gcode::example_machine();
    machine.kind = kind;
    machine.post.dialect = dialect;
    machine.cornering = match dialect {
        Dialect::LinuxCnc | Dialect::QtPlasmaC => Cornering::Blend { tolerance: 0.05 },
        Dialect::Klipper => Cornering::SquareCorner { speed: 5.0, cruise_ratio: 0.5 },
        Dialect::Smoothie => Cornering::Jerk { xy: 8.0, z: 0.4, buffer: 16 },
        _ => Cornering::JunctionDeviation { deviation: 0.01, buffer: 16 },
    };
    let mut checker = Checker::new(&machine);
    let mut estimator = Estimator::new(&machine);
    let mut tracks = Tracks::new(&machine);
    for section in &read.value {
        estimator.section(section.role, &section.label);
        for (command, line) in section.commands.iter().zip(&section.lines) {
            checker.command(command, *line);
            estimator.command(command);
            tracks.command(command, *line);
        }
    }
    let _ = checker.finish();
    let estimate = estimator.finish();
    assert!(estimate.total_s >= 0.0 && estimate.total_s.is_finite());
    let _ = compare(&tracks, &tracks, 0.001);
    let _ = shop_gcode::post(&read.value, &machine);
});
