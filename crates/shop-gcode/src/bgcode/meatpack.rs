//! MeatPack: two of the commonest characters of G-code in a byte.
//!
//! The low four bits are the first character, the high four the second; fifteen of the sixteen values are characters,
//! the last says that the character follows in a byte of its own. `FF FF` and a byte is a command. Source: the
//! description of MeatPack by its author and its use in libbgcode.

/// The characters of four bits; the last place announces one of eight.
const SHORT: &[u8; 15] = b"0123456789. \nGX";
/// The four bits that announce a character in a byte of its own.
const FULL: u8 = 15;
/// What begins a command to the unpacker, twice.
const SIGNAL: u8 = 0xFF;
/// The commands that turn packing on and off.
const PACKING_ON: u8 = 251;
const PACKING_OFF: u8 = 250;

/// Unpacks MeatPack.
pub(super) fn unpack(data: &[u8], out: &mut Vec<u8>) {
    let mut state = MeatPack { packing: false, no_spaces: false, full: 0, kept: None, out };
    let mut signals = 0;
    for byte in data {
        if signals == 2 {
            state.command(*byte);
            signals = 0;
        } else if *byte == SIGNAL {
            signals += 1;
        } else {
            if signals == 1 {
                state.byte(SIGNAL);
                signals = 0;
            }
            state.byte(*byte);
        }
    }
}

struct MeatPack<'a> {
    packing: bool,
    no_spaces: bool,
    /// Characters of eight bits that are to come.
    full: u32,
    /// The second character of a pair whose first is still to come.
    kept: Option<u8>,
    out: &'a mut Vec<u8>,
}

impl MeatPack<'_> {
    fn command(&mut self, byte: u8) {
        match byte {
            PACKING_ON => self.packing = true,
            PACKING_OFF => self.packing = false,
            249 => {
                self.packing = false;
                self.no_spaces = false;
            }
            247 => self.no_spaces = true,
            246 => self.no_spaces = false,
            _ => {}
        }
    }

    fn short(&self, nibble: u8) -> Option<u8> {
        // Without blanks the E takes their place.
        if nibble == 11 && self.no_spaces {
            return Some(b'E');
        }
        SHORT.get(usize::from(nibble)).copied()
    }

    fn byte(&mut self, byte: u8) {
        if !self.packing {
            self.out.push(byte);
            return;
        }
        if self.full > 0 {
            self.out.push(byte);
            self.out.extend(self.kept.take());
            self.full -= 1;
            return;
        }
        let (first, second) = (self.short(byte & 15), self.short(byte >> 4));
        match (first, second) {
            (None, None) => self.full = 2,
            (None, second) => {
                self.full = 1;
                self.kept = second;
            }
            // What follows the end of a line is there to fill the byte.
            (Some(b'\n'), _) => self.out.push(b'\n'),
            (Some(first), second) => {
                self.out.push(first);
                match second {
                    Some(second) => self.out.push(second),
                    None => self.full = 1,
                }
            }
        }
    }
}

/// Packs text. It must not hold the byte `FF`, which no UTF-8 text does.
pub(super) fn pack(text: &[u8]) -> Vec<u8> {
    debug_assert!(!text.contains(&SIGNAL), "UTF-8 has no such byte");
    let mut out = Vec::with_capacity(text.len() * 2 / 3 + 8);
    out.extend([SIGNAL, SIGNAL, PACKING_ON]);
    let mut at = 0;
    while let Some(&first) = text.get(at) {
        if first == b'\n' {
            // The unpacker passes by what stands beside it.
            out.push(nibble(first));
            at += 1;
            continue;
        }
        let Some(&second) = text.get(at + 1) else {
            // Nothing can stand beside the last character: it goes as it is.
            out.extend([SIGNAL, SIGNAL, PACKING_OFF, first]);
            break;
        };
        let pair = [nibble(first), nibble(second)];
        out.push(pair[0] | pair[1] << 4);
        out.extend([first, second].into_iter().zip(pair).filter(|(_, n)| *n == FULL).map(|(c, _)| c));
        at += 2;
    }
    out
}

/// Returns the four bits of a character.
fn nibble(character: u8) -> u8 {
    SHORT.iter().position(|c| *c == character).map_or(FULL, |i| i as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpacked(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        unpack(data, &mut out);
        out
    }

    #[test]
    fn unpacks_by_hand() {
        // On; "G1"; blank and an eight-bit Y; "2" and line end.
        assert_eq!(unpacked(&[0xFF, 0xFF, 251, 0x1D, 0xFB, b'Y', 0xC2]), b"G1 Y2\n");
        // Both characters of eight bits look like half a signal.
        assert_eq!(unpacked(&[0xFF, 0xFF, 251, 0xFF, b'Y', b'Z', 0x0C]), b"YZ\n");
    }

    #[test]
    fn packs_by_hand() {
        assert_eq!(pack(b"G1 Y2\n"), [0xFF, 0xFF, 251, 0x1D, 0xFB, b'Y', 0xC2]);
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_itself(text in "[G1X0-9 .;\nYEF\u{e4}\u{4e00}]{0,200}") {
            prop_assert_eq!(unpacked(&pack(text.as_bytes())), text.as_bytes());
        }
    }
}
