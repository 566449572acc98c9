//! The law of the house: `interpret(post(c)) ≈ c`, for every dialect and machine.
//!
//! Random canonical sections are posted and read back; then every motion that was read must lie on the motion that
//! was meant, with its feed, its tool and its switch, and every motion that was meant must have been read.

use proptest::prelude::*;
use shop_cam::Speed;
use shop_cam::canon::{Command, Drill, Laser, Position, Role, Section, Spindle, Torch};
use shop_cam::machine::{Cut, Dialect, Machine, MachineKind, Material, Post, TorchControl};
use shop_gcode::{Context, example_machine, interpret, post};
use shop_geom::Point;
use std::f64::consts::{PI, TAU};

const ALL: [Dialect; 9] = [
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

fn machine(dialect: Dialect, kind: MachineKind) -> Machine {
    let mut machine = example_machine();
    machine.kind = kind;
    machine.post.dialect = dialect;
    machine.process.torch =
        if dialect == Dialect::QtPlasmaC { TorchControl::Controller } else { TorchControl::Program };
    let cut = |number, feed| Cut {
        thickness: 3.0,
        number: Some(number),
        kerf: 1.2,
        feed: Speed::from_mm_per_min(feed),
        pierce_height: 3.8,
        pierce_delay: 0.2,
        cut_height: 1.5,
        amps: 45.0,
        volts: 120.0,
        power: 1.0,
        passes: 1,
    };
    machine.materials = vec![Material {
        name: "steel".into(),
        source: "test".into(),
        price_per_m2_mm: None,
        cuts: vec![cut(3, 3960.0), cut(4, 2800.0)],
    }];
    machine
}

/// Cases per law; PROPTEST_CASES asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|v| v.parse().ok()).unwrap_or(48)
}

/// What a move is made with.
#[derive(Clone, Debug, PartialEq)]
struct With {
    feed: f64,
    tool: u32,
    switch: String,
    thc: bool,
    material: u32,
}

#[derive(Clone, Debug)]
enum Shape {
    Line,
    Arc { center: Point, counter_clockwise: bool },
}

#[derive(Clone, Debug)]
struct Move {
    rapid: bool,
    from: Position,
    to: Position,
    shape: Shape,
    with: With,
}

/// Plays commands into moves; percent and material are folded into the feed.
fn play(sections: &[Section], flat: bool) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut at = [0.0; 3];
    let (mut feed, mut percent) = (0.0, 100.0);
    let mut with = With { feed: 0.0, tool: 0, switch: String::new(), thc: true, material: 0 };
    let mut queue: Vec<Command> = Vec::new();
    for command in sections.iter().flat_map(|s| &s.commands) {
        queue.clear();
        match command {
            Command::Drill(d) => d.expand(at, |c| queue.push(c)),
            c => queue.push(c.clone()),
        }
        for command in &queue {
            let (rapid, to, shape) = match command {
                Command::Rapid { to } => (true, *to, Shape::Line),
                Command::Line { to } => (false, *to, Shape::Line),
                Command::Arc { to, center, counter_clockwise } => {
                    (false, *to, Shape::Arc { center: *center, counter_clockwise: *counter_clockwise })
                }
                other => {
                    match other {
                        Command::Feed(f) => feed = f.mm_per_min(),
                        Command::CutSpeed { percent: p } => percent = *p,
                        Command::ToolChange { number } => with.tool = *number,
                        Command::Spindle(s) => with.switch = format!("{s:?}"),
                        Command::Torch(t) => with.switch = format!("{t:?}"),
                        Command::Laser(Laser::Off) => with.switch = "Off".into(),
                        Command::Laser(Laser::Constant { power }) => with.switch = format!("M3 {power:.6}"),
                        Command::Laser(Laser::Dynamic { power }) => with.switch = format!("M4 {power:.6}"),
                        Command::TorchHeightControl { on } => with.thc = *on,
                        Command::Material { number } => with.material = *number,
                        _ => {}
                    }
                    continue;
                }
            };
            let to = if flat { [to[0], to[1], 0.0] } else { to };
            let mut with = with.clone();
            // The power of a laser counts while it cuts; rapids pass it by.
            with.feed = if rapid { 0.0 } else { feed * percent / 100.0 };
            if rapid && with.switch.starts_with('M') {
                with.switch = "laser".into();
            }
            moves.push(Move { rapid, from: at, to, shape, with });
            at = to;
        }
    }
    moves
}

