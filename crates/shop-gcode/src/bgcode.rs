//! Binary G-code (`.bgcode`): text, metadata and thumbnails in blocks.
//!
//! ```text
//!   "GCDE" version:u32 checksum:u16          then blocks, little-endian:
//!   type:u16 compression:u16 size:u32 [packed size:u32] parameters data [crc32]
//! ```
//!
//! The text is packed twice: four bits for the commonest characters (MeatPack), then Heatshrink or deflate. Sources:
//! the specification of libbgcode, the description of MeatPack, and Heatshrink's format (a bit, then a byte or an
//! index and a count). Unpacking is O(bytes) and bounded, so that a small file cannot fill the memory.

use crate::metadata::{Image, Metadata, Thumbnail};
use shop_report::{Checked, Diagnostic};

/// What the first bytes of every such file are.
pub const MAGIC: &[u8; 4] = b"GCDE";
/// Most bytes that one block unpacks to; slicers write 64 KiB.
const LARGEST_BLOCK: usize = 1 << 26;
/// Most bytes of program text in all.
const LARGEST_TEXT: usize = 1 << 30;

/// What a binary file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Binary {
    /// The program, as text.
    pub text: Vec<u8>,
    /// What the slicer said about it, and its thumbnails.
    pub metadata: Metadata,
}

/// Reads a binary file; what is damaged is said and left out, the rest is kept.
pub fn read(bytes: &[u8]) -> Checked<Binary> {
    let mut value = Binary::default();
    let mut diagnostics = Vec::new();
    let mut input = Input { bytes, at: 0 };
    if let Err(why) = blocks(&mut input, &mut value) {
        let at = input.at;
        diagnostics
            .push(Diagnostic::error("gcode/binary", format!("{why} (byte {at}); what follows is not read")));
    }
    Checked { value, diagnostics }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], &'static str> {
        let end = self.at.checked_add(count).ok_or("a block is longer than any file")?;
        let found = self.bytes.get(self.at..end).ok_or("the file ends within a block")?;
        self.at = end;
        Ok(found)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, &'static str> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b)))
    }
}

fn blocks(input: &mut Input<'_>, out: &mut Binary) -> Result<(), &'static str> {
    if input.take(4)? != MAGIC {
        return Err("this is no binary G-code");
    }
    let _version = input.number(4)?;
    let checksum = input.number(2)?;
    if checksum > 1 {
        return Err("the file has a checksum of an unknown kind");
    }
    while input.at < input.bytes.len() {
        let start = input.at;
        let kind = input.number(2)?;
        let compression = input.number(2)?;
        let size = input.number(4)?;
        let packed = if compression == 0 { size } else { input.number(4)? };
        let parameters = input.take(if kind == 5 { 6 } else { 2 })?;
        let data = input.take(packed)?;
        let covered = &input.bytes[start..input.at];
        if checksum == 1 && input.number(4)? != crc32(covered) as usize {
            input.at = start;
            return Err("a block's checksum is wrong: the file is damaged");
        }
        if size > LARGEST_BLOCK {
            return Err("a block claims to be larger than any slicer writes");
        }
        let word = |i: usize| u16::from_le_bytes([parameters[i], parameters[i + 1]]);
        let plain = match compression {
            0 => data.to_vec(),
            1 => miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(data, size)
                .map_err(|_| "a deflated block is damaged")?,
            2 => heatshrink(data, 11, 4, size),
            3 => heatshrink(data, 12, 4, size),
            _ => return Err("a block is compressed in an unknown way"),
        };
        if plain.len() != size {
            return Err("a block unpacks to another size than it claims");
        }
        match kind {
            1 if out.text.len() + 2 * plain.len() > LARGEST_TEXT => {
                return Err("the program is longer than 1 GiB");
            }
            1 => match word(0) {
                0 => out.text.extend_from_slice(&plain),
                1 | 2 => meatpack(&plain, &mut out.text),
                _ => return Err("the program is encoded in an unknown way"),
            },
            0 | 2..=4 => {
                let text = String::from_utf8_lossy(&plain);
                for line in text.lines() {
                    if let Some((key, value)) = line.split_once('=') {
                        out.metadata.values.push((key.trim().to_owned(), value.trim().to_owned()));
                    }
                }
            }
            5 => {
                let format = match word(0) {
                    0 => Image::Png,
                    1 => Image::Jpg,
                    _ => Image::Qoi,
                };
                let thumbnail =
                    Thumbnail { format, width: u32::from(word(2)), height: u32::from(word(4)), data: plain };
                out.metadata.thumbnails.push(thumbnail);
            }
            // Blocks of later versions say how long they are, and can be passed by.
            _ => {}
        }
    }
    out.metadata.generator = out.metadata.get("Producer").map(str::to_owned);
    Ok(())
}

/// CRC-32 of IEEE 802.3, as zlib has it.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0u32; 256];
        let mut i = 0;
        while i < 256 {
            let mut c = i as u32;
            let mut k = 0;
            while k < 8 {
                c = if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 };
                k += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0u32, |c, b| TABLE[((c ^ u32::from(*b)) & 0xFF) as usize] ^ (c >> 8))
}

