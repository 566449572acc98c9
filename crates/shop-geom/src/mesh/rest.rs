//! On which side a part had best stand.
//!
//! A part stands on a face of its convex hull. For the largest of these faces it is worked out how much air there is
//! under overhangs (what supports would fill), how much of the part touches the bed, and whether it stands by itself:
//! its centre of mass is above what it stands on.

use super::{Mesh, Point3, Transform, Vector3, hull};
use crate::cross;
use rayon::prelude::*;

/// Faces that are looked at, from the largest on.
const CANDIDATES: usize = 24;
/// Hull facets whose directions differ by less are one face: cosine of a tenth of a degree.
const SAME_FACE: f64 = 0.999_998_477;
/// Directions of facets are right to this, radians: corners of a part of 100 mm are rounded to a few millionths of it.
const ROUNDING: f64 = 1e-5;
/// The hull is right to this, mm: a face of 10 mm is then right to the direction of a thirtieth of a degree.
const HULL: f64 = 0.005;
/// What is this close to the bed touches it, mm.
const TOUCHES: f64 = 0.02;
/// A part that touches the bed with this share of its shadow holds.
const ENOUGH: f64 = 0.25;
/// Overhangs steeper than this from the horizontal hold themselves: sine of the angle between surface and vertical, 45°.
const OVERHANG: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// A way for a part to stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rest {
    /// Turns the part so, and puts its lowest point at height zero.
    pub place: Transform,
    /// What touches the bed, mm².
    pub contact: f64,
    /// What it covers seen from above, mm²: the hull of its shadow.
    pub shadow: f64,
    /// Air under overhangs down to the bed, mm³.
    pub air: f64,
    /// How high the part is then, mm.
    pub height: f64,
    /// It does not tip over.
    pub stable: bool,
}

/// Returns the ways in which a part can stand, the best first: those that stand by themselves before others, then by
/// what speaks against them, air by the part's volume and a half for a part that touches the bed with next to nothing.
/// Of equally good ones, to a hundredth, the lower one, and then the one for which the part is turned least. A part
/// without volume has none.
pub fn rests(mesh: &Mesh) -> Vec<Rest> {
    let corners = hull::solid(&mesh.points, HULL);
    let volume = mesh.volume();
    if corners.is_empty() || volume <= 0.0 {
        return Vec::new();
    }
    let middle = centre_of_mass(mesh);
    let faces = faces(&mesh.points, &corners);
    let mut rests: Vec<Rest> =
        faces.par_iter().map(|face| settled(mesh, &corners, face.direction, middle)).collect();
    let against = |r: &Rest| {
        let loose = 1.0 - (r.contact / (ENOUGH * r.shadow).max(f64::MIN_POSITIVE)).min(1.0);
        (100.0 * (r.air / volume + 0.5 * loose)).round()
    };
    rests.sort_by(|a, b| {
        let by = b.stable.cmp(&a.stable).then(against(a).total_cmp(&against(b)));
        let low = (a.height * 100.0).round().total_cmp(&(b.height * 100.0).round());
        by.then(low).then(b.place.linear.trace().total_cmp(&a.place.linear.trace()))
    });
    rests
}

/// Returns how to turn a part so that it stands best; leaves it as it is, on the bed, when nothing can be said.
pub fn lay_flat(mesh: &Mesh) -> Transform {
    let on_bed = || Transform::shift(0.0, 0.0, -mesh.bounds().map_or(0.0, |(low, _)| low.z));
    rests(mesh).first().map_or_else(on_bed, |best| best.place)
}

/// Returns the centre of mass of a solid (the mean of the tetrahedra to one point, by their volume).
pub fn centre_of_mass(mesh: &Mesh) -> Point3 {
    let Some(&at) = mesh.points.first() else { return Point3::origin() };
    let (mut six, mut sum) = (0.0, Vector3::zeros());
    for &t in &mesh.triangles {
        let [a, b, c] = mesh.corners(t).map(|p| p - at);
        let volume = a.dot(&b.cross(&c));
        six += volume;
        sum += volume * (a + b + c);
    }
    if six == 0.0 { at } else { at + sum / (4.0 * six) }
}

/// A face of the hull.
struct Face {
    /// Outward, of length one.
    direction: Vector3,
    area: f64,
}

