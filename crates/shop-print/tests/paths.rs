//! What must hold for the way of the nozzle: filament that is pulled back comes again, seams lose nothing, slow layers keep
//! what is seen as it is.

use shop_cam::canon::Command;
use shop_geom::mesh::{Mesh, Point3};
use shop_print::Print;
use shop_print::settings::{Seam, Settings};

/// Two round posts beside one another, on a plate.
fn posts() -> Mesh {
    let mut mesh = Mesh::default();
    for (x, radius, low, high) in [(0.0, 9.0, 0.0, 1.0), (-5.0, 3.0, 0.5, 8.0), (5.0, 3.0, 0.5, 8.0)] {
        let first = mesh.points.len() as u32;
        let n = 40u32;
        for z in [low, high] {
            for i in 0..n {
                let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / f64::from(n)).sin_cos();
                mesh.points.push(Point3::new(x + radius * cos, radius * sin, z));
            }
        }
        let at = |ring: u32, i: u32| first + ring * n + i % n;
        for i in 0..n {
            mesh.triangles.push([at(0, i), at(0, i + 1), at(1, i + 1)]);
            mesh.triangles.push([at(0, i), at(1, i + 1), at(1, i)]);
        }
        for i in 1..n - 1 {
            mesh.triangles.push([at(0, 0), at(0, i + 1), at(0, i)]);
            mesh.triangles.push([at(1, 0), at(1, i), at(1, i + 1)]);
        }
    }
    mesh
}

fn commands(settings: Settings) -> Vec<Vec<Command>> {
    let mut all = Vec::new();
    let print = Print::new(posts(), settings, 1.75);
    print.run(
        |s| s.section.commands.clone(),
        |c| {
            all.push(c);
            true
        },
    );
    all
}

/// A stretch of a program: from, to, filament, speed in mm/s, kind of road.
#[derive(Clone, Debug)]
struct Step {
    from: [f64; 3],
    to: [f64; 3],
    e: f64,
    speed: f64,
    kind: String,
}

impl Step {
    fn length(&self) -> f64 {
        (0..3).map(|i| (self.to[i] - self.from[i]).powi(2)).sum::<f64>().sqrt()
    }
}

fn steps(layers: &[Vec<Command>]) -> Vec<Step> {
    let (mut at, mut speed, mut kind) = ([0.0; 3], 0.0, String::new());
    let mut out = Vec::new();
    for c in layers.iter().flatten() {
        let (to, e) = match c {
            Command::Feed(v) => {
                speed = v.mm_per_min() / 60.0;
                continue;
            }
            Command::Feature(name) => {
                kind = name.to_string();
                continue;
            }
            Command::Line { to } => (*to, 0.0),
            Command::Extrude { to, e } => (*to, *e),
            Command::Filament { e } => (at, *e),
            _ => continue,
        };
        out.push(Step { from: at, to, e, speed, kind: kind.clone() });
        at = to;
    }
    out
}

fn filament(settings: Settings) -> f64 {
    steps(&commands(settings)).iter().filter(|s| s.length() > 0.0).map(|s| s.e).sum()
}

fn plain() -> Settings {
    Settings { least_layer_s: 0.0, ..Settings::default() }
}

#[test]
fn what_is_pulled_back_comes_again_wiped_or_not() {
    for (wipe_mm, retract_before_wipe_percent, firmware) in
        [(0.0, 0.0, false), (3.0, 0.0, false), (3.0, 40.0, false), (3.0, 0.0, true)]
    {
        let s = Settings { wipe_mm, retract_before_wipe_percent, firmware_retract: firmware, ..plain() };
        let pulled = s.retract_mm;
        let layers = commands(s);
        let (mut held, mut deepest) = (0.0f64, 0.0f64);
        for step in steps(&layers) {
            if step.e > 0.0 && step.length() > 0.0 {
                assert!(held.abs() < 1e-9, "a road is laid with {held} mm pulled back");
            } else {
                held += step.e;
                deepest = deepest.min(held);
            }
        }
        let wanted = if firmware { 0.0 } else { -pulled };
        assert!((deepest - wanted).abs() < 1e-9, "{deepest}");
        let count = |recover: bool| {
            let like = |c: &&Command| matches!(c, Command::FirmwareRetract { recover: r } if *r == recover);
            layers.iter().flatten().filter(like).count()
        };
        assert_eq!(count(true), count(false));
        assert_eq!(count(true) > 0, firmware);
    }
}

