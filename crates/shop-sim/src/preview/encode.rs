//! PNG for drawings: fast rather than small.
//!
//! Pictures of paths are flat colour with thin lines. Every row is written as its difference to the one above
//! (filter 2), which makes nearly all bytes zero, and runs of equal bytes are all that is looked for: one pass,
//! DEFLATE's fixed codes, no search (RFC 1950, RFC 1951 §3.2.6, PNG specification §9).

/// Encodes opaque pixels, four bytes each, of which the fourth is left out.
pub(super) fn encode(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rgba.len() / 16 + 1024);
    out.extend_from_slice(b"\x89PNG\r\n\x1a\n");
    let mut head = Vec::with_capacity(13);
    head.extend_from_slice(&width.to_be_bytes());
    head.extend_from_slice(&height.to_be_bytes());
    // 8 bits, RGB, the only compression and filter method there are, not interlaced.
    head.extend_from_slice(&[8, 2, 0, 0, 0]);
    chunk(*b"IHDR", &head, &mut out);
    chunk(*b"IDAT", &compress(width as usize, rgba), &mut out);
    chunk(*b"IEND", &[], &mut out);
    out
}

fn chunk(kind: [u8; 4], data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend_from_slice(&kind);
    out.extend_from_slice(data);
    let crc = crc32fast::hash(&out[from..]);
    out.extend_from_slice(&crc.to_be_bytes());
}

fn compress(width: usize, rgba: &[u8]) -> Vec<u8> {
    let stride = 4 * width;
    let mut row = vec![0u8; 1 + 3 * width];
    let above = vec![0u8; stride];
    let mut above: &[u8] = &above;
    let mut bits = Bits::new(rgba.len() / 16);
    let (mut s1, mut s2) = (1u32, 0u32);
    for pixels in rgba.chunks_exact(stride.max(4)) {
        row[0] = 2;
        let pairs = pixels.chunks_exact(4).zip(above.chunks_exact(4));
        for (to, (now, up)) in row[1..].chunks_exact_mut(3).zip(pairs) {
            for k in 0..3 {
                to[k] = now[k].wrapping_sub(up[k]);
            }
        }
        above = pixels;
        adler(&row, &mut s1, &mut s2);
        bits.runs(&row);
    }
    bits.finish((s2 << 16) | s1)
}

/// Adler-32; 5552 bytes are the most before the sums can overflow (RFC 1950 §9).
fn adler(data: &[u8], s1: &mut u32, s2: &mut u32) {
    for part in data.chunks(5552) {
        for b in part {
            *s1 += u32::from(*b);
            *s2 += *s1;
        }
        *s1 %= 65521;
        *s2 %= 65521;
    }
}

/// A DEFLATE stream of one block with fixed codes.
struct Bits {
    out: Vec<u8>,
    held: u64,
    count: u32,
    /// Code of every literal and of every run length with distance 1, and how many bits it has.
    literals: [(u32, u32); 256],
    lengths: [(u32, u32); 259],
}

impl Bits {
    fn new(capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(&[0x78, 0x01]);
        let literals = std::array::from_fn(|v| fixed(v as u32));
        let lengths = std::array::from_fn(|n| length(n as u32));
        // The last block, fixed codes: bits 1, 1, 0.
        Bits { out, held: 0b011, count: 3, literals, lengths }
    }

    fn put(&mut self, (code, bits): (u32, u32)) {
        self.held |= u64::from(code) << self.count;
        self.count += bits;
        if self.count >= 32 {
            self.out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// Writes a row: a byte, then as often as it repeats.
    fn runs(&mut self, row: &[u8]) {
        let mut i = 0;
        while i < row.len() {
            let byte = row[i];
            self.put(self.literals[byte as usize]);
            i += 1;
            let mut run = repeats(&row[i..], byte);
            i += run;
            while run >= 3 {
                let n = run.min(258);
                self.put(self.lengths[n]);
                run -= n;
            }
            for _ in 0..run {
                self.put(self.literals[byte as usize]);
            }
        }
    }

    fn finish(mut self, check: u32) -> Vec<u8> {
        self.put(fixed(256));
        while self.count > 0 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.count = self.count.saturating_sub(8);
        }
        self.out.extend_from_slice(&check.to_be_bytes());
        self.out
    }
}

/// Returns how many bytes at the start equal `byte`, eight at a time.
fn repeats(data: &[u8], byte: u8) -> usize {
    let wide = u64::from_ne_bytes([byte; 8]);
    let same = |c: &&[u8]| <[u8; 8]>::try_from(*c).is_ok_and(|c| u64::from_ne_bytes(c) == wide);
    let n = 8 * data.chunks_exact(8).take_while(same).count();
    n + data[n..].iter().take_while(|b| **b == byte).count()
}

/// Returns the fixed code of a literal or length symbol, its bits turned round as DEFLATE packs them.
fn fixed(symbol: u32) -> (u32, u32) {
    let (code, bits) = match symbol {
        0..=143 => (0x30 + symbol, 8),
        144..=255 => (0x190 + symbol - 144, 9),
        256..=279 => (symbol - 256, 7),
        _ => (0xc0 + symbol - 280, 8),
    };
    (code.reverse_bits() >> (32 - bits), bits)
}

/// Returns the code of "`n` bytes from distance 1": length symbol, its extra bits, and distance symbol 0 (five zero
/// bits).
fn length(n: u32) -> (u32, u32) {
    if n < 3 {
        return (0, 0);
    }
    if n == 258 {
        let (code, bits) = fixed(285);
        return (code, bits + 5);
    }
    let v = n - 3;
    // From 8 on, four symbols for every power of two; the rest of the number follows as it is.
    let extra = if v < 8 { 0 } else { v.ilog2() - 2 };
    let symbol = if v < 8 { 257 + v } else { 257 + 4 * extra + (v >> extra) };
    let (code, bits) = fixed(symbol);
    (code | ((v & ((1 << extra) - 1)) << bits), bits + extra + 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Another decoder reads back what was drawn.
        #[test]
        fn reads_back(width in 1u32..400, height in 1u32..20, seed in prop::collection::vec((any::<[u8; 3]>(), 1usize..900), 1..20)) {
            let mut pixels = Vec::new();
            for (colour, count) in seed.iter().cycle().take(400) {
                for _ in 0..*count {
                    pixels.extend_from_slice(&[colour[0], colour[1], colour[2], 255]);
                }
                if pixels.len() >= (4 * width * height) as usize {
                    break;
                }
            }
            pixels.resize((4 * width * height) as usize, 255);
            let read = tiny_skia::Pixmap::decode_png(&encode(width, height, &pixels)).unwrap();
            prop_assert_eq!(read.data(), &pixels[..]);
        }
    }
}
