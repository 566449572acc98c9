//! G41 and G42: the cutter's centre runs beside the programmed path, as LinuxCNC leads it.
//!
//! The move at hand is kept back until the next one in the plane is known, because the corner between them decides
//! where it ends:
//!
//! ```text
//!   outside corner: an arc round it        inside corner: both meet where      nearly straight (0.05 rad):
//!      ───────╮                            the two parallels cross             on to the next end
//!             │  ╮                            ────┐
//!      ───────┘  │                            ──┐ │
//! ```
//!
//! The first move leads from where the tool stands to the parallel's end; the first one after G40 leads back. What
//! stands between two moves in the plane (z moves, switches) keeps its order. What cannot be reached is an error, as
//! it is there. Measured with LinuxCNC 2.9.

use super::{Run, Step};
use shop_cam::canon::{Command, Move, Plane, Position, Way};
use shop_geom::Point;
use std::f64::consts::PI;

/// Corners flatter than this are no corners, radians (LinuxCNC).
const FLAT: f64 = 0.05;
/// What is shorter is no move, mm.
const SHORT: f64 = 1e-9;
/// Lines that are kept back at most; more between two moves is no program.
const MOST_HELD: usize = 100_000;

type Vector = [f64; 2];

/// Compensation in force.
#[derive(Clone, Debug)]
pub(super) struct Compensation {
    /// 1 left, -1 right.
    side: f64,
    radius: f64,
    plane: Plane,
    /// From the middle of a lathe tool's nose to the point that the controller leads.
    nose: Vector,
    /// Where the program stands, and where the tool does.
    program: Position,
    tool: Position,
    /// The last move in the plane, and what came after it.
    last: Option<Segment>,
    after: Vec<(Command, u32)>,
}

/// A move in the plane and its parallel.
#[derive(Clone, Debug)]
struct Segment {
    command: Command,
    line: u32,
    /// Parallel: start and end.
    start: Vector,
    end: Vector,
    /// Directions of the programmed path at its two ends.
    leaves: Vector,
    arrives: Vector,
    /// Of an arc's parallel: middle and radius.
    circle: Option<(Vector, f64)>,
    /// The parallel of an arc is the larger circle.
    wider: bool,
    /// It leads to the path rather than along it.
    entry: bool,
}

pub(super) fn minus(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1]]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

pub(super) fn cross(a: Vector, b: Vector) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

fn along(p: Vector, d: Vector, t: f64) -> Vector {
    [p[0] + d[0] * t, p[1] + d[1] * t]
}

fn left(d: Vector) -> Vector {
    [-d[1], d[0]]
}

pub(super) fn distance(a: Vector, b: Vector) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn unit(v: Vector) -> Vector {
    let l = v[0].hypot(v[1]);
    [v[0] / l, v[1] / l]
}

/// Where the led point of a lathe tool lies from the middle of its nose, in the plane's order (z, x) and in nose
/// radii, by the tool's orientation (LinuxCNC's lathe manual, "Tool Orientation"; measured with 2.9).
const NOSES: [Vector; 10] = [
    [0.0, 0.0],
    [1.0, -1.0],
    [-1.0, -1.0],
    [-1.0, 1.0],
    [1.0, 1.0],
    [1.0, 0.0],
    [0.0, -1.0],
    [-1.0, 0.0],
    [0.0, 1.0],
    [0.0, 0.0],
];

impl Compensation {
    /// Returns a command of the nose's middle as the controller leads it.
    fn led(&self, command: Command) -> Command {
        let Some((to, way)) = target(&command).filter(|_| self.nose != [0.0; 2]) else { return command };
        let center =
            if let Way::Arc { center, .. } = way { Some(along(center, self.nose, 1.0)) } else { None };
        placed(&command, self.with(to, along(self.flat(to), self.nose, 1.0)), center)
    }

    pub(super) fn is_left(&self) -> bool {
        self.side > 0.0
    }

    fn flat(&self, p: Position) -> Vector {
        let [a, b, _] = self.plane.axes();
        [p[a], p[b]]
    }

