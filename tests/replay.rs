//! `shopctl estimate` against planners written again from the published formulas, over real and made-up programs.
//!
//! Nothing is shared with the estimator: the programs are read by a reader of a page's length that knows a dozen words,
//! and the planners walk their whole buffer for every move, as the controllers do. Sources: GRBL 1.1 `planner.c` and
//! `motion_control.c` (junction deviation, 16 blocks of which 15 count, arcs in chords of $12), Marlin 2
//! (`planner.cpp`: junction deviation with filament and short pieces, classic jerk from and to rest), Klipper's
//! documentation "Kinematics" (square corner velocity, smoothed look-ahead).
//!
//! Errors of the estimate, measured per file (the tests print them): GRBL at most 0.005 % over 14 programs, Marlin with
//! junction deviation and with classic jerk at most 0.12 % over 11 (`libbgcode__mini_cube_a`; without it 0.03 %), this
//! Klipper replay at most 0.12 % over 12 (the same print: its arcs are counted with other chords), Klipper's own planner
//! at most 0.001 % over 12 ([`KLIPPERS_OWN`]). What a link and SLOWDOWN add is measured in `link`.

mod link;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the readers hand on. Lengths in mm, times in s; the fourth coordinate is filament.
#[derive(Clone, Debug)]
enum Event {
    Move {
        d: [f64; 4],
        feed: f64,
        rapid: bool,
    },
    Stop,
    Wait(f64),
    /// Marlin and Klipper: letters and numbers of M201, M203, M204, M205.
    Limits(u32, BTreeMap<char, f64>),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Controller {
    Grbl,
    Marlin,
    MarlinJerk,
    Klipper,
}

fn words(line: &str) -> Vec<(char, f64)> {
    let mut out = Vec::new();
    let text: Vec<char> = line.chars().filter(|c| !c.is_whitespace()).collect();
    let mut i = 0;
    while i < text.len() {
        let letter = text[i].to_ascii_uppercase();
        let start = i + 1;
        i = start;
        while i < text.len() && (text[i].is_ascii_digit() || matches!(text[i], '.' | '-' | '+')) {
            i += 1;
        }
        let number: String = text[start..i].iter().collect();
        out.push((letter, number.parse().unwrap_or(f64::NAN)));
    }
    out
}

/// Reads a program of the plainest kind; words of which it knows nothing are passed over.
fn read(text: &str, controller: Controller) -> Vec<Event> {
    let printer = controller != Controller::Grbl;
    let mut events = Vec::new();
    // GRBL's tool waits at the height of travel, like that of the profile.
    let mut at = [0.0, 0.0, if printer { 0.0 } else { 5.0 }, 0.0];
    let (mut shift, mut absolute, mut e_absolute, mut feed, mut unit) =
        ([0.0f64; 4], true, true, if printer { 1500.0 } else { 1200.0 }, 1.0);
    if !printer {
        // The canonical z is the program's.
        at[2] = 5.0;
    }
    let mut motion = if printer { -1 } else { 0 };
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default();
        let plain: String = match (line.find('('), line.rfind(')')) {
            (Some(a), Some(b)) if a < b => format!("{}{}", &line[..a], &line[b + 1..]),
            _ => line.to_owned(),
        };
        let line = plain.trim();
        if line.is_empty() || line.starts_with('%') || line.starts_with('$') {
            continue;
        }
        if line.to_ascii_uppercase().starts_with("M117") {
            continue;
        }
        let all = words(line);
        let get = |l: char| all.iter().find(|w| w.0 == l).map(|w| w.1).filter(|v| v.is_finite());
        let mut moves = !printer;
        let mut once = false;
        for (letter, number) in &all {
            let code = if number.is_finite() { (number * 10.0).round() as i64 } else { -1 };
            match (letter, code) {
                ('G', 0 | 10 | 20 | 30) => {
                    motion = code / 10;
                    moves = true;
                }
                ('G', 800) => motion = -1,
                ('G', 200) => unit = 25.4,
                ('G', 210) => unit = 1.0,
                ('G', 900) => {
                    absolute = true;
                    e_absolute |= matches!(controller, Controller::Marlin | Controller::MarlinJerk);
                }
                ('G', 910) => {
                    absolute = false;
                    e_absolute &= !matches!(controller, Controller::Marlin | Controller::MarlinJerk);
                }
                ('M', 820) => e_absolute = true,
                ('M', 830) => e_absolute = false,
                ('G', 920) => {
                    once = true;
                    for (i, l) in "XYZE".chars().enumerate() {
                        if let Some(v) = get(l) {
                            shift[i] = at[i] - v * unit;
                        }
                    }
                }
                ('G', 280) if printer => {
                    once = true;
                    events.push(Event::Stop);
                    let any = "XYZ".chars().any(|l| all.iter().any(|w| w.0 == l));
                    for (i, l) in "XYZ".chars().enumerate() {
                        if !any || all.iter().any(|w| w.0 == l) {
                            (at[i], shift[i]) = (0.0, 0.0);
                        }
                    }
                }
                ('G', 40) => {
                    once = true;
                    let ms = get('P').map(|p| if printer { p / 1000.0 } else { p });
                    events.extend([
                        Event::Stop,
                        Event::Wait(get('S').filter(|_| printer).or(ms).unwrap_or(0.0)),
                    ]);
                }
                ('M', 1090 | 1900 | 4000) if printer => events.push(Event::Stop),
                ('M', 0 | 10 | 30..=50 | 70 | 80 | 90) => events.push(Event::Stop),
                ('M', 20 | 300) if !printer => return events,
                ('M', 2010 | 2030 | 2040 | 2050) if printer => {
                    let rest = all.iter().skip(1).copied().filter(|w| w.1.is_finite()).collect();
                    events.push(Event::Limits((code / 10) as u32, rest));
                }
                ('S', _) if !printer => events.push(Event::Stop),
                _ => {}
            }
        }
        if printer && !moves {
            continue;
        }
        if let Some(f) = get('F').filter(|f| *f > 0.0) {
            feed = f * unit;
        }
        let axes = "XYZE".chars().any(|l| get(l).is_some());
        let arc = matches!(motion, 2 | 3) && (get('I').is_some() || get('J').is_some() || get('R').is_some());
        if once || motion < 0 || !(axes || arc) {
            continue;
        }
        let mut to = at;
        for (i, l) in "XYZE".chars().enumerate() {
            if let Some(v) = get(l) {
                let whole = if i == 3 {
                    e_absolute && (absolute || controller != Controller::Klipper)
                } else {
                    absolute
                };
                to[i] = if whole { v * unit + shift[i] } else { at[i] + v * unit };
            }
        }
        let rapid = motion == 0;
        if arc {
            let (i, j) = (get('I').unwrap_or(0.0) * unit, get('J').unwrap_or(0.0) * unit);
            chords(at, to, [i, j], motion == 3, controller, |d| events.push(Event::Move { d, feed, rapid }));
        } else {
            let d = std::array::from_fn(|k| to[k] - at[k]);
            events.push(Event::Move { d, feed, rapid });
        }
        at = to;
    }
    events
}

