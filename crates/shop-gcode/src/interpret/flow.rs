//! LinuxCNC's O-words: subprograms, conditions and loops.
//!
//! Every O-word line has a label and a keyword; a table of them, made when the first is met, is searched for the
//! partner of the line at hand. Nothing but the open calls, the counts of `repeat` and the open `do`s is
//! remembered: reaching `else` from above means that a branch was run, reaching `endwhile` leads back to its
//! `while`. A budget of repeated lines ends every loop.

use super::block::Block;
use super::state::Modes;
use super::{Run, Step};
use crate::expression;
use crate::library::label;
use crate::parse::{Kind, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// Work that loops, calls and repeats may do in all, unless the context says otherwise: a repeated line counts 1, 1 more
/// for each eight bytes, and 2 more when it holds words. A malicious kilobyte stays below half a million commands, some
/// thirty megabytes of them, and a pocket that loops clear in 0.1 mm steps is far below.
pub(super) const BUDGET: u64 = 1_500_000;
/// O-word lines among which the end of a subprogram that nothing calls is looked for.
const MOST_MARKS: usize = 256;
/// Deepest nesting of calls.
const DEEPEST_CALL: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    Sub,
    EndSub,
    Call,
    Return,
    If,
    ElseIf,
    Else,
    EndIf,
    While,
    EndWhile,
    Do,
    Repeat,
    EndRepeat,
    Break,
    Continue,
    /// A bare `O100`: a subprogram that M98 calls.
    Label,
    Unknown,
}

impl Keyword {
    fn of(name: &[u8]) -> Keyword {
        match name.to_ascii_lowercase().as_slice() {
            b"sub" => Keyword::Sub,
            b"endsub" => Keyword::EndSub,
            b"call" => Keyword::Call,
            b"return" => Keyword::Return,
            b"if" => Keyword::If,
            b"elseif" => Keyword::ElseIf,
            b"else" => Keyword::Else,
            b"endif" => Keyword::EndIf,
            b"while" => Keyword::While,
            b"endwhile" => Keyword::EndWhile,
            b"do" => Keyword::Do,
            b"repeat" => Keyword::Repeat,
            b"endrepeat" => Keyword::EndRepeat,
            b"break" => Keyword::Break,
            b"continue" => Keyword::Continue,
            b"" => Keyword::Label,
            _ => Keyword::Unknown,
        }
    }
}

/// One O-word line.
#[derive(Clone, Debug)]
struct Mark {
    /// Start of the token.
    at: usize,
    /// Start of the line, where a jump to it lands.
    line_start: usize,
    line: u32,
    /// Start of the next line.
    next: usize,
    /// What follows the keyword: start and end.
    rest: (usize, usize),
    keyword: Keyword,
    label: u32,
}

/// A label that is worked out when the line runs (`o#1 call`).
const COMPUTED: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Call {
    back: usize,
    line: u32,
    restore: Option<Modes>,
    loops: usize,
    /// Called with M98: how often still, and where it begins.
    numbered: Option<(u64, usize, u32)>,
}

/// An open `do` or `repeat`.
#[derive(Clone, Debug)]
struct Loop {
    label: u32,
    begin: usize,
    left: u64,
}

/// Where the program goes on.
pub(crate) enum Next {
    On,
    Jump { at: usize, line: u32 },
    Stop,
}

/// State of the flow of control.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    marks: Option<Vec<Mark>>,
    labels: BTreeMap<Vec<u8>, u32>,
    calls: Vec<Call>,
    loops: Vec<Loop>,
    left: u64,
    /// Labels of subprograms that were called.
    called: BTreeSet<u32>,
}

/// The body of a subprogram.
pub(super) struct Body {
    /// Where its label stands.
    pub name: (usize, usize),
    pub from: usize,
    pub line: u32,
    pub to: usize,
}

impl Flow {
    pub(crate) fn spend(&mut self, cost: u64) -> bool {
        self.left = self.left.saturating_sub(cost);
        self.left > 0
    }

    /// True when the program has shown no O-words yet.
    pub(super) fn is_unused(&self) -> bool {
        self.marks.is_none()
    }

