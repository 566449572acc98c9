//! Plants one fault at a time in a correct program and asks for its code, after the checker's self-test of the
//! cutting bench: five correct programs pass, every planted fault is named.

#![allow(clippy::format_push_string)]

use super::*;
use crate::motion::sweep;
use shop_cam::Speed;
use shop_cam::canon::{Command, Drill, Laser, Role, Section, Spindle, Torch};
use shop_geom::Vertex;
use shop_report::Silent;

/// Reads the few words these programs use; the real interpreter lives elsewhere.
pub(crate) fn read(text: &[String], kind: MachineKind) -> Vec<Section> {
    let mut section = Section::new(Role::Unknown, "program");
    let (mut at, mut unit, mut motion, mut absolute_arcs) = ([0.0; 3], 1.0, 0, false);
    for (n, line) in text.iter().enumerate() {
        let mut to = at;
        let (mut i, mut j, mut moved, mut power) = (0.0, 0.0, false, None);
        let mut push = |c: Command| {
            section.commands.push(c);
            section.lines.push(n as u32 + 1);
        };
        for word in line.split_whitespace() {
            let (letter, value) = word.split_at(1);
            let v: f64 = value.parse().unwrap_or(0.0);
            match (letter, value) {
                ("G", "20") => unit = 25.4,
                ("G", "90.1") => absolute_arcs = true,
                ("G", "0" | "1" | "2" | "3") => motion = v as i32,
                ("M", "3") => power = Some(true),
                ("M", "5") => power = Some(false),
                ("M", "2") => push(Command::End),
                ("T", _) => push(Command::ToolChange { number: v as u32 }),
                ("F", _) => push(Command::Feed(Speed::from_mm_per_min(v * unit))),
                ("X" | "Y" | "Z", _) => {
                    to[letter.as_bytes()[0] as usize - b'X' as usize] = v * unit;
                    moved = true;
                }
                ("I", _) => i = v * unit,
                ("J", _) => j = v * unit,
                _ => {}
            }
        }
        if let Some(on) = power {
            push(match (kind, on) {
                (MachineKind::Plasma, true) => Command::Torch(Torch::Cut),
                (MachineKind::Plasma, false) => Command::Torch(Torch::Off),
                (MachineKind::Laser, true) => Command::Laser(Laser::Dynamic { power: 1.0 }),
                (MachineKind::Laser, false) => Command::Laser(Laser::Off),
                (_, true) => Command::Spindle(Spindle::Clockwise { rpm: 12000.0 }),
                (_, false) => Command::Spindle(Spindle::Off),
            });
        }
        if moved {
            let center = if absolute_arcs { Point::new(i, j) } else { Point::new(at[0] + i, at[1] + j) };
            push(match motion {
                0 => Command::Rapid { to },
                1 => Command::Line { to },
                _ => Command::Arc { to, center, counter_clockwise: motion == 3 },
            });
            at = to;
        }
    }
    vec![section]
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect()
}

/// A rectangle's outside at distance `r`, arcs at the corners, clockwise from its upper left.
fn ring_out([x0, y0, x1, y1]: [f64; 4], r: f64) -> String {
    format!(
        "G1 X{} Y{y1}\nG2 X{x0} Y{} I{r} J0\nG1 X{x1}\nG2 X{} Y{y1} I0 J-{r}\nG1 Y{y0}\nG2 X{x1} Y{} I-{r} J0\nG1 X{x0}\nG2 X{} Y{y0} I0 J{r}\n",
        x0 - r,
        y1 + r,
        x1 + r,
        y0 - r,
        x0 - r
    )
}

const R: f64 = 1.5;
const ALL: [&str; 5] = ["hole1", "rect", "out1", "hole2", "out2"];

