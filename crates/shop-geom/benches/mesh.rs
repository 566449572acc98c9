//! Welding, mending, laying flat and arranging.
//!
//! Measured on 4 cores with a load of 12 to 19, so that one core's worth was left, fastest of several runs: welding
//! 1 million facets 83 ms, looking at a sound mesh of 1 million 60 ms and of 10 million 0.74 s (36 ms and 0.37 s of
//! CPU), mending one of a million with a tenth of its facets turned and a thousand missing 1.8 s. The limit is memory:
//! for welding, 36 bytes a facet are read, some 30 written and read again, and the result is 24; for a sound mesh, 12
//! bytes of indices and 12 of points are read three times. At 10 GB/s (assumed, not measured) that is 10 and 7 ms a
//! million; what costs is hashing and looking up, 600 and 300 instructions a facet.

use divan::{Bencher, counter::ItemsCount};
use shop_geom::mesh::repair::{Limits, repair};
use shop_geom::mesh::weld::{self, CHUNK_CORNERS, Single};
use shop_geom::mesh::{Mesh, Point3, arrange, hull, rest};
use shop_geom::{Point, mesh::Transform};

fn main() {
    divan::main();
}

/// Returns a bumpy ball of about `n` facets in rings from bottom to top, as marching programs write them.
fn ball(n: usize) -> Mesh {
    let rings = ((n / 4) as f64).sqrt().max(3.0) as u32;
    let around = rings * 2;
    let mut mesh = Mesh::default();
    for ring in 0..=rings {
        for i in 0..around {
            let (up, turn) = (
                std::f64::consts::PI * f64::from(ring) / f64::from(rings),
                std::f64::consts::TAU * f64::from(i) / f64::from(around),
            );
            let r = 40.0 + (7.0 * turn).sin() * (9.0 * up).sin();
            // Poles are one place each.
            let flat = if ring == 0 || ring == rings { 0.0 } else { up.sin() };
            mesh.points.push(Point3::new(r * flat * turn.cos(), r * flat * turn.sin(), -40.0 * up.cos()));
        }
    }
    for ring in 0..rings {
        for i in 0..around {
            let (a, b) = (ring * around + i, ring * around + (i + 1) % around);
            let (c, d) = (a + around, b + around);
            if ring > 0 {
                mesh.triangles.push([a, b, d]);
            }
            if ring + 1 < rings {
                mesh.triangles.push([a, d, c]);
            }
        }
    }
    mesh.welded()
}

#[divan::bench(args = [10_000, 100_000, 1_000_000, 10_000_000], max_time = 3)]
fn weld_facets(bencher: Bencher<'_, '_>, n: usize) {
    let mesh = ball(n);
    let facets: Vec<[Single; 3]> = mesh
        .triangles
        .iter()
        .map(|t| mesh.corners(*t).map(|p| weld::single([p.x as f32, p.y as f32, p.z as f32])))
        .collect();
    let chunks: Vec<&[[Single; 3]]> = facets.chunks(CHUNK_CORNERS / 3).collect();
    bencher
        .counter(ItemsCount::new(facets.len()))
        .bench(|| weld::weld(chunks.len(), |c, out: &mut Vec<[Single; 3]>| out.extend_from_slice(chunks[c])));
}

#[divan::bench(args = [10_000, 100_000, 1_000_000, 10_000_000], max_time = 3)]
fn mend_sound(bencher: Bencher<'_, '_>, n: usize) {
    let mut mesh = ball(n);
    bencher
        .counter(ItemsCount::new(mesh.triangles.len()))
        .bench_local(|| repair(&mut mesh, &Limits::default()));
}

/// A tenth of the facets turned, one of a thousand missing.
#[divan::bench(args = [10_000, 100_000, 1_000_000], max_time = 3)]
fn mend_broken(bencher: Bencher<'_, '_>, n: usize) {
    let mut mesh = ball(n);
    for t in mesh.triangles.iter_mut().step_by(10) {
        t.swap(0, 1);
    }
    let mut at = 0;
    mesh.triangles.retain(|_| {
        at += 1;
        at % 1000 != 0
    });
    bencher
        .counter(ItemsCount::new(mesh.triangles.len()))
        .with_inputs(|| mesh.clone())
        .bench_local_values(|mut mesh| repair(&mut mesh, &Limits::default()));
}

#[divan::bench(args = [10_000, 100_000, 1_000_000], max_time = 3)]
fn lay_flat(bencher: Bencher<'_, '_>, n: usize) {
    let mesh = ball(n).transformed(&Transform::scale(1.0, 0.7, 0.5));
    bencher.bench(|| rest::lay_flat(&mesh));
}

#[divan::bench(args = [4, 16, 64, 256], max_time = 3)]
fn arrange_copies(bencher: Bencher<'_, '_>, copies: usize) {
    let outline = hull::flat(ball(2000).points.iter().map(|p| Point::new(p.x / 8.0, p.y / 10.0)));
    let side = (copies as f64).sqrt() * 20.0 + 10.0;
    let bed =
        vec![Point::new(0.0, 0.0), Point::new(side, 0.0), Point::new(side, side), Point::new(0.0, side)];
    let hulls = vec![outline; copies];
    bencher.bench(|| arrange::arrange(&hulls, &bed, 4.0));
}
