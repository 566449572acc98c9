//! Places that are about as long as wide: a closed road around their middle.
//!
//! A middle line says nothing of them, or says it of a part only. A road that follows the contour half as far in as the
//! place reaches, and is as wide as that, covers all of them.
//!
//! ```text
//!   ┌───────────────┐
//!   │   ┌───────┐   │
//!   │   │   ·   │r  │    r: as far as the place reaches; the road is so wide, and lies half of that within
//!   │   └───────┘   │
//!   └───────────────┘
//! ```

use crate::roads::{Kind, Roads};
use crate::thin::{FATTEST, ThinRules};
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot, simplify, twice_area};
use shop_geom::skeleton::Node;
use shop_geom::{Point, Vector, cross};

/// 4π times the area over the square of the length around, 1 for a circle. Places rounder than this have no line but a
/// middle: rectangles half as long again as wide are the longest of them.
const STUBBY: f64 = 0.75;
/// So have those rounder than this that two roads would share: rectangles three times as long as wide.
const SHARED: f64 = 0.6;
/// The same of a square.
const SQUARE: f64 = std::f64::consts::FRAC_PI_4;
/// Rounder ones are as good as circles.
const CIRCLE: f64 = 0.92;
/// Corners of a road reach this many times its distance from those of the place.
const TIPS: f64 = 2.5;
/// How far a road may be straightened, grid units.
const TOLERANCE: f64 = 0.004 * PER_MM;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Stubs {
    planar: Planar,
    place: Contours,
    moved: Contours,
    road: Contours,
}

impl Stubs {
    /// Fills a place without holes of so much area and so much around it, mm² and mm, if it is about as long as wide;
    /// false when it is not.
    pub fn fill(
        &mut self,
        place: &[Spot],
        (area, around): (f64, f64),
        pairs: u32,
        rules: &ThinRules,
        roads: &mut Roads,
    ) -> bool {
        let round = 2.0 * std::f64::consts::TAU * area / (around * around);
        if round <= SHARED {
            return false;
        }
        // As far as it reaches: what touches one circle with all its sides has twice the area over the length around, a
        // rectangle half its short side.
        let reach = if round > SQUARE {
            2.0 * area / around
        } else {
            0.125 * (around - (around * around - 16.0 * area).max(0.0).sqrt())
        };
        let usual = if pairs == 0 { rules.width } else { rules.pitch };
        if round <= STUBBY && 2.0 * reach <= FATTEST * usual {
            return false;
        }
        let node = Node { center: middle(place), radius: reach };
        if round > CIRCLE {
            disc(node, pairs, rules, roads);
        } else {
            self.ring(place, node, pairs, rules, roads);
        }
        true
    }

    /// True when a place that reaches so far from its middle gets a road.
    pub fn is_worth(reach: f64, pairs: u32, rules: &ThinRules) -> bool {
        most(reach, pairs, rules).is_some()
    }

    /// Fills a place without holes that has a middle and no line.
    pub fn ring(&mut self, place: &[Spot], middle: Node, pairs: u32, rules: &ThinRules, roads: &mut Roads) {
        let Some(most) = most(middle.radius, pairs, rules) else { return };
        self.place.clear();
        self.place.add(place);
        let inside = 0.5 * middle.radius * PER_MM;
        self.planar.inset(&self.place, inside, Corner::Sharp { limit: TIPS }, &mut self.moved);
        simplify(&self.moved, TOLERANCE, &mut self.road);
        let length: f64 = self.road.iter().map(around_mm).sum();
        if length < middle.radius {
            disc(middle, pairs, rules, roads);
            return;
        }
        let each = most.min(rules.height * area_mm2(place) / length);
        for ring in self.road.iter().filter(|r| twice_area(r) > 0) {
            close(ring, each, roads);
        }
    }
}

/// Returns the length around a contour, mm.
pub fn around_mm(contour: &[Spot]) -> f64 {
    let back = contour[contour.len() - 1].distance(contour[0]);
    (contour.windows(2).map(|w| w[0].distance(w[1])).sum::<f64>() + back) / PER_MM
}

/// Returns the area within a contour, mm²; negative in a hole.
pub fn area_mm2(contour: &[Spot]) -> f64 {
    0.5 * twice_area(contour) as f64 / (PER_MM * PER_MM)
}

/// Returns the middle of the area within a contour.
fn middle(contour: &[Spot]) -> Point {
    let [x0, y0] = contour[0].mm();
    let (mut area, mut sum) = (0.0, Vector::zeros());
    for w in contour.windows(2) {
        let [a, b] = [w[0], w[1]].map(|s| Vector::new(s.mm()[0] - x0, s.mm()[1] - y0));
        let twice = cross(a, b);
        area += twice;
        sum += (a + b) * twice;
    }
    Point::new(x0, y0) + sum / (3.0 * area).max(1e-12)
}