    fn with(&self, p: Position, flat: Vector) -> Position {
        let [a, b, _] = self.plane.axes();
        let mut p = p;
        p[a] = flat[0];
        p[b] = flat[1];
        p
    }

    /// Returns the segment of a command that moves in the plane; `Err` says why it cannot be made.
    fn segment(&self, command: &Command, line: u32) -> Result<Segment, String> {
        let (to, way) = target(command).ok_or("a move that cannot be compensated")?;
        let (from, to) = (self.flat(self.program), self.flat(to));
        let r = self.radius;
        let (leaves, arrives, circle) = if let Way::Arc { center, counter_clockwise, .. } = way {
            let turn = if counter_clockwise { 1.0 } else { -1.0 };
            let tangent = |p: Vector| {
                let v = unit(left(minus(p, center)));
                [v[0] * turn, v[1] * turn]
            };
            let radius = distance(to, center) - r * self.side * turn;
            if radius <= 1e-9 * r.max(1.0) {
                let its = distance(to, center);
                return Err(format!(
                    "the tool's radius {r:.4} mm does not fit inside the arc's, {its:.4} mm"
                ));
            }
            (tangent(from), tangent(to), Some((center, radius)))
        } else {
            let d = unit(minus(to, from));
            (d, d, None)
        };
        let beside = |p: Vector, d: Vector| along(p, left(d), r * self.side);
        Ok(Segment {
            command: command.clone(),
            line,
            start: beside(from, leaves),
            end: beside(to, arrives),
            leaves,
            arrives,
            circle,
            wider: circle.is_some_and(|(center, radius)| radius > distance(to, center)),
            entry: false,
        })
    }

    /// Returns where the parallels of two moves that meet at `corner` cross, nearest to it.
    fn crossing(first: &Segment, second: &Segment, corner: Vector) -> Option<Vector> {
        let nearest = |candidates: [Option<Vector>; 2]| {
            let by = |p: &Vector| distance(*p, corner);
            // The first one ends earlier and the second begins later than without the corner.
            let fits = |p: &Vector| {
                dot(minus(*p, first.end), first.arrives) <= SHORT
                    && (second.circle.is_some() || dot(minus(*p, second.start), second.leaves) >= -SHORT)
            };
            let found = candidates.into_iter().flatten();
            found.min_by(|p, q| (!fits(p)).cmp(&!fits(q)).then(by(p).total_cmp(&by(q))))
        };
        match (first.circle, second.circle) {
            (None, None) => {
                let t = cross(minus(second.start, first.end), second.leaves)
                    / cross(first.arrives, second.leaves);
                t.is_finite().then(|| along(first.end, first.arrives, t))
            }
            (None, Some((c, r))) => nearest(line_circle(first.end, first.arrives, c, r)),
            (Some((c, r)), None) => nearest(line_circle(second.start, second.leaves, c, r)),
            (Some((c, r)), Some((d, s))) => nearest(circle_circle(c, r, d, s)),
        }
    }
}

fn line_circle(p: Vector, d: Vector, c: Vector, r: f64) -> [Option<Vector>; 2] {
    let t = dot(minus(c, p), d);
    let foot = along(p, d, t);
    let square = r * r - distance(foot, c).powi(2);
    if square < 0.0 {
        return [None; 2];
    }
    let h = square.sqrt();
    [Some(along(foot, d, h)), Some(along(foot, d, -h))]
}

fn circle_circle(c: Vector, r: f64, d: Vector, s: f64) -> [Option<Vector>; 2] {
    let apart = distance(c, d);
    let t = (apart * apart + r * r - s * s) / (2.0 * apart);
    let square = r * r - t * t;
    if square.is_nan() || square < 0.0 {
        return [None; 2];
    }
    let u = unit(minus(d, c));
    let foot = along(c, u, t);
    [Some(along(foot, left(u), square.sqrt())), Some(along(foot, left(u), -square.sqrt()))]
}

