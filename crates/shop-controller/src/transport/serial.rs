//! Serial ports: found by path or USB identity, opened for us alone, without a reset.
//!
//! Boards of the Arduino kind reset when DTR falls and rises again. The kernel raises DTR when a port is opened and,
//! with HUPCL, drops it when the last user closes it: so HUPCL is taken away as soon as a port is ours, and from then on
//! neither connecting nor leaving resets a machine that runs.

use super::{Address, Bell, OpenError, Opened, Transport, lock};
use serialport::SerialPortType;
use std::io;
use std::time::Duration;

/// A port of this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path or name.
    pub path: String,
    /// Its USB address, where it is a USB device.
    pub usb: Option<Address>,
    /// What the device calls itself.
    pub product: Option<String>,
}

/// Lists the serial ports of this computer, by path.
pub fn ports() -> Vec<Found> {
    let mut found: Vec<Found> = serialport::available_ports()
        .unwrap_or_default()
        .into_iter()
        .map(|port| match port.port_type {
            SerialPortType::UsbPort(usb) => Found {
                path: port.port_name,
                usb: Some(Address::Usb { vid: usb.vid, pid: usb.pid, serial: usb.serial_number }),
                product: usb.product,
            },
            _ => Found { path: port.port_name, usb: None, product: None },
        })
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Returns the ports that a USB address fits.
fn fitting<'a>(wanted: &Address, ports: &'a [Found]) -> Vec<&'a Found> {
    let fits = |found: &&Found| match (wanted, &found.usb) {
        (
            Address::Usb { vid, pid, serial },
            Some(Address::Usb { vid: its_vid, pid: its_pid, serial: its_serial }),
        ) => vid == its_vid && pid == its_pid && (serial.is_none() || serial == its_serial),
        _ => false,
    };
    ports.iter().filter(fits).collect()
}

/// Opens a USB device wherever it is plugged in.
pub(super) fn open_usb(address: &Address, baud: u32, bell: &Bell) -> Result<Opened, OpenError> {
    let ports = ports();
    match fitting(address, &ports).as_slice() {
        [] => Err(OpenError::Absent(address.to_string())),
        [one] => {
            let opened = open(&one.path, baud, bell)?;
            Ok(Opened { identity: address.to_string(), ..opened })
        }
        several => Err(OpenError::Ambiguous {
            address: address.to_string(),
            candidates: several.iter().map(|f| f.path.clone()).collect(),
        }),
    }
}

/// Opens a port by its path.
pub(super) fn open(path: &str, baud: u32, bell: &Bell) -> Result<Opened, OpenError> {
    let real = std::fs::canonicalize(path).map_or_else(|_| path.to_owned(), |p| p.display().to_string());
    if cfg!(unix) && !std::path::Path::new(path).exists() {
        return Err(OpenError::Absent(path.to_owned()));
    }
    let claim = lock::claim(&real)?;
    // A short patience: reads and writes on systems that cannot poll come back that soon.
    let builder = serialport::new(&real, baud).timeout(Duration::from_millis(20)).preserve_dtr_on_open();
    let transport = native(&builder, claim).map_err(|e| refused(path, &e))?;
    Ok(Opened {
        transport: transport(bell).map_err(|e| system(path, e))?,
        identity: identity(path, &real),
        place: real,
    })
}

/// Returns what finds a port again: its USB identity when it has a serial number, else where it is plugged in, else the
/// path that was given (a link that the system keeps up, a built-in port).
fn identity(path: &str, real: &str) -> String {
    let usb = ports().into_iter().find(|f| f.path == real).and_then(|f| f.usb);
    if let Some(address @ Address::Usb { serial: Some(_), .. }) = &usb {
        return address.to_string();
    }
    if usb.is_some() {
        let links = std::fs::read_dir("/dev/serial/by-path").into_iter().flatten().flatten();
        let mut links: Vec<_> = links
            .map(|l| l.path())
            .filter(|l| std::fs::canonicalize(l).is_ok_and(|p| p.as_os_str() == real))
            .collect();
        links.sort();
        if let Some(link) = links.first() {
            return link.display().to_string();
        }
    }
    path.to_owned()
}

fn refused(path: &str, error: &serialport::Error) -> OpenError {
    let text = error.to_string().to_ascii_lowercase();
    match error.kind() {
        serialport::ErrorKind::NoDevice if text.contains("busy") || text.contains("lock") => {
            OpenError::Busy(path.to_owned())
        }
        serialport::ErrorKind::NoDevice => OpenError::Absent(path.to_owned()),
        serialport::ErrorKind::Io(kind) => system(path, io::Error::new(kind, error.to_string())),
        _ => system(path, io::Error::other(error.to_string())),
    }
}

fn system(path: &str, source: io::Error) -> OpenError {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied if cfg!(target_os = "linux") => {
            "; serial ports belong to the group dialout (or uucp): add yourself to it and log in again"
        }
        _ => "",
    };
    OpenError::System { port: path.to_owned(), source, hint }
}

/// What is left to do when the system has opened the port.
type Finish = Box<dyn FnOnce(&Bell) -> io::Result<Box<dyn Transport>>>;

#[cfg(unix)]
fn native(builder: &serialport::SerialPortBuilder, claim: lock::Claim) -> serialport::Result<Finish> {
    use std::os::fd::{FromRawFd as _, IntoRawFd as _, OwnedFd};
    let port = builder.clone().open_native()?;
    // SAFETY: `into_raw_fd` gives the descriptor away; nobody else closes it.
    let fd = unsafe { OwnedFd::from_raw_fd(port.into_raw_fd()) };
    Ok(Box::new(move |_| {
        keep_dtr(&fd);
        #[cfg(target_os = "linux")]
        low_latency::set(&fd);
        Ok(Box::new(super::unix::Wire::new(fd, Some(claim))?))
    }))
}

