//! The page of a preview, run: what it reads back is the path, and what it draws without a GPU is the path and nothing
//! else.
//!
//! Node runs the page's script (`page.js`); without it the tests say so and pass. The oracle projects the path by
//! itself and asks two things of every picture: on each shown line every pixel is set, and each pixel that is set lies
//! on a shown line.

use crate::at_home::shopctl;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A square 1 mm deep, and then a line 2 mm deep that passes under two of its sides.
const CROSSING: &str = "G21 G90 G17 G94\nM3 S12000\nG0 X0 Y0 Z5\nG1 Z-1 F300\nG1 X20 F900\nG1 Y20\nG1 X0\nG1 Y0\n\
                        G0 Z5\nG0 X10 Y-5\nG1 Z-2 F300\nG1 Y25 F900\nG0 Z5\nM5\nM30\n";
const PATH: [[f64; 3]; 11] = [
    [0.0, 0.0, 5.0],
    [0.0, 0.0, -1.0],
    [20.0, 0.0, -1.0],
    [20.0, 20.0, -1.0],
    [0.0, 20.0, -1.0],
    [0.0, 0.0, -1.0],
    [0.0, 0.0, 5.0],
    [10.0, -5.0, 5.0],
    [10.0, -5.0, -2.0],
    [10.0, 25.0, -2.0],
    [10.0, 25.0, 5.0],
];
/// What leads to each of them: 1 rapids, 2 work; nothing to the first.
const WHAT: [u64; 11] = [0, 2, 2, 2, 2, 2, 1, 1, 2, 2, 1];

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().expect("a list").iter().map(|n| n.as_f64().expect("a number")).collect()
}

