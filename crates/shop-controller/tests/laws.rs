//! What holds for every session, whatever happens on the wire.

use std::time::Duration;

use crate::rig::{Rig, kit, program, protocol_of, rosette};
use proptest::prelude::*;
use shop_controller::session::{Event, Options, Protocol, Session};
use shop_controller::sim::{self, Fault, Kind};

/// Faults of a wire that checks its lines.
fn marlin_faults() -> impl Strategy<Value = Vec<String>> {
    let at = 1u64..70;
    let fault = prop_oneof![
        at.clone().prop_map(|k| format!("drop-ok:{k}")),
        at.clone().prop_map(|k| format!("dup-ok:{k}")),
        at.clone().prop_map(|k| format!("garble-ok:{k}")),
        (at.clone(), 1u32..200).prop_map(|(k, ms)| format!("split-ok:{k}:{ms}")),
        (at.clone(), 1u32..20_000).prop_map(|(k, ms)| format!("delay-ok:{k}:{ms}")),
        (at.clone(), 1u32..20_000).prop_map(|(k, ms)| format!("busy:{k}:{ms}")),
        at.clone().prop_map(|k| format!("resend:{k}")),
        (at.clone(), 1u32..14).prop_map(|(k, n)| format!("storm:{k}:{n}")),
        (1u32..12).prop_map(|p| format!("noise-pct:{p}")),
        (40u64..2500).prop_map(|n| format!("drop-rx:{n}")),
        (40u64..2500).prop_map(|n| format!("flip-rx:{n}")),
        (at, 1u32..300).prop_map(|(k, ms)| format!("temps:{k}:{ms}")),
        Just("wait".to_owned()),
    ];
    prop::collection::vec(fault, 0..6)
}

/// Faults of a wire that only counts, except damage to the digits themselves.
fn grbl_faults() -> impl Strategy<Value = Vec<String>> {
    let at = 5u64..75;
    let fault = prop_oneof![
        at.clone().prop_map(|k| format!("drop-ok:{k}")),
        at.clone().prop_map(|k| format!("dup-ok:{k}")),
        at.clone().prop_map(|k| format!("garble-ok:{k}")),
        (at.clone(), 1u32..200).prop_map(|(k, ms)| format!("split-ok:{k}:{ms}")),
        (at.clone(), 1u32..20_000).prop_map(|(k, ms)| format!("delay-ok:{k}:{ms}")),
        (at.clone(), 1u32..20_000).prop_map(|(k, ms)| format!("stall:{k}:{ms}")),
        (at.clone(), 1u32..20_000).prop_map(|(k, ms)| format!("door:{k}:{ms}")),
        at.clone().prop_map(|k| format!("hold:{k}")),
        at.clone().prop_map(|k| format!("noise:{k}:[MSG:ok]")),
        at.clone().prop_map(|k| format!("noise:{k}:[G54:1.0,2.0,3.0]")),
        (at.clone(), 1u32..60).prop_map(|(k, e)| format!("error:{k}:{e}")),
        (at.clone(), 1u32..10).prop_map(|(k, a)| format!("alarm:{k}:{a}")),
        at.clone().prop_map(|k| format!("reset:{k}")),
        at.clone().prop_map(|k| format!("hang:{k}")),
        at.prop_map(|k| format!("dead:{k}")),
    ];
    prop::collection::vec(fault, 0..4)
}

fn machine(kind: Kind, faults: &[String], latency_ms: u64, reports: u16) -> sim::Options {
    let mut machine = kit(kind);
    machine.keep_moves = true;
    machine.latency = Duration::from_millis(latency_ms);
    machine.faults = faults.iter().map(|f| f.parse::<Fault>().expect("a fault")).collect();
    if kind == Kind::Grbl {
        machine.settings.push((10, f64::from(reports)));
    }
    machine
}

