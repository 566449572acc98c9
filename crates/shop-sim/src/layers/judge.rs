//! Layers compared with their neighbours, in their order.
//!
//! The one idea: most of what is looked for is not there. Roads that lie on their section, or on what is below, are done
//! with in one pass; how far something reaches is only worked out around the few squares that are left.

use super::bits::Bits;
use super::{
    BAND, BARE_LAYER, LayerFigures, Layers, Look, MOST_WALLS, OUTSIDE_MM2, OUTSIDE_SHARE, OVERHANG, SLACK,
    SOLID_SHARE, TOUCH,
};
use std::collections::VecDeque;

/// Compares layers in their order.
pub struct Judge<'a> {
    layers: &'a Layers<'a>,
    /// The layer before the one that waits, and the one that waits for the next.
    before: Option<Look>,
    waiting: Option<Look>,
    /// Supports of the layers before those, as many as air is left below what they carry; the last one last.
    older: VecDeque<Bits>,
    number: usize,
    figures: LayerFigures,
    room: Room,
}

/// Regions that are used again, and room for growing them.
struct Room {
    a: Bits,
    b: Bits,
    c: Bits,
    words: Vec<u64>,
}

/// How far contours of a layer may lie inwards and outwards of the mesh, squares.
#[derive(Clone, Copy)]
struct Moved {
    inside: usize,
    outside: usize,
    /// Slots half as wide are closed.
    closed: usize,
}

