//! The page: what is drawn where, in points from the upper left, before anyone knows how.

use super::PreviewInput;
use super::trail::{Run, Trail, follow};
use crate::piece::Piece;
use shop_cam::intent::Goal;
use shop_geom::{Aabb, Point, Polyline, Vector};

/// A colour with its opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paint {
    pub rgb: [u8; 3],
    pub opacity: f64,
}

/// A step of an outline, in page points.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Move(Point),
    Line(Point),
    /// An arc from where the pen is.
    Arc(Piece),
    Close,
}

/// Where a text is anchored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing on the page.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Fill {
        steps: Vec<Step>,
        paint: Paint,
    },
    Stroke {
        steps: Vec<Step>,
        paint: Paint,
        width: f64,
        dash: Option<[f64; 2]>,
    },
    Dots {
        at: Vec<Point>,
        radius: f64,
        paint: Paint,
    },
    /// A text; a halo of paper keeps it legible over lines.
    Text {
        at: Point,
        size: f64,
        anchor: Anchor,
        paint: Paint,
        halo: bool,
        text: String,
    },
}

/// The page.
pub(super) struct Scene {
    pub width: f64,
    pub height: f64,
    pub items: Vec<Item>,
}

const WIDTH: f64 = 1600.0;
const TITLE: f64 = 64.0;
const LEGEND: f64 = 56.0;
const MARGIN: f64 = 28.0;

const fn paint(rgb: [u8; 3], opacity: f64) -> Paint {
    Paint { rgb, opacity }
}
const PAPER: Paint = paint([255, 255, 255], 1.0);
const INK: Paint = paint([33, 37, 41], 1.0);
const FAINT: Paint = paint([108, 117, 125], 1.0);
const BED: Paint = paint([206, 212, 218], 1.0);
const SHEET: Paint = paint([241, 243, 245], 1.0);
const SHEET_EDGE: Paint = paint([134, 142, 150], 1.0);
const PART: Paint = paint([196, 214, 232], 1.0);
const PART_EDGE: Paint = paint([73, 92, 112], 1.0);
const CUT: Paint = paint([217, 72, 15], 1.0);
const KERF: Paint = paint([240, 101, 30], 0.38);
const LEAD: Paint = paint([121, 40, 202], 1.0);
const RAPID: Paint = paint([25, 113, 194], 0.75);

/// From mm to page points.
#[derive(Clone, Copy)]
struct View {
    scale: f64,
    origin: Point,
    corner: Point,
}

impl View {
    fn point(&self, p: Point) -> Point {
        Point::new(
            self.corner.x + (p.x - self.origin.x) * self.scale,
            self.corner.y - (p.y - self.origin.y) * self.scale,
        )
    }

    /// Returns the piece on the page; y turns over, so arcs turn the other way.
    fn piece(&self, p: &Piece) -> Piece {
        Piece {
            a: self.point(p.a),
            b: self.point(p.b),
            center: self.point(p.center),
            radius: p.radius * self.scale,
            sweep: -p.sweep,
        }
    }
}

/// Lays the page out. O(pieces).
pub(super) fn lay_out(input: &PreviewInput<'_>) -> Scene {
    let trail = follow(input);
    let (view, height) = view(input, &trail);
    let mut items = Vec::new();
    ground(input, &view, &mut items);
    parts(input, &view, &area(input, &trail), &mut items);
    paths(&trail, &view, &mut items);
    marks(&trail, &view, height, &mut items);
    frame(input, &trail, &view, height, &mut items);
    Scene { width: WIDTH, height, items }
}

/// Chooses scale and height of the page.
fn view(input: &PreviewInput<'_>, trail: &Trail) -> (View, f64) {
    let area = area(input, trail);
    let width = WIDTH - 2.0 * MARGIN;
    let scale = (width / area.width().max(1e-6)).min(1180.0 / area.height().max(1e-6)).min(1e4);
    let tall = (area.height() * scale).clamp(320.0, 1180.0);
    let height = (TITLE + LEGEND + 2.0 * MARGIN + tall).round();
    let c = area.center();
    let middle = Point::new(0.5 * WIDTH, TITLE + MARGIN + 0.5 * tall);
    (View { scale, origin: c, corner: middle }, height)
}

