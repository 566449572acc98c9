//! Programs handed over whole, against other ends that answer as the real ones do: transcripts taken from linuxcncrsh 2.9,
//! Klipper's API and Moonraker's documentation.

use proptest::prelude::*;
use serde_json::{Value, json};
use shop_controller::handover::{Handover, Kind, Need, Options};
use shop_controller::session::{Event, Failure, State};
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

/// An other end: takes bytes, gives bytes.
trait End {
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8>;
}

/// A conversation without a wire, a quarter of a second at a time; answers come in pieces of `size` bytes.
fn talk(
    kind: Kind,
    options: Options,
    end: &mut dyn End,
    size: usize,
    mut wish: impl FnMut(u32, &mut Handover, Duration),
) -> Vec<Event> {
    let mut us = Handover::new(kind, options);
    let mut now = Duration::ZERO;
    let (program, mut given) = (vec![b'G'; 200_000], 0);
    let mut events = Vec::new();
    us.connect(now);
    for round in 0..400 {
        loop {
            match us.need() {
                Some(Need::FileIn(folder)) => {
                    assert_eq!(folder, "/prints");
                    us.file_is_there(now);
                }
                Some(Need::Bytes(room)) => {
                    let to = program.len().min(given + room);
                    us.give_bytes(now, &program[given..to]);
                    given = to;
                    if to == program.len() {
                        us.end_of_bytes(now);
                    }
                }
                None => {}
            }
            let bytes = us.outbox().next().to_vec();
            if bytes.is_empty() {
                break;
            }
            us.outbox().sent(bytes.len());
            for part in end.hear(&bytes).chunks(size) {
                us.receive(now, part);
            }
        }
        wish(round, &mut us, now);
        while let Some(event) = us.next_event() {
            if matches!(event, Event::Ready(_)) {
                us.start(now, "part.ngc", program.len() as u64);
            }
            let last = matches!(event, Event::Finished { .. } | Event::Failed(_));
            events.push(event);
            if last {
                return events;
            }
        }
        now += Duration::from_millis(250);
        us.tick(now);
    }
    panic!("it does not end: {events:?}");
}

fn plain(kind: Kind, end: &mut dyn End) -> Vec<Event> {
    talk(kind, Options::default(), end, 7, |_, _, _| {})
}

