//! Sheets of simple parts for the planners' laws, and checks by brute force.
#![allow(dead_code, missing_docs, reason = "shared by the tests of several crates")]

use proptest::prelude::*;
use shop_cam::feature::{Contour, FeatureOptions, Features, Operations, operations};
use shop_cam::machine::{Axis, Machine, MachineKind, Process};
use shop_cam::settings::{Choice, Settings, settle};
use shop_cam::toolpath::{Pass, PieceKind, Toolpath};
use shop_geom::{Point, Polyline, Segment, Vertex};

/// A closed shape about the origin.
#[derive(Clone, Debug)]
pub enum Shape {
    Circle(f64),
    Rect(f64, f64),
    Slot(f64, f64),
    /// Concave: a rectangle with a notch half its size.
    Ell(f64, f64),
}

impl Shape {
    pub fn at(&self, x: f64, y: f64) -> Polyline {
        let v = |dx: f64, dy: f64, b: f64| Vertex::new(x + dx, y + dy, b);
        let vertices = match *self {
            Shape::Circle(r) => return Polyline::circle(Point::new(x, y), r),
            Shape::Rect(w, h) => vec![v(-w, -h, 0.0), v(w, -h, 0.0), v(w, h, 0.0), v(-w, h, 0.0)],
            Shape::Slot(w, r) => vec![v(-w, -r, 0.0), v(w, -r, 1.0), v(w, r, 0.0), v(-w, r, 1.0)],
            Shape::Ell(w, h) => {
                vec![
                    v(-w, -h, 0.0),
                    v(w, -h, 0.0),
                    v(w, 0.0, 0.0),
                    v(0.0, 0.0, 0.0),
                    v(0.0, h, 0.0),
                    v(-w, h, 0.0),
                ]
            }
        };
        Polyline { vertices, closed: true }
    }
}

pub fn shape(least: f64, most: f64) -> impl Strategy<Value = Shape> {
    let size = least..most;
    prop_oneof![
        size.clone().prop_map(Shape::Circle),
        (size.clone(), size.clone()).prop_map(|(w, h)| Shape::Rect(w, h)),
        size.clone().prop_map(|w| Shape::Slot(0.1 * w, 0.9 * w)),
        (size.clone(), size).prop_map(|(w, h)| Shape::Ell(w, h)),
    ]
}

/// Parts on a square pitch, each an outline of half width 10 to 18 with a hole of half width `least` to 2.8 that is inside of it.
pub fn sheet(least: f64) -> impl Strategy<Value = Vec<(Shape, Option<Shape>)>> {
    let part = (shape(10.0, 18.0), proptest::option::of(shape(least, 2.8)));
    proptest::collection::vec(part, 1..7)
}

/// A contour of a drawing without layers and colours.
pub fn contour(path: Polyline, depth: u32, parent: Option<u32>) -> Contour {
    Contour { path, depth, parent, layer: 0, colour: None, span: None }
}

pub fn features(parts: &[(Shape, Option<Shape>)], gap: f64) -> Features {
    let mut f = Features { layers: vec!["0".to_owned()], ..Features::default() };
    for (i, (outline, hole)) in parts.iter().enumerate() {
        let pitch = 36.0 + gap + 18.0;
        let (x, y) = ((i % 3) as f64 * pitch, (i / 3) as f64 * pitch);
        let outer = f.contours.len() as u32;
        f.contours.push(contour(outline.at(x, y), 0, None));
        if let Some(hole) = hole {
            // The lower left quarter of every shape here is solid.
            f.contours.push(contour(hole.at(x - 3.5, y - 3.5), 1, Some(outer)));
        }
    }
    f
}

/// A machine with room for any sheet.
pub fn machine(kind: MachineKind) -> Machine {
    let example = Machine::example(kind);
    let axes = example.axes.map(|a| Axis { min: -10_000.0, max: 10_000.0, ..a });
    let process = Process { kerf: 1.0, spin_up_s: 2.0, ..example.process.clone() };
    Machine { axes, process, ..example }
}

/// `columns` by `rows` rectangles of half width `w` and half height `h`, this far apart, with a round hole of this
/// radius in each when it is not 0.
pub fn grid(columns: usize, rows: usize, (w, h): (f64, f64), gap: f64, hole: f64) -> Features {
    let mut f = Features { layers: vec!["0".to_owned()], ..Features::default() };
    for i in 0..columns * rows {
        let (x, y) = ((i % columns) as f64 * (2.0 * w + gap), (i / columns) as f64 * (2.0 * h + gap));
        let outer = f.contours.len() as u32;
        f.contours.push(contour(Shape::Rect(w, h).at(x, y), 0, None));
        if hole > 0.0 {
            f.contours.push(contour(Shape::Circle(hole).at(x, y), 1, Some(outer)));
        }
    }
    f
}

