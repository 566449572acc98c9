//! Reads SVG into a drawing.
//!
//! A cutter wants other things from an SVG than a renderer: the outline of every shape whether it is painted or
//! not, circles as circles, layer labels and colours, millimetres to the last digit, and the place in the file. A
//! renderer's tree (usvg's) has resolved all that away, in `f32`: paths without paint are dropped, primitives are
//! cubics, layers are gone. So the tree is walked here, on the XML (`roxmltree`) in `f64`, and usvg does what it
//! alone can do, the layout of text into outlines, on a copy of the text elements.
//!
//! What is read: `path`, the basic shapes, `g`, `a`, `svg`, `use`, `symbol`, `switch`, text; transforms (attribute
//! and CSS), `viewBox` with `preserveAspectRatio`, absolute and relative units, style sheets, `display` and
//! `visibility`, Inkscape's layers. What is not, is counted in [`Drawing::ignored`]: images, foreign objects,
//! flowed text, clip paths, masks, markers, dashes. Gradients and patterns count as colour only.
//!
//! y is turned up about the height of the page.

mod fonts;
mod inflate;
mod path;
mod source;
mod style;
mod walk;

pub use fonts::{Fonts, fonts};

use crate::{Drawing, Units};
use nalgebra::Affine2;
use path::{Length, Unit, affine, numbers};
use shop_geom::Aabb;
use shop_report::{Checked, Diagnostic, SourceId, Span};
use source::Source;
use std::sync::Arc;
use usvg::roxmltree::{Document, Node, ParsingOptions};

/// How an SVG is to be understood where it leaves a choice.
#[derive(Clone, Default)]
pub struct ReadOptions {
    /// Pixels per inch; without it 96 (CSS), or what the program that wrote the file is known to use.
    pub dpi: Option<f64>,
    /// Millimetres per user unit of the outermost viewport, against whatever the file says.
    pub mm_per_unit: Option<f64>,
    /// Fonts for text outlines; without them text stays text.
    pub fonts: Option<Arc<Fonts>>,
    /// Someone else sees to texts without outlines: they stay texts, and nothing is said of it.
    pub keep_texts: bool,
}

/// The name space of SVG.
const SVG: &str = "http://www.w3.org/2000/svg";
/// The name space of Inkscape's layers and version.
const INKSCAPE: &str = "http://www.inkscape.org/namespaces/inkscape";

/// Reads an SVG or a gzipped one (svgz). Never fails: a file that cannot be read gives an empty drawing and an
/// error. Time and memory grow with the size of the file, and with what `use` draws, up to a limit.
///
/// ```
/// use shop_formats::svg;
/// use shop_report::SourceId;
/// let file = br#"<svg xmlns="http://www.w3.org/2000/svg" width="20mm" height="10mm" viewBox="0 0 200 100">
///     <circle cx="50" cy="50" r="40"/></svg>"#;
/// let drawing = svg::read(SourceId(0), file, &svg::ReadOptions::default()).value;
/// let b = drawing.shapes[0].curve.bounds();
/// assert!((b.min.x - 1.0).abs() < 1e-9 && (b.width() - 8.0).abs() < 1e-9);
/// ```
pub fn read(source: SourceId, bytes: &[u8], options: &ReadOptions) -> Checked<Drawing> {
    let mut out = Checked::default();
    if let Err(problem) = read_into(source, bytes, options, &mut out) {
        out.value = Drawing::default();
        out.diagnostics.push(*problem);
    }
    out
}

