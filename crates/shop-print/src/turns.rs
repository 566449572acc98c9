//! Objects one after another: each is made whole before the next begins, when there is room for the head between them.
//!
//! ```text
//!        ┌─────┐  gantry              what is done must stay below the gantry,
//!     ═══╧══╤══╧═══════               and further from what is being made than the head is wide
//!           ▼      ┌───┐
//!         ┌───┐    │   │
//! ```

use crate::item::Part;
use crate::tools::Tools;
use crate::{Copy, Material, Print, around};
use shop_report::Diagnostic;

/// One walk through layers from the bed upwards: of everything together, or of one copy of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Turn {
    /// Which one it is, from 0.
    pub(crate) number: usize,
    /// Item, place of it, and number of the copy; nothing for all together.
    pub(crate) only: Option<(usize, usize, u16)>,
    /// How many layers there are.
    pub(crate) layers: usize,
    /// Layers that were made before.
    pub(crate) before: usize,
    /// Height over what was made before at which the nozzle goes there, mm; nothing for the first.
    pub(crate) over: Option<f64>,
}

/// What one walk through layers makes, for whoever wants to hold its layers against it.
#[derive(Clone, Debug)]
pub struct Round<'a> {
    /// What is solid in it, and what is taken away.
    pub material: Vec<Material<'a>>,
    /// How many layers it has, from the bed upwards.
    pub layers: usize,
    /// Lowest and highest corner of the box around it, mm.
    pub bounds: [[f64; 3]; 2],
}

/// Air between what is done and a nozzle that passes over it, mm.
const OVER_MM: f64 = 2.0;

impl Print {
    /// Returns what is made in which walk through layers: everything in one, or each copy of an object in its own when they
    /// are made one after another.
    pub fn rounds(&self) -> Vec<Round<'_>> {
        let round = |turn: &Turn| match turn.only {
            None => Round { material: self.material(), layers: turn.layers, bounds: around(&self.copies) },
            Some((item, place, copy)) => Round {
                material: self.items[item].material_at(place..place + 1).collect(),
                layers: turn.layers,
                bounds: self.copies[usize::from(copy)].bounds,
            },
        };
        self.turns().iter().map(round).collect()
    }

    /// Returns in which turns all is made: lower objects first.
    pub(crate) fn turns(&self) -> Vec<Turn> {
        let all = Turn { number: 0, only: None, layers: self.job.levels.len(), before: 0, over: None };
        if !self.job.settings.sequential || self.copies.len() < 2 {
            return vec![all];
        }
        let whose: Vec<(usize, usize)> = self
            .items
            .iter()
            .enumerate()
            .flat_map(|(i, item)| (0..item.places.len()).map(move |k| (i, k)))
            .collect();
        let mut turns: Vec<Turn> = Vec::new();
        let (mut before, mut over) = (0, None);
        for copy in self.by_height() {
            let (item, place) = whose[copy];
            let layers = self.job.levels.below(self.copies[copy].bounds[1][2]);
            let only = Some((item, place, copy as u16));
            turns.push(Turn { number: turns.len(), only, layers, before, over });
            before += layers;
            let top = layers.checked_sub(1).map_or(0.0, |l| self.job.levels.top(l));
            over = Some(over.map_or(top + OVER_MM, |z: f64| z.max(top + OVER_MM)));
        }
        turns
    }

    fn by_height(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.copies.len()).collect();
        order.sort_by(|a, b| self.copies[*a].bounds[1][2].total_cmp(&self.copies[*b].bounds[1][2]));
        order
    }

    /// Returns what is in the way of making it: more objects than are told apart, objects in the place of the tower, and of
    /// the head when they are made one after another. O(copies²).
    pub fn collisions(&self) -> Vec<Diagnostic> {
        let s = &self.job.settings;
        let mut found: Vec<Diagnostic> = Vec::new();
        if self.crowded {
            let message =
                "there are more objects, or more mixes of settings, tools and modifiers, than are told apart";
            let hint = "print them on several plates, or unite bodies that have the same settings";
            found.push(Diagnostic::error("print/too-many-parts", message).hint(hint));
        }
        if let Some([low, high]) = Tools::new(self).tower_box() {
            let meets = |c: &&Copy| (0..2).all(|k| c.bounds[0][k] < high[k] && low[k] < c.bounds[1][k]);
            found.extend(self.copies.iter().filter(meets).map(|c| {
                let message = format!("`{}` stands where the tower for changes of tool does", c.name);
                Diagnostic::error("print/tower-in-the-way", message).hint(format!(
                    "the tower takes x {:.0} to {:.0}, y {:.0} to {:.0} mm: move it with tower_x_mm and tower_y_mm",
                    low[0], high[0], low[1], high[1]
                ))
            }));
        }
        let any = |p: &Part| p.job.settings.purge_into_object && !p.others.is_empty();
        if s.purge_mm3 > 0.0
            && self.job.tools.len() > 1
            && self.parts.iter().all(|p| any(p) || p.top_mm == 0.0)
        {
            let message = "purge_into_object holds for all objects: each may have any colour, and one tool makes them all";
            let hint = "let it hold for single objects of a project, which take up what others' changes of tool leave";
            found.push(Diagnostic::warning("print/any-colour", message).hint(hint));
        }
        if !s.sequential || self.copies.len() < 2 {
            return found;
        }
        if self.job.tools.len() > 1 && s.purge_mm3 > 0.0 {
            let message = "objects that are made one after another have no tower: nozzles are not filled anew after a \
                           change of tool";
            found.push(
                Diagnostic::warning("print/no-tower", message)
                    .hint("set sequential=false, or purge_into_infill=true, or purge in tool_change_gcode"),
            );
        }
        let order = self.by_height();
        for (i, a) in order.iter().map(|i| &self.copies[*i]).enumerate() {
            let tall = a.bounds[1][2];
            if i + 1 < order.len() && tall > s.gantry_mm {
                let message = format!(
                    "`{}` is {tall:.1} mm tall: what hangs over the head at {} mm would run into it while later objects \
                     are made",
                    a.name, s.gantry_mm
                );
                found.push(
                    Diagnostic::error("print/object-too-tall", message)
                        .hint("only the last object may be taller than gantry_mm; or set sequential=false"),
                );
            }
            for b in order[i + 1..].iter().map(|i| &self.copies[*i]) {
                let apart = apart(a, b);
                if apart < s.head_radius_mm {
                    let message = format!(
                        "`{}` and `{}` are {apart:.1} mm apart: the head needs {} mm to make one after the other",
                        a.name, b.name, s.head_radius_mm
                    );
                    found.push(
                        Diagnostic::error("print/objects-collide", message)
                            .hint("put them further apart, or set sequential=false"),
                    );
                }
            }
        }
        found
    }
}

/// Returns how far the boxes around two copies are apart on the bed, mm.
fn apart(a: &Copy, b: &Copy) -> f64 {
    let gap = |k: usize| (b.bounds[0][k] - a.bounds[1][k]).max(a.bounds[0][k] - b.bounds[1][k]).max(0.0);
    gap(0).hypot(gap(1))
}
