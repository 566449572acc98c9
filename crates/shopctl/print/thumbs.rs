//! Pictures of a print at the head of its program, for the printer's screen.
//!
//! Told as PrusaSlicer tells them, which Klipper's hosts, OctoPrint's plugins and Prusa's firmware read: comments
//! `thumbnail begin 220x124 6996`, the file in Base64 (RFC 4648), 78 letters a line, `thumbnail end`.

use rayon::prelude::*;
use shop_cam::machine::{PictureFormat, Thumbnail as Wanted};
use shop_gcode::metadata::{Image, Thumbnail};
use shop_geom::mesh::Mesh;
use shop_sim::model_picture;

/// Letters of a line.
const LINE: usize = 78;

/// A picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The file and its size.
    pub thumbnail: Thumbnail,
}

/// Draws what stands on the bed in every size that is wanted.
pub fn pictures(meshes: &[&Mesh], wanted: &[Wanted]) -> Vec<Picture> {
    let draw = |w: &Wanted| {
        let picture = model_picture(meshes, w.width, w.height);
        let (format, data) = match w.format {
            PictureFormat::Png => (Image::Png, picture.png()),
            PictureFormat::Qoi => (Image::Qoi, picture.qoi()),
            PictureFormat::Jpg => (Image::Jpg, picture.jpg()),
        };
        Picture { thumbnail: Thumbnail { format, width: w.width, height: w.height, data } }
    };
    wanted.par_iter().map(draw).filter(|p| !p.thumbnail.data.is_empty()).collect()
}

impl Picture {
    /// Writes it as comments.
    pub fn comment(&self, out: &mut Vec<u8>) {
        let Thumbnail { format, width, height, data } = &self.thumbnail;
        let name = match format {
            Image::Png => "thumbnail",
            Image::Jpg => "thumbnail_JPG",
            Image::Qoi => "thumbnail_QOI",
        };
        let text = base64(data);
        out.extend(format!(";\n; {name} begin {width}x{height} {}\n", text.len()).bytes());
        for line in text.as_bytes().chunks(LINE) {
            out.extend(b"; ");
            out.extend(line);
            out.push(b'\n');
        }
        out.extend(format!("; {name} end\n;\n").bytes());
    }
}

fn base64(data: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(data.len().div_ceil(3) * 4);
    for three in data.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for k in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * k) & 63) as usize];
            out.push(if k > three.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::mesh::Point3;

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, section 10.
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let points = [[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]];
        let mesh = Mesh {
            points: points.map(Point3::from).to_vec(),
            triangles: vec![[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]],
        };
        let wanted: Vec<Wanted> =
            ["32x24/PNG", "16x16/QOI", "40x30/JPG"].map(|t| t.parse().expect("a size")).to_vec();
        let drawn = pictures(&[&mesh], &wanted);
        let mut text = Vec::new();
        for picture in &drawn {
            picture.comment(&mut text);
        }
        let read = shop_gcode::metadata::read(&text);
        assert_eq!(read.thumbnails, drawn.into_iter().map(|p| p.thumbnail).collect::<Vec<_>>());
    }
}
