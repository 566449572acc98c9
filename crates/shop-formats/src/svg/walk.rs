//! Walks the elements with their style and transform, and draws the shapes.

use super::fonts::{self, TextJob};
use super::path::{Length, Unit, affine, follow, numbers, transform};
use super::source::Source;
use super::style::{Paint, Sheet, colour};
use super::{INKSCAPE, Page, ReadOptions, SVG, ViewBox, count_into, shorten};
use crate::{Anchor, Drawing, Exclusion, Fit, Layer, Rgb, Shape, Text};
use nalgebra::Affine2;
use shop_geom::curve::{Curve, PathBuilder};
use shop_geom::{Point, Polyline, Vector};
use shop_report::{Checked, Diagnostic, Span};
use std::collections::BTreeMap;
use std::rc::Rc;
use usvg::roxmltree::{Node, NodeId};

/// Deeper nesting than this no drawing has; it would only exhaust the stack.
const MOST_DEPTH: u32 = 192;
/// Most elements drawn, copies by `use` counted each. A bomb of nested `use` has more at once.
const MOST_ELEMENTS: u32 = 20_000_000;
/// Most elements drawn for one element in the file.
const MOST_COPIES: u32 = 2000;
/// The name of the layer of what is in no group.
const NO_LAYER: &str = "0";
/// Height of capitals as part of the font size, of the fonts that stand in for `sans-serif` (Arial's is 1466/2048).
const CAPITALS: f64 = 0.716;

/// Draws everything below `root`.
pub(super) fn walk<'a>(
    source: &'a Source,
    root: Node<'a, 'a>,
    page: &'a Page,
    options: &'a ReadOptions,
    out: &'a mut Checked<Drawing>,
) {
    let mut sheet = Sheet::default();
    let mut ids = BTreeMap::new();
    let mut labelled = false;
    let mut elements = 0_u32;
    for n in root.descendants().filter(Node::is_element) {
        elements += 1;
        if let Some(id) = n.attribute("id") {
            ids.entry(id).or_insert(n);
        }
        labelled |= n.attribute((INKSCAPE, "groupmode")) == Some("layer");
        if n.tag_name().name() == "style" && n.attribute("type").is_none_or(|t| t.trim() == "text/css") {
            n.children().filter_map(|c| c.text()).for_each(|t| sheet.add(t));
        }
    }
    sheet.sort();
    let mut walker = Walker {
        source,
        sheet: &sheet,
        ids,
        page,
        options,
        labelled,
        wrappers: wrappers(root),
        layers: BTreeMap::new(),
        budget: elements.saturating_mul(MOST_COPIES).saturating_add(10_000).min(MOST_ELEMENTS),
        using: Vec::new(),
        texts: Vec::new(),
        counts: Counts::default(),
        out,
    };
    let state = State {
        to_mm: page.to_mm,
        layer: None,
        grouped: false,
        excluded: None,
        visible: true,
        fill: Paint::Colour([0, 0, 0]),
        stroke: Paint::None,
        colour: [0, 0, 0],
        opaque: true,
        dashed: false,
        viewport: page.viewport,
        font_size: 16.0,
        font: Rc::new(Vec::new()),
    };
    let state = walker.styled(root, &state);
    walker.children(root, &state, 0);
    walker.draw_texts();
    walker.say();
}

/// Groups that hold the whole drawing and are no layers: those that are the only thing drawn in their parent and
/// have named groups in them.
fn wrappers(root: Node<'_, '_>) -> Vec<NodeId> {
    let mut out = Vec::new();
    let mut node = root;
    loop {
        let mut drawn = node.children().filter(|c| c.is_element() && !is_silent(c.tag_name().name()));
        let (Some(only), None) = (drawn.next(), drawn.next()) else { return out };
        let named = |c: Node<'_, '_>| c.tag_name().name() == "g" && c.has_attribute("id");
        if only.tag_name().name() != "g" || !only.children().any(named) {
            return out;
        }
        out.push(only.id());
        node = only;
    }
}

/// True for elements that draw nothing by themselves.
fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "defs"
            | "symbol"
            | "clipPath"
            | "mask"
            | "marker"
            | "pattern"
            | "linearGradient"
            | "radialGradient"
            | "meshgradient"
            | "hatch"
            | "solidColor"
            | "filter"
            | "style"
            | "script"
            | "title"
            | "desc"
            | "metadata"
            | "namedview"
            | "font"
            | "font-face"
            | "glyph"
            | "cursor"
            | "view"
            | "color-profile"
            | "animate"
            | "animateColor"
            | "animateMotion"
            | "animateTransform"
            | "set"
            | "discard"
    )
}

