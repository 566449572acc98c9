//! Marlin at the end of a wire: what the link and SLOWDOWN add to a replay whose buffer is always full.
//!
//! Blocks arrive one after the other and take a place in the buffer; the first of a row waits for two more or for 100 ms
//! (BLOCK_DELAY_FOR_1ST_MOVE); with each the speeds of those that wait are planned anew, and that with which the running
//! block ends stays. SLOWDOWN: a block that finds two to seven others waiting and would take less than 20 ms
//! (DEFAULT_MINSEGMENTTIME) is stretched by twice what it lacks, divided by their number.
//!
//! Measured: within 0.13 % of a full buffer down to a line each 3.8 ms (115,200 baud with a millisecond for its answer),
//! and SLOWDOWN has a share of at most 0.05 % in that: it is met in the first moves after a stop, and where
//! the program asks for more lines a second than the link carries. So the estimate leaves both out.

use super::{Block, Controller, PRINTS, corpus, made_up, marlin_by, read, run_buffer};
use std::collections::VecDeque;

/// Places in the buffer: BLOCK_BUFFER_SIZE 16, of which one stays free.
const PLACES: usize = 15;
const FIRST_DELAY_S: f64 = 0.1;
const LEAST_SEGMENT_S: f64 = 0.02;

#[derive(Default)]
struct Buffer {
    /// Blocks that wait, each with the speed at which it is entered as planned so far.
    waiting: VecDeque<(Block, f64)>,
    /// When the running block ends and how fast.
    running: Option<(f64, f64)>,
    /// When the first of a row came, and when the last block ended.
    first_at: f64,
    ended_at: f64,
}

impl Buffer {
    fn is_full(&self) -> bool {
        self.waiting.len() + usize::from(self.running.is_some()) >= PLACES
    }

    fn arrives(&mut self, now: f64, mut block: Block, slowdown: bool) {
        let others = self.waiting.len();
        let lacks = LEAST_SEGMENT_S - block.length / block.nominal;
        if slowdown && (2..=7).contains(&others) && lacks > 0.0 {
            let seconds = block.length / block.nominal + 2.0 * lacks / others as f64;
            block.nominal = block.length / seconds;
            block.corner = block.corner.min(block.nominal);
        }
        if self.waiting.is_empty() && self.running.is_none() {
            self.first_at = now;
        }
        self.waiting.push_back((block, 0.0));
        self.plan();
    }

    /// Backwards from a stop at the end, then forwards from how the running block ends.
    fn plan(&mut self) {
        let mut v = self.waiting.back().map_or(0.0, |(b, _)| b.rest);
        for (b, entry) in self.waiting.iter_mut().rev() {
            v = (v * v + 2.0 * b.accel * b.length).sqrt().min(b.corner).min(b.nominal);
            *entry = v;
        }
        let mut most = self.running.map_or(f64::INFINITY, |(_, exit)| exit);
        for (b, entry) in &mut self.waiting {
            *entry = entry.min(most);
            most = (*entry * *entry + 2.0 * b.accel * b.length).sqrt().min(b.nominal);
        }
    }

    /// The next block begins.
    fn begins(&mut self, now: f64) {
        let Some((b, entry)) = self.waiting.pop_front() else { return };
        let exit = self.waiting.front().map_or(b.rest, |(_, next)| *next);
        let peak = (0.5 * (entry * entry + exit * exit) + b.accel * b.length).sqrt().min(b.nominal);
        let peak = peak.max(entry).max(exit);
        let ramps = (peak * peak - 0.5 * (entry * entry + exit * exit)) / b.accel;
        let seconds = (2.0 * peak - entry - exit) / b.accel + ((b.length - ramps) / peak).max(0.0);
        self.running = Some((now + seconds, exit));
    }
}

/// Seconds from the first line on its way to rest, with a line every so many seconds.
fn fed(blocks: &[Block], every_s: f64, slowdown: bool) -> f64 {
    let (mut buffer, mut next, mut now) = (Buffer::default(), blocks.iter().peekable(), 0.0f64);
    loop {
        let arrival = if next.peek().is_some() && !buffer.is_full() { now + every_s } else { f64::INFINITY };
        if let Some((end, _)) = buffer.running.filter(|(end, _)| *end < arrival) {
            if buffer.is_full() {
                // The line that waited for a place takes it at once.
                now = now.max(end - every_s);
            }
            (buffer.running, buffer.ended_at) = (None, end);
            buffer.begins(end);
            continue;
        }
        if buffer.running.is_none() && !buffer.waiting.is_empty() {
            let many = buffer.waiting.len() >= 3 || next.peek().is_none();
            let start = if many { now } else { buffer.first_at + FIRST_DELAY_S };
            if start <= arrival {
                buffer.begins(start.max(buffer.ended_at));
                continue;
            }
        }
        let Some(block) = next.next() else { return buffer.ended_at };
        now = arrival;
        buffer.arrives(now, *block, slowdown);
    }
}

#[test]
fn a_full_buffer_is_what_marlin_has() {
    let made = made_up(true).into_iter().map(|(n, t)| (n.to_owned(), t));
    let mut off = Vec::new();
    for (name, text) in made.chain(corpus(&PRINTS)) {
        let events = read(&text, Controller::Marlin);
        let full = marlin_by(&events, false, &|blocks| run_buffer(blocks, PLACES));
        print!("{name}: {full:.2} s");
        // A card; USB at 250,000 baud; 115,200 baud, for lines of 32 bytes and a millisecond for the answer.
        for every_s in [0.0005, 0.0023, 0.0038] {
            let percent = |slowdown: bool| {
                let s = marlin_by(&events, false, &|blocks| fed(blocks, every_s, slowdown));
                100.0 * (s - full) / full
            };
            let (plain, slowed) = (percent(false), percent(true));
            print!(", {:.1} ms {plain:+.3} % and {slowed:+.3} %", 1e3 * every_s);
            if slowed.abs() > 0.2 || slowed - plain > 0.06 {
                off.push(format!("{name} {every_s}: {plain} {slowed}"));
            }
        }
        println!();
    }
    assert!(off.is_empty(), "{off:#?}");
}

/// The model can tell: lines of 4 ms on a wire that carries one each 6 ms.
#[test]
fn a_slow_link_is_felt_and_slowdown_with_it() {
    let block = Block { length: 0.4, accel: 3000.0, nominal: 100.0, corner: 100.0, rest: 0.3 };
    let blocks = vec![block; 2000];
    let full = run_buffer(&blocks, PLACES);
    let (plain, slowed) = (fed(&blocks, 0.006, false), fed(&blocks, 0.006, true));
    assert!(plain > 1.3 * full && slowed > 1.3 * full, "{full} {plain} {slowed}");
    assert!((fed(&blocks, 1e-6, false) - full).abs() < 1e-3 * full);
}
