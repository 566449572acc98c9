//! A session and a simulated machine on one table, in a time of their own: nothing here waits.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::VecDeque;
use std::time::Duration;

use shop_controller::session::{Event, Failure, Line, Options, Protocol, Session, wire};
use shop_controller::sim::{self, Kind, Machine};

/// One run of a program on a simulated machine.
pub struct Rig {
    pub session: Session,
    pub machine: Machine,
    pub now: Duration,
    pub events: Vec<Event>,
    /// Every byte that went to the machine.
    pub sent: Vec<u8>,
    /// When what was told was told.
    pub times: Vec<Duration>,
    lines: VecDeque<Line>,
    ended: bool,
    /// The port was gone; the session was told.
    unplugged: bool,
    /// The most bytes that ever waited for the wire.
    pub backlog_high: usize,
    /// What an operator does about a hold.
    pub resumes: bool,
    /// Leaves answers unread for as long as the session may have it.
    pub patient: bool,
    /// How often answers were read.
    pub reads: usize,
    /// Bytes that the machine had taken when the job began, where a test notes it.
    pub begun_at: u64,
}

/// The kit's machine: fast axes, motion a thousand times as fast as life.
pub fn kit(kind: Kind) -> sim::Options {
    let settings = [(110, 30000.0), (111, 30000.0), (112, 3000.0), (120, 1000.0), (121, 1000.0)];
    let settings = if kind == Kind::Marlin { Vec::new() } else { settings.to_vec() };
    sim::Options { speed: 1000.0, settings, ..sim::Options::default() }
}

/// Short segments along a rosette, as the kit's `gen_gcode.py` makes them.
pub fn rosette(count: usize, marlin: bool) -> Vec<String> {
    let mut lines: Vec<String> = ["G21", "G90"].map(str::to_owned).to_vec();
    if !marlin {
        lines.extend(["G94", "M3 S1000"].map(str::to_owned));
    }
    lines.extend(["G0 X0 Y0 Z0", "G1 X100 Y0 F3000"].map(str::to_owned));
    let mut a = 0.0f64;
    for _ in 0..count {
        let r = 60.0 + 20.0 * (5.0 * a).sin();
        a += 0.3 / r.max(1.0);
        lines.push(format!("G1 X{:.3} Y{:.3}", 40.0 + r * a.cos(), r * a.sin()));
    }
    if !marlin {
        lines.push("M5".to_owned());
    }
    lines.extend(["G0 X0 Y0", if marlin { "M400" } else { "G4 P0.01" }].map(str::to_owned));
    lines
}

/// Cleans a program for the wire, and numbers its lines as the file does.
pub fn program(lines: &[String], protocol: Protocol) -> Vec<Line> {
    let clean = |text: &String| wire::clean(text.as_bytes(), protocol).expect("a clean program");
    let numbered = lines.iter().zip(1..).filter_map(|(text, number)| Some((clean(text)?, number)));
    numbered
        .map(|(text, number)| Line { number, text, duration: Duration::from_millis(10), reach: None })
        .collect()
}

pub fn protocol_of(kind: Kind) -> Protocol {
    match kind {
        Kind::Grbl => Protocol::Grbl,
        Kind::GrblHal => Protocol::GrblHal,
        Kind::Marlin => Protocol::Marlin,
    }
}

impl Rig {
    pub fn new(kind: Kind, machine: sim::Options, options: Options) -> Rig {
        let mut session = Session::new(None, options);
        session.connect(Duration::ZERO);
        Rig {
            session,
            machine: Machine::new(kind, machine),
            now: Duration::ZERO,
            events: Vec::new(),
            sent: Vec::new(),
            times: Vec::new(),
            lines: VecDeque::new(),
            ended: false,
            unplugged: false,
            backlog_high: 0,
            resumes: true,
            patient: false,
            reads: 0,
            begun_at: 0,
        }
    }

    /// Runs until the session is ready, or has failed.
    pub fn connect(&mut self) -> &mut Rig {
        self.run_until(60, |e| matches!(e, Event::Ready(_) | Event::Failed(_)));
        self
    }

    /// Runs a program to its end, one way or another.
    pub fn job(&mut self, lines: Vec<Line>) -> &mut Rig {
        self.job_until(lines, |e| matches!(e, Event::Finished { .. } | Event::Failed(_)));
        self
    }

    /// Runs a program until something is told; returns whether it was.
    pub fn job_until(&mut self, lines: Vec<Line>, wanted: impl Fn(&Event) -> bool) -> bool {
        self.lines = lines.into();
        self.ended = false;
        self.run_until(100_000, wanted)
    }

