//! What became what: from the shapes of a drawing to the operations of a job.
//!
//! The drawing says *what was drawn* ([`Features`]: contours, open lines, points, with layer and colour), the user
//! and the profile say *what it means* ([`FeatureOptions`], layer rules), and [`operations`] joins the two into
//! [`Operations`] before anyone plans a path. Every shape ends up in exactly one line of the table of
//! [`Assignment`]s, including those that are left out.
//!
//! Rules, first hit wins: an explicit operation for the whole run; the profile's layer and colour rules; layer names
//! that shops use everywhere ([`LAYER_NAMES`]); else closed contours are cut out by nesting depth (even: the waste
//! is outside, odd: a hole), and open lines are marked.

use crate::machine::{LayerOperation, LayerRule, MachineKind};
use crate::settings::Settings;
use crate::track::Track;
use shop_geom::distance::SegmentIndex;
use shop_geom::{Arc, Point, Polyline, Segment};
use shop_report::{Checked, Diagnostic, Span};
use std::collections::BTreeMap;

pub use crate::intent::Waste;

/// A colour.
pub type Rgb = [u8; 3];

/// A closed contour of the drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Contour {
    /// The contour, counter-clockwise.
    pub path: Polyline,
    /// How many closed contours lie around it.
    pub depth: u32,
    /// The smallest of them.
    pub parent: Option<u32>,
    /// Index into [`Features::layers`].
    pub layer: u32,
    /// Its colour, if known.
    pub colour: Option<Rgb>,
    /// Where its first piece stands in the file.
    pub span: Option<Span>,
}

/// A chain that does not close.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenLine {
    /// The chain.
    pub path: Polyline,
    /// Index into [`Features::layers`].
    pub layer: u32,
    /// Its colour, if known.
    pub colour: Option<Rgb>,
    /// Where its first piece stands in the file.
    pub span: Option<Span>,
}

/// A point, as drawings mark the middle of a hole to be drilled.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where.
    pub at: Point,
    /// Index into [`Features::layers`].
    pub layer: u32,
    /// Its colour, if known.
    pub colour: Option<Rgb>,
    /// Where it stands in the file.
    pub span: Option<Span>,
}

/// What was drawn, chained and nested.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Closed contours.
    pub contours: Vec<Contour>,
    /// Open chains.
    pub lines: Vec<OpenLine>,
    /// Points.
    pub points: Vec<Mark>,
    /// Layer names.
    pub layers: Vec<String>,
    /// How many texts there are; they are never cut as they stand.
    pub texts: u32,
}

/// The operation for the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Request {
    /// By layer, colour, shape and nesting depth.
    #[default]
    Auto,
    /// Cut out every closed contour.
    Profile,
    /// Clear the inside of every closed contour, leaving islands.
    Pocket,
    /// Follow every line with the tool's middle.
    Trace,
    /// Drill every circle and point.
    Drill,
}

/// What to do with a hole that the tool or kerf does not fit into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SmallHoles {
    /// An error: the part cannot be made as drawn.
    #[default]
    Refuse,
    /// Mark its contour, to be drilled by hand.
    Mark,
    /// Leave it out, with a warning.
    Skip,
}

/// Where material is left standing to hold the part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TabRule {
    /// Least number of tabs on a contour.
    pub count: u32,
    /// Widest distance between two tabs, mm; infinite to go by `count` alone.
    pub spacing: f64,
    /// Width of the material left standing, mm.
    pub width: f64,
    /// Height of the tab from the bottom of the cut, mm; beams leave the full thickness.
    pub height: f64,
}

impl Default for TabRule {
    /// Three tabs or one per foot, 3.2 mm high, as wide as sheet-metal bureaus leave them
    /// (facts: CompuCarve manual; sendcutsend tabs).
    fn default() -> Self {
        TabRule { count: 3, spacing: 304.8, width: 4.76, height: 3.2 }
    }
}

/// How shapes become operations.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureOptions {
    /// The operation for the whole run.
    pub request: Request,
    /// The side of every cut-out, when nesting depth is not to decide.
    pub side: Option<Waste>,
    /// Holes too small for the tool.
    pub small_holes: SmallHoles,
    /// How deep marks are engraved, mm.
    pub mark_depth: f64,
    /// True when the machine can mark without cutting through.
    pub can_mark: bool,
    /// Tabs, if wanted.
    pub tabs: Option<TabRule>,
    /// One line cuts both of two contours one width of the cut apart, unless a layer says otherwise.
    pub common_lines: bool,
}

