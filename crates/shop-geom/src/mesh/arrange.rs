//! Puts several parts on a bed, none in another's way.
//!
//! A part is what its convex hull is from above. Where a part may not stand because of another is a convex polygon too:
//! the other's hull grown by the part's turned hull (their Minkowski sum) and by the gap. So whether a place is free is
//! asked of a point and polygons, exactly; and the corners of these polygons are where parts touch, which are the places
//! worth trying. Of the free ones that nearest to the middle of the bed is taken, larger parts first.

use crate::{Aabb, Point, Vector, cross};
use rayon::prelude::*;

/// Corners of the polygon around the disc of the gap: with 16 no gap is more than 2 % wider than asked for.
const ROUND: usize = 16;
/// Places that are this far inside of a forbidden polygon are in it, mm: those on its rim are free.
const INSIDE: f64 = 1e-7;

/// Returns for each part by how much to shift it so that it stands on the bed, at least `gap` mm from all others that
/// do; `None` where there is no room left. Hulls and bed are convex and run counter-clockwise, mm.
///
/// The same parts on the same bed always come out in the same places. Copies cost the square of their number times the
/// corners of the hull; every other shape begins anew.
pub fn arrange(hulls: &[Vec<Point>], bed: &[Point], gap: f64) -> Vec<Option<Vector>> {
    let mut order: Vec<usize> = (0..hulls.len()).collect();
    order.sort_by(|a, b| area(&hulls[*b]).total_cmp(&area(&hulls[*a])).then(a.cmp(b)));
    let mut out: Vec<Option<Vector>> = vec![None; hulls.len()];
    let mut field: Option<Field<'_>> = None;
    for (done, &i) in order.iter().enumerate() {
        // Copies go on with the places that were left over.
        let mut now = match field.take() {
            Some(field) if *field.hull == hulls[i] => field,
            _ => {
                let mut field = Field::new(bed, &hulls[i], gap);
                let placed = order[..done].iter().filter_map(|&j| Some((&hulls[j], out[j]?)));
                placed.for_each(|(other, at)| field.take_up(other, at));
                field
            }
        };
        out[i] = now.best();
        if let Some(at) = out[i] {
            now.take_up(&hulls[i], at);
        }
        field = Some(now);
    }
    out
}

/// Where a part of one shape can still stand.
struct Field<'a> {
    hull: &'a [Point],
    gap: f64,
    /// Where it is on the bed.
    room: Vec<Point>,
    wish: Vector,
    taken: Vec<Taken>,
    /// Free places worth trying.
    free: Vec<Point>,
}

impl<'a> Field<'a> {
    fn new(bed: &[Point], hull: &'a [Point], gap: f64) -> Self {
        let room = room(bed, hull);
        let wish = centre(bed) - centre(hull);
        let mut free = room.clone();
        free.extend(is_inside(&room, Point::from(wish)).then(|| Point::from(wish)));
        Field { hull, gap, room, wish, taken: Vec::new(), free }
    }

    /// Notes that another part stands at `at`.
    fn take_up(&mut self, other: &[Point], at: Vector) {
        let taken = Taken::new(other, at, self.hull, self.gap);
        self.free.retain(|p| !taken.has(*p));
        let fresh: Vec<Point> = places(&self.room, &taken, Point::from(self.wish))
            .into_par_iter()
            .filter(|p| is_inside(&self.room, *p) && !self.taken.iter().any(|t| t.has(*p)))
            .collect();
        self.free.extend(fresh);
        self.taken.push(taken);
    }

    /// Returns the free place nearest to the wish; of equally near ones, but for rounding, the lowest and leftmost.
    fn best(&self) -> Option<Vector> {
        let far = |v: &Vector| ((v - self.wish).norm_squared() * 1e6).round();
        let order = |a: &Vector, b: &Vector| {
            far(a).total_cmp(&far(b)).then(a.y.total_cmp(&b.y)).then(a.x.total_cmp(&b.x))
        };
        if self.room.is_empty() { None } else { self.free.iter().map(|p| p.coords).min_by(order) }
    }
}

/// Where a part may not stand because of another.
struct Taken {
    polygon: Vec<Point>,
    bounds: Aabb,
}

