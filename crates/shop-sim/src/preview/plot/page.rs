//! The page of a plot: scale, frame, legend, and the path's pieces with their colours.

use super::super::scene::{Anchor, Item, Paint, Step};
use super::{Dot, PlotColour, PlotView, Trail, What};
use shop_cam::machine::MachineKind;
use shop_geom::Point;

/// A page with the path still in pieces, since a print has millions.
pub(super) struct Page<'a> {
    pub width: f64,
    pub height: f64,
    /// Under the path.
    pub ground: Vec<Item>,
    /// Over it.
    pub frame: Vec<Item>,
    pub trail: &'a Trail,
    pub view: View,
    pub colours: Colours,
    /// Width of a line of work on the page.
    pub pen: f64,
}

const WIDTH: f64 = 1600.0;
const TALLEST: f64 = 1180.0;
const TITLE: f64 = 64.0;
const LEGEND: f64 = 60.0;
const MARGIN: f64 = 34.0;

const fn paint(rgb: [u8; 3], opacity: f64) -> Paint {
    Paint { rgb, opacity }
}
const INK: Paint = paint([33, 37, 41], 1.0);
const FAINT: Paint = paint([108, 117, 125], 1.0);
const BED: Paint = paint([206, 212, 218], 1.0);
const STOCK: Paint = paint([241, 236, 226], 1.0);
const STOCK_EDGE: Paint = paint([150, 134, 100], 1.0);
const ORIGIN: Paint = paint([200, 30, 60], 1.0);
pub(super) const TRAVEL: [u8; 3] = [25, 113, 194];
pub(super) const AIR: [u8; 3] = [150, 160, 170];

/// Colours of tools and features, in order; far apart for the eye and dark enough for white paper.
pub(super) const PALETTE: [[u8; 3]; 12] = [
    [217, 72, 15],
    [43, 138, 62],
    [95, 61, 196],
    [230, 119, 0],
    [12, 133, 153],
    [194, 37, 92],
    [102, 168, 15],
    [54, 79, 199],
    [134, 142, 150],
    [156, 54, 181],
    [9, 146, 104],
    [120, 80, 40],
];

/// Where feed or height is the same everywhere.
const ONE: [u8; 3] = PALETTE[0];

/// Ramp from low to high, after viridis.
const RAMP: [[u8; 3]; 5] = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [222, 200, 20]];

/// Returns a colour of the ramp, `t` from 0 to 1.
pub(super) fn ramp(t: f32) -> [u8; 3] {
    let t = if t.is_finite() { t.clamp(0.0, 1.0) * 4.0 } else { 0.0 };
    let i = (t as usize).min(3);
    let f = t - i as f32;
    let mix = |k: usize| {
        let (a, b) = (f32::from(RAMP[i][k]), f32::from(RAMP[i + 1][k]));
        (a + (b - a) * f).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

/// From space to the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    kind: PlotView,
    scale: f64,
    origin: [f64; 2],
    corner: [f64; 2],
}

/// Returns where a point lies in the picture plane, mm.
fn project(kind: PlotView, p: [f64; 3]) -> [f64; 2] {
    match kind {
        PlotView::Top => [p[0], p[1]],
        // Isometric from the front right: x to the lower right, y to the upper right, z up.
        PlotView::Iso => {
            let (h, s, u) = (std::f64::consts::FRAC_1_SQRT_2, 0.408_248_290_463_863, 0.816_496_580_927_726);
            [h * (p[0] + p[1]), s * (p[1] - p[0]) + u * p[2]]
        }
    }
}

impl View {
    /// Returns where a point lies on the page.
    #[inline]
    pub fn point(&self, p: [f64; 3]) -> [f64; 2] {
        let q = project(self.kind, p);
        [
            self.corner[0] + (q[0] - self.origin[0]) * self.scale,
            self.corner[1] - (q[1] - self.origin[1]) * self.scale,
        ]
    }

    /// True when the roads of a print are drawn as bodies.
    pub fn is_solid(&self, trail: &Trail) -> bool {
        self.kind == PlotView::Iso && trail.kind == MachineKind::Printer
    }

    fn at(&self, p: [f64; 3]) -> Point {
        let [x, y] = self.point(p);
        Point::new(x, y)
    }
}

/// What the colours stand for, worked out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colours {
    pub by: PlotColour,
    low: f32,
    high: f32,
}

