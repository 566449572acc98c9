//! One line of a journal.
//!
//! `CHECKSUM kind field field …`, where the checksum is the CRC-32 of what follows its blank, in hexadecimal. Words that
//! people chose are written with `%XX` for blanks, control characters, `%` and `=`; so a record is one line, and a line
//! that was torn by a crash or a full disk cannot be taken for one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// What a job is. Never changes once it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Seconds since 1970 when it was made.
    pub created_s: u64,
    /// Full path of the program.
    pub program: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its size, bytes.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// Machine profile.
    pub machine: String,
    /// What finds the port again.
    pub port: String,
    /// What else a second attempt must know: the flags that were given.
    pub options: BTreeMap<String, String>,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Lines go to the machine.
    Running,
    /// The machine stands still until told to go on.
    Held,
    /// It ended before its end: a fault, an alarm, a person. It waits for a person.
    Failed,
    /// All of it was done, and the machine stands where it should.
    Done,
}

impl State {
    const NAMES: [(&'static str, State); 4] = [
        ("running", State::Running),
        ("held", State::Held),
        ("failed", State::Failed),
        ("done", State::Done),
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, s)| *s == self).map_or("", |(n, _)| n)
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Last line of the file that may have left this computer.
    pub sent: u64,
    /// Last line of the file that the controller has taken into its plan.
    pub acknowledged: u64,
    /// Where the machine was when it last said so, machine coordinates, mm.
    pub position_mm: Option<[f64; 3]>,
}

/// One thing that a journal says.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// The first line: what the job is.
    Job(Box<Description>),
    /// Lines are sent from here on; after the first attempt it says where a later one begins.
    Attempt {
        /// First line of the file that it sends.
        from_line: u64,
        /// Work zero in machine coordinates, mm, where the controller says.
        work_offset_mm: Option<[f64; 3]>,
    },
    /// The state changed.
    State {
        /// Since the attempt began.
        at: Duration,
        /// Into which.
        state: State,
        /// Why, for people.
        why: String,
    },
    /// How far it is.
    Progress {
        /// Since the attempt began.
        at: Duration,
        /// How far.
        progress: Progress,
    },
}

/// Writes a text as one word.
fn word(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_control() || matches!(c, ' ' | '%' | '=') {
            let mut bytes = [0; 4];
            for b in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{b:02X}");
            }
        } else {
            out.push(c);
        }
    }
}

fn unword(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let pair = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).ok()
}

fn point(key: &str, at: Option<[f64; 3]>, out: &mut String) {
    if let Some([x, y, z]) = at {
        let _ = write!(out, " {key}={x},{y},{z}");
    }
}

impl Record {
    /// Appends the record as a line.
    pub fn write(&self, out: &mut String) {
        let start = out.len();
        out.push_str("00000000 ");
        match self {
            Record::Job(d) => {
                out.push_str("job");
                let mut field = |key: &str, value: &str| {
                    let _ = write!(out, " {key}=");
                    word(value, out);
                };
                field("created", &d.created_s.to_string());
                field("program", &d.program);
                field("sha256", &d.sha256);
                field("bytes", &d.bytes.to_string());
                field("lines", &d.lines.to_string());
                field("machine", &d.machine);
                field("port", &d.port);
                for (key, value) in &d.options {
                    field(&format!("option.{key}"), value);
                }
            }
            Record::Attempt { from_line, work_offset_mm } => {
                let _ = write!(out, "attempt from={from_line}");
                point("offset", *work_offset_mm, out);
            }
            Record::State { at, state, why } => {
                let _ = write!(out, "state {} {}", at.as_millis(), state.name());
                if !why.is_empty() {
                    out.push_str(" why=");
                    word(why, out);
                }
            }
            Record::Progress { at, progress } => {
                let _ = write!(out, "at {} sent={}", at.as_millis(), progress.sent);
                let _ = write!(out, " acknowledged={}", progress.acknowledged);
                point("mm", progress.position_mm, out);
            }
        }
        let sum = format!("{:08x}", crc32fast::hash(&out.as_bytes()[start + 9..]));
        out.replace_range(start..start + 8, &sum);
        out.push('\n');
    }

