//! Curves against independent oracles: the fitted chain and the curve, sampled densely by its textbook definition,
//! must be near each other in both directions.

use nalgebra::{Affine2, Matrix3};
use proptest::prelude::*;
use shop_geom::curve::{Curve, EllipseArc, Nurbs, PathBuilder, interpolate};
use shop_geom::{Point, Polyline, Segment, Vector, Vertex};
use std::f64::consts::{PI, TAU};

/// Cox and de Boor's recursion, straight from the definition.
fn basis(i: usize, p: usize, u: f64, k: &[f64]) -> f64 {
    if p == 0 {
        return f64::from(u8::from(k[i] <= u && u < k[i + 1]));
    }
    let part = |a: f64, b: f64, f: f64| if f == 0.0 { 0.0 } else { a / b * f };
    part(u - k[i], k[i + p] - k[i], basis(i, p - 1, u, k))
        + part(k[i + p + 1] - u, k[i + p + 1] - k[i + 1], basis(i + 1, p - 1, u, k))
}

/// Samples every span of the domain by itself, so that corners are among the samples.
fn sample(s: &Nurbs, count: usize) -> Vec<Point> {
    let (p, n) = (s.degree, s.points.len());
    let mut out = Vec::new();
    for k in (p..n).filter(|&k| s.knots[k] < s.knots[k + 1]) {
        for j in 0..=count {
            // The last value of a span is taken as its limit.
            let t = (j as f64 / count as f64).min(1.0 - 1e-13);
            let u = s.knots[k] + (s.knots[k + 1] - s.knots[k]) * t;
            let (mut q, mut w) = (Vector::zeros(), 0.0);
            for i in k - p..=k {
                let weight = s.weights.get(i).copied().unwrap_or(1.0) * basis(i, p, u, &s.knots);
                q += s.points[i].coords * weight;
                w += weight;
            }
            out.push(Point::from(q / w));
        }
    }
    out
}

fn near(p: Point, chain: &[Point]) -> f64 {
    chain.windows(2).map(|w| Segment::new(w[0], w[1], 0.0).distance_to(p)).fold(f64::INFINITY, f64::min)
}

/// Both directions: every sample near the chain, every place of the chain near the samples.
fn hausdorff(samples: &[Point], chain: &Polyline) -> (f64, f64) {
    let there = samples.iter().map(|p| chain.distance_to(*p)).fold(0.0, f64::max);
    let mut back = 0.0_f64;
    for s in chain.segments() {
        for i in 0..=8 {
            back = back.max(near(s.point_at(i as f64 / 8.0), samples));
        }
    }
    (there, back)
}

fn nurbs() -> impl Strategy<Value = Nurbs> {
    (1_usize..6, 0_usize..8, any::<bool>(), any::<bool>()).prop_flat_map(
        |(degree, more, weighted, clamped)| {
            let n = degree + 1 + more;
            let points = prop::collection::vec((-50.0..50.0, -50.0..50.0), n);
            let weights = prop::collection::vec(0.3..3.0_f64, if weighted { n } else { 0 });
            let steps = prop::collection::vec(0_u8..4, n + degree + 1);
            (points, weights, steps).prop_map(move |(points, weights, steps)| {
                let mut run = 1;
                let mut knots: Vec<f64> = Vec::new();
                for step in steps {
                    // Interior knots up to multiplicity p keep the curve in one piece.
                    let last = knots.last().copied().unwrap_or(0.0);
                    let step = if run >= degree && step == 0 { 1 } else { step };
                    run = if step == 0 { run + 1 } else { 1 };
                    knots.push(last + f64::from(step));
                }
                if clamped {
                    let (a, b) = (knots[degree], knots[n]);
                    knots[..degree].fill(a);
                    knots[n + 1..].fill(b);
                }
                let points: Vec<Point> = points.into_iter().map(|(x, y)| Point::new(x, y)).collect();
                Nurbs { degree, points, weights, knots, closed: false }
            })
        },
    )
}

