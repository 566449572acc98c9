//! Corners of a wall that were cut off and put back, and are not those of the contour.
//!
//! A wall in a narrow part is found by moving the contour in by more than it lies inside, and out again ([`crate::walls`]):
//! corners are put back where their sides meet. Where the contour has no corner there but is round, that is beyond it.
//!
//! ```text
//!        ───────╮                ───────────○  ○ where the sides meet
//!   contour     │   wall, put back      ╱
//!        ───────╯                ──────╱       └ what is laid instead goes around where the corner was cut off
//! ```

use crate::edges::Edges;
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Corner, Planar, Spot};

/// Corners that turn less are left as they are: cosine of 50°.
const SHARP: f64 = 0.64;
/// A wall that is nearer to the contour than it should be by so much of its distance is left as it is.
const NEAR: f64 = 0.03;
/// So many times its distance around a corner of a wall the contour is looked at.
const AROUND: f64 = 3.0;
/// Arcs laid instead of a corner have this many pieces.
const PIECES: u32 = 4;

/// How a wall was moved, grid units.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// From the contour to the wall.
    pub inside: f64,
    /// How far further in it was moved before it was put back.
    pub back: f64,
}

/// A wall is held by what lies this much less within the contour than it should, so that the two do not run along one
/// another, grid units.
const BESIDE: f64 = 20.0;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Room {
    a: Contours,
    b: Contours,
}

/// Takes off a wall what is nearer to the contour than it should be: corners become round, and where their sides are too
/// short for that, the wall is cut.
pub fn hold(
    wall: &mut Contours,
    contour: &Contours,
    moved: Moved,
    tolerance: f64,
    planar: &mut Planar,
    room: &mut Room,
) {
    let done = blunt(wall, contour, moved, &mut room.a);
    std::mem::swap(wall, &mut room.a);
    if !done {
        planar.inset(contour, moved.inside - BESIDE, Corner::Round { tolerance }, &mut room.a);
        planar.combine(wall, &room.a, Boolean::Intersection, &mut room.b);
        std::mem::swap(wall, &mut room.b);
    }
}

/// Writes to `out` a wall whose corners are as far from the contour as they should be, or round. Near linear in corners of
/// both. False when the sides of a corner are too short for that: some of it may still be too near.
fn blunt(wall: &Contours, contour: &Contours, moved: Moved, out: &mut Contours) -> bool {
    let mut edges: Option<Edges> = None;
    let mut done = true;
    out.clear();
    for ring in wall.iter() {
        let n = ring.len();
        for (i, &at) in ring.iter().enumerate() {
            let (before, after) = (ring[(i + n - 1) % n], ring[(i + 1) % n]);
            match Turn::of(before, at, after) {
                Some(turn) => {
                    let edges = edges.get_or_insert_with(|| Edges::of(contour));
                    let lacks = moved.inside - edges.depth(at, AROUND * moved.inside);
                    if lacks <= NEAR * moved.inside {
                        out.push(at);
                    } else {
                        // As round as brings its middle in by that much.
                        let radius = moved.back.min(lacks / (1.0 / turn.half - 1.0));
                        done &= turn.go_around(at, radius, [before.distance(at), at.distance(after)], out);
                    }
                }
                None => out.push(at),
            }
        }
        out.close();
    }
    done
}

/// A sharp corner to the left, which sticks out.
struct Turn {
    /// Square to the sides, outwards, one long.
    sides: [[f64; 2]; 2],
    /// Cosine of half of what it turns.
    half: f64,
}

impl Turn {
    fn of(before: Spot, at: Spot, after: Spot) -> Option<Turn> {
        let [[ax, ay], [bx, by]] = [before.to(at), at.to(after)];
        let (a, b) = (ax.hypot(ay).max(1.0), bx.hypot(by).max(1.0));
        let (cos, sin) = ((ax * bx + ay * by) / (a * b), (ax * by - ay * bx) / (a * b));
        if cos > SHARP || sin <= 0.0 {
            return None;
        }
        let half = (0.5 * (1.0 + cos)).max(0.0).sqrt();
        // A needle: nothing is known of where its sides meet.
        (half > 0.1).then_some(Turn { sides: [[ay / a, -ax / a], [by / b, -bx / b]], half })
    }

    /// Outwards, as long as the corner moves when its sides are moved by one.
    fn out(&self) -> [f64; 2] {
        let [[ax, ay], [bx, by]] = self.sides;
        let size = 0.5 / (self.half * self.half);
        [(ax + bx) * size, (ay + by) * size]
    }