fn failure(events: &[Event]) -> &Failure {
    match events.last() {
        Some(Event::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn said(events: &[Event]) -> String {
    match failure(events) {
        Failure::Alarm { said, .. } | Failure::Refused { said, .. } | Failure::Halted { said } => {
            said.clone()
        }
        Failure::Unsure { why } => why.clone(),
        other => format!("{other:?}"),
    }
}

/// `linuxcncrsh`, as it answers.
#[derive(Clone, Debug)]
struct Rsh {
    line: Vec<u8>,
    verbose: bool,
    echo: bool,
    estop: bool,
    on: bool,
    homed: bool,
    errors: Vec<&'static str>,
    /// Rounds of `get program_status` until it is idle again.
    runs: u32,
    paused: bool,
    opened: bool,
    heard: Vec<String>,
    /// An error in the middle.
    breaks: Option<&'static str>,
}

fn rsh() -> Rsh {
    Rsh {
        line: Vec::new(),
        verbose: false,
        echo: true,
        estop: false,
        on: true,
        homed: true,
        errors: Vec::new(),
        runs: 0,
        paused: false,
        opened: false,
        heard: Vec::new(),
        breaks: None,
    }
}

impl Rsh {
    fn answer(&mut self, line: &str) -> String {
        let yes = |b: bool| if b { "ON" } else { "OFF" };
        let ack = |s: &Rsh, word: &str| if s.verbose { format!("SET {word} ACK\n\r") } else { String::new() };
        match line {
            "hello EMC shopctl 1.0" => "HELLO ACK EMCNETSVR 1.1\r\n".into(),
            _ if line.starts_with("hello") => "HELLO NAK\r\n".into(),
            "set echo off" => {
                self.echo = false;
                String::new()
            }
            "set verbose on" => {
                self.verbose = true;
                ack(self, "VERBOSE")
            }
            "get estop" => format!("ESTOP {}\r\n", yes(self.estop)),
            "get machine" => format!("MACHINE {}\r\n", yes(self.on)),
            "get joint_homed" => {
                format!("JOINT_HOMED{} NO NO NO\r\n", if self.homed { " YES" } else { " NO" }.repeat(3))
            }
            "get error" => {
                format!("ERROR {}\r\n", if self.errors.is_empty() { "OK" } else { self.errors.remove(0) })
            }
            "get program" => format!("PROGRAM {}\r\n", if self.opened { "part.ngc" } else { "NONE" }),
            "get abs_act_pos" => {
                "ABS_ACT_POS 11.000000 2.000000 3.000000 0.000000 0.000000 0.000000\r\n".into()
            }
            "get program_line" => "PROGRAM_LINE 7\r\n".into(),
            "get rel_act_pos" => {
                "REL_ACT_POS 1.000000 2.000000 3.000000 0.000000 0.000000 0.000000\r\n".into()
            }
            "get program_status" => {
                if !self.paused {
                    self.runs = self.runs.saturating_sub(1);
                }
                let state = if self.runs == 0 {
                    "IDLE"
                } else if self.paused {
                    "PAUSED"
                } else {
                    "RUNNING"
                };
                if self.runs == 5 {
                    self.errors.extend(self.breaks);
                }
                format!("PROGRAM_STATUS {state}\r\n")
            }
            _ => {
                match line {
                    "set estop off" => self.estop = false,
                    "set machine on" => self.on = true,
                    "set home -1" => self.homed = true,
                    "set open part.ngc" => self.opened = true,
                    "set run" => self.runs = 9,
                    "set pause" => self.paused = true,
                    "set resume" => self.paused = false,
                    "set abort" => self.runs = 0,
                    _ => {}
                }
                ack(self, &line.split(' ').nth(1).unwrap_or_default().to_uppercase())
            }
        }
    }
}

impl End for Rsh {
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let line = String::from_utf8(std::mem::take(&mut self.line)).expect("ASCII");
            let line = line.trim().to_owned();
            // A greeting is not repeated.
            if self.echo && !line.starts_with("hello") {
                out.extend(format!("{line}\r\n").into_bytes());
            }
            let answer = self.answer(&line);
            out.extend(answer.into_bytes());
            self.heard.push(line);
        }
        out
    }
}

#[test]
fn linuxcnc_runs_a_program_to_its_end() {
    let mut end = Rsh { errors: vec!["something old"], ..rsh() };
    let events = plain(Kind::LinuxCnc, &mut end);
    assert!(
        matches!(events.last(), Some(Event::Finished { position_mm: Some([11.0, 2.0, 3.0]) })),
        "{events:?}"
    );
    assert!(events.contains(&Event::Message("(from before: something old)".into())));
    assert!(end.heard.iter().any(|l| l == "set run") && !end.heard.iter().any(|l| l == "set home -1"));
}

#[test]
fn linuxcnc_is_switched_on_only_when_that_is_asked_for() {
    let off = Rsh { estop: true, on: false, homed: false, ..rsh() };
    assert_eq!(said(&plain(Kind::LinuxCnc, &mut off.clone())), "the e-stop is on");
    assert_eq!(said(&plain(Kind::LinuxCnc, &mut Rsh { homed: false, ..rsh() })), "the machine is not homed");
    let mut end = off;
    let events =
        talk(Kind::LinuxCnc, Options { prepare: true, ..Options::default() }, &mut end, 3, |_, _, _| {});
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
}

#[test]
fn what_linuxcnc_says_stops_the_job() {
    let mut end = Rsh { breaks: Some("joint 0 following error"), ..rsh() };
    assert_eq!(said(&plain(Kind::LinuxCnc, &mut end)), "joint 0 following error");
    let wrong = Options { password: "x".into(), ..Options::default() };
    assert_eq!(said(&talk(Kind::LinuxCnc, wrong, &mut rsh(), 99, |_, _, _| {})), "HELLO NAK");
    let elsewhere = Options { end_mm: Some([1.0, 2.0, 4.0]), ..Options::default() };
    let events = talk(Kind::LinuxCnc, elsewhere, &mut rsh(), 99, |_, _, _| {});
    assert!(matches!(failure(&events), Failure::Position { .. }));
    // The power goes in the middle.
    struct Cut(Rsh, u32);
    impl End for Cut {
        fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
            self.1 += 1;
            self.0.on = self.1 < 30;
            self.0.hear(bytes)
        }
    }
    assert_eq!(said(&plain(Kind::LinuxCnc, &mut Cut(rsh(), 0))), "the machine was switched off");
}

