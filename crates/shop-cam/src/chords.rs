//! What dividing arcs may cost: one allowance for everyone who walks along them in chords.
//!
//! A loop of two lines runs through a circle a hundred thousand times, and a word winds an arc ten thousand turns. Time,
//! check, picture, comparison and post each divide such arcs, and a few bytes of them would keep a core busy for
//! minutes and fill the memory. So each begins a program with the same allowance: enough for any program that was
//! meant for a machine, and growing with the bytes of the program, so that long ones never meet its end. When it is
//! spent, times and pictures go on with coarse arcs, and what must be exact (post, comparison) says that it stops.

/// Chords beyond the coarse ones that any program may have: three thousand circles of 10 mm within a micrometre.
pub const ALLOWANCE: u64 = 750_000;
/// As many more for each byte: an arc has a dozen bytes at least, and a hundred chords as a rule.
pub const PER_BYTE: u64 = 4;

/// What is left of a program's allowance.
#[derive(Clone, Copy)]
pub struct Chords {
    whole: u64,
    left: u64,
    refused: bool,
}

impl Chords {
    /// Returns the allowance of a program of so many bytes.
    pub fn of(bytes: u64) -> Chords {
        let whole = ALLOWANCE.saturating_add(PER_BYTE.saturating_mul(bytes));
        Chords { whole, left: whole, refused: false }
    }

    /// Returns it as it was in the beginning.
    #[must_use]
    pub fn anew(self) -> Chords {
        Chords { left: self.whole, refused: false, ..self }
    }

    /// Returns how many chords an arc gets that wants so many: all, or as many of them as are `coarse`, which cost
    /// nothing.
    ///
    /// ```
    /// let mut chords = shop_cam::chords::Chords::of(0);
    /// assert_eq!(chords.take(700_000, 32), 700_000);
    /// assert_eq!(chords.take(1_000_000, 32), 32);
    /// assert!(chords.refused());
    /// ```
    #[inline]
    pub fn take(&mut self, wanted: u32, coarse: u32) -> u32 {
        let more = u64::from(wanted.saturating_sub(coarse));
        if more > self.left {
            self.refused = true;
            return coarse;
        }
        self.left -= more;
        wanted
    }

    /// True when some arc did not get what it wanted.
    pub fn refused(self) -> bool {
        self.refused
    }

    /// True when all that a later part of the program took would have been given here too.
    pub fn would_give(self, later: Chords) -> bool {
        !later.refused && later.taken() <= self.left
    }

    /// Takes what a later part took.
    pub fn join(&mut self, later: Chords) {
        self.left -= later.taken().min(self.left);
        self.refused |= later.refused;
    }

    fn taken(self) -> u64 {
        self.whole - self.left
    }
}

/// What is left is not part of what is in force in a program, and is looked at by itself.
impl std::fmt::Debug for Chords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_are_divided_coarsely_only_when_thousands_are_huge() {
        let mut chords = Chords::of(1000);
        assert_eq!(chords.take(100_000, 32), 100_000);
        let huge: u64 = (0..1000).map(|_| u64::from(chords.take(100_000, 32))).sum();
        assert!(huge <= ALLOWANCE + 1000 * PER_BYTE + 1000 * 32, "{huge}");
        assert_eq!(chords.take(30, 32), 30);
    }

    #[test]
    fn parts_take_from_one_allowance() {
        let (mut first, mut part) = (Chords::of(0), Chords::of(0));
        first.take(ALLOWANCE as u32 - 1, 0);
        part.take(1, 0);
        assert!(first.would_give(part));
        first.join(part);
        assert!(!first.would_give(part) && first.anew().left > 0);
        assert!(first.anew().would_give(part));
    }
}
