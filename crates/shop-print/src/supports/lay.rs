//! Roads of supports, when the layer they lie in has its turn.

use super::shadow::Shadow;
use super::{Branch, Supports};
use crate::fill::{Lines, Weaver};
use crate::job::Job;
use crate::roads::{Kind, Roads};
use crate::rows::{Frame, Rows, Run, common, either, merge, without};
use crate::settings::SupportPattern;
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot};
use std::ops::Range;

/// Shorter lines carry nothing, mm.
pub const LEAST_LINE_MM: f64 = 0.8;
/// The same where supports are slim, and nothing else would carry anything, mm.
const LEAST_SLIM_MM: f64 = 0.45;
/// Shorter walls of branches are left out, mm.
const LEAST_RING_MM: f64 = 1.0;
/// Ends of lines are joined where they lie at most so many rows apart, and this far along them, rows.
const LONGEST_JOIN: [f64; 2] = [2.5, 4.0];

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
    near: Rows,
    more: Rows,
    sum: Rows,
    open: Rows,
    both: Vec<Run>,
    lines: Rows,
    loose: Roads,
    planar: Planar,
    ring: Vec<Spot>,
    crowd: Contours,
    outer: Contours,
    grown: Contours,
}

/// Lines one way.
struct Hatch<'a> {
    /// Where they lie, on rows of the lattice.
    place: &'a Rows,
    /// Along rows (0) or along columns (1).
    way: usize,
    spacing: f64,
    kind: Kind,
    join: bool,
}

impl Supports {
    /// Adds the roads of a layer. O(edges of what is in the way + lines).
    pub fn lay(&self, job: &Job, layer: usize, way: &Way<'_>, room: &mut Room, roads: &mut Roads) {
        let Some(own) = self.layers.get(layer) else { return };
        let s = &job.settings;
        let spacing = if layer == 0 { s.support_first_spacing_mm } else { s.support_spacing_mm };
        let join = s.support_pattern != SupportPattern::Lines;
        let hatches = [
            Hatch { place: &own.base[0], way: 0, spacing, kind: Kind::Support, join },
            Hatch { place: &own.base[1], way: 1, spacing, kind: Kind::Support, join },
            Hatch {
                place: &own.face,
                way: 1,
                spacing: s.support_interface_spacing_mm,
                kind: Kind::SupportInterface,
                join: true,
            },
        ];
        self.branches(job, layer, way, room, roads);
        for hatch in hatches.iter().filter(|h| !h.place.is_empty()) {
            self.hatch(job, layer, way, hatch, room, roads);
        }
        for (along, place) in own.slim.iter().enumerate().filter(|(_, place)| !place.is_empty()) {
            self.slim(job, layer, way, (along, place), room, roads);
        }
    }

    /// Adds lines where supports are slim. They were chosen clear of the part; what else is there is kept off now.
    fn slim(
        &self,
        job: &Job,
        layer: usize,
        way: &Way<'_>,
        (along, place): (usize, &Rows),
        room: &mut Room,
        roads: &mut Roads,
    ) {
        let Some(lattice) = &self.lattice else { return };
        let frame = &lattice.frames[along];
        // No farther than the last node that is clear.
        let trim = (0.25 * lattice.cell) as i32;
        room.near.clear();
        if way.solids.len() > 1 || !way.laid.is_empty() {
            cast(job, way, frame, place.range(), room);
        }
        let least = (LEAST_SLIM_MM * PER_MM) as i32;
        for line in place.range() {
            without(place.get(line), room.near.get(line), |r| {
                let r = Run { a: r.a + trim, b: r.b - trim };
                if r.length() >= least {
                    roads.begin(Kind::Support, job.area(layer));
                    [r.a, r.b].map(|u| frame.spot(u, line)).into_iter().for_each(|s| roads.push(s));
                    roads.end();
                }
            });
        }
    }

    /// Adds the walls of branches: circles, or what of them is left by their neighbours and by the part.
    fn branches(&self, job: &Job, layer: usize, way: &Way<'_>, room: &mut Room, roads: &mut Roads) {
        let branches = &self.layers[layer].branches;
        let s = &job.settings;
        let area = job.area(layer);
        let (width, pitch) = (s.road_width_mm * PER_MM, s.pitch_mm() * PER_MM);
        room.crowd.clear();
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
            // Feet are full.
            let walls = if layer == 0 { u32::MAX } else { s.support_branch_walls };
            let fits = |k: &u32| *k == 0 || radius - f64::from(*k) * pitch > 0.3 * width;
            for k in (0..walls).take_while(fits) {
                circle(branch.at, radius - f64::from(k) * pitch, &mut room.ring);
                roads.close(Kind::Support, area, &room.ring);
            }
        }
        if room.crowd.is_empty() {
            return;
        }
        let aside = s.support_xy_mm * PER_MM;
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
        for k in 0..s.support_branch_walls {
            if k > 0 {
                room.planar.inset(&room.outer, pitch, corner, &mut room.crowd);
                std::mem::swap(&mut room.crowd, &mut room.outer);
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
        room.lines.begin(from);
        for line in from..to {
            room.both.clear();
            if line % 2 != 0 {
                common(room.open.get(line - 1), room.open.get(line + 1), |r| room.both.push(r));
            }
            without(room.open.get(line), &room.both, |r| {
                if r.length() >= least {
                    room.lines.push(r);
                }
            });
            room.lines.end_row();
        }
        let Some(first) = (from..to).find_map(|l| room.lines.get(l).first().map(|r| frame.spot(r.a, l)))
        else {
            return;
        };
        let lines =
            Lines { kind: hatch.kind, step: 1, link: -1, least: 0, area: job.area(layer), monotonic: true };
        room.loose.clear();
        room.weaver.weave(&room.lines, &frame, &lines, first, &mut room.loose);
        join(&room.loose, hatch, &frame, lattice.cell, roads);
    }
}

/// Leaves in `room.near` what of some lines is in the way of supports.
fn cast(job: &Job, way: &Way<'_>, frame: &Frame, lines: Range<i32>, room: &mut Room) {
    let s = &job.settings;
    let aside = s.support_xy_mm * PER_MM;
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
        if !last.is_some_and(|last| hatch.join && leads(hatch.place, frame, cell, last, begin)) {
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
