//! Damage of every kind done to sound solids, alone and together, and what mending makes of it.

use proptest::prelude::*;
use shop_geom::Point;
use shop_geom::mesh::repair::{Findings, Limits, repair};
use shop_geom::mesh::{Mesh, Point3, Transform, Vector3, polygon};

/// Returns the prism over a contour that runs counter-clockwise, its walls cut into `steps` storeys.
fn prism(contour: &[Point], height: f64, steps: u32) -> Mesh {
    let n = contour.len() as u32;
    let mut mesh = Mesh::default();
    for step in 0..=steps {
        let z = height * f64::from(step) / f64::from(steps);
        mesh.points.extend(contour.iter().map(|p| Point3::new(p.x, p.y, z)));
    }
    for step in 0..steps {
        for i in 0..n {
            let (a, b) = (step * n + i, step * n + (i + 1) % n);
            mesh.triangles.extend([[a, b, b + n], [a, b + n, a + n]]);
        }
    }
    let floor: Vec<Point3> = mesh.points[..n as usize].to_vec();
    let top = steps * n;
    polygon::triangles(&floor, |[a, b, c]| mesh.triangles.extend([[a, c, b], [top + a, top + b, top + c]]));
    mesh
}

/// A star of `arms` arms, 20 mm across: corners that stick out and corners that do not.
fn star(arms: u32) -> Mesh {
    let corner = |i: u32| {
        let (radius, angle) = (
            if i.is_multiple_of(2) { 10.0 } else { 6.0 },
            f64::from(i) * std::f64::consts::PI / f64::from(arms),
        );
        Point::new(radius * angle.cos(), radius * angle.sin())
    };
    let contour: Vec<Point> = (0..2 * arms).map(corner).collect();
    prism(&contour, 8.0, 5).transformed(&Transform::turn(Vector3::new(1.0, 2.0, 0.5), 0.4))
}

fn mended(mesh: &Mesh) -> (Mesh, Findings) {
    let mut out = mesh.welded();
    let found = repair(&mut out, &Limits::default());
    (out, found)
}

/// What was done: the counts in the order of the repair.
fn counts(f: &Findings) -> [usize; 8] {
    [f.needles, f.doubles, f.joined, f.turned, f.fins, f.holes_filled, f.holes_left, f.inverted]
}

fn is_near(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within * b.abs()
}

/// Every corner a point of its own, as STL has it.
fn loose(mesh: &Mesh) -> Mesh {
    let points: Vec<Point3> = mesh.triangles.iter().flat_map(|t| mesh.corners(*t)).collect();
    let triangles = (0..mesh.triangles.len() as u32).map(|i| [3 * i, 3 * i + 1, 3 * i + 2]).collect();
    Mesh { points, triangles }
}

