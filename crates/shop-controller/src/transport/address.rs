//! What a person writes to name a port.

use super::OpenError;
use crate::sim::Kind;
use std::fmt;

/// The port of telnet, which network adapters of GRBL boards listen on.
const TELNET: u16 = 23;

/// Where a controller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A device of this computer: `/dev/ttyUSB0`, `COM3`.
    Path(String),
    /// A USB device, wherever it is plugged in: `usb:1A86:7523`, `usb:2341:0043:75735303931351F0B161`.
    Usb {
        /// Vendor.
        vid: u16,
        /// Product.
        pid: u16,
        /// Serial number, where it has one.
        serial: Option<String>,
    },
    /// A socket: `tcp://host:port`.
    Tcp {
        /// Name or number.
        host: String,
        /// Port.
        port: u16,
    },
    /// A machine that is only simulated, inside this process: `sim:grbl`, `sim:grblhal`, `sim:marlin`.
    Simulated(Kind),
}

impl Address {
    /// Reads an address.
    ///
    /// ```
    /// use shop_controller::transport::Address;
    /// let usb = Address::parse("usb:1a86:7523").unwrap();
    /// assert_eq!(usb.to_string(), "usb:1A86:7523");
    /// assert_eq!(Address::parse("tcp://laser.local").unwrap().to_string(), "tcp://laser.local:23");
    /// ```
    pub fn parse(text: &str) -> Result<Address, OpenError> {
        let bad = |why| OpenError::Address { address: text.to_owned(), why };
        if let Some(rest) = text.strip_prefix("usb:") {
            let mut parts = rest.splitn(3, ':');
            let mut hex = || parts.next().and_then(|p| u16::from_str_radix(p, 16).ok());
            let (Some(vid), Some(pid)) = (hex(), hex()) else {
                return Err(bad(
                    "write usb:VID:PID or usb:VID:PID:SERIAL, vendor and product in hexadecimal",
                ));
            };
            let serial = parts.next().filter(|s| !s.is_empty()).map(str::to_owned);
            return Ok(Address::Usb { vid, pid, serial });
        }
        if let Some(rest) = text.strip_prefix("tcp://") {
            let rest = rest.trim_end_matches('/');
            // The last colon, unless it belongs to a number in brackets: `[fe80::1]`.
            let (host, port) = match rest.rsplit_once(':') {
                Some((host, port)) if !port.ends_with(']') => {
                    (host, port.parse().map_err(|_| bad("the part after the last colon is no port number"))?)
                }
                _ => (rest, TELNET),
            };
            let host = host.trim_start_matches('[').trim_end_matches(']');
            if host.is_empty() {
                return Err(bad("write tcp://host:port"));
            }
            return Ok(Address::Tcp { host: host.to_owned(), port });
        }
        if let Some(name) = text.strip_prefix("sim:") {
            let known = "the simulated machines are sim:grbl, sim:grblhal and sim:marlin";
            return Kind::from_name(name).map(Address::Simulated).ok_or_else(|| bad(known));
        }
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        Ok(Address::Path(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Path(path) => f.write_str(path),
            Address::Usb { vid, pid, serial: None } => write!(f, "usb:{vid:04X}:{pid:04X}"),
            Address::Usb { vid, pid, serial: Some(serial) } => write!(f, "usb:{vid:04X}:{pid:04X}:{serial}"),
            Address::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Address::Simulated(Kind::Grbl) => f.write_str("sim:grbl"),
            Address::Simulated(Kind::GrblHal) => f.write_str("sim:grblhal"),
            Address::Simulated(Kind::Marlin) => f.write_str("sim:marlin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_back() {
        for text in [
            "/dev/ttyUSB0",
            "COM3",
            "usb:2341:0043:A B",
            "tcp://10.0.0.7:2000",
            "tcp://[fe80::1]:23",
            "tcp://h:1",
        ] {
            assert_eq!(Address::parse(text).expect("sound").to_string(), text);
        }
        for text in ["usb:12", "sim:x", "usb:xy:zz", "tcp://", "tcp://h:x", ""] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
