//! RepRapFirmware's meta commands: variables, conditions and loops by indentation, expressions in braces.
//!
//! ```text
//!   var n = 3
//!   while iterations < var.n        blocks go as far as lines are indented further
//!     G1 X{10 * iterations}
//! ```
//!
//! What belongs to the machine (`move.axes[0].max`, `sensors…`) is not known here: a line that needs it is said and
//! handed on as it stands, a condition that needs it skips its block. Source: "GCode meta commands" of the Duet
//! documentation.

use super::block::Block;
use super::{Run, Step};
use crate::parse::Kind;
use shop_cam::canon::Command;
use std::collections::BTreeMap;

/// Deepest nesting of brackets and signs.
const DEEPEST: u32 = 64;
/// Most variables that one program may make.
const MOST_VARIABLES: usize = 10_000;

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

impl Value {
    fn number(&self) -> Result<f64, String> {
        match self {
            Value::Number(v) => Ok(*v),
            Value::Text(text) => Err(format!("\"{text}\" is no number")),
        }
    }

    fn show(&self) -> String {
        match self {
            Value::Number(v) => format!("{v}"),
            Value::Text(text) => text.clone(),
        }
    }
}

/// A block that is being run.
#[derive(Clone, Debug)]
struct Open {
    indent: usize,
    kind: Opened,
}

#[derive(Clone, Debug)]
enum Opened {
    /// One branch has been run.
    If { taken: bool },
    /// Where the `while` stands, and how often its body has been run.
    While { at: usize, line: u32, iterations: u64 },
}

/// State of the meta commands.
#[derive(Clone, Debug, Default)]
pub(super) struct Meta {
    open: Vec<Open>,
    /// The loop whose condition is looked at again.
    again: Option<(usize, u64)>,
    /// Variables with the number of blocks they live in; globals with 0.
    variables: BTreeMap<String, (usize, Value)>,
}

impl Meta {
    /// True when no block is open.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    fn iterations(&self) -> Option<u64> {
        self.open.iter().rev().find_map(|o| match o.kind {
            Opened::While { iterations, .. } => Some(iterations),
            Opened::If { .. } => None,
        })
    }

    fn close(&mut self) -> Option<Open> {
        let closed = self.open.pop();
        let depth = self.open.len();
        self.variables.retain(|_, (lives, _)| *lives <= depth);
        closed
    }

    /// Computes an expression.
    fn value(&self, text: &str) -> Result<Value, String> {
        let mut reader = Reader { text: text.as_bytes(), at: 0, depth: 0, meta: self };
        let v = reader.ternary()?;
        reader.blanks();
        if reader.at < reader.text.len() {
            Err(format!("'{}' is not understood", &text[reader.at..]))
        } else {
            Ok(v)
        }
    }
}

/// Blanks at the start of the line at `at`, and what comes after them.
fn indentation(program: &[u8], at: usize) -> (usize, &[u8]) {
    let line = &program[at.min(program.len())..];
    let end = memchr::memchr2(b'\n', b'\r', line).unwrap_or(line.len());
    let blanks = line[..end].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    (blanks, &line[blanks..end])
}

