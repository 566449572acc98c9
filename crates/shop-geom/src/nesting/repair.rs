//! Crossing contours made simple: the boundary of their even-odd fill.
//!
//! Crossing any one line of an arrangement of closed curves changes the parity of the winding. So the boundary of
//! the even-odd fill is *every* edge of the arrangement, except those that lie on each other in pairs; nothing has
//! to be classified, only put together in another way. Edges are turned so that the fill is on their left (one ray
//! each for a chain of edges), and at each node an arriving edge is followed by the next one clockwise, which bounds
//! the same sector of the fill. A loop that comes to a node twice is cut there, so that every result is simple.
//!
//! The result is checked, by area against polygons and for crossings; if anything is wrong the polygons are taken.

use super::crossing::{Strands, TOUCH, crossings};
use super::inside::{Mono, Rows, crosses, monotone_segment};
use crate::cells::Cells;
use crate::intersect::intersect;
use crate::{Point, Polyline, Segment, Vector, Vertex};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::Overlay;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
use shop_report::Silent;
use std::f64::consts::TAU;

/// Places nearer than this are one node, mm.
const NODE: f64 = 2.0 * TOUCH;

pub(super) fn repair(contours: &[Polyline], tolerance: f64) -> Vec<Polyline> {
    let contours: Vec<Polyline> = contours.iter().filter(|c| c.closed && c.is_finite()).cloned().collect();
    let tolerance = if tolerance.is_finite() { tolerance.max(1e-4) } else { 1e-4 };
    let polygons = even_odd(&contours, tolerance);
    match arrange(&contours) {
        Some(simple) if is_right(&simple, &contours, &polygons, tolerance) => simple,
        _ => polygons,
    }
}

/// True when the result does not cross itself and covers the area that the polygons say.
fn is_right(simple: &[Polyline], contours: &[Polyline], polygons: &[Polyline], tolerance: f64) -> bool {
    let area = |list: &[Polyline]| list.iter().map(Polyline::area).sum::<f64>();
    let length: f64 = contours.iter().map(Polyline::length).sum();
    (area(simple) - area(polygons)).abs() <= length * (tolerance + 2.0 / GRID)
        && crossings(simple, &Silent).is_ok_and(|c| c.is_empty())
}

/// Steps of the polygon kernel's grid per mm.
const GRID: f64 = 1e4;

/// Returns the even-odd fill of the contours as polygons.
fn even_odd(contours: &[Polyline], tolerance: f64) -> Vec<Polyline> {
    let bounds = contours.iter().fold(crate::Aabb::EMPTY, |b, c| b.union(c.bounds()));
    if bounds.is_empty() {
        return Vec::new();
    }
    let middle = bounds.center();
    // The grid holds ±107 m at 0.1 µm; larger drawings get a coarser one.
    let half = 0.5 * bounds.width().max(bounds.height());
    let grid = GRID.min(f64::from(1 << 29) / half.max(1e-9));
    let paths: Vec<Vec<IntPoint<i32>>> = contours
        .iter()
        .map(|c| {
            let mut points = c.flatten(tolerance);
            points.pop();
            points
                .iter()
                .map(|p| (p - middle) * grid)
                .map(|v| IntPoint::new(v.x.round() as i32, v.y.round() as i32))
                .collect()
        })
        .collect();
    let shapes = Overlay::from_subj(&paths).overlay(OverlayRule::Subject, FillRule::EvenOdd);
    let back = |p: IntPoint<i32>| middle + Vector::new(f64::from(p.x), f64::from(p.y)) / grid;
    shapes.into_iter().flatten().map(|path| Polyline::polygon(path.into_iter().map(back))).collect()
}

/// An edge of the arrangement, turned so that the fill is on its left once that is known.
#[derive(Clone, Copy)]
struct Edge {
    piece: Segment,
    from: u32,
    to: u32,
}

impl Edge {
    fn reversed(&self) -> Edge {
        Edge { piece: self.piece.reversed(), from: self.to, to: self.from }
    }
}

/// Builds the result from the arrangement; `None` when it does not come out even.
fn arrange(contours: &[Polyline]) -> Option<Vec<Polyline>> {
    let (edges, nodes) = split(contours);
    let mut edges = cancel_pairs(edges);
    turn_to_fill(&mut edges);
    stitch(&edges, nodes)
}

