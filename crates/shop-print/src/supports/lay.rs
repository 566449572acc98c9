//! Roads of supports, when the layer they lie in has its turn.

use super::bits::{Growth, Lattice};
use super::serpentine::{Rules, Serpentine};
use super::shadow::Shadow;
use super::walk::{Node, straighten};
use super::{Branch, Supports};
use crate::fill::{Lines, Weaver};
use crate::job::Job;
use crate::roads::{Kind, Roads};
use crate::rows::{Frame, Rows, Run, common, either, merge, without};
use crate::settings::{Settings, SupportPattern};
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot};
use std::ops::Range;

/// Shorter roads carry nothing, mm.
pub const LEAST_LINE_MM: f64 = 0.8;
/// Shorter walls of branches are left out, mm.
const LEAST_RING_MM: f64 = 1.0;
/// Ends of lines are joined where they lie at most so many rows apart, and this far along them, rows.
const LONGEST_JOIN: [f64; 2] = [1.25, 2.0];
/// Edges halfway between lines lie no farther from them than by this more than half their distance, mm.
const FAR_MM: f64 = 0.1;
/// What reaches farther beyond the last line is followed: what is held may lie a little beside it, mm.
const COVER_MM: f64 = 0.4;
/// Regions not wider and not longer than this are a closed wall: a line would not stand by itself, mm.
const SMALL_MM: [f64; 2] = [3.2, 6.0];
/// Edges are followed no more closely than that: as closely as the lattice knows them, nodes.
const STRAIGHT: f64 = 0.5;

/// What supports keep off in a layer.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// What stands there: the object itself and its neighbours, kept off by the air that is wanted beside supports.
    pub solids: &'a [&'a Contours],
    /// Tiles that cover supports which lie there already, and are gone on beside.
    pub laid: &'a Contours,
}

/// Room for work, used again and again.
#[derive(Default)]
pub struct Room {
    shadow: Shadow,
    weaver: Weaver,
    serpentine: Serpentine,
    growth: Growth,
    corners: Vec<Node>,
    spots: Vec<Spot>,
    near: Rows,
    more: Rows,
    sum: Rows,
    open: Rows,
    both: Vec<Run>,
    lines: [Rows; 2],
    loose: Roads,
    planar: Planar,
    ring: Vec<Spot>,
    crowd: Contours,
    outer: Contours,
    grown: Contours,
}

/// Dense lines one way.
struct Hatch<'a> {
    /// Where they lie, on rows of the lattice.
    place: &'a Rows,
    /// Along rows (0) or along columns (1).
    way: usize,
    spacing: f64,
    kind: Kind,
}

/// Returns how far middles of roads keep off the sides of the part, mm.
pub fn aside_mm(settings: &Settings) -> f64 {
    settings.support_xy_mm + 0.5 * settings.road_width_mm
}

impl Supports {
    /// Adds the roads of a layer. O(edges of what is in the way + lines).
    pub fn lay(&self, job: &Job, layer: usize, way: &Way<'_>, room: &mut Room, roads: &mut Roads) {
        let Some(own) = self.layers.get(layer) else { return };
        let s = &job.settings;
        self.branches(job, layer, way, room, roads);
        self.base(job, layer, way, room, roads);
        let (way_of_face, spacing) = (1, s.support_interface_spacing_mm);
        let face = Hatch { place: &own.face, way: way_of_face, spacing, kind: Kind::SupportInterface };
        if !own.face.is_empty() {
            self.hatch(job, layer, way, &face, room, roads);
        }
    }

