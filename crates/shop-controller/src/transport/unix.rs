//! Waiting on Unix: `poll` over the wire, a pipe that wakes it, and the keyboard.

use super::Transport;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// What ends a wait early.
#[derive(Debug)]
pub struct Bell {
    heard: OwnedFd,
    ringer: Ringer,
    watched: Option<OwnedFd>,
}

/// Rings a [`Bell`], from any thread.
#[derive(Clone, Debug)]
pub struct Ringer(Arc<OwnedFd>);

impl Ringer {
    /// Ends the wait at hand, or the next one.
    pub fn ring(&self) {
        // A pipe that is full has been rung already.
        let _ = rustix::io::write(&*self.0, &[1]);
    }
}

impl AsFd for Ringer {
    /// A byte written here rings; this is what a signal handler does.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Bell {
    /// Makes a bell.
    pub fn new() -> io::Result<Bell> {
        let (heard, rung) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Bell { heard, ringer: Ringer(Arc::new(rung)), watched: None })
    }

    /// Returns what rings it.
    pub fn ringer(&self) -> Ringer {
        self.ringer.clone()
    }

    /// Ends waits also when this has something to read: the keyboard.
    pub fn watch(&mut self, what: Option<OwnedFd>) {
        self.watched = what;
    }

    /// Waits for nothing but the bell.
    pub fn wait(&self, most: Option<Duration>) -> io::Result<()> {
        wait_for(None, self, most)
    }
}

/// Waits for `wire`, if any, and what else the bell listens to.
fn wait_for(
    wire: Option<(BorrowedFd<'_>, PollFlags)>,
    bell: &Bell,
    most: Option<Duration>,
) -> io::Result<()> {
    let mut fds = [
        PollFd::new(&bell.heard, PollFlags::IN),
        PollFd::new(&bell.heard, PollFlags::empty()),
        PollFd::new(&bell.heard, PollFlags::empty()),
    ];
    let mut count = 1;
    if let Some((fd, flags)) = wire {
        fds[count] = PollFd::from_borrowed_fd(fd, flags);
        count += 1;
    }
    if let Some(fd) = &bell.watched {
        fds[count] = PollFd::new(fd, PollFlags::IN);
        count += 1;
    }
    let most = most.map(|t| Timespec {
        tv_sec: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: t.subsec_nanos().into(),
    });
    match poll(&mut fds[..count], most.as_ref()) {
        // A signal is a reason to look, too.
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => return Err(e.into()),
    }
    if fds[0].revents().contains(PollFlags::IN) {
        let mut bytes = [0; 64];
        while rustix::io::read(&bell.heard, &mut bytes).is_ok_and(|n| n == bytes.len()) {}
    }
    Ok(())
}

/// A wire that is a file descriptor.
pub(super) struct Wire {
    fd: OwnedFd,
    buffer: Box<[u8; 4096]>,
    is_terminal: bool,
    /// Kept for as long as the wire.
    _claim: Option<super::lock::Claim>,
}

impl Wire {
    /// Takes over a descriptor, which becomes non-blocking.
    pub(super) fn new(fd: OwnedFd, claim: Option<super::lock::Claim>) -> io::Result<Wire> {
        let flags = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK)?;
        let is_terminal = rustix::termios::isatty(&fd);
        Ok(Wire { fd, buffer: Box::new([0; 4096]), is_terminal, _claim: claim })
    }
}

impl Transport for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(&self.fd, bytes) {
            Ok(n) => Ok(n),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
            Err(e) => Err(e.into()),
        }
    }

    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        loop {
            match rustix::io::read(&self.fd, &mut self.buffer[..]) {
                // End of file: the other end hung up.
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    into.extend_from_slice(&self.buffer[..n]);
                    if n < self.buffer.len() {
                        return Ok(());
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn wait(&mut self, bell: &Bell, to_write: bool, most: Option<Duration>) -> io::Result<()> {
        let flags = if to_write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        wait_for(Some((self.fd.as_fd(), flags)), bell, most)
    }

    fn drain(&mut self) -> io::Result<()> {
        if self.is_terminal { Ok(rustix::termios::tcdrain(&self.fd)?) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn pair() -> (Wire, Wire) {
        let (a, b) = std::os::unix::net::UnixStream::pair().expect("sockets");
        (Wire::new(a.into(), None).expect("a wire"), Wire::new(b.into(), None).expect("a wire"))
    }

    #[test]
    fn bytes_come_through_and_nobody_waits_in_vain() {
        let (mut a, mut b) = pair();
        let bell = Bell::new().expect("a bell");
        let mut got = Vec::new();
        b.read(&mut got).expect("open");
        assert!(got.is_empty());
        assert_eq!(a.write(b"?\n").expect("room"), 2);
        b.wait(&bell, false, Some(Duration::from_secs(10))).expect("something comes");
        b.read(&mut got).expect("open");
        assert_eq!(got, b"?\n");
        drop(a);
        b.wait(&bell, false, Some(Duration::from_secs(10))).expect("the end comes");
        assert!(b.read(&mut got).is_err());
    }

    #[test]
    fn a_bell_ends_a_wait_and_is_heard_once() {
        let (mut a, _b) = pair();
        let bell = Bell::new().expect("a bell");
        let ringer = bell.ringer();
        std::thread::spawn(move || ringer.ring()).join().expect("it rings");
        let begun = Instant::now();
        a.wait(&bell, false, Some(Duration::from_secs(30))).expect("rung");
        assert!(begun.elapsed() < Duration::from_secs(30));
        a.wait(&bell, false, Some(Duration::from_millis(1))).expect("quiet again");
    }
}