impl FeatureOptions {
    /// Returns the defaults for a machine of this kind. A plasma torch cannot mark unless its controller has a
    /// scribe or spotting arc; say so in `can_mark`.
    pub fn new(kind: MachineKind) -> Self {
        FeatureOptions {
            request: Request::Auto,
            side: None,
            small_holes: SmallHoles::Refuse,
            mark_depth: 0.3,
            can_mark: kind != MachineKind::Plasma,
            tabs: None,
            common_lines: false,
        }
    }
}

/// One line of the table that says what became what.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Layer name.
    pub layer: String,
    /// Colour, if known.
    pub colour: Option<Rgb>,
    /// What kind of shape: "closed contour", "open line", "point", "text".
    pub shape: &'static str,
    /// How many.
    pub count: u32,
    /// What is done with them.
    pub operation: LayerOperation,
    /// Why, as a short phrase.
    pub why: String,
}

/// Material left standing in a cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tab {
    /// Its middle, on the contour.
    pub at: Point,
    /// Its width along the contour, mm.
    pub width: f64,
    /// Height of its top, mm (work coordinates).
    pub top: f64,
}

/// A contour to be cut free.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The contour, counter-clockwise.
    pub contour: Polyline,
    /// The side that becomes waste.
    pub waste: Waste,
    /// How many profiles lie around it.
    pub depth: u32,
    /// The smallest of them; it is cut after this one.
    pub parent: Option<u32>,
    /// Height of the bottom of the cut, mm.
    pub bottom: f64,
    /// Feed in percent of the normal one.
    pub feed_percent: f64,
    /// Where material stays.
    pub tabs: Vec<Tab>,
    /// True when its line may be that of a contour one width of the cut away as well.
    pub common_lines: bool,
    /// Where it stands in the file.
    pub span: Option<Span>,
}

/// An area to be cleared.
#[derive(Clone, Debug, PartialEq)]
pub struct Pocket {
    /// Boundary: counter-clockwise outside, clockwise islands.
    pub boundary: Vec<Polyline>,
    /// Height of the floor, mm.
    pub bottom: f64,
    /// Feed in percent of the normal one.
    pub feed_percent: f64,
    /// Where it stands in the file.
    pub span: Option<Span>,
}

/// A line to be followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The line, open or closed.
    pub line: Polyline,
    /// Height of the tool's tip, mm.
    pub bottom: f64,
    /// True: cut through; false: a mark.
    pub through: bool,
    /// Feed in percent of the normal one.
    pub feed_percent: f64,
    /// Where it stands in the file.
    pub span: Option<Span>,
}

/// A hole to be drilled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hole {
    /// Where.
    pub at: Point,
    /// Diameter as drawn, mm; 0 for a point.
    pub diameter: f64,
    /// Height of the bottom, mm.
    pub bottom: f64,
    /// Number of the drill; the main tool when none fits.
    pub tool: u32,
    /// Where it stands in the file.
    pub span: Option<Span>,
}

/// Everything to be made, and the table of what became what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operations {
    /// Cut-outs.
    pub profiles: Vec<Profile>,
    /// Pockets.
    pub pockets: Vec<Pocket>,
    /// Lines to follow.
    pub traces: Vec<Trace>,
    /// Holes to drill.
    pub holes: Vec<Hole>,
    /// What became what, in order of first appearance.
    pub assignments: Vec<Assignment>,
}

/// Layer names that mean the same in most shops, matched case-insensitively at the start of a word of the name.
/// After SheetCam's scheme OUTER / HOLES / TINY_HOLES / MARK / SLOTS (facts: support.starlabcnc.com) and the words
/// that DXF exporters use; names that say "cut" need no entry because cutting out is the default.
pub const LAYER_NAMES: &[(&str, LayerOperation)] = &[
    ("MARK", LayerOperation::Mark),
    ("ENGRAV", LayerOperation::Mark),
    ("ETCH", LayerOperation::Mark),
    ("SCRIBE", LayerOperation::Mark),
    ("SCRIBING", LayerOperation::Mark),
    ("SCORE", LayerOperation::Mark),
    ("BEND", LayerOperation::Mark),
    ("DRILL", LayerOperation::Drill),
    ("POCKET", LayerOperation::Pocket),
    ("ONLINE", LayerOperation::On),
    ("DEFPOINTS", LayerOperation::Ignore),
    ("DIM", LayerOperation::Ignore),
    ("CONSTRUCTION", LayerOperation::Ignore),
];

/// Returns what shapes of this layer and colour are for, before anyone looks at the shapes themselves: the key by
/// which pieces may be chained, for a bend line that ends on an outline must leave the outline whole.
pub fn meaning(
    rules: &[LayerRule],
    options: &FeatureOptions,
    layer: &str,
    colour: Option<Rgb>,
) -> LayerOperation {
    look_up(rules, options, layer, colour).operation
}

