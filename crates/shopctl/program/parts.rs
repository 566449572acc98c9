//! A long program in parts, side by side, with the result of one pass from beginning to end.
//!
//! The program is cut at line ends into parts of equal size, whatever the number of cores. Parts are read in *waves*:
//!
//! ```text
//!            ├─ read ─┤
//!                  ╎──┼─ read ─┤             each warms up on what stands before it, and begins with a guess
//!                           ╎──┼─ read ─┤
//!    ── joined in order ──▶──────────▶──────▶  a part whose guess was wrong is read again from here
//! ```
//!
//! How a guess is made and proven stands in [`shop_gcode::Reader`] and [`shop_sim::Estimator::fork`]. When guesses go
//! wrong too often, because the program computes its way or changes its modes all the time, the rest is read in one
//! piece. Cost: the bytes of the program, and an eighth more for warming up; memory for one wave of what the parts found.

use super::{Seen, pass, seen, side_by_side};
use memchr::memchr;
use rayon::prelude::*;
use shop_gcode::{Context, Reader, Survey};
use shop_report::Diagnostic;
use std::ops::Range;

/// Somebody who looks at the commands of a program, and can do so in parts.
pub trait Watch: Send + Sync + Sized {
    /// Looks at what comes next.
    fn see(&mut self, seen: Seen<'_>);
    /// Returns a watcher for a later part, which takes what is in force here for its guess.
    fn fork(&self) -> Self;
    /// The part's own commands begin; what was seen so far only says what is in force.
    fn begin(&mut self);
    /// True when `part` began exactly as this one stands.
    fn continues_as(&self, part: &Self) -> bool;
    /// Takes over what such a part has seen.
    fn append(&mut self, part: Self);
}

/// How a program is divided.
#[derive(Clone, Copy, Debug)]
struct Division {
    /// Bytes of a part.
    part: usize,
    /// Bytes before a part that it warms up on.
    warm: usize,
    /// Parts of a wave.
    wave: usize,
}

/// Parts of 2 ms, so that cores wait for one another for no longer; a slicer's layer is about as long as the stretch
/// before each.
const DIVISION: Division = Division { part: 1 << 19, warm: 1 << 16, wave: 16 };
/// Wrong guesses that are put up with, and more for so many right ones.
const MOST_MISSES: usize = 4;
const PARTS_PER_MISS: usize = 4;

/// Runs the interpreter over a program and tells `watch` of every command; returns what it has to say. Long programs are
/// read in parts on all cores; the result is that of [`pass`].
pub fn pass_in_parts<W: Watch>(bytes: &[u8], context: &Context, watch: &mut W) -> Vec<Diagnostic> {
    let alone = rayon::current_num_threads() < 2;
    if bytes.len() < 4 * DIVISION.part || alone {
        return pass(bytes, context, |seen| watch.see(seen));
    }
    divided(bytes, context, watch, DIVISION, &mut 0)
        .unwrap_or_else(|| pass(bytes, context, |seen| watch.see(seen)))
}

/// The same in parts of this size; `joined` counts those whose guess was right. `None` for a binary program.
fn divided<W: Watch>(
    bytes: &[u8],
    context: &Context,
    watch: &mut W,
    division: Division,
    joined: &mut usize,
) -> Option<Vec<Diagnostic>> {
    let mut reader = Reader::new(bytes, context)?;
    // What a program sets up first is in force in all of it.
    reader = read(reader, watch, border(bytes, division.part));
    let mut missed = 0;
    while !reader.is_done() && missed <= MOST_MISSES + *joined / PARTS_PER_MISS {
        let Some(guess) = reader.fork() else { break };
        let parts = cut(bytes, reader.place().0, division);
        let surveys: Vec<Survey> = parts.par_iter().map(|p| Survey::of(bytes, p.clone())).collect();
        let before = surveys.iter().scan(Survey::default(), |sum, s| {
            let before = sum.clone();
            sum.append(s);
            Some(before)
        });
        let before: Vec<Survey> = before.collect();
        let wave =
            Wave { bytes, parts: &parts, before: &before, warm: division.warm, line: reader.place().1 };
        let seed = (guess, watch.fork());
        let Some(first) = parts.first() else { break };
        // The first needs no guess.
        let (next, later) = rayon::join(
            || read(reader, watch, first.end),
            || (1..parts.len()).into_par_iter().map(|i| wave.part(i, &seed)).collect::<Vec<_>>(),
        );
        reader = next;
        for (part, range) in later.into_iter().zip(&parts[1..]) {
            match part {
                Some((r, w)) if reader.continues_as(&r) && watch.continues_as(&w) => {
                    reader.append(r);
                    watch.append(w);
                    *joined += 1;
                }
                _ => {
                    missed += 1;
                    reader = read(reader, watch, range.end);
                }
            }
        }
    }
    Some(side_by_side(|hand_on| reader.finish(hand_on), |step, line| watch.see(seen(step, line))))
}

fn read<'a, W: Watch>(reader: Reader<'a>, watch: &mut W, end: usize) -> Reader<'a> {
    reader.read(end, |step, line| watch.see(seen(&step, line)))
}

/// Returns the start of the line after `at`.
fn border(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    memchr(b'\n', rest).map_or(bytes.len(), |n| at + n + 1)
}

/// Divides what comes after `at` into the parts of one wave.
fn cut(bytes: &[u8], mut at: usize, division: Division) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(division.wave);
    while at < bytes.len() && parts.len() < division.wave {
        let end = border(bytes, at + division.part);
        parts.push(at..end);
        at = end;
    }
    parts
}

/// Parts that are read at a time.
struct Wave<'a> {
    bytes: &'a [u8],
    parts: &'a [Range<usize>],
    /// What stands before each part in this wave.
    before: &'a [Survey],
    /// Bytes to warm up on.
    warm: usize,
    /// Line in which the first part begins.
    line: u32,
}

impl Wave<'_> {
    /// Reads part `i`, which is not the first; `None` when it leads elsewhere.
    fn part<'a, W: Watch>(&self, i: usize, seed: &(Reader<'a>, W)) -> Option<(Reader<'a>, W)> {
        let Range { start, end } = self.parts[i];
        let (mut reader, mut watch) = (seed.0.fork()?, seed.1.fork());
        let from = border(self.bytes, start.saturating_sub(self.warm).max(self.parts[0].start)).min(start);
        let before = &self.before[i];
        for hint in before.hints().into_iter().take_while(|h| h.start < from) {
            reader.skip_to(hint.start, 1);
            reader = read(reader, &mut watch, hint.end);
        }
        let warm = Survey::of(self.bytes, from..start);
        reader.skip_layers(before.layers - warm.layers.min(before.layers));
        reader.skip_to(from, self.line + before.lines - warm.lines);
        reader = read(reader, &mut watch, start);
        if reader.is_done() {
            return None;
        }
        reader.begin();
        watch.begin();
        Some((read(reader, &mut watch, end), watch))
    }
}

#[cfg(test)]
mod tests;
