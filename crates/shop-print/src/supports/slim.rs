//! Lines where supports are so slim that the common ones miss them.
//!
//! Lines of supports lie where they lie in every layer, so that they stand on one another. What is slimmer than their
//! distance may lie between them, and what they cross in short pieces only has none at all: rings within bores, strips
//! along walls. What no line comes near to gets lines of its own, lengthwise, and keeps them on the way down. So does what
//! hangs beside the place where supports may be.
//!
//! ```text
//!   ─────────────────────    a common line
//!        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
//!       │░░┈┈┈┈┈┈┈┈┈┈┈┈░│    slim: a line along its rows,
//!       │░┊░▔▔▔▔▔▔▔▔▔▔▔▔     and one along its columns
//!   ─────┊───────────────
//! ```

use super::bits::{Bits, Growth, Lattice};
use super::lay::LEAST_LINE_MM;

/// Lines come as near as this to every node, mm.
const COVER_MM: f64 = 1.1;
/// And as this to what hangs beside supports, mm; lines for it begin as near as that to it, mm.
const HOLD_MM: [f64; 2] = [1.5, 1.25];
/// Lines of their own are at least as long as this, mm.
pub const LEAST_MM: f64 = 0.75;

/// A line: its row (or column), and its columns (or rows), the last one not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    line: usize,
    from: usize,
    to: usize,
}

/// What lines there are, from layer to layer.
pub struct Slim {
    /// Distance of common lines, helpers between them included, nodes.
    spacing: f64,
    cover: usize,
    hold: [f64; 2],
    /// Common lines of fewer nodes are not counted on.
    common: usize,
    least: usize,
    /// Along rows, and along columns.
    lines: [Vec<Span>; 2],
    growth: Growth,
}

impl Slim {
    /// Returns one for common lines `spacing` nodes apart.
    pub fn new(lattice: &Lattice, spacing: f64) -> Slim {
        let nodes = |mm: f64| (lattice.cells(mm).round() as usize).max(1);
        Slim {
            spacing,
            cover: nodes(COVER_MM),
            hold: HOLD_MM.map(|mm| lattice.cells(mm)),
            // Between its outer nodes a common line is clear of the part for certain; shorter ones may not be laid.
            common: lattice.cells(LEAST_LINE_MM).ceil() as usize + 1,
            least: nodes(LEAST_MM),
            lines: Default::default(),
            growth: Growth::default(),
        }
    }

    /// Goes on to a layer with supports, base and interface, which touch all of `hangs`: returns the nodes of lines
    /// along rows in base, and of those along columns.
    pub fn step(&mut self, lattice: &Lattice, [base, face]: [&Bits; 2], hangs: &Bits) -> [Bits; 2] {
        let mut out = [lattice.empty(), lattice.empty()];
        let (mut rest, mut loose) = self.bare(lattice, [base, face], hangs);
        let old = std::mem::take(&mut self.lines);
        for (way, lines) in old.iter().enumerate() {
            for span in lines {
                self.go_on(way, *span, base, [&mut rest, &mut loose]);
            }
        }
        if !loose.is_empty() {
            let mut beside = loose.grown(self.hold[1], &mut self.growth);
            beside.keep(base);
            rest.add(&beside);
        }
        if !rest.is_empty() {
            self.begin(0, &mut rest);
        }
        if !rest.is_empty() {
            let mut columns = lattice.turned(&rest);
            self.begin(1, &mut columns);
        }
        for (way, bits) in out.iter_mut().enumerate() {
            for span in &self.lines[way] {
                (span.from..span.to).for_each(|k| bits.set_along(way, span.line, k));
            }
        }
        out
    }

