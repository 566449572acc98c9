//! From entities to shapes: placing, block expansion, colours and layers resolved.
//!
//! A block is placed by INSERT = OCS · insertion point · rotation · scale · −base point; arrays repeat it in the
//! rotated grid. How much a drawing would expand to is counted before anything is expanded, so that a small file
//! cannot ask for all memory.

use super::affine::{Affine, cross3, normalized};
use super::clips::Clips;
use super::colour::Colour;
use super::entity::{Entity, Geometry, Insert, TextEntity, Xyz};
use super::hatch::Edge;
use super::layers::{LayerNames, LineType};
use super::note::{LEVEL, Note, heights};
use super::spline;
use super::talk::Talk;
use super::text::{Charset, plain_mtext, plain_text};
use crate::{Exclusion, Fit, Rgb, Shape, Text};
use shop_geom::curve::{Curve, EllipseArc};
use shop_geom::{Point, Polyline, Vertex, cross};
use shop_report::{Severity, Span};
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// How deep blocks may stand in blocks. Real drawings go to five or so; the bound keeps the stack small.
const MAX_DEPTH: u32 = 64;

/// Coordinates beyond this, mm, are a mistake (10,000 km) and would cost every later step its digits.
const MAX_COORDINATE: f64 = 1e10;

/// A block definition.
#[derive(Clone, Debug, Default)]
pub(super) struct Block<'a> {
    pub name: String,
    pub base: Xyz,
    pub entities: Vec<Entity<'a>>,
    /// It stands for another drawing's file.
    pub external: bool,
    /// Points that placing it once makes, blocks within included.
    cost: u64,
    /// Levels of blocks within.
    height: u32,
}

/// All blocks, by lower-case name.
#[derive(Debug, Default)]
pub(super) struct Blocks<'a> {
    pub list: Vec<Block<'a>>,
    by_name: BTreeMap<String, u32>,
    /// (block, entity) of INSERTs that would place a block in itself.
    cut: Vec<(u32, u32)>,
}

/// Returns how many points an entity makes.
fn points_of(geometry: &Geometry<'_>) -> u64 {
    match geometry {
        Geometry::Flat { vertices, .. } => vertices.len() as u64,
        Geometry::Spatial { points, .. } => points.len() as u64,
        Geometry::Spline(s) => 2 * (s.points.len() as u64 + 3 * s.fit.len() as u64),
        Geometry::Hatch { loops, .. } => loops.iter().flatten().map(edge_points).sum(),
        _ => 3,
    }
}

fn edge_points(edge: &Edge) -> u64 {
    match edge {
        Edge::Polyline { vertices, .. } => vertices.len() as u64,
        Edge::Spline { points, .. } => 2 * points.len() as u64,
        _ => 3,
    }
}

impl<'a> Blocks<'a> {
    /// Adds a block; the first of a name stays. Returns the name of one that is there already with other content;
    /// nameless ones (`*U12`), which programs make by themselves, are nobody's concern.
    pub fn push(&mut self, block: Block<'a>) -> Option<String> {
        let id = self.list.len() as u32;
        let first = *self.by_name.entry(block.name.to_lowercase()).or_insert(id);
        let again = first != id && !block.name.starts_with('*') && !block.entities.is_empty();
        let name = again.then(|| block.name.clone());
        self.list.push(block);
        name
    }

    /// Says that the drawing is empty and the definitions are not.
    pub fn say_unused(&self, talk: &mut Talk<'a>) {
        // `_DOT` and the like are arrow heads that CAD programs put into every drawing.
        let drawn = |b: &&Block<'_>| !b.name.starts_with(['*', '_']) && b.cost > 0;
        let mut blocks = self.list.iter().filter(drawn);
        let Some(first) = blocks.next() else { return };
        let (name, more) = (&first.name, blocks.count());
        let also = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = || format!("nothing is drawn, but blocks are defined and not shown: `{name}`{also}");
        let hint = "insert the block into the model in your CAD program, or explode it there";
        let span = first.entities.first().map(|e| talk.span(e.at, e.end));
        talk.say(Severity::Warning, "dxf/only-blocks", span, message, hint);
    }

    fn find(&self, raw: &[u8], charset: &Charset) -> Option<u32> {
        self.by_name.get(&charset.decode(raw).to_lowercase()).copied()
    }

