//! From drawings to features: curves become lines and arcs, pieces become contours, contours nest.

use anyhow::Result;
use shop_cam::feature::{Contour, FeatureOptions, Features, Mark, OpenLine, Waste, meaning};
use shop_cam::machine::{LayerOperation, LayerRule};
use shop_formats::{Drawing, Ignored, Rgb, Units};
use shop_geom::nesting::{crossings, nesting, repair};
use shop_geom::trace::{Chain, TraceOptions, Traced, trace};
use shop_geom::{Aabb, Polyline};
use shop_report::{Checked, Diagnostic, Progress, Span};
use std::collections::BTreeMap;

/// How drawings are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Ends at most this far apart are joined, mm.
    pub join: f64,
    /// How far arcs may be from a spline or ellipse, mm.
    pub curve_tolerance: f64,
    /// Rebuild contours that cross.
    pub repair: bool,
}

/// What was read, for the summary.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Unit of each file.
    pub units: Vec<Units>,
    /// Curves that were read and are to be made.
    pub shapes: usize,
    /// Curves that were read and are excluded (hidden, invisible, paper space).
    pub excluded: usize,
    /// Closed contours.
    pub closed: usize,
    /// Chains left open.
    pub open: usize,
    /// Ends joined across a gap, and the widest gap, mm.
    pub gaps: (usize, f64),
    /// Pieces left out because another covers them, wholly or in part.
    pub duplicates: usize,
    /// How far the contours are from what was drawn, mm.
    pub off_drawing: f64,
    /// What is no geometry or not supported.
    pub ignored: Vec<Ignored>,
    /// Everything that is to be made.
    pub bounds: Option<Aabb>,
}

/// Layer, colour and place of a piece.
type Tag = (u32, Option<Rgb>, Span);

/// A shape ready to be chained.
struct Piece {
    path: Polyline,
    layer: u32,
    colour: Option<Rgb>,
    span: Span,
}

/// Chains the drawings' shapes and nests the contours; `unreadable` says that an empty drawing has been explained
/// already. Shapes that mean different things are not joined: a bend line
/// that ends on the outline leaves the outline whole.
pub fn features(
    drawings: Vec<Drawing>,
    rules: &[LayerRule],
    options: &FeatureOptions,
    reading: &Reading,
    unreadable: bool,
    progress: &dyn Progress,
) -> Result<Checked<(Read, Features)>> {
    let mut notes = Vec::new();
    let mut read = Read::default();
    let mut features = Features::default();
    let mut groups: BTreeMap<LayerOperation, Vec<Piece>> = BTreeMap::new();
    progress.begin("reading", drawings.len() as u64);
    for mut drawing in drawings {
        let mean = |layer: &str, colour| meaning(rules, options, layer, colour);
        for (operation, piece) in take(&mut drawing, &mut features, &mut read, reading, mean) {
            groups.entry(operation).or_default().push(piece);
        }
        progress.advance(1)?;
    }
    let mut closed: Vec<Contour> = Vec::new();
    let mut followed: Vec<Contour> = Vec::new();
    for (operation, pieces) in groups {
        let list = if has_side(operation, options) { &mut closed } else { &mut followed };
        chain(pieces, reading, progress, list, &mut features.lines, &mut read, &mut notes)?;
    }
    cross_check(&mut closed, reading, progress, &mut notes)?;
    closed.append(&mut followed);
    nest(&mut closed, progress)?;
    read.closed = closed.len();
    read.open = features.lines.len();
    let all = closed.iter().map(|c| &c.path).chain(features.lines.iter().map(|l| &l.path));
    let bounds = all.fold(Aabb::EMPTY, |b, p| b.union(p.bounds()));
    read.bounds = (!bounds.is_empty()).then_some(bounds);
    features.contours = closed;
    let nothing = features.contours.is_empty() && features.lines.is_empty() && features.points.is_empty();
    if nothing && !unreadable {
        notes.push(nothing_to_make(&read));
    }
    Ok(Checked { value: (read, features), diagnostics: notes })
}

fn nothing_to_make(read: &Read) -> Diagnostic {
    let d = Diagnostic::error("cut/nothing-to-make", "the drawing has nothing that could be cut or marked");
    if read.excluded > 0 {
        d.hint(format!("{} shapes are on hidden layers, invisible or in paper space", read.excluded))
    } else if let Some(Ignored { what, why, count, first }) = read.ignored.first() {
        let mut d = d.hint(format!("it holds {count} {what}: {why}"));
        d.span = Some(*first);
        d
    } else {
        d.hint("export the outline as lines, arcs, polylines or splines")
    }
}