    /// Adds the arc around where the corner was cut off; false when the sides are shorter than it needs, and are followed as
    /// far as they go.
    fn go_around(&self, at: Spot, radius: f64, lengths: [f64; 2], out: &mut Contours) -> bool {
        let tangent = (1.0 - self.half * self.half).max(0.0).sqrt() / self.half;
        // No more than half of a side, so that the next corner has its own half.
        let room = 0.5 * lengths[0].min(lengths[1]) / tangent.max(1e-9);
        let fits = radius <= room;
        let radius = radius.min(room);
        let [mx, my] = self.out().map(|v| -v * radius);
        let [[ax, ay], [bx, by]] = self.sides;
        let angle = (ax * by - ay * bx).atan2(ax * bx + ay * by);
        for k in 0..=PIECES {
            let (sin, cos) = (angle * f64::from(k) / f64::from(PIECES)).sin_cos();
            let (x, y) = (ax * cos - ay * sin, ax * sin + ay * cos);
            out.push(Spot::new(
                at.x + (mx + radius * x).round() as i32,
                at.y + (my + radius * y).round() as i32,
            ));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::planar::PER_MM;

    /// What sticks out of `contour` of its wall, mm²: the wall's material is `inside` wide on either side.
    fn outside(corners: &[[f64; 2]], blunted: bool) -> (f64, usize) {
        let mut contour = Contours::default();
        for [x, y] in corners {
            contour.push(Spot::from_mm(*x, *y));
        }
        contour.close();
        let moved = Moved { inside: 0.22 * PER_MM, back: 0.2 * PER_MM };
        let (mut planar, mut a, mut wall) = (Planar::default(), Contours::default(), Contours::default());
        let tolerance = 10.0;
        planar.inset(&contour, moved.inside + moved.back, Corner::Round { tolerance }, &mut a);
        planar.inset(&a, -moved.back, Corner::Sharp { limit: 3.0 }, &mut wall);
        if blunted {
            hold(&mut wall, &contour, moved, tolerance, &mut planar, &mut Room::default());
        }
        planar.inset(&wall, -moved.inside, Corner::Round { tolerance }, &mut a);
        let mut rest = Contours::default();
        planar.combine(&a, &contour, Boolean::Difference, &mut rest);
        (rest.area_mm2(), wall.spots().len())
    }

    /// A wedge of so many degrees whose tip is rounded.
    fn nose(degrees: f64, radius: f64) -> Vec<[f64; 2]> {
        let half = 0.5 * degrees.to_radians();
        let (sin, cos) = half.sin_cos();
        let side = |s: f64| [10.0 + radius * sin - 8.0 * cos, s * (radius * cos + 8.0 * sin)];
        let mut corners = vec![side(-1.0)];
        for i in 0..=40 {
            let (sin, cos) = ((f64::from(i) / 20.0 - 1.0) * (0.5 * std::f64::consts::PI - half)).sin_cos();
            corners.push([10.0 + radius * cos, radius * sin]);
        }
        corners.push(side(1.0));
        corners
    }

    #[test]
    fn walls_of_noses_stay_within_them() {
        for degrees in [30.0, 50.0, 70.0, 90.0] {
            for radius in [0.1, 0.2, 0.3, 0.4] {
                let nose = nose(degrees, radius);
                let (before, after) = (outside(&nose, false).0, outside(&nose, true).0);
                assert!(after < 4e-3, "{degrees} {radius}: {after} of {before}");
                if radius > 0.25 && (40.0..60.0).contains(&degrees) {
                    assert!(before > 0.04, "{degrees} {radius}: {before}");
                }
            }
        }
    }

    /// Where the nearest edge has both its corners far away.
    #[test]
    fn walls_of_knobs_stay_within_them() {
        let mut worst = 0.0_f64;
        for high in [0.1, 0.2, 0.3, 0.4] {
            for wide in [0.6, 0.7, 0.764, 0.8, 0.83, 0.9] {
                let half = 0.5 * wide;
                let knob = [
                    [-5.0, -4.0],
                    [5.0, -4.0],
                    [5.0, 0.0],
                    [half, 0.0],
                    [half, high],
                    [-half, high],
                    [-half, 0.0],
                    [-5.0, 0.0],
                ];
                let ((before, _), (after, _)) = (outside(&knob, false), outside(&knob, true));
                worst = worst.max(before);
                assert!(after < 6e-3, "{high} {wide}: {after} of {before}");
            }
        }
        assert!(worst > 0.05, "{worst}");
    }

    #[test]
    fn corners_of_the_contour_stay() {
        for tip in [[9.0, 0.0], [12.0, 3.0]] {
            let wedge = [[0.0, 0.0], [8.0, -3.0], tip, [8.0, 3.0]];
            let ((a, before), (b, after)) = (outside(&wedge, false), outside(&wedge, true));
            assert_eq!(before, after);
            assert!((a - b).abs() < 1e-9 && b < 1e-3);
        }
    }
}
