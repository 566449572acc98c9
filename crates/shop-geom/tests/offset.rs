//! Offsets against an oracle that knows only distances and windings, and against themselves.

use crate::offset_oracle::*;
use proptest::prelude::*;
use shop_geom::boolean::{Boolean, Fill, combine};
use shop_geom::distance::SegmentIndex;
use shop_geom::offset::{Corner, OffsetContour, OffsetOptions, offset, rings};
use shop_geom::{Point, Polyline, Vector};
use shop_report::Silent;
use std::f64::consts::{PI, TAU};

fn grown(contours: &[Polyline], d: f64) -> Vec<OffsetContour> {
    offset(contours, d, &round(1e-3), &Silent).expect("silence never cancels")
}

fn area(result: &[OffsetContour]) -> f64 {
    result.iter().map(|c| c.polyline.area()).sum()
}

/// Offsets, asks the oracle, and returns the count of contours.
#[track_caller]
fn good(contours: &[Polyline], d: f64) -> usize {
    match run(contours, d, &round(1e-3), 300, &mut Dice(7)) {
        Ok(n) => n,
        Err(e) => panic!("offset by {d}: {e}"),
    }
}

#[test]
fn circles_stay_circles() {
    let c = Polyline::circle(Point::new(3.0, -2.0), 5.0);
    for (d, r) in [(0.5, 5.5), (-0.5, 4.5), (-4.999, 0.001)] {
        let out = grown(std::slice::from_ref(&c), d);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].sources, [0]);
        assert_eq!(out[0].polyline.vertices.len(), 2);
        assert!((area(&out) - PI * r * r).abs() < 1e-10);
        let hole = grown(&[c.clone().reversed()], -d);
        assert!((area(&hole) + PI * r * r).abs() < 1e-10);
    }
    assert!(grown(std::slice::from_ref(&c), -5.0).is_empty());
    assert!(grown(&[c.reversed()], 5.1).is_empty());
}

/// Steiner: a convex body grown by d has area A + Ld + πd².
#[test]
fn convex_bodies_obey_steiner() {
    for body in [
        rounded_rectangle(0.0, 0.0, 30.0, 20.0, 4.0),
        slot(1e3, 0.0, 12.0, 3.0),
        polygon(&[(0.0, 0.0), (9.0, 1.0), (4.0, 8.0)]),
    ] {
        for d in [1e-3, 0.3, 5.0, 200.0] {
            let out = grown(std::slice::from_ref(&body), d);
            let steiner = body.area() + body.length() * d + PI * d * d;
            assert!((area(&out) - steiner).abs() < 1e-7 * steiner, "{} {steiner}", area(&out));
        }
    }
}

#[test]
fn sharp_corners_reach_their_tip_or_are_cut() {
    let square = polygon(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]);
    let sharp = |limit| OffsetOptions { corner: Corner::Sharp { limit }, tolerance: 1e-3 };
    let out = offset(std::slice::from_ref(&square), 1.0, &sharp(2.0), &Silent).unwrap();
    assert_eq!(out[0].polyline.vertices.len(), 4);
    assert!((area(&out) - 144.0).abs() < 1e-9);
    // Cut at 1.2: each corner loses the triangle beyond, height √2 − 1.2 and as wide on either side.
    let out = offset(&[square], 1.0, &sharp(1.2), &Silent).unwrap();
    assert_eq!(out[0].polyline.vertices.len(), 8);
    assert!((area(&out) - (144.0 - 4.0 * (2f64.sqrt() - 1.2).powi(2))).abs() < 1e-9);
}

#[test]
fn corners_inwards_are_exact() {
    let l = polygon(&[(0.0, 0.0), (20.0, 0.0), (20.0, 8.0), (8.0, 8.0), (8.0, 20.0), (0.0, 20.0)]);
    let out = grown(&[l], -1.0);
    let v = &out[0].polyline.vertices;
    assert_eq!(v.len(), 7, "{v:?}");
    assert!(v.iter().any(|v| (v.point - Point::new(7.0, 8.0)).norm() < 1e-12));
    assert!(v.iter().any(|v| (v.bulge + (PI / 8.0).tan()).abs() < 1e-12));
}

