//! Are the contours the drawing? The proof's own look at the first step, chaining.
//!
//! Every drawn line must lie on some contour or line that is going to be made, and every piece of those on something
//! drawn, both within the tolerance at which ends are joined: nothing is lost between the two, and nothing invented
//! but the short pieces that bridge a gap. Pieces that are the same on both sides, bit by bit, are found by sorting;
//! only the others are looked at in samples, with closed-form distances.

use crate::index::Index;
use crate::piece::Piece;
use rayon::prelude::*;
use shop_geom::{Point, Polyline};
use shop_report::{Cancelled, Diagnostic, Progress};

/// Distance between samples of a line, mm.
const STEP: f64 = 1.0;
/// A piece gets at most this many samples, and its two ends.
const MOST_SAMPLES: f64 = 32.0;
/// What arithmetic may add, mm.
const ROUNDING: f64 = 1e-6;

/// How far the contours are from the drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// Farthest that a sample of one is from the other, mm, of those within the tolerance.
    pub farthest: f64,
    /// Errors: what is lost (`proof/drawing-lost`), what nobody drew (`proof/not-drawn`).
    pub diagnostics: Vec<Diagnostic>,
}

/// Compares what was drawn with what is to be made. Of the drawn paths those in `left_out` (ascending) are not asked
/// for: specks that the reader was told of. O(n log n) in pieces.
pub fn drawn<'a>(
    paths: &[Polyline],
    left_out: &[u32],
    made: impl Iterator<Item = &'a Polyline>,
    tolerance: f64,
    progress: &dyn Progress,
) -> Result<Drawn, Cancelled> {
    let asked = paths.iter().enumerate().filter(|(i, _)| left_out.binary_search(&(*i as u32)).is_err());
    let asked = pieces(asked.map(|(_, p)| p));
    let made = pieces(made);
    let (changed, new) = differing(&asked, &made);
    progress.begin("holding contours against the drawing", (changed.len() + new.len()) as u64);
    let lost = compare(&changed, &made, tolerance, progress)?;
    let invented = compare(&new, &asked, tolerance, progress)?;
    let mut out = Drawn { farthest: lost.farthest.max(invented.farthest), diagnostics: Vec::new() };
    let mut say = |code, far: &Far, what: &str| {
        if let Some(at) = far.at {
            let d = Diagnostic::error(code, format!("{what}: {} pieces", far.beyond));
            out.diagnostics
                .push(d.at(at.x, at.y).hint("this is a fault in shopctl: please report the drawing"));
        }
    };
    say("proof/drawing-lost", &lost, "a part of the drawing lies on no contour that was made of it");
    say("proof/not-drawn", &invented, "a contour runs where nothing was drawn");
    Ok(out)
}

fn pieces<'a>(lines: impl Iterator<Item = &'a Polyline>) -> Vec<Piece> {
    lines.flat_map(Polyline::segments).map(|s| Piece::of(&s)).filter(|p| p.length() > 0.0).collect()
}

/// How far pieces are from others.
#[derive(Clone, Copy, Default)]
struct Far {
    /// Farthest sample within the tolerance, mm.
    farthest: f64,
    /// Pieces with a sample beyond it.
    beyond: usize,
    /// The first such sample.
    at: Option<Point>,
}

/// Returns the pieces of each side that the other has not.
fn differing(a: &[Piece], b: &[Piece]) -> (Vec<Piece>, Vec<Piece>) {
    let keyed = |pieces: &[Piece]| {
        let mut list: Vec<(u64, u32)> =
            pieces.par_iter().enumerate().map(|(i, p)| (key(p), i as u32)).collect();
        list.par_sort_unstable();
        list
    };
    let (in_a, in_b) = (keyed(a), keyed(b));
    let lacks = |own: &[(u64, u32)], mine: &[Piece], theirs: &[(u64, u32)], others: &[Piece]| -> Vec<Piece> {
        let mut from = 0;
        let mut out = Vec::new();
        for &(k, i) in own {
            from += theirs[from..].iter().take_while(|t| t.0 < k).count();
            let mut equals = theirs[from..].iter().take_while(|t| t.0 == k);
            let p = &mine[i as usize];
            if !equals.any(|t| same(p, &others[t.1 as usize])) {
                out.push(*p);
            }
        }
        out
    };
    (lacks(&in_a, a, &in_b, b), lacks(&in_b, b, &in_a, a))
}