/// Returns where a command leads and how, if it moves.
fn target(command: &Command) -> Option<(Position, Way)> {
    match command {
        Command::Rapid { to } => Some((*to, Way::Rapid)),
        Command::Line { to } | Command::Extrude { to, .. } => Some((*to, Way::Line)),
        Command::Arc { to, center, counter_clockwise } => {
            let center = [center.x, center.y];
            let way = Way::Arc { plane: Plane::Xy, center, counter_clockwise: *counter_clockwise, turns: 1 };
            Some((*to, way))
        }
        Command::Move(m) => Some((m.to, m.way)),
        _ => None,
    }
}

/// Returns the command with another end and middle.
fn placed(command: &Command, to: Position, center: Option<Vector>) -> Command {
    let mut command = command.clone();
    match &mut command {
        Command::Rapid { to: t } | Command::Line { to: t } | Command::Extrude { to: t, .. } => *t = to,
        Command::Arc { to: t, center: c, .. } => {
            *t = to;
            if let Some([x, y]) = center {
                *c = Point::new(x, y);
            }
        }
        Command::Move(m) => {
            m.to = to;
            if let (Way::Arc { center: c, .. }, Some(center)) = (&mut m.way, center) {
                *c = center;
            }
        }
        _ => {}
    }
    command
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Switches compensation on for a tool of this radius; `side` is 1 left, -1 right of the path.
    pub(super) fn compensate(&mut self, side: f64, radius: f64, orientation: u8, at: (usize, usize)) {
        if self.compensation.is_some() {
            self.notes.error("gcode/cutter-compensation", 1, at, || {
                "compensation is on already: G40 must come first".into()
            });
            return;
        }
        let plane = [Plane::Xy, Plane::Zx, Plane::Yz][self.state.plane.min(2)];
        if plane == Plane::Yz {
            self.notes.error("gcode/cutter-compensation", 2, at, || {
                "there is no cutter compensation in the YZ plane".into()
            });
            return;
        }
        // A negative diameter changes the side.
        let (side, radius) = if radius < 0.0 { (-side, -radius) } else { (side, radius) };
        let nose = NOSES.get(usize::from(orientation)).filter(|_| plane == Plane::Zx).copied();
        self.compensation = Some(Box::new(Compensation {
            side,
            radius,
            plane,
            nose: nose.unwrap_or_default().map(|v| v * radius),
            program: self.state.position,
            tool: self.state.position,
            last: None,
            after: Vec::new(),
        }));
        self.state.simple = false;
    }

    /// G40, or the end of the program.
    pub(super) fn compensation_off(&mut self) {
        let Some(mut c) = self.compensation.take() else { return };
        self.state.simple = true;
        // From here on the words count from the programmed path, wherever the tool stands (LinuxCNC).
        self.release(&mut c);
        let tool = c.with(c.tool, along(c.flat(c.tool), c.nose, 1.0));
        self.state.stands = Some((self.state.position, tool));
    }

    /// Hands on the move that was kept back and what came after it.
    fn release(&mut self, c: &mut Compensation) {
        if let Some(last) = c.last.take() {
            let whole = target(&last.command).map_or(c.tool, |t| t.0);
            let to = c.with(whole, last.end);
            self.check_direction(c, &last);
            self.hand_on(c.led(placed(&last.command, to, last.circle.map(|p| p.0))), last.line);
            c.tool = to;
        }
        for (command, line) in std::mem::take(&mut c.after) {
            let command = match target(&command) {
                Some((to, _)) => {
                    c.tool = c.with(to, c.flat(c.tool));
                    c.led(placed(&command, c.tool, None))
                }
                None => command,
            };
            self.hand_on(command, line);
        }
    }

    /// A parallel that runs against its path cannot be reached without cutting into the work.
    fn check_direction(&mut self, c: &Compensation, s: &Segment) {
        if s.circle.is_none() && !s.entry && dot(minus(s.end, s.start), s.arrives) < -1e-6 {
            self.gouging(c);
        }
    }

    #[cold]
    fn gouging(&mut self, c: &Compensation) {
        let (at, radius) = (self.here, c.radius);
        self.notes.error("gcode/cutter-compensation", 3, at, || {
            format!("an inside corner that a tool of radius {radius:.4} mm cannot reach without cutting into the work")
        });
    }

    /// Takes a command while compensation is on.
    #[cold]
    pub(super) fn emit_compensated(&mut self, command: Command) {
        let Some(mut c) = self.compensation.take() else { return self.hand_on(command, self.line) };
        self.take(&mut c, command);
        self.compensation = Some(c);
    }

    fn take(&mut self, c: &mut Compensation, command: Command) {
        let line = self.line;
        let Some((to, _)) = target(&command) else {
            if c.last.is_some() && c.after.len() < MOST_HELD {
                c.after.push((command, line));
            } else {
                self.hand_on(command, line);
            }
            return;
        };
        let (from, end) = (c.flat(c.program), c.flat(to));
        let full = matches!(&command, Command::Arc { .. })
            || matches!(&command, Command::Move(m) if matches!(m.way, Way::Arc { .. }));
        let first = c.last.is_none() && c.tool == c.program;
        if distance(from, end) < SHORT && !full && !first {
            c.program = to;
            c.after.push((command, line));
            if c.last.is_none() || c.after.len() > MOST_HELD {
                self.release(c);
            }
            return;
        }
        if first && distance(from, end) <= c.radius {
            let (at, radius) = (self.here, c.radius);
            self.notes.error("gcode/cutter-compensation", 4, at, || {
                format!(
                    "the first move with compensation is not longer than the tool's radius {radius:.4} mm"
                )
            });
        }
        let mut segment = match c.segment(&command, line) {
            Ok(segment) => segment,
            Err(why) => {
                let at = self.here;
                self.notes.error("gcode/cutter-compensation", 5, at, || why);
                self.release(c);
                c.program = to;
                c.tool = to;
                self.hand_on(c.led(command), line);
                return;
            }
        };
        if first {
            segment.entry = true;
            segment.start = along(c.flat(c.tool), c.nose, -1.0);
            if let Some((center, _)) = segment.circle {
                // The arc leads from the tool to the parallel: its middle lies on the line through the end.
                let n = unit(minus(center, end));
                let d = minus(segment.start, segment.end);
                let t = dot(d, d) / (2.0 * dot(d, n));
                let middle = along(segment.end, n, t);
                segment.circle = Some((middle, t.abs()));
            }
        } else if let Some(mut last) = c.last.take() {
            self.corner(c, &mut last, &mut segment, from);
        }
        c.program = to;
        c.last = Some(segment);
    }

    /// Decides how two moves meet, and hands the first one on.
    fn corner(&mut self, c: &mut Compensation, last: &mut Segment, next: &mut Segment, corner: Vector) {
        let turned = cross(last.arrives, next.leaves).atan2(dot(last.arrives, next.leaves));
        // How far the path turns away from the tool, from a quarter turn towards it to three quarters away.
        let mut outside = -c.side * turned;
        if outside < -PI / 2.0 {
            outside += 2.0 * PI;
        }
        // Straight back is outside, unless the way back is an arc that the tool runs round.
        let back = (outside - PI).abs() < FLAT && next.wider;
        let inside = !(-FLAT..=PI + FLAT).contains(&outside) || back;
        if inside {
            if let Some(p) = Compensation::crossing(last, next, corner) {
                last.end = p;
                next.start = p;
            } else {
                self.gouging(c);
            }
        }
        c.last = Some(last.clone());
        self.release(c);
        if outside > FLAT && !inside {
            let to = c.with(c.tool, next.start);
            let way = Way::Arc { plane: c.plane, center: corner, counter_clockwise: c.side < 0.0, turns: 1 };
            let round = match (matches!(next.command, Command::Rapid { .. }), c.plane) {
                (true, _) => Command::Rapid { to },
                (false, Plane::Xy) => Command::Arc {
                    to,
                    center: Point::new(corner[0], corner[1]),
                    counter_clockwise: c.side < 0.0,
                },
                _ => Command::Move(Box::new(Move { to, way, more: [None; 6], e: 0.0, pitch: None })),
            };
            self.hand_on(c.led(round), next.line);
            c.tool = to;
        } else if !inside {
            next.start = c.flat(c.tool);
        }
    }
}
