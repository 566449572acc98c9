//! Expressions and parameters, as LinuxCNC, FluidNC and grblHAL compute them.
//!
//! Precedence, strongest first (LinuxCNC user manual, "Binary Operators"): `**`; `* / MOD`; `+ -`;
//! `EQ NE GT GE LT LE`; `AND OR XOR`; all from left to right. Angles are degrees. Brackets nest to a fixed depth, so
//! that a hostile program ends with a diagnostic and not with an exhausted stack.

use crate::number;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::combinator::value;
use nom::{IResult, Parser};
use std::collections::BTreeMap;

/// Deepest nesting of brackets and signs; LinuxCNC's own stack holds 6 brackets per precedence level.
const DEEPEST: u32 = 64;
/// Highest parameter number (LinuxCNC: 5602).
const LAST_PARAMETER: u32 = 5602;
/// Parameters that belong to a subprogram's call.
const LOCAL_PARAMETERS: usize = 30;

/// Why an expression has no value, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) at: usize,
}

fn fault<T>(at: usize, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { message: message.into(), at })
}

/// What the interpreter knows about the machine, for parameters that the controller itself sets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct System {
    /// Position in program coordinates and units (#5420..#5428, #<_x> …).
    pub(crate) position: [f64; 9],
    /// Origins of G54 … G59.3 with their angles in degrees (#5221 …), G92 (#5211 …), G28 and G30 (#5161, #5181 …) and
    /// the tool (#5401 …), in the program's units.
    pub(crate) systems: [[f64; 9]; 9],
    pub(crate) rotations: [f64; 9],
    pub(crate) shift: [f64; 9],
    pub(crate) stored: [[f64; 9]; 2],
    pub(crate) tool_offset: [f64; 3],
    pub(crate) diameter: f64,
    /// Modes as code numbers in tenths: motion, plane, feed, and what is on.
    pub(crate) motion_mode: f64,
    pub(crate) plane: f64,
    pub(crate) compensation: f64,
    /// 0 G94, 1 G93, 2 G95.
    pub(crate) feed_mode: u8,
    pub(crate) return_high: bool,
    pub(crate) spindle: u8,
    pub(crate) surface: bool,
    pub(crate) diameters: bool,
    pub(crate) center_absolute: bool,
    pub(crate) shift_on: bool,
    pub(crate) mist: bool,
    pub(crate) flood: bool,
    pub(crate) selected: f64,
    pub(crate) calls: f64,
    pub(crate) feed: f64,
    pub(crate) rpm: f64,
    pub(crate) metric: bool,
    pub(crate) absolute: bool,
    pub(crate) tool: f64,
    pub(crate) line: f64,
    /// `#<_hal[plasmac.cut-feed-rate]>` in the program's units.
    pub(crate) cut_feed: Option<f64>,
    /// Number of the work coordinate system, 1 for G54.
    pub(crate) work_offset: f64,
}

impl System {
    /// Returns a parameter that the controller keeps, `None` when it is one of the user's.
    fn number(&self, n: u32) -> Option<f64> {
        let at = |list: &[f64; 9], first: u32| list.get((n - first) as usize).copied();
        match n {
            5161..=5169 => at(&self.stored[0], 5161),
            5181..=5189 => at(&self.stored[1], 5181),
            5210 => Some(f64::from(u8::from(self.shift_on && self.shift != [0.0; 9]))),
            5211..=5219 => at(&self.shift, 5211),
            5220 => Some(self.work_offset),
            5221..=5390 => {
                let (system, axis) = (((n - 5221) / 20) as usize, ((n - 5221) % 20) as usize);
                match axis {
                    0..=8 => self.systems.get(system).map(|s| s[axis]),
                    9 => self.rotations.get(system).copied(),
                    _ => None,
                }
            }
            5400 => Some(self.tool),
            5401..=5403 => Some(self.tool_offset[(n - 5401) as usize]),
            5404..=5409 => Some(0.0),
            5410 => Some(self.diameter),
            5420..=5428 => at(&self.position, 5420),
            _ => None,
        }
    }
}