fn chords(
    at: [f64; 4],
    to: [f64; 4],
    ij: [f64; 2],
    ccw: bool,
    controller: Controller,
    mut see: impl FnMut([f64; 4]),
) {
    let center = [at[0] + ij[0], at[1] + ij[1]];
    let (r, first) = (ij[0].hypot(ij[1]), f64::atan2(-ij[1], -ij[0]));
    let last = f64::atan2(to[1] - center[1], to[0] - center[0]);
    let mut turn = (last - first).rem_euclid(std::f64::consts::TAU);
    if !ccw {
        turn -= std::f64::consts::TAU;
    }
    if turn.abs() < 5e-7 || (ccw && turn.abs() < 5e-7) {
        turn = if ccw { std::f64::consts::TAU } else { -std::f64::consts::TAU };
    }
    let (flat, rise) = (r * turn.abs(), to[2] - at[2]);
    let n = match controller {
        Controller::Grbl => (0.5 * flat / (0.002 * (2.0 * r - 0.002)).sqrt()).floor(),
        Controller::Klipper => flat.hypot(rise).floor(),
        _ => {
            let usual = flat.floor().max((72.0 * turn.abs() / std::f64::consts::TAU).ceil());
            (flat / (flat / usual).clamp(0.1, 1.0)).floor()
        }
    }
    .max(1.0);
    let mut from = at;
    for i in 1..=n as u32 {
        let t = f64::from(i) / n;
        let (s, c) = (first + turn * t).sin_cos();
        let mut p = [center[0] + r * c, center[1] + r * s, at[2] + rise * t, at[3] + (to[3] - at[3]) * t];
        if t == 1.0 {
            p = to;
        }
        see(std::array::from_fn(|k| p[k] - from[k]));
        from = p;
    }
}

