//! Welding: corners that are the same place, bit for bit, become one point.
//!
//! Files write a mesh as loose triangles, or name the same place several times. Neighbouring triangles mostly stand
//! near each other in a file, so the corners are welded twice: within a chunk, where the table fits into a core's
//! own cache, and what is left of each chunk once more over all.
//!
//! ```text
//!  chunk 0 ─▶ table ─▶ places of the chunk ─┐ by hash        ┌─▶ shard 0 ─▶ table ─┐
//!  chunk 1 ─▶ table ─▶ places of the chunk ─┼───────────────▶┼─▶ shard 1 ─▶ table ─┼─▶ first of each place ─▶ numbers
//!  ...                                      ┘                └─▶ ...               ┘
//! ```
//!
//! The points come out in the order in which they first appear, whatever the chunks and threads. Time and memory grow
//! with the number of corners; beyond the result, the places of the chunks are held: for a mesh whose triangles stand
//! in a reasonable order, about 15 bytes a triangle.

use super::Point3;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Most corners that a chunk may bring: its places are counted in 16 bits, and its table stays within 128 KiB.
pub const CHUNK_CORNERS: usize = 48 * 1024;

/// Slots of a chunk's table: a power of two, never more than three quarters full.
const SLOTS: usize = 64 * 1024;
const EMPTY: u16 = u16::MAX;
/// Tables over all chunks, by the upper bits of the hash.
const SHARDS: usize = 256;
const NONE: u32 = u32::MAX;

/// A place as the bits that tell it apart. Zeros must have one sign only.
pub trait Key: Copy + Eq + Send + Sync {
    /// Returns a number in which every bit depends on every bit of the place.
    fn hash(self) -> u64;
    /// Returns the place, exactly.
    fn point(self) -> Point3;
}

/// A place in single precision, as binary STL writes it.
pub type Single = [u32; 3];
/// A place in double precision.
pub type Double = [u64; 3];

/// Returns the key of a place in single precision.
#[inline]
pub fn single(at: [f32; 3]) -> Single {
    // Adding zero makes one zero of the two.
    at.map(|v| (v + 0.0).to_bits())
}

/// Returns the key of a place in double precision.
#[inline]
pub fn double(at: [f64; 3]) -> Double {
    at.map(|v| (v + 0.0).to_bits())
}

// Odd numbers without pattern: the fractional digits of pi, as in Blowfish's tables.
const SALT: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

/// Multiplies to 128 bits and folds the halves: the mixing step of wyhash.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let p = u128::from(a) * u128::from(b);
    (p as u64) ^ ((p >> 64) as u64)
}

impl Key for Single {
    #[inline]
    fn hash(self) -> u64 {
        let [x, y, z] = self.map(u64::from);
        let xy = fold(x ^ SALT[0], y ^ SALT[1]);
        fold(xy ^ SALT[2], z ^ SALT[1])
    }

    #[inline]
    fn point(self) -> Point3 {
        let [x, y, z] = self.map(|b| f64::from(f32::from_bits(b)));
        Point3::new(x, y, z)
    }
}

impl Key for Double {
    #[inline]
    fn hash(self) -> u64 {
        let xy = fold(self[0] ^ SALT[0], self[1] ^ SALT[1]);
        fold(xy ^ SALT[2], self[2] ^ SALT[1])
    }

    #[inline]
    fn point(self) -> Point3 {
        let [x, y, z] = self.map(f64::from_bits);
        Point3::new(x, y, z)
    }
}

/// Welds what `read` appends for each chunk `0..chunks`, items of `N` corners, at most [`CHUNK_CORNERS`] corners a
/// chunk. Returns the points in the order in which they first appear, and the items as indices into them.
pub fn weld<K: Key, const N: usize>(
    chunks: usize,
    read: impl Fn(usize, &mut Vec<[K; N]>) + Sync,
) -> (Vec<Point3>, Vec<[u32; N]>) {
    let places: Vec<Places<K, N>> = (0..chunks)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, chunk| {
            scratch.items.clear();
            read(chunk, &mut scratch.items);
            Places::of(scratch)
        })
        .collect();
    number(places)
}

/// What a core uses for chunk after chunk: nothing large is allocated and freed for each.
struct Scratch<K, const N: usize> {
    items: Vec<[K; N]>,
    keys: Vec<K>,
    table: Vec<u16>,
}

impl<K, const N: usize> Default for Scratch<K, N> {
    fn default() -> Self {
        Scratch { items: Vec::new(), keys: Vec::new(), table: vec![EMPTY; SLOTS] }
    }
}

