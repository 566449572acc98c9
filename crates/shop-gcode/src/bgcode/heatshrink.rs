//! Heatshrink, a compression for small controllers.
//!
//! A stream of bits, the highest of a byte first: a 1 and a byte, or a 0, how far back less one, and how many less one.
//! Source: the format as the Heatshrink library describes it.

use super::LARGEST_BLOCK;

/// Unpacks to at most `size` bytes; `window` and `lookahead` are the bits of the two numbers.
pub(super) fn unpack(data: &[u8], window: u32, lookahead: u32, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size.min(LARGEST_BLOCK));
    let mut at = 0usize;
    let total = data.len() * 8;
    let mut bits = |count: u32| -> Option<usize> {
        if at + count as usize > total {
            return None;
        }
        let mut v = 0usize;
        for _ in 0..count {
            v = v << 1 | usize::from(data[at / 8] >> (7 - at % 8) & 1);
            at += 1;
        }
        Some(v)
    };
    while out.len() < size {
        let Some(flag) = bits(1) else { break };
        if flag == 1 {
            let Some(byte) = bits(8) else { break };
            out.push(byte as u8);
        } else {
            let (Some(back), Some(count)) = (bits(window), bits(lookahead)) else { break };
            for _ in 0..=count {
                if out.len() == size {
                    break;
                }
                // Before the beginning the window is full of zeros.
                let byte = out.len().checked_sub(back + 1).map_or(0, |i| out[i]);
                out.push(byte);
            }
        }
    }
    out
}

/// Longest chain of earlier places that is looked through for a match.
const LONGEST_CHAIN: usize = 48;
/// Bits of the hash of three bytes.
const HASH_BITS: u32 = 12;
/// No earlier place.
const NONE: u32 = u32::MAX;

/// Bits on their way into bytes.
struct Bits {
    out: Vec<u8>,
    kept: u64,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: usize, bits: u32) {
        self.kept = self.kept << bits | value as u64;
        self.count += bits;
        while self.count >= 8 {
            self.count -= 8;
            self.out.push((self.kept >> self.count) as u8);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.out.push((self.kept << (8 - self.count)) as u8);
        }
        self.out
    }
}

/// Packs: O(bytes · chain), greedy but for one byte, as deflate's lazy matching is: a match gives way to a longer one
/// that begins a byte later. A reference costs `1 + window + lookahead` bits, a byte 9, so that two bytes pay.
pub(super) fn pack(data: &[u8], window: u32, lookahead: u32) -> Vec<u8> {
    let mut finder = Finder::new(data, 1 << window, 1 << lookahead);
    let least = (1 + window + lookahead) as usize / 9 + 1;
    let mut bits = Bits { out: Vec::with_capacity(data.len() / 2), kept: 0, count: 0 };
    let mut at = 0;
    let mut found = finder.longest(at);
    while at < data.len() {
        finder.add(at);
        let next = if at + 1 < data.len() { finder.longest(at + 1) } else { (0, 0) };
        let (back, count) = found;
        if count < least || next.1 > count {
            bits.push(1, 1);
            bits.push(usize::from(data[at]), 8);
            (at, found) = (at + 1, next);
            continue;
        }
        bits.push(0, 1);
        bits.push(back - 1, window);
        bits.push(count - 1, lookahead);
        (at + 1..at + count).for_each(|i| finder.add(i));
        at += count;
        found = if at < data.len() { finder.longest(at) } else { (0, 0) };
    }
    bits.finish()
}

/// Earlier places by the hash of their first three bytes.
struct Finder<'a> {
    data: &'a [u8],
    farthest: usize,
    longest: usize,
    latest: Vec<u32>,
    before: Vec<u32>,
}

impl<'a> Finder<'a> {
    fn new(data: &'a [u8], farthest: usize, longest: usize) -> Self {
        let latest = vec![NONE; 1 << HASH_BITS];
        Finder { data, farthest, longest, latest, before: vec![NONE; data.len()] }
    }

    fn hash(&self, at: usize) -> Option<usize> {
        let [a, b, c] = self.data.get(at..at + 3)? else { return None };
        let word = u32::from(*a) | u32::from(*b) << 8 | u32::from(*c) << 16;
        Some((word.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize)
    }

    fn add(&mut self, at: usize) {
        if let Some(hash) = self.hash(at) {
            self.before[at] = self.latest[hash];
            self.latest[hash] = at as u32;
        }
    }

    /// Returns how far back the longest match lies, the nearest of equals, and how long it is.
    fn longest(&self, at: usize) -> (usize, usize) {
        let Some(hash) = self.hash(at) else { return (0, 0) };
        let most = self.longest.min(self.data.len() - at);
        let (mut best, mut place) = ((0, 0), self.latest[hash]);
        for _ in 0..LONGEST_CHAIN {
            if place == NONE || at - place as usize > self.farthest {
                break;
            }
            let from = place as usize;
            let count = (0..most).take_while(|i| self.data[from + i] == self.data[at + i]).count();
            if count > best.1 {
                best = (at - from, count);
                if count == most {
                    break;
                }
            }
            place = self.before[from];
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unpacks_by_hand() {
        // 1 01100001, 0 000…0 (one back) 0011 (four times): "aaaaa", with a window of 11 bits.
        assert_eq!(unpack(&[0b1011_0000, 0b1000_0000, 0b0000_0001, 0b1000_0000], 11, 4, 5), b"aaaaa");
    }

    #[test]
    fn text_shrinks() {
        let text: String =
            ["G1 X93.1 Y20 E.04\n", "G1 X17.5 Y29 E.06\n", "G1 X4.2 Y21 E.01\n"].concat().repeat(400);
        let packed = pack(text.as_bytes(), 12, 4);
        assert!(packed.len() * 2 < text.len(), "{} of {}", packed.len(), text.len());
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_itself(
            data in prop::collection::vec(prop::sample::select(vec![b'G', b'1', b' ', b'X', 0, 255]), 0..6000),
            small: bool,
        ) {
            let window = if small { 11 } else { 12 };
            prop_assert_eq!(unpack(&pack(&data, window, 4), window, 4, data.len()), data);
        }
    }
}