/// One move for the planners with a buffer.
#[derive(Clone, Copy, Debug)]
struct Block {
    length: f64,
    accel: f64,
    nominal: f64,
    /// Highest speed at its beginning.
    corner: f64,
    /// Speed at which it may begin and end at rest.
    rest: f64,
}

/// The buffer: the first block runs, and ends as fast as those behind it can still stop.
fn run_buffer(blocks: &[Block], depth: usize) -> f64 {
    let mut total = 0.0;
    let mut entry = 0.0;
    for (k, b) in blocks.iter().enumerate() {
        let window = &blocks[k..(k + depth).min(blocks.len())];
        let mut v = window[window.len() - 1].rest;
        for w in window[1..].iter().rev() {
            v = (v * v + 2.0 * w.accel * w.length).sqrt().min(w.corner).min(w.nominal);
        }
        if k == 0 {
            entry = (v * v + 2.0 * b.accel * b.length).sqrt().min(b.corner).min(b.nominal);
        }
        let exit = v.min((entry * entry + 2.0 * b.accel * b.length).sqrt()).min(b.nominal);
        let peak = (0.5 * (entry * entry + exit * exit) + b.accel * b.length).sqrt().min(b.nominal);
        let (peak, up, down) = {
            let p = peak.max(entry).max(exit);
            (p, (p * p - entry * entry) / (2.0 * b.accel), (p * p - exit * exit) / (2.0 * b.accel))
        };
        total += (2.0 * peak - entry - exit) / b.accel + ((b.length - up - down) / peak).max(0.0);
        entry = exit;
    }
    total
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// GRBL 1.1 with the figures of `router-grbl`.
fn grbl(events: &[Event]) -> f64 {
    let (rate, accel) = ([5000.0 / 60.0, 5000.0 / 60.0, 2000.0 / 60.0], [400.0, 400.0, 200.0]);
    let (mut total, mut blocks) = (0.0, Vec::new());
    let mut tail: Option<([f64; 3], f64)> = None;
    let limit = |unit: &[f64; 3], of: &[f64; 3]| {
        (0..3).filter(|i| unit[*i] != 0.0).map(|i| of[i] / unit[i].abs()).fold(f64::INFINITY, f64::min)
    };
    for event in events {
        match event {
            Event::Move { d, feed, rapid } => {
                let length = norm(&d[..3]);
                if length == 0.0 {
                    continue;
                }
                let unit = [d[0] / length, d[1] / length, d[2] / length];
                let top = limit(&unit, &rate);
                let nominal = if *rapid { top } else { top.min(feed / 60.0) };
                let mut corner = 0.0;
                if let Some((before, speed)) = tail {
                    let cos: f64 = -(0..3).map(|i| before[i] * unit[i]).sum::<f64>();
                    if cos < -0.999_999 {
                        corner = f64::INFINITY;
                    } else if cos < 0.999_999 {
                        let turn: [f64; 3] = std::array::from_fn(|i| unit[i] - before[i]);
                        let size = norm(&turn);
                        let across = limit(&turn.map(|v| v / size), &accel);
                        let s = (0.5 * (1.0 - cos)).sqrt();
                        corner = (across * 0.01 * s / (1.0 - s)).sqrt();
                    }
                    corner = f64::min(corner, f64::min(nominal, speed));
                }
                blocks.push(Block { length, accel: limit(&unit, &accel), nominal, corner, rest: 0.0 });
                tail = Some((unit, nominal));
            }
            Event::Wait(s) => total += s,
            Event::Stop => {
                total += run_buffer(&blocks, 15);
                blocks.clear();
                tail = None;
            }
            Event::Limits(..) => {}
        }
    }
    total + run_buffer(&blocks, 15)
}

/// Marlin 2 with the figures of `printer-marlin`, its buffer always full.
fn marlin(events: &[Event], classic: bool) -> f64 {
    marlin_by(events, classic, &|blocks| run_buffer(blocks, 15))
}

/// The same with another way to run what lies between two stops.
fn marlin_by(events: &[Event], classic: bool, run: &dyn Fn(&[Block]) -> f64) -> f64 {
    let (mut rate, mut most) = ([300.0, 300.0, 5.0, 25.0], [3000.0, 3000.0, 100.0, 3000.0]);
    let (mut print, mut travel, mut retract, mut deviation) = (500.0, 500.0, 3000.0, 0.013);
    let mut jerk = [8.0, 8.0, 0.4, 5.0];
    let steps = [80.0, 80.0, 400.0, 93.0];
    let (mut total, mut blocks) = (0.0, Vec::new());
    let mut tail: Option<([f64; 4], [f64; 4], f64)> = None;
    for event in events {
        match event {
            Event::Move { d, feed, .. } => {
                let (way, e) = (norm(&d[..3]), d[3]);
                let length = if way > 0.0 { way } else { e.abs() };
                if length == 0.0 {
                    continue;
                }
                let mut speed: [f64; 4] = d.map(|v| v / length * feed / 60.0);
                let slow = (0..4).map(|i| rate[i] / speed[i].abs()).fold(1.0, f64::min);
                speed = speed.map(|v| v * slow);
                let nominal = feed / 60.0 * slow;
                let mut accel = if way == 0.0 {
                    retract
                } else if e != 0.0 {
                    print
                } else {
                    travel
                };
                if way > 0.0 {
                    accel = (0..4).map(|i| most[i] * length / d[i].abs()).fold(accel, f64::min);
                }
                let per_mm = (0..4).map(|i| d[i].abs() / length * steps[i]).fold(0.0, f64::max);
                let rest = (0.5 * accel / per_mm).sqrt().min(nominal);
                let size = if e != 0.0 && way > 0.0 { norm(d) } else { length };
                let unit: [f64; 4] = d.map(|v| v / size);
                let corner = match (&tail, classic) {
                    (None, false) => rest,
                    (None, true) => {
                        let f = (0..4).map(|i| jerk[i] / speed[i].abs()).fold(1.0, f64::min);
                        (nominal * f).max(rest)
                    }
                    (Some((_, before, slower)), true) => {
                        let shared = nominal.min(*slower);
                        let jump = |i: usize| speed[i] * shared / nominal - before[i] * shared / slower;
                        let f = (0..4).map(|i| jerk[i] / jump(i).abs()).fold(1.0, f64::min);
                        (shared * f).max(rest)
                    }
                    (Some((before, _, slower)), false) => {
                        let cos: f64 = -(0..4).map(|i| before[i] * unit[i]).sum::<f64>();
                        let mut v2 = rest * rest;
                        if cos <= 0.999_999 {
                            let turn: [f64; 4] = std::array::from_fn(|i| unit[i] - before[i]);
                            let size = norm(&turn);
                            let across = (0..4).map(|i| most[i] * size / turn[i].abs()).fold(accel, f64::min);
                            let cos = cos.max(-0.999_999);
                            let s = (0.5 * (1.0 - cos)).sqrt();
                            v2 = across * deviation * s / (1.0 - s);
                            if length < 1.0 && cos < -(0.5f64.sqrt()) {
                                v2 = v2.min(length * across / angle(-cos));
                            }
                        }
                        v2.sqrt().max(rest).min(nominal).min(*slower)
                    }
                };
                blocks.push(Block { length, accel, nominal, corner, rest });
                tail = Some((unit, speed, nominal));
            }
            Event::Wait(s) => total += s,
            Event::Stop => {
                total += run(&blocks);
                blocks.clear();
                tail = None;
            }
            Event::Limits(code, by) => {
                let take = |l: char, to: &mut f64| {
                    if let Some(v) = by.get(&l).filter(|v| **v > 0.0) {
                        *to = *v;
                    }
                };
                for (i, l) in "XYZE".chars().enumerate() {
                    match code {
                        201 => take(l, &mut most[i]),
                        203 => take(l, &mut rate[i]),
                        205 => take(l, &mut jerk[i]),
                        _ => {}
                    }
                }
                if *code == 204 {
                    if by.contains_key(&'S') {
                        take('S', &mut print);
                        take('S', &mut travel);
                        take('T', &mut retract);
                    } else {
                        take('P', &mut print);
                        take('T', &mut travel);
                        take('R', &mut retract);
                    }
                } else if *code == 205 {
                    take('J', &mut deviation);
                }
            }
        }
    }
    total + run(&blocks)
}

/// Marlin's polynomial for the angle between nearly straight pieces (asin by W. R. Franklin, six coefficients).
fn angle(t: f64) -> f64 {
    let c = [0.032843707, -1.451838349, 29.66153956, -131.1123477, 262.8130562, -242.7199627, 84.31466202];
    std::f64::consts::FRAC_PI_2 - c.iter().rev().fold(0.0, |sum, k| sum * t + k)
}

/// Klipper with the figures of `printer-klipper`: from stop to stop, forwards for the corners, backwards for the
/// speeds, forwards again for what cannot speed up.
fn klipper(events: &[Event]) -> f64 {
    #[derive(Clone, Copy)]
    struct Move {
        d: f64,
        r: [f64; 4],
        accel: f64,
        corner: f64,
        cruise2: f64,
        start2: f64,
        smooth: f64,
        smooth2: f64,
        along: bool,
    }
    let (mut max_accel, mut total) = (3000.0, 0.0);
    let mut moves: Vec<Move> = Vec::new();
    let settle = |moves: &mut Vec<Move>| {
        let mut sum = 0.0;
        let (mut end2, mut smooth_end2, mut peak2) = (0.0f64, 0.0f64, 0.0f64);
        let mut plan: Vec<(f64, Option<f64>, f64)> = Vec::new();
        let mut waiting = 0;
        for m in moves.iter().rev() {
            let delta = 2.0 * m.d * m.accel;
            let (reach, smooth_reach) = (end2 + delta, smooth_end2 + m.smooth);
            let (start2, smooth2) = (m.start2.min(reach), m.smooth2.min(smooth_reach));
            waiting += 1;
            let mut cruise2 = None;
            if smooth2 < smooth_reach {
                if smooth2 + m.smooth > smooth_end2 || waiting > 1 {
                    peak2 = 0.5 * (smooth2 + smooth_reach);
                }
                cruise2 = Some((0.5 * (start2 + reach)).min(m.cruise2).min(peak2));
                waiting = 0;
            }
            plan.push((start2, cruise2, end2));
            (end2, smooth_end2) = (start2, smooth2);
        }
        let mut before = 0.0f64;
        for (m, (start2, cruise2, end2)) in moves.iter().zip(plan.iter().rev()) {
            let c2 = cruise2.unwrap_or(before.min(*start2));
            let (s, c, e) = (start2.min(c2).sqrt(), c2.sqrt(), end2.min(c2).sqrt());
            let (up, down) = ((c2 - s * s) / (2.0 * m.accel), (c2 - e * e) / (2.0 * m.accel));
            sum += up / f64::midpoint(s, c) + down / f64::midpoint(e, c) + (m.d - up - down) / c;
            before = c2;
        }
        moves.clear();
        sum
    };
    for event in events {
        match event {
            Event::Move { d, feed, .. } => {
                let way = norm(&d[..3]);
                let along = way > 1e-9;
                let length = if along { way } else { d[3].abs() };
                if length == 0.0 {
                    continue;
                }
                let r = d.map(|v| v / length);
                let (mut v, mut accel): (f64, f64) =
                    if along { ((feed / 60.0).min(300.0), max_accel) } else { (feed / 60.0, 1e8) };
                let slow = |v: &mut f64, a: &mut f64, to: [f64; 2], share: f64| {
                    *v = v.min(to[0] / share.abs());
                    *a = a.min(to[1] / share.abs());
                };
                if along && d[2] != 0.0 {
                    slow(&mut v, &mut accel, [15.0, 100.0], r[2]);
                }
                if d[3] != 0.0 && (d[0] == 0.0 && d[1] == 0.0 || d[3] < 0.0) {
                    slow(&mut v, &mut accel, [75.0, 1000.0], r[3]);
                }
                let smooth = (2.0 * length * 0.5 * max_accel).min(2.0 * length * accel);
                let corner = 25.0 * (2f64.sqrt() - 1.0) / max_accel;
                let mut m = Move {
                    d: length,
                    r,
                    accel,
                    corner,
                    cruise2: v * v,
                    start2: 0.0,
                    smooth,
                    smooth2: 0.0,
                    along,
                };
                if let Some(p) = moves.last().filter(|p| p.along && along) {
                    let mut v2 = m.cruise2.min(p.cruise2).min(p.start2 + 2.0 * p.d * p.accel);
                    let jump = r[3] - p.r[3];
                    if jump != 0.0 {
                        v2 = v2.min((1.0 / jump).powi(2));
                    }
                    let cos: f64 = -(0..3).map(|i| r[i] * p.r[i]).sum::<f64>();
                    let (s, c) = ((0.5 * (1.0 - cos)).max(0.0).sqrt(), (0.5 * (1.0 + cos)).max(0.0).sqrt());
                    if s < 1.0 && c > 0.0 {
                        for (corner, accel, d) in [(m.corner, accel, length), (p.corner, p.accel, p.d)] {
                            v2 = v2.min(s / (1.0 - s) * corner * accel).min(0.5 * accel * d * s / c);
                        }
                    }
                    m.start2 = v2;
                    m.smooth2 = v2.min(p.smooth2 + p.smooth);
                }
                moves.push(m);
            }
            Event::Wait(s) => total += s,
            Event::Stop => total += settle(&mut moves),
            Event::Limits(204, by) => {
                let both = by.get(&'P').zip(by.get(&'T')).map(|(p, t)| p.min(*t));
                max_accel = by.get(&'S').copied().or(both).unwrap_or(max_accel);
            }
            Event::Limits(..) => {}
        }
    }
    total + settle(&mut moves)
}

/// Made-up programs, each hard in its own way: name and text.
fn made_up(printer: bool) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut push = |name, lines: Vec<String>| out.push((name, lines.join("\n") + "\n"));
    let begin = || -> Vec<String> {
        if printer {
            ["G21", "G90", "M83", "G1 F1500"].map(str::to_owned).to_vec()
        } else {
            ["G21 G90 G17 G94", "M3 S12000", "G0 X0 Y0 Z5", "G1 Z-1 F600"].map(str::to_owned).to_vec()
        }
    };
    let e = |v: f64| if printer { format!(" E{v:.5}") } else { String::new() };
    let mut spiral = begin();
    for i in 0..6000 {
        let t = f64::from(i) * 0.02;
        let r = 20.0 + 5.0 * (0.37 * t).sin();
        let f = 1200 + 600 * (i / 1000);
        spiral.push(format!("G1 X{:.3} Y{:.3}{} F{f}", r * t.cos(), r * t.sin(), e(0.013)));
    }
    push("short pieces on a curve", spiral);
    let mut zigzag = begin();
    for k in 0..400 {
        let (a, b) = if k % 2 == 0 { (10.0, 40.0) } else { (40.0, 10.0) };
        let y = 10.0 + 0.45 * f64::from(k);
        zigzag.push(format!("G1 X{a} Y{y:.2} F{}", 1800 + 10 * k));
        zigzag.push(format!("G1 X{b} Y{y:.2}{}", e(1.1)));
    }
    push("zigzag", zigzag);
    let mut jitter = begin();
    let mut seed = 12345u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 8) / f64::from(1 << 24)
    };
    for i in 0..3000 {
        let (x, y) = (100.0 * random(), 100.0 * random());
        let z = if i % 11 == 0 { format!(" Z{:.2}", 0.2 + 2.0 * random()) } else { String::new() };
        let f = [600, 1800, 4200, 9000][i % 4];
        jitter.push(format!(
            "G1 X{x:.3} Y{y:.3}{z}{} F{f}",
            if i % 3 > 0 { e(random()) } else { String::new() }
        ));
        if printer && i % 7 == 0 {
            jitter.extend(["G1 E-0.8 F2100".to_owned(), "G1 E0.8 F1200".to_owned()]);
        }
    }
    push("long and short at random", jitter);
    let mut arcs = begin();
    for i in 0..120 {
        let r = 1.0 + 0.3 * f64::from(i);
        arcs.push(format!("G{} X{:.3} Y0 I{:.4} J0{} F3000", 2 + i % 2, r, 0.5 * r, e(0.5)));
        arcs.push(format!("G1 X0 Y0 F{}", 900 + 40 * i));
    }
    push("arcs", arcs);
    out
}

