//! `linuxcncrsh`: a question a line, an answer a line.
//!
//! With `verbose` on, every `set` is answered with ACK or NAK; they say that a command was understood, not that it was
//! done, so what happened is asked for afterwards. Errors wait in a queue of their own, which `get error` empties.

use super::{Core, Reached, Wish};
use crate::session::{Event, Failure, Identity, State};
use std::collections::VecDeque;

/// What is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Hello,
    /// Looks at e-stop, power, homing.
    Looking,
    Ready,
    /// Empties the queue of errors: what went wrong before us is none of ours.
    Draining,
    Opening,
    Running,
    Stopping,
}

/// The conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct LinuxCnc {
    stage: Stage,
    version: String,
    line: Vec<u8>,
    path: String,
    /// Questions that wait.
    queue: VecDeque<String>,
    /// The open one.
    open: Option<String>,
    estop: bool,
    on: bool,
    homed: bool,
    /// Rounds of questions since the start, and whether it was seen at work.
    rounds: u32,
    worked: bool,
    idle: bool,
}

/// Rounds after which a program that was never seen at work counts as done: it was that short.
const SHORT: u32 = 6;
/// Longest line that is listened to.
const LONGEST: usize = 4096;
/// Joints that homing waits for.
const HOMING_ROUNDS: u32 = 1200;

impl LinuxCnc {
    pub(super) fn connect(&mut self, core: &mut Core) {
        let hello = format!("hello {} shopctl 1.0", core.options.password);
        self.ask(&hello, core);
    }

    pub(super) fn start(&mut self, path: &str, core: &mut Core) {
        if path.contains(['\r', '\n']) || path.len() > 250 {
            return core.refuse(path, "this path cannot be told to LinuxCNC");
        }
        path.clone_into(&mut self.path);
        self.stage = Stage::Draining;
        self.ask("get error", core);
    }

    pub(super) fn wish(&mut self, wish: Wish, core: &mut Core) {
        match wish {
            Wish::Hold => self.ask("set pause", core),
            Wish::Resume => self.ask("set resume", core),
            Wish::Feed(percent) => self.ask(&format!("set feed_override {percent}"), core),
            Wish::Stop => {
                self.queue.clear();
                self.stage = Stage::Stopping;
                for line in
                    ["set abort", "set spindle off", "set mist off", "set flood off", "get program_status"]
                {
                    self.ask(line, core);
                }
            }
        }
    }

    pub(super) fn poll(&mut self, core: &mut Core) {
        self.rounds += 1;
        let questions: &[&str] = match self.stage {
            Stage::Looking => &["get estop", "get machine", "get joint_homed"],
            Stage::Running => &[
                "get estop",
                "get machine",
                "get error",
                "get abs_act_pos",
                "get rel_act_pos",
                "get program_line",
                "get program_status",
            ],
            _ => &[],
        };
        for question in questions {
            self.ask(question, core);
        }
    }

    fn ask(&mut self, line: &str, core: &mut Core) {
        self.queue.push_back(line.to_owned());
        self.send(core);
    }

    fn send(&mut self, core: &mut Core) {
        if self.open.is_none()
            && let Some(line) = self.queue.pop_front()
        {
            core.out.push(line.as_bytes());
            core.out.push(b"\r\n");
            self.open = Some(line);
        }
        core.asking = self.open.is_some();
    }