/// Returns the largest faces of the hull.
fn faces(points: &[Point3], hull: &[[u32; 3]]) -> Vec<Face> {
    let mut facets: Vec<Face> = hull
        .iter()
        .filter_map(|&t| {
            let normal = hull::normal(points, t);
            let direction = normal.try_normalize(0.0)?;
            Some(Face { direction, area: normal.norm() / 2.0 })
        })
        .collect();
    facets.sort_by(|a, b| b.area.total_cmp(&a.area));
    let mut faces: Vec<Face> = Vec::new();
    // A facet belongs to the largest one that looks the same way. What is not among the first few hundred is no face to
    // stand on.
    for facet in facets {
        match faces.iter().position(|f| f.direction.dot(&facet.direction) > SAME_FACE) {
            Some(same) => faces[same].area += facet.area,
            None if faces.len() < 512 => faces.push(facet),
            None => {}
        }
    }
    faces.sort_by(|a, b| b.area.total_cmp(&a.area));
    faces.truncate(CANDIDATES);
    faces
}

/// Returns how a part stands on a face of its hull. The hull is right to some micrometres only, so the direction of the
/// largest facet that touches the bed is tried too, or that of the axis of the file from which it differs by rounding
/// alone, and the first is taken with which as much touches the bed as with any.
fn settled(mesh: &Mesh, hull: &[[u32; 3]], down: Vector3, middle: Point3) -> Rest {
    let (by_hull, touching) = rest(mesh, hull, down, middle);
    let axes = [Vector3::x(), Vector3::y(), Vector3::z()];
    let facet = touching.try_normalize(0.0).filter(|f| f.dot(&down) > SAME_FACE);
    let meant = facet.unwrap_or(down);
    let same = |a: &Vector3| a.dot(&meant) > 0.0 && a.cross(&meant).norm() < ROUNDING;
    let axis = axes.into_iter().flat_map(|a| [a, -a]).find(same);
    let others = [axis, facet].into_iter().flatten().filter(|d| *d != down);
    let mut tried: Vec<Rest> = others.map(|d| rest(mesh, hull, d, middle).0).collect();
    tried.push(by_hull);
    let most = tried.iter().map(|r| r.contact).fold(0.0, f64::max);
    tried.into_iter().find(|r| r.contact >= 0.99 * most).unwrap_or(by_hull)
}

/// Returns how a part stands when `down` is below, and the direction of the largest facet that touches the bed then.
fn rest(mesh: &Mesh, hull: &[[u32; 3]], down: Vector3, middle: Point3) -> (Rest, Vector3) {
    let turn = Transform::turn_between(down, -Vector3::z());
    let turned = |i: u32| turn.apply(mesh.points[i as usize]);
    let on_hull = || hull.iter().flatten().map(|i| turned(*i));
    // Heights are those of all points: the hull leaves out what is hardly outside of it.
    let up = turn.linear.row(2);
    let heights = mesh.points.iter().map(|p| up[0] * p.x + up[1] * p.y + up[2] * p.z);
    let (low, high) = heights.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), z| (l.min(z), h.max(z)));
    let place = turn.then(&Transform::shift(0.0, 0.0, -low));
    let (mut contact, mut air, mut touching) = (0.0, 0.0, Vector3::zeros());
    for &t in &mesh.triangles {
        let [a, b, c] = t.map(|i| place.apply(mesh.points[i as usize]));
        let normal = (b - a).cross(&(c - a));
        if normal.z >= -OVERHANG * normal.norm() {
            continue;
        }
        let seen_from_below = -normal.z / 2.0;
        if a.z.max(b.z).max(c.z) <= TOUCHES {
            contact += seen_from_below;
            let own = hull::normal(&mesh.points, t);
            if own.norm_squared() > touching.norm_squared() {
                touching = own;
            }
        } else {
            air += seen_from_below * (a.z + b.z + c.z) / 3.0;
        }
    }
    let outline = hull::flat(on_hull().map(|p| p.xy()));
    let after = outline.iter().cycle().skip(1);
    let shadow = outline.iter().zip(after).map(|(a, b)| cross(a.coords, b.coords)).sum::<f64>() / 2.0;
    let feet = hull::flat(on_hull().filter(|p| p.z - low <= TOUCHES).map(|p| p.xy()));
    let above = turn.apply(middle).xy();
    let stable = feet.len() >= 3
        && (0..feet.len()).all(|i| {
            let (a, b) = (feet[i], feet[(i + 1) % feet.len()]);
            cross(b - a, above - a) > 0.0
        });
    (Rest { place, contact, shadow, air, height: high - low, stable }, touching)
}

