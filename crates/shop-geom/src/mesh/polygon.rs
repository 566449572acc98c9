//! Cuts faces of many corners into triangles.
//!
//! Where the corners go round without a turn back, seen along the face's own normal, a fan from the first corner will
//! do; else ears are cut off. A face with very many corners gets the fan in any case: its triangles may lie over one
//! another, but they sum up to the same surface, and sections count turns. So does a face that is not flat: which surface
//! is meant, nobody knows, and the fan is what other programs make of it, so that all of them print the same part.

use super::{Point3, Vector3};
use crate::{Point, cross};

/// Cutting ears takes time with the square of the corners.
const MOST_EARS: usize = 1000;

/// A face whose corners stand out of its plane by more than this part of its size is not flat.
const FLAT: f64 = 1e-3;

/// Gives `take` the triangles of a face, as indices into its corners.
pub fn triangles(corners: &[Point3], mut take: impl FnMut([u32; 3])) {
    let n = corners.len();
    if n < 3 {
        return;
    }
    if n == 3 {
        return take([0, 1, 2]);
    }
    let (flat, bulge) = flattened(corners);
    let fan_fits = (1..n - 1).all(|i| cross(flat[i] - flat[0], flat[i + 1] - flat[0]) >= 0.0);
    if fan_fits || bulge > FLAT || n > MOST_EARS {
        (1..n as u32 - 1).for_each(|i| take([0, i, i + 1]));
    } else {
        ears(&flat, take);
    }
}

/// Returns the corners seen along the face's normal (Newell's sum, which also fits faces that are not flat), such that
/// they go round counter-clockwise, and how far they stand out of a plane, as a part of the face's size.
fn flattened(corners: &[Point3]) -> (Vec<Point>, f64) {
    let after = corners.iter().cycle().skip(1);
    let normal = corners
        .iter()
        .zip(after)
        .map(|(a, b)| (a - corners[0]).cross(&(b - corners[0])))
        .fold(Vector3::zeros(), |sum, v| sum + v);
    // Leave out the axis that the normal is nearest to; the two others keep their turn.
    let axis = normal.iamax();
    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
    let sign = if normal[axis] < 0.0 { -1.0 } else { 1.0 };
    let flat = corners.iter().map(|p| Point::new(p[u], sign * p[v])).collect();
    let (mut low, mut high, mut size) = (0.0f64, 0.0f64, 0.0f64);
    let up = normal.try_normalize(0.0).unwrap_or_else(Vector3::zeros);
    for p in corners {
        let from_first = p - corners[0];
        let out = from_first.dot(&up);
        (low, high, size) = (low.min(out), high.max(out), size.max(from_first.norm()));
    }
    (flat, if size > 0.0 { (high - low) / size } else { 0.0 })
}

fn ears(flat: &[Point], mut take: impl FnMut([u32; 3])) {
    let mut left: Vec<u32> = (0..flat.len() as u32).collect();
    let mut at = 0;
    let mut tried = 0;
    while left.len() > 3 {
        let n = left.len();
        let ear = [left[(at + n - 1) % n], left[at % n], left[(at + 1) % n]];
        // When no ear is left the face crosses itself; what remains is cut as it comes.
        if tried > n || is_ear(flat, &left, ear) {
            take(ear);
            left.remove(at % n);
            tried = 0;
        } else {
            at += 1;
            tried += 1;
        }
        at %= left.len();
    }
    take([left[0], left[1], left[2]]);
}

fn is_ear(flat: &[Point], left: &[u32], ear: [u32; 3]) -> bool {
    let [a, b, c] = ear.map(|i| flat[i as usize]);
    let turn = |a: Point, b: Point, p: Point| cross(b - a, p - a);
    if turn(a, b, c) <= 0.0 {
        return false;
    }
    let others = left.iter().filter(|i| !ear.contains(i)).map(|i| flat[*i as usize]);
    // A corner in the same place as one of the ear's is no obstacle: faces with slits have such.
    !others
        .filter(|p| *p != a && *p != b && *p != c)
        .any(|p| turn(a, b, p) >= 0.0 && turn(b, c, p) >= 0.0 && turn(c, a, p) >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(corners: &[[f64; 3]]) -> Vec<[u32; 3]> {
        let corners: Vec<Point3> = corners.iter().copied().map(Point3::from).collect();
        let mut out = Vec::new();
        triangles(&corners, |t| out.push(t));
        out
    }

    const DART: [[f64; 3]; 4] = [[0.0, 0.0, 0.0], [2.0, -3.0, 0.0], [0.0, 5.0, 0.0], [-2.0, -3.0, 0.0]];

    #[test]
    fn a_flat_dart_is_cut_where_it_turns_back() {
        // Its second corner sees the third over the place where it turns back; a fan from there would lie outside.
        let turned = [DART[1], DART[2], DART[3], DART[0]];
        for t in cut(&turned) {
            assert!(t.contains(&3) && t.contains(&1), "{t:?}");
        }
        assert_eq!(cut(&turned).len(), 2);
    }

    #[test]
    fn a_dart_that_is_not_flat_is_a_fan() {
        let mut turned = [DART[1], DART[2], DART[3], DART[0]];
        turned[1][2] = 0.5;
        assert_eq!(cut(&turned), [[0, 1, 2], [0, 2, 3]]);
    }
}