    /// Works out what every block expands to, children first, and cuts INSERTs that lead back to their own block.
    pub fn weigh(&mut self, charset: &Charset, talk: &mut Talk<'a>) {
        // 0 not met, 1 on the way down, 2 done.
        let mut state = vec![0u8; self.list.len()];
        for root in 0..self.list.len() {
            if state[root] != 0 {
                continue;
            }
            state[root] = 1;
            let mut path: Vec<(usize, usize)> = vec![(root, 0)];
            while let Some(&(block, entity)) = path.last() {
                let Some(e) = self.list[block].entities.get(entity) else {
                    state[block] = 2;
                    path.pop();
                    continue;
                };
                let (mut cost, mut height) = (points_of(&e.geometry) + 1, 0);
                if let Geometry::Insert(insert) = &e.geometry
                    && let Some(child) = self.find(insert.block, charset).map(|c| c as usize)
                {
                    match state[child] {
                        0 => {
                            state[child] = 1;
                            path.push((child, 0));
                            continue;
                        }
                        1 => {
                            let name = self.list[child].name.clone();
                            let span = talk.span(e.at, e.end);
                            self.cut.push((block as u32, entity as u32));
                            talk.error(
                                "dxf/recursive-block",
                                span,
                                || format!("block `{name}` contains itself"),
                                "it is shown once and not within itself; mend the block in your CAD program",
                            );
                        }
                        _ => {
                            cost = insert_cost(insert, self.list[child].cost);
                            height = self.list[child].height + 1;
                        }
                    }
                }
                let b = &mut self.list[block];
                b.cost = b.cost.saturating_add(cost);
                b.height = b.height.max(height);
                if let Some(last) = path.last_mut() {
                    last.1 += 1;
                }
            }
        }
        self.cut.sort_unstable();
    }
}

fn insert_cost(insert: &Insert<'_>, block: u64) -> u64 {
    let copies = u64::from(insert.columns) * u64::from(insert.rows);
    copies.saturating_mul(block.saturating_add(1)).saturating_add(insert.attributes.len() as u64)
}

/// Where and how something is shown.
#[derive(Clone, Copy)]
struct Place<'p> {
    m: Affine,
    /// The layer that stands in for layer 0, when inside of a block.
    layer: Option<u32>,
    /// The colour that BYBLOCK means.
    colour: Option<Rgb>,
    /// The line type that BYBLOCK means, when it has gaps.
    gaps: Option<&'p [u8]>,
    excluded: Option<Exclusion>,
    depth: u32,
    /// A scale that is not the same in all directions was met.
    uneven: bool,
}

/// Counts by entity name. The common names have slots of their own; the rest is a small map.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts<'a> {
    common: [u32; COMMON.len()],
    other: BTreeMap<&'a [u8], u32>,
}

const COMMON: [&[u8]; 8] =
    [b"LINE", b"ARC", b"CIRCLE", b"LWPOLYLINE", b"POLYLINE", b"ELLIPSE", b"SPLINE", b"INSERT"];

impl<'a> Counts<'a> {
    #[inline]
    pub fn add(&mut self, name: &'a [u8]) {
        match COMMON.iter().position(|c| *c == name) {
            Some(i) => self.common[i] += 1,
            None => *self.other.entry(name).or_default() += 1,
        }
    }

    pub fn merge(&mut self, later: &Counts<'a>) {
        for (a, b) in self.common.iter_mut().zip(later.common) {
            *a += b;
        }
        for (name, n) in &later.other {
            *self.other.entry(name).or_default() += n;
        }
    }

    /// Returns (name, count) by name.
    pub fn finish(&self) -> BTreeMap<String, u32> {
        let common = COMMON.iter().copied().zip(self.common).filter(|(_, n)| *n > 0);
        common
            .chain(self.other.iter().map(|(name, n)| (*name, *n)))
            .map(|(name, n)| (String::from_utf8_lossy(name).into_owned(), n))
            .collect()
    }
}

/// What one part of the file became.
pub(super) struct Output<'a> {
    pub shapes: Vec<Shape>,
    pub texts: Vec<Text>,
    pub points: Vec<(Point, u32, Span)>,
    pub modelspace: Counts<'a>,
    pub paperspace: Counts<'a>,
    pub expanded: Counts<'a>,
    /// Paths by layer as stored, not as inherited from an INSERT.
    pub by_layer: Vec<u32>,
    pub mirrored_inserts: u32,
    pub uneven_inserts: u32,
    pub negative_extrusions: u32,
    /// Circles and arcs of radius 0.
    pub dots: u32,
    /// Lowest and highest place of what is flat and to be made, mm.
    pub heights: [f64; 2],
}

impl Default for Output<'_> {
    fn default() -> Self {
        Output {
            shapes: Vec::new(),
            texts: Vec::new(),
            points: Vec::new(),
            modelspace: Counts::default(),
            paperspace: Counts::default(),
            expanded: Counts::default(),
            by_layer: Vec::new(),
            mirrored_inserts: 0,
            uneven_inserts: 0,
            negative_extrusions: 0,
            dots: 0,
            heights: [f64::INFINITY, f64::NEG_INFINITY],
        }
    }
}

