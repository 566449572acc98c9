//! How long a program takes, against a second reckoning that shares nothing with the planner.
//!
//! The planner goes back and forth over its queue. Here the speed at every junction is the smallest of what each limit
//! allows from where it stands: `v_i² = min_k (V_k² + 2·Σ a·L between i and k)`, with `V_k` the limit at junction `k` and
//! zero at both ends. A block's time is then that of its trapezoid, by distance. It holds while the whole program fits
//! the queue.

use super::bench::{Bench, swift};
use proptest::prelude::*;
use shop_controller::sim::{Kind, Options};
use std::fmt::Write as _;

struct Machine {
    rate: [f64; 3],
    acceleration: [f64; 3],
    deviation: f64,
}

struct Piece {
    unit: [f64; 3],
    length: f64,
    acceleration: f64,
    nominal: f64,
}

/// Returns the largest scale of a direction that no axis forbids.
fn along(most: [f64; 3], unit: [f64; 3]) -> f64 {
    (0..3).filter(|i| unit[*i] != 0.0).map(|i| most[i] / unit[i].abs()).fold(f64::INFINITY, f64::min)
}

fn pieces(points: &[[f64; 3]], feeds: &[f64], m: &Machine) -> Vec<Piece> {
    let mut from = [0.0; 3];
    let mut out = Vec::new();
    for (point, feed) in points.iter().zip(feeds) {
        let d: [f64; 3] = std::array::from_fn(|i| point[i] - from[i]);
        let length = d.iter().map(|v| v * v).sum::<f64>().sqrt();
        from = *point;
        if length == 0.0 {
            continue;
        }
        let unit = d.map(|v| v / length);
        let nominal = feed.min(along(m.rate, unit));
        out.push(Piece { unit, length, acceleration: along(m.acceleration, unit), nominal });
    }
    out
}

/// Returns the speed limit at the corner of two pieces, squared.
fn corner(a: &Piece, b: &Piece, m: &Machine) -> f64 {
    let cap = a.nominal.min(b.nominal).powi(2);
    let turn: f64 = a.unit.iter().zip(b.unit).map(|(a, b)| a * b).sum::<f64>();
    if turn < -0.999_999 {
        return 0.0;
    }
    if turn > 0.999_999 {
        return cap;
    }
    // θ is the angle between the way back and the way on; sin(θ/2) by the half-angle formula.
    let half = f64::midpoint(1.0, turn).sqrt();
    let change: [f64; 3] = std::array::from_fn(|i| b.unit[i] - a.unit[i]);
    let size = change.iter().map(|v| v * v).sum::<f64>().sqrt();
    let acceleration = along(m.acceleration, change.map(|c| c / size));
    cap.min(acceleration * m.deviation * half / (1.0 - half))
}

fn seconds(points: &[[f64; 3]], feeds: &[f64], m: &Machine) -> f64 {
    let pieces = pieces(points, feeds, m);
    let n = pieces.len();
    let mut limit = vec![0.0; n + 1];
    for i in 1..n {
        limit[i] = corner(&pieces[i - 1], &pieces[i], m);
    }
    let speed_sq = |i: usize| {
        let between = |k: usize| -> f64 {
            pieces[i.min(k)..i.max(k)].iter().map(|p| 2.0 * p.acceleration * p.length).sum()
        };
        (0..=n).map(|k| limit[k] + between(k)).fold(f64::INFINITY, f64::min)
    };
    let mut total = 0.0;
    for (i, p) in pieces.iter().enumerate() {
        let (from, to) = (speed_sq(i), speed_sq(i + 1));
        let peak = (p.nominal * p.nominal).min(f64::midpoint(from, to) + p.acceleration * p.length);
        let ramp = |v_sq: f64| (peak - v_sq) / (2.0 * p.acceleration);
        let rest = (p.length - ramp(from) - ramp(to)).max(0.0);
        total += (2.0 * peak.sqrt() - from.sqrt() - to.sqrt()) / p.acceleration + rest / peak.sqrt();
    }
    total
}