fn router_of(order: &[&str], hole_radius: f64) -> Vec<String> {
    let hole = |x: f64, y: f64, radius: f64| {
        let q = radius - R;
        format!("G0 X{x} Y{y}\nG0 Z1\nG1 Z-3 F300\nG1 X{0} F1000\nG3 X{0} Y{y} I-{q} J0\nG0 Z5\n", x + q)
    };
    let mut text = "G21 G90 G17 G40\nT1 M6\nM3 S12000\nG0 Z5\n".to_owned();
    for name in order {
        text += &match *name {
            "hole1" => hole(25.0, 30.0, hole_radius),
            "hole2" => hole(145.0, 15.0, 6.0),
            "rect" => "G0 X70 Y30\nG0 Z1\nG1 Z-3 F300\nG1 X83.5 Y30 F1000\nG1 Y38.5\nG1 X56.5\nG1 Y21.5\nG1 X83.5\nG1 Y30\nG0 Z5\n".to_owned(),
            "out1" => format!("G0 X-6 Y20\nG0 Z1\nG1 Z-3 F300\nG1 X-1.5 Y20 F1000\n{}G1 X-1.5 Y20\nG0 Z5\n", ring_out([0.0, 0.0, 100.0, 60.0], R)),
            _ => format!("G0 X124 Y10\nG0 Z1\nG1 Z-3 F300\nG1 X128.5 Y10 F1000\n{}G1 X128.5 Y10\nG0 Z5\n", ring_out([130.0, 0.0, 160.0, 30.0], R)),
        };
    }
    lines(&(text + "M5\nM2"))
}

pub(crate) fn router() -> Vec<String> {
    router_of(&ALL, 10.0)
}

fn plasma_of(order: &[&str], r: f64, pierce2: f64) -> Vec<String> {
    let hole = |x: f64, y: f64, radius: f64| {
        let q = radius - r;
        format!("G0 X{x} Y{y}\nM3 $0 S1\nG1 X{0} F3000\nG3 X{0} Y{y} I-{q} J0\nM5 $0\n", x + q)
    };
    let mut text = "G21 G90 G17 G40 G91.1\n".to_owned();
    for name in order {
        text += &match *name {
            "hole1" => hole(25.0, 30.0, 10.0),
            "hole2" => hole(145.0, 15.0, 6.0),
            "rect" => {
                let (x0, x1, y0, y1) = (55.0 + r, 85.0 - r, 20.0 + r, 40.0 - r);
                format!(
                    "G0 X70 Y30\nM3 $0 S1\nG1 X{x1} Y30 F3000\nG1 Y{y1}\nG1 X{x0}\nG1 Y{y0}\nG1 X{x1}\nG1 Y30\nM5 $0\n"
                )
            }
            "out1" => format!(
                "G0 X-6 Y20\nM3 $0 S1\nG1 X{0} Y20 F3000\n{1}G1 X{0} Y20\nM5 $0\n",
                -r,
                ring_out([0.0, 0.0, 100.0, 60.0], r)
            ),
            _ => format!(
                "G0 X{pierce2} Y10\nM3 $0 S1\nG1 X{0} Y10 F3000\n{1}G1 X{0} Y10\nM5 $0\n",
                130.0 - r,
                ring_out([130.0, 0.0, 160.0, 30.0], r)
            ),
        };
    }
    lines(&(text + "M2"))
}

fn plasma() -> Vec<String> {
    plasma_of(&ALL, 0.75, 124.0)
}

/// Replaces the `nth` line that starts with `old`.
fn sub(text: &[String], old: &str, new: &[&str], nth: usize) -> Vec<String> {
    let k = text.iter().enumerate().filter(|l| l.1.starts_with(old)).nth(nth).expect("the line is there").0;
    let mut out = text.to_vec();
    out.splice(k..=k, new.iter().map(|s| (*s).to_owned()));
    out
}

/// Clears the pocket of [`pocket_intent`] in lines, then goes round its island and its wall.
pub(crate) fn pocket(step: f64, miss: bool, bite: f64) -> Vec<String> {
    let mut text = format!("G21 G90\nT1\nM3 S9000\nG0 Z5\nG0 X{R} Y{R}\nG0 Z1\nG1 Z-3 F300\n");
    let mut y = R;
    loop {
        let yy = y.min(30.0 - R);
        let h2 = 6.5f64.powi(2) - (yy - 15.0).powi(2);
        let (x0, x1) = (R, 40.0 - R);
        if h2 > 0.0 {
            let h = h2.sqrt();
            text += &format!(
                "G0 Z5\nG0 X{x0} Y{yy}\nG1 Z-3 F300\nG1 X{} F900\nG0 Z5\nG0 X{}\nG1 Z-3 F300\nG1 X{x1} F900\n",
                20.0 - h,
                20.0 + h
            );
        } else if !(miss && yy > 22.0 && yy < 25.0) {
            text += &format!("G0 Z5\nG0 X{x0} Y{yy}\nG1 Z-3 F300\nG1 X{x1} F900\n");
        }
        y += step;
        if yy >= 30.0 - R {
            break;
        }
    }
    let q = 6.5 - bite;
    text += &format!("G0 Z5\nG0 X{0} Y15\nG1 Z-3 F300\nG2 X{0} Y15 I-{q} J0 F900\nG0 Z5\n", 20.0 + q);
    text += &format!(
        "G0 X{R} Y{R}\nG1 Z-3 F300\nG1 X{0}\nG1 Y{1}\nG1 X{R}\nG1 Y{R}\nG0 Z5\nM5\nM2",
        40.0 - R,
        30.0 - R
    );
    lines(&text)
}

