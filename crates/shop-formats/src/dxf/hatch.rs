//! The boundary of a HATCH: loops of edges in the plane of the hatch.
//!
//! The groups of a boundary carry no subclass marks; what a 10 or a 40 means depends on what came before
//! (DXF reference, "Boundary path data"), so this is a small state machine. Counts in the file (91, 93, 95, 96,
//! 97) are not believed: a vertex exists when its groups do.

use super::groups::{Group, Number};

/// A closed chain of edges.
pub(super) type Loop = Vec<Edge>;

/// One edge, in the plane of the hatch.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edge {
    /// A closed polyline: x, y, bulge.
    Polyline {
        vertices: Vec<[f64; 3]>,
        closed: bool,
    },
    Line([f64; 2], [f64; 2]),
    /// Angles in degrees, as drawn when `ccw`, mirrored otherwise.
    Arc {
        center: [f64; 2],
        radius: f64,
        start: f64,
        end: f64,
        ccw: bool,
    },
    /// The same, with angles that are parameters of the ellipse.
    Ellipse {
        center: [f64; 2],
        major: [f64; 2],
        ratio: f64,
        start: f64,
        end: f64,
        ccw: bool,
    },
    Spline {
        degree: i64,
        knots: Vec<f64>,
        points: Vec<[f64; 2]>,
        weights: Vec<f64>,
    },
}

/// Where in the boundary we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the paths, or behind them.
    #[default]
    Outside,
    /// Inside of a path, between edges.
    Path,
    Polyline,
    Line,
    Arc,
    Ellipse,
    Spline,
}

/// Collects the boundary, group by group.
#[derive(Default)]
pub(super) struct Boundary<'a> {
    /// Numbers that are none, or have a decimal comma.
    pub odd: Vec<(Group<'a>, Number)>,
    pub elevation: f64,
    state: State,
    announced: bool,
    loops: Vec<Loop>,
    /// Numbers of the edge at hand, in the order of the file.
    points: Vec<[f64; 2]>,
    second: [f64; 2],
    bulges: Vec<f64>,
    knots: Vec<f64>,
    radius: f64,
    angles: [f64; 2],
    flag: i64,
    degree: i64,
}

impl<'a> Boundary<'a> {
    /// Takes a group; false when it is not the boundary's.
    pub fn take(&mut self, g: &Group<'a>) -> bool {
        match (self.state, g.code) {
            (State::Outside, 91) => self.announced = true,
            (State::Outside, 30) => self.elevation = real(g, &mut self.odd),
            // Before 91, a 92 is the size of a preview.
            (_, 92) if self.announced => {
                self.close_edge();
                self.loops.push(Loop::new());
                let polyline = g.integer().unwrap_or(0) & 2 != 0;
                self.state = if polyline { State::Polyline } else { State::Path };
            }
            (State::Outside, _) => return false,
            // Hatch style or pattern: the boundary is over.
            (_, 75 | 76 | 98) => {
                self.close_edge();
                self.state = State::Outside;
                self.announced = false;
                return false;
            }
            // Source objects: the path is over.
            (_, 97) if self.state != State::Spline => {
                self.close_edge();
                self.state = State::Path;
            }
            (State::Path | State::Line | State::Arc | State::Ellipse | State::Spline, 72) => {
                self.close_edge();
                self.state = match g.integer() {
                    Some(1) => State::Line,
                    Some(2) => State::Arc,
                    Some(3) => State::Ellipse,
                    Some(4) => State::Spline,
                    _ => State::Path,
                };
            }
            (State::Polyline | State::Arc | State::Ellipse, 73) => self.flag = g.integer().unwrap_or(0),
            (State::Spline, 94) => self.degree = g.integer().unwrap_or(3),
            (State::Path, _) => return !matches!(g.code, 8 | 60 | 62 | 67 | 420),
            (_, 10) => {
                self.points.push([real(g, &mut self.odd), 0.0]);
                self.bulges.push(0.0);
            }
            (_, 20) => {
                if let Some(p) = self.points.last_mut() {
                    p[1] = real(g, &mut self.odd);
                }
            }
            (State::Line | State::Ellipse, 11) => self.second[0] = real(g, &mut self.odd),
            (State::Line | State::Ellipse, 21) => self.second[1] = real(g, &mut self.odd),
            (State::Polyline | State::Spline, 42) => {
                let bulge = real(g, &mut self.odd);
                // In a spline this is a weight, one per control point.
                match self.bulges.last_mut() {
                    Some(last) => *last = bulge,
                    None => return false,
                }
            }
            (State::Spline, 40) => self.knots.push(real(g, &mut self.odd)),
            (_, 40) => self.radius = real(g, &mut self.odd),
            (_, 50) => self.angles[0] = real(g, &mut self.odd),
            (_, 51) => self.angles[1] = real(g, &mut self.odd),
            _ => return !matches!(g.code, 8 | 60 | 62 | 67 | 210 | 220 | 230 | 420),
        }
        true
    }

    /// Returns the loops read.
    pub fn finish(mut self) -> Vec<Loop> {
        self.close_edge();
        self.loops.retain(|l| !l.is_empty());
        self.loops
    }

    fn close_edge(&mut self) {
        let points = std::mem::take(&mut self.points);
        let bulges = std::mem::take(&mut self.bulges);
        let knots = std::mem::take(&mut self.knots);
        let ccw = self.flag != 0;
        let [start, end] = self.angles;
        let edge = match (self.state, points.first()) {
            (_, None) | (State::Outside | State::Path, _) => None,
            (State::Polyline, Some(_)) => Some(Edge::Polyline {
                vertices: points.iter().zip(&bulges).map(|(p, b)| [p[0], p[1], *b]).collect(),
                closed: self.flag != 0,
            }),
            (State::Line, Some(&a)) => Some(Edge::Line(a, self.second)),
            (State::Arc, Some(&center)) => Some(Edge::Arc { center, radius: self.radius, start, end, ccw }),
            (State::Ellipse, Some(&center)) => {
                Some(Edge::Ellipse { center, major: self.second, ratio: self.radius, start, end, ccw })
            }
            (State::Spline, Some(_)) => {
                let weights = if bulges.iter().all(|&w| w > 0.0) { bulges } else { Vec::new() };
                Some(Edge::Spline { degree: self.degree, knots, points, weights })
            }
        };
        if let (Some(edge), Some(path)) = (edge, self.loops.last_mut()) {
            path.push(edge);
        }
        self.flag = 0;
    }
}

fn real<'a>(g: &Group<'a>, odd: &mut Vec<(Group<'a>, Number)>) -> f64 {
    match g.number() {
        Number::Plain(v) => v,
        other => {
            odd.push((*g, other));
            if let Number::Comma(v) = other { v } else { 0.0 }
        }
    }
}