/// Unpacks Heatshrink: a 1 and a byte, or a 0, how far back less one, and how many less one.
fn heatshrink(data: &[u8], window: u32, lookahead: u32, size: usize) -> Vec<u8> {
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

/// The characters of four bits; the last place announces one of eight.
const SHORT: &[u8; 15] = b"0123456789. \nGX";
/// What begins a command to the unpacker, twice.
const SIGNAL: u8 = 0xFF;

/// Unpacks MeatPack.
fn meatpack(data: &[u8], out: &mut Vec<u8>) {
    let mut state = MeatPack { packing: false, no_spaces: false, full: 0, kept: None, out };
    let mut signals = 0;
    for byte in data {
        if signals == 2 {
            state.command(*byte);
            signals = 0;
        } else if *byte == SIGNAL {
            signals += 1;
        } else {
            if signals == 1 {
                state.byte(SIGNAL);
                signals = 0;
            }
            state.byte(*byte);
        }
    }
}

struct MeatPack<'a> {
    packing: bool,
    no_spaces: bool,
    /// Characters of eight bits that are to come.
    full: u32,
    /// The second character of a pair whose first is still to come.
    kept: Option<u8>,
    out: &'a mut Vec<u8>,
}

impl MeatPack<'_> {
    fn command(&mut self, byte: u8) {
        match byte {
            251 => self.packing = true,
            250 => self.packing = false,
            249 => {
                self.packing = false;
                self.no_spaces = false;
            }
            247 => self.no_spaces = true,
            246 => self.no_spaces = false,
            _ => {}
        }
    }

    fn short(&self, nibble: u8) -> Option<u8> {
        // Without blanks the E takes their place.
        if nibble == 11 && self.no_spaces {
            return Some(b'E');
        }
        SHORT.get(usize::from(nibble)).copied()
    }

    fn byte(&mut self, byte: u8) {
        if !self.packing {
            self.out.push(byte);
            return;
        }
        if self.full > 0 {
            self.out.push(byte);
            self.out.extend(self.kept.take());
            self.full -= 1;
            return;
        }
        let (first, second) = (self.short(byte & 15), self.short(byte >> 4));
        match (first, second) {
            (None, None) => self.full = 2,
            (None, second) => {
                self.full = 1;
                self.kept = second;
            }
            // What follows the end of a line is there to fill the byte.
            (Some(b'\n'), _) => self.out.push(b'\n'),
            (Some(first), second) => {
                self.out.push(first);
                match second {
                    Some(second) => self.out.push(second),
                    None => self.full = 1,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_check_string() {
        // "123456789" is the check input of every CRC catalogue.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn heatshrink_by_hand() {
        // 1 01100001, 0 000…0 (one back) 0011 (four times): "aaaaa", with a window of 11 bits.
        assert_eq!(heatshrink(&[0b1011_0000, 0b1000_0000, 0b0000_0001, 0b1000_0000], 11, 4, 5), b"aaaaa");
    }

    #[test]
    fn meatpack_by_hand() {
        let mut out = Vec::new();
        // On; "G1"; blank and an eight-bit Y; "2" and line end.
        meatpack(&[0xFF, 0xFF, 251, 0x1D, 0xFB, b'Y', 0xC2], &mut out);
        assert_eq!(out, b"G1 Y2\n");
        out.clear();
        // Both characters of eight bits look like half a signal.
        meatpack(&[0xFF, 0xFF, 251, 0xFF, b'Y', b'Z', 0x0C], &mut out);
        assert_eq!(out, b"YZ\n");
    }

    #[test]
    fn damage_ends_in_words() {
        for bytes in [&b""[..], b"GCDE", b"GCDE\x01\0\0\0\x01\0\x01\0", b"NOPE\0\0\0\0\0\0"] {
            assert!(read(bytes).has_errors(), "{bytes:?}");
        }
        let mut huge = b"GCDE\x01\0\0\0\0\0\x01\0\x02\0\xFF\xFF\xFF\xFF\0\0\0\0\0\0".to_vec();
        assert!(read(&huge).has_errors());
        huge.truncate(12);
        assert!(read(&huge).has_errors());
    }
}