fn check(curve: &Curve, samples: &[Point], tolerance: f64) -> Polyline {
    let fitted = curve.to_polyline(tolerance);
    let (there, back) = hausdorff(samples, &fitted);
    assert!(there <= tolerance + 1e-9, "curve leaves the chain by {there}: {curve:?}");
    assert!(back <= tolerance * 1.2 + 1e-4, "chain leaves the curve by {back}: {curve:?}");
    fitted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_spline_and_its_arcs_are_near_each_other(s in nurbs(), exponent in 0..3) {
        let tolerance = 0.05 * 0.1_f64.powi(exponent);
        prop_assume!(s.knots[s.degree] < s.knots[s.points.len()]);
        let samples = sample(&s, 800);
        let curve = Curve::Nurbs(s.clone());
        let fitted = curve.to_polyline(tolerance);
        let (there, back) = hausdorff(&samples, &fitted);
        prop_assert!(there <= tolerance + 1e-9, "there {}", there);
        // The samples' own chords sag.
        prop_assert!(back <= tolerance + 0.01, "back {}", back);
        prop_assert!((fitted.vertices[0].point - samples[0]).norm() < 1e-7);
        let length: f64 = samples.windows(2).map(|w| (w[1] - w[0]).norm()).sum();
        prop_assert!((curve.length() - length).abs() <= 1e-3 * length);
        let (a, b) = (curve.bounds(), shop_geom::Aabb::of(samples.iter().copied()));
        prop_assert!(a.inflated(1e-7).contains_box(&b) && b.inflated(0.01).contains_box(&a), "{:?} {:?}", a, b);
        // Backwards it is the same curve.
        let back = curve.clone().reversed();
        prop_assert!((back.length() - curve.length()).abs() <= 1e-5 * length);
        for p in back.to_polyline(tolerance).vertices {
            prop_assert!(near(p.point, &samples) <= tolerance + 0.01);
        }
    }

    #[test]
    fn an_ellipse_and_its_arcs_are_near_each_other(
        (ax, ay, bx, by) in (1.0..40.0, -20.0..20.0, -20.0..20.0, 1.0..40.0),
        start in -7.0..7.0, sweep in -TAU..TAU, full in any::<bool>(),
    ) {
        let sweep = if full { TAU.copysign(sweep) } else { sweep };
        prop_assume!(sweep.abs() > 0.01);
        let e = EllipseArc {
            center: Point::new(3.0, -2.0), major: Vector::new(ax, ay), minor: Vector::new(bx, by), start, sweep,
        };
        let samples: Vec<Point> = (0..=4000).map(|i| e.point_at(start + sweep * f64::from(i) / 4000.0)).collect();
        let fitted = check(&Curve::Ellipse(e), &samples, 0.001);
        prop_assert_eq!(fitted.closed, full);
        let b = Curve::Ellipse(e).bounds();
        let s = shop_geom::Aabb::of(samples.iter().copied());
        prop_assert!(b.inflated(1e-9).contains_box(&s) && s.inflated(1e-3).contains_box(&b));
        let length: f64 = samples.windows(2).map(|w| (w[1] - w[0]).norm()).sum();
        prop_assert!((Curve::Ellipse(e).length() - length).abs() <= 1e-5 * length);
    }

    /// Fitting commutes with affine maps, up to the tolerance.
    #[test]
    fn a_map_of_the_curve_is_the_curve_of_the_mapped(
        m in prop::array::uniform4(-2.0..2.0_f64),
        vertices in prop::collection::vec((-20.0..20.0, -20.0..20.0, -1.0..1.0_f64), 2..6),
        closed in any::<bool>(),
    ) {
        prop_assume!((m[0] * m[3] - m[1] * m[2]).abs() > 0.05);
        let t = Affine2::from_matrix_unchecked(Matrix3::new(m[0], m[1], 5.0, m[2], m[3], -7.0, 0.0, 0.0, 1.0));
        let mut p = Polyline { vertices: vertices.iter().map(|v| Vertex::new(v.0, v.1, v.2)).collect(), closed };
        if !closed { p.vertices.last_mut().unwrap().bulge = 0.0; }
        let samples: Vec<Point> =
            p.segments().flat_map(|s| (0..=600).map(move |i| s.point_at(f64::from(i) / 600.0))).map(|q| t * q).collect();
        let mapped = Curve::Polyline(p).transformed(&t);
        prop_assert_eq!(mapped.is_closed(1e-9), closed);
        check(&mapped, &samples, 0.002);
    }

    #[test]
    fn paths_of_cubics_stay_near(
        c in prop::collection::vec(prop::array::uniform6(-30.0..30.0_f64), 1..6), closed in any::<bool>(),
    ) {
        let mut b = PathBuilder::default();
        let mut pen = Point::new(0.0, 0.0);
        let mut samples = vec![pen];
        b.move_to(pen);
        for v in &c {
            let (p, q, r) = (Point::new(v[0], v[1]), Point::new(v[2], v[3]), Point::new(v[4], v[5]));
            b.cubic_to(p, q, r);
            for i in 1..=1000 {
                let (t, s) = (f64::from(i) / 1000.0, 1.0 - f64::from(i) / 1000.0);
                samples.push(Point::from(pen.coords * (s * s * s) + p.coords * (3.0 * s * s * t)
                    + q.coords * (3.0 * s * t * t) + r.coords * (t * t * t)));
            }
            pen = r;
        }
        if closed { b.close(); samples.push(samples[0]); }
        let curves = b.finish();
        prop_assert_eq!(curves.len(), 1);
        let fitted = check(&curves[0], &samples, 0.001);
        prop_assert_eq!(fitted.closed, closed);
    }

    /// Whatever the numbers, there is an answer.
    #[test]
    fn nonsense_neither_panics_nor_hangs(
        degree in 0_usize..40,
        points in prop::collection::vec((any::<f64>(), any::<f64>()), 0..8),
        weights in prop::collection::vec(any::<f64>(), 0..8),
        knots in prop::collection::vec(any::<f64>(), 0..16),
        small in prop::collection::vec((0_i8..3, 0_i8..3), 0..9),
        steps in prop::collection::vec(0_u8..2, 0..16),
    ) {
        let points: Vec<Point> = points.into_iter().map(|(x, y)| Point::new(x, y)).collect();
        let wild = Nurbs { degree, points, weights, knots, closed: true };
        let points: Vec<Point> = small.iter().map(|(x, y)| Point::new(f64::from(*x), f64::from(*y))).collect();
        let mut at = 0.0;
        let knots = steps.iter().map(|s| { at += f64::from(*s); at }).collect();
        let degenerate = Nurbs { degree: degree % 6, points, weights: Vec::new(), knots, closed: degree % 2 == 0 };
        for s in [wild, degenerate] {
            let c = Curve::Nurbs(s);
            let _ = (c.to_polyline(0.001), c.to_polyline(f64::NAN), c.length(), c.bounds(), c.is_closed(0.01));
        }
    }

    /// The fit point spline goes through its points and bends without a jump.
    #[test]
    fn an_interpolant_passes_through_its_points(
        points in prop::collection::vec((-50.0..50.0, -50.0..50.0), 2..12), closed in any::<bool>(),
    ) {
        let points: Vec<Point> = points.into_iter().map(|(x, y)| Point::new(x, y)).collect();
        let s = interpolate(&points, None, None, closed);
        prop_assert_eq!(s.problem(), None);
        let fitted = Curve::Nurbs(s.clone()).to_polyline(0.001);
        for p in &points {
            prop_assert!(fitted.distance_to(*p) <= 0.001);
        }
        if closed && points.len() > 2 { prop_assert!(fitted.closed); }
        if s.degree == 3 {
            for i in 1..s.points.len() / 3 {
                let (p, k) = (&s.points[3 * i - 2..=3 * i + 2], i - 1);
                let h = |j: usize| (s.points[3 * j + 3] - s.points[3 * j]).norm();
                let (h0, h1) = (h(k), h(k + 1));
                let before = (p[2].coords - p[1].coords * 2.0 + p[0].coords) / (h0 * h0);
                let after = (p[4].coords - p[3].coords * 2.0 + p[2].coords) / (h1 * h1);
                prop_assert!((before - after).norm() <= 1e-6 * (1.0 + before.norm()));
            }
        }
    }
}

