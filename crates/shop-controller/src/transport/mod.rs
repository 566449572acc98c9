//! Wires: serial ports, network sockets and machines that are only simulated.
//!
//! A [`Transport`] moves bytes and never waits, but for [`Transport::wait`]; and that ends at once when the [`Bell`]
//! rings, so that a signal or a key reaches the wire in the time of one system call. What the operating system decides
//! (how to wait for several things, how a port is claimed) stands in `unix` and `threads`.
//!
//! *Address* is what a person writes: a path, `usb:VID:PID:SERIAL`, `tcp://host:port`, `sim:grbl`. *Identity* is what finds the
//! same device again after it was unplugged.

mod address;
mod lock;
mod serial;
mod simulated;
mod tcp;
mod telnet;
#[cfg(any(not(unix), test))]
mod threads;
#[cfg(unix)]
mod unix;

pub use address::Address;
pub use serial::{Found, ports};
pub use simulated::Simulated;
#[cfg(not(unix))]
pub use threads::{Bell, Ringer};
#[cfg(unix)]
pub use unix::{Bell, Ringer};

use crate::sim;
use std::io;
use std::time::Duration;

/// Something that carries bytes to a controller and back.
pub trait Transport: Send {
    /// Writes what the wire takes at once; 0 when it takes nothing now.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Appends what has come in. An error says that the other end is gone.
    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<()>;

    /// Waits until something has come in, the wire takes bytes again (if `to_write`), the bell rings, or the time is over.
    fn wait(&mut self, bell: &Bell, to_write: bool, most: Option<Duration>) -> io::Result<()>;

    /// Waits until what was written has left this computer, as far as the system knows.
    fn drain(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why a port could not be opened. Fits "failed to open …".
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("port {port}: it is in use by process {pid}{program}")]
    InUse {
        /// The port.
        port: String,
        /// Its user.
        pid: u32,
        /// ` (name of the program)`, where it is known.
        program: String,
    },
    /// Another program has it, and does not say which.
    #[error("port {0}: another program has it open")]
    Busy(String),
    /// Nothing is there.
    #[error("port {0}: there is no such device")]
    Absent(String),
    /// Several devices fit.
    #[error("port {address}: several devices fit ({})", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        address: String,
        /// What fits.
        candidates: Vec<String>,
    },
    /// The system refuses.
    #[error("port {port}: {source}{hint}")]
    System {
        /// The port.
        port: String,
        /// What it says.
        source: io::Error,
        /// What to do about it.
        hint: &'static str,
    },
    /// The address makes no sense.
    #[error("port {address}: {why}")]
    Address {
        /// As written.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// An open wire.
pub struct Opened {
    /// What moves the bytes.
    pub transport: Box<dyn Transport>,
    /// What finds the same device again.
    pub identity: String,
    /// Where it was found now.
    pub place: String,
}

/// Opens a socket of this computer by its path: a program here listens there, as Klipper does.
#[cfg(unix)]
pub fn open_socket(path: &std::path::Path) -> Result<Opened, OpenError> {
    let place = path.display().to_string();
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => OpenError::Absent(place.clone()),
        _ => OpenError::System { port: place.clone(), source, hint: "" },
    };
    let socket = std::os::unix::net::UnixStream::connect(path).map_err(refused)?;
    let wire = unix::Wire::new(socket.into(), None).map_err(refused)?;
    Ok(Opened { transport: Box::new(wire), identity: place.clone(), place })
}

/// Opens what an address names, at `baud` where that means something. The port is claimed for as long as the transport
/// lives; a controller that is running is not reset by it. `simulation` says how a machine that is only simulated is.
pub fn open(
    address: &Address,
    baud: u32,
    simulation: &sim::Options,
    bell: &Bell,
) -> Result<Opened, OpenError> {
    match address {
        Address::Path(path) => serial::open(path, baud, bell),
        Address::Usb { .. } => serial::open_usb(address, baud, bell),
        Address::Tcp { host, port } => tcp::open(host, *port, bell),
        Address::Simulated(kind) => Ok(Opened {
            transport: Box::new(Simulated::new(*kind, simulation.clone())),
            identity: address.to_string(),
            place: address.to_string(),
        }),
    }
}
