//! Ends of roads that are not abrupt: gaps at seams, coasting, scarf joints.

use super::{Speaker, Walk};
use crate::roads::{Road, Roads};
use shop_cam::canon::Command;
use shop_geom::planar::{PER_MM, Spot};

/// Part of the layer's height at which a scarf begins: thinner plastic does not stick.
const SCARF_BEGINS: f64 = 0.1;
/// Length of a scarf's steps, mm.
const SCARF_STEP_MM: f64 = 1.0;

impl Speaker<'_> {
    /// Lays a road that ends `gap` mm early, and for whose last `coast` mm³ nothing is pushed.
    pub(super) fn shortened(
        &mut self,
        road: &Road,
        roads: &Roads,
        walk: Walk,
        speed: f64,
        gap: f64,
        coast: f64,
    ) {
        let spots = roads.spots(road);
        // Most of a road is laid in any case.
        let most = 0.5 * roads.length_mm(road);
        let gap = gap.min(most);
        let mut whole = walk.edges();
        let (mut left, mut push) = (gap, coast);
        let mut tail: Vec<Spot> = Vec::new();
        let mut dry = 0.0;
        // Backwards from the end: first what is left out, then what comes by itself.
        while whole > 0 {
            let k = whole - 1;
            let (a, b) = (spots[walk.corner(k)], spots[walk.corner(k + 1)]);
            let length = a.distance(b) / PER_MM;
            let area = roads.area(road, walk.edge(k)).max(1e-9);
            let along = |mm: f64| {
                let [x, y] = b.to(a).map(|v| v * mm / length.max(1e-9));
                Spot::new(b.x + x.round() as i32, b.y + y.round() as i32)
            };
            if left >= length {
                left -= length;
                whole -= 1;
                continue;
            }
            if tail.is_empty() {
                tail.push(if left > 0.0 { along(left) } else { b });
            }
            let rest = length - left;
            let reach = (push / area).min((most - dry).max(0.0));
            if reach >= rest {
                push -= rest * area;
                dry += rest;
                left = 0.0;
                tail.push(a);
                whole -= 1;
                continue;
            }
            tail.push(if left + reach > 0.0 { along(left + reach) } else { b });
            break;
        }
        self.edges(road, roads, walk, whole.saturating_sub(1), speed);
        let mut from = spots[walk.corner(whole.saturating_sub(1))];
        self.feed(speed);
        if whole > 0
            && let Some(to) = tail.last().copied()
        {
            self.extrude(from, to, roads.area(road, walk.edge(whole - 1)));
            from = to;
        }
        for spot in tail.iter().rev().skip(1) {
            self.commands.push(Command::Line { to: self.position(*spot) });
            from = *spot;
        }
        self.at = Some(from);
    }

    /// Lays a closed road that begins as a ramp from the layer below and ends on that ramp.
    pub(super) fn scarf(&mut self, road: &Road, roads: &Roads, walk: Walk, speed: f64) {
        let spots = roads.spots(road);
        let (top, height) = (self.z, self.height);
        let length = self.job.settings.scarf_mm.min(0.5 * roads.length_mm(road));
        self.feed(speed);
        let mut done = 0.0;
        let whole = roads.length_mm(road);
        let mut at = spots[walk.corner(0)];
        self.z = top - height * (1.0 - SCARF_BEGINS);
        self.commands.push(Command::Line { to: self.position(at) });
        // The ramp is laid twice: once up, once at the full height with what is missing.
        for k in 0..2 * walk.edges() {
            let to = spots[walk.corner(k % walk.edges() + 1)];
            let area = roads.area(road, walk.edge(k % walk.edges()));
            let far = at.distance(to) / PER_MM;
            let (a, b) = (done, (done + far).min(whole + length));
            let pieces =
                if a < length || b > whole { ((b - a) / SCARF_STEP_MM).ceil().max(1.0) } else { 1.0 };
            for i in 1..=pieces as u32 {
                let here = a + (b - a) * f64::from(i) / pieces;
                let middle = here - 0.5 * (b - a) / pieces;
                let [x, y] = at.to(to).map(|v| v * (here - a) / far.max(1e-9));
                let spot = Spot::new(at.x + x.round() as i32, at.y + y.round() as i32);
                let share = |s: f64| SCARF_BEGINS + (1.0 - SCARF_BEGINS) * (s / length).clamp(0.0, 1.0);
                self.z = top - height * (1.0 - share(here));
                let flow = if middle < whole { share(middle) } else { 1.0 - share(middle - whole) };
                let [px, py] = at.to(to).map(|v| v * (here - (b - a) / pieces - a) / far.max(1e-9));
                let from = Spot::new(at.x + px.round() as i32, at.y + py.round() as i32);
                self.extrude(from, spot, area * flow);
                self.at = Some(spot);
            }
            (at, done) = (to, b);
            if done >= whole + length {
                break;
            }
        }
        self.z = top;
    }

    /// Lays one turn of a wall that winds upwards: from the top of the layer below to that of its own. The first turn grows
    /// out of a flat layer, and the last one is followed by a flat one that fades out.
    pub(super) fn wind(&mut self, road: &Road, roads: &Roads, walk: Walk, speed: f64) {
        let spots = roads.spots(road);
        let bottom = self.z;
        let (first, last) =
            (!self.job.winds(self.layer.wrapping_sub(1)), self.layer + 1 == self.job.levels.len());
        self.feed(speed);
        for turn in 0..=u32::from(last) {
            let mut at = self.at.unwrap_or(spots[walk.corner(0)]);
            let mut done = 0.0;
            let begins =
                at.distance(spots[walk.corner(1)]) - spots[walk.corner(0)].distance(spots[walk.corner(1)]);
            let whole = (roads.length_mm(road) + begins / PER_MM).max(1e-6);
            for k in 0..walk.edges() {
                let to = spots[walk.corner(k + 1)];
                let far = at.distance(to) / PER_MM;
                let middle = ((done + 0.5 * far) / whole).min(1.0);
                done += far;
                self.z = bottom + self.height * if turn == 0 { (done / whole).min(1.0) } else { 1.0 };
                let flow = match (turn, first) {
                    (0, true) => middle,
                    (0, false) => 1.0,
                    _ => 1.0 - middle,
                };
                self.extrude(at, to, roads.area(road, walk.edge(k)) * flow);
                at = to;
            }
            self.at = Some(at);
        }
        self.z = bottom + self.height;
    }
}
