//! Nesting, crossings and repair against brute force and by laws.

use super::*;
use crate::{Segment, Vector, Vertex, cross};
use proptest::prelude::*;
use shop_report::Silent;
use std::f64::consts::PI;

fn nest(contours: &[Polyline]) -> Nesting {
    nesting(contours, &Silent).expect("never cancels")
}

fn cross_at(contours: &[Polyline]) -> Vec<(u32, u32, f64, f64)> {
    let round = |v: f64| (v * 1e4).round() / 1e4 + 0.0;
    let found = crossings(contours, &Silent).expect("never cancels");
    found.iter().map(|c| (c.a, c.b, round(c.at.x), round(c.at.y))).collect()
}

fn square(x: f64, y: f64, side: f64) -> Polyline {
    polygon(&[(x, y), (x + side, y), (x + side, y + side), (x, y + side)])
}

fn polygon(points: &[(f64, f64)]) -> Polyline {
    Polyline::polygon(points.iter().map(|p| Point::new(p.0, p.1)))
}

fn circle(x: f64, y: f64, radius: f64) -> Polyline {
    Polyline::circle(Point::new(x, y), radius)
}

/// A shape as drawn, mirrored, reversed, re-started and moved: a law must hold for all.
fn variants(contours: &[Polyline]) -> Vec<Vec<Polyline>> {
    let each = |f: &dyn Fn(&Polyline) -> Polyline| contours.iter().map(f).collect::<Vec<_>>();
    let rotated = |c: &Polyline| {
        let mut c = c.clone();
        let k = c.vertices.len() / 2;
        c.vertices.rotate_left(k);
        c
    };
    let (s, k) = 0.7f64.sin_cos();
    vec![
        contours.to_vec(),
        each(&|c| c.clone().reversed()),
        each(&rotated),
        each(&|c| c.mapped(true, |p| Point::new(-p.x, p.y))),
        each(&|c| c.mapped(true, |p| Point::new(p.y, p.x))),
        each(&|c| c.mapped(false, |p| Point::new(p.x * k - p.y * s, p.x * s + p.y * k))),
        each(&|c| c.mapped(false, |p| p + Vector::new(1e5, -3e5))),
    ]
}

#[test]
fn rings_to_any_depth() {
    let rings: Vec<Polyline> =
        (1..=40).map(|k| square(f64::from(-k), f64::from(-k), f64::from(2 * k))).collect();
    let n = nest(&rings);
    for i in 0..40 {
        assert_eq!(n.depth[i], 39 - i as u32);
        assert_eq!(n.parent[i], (i < 39).then_some(i as u32 + 1));
    }
}

#[test]
fn touching_contours_nest_as_they_lie() {
    // A plate; a hole that touches its edge at a point; one that shares a stretch of its edge and one of its
    // corners; a neighbour that shares the other edge; a disc in a hole, touching it; the plate again.
    let contours = vec![
        square(0.0, 0.0, 10.0),
        circle(5.0, 2.0, 2.0),
        square(0.0, 6.0, 4.0),
        square(10.0, 0.0, 10.0),
        circle(5.0, 1.0, 1.0),
        polygon(&[(8.0, 8.0), (10.0, 9.0), (8.0, 10.0)]),
        square(0.0, 0.0, 10.0),
    ];
    for v in variants(&contours) {
        let n = nest(&v);
        assert_eq!(n.parent, [None, Some(6), Some(6), None, Some(1), Some(6), Some(0)]);
        assert_eq!(n.depth, [0, 2, 2, 0, 3, 2, 1]);
        assert_eq!(cross_at(&v), [], "touching is not crossing");
        let solid = oriented(&v, &n);
        for (c, d) in solid.iter().zip(&n.depth) {
            assert_eq!(c.area() > 0.0, d % 2 == 0);
        }
    }
}

#[test]
fn arcs_are_taken_exactly() {
    // Between the arc and its chord: inside for the one, outside for the other.
    let big = circle(0.0, 0.0, 100.0);
    let (s, c) = (PI / 4.0).sin_cos();
    let near = circle(99.6 * c, 99.6 * s, 0.3);
    let beyond = circle(100.4 * c, 100.4 * s, 0.3);
    let lens =
        Polyline { vertices: vec![Vertex::new(-3.0, 0.0, 0.2), Vertex::new(3.0, 0.0, 0.3)], closed: true };
    let moon =
        Polyline { vertices: vec![Vertex::new(-50.0, 0.0, -0.6), Vertex::new(50.0, 0.0, 0.9)], closed: true };
    let contours = vec![big, near, beyond, lens, moon, circle(0.0, 40.0, 1.0)];
    for v in variants(&contours) {
        assert_eq!(nest(&v).parent, [None, Some(0), None, Some(0), Some(0), Some(4)]);
    }
}

