//! Text as something to cut or engrave: outlines from a font file, or single strokes of a built-in alphabet.
//!
//! Letters are first laid out in lines, in units of the height of capitals with the first baseline at 0, and the whole
//! is then moved to its place: hung on its anchor, fitted, turned, slanted or mirrored as the text says.
//!
//! NOTE: lines are divided where the text says so; the frame of an MTEXT does not break them.

use crate::{Drawing, Fit, Level, Shape, Text};
use nalgebra::{Affine2, Matrix3};
use shop_geom::curve::{Curve, PathBuilder};
use shop_geom::{Point, Polyline, Vertex};
use shop_report::{Checked, Diagnostic};

/// Distance of baselines as a multiple of the height of capitals (AutoCAD's single line spacing is 5/3).
const LINE_PITCH: f64 = 5.0 / 3.0;

/// How far small letters reach below the baseline, in heights of capitals.
const DESCENT: f64 = 1.0 / 3.0;

/// What letters look like.
#[derive(Clone, Copy, Debug)]
pub enum Lettering<'a> {
    /// Single strokes of the built-in alphabet.
    Stroke,
    /// Outlines of a TrueType or OpenType font, the bytes of its file.
    Outline(&'a [u8]),
}

/// Turns the texts of a drawing into shapes on their layers, and returns what could not be drawn. With a font that
/// cannot be read the texts stay.
pub fn draw(drawing: &mut Drawing, lettering: Lettering<'_>) -> Vec<Diagnostic> {
    if let Lettering::Outline(font) = lettering
        && let Err(d) = face(font)
    {
        return vec![d];
    }
    let mut said = Vec::new();
    for text in std::mem::take(&mut drawing.texts) {
        let curves = match lettering {
            Lettering::Stroke => stroke(&text),
            Lettering::Outline(font) => outline(&text, font),
        };
        let (layer, colour, span) = (text.layer, text.colour, text.span);
        let shape = |curve| Shape { curve, layer, colour, span, excluded: None };
        drawing.shapes.extend(curves.drain_into(&mut said).into_iter().map(shape));
    }
    said
}

fn face(font: &[u8]) -> Result<ttf_parser::Face<'_>, Diagnostic> {
    ttf_parser::Face::parse(font, 0).map_err(|e| {
        Diagnostic::error("text/font", format!("the font cannot be read: {e}"))
            .hint("give a TrueType or OpenType file (.ttf, .otf)")
    })
}

/// A line of letters, in units of the height of capitals.
struct Line {
    curves: Vec<Curve>,
    width: f64,
}

/// Moves lines to their place.
fn placed(text: &Text, lines: Vec<Line>) -> Vec<Curve> {
    let (mut along, mut up) = (text.along, text.up);
    let first = lines.first().map_or(0.0, |l| l.width) * along.norm();
    if let Fit::Stretched(length) | Fit::Scaled(length) = text.fit
        && first > 0.0
    {
        along *= length / first;
        if matches!(text.fit, Fit::Scaled(_)) {
            up *= length / first;
        }
    }
    let below = lines.len().saturating_sub(1) as f64 * LINE_PITCH;
    let raised = match text.anchor.level {
        Level::Baseline => 0.0,
        Level::Bottom => below + DESCENT,
        Level::Middle => (below - 1.0) / 2.0,
        Level::Top => -1.0,
    };
    let mut out = Vec::new();
    for (row, line) in lines.into_iter().enumerate() {
        let o = text.at - along * (line.width * text.anchor.before) + up * (raised - row as f64 * LINE_PITCH);
        let m = Matrix3::new(along.x, up.x, o.x, along.y, up.y, o.y, 0.0, 0.0, 1.0);
        let map = Affine2::from_matrix_unchecked(m);
        out.extend(line.curves.iter().map(|c| c.transformed(&map)).filter(Curve::is_finite));
    }
    out
}