impl Taken {
    fn new(other: &[Point], at: Vector, hull: &[Point], gap: f64) -> Taken {
        let turned: Vec<Point> = hull.iter().map(|p| -*p).collect();
        let radius = gap.max(0.0) / (std::f64::consts::PI / ROUND as f64).cos();
        let corner = |i: usize| {
            let angle = std::f64::consts::TAU * i as f64 / ROUND as f64;
            Point::new(radius * angle.cos(), radius * angle.sin())
        };
        let disc: Vec<Point> = (0..if gap > 0.0 { ROUND } else { 1 }).map(corner).collect();
        let mut polygon = sum(&sum(other, &turned), &disc);
        for p in &mut polygon {
            *p += at;
        }
        let mut bounds = Aabb { min: polygon[0], max: polygon[0] };
        for p in &polygon {
            bounds = Aabb { min: bounds.min.inf(p), max: bounds.max.sup(p) };
        }
        Taken { polygon, bounds }
    }

    fn has(&self, p: Point) -> bool {
        let Aabb { min, max } = self.bounds;
        let in_box = p.x > min.x && p.x < max.x && p.y > min.y && p.y < max.y;
        in_box
            && sides(&self.polygon).all(|(a, b)| {
                let along = b - a;
                cross(along, p - a) > INSIDE * along.norm()
            })
    }
}

fn sides(polygon: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    (0..polygon.len()).map(|i| (polygon[i], polygon[(i + 1) % polygon.len()]))
}

fn is_inside(polygon: &[Point], p: Point) -> bool {
    sides(polygon).all(|(a, b)| cross(b - a, p - a) >= -INSIDE * (b - a).norm())
}

/// Returns the places that a part makes worth trying: corners of what it takes, where its sides cross those of the
/// room, and where they come nearest to the wish.
fn places(room: &[Point], taken: &Taken, wish: Point) -> Vec<Point> {
    let mut out = taken.polygon.clone();
    for (a, b) in sides(&taken.polygon) {
        out.extend(sides(room).filter_map(|(c, d)| crossing(a, b, c, d)));
        out.push(nearest(a, b, wish));
    }
    out
}

fn nearest(a: Point, b: Point, p: Point) -> Point {
    let along = b - a;
    let t = (p - a).dot(&along) / along.norm_squared();
    if t.is_finite() { a + along * t.clamp(0.0, 1.0) } else { a }
}

fn crossing(a: Point, b: Point, c: Point, d: Point) -> Option<Point> {
    let (one, other) = (b - a, d - c);
    let turn = cross(one, other);
    let t = cross(c - a, other) / turn;
    let u = cross(c - a, one) / turn;
    ((0.0..=1.0).contains(&t) && (0.0..=1.0).contains(&u)).then(|| a + one * t)
}

/// Returns twice the area.
fn area(polygon: &[Point]) -> f64 {
    sides(polygon).map(|(a, b)| cross(a.coords, b.coords)).sum()
}

/// Returns the middle of the box around a polygon.
fn centre(polygon: &[Point]) -> Point {
    let low = polygon.iter().fold(Point::new(f64::INFINITY, f64::INFINITY), |l, p| l.inf(p));
    let high = polygon.iter().fold(Point::new(f64::NEG_INFINITY, f64::NEG_INFINITY), |h, p| h.sup(p));
    if polygon.is_empty() { Point::origin() } else { nalgebra::center(&low, &high) }
}

/// Returns all sums of a place of one convex polygon and a place of another: their sides in order of direction.
fn sum(one: &[Point], other: &[Point]) -> Vec<Point> {
    let lowest = |p: &[Point]| {
        (0..p.len()).min_by(|a, b| p[*a].y.total_cmp(&p[*b].y).then(p[*a].x.total_cmp(&p[*b].x))).unwrap_or(0)
    };
    let (Some(_), Some(_)) = (one.first(), other.first()) else { return vec![Point::origin()] };
    let (start_a, start_b) = (lowest(one), lowest(other));
    let a = |i: usize| one[(start_a + i) % one.len()];
    let b = |i: usize| other[(start_b + i) % other.len()];
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::with_capacity(one.len() + other.len());
    while i < one.len() || j < other.len() {
        out.push(a(i) + b(j).coords);
        let turn = cross(a(i + 1) - a(i), b(j + 1) - b(j));
        let (step_a, step_b) = if i == one.len() {
            (0, 1)
        } else if j == other.len() {
            (1, 0)
        } else {
            (usize::from(turn >= 0.0), usize::from(turn <= 0.0))
        };
        i += step_a;
        j += step_b;
    }
    out
}