#[test]
fn a_rational_circle_becomes_two_half_circles() {
    let w = 0.5_f64.sqrt();
    let p = |x: f64, y: f64| Point::new(10.0 + 5.0 * x, 5.0 * y);
    let s = Nurbs {
        degree: 2,
        points: vec![
            p(1., 0.),
            p(1., 1.),
            p(0., 1.),
            p(-1., 1.),
            p(-1., 0.),
            p(-1., -1.),
            p(0., -1.),
            p(1., -1.),
            p(1., 0.),
        ],
        weights: vec![1., w, 1., w, 1., w, 1., w, 1.],
        knots: vec![0., 0., 0., 1., 1., 2., 2., 3., 3., 4., 4., 4.],
        closed: true,
    };
    let fitted = Curve::Nurbs(s).to_polyline(0.001);
    assert!(fitted.closed);
    assert_eq!(fitted.vertices.len(), 2);
    assert!((fitted.area() - 25.0 * PI).abs() < 1e-9);
}

#[test]
fn an_unclamped_periodic_spline_is_closed() {
    // A uniform cubic over a hexagon, wrapped around by three points.
    let points: Vec<Point> = (0..9)
        .map(|i| f64::from(i) * TAU / 6.0)
        .map(|a| Point::new(20.0 * a.cos(), 20.0 * a.sin()))
        .collect();
    let s =
        Nurbs { degree: 3, points, weights: vec![], knots: (0..13).map(f64::from).collect(), closed: true };
    let samples = sample(&s, 800);
    let c = Curve::Nurbs(s);
    assert!(c.is_closed(1e-9));
    let fitted = check(&c, &samples, 0.001);
    assert!(fitted.closed && fitted.vertices.len() < 42, "{}", fitted.vertices.len());
}

