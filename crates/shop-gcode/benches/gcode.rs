//! Parse, interpret and post, in bytes of program text a second on one core.
//!
//! The text is our own post of 200,000 moves (four of five lines, one of five arcs) in 2,000 sections, 4.9 MB.
//!
//! Measured on four shared cores under load 5 to 12 (best of 100, so a lower bound, without LTO): scan 1.0 GB/s, visit
//! 460 MB/s, interpret into sections 350 MB/s, visit a print 500 MB/s, post 110 to 120 MB/s on one core. Interpreting
//! writes 52 bytes of commands for some 25 bytes of text, and the first touch of that memory is the difference between
//! the second and the third figure. Plain lines take some 60 ns each; what limits them is the chain from the end of one
//! number to the start of the next, not memory, which streams 10 GB/s. The scanner and everything that is no plain line
//! are bound by one hard-to-predict branch a number (its length).

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use shop_cam::Speed;
use shop_cam::canon::{Command, Role, Section};
use shop_cam::machine::{Dialect, Machine};
use shop_gcode::{Context, example_machine, interpret, parse, post, visit};
use shop_geom::Point;

fn main() {
    divan::main();
}

fn machine(dialect: Dialect) -> Machine {
    let mut machine = example_machine();
    machine.post.dialect = dialect;
    machine
}

/// A wandering path: short lines with arcs between, as sheets are cut.
fn sections() -> Vec<Section> {
    let mut random = 88172645463325252u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..2000)
        .map(|n| {
            let mut section = Section::new(Role::Profile, format!("part {n}"));
            let mut at = [next() * 1000.0, next() * 1000.0, -1.0];
            section.commands.push(Command::Rapid { to: [at[0], at[1], 5.0] });
            section.commands.push(Command::Feed(Speed::from_mm_per_min(1200.0)));
            section.commands.push(Command::Line { to: at });
            for k in 0..98 {
                let from = at;
                at = [from[0] + next() * 8.0 - 4.0, from[1] + next() * 8.0 - 4.0, -1.0];
                section.commands.push(if k % 5 == 0 {
                    let (dx, dy) = (at[0] - from[0], at[1] - from[1]);
                    let center = Point::new(from[0] + dx / 2.0 - dy, from[1] + dy / 2.0 + dx);
                    Command::Arc { to: at, center, counter_clockwise: true }
                } else {
                    Command::Line { to: at }
                });
            }
            section
        })
        .collect()
}

/// The scanner alone.
#[divan::bench]
fn scan(bencher: Bencher<'_, '_>) {
    let text = post(&sections(), &machine(Dialect::Grbl)).value;
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut sum = 0i64;
        for token in parse::tokens(black_box(text.as_bytes()), parse::Syntax::default()) {
            sum = sum.wrapping_add(token.number.mantissa);
        }
        sum
    });
}

/// Interpreting without keeping anything.
#[divan::bench]
fn visit_only(bencher: Bencher<'_, '_>) {
    let machine = machine(Dialect::Grbl);
    let text = post(&sections(), &machine).value;
    let context = Context::of(&machine);
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut count = 0u64;
        visit(black_box(text.as_bytes()), &context, |_, _| count += 1);
        count
    });
}

/// Interpreting into sections.
#[divan::bench]
fn interpret_all(bencher: Bencher<'_, '_>) {
    let machine = machine(Dialect::Grbl);
    let text = post(&sections(), &machine).value;
    let context = Context::of(&machine);
    bencher.counter(BytesCount::of_str(&text)).bench(|| interpret(black_box(text.as_bytes()), &context));
}

/// Posting on one core.
#[divan::bench(args = [Dialect::Grbl, Dialect::LinuxCnc, Dialect::Marlin])]
fn post_one_core(bencher: Bencher<'_, '_>, dialect: Dialect) {
    let machine = machine(dialect);
    let sections = sections();
    let bytes = post(&sections, &machine).value.len();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    bencher.counter(BytesCount::new(bytes)).bench(|| pool.install(|| post(black_box(&sections), &machine)));
}

/// Posting on all cores.
#[divan::bench]
fn post_all_cores(bencher: Bencher<'_, '_>) {
    let machine = machine(Dialect::Grbl);
    let sections = sections();
    let bytes = post(&sections, &machine).value.len();
    bencher.counter(BytesCount::new(bytes)).bench(|| post(black_box(&sections), &machine));
}

/// A print as slicers write it: short extruding moves, travel, retraction, a kind of road now and then.
fn print_text() -> String {
    use std::fmt::Write;
    let mut random = 88172645463325252u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut text = String::from("G21\nG90\nM83\nM104 S210\n");
    let (mut x, mut y) = (100.0, 100.0);
    for layer in 0..100 {
        let _ = write!(
            text,
            ";LAYER_CHANGE\n;Z:{z:.2}\n;HEIGHT:0.2\nG1 Z{z:.2} F9000\n",
            z = 0.2 * f64::from(layer + 1)
        );
        for _ in 0..20 {
            let _ = write!(text, ";TYPE:External perimeter\nG1 X{x:.3} Y{y:.3}\nG1 E.8 F2100\nG1 F1800\n");
            for _ in 0..90 {
                x = (x + next() * 4.0 - 2.0).clamp(10.0, 190.0);
                y = (y + next() * 4.0 - 2.0).clamp(10.0, 190.0);
                let _ = writeln!(text, "G1 X{x:.3} Y{y:.3} E{:.5}", next() * 0.1);
            }
            text.push_str("G1 E-.8 F2100\n");
        }
    }
    text
}

/// Interpreting a print without keeping anything.
#[divan::bench]
fn visit_print(bencher: Bencher<'_, '_>) {
    let text = print_text();
    let context = Context::of(&machine(Dialect::Marlin));
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut filament = 0.0;
        visit(black_box(text.as_bytes()), &context, |step, _| {
            if let shop_gcode::Step::Command(Command::Extrude { e, .. }) = step {
                filament += e;
            }
        });
        filament
    });
}