/// Runs a program; it ends, and it ends well only if it was done.
fn honest(kind: Kind, machine: sim::Options, options: Options) -> Rig {
    let lines = program(&rosette(60, kind == Kind::Marlin), protocol_of(kind));
    let mut machine = machine;
    // A bit that is turned twice in a line leaves its checksum as it was: nobody can find that.
    let mut turned = 0;
    machine.faults.retain(|f| {
        !matches!(f.what, sim::What::FlipByte(_)) || {
            turned += 1;
            turned
        } == 1
    });
    let clean = machine.clone();
    let mut rig = Rig::new(kind, machine, options);
    rig.connect();
    let before = rig.machine.record().clone();
    if rig.failure().is_some() {
        return rig;
    }
    rig.job(lines.clone());
    assert!(rig.is_finished() != rig.failure().is_some(), "it hangs\n{}", rig.story());
    // A line whose first letter was damaged is taken as a command that nobody knows, which does nothing.
    let strange =
        rig.events.iter().any(|e| matches!(e, Event::Message(m) if m.contains("Unknown command: \"")));
    let exact = || strange && kind == Kind::Marlin || rig.took_exactly(&lines, &before);
    assert!(!rig.is_finished() || exact(), "it lies\n{}", rig.story());
    if rig.is_finished() {
        let mut undisturbed =
            Rig::new(kind, sim::Options { faults: Vec::new(), ..clean }, Options::default());
        undisturbed.connect().job(lines.clone());
        let (went, should) = (&rig.machine.record().moves, &undisturbed.machine.record().moves);
        let same = |a: &sim::Move, b: &sim::Move| (0..4).all(|i| (a.to_mm[i] - b.to_mm[i]).abs() < 1e-6);
        let same = went.len() == should.len() && went.iter().zip(should).all(|(a, b)| same(a, b));
        assert!(same, "it went elsewhere\n{}", rig.story());
    }
    let told = rig.acknowledged();
    assert!(told.windows(2).all(|w| w[0] < w[1]), "told twice: {told:?}");
    assert!(!rig.is_finished() || told.len() == lines.len(), "{} told of {}", told.len(), lines.len());
    rig
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn marlin_takes_every_line_once_or_the_job_fails(
        faults in marlin_faults(),
        advanced in any::<bool>(),
        latency in prop::sample::select(&[0u64, 1, 16][..]),
        paced in any::<bool>(),
    ) {
        let mut sim = machine(Kind::Marlin, &faults, latency, 0);
        sim.advanced_ok = advanced;
        let bytes_per_s = paced.then_some(11_520);
        honest(Kind::Marlin, sim, Options { bytes_per_s, ..Options::default() });
    }

    #[test]
    fn grbl_takes_every_line_once_or_the_job_fails(
        faults in grbl_faults(),
        latency in prop::sample::select(&[0u64, 1, 16][..]),
        reports in prop::sample::select(&[1u16, 3][..]),
        hal in any::<bool>(),
    ) {
        let kind = if hal { Kind::GrblHal } else { Kind::Grbl };
        let doubled = faults.iter().any(|f| f.starts_with("dup-ok"));
        let rig = honest(kind, machine(kind, &faults, latency, reports), Options::default());
        // Only an answer that was counted twice can make the ring run over.
        prop_assert!(doubled || rig.machine.record().overflow == 0);
        // Unless the machine is deaf, or the door that opened meanwhile keeps the last lines waiting.
        let deaf = |fault: &String| ["hang", "dead", "door", "hold"].iter().any(|name| fault.starts_with(name));
        let mut rig = rig;
        if rig.failure().is_some() && !faults.iter().any(deaf) {
            rig.run_until(60, |_| false);
            prop_assert!(rig.machine.is_at_rest(), "{}", rig.story());
        }
    }

    #[test]
    fn a_wire_is_never_idle_and_never_long(
        baud in prop::sample::select(&[9600u32, 57_600, 115_200, 250_000, 1_000_000][..]),
        latency in prop::sample::select(&[0u64, 1][..]),
        hal in any::<bool>(),
    ) {
        let kind = if hal { Kind::GrblHal } else { Kind::Grbl };
        let mut sim = sim::Options { baud, ..machine(kind, &[], latency, 1) };
        sim.speed = 1e6;
        let rate = baud / 10;
        let options = Options { bytes_per_s: Some(rate), read_settings: false, ..Options::default() };
        let lines = program(&rosette(1000, false), Protocol::Grbl);
        let bytes: usize = lines.iter().map(|l| l.text.len() + 1).sum();
        let mut rig = Rig::new(kind, sim, options);
        rig.connect();
        let (begun, high) = (rig.now, rig.backlog_high);
        rig.job(lines);
        prop_assert!(rig.is_finished(), "{}", rig.story());
        let last = rig.events.iter().rposition(|e| matches!(e, Event::Acknowledged(_))).expect("some");
        let (took, floor) = (rig.times[last].saturating_sub(begun).as_secs_f64(), bytes as f64 / f64::from(rate));
        // 4 bytes answer 20: at a million baud a millisecond of latency is five lines, and the window is six.
        let lawful = if latency == 0 || baud <= 115_200 { 1.03 } else { 2.0 };
        prop_assert!(took <= floor * lawful + 0.05, "{took} s, floor {floor} s");
        // What waits in the operating system is what a feed hold has to wait for.
        let most = f64::from(rate) * 0.012 + 40.0;
        prop_assert!((rig.backlog_high as f64) <= most, "{high} {} bytes", rig.backlog_high);
    }

    #[test]
    fn bytes_in_flight_never_exceed_the_window(
        lengths in prop::collection::vec(1usize..79, 1..60),
        window in 16u32..300,
        answers in prop::collection::vec(0usize..5, 0..120),
    ) {
        let mut session = ready(Options { window: Some(window), ..Options::default() });
        let mut lines = lengths.into_iter().zip(1u64..);
        for (turn, answers) in answers.into_iter().enumerate() {
            while session.wants_line() {
                let Some((length, number)) = lines.next() else { break };
                let text = vec![b'X'; length].into_boxed_slice();
                session.give(at(turn), line(number, text));
            }
            let most = usize::try_from(window).expect("small");
            prop_assert!(session.bytes_in_flight() <= most || session.in_flight() == 1);
            let count = session.outbox().len();
            write_all(&mut session);
            prop_assert!(count <= most.max(80) + 2);
            let answers = answers.min(session.in_flight());
            session.receive(at(turn), "ok\r\n".repeat(answers).as_bytes());
        }
    }

    #[test]
    fn split_points_do_not_matter(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..30),
        cuts in prop::collection::vec(0usize..600, 0..12),
        marlin in any::<bool>(),
        given in 0u64..6,
    ) {
        let mut whole = if marlin { ready_marlin() } else { ready(Options::default()) };
        for number in 1..=given {
            whole.give(at(0), line(number, (*b"G1X1").into()));
        }
        write_all(&mut whole);
        let mut pieces = whole.clone();
        let bytes = words.concat().into_bytes();
        whole.receive(at(3), &bytes);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        for cut in cuts.windows(2) {
            pieces.receive(at(3), &bytes[cut[0]..cut[1]]);
        }
        let told = |session: &mut Session| -> (Vec<Event>, Vec<u8>) {
            // When the state is asked for does not matter.
            let bytes = write_all(session).into_iter().filter(|b| *b != b'?').collect();
            (std::iter::from_fn(|| session.next_event()).collect(), bytes)
        };
        prop_assert_eq!(told(&mut whole), told(&mut pieces));
    }
}

