//! Where the rows of a solid filling meet the walls.
//!
//! Rows lie where they lie, walls where the part wants them. Beside a wall that runs along the rows the last one may be
//! almost a whole row away from where it touches: so rows are taken in that lie up to a third of a row nearer than
//! they should, and what is left open or crowded is never more than half a row's side. And a row that ends at a wall
//! without being joined to the next has a square end, which goes on until it touches ([`Verge::reach`]).
//!
//! ```text
//!   ───────────────────────── wall
//!    ═════════════╗┐           a row that is taken in although it is crowded; one that ends at the slanting wall
//!    ═════════════╝ ╲
//! ```
//!
//! Both are told by the same region on lines a little beside the rows: what is inside there and not here lies along a
//! wall, and how ends move from one to the other is the wall's slant.

use crate::rows::{Frame, Rows, Run, Scanner, without};
use shop_geom::planar::Contours;

/// Rows may lie this much nearer to a wall beside them than the next row does, rows.
const CROWDED: f64 = 0.32;
/// A wall runs along a row where the row next to it is taken in for longer than this many times that: the cotangent of
/// about 20°.
const ALONG: f64 = 2.75;
/// Ends at walls that slant more than this are left as they are: the tangent of about 70°.
const STEEPEST: f64 = 2.75;

/// Rows within walls, and how their ends meet them; room that is used again and again.
#[derive(Default)]
pub struct Verge {
    /// The rows.
    pub rows: Rows,
    beside: [Rows; 2],
    /// Distance of the lines beside rows, grid units.
    off: f64,
    /// How far ends go on where walls are square to the rows, grid units.
    reach: f64,
}

impl Verge {
    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Takes the inside of walls, whose own runs are `inner`, in; ends may go on by `reach` grid units. O(corners + runs).
    pub fn look(
        &mut self,
        scanner: &mut Scanner,
        inside: &Contours,
        inner: &Rows,
        frame: &Frame,
        reach: f64,
    ) {
        (self.off, self.reach) = (CROWDED * frame.pitch(), reach);
        for (rows, off) in self.beside.iter_mut().zip([self.off, -self.off]) {
            scanner.scan(inside, &frame.beside(off), rows);
        }
        let least = (ALONG * self.off) as i32;
        let ranges = [inner.range(), self.beside[0].range(), self.beside[1].range()];
        let filled = || ranges.iter().filter(|r| !r.is_empty());
        let first = filled().map(|r| r.start).min().unwrap_or(0);
        let end = filled().map(|r| r.end).max().unwrap_or(0);
        let mut new = Vec::new();
        self.rows.begin(first);
        for row in first..end {
            let own = inner.get(row);
            new.clear();
            new.extend_from_slice(own);
            for beside in &self.beside {
                without(beside.get(row), own, |r| {
                    if r.length() >= least {
                        new.push(r);
                    }
                });
            }
            new.sort_unstable_by_key(|r| r.a);
            for r in &new {
                self.rows.push(*r);
            }
            self.rows.end_row();
        }
    }

    /// Returns how far the end `u` of a run goes on until it is at the wall, grid units; 0 where it is at none.
    pub fn reach(&self, row: i32, u: i32, right: bool) -> i32 {
        let end = |r: &Run| if right { r.b } else { r.a };
        let find = |rows: &Rows, most: i32| {
            // Runs are in order and apart, and so are their ends.
            let runs = rows.get(row);
            let k = runs.partition_point(|r| end(r) < u);
            let beside = [k.checked_sub(1).map(|k| &runs[k]), runs.get(k)];
            let far = beside.into_iter().flatten().map(|r| end(r) - u).min_by_key(|d| d.abs())?;
            (far.abs() <= most).then_some(far)
        };
        if self.reach <= 0.0 || find(&self.rows, 0).is_none() {
            return 0;
        }
        let most = (STEEPEST * self.off) as i32;
        let (Some(up), Some(down)) = (find(&self.beside[0], most), find(&self.beside[1], most)) else {
            return 0;
        };
        let slant = f64::from(up - down) / (2.0 * self.off);
        (self.reach * (1.0 + slant * slant).sqrt()) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::planar::Spot;

    /// A square of 10 mm whose lower side lies at `low` mm, turned by `angle` in the frame of the rows.
    fn verge(low: f64, angle: f64) -> (Verge, Rows, Frame) {
        let (sin, cos) = angle.sin_cos();
        let mut inside = Contours::default();
        for [x, y] in [[0.0, low], [10.0, low], [10.0, low + 10.0], [0.0, low + 10.0]] {
            inside.push(Spot::from_mm(x * cos - y * sin, x * sin + y * cos));
        }
        inside.close();
        let frame = Frame::new(0.0, 4000.0);
        let (mut scanner, mut inner, mut verge) = (Scanner::default(), Rows::default(), Verge::default());
        scanner.scan(&inside, &frame, &mut inner);
        verge.look(&mut scanner, &inside, &inner, &frame, 2000.0);
        (verge, inner, frame)
    }

    #[test]
    fn rows_along_walls_are_taken_in_when_they_are_near_enough() {
        for low in [0.02, 0.1, 0.14, 0.2, 0.3, 0.38] {
            let (verge, _, _) = verge(low, 0.0);
            let rows = verge.rows.range().filter(|k| !verge.rows.get(*k).is_empty()).count();
            let near = |k: &i32| {
                let v = 0.4 * f64::from(*k);
                v > low - CROWDED * 0.4 && v < low + 10.0 + CROWDED * 0.4
            };
            assert_eq!(rows, (-5..40).filter(near).count(), "{low}");
            assert!(verge.rows.range().all(|k| verge.rows.get(k).iter().all(|r| r.length() == 100_000)));
        }
    }

    #[test]
    fn ends_go_on_to_the_wall_whatever_its_slant() {
        for degrees in [-60.0f64, -30.0, -10.0, 10.0, 45.0, 65.0] {
            let angle = degrees.to_radians();
            let (verge, inner, frame) = verge(0.1, angle);
            // Away from corners.
            let row = (3 * inner.range().start + inner.range().end) / 4;
            let run = inner.get(row)[0];
            for (u, right) in [(run.a, false), (run.b, true)] {
                let far = verge.reach(row, u, right);
                let at = frame.place(f64::from(u + if right { far } else { -far }), 4000.0 * f64::from(row));
                // Turned back: how far beyond the nearer side.
                let [x, y] = at.mm();
                let (sin, cos) = (-angle).sin_cos();
                let [x, y] = [x * cos - y * sin, x * sin + y * cos - 0.1];
                let beyond = (-x).max(x - 10.0).max(-y).max(y - 10.0);
                assert!((beyond - 0.2).abs() < 2e-3, "{degrees} {right}: {beyond}");
            }
        }
    }

    #[test]
    fn ends_that_are_at_no_wall_stay() {
        let (verge, inner, _) = verge(0.1, 0.3);
        let row = inner.range().start + 10;
        assert_eq!(verge.reach(row, inner.get(row)[0].a + 5000, false), 0);
    }
}