fn turn(m: &Move, center: Point, ccw: bool) -> (f64, f64, f64) {
    let start = (m.from[1] - center.y).atan2(m.from[0] - center.x);
    let end = (m.to[1] - center.y).atan2(m.to[0] - center.x);
    let full = m.from[..2] == m.to[..2];
    let sweep = if full { TAU } else { (if ccw { end - start } else { start - end }).rem_euclid(TAU) };
    ((m.from[0] - center.x).hypot(m.from[1] - center.y), start, sweep)
}

/// Returns points along a move.
fn samples(m: &Move) -> Vec<Position> {
    (0..=12)
        .map(|i| {
            let t = i as f64 / 12.0;
            let mut p: Position = std::array::from_fn(|k| m.from[k] + (m.to[k] - m.from[k]) * t);
            if let Shape::Arc { center, counter_clockwise } = m.shape {
                let (r, start, sweep) = turn(m, center, counter_clockwise);
                let a = if counter_clockwise { start + sweep * t } else { start - sweep * t };
                p[0] = center.x + r * a.cos();
                p[1] = center.y + r * a.sin();
            }
            p
        })
        .collect()
}

/// Returns how far a point lies from a move.
fn distance(m: &Move, p: Position) -> f64 {
    let d = |a: Position, b: Position| {
        ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)).sqrt()
    };
    match m.shape {
        Shape::Line => {
            let v: Vec<f64> = (0..3).map(|k| m.to[k] - m.from[k]).collect();
            let l: f64 = v.iter().map(|v| v * v).sum();
            let t = if l == 0.0 { 0.0 } else { (0..3).map(|k| (p[k] - m.from[k]) * v[k]).sum::<f64>() / l };
            let t = t.clamp(0.0, 1.0);
            d(p, std::array::from_fn(|k| m.from[k] + v[k] * t))
        }
        Shape::Arc { center, counter_clockwise } => {
            let (r, start, sweep) = turn(m, center, counter_clockwise);
            if r < 0.0101 {
                // Written as a line, which leaves so small a helix by its diameter at most.
                let line = Move { shape: Shape::Line, ..m.clone() };
                return (distance(&line, p) - 2.0 * r).max(0.0);
            }
            let a = (p[1] - center.y).atan2(p[0] - center.x);
            let along = (if counter_clockwise { a - start } else { start - a }).rem_euclid(TAU);
            if along > sweep {
                return d(p, m.from).min(d(p, m.to));
            }
            let t = if sweep == 0.0 { 0.0 } else { along / sweep };
            let z = m.from[2] + (m.to[2] - m.from[2]) * t;
            let radial = ((p[0] - center.x).hypot(p[1] - center.y) - r).abs();
            // A flat helix end: z of the two ends of a full turn are both right there.
            let dz = (p[2] - z).abs();
            radial.hypot(dz).min(d(p, m.from)).min(d(p, m.to))
        }
    }
}

fn same_with(a: &With, b: &With) -> bool {
    (a.feed - b.feed).abs() <= 0.0051
        && (a.tool, &a.switch, a.thc, a.material) == (b.tool, &b.switch, b.thc, b.material)
}

