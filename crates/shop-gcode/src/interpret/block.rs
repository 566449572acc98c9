//! The words of one line, by letter.

use crate::dialect::Rules;
use crate::notes::Notes;
use crate::parse::{Kind, Scanner, Token};

/// Index of `$` among the letters.
pub(crate) const DOLLAR: usize = 26;
/// Index of `@`, a polar radius.
pub(crate) const RADIUS: usize = 27;
/// Index of `^`, a polar angle.
pub(crate) const ANGLE: usize = 28;
/// Bits of the polar words.
pub(crate) const POLAR: u32 = 1 << RADIUS | 1 << ANGLE;
/// Codes of one letter that a line may hold.
const MOST_CODES: usize = 12;

/// A G or M code with its place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Code {
    /// G: in tenths; M: as it is. -1 when it is no such number.
    pub(crate) number: i64,
    pub(crate) at: u32,
}

/// One line. Reused for all lines of a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The line ended with `\n`, so the next has a number of its own.
    pub(crate) newline: bool,
    /// Bit per letter that stands in the line (A is 0, `$` 26); G and M count like the others.
    pub(crate) seen: u32,
    /// The same for letters without a number, where that is a mistake.
    bare: u32,
    pub(crate) value: [f64; 29],
    at: [u32; 29],
    g: [Code; MOST_CODES],
    g_count: usize,
    m: [Code; MOST_CODES],
    m_count: usize,
    pub(crate) formulas: Vec<Token>,
    pub(crate) assignments: Vec<Token>,
    pub(crate) comments: Vec<Token>,
    pub(crate) flow: Option<Token>,
    pub(crate) text: Option<Token>,
    pub(crate) extended: Option<Token>,
    /// A line for the controller itself, `$…`.
    pub(crate) dollar: Option<Token>,
    /// Start of the next line.
    pub(crate) next: usize,
    pub(crate) percent: bool,
    pub(crate) deleted: bool,
    /// Nothing but words, and short enough for every controller.
    pub(crate) plain: bool,
}

/// Returns the bit of a letter.
pub(crate) const fn bit(letter: u8) -> u32 {
    1 << (letter - b'A')
}

impl Block {
    /// Reads the next line; false at the end of the program.
    #[inline]
    pub(crate) fn read(&mut self, scanner: &mut Scanner<'_>, rules: &Rules, notes: &mut Notes) -> bool {
        self.start = scanner.offset();
        self.seen = 0;
        self.g_count = 0;
        self.m_count = 0;
        self.newline = false;
        self.end = self.start;
        if !self.plain {
            self.formulas.clear();
            self.assignments.clear();
            self.comments.clear();
            self.flow = None;
            self.text = None;
            self.extended = None;
            self.dollar = None;
            self.percent = false;
            self.bare = 0;
            self.deleted = false;
            self.plain = true;
        }
        let mut any = false;
        while let Some(token) = scanner.token() {
            any = true;
            match token.kind {
                Kind::Word => {
                    self.end = token.end;
                    self.number(token, notes);
                }
                Kind::Newline => {
                    self.newline = token.letter == b'\n';
                    break;
                }
                _ => {
                    self.end = token.end;
                    self.plain = false;
                    self.special(token, rules, notes);
                }
            }
        }
        self.next = scanner.offset();
        // Longer lines go the careful way, where their length is judged.
        self.plain &= self.end - self.start <= 70;
        any
    }

    /// True when the line holds words, computed ones included.
    pub(crate) fn has_words(&self) -> bool {
        self.seen != 0 || self.g_count + self.m_count > 0 || !self.formulas.is_empty()
    }

    #[inline(always)]
    fn number(&mut self, token: Token, notes: &mut Notes) {
        let at = token.start as u32;
        match token.letter {
            b'G' => {
                let number = token.number.fixed(1).unwrap_or(-1);
                self.code(true, Code { number, at }, notes);
            }
            b'M' => {
                let number = token.number.fixed(0).unwrap_or(-1);
                self.code(false, Code { number, at }, notes);
            }
            letter => self.set(letter, token.number.value(), token.start, notes),
        }
    }

    /// Adds a word whose number was computed.
    pub(crate) fn word(&mut self, letter: u8, v: f64, start: usize, notes: &mut Notes) {
        let code =
            |scaled: f64| if (scaled - scaled.round()).abs() < 1e-4 { scaled.round() as i64 } else { -1 };
        match letter {
            b'G' => self.code(true, Code { number: code(v * 10.0), at: start as u32 }, notes),
            b'M' => self.code(false, Code { number: code(v), at: start as u32 }, notes),
            _ => self.set(letter, v, start, notes),
        }
    }

