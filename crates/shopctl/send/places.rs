//! Of which axes a place is known, line by line, and from which zero it counts.
//!
//! The interpreter gives every line a place, but some of them rest on guesses: only the machine knows where it touched
//! (G38), what it has stored (G28), where another work zero lies (G55). So a place is known axis by axis:
//!
//! | what the line says | its zero | where the axis is |
//! |---|---|---|
//! | G92, G10 L20 on an axis that stands at a known place | known | known |
//! | the same elsewhere; G10 L2, G43, G49, G55 | told by the controller | where it was |
//! | G38, G28, G30, homing | as it was | unknown |
//! | a place on the axis in G90 | as it was | known from that zero |
//! | a change of tools, a macro | told by the controller | unknown |
//!
//! Places that count from a zero which only the controller knows are compared where it tells it ([`Zero::Told`]); for
//! that they need the name that the program gives them, which is learnt where the program names one.

use super::facts::Facts;
use shop_cam::canon::Position;
use shop_controller::session::{Protocol, Reach, Way, Zero, wire};

/// Millimetres in an inch.
const INCH: f64 = 25.4;
/// Letters of the axes.
const AXES: [u8; 3] = *b"XYZ";

/// What is in force when the first line is read.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Where the tool is, canonical, mm.
    pub at: Position,
    /// The interpreter's places are those of the controller.
    pub placed: bool,
    /// G90.
    pub absolute: bool,
    /// Length of a unit, mm.
    pub unit_mm: f64,
    /// Work coordinate system in tenths (G54 is 540); 0 where that is not known.
    pub system: u16,
    /// A canned cycle (G81).
    pub cycle: bool,
    /// A tool's length is a matter of Z alone.
    pub length_in_z: bool,
}

impl Start {
    /// As the check takes for granted.
    pub fn usual(at: Position, placed: bool, protocol: Protocol) -> Start {
        let length_in_z = protocol == Protocol::Grbl;
        Start { at, placed, absolute: true, unit_mm: 1.0, system: 540, cycle: false, length_in_z }
    }
}

/// What is known of one axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// From where its place counts.
    at: Zero,
    /// Where the zero in force lies is known beforehand.
    zero: bool,
    /// What a place's name in force is less than the interpreter's, mm, where one was named since the zero was moved.
    name: Option<f64>,
}

impl Axis {
    /// The zero moved to where only the controller knows.
    fn moved(&mut self) {
        self.named_anew();
        self.zero = false;
    }

    /// Places have other names.
    fn named_anew(&mut self) {
        self.name = None;
        if self.at == Zero::Told {
            self.at = Zero::Unknown;
        }
    }
}

/// Follows a program.
#[derive(Clone, Debug)]
pub struct Places {
    start: Start,
    axes: [Axis; 3],
    absolute: bool,
    unit_mm: f64,
    system: u16,
    cycle: bool,
    /// G38 is in force: a place that is named is probed for.
    probing: bool,
    /// Where the interpreter has the tool.
    end: Position,
    /// Nothing is known any more: coordinates are turned or scaled.
    over: bool,
}

/// What the words of a line say.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    /// Values of X, Y and Z as written.
    axes: [Option<f64>; 3],
    probes: bool,
    homes: bool,
    machine: bool,
    shifts: bool,
    /// G10, its L and P.
    table: bool,
    l: Option<f64>,
    p: Option<f64>,
    length: bool,
    /// G28.1.
    stores: bool,
    selects: Option<u16>,
    /// G92.1 and its kin.
    unshifts: bool,
    stops: bool,
    anything: bool,
    turns: bool,
}

impl Said {
    /// Whether X, Y and Z are places to go to.
    fn names(&self) -> bool {
        !(self.shifts || self.table || self.length || self.stores)
    }
}

impl Places {
    /// Begins.
    pub fn new(start: Start) -> Places {
        let at = if start.placed { Zero::First } else { Zero::Unknown };
        let axis = Axis { at, zero: start.placed, name: start.placed.then_some(0.0) };
        Places {
            start,
            axes: [axis; 3],
            absolute: start.absolute,
            unit_mm: start.unit_mm,
            system: start.system,
            cycle: start.cycle,
            probing: false,
            end: start.at,
            over: false,
        }
    }