/// Holds what was read against what was meant.
fn compare(meant: &[Move], read: &[Move], step: f64, tolerance: f64) -> Result<(), String> {
    let round = |v: f64| (v / step).round();
    let near = |a: Position, b: Position| (0..3).all(|k| (a[k] / step - round(b[k])).abs() < 0.01);
    let mut next = read.iter().peekable();
    let mut at: Option<Position> = None;
    for (i, m) in meant.iter().enumerate() {
        // Circles smaller than the tolerance may be left out, or be written.
        let far = |p: &Position| (0..3).map(|k| (p[k] - m.to[k]).powi(2)).sum::<f64>().sqrt();
        let within = |q: &Move| samples(q).iter().map(far).fold(0.0, f64::max) <= tolerance;
        let mut arrived = at.is_some_and(|p| near(p, m.to)) && within(m);
        if arrived && matches!(m.shape, Shape::Arc { .. }) {
            let written = next.clone().take_while(|r| r.rapid == m.rapid && within(r)).count();
            let back = next.clone().take(written).position(|r| near(r.to, m.to));
            next.by_ref().take(back.map_or(0, |k| k + 1)).for_each(drop);
        }
        // A move back to where it began is one that must be seen.
        arrived |= at.is_some_and(|p| near(p, m.to)) && matches!(m.shape, Shape::Line);
        while !arrived {
            let Some(r) = next.next() else { return Err(format!("move {i} is missing: {m:?}")) };
            if r.rapid != m.rapid || !same_with(&r.with, &m.with) {
                return Err(format!("move {i} differs:\n meant {m:?}\n read  {r:?}"));
            }
            if i > 0 {
                for p in samples(r) {
                    let off = distance(m, p);
                    if off > tolerance {
                        return Err(format!("move {i} is off by {off}:\n meant {m:?}\n read  {r:?}"));
                    }
                }
            }
            at = Some(r.to);
            arrived = near(r.to, m.to);
            // Half a full circle that is a helix is not there yet.
            if let Shape::Arc { .. } = m.shape
                && m.from[..2] == m.to[..2]
                && matches!(next.peek(), Some(n) if matches!(n.shape, Shape::Arc { .. }) && near(r.from, m.from) && near(n.to, m.to) && !near(r.to, m.to))
            {
                arrived = false;
            }
        }
    }
    let rest: Vec<_> = next.collect();
    match rest.as_slice() {
        [] => Ok(()),
        // The footer goes up.
        [m] if m.rapid && m.from[..2] == m.to[..2] && m.to[2] >= m.from[2] => Ok(()),
        more => Err(format!("more was read than meant: {more:?}")),
    }
}

/// A random step of a program.
#[derive(Clone, Debug)]
enum Op {
    Rapid(f64, f64, f64),
    Line(f64, f64, f64),
    Tiny(f64, f64),
    Arc { radius: f64, start: f64, turn: f64, ccw: bool, dz: f64 },
    Feed(f64),
    Switch(u8, f64),
    Tool(u8),
    Drill(f64, f64, Option<f64>, f64),
    Thc(bool),
    Percent(u8),
    Material(bool),
    Coolant(bool),
    Dwell(f64),
    Comment(String),
    NewSection(String),
}

fn op() -> impl Strategy<Value = Op> {
    let c = || -300f64..300.0;
    prop_oneof![
        3 => (c(), c(), 0f64..20.0).prop_map(|(x, y, z)| Op::Rapid(x, y, z)),
        6 => (c(), c(), -10f64..2.0).prop_map(|(x, y, z)| Op::Line(x, y, z)),
        3 => (-0.0004f64..0.0004, -0.01f64..0.01).prop_map(|(x, y)| Op::Tiny(x, y)),
        6 => (
            prop_oneof![4 => 0.001f64..0.1, 8 => 0.1..5.0, 8 => 5.0..500.0, 2 => 500.0..10_000.0, 1 => 10_000.0..11_000.0],
            0f64..TAU,
            prop_oneof![Just(TAU), Just(PI), 0.001..TAU],
            any::<bool>(),
            prop_oneof![Just(0.0), -3f64..3.0],
        )
            .prop_map(|(radius, start, turn, ccw, dz)| Op::Arc { radius, start, turn, ccw, dz }),
        2 => (1f64..20_000.0).prop_map(Op::Feed),
        3 => (0u8..4, 0f64..1.0).prop_map(|(k, p)| Op::Switch(k, p)),
        1 => (1u8..9).prop_map(Op::Tool),
        1 => (c(), c(), prop::option::of((300i32..4000).prop_map(|q| f64::from(q) / 1000.0)), prop_oneof![Just(0.0), 0.1f64..2.0])
            .prop_map(|(x, y, q, d)| Op::Drill(x, y, q, d)),
        1 => any::<bool>().prop_map(Op::Thc),
        1 => (20u8..101).prop_map(Op::Percent),
        1 => any::<bool>().prop_map(Op::Material),
        1 => any::<bool>().prop_map(Op::Coolant),
        1 => (0f64..10.0).prop_map(Op::Dwell),
        1 => "[ -~\u{e4}\u{b0}]{0,120}".prop_map(Op::Comment),
        2 => "[a-z0-9 ]{0,20}".prop_map(Op::NewSection),
    ]
}

