//! A session on a wire: the only place where a conversation meets the clock.
//!
//! Whoever has a [`Drive`] calls [`Drive::turn`] again and again, looks at the session's events after each, and asks the
//! session for whatever a person wants in between. What the session puts into its outbox leaves before the turn waits,
//! and urgent bytes leave at once with [`Drive::flush`].

use crate::session::Session;
use crate::transport::{Bell, Transport};
use std::io;
use std::time::{Duration, Instant};

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the controller.
    Out,
    /// From the controller.
    In,
}

/// Sees every byte with its time.
pub type Tap = Box<dyn FnMut(Way, Duration, &[u8]) + Send>;

/// A session on a wire.
pub struct Drive {
    /// The conversation.
    pub session: Session,
    /// What ends a turn early.
    pub bell: Bell,
    transport: Box<dyn Transport>,
    begun: Instant,
    incoming: Vec<u8>,
    tap: Option<Tap>,
}

impl Drive {
    /// Puts a session on a wire; its time begins now.
    pub fn new(session: Session, transport: Box<dyn Transport>, bell: Bell) -> Drive {
        Drive {
            session,
            bell,
            transport,
            begun: Instant::now(),
            incoming: Vec::with_capacity(4096),
            tap: None,
        }
    }

    /// Lets `tap` see every byte from now on.
    pub fn tap(&mut self, tap: Option<Tap>) {
        self.tap = tap;
    }

    /// Returns the session's time.
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Writes what waits, as far as the wire takes it. An error says that the wire is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        loop {
            let outbox = self.session.outbox();
            let waiting = outbox.next();
            if waiting.is_empty() {
                return Ok(());
            }
            let count = self.transport.write(waiting)?;
            if count == 0 {
                return Ok(());
            }
            if let Some(tap) = &mut self.tap {
                tap(Way::Out, self.begun.elapsed(), &waiting[..count]);
            }
            outbox.sent(count);
        }
    }

    /// Writes what waits, waits for something to happen, but not beyond the session's deadline nor longer than `most`,
    /// and hands on what came. What the session has to send then leaves with the next turn, so that its events can be
    /// written down before. An error says that the wire is gone; the session has seen all that came before.
    pub fn turn(&mut self, most: Duration) -> io::Result<()> {
        self.flush()?;
        let now = self.now();
        let until = self.session.deadline().map_or(most, |d| d.saturating_sub(now).min(most));
        let to_write = !self.session.outbox().is_empty();
        let calm = self.session.calm().map_or(Duration::ZERO, |until| until.saturating_sub(now)).min(until);
        if calm.is_zero() || to_write {
            self.transport.wait(&self.bell, to_write, Some(until))?;
        } else {
            // Answers pile up meanwhile; the operator is heard.
            self.bell.wait(Some(calm))?;
        }
        self.look()
    }

    /// Hands on what has come, without waiting.
    pub fn look(&mut self) -> io::Result<()> {
        let read = self.transport.read(&mut self.incoming);
        let now = self.begun.elapsed();
        if !self.incoming.is_empty() {
            if let Some(tap) = &mut self.tap {
                tap(Way::In, now, &self.incoming);
            }
            self.session.receive(now, &self.incoming);
            self.incoming.clear();
        }
        self.session.tick(now);
        read
    }

    /// Writes what is left and waits until it has left this computer, but not longer than `most`.
    pub fn finish(&mut self, most: Duration) -> io::Result<()> {
        let end = self.now() + most;
        while !self.session.outbox().is_empty() && self.now() < end {
            self.flush()?;
            let left = end.saturating_sub(self.now());
            self.transport.wait(&self.bell, true, Some(left))?;
        }
        self.transport.drain()
    }
}
