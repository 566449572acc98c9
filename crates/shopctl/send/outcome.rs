//! How a job ended: an exit code, a word for scripts, sentences for people.

use crate::exit;
use serde_json::{Value, json};
use shop_controller::session::{Failure, Protocol};

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Exit code, one per class.
    pub code: u8,
    /// The class, for scripts.
    pub class: &'static str,
    /// What happened.
    pub text: String,
    /// What to do, or what it means.
    pub hint: Option<String>,
    /// What else scripts may want to know.
    pub more: Box<Value>,
}

impl Outcome {
    /// Everything was done.
    pub fn done(text: String) -> Outcome {
        Outcome { code: exit::DONE, class: "done", text, hint: None, more: Box::default() }
    }

    /// Something else than the controller ended it.
    pub fn other(code: u8, class: &'static str, text: String) -> Outcome {
        Outcome { code, class, text, hint: None, more: Box::default() }
    }

    /// The session says why. `began`: lines had been sent.
    pub fn of(failure: &Failure, protocol: Option<Protocol>, began: bool) -> Outcome {
        let end = |code, class, text: String| Outcome { code, class, text, hint: None, more: Box::default() };
        match failure {
            Failure::Refused { line, text, code, said } => {
                let number = code.map(|c| format!("error {c}: ")).unwrap_or_default();
                let meaning = code.and_then(|c| meaning::error(protocol, c)).unwrap_or_else(|| said.clone());
                let what = if *line > 0 {
                    format!("the controller refused line {line}, `{text}`: {number}{meaning}")
                } else {
                    format!("the controller refused `{text}`: {number}{meaning}")
                };
                Outcome {
                    hint: Some("the machine was stopped; correct the program, then `shopctl resume` or send it again".into()),
                    more: Box::new(json!({ "line": line, "text": text, "code": code, "meaning": meaning, "said": said })),
                    ..end(exit::REFUSED, "refused", what)
                }
            }
            Failure::Alarm { code, said } => {
                let number = code.map(|c| format!("alarm {c}: ")).unwrap_or_default();
                let meaning = code.and_then(|c| meaning::alarm(protocol, c)).unwrap_or_else(|| said.clone());
                Outcome {
                    hint: Some(
                        "find out why before `shopctl machine unlock` or `home`; the position may be lost"
                            .into(),
                    ),
                    more: Box::new(json!({ "code": code, "meaning": meaning, "said": said })),
                    ..end(exit::ALARM, "alarm", format!("{number}{meaning}"))
                }
            }
            Failure::Restarted { said } => Outcome {
                hint: Some("its position and modes are lost; home it, then `shopctl resume`".into()),
                more: Box::new(json!({ "said": said })),
                ..end(
                    exit::RESTARTED,
                    "restarted",
                    format!("the controller restarted in the middle of the job ({said})"),
                )
            },
            Failure::Halted { said } => Outcome {
                more: Box::new(json!({ "said": said })),
                ..end(exit::ALARM, "halted", format!("the controller stopped by itself: {said}"))
            },
            Failure::Silent { waited } if !began => Outcome {
                hint: Some(
                    "is it switched on, is the speed right (--baud), is it a controller that is known here?"
                        .into(),
                ),
                ..end(exit::NOBODY, "nobody", format!("nobody answered within {:.0} s", waited.as_secs_f64()))
            },
            Failure::Silent { waited } => Outcome {
                more: Box::new(json!({ "waited_s": waited.as_secs_f64() })),
                ..end(
                    exit::SILENT,
                    "silent",
                    format!("the controller has been silent for {:.0} s", waited.as_secs_f64()),
                )
            },
            Failure::Unsure { why } => Outcome {
                hint: Some("the part may be wrong: look at it before you go on".into()),
                ..end(exit::UNSURE, "unsure", why.clone())
            },
            Failure::Damaged { line, why } => Outcome {
                hint: Some("look at the part, and at the cable, its shield and its ground: `shopctl explain send/damaged`".into()),
                more: Box::new(json!({ "line": line })),
                ..end(exit::UNSURE, "damaged", why.clone())
            },
            Failure::Position { line, wanted_mm, found_mm } => {
                let at = |p: &[f64; 3]| format!("X{:.3} Y{:.3} Z{:.3}", p[0], p[1], p[2]);
                let text = match line {
                    Some(line) => format!("the machine was seen at {} near line {line}, off its way", at(found_mm)),
                    None => format!("the machine stands at {} and should be at {}", at(found_mm), at(wanted_mm)),
                };
                Outcome {
                    hint: Some("steps or lines were lost: the part may be wrong; `shopctl explain send/damaged`".into()),
                    more: Box::new(json!({ "line": line, "wanted_mm": wanted_mm, "found_mm": found_mm })),
                    ..end(exit::UNSURE, "position", text)
                }
            }
            Failure::Stopped => end(exit::INTERRUPTED, "stopped", "stopped".into()),
            Failure::Disconnected if !began => {
                end(exit::PORT, "port", "the port went away while the controller was looked for".into())
            }
            Failure::Disconnected => Outcome {
                hint: Some(
                    "what the machine had in its buffers it still did; `shopctl resume` asks where it stands"
                        .into(),
                ),
                ..end(exit::LOST, "lost", "the connection was lost".into())
            },
        }
    }

    /// Returns the last event of the job.
    pub fn event(&self, job: Option<&str>) -> Value {
        let mut event =
            json!({ "event": "ended", "result": self.class, "exit_code": self.code, "text": self.text });
        if let Some(job) = job {
            event["job"] = job.into();
        }
        if let Some(hint) = &self.hint {
            event["hint"] = hint.as_str().into();
        }
        if let Value::Object(more) = &*self.more {
            for (key, value) in more {
                event[key] = value.clone();
            }
        }
        event
    }
}

/// What numbers of controllers mean.
mod meaning {
    use super::Protocol;
    use shop_controller::codes::{Kind, find};

    fn of(protocol: Option<Protocol>, kind: Kind, number: u32) -> Option<String> {
        let code = find(protocol?, kind, number)?;
        Some(format!("{}; {}", code.meaning, code.advice))
    }

    /// Returns what an `error:` number means.
    pub fn error(protocol: Option<Protocol>, number: u32) -> Option<String> {
        of(protocol, Kind::Error, number)
    }

    /// Returns what an `ALARM:` number means.
    pub fn alarm(protocol: Option<Protocol>, number: u32) -> Option<String> {
        of(protocol, Kind::Alarm, number)
    }
}