fn sections(ops: &[Op], machine: &Machine) -> Vec<Section> {
    let mut all = vec![Section::new(Role::Unknown, "")];
    let mut at = [10.0, 20.0, 5.0];
    let kind = machine.kind;
    let qt = machine.post.dialect == Dialect::QtPlasmaC;
    let mut commands = vec![Command::Rapid { to: at }, Command::Feed(Speed::from_mm_per_min(800.0))];
    for op in ops {
        match op {
            Op::Rapid(x, y, z) => {
                at = [*x, *y, *z];
                commands.push(Command::Rapid { to: at });
            }
            Op::Line(x, y, z) => {
                at = [*x, *y, *z];
                commands.push(Command::Line { to: at });
            }
            Op::Tiny(x, y) => {
                at = [at[0] + x, at[1] + y, at[2]];
                commands.push(Command::Line { to: at });
            }
            Op::Arc { radius, start, turn, ccw, dz } => {
                let center = Point::new(at[0] - radius * start.cos(), at[1] - radius * start.sin());
                let end = if *ccw { start + turn } else { start - turn };
                // Steeper helices than this turn a step sideways into a longer one along z.
                let mut to = [at[0], at[1], at[2] + dz.clamp(-0.1 * radius * turn, 0.1 * radius * turn)];
                if *turn != TAU {
                    to[0] = center.x + radius * end.cos();
                    to[1] = center.y + radius * end.sin();
                }
                at = to;
                commands.push(Command::Arc { to, center, counter_clockwise: *ccw });
            }
            Op::Feed(f) => commands.push(Command::Feed(Speed::from_mm_per_min(*f))),
            Op::Switch(k, p) => commands.push(match (kind, k) {
                (MachineKind::Router | MachineKind::Knife | MachineKind::Printer, 0) => {
                    Command::Spindle(Spindle::Off)
                }
                (MachineKind::Router | MachineKind::Knife | MachineKind::Printer, 1) => {
                    Command::Spindle(Spindle::CounterClockwise { rpm: (p * 24000.0).round() })
                }
                (MachineKind::Router | MachineKind::Knife | MachineKind::Printer, _) => {
                    Command::Spindle(Spindle::Clockwise { rpm: (p * 24000.0).round() })
                }
                (MachineKind::Plasma, 0) => Command::Torch(Torch::Off),
                (MachineKind::Plasma, 1) if qt => Command::Torch(Torch::Scribe),
                (MachineKind::Plasma, 2) if qt => Command::Torch(Torch::Spot),
                (MachineKind::Plasma, _) => Command::Torch(Torch::Cut),
                (MachineKind::Laser, 0) => Command::Laser(Laser::Off),
                (MachineKind::Laser, 1) => Command::Laser(Laser::Constant { power: (p * 1e4).round() / 1e4 }),
                (MachineKind::Laser, _) => Command::Laser(Laser::Dynamic { power: (p * 1e4).round() / 1e4 }),
            }),
            Op::Tool(n) if kind == MachineKind::Router => {
                commands.push(Command::ToolChange { number: u32::from(*n) });
            }
            Op::Drill(x, y, peck, dwell) if kind == MachineKind::Router => {
                let drill = Drill {
                    at: Point::new(*x, *y),
                    clearance: 5.0,
                    retract: 1.0,
                    bottom: -6.0,
                    peck: *peck,
                    dwell: *dwell,
                };
                at = [*x, *y, 5.0];
                commands.push(Command::Drill(Box::new(drill)));
            }
            Op::Thc(on) if qt => commands.push(Command::TorchHeightControl { on: *on }),
            Op::Percent(p) if kind == MachineKind::Plasma => {
                commands.push(Command::CutSpeed { percent: f64::from(*p) });
            }
            Op::Material(which) if qt => {
                let (number, feed) = if *which { (3, 3960.0) } else { (4, 2800.0) };
                commands.push(Command::Material { number });
                commands.push(Command::Feed(Speed::from_mm_per_min(feed)));
            }
            Op::Coolant(on) => commands.push(Command::Coolant { mist: false, flood: *on }),
            Op::Dwell(s) => commands.push(Command::Dwell { seconds: *s }),
            Op::Comment(text) if !text.trim_start().starts_with("---") => {
                commands.push(Command::Comment(text.as_str().into()));
            }
            Op::NewSection(label) => {
                if let Some(last) = all.last_mut() {
                    last.commands = std::mem::take(&mut commands);
                }
                all.push(Section::new(Role::Profile, label.as_str()));
            }
            _ => {}
        }
    }
    if let Some(last) = all.last_mut() {
        last.commands = commands;
    }
    all
}

