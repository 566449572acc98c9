//! What lies around parts on the bed: brims where they are wanted, skirts around everything.

use crate::common::{Step, print_all, print_of, roads, roads_of};
use shop_geom::mesh::{Mesh, Point3};
use shop_print::Print;
use shop_print::model::Object;
use shop_print::settings::{Brim, Settings};

/// Corners of skirt and brim of every layer, mm.
fn laid(print: &Print) -> Vec<Vec<[f64; 2]>> {
    let ends = |layer: &Vec<Step>| layer.iter().map(Step::end).collect();
    roads_of(print, "Skirt/Brim").iter().map(ends).collect()
}

fn settings() -> Settings {
    Settings { center_x_mm: 0.0, center_y_mm: 0.0, skirt_loops: 0, ..Settings::default() }
}

/// A square tube: outside 30 mm wide, inside 16, 4 mm tall.
fn tube() -> Mesh {
    let mut mesh = Mesh::default();
    for half in [15.0, 8.0] {
        for z in [0.0, 4.0] {
            for (x, y) in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)] {
                mesh.points.push(Point3::new(half * x, half * y, z));
            }
        }
    }
    for i in 0..4u32 {
        let j = (i + 1) % 4;
        // Outside, inside, bottom, top: corners 0-3 low and 4-7 high outside, 8-11 and 12-15 inside.
        for quad in [
            [i, j, 4 + j, 4 + i],
            [8 + j, 8 + i, 12 + i, 12 + j],
            [j, i, 8 + i, 8 + j],
            [4 + i, 4 + j, 12 + j, 12 + i],
        ] {
            mesh.triangles.push([quad[0], quad[1], quad[2]]);
            mesh.triangles.push([quad[0], quad[2], quad[3]]);
        }
    }
    mesh
}

/// Returns how many of the places lie outside the tube, in its hole, and in its body.
fn sides(spots: &[[f64; 2]]) -> [usize; 3] {
    let mut count = [0; 3];
    for [x, y] in spots {
        let far = x.abs().max(y.abs());
        count[if far > 15.0 { 0 } else { 2 - usize::from(far < 8.0) }] += 1;
    }
    count
}

#[test]
fn a_brim_is_where_it_is_wanted() {
    let of = |brim_where| {
        let with = Settings { brim_mm: 3.0, brim_where, ..settings() };
        let layers = laid(&print_of(tube(), with));
        assert!(layers[1..].iter().all(Vec::is_empty));
        sides(&layers[0])
    };
    let [outer, inner, both, ears] = [Brim::Outer, Brim::Inner, Brim::Both, Brim::Ears].map(of);
    assert!(outer[0] > 20 && outer[1] == 0 && outer[2] == 0, "{outer:?}");
    assert!(inner[0] == 0 && inner[1] > 20 && inner[2] == 0, "{inner:?}");
    assert_eq!(both, [outer[0], inner[1], 0]);
    assert!(ears[0] > 20 && ears[1] == 0 && ears[2] == 0, "{ears:?}");
}

#[test]
fn ears_are_discs_at_corners() {
    let with = Settings { brim_mm: 4.0, brim_where: Brim::Ears, ..settings() };
    let spots = &laid(&print_of(tube(), with.clone()))[0];
    let mut farthest = 0.0f64;
    for [x, y] in spots {
        let from_corner = (x.abs() - 15.0).hypot(y.abs() - 15.0);
        assert!(from_corner < 4.0 + 0.3, "{from_corner}");
        farthest = farthest.max(from_corner);
    }
    assert!(farthest > 3.5);
    let sharper = Settings { brim_ear_angle_deg: 80.0, ..with };
    assert!(laid(&print_of(tube(), sharper))[0].is_empty());
}

#[test]
fn a_skirt_goes_around_all_objects_as_high_as_wanted() {
    let mut object = Object::of(tube());
    object.places = vec![[-40.0, 0.0], [40.0, 0.0]];
    let settings = Settings { skirt_loops: 1, skirt_layers: 3, skirt_mm: 5.0, ..settings() };
    let layers = laid(&print_all(vec![object], settings));
    for (i, spots) in layers.iter().enumerate() {
        assert_eq!(spots.is_empty(), i >= 3, "{i}");
        for [x, y] in spots {
            // One loop around both: nothing between them.
            let far = (x.abs() - 55.0).max(0.0).hypot((y.abs() - 15.0).max(0.0));
            assert!((5.0..5.4).contains(&far), "{x} {y}");
        }
    }
    assert_eq!(layers[0].len(), layers[2].len());
}

#[test]
fn a_part_stands_on_its_raft() {
    let with = Settings { raft_layers: 4, raft_margin_mm: 4.0, raft_gap_mm: 0.15, ..settings() };
    let plain = print_of(tube(), settings());
    let print = print_of(tube(), with.clone());
    assert_eq!(print.levels().len(), plain.levels().len() + 4);
    let rise = 0.2 * 4.0 + 0.15;
    for i in 0..plain.levels().len() {
        assert!((print.levels().top(i + 4) - plain.levels().top(i) - rise).abs() < 1e-9);
        assert!((print.levels().height(i + 4) - plain.levels().height(i)).abs() < 1e-9);
    }
    let layers = roads(&print);
    for (i, roads) in layers.iter().enumerate() {
        assert!(roads.iter().all(|s| s.kind.starts_with("Support") == (i < 4)), "{i}");
        let far = roads.iter().map(|s| s.to[0].abs().max(s.to[1].abs())).fold(0.0, f64::max);
        let edge = if i < 4 { 19.0 } else { 15.0 };
        assert!((far - edge).abs() < 0.3, "{i} {far}");
    }
    let length = |i: usize| -> f64 { layers[i].iter().map(Step::length).sum() };
    let pitch = with.pitch_mm();
    // The tube grown by 4 mm has no hole left beyond 8 mm.
    let area = 38.0 * 38.0 - 8.0 * 8.0;
    assert!((length(3) * pitch / area - 1.0).abs() < 0.04, "{}", length(3) * pitch / area);
    assert!(length(1) < 0.5 * length(3) && length(0) < 0.8 * length(3));
}