/// Turns what was drawn into what is to be made.
pub fn operations(
    features: Features,
    rules: &[LayerRule],
    settings: &Settings,
    options: &FeatureOptions,
) -> Checked<Operations> {
    let mut sorter = Sorter {
        rules,
        settings,
        options,
        layers: features.layers,
        known: BTreeMap::new(),
        table: BTreeMap::new(),
        out: Operations::default(),
        notes: Vec::new(),
        small: Tally::default(),
        unmarkable: Tally::default(),
        unroutable: Tally::default(),
        open: Tally::default(),
        unclosed: Tally::default(),
    };
    sorter.contours(features.contours);
    sorter.lines(features.lines);
    sorter.points(features.points);
    sorter.finish(features.texts)
}

/// Returns the middle and radius when `path` is one full circle.
pub fn as_circle(path: &Polyline) -> Option<(Point, f64)> {
    if !path.closed || path.vertices.len() < 2 || path.vertices.len() > 64 {
        return None;
    }
    let mut first: Option<Arc> = None;
    let mut sweep = 0.0;
    for segment in path.segments() {
        let Segment::Arc(arc) = segment else { return None };
        let same = first.get_or_insert(arc);
        let tolerance = 1e-6 * same.radius.max(1.0);
        if (arc.center - same.center).norm() > tolerance || (arc.radius - same.radius).abs() > tolerance {
            return None;
        }
        sweep += arc.sweep;
    }
    let full = (sweep.abs() - std::f64::consts::TAU).abs() < 1e-6;
    first.filter(|_| full).map(|arc| (arc.center, arc.radius))
}

/// Holes that leave less than this beside a beam's cut are holes of its own size, mm.
const LEAST_WAY: f64 = 0.1;

/// Ends closer than this fraction of a chain's length were meant to meet: a gap of 5 % is the widest that reads as a
/// drawing fault and not as a hook or bracket shape.
const ALMOST: f64 = 0.05;

/// What a layer or colour means.
#[derive(Clone, Debug)]
struct Meaning {
    operation: LayerOperation,
    why: String,
    feed_percent: f64,
    depth: Option<f64>,
    common_lines: bool,
    /// True when someone named this layer or colour; a default may still be refined by shape.
    named: bool,
}

/// How often something was found, and where first.
#[derive(Clone, Debug, Default)]
struct Tally {
    count: usize,
    first: Option<(Option<Span>, Point, f64)>,
}

impl Tally {
    fn add(&mut self, span: Option<Span>, at: Point, size: f64) {
        self.count += 1;
        self.first.get_or_insert((span, at, size));
    }

    fn place(&self, mut d: Diagnostic) -> Diagnostic {
        if let Some((span, at, _)) = self.first {
            d.span = span;
            d = d.at(at.x, at.y);
        }
        d.count(self.count)
    }
}

type Key = (u32, Option<Rgb>);

fn look_up(rules: &[LayerRule], options: &FeatureOptions, name: &str, colour: Option<Rgb>) -> Meaning {
    let common_lines = options.common_lines;
    let plain = |operation, why: String| Meaning {
        operation,
        why,
        feed_percent: 100.0,
        depth: None,
        common_lines,
        named: false,
    };
    let side = match options.side {
        None => LayerOperation::Profile,
        Some(Waste::Outside) => LayerOperation::Outside,
        Some(Waste::Inside) => LayerOperation::Inside,
        Some(Waste::On) => LayerOperation::On,
    };
    let asked = match options.request {
        Request::Auto => None,
        Request::Profile => Some(side),
        Request::Pocket => Some(LayerOperation::Pocket),
        Request::Trace => Some(LayerOperation::On),
        Request::Drill => Some(LayerOperation::Drill),
    };
    if let Some(operation) = asked {
        return plain(operation, "asked for".to_owned());
    }
    let hit = rules.iter().find(|r| {
        r.layer.as_ref().is_none_or(|p| matches_pattern(p, name))
            && (r.colour.is_none() || r.colour == colour)
    });
    if let Some(rule) = hit {
        let why = match (&rule.layer, rule.colour) {
            (Some(p), _) => format!("profile rule for layer {p}"),
            (None, Some([r, g, b])) => format!("profile rule for colour #{r:02x}{g:02x}{b:02x}"),
            (None, None) => "profile rule for everything".to_owned(),
        };
        let feed_percent = rule.feed_percent.filter(|f| *f > 0.0).unwrap_or(100.0);
        let common_lines = rule.common_lines.unwrap_or(common_lines);
        return Meaning {
            feed_percent,
            depth: rule.depth,
            common_lines,
            named: true,
            ..plain(rule.operation, why)
        };
    }
    if let Some(operation) = usual_meaning(name) {
        return Meaning { named: true, ..plain(operation, "usual meaning of the layer's name".to_owned()) };
    }
    plain(side, if options.side.is_some() { "side asked for".to_owned() } else { "nesting depth".to_owned() })
}

