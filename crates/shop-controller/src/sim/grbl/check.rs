//! Whether the words of a line make sense together, in the order GRBL 1.1 asks, and what they come to.

use super::modal::{Distance, Modal, Motion, Units};
use super::words::{AxisCommand, Flow, NonModal, Words, bits, error, group};

/// What the machine knows when a line is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The state before the line.
    pub(super) before: &'a Modal,
    /// Where the last line ends, machine coordinates, mm.
    pub(super) position: [f64; 3],
    /// Zero of each coordinate system, mm.
    pub(super) systems: &'a [[f64; 3]],
    /// G92, mm.
    pub(super) offset: [f64; 3],
    /// Tool length along z, mm.
    pub(super) tool_length: f64,
    /// The places of G28 and G30.
    pub(super) homes: [[f64; 3]; 2],
}

/// What a line comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub(super) modal: Modal,
    /// What is done before it moves and takes no axis words: dwell, homes, G92.1.
    pub(super) first: Action,
    pub(super) action: Action,
    pub(super) flow: Flow,
    /// New length of the tool, where it changes.
    pub(super) tool_length: Option<f64>,
    pub(super) jog: bool,
}

/// What a line does besides changing the state.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    None,
    Dwell(f64),
    /// Coordinate system and its new zero.
    Coordinates(usize, [f64; 3]),
    Offset([f64; 3]),
    /// A way point, if axis words gave one, then home.
    GoHome(Option<[f64; 3]>, [f64; 3]),
    SetHome(usize),
    Line([f64; 3]),
    Arc {
        target: [f64; 3],
        centre: [f64; 2],
        radius: f64,
        clockwise: bool,
    },
    Probe([f64; 3]),
}

const AXIS_LETTERS: [u8; 3] = *b"XYZ";
const OFFSET_LETTERS: [u8; 3] = *b"IJK";

/// Judges a line.
pub(super) fn check(mut words: Words, context: &Context<'_>) -> Result<Order, u32> {
    let axis_words = words.given & bits(b"XYZ");
    if axis_words != 0 && words.axis_command == AxisCommand::None {
        words.axis_command = AxisCommand::Motion;
    }
    if words.has(b"N") && words.value(b'N') > 10_000_000.0 {
        return Err(error::LINE_NUMBER);
    }
    feed(&mut words, context.before)?;
    if words.has(b"S") {
        words.modal.rpm = words.value(b'S');
    }
    if words.has(b"T") {
        words.modal.tool = words.value(b'T') as u32;
    }
    let mut used = bits(b"N") | if words.jog { bits(b"F") } else { bits(b"FST") };
    if words.non_modal == NonModal::Dwell {
        if !words.has(b"P") {
            return Err(error::VALUE_MISSING);
        }
        used |= bits(b"P");
    }
    if words.modal.units == Units::Inches {
        for letter in AXIS_LETTERS {
            words.set(letter, words.value(letter) * 25.4);
        }
    }
    if words.tool_length == Some(true) && axis_words != bits(b"Z") {
        return Err(error::TOOL_AXIS);
    }
    let first = match words.non_modal {
        NonModal::Dwell => Action::Dwell(words.value(b'P')),
        NonModal::ResetOffset => Action::Offset([0.0; 3]),
        NonModal::SetHome0 => Action::SetHome(0),
        NonModal::SetHome1 => Action::SetHome(1),
        _ => Action::None,
    };
    let action = action(&mut words, context, &mut used)?;
    if words.axis_command != AxisCommand::None {
        used |= bits(b"XYZ");
    }
    if words.given & !used != 0 {
        return Err(error::UNUSED);
    }
    if words.jog {
        jog(&words)?;
    }
    let tool_length = match words.tool_length {
        Some(true) => Some(words.value(b'Z')),
        Some(false) => Some(0.0),
        None => None,
    };
    Ok(Order { modal: words.modal, first, action, flow: words.flow, tool_length, jog: words.jog })
}

