//! Proof, estimate and picture of whole programs: sheets of small parts, one long contour, engraving.
//!
//! Measured on four cores shared with other work (2026-11): a sheet of 37,500 contours and 300,000 commands is
//! proved in 115 to 155 ms, one contour of 200,000 vertices in 130 ms, 2,000 engraved lines of 60 pieces in 32 ms;
//! the sheet's time is estimated in 130 ms on one core, and its tenth drawn three ways in 190 ms.
//! A move is held in about 90 bytes and a wall in 64; each is read a few times, so that memory bandwidth (10 GB/s)
//! would allow about 10 ms for the sheet: the rest is the square roots and divisions of exact distances and the
//! walk over a grid's cells.

use shop_cam::Speed;
use shop_cam::canon::{Command, Role, Section, Spindle};
use shop_cam::intent::{Goal, Intent, Waste};
use shop_cam::machine::{Axis, Machine, MachineKind, Process};
use shop_geom::{Point, Polyline, Vertex};
use shop_report::Silent;
use shop_sim::{PreviewInput, estimate, preview_html, preview_png, preview_svg, prove};

fn main() {
    divan::main();
}

const R: f64 = 1.0;

fn blank() -> Intent {
    Intent {
        kind: MachineKind::Router,
        diameters: vec![(0, 2.0 * R)],
        top: 0.0,
        goals: Vec::new(),
        kept: Vec::new(),
        pierce_clearance: 0.5,
        gouge_tolerance: 0.01,
        skin_tolerance: 0.02,
        envelope: None,
        sheet: None,
        blade_offset: 0.0,
        common_lines: false,
        must_end: true,
    }
}

/// Follows `path` from a point `lead` away: down, along, up.
fn cut(commands: &mut Vec<Command>, path: &Polyline, lead: Point) {
    let up = |p: Point| [p.x, p.y, 5.0];
    let down = |p: Point| [p.x, p.y, -3.0];
    commands.push(Command::Rapid { to: up(lead) });
    commands.push(Command::Line { to: down(lead) });
    if let Some(first) = path.first() {
        commands.push(Command::Line { to: down(first) });
    }
    for s in path.segments() {
        commands.push(match s {
            shop_geom::Segment::Line(l) => Command::Line { to: down(l.b) },
            shop_geom::Segment::Arc(c) => {
                Command::Arc { to: down(c.b), center: c.center, counter_clockwise: c.sweep > 0.0 }
            }
        });
    }
    if let Some(last) = path.last() {
        commands.push(Command::Rapid { to: up(last) });
    }
}

fn program(mut commands: Vec<Command>) -> Vec<Section> {
    let mut all = vec![
        Command::Spindle(Spindle::Clockwise { rpm: 18_000.0 }),
        Command::Feed(Speed::from_mm_per_min(1000.0)),
    ];
    all.append(&mut commands);
    all.push(Command::Spindle(Spindle::Off));
    all.push(Command::End);
    vec![Section { role: Role::Unknown, label: String::new(), commands: all, lines: Vec::new() }]
}

/// A rounded square with four round holes and a slot, `count` contours in all, six a part.
fn sheet(count: usize) -> (Intent, Vec<Section>) {
    let mut intent = blank();
    let mut commands = Vec::new();
    let parts = count / 6;
    let columns = (parts as f64).sqrt().ceil() as usize;
    for k in 0..parts {
        let o = Point::new((k % columns) as f64 * 40.0, (k / columns) as f64 * 40.0);
        let parent = Some(intent.goals.len() as u32);
        let mut holes = Vec::new();
        for (x, y) in [(7.0, 7.0), (23.0, 7.0), (23.0, 23.0), (7.0, 23.0)] {
            let c = Point::new(o.x + x, o.y + y);
            holes.push((Polyline::circle(c, 3.0), Polyline::circle(c, 3.0 - R), c));
        }
        let slot = |r: f64| rounded(o.x + 10.0 - r, o.y + 15.0 - r, o.x + 20.0 + r, o.y + 15.0 + r, r);
        holes.push((slot(3.0), slot(3.0 - R), Point::new(o.x + 15.0, o.y + 15.0)));
        let outline = rounded(o.x, o.y, o.x + 30.0, o.y + 30.0, 4.0);
        let path = rounded(o.x - R, o.y - R, o.x + 30.0 + R, o.y + 30.0 + R, 4.0 + R);
        intent.kept.push(outline.clone());
        let goal = |contour: Polyline, waste, parent: Option<u32>| Goal::Profile {
            contour,
            waste,
            bottom: -3.0,
            depth: u32::from(parent.is_some()),
            parent,
            tabs: Vec::new(),
        };
        intent.goals.push(goal(outline, Waste::Outside, None));
        for (hole, path, lead) in holes {
            intent.kept.push(hole.clone().reversed());
            intent.goals.push(goal(hole, Waste::Inside, parent));
            cut(&mut commands, &path, lead);
        }
        cut(&mut commands, &path, Point::new(o.x + 4.0, o.y - 4.0));
    }
    (intent, program(commands))
}

