//! Holds the layers of a print against the mesh: what is laid outside of it, what is left bare, what is laid on air.
//!
//! ```text
//!   triangles ─ cut at the height ─▶ section ┐
//!                                             ├─▶ bits, layer against layer ─▶ figures, diagnostics
//!   commands ── every road as wide as its ───▶┘
//!               filament makes it
//! ```
//!
//! The one idea: a layer is a bitmap. Roads are drawn into it as the filament that goes in makes them wide, the section is
//! filled into another one straight from the triangles, and both are compared word by word. Nothing of this knows how
//! the layer was planned. Layers are drawn in any order and at the same time ([`Layers::look`]) and are compared in theirs
//! ([`Judge`]); a judge keeps a few layers, so that memory does not grow with the height.
//!
//! What is made object after object is as many prints, each with its own [`Layers`] and [`Judge`]; their figures add up.
//!
//! NOTE: what is finer than two squares (0.2 mm on usual beds) is not seen.

mod bits;
mod cross;
mod judge;

pub use cross::{Shape, Triangles};
pub use judge::Judge;

use bits::{Bits, Grid};
use cross::Room;
use shop_cam::canon::{Command, Position, Section};
use shop_report::Diagnostic;
use std::sync::Mutex;

/// Size of a square, mm: a quarter of a usual road.
const FINEST: f64 = 0.1;
/// Half the width of a road is rounded to so many parts of a square: filament is written in steps, and roads that go on
/// with the same width shall have it.
const PER_SQUARE: f64 = 32.0;
/// Squares that a road may be beyond the section: half a square for each of the two rasters.
const SLACK: usize = 1;
/// How deep from its contours a layer must be covered, mm, when its walls are at least so thick.
const BAND: f64 = 0.6;
/// Moved walls are only held to be so thick, mm.
const MOST_WALLS: f64 = 0.85;
/// How far a road may hang over, mm: half of its width or so.
const OVERHANG: f64 = 0.3;
/// How deep supports, brims and towers may reach into the part, mm: the round ends of roads that end at its contours.
const TOUCH: f64 = 0.3;

/// What must hold of a print.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// Section of the filament, mm².
    pub filament_mm2: f64,
    /// How thick the walls along contours are, mm; 0 without walls.
    pub walls_mm: f64,
    /// What is seen from above is solid.
    pub top: bool,
    /// In so many layers what is seen from below is solid.
    pub bottom: usize,
    /// Narrower places may be left out, mm.
    pub narrow_mm: f64,
    /// Slots up to twice this wide are closed on purpose, mm.
    pub closing_mm: f64,
    /// How many layers of air supports leave below what they carry, so that they come off.
    pub gap_layers: usize,
    /// Most filament that can be melted, mm³/s.
    pub most_flow: f64,
    /// Filament that goes in, as a share of the room that roads are to fill; nothing where parts differ in it.
    pub fill: Option<f64>,
}

/// Where a layer is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Height at which it is cut, grid units.
    pub plane: i32,
    /// Its thickness, mm.
    pub height: f64,
    /// The thickness of its sparse filling, mm: of all layers that have theirs together, where it ends in this one.
    pub sparse: f64,
    /// How far outwards of the mesh contours lie on purpose at least and at most, mm; negative inwards.
    pub moved: [f64; 2],
}

/// Everything that layers are held against.
pub struct Layers<'a> {
    shapes: Vec<Shape<'a>>,
    levels: Vec<Level>,
    claims: Claims,
    grid: Grid,
    /// Bitmaps and rooms that are used again.
    spare: Mutex<(Vec<Bits>, Vec<Room>)>,
}

/// A layer, drawn.
#[derive(Debug, Default)]
pub struct Look {
    section: Bits,
    /// Roads of the part.
    own: Bits,
    /// Those of supports and the like.
    other: Bits,
    road_mm2: f64,
    /// What the filament of the part's roads fills to the height of the layer.
    filled_mm2: f64,
    /// Those of the part that lie beyond the raster.
    beyond_mm2: f64,
    unclear: usize,
    fastest: f64,
    /// Whose road was drawn last, where it ended, and half its width there, squares.
    last: Option<(Whose, [f64; 2], f64)>,
}

