//! A small JPEG encoder for pictures on screens that read nothing else: baseline, one table for all three channels.
//!
//! Source: ITU-T T.81 (JPEG), its figures for the order of coefficients and Annex K for tables; JFIF 1.02 for colours. A
//! block of 8 by 8 pixels is turned into waves, each rounded as coarsely as the eye allows, and the few that are left are
//! written with the shorter words for the more usual ones.

use std::f64::consts::PI;

/// How coarsely waves are rounded, rows from the top (Annex K.1, luminance), in percent of [`FINE`].
const COARSE: [u32; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
/// Share of that which is used, percent: quality 90 of other encoders.
const FINE: u32 = 20;

/// How many words there are of each length, and what they mean (Annex K.3, luminance): sizes of steps from block to block.
const STEPS: ([u8; 16], &[u8]) =
    ([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
/// The same for waves: zeros before one, and its size.
const WAVES: ([u8; 16], &[u8]) = (
    [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
    &[
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22,
        0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33,
        0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34,
        0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55,
        0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76,
        0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96,
        0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5,
        0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4,
        0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1,
        0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ],
);

/// Returns a picture as JPEG; `rgb` are its pixels, rows from the top. O(pixels).
pub fn jpeg(width: u32, height: u32, rgb: &[[u8; 3]]) -> Vec<u8> {
    let order = zigzag();
    let rough = COARSE.map(|v| ((v * FINE + 50) / 100).max(1));
    let mut out = head(width as u16, height as u16, &rough, &order);
    let mut bits = Bits { out: Vec::new(), held: 0, count: 0 };
    let (steps, waves) = (words(&STEPS), words(&WAVES));
    let cosines = cosines();
    let mut last = [0; 3];
    for top in (0..height).step_by(8) {
        for left in (0..width).step_by(8) {
            for channel in 0..3 {
                // Beyond the edge the picture goes on as it ends.
                let block: [f64; 64] = std::array::from_fn(|i| {
                    let (x, y) = ((left + i as u32 % 8).min(width - 1), (top + i as u32 / 8).min(height - 1));
                    colour(rgb[(y * width + x) as usize], channel)
                });
                let found = transform(&block, &cosines);
                let coded: [i32; 64] =
                    std::array::from_fn(|k| (found[order[k]] / f64::from(rough[order[k]])).round() as i32);
                bits.block(&coded, &mut last[channel], &steps, &waves);
            }
        }
    }
    out.extend(bits.end());
    out.extend([0xFF, 0xD9]);
    out
}

/// Brightness, or how blue or red a pixel is, about 0 (JFIF).
fn colour(rgb: [u8; 3], channel: usize) -> f64 {
    const WEIGHTS: [[f64; 3]; 3] =
        [[0.299, 0.587, 0.114], [-0.168_736, -0.331_264, 0.5], [0.5, -0.418_688, -0.081_312]];
    let sum: f64 = rgb.iter().zip(WEIGHTS[channel]).map(|(v, w)| f64::from(*v) * w).sum();
    if channel == 0 { sum - 128.0 } else { sum }
}

/// Returns the coefficients in the order in which they are written: from the slowest wave to the quickest, slantwise.
fn zigzag() -> [usize; 64] {
    let mut all: [usize; 64] = std::array::from_fn(|i| i);
    // Along every other diagonal the other way.
    all.sort_by_key(|i| (i / 8 + i % 8, if (i / 8 + i % 8) % 2 == 0 { i % 8 } else { i / 8 }));
    all
}

fn cosines() -> [[f64; 8]; 8] {
    std::array::from_fn(|u| {
        let scale = if u == 0 { (1.0f64 / 8.0).sqrt() } else { 0.5 };
        std::array::from_fn(|x| scale * ((2 * x + 1) as f64 * u as f64 * PI / 16.0).cos())
    })
}

/// Turns a block into waves, row by row and then column by column.
fn transform(block: &[f64; 64], cosines: &[[f64; 8]; 8]) -> [f64; 64] {
    let rows: [f64; 64] =
        std::array::from_fn(|i| (0..8).map(|x| block[i / 8 * 8 + x] * cosines[i % 8][x]).sum());
    std::array::from_fn(|i| (0..8).map(|y| rows[y * 8 + i % 8] * cosines[i / 8][y]).sum())
}

/// Returns the word for every meaning: its bits and their number (Annex C).
fn words((counts, meanings): &([u8; 16], &[u8])) -> [(u32, u32); 256] {
    let mut out = [(0, 0); 256];
    let (mut code, mut k) = (0, 0);
    for (length, count) in counts.iter().enumerate() {
        for _ in 0..*count {
            out[usize::from(meanings[k])] = (code, length as u32 + 1);
            (code, k) = (code + 1, k + 1);
        }
        code <<= 1;
    }
    out
}

/// Returns everything before the blocks.
fn head(width: u16, height: u16, rough: &[u32; 64], order: &[usize; 64]) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, data: &[u8]| {
        out.extend([0xFF, marker]);
        out.extend((data.len() as u16 + 2).to_be_bytes());
        out.extend(data);
    };
    segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
    let table: Vec<u8> = std::iter::once(0).chain(order.iter().map(|i| rough[*i] as u8)).collect();
    segment(0xDB, &table);
    let ([w0, w1], [h0, h1]) = (width.to_be_bytes(), height.to_be_bytes());
    segment(0xC0, &[8, h0, h1, w0, w1, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    for (class, (counts, meanings)) in [(0x00, STEPS), (0x10, WAVES)] {
        let table: Vec<u8> = std::iter::once(class).chain(counts).chain(meanings.iter().copied()).collect();
        segment(0xC4, &table);
    }
    segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
    out
}

/// Bits on their way into bytes.
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, (bits, count): (u32, u32)) {
        self.held = self.held << count | bits;
        self.count += count;
        while self.count >= 8 {
            let byte = (self.held >> (self.count - 8)) as u8;
            self.out.push(byte);
            if byte == 0xFF {
                // Else it would be the beginning of a marker.
                self.out.push(0);
            }
            self.count -= 8;
        }
        self.held &= (1 << self.count) - 1;
    }

    /// Writes a number of a known size: negative ones as their distance from the most negative one.
    fn number(&mut self, v: i32, size: u32) {
        let bits = if v < 0 { v + (1 << size) - 1 } else { v };
        self.put((bits.cast_unsigned(), size));
    }

    fn block(
        &mut self,
        coded: &[i32; 64],
        last: &mut i32,
        steps: &[(u32, u32); 256],
        waves: &[(u32, u32); 256],
    ) {
        let size = |v: i32| 32 - v.unsigned_abs().leading_zeros();
        let step = coded[0] - *last;
        *last = coded[0];
        self.put(steps[size(step) as usize]);
        self.number(step, size(step));
        let mut zeros = 0;
        for v in &coded[1..] {
            if *v == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 {
                self.put(waves[0xF0]);
                zeros -= 16;
            }
            self.put(waves[zeros << 4 | size(*v) as usize]);
            self.number(*v, size(*v));
            zeros = 0;
        }
        if zeros > 0 {
            self.put(waves[0]);
        }
    }

    fn end(mut self) -> Vec<u8> {
        let missing = (8 - self.count % 8) % 8;
        self.put(((1 << missing) - 1, missing));
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads back what [`jpeg`] writes, and nothing else: the pixels of its three channels.
    fn read(file: &[u8]) -> (usize, usize, Vec<[f64; 3]>) {
        let (order, cosines) = (zigzag(), cosines());
        let (mut at, mut size, mut rough) = (2, (0, 0), Vec::new());
        loop {
            let (marker, length) = (file[at + 1], usize::from(file[at + 2]) << 8 | usize::from(file[at + 3]));
            let data = &file[at + 4..at + 2 + length];
            at += 2 + length;
            match marker {
                0xDB => rough = data[1..].to_vec(),
                0xC0 => {
                    let two = |i: usize| usize::from(data[i]) << 8 | usize::from(data[i + 1]);
                    size = (two(3), two(1));
                }
                0xDA => break,
                _ => {}
            }
        }
        assert_eq!(file[file.len() - 2..], [0xFF, 0xD9]);
        let mut bits = Vec::new();
        let mut bytes = file[at..file.len() - 2].iter();
        while let Some(byte) = bytes.next() {
            bits.extend((0..8).rev().map(|i| byte >> i & 1));
            if *byte == 0xFF {
                assert_eq!(bytes.next(), Some(&0));
            }
        }
        let mut bits = bits.into_iter();
        let word = |table: &[(u32, u32); 256], bits: &mut dyn Iterator<Item = u8>| {
            let (mut code, mut length) = (0, 0);
            loop {
                code = code << 1 | u32::from(bits.next().expect("a word"));
                length += 1;
                if let Some(i) = table.iter().position(|w| *w == (code, length)) {
                    return i as u32;
                }
            }
        };
        let number = |size: u32, bits: &mut dyn Iterator<Item = u8>| {
            let v = (0..size).fold(0i32, |v, _| v << 1 | i32::from(bits.next().expect("a number")));
            if size > 0 && v >> (size - 1) == 0 { v - (1 << size) + 1 } else { v }
        };
        let (steps, waves) = (words(&STEPS), words(&WAVES));
        let mut pixels = vec![[0.0; 3]; size.0 * size.1];
        let mut last = [0; 3];
        for top in (0..size.1).step_by(8) {
            for left in (0..size.0).step_by(8) {
                for channel in 0..3 {
                    let mut found = [0.0; 64];
                    let step = word(&steps, &mut bits);
                    last[channel] += number(step, &mut bits);
                    found[0] = f64::from(last[channel] * i32::from(rough[0]));
                    let mut k = 1;
                    while k < 64 {
                        let wave = word(&waves, &mut bits);
                        if wave == 0 {
                            break;
                        }
                        k += (wave >> 4) as usize;
                        found[order[k]] = f64::from(number(wave & 15, &mut bits) * i32::from(rough[k]));
                        k += 1;
                    }
                    for i in 0..64 {
                        let (x, y) = (left + i % 8, top + i / 8);
                        if x < size.0 && y < size.1 {
                            let wave = |w: usize| found[w] * cosines[w % 8][i % 8] * cosines[w / 8][i / 8];
                            pixels[y * size.0 + x][channel] = (0..64).map(wave).sum();
                        }
                    }
                }
            }
        }
        (size.0, size.1, pixels)
    }

    #[test]
    fn waves_are_written_from_the_corner_on() {
        assert_eq!(zigzag()[..10], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]);
        assert_eq!(zigzag()[63], 63);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_written_is_read_back(w in 1u32..30, h in 1u32..30, edge in 0u32..30, a: [u8; 3], b: [u8; 3]) {
            let pixels: Vec<[u8; 3]> = (0..w * h).map(|i| if i % w + i / w < edge { a } else { b }).collect();
            let (width, height, read) = read(&jpeg(w, h, &pixels));
            prop_assert_eq!((width, height), (w as usize, h as usize));
            let mut worst: f64 = 0.0;
            let mut sum = 0.0;
            for (p, q) in pixels.iter().zip(&read) {
                for channel in 0..3 {
                    let off = (colour(*p, channel) - q[channel]).abs();
                    worst = worst.max(off);
                    sum += off;
                }
            }
            prop_assert!(worst < 60.0 && sum / (3.0 * read.len() as f64) < 6.0, "{worst} {}", sum / read.len() as f64);
        }
    }
}
