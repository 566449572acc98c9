//! Finds out who is at the other end, without moving anything.
//!
//! ```text
//!  knock ──report──▶ poison ─▶ info ($I) ─▶ settings ($$) ─▶ offset ─▶ ready     GRBL and its kin
//!    │                 │         │                             ▲
//!    └──── silence ────┘         └─▶ firmware (M115) ─Smoothie─┘
//!                                        └─▶ number (M110) ─────────▶ ready      Marlin and its kin
//! ```
//!
//! *Knocking* is a `?`: GRBL answers it in any state and without touching its line buffer. *Poison* is a `=`: whoever
//! was here before may have left half a line, and a newline alone would run it. With the `=` no firmware takes it.

use std::time::Duration;

use super::hear::Heard;
use super::item::{Item, Kind};
use super::ledger::Ledger;
use super::numbered::Numbered;
use super::types::{Event, Failure, Identity, Protocol, State};
use super::{Link, Session, Stage};

/// How long a `?` may take before something else is tried.
const KNOCK: Duration = Duration::from_millis(400);

/// How long an answer to a question may take: a Marlin in `setup()` is deaf for so long.
const ANSWER: Duration = Duration::from_secs(2);

/// Reports to wait for the work offset: GRBL adds it to every 10th when idle, every 30th when busy.
const REPORTS: u32 = 32;

/// The ring of a GRBL that does not say: 128 bytes, one of which 0.9 cannot use.
const RING: usize = 127;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Knock,
    Poison,
    Info,
    Settings,
    Offset,
    Firmware,
    Number,
}

/// Where the finding out is.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    step: Step,
    began: Duration,
    until: Duration,
    /// A banner was seen, so no half line can be there.
    booted: bool,
    /// It answers `?`.
    reported: bool,
    /// It called something an unknown command, as Marlin does.
    marlin: bool,
    /// The knock was answered as a command of its own; the answer to M115 is still to come.
    stray: bool,
    /// Which protocol was asked for.
    given: Option<Protocol>,
    reports: u32,
}

impl Asking {
    pub(crate) fn deadline(&self) -> Duration {
        self.until
    }

    /// Returns whether the state may be asked for: a `?` is an ordinary letter to Marlin.
    pub(crate) fn polls(&self, protocol: Option<Protocol>) -> bool {
        matches!(self.step, Step::Knock | Step::Offset) && protocol.is_none_or(Protocol::is_realtime)
    }
}

impl Session {
    /// Begins to look for a controller; [`Event::Ready`] tells when there is one.
    pub fn connect(&mut self, now: Duration) {
        self.at(now);
        self.watch.start(self.now);
        let given = self.protocol;
        self.stage = Stage::Asking(Asking {
            step: Step::Knock,
            began: self.now,
            until: self.now,
            booted: false,
            reported: false,
            marlin: false,
            stray: false,
            given,
            reports: 0,
        });
        match self.greeting.take() {
            // It has just started, and says who it is.
            Some(said) => self.ask_greeted(&said),
            None if given.is_some_and(Protocol::is_numbered) => self.ask(Step::Firmware),
            None => self.ask(Step::Knock),
        }
        self.pump();
    }

    /// Something was said before anything was asked: a greeting tells who is there, and that nobody has left half a line;
    /// whatever is behind it, but for the remarks of a start, takes that back.
    pub(crate) fn hear_before(&mut self, heard: &Heard<'_>) {
        match heard {
            Heard::Banner(said) => self.greeting = Some((*said).to_owned()),
            Heard::Message(_) | Heard::Setting(..) | Heard::Wait => {}
            _ => self.greeting = None,
        }
    }

    fn ask(&mut self, step: Step) {
        let now = self.now;
        self.queue.clear();
        self.link = Link::Counted(Ledger::new(RING, true));
        let Stage::Asking(asking) = &mut self.stage else { return };
        asking.step = step;
        asking.stray = false;
        asking.until = now + if matches!(step, Step::Knock) { KNOCK } else { ANSWER };
        asking.reports = 0;
        let question: &[u8] = match step {
            Step::Knock | Step::Offset => return self.watch.hurry(now),
            Step::Poison => b"=",
            Step::Info => b"$I",
            Step::Settings => b"$$",
            Step::Firmware => b"M115",
            Step::Number => b"N0 M110 N0*125",
        };
        if step == Step::Firmware {
            // Ends whatever stands in the line buffer; Marlin does not answer empty lines.
            self.out.push(b"\n");
        }
        self.queue.push_back(Item::own(Kind::Ask, question));
    }