/// Cuts the contours where they meet; returns the edges and the number of nodes.
fn split(contours: &[Polyline]) -> (Vec<Edge>, usize) {
    let strands = Strands::new(contours);
    let n = strands.segments.len();
    let mut cuts: Vec<(u32, f64, Point)> = Vec::new();
    let cells = Cells::of_segments(&strands.segments, TOUCH);
    for bucket in 0..cells.buckets() {
        let entries = cells.bucket(bucket);
        for (i, a) in entries.iter().enumerate() {
            for b in entries[i + 1..].iter().filter(|b| b.tag == a.tag && b.item != a.item) {
                let (p, q) = (a.item as usize, b.item as usize);
                if !strands.boxes[p].inflated(TOUCH).intersects(&strands.boxes[q]) {
                    continue;
                }
                let met = intersect(&strands.segments[p], &strands.segments[q], TOUCH);
                for m in met.points() {
                    cuts.push((a.item, m.ta, m.at));
                    cuts.push((b.item, m.tb, m.at));
                }
                for o in met.overlaps() {
                    for k in 0..2 {
                        let at = strands.segments[p].point_at(o.a[k]);
                        cuts.push((a.item, o.a[k], at));
                        cuts.push((b.item, o.b[k], at));
                    }
                }
            }
        }
    }
    for (i, s) in strands.segments.iter().enumerate() {
        cuts.push((i as u32, 0.0, s.start()));
        cuts.push((i as u32, 1.0, s.end()));
        // An edge must not end where it starts.
        if matches!(s, Segment::Arc(c) if c.sweep.abs() > TAU / 2.0) {
            cuts.push((i as u32, 0.5, s.point_at(0.5)));
        }
    }
    cuts.sort_unstable_by(|a, b| {
        (a.0.cmp(&b.0)).then(a.1.total_cmp(&b.1)).then(a.2.x.total_cmp(&b.2.x)).then(a.2.y.total_cmp(&b.2.y))
    });
    let places: Vec<Point> = cuts.iter().map(|c| c.2).collect();
    let (node, count) = nodes(&places);
    let mut edges = Vec::with_capacity(n);
    for (k, w) in cuts.windows(2).enumerate() {
        let (a, b) = (&w[0], &w[1]);
        if a.0 != b.0 || a.1 >= b.1 {
            continue;
        }
        let whole = &strands.segments[a.0 as usize];
        let piece = if a.1 == 0.0 && b.1 == 1.0 { *whole } else { whole.part(a.1, b.1) };
        let (from, to) = (node[k], node[k + 1]);
        if from != to {
            // The ends are moved to the node, so that chains meet to the last bit.
            let piece = Segment::new(places[from as usize], places[to as usize], piece.bulge());
            edges.push(Edge { piece, from, to });
        }
    }
    (edges, count)
}

/// Returns for each place the first place of its cluster, and the number of places.
fn nodes(places: &[Point]) -> (Vec<u32>, usize) {
    let cells = Cells::of_points(places.iter().copied(), 4.0 * NODE, 0.0);
    let mut node: Vec<u32> = (0..places.len() as u32).collect();
    for (i, p) in places.iter().enumerate() {
        let mut first = i as u32;
        // Clusters are far apart compared with their size, so the first member stands for all.
        cells.visit_near(*p, NODE, |k| {
            if (places[k as usize] - p).norm() <= NODE {
                first = first.min(node[k as usize]);
            }
        });
        node[i] = first;
    }
    (node, places.len())
}

/// Removes edges that lie on each other, two by two.
fn cancel_pairs(edges: Vec<Edge>) -> Vec<Edge> {
    let key = |e: &Edge| (e.from.min(e.to), e.from.max(e.to));
    let mut edges = edges;
    edges.sort_by_key(key);
    let mut kept: Vec<Edge> = Vec::with_capacity(edges.len());
    for group in edges.chunk_by(|a, b| key(a) == key(b)) {
        let from = kept.len();
        for e in group {
            let middle = e.piece.point_at(0.5);
            let same = |k: &Edge| (k.piece.point_at(0.5) - middle).norm() <= 4.0 * NODE;
            match kept[from..].iter().position(same) {
                Some(i) => {
                    kept.remove(from + i);
                }
                None => kept.push(*e),
            }
        }
    }
    kept
}

