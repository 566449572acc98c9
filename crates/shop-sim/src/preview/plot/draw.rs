//! The page as SVG and as PNG.

use super::super::{encode, png, svg};
use super::page::{self, AIR, Page, TRAVEL};
use super::raster::{self, Stroke};
use super::{Dot, What};
use std::collections::BTreeSet;
use std::fmt::Write;
use tiny_skia::{Color, Pixmap};

/// Pieces shorter than this are gathered into one, page points.
const DOT: f64 = 0.35;
/// On and off of a dashed rapid, page points.
const DASH: [f64; 2] = [7.0, 5.0];

/// A line on the page.
struct Piece {
    a: [f64; 2],
    b: [f64; 2],
    dot: Dot,
    /// The pen was lifted before it.
    jump: bool,
}

/// Calls `see` with every line that can be seen; short ones of one kind are gathered.
fn pieces(page: &Page<'_>, mut see: impl FnMut(Piece)) {
    let Some(first) = page.trail.dots.first() else { return };
    let place = |d: &Dot| page.view.point(d.at.map(f64::from));
    let (mut pen, mut last) = (place(first), *first);
    let mut jump = true;
    for (i, dot) in page.trail.dots.iter().enumerate().skip(1) {
        let to = place(dot);
        let dot = &Dot { what: page.trail.what(dot), ..*dot };
        if dot.what == What::Start {
            (pen, last, jump) = (to, *dot, true);
            continue;
        }
        let kind = |d: &Dot| (page.trail.what(d), d.tool, d.feature);
        let next_same = page.trail.dots.get(i + 1).is_some_and(|n| kind(n) == kind(dot));
        let short = (to[0] - pen[0]).abs() < DOT && (to[1] - pen[1]).abs() < DOT;
        if short && next_same && kind(dot) == kind(&last) {
            continue;
        }
        see(Piece { a: pen, b: to, dot: *dot, jump });
        (pen, last, jump) = (to, *dot, false);
    }
}

/// Lines that any picture may have, in pixels of length, and more for each byte of the program: only loops that go over
/// the same page thousands of times have more. Of those, a share is drawn, and the picture says so.
const MOST_LENGTH: f64 = 12e6;
const LENGTH_PER_BYTE: f64 = 25.0;

/// Draws the page as PNG.
pub(super) fn png(page: &Page<'_>) -> Vec<u8> {
    let Some(mut pixels) = Pixmap::new(page.width as u32, page.height as u32) else { return Vec::new() };
    pixels.fill(Color::WHITE);
    page.ground.iter().for_each(|item| png::draw(item, &mut pixels));
    let solid = page.view.is_solid(page.trail);
    let crowd = page.trail.dots.len() > 20_000;
    let (air, travel) = if crowd { (0.35, 0.22) } else { (0.8, 0.7) };
    let narrow = |p: [f64; 2]| p.map(|v| v as f32);
    let stroke = |p: &Piece| {
        let (rgb, opacity) = match p.dot.what {
            What::Travel => (TRAVEL, travel),
            What::Air => (AIR, air),
            _ => (lit(page, p), if solid { 1.0 } else { 0.9 }),
        };
        Stroke { rgb, opacity, ..bare(p) }
    };
    let mut length = 0.0;
    pieces(page, |p| length += raster::visible_length(&pixels, &bare(&p)));
    let most = MOST_LENGTH + LENGTH_PER_BYTE * page.trail.bytes as f64;
    let share = (most / length).min(1.0);
    // Travel lies under the work, and never hides it.
    for work in [false, true] {
        let mut due = 1.0;
        pieces(page, |p| {
            if (p.dot.what == What::Work) != work {
                return;
            }
            due += share;
            if due < 1.0 {
                return;
            }
            due -= 1.0;
            let s = stroke(&p);
            match p.dot.what {
                What::Travel => dashes(p.a, p.b, |a, b| {
                    raster::line(&mut pixels, &Stroke { a: narrow(a), b: narrow(b), ..s }, 1.0);
                }),
                What::Air => raster::line(&mut pixels, &s, 1.0),
                _ => raster::line(&mut pixels, &s, page.pen as f32),
            }
        });
    }
    page.frame.iter().for_each(|item| png::draw(item, &mut pixels));
    if let Some(item) = page::left_out(page.trail, share) {
        png::draw(&item, &mut pixels);
    }
    encode::encode(pixels.width(), pixels.height(), pixels.data())
}

