//! Text as outlines, by usvg.
//!
//! The text elements are written into a small file of their own, with the font properties that they inherit worked
//! out and nothing else of their style, laid out by usvg, and its glyph outlines are taken back into the drawing.
//! They are `f32` there, which for text does not matter.

use super::style::Sheet;
use super::walk::link;
use crate::{Rgb, Text};
use nalgebra::Affine2;
use shop_geom::Point;
use shop_geom::curve::{Curve, PathBuilder};
use shop_report::Span;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;
use usvg::roxmltree::Node;
use usvg::tiny_skia_path::PathSegment;

/// A set of fonts.
pub type Fonts = usvg::fontdb::Database;

/// Returns a set of these font files (TrueType, OpenType or collections); the first one stands in for families that
/// are not there. Files that are no fonts are passed over.
pub fn fonts(files: impl IntoIterator<Item = Vec<u8>>) -> Arc<Fonts> {
    let mut db = Fonts::new();
    files.into_iter().for_each(|f| db.load_font_data(f));
    let first = db.faces().next().and_then(|f| f.families.first().map(|n| n.0.clone()));
    if let Some(name) = first {
        db.set_serif_family(&name);
        db.set_sans_serif_family(&name);
        db.set_monospace_family(&name);
        db.set_cursive_family(&name);
        db.set_fantasy_family(&name);
    }
    Arc::new(db)
}

/// Properties that decide what letters look like and where they stand.
pub(super) const PROPERTIES: [&str; 16] = [
    "font-family",
    "font-style",
    "font-variant",
    "font-weight",
    "font-stretch",
    "font-kerning",
    "letter-spacing",
    "word-spacing",
    "text-anchor",
    "dominant-baseline",
    "alignment-baseline",
    "baseline-shift",
    "writing-mode",
    "direction",
    "unicode-bidi",
    "white-space",
];

/// A text element to be drawn.
pub(super) struct TextJob<'a> {
    pub node: Node<'a, 'a>,
    pub to_mm: Affine2<f64>,
    pub layer: u32,
    pub colour: Option<Rgb>,
    pub span: Span,
    pub font: Rc<Vec<(String, String)>>,
    pub font_size: f64,
    /// What it says, in case it cannot be drawn.
    pub texts: Vec<Text>,
}

/// Returns the outlines of every text in its own user units; empty where there are none.
pub(super) fn outlines(
    jobs: &[TextJob<'_>],
    fonts: &Arc<Fonts>,
    sheet: &Sheet,
    ids: &BTreeMap<&str, Node<'_, '_>>,
) -> Vec<Vec<Curve>> {
    let mut out = vec![Vec::new(); jobs.len()];
    if jobs.is_empty() || fonts.is_empty() {
        return out;
    }
    let mut xml = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='1000' height='1000'>",
    );
    let mut paths: Vec<&str> = Vec::new();
    for (i, job) in jobs.iter().enumerate() {
        for n in job.node.descendants().filter(|n| n.tag_name().name() == "textPath") {
            if let Some(id) = link(n)
                && let Some(path) = ids.get(id).filter(|p| p.tag_name().name() == "path")
                && !paths.contains(&id)
            {
                paths.push(id);
                xml.push_str("<defs><path");
                for name in ["id", "d", "transform"] {
                    if let Some(v) = path.attribute(name) {
                        attribute(&mut xml, name, v);
                    }
                }
                xml.push_str("/></defs>");
            }
        }
        let mut style = format!("font-size:{}px;", job.font_size);
        for (name, value) in job.font.iter() {
            let _ = write!(style, "{name}:{};", value.replace([';', '{', '}'], ""));
        }
        let _ = write!(xml, "<g id='t{i}'");
        attribute(&mut xml, "style", &style);
        xml.push('>');
        write_text(&mut xml, job.node, sheet, true, 0);
        xml.push_str("</g>");
    }
    xml.push_str("</svg>");
    let options = usvg::Options { fontdb: fonts.clone(), ..usvg::Options::default() };
    if let Ok(tree) = usvg::Tree::from_str(&xml, &options) {
        for node in tree.root().children() {
            if let usvg::Node::Group(g) = node
                && let Some(i) = g.id().strip_prefix('t').and_then(|i| i.parse::<usize>().ok())
                && let Some(curves) = out.get_mut(i)
            {
                collect(g, curves, 0);
            }
        }
    }
    out
}

