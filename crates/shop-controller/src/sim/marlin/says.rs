//! What Marlin says of itself.

use super::Marlin;
use std::fmt::Write as _;

/// What comes first after power.
pub(super) const BANNER: &str = "start\necho:Marlin bugfix-2.1.x\n\
    echo: Last Updated: 2026-01-01 | Author: (simulated)\necho: Free Memory: 5000  PlannerBufferBytes: 1200\n";

impl Marlin {
    /// Returns the temperatures as M105 says them.
    pub(super) fn temperatures(&self) -> String {
        let [nozzle, bed] = &self.heaters;
        format!(
            "T:{:.2} /{:.2} B:{:.2} /{:.2} @:{} B@:{}",
            nozzle.temperature_c,
            nozzle.target_c,
            bed.temperature_c,
            bed.target_c,
            if nozzle.target_c > nozzle.temperature_c { 127 } else { 0 },
            if bed.target_c > bed.temperature_c { 127 } else { 0 },
        )
    }

    /// Returns the answer to M114: planned, or where it is now.
    pub(super) fn position(&self, real: bool) -> String {
        let machine = if real { self.motion.position() } else { self.at };
        let place: [f64; 4] = std::array::from_fn(|i| machine[i] - self.shift[i]);
        let steps = self.motion.limits().steps_per_mm;
        let now = self.motion.position();
        let count = |i: usize| (now[i] * steps[i]).round() as i64;
        format!(
            "X:{:.2} Y:{:.2} Z:{:.2} E:{:.2} Count X:{} Y:{} Z:{}\n",
            place[0],
            place[1],
            place[2],
            place[3],
            count(0),
            count(1),
            count(2)
        )
    }

    /// Returns the answer to M115.
    pub(super) fn firmware(emergency_parser: bool) -> String {
        let mut out = String::from(
            "FIRMWARE_NAME:Marlin bugfix-2.1.x (simulated) SOURCE_CODE_URL:- PROTOCOL_VERSION:1.0 \
             MACHINE_TYPE:shopctl simulated machine EXTRUDER_COUNT:1 UUID:00000000-0000-0000-0000-000000000000\n",
        );
        for (name, on) in [
            ("SERIAL_XON_XOFF", false),
            ("EEPROM", true),
            ("VOLUMETRIC", true),
            ("AUTOREPORT_POS", false),
            ("AUTOREPORT_TEMP", true),
            ("PROGRESS", false),
            ("PRINT_JOB", true),
            ("AUTOLEVEL", false),
            ("RUNOUT", false),
            ("Z_PROBE", false),
            ("EMERGENCY_PARSER", emergency_parser),
            ("HOST_ACTION_COMMANDS", true),
            ("PROMPT_SUPPORT", true),
            ("SDCARD", false),
            ("THERMAL_PROTECTION", true),
            ("ARCS", true),
        ] {
            let _ = writeln!(out, "Cap:{name}:{}", u8::from(on));
        }
        out
    }

    /// Returns the answer to M503.
    pub(super) fn settings_report(&self) -> String {
        let limits = &self.settings.limits;
        let axes = |v: &[f64; 4]| {
            let words = "XYZE".chars().zip(v).map(|(letter, v)| format!("{letter}{v:.2}"));
            words.collect::<Vec<_>>().join(" ")
        };
        let [print, retract, travel] = self.settings.accelerations;
        let mut out = String::new();
        for (title, words) in [
            ("Linear Units", "G21".to_owned()),
            ("Steps per unit", format!("M92 {}", axes(&limits.steps_per_mm))),
            ("Max feedrates (units/s)", format!("M203 {}", axes(&limits.rate))),
            ("Max Acceleration (units/s2)", format!("M201 {}", axes(&limits.acceleration))),
            (
                "Acceleration (units/s2) (P<print-accel> R<retract-accel> T<travel-accel>)",
                format!("M204 P{print:.2} R{retract:.2} T{travel:.2}"),
            ),
            (
                "Advanced (B<min_segment_time_us> S<min_feedrate> T<min_travel_feedrate> J<junc_dev>)",
                format!("M205 B20000.00 S0.00 T0.00 J{:.3}", limits.junction_deviation_mm),
            ),
            ("Home offset", "M206 X0.00 Y0.00 Z0.00".to_owned()),
        ] {
            let _ = write!(out, "echo:; {title}:\necho: {words}\n");
        }
        out
    }
}
