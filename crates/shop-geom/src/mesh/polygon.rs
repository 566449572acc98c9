//! Cuts faces of many corners into triangles.
//!
//! Where the corners go round without a turn back, seen along the face's own normal, a fan from the first corner will
//! do; else ears are cut off. A face with very many corners gets the fan in any case: its triangles may lie over one
//! another, but they sum up to the same surface, and sections count turns.

use super::{Point3, Vector3};
use crate::{Point, cross};

/// Cutting ears takes time with the square of the corners.
const MOST_EARS: usize = 1000;

/// Gives `take` the triangles of a face, as indices into its corners.
pub fn triangles(corners: &[Point3], mut take: impl FnMut([u32; 3])) {
    let n = corners.len();
    if n < 3 {
        return;
    }
    if n == 3 {
        return take([0, 1, 2]);
    }
    let flat = flattened(corners);
    let fan_fits = (1..n - 1).all(|i| cross(flat[i] - flat[0], flat[i + 1] - flat[0]) >= 0.0);
    if fan_fits || n > MOST_EARS {
        (1..n as u32 - 1).for_each(|i| take([0, i, i + 1]));
    } else {
        ears(&flat, take);
    }
}

/// Returns the corners seen along the face's normal (Newell's sum, which also fits faces that are not flat), such that
/// they go round counter-clockwise.
fn flattened(corners: &[Point3]) -> Vec<Point> {
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
    corners.iter().map(|p| Point::new(p[u], sign * p[v])).collect()
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