    /// Adds the lines far apart.
    fn base(&self, job: &Job, layer: usize, way: &Way<'_>, room: &mut Room, roads: &mut Roads) {
        let (Some(lattice), own) = (&self.lattice, &self.layers[layer]) else { return };
        if own.base.is_empty() {
            return;
        }
        let s = &job.settings;
        let mut region = lattice.nodes(&own.base, 0);
        let (rows, mut near) = (own.base.range(), region.cleared());
        for solid in way.solids {
            lattice.mark_near_in(rows.clone(), solid, aside_mm(s) * PER_MM, &mut near);
        }
        if !way.laid.is_empty() {
            let pitch = s.pitch_mm() * PER_MM;
            room.shadow.cast(Some(way.laid), &lattice.frames[0], pitch, rows, &mut room.near);
            lattice.mark(&room.near, &mut near);
        }
        region.take(&near);
        let road = lattice.cells(s.road_width_mm);
        let rules = Rules {
            join: s.support_pattern != SupportPattern::Lines,
            only_lines: false,
            cover: lattice.cells(COVER_MM),
            far: 0.0,
            road,
            small: SMALL_MM.map(|mm| lattice.cells(mm)),
        };
        let rules = |spacing_mm: f64| Rules { far: lattice.cells(0.5 * spacing_mm + FAR_MM), ..rules };
        let mut lay =
            Laying { lattice, area: job.area(layer), way: 0, least: lattice.cells(LEAST_LINE_MM), roads };
        let Room { serpentine, growth, corners, spots, .. } = room;
        let mut spacing = s.support_spacing_mm;
        if layer == 0 {
            // On the bed everything has a wall, and stands on its own.
            spacing = s.support_first_spacing_mm;
            serpentine.wind(&region, std::iter::empty(), &rules(spacing), |road, closed| {
                lay.road(road, closed, corners, spots);
            });
            region = region.shrunk(road, growth);
        }
        let ways = if s.support_pattern == SupportPattern::Grid { 2 } else { 1 };
        for way in 0..ways {
            let turned = if way == 1 { lattice.turned(&region) } else { std::mem::take(&mut region) };
            let lines = lattice.rows_every(lattice.cells(spacing), way);
            lay.way = way;
            let rules = Rules { only_lines: way == 1, ..rules(spacing) };
            serpentine.wind(&turned, lines, &rules, |road, closed| lay.road(road, closed, corners, spots));
            region = turned;
        }
    }

    /// Adds the walls of branches: circles, or what of them is left by their neighbours and by the part.
    fn branches(&self, job: &Job, layer: usize, way: &Way<'_>, room: &mut Room, roads: &mut Roads) {
        let branches = &self.layers[layer].branches;
        let s = &job.settings;
        let area = job.area(layer);
        let (width, pitch) = (s.road_width_mm * PER_MM, s.pitch_mm() * PER_MM);
        room.crowd.clear();
        // Feet are full.
        let walls = if layer == 0 { u32::MAX } else { s.support_branch_walls };
        for (i, branch) in branches.iter().enumerate() {
            let radius = f64::from(branch.radius) - 0.5 * width;
            let touches = |(k, other): (usize, &Branch)| {
                k != i && branch.at.distance(other.at) < f64::from(branch.radius + other.radius)
            };
            if branch.near || !way.laid.is_empty() || branches.iter().enumerate().any(touches) {
                circle(branch.at, radius, &mut room.ring);
                room.crowd.add(&room.ring);
                continue;
            }
            let fits = |k: &u32| *k == 0 || radius - f64::from(*k) * pitch > 0.3 * width;
            for k in (0..walls).take_while(fits) {
                circle(branch.at, radius - f64::from(k) * pitch, &mut room.ring);
                roads.close(Kind::Support, area, &room.ring);
            }
        }
        if room.crowd.is_empty() {
            return;
        }
        let aside = aside_mm(s) * PER_MM;
        let corner = Corner::Round { tolerance: 0.02 * PER_MM };
        room.planar.unite(&room.crowd, &mut room.outer);
        let near = branches.iter().any(|b| b.near);
        let solids = way.solids.iter().filter(|_| near).map(|region| (*region, aside));
        let laid = (!way.laid.is_empty()).then(|| {
            // Tiles touch one another: they are united before they grow.
            let mut united = Contours::default();
            room.planar.unite(way.laid, &mut united);
            united
        });
        for (region, aside) in solids.chain(laid.as_ref().map(|laid| (laid, pitch))) {
            if !region.is_empty() {
                room.planar.inset(region, -aside, corner, &mut room.grown);
                room.planar.combine(&room.outer, &room.grown, Boolean::Difference, &mut room.crowd);
                std::mem::swap(&mut room.crowd, &mut room.outer);
            }
        }
        for k in 0..walls {
            if k > 0 {
                room.planar.inset(&room.outer, pitch, corner, &mut room.crowd);
                std::mem::swap(&mut room.crowd, &mut room.outer);
            }
            if room.outer.is_empty() {
                break;
            }
            for wall in room.outer.iter().filter(|w| around(w) > LEAST_RING_MM * PER_MM) {
                roads.close(Kind::Support, area, wall);
            }
        }
    }