impl Colours {
    fn of(trail: &Trail, by: PlotColour) -> Colours {
        let value = |d: &Dot| if by == PlotColour::Feed { d.feed } else { d.at[2] };
        let work = trail.dots.iter().filter(|d| trail.what(d) == What::Work).map(value);
        let (low, high) = work.fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v), h.max(v)));
        if low > high { Colours { by, low: 0.0, high: 0.0 } } else { Colours { by, low, high } }
    }

    /// Returns the colour of a piece of work.
    #[inline]
    pub fn rgb(&self, d: &Dot) -> [u8; 3] {
        let share = |v: f32| (v - self.low) / (self.high - self.low);
        match self.by {
            PlotColour::Tool => PALETTE[d.tool as usize % PALETTE.len()],
            PlotColour::Feature => PALETTE[d.feature as usize % PALETTE.len()],
            _ if self.high <= self.low => ONE,
            PlotColour::Feed => ramp(share(d.feed)),
            PlotColour::Z | PlotColour::Auto => ramp(share(d.at[2])),
        }
    }
}

/// Returns what the colours say when nobody chose.
pub(super) fn resolve(trail: &Trail, colour: PlotColour) -> PlotColour {
    match colour {
        PlotColour::Auto if trail.features.len() > 2 => PlotColour::Feature,
        PlotColour::Auto if trail.tools.len() > 1 => PlotColour::Tool,
        PlotColour::Auto => PlotColour::Z,
        chosen => chosen,
    }
}

/// Returns the box round work, or round everything where nothing works.
pub(super) fn bounds(trail: &Trail) -> [[f64; 3]; 2] {
    let of = |pick: &dyn Fn(&Dot, &Dot) -> bool| {
        let mut b = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
        for pair in trail.dots.windows(2).filter(|p| pick(&p[0], &p[1])) {
            for d in pair {
                for k in 0..3 {
                    b[0][k] = b[0][k].min(f64::from(d.at[k]));
                    b[1][k] = b[1][k].max(f64::from(d.at[k]));
                }
            }
        }
        b
    };
    let mut b = of(&|_, d| trail.what(d) == What::Work);
    if b[0][0] > b[1][0] {
        b = of(&|_, d| d.what != What::Start);
    }
    if b[0][0] > b[1][0] {
        b = [[0.0, 0.0, 0.0], [10.0, 10.0, 0.0]];
    }
    b
}