    /// Reads a line, its end left out; nothing when it is no whole record.
    pub fn read(line: &str) -> Option<Record> {
        let (sum, rest) = line.split_once(' ')?;
        let lawful = sum.len() == 8 && u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(rest.as_bytes());
        if !lawful {
            return None;
        }
        let mut words = rest.split(' ');
        let kind = words.next()?;
        let plain: Vec<&str> = words.clone().filter(|w| !w.contains('=')).collect();
        let fields: BTreeMap<&str, &str> = words.filter_map(|w| w.split_once('=')).collect();
        let number = |key: &str| fields.get(key).and_then(|v| v.parse::<u64>().ok());
        let text = |key: &str| fields.get(key).and_then(|v| unword(v));
        let at = || plain.first().and_then(|t| t.parse().ok()).map(Duration::from_millis);
        match kind {
            "job" => Some(Record::Job(Box::new(Description {
                created_s: number("created")?,
                program: text("program")?,
                sha256: text("sha256")?,
                bytes: number("bytes")?,
                lines: number("lines")?,
                machine: text("machine")?,
                port: text("port")?,
                options: fields
                    .iter()
                    .filter_map(|(k, v)| Some((k.strip_prefix("option.")?.to_owned(), unword(v)?)))
                    .collect(),
            }))),
            "attempt" => Some(Record::Attempt {
                from_line: number("from")?,
                work_offset_mm: read_point(fields.get("offset").copied()),
            }),
            "state" => {
                let name = plain.get(1)?;
                let (_, state) = *State::NAMES.iter().find(|(n, _)| n == name)?;
                Some(Record::State { at: at()?, state, why: text("why").unwrap_or_default() })
            }
            "at" => Some(Record::Progress {
                at: at()?,
                progress: Progress {
                    sent: number("sent")?,
                    acknowledged: number("acknowledged")?,
                    position_mm: read_point(fields.get("mm").copied()),
                },
            }),
            _ => None,
        }
    }
}

fn read_point(text: Option<&str>) -> Option<[f64; 3]> {
    let mut parts = text?.split(',').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point() -> impl Strategy<Value = Option<[f64; 3]>> {
        proptest::option::of(proptest::array::uniform3(-1e6f64..1e6))
    }

    fn record() -> impl Strategy<Value = Record> {
        let at = || (0u64..1 << 40).prop_map(Duration::from_millis);
        let state = (0usize..4).prop_map(|i| State::NAMES[i].1);
        prop_oneof![
            (any::<u64>(), any::<String>(), any::<u64>(), any::<String>()).prop_map(|(n, text, m, more)| {
                Record::Job(Box::new(Description {
                    created_s: n,
                    program: text.clone(),
                    sha256: "ab".repeat(32),
                    bytes: m,
                    lines: n,
                    machine: more.clone(),
                    port: text,
                    options: BTreeMap::from([("feed".to_owned(), more)]),
                }))
            }),
            (any::<u64>(), point())
                .prop_map(|(from_line, work_offset_mm)| Record::Attempt { from_line, work_offset_mm }),
            (at(), state, any::<String>()).prop_map(|(at, state, why)| Record::State { at, state, why }),
            (at(), any::<u64>(), any::<u64>(), point()).prop_map(|(at, sent, acknowledged, position_mm)| {
                Record::Progress { at, progress: Progress { sent, acknowledged, position_mm } }
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(record in record()) {
            let mut line = String::new();
            record.write(&mut line);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert_eq!(Record::read(line.trim_end_matches('\n')), Some(record));
        }

        #[test]
        fn a_torn_record_is_no_record(record in record(), cut in 0.0f64..1.0) {
            let mut line = String::new();
            record.write(&mut line);
            let line = line.trim_end_matches('\n');
            let mut at = (line.len() as f64 * cut) as usize;
            while !line.is_char_boundary(at) { at -= 1; }
            prop_assert_eq!(Record::read(&line[..at]), None);
        }

        #[test]
        fn nothing_makes_it_fall(line in any::<String>()) {
            Record::read(&line);
        }
    }
}