fn corpus(names: &[&str]) -> Vec<(String, String)> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("SHOPCTL_CORPUS").map_or_else(beside, Into::into).join("gcode");
    if !folder.is_dir() {
        eprintln!("no corpus at {}: only made-up programs are replayed", folder.display());
        return Vec::new();
    }
    let text = |n: &&str| {
        let bytes = std::fs::read(folder.join(n)).expect("a file of the corpus");
        ((*n).to_owned(), String::from_utf8_lossy(&bytes).into_owned())
    };
    names.iter().map(text).collect()
}

/// Runs the command; returns the time without heating and homing.
fn estimated(folder: &Path, text: &str, machine: &str) -> f64 {
    let path: PathBuf = folder.join("program.nc");
    std::fs::write(&path, text).expect("writable");
    let run = Command::new(env!("CARGO_BIN_EXE_shopctl"))
        .args(["estimate", "program.nc", "--json", "-m", machine])
        .current_dir(folder)
        .env("SHOPCTL_CONFIG_DIR", folder.join("settings"))
        .output()
        .expect("the command was built");
    let value: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let s = |key: &str| value[key].as_f64().expect("a number");
    s("total_s") - s("heat_s") - s("tool_change_s") - s("home_s")
}

fn hold(controller: Controller, machine: &str, most_percent: f64, names: &[&str]) {
    let folder = tempfile::TempDir::new().expect("a place for files");
    if controller == Controller::MarlinJerk {
        let profile = "[machine]\nextends = \"printer-marlin\"\n\n[cornering]\njerk_xy_mm_per_s = 8\n\
                       jerk_z_mm_per_s = 0.4\nbuffer_moves = 15\n";
        std::fs::write(folder.path().join("jerk.toml"), profile).expect("writable");
    }
    let printer = controller != Controller::Grbl;
    let made = made_up(printer).into_iter().map(|(n, t)| (n.to_owned(), t));
    let mut worst: f64 = 0.0;
    for (name, text) in made.chain(corpus(names)) {
        if let Some(folder) = std::env::var_os("REPLAY_PROGRAMS") {
            // For planners that cannot come along.
            let file = Path::new(&folder).join(format!("{controller:?}-{}", name.replace(' ', "-")));
            std::fs::write(file, &text).expect("writable");
        }
        let events = read(&text, controller);
        let want = match controller {
            Controller::Grbl => grbl(&events),
            Controller::Marlin => marlin(&events, false),
            Controller::MarlinJerk => marlin(&events, true),
            Controller::Klipper => klipper(&events),
        };
        let got = estimated(folder.path(), &text, machine);
        let off = 100.0 * (got - want) / want;
        println!("{controller:?} {name}: replay {want:.3} s, estimate {got:.3} s, {off:+.4} %");
        worst = worst.max(off.abs());
        let own = KLIPPERS_OWN.iter().filter(|_| controller == Controller::Klipper);
        for (_, own) in own.filter(|k| k.0 == name) {
            let off = 100.0 * (got - own) / own;
            println!("Klipper's own planner {name}: {own:.3} s, estimate {got:.3} s, {off:+.4} %");
            worst = worst.max(off.abs());
        }
    }
    assert!(worst <= most_percent, "{controller:?}: off by {worst} %");
}

