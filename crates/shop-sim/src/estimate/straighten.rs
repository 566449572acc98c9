//! LinuxCNC's naive CAM detector (G64 Q): short lines that lie near one longer line are run as that line.
//!
//! The lines that wait form a *chain*. With B its beginning, the next line joins while no end in the chain lies farther
//! than Q from the straight line between B and the new end:
//!
//! ```text
//!          ·    ·        ·
//!       B ──────────────────── new end
//!              ·     ·           all within Q: one line
//! ```
//!
//! What is no line at the same feed ends the chain: a rapid, an arc, another axis, an output, a stop. An arc that leaves
//! its chord by less than Q counts as two lines. Q is what G64 says, else its P; G64 alone has none.
//!
//! Sources: LinuxCNC 2.9, user manual, "G64" and "Naive CAM Detector"; the limit of a chain from its `emccanon`; both
//! measured with it, see the test.

use crate::planner::high;

/// Ends that a chain holds at most.
const MOST: usize = 101;

/// Lines that may still become one.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// How far ends may lie beside the line, mm; 0 when every line is run as it stands.
    pub within: f64,
    /// Ends of the lines, counted from the beginning of the first.
    ends: Vec<[f64; 3]>,
    /// Speed of all of them, mm/s.
    speed: f64,
    /// Whose time it is.
    pub tag: u32,
}