/// Returns what should be seen. Sheet and bed are shown whole unless that would make the work tiny.
pub(super) fn area(input: &PreviewInput<'_>, trail: &Trail) -> Aabb {
    let mut area = trail.bounds;
    let large = |b: &Aabb| b.width().max(b.height());
    let reach = trail.runs.iter().map(|r| r.radius).fold(0.0, f64::max).min(large(&area));
    area = area.inflated(reach.max(0.01 * large(&area)).max(0.1));
    for (whole, most) in [(input.intent.and_then(|i| i.sheet), 4.0), (input.bed, 2.5)] {
        if let Some(b) = whole.filter(|b| !b.is_empty() && large(b) <= most * large(&area)) {
            area = area.union(b);
        }
    }
    area
}

fn outline(view: &View, line: &Polyline, steps: &mut Vec<Step>) {
    let Some(first) = line.first() else { return };
    steps.push(Step::Move(view.point(first)));
    for s in line.segments() {
        step(view, &Piece::of(&s), steps);
    }
    if line.closed {
        steps.push(Step::Close);
    }
}

/// Shorter than this is one point on the page, points.
const DOT: f64 = 0.2;

fn step(view: &View, piece: &Piece, steps: &mut Vec<Step>) {
    let p = view.piece(piece);
    let last = match steps.last() {
        Some(Step::Move(q) | Step::Line(q)) => Some(*q),
        Some(Step::Arc(q)) => Some(q.b),
        _ => None,
    };
    // Steps that would not be seen are left out; the next one starts where the pen is.
    if p.length() < DOT && last.is_some_and(|q| (p.b - q).norm_squared() < DOT * DOT) {
        return;
    }
    if p.is_line() || p.radius * (1.0 - (0.5 * p.sweep).cos()).abs() < 0.02 && p.sweep.abs() < 3.0 {
        steps.push(Step::Line(p.b));
    } else {
        steps.push(Step::Arc(p));
    }
}

fn rectangle(view: &View, b: &Aabb) -> Vec<Step> {
    let line = Polyline::polygon([b.min, Point::new(b.max.x, b.min.y), b.max, Point::new(b.min.x, b.max.y)]);
    let mut steps = Vec::new();
    outline(view, &line, &mut steps);
    steps
}

fn ground(input: &PreviewInput<'_>, view: &View, items: &mut Vec<Item>) {
    if let Some(bed) = input.bed.filter(|b| !b.is_empty()) {
        items.push(Item::Stroke {
            steps: rectangle(view, &bed),
            paint: BED,
            width: 2.0,
            dash: Some([12.0, 6.0]),
        });
    }
    if let Some(sheet) = input.intent.and_then(|i| i.sheet).filter(|b| !b.is_empty()) {
        items.push(Item::Fill { steps: rectangle(view, &sheet), paint: SHEET });
        items.push(Item::Stroke {
            steps: rectangle(view, &sheet),
            paint: SHEET_EDGE,
            width: 1.2,
            dash: None,
        });
    }
}

/// Returns where solid that has no outer edge of its own ends; none when it has one.
pub(super) fn unbounded(input: &PreviewInput<'_>, area: &Aabb) -> Option<Aabb> {
    let intent = input.intent?;
    let solid: f64 = intent.kept.iter().map(Polyline::area).sum();
    (solid < 0.0).then(|| intent.sheet.filter(|s| !s.is_empty()).unwrap_or(*area))
}

fn parts(input: &PreviewInput<'_>, view: &View, area: &Aabb, items: &mut Vec<Item>) {
    let Some(intent) = input.intent else { return };
    let mut steps = Vec::new();
    // Solid without an outer edge, as round a pocket in a sheet nobody drew, ends with the sheet or the picture.
    if let Some(around) = unbounded(input, area) {
        steps.append(&mut rectangle(view, &around));
    }
    for kept in &intent.kept {
        outline(view, kept, &mut steps);
    }
    if !steps.is_empty() {
        items.push(Item::Fill { steps, paint: PART });
    }
    let mut steps = Vec::new();
    for goal in &intent.goals {
        match goal {
            Goal::Profile { contour, .. } => outline(view, contour, &mut steps),
            Goal::Pocket { boundary, .. } => boundary.iter().for_each(|b| outline(view, b, &mut steps)),
            Goal::Trace { line, .. } => outline(view, line, &mut steps),
            Goal::Drill { at, diameter, .. } => {
                outline(view, &Polyline::circle(*at, 0.5 * diameter), &mut steps);
            }
        }
    }
    if !steps.is_empty() {
        items.push(Item::Stroke { steps, paint: PART_EDGE, width: 0.8, dash: None });
    }
}