#[test]
fn a_mouth_that_closes_leaves_a_void() {
    let c = polygon(&[
        (0.0, 0.0),
        (30.0, 0.0),
        (30.0, 14.0),
        (20.0, 14.0),
        (20.0, 10.0),
        (10.0, 10.0),
        (10.0, 20.0),
        (20.0, 20.0),
        (20.0, 16.0),
        (30.0, 16.0),
        (30.0, 30.0),
        (0.0, 30.0),
    ]);
    let out = grown(std::slice::from_ref(&c), 1.5);
    assert_eq!(out.len(), 2);
    assert_eq!(good(std::slice::from_ref(&c), 1.5), 2);
    // The void is exact: two parallels and the arcs about the lips.
    let void = out.iter().map(|o| &o.polyline).find(|p| p.area() < 0.0).unwrap();
    assert!(void.vertices.len() <= 8, "{void:?}");
    assert_eq!(good(&[c], -4.5), 1);
}

#[test]
fn a_neck_that_closes_leaves_two() {
    let bone = polygon(&[
        (0.0, 0.0),
        (10.0, 0.0),
        (10.0, 4.0),
        (20.0, 4.0),
        (20.0, 0.0),
        (30.0, 0.0),
        (30.0, 10.0),
        (20.0, 10.0),
        (20.0, 6.0),
        (10.0, 6.0),
        (10.0, 10.0),
        (0.0, 10.0),
    ]);
    assert_eq!(good(std::slice::from_ref(&bone), -0.9), 1);
    assert_eq!(good(&[bone], -1.1), 2);
}

#[test]
fn neighbours_merge_and_holes_meet_the_rim() {
    let pair = [Polyline::circle(Point::new(0.0, 0.0), 5.0), Polyline::circle(Point::new(11.0, 0.0), 5.0)];
    assert_eq!(good(&pair, 0.4), 2);
    let out = grown(&pair, 0.6);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].sources, [0, 1]);
    good(&pair, 0.6);
    let plate = [
        rounded_rectangle(0.0, 0.0, 40.0, 40.0, 3.0),
        Polyline::circle(Point::new(6.0, 20.0), 4.0).reversed(),
    ];
    assert_eq!(good(&plate, -0.9), 2);
    assert_eq!(good(&plate, -1.1), 1);
    assert_eq!(good(&plate, 1.0), 2);
}

/// The walk around a convex void that closes must not leave its mirror image behind.
#[test]
fn a_void_narrower_than_the_tool_is_gone() {
    let hexagon = polygon(
        &(0..6)
            .map(|i| (10.0 * (TAU * f64::from(i) / 6.0).cos(), 10.0 * (TAU * f64::from(i) / 6.0).sin()))
            .collect::<Vec<_>>(),
    );
    let near = moved(&hexagon, 1.0, 0.3, Vector::new(30.0, 0.0), false);
    assert_eq!(grown(&[hexagon.clone().reversed(), near.clone().reversed()], 8.7).len(), 0);
    assert_eq!(grown(&[hexagon, near], -8.7).len(), 0);
}

#[test]
fn a_circle_of_many_chords_offsets_like_one() {
    let n = 2000;
    let p = polygon(
        &(0..n)
            .map(|i| {
                (
                    10.0 * (TAU * f64::from(i) / f64::from(n)).cos(),
                    10.0 * (TAU * f64::from(i) / f64::from(n)).sin(),
                )
            })
            .collect::<Vec<_>>(),
    );
    for d in [1.0, -1.0, -9.0, -9.99] {
        let out = grown(std::slice::from_ref(&p), d);
        assert!((area(&out) - PI * (10.0 + d).powi(2)).abs() < 2e-3, "{d}: {}", area(&out));
        assert!(out[0].polyline.vertices.len() <= 2000, "no arcs at corners that hardly turn");
    }
    assert!(grown(&[p], -10.0).is_empty());
}

