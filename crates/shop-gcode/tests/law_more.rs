//! The law `interpret(post(c)) ≈ c` for what printers and mills with more axes say: filament, heaters, limits, markers,
//! rotary axes, planes, turns, moves in step with the spindle.

use proptest::prelude::*;
use shop_cam::Speed;
use shop_cam::canon::{
    Command, Factor, Heater, Limits, Move, PathControl, Plane, Position, Role, Section, Spindle, Wait, Way,
};
use shop_cam::machine::Dialect;
use shop_gcode::{Context, example_machine, interpret, post};

const PRINTERS: [Dialect; 4] =
    [Dialect::Marlin, Dialect::Klipper, Dialect::RepRapFirmware, Dialect::Smoothie];
const MILLS: [Dialect; 3] = [Dialect::LinuxCnc, Dialect::GrblHal, Dialect::FluidNc];

/// A random step.
#[derive(Clone, Debug)]
enum Op {
    Rapid(Position),
    Line(Position),
    Extrude(Position, f64),
    Arc {
        radius: f64,
        start: f64,
        turn: f64,
        ccw: bool,
        dz: f64,
        e: f64,
        plane: usize,
        turns: u32,
        a: Option<f64>,
    },
    Turn(Position, [Option<f64>; 2]),
    InStep(Position, f64),
    Other(Command),
}

fn position() -> impl Strategy<Value = Position> {
    (-200f64..200.0, -200f64..200.0, 0f64..50.0).prop_map(|(x, y, z)| [x, y, z])
}

