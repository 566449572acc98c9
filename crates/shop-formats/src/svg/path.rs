//! Numbers, lengths, transforms and path data.
//!
//! SVG's micro-syntaxes are one tokenizer over bytes: numbers run together where the grammar allows it (`1-2`,
//! `.5.5`, arc flags without spaces), and whatever is wrong ends the list there, as browsers do.

use nalgebra::{Affine2, Matrix3};
use shop_geom::curve::PathBuilder;
use shop_geom::{Point, cross};
use std::f64::consts::PI;

/// Reads tokens off bytes.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    /// Place of the next byte.
    pub at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Scanner { bytes: text.as_bytes(), at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn skip_separator(&mut self) {
        self.skip_space();
        if self.peek() == Some(b',') {
            self.at += 1;
            self.skip_space();
        }
    }

    pub fn is_done(&mut self) -> bool {
        self.skip_space();
        self.at >= self.bytes.len()
    }

    /// Returns the next number, if there is a finite one here; the separator after it is passed over.
    pub fn number(&mut self) -> Option<f64> {
        let n = self.bare_number()?;
        self.skip_separator();
        Some(n)
    }

    fn bare_number(&mut self) -> Option<f64> {
        self.skip_space();
        let (bytes, start) = (self.bytes, self.at);
        let mut i = start;
        let digits = |mut i: usize| {
            while bytes.get(i).is_some_and(u8::is_ascii_digit) {
                i += 1;
            }
            i
        };
        if matches!(bytes.get(i), Some(b'+' | b'-')) {
            i += 1;
        }
        let whole = i;
        i = digits(i);
        let mut count = i - whole;
        if bytes.get(i) == Some(&b'.') {
            let end = digits(i + 1);
            count += end - i - 1;
            i = end;
        }
        if count == 0 {
            return None;
        }
        if matches!(bytes.get(i), Some(b'e' | b'E')) {
            let sign = i + 1 + usize::from(matches!(bytes.get(i + 1), Some(b'+' | b'-')));
            let end = digits(sign);
            // `1em` is a length and no power.
            if end > sign {
                i = end;
            }
        }
        let value: f64 = std::str::from_utf8(&bytes[start..i]).ok()?.parse().ok()?;
        self.at = i;
        // Beyond a million kilometres nothing is a drawing.
        (value.abs() < 1e15).then_some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        self.skip_space();
        let flag = match self.peek()? {
            b'0' => false,
            b'1' => true,
            _ => return None,
        };
        self.at += 1;
        self.skip_separator();
        Some(flag)
    }

    fn word(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphabetic() || b == b'%') {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }
}

/// A length as written, and its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Length {
    pub number: f64,
    pub unit: Unit,
}

/// The units of SVG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    None,
    Px,
    Mm,
    Cm,
    Quarter,
    Inch,
    Point,
    Pica,
    Em,
    Ex,
    Percent,
}

impl Unit {
    fn named(word: &[u8]) -> Option<Unit> {
        Some(match word.to_ascii_lowercase().as_slice() {
            b"" => Unit::None,
            b"px" => Unit::Px,
            b"mm" => Unit::Mm,
            b"cm" => Unit::Cm,
            b"q" => Unit::Quarter,
            b"in" => Unit::Inch,
            b"pt" => Unit::Point,
            b"pc" => Unit::Pica,
            b"em" | b"rem" => Unit::Em,
            b"ex" | b"ch" => Unit::Ex,
            b"%" => Unit::Percent,
            _ => return None,
        })
    }

    /// Returns the millimetres of a unit that has a size of its own.
    pub fn mm(self) -> Option<f64> {
        match self {
            Unit::Mm => Some(1.0),
            Unit::Cm => Some(10.0),
            Unit::Quarter => Some(0.25),
            Unit::Inch => Some(25.4),
            Unit::Point => Some(25.4 / 72.0),
            Unit::Pica => Some(25.4 / 6.0),
            _ => None,
        }
    }
}

