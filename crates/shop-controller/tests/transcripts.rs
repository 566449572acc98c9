//! Conversations, word by word: what controllers say and what a session says and tells.
//!
//! `<` is what the controller says (`\n` at its end understood, `\r\n` means the same), `+` lets milliseconds pass, `!` is
//! what the operator does. What the session sends stands behind `>`, what it tells behind `*`.

#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use std::fmt::Write as _;
use std::time::Duration;

use expect_test::{Expect, expect};
use shop_controller::session::{
    Event, Jog, Line, Options, Override, Policy, Process, Protocol, Retract, Session,
};

/// A session and the screenplay so far.
struct Play {
    session: Session,
    now: Duration,
    lines: Vec<&'static str>,
    given: usize,
    text: String,
}

impl Play {
    fn new(protocol: Option<Protocol>, options: Options) -> Play {
        let session = Session::new(protocol, Options { read_settings: false, ..options });
        Play { session, now: Duration::ZERO, lines: Vec::new(), given: 0, text: String::new() }
    }

    /// Plays a script and appends what came of it.
    fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (mark, rest) = line.split_at(1);
            let rest = rest.trim();
            match mark {
                "<" => self.session.receive(self.now, format!("{rest}\r\n").as_bytes()),
                "+" => {
                    let end = self.now + Duration::from_millis(rest.parse().expect("milliseconds"));
                    while let Some(due) = self.session.deadline().filter(|due| *due <= end) {
                        self.now = due;
                        self.session.tick(due);
                        self.look();
                    }
                    self.now = end;
                    self.session.tick(end);
                }
                "!" => self.operate(rest),
                _ => panic!("{line}"),
            }
            self.look();
        }
    }

    fn operate(&mut self, what: &str) {
        let (session, now) = (&mut self.session, self.now);
        match what {
            "connect" => session.connect(now),
            "hold" => session.hold(now),
            "resume" => session.resume(now),
            "stop" => session.stop(now),
            "reset" => session.reset(now),
            "unplug" => session.disconnected(now),
            "unlock" => session.unlock(now),
            "home" => session.home(now),
            "check" => assert!(session.check_mode(now)),
            "jog" => session.jog(
                now,
                &Jog { axes_mm: [Some(10.0), None, Some(-0.5)], absolute: false, feed_mm_per_min: 500.0 },
            ),
            "jog cancel" => session.jog_cancel(now),
            "feed 123" => session.set_override(now, Override::Feed(123)),
            "rapid 50" => session.set_override(now, Override::Rapid(50)),
            _ => match what.split_once(' ') {
                Some(("send", text)) => session.command(now, text.as_bytes()),
                Some(("set", text)) => {
                    let (name, value) = text.split_once(' ').expect("name and value");
                    session.write_setting(now, name, value);
                }
                Some(("job", text)) => {
                    self.lines =
                        text.split(" / ").map(|l| &*Box::leak(l.to_owned().into_boxed_str())).collect();
                    self.given = 0;
                }
                _ => panic!("{what}"),
            },
        }
    }

    /// Gives lines, and writes down what was sent and told. Questions for the state and reports are left out.
    fn look(&mut self) {
        loop {
            while self.session.wants_line() && self.given < self.lines.len() {
                let (text, number) = (self.lines[self.given].as_bytes(), self.given as u64 + 1);
                self.given += 1;
                self.session.give(
                    self.now,
                    Line { number, text: text.into(), duration: Duration::ZERO, reach: None },
                );
            }
            if self.session.wants_line() && !self.lines.is_empty() && self.given == self.lines.len() {
                self.given += 1;
                self.session.end_of_program(self.now);
            }
            let before = self.text.len();
            while let Some(event) = self.session.next_event() {
                let told = match event {
                    Event::Status(_) | Event::Sent(_) | Event::Message(_) => continue,
                    Event::Ready(who) => format!("ready {:?} {}", who.protocol.expect("known"), who.firmware),
                    other => format!("{other:?}"),
                };
                writeln!(self.text, "* {told}").expect("text");
            }
            let mut sent = Vec::new();
            while !self.session.outbox().is_empty() {
                let next = self.session.outbox().next().to_vec();
                self.session.outbox().sent(next.len());
                sent.extend(next);
            }
            sent.retain(|b| *b != b'?');
            if !sent.is_empty() {
                writeln!(self.text, "> {}", sent.escape_ascii()).expect("text");
            }
            if self.text.len() == before {
                return;
            }
        }
    }
}