/// Returns a number that is the same for a piece and its reverse: of their ends' sums and products.
fn key(p: &Piece) -> u64 {
    let (a, b) = (p.a, p.b);
    // Any odd number with well spread bits would do (this one is Knuth's for MMIX).
    [a.x + b.x, a.y + b.y, a.x * b.x, a.y * b.y]
        .into_iter()
        .fold(0u64, |h, v| (h.rotate_left(23) ^ v.to_bits()).wrapping_mul(0x5851_f42d_4c95_7f2d))
}

/// True when two pieces are one, or one the other's reverse.
fn same(p: &Piece, q: &Piece) -> bool {
    let turn = |s: f64| (p.sweep - s).abs() < 1e-12;
    let ends = (p.a == q.a && p.b == q.b && turn(q.sweep)) || (p.a == q.b && p.b == q.a && turn(-q.sweep));
    ends && (p.is_line() || (p.center - q.center).norm() < ROUNDING)
}

fn compare(from: &[Piece], to: &[Piece], tolerance: f64, progress: &dyn Progress) -> Result<Far, Cancelled> {
    if from.is_empty() {
        return Ok(Far::default());
    }
    let mean = to.iter().map(Piece::length).sum::<f64>() / to.len().max(1) as f64;
    let index = Index::new(to.iter(), mean.max(4.0 * tolerance).max(0.1));
    from.par_chunks(256)
        .map(|chunk| {
            progress.advance(chunk.len() as u64)?;
            Ok(chunk.iter().map(|p| look(p, to, &index, tolerance + ROUNDING)).fold(Far::default(), Far::and))
        })
        .try_reduce(Far::default, |a, b| Ok(a.and(b)))
}

impl Far {
    /// Adds what was found later.
    fn and(self, later: Far) -> Far {
        Far {
            farthest: self.farthest.max(later.farthest),
            beyond: self.beyond + later.beyond,
            at: self.at.or(later.at),
        }
    }
}

fn look(piece: &Piece, to: &[Piece], index: &Index, within: f64) -> Far {
    let n = (piece.length() / STEP).ceil().clamp(2.0, MOST_SAMPLES);
    let mut far = Far::default();
    for k in 0..=n as usize {
        let p = piece.at(k as f64 / n);
        match index.nearest(p, within, |i| to[i as usize].distance_to(p)) {
            Some((_, d)) => far.farthest = far.farthest.max(d),
            None => return Far { beyond: 1, at: Some(p), ..far },
        }
    }
    far
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_report::Silent;

    fn square(x: f64) -> Polyline {
        Polyline::polygon(
            [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)].map(|(a, b)| Point::new(a + x, b)),
        )
    }

    fn sides(of: &Polyline) -> Vec<Polyline> {
        of.segments().map(|s| Polyline::open([s.start(), s.end()])).collect()
    }

    fn codes(paths: &[Polyline], left_out: &[u32], made: &[Polyline]) -> (Vec<&'static str>, f64) {
        let found = drawn(paths, left_out, made.iter(), 0.05, &Silent).expect("nobody cancels");
        (found.diagnostics.iter().map(|d| d.code).collect(), found.farthest)
    }

    #[test]
    fn a_contour_made_of_its_sides_is_the_drawing() {
        let a = square(0.0);
        let (found, far) = codes(&sides(&a), &[], std::slice::from_ref(&a));
        assert!(found.is_empty() && far < 1e-9);
        // A gap bridged within the tolerance is no invention, and its width is told.
        let mut gappy = sides(&a);
        gappy[0] = Polyline::open([Point::new(0.04, 0.0), Point::new(10.0, 0.0)]);
        let (found, far) = codes(&gappy, &[], std::slice::from_ref(&a));
        assert!(found.is_empty() && far < 0.05);
    }

    #[test]
    fn what_is_lost_or_invented_is_named() {
        let (a, b) = (square(0.0), square(20.0));
        let both: Vec<Polyline> = sides(&a).into_iter().chain(sides(&b)).collect();
        assert_eq!(codes(&both, &[], std::slice::from_ref(&a)).0, ["proof/drawing-lost"]);
        assert_eq!(codes(&sides(&a), &[], &[a.clone(), b.clone()]).0, ["proof/not-drawn"]);
        // A chord across a corner that was drawn, and a side left out that was told of.
        let cut = Polyline::polygon([(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)].map(|(x, y)| Point::new(x, y)));
        assert_eq!(codes(&sides(&a), &[], &[cut]).0, ["proof/drawing-lost", "proof/not-drawn"]);
        assert!(codes(&both, &[4, 5, 6, 7], std::slice::from_ref(&a)).0.is_empty());
    }
}