const WORDS: &[&str] = &[
    "ok\r\n",
    "ok\r\n",
    "ok\r\n",
    "error:20\r\n",
    "<Run|MPos:1.000,2.000,3.000|FS:500,0>\r\n",
    "<Hold:0|MPos:1.000,2.000,3.000|Bf:3,100|FS:0,0>\r\n",
    "<Idle|MPos:1.000,2.000,3.000|Bf:15,128|FS:0,0>\r\n",
    "[MSG:Pgm End]\r\n",
    "[GC:G0 G54]\r\n",
    "\r\n",
    "o\0\r\n",
    "Resend: 2\n",
    "Error:checksum mismatch, Last Line: 1\n",
    "ok N2 P15 B3\n",
    "ok T:20.0 /0.0\n",
    "echo:busy: processing\n",
    "//action:pause\n",
    "ALARM:1\r\n",
    "Grbl 1.1h ['$' for help]\r\n",
    "start\n",
];

fn at(turn: usize) -> Duration {
    Duration::from_millis(20 + turn as u64)
}

fn line(number: u64, text: Box<[u8]>) -> shop_controller::session::Line {
    shop_controller::session::Line { number, text, duration: Duration::ZERO, reach: None }
}

fn write_all(session: &mut Session) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !session.outbox().is_empty() {
        let next = session.outbox().next().to_vec();
        session.outbox().sent(next.len());
        bytes.extend(next);
    }
    bytes
}

/// A session with GRBL that is ready.
fn ready(options: Options) -> Session {
    let mut session = Session::new(Some(Protocol::Grbl), Options { read_settings: false, ..options });
    session.connect(Duration::ZERO);
    for said in ["Grbl 1.1h ['$' for help]\r\n", "[VER:1.1h:]\r\n[OPT:V,15,128]\r\nok\r\n"] {
        session.receive(at(0), said.as_bytes());
        write_all(&mut session);
    }
    session.receive(at(0), b"<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0|WCO:0.000,0.000,0.000>\r\n");
    write_all(&mut session);
    while session.next_event().is_some() {}
    assert!(session.wants_line());
    session
}

/// A session with Marlin that is ready.
fn ready_marlin() -> Session {
    let mut session = Session::new(Some(Protocol::Marlin), Options::default());
    session.connect(Duration::ZERO);
    for said in ["FIRMWARE_NAME:Marlin 2.1\nCap:EMERGENCY_PARSER:1\nok\n", "ok\n"] {
        write_all(&mut session);
        session.receive(at(0), said.as_bytes());
    }
    while session.next_event().is_some() {}
    assert!(session.wants_line());
    session
}
