//! Hunts for wrong offsets: `offset_hunt [cases] [seed]` offsets random figures by random distances and asks the
//! oracle of the tests about each. Prints what is wrong and how often.

#[path = "../tests/offset_oracle/mod.rs"]
mod oracle;

use oracle::{Dice, figure, moved, run};
use shop_geom::Vector;
use shop_geom::offset::{Corner, OffsetOptions};

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<u64>().unwrap_or(0));
    let (cases, first) = (args.next().unwrap_or(10_000), args.next().unwrap_or(1));
    let (mut wrong, mut panics, mut rings) = (0, 0, 0);
    std::panic::set_hook(Box::new(|_| {}));
    for seed in first..first + cases {
        let outcome = std::panic::catch_unwind(|| {
            let mut dice = Dice(seed.wrapping_mul(0x1234_5678_9abc_def1));
            let mut contours = figure(&mut dice);
            let k = 10f64.powf(dice.range(-2.0, 2.0));
            let (turn, far) = (dice.range(0.0, 6.3), if dice.below(4) == 0 { 1e4 } else { 10.0 });
            let mirrored = dice.below(2) == 0;
            let turn = if dice.below(2) == 0 { 0.0 } else { turn };
            let by = Vector::new(dice.range(-far, far), dice.range(-far, far));
            for c in &mut contours {
                *c = moved(c, k, turn, by, mirrored);
                if mirrored {
                    c.reverse();
                }
            }
            if dice.below(8) == 0 {
                for c in &mut contours {
                    c.reverse();
                }
            }
            let d = k * 10f64.powf(dice.range(-3.0, 0.8)) * if dice.below(2) == 0 { 1.0 } else { -1.0 };
            let corner = if dice.below(5) == 0 {
                Corner::Sharp { limit: dice.range(1.0, 4.0) }
            } else {
                Corner::Round
            };
            let options = OffsetOptions { corner, tolerance: 1e-3 };
            if cases == 1 {
                let show = |c: &shop_geom::Polyline| {
                    c.vertices.iter().for_each(|v| println!("  {} {} {}", v.point.x, v.point.y, v.bulge));
                };
                println!("offset by {d}, {options:?}");
                for c in &contours {
                    println!(" source");
                    show(c);
                }
                let result = shop_geom::offset::offset(&contours, d, &options, &shop_report::Silent);
                for c in &result.unwrap_or_default() {
                    println!(" result beside {:?}", c.sources);
                    show(&c.polyline);
                }
            }
            run(&contours, d, &options, 300, &mut dice).map_err(|e| (e, contours.len(), d, k, corner))
        });
        match outcome {
            Err(_) => {
                panics += 1;
                println!("seed {seed}: panic");
            }
            Ok(Err(e)) => {
                wrong += 1;
                if wrong < 20 {
                    println!("seed {seed}: {e:?}");
                }
            }
            Ok(Ok(n)) => rings += n,
        }
    }
    println!("{cases} cases, {wrong} wrong, {panics} panics, {rings} rings");
}
