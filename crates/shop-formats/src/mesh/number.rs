//! Decimal numbers in text, exactly: the digits as one integer and a power of ten, where both are exact in `f64` and
//! so is their quotient or product but for one rounding (Clinger, "How to Read Floating Point Numbers Accurately",
//! 1990, the fast case); the standard library for the rest.

/// Powers of ten that `f64` holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Returns the number that `word` spells, whole; `None` when it spells none. Words for infinity and "not a number"
/// give what they say, since the caller has to look for such numbers anyway.
#[inline]
pub(super) fn number(word: &[u8]) -> Option<f64> {
    quick(word).or_else(|| slow(word))
}

#[inline]
fn quick(word: &[u8]) -> Option<f64> {
    let (negative, digits) = match word {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, word),
    };
    let (mut mantissa, mut exponent, mut at) = (0_u64, 0_i32, 0);
    let mut seen = 0;
    while let Some(d) = digits.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(d));
        at += 1;
        seen += 1;
    }
    if digits.get(at) == Some(&b'.') {
        at += 1;
        let start = at;
        while let Some(d) = digits.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(d));
            at += 1;
        }
        exponent = -((at - start) as i32);
        seen += at - start;
    }
    // Nineteen digits cannot overflow; 2^53 is the last integer up to which all are exact.
    if seen == 0 || seen > 19 || mantissa > 1 << 53 {
        return None;
    }
    if let Some(b'e' | b'E') = digits.get(at) {
        at += 1;
        let minus = digits.get(at) == Some(&b'-');
        at += usize::from(matches!(digits.get(at), Some(b'-' | b'+')));
        let start = at;
        let mut e = 0_i32;
        while let Some(d) = digits.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            e = (e * 10 + i32::from(d)).min(9999);
            at += 1;
        }
        if at == start {
            return None;
        }
        exponent += if minus { -e } else { e };
    }
    if at != digits.len() || exponent.abs() > 22 {
        return None;
    }
    let ten = TENS[exponent.unsigned_abs() as usize];
    let value = if exponent < 0 { mantissa as f64 / ten } else { mantissa as f64 * ten };
    Some(if negative { -value } else { value })
}

#[cold]
fn slow(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    // A decimal comma, from programs that follow the country's habits.
    text.parse()
        .ok()
        .or_else(|| text.contains(',').then(|| text.replacen(',', ".", 1).parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(v in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            for text in [format!("{v}"), format!("{v:e}"), format!("{v:.6}"), format!("{v:.3e}")] {
                prop_assert_eq!(number(text.as_bytes()), text.parse().ok());
            }
        }

        #[test]
        fn any_word_is_what_the_standard_library_says(word in "[-+]?[0-9]{0,21}(\\.[0-9]{0,12})?([eE][-+]?[0-9]{0,4})?") {
            prop_assert_eq!(number(word.as_bytes()), word.parse().ok());
        }
    }

    #[test]
    fn words_are_no_numbers() {
        for word in ["", "-", ".", "e5", "1e", "1x", "0x10", "--1", "1.2.3"] {
            assert_eq!(number(word.as_bytes()), None, "{word}");
        }
        assert_eq!(number(b"1,5"), Some(1.5));
        assert!(number(b"nan").is_some_and(f64::is_nan));
    }
}
