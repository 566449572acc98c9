//! Sums that do not depend on the order in which they are made.
//!
//! Floating-point sums of the same numbers differ in their last digits when they are divided otherwise; whole steps do
//! not. So a long program can be timed in parts, and the parts' sums added, with the result of adding one by one.

/// A sum of lengths, mm, or of times, s, in steps of about a picosecond; each term is cut to whole steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(i128);

/// Steps in 1; a power of two, so that numbers of few binary digits stay as they are.
const STEPS: f64 = (1u64 << 40) as f64;
/// Terms below this take a quicker way to a whole number.
const SMALL: f64 = (1u64 << 22) as f64;
/// Terms beyond this are a mistake, and count as this.
const MOST: f64 = (1u64 << 62) as f64;

impl Sum {
    /// Adds a number; what is none counts as nothing.
    #[inline]
    pub fn add(&mut self, v: f64) {
        if v.abs() < SMALL {
            self.0 = self.0.saturating_add(i128::from((v * STEPS) as i64));
        } else {
            self.0 = self.0.saturating_add((v.clamp(-MOST, MOST) * STEPS) as i128);
        }
    }

    /// Adds another sum.
    #[inline]
    pub fn join(&mut self, other: Sum) {
        self.0 = self.0.saturating_add(other.0);
    }

    /// Returns the sum as a number.
    pub fn value(self) -> f64 {
        self.0 as f64 / STEPS
    }

    /// True when it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_the_same_however_they_are_divided(
            all in prop::collection::vec(-1e9..1e9f64, 0..40),
            at in 0usize..40,
        ) {
            let sum = |part: &[f64]| {
                let mut s = Sum::default();
                for v in part {
                    s.add(*v);
                }
                s
            };
            let (a, b) = all.split_at(at.min(all.len()));
            let mut joined = sum(b);
            joined.join(sum(a));
            prop_assert_eq!(joined, sum(&all));
            let want: f64 = all.iter().sum();
            prop_assert!((joined.value() - want).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_no_number_counts_nothing() {
        let mut s = Sum::default();
        s.add(f64::NAN);
        s.add(1.5);
        assert_eq!(s.value(), 1.5);
        s.add(f64::INFINITY);
        s.add(f64::NEG_INFINITY);
        assert_eq!(s.value(), 1.5);
    }
}