/// What an element inherits.
#[derive(Clone)]
pub(super) struct State {
    pub to_mm: Affine2<f64>,
    pub layer: Option<u32>,
    /// True below the group that names the layer.
    grouped: bool,
    pub excluded: Option<Exclusion>,
    visible: bool,
    fill: Paint,
    stroke: Paint,
    colour: Rgb,
    opaque: bool,
    dashed: bool,
    viewport: [f64; 2],
    font_size: f64,
    /// Font properties in effect, for text.
    pub font: Rc<Vec<(String, String)>>,
}

#[derive(Default)]
struct Counts {
    circular: u32,
    unpainted: Option<(Span, u32)>,
    filled: Option<(Span, u32)>,
    hidden: Option<(Span, u32)>,
    off_page: Option<(Span, u32)>,
    broken: Option<(Span, u32)>,
    broken_transform: Option<(Span, u32)>,
    stopped: bool,
    deep: bool,
}

fn count(at: &mut Option<(Span, u32)>, span: Span) {
    at.get_or_insert((span, 0)).1 += 1;
}

struct Walker<'a> {
    source: &'a Source,
    sheet: &'a Sheet,
    ids: BTreeMap<&'a str, Node<'a, 'a>>,
    page: &'a Page,
    options: &'a ReadOptions,
    /// True when the file has Inkscape's layers.
    labelled: bool,
    wrappers: Vec<NodeId>,
    layers: BTreeMap<String, u32>,
    budget: u32,
    using: Vec<NodeId>,
    texts: Vec<TextJob<'a>>,
    counts: Counts,
    out: &'a mut Checked<Drawing>,
}

impl<'a> Walker<'a> {
    fn span(&self, node: Node<'_, '_>) -> Span {
        self.source.span(node.range())
    }

    fn ignore(&mut self, what: &str, why: &'static str, node: Node<'_, '_>) {
        let span = self.span(node);
        count_into(&mut self.out.value.ignored, what, why, span);
    }