fn feed(words: &mut Words, before: &Modal) -> Result<(), u32> {
    let inch = if words.modal.units == Units::Inches { 25.4 } else { 1.0 };
    if words.jog {
        if !words.has(b"F") {
            return Err(error::NO_FEED);
        }
        words.modal.feed = words.value(b'F') * inch;
    } else if words.modal.inverse_time {
        let moves = words.axis_command == AxisCommand::Motion
            && !matches!(words.modal.motion, Motion::None | Motion::Seek);
        if moves && !words.has(b"F") {
            return Err(error::NO_FEED);
        }
        words.modal.feed = if words.has(b"F") { words.value(b'F') } else { 0.0 };
    } else if words.has(b"F") {
        words.modal.feed = words.value(b'F') * inch;
    } else if before.inverse_time {
        words.modal.feed = 0.0; // what G93 meant is no feed
    }
    Ok(())
}

/// A jog takes G20, G21, G90, G91 and G53, and nothing else.
fn jog(words: &Words) -> Result<(), u32> {
    let allowed = group::DISTANCE | group::UNITS | group::NON_MODAL;
    let plain = matches!(words.non_modal, NonModal::None | NonModal::MachineCoordinates);
    if words.groups & !allowed != 0 || !plain { Err(error::JOG) } else { Ok(()) }
}

fn action(words: &mut Words, context: &Context<'_>, used: &mut u32) -> Result<Action, u32> {
    let given = words.given & bits(b"XYZ");
    match words.non_modal {
        NonModal::SetCoordinates => set_coordinates(words, context, used),
        NonModal::SetOffset => {
            if given == 0 {
                return Err(error::NO_AXIS_WORDS);
            }
            let zero = context.systems[words.modal.coordinates];
            Ok(Action::Offset(std::array::from_fn(|i| match word(words, AXIS_LETTERS[i]) {
                Some(value) => context.position[i] - zero[i] - value - context.length(i),
                None => context.offset[i],
            })))
        }
        NonModal::GoHome0 => Ok(go_home(words, context, 0)),
        NonModal::GoHome1 => Ok(go_home(words, context, 1)),
        _ => motion(words, context, used),
    }
}

impl Context<'_> {
    /// Returns how far the tool reaches along an axis.
    fn length(&self, axis: usize) -> f64 {
        if axis == 2 { self.tool_length } else { 0.0 }
    }
}

fn word(words: &Words, letter: u8) -> Option<f64> {
    words.has(&[letter]).then(|| words.value(letter))
}

fn set_coordinates(words: &Words, context: &Context<'_>, used: &mut u32) -> Result<Action, u32> {
    if !words.has(b"XYZ") {
        return Err(error::NO_AXIS_WORDS);
    }
    // One of the two is enough for it: P is the current system then, and L 0 is refused below.
    if !words.has(b"PL") {
        return Err(error::VALUE_MISSING);
    }
    *used |= bits(b"PL");
    let system = match words.value(b'P').trunc() as usize {
        0 => words.modal.coordinates,
        p if p <= context.systems.len() => p - 1,
        _ => return Err(error::COORDINATES),
    };
    let here = match words.value(b'L') as i64 {
        2 if words.has(b"R") => return Err(error::UNSUPPORTED), // rotation
        2 => false,
        20 => true,
        _ => return Err(error::UNSUPPORTED),
    };
    let zero = std::array::from_fn(|i| match word(words, AXIS_LETTERS[i]) {
        Some(value) if here => context.position[i] - context.offset[i] - context.length(i) - value,
        Some(value) => value,
        None => context.systems[system][i],
    });
    Ok(Action::Coordinates(system, zero))
}

fn go_home(words: &Words, context: &Context<'_>, which: usize) -> Action {
    let home = context.homes[which];
    if !words.has(b"XYZ") {
        return Action::GoHome(None, home);
    }
    let by_the_way = target(words, context);
    let home = std::array::from_fn(|i| if words.has(&[AXIS_LETTERS[i]]) { home[i] } else { by_the_way[i] });
    Action::GoHome(Some(by_the_way), home)
}

/// Returns where the axis words point, machine coordinates.
fn target(words: &Words, context: &Context<'_>) -> [f64; 3] {
    let zero = context.systems[words.modal.coordinates];
    std::array::from_fn(|i| match word(words, AXIS_LETTERS[i]) {
        None => context.position[i],
        Some(value) if words.non_modal == NonModal::MachineCoordinates => value,
        Some(value) if words.modal.distance == Distance::Absolute => {
            value + zero[i] + context.offset[i] + context.length(i)
        }
        Some(value) => value + context.position[i],
    })
}

