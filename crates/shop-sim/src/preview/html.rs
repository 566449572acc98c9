//! The program as one HTML file with its data in it, drawn and played by a small script of our own.
//!
//! Every path is a row of whole hundredths of a millimetre, each point as the step from the one before: short, and
//! exact enough to measure on.

use super::PreviewInput;
use super::scene::figures;
use super::trail::{Run, follow};
use crate::piece::Piece;
use shop_cam::intent::Goal;
use shop_geom::{Aabb, Point, Polyline};
use std::fmt::Write;

const PAGE: &str = include_str!("page.html");
/// Hundredths of a millimetre.
const UNIT: f64 = 100.0;

/// Writes the page.
pub(super) fn write(input: &PreviewInput<'_>) -> String {
    let trail = follow(input);
    let size = trail.bounds.width().max(trail.bounds.height());
    let tolerance = (size / 20_000.0).clamp(0.005, 0.1);
    let mut data = String::with_capacity(1 << 16);
    data.push_str("{\"title\":");
    string(input.title, &mut data);
    data.push_str(",\"figures\":");
    string(&figures(input, &trail), &mut data);
    let drawn: f64 = trail.runs.iter().map(|r| r.seconds).sum();
    let total = input.estimate.map_or(drawn, |e| e.total_s);
    let _ = write!(data, ",\"total\":{:.2}", total.max(0.0));
    rectangle("view", Some(super::scene::area(input, &trail)), &mut data);
    rectangle("bed", input.bed, &mut data);
    rectangle("sheet", input.intent.and_then(|i| i.sheet), &mut data);
    data.push_str(",\"kept\":[");
    if let Some(intent) = input.intent {
        let area = super::scene::area(input, &trail);
        let around = super::scene::unbounded(input, &area).map(|b| {
            Polyline::polygon([b.min, Point::new(b.max.x, b.min.y), b.max, Point::new(b.min.x, b.max.y)])
        });
        rows(around.iter().chain(&intent.kept), tolerance, &mut data);
    }
    data.push_str("],\"lines\":[");
    if let Some(intent) = input.intent {
        let circles: Vec<Polyline> = (intent.goals.iter())
            .filter_map(|g| match g {
                Goal::Drill { at, diameter, .. } => Some(Polyline::circle(*at, 0.5 * diameter)),
                _ => None,
            })
            .collect();
        let lines = intent.goals.iter().flat_map(|g| match g {
            Goal::Profile { contour, .. } => std::slice::from_ref(contour),
            Goal::Trace { line, .. } => std::slice::from_ref(line),
            Goal::Pocket { boundary, .. } => boundary,
            Goal::Drill { .. } => &[],
        });
        rows(lines.chain(&circles), tolerance, &mut data);
    }
    data.push_str("],\"labels\":[");
    for (i, section) in input.sections.iter().enumerate() {
        if i > 0 {
            data.push(',');
        }
        string(&section.label, &mut data);
    }
    data.push_str("],\"runs\":[");
    let scale = if drawn > 0.0 { total / drawn } else { 1.0 };
    for (i, run) in trail.runs.iter().enumerate() {
        if i > 0 {
            data.push(',');
        }
        path(run, scale, tolerance, &mut data);
    }
    data.push_str("]}");
    let mut title = String::new();
    super::svg::escape(input.title, &mut title);
    fill(PAGE, &title, &data)
}

/// Puts title and data into the page; marks within them stay as they are.
pub(super) fn fill(page: &str, title: &str, data: &str) -> String {
    let mut out = String::with_capacity(page.len() + title.len() + data.len());
    let mut rest = page;
    for (mark, text) in [("{{title}}", title), ("{{data}}", data)] {
        if let Some((before, after)) = rest.split_once(mark) {
            out.push_str(before);
            out.push_str(text);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Writes one path: rapid or not, radius, seconds, section, points of the lead in, points of the lead out, then
/// the points.
fn path(run: &Run, scale: f64, tolerance: f64, data: &mut String) {
    let mut points = Vec::with_capacity(run.pieces.len() + 1);
    points.extend(run.pieces.first().map(|p| p.a));
    let (mut first, mut last) = (0, 0);
    for (i, piece) in run.pieces.iter().enumerate() {
        let before = points.len();
        flatten(piece, tolerance, &mut points);
        if i < run.lead_in {
            first += points.len() - before;
        } else if i + run.lead_out >= run.pieces.len() {
            last += points.len() - before;
        }
    }
    let _ = write!(
        data,
        "[{},{},{:.3},{},{first},{last}",
        u8::from(!run.rapid),
        hundredths(run.radius),
        run.seconds * scale,
        run.section
    );
    steps(&points, data);
    data.push(']');
}

fn flatten(piece: &Piece, tolerance: f64, points: &mut Vec<Point>) {
    if !piece.is_line() {
        let step = if tolerance < piece.radius { 2.0 * (1.0 - tolerance / piece.radius).acos() } else { 1.5 };
        let n = (piece.sweep.abs() / step).ceil().clamp(1.0, 5000.0);
        points.extend((1..n as u32).map(|i| piece.at(f64::from(i) / n)));
    }
    points.push(piece.b);
}

fn rows<'a>(lines: impl Iterator<Item = &'a Polyline>, tolerance: f64, data: &mut String) {
    for (i, line) in lines.enumerate() {
        data.push_str(if i > 0 { ",[0" } else { "[0" });
        steps(&line.flatten(tolerance), data);
        data.push(']');
    }
}

fn hundredths(v: f64) -> i64 {
    (v * UNIT).round() as i64
}

/// Writes points as steps; rounding does not add up, since each step starts from what was written.
fn steps(points: &[Point], data: &mut String) {
    let (mut x, mut y) = (0, 0);
    for p in points {
        let (u, v) = (hundredths(p.x), hundredths(p.y));
        let _ = write!(data, ",{},{}", u - x, v - y);
        (x, y) = (u, v);
    }
}

fn rectangle(name: &str, b: Option<Aabb>, data: &mut String) {
    if let Some(b) = b.filter(|b| !b.is_empty()) {
        let _ = write!(data, ",\"{name}\":[{:.3},{:.3},{:.3},{:.3}]", b.min.x, b.min.y, b.max.x, b.max.y);
    }
}

/// Writes a JSON string that is also safe within a script element.
pub(super) fn string(text: &str, data: &mut String) {
    data.push('"');
    for c in text.chars() {
        match c {
            '"' => data.push_str("\\\""),
            '\\' => data.push_str("\\\\"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(data, "\\u{:04x}", c as u32);
            }
            c if c.is_control() => {
                let _ = write!(data, "\\u{:04x}", c as u32);
            }
            c => data.push(c),
        }
    }
    data.push('"');
}