/// Turns the entities of one part of the file into shapes.
pub(super) struct Placer<'a, 'b> {
    pub blocks: &'b Blocks<'a>,
    pub clips: &'b Clips,
    pub charset: Charset,
    pub mm_per_unit: f64,
    /// Counts the points that INSERTs ask for; `None`: too many, expand nothing.
    pub budget: Option<&'b Budget>,
    pub out: Output<'a>,
}

/// How many points INSERTs may become, over all parts of the file.
pub(super) struct Budget {
    pub limit: u64,
    pub asked: std::sync::atomic::AtomicU64,
}

impl<'a> Placer<'a, '_> {
    /// Places an entity of model or paper space.
    pub fn top(
        &mut self,
        e: &Entity<'a>,
        in_paper: bool,
        layers: &mut LayerNames<'a, '_>,
        talk: &mut Talk<'a>,
    ) {
        let paper = e.paper || in_paper;
        if paper {
            self.out.paperspace.add(e.name);
            if let Geometry::Insert(_) | Geometry::Text(_) | Geometry::Point(_) | Geometry::Other(_) =
                e.geometry
            {
                return talk.ignore(e.name, "in paper space", talk.span(e.at, e.end));
            }
        } else {
            self.out.modelspace.add(e.name);
        }
        let place = Place {
            m: Affine::scale(self.mm_per_unit),
            layer: None,
            colour: None,
            gaps: None,
            excluded: paper.then_some(Exclusion::PaperSpace),
            depth: 0,
            uneven: false,
        };
        self.place(e, &place, layers, talk);
    }

    fn place(
        &mut self,
        e: &Entity<'a>,
        place: &Place<'_>,
        layers: &mut LayerNames<'a, '_>,
        talk: &mut Talk<'a>,
    ) {
        let layer = match place.layer {
            Some(outer) if e.layer == layers.zero => outer,
            _ => e.layer,
        };
        let state = layers.state(layer);
        let colour = match e.colour {
            Colour::Own(rgb) => Some(rgb),
            Colour::ByBlock => place.colour,
            Colour::ByLayer => state.and_then(|s| s.colour),
        };
        let frozen = state.is_some_and(|s| s.frozen);
        let off = state.is_some_and(|s| s.off);
        let excluded = place
            .excluded
            .or((frozen || off).then_some(Exclusion::LayerHidden))
            .or(e.invisible.then_some(Exclusion::Invisible));
        let not_plotted = state.is_some_and(|s| s.not_plotted);
        let span = talk.span(e.at, e.end);
        if let Geometry::Insert(insert) = &e.geometry {
            let gaps = gaps(e, layer, place, layers).map(<[u8]>::to_vec);
            let inside = Place {
                layer: Some(layer),
                colour,
                gaps: gaps.as_deref(),
                // A layer that is off hides what lies on it; one that is frozen also what hangs on it.
                excluded: place
                    .excluded
                    .or(frozen.then_some(Exclusion::LayerHidden))
                    .or(e.invisible.then_some(Exclusion::Invisible)),
                ..*place
            };
            return self.insert(e, insert, &inside, layers, talk);
        }
        let item = Item { layer, colour, span, excluded, whole: place.depth == 0 };
        let m = if in_world(e) || e.extrusion == [0.0, 0.0, 1.0] {
            place.m
        } else {
            place.m.after(&Affine::ocs(e.extrusion))
        };
        let before = self.out.shapes.len();
        match &e.geometry {
            Geometry::Line(a, b) => {
                let vertices = vec![flat(&m, *a, 0.0), flat(&m, *b, 0.0)];
                self.shape(Curve::Polyline(Polyline { vertices, closed: false }), item, talk);
            }
            Geometry::Circle { center, radius } => {
                // A radius below zero is a circle all the same; one of zero is a dot.
                if *radius == 0.0 {
                    talk.ignore(e.name, "its radius is 0", span);
                } else {
                    self.shape(circular(&m, *center, radius.abs(), 0.0, TAU), item, talk);
                }
            }
            Geometry::Arc { center, radius, start, end } => {
                let sweep = arc_sweep(*start, *end);
                if *radius == 0.0 || sweep == 0.0 {
                    talk.ignore(e.name, "it has no length", span);
                } else {
                    let c = circular(&m, *center, radius.abs(), start.to_radians(), sweep.to_radians());
                    self.shape(c, item, talk);
                }
            }
            Geometry::Ellipse { center, major, ratio, start, end } => {
                let n = normalized(e.extrusion).unwrap_or([0.0, 0.0, 1.0]);
                let minor = cross3(n, *major).map(|c| c * ratio);
                let arc = EllipseArc {
                    center: m.flat_point(*center),
                    major: m.flat_vector(*major),
                    minor: m.flat_vector(minor),
                    start: *start,
                    sweep: parameter_sweep(*start, *end),
                };
                self.shape(rounded(arc), item, talk);
            }
            Geometry::Flat { vertices, elevation, closed } => {
                self.flat_polyline(e, vertices, *elevation, *closed, &m, item, talk);
            }
            Geometry::Spatial { points, closed } => {
                let vertices: Vec<Vertex> = points.iter().map(|&p| flat(&m, p, 0.0)).collect();
                self.polyline(e, vertices, *closed, item, talk);
            }
            Geometry::Spline(s) => match spline::curve(s, &m) {
                Ok(nurbs) => self.shape(Curve::Nurbs(nurbs), item, talk),
                Err(what) => talk.error(
                    "dxf/spline-invalid",
                    span,
                    || format!("a spline has {what}"),
                    "it is left out; redraw it or export splines as polylines",
                ),
            },
            Geometry::Text(t) => self.text(e, t, &m, place, item, talk),
            Geometry::Point(p) => match excluded {
                None => {
                    let p = m.flat_point(*p);
                    if sound(p) {
                        self.out.points.push((p, layer, span));
                    } else {
                        beyond(talk, span);
                    }
                }
                Some(why) => talk.ignore(e.name, excluded_phrase(why), span),
            },
            Geometry::Hatch { loops, elevation } => {
                talk.ignore(e.name, "an area filling; its boundary is kept as construction", span);
                let item = Item { excluded: excluded.or(Some(Exclusion::Construction)), ..item };
                for edge in loops.iter().flatten() {
                    self.edge(edge, *elevation, &m, item, talk);
                }
            }
            Geometry::Other(why) => talk.ignore(e.name, why, span),
            Geometry::Insert(_) => {}
        }
        if excluded.is_none()
            && self.out.shapes.len() > before
            && !matches!(e.geometry, Geometry::Hatch { .. })
        {
            self.note(e, &m, span, talk);
            if let Some(name) = gaps(e, layer, place, layers) {
                talk.note(Note::LineType, name, 0.0, span);
            }
            if not_plotted && let Some(state) = layers.state(layer) {
                talk.note(Note::NotPlotted, state.name.as_bytes(), 0.0, span);
            }
        }
        if place.excluded != Some(Exclusion::PaperSpace) {
            self.count(e, place, &m, before);
        }
    }

    /// Notes what the plan does not show of an entity that is to be made.
    fn note(&mut self, e: &Entity<'a>, m: &Affine, span: Span, talk: &mut Talk<'a>) {
        if e.width > 0.0 {
            let plane = m.plane();
            talk.note(Note::Width, e.name, e.width * plane.u.norm().max(plane.v.norm()), span);
        }
        if e.thick {
            talk.note(Note::Thickness, e.name, 0.0, span);
        }
        let [low, high] = heights(e, m);
        if high - low > LEVEL {
            talk.note(Note::NotFlat, e.name, high - low, span);
        } else if low <= high {
            self.out.heights = [self.out.heights[0].min(low), self.out.heights[1].max(high)];
        }
    }

    /// Counts an entity of the expanded model space, under the name of what it became.
    fn count(&mut self, e: &Entity<'a>, place: &Place<'_>, m: &Affine, before: usize) {
        if place.depth > 0 && e.name == b"ATTDEF" {
            return;
        }
        // Planar things face down when their plane is mirrored on its way; the others when they say so.
        let planar = match &e.geometry {
            Geometry::Circle { .. } | Geometry::Arc { .. } => !place.uneven,
            Geometry::Flat { .. } => true,
            Geometry::Text(t) => !t.multiline,
            _ => false,
        };
        let plane = m.plane();
        let down = if planar { cross(plane.u, plane.v) < 0.0 } else { e.extrusion[2] < 0.0 };
        self.out.negative_extrusions += u32::from(down);
        let mut made = (self.out.shapes.len() - before) as u32;
        if let Geometry::Circle { radius, .. } | Geometry::Arc { radius, .. } = &e.geometry
            && *radius == 0.0
        {
            self.out.dots += 1;
            made = 1;
        }
        match &e.geometry {
            Geometry::Circle { .. } | Geometry::Arc { .. } if place.uneven => {
                self.out.expanded.add(b"ELLIPSE");
            }
            Geometry::Flat { .. } if place.depth > 0 && made > 1 => {
                for shape in &self.out.shapes[before..] {
                    let line = matches!(shape.curve, Curve::Polyline(_));
                    self.out.expanded.add(if line { b"LINE" } else { b"ELLIPSE" });
                }
            }
            _ => self.out.expanded.add(e.name),
        }
        if !matches!(e.geometry, Geometry::Hatch { .. }) && made > 0 {
            let layer = e.layer as usize;
            if self.out.by_layer.len() <= layer {
                self.out.by_layer.resize(layer + 1, 0);
            }
            self.out.by_layer[layer] += made;
        }
    }

    fn insert(
        &mut self,
        e: &Entity<'a>,
        insert: &Insert<'a>,
        inside: &Place<'_>,
        layers: &mut LayerNames<'a, '_>,
        talk: &mut Talk<'a>,
    ) {
        let span = talk.span(e.at, e.end);
        if inside.excluded.is_none() && self.clips.contains(insert.dictionary) {
            talk.note(Note::Clipped, insert.block, 0.0, span);
        }
        if inside.excluded != Some(Exclusion::PaperSpace) {
            self.out.expanded.add(e.name);
            self.out.negative_extrusions += u32::from(e.extrusion[2] < 0.0);
        }
        for attribute in &insert.attributes {
            // An attribute is a text of its own, where its INSERT stands and not where the block is scaled to.
            if let Geometry::Text(_) = attribute.geometry {
                self.attribute(attribute, inside, layers, talk);
            }
        }
        let Some(id) = self.blocks.find(insert.block, &self.charset) else {
            let name = self.charset.decode(insert.block).into_owned();
            return talk.warn(
                "dxf/block-missing",
                span,
                || format!("block `{name}` is shown here and defined nowhere"),
                "what it should show is missing; bind or explode it in your CAD program",
            );
        };
        let block = &self.blocks.list[id as usize];
        if block.external && block.entities.is_empty() {
            let name = block.name.clone();
            return talk.warn(
                "dxf/external-reference",
                span,
                || format!("`{name}` is another drawing's file, which is not read"),
                "bind the reference in your CAD program",
            );
        }
        if inside.depth == 0 && !self.affordable(block, insert, span, talk) {
            return;
        }
        let [sx, sy, sz] = insert.scale;
        let (sin, cos) = exact_sin_cos(insert.rotation);
        let ocs = Affine::ocs(e.extrusion);
        let turned = |x: f64, y: f64| [cos * x - sin * y, sin * x + cos * y, 0.0];
        let frame = Affine { x: turned(sx, 0.0), y: turned(0.0, sy), z: [0.0, 0.0, sz], origin: insert.at };
        let plane = inside.m.after(&ocs).after(&frame).plane();
        let uneven = plane.similarity().is_none();
        self.out.mirrored_inserts += u32::from(cross(plane.u, plane.v) < 0.0);
        self.out.uneven_inserts += u32::from(uneven);
        for row in 0..insert.rows {
            for column in 0..insert.columns {
                let step = turned(f64::from(column) * insert.column_step, f64::from(row) * insert.row_step);
                let [x, y, z] = insert.at;
                let local = Affine { origin: [x + step[0], y + step[1], z], ..frame };
                let moved = Affine { origin: block.base.map(|c| -c), ..Affine::scale(1.0) };
                let m = inside.m.after(&ocs).after(&local).after(&moved);
                let place = Place { m, depth: inside.depth + 1, uneven, ..*inside };
                for (i, e) in block.entities.iter().enumerate() {
                    if self.blocks.cut.binary_search(&(id, i as u32)).is_err() {
                        self.place(e, &place, layers, talk);
                    }
                }
            }
        }
    }

    /// True when the INSERT of a block at the top may be expanded.
    fn affordable(&self, block: &Block<'_>, insert: &Insert<'_>, span: Span, talk: &mut Talk<'a>) -> bool {
        if block.height > MAX_DEPTH {
            let (name, height) = (block.name.clone(), block.height);
            talk.error(
                "dxf/nesting-too-deep",
                span,
                || format!("block `{name}` holds {height} levels of blocks; at most {MAX_DEPTH} are read"),
                "it is left out; explode it in your CAD program",
            );
            return false;
        }
        let Some(budget) = self.budget else { return false };
        let cost = insert_cost(insert, block.cost);
        if cost > budget.limit {
            let name = block.name.clone();
            talk.error(
                "dxf/expansion-too-large",
                span,
                || format!("block `{name}` expands to {cost} points; at most {} are made", budget.limit),
                "it is left out; a drawing that small does not mean that much, mend it in your CAD program",
            );
            return false;
        }
        let before = budget.asked.fetch_add(cost, std::sync::atomic::Ordering::Relaxed);
        before + cost <= budget.limit
    }

    fn attribute(
        &mut self,
        e: &Entity<'a>,
        inside: &Place<'_>,
        layers: &mut LayerNames<'a, '_>,
        talk: &mut Talk<'a>,
    ) {
        let Geometry::Text(t) = &e.geometry else { return };
        let state = layers.state(e.layer);
        let hidden = state.is_some_and(|s| s.frozen || s.off).then_some(Exclusion::LayerHidden);
        let excluded = inside.excluded.or(hidden).or(e.invisible.then_some(Exclusion::Invisible));
        let span = talk.span(e.at, e.end);
        let item = Item { layer: e.layer, colour: None, span, excluded, whole: true };
        let m = inside.m.after(&Affine::ocs(e.extrusion));
        self.text(e, t, &m, inside, item, talk);
    }

    fn text(
        &mut self,
        e: &Entity<'a>,
        t: &TextEntity<'a>,
        m: &Affine,
        place: &Place<'_>,
        item: Item,
        talk: &mut Talk<'a>,
    ) {
        if let Some(why) = item.excluded {
            return talk.ignore(e.name, excluded_phrase(why), item.span);
        }
        let raw = t.pieces.concat();
        let decoded = self.charset.decode(&raw);
        let text = if t.multiline { plain_mtext(&decoded) } else { plain_text(&decoded) };
        let m = if t.multiline && t.direction.is_some() { &place.m } else { m };
        let along = match (t.to, t.direction.and_then(normalized)) {
            (Some(to), _) => normalized([to[0] - t.at[0], to[1] - t.at[1], 0.0]).unwrap_or([1.0, 0.0, 0.0]),
            (None, Some(d)) if t.multiline => d,
            _ => {
                let (sin, cos) = exact_sin_cos(t.rotation);
                [cos, sin, 0.0]
            }
        };
        // In its plane; for a direction in the world, in the plane that it lies in with the extrusion's normal.
        let normal = if t.multiline && t.direction.is_some() { e.extrusion } else { [0.0, 0.0, 1.0] };
        let up = m.flat_vector(cross3(normal, along)) * (t.height * t.rise);
        let along = m.flat_vector(along) * t.height;
        let up = up + along * t.slant.to_radians().tan();
        // MTEXT is placed in the world, whatever its extrusion.
        let at = if t.multiline { place.m.flat_point(t.at) } else { m.flat_point(t.at) };
        let fit = t.to.map_or(Fit::Free, |to| {
            let length = (m.flat_point(to) - at).norm();
            if t.scaled { Fit::Scaled(length) } else { Fit::Stretched(length) }
        });
        if ![at, Point::from(along), Point::from(up), Point::from(along * t.stretch)].into_iter().all(sound) {
            return beyond(talk, item.span);
        }
        let Item { layer, colour, span, .. } = item;
        let along = along * t.stretch;
        self.out.texts.push(Text { text, at, along, up, anchor: t.anchor, fit, layer, colour, span });
    }

    fn flat_polyline(
        &mut self,
        e: &Entity<'a>,
        vertices: &[[f64; 3]],
        elevation: f64,
        closed: bool,
        m: &Affine,
        item: Item,
        talk: &mut Talk<'a>,
    ) {
        let straight = vertices.iter().all(|v| v[2] == 0.0);
        let similarity = m.plane().similarity();
        if straight || similarity.is_some() {
            let sign = if similarity.is_some_and(|(_, _, mirrored)| mirrored) { -1.0 } else { 1.0 };
            let mapped = vertices.iter().map(|&[x, y, bulge]| {
                let bulge = if bulge == 0.0 { 0.0 } else { bulge * sign };
                flat(m, [x, y, elevation], bulge)
            });
            return self.polyline(e, mapped.collect(), closed, item, talk);
        }
        // The arcs become elliptical, which no bulge can say.
        if item.whole {
            let vertices = vertices.iter().map(|v| Vertex::new(v[0], v[1], v[2])).collect();
            let curve = Curve::Polyline(Polyline { vertices, closed });
            return self.shape(curve.transformed(&m.on_plane(elevation)), item, talk);
        }
        let n = vertices.len();
        for i in 0..if closed { n } else { n.saturating_sub(1) } {
            let ([ax, ay, bulge], [bx, by, _]) = (vertices[i], vertices[(i + 1) % n]);
            self.piece([ax, ay], [bx, by], bulge, elevation, m, item, talk);
        }
    }

    /// One piece of a polyline under a map that makes ellipses of circles.
    fn piece(
        &mut self,
        a: [f64; 2],
        b: [f64; 2],
        bulge: f64,
        z: f64,
        m: &Affine,
        item: Item,
        talk: &mut Talk<'a>,
    ) {
        let curve = match shop_geom::Arc::from_bulge(Point::from(a), Point::from(b), bulge) {
            Some(arc) => circular(m, [arc.center.x, arc.center.y, z], arc.radius, arc.start, arc.sweep),
            None if a == b => return,
            None => {
                let vertices = vec![flat(m, [a[0], a[1], z], 0.0), flat(m, [b[0], b[1], z], 0.0)];
                Curve::Polyline(Polyline { vertices, closed: false })
            }
        };
        self.shape(curve, item, talk);
    }

    /// Adds a polyline, pieces without length left out.
    fn polyline(
        &mut self,
        e: &Entity<'a>,
        mut vertices: Vec<Vertex>,
        closed: bool,
        item: Item,
        talk: &mut Talk<'a>,
    ) {
        // A piece from a point to itself has no length and no direction, whatever its bulge; the later vertex
        // stays, with the piece that leaves it.
        if vertices.windows(2).any(|w| w[0].point == w[1].point) {
            let mut kept: Vec<Vertex> = Vec::with_capacity(vertices.len());
            for v in vertices {
                if kept.last().is_some_and(|last| last.point == v.point) {
                    kept.pop();
                }
                kept.push(v);
            }
            vertices = kept;
        }
        if closed && vertices.len() > 1 && vertices[0].point == vertices[vertices.len() - 1].point {
            vertices.pop();
        }
        if !closed && let Some(last) = vertices.last_mut() {
            last.bulge = 0.0;
        }
        if vertices.len() < 2 {
            return talk.ignore(e.name, "it has no length", item.span);
        }
        self.shape(Curve::Polyline(Polyline { vertices, closed }), item, talk);
    }

    fn edge(&mut self, edge: &Edge, z: f64, m: &Affine, item: Item, talk: &mut Talk<'a>) {
        let space = |p: [f64; 2]| [p[0], p[1], z];
        match edge {
            Edge::Polyline { vertices, closed } => {
                let n = vertices.len();
                let similarity = m.plane().similarity();
                if similarity.is_none() {
                    for i in 0..if *closed { n } else { n.saturating_sub(1) } {
                        let ([ax, ay, bulge], [bx, by, _]) = (vertices[i], vertices[(i + 1) % n]);
                        self.piece([ax, ay], [bx, by], bulge, z, m, item, talk);
                    }
                    return;
                }
                let sign = if similarity.is_some_and(|(_, _, mirrored)| mirrored) { -1.0 } else { 1.0 };
                let vertices = vertices.iter().map(|v| flat(m, [v[0], v[1], z], v[2] * sign)).collect();
                self.shape(Curve::Polyline(Polyline { vertices, closed: *closed }), item, talk);
            }
            Edge::Line(a, b) => {
                let vertices = vec![flat(m, space(*a), 0.0), flat(m, space(*b), 0.0)];
                self.shape(Curve::Polyline(Polyline { vertices, closed: false }), item, talk);
            }
            Edge::Arc { center, radius, start, end, ccw } => {
                let sign = if *ccw { 1.0 } else { -1.0 };
                let sweep = arc_sweep(*start, *end);
                if *radius > 0.0 && sweep != 0.0 {
                    let (start, sweep) = (start.to_radians() * sign, sweep.to_radians() * sign);
                    self.shape(circular(m, space(*center), *radius, start, sweep), item, talk);
                }
            }
            Edge::Ellipse { center, major, ratio, start, end, ccw } => {
                let sign = if *ccw { 1.0 } else { -1.0 };
                let (start, end) = (start.to_radians(), end.to_radians());
                let arc = EllipseArc {
                    center: m.flat_point(space(*center)),
                    major: m.flat_vector([major[0], major[1], 0.0]),
                    minor: m.flat_vector([-major[1] * ratio, major[0] * ratio, 0.0]),
                    start: start * sign,
                    sweep: parameter_sweep(start, end) * sign,
                };
                self.shape(rounded(arc), item, talk);
            }
            Edge::Spline { degree, knots, points, weights } => {
                let points = points.iter().map(|&p| m.flat_point(space(p))).collect();
                if let Ok(nurbs) = spline::checked(*degree, knots.clone(), points, weights.clone(), false) {
                    self.shape(Curve::Nurbs(nurbs), item, talk);
                }
            }
        }
    }

    /// Adds a shape, unless its numbers have run away.
    #[inline]
    fn shape(&mut self, curve: Curve, item: Item, talk: &mut Talk<'a>) {
        let good = match &curve {
            Curve::Polyline(p) => p.vertices.iter().all(|v| sound(v.point) && v.bulge.is_finite()),
            Curve::Ellipse(e) => {
                sound(e.center)
                    && sound(Point::from(e.major))
                    && sound(Point::from(e.minor))
                    && e.start.is_finite()
                    && e.sweep.is_finite()
            }
            Curve::Nurbs(n) => n.points.iter().all(|&p| sound(p)),
        };
        if !good {
            return beyond(talk, item.span);
        }
        let Item { layer, colour, span, excluded, .. } = item;
        self.out.shapes.push(Shape { curve, layer, colour, span, excluded });
    }
}