fn motion(words: &mut Words, context: &Context<'_>, used: &mut u32) -> Result<Action, u32> {
    let mode = words.modal.motion;
    let moved = words.has(b"XYZ");
    if words.non_modal == NonModal::MachineCoordinates && !matches!(mode, Motion::Seek | Motion::Linear) {
        return Err(error::G53_MODE);
    }
    if mode == Motion::None {
        let theirs = moved && words.axis_command != AxisCommand::ToolLength;
        return if theirs { Err(error::AXIS_WORDS) } else { Ok(Action::None) };
    }
    if words.axis_command != AxisCommand::Motion {
        return if words.jog { Err(error::NO_AXIS_WORDS) } else { Ok(Action::None) };
    }
    if mode == Motion::Seek {
        return Ok(if moved { Action::Line(target(words, context)) } else { Action::None });
    }
    if words.modal.feed == 0.0 {
        return Err(error::NO_FEED);
    }
    let target = target(words, context);
    match mode {
        Motion::Linear => Ok(if moved { Action::Line(target) } else { Action::None }),
        Motion::Probe { .. } => {
            if !moved {
                return Err(error::NO_AXIS_WORDS);
            }
            if target == context.position {
                return Err(error::TARGET);
            }
            Ok(Action::Probe(target))
        }
        _ => arc(words, context.position, target, used),
    }
}

fn arc(words: &Words, from: [f64; 3], target: [f64; 3], used: &mut u32) -> Result<Action, u32> {
    let [a, b, _] = words.modal.plane.axes();
    let in_plane = [AXIS_LETTERS[a], AXIS_LETTERS[b]];
    if !words.has(b"XYZ") {
        return Err(error::NO_AXIS_WORDS);
    }
    if !words.has(&in_plane) {
        return Err(error::NOT_IN_PLANE);
    }
    let inch = if words.modal.units == Units::Inches { 25.4 } else { 1.0 };
    let clockwise = words.modal.motion == Motion::ArcCw;
    let (dx, dy) = (target[a] - from[a], target[b] - from[b]);
    let offset = if words.has(b"R") {
        *used |= bits(b"R");
        if target == from {
            return Err(error::TARGET);
        }
        by_radius(words.value(b'R') * inch, [dx, dy], clockwise)?
    } else {
        let letters = [OFFSET_LETTERS[a], OFFSET_LETTERS[b]];
        if !words.has(&letters) {
            return Err(error::NO_OFFSETS);
        }
        *used |= bits(b"IJK");
        let offset = letters.map(|l| words.value(l) * inch);
        let radius = offset[0].hypot(offset[1]);
        let end = (dx - offset[0]).hypot(dy - offset[1]);
        let apart = (end - radius).abs();
        // GRBL's tolerance: 5 µm always, and up to half a millimetre on large arcs, one part in a thousand.
        if apart > 0.005 && (apart > 0.5 || apart > 0.001 * radius) {
            return Err(error::TARGET);
        }
        offset
    };
    let centre = [from[a] + offset[0], from[b] + offset[1]];
    Ok(Action::Arc { target, centre, radius: offset[0].hypot(offset[1]), clockwise })
}

/// Returns the centre of an arc given by its radius, from its start. A negative radius means the longer way.
///
/// With the chord `d` and its half-way point, the centre lies `h = √(r² − d²/4)` to one side.
fn by_radius(radius: f64, d: [f64; 2], clockwise: bool) -> Result<[f64; 2], u32> {
    let chord = d[0].hypot(d[1]);
    let room = 4.0 * radius * radius - chord * chord;
    if room < 0.0 || chord == 0.0 {
        return Err(error::RADIUS);
    }
    let mut side = room.sqrt() / chord * if clockwise { -1.0 } else { 1.0 };
    if radius < 0.0 {
        side = -side;
    }
    Ok([0.5 * (d[0] - d[1] * side), 0.5 * (d[1] + d[0] * side)])
}

#[cfg(test)]
mod tests {
    use super::super::words::read;
    use super::*;

    fn order(line: &str) -> Result<Order, u32> {
        order_after(line, &Modal { feed: 100.0, ..Modal::default() })
    }

