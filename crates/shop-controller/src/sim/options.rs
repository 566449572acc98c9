//! What a simulated machine is like: its wire, its pace, its settings, and what goes wrong with it.

use super::Fault;
use std::time::Duration;

/// The wire, the pace and the faults of a simulated machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Machine seconds per second: motion, dwells, homing and heating go that much faster. The wire does not.
    pub speed: f64,
    /// Bits per second of the wire, ten to a byte, both ways; 0 is a wire that takes no time.
    pub baud: u32,
    /// How long the adapter collects answers before it hands them on: 1 ms for most, 16 ms for an FTDI chip as delivered.
    pub latency: Duration,
    /// Settings that differ from the firmware's defaults: `$` number and value.
    pub settings: Vec<(u16, f64)>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Where the probe touches something, machine coordinates, mm; `None` is empty space.
    pub probe_z_mm: Option<f64>,
    /// How far the machine stands from its limit switches when power comes, mm per axis; homing crosses it.
    pub start_mm: [f64; 3],
    /// Marlin: `ok` tells line number and room (`ADVANCED_OK`).
    pub advanced_ok: bool,
    /// Marlin: M108, M112 and M410 act as they arrive (`EMERGENCY_PARSER`).
    pub emergency_parser: bool,
    /// Keeps every piece of motion in [`super::Record::moves`]; without it only their count, length and hash are kept.
    pub keep_moves: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            speed: 1.0,
            baud: 115_200,
            latency: Duration::ZERO,
            settings: Vec::new(),
            faults: Vec::new(),
            probe_z_mm: None,
            start_mm: [120.0, 80.0, 20.0],
            advanced_ok: false,
            emergency_parser: true,
            keep_moves: false,
        }
    }
}

impl Options {
    /// Returns the options of a machine as workshops have them: 5 m/min, 400 mm/s² and a metre of travel, where the
    /// firmware's defaults are those of a desk-top toy. It does not ask to be homed first, and a probe touches a plate 10 mm
    /// below where the machine stands when power comes. Its reports tell the room in its buffers.
    pub fn workshop() -> Options {
        let rates = [(110, 5000.0), (111, 5000.0), (112, 2000.0), (120, 400.0), (121, 400.0), (122, 200.0)];
        let travel = [(130, 1000.0), (131, 1000.0), (132, 150.0), (30, 24_000.0), (10, 3.0)];
        Options {
            settings: rates.into_iter().chain(travel).collect(),
            probe_z_mm: Some(-10.0),
            ..Options::default()
        }
    }
}