/// What is settled for a tool or kerf of this diameter through 3 mm.
pub fn settings(kind: MachineKind, diameter: f64) -> Settings {
    let choice =
        Choice { tool_diameter: Some(diameter), kerf: Some(diameter), depth: Some(3.0), ..Choice::default() };
    settle(&machine(kind), &choice).value
}

pub fn job(kind: MachineKind, diameter: f64, features: Features) -> (Operations, Settings) {
    asked(kind, diameter, features, |_| {})
}

/// As [`job`], with common lines.
pub fn sharing(kind: MachineKind, diameter: f64, features: Features) -> (Operations, Settings) {
    asked(kind, diameter, features, |options| options.common_lines = true)
}

/// As [`job`], with what else is asked for.
pub fn asked(
    kind: MachineKind,
    diameter: f64,
    features: Features,
    wanted: impl FnOnce(&mut FeatureOptions),
) -> (Operations, Settings) {
    let settings = settings(kind, diameter);
    let mut options = FeatureOptions::new(kind);
    wanted(&mut options);
    (operations(features, &[], &settings, &options).value, settings)
}

/// The contours of all profiles.
pub fn contours(operations: &Operations) -> Vec<Polyline> {
    operations.profiles.iter().map(|p| p.contour.clone()).collect()
}

pub fn passes(toolpaths: &[Toolpath]) -> Vec<&Pass> {
    toolpaths.iter().flat_map(|t| &t.passes).collect()
}

/// The pieces of a pass that make the contour.
pub fn pieces(pass: &Pass) -> Vec<Segment> {
    pass.pieces.iter().filter(|p| p.kind == PieceKind::Cut).map(|p| p.segment).collect()
}

/// As [`pieces`], of all passes.
pub fn cut(toolpaths: &[Toolpath]) -> Vec<Segment> {
    passes(toolpaths).into_iter().flat_map(pieces).collect()
}

/// Pieces that run wholly at full depth.
pub fn at_depth(toolpaths: &[Toolpath], bottom: f64) -> Vec<Segment> {
    let mut out = Vec::new();
    for pass in passes(toolpaths) {
        let mut z = pass.z;
        for p in &pass.pieces {
            if z <= bottom + 1e-9 && p.z <= bottom + 1e-9 {
                out.push(p.segment);
            }
            z = p.z;
        }
    }
    out
}

/// Points along a whole pass, no farther apart than `step`.
pub fn walk(pass: &Pass, step: f64) -> Vec<Point> {
    samples(pass.pieces.iter().map(|p| p.segment), step)
}

/// Returns how far `p` is from the nearest of some pieces.
pub fn nearest(segments: &[Segment], p: Point) -> f64 {
    segments.iter().map(|s| s.distance_to(p)).fold(f64::INFINITY, f64::min)
}

/// Points along pieces, no farther apart than `step`.
pub fn samples(segments: impl IntoIterator<Item = Segment>, step: f64) -> Vec<Point> {
    let mut out = Vec::new();
    for s in segments {
        let n = (s.length() / step).ceil().max(1.0) as usize;
        out.extend((0..=n).map(|i| s.point_at(i as f64 / n as f64)));
    }
    out
}

/// True when `p` lies in the material that stays: inside an odd number of contours.
pub fn in_solid(contours: &[Polyline], p: Point) -> bool {
    contours.iter().filter(|c| encloses(c, p)).count() % 2 == 1
}

/// Even-odd test with a ray to the right over chords; good for points farther from the contour than these are.
pub fn encloses(contour: &Polyline, p: Point) -> bool {
    if !contour.bounds().contains(p) {
        return false;
    }
    let points = contour.flatten(1e-3);
    let mut inside = false;
    for w in points.windows(2) {
        let (a, b) = (w[0], w[1]);
        if (a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x) {
            inside = !inside;
        }
    }
    inside
}

pub fn distance(contours: &[Polyline], p: Point) -> f64 {
    contours.iter().map(|c| c.distance_to(p)).fold(f64::INFINITY, f64::min)
}

/// Returns the deepest bite of a tool of this radius whose middle is in `p`.
pub fn bite(contours: &[Polyline], radius: f64, p: Point) -> f64 {
    let d = distance(contours, p);
    if in_solid(contours, p) { radius + d } else { radius - d }
}

/// True when every piece starts where the one before ends.
pub fn is_connected(pass: &Pass) -> bool {
    pass.pieces.windows(2).all(|w| (w[0].segment.end() - w[1].segment.start()).norm() < 1e-6)
}
