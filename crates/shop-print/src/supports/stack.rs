//! Regions of many layers in little memory, to be had back the other way round.
//!
//! Layers change little from one to the next. Only the newest region is kept as it is; of every one before it there is a
//! list of what differs from its successor, so a tall straight part costs a few bytes per layer. Trees need two passes, up
//! and down: what one pass pushes, the next one pops.

use super::bits::Bits;

/// Regions of one lattice, the last one on top.
#[derive(Debug, Default)]
pub struct Stack {
    top: Option<Bits>,
    /// How each region below the top differs from the one above it.
    below: Vec<Box<[u8]>>,
}

impl Stack {
    /// Puts a region on top. O(nodes / 64).
    pub fn push(&mut self, bits: Bits) {
        if let Some(old) = self.top.take() {
            self.below.push(difference(old.words(), bits.words()));
        }
        self.top = Some(bits);
    }

    /// Takes the region on top. O(nodes / 64).
    pub fn pop(&mut self) -> Option<Bits> {
        let top = self.top.take()?;
        if let Some(how) = self.below.pop() {
            let mut next = top.clone();
            apply(&how, next.words_mut());
            self.top = Some(next);
        }
        Some(top)
    }
}

/// Returns what differs: for each byte that does, how many before it do not, and the bits to be turned over.
fn difference(a: &[u64], b: &[u64]) -> Box<[u8]> {
    let mut out = Vec::new();
    let mut alike = 0usize;
    for (a, b) in a.iter().zip(b) {
        if a == b {
            alike += 8;
            continue;
        }
        for byte in (a ^ b).to_le_bytes() {
            if byte == 0 {
                alike += 1;
                continue;
            }
            // Seven bits at a time, the lowest first; the last group has the eighth bit clear.
            while alike >= 128 {
                out.push(alike as u8 | 128);
                alike >>= 7;
            }
            out.extend([alike as u8, byte]);
            alike = 0;
        }
    }
    out.into_boxed_slice()
}

/// Turns over what [`difference`] found.
fn apply(how: &[u8], words: &mut [u64]) {
    let mut how = how.iter();
    let mut at = 0;
    while let Some(first) = how.next() {
        let (mut group, mut shift, mut alike) = (*first, 0, 0);
        loop {
            alike |= usize::from(group & 127) << shift;
            if group < 128 {
                break;
            }
            let Some(next) = how.next() else { return };
            (group, shift) = (*next, shift + 7);
        }
        at += alike;
        let (Some(byte), Some(word)) = (how.next(), words.get_mut(at / 8)) else { return };
        *word ^= u64::from(*byte) << (8 * (at % 8));
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::Lattice;
    use super::*;
    use proptest::prelude::*;
    use shop_geom::planar::Spot;

    proptest! {
        #[test]
        fn regions_come_back_as_they_were(layers in prop::collection::vec(
            prop::collection::vec((0usize..40, 0usize..190), 0..60), 0..12)) {
            let lattice = Lattice::new(0.3, 10.0, 5.0, [Spot::new(0, 0), Spot::new(1000, 600)].into_iter());
            let [rows, columns] = lattice.size();
            let regions: Vec<Bits> = layers
                .iter()
                .map(|nodes| {
                    let mut bits = lattice.empty();
                    for &(row, column) in nodes {
                        bits.set(row % rows, column % columns);
                    }
                    bits
                })
                .collect();
            let mut stack = Stack::default();
            for bits in &regions {
                stack.push(bits.clone());
            }
            for bits in regions.iter().rev() {
                let back = stack.pop();
                prop_assert_eq!(back.as_ref(), Some(bits));
                for way in [0, 1] {
                    prop_assert_eq!(&lattice.nodes(&lattice.runs(bits, way), way), bits);
                }
            }
            prop_assert!(stack.pop().is_none());
        }
    }
}
