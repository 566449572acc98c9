//! Which work zero is in force, and where it lies.
//!
//! A GRBL says where the machine stands, and now and then where its work zero lies (`WCO:`). A program may move that
//! zero: G92, G10, G55, a tool's length. So every line carries the number of the zero that it runs under, and what the
//! controller tells belongs to a number, too: to that of the newest line that was answered, unless the next one, which
//! may be read just then, moves the zero. Places are compared with the way of a line as that line counts
//! ([`Zero`]): from the first zero of the job, or from the one that was told for its number.
//!
//! ```text
//!   answered │ in flight             WCO: in a report now
//!   G1 G92   │ G1 G1 G1   number 1   is that of number 1
//!   G1 G1    │ G92 G1 G1             may be either: it is left out
//! ```
//!
//! Source: GRBL 1.1 `gcode.c` and `report.c`: the offset is told by the next report after it changed, and the machine
//! comes to rest before it changes (`FORCE_BUFFER_SYNC_DURING_WCO_CHANGE`). The others need not rest.

use std::collections::VecDeque;

use super::item::Item;
use super::types::{Reach, Zero};
use super::{modes, wire};

/// Zeros that are remembered; the lines that a planner holds hardly ever run under more.
const KEPT: usize = 8;

/// The zeros of a conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zeros {
    /// Where the zero lay when the job began, machine coordinates, mm.
    first: Option<[f64; 3]>,
    /// The number behind the newest line that went.
    pub sent: u64,
    /// The number behind the newest line that was answered.
    answered: u64,
    /// What the controller told, by number, oldest first.
    told: VecDeque<(u64, [f64; 3])>,
    /// Where the machine stands as it last said, machine coordinates, mm; nothing where that depends on a zero of which it
    /// has not told the place.
    machine_mm: Option<[f64; 3]>,
}

/// What a report says about places.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// It gives machine coordinates, or everything that they follow from.
    pub machine: bool,
    /// It tells where the work zero lies.
    pub zero: bool,
}

impl Zeros {
    /// A job begins.
    pub(crate) fn begin(&mut self, zero_mm: Option<[f64; 3]>, machine_mm: Option<[f64; 3]>) {
        (self.first, self.machine_mm) = (zero_mm, machine_mm);
        self.told = zero_mm.map(|zero| (self.sent, zero)).into_iter().collect();
    }

    /// A line goes; returns the number of the zero that holds while it runs.
    pub(crate) fn goes(&mut self, text: &[u8]) -> u64 {
        self.sent += u64::from(wire::may_move_zero(text));
        let number = self.sent;
        // It puts the first system in force when everything is done.
        self.sent += u64::from(modes::ends_program(text));
        number
    }

    /// Somebody is at the machine, and may set its zero anew. Nothing is in flight.
    pub(crate) fn pauses(&mut self) {
        self.sent += 1;
        self.answered = self.sent;
    }

    pub(crate) fn answered(&mut self, item: &Item) {
        self.answered = item.zero + u64::from(modes::ends_program(&item.text));
    }

    /// A report came. `next` is the number of the oldest line in flight, `rests` whether what the controller tells is true of
    /// its newest line, not of an older one that is still at work.
    pub(crate) fn report(
        &mut self,
        told: Told,
        next: Option<u64>,
        rests: bool,
        machine_mm: Option<[f64; 3]>,
        zero_mm: Option<[f64; 3]>,
    ) {
        let certain = next.unwrap_or(self.sent) == self.answered;
        if let (true, Some(zero)) = (told.zero && certain && rests, zero_mm) {
            self.told.retain(|(number, _)| *number != self.answered);
            self.told.push_back((self.answered, zero));
            if self.told.len() > KEPT {
                self.told.pop_front();
            }
        }
        let follows = certain && self.told_of(self.answered).is_some();
        self.machine_mm = machine_mm.filter(|_| told.machine || follows);
    }

    /// Returns the number behind the newest line that was answered.
    pub(crate) fn newest(&self) -> u64 {
        self.answered
    }

    fn told_of(&self, number: u64) -> Option<[f64; 3]> {
        self.told.iter().find(|(n, _)| *n == number).map(|(_, zero)| *zero)
    }

    /// Returns where the machine stands as a line counts that runs under zero `number`; nothing for axes of which that is not
    /// known.
    pub(crate) fn seen_from(&self, reach: &Reach, number: u64) -> [Option<f64>; 3] {
        let (told, machine) = (self.told_of(number), self.machine_mm);
        std::array::from_fn(|i| {
            let zero = match reach.zero[i] {
                Zero::First => self.first?,
                Zero::Told => told?,
                Zero::Unknown => return None,
            };
            Some(machine?[i] - zero[i])
        })
    }