/// Moves one drawing's shapes, points and texts over; layers of equal name are one layer.
fn take(
    drawing: &mut Drawing,
    features: &mut Features,
    read: &mut Read,
    reading: &Reading,
    mean: impl Fn(&str, Option<Rgb>) -> LayerOperation,
) -> Vec<(LayerOperation, Piece)> {
    let layers: Vec<u32> =
        drawing.layers.iter().map(|l| layer_number(&mut features.layers, &l.name)).collect();
    let number = |i: u32| layers.get(i as usize).copied().unwrap_or(0);
    read.units.push(drawing.units);
    read.excluded += drawing.shapes.iter().filter(|s| s.excluded.is_some()).count();
    read.ignored.extend(drawing.ignored.iter().cloned());
    features.texts += drawing.texts.len() as u32;
    features.points.extend(drawing.points.iter().map(|&(at, layer, span)| Mark {
        at,
        layer: number(layer),
        colour: None,
        span: Some(span),
    }));
    let mut known: BTreeMap<(u32, Option<Rgb>), LayerOperation> = BTreeMap::new();
    let mut out = Vec::with_capacity(drawing.shapes.len());
    for (i, path) in drawing.take_paths(reading.curve_tolerance) {
        let shape = &drawing.shapes[i as usize];
        let layer = number(shape.layer);
        let name = features.layers.get(layer as usize).map_or("", String::as_str);
        let operation = *known.entry((layer, shape.colour)).or_insert_with(|| mean(name, shape.colour));
        out.push((operation, Piece { path, layer, colour: shape.colour, span: shape.span }));
    }
    read.shapes += out.len();
    out
}

fn layer_number(layers: &mut Vec<String>, name: &str) -> u32 {
    let found = layers.iter().position(|l| l == name).unwrap_or_else(|| {
        layers.push(name.to_owned());
        layers.len() - 1
    });
    found as u32
}

/// Chains pieces of one meaning.
fn chain(
    pieces: Vec<Piece>,
    reading: &Reading,
    progress: &dyn Progress,
    closed: &mut Vec<Contour>,
    open: &mut Vec<OpenLine>,
    read: &mut Read,
    notes: &mut Vec<Diagnostic>,
) -> Result<()> {
    let (paths, tags): (Vec<Polyline>, Vec<Tag>) =
        pieces.into_iter().map(|p| (p.path, (p.layer, p.colour, p.span))).unzip();
    let options = TraceOptions { tolerance: reading.join, drop_duplicates: true };
    let traced = trace(&paths, &options, progress)?;
    let made = traced.closed.iter().chain(&traced.open).map(|c| &c.polyline);
    let found = shop_sim::drawn(&paths, &traced.short, made, reading.join, progress)?;
    read.off_drawing = read.off_drawing.max(found.farthest);
    notes.extend(found.diagnostics);
    drop(paths);
    report(&traced, &tags, reading, read, notes);
    let tag = |c: &Chain| c.pieces.first().and_then(|p| tags.get(p.0 as usize)).copied();
    for c in traced.closed {
        let (layer, colour, span) = tag(&c).unwrap_or_default();
        let mut path = c.polyline;
        if path.area() < 0.0 {
            path.reverse();
        }
        closed.push(Contour { path, depth: 0, parent: None, layer, colour, span: Some(span) });
    }
    for c in traced.open {
        let (layer, colour, span) = tag(&c).unwrap_or_default();
        open.push(OpenLine { path: c.polyline, layer, colour, span: Some(span) });
    }
    Ok(())
}

