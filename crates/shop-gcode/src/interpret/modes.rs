//! What stays in force behind the last line of a program, for whoever goes on from there.

use super::state::{FeedMode, Motion, State};
use super::{Context, Run, Step, bgcode, visit_binary};
use shop_cam::canon::Position;

/// What a controller has in force when it has read a program, or the beginning of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// Where the tool is, canonical, mm.
    pub position: Position,
    /// The same place as the program's words name it, mm.
    pub named: Position,
    /// How far G92 moved these words, mm; zero where it is not in force.
    pub shift: Position,
    /// Millimetres per unit of the program: 1 (G21) or 25.4 (G20).
    pub unit_mm: f64,
    /// Words are places (G90) rather than distances (G91).
    pub absolute: bool,
    /// 17, 18 or 19.
    pub plane: u8,
    /// 93, 94 or 95.
    pub feed_mode: u8,
    /// F as it stands, mm/min when feeds are per minute.
    pub feed: f64,
    /// The motion that axis words alone ask for, where that is one of G0 to G3.
    pub motion: Option<u8>,
    /// The work coordinate system: 54 to 59; beyond it 591, 592, 593.
    pub system: u16,
    /// The program itself moved the origin of a system (G10).
    pub moved_origin: bool,
    /// Offset of the tool's tip that is in force, mm.
    pub tool_offset: Position,
    /// M3 or M4, as a number; nothing is M5.
    pub spindle: Option<u8>,
    /// S as it stands.
    pub s: f64,
    /// The tool in the spindle, or the extruder in use on a printer.
    pub tool: Option<u32>,
    /// M7.
    pub mist: bool,
    /// M8.
    pub flood: bool,
    /// Filament as the program counts it, mm.
    pub e: f64,
    /// E words are places (M82).
    pub e_absolute: bool,
}

impl Modes {
    fn of(state: &State) -> Modes {
        let shift = if state.shift_on { state.shift } else { [0.0; 3] };
        Modes {
            position: state.position,
            named: state.name(state.position),
            shift,
            unit_mm: state.unit,
            absolute: state.absolute,
            plane: [17, 18, 19][state.plane.min(2)],
            feed_mode: match state.feed_mode {
                FeedMode::Inverse => 93,
                FeedMode::PerMinute => 94,
                FeedMode::PerTurn => 95,
            },
            feed: state.feed,
            motion: match state.motion {
                Motion::Rapid => Some(0),
                Motion::Line => Some(1),
                Motion::Arc { counter_clockwise } => Some(2 + u8::from(counter_clockwise)),
                _ => None,
            },
            system: [54, 55, 56, 57, 58, 59, 591, 592, 593][state.system.min(8)],
            moved_origin: state.systems.iter().any(|s| *s != [0.0; 3]),
            tool_offset: state.tool_offset,
            spindle: state.tool_on().then_some(state.spindle),
            s: state.s,
            tool: state.tool,
            mist: state.mist,
            flood: state.flood,
            e: state.e.value(),
            e_absolute: state.e_absolute,
        }
    }
}

/// Interprets the beginning of a program and returns what is in force behind it, as [`super::visit`] would go on with.
/// Every step goes to `sink` with its 1-based line. Nothing for a binary program, which has no lines.
///
/// ```
/// use shop_cam::machine::{Dialect, MachineKind};
/// use shop_gcode::{modes, Context};
/// let context = Context::new(Dialect::Grbl, MachineKind::Router);
/// let modes = modes(b"G20 G91\nG1 X1 F10\nM3 S900\n", &context, |_, _| ()).unwrap();
/// assert_eq!((modes.unit_mm, modes.absolute, modes.motion), (25.4, false, Some(1)));
/// assert_eq!((modes.position[0], modes.feed, modes.spindle), (25.4, 254.0, Some(3)));
/// ```
pub fn modes(program: &[u8], context: &Context, sink: impl FnMut(Step, u32)) -> Option<Modes> {
    if program.starts_with(bgcode::MAGIC) {
        visit_binary(program, context, sink);
        return None;
    }
    let mut run = Run::new(program, context, sink);
    run.all();
    Some(Modes::of(&run.state))
}
