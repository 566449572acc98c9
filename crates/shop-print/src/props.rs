//! What stands under the copies of an object. Copies that stand free have the same supports, worked out once; where
//! neighbours stand near, supports keep off them, and copies with the same neighbours in the same places are alike again.
//!
//! ```text
//!     ┌────┐ ┌────┐ ┌────┐        the outer ones have one neighbour each, on different sides: two kinds,
//!     │ 0  │ │ 1  │ │ 0' │        and the middle one is a third
//!     └────┘ └────┘ └────┘
//! ```
//!
//! Supports of two objects may want the same place: the object that is numbered first has it, and the other's lie beside.

use crate::facets::Facets;
use crate::item::Item;
use crate::supports::Supports;
use rayon::prelude::*;
use shop_geom::planar::{PER_MM, Spot};
use std::collections::BTreeMap;

/// Supports of an object's copies.
#[derive(Clone, Debug, Default)]
pub struct Props {
    kinds: Vec<Supports>,
    /// For each copy its kind, the copies of other objects or of its own that stand near (item and copy of it), and those
    /// of them whose supports come first and may want the same place.
    copies: Vec<Standing>,
}

/// One copy.
#[derive(Clone, Debug, Default)]
struct Standing {
    kind: usize,
    near: Vec<(usize, usize)>,
    before: Vec<(usize, usize)>,
}

impl Props {
    /// Returns all kinds of supports that there are.
    pub fn kinds(&self) -> &[Supports] {
        &self.kinds
    }

    /// Returns the number of the kind under a copy.
    pub fn kind(&self, copy: usize) -> usize {
        self.copies.get(copy).map_or(0, |c| c.kind)
    }

    /// Returns the supports under a copy.
    pub fn under(&self, copy: usize) -> Option<&Supports> {
        self.kinds.get(self.kind(copy))
    }

    /// Returns the copies near a copy, as item and copy of it.
    pub fn near(&self, copy: usize) -> &[(usize, usize)] {
        self.copies.get(copy).map_or(&[], |c| &c.near)
    }

    /// Returns those whose supports come before those of a copy, and may want the same place.
    pub fn before(&self, copy: usize) -> &[(usize, usize)] {
        self.copies.get(copy).map_or(&[], |c| &c.before)
    }
}

/// A rectangle, grid units.
type Rect = [Spot; 2];

/// Works out what stands under all items. Near-linear in copies where few are near one another.
pub fn props(items: &[Item]) -> Vec<Props> {
    let boxes: Vec<Option<Rect>> = items.iter().map(|i| rect(i.bodies())).collect();
    let copies: Vec<(usize, usize)> =
        items.iter().enumerate().flat_map(|(i, item)| (0..item.places.len()).map(move |k| (i, k))).collect();
    let mut out: Vec<Props> = items
        .iter()
        .map(|i| Props { kinds: Vec::new(), copies: vec![Standing::default(); i.places.len()] })
        .collect();
    if items.iter().all(|i| !i.wants_supports()) {
        return out;
    }
    let standing = |&(i, k): &(usize, usize)| boxes[i].map(|r| moved(r, items[i].places[k]));
    let rects: Vec<Option<Rect>> = copies.iter().map(standing).collect();
    // Supports reach as far as their own object wants, and keep off others as far as that.
    let reach = items.iter().filter(|i| i.wants_supports()).map(Item::support_reach).fold(0.0, f64::max);
    for (a, b) in meetings(&rects, 2.0 * reach) {
        for (own, other) in [(copies[a], copies[b]), (copies[b], copies[a])] {
            if items[own.0].wants_supports() {
                let (Some(r), Some(o)) = (standing(&own), standing(&other)) else { continue };
                if meet(r, o, items[own.0].support_reach() + AIR_MM * PER_MM) {
                    out[own.0].copies[own.1].near.push(other);
                }
            }
        }
    }
    for (i, item) in items.iter().enumerate().filter(|(_, item)| item.wants_supports()) {
        let kinds = kinds(items, i, &mut out[i].copies);
        out[i].kinds = kinds.into_par_iter().map(|others| item.support(others)).collect();
    }
    // What was laid first stays.
    let extents: Vec<Vec<Option<Rect>>> =
        out.iter().map(|p| p.kinds.iter().map(Supports::bounds).collect()).collect();
    let extent = |&(i, k): &(usize, usize)| {
        let extent = extents[i].get(out[i].kind(k)).copied().flatten();
        extent.map(|r| moved(r, items[i].places[k]))
    };
    let rects: Vec<Option<Rect>> = copies.iter().map(extent).collect();
    for (a, b) in meetings(&rects, AIR_MM * PER_MM) {
        let (first, second) = (copies[a.min(b)], copies[a.max(b)]);
        out[second.0].copies[second.1].before.push(first);
    }
    out.iter_mut().flat_map(|p| &mut p.copies).for_each(|c| c.before.sort_unstable());
    out
}

