//! Wavefront OBJ: lines that begin with a keyword; `v` is a place, `f` a face of three or more corners.
//!
//! Faces name places by number, from 1 on or backwards from -1 in what came so far. Materials, textures and normals
//! say nothing about the shape and are not read; curves and surfaces are named as left out. Groups and objects of one
//! file are one thing, as every slicer takes them.
//!
//! The text is cut at line ends and read on all cores: first the places, and the faces as they are written; then,
//! when it is known how many places come before each piece, the faces in terms of places.

use super::number::number;
use super::stl::not_finite;
use super::text::{Found, Line, lines, pieces};
use super::{Scene, Talk, is_place};
use rayon::prelude::*;
use shop_geom::mesh::weld::{CHUNK_CORNERS, Double, double, weld};
use shop_geom::mesh::{Mesh, Point3, polygon};

/// Bytes of text that are read at a time.
const PIECE: usize = 1 << 20;

/// A corner as written: from the beginning of the file, or (odd) from the beginning of its piece.
type Corner = i64;

fn absolute(index: i64) -> Corner {
    index << 1
}

fn relative(index: i64) -> Corner {
    index << 1 | 1
}

#[derive(Default)]
struct Piece {
    points: Vec<[f64; 3]>,
    corners: Vec<Corner>,
    /// Where each face's corners end, and where in the file it stands.
    faces: Vec<(u32, u32)>,
    broken_faces: Found,
    broken_points: Found,
    surfaces: Found,
    name: Option<String>,
}

/// Reads all faces as one mesh.
pub(super) fn read(bytes: &[u8], talk: &mut Talk) -> Scene {
    let ranges = pieces(bytes, PIECE);
    let pieces: Vec<Piece> =
        ranges.into_par_iter().map(|(start, end)| piece(&bytes[start..end], start)).collect();
    let mut bases = vec![0];
    for p in &pieces {
        bases.push(bases[bases.len() - 1] + p.points.len());
    }
    let places: Vec<[f64; 3]> = pieces.par_iter().flat_map_iter(|p| p.points.iter().copied()).collect();
    let cut: Vec<Cut> =
        pieces.par_iter().zip(&bases).map(|(p, base)| p.triangles(*base as i64, &places)).collect();
    complain(&pieces, &cut, talk);

    let chunks: Vec<&[[u32; 3]]> = cut.iter().flat_map(|c| c.triangles.chunks(CHUNK_CORNERS / 3)).collect();
    let (points, triangles) = weld(chunks.len(), |chunk, out: &mut Vec<[Double; 3]>| {
        out.extend(chunks[chunk].iter().map(|t| t.map(|i| double(places[i as usize]))));
    });
    let name = pieces.iter().find_map(|p| p.name.clone()).unwrap_or_default();
    Scene::of_mesh(name, Mesh { points, triangles })
}

fn piece(text: &[u8], base: usize) -> Piece {
    let mut out = Piece::default();
    for line in lines(text) {
        out.line(line, base);
    }
    out
}

impl Piece {
    fn line(&mut self, mut line: Line<'_>, base: usize) {
        let at = base + line.start;
        match line.next() {
            Some(b"v") => {
                let mut place = [f64::NAN; 3];
                for (v, word) in place.iter_mut().zip(&mut line) {
                    *v = number(word).unwrap_or(f64::NAN);
                }
                if !place.iter().all(|v| is_place(*v)) {
                    self.broken_points.one(at);
                    place = [f64::NAN; 3];
                }
                self.points.push(place);
            }
            Some(b"f" | b"fo") => self.face(line, at),
            Some(b"o" | b"g") if self.name.is_none() => {
                let words: Vec<_> = line.map(String::from_utf8_lossy).collect();
                self.name = Some(words.join(" "));
            }
            Some(b"curv" | b"curv2" | b"surf") => self.surfaces.one(at),
            _ => {}
        }
    }

    fn face(&mut self, line: Line<'_>, at: usize) {
        let before = self.corners.len();
        let here = self.points.len() as i64;
        for word in line.take_while(|w| !w.starts_with(b"#")) {
            let word = word.split(|b| *b == b'/').next().unwrap_or_default();
            let index: Option<i64> = std::str::from_utf8(word).ok().and_then(|w| w.parse().ok());
            match index.filter(|i| i.unsigned_abs() < 1 << 40) {
                Some(i) if i > 0 => self.corners.push(absolute(i - 1)),
                Some(i) if i < 0 => self.corners.push(relative(here + i)),
                _ => {
                    self.corners.truncate(before);
                    self.broken_faces.one(at);
                    return;
                }
            }
        }
        if self.corners.len() < before + 3 {
            // A face of two corners encloses nothing; some programs write edges so.
            self.corners.truncate(before);
            return;
        }
        self.faces.push((self.corners.len() as u32, at.min(u32::MAX as usize) as u32));
    }