struct Sorter<'a> {
    rules: &'a [LayerRule],
    settings: &'a Settings,
    options: &'a FeatureOptions,
    layers: Vec<String>,
    known: BTreeMap<Key, Meaning>,
    /// Assignments by layer, colour, shape, operation and reason; the value is the place in `out.assignments`.
    table: BTreeMap<(Key, &'static str, u8, String), usize>,
    out: Operations,
    notes: Vec<Diagnostic>,
    small: Tally,
    unmarkable: Tally,
    unroutable: Tally,
    open: Tally,
    unclosed: Tally,
}

impl Sorter<'_> {
    fn meaning(&mut self, key: Key) -> Meaning {
        if let Some(m) = self.known.get(&key) {
            return m.clone();
        }
        let name = self.layers.get(key.0 as usize).map_or("", String::as_str);
        let m = look_up(self.rules, self.options, name, key.1);
        self.known.insert(key, m.clone());
        m
    }

    fn note(&mut self, key: Key, shape: &'static str, operation: LayerOperation, why: &str) {
        let table_key = (key, shape, operation as u8, why.to_owned());
        if let Some(&i) = self.table.get(&table_key) {
            self.out.assignments[i].count += 1;
            return;
        }
        self.table.insert(table_key, self.out.assignments.len());
        let layer = self.layers.get(key.0 as usize).cloned().unwrap_or_default();
        let why = why.to_owned();
        self.out.assignments.push(Assignment { layer, colour: key.1, shape, count: 1, operation, why });
    }

    fn through(&self, meaning: &Meaning) -> f64 {
        -meaning.depth.unwrap_or(self.settings.depth).abs()
    }

    fn contours(&mut self, contours: Vec<Contour>) {
        let is_profile = |operation: LayerOperation| {
            use LayerOperation as O;
            matches!(operation, O::Profile | O::Outside | O::Inside)
                || operation == O::On && self.options.request != Request::Trace
        };
        let mut uses = Vec::with_capacity(contours.len());
        for contour in &contours {
            uses.push(self.meaning((contour.layer, contour.colour)));
        }
        // Marks around a hole do not make it an outline, so what counts is the nesting among profiles.
        let nest = Nest::of(&contours, |i| is_profile(uses[i].operation));
        for (i, contour) in contours.iter().enumerate() {
            self.refine(contour, nest.depth[i] % 2 == 1, &mut uses[i]);
            let meaning = &uses[i];
            self.note((contour.layer, contour.colour), "closed contour", meaning.operation, &meaning.why);
        }
        let profiles = Nest::of(&contours, |i| is_profile(uses[i].operation));
        let pockets = Nest::of(&contours, |i| uses[i].operation == LayerOperation::Pocket);
        let mut pocket_of: BTreeMap<u32, usize> = BTreeMap::new();
        for (i, contour) in contours.into_iter().enumerate() {
            let meaning = &uses[i];
            match meaning.operation {
                _ if profiles.place[i].is_some() => self.profile(contour, meaning, &profiles, i),
                LayerOperation::Pocket => self.pocket(contour, meaning, &pockets, i, &mut pocket_of),
                LayerOperation::Drill => self.drill(&contour, meaning),
                LayerOperation::On | LayerOperation::Mark => self.trace(contour.path, meaning, contour.span),
                _ => {}
            }
        }
    }

    /// Looks at the shape itself: circles that a drill makes, holes that nothing fits into, marks without a marker.
    fn refine(&mut self, contour: &Contour, inner: bool, meaning: &mut Meaning) {
        use LayerOperation as O;
        let middle = || contour.path.bounds().center();
        self.without_router(contour.span, middle, meaning);
        match meaning.operation {
            O::Mark if !self.options.can_mark => {
                self.unmarkable.add(contour.span, middle(), 0.0);
                (meaning.operation, meaning.why) = (O::Ignore, "the machine cannot mark".to_owned());
            }
            O::Drill if as_circle(&contour.path).is_none() => {
                (meaning.operation, meaning.why) = (O::Ignore, "only circles can be drilled".to_owned());
            }
            O::Profile | O::Inside => {
                if meaning.operation == O::Profile && !inner {
                    return;
                }
                let circle = as_circle(&contour.path);
                let auto = self.options.request == Request::Auto && !meaning.named;
                if auto && circle.is_some_and(|(_, r)| self.drill_for(2.0 * r).is_some()) {
                    (meaning.operation, meaning.why) = (O::Drill, "circle of a drill's diameter".to_owned());
                    return;
                }
                let bounds = contour.path.bounds();
                let size = bounds.width().min(bounds.height());
                if size <= self.settings.diameter + self.least_way() {
                    self.small.add(contour.span, bounds.center(), size);
                    (meaning.operation, meaning.why) = self.small_hole(meaning);
                }
            }
            _ => {}
        }
    }

    /// A beam neither clears nor drills: where a layer's name asks for it, a hole's place is marked, a pocket left
    /// out. Asked for outright, it stays, and the planner refuses it.
    fn without_router(&mut self, span: Option<Span>, at: impl Fn() -> Point, meaning: &mut Meaning) {
        use LayerOperation as O;
        let beam = self.settings.kind != MachineKind::Router && self.options.request == Request::Auto;
        if !beam || !matches!(meaning.operation, O::Pocket | O::Drill) {
            return;
        }
        self.unroutable.add(span, at(), 0.0);
        let operation = if meaning.operation == O::Drill { O::Mark } else { O::Ignore };
        (meaning.operation, meaning.why) = (operation, "needs a router".to_owned());
    }

    /// Returns how much wider than the cut a hole must be, mm. A tool goes down where it fits; a beam that goes round
    /// in less than a tenth of a millimetre only burns a hole of its own shape.
    fn least_way(&self) -> f64 {
        if self.settings.kind == MachineKind::Router {
            0.0
        } else {
            LEAST_WAY.min(0.25 * self.settings.diameter)
        }
    }

    fn small_hole(&self, meaning: &Meaning) -> (LayerOperation, String) {
        let why = "hole smaller than the cut".to_owned();
        match self.options.small_holes {
            SmallHoles::Refuse => (meaning.operation, meaning.why.clone()),
            SmallHoles::Mark if self.options.can_mark => (LayerOperation::Mark, why),
            SmallHoles::Mark | SmallHoles::Skip => (LayerOperation::Ignore, why),
        }
    }

    /// Returns the drill for a hole of this diameter: within 0.05 mm, the usual tolerance of a jobber drill's hole.
    fn drill_for(&self, diameter: f64) -> Option<u32> {
        let drills = self.settings.drills.iter();
        let best =
            drills.min_by(|a, b| (a.diameter - diameter).abs().total_cmp(&(b.diameter - diameter).abs()))?;
        ((best.diameter - diameter).abs() <= 0.05).then_some(best.number)
    }

    fn profile(&mut self, contour: Contour, meaning: &Meaning, nest: &Nest, i: usize) {
        let depth = nest.depth[i];
        let waste = match meaning.operation {
            LayerOperation::Outside => Waste::Outside,
            LayerOperation::Inside => Waste::Inside,
            LayerOperation::On => Waste::On,
            _ if depth.is_multiple_of(2) => Waste::Outside,
            _ => Waste::Inside,
        };
        let bottom = self.through(meaning);
        let tabs = match self.options.tabs {
            Some(rule) => place_tabs(&contour.path, waste, &rule, self.settings.diameter, bottom),
            None => Vec::new(),
        };
        self.out.profiles.push(Profile {
            contour: contour.path,
            waste,
            depth,
            parent: nest.parent[i].and_then(|p| nest.place[p as usize]),
            bottom,
            feed_percent: meaning.feed_percent,
            tabs,
            common_lines: meaning.common_lines,
            span: contour.span,
        });
    }

    fn pocket(
        &mut self,
        contour: Contour,
        meaning: &Meaning,
        nest: &Nest,
        i: usize,
        pocket_of: &mut BTreeMap<u32, usize>,
    ) {
        if nest.depth[i] % 2 == 1 {
            // An island. Its pocket may come later in the drawing, so make room for it now.
            let Some(outer) = nest.parent[i] else { return };
            let k = self.pocket_at(outer, pocket_of);
            self.out.pockets[k].boundary.push(contour.path.reversed());
            return;
        }
        let k = self.pocket_at(i as u32, pocket_of);
        let bottom = self.through(meaning);
        let pocket = &mut self.out.pockets[k];
        pocket.boundary.insert(0, contour.path);
        pocket.bottom = bottom;
        pocket.feed_percent = meaning.feed_percent;
        pocket.span = contour.span;
    }

    fn pocket_at(&mut self, outer: u32, pocket_of: &mut BTreeMap<u32, usize>) -> usize {
        *pocket_of.entry(outer).or_insert_with(|| {
            self.out.pockets.push(Pocket {
                boundary: Vec::new(),
                bottom: 0.0,
                feed_percent: 100.0,
                span: None,
            });
            self.out.pockets.len() - 1
        })
    }

    fn drill(&mut self, contour: &Contour, meaning: &Meaning) {
        let Some((at, radius)) = as_circle(&contour.path) else { return };
        self.hole(at, 2.0 * radius, meaning, contour.span);
    }

    fn hole(&mut self, at: Point, diameter: f64, meaning: &Meaning, span: Option<Span>) {
        let tool = self.drill_for(diameter).unwrap_or(self.settings.tool);
        let bottom = self.through(meaning);
        self.out.holes.push(Hole { at, diameter, bottom, tool, span });
    }

    fn trace(&mut self, line: Polyline, meaning: &Meaning, span: Option<Span>) {
        let through = meaning.operation == LayerOperation::On;
        let mark = -meaning.depth.unwrap_or(self.options.mark_depth).abs();
        let bottom = if through { self.through(meaning) } else { mark };
        self.out.traces.push(Trace { line, bottom, through, feed_percent: meaning.feed_percent, span });
    }

    fn lines(&mut self, lines: Vec<OpenLine>) {
        use LayerOperation as O;
        for line in lines {
            let key = (line.layer, line.colour);
            let mut meaning = self.meaning(key);
            let at = line.path.first().unwrap_or_else(Point::origin);
            if let Some(gap) = almost_closed(&line.path, &meaning) {
                self.unclosed.add(line.span, at, gap);
                (meaning.operation, meaning.why) = (O::Ignore, "a contour that does not close".to_owned());
            }
            match meaning.operation {
                O::Profile | O::Outside | O::Inside
                    if self.options.request == Request::Auto && !meaning.named =>
                {
                    self.open.add(line.span, at, 0.0);
                    (meaning.operation, meaning.why) = (O::Mark, "an open line has no inside".to_owned());
                }
                O::Profile | O::Outside | O::Inside | O::Pocket | O::Drill => {
                    self.open.add(line.span, at, 0.0);
                    (meaning.operation, meaning.why) = (O::Ignore, "an open line has no inside".to_owned());
                }
                _ => {}
            }
            if meaning.operation == O::Mark && !self.options.can_mark {
                self.unmarkable.add(line.span, at, 0.0);
                (meaning.operation, meaning.why) = (O::Ignore, "the machine cannot mark".to_owned());
            }
            self.note(key, "open line", meaning.operation, &meaning.why);
            if matches!(meaning.operation, O::Mark | O::On) {
                self.trace(line.path, &meaning, line.span);
            }
        }
    }

    fn points(&mut self, points: Vec<Mark>) {
        use LayerOperation as O;
        for point in points {
            let key = (point.layer, point.colour);
            let mut meaning = self.meaning(key);
            let router = self.settings.kind == MachineKind::Router;
            if meaning.operation != O::Drill || !router {
                (meaning.operation, meaning.why) = (O::Ignore, "a point is only ever drilled".to_owned());
            }
            self.note(key, "point", meaning.operation, &meaning.why);
            if meaning.operation == O::Drill {
                self.hole(point.at, 0.0, &meaning, point.span);
            }
        }
    }

    fn finish(mut self, texts: u32) -> Checked<Operations> {
        if texts > 0 {
            self.out.assignments.push(Assignment {
                layer: String::new(),
                colour: None,
                shape: "text",
                count: texts,
                operation: LayerOperation::Ignore,
                why: "text is not an outline".to_owned(),
            });
        }
        if self.small.count > 0 {
            let size = self.small.first.map_or(0.0, |f| f.2);
            let what = if self.settings.kind == MachineKind::Router { "tool" } else { "kerf" };
            let message = format!(
                "a hole {size:.3} mm wide leaves no room for the {} mm {what}",
                self.settings.diameter
            );
            let d = match self.options.small_holes {
                SmallHoles::Refuse => Diagnostic::error("cut/hole-smaller-than-kerf", message)
                    .hint("mark or skip small holes, drill them, or take a narrower tool"),
                _ => Diagnostic::warning("cut/hole-smaller-than-kerf", message),
            };
            self.notes.push(self.small.place(d));
        }
        if self.unclosed.count > 0 {
            let gap = self.unclosed.first.map_or(0.0, |f| f.2);
            let message = format!("a contour is open: its ends are {gap:.3} mm apart");
            let d = Diagnostic::error("cut/open-contour", message)
                .hint("close it in the drawing, or raise the joining tolerance above the gap");
            self.notes.push(self.unclosed.place(d));
        }
        if self.open.count > 0 {
            let marked = self.options.request == Request::Auto && self.options.can_mark;
            let message =
                if marked { "an open line is marked, not cut out" } else { "an open line is left out" };
            let d = Diagnostic::warning("cut/open-line", message)
                .hint("close it in the drawing, raise the joining tolerance, or say --op trace to follow it");
            self.notes.push(self.open.place(d));
        }
        if self.unroutable.count > 0 {
            let message = "a pocket is left out, or a hole to drill only marked: the machine is no router";
            let d = Diagnostic::warning("cut/needs-router", message).hint("give the layer another operation");
            self.notes.push(self.unroutable.place(d));
        }
        if self.unmarkable.count > 0 {
            let d = Diagnostic::warning("cut/no-marking-tool", "a mark is left out: the machine cannot mark")
                .hint("a plasma table marks with a scribe or spotting arc: --mark-with");
            self.notes.push(self.unmarkable.place(d));
        }
        self.notes.extend(self.nothing_left());
        Checked { value: self.out, diagnostics: self.notes }
    }

    /// Says so when there were shapes and none of them is made.
    fn nothing_left(&self) -> Option<Diagnostic> {
        let o = &self.out;
        let none = o.profiles.is_empty() && o.pockets.is_empty() && o.traces.is_empty() && o.holes.is_empty();
        let explained = self.unclosed.count > 0
            || (self.small.count > 0 && self.options.small_holes == SmallHoles::Refuse);
        (none && !o.assignments.is_empty() && !explained).then(|| {
            Diagnostic::error("cut/nothing-to-make", "every shape of the drawing is left out")
                .hint("see what became what, and say --op or [[layers]] rules for these layers")
        })
    }
}

