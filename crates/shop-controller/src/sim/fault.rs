//! What can go wrong, by the names that test batteries use: `drop-ok:150` loses the answer to the 150th line.

use std::str::FromStr;
use std::time::Duration;

/// One thing that goes wrong once (or, where it says so, always).
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The line that sets it off, from 1: received lines on GRBL, commands taken on Marlin; for [`What::LoseByte`] and
    /// [`What::FlipByte`] the byte received.
    pub at: u64,
    /// What happens.
    pub what: What,
}

/// Kinds of faults.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// `drop-ok:K`: the answer is lost.
    LoseAnswer,
    /// `dup-ok:K`: it comes twice.
    DoubleAnswer,
    /// `garble-ok:K`: its second byte comes as a zero.
    GarbleAnswer,
    /// `split-ok:K:MS`: the wire pauses after its first byte.
    SplitAnswer(Duration),
    /// `delay-ok:K:MS`: it comes late, and no line is read meanwhile.
    DelayAnswer(Duration),
    /// `noise:K:TEXT`: a line nobody asked for comes first.
    Noise(String),
    /// `error:K:E`: the line is refused.
    Error(u32),
    /// `alarm:K:A`: an alarm locks the machine.
    Alarm(u32),
    /// `probefail:K`: as an alarm 5.
    ProbeFail,
    /// `reset:K`: the processor starts again.
    Reset,
    /// `disconnect:K:MS`: the port is gone for that long.
    Disconnect(Duration),
    /// `hang:K`: no line is answered any more; realtime bytes still act.
    Hang,
    /// `dead:K`: nothing is heard or answered any more.
    Dead,
    /// `stall:K:MS`: no line is read for that long.
    Stall(Duration),
    /// `door:K[:MS]`: the safety door opens; it closes after that long, or never.
    Door(Option<Duration>),
    /// `hold:K`: somebody presses the machine's own feed hold button.
    Hold,
    /// `drop-rx:N`: a byte is lost on its way in.
    LoseByte,
    /// `flip-rx:N[:BIT]`: a bit of it is turned, bit 1 if none is named.
    FlipByte(u8),
    /// `resend:K`: Marlin asks again for line number K.
    Resend,
    /// `storm:K:M`: that many times.
    Storm(u32),
    /// `noise-pct:P`: that percentage of all lines comes damaged.
    NoisePercent(f64),
    /// `busy:K:MS`: a command takes that long, and Marlin says that it is busy.
    Busy(Duration),
    /// `temps:K:MS`: temperatures are reported unasked from then on.
    Temperatures(Duration),
    /// `kill:K`: `Printer halted. kill() called!`
    Kill,
    /// `runaway:K`: a heater runs away, then the same.
    Runaway,
    /// `action:K:TEXT`: `//action:TEXT`
    Action(String),
    /// `wait`: an idle machine says so each second (Repetier).
    Wait,
}

impl What {
    /// Returns whether it concerns the answer to a line, rather than the line.
    pub(super) fn is_of_the_answer(&self) -> bool {
        matches!(
            self,
            What::LoseAnswer
                | What::DoubleAnswer
                | What::GarbleAnswer
                | What::SplitAnswer(_)
                | What::DelayAnswer(_)
                | What::Noise(_)
        )
    }

    /// Returns whether it concerns one byte on its way in.
    pub(super) fn is_of_a_byte(&self) -> bool {
        matches!(self, What::LoseByte | What::FlipByte(_))
    }
}

/// A fault nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault; known are names like drop-ok:150, delay-ok:150:3000, error:150:20, noise-pct:3, wait"
)]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Fault, UnknownFault> {
        parse(text).ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    if name == "wait" {
        return rest.is_empty().then_some(Fault { at: 0, what: What::Wait });
    }
    if name == "noise-pct" {
        let percent = rest.parse().ok().filter(|p| (0.0..=100.0).contains(p))?;
        return Some(Fault { at: 0, what: What::NoisePercent(percent) });
    }
    let (at, argument) = rest.split_once(':').map_or((rest, None), |(at, a)| (at, Some(a)));
    let at = at.parse().ok()?;
    let what = match (name, argument) {
        ("drop-ok", None) => What::LoseAnswer,
        ("dup-ok", None) => What::DoubleAnswer,
        ("garble-ok", None) => What::GarbleAnswer,
        ("split-ok", Some(a)) => What::SplitAnswer(milliseconds(a)?),
        ("delay-ok", Some(a)) => What::DelayAnswer(milliseconds(a)?),
        ("noise", Some(a)) => What::Noise(a.to_owned()),
        ("error", Some(a)) => What::Error(a.parse().ok()?),
        ("alarm", Some(a)) => What::Alarm(a.parse().ok()?),
        ("probefail", None) => What::ProbeFail,
        ("reset", None) => What::Reset,
        ("disconnect", Some(a)) => What::Disconnect(milliseconds(a)?),
        ("hang", None) => What::Hang,
        ("dead", None) => What::Dead,
        ("stall", Some(a)) => What::Stall(milliseconds(a)?),
        ("door", None) => What::Door(None),
        ("door", Some(a)) => What::Door(Some(milliseconds(a)?)),
        ("hold", None) => What::Hold,
        ("drop-rx", None) => What::LoseByte,
        ("flip-rx", None) => What::FlipByte(1),
        ("flip-rx", Some(a)) => What::FlipByte(a.parse().ok().filter(|bit| *bit < 8)?),
        ("resend", None) => What::Resend,
        ("storm", Some(a)) => What::Storm(a.parse().ok()?),
        ("busy", Some(a)) => What::Busy(milliseconds(a)?),
        ("temps", Some(a)) => What::Temperatures(milliseconds(a)?),
        ("kill", None) => What::Kill,
        ("runaway", None) => What::Runaway,
        ("action", Some(a)) => What::Action(a.to_owned()),
        _ => return None,
    };
    Some(Fault { at, what })
}

fn milliseconds(text: &str) -> Option<Duration> {
    let ms: f64 = text.parse().ok()?;
    (0.0..1e9).contains(&ms).then(|| Duration::from_secs_f64(ms / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_battery_are_read() {
        for name in [
            "drop-ok:150",
            "dup-ok:150",
            "garble-ok:150",
            "split-ok:150:30",
            "delay-ok:150:3000",
            "error:150:20",
            "alarm:150:1",
            "reset:150",
            "noise:150:[MSG:hello]",
            "drop-rx:2000",
            "flip-rx:2000",
            "flip-rx:2000:7",
            "disconnect:150:800",
            "hang:150",
            "dead:150",
            "stall:150:2000",
            "door:150:1500",
            "door:9",
            "hold:150",
            "resend:100",
            "storm:100:6",
            "noise-pct:3",
            "busy:100:9000",
            "temps:1:200",
            "kill:100",
            "runaway:100",
            "action:100:pause",
            "probefail:3",
            "wait",
        ] {
            assert!(name.parse::<Fault>().is_ok(), "{name}");
        }
        let noise: Fault = "noise:150:[MSG:hello]".parse().expect("a fault");
        assert_eq!(noise, Fault { at: 150, what: What::Noise("[MSG:hello]".into()) });
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "drop-ok",
            "drop-ok:x",
            "error:1",
            "delay-ok:1:-5",
            "noise-pct:200",
            "wait:1",
            "kill:1:2",
            "flip-rx:1:8",
        ] {
            assert!(name.parse::<Fault>().is_err(), "{name}");
        }
    }
}
