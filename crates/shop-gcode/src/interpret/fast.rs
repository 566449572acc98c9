//! Nine lines of ten: a straight move with nothing but N, G0 or G1, X, Y, Z, E, F, S and a remark.
//!
//! Such a line is read and executed in one go, without tokens. Whatever is the least unusual (another comment, another
//! letter, a repeated one, nine digits in a row, a mode that changes what a straight move is) is left to the careful
//! way, and nothing has happened then. The two must agree: a test runs programs both ways.
//!
//! A number's digits are found and valued eight at a time in one 64-bit word, so that their count costs no branch
//! (the technique of D. Lemire, "Quickly parsing eight digits", 2018).

use super::state::Motion;
use super::{Run, Step};
use shop_cam::Speed;
use shop_cam::canon::{Command, Torch};

/// Lines longer than this go the careful way, where their length is judged.
const LONGEST: usize = 70;
/// Lines with a remark may be so long in all.
const LONGEST_REMARK: usize = 200;
const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/// Coordinates beyond this are judged elsewhere, mm.
const FARTHEST: f64 = 1e6;

/// Returns the value of the digits at `at` and their count; `None` close to the end of the text and for eight or more.
#[inline(always)]
fn digits(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let chunk = bytes.get(at..at + 8)?;
    let x = u64::from_le_bytes(chunk.try_into().ok()?) ^ 0x3030_3030_3030_3030;
    // A byte above 9 carries into its top bit; a carry beyond it reaches only bytes behind the first such one.
    let others = (x.wrapping_add(0x7676_7676_7676_7676) | x) & 0x8080_8080_8080_8080;
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 8 {
        return None;
    }
    // The digits go to the end of the word, zeros before them; shifting twice allows for none at all.
    let v = (x << (56 - 8 * count)) << 8;
    let v = (v & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(2561) >> 8;
    let v = (v & 0x00FF_00FF_00FF_00FF).wrapping_mul(6_553_601) >> 16;
    Some(((v & 0x0000_FFFF_0000_FFFF).wrapping_mul(42_949_672_960_001) >> 32, count))
}

/// Returns the number at `at` and the place after it.
#[inline(always)]
fn number(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let negative = bytes.get(at) == Some(&b'-');
    let first = at + usize::from(negative);
    let (whole, count) = digits(bytes, first)?;
    let mut end = first + count;
    let mut v = whole as f64;
    let mut total = count;
    if bytes.get(end) == Some(&b'.') {
        let (part, count) = digits(bytes, end + 1)?;
        end += 1 + count;
        total += count;
        // Fifteen digits are exact, so this is the nearest double, as the careful way has it.
        v = (whole * POWERS[count] + part) as f64 / POWERS[count] as f64;
    }
    (total > 0).then_some((if negative { -v } else { v }, end))
}

/// Returns the text of a remark that is nothing but a remark: no section, layer, tool or material.
#[inline]
fn plain_remark(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok().filter(|t| t.is_ascii())?.trim();
    let special =
        matches!(text.as_bytes().first(), Some(b'-' | b'o' | b't' | b'l' | b'f' | b'L' | b'T' | b'F' | b'C'));
    (!special && !text.bytes().any(|b| b == b'\r')).then_some(text)
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// True when nothing is in force that makes a straight move more than that.
    #[inline(always)]
    fn straightforward(&self) -> bool {
        let s = &self.state;
        s.simple
            && s.units_given
            && s.feeds_per_minute()
            && s.feed == s.emitted_feed
            && s.rotation == 0.0
            && s.probing.is_none()
    }

    /// Runs plain lines from `at` on and before `end`; returns where the first line begins that is none, and its number.
    pub(super) fn plain_lines(&mut self, mut at: usize, mut line: u32, end: usize) -> (usize, u32) {
        if !self.straightforward() {
            return (at, line);
        }
        let bytes = &self.program[..self.limit];
        while at < end
            && let Some(next) = self.plain_line(bytes, at, line)
        {
            at = next;
            line += 1;
        }
        (at, line)
    }

    #[inline(always)]
    fn plain_line(&mut self, bytes: &[u8], start: usize, line: u32) -> Option<usize> {
        let mut values = [0.0; 6];
        let mut remark = None;
        let (mut seen, mut moves) = (0u32, false);
        let mut motion = self.state.motion;
        let mut at = start;
        let next = loop {
            match bytes.get(at)? {
                b' ' => at += 1,
                b'G' if seen & 64 == 0 => {
                    let (code, count) = digits(bytes, at + 1)?;
                    motion = match (code, count) {
                        (0, 1 | 2) => Motion::Rapid,
                        (1, 1 | 2) => Motion::Line,
                        _ => return None,
                    };
                    at += 1 + count;
                    // G1.1 is another code.
                    if bytes.get(at) == Some(&b'.') {
                        return None;
                    }
                    seen |= 64;
                }
                b'N' if at == start => {
                    let (_, count) = digits(bytes, at + 1)?;
                    if count == 0 || bytes.get(at + 1 + count) == Some(&b'.') {
                        return None;
                    }
                    at += 1 + count;
                }
                b';' => {
                    // Words as short as ever, and the line no longer than any controller's buffer.
                    let room = bytes.get(at..(start + LONGEST_REMARK).min(bytes.len()))?;
                    let end = at + memchr::memchr(b'\n', room)?;
                    let text = plain_remark(&bytes[at + 1..end])?;
                    remark = Some(text);
                    if at - start > LONGEST {
                        return None;
                    }
                    break end + 1;
                }
                b'\n' => break at + 1,
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => break at + 2,
                letter => {
                    let slot = match letter {
                        b'X' => 0,
                        b'Y' => 1,
                        b'Z' => 2,
                        b'E' if self.rules.extruder => 3,
                        b'F' => 4,
                        b'S' => 5,
                        _ => return None,
                    };
                    if seen & (1 << slot) != 0 {
                        return None;
                    }
                    seen |= 1 << slot;
                    moves |= slot < 3;
                    (values[slot], at) = number(bytes, at + 1)?;
                }
            }
        };
        let s = &mut self.state;
        if !matches!(motion, Motion::Rapid | Motion::Line) || (remark.is_none() && next - start > LONGEST) {
            return None;
        }
        let unit = s.unit;
        let mut to = s.position;
        for i in 0..3 {
            if seen & (1 << i) != 0 {
                to[i] = values[i] * unit + if s.absolute { s.offset[i] } else { to[i] };
            }
        }
        let feed = values[4] * unit;
        let fed = seen & 16 == 0 || (feed > 0.0 && feed <= 1e9);
        let feeds = motion == Motion::Rapid || s.feed > 0.0 || seen & 16 != 0;
        let near = to.iter().all(|v| v.abs() <= FARTHEST) && values[3].abs() <= FARTHEST;
        if !(fed && feeds && near && values[5] >= 0.0) {
            return None;
        }
        s.motion = motion;
        self.line = line;
        if let Some(text) = remark.filter(|t| !t.is_empty()) {
            (self.sink)(Step::Command(Command::Comment(text.into())), line);
        }
        let s = &mut self.state;
        if seen & 16 != 0 && feed != s.feed {
            s.feed = feed;
            s.emitted_feed = feed;
            (self.sink)(Step::Command(Command::Feed(Speed::from_mm_per_min(feed))), line);
        }
        if seen & 32 != 0 && values[5] != self.state.s {
            self.state.s = values[5];
            if self.state.tool_on() {
                self.hand_on_tool(Torch::Cut);
            }
        }
        let pushes = seen & 8 != 0;
        if !moves && !pushes {
            return Some(next);
        }
        let e = if pushes { self.filament(values[3]) } else { 0.0 };
        let s = &mut self.state;
        let command = if e != 0.0 {
            // As in `extrude`: filament alone, or along the way.
            if to == s.position { Command::Filament { e } } else { Command::Extrude { to, e } }
        } else if !moves || pushes && to == s.position {
            return Some(next);
        } else if motion == Motion::Rapid {
            Command::Rapid { to }
        } else {
            Command::Line { to }
        };
        s.position = to;
        (self.sink)(Step::Command(command), line);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_as_the_careful_way_reads_them(text in "-?[0-9]{0,9}(\\.[0-9]{0,9})?", tail in "[ XYZ;\n]{8}") {
            let text = format!("{text}{tail}00000000");
            let careful = crate::number::read(text.as_bytes(), 0).map(|(d, end)| (d.value(), end));
            if let Some(fast) = number(text.as_bytes(), 0) {
                prop_assert_eq!(Some(fast), careful);
            }
        }
    }
}