/// One call's own parameters.
#[derive(Clone, Debug, Default)]
struct Frame {
    numbered: [f64; LOCAL_PARAMETERS],
    named: BTreeMap<Vec<u8>, f64>,
}

/// The parameters of a run.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    frames: Vec<Frame>,
    numbered: BTreeMap<u32, f64>,
    global: BTreeMap<Vec<u8>, f64>,
    pub(crate) system: System,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            frames: vec![Frame::default()],
            numbered: BTreeMap::new(),
            global: BTreeMap::new(),
            system: System::default(),
        }
    }
}

/// What a parameter is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Name {
    Number(u32),
    Named(Vec<u8>),
}

impl Parameters {
    /// Writes all that was set; what the controller works out itself is left aside.
    pub(crate) fn write_settings(&self, out: &mut impl std::fmt::Write) -> std::fmt::Result {
        write!(out, "{:?} {:?} {:?}", self.frames, self.numbered, self.global)
    }

    /// Enters a subprogram with its arguments in #1 … #30.
    pub(crate) fn enter(&mut self, arguments: &[f64]) {
        let mut frame = Frame::default();
        for (slot, v) in frame.numbered.iter_mut().zip(arguments) {
            *slot = *v;
        }
        self.frames.push(frame);
    }

    /// Leaves a subprogram; `result` becomes #<_value>.
    pub(crate) fn leave(&mut self, result: Option<f64>) {
        if self.frames.len() > 1 {
            self.frames.pop();
        }
        self.global.insert(b"_value_returned".to_vec(), f64::from(u8::from(result.is_some())));
        self.global.insert(b"_value".to_vec(), result.unwrap_or(0.0));
    }

    /// Returns a user's parameter that was set.
    pub(crate) fn number(&self, n: u32) -> Option<f64> {
        self.numbered.get(&n).copied()
    }

    /// Sets what a probing move leaves behind: #5061 …, and #5070, whether it touched.
    pub(crate) fn probed(&mut self, at: [f64; 3], touched: bool) {
        for (i, v) in at.into_iter().enumerate() {
            self.numbered.insert(5061 + i as u32, v);
        }
        self.numbered.insert(5070, f64::from(u8::from(touched)));
    }

    pub(crate) fn set(&mut self, name: Name, v: f64) {
        let Some(frame) = self.frames.last_mut() else { return };
        match name {
            Name::Number(n) if (1..=LOCAL_PARAMETERS as u32).contains(&n) => {
                frame.numbered[n as usize - 1] = v;
            }
            Name::Number(n) => {
                self.numbered.insert(n, v);
            }
            Name::Named(name) if name.first() == Some(&b'_') => {
                self.global.insert(name, v);
            }
            Name::Named(name) => {
                frame.named.insert(name, v);
            }
        }
    }

    fn get(&self, name: &Name) -> Option<f64> {
        let frame = self.frames.last()?;
        match name {
            Name::Number(n) if (1..=LOCAL_PARAMETERS as u32).contains(n) => {
                frame.numbered.get(*n as usize - 1).copied()
            }
            Name::Number(n @ (5161..=5428)) => {
                Some(self.system.number(*n).or_else(|| self.numbered.get(n).copied()).unwrap_or(0.0))
            }
            // A number that was never set is 0 (volatile) in LinuxCNC.
            Name::Number(n) => Some(self.numbered.get(n).copied().unwrap_or(0.0)),
            Name::Named(name) if name.first() == Some(&b'_') => {
                self.global.get(name).copied().or_else(|| self.predefined(name))
            }
            Name::Named(name) => frame.named.get(name).copied(),
        }
    }