#[test]
fn wiping_goes_along_the_road_that_was_laid() {
    let all = steps(&commands(Settings { wipe_mm: 2.0, ..plain() }));
    let mut wiped = 0.0;
    let roads: Vec<&Step> = all.iter().filter(|s| s.e > 0.0 && s.length() > 0.0).collect();
    for s in all.iter().filter(|s| s.e < 0.0 && s.length() > 0.0) {
        wiped += s.length();
        let [x, y, z] = [0, 1, 2].map(|i| 0.5 * (s.from[i] + s.to[i]));
        let near = roads.iter().filter(|r| (r.to[2] - z).abs() < 1e-9).any(|r| {
            let (dx, dy) = (r.to[0] - r.from[0], r.to[1] - r.from[1]);
            let t = (((x - r.from[0]) * dx + (y - r.from[1]) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
            (x - r.from[0] - t * dx).hypot(y - r.from[1] - t * dy) < 1e-3
        });
        assert!(near, "{s:?}");
    }
    assert!(wiped > 50.0, "{wiped}");
}

#[test]
fn a_scarf_rises_within_its_layer_and_holds_as_much_plastic() {
    let abrupt = filament(plain());
    let scarf = filament(Settings { scarf_mm: 5.0, ..plain() });
    assert!((scarf / abrupt - 1.0).abs() < 5e-3, "{scarf} {abrupt}");
    let layers = commands(Settings { scarf_mm: 5.0, ..plain() });
    for (i, layer) in layers.iter().enumerate().skip(1) {
        let (low, high) = (0.2 * i as f64, 0.2 * (i + 1) as f64);
        let heights: Vec<f64> = steps(std::slice::from_ref(layer))
            .iter()
            .filter(|s| s.kind == "External perimeter" && s.e > 0.0)
            .map(|s| s.to[2])
            .collect();
        assert!(heights.iter().all(|z| (low..high + 1e-9).contains(z)));
        assert!(heights.iter().any(|z| *z < high - 0.05));
    }
}

#[test]
fn coasting_pushes_less_before_retractions_only() {
    let print = Print::new(posts(), plain(), 1.75);
    let retractions = print.run(|_| (), |()| true).expect("nobody stops it").used.retractions;
    let full = filament(plain());
    let coasted = filament(Settings { coast_mm3: 0.05, ..plain() });
    let saved = (full - coasted) * std::f64::consts::FRAC_PI_4 * 1.75 * 1.75;
    // The way to the next layer retracts too, but no road of the layer is known to come after it.
    let most = 0.05 * f64::from(retractions);
    assert!(saved > 0.4 * most && saved < most + 1e-6, "{saved} {most}");
}

#[test]
fn walls_end_before_their_seam_by_the_gap() {
    for (gap, kind) in [(0.0, "External perimeter"), (0.3, "External perimeter"), (0.3, "Perimeter")] {
        let all = steps(&commands(Settings { seam_gap_mm: gap, ..plain() }));
        let mut begun: Option<[f64; 3]> = None;
        for pair in all.windows(2) {
            let laid = |s: &Step| s.e > 0.0 && s.length() > 0.0;
            if laid(&pair[1]) && !laid(&pair[0]) {
                begun = Some(pair[1].from);
            }
            if laid(&pair[0])
                && !laid(&pair[1])
                && pair[0].kind == kind
                && let Some([x, y, _]) = begun
            {
                let far = (pair[0].to[0] - x).hypot(pair[0].to[1] - y);
                assert!((far - gap).abs() < 0.01, "{far} {gap}");
            }
        }
    }
}

#[test]
fn seen_walls_are_slowed_last() {
    let slowest = |s: Settings, kind: &str| {
        let all = steps(&commands(s));
        let at = |s: &&Step| s.kind == kind && s.e > 0.0 && s.length() > 0.0 && s.to[2] > 4.0;
        all.iter().filter(at).map(|s| s.speed).fold(f64::INFINITY, f64::min)
    };
    let with = |least_layer_s: f64, last: bool| Settings {
        least_layer_s,
        slow_outer_walls_last: last,
        slowest_mm_per_s: 1.0,
        ..plain()
    };
    let free = slowest(with(0.0, true), "External perimeter");
    assert_eq!(slowest(with(6.0, true), "External perimeter"), free);
    assert!(slowest(with(6.0, false), "External perimeter") < 0.99 * free);
    assert!(slowest(with(6.0, true), "Perimeter") < slowest(with(6.0, false), "Perimeter"));
    assert!(slowest(with(60.0, true), "External perimeter") < 0.9 * free);
}

#[test]
fn the_fan_turns_up_where_layers_are_done_soon() {
    let fan = |s: Settings| {
        let mut last = 0.0;
        for c in commands(s).iter().flatten() {
            if let Command::Fan { fraction, .. } = c {
                last = *fraction;
            }
        }
        last
    };
    let with = |fan_from_s: f64| Settings {
        fan_percent: 80.0,
        fan_least_percent: 30.0,
        fan_from_s,
        least_layer_s: 1.0,
        ..plain()
    };
    assert!((fan(with(1.5)) - 0.3).abs() < 1e-9);
    let some = fan(with(20.0));
    assert!(some > 0.35 && some < 0.8, "{some}");
    assert!((fan(plain()) - 1.0).abs() < 1e-9);
}

#[test]
fn random_seams_are_elsewhere_in_every_layer_and_the_same_in_every_run() {
    let begins = || {
        let all = steps(&commands(Settings { seam: Seam::Random, ..plain() }));
        let first = |p: &&[Step]| p[1].kind == "External perimeter" && p[1].e > 0.0 && p[0].e <= 0.0;
        let spots: Vec<[i64; 2]> = all
            .windows(2)
            .filter(first)
            .map(|p| [0, 1].map(|i| (p[1].from[i] * 100.0).round() as i64))
            .collect();
        spots
    };
    let spots = begins();
    assert_eq!(spots, begins());
    let mut different = spots.clone();
    different.sort_unstable();
    different.dedup();
    assert!(2 * different.len() > spots.len(), "{} of {}", different.len(), spots.len());
}

#[test]
fn accelerations_follow_the_kind_of_road() {
    let s = Settings {
        acceleration_mm_per_s2: 3000.0,
        outer_wall_acceleration_mm_per_s2: 1000.0,
        pressure_advance_s: 0.04,
        ..plain()
    };
    let print = Print::new(posts(), s.clone(), 1.75);
    let limits = |c: &Command| match c {
        Command::Limits(l) => Some(**l),
        _ => None,
    };
    let first: Vec<_> = shop_print::speak::prologue(&print.job).commands.iter().filter_map(limits).collect();
    assert_eq!(first.iter().map(|l| l.pressure_advance).collect::<Vec<_>>(), [Some(0.04)]);
    for layer in commands(s) {
        let (mut acceleration, mut kind) = (None, String::new());
        for c in &layer {
            match c {
                Command::Limits(l) => acceleration = l.acceleration.or(acceleration),
                Command::Feature(name) => kind = name.to_string(),
                Command::Extrude { .. } => {
                    let wanted = if kind == "External perimeter" { 1000.0 } else { 3000.0 };
                    assert_eq!(acceleration, Some(wanted), "{kind}");
                }
                _ => {}
            }
        }
    }
}