    /// Returns the budget that is left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Returns the subprograms before `end` that nothing has called.
    pub(super) fn uncalled(&self, end: usize) -> Vec<Body> {
        let marks = self.marks.as_deref().unwrap_or_default();
        let mut bodies = Vec::new();
        for (i, sub) in marks.iter().enumerate().take_while(|(_, m)| m.at < end) {
            if sub.keyword != Keyword::Sub || self.called.contains(&sub.label) {
                continue;
            }
            let own = |m: &&Mark| m.label == sub.label && m.keyword == Keyword::EndSub;
            let Some(last) = marks[i + 1..].iter().take(MOST_MARKS).find(own) else { continue };
            // From behind the O to before `sub`.
            let name = (sub.at + 1, sub.rest.0.saturating_sub(3).max(sub.at + 1));
            bodies.push(Body { name, from: sub.next, line: sub.line + 1, to: last.line_start });
        }
        bodies
    }

    pub(super) fn depth(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn new(budget: u64) -> Flow {
        Flow { left: budget, ..Flow::default() }
    }

    /// M73: the modes come back when the present call returns.
    pub(crate) fn restore_on_return(&mut self, modes: Modes) {
        if let Some(call) = self.calls.last_mut() {
            call.restore = Some(modes);
        }
    }
}

fn blanks(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

impl<F: FnMut(Step, u32)> Run<'_, F> {
    /// Finds every O-word line of the program.
    fn survey(&mut self) {
        let mut marks: Vec<Mark> = Vec::new();
        let (mut line, mut line_start) = (1, 0);
        for token in tokens(self.program, self.rules.syntax) {
            match token.kind {
                Kind::Newline => {
                    line += u32::from(token.letter == b'\n');
                    line_start = token.end;
                    if let Some(mark) = marks.last_mut().filter(|m| m.next == 0) {
                        mark.next = token.end;
                    }
                }
                Kind::Flow => {
                    let text = &self.program[..token.end];
                    let (id, after) = if let Some((name, after)) = label(text, token.start + 1) {
                        let fresh = self.flow.labels.len() as u32;
                        (*self.flow.labels.entry(name).or_insert(fresh), after)
                    } else {
                        let end = expression::primary(text, token.start + 1, &self.parameters)
                            .map_or(token.end, |(_, end)| end);
                        (COMPUTED, end)
                    };
                    let word = blanks(text, after);
                    let run = text[word..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
                    marks.push(Mark {
                        at: token.start,
                        line_start,
                        line,
                        next: 0,
                        rest: (word + run, token.end),
                        keyword: Keyword::of(&text[word..word + run]),
                        label: id,
                    });
                }
                _ => {}
            }
        }
        if let Some(mark) = marks.last_mut().filter(|m| m.next == 0) {
            mark.next = self.program.len();
        }
        self.flow.marks = Some(marks);
    }

    /// Runs an O-word line.
    #[cold]
    pub(super) fn flow_line(&mut self, block: &Block) -> Next {
        let Some(token) = block.flow else { return Next::On };
        let place = (token.start, token.end);
        if !self.rules.formulas {
            let name = self.rules.name;
            self.notes.error("gcode/flow", 0, place, || format!("{name} does not run O-word lines"));
            return Next::On;
        }
        if self.flow.marks.is_none() {
            self.survey();
        }
        if self.program.get(block.start..block.end).is_none_or(super::asks_controller) {
            self.refresh_parameters();
        }
        let marks = self.flow.marks.take().unwrap_or_default();
        let next = match marks.binary_search_by_key(&token.start, |m| m.at) {
            Ok(index) => self.run_mark(&marks, index, block),
            Err(_) => Next::On,
        };
        self.flow.marks = Some(marks);
        next
    }

    fn run_mark(&mut self, marks: &[Mark], index: usize, block: &Block) -> Next {
        let mark = &marks[index];
        let place = (mark.at, mark.rest.1);
        let after = |i: usize| {
            let m: &Mark = &marks[i];
            Next::Jump { at: m.next, line: m.line + 1 }
        };
        let to = |i: usize| Next::Jump { at: marks[i].line_start, line: marks[i].line };
        if mark.keyword == Keyword::Call {
            return self.call(marks, index, block);
        }
        if mark.label == COMPUTED {
            self.notes.error("gcode/flow", 1, place, || "only a call may have a computed label".into());
            return Next::On;
        }
        match mark.keyword {
            Keyword::Sub => match self.seek(marks, index, block, &[Keyword::EndSub]) {
                Some(end) => {
                    let nested = marks[index + 1..end].iter().any(|m| m.keyword == Keyword::Sub);
                    if nested {
                        self.notes.error("gcode/flow", 2, place, || {
                            "a subprogram is defined inside another".into()
                        });
                    }
                    after(end)
                }
                None => Next::Stop,
            },
            Keyword::Return | Keyword::EndSub => self.return_from(mark),
            Keyword::If => self.branch(marks, index, block),
            Keyword::ElseIf | Keyword::Else => match self.seek(marks, index, block, &[Keyword::EndIf]) {
                Some(end) => after(end),
                None => Next::Stop,
            },
            Keyword::EndIf => Next::On,
            Keyword::Label if self.rules.tool_change => Next::On,
            Keyword::Do => {
                let open = self.flow.loops.last().is_some_and(|l| l.label == mark.label && l.begin == index);
                if !open {
                    self.flow.loops.push(Loop { label: mark.label, begin: index, left: 0 });
                }
                Next::On
            }
            Keyword::While => {
                let Some(holds) = self.condition(mark) else { return Next::Stop };
                let open_do = self.flow.loops.last().filter(|l| l.label == mark.label).map(|l| l.begin);
                match (open_do, holds) {
                    (Some(begin), true) => after(begin),
                    (Some(_), false) => {
                        self.flow.loops.pop();
                        Next::On
                    }
                    (None, true) => Next::On,
                    (None, false) => match self.seek(marks, index, block, &[Keyword::EndWhile]) {
                        Some(end) => after(end),
                        None => Next::Stop,
                    },
                }
            }
            Keyword::EndWhile => {
                let begin =
                    marks[..index].iter().rposition(|m| m.label == mark.label && m.keyword == Keyword::While);
                match begin {
                    Some(begin) if self.spend((index - begin) as u64, block) => to(begin),
                    Some(_) => Next::Stop,
                    None => self.lonely(mark),
                }
            }
            Keyword::Repeat => {
                let Some(times) = self.value(mark) else { return Next::Stop };
                let times = times.round().clamp(0.0, 1e9) as u64;
                if times == 0 {
                    return match self.seek(marks, index, block, &[Keyword::EndRepeat]) {
                        Some(end) => after(end),
                        None => Next::Stop,
                    };
                }
                self.flow.loops.push(Loop { label: mark.label, begin: index, left: times - 1 });
                Next::On
            }
            Keyword::EndRepeat => match self.flow.loops.last_mut() {
                Some(l) if l.label == mark.label && l.left > 0 => {
                    l.left -= 1;
                    after(l.begin)
                }
                Some(l) if l.label == mark.label => {
                    self.flow.loops.pop();
                    Next::On
                }
                _ => self.lonely(mark),
            },
            Keyword::Break => {
                let ends = [Keyword::EndWhile, Keyword::EndRepeat, Keyword::While];
                let open = self.flow.loops.last().is_some_and(|l| l.label == mark.label);
                if open {
                    self.flow.loops.pop();
                }
                match self.seek(marks, index, block, if open { &ends } else { &ends[..1] }) {
                    Some(end) => after(end),
                    None => Next::Stop,
                }
            }
            Keyword::Continue => {
                let ends = [Keyword::EndWhile, Keyword::EndRepeat, Keyword::While];
                match self.seek(marks, index, block, &ends) {
                    Some(end) => to(end),
                    None => Next::Stop,
                }
            }
            Keyword::Call | Keyword::Label | Keyword::Unknown => {
                self.notes.error("gcode/flow", 3, place, || {
                    "after the O-word comes sub, call, if, while, do, repeat or one of their ends".into()
                });
                Next::On
            }
        }
    }

    /// Returns the next mark with the label of mark `index` and one of these keywords.
    fn seek(&mut self, marks: &[Mark], index: usize, block: &Block, keywords: &[Keyword]) -> Option<usize> {
        let mark = &marks[index];
        let found = marks[index + 1..]
            .iter()
            .position(|m| m.label == mark.label && keywords.contains(&m.keyword))
            .map(|n| index + 1 + n);
        match found {
            // Looking costs, too: a loop over a far search must not run for ever.
            Some(found) if self.spend((found - index) as u64 / 16, block) => Some(found),
            Some(_) => None,
            None => {
                self.lonely(mark);
                None
            }
        }
    }

    fn lonely(&mut self, mark: &Mark) -> Next {
        self.notes.error("gcode/flow", 4, (mark.at, mark.rest.1), || {
            "this O-word line has no partner with the same label".into()
        });
        Next::Stop
    }

    fn branch(&mut self, marks: &[Mark], index: usize, block: &Block) -> Next {
        let Some(holds) = self.condition(&marks[index]) else { return Next::Stop };
        if holds {
            return Next::On;
        }
        let mut from = index;
        loop {
            let ends = [Keyword::ElseIf, Keyword::Else, Keyword::EndIf];
            let Some(found) = self.seek(marks, from, block, &ends) else { return Next::Stop };
            let here = Next::Jump { at: marks[found].next, line: marks[found].line + 1 };
            if marks[found].keyword != Keyword::ElseIf {
                return here;
            }
            match self.condition(&marks[found]) {
                Some(true) => return here,
                Some(false) => from = found,
                None => return Next::Stop,
            }
        }
    }

    fn call(&mut self, marks: &[Mark], index: usize, block: &Block) -> Next {
        let mark = &marks[index];
        let place = (mark.at, mark.rest.1);
        let text = self.program.get(..mark.rest.1).unwrap_or_default();
        let mut wanted = mark.label;
        if wanted == COMPUTED {
            match expression::primary(text, mark.at + 1, &self.parameters) {
                Ok((v, _)) => {
                    let name = format!("{}", v.round() as i64).into_bytes();
                    wanted = self.flow.labels.get(&name).copied().unwrap_or(COMPUTED);
                }
                Err(fault) => {
                    self.notes.error("gcode/expression", 3, place, || fault.message);
                    return Next::Stop;
                }
            }
        }
        let sub = marks.iter().position(|m| m.label == wanted && m.keyword == Keyword::Sub);
        // Looking costs; so do the arguments.
        let cost = sub.unwrap_or(marks.len()) as u64 / 16 + (mark.rest.1 - mark.rest.0) as u64 / 32;
        if !self.spend(cost, block) {
            return Next::Stop;
        }
        let sub = sub.filter(|_| wanted != COMPUTED);
        self.flow.called.insert(wanted);
        let ends = |s: usize| marks[s..].iter().any(|m| m.label == wanted && m.keyword == Keyword::EndSub);
        if let Some(sub) = sub.filter(|s| !ends(*s)) {
            return self.lonely(&marks[sub]);
        }
        let Some(sub) = sub else {
            self.notes.error("gcode/subprogram-missing", 0, place, || {
                let text = text.get(mark.at + 1..).unwrap_or_default();
                let name = label(text, 0).map_or_else(|| "?".into(), |l| String::from_utf8_lossy(&l.0).into_owned());
                format!("the subprogram {name} is neither in this program nor in {name}.ngc beside it; what it does is not known")
            });
            return Next::On;
        };
        if self.flow.calls.len() >= DEEPEST_CALL {
            self.notes.error("gcode/endless", 1, place, || {
                format!("calls nested more than {DEEPEST_CALL} deep; stopped here")
            });
            return Next::Stop;
        }
        let mut arguments = Vec::new();
        let mut at = blanks(text, mark.rest.0);
        while at < mark.rest.1 {
            match expression::primary(text, at, &self.parameters) {
                Ok((v, end)) if end > at => {
                    arguments.push(v);
                    at = blanks(text, end);
                }
                Ok(_) => break,
                Err(fault) => {
                    self.notes.error("gcode/expression", 3, place, || fault.message);
                    return Next::Stop;
                }
            }
        }
        self.parameters.enter(&arguments);
        let loops = self.flow.loops.len();
        let (back, line) = (mark.next, mark.line + 1);
        self.flow.calls.push(Call { back, line, restore: None, loops, numbered: None });
        Next::Jump { at: marks[sub].next, line: marks[sub].line + 1 }
    }

    /// Enters the subprogram of a contour; returns where its first line stands.
    #[cold]
    pub(super) fn call_contour(&mut self, number: f64, block: &Block) -> Option<(usize, u32)> {
        if self.flow.marks.is_none() {
            self.survey();
        }
        let marks = self.flow.marks.take().unwrap_or_default();
        let name = format!("{}", number as i64).into_bytes();
        let wanted = self.flow.labels.get(&name).copied();
        let sub = marks.iter().position(|m| Some(m.label) == wanted && m.keyword == Keyword::Sub);
        let closed = sub.is_some_and(|sub| {
            marks[sub..].iter().any(|m| Some(m.label) == wanted && m.keyword == Keyword::EndSub)
        });
        self.flow.called.extend(wanted);
        let first = sub.filter(|_| closed).map(|sub| (marks[sub].next, marks[sub].line + 1));
        self.flow.marks = Some(marks);
        let Some(first) = first else {
            self.notes.error("gcode/subprogram-missing", 1, block.span(), || {
                format!("the subprogram {number} of the contour is not in this file")
            });
            return None;
        };
        if self.flow.calls.len() >= DEEPEST_CALL || !self.spend(1, block) {
            return None;
        }
        self.parameters.enter(&[]);
        let loops = self.flow.loops.len();
        self.flow.calls.push(Call {
            back: block.next,
            line: self.line + u32::from(block.newline),
            restore: None,
            loops,
            numbered: None,
        });
        Some(first)
    }

    /// M98: calls the subprogram with the number P, L times.
    #[cold]
    pub(super) fn call_numbered(&mut self, number: f64, times: f64, block: &Block) {
        if self.flow.marks.is_none() {
            self.survey();
        }
        let marks = self.flow.marks.take().unwrap_or_default();
        let wanted = self.flow.labels.get(format!("{number}").as_bytes()).copied();
        let labelled = |k: Keyword| marks.iter().find(|m| Some(m.label) == wanted && m.keyword == k);
        let found = labelled(Keyword::Label).map(|m| (m.next, m.line + 1));
        let is_sub = found.is_none() && labelled(Keyword::Sub).is_some();
        self.flow.marks = Some(marks);
        let at = block.span();
        let Some((begin, line)) = found else {
            self.notes.error("gcode/subprogram-missing", 2, at, || {
                if is_sub {
                    format!("subprogram {number} begins with `sub`: it is called with `O{number} call`, not with M98")
                } else {
                    format!("the subprogram {number} is neither in this program nor in {number}.ngc beside it; what it does is not known")
                }
            });
            return;
        };
        if self.flow.calls.len() >= DEEPEST_CALL {
            self.notes.error("gcode/endless", 1, at, || {
                format!("calls nested more than {DEEPEST_CALL} deep; stopped here")
            });
            self.ended = true;
        } else if times >= 1.0 && self.spend(1, block) {
            let loops = self.flow.loops.len();
            let numbered = Some((times as u64 - 1, begin, line));
            let next = self.line + u32::from(block.newline);
            self.flow.calls.push(Call { back: block.next, line: next, restore: None, loops, numbered });
            self.jump = Some((begin, line));
        }
    }

    /// M99: back to where M98 stood, or to the beginning of the subprogram for another time.
    #[cold]
    pub(super) fn return_numbered(&mut self, block: &Block) {
        let at = block.span();
        let Some(call) = self.flow.calls.last_mut() else {
            self.notes.info("gcode/starts-again", 0, at, || {
                "M99 in the main program starts it again, for ever; it is interpreted once".into()
            });
            self.ended = true;
            return;
        };
        let Some((left, begin, line)) = &mut call.numbered else {
            self.notes.error("gcode/flow", 5, at, || {
                "M99 ends what M98 calls; this subprogram ends with `endsub` or `return`".into()
            });
            return;
        };
        if *left > 0 {
            *left -= 1;
            self.jump = Some((*begin, *line));
            self.spend(1, block);
        } else {
            let (back, line, loops) = (call.back, call.line, call.loops);
            let restore = call.restore.take();
            self.flow.calls.pop();
            self.flow.loops.truncate(loops);
            if let Some(modes) = restore {
                self.restore(modes);
            }
            self.jump = Some((back, line));
        }
    }

    fn return_from(&mut self, mark: &Mark) -> Next {
        let result = if mark.rest.0 < mark.rest.1 { self.value(mark) } else { None };
        let depth = self.flow.calls.len();
        let Some(call) = self.flow.calls.pop_if(|c| c.numbered.is_none()) else { return self.lonely(mark) };
        self.parameters.leave(result);
        self.flow.loops.truncate(call.loops);
        if let Some(modes) = call.restore {
            self.restore(modes);
        }
        if self.turning.as_ref().is_some_and(|t| t.depth == depth) {
            self.run_turning();
        }
        Next::Jump { at: call.back, line: call.line }
    }

    fn condition(&mut self, mark: &Mark) -> Option<bool> {
        self.value(mark).map(|v| v != 0.0)
    }

    /// Computes what stands after the keyword.
    fn value(&mut self, mark: &Mark) -> Option<f64> {
        let text = self.program.get(..mark.rest.1).unwrap_or_default();
        // The line of an `elseif` is not the one at hand.
        if text.get(mark.rest.0..).is_none_or(super::asks_controller) {
            self.refresh_parameters();
        }
        match expression::primary(text, mark.rest.0, &self.parameters) {
            Ok((v, _)) => Some(v),
            Err(fault) => {
                self.notes
                    .error("gcode/expression", 4, (fault.at.min(mark.rest.1), mark.rest.1), || fault.message);
                None
            }
        }
    }
}