/// A piece without its looks.
fn bare(p: &Piece) -> Stroke {
    Stroke { a: p.a.map(|v| v as f32), b: p.b.map(|v| v as f32), rgb: [0; 3], opacity: 1.0 }
}

/// Returns the colour of a piece of work: where roads are bodies, darker the more they lie along the light.
fn lit(page: &Page<'_>, p: &Piece) -> [u8; 3] {
    let rgb = page.colours.rgb(&p.dot);
    if !page.view.is_solid(page.trail) {
        return rgb;
    }
    let (dx, dy) = (p.b[0] - p.a[0], p.b[1] - p.a[1]);
    let along = (0.9 * dx + 0.43 * dy).abs() / dx.hypot(dy).max(1e-9);
    let light = 0.62 + 0.38 * along;
    rgb.map(|v| (f64::from(v) * light).round() as u8)
}

/// Calls `see` with the dashes of a line.
fn dashes(a: [f64; 2], b: [f64; 2], mut see: impl FnMut([f64; 2], [f64; 2])) {
    let length = (b[0] - a[0]).hypot(b[1] - a[1]);
    let whole = DASH[0] + DASH[1];
    let n = (length / whole).ceil().clamp(1.0, 4000.0) as u32;
    for i in 0..n {
        let at = |s: f64| {
            let t = if length > 0.0 { (s / length).min(1.0) } else { 0.0 };
            [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]
        };
        let from = f64::from(i) * whole;
        see(at(from), at(from + DASH[0]));
    }
}

/// More lines than this are looked through for ones that lie on others.
const CROWD: usize = 60_000;

/// Draws the page as SVG. In a crowd, lines that fall on one already drawn in the same colour are left out.
pub(super) fn svg(page: &Page<'_>) -> String {
    let mut out = String::with_capacity(1 << 16);
    svg::open(page.width, page.height, &mut out);
    page.ground.iter().for_each(|item| svg::write_item(item, &mut out));
    let crowd = page.trail.dots.len() > CROWD;
    let mut drawn: BTreeSet<([i32; 4], [u8; 3])> = BTreeSet::new();
    for work in [false, true] {
        let mut open: Option<([u8; 3], What)> = None;
        let mut at = [f64::NAN; 2];
        pieces(page, |p| {
            if (p.dot.what == What::Work) != work {
                return;
            }
            let rgb = match p.dot.what {
                What::Travel => TRAVEL,
                What::Air => AIR,
                _ => lit(page, &p),
            };
            // Half points are enough to know a line again.
            let grid = |v: f64| (v * 2.0).round() as i32;
            let mut key = [grid(p.a[0]), grid(p.a[1]), grid(p.b[0]), grid(p.b[1])];
            if key[..2] > key[2..] {
                key.rotate_left(2);
            }
            if crowd && !drawn.insert((key, rgb)) {
                return;
            }
            if open != Some((rgb, p.dot.what)) {
                if open.is_some() {
                    out.push_str("\"/>\n");
                }
                begin(rgb, p.dot.what, page.pen, crowd, &mut out);
                open = Some((rgb, p.dot.what));
                at = [f64::NAN; 2];
            }
            if p.jump || at != p.a {
                let _ = write!(out, "M{} {}", num(p.a[0]), num(p.a[1]));
            }
            let _ = write!(out, "L{} {}", num(p.b[0]), num(p.b[1]));
            at = p.b;
        });
        if open.is_some() {
            out.push_str("\"/>\n");
        }
    }
    page.frame.iter().for_each(|item| svg::write_item(item, &mut out));
    if let Some(item) = page::left_out(page.trail, 1.0) {
        svg::write_item(&item, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

fn begin(rgb: [u8; 3], what: What, pen: f64, crowd: bool, out: &mut String) {
    let [r, g, b] = rgb;
    let _ = write!(out, "<path fill=\"none\" stroke=\"#{r:02x}{g:02x}{b:02x}\"");
    let _ = match what {
        What::Travel => {
            let opacity = if crowd { 0.22 } else { 0.7 };
            let [on, off] = DASH;
            write!(
                out,
                " stroke-width=\"1\" stroke-opacity=\"{opacity}\" stroke-dasharray=\"{on} {off}\" d=\""
            )
        }
        What::Air => write!(out, " stroke-width=\"1\" stroke-opacity=\"0.8\" d=\""),
        _ => write!(out, " stroke-width=\"{pen:.1}\" d=\""),
    };
}

/// Returns a number with at most two decimals.
fn num(v: f64) -> f64 {
    (v * 100.0).round() / 100.0 + 0.0
}
