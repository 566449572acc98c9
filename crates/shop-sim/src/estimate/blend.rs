//! How LinuxCNC rounds the corner between two lines (G64), as its trajectory planner (`tp`) does.
//!
//! ```text
//!        ───────╮            an arc takes d off both lines, at most half of each; it leaves the corner by at most P
//!          d  ↗  ╲ d
//!                 │          where the path turns back there is none: the next line speeds up while the last one still
//!                            slows down (a parabola), both with half of the acceleration
//! ```
//!
//! With θ half the angle between the lines, the arc has R = P·sin θ/(1 − sin θ), d = R/tan θ, turns by π − 2θ, is run at
//! v² = √3/2·a·R with half of the acceleration along it, and is no larger than the lines' own speed asks for. Of the
//! parabola v² = 4·a'·P/cos θ, a' = a/2. A line whose end nothing follows keeps to a' as well.
//!
//! Lines that Q makes one have become one before they get here (`straighten`).
//!
//! NOTE: fallback to parabolas where they are faster (ARC_BLEND_FALLBACK_ENABLE) is off, as it is without an INI entry.
//! Lines of one servo period, 0.05 mm at 50 mm/s, that stay as they are (Q0) take LinuxCNC 8 % longer than this says.

use super::corner::{BLEND_SHARE, Head, Tail};
use super::limits::Limits;
use crate::planner::{high, low};
use std::f64::consts::PI;

/// Share of the acceleration along an arc (tp: BLEND_ACC_RATIO_TANGENTIAL), and of lines that share it with others.
pub(super) const HALF: f64 = 0.5;
/// Cosines beyond this are a straight line.
const STRAIGHT: f64 = 0.999_999;
/// Sines of half an angle below this turn back.
const BACK: f64 = 0.01;

/// What becomes of a corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Blend {
    /// Nothing: the lines go on.
    Tangent,
    /// An arc between them.
    Arc {
        /// What it takes off both lines, mm.
        off: f64,
        /// Its own length, mm.
        length: f64,
        /// Highest speed on it, mm/s.
        speed: f64,
        /// Acceleration along it, mm/s².
        acceleration: f64,
    },
    /// The lines overlap for so long, s.
    Parabola { overlap: f64 },
}

/// Decides about the corner between two lines, `tolerance` more than 0.
pub(super) fn blend(limits: &Limits, tail: &Tail, head: &Head, tolerance: f64) -> Blend {
    let (u, w) = (&tail.unit, &head.unit);
    let dot = u[0] * w[0] + u[1] * w[1] + u[2] * w[2];
    if dot > STRAIGHT {
        return Blend::Tangent;
    }
    let sin = (0.5 * (1.0 + dot)).max(0.0).sqrt();
    let cos = (1.0 - sin * sin).sqrt();
    let takes_part = |i: &usize| u[*i].abs() > 1e-6 || w[*i].abs() > 1e-6;
    let a = (0..3).filter(takes_part).map(|i| limits.acceleration[i]).fold(f64::INFINITY, low);
    let wanted = low(tail.nominal, head.nominal);
    let room = 0.5 * low(tail.length, head.length);
    let most = wanted * wanted / (BLEND_SHARE * a);
    let radius = low(low(tolerance * sin / (1.0 - sin), room * sin / cos), most);
    let speed = low((BLEND_SHARE * a * radius).sqrt(), wanted);

    let slow = HALF * a;
    if sin > BACK {
        let off = radius * cos / sin;
        let length = radius * (PI - 2.0 * sin.asin());
        return Blend::Arc { off, length: length.max(1e-9), speed: speed.max(1e-6), acceleration: slow };
    }
    let reach = |nominal: f64, length: f64| low(nominal, (slow * length).sqrt());
    let (v, w) = (reach(tail.nominal, tail.length), reach(head.nominal, head.length));
    let longest = low(tail.length / v, head.length / w);
    let overlap = low(longest, high(v, w) / slow);
    let kept = low(2.0 * (slow * tolerance / cos).sqrt(), low(low(v, w), overlap * slow));
    Blend::Parabola { overlap: kept / slow }
}

