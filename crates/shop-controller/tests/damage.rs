//! Bytes that are damaged on their way to a GRBL, which has no checksums: every byte of a program is lost once, and each of
//! its bits turned once.
//!
//! The law: a job ends well only if the tool stayed as near to its way as a machine can be known to have stayed that is
//! asked where it is ten times a second. Out and back between two reports takes a tool no further than half a period
//! times its speed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::rig::Rig;
use proptest::prelude::*;
use shop_controller::session::{Event, Failure, Line, Options, Override, Reach, Way, Zero};
use shop_controller::sim::{self, Kind};

/// A small part as a router cuts it: lines and arcs of all lengths, plunges, a dwell, two feeds, two speeds.
const PART: &[&str] = &[
    "G21G90G17G94",
    "M3S12000",
    "G0X5.25Y4Z5",
    "G1Z-1.5F300",
    "X46.125F1200",
    "G3X50.375Y8.25I0J4.25",
    "G1Y31.5",
    "X49.9Y33.1",
    "X48.6Y34.7",
    "X46.125Y35.75",
    "G3X5.25Y36.5I-20.625J-9.84375",
    "G1X1.5Y32.25F900",
    "Y7.75",
    "G3X5.25Y4I3.75J0",
    "G4P0.3",
    "G1Z5F600",
    "G0X25Y20",
    "S9000",
    "G1Z-2F300",
    "X30.125F800",
    "G2X30.125Y20I-5.125J0",
    "G0Z5",
    "M5",
    "G0X0Y0",
    "M30",
];

/// Period of the questions, and the tolerance of places that are looked at on the way: the corridor and the grain.
const PERIOD_S: f64 = 0.1;
const TOLERANCE_MM: f64 = 0.11;
/// The fastest the program asks for, and the machine's rapids (workshop settings: 5 m/min on X and Y together).
const FEED_MM_PER_S: f64 = 20.0;
const RAPID_MM_PER_S: f64 = 84.0 * 1.42;