    /// Goes on when a question stays open for too long.
    pub(crate) fn ask_on(&mut self) {
        let Stage::Asking(asking) = &self.stage else { return };
        if self.now < asking.until {
            return;
        }
        let waited = self.now.saturating_sub(asking.began);
        if waited >= self.options.connect {
            return self.fail(Failure::Silent { waited });
        }
        let numbered = self.protocol.is_some_and(Protocol::is_numbered);
        match asking.step {
            Step::Knock => self.ask(Step::Poison),
            Step::Settings => self.ask(Step::Offset),
            Step::Offset => self.ready(),
            Step::Number => self.ask(Step::Number),
            Step::Firmware if numbered => self.ask(Step::Firmware),
            Step::Poison | Step::Info | Step::Firmware => self.ask(Step::Knock),
        }
    }

    /// The question was answered.
    pub(crate) fn ask_answered(&mut self, refused: Option<(Option<u32>, &str)>) {
        let Stage::Asking(asking) = &self.stage else { return };
        let (reported, marlin) = (asking.reported, asking.marlin);
        let known = !self.identity.firmware.is_empty();
        let next = match asking.step {
            Step::Poison if marlin => Step::Firmware,
            Step::Poison if reported || refused.is_some_and(|(code, _)| code.is_some()) => Step::Info,
            Step::Info if known => self.after_info(),
            Step::Poison | Step::Info => Step::Firmware,
            Step::Settings => {
                if refused.is_none() {
                    self.tell(Event::SettingsEnd);
                }
                Step::Offset
            }
            // Marlin took the `?` that stood before M115 for a command, and has answered that.
            Step::Firmware if marlin && !known && !asking.stray => return self.expect_another(),
            Step::Firmware => {
                let protocol = match self.protocol {
                    Some(protocol) => protocol,
                    // Answers `?` and knows no M115: an old GRBL.
                    None if reported || refused.is_some() => Protocol::Grbl,
                    None => Protocol::Marlin,
                };
                self.protocol = Some(protocol);
                match protocol {
                    Protocol::Marlin | Protocol::RepRapFirmware => Step::Number,
                    Protocol::Smoothie => Step::Offset,
                    _ => self.after_info(),
                }
            }
            Step::Number => return self.ready(),
            Step::Knock | Step::Offset => return,
        };
        self.ask(next);
    }

    fn expect_another(&mut self) {
        if let Stage::Asking(asking) = &mut self.stage {
            asking.stray = true;
        }
    }

    /// An answer came that no line waits for; returns whether it is the one that a stray `?` has pushed back.
    pub(crate) fn ask_answered_late(&mut self) -> bool {
        let late = matches!(&self.stage, Stage::Asking(a) if a.stray && a.step == Step::Firmware);
        if late {
            self.ask_answered(None);
        }
        late
    }

    fn after_info(&mut self) -> Step {
        let protocol = *self.protocol.get_or_insert(Protocol::Grbl);
        if self.options.read_settings && protocol != Protocol::Smoothie {
            Step::Settings
        } else {
            Step::Offset
        }
    }

    /// A report of the state came while asking.
    pub(crate) fn ask_saw(&mut self) {
        let now = self.now;
        let Stage::Asking(asking) = &mut self.stage else { return };
        asking.reported = true;
        asking.reports += 1;
        let listens = matches!(self.status.state, Some(State::Idle | State::Alarm | State::Check));
        match asking.step {
            Step::Knock if !listens => {
                // It works, or waits for someone: lines would not be answered, or disturb. Watch it until it is free.
                (asking.began, asking.until) = (now, now + KNOCK.max(self.options.poll * 3));
            }
            Step::Knock => {
                let next = if asking.booted { Step::Info } else { Step::Poison };
                self.ask(next);
            }
            Step::Offset if self.status.work_offset_mm.is_some() || asking.reports >= REPORTS => self.ready(),
            _ => {}
        }
    }

    /// A firmware greeted while it was being asked.
    pub(crate) fn ask_greeted(&mut self, said: &str) {
        let Stage::Asking(asking) = &mut self.stage else { return };
        asking.booted = true;
        let lower = said.to_ascii_lowercase();
        let numbered = matches!(lower.as_str(), "start");
        let found = if numbered {
            Protocol::Marlin
        } else if lower.contains("fluidnc") {
            Protocol::FluidNc
        } else if lower.contains("grblhal") {
            Protocol::GrblHal
        } else if lower.contains("smoothie") {
            Protocol::Smoothie
        } else {
            Protocol::Grbl
        };
        self.found(found);
        let numbered = self.protocol.is_some_and(Protocol::is_numbered);
        self.ask(if numbered || found == Protocol::Smoothie { Step::Firmware } else { Step::Info });
    }