/// Writes an element and what is in it, with its font properties only.
fn write_text(xml: &mut String, node: Node<'_, '_>, sheet: &Sheet, outermost: bool, depth: u32) {
    if node.is_text() {
        escape(xml, node.text().unwrap_or_default());
        return;
    }
    let name = node.tag_name().name();
    if !node.is_element() || !matches!(name, "text" | "tspan" | "textPath" | "a") || depth > 64 {
        return;
    }
    let name = if name == "a" { "tspan" } else { name };
    let _ = write!(xml, "<{name}");
    for a in node.attributes() {
        match (a.namespace(), a.name()) {
            (
                None,
                "x" | "y" | "dx" | "dy" | "rotate" | "textLength" | "lengthAdjust" | "startOffset" | "method"
                | "spacing" | "side",
            ) => {
                attribute(xml, a.name(), a.value());
            }
            (Some("http://www.w3.org/XML/1998/namespace"), "space") => attribute(xml, "xml:space", a.value()),
            _ => {}
        }
    }
    if let Some(id) = link(node).filter(|_| name == "textPath") {
        attribute(xml, "xlink:href", &format!("#{id}"));
    }
    let mut style = String::new();
    let mut hidden = false;
    sheet.apply(node, |name, value| {
        // The outermost size is on the group already, resolved.
        if PROPERTIES.contains(&name) || name == "font-size" && !outermost || name == "text-decoration" {
            let _ = write!(style, "{name}:{};", value.replace([';', '{', '}'], ""));
        }
        if name == "display" || name == "visibility" {
            hidden = matches!(value, "none" | "hidden" | "collapse");
        }
    });
    if hidden && !outermost {
        style.push_str("display:none;");
    }
    if !style.is_empty() {
        attribute(xml, "style", &style);
    }
    xml.push('>');
    for child in node.children() {
        write_text(xml, child, sheet, false, depth + 1);
    }
    let _ = write!(xml, "</{name}>");
}

fn attribute(xml: &mut String, name: &str, value: &str) {
    let _ = write!(xml, " {name}='");
    escape(xml, value);
    xml.push('\'');
}

fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '\'' => xml.push_str("&apos;"),
            '"' => xml.push_str("&quot;"),
            c => xml.push(c),
        }
    }
}

fn collect(group: &usvg::Group, out: &mut Vec<Curve>, depth: u32) {
    if depth > 64 {
        return;
    }
    for node in group.children() {
        match node {
            usvg::Node::Group(g) => collect(g, out, depth + 1),
            usvg::Node::Text(t) => collect(t.flattened(), out, depth + 1),
            usvg::Node::Path(p) => {
                let t = p.abs_transform();
                let at = |q: usvg::tiny_skia_path::Point| {
                    let (x, y) = (f64::from(q.x), f64::from(q.y));
                    Point::new(
                        f64::from(t.sx) * x + f64::from(t.kx) * y + f64::from(t.tx),
                        f64::from(t.ky) * x + f64::from(t.sy) * y + f64::from(t.ty),
                    )
                };
                let mut pen = PathBuilder::default();
                for s in p.data().segments() {
                    match s {
                        PathSegment::MoveTo(p) => pen.move_to(at(p)),
                        PathSegment::LineTo(p) => pen.line_to(at(p)),
                        PathSegment::QuadTo(a, p) => pen.quad_to(at(a), at(p)),
                        PathSegment::CubicTo(a, b, p) => pen.cubic_to(at(a), at(b), at(p)),
                        PathSegment::Close => pen.close(),
                    }
                }
                // Glyphs are areas.
                out.extend(pen.finish().into_iter().filter(Curve::is_finite).map(Curve::closed_by_line));
            }
            usvg::Node::Image(_) => {}
        }
    }
}