/// Supports this near to one another are looked at, mm.
const AIR_MM: f64 = 1.0;

/// Numbers the kinds of an item's copies; returns what stands beside each.
fn kinds<'a>(items: &'a [Item], i: usize, copies: &mut [Standing]) -> Vec<Vec<(&'a Facets, Vec<Spot>)>> {
    let mut known: BTreeMap<Vec<(usize, i32, i32)>, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for (k, copy) in copies.iter_mut().enumerate() {
        copy.near.sort_unstable();
        let own = items[i].places[k];
        let seen = |&(j, l): &(usize, usize)| {
            let at = items[j].places[l];
            (j, at.x - own.x, at.y - own.y)
        };
        let mut beside: Vec<(usize, i32, i32)> = copy.near.iter().map(seen).collect();
        beside.sort_unstable();
        copy.kind = *known.entry(beside).or_insert_with_key(|beside| {
            let mut others: Vec<(&Facets, Vec<Spot>)> = Vec::new();
            for same in beside.chunk_by(|a, b| a.0 == b.0) {
                let places: Vec<Spot> = same.iter().map(|(_, x, y)| Spot::new(*x, *y)).collect();
                others.extend(items[same[0].0].bodies().map(|f| (f, places.clone())));
            }
            out.push(others);
            out.len() - 1
        });
    }
    out
}

fn rect<'a>(bodies: impl Iterator<Item = &'a Facets>) -> Option<Rect> {
    bodies.flat_map(|f| &f.points).map(|p| [Spot::new(p[0], p[1]); 2]).reduce(|[l, h], [s, _]| {
        [Spot::new(l.x.min(s.x), l.y.min(s.y)), Spot::new(h.x.max(s.x), h.y.max(s.y))]
    })
}

fn moved(rect: Rect, by: Spot) -> Rect {
    rect.map(|s| Spot::new(s.x + by.x, s.y + by.y))
}

/// True when two rectangles are at most `far` apart in x and in y.
fn meet(a: Rect, b: Rect, far: f64) -> bool {
    let near = |low: i32, high: i32| f64::from(low) - f64::from(high) <= far;
    near(a[0].x, b[1].x) && near(b[0].x, a[1].x) && near(a[0].y, b[1].y) && near(b[0].y, a[1].y)
}

/// Returns the pairs of rectangles at most `far` apart. O(n log n) where few are near one another in x.
fn meetings(rects: &[Option<Rect>], far: f64) -> Vec<(usize, usize)> {
    let mut order: Vec<(usize, Rect)> =
        rects.iter().enumerate().filter_map(|(i, r)| Some((i, (*r)?))).collect();
    order.sort_by_key(|(i, r)| (r[0].x, *i));
    let mut out = Vec::new();
    for (k, (a, r)) in order.iter().enumerate() {
        let beside = order[k + 1..].iter().take_while(|(_, o)| f64::from(o[0].x) - f64::from(r[1].x) <= far);
        out.extend(beside.filter(|(_, o)| meet(*r, *o, far)).map(|(b, _)| (*a, *b)));
    }
    out
}
