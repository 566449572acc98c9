//! Firmwares that say what is wrong in words: Marlin and its kin, Smoothieware, RepRapFirmware, and Klipper's two signs.

use super::Text;
use crate::session::Protocol;

const fn text(part: &'static str, meaning: &'static str, advice: &'static str) -> Text {
    Text { part, meaning, advice }
}

/// Returns the texts of a firmware; the first that matches wins.
pub(super) fn of(protocol: Protocol) -> &'static [&'static [Text]] {
    match protocol {
        Protocol::Marlin => &[MARLIN],
        Protocol::Smoothie => &[SMOOTHIE],
        Protocol::RepRapFirmware => &[REPRAP, MARLIN],
        Protocol::Grbl | Protocol::GrblHal | Protocol::FluidNc => &[],
    }
}

/// Marlin 2.1 and those that keep its words. The special ones stand before the general.
const MARLIN: &[Text] = &[
    text(
        "thermal runaway",
        "a heater was on and its temperature went away from the target",
        "let it cool, check the sensor's seat and wires and the heater's, then switch off and on",
    ),
    text(
        "heating failed",
        "a heater was switched on and did not get warmer",
        "check the heater, its fuse and its wires",
    ),
    text(
        "mintemp",
        "a temperature reads below what is possible: its sensor or wire is broken",
        "check the sensor and its plug; a very cold room has the same effect",
    ),
    text(
        "maxtemp",
        "a temperature is above the limit: its sensor is shorted, or the heater stays on",
        "switch off, let it cool, check sensor and heater",
    ),
    text("max_temp", "a temperature is above the limit", "switch off, let it cool, check sensor and heater"),
    text(
        "endstop hit",
        "a switch was met where none should be",
        "check that the job lies on the bed and that the machine was homed",
    ),
    text("endstops hit", "a switch was met where none should be", "check that the job lies on the bed"),
    text(
        "homing failed",
        "homing did not find a switch",
        "check the switches and what they look like (M119), then home again",
    ),
    text("home xyz first", "the machine must be homed first", "home it with G28"),
    text("home x/y before z", "X and Y must be homed before Z", "home all with G28"),
    text(
        "probing failed",
        "the probe found nothing, or what it found did not agree",
        "clean nozzle and bed, check the probe",
    ),
    text(
        "cold extrusion",
        "the nozzle is too cold, and the filament was not fed",
        "heat it first (M109), or allow it with M302",
    ),
    text(
        "long extrusion prevented",
        "one move would feed more filament than allowed",
        "check that E is relative or absolute as the program thinks (M82, M83)",
    ),
    text(
        "line number is not last line number",
        "a line was lost on the wire or came twice",
        "nothing, the line is sent again; if it happens often, check cable and baud rate",
    ),
    text(
        "checksum mismatch",
        "a line came damaged over the wire",
        "nothing, the line is sent again; if it happens often, check the cable",
    ),
    text("no checksum", "a numbered line came without its checksum", "nothing, the line is sent again"),
    text(
        "no line number with checksum",
        "a line with a checksum came without its number",
        "nothing, the line is sent again",
    ),
    text(
        "unknown command",
        "the firmware does not know a command and left it out",
        "post the program for it: `shopctl post -m MACHINE`",
    ),
    text(
        "printer halted",
        "the controller stopped for good and hears nothing more",
        "find the message before it, mend the cause, then switch off and on",
    ),
    text(
        "kill() called",
        "the controller stopped for good and hears nothing more",
        "find the message before it, mend the cause, then switch off and on",
    ),
    text(
        "printer stopped due to errors",
        "it stopped because of an error and waits",
        "mend the cause, then M999",
    ),
    text("filament runout", "the filament is at its end", "load new filament and resume"),
    text(
        "busy: paused for user",
        "it waits for somebody at the machine",
        "press the button there, or send M108",
    ),
    text("busy: paused for input", "it waits for an answer at the machine", "answer there, or send M876"),
    text("busy: processing", "it is at work on a long command", "nothing, wait"),
    text(
        "external reset",
        "it was restarted by its button or by the port being opened",
        "home again before anything else",
    ),
    text("brownout reset", "it restarted because its supply sagged", "check the power supply and its load"),
    text(
        "watchdog reset",
        "it restarted because its program hung",
        "home again; if it comes back, update the firmware",
    ),
    text("power up", "it was switched on", "home it before anything else"),
    text(
        "eeprom version mismatch",
        "the stored settings are of another firmware version; defaults are in force",
        "set them again and store with M500",
    ),
    text(
        "eeprom crc mismatch",
        "the stored settings are damaged; defaults are in force",
        "set them again and store with M500",
    ),
];

/// Smoothieware.
const SMOOTHIE: &[Text] = &[
    text("!!", "the machine is halted and refuses everything", "find the cause, then M999 or $X, and home"),
    text("alarm lock", "the machine is locked", "home it, or unlock it with $X"),
    text("limit switch", "a limit switch was hit", "move off it, then M999 or $X, and home"),
    text("hard limit", "a limit switch was hit", "move off it, then M999 or $X, and home"),
    text("soft endstop", "a move would leave the travel", "check the work zero and the size of the job"),
    text("homing fail", "homing did not find a switch", "check the switches (M119)"),
    text("kill button", "the kill button was pressed", "release it, then M999 or $X, and home"),
    text(
        "thermal runaway",
        "a heater's temperature went away from its target",
        "let it cool, check sensor and heater",
    ),
    text("probe fail", "the probe found nothing on its way", "begin nearer to the work, or probe deeper"),
    text(
        "probe not triggered",
        "the probe found nothing on its way",
        "begin nearer to the work, or probe deeper",
    ),
    text(
        "unsupported command",
        "the firmware does not know the command",
        "post the program for it: `shopctl post -m MACHINE`",
    ),
    text(
        "ok - ignored",
        "the line was taken and not carried out",
        "the machine may be halted; see what it said before",
    ),
];

/// RepRapFirmware.
const REPRAP: &[Text] = &[
    text("insufficient axes homed", "an axis was to move that has not been homed", "home it with G28"),
    text("axes not homed", "an axis was to move that has not been homed", "home it with G28"),
    text(
        "outside machine limits",
        "a move would leave the travel",
        "check the work zero and the size of the job",
    ),
    text(
        "target position outside",
        "a move would leave the travel",
        "check the work zero and the size of the job",
    ),
    text("heater fault", "a heater did not behave", "let it cool, check sensor and heater, then M562"),
    text(
        "bad command",
        "the firmware could not read the line",
        "check the line; post the program for this firmware",
    ),
    text(
        "is not supported",
        "the firmware does not know the command",
        "post the program for it: `shopctl post -m MACHINE`",
    ),
    text("emergency stop", "it was stopped by M112", "find out why, then M999"),
];
