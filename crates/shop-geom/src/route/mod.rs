//! Short routes through many stops, with precedence and groups kept.
//!
//! A cutting job is a travelling-salesman path with three twists: a contour may be entered in several *ways* (its
//! candidate pierces), what lies inside a contour must come *before* it, and the contours of one part stay together
//! as a *group*. The search works on three levels, each with a method that suits it, and goes round twice:
//!
//! ```text
//!   groups    a tour through one anchor per part         greedy edges, then 2-opt and Or-opt     tour.rs
//!   stops     an order inside each part, inner first     exact up to 8 stops, else tour + Or-opt  order.rs
//!   ways      where to enter each contour of the order   exact, by dynamic programming            ways.rs
//! ```
//!
//! Cost: O(n log n) for neighbour lists and greedy edges, near-linear for the local search, O(n·w²) for the ways.
//! Effort is counted in moves, never in time, so the same stops always give the same route.

mod order;
mod tour;
mod ways;

use crate::Point;
use rayon::prelude::*;
use shop_report::{Cancelled, Progress};

pub use tour::tour;

/// A place to visit: one of several ways in, each with its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// Ways to visit it: where one arrives and where one leaves. At least one.
    pub ways: Vec<(Point, Point)>,
    /// Stops of the same group are visited one after the other (a part and its holes).
    pub group: u32,
    /// The stop of the same group that must come after this one (the contour around it).
    pub before: Option<u32>,
}

/// One visit of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Which stop.
    pub stop: u32,
    /// Which of its ways.
    pub way: u32,
}

/// How often order and ways are improved in turn; measured on sheets of brackets, the third round gains < 0.1 %.
const ROUNDS: usize = 3;

/// Returns an order of all stops, starting from `start`, that keeps every `before` and every group whole. Stops
/// without a way are left out.
pub fn route(stops: &[Stop], start: Point, progress: &dyn Progress) -> Result<Vec<Visit>, Cancelled> {
    let groups = Groups::of(stops);
    if groups.count() == 0 {
        return Ok(Vec::new());
    }
    progress.begin("route", ROUNDS as u64);
    let mut places: Vec<Point> = stops.iter().map(middle).collect();
    let mut sequence: Vec<u32> = tour(&groups.anchors(&places), start, None);
    let mut best: Option<(f64, Vec<Visit>)> = None;
    for _ in 0..ROUNDS {
        let inner = groups.inner_orders(&sequence, stops, &places, start);
        let flat: Vec<u32> = inner.into_iter().flatten().collect();
        let (cost, visits) = ways::choose(&flat, stops, start);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, visits.clone()));
        }
        for v in &visits {
            let (entry, exit) = stops[v.stop as usize].ways[v.way as usize];
            places[v.stop as usize] = nalgebra::center(&entry, &exit);
        }
        sequence = groups.reorder(sequence, &visits, stops, start);
        progress.advance(1)?;
    }
    Ok(best.map(|(_, visits)| visits).unwrap_or_default())
}

/// Returns the length of the rapids of a route, mm.
pub fn travel(visits: &[Visit], stops: &[Stop], start: Point) -> f64 {
    let mut at = start;
    let mut sum = 0.0;
    for v in visits {
        let (entry, exit) = stops[v.stop as usize].ways[v.way as usize];
        sum += (entry - at).norm();
        at = exit;
    }
    sum
}

fn middle(stop: &Stop) -> Point {
    let sum = stop.ways.iter().fold(crate::Vector::zeros(), |s, w| s + w.0.coords);
    Point::from(sum / stop.ways.len().max(1) as f64)
}

