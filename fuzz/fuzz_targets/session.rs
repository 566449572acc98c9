//! A session hears any bytes in any pieces, at any time, while an operator asks for anything: no panic, no hang, and
//! what it keeps stays small.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use shop_controller::session::{
    Jog, Line, Options, Override, Policy, Process, Protocol, Reach, Retract, Session, Way, Zero, wire,
};

/// What controllers say, so that the fuzzer does not have to find out.
const WORDS: &[&str] = &[
    "ok\r\n",
    "error:20\r\n",
    "Grbl 1.1h ['$' for help]\r\n",
    "[VER:1.1h.20190830:]\r\n[OPT:V,15,128]\r\nok\r\n",
    "$13=1\r\n$110=500.000\r\nok\r\n",
    "<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0|WCO:0.000,0.000,0.000>\r\n",
    "<Run|MPos:1.000,2.000,3.000|Bf:3,20|FS:500,0>\r\n",
    "<Hold:1|MPos:1.000,2.000,3.000|FS:10,0>\r\n",
    "<Hold:0|MPos:1.000,2.000,3.000|FS:0,0>\r\n",
    "<Door:0|WPos:1.000,2.000,3.000>\r\n",
    "<Alarm|MPos:1.000,2.000,3.000>\r\n",
    "<Check|MPos:1.000,2.000,3.000>\r\n",
    "[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]\r\n",
    "ALARM:1\r\n",
    "start\n",
    "FIRMWARE_NAME:Marlin 2.1\nCap:EMERGENCY_PARSER:1\nok\n",
    "FIRMWARE_NAME:Smoothieware\nok\n",
    "FIRMWARE_NAME: RepRapFirmware\nok\n",
    "ok N3 P15 B3\n",
    "ok T:20.0 /0.0 B:20.0 /0.0 T1:20 /0\n",
    "Resend: 2\nok\n",
    "rs 1\n",
    "Resend: -5\n",
    "Error:checksum mismatch, Last Line: 3\n",
    "Error:Printer halted. kill() called!\n",
    "echo:busy: processing\n",
    "echo:busy: paused for user\n",
    "echo:Unknown command: \"G999\"\n",
    "//action:pause\n",
    "//action:resume\n",
    "//action:cancel\n",
    "X:1.00 Y:2.00 Z:3.00 E:0.00 Count X:80 Y:160 Z:1200\n",
    "wait\n",
    "!! halted\n",
];

const LINES: &[&str] = &[
    "G1X1Y2",
    "M0",
    "T2 M6 G0 X1",
    "M600",
    "G10L20P1X0",
    "$10=3",
    "M1",
    "G4P5",
    "G92X0",
    "G90G55X1",
    "G38.2Z-5F100",
    "G28G91Z0",
    "M30",
    "$H",
    "",
    "G1X123.456Y123.456Z123.456A123.456B123.456C123.456I123.456J123.456K123.456F1234.567S12345",
];

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.iter().copied();
    let Some(choice) = bytes.next() else { return };
    let protocols = [
        None,
        Some(Protocol::Grbl),
        Some(Protocol::GrblHal),
        Some(Protocol::FluidNc),
        Some(Protocol::Marlin),
        Some(Protocol::Smoothie),
        Some(Protocol::RepRapFirmware),
    ];
    let macros = vec![(*b"G53G0Z0").into(), (*b"M5").into()];
    let options = Options {
        bytes_per_s: (choice & 0x80 != 0).then_some(11_520),
        tool_change: if choice & 0x40 == 0 { Policy::Prompt } else { Policy::Macro(macros) },
        process: [Process::Spindle, Process::Beam, Process::Heaters, Process::None][usize::from(choice) % 4],
        retract: [Retract::Never, Retract::To(-1.0), Retract::By(5.0)][usize::from(choice) % 3],
        ..Options::default()
    };
    let mut session = Session::new(protocols[usize::from(choice & 0x3F) % protocols.len()], options);
    let mut now = Duration::ZERO;
    let mut number = 0;
    session.connect(now);
    while let Some(what) = bytes.next() {
        let mut next = || bytes.next().unwrap_or(0);
        match what {
            0..=79 => session.receive(now, WORDS[usize::from(what) % WORDS.len()].as_bytes()),
            80..=109 => {
                let piece: Vec<u8> = (0..what - 79).map(|_| next()).collect();
                session.receive(now, &piece);
            }
            110..=129 => {
                now += Duration::from_millis(u64::from(next()).pow(2) / 8);
                session.tick(now);
            }
            130..=139 => {
                if let Some(due) = session.deadline() {
                    now = now.max(due);
                }
                session.tick(now);
            }
            140..=179 => {
                let end = [f64::from(next()), 0.0, 0.0];
                if session.wants_line() {
                    number += 1;
                    let text = LINES[usize::from(what) % LINES.len()].as_bytes();
                    let way = match what % 3 {
                        0 => Way::Somewhere,
                        1 => Way::Straight { from_mm: [0.0; 3] },
                        _ => Way::Round {
                            from_mm: [0.0; 3],
                            center_mm: [1.0, 2.0],
                            sweep: f64::from(next()) - 99.0,
                        },
                    };
                    let zero = [[Zero::First; 3], [Zero::Told; 3], [Zero::Unknown; 3]][usize::from(what) % 3];
                    let reach = Reach { end_mm: end, low_mm: [0.0; 3], high_mm: end, way, zero };
                    let duration = Duration::from_millis(u64::from(what));
                    session.give(
                        now,
                        Line {
                            number,
                            text: text.into(),
                            duration,
                            reach: Some(reach).filter(|_| what % 7 > 0),
                        },
                    );
                }
            }
            180..=184 => session.end_of_program(now),
            185..=189 => session.hold(now),
            190..=194 => session.resume(now),
            195 => session.stop(now),
            196 => session.reset(now),
            197 => session.jog(now, &Jog { axes_mm: [Some(1.0), None, Some(f64::NAN)], ..Jog::default() }),
            198 => session.jog_cancel(now),
            199 => session.unlock(now),
            200 => session.home(now),
            201 => session.set_override(now, Override::Feed(u16::from(next()))),
            202 => session.set_override(now, Override::Spindle(u16::from(next()) * 200)),
            203 => session.set_override(now, Override::Rapid(u16::from(next()))),
            204 => session.command(now, b"$G"),
            205 => session.read_settings(now),
            206 => session.write_setting(now, "$110", "500"),
            207 => session.query_status(now),
            208 => _ = session.check_mode(now),
            209 => session.disconnected(now),
            210..=219 => {
                let line: Vec<u8> = (0..what - 200).map(|_| next()).collect();
                let _ = wire::clean(&line, Protocol::Grbl);
                let _ = wire::clean(&line, Protocol::Marlin);
                let _ = wire::clean(&line, Protocol::RepRapFirmware);
            }
            220..=229 => {
                let count = session.outbox().next().len().min(usize::from(next()));
                session.outbox().sent(count);
            }
            _ => {
                while !session.outbox().is_empty() {
                    let count = session.outbox().next().len();
                    session.outbox().sent(count);
                }
            }
        }
        while session.next_event().is_some() {}
        assert!(session.outbox().len() < 64 * 1024);
        assert!(session.in_flight() <= 2048);
        session.tick(now);
        while session.next_event().is_some() {}
        assert!(session.deadline().is_none_or(|due| due > now), "it would never wait");
    }
});