/// Returns the gap of a chain that was surely meant to be a contour: it is to be cut out, and its ends are near
/// each other for its length. A part whose outline is left out, or marked, would be scrap.
fn almost_closed(path: &Polyline, meaning: &Meaning) -> Option<f64> {
    use LayerOperation as O;
    let cut_out = matches!(meaning.operation, O::Profile | O::Outside | O::Inside | O::Pocket);
    let gap = (path.last()? - path.first()?).norm();
    (cut_out && path.segment_count() > 2 && gap <= ALMOST * path.length()).then_some(gap)
}

/// Nesting among some of the contours.
struct Nest {
    /// How many chosen contours lie around each.
    depth: Vec<u32>,
    /// The smallest chosen contour around each.
    parent: Vec<Option<u32>>,
    /// Running number of each chosen contour.
    place: Vec<Option<u32>>,
}

impl Nest {
    fn of(contours: &[Contour], chosen: impl Fn(usize) -> bool) -> Nest {
        let n = contours.len();
        let mut nest = Nest { depth: vec![0; n], parent: vec![None; n], place: vec![None; n] };
        let mut next = 0;
        for i in 0..n {
            if chosen(i) {
                nest.place[i] = Some(next);
                next += 1;
            }
        }
        // Parents before children, whatever the order of the drawing.
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by_key(|&i| contours[i as usize].depth);
        for i in order.into_iter().map(|i| i as usize) {
            let around = contours[i].parent.filter(|&p| (p as usize) < n && p as usize != i);
            let Some(p) = around.map(|p| p as usize) else { continue };
            if nest.place[p].is_some() {
                (nest.parent[i], nest.depth[i]) = (Some(p as u32), nest.depth[p] + 1);
            } else {
                (nest.parent[i], nest.depth[i]) = (nest.parent[p], nest.depth[p]);
            }
        }
        nest
    }
}

