//! The survey of a drawing: small cases by hand, laws over random ones.

use proptest::prelude::*;
use shop_formats::facts::{Facts, facts};
use shop_formats::{Drawing, Layer, Shape};
use shop_geom::curve::Curve;
use shop_geom::{Point, Polyline};
use shop_report::Span;

fn drawing(curves: impl IntoIterator<Item = Polyline>) -> Drawing {
    let shape = |p| Shape {
        curve: Curve::Polyline(p),
        layer: 0,
        colour: None,
        span: Span::default(),
        excluded: None,
    };
    Drawing {
        layers: vec![Layer { name: "0".to_owned(), ..Layer::default() }],
        shapes: curves.into_iter().map(shape).collect(),
        ..Drawing::default()
    }
}

fn lines(ends: &[[f64; 4]]) -> Drawing {
    drawing(ends.iter().map(|e| Polyline::open([Point::new(e[0], e[1]), Point::new(e[2], e[3])])))
}

/// Returns (closed, raw, open, branching, duplicates, short).
fn counts(f: &Facts) -> [u32; 6] {
    [f.closed_contours(), f.closed_raw, f.open_chains, f.branching_components, f.duplicates, f.short]
}

fn count(d: &Drawing) -> [u32; 6] {
    counts(&facts(d, None))
}

const SQUARE: [[f64; 4]; 4] =
    [[0.0, 0.0, 9.0, 0.0], [9.0, 9.0, 9.0, 0.0], [9.0, 9.0, 0.0, 9.0], [0.0, 9.0, 0.0, 0.0]];

#[test]
fn contours_chains_and_branches() {
    assert_eq!(count(&lines(&SQUARE)), [1, 1, 0, 0, 0, 0]);
    assert_eq!(count(&lines(&SQUARE[1..])), [0, 0, 1, 0, 0, 0]);
    let mut tee = SQUARE.to_vec();
    tee.push([9.0, 9.0, 20.0, 20.0]);
    assert_eq!(count(&lines(&tee)), [0, 0, 0, 1, 0, 0]);
    // Ends 0.009 mm apart are together, 0.011 are not.
    let mut gap = SQUARE;
    gap[3] = [0.009, 9.0, 0.0, 0.0];
    assert_eq!(count(&lines(&gap)), [1, 1, 0, 0, 0, 0]);
    gap[3] = [0.011, 9.0, 0.0, 0.0];
    assert_eq!(count(&lines(&gap)), [0, 0, 1, 0, 0, 0]);
}

#[test]
fn duplicates_count_once_and_break_the_raw_contours() {
    let mut twice = SQUARE.to_vec();
    twice.push([9.005, 0.0, 0.0, 0.005]);
    assert_eq!(count(&lines(&twice)), [1, 0, 0, 0, 1, 0]);
    let circle = |x, r| Polyline::circle(Point::new(x, 0.0), r);
    let circles = [circle(0.0, 5.0), circle(0.0, 5.0).reversed(), circle(0.0, 5.1), circle(30.0, 5.0)];
    assert_eq!(count(&drawing(circles)), [3, 4, 0, 0, 1, 0]);
    // Same box and length, another shape: the two diagonals.
    assert_eq!(count(&lines(&[[0.0, 0.0, 5.0, 5.0], [0.0, 5.0, 5.0, 0.0]]))[4], 0);
    assert_eq!(count(&lines(&[[0.0, 0.0, 0.005, 0.0]])), [0, 0, 0, 0, 0, 1]);
}

#[test]
fn thousands_of_ends_in_one_place_are_no_trouble() {
    let spokes: Vec<[f64; 4]> = (0..20_000)
        .map(|i| {
            let (s, c) = (f64::from(i) * 0.01).sin_cos();
            [0.0, 0.0, 50.0 * c + f64::from(i), 50.0 * s]
        })
        .collect();
    assert_eq!(facts(&lines(&spokes), None).branching_components, 1);
}

proptest! {
    /// Components by the textbook: flood over a coarse grid of ends.
    #[test]
    fn components_are_what_a_flood_finds(
        ends in prop::collection::vec((0i32..6, 0i32..6, 0i32..6, 0i32..6), 1..24),
        seed in 0usize..1000,
        mirror: bool,
    ) {
        let mut ends: Vec<_> = ends.into_iter().filter(|e| (e.0, e.1) != (e.2, e.3)).collect();
        let key = |e: &(i32, i32, i32, i32)| ((e.0, e.1).min((e.2, e.3)), (e.0, e.1).max((e.2, e.3)));
        ends.sort_by_key(key);
        ends.dedup_by_key(|e| key(e));
        let flat: Vec<[f64; 4]> =
            ends.iter().map(|e| [e.0, e.1, e.2, e.3].map(f64::from)).collect();
        let got = count(&lines(&flat));
        prop_assert_eq!([got[0], got[2], got[3]], flood(&ends));
        // The order of the file, the direction of a line, a mirror and a move change nothing.
        let n = flat.len().max(1);
        let moved: Vec<[f64; 4]> = (0..flat.len())
            .map(|i| flat[(i + seed) % n])
            .enumerate()
            .map(|(i, [a, b, c, d])| if i % 2 == 0 { [c, d, a, b] } else { [a, b, c, d] })
            .map(|e| if mirror { [-e[0], e[1], -e[2], e[3]] } else { e })
            .map(|e| e.map(|v| v - 1234.5))
            .collect();
        prop_assert_eq!(count(&lines(&moved)), got);
    }
}

fn flood(ends: &[(i32, i32, i32, i32)]) -> [u32; 3] {
    let (mut seen, mut out) = (vec![false; ends.len()], [0; 3]);
    for start in 0..ends.len() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let (mut todo, mut nodes) = (vec![start], Vec::new());
        while let Some(i) = todo.pop() {
            let e = ends[i];
            for node in [(e.0, e.1), (e.2, e.3)] {
                nodes.push(node);
                for (j, o) in ends.iter().enumerate() {
                    if !seen[j] && ((o.0, o.1) == node || (o.2, o.3) == node) {
                        seen[j] = true;
                        todo.push(j);
                    }
                }
            }
        }
        nodes.sort_unstable();
        let degrees: Vec<usize> = nodes.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
        let ones = degrees.iter().filter(|d| **d == 1).count();
        let many = degrees.iter().any(|d| *d > 2);
        out[if many { 2 } else { usize::from(ones > 0) }] += 1;
    }
    out
}