fn program(points: &[[f64; 3]], feeds: &[f64]) -> String {
    let mut text = String::new();
    for ([x, y, z], feed) in points.iter().zip(feeds) {
        let _ = writeln!(text, "G1X{x:.3}Y{y:.3}Z{z:.3}F{:.0}", feed * 60.0);
    }
    text
}

fn point() -> impl Strategy<Value = [f64; 3]> {
    // Whole steps of 0.004 mm, so that nothing is rounded.
    let axis = || (-5000i32..5000).prop_map(|v| f64::from(v) * 0.004);
    [axis(), axis(), axis()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_program_takes_as_long_as_the_formula_says(
        points in prop::collection::vec(point(), 1..15),
        feeds in prop::collection::vec((1i32..150).prop_map(f64::from), 15),
        speed in prop_oneof![Just(1.0), Just(60.0)],
    ) {
        let m = Machine { rate: [120.0, 90.0, 40.0], acceleration: [400.0, 300.0, 120.0], deviation: 0.02 };
        let mut settings = vec![(11, m.deviation)];
        for i in 0..3 {
            settings.push((110 + i as u16, m.rate[i] * 60.0));
            settings.push((120 + i as u16, m.acceleration[i]));
        }
        let mut bench = Bench::new(Kind::GrblHal, Options { settings, speed, ..swift() });
        let began = bench.now;
        // In one piece: nothing moves before the last line is read.
        bench.send(program(&points, &feeds).as_bytes());
        bench.rest();
        let took = bench.now.saturating_sub(began).as_secs_f64() * speed;
        let wanted = seconds(&points, &feeds, &m);
        prop_assert!((took - wanted).abs() <= 1e-5 * wanted + 1e-6, "{} instead of {}", took, wanted);
        let end = points[points.len() - 1];
        let there = bench.machine.position_mm();
        prop_assert!((0..3).all(|i| (there[i] - end[i]).abs() < 1e-9));
    }
}

#[test]
fn one_move_is_a_trapezoid() {
    // 10 mm at 10 mm/s with 100 mm/s²: 0.1 s up, 0.1 s down, 1 mm in both, 9 mm at 10 mm/s.
    let settings = vec![(110, 600.0), (120, 100.0)];
    let mut bench = Bench::grbl(Options { settings, ..swift() });
    bench.send(b"G1X10F600\n");
    assert!((bench.rest() - 1.1).abs() < 1e-6);
}

#[test]
fn short_pieces_are_no_faster_than_what_is_known_of_them_allows() {
    // 0.1 mm pieces in a line: 15 of them known, so v² ≤ 2·a·(1.5 mm).
    let settings = vec![(110, 60_000.0), (120, 100.0)];
    let mut bench = Bench::grbl(Options { settings, ..swift() });
    let lines: Vec<String> = (1..=400).map(|i| format!("G1X{:.1}F60000", f64::from(i) * 0.1)).collect();
    bench.stream(&lines);
    bench.rest();
    let seconds = bench.now.as_secs_f64();
    let fastest = (2.0f64 * 100.0 * 1.5).sqrt();
    assert!(seconds > 40.0 / fastest, "{seconds}");
    assert!(seconds < 1.3 * 40.0 / fastest, "{seconds}");
}

#[test]
fn an_arc_is_as_long_as_it_is_and_ends_where_it_should() {
    let settings = vec![(110, 6000.0), (111, 6000.0), (120, 500.0), (121, 500.0)];
    let mut bench = Bench::grbl(Options { settings, ..swift() });
    bench.send(b"G2X0Y0I20J0F3000\n");
    bench.rest();
    let circle = 40.0 * std::f64::consts::PI;
    let record = bench.machine.record();
    assert!((record.length_mm - circle).abs() < 0.02, "{}", record.length_mm);
    // Chords stay within $12 of the circle: n = ½·2π·r / √($12·(2r − $12)).
    assert_eq!(record.moves_done, 222);
    assert_eq!(bench.machine.position_mm()[..2], [0.0, 0.0]);
}
