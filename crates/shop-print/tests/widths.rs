//! Roads are as wide as makes them fill the part, wherever it is narrow: what they cover is the section, no more and no less,
//! and their width changes smoothly.

use crate::common::{SECTION, block, filament, print_of, roads_of};
use proptest::prelude::*;
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot};
use shop_print::job::Job;
use shop_print::settings::Settings;
use shop_print::slice::{Slice, Slicer};
use std::f64::consts::{FRAC_PI_4, TAU};

const LAYER: usize = 5;

fn job(walls: u32) -> Job {
    let settings = Settings { walls, resolution_mm: 0.002, ..Settings::default() };
    print_of(block([0.0; 3], [5.0, 5.0, 3.0]), settings).job
}

/// A region of walks given by their corners, mm.
fn region(walks: &[Vec<[f64; 2]>]) -> Contours {
    let mut out = Contours::default();
    for walk in walks {
        for [x, y] in walk {
            out.push(Spot::from_mm(*x, *y));
        }
        out.close();
    }
    out
}

fn bar(long: f64, from: f64, to: f64) -> Contours {
    region(&[vec![[0.0, -0.5 * from], [long, -0.5 * to], [long, 0.5 * to], [0.0, 0.5 * from]]])
}

fn ring(radius: f64, wide: f64) -> Contours {
    let circle = |r: f64, way: f64| {
        let corner = |i: u32| (way * TAU * f64::from(i) / 180.0).sin_cos();
        (0..180).map(corner).map(|(sin, cos)| [r * cos, r * sin]).collect::<Vec<_>>()
    };
    region(&[circle(radius, 1.0), circle(radius - wide, -1.0)])
}

/// A straight piece of a road: its ends, and its material per height, mm.
type Piece = [Spot; 2];

/// Roads of a slice, each as its pieces with the material per length and height of each, mm.
fn roads(job: &Job, slice: &Slice) -> Vec<Vec<(Piece, f64)>> {
    let pitch = job.wall_rules(LAYER).pitch / PER_MM;
    let height = job.levels.height(LAYER);
    let wall = |(_, wall, wider): (usize, &[Spot], &[f32])| {
        let n = wall.len();
        let more = |i: usize| wider.get(i % n).map_or(0.0, |w| f64::from(*w));
        let piece = |i: usize| ([wall[i], wall[(i + 1) % n]], pitch + 0.5 * (more(i) + more(i + 1)));
        (0..n).map(piece).collect()
    };
    let thin = slice.thin.roads().iter().map(|road| {
        let spots = slice.thin.spots(road);
        let piece = |(i, w): (usize, &[Spot])| ([w[0], w[1]], slice.thin.area(road, i) / height);
        spots.windows(2).enumerate().map(piece).collect()
    });
    slice.walls.each().map(wall).chain(thin).collect()
}

/// A layer of a region: what is laid there.
struct Laid {
    section: Contours,
    roads: Vec<Vec<(Piece, f64)>>,
    /// So many of them are walls.
    walls: usize,
    /// Where lines of the filling lie, up to their sides.
    filled: Contours,
    /// How much wider a bead is than its material says, mm.
    rounding: f64,
}

impl Laid {
    fn of(section: Contours, walls: u32) -> Laid {
        let job = job(walls);
        let slice = Slicer::default().walled(&job, LAYER, section.clone());
        let rules = job.wall_rules(LAYER);
        let mut filled = Contours::default();
        // A line's side lies half a pitch beyond its middle; the innermost wall's, as far within.
        let beyond = rules.to_fill - 0.5 * rules.pitch;
        let corner = Corner::Sharp { limit: 2.0 };
        Planar::default().inset(&slice.walls.inside, -beyond, corner, &mut filled);
        let roads = roads(&job, &slice);
        let rounding = job.levels.height(LAYER) * (1.0 - FRAC_PI_4);
        Laid { section, roads, walls: slice.walls.each().count(), filled, rounding }
    }

    /// Material per height, mm²; lines of the filling fill what they lie in.
    fn material(&self) -> f64 {
        let pieces = self.roads.iter().flatten();
        pieces.map(|([a, b], width)| a.distance(*b) / PER_MM * width).sum::<f64>() + self.filled.area_mm2()
    }

    /// What beads cover, with round ends.
    fn covered(&self) -> Contours {
        let mut walks = self.filled.clone();
        for ([a, b], width) in self.roads.iter().flatten() {
            let r = 0.5 * (width + self.rounding) * PER_MM;
            let [x, y] = a.to(*b);
            let along = y.atan2(x);
            for k in 0..24 {
                let (at, turn) = if k < 12 { (b, k) } else { (a, k - 1) };
                let (sin, cos) = (along - 0.25 * TAU + 0.5 * TAU * f64::from(turn) / 11.0).sin_cos();
                walks.push(Spot::new(at.x + (r * cos).round() as i32, at.y + (r * sin).round() as i32));
            }
            walks.close();
        }
        let mut out = Contours::default();
        Planar::default().unite(&walks, &mut out);
        out
    }

    /// Area of the section that nothing covers, and of what is laid outside, mm².
    fn bare_and_outside(&self) -> [f64; 2] {
        let covered = self.covered();
        let mut out = Contours::default();
        let mut planar = Planar::default();
        [[&self.section, &covered], [&covered, &self.section]].map(|[a, b]| {
            planar.combine(a, b, Boolean::Difference, &mut out);
            out.area_mm2()
        })
    }