    /// Believes the controller about its protocol, unless the user knows better.
    fn found(&mut self, protocol: Protocol) {
        let given = match &self.stage {
            Stage::Asking(asking) => asking.given,
            _ => self.protocol,
        };
        self.protocol = given.or(Some(protocol));
    }

    pub(crate) fn hear_version(&mut self, text: &str) {
        if text.contains("FluidNC") {
            self.found(Protocol::FluidNc);
        } else if self.protocol.is_none() {
            self.found(Protocol::Grbl);
        }
        text.strip_prefix("VER:")
            .unwrap_or(text)
            .trim_end_matches(':')
            .clone_into(&mut self.identity.firmware);
    }

    pub(crate) fn hear_build(&mut self, text: &str) {
        let mut words = text.split(',');
        let letters = words.next().unwrap_or_default();
        self.capability(format!("OPT:{letters}"));
        self.identity.planner_blocks = words.next().and_then(|w| w.trim().parse().ok());
        self.identity.receive_bytes = words.next().and_then(|w| w.trim().parse().ok());
    }

    pub(crate) fn hear_firmware(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        self.found(if lower.contains("grblhal") {
            Protocol::GrblHal
        } else if lower.contains("smoothie") {
            Protocol::Smoothie
        } else if lower.contains("reprapfirmware") {
            Protocol::RepRapFirmware
        } else {
            Protocol::Marlin
        });
        if let Some(rest) = text.strip_prefix("FIRMWARE_NAME:") {
            // `FIRMWARE_NAME:Marlin 2.1.2 (Jan 1 2024) SOURCE_CODE_URL:...`: the name ends where the next key begins.
            let rest = rest.trim_start();
            let keys = [
                " SOURCE_CODE_URL:",
                " FIRMWARE_VERSION:",
                " FIRMWARE_URL:",
                ", FIRMWARE_URL:",
                " PROTOCOL_VERSION:",
            ];
            let end = keys.iter().filter_map(|key| rest.find(key)).min().unwrap_or(rest.len());
            rest[..end].trim_end_matches([',', ' ']).clone_into(&mut self.identity.firmware);
        }
    }

    pub(crate) fn hear_capability(&mut self, text: &str) {
        self.capability(text.to_owned());
    }

    fn capability(&mut self, text: String) {
        // Garbage may repeat itself for ever.
        if self.identity.capabilities.len() < 128 && !self.identity.capabilities.contains(&text) {
            self.identity.capabilities.push(text);
        }
    }

    /// Notes that a word was unknown, as Marlin says it.
    pub(crate) fn ask_unknown(&mut self) {
        if let Stage::Asking(asking) = &mut self.stage {
            asking.marlin = true;
        }
    }

    fn ready(&mut self) {
        let protocol = *self.protocol.get_or_insert(Protocol::Grbl);
        self.identity.protocol = Some(protocol);
        // At rest all of the planner is free.
        let blocks = self.status.room.map(|(blocks, _)| blocks).filter(|blocks| *blocks > 0);
        if self.status.state == Some(State::Idle) {
            self.identity.planner_blocks = self.identity.planner_blocks.or(blocks);
        }
        self.queue.clear();
        self.link = if protocol.is_numbered() {
            Link::Numbered(Numbered::default())
        } else {
            // Nothing is in flight, so what is free now is the ring.
            let ring =
                self.status.room.map(|(_, bytes)| bytes).filter(|_| self.status.state == Some(State::Idle));
            let mut ledger = Ledger::new(self.window(protocol, ring), protocol == Protocol::Smoothie);
            ledger.ring = ring;
            Link::Counted(ledger)
        };
        self.stage = Stage::Ready;
        self.watch.checked = self.now;
        self.tell(Event::Ready(Identity::clone(&self.identity)));
    }

    /// Returns how many bytes may be in flight.
    fn window(&self, protocol: Protocol, ring: Option<u32>) -> usize {
        let said = self.identity.receive_bytes.map(|bytes| match protocol {
            // It says 1024 and reports 1023 when empty.
            Protocol::GrblHal => bytes.saturating_sub(1),
            _ => bytes,
        });
        let known = match (said, ring) {
            (Some(said), Some(ring)) => Some(said.min(ring)),
            (said, ring) => said.or(ring),
        };
        let bytes = self.options.window.or(known).map_or(RING, |bytes| bytes as usize);
        // Below that no line fits, and above it the operating system keeps what the controller should.
        bytes.clamp(16, 4096)
    }
}