/// Makes the page, and opens it with a change of view for every picture; `None` without node.
fn opened(text: &str, scenes: &[&str]) -> Option<Value> {
    let home = tempfile::TempDir::new().expect("a place for files");
    std::fs::write(home.path().join("a.nc"), text).expect("writable");
    let made = shopctl(&home, &["preview", "a.nc", "-m", "router-grbl", "--by", "z", "-o", "a.html"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page.js");
    let list = serde_json::to_string(scenes).expect("text");
    let run = Command::new("node").arg(script).arg(home.path().join("a.html")).arg(list).output();
    let Ok(run) = run else {
        eprintln!("skipped: there is no node");
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(serde_json::from_slice(&run.stdout).expect("JSON"))
}

/// One picture with what the page says of its view.
struct Picture {
    size: [usize; 2],
    pixels: Vec<u64>,
    axes: Vec<f64>,
    scale: f64,
    shift: Vec<f64>,
    middle: Vec<f64>,
}

impl Picture {
    fn all(page: &Value) -> Vec<Picture> {
        let size = numbers(&page["size"]);
        let picture = |seen: &Value| Picture {
            size: [size[0] as usize, size[1] as usize],
            pixels: numbers(&seen["pixels"]).iter().map(|v| *v as u64).collect(),
            axes: numbers(&seen["axes"]),
            scale: seen["k"].as_f64().expect("a number"),
            shift: numbers(&seen["shift"]),
            middle: numbers(&page["mid"]),
        };
        page["seen"].as_array().expect("a list").iter().map(picture).collect()
    }

    /// Where a point of space is, pixels from the upper left.
    fn place(&self, p: [f64; 3]) -> [f64; 2] {
        let d: [f64; 3] = std::array::from_fn(|i| p[i] - self.middle[i]);
        let along = |row: usize| (0..3).map(|i| self.axes[3 * row + i] * d[i]).sum::<f64>();
        [self.shift[0] + self.scale * along(0), self.shift[1] - self.scale * along(1)]
    }

    fn at(&self, x: f64, y: f64) -> u64 {
        let [w, h] = self.size;
        let inside = x >= 0.0 && y >= 0.0 && x < w as f64 && y < h as f64;
        if inside { self.pixels[y as usize * w + x as usize] } else { 0 }
    }

    fn lines(&self, shown: impl Fn(usize) -> bool) -> Vec<([f64; 2], [f64; 2], u64)> {
        let line = |i: usize| (self.place(PATH[i - 1]), self.place(PATH[i]), WHAT[i]);
        (1..PATH.len()).filter(|i| shown(*i)).map(line).collect()
    }

    /// Asks both laws of the picture, when of the path's pieces only these are shown.
    fn holds(&self, name: &str, shown: impl Fn(usize) -> bool) {
        let lines = self.lines(shown);
        let [w, h] = self.size.map(|n| n as f64);
        let mut seen = 0;
        for (a, b, what) in &lines {
            let d = [b[0] - a[0], b[1] - a[1]];
            let length = d[0].hypot(d[1]);
            // Rapids are dashed: their law is one of shares.
            let (mut on, mut set) = (0u32, 0u32);
            for i in 0..=(4.0 * length) as u32 {
                let t = f64::from(i) / (4.0 * length).max(1.0);
                let (x, y) = (a[0] + d[0] * t, a[1] + d[1] * t);
                if !(2.0..w - 2.0).contains(&x) || !(2.0..h - 2.0).contains(&y) {
                    continue;
                }
                on += 1;
                let near =
                    (-1..=1).any(|v| (-1..=1).any(|u| self.at(x + f64::from(u), y + f64::from(v)) != 0));
                set += u32::from(near);
            }
            seen += on;
            assert!(*what == 1 || set == on, "{name}: {set} of {on} on the line from {a:?} to {b:?}");
            assert!(*what != 1 || on < 60 || f64::from(set) > 0.5 * f64::from(on), "{name}: {set} of {on}");
        }
        assert!(seen > 20, "{name}: hardly anything is on the page");
        for (i, _) in self.pixels.iter().enumerate().filter(|(_, v)| **v != 0) {
            let p = [(i % self.size[0]) as f64 + 0.5, (i / self.size[0]) as f64 + 0.5];
            let near = lines.iter().map(|(a, b, _)| away(p, *a, *b)).fold(f64::INFINITY, f64::min);
            assert!(near < 1.5, "{name}: the pixel {p:?} is {near} from every line");
        }
    }
}

/// How far a point is from a line.
fn away(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (d, to) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let size2 = d[0] * d[0] + d[1] * d[1];
    let t = if size2 > 0.0 { ((to[0] * d[0] + to[1] * d[1]) / size2).clamp(0.0, 1.0) } else { 0.0 };
    (to[0] - d[0] * t).hypot(to[1] - d[1] * t)
}

#[test]
fn the_page_reads_back_what_was_written() {
    let Some(page) = opened(CROSSING, &[]) else { return };
    let points: Vec<Vec<f64>> = page["points"].as_array().expect("a list").iter().map(numbers).collect();
    assert_eq!(points.len(), PATH.len());
    for ((point, want), what) in points.iter().zip(PATH).zip(WHAT) {
        assert!((0..3).all(|i| (point[i] - want[i]).abs() < 1e-4), "{point:?} {want:?}");
        assert_eq!(point[3] as u64, what);
    }
    assert_eq!(numbers(&page["layers"]), [-2.0, -1.0]);
}

#[test]
fn what_is_drawn_is_the_path() {
    let turned = "yaw=-Math.PI/4;pitch=Math.atan(Math.SQRT2);fit()";
    let scenes = [
        "",
        "$('#travel').checked=false",
        "$('#travel').checked=true;k*=40;tx=100-10*k;ty=75+10*k",
        "k*=2000;tx=20-k*10;ty=20-k*10",
        turned,
        "k*=30;{const q=screen(20,20,-1);tx+=100-q[0];ty+=75-q[1]}",
        "yaw=pitch=0;fit();topLayer=0",
        "topLayer=1;lowLayer=1",
        "lowLayer=0;now=T[4]",
    ];
    let Some(page) = opened(CROSSING, &scenes) else { return };
    let all = Picture::all(&page);
    let any = |_: usize| true;
    all[0].holds("from above", any);
    all[1].holds("without rapids", |i| WHAT[i] == 2);
    for (i, name) in [(2, "near"), (3, "very near"), (4, "turned"), (5, "turned and near")] {
        let [w, h] = all[i].size.map(|n| n as f64);
        let on_page = |p: [f64; 2]| (0.0..w).contains(&p[0]) && (0.0..h).contains(&p[1]);
        if i == 4 {
            assert!(PATH.iter().all(|p| on_page(all[i].place(*p))));
        }
        all[i].holds(name, any);
    }
    // A piece belongs to the height at which it ends; the moves far above and below have no layer of their own.
    all[6].holds("the lower layer", |i| PATH[i][2] < -1.5);
    all[7].holds("the upper layer", |i| PATH[i][2] > -1.5);
    all[8].holds("the first half", |i| i <= 4);
}

#[test]
fn what_is_nearer_to_the_eye_covers_what_is_farther() {
    let scenes = ["$('#travel').checked=false;pitch=.05;fit()", "pitch=0;fit()"];
    let Some(page) = opened(CROSSING, &scenes) else { return };
    let all = Picture::all(&page);
    for (picture, upper_wins) in [(&all[0], true), (&all[1], false)] {
        let colour = |p: [f64; 3]| {
            let [x, y] = picture.place(p);
            picture.at(x, y)
        };
        // Where the lower line, which comes later, passes under a side of the square.
        let (upper, lower) = (colour([5.0, 20.0, -1.0]), colour([10.0, 10.0, -2.0]));
        assert!(upper != lower && upper != 0 && lower != 0, "{upper} {lower}");
        assert_eq!(colour([10.0, 20.0, if upper_wins { -1.0 } else { -2.0 }]) == upper, upper_wins);
    }
}

#[test]
fn two_turns_of_the_wheel_later_a_long_print_is_still_drawn() {
    // Many short lines, and coordinates that need every length of packed number.
    let mut text = String::from("G21 G90\nM3 S1\nG0 X0 Y0 Z5\nG1 Z-1 F600\n");
    for i in 0..3000u32 {
        let far = if i % 1000 == 999 { 250_000.0 } else { 0.0 };
        let (s, c) = (f64::from(i) * 0.11).sin_cos();
        let line = format!("G1 X{:.3} Y{:.3} F{}\n", 60.0 * c + far, 40.0 * s - far, 300 + i % 5000);
        text.push_str(&line);
    }
    text.push_str("G0 Z5\nM5\nM30\n");
    let scenes = ["$('#travel').checked=false", "k*=1500;tx=100-(0-mid[0])*k;ty=75+(0-mid[1])*k"];
    let Some(page) = opened(&text, &scenes) else { return };
    let points: Vec<Vec<f64>> = page["points"].as_array().expect("a list").iter().map(numbers).collect();
    let read: Vec<[f64; 2]> = points.iter().map(|p| [p[0], p[1]]).collect();
    let written = text.lines().filter_map(|l| l.strip_prefix("G1 X")).map(|l| {
        let mut words = l.split(' ').map(|w| w.trim_start_matches('Y').parse::<f64>());
        [words.next(), words.next()].map(|w| w.and_then(Result::ok).expect("a number"))
    });
    // The page knows large things to a hundredth of a millimetre, and holds them in single precision.
    for (got, want) in read[read.len() - 3001..].iter().zip(written) {
        assert!((0..2).all(|i| (got[i] - want[i]).abs() < 0.006 + 1e-7 * want[i].abs()), "{got:?} {want:?}");
    }
    assert!(Picture::all(&page).iter().all(|p| p.pixels.iter().any(|v| *v != 0)));
}