#[cfg(test)]
mod tests {
    use super::super::polygon;
    use super::*;
    use proptest::prelude::*;

    /// Returns a contour in x and z, counter-clockwise seen from the front, drawn out to 30 mm in y.
    fn drawn_out(contour: &[[f64; 2]]) -> Mesh {
        let n = contour.len() as u32;
        let mut mesh = Mesh::default();
        for y in [0.0, 30.0] {
            mesh.points.extend(contour.iter().map(|[x, z]| Point3::new(*x, y, *z)));
        }
        for i in 0..n {
            let j = (i + 1) % n;
            mesh.triangles.extend([[i, i + n, j], [j, i + n, j + n]]);
        }
        let front = mesh.points[..n as usize].to_vec();
        polygon::triangles(&front, |[a, b, c]| mesh.triangles.extend([[a, b, c], [n + a, n + c, n + b]]));
        mesh
    }

    /// A table: a top of 40 mm, 4 thick, on a wall of 6, 20 high.
    fn table() -> Mesh {
        let profile = [
            [17.0, 0.0],
            [23.0, 0.0],
            [23.0, 20.0],
            [40.0, 20.0],
            [40.0, 24.0],
            [0.0, 24.0],
            [0.0, 20.0],
            [17.0, 20.0],
        ];
        drawn_out(&profile)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_table_stands_on_its_top_however_it_comes(
            axis in prop::array::uniform3(-1.0..1.0_f64),
            angle in 0.0..6.0_f64,
        ) {
            let come = Transform::turn(axis.into(), angle).then(&Transform::shift(5.0, -3.0, 40.0));
            let mesh = table().transformed(&come);
            on_its_top(&mesh)?;
        }
    }

    fn on_its_top(mesh: &Mesh) -> Result<(), TestCaseError> {
        let best = rests(mesh)[0];
        prop_assert!(best.stable);
        prop_assert!((best.contact - 1200.0).abs() < 1e-6 && best.air < 1e-6, "{:?}", best);
        prop_assert!((best.height - 24.0).abs() < 1e-9);
        let low = mesh.clone().transformed(&best.place).bounds().expect("points").0;
        prop_assert!(low.z.abs() < 1e-9);
        Ok(())
    }

    #[test]
    fn hardly_tilted_is_tilted() {
        for angle in [1e-4, 0.0005103672761141874, 0.0015] {
            let axis = Vector3::new(0.0, 0.42962640207605135, 0.9186074092245239);
            on_its_top(&table().transformed(&Transform::turn(axis, angle))).expect("on its top");
        }
    }

    #[test]
    fn air_is_what_is_under_overhangs() {
        let as_it_comes =
            rests(&table()).into_iter().find(|r| r.place.linear == nalgebra::Matrix3::identity());
        let rest = as_it_comes.expect("its foot is a face of the hull");
        assert!(
            (rest.contact - 180.0).abs() < 1e-9 && (rest.air - 34.0 * 30.0 * 20.0).abs() < 1e-6,
            "{rest:?}"
        );
        assert!(rest.stable);
    }

    #[test]
    fn what_would_tip_over_comes_last() {
        let leaning = drawn_out(&[[0.0, 0.0], [10.0, 0.0], [50.0, 60.0], [40.0, 60.0]]);
        let rests = rests(&leaning);
        let stable = rests.iter().take_while(|r| r.stable).count();
        assert!(stable > 0 && stable < rests.len());
        assert!(rests[stable..].iter().all(|r| !r.stable));
        assert!((centre_of_mass(&leaning) - Point3::new(25.0, 15.0, 30.0)).norm() < 1e-9);
    }

    #[test]
    fn nothing_stays_where_it_is() {
        assert_eq!(lay_flat(&Mesh::default()), Transform::IDENTITY);
        assert!(rests(&Mesh::default()).is_empty());
    }
}