    /// Returns whether a line's place will be known when the controller tells its zero.
    pub(crate) fn waits_for(&self, reach: &Reach, number: u64) -> bool {
        reach.zero.contains(&Zero::Told) && number == self.answered && self.told_of(number).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::Kind;
    use super::super::types::Way;
    use super::*;

    fn reach(zero: Zero) -> Reach {
        let at = [0.0; 3];
        Reach { end_mm: at, low_mm: at, high_mm: at, way: Way::Straight { from_mm: at }, zero: [zero; 3] }
    }

    fn item(text: &str, zero: u64) -> Item {
        Item { zero, ..Item::own(Kind::Command, text.as_bytes()) }
    }

    /// What is seen of X from a line under zero `number`.
    fn x(zeros: &Zeros, zero: Zero, number: u64) -> Option<f64> {
        zeros.seen_from(&reach(zero), number)[0]
    }

    #[test]
    fn what_is_told_belongs_to_the_newest_line_that_was_answered() {
        let mut zeros = Zeros::default();
        zeros.begin(Some([100.0; 3]), Some([100.0; 3]));
        let numbers = ["G1X1", "G92X0", "G1X1"].map(|text| zeros.goes(text.as_bytes()));
        assert_eq!(numbers, [0, 1, 1]);
        let (machine, zero) = (Told { machine: true, zero: false }, Told { machine: true, zero: true });
        zeros.report(machine, Some(0), true, Some([101.0; 3]), None);
        assert_eq!((x(&zeros, Zero::First, 0), x(&zeros, Zero::Told, 0)), (Some(1.0), Some(1.0)));
        assert_eq!(x(&zeros, Zero::Told, 1), None, "nobody has told it");
        // The first line is answered: the second may be read just now.
        zeros.answered(&item("G1X1", 0));
        zeros.report(zero, Some(1), true, Some([101.0; 3]), Some([101.0; 3]));
        assert_eq!((x(&zeros, Zero::Told, 0), x(&zeros, Zero::Told, 1)), (Some(1.0), None));
        zeros.answered(&item("G92X0", 1));
        zeros.report(zero, Some(1), false, Some([101.0; 3]), Some([101.0; 3]));
        assert_eq!(x(&zeros, Zero::Told, 1), None, "an older line is at work");
        assert!(zeros.waits_for(&reach(Zero::Told), 1) && !zeros.waits_for(&reach(Zero::First), 1));
        zeros.report(zero, Some(1), true, Some([101.5; 3]), Some([101.0; 3]));
        assert_eq!((x(&zeros, Zero::Told, 1), x(&zeros, Zero::First, 1)), (Some(0.5), Some(1.5)));
        assert_eq!(x(&zeros, Zero::Unknown, 1), None);
    }

    #[test]
    fn machine_places_that_follow_from_a_zero_are_known_when_that_is() {
        let mut zeros = Zeros::default();
        zeros.begin(Some([10.0; 3]), Some([10.0; 3]));
        zeros.goes(b"G92X0");
        let (work, both) = (Told::default(), Told { machine: false, zero: true });
        zeros.report(work, Some(1), true, Some([10.0; 3]), Some([10.0; 3]));
        assert_eq!(x(&zeros, Zero::First, 0), None, "it may have moved, and was not told");
        zeros.answered(&item("G92X0", 1));
        zeros.report(work, None, true, Some([10.0; 3]), Some([10.0; 3]));
        assert_eq!(x(&zeros, Zero::First, 1), None);
        zeros.report(both, None, true, Some([12.0; 3]), Some([12.0; 3]));
        assert_eq!((x(&zeros, Zero::First, 1), x(&zeros, Zero::Told, 1)), (Some(2.0), Some(0.0)));
        zeros.report(work, None, true, Some([13.0; 3]), Some([12.0; 3]));
        assert_eq!(x(&zeros, Zero::Told, 1), Some(1.0));
    }

    #[test]
    fn behind_the_end_of_a_program_another_zero_holds() {
        let mut zeros = Zeros::default();
        zeros.begin(Some([0.0; 3]), Some([0.0; 3]));
        assert_eq!((zeros.goes(b"M30"), zeros.sent), (0, 1));
        zeros.answered(&item("M30", 0));
        zeros.report(Told { machine: true, zero: true }, None, true, Some([5.0; 3]), Some([3.0; 3]));
        assert_eq!((x(&zeros, Zero::Told, 0), x(&zeros, Zero::Told, 1)), (Some(5.0), Some(2.0)));
    }
}