#[test]
fn a_silent_end_is_noticed() {
    struct Deaf;
    impl End for Deaf {
        fn hear(&mut self, _: &[u8]) -> Vec<u8> {
            Vec::new()
        }
    }
    for kind in [Kind::LinuxCnc, Kind::Klipper, Kind::Moonraker] {
        assert!(matches!(failure(&plain(kind, &mut Deaf)), Failure::Silent { .. }));
    }
}

#[test]
fn holds_are_told_and_a_stop_ends_it() {
    for kind in [Kind::LinuxCnc, Kind::Klipper, Kind::Moonraker] {
        let run = |stop: bool| {
            let (mut a, mut b, mut c) = (rsh(), klipper(), moonraker());
            let end: &mut dyn End = match kind {
                Kind::LinuxCnc => &mut a,
                Kind::Klipper => &mut b,
                Kind::Moonraker => &mut c,
            };
            talk(kind, Options::default(), end, 64, |round, us, now| match round {
                6 => us.hold(now),
                14 if stop => us.stop(now),
                14 => us.resume(now),
                _ => {}
            })
        };
        let events = run(false);
        let held = events.iter().position(|e| matches!(e, Event::Held { .. })).expect("held");
        assert!(events[held..].contains(&Event::Resumed), "{kind:?}");
        assert!(matches!(events.last(), Some(Event::Finished { .. })), "{kind:?}");
        assert_eq!(failure(&run(true)), &Failure::Stopped, "{kind:?}");
    }
}

/// What Klipper knows of a job, for its API and behind Moonraker.
#[derive(Clone, Debug)]
struct Printer {
    state: &'static str,
    left: u32,
    filename: String,
    breaks: bool,
    down: bool,
    ready: bool,
}

impl Printer {
    fn objects(&mut self) -> Value {
        if self.state == "printing" {
            self.left = self.left.saturating_sub(1);
            match (self.left, self.breaks) {
                (0, _) => self.state = "complete",
                (3, true) => self.state = "error",
                _ => {}
            }
        }
        let host = if self.down { "shutdown" } else { "ready" };
        json!({
            "print_stats": { "state": self.state, "message": "Move out of range", "filename": self.filename },
            "webhooks": { "state": host, "state_message": "Lost communication with MCU 'mcu'" },
            "toolhead": { "position": [1.0, 2.0, 3.0, 9.0], "homed_axes": "xyz" },
            "gcode_move": { "gcode_position": [1.0, 2.0, 2.5, 9.0], "speed_factor": 1.5 },
            "extruder": { "temperature": 209.5, "target": 210.0 },
        })
    }
}

fn printer() -> Printer {
    Printer { state: "standby", left: 12, filename: String::new(), breaks: false, down: false, ready: true }
}

/// Klipper's socket.
#[derive(Clone, Debug)]
struct Socket {
    printer: Printer,
    bytes: Vec<u8>,
    sdcard: bool,
    /// What its messages about changes carry, once somebody wants them.
    key: Value,
}

fn klipper() -> Socket {
    Socket { printer: printer(), bytes: Vec::new(), sdcard: true, key: Value::Null }
}