#[test]
fn random_figures_satisfy_the_oracle() {
    for seed in 0..250 {
        let mut dice = Dice(seed * 77 + 1);
        let contours = figure(&mut dice);
        let d = 10f64.powf(dice.range(-2.5, 0.8)) * if seed % 2 == 0 { 1.0 } else { -1.0 };
        let corner =
            if seed % 5 == 0 { Corner::Sharp { limit: dice.range(1.0, 4.0) } } else { Corner::Round };
        let options = OffsetOptions { corner, tolerance: 1e-3 };
        if let Err(e) = run(&contours, d, &options, 120, &mut dice) {
            panic!("seed {seed}, offset {d}: {e}");
        }
    }
}

/// The sum of the solid and a disc, as the union of a capsule around every piece: by booleans alone.
#[test]
fn areas_agree_with_a_union_of_capsules() {
    for seed in 0..4 {
        let mut dice = Dice(seed + 900);
        let contours = figure(&mut dice);
        let d = dice.range(0.05, 2.0);
        let outside = contours.iter().map(Polyline::area).sum::<f64>();
        if outside <= 0.0 {
            continue;
        }
        let mut capsules = Vec::new();
        for c in &contours {
            for w in c.flatten(2e-4).windows(2) {
                let t = (w[1] - w[0]).normalize() * d;
                let n = shop_geom::left(t);
                let ends = [w[0] - n, w[1] - n, w[1] + n, w[0] + n];
                capsules.push(Polyline::polygon(ends));
                capsules.push(Polyline::circle(w[1], d));
            }
        }
        let union = combine(&contours, &capsules, Boolean::Union, Fill::Positive, 2e-5);
        let truth: f64 = union.iter().map(Polyline::area).sum();
        let found = area(&grown(&contours, d));
        assert!((found - truth).abs() < 2e-4 * truth, "seed {seed}: {found} {truth}");
    }
}

#[test]
fn every_degenerate_has_a_sane_answer() {
    let nothing: [Polyline; 4] = [
        Polyline::default(),
        polygon(&[(1.0, 1.0)]),
        Polyline::open([Point::new(0.0, 0.0), Point::new(1.0, 0.0)]),
        polygon(&[(f64::NAN, 0.0), (1.0, 0.0), (0.0, 1.0)]),
    ];
    for c in &nothing {
        for d in [-1.0, 0.0, 1.0] {
            assert!(grown(std::slice::from_ref(c), d).is_empty());
        }
    }
    assert!(grown(&[], 1.0).is_empty());
    assert!(grown(&[polygon(&[(0.0, 0.0), (9.0, 0.0), (0.0, 9.0)])], f64::NAN).is_empty());
    // Duplicate points, a spike out and back, a slit in and out, collinear points.
    let odd = polygon(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (10.0, 0.0),
        (10.0, 5.0),
        (15.0, 5.0),
        (10.0, 5.0),
        (10.0, 10.0),
        (5.0, 10.0),
        (5.0, 4.0),
        (5.0, 10.0),
        (0.0, 10.0),
        (0.0, 5.0),
    ]);
    for d in [0.3, 2.0, -0.3, -2.0] {
        good(std::slice::from_ref(&odd), d);
    }
    // A hair is all there is: the capsule around it, or nothing.
    let hair = polygon(&[(0.0, 0.0), (10.0, 0.0)]);
    assert!((area(&grown(std::slice::from_ref(&hair), 1.0)) - (20.0 + PI)).abs() < 1e-6);
    assert!(grown(&[hair], -1.0).is_empty());
    // More than half a turn in one piece, outwards and inwards.
    for bulge in [1.0, 2.5, 40.0, -2.5] {
        let c = bulged(&[(0.0, 0.0, bulge), (4.0, 0.0, if bulge < 0.0 { 6.0 } else { 0.0 })]);
        for d in [0.5, -0.5, 3.0] {
            good(std::slice::from_ref(&c), d);
        }
    }
    // Contours that touch in a point and along a side.
    let squares = |x, y| {
        [
            polygon(&[(0.0, 0.0), (5.0, 0.0), (5.0, 5.0), (0.0, 5.0)]),
            polygon(&[(x, y), (x + 5.0, y), (x + 5.0, y + 5.0), (x, y + 5.0)]),
        ]
    };
    assert_eq!(good(&squares(5.0, 5.0), 0.5), 1);
    assert_eq!(grown(&squares(5.0, 0.0), 0.5).len(), 1);
    assert_eq!(grown(&squares(5.0, 5.0), -0.5).len(), 2);
}

