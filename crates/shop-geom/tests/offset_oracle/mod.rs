//! Shapes to offset, and an oracle that knows nothing of how it is done: distances and windings of sampled points.
#![allow(dead_code, missing_docs)]

use shop_geom::distance::{SegmentIndex, segment_distance};
use shop_geom::offset::{Corner, OffsetContour, OffsetOptions, offset};
use shop_geom::{Aabb, Point, Polyline, Segment, Vector, Vertex, left};
use std::f64::consts::{PI, TAU};

/// A small, seedable generator of numbers (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn range(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Returns how often the closed contours wind around `p`. Exact for lines; for arcs by the side of the circle.
pub fn winding(contours: &[&Polyline], p: Point) -> i32 {
    contours.iter().flat_map(|c| c.segments()).map(|s| crossing(&s, p)).sum()
}

/// Returns +1 when the piece crosses the ray from `p` to the right upwards, −1 downwards.
fn crossing(s: &Segment, p: Point) -> i32 {
    let (a, b) = (s.start(), s.end());
    let chord = i32::from(a.y <= p.y && b.y > p.y) - i32::from(b.y <= p.y && a.y > p.y);
    let to_right = shop_geom::cross(b - a, p - a);
    let by_chord = match chord {
        1 if to_right > 0.0 => 1,
        -1 if to_right < 0.0 => -1,
        _ => 0,
    };
    // Between chord and arc the winding differs by the arc's turn: the cap.
    let cap = match s {
        Segment::Line(_) => 0,
        Segment::Arc(c) => {
            let in_circle = (p - c.center).norm() < c.radius;
            // The cap of a counter-clockwise arc lies to the right of its chord.
            let side = to_right * c.sweep.signum() <= 0.0;
            i32::from(in_circle && side) * c.sweep.signum() as i32
        }
    };
    by_chord + cap
}

/// What surrounds the contours: 1 when the one furthest left is clockwise, so that the outside is solid.
pub fn outside(contours: &[Polyline]) -> i32 {
    contours
        .iter()
        .filter(|c| c.vertices.len() > 1)
        .min_by(|a, b| a.bounds().min.x.total_cmp(&b.bounds().min.x))
        .map_or(0, |c| i32::from(c.area() < 0.0))
}

/// Checks a result point by point; says what is wrong first.
pub fn check(
    contours: &[Polyline],
    d: f64,
    options: &OffsetOptions,
    result: &[OffsetContour],
    samples: usize,
    dice: &mut Dice,
) -> Result<(), String> {
    let tol = options.tolerance * 1.01
        + 2e-9 * contours.iter().map(|c| c.bounds().max.coords.norm()).fold(0.0, f64::max);
    let source = SegmentIndex::new(contours);
    let sharp = options.corner != Corner::Round;
    let all: Vec<&Polyline> = result.iter().map(|r| &r.polyline).collect();
    let input: Vec<&Polyline> = contours.iter().collect();
    let far = f64::INFINITY;
    let distance = |p: Point| source.nearest(p, far).map_or(f64::INFINITY, |n| n.distance);
    let base = outside(contours);
    // 1. Every point of the result is at its distance.
    for (k, c) in all.iter().enumerate() {
        if !c.closed || c.vertices.len() < 2 || !c.is_finite() {
            return Err(format!("contour {k} is no contour: {c:?}"));
        }
        let n = c.segment_count();
        for i in 0..samples.max(2 * n).min(4 * samples) {
            let s = c.segment(if n <= samples { i % n } else { dice.below(n) });
            let p = s.point_at(dice.unit());
            let e = distance(p);
            if e < d.abs() - tol || (!sharp && e > d.abs() + tol) {
                return Err(format!("contour {k}: point {p} is at {e}, not {}", d.abs()));
            }
        }
    }
    // 2. Every point of the plane is on its side.
    let bounds = contours.iter().fold(Aabb::EMPTY, |b, c| b.union(c.bounds()));
    let bounds = bounds.inflated(1.5 * d.abs() + 0.01);
    let result_index = SegmentIndex::new(all.iter().copied());
    for i in 0..samples {
        let p = match i % 3 {
            0 => Point::new(dice.range(bounds.min.x, bounds.max.x), dice.range(bounds.min.y, bounds.max.y)),
            // Next to the result, and next to where it should be.
            k => {
                let c: &Polyline = if k == 1 && !all.is_empty() {
                    all[dice.below(all.len())]
                } else {
                    input[dice.below(input.len())]
                };
                if c.segment_count() == 0 {
                    continue;
                }
                let s = c.segment(dice.below(c.segment_count()));
                let t = dice.unit();
                let off = if k == 1 { 0.0 } else { -d };
                let side = if dice.unit() < 0.5 { 3.0 } else { -3.0 };
                s.point_at(t) + left(s.direction_at(t)) * (off + side * tol)
            }
        };
        let e = distance(p);
        if e < 1e-6 || (e - d.abs()).abs() < 1.5 * tol {
            continue;
        }
        let was_in = winding(&input, p) + base >= 1;
        let signed = if was_in { -e } else { e };
        let now = winding(&all, p) + base;
        let should = signed < d;
        if sharp && ((d > 0.0 && !was_in && !should) || (d < 0.0 && was_in && should)) && e < d.abs() * 8.0 {
            // Tips reach further; how far is another law's business.
            if !(0..=1).contains(&now) {
                return Err(format!("winding {now} at {p}"));
            }
            continue;
        }
        if now != i32::from(should) {
            if result_index.nearest(p, 2e-6).is_some() {
                continue;
            }
            return Err(format!("point {p} at {signed} from the solid has winding {now}, offset {d}"));
        }
    }
    Ok(())
}