    pub(super) fn receive(&mut self, bytes: &[u8], core: &mut Core) {
        for &byte in bytes {
            match byte {
                b'\r' | b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    let line = String::from_utf8_lossy(&line).trim().to_owned();
                    if !line.is_empty() {
                        self.hear(&line, core);
                    }
                }
                _ if self.line.len() < LONGEST => self.line.push(byte),
                _ => {}
            }
        }
    }

    fn hear(&mut self, line: &str, core: &mut Core) {
        let Some(open) = &self.open else { return core.tell(Event::Message(line.to_owned())) };
        // Until the echo is off, it repeats what it hears; that is the only answer `set echo off` gets.
        if line == open && open != "set echo off" {
            return;
        }
        let asked = open.clone();
        self.open = None;
        if core.over {
            return;
        }
        self.answered(&asked, line, core);
        self.send(core);
    }

    fn answered(&mut self, asked: &str, line: &str, core: &mut Core) {
        if line.ends_with("NAK") {
            return core.refuse(asked, line);
        }
        if let Some(version) = line.strip_prefix("HELLO ACK") {
            version.trim().clone_into(&mut self.version);
            for line in ["set echo off", "set verbose on"] {
                self.ask(line, core);
            }
            let enable = format!("set enable {}", core.options.enable_password);
            self.ask(&enable, core);
            self.stage = Stage::Looking;
            return self.poll(core);
        }
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "ESTOP" => self.estop = value == "ON",
            "MACHINE" => self.on = value == "ON",
            "JOINT_HOMED" => {
                // Six are told, whatever there are; the first three are those that programs move here.
                self.homed = value.split(' ').take(3).all(|v| v == "YES");
                self.looked(core);
            }
            "ERROR" if self.stage == Stage::Draining => self.drained(value, core),
            "ERROR" if value != "OK" => {
                core.fail(Failure::Alarm { code: None, said: value.to_owned() });
            }
            "PROGRAM" => {
                let wanted = self.queue.front().is_some_and(|l| l == "set run");
                if !wanted || value.is_empty() || value == "NONE" {
                    core.refuse(asked, "LinuxCNC did not open the program");
                }
            }
            "ABS_ACT_POS" => core.status.machine_position_mm = place(value),
            "REL_ACT_POS" => {
                let (at, work) = (core.status.machine_position_mm, place(value));
                core.status.work_offset_mm = at.zip(work).map(|(a, w)| std::array::from_fn(|i| a[i] - w[i]));
            }
            "PROGRAM_LINE" => {
                let line = value.trim().parse().ok().filter(|line| *line > 0);
                core.reached = line.map(Reached::Line).or(core.reached);
            }
            "PROGRAM_STATUS" => self.program(value, core),
            "SET" if asked == "set run" => {
                self.stage = Stage::Running;
                self.rounds = 0;
                core.state(State::Run, "");
                core.ask_again();
            }
            _ => {}
        }
    }

    fn drained(&mut self, error: &str, core: &mut Core) {
        if error != "OK" {
            core.tell(Event::Message(format!("(from before: {error})")));
            return self.ask("get error", core);
        }
        self.stage = Stage::Opening;
        let open = format!("set open {}", self.path);
        for line in ["set mode auto", &open, "get error", "get program", "set run"] {
            self.ask(line, core);
        }
    }

    /// Decides whether a program may be started.
    fn looked(&mut self, core: &mut Core) {
        if self.stage != Stage::Looking {
            return;
        }
        let missing = match (self.estop, self.on, self.homed) {
            (true, ..) => Some(("set estop off", "the e-stop is on")),
            (_, false, _) => Some(("set machine on", "the machine is switched off")),
            (.., false) => Some(("set home -1", "the machine is not homed")),
            _ => None,
        };
        match missing {
            None => {
                self.stage = Stage::Ready;
                core.state(State::Idle, "");
                let firmware = format!("LinuxCNC ({})", self.version);
                core.tell(Event::Ready(Identity { firmware, ..Identity::default() }));
            }
            Some((_, said)) if !core.options.prepare || self.rounds > HOMING_ROUNDS => {
                core.fail(Failure::Alarm { code: None, said: said.into() });
            }
            Some((line, _)) => {
                // Asked for once; then it takes the time it takes.
                if self.rounds <= 1 || line != "set home -1" || self.rounds.is_multiple_of(40) {
                    self.ask(line, core);
                }
                core.ask_again();
            }
        }
    }

    fn program(&mut self, state: &str, core: &mut Core) {
        if self.stage == Stage::Stopping {
            return core.fail(Failure::Stopped);
        }
        if self.stage != Stage::Running {
            return;
        }
        if self.estop || !self.on {
            let said = if self.estop { "the e-stop is on" } else { "the machine was switched off" };
            return core.fail(Failure::Alarm { code: None, said: said.into() });
        }
        self.worked |= state != "IDLE";
        match state {
            "PAUSED" => core.state(State::Hold(true), "LinuxCNC is paused"),
            "RUNNING" => core.state(State::Run, ""),
            // Once more after it: its last error, and where it stands.
            _ if self.idle => {
                core.state(State::Idle, "");
                return core.finish();
            }
            _ => self.idle = self.worked || self.rounds >= SHORT,
        }
        let status = core.status.clone();
        core.tell(Event::Status(status));
        core.ask_again();
    }
}

fn place(value: &str) -> Option<[f64; 3]> {
    let mut numbers = value.split_ascii_whitespace().map(|v| v.parse().ok().filter(|v: &f64| v.is_finite()));
    let mut next = || numbers.next().flatten();
    Some([next()?, next()?, next()?])
}