fn rectangle(x0: f64, y0: f64, x1: f64, y1: f64) -> Polyline {
    Polyline::polygon([Point::new(x0, y0), Point::new(x1, y0), Point::new(x1, y1), Point::new(x0, y1)])
}

fn blank(kind: MachineKind, diameter: f64) -> Intent {
    Intent {
        kind,
        diameters: vec![(0, diameter)],
        top: 0.0,
        goals: Vec::new(),
        kept: Vec::new(),
        pierce_clearance: 0.0,
        gouge_tolerance: 0.02,
        skin_tolerance: 0.05,
        envelope: None,
        sheet: None,
        blade_offset: 0.0,
        common_lines: false,
        must_end: true,
    }
}

fn profile(contour: Polyline, parent: Option<u32>) -> Goal {
    let (waste, depth) = if parent.is_some() { (Waste::Inside, 1) } else { (Waste::Outside, 0) };
    Goal::Profile { contour, waste, bottom: -3.0, depth, parent, tabs: Vec::new() }
}

/// Two plates: one with a round and a square hole, one with a round hole.
pub(crate) fn plates(kind: MachineKind, diameter: f64) -> Intent {
    let mut intent = blank(kind, diameter);
    let hole1 = Polyline::circle(Point::new(25.0, 30.0), 10.0);
    let rect = rectangle(55.0, 20.0, 85.0, 40.0);
    let hole2 = Polyline::circle(Point::new(145.0, 15.0), 6.0);
    let (out1, out2) = (rectangle(0.0, 0.0, 100.0, 60.0), rectangle(130.0, 0.0, 160.0, 30.0));
    intent.kept = vec![
        out1.clone(),
        out2.clone(),
        hole1.clone().reversed(),
        rect.clone().reversed(),
        hole2.clone().reversed(),
    ];
    intent.goals = vec![
        profile(out1, None),
        profile(hole1, Some(0)),
        profile(rect, Some(0)),
        profile(out2, None),
        profile(hole2, Some(3)),
    ];
    intent
}

pub(crate) fn pocket_intent() -> Intent {
    let mut intent = blank(MachineKind::Router, 3.0);
    let boundary =
        vec![rectangle(0.0, 0.0, 40.0, 30.0), Polyline::circle(Point::new(20.0, 15.0), 5.0).reversed()];
    intent.kept = boundary.iter().map(|b| b.clone().reversed()).collect();
    // Kept outside is unbounded in the drawing; a frame around it closes it.
    intent.kept.push(rectangle(-50.0, -50.0, 90.0, 80.0));
    intent.goals = vec![Goal::Pocket { boundary, bottom: -3.0 }];
    intent
}

fn errors(intent: &Intent, text: &[String]) -> Vec<&'static str> {
    let proof = prove(intent, &read(text, intent.kind), &Silent).expect("nobody cancels");
    proof.diagnostics.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code).collect()
}

#[track_caller]
fn passes(intent: &Intent, text: &[String]) {
    let proof = prove(intent, &read(text, intent.kind), &Silent).expect("nobody cancels");
    assert!(proof.holds(), "{:#?}", proof);
}

#[track_caller]
fn fails(want: &str, intent: &Intent, text: &[String]) {
    let got = errors(intent, text);
    assert!(got.contains(&want), "want {want}, got {got:?}");
}

