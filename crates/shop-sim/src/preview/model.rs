//! A shaded picture of a mesh, as printers show it on their screens.
//!
//! Seen from the front, half from the left and above, without perspective; every triangle is filled into a depth
//! buffer, two by two samples a pixel, and shaded by how far it faces the light. O(triangles + samples drawn).

use jpeg_encoder::{ColorType, Encoder};
use shop_geom::mesh::{Mesh, Point3, Vector3};
use tiny_skia::Pixmap;

/// Where the eye is, as a direction from the model: in front of it, left and above.
const EYE: [f64; 3] = [-0.45, -0.75, 0.5];
/// Where the light comes from: over the left shoulder.
const LIGHT: [f64; 3] = [-0.55, -0.45, 0.9];
/// Share of the light that comes from everywhere.
const AMBIENT: f64 = 0.32;
/// Colour of the material in full light, sRGB: a filament that shows on light and dark screens.
const COLOUR: [f64; 3] = [245.0, 140.0, 45.0];
/// Part of the picture that the model fills.
const FILLED: f64 = 0.92;
/// Samples of a pixel, each way.
const SAMPLES: u32 = 2;
/// Largest width and height, pixels; firmwares show a few hundred.
const LARGEST: u32 = 2048;
/// Of 100: edges show no rings on a screen.
const JPEG_QUALITY: u8 = 90;

/// A picture with a transparent background.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPicture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Red, green, blue and opacity of each pixel, rows from the top, not premultiplied.
    pub rgba: Vec<u8>,
}

/// Draws meshes that stand on one bed; `width` and `height` are pixels, 1 to 2048.
pub fn model_picture(meshes: &[&Mesh], width: u32, height: u32) -> ModelPicture {
    let (width, height) = (width.clamp(1, LARGEST), height.clamp(1, LARGEST));
    let camera = Camera::around(meshes, width * SAMPLES, height * SAMPLES);
    let mut canvas = Canvas::new(width * SAMPLES, height * SAMPLES);
    for mesh in meshes {
        let seen: Vec<[f32; 3]> = mesh.points.iter().map(|p| camera.see(*p)).collect();
        for &triangle in &mesh.triangles {
            let [a, b, c] = mesh.corners(triangle);
            let normal = (b - a).cross(&(c - a));
            let Some(normal) = normal.try_normalize(0.0) else { continue };
            let shade = AMBIENT + (1.0 - AMBIENT) * normal.dot(&camera.light).max(0.0);
            canvas.fill(triangle.map(|i| seen[i as usize]), (shade * 255.0).round() as u8);
        }
    }
    canvas.picture(width, height)
}

impl ModelPicture {
    /// Returns the picture as PNG; empty only when there is no memory for it.
    pub fn png(&self) -> Vec<u8> {
        let Some(mut page) = Pixmap::new(self.width, self.height) else { return Vec::new() };
        for (to, from) in page.pixels_mut().iter_mut().zip(self.rgba.chunks_exact(4)) {
            *to = tiny_skia::ColorU8::from_rgba(from[0], from[1], from[2], from[3]).premultiply();
        }
        page.encode_png().unwrap_or_default()
    }

    /// Returns the picture as JPEG, on white; empty only when it is larger than that format knows.
    pub fn jpg(&self) -> Vec<u8> {
        let over = |p: &[u8]| {
            let share = u32::from(p[3]);
            [p[0], p[1], p[2]].map(|v| ((u32::from(v) * share + 255 * (255 - share) + 127) / 255) as u8)
        };
        let pixels: Vec<u8> = self.rgba.chunks_exact(4).flat_map(over).collect();
        let size = [self.width, self.height].map(|v| u16::try_from(v).unwrap_or(0));
        let mut out = Vec::new();
        let written = Encoder::new(&mut out, JPEG_QUALITY).encode(&pixels, size[0], size[1], ColorType::Rgb);
        if written.is_ok() { out } else { Vec::new() }
    }

    /// Returns the picture as QOI, which some printers read faster than PNG. Source: the QOI specification, 2022.
    pub fn qoi(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.rgba.len() / 4 + 32);
        out.extend(b"qoif");
        out.extend(self.width.to_be_bytes());
        out.extend(self.height.to_be_bytes());
        // Four channels, sRGB.
        out.extend([4, 0]);
        let mut pixels = Qoi { known: [[0; 4]; 64], last: [0, 0, 0, 255], run: 0, out };
        for p in self.rgba.chunks_exact(4) {
            pixels.push([p[0], p[1], p[2], p[3]]);
        }
        pixels.end_run();
        pixels.out.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        pixels.out
    }
}

/// The state of a QOI encoder.
struct Qoi {
    known: [[u8; 4]; 64],
    last: [u8; 4],
    run: u8,
    out: Vec<u8>,
}