/// Plays `script` and compares what the session sent and told.
fn check(protocol: Option<Protocol>, options: Options, script: &str, expected: &Expect) {
    let mut play = Play::new(protocol, options);
    play.play(script);
    expected.assert_eq(&play.text);
}

/// The same after a GRBL has said who it is.
fn grbl(options: Options, script: &str, expected: &Expect) {
    let mut play = Play::new(Some(Protocol::Grbl), options);
    play.play(
        "! connect
         < Grbl 1.1h ['$' for help]
         < [VER:1.1h.20190830:]
         < [OPT:V,15,128]
         < ok
         < <Idle|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,0.000,0.000>",
    );
    play.text.clear();
    play.play(script);
    expected.assert_eq(&play.text);
}

/// The same after a Marlin has.
fn marlin(options: Options, script: &str, expected: &Expect) {
    let mut play = Play::new(Some(Protocol::Marlin), options);
    play.play(
        "! connect\n< FIRMWARE_NAME:Marlin 2.1.2 SOURCE_CODE_URL:x\n< Cap:EMERGENCY_PARSER:1\n< ok\n< ok",
    );
    play.text.clear();
    play.play(script);
    expected.assert_eq(&play.text);
}

/// What lay in the port's buffer before anybody listened.
#[test]
fn an_old_greeting_says_who_is_there_and_is_no_new_start() {
    let mut marlin = Play::new(Some(Protocol::Marlin), Options::default());
    marlin.play("< start\n< echo:Marlin bugfix-2.1.x\n! connect\n+ 30");
    assert_eq!(marlin.text.matches("M115").count(), 1, "{}", marlin.text);
    let mut grbl = Play::new(None, Options::default());
    grbl.play("< Grbl 1.1h ['$' for help]\n! connect");
    assert!(
        grbl.text.contains("$I") && !grbl.text.contains("> ="),
        "nobody has left half a line: {}",
        grbl.text
    );
    let mut used = Play::new(None, Options::default());
    used.play("< Grbl 1.1h ['$' for help]\n< ok\n! connect");
    assert!(!used.text.contains("$I"), "somebody was there since: {}", used.text);
}