fn mapped(text: &[String], f: impl Fn(char, f64) -> f64) -> Vec<String> {
    let word = |w: &str| {
        let (letter, value) = w.split_at(1);
        match value.parse::<f64>() {
            Ok(v) if "XYZIJ".contains(letter) => format!("{letter}{}", f(w.chars().next().unwrap_or(' '), v)),
            _ => w.to_owned(),
        }
    };
    text.iter().map(|l| l.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect()
}

fn r() -> Intent {
    plates(MachineKind::Router, 3.0)
}

fn p() -> Intent {
    plates(MachineKind::Plasma, 1.5)
}

fn tabbed() -> Intent {
    let mut intent = r();
    if let Goal::Profile { tabs, .. } = &mut intent.goals[0] {
        tabs.push((Point::new(0.0, 34.5), 6.0));
    }
    intent
}

const TAB: [&str; 5] = ["G1 Y30", "G1 Z-1.5", "G1 Y39", "G1 Z-3", "G1 X-1.5 Y60"];

#[test]
fn correct_programs_pass() {
    passes(&r(), &router());
    passes(&p(), &plasma());
    passes(&pocket_intent(), &pocket(1.2, false, 0.0));
    passes(&tabbed(), &sub(&router(), "G1 X-1.5 Y60", &TAB, 0));
    let same_circle: Vec<String> = router().iter().map(|l| l.replace("G3 X33.5", "G2 X33.5")).collect();
    passes(&r(), &same_circle);
}

#[test]
fn figures_of_a_correct_program_are_those_of_the_drawing() {
    let proof = prove(&r(), &read(&router(), MachineKind::Router), &Silent).expect("nobody cancels");
    let f = &proof.figures;
    assert!(f.max_gouge.abs() < 1e-9, "{}", f.max_gouge);
    assert!(f.max_skin.abs() < 1e-9, "{}", f.max_skin);
    assert_eq!((f.contours, f.missed, f.pierces, f.arcs), (5, 0, 5, 10));
    let length = 320.0
        + 120.0
        + std::f64::consts::TAU * (2.0 * R + 8.5 + 4.5)
        + 2.0 * (27.0 + 17.0)
        + 2.0 * 4.5
        + 8.5
        + 13.5
        + 4.5
        + 5.0 * 3.0;
    assert!((f.cut_length - length).abs() < 1e-6, "{} {length}", f.cut_length);
}

#[test]
fn planted_faults_of_size_are_named() {
    fails("proof/skin", &r(), &sub(&router(), "G1 X-1.5 Y60", &TAB, 0));
    fails("proof/tab", &tabbed(), &router());
    fails("proof/gouge", &r(), &router_of(&ALL, 10.1));
    fails("proof/skin", &r(), &router_of(&ALL, 9.8));
    fails("proof/gouge", &r(), &sub(&router(), "G1 X83.5 Y30", &["G1 X86.5 Y30"], 0));
    fails("proof/gouge", &p(), &plasma_of(&ALL, 0.0, 124.0));
    fails("proof/gouge", &r(), &mapped(&router(), |c, v| if c == 'X' { v + 0.3 } else { v }));
    let mirrored = mapped(&router(), |c, v| if c == 'X' || c == 'I' { -v } else { v });
    let mirrored: Vec<String> =
        mirrored.iter().map(|l| l.replace("G2 ", "g ").replace("G3 ", "G2 ").replace("g ", "G3 ")).collect();
    fails("proof/gouge", &r(), &mirrored);
}

#[test]
fn planted_faults_of_depth_and_presence_are_named() {
    fails("proof/missed", &r(), &router_of(&["hole1", "out1", "hole2", "out2"], 10.0));
    let shallow: Vec<String> = router().iter().map(|l| l.replace("Z-3", "Z-2")).collect();
    fails("proof/missed", &r(), &shallow);
    fails("proof/missed", &r(), &sub(&router(), "G1 Z-3 F300", &["G1 Z-2 F300"], 0));
    let inch: Vec<String> =
        router().iter().map(|l| if l.starts_with("G21") { "G20".into() } else { l.clone() }).collect();
    fails("proof/missed", &r(), &inch);
    let deep: Vec<String> = router().iter().map(|l| l.replace("Z-3", "Z-30")).collect();
    fails("proof/too-deep", &r(), &deep);
}

#[test]
fn planted_faults_of_order_are_named() {
    fails("proof/order", &r(), &router_of(&["out1", "hole1", "rect", "hole2", "out2"], 10.0));
    fails("proof/order", &r(), &router_of(&["hole1", "rect", "out1", "out2", "hole2"], 10.0));
    fails("proof/order", &p(), &plasma_of(&["out1", "hole1", "rect", "hole2", "out2"], 0.75, 124.0));
}

#[test]
fn planted_rapids_are_named() {
    fails("proof/rapid-in-work", &r(), &sub(&router(), "G0 Z5", &[], 1));
    fails("proof/plunge", &r(), &sub(&router(), "G1 Z-3 F300", &["G0 Z-3"], 0));
    let mut lit = plasma();
    lit.remove(lit.iter().position(|l| l.starts_with("M5")).expect("there"));
    fails("proof/rapid-in-work", &p(), &lit);
}

#[test]
fn planted_entries_are_named() {
    fails("proof/gouge", &r(), &sub(&router(), "G0 X-6 Y20", &["G0 X6 Y20"], 0));
    fails("proof/pierce", &r(), &sub(&router(), "G0 X70 Y30", &["G0 X92 Y30"], 0));
    fails("proof/pierce", &p(), &plasma_of(&ALL, 0.75, 99.0));
    fails("proof/old-kerf", &p(), &plasma_of(&ALL, 0.75, 100.75));
    let mut splash = p();
    splash.pierce_clearance = 4.0;
    let proof = prove(&splash, &read(&plasma_of(&ALL, 0.75, 127.0), splash.kind), &Silent).expect("runs");
    assert!(proof.diagnostics.iter().any(|d| d.code == "proof/pierce"), "{proof:#?}");
}

#[test]
fn planted_faults_of_arcs_are_named() {
    fails("proof/arc", &r(), &sub(&router(), "G2 X0 Y61.5", &["G2 X0 Y61.7 I1.5 J0"], 0));
    fails("proof/arc", &r(), &sub(&router(), "G2 X0 Y61.5", &["G2 X0 Y61.5 I-1.5 J0"], 0));
    fails("proof/arc", &r(), &sub(&router(), "G21", &["G21 G90 G17 G40 G90.1"], 0));
    let other_way: Vec<String> = router().iter().map(|l| l.replace("G2 X0 Y61.5", "G3 X0 Y61.5")).collect();
    fails("proof/gouge", &r(), &other_way);
}

#[test]
fn planted_faults_of_state_are_named() {
    let mut small = r();
    small.envelope = Some([[-10.0, 150.0], [-10.0, 100.0], [-100.0, 100.0]]);
    fails("proof/envelope", &small, &router());
    let still: Vec<String> = router().into_iter().filter(|l| !l.starts_with("M3")).collect();
    fails("proof/no-spindle", &r(), &still);
    let dark: Vec<String> = plasma().into_iter().filter(|l| !l.starts_with("M3")).collect();
    fails("proof/no-spindle", &p(), &dark);
    let idle: Vec<String> = router().iter().map(|l| l.replace(" F300", "").replace(" F1000", "")).collect();
    fails("proof/no-feed", &r(), &idle);
    let mut sheet = r();
    sheet.sheet = Some(Aabb::new(Point::new(-20.0, -20.0), Point::new(155.0, 90.0)));
    fails("proof/sheet", &sheet, &router());
    let endless: Vec<String> = router().into_iter().filter(|l| l != "M2" && l != "M5").collect();
    fails("proof/left-on", &r(), &endless);
    let mut tools = r();
    tools.diameters = vec![(4, 3.0), (5, 6.0)];
    fails("proof/tool", &tools, &router());
}

#[test]
fn planted_faults_of_pockets_are_named() {
    fails("proof/skin", &pocket_intent(), &pocket(1.2, true, 0.0));
    fails("proof/skin", &pocket_intent(), &pocket(3.4, false, 0.0));
    fails("proof/gouge", &pocket_intent(), &pocket(1.2, false, 0.15));
    let deep: Vec<String> = pocket(1.2, false, 0.0).iter().map(|l| l.replace("Z-3", "Z-3.2")).collect();
    fails("proof/too-deep", &pocket_intent(), &deep);
}

fn drilled(text: &str) -> (Intent, Vec<String>) {
    let mut intent = blank(MachineKind::Router, 3.0);
    intent.goals = vec![Goal::Drill { at: Point::new(10.0, 10.0), diameter: 3.0, bottom: -5.0 }];
    intent.kept = vec![rectangle(0.0, 0.0, 20.0, 20.0)];
    (intent, lines(&format!("T1\nM3\nF100\nG0 Z5\n{text}\nG0 Z5\nM5\nM2")))
}

#[test]
fn drilled_holes_are_judged() {
    let (intent, good) = drilled("G0 X10 Y10\nG0 Z1\nG1 Z-5");
    passes(&intent, &good);
    fails("proof/missed", &intent, &drilled("G0 X10 Y11\nG0 Z1\nG1 Z-5").1);
    fails("proof/gouge", &intent, &drilled("G0 X10 Y11\nG0 Z1\nG1 Z-5").1);
    fails("proof/drill", &intent, &drilled("G0 X10 Y10\nG0 Z1\nG1 Z-4").1);
    let mut wide = intent.clone();
    wide.diameters = vec![(0, 2.5)];
    fails("proof/drill", &wide, &good);
    let mut cycle = read(&good, MachineKind::Router);
    let at = cycle[0].commands.iter().position(|c| matches!(c, Command::Line { .. })).expect("there");
    cycle[0].commands[at] = Command::Drill(Box::new(Drill {
        at: Point::new(10.0, 10.0),
        clearance: 5.0,
        retract: 1.0,
        bottom: -5.0,
        peck: Some(1.3),
        dwell: 0.1,
    }));
    let proof = prove(&intent, &cycle, &Silent).expect("runs");
    assert!(proof.holds(), "{proof:#?}");
    assert_eq!(proof.figures.drilled, 1);
}

fn engraving(text: &str) -> (Intent, Vec<String>) {
    let mut intent = blank(MachineKind::Router, 0.5);
    intent.kept = vec![rectangle(0.0, 0.0, 100.0, 100.0)];
    let line = Polyline {
        vertices: vec![
            Vertex::new(10.0, 10.0, 0.0),
            Vertex::new(50.0, 10.0, 1.0),
            Vertex::new(50.0, 30.0, 0.0),
        ],
        closed: false,
    };
    intent.goals = vec![Goal::Trace { line, bottom: -0.3 }];
    (intent, lines(&format!("T1\nM3\nF100\nG0 Z5\n{text}\nG0 Z5\nM5\nM2")))
}

#[test]
fn followed_lines_are_judged() {
    let (intent, good) = engraving("G0 X10 Y10\nG1 Z-0.3\nG1 X50\nG3 X50 Y30 I0 J10");
    passes(&intent, &good);
    fails(
        "proof/trace-off-line",
        &intent,
        &engraving("G0 X10 Y10\nG1 Z-0.3\nG1 X50 Y10.1\nG1 Y10\nG3 X50 Y30 I0 J10").1,
    );
    fails("proof/trace-off-line", &intent, &engraving("G0 X10 Y10\nG1 Z-0.6\nG1 X50\nG3 X50 Y30 I0 J10").1);
    fails("proof/skin", &intent, &engraving("G0 X10 Y10\nG1 Z-0.3\nG1 X50\nG3 X60 Y20 I0 J10").1);
    fails("proof/missed", &intent, &engraving("G0 X10 Y10\nG1 Z-0.3\nG1 X30").1);
}

/// Moving, mirroring or turning everything together changes no figure.
#[test]
fn figures_do_not_depend_on_the_frame() {
    let text = sub(&router_of(&ALL, 9.99), "G0 X-6 Y20", &["G0 X-4 Y21"], 0);
    let base = prove(&r(), &read(&text, MachineKind::Router), &Silent).expect("runs").figures;
    for (turn, by, mirror) in [(0.0, 1000.0, false), (0.7, 0.0, false), (2.0, -300.0, true)] {
        let map = |p: Point| {
            let p = if mirror { Point::new(-p.x, p.y) } else { p };
            let (s, c) = f64::sin_cos(turn);
            Point::new(c * p.x - s * p.y + by, s * p.x + c * p.y - 2.0 * by)
        };
        let mut intent = r();
        let flip = |line: &Polyline| {
            let m = line.mapped(mirror, map);
            if mirror { m.reversed() } else { m }
        };
        intent.kept = intent.kept.iter().map(flip).collect();
        for goal in &mut intent.goals {
            if let Goal::Profile { contour, .. } = goal {
                *contour = flip(contour);
            }
        }
        let mut sections = read(&text, MachineKind::Router);
        for command in &mut sections[0].commands {
            let place = |to: &mut [f64; 3]| {
                let p = map(Point::new(to[0], to[1]));
                (to[0], to[1]) = (p.x, p.y);
            };
            match command {
                Command::Rapid { to } | Command::Line { to } => place(to),
                Command::Arc { to, center, counter_clockwise } => {
                    place(to);
                    *center = map(*center);
                    *counter_clockwise ^= mirror;
                }
                _ => {}
            }
        }
        let proof = prove(&intent, &sections, &Silent).expect("runs");
        assert!(proof.holds(), "{proof:#?}");
        let f = &proof.figures;
        assert!((f.max_gouge - base.max_gouge).abs() < 1e-6);
        assert!((f.max_skin - base.max_skin).abs() < 1e-6);
        assert!((f.cut_length - base.cut_length).abs() < 1e-6);
        assert!((f.pierce_clearance - base.pierce_clearance).abs() < 1e-6);
    }
}

#[test]
fn arcs_turn_the_way_they_say() {
    let (a, c) = (Point::new(1.0, 0.0), Point::origin());
    let up = Point::new(0.0, 1.0);
    let tau = std::f64::consts::TAU;
    assert!((sweep(a, up, c, true) - 0.25 * tau).abs() < 1e-12);
    assert!((sweep(a, up, c, false) + 0.75 * tau).abs() < 1e-12);
    assert_eq!(sweep(a, a, c, true), tau);
    assert_eq!(sweep(a, a, c, false), -tau);
}

#[test]
fn nothing_to_do_and_nonsense_end_in_a_result() {
    let intent = blank(MachineKind::Router, 0.0);
    passes(&intent, &[]);
    let mut sections = read(&router(), MachineKind::Router);
    sections[0].commands.push(Command::Line { to: [f64::NAN, f64::INFINITY, 1.0] });
    sections[0].lines.clear();
    let _ = prove(&r(), &sections, &Silent).expect("runs");
    let mut odd = r();
    odd.diameters.clear();
    let _ = prove(&odd, &sections, &Silent).expect("runs");
    odd.goals.push(profile(Polyline::default(), Some(99)));
    odd.goals.push(Goal::Pocket { boundary: Vec::new(), bottom: 0.0 });
    odd.goals.push(Goal::Trace { line: Polyline::open([Point::new(1.0, 1.0)]), bottom: 0.0 });
    let _ = prove(&odd, &sections, &Silent).expect("runs");
}

/// A square cut with a knife whose tip trails by `d`; `turns` swings the blade about every corner.
fn knife(d: f64, turns: bool) -> (Intent, Vec<String>) {
    let mut intent = blank(MachineKind::Knife, 0.0);
    intent.blade_offset = 0.25;
    intent.gouge_tolerance = 0.02;
    let square = rectangle(0.0, 0.0, 20.0, 20.0);
    intent.kept = vec![square.clone()];
    intent.goals = vec![profile(square, None)];
    // Starts half way up the left side, downwards.
    let far = 20.0 + d;
    let turn = |t: String| if turns { t } else { String::new() };
    let text = format!(
        "F1000\nG0 Z5\nG0 X0 Y{0}\nG1 Z-3\nG1 Y-{d}\n{1}G1 X{far} Y0\n{2}G1 X20 Y{far}\n{3}G1 X-{d} Y20\n{4}G1 X0 Y{0}\nG0 Z5\nM2",
        10.0 - d,
        turn(format!("G3 X{d} Y0 I0 J{d}\n")),
        turn(format!("G3 X20 Y{d} I-{d} J0\n")),
        turn(format!("G3 X{} Y20 I0 J-{d}\n", 20.0 - d)),
        turn(format!("G3 X0 Y{} I{d} J0\n", 20.0 - d)),
    );
    (intent, lines(&text))
}

#[test]
fn a_knife_is_judged_by_its_tip() {
    let (intent, good) = knife(0.25, true);
    passes(&intent, &good);
    // Made for another blade, and without turning in the corners.
    let (_, other) = knife(0.5, true);
    assert!(!errors(&intent, &other).is_empty());
    let (_, straight) = knife(0.25, false);
    assert!(!errors(&intent, &straight).is_empty());
}

#[test]
fn the_proof_is_the_same_for_any_number_of_threads() {
    let text = sub(&router_of(&ALL, 9.8), "G0 X-6 Y20", &["G0 X6 Y20"], 0);
    let sections = read(&text, MachineKind::Router);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| prove(&r(), &sections, &Silent).expect("runs"))
    };
    assert_eq!(with(1), with(8));
}