    fn predefined(&self, name: &[u8]) -> Option<f64> {
        let s = &self.system;
        let flag = |b: bool| f64::from(u8::from(b));
        Some(match name {
            b"_x" => s.position[0],
            b"_y" => s.position[1],
            b"_z" => s.position[2],
            b"_a" => s.position[3],
            b"_b" => s.position[4],
            b"_c" => s.position[5],
            b"_u" => s.position[6],
            b"_v" => s.position[7],
            b"_w" => s.position[8],
            b"_abs_x" | b"_abs_y" | b"_abs_z" | b"_abs_a" | b"_abs_b" | b"_abs_c" => {
                let i = [b'x', b'y', b'z', b'a', b'b', b'c'].iter().position(|l| name.last() == Some(l))?;
                s.position[i]
                    + s.systems[(s.work_offset as usize).clamp(1, 9) - 1][i]
                    + s.shift[i] * flag(s.shift_on)
            }
            b"_feed" => s.feed,
            b"_rpm" => s.rpm,
            b"_metric" => flag(s.metric),
            b"_imperial" => flag(!s.metric),
            b"_absolute" => flag(s.absolute),
            b"_incremental" => flag(!s.absolute),
            b"_inverse_time" => flag(s.feed_mode == 1),
            b"_units_per_minute" => flag(s.feed_mode == 0),
            b"_units_per_rev" => flag(s.feed_mode == 2),
            b"_motion_mode" => s.motion_mode,
            b"_plane" => s.plane,
            b"_ccomp" => s.compensation,
            b"_coord_system" => match s.work_offset as u32 {
                n @ 1..=6 => f64::from(530 + 10 * n),
                n => f64::from(584 + n),
            },
            b"_tool_offset" => flag(s.tool_offset != [0.0; 3]),
            b"_retract_r_plane" => flag(!s.return_high),
            b"_retract_old_z" => flag(s.return_high),
            b"_spindle_rpm_mode" => flag(!s.surface),
            b"_spindle_css_mode" => flag(s.surface),
            b"_ijk_absolute_mode" => flag(s.center_absolute),
            b"_lathe_diameter_mode" => flag(s.diameters),
            b"_lathe_radius_mode" => flag(!s.diameters),
            b"_spindle_on" => flag(s.spindle != 0),
            b"_spindle_cw" => flag(s.spindle == 3),
            b"_mist" => flag(s.mist),
            b"_flood" => flag(s.flood),
            b"_speed_override" | b"_feed_override" | b"_feed_hold" => 1.0,
            b"_current_tool" | b"_current_pocket" => s.tool,
            b"_selected_tool" | b"_selected_pocket" => s.selected,
            b"_line" => s.line,
            b"_call_level" => s.calls,
            b"_vmajor" => 2.9,
            b"_adaptive_feed" | b"_task" | b"_remap_level" | b"_vminor" => 0.0,
            b"_hal[plasmac.cut-feed-rate]" => return s.cut_feed,
            // What else stands in the machine's own memory is taken as 0 where the program is made for that machine.
            _ if s.cut_feed.is_some() && (name.starts_with(b"_hal[") || name.starts_with(b"_ini[")) => 0.0,
            _ => return None,
        })
    }
}

/// True when `name` is a function of expressions.
pub(crate) fn is_function(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 14] = [
        b"abs", b"acos", b"asin", b"atan", b"cos", b"exp", b"fix", b"fup", b"ln", b"round", b"sin", b"sqrt",
        b"tan", b"exists",
    ];
    NAMES.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// The binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Power,
    Times,
    Over,
    Modulo,
    Plus,
    Minus,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    And,
    Or,
    Xor,
}

impl Operator {
    /// How strongly it binds.
    fn strength(self) -> u8 {
        use Operator::{And, Equal, Greater, GreaterEqual, Less, LessEqual, Minus, Modulo};
        use Operator::{NotEqual, Or, Over, Plus, Power, Times, Xor};
        match self {
            Power => 5,
            Times | Over | Modulo => 4,
            Plus | Minus => 3,
            Equal | NotEqual | Greater | GreaterEqual | Less | LessEqual => 2,
            And | Or | Xor => 1,
        }
    }