#[test]
fn no_distance_changes_nothing() {
    let mut dice = Dice(4);
    let contours = figure(&mut dice);
    let out = grown(&contours, 0.0);
    assert_eq!(out.len(), contours.len());
    for (o, c) in out.iter().zip(&contours) {
        assert!((o.polyline.area() - c.area()).abs() < 1e-9);
    }
}

#[test]
fn self_crossing_contours_become_what_they_wind_around() {
    // A figure of eight: only its counter-clockwise lobe is solid.
    let eight = polygon(&[
        (0.0, 0.0),
        (10.0, 0.0),
        (10.0, 10.0),
        (5.0, 5.0),
        (0.0, 12.0),
        (10.0, 12.0),
        (5.0, 5.0),
        (0.0, 10.0),
    ]);
    let out = grown(&[eight], 0.5);
    assert!(!out.is_empty());
    // Overlapping squares are one solid, larger and smaller.
    let squares = [
        polygon(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]),
        polygon(&[(5.0, 5.0), (15.0, 5.0), (15.0, 15.0), (5.0, 15.0)]),
    ];
    let out = grown(&squares, -0.5);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].sources, [0, 1]);
    // 175 less a strip along 60, plus the six convex corners, less the quarter discs at the two others.
    let truth = 175.0 - 60.0 * 0.5 + (6.0 - 2.0 * PI / 4.0) * 0.25;
    assert!((area(&out) - truth).abs() < 1e-6, "{} {truth}", area(&out));
    // Anything at all: finite, and each point at most once inside.
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let n = 3 + dice.below(12);
        let wild: Vec<(f64, f64, f64)> = (0..n)
            .map(|_| {
                (
                    dice.range(0.0, 10.0),
                    dice.range(0.0, 10.0),
                    if dice.below(3) == 0 { dice.range(-3.0, 3.0) } else { 0.0 },
                )
            })
            .collect();
        let wild = [bulged(&wild)];
        for d in [0.4, -0.4] {
            let out = grown(&wild, d);
            let all: Vec<&Polyline> = out.iter().map(|o| &o.polyline).collect();
            assert!(all.iter().all(|p| p.is_finite() && p.closed));
            let index = SegmentIndex::new(all.iter().copied());
            let base = crate::offset_oracle::outside(&wild);
            for _ in 0..40 {
                let p = Point::new(dice.range(-1.0, 11.0), dice.range(-1.0, 11.0));
                if index.nearest(p, 0.01).is_none() {
                    let w = winding(&all, p) + base;
                    assert!((0..=1).contains(&w), "seed {seed}, {d}: winding {w} at {p}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Turned, mirrored, moved, and begun elsewhere, a figure has the same offset.
    #[test]
    fn motions_commute_with_offsets(seed in 0u64..1_000_000, turn in 0.0..TAU, x in -1e4..1e4f64, mirrored: bool, start in 0usize..50) {
        let mut dice = Dice(seed);
        let contours = figure(&mut dice);
        let d = dice.range(0.02, 1.5) * if dice.below(2) == 0 { 1.0 } else { -1.0 };
        let there: Vec<Polyline> = contours.iter().map(|c| {
            let mut m = moved(c, 1.0, turn, Vector::new(x, -0.5 * x), mirrored);
            let n = m.vertices.len();
            m.vertices.rotate_left(start % n);
            if mirrored {
                m.reverse();
            }
            m
        }).collect();
        let (a, b) = (grown(&contours, d), grown(&there, d));
        // Where regions just touch or just vanish, rounding may decide otherwise; never by more than the tolerance.
        let length: f64 = a.iter().map(|c| c.polyline.length()).sum();
        prop_assert!((area(&a) - area(&b)).abs() <= 1e-6 + 1e-4 * length, "{} {}", area(&a), area(&b));
    }

    /// Twice by d is once by 2d, outwards, where corners are round.
    #[test]
    fn growing_adds_up(seed in 0u64..1_000_000, d in 0.05..1.0f64) {
        let contours = figure(&mut Dice(seed));
        let once = grown(&contours, 2.0 * d);
        let first: Vec<Polyline> = grown(&contours, d).into_iter().map(|c| c.polyline).collect();
        let twice = grown(&first, d);
        let length: f64 = once.iter().map(|c| c.polyline.length()).sum();
        prop_assert!((area(&once) - area(&twice)).abs() <= 1e-6 + 2e-3 * length);
    }
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let contours = sheet(400);
    let with = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a pool");
        pool.install(|| grown(&contours, -2.2))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

/// A coast with bays tighter than the distance, out and in.
#[test]
fn a_finely_divided_coast_is_right() {
    let coast = [coast(6000)];
    for d in [1.0, -1.0, 3.0, -8.0] {
        good(&coast, d);
    }
}

/// Every point that the tool can reach is within its radius of a ring.
#[test]
fn rings_clear_the_pocket() {
    for (contours, r, step) in [
        (pocket(0), 3.0, 3.0),
        (pocket(0), 3.0, 5.5),
        (pocket(20), 1.0, 0.8),
        (pocket(20), 1.0, 1.7),
        (vec![star(5, 12.0, 30.0)], 2.0, 3.9),
        (vec![polygon(&[(0.0, 0.0), (40.0, 0.0), (40.0, 25.0), (0.0, 25.0)])], 3.0, 5.9),
    ] {
        let all = rings(&contours, r, step, &round(1e-3), &Silent).unwrap();
        assert!(all.len() > 1);
        let paths: Vec<&Polyline> = all.iter().flatten().map(|c| &c.polyline).collect();
        assert!(all.iter().flatten().all(|c| c.sources.iter().all(|&s| (s as usize) < contours.len())));
        let index = SegmentIndex::new(paths.iter().copied());
        let walls = SegmentIndex::new(&contours);
        let wall = |p: Point| walls.nearest(p, 1e9).map_or(0.0, |n| n.distance);
        let refs: Vec<&Polyline> = contours.iter().collect();
        let b = contours[0].bounds();
        let mut dice = Dice(3);
        for _ in 0..4000 {
            let p = Point::new(dice.range(b.min.x, b.max.x), dice.range(b.min.y, b.max.y));
            // Safely reachable: the tool's centre may stand in p itself.
            if winding(&refs, p) != 1 || wall(p) < r + 0.01 {
                continue;
            }
            let near = index.nearest(p, 1e9).map_or(f64::INFINITY, |n| n.distance);
            assert!(near <= r + 0.01, "{p} is {near} from the nearest ring (r {r}, step {step})");
        }
        for c in &paths {
            for s in c.segments() {
                assert!(wall(s.point_at(0.5)) >= r - 0.01);
            }
        }
    }
}

/// Successive rings are the offsets of the boundary itself.
#[test]
fn rings_do_not_drift() {
    let contours = pocket(30);
    let all = rings(&contours, 0.5, 0.4, &round(1e-3), &Silent).unwrap();
    for (k, ring) in all.iter().enumerate().step_by(3) {
        let depth = 0.5 + 0.4 * k as f64;
        let direct = grown(&contours, -depth);
        assert!((area(ring) - area(&direct)).abs() < 1e-2 + 1e-4 * area(&direct), "{k}");
    }
}
