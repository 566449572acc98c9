//! FluidNC: where it differs from GRBL 1.1.

use super::Code;

const fn code(number: u32, meaning: &'static str, advice: &'static str) -> Code {
    Code { number, meaning, advice }
}

pub(super) const ERRORS: &[Code] = &[
    code(5, "the setting or the command is switched off in the configuration", "check config.yaml"),
    code(6, "a step pulse is too short", "raise pulse_us under stepping"),
    code(18, "no axis has a homing cycle", "give the axes a cycle under homing in config.yaml"),
    code(19, "single axes cannot be homed", "home all with $H, or allow single axis homing"),
    code(38, "a value is above the largest allowed", "check the tool number or the word"),
    code(39, "the P word is too high", "give a smaller P"),
    code(40, "a control pin is active at start", "release the button or door, or check the pin's polarity"),
    code(60, "the file system could not be mounted", "check the card"),
    code(61, "the file could not be read", "check the name and the card"),
    code(62, "the folder could not be opened", "check the path and the card"),
    code(63, "there is no such folder", "check the path"),
    code(64, "the file is empty", "upload it again"),
    code(65, "there is no such file", "check the name"),
    code(66, "the file could not be opened", "check the name and the card"),
    code(67, "the file system is in use", "wait for the running job or upload to end"),
    code(68, "the folder could not be deleted", "empty it first"),
    code(69, "the file could not be deleted", "check that no job uses it"),
    code(70, "the file could not be renamed", "check both names"),
    code(80, "the number is out of the setting's range", "ask for its limits"),
    code(81, "the setting does not take that value", "ask for its values"),
    code(82, "the file could not be created", "check that there is room"),
    code(83, "the file system could not be formatted", "check the card"),
    code(90, "a message could not be sent", "check the notification settings"),
    code(100, "a setting could not be stored", "the flash may be full or worn"),
    code(101, "the settings store could not be examined", "the flash may be full or worn"),
    code(110, "the password is not right", "log in again"),
    code(111, "the end of a line came too early", "check the file"),
    code(112, "the end of a file came", "nothing is wrong by itself"),
    code(113, "a reset broke it off", "begin again"),
    code(114, "no data came", "nothing is wrong by itself"),
    code(120, "another channel is running a job", "wait for it to end, or stop it there"),
    code(130, "the jog was cancelled", "nothing is wrong by itself"),
    code(150, "a pin is written in a way nobody understands", "check the pin in config.yaml"),
    code(151, "the configuration cannot be changed to that while it runs", "check the name and value"),
    code(
        152,
        "the configuration is not valid and the machine cannot move",
        "read the start-up messages ($SS) and mend config.yaml",
    ),
    code(160, "the upload failed", "try again"),
    code(161, "the download failed", "try again"),
    code(162, "the setting can only be read", "change config.yaml instead"),
    code(170, "an expression divides by zero", "check the parameters it uses"),
    code(171, "an operation of an expression does not take that argument", "check the parameters it uses"),
    code(172, "an expression has no finite result", "check the parameters it uses"),
    code(173, "an expression has an operation it does not know", "check the expression in [ ]"),
    code(174, "an expression's argument is too large or too small", "check the parameters it uses"),
    code(175, "an expression cannot be read", "check its brackets"),
    code(176, "a flow statement is not known", "check the O word and its keyword"),
    code(177, "flow control works in files only", "run the program from the machine's own card"),
    code(178, "no memory is left for a flow statement", "shorten the file"),
    code(179, "flow statements are nested too deep", "nest fewer of them"),
];

pub(super) const ALARMS: &[Code] = &[
    code(10, "the spindle did not do as it was told", "check the drive, its wire and its settings"),
    code(11, "a limit or control pin is active at start", "release it, or check the pin's polarity"),
    code(
        12,
        "a switch serves both ends and homing cannot tell which is pressed",
        "move the machine off its ends by hand, then home",
    ),
    code(13, "a hard stop was asked for", "find out why, then reset and home"),
    code(14, "the machine has not been homed", "home it with $H"),
    code(15, "the controller has just started and waits", "home it with $H, or unlock it with $X"),
    code(16, "an input or output expander restarted", "check its supply, then reset and home"),
    code(17, "a line of a running file is wrong", "see the message before it, mend the file"),
    code(18, "a limit switch was hit while probing", "move off it and home"),
    code(19, "the lathe's spindle lost its synchronisation", "check the spindle sensor"),
];