    fn apply(self, a: f64, b: f64, at: usize) -> Result<f64, Fault> {
        // LinuxCNC compares for equality within 1e-6, for order exactly (measured with 2.9).
        let equal = (a - b).abs() < 1e-6;
        let truth = |t: bool| f64::from(u8::from(t));
        let v = match self {
            Operator::Power => a.powf(b),
            Operator::Times => a * b,
            Operator::Over if b == 0.0 => return fault(at, "division by zero"),
            Operator::Over => a / b,
            // LinuxCNC: the result has the sign of the divisor's absolute value, never negative.
            Operator::Modulo if b == 0.0 => return fault(at, "division by zero in MOD"),
            Operator::Modulo => a.rem_euclid(b),
            Operator::Plus => a + b,
            Operator::Minus => a - b,
            Operator::Equal => truth(equal),
            Operator::NotEqual => truth(!equal),
            Operator::Greater => truth(a > b),
            Operator::GreaterEqual => truth(a >= b),
            Operator::Less => truth(a < b),
            Operator::LessEqual => truth(a <= b),
            Operator::And => truth(a != 0.0 && b != 0.0),
            Operator::Or => truth(a != 0.0 || b != 0.0),
            Operator::Xor => truth((a != 0.0) != (b != 0.0)),
        };
        if v.is_finite() { Ok(v) } else { fault(at, "the result is not a number") }
    }
}

/// Reads an operator: signs by their first byte, names one by one.
fn operator(input: &[u8]) -> IResult<&[u8], Operator> {
    match input.first() {
        Some(b'*') => alt((value(Operator::Power, tag(&b"**"[..])), value(Operator::Times, tag(&b"*"[..]))))
            .parse(input),
        Some(b'/') => Ok((&input[1..], Operator::Over)),
        Some(b'+') => Ok((&input[1..], Operator::Plus)),
        Some(b'-') => Ok((&input[1..], Operator::Minus)),
        Some(b) if b.is_ascii_alphabetic() => named_operator(input),
        _ => Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Tag))),
    }
}

fn named_operator(input: &[u8]) -> IResult<&[u8], Operator> {
    alt((
        value(Operator::Modulo, tag_no_case(&b"mod"[..])),
        value(Operator::Equal, tag_no_case(&b"eq"[..])),
        value(Operator::NotEqual, tag_no_case(&b"ne"[..])),
        value(Operator::GreaterEqual, tag_no_case(&b"ge"[..])),
        value(Operator::Greater, tag_no_case(&b"gt"[..])),
        value(Operator::LessEqual, tag_no_case(&b"le"[..])),
        value(Operator::Less, tag_no_case(&b"lt"[..])),
        value(Operator::And, tag_no_case(&b"and"[..])),
        value(Operator::Or, tag_no_case(&b"or"[..])),
        value(Operator::Xor, tag_no_case(&b"xor"[..])),
    ))
    .parse(input)
}

fn name(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|b: u8| b.is_ascii_alphabetic())(input)
}

/// Computes expressions of one text.
struct Reader<'a> {
    text: &'a [u8],
    parameters: &'a Parameters,
    depth: u32,
}

/// Computes the primary (number, parameter, bracket or function, with signs) at `at`; returns its value and the
/// place after it. `text` should end where the line ends.
pub(crate) fn primary(text: &[u8], at: usize, parameters: &Parameters) -> Result<(f64, usize), Fault> {
    Reader { text, parameters, depth: 0 }.primary(at)
}

/// Reads the assignment at `at` (`#…=…`); returns what is set and its value. Nothing is set yet: LinuxCNC sets after
/// the whole line has been read.
pub(crate) fn assignment(text: &[u8], at: usize, parameters: &Parameters) -> Result<(Name, f64), Fault> {
    let mut reader = Reader { text, parameters, depth: 0 };
    let (name, after) = reader.parameter_name(at)?;
    let equals = reader.blanks(after);
    if text.get(equals) != Some(&b'=') {
        return fault(equals, "'=' expected");
    }
    let (v, _) = reader.primary(equals + 1)?;
    if matches!(name, Name::Number(5420..=5428 | 5220 | 5400)) {
        return fault(at, "this parameter is set by the controller only");
    }
    Ok((name, v))
}

