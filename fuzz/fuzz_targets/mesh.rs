//! Any bytes at all through a reader of meshes and the repair: no panic, no number that is not finite, no point that
//! does not exist, and what was mended needs no mending.
//!
//! The first byte chooses what the rest is taken for: as it is, or the model of a 3MF package made around it.
//! `cargo +nightly fuzz run mesh -- -max_len=65536 -rss_limit_mb=2048`, seeded with small meshes of every format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shop_formats::mesh::{ReadOptions, read};
use shop_geom::mesh::repair::{Limits, repair};
use shop_report::SourceId;

fuzz_target!(|bytes: &[u8]| {
    let packed;
    let bytes = match bytes.split_first() {
        Some((b'M', model)) => {
            packed = stored(&[(b"3D/3dmodel.model", model)]);
            &packed[..]
        }
        Some((b'A', model)) => {
            packed = stored(&[(b"a.amf", model)]);
            &packed[..]
        }
        _ => bytes,
    };
    let options = ReadOptions { max_triangles: 100_000, ..ReadOptions::default() };
    let scene = read(SourceId(0), bytes, &options).value;
    for object in scene.objects {
        assert!(!object.instances.is_empty() && !object.parts.is_empty());
        assert!(object.instances.iter().all(|i| i.is_finite()));
        for part in object.parts {
            let mut mesh = part.mesh;
            assert!(mesh.points.iter().all(|p| p.iter().all(|v| v.is_finite())));
            assert!(mesh.triangles.iter().flatten().all(|i| (*i as usize) < mesh.points.len()));
            let _ = repair(&mut mesh, &Limits::default());
            assert!(mesh.triangles.iter().flatten().all(|i| (*i as usize) < mesh.points.len()));
        }
    }
});

/// Returns a ZIP package of entries that are not deflated.
fn stored(files: &[(&[u8], &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut head = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        head.extend(crc(bytes).to_le_bytes());
        head.extend((bytes.len() as u32).to_le_bytes());
        head.extend((bytes.len() as u32).to_le_bytes());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(*name);
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(*name);
        out.extend(*bytes);
    }
    let (at, count) = (out.len() as u32, (files.len() as u16).to_le_bytes());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
    })
}