/// What was found, areas in mm².
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerFigures {
    /// Layers that were looked at.
    pub layers: usize,
    /// Layers that the mesh has and the print has not.
    pub missing: usize,
    /// Area of all sections.
    pub section_mm2: f64,
    /// Area of all roads of the part.
    pub road_mm2: f64,
    /// Roads of the part outside of the mesh.
    pub outside_mm2: f64,
    /// Most of it in one layer, and that layer.
    pub outside_worst: (f64, usize),
    /// Layers with more of it than can be an accident of the raster.
    pub outside_layers: usize,
    /// What has to be covered: along contours, above and below air.
    pub wanted_mm2: f64,
    /// What of it is not.
    pub bare_mm2: f64,
    /// Most of it in one layer, and that layer.
    pub bare_worst: (f64, usize),
    /// Layers of which much is bare.
    pub bare_layers: usize,
    /// Sections of layers that must be solid all over.
    pub solid_mm2: f64,
    /// What the filament in them fills.
    pub filled_mm2: f64,
    /// Roads on air.
    pub midair_mm2: f64,
    /// Most of it in one layer, and that layer.
    pub midair_worst: (f64, usize),
    /// Supports, brims and towers inside the mesh.
    pub clash_mm2: f64,
    /// Most of it in one layer, and that layer.
    pub clash_worst: (f64, usize),
    /// Most filament at once, mm³/s.
    pub flow: f64,
    /// Rows of squares in which the mesh is open, and which say nothing.
    pub unclear: usize,
    /// Size of a square, mm.
    pub pitch_mm: f64,
}

/// Whose a road is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The part's, as the mesh says.
    Own,
    /// It is no part of what the mesh says.
    Other,
    /// It goes over what is there already.
    Nobodys,
}

/// Returns whose a road is, in the words of slicers, whatever their case.
fn whose(feature: &str) -> Whose {
    if begins(feature, "ironing") {
        return Whose::Nobodys;
    }
    let others = ["support", "skirt", "brim", "wipe", "raft", "prime"];
    if others.into_iter().any(|w| begins(feature, w)) { Whose::Other } else { Whose::Own }
}

/// True for sparse filling, in the words of slicers.
fn is_sparse(feature: &str) -> bool {
    ["internal infill", "sparse infill", "fill"].into_iter().any(|w| begins(feature, w))
}

fn begins(feature: &str, word: &str) -> bool {
    feature.get(..word.len()).is_some_and(|f| f.eq_ignore_ascii_case(word))
}