/// Returns the outlines of a text in a TrueType or OpenType font, as closed curves. Letters that the font does not
/// have are left out and said. Kerning is the font's `kern` table; there is no shaping of connected scripts.
pub fn outline(text: &Text, font: &[u8]) -> Checked<Vec<Curve>> {
    let mut out = Checked::default();
    let face = match face(font) {
        Ok(face) => face,
        Err(d) => {
            out.diagnostics.push(d.span(text.span));
            return out;
        }
    };
    let capital = face.capital_height().filter(|h| *h > 0).or_else(|| {
        let h = face.glyph_index('H').and_then(|g| face.glyph_bounding_box(g))?;
        Some(h.y_max)
    });
    let capital = capital.filter(|h| *h > 0).map_or(f64::from(face.units_per_em()) * 0.7, f64::from);
    let mut missing = Missing::default();
    let mut lines = Vec::new();
    for line in text.text.lines() {
        let (mut x, mut before, mut curves) = (0.0, None, Vec::new());
        for c in line.chars().filter(|c| !c.is_control()) {
            let Some(glyph) = face.glyph_index(c) else {
                missing.note(c);
                continue;
            };
            if let Some(b) = before {
                x += kerning(&face, b, glyph);
            }
            before = Some(glyph);
            let mut pen = GlyphPen { path: PathBuilder::default(), x, scale: 1.0 / capital };
            face.outline_glyph(glyph, &mut pen);
            // Glyphs are areas, whatever their last point says.
            curves.extend(pen.path.finish().into_iter().map(Curve::closed_by_line).filter(drawn));
            x += face.glyph_hor_advance(glyph).map_or(0.0, f64::from);
        }
        lines.push(Line { curves, width: x / capital });
    }
    out.value = placed(text, lines);
    missing.say(text, "the font", "give a font that has them", &mut out.diagnostics);
    out
}

/// False for contours of one point, which fonts use as marks.
fn drawn(curve: &Curve) -> bool {
    !matches!(curve, Curve::Polyline(p) if p.vertices.len() < 2)
}

fn kerning(face: &ttf_parser::Face<'_>, a: ttf_parser::GlyphId, b: ttf_parser::GlyphId) -> f64 {
    let Some(kern) = face.tables().kern else { return 0.0 };
    let plain = kern.subtables.into_iter().filter(|t| t.horizontal && !t.variable && !t.has_state_machine);
    plain.filter_map(|t| t.glyphs_kerning(a, b)).map(f64::from).sum()
}

/// Letters that could not be drawn.
#[derive(Default)]
struct Missing {
    letters: String,
    count: usize,
}

impl Missing {
    fn note(&mut self, c: char) {
        self.count += 1;
        if !self.letters.contains(c) && self.letters.chars().count() < 12 {
            self.letters.push(c);
        }
    }

    fn say(&self, text: &Text, who: &str, hint: &str, out: &mut Vec<Diagnostic>) {
        if self.count > 0 {
            let d =
                Diagnostic::warning("text/no-glyph", format!("{who} has no letters for: {}", self.letters));
            out.push(d.span(text.span).at(text.at.x, text.at.y).count(self.count).hint(hint));
        }
    }
}

struct GlyphPen {
    path: PathBuilder,
    x: f64,
    scale: f64,
}

impl GlyphPen {
    fn point(&self, x: f32, y: f32) -> Point {
        Point::new((self.x + f64::from(x)) * self.scale, f64::from(y) * self.scale)
    }
}

impl ttf_parser::OutlineBuilder for GlyphPen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.point(x, y));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.point(x, y));
    }

    fn quad_to(&mut self, ax: f32, ay: f32, x: f32, y: f32) {
        self.path.quad_to(self.point(ax, ay), self.point(x, y));
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.path.cubic_to(self.point(ax, ay), self.point(bx, by), self.point(x, y));
    }

    fn close(&mut self) {
        self.path.close();
    }
}

/// Returns a text as single strokes of the built-in alphabet, capitals `height` mm high, from the origin to the
/// right. See [`stroke`].
///
/// ```
/// use shop_formats::text::stroke_text;
/// let strokes = stroke_text("I", 10.0).value;
/// assert!((strokes[0].length() - 10.0).abs() < 1e-12);
/// ```
pub fn stroke_text(text: &str, height: f64) -> Checked<Vec<Curve>> {
    stroke(&Text::plain(text, height))
}

