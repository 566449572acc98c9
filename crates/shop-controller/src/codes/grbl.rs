//! GRBL 1.1: errors and alarms.

use super::Code;

const fn code(number: u32, meaning: &'static str, advice: &'static str) -> Code {
    Code { number, meaning, advice }
}

pub(super) const ERRORS: &[Code] = &[
    code(1, "a word does not begin with a letter", "look for a stray sign, a `%` or a checksum in the line"),
    code(
        2,
        "a letter has no number behind it, or not one that can be read",
        "write numbers as 12.5, without exponents",
    ),
    code(3, "there is no such `$` command", "see `$` for those there are"),
    code(4, "a value must not be negative", "feeds, speeds, tools, dwells and settings start at zero"),
    code(5, "homing is switched off", "set $22=1 if the machine has limit switches"),
    code(6, "a step pulse must be at least 3 µs long", "set $0 to 3 or more"),
    code(
        7,
        "settings could not be read from memory; defaults were put in their place",
        "compare with a backup: `shopctl machine diff`",
    ),
    code(8, "a `$` command needs the machine at rest", "wait until it is idle, or reset it"),
    code(
        9,
        "the machine is locked by an alarm, or jogging",
        "home it with $H, or unlock it with $X if its position is right",
    ),
    code(10, "soft limits need homing", "switch homing on ($22=1) before soft limits ($20=1)"),
    code(
        11,
        "the line is longer than the controller reads (80 characters)",
        "split the line; `shopctl post` keeps to the limit",
    ),
    code(
        12,
        "so many steps a second are beyond the controller",
        "lower the steps per mm ($100 to $102) or the rates ($110 to $112)",
    ),
    code(13, "the safety door is open", "close it, then resume"),
    code(14, "the line is too long to be kept", "shorten the start-up line or the build note"),
    code(15, "the jog would leave the travel", "jog less far, or home first if the position is wrong"),
    code(16, "a jog has a word that jogs may not have", "give only G20, G21, G90, G91, G53, axes and F"),
    code(
        17,
        "laser mode needs a spindle output with PWM",
        "set $32=0, or build the firmware with a variable spindle",
    ),
    code(
        20,
        "the line has a command this controller does not know",
        "post the program for it: `shopctl post -m MACHINE`",
    ),
    code(21, "two commands of one modal group stand in a line", "put one of them on a line of its own"),
    code(22, "no feed was given yet", "put an F word on the first cutting move, or on the line in G93"),
    code(23, "a G or M number must be whole", "check the decimals of the command"),
    code(24, "two commands of the line want the same axis words", "put one of them on a line of its own"),
    code(25, "a letter stands twice in the line", "give each letter once"),
    code(26, "the command needs axis words and has none", "add X, Y or Z"),
    code(27, "the line number is beyond 10,000,000", "leave the N words out"),
    code(28, "a value is missing", "G4 needs P, G10 needs P and L"),
    code(29, "there is no such coordinate system", "use G54 to G59, or P1 to P6"),
    code(30, "G53 goes with G0 and G1 only", "name G0 or G1 on the line"),
    code(31, "axis words stand where nothing uses them", "G80 is in force; name a motion command"),
    code(32, "the arc has no axis word of its plane", "give its end in the plane, and check G17, G18, G19"),
    code(
        33,
        "the move has no valid target",
        "an arc's end must lie on its circle, a probe must go somewhere; more decimals help",
    ),
    code(34, "the radius is too small for the arc", "check R, or give the centre with I and J"),
    code(35, "the arc has neither R nor a centre in its plane", "give I, J or K of the plane, or R"),
    code(36, "the line has words that nothing uses", "leave them out"),
    code(37, "the tool length offset belongs to another axis", "give G43.1 a Z word and no other"),
    code(38, "the tool number is too high", "use tools up to 255"),
];

pub(super) const ALARMS: &[Code] = &[
    code(
        1,
        "a limit switch was hit; the machine stopped at once and its position is lost",
        "reset, unlock, move off the switch by hand or jog, then home",
    ),
    code(
        2,
        "a move would leave the travel; the machine stopped and its position is kept",
        "reset and unlock, then check the work zero and the size of the job",
    ),
    code(3, "a reset came while it moved; steps may be lost", "home again before anything else"),
    code(4, "the probe was not in the state it must begin in", "lift the probe off, or check its wire"),
    code(5, "the probe found nothing on its way", "begin nearer to the work, or probe deeper"),
    code(6, "homing was broken off by a reset", "home again"),
    code(7, "homing was broken off by the safety door", "close the door and home again"),
    code(8, "homing did not get off the switch", "raise the pull-off ($27), or check the switch's wire"),
    code(
        9,
        "homing did not find a switch",
        "check switches and direction ($23), and that the travel ($130 to $132) is as long as the machine",
    ),
    code(
        10,
        "the second switch of a two-motor axis was not found",
        "check both switches and that the axis is square",
    ),
];
