//! The settings table `$$`: numbers, defaults of the firmware, what a write is refused for.

use super::words::error;
use crate::sim::motion::Limits;
use std::fmt::Write as _;

/// Axes of GRBL.
const AXES: usize = 3;

/// Settings and their defaults in GRBL 1.1 (its generic configuration), and with how many decimals they are reported.
const TABLE: &[(u16, f64, usize)] = &[
    (0, 10.0, 0),
    (1, 25.0, 0),
    (2, 0.0, 0),
    (3, 0.0, 0),
    (4, 0.0, 0),
    (5, 0.0, 0),
    (6, 0.0, 0),
    (10, 1.0, 0),
    (11, 0.010, 3),
    (12, 0.002, 3),
    (13, 0.0, 0),
    (20, 0.0, 0),
    (21, 0.0, 0),
    (22, 0.0, 0),
    (23, 0.0, 0),
    (24, 25.0, 3),
    (25, 500.0, 3),
    (26, 250.0, 0),
    (27, 1.0, 3),
    (30, 1000.0, 0),
    (31, 0.0, 0),
    (32, 0.0, 0),
    (100, 250.0, 3),
    (101, 250.0, 3),
    (102, 250.0, 3),
    (110, 500.0, 3),
    (111, 500.0, 3),
    (112, 500.0, 3),
    (120, 10.0, 3),
    (121, 10.0, 3),
    (122, 10.0, 3),
    (130, 200.0, 3),
    (131, 200.0, 3),
    (132, 200.0, 3),
];

/// The values in force.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings(Vec<f64>);

impl Default for Settings {
    fn default() -> Settings {
        Settings(TABLE.iter().map(|(_, value, _)| *value).collect())
    }
}

impl Settings {
    pub(super) fn get(&self, number: u16) -> f64 {
        TABLE.iter().position(|(n, ..)| *n == number).map_or(0.0, |i| self.0[i])
    }

    pub(super) fn is_on(&self, number: u16) -> bool {
        self.get(number) != 0.0
    }

    pub(super) fn axes(&self, first: u16) -> [f64; AXES] {
        std::array::from_fn(|i| self.get(first + i as u16))
    }

    /// Sets a value without asking, where there is such a setting.
    pub(super) fn put(&mut self, number: u16, value: f64) {
        if let Some(i) = TABLE.iter().position(|(n, ..)| *n == number) {
            self.0[i] = if TABLE[i].2 == 0 { value.trunc() } else { value };
        }
    }

    /// Sets a value as a line from outside asks for it.
    pub(super) fn write(&mut self, number: u16, value: f64) -> Result<(), u32> {
        if value < 0.0 {
            return Err(error::NEGATIVE);
        }
        if !TABLE.iter().any(|(n, ..)| *n == number) {
            return Err(error::STATEMENT);
        }
        match number {
            0 if value < 3.0 => return Err(error::PULSE),
            20 if value != 0.0 && !self.is_on(22) => return Err(error::SOFT_LIMITS_NEED_HOMING),
            // Soft limits mean nothing without a home.
            22 if value == 0.0 => self.put(20, 0.0),
            _ => {}
        }
        self.put(number, value);
        Ok(())
    }

    /// Returns the lines of `$$`.
    pub(super) fn report(&self) -> String {
        let mut out = String::new();
        for ((number, _, decimals), value) in TABLE.iter().zip(&self.0) {
            let _ = write!(out, "${number}={value:.decimals$}\r\n");
        }
        out
    }

    /// Returns what the planner needs of them.
    pub(super) fn limits(&self) -> Limits {
        let four = |v: [f64; AXES], by: f64| [v[0] / by, v[1] / by, v[2] / by, 0.0];
        Limits {
            steps_per_mm: four(self.axes(100), 1.0),
            rate: four(self.axes(110), 60.0),
            acceleration: four(self.axes(120), 1.0),
            junction_deviation_mm: self.get(11),
            slowest: 1.0 / 60.0, // MINIMUM_FEED_RATE of GRBL: 1 mm/min
        }
    }
}