/// The different places of a chunk in the order in which they appear, and its items in terms of them.
struct Places<K, const N: usize> {
    /// In order of their shard, and within it as they appear: a shard is read from front to back.
    keys: Vec<K>,
    /// When each of the keys appeared.
    order: Vec<u16>,
    /// Where each shard begins.
    shard_starts: [u16; SHARDS + 1],
    /// The corners by when their places appeared.
    items: Vec<[u16; N]>,
}

impl<K: Key, const N: usize> Places<K, N> {
    fn of(scratch: &mut Scratch<K, N>) -> Self {
        let Scratch { items, keys, table } = scratch;
        assert!(items.len() * N <= CHUNK_CORNERS, "chunks are cut to size by the reader");
        table.fill(EMPTY);
        keys.clear();
        let items = items
            .iter()
            .map(|item| {
                item.map(|key| {
                    let mut slot = key.hash() as usize % SLOTS;
                    loop {
                        match table[slot] {
                            EMPTY => {
                                let id = keys.len() as u16;
                                table[slot] = id;
                                keys.push(key);
                                return id;
                            }
                            id if keys[usize::from(id)] == key => return id,
                            _ => slot = (slot + 1) % SLOTS,
                        }
                    }
                })
            })
            .collect();
        let (order, shard_starts) = sort_by_shard(keys);
        let keys = order.iter().map(|i| keys[usize::from(*i)]).collect();
        Places { keys, order, shard_starts, items }
    }

    /// Returns the keys of a shard and when each appeared.
    fn in_shard(&self, shard: usize) -> (&[K], &[u16]) {
        let range = usize::from(self.shard_starts[shard])..usize::from(self.shard_starts[shard + 1]);
        (&self.keys[range.clone()], &self.order[range])
    }
}

#[inline]
fn shard_of<K: Key>(key: K) -> usize {
    (key.hash() >> (64 - SHARDS.trailing_zeros())) as usize
}

/// A counting sort; equal shards keep their order.
fn sort_by_shard<K: Key>(keys: &[K]) -> (Vec<u16>, [u16; SHARDS + 1]) {
    let mut starts = [0_u16; SHARDS + 1];
    for &key in keys {
        starts[shard_of(key) + 1] += 1;
    }
    for s in 0..SHARDS {
        starts[s + 1] += starts[s];
    }
    let mut next = starts;
    let mut sorted = vec![0; keys.len()];
    for (i, &key) in keys.iter().enumerate() {
        let at = &mut next[shard_of(key)];
        sorted[usize::from(*at)] = i as u16;
        *at += 1;
    }
    (sorted, starts)
}

/// Numbers the places over all chunks and writes the items in these numbers.
fn number<K: Key, const N: usize>(mut places: Vec<Places<K, N>>) -> (Vec<Point3>, Vec<[u32; N]>) {
    let bases = running_sums(places.iter().map(|p| p.keys.len()));
    let total = bases[places.len()];
    assert!(total < NONE as usize, "inputs beyond 4 GiB are refused at the door");

    // Every place is told which is the first like it.
    let mut firsts: Vec<AtomicU32> = Vec::new();
    firsts.resize_with(total, AtomicU32::default);
    (0..SHARDS)
        .into_par_iter()
        .for_each_init(Tables::default, |tables, shard| find_firsts(shard, &places, &bases, &firsts, tables));
    let firsts: Vec<u32> = firsts.into_iter().map(AtomicU32::into_inner).collect();

    // First ones are numbered in order. What is no longer needed goes at once: the peak is in what follows.
    let is_first = |i: usize| firsts[i] as usize == i;
    let counts: Vec<usize> = (0..places.len())
        .into_par_iter()
        .map(|c| (bases[c]..bases[c + 1]).filter(|&i| is_first(i)).count())
        .collect();
    let number_bases = running_sums(counts.iter().copied());
    let mut points = vec![Point3::origin(); number_bases[places.len()]];
    let mut numbers = vec![0; total];
    let of_chunks = cut(&mut numbers, places.iter().map(|p| p.keys.len()));
    let points_of_chunks = cut(&mut points, counts.iter().copied());
    let chunks = places.par_iter_mut().zip(of_chunks).zip(points_of_chunks).enumerate();
    chunks.for_each(|(c, ((places, numbers), points))| {
        let mut next = number_bases[c] as u32;
        for (i, number) in numbers.iter_mut().enumerate() {
            if is_first(bases[c] + i) {
                *number = next;
                next += 1;
            }
        }
        let (keys, order) = (std::mem::take(&mut places.keys), std::mem::take(&mut places.order));
        for (key, i) in keys.into_iter().zip(order) {
            if is_first(bases[c] + usize::from(i)) {
                points[numbers[usize::from(i)] as usize - number_bases[c]] = key.point();
            }
        }
    });

    let mut out = vec![[0; N]; places.iter().map(|p| p.items.len()).sum()];
    let parts = cut(&mut out, places.iter().map(|p| p.items.len()));
    parts.into_par_iter().zip(places).enumerate().for_each(|(c, (part, places))| {
        let numbers: Vec<u32> = firsts[bases[c]..bases[c + 1]].iter().map(|&f| numbers[f as usize]).collect();
        for (to, item) in part.iter_mut().zip(&places.items) {
            *to = item.map(|i| numbers[usize::from(i)]);
        }
    });
    (points, out)
}

