//! A wire to a machine that is only simulated, in this process.

use super::{Bell, Transport};
use crate::sim::{Kind, Machine, Options};
use std::io;
use std::time::{Duration, Instant};

/// Moves bytes to and from a [`Machine`] as time goes by.
pub struct Simulated {
    machine: Machine,
    begun: Instant,
}

impl Simulated {
    /// Switches a machine on.
    pub fn new(kind: Kind, options: Options) -> Simulated {
        Simulated { machine: Machine::new(kind, options), begun: Instant::now() }
    }

    /// Returns the machine as it is now.
    pub fn machine(&mut self) -> &mut Machine {
        let now = self.begun.elapsed();
        self.machine.tick(now);
        &mut self.machine
    }

    fn gone(&self) -> io::Result<()> {
        if self.machine.is_connected() { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
    }
}

impl Transport for Simulated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.machine.receive(self.begun.elapsed(), bytes);
        self.gone().map(|()| bytes.len())
    }

    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let outbox = self.machine().outbox();
        while !outbox.is_empty() {
            let count = outbox.next().len();
            into.extend_from_slice(outbox.next());
            outbox.sent(count);
        }
        self.gone()
    }

    fn wait(&mut self, bell: &Bell, _to_write: bool, most: Option<Duration>) -> io::Result<()> {
        let now = self.begun.elapsed();
        self.machine.tick(now);
        if !self.machine.outbox().is_empty() {
            return Ok(());
        }
        let next = self.machine.deadline().map(|d| d.saturating_sub(now));
        bell.wait(match (most, next) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }
}