fn next_line(program: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &program[at.min(program.len())..]).map_or(program.len(), |n| at + n + 1)
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Closes the blocks that end before the line at `at`; returns where the program goes on when a loop goes round.
    pub(super) fn close_blocks(&mut self, at: usize) -> Option<(usize, u32)> {
        let ends = at >= self.program.len();
        let (indent, text) = indentation(self.program, at);
        if !ends && (text.is_empty() || text[0] == b';') {
            return None;
        }
        while let Some(open) = self.meta.open.last() {
            if !ends && indent > open.indent {
                return None;
            }
            match open.kind {
                Opened::If { .. } => {
                    if !ends
                        && indent == open.indent
                        && (text.starts_with(b"elif") || text.starts_with(b"else"))
                    {
                        return None;
                    }
                    self.meta.close();
                }
                Opened::While { at, line, iterations } => {
                    self.meta.close();
                    self.meta.again = Some((at, iterations + 1));
                    return Some((at, line));
                }
            }
        }
        None
    }

    /// Goes past the lines that are indented further than the one at hand.
    fn skip_body(&mut self, block: &Block, indent: usize) {
        let mut at = block.next;
        let mut line = self.line + 1;
        while at < self.program.len() {
            let (blanks, text) = indentation(self.program, at);
            if !text.is_empty() && text[0] != b';' && blanks <= indent {
                break;
            }
            at = next_line(self.program, at);
            line += 1;
        }
        self.jump = Some((at, line));
    }

    /// Runs a meta command; false when the line is none.
    #[cold]
    pub(super) fn meta_command(&mut self, block: &Block) -> bool {
        let Some(token) = block.extended.filter(|t| t.kind == Kind::Extended) else { return false };
        let text = String::from_utf8_lossy(self.program.get(token.start..token.end).unwrap_or_default())
            .into_owned();
        let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (word, rest) = (&text[..end], text[end..].trim());
        let place = (token.start, token.end);
        let (indent, _) = indentation(self.program, block.start);
        // Texts and conditions cost more than words.
        if !self.spend(8, block) {
            return true;
        }
        match word {
            "if" => {
                let holds = self.holds(rest, place);
                self.meta.open.push(Open { indent, kind: Opened::If { taken: holds != Some(false) } });
                if holds != Some(true) {
                    self.skip_body(block, indent);
                }
            }
            "elif" | "else" => self.other_branch(word == "else", rest, indent, block),
            "while" => self.begin_loop(rest, indent, block),
            "break" | "continue" => self.leave_loop(word == "break", block),
            "var" | "global" | "set" => self.assign(word, rest, place),
            "echo" => {
                let said: Vec<String> = split_arguments(rest)
                    .into_iter()
                    .map(|part| self.meta.value(part).map_or_else(|_| part.trim().to_owned(), |v| v.show()))
                    .collect();
                let mut said = said.join(" ");
                if said.len() > super::LONGEST_MESSAGE {
                    let cut =
                        (0..=super::LONGEST_MESSAGE).rev().find(|i| said.is_char_boundary(*i)).unwrap_or(0);
                    said.truncate(cut);
                }
                self.emit(Command::Message(said.into()));
            }
            "abort" => {
                self.notes.warning("gcode/abort", 0, place, || "the program gives up here".into());
                self.ended = true;
            }
            _ => return false,
        }
        true
    }

    fn other_branch(&mut self, last: bool, condition: &str, indent: usize, block: &Block) {
        let place = block.span();
        let taken = match self.meta.open.last() {
            Some(Open { indent: i, kind: Opened::If { taken } }) if *i == indent => *taken,
            _ => {
                self.notes.error("gcode/flow", 5, place, || {
                    "elif or else without an if of the same indentation".into()
                });
                true
            }
        };
        let runs = !taken && (last || self.holds(condition, place) == Some(true));
        if let Some(Open { kind: Opened::If { taken }, .. }) = self.meta.open.last_mut() {
            *taken |= runs;
        }
        if !runs {
            self.skip_body(block, indent);
        }
    }

    fn begin_loop(&mut self, condition: &str, indent: usize, block: &Block) {
        let iterations = self.meta.again.take().filter(|a| a.0 == block.start).map_or(0, |a| a.1);
        let kind = Opened::While { at: block.start, line: self.line, iterations };
        // The condition may ask for the iterations of its own loop.
        self.meta.open.push(Open { indent, kind });
        if self.holds(condition, block.span()) != Some(true) {
            self.meta.close();
            self.skip_body(block, indent);
        }
    }

    fn leave_loop(&mut self, for_good: bool, block: &Block) {
        while let Some(open) = self.meta.close() {
            if let Opened::While { at, line, iterations } = open.kind {
                if for_good {
                    self.skip_body(block, open.indent);
                } else {
                    self.meta.again = Some((at, iterations + 1));
                    self.jump = Some((at, line));
                }
                return;
            }
        }
        self.notes.error("gcode/flow", 6, block.span(), || "break or continue outside a loop".into());
    }

    fn assign(&mut self, word: &str, rest: &str, place: (usize, usize)) {
        let Some((name, text)) = rest.split_once('=') else {
            self.notes.error("gcode/expression", 10, place, || "'=' expected".into());
            return;
        };
        let name = match word {
            "set" => name.trim().to_owned(),
            _ => format!("{word}.{}", name.trim()),
        };
        let depth = if word == "var" { self.meta.open.len() } else { 0 };
        match self.meta.value(text) {
            Ok(v) => {
                let known = self.meta.variables.get(&name).map(|(d, _)| *d);
                if word == "set" && known.is_none() {
                    self.notes.error("gcode/expression", 11, place, || format!("{name} was never made"));
                } else if known.is_some() || self.meta.variables.len() < MOST_VARIABLES {
                    self.meta.variables.insert(name, (known.unwrap_or(depth), v));
                }
            }
            Err(why) => self.notes.error("gcode/expression", 12, place, || why),
        }
    }

    fn holds(&mut self, condition: &str, place: (usize, usize)) -> Option<bool> {
        match self.meta.value(condition).and_then(|v| v.number()) {
            Ok(v) => Some(v != 0.0),
            Err(why) => {
                self.notes.warning("gcode/condition", 0, place, || {
                    format!("{why}; the lines it decides on are left out")
                });
                None
            }
        }
    }

    /// Computes the words in braces; `None` when one cannot be known here: then the line is handed on as it stands.
    #[cold]
    pub(super) fn compute_braces(&mut self, block: &Block) -> Option<Block> {
        let mut computed = block.clone();
        for token in &block.formulas {
            let raw = self.program.get(token.start + 1..token.end).unwrap_or_default();
            let text = String::from_utf8_lossy(raw);
            let inner = text.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or("");
            match self.meta.value(inner).and_then(|v| v.number()) {
                Ok(v) if v.is_finite() => computed.word(token.letter, v, token.start, &mut self.notes),
                found => {
                    let why = found.err().unwrap_or_else(|| "the result is not a number".into());
                    self.notes.warning("gcode/expression", 13, (token.start, token.end), || {
                        format!("{why}; the line is not executed here")
                    });
                    let text = self.bare_line(block);
                    self.emit(Command::Native(text.into()));
                    return None;
                }
            }
        }
        Some(computed)
    }
}