    /// Takes a line as it goes over the wire, and what the interpreter makes of it; returns where it goes, as far as that is
    /// known.
    pub fn line(&mut self, text: &[u8], facts: Option<&Facts>) -> Option<Reach> {
        let from = self.end;
        let rest = |at| (at, at, at, Way::Straight { from_mm: at });
        let (end_mm, low_mm, high_mm, way) = facts.map_or(rest(from), |f| (f.end, f.low, f.high, f.way));
        self.end = end_mm;
        let said = self.read(text);
        self.zeros(&said);
        let lost = said.anything || facts.is_some_and(|f| f.lost) && !said.probes;
        let all = said.axes == [None; 3];
        let before = self.axes;
        let mut reach = Reach { end_mm, low_mm, high_mm, way, zero: [Zero::Unknown; 3] };
        for i in 0..3 {
            let named = said.axes[i].filter(|_| said.names());
            self.go(i, &said, named, lost || said.homes && all);
            let (was, is) = (before[i].at, self.axes[i].at);
            if was == is {
                reach.zero[i] = is;
            }
        }
        if self.over {
            return None;
        }
        self.count_from_told(&mut reach);
        reach.is_known().then_some(reach)
    }

    /// Takes over what a line does to the zeros.
    fn zeros(&mut self, said: &Said) {
        self.over |= said.turns;
        let tools = said.table && !matches!(said.l, Some(2.0 | 20.0));
        if said.anything || said.unshifts || said.stops || tools {
            self.axes.iter_mut().for_each(Axis::moved);
        }
        if said.length {
            let first = if self.start.length_in_z { 2 } else { 0 };
            self.axes[first..].iter_mut().for_each(Axis::moved);
        }
        if let Some(system) = said.selects.filter(|system| *system != self.system) {
            self.system = system;
            self.axes.iter_mut().for_each(Axis::moved);
        }
        // G54 is the first, G59.1 the seventh.
        let number = if self.system > 590 { self.system - 584 } else { self.system.saturating_sub(530) / 10 };
        let here = said.p.is_none_or(|p| p == 0.0 || p == f64::from(number));
        for i in 0..3 {
            let axis = &mut self.axes[i];
            let sets = said.shifts || said.table && here && said.l == Some(20.0);
            match (said.axes[i], sets) {
                (Some(value), true) if axis.at == Zero::First => {
                    axis.zero = true;
                    axis.name = Some(self.end[i] - value * self.unit_mm);
                }
                (Some(_), true) => axis.moved(),
                // Another system's, or one whose number is not known: where that lies was not known before.
                (Some(_), false) if said.table && (here || self.system == 0) => axis.moved(),
                _ => {}
            }
        }
    }

    /// Moves an axis; `value` is what the line says of it, `lost` whether the line takes it where nobody knows.
    fn go(&mut self, i: usize, said: &Said, value: Option<f64>, lost: bool) {
        let axis = &mut self.axes[i];
        if lost || (said.probes || said.homes) && value.is_some() {
            axis.at = Zero::Unknown;
            return;
        }
        let Some(value) = value else { return };
        if said.machine {
            axis.at = if self.start.placed { Zero::First } else { Zero::Unknown };
            return;
        }
        if self.cycle && i == 2 {
            // It ends where it began, or at its R.
            if axis.at == Zero::First && !axis.zero {
                axis.at = Zero::Unknown;
            }
            return;
        }
        if self.absolute {
            axis.name = Some(self.end[i] - value * self.unit_mm);
            axis.at = if axis.zero { Zero::First } else { Zero::Told };
        }
    }

    /// Gives places the names that the program has for them, on the axes that count from a zero which the controller tells.
    fn count_from_told(&self, reach: &mut Reach) {
        for i in 0..3 {
            if reach.zero[i] != Zero::Told {
                continue;
            }
            let Some(name) = self.axes[i].name else {
                reach.zero[i] = Zero::Unknown;
                continue;
            };
            reach.end_mm[i] -= name;
            reach.low_mm[i] -= name;
            reach.high_mm[i] -= name;
            match &mut reach.way {
                Way::Straight { from_mm } => from_mm[i] -= name,
                Way::Round { from_mm, center_mm, .. } => {
                    from_mm[i] -= name;
                    if i < 2 {
                        center_mm[i] -= name;
                    }
                }
                Way::Somewhere => {}
            }
        }
    }

    /// Reads the words of a line, and takes its modes over.
    fn read(&mut self, text: &[u8]) -> Said {
        let mut said = Said::default();
        if let [b'$', rest @ ..] = text {
            said.anything = wire::may_move_zero(text) || matches!(rest, [b'J' | b'j', ..]);
            return said;
        }
        for word in wire::words(text) {
            let Some((letter, value)) = word else {
                // An expression: its value may rest on what only the controller knows.
                said.anything = true;
                break;
            };
            match letter {
                b'X' | b'Y' | b'Z' => said.axes[usize::from(letter - AXES[0])] = Some(value),
                b'L' => said.l = Some(value),
                b'P' => said.p = Some(value),
                b'G' => self.g(tenths(value), &mut said),
                b'M' => match tenths(value) {
                    // Whoever is asked for may set the zero by hand.
                    0 | 10 | 600 => said.stops = true,
                    60 | 610 | 980 | 990 | 6000 => said.anything = true,
                    _ => {}
                },
                _ => {}
            }
        }
        said.probes = self.probing && said.names() && !said.homes && !said.machine;
        said
    }