/// Returns what a layer of this name means in most shops.
fn usual_meaning(name: &str) -> Option<LayerOperation> {
    name.split(|c: char| !c.is_alphanumeric()).find_map(|word| {
        let hit = |key: &str| {
            word.len() >= key.len()
                && word.is_char_boundary(key.len())
                && word[..key.len()].eq_ignore_ascii_case(key)
        };
        LAYER_NAMES.iter().find(|(key, _)| hit(key)).map(|(_, operation)| *operation)
    })
}

/// Matches `name` against a pattern with `*` for any run of characters, without regard to case.
pub fn matches_pattern(pattern: &str, name: &str) -> bool {
    let fold = |s: &str| s.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (p, n) = (fold(pattern), fold(name));
    let (mut i, mut j, mut star) = (0, 0, None);
    // Greedy with one point to come back to: linear in practice, never exponential.
    while j < n.len() {
        if i < p.len() && p[i] == '*' {
            star = Some((i, j));
            i += 1;
        } else if i < p.len() && p[i] == n[j] {
            (i, j) = (i + 1, j + 1);
        } else if let Some((si, sj)) = star {
            (i, j) = (si + 1, sj + 1);
            star = Some((si, sj + 1));
        } else {
            return false;
        }
    }
    p[i..].iter().all(|c| *c == '*')
}

