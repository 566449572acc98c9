//! Binary STL: 80 bytes of anything, a count, and 50 bytes a facet: a normal that nobody needs, three corners in
//! single precision, two bytes of anything.
//!
//! Facets are decoded and welded chunk by chunk on all cores, straight from the bytes of the file.

use super::{FARTHEST, Scene, Talk};
use shop_geom::mesh::Mesh;
use shop_geom::mesh::weld::{CHUNK_CORNERS, Single, single, weld};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes before the first facet.
pub(super) const HEADER: usize = 84;
/// Bytes of a facet.
pub(super) const RECORD: usize = 50;
/// Facets that are decoded at a time.
const CHUNK: usize = CHUNK_CORNERS / 3;

/// Returns how many facets the file says it has, if it is long enough to say.
pub(super) fn facets_promised(bytes: &[u8]) -> Option<u32> {
    let count = bytes.get(80..HEADER)?;
    Some(u32::from_le_bytes([count[0], count[1], count[2], count[3]]))
}

/// Reads what facets there are; says of which bytes it is done with.
pub(super) fn read(bytes: &[u8], release: &(dyn Fn(Range<usize>) + Sync), talk: &mut Talk) -> Scene {
    let body = bytes.get(HEADER..).unwrap_or_default();
    let promised = facets_promised(bytes).unwrap_or(0) as usize;
    let there = body.len() / RECORD;
    let count = promised.min(there);
    if there < promised {
        let message = format!(
            "the file ends after {there} of {promised} facets{}",
            if body.len() % RECORD == 0 { "" } else { ", in the middle of one" }
        );
        talk.error("mesh/truncated", message, bytes.len(), bytes.len()).hint =
            Some("export or download the part again; what is there makes no whole part".into());
    } else if body.len() > promised * RECORD {
        let more = body.len() - promised * RECORD;
        let message = format!("{more} bytes follow the {promised} facets and are not read");
        talk.warn("mesh/trailing-bytes", message, HEADER + promised * RECORD, bytes.len());
    }
    let records = body[..count * RECORD].as_chunks::<RECORD>().0;
    let (broken, first_broken) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let (points, triangles) = weld(count.div_ceil(CHUNK), |chunk, out: &mut Vec<[Single; 3]>| {
        let (start, end) = (chunk * CHUNK, count.min((chunk + 1) * CHUNK));
        for (i, record) in records[start..end].iter().enumerate() {
            if let Some(facet) = corners(record) {
                out.push(facet);
            } else {
                broken.fetch_add(1, Ordering::Relaxed);
                first_broken.fetch_min(start + i, Ordering::Relaxed);
            }
        }
        release(HEADER + start * RECORD..HEADER + end * RECORD);
    });
    let broken = broken.into_inner();
    if broken > 0 {
        let at = HEADER + first_broken.into_inner() * RECORD;
        not_finite(talk, broken, at, at + RECORD);
    }
    Scene::of_mesh(String::new(), Mesh { points, triangles })
}

/// Says that facets were left out since their corners are no places.
pub(super) fn not_finite(talk: &mut Talk, count: usize, start: usize, end: usize) {
    let message = match count {
        1 => "a facet is left out: its corners are no numbers, or further away than 10 km".to_owned(),
        n => format!("{n} facets are left out: their corners are no numbers, or further away than 10 km"),
    };
    talk.error("mesh/not-finite", message, start, end).count = u32::try_from(count).unwrap_or(u32::MAX);
}

/// Returns the corners of a facet unless one of them is no place.
#[inline]
fn corners(record: &[u8; RECORD]) -> Option<[Single; 3]> {
    let words = record[12..48].as_chunks::<4>().0;
    let value = |i: usize| f32::from_le_bytes(words[i]);
    let good = (0..9).fold(true, |all, i| all & (value(i).abs() <= FARTHEST as f32));
    good.then(|| [0, 3, 6].map(|i| single([value(i), value(i + 1), value(i + 2)])))
}