/// Lays the page out. O(points).
pub(super) fn lay_out<'a>(trail: &'a Trail, title: &str, kind: PlotView, colour: PlotColour) -> Page<'a> {
    let work = bounds(trail);
    let size = |b: &[[f64; 3]; 2]| (b[1][0] - b[0][0]).max(b[1][1] - b[0][1]).max(1e-3);
    let mut seen = vec![work];
    // Bed and stock are shown whole unless that would make the work tiny.
    let stock = trail.stock;
    let bed = [trail.bed[0], [trail.bed[1][0], trail.bed[1][1], trail.bed[0][2]]];
    let floor = if matches!(trail.kind, MachineKind::Printer) { 0.0 } else { work[0][2].min(0.0) };
    let bed = [[bed[0][0], bed[0][1], floor], [bed[1][0], bed[1][1], floor]];
    let show_bed = size(&bed) <= 4.0 * size(&work);
    seen.extend(stock.filter(|s| size(s) <= 4.0 * size(&work)));
    seen.extend(Some(bed).filter(|_| show_bed));
    let mut area = [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]];
    for b in &seen {
        for i in 0..8 {
            let q = project(kind, [b[i & 1][0], b[i >> 1 & 1][1], b[i >> 2][2]]);
            for k in 0..2 {
                area[0][k] = area[0][k].min(q[k]);
                area[1][k] = area[1][k].max(q[k]);
            }
        }
    }
    let (w, h) = ((area[1][0] - area[0][0]).max(1e-3), (area[1][1] - area[0][1]).max(1e-3));
    let scale = ((WIDTH - 2.0 * MARGIN) / w).min((TALLEST - 2.0 * MARGIN) / h).min(1e4);
    let tall = (h * scale + 2.0 * MARGIN).clamp(360.0, TALLEST);
    let height = (TITLE + tall + LEGEND).round();
    let view = View {
        kind,
        scale,
        origin: [0.5 * (area[0][0] + area[1][0]), 0.5 * (area[0][1] + area[1][1])],
        corner: [0.5 * WIDTH, TITLE + 0.5 * tall],
    };
    let colours = Colours::of(trail, resolve(trail, colour));
    let pen = pen(trail, &view);
    let mut ground = Vec::new();
    if show_bed {
        rectangle(&view, &bed, floor, None, BED, Some([12.0, 6.0]), &mut ground);
    }
    if let Some(s) = &stock {
        let fill = if kind == PlotView::Top { Some(STOCK) } else { None };
        rectangle(&view, s, 0.0, fill, STOCK_EDGE, None, &mut ground);
        if kind == PlotView::Iso {
            rectangle(&view, s, s[0][2], None, STOCK_EDGE, None, &mut ground);
            for (x, y) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let (a, b) = ([s[x][0], s[y][1], s[0][2]], [s[x][0], s[y][1], s[1][2]]);
                let steps = vec![Step::Move(view.at(a)), Step::Line(view.at(b))];
                ground.push(Item::Stroke { steps, paint: STOCK_EDGE, width: 1.0, dash: None });
            }
        }
    }
    let mut frame = Vec::new();
    origin(&view, &mut frame);
    header(trail, title, &work, &mut frame);
    legend(trail, &colours, &view, height, &mut frame);
    Page { width: WIDTH, height, ground, frame, trail, view, colours, pen }
}

/// Thin where much lies close together. In an isometric view the roads of a print have their width, so that what lies
/// behind is hidden.
fn pen(trail: &Trail, view: &View) -> f64 {
    let work = trail.dots.iter().filter(|d| trail.what(d) == What::Work).count();
    if trail.kind == MachineKind::Printer && view.kind == PlotView::Iso {
        return (ROAD * view.scale).clamp(1.0, 9.0);
    }
    match work {
        0..3_000 => 1.8,
        3_000..50_000 => 1.3,
        _ => 1.0,
    }
}

/// Width of a road of a print, seen at an angle, mm.
const ROAD: f64 = 0.36;

fn rectangle(
    view: &View,
    b: &[[f64; 3]; 2],
    z: f64,
    fill: Option<Paint>,
    edge: Paint,
    dash: Option<[f64; 2]>,
    items: &mut Vec<Item>,
) {
    let corner = |x: usize, y: usize| view.at([b[x][0], b[y][1], z]);
    let steps = vec![
        Step::Move(corner(0, 0)),
        Step::Line(corner(1, 0)),
        Step::Line(corner(1, 1)),
        Step::Line(corner(0, 1)),
        Step::Close,
    ];
    if let Some(paint) = fill {
        items.push(Item::Fill { steps: steps.clone(), paint });
    }
    items.push(Item::Stroke { steps, paint: edge, width: 1.4, dash });
}