/// Chooses where tabs stay on `contour`: spread evenly, each moved to the nearest straight stretch away from
/// corners (Vectric manual, "Toolpath Tabs": avoid corners and curves), or onto a gentle arc when there is no
/// straight one. A contour too short for tabs gets none.
pub fn place_tabs(contour: &Polyline, waste: Waste, rule: &TabRule, diameter: f64, bottom: f64) -> Vec<Tab> {
    let track = Track::new(contour);
    let length = track.length();
    let room = rule.width + diameter;
    let by_spacing = if rule.spacing > 0.0 { (length / rule.spacing).ceil() } else { 0.0 };
    // Tabs never take more than a quarter of a contour: a small slug needs no holding.
    let most = (length / (4.0 * room)).floor();
    let count = by_spacing.max(f64::from(rule.count)).min(most).min(10_000.0);
    if !(count >= 1.0 && rule.width > 0.0) {
        return Vec::new();
    }
    let beside = Beside { index: SegmentIndex::new([contour]), track: &track, waste, diameter };
    let is_free = |s: f64| [-0.5, 0.0, 0.5].iter().all(|k| beside.is_free(s + k * room));
    let stretches = tab_stretches(&track, room);
    // Where the wanted place does not do, one of these: every tab's length along the stretches.
    let others: Vec<f64> = (stretches.iter())
        .flat_map(|&(a, b)| {
            let n = ((b - a) / room).ceil().clamp(1.0, 64.0);
            (0..=n as usize).map(move |k| a + (b - a) * k as f64 / n)
        })
        .filter(|s| is_free(*s))
        .collect();
    let mut middles: Vec<f64> = Vec::new();
    for k in 0..count as usize {
        let wanted = (k as f64 + 0.5) * length / count;
        let apart = |a: f64, b: f64| (a - b).abs().min(length - (a - b).abs());
        let nearest = stretches.iter().map(|&(a, b)| wanted.clamp(a, b));
        let first = nearest.min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs()));
        let alone = |s: &f64| middles.iter().all(|m| apart(*m, *s) >= 2.0 * room);
        let near = others.iter().copied().filter(alone);
        let at = (first.filter(|s| is_free(*s)).filter(alone))
            .or_else(|| near.min_by(|a, b| apart(*a, wanted).total_cmp(&apart(*b, wanted))));
        middles.extend(at);
    }
    middles.sort_by(f64::total_cmp);
    let top = (bottom + rule.height).min(0.0);
    middles.into_iter().map(|s| Tab { at: track.point(s), width: rule.width, top }).collect()
}

