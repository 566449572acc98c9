//! Simulated machines: what sits at the other end of a wire, as a value.
//!
//! A [`Machine`] takes bytes and the time that it is, and gives bytes; it knows no port, thread or clock, as a
//! [`crate::session`] does not. It has a receive buffer that loses bytes without a word when it is full, a parser with
//! the firmware's own refusals, a planner that takes the time the moves take, and whatever faults one asks for. What it
//! saw and did is in its [`Record`].
//!
//! ```
//! use shop_controller::sim::{Kind, Machine, Options};
//! use std::time::Duration;
//!
//! let mut machine = Machine::new(Kind::Grbl, Options { baud: 0, ..Options::default() });
//! machine.receive(Duration::ZERO, b"G1 X10 F600\n");
//! machine.tick(Duration::from_secs(5));
//! let said = String::from_utf8(machine.outbox().next().to_vec()).unwrap();
//! assert_eq!(said, "\r\nGrbl 1.1h ['$' for help]\r\nok\r\n");
//! assert_eq!(machine.position_mm(), [10.0, 0.0, 0.0, 0.0]);
//! ```

mod fault;
mod grbl;
mod marlin;
mod motion;
mod options;
mod record;
mod wire;

pub use fault::{Fault, UnknownFault, What};
pub use options::Options;
pub use record::{Hash, Move, Record};

use crate::Outbox;
use std::time::Duration;
use wire::Wire;

/// Nanoseconds in a second.
const NS: f64 = 1e9;

/// Which firmware is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// GRBL 1.1h on an 8-bit processor.
    Grbl,
    /// grblHAL: larger buffers, more commands.
    GrblHal,
    /// Marlin 2: numbered lines, heaters.
    Marlin,
}

impl Kind {
    /// Returns the kind a port's name asks for: `grbl`, `grblhal`, `marlin`.
    pub fn from_name(name: &str) -> Option<Kind> {
        match name {
            "grbl" => Some(Kind::Grbl),
            "grblhal" => Some(Kind::GrblHal),
            "marlin" => Some(Kind::Marlin),
            _ => None,
        }
    }
}

/// Somebody at the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The feed hold button.
    Hold,
    /// The cycle start button; Marlin's knob.
    Start,
    /// The safety door, open or not.
    Door(bool),
    /// The reset button.
    Reset,
    /// A limit switch is hit.
    Limit,
    /// Power goes off and comes back.
    Power,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    io: Io,
    firmware: Firmware,
}

#[derive(Clone, Debug)]
enum Firmware {
    Grbl(Box<grbl::Grbl>),
    Marlin(Box<marlin::Marlin>),
}

/// What a firmware stands on: wire, clock, record, faults.
#[derive(Clone, Debug)]
struct Io {
    now: u64,
    wire: Wire,
    record: Record,
    options: Options,
    /// Until when the port is gone.
    gone_until: Option<u64>,
}

impl Machine {
    /// Switches a machine on, at time zero. What it says first waits in its outbox.
    pub fn new(kind: Kind, options: Options) -> Machine {
        let wire = Wire::new(options.baud, options.latency.as_nanos() as u64);
        let mut io = Io { now: 0, wire, record: Record::default(), options, gone_until: None };
        let firmware = match kind {
            Kind::Grbl | Kind::GrblHal => {
                Firmware::Grbl(Box::new(grbl::Grbl::new(kind == Kind::GrblHal, &mut io)))
            }
            Kind::Marlin => Firmware::Marlin(Box::new(marlin::Marlin::new(&mut io))),
        };
        let mut machine = Machine { io, firmware };
        machine.settle();
        machine
    }

