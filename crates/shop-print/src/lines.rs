//! Middle lines as lists of places: how long they are, parts of them, and their ends.
//!
//! A line from [`shop_geom::skeleton`] has places where triangles have, and ends where the last disc fits. Before roads
//! follow it, it goes on to the end of its place, or ends where it meets another, and has no more places than it needs.

use crate::edges::Edges;
use shop_geom::skeleton::Node;
use shop_geom::{Point, Vector, cross};

/// How far a middle line may be straightened, and how much its width may be off, mm.
pub const STRAIGHT_MM: f64 = 0.004;

/// Returns the area of a place along a stretch of its middle line, mm².
pub fn area_of(line: &[Node]) -> f64 {
    line.windows(2).map(|w| (w[1].center - w[0].center).norm() * (w[0].radius + w[1].radius)).sum()
}

/// Returns how long a stretch of a line is, mm.
pub fn length_of(line: &[Node]) -> f64 {
    line.windows(2).map(|w| (w[1].center - w[0].center).norm()).sum()
}

/// Returns the place so far along a line, or its end; nothing of a line without places.
pub fn along<'a>(mut line: impl Iterator<Item = &'a Node>, mut mm: f64) -> Node {
    let mut last = line.next().copied().unwrap_or(Node { center: Point::origin(), radius: 0.0 });
    for node in line {
        let way = node.center - last.center;
        let far = way.norm();
        if far > mm {
            let t = mm / far;
            let radius = last.radius + t * (node.radius - last.radius);
            return Node { center: last.center + way * t, radius };
        }
        mm -= far;
        last = *node;
    }
    last
}

/// Returns the place beyond the free end of a line where what it is the middle of ends; `number` counts nodes from there.
pub fn beyond(line: &[Node], number: impl Fn(usize, usize) -> usize) -> Node {
    let at = |k: usize| line[number(k, line.len())];
    let (end, before) = (at(0), at(1.min(line.len() - 1)));
    let way = (end.center - before.center).try_normalize(1e-9).unwrap_or_else(Vector::zeros);
    Node { center: end.center + way * (0.5 * end.radius).max(0.02), radius: end.radius }
}

/// Drops places that lie between their neighbours, in place and in width.
pub fn straighten(line: &mut Vec<Node>) {
    let mut kept = 0;
    let mut since = 0;
    for i in 1..line.len() {
        if i + 1 < line.len() && i - since < 40 {
            let (a, b) = (line[kept], line[i + 1]);
            let along = b.center - a.center;
            let size = along.norm_squared().max(1e-12);
            let fits = line[since + 1..=i].iter().all(|m| {
                let way = m.center - a.center;
                let t = way.dot(&along) / size;
                (0.0..=1.0).contains(&t)
                    && cross(along, way).abs() <= STRAIGHT_MM * size.sqrt()
                    && (a.radius + t * (b.radius - a.radius) - m.radius).abs() <= STRAIGHT_MM
            });
            if fits {
                continue;
            }
        }
        kept += 1;
        line[kept] = line[i];
        since = i;
    }
    line.truncate(kept + 1);
}

/// How near ends of roads come to the square end of a place between walls, in half widths: they are round, and what they
/// fill is not.
const NEAR_END: f64 = 0.4;
/// A place ends squarely when it is not narrower than this, in half widths a little way back.
const SQUARE_END: f64 = 0.85;

/// How near a line comes to where it meets another, in half widths there: roads are round at their ends.
const WITHIN: f64 = 0.8;

/// Goes on straight from the end of a line until the place ends.
pub fn lengthen(line: &mut Vec<Node>, around: &Edges, pairs: u32) {
    let Some(&last) = line.last() else { return };
    // Where it leads is told some way back: the very end may be in a corner.
    let back = line.iter().rev().find(|n| (n.center - last.center).norm() > 0.5 * last.radius);
    let Some(along) = back.and_then(|b| (last.center - b.center).try_normalize(1e-6)) else { return };
    if last.radius < 1e-3 {
        return;
    }
    let (mut low, mut high) = (0.0, around.way(last.center, along, 2.0 * last.radius + 0.5));
    let far_back = line.iter().rev().find(|n| (n.center - last.center).norm() > 1.5 * last.radius);
    let square = far_back.is_some_and(|n| last.radius > SQUARE_END * n.radius);
    let near = if pairs > 0 && square { NEAR_END } else { 0.98 } * last.radius;
    let fits = |far: f64| around.clearance(last.center + along * far, last.radius) >= near;
    if !fits(0.02) {
        return;
    }
    for _ in 0..7 {
        let middle = 0.5 * (low + high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    line.push(Node { center: last.center + along * low, radius: last.radius });
}

/// Takes off the end of a line what lies within the road that it meets there.
pub fn shorten(line: &mut Vec<Node>) {
    let Some(&last) = line.last() else { return };
    let reach = WITHIN * last.radius;
    let mut cut = last;
    while let Some(&node) = line.last() {
        if (node.center - last.center).norm() >= reach {
            break;
        }
        cut = node;
        line.pop();
    }
    let Some(&from) = line.last() else { return };
    let [far, near] = [from, cut].map(|n| (n.center - last.center).norm());
    if far > reach && reach > near {
        let t = (far - reach) / (far - near);
        let radius = from.radius + t * (cut.radius - from.radius);
        line.push(Node { center: from.center + (cut.center - from.center) * t, radius });
    }
}
