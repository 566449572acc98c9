//! Runs any bytes as a program of every dialect: no panic, no hang, and what was read can be checked, timed, compared,
//! written again or drawn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shop_cam::machine::{Cornering, Dialect, MachineKind};
use shop_gcode::{Context, interpret};
use shop_sim::compare::{Tracks, compare};
use shop_sim::{Checker, Estimator, Plot, PlotColour, PlotView};

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
    let sections = &read.value;
    let steps = || sections.iter().flat_map(|s| s.commands.iter().zip(&s.lines));
    // Each is a command of its own for the person, and a run of its own here.
    match usize::from(*choice) / (DIALECTS.len() * KINDS.len()) {
        0 => {
            let mut checker = Checker::new(&machine).of_bytes(text.len());
            steps().for_each(|(command, line)| checker.command(command, *line));
            let _ = checker.finish();
        }
        1 => {
            let mut estimator = Estimator::new(&machine).of_bytes(text.len());
            steps().for_each(|(command, _)| estimator.command(command));
            let estimate = estimator.finish();
            assert!(estimate.total_s >= 0.0 && estimate.total_s.is_finite());
        }
        2 => {
            let mut tracks = Tracks::new(&machine).of_bytes(text.len());
            steps().for_each(|(command, line)| tracks.command(command, *line));
            let _ = compare(&tracks, &tracks, 0.001);
        }
        3 => drop(shop_gcode::post(sections, &machine)),
        picture => {
            let mut plot = Plot::new(&machine, "fuzz").of_bytes(text.len());
            for section in sections {
                plot.section(section.role, &section.label);
                section.commands.iter().for_each(|command| plot.command(command));
            }
            match picture {
                4 => drop(plot.svg(PlotView::Top, PlotColour::Auto)),
                5 => drop(plot.html(PlotColour::Z)),
                // Pixels are what takes the time, and the same code for all of them.
                _ if plot.len() < 2000 => drop(plot.png(PlotView::Iso, PlotColour::Feed)),
                _ => {}
            }
        }
    }
});
