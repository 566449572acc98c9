//! What a line of a controller means, whatever firmware said it.
//!
//! The families hardly overlap (`error:20` is GRBL's, `Error:` Marlin's), so one reader serves all, and the session may
//! listen before it knows who talks. Sources: GRBL 1.1 `report.c`, Marlin 2.1 `queue.cpp` and `serial.h`, RepRap wiki
//! "G-code: replies", Smoothieware `GcodeDispatch`.

/// One line, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard<'a> {
    /// A line was taken.
    Ok(Taken),
    /// A line was refused: the number, the firmware's words.
    Error(Option<u32>, &'a str),
    /// Locked.
    Alarm(Option<u32>, &'a str),
    /// The firmware began anew.
    Banner(&'a str),
    /// `<...>`, without the brackets.
    Report(&'a str),
    /// `$110=500.000`.
    Setting(&'a str, &'a str),
    /// Answer to `$G`: everything sent before it has been read.
    Modal,
    /// `[VER:...]`, without the brackets.
    Version(&'a str),
    /// `[OPT:...]`, without brackets and name.
    Build(&'a str),
    /// `FIRMWARE_NAME:...`, answer to M115.
    Firmware(&'a str),
    /// `Cap:...`, without the name.
    Capability(&'a str),
    /// `Resend: n`.
    Resend(i64),
    /// Says why a `Resend` follows.
    Mismatch(&'a str),
    /// Alive, and not done yet; the reason.
    Busy(&'a str),
    /// Temperatures; `true` while the machine waits for them.
    Temperatures(&'a str, bool),
    /// `X:.. Y:.. Z:..`, answer to M114.
    Place(&'a str),
    /// `//action:...`, without the name.
    Action(&'a str),
    /// It has stopped for good.
    Halted(&'a str),
    /// A word that it does not know, and left out.
    Unknown(&'a str),
    /// Repetier says that it has nothing to do.
    Wait,
    /// Anything else.
    Message(&'a str),
}

/// What comes with an `ok`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Number of the line that was taken (`N12`).
    pub line: Option<i64>,
    /// Free places in the queue of commands (`B3`).
    pub queue: Option<u32>,
    /// Whether temperatures follow: the answer to M105 and to nothing else.
    pub temperatures: bool,
    /// Whether a place follows: Smoothieware's answer to M114.
    pub place: bool,
}

/// Returns what `line` means.
pub(crate) fn hear(line: &str) -> Heard<'_> {
    if line == "ok" {
        return Heard::Ok(Taken::default());
    }
    let text = line.trim();
    match text.as_bytes() {
        [b'o', b'k'] => Heard::Ok(Taken::default()),
        [b'o', b'k', b' ' | b'\t', ..] => Heard::Ok(taken(&text[3..])),
        [b'<', .., b'>'] => Heard::Report(&text[1..text.len() - 1]),
        [b'[', .., b']'] => bracketed(text),
        [b'$', ..] => setting(text),
        [b'/', b'/', ..] => slashes(text),
        [b'!', b'!', ..] => Heard::Halted(text),
        _ => worded(text),
    }
}

fn taken(rest: &str) -> Taken {
    let mut taken = Taken::default();
    for word in rest.split_ascii_whitespace() {
        let (letter, number) = word.split_at(usize::from(word.is_char_boundary(1)));
        match letter {
            "N" => taken.line = number.parse().ok(),
            "B" if !number.starts_with(':') => taken.queue = number.parse().ok(),
            "T" | "B" => taken.temperatures |= number.contains(':'),
            "X" => taken.place |= number.starts_with(':'),
            _ => {}
        }
    }
    taken
}

fn bracketed(text: &str) -> Heard<'_> {
    let inner = &text[1..text.len() - 1];
    match inner.split_once(':') {
        Some(("GC", _)) => Heard::Modal,
        Some(("VER", _)) => Heard::Version(inner),
        Some(("OPT", rest)) => Heard::Build(rest),
        // grblHAL: `[FIRMWARE:grblHAL]`.
        Some(("FIRMWARE", _)) => Heard::Firmware(inner),
        // GRBL 0.9 says `[0.9j.20160303:]` and `[G0 G54 G17 G21 G90 G94 M0 M5 M9 T0 F0. S0.]`.
        Some((version, _)) if version.starts_with("0.") => Heard::Version(inner),
        None if inner.starts_with('G') && inner.contains(' ') => Heard::Modal,
        _ => Heard::Message(text),
    }
}

fn setting(text: &str) -> Heard<'_> {
    match text.split_once('=') {
        Some((name, value)) if name.len() > 1 && !name.contains(' ') => {
            // GRBL can explain its settings: `$0=10 (step pulse, usec)`. Startup blocks (`$N0=`) keep their blanks.
            let value = if name.starts_with("$N") {
                value
            } else {
                value.split(" (").next().unwrap_or(value).trim_end()
            };
            Heard::Setting(name, value)
        }
        _ => Heard::Message(text),
    }
}

fn slashes(text: &str) -> Heard<'_> {
    match text[2..].trim_start().strip_prefix("action:") {
        Some(action) => Heard::Action(action.trim()),
        None => Heard::Message(text),
    }
}

fn worded(text: &str) -> Heard<'_> {
    if let Some(rest) = text.strip_prefix("error:") {
        return Heard::Error(number(rest), text);
    }
    if let Some(rest) = text.strip_prefix("ALARM:") {
        return Heard::Alarm(number(rest), text);
    }
    if let Some(number) = resend(text) {
        return Heard::Resend(number);
    }
    if let Some(rest) = text.strip_prefix("Error:") {
        return marlin_error(text, rest);
    }
    if let Some(rest) = text.strip_prefix("echo:") {
        return echo(text, rest.trim_start());
    }
    if let Some(rest) = text.strip_prefix("busy:") {
        return Heard::Busy(rest.trim());
    }
    if let Some(rest) = text.strip_prefix("Cap:") {
        return Heard::Capability(rest);
    }
    if text.starts_with("FIRMWARE_NAME") {
        return Heard::Firmware(text);
    }
    if is_banner(text) {
        return Heard::Banner(text);
    }
    if text == "wait" {
        return Heard::Wait;
    }
    if text.starts_with("X:") && text.contains("Y:") {
        return Heard::Place(text);
    }
    if ["T:", "T0:", "B:", "TargetExtr", "TargetBed"].iter().any(|start| text.starts_with(start)) {
        return Heard::Temperatures(text, text.contains(" W:") || text.contains(" E:"));
    }
    if text.starts_with("fatal:") || text.starts_with("KILLED") {
        return Heard::Halted(text);
    }
    Heard::Message(text)
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

/// Returns the line that is asked for: `Resend: 12`, `Resend:N12`, `resend 12`, `rs 12`, `rs N12`.
fn resend(text: &str) -> Option<i64> {
    let rest = ["Resend", "resend", "rs"].iter().find_map(|start| text.strip_prefix(start))?;
    let rest = rest.strip_prefix([':', ' '])?.trim_start().trim_start_matches(['N', ':']).trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn marlin_error<'a>(text: &'a str, rest: &'a str) -> Heard<'a> {
    let lower = rest.to_ascii_lowercase();
    let about_numbers = ["last line", "checksum", "line number"];
    if about_numbers.iter().any(|words| lower.contains(words)) {
        return Heard::Mismatch(text);
    }
    let final_words = ["halted", "kill", "runaway", "maxtemp", "mintemp", "heating failed", "system stopped"];
    if final_words.iter().any(|words| lower.contains(words)) {
        return Heard::Halted(text);
    }
    Heard::Error(None, text)
}

fn echo<'a>(text: &'a str, rest: &'a str) -> Heard<'a> {
    if let Some(why) = rest.strip_prefix("busy:") {
        return Heard::Busy(why.trim());
    }
    if rest.starts_with("Unknown command") || rest.starts_with("Unknown code") {
        return Heard::Unknown(text);
    }
    // Marlin lists its settings as the commands that would make them: `echo:  M92 X80.00 Y80.00`.
    if let Some((name, value)) = rest.split_once(' ')
        && name.len() > 1
        && name.starts_with(['M', 'G'])
        && name[1..].bytes().all(|b| b.is_ascii_digit())
    {
        return Heard::Setting(name, value.split(';').next().unwrap_or(value).trim());
    }
    Heard::Message(text)
}

/// Returns whether a firmware greets: GRBL and its kin with the name, Marlin with `start`, Smoothieware with its name.
fn is_banner(text: &str) -> bool {
    // A line that was cut by the reset, or the noise of one, may stand in front.
    let text = text.rfind("Grbl ").map_or(text, |at| &text[at..]);
    let text = text.trim_start_matches(|c: char| c.is_control() || c == '\u{fffd}');
    let grbl = text.starts_with("Grbl ") || text.starts_with("GrblHAL ") || text.starts_with("grblHAL ");
    grbl && text.contains('[') || matches!(text, "start" | "Start" | "Smoothie" | "Smoothie Running @")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_an_ok_is_an_ok() {
        for line in
            ["o\0", "okay", "oko", "k", "OK", "echo:ok", "[MSG:ok]", ">G21:ok", "T:20 ok", "//ok", "ok\0"]
        {
            assert!(!matches!(hear(line), Heard::Ok(_)), "{line:?}");
        }
        for line in
            ["ok", "ok ", "ok T:21.3 /0.0 B:20 /0", "ok N12 P15 B3", "ok - ignored", "ok C: X:0 Y:0 Z:0"]
        {
            assert!(matches!(hear(line), Heard::Ok(_)), "{line:?}");
        }
    }

    #[test]
    fn an_ok_may_say_more() {
        let full = Taken { line: Some(12), queue: Some(3), ..Taken::default() };
        assert_eq!(hear("ok N12 P15 B3"), Heard::Ok(full));
        assert_eq!(
            hear("ok T:21.30 /0.00 B:20.1 /0.00 @:0"),
            Heard::Ok(Taken { temperatures: true, ..Taken::default() })
        );
        assert_eq!(
            hear("ok C: X:1.0 Y:0.0 Z:0.0 E:0.0"),
            Heard::Ok(Taken { place: true, ..Taken::default() })
        );
    }

    #[test]
    fn every_way_to_ask_for_a_line_again() {
        for line in ["Resend: 12", "Resend:12", "Resend:N12", "Resend: N12", "rs 12", "rs N12", "resend 12"] {
            assert_eq!(hear(line), Heard::Resend(12), "{line}");
        }
        assert_eq!(hear("Resend: -1"), Heard::Resend(-1));
        assert_eq!(hear("rsx"), Heard::Message("rsx"));
    }

    #[test]
    fn what_the_firmwares_say() {
        let table = [
            ("error:20", Heard::Error(Some(20), "error:20")),
            ("error:Expected command letter", Heard::Error(None, "error:Expected command letter")),
            ("ALARM:1", Heard::Alarm(Some(1), "ALARM:1")),
            ("<Idle|MPos:0,0,0>", Heard::Report("Idle|MPos:0,0,0")),
            ("[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]", Heard::Modal),
            ("[G0 G54 G17 G21 G90 G94 M0 M5 M9 T0 F0. S0.]", Heard::Modal),
            ("[G54:0.000,0.000,0.000]", Heard::Message("[G54:0.000,0.000,0.000]")),
            ("[OPT:V,15,128]", Heard::Build("V,15,128")),
            ("$110=500.000", Heard::Setting("$110", "500.000")),
            ("$0=10 (step pulse, usec)", Heard::Setting("$0", "10")),
            ("$N0=G54 G20", Heard::Setting("$N0", "G54 G20")),
            ("Grbl 1.1h ['$' for help]", Heard::Banner("Grbl 1.1h ['$' for help]")),
            ("start", Heard::Banner("start")),
            ("echo:busy: processing", Heard::Busy("processing")),
            ("echo:Unknown command: \"G999\"", Heard::Unknown("echo:Unknown command: \"G999\"")),
            (" T:20 /0 B:20 /0 @:0", Heard::Temperatures("T:20 /0 B:20 /0 @:0", false)),
            ("T:20 /200 W:?", Heard::Temperatures("T:20 /200 W:?", true)),
            ("//action:pause", Heard::Action("pause")),
            ("// Klipper state: Ready", Heard::Message("// Klipper state: Ready")),
            ("Error:Printer halted. kill() called!", Heard::Halted("Error:Printer halted. kill() called!")),
            (
                "Error:checksum mismatch, Last Line: 3",
                Heard::Mismatch("Error:checksum mismatch, Last Line: 3"),
            ),
            ("wait", Heard::Wait),
            ("X:1.00 Y:2.00 Z:3.00 E:0.00 Count X:80 Y:160 Z:1200", {
                Heard::Place("X:1.00 Y:2.00 Z:3.00 E:0.00 Count X:80 Y:160 Z:1200")
            }),
        ];
        for (line, meaning) in table {
            assert_eq!(hear(line), meaning, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,40}") {
            let _ = hear(&text);
        }

        #[test]
        fn nor_is_one_that_begins_well(
            start in prop::sample::select(&["ok ", "<", "[", "$", "//", "rs ", "Resend: ", "error:", "Error:", "echo:"][..]),
            text in "\\PC{0,20}",
        ) {
            let _ = hear(&format!("{start}{text}"));
        }
    }
}