    /// Bytes set out towards the machine. While its port is gone they are lost.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.tick(now);
        if self.is_connected() {
            self.io.wire.push(self.io.now, bytes);
            self.settle();
        }
    }

    /// Lets time go by. The machine is the same however often this is called in between.
    pub fn tick(&mut self, now: Duration) {
        let now = now.as_nanos() as u64;
        while let Some(next) = self.next().filter(|t| *t <= now) {
            self.elapse_to(next.max(self.io.now));
            self.settle();
        }
        self.elapse_to(now.max(self.io.now));
    }

    /// Returns when something happens by itself, if anything will.
    pub fn deadline(&self) -> Option<Duration> {
        self.next().map(Duration::from_nanos)
    }

    /// Returns what the machine has said and nobody has taken.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.io.wire.outbox
    }

    /// Returns whether its port is there.
    pub fn is_connected(&self) -> bool {
        self.io.gone_until.is_none()
    }

    /// Returns how many bytes are on their way to it, as in the buffer of an operating system.
    pub fn underway(&self) -> usize {
        self.io.wire.underway()
    }

    /// Somebody touches the machine.
    pub fn press(&mut self, now: Duration, input: Input) {
        self.tick(now);
        match &mut self.firmware {
            Firmware::Grbl(g) => g.press(input, &mut self.io),
            Firmware::Marlin(m) => m.press(input, &mut self.io),
        }
        self.settle();
    }

    /// Returns what it saw and did.
    pub fn record(&self) -> &Record {
        &self.io.record
    }

    /// Returns where it is, machine coordinates (X Y Z, then E), mm.
    pub fn position_mm(&self) -> [f64; 4] {
        match &self.firmware {
            Firmware::Grbl(g) => g.position_mm(),
            Firmware::Marlin(m) => m.position_mm(),
        }
    }

    /// Returns whether nothing moves and nothing waits to be read.
    pub fn is_at_rest(&self) -> bool {
        match &self.firmware {
            Firmware::Grbl(g) => g.is_at_rest(),
            Firmware::Marlin(m) => m.is_at_rest(),
        }
    }

    fn next(&self) -> Option<u64> {
        let firmware = match &self.firmware {
            Firmware::Grbl(g) => g.next(&self.io),
            Firmware::Marlin(m) => m.next(&self.io),
        };
        [firmware, self.io.wire.next(), self.io.gone_until].into_iter().flatten().min()
    }

    fn elapse_to(&mut self, now: u64) {
        let ns = now - self.io.now;
        self.io.now = now;
        match &mut self.firmware {
            Firmware::Grbl(g) => g.elapse(ns, &mut self.io),
            Firmware::Marlin(m) => m.elapse(ns, &mut self.io),
        }
    }

    /// Does everything that needs no time.
    fn settle(&mut self) {
        if self.io.gone_until.is_some_and(|t| t <= self.io.now) {
            self.io.gone_until = None;
        }
        self.run();
        while let Some(byte) = self.io.wire.arrived(self.io.now) {
            let Some(byte) = self.io.damaged(byte) else { continue };
            match &mut self.firmware {
                Firmware::Grbl(g) => g.byte(byte, &mut self.io),
                Firmware::Marlin(m) => m.byte(byte, &mut self.io),
            }
            self.run();
        }
        if !self.is_connected() {
            self.io.wire.cut();
        }
        self.io.wire.deliver(self.io.now);
    }

    fn run(&mut self) {
        match &mut self.firmware {
            Firmware::Grbl(g) => g.run(&mut self.io),
            Firmware::Marlin(m) => m.run(&mut self.io),
        }
    }
}

/// The fastest a machine may be, machine seconds per second: times stay whole nanoseconds.
const FASTEST: f64 = 1e9;

impl Io {
    fn speed(&self) -> f64 {
        if self.options.speed > 0.0 { self.options.speed.min(FASTEST) } else { 1.0 }
    }

    /// Returns how many nanoseconds machine seconds take, rounded up, so that they are over then.
    fn wall_ns(&self, seconds: f64) -> u64 {
        (seconds.max(0.0) / self.speed() * NS).ceil().min(1e18) as u64
    }

    fn say(&mut self, text: &str) {
        self.wire.say(self.now, text.as_bytes());
    }

    /// Returns the faults that go off at a line, and takes those it returns away.
    fn faults_at(&mut self, at: u64, wanted: impl Fn(&What) -> bool) -> Vec<What> {
        if self.options.faults.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.options.faults.retain(|f| {
            let hit = f.at == at && at > 0 && wanted(&f.what);
            if hit {
                found.push(f.what.clone());
            }
            !hit
        });
        self.record.faults += found.len() as u64;
        found
    }

    /// Says the answer to the line (or command) `at`, unless something goes wrong with it. A machine that is late with it
    /// reads nothing until `asleep_until`.
    fn answer(&mut self, at: u64, text: &str, asleep_until: &mut u64) {
        let mut text = text.as_bytes().to_vec();
        for what in self.faults_at(at, What::is_of_the_answer) {
            match what {
                What::LoseAnswer => return,
                What::DoubleAnswer => text = text.repeat(2),
                What::GarbleAnswer => text[1] = 0,
                What::Noise(noise) => self.say(&format!("{noise}\r\n")),
                What::SplitAnswer(time) => {
                    self.wire.say(self.now, &text[..1]);
                    self.wire.pause(self.now + time.as_nanos() as u64);
                    text.remove(0);
                }
                What::DelayAnswer(time) => {
                    *asleep_until = self.now + time.as_nanos() as u64;
                    self.wire.say_later(*asleep_until, &text);
                    return;
                }
                _ => {}
            }
        }
        self.wire.say(self.now, &text);
    }

    /// Returns the byte as it arrives, or nothing if it is lost on the way.
    fn damaged(&mut self, byte: u8) -> Option<u8> {
        self.record.bytes += 1;
        let mut byte = byte;
        for what in self.faults_at(self.record.bytes, What::is_of_a_byte) {
            match what {
                What::FlipByte(bit) => byte ^= 1 << bit,
                _ => return None,
            }
        }
        Some(byte)
    }

    fn disconnect(&mut self, time: Duration) {
        self.gone_until = Some(self.now + time.as_nanos() as u64);
        self.wire.cut();
    }
}