fn number(text: &str, letter: char) -> Option<f64> {
    let rest = &text[text.find(letter)? + 1..];
    let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The program with the way of each line, worked out here.
fn part() -> Vec<Line> {
    let (mut at, mut mode) = ([0.0f64; 3], 0);
    let lines = PART.iter().zip(1..).map(|(text, line)| {
        let from = at;
        if let Some(g) =
            ["G0", "G1", "G2", "G3"].iter().position(|g| text.starts_with(g) && !text.starts_with("G21"))
        {
            mode = g;
        }
        for (axis, letter) in ['X', 'Y', 'Z'].into_iter().enumerate() {
            at[axis] = number(text, letter).unwrap_or(at[axis]);
        }
        let (mut low_mm, mut high_mm) = (from, from);
        let mut way = Way::Straight { from_mm: from };
        if let (Some(i), Some(j), 2 | 3) = (number(text, 'I'), number(text, 'J'), mode) {
            let center_mm = [from[0] + i, from[1] + j];
            let angle = |p: [f64; 3]| (p[1] - center_mm[1]).atan2(p[0] - center_mm[0]);
            let turn = std::f64::consts::TAU;
            let ccw = (angle(at) - angle(from)).rem_euclid(turn);
            let sweep = if mode == 3 { ccw } else { ccw - turn };
            way = Way::Round { from_mm: from, center_mm, sweep };
            let radius = i.hypot(j);
            for axis in 0..2 {
                (low_mm[axis], high_mm[axis]) = (center_mm[axis] - radius, center_mm[axis] + radius);
            }
        }
        for axis in 0..3 {
            (low_mm[axis], high_mm[axis]) = (low_mm[axis].min(at[axis]), high_mm[axis].max(at[axis]));
        }
        let reach = Reach { end_mm: at, low_mm, high_mm, way, zero: [Zero::First; 3] };
        Line {
            number: line,
            text: text.as_bytes().into(),
            duration: Duration::from_secs(8),
            reach: Some(reach),
        }
    });
    lines.collect()
}

/// Short segments, as finely as a wire can bring them.
fn rosette() -> Vec<Line> {
    let mut from = [0.0f64; 3];
    let lines = (0..400u32).map(|i| {
        let a = f64::from(i) * 0.01;
        let r = 60.0 + 20.0 * (5.0 * a).sin();
        let round = |v: f64| (v * 1000.0).round() / 1000.0;
        let end_mm = [round(40.0 + r * a.cos()), round(r * a.sin()), 0.0];
        let text = format!("G1X{:.3}Y{:.3}F3000", end_mm[0], end_mm[1]).into_bytes().into();
        let (low_mm, high_mm) = (
            std::array::from_fn(|i| from[i].min(end_mm[i])),
            std::array::from_fn(|i| from[i].max(end_mm[i])),
        );
        let reach = Some(Reach {
            end_mm,
            low_mm,
            high_mm,
            way: Way::Straight { from_mm: from },
            zero: [Zero::First; 3],
        });
        from = end_mm;
        Line { number: u64::from(i) + 1, text, duration: Duration::from_secs(2), reach }
    });
    lines.collect()
}

/// A way through everything that takes a place, or its zero, from whoever only reads the program: each line, where it ends as
/// that is known behind it, and from which zero each axis counts there (`1` the first one, `t` as told, `?` unknown).
const JOURNEY: &[(&str, [f64; 3], &str)] = &[
    ("G21G90G17G94", [0.0, 0.0, 0.0], "111"),
    ("G0X10Y5Z2", [10.0, 5.0, 2.0], "111"),
    // The plate lies at -10, and only the machine knows.
    ("G38.2Z-20F300", [10.0, 5.0, 0.0], "11?"),
    ("G92Z0", [10.0, 5.0, 0.0], "11?"),
    ("G0Z5", [10.0, 5.0, 5.0], "11t"),
    ("G1X20F1200", [20.0, 5.0, 5.0], "11t"),
    ("Z-1F600", [20.0, 5.0, -1.0], "11t"),
    ("G18G2X30Z-1I5K0F1200", [30.0, 5.0, -1.0], "11t"),
    ("G17G1Y15", [30.0, 15.0, -1.0], "11t"),
    // The X of the tool is known, and so is its new name.
    ("G92X0", [30.0, 15.0, -1.0], "11t"),
    ("X10", [40.0, 15.0, -1.0], "11t"),
    // A planner that holds nothing of this hides nothing of the next.
    ("G4P0.1", [40.0, 15.0, -1.0], "11t"),
    ("G28", [0.0, 0.0, 0.0], "???"),
    ("G91G0X7", [0.0, 0.0, 0.0], "???"),
    ("G90G0X0Y3Z5", [30.0, 3.0, 5.0], "11t"),
    ("G1X-3F1500", [27.0, 3.0, 5.0], "11t"),
    // Where this zero lies is not in the program.
    ("G55", [27.0, 3.0, 0.0], "11?"),
    ("G0X5Y5", [5.0, 5.0, 0.0], "tt?"),
    ("Z6", [5.0, 5.0, 6.0], "ttt"),
    ("G1X45F1500", [45.0, 5.0, 6.0], "ttt"),
    ("Y25", [45.0, 25.0, 6.0], "ttt"),
    ("G3X35Y35I-10J0", [35.0, 35.0, 6.0], "ttt"),
    ("G54", [0.0, 0.0, 0.0], "???"),
    ("G0X0Y0Z5", [0.0, 0.0, 5.0], "ttt"),
    ("G43.1Z2", [0.0, 0.0, 0.0], "tt?"),
    ("G1Z4F600", [0.0, 0.0, 4.0], "ttt"),
    ("G49", [0.0, 0.0, 0.0], "tt?"),
    ("G28G91Z0", [0.0, 0.0, 0.0], "tt?"),
    ("G90G1X9F1500", [9.0, 0.0, 0.0], "tt?"),
    ("M30", [9.0, 0.0, 0.0], "tt?"),
];

fn journey() -> Vec<Line> {
    let mut before = ([0.0; 3], [Zero::First; 3]);
    let lines = JOURNEY.iter().zip(1..).map(|(&(text, end_mm, known), number)| {
        let letters = known.as_bytes();
        let is: [Zero; 3] = std::array::from_fn(|i| match letters[i] {
            b'1' => Zero::First,
            b't' => Zero::Told,
            _ => Zero::Unknown,
        });
        let (from_mm, was) = std::mem::replace(&mut before, (end_mm, is));
        let zero = std::array::from_fn(|i| if was[i] == is[i] { is[i] } else { Zero::Unknown });
        let round = if text.starts_with("G18") { 5.0 } else { 0.0 };
        let way = match text {
            _ if round > 0.0 => Way::Somewhere,
            "G3X35Y35I-10J0" => {
                let sweep = std::f64::consts::FRAC_PI_2;
                Way::Round { from_mm, center_mm: [35.0, 25.0], sweep }
            }
            _ => Way::Straight { from_mm },
        };
        let low_mm = std::array::from_fn(|i| from_mm[i].min(end_mm[i]) - round);
        let high_mm = std::array::from_fn(|i| from_mm[i].max(end_mm[i]) + round);
        let reach = Reach { end_mm, low_mm, high_mm, way, zero };
        Line { number, text: text.as_bytes().into(), duration: Duration::from_secs(30), reach: Some(reach) }
    });
    lines.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    /// Whatever the wire, the machine and whoever stands beside it do: what is not damaged is not called so.
    #[test]
    fn a_sound_wire_raises_no_alarm(
        latency in prop::sample::select(&[0u64, 1, 5, 16][..]),
        baud in prop::sample::select(&[57_600u32, 115_200, 250_000][..]),
        reports in prop::sample::select(&[0u16, 1, 2, 3][..]),
        speed in prop::sample::select(&[1.0, 3.0, 1000.0][..]),
        hal in any::<bool>(),
        program in prop::sample::select(&[part as fn() -> Vec<Line>, rosette, journey, journey][..]),
        presses in prop::collection::vec((0u64..6000, 0usize..6), 0..6),
    ) {
        sound(latency, Stand { baud, reports, speed, hal }, program(), presses)?;
    }
}

/// What a machine is like.
#[derive(Clone, Copy)]
struct Stand {
    baud: u32,
    reports: u16,
    speed: f64,
    hal: bool,
}

/// Runs a job while somebody presses buttons: how many ms after its beginning, and which.
fn sound(
    latency: u64,
    stand: Stand,
    program: Vec<Line>,
    mut presses: Vec<(u64, usize)>,
) -> Result<(), TestCaseError> {
    let Stand { baud, reports, speed, hal } = stand;
    let kind = if hal { Kind::GrblHal } else { Kind::Grbl };
    let mut machine = sim::Options { baud, speed, ..sim::Options::workshop() };
    machine.latency = Duration::from_millis(latency);
    machine.settings.push((10, f64::from(reports)));
    let mut rig = Rig::new(kind, machine, Options { bytes_per_s: Some(baud / 10), ..Options::default() });
    rig.connect();
    let begun = rig.now;
    presses.sort_unstable();
    let mut over = rig.job_until(program, |e| matches!(e, Event::Sent(_)));
    for (at, what) in presses {
        let now = (begun + Duration::from_millis(at)).max(rig.now);
        if rig.is_finished() || !rig.run_to(now) {
            break;
        }
        match what {
            0 => rig.session.hold(now),
            1 => rig.session.resume(now),
            2 => rig.session.set_override(now, Override::Feed(150)),
            3 => rig.session.set_override(now, Override::Feed(40)),
            4 => rig.session.query_status(now),
            _ => rig.machine.press(now, sim::Input::Hold),
        }
    }
    over &=
        rig.is_finished() || rig.run_until(1000, |e| matches!(e, Event::Finished { .. } | Event::Failed(_)));
    let odd = rig.events.iter().any(|e| matches!(e, Event::Message(m) if m.contains("damaged")));
    prop_assert!(over && rig.is_finished() && !odd, "{}", rig.story());
    Ok(())
}

#[test]
fn who_is_held_again_before_going_on_can_go_on() {
    let stand = |hal| Stand { baud: 57_600, reports: 1, speed: 1.0, hal };
    for gap in (0..600).step_by(8) {
        for hal in [false, true] {
            sound(0, stand(hal), part(), vec![(1872, 0), (1872 + gap, 0)]).expect("it goes on");
        }
    }
}

fn run(fault: Option<&str>, reports: u16) -> Rig {
    let mut machine = sim::Options { keep_moves: true, ..sim::Options::workshop() };
    machine.settings.push((10, f64::from(reports)));
    machine.faults.extend(fault.map(|f| f.parse::<sim::Fault>().expect("a fault")));
    let mut rig = Rig::new(Kind::Grbl, machine, Options { bytes_per_s: Some(11_520), ..Options::default() });
    rig.connect();
    assert!(rig.failure().is_none(), "{}", rig.story());
    rig.begun_at = rig.machine.record().bytes;
    rig.job(part());
    rig
}

fn distance(p: [f64; 3], a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let along: [f64; 3] = std::array::from_fn(|i| b[i] - a[i]);
    let square: f64 = along.iter().map(|v| v * v).sum();
    let dot: f64 = (0..3).map(|i| along[i] * (p[i] - a[i])).sum();
    let t = if square > 0.0 { (dot / square).clamp(0.0, 1.0) } else { 0.0 };
    (0..3).map(|i| (a[i] + along[i] * t - p[i]).powi(2)).sum::<f64>().sqrt()
}

/// How far the tool was from the way of an undamaged run at most, mm: at the feed, and at rapid rate.
fn deviation(went: &[sim::Move], should: &[sim::Move]) -> [f64; 2] {
    let mut worst = [0.0f64; 2];
    for piece in went {
        // The ends of each piece, and where it goes in between.
        for k in 0..=8 {
            let at: [f64; 3] = std::array::from_fn(|i| {
                piece.from_mm[i] + (piece.to_mm[i] - piece.from_mm[i]) * f64::from(k) / 8.0
            });
            let off = should.iter().map(|m| distance(at, &m.from_mm, &m.to_mm)).fold(f64::INFINITY, f64::min);
            let kind = usize::from(piece.rapid);
            worst[kind] = worst[kind].max(off);
        }
    }
    worst
}

/// What came of all damage to some bytes.
#[derive(Default)]
struct Tally {
    /// How often each end, by kind of damage.
    ends: BTreeMap<String, u32>,
    /// The farthest from its way, mm, at the feed and at rapid rate, of what ended well.
    worst: [f64; 2],
    wrong: Vec<String>,
}

impl Tally {
    fn take(&mut self, fault: &str, reports: u16, should: &[sim::Move]) {
        let rig = run(Some(fault), reports);
        let end = match rig.failure() {
            None if !rig.is_finished() => "hangs",
            None => "well",
            Some(Failure::Refused { .. }) => "refused",
            Some(Failure::Position { .. }) => "position",
            Some(Failure::Damaged { .. }) => "damaged",
            Some(Failure::Unsure { .. }) => "unsure",
            Some(_) => "other",
        };
        *self.ends.entry(format!("{} {end}", &fault[..4])).or_default() += 1;
        let off = if end == "well" { deviation(&rig.machine.record().moves, should) } else { [0.0; 2] };
        // The ring's count shows every byte that is lost from a line which waits there; in this program all do but those
        // behind a pause.
        let counted = reports == 3 && fault.starts_with("drop");
        let seen = |speed: f64| TOLERANCE_MM + if counted { 0.0 } else { speed * PERIOD_S / 2.0 };
        let most = [FEED_MM_PER_S, RAPID_MM_PER_S].map(seen);
        if end == "hangs" || off[0] > most[0] || off[1] > most[1] {
            self.wrong.push(format!("{fault}, $10={reports}: {end}, {off:?} mm\n{}", rig.story()));
        }
        self.worst = std::array::from_fn(|i| self.worst[i].max(off[i]));
    }

    fn add(mut self, other: Tally) -> Tally {
        for (end, count) in other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        self.worst = std::array::from_fn(|i| self.worst[i].max(other.worst[i]));
        self.wrong.extend(other.wrong);
        self
    }
}

/// Damages each byte in every way; without the ring's count (as a GRBL is delivered) and with it.
fn all(reports: u16) -> Tally {
    let clean = run(None, reports);
    assert!(clean.is_finished(), "{}", clean.story());
    let should = &clean.machine.record().moves;
    let (first, last) = (clean.begun_at, clean.machine.record().bytes);
    let share = |offset: u64| {
        let mut tally = Tally::default();
        for byte in (first + 1 + offset..=last).step_by(SHARES) {
            tally.take(&format!("drop-rx:{byte}"), reports, should);
            // The count of the ring has to do with bytes that are lost; one bit stands for the others there.
            let bits = if reports == 3 { 1..2 } else { 0..7 };
            bits.for_each(|bit| tally.take(&format!("flip-rx:{byte}:{bit}"), reports, should));
        }
        tally
    };
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..SHARES as u64).map(|i| scope.spawn(move || share(i))).collect();
        shares.into_iter().map(|s| s.join().expect("no panic")).fold(Tally::default(), Tally::add)
    })
}