impl Length {
    /// Reads a length; `None` when it is none.
    pub fn parse(text: &str) -> Option<Length> {
        let mut s = Scanner::new(text.trim());
        let number = s.bare_number()?;
        let unit = Unit::named(s.word())?;
        s.is_done().then_some(Length { number, unit })
    }
}

/// Reads a list of numbers up to the first thing that is none; false when something was left.
pub(super) fn numbers(text: &str) -> (Vec<f64>, bool) {
    let mut s = Scanner::new(text);
    let mut out = Vec::new();
    while let Some(n) = s.number() {
        out.push(n);
    }
    (out, s.is_done())
}

/// Returns the map `x' = a·x + c·y + e, y' = b·x + d·y + f`.
pub(super) fn affine(a: f64, b: f64, c: f64, d: f64, e: f64, f: f64) -> Affine2<f64> {
    Affine2::from_matrix_unchecked(Matrix3::new(a, c, e, b, d, f, 0.0, 0.0, 1.0))
}

/// Reads a `transform` attribute or CSS property; `None` when it is broken, which means no transform at all.
pub(super) fn transform(text: &str) -> Option<Affine2<f64>> {
    let mut rest = text.trim();
    let mut all = Affine2::identity();
    while !rest.is_empty() && rest != "none" {
        let open = rest.find('(')?;
        let close = open + rest[open..].find(')')?;
        let name = rest[..open].trim_matches(|c: char| c.is_whitespace() || c == ',');
        let values = arguments(&rest[open + 1..close])?;
        let one = match (name, values.as_slice()) {
            ("matrix", &[a, b, c, d, e, f]) => affine(a, b, c, d, e, f),
            ("translate" | "translateX", &[x]) => affine(1.0, 0.0, 0.0, 1.0, x, 0.0),
            ("translate", &[x, y]) => affine(1.0, 0.0, 0.0, 1.0, x, y),
            ("translateY", &[y]) => affine(1.0, 0.0, 0.0, 1.0, 0.0, y),
            ("scale", &[s]) => affine(s, 0.0, 0.0, s, 0.0, 0.0),
            ("scale", &[x, y]) => affine(x, 0.0, 0.0, y, 0.0, 0.0),
            ("scaleX", &[x]) => affine(x, 0.0, 0.0, 1.0, 0.0, 0.0),
            ("scaleY", &[y]) => affine(1.0, 0.0, 0.0, y, 0.0, 0.0),
            ("rotate", &[angle]) => rotation(angle),
            ("rotate", &[angle, x, y]) => {
                affine(1.0, 0.0, 0.0, 1.0, x, y) * rotation(angle) * affine(1.0, 0.0, 0.0, 1.0, -x, -y)
            }
            ("skewX", &[angle]) => affine(1.0, 0.0, angle.to_radians().tan(), 1.0, 0.0, 0.0),
            ("skewY", &[angle]) => affine(1.0, angle.to_radians().tan(), 0.0, 1.0, 0.0, 0.0),
            _ => return None,
        };
        all *= one;
        rest = rest[close + 1..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    all.matrix().iter().all(|v| v.is_finite()).then_some(all)
}

/// Numbers, where CSS may hang `px` or `deg` on them.
fn arguments(text: &str) -> Option<Vec<f64>> {
    let mut s = Scanner::new(text);
    let mut out = Vec::new();
    while let Some(n) = s.bare_number() {
        let turn = match s.word().to_ascii_lowercase().as_slice() {
            b"" | b"px" | b"deg" => 1.0,
            b"rad" => 180.0 / PI,
            b"turn" => 360.0,
            b"grad" => 0.9,
            _ => return None,
        };
        out.push(n * turn);
        s.skip_separator();
    }
    s.is_done().then_some(out)
}

/// Quarter turns are exact, so that what was square stays square.
fn rotation(degrees: f64) -> Affine2<f64> {
    let (s, c) = match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        d => d.to_radians().sin_cos(),
    };
    affine(c, s, -s, c, 0.0, 0.0)
}

/// What following path data came to.
pub(super) struct Followed {
    /// Where the data broke off, as an offset into it.
    pub broken: Option<usize>,
    /// How many Béziers were recognised as circular arcs.
    pub circular: u32,
}

/// Follows path data with the pen, up to the first error.
pub(super) fn follow(data: &str, pen: &mut PathBuilder) -> Followed {
    let mut s = Scanner::new(data);
    let mut circular = 0;
    let broken = match commands(&mut s, pen, &mut circular) {
        Some(()) => None,
        None => Some(s.at),
    };
    Followed { broken, circular }
}

fn commands(s: &mut Scanner<'_>, pen: &mut PathBuilder, circular: &mut u32) -> Option<()> {
    let mut command = b'\0';
    // The control point that S and T mirror, with the command family it came from.
    let mut control: Option<(u8, Point)> = None;
    if s.is_done() {
        return Some(());
    }
    loop {
        s.skip_space();
        let Some(b) = s.peek() else { return Some(()) };
        if b.is_ascii_alphabetic() {
            if command == 0 && !matches!(b, b'M' | b'm') {
                return None;
            }
            command = b;
            s.at += 1;
        } else if command == 0 || matches!(command, b'Z' | b'z') {
            return None;
        }
        let here = pen.pen();
        let relative = command.is_ascii_lowercase();
        let base = if relative { here } else { Point::origin() };
        let mark = s.at;
        let point = |s: &mut Scanner<'_>| -> Option<Point> {
            let x = s.number();
            let y = x.and_then(|_| s.number());
            if y.is_none() {
                s.at = mark;
            }
            Some(base + shop_geom::Vector::new(x?, y?))
        };
        let mirrored = |family: u8| match control {
            Some((f, c)) if f == family => here + (here - c),
            _ => here,
        };
        let mut next = None;
        match command.to_ascii_uppercase() {
            b'M' => {
                let p = point(s)?;
                pen.move_to(p);
                // Further pairs are lines.
                command = if relative { b'l' } else { b'L' };
            }
            b'L' => pen.line_to(point(s)?),
            b'H' => pen.line_to(Point::new(s.number()? + base.x, here.y)),
            b'V' => pen.line_to(Point::new(here.x, s.number()? + base.y)),
            b'C' => {
                let (a, b, p) = (point(s)?, point(s)?, point(s)?);
                cubic(pen, a, b, p, circular);
                next = Some((b'C', b));
            }
            b'S' => {
                let (b, p) = (point(s)?, point(s)?);
                cubic(pen, mirrored(b'C'), b, p, circular);
                next = Some((b'C', b));
            }
            b'Q' => {
                let (a, p) = (point(s)?, point(s)?);
                pen.quad_to(a, p);
                next = Some((b'Q', a));
            }
            b'T' => {
                let (a, p) = (mirrored(b'Q'), point(s)?);
                pen.quad_to(a, p);
                next = Some((b'Q', a));
            }
            b'A' => {
                let (rx, ry, turn) = (s.number()?, s.number()?, s.number()?);
                let (long, sweep) = (s.flag()?, s.flag()?);
                pen.arc_to(rx, ry, turn.to_radians(), long, sweep, point(s)?);
            }
            b'Z' => pen.close(),
            _ => {
                s.at = mark - 1;
                return None;
            }
        }
        control = next;
    }
}

