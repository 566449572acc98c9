//! Binary G-code (`.bgcode`): text, metadata and thumbnails in blocks.
//!
//! ```text
//!   "GCDE" version:u32 checksum:u16          then blocks, little-endian:
//!   type:u16 compression:u16 size:u32 [packed size:u32] parameters data [crc32]
//! ```
//!
//! Blocks come in the order: of the file, of the printer, thumbnails, of the print, of the slicer, text.
//! The text is packed twice: four bits for the commonest characters (MeatPack), then Heatshrink or deflate. Sources:
//! the specification of libbgcode, the description of MeatPack, and Heatshrink's format (a bit, then a byte or an
//! index and a count). Unpacking is O(bytes) and bounded, so that a small file cannot fill the memory.

mod heatshrink;
mod meatpack;
mod write;

pub use write::{About, head, text_blocks};

use crate::metadata::{Image, Metadata, Thumbnail};
use shop_report::{Checked, Diagnostic};

/// What the first bytes of every such file are.
pub const MAGIC: &[u8; 4] = b"GCDE";
/// Kinds of blocks, by the number that stands for them in the file.
mod kind {
    pub const FILE: u16 = 0;
    pub const TEXT: u16 = 1;
    pub const SLICER: u16 = 2;
    pub const PRINTER: u16 = 3;
    pub const PRINT: u16 = 4;
    pub const THUMBNAIL: u16 = 5;
}
/// Compressions, by number.
mod packing {
    pub const NONE: u16 = 0;
    pub const DEFLATE: u16 = 1;
    pub const HEATSHRINK_11: u16 = 2;
    pub const HEATSHRINK_12: u16 = 3;
}
/// Bits of a count in Heatshrink; the bits of a distance are in its name.
const LOOKAHEAD: u32 = 4;
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
        let kind = input.number(2)? as u16;
        let compression = input.number(2)? as u16;
        let size = input.number(4)?;
        let packed = if compression == packing::NONE { size } else { input.number(4)? };
        let parameters = input.take(if kind == kind::THUMBNAIL { 6 } else { 2 })?;
        let data = input.take(packed)?;
        let covered = &input.bytes[start..input.at];
        if checksum == 1 && input.number(4)? != crc32fast::hash(covered) as usize {
            input.at = start;
            return Err("a block's checksum is wrong: the file is damaged");
        }
        if size > LARGEST_BLOCK {
            return Err("a block claims to be larger than any slicer writes");
        }
        let word = |i: usize| u16::from_le_bytes([parameters[i], parameters[i + 1]]);
        let plain = match compression {
            packing::NONE => data.to_vec(),
            packing::DEFLATE => miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(data, size)
                .map_err(|_| "a deflated block is damaged")?,
            packing::HEATSHRINK_11 => heatshrink::unpack(data, 11, LOOKAHEAD, size),
            packing::HEATSHRINK_12 => heatshrink::unpack(data, 12, LOOKAHEAD, size),
            _ => return Err("a block is compressed in an unknown way"),
        };
        if plain.len() != size {
            return Err("a block unpacks to another size than it claims");
        }
        match kind {
            kind::TEXT if out.text.len() + 2 * plain.len() > LARGEST_TEXT => {
                return Err("the program is longer than 1 GiB");
            }
            kind::TEXT => match word(0) {
                0 => out.text.extend_from_slice(&plain),
                1 | 2 => meatpack::unpack(&plain, &mut out.text),
                _ => return Err("the program is encoded in an unknown way"),
            },
            kind::FILE | kind::SLICER | kind::PRINTER | kind::PRINT => {
                let text = String::from_utf8_lossy(&plain);
                for line in text.lines() {
                    if let Some((key, value)) = line.split_once('=') {
                        out.metadata.values.push((key.trim().to_owned(), value.trim().to_owned()));
                    }
                }
            }
            kind::THUMBNAIL => {
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

#[cfg(test)]
mod tests {
    use super::*;

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