impl<'a> Layers<'a> {
    /// Makes ready what layers are held against: a box from `low` to `high`, mm, around all of it.
    pub fn new(
        shapes: Vec<Shape<'a>>,
        levels: Vec<Level>,
        claims: Claims,
        low: [f64; 2],
        high: [f64; 2],
    ) -> Layers<'a> {
        // Room for what is laid outside of everything.
        let margin = 2.0;
        let grid = Grid::over(low.map(|v| v - margin), high.map(|v| v + margin), FINEST);
        Layers { shapes, levels, claims, grid, spare: Mutex::default() }
    }

    /// Returns what must hold.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    fn bits(&self) -> Bits {
        let spare = self.spare.lock().ok().and_then(|mut s| s.0.pop());
        spare.map_or_else(
            || self.grid.empty(),
            |mut bits| {
                bits.clear();
                bits
            },
        )
    }

    fn give_back(&self, bits: impl IntoIterator<Item = Bits>) {
        if let Ok(mut spare) = self.spare.lock() {
            spare.0.extend(bits);
        }
    }

    /// Draws a layer; `from` is where the nozzle stands before, if that is known.
    pub fn look(&self, layer: usize, section: &Section, from: Option<Position>) -> Look {
        let mut look = Look { section: self.bits(), own: self.bits(), other: self.bits(), ..Look::default() };
        let Some(level) = self.levels.get(layer) else { return look };
        let mut room = self.spare.lock().ok().and_then(|mut s| s.1.pop()).unwrap_or_default();
        for shape in self.shapes.iter().filter(|s| s.adds()) {
            look.unclear += room.cut(shape, level.plane, &self.grid, &mut look.section);
        }
        for shape in self.shapes.iter().filter(|s| !s.adds()) {
            let mut hole = self.bits();
            room.cut(shape, level.plane, &self.grid, &mut hole);
            look.section.change(&hole, |a, b| a & !b);
            self.give_back([hole]);
        }
        if let Ok(mut spare) = self.spare.lock() {
            spare.1.push(room);
        }
        self.roads(level, section, from, &mut look);
        look
    }

    fn roads(&self, level: &Level, section: &Section, from: Option<Position>, look: &mut Look) {
        let (mut at, mut feed, mut owner, mut height) = (from, 0.0, Whose::Own, level.height);
        for command in &section.commands {
            match command {
                Command::Feature(name) => {
                    owner = whose(name);
                    height = if is_sparse(name) { level.sparse } else { level.height };
                }
                Command::Feed(speed) => feed = speed.mm_per_s(),
                Command::Rapid { to } | Command::Line { to } | Command::Arc { to, .. } => at = Some(*to),
                Command::Extrude { to, e } => {
                    if let Some(from) = at.filter(|_| *e > 0.0) {
                        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
                        let length = (dx * dx + dy * dy).sqrt();
                        self.road(height, from, *to, *e / length.max(1e-9), feed, owner, look);
                    }
                    at = Some(*to);
                }
                Command::Move(m) => {
                    if let Some(start) = at.filter(|_| m.e > 0.0) {
                        let per_mm = m.e / m.length(start).max(1e-9);
                        let mut from = start;
                        m.chords(start, 0.02, |to| {
                            self.road(height, from, to, per_mm, feed, owner, look);
                            from = to;
                        });
                    }
                    at = Some(m.to);
                }
                _ => {}
            }
        }
    }

    #[inline]
    fn road(
        &self,
        height: f64,
        from: Position,
        to: Position,
        per_mm: f64,
        feed: f64,
        owner: Whose,
        look: &mut Look,
    ) {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let length = (dx * dx + dy * dy).sqrt();
        if length < 1e-6 {
            return;
        }
        let area = per_mm * self.claims.filament_mm2;
        look.fastest = look.fastest.max(area * feed);
        // A bead is a rectangle with round sides.
        let width = area / height + height * (1.0 - std::f64::consts::FRAC_PI_4);
        let bits = match owner {
            Whose::Own => &mut look.own,
            Whose::Other => &mut look.other,
            Whose::Nobodys => return,
        };
        let (a, b) = (self.grid.place(from[0], from[1]), self.grid.place(to[0], to[1]));
        let r = ((0.5 * width / self.grid.pitch).min(1e4) * PER_SQUARE).round() / PER_SQUARE;
        let fresh = look.last != Some((owner, a, r));
        bits.stroke(a, b, r, fresh);
        look.last = Some((owner, b, r));
        if owner == Whose::Own {
            look.road_mm2 += length * width;
            look.filled_mm2 += length * area / height;
            if !self.grid.holds(a) || !self.grid.holds(b) {
                look.beyond_mm2 += (1.0 - self.grid.share(a, b)) * length * width;
            }
        }
    }
}

/// Roads outside are an error beyond this much in one layer, mm², and this share of its section. The worst layer of sound
/// models has 1.3 mm² where shells cross one another, and 0.1 mm² elsewhere.
const OUTSIDE_MM2: f64 = 2.0;
const OUTSIDE_SHARE: f64 = 1e-3;
/// And beyond this share of all roads; sound models have a third of it, or nothing.
const OUTSIDE_IN_ALL: f64 = 1e-4;
/// Bare places are an error beyond these shares of what must be covered: of all, and of one layer.
const BARE_SHARE: f64 = 0.05;
const BARE_LAYER: f64 = 0.1;
/// Layers of which so much must be covered must be solid all over.
const SOLID_SHARE: f64 = 0.98;
/// They are looked at when there is so much of them, mm².
const SOLID_MM2: f64 = 200.0;
/// And their filament is an error when it fills this share more or less of them than it should. Narrow rings of curved tops
/// come to a tenth less in the worst of sound models.
const FILL_SHARE: f64 = 0.12;
/// And worth a word beyond these.
const BARE_WORD: f64 = 0.015;
/// Roads on air are worth a word beyond this share of all roads.
const MIDAIR_WORD: f64 = 0.005;

/// Supports in the part are an error beyond this much in all, mm².
const CLASH_MM2: f64 = 1.0;

impl LayerFigures {
    /// Returns them as they are when so many layers came before.
    pub fn after(mut self, layers: usize) -> LayerFigures {
        let worst =
            [&mut self.outside_worst, &mut self.bare_worst, &mut self.midair_worst, &mut self.clash_worst];
        for (_, layer) in worst {
            *layer += layers;
        }
        self
    }