impl End for Socket {
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.bytes.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some(end) = self.bytes.iter().position(|b| *b == 3) {
            let message: Vec<u8> = self.bytes.drain(..=end).collect();
            let message: Value = serde_json::from_slice(&message[..end]).expect("JSON");
            let p = &mut self.printer;
            let result = match message["method"].as_str().expect("a method") {
                "info" => {
                    json!({ "state": if p.ready { "ready" } else { "error" }, "state_message": "no mcu", "software_version": "v0.12" })
                }
                "objects/query" if message["params"]["objects"]["configfile"].is_array() && self.sdcard => {
                    json!({ "status": { "configfile": { "settings": { "virtual_sdcard": { "path": "/prints" } } } } })
                }
                "objects/query" => json!({ "status": p.objects() }),
                "objects/subscribe" => {
                    self.key = message["params"]["response_template"].clone();
                    json!({ "status": p.objects() })
                }
                method if method.ends_with("/script") => {
                    assert_eq!(message["params"]["script"], "SDCARD_PRINT_FILE FILENAME=\"part.ngc\"");
                    (p.state, p.filename) = ("printing", "part.ngc".into());
                    json!({})
                }
                "pause_resume/pause" => {
                    p.state = "paused";
                    json!({})
                }
                "pause_resume/resume" => {
                    p.state = "printing";
                    json!({})
                }
                _ => {
                    p.state = "cancelled";
                    json!({})
                }
            };
            out.extend(json!({ "id": message["id"], "result": result }).to_string().into_bytes());
            out.push(3);
            if let Value::Object(template) = &self.key {
                // What changed is told unasked, and nothing else.
                let mut changed = json!({ "params": { "status": { "print_stats": { "state": p.state } } } });
                for (key, value) in template {
                    changed[key] = value.clone();
                }
                out.extend(changed.to_string().into_bytes());
                out.push(3);
            }
        }
        out
    }
}

#[test]
fn klipper_prints_a_file_from_its_folder() {
    let events = plain(Kind::Klipper, &mut klipper());
    assert!(matches!(&events[0], Event::Ready(who) if who.firmware == "Klipper v0.12"), "{events:?}");
    let told = events.iter().find_map(|e| match e {
        Event::Status(status) if status.state == Some(State::Run) => Some(status.clone()),
        _ => None,
    });
    let status = told.expect("it tells");
    assert_eq!((status.state, status.overrides_percent), (Some(State::Run), Some([150, 100, 100])));
    assert_eq!(status.work_offset_mm, Some([0.0, 0.0, 0.5]));
    assert_eq!(status.heaters_c, [("T0".to_owned(), 209.5, 210.0)]);
    assert!(matches!(events.last(), Some(Event::Finished { .. })));
}

#[test]
fn klipper_s_faults_stop_the_job() {
    let with = |printer: Printer| Socket { printer, ..klipper() };
    let end = |mut socket: Socket| said(&plain(Kind::Klipper, &mut socket));
    assert_eq!(end(with(Printer { breaks: true, ..printer() })), "Move out of range");
    assert_eq!(end(with(Printer { down: true, ..printer() })), "Lost communication with MCU 'mcu'");
    assert_eq!(end(with(Printer { ready: false, ..printer() })), "no mcu");
    assert!(end(Socket { sdcard: false, ..klipper() }).contains("virtual_sdcard"));
}

/// Moonraker.
#[derive(Clone, Debug)]
struct Web {
    printer: Printer,
    bytes: Vec<u8>,
    uploaded: usize,
    refuses: bool,
    /// It can be a websocket, and is one.
    upgrades: bool,
    upgraded: bool,
    /// What was called on it.
    called: Vec<String>,
}

fn moonraker() -> Web {
    Web {
        printer: printer(),
        bytes: Vec::new(),
        uploaded: 0,
        refuses: false,
        upgrades: true,
        upgraded: false,
        called: Vec::new(),
    }
}

/// A frame as a server writes it.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("short");
    let head = match length {
        0..126 => vec![opcode, length as u8],
        _ => [&[opcode, 126][..], &length.to_be_bytes()].concat(),
    };
    [head, payload.to_vec()].concat()
}

impl Web {
    /// Takes a frame of the client: its opcode and what is in it.
    fn unframe(&mut self) -> Option<(u8, Vec<u8>)> {
        let (opcode, length) = (self.bytes.first()? & 0x0F, self.bytes.get(1)? & 0x7F);
        let (length, start) = match length {
            126 => (usize::from(u16::from_be_bytes([*self.bytes.get(2)?, *self.bytes.get(3)?])), 4),
            n => (usize::from(n), 2),
        };
        let mask: Vec<u8> = self.bytes.get(start..start + 4)?.to_vec();
        let payload = self.bytes.get(start + 4..start + 4 + length)?;
        let plain = payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
        self.bytes.drain(..start + 4 + length);
        Some((opcode, plain))
    }

