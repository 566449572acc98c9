//! Decimal numbers, read and written by integers.
//!
//! G-code numbers are fixed-point decimals without an exponent. Reading keeps the digits as an integer and a count
//! of decimals, so that `G91.1` is exactly 91.1 and `X0.1` the nearest double to it; writing works on a grid of
//! `10^-decimals`, so that a coordinate has one spelling and equal coordinates are equal integers.

/// Powers of ten that are exact in a double.
const POWERS: [f64; 19] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// A number as written: `mantissa · 10^-scale`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal {
    /// All digits, signed.
    pub mantissa: i64,
    /// How many of them stand after the point, at most 18.
    pub scale: u8,
}

impl Decimal {
    /// Returns the nearest double (exact rounding up to 15 digits, one unit in the last place beyond).
    #[inline]
    pub fn value(self) -> f64 {
        self.mantissa as f64 / POWERS[(self.scale as usize).min(18)]
    }

    /// Returns the number in units of 10^-`digits` if it is a whole number of them: `91.1` in tenths is 911.
    #[inline]
    pub fn fixed(self, digits: u8) -> Option<i64> {
        let mut mantissa = self.mantissa;
        let mut scale = self.scale;
        while scale > digits {
            if mantissa % 10 != 0 {
                return None;
            }
            mantissa /= 10;
            scale -= 1;
        }
        let factor = 10i64.checked_pow(u32::from(digits - scale))?;
        mantissa.checked_mul(factor)
    }
}

/// Reads a number at `at`: sign, digits, point, digits; no exponent. Returns it and the place after it, or `None`
/// when there is no digit or more than 18 of them before the point. Digits beyond the 18th are dropped; they are
/// below what a double can hold.
#[inline]
pub fn read(bytes: &[u8], at: usize) -> Option<(Decimal, usize)> {
    let mut i = at;
    let negative = match bytes.get(i) {
        Some(b'-') => {
            i += 1;
            true
        }
        Some(b'+') => {
            i += 1;
            false
        }
        _ => false,
    };
    // Eighteen digits never overflow, so the first sixteen need no check.
    let first = i;
    let mut mantissa: i64 = 0;
    while let Some(d) = digit(bytes, i) {
        if i - first >= 18 && mantissa >= 100_000_000_000_000_000 {
            return None;
        }
        mantissa = mantissa * 10 + d;
        i += 1;
    }
    let mut digits = i - first;
    let mut scale = 0u8;
    if bytes.get(i) == Some(&b'.') {
        i += 1;
        let point = i;
        while let Some(d) = digit(bytes, i) {
            if scale < 18 && mantissa < 100_000_000_000_000_000 {
                mantissa = mantissa * 10 + d;
                scale += 1;
            }
            i += 1;
        }
        digits += i - point;
    }
    if digits == 0 {
        return None;
    }
    Some((Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale }, i))
}

#[inline(always)]
fn digit(bytes: &[u8], at: usize) -> Option<i64> {
    let d = bytes.get(at)?.wrapping_sub(b'0');
    (d < 10).then_some(i64::from(d))
}

/// A grid of `10^-decimals` on which numbers are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    decimals: u8,
    factor: f64,
}

/// Largest number of grid steps that is written: 10^15, so that rounding is exact.
const LARGEST: f64 = 1e15;

impl Grid {
    /// Returns the grid of `decimals` digits after the point, at most 9.
    pub fn new(decimals: u8) -> Grid {
        let decimals = decimals.min(9);
        Grid { decimals, factor: POWERS[decimals as usize] }
    }

    /// Returns the nearest grid step to `v` (halves away from zero); `None` when it is not finite or too large.
    #[inline]
    pub fn round(self, v: f64) -> Option<i64> {
        let scaled = v * self.factor;
        if scaled.abs() < LARGEST { Some(scaled.round() as i64) } else { None }
    }

    /// Returns the value of a grid step.
    #[inline]
    pub fn value(self, steps: i64) -> f64 {
        steps as f64 / self.factor
    }

    /// Returns the distance between two steps.
    pub fn step(self) -> f64 {
        1.0 / self.factor
    }

    /// Writes a grid step in its shortest spelling: no trailing zeros, no "-0", a digit before the point.
    #[inline]
    pub fn write(self, steps: i64, out: &mut Vec<u8>) {
        let mut buffer = [0u8; 24];
        let mut at = buffer.len();
        let mut rest = steps.unsigned_abs();
        // Strip the zeros after the point by arithmetic: the loop below then writes no digit twice.
        let mut decimals = self.decimals;
        while decimals > 0 && rest.is_multiple_of(10) {
            rest /= 10;
            decimals -= 1;
        }
        if decimals > 0 {
            for _ in 0..decimals {
                at -= 1;
                buffer[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            at -= 1;
            buffer[at] = b'.';
        }
        loop {
            at -= 1;
            buffer[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if steps < 0 {
            at -= 1;
            buffer[at] = b'-';
        }
        out.extend_from_slice(&buffer[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Option<(Decimal, usize)> {
        read(text.as_bytes(), 0)
    }

    #[test]
    fn numbers_as_people_write_them() {
        for (text, value) in
            [("10", 10.0), ("-.5", -0.5), ("5.", 5.0), ("+0.125", 0.125), ("007", 7.0), ("-0", 0.0)]
        {
            let (d, end) = number(text).expect(text);
            assert_eq!((d.value(), end), (value, text.len()), "{text}");
        }
        for text in ["", "-", ".", "+.", "x", "--1", "12345678901234567890"] {
            assert!(number(text).is_none(), "{text}");
        }
        assert_eq!(number("1e5").map(|(d, end)| (d.value(), end)), Some((1.0, 1)));
    }

    #[test]
    fn codes_are_exact() {
        assert_eq!(number("91.1").and_then(|(d, _)| d.fixed(1)), Some(911));
        assert_eq!(number("91.10").and_then(|(d, _)| d.fixed(1)), Some(911));
        assert_eq!(number("91.11").and_then(|(d, _)| d.fixed(1)), None);
        assert_eq!(number("02").and_then(|(d, _)| d.fixed(1)), Some(20));
    }

    proptest! {
        #[test]
        fn reads_what_std_reads(m in -999_999_999_999i64..999_999_999_999, scale in 0usize..9) {
            let text = format!("{:.*}", scale, m as f64 / 10f64.powi(scale as i32));
            let (d, end) = number(&text).expect("a number");
            prop_assert_eq!(end, text.len());
            prop_assert_eq!(d.value(), text.parse::<f64>().expect("a number"));
        }

        #[test]
        fn writes_what_it_reads(v in -1e7f64..1e7, decimals in 0u8..7) {
            let grid = Grid::new(decimals);
            let steps = grid.round(v).expect("finite");
            let mut out = Vec::new();
            grid.write(steps, &mut out);
            let text = String::from_utf8(out).expect("ascii");
            let (d, end) = number(&text).expect("a number");
            prop_assert_eq!(end, text.len());
            prop_assert_eq!(d.value(), grid.value(steps));
            // Half a step, and what a double of this size cannot tell apart.
            prop_assert!((d.value() - v).abs() <= 0.5 * grid.step() + v.abs() * f64::EPSILON);
            prop_assert!(!text.contains('.') || !text.ends_with(['0', '.']));
        }
    }
}