/// Offsets and checks.
pub fn run(
    contours: &[Polyline],
    d: f64,
    options: &OffsetOptions,
    samples: usize,
    dice: &mut Dice,
) -> Result<usize, String> {
    let result = offset(contours, d, options, &shop_report::Silent).map_err(|e| e.to_string())?;
    check(contours, d, options, &result, samples, dice)?;
    Ok(result.len())
}

pub fn round(tolerance: f64) -> OffsetOptions {
    OffsetOptions { corner: Corner::Round, tolerance }
}

pub fn polygon(points: &[(f64, f64)]) -> Polyline {
    Polyline::polygon(points.iter().map(|&(x, y)| Point::new(x, y)))
}

pub fn bulged(points: &[(f64, f64, f64)]) -> Polyline {
    Polyline { vertices: points.iter().map(|&(x, y, b)| Vertex::new(x, y, b)).collect(), closed: true }
}

pub fn rounded_rectangle(x: f64, y: f64, w: f64, h: f64, r: f64) -> Polyline {
    let k = (PI / 8.0).tan();
    bulged(&[
        (x + r, y, 0.0),
        (x + w - r, y, k),
        (x + w, y + r, 0.0),
        (x + w, y + h - r, k),
        (x + w - r, y + h, 0.0),
        (x + r, y + h, k),
        (x, y + h - r, 0.0),
        (x, y + r, k),
    ])
}

pub fn slot(x: f64, y: f64, l: f64, r: f64) -> Polyline {
    bulged(&[(x, y - r, 0.0), (x + l, y - r, 1.0), (x + l, y + r, 0.0), (x, y + r, 1.0)])
}

pub fn comb(teeth: usize, pitch: f64, gap: f64, depth: f64) -> Polyline {
    let mut p = vec![(0.0, -pitch), (teeth as f64 * pitch, -pitch)];
    for i in (0..teeth).rev() {
        let x = i as f64 * pitch;
        p.extend([(x + pitch, depth), (x + gap, depth), (x + gap, 0.0), (x, 0.0)]);
    }
    p.dedup();
    polygon(&p)
}

pub fn gear(teeth: usize, r: f64, depth: f64, round: f64) -> Polyline {
    let mut v = Vec::new();
    for i in 0..4 * teeth {
        let t = TAU * i as f64 / (4 * teeth) as f64;
        let rr = if i % 4 < 2 { r } else { r - depth };
        let bulge = if i % 2 == 0 { round } else { 0.0 } * if i % 4 < 2 { 1.0 } else { -1.0 };
        v.push((rr * t.cos(), rr * t.sin(), bulge));
    }
    bulged(&v)
}

pub fn star(n: usize, inner: f64, outer: f64) -> Polyline {
    polygon(
        &(0..2 * n)
            .map(|i| {
                let r = if i % 2 == 0 { outer } else { inner };
                let t = PI * i as f64 / n as f64;
                (r * t.cos(), r * t.sin())
            })
            .collect::<Vec<_>>(),
    )
}