#[cfg(test)]
mod tests {
    use crate::estimate::estimate;
    use crate::estimate::tests::machine;
    use shop_cam::Speed;
    use shop_cam::canon::{Command, PathControl, Role, Section};
    use shop_cam::machine::Cornering;
    use shop_geom::Point;
    use std::f64::consts::PI;

    /// Zigzags of `n` lines with this angle between them, degrees.
    fn zigzag(n: u32, length: f64, angle: f64) -> Vec<[f64; 2]> {
        let (mut at, mut way, mut out) = ([0.0f64; 2], 0.0f64, Vec::new());
        for i in 0..n {
            at = [at[0] + length * way.cos(), at[1] + length * way.sin()];
            way += (PI - angle.to_radians()) * if i % 2 == 0 { 1.0 } else { -1.0 };
            out.push(at);
        }
        out
    }

    fn square(n: usize, side: f64) -> Vec<[f64; 2]> {
        let corner = |i: usize| [[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]][i % 4];
        (1..=n).map(corner).collect()
    }

    fn sine(step: f64, n: u32) -> Vec<[f64; 2]> {
        (1..n).map(|i| f64::from(i) * step).map(|x| [x, 5.0 * (x / 5.0).sin()]).collect()
    }

    fn circle(n: u32, step: f64) -> Vec<[f64; 2]> {
        let r = f64::from(n) * step / (2.0 * PI);
        let at = |i: u32| 2.0 * PI * f64::from(i) / f64::from(n);
        (1..=n).map(|i| [r - r * at(i).cos(), r * at(i).sin()]).collect()
    }

    /// Lines that leave a straight one by 0.01 mm at every other end.
    fn ripple(n: u32) -> Vec<[f64; 2]> {
        (1..=n).map(|i| [0.1 * f64::from(i), 0.01 * f64::from(i % 2)]).collect()
    }

    fn round(n: u32, chords: u32, r: f64) -> Vec<[f64; 2]> {
        let at = |i: u32| 2.0 * PI * f64::from(i) / f64::from(chords);
        (1..=n).map(|i| [r - r * at(i).cos(), r * at(i).sin()]).collect()
    }

    fn lines(points: &[[f64; 2]]) -> Vec<Command> {
        points.iter().map(|p| Command::Line { to: [p[0], p[1], 5.0] }).collect()
    }

    /// A wave of arcs of 0.6 mm whose chords are 0.4 mm long: each leaves its chord by 0.034 mm.
    fn arcs(n: u32) -> Vec<Command> {
        let rise = f64::sqrt(0.6 * 0.6 - 0.2 * 0.2);
        let arc = |i: u32| {
            let [from, to] = [i, i + 1].map(|k| 0.4 * f64::from(k));
            let counter_clockwise = i % 2 == 1;
            let y = if counter_clockwise { rise } else { -rise };
            let center = Point::new(0.5 * (from + to), y);
            Command::Arc { to: [to, 0.0, 5.0], center, counter_clockwise }
        };
        (0..n).map(arc).collect()
    }

    fn seconds(path: Vec<Command>, feed: f64, control: PathControl) -> f64 {
        let mut machine = machine(Cornering::Blend { tolerance: 0.02 });
        machine.axes.iter_mut().for_each(|axis| axis.acceleration = 750.0);
        let mut section = Section::new(Role::Unknown, "");
        section.commands.push(Command::PathControl(control));
        section.commands.push(Command::Feed(Speed::from_mm_per_min(60.0 * feed)));
        section.commands.extend(path);
        estimate(&[section], &machine).cut_s
    }