    fn hear_frames(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((opcode, payload)) = self.unframe() {
            if opcode == 9 {
                out.extend(frame(0x8A, &payload));
                // Time goes by, and something changes.
                let before = self.printer.state;
                let _ = self.printer.objects();
                if self.printer.state != before {
                    let changed = json!([{ "print_stats": { "state": self.printer.state } }, 1.0]);
                    let told =
                        json!({ "jsonrpc": "2.0", "method": "notify_status_update", "params": changed });
                    out.extend(frame(0x81, told.to_string().as_bytes()));
                }
                continue;
            }
            let message: Value = serde_json::from_slice(&payload).expect("JSON");
            let method = message["method"].as_str().expect("a method").to_owned();
            let result = match method.as_str() {
                "printer.objects.subscribe" => json!({ "status": self.printer.objects(), "eventtime": 1.0 }),
                "printer.print.pause" => {
                    self.printer.state = "paused";
                    json!("ok")
                }
                "printer.print.resume" => {
                    self.printer.state = "printing";
                    json!("ok")
                }
                "printer.print.cancel" => {
                    self.printer.state = "cancelled";
                    json!("ok")
                }
                _ => json!({}),
            };
            let now = json!([{ "print_stats": { "state": self.printer.state } }, 1.0]);
            self.called.push(method);
            let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
            out.extend(frame(0x81, answer.to_string().as_bytes()));
            let told = json!({ "jsonrpc": "2.0", "method": "notify_status_update", "params": now });
            out.extend(frame(0x81, told.to_string().as_bytes()));
        }
        out
    }
}

impl End for Web {
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.bytes.extend_from_slice(bytes);
        let mut out = Vec::new();
        if self.upgraded {
            return self.hear_frames();
        }
        while let Some(end) = self.bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(self.bytes[..end].to_vec()).expect("text");
            assert!(head.contains("\r\nHost: localhost"), "{head}");
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("Content-Length: ")?.parse::<usize>().ok())
                .unwrap_or(0);
            if self.bytes.len() < end + 4 + length {
                break;
            }
            let body: Vec<u8> = self.bytes.drain(..end + 4 + length).skip(end + 4).collect();
            let target =
                head.split(' ').nth(1).expect("a target").split('?').next().expect("a path").to_owned();
            if target == "/websocket" && self.upgrades {
                assert!(head.contains("\r\nUpgrade: websocket\r\n"), "{head}");
                // The SHA-1 of the key and RFC 6455's name, worked out by another program.
                assert!(head.contains("\r\nSec-WebSocket-Key: c2hvcGN0bC9oYW5kb3Zlcg=="), "{head}");
                self.upgraded = true;
                out.extend(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                      Sec-WebSocket-Accept: HKThRGyh1uY9dt4GOQxdT3vpc/o=\r\n\r\n",
                );
                out.extend(self.hear_frames());
                return out;
            }
            let p = &mut self.printer;
            let result = match target.as_str() {
                "/printer/info" => json!({ "state": "ready", "software_version": "v0.12" }),
                "/server/files/upload" => {
                    self.uploaded = body.iter().map(|b| usize::from(*b == b'G')).sum();
                    json!({ "item": { "path": "part.ngc" } })
                }
                "/printer/print/start" => {
                    assert!(head.contains("filename=part.ngc"), "{head}");
                    (p.state, p.filename) = ("printing", "part.ngc".into());
                    json!("ok")
                }
                "/printer/objects/query" => json!({ "status": p.objects() }),
                "/websocket" => json!("not here"),
                "/printer/print/pause" => {
                    p.state = "paused";
                    json!("ok")
                }
                "/printer/print/resume" => {
                    p.state = "printing";
                    json!("ok")
                }
                _ => {
                    p.state = "cancelled";
                    json!("ok")
                }
            };
            let (status, body) = if self.refuses {
                (
                    "401 Unauthorized",
                    json!({ "error": { "code": 401, "message": "Unauthorized" } }).to_string(),
                )
            } else {
                ("200 OK", json!({ "result": result }).to_string())
            };
            out.extend(
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes(),
            );
        }
        out
    }
}