impl Qoi {
    fn push(&mut self, p: [u8; 4]) {
        if p == self.last {
            self.run += 1;
            if self.run == 62 {
                self.end_run();
            }
            return;
        }
        self.end_run();
        let sum = p.iter().zip([3usize, 5, 7, 11]).map(|(v, k)| usize::from(*v) * k).sum::<usize>();
        let place = sum % 64;
        let by = |i: usize| p[i].wrapping_sub(self.last[i]).cast_signed();
        let (red, green, blue) = (by(0), by(1), by(2));
        let (red_more, blue_more) = (red.wrapping_sub(green), blue.wrapping_sub(green));
        if self.known[place] == p {
            self.out.push(place as u8);
        } else if p[3] != self.last[3] {
            self.out.push(0xFF);
            self.out.extend(p);
        } else if [red, green, blue].iter().all(|d| (-2..=1).contains(d)) {
            self.out.push(0x40 | ((red + 2) << 4 | (green + 2) << 2 | (blue + 2)).cast_unsigned());
        } else if (-32..=31).contains(&green) && [red_more, blue_more].iter().all(|d| (-8..=7).contains(d)) {
            self.out.push(0x80 | (green + 32).cast_unsigned());
            self.out.push((red_more + 8).cast_unsigned() << 4 | (blue_more + 8).cast_unsigned());
        } else {
            self.out.push(0xFE);
            self.out.extend(&p[..3]);
        }
        self.known[place] = p;
        self.last = p;
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            self.out.push(0xC0 | (self.run - 1));
            self.run = 0;
        }
    }
}

/// How places become samples.
struct Camera {
    right: Vector3,
    up: Vector3,
    eye: Vector3,
    light: Vector3,
    scale: f64,
    shift: [f64; 2],
}

impl Camera {
    /// Looks at all meshes so that they fill the picture.
    fn around(meshes: &[&Mesh], width: u32, height: u32) -> Self {
        let vector = |v: [f64; 3]| Vector3::from(v).normalize();
        let eye = vector(EYE);
        let right = vector([0.0, 0.0, 1.0]).cross(&eye).normalize();
        let up = eye.cross(&right);
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for p in meshes.iter().flat_map(|m| &m.points) {
            for (i, along) in [right, up].iter().enumerate() {
                let v = p.coords.dot(along);
                (low[i], high[i]) = (low[i].min(v), high[i].max(v));
            }
        }
        let size = [f64::from(width), f64::from(height)];
        let room = |i: usize| FILLED * size[i] / (high[i] - low[i]).max(1e-9);
        let scale = room(0).min(room(1));
        let shift = [0, 1].map(|i| size[i] / 2.0 - scale * f64::midpoint(low[i], high[i]));
        Camera { right, up, eye, light: vector(LIGHT), scale, shift }
    }

    /// Returns the column, the row from below and the depth of a place, in samples; nearer is larger.
    fn see(&self, p: Point3) -> [f32; 3] {
        let x = self.scale * p.coords.dot(&self.right) + self.shift[0];
        let y = self.scale * p.coords.dot(&self.up) + self.shift[1];
        [x as f32, y as f32, (self.scale * p.coords.dot(&self.eye)) as f32]
    }
}