    /// Runs until something is told, at most so many seconds; returns whether it was.
    pub fn run_until(&mut self, seconds: u64, wanted: impl Fn(&Event) -> bool) -> bool {
        let end = self.now + Duration::from_secs(seconds);
        let mut seen = self.events.len();
        loop {
            self.step();
            if self.events[seen..].iter().any(&wanted) {
                return true;
            }
            seen = self.events.len();
            assert!(
                self.session.deadline().is_none_or(|due| due > self.now),
                "it would never wait\n{}",
                self.story()
            );
            let calm = self.calm();
            // What comes meanwhile wakes nobody.
            let machine = self.machine.deadline().filter(|d| calm.is_none_or(|c| *d > c));
            let next = [self.session.deadline(), machine, calm].into_iter().flatten().min();
            let Some(next) = next.filter(|n| *n <= end) else { return false };
            self.now = next.max(self.now + Duration::from_nanos(1));
        }
    }

    /// Runs up to a time; returns whether the job is still at work then.
    pub fn run_to(&mut self, time: Duration) -> bool {
        let over = |e: &Event| matches!(e, Event::Finished { .. } | Event::Failed(_));
        while self.now < time {
            let before = self.events.len();
            self.step();
            if self.events[before..].iter().any(over) {
                return false;
            }
            let next = [self.session.deadline(), self.machine.deadline()].into_iter().flatten().min();
            self.now = next.unwrap_or(time).clamp(self.now + Duration::from_nanos(1), time);
        }
        true
    }

    /// Lets happen what happens now.
    pub fn step(&mut self) {
        self.machine.tick(self.now);
        self.session.tick(self.now);
        for _ in 0..1000 {
            let mut quiet = true;
            while self.session.wants_line() && !self.ended {
                match self.lines.pop_front() {
                    Some(line) => self.session.give(self.now, line),
                    None if self.ends() => {
                        self.ended = true;
                        self.session.end_of_program(self.now);
                    }
                    None => break,
                }
            }
            while !self.session.outbox().is_empty() {
                let bytes = self.session.outbox().next().to_vec();
                self.session.outbox().sent(bytes.len());
                self.machine.receive(self.now, &bytes);
                self.backlog_high = self.backlog_high.max(self.machine.underway());
                self.sent.extend(bytes);
                quiet = false;
            }
            if self.calm().is_none() && !self.machine.outbox().is_empty() {
                let mut came = Vec::new();
                while !self.machine.outbox().is_empty() {
                    came.extend(self.machine.outbox().next());
                    let count = self.machine.outbox().next().len();
                    self.machine.outbox().sent(count);
                }
                self.session.receive(self.now, &came);
                self.reads += 1;
                quiet = false;
            }
            if !self.machine.is_connected() && !self.unplugged {
                self.unplugged = true;
                self.session.disconnected(self.now);
            }
            while let Some(event) = self.session.next_event() {
                if self.resumes && matches!(event, Event::Held { .. }) {
                    self.session.resume(self.now);
                }
                self.events.push(event);
                self.times.push(self.now);
                quiet = false;
            }
            if quiet {
                return;
            }
        }
        panic!("they talk without end at {:?}: {:?}", self.now, self.events.last());
    }

    /// Until when answers may wait.
    fn calm(&self) -> Option<Duration> {
        self.session.calm().filter(|until| self.patient && *until > self.now)
    }

    fn ends(&self) -> bool {
        self.times.len() == self.events.len() && self.events.iter().any(|e| matches!(e, Event::Sent(_)))
    }

    /// Returns whether the machine took the program, every line once and in order, and nothing else but the questions
    /// a session may ask at its end. `before` is what it had taken before.
    pub fn took_exactly(&self, lines: &[Line], before: &sim::Record) -> bool {
        let mut hash = before.accepted_hash;
        for line in lines {
            hash.update(&line.text.to_ascii_uppercase());
            hash.update(b"\n");
        }
        let record = self.machine.record();
        if record.accepted_hash == hash {
            return true;
        }
        hash.update(b"M400\n");
        (0..8).any(|_| {
            hash.update(b"M114\n");
            record.accepted_hash == hash
        })
    }

    pub fn failure(&self) -> Option<&Failure> {
        self.events.iter().find_map(|e| if let Event::Failed(f) = e { Some(f) } else { None })
    }

    pub fn is_finished(&self) -> bool {
        self.events.iter().any(|e| matches!(e, Event::Finished { .. }))
    }

    pub fn acknowledged(&self) -> Vec<u64> {
        self.events
            .iter()
            .filter_map(|e| if let Event::Acknowledged(n) = e { Some(*n) } else { None })
            .collect()
    }

    /// What was told last, without the chatter.
    pub fn story(&self) -> String {
        let told = self.events.iter().zip(&self.times).filter(|(e, _)| {
            !matches!(e, Event::Status(_) | Event::Sent(_) | Event::Acknowledged(_) | Event::Setting(..))
        });
        let told: Vec<String> = told.map(|(e, t)| format!("{t:?} {e:?}\n")).collect();
        told[told.len().saturating_sub(40)..].concat()
    }
}
