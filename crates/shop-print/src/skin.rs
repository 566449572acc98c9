//! What of a layer must be solid: everything that is not covered well enough from above and from below.
//!
//! A place inside the walls is **covered** when the part's section holds it in each of the next few layers above and
//! below; what is not covered is skin, so that a wall that leans in is closed by solid steps exactly as far as its walls
//! leave open (vertical shells need no rule of their own). Skin is then grown a little into what is covered, so that its
//! lines end on something.

use crate::rows::{Rows, Run, common, either, without};

/// How skin is taken from a layer, grid units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SkinRules {
    /// Shorter runs of what is uncovered are no skin: only rounding.
    pub sliver: i32,
    /// Shorter runs beside bridges are left to them.
    pub least: i32,
    /// How far skin reaches along the lines beyond what must be solid.
    pub margin: i32,
    /// The same across the lines, rows.
    pub margin_rows: i32,
    /// Shorter covered runs between skin become skin.
    pub bridge: i32,
}

/// Room for work, used again and again.
#[derive(Default)]
pub struct Skinner {
    a: Vec<Run>,
    b: Vec<Run>,
    joined: Vec<Run>,
    /// What no cover holds.
    raw: Rows,
}

impl Skinner {
    /// True when some of `inner` must be solid. Linear in runs times covers.
    pub fn is_needed(&mut self, inner: &Rows, covers: &[Option<&Rows>], rules: &SkinRules) -> bool {
        let mut needed = false;
        if covers.iter().any(Option::is_none) {
            return !inner.is_empty();
        }
        inner.range().any(|row| {
            self.bare(inner.get(row), row, covers, rules, |_| needed = true);
            needed
        })
    }

    /// Divides `inner`, the inside of the walls, into `solid` and `sparse`. `covers` are the sections of the layers
    /// above and below; where one is missing there is no part, and all is skin. Linear in runs times covers.
    pub fn split(
        &mut self,
        inner: &Rows,
        covers: &[Option<&Rows>],
        rules: &SkinRules,
        solid: &mut Rows,
        sparse: &mut Rows,
    ) {
        let range = inner.range();
        solid.begin(range.start);
        sparse.begin(range.start);
        if covers.iter().any(Option::is_none) {
            for row in range {
                inner.get(row).iter().for_each(|r| solid.push(*r));
                solid.end_row();
                sparse.end_row();
            }
            return;
        }
        let mut raw = std::mem::take(&mut self.raw);
        raw.begin(range.start);
        for row in range.clone() {
            self.bare(inner.get(row), row, covers, rules, |r| raw.push(r));
            raw.end_row();
        }
        self.raw = raw;
        for row in range {
            self.grow(row, inner.get(row), rules);
            without(inner.get(row), &self.b, |r| {
                // A short rest between skin is skin; without any skin it is a narrow place of the part.
                if r.length() >= rules.bridge || self.b.is_empty() {
                    sparse.push(r);
                }
            });
            without(inner.get(row), sparse.last_row(), |r| solid.push(r));
            solid.end_row();
            sparse.end_row();
        }
    }

    /// Calls `emit` with what of a row no cover holds, slivers left out.
    fn bare(
        &mut self,
        all: &[Run],
        row: i32,
        covers: &[Option<&Rows>],
        rules: &SkinRules,
        mut emit: impl FnMut(Run),
    ) {
        if all.is_empty() {
            return;
        }
        self.a.clear();
        self.a.extend_from_slice(all);
        for cover in covers.iter().flatten() {
            self.b.clear();
            common(&self.a, cover.get(row), |r| self.b.push(r));
            std::mem::swap(&mut self.a, &mut self.b);
            if self.a.is_empty() {
                break;
            }
        }
        without(all, &self.a, |r| {
            if r.length() >= rules.sliver {
                emit(r);
            }
        });
    }

    /// Leaves in `b` the skin of one row: the rows around it, grown along the lines, within the walls.
    fn grow(&mut self, row: i32, inner: &[Run], rules: &SkinRules) {
        self.a.clear();
        for d in -rules.margin_rows..=rules.margin_rows {
            let runs = self.raw.get(row + d);
            if runs.is_empty() {
                continue;
            }
            if self.a.is_empty() {
                self.a.extend_from_slice(runs);
            } else {
                self.b.clear();
                either(&self.a, runs, |r| join(&mut self.b, r));
                std::mem::swap(&mut self.a, &mut self.b);
            }
        }
        for r in &mut self.a {
            *r = Run { a: r.a - rules.margin, b: r.b + rules.margin };
        }
        self.joined.clear();
        for r in &self.a {
            join(&mut self.joined, *r);
        }
        self.b.clear();
        common(&self.joined, inner, |r| self.b.push(r));
    }
}

/// Adds a run to a list sorted by beginnings; what touches becomes one.
#[inline]
fn join(list: &mut Vec<Run>, run: Run) {
    match list.last_mut() {
        Some(last) if last.b >= run.a => last.b = last.b.max(run.b),
        _ => list.push(run),
    }
}
