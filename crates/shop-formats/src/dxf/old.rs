//! R1.x drawings: before group codes, a drawing was lines of `NAME,layer` each followed by lines of numbers.
//!
//! ```text
//! LINE,1
//! 2.000000,3.000000,3.000000,4.000000
//! ```
//!
//! Read off files that AutoCAD 1.4 wrote (1983); there is no reference. LINE: two points. CIRCLE: centre, radius.
//! ARC: centre, radius, start and end angle in degrees. POINT: a point. Blocks, shapes, texts, traces and solids are
//! counted.

use super::affine::Affine;
use super::place::{arc_sweep, circular};
use super::talk::Talk;
use crate::{Drawing, Layer, Shape};
use shop_geom::curve::Curve;
use shop_geom::{Point, Polyline};
use shop_report::{Checked, Severity, SourceId};
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// True when the file looks like one of these: its first line is a known variable with a layer or count.
pub(super) fn recognised(bytes: &[u8]) -> bool {
    let first = bytes.split(|&b| b == b'\n').next().unwrap_or_default().trim_ascii();
    [b"EXTENTS,".as_slice(), b"LIMITS,"].iter().any(|name| first.starts_with(name))
}

/// Reads a drawing without group codes.
pub(super) fn read(source: SourceId, bytes: &[u8], mm_per_unit: Option<f64>) -> Checked<Drawing> {
    let mut talk = Talk::new(source);
    let units = super::header::Header::default().units(mm_per_unit, &mut talk);
    let mut drawing = Drawing { units, ..Drawing::default() };
    let mut names: BTreeMap<&[u8], u32> = BTreeMap::new();
    let m = Affine::scale(units.mm_per_unit);
    let mut in_block = false;
    let mut lines = Lines { bytes, at: 0 };
    while let Some((at, line)) = lines.next() {
        let Some(comma) = line.iter().position(|&b| b == b',') else { continue };
        let (name, layer) = (&line[..comma], line[comma + 1..].trim_ascii());
        let count = match name {
            b"LINE" => 4,
            b"CIRCLE" => 3,
            b"ARC" => 5,
            b"POINT" => 2,
            b"BLOCK" => {
                in_block = true;
                continue;
            }
            b"ENDBLK" => {
                in_block = false;
                continue;
            }
            b"INSERT" | b"TEXT" | b"TRACE" | b"SOLID" | b"SHAPE" | b"REPEAT" => {
                talk.ignore(name, "not read from drawings of R1", talk.span(at, lines.at));
                continue;
            }
            _ => continue,
        };
        let numbers: Vec<f64> = lines.next().map(|(_, l)| numbers(l)).unwrap_or_default();
        let span = talk.span(at, lines.at);
        let name_text = || String::from_utf8_lossy(name).into_owned();
        if numbers.len() < count || numbers.iter().any(|v| v.abs() > 1e9) {
            let message = || format!("{} has not the numbers it needs", name_text());
            talk.error("dxf/entity-incomplete", span, message, "it is left out; the file is damaged here");
            continue;
        }
        if in_block {
            talk.ignore(name, "in a block of R1", span);
            continue;
        }
        let layer = *names.entry(layer).or_insert_with(|| {
            let name = String::from_utf8_lossy(layer).into_owned();
            drawing.layers.push(Layer { name, colour: None, hidden: false });
            drawing.layers.len() as u32 - 1
        });
        let at = |i: usize| [numbers[i], numbers[i + 1], 0.0];
        let curve = match name {
            b"LINE" => Curve::Polyline(Polyline::open([m.flat_point(at(0)), m.flat_point(at(2))])),
            b"CIRCLE" if numbers[2] != 0.0 => circular(&m, at(0), numbers[2].abs(), 0.0, TAU),
            b"ARC" if numbers[2] != 0.0 && numbers[3] != numbers[4] => {
                let sweep = arc_sweep(numbers[3], numbers[4]).to_radians();
                circular(&m, at(0), numbers[2].abs(), numbers[3].to_radians(), sweep)
            }
            b"POINT" => {
                let p: Point = m.flat_point(at(0));
                drawing.points.push((p, layer, span));
                continue;
            }
            _ => {
                talk.ignore(name, "it has no length", span);
                continue;
            }
        };
        drawing.shapes.push(Shape { curve, layer, colour: None, span, excluded: None });
    }
    let message = || "a drawing of AutoCAD R1, from before group codes".to_owned();
    talk.say(
        Severity::Info,
        "dxf/release-1",
        None,
        message,
        "look at the preview; the format was never published",
    );
    let (diagnostics, ignored) = talk.finish(String::from_utf8_lossy);
    drawing.ignored = ignored;
    Checked { value: drawing, diagnostics }
}

fn numbers(line: &[u8]) -> Vec<f64> {
    line.split(|&b| b == b',')
        .map_while(|n| match super::groups::parse_number(n) {
            super::groups::Number::Plain(v) => Some(v),
            _ => None,
        })
        .take(8)
        .collect()
}

/// Lines with their offsets.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let at = self.at;
        let rest = self.bytes.get(at..).filter(|r| !r.is_empty())?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = at + (end + 1).min(rest.len());
        Some((at, rest[..end].trim_ascii()))
    }
}