/// The work zero, with the directions of the axes.
fn origin(view: &View, items: &mut Vec<Item>) {
    let zero = view.at([0.0; 3]);
    let inside = zero.x > 4.0 && zero.x < WIDTH - 4.0 && zero.y > TITLE;
    if !inside {
        return;
    }
    let reach = 36.0 / view.scale;
    let ends: &[([f64; 3], &str)] = match view.kind {
        PlotView::Top => &[([1.0, 0.0, 0.0], "X"), ([0.0, 1.0, 0.0], "Y")],
        PlotView::Iso => &[([1.0, 0.0, 0.0], "X"), ([0.0, 1.0, 0.0], "Y"), ([0.0, 0.0, 1.0], "Z")],
    };
    for (d, name) in ends {
        let end = view.at(d.map(|v| v * reach));
        let steps = vec![Step::Move(zero), Step::Line(end)];
        items.push(Item::Stroke { steps, paint: ORIGIN, width: 1.8, dash: None });
        let at = Point::new(end.x + 6.0, end.y - 4.0);
        items.push(text(at, 12.0, Anchor::Start, ORIGIN, true, (*name).to_owned()));
    }
    items.push(Item::Dots { at: vec![zero], radius: 3.0, paint: ORIGIN });
}

fn text(at: Point, size: f64, anchor: Anchor, paint: Paint, halo: bool, text: String) -> Item {
    Item::Text { at, size, anchor, paint, halo, text }
}

fn header(trail: &Trail, title: &str, work: &[[f64; 3]; 2], items: &mut Vec<Item>) {
    let shown: String = title.chars().take(70).collect();
    items.push(text(Point::new(MARGIN, 40.0), 22.0, Anchor::Start, INK, false, shown));
    let size = |k: usize| tidy(work[1][k] - work[0][k]);
    let mut parts = vec![format!("{} x {} x {} mm", size(0), size(1), size(2))];
    if let Some(s) = trail.total_s {
        parts.push(format!("time {}", super::super::scene::duration(s)));
    }
    let moves = trail.dots.iter().filter(|d| d.what != What::Start).count();
    parts.push(format!("{moves} moves"));
    let at = Point::new(WIDTH - MARGIN, 40.0);
    items.push(text(at, 15.0, Anchor::End, FAINT, false, parts.join(", ")));
}

/// Says that only a share of the lines is drawn, and that arcs are left out.
pub(super) fn left_out(trail: &Trail, share: f64) -> Option<Item> {
    let mut said = Vec::new();
    if share < 1.0 {
        said.push(format!("one line in {:.0} is drawn", (1.0 / share).ceil()));
    }
    if trail.chords.refused() {
        said.push("the last arcs are left out".to_owned());
    }
    let said = format!("more than a picture holds: {}", said.join(", "));
    let full = share < 1.0 || trail.chords.refused();
    full.then(|| text(Point::new(WIDTH - MARGIN, 57.0), 12.0, Anchor::End, FAINT, false, said))
}

fn tidy(v: f64) -> f64 {
    let digits = if v.abs() >= 1000.0 { 1.0 } else { 100.0 };
    (v * digits).round() / digits + 0.0
}