/// The coast of the kit: a circle with sixty harmonics.
pub fn coast(n: usize) -> Polyline {
    let mut dice = Dice(n as u64);
    let phases: Vec<f64> = (0..60).map(|_| dice.range(0.0, TAU)).collect();
    polygon(
        &(0..n)
            .map(|i| {
                let t = TAU * i as f64 / n as f64;
                let wave = |(k, p): (usize, &f64)| {
                    24.0 / (k as f64 + 1.0).powf(1.1) * ((k as f64 + 1.0) * 5.0 * t + p).sin()
                };
                let r = 400.0 + phases.iter().enumerate().map(wave).sum::<f64>();
                (r * t.cos(), r * t.sin())
            })
            .collect::<Vec<_>>(),
    )
}

/// A star-shaped random polygon, some of its sides arcs.
pub fn random_star(dice: &mut Dice) -> Polyline {
    let n = 3 + dice.below(30);
    let rough = dice.range(0.0, 0.9);
    let arcs = if dice.unit() < 0.5 { 0.0 } else { dice.unit() };
    let strong = dice.range(0.1, 1.3);
    let mut v = Vec::new();
    for i in 0..n {
        let t = TAU * (i as f64 + dice.range(-0.4, 0.4)) / n as f64;
        let r = 10.0 * (1.0 - rough * dice.unit());
        let bulge = if dice.unit() < arcs { dice.range(-strong, strong) } else { 0.0 };
        v.push((r * t.cos(), r * t.sin(), bulge));
    }
    bulged(&v)
}

/// A walk along a grid's cells: the outline of a random set of joined squares, with thin necks and right angles.
pub fn random_blocks(dice: &mut Dice) -> Polyline {
    let (w, h) = (3 + dice.below(6), 2 + dice.below(5));
    let mut columns: Vec<(f64, f64)> = Vec::new();
    let mut low = 0.0;
    for _ in 0..w {
        low += (dice.below(3) as f64 - 1.0) * 0.5;
        columns.push((low, low + 0.5 + dice.below(2 * h) as f64 * 0.5));
    }
    let mut p = Vec::new();
    for (i, c) in columns.iter().enumerate() {
        p.extend([(i as f64, c.0), (i as f64 + 1.0, c.0)]);
    }
    for (i, c) in columns.iter().enumerate().rev() {
        p.extend([(i as f64 + 1.0, c.1), (i as f64, c.1)]);
    }
    p.dedup();
    polygon(&p)
}

/// True when pieces that are not neighbours keep apart, and neighbours meet only at their vertex.
pub fn is_simple(p: &Polyline) -> bool {
    let s: Vec<Segment> = p.segments().collect();
    let n = s.len();
    let size = p.bounds().width();
    for i in 0..n {
        if s[i].length() < 1e-6 * size {
            return false;
        }
        for j in i + 1..n {
            let (a, b) = (&s[i], &s[j]);
            let gap = if j == i + 1 || (i == 0 && j == n - 1) {
                let (first, second) = if j == i + 1 { (a, b) } else { (b, a) };
                // At every scale the way from the vertex opens up.
                let opens = |p: &Segment, q: &Segment| {
                    (1..12).all(|k| {
                        let t = 0.5f64.powi(k);
                        let away = segment_distance(&p.part(0.0, 1.0 - t), q)
                            .min(segment_distance(p, &q.part(t, 1.0)));
                        away > 0.02 * t * p.length().min(q.length())
                    })
                };
                if n == 2 {
                    segment_distance(&a.part(0.05, 0.95), &b.part(0.05, 0.95))
                } else if opens(first, second) {
                    size
                } else {
                    0.0
                }
            } else {
                segment_distance(a, b)
            };
            if gap < 1e-5 * size {
                return false;
            }
        }
    }
    true
}