/// Takes HUPCL away. A device that refuses has no such line.
#[cfg(unix)]
fn keep_dtr(fd: &std::os::fd::OwnedFd) {
    use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
    if let Ok(mut modes) = tcgetattr(fd)
        && modes.control_modes.contains(ControlModes::HUPCL)
    {
        modes.control_modes.remove(ControlModes::HUPCL);
        let _ = tcsetattr(fd, OptionalActions::Now, &modes);
    }
}

#[cfg(not(unix))]
fn native(builder: &serialport::SerialPortBuilder, claim: lock::Claim) -> serialport::Result<Finish> {
    let out = builder.clone().open()?;
    let inward = out.try_clone()?;
    Ok(Box::new(move |bell| {
        Ok(Box::new(super::threads::Wire::new(Box::new(inward), Box::new(out), bell, Some(claim))))
    }))
}

/// FTDI adapters hold answers back for 16 ms unless told not to; the kernel has a flag for it that the owner of the port
/// may set (`ASYNC_LOW_LATENCY`, linux/serial.h).
#[cfg(target_os = "linux")]
mod low_latency {
    use rustix::ioctl::{Getter, Setter, ioctl};
    use std::os::fd::OwnedFd;

    /// `struct serial_struct` of linux/serial.h.
    #[repr(C)]
    struct SerialStruct {
        kind: i32,
        line: i32,
        port: u32,
        irq: i32,
        flags: i32,
        xmit_fifo_size: i32,
        custom_divisor: i32,
        baud_base: i32,
        close_delay: u16,
        io_type: i8,
        reserved: i8,
        hub6: i32,
        closing_wait: u16,
        closing_wait2: u16,
        iomem_base: *mut u8,
        iomem_reg_shift: u16,
        port_high: u32,
        iomap_base: core::ffi::c_ulong,
    }

    const TIOCGSERIAL: rustix::ioctl::Opcode = 0x541E;
    const TIOCSSERIAL: rustix::ioctl::Opcode = 0x541F;
    const ASYNC_LOW_LATENCY: i32 = 1 << 13;

    /// Asks for low latency; a device that knows no such thing stays as it is.
    pub(super) fn set(fd: &OwnedFd) {
        // Other processors number these calls differently.
        if !cfg!(any(
            target_arch = "x86",
            target_arch = "x86_64",
            target_arch = "arm",
            target_arch = "aarch64"
        )) {
            return;
        }
        // SAFETY: the structure is the kernel's own, and these numbers belong to it on the processors above.
        unsafe {
            let Ok(mut serial) = ioctl(fd, Getter::<TIOCGSERIAL, SerialStruct>::new()) else { return };
            if serial.flags & ASYNC_LOW_LATENCY == 0 {
                serial.flags |= ASYNC_LOW_LATENCY;
                let _ = ioctl(fd, Setter::<TIOCSSERIAL, SerialStruct>::new(serial));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usb(path: &str, serial: Option<&str>) -> Found {
        let usb = Some(Address::Usb { vid: 0x1A86, pid: 0x7523, serial: serial.map(str::to_owned) });
        Found { path: path.into(), usb, product: None }
    }

    #[test]
    fn a_device_is_found_by_what_it_is() {
        let ports = [usb("/dev/ttyUSB0", Some("A")), usb("/dev/ttyUSB1", Some("B"))];
        let one = Address::parse("usb:1A86:7523:B").expect("sound");
        assert_eq!(fitting(&one, &ports), [&ports[1]]);
        let any = Address::parse("usb:1a86:7523").expect("sound");
        assert_eq!(fitting(&any, &ports).len(), 2);
        assert!(fitting(&Address::parse("usb:1A86:0001").expect("sound"), &ports).is_empty());
    }

    #[test]
    fn what_is_not_there_is_said() {
        let bell = Bell::new().expect("a bell");
        let Err(e) = open("/dev/no-such-port", 115_200, &bell) else { panic!("opened") };
        assert!(matches!(e, OpenError::Absent(_)), "{e}");
    }

    #[cfg(unix)]
    #[test]
    fn a_terminal_is_opened_for_one_alone_and_keeps_its_line_up() {
        use rustix::termios::{ControlModes, tcgetattr};
        use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
        let (master, slave) = serialport::TTYPort::pair().expect("a pseudo terminal");
        let path = serialport::SerialPort::name(&slave).expect("a name");
        // SAFETY: the descriptor lives as long as `master`.
        let other = unsafe { BorrowedFd::borrow_raw(master.as_raw_fd()) };
        drop(slave);
        let bell = Bell::new().expect("a bell");
        let mut opened = open(&path, 115_200, &bell).expect("free");
        assert!(matches!(open(&path, 115_200, &bell), Err(OpenError::InUse { .. })));
        assert_eq!(opened.identity, path);
        opened.transport.write(b"?").expect("room");
        let mut byte = [0; 8];
        assert_eq!(rustix::io::read(other, &mut byte).expect("it came"), 1);
        rustix::io::write(other.as_fd(), b"ok\r\n").expect("room");
        opened.transport.wait(&bell, false, Some(Duration::from_secs(10))).expect("it comes");
        let mut got = Vec::new();
        opened.transport.read(&mut got).expect("open");
        assert_eq!(got, b"ok\r\n");
        assert!(!tcgetattr(other).expect("a terminal").control_modes.contains(ControlModes::HUPCL));
        drop(opened);
        open(&path, 115_200, &bell).expect("free again");
    }
}