/// Threads that divide the bytes between them.
const SHARES: usize = 4;

#[test]
fn what_stays_unseen_is_small() {
    for reports in [1, 3] {
        let tally = all(reports);
        println!("$10={reports}: farthest unseen {:.3?} mm, {:?}", tally.worst, tally.ends);
        let (count, first) = (tally.wrong.len(), &tally.wrong[..tally.wrong.len().min(3)]);
        assert!(count == 0, "{count} stayed unseen:\n{}", first.join("\n"));
        // The test itself must see: most damage is found, and some of it in each way.
        for end in ["flip refused", "flip position", "flip damaged", "drop refused", "drop unsure"] {
            assert!(tally.ends.contains_key(end), "no {end}: {:?}", tally.ends);
        }
    }
}

#[test]
fn a_way_through_many_zeros_is_looked_at_all_the_same() {
    for (line, instead) in [
        ("G0Z5", "G0Z25"),
        ("G18G2X30Z-1I5K0F1200", "G18G2X50Z-1I15K0F1200"),
        ("G17G1Y15", "G17G1Y55"),
        ("G92X0", "G92X-9"),
        ("X10", "X40"),
        ("X9F1500", "X8F1500"),
    ] {
        let mut lines = journey();
        let damaged = lines.iter_mut().find(|l| l.text.ends_with(line.as_bytes())).expect("a line of it");
        let text = String::from_utf8_lossy(&damaged.text).replace(line, instead);
        damaged.text = text.into_bytes().into();
        let mut rig = Rig::new(Kind::Grbl, sim::Options::workshop(), Options::default());
        rig.connect().job(lines);
        assert!(matches!(rig.failure(), Some(Failure::Position { .. })), "{instead}: {}", rig.story());
    }
}