fn read_into(
    id: SourceId,
    bytes: &[u8],
    options: &ReadOptions,
    out: &mut Checked<Drawing>,
) -> Result<(), Box<Diagnostic>> {
    let mut source = Source::decode(id, bytes, &mut out.diagnostics)?;
    // `--` in a comment is an error in XML that browsers forgive; so do we, and try once more.
    if let Some(first) = parse(&source).err()
        && source.mend_comments(first.1)
    {
        out.diagnostics.push(
            Diagnostic::warning("svg/comment", "`--` stands in a comment, which XML does not allow; read on")
                .span(source.span(first.1..first.1 + 1)),
        );
    }
    let document = parse(&source).map_err(|(message, at)| {
        let d = Diagnostic::error("svg/not-xml", message).span(source.span(at..at + 1));
        Box::new(d.hint("the file is damaged or no SVG; export it anew"))
    })?;
    let root = document.root_element();
    let space = root.tag_name().namespace();
    if root.tag_name().name() != "svg" || !matches!(space, None | Some(SVG)) {
        let d = Diagnostic::error(
            "svg/not-svg",
            format!("the file is XML, but its root is <{}> and not <svg>", root.tag_name().name()),
        );
        return Err(Box::new(d.span(source.span(root.range())).hint("export the drawing as plain SVG")));
    }
    let page = Page::of(&source, root, options, &mut out.diagnostics);
    out.value.units = Units { mm_per_unit: page.mm_per_unit, declared: page.declared };
    walk::walk(&source, root, &page, options, out);
    if page.height.is_none() {
        turn_up(&mut out.value);
    }
    if out.value.shapes.is_empty() && out.value.texts.is_empty() {
        let d = Diagnostic::warning("svg/nothing-drawn", "the file draws nothing");
        out.diagnostics.push(d.span(source.span(root.range())));
    }
    Ok(())
}

/// Most nodes of one file; a 2 GB file of the smallest elements stays below.
const MOST_NODES: u32 = 100_000_000;

fn parse(source: &Source) -> Result<Document<'_>, (String, usize)> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, entity_resolver: None };
    Document::parse_with_options(&source.text, options).map_err(|e| {
        use usvg::roxmltree::Error::{UnclosedRootNode, UnexpectedEndOfStream};
        let at = match e {
            // The file is cut short, and that is where.
            UnclosedRootNode | UnexpectedEndOfStream => source.text.trim_end().len().saturating_sub(1),
            _ => source.offset(e.pos().row as usize, e.pos().col as usize),
        };
        // The position is in the span; the message repeats it at its end.
        let text = e.to_string();
        let text = text.rsplit_once(" at ").map_or(text.as_str(), |t| t.0).to_owned();
        (format!("this is not well-formed XML: {text}"), at)
    })
}

/// How user units become millimetres.
struct Page {
    /// User units of the outermost viewport to mm, y up.
    to_mm: Affine2<f64>,
    /// Pixels per inch.
    dpi: f64,
    /// Millimetres per user unit, in x.
    mm_per_unit: f64,
    /// True when the file gives a physical size, or the user a scale.
    declared: bool,
    /// Width of the page, mm, when it has one.
    width: Option<f64>,
    /// Height of the page, mm, when it has one.
    height: Option<f64>,
    /// Width and height of the outermost viewport in user units, for percentages.
    viewport: [f64; 2],
}