/// Returns a text as single strokes of the built-in alphabet, for engraving and marking: open lines and circular
/// arcs, one pass of the tool each. Latin letters with and without accents, digits, punctuation and the signs of
/// the shop (° ± × µ ⌀); for others a box is drawn, and said.
pub fn stroke(text: &Text) -> Checked<Vec<Curve>> {
    let mut out = Checked::default();
    if text.height().partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
        return out;
    }
    let mut missing = Missing::default();
    let mut lines = Vec::new();
    for line in text.text.lines() {
        let (mut x, mut strokes) = (0.0, Vec::new());
        for c in line.chars().filter(|c| !c.is_control()) {
            if c.is_whitespace() {
                x += SPACE;
                continue;
            }
            let (base, accent) = decompose(c);
            let glyph = glyph(base).unwrap_or_else(|| {
                missing.note(c);
                "03 0f 8f 83 03"
            });
            // A letter with an accent loses its dot.
            let glyph = match (base, accent) {
                ('i', Some(_)) => "03 0b",
                ('j', Some(_)) => "2b 22- 00",
                _ => glyph,
            };
            let width = draw_glyph(glyph, x, 0.0, &mut strokes);
            if let Some(mark) = accent {
                let over = if base.is_uppercase() && mark.raised { 4.0 } else { 0.0 };
                draw_glyph(mark.strokes, x + width / 2.0 - 3.0, over, &mut strokes);
            }
            x += width + GAP;
        }
        let curves = strokes.into_iter().map(Curve::Polyline).collect();
        lines.push(Line { curves, width: (x - GAP).max(0.0) / CAPITAL });
    }
    out.value = placed(text, lines);
    missing.say(
        text,
        "the built-in alphabet",
        "say --text outline with a font that has them",
        &mut out.diagnostics,
    );
    out
}

/// Height of capitals in the alphabet's own grid; the baseline is at 3, small letters end at 11.
const CAPITAL: f64 = 12.0;
/// Distance between letters.
const GAP: f64 = 3.0;
/// Width of a blank.
const SPACE: f64 = 7.0;
/// Height of the baseline in the grid; below it is room for g, p and q.
const BASE: f64 = 3.0;

/// Draws a glyph in heights of capitals and returns its width in the grid. Strokes are divided by two blanks, points
/// by one; a point is two hexadecimal digits, x and y, and a sign: `+` when a quarter circle leaves it
/// counter-clockwise, `-` clockwise, `c` for a half circle clockwise.
fn draw_glyph(glyph: &str, x: f64, y: f64, out: &mut Vec<Polyline>) -> f64 {
    let quarter = (std::f64::consts::PI / 8.0).tan();
    let mut width = 0.0_f64;
    for stroke in glyph.split("  ") {
        let mut vertices = Vec::new();
        for point in stroke.split(' ') {
            let digit = |i: usize| point.as_bytes().get(i).and_then(|b| (*b as char).to_digit(16));
            let (Some(px), Some(py)) = (digit(0), digit(1)) else { continue };
            let bulge = match point.as_bytes().get(2) {
                Some(b'+') => quarter,
                Some(b'-') => -quarter,
                Some(b'c') => -1.0,
                _ => 0.0,
            };
            width = width.max(f64::from(px));
            let point = Point::new((x + f64::from(px)) / CAPITAL, (y + f64::from(py) - BASE) / CAPITAL);
            vertices.push(Vertex { point, bulge });
        }
        out.push(Polyline { vertices, closed: false });
    }
    width
}

/// A mark over or under a letter.
#[derive(Clone, Copy)]
struct Accent {
    strokes: &'static str,
    /// True when it stands higher over capitals.
    raised: bool,
}

/// Letters with marks, by mark: base letters and composed letters in the same order (Latin-1, Latin Extended-A).
const COMPOSED: [(&str, bool, &str, &str); 13] = [
    ("2c 4e", true, "aeiouycnszlrAEIOUYCNSZLR", "áéíóúýćńśźĺŕÁÉÍÓÚÝĆŃŚŹĹŔ"),
    ("4c 2e", true, "aeiouAEIOU", "àèìòùÀÈÌÒÙ"),
    ("1c 3e 5c", true, "aeioucghjswyAEIOUCGHJSWY", "âêîôûĉĝĥĵŝŵŷÂÊÎÔÛĈĜĤĴŜŴŶ"),
    ("1d 1e  5d 5e", true, "aeiouyAEIOUY", "äëïöüÿÄËÏÖÜŸ"),
    ("1c- 2d- 3c+ 4b+ 5c", true, "anoiuANOIU", "ãñõĩũÃÑÕĨŨ"),
    ("4d+ 3e+ 2d+ 3c+ 4d", true, "auAU", "åůÅŮ"),
    ("1e 3c 5e", true, "cdenrstzCDENRSTZ", "čďěňřšťžČĎĚŇŘŠŤŽ"),
    ("1d 5d", true, "aeiouAEIOU", "āēīōūĀĒĪŌŪ"),
    ("1e+ 3c+ 5e", true, "aegiouAEGIOU", "ăĕğĭŏŭĂĔĞĬŎŬ"),
    ("3d 3e", true, "cegzCEGIZ", "ċėġżĊĖĠİŻ"),
    ("1c 2e  4c 5e", true, "ouOU", "őűŐŰ"),
    ("33 31- 20", false, "csgtCSGT", "çşģţÇŞĢŢ"),
    ("43+ 30 40", false, "aeiuAEIU", "ąęįųĄĘĮŲ"),
];