fn rounded(x0: f64, y0: f64, x1: f64, y1: f64, r: f64) -> Polyline {
    let q = (std::f64::consts::PI / 8.0).tan();
    let v = Vertex::new;
    Polyline {
        vertices: vec![
            v(x0 + r, y0, 0.0),
            v(x1 - r, y0, q),
            v(x1, y0 + r, 0.0),
            v(x1, y1 - r, q),
            v(x1 - r, y1, 0.0),
            v(x0 + r, y1, q),
            v(x0, y1 - r, 0.0),
            v(x0, y0 + r, q),
        ],
        closed: true,
    }
}

/// One contour of `n` vertices round a wavy circle, and the path at its distance.
fn coast(n: usize) -> (Intent, Vec<Section>) {
    let mut intent = blank();
    let at = |i: usize, r: f64| {
        let a = std::f64::consts::TAU * i as f64 / n as f64;
        let wave = 40.0 * (7.0 * a).sin() + 10.0 * (31.0 * a).cos();
        let slope = 280.0 * (7.0 * a).cos() - 310.0 * (31.0 * a).sin();
        let radius = 500.0 + wave;
        let (s, c) = a.sin_cos();
        let tangent = shop_geom::Vector::new(slope * c - radius * s, slope * s + radius * c).normalize();
        Point::new(radius * c + tangent.y * r, radius * s - tangent.x * r)
    };
    let contour = Polyline::polygon((0..n).map(|i| at(i, 0.0)));
    let path = Polyline::polygon((0..n).map(|i| at(i, R)));
    intent.kept.push(contour.clone());
    intent.goals.push(Goal::Profile {
        contour,
        waste: Waste::Outside,
        bottom: -3.0,
        depth: 0,
        parent: None,
        tabs: Vec::new(),
    });
    let mut commands = Vec::new();
    cut(&mut commands, &path, at(0, 4.0));
    (intent, program(commands))
}

/// `count` wavy lines of 60 pieces to be engraved.
fn engraving(count: usize) -> (Intent, Vec<Section>) {
    let mut intent = blank();
    let mut commands = Vec::new();
    for k in 0..count {
        let (x, y) = ((k % 50) as f64 * 45.0, (k / 50) as f64 * 3.0);
        let line = Polyline::open((0..=60).map(|i| {
            let t = f64::from(i);
            Point::new(x + 0.7 * t, y + (t * 0.3).sin())
        }));
        cut(&mut commands, &line, line.first().unwrap_or_default());
        intent.goals.push(Goal::Trace { line, bottom: -3.0 });
    }
    (intent, program(commands))
}

#[divan::bench(args = [378, 3_750, 37_500])]
fn sheets(bencher: divan::Bencher<'_, '_>, contours: usize) {
    let (intent, sections) = sheet(contours);
    let proof = prove(&intent, &sections, &Silent).expect("runs");
    assert!(proof.holds(), "{proof:?}");
    bencher.bench_local(|| prove(&intent, &sections, &Silent));
}

#[divan::bench(args = [10_000, 200_000])]
fn one_contour(bencher: divan::Bencher<'_, '_>, vertices: usize) {
    let (intent, sections) = coast(vertices);
    let proof = prove(&intent, &sections, &Silent).expect("runs");
    assert!(proof.holds(), "{proof:?}");
    bencher.bench_local(|| prove(&intent, &sections, &Silent));
}

#[divan::bench(args = [200, 2_000])]
fn engravings(bencher: divan::Bencher<'_, '_>, lines: usize) {
    let (intent, sections) = engraving(lines);
    let proof = prove(&intent, &sections, &Silent).expect("runs");
    assert!(proof.holds(), "{proof:?}");
    bencher.bench_local(|| prove(&intent, &sections, &Silent));
}

/// A machine of 500 mm/s² with GRBL's planner: every arc becomes chords of 0.002 mm sagitta.
fn machine() -> Machine {
    let axis = Axis {
        min: 0.0,
        max: 3000.0,
        rapid: Speed::from_mm_per_min(6000.0),
        acceleration: 500.0,
        homing: None,
    };
    let example = Machine::example(MachineKind::Router);
    let process = Process { spin_up_s: 0.0, ..example.process.clone() };
    Machine { axes: [axis; 3], process, ..example }
}

#[divan::bench(args = [378, 37_500])]
fn estimates(bencher: divan::Bencher<'_, '_>, contours: usize) {
    let (_, sections) = sheet(contours);
    let machine = machine();
    bencher.bench_local(|| estimate(&sections, &machine));
}

#[divan::bench(args = [378, 3_750])]
fn pictures(bencher: divan::Bencher<'_, '_>, contours: usize) {
    let (intent, sections) = sheet(contours);
    let input = PreviewInput {
        title: "sheet",
        sections: &sections,
        intent: Some(&intent),
        estimate: None,
        bed: None,
    };
    bencher.bench_local(|| (preview_svg(&input), preview_png(&input), preview_html(&input)));
}