/// Returns the line type's name when it has gaps.
fn gaps<'a, 's>(
    e: &Entity<'a>,
    layer: u32,
    place: &Place<'s>,
    layers: &'s mut LayerNames<'a, '_>,
) -> Option<&'s [u8]> {
    match layers.line_type(e.line_type) {
        LineType::Whole => None,
        LineType::Gaps => Some(e.line_type),
        LineType::ByBlock => place.gaps,
        LineType::ByLayer => layers.state(layer).filter(|s| s.gaps).map(|s| s.line_type.as_slice()),
    }
}

/// What a shape carries beside its curve.
#[derive(Clone, Copy)]
struct Item {
    layer: u32,
    colour: Option<Rgb>,
    span: Span,
    excluded: Option<Exclusion>,
    /// A polyline whose arcs become elliptical stays one curve (a spline); in a block it comes apart, as it does
    /// when CAD programs explode a block that was stretched.
    whole: bool,
}

/// True for entities whose points are world coordinates, whatever their extrusion.
fn in_world(e: &Entity<'_>) -> bool {
    matches!(
        e.geometry,
        Geometry::Line(..)
            | Geometry::Ellipse { .. }
            | Geometry::Spatial { .. }
            | Geometry::Spline(_)
            | Geometry::Point(_)
    )
}