    /// Returns the state with the element's own style and transform.
    fn styled(&mut self, node: Node<'a, 'a>, outer: &State) -> State {
        let mut s = outer.clone();
        let (mut display, mut moved, mut origin) = (true, None, None);
        let mut font: Option<Vec<(String, String)>> = None;
        let (mut clip, mut mask, mut markers, mut opaque) = (false, false, false, true);
        let mut size = None;
        self.sheet.apply(node, |name, value| match name {
            "fill" => s.fill = Paint::parse(value).unwrap_or_else(|| inherited(value, &s.fill, &outer.fill)),
            "stroke" => {
                s.stroke = Paint::parse(value).unwrap_or_else(|| inherited(value, &s.stroke, &outer.stroke));
            }
            "color" => s.colour = colour(value).unwrap_or(s.colour),
            "display" => display = value != "none",
            "visibility" => match value {
                "hidden" | "collapse" => s.visible = false,
                "visible" => s.visible = true,
                _ => {}
            },
            "opacity" => opaque = value.trim_end_matches('%').parse::<f64>().is_ok_and(|v| v > 0.0),
            "stroke-dasharray" => {
                s.dashed = value != "none" && numbers(value).0.iter().any(|d| *d > 0.0);
            }
            "transform" => moved = Some(value),
            "transform-origin" => origin = Some(value),
            "clip-path" => clip = value != "none",
            "mask" => mask = value != "none",
            "marker" | "marker-start" | "marker-mid" | "marker-end" => markers |= value.starts_with("url"),
            "font-size" => size = Some(value),
            _ if fonts::PROPERTIES.contains(&name) => {
                let list = font.get_or_insert_with(|| (*outer.font).clone());
                list.retain(|f| f.0 != name);
                list.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        });
        if let Some(font) = font {
            s.font = Rc::new(font);
        }
        if let Some(value) = size {
            s.font_size = self.font_size(value, outer.font_size);
        }
        s.opaque &= opaque;
        if let Some(text) = moved {
            if let Some(t) = transform(text) {
                // The origin is counted from the viewport's (CSS Transforms 1, transform-box: view-box).
                let [x, y] = origin.map_or([0.0; 2], |o| self.origin(o, outer));
                s.to_mm *= affine(1.0, 0.0, 0.0, 1.0, x, y) * t * affine(1.0, 0.0, 0.0, 1.0, -x, -y);
            } else {
                let span = self.span(node);
                count(&mut self.counts.broken_transform, span);
            }
        }
        if !display {
            s.excluded = s.excluded.or(Some(Exclusion::Invisible));
        }
        if s.excluded.is_none() && s.visible {
            for (found, what, why) in [
                (clip, "clip-path", "clipping is not applied; the whole shape is kept"),
                (mask, "mask", "masks are not applied; the whole shape is kept"),
                (markers, "marker", "arrow heads and other markers are not drawn"),
            ] {
                if found {
                    self.ignore(what, why, node);
                }
            }
        }
        s
    }

    fn origin(&self, text: &str, state: &State) -> [f64; 2] {
        let mut words = text.split_ascii_whitespace();
        let (a, b) = (words.next().unwrap_or("0"), words.next().unwrap_or("center"));
        // Keywords may stand in either order.
        let (a, b) =
            if matches!(a, "top" | "bottom") || matches!(b, "left" | "right") { (b, a) } else { (a, b) };
        let place = |word: &str, whole: f64| match word {
            "left" | "top" => 0.0,
            "center" => whole / 2.0,
            "right" | "bottom" => whole,
            length => self.length(length, whole, state).unwrap_or(0.0),
        };
        [place(a, state.viewport[0]), place(b, state.viewport[1])]
    }

    fn font_size(&self, value: &str, outer: f64) -> f64 {
        let size = match Length::parse(value) {
            Some(Length { number, unit: Unit::Percent }) => number / 100.0 * outer,
            Some(Length { number, unit: Unit::Em }) => number * outer,
            Some(Length { number, unit: Unit::Ex }) => number * outer / 2.0,
            Some(l) => l.number * l.unit.mm().map_or(1.0, |mm| mm * self.page.dpi / 25.4),
            None => match value {
                "xx-small" => 9.0,
                "x-small" => 10.0,
                "small" => 13.0,
                "medium" => 16.0,
                "large" => 18.0,
                "x-large" => 24.0,
                "xx-large" => 32.0,
                _ => outer,
            },
        };
        if size.is_finite() && size >= 0.0 { size } else { outer }
    }

    /// Returns a length in user units; `whole` is what a percentage is of.
    fn length(&self, text: &str, whole: f64, state: &State) -> Option<f64> {
        let Length { number, unit } = Length::parse(text)?;
        Some(match unit {
            Unit::None | Unit::Px => number,
            Unit::Percent => number / 100.0 * whole,
            Unit::Em => number * state.font_size,
            Unit::Ex => number * state.font_size / 2.0,
            absolute => number * absolute.mm()? * self.page.dpi / 25.4,
        })
    }

    fn measure(&mut self, node: Node<'_, '_>, name: &str, axis: Axis, state: &State) -> Option<f64> {
        let text = node.attribute(name)?;
        let [w, h] = state.viewport;
        let whole = match axis {
            Axis::X => w,
            Axis::Y => h,
            Axis::Both => w.hypot(h) / std::f64::consts::SQRT_2,
        };
        let value = self.length(text, whole, state);
        if value.is_none() && text.trim() != "auto" {
            let span = self.span(node);
            count(&mut self.counts.broken, span);
        }
        value
    }

    fn x(&mut self, node: Node<'_, '_>, name: &str, state: &State) -> f64 {
        self.measure(node, name, Axis::X, state).unwrap_or(0.0)
    }

    fn y(&mut self, node: Node<'_, '_>, name: &str, state: &State) -> f64 {
        self.measure(node, name, Axis::Y, state).unwrap_or(0.0)
    }

    fn children(&mut self, node: Node<'a, 'a>, state: &State, depth: u32) {
        for child in node.children().filter(Node::is_element) {
            if self.counts.stopped {
                return;
            }
            self.element(child, state, depth + 1);
        }
    }

    fn element(&mut self, node: Node<'a, 'a>, outer: &State, depth: u32) {
        let name = node.tag_name().name();
        if !matches!(node.tag_name().namespace(), None | Some(SVG)) || is_silent(name) {
            return;
        }
        if depth > MOST_DEPTH {
            if !self.counts.deep {
                self.counts.deep = true;
                let d = Diagnostic::error(
                    "svg/too-deep",
                    format!("elements are nested more than {MOST_DEPTH} deep; the rest is left out"),
                );
                let d = d.span(self.span(node)).hint("ungroup the drawing, or flatten it on export");
                self.out.diagnostics.push(d);
            }
            return;
        }
        if self.budget == 0 {
            self.counts.stopped = true;
            let d = Diagnostic::error(
                "svg/too-many-copies",
                "the file draws copies of copies without end; the rest is left out",
            );
            self.out.diagnostics.push(d.span(self.span(node)).hint("unlink the clones and export it again"));
            return;
        }
        self.budget -= 1;
        let mut state = self.styled(node, outer);
        match name {
            "g" | "a" => {
                self.enter_layer(node, &mut state);
                self.children(node, &state, depth);
            }
            "svg" => {
                self.viewport(node, &mut state, None);
                self.children(node, &state, depth);
            }
            "switch" => {
                let chosen = node.children().filter(Node::is_element).find(|c| passes(*c));
                if let Some(c) = chosen {
                    self.element(c, &state, depth + 1);
                }
            }
            "use" => self.copy(node, state, depth),
            "path" => {
                let data = node.attribute("d").unwrap_or_default();
                let mut pen = PathBuilder::default();
                let f = follow(data, &mut pen);
                if let (Some(at), Some(a)) = (f.broken, node.attribute_node("d")) {
                    let start = a.range_value().start + at;
                    let span = self.source.span(start..start + 1);
                    count(&mut self.counts.broken, span);
                }
                if state.excluded.is_none() {
                    self.counts.circular += f.circular;
                }
                self.draw(node, &state, pen.finish());
            }
            "rect" | "circle" | "ellipse" | "line" | "polyline" | "polygon" => {
                let curve = self.primitive(name, node, &state);
                match curve {
                    Some(c) => self.draw(node, &state, vec![c]),
                    None => self.ignore(name, "it has no size", node),
                }
            }
            "text" => self.text(node, &state),
            _ if state.excluded.is_some() || !state.visible => {}
            "image" => self.ignore(name, "pictures have no outlines; trace them first", node),
            "foreignObject" => self.ignore(name, "it is no drawing", node),
            "flowRoot" | "flowDiv" | "flowPara" => {
                self.ignore(name, "flowed text is not standard; convert it to paths", node);
            }
            "tspan" | "tref" | "textPath" => self.ignore(name, "it stands outside of a text", node),
            _ => self.ignore(name, "it is no element of SVG that draws", node),
        }
    }

    /// Finds the layer that a group stands for: Inkscape's label; in other files the outermost named group.
    fn enter_layer(&mut self, node: Node<'a, 'a>, state: &mut State) {
        let id = node.attribute("id");
        let label = node.attribute((INKSCAPE, "label"));
        if node.attribute((INKSCAPE, "groupmode")) == Some("layer") {
            let hidden = state.excluded == Some(Exclusion::Invisible);
            let index = self.layer(label.or(id).unwrap_or("layer"));
            state.layer = Some(index);
            if hidden {
                state.excluded = Some(Exclusion::LayerHidden);
                self.out.value.layers[index as usize].hidden = true;
            }
        } else if !self.labelled && !state.grouped && !self.wrappers.contains(&node.id()) {
            // Illustrator keeps the name as typed in data-name.
            if let Some(name) = label.or(node.attribute("data-name")).or(id) {
                state.layer = Some(self.layer(&unescaped(name)));
                state.grouped = true;
            }
        }
    }

    fn layer(&mut self, name: &str) -> u32 {
        if let Some(i) = self.layers.get(name) {
            return *i;
        }
        let i = self.out.value.layers.len() as u32;
        self.layers.insert(name.to_owned(), i);
        self.out.value.layers.push(Layer { name: name.to_owned(), colour: None, hidden: false });
        i
    }

    /// Enters a nested viewport; `size` overrides its width and height (`use`).
    fn viewport(&mut self, node: Node<'a, 'a>, state: &mut State, size: Option<[Option<f64>; 2]>) {
        let (mut x, mut y) = (0.0, 0.0);
        if node.tag_name().name() == "svg" {
            (x, y) = (self.x(node, "x", state), self.y(node, "y", state));
        }
        let [w, h] = size.unwrap_or_default();
        let w = w.or_else(|| self.measure(node, "width", Axis::X, state)).unwrap_or(state.viewport[0]);
        let h = h.or_else(|| self.measure(node, "height", Axis::Y, state)).unwrap_or(state.viewport[1]);
        state.to_mm *= affine(1.0, 0.0, 0.0, 1.0, x, y);
        state.viewport = [w, h];
        if let Some(v) = ViewBox::of(node).filter(|_| w > 0.0 && h > 0.0) {
            state.to_mm *= v.fit(w, h, node);
            state.viewport = [v.width, v.height];
        }
    }

    /// Draws what a `use` points to, in its style and at its place.
    fn copy(&mut self, node: Node<'a, 'a>, mut state: State, depth: u32) {
        let Some(target) = link(node).and_then(|id| self.ids.get(id).copied()) else {
            return self.ignore("use", "it points to nothing in the file", node);
        };
        // A loop: the element is being drawn already, by a use or as an ancestor.
        if self.using.contains(&target.id()) || node.ancestors().any(|a| a == target) {
            return self.ignore("use", "it points to itself", node);
        }
        self.using.push(target.id());
        let (x, y) = (self.x(node, "x", &state), self.y(node, "y", &state));
        state.to_mm *= affine(1.0, 0.0, 0.0, 1.0, x, y);
        let name = target.tag_name().name();
        if matches!(name, "symbol" | "svg") {
            let w = self.measure(node, "width", Axis::X, &state);
            let h = self.measure(node, "height", Axis::Y, &state);
            let mut state = self.styled(target, &state);
            self.viewport(target, &mut state, Some([w, h]));
            self.children(target, &state, depth + 1);
        } else {
            self.element(target, &state, depth + 1);
        }
        self.using.pop();
    }

    fn primitive(&mut self, name: &str, node: Node<'a, 'a>, s: &State) -> Option<Curve> {
        let mut pen = PathBuilder::default();
        match name {
            "circle" | "ellipse" => {
                let c = Point::new(self.x(node, "cx", s), self.y(node, "cy", s));
                let (rx, ry) = if name == "circle" {
                    let r = self.measure(node, "r", Axis::Both, s)?;
                    (r, r)
                } else {
                    let rx = self.measure(node, "rx", Axis::X, s);
                    let ry = self.measure(node, "ry", Axis::Y, s);
                    (rx.or(ry)?, ry.or(rx)?)
                };
                if !(rx > 0.0 && ry > 0.0) {
                    return None;
                }
                if rx == ry {
                    return Some(Curve::Polyline(Polyline::circle(c, rx)));
                }
                return Some(Curve::Ellipse(shop_geom::curve::EllipseArc {
                    center: c,
                    major: Vector::new(rx, 0.0),
                    minor: Vector::new(0.0, ry),
                    start: 0.0,
                    sweep: std::f64::consts::TAU,
                }));
            }
            "rect" => {
                let (x, y) = (self.x(node, "x", s), self.y(node, "y", s));
                let w = self.measure(node, "width", Axis::X, s)?;
                let h = self.measure(node, "height", Axis::Y, s)?;
                if !(w > 0.0 && h > 0.0) {
                    return None;
                }
                let rx = self.measure(node, "rx", Axis::X, s).filter(|r| *r >= 0.0);
                let ry = self.measure(node, "ry", Axis::Y, s).filter(|r| *r >= 0.0);
                // One radius given stands for both (SVG 2, 10.2).
                let (rx, ry) = (rx.or(ry).unwrap_or(0.0).min(w / 2.0), ry.or(rx).unwrap_or(0.0).min(h / 2.0));
                let round = rx > 0.0 && ry > 0.0;
                let (rx, ry) = if round { (rx, ry) } else { (0.0, 0.0) };
                pen.move_to(Point::new(x + rx, y));
                let mut corner = |px: f64, py: f64, qx: f64, qy: f64| {
                    pen.line_to(Point::new(px, py));
                    if round {
                        pen.arc_to(rx, ry, 0.0, false, true, Point::new(qx, qy));
                    }
                };
                corner(x + w - rx, y, x + w, y + ry);
                corner(x + w, y + h - ry, x + w - rx, y + h);
                corner(x + rx, y + h, x, y + h - ry);
                corner(x, y + ry, x + rx, y);
                pen.close();
            }
            "line" => {
                pen.move_to(Point::new(self.x(node, "x1", s), self.y(node, "y1", s)));
                pen.line_to(Point::new(self.x(node, "x2", s), self.y(node, "y2", s)));
            }
            _ => {
                let (v, whole) = numbers(node.attribute("points").unwrap_or_default());
                if !whole || v.len() % 2 == 1 {
                    let span = self.span(node);
                    count(&mut self.counts.broken, span);
                }
                let mut points = v.chunks_exact(2).map(|p| Point::new(p[0], p[1]));
                pen.move_to(points.next()?);
                points.for_each(|p| pen.line_to(p));
                if name == "polygon" {
                    pen.close();
                }
            }
        }
        pen.finish().pop()
    }

    /// Adds curves in user units to the drawing.
    fn draw(&mut self, node: Node<'a, 'a>, state: &State, curves: Vec<Curve>) {
        let span = self.span(node);
        let server = |p: &Paint| matches!(p, Paint::Server(..));
        let painted = |p: &Paint| *p != Paint::None;
        let shown = state.excluded.is_none() && state.visible;
        let excluded = state.excluded.or((!state.visible).then_some(Exclusion::Invisible));
        let colour = self.paint(&state.stroke, state).or_else(|| self.paint(&state.fill, state));
        if shown {
            if !painted(&state.fill) && !painted(&state.stroke) || !state.opaque {
                count(&mut self.counts.unpainted, span);
            }
            if server(&state.fill) && self.is_pattern(&state.fill) {
                self.ignore("pattern", "the tiles of a fill are not drawn; the outline is kept", node);
            }
            if state.dashed && painted(&state.stroke) {
                self.ignore("stroke-dasharray", "dashed lines are cut through", node);
            }
        }
        let area_only = painted(&state.fill) && !painted(&state.stroke);
        let layer = match state.layer {
            Some(l) => l,
            None => self.layer(NO_LAYER),
        };
        for mut curve in curves {
            let point = matches!(&curve, Curve::Polyline(p) if p.vertices.len() < 2);
            if point {
                if shown {
                    self.ignore(node.tag_name().name(), "a subpath has no length", node);
                }
                continue;
            }
            // What is filled and not stroked shows nothing but its area, and an area is closed.
            let has_area =
                !matches!(&curve, Curve::Polyline(p) if p.vertices.len() < 3 && p.vertices[0].bulge == 0.0);
            if area_only && has_area && !curve.is_closed(0.0) {
                if shown && !curve.is_closed(1e-3) {
                    count(&mut self.counts.filled, span);
                }
                curve = curve.closed_by_line();
            }
            let curve = curve.transformed(&state.to_mm);
            // Beyond ten kilometres nothing is a part.
            let far = |b: shop_geom::Aabb| b.is_empty() || b.min.coords.amax().max(b.max.coords.amax()) > 1e7;
            if !curve.is_finite() || far(curve.hull()) {
                self.ignore(node.tag_name().name(), "its coordinates are out of all bounds", node);
                continue;
            }
            if !shown {
                count(&mut self.counts.hidden, span);
            } else if self.off_page(&curve) {
                count(&mut self.counts.off_page, span);
            }
            self.out.value.shapes.push(Shape { curve, layer, colour, span, excluded });
        }
    }

    /// True when nothing of the curve is on the page, where one would see it.
    fn off_page(&self, curve: &Curve) -> bool {
        let (Some(w), Some(h)) = (self.page.width, self.page.height) else { return false };
        let b = curve.hull();
        b.min.x > w || b.min.y > h || b.max.x < 0.0 || b.max.y < 0.0
    }

    fn is_pattern(&self, paint: &Paint) -> bool {
        matches!(paint, Paint::Server(id, _) if self.ids.get(id.as_str()).is_some_and(|n| n.tag_name().name() == "pattern"))
    }

    /// Returns the colour that a paint shows: of a gradient its first stop.
    fn paint(&self, paint: &Paint, state: &State) -> Option<Rgb> {
        match paint {
            Paint::None => None,
            Paint::Colour(c) => Some(*c),
            Paint::Current => Some(state.colour),
            Paint::Server(id, fallback) => {
                let mut at = self.ids.get(id.as_str()).copied();
                // Gradients inherit their stops from one another.
                for _ in 0..8 {
                    let node = at?;
                    let stop = node.children().find(|c| c.tag_name().name() == "stop");
                    if let Some(stop) = stop {
                        let mut found = None;
                        self.sheet.apply(stop, |name, value| {
                            if name == "stop-color" {
                                found = colour(value);
                            }
                        });
                        return found.or(*fallback).or(Some([0, 0, 0]));
                    }
                    at = link(node).and_then(|id| self.ids.get(id).copied());
                }
                *fallback
            }
        }
    }

    /// Keeps a text for its outlines, or as text.
    fn text(&mut self, node: Node<'a, 'a>, state: &State) {
        let span = self.span(node);
        if state.excluded.is_some() || !state.visible {
            count(&mut self.counts.hidden, span);
            return;
        }
        let layer = match state.layer {
            Some(l) => l,
            None => self.layer(NO_LAYER),
        };
        let colour = self.paint(&state.stroke, state).or_else(|| self.paint(&state.fill, state));
        let texts = self.lines(node, state, layer, colour, span);
        if texts.is_empty() {
            return;
        }
        self.texts.push(TextJob {
            node,
            to_mm: state.to_mm,
            layer,
            colour,
            span,
            font: state.font.clone(),
            font_size: state.font_size,
            texts,
        });
    }

    /// Returns the lines of a text element: a new one wherever a part has a place of its own.
    fn lines(
        &mut self,
        node: Node<'a, 'a>,
        state: &State,
        layer: u32,
        colour: Option<Rgb>,
        span: Span,
    ) -> Vec<Text> {
        let anchor = state.font.iter().find(|f| f.0 == "text-anchor").map_or("start", |f| f.1.trim());
        let before = match anchor {
            "middle" => 0.5,
            "end" => 1.0,
            _ => 0.0,
        };
        let x_axis = state.to_mm * Vector::new(1.0, 0.0);
        let y_axis = state.to_mm * Vector::new(0.0, 1.0);
        let mut out: Vec<Text> = Vec::new();
        let mut stack = vec![(node, 0.0, 0.0, state.font_size)];
        let mut visited = 0;
        while let Some((n, x, y, size)) = stack.pop() {
            visited += 1;
            if visited > 100_000 {
                break;
            }
            if n.is_text() {
                let text: String =
                    n.text().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
                if text.is_empty() {
                    continue;
                }
                let at = state.to_mm * Point::new(x, y);
                match out.last_mut() {
                    Some(last) if last.at == at => {
                        last.text.push(' ');
                        last.text.push_str(&text);
                    }
                    // y runs down in user space.
                    _ => out.push(Text {
                        text,
                        at,
                        along: x_axis * (CAPITALS * size),
                        up: y_axis * (-CAPITALS * size),
                        anchor: Anchor { before, ..Anchor::default() },
                        fit: Fit::Free,
                        layer,
                        colour,
                        span,
                    }),
                }
                continue;
            }
            if !n.is_element() || !matches!(n.tag_name().name(), "text" | "tspan" | "textPath" | "a" | "tref")
            {
                continue;
            }
            let first =
                |name: &str| n.attribute(name).and_then(|t| t.split([' ', ',']).find(|p| !p.is_empty()));
            let x = first("x").and_then(|t| self.length(t, state.viewport[0], state)).unwrap_or(x);
            let y = first("y").and_then(|t| self.length(t, state.viewport[1], state)).unwrap_or(y);
            let mut size = size;
            let outer = size;
            if n != node {
                self.sheet.apply(n, |name, value| {
                    if name == "font-size" {
                        size = self.font_size(value, outer);
                    }
                });
            }
            let children: Vec<_> = n.children().collect();
            stack.extend(children.into_iter().rev().map(|c| (c, x, y, size)));
        }
        out
    }

    fn draw_texts(&mut self) {
        let jobs = std::mem::take(&mut self.texts);
        let drawn = match &self.options.fonts {
            Some(f) => fonts::outlines(&jobs, f, self.sheet, &self.ids),
            None => vec![Vec::new(); jobs.len()],
        };
        let mut left = Vec::new();
        for (job, curves) in jobs.into_iter().zip(drawn) {
            if curves.is_empty() {
                left.push(job);
                continue;
            }
            for curve in curves.into_iter().map(|c| c.transformed(&job.to_mm)).filter(Curve::is_finite) {
                let (layer, colour, span) = (job.layer, job.colour, job.span);
                self.out.value.shapes.push(Shape { curve, layer, colour, span, excluded: None });
            }
        }
        if self.options.keep_texts {
            self.out.value.texts.extend(left.into_iter().flat_map(|j| j.texts));
            return;
        }
        let Some(first) = left.first() else { return };
        let (span, count) = (first.span, left.len());
        let why =
            if self.options.fonts.is_some() { "no font given has its letters" } else { "no font is given" };
        let ignored = crate::Ignored { what: "text".to_owned(), why, count: count as u32, first: span };
        self.out.value.ignored.push(ignored);
        let d = Diagnostic::warning("svg/text", format!("text is not drawn: {why}"));
        self.out.diagnostics.push(
            d.span(span).count(count).hint("convert it to paths in the drawing program, or give a font"),
        );
        self.out.value.texts.extend(left.into_iter().flat_map(|j| j.texts));
    }

    /// Says what was found, once for each kind.
    fn say(&mut self) {
        let c = &self.counts;
        let all = [
            (
                c.broken,
                Diagnostic::warning("svg/bad-value", "path data or a number is broken; drawn up to there"),
                "mend or redraw the shape",
            ),
            (
                c.broken_transform,
                Diagnostic::warning("svg/bad-transform", "a transform is broken and left out"),
                "the shape may be at the wrong place",
            ),
            (
                c.filled,
                Diagnostic::info(
                    "svg/closed-fill",
                    "a filled shape is not closed; closed by a line, as it shows",
                ),
                "close the path if it is meant as a line: give it a stroke instead of a fill",
            ),
            (
                c.unpainted,
                Diagnostic::info(
                    "svg/unpainted",
                    "a shape has neither fill nor stroke and is invisible; it is kept",
                ),
                "delete or hide it if it is not to be made",
            ),
            (
                c.off_page,
                Diagnostic::info("svg/off-page", "a shape lies wholly outside of the page; it is kept"),
                "delete or hide it if it is not to be made",
            ),
            (
                c.hidden,
                Diagnostic::info("svg/hidden", "a shape is hidden and left out"),
                "show its layer or the shape if it is to be made",
            ),
        ];
        let all = all.into_iter().filter_map(|(found, d, hint)| {
            let (span, n) = found?;
            Some(d.span(span).count(n as usize).hint(hint))
        });
        self.out.diagnostics.extend(all);
        if c.circular > 0 {
            let d =
                Diagnostic::info("svg/circular", "a Bézier stands for a circular arc and is taken as one");
            self.out.diagnostics.push(d.count(c.circular as usize));
        }
        if self.sheet.unknown > 0 {
            let d =
                Diagnostic::info("svg/css", "a style rule has a selector that is not understood; left out");
            self.out.diagnostics.push(d.count(self.sheet.unknown as usize));
        }
        let ignored: Vec<Diagnostic> = (self.out.value.ignored.iter())
            .filter(|i| i.what != "text")
            .map(|i| {
                let d = Diagnostic::warning("svg/ignored", format!("{}: {}", shorten(&i.what), i.why));
                d.span(i.first).count(i.count as usize)
            })
            .collect();
        self.out.diagnostics.extend(ignored);
    }
}

#[derive(Clone, Copy)]
enum Axis {
    X,
    Y,
    Both,
}

/// The keyword `inherit` takes the outer paint; nonsense changes nothing.
fn inherited(value: &str, own: &Paint, outer: &Paint) -> Paint {
    if value == "inherit" { outer.clone() } else { own.clone() }
}

/// Returns the id that an element links to within the file.
pub(super) fn link<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let href = node.attribute("href").or_else(|| node.attribute(("http://www.w3.org/1999/xlink", "href")))?;
    href.trim().strip_prefix('#')
}

/// True when a child of `switch` is to be drawn: no foreign extension, and a language that is ours or not named.
fn passes(node: Node<'_, '_>) -> bool {
    let language = node.attribute("systemLanguage");
    node.attribute("requiredExtensions").is_none_or(|e| e.trim().is_empty())
        && node.tag_name().name() != "foreignObject"
        && language.is_none_or(|l| l.split(',').any(|l| l.trim().starts_with("en")))
}

/// Decodes the `_x20_` of Illustrator's ids.
fn unescaped(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    let mut rest = id;
    while let Some(at) = rest.find("_x") {
        let code = rest[at + 2..].split('_').next().unwrap_or_default();
        let end = at + 2 + code.len();
        let decoded = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
        match decoded {
            Some(c) if (2..=5).contains(&code.len()) && rest[end..].starts_with('_') && !c.is_control() => {
                out.push_str(&rest[..at]);
                out.push(c);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}