impl Page {
    fn of(source: &Source, root: Node<'_, '_>, options: &ReadOptions, said: &mut Vec<Diagnostic>) -> Page {
        let given = |d: f64| d.is_finite() && d > 0.0;
        let length = |name: &str| root.attribute(name).and_then(Length::parse).filter(|l| l.number > 0.0);
        let (width, height) = (length("width"), length("height"));
        let span = source.span(root.range_of_tag());
        for name in ["width", "height"] {
            let text = root.attribute(name).filter(|t| !matches!(t.trim(), "" | "auto"));
            if let Some(text) = text.filter(|t| Length::parse(t).is_none_or(|l| l.number <= 0.0)) {
                let d =
                    Diagnostic::warning("svg/bad-size", format!("{name}=\"{}\" is no size", shorten(text)));
                said.push(d.span(span).hint("say --units, or give the page a width and height in mm"));
            }
        }
        let view = ViewBox::of(root);
        if view.is_none() && root.has_attribute("viewBox") {
            said.push(
                Diagnostic::warning("svg/bad-viewbox", "the viewBox is broken and left out").span(span),
            );
        }
        let physical = |l: Option<Length>| l.is_some_and(|l| l.unit.mm().is_some());
        let has_size = physical(width) || physical(height);
        let dpi = options.dpi.filter(|d| given(*d)).unwrap_or_else(|| {
            // A physical size with a viewBox needs no pixels.
            let (dpi, who) = habit(source, root);
            if let Some(who) = who.filter(|_| !(has_size && view.is_some())) {
                let d = Diagnostic::info(
                    "svg/dpi",
                    format!("the file was written by {who}: 1 unit is taken as 1/{dpi} inch and not 1/96"),
                );
                said.push(d.span(span).hint("say --dpi 96 if the drawing comes out at the wrong size"));
                return dpi;
            }
            96.0
        });
        let px = 25.4 / dpi;
        let mm = |l: Option<Length>, whole: Option<f64>| match l {
            Some(Length { number, unit: Unit::Percent }) => whole.map(|w| w * px * number / 100.0),
            Some(Length { number, unit: Unit::Em }) => Some(number * 16.0 * px),
            Some(Length { number, unit: Unit::Ex }) => Some(number * 8.0 * px),
            Some(Length { number, unit }) => Some(number * unit.mm().unwrap_or(px)),
            None => None,
        };
        let (mut w, mut h) = (mm(width, view.map(|v| v.width)), mm(height, view.map(|v| v.height)));
        if let Some(v) = view {
            // What is not given follows from the shape of the viewBox; nothing given means pixels.
            (w, h) = match (w, h) {
                (None, None) => (Some(v.width * px), Some(v.height * px)),
                (Some(w), None) => (Some(w), Some(w * v.height / v.width)),
                (None, Some(h)) => (Some(h * v.width / v.height), Some(h)),
                both => both,
            };
        }
        let mut fit = match (view, w, h) {
            (Some(v), Some(w), Some(h)) => v.fit(w, h, root),
            _ => affine(px, 0.0, 0.0, px, 0.0, 0.0),
        };
        let mut declared = has_size;
        if let Some(scale) = options.mm_per_unit.filter(|s| given(*s)) {
            declared = true;
            let (x, y) = view.map_or((0.0, 0.0), |v| (v.x, v.y));
            // Without viewBox the page has its size in user units, whatever these are.
            h = view.map(|v| v.height * scale).or(h.map(|h| h / px * scale));
            w = view.map(|v| v.width * scale).or(w.map(|w| w / px * scale));
            fit = affine(scale, 0.0, 0.0, scale, -x * scale, -y * scale);
        } else if !has_size {
            let d = Diagnostic::warning(
                "svg/units-missing",
                format!("the file gives no physical size; 1 unit is taken as 1/{dpi} inch ({px:.4} mm)"),
            );
            said.push(d.span(span).hint("say --units mm if the numbers are millimetres, or --dpi 72 or 90"));
        }
        let m = fit.matrix();
        let (sx, sy) = (m[(0, 0)], m[(1, 1)]);
        if (sx - sy).abs() > 1e-3 * sx.abs() {
            let d = Diagnostic::warning(
                "svg/stretched",
                format!(
                    "width, height and viewBox stretch the drawing: {sx:.5} mm a unit in x, {sy:.5} in y"
                ),
            );
            said.push(d.span(span).hint("circles become ellipses; mend the size if that is not meant"));
        }
        let viewport = match view {
            Some(v) => [v.width, v.height],
            None => [w.unwrap_or(100.0 * px) / px, h.unwrap_or(100.0 * px) / px],
        };
        let up = affine(1.0, 0.0, 0.0, -1.0, 0.0, h.unwrap_or(0.0));
        Page { to_mm: up * fit, dpi, mm_per_unit: sx, declared, width: w, height: h, viewport }
    }
}

/// A page without height is turned up about what is on it, so that it starts at 0.
fn turn_up(drawing: &mut Drawing) {
    let all = drawing.shapes.iter().fold(Aabb::EMPTY, |b, s| b.union(s.curve.bounds()));
    let all = drawing.texts.iter().fold(all, |mut b, t| {
        b.add(t.at);
        b
    });
    if all.is_empty() {
        return;
    }
    let up = affine(1.0, 0.0, 0.0, 1.0, 0.0, -all.min.y.min(0.0) + 0.0);
    for s in &mut drawing.shapes {
        s.curve = s.curve.transformed(&up);
    }
    for t in &mut drawing.texts {
        t.at = up * t.at;
    }
}