fn sound(p: Point) -> bool {
    // False for NaN as well.
    p.x.abs() <= MAX_COORDINATE && p.y.abs() <= MAX_COORDINATE
}

#[cold]
fn beyond(talk: &mut Talk<'_>, span: Span) {
    talk.error(
        "dxf/coordinate-too-large",
        span,
        || "it lies or reaches beyond 10,000 km".to_owned(),
        "it is left out; check the unit and the place of this entity",
    );
}

fn excluded_phrase(why: Exclusion) -> &'static str {
    match why {
        Exclusion::LayerHidden => "on a layer that is off or frozen",
        Exclusion::Invisible => "marked invisible",
        Exclusion::PaperSpace => "in paper space",
        Exclusion::Construction => "construction",
    }
}

#[inline]
fn flat(m: &Affine, p: Xyz, bulge: f64) -> Vertex {
    Vertex { point: m.flat_point(p), bulge }
}

/// Returns sine and cosine of an angle in degrees, exact at quarter turns.
fn exact_sin_cos(degrees: f64) -> (f64, f64) {
    match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        _ => degrees.to_radians().sin_cos(),
    }
}

/// Returns by how many degrees an arc turns; the same angle twice is nothing, a full turn apart is a circle.
pub(super) fn arc_sweep(start: f64, end: f64) -> f64 {
    let sweep = (end - start).rem_euclid(360.0);
    if sweep == 0.0 && start != end { 360.0 } else { sweep }
}