/// Splits at the commas that stand outside quotes and brackets.
fn split_arguments(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut from) = (Vec::new(), 0i32, false, 0);
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '{' | '[' if !quoted => depth += 1,
            ')' | '}' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&text[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Computes one expression, weakest operators first.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
    meta: &'a Meta,
}

type Found = Result<Value, String>;

fn truth(t: bool) -> Value {
    Value::Number(f64::from(u8::from(t)))
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.text[self.at..].starts_with(token.as_bytes());
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn ternary(&mut self) -> Found {
        if self.depth >= DEEPEST {
            return Err("brackets nested too deeply".into());
        }
        self.depth += 1;
        let condition = self.either()?;
        let v = if self.takes("?") {
            let yes = self.ternary()?;
            if !self.takes(":") {
                return Err("':' expected".into());
            }
            let no = self.ternary()?;
            if condition.number()? == 0.0 { no } else { yes }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(v)
    }

    fn either(&mut self) -> Found {
        let mut v = self.both()?;
        while self.takes("||") || self.takes("|") {
            let right = self.both()?;
            v = truth(v.number()? != 0.0 || right.number()? != 0.0);
        }
        Ok(v)
    }

    fn both(&mut self) -> Found {
        let mut v = self.comparison()?;
        while self.takes("&&") || self.takes("&") {
            let right = self.comparison()?;
            v = truth(v.number()? != 0.0 && right.number()? != 0.0);
        }
        Ok(v)
    }

    fn comparison(&mut self) -> Found {
        let v = self.sum()?;
        for token in ["==", "!=", "<=", ">=", "<", ">", "="] {
            if self.takes(token) {
                let right = self.sum()?;
                return Ok(truth(match token {
                    "==" | "=" => v == right,
                    "!=" => v != right,
                    "<=" => v.number()? <= right.number()?,
                    ">=" => v.number()? >= right.number()?,
                    "<" => v.number()? < right.number()?,
                    _ => v.number()? > right.number()?,
                }));
            }
        }
        Ok(v)
    }

    fn sum(&mut self) -> Found {
        let mut v = self.product()?;
        loop {
            if self.takes("+") {
                v = Value::Number(v.number()? + self.product()?.number()?);
            } else if self.takes("-") {
                v = Value::Number(v.number()? - self.product()?.number()?);
            } else if self.takes("^") {
                let joined = v.show() + &self.product()?.show();
                if joined.len() > super::LONGEST_MESSAGE {
                    return Err("a text grows too long".into());
                }
                v = Value::Text(joined);
            } else {
                return Ok(v);
            }
        }
    }

    fn product(&mut self) -> Found {
        let mut v = self.primary()?;
        loop {
            if self.takes("*") {
                v = Value::Number(v.number()? * self.primary()?.number()?);
            } else if self.takes("/") {
                v = Value::Number(v.number()? / self.primary()?.number()?);
            } else {
                return Ok(v);
            }
        }
    }

    fn primary(&mut self) -> Found {
        self.blanks();
        if self.depth >= DEEPEST {
            return Err("brackets nested too deeply".into());
        }
        let found = match self.text.get(self.at).copied() {
            Some(b'(' | b'{') => {
                let close = if self.text[self.at] == b'(' { ")" } else { "}" };
                self.at += 1;
                let v = self.ternary()?;
                if !self.takes(close) {
                    return Err(format!("'{close}' expected"));
                }
                v
            }
            Some(sign @ (b'-' | b'+' | b'!')) => {
                self.at += 1;
                self.depth += 1;
                let v = self.primary()?.number()?;
                self.depth -= 1;
                match sign {
                    b'-' => Value::Number(-v),
                    b'+' => Value::Number(v),
                    _ => truth(v == 0.0),
                }
            }
            Some(b'"') => {
                let rest = &self.text[self.at + 1..];
                let end = memchr::memchr(b'"', rest).ok_or("a text without its end")?;
                self.at += end + 2;
                Value::Text(String::from_utf8_lossy(&rest[..end]).into_owned())
            }
            Some(b) if b.is_ascii_alphabetic() => self.name()?,
            _ => match crate::number::read(self.text, self.at) {
                Some((d, end)) => {
                    self.at = end;
                    Value::Number(d.value())
                }
                None => return Err("a value expected".into()),
            },
        };
        Ok(found)
    }

    fn name(&mut self) -> Found {
        let start = self.at;
        let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'[' | b']' | b'#');
        self.at += self.text[start..].iter().take_while(is_name).count();
        let name = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        if self.takes("(") {
            return self.function(&name);
        }
        match name.as_str() {
            "true" => Ok(truth(true)),
            "false" | "null" => Ok(truth(false)),
            "pi" => Ok(Value::Number(std::f64::consts::PI)),
            "iterations" => {
                let n = self.meta.iterations().ok_or("iterations outside a loop")?;
                Ok(Value::Number(n as f64))
            }
            _ => match self.meta.variables.get(&name) {
                Some((_, v)) => Ok(v.clone()),
                None => Err(format!("{name} is known only at the machine")),
            },
        }
    }

    fn function(&mut self, name: &str) -> Found {
        if name == "exists" {
            let start = self.at;
            self.at += self.text[start..].iter().take_while(|b| **b != b')').count();
            let inner = String::from_utf8_lossy(&self.text[start..self.at]).trim().to_owned();
            self.takes(")");
            return match self.meta.variables.contains_key(&inner) {
                true => Ok(truth(true)),
                false if inner.starts_with("var.") || inner.starts_with("global.") => Ok(truth(false)),
                false => Err(format!("{inner} is known only at the machine")),
            };
        }
        let mut values = Vec::new();
        while !self.takes(")") {
            values.push(self.ternary()?.number()?);
            if !self.takes(",") && self.text.get(self.at) != Some(&b')') {
                return Err("')' expected".into());
            }
            if values.len() > 64 {
                return Err("too many arguments".into());
            }
        }
        let v = match (name, values.as_slice()) {
            ("abs", [a]) => a.abs(),
            ("acos", [a]) => a.acos(),
            ("asin", [a]) => a.asin(),
            ("atan", [a]) => a.atan(),
            ("atan2", [a, b]) => a.atan2(*b),
            ("ceil", [a]) => a.ceil(),
            ("cos", [a]) => a.cos(),
            ("degrees", [a]) => a.to_degrees(),
            ("exp", [a]) => a.exp(),
            ("floor", [a]) => a.floor(),
            ("log", [a]) => a.ln(),
            ("max", [_, ..]) => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ("min", [_, ..]) => values.iter().copied().fold(f64::INFINITY, f64::min),
            ("mod", [a, b]) => a % b,
            ("pow", [a, b]) => a.powf(*b),
            ("radians", [a]) => a.to_radians(),
            ("round", [a]) => a.round(),
            ("sin", [a]) => a.sin(),
            ("sqrt", [a]) => a.sqrt(),
            ("square", [a]) => a * a,
            ("tan", [a]) => a.tan(),
            ("isnan", [a]) => f64::from(u8::from(a.is_nan())),
            _ => return Err(format!("{name}() is known only at the machine")),
        };
        Ok(Value::Number(v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let mut meta = Meta::default();
        meta.variables.insert("var.n".into(), (0, Value::Number(4.0)));
        for (text, expected) in [
            ("1+2*3", 7.0),
            ("(1+2)*3", 9.0),
            ("-var.n/2", -2.0),
            ("var.n > 3 && !(1 == 2) ? max(1, 5, 2) : 0", 5.0),
            ("exists(var.m) || false", 0.0),
            ("\"a\"^\"b\" == \"ab\"", 1.0),
            ("floor(7.9) - mod(7, 4)", 4.0),
        ] {
            assert_eq!(meta.value(text), Ok(Value::Number(expected)), "{text}");
        }
        for text in [
            "",
            "1+",
            "move.axes[0].max",
            "iterations",
            "(1",
            "\"a",
            "1 2",
            &"(".repeat(1000),
            &"-".repeat(1000),
        ] {
            assert!(meta.value(text).is_err(), "{text}");
        }
    }
}