/// Tangents of neighbouring pieces agree where the curve is smooth.
#[test]
fn biarcs_meet_without_a_kink() {
    let e = EllipseArc {
        center: Point::origin(),
        major: Vector::new(30.0, 0.0),
        minor: Vector::new(0.0, 12.0),
        start: 0.0,
        sweep: TAU,
    };
    for (tolerance, most) in [(0.01, 40), (0.001, 76), (0.0005, 96)] {
        let p = Curve::Ellipse(e).to_polyline(tolerance);
        assert!(p.vertices.len() <= most, "{tolerance}: {} arcs", p.vertices.len());
        for i in 0..p.vertices.len() {
            let (a, b) = (p.segment(i), p.segment((i + 1) % p.vertices.len()));
            assert!((a.direction_at(1.0) - b.direction_at(0.0)).norm() < 1e-3);
        }
    }
}

#[test]
fn a_cusp_and_a_fold_are_followed() {
    let mut b = PathBuilder::default();
    b.move_to(Point::new(0.0, 0.0));
    b.cubic_to(Point::new(10.0, 10.0), Point::new(0.0, 10.0), Point::new(10.0, 0.0));
    b.move_to(Point::new(0.0, 0.0));
    b.cubic_to(Point::new(20.0, 0.0), Point::new(-10.0, 0.0), Point::new(10.0, 0.0));
    for c in b.finish() {
        let p = c.to_polyline(0.001);
        assert!(p.vertices.len() < 60, "{}", p.vertices.len());
        assert!((p.length() - c.length()).abs() < 0.01);
    }
}

#[test]
fn svg_arcs_of_circles_are_exact() {
    let mut b = PathBuilder::default();
    b.move_to(Point::new(10.0, 0.0));
    b.arc_to(10.0, 10.0, 0.0, false, true, Point::new(-10.0, 0.0));
    b.arc_to(10.0, 10.0, 0.0, false, true, Point::new(10.0, 0.0));
    b.close();
    let c = b.finish();
    let [Curve::Polyline(p)] = c.as_slice() else { panic!("{c:?}") };
    assert!(p.closed && p.vertices.len() == 2 && (p.area() - 100.0 * PI).abs() < 1e-9);
}