#[test]
fn moonraker_takes_the_file_and_prints_it() {
    let mut end = moonraker();
    let events = plain(Kind::Moonraker, &mut end);
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
    assert_eq!(end.uploaded, 200_000, "every byte of it");
    assert_eq!(end.called, ["printer.objects.subscribe"], "it tells by itself");
    // Behind a proxy that knows no websockets it is asked.
    let mut plainly = Web { upgrades: false, ..moonraker() };
    let events = plain(Kind::Moonraker, &mut plainly);
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
    assert!(plainly.called.is_empty());
    assert_eq!(said(&plain(Kind::Moonraker, &mut Web { refuses: true, ..moonraker() })), "Unauthorized");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_makes_it_panic_or_spin(
        answers in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                Just(b"HELLO ACK EMCNETSVR 1.1\r\n".to_vec()),
                Just(b"ESTOP OFF\r\n".to_vec()),
                Just(b"{\"id\":1,\"result\":{\"state\":\"ready\"}}\x03".to_vec()),
                Just(b"{\"id\":2,\"result\":7}\x03[]\x03".to_vec()),
                Just(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
                Just(b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: HKThRGyh1uY9dt4GOQxdT3vpc/o=\r\n\r\n".to_vec()),
                Just(frame(0x81, b"{\"method\":\"notify_status_update\",\"params\":[{\"print_stats\":{\"state\":\"error\"}}]}")),
                Just(frame(0x8A, b"")),
                Just(b"{\"key\":\"changed\",\"params\":{\"status\":{\"print_stats\":7}}}\x03".to_vec()),
                Just(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_vec()),
            ],
            0..40,
        ),
        kind in prop_oneof![Just(Kind::LinuxCnc), Just(Kind::Klipper), Just(Kind::Moonraker)],
    ) {
        let mut us = Handover::new(kind, Options { prepare: true, ..Options::default() });
        us.connect(Duration::ZERO);
        us.start(Duration::ZERO, "part.ngc", 10);
        for (i, answer) in answers.iter().enumerate() {
            let now = Duration::from_millis(100 * i as u64);
            us.receive(now, answer);
            us.tick(now);
            us.hold(now);
            let sent = us.outbox().len();
            us.outbox().sent(sent);
            while us.next_event().is_some() {}
        }
        us.stop(Duration::from_mins(1));
        us.tick(Duration::from_mins(2));
    }
}

#[test]
fn the_same_over_a_socket_of_this_computer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("somebody comes");
        let (mut end, mut bytes) = (moonraker(), [0; 4096]);
        while let Ok(n @ 1..) = socket.read(&mut bytes) {
            let answer = end.hear(&bytes[..n]);
            socket.write_all(&answer).expect("it listens");
        }
        end.uploaded
    });
    let mut socket = std::net::TcpStream::connect(address).expect("it is there");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket");
    let options = Options { poll: Duration::from_millis(1), ..Options::default() };
    let mut us = Handover::new(Kind::Moonraker, options);
    let begun = Instant::now();
    us.connect(begun.elapsed());
    let mut bytes = [0; 4096];
    let ended = loop {
        if let Some(Need::Bytes(_)) = us.need() {
            us.give_bytes(begun.elapsed(), b"GGG");
            us.end_of_bytes(begun.elapsed());
        }
        while !us.outbox().is_empty() {
            let n = socket.write(us.outbox().next()).expect("it listens");
            us.outbox().sent(n);
        }
        if let Ok(n @ 1..) = socket.read(&mut bytes) {
            us.receive(begun.elapsed(), &bytes[..n]);
        }
        us.tick(begun.elapsed());
        match us.next_event() {
            Some(Event::Ready(_)) => us.start(begun.elapsed(), "part.ngc", 3),
            Some(Event::Finished { .. }) => break true,
            Some(Event::Failed(failure)) => panic!("{failure:?}"),
            _ => assert!(begun.elapsed() < Duration::from_mins(1), "it ends"),
        }
    };
    drop(socket);
    assert!(ended);
    assert_eq!(server.join().expect("it ended well"), 3);
}