    /// Cuts the faces into triangles; `base` places come before this piece.
    fn triangles(&self, base: i64, places: &[[f64; 3]]) -> Cut {
        let mut out = Cut::default();
        let mut face: Vec<u32> = Vec::new();
        let mut points: Vec<Point3> = Vec::new();
        let mut start = 0;
        for &(end, at) in &self.faces {
            face.clear();
            points.clear();
            for &corner in &self.corners[start..end as usize] {
                let index = (corner >> 1) + if corner & 1 == 1 { base } else { 0 };
                let Some(place) = usize::try_from(index).ok().and_then(|i| places.get(i)) else { break };
                face.push(index as u32);
                points.push(Point3::from(*place));
            }
            let whole = face.len() == end as usize - start;
            start = end as usize;
            if !whole {
                out.strangers.one(at as usize);
            } else if points.iter().all(|p| p.x.is_finite()) {
                polygon::triangles(&points, |t| out.triangles.push(t.map(|i| face[i as usize])));
            } else {
                out.not_finite.one(at as usize);
            }
        }
        out
    }
}

/// A piece's triangles over all places, and the faces that are none.
#[derive(Default)]
struct Cut {
    triangles: Vec<[u32; 3]>,
    /// Faces that name places which do not exist.
    strangers: Found,
    not_finite: Found,
}

fn complain(pieces: &[Piece], cut: &[Cut], talk: &mut Talk) {
    let broken = Found::all(pieces.iter().map(|p| p.broken_faces));
    if let Some(at) = broken.first {
        let message = broken.say("a face is", "faces are", "left out: not all of its corners are numbers");
        talk.error("mesh/torn-facet", message, at, at + 1).count = broken.count as u32;
    }
    let strangers = Found::all(cut.iter().map(|c| c.strangers));
    if let Some(at) = strangers.first {
        let message = strangers.say("a face is", "faces are", "left out: they name points that do not exist");
        talk.error("mesh/unknown-point", message, at, at + 1).count = strangers.count as u32;
    }
    let bad = Found::all(cut.iter().map(|c| c.not_finite));
    if let Some(at) = bad.first {
        not_finite(talk, bad.count, at, at + 1);
    }
    let surfaces = Found::all(pieces.iter().map(|p| p.surfaces));
    if let Some(at) = surfaces.first {
        let message =
            surfaces.say("a curved surface is", "curved surfaces are", "left out: only faces are read");
        talk.warn("mesh/surface-ignored", message, at, at + 1).hint =
            Some("export the part as a mesh".into());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ReadOptions, read};
    use shop_report::SourceId;

    fn faces(text: &str) -> (usize, f64, Vec<&'static str>) {
        let options = ReadOptions { mm_per_unit: Some(1.0), ..ReadOptions::default() };
        let read = read(SourceId(0), text.as_bytes(), &options);
        let mesh = read.value.objects.first().map(|o| o.parts[0].mesh.clone()).unwrap_or_default();
        let area = mesh.area();
        (mesh.triangles.len(), area, read.diagnostics.iter().map(|d| d.code).collect())
    }

    const SQUARE: &str = "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 0 2 0\n";

    #[test]
    fn faces_count_from_either_end() {
        for face in
            ["f 1 2 3 4", "f -4 -3 -2 -1", "f 1/1/1 2//2 -2/5 \\\r\n 4", "f 1 2 3\nf 1 3 4 # and done"]
        {
            assert_eq!(faces(&format!("{SQUARE}{face}\n")), (2, 4.0, vec![]), "{face}");
        }
    }

    #[test]
    fn a_face_with_a_notch_covers_what_it_covers() {
        let text = "v 0 0 0\nv 4 0 0\nv 4 4 0\nv 2 1 0\nv 0 4 0\nf 1 2 3 4 5\n";
        assert_eq!(faces(text), (3, 10.0, vec![]));
    }

    #[test]
    fn what_cannot_be_a_face_is_said() {
        assert_eq!(faces(&format!("{SQUARE}f 1 2 3\nf 1 2 9\n")), (1, 2.0, vec!["mesh/unknown-point"]));
        assert_eq!(faces(&format!("{SQUARE}f 1 2 3\nf 1 x 4\n")), (1, 2.0, vec!["mesh/torn-facet"]));
        assert_eq!(
            faces(&format!("v 0 0 nan\n{SQUARE}f 1 2 3\nf 2 3 4\n")),
            (1, 2.0, vec!["mesh/not-finite"])
        );
        assert_eq!(faces(&format!("{SQUARE}f 1 2 3\nf 1 2\nf 0 1 2\n")).2, vec!["mesh/torn-facet"]);
    }
}
