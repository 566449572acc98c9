//! A stroke font, so that pictures need no font file. Letters are drawn on a grid four wide and six high; small
//! letters are small capitals.

use super::scene::Anchor;
use shop_geom::Point;

/// Strokes of a character: polylines apart by commas, points as two digits x and y, y up.
fn strokes(c: char) -> &'static str {
    match c {
        '0' => "02 04 16 36 44 42 30 10 02",
        '1' => "05 26 20,00 40",
        '2' => "05 16 36 45 44 00 40",
        '3' => "05 16 36 45 44 33 13,33 42 41 30 10 01",
        '4' => "30 36 02 42",
        '5' => "46 06 03 33 42 41 30 10 01",
        '6' => "45 36 16 05 01 10 30 41 42 33 03",
        '7' => "06 46 10",
        '8' => "13 04 05 16 36 45 44 33 13 02 01 10 30 41 42 33",
        '9' => "01 10 30 41 45 36 16 05 04 13 43",
        'A' => "00 26 40,12 32",
        'B' => "00 06 36 45 44 33 03,33 42 41 30 00",
        'C' => "45 36 16 05 01 10 30 41",
        'D' => "00 06 26 44 42 20 00",
        'E' => "46 06 00 40,03 33",
        'F' => "46 06 00,03 33",
        'G' => "45 36 16 05 01 10 30 41 43 23",
        'H' => "00 06,40 46,03 43",
        'I' => "20 26,10 30,16 36",
        'J' => "46 41 30 10 01",
        'K' => "00 06,46 03 40",
        'L' => "06 00 40",
        'M' => "00 06 22 46 40",
        'N' => "00 06 40 46",
        'O' => "01 05 16 36 45 41 30 10 01",
        'P' => "00 06 36 45 44 33 03",
        'Q' => "01 05 16 36 45 41 30 10 01,22 40",
        'R' => "00 06 36 45 44 33 03,23 40",
        'S' => "45 36 16 05 04 13 33 42 41 30 10 01",
        'T' => "06 46,26 20",
        'U' => "06 01 10 30 41 46",
        'V' => "06 20 46",
        'W' => "06 10 24 30 46",
        'X' => "00 46,06 40",
        'Y' => "06 23 46,23 20",
        'Z' => "06 46 00 40",
        '.' => "20 21",
        ',' => "21 10",
        ':' => "21 22,24 25",
        ';' => "21 10,24 25",
        '-' => "13 33",
        '_' => "00 40",
        '+' => "13 33,22 24",
        '/' => "00 46",
        '\\' => "06 40",
        '(' => "36 24 22 30",
        ')' => "16 24 22 10",
        '[' => "36 16 10 30",
        ']' => "16 36 30 10",
        '%' => "00 46,05 15,31 41",
        '=' => "12 32,14 34",
        '#' => "10 16,30 36,02 42,04 44",
        '\'' => "26 24",
        '"' => "16 14,36 34",
        '!' => "26 22,20 21",
        '?' => "05 16 36 45 44 23 22,20 21",
        '<' => "45 03 41",
        '>' => "05 43 01",
        '·' => "23 24",
        '×' => "11 45,15 41",
        '°' => "14 16 36 34 14",
        _ => "10 16 36 30 10",
    }
}

/// Height of a capital over the size of a font.
const CAPITAL: f64 = 0.72;
/// Small capitals over capitals.
const SMALL: f64 = 0.8;

/// Returns the character to draw and its scale.
fn shape(c: char) -> (char, f64) {
    let plain = match c {
        'ä' | 'à' | 'á' | 'â' | 'å' => 'a',
        'Ä' | 'À' | 'Á' | 'Å' => 'A',
        'ö' | 'ò' | 'ó' | 'ô' | 'ø' => 'o',
        'Ö' | 'Ø' => 'O',
        'ü' | 'ù' | 'ú' | 'û' => 'u',
        'Ü' => 'U',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'ß' => 's',
        'ç' => 'c',
        'ñ' => 'n',
        c => c,
    };
    if plain.is_ascii_lowercase() { (plain.to_ascii_uppercase(), SMALL) } else { (plain, 1.0) }
}

/// Returns how far the pen goes on, in units of the grid.
fn advance(c: char, scale: f64) -> f64 {
    match c {
        ' ' => 3.4,
        '.' | ',' | ':' | ';' | '\'' | '!' | '·' => 4.0 * scale,
        _ => 5.8 * scale,
    }
}

/// Gives the strokes of `text` with its base line at `at`.
pub(super) fn write(text: &str, at: Point, size: f64, anchor: Anchor, mut stroke: impl FnMut(&[Point])) {
    let unit = size * CAPITAL / 6.0;
    let wide: f64 = text.chars().map(|c| advance(shape(c).0, shape(c).1)).sum::<f64>() * unit;
    let mut x = match anchor {
        Anchor::Start => at.x,
        Anchor::Middle => at.x - 0.5 * wide,
        Anchor::End => at.x - wide,
    };
    let mut points = Vec::new();
    for c in text.chars() {
        let (glyph, scale) = shape(c);
        let k = unit * scale;
        // Narrow marks are drawn about the middle of the grid; move them to the left.
        let shift = if advance(glyph, 1.0) < 5.0 { -1.0 } else { 0.0 };
        if glyph != ' ' {
            for line in strokes(glyph).split(',') {
                points.clear();
                for pair in line.split(' ') {
                    let digit = |i: usize| f64::from(pair.as_bytes().get(i).map_or(0, |b| b - b'0'));
                    points.push(Point::new(x + (digit(0) + shift) * k, at.y - digit(1) * k));
                }
                stroke(&points);
            }
        }
        x += advance(glyph, scale) * unit;
    }
}