    fn order_after(line: &str, before: &Modal) -> Result<Order, u32> {
        let jog = line.starts_with("$J=");
        let line = line.trim_start_matches("$J=");
        let systems = [[0.0; 3], [10.0, 20.0, 30.0], [0.0; 3], [0.0; 3], [0.0; 3], [0.0; 3]];
        let context = Context {
            before,
            position: [1.0, 2.0, 3.0],
            systems: &systems,
            offset: [0.0; 3],
            tool_length: 0.0,
            homes: [[0.0; 3], [5.0, 5.0, 5.0]],
        };
        check(read(line.as_bytes(), before, jog, false)?, &context)
    }

    #[test]
    fn lines_are_refused_with_the_firmware_s_codes() {
        let table: &[(&str, u32)] = &[
            ("1X", 1),
            ("%", 1),
            ("GX1", 2),
            ("G1X1e3", 1), // the e is no capital letter here; the line editor would have made it one
            ("G1X1E3", 20),
            ("G1X1F-3", 4),
            ("O1000", 20),
            ("M6", 20),
            ("M7", 20),
            ("G5X1", 20),
            ("G90.1", 20),
            ("A1", 20),
            ("G0G1X1", 24),
            ("G20G21", 21),
            ("M3M5", 21),
            ("G17.1", 23),
            ("M3.5", 23),
            ("G28G1X1", 24),
            ("G1X1X2", 25),
            ("G92", 26),
            ("G2I1", 26),
            ("N10000001", 27),
            ("G4", 28),
            ("G10X0", 28),
            ("G10P1X0", 20),
            ("G10L2P9X0", 29),
            ("G53G2X1I1", 30),
            ("G80X1", 31),
            ("G2Z1I1", 32),
            ("G2X5Y5I1", 33),
            ("G38.2X1", 33),
            ("G2X9R1", 34),
            ("G2X5", 35),
            ("G1X1I3", 36),
            ("G1X1P3", 36),
            ("G43.1X3", 37),
            ("T256", 38),
            ("$J=X1", 22),
            ("$J=F100", 26),
            ("$J=X1F100M3", 16),
            ("$J=X1F100S3", 36),
            ("$J=G92X1F100", 16),
        ];
        for (line, code) in table {
            assert_eq!(order(line).map(|o| o.action), Err(*code), "{line}");
        }
        assert_eq!(order_after("G1X1", &Modal::default()), Err(22));
        assert_eq!(order_after("G93G1X1", &Modal { feed: 5.0, ..Modal::default() }), Err(22));
    }

    #[test]
    fn targets_follow_the_coordinate_system_and_the_mode() {
        let action = |line: &str| order(line).expect(line).action;
        assert_eq!(action("G1X5"), Action::Line([5.0, 2.0, 3.0]));
        assert_eq!(action("G55G1X5"), Action::Line([15.0, 2.0, 3.0]));
        assert_eq!(action("G55G53G1X5"), Action::Line([5.0, 2.0, 3.0]));
        assert_eq!(action("G91G1X5"), Action::Line([6.0, 2.0, 3.0]));
        assert_eq!(action("G20G1X1"), Action::Line([25.4, 2.0, 3.0]));
        assert_eq!(action("G28"), Action::GoHome(None, [0.0; 3]));
        assert_eq!(action("G91G30Z4"), Action::GoHome(Some([1.0, 2.0, 7.0]), [1.0, 2.0, 5.0]));
        assert_eq!(action("G10L20P2X0"), Action::Coordinates(1, [1.0, 20.0, 30.0]));
        assert_eq!(action("G10L2P0Y7"), Action::Coordinates(0, [0.0, 7.0, 0.0]));
        assert_eq!(action("G92X0"), Action::Offset([1.0, 0.0, 0.0]));
        assert_eq!(action("M3S1000"), Action::None);
        assert_eq!(order("G4P0.5").expect("a dwell").first, Action::Dwell(0.5));
    }

    #[test]
    fn an_arc_by_radius_has_the_centre_of_one_by_offsets() {
        let by = |line: &str| order(line).expect(line).action;
        assert_eq!(by("G2X3Y4R2"), by("G2X3Y4I2J0"));
        assert_eq!(by("G3X3Y4R2"), by("G3X3Y4I0J2"));
        assert_eq!(by("G2X3Y4R-2"), by("G2X3Y4I0J2"));
    }
}