/// A random valid figure: one outline or several, with holes and islands in them.
pub fn figure(dice: &mut Dice) -> Vec<Polyline> {
    let shape = |dice: &mut Dice| loop {
        let p = match dice.below(9) {
            0 => Polyline::circle(Point::new(0.0, 0.0), 8.0),
            1 => {
                let (w, h) = (dice.range(4.0, 16.0), dice.range(4.0, 16.0));
                rounded_rectangle(-w / 2.0, -h / 2.0, w, h, dice.range(0.05, 0.49) * w.min(h))
            }
            2 => slot(-4.0, 0.0, 8.0, dice.range(0.5, 5.0)),
            3 => {
                let pitch = dice.range(1.0, 4.0);
                comb(2 + dice.below(5), pitch, pitch * dice.range(0.1, 0.9), dice.range(1.0, 8.0))
            }
            4 => gear(5 + dice.below(12), 9.0, dice.range(0.5, 3.0), dice.range(-0.6, 0.6)),
            5 => star(3 + dice.below(9), dice.range(1.0, 8.0), 9.0),
            6 => random_blocks(dice),
            _ => random_star(dice),
        };
        if is_simple(&p) && p.area() > 0.0 {
            break p;
        }
    };
    let outer = shape(dice);
    let mut all = vec![outer.clone()];
    let b = outer.bounds();
    for _ in 0..dice.below(5) {
        let inner = shape(dice);
        let (k, turn) = (dice.range(0.02, 0.5), dice.range(0.0, TAU));
        let at = Vector::new(dice.range(b.min.x, b.max.x), dice.range(b.min.y, b.max.y));
        let inner = moved(&inner, k, turn, at, false);
        let clear = all.iter().all(|c| {
            let index = SegmentIndex::new([c]);
            inner.segments().all(|s| index.nearest_to_segment(&s, 1e-3, |_| true).is_none())
        });
        if !clear {
            continue;
        }
        let refs: Vec<&Polyline> = all.iter().collect();
        let holds_others = |c: &Polyline| refs.iter().any(|o| winding(&[c], o.first().unwrap()) != 0);
        if holds_others(&inner) {
            continue;
        }
        // Solid around it: a hole; nothing around it: an island or a neighbour.
        let inner = if winding(&refs, inner.first().unwrap()) >= 1 { inner.reversed() } else { inner };
        all.push(inner);
    }
    all
}

/// Returns the contour scaled, turned and moved.
pub fn moved(p: &Polyline, k: f64, turn: f64, by: Vector, mirrored: bool) -> Polyline {
    let (s, c) = turn.sin_cos();
    let flip = if mirrored { -1.0 } else { 1.0 };
    p.mapped(mirrored, |q| {
        let (x, y) = (q.x * k, q.y * k * flip);
        Point::new(x * c - y * s, x * s + y * c) + by
    })
}

/// A sheet of about `n` contours: rounded rectangles with holes and slots in them, brackets, discs.
pub fn sheet(n: usize) -> Vec<Polyline> {
    let mut dice = Dice(5);
    let mut all = Vec::with_capacity(n);
    let columns = ((n as f64 / 5.0).sqrt() as usize).max(1);
    let mut cell = 0;
    while all.len() < n {
        let at = Vector::new((cell % columns) as f64 * 60.0, (cell / columns) as f64 * 60.0);
        cell += 1;
        let outer = match dice.below(3) {
            0 => rounded_rectangle(0.0, 0.0, 50.0, 50.0, dice.range(2.0, 10.0)),
            1 => polygon(&[(0.0, 0.0), (50.0, 0.0), (50.0, 25.0), (30.0, 25.0), (30.0, 50.0), (0.0, 50.0)]),
            _ => Polyline::circle(Point::new(25.0, 25.0), 25.0),
        };
        all.push(moved(&outer, 1.0, 0.0, at, false));
        let hole = |p: Polyline| moved(&p, 1.0, 0.0, at, false).reversed();
        all.push(hole(Polyline::circle(Point::new(12.0, 12.0), dice.range(1.0, 4.0))));
        all.push(hole(Polyline::circle(Point::new(12.0, 36.0), dice.range(1.0, 4.0))));
        all.push(hole(slot(20.0, 16.0, 15.0, 3.0)));
        all.push(hole(rounded_rectangle(18.0, 30.0, 10.0, 10.0, 1.0)));
    }
    all
}

/// A rounded pocket with islands of three kinds in rows.
pub fn pocket(islands: usize) -> Vec<Polyline> {
    let mut dice = Dice(11);
    let rows = islands.div_ceil(8).max(6);
    let mut all = vec![rounded_rectangle(0.0, 0.0, 100.0, 4.0 + 11.0 * rows as f64, 6.0)];
    for i in 0..islands {
        let at = Vector::new(8.0 + 12.0 * (i % 8) as f64, 8.0 + 11.0 * (i / 8) as f64);
        let island = match i % 3 {
            0 => Polyline::circle(Point::new(0.0, 0.0), 2.0),
            1 => star(5, 1.0, 3.0),
            _ => slot(-1.5, 0.0, 3.0, 1.2),
        };
        all.push(moved(&island, 1.0, dice.range(0.0, TAU), at, false).reversed());
    }
    all
}