fn decompose(c: char) -> (char, Option<Accent>) {
    if c.is_ascii() {
        return (c, None);
    }
    for (strokes, raised, bases, composed) in COMPOSED {
        if let Some(i) = composed.chars().position(|k| k == c) {
            let base = bases.chars().nth(i).unwrap_or(c);
            return (base, Some(Accent { strokes, raised }));
        }
    }
    (c, None)
}

/// Returns the strokes of a letter. Drawn for this program on a grid 8 wide and 12 high, with quarter circles where
/// a router or laser runs smoothest.
fn glyph(c: char) -> Option<&'static str> {
    Some(match c {
        'A' => "03 4f 83  16 76",
        'B' => "03 0f 5fc 59 09  59c 53 03",
        'C' => "8b+ 4f+ 0b 07+ 43+ 87",
        'D' => "03 0f 4f- 8b 87- 43 03",
        'E' => "8f 0f 03 83  09 69",
        'F' => "8f 0f 03  09 69",
        'G' => "8b+ 4f+ 0b 07+ 43+ 87 89 59",
        'H' => "03 0f  83 8f  09 89",
        'I' => "03 0f",
        'J' => "6f 66- 33- 06",
        'K' => "03 0f  8f 07  3a 83",
        'L' => "0f 03 73",
        'M' => "03 0f 47 8f 83",
        'N' => "03 0f 83 8f",
        'O' => "4f+ 0b 07+ 43+ 87 8b+ 4f",
        'P' => "03 0f 5fc 59 09",
        'Q' => "4f+ 0b 07+ 43+ 87 8b+ 4f  56 83",
        'R' => "03 0f 5fc 59 09  49 83",
        'S' => "8c+ 5f 3f+ 0c+ 39 59- 86- 53 33- 06",
        'T' => "0f 8f  4f 43",
        'U' => "0f 07+ 43+ 87 8f",
        'V' => "0f 43 8f",
        'W' => "0f 23 4b 63 8f",
        'X' => "03 8f  0f 83",
        'Y' => "0f 49 8f  49 43",
        'Z' => "0f 8f 03 83",
        'a' => "68+ 3b+ 08 06+ 33+ 66  6b 63",
        'b' => "0f 03  06+ 33+ 66 68+ 3b+ 08",
        'c' => "68+ 3b+ 08 06+ 33+ 66",
        'd' => "68+ 3b+ 08 06+ 33+ 66  6f 63",
        'e' => "07 67 68+ 3b+ 08 06+ 33 53",
        'f' => "5f 4f+ 2d 23  0b 4b",
        'g' => "68+ 3b+ 08 06+ 33+ 66  6b 63- 30 10",
        'h' => "0f 03  08- 3b- 68 63",
        'i' => "03 0b  0e 0f",
        'ı' => "03 0b",
        'j' => "2b 22- 00  2e 2f",
        'k' => "0f 03  5b 06  28 53",
        'l' => "0f 05+ 23",
        'm' => "03 0b  08- 3b- 68 63  68- 9b- c8 c3",
        'n' => "03 0b  08- 3b- 68 63",
        'o' => "3b+ 08 06+ 33+ 66 68+ 3b",
        'p' => "00 0b  06+ 33+ 66 68+ 3b+ 08",
        'q' => "60 6b  68+ 3b+ 08 06+ 33+ 66",
        'r' => "03 0b  08- 3b 4b",
        's' => "59+ 3b 2b+ 09+ 27 37- 55- 33 23- 05",
        't' => "2f 25+ 43  0b 4b",
        'u' => "0b 06+ 33+ 66  6b 63",
        'v' => "0b 33 6b",
        'w' => "0b 23 4b 63 8b",
        'x' => "03 6b  0b 63",
        'y' => "0b 33  6b 20",
        'z' => "0b 6b 03 63",
        '0' => "3f+ 0c 06+ 33+ 66 6c+ 3f",
        '1' => "0c 3f 33  03 63",
        '2' => "0c- 3f- 6c 03 63",
        '3' => "0f 6f 3a- 67 66- 33- 06",
        '4' => "53 5f 06 76",
        '5' => "6f 0f 0a 3a- 67 66- 33- 06",
        '6' => "6f 3f+ 0c 06+ 33+ 66 67+ 3a+ 07",
        '7' => "0f 6f 23",
        '8' => "39+ 6c+ 3f+ 0c+ 39- 66- 33- 06- 39",
        '9' => "03 33+ 66 6c+ 3f+ 0c 0b+ 38+ 6b",
        '.' => "03 04",
        '·' => "08 09",
        'º' => "4d+ 2f+ 0d+ 2b+ 4d  08 48",
        'ª' => "4d+ 2f+ 0d+ 2b+ 4d  4f 4b  08 48",
        ',' => "13 01",
        ':' => "03 04  09 0a",
        ';' => "13 01  19 1a",
        '!' => "0f 07  03 04",
        '?' => "0c- 3f- 6c- 39 37  33 34",
        '-' | '–' | '—' | '−' => "08 58",
        '_' => "00 80",
        '+' => "08 68  35 3b",
        '=' => "06 66  0a 6a",
        '/' => "00 6f",
        '\\' => "0f 60",
        '(' => "3f+ 0c 04+ 31",
        ')' => "0f- 3c 34- 01",
        '[' => "3f 0f 01 31",
        ']' => "0f 3f 31 01",
        '{' => "4f+ 2d 2a- 08- 26 23+ 41",
        '}' => "0f- 2d 2a+ 48+ 26 23- 01",
        '<' => "6c 08 64",
        '>' => "0c 68 04",
        '*' => "36 3c  07 6b  0b 67",
        '#' => "13 3f  53 7f  0b 8b  07 87",
        '"' | '“' | '”' => "0f 0c  3f 3c",
        '\'' | '’' | '‘' => "0f 0c",
        '%' => "03 8f  4d+ 2f+ 0d+ 2b+ 4d  85+ 67+ 45+ 63+ 85",
        '&' => "83 1c- 3e- 5c 07 06+ 33 43 87",
        '@' => "79+ 5b+ 39+ 57+ 79  7b 77+ 99 9a+ 5e+ 1a 18+ 54 84",
        '$' => "8c+ 5f 3f+ 0c+ 39 59- 86- 53 33- 06  41 4f",
        '^' => "0c 3f 6c",
        '`' => "0f 2d",
        '|' => "00 0f",
        '~' => "07- 29- 47+ 65+ 87",
        '°' => "4d+ 2f+ 0d+ 2b+ 4d",
        '±' => "0a 6a  37 3d  04 64",
        '×' => "05 6b  0b 65",
        'µ' | 'μ' => "00 0b  06+ 33+ 66  6b 63",
        'Ø' | '⌀' => "4f+ 0b 07+ 43+ 87 8b+ 4f  03 8f",
        'ø' => "3b+ 08 06+ 33+ 66 68+ 3b  03 6b",
        'ß' => "03 0c- 3f- 6c- 39- 66- 33 23",
        'ł' => "0f 05+ 23  09 2b",
        'Ł' => "0f 03 73  07 4b",
        'đ' => "68+ 3b+ 08 06+ 33+ 66  6f 63  3d 8d",
        'Đ' => "03 0f 4f- 8b 87- 43 03  09 49",
        'æ' => "68+ 3b+ 08 06+ 33+ 66  6b 63  67 c7 c8+ 9b+ 68  66+ 93 b3",
        'Æ' => "03 4f 43  26 46  cf 4f  49 a9  43 c3",
        '²' => "0d- 2f- 4d 09 49",
        '³' => "0f 4f 2d- 4b- 29 09",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Anchor, Level};
    use shop_geom::{Segment, Vector};

    #[test]
    fn every_printable_ascii_letter_is_there() {
        for c in (33_u8..127).map(char::from) {
            let drawn = stroke_text(&c.to_string(), 12.0);
            assert!(drawn.diagnostics.is_empty(), "{c}");
            for p in &drawn.value {
                assert!(p.length() > 0.5, "{c}");
                let b = p.bounds();
                assert!(b.min.y >= -3.01 && b.max.y <= 12.01 && b.min.x >= -0.01, "{c} {b:?}");
            }
        }
    }

    /// A quarter circle runs along the grid at both ends, so letters are smooth where arcs follow each other.
    #[test]
    fn arcs_are_quarters_and_meet_without_a_kink() {
        for c in "CDGOQSUabcdeghmnopqu0689".chars() {
            for p in stroke_text(&c.to_string(), 12.0).value {
                let Curve::Polyline(p) = p else { panic!("lines and arcs") };
                let pieces: Vec<Segment> = p.segments().collect();
                for w in pieces.windows(2) {
                    if matches!(w, [Segment::Arc(_), Segment::Arc(_)]) {
                        let turn = w[0].direction_at(1.0) - w[1].direction_at(0.0);
                        assert!(turn.norm() < 1e-9, "{c} {:?}", w[0].end());
                    }
                    if let Segment::Arc(a) = w[0] {
                        let d = a.b - a.a;
                        assert!((d.x.abs() - d.y.abs()).abs() < 1e-9, "{c} {a:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn accents_stand_over_their_letters() {
        let plain = stroke_text("e", 12.0).value;
        let marked = stroke_text("é", 12.0).value;
        assert_eq!(plain[..], marked[..plain.len()]);
        assert!(marked[plain.len()].bounds().min.y > 8.0);
        for (_, _, bases, composed) in COMPOSED {
            assert_eq!(bases.chars().count(), composed.chars().count(), "{composed}");
            assert!(stroke_text(composed, 5.0).diagnostics.is_empty(), "{composed}");
        }
    }

    /// Whatever a text's map does, its letters are the plain letters under it.
    #[test]
    fn a_turned_squeezed_or_mirrored_text_is_the_plain_one_under_its_map() {
        let flat = stroke_text("Ab\n7", 1.0).value;
        for (along, up) in [([0.0, 6.0], [-6.0, 0.0]), ([3.0, 0.0], [1.0, 6.0]), ([-6.0, 0.0], [0.0, 6.0])] {
            let (along, up) = (Vector::from(along), Vector::from(up));
            let text = Text { at: Point::new(3.0, 4.0), along, up, ..Text::plain("Ab\n7", 1.0) };
            for (a, b) in flat.iter().zip(stroke(&text).value) {
                let ends = [(a.start(), b.start()), (a.end(), b.end())];
                for (p, q) in ends {
                    let (p, q) = (p.expect("a start"), q.expect("a start"));
                    assert!((q - (text.at + along * p.x + up * p.y)).norm() < 1e-9);
                }
            }
        }
    }

    fn extent(text: &Text) -> shop_geom::Aabb {
        stroke(text).value.iter().fold(shop_geom::Aabb::EMPTY, |b, c| b.union(c.bounds()))
    }

    #[test]
    fn a_text_hangs_on_its_anchor() {
        let at = |before, level| {
            let text = Text { anchor: Anchor { before, level }, ..Text::plain("HH\nH", 12.0) };
            extent(&text)
        };
        // Two letters 8 wide and 3 apart, then one; lines 20 apart.
        let near = |p: Point, x: f64, y: f64| assert!((p - Point::new(x, y)).norm() < 1e-9, "{p}");
        near(at(0.0, Level::Baseline).min, 0.0, -20.0);
        near(at(1.0, Level::Top).max, 0.0, 0.0);
        near(at(0.5, Level::Bottom).min, -9.5, 4.0);
        near(at(0.5, Level::Middle).max, 9.5, 16.0);
        near(at(0.5, Level::Middle).min, -9.5, -16.0);
    }

    #[test]
    fn a_text_is_fitted_to_its_length() {
        let fit = |fit| extent(&Text { fit, ..Text::plain("HH", 12.0) }).max;
        assert_eq!(fit(Fit::Free), Point::new(19.0, 12.0));
        assert!((fit(Fit::Stretched(38.0)) - Point::new(38.0, 12.0)).norm() < 1e-9);
        assert!((fit(Fit::Scaled(38.0)) - Point::new(38.0, 24.0)).norm() < 1e-9);
    }

    #[test]
    fn strange_letters_are_said() {
        let c = stroke_text("漢字", 10.0);
        assert_eq!((c.value.len(), c.diagnostics[0].count), (2, 2));
        assert!(stroke_text("A", f64::NAN).value.is_empty());
        assert_eq!(outline(&Text::plain("AA", 7.0), b"no font").diagnostics[0].code, "text/font");
    }
}