    fn hatch(
        &self,
        job: &Job,
        layer: usize,
        way: &Way<'_>,
        hatch: &Hatch<'_>,
        room: &mut Room,
        roads: &mut Roads,
    ) {
        let Some(lattice) = &self.lattice else { return };
        let s = &job.settings;
        // Every other row has a line; those between help out where one of their neighbours is missing.
        let spacing = 0.5 * hatch.spacing * PER_MM;
        let angle = s.support_angle_deg.to_radians() + hatch.way as f64 * std::f64::consts::FRAC_PI_2;
        let frame = Frame::new(angle, spacing);
        let row = |line: i32| (f64::from(line) * spacing / lattice.cell).round() as i32;
        let range = hatch.place.range();
        let from = ((f64::from(range.start) - 0.5) * lattice.cell / spacing).floor() as i32;
        let to = ((f64::from(range.end) - 0.5) * lattice.cell / spacing).ceil() as i32 + 1;
        cast(job, way, &frame, from..to, room);
        let least = (LEAST_LINE_MM * PER_MM) as i32;
        room.open.begin(from);
        for line in from..to {
            without(hatch.place.get(row(line)), room.near.get(line), |r| room.open.push(r));
            room.open.end_row();
        }
        let [lines, between] = &mut room.lines;
        let half = from.div_euclid(2);
        lines.begin(half);
        between.begin(half);
        for k in half..=to.div_euclid(2) {
            let long = |rows: &mut Rows, r: Run| {
                if r.length() >= least {
                    rows.push(r);
                }
            };
            room.open.get(2 * k).iter().for_each(|r| long(lines, *r));
            room.both.clear();
            common(room.open.get(2 * k), room.open.get(2 * k + 2), |r| room.both.push(r));
            without(room.open.get(2 * k + 1), &room.both, |r| long(between, r));
            lines.end_row();
            between.end_row();
        }
        let frame = Frame::new(angle, 2.0 * spacing);
        let lines =
            Lines { kind: hatch.kind, step: 1, link: -1, least: 0, area: job.area(layer), monotonic: true };
        room.loose.clear();
        let mut at = frame.spot(0, half);
        for (rows, frame) in room.lines.iter().zip([frame, frame.beside(spacing)]) {
            at = room.weaver.weave(rows, &frame, &lines, at, &mut room.loose);
        }
        join(&room.loose, hatch, &frame, lattice.cell, roads);
    }
}

/// How roads on nodes are laid.
struct Laying<'a, 'b> {
    lattice: &'a Lattice,
    area: f64,
    /// Nodes are those of the lattice (0), or those of the turned one (1).
    way: usize,
    /// Shorter roads are left out, nodes.
    least: f64,
    roads: &'b mut Roads,
}

impl Laying<'_, '_> {
    /// Adds a road.
    fn road(&mut self, road: &[Node], closed: bool, corners: &mut Vec<Node>, spots: &mut Vec<Spot>) {
        // A closed one is cut where it begins, and where it is farthest from there.
        straighten(road, STRAIGHT, corners);
        spots.clear();
        let columns = self.lattice.size()[1] as f64;
        spots.extend(corners.iter().map(|[row, column]| {
            let [row, column] = [row, column].map(|v| f64::from(*v));
            let [row, column] = if self.way == 0 { [row, column] } else { [column, columns - 1.0 - row] };
            self.lattice.frames[0].back(self.lattice.place_at(row, column))
        }));
        spots.dedup();
        let length: f64 = spots.windows(2).map(|w| w[0].distance(w[1])).sum();
        if length < self.least * self.lattice.cell {
            return;
        }
        if closed && spots.len() > 2 {
            return self.roads.close(Kind::Support, self.area, spots);
        }
        self.roads.begin(Kind::Support, self.area);
        for spot in spots.iter() {
            self.roads.push(*spot);
        }
        self.roads.end();
    }
}

