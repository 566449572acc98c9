//! G-code both ways.
//!
//! [`parse`] says what was written, [`interpret()`] what it means for one controller, [`post()`] writes canonical
//! commands as a controller likes them. The law that binds them, for every dialect:
//! `interpret(post(c)) ≈ c`, within the decimals that are written.

pub mod dialect;
mod expression;
mod interpret;
mod notes;
pub mod number;
pub mod parse;
mod post;

pub use interpret::{Context, Cutter, Step, interpret, visit};
pub use post::post;

/// A small router with GRBL, for the examples in this documentation and for tests.
#[doc(hidden)]
pub fn example_machine() -> shop_cam::machine::Machine {
    use shop_cam::Speed;
    use shop_cam::machine::{
        Axis, Controller, Cornering, Dialect, Machine, MachineKind, Post, Process, TorchControl,
    };
    let axis = |min, max| Axis { min, max, rapid: Speed::from_mm_per_min(5000.0), acceleration: 500.0 };
    Machine {
        name: "example".into(),
        title: "Example router".into(),
        kind: MachineKind::Router,
        source: String::new(),
        axes: [axis(0.0, 1000.0), axis(0.0, 1000.0), axis(-100.0, 100.0)],
        cornering: Cornering::JunctionDeviation { deviation: 0.01, buffer: 15 },
        work_zero: [0.0, 0.0],
        process: Process {
            safe_height: 5.0,
            retract_height: 1.0,
            kerf: 0.0,
            feed: Speed::from_mm_per_min(1000.0),
            plunge: Speed::from_mm_per_min(300.0),
            rpm: 10000.0,
            rpm_range: [1000.0, 24000.0],
            spin_up_s: 3.0,
            torch: TorchControl::Program,
            laser_dynamic: true,
            laser_full_s: 1000.0,
            air_assist: false,
            common_lines: false,
        },
        tools: Vec::new(),
        materials: Vec::new(),
        layers: Vec::new(),
        post: Post {
            dialect: Dialect::Grbl,
            decimals: 4,
            line_limit: 79,
            header: Vec::new(),
            footer: Vec::new(),
            ending: "nc".into(),
        },
        controller: Controller::default(),
    }
}