/// Steps to one stroke: small enough that a renderer's work on it stays local.
const MOST_STEPS: usize = 4000;

fn paths(trail: &Trail, view: &View, items: &mut Vec<Item>) {
    let cuts = || trail.runs.iter().filter(|r| !r.rapid);
    // The true width, where it is wider than the line drawn in its middle.
    let mut steps = Vec::new();
    let mut width = 0.0;
    let mut kerf = |steps: &mut Vec<Step>, width: f64| {
        if !steps.is_empty() {
            let steps = std::mem::take(steps);
            items.push(Item::Stroke { steps, paint: KERF, width, dash: None });
        }
    };
    for run in cuts() {
        let w = 2.0 * run.radius * view.scale;
        if w != width || steps.len() > MOST_STEPS {
            kerf(&mut steps, width);
            width = w;
        }
        if w > 1.4 {
            chain(view, &run.pieces, &mut steps);
        }
    }
    kerf(&mut steps, width);
    let thin: f64 = if trail.pierces > 2000 { 0.6 } else { 1.1 };
    let rapids = trail.runs.iter().filter(|r| r.rapid).map(|r| &r.pieces[..]);
    strokes(view, rapids, RAPID, thin.min(0.8), Some([6.0, 4.0]), items);
    let body = |r: &Run| (r.lead_in, r.pieces.len() - r.lead_out.min(r.pieces.len() - r.lead_in));
    strokes(view, cuts().map(|r| &r.pieces[body(r).0..body(r).1]), CUT, thin, None, items);
    let leads = cuts().flat_map(|r| [&r.pieces[..body(r).0], &r.pieces[body(r).1..]]);
    strokes(view, leads, LEAD, thin * 1.3, None, items);
}

fn chain(view: &View, pieces: &[Piece], steps: &mut Vec<Step>) {
    let Some(first) = pieces.first() else { return };
    steps.push(Step::Move(view.point(first.a)));
    for p in pieces {
        step(view, p, steps);
    }
}

fn strokes<'a>(
    view: &View,
    chains: impl Iterator<Item = &'a [Piece]>,
    paint: Paint,
    width: f64,
    dash: Option<[f64; 2]>,
    items: &mut Vec<Item>,
) {
    let mut steps = Vec::new();
    for pieces in chains {
        chain(view, pieces, &mut steps);
        if steps.len() > MOST_STEPS {
            items.push(Item::Stroke { steps: std::mem::take(&mut steps), paint, width, dash });
        }
    }
    if !steps.is_empty() {
        items.push(Item::Stroke { steps, paint, width, dash });
    }
}

/// Which cells of the page are taken by a number or arrow, so that dense pictures stay legible.
struct Taken {
    columns: usize,
    rows: usize,
    cells: Vec<bool>,
}

const CELL: f64 = 7.0;

impl Taken {
    fn new(height: f64) -> Self {
        let (columns, rows) = ((WIDTH / CELL) as usize + 1, (height / CELL) as usize + 1);
        Taken { columns, rows, cells: vec![false; columns * rows] }
    }

    /// Takes the box when it is free and on the page.
    fn take(&mut self, b: &Aabb) -> bool {
        let page =
            Aabb::new(Point::origin(), Point::new(self.columns as f64 * CELL, self.rows as f64 * CELL));
        if !page.contains(b.center()) {
            return false;
        }
        let cell = |v: f64, n: usize| ((v / CELL).max(0.0) as usize).min(n - 1);
        let (x0, x1) = (cell(b.min.x, self.columns), cell(b.max.x, self.columns));
        let (y0, y1) = (cell(b.min.y, self.rows), cell(b.max.y, self.rows));
        let all = || (y0..=y1).flat_map(move |y| (x0..=x1).map(move |x| (x, y)));
        if all().any(|(x, y)| self.cells[y * self.columns + x]) {
            return false;
        }
        for (x, y) in all() {
            self.cells[y * self.columns + x] = true;
        }
        true
    }
}

