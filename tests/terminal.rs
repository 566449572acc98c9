//! What a person at a terminal does: keys, line editing, Ctrl-C; on a pseudo-terminal of the test's own.

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes that long, even on a busy computer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command on a terminal of its own.
struct Terminal {
    child: Child,
    keys: std::fs::File,
    shown: Receiver<Vec<u8>>,
    seen: String,
    _home: TempDir,
}

impl Terminal {
    fn run(home: TempDir, args: &[&str]) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("ours");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let slave: OwnedFd =
            open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        let end = || slave.try_clone().expect("another one");
        let mut command = Command::new(env!("CARGO_BIN_EXE_shopctl"));
        command.args(args).current_dir(home.path()).stdin(end()).stdout(end()).stderr(end());
        for (name, folder) in [("SHOPCTL_CONFIG_DIR", "settings"), ("SHOPCTL_STATE_DIR", "state")] {
            command.env(name, home.path().join(folder));
        }
        command.env("NO_COLOR", "1").env("TERM", "xterm");
        // SAFETY: two system calls and no memory: allowed between fork and exec. With them Ctrl-C is a signal.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                Ok(ioctl_tiocsctty(rustix::stdio::stdin())?)
            });
        }
        let child = command.spawn().expect("it was built");
        drop((command, slave));
        let keys = std::fs::File::from(master);
        let mut screen = keys.try_clone().expect("another one");
        let (tell, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut bytes) {
                if tell.send(bytes[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { child, keys, shown, seen: String::new(), _home: home }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Waits until this is on the screen, behind what was seen before.
    fn see(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shown.recv_timeout(left) else { panic!("no {text:?} in {:?}", self.seen) };
            self.seen += &String::from_utf8_lossy(&bytes);
        }
    }

    fn end(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end: {:?}", self.seen);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn home() -> TempDir {
    TempDir::new().expect("a place for files")
}

#[test]
fn a_console_edits_lines_remembers_them_and_explains_answers() {
    let mut console = Terminal::run(home(), &["machine", "console", "--port", "sim:grbl"]);
    console.see("> ");
    // A slip of the finger, mended.
    console.press("$Ix\x7f\r");
    console.see("[OPT:V,15,128]");
    console.see("ok");
    console.press("G1 X1\r");
    console.see("error:22");
    console.see("feed");
    // Up twice: the first line again.
    console.press("\x1b[A\x1b[A\r");
    console.see("[OPT:V,15,128]");
    console.press("?\r");
    console.see("idle");
    console.press("\x04");
    assert_eq!(console.end(), Some(0));
}

#[test]
fn a_move_by_hand_is_cancelled_by_ctrl_c() {
    let jog = ["machine", "jog", "X900", "--feed-mm-per-min", "600", "--port", "sim:grbl"];
    let mut jog = Terminal::run(home(), &jog);
    // Braking takes its time; before the move begins there is nothing to cancel.
    std::thread::sleep(Duration::from_millis(1500));
    jog.press("\x03");
    assert_eq!(jog.end(), Some(130));
}

#[test]
fn keys_hold_go_on_and_stop() {
    let home = home();
    std::fs::write(home.path().join("part.nc"), "G21 G90 G94\nM3 S12000\nG1 X500 F900\nM5\nM30\n")
        .expect("room");
    let mut job =
        Terminal::run(home, &["send", "part.nc", "-m", "router-grbl", "--port", "sim:grbl", "--force"]);
    job.see(" run ");
    job.press(" ");
    job.see("held:");
    job.press(" ");
    job.see("goes on");
    job.press("+");
    job.see("feed 110 %");
    job.press("\x03");
    job.see("feed hold");
    job.press("q");
    assert_eq!(job.end(), Some(130));
}
