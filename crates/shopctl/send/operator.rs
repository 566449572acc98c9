//! What the person at the machine wants: signals and keys.
//!
//! A signal handler writes one byte to the bell's pipe, and the wait for the wire ends: between Ctrl-C and the feed hold
//! there is one system call of ours. Keys are read without waiting for Enter; Ctrl-C stays a signal.

use shop_controller::transport::Bell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "keys are read on Unix only"))]
pub enum Key {
    /// Space: stand still, or go on.
    HoldOrResume,
    /// +: feed 10 % faster.
    Faster,
    /// -: feed 10 % slower.
    Slower,
    /// 0: feed as programmed.
    AsProgrammed,
    /// q: stop, for good.
    Stop,
    /// ?: say how far it is.
    Report,
    /// y or Enter: the answer to a question.
    Yes,
    /// n or Escape.
    No,
}

#[cfg(any(unix, test))]
impl Key {
    fn of(byte: u8) -> Option<Key> {
        Some(match byte {
            b' ' => Key::HoldOrResume,
            b'+' | b'=' => Key::Faster,
            b'-' | b'_' => Key::Slower,
            b'0' => Key::AsProgrammed,
            b'q' | b'Q' => Key::Stop,
            b'?' => Key::Report,
            b'y' | b'Y' | b'\n' | b'\r' => Key::Yes,
            b'n' | b'N' | 0x1B => Key::No,
            _ => return None,
        })
    }
}

/// What bytes of a keyboard ask for. Arrows and their kin (Escape and more at once) ask for nothing.
#[cfg(any(unix, test))]
fn keys(bytes: &[u8]) -> Vec<Key> {
    if bytes.len() > 1 && bytes[0] == 0x1B {
        Vec::new()
    } else {
        bytes.iter().filter_map(|b| Key::of(*b)).collect()
    }
}

/// Listens for as long as it lives.
pub struct Operator {
    interrupted: Arc<AtomicBool>,
    resumed: Arc<AtomicBool>,
    #[cfg(unix)]
    signals: Vec<signal_hook::SigId>,
    #[cfg(unix)]
    keyboard: Option<keyboard::Keyboard>,
}

impl Operator {
    /// Starts to listen for Ctrl-C and a request to end; on a terminal for keys too, if `with_keys`. The end of the
    /// terminal (SIGHUP) is no reason to leave a machine alone: the job goes on.
    pub fn listen(bell: &mut Bell, with_keys: bool) -> io::Result<Operator> {
        let (interrupted, resumed): (Arc<AtomicBool>, Arc<AtomicBool>) = Default::default();
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
            use std::os::fd::AsFd as _;
            let mut signals = Vec::new();
            for (signal, flag) in [(SIGINT, &interrupted), (SIGTERM, &interrupted), (SIGUSR1, &resumed)] {
                // The flag before the bell, so that whoever is woken sees it.
                signals.push(signal_hook::flag::register(signal, Arc::clone(flag))?);
                let ringer = bell.ringer().as_fd().try_clone_to_owned()?;
                signals.push(signal_hook::low_level::pipe::register(signal, ringer)?);
            }
            signals.push(signal_hook::flag::register(SIGHUP, Arc::default())?);
            let keyboard = if with_keys { keyboard::Keyboard::open(bell)? } else { None };
            Ok(Operator { interrupted, resumed, signals, keyboard })
        }
        #[cfg(not(unix))]
        {
            let _ = (bell, with_keys);
            signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))?;
            Ok(Operator { interrupted, resumed })
        }
    }

    /// Returns whether there was a Ctrl-C, or a request to end, since this was asked last.
    pub fn interrupted(&self) -> bool {
        self.interrupted.swap(false, Ordering::SeqCst)
    }

    /// Returns whether a held machine was told to go on (SIGUSR1) since this was asked last.
    pub fn resumed(&self) -> bool {
        self.resumed.swap(false, Ordering::SeqCst)
    }

    /// Returns whether keys are read.
    pub fn has_keys(&self) -> bool {
        #[cfg(unix)]
        return self.keyboard.is_some();
        #[cfg(not(unix))]
        false
    }

    /// Returns the keys that were pressed.
    pub fn keys(&mut self) -> Vec<Key> {
        #[cfg(unix)]
        return self.keyboard.as_mut().map_or_else(Vec::new, keyboard::Keyboard::pressed);
        #[cfg(not(unix))]
        Vec::new()
    }
}

#[cfg(unix)]
impl Drop for Operator {
    fn drop(&mut self) {
        for id in self.signals.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

#[cfg(unix)]
mod keyboard {
    //! The keyboard of a terminal, key by key.

    use super::Key;
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use shop_controller::transport::Bell;
    use std::io::{self, IsTerminal as _};
    use std::os::fd::{AsFd as _, OwnedFd};

    /// Gives keys one by one until it is dropped.
    pub struct Keyboard {
        fd: OwnedFd,
        usual: Termios,
    }

    impl Keyboard {
        /// Takes the terminal, if standard input is one.
        pub fn open(bell: &mut Bell) -> io::Result<Option<Keyboard>> {
            if !io::stdin().is_terminal() {
                return Ok(None);
            }
            let fd = io::stdin().as_fd().try_clone_to_owned()?;
            let usual = tcgetattr(&fd)?;
            let mut modes = usual.clone();
            modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            // Ctrl-Z would leave the machine without lines.
            modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
            modes.special_codes[SpecialCodeIndex::VMIN] = 0;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(&fd, OptionalActions::Now, &modes)?;
            bell.watch(Some(fd.try_clone()?));
            Ok(Some(Keyboard { fd, usual }))
        }

        /// Returns what was pressed. With VMIN 0 a read does not wait.
        pub fn pressed(&mut self) -> Vec<Key> {
            let mut bytes = [0; 64];
            rustix::io::read(&self.fd, &mut bytes).map_or_else(|_| Vec::new(), |n| super::keys(&bytes[..n]))
        }
    }

    impl Drop for Keyboard {
        fn drop(&mut self) {
            let _ = tcsetattr(&self.fd, OptionalActions::Now, &self.usual);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ask_and_arrows_do_not() {
        assert_eq!(keys(b" +q"), [Key::HoldOrResume, Key::Faster, Key::Stop]);
        assert_eq!(keys(b"\x1b[A"), []);
        assert_eq!(keys(b"\x1b"), [Key::No]);
    }
}