/// The stops by group, groups in the order of their first stop.
struct Groups {
    /// Stops of group g are `members[starts[g]..starts[g + 1]]`.
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Groups {
    fn of(stops: &[Stop]) -> Groups {
        let mut keyed: Vec<(u32, u32)> = (stops.iter().enumerate())
            .filter(|(_, s)| !s.ways.is_empty())
            .map(|(i, s)| (s.group, i as u32))
            .collect();
        keyed.sort_unstable();
        let mut starts = vec![];
        for (i, k) in keyed.iter().enumerate() {
            if i == 0 || keyed[i - 1].0 != k.0 {
                starts.push(i as u32);
            }
        }
        starts.push(keyed.len() as u32);
        Groups { starts, members: keyed.into_iter().map(|k| k.1).collect() }
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    fn members(&self, group: u32) -> &[u32] {
        &self.members[self.starts[group as usize] as usize..self.starts[group as usize + 1] as usize]
    }

    /// Returns one place per group: the mean of its stops.
    fn anchors(&self, places: &[Point]) -> Vec<Point> {
        (0..self.count() as u32)
            .map(|g| {
                let m = self.members(g);
                let sum = m.iter().fold(crate::Vector::zeros(), |s, &i| s + places[i as usize].coords);
                Point::from(sum / m.len() as f64)
            })
            .collect()
    }

    /// Returns the order inside every group of the sequence, between the groups before and after it.
    fn inner_orders(
        &self,
        sequence: &[u32],
        stops: &[Stop],
        places: &[Point],
        start: Point,
    ) -> Vec<Vec<u32>> {
        let anchors = self.anchors(places);
        let at = |i: usize| anchors[sequence[i] as usize];
        (0..sequence.len())
            .into_par_iter()
            .map(|i| {
                let from = if i == 0 { start } else { at(i - 1) };
                let to = (i + 1 < sequence.len()).then(|| at(i + 1));
                order::inner_order(self.members(sequence[i]), stops, places, from, to)
            })
            .collect()
    }

    /// Improves the order of the groups, now that it is known where each is entered and left.
    fn reorder(&self, sequence: Vec<u32>, visits: &[Visit], stops: &[Stop], start: Point) -> Vec<u32> {
        let mut ends = vec![(start, start); self.count()];
        let mut next = 0;
        for &g in &sequence {
            let n = self.members(g).len();
            let way = |v: &Visit| stops[v.stop as usize].ways[v.way as usize];
            ends[g as usize] = (way(&visits[next]).0, way(&visits[next + n - 1]).1);
            next += n;
        }
        order::improve_directed(sequence, &ends, start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shop_report::Silent;

    /// Every stop once, groups whole, inner before outer.
    fn assert_lawful(stops: &[Stop], visits: &[Visit]) {
        let mut place = vec![usize::MAX; stops.len()];
        for (i, v) in visits.iter().enumerate() {
            assert_eq!(place[v.stop as usize], usize::MAX, "stop {} twice", v.stop);
            assert!((v.way as usize) < stops[v.stop as usize].ways.len());
            place[v.stop as usize] = i;
        }
        assert_eq!(visits.len(), stops.len());
        for (i, s) in stops.iter().enumerate() {
            if let Some(b) = s.before {
                assert!(place[i] < place[b as usize], "{i} must come before {b}");
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for w in visits.windows(2) {
            let (a, b) = (stops[w[0].stop as usize].group, stops[w[1].stop as usize].group);
            if a != b {
                seen.insert(a);
                assert!(!seen.contains(&b), "group {b} is torn");
            }
        }
    }

    fn arb_stops() -> impl Strategy<Value = Vec<Stop>> {
        let point = (0.0..100.0f64, 0.0..100.0f64).prop_map(|(x, y)| Point::new(x, y));
        let way = (point.clone(), point);
        prop::collection::vec(
            (prop::collection::vec(way, 1..4), 0u32..6, any::<prop::sample::Index>()),
            1..40,
        )
        .prop_map(|raw| {
            let groups: Vec<u32> = raw.iter().map(|r| r.1).collect();
            (raw.into_iter().enumerate())
                .map(|(i, (ways, group, pick))| {
                    // A later stop of the same group, so that there is no circle.
                    let later: Vec<usize> = (i + 1..groups.len()).filter(|&j| groups[j] == group).collect();
                    let before = (!later.is_empty()).then(|| later[pick.index(later.len())] as u32);
                    Stop { ways, group, before }
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn keeps_the_law(stops in arb_stops()) {
            let visits = route(&stops, Point::origin(), &Silent).unwrap();
            assert_lawful(&stops, &visits);
        }

        /// Six free stops: the best of all 720 orders.
        #[test]
        fn a_handful_is_in_the_best_order(points in prop::collection::vec((0.0..100.0f64, 0.0..100.0f64), 6)) {
            let points: Vec<Point> = points.into_iter().map(|(x, y)| Point::new(x, y)).collect();
            let stop = |i: usize| Stop { ways: vec![(points[i], points[i])], group: i as u32, before: None };
            let stops: Vec<Stop> = (0..6).map(stop).collect();
            let visits = route(&stops, Point::origin(), &Silent).unwrap();
            let ours = travel(&visits, &stops, Point::origin());
            let best = brute_force(&points, Point::origin(), &mut vec![false; 6]);
            prop_assert!(ours <= best + 1e-9, "{ours} against {best}");
        }
    }

    fn brute_force(points: &[Point], at: Point, used: &mut Vec<bool>) -> f64 {
        let mut best = f64::INFINITY;
        for i in 0..points.len() {
            if !used[i] {
                used[i] = true;
                best = best.min((points[i] - at).norm() + brute_force(points, points[i], used));
                used[i] = false;
            }
        }
        if best.is_finite() { best } else { 0.0 }
    }

    #[test]
    fn a_plate_of_holes_is_close_to_the_lattice_bound() {
        let n = 30;
        let mut stops: Vec<Stop> = (0..n * n)
            .map(|i| {
                let p = Point::new(f64::from(i % n) * 8.0, f64::from(i / n) * 8.0);
                Stop { ways: vec![(p, p)], group: 0, before: Some((n * n) as u32) }
            })
            .collect();
        let corner = Point::new(-5.0, -5.0);
        stops.push(Stop { ways: vec![(corner, corner)], group: 0, before: None });
        let visits = route(&stops, Point::origin(), &Silent).unwrap();
        assert_lawful(&stops, &visits);
        let lattice = 8.0 * f64::from(n * n - 1);
        assert!(travel(&visits, &stops, Point::origin()) < lattice * 1.10);
    }

    #[test]
    fn nothing_to_visit() {
        assert!(route(&[], Point::origin(), &Silent).unwrap().is_empty());
    }
}