/// Returns the most material per length of a road around the middle of a place that reaches so far, mm²; nothing when the
/// place is not worth one.
fn most(reach: f64, pairs: u32, rules: &ThinRules) -> Option<f64> {
    if pairs == 0 {
        // Its outer side is free and round.
        let area = rules.height * (reach - rules.rounding()).max(0.25 * reach);
        return (rules.thin_walls && reach >= 0.75 * rules.least).then_some(area);
    }
    // Between walls, what a smaller place lacks is less than a drop.
    (rules.gap_fill && reach >= 0.5 * rules.pitch).then_some(rules.height * reach)
}

/// Fills a disc with a road around its middle.
pub fn disc(blob: Node, pairs: u32, rules: &ThinRules, roads: &mut Roads) {
    let r = blob.radius;
    let Some(area) = most(r, pairs, rules) else { return };
    let n = 12;
    let corners: Vec<Spot> = (0..n)
        .map(|k| {
            let (sin, cos) = (f64::from(k) / f64::from(n) * std::f64::consts::TAU).sin_cos();
            Spot::from_mm(blob.center.x + 0.5 * r * cos, blob.center.y + 0.5 * r * sin)
        })
        .collect();
    close(&corners, area, roads);
}

/// Adds a road that returns to where it begins.
fn close(corners: &[Spot], area: f64, roads: &mut Roads) {
    roads.begin(Kind::Gap, area);
    corners.iter().chain(&corners[..1]).for_each(|s| roads.push(*s));
    roads.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::planar::encloses;

    const RULES: ThinRules = ThinRules {
        walls: 2,
        width: 0.442_920_367,
        pitch: 0.4,
        height: 0.2,
        least: 0.15,
        thin_walls: true,
        gap_fill: true,
        wider_walls: true,
    };

    /// A rectangle, turned and somewhere.
    fn rectangle(long: f64, wide: f64) -> Vec<Spot> {
        let (sin, cos) = 0.3f64.sin_cos();
        let corners = [[0.0, 0.0], [long, 0.0], [long, wide], [0.0, wide]];
        corners
            .iter()
            .map(|[x, y]| Spot::from_mm(90.0 + x * cos - y * sin, 50.0 + x * sin + y * cos))
            .collect()
    }

    fn filled(place: &[Spot], pairs: u32) -> (bool, Roads) {
        let mut roads = Roads::default();
        let sizes = (area_mm2(place), around_mm(place));
        let is = Stubs::default().fill(place, sizes, pairs, &RULES, &mut roads);
        (is, roads)
    }

    fn material(roads: &Roads) -> f64 {
        roads.roads().iter().map(|r| roads.volume_mm3(r)).sum()
    }

    #[test]
    fn stubs_between_walls_are_filled_and_no_more() {
        for wide in [0.5, 0.62, 0.8, 1.0] {
            for aspect in [1.0, 1.2, 1.4, 1.6, 2.0, 2.5] {
                let place = rectangle(aspect * wide, wide);
                let (is, roads) = filled(&place, 1);
                assert_eq!(is, aspect < 1.5 || wide > FATTEST * 0.4, "{wide} {aspect}");
                if is {
                    let share = material(&roads) / (0.2 * area_mm2(&place));
                    assert!((0.98..=1.0 + 1e-6).contains(&share), "{wide} {aspect} {share}");
                    let spots = roads.spots(&roads.roads()[0]);
                    assert!(spots.iter().all(|s| encloses(&place, *s)), "{wide} {aspect}");
                }
            }
        }
    }

    #[test]
    fn pins_stay_within_themselves() {
        for aspect in [1.0, 1.2, 1.4, 1.49] {
            let wide = 0.5;
            let place = rectangle(aspect * wide, wide);
            let (is, roads) = filled(&place, 0);
            assert!(is && roads.roads().len() == 1, "{aspect}");
            let road = roads.roads()[0];
            // Half of what a bead of that material is wide.
            let half = 0.5 * (road.area / RULES.height + RULES.rounding());
            for s in roads.spots(&road) {
                let far = (0..4).map(|i| crate::plan::to_edge(*s, place[i], place[(i + 1) % 4]).sqrt());
                let least = far.fold(f64::INFINITY, f64::min) / PER_MM;
                assert!(least > half - 1e-3 && least < half + 0.01, "{aspect} {least} {half}");
            }
        }
    }

    #[test]
    fn strips_are_none() {
        assert!(!filled(&rectangle(3.0, 0.5), 1).0);
        assert!(!filled(&rectangle(3.0, 0.9), 1).0);
        assert!(!filled(&rectangle(2.0, 0.3), 0).0);
    }
}