/// Returns the parameter range of an ellipse; the same parameter twice is the whole.
fn parameter_sweep(start: f64, end: f64) -> f64 {
    let sweep = (end - start).rem_euclid(TAU);
    // Files write 6.28318530717958 for 2π.
    if sweep < 1e-9 || TAU - sweep < 1e-9 { TAU } else { sweep }
}

/// Returns a circle or part of one in the plane of `m`, as it lands in the drawing.
pub(super) fn circular(m: &Affine, center: Xyz, radius: f64, start: f64, sweep: f64) -> Curve {
    let plane = m.plane();
    let at = m.flat_point(center);
    let Some((scale, turn, mirrored)) = plane.similarity() else {
        let (major, minor) = (plane.u * radius, plane.v * radius);
        return Curve::Ellipse(EllipseArc { center: at, major, minor, start, sweep });
    };
    let (start, sweep) = if mirrored { (turn - start, -sweep) } else { (turn + start, sweep) };
    Curve::Polyline(round(at, radius * scale, start, sweep))
}

fn round(center: Point, radius: f64, start: f64, sweep: f64) -> Polyline {
    if TAU - sweep.abs() > 1e-9 {
        return Polyline::arc(center, radius, start, sweep);
    }
    if start == 0.0 && sweep > 0.0 {
        return Polyline::circle(center, radius);
    }
    let (sin, cos) = start.sin_cos();
    let arm = shop_geom::Vector::new(cos, sin) * radius;
    let bulge = sweep.signum();
    let vertices = [center + arm, center - arm].map(|point| Vertex { point, bulge }).to_vec();
    Polyline { vertices, closed: true }
}

/// Returns the ellipse, or the arc when its axes are those of a circle.
fn rounded(e: EllipseArc) -> Curve {
    let plane = super::affine::Plane { u: e.major, v: e.minor };
    match plane.similarity() {
        Some((radius, turn, mirrored)) => {
            let (start, sweep) =
                if mirrored { (turn - e.start, -e.sweep) } else { (turn + e.start, e.sweep) };
            Curve::Polyline(round(e.center, radius, start, sweep))
        }
        None => Curve::Ellipse(e),
    }
}