fn marks(trail: &Trail, view: &View, height: f64, items: &mut Vec<Item>) {
    let cuts: Vec<&Run> = trail.runs.iter().filter(|r| !r.rapid).collect();
    let dense = cuts.len() > 1000;
    let mut taken = Taken::new(height);
    let starts: Vec<Point> = cuts.iter().map(|r| view.point(r.pieces[0].a)).collect();
    let mut texts = Vec::new();
    let size = if dense { 9.0 } else { 12.0 };
    for (i, p) in starts.iter().enumerate() {
        let text = (i + 1).to_string();
        let wide = 0.62 * size * text.len() as f64;
        let b = Aabb::new(Point::new(p.x - 3.0, p.y - size - 2.0), Point::new(p.x + 5.0 + wide, p.y + 3.0));
        // The fewer numbers, the more each one tells: in a crowd each keeps its distance.
        if taken.take(&b.inflated(if dense { 40.0 } else { 0.0 })) {
            let at = Point::new(p.x + 4.0, p.y - 3.0);
            texts.push(Item::Text { at, size, anchor: Anchor::Start, paint: INK, halo: true, text });
        }
    }
    let mut arrows = Vec::new();
    for run in &cuts {
        arrow(run, view, if dense { 60.0 } else { 10.0 }, &mut taken, &mut arrows);
    }
    if !arrows.is_empty() {
        items.push(Item::Fill { steps: arrows, paint: CUT });
    }
    let radius = [2.4, 1.2, 0.7][usize::from(dense) + usize::from(cuts.len() > 10_000)];
    if !starts.is_empty() {
        items.push(Item::Dots { at: starts, radius, paint: INK });
    }
    items.append(&mut texts);
}

/// Adds an arrow head on the run's longest piece, when that is longer than `least` points.
fn arrow(run: &Run, view: &View, least: f64, taken: &mut Taken, steps: &mut Vec<Step>) {
    let longest = run.pieces.iter().max_by(|a, b| a.length().total_cmp(&b.length()));
    let Some(piece) = longest.map(|p| view.piece(p)).filter(|p| p.length() > least) else { return };
    let (p, d) = (piece.at(0.5), piece.direction(0.5));
    if !taken.take(&Aabb::of([p]).inflated(5.0)) {
        return;
    }
    let n = Vector::new(-d.y, d.x);
    steps.push(Step::Move(p + d * 5.0));
    steps.push(Step::Line(p - d * 4.0 + n * 3.6));
    steps.push(Step::Line(p - d * 2.0));
    steps.push(Step::Line(p - d * 4.0 - n * 3.6));
    steps.push(Step::Close);
}

fn band(y0: f64, y1: f64) -> Item {
    let steps = vec![
        Step::Move(Point::new(0.0, y0)),
        Step::Line(Point::new(WIDTH, y0)),
        Step::Line(Point::new(WIDTH, y1)),
        Step::Line(Point::new(0.0, y1)),
        Step::Close,
    ];
    Item::Fill { steps, paint: PAPER }
}

/// Draws title, figures, legend and scale bar over what runs off the drawing.
fn frame(input: &PreviewInput<'_>, trail: &Trail, view: &View, height: f64, items: &mut Vec<Item>) {
    items.push(band(0.0, TITLE));
    items.push(band(height - LEGEND, height));
    for y in [TITLE, height - LEGEND] {
        let steps = vec![Step::Move(Point::new(0.0, y)), Step::Line(Point::new(WIDTH, y))];
        items.push(Item::Stroke { steps, paint: BED, width: 1.0, dash: None });
    }
    let text = |at: Point, size, anchor, paint, text: String| Item::Text {
        at,
        size,
        anchor,
        paint,
        halo: false,
        text,
    };
    let title: String = input.title.chars().take(60).collect();
    items.push(text(Point::new(MARGIN, 41.0), 24.0, Anchor::Start, INK, title));
    items.push(text(Point::new(WIDTH - MARGIN, 40.0), 16.0, Anchor::End, FAINT, figures(input, trail)));
    legend(trail, view, height, items);
}