fn holds(ops: &[Op], machine: &Machine) -> Result<(), TestCaseError> {
    let meant = sections(ops, machine);
    let posted = post(&meant, machine);
    let text = &posted.value;
    prop_assert!(!posted.has_errors(), "{:?}", posted.diagnostics);
    prop_assert!(text.is_ascii() && !text.contains('%'));
    for line in text.lines() {
        prop_assert!(line.len() <= usize::from(machine.post.line_limit), "{line}");
        let code = line.split(['(', ';']).next().unwrap_or_default();
        let motions = code.split(' ').filter(|w| matches!(*w, "G0" | "G1" | "G2" | "G3")).count();
        prop_assert!(motions <= 1, "{line}");
        prop_assert!(machine.post.arcs || !code.split(' ').any(|w| matches!(w, "G2" | "G3")), "{line}");
        let moves = code.starts_with(['X', 'Y', 'Z', 'I', 'J']);
        prop_assert!(!(machine.post.repeat_motion && moves), "{line}");
    }
    let read = interpret(text.as_bytes(), &Context::of(machine));
    prop_assert!(!read.has_errors(), "{:?}\n{text}", read.diagnostics);
    let flat_meant = machine.post.dialect == Dialect::QtPlasmaC
        || (machine.kind == MachineKind::Laser && {
            let z: Vec<f64> = play(&meant, false).iter().map(|m| m.to[2]).collect();
            z.iter().all(|v| *v == z[0])
        });
    let step = 0.1f64.powi(i32::from(machine.post.decimals));
    let moves = play(&meant, flat_meant);
    let result = compare(&moves, &play(&read.value, flat_meant), step, 0.0012 + 4.0 * step);
    prop_assert!(result.is_ok(), "{}\n{text}", result.unwrap_err());
    // Every section of ours comes back with its name.
    let names = |s: &[Section]| -> Vec<String> {
        s.iter()
            .filter(|s| s.role == Role::Profile)
            .map(|s| s.label.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    prop_assert_eq!(names(&meant), names(&read.value));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn router(
        ops in prop::collection::vec(op(), 0..40),
        decimals in 3u8..5,
        arcs in any::<bool>(),
        repeat_motion in any::<bool>(),
    ) {
        for dialect in ALL {
            if dialect != Dialect::QtPlasmaC {
                let mut m = machine(dialect, MachineKind::Router);
                m.post = Post { decimals, arcs, repeat_motion, ..m.post };
                holds(&ops, &m)?;
            }
        }
    }

    #[test]
    fn plasma(ops in prop::collection::vec(op(), 0..40)) {
        for dialect in ALL {
            holds(&ops, &machine(dialect, MachineKind::Plasma))?;
        }
    }

    #[test]
    fn laser(ops in prop::collection::vec(op(), 0..40)) {
        for dialect in ALL {
            if dialect != Dialect::QtPlasmaC {
                holds(&ops, &machine(dialect, MachineKind::Laser))?;
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bytes(ops in prop::collection::vec(op(), 0..60)) {
        let m = machine(Dialect::Grbl, MachineKind::Router);
        let s = sections(&ops, &m);
        let run = |n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a pool");
            pool.install(|| post(&s, &m))
        };
        prop_assert_eq!(run(1), run(3));
    }

    #[test]
    fn no_text_makes_the_interpreter_panic(
        text in "([GMXYZIJRFSPQLKOTN#\\[\\]()=;/%$*<>eo][ -]?[0-9.]{0,4}[ \n]?|o1 (sub|call|if|while|do|repeat|endsub|endif|endwhile|endrepeat|else)( \\[1\\])?\n){0,60}"
    ) {
        for dialect in ALL {
            let m = machine(dialect, MachineKind::Plasma);
            interpret(text.as_bytes(), &Context::of(&m));
        }
    }
}
