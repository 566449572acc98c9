//! STL as words: `facet normal … outer loop vertex x y z … endloop endfacet`, in any case and with any white space.
//!
//! What counts are the corners: every `vertex` and its three numbers, three to a facet. The text is cut where a line
//! begins with `facet`, and the pieces are read on all cores. Names after `solid` are skipped to the end of their
//! line, whatever stands in them.

use super::number::number;
use super::stl::not_finite;
use super::text::Found;
use super::{Scene, Talk, is_place};
use rayon::prelude::*;
use shop_geom::mesh::Mesh;
use shop_geom::mesh::weld::{CHUNK_CORNERS, Double, double, weld};

/// Bytes of text that are read at a time; a facet takes about 250, so its corners fit into one chunk of the weld.
const PIECE: usize = 1 << 20;

/// What one piece of the text holds.
#[derive(Default)]
struct Piece {
    facets: Vec<[Double; 3]>,
    not_finite: Found,
    /// Facets with another number of corners than three, and corners whose numbers cannot be read.
    torn: Found,
    /// The name after the first `solid`.
    name: Option<String>,
    /// Where in the text the end is announced.
    ends: bool,
}

/// Reads all facets of all solids as one mesh.
pub(super) fn read(bytes: &[u8], talk: &mut Talk) -> Scene {
    let cuts = cuts(bytes);
    let pieces: Vec<Piece> = cuts.par_windows(2).map(|w| piece(&bytes[w[0]..w[1]], w[0])).collect();
    let bad = Found::all(pieces.iter().map(|p| p.not_finite));
    if let Some(at) = bad.first {
        not_finite(talk, bad.count, at, at + 1);
    }
    let torn = Found::all(pieces.iter().map(|p| p.torn));
    if let Some(at) = torn.first {
        let message =
            torn.say("a facet is", "facets are", "left out: without three corners that can be read");
        talk.error("mesh/torn-facet", message, at, at + 1).count = torn.count as u32;
    }
    if !pieces.last().is_some_and(|p| p.ends) {
        let facets: usize = pieces.iter().map(|p| p.facets.len()).sum();
        let message = format!("the file ends after {facets} facets without `endsolid`");
        talk.error("mesh/truncated", message, bytes.len(), bytes.len()).hint =
            Some("export or download the part again; what is there may be no whole part".into());
    }
    let name = pieces.iter().find_map(|p| p.name.clone()).unwrap_or_default();
    let chunks: Vec<&[[Double; 3]]> =
        pieces.iter().flat_map(|p| p.facets.chunks(CHUNK_CORNERS / 3)).collect();
    let (points, triangles) =
        weld(chunks.len(), |chunk, out: &mut Vec<[Double; 3]>| out.extend_from_slice(chunks[chunk]));
    Scene::of_mesh(name, Mesh { points, triangles })
}

/// Returns where the pieces begin, and the end.
fn cuts(bytes: &[u8]) -> Vec<usize> {
    let mut cuts = vec![0];
    let mut at = PIECE;
    while at < bytes.len() {
        match next_facet_line(bytes, at) {
            Some(cut) => {
                cuts.push(cut);
                at = cut + PIECE;
            }
            None => break,
        }
    }
    cuts.push(bytes.len());
    cuts
}

/// Returns the first place from `at` on where a line's first word is `facet`.
fn next_facet_line(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'\n', b'\r', bytes.get(at..)?)? + 1;
        let blanks = bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let word = bytes.get(at + blanks..at + blanks + 6)?;
        if word[..5].eq_ignore_ascii_case(b"facet") && word[5].is_ascii_whitespace() {
            return Some(at + blanks);
        }
    }
}

/// Reads one piece, which begins at byte `base` of the file.
fn piece(text: &[u8], base: usize) -> Piece {
    let mut out = Piece::default();
    let mut words = Words { text, at: 0 };
    let mut corners = [[0.0; 3]; 3];
    let mut count = 0;
    let mut open = None;
    let mut good = true;
    while let Some((at, word)) = words.next() {
        match word.first().map(u8::to_ascii_lowercase) {
            Some(b'v') if word.eq_ignore_ascii_case(b"vertex") => {
                open.get_or_insert(at);
                let Some(place) = words.place() else {
                    good = false;
                    continue;
                };
                if count < 3 {
                    corners[count] = place;
                }
                count += 1;
            }
            Some(b'e') if word.eq_ignore_ascii_case(b"endfacet") || word.eq_ignore_ascii_case(b"endloop") => {
                out.close(&mut open, &mut count, &mut good, &corners, base);
            }
            Some(b'f') if word.eq_ignore_ascii_case(b"facet") => {
                // The facet before was never closed; what it has counts.
                out.close(&mut open, &mut count, &mut good, &corners, base);
                open = Some(at);
                out.ends = false;
            }
            Some(b's') if word.eq_ignore_ascii_case(b"solid") => {
                let name = words.rest_of_line();
                out.name.get_or_insert_with(|| String::from_utf8_lossy(name).trim().to_owned());
            }
            Some(b'e') if is_endsolid(word) => {
                words.rest_of_line();
                out.ends = true;
            }
            _ => {}
        }
    }
    out.close(&mut open, &mut count, &mut good, &corners, base);
    out
}

/// True for `endsolid`, also glued to the name and as two words' first.
fn is_endsolid(word: &[u8]) -> bool {
    word.len() >= 8 && word[..8].eq_ignore_ascii_case(b"endsolid") || word.eq_ignore_ascii_case(b"end")
}

impl Piece {
    /// Takes the facet up if it is one.
    fn close(
        &mut self,
        open: &mut Option<usize>,
        count: &mut usize,
        good: &mut bool,
        corners: &[[f64; 3]; 3],
        base: usize,
    ) {
        let Some(at) = open.take() else { return };
        let (n, whole) = (std::mem::take(count), std::mem::replace(good, true));
        if n != 3 || !whole {
            self.torn.one(base + at);
        } else if corners.iter().flatten().all(|v| is_place(*v)) {
            self.facets.push(corners.map(double));
        } else {
            self.not_finite.one(base + at);
        }
    }
}

/// The words of a text, with their places.
struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    #[inline]
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + rest.iter().position(|b| !b.is_ascii_whitespace())?;
        let length = self.text[start..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        self.at = start + length;
        Some((start, &self.text[start..self.at]))
    }

    /// Returns the next three words as a place; what is no number is left for the next look.
    #[inline]
    fn place(&mut self) -> Option<[f64; 3]> {
        let mut place = [0.0; 3];
        for v in &mut place {
            let before = self.at;
            let word = self.next()?.1;
            let Some(n) = number(word) else {
                self.at = before;
                return None;
            };
            *v = n;
        }
        Some(place)
    }

    /// Skips to the end of the line, or to a facet for files that have no lines.
    fn rest_of_line(&mut self) -> &'a [u8] {
        let start = self.at;
        let rest = &self.text[start..];
        let line = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let facet = rest[..line].windows(13).position(|w| {
            w.eq_ignore_ascii_case(b" facet normal") || w.eq_ignore_ascii_case(b"\tfacet normal")
        });
        self.at = start + facet.unwrap_or(line);
        &self.text[start..self.at]
    }
}
