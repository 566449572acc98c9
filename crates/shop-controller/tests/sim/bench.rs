//! A machine on the bench: what it says as text, and senders of the plainest kind.

use shop_controller::sim::{Kind, Machine, Options};
use std::time::Duration;

/// A machine, its clock and everything it has said.
pub struct Bench {
    pub machine: Machine,
    pub now: Duration,
    pub said: String,
}

/// A wire that takes no time.
pub fn swift() -> Options {
    Options { baud: 0, ..Options::default() }
}

pub fn faults(names: &[&str]) -> Options {
    Options { faults: names.iter().map(|n| n.parse().expect("a fault")).collect(), ..swift() }
}

impl Bench {
    pub fn new(kind: Kind, options: Options) -> Bench {
        let mut bench =
            Bench { machine: Machine::new(kind, options), now: Duration::ZERO, said: String::new() };
        bench.hear();
        bench
    }

    pub fn grbl(options: Options) -> Bench {
        Bench::new(Kind::Grbl, options)
    }

    fn hear(&mut self) {
        while !self.machine.outbox().is_empty() {
            let bytes = self.machine.outbox().next().to_vec();
            self.said.push_str(&String::from_utf8_lossy(&bytes));
            self.machine.outbox().sent(bytes.len());
        }
    }

    /// Sends bytes, and returns what is said at once.
    pub fn send(&mut self, bytes: &[u8]) -> String {
        self.hear();
        let before = self.said.len();
        self.machine.receive(self.now, bytes);
        self.hear();
        self.said[before..].to_owned()
    }

    /// Lets time go by, and returns what is said meanwhile.
    pub fn wait_ms(&mut self, ms: u64) -> String {
        let before = self.said.len();
        self.now += Duration::from_millis(ms);
        self.machine.tick(self.now);
        self.hear();
        self.said[before..].to_owned()
    }

    /// Sends a line and waits for it to be answered, an hour at most; returns what was said.
    pub fn line(&mut self, line: &str) -> String {
        let before = self.said.len();
        self.send(format!("{line}\n").as_bytes());
        let mut waited = 0;
        while !is_answered(&self.said[before..]) && waited < 36_000 {
            self.wait_ms(100);
            waited += 1;
        }
        self.said[before..].to_owned()
    }

    /// Waits until nothing moves; returns the time it took, s.
    pub fn rest(&mut self) -> f64 {
        let start = self.now;
        while !self.machine.is_at_rest() {
            let Some(next) = self.machine.deadline() else { break };
            self.now = self.now.max(next);
            self.machine.tick(self.now);
            self.hear();
        }
        self.now.saturating_sub(start).as_secs_f64()
    }

    /// Streams lines as a sender that counts bytes does, a window of 128; returns the answers.
    pub fn stream(&mut self, lines: &[String]) -> Vec<String> {
        const WINDOW: usize = 128;
        let from = self.said.len();
        let (mut sent, mut in_flight) = (0, std::collections::VecDeque::new());
        let mut answers = Vec::new();
        let mut silent = 0;
        while answers.len() < lines.len() && silent < 20_000 {
            while sent < lines.len() {
                let bytes = lines[sent].len() + 1;
                if in_flight.iter().sum::<usize>() + bytes > WINDOW {
                    break;
                }
                self.send(format!("{}\n", lines[sent]).as_bytes());
                in_flight.push_back(bytes);
                sent += 1;
            }
            self.wait_ms(1);
            let all = answers_in(&self.said[from..]);
            silent = if all.len() == answers.len() { silent + 1 } else { 0 };
            for _ in answers.len()..all.len() {
                in_flight.pop_front();
            }
            answers = all;
        }
        answers
    }
}

fn is_answered(said: &str) -> bool {
    !answers_in(said).is_empty() || said.contains("ALARM:")
}

/// Returns the lines that answer a line.
pub fn answers_in(said: &str) -> Vec<String> {
    let whole = said.rfind('\n').map_or("", |i| &said[..=i]);
    let answers = whole.lines().filter(|l| l.starts_with("ok") || l.starts_with("error:"));
    answers.map(str::to_owned).collect()
}

/// Returns a field of a status report: `<Idle|MPos:0,0,0|..>` has state `Idle`.
pub fn state(report: &str) -> String {
    let inside = report.rsplit('<').next().unwrap_or_default();
    inside.split(['|', '>']).next().unwrap_or_default().to_owned()
}