/// What a core uses for shard after shard.
struct Tables<K> {
    slots: Vec<u32>,
    found: Vec<(K, u32)>,
}

impl<K> Default for Tables<K> {
    fn default() -> Self {
        Tables { slots: Vec::new(), found: Vec::new() }
    }
}

/// Tells every place of a shard which is the first like it: chunks are looked through in order.
fn find_firsts<K: Key, const N: usize>(
    shard: usize,
    places: &[Places<K, N>],
    bases: &[usize],
    firsts: &[AtomicU32],
    tables: &mut Tables<K>,
) {
    let count: usize = places.iter().map(|p| p.in_shard(shard).0.len()).sum();
    let slots = (count * 2).next_power_of_two();
    let Tables { slots: table, found } = tables;
    table.clear();
    table.resize(slots, NONE);
    found.clear();
    for (places, base) in places.iter().zip(bases) {
        let (keys, order) = places.in_shard(shard);
        for (&key, &i) in keys.iter().zip(order) {
            let place = (base + usize::from(i)) as u32;
            let mut slot = key.hash() as usize & (slots - 1);
            let first = loop {
                match table[slot] {
                    NONE => {
                        table[slot] = found.len() as u32;
                        found.push((key, place));
                        break place;
                    }
                    at if found[at as usize].0 == key => break found[at as usize].1,
                    _ => slot = (slot + 1) & (slots - 1),
                }
            };
            // Nobody else writes here, and it is read after the join.
            firsts[place as usize].store(first, Ordering::Relaxed);
        }
    }
}

/// Returns where each of the parts begins, and in the end their sum.
fn running_sums(lengths: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut sum = 0;
    let mut sums = vec![0];
    sums.extend(lengths.map(|n| {
        sum += n;
        sum
    }));
    sums
}

/// Cuts a slice into consecutive parts of these lengths.
fn cut<T>(mut rest: &mut [T], lengths: impl Iterator<Item = usize>) -> Vec<&mut [T]> {
    lengths
        .map(|n| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(n);
            rest = after;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn weld_slowly(items: &[[Single; 3]]) -> (Vec<Point3>, Vec<[u32; 3]>) {
        let mut known = BTreeMap::new();
        let mut points = Vec::new();
        let items = items
            .iter()
            .map(|item| {
                item.map(|key| {
                    *known.entry(key).or_insert_with(|| {
                        points.push(key.point());
                        points.len() as u32 - 1
                    })
                })
            })
            .collect();
        (points, items)
    }

    proptest! {
        #[test]
        fn welding_in_chunks_is_welding_one_by_one(
            corners in prop::collection::vec(prop::array::uniform3(prop::array::uniform3(-3_i8..4)), 0..300),
            chunk in 1_usize..100,
        ) {
            let items: Vec<[Single; 3]> =
                corners.iter().map(|t| t.map(|c| single(c.map(f32::from)))).collect();
            let chunks: Vec<&[[Single; 3]]> = items.chunks(chunk).collect();
            let welded = weld(chunks.len(), |i, out| out.extend_from_slice(chunks[i]));
            prop_assert_eq!(welded, weld_slowly(&items));
        }
    }

    #[test]
    fn a_full_chunk_of_different_places_fits() {
        let n = CHUNK_CORNERS;
        let (points, items) = weld(2, |_, out| {
            out.extend((0..n).map(|i| [single([i as f32, 0.0, -0.0])]));
        });
        assert_eq!(points.len(), n);
        assert_eq!(items.len(), 2 * n);
        assert_eq!(items[n + 7], [7]);
    }

    #[test]
    fn both_zeros_are_one_place() {
        assert_eq!(single([0.0, -0.0, 1.0]), single([-0.0, 0.0, 1.0]));
        assert_eq!(double([0.0, -0.0, 1.0]).point(), Point3::new(0.0, 0.0, 1.0));
    }
}
