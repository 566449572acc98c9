//! Estimates of a print of short roads: `cargo bench -p shop-sim --bench estimate`.
//!
//! Bytes are those of the program's text, at 40 a move, so that the figures stand beside those of the parser. Measured on
//! a shared machine (2026-11), one core: 28 ns a move with GRBL's planner, 37 with Klipper's, 40 with Marlin's, that is
//! 1.0 to 1.4 GB/s, and 9 ns for the check, for ten thousand moves and for a million alike. What bounds them is
//! arithmetic, not memory: a move touches some 250 bytes of the first-level cache and costs about ten square roots and
//! divisions that wait for one another (callgrind: 520 instructions). Reading and interpreting its line costs several
//! times that.
//!
//! As a whole command on one core, `shopctl estimate` of a print of 101 MB and 3.9 million lines took 0.45 s for reading,
//! interpreting and timing it with Klipper's planner, and `check` 0.32 s: 227 and 315 MB/s, or 115 and 83 ns for a line
//! of 26 bytes. The text streams through once, far below what memory gives; what bounds a line is the chain of its
//! numbers and of its planner's divisions. Read in parts (`shopctl::program::parts`), each 512 KiB warm up on 64 KiB, an
//! eighth more work; all 188 guesses were right for this print, with Klipper's and with Marlin's planner.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use shop_cam::Speed;
use shop_cam::canon::Command;
use shop_cam::machine::{Cornering, Dialect, Machine, MachineKind, Printer};
use shop_sim::{Checker, Estimator};

fn main() {
    divan::main();
}

/// A printer with this planner.
fn printer(dialect: Dialect, cornering: Cornering) -> Machine {
    let mut machine = Machine::example(MachineKind::Router);
    machine.kind = MachineKind::Printer;
    machine.post.dialect = dialect;
    machine.cornering = cornering;
    machine.printer = Some(Printer {
        bed: None,
        thumbnails: Vec::new(),
        nozzle: 0.4,
        filament: 1.75,
        extruder: Speed::from_mm_per_s(50.0),
        extruder_acceleration: 1000.0,
        extruder_jerk: 1.0,
        print_acceleration: 1000.0,
        travel_acceleration: 1000.0,
        hotend_c: [170.0, 275.0],
        bed_most_c: 110.0,
        one_nozzle: false,
        hotend_c_per_s: 2.0,
        bed_c_per_s: 0.5,
    });
    machine
}

/// Roads of half a millimetre on a rounded star, a retraction every thousandth.
fn print(moves: u32) -> Vec<Command> {
    let mut all = vec![Command::Feed(Speed::from_mm_per_min(4800.0))];
    for i in 0..moves {
        let t = f64::from(i) * 0.01;
        let r = 50.0 + 8.0 * (6.0 * t).sin();
        let z = 0.2 * f64::from(i / 628);
        all.push(Command::Extrude { to: [100.0 + r * t.cos(), 100.0 + r * t.sin(), z], e: 0.02 });
        if i % 1000 == 0 {
            all.extend([Command::Filament { e: -0.8 }, Command::Filament { e: 0.8 }]);
        }
    }
    all
}

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

fn time(bencher: Bencher<'_, '_>, moves: u32, machine: &Machine) {
    let commands = print(moves);
    bencher.counter(ItemsCount::new(moves)).counter(BytesCount::new(moves as usize * 40)).bench(|| {
        let mut estimator = Estimator::new(machine);
        for command in &commands {
            estimator.command(command);
        }
        estimator.finish().total_s
    });
}

#[divan::bench(args = SIZES)]
fn marlin(bencher: Bencher<'_, '_>, moves: u32) {
    let cornering = Cornering::JunctionDeviation { deviation: 0.013, buffer: 15 };
    time(bencher, moves, &printer(Dialect::Marlin, cornering));
}

#[divan::bench(args = SIZES)]
fn klipper(bencher: Bencher<'_, '_>, moves: u32) {
    let cornering = Cornering::SquareCorner { speed: 5.0, cruise_ratio: 0.5 };
    time(bencher, moves, &printer(Dialect::Klipper, cornering));
}

#[divan::bench(args = SIZES)]
fn grbl(bencher: Bencher<'_, '_>, moves: u32) {
    let cornering = Cornering::JunctionDeviation { deviation: 0.01, buffer: 15 };
    time(bencher, moves, &printer(Dialect::Grbl, cornering));
}

#[divan::bench(args = SIZES)]
fn check(bencher: Bencher<'_, '_>, moves: u32) {
    let commands = print(moves);
    let machine = printer(Dialect::Klipper, Cornering::SquareCorner { speed: 5.0, cruise_ratio: 0.5 });
    bencher.counter(ItemsCount::new(moves)).bench(|| {
        let mut checker = Checker::new(&machine);
        for (line, command) in commands.iter().enumerate() {
            checker.command(command, line as u32);
        }
        checker.finish().0.len()
    });
}
