//! Unpacks gzip (RFC 1952) and deflate (RFC 1951): svgz files, nothing else, hence small rather than fast. A bit at
//! a time through canonical codes, as the RFC's own section 3.2.2 describes them.

/// Unpacks the first member of a gzip file of at most `most` bytes.
pub(super) fn gunzip(bytes: &[u8], most: usize) -> Result<Vec<u8>, &'static str> {
    const SHORT: &str = "it ends too early";
    let flags = *bytes.get(3).ok_or(SHORT)?;
    if bytes[2] != 8 {
        return Err("unknown method");
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let n = bytes.get(at..at + 2).ok_or(SHORT)?;
        at += 2 + usize::from(u16::from_le_bytes([n[0], n[1]]));
    }
    for field in [8, 16] {
        if flags & field != 0 {
            at += bytes.get(at..).ok_or(SHORT)?.iter().position(|b| *b == 0).ok_or(SHORT)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    let mut bits = Bits { bytes: bytes.get(at..).ok_or(SHORT)?, at: 0, held: 0, count: 0 };
    let out = inflate(&mut bits, most)?;
    let tail = bits.bytes.get(bits.at..bits.at + 8).ok_or(SHORT)?;
    let word = |i: usize| u32::from_le_bytes([tail[i], tail[i + 1], tail[i + 2], tail[i + 3]]);
    if word(4) != out.len() as u32 || word(0) != crc32fast::hash(&out) {
        return Err("its checksum is wrong");
    }
    Ok(out)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, n: u32) -> Result<u32, &'static str> {
        while self.count < n {
            let b = *self.bytes.get(self.at).ok_or("it ends too early")?;
            self.at += 1;
            self.held |= u32::from(b) << self.count;
            self.count += 8;
        }
        let v = self.held & ((1 << n) - 1);
        self.held >>= n;
        self.count -= n;
        Ok(v)
    }
}

/// A canonical Huffman code: how many codes of each length, and the symbols in order of code.
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Code {
        let mut counts = [0; 16];
        for l in lengths {
            counts[usize::from(*l)] += 1;
        }
        counts[0] = 0;
        let mut symbols: Vec<u16> =
            (0..lengths.len() as u16).filter(|s| lengths[usize::from(*s)] > 0).collect();
        symbols.sort_by_key(|s| lengths[usize::from(*s)]);
        Code { counts, symbols }
    }

    fn next(&self, bits: &mut Bits<'_>) -> Result<u16, &'static str> {
        let (mut code, mut first, mut index) = (0_i32, 0_i32, 0_i32);
        for length in 1..16 {
            code |= bits.take(1)? as i32;
            let count = i32::from(self.counts[length]);
            if code - count < first {
                let at = usize::try_from(index + code - first).map_err(|_| "a code is broken")?;
                return self.symbols.get(at).copied().ok_or("a code is broken");
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err("a code is broken")
    }
}

const LENGTH_BASE: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
    227, 258,
];
const LENGTH_EXTRA: [u32; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
    4097, 6145, 8193, 12289, 16385, 24577,
];
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

fn inflate(bits: &mut Bits<'_>, most: usize) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                (bits.held, bits.count) = (0, 0);
                let head = bits.bytes.get(bits.at..bits.at + 4).ok_or("it ends too early")?;
                let n = usize::from(u16::from_le_bytes([head[0], head[1]]));
                bits.at += 4;
                out.extend_from_slice(bits.bytes.get(bits.at..bits.at + n).ok_or("it ends too early")?);
                bits.at += n;
            }
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                block(bits, &Code::new(&lengths), &Code::new(&[5; 30]), &mut out, most)?;
            }
            2 => {
                let (literals, distances) = (bits.take(5)? as usize + 257, bits.take(5)? as usize + 1);
                let used = bits.take(4)? as usize + 4;
                let mut lengths = [0_u8; 19];
                for at in &ORDER[..used] {
                    lengths[*at] = bits.take(3)? as u8;
                }
                let code = Code::new(&lengths);
                let mut lengths: Vec<u8> = Vec::with_capacity(320);
                while lengths.len() < literals + distances {
                    let (value, times) = match code.next(bits)? {
                        16 => (*lengths.last().ok_or("a code is broken")?, 3 + bits.take(2)?),
                        17 => (0, 3 + bits.take(3)?),
                        18 => (0, 11 + bits.take(7)?),
                        n => (n as u8, 1),
                    };
                    lengths.extend(std::iter::repeat_n(value, times as usize));
                }
                let (l, d) = lengths.split_at(literals);
                block(bits, &Code::new(l), &Code::new(&d[..distances]), &mut out, most)?;
            }
            _ => return Err("a block is broken"),
        }
        if out.len() > most {
            return Err("it is too large when unpacked");
        }
        if last {
            return Ok(out);
        }
    }
}

fn block(
    bits: &mut Bits<'_>,
    literals: &Code,
    distances: &Code,
    out: &mut Vec<u8>,
    most: usize,
) -> Result<(), &'static str> {
    loop {
        let symbol = literals.next(bits)?;
        match symbol {
            0..=255 => out.push(symbol as u8),
            256 => return Ok(()),
            _ => {
                let i = usize::from(symbol) - 257;
                let base = *LENGTH_BASE.get(i).ok_or("a code is broken")?;
                let length = usize::from(base) + bits.take(LENGTH_EXTRA[i])? as usize;
                let i = usize::from(distances.next(bits)?);
                let base = *DISTANCE_BASE.get(i).ok_or("a code is broken")?;
                let distance = usize::from(base) + bits.take((i as u32 / 2).saturating_sub(1))? as usize;
                let from = out.len().checked_sub(distance).ok_or("a distance is broken")?;
                for k in from..from + length {
                    out.push(out[k]);
                }
            }
        }
        if out.len() > most {
            return Err("it is too large when unpacked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `<svg/>` thrice, by zlib 1.3 with the fixed code; and the empty stored block.
    #[test]
    fn gzip_is_unpacked_and_checked() {
        let packed: Vec<u8> =
            GZ.chunks(2).map(|h| u8::from_str_radix(std::str::from_utf8(h).unwrap(), 16).unwrap()).collect();
        assert_eq!(gunzip(&packed, 1000).unwrap(), b"<svg/><svg/><svg/>");
        for cut in 0..packed.len() {
            let mut bad = packed.clone();
            bad.truncate(cut.max(2));
            assert!(gunzip(&bad, 1000).is_err());
            let mut bad = packed.clone();
            bad[cut] ^= 0x55;
            let _ = gunzip(&bad, 1000);
        }
        assert!(gunzip(&packed, 5).is_err());
    }

    const GZ: &[u8] = b"1f8b0800000000000203b3292e4bd7b7b3412201f7d8497c12000000";
}
