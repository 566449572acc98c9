//! What a simulated machine saw and did: the oracle that a test asks afterwards.

use std::collections::BTreeMap;

/// A 64-bit FNV-1a hash (Fowler, Noll and Vo): the same bytes in any portions give the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub u64);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// Takes bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// A piece of motion that was carried out, whole or up to where it was broken off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// Number of the line that asked for it, as the machine counts them, from 1.
    pub line: u64,
    /// Where it began, machine coordinates (X Y Z, then E), mm.
    pub from_mm: [f64; 4],
    /// Where it ended.
    pub to_mm: [f64; 4],
    /// At rapid rate.
    pub rapid: bool,
    /// Whether spindle, torch or laser was on.
    pub tool_on: bool,
}

/// What the machine saw and did since it was made, power cuts included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Bytes that came in, lost ones included.
    pub bytes: u64,
    /// Lines that were read, blank ones included.
    pub lines: u64,
    /// Lines of program that were taken.
    pub accepted: u64,
    /// Hash of those lines as the firmware saw them, a newline after each.
    pub accepted_hash: Hash,
    /// Answers `ok`.
    pub oks: u64,
    /// Answers `error:`, Marlin's `Error:` included.
    pub errors: u64,
    /// The fullest the receive buffer was, bytes.
    pub ring_high: usize,
    /// Bytes that found it full and were lost.
    pub overflow: u64,
    /// Bytes lost while the processor wrote its settings.
    pub lost_while_writing: u64,
    /// Realtime bytes, by byte.
    pub realtime: BTreeMap<u8, u64>,
    /// Restarts, by request or by fault.
    pub resets: u64,
    /// Alarms, in order.
    pub alarms: Vec<u32>,
    /// Lines Marlin asked for again.
    pub resends: u64,
    /// Times the plan ran dry, and a move came after all: the tool stood in the work.
    pub starvations: u64,
    /// How long it stood then, machine seconds.
    pub starved_s: f64,
    /// Pieces of motion carried out.
    pub moves_done: u64,
    /// Their length, mm.
    pub length_mm: f64,
    /// Hash of their end points in micrometres.
    pub motion_hash: Hash,
    /// All of them, where [`super::Options::keep_moves`] asks for it.
    pub moves: Vec<Move>,
    /// Faults that went off.
    pub faults: u64,
}

impl Record {
    /// Takes a line as accepted.
    pub(super) fn accept(&mut self, line: &[u8]) {
        self.accepted += 1;
        self.accepted_hash.update(line);
        self.accepted_hash.update(b"\n");
    }

    /// Takes a finished piece of motion.
    pub(super) fn moved(&mut self, piece: Move, keep: bool) {
        self.moves_done += 1;
        let square: f64 = piece.from_mm.iter().zip(piece.to_mm).take(3).map(|(a, b)| (b - a).powi(2)).sum();
        self.length_mm += square.sqrt();
        for v in piece.to_mm {
            self.motion_hash.update(&((v * 1000.0).round() as i64).to_le_bytes());
        }
        if keep {
            self.moves.push(piece);
        }
    }
}
