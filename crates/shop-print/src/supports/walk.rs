//! Walks from node to node of a lattice.

/// A node: row and column.
pub type Node = [i32; 2];

/// True when a walk there and one back lie within a road's width, about.
pub fn is_slim(walk: &[Node], road: f64) -> bool {
    twice_area(walk).abs() as f64 <= walk.len() as f64 * road
}

/// Returns twice the area within a walk.
pub fn twice_area(walk: &[Node]) -> i64 {
    let Some(&last) = walk.last() else { return 0 };
    let (mut sum, mut a) = (0, last);
    for &b in walk {
        sum += i64::from(a[1]) * i64::from(b[0]) - i64::from(b[1]) * i64::from(a[0]);
        a = b;
    }
    sum
}

/// True when the box around a walk is not wider and not longer than that.
pub fn is_small(walk: &[Node], [wide, long]: [f64; 2]) -> bool {
    let extent = |k: usize| {
        let (low, high) =
            walk.iter().fold((i32::MAX, i32::MIN), |(l, h), n: &Node| (l.min(n[k]), h.max(n[k])));
        f64::from(high - low)
    };
    let [a, b] = [extent(0), extent(1)];
    a.min(b) <= wide && a.max(b) <= long
}

/// Leaves of the corners from `first` on those that are needed for the way to pass all others at most `tolerance` away.
/// O(n log n) in most cases.
pub fn straighten(road: &[Node], tolerance: f64, out: &mut Vec<Node>) {
    out.clear();
    let Some(&begin) = road.first() else { return };
    out.push(begin);
    let mut ahead = vec![road.len() - 1];
    let mut from = 0;
    while let Some(&to) = ahead.last() {
        if let Some((_, middle)) = farthest(road, from, to).filter(|(far, _)| *far > tolerance) {
            ahead.push(middle);
        } else {
            out.push(road[to]);
            from = to;
            ahead.pop();
        }
    }
}

/// Returns how far the way from one corner to another passes by those between them, and the corner it is farthest from.
fn farthest(road: &[Node], from: usize, to: usize) -> Option<(f64, usize)> {
    let [ay, ax] = road[from].map(f64::from);
    let [ey, ex] = [f64::from(road[to][0]) - ay, f64::from(road[to][1]) - ax];
    let size = (ex * ex + ey * ey).max(1e-9);
    let far = |i: usize| {
        let (y, x) = (f64::from(road[i][0]) - ay, f64::from(road[i][1]) - ax);
        let t = ((x * ex + y * ey) / size).clamp(0.0, 1.0);
        (x - t * ex).hypot(y - t * ey)
    };
    (from + 1..to).map(|i| (far(i), i)).max_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_enough_is_straight() {
        let stairs: Vec<Node> = (0..60).map(|k| [k / 3, k]).collect();
        let mut out = Vec::new();
        straighten(&stairs, 0.7, &mut out);
        assert_eq!(out, [[0, 0], [19, 59]]);
        let corner: Vec<Node> = (0..20).map(|k| [0, k]).chain((1..20).map(|k| [k, 19])).collect();
        straighten(&corner, 0.5, &mut out);
        assert_eq!(out, [[0, 0], [0, 19], [19, 19]]);
    }
}