fn arc() -> impl Strategy<Value = Op> {
    let shape = (0.5f64..80.0, 0f64..6.0, 0.3f64..6.0, any::<bool>(), -2f64..2.0);
    (shape, 0f64..3.0, 0usize..3, 1u32..4, prop::option::of(-90f64..90.0)).prop_map(
        |((radius, start, turn, ccw, dz), e, plane, turns, a)| Op::Arc {
            radius,
            start,
            turn,
            ccw,
            dz,
            e,
            plane,
            turns,
            a,
        },
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    let n = || prop::option::of((1u32..5000).prop_map(f64::from));
    prop_oneof![
        (n(), n()).prop_map(|(x, e)| Limits { axis_acceleration: [x, None, None, e], ..Limits::default() }),
        n().prop_map(|v| Limits { acceleration: v, travel_acceleration: v, ..Limits::default() }),
        n().prop_map(|v| Limits { pressure_advance: v.map(|v| v / 1000.0), ..Limits::default() }),
        n().prop_map(|v| Limits { jerk: [v, v, None, None], ..Limits::default() }),
    ]
}

fn printing() -> impl Strategy<Value = Op> {
    let heater = prop_oneof![(0u16..3).prop_map(Heater::Hotend), Just(Heater::Bed), Just(Heater::Chamber)];
    let wait = prop_oneof![Just(Wait::No), Just(Wait::Heat), Just(Wait::Both)];
    prop_oneof![
        2 => position().prop_map(Op::Rapid),
        6 => (position(), -2f64..5.0).prop_map(|(p, e)| Op::Extrude(p, e)),
        2 => arc(),
        8 => prop_oneof![
            (-5f64..5.0).prop_map(|e| Command::Filament { e }),
            any::<bool>().prop_map(|recover| Command::FirmwareRetract { recover }),
            (heater, 0u32..300, wait).prop_map(|(heater, t, wait)| Command::Temperature { heater, target_c: f64::from(t), wait }),
            (0u16..3, 0u32..256).prop_map(|(number, s)| Command::Fan { number, fraction: f64::from(s) / 255.0 }),
            (50u32..200, any::<bool>()).prop_map(|(p, feed)| Command::Factor {
                of: if feed { Factor::Feed } else { Factor::Flow },
                factor: f64::from(p) / 100.0,
            }),
            limits().prop_map(|l| Command::Limits(Box::new(l))),
            Just(Command::Finish),
            Just(Command::FilamentChange),
            (0u32..1000).prop_map(|number| Command::Layer { number }),
            "[A-Z][a-z ]{0,20}[a-z]".prop_map(|s| Command::Feature(s.into())),
            "[A-Z][a-z0-9 ]{0,20}[a-z]".prop_map(|s| Command::Message(s.into())),
            (100u32..20_000).prop_map(|f| Command::Feed(Speed::from_mm_per_min(f64::from(f)))),
        ].prop_map(Op::Other),
    ]
}

fn milling() -> impl Strategy<Value = Op> {
    let angle = || prop::option::of(-360f64..360.0);
    prop_oneof![
        2 => position().prop_map(Op::Rapid),
        4 => position().prop_map(Op::Line),
        4 => arc(),
        3 => (position(), angle(), angle()).prop_map(|(p, a, b)| Op::Turn(p, [a, b])),
        1 => (position(), 0.1f64..5.0).prop_map(|(p, k)| Op::InStep(p, k)),
        1 => prop_oneof![
            Just(PathControl::Exact),
            Just(PathControl::ExactStop),
            (1u32..500).prop_map(|p| PathControl::Blend { tolerance: Some(f64::from(p) / 1000.0), straighten: None }),
        ].prop_map(|c| Op::Other(Command::PathControl(c))),
        1 => (-50i32..50).prop_map(|z| Op::Other(Command::ToolOffset { offset: [0.0, 0.0, f64::from(z)] })),
        1 => (0u16..4, any::<bool>()).prop_map(|(number, on)| Op::Other(Command::Output {
            number, value: f64::from(u8::from(on)), analog: false, synchronised: true
        })),
    ]
}

fn section(ops: &[Op], dialect: Dialect) -> Section {
    let printer = PRINTERS.contains(&dialect);
    let full = dialect == Dialect::LinuxCnc;
    let mut at = [10.0, 20.0, 5.0];
    let mut section = Section::new(Role::Profile, "one");
    let out = &mut section.commands;
    out.push(Command::Rapid { to: at });
    out.push(Command::Feed(Speed::from_mm_per_min(900.0)));
    if !printer {
        out.push(Command::Spindle(Spindle::Clockwise { rpm: 500.0 }));
    }
    let mut offset = [0.0; 3];
    for op in ops {
        match op.clone() {
            Op::Rapid(to) => {
                at = to;
                out.push(Command::Rapid { to });
            }
            Op::Line(to) => {
                at = to;
                out.push(Command::Line { to });
            }
            Op::Extrude(to, e) => {
                at = to;
                out.push(Command::Extrude { to, e });
            }
            Op::Turn(to, [a, b]) => {
                at = to;
                let more = [a, b, None, None, None, None];
                out.push(Command::Move(Box::new(Move { to, way: Way::Line, more, e: 0.0, pitch: None })));
            }
            Op::InStep(to, pitch) if full => {
                at = to;
                let m = Move {
                    to,
                    way: Way::Line,
                    more: [None; 6],
                    e: 0.0,
                    pitch: Some((pitch * 1e3).round() / 1e3),
                };
                out.push(Command::Move(Box::new(m)));
            }
            Op::InStep(..) => {}
            Op::Arc { radius, start, turn, ccw, dz, e, plane, turns, a } => {
                let plane = [Plane::Xy, Plane::Zx, Plane::Yz][plane];
                let [i, j, k] = plane.axes();
                let center = [at[i] - radius * start.cos(), at[j] - radius * start.sin()];
                let end = if ccw { start + turn } else { start - turn };
                let mut to = at;
                (to[i], to[j]) = (center[0] + radius * end.cos(), center[1] + radius * end.sin());
                to[k] += dz.clamp(-0.1 * radius * turn, 0.1 * radius * turn);
                let turns = if printer { 1 } else { turns };
                let way = Way::Arc { plane, center, counter_clockwise: ccw, turns };
                let more = [a.filter(|_| !printer), None, None, None, None, None];
                at = to;
                out.push(Command::Move(Box::new(Move {
                    to,
                    way,
                    more,
                    e: if printer { e } else { 0.0 },
                    pitch: None,
                })));
            }
            Op::Other(Command::PathControl(_)) if !full => {}
            Op::Other(Command::Output { .. }) if dialect == Dialect::FluidNc => {}
            Op::Other(Command::ToolOffset { .. }) if dialect != Dialect::LinuxCnc => {}
            Op::Other(Command::ToolOffset { offset: o }) => {
                // What is in force already is not said again.
                if o != offset {
                    out.push(Command::ToolOffset { offset: o });
                    at = std::array::from_fn(|i| at[i] - (o[i] - offset[i]));
                }
                offset = o;
            }
            Op::Other(Command::Limits(l)) => {
                if let Some(l) = spoken(&l, dialect) {
                    out.push(Command::Limits(Box::new(l)));
                }
            }
            Op::Other(c) => out.push(c),
        }
    }
    section
}

/// What of the limits a dialect has words for.
fn spoken(l: &Limits, dialect: Dialect) -> Option<Limits> {
    let some = |l: Limits| (l != Limits::default()).then_some(l);
    match dialect {
        Dialect::Klipper => some(Limits {
            acceleration: l.acceleration,
            travel_acceleration: l.acceleration,
            pressure_advance: l.pressure_advance,
            ..Limits::default()
        }),
        Dialect::Smoothie => None,
        _ => some(*l),
    }
}

/// A command in a form that can be compared: a move is where it ends and what goes with it.
#[derive(Clone, Debug)]
enum Event {
    Move {
        to: Position,
        more: [f64; 6],
        e: f64,
        rapid: bool,
        feed: f64,
        pitch: Option<f64>,
        points: Vec<Position>,
    },
    Other(String),
}

fn events(sections: &[Section]) -> Vec<Event> {
    let (mut at, mut more, mut feed, mut offset_before) = ([0.0; 3], [0.0; 6], 0.0, [0.0; 3]);
    let mut out = Vec::new();
    for command in sections.iter().flat_map(|s| &s.commands) {
        let plain = |to: Position, way: Way, e: f64| Move { to, way, more: [None; 6], e, pitch: None };
        let m = match command {
            Command::Rapid { to } => plain(*to, Way::Rapid, 0.0),
            Command::Line { to } => plain(*to, Way::Line, 0.0),
            Command::Extrude { to, e } => plain(*to, Way::Line, *e),
            Command::Filament { e } => plain(at, Way::Line, *e),
            Command::Arc { to, center, counter_clockwise } => {
                let center = [center.x, center.y];
                plain(
                    *to,
                    Way::Arc { plane: Plane::Xy, center, counter_clockwise: *counter_clockwise, turns: 1 },
                    0.0,
                )
            }
            Command::Move(m) => **m,
            Command::Feed(f) => {
                feed = f.mm_per_min();
                continue;
            }
            Command::Comment(_) | Command::End | Command::Spindle(_) | Command::FeedMode(_) => continue,
            other => {
                if let Command::ToolOffset { offset } = other {
                    // The machine stands still: the tip has other coordinates.
                    at = std::array::from_fn(|i| at[i] - (offset[i] - offset_before[i]));
                    offset_before = *offset;
                }
                out.push(Event::Other(rounded(other)));
                continue;
            }
        };
        let mut points = Vec::new();
        m.chords(at, 0.01, |p| points.push(p));
        let rapid = m.way == Way::Rapid;
        at = m.to;
        for i in 0..6 {
            more[i] = m.more[i].unwrap_or(more[i]);
        }
        let feed = if rapid || m.pitch.is_some() { 0.0 } else { feed };
        out.push(Event::Move { to: at, more, e: m.e, rapid, feed, pitch: m.pitch, points });
    }
    out
}

fn rounded(c: &Command) -> String {
    match c {
        Command::Fan { number, fraction } => format!("Fan {number} {:.2}", fraction * 255.0),
        Command::Factor { of, factor } => format!("{of:?} {factor:.4}"),
        c => format!("{c:?}"),
    }
}

fn near(a: Position, b: Position) -> bool {
    (0..3).all(|i| (a[i] - b[i]).abs() < 1.0e-4)
}

fn compare(meant: &[Event], read: &[Event]) -> Result<(), String> {
    let mut k = 0;
    for (i, m) in meant.iter().enumerate() {
        match m {
            Event::Other(text) => {
                match read.get(k) {
                    Some(Event::Other(t)) if t == text => {}
                    other => return Err(format!("command {i}: meant {text}, read {other:?}")),
                }
                k += 1;
            }
            Event::Move { to, more, e, rapid, feed, pitch, points } => {
                let (mut pushed, mut arrived) = (0.0, false);
                let mut seen = Vec::new();
                while !arrived {
                    let Some(Event::Move { to: t, more: r, e, rapid: quick, feed: f, pitch: p, points }) =
                        read.get(k)
                    else {
                        // A move to where the tool stands, with nothing that goes with it, is left out.
                        let still = i > 0
                            && matches!(&meant[..i].iter().rev().find_map(|m| match m { Event::Move { to, .. } => Some(*to), Event::Other(_) => None }), Some(before) if near(*before, *to));
                        if still || e.abs() < 1e-5 && near(*to, *to) && seen.is_empty() && i > 0 {
                            break;
                        }
                        return Err(format!("move {i} is missing: {m:?}, next {:?}", read.get(k)));
                    };
                    k += 1;
                    pushed += e;
                    seen.extend(points.iter().copied());
                    if quick != rapid || (f - feed).abs() > 0.006 || p.is_some() != pitch.is_some() {
                        return Err(format!("move {i} differs: {m:?}, read {:?}", read[k - 1]));
                    }
                    arrived = near(*t, *to)
                        && (0..6).all(|i| (r[i] - more[i]).abs() < 1.0e-4)
                        && ((pushed - m_e(m)).abs() < 2.0e-5);
                }
                let off = |p: &Position| {
                    let d = |q: &Position| (0..3).map(|i| (p[i] - q[i]).powi(2)).sum::<f64>().sqrt();
                    points.iter().map(d).fold(f64::INFINITY, f64::min)
                };
                let _ = e;
                // Chords of 0.01 mm on both sides: ends of pieces lie near ends of chords.
                if points.len() > 1 && seen.iter().map(off).fold(0.0, f64::max) > 8.0 {
                    return Err(format!("move {i} goes another way: {m:?}"));
                }
            }
        }
    }
    match read.get(k) {
        None | Some(Event::Move { rapid: true, .. }) => Ok(()),
        more => Err(format!("more was read than meant: {more:?}")),
    }
}

fn m_e(m: &Event) -> f64 {
    match m {
        Event::Move { e, .. } => *e,
        Event::Other(_) => 0.0,
    }
}

fn holds(ops: &[Op], dialect: Dialect) -> Result<(), TestCaseError> {
    let mut machine = example_machine();
    machine.post.dialect = dialect;
    machine.post.line_limit = 250;
    let meant = [section(ops, dialect)];
    let posted = post(&meant, &machine);
    prop_assert!(!posted.has_errors(), "{:?}", posted.diagnostics);
    let read = interpret(posted.value.as_bytes(), &Context::of(&machine));
    prop_assert!(!read.has_errors(), "{:?}\n{}", read.diagnostics, posted.value);
    // Left out before the section: the header of the profile.
    let body: Vec<Section> = read.value.into_iter().filter(|s| s.role == Role::Profile).collect();
    let result = compare(&events(&meant), &events(&body));
    prop_assert!(result.is_ok(), "{dialect:?}: {}\n{}", result.unwrap_err(), posted.value);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn printers(ops in prop::collection::vec(printing(), 0..40)) {
        for dialect in PRINTERS {
            holds(&ops, dialect)?;
        }
    }

    #[test]
    fn mills_with_more_axes(ops in prop::collection::vec(milling(), 0..40)) {
        for dialect in MILLS {
            holds(&ops, dialect)?;
        }
    }
}
