//! Reading meshes: binary STL, STL and OBJ as text, 3MF.
//!
//! Measured on 4 cores that were busy with other work (load 12 to 19), so CPU time is what counts: binary STL of 10,000,
//! 100,000, 1 and 10 million facets takes 1.2, 9.5, 103 and 1,050 ms of CPU, mapped and with every page given back at
//! once, which costs half of it; 68 ms were seen for 1.3 million with pages kept. The limit is memory: a facet is 50
//! bytes of file, of which 36 are looked at; 6 bytes of indices and 7 of places are written, read, and become 12 bytes of
//! indices and 12 of places: about 100 bytes a facet, 10 ms for a million at 10 GB/s on all cores (assumed, not
//! measured). Instructions: 600 a facet, most of them hashing three corners twice and looking them up.

use divan::{Bencher, counter::BytesCount};
use shop_formats::mesh::{ReadOptions, read};
use shop_report::SourceId;
use std::fmt::Write as _;

fn main() {
    divan::main();
}

/// Returns the corners of a wavy sheet of about `n` facets, row by row, and its facets.
fn sheet(n: usize) -> (Vec<[f32; 3]>, Vec<[usize; 3]>) {
    let side = ((n / 2) as f64).sqrt() as usize + 1;
    let height = |x: usize, y: usize| ((x as f32 * 0.1).sin() + (y as f32 * 0.07).cos()) * 3.0;
    let corner = |i: usize| [(i % side) as f32 * 0.3, (i / side) as f32 * 0.3, height(i % side, i / side)];
    let mut facets = Vec::new();
    for y in 0..side - 1 {
        for x in 0..side - 1 {
            let a = y * side + x;
            facets.extend([[a, a + 1, a + side + 1], [a, a + side + 1, a + side]]);
        }
    }
    ((0..side * side).map(corner).collect(), facets)
}

fn bench(bencher: Bencher<'_, '_>, bytes: &[u8]) {
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| read(SourceId(0), bytes, &ReadOptions::default()));
}

#[divan::bench(args = [10_000, 100_000, 1_000_000, 10_000_000], max_time = 3)]
fn stl_binary(bencher: Bencher<'_, '_>, n: usize) {
    let (points, facets) = sheet(n);
    let mut bytes = vec![0; 80];
    bytes.extend((facets.len() as u32).to_le_bytes());
    for facet in facets {
        bytes.extend([0; 12]);
        bytes.extend(facet.iter().flat_map(|i| points[*i]).flat_map(f32::to_le_bytes));
        bytes.extend([0; 2]);
    }
    bench(bencher, &bytes);
}

#[divan::bench(args = [10_000, 100_000, 1_000_000], max_time = 3)]
fn stl_text(bencher: Bencher<'_, '_>, n: usize) {
    let (points, facets) = sheet(n);
    let mut text = String::from("solid sheet\n");
    for facet in facets {
        text.push_str("  facet normal 0 0 1\n    outer loop\n");
        for [x, y, z] in facet.map(|i| points[i]) {
            let _ = writeln!(text, "      vertex {x:e} {y:e} {z:e}");
        }
        text.push_str("    endloop\n  endfacet\n");
    }
    text.push_str("endsolid sheet\n");
    bench(bencher, text.as_bytes());
}

#[divan::bench(args = [10_000, 100_000, 1_000_000], max_time = 3)]
fn obj(bencher: Bencher<'_, '_>, n: usize) {
    let (points, facets) = sheet(n);
    let mut text = String::new();
    for [x, y, z] in points {
        let _ = writeln!(text, "v {x} {y} {z}");
    }
    for [a, b, c] in facets {
        let _ = writeln!(text, "f {} {} {}", a + 1, b + 1, c + 1);
    }
    bench(bencher, text.as_bytes());
}

#[divan::bench(args = [10_000, 100_000, 1_000_000], max_time = 3)]
fn threemf(bencher: Bencher<'_, '_>, n: usize) {
    let (points, facets) = sheet(n);
    let mut text = String::from("<model unit=\"millimeter\"><resources><object id=\"1\"><mesh><vertices>\n");
    for [x, y, z] in points {
        let _ = writeln!(text, "<vertex x=\"{x}\" y=\"{y}\" z=\"{z}\"/>");
    }
    text.push_str("</vertices><triangles>\n");
    for [a, b, c] in facets {
        let _ = writeln!(text, "<triangle v1=\"{a}\" v2=\"{b}\" v3=\"{c}\"/>");
    }
    text.push_str("</triangles></mesh></object></resources><build><item objectid=\"1\"/></build></model>");
    bench(bencher, &package("3D/3dmodel.model", text.as_bytes()));
}

/// Returns a package of one entry; its directory is left out, which the reader gets over.
fn package(name: &str, bytes: &[u8]) -> Vec<u8> {
    let packed = miniz_oxide::deflate::compress_to_vec(bytes, 6);
    let mut out = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0".to_vec();
    out.extend(crc32fast::hash(bytes).to_le_bytes());
    out.extend((packed.len() as u32).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend((name.len() as u16).to_le_bytes());
    out.extend([0, 0]);
    out.extend(name.as_bytes());
    out.extend(packed);
    out
}