impl Chain {
    /// Returns an empty chain; see [`Chain::within`].
    pub fn new(within: f64) -> Self {
        Chain { within, ..Chain::default() }
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// True when a line along `d` may join. O(ends of the chain), of which there are at most 101.
    pub fn takes(&self, d: [f64; 3], speed: f64) -> bool {
        if self.ends.len() >= MOST || speed.to_bits() != self.speed.to_bits() {
            return false;
        }
        let to = self.after(d);
        let size2 = dot(&to, &to);
        if size2 <= 0.0 {
            return false;
        }
        let most2 = self.within * self.within;
        self.ends.iter().all(|p| {
            let t = (dot(&to, p) / size2).clamp(0.0, 1.0);
            let off = [p[0] - to[0] * t, p[1] - to[1] * t, p[2] - to[2] * t];
            dot(&off, &off) <= most2
        })
    }

    /// Adds a line along `d`; the first one says whose time and how fast.
    pub fn push(&mut self, d: [f64; 3], speed: f64, tag: u32) {
        if self.ends.is_empty() {
            (self.speed, self.tag) = (speed, tag);
        }
        self.ends.push(self.after(d));
    }

    /// Empties the chain; returns the line that stands for it, with its speed and whose time it is.
    pub fn take(&mut self) -> Option<([f64; 3], f64, u32)> {
        let last = self.ends.last().copied()?;
        self.ends.clear();
        Some((last, self.speed, self.tag))
    }

    /// True when both hold the same lines, tags aside.
    pub fn is_like(&self, other: &Chain) -> bool {
        let bits = |c: &Chain| (c.within.to_bits(), c.speed.to_bits(), c.ends.len());
        let ends = |c: &Chain| c.ends.iter().flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
        self.is_empty() && other.is_empty() && self.within.to_bits() == other.within.to_bits()
            || bits(self) == bits(other) && ends(self) == ends(other)
    }

    fn after(&self, d: [f64; 3]) -> [f64; 3] {
        let [x, y, z] = self.ends.last().copied().unwrap_or_default();
        [x + d[0], y + d[1], z + d[2]]
    }
}

/// Returns how far an arc leaves its chord, mm.
pub(super) fn sagitta(radius: f64, sweep: f64) -> f64 {
    high(radius * (1.0 - (0.5 * sweep).cos()), 0.0)
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use crate::estimate::tests::machine;
    use crate::estimate::{Estimate, estimate};
    use proptest::prelude::*;
    use shop_cam::Speed;
    use shop_cam::canon::{Command, PathControl, Role, Section};
    use shop_cam::machine::Cornering;

    fn timed(q: f64, points: &[[f64; 3]]) -> Estimate {
        let mut section = Section::new(Role::Unknown, "");
        let control = PathControl::Blend { tolerance: Some(0.05), straighten: Some(q) };
        section.commands.push(Command::PathControl(control));
        section.commands.push(Command::Feed(Speed::from_mm_per_min(2400.0)));
        section.commands.extend(points.iter().map(|to| Command::Line { to: *to }));
        estimate(&[section], &machine(Cornering::Blend { tolerance: 0.02 }))
    }

    /// The chains of a row of ends, by their definition: every set of ends tried from its beginning.
    fn straightened(q: f64, points: &[[f64; 3]]) -> Vec<[f64; 3]> {
        let (mut from, mut first, mut out) = ([0.0, 0.0, 5.0], 0, Vec::new());
        for i in 0..points.len() {
            let next = points.get(i + 1);
            let fits = next.is_some_and(|to| {
                let way: [f64; 3] = std::array::from_fn(|k| to[k] - from[k]);
                let size = way.iter().map(|v| v * v).sum::<f64>().sqrt();
                size > 0.0
                    && i + 1 - first < 101
                    && points[first..=i].iter().all(|p| {
                        let d: [f64; 3] = std::array::from_fn(|k| p[k] - from[k]);
                        let along = (0..3).map(|k| d[k] * way[k]).sum::<f64>() / size;
                        let along = along.clamp(0.0, size) / size;
                        (0..3).map(|k| (d[k] - way[k] * along).powi(2)).sum::<f64>().sqrt() <= q
                    })
            });
            if !fits {
                out.push(points[i]);
                (from, first) = (points[i], i + 1);
            }
        }
        out
    }

    proptest! {
        /// With Q a program takes as long as the one that has the longer lines in it, without; its own lengths stay.
        #[test]
        fn lines_within_q_are_as_good_as_one(
            steps in prop::collection::vec((0.02..0.6f64, -0.02..0.02f64, -0.01..0.01f64), 1..300),
            q in 0.001..0.05f64,
        ) {
            let mut at = [0.0, 0.0, 5.0];
            let mut points = Vec::new();
            for (i, (x, y, z)) in steps.iter().enumerate() {
                // A corner now and then.
                let (dx, dy) = if i % 40 > 30 { (*y, *x) } else { (*x, *y) };
                at = [at[0] + dx, at[1] + dy, at[2] + z];
                points.push(at);
            }
            let merged = straightened(q, &points);
            let (ours, want) = (timed(q, &points), timed(0.0, &merged));
            prop_assert!((ours.cut_s - want.cut_s).abs() < 1e-6, "{} {}", ours.cut_s, want.cut_s);
            prop_assert_eq!(ours.moves, points.len() as u64);
            prop_assert!((ours.cut_length - timed(0.0, &points).cut_length).abs() < 1e-9);
        }
    }

    #[test]
    fn a_chain_ends_where_something_else_begins() {
        let pieces = |q: Option<f64>, between: Option<Command>| {
            let mut section = Section::new(Role::Unknown, "");
            let control = PathControl::Blend { tolerance: Some(0.02), straighten: q };
            section.commands.push(Command::PathControl(control));
            section.commands.push(Command::Feed(Speed::from_mm_per_min(3000.0)));
            for i in 1..=100 {
                let x = 0.2 * f64::from(i);
                section.commands.push(Command::Line { to: [x, 0.01 * f64::from(i % 2), 5.0] });
                section.commands.extend(between.clone().filter(|_| i < 100));
            }
            estimate(&[section], &machine(Cornering::Blend { tolerance: 0.02 })).cut_s
        };
        let (one, all) = (pieces(None, None), pieces(Some(0.0), None));
        assert!(one < 0.9 * all, "{one} {all}");
        let feed = |v: f64| Some(Command::Feed(Speed::from_mm_per_min(v)));
        assert_eq!(pieces(None, Some(Command::Comment("on it goes".into()))), one);
        assert_eq!(pieces(None, feed(3000.0)), one);
        let output = Command::Output { number: 1, value: 1.0, analog: false, synchronised: true };
        assert_eq!(pieces(None, Some(output)), all);
    }
}