/// Seconds of motion that Klipper's own planner gives, of a version of August 2026: its `Move` and `LookAheadQueue`, the
/// limits of its extruder and of its Cartesian kinematics and its arcs of 1 mm chords, with the values of the profile
/// `printer-klipper`, fed outside of this repository with the programs that `REPLAY_PROGRAMS` writes and those of the
/// corpus.
const KLIPPERS_OWN: [(&str, f64); 12] = [
    ("short pieces on a curve", 65.372),
    ("zigzag", 227.696),
    ("long and short at random", 6323.094),
    ("arcs", 113.222),
    ("duet-dsf__PrusaSlicer.gcode", 3939.930),
    ("duet-dsf__Cura.gcode", 3024.823),
    ("duet-dsf__Simplify3D.gcode", 1879.037),
    ("libbgcode__mini_cube_a.gcode", 1954.947),
    ("sofle__Sofle_pico_OLED_circle_window_v3.4_0.3mm_PLA_MK3S_31m.gcode", 1943.727),
    ("duet-dsf__Circle.gcode", 21.581),
    ("printrun__layer-detect2.gcode", 3.887),
    ("klipper__move.gcode", 1.107),
];

const PRINTS: [&str; 7] = [
    "duet-dsf__PrusaSlicer.gcode",
    "duet-dsf__Cura.gcode",
    "duet-dsf__Simplify3D.gcode",
    "libbgcode__mini_cube_a.gcode",
    "sofle__Sofle_pico_OLED_circle_window_v3.4_0.3mm_PLA_MK3S_31m.gcode",
    "duet-dsf__Circle.gcode",
    "printrun__layer-detect2.gcode",
];

#[test]
fn grbl_is_replayed_within_a_percent() {
    let names = [
        "cncjs__octocat.gcode",
        "cncjs__tball-engrave.gcode",
        "cncjs__circle-inch.gcode",
        "pcb2gcode__back.ngc",
        "camotics__engrave.ngc",
        "camotics__buildbotics.gcode",
        "svg2gcode__shapes.gcode",
        "gcode-rs__plotter_owl.gcode",
        "pcb2gcode__outline.ngc",
        "camotics__slant_test.nc",
    ];
    hold(Controller::Grbl, "router-grbl", 1.0, &names);
}

#[test]
fn marlin_is_replayed_within_a_percent() {
    hold(Controller::Marlin, "printer-marlin", 1.0, &PRINTS);
}

#[test]
fn marlin_with_classic_jerk_is_replayed_within_a_percent() {
    hold(Controller::MarlinJerk, "./jerk.toml", 1.0, &PRINTS);
}

#[test]
fn klipper_is_replayed_within_half_a_percent() {
    hold(Controller::Klipper, "printer-klipper", 0.5, &[&PRINTS[..], &["klipper__move.gcode"]].concat());
}
