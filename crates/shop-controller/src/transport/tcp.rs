//! Controllers on the network.

use super::telnet::Filter;
use super::{Address, Bell, OpenError, Opened, Transport};
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// A controller in the same house answers sooner.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects.
pub(super) fn open(host: &str, port: u16, bell: &Bell) -> Result<Opened, OpenError> {
    let address = Address::Tcp { host: host.to_owned(), port }.to_string();
    let failed = |source| OpenError::System { port: address.clone(), source, hint: "" };
    let mut last = None;
    for place in (host, port).to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&place, PATIENCE) {
            Ok(stream) => {
                // A realtime byte must not wait for company.
                stream.set_nodelay(true).map_err(failed)?;
                let wire = wire(stream, bell).map_err(failed)?;
                let transport =
                    Box::new(Telnet { wire, filter: Filter::default(), raw: Vec::new(), answer: Vec::new() });
                return Ok(Opened { transport, identity: address.clone(), place: place.to_string() });
            }
            Err(e) => last = Some(e),
        }
    }
    Err(failed(last.unwrap_or_else(|| io::ErrorKind::NotFound.into())))
}

#[cfg(unix)]
fn wire(stream: TcpStream, _bell: &Bell) -> io::Result<super::unix::Wire> {
    super::unix::Wire::new(stream.into(), None)
}

#[cfg(not(unix))]
fn wire(stream: TcpStream, bell: &Bell) -> io::Result<super::threads::Wire> {
    let inward = stream.try_clone()?;
    Ok(super::threads::Wire::new(Box::new(inward), Box::new(stream), bell, None))
}

/// A socket without telnet's negotiations.
struct Telnet<W> {
    wire: W,
    filter: Filter,
    raw: Vec<u8>,
    answer: Vec<u8>,
}

impl<W: Transport> Telnet<W> {
    /// Sends what is left of the answers to negotiations.
    fn reply(&mut self) -> io::Result<()> {
        while !self.answer.is_empty() {
            let n = self.wire.write(&self.answer)?;
            if n == 0 {
                break;
            }
            self.answer.drain(..n);
        }
        Ok(())
    }
}

impl<W: Transport> Transport for Telnet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.reply()?;
        // Never into the middle of an answer.
        if self.answer.is_empty() { self.wire.write(bytes) } else { Ok(0) }
    }

    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let read = self.wire.read(&mut self.raw);
        self.filter.receive(&self.raw, into, &mut self.answer);
        self.raw.clear();
        self.reply()?;
        read
    }

    fn wait(&mut self, bell: &Bell, to_write: bool, most: Option<Duration>) -> io::Result<()> {
        self.wire.wait(bell, to_write || !self.answer.is_empty(), most)
    }

    fn drain(&mut self) -> io::Result<()> {
        self.wire.drain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    #[test]
    fn negotiations_are_declined_on_the_way() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let bell = Bell::new().expect("a bell");
        let mut opened = open("127.0.0.1", port, &bell).expect("it listens");
        let (mut other, _) = listener.accept().expect("a caller");
        other.write_all(&[255, 251, 1]).expect("open");
        other.write_all(b"Grbl 1.1h\r\n").expect("open");
        let mut got = Vec::new();
        while !got.ends_with(b"\n") {
            opened.transport.wait(&bell, false, Some(Duration::from_secs(10))).expect("something comes");
            opened.transport.read(&mut got).expect("open");
        }
        assert_eq!(got, b"Grbl 1.1h\r\n");
        opened.transport.write(b"?").expect("room");
        let mut answer = [0; 4];
        other.read_exact(&mut answer).expect("answered");
        assert_eq!(answer, [255, 254, 1, b'?']);
        assert_eq!(opened.identity, format!("tcp://127.0.0.1:{port}"));
    }
}