/// Returns where the middle of a tab may lie: on straight pieces that hold all of it, else on large arcs, else
/// anywhere.
fn tab_stretches(track: &Track, room: f64) -> Vec<(f64, f64)> {
    let half = room / 2.0;
    for straight in [true, false] {
        let fits = |s: &Segment| match s {
            Segment::Line(_) => straight,
            Segment::Arc(a) => !straight && a.radius > 2.0 * room,
        };
        let pieces = track.segments().iter().enumerate().filter(|(_, s)| fits(s) && s.length() >= room);
        let found: Vec<(f64, f64)> =
            pieces.map(|(i, s)| (track.start_of(i) + half, track.start_of(i) + s.length() - half)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    vec![(0.0, track.length())]
}

/// The waste beside a contour.
struct Beside<'a> {
    index: SegmentIndex,
    track: &'a Track,
    waste: Waste,
    diameter: f64,
}

impl Beside<'_> {
    /// True when a cut passes here and has its own width to spare: a tab in a slot hardly wider than the cut would
    /// be cut away, or its torch restarted, on the slot's other side.
    fn is_free(&self, s: f64) -> bool {
        let side = match self.waste {
            Waste::On => return true,
            Waste::Inside => 1.0,
            Waste::Outside => -1.0,
        };
        let n = shop_geom::left(self.track.direction(s)) * side;
        let c = self.track.point(s) + n * self.diameter;
        self.index.nearest(c, 0.99 * self.diameter).is_none()
    }
}
