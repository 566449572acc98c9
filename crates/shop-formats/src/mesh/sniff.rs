//! Tells mesh formats apart by content.
//!
//! The hard case is STL: binary files often begin with `solid`, and text files may begin with anything. A binary file
//! says how many facets follow; where that fits the length, nothing else matters.

use super::stl::{HEADER, RECORD, facets_promised};

/// A format of meshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// STL, 50 bytes a facet.
    StlBinary,
    /// STL as words.
    StlText,
    /// Wavefront OBJ.
    Obj,
    /// A 3MF package.
    ThreeMf,
    /// AMF, plain or in a package.
    Amf,
}

/// Returns the format that the bytes are in, if it is one we read.
pub fn format_of(bytes: &[u8]) -> Option<Format> {
    // Packages are never facets, whatever the bytes at the place of the count say.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return package(bytes);
    }
    if let Some(promised) = facets_promised(bytes)
        && bytes.len() as u64 == HEADER as u64 + u64::from(promised) * RECORD as u64
        && promised > 0
    {
        return Some(Format::StlBinary);
    }
    let head = &bytes[..bytes.len().min(64 * 1024)];
    if is_amf(head) {
        return Some(Format::Amf);
    }
    if is_text(head) {
        if is_stl_text(head) {
            return Some(Format::StlText);
        }
        return is_obj(head).then_some(Format::Obj);
    }
    // Text with some odd bytes in a name, or a binary file that was cut short or has something at its end.
    if is_stl_text(head) && !head.contains(&0) {
        return Some(Format::StlText);
    }
    facets_promised(bytes).filter(|n| *n > 0 && bytes.len() >= HEADER + RECORD).map(|_| Format::StlBinary)
}

/// Tells packages apart by the names in them.
fn package(bytes: &[u8]) -> Option<Format> {
    let package = super::zip::open(bytes);
    let has = |endings: &[&str]| package.entries.iter().any(|e| endings.iter().any(|n| e.ends_with(n)));
    if has(&[".model"]) {
        return Some(Format::ThreeMf);
    }
    has(super::amf::ENDINGS).then_some(Format::Amf)
}

/// True when the first element is `amf`.
fn is_amf(head: &[u8]) -> bool {
    let mut reader = super::xml::Reader::new(head, true);
    let blank = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if blank.first() != Some(&b'<') {
        return false;
    }
    loop {
        match reader.next() {
            Some(super::xml::Event::Open(tag)) => return tag.name.eq_ignore_ascii_case(b"amf"),
            Some(_) => {}
            None => return false,
        }
    }
}

fn is_text(head: &[u8]) -> bool {
    head.iter().all(|b| *b >= b' ' || b.is_ascii_whitespace())
}

/// True when the words of a facet come by.
fn is_stl_text(head: &[u8]) -> bool {
    let mut words = words(head);
    let first = words.next().unwrap_or_default();
    let starts = first.eq_ignore_ascii_case(b"solid") || first.eq_ignore_ascii_case(b"facet");
    starts && (words.any(|w| w.eq_ignore_ascii_case(b"vertex") || w.eq_ignore_ascii_case(b"endsolid")))
}

/// True when lines begin as those of an OBJ do, and at least one is a vertex.
fn is_obj(head: &[u8]) -> bool {
    const KEYWORDS: [&[u8]; 16] = [
        b"v", b"vt", b"vn", b"vp", b"f", b"l", b"p", b"o", b"g", b"s", b"mtllib", b"usemtl", b"usemap",
        b"fo", b"cstype", b"deg",
    ];
    // The last line may be cut.
    let lines = head.split(|b| matches!(b, b'\n' | b'\r'));
    let known = lines
        .filter_map(|l| words(l).next())
        .filter(|w| !w.starts_with(b"#"))
        .take_while(|w| KEYWORDS.contains(w))
        .take(200);
    known.into_iter().any(|w| w == b"v")
}

/// Returns the words of a text, without the mark that some programs begin UTF-8 with.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty())
}
