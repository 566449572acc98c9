//! The page as SVG. Coordinates carry two decimals of a point; arcs stay arcs.

use super::scene::{Anchor, Item, Paint, Scene, Step};
use std::fmt::Write;

/// Writes the page.
pub(super) fn write(scene: &Scene) -> String {
    let mut out = String::with_capacity(1 << 16);
    open(scene.width, scene.height, &mut out);
    for item in &scene.items {
        write_item(item, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// Begins a picture of this size, on white paper.
pub(super) fn open(w: f64, h: f64, out: &mut String) {
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         font-family=\"Helvetica,Arial,sans-serif\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
}

pub(super) fn write_item(item: &Item, out: &mut String) {
    match item {
        Item::Fill { steps, paint } => {
            let _ = write!(out, "<path fill-rule=\"evenodd\" fill=\"{}\"", hex(*paint));
            opacity("fill-opacity", *paint, out);
            path(steps, out);
        }
        Item::Stroke { steps, paint, width, dash } => {
            let _ = write!(out, "<path fill=\"none\" stroke=\"{}\" stroke-width=\"{width:.2}\"", hex(*paint));
            opacity("stroke-opacity", *paint, out);
            if let Some([on, off]) = dash {
                let _ = write!(out, " stroke-dasharray=\"{on} {off}\" stroke-linecap=\"butt\"");
            }
            path(steps, out);
        }
        Item::Dots { at, radius, paint } => {
            // A point with a round cap is a dot, and much shorter than a circle.
            let _ = write!(out, "<path stroke=\"{}\" stroke-width=\"{:.1}\" d=\"", hex(*paint), 2.0 * radius);
            for p in at {
                let _ = write!(out, "M{} {}h0", num(p.x), num(p.y));
            }
            out.push_str("\"/>\n");
        }
        Item::Text { at, size, anchor, paint, halo, text } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let halo = if *halo { " stroke=\"#fff\" stroke-width=\"3\" paint-order=\"stroke\"" } else { "" };
            let (x, y, fill) = (num(at.x), num(at.y), hex(*paint));
            let _ =
                write!(out, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\"{anchor}{halo}>");
            escape(text, out);
            out.push_str("</text>\n");
        }
    }
}

fn path(steps: &[Step], out: &mut String) {
    out.push_str(" d=\"");
    for step in steps {
        let _ = match step {
            Step::Move(p) => write!(out, "M{} {}", num(p.x), num(p.y)),
            Step::Line(p) => write!(out, "L{} {}", num(p.x), num(p.y)),
            Step::Close => write!(out, "Z"),
            Step::Arc(arc) => {
                // SVG draws no arc of more than a turn less a bit: two halves are always right.
                let turn = u8::from(arc.sweep > 0.0);
                let (r, m, b) = (num(arc.radius), arc.at(0.5), arc.b);
                write!(
                    out,
                    "A{r} {r} 0 0 {turn} {} {}A{r} {r} 0 0 {turn} {} {}",
                    num(m.x),
                    num(m.y),
                    num(b.x),
                    num(b.y)
                )
            }
        };
    }
    out.push_str("\"/>\n");
}

/// Returns a number with at most two decimals and no trailing zeros.
fn num(v: f64) -> f64 {
    let r = (v * 100.0).round() / 100.0;
    if r == 0.0 { 0.0 } else { r }
}

fn hex(paint: Paint) -> String {
    let [r, g, b] = paint.rgb;
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn opacity(name: &str, paint: Paint, out: &mut String) {
    if paint.opacity < 1.0 {
        let _ = write!(out, " {name}=\"{}\"", paint.opacity);
    }
}

/// Writes `text` so that XML reads it back, control characters left out.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}