#[test]
fn a_grbl_that_does_not_restart_is_asked_without_running_half_a_line() {
    let script = "! connect
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0>
        < error:1
        < [VER:1.1h.20190830:]
        < [OPT:V,15,128]
        < ok
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,0.000,0.000>";
    check(
        None,
        Options::default(),
        script,
        &expect![[r#"
          > =\n
          > $I\n
          * ready Grbl 1.1h.20190830
    "#]],
    );
}

#[test]
fn a_machine_at_work_is_only_watched() {
    let script = "! connect
        < <Run|MPos:1.000,0.000,0.000|FS:500,0>
        + 600
        < <Run|MPos:2.000,0.000,0.000|FS:500,0>
        + 60
        < <Idle|MPos:3.000,0.000,0.000|FS:0,0>";
    check(
        None,
        Options::default(),
        script,
        &expect![[r#"
          > =\n
    "#]],
    );
}

#[test]
fn grblhal_and_fluidnc_say_who_they_are() {
    let hal = "! connect
        < GrblHAL 1.1f ['$' or '$HELP' for help]
        < [VER:1.1f.20260817:]
        < [OPT:VNMSL,100,1024,3,0]
        < [FIRMWARE:grblHAL]
        < ok
        < <Idle|MPos:0.000,0.000,0.000|Bf:100,1023|FS:0,0|WCO:0.000,0.000,0.000>";
    check(
        None,
        Options::default(),
        hal,
        &expect![[r#"
          > $I\n
          * ready GrblHal 1.1f.20260817
    "#]],
    );
    let fluid = "! connect
        < Grbl 3.7 [FluidNC v3.7.16 (wifi) '$' for help]
        < [VER:3.7 FluidNC v3.7.16:]
        < [OPT:PHSW]
        < ok
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,0.000,0.000>";
    check(
        None,
        Options::default(),
        fluid,
        &expect![[r#"
          > $I\n
          * ready FluidNc 3.7 FluidNC v3.7.16
    "#]],
    );
}

#[test]
fn grbl_0_9_answers_in_its_own_style() {
    let script = "! connect
        < Grbl 0.9j ['$' for help]
        < [0.9j.20160303:]
        < ok
        < <Idle,MPos:0.000,0.000,0.000,WPos:0.000,0.000,0.000>
        ! job G1X1
        < ok
        < [G1 G54 G17 G21 G90 G94 M0 M5 M9 T0 F0. S0.]
        < ok
        + 60
        < <Idle,MPos:0.000,0.000,0.000,WPos:0.000,0.000,0.000>
        + 60
        < <Idle,MPos:0.000,0.000,0.000,WPos:0.000,0.000,0.000>
        + 60
        < <Idle,MPos:0.000,0.000,0.000,WPos:0.000,0.000,0.000>
        + 60
        < <Idle,MPos:0.000,0.000,0.000,WPos:0.000,0.000,0.000>";
    check(
        None,
        Options::default(),
        script,
        &expect![[r#"
          > $I\n
          * ready Grbl 0.9j.20160303
          > G1X1\n$G\n
          * Acknowledged(1)
          * Finished { position_mm: Some([0.0, 0.0, 0.0]) }
    "#]],
    );
}

#[test]
fn smoothieware_takes_one_line_at_a_time() {
    let script = "! connect
        < <Idle|MPos:0.0000,0.0000,0.0000|WPos:0.0000,0.0000,0.0000|F:4000.0,100.0>
        < ok
        < ok
        < FIRMWARE_NAME:Smoothieware, FIRMWARE_URL:http%3A//smoothieware.org, FIRMWARE_VERSION:edge-94de12c
        < ok
        < <Idle|MPos:0.0000,0.0000,0.0000|WPos:0.0000,0.0000,0.0000|F:4000.0,100.0>
        ! job G1 X1 / G1 X2
        < ok
        < ok
        < ok
        < ok C: X:2.0000 Y:0.0000 Z:0.0000 E:0.0000
        + 60
        < <Idle|MPos:2.0000,0.0000,0.0000|WPos:2.0000,0.0000,0.0000|F:4000.0,100.0>
        + 60
        < <Idle|MPos:2.0000,0.0000,0.0000|WPos:2.0000,0.0000,0.0000|F:4000.0,100.0>
        + 60
        < <Idle|MPos:2.0000,0.0000,0.0000|WPos:2.0000,0.0000,0.0000|F:4000.0,100.0>
        + 60
        < <Idle|MPos:2.0000,0.0000,0.0000|WPos:2.0000,0.0000,0.0000|F:4000.0,100.0>";
    check(
        None,
        Options::default(),
        script,
        &expect![[r#"
          > =\n
          > $I\n
          > \nM115\n
          * ready Smoothie Smoothieware
          > G1 X1\n
          * Acknowledged(1)
          > G1 X2\n
          * Acknowledged(2)
          > M400\n
          > M114\n
          * Finished { position_mm: Some([2.0, 0.0, 0.0]) }
    "#]],
    );
}

#[test]
fn marlin_is_found_behind_a_question_it_does_not_know() {
    let script = "! connect
        + 450
        < echo:Unknown command: \"?=\"
        < ok
        < FIRMWARE_NAME:Marlin 2.1.2 (Jan  1 2024) SOURCE_CODE_URL:github.com PROTOCOL_VERSION:1.0
        < Cap:EMERGENCY_PARSER:1
        < ok
        < ok";
    check(
        None,
        Options::default(),
        script,
        &expect![[r#"
          > =\n
          > \nM115\n
          > N0 M110 N0*125\n
          * ready Marlin Marlin 2.1.2 (Jan  1 2024)
    "#]],
    );
}

#[test]
fn reprapfirmware_is_numbered_too() {
    let script = "! connect
        + 450
        < ok
        < FIRMWARE_NAME: RepRapFirmware for Duet 2 WiFi/Ethernet FIRMWARE_VERSION: 3.4.5 ELECTRONICS: Duet WiFi 1.02
        < ok
        < ok
        ! job G1 X1
        < rs 1
        + 600
        < ok
        < ok
        < X:1.000 Y:0.000 Z:0.000 E:0.000 E0:0.0 Count 80 0 0 Machine 1.000 0.000 0.000
        < ok";
    check(
        None,
        Options::default(),
        script,
        &expect![[r#"
          > =\n
          > \nM115\n
          > N0 M110 N0*125\n
          * ready RepRapFirmware RepRapFirmware for Duet 2 WiFi/Ethernet
          > N1 G1 X1*96\n
          * Resent(1)
          > N1 G1 X1*96\n
          * Acknowledged(1)
          > N2 M400*37\n
          > N3 M114*36\n
          * Finished { position_mm: Some([1.0, 0.0, 0.0]) }
    "#]],
    );
}

#[test]
fn every_way_of_asking_for_a_line_again_is_obeyed_once() {
    let script = "! job G1 X1 / G1 X2 / G1 X3
        < Error:checksum mismatch, Last Line: 0
        < Resend: 1
        < ok
        < ok
        < Resend:N2
        < ok
        < ok
        < rs 3
        + 600
        < ok
        < ok
        < X:3.00 Y:0.00 Z:0.00 E:0.00 Count X:240 Y:0 Z:0";
    marlin(
        Options::default(),
        script,
        &expect![[r#"
          > N1 G1 X1*96\n
          * Resent(1)
          > N1 G1 X1*96\n
          * Acknowledged(1)
          > N2 G1 X2*96\n
          * Resent(2)
          > N2 G1 X2*96\n
          * Acknowledged(2)
          > N3 G1 X3*96\n
          * Resent(3)
          > N3 G1 X3*96\n
          * Acknowledged(3)
          > N4 M400*35\n
          > N5 M114*34\n
          * Finished { position_mm: Some([3.0, 0.0, 0.0]) }
    "#]],
    );
}

#[test]
fn nobody_answers_and_a_repeated_line_tells_where_things_stand() {
    let script = "! job G1 X1 / G1 X2
        < ok
        + 4000
        < Error:Line Number is not Last Line Number+1, Last Line: 2
        < Resend: 3
        < ok
        < ok
        < X:2.00 Y:0.00 Z:0.00 E:0.00 Count X:160 Y:0 Z:0";
    marlin(
        Options::default(),
        script,
        &expect![[r#"
          > N1 G1 X1*96\n
          * Acknowledged(1)
          > N2 G1 X2*96\n
          > N2 G1 X2*96\n
          * Acknowledged(2)
          > N3 M400*36\n
          > N4 M114*35\n
          * Finished { position_mm: Some([2.0, 0.0, 0.0]) }
    "#]],
    );
}

#[test]
fn a_silent_printer_is_given_up_with_its_heaters_off() {
    let options = Options { process: Process::Heaters, ..Options::default() };
    marlin(
        options,
        "! job G1 X1\n+ 20000",
        &expect![[r#"
          > N1 G1 X1*96\n
          > N1 G1 X1*96\n
          > N1 G1 X1*96\n
          > N1 G1 X1*96\n
          > M104 S0\nM140 S0\nM107\nM400\n
          * Failed(Silent { waited: 13.333333332s })
    "#]],
    );
}

#[test]
fn busy_printers_and_chatter_are_waited_for() {
    let script = "! job M190 S60 / G1 X1
        + 2000
        < echo:busy: processing
        + 2000
        < T:20.0 /0.0 B:30.0 /60.0 W:?
        + 2000
        < echo:busy: processing
        + 2000
        < wait
        < ok
        < T:20.0 /0.0 B:60.0 /60.0
        < ok";
    marlin(
        Options::default(),
        script,
        &expect![[r#"
          > N1 M190 S60*95\n
          * Acknowledged(1)
          > N2 G1 X1*99\n
          * Acknowledged(2)
          > N3 M400*36\n
    "#]],
    );
}

#[test]
fn a_printers_own_panel_may_pause_resume_and_cancel() {
    let script = "! job G1 X1 / G1 X2 / G1 X3
        < //action:pause
        < ok
        + 30000
        < //action:resume
        < ok
        < //action:cancel
        < ok
        < ok
        < ok
        < ok";
    marlin(
        Options { process: Process::Heaters, ..Options::default() },
        script,
        &expect![[r#"
          > N1 G1 X1*96\n
          * Held { cause: Host, why: "the machine asks for a pause (pause)" }
          * Acknowledged(1)
          * Resumed
          > N2 G1 X2*96\n
          * Acknowledged(2)
          > N3 G1 X3*96\n
          > M410\nM104 S0\n
          > M140 S0\n
          > M107\n
          > M400\n
          * Failed(Stopped)
    "#]],
    );
}

#[test]
fn pauses_of_the_program_wait_for_the_operator() {
    let script = "! job G1X1 / M0 / G1X2M1 / T2M6 / G1X3
        < ok
        < ok
        ! resume
        < ok
        < ok
        ! resume
        < ok
        < ok";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > G1X1\nG4P0.01\n
          * Acknowledged(1)
          * Held { cause: Program, why: "the program pauses at line 2" }
          * Resumed
          * Acknowledged(2)
          > G1X2\nG4P0.01\n
          * Acknowledged(3)
          * Held { cause: Tool(Some(2)), why: "line 4 asks for tool 2" }
          * Resumed
          > T2\nG1X3\n$G\n
          * Acknowledged(4)
          * Acknowledged(5)
    "#]],
    );
}

#[test]
fn a_tool_change_may_be_a_macro() {
    let lines = vec![(*b"G53G0Z0").into(), (*b"M5").into()];
    let options = Options { tool_change: Policy::Macro(lines), ..Options::default() };
    grbl(
        options,
        "! job G1X1 / M6T2 / G1X3\n< ok\n< ok\n< ok\n< ok\n< ok",
        &expect![[r#"
          > G1X1\nG53G0Z0\nM5\nT2\nG1X3\n$G\n
          * Acknowledged(1)
          * Acknowledged(2)
          * Acknowledged(3)
    "#]],
    );
}

#[test]
fn what_writes_settings_goes_alone() {
    let script = "! job G1X1 / G10L2P1X0 / G1X2 / G1X3
        < ok
        < ok";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > G1X1\n
          * Acknowledged(1)
          > G10L2P1X0\n
          * Acknowledged(2)
          > G1X2\nG1X3\n$G\n
    "#]],
    );
}

#[test]
fn a_refused_line_stops_the_machine_before_anything_else() {
    let options = Options { retract: Retract::By(5.0), ..Options::default() };
    let script = "! job G1X1 / G999 / G1X2
        < ok
        < error:20
        < ok
        < <Run|MPos:0.100,0.000,0.000|FS:500,0>
        + 60
        < <Hold:1|MPos:0.200,0.000,0.000|FS:100,0>
        + 60
        < <Hold:0|MPos:0.250,0.000,0.000|FS:0,0>
        < Grbl 1.1h ['$' for help]
        < <Idle|MPos:0.250,0.000,0.000|FS:0,0>
        < ok
        < ok
        < ok
        < ok
        + 60
        < <Run|MPos:0.250,0.000,2.000|FS:500,0>
        + 60
        < <Idle|MPos:0.250,0.000,5.000|FS:0,0>
        + 60
        < <Idle|MPos:0.250,0.000,5.000|FS:0,0>";
    grbl(
        options,
        script,
        &expect![[r#"
          > G1X1\nG999\nG1X2\n$G\n
          * Acknowledged(1)
          > !
          > \x18
          > M5\n
          > M9\n
          > G21G91G0Z5.000\n
          > G90\n
          * Failed(Refused { line: 2, text: "G999", code: Some(20), said: "error:20" })
    "#]],
    );
}

#[test]
fn after_an_alarm_nothing_moves() {
    let options = Options { retract: Retract::By(5.0), ..Options::default() };
    let script = "! job G1X1 / G1X2
        < ALARM:1
        < Grbl 1.1h ['$' for help]
        < [MSG:'$H'|'$X' to unlock]
        < <Alarm|MPos:0.000,0.000,0.000|FS:0,0>
        ! unlock
        < [MSG:Caution: Unlocked]
        < ok";
    grbl(
        options,
        script,
        &expect![[r#"
          > G1X1\nG1X2\n$G\n
          > \x18
          * Failed(Alarm { code: Some(1), said: "ALARM:1" })
          > $X\n
          * Answered { text: "$X", refused: None }
    "#]],
    );
}

#[test]
fn a_restart_is_not_streamed_into() {
    let script = "! job G1X1 / G1X2
        < Grbl 1.1h ['$' for help]
        < error:22
        < Grbl 1.1h ['$' for help]
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0>
        < ok
        < ok
        + 60
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0>
        + 60
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0>";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > G1X1\nG1X2\n$G\n
          > \x18
          > M5\n
          > M9\n
          * Failed(Restarted { said: "Grbl 1.1h ['$' for help]" })
    "#]],
    );
}

#[test]
fn holding_is_repeated_and_so_is_going_on() {
    let script = "! job G1X1 / G1X2
        ! hold
        + 300
        < <Run|MPos:0.500,0.000,0.000|FS:500,0>
        + 50
        < <Hold:1|MPos:0.600,0.000,0.000|FS:100,0>
        ! resume
        + 110
        < <Hold:0|MPos:0.700,0.000,0.000|FS:0,0>
        + 110
        < <Run|MPos:0.700,0.000,0.000|FS:10,0>
        + 500";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > G1X1\nG1X2\n$G\n
          > !
          > !
          * Held { cause: Operator, why: "feed hold" }
          > ~
          > ~
          > ~
          * Resumed
    "#]],
    );
}

#[test]
fn a_door_is_told_open_and_closed() {
    let script = "! job G1X1 / G1X2
        < [MSG:Check Door]
        < <Door:2|MPos:0.500,0.000,0.000|FS:100,0>
        + 250
        < <Door:1|MPos:0.500,0.000,0.000|FS:0,0>
        + 250
        < <Door:0|MPos:0.500,0.000,0.000|FS:0,0>
        ! resume
        + 20
        < <Run|MPos:0.500,0.000,0.000|FS:10,0>";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > G1X1\nG1X2\n$G\n
          * Held { cause: Door(false), why: "the door is open" }
          * Held { cause: Door(true), why: "the door is closed again" }
          > ~
          * Resumed
    "#]],
    );
}

#[test]
fn check_mode_tells_every_line_that_would_be_refused() {
    let script = "! check
        < [MSG:Enabled]
        < ok
        + 200
        < <Check|MPos:0.000,0.000,0.000|FS:0,0>
        ! job G1X1 / G999 / G1X2
        < ok
        < error:20
        < ok
        < [GC:G1 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]
        < ok
        + 60
        < <Check|MPos:0.000,0.000,0.000|FS:0,0>
        + 60
        < <Check|MPos:0.000,0.000,0.000|FS:0,0>
        + 60
        < <Check|MPos:0.000,0.000,0.000|FS:0,0>
        + 60
        < <Check|MPos:0.000,0.000,0.000|FS:0,0>
        < Grbl 1.1h ['$' for help]";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > $C\n
          * Answered { text: "$C", refused: None }
          > G1X1\nG999\nG1X2\n$G\n
          * Acknowledged(1)
          * WouldRefuse { line: 2, text: "G999", code: Some(20), said: "error:20" }
          * Acknowledged(2)
          * Acknowledged(3)
          > $C\n
          * Finished { position_mm: Some([0.0, 0.0, 0.0]) }
    "#]],
    );
}

#[test]
fn settings_are_written_one_at_a_time_and_read_back() {
    let script = "! set $110 500
        ! set $111 600
        < ok
        < error:8
        < $110=500.000
        < $111=700.000
        < ok
        ! set $110 501
        < ok
        < $110=500.000
        < ok
        ! set $111 600
        ! set $110 502
        < ok
        < ok
        < $110=502.000
        < $111=600.000
        < ok";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > $110=500\n
          > $111=600\n
          * Answered { text: "$111=600", refused: Some((Some(8), "error:8")) }
          * Written("$111", "", false)
          > $$\n
          * Setting("$110", "500.000")
          * Setting("$111", "700.000")
          * Written("$110", "500.000", true)
          * SettingsEnd
          > $110=501\n
          > $$\n
          * Setting("$110", "500.000")
          * Written("$110", "500.000", false)
          * SettingsEnd
          > $111=600\n
          > $110=502\n
          > $$\n
          * Setting("$110", "502.000")
          * Setting("$111", "600.000")
          * Written("$111", "600.000", true)
          * Written("$110", "502.000", true)
          * SettingsEnd
    "#]],
    );
}

#[test]
fn hands_on_the_machine() {
    let script = "! jog
        < ok
        ! jog cancel
        ! feed 123
        ! rapid 50
        ! send $#
        < [G54:0.000,0.000,0.000]
        < ok
        ! home
        < ok
        ! stop
        + 60
        < <Hold:0|MPos:0.000,0.000,0.000|FS:0,0>
        < Grbl 1.1h ['$' for help]
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0>
        < ok
        < ok
        + 60
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0>
        + 60
        < <Idle|MPos:0.000,0.000,0.000|FS:0,0>";
    grbl(
        Options::default(),
        script,
        &expect![[r#"
          > $J=G21G91X10.0000Z-0.5000F500.0\n
          * Answered { text: "$J=G21G91X10.0000Z-0.5000F500.0", refused: None }
          > \x85
          > \x91\x91\x93\x93\x93
          > \x96
          > $#\n
          * Answered { text: "$#", refused: None }
          > $H\n
          * Answered { text: "$H", refused: None }
          > !
          > \x18
          > M5\n
          > M9\n
          * Failed(Stopped)
    "#]],
    );
    marlin(
        Options::default(),
        "! jog\n< ok\n< ok\n< ok\n< ok\n! home\n! feed 123",
        &expect![[r#"
          > N1 G21*27\n
          * Answered { text: "G21", refused: None }
          > N2 G91*19\n
          * Answered { text: "G91", refused: None }
          > N3 G1 X10.0000 Z-0.5000 F500.0*125\n
          * Answered { text: "G1 X10.0000 Z-0.5000 F500.0", refused: None }
          > N4 G90*20\n
          * Answered { text: "G90", refused: None }
          > N5 G28*22\n
    "#]],
    );
}

#[test]
fn a_printer_is_stopped_cold() {
    let options = Options { process: Process::Heaters, retract: Retract::By(10.0), ..Options::default() };
    let script = "! job G1 X1 / G1 X2
        < ok T:200.0 /200.0 B:60.0 /60.0 T1:200.0 /200.0
        ! stop
        < ok
        < ok
        < ok
        < ok
        < ok
        < ok
        < ok
        < ok";
    marlin(
        options,
        script,
        &expect![[r#"
          > N1 G1 X1*96\n
          * Acknowledged(1)
          > N2 G1 X2*96\n
          > M410\nM104 T1 S0\n
          > M104 S0\n
          > M140 S0\n
          > M107\n
          > G91\n
          > G0 Z10.000 F600\n
          > G90\n
          > M400\n
          * Failed(Stopped)
    "#]],
    );
}
