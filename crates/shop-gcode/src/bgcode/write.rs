//! Writes binary G-code: a head, then the text in blocks that stand alone.
//!
//! A block of text packs without knowing the others, so that layers can be packed as they are made, on any core.

use super::{LOOKAHEAD, MAGIC, heatshrink, kind, meatpack, packing};
use crate::metadata::{Image, Thumbnail};

/// Text goes into blocks of at most this size, cut after a line end where there is one; what libbgcode writes.
const BLOCK: usize = 1 << 16;
/// Version of the format.
const VERSION: u32 = 1;
/// Checksums are CRC-32.
const CRC32: u16 = 1;
/// Metadata are lines `key=value`.
const INI: u16 = 0;
/// Text is packed by MeatPack, comments and all.
const MEATPACK_WITH_COMMENTS: u16 = 2;

/// What is said about a program before its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Of the file: who made it (`Producer`).
    pub file: Vec<(String, String)>,
    /// For the printer's screen: model, nozzle, temperatures, filament, time.
    pub printer: Vec<(String, String)>,
    /// Of this print: filament used, time.
    pub print: Vec<(String, String)>,
    /// The slicer's settings.
    pub slicer: Vec<(String, String)>,
    /// Pictures.
    pub thumbnails: Vec<Thumbnail>,
}

/// Returns the beginning of a binary file, all but the text.
pub fn head(about: &About) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend(CRC32.to_le_bytes());
    metadata(&mut out, kind::FILE, &about.file);
    metadata(&mut out, kind::PRINTER, &about.printer);
    for picture in &about.thumbnails {
        let format: u16 = match picture.format {
            Image::Png => 0,
            Image::Jpg => 1,
            Image::Qoi => 2,
        };
        let parameters = [format, picture.width as u16, picture.height as u16];
        block(&mut out, kind::THUMBNAIL, packing::NONE, &parameters, &picture.data, picture.data.len());
    }
    metadata(&mut out, kind::PRINT, &about.print);
    metadata(&mut out, kind::SLICER, &about.slicer);
    out
}

/// Returns text as blocks, to be appended to a head or to other blocks. The text must not hold the byte `FF`, which
/// no UTF-8 text does; blocks end after a line where they can.
pub fn text_blocks(mut text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 3);
    while !text.is_empty() {
        let most = text.len().min(BLOCK);
        let end = if most == text.len() {
            most
        } else {
            memchr::memrchr(b'\n', &text[..most]).map_or(most, |i| i + 1)
        };
        let (part, rest) = text.split_at(end);
        let short = meatpack::pack(part);
        let packed = heatshrink::pack(&short, 12, LOOKAHEAD);
        block(&mut out, kind::TEXT, packing::HEATSHRINK_12, &[MEATPACK_WITH_COMMENTS], &packed, short.len());
        text = rest;
    }
    out
}

/// Appends a block of metadata; long ones are deflated.
fn metadata(out: &mut Vec<u8>, kind: u16, values: &[(String, String)]) {
    let mut text = String::new();
    for (key, value) in values {
        // A value is one line; a line end within would begin another key.
        let value = value.replace(['\r', '\n'], "\\n");
        text.extend([key.as_str(), "=", value.as_str(), "\n"]);
    }
    let plain = text.as_bytes();
    if kind == kind::SLICER {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(plain, 6);
        block(out, kind, packing::DEFLATE, &[INI], &packed, plain.len());
    } else {
        block(out, kind, packing::NONE, &[INI], plain, plain.len());
    }
}

/// Appends a block; `size` is that of the data before packing.
fn block(out: &mut Vec<u8>, kind: u16, compression: u16, parameters: &[u16], data: &[u8], size: usize) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend(compression.to_le_bytes());
    out.extend((size as u32).to_le_bytes());
    if compression != packing::NONE {
        out.extend((data.len() as u32).to_le_bytes());
    }
    out.extend(parameters.iter().flat_map(|p| p.to_le_bytes()));
    out.extend(data);
    let sum = crc32fast::hash(&out[start..]);
    out.extend(sum.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let picture = Thumbnail { format: Image::Png, width: 16, height: 12, data: vec![1, 2, 3, 255] };
        let about = About {
            file: pairs(&[("Producer", "shopctl")]),
            printer: pairs(&[("nozzle_diameter", "0.4")]),
            print: pairs(&[("filament used [mm]", "12.5")]),
            slicer: pairs(&[("walls", "2"), ("note", "two\nlines")]),
            thumbnails: vec![picture.clone()],
        };
        let text: String = ["G1 X93.1 Y20 E.04 ; läuft\n", "G1 X17.5 Y29 E.06\n"].concat().repeat(5000);
        let mut file = head(&about);
        file.extend(text_blocks(text.as_bytes()));
        assert!(file.len() * 2 < text.len(), "{} of {}", file.len(), text.len());
        let read = super::super::read(&file);
        assert!(!read.has_errors(), "{:?}", read.diagnostics);
        assert!(read.value.text == text.as_bytes());
        let metadata = read.value.metadata;
        assert_eq!(metadata.generator.as_deref(), Some("shopctl"));
        assert_eq!(metadata.get("walls"), Some("2"));
        assert_eq!(metadata.get("note"), Some("two\\nlines"));
        assert_eq!(metadata.thumbnails, [picture]);
    }

    proptest! {
        #[test]
        fn blocks_hold_any_text(lines in prop::collection::vec("[ -~]{0,60}", 0..40), repeat in 1..200usize) {
            let text = lines.join("\n").repeat(repeat);
            let mut file = head(&About::default());
            file.extend(text_blocks(text.as_bytes()));
            let read = super::super::read(&file);
            prop_assert!(!read.has_errors());
            prop_assert!(read.value.text == text.as_bytes());
        }
    }
}