fn cubic(pen: &mut PathBuilder, a: Point, b: Point, p: Point, circular: &mut u32) {
    match as_arc(pen.pen(), a, b, p) {
        Some(bulge) => {
            *circular += 1;
            pen.bulge_to(p, bulge);
        }
        None => pen.cubic_to(a, b, p),
    }
}

/// Returns the bulge of the arc that a cubic stands for: drawing programs have no circles in their paths and write
/// quarter circles as Béziers, off by 2.7e-4 of the radius. It must have the handles of that construction,
/// 4/3·tan(θ/4)·r long along the tangents, to within what rounding to a few digits leaves.
fn as_arc(p0: Point, p1: Point, p2: Point, p3: Point) -> Option<f64> {
    let (chord, d0, d1) = (p3 - p0, p1 - p0, p3 - p2);
    let (c, h0, h1) = (chord.norm(), d0.norm(), d1.norm());
    if c == 0.0 || (h0 - h1).abs() > 2e-3 * c || h0 < 1e-3 * c {
        return None;
    }
    let turn = cross(d0, d1).atan2(d0.dot(&d1));
    // Flatter ones fit too many other curves; more than a third of a turn is never drawn as one.
    if !(0.3..=2.2).contains(&turn.abs()) {
        return None;
    }
    let radius = c / (2.0 * (turn.abs() / 2.0).sin());
    let bulge = (turn / 4.0).tan();
    let arc = shop_geom::Arc::from_bulge(p0, p3, bulge)?;
    // Radial error of the usual construction, which grows with the sixth power of the angle.
    let inherent = 2.8e-4 * (turn.abs() / (PI / 2.0)).powi(6);
    let limit = (inherent + 1e-4) * radius.min(c);
    let fits = (1..8).all(|i| {
        let (t, s) = (f64::from(i) / 8.0, 1.0 - f64::from(i) / 8.0);
        let q = p0.coords * (s * s * s)
            + p1.coords * (3.0 * s * s * t)
            + p2.coords * (3.0 * s * t * t)
            + p3.coords * (t * t * t);
        ((q - arc.center.coords).norm() - arc.radius).abs() <= limit
    });
    fits.then_some(bulge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::curve::Curve;

    fn path(data: &str) -> (Vec<Curve>, Option<usize>) {
        let mut pen = PathBuilder::default();
        let f = follow(data, &mut pen);
        (pen.finish(), f.broken)
    }

    fn points(c: &Curve) -> Vec<(f64, f64)> {
        let Curve::Polyline(p) = c else { panic!("{c:?}") };
        p.vertices.iter().map(|v| (v.point.x, v.point.y)).collect()
    }

    #[test]
    fn numbers_may_run_together() {
        assert_eq!(path("M10-20.5.5l-1e1-1"), (vec![], Some(8)));
        let (c, broken) = path("M10-20.5.5.25l-1e1-1");
        assert_eq!(points(&c[0]), [(10.0, -20.5), (0.5, 0.25), (-9.5, -0.75)]);
        assert_eq!(broken, None);
    }

    #[test]
    fn arc_flags_need_no_spaces() {
        let (a, _) = path("M0 0a5 5 0 0110 0");
        let (b, _) = path("M0 0 a 5 5 0 0 1 10 0");
        assert_eq!(a, b);
        assert!((a[0].length() - 5.0 * PI).abs() < 1e-9);
    }

    #[test]
    fn what_is_broken_ends_the_path_there() {
        let (c, broken) = path("M0 0L1 0L2");
        assert_eq!((points(&c[0]), broken), (vec![(0.0, 0.0), (1.0, 0.0)], Some(9)));
        assert_eq!(path("L1 1").1, Some(0));
        assert_eq!(path("").1, None);
        assert_eq!(path("M0 0X").1, Some(4));
    }

    #[test]
    fn a_circle_of_four_beziers_is_a_circle() {
        let k = 0.5522847;
        let data = format!("M1 0C1 {k} {k} 1 0 1S-1 {k}-1 0S-{k}-1 0-1S1-{k} 1 0Z");
        let (c, _) = path(&data);
        let Curve::Polyline(p) = &c[0] else { panic!("{c:?}") };
        assert!(p.closed && p.vertices.len() == 4);
        assert!((p.area() - PI).abs() < 1e-9, "{}", p.area());
    }

    #[test]
    fn transforms_multiply_from_the_left() {
        let t = transform("translate(10,20) rotate(90) scale(2)").unwrap();
        assert_eq!(t * Point::new(1.0, 0.0), Point::new(10.0, 22.0));
        assert!(transform("rotate(1,2)").is_none());
        assert!(transform("scale(").is_none());
        assert_eq!(transform(""), Some(Affine2::identity()));
    }
}