/// Returns times, lengths and pierces in words.
pub(super) fn figures(input: &PreviewInput<'_>, trail: &Trail) -> String {
    let mut parts = Vec::new();
    if let Some(e) = input.estimate {
        parts.push(format!("time {}", duration(e.total_s)));
    }
    parts.push(format!("cut {}", length(trail.cut_length)));
    parts.push(format!("rapid {}", length(trail.rapid_length)));
    let what = match trail.kind {
        shop_cam::machine::MachineKind::Plasma => "pierces",
        shop_cam::machine::MachineKind::Laser => "starts",
        _ => "plunges",
    };
    parts.push(format!("{} {what}", trail.pierces));
    parts.join(" · ")
}

/// Returns a time as people say it.
pub(super) fn duration(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

fn length(mm: f64) -> String {
    if mm < 1000.0 { format!("{mm:.0} mm") } else { format!("{:.2} m", mm / 1000.0) }
}

fn legend(trail: &Trail, view: &View, height: f64, items: &mut Vec<Item>) {
    let y = height - 0.5 * LEGEND;
    let mut x = MARGIN;
    let width = trail.runs.iter().find(|r| !r.rapid).map_or(0.0, |r| 2.0 * r.radius);
    let cut = if width > 0.0 { format!("cut, {} mm wide", round(width)) } else { "cut".to_owned() };
    let leads = trail.runs.iter().any(|r| r.lead_in + r.lead_out > 0);
    let rows = [
        (PART, 14.0, None, "part".to_owned(), true),
        (KERF, 10.0, None, cut, true),
        (LEAD, 2.5, None, "lead".to_owned(), leads),
        (RAPID, 1.5, Some([6.0, 4.0]), "rapid".to_owned(), true),
    ];
    for (paint, width, dash, label, shown) in rows {
        if !shown {
            continue;
        }
        let steps = vec![Step::Move(Point::new(x, y)), Step::Line(Point::new(x + 34.0, y))];
        items.push(Item::Stroke { steps: steps.clone(), paint, width, dash });
        if paint == KERF {
            items.push(Item::Stroke { steps, paint: CUT, width: 1.1, dash: None });
        }
        let wide = 9.0 * label.len() as f64;
        let at = Point::new(x + 48.0, y + 5.0);
        items.push(Item::Text {
            at,
            size: 15.0,
            anchor: Anchor::Start,
            paint: INK,
            halo: false,
            text: label,
        });
        x += 48.0 + wide + 30.0;
    }
    items.push(Item::Dots { at: vec![Point::new(x + 6.0, y)], radius: 3.0, paint: INK });
    items.push(Item::Text {
        at: Point::new(x + 18.0, y + 5.0),
        size: 15.0,
        anchor: Anchor::Start,
        paint: INK,
        halo: false,
        text: "start, in order".to_owned(),
    });
    scale_bar(view, y, items);
}

fn round(v: f64) -> f64 {
    (v * 1000.0).round() / 1000.0
}

/// Draws a bar of a round length, 1, 2 or 5 times a power of ten, near 200 points long.
fn scale_bar(view: &View, y: f64, items: &mut Vec<Item>) {
    let wanted = 220.0 / view.scale;
    let power = 10f64.powf(wanted.log10().floor());
    let mm = [5.0, 2.0, 1.0].map(|k| k * power).into_iter().find(|v| *v <= wanted).unwrap_or(power);
    let (x1, x0) = (WIDTH - MARGIN, WIDTH - MARGIN - mm * view.scale);
    let mut steps = vec![Step::Move(Point::new(x0, y + 6.0)), Step::Line(Point::new(x1, y + 6.0))];
    for x in [x0, x1] {
        steps.push(Step::Move(Point::new(x, y)));
        steps.push(Step::Line(Point::new(x, y + 12.0)));
    }
    items.push(Item::Stroke { steps, paint: INK, width: 2.0, dash: None });
    items.push(Item::Text {
        at: Point::new(0.5 * (x0 + x1), y - 4.0),
        size: 14.0,
        anchor: Anchor::Middle,
        paint: INK,
        halo: false,
        text: format!("{} mm", round(mm)),
    });
}