/// Returns by what shifts a part is wholly on the bed; empty when it never is.
fn room(bed: &[Point], hull: &[Point]) -> Vec<Point> {
    let far = bed.iter().chain(hull).map(|p| p.coords.abs().max()).fold(1.0, f64::max) * 4.0;
    let mut room =
        vec![Point::new(-far, -far), Point::new(far, -far), Point::new(far, far), Point::new(-far, far)];
    for (a, b) in sides(bed) {
        let along = b - a;
        // The part's corner that is first across this side.
        let Some(reach) = hull.iter().map(|p| cross(along, p.coords)).reduce(f64::min) else { return room };
        let side = |p: Point| cross(along, p - a) + reach;
        let mut kept = Vec::with_capacity(room.len() + 1);
        for (p, q) in sides(&room) {
            let (sp, sq) = (side(p), side(q));
            if sp >= 0.0 {
                kept.push(p);
            }
            if (sp > 0.0 && sq < 0.0) || (sp < 0.0 && sq > 0.0) {
                kept.push(p + (q - p) * (sp / (sp - sq)));
            }
        }
        room = kept;
    }
    room
}

#[cfg(test)]
mod tests {
    use super::super::hull::flat;
    use super::*;
    use proptest::prelude::*;

    fn square(size: f64) -> Vec<Point> {
        vec![Point::new(0.0, 0.0), Point::new(size, 0.0), Point::new(size, size), Point::new(0.0, size)]
    }

    /// Distance between convex polygons, corner to side: right for those that do not overlap.
    fn distance(one: &[Point], other: &[Point]) -> f64 {
        let from = |ps: &[Point], to: &[Point]| {
            let all = ps
                .iter()
                .flat_map(|p| sides(to).map(|(a, b)| (nearest(a, b, *p) - p).norm()).collect::<Vec<_>>());
            all.fold(f64::INFINITY, f64::min)
        };
        let overlaps =
            |a: &[Point], b: &[Point]| a.iter().any(|p| sides(b).all(|(s, e)| cross(e - s, p - s) > 1e-9));
        if overlaps(one, other) || overlaps(other, one) {
            0.0
        } else {
            from(one, other).min(from(other, one))
        }
    }

    fn shifted(hull: &[Point], by: Vector) -> Vec<Point> {
        hull.iter().map(|p| p + by).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn parts_keep_their_distance_and_stay_on_the_bed(
            parts in prop::collection::vec(prop::collection::vec(prop::array::uniform2(0.0..30.0_f64), 3..9), 1..9),
            gap in 0.0..5.0_f64,
        ) {
            let hulls: Vec<Vec<Point>> = parts.iter().map(|p| flat(p.iter().map(|c| Point::from(*c)))).collect();
            prop_assume!(hulls.iter().all(|h| h.len() > 2));
            let bed = square(100.0);
            let out = arrange(&hulls, &bed, gap);
            let placed: Vec<Vec<Point>> =
                hulls.iter().zip(&out).filter_map(|(h, at)| Some(shifted(h, (*at)?))).collect();
            // Nine of 30 x 30 fit with room to spare.
            prop_assert_eq!(placed.len(), hulls.len());
            for (i, one) in placed.iter().enumerate() {
                prop_assert!(one.iter().all(|p| is_inside(&bed, *p)));
                for other in &placed[..i] {
                    prop_assert!(distance(one, other) > gap - 1e-6, "{} of {}", distance(one, other), gap);
                }
            }
            prop_assert_eq!(arrange(&hulls, &bed, gap), out);
        }
    }

    #[test]
    fn a_single_part_stands_in_the_middle_and_too_many_are_left_over() {
        let bed = square(100.0);
        let one = arrange(&[square(20.0)], &bed, 2.0);
        assert_eq!(one, [Some(Vector::new(40.0, 40.0))]);
        // Sixteen of 20 mm fit with gaps of 5; there cannot be more than 16.
        let many = arrange(&vec![square(20.0); 30], &bed, 5.0);
        let placed = many.iter().flatten().count();
        assert!((9..=16).contains(&placed), "{placed}");
        assert_eq!(arrange(&[square(101.0)], &bed, 0.0), [None]);
        // The other way round: it fits exactly.
        assert_eq!(arrange(&[square(100.0)], &bed, 0.0), [Some(Vector::new(0.0, 0.0))]);
    }

    #[test]
    fn a_round_bed_is_as_good_as_a_square_one() {
        let round: Vec<Point> = (0..64)
            .map(|i| f64::from(i) * std::f64::consts::TAU / 64.0)
            .map(|a| Point::new(50.0 * a.cos(), 50.0 * a.sin()))
            .collect();
        let out = arrange(&vec![square(20.0); 4], &round, 4.0);
        for at in out {
            assert!(shifted(&square(20.0), at.expect("room for four")).iter().all(|p| is_inside(&round, *p)));
        }
    }

    #[test]
    fn sums_of_squares_are_squares() {
        let both = sum(&square(2.0), &square(3.0));
        assert_eq!(flat(both.iter().copied()), square(5.0));
        assert_eq!(area(&both), 50.0);
    }
}