impl Reader<'_> {
    fn blanks(&self, mut at: usize) -> usize {
        while matches!(self.text.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        at
    }

    fn deeper<T>(&mut self, at: usize, f: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= DEEPEST {
            return fault(at, "brackets nested too deeply");
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    fn primary(&mut self, at: usize) -> Result<(f64, usize), Fault> {
        let at = self.blanks(at);
        match self.text.get(at) {
            Some(b'[') => self.bracket(at),
            Some(b'#') => {
                let (name, end) = self.parameter_name(at)?;
                match self.parameters.get(&name) {
                    Some(v) => Ok((v, end)),
                    None => fault(at, unset(&name)),
                }
            }
            Some(b'-') if !self.number_follows(at) => {
                let (v, end) = self.deeper(at, |r| r.primary(at + 1))?;
                Ok((-v, end))
            }
            Some(b'+') if !self.number_follows(at) => self.deeper(at, |r| r.primary(at + 1)),
            Some(b) if b.is_ascii_alphabetic() => self.function(at),
            _ => match number::read(self.text, at) {
                Some((d, end)) => Ok((d.value(), end)),
                None => fault(at, "a number, parameter, bracket or function expected"),
            },
        }
    }

    fn number_follows(&self, at: usize) -> bool {
        matches!(self.text.get(at + 1), Some(b'0'..=b'9' | b'.'))
    }

    /// `[ … ]`.
    fn bracket(&mut self, at: usize) -> Result<(f64, usize), Fault> {
        if self.text.get(at) != Some(&b'[') {
            return fault(at, "'[' expected");
        }
        let (v, end) = self.deeper(at, |r| r.sum(at + 1, 0))?;
        let end = self.blanks(end);
        if self.text.get(end) != Some(&b']') {
            return fault(end, "']' or an operator expected");
        }
        Ok((v, end + 1))
    }

    /// Operators of at least this strength (precedence climbing).
    fn sum(&mut self, at: usize, weakest: u8) -> Result<(f64, usize), Fault> {
        let (mut left, mut at) = self.primary(at)?;
        loop {
            at = self.blanks(at);
            let rest = self.text.get(at..).unwrap_or_default();
            let Ok((after, op)) = operator(rest) else { return Ok((left, at)) };
            if op.strength() <= weakest {
                return Ok((left, at));
            }
            let start = at + (rest.len() - after.len());
            let (right, end) = self.deeper(at, |r| r.sum(start, op.strength()))?;
            left = op.apply(left, right, at)?;
            at = end;
        }
    }

    /// `#3`, `##2`, `#[1+2]`, `#<name>`.
    fn parameter_name(&mut self, at: usize) -> Result<(Name, usize), Fault> {
        let after = self.blanks(at + 1);
        if self.text.get(after) == Some(&b'<') {
            let rest = &self.text[after + 1..];
            let Some(n) = memchr::memchr(b'>', rest) else { return fault(after, "'>' expected") };
            let name: Vec<u8> =
                rest[..n].iter().filter(|b| !matches!(b, b' ' | b'\t')).map(u8::to_ascii_lowercase).collect();
            return Ok((Name::Named(name), after + n + 2));
        }
        let (v, end) = self.deeper(at, |r| r.primary(after))?;
        let number = v.round();
        if (v - number).abs() > 1e-4 || !(1.0..=f64::from(LAST_PARAMETER)).contains(&number) {
            return fault(at, format!("there is no parameter #{v}"));
        }
        Ok((Name::Number(number as u32), end))
    }

    fn function(&mut self, at: usize) -> Result<(f64, usize), Fault> {
        let rest = self.text.get(at..).unwrap_or_default();
        let Ok((_, name)) = name(rest) else { return fault(at, "a function expected") };
        if !is_function(name) {
            return fault(at, "a number, parameter, bracket or function expected");
        }
        let name = name.to_ascii_lowercase();
        let open = self.blanks(at + name.len());
        if name == b"exists" {
            let inner = self.blanks(open + 1);
            if self.text.get(open) != Some(&b'[') || self.text.get(inner) != Some(&b'#') {
                return fault(open, "EXISTS wants a parameter in brackets");
            }
            let (parameter, end) = self.parameter_name(inner)?;
            let end = self.blanks(end);
            if self.text.get(end) != Some(&b']') {
                return fault(end, "']' expected");
            }
            let known = self.parameters.get(&parameter).is_some();
            return Ok((f64::from(u8::from(known)), end + 1));
        }
        let (v, end) = self.bracket(open)?;
        if name == b"atan" {
            let slash = self.blanks(end);
            if self.text.get(slash) != Some(&b'/') {
                return fault(slash, "ATAN wants two values: ATAN[y]/[x]");
            }
            let open = self.blanks(slash + 1);
            let (x, end) = self.bracket(open)?;
            return Ok((v.atan2(x).to_degrees(), end));
        }
        let result = match name.as_slice() {
            b"abs" => v.abs(),
            b"acos" => v.acos().to_degrees(),
            b"asin" => v.asin().to_degrees(),
            b"cos" => v.to_radians().cos(),
            b"exp" => v.exp(),
            b"fix" => v.floor(),
            b"fup" => v.ceil(),
            b"ln" => v.ln(),
            b"round" => v.round(),
            b"sin" => v.to_radians().sin(),
            b"sqrt" => v.sqrt(),
            _ => v.to_radians().tan(),
        };
        if result.is_finite() { Ok((result, end)) } else { fault(at, "the function has no value here") }
    }
}

fn unset(name: &Name) -> String {
    match name {
        Name::Number(n) => format!("parameter #{n} has no value"),
        Name::Named(name) if name.starts_with(b"_hal[") || name.starts_with(b"_ini[") => {
            format!("#<{}> is known only at the machine", String::from_utf8_lossy(name))
        }
        Name::Named(name) => format!("parameter #<{}> has no value", String::from_utf8_lossy(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(text: &str) -> Result<f64, String> {
        let mut p = Parameters::default();
        p.set(Name::Number(1), 2.0);
        p.set(Name::Number(2), 31.0);
        p.set(Name::Number(31), 7.0);
        p.set(Name::Named(b"depth".to_vec()), -3.0);
        match primary(text.as_bytes(), 0, &p) {
            Ok((v, end)) if end == text.len() => Ok(v),
            Ok((_, end)) => Err(format!("stopped at {end}")),
            Err(f) => Err(f.message),
        }
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("[1+2*3]", 7.0),
            ("[2**3**2]", 64.0),
            ("[10 mod 4 - 1]", 1.0),
            ("[1 lt 2 and 3 gt 2]", 1.0),
            ("[1 + 1 eq 2]", 1.0),
            ("#1", 2.0),
            ("##2", 7.0),
            ("-#1", -2.0),
            ("#[15*2+1]", 7.0),
            ("#<De pth>", -3.0),
            ("atan[1]/[1]", 45.0),
            ("SIN[30]", 0.5),
            ("[-[2]+-1]", -3.0),
            ("exists[#<depth>]", 1.0),
            ("exists[#<nothing>]", 0.0),
            ("fix[-1.5]", -2.0),
            ("#99", 0.0),
        ] {
            let got = v(text).expect(text);
            assert!((got - expected).abs() < 1e-12, "{text}: {got}");
        }
    }

    #[test]
    fn faults_end_with_words() {
        for text in ["[1/0]", "[1+", "#<no>", "sqrt[-1]", "#0", "#9999", "[1 2]", "foo[1]", "atan[1]"] {
            assert!(v(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(v(&deep), Err("brackets nested too deeply".into()));
        let signs = format!("[{}#1]", "-".repeat(100_000));
        assert!(v(&signs).is_err());
    }
}