    #[inline(always)]
    fn set(&mut self, letter: u8, v: f64, start: usize, notes: &mut Notes) {
        let i = match letter {
            b'$' => DOLLAR,
            b'@' => RADIUS,
            b'^' => ANGLE,
            _ => (letter.wrapping_sub(b'A') as usize).min(DOLLAR),
        };
        if self.seen & (1 << i) != 0 {
            notes.error("gcode/repeated-word", i as u32, (start, start + 1), || {
                format!("the letter {} stands twice in this line", letter as char)
            });
            return;
        }
        self.seen |= 1 << i;
        self.value[i] = v;
        self.at[i] = start as u32;
    }

    #[inline(always)]
    fn code(&mut self, g: bool, code: Code, notes: &mut Notes) {
        let (list, count) =
            if g { (&mut self.g, &mut self.g_count) } else { (&mut self.m, &mut self.m_count) };
        if let Some(slot) = list.get_mut(*count) {
            *slot = code;
            *count += 1;
        } else {
            let at = code.at as usize;
            notes.error("gcode/too-many-codes", 0, (at, at + 1), || {
                "too many G or M words in one line".into()
            });
        }
    }

    #[cold]
    fn special(&mut self, token: Token, rules: &Rules, notes: &mut Notes) {
        let at = (token.start, token.end);
        match token.kind {
            Kind::Comment | Kind::Remark => self.comments.push(token),
            Kind::OpenComment => {
                notes.error("gcode/unclosed-comment", 0, at, || "the comment has no ')'".into());
            }
            Kind::StrayParenthesis => {
                notes.error("gcode/stray-parenthesis", 0, at, || "')' without '('".into());
            }
            Kind::Formula => self.formulas.push(token),
            Kind::Assignment => self.assignments.push(token),
            Kind::Flow => {
                if self.flow.is_none() {
                    self.flow = Some(token);
                }
            }
            Kind::Percent => {
                self.percent = true;
                if !rules.percent {
                    let name = rules.name;
                    notes.warning("gcode/percent", 0, at, || format!("{name} answers '%' with an error"));
                }
            }
            Kind::BlockDelete => {
                self.deleted = true;
                if !rules.block_delete {
                    let name = rules.name;
                    notes.warning("gcode/block-delete", 1, at, || {
                        format!("{name} ignores '/' and runs the line")
                    });
                }
            }
            Kind::Checksum if rules.checksum => {}
            Kind::Checksum => {
                let name = rules.name;
                notes.error("gcode/checksum", 0, at, || format!("{name} knows no checksums"));
            }
            Kind::Dollar => self.dollar = Some(token),
            Kind::ByteOrderMark => notes.warning("gcode/byte-order-mark", 0, at, || {
                "the file begins with a byte order mark, which controllers refuse; save it without".into()
            }),
            Kind::Bare if rules.syntax.bare_letters => {
                let i = (token.letter.wrapping_sub(b'A') as usize).min(DOLLAR);
                self.seen |= 1 << i;
                self.value[i] = 0.0;
                self.at[i] = token.start as u32;
            }
            Kind::Bare => {
                let i = u32::from(token.letter.wrapping_sub(b'A')).min(DOLLAR as u32);
                if (self.seen | self.bare) & (1 << i) != 0 {
                    notes.error("gcode/repeated-word", i, at, || {
                        format!("the letter {} stands twice in this line", token.letter as char)
                    });
                }
                self.bare |= 1 << i;
                notes.error("gcode/number-missing", 0, at, || {
                    format!("the letter {} has no number", token.letter as char)
                });
            }
            Kind::Text if self.g_count > 0 && self.m_count == 0 => {
                notes.error("gcode/unknown-text", 0, at, || "this is no G-code".into());
            }
            Kind::Text => self.text = Some(token),
            Kind::Extended => self.extended = Some(token),
            Kind::Word | Kind::Newline => {}
            Kind::Unknown => notes.error("gcode/unknown-text", 0, at, || "this is no G-code".into()),
        }
    }

    #[inline(always)]
    pub(crate) fn has(&self, letter: u8) -> bool {
        self.seen & bit(letter) != 0
    }

    #[inline(always)]
    pub(crate) fn get(&self, letter: u8) -> Option<f64> {
        self.has(letter).then(|| self.value[(letter - b'A') as usize])
    }

    /// Returns the bytes of the word with this letter, roughly: its letter.
    pub(crate) fn place(&self, letter: u8) -> (usize, usize) {
        let at = self.at[(letter - b'A') as usize] as usize;
        (at, at + 1)
    }

    pub(crate) fn span(&self) -> (usize, usize) {
        (self.start, self.end)
    }

    #[inline(always)]
    pub(crate) fn g(&self) -> &[Code] {
        &self.g[..self.g_count.min(MOST_CODES)]
    }

    #[inline(always)]
    pub(crate) fn m(&self) -> &[Code] {
        &self.m[..self.m_count.min(MOST_CODES)]
    }
}