#[test]
fn a_large_contour_with_many_holes() {
    let n = 20_000;
    let coast = Polyline::polygon((0..n).map(|i| {
        let t = f64::from(i) / f64::from(n) * 2.0 * PI;
        let r = 400.0 + 20.0 * (17.0 * t).sin() + 3.0 * (431.0 * t).cos();
        Point::new(r * t.cos(), r * t.sin())
    }));
    let mut contours = vec![coast];
    contours.extend(
        (0..900).map(|i| circle(f64::from(i % 30) * 30.0 - 435.0, f64::from(i / 30) * 30.0 - 435.0, 5.0)),
    );
    let found = nest(&contours);
    for (i, c) in contours.iter().enumerate().skip(1) {
        let m = c.bounds().center();
        let t = m.y.atan2(m.x).rem_euclid(2.0 * PI);
        let r = 400.0 + 20.0 * (17.0 * t).sin() + 3.0 * (431.0 * t).cos();
        if (m.coords.norm() - r).abs() > 8.0 {
            assert_eq!(found.parent[i], (m.coords.norm() < r).then_some(0), "{m}");
        }
    }
}

#[test]
fn crossings_by_name() {
    let spike = polygon(&[(0.0, 0.0), (10.0, 0.0), (4.0, 0.0), (5.0, 5.0)]);
    let bow = polygon(&[(0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (0.0, 4.0)]);
    let pinch = polygon(&[(0.0, 0.0), (2.0, 2.0), (0.0, 4.0), (4.0, 4.0), (2.0, 2.0), (4.0, 0.0)]);
    // The same point passed straight through.
    let eight = polygon(&[(0.0, 0.0), (2.0, 2.0), (4.0, 4.0), (4.0, 0.0), (2.0, 2.0), (0.0, 4.0)]);
    // A line and an arc that follow each other and meet again.
    let knot = Polyline {
        vertices: vec![Vertex::new(0.0, 0.0, 0.0), Vertex::new(4.0, 0.0, 0.9), Vertex::new(2.0, -1.0, 0.0)],
        closed: true,
    };
    let slot = Polyline {
        vertices: vec![
            Vertex::new(0.0, -1.0, 0.0),
            Vertex::new(5.0, -1.0, 1.0),
            Vertex::new(5.0, 1.0, 0.0),
            Vertex::new(0.0, 1.0, 1.0),
        ],
        closed: true,
    };
    let cases: Vec<(Vec<Polyline>, usize)> = vec![
        (vec![square(0.0, 0.0, 4.0), square(2.0, 2.0, 4.0)], 2),
        (vec![square(0.0, 0.0, 4.0), square(4.0, 0.0, 4.0)], 0),
        (vec![square(0.0, 0.0, 4.0), square(4.0, 1.0, 4.0)], 0),
        (vec![square(0.0, 0.0, 4.0), square(4.0, 4.0, 4.0)], 0),
        // A corner that passes through a side from within, and one that comes just to it.
        (vec![square(0.0, 0.0, 4.0), polygon(&[(2.0, 2.0), (4.0, 1.0), (5.0, 2.0), (4.0, 3.0)])], 2),
        (vec![square(0.0, 0.0, 4.0), polygon(&[(1.0, 2.0), (2.0, 1.0), (4.0, 2.0), (2.0, 3.0)])], 0),
        (vec![circle(0.0, 0.0, 2.0), circle(3.0, 0.0, 2.0)], 2),
        (vec![circle(0.0, 0.0, 2.0), circle(4.0, 0.0, 2.0)], 0),
        (vec![circle(0.0, 0.0, 2.0), circle(1.0, 0.0, 1.0)], 0),
        (vec![circle(0.0, 0.0, 2.0), circle(0.0, 0.0, 2.0)], 0),
        (vec![circle(0.0, 0.0, 2.0), square(-2.0, -2.0, 4.0)], 0),
        (vec![circle(0.0, 0.0, 2.0), square(-1.9, -1.9, 3.8)], 8),
        (vec![spike], 0),
        (vec![bow], 1),
        (vec![pinch], 0),
        (vec![eight], 1),
        (vec![knot], 1),
        (vec![slot.clone()], 0),
        (vec![slot, circle(5.0, 0.0, 1.0)], 0),
    ];
    for (k, (contours, count)) in cases.into_iter().enumerate() {
        for (i, v) in variants(&contours).iter().enumerate() {
            assert_eq!(cross_at(v).len(), count, "case {k}, variant {i}: {:?}", cross_at(v));
        }
    }
}

#[test]
fn rounding_is_not_crossing() {
    // Neighbours on a sheet, turned and shifted so that their common corners differ in the last digits.
    let mut tiles = Vec::new();
    let (s, c) = 0.3f64.sin_cos();
    for i in 0..12 {
        for k in 0..12 {
            let p = square(f64::from(i) * 0.7, f64::from(k) * 0.7, 0.7);
            tiles.push(p.mapped(false, |p| Point::new(p.x * c - p.y * s + 1e4, p.x * s + p.y * c)));
        }
    }
    assert_eq!(cross_at(&tiles), []);
    assert!(nest(&tiles).parent.iter().all(Option::is_none));
}

#[test]
fn repaired_contours_are_simple() {
    let bow = polygon(&[(0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (0.0, 4.0)]);
    let r = repair(&[bow], 0.001);
    assert_eq!((r.len(), r.iter().map(Polyline::area).sum::<f64>()), (2, 8.0));
    // Two circles: two moons, with their arcs.
    let r = repair(&[circle(0.0, 0.0, 2.0), circle(3.0, 0.0, 2.0)], 0.001);
    let lens = 2.0 * (4.0 * 0.75f64.acos() - 1.5 * 4.0f64.mul_add(1.0, -2.25).sqrt());
    let area: f64 = r.iter().map(Polyline::area).sum();
    assert!((area - (8.0 * PI - 2.0 * lens)).abs() < 1e-9, "{area}");
    assert!(r.len() == 2 && r.iter().all(|c| c.vertices.len() <= 8));
    // Overlapping squares leave a hole where both are; the common edge of neighbours disappears.
    let r = repair(&[square(0.0, 0.0, 4.0), square(1.0, 1.0, 2.0)], 0.001);
    assert_eq!(r.iter().map(Polyline::area).sum::<f64>(), 12.0);
    let r = repair(&[square(0.0, 0.0, 4.0), square(4.0, 0.0, 4.0)], 0.001);
    assert_eq!((r.len(), r[0].area()), (1, 32.0));
    assert_eq!(repair(&[square(0.0, 0.0, 4.0), square(0.0, 0.0, 4.0)], 0.001), []);
    assert_eq!(repair(&[], 0.001), []);
}

/// Contours that lie in each other without crossing: a square halved again and again, each part shrunk a little
/// and drawn as polygon, circle or slot.
fn nested() -> impl Strategy<Value = Vec<Polyline>> {
    let step = (any::<prop::sample::Index>(), 0u8..4, prop::bool::ANY);
    prop::collection::vec(step, 1..40).prop_map(|steps| {
        // Boxes that are free, and the contours drawn so far.
        let mut free = vec![(0.0, 0.0, 1000.0, 1000.0)];
        let mut out = Vec::new();
        for (which, kind, wide) in steps {
            let i = which.index(free.len());
            let (x0, y0, x1, y1) = free[i];
            let (w, h): (f64, f64) = (x1 - x0, y1 - y0);
            if kind == 3 {
                let (a, b) = if wide {
                    ((x0, y0, x0 + 0.4 * w, y1), (x0 + 0.4 * w, y0, x1, y1))
                } else {
                    ((x0, y0, x1, y0 + 0.6 * h), (x0, y0 + 0.6 * h, x1, y1))
                };
                free[i] = a;
                free.push(b);
                continue;
            }
            let (cx, cy, r) = (x0 + 0.5 * w, y0 + 0.5 * h, 0.48 * w.min(h));
            let (contour, inner) = match kind {
                0 => (circle(cx, cy, r), 0.7 * r),
                1 => (polygon(&[(cx - r, cy - r), (cx + r, cy - r), (cx + r, cy + r), (cx - r, cy + r)]), r),
                _ => {
                    let v = [(-r, -0.5, 0.0), (r, -0.5, 0.1), (r, 0.5, 0.0), (-r, 0.5, 0.1)];
                    let at = |(x, y, b): (f64, f64, f64)| Vertex::new(cx + 0.8 * x, cy + y * r, b);
                    (Polyline { vertices: v.map(at).to_vec(), closed: true }, 0.5 * r)
                }
            };
            out.push(if wide { contour } else { contour.reversed() });
            free[i] = (cx - inner, cy - inner, cx + inner, cy + inner);
        }
        out
    })
}

/// Even-odd by chords and angles: a different way than the one under test.
fn winds_around(contour: &Polyline, p: Point) -> bool {
    let points = contour.flatten(1e-3);
    let angle: f64 = (points.windows(2))
        .map(|w| {
            let (u, v) = (w[0] - p, w[1] - p);
            cross(u, v).atan2(u.dot(&v))
        })
        .sum();
    (angle / (2.0 * PI)).round() as i64 % 2 != 0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Depth and parent agree with brute force, however the contours are drawn.
    #[test]
    fn nesting_is_what_brute_force_says(contours in nested()) {
        let inside = |i: usize, k: usize| {
            i != k && contours[k].area().abs() > contours[i].area().abs()
                && winds_around(&contours[k], contours[i].bounds().center())
        };
        let n = contours.len();
        for v in variants(&contours) {
            let found = nest(&v);
            for i in 0..n {
                let around: Vec<usize> = (0..n).filter(|&k| inside(i, k)).collect();
                prop_assert_eq!(found.depth[i] as usize, around.len());
                let parent = around.iter().copied()
                    .min_by(|&a, &b| contours[a].area().abs().total_cmp(&contours[b].area().abs()));
                prop_assert_eq!(found.parent[i].map(|p| p as usize), parent);
            }
            prop_assert_eq!(cross_at(&v), []);
        }
    }

    /// Crossings of random polygons are where pairs of edges cross.
    #[test]
    fn crossings_are_what_brute_force_says(
        points in prop::collection::vec((0.0..100.0f64, 0.0..100.0f64), 3..40),
        cut in 3usize..40,
    ) {
        let (a, b) = points.split_at(cut.min(points.len()));
        let mut contours = vec![polygon(a)];
        if b.len() > 2 {
            contours.push(polygon(b));
        }
        let edges: Vec<(usize, Segment)> = contours.iter().enumerate()
            .flat_map(|(i, c)| c.segments().map(move |s| (i, s)).collect::<Vec<_>>())
            .collect();
        let side = |a: Point, b: Point, c: Point| cross(b - a, c - a);
        // Places within a few hundredths of a micrometre are one.
        let mut places: Vec<Point> = Vec::new();
        for (i, (_, p)) in edges.iter().enumerate() {
            for (_, q) in &edges[i + 1..] {
                let (a, b, c, d) = (p.start(), p.end(), q.start(), q.end());
                let shared = a == c || a == d || b == c || b == d;
                let (s, t) = (side(c, d, a), side(c, d, b));
                if !shared && side(a, b, c) * side(a, b, d) < 0.0 && s * t < 0.0 {
                    let at = a + (b - a) * (s / (s - t));
                    if !places.iter().any(|p| (p - at).norm() < 1e-4) {
                        places.push(at);
                    }
                }
            }
        }
        let found = crossings(&contours, &Silent).expect("never cancels");
        for p in &places {
            prop_assert!(found.iter().any(|c| (c.at - p).norm() < 1e-4), "{p} is missed");
        }
        for c in &found {
            prop_assert!(places.iter().any(|p| (c.at - p).norm() < 1e-4), "{c:?} is none");
        }
    }

    /// Repair keeps the even-odd fill: membership of sampled points away from the contours does not change, and
    /// the result does not cross.
    #[test]
    fn repair_keeps_the_fill(
        points in prop::collection::vec((0i32..12, 0i32..12, -2i8..3), 3..14),
        circles in prop::collection::vec((0i32..12, 0i32..12, 1i32..5), 0..4),
    ) {
        let mut vertices: Vec<Vertex> = points.iter()
            .map(|&(x, y, b)| Vertex::new(x.into(), y.into(), f64::from(b) * 0.25))
            .collect();
        vertices.dedup_by(|a, b| a.point == b.point);
        let mut contours = vec![Polyline { vertices, closed: true }];
        contours.extend(circles.iter().map(|&(x, y, r)| circle(x.into(), y.into(), f64::from(r))));
        let fixed = repair(&contours, 1e-3);
        prop_assert_eq!(cross_at(&fixed), []);
        for i in 0..20 {
            for k in 0..20 {
                let p = Point::new(f64::from(i) * 0.83 - 2.0 + 0.0131, f64::from(k) * 0.83 - 2.0 + 0.0171);
                if contours.iter().any(|c| c.distance_to(p) < 5e-3) {
                    continue;
                }
                let odd = |list: &[Polyline]| list.iter().filter(|c| winds_around(c, p)).count() % 2;
                prop_assert_eq!(odd(&contours), odd(&fixed), "{}", p);
            }
        }
        for c in &fixed {
            prop_assert!(c.closed && c.vertices.len() > 1);
        }
    }
}