/// Samples with their depth; rows from below.
struct Canvas {
    width: usize,
    height: usize,
    depth: Vec<f32>,
    shade: Vec<u8>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Canvas {
            width,
            height,
            depth: vec![f32::NEG_INFINITY; width * height],
            shade: vec![0; width * height],
        }
    }

    /// Fills the samples whose centres lie in a triangle and are nearer than what was there.
    fn fill(&mut self, [a, b, c]: [[f32; 3]; 3], shade: u8) {
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        // Seen from behind, or from the edge.
        if area.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
            return;
        }
        let range = |i: usize, most: usize| {
            let low = a[i].min(b[i]).min(c[i]).max(0.0);
            let high = a[i].max(b[i]).max(c[i]).min(most as f32);
            (low as usize, (high.ceil().max(0.0) as usize).min(most))
        };
        let ((left, right), (bottom, top)) = (range(0, self.width), range(1, self.height));
        let edge = |p: [f32; 3], q: [f32; 3], x: f32, y: f32| {
            (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
        };
        for row in bottom..top {
            for column in left..right {
                let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
                let (u, v, w) = (edge(b, c, x, y), edge(c, a, x, y), edge(a, b, x, y));
                if u < 0.0 || v < 0.0 || w < 0.0 {
                    continue;
                }
                let depth = (u * a[2] + v * b[2] + w * c[2]) / area;
                let at = row * self.width + column;
                if depth > self.depth[at] {
                    self.depth[at] = depth;
                    self.shade[at] = shade;
                }
            }
        }
    }

    /// Averages the samples of each pixel.
    fn picture(&self, width: u32, height: u32) -> ModelPicture {
        let mut rgba = Vec::with_capacity(4 * (width * height) as usize);
        let n = SAMPLES as usize;
        for row in (0..height as usize).rev() {
            for column in 0..width as usize {
                let samples = (0..n * n).map(|i| (row * n + i / n) * self.width + column * n + i % n);
                let drawn: Vec<u8> =
                    samples.filter(|s| self.depth[*s].is_finite()).map(|s| self.shade[s]).collect();
                let light =
                    drawn.iter().map(|s| f64::from(*s)).sum::<f64>() / (255.0 * drawn.len().max(1) as f64);
                rgba.extend(COLOUR.map(|c| (c * light).round() as u8));
                rgba.push((255 * drawn.len() / (n * n)) as u8);
            }
        }
        ModelPicture { width, height, rgba }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cube(side: f64) -> Mesh {
        let points = (0..8).map(|i| {
            Point3::new(side * f64::from(i & 1), side * f64::from(i >> 1 & 1), side * f64::from(i >> 2))
        });
        let quads = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
        let triangles = quads.iter().flat_map(|q| [[q[0], q[1], q[2]], [q[0], q[2], q[3]]]).collect();
        Mesh { points: points.collect(), triangles }
    }

    fn colours(picture: &ModelPicture) -> Vec<[u8; 4]> {
        let mut all: Vec<[u8; 4]> = picture.rgba.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect();
        all.retain(|p| p[3] == 255);
        all.sort_unstable();
        all.dedup_by(|a, b| a == b);
        all
    }

    #[test]
    fn a_cube_shows_its_three_sides_and_no_hole() {
        let picture = model_picture(&[&cube(10.0)], 64, 64);
        // Three flat sides, and mixtures of two or three of them along the edges.
        let all: Vec<[u8; 4]> = picture.rgba.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect();
        let often =
            colours(&picture).into_iter().filter(|c| all.iter().filter(|p| *p == c).count() > 100).count();
        assert_eq!(often, 3);
        // Each row is one run of opaque pixels.
        for row in all.chunks(64) {
            let inside: Vec<usize> = (0..64).filter(|i| row[*i][3] == 255).collect();
            assert!(inside.windows(2).all(|w| w[1] == w[0] + 1));
        }
        assert_eq!(all[0][3], 0, "the corner is empty");
    }

    #[test]
    fn the_size_of_the_model_does_not_matter() {
        assert_eq!(model_picture(&[&cube(1.0)], 32, 24), model_picture(&[&cube(1024.0)], 32, 24));
    }

    #[test]
    fn nothing_is_an_empty_picture() {
        let picture = model_picture(&[&Mesh::default()], 8, 8);
        assert!(picture.rgba.chunks_exact(4).all(|p| p[3] == 0));
        assert!(tiny_skia::Pixmap::decode_png(&picture.png()).is_ok());
    }

    /// Reads QOI, written from its specification, to hold the encoder against.
    fn read_qoi(data: &[u8]) -> ModelPicture {
        let number = |i: usize| u32::from_be_bytes(data[i..i + 4].try_into().unwrap());
        let (width, height) = (number(4), number(8));
        let (mut known, mut p, mut rgba, mut at) = ([[0u8; 4]; 64], [0u8, 0, 0, 255], Vec::new(), 14);
        while rgba.len() < 4 * (width * height) as usize {
            let tag = data[at];
            at += 1;
            let mut times = 1;
            match tag {
                0xFE => {
                    p[..3].copy_from_slice(&data[at..at + 3]);
                    at += 3;
                }
                0xFF => {
                    p.copy_from_slice(&data[at..at + 4]);
                    at += 4;
                }
                0x00..=0x3F => p = known[usize::from(tag)],
                0x40..=0x7F => {
                    for (i, shift) in [(0, 4), (1, 2), (2, 0)] {
                        p[i] = p[i].wrapping_add(tag >> shift & 3).wrapping_sub(2);
                    }
                }
                0x80..=0xBF => {
                    let green = (tag & 63).wrapping_sub(32);
                    let more = data[at];
                    at += 1;
                    p[0] = p[0].wrapping_add(green).wrapping_add(more >> 4).wrapping_sub(8);
                    p[1] = p[1].wrapping_add(green);
                    p[2] = p[2].wrapping_add(green).wrapping_add(more & 15).wrapping_sub(8);
                }
                _ => times = usize::from(tag & 63) + 1,
            }
            known[p.iter().zip([3usize, 5, 7, 11]).map(|(v, k)| usize::from(*v) * k).sum::<usize>() % 64] = p;
            rgba.extend(p.repeat(times));
        }
        assert_eq!(&data[at..], [0, 0, 0, 0, 0, 0, 0, 1]);
        ModelPicture { width, height, rgba }
    }

    proptest! {
        #[test]
        fn qoi_reads_back(pixels in prop::collection::vec((prop::array::uniform4(0..12u8), any::<[u8; 4]>(), 0..4u8, 1..90usize), 1..30)) {
            let mut rgba = Vec::new();
            let mut last = [0u8, 0, 0, 255];
            for (near, any, how, times) in &pixels {
                last = match how {
                    0 => *any,
                    1 => [any[0], any[1], any[2], last[3]],
                    _ => std::array::from_fn(|i| if i < 3 { last[i].wrapping_add(near[i]).wrapping_sub(6) } else { last[i] }),
                };
                rgba.extend(last.repeat(*times));
            }
            let picture = ModelPicture { width: rgba.len() as u32 / 4, height: 1, rgba };
            prop_assert_eq!(read_qoi(&picture.qoi()), picture);
        }
    }
}
