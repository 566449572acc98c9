//! Where to enter each contour of a given order: the shortest path through a layered graph.

use super::{Stop, Visit};
use crate::Point;

/// Returns the length of the rapids and the way of every stop that make it least. Exact: the best way up to each
/// way of the next stop is all that matters. O(stops · ways²).
pub fn choose(sequence: &[u32], stops: &[Stop], start: Point) -> (f64, Vec<Visit>) {
    // Costs to arrive at and finish each way of the current stop; `from` remembers the way of the stop before.
    let mut costs: Vec<f64> = vec![0.0];
    let mut exits: Vec<Point> = vec![start];
    let mut from: Vec<u32> = Vec::new();
    let mut offsets: Vec<usize> = Vec::with_capacity(sequence.len() + 1);
    let (mut next_costs, mut next_exits) = (Vec::new(), Vec::new());
    for &s in sequence {
        offsets.push(from.len());
        next_costs.clear();
        next_exits.clear();
        for &(entry, exit) in &stops[s as usize].ways {
            let (mut least, mut by) = (f64::INFINITY, 0);
            for (i, (c, e)) in costs.iter().zip(&exits).enumerate() {
                let cost = c + (entry - e).norm();
                if cost < least {
                    (least, by) = (cost, i as u32);
                }
            }
            next_costs.push(least);
            next_exits.push(exit);
            from.push(by);
        }
        std::mem::swap(&mut costs, &mut next_costs);
        std::mem::swap(&mut exits, &mut next_exits);
    }
    let (mut way, mut total) = (0, f64::INFINITY);
    for (i, &c) in costs.iter().enumerate() {
        if c < total {
            (way, total) = (i as u32, c);
        }
    }
    let mut visits = vec![Visit { stop: 0, way: 0 }; sequence.len()];
    for (i, &stop) in sequence.iter().enumerate().rev() {
        visits[i] = Visit { stop, way };
        way = from[offsets[i] + way as usize];
    }
    (total, visits)
}