    /// As many seconds as LinuxCNC 2.9 itself takes, its whole motion with a servo period of 1 ms, axes of 100 mm/s and
    /// 750 mm/s², ARC_BLEND_… as they are without an INI entry: counted while it was not in position.
    #[test]
    #[expect(clippy::approx_constant, reason = "6.280 s were counted")]
    fn as_long_as_linuxcnc_takes() {
        let blend = |tolerance, straighten| PathControl::Blend { tolerance, straighten };
        let raw = |mm: f64| blend(Some(mm), Some(0.0));
        let within = |mm: f64| blend(Some(mm), None);
        let (any, both) = (blend(None, None), |p: f64, q: f64| blend(Some(p), Some(q)));
        let table = [
            ("zigzag of 30°, 0.1", lines(&zigzag(60, 8.0, 30.0)), 50.0, within(0.1), 13.545),
            ("zigzag of 30°, 0.5", lines(&zigzag(60, 8.0, 30.0)), 50.0, within(0.5), 12.978),
            ("zigzag of 60°, 0.1", lines(&zigzag(60, 8.0, 60.0)), 50.0, within(0.1), 13.420),
            ("zigzag of 15°, 0.02", lines(&zigzag(60, 4.0, 15.0)), 40.0, within(0.02), 9.283),
            ("zigzag of 120°, 0.1", lines(&zigzag(60, 5.0, 120.0)), 50.0, within(0.1), 8.449),
            ("square, 0.02", lines(&square(60, 10.0)), 50.0, within(0.02), 15.915),
            ("square, 0.5", lines(&square(60, 10.0)), 50.0, within(0.5), 14.016),
            ("square, exact", lines(&square(60, 10.0)), 50.0, PathControl::Exact, 16.501),
            ("square, any", lines(&square(60, 10.0)), 50.0, any, 9.953),
            ("sine of 1, Q0", lines(&sine(1.0, 80)), 50.0, raw(0.05), 2.011),
            ("sine of 1", lines(&sine(1.0, 80)), 50.0, within(0.05), 2.005),
            ("sine of 0.2, Q0", lines(&sine(0.2, 400)), 50.0, raw(0.05), 2.035),
            ("sine of 0.2, any", lines(&sine(0.2, 400)), 50.0, any, 2.035),
            ("sine of 0.2", lines(&sine(0.2, 400)), 50.0, within(0.05), 2.018),
            ("sine of 0.2, 0.005", lines(&sine(0.2, 400)), 50.0, both(0.05, 0.005), 2.031),
            ("sine of 0.05", lines(&sine(0.05, 1600)), 50.0, within(0.05), 2.027),
            ("sine of 0.05, 0.02", lines(&sine(0.05, 1600)), 50.0, within(0.02), 2.021),
            ("sine of 0.05, 0.1", lines(&sine(0.05, 1600)), 50.0, both(0.1, 0.02), 2.021),
            ("circle of 0.8, Q0", lines(&circle(200, 0.8)), 50.0, raw(0.02), 3.320),
            ("circle of 0.8", lines(&circle(200, 0.8)), 50.0, within(0.02), 3.315),
            ("circle of 0.2", lines(&circle(800, 0.2)), 50.0, within(0.02), 3.313),
            ("small circle", lines(&round(500, 100, 2.0)), 40.0, within(0.01), 1.826),
            ("ripple, Q0", lines(&ripple(1000)), 50.0, raw(0.02), 5.598),
            ("ripple", lines(&ripple(1000)), 50.0, within(0.02), 2.102),
            ("arcs, Q0", arcs(300), 50.0, raw(0.05), 6.280),
            ("arcs", arcs(300), 50.0, within(0.05), 2.500),
        ];
        let mut off = Vec::new();
        for (name, path, feed, control, theirs) in table {
            let ours = seconds(path, feed, control);
            let percent = 100.0 * (ours / theirs - 1.0);
            println!("{name:22} {theirs:7.3} {ours:7.3} {percent:+.1} %");
            if percent.abs() > 2.0 {
                off.push(format!("{name}: {percent:+.2} %"));
            }
        }
        assert!(off.is_empty(), "{off:#?}");
    }
}