impl<'a> Judge<'a> {
    /// Begins.
    pub fn new(layers: &'a Layers<'a>) -> Judge<'a> {
        let empty = || layers.grid.empty();
        let figures = LayerFigures { pitch_mm: layers.grid.pitch, ..LayerFigures::default() };
        let room = Room { a: empty(), b: empty(), c: empty(), words: Vec::new() };
        Judge { layers, before: None, waiting: None, older: VecDeque::new(), number: 0, figures, room }
    }

    /// Takes the next layer.
    pub fn take(&mut self, look: Look) {
        if let Some(now) = self.waiting.take() {
            self.judge(&now, Some(&look));
            if let Some(old) = self.before.replace(now) {
                self.older.push_back(old.other);
                let gone = self.older.len() > self.layers.claims.gap_layers;
                let gone = gone.then(|| self.older.pop_front()).flatten();
                self.layers.give_back([old.section, old.own].into_iter().chain(gone));
            }
        }
        self.waiting = Some(look);
    }

    /// Returns the figures.
    pub fn finish(mut self) -> LayerFigures {
        if let Some(now) = self.waiting.take() {
            self.judge(&now, None);
        }
        self.figures.missing += self.layers.levels.len().saturating_sub(self.number);
        self.figures
    }

    /// Returns how many squares something is long.
    fn squares(&self, mm: f64) -> usize {
        (mm / self.layers.grid.pitch).ceil() as usize
    }

    fn judge(&mut self, now: &Look, above: Option<&Look>) {
        let section = self.layers.grid.area(now.section.count());
        let f = &mut self.figures;
        f.layers += 1;
        f.section_mm2 += section;
        f.road_mm2 += now.road_mm2;
        f.unclear += now.unclear;
        f.flow = f.flow.max(now.fastest);
        f.missing += usize::from(!now.section.is_empty() && now.own.is_empty());
        let [least, most] = self.layers.levels.get(self.number).map_or([0.0; 2], |l| l.moved);
        let moved = Moved {
            inside: self.squares((-least).max(0.0)),
            outside: self.squares(most.max(0.0)),
            // Contours that are moved outwards close slots as well; squares close what is slanted less than circles do.
            closed: self.squares(std::f64::consts::SQRT_2 * self.layers.claims.closing_mm.max(most)),
        };
        self.outside(now, section, moved);
        if now.unclear == 0 && !now.other.is_empty() {
            self.clash(now, moved);
        }
        self.midair(now);
        let need_not = self.need_not(now, above, most, moved.closed);
        let wanted = section - need_not;
        if least == 0.0 && most == 0.0 && now.unclear == 0 && wanted > SOLID_SHARE * section {
            self.figures.solid_mm2 += section;
            self.figures.filled_mm2 += now.filled_mm2;
        }
        if now.unclear == 0 {
            self.bare(now, moved);
        }
        self.number += 1;
    }

    /// Roads that are not even near the section.
    fn outside(&mut self, now: &Look, section: f64, moved: Moved) {
        let (near, Room { a, b, c, words }) = (SLACK + moved.outside, &mut self.room);
        b.set(&now.own, &now.section, |road, section| road & !section);
        if moved.closed <= near {
            // What is grown is the same when it was closed by less before.
            b.leave(&now.section, near, words);
        } else {
            a.grown(&now.section, moved.closed, words);
            c.shrunk(a, moved.closed, words);
            b.leave(c, near, words);
        }
        // What lies beyond the raster lies beyond everything.
        let seen = if now.unclear == 0 { self.layers.grid.area(b.count()) } else { 0.0 };
        let outside = seen + now.beyond_mm2;
        let f = &mut self.figures;
        if outside > 0.0 {
            f.outside_mm2 += outside;
            f.outside_layers += usize::from(outside > OUTSIDE_MM2.max(OUTSIDE_SHARE * section));
            if outside > f.outside_worst.0 {
                f.outside_worst = (outside, self.number);
            }
        }
    }

    /// In the part: supports of its own or of a neighbour, deeper than roads round their ends.
    fn clash(&mut self, now: &Look, moved: Moved) {
        let deep = self.squares(TOUCH) + moved.inside;
        let Room { a, b, words, .. } = &mut self.room;
        a.shrunk(&now.section, deep, words);
        b.set(&now.other, a, |road, deep| road & deep);
        let clash = self.layers.grid.area(b.count());
        let f = &mut self.figures;
        f.clash_mm2 += clash;
        if clash > f.clash_worst.0 {
            f.clash_worst = (clash, self.number);
        }
    }

    /// On air: nothing that is near, section or road, in the layer below, nor supports under the air they leave.
    fn midair(&mut self, now: &Look) {
        let reach = self.squares(OVERHANG);
        let Some(below) = &self.before else { return };
        let Room { a, b, words, .. } = &mut self.room;
        b.set3([&now.own, &below.section, &below.own], |road, s, r| road & !(s | r));
        if b.is_empty() {
            return;
        }
        // Most roads lie on what is below; only where some do not, it matters how far they reach.
        a.set3([&below.section, &below.own, &below.other], |s, r, o| s | r | o);
        for other in &self.older {
            a.change(other, |s, r| s | r);
        }
        b.leave(a, reach, words);
        let midair = self.layers.grid.area(b.count());
        let f = &mut self.figures;
        f.midair_mm2 += midair;
        if midair > f.midair_worst.0 {
            f.midair_worst = (midair, self.number);
        }
    }

    /// Leaves in `a` what of the section need not be covered, far from contours and between layers that are there as
    /// well; returns how much that is, mm2.
    fn need_not(&mut self, now: &Look, above: Option<&Look>, most: f64, closed: usize) -> f64 {
        let (grid, claims) = (&self.layers.grid, &self.layers.claims);
        let deep = if claims.walls_mm >= BAND && most == 0.0 {
            self.squares(BAND)
        } else {
            // Squares reach deeper from what is slanted than they are wide.
            let deep = (claims.walls_mm.min(MOST_WALLS) - most) / std::f64::consts::SQRT_2;
            (deep.max(0.0) / grid.pitch) as usize
        };
        let Room { a, c, words, .. } = &mut self.room;
        if claims.walls_mm > 0.0 && deep > 0 {
            if closed > 0 {
                c.grown(&now.section, closed, words);
                a.shrunk(c, closed + deep, words);
                a.change(&now.section, |deep, s| deep & s);
            } else {
                a.shrunk(&now.section, deep, words);
            }
        } else {
            a.copy(&now.section);
        }
        let bottom = self.number < claims.bottom;
        for (seen, neighbour) in [(claims.top, above), (bottom, self.before.as_ref())] {
            match neighbour {
                Some(n) if seen => a.change(&n.section, |a, n| a & n),
                None if seen => a.clear(),
                _ => {}
            }
        }
        grid.area(a.count())
    }

    /// Bare: near contours, or seen from above or below, and no road there. What is narrower than the raster is left out.
    /// Begins with what [`Judge::need_not`] leaves.
    fn bare(&mut self, now: &Look, moved: Moved) {
        let (grid, claims) = (&self.layers.grid, &self.layers.claims);
        let narrow = (claims.narrow_mm > 0.0).then(|| self.squares(0.5 * claims.narrow_mm) + SLACK);
        let Room { a, b, c, words } = &mut self.room;
        b.shrunk(&now.section, SLACK + moved.inside, words);
        a.change(b, |not, clear| clear & !not);
        if let Some(half) = narrow {
            b.shrunk(&now.section, half, words);
            c.grown(b, half, words);
            a.change(c, |a, wide| a & wide);
        }
        let wanted = grid.area(a.count());
        a.change(&now.own, |a, road| a & !road);
        a.leave(&now.own, SLACK, words);
        let bare = grid.area(a.count());
        let f = &mut self.figures;
        f.wanted_mm2 += wanted;
        f.bare_mm2 += bare;
        f.bare_layers += usize::from(bare > OUTSIDE_MM2.max(BARE_LAYER * wanted));
        if bare > f.bare_worst.0 {
            f.bare_worst = (bare, self.number);
        }
    }
}