    /// Returns the nodes of supports that no common line comes near to, and what hangs that none holds.
    fn bare(&mut self, lattice: &Lattice, [base, face]: [&Bits; 2], hangs: &Bits) -> (Bits, Bits) {
        if base.is_empty() {
            return (lattice.empty(), Bits::default());
        }
        let mut lined = face.clone();
        for row in lattice.rows_every(self.spacing) {
            base.spans(row, |a, b| {
                if b - a >= self.common {
                    (a..b).for_each(|column| lined.set(row, column));
                }
            });
        }
        let covered = lined.grown(self.cover as f64, &mut self.growth);
        let mut rest = base.clone();
        rest.take(&covered);
        if hangs.is_empty() {
            return (rest, Bits::default());
        }
        let mut loose = hangs.clone();
        loose.take(&covered);
        if !loose.is_empty() {
            loose.take(&covered.grown((self.hold[0] - self.cover as f64).max(0.0), &mut self.growth));
        }
        (rest, loose)
    }

    /// Keeps what supports hold of a line of the layer above.
    fn go_on(&mut self, way: usize, span: Span, base: &Bits, bare: [&mut Bits; 2]) {
        let [rest, loose] = bare;
        let has = |k: usize| base.has_along(way, span.line, k);
        let mut k = span.from;
        while k < span.to {
            let to = (k..span.to).find(|k| !has(*k)).unwrap_or(span.to);
            if to - k >= self.least {
                let piece = Span { from: k, to, ..span };
                clear(way, piece, self.cover, rest);
                if !loose.is_empty() {
                    clear(way, piece, self.hold[0] as usize, loose);
                }
                self.lines[way].push(piece);
            }
            k = to + 1;
        }
    }

    /// Begins lines in what is bare; `rest` has its columns for rows where lines go along columns.
    fn begin(&mut self, way: usize, rest: &mut Bits) {
        let [rows, _] = rest.size();
        for row in 0..rows {
            let mut found = Vec::new();
            rest.spans(row, |a, b| found.push((a, b)));

            for (a, b) in found {
                if b - a < self.least || !(a..b).any(|k| rest.has(row, k)) {
                    continue;
                }
                // The columns of the turned region run the other way.
                let line = if way == 0 { row } else { rows - 1 - row };
                let span = Span { line, from: a, to: b };
                clear(0, Span { line: row, ..span }, self.cover, rest);
                self.lines[way].push(span);
            }
        }
    }
}

/// Takes away what lies at most `by` nodes from a line, as squares go.
fn clear(way: usize, span: Span, by: usize, rest: &mut Bits) {
    let size = rest.size();
    let (lines, places) = (size[way], size[1 - way]);
    for line in span.line.saturating_sub(by)..(span.line + by + 1).min(lines) {
        for k in span.from.saturating_sub(by)..(span.to + by).min(places) {
            rest.unset_along(way, line, k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shop_geom::planar::{PER_MM, Spot};

    proptest! {
        #[test]
        fn every_slim_place_has_a_line(low in 3usize..60, thick in 1usize..5, long in 8usize..60, upright: bool) {
            let corners = [Spot::new(0, 0), Spot::new(200_000, 200_000)];
            let lattice = Lattice::new(0.0, 0.25 * PER_MM, 0.0, corners.into_iter());
            let (mut base, mut slim) = (lattice.empty(), Slim::new(&lattice, lattice.cells(1.25)));
            let places = || (low..low + thick).flat_map(|line| (5..5 + long).map(move |k| [line, k]));
            places().for_each(|[line, k]| base.set_along(usize::from(upright), line, k));
            // The same on the way down: lines stay where they are.
            let first = slim.step(&lattice, [&base, &lattice.empty()], &Bits::default());
            prop_assert_eq!(&slim.step(&lattice, [&base, &lattice.empty()], &Bits::default()), &first);
            let mut lines = first[0].clone();
            lines.add(&first[1]);
            for row in lattice.rows_every(slim.spacing) {
                base.spans(row, |a, b| {
                    let to = if b - a < slim.common { a } else { b };
                    (a..to).for_each(|k| lines.set(row, k));
                });
            }
            for [line, k] in places() {
                let [row, column] = if upright { [k, line] } else { [line, k] };
                prop_assert!(lines.is_near(row, column, 2.0 * slim.cover as f64), "{row} {column}");
            }
            lines.take(&base);
            prop_assert!(lines.is_empty());
        }
    }
}