    /// Length around the section, mm.
    fn around(&self) -> f64 {
        let of = |c: &[Spot]| (0..c.len()).map(|i| c[i].distance(c[(i + 1) % c.len()])).sum::<f64>();
        self.section.iter().map(of).sum::<f64>() / PER_MM
    }

    /// The largest change of a wall's width between pieces that follow one another, mm.
    fn step(&self) -> f64 {
        let steps =
            self.roads[..self.walls].iter().flat_map(|r| r.windows(2).map(|w| (w[1].1 - w[0].1).abs()));
        steps.fold(0.0, f64::max)
    }

    /// Material over what beads hold that fill the section, the share of its area that is bare, and how far roads reach out
    /// of it in the mean, mm.
    fn shares(&self) -> [f64; 3] {
        let area = self.section.area_mm2();
        // Free sides are round.
        let want = area - 0.5 * self.rounding * self.around();
        let [bare, outside] = self.bare_and_outside();
        [self.material() / want, bare / area, outside / self.around()]
    }
}

/// A closed band about a wavy circle, as wide as it is told at every corner.
fn band(radius: f64, waves: [f64; 4], wide: [f64; 5]) -> Contours {
    let n = 240;
    let walk = |side: f64| {
        let corner = |i: u32| {
            let angle = TAU * f64::from(i) / f64::from(n);
            let wave = |k: usize, v: f64| v * (angle * (k + 2) as f64).sin();
            let r = radius + waves.iter().enumerate().map(|(k, v)| wave(k, *v)).sum::<f64>();
            let w = wide[0] + wide[1..].iter().enumerate().map(|(k, v)| wave(k, *v)).sum::<f64>();
            let r = r + 0.5 * side * w;
            [r * angle.cos(), r * angle.sin()]
        };
        (0..n).map(corner).collect::<Vec<_>>()
    };
    let mut inner = walk(-1.0);
    inner.reverse();
    region(&[walk(1.0), inner])
}

/// Bars and rings of every width that a few walls leave narrow.
#[test]
fn bars_and_rings_are_filled_whatever_their_width() {
    for walls in 1..=3 {
        for wide in (30..=300).map(|k| 0.01 * f64::from(k)) {
            for section in [bar(100.0, wide, wide), ring(8.0, wide)] {
                let laid = Laid::of(section, walls);
                let [material, bare, outside] = laid.shares();
                assert!((0.99..=1.005).contains(&material), "{walls} {wide:.2}: {material}");
                // Corners of circles as chords, and round ends of bars.
                assert!(bare < 0.01 && outside < 1e-3, "{walls} {wide:.2}: {bare} {outside}");
                assert!(laid.step() < 0.05, "{walls} {wide:.2}: {}", laid.step());
            }
        }
    }
}

/// A bar whose two walls leave a slit is those two walls and nothing else; its outer sides are where they were.
#[test]
fn no_sliver_is_laid_between_two_walls() {
    for wide in (89..=104).map(|k| 0.01 * f64::from(k)) {
        let laid = Laid::of(bar(20.0, wide, wide), 2);
        assert_eq!((laid.roads.len(), laid.walls), (1, 1), "{wide:.2}");
        let [_, bare, outside] = laid.shares();
        assert!(bare < 4e-3 && outside < 5e-4, "{wide:.2}: {bare} {outside}");
    }
}

/// What is said to a printer is what was meant: walls of varying width keep it through seams and hanging corners.
#[test]
fn walls_beside_a_slit_bring_what_fills_it() {
    let wide = 0.98;
    let settings = Settings { walls: 2, skirt_loops: 0, ..Settings::default() };
    let print = print_of(block([0.0; 3], [40.0, wide, 2.0]), settings);
    let layers = roads_of(&print, "External perimeter");
    let rounding = print.job.levels.height(LAYER) * (1.0 - FRAC_PI_4);
    let want = 40.0 * wide - rounding * (40.0 + wide);
    for layer in 1..layers.len() {
        let laid = filament(&layers[layer]) * SECTION / print.job.levels.height(layer);
        assert!((0.99..1.002).contains(&(laid / want)), "{layer}: {laid} {want}");
    }
    assert!(roads_of(&print, "Gap fill").iter().all(Vec::is_empty));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn wedges_are_filled(walls in 1u32..4, from in 0.3..2.5f64, more in 0.05..0.5f64) {
        let laid = Laid::of(bar(100.0, from, from + more), walls);
        let [material, bare, outside] = laid.shares();
        prop_assert!((0.99..=1.005).contains(&material), "{}", material);
        prop_assert!(bare < 0.015 && outside < 2.5e-3, "{} {}", bare, outside);
        prop_assert!(laid.step() < 0.05, "{}", laid.step());
    }

    #[test]
    fn bands_are_filled(
        walls in 1u32..4,
        radius in 8.0..20.0f64,
        waves in prop::array::uniform4(-0.6..0.6f64),
        wide in 0.7..2.4f64,
        swell in prop::array::uniform4(-0.08..0.08f64),
    ) {
        let [a, b, c, d] = swell;
        let laid = Laid::of(band(radius, waves, [wide, a, b, c, d]), walls);
        let [material, bare, outside] = laid.shares();
        // Where walls begin between others, something is open or crowded.
        prop_assert!((0.95..=1.03).contains(&material), "{}", material);
        prop_assert!(bare < 0.02 && outside < 2.5e-3, "{} {}", bare, outside);
        prop_assert!(laid.step() < 0.05, "{}", laid.step());
    }
}