fn legend(trail: &Trail, colours: &Colours, view: &View, height: f64, items: &mut Vec<Item>) {
    let y = height - 0.5 * LEGEND;
    let mut x = MARGIN;
    let room = WIDTH - 330.0;
    let mut row = |items: &mut Vec<Item>, rgb: [u8; 3], dash: Option<[f64; 2]>, label: &str| {
        let label: String = label.chars().take(28).collect();
        let wide = 8.6 * label.chars().count() as f64;
        if x + 34.0 + wide > room {
            return false;
        }
        let steps = vec![Step::Move(Point::new(x, y)), Step::Line(Point::new(x + 22.0, y))];
        let width = if dash.is_some() { 1.5 } else { 4.0 };
        items.push(Item::Stroke { steps, paint: paint(rgb, 1.0), width, dash });
        items.push(text(Point::new(x + 30.0, y + 5.0), 14.0, Anchor::Start, INK, false, label));
        x += 30.0 + wide + 18.0;
        true
    };
    let any = |what: What| trail.dots.iter().any(|d| trail.what(d) == what);
    let travel = if trail.kind == MachineKind::Printer { "travel" } else { "rapid" };
    if any(What::Travel) {
        row(items, TRAVEL, Some([6.0, 4.0]), travel);
    }
    if any(What::Air) {
        row(items, AIR, None, "in the air");
    }
    match colours.by {
        PlotColour::Tool => {
            for (i, tool) in trail.tools.iter().enumerate() {
                row(items, PALETTE[i % PALETTE.len()], None, &format!("T{tool}"));
            }
        }
        PlotColour::Feature => {
            let mut used = vec![false; trail.features.len()];
            for d in trail.dots.iter().filter(|d| trail.what(d) == What::Work) {
                used[d.feature as usize] = true;
            }
            for (i, name) in trail.features.iter().enumerate().filter(|(i, _)| used[*i]) {
                let name = if name.is_empty() { "(not named)" } else { name };
                if !row(items, PALETTE[i % PALETTE.len()], None, name) {
                    break;
                }
            }
        }
        PlotColour::Feed | PlotColour::Z | PlotColour::Auto => {
            let (what, unit) = if colours.by == PlotColour::Feed { ("feed", "mm/min") } else { ("z", "mm") };
            let (low, high) = (tidy(f64::from(colours.low)), tidy(f64::from(colours.high)));
            if low == high {
                row(items, ONE, None, &format!("{what} {low} {unit}"));
                return scale_bar(view, y, items);
            }
            let steps = 60;
            let from = x;
            for i in 0..steps {
                let at = |k: i32| from + 150.0 * f64::from(k) / f64::from(steps);
                let line = vec![Step::Move(Point::new(at(i), y)), Step::Line(Point::new(at(i + 1), y))];
                let rgb = ramp(i as f32 / (steps - 1) as f32);
                items.push(Item::Stroke { steps: line, paint: paint(rgb, 1.0), width: 9.0, dash: None });
            }
            let label = format!("{what} {low} to {high} {unit}");
            items.push(text(Point::new(from + 162.0, y + 5.0), 14.0, Anchor::Start, INK, false, label));
        }
    }
    scale_bar(view, y, items);
}

/// Draws a bar of a round length, 1, 2 or 5 times a power of ten, near 200 points long. In an isometric view it holds
/// along the axes, which are foreshortened alike.
fn scale_bar(view: &View, y: f64, items: &mut Vec<Item>) {
    let short = if view.kind == PlotView::Iso { 0.816_496_580_927_726 } else { 1.0 };
    let scale = view.scale * short;
    let wanted = 220.0 / scale;
    let power = 10f64.powf(wanted.log10().floor());
    let mm = [5.0, 2.0, 1.0].map(|k| k * power).into_iter().find(|v| *v <= wanted).unwrap_or(power);
    let (x1, x0) = (WIDTH - MARGIN, WIDTH - MARGIN - mm * scale);
    let mut steps = vec![Step::Move(Point::new(x0, y + 6.0)), Step::Line(Point::new(x1, y + 6.0))];
    for x in [x0, x1] {
        steps.push(Step::Move(Point::new(x, y)));
        steps.push(Step::Line(Point::new(x, y + 12.0)));
    }
    items.push(Item::Stroke { steps, paint: INK, width: 2.0, dash: None });
    let along = if view.kind == PlotView::Iso { " along an axis" } else { "" };
    let label = format!("{} mm{along}", tidy(mm));
    // A long label over a short bar ends where the bar does, or it would run off the picture.
    let (x, anchor) = if along.is_empty() { (0.5 * (x0 + x1), Anchor::Middle) } else { (x1, Anchor::End) };
    items.push(text(Point::new(x, y - 4.0), 14.0, anchor, INK, false, label));
}
