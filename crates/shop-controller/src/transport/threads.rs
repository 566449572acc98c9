//! Waiting where the system has no one call for a port and a bell: a thread reads, and rings.

// The same shape as on Unix, where these can fail.
#![allow(clippy::unnecessary_wraps)]

use super::Transport;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What ends a wait early.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Shared>);

/// Rings a [`Bell`], from any thread.
pub type Ringer = Bell;

#[derive(Debug, Default)]
struct Shared {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Makes a bell.
    pub fn new() -> io::Result<Bell> {
        Ok(Bell::default())
    }

    /// Returns what rings it.
    pub fn ringer(&self) -> Ringer {
        self.clone()
    }

    /// Ends the wait at hand, or the next one.
    pub fn ring(&self) {
        *self.0.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// Waits for nothing but the bell.
    pub fn wait(&self, most: Option<Duration>) -> io::Result<()> {
        let end = most.and_then(|t| Instant::now().checked_add(t));
        let mut rung = self.0.rung.lock().unwrap_or_else(PoisonError::into_inner);
        while !*rung {
            let left = match end {
                None => Duration::from_hours(1),
                Some(end) => end.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                break;
            }
            rung = self.0.changed.wait_timeout(rung, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *rung = false;
        Ok(())
    }
}

/// What the reading thread leaves for the others.
#[derive(Default)]
struct Arrived {
    bytes: Vec<u8>,
    fault: Option<io::Error>,
}

/// A wire whose two directions can be owned apart.
pub(super) struct Wire {
    out: Box<dyn Write + Send>,
    arrived: Arc<Mutex<Arrived>>,
    /// Kept for as long as the wire.
    _claim: Option<super::lock::Claim>,
}

impl Wire {
    /// Starts to read. Both directions must give up after some milliseconds of nothing, or never.
    pub(super) fn new(
        mut inward: Box<dyn Read + Send>,
        out: Box<dyn Write + Send>,
        bell: &Bell,
        claim: Option<super::lock::Claim>,
    ) -> Wire {
        let arrived: Arc<Mutex<Arrived>> = Arc::default();
        let (kept, ringer) = (Arc::downgrade(&arrived), bell.ringer());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = inward.read(&mut buffer);
                // Nobody listens any more: the wire was dropped.
                let Some(shared) = kept.upgrade() else { return };
                let mut arrived = shared.lock().unwrap_or_else(PoisonError::into_inner);
                match read {
                    Ok(0) => arrived.fault = Some(io::ErrorKind::UnexpectedEof.into()),
                    Ok(n) => arrived.bytes.extend_from_slice(&buffer[..n]),
                    Err(e) if patient(&e) => continue,
                    Err(e) => arrived.fault = Some(e),
                }
                let over = arrived.fault.is_some();
                drop(arrived);
                ringer.ring();
                if over {
                    return;
                }
            }
        });
        Wire { out, arrived, _claim: claim }
    }
}

/// Whether an error only says that nothing has happened yet.
fn patient(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl Transport for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.out.write(bytes) {
            Err(e) if patient(&e) => Ok(0),
            other => other,
        }
    }

    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        into.append(&mut arrived.bytes);
        match arrived.fault.take() {
            None => Ok(()),
            Some(fault) => Err(fault),
        }
    }

    fn wait(&mut self, bell: &super::Bell, to_write: bool, most: Option<Duration>) -> io::Result<()> {
        // The port does not say when it takes bytes again; a few milliseconds are its transmit buffer.
        let most = if to_write { Some(most.unwrap_or(WRITE_AGAIN).min(WRITE_AGAIN)) } else { most };
        bell.wait(most)
    }

    fn drain(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// How long a port that took nothing is left alone.
const WRITE_AGAIN: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_thread_reads_and_rings() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut other = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
        let (ours, _) = listener.accept().expect("a caller");
        let bell = Bell::new().expect("a bell");
        let inward = ours.try_clone().expect("a second handle");
        let mut wire = Wire::new(Box::new(inward), Box::new(ours), &bell, None);
        assert_eq!(wire.write(b"?").expect("room"), 1);
        other.write_all(b"ok\n").expect("open");
        let mut got = Vec::new();
        while got.len() < 3 {
            bell.wait(Some(Duration::from_secs(10))).expect("rung");
            wire.read(&mut got).expect("open");
        }
        assert_eq!(got, b"ok\n");
        drop(other);
        loop {
            bell.wait(Some(Duration::from_secs(10))).expect("rung");
            if wire.read(&mut got).is_err() {
                return;
            }
        }
    }
}