fn pick(seed: u64, i: usize) -> u64 {
    // The finaliser of SplitMix64.
    let mut z = seed.wrapping_add((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn shuffle(mesh: &mut Mesh, seed: u64) {
    for i in (1..mesh.triangles.len()).rev() {
        mesh.triangles.swap(i, (pick(seed, i) % (i as u64 + 1)) as usize);
    }
}

#[test]
fn a_sound_mesh_stays_as_it_is() {
    for arms in [3, 5, 12] {
        let mesh = star(arms).welded();
        let (out, found) = mended(&mesh);
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(out, mesh);
        assert_eq!((found.shells, found.diagnostics("")), (1, vec![]));
    }
    let nothing = mended(&Mesh::default());
    assert!(nothing.1.is_sound() && nothing.0.triangles.is_empty());
}

#[test]
fn a_solid_turned_inside_out_is_turned_back() {
    let mut mesh = star(4);
    mesh.triangles.iter_mut().for_each(|t| t.swap(0, 1));
    let (out, found) = mended(&mesh);
    assert_eq!(counts(&found), [0, 0, 0, 0, 0, 0, 0, 1]);
    assert!(is_near(out.volume(), star(4).volume(), 1e-9));
    assert_eq!(found.diagnostics("x")[0].code, "mesh/inverted-shells");
}

#[test]
fn fins_are_taken_off_and_not_the_body() {
    let mut mesh = star(6);
    let sound = mesh.clone();
    for i in 0..10 {
        let [a, b, c] = mesh.triangles[i * 7];
        let tip = mesh.points.len() as u32;
        let away = mesh.points[c as usize].coords * 2.0;
        mesh.points.push(Point3::from(mesh.points[a as usize].coords + away));
        mesh.triangles.push([a, b, tip]);
        // Some are of two triangles.
        if i % 2 == 0 {
            mesh.points.push(Point3::from(mesh.points[b as usize].coords + away));
            mesh.triangles.push([b, tip + 1, tip]);
        }
    }
    let (out, found) = mended(&mesh);
    assert_eq!(found.fins, 15, "{found:?}");
    assert_eq!((out.triangles.len(), found.holes_filled), (sound.triangles.len(), 0));
    assert!(is_near(out.volume(), sound.volume(), 1e-12));
}

#[test]
fn a_missing_floor_is_filled_and_a_missing_half_is_said() {
    let contour: Vec<Point> = (0..200)
        .map(|i| f64::from(i) * std::f64::consts::TAU / 200.0)
        .map(|a| Point::new(9.0 * a.cos(), 9.0 * a.sin()))
        .collect();
    let whole = prism(&contour, 5.0, 2);
    let mut open = whole.clone();
    open.triangles.retain(|t| {
        open.points[t[0] as usize].z + open.points[t[1] as usize].z + open.points[t[2] as usize].z > 0.0
    });
    let (out, found) = mended(&open);
    assert_eq!((found.holes_filled, found.triangles_added, found.holes_left), (1, 198, 0));
    assert!(is_near(out.volume(), whole.volume(), 1e-9));
    assert!(is_near(found.area_added, whole.volume() / 5.0, 1e-9));

    // A wavy rim of 200 edges is no floor.
    let mut wavy = open.clone();
    for (i, p) in wavy.points[..200].iter_mut().enumerate() {
        p.z = (i as f64).sin();
    }
    let (out, found) = mended(&wavy);
    assert_eq!((found.holes_filled, found.holes_left, found.open_edges), (0, 1, 200));
    assert_eq!(out.triangles.len(), wavy.triangles.len());
    assert_eq!(found.diagnostics("")[0].code, "mesh/holes-left");
}

#[test]
fn a_sheet_encloses_nothing_and_says_so() {
    let mut sheet = star(3);
    sheet.triangles.truncate(8);
    let (_, found) = mended(&sheet);
    assert!(!found.is_sound());
    let one = Mesh { points: sheet.points.clone(), triangles: vec![sheet.triangles[0]] };
    let codes: Vec<_> = mended(&one).1.diagnostics("").iter().map(|d| d.code).collect();
    assert_eq!(codes, ["mesh/holes-filled", "mesh/no-volume"]);
}

#[test]
fn a_band_with_one_side_is_said_to_be_one() {
    let n = 12;
    let mut mesh = Mesh::default();
    for i in 0..n {
        let (a, half) = (
            f64::from(i) * std::f64::consts::TAU / f64::from(n),
            f64::from(i) * std::f64::consts::PI / f64::from(n),
        );
        for side in [-1.0, 1.0] {
            let r = 10.0 + side * half.cos();
            mesh.points.push(Point3::new(r * a.cos(), r * a.sin(), side * half.sin()));
        }
    }
    for i in 0..n as u32 {
        let next = |k: u32| if i + 1 < n as u32 { 2 * (i + 1) + k } else { 1 - k };
        mesh.triangles.extend([[2 * i, 2 * i + 1, next(0)], [2 * i + 1, next(1), next(0)]]);
    }
    let (_, found) = mended(&mesh);
    assert!(found.one_sided > 0, "{found:?}");
    assert!(found.diagnostics("").iter().any(|d| d.code == "mesh/one-sided"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tenth_turned_and_shuffled_gives_the_solid_back(arms in 3_u32..9, seed in any::<u64>()) {
        let mut mesh = loose(&star(arms));
        let mut turned = 0;
        for i in 0..mesh.triangles.len() {
            if pick(seed, i).is_multiple_of(10) {
                mesh.triangles[i].swap(0, 1);
                turned += 1;
            }
        }
        shuffle(&mut mesh, seed);
        let (out, found) = mended(&mesh);
        prop_assert_eq!(counts(&found), [0, 0, 0, turned, 0, 0, 0, 0]);
        prop_assert!(is_near(out.volume(), star(arms).volume(), 1e-12));
    }

    #[test]
    fn loose_corners_that_almost_meet_are_joined(arms in 3_u32..9, seed in any::<u64>()) {
        let mut mesh = loose(&star(arms));
        for (i, p) in mesh.points.iter_mut().enumerate() {
            for axis in 0..3 {
                p[axis] += 0.002 * (pick(seed, 3 * i + axis) as f64 / u64::MAX as f64 * 2.0 - 1.0);
            }
        }
        shuffle(&mut mesh, seed);
        let sound = star(arms);
        let (out, found) = mended(&mesh);
        prop_assert_eq!(out.triangles.len(), sound.triangles.len());
        prop_assert_eq!(found.joined, 3 * sound.triangles.len() - sound.points.len());
        prop_assert_eq!((found.holes_filled, found.holes_left, found.shells), (0, 0, 1));
        prop_assert!(is_near(out.volume(), sound.volume(), 1e-3));
    }

    /// Facets that do not touch one another are missing; each hole is a triangle and gets it back.
    #[test]
    fn missing_facets_come_back(arms in 3_u32..9, seed in any::<u64>()) {
        let sound = star(arms).welded();
        let mut mesh = sound.clone();
        let mut near = vec![false; mesh.points.len()];
        let mut missing = Vec::new();
        for i in 0..6 {
            let at = (pick(seed, i) % mesh.triangles.len() as u64) as usize;
            let t = mesh.triangles[at];
            if t.iter().all(|p| !near[*p as usize]) {
                for p in t {
                    near[p as usize] = true;
                }
                missing.push(at);
            }
        }
        missing.sort_unstable();
        for at in missing.iter().rev() {
            mesh.triangles.remove(*at);
        }
        let (out, found) = mended(&mesh);
        prop_assert_eq!(found.holes_filled, missing.len());
        prop_assert_eq!(out.triangles.len(), sound.triangles.len());
        prop_assert!(is_near(out.volume(), sound.volume(), 1e-12));
    }

    /// Everything at once; and what is mended needs no mending.
    #[test]
    fn what_is_mended_is_sound(arms in 3_u32..9, seed in any::<u64>(), mut damage in 0_u32..64) {
        let sound = star(arms);
        let mut mesh = sound.clone();
        let n = mesh.triangles.len();
        let at = |i: usize| (pick(seed, i) % n as u64) as usize;
        if damage & 1 > 0 {
            (0..5).for_each(|i| mesh.triangles[at(i)].swap(0, 2));
        }
        if damage & 2 > 0 {
            for i in 5..15 {
                let [a, b, _] = mesh.triangles[at(i)];
                let middle = nalgebra::center(&mesh.points[a as usize], &mesh.points[b as usize]);
                mesh.points.push(middle);
                mesh.triangles.push([a, b, mesh.points.len() as u32 - 1]);
                mesh.triangles.push([a, a, b]);
            }
        }
        if damage & 4 > 0 {
            (15..20).for_each(|i| mesh.triangles.push(mesh.triangles[at(i)]));
        }
        if damage & 8 > 0 {
            let [a, b, c] = mesh.triangles[at(20)];
            mesh.points.push(Point3::from(mesh.points[c as usize].coords * 1.5));
            mesh.triangles.push([a, b, mesh.points.len() as u32 - 1]);
        }
        // A fin at the rim of a hole is a part of the surface to anyone who looks.
        let apart = |a: [u32; 3], b: [u32; 3]| a.iter().all(|i| !b.contains(i));
        if damage & 16 > 0 && (damage & 8 == 0 || apart(mesh.triangles[at(20)], mesh.triangles[at(21)])) {
            mesh.triangles.swap_remove(at(21));
        } else if damage & 16 > 0 {
            damage &= !16;
        }
        if damage & 32 > 0 {
            let other = star(arms).transformed(&Transform::shift(30.0, 0.0, 0.0));
            mesh.append(&other);
            shuffle(&mut mesh, seed);
        }
        let (out, found) = mended(&mesh);
        prop_assert_eq!(found.is_sound(), damage & !32 == 0, "{:?}", found);
        prop_assert_eq!(found.holes_left, 0);
        let bodies = if damage & 32 > 0 { 2.0 } else { 1.0 };
        prop_assert!(is_near(out.volume(), bodies * sound.volume(), 2e-2), "{} {} {:?}", out.volume(), sound.volume(), found);
        let mut again = out.clone();
        let second = repair(&mut again, &Limits::default());
        prop_assert!(second.is_sound(), "{:?} after {:?}", second, found);
        prop_assert_eq!(again, out);
    }

    #[test]
    fn volume_goes_with_the_transform(
        linear in prop::array::uniform9(-2.0..2.0_f64),
        shift in prop::array::uniform3(-50.0..50.0_f64),
    ) {
        let by = Transform { linear: nalgebra::Matrix3::from_row_slice(&linear), offset: shift.into() };
        let mesh = star(5);
        let moved = mesh.clone().transformed(&by);
        let expected = mesh.volume() * by.volume_factor().abs();
        prop_assert!((moved.volume() - expected).abs() < 1e-9 * (1.0 + expected.abs()) * 10.0);
    }

    #[test]
    fn the_order_of_facets_does_not_matter(arms in 3_u32..9, seed in any::<u64>()) {
        let mesh = loose(&star(arms));
        let mut other = mesh.clone();
        shuffle(&mut other, seed);
        let (one, other) = (mesh.welded(), other.welded());
        prop_assert_eq!(one.points.len(), other.points.len());
        prop_assert_eq!(one.points.len(), star(arms).points.len());
        let facets = |m: &Mesh| {
            let mut all: Vec<[[u64; 3]; 3]> =
                m.triangles.iter().map(|t| m.corners(*t).map(|p| [p.x, p.y, p.z].map(f64::to_bits))).collect();
            all.sort_unstable();
            all
        };
        prop_assert_eq!(facets(&one), facets(&other));
    }
}