/// Turns every edge so that the fill is on its left.
fn turn_to_fill(edges: &mut [Edge]) {
    // A ray is cast across the edge: to the left for steep ones, down for flat ones, where x and y are swapped.
    let monos = |swap: bool| -> Vec<Mono> {
        let mut out = Vec::with_capacity(2 * edges.len());
        for (i, e) in edges.iter().enumerate() {
            let of = |p: Point| if swap { Point::new(p.y, p.x) } else { p };
            let bulge = if swap { -e.piece.bulge() } else { e.piece.bulge() };
            let a = Vertex { point: of(e.piece.start()), bulge };
            monotone_segment(a, of(e.piece.end()), i as u32, &mut out);
        }
        out
    };
    let (upright, swapped) = (monos(false), monos(true));
    let rows = [Rows::new(&upright), Rows::new(&swapped)];
    for i in 0..edges.len() {
        let e = edges[i];
        let (at, direction) = (e.piece.point_at(0.5), e.piece.direction_at(0.5));
        let steep = direction.y.abs() >= direction.x.abs();
        let (monos, rows, p) =
            if steep { (&upright, &rows[0], at) } else { (&swapped, &rows[1], Point::new(at.y, at.x)) };
        let crossed = (rows.at(p.y).iter())
            .map(|&k| &monos[k as usize])
            .filter(|m| m.segment != i as u32 && crosses(m, p))
            .count();
        let filled_before = crossed % 2 == 1;
        // Going up, the left hand is towards -x; going left (-x), it is towards -y.
        let before_is_left = if steep { direction.y > 0.0 } else { direction.x < 0.0 };
        if filled_before != before_is_left {
            edges[i] = e.reversed();
        }
    }
}

/// Follows the edges with the fill on the left.
fn stitch(edges: &[Edge], nodes: usize) -> Option<Vec<Polyline>> {
    // Edge ends by node: leaving ends are 2·edge, arriving ones 2·edge + 1.
    let mut at_node: Vec<(u32, u32)> = Vec::with_capacity(2 * edges.len());
    for (i, e) in edges.iter().enumerate() {
        at_node.push((e.from, 2 * i as u32));
        at_node.push((e.to, 2 * i as u32 + 1));
    }
    at_node.sort_unstable();
    let mut next = vec![u32::MAX; edges.len()];
    for group in at_node.chunk_by(|a, b| a.0 == b.0) {
        let ends: Vec<u32> = group.iter().map(|g| g.1).collect();
        follow_sectors(edges, &ends, &mut next)?;
    }
    let mut loops = Vec::new();
    let mut used = vec![false; edges.len()];
    let mut on_way = vec![u32::MAX; nodes];
    for start in 0..edges.len() {
        if used[start] {
            continue;
        }
        let mut way: Vec<u32> = Vec::new();
        let mut i = start as u32;
        while !used[i as usize] {
            used[i as usize] = true;
            on_way[edges[i as usize].from as usize] = way.len() as u32;
            way.push(i);
            let to = edges[i as usize].to as usize;
            i = next[i as usize];
            // Coming to a node again closes a loop of its own.
            let from = on_way[to] as usize;
            if from < way.len() {
                loops.extend(contour(edges, &way[from..]));
                for &k in &way[from..] {
                    on_way[edges[k as usize].from as usize] = u32::MAX;
                }
                way.truncate(from);
            }
        }
        if !way.is_empty() {
            return None;
        }
    }
    Some(loops)
}

/// Makes each arriving end at a node be followed by the next leaving end clockwise.
fn follow_sectors(edges: &[Edge], ends: &[u32], next: &mut [u32]) -> Option<()> {
    if let [a, b] = *ends {
        let (arriving, leaving) = if a % 2 == 1 { (a, b) } else { (b, a) };
        next[arriving as usize / 2] = leaving / 2;
        return (arriving % 2 == 1 && leaving % 2 == 0).then_some(());
    }
    // Directions are taken a little way along, where tangent edges have parted.
    let shortest = ends.iter().map(|e| edges[*e as usize / 2].piece.length()).fold(f64::INFINITY, f64::min);
    let look = (0.25 * shortest).min(0.1);
    let angle = |e: u32| {
        let piece = &edges[e as usize / 2].piece;
        let t = look / piece.length();
        let v = if e.is_multiple_of(2) {
            piece.point_at(t) - piece.start()
        } else {
            piece.point_at(1.0 - t) - piece.end()
        };
        v.y.atan2(v.x).rem_euclid(TAU)
    };
    let mut sorted: Vec<(f64, u32)> = ends.iter().map(|&e| (angle(e), e)).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (k, &(_, e)) in sorted.iter().enumerate() {
        let clockwise = sorted[(k + sorted.len() - 1) % sorted.len()].1;
        if e % 2 == 1 {
            next[e as usize / 2] = clockwise / 2;
        }
        // In and out alternate around a node, or something was missed.
        if e % 2 == clockwise % 2 {
            return None;
        }
    }
    Some(())
}

/// Returns the closed contour of a run of edges, unless it encloses nothing.
fn contour(edges: &[Edge], run: &[u32]) -> Option<Polyline> {
    let vertices: Vec<Vertex> = (run.iter())
        .map(|&i| &edges[i as usize].piece)
        .map(|p| Vertex { point: p.start(), bulge: p.bulge() })
        .collect();
    let contour = Polyline { vertices, closed: true };
    (contour.area().abs() > contour.length() * NODE).then_some(contour)
}