    /// Adds those of what was made next. What is to be said of each is said before: in a sum a fault is a smaller share.
    pub fn add(&mut self, next: &LayerFigures) {
        let next = next.clone().after(self.layers);
        let worse = |a: (f64, usize), b: (f64, usize)| if b.0 > a.0 { b } else { a };
        *self = LayerFigures {
            layers: self.layers + next.layers,
            missing: self.missing + next.missing,
            section_mm2: self.section_mm2 + next.section_mm2,
            road_mm2: self.road_mm2 + next.road_mm2,
            outside_mm2: self.outside_mm2 + next.outside_mm2,
            outside_worst: worse(self.outside_worst, next.outside_worst),
            wanted_mm2: self.wanted_mm2 + next.wanted_mm2,
            bare_mm2: self.bare_mm2 + next.bare_mm2,
            bare_worst: worse(self.bare_worst, next.bare_worst),
            midair_mm2: self.midair_mm2 + next.midair_mm2,
            midair_worst: worse(self.midair_worst, next.midair_worst),
            clash_mm2: self.clash_mm2 + next.clash_mm2,
            clash_worst: worse(self.clash_worst, next.clash_worst),
            outside_layers: self.outside_layers + next.outside_layers,
            bare_layers: self.bare_layers + next.bare_layers,
            solid_mm2: self.solid_mm2 + next.solid_mm2,
            filled_mm2: self.filled_mm2 + next.filled_mm2,
            flow: self.flow.max(next.flow),
            unclear: self.unclear + next.unclear,
            pitch_mm: self.pitch_mm.max(next.pitch_mm),
        };
    }

    /// Returns what share of the layers that must be solid all over is filled; 1 where there is none.
    pub fn fill(&self) -> f64 {
        if self.solid_mm2 > 0.0 { self.filled_mm2 / self.solid_mm2 } else { 1.0 }
    }

    /// Returns what has to be said about a print.
    pub fn diagnostics(&self, claims: &Claims) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        if self.missing > 0 {
            let message = format!("{} layers of the mesh are missing in the program", self.missing);
            out.push(Diagnostic::error("proof/layers-missing", message));
        }
        let much = OUTSIDE_MM2.max(OUTSIDE_IN_ALL * self.road_mm2);
        if self.outside_layers > 0 || self.outside_mm2 > much {
            let (most, layer) = self.outside_worst;
            let message = format!(
                "{:.1} mm2 of roads lie outside of the mesh, most ({most:.1} mm2) in layer {}",
                self.outside_mm2,
                layer + 1
            );
            out.push(Diagnostic::error("proof/print-outside", message));
        }
        if self.clash_mm2 > CLASH_MM2 {
            let (most, layer) = self.clash_worst;
            let message = format!(
                "{:.1} mm2 of supports, brim or tower lie in the part, most ({most:.1} mm2) in layer {}",
                self.clash_mm2,
                layer + 1
            );
            out.push(Diagnostic::error("proof/print-clash", message));
        }
        let share = self.bare_mm2 / self.wanted_mm2.max(1e-9);
        if self.bare_layers > 0 || self.bare_mm2 > OUTSIDE_MM2 && share > BARE_WORD {
            let (most, layer) = self.bare_worst;
            let message = format!(
                "{:.2} % of what must be covered is bare, most ({most:.1} mm2) in layer {}",
                100.0 * share,
                layer + 1
            );
            let much = self.bare_layers > 0 || share > BARE_SHARE;
            let make = if much { Diagnostic::error } else { Diagnostic::warning };
            out.push(make("proof/print-bare", message));
        }
        if self.midair_mm2 > OUTSIDE_MM2 && self.midair_mm2 > MIDAIR_WORD * self.road_mm2 {
            let (most, layer) = self.midair_worst;
            let message = format!(
                "{:.0} mm2 of roads are laid on air, most ({most:.0} mm2) in layer {}",
                self.midair_mm2,
                layer + 1
            );
            let hint = "turn the part (--lay-flat), or let it have supports (--set supports=true)";
            out.push(Diagnostic::warning("proof/print-on-air", message).hint(hint));
        }
        if let Some(fill) = claims.fill
            && self.solid_mm2 > SOLID_MM2
            && (self.fill() / fill - 1.0).abs() > FILL_SHARE
        {
            let message = format!(
                "filament fills {:.0} % of the layers that must be solid; {:.0} % are meant",
                100.0 * self.fill(),
                100.0 * fill
            );
            out.push(Diagnostic::error("proof/print-fill", message));
        }
        if self.flow > 1.02 * claims.most_flow {
            let message = format!(
                "{:.1} mm3/s of filament are wanted at once; {:.1} can be melted",
                self.flow, claims.most_flow
            );
            out.push(Diagnostic::error("proof/print-flow", message));
        }
        out
    }
}

#[cfg(test)]
mod tests;