/// Leaves in `room.near` what of some lines is in the way of supports.
fn cast(job: &Job, way: &Way<'_>, frame: &Frame, lines: Range<i32>, room: &mut Room) {
    let s = &job.settings;
    let aside = aside_mm(s) * PER_MM;
    room.shadow.cast(way.solids.first().copied(), frame, aside, lines.clone(), &mut room.near);
    let further = way.solids.iter().skip(1).map(|solid| (*solid, aside));
    let laid = (!way.laid.is_empty()).then_some((way.laid, s.pitch_mm() * PER_MM));
    for (region, aside) in further.chain(laid) {
        room.shadow.cast(Some(region), frame, aside, lines.clone(), &mut room.more);
        merge(&room.near, &room.more, &mut room.sum, |a, b, out| either(a, b, |r| out.push(r)));
        std::mem::swap(&mut room.near, &mut room.sum);
    }
}

/// Writes a circle as a contour.
fn circle(middle: Spot, radius: f64, out: &mut Vec<Spot>) {
    // Corners 0.02 mm off the circle at most.
    let step = 2.0 * (1.0 - 0.02 * PER_MM / radius.max(0.1 * PER_MM)).acos();
    let n = (std::f64::consts::TAU / step).ceil().clamp(8.0, 64.0) as u32;
    out.clear();
    out.extend((0..n).map(|k| {
        let (sin, cos) = (std::f64::consts::TAU * f64::from(k) / f64::from(n)).sin_cos();
        let off = |v: f64| (radius * v).round() as i32;
        Spot::new(middle.x + off(cos), middle.y + off(sin))
    }));
}

/// Returns the way around a contour, grid units.
fn around(contour: &[Spot]) -> f64 {
    let last = contour[contour.len() - 1].distance(contour[0]);
    last + contour.windows(2).map(|w| w[0].distance(w[1])).sum::<f64>()
}

/// Adds lines to `roads`, the end of one joined to the beginning of the next where supports lie between them all the way.
fn join(loose: &Roads, hatch: &Hatch<'_>, frame: &Frame, cell: f64, roads: &mut Roads) {
    let mut last: Option<Spot> = None;
    for road in loose.roads() {
        let spots = loose.spots(road);
        let (Some(&begin), Some(&end)) = (spots.first(), spots.last()) else { continue };
        if !last.is_some_and(|last| leads(hatch.place, frame, cell, last, begin)) {
            if last.is_some() {
                roads.end();
            }
            roads.begin(road.kind, road.area);
        }
        for s in spots {
            roads.push(*s);
        }
        last = Some(end);
    }
    if last.is_some() {
        roads.end();
    }
}

/// True when the straight way from one line to the next lies in supports.
fn leads(place: &Rows, frame: &Frame, cell: f64, from: Spot, to: Spot) -> bool {
    let ([ua, va], [ub, vb]) = (frame.turn(from), frame.turn(to));
    let (across, along) = ((vb - va).abs(), (ub - ua).abs());
    if across > LONGEST_JOIN[0] * frame.pitch() || along > LONGEST_JOIN[1] * frame.pitch() {
        return false;
    }
    let steps = (across.max(along) / cell).ceil().max(1.0) as i32;
    (0..=steps).all(|k| {
        let t = f64::from(k) / f64::from(steps);
        let (u, v) = (ua + t * (ub - ua), va + t * (vb - va));
        let has = |r: &Run| f64::from(r.a) - 0.5 * cell <= u && u <= f64::from(r.b) + 0.5 * cell;
        place.get((v / cell).round() as i32).iter().any(has)
    })
}