    fn g(&mut self, tenths: u16, said: &mut Said) {
        match tenths {
            0..=30 | 50..=52 | 330 | 800 => (self.cycle, self.probing) = (false, false),
            382..=389 => (self.cycle, self.probing) = (false, true),
            730..=760 | 810..=890 => (self.cycle, self.probing) = (true, false),
            900 => self.absolute = true,
            910 => self.absolute = false,
            200 => self.unit_mm = INCH,
            210 => self.unit_mm = 1.0,
            280 | 300 => said.homes = true,
            281 | 301 => said.stores = true,
            530 => said.machine = true,
            540..=593 => said.selects = Some(tenths),
            100 => said.table = true,
            920 => said.shifts = true,
            520 | 921..=923 => said.unshifts = true,
            430..=432 | 490 => said.length = true,
            650 | 660 => said.anything = true,
            // Diameters, polar coordinates, scales, turned systems.
            70 | 160 | 510 | 680 => said.turns = true,
            _ => {}
        }
    }
}

fn tenths(number: f64) -> u16 {
    // Out of range becomes a word that nobody knows.
    (number * 10.0).round().clamp(0.0, 60_000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::super::facts::Ahead;
    use super::*;
    use crate::program::Bytes;
    use shop_gcode::Context;
    use std::sync::Arc;

    /// For each line, from which zero its axes count, as letters, and where it ends as far as that is known.
    fn follow(program: &[&str]) -> Vec<(String, Position)> {
        let machine = shop_gcode::example_machine();
        let text = program.join("\n") + "\n";
        let bytes = Arc::new(Bytes::Read(text.into_bytes()));
        // The work zero of the controller is at 100 of each axis of the machine.
        let context = Context { machine_zero: Some([-100.0; 3]), ..Context::of(&machine) };
        let mut ahead = Ahead::start(&bytes, context, &machine).expect("a thread");
        let mut places = Places::new(Start::usual([0.0; 3], true, Protocol::GrblHal));
        let lines = program.iter().zip(1..).map(|(line, number)| {
            let facts = ahead.facts(number);
            let reach = places.line(line.replace(' ', "").as_bytes(), facts.as_ref());
            let Some(reach) = reach else { return ("???".to_owned(), [0.0; 3]) };
            let letter = |zero| match zero {
                Zero::First => '1',
                Zero::Told => 't',
                Zero::Unknown => '?',
            };
            let known = |i: usize| if reach.zero[i] == Zero::Unknown { 0.0 } else { reach.end_mm[i] };
            (reach.zero.map(letter).iter().collect(), std::array::from_fn(known))
        });
        lines.collect()
    }

    fn check(table: &[(&str, &str, Position)]) {
        let program: Vec<&str> = table.iter().map(|(line, ..)| *line).collect();
        for ((line, known, end), found) in table.iter().zip(follow(&program)) {
            let near = (0..3).all(|i| (end[i] - found.1[i]).abs() < 1e-9);
            assert!(*known == found.0 && near, "{line}: {found:?}");
        }
    }

    #[test]
    fn a_zero_that_the_program_moves_is_known() {
        check(&[
            ("G21 G90 G17", "111", [0.0; 3]),
            ("G1 X10 Y5 F500", "111", [10.0, 5.0, 0.0]),
            ("G61", "111", [10.0, 5.0, 0.0]),
            ("G92 X0", "111", [10.0, 5.0, 0.0]),
            ("G1 X3", "111", [13.0, 5.0, 0.0]),
            ("G91 G1 X1 Y1", "111", [14.0, 6.0, 0.0]),
            ("G10 L20 P1 Y100", "111", [14.0, 6.0, 0.0]),
            ("G90 X0 Y101", "111", [10.0, 7.0, 0.0]),
            ("G53 G0 X100 Z120", "111", [0.0, 7.0, 20.0]),
            ("G20 G1 X1", "111", [35.4, 7.0, 20.0]),
        ]);
    }

    #[test]
    fn behind_a_touch_heights_count_from_the_zero_that_is_told() {
        check(&[
            ("G21 G90 G0 X5", "111", [5.0, 0.0, 0.0]),
            ("G38.2 Z-20 F100", "11?", [5.0, 0.0, 0.0]),
            ("G4 P1", "11?", [5.0, 0.0, 0.0]),
            ("G92 Z0", "11?", [5.0, 0.0, 0.0]),
            ("G0 Z5", "11?", [5.0, 0.0, 0.0]),
            ("X7", "11t", [7.0, 0.0, 5.0]),
            ("G1 X8 Z1.5 F500", "11t", [8.0, 0.0, 1.5]),
            ("G2 X10 I1", "11t", [10.0, 0.0, 1.5]),
            ("G38.2 Z-20 F100", "11?", [10.0, 0.0, 0.0]),
            ("Z-21", "11?", [10.0, 0.0, 0.0]),
            ("G10 L20 P1 Z0", "11?", [10.0, 0.0, 0.0]),
            ("G0 Z3", "11?", [10.0, 0.0, 0.0]),
            ("G0 Z2", "11t", [10.0, 0.0, 2.0]),
        ]);
    }

    #[test]
    fn what_the_machine_has_stored_is_known_when_the_axis_was_named() {
        check(&[
            ("G21 G90 G0 X5 Y6 Z7", "111", [5.0, 6.0, 7.0]),
            ("G28 G91 Z0", "11?", [5.0, 6.0, 0.0]),
            ("G28 G91 X0 Y0", "???", [0.0; 3]),
            ("X1", "???", [0.0; 3]),
            ("G90 G0 X2", "???", [0.0; 3]),
            ("X3 Y4", "1??", [3.0, 0.0, 0.0]),
            ("Z1", "11?", [3.0, 4.0, 0.0]),
            ("G30", "???", [0.0; 3]),
            ("G53 G0 X100 Y100 Z100", "???", [0.0; 3]),
            ("G28.1", "111", [0.0; 3]),
        ]);
    }

    #[test]
    fn another_system_is_where_the_controller_says() {
        check(&[
            ("G21 G90 G0 X5 Y6 Z7", "111", [5.0, 6.0, 7.0]),
            ("G54", "111", [5.0, 6.0, 7.0]),
            ("G55 G0 X1", "?11", [0.0, 6.0, 7.0]),
            ("X2 Z9", "t1?", [2.0, 6.0, 0.0]),
            ("G91 Z1", "t1t", [2.0, 6.0, 10.0]),
            ("G90 G54", "?1?", [0.0, 6.0, 0.0]),
            ("G92 Y0", "?1?", [0.0, 6.0, 0.0]),
            ("X1 Y1 Z1", "?1?", [0.0, 7.0, 0.0]),
            ("X2", "t1t", [2.0, 7.0, 1.0]),
            ("G10 L2 P1 X5", "?1t", [0.0, 7.0, 1.0]),
            ("G10 L2 P2 X5", "?1t", [0.0, 7.0, 1.0]),
        ]);
    }

    #[test]
    fn tools_change_what_heights_mean_and_their_change_everything() {
        check(&[
            ("G21 G90 G0 X5 Z7", "111", [5.0, 0.0, 7.0]),
            ("G43.1 Z10", "111", [5.0, 0.0, 7.0]),
            ("G0 Z8", "11?", [5.0, 0.0, 0.0]),
            ("Z9", "11t", [5.0, 0.0, 9.0]),
            ("G49", "11?", [5.0, 0.0, 0.0]),
            ("M0", "11?", [5.0, 0.0, 0.0]),
            ("X6", "?1?", [0.0; 3]),
            ("T2 M6", "???", [0.0; 3]),
            ("G0 X1 Y1", "???", [0.0; 3]),
            ("X3", "tt?", [3.0, 1.0, 0.0]),
        ]);
    }

    #[test]
    fn arcs_in_other_planes_stay_within_their_circle_and_end_where_they_say() {
        let machine = shop_gcode::example_machine();
        let text = "G21 G90 G0 X5\nG18 G2 X15 Z0 I5 K0 F500\n";
        let bytes = Arc::new(Bytes::Read(text.as_bytes().to_vec()));
        let mut ahead = Ahead::start(&bytes, Context::of(&machine), &machine).expect("a thread");
        let mut places = Places::new(Start::usual([0.0; 3], true, Protocol::Grbl));
        for (line, number) in text.lines().zip(1..) {
            let facts = ahead.facts(number);
            let reach = places.line(line.replace(' ', "").as_bytes(), facts.as_ref()).expect("known");
            if number == 2 {
                assert_eq!((reach.end_mm, reach.way), ([15.0, 0.0, 0.0], Way::Somewhere));
                assert_eq!((reach.low_mm, reach.high_mm), ([5.0, 0.0, -5.0], [15.0, 0.0, 5.0]));
            }
        }
    }

    #[test]
    fn what_is_computed_is_not_known() {
        check(&[
            ("G21 G90 G0 X5 Z7", "111", [5.0, 0.0, 7.0]),
            ("G0 X[1+2]", "???", [0.0; 3]),
            ("G0 X1 Y1 Z1", "???", [0.0; 3]),
            ("G0 X2", "ttt", [2.0, 1.0, 1.0]),
            ("G68 R10", "???", [0.0; 3]),
            ("G0 X1 Y1 Z1", "???", [0.0; 3]),
            ("X2", "???", [0.0; 3]),
        ]);
    }
}