/// Says what chaining joined, dropped and had to choose.
fn report(traced: &Traced, tags: &[Tag], reading: &Reading, read: &mut Read, notes: &mut Vec<Diagnostic>) {
    let span = |path: u32| tags.get(path as usize).map(|t| t.2);
    let place = |mut d: Diagnostic, path: u32, at: shop_geom::Point| {
        d.span = span(path);
        d.at(at.x, at.y)
    };
    // Gaps that CAD leaves by rounding are not worth a word.
    let wide: Vec<_> = traced.gaps.iter().filter(|g| g.distance > 1e-3).collect();
    if let Some(widest) = wide.iter().max_by(|a, b| a.distance.total_cmp(&b.distance)) {
        let text = format!("{} gaps of up to {:.3} mm were bridged", wide.len(), widest.distance);
        notes.push(place(Diagnostic::info("cut/gaps-joined", text), widest.paths[0], widest.at));
        read.gaps.0 += wide.len();
        read.gaps.1 = read.gaps.1.max(widest.distance);
    }
    if let Some(first) = traced.duplicates.first() {
        let n = traced.duplicates.len();
        let text = format!("{n} pieces drawn over another were left out");
        notes.push(place(Diagnostic::info("cut/duplicates-dropped", text), first.dropped, first.at));
        read.duplicates += n;
    }
    if let Some(first) = traced.branches.first() {
        let n = traced.branches.len();
        let text = format!("more than two ends meet in {n} places; the smoothest way on was taken");
        notes.push(
            place(
                Diagnostic::warning("cut/branch", text),
                first.paths.first().copied().unwrap_or(0),
                first.at,
            )
            .hint("look at the preview, or tidy the drawing there"),
        );
    }
    if let Some(&first) = traced.short.first() {
        let n = traced.short.len();
        let text = format!("{n} specks shorter than {} mm were left out", reading.join);
        let mut d = Diagnostic::info("cut/specks-dropped", text);
        d.span = span(first);
        notes.push(d);
    }
}

/// True when contours of this meaning bound an area; the others are only followed, and may cross as they like.
fn has_side(operation: LayerOperation, options: &FeatureOptions) -> bool {
    match operation {
        LayerOperation::Profile => options.side != Some(Waste::On),
        LayerOperation::Outside | LayerOperation::Inside | LayerOperation::Pocket => true,
        LayerOperation::On | LayerOperation::Mark | LayerOperation::Drill | LayerOperation::Ignore => false,
    }
}

/// Refuses contours that cross, or rebuilds them when asked.
fn cross_check(
    closed: &mut Vec<Contour>,
    reading: &Reading,
    progress: &dyn Progress,
    notes: &mut Vec<Diagnostic>,
) -> Result<()> {
    let paths: Vec<Polyline> = closed.iter().map(|c| c.path.clone()).collect();
    let found = crossings(&paths, progress)?;
    let Some(first) = found.first() else { return Ok(()) };
    let what = if first.a == first.b { "a contour crosses itself" } else { "two contours cross" };
    let mut d = Diagnostic::error("cut/contours-cross", what).at(first.at.x, first.at.y).count(found.len());
    d.span = closed.get(first.a as usize).and_then(|c| c.span);
    if !reading.repair {
        notes
            .push(d.hint("mend the drawing there, say --repair to cut the boundary of the even-odd fill, or --side on when the drawing has its kerf already"));
        return Ok(());
    }
    d.severity = shop_report::Severity::Warning;
    notes.push(d.hint("rebuilt as the boundary of the even-odd fill (--repair)"));
    let mut crossing = vec![false; closed.len()];
    for c in &found {
        crossing[c.a as usize] = true;
        crossing[c.b as usize] = true;
    }
    let (bad, good): (Vec<_>, Vec<_>) =
        std::mem::take(closed).into_iter().zip(crossing).partition(|(_, x)| *x);
    let bad: Vec<Contour> = bad.into_iter().map(|(c, _)| c).collect();
    closed.extend(good.into_iter().map(|(c, _)| c));
    let paths: Vec<Polyline> = bad.iter().map(|c| c.path.clone()).collect();
    let Some(tag) = bad.first() else { return Ok(()) };
    for mut path in repair(&paths, 1e-3) {
        if path.area() < 0.0 {
            path.reverse();
        }
        closed.push(Contour { path, ..tag.clone() });
    }
    Ok(())
}

fn nest(closed: &mut [Contour], progress: &dyn Progress) -> Result<()> {
    let paths: Vec<Polyline> = closed.iter().map(|c| c.path.clone()).collect();
    let nested = nesting(&paths, progress)?;
    for (c, (parent, depth)) in closed.iter_mut().zip(nested.parent.into_iter().zip(nested.depth)) {
        c.parent = parent;
        c.depth = depth;
    }
    Ok(())
}