/// Returns the pixels per inch of the program that wrote the file, and its name when they are not 96.
fn habit(source: &Source, root: Node<'_, '_>) -> (f64, Option<String>) {
    if let Some(version) = root.attribute((INKSCAPE, "version")) {
        // 0.92 changed 90 to 96 (Inkscape 0.92 release notes, "Important changes").
        let mut parts = version.split(['.', ' ', '+']).map(|p| p.parse::<u32>().unwrap_or(u32::MAX));
        let (major, minor) = (parts.next().unwrap_or(1), parts.next().unwrap_or(0));
        if major == 0 && minor < 92 {
            let name = version.split_whitespace().next().unwrap_or_default();
            return (90.0, Some(format!("Inkscape {}", shorten(name))));
        }
        return (96.0, None);
    }
    // Illustrator's pixel is its point.
    let head = source.text.get(..source.text.floor_char_boundary(2000)).unwrap_or_default();
    if head.contains("Generator: Adobe Illustrator") {
        return (72.0, Some("Adobe Illustrator".to_owned()));
    }
    (96.0, None)
}

/// The rectangle of user space that a viewport shows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ViewBox {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl ViewBox {
    fn of(node: Node<'_, '_>) -> Option<ViewBox> {
        match numbers(node.attribute("viewBox")?).0.as_slice() {
            &[x, y, width, height, ..] if width > 0.0 && height > 0.0 => {
                Some(ViewBox { x, y, width, height })
            }
            _ => None,
        }
    }

    /// Returns the map of the box into a viewport of `w` by `h` (SVG 2, 8.2), clipping aside.
    fn fit(self, w: f64, h: f64, node: Node<'_, '_>) -> Affine2<f64> {
        let (sx, sy) = (w / self.width, h / self.height);
        let mut words =
            node.attribute("preserveAspectRatio").unwrap_or_default().split_ascii_whitespace().peekable();
        words.next_if_eq(&"defer");
        let align = words.next().unwrap_or("xMidYMid");
        if align == "none" {
            return affine(sx, 0.0, 0.0, sy, -self.x * sx, -self.y * sy);
        }
        // Where both agree to a rounding of the size, the drawing is not moved by the rest.
        let even = (sx - sy).abs() <= 1e-6 * sx;
        let s = match words.next() {
            _ if even => sx,
            Some("slice") => sx.max(sy),
            _ => sx.min(sy),
        };
        let place = |word: [&str; 2], room: f64| match align {
            _ if even => 0.0,
            a if a.contains(word[0]) => 0.0,
            a if a.contains(word[1]) => room,
            _ => room / 2.0,
        };
        let dx = place(["xMin", "xMax"], w - self.width * s);
        let dy = place(["YMin", "YMax"], h - self.height * s);
        affine(s, 0.0, 0.0, s, dx - self.x * s, dy - self.y * s)
    }
}

/// The start tag alone, for messages about it.
trait TagRange {
    fn range_of_tag(&self) -> std::ops::Range<usize>;
}

impl TagRange for Node<'_, '_> {
    fn range_of_tag(&self) -> std::ops::Range<usize> {
        let r = self.range();
        let text = &self.document().input_text()[r.clone()];
        r.start..r.start + text.find('>').map_or(text.len(), |e| e + 1)
    }
}

/// Shortens what a file says for a message.
fn shorten(text: &str) -> String {
    let mut s: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
    if text.chars().nth(40).is_some() {
        s.push('…');
    }
    s
}

fn count_into(list: &mut Vec<crate::Ignored>, what: &str, why: &'static str, first: Span) {
    match list.iter_mut().find(|i| i.what == what && i.why == why) {
        Some(i) => i.count += 1,
        None => list.push(crate::Ignored { what: what.to_owned(), why, count: 1, first }),
    }
}
