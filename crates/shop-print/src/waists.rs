//! Places whose width goes up and down about that of two roads.
//!
//! Walls are only where two of them lie beside one another without crowding. Where a place is just so wide, that holds here
//! and there, and the wall falls into boxes with little between them:
//!
//! ```text
//!    ──────────────────────────────      ──────────────────────────────
//!     ━━━━━━━┓   ┏━┓ ┏━━━━━━━━━━━━        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!            ┃   ┃ ┃ ┃               ─▶
//!     ━━━━━━━┛   ┗━┛ ┗━━━━━━━━━━━━        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!    ──────────────────────────────      ──────────────────────────────
//! ```
//!
//! So boxes are dropped, and what two long pieces leave between them is gone through if they crowd only a little there.

use crate::edges::Edges;
use crate::stubs::around_mm;
use crate::walls::RESTORED;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot, bounds, encloses, twice_area};

/// Pieces shorter than so many pitches within walls are stubs, when they are narrower than so much of one.
const STUB_LENGTH: f64 = 6.0;
const STUB_WIDTH: f64 = 0.25;
/// A wall crowds the one beside it by so many pitches at most, twice this for both: 6 % too much material there.
pub const CROWD: f64 = 0.125;

/// Longer waists are not gone through, grid units.
const WAIST: f64 = 20.0 * PER_MM;
/// A waist is looked at in places so far apart, grid units.
const SAMPLE: f64 = 0.5 * PER_MM;
/// They may be so much less within than they should be, as the straight way does not lie in the middle.
const SEEMS: f64 = 0.9;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Room {
    loose: Contours,
    kept: Contours,
    /// The pieces, joined.
    pub joined: Contours,
}

/// Takes out pieces that are both short and hardly wide enough for walls. `room` is room for work.
pub fn drop_stubs(inner: &mut Contours, pitch: f64, room: &mut Contours) {
    let stub = |contour: &[Spot]| {
        let along = 0.5 * around_mm(contour) * PER_MM;
        let area = 0.5 * twice_area(contour) as f64;
        area > 0.0 && along < STUB_LENGTH * pitch && area < STUB_WIDTH * pitch * along
    };
    // A piece with a hole has room enough.
    let holes = |piece: &[Spot]| inner.iter().any(|c| twice_area(c) < 0 && encloses(piece, c[0]));
    room.clear();
    for contour in inner.iter().filter(|c| !stub(c) || holes(c)) {
        room.add(contour);
    }
    if room.len() < inner.len() {
        std::mem::swap(inner, room);
    }
}

/// Leaves in `room.joined` the pieces of `inner`, which lie so far within a region, and what joins them where a second
/// distance less is enough: all of it that much less within. False when that joins nothing.
pub fn join(
    region: &Contours,
    inner: &Contours,
    (distance, crowd): (f64, f64),
    tolerance: f64,
    planar: &mut Planar,
    room: &mut Room,
) -> bool {
    let outer = |contours: &Contours| contours.iter().filter(|c| twice_area(c) > 0).count();
    let pieces = outer(inner);
    if pieces < 2 || !face(region, inner, distance - crowd) {
        return false;
    }
    planar.inset(region, distance - crowd, Corner::Round { tolerance }, &mut room.loose);
    if outer(&room.loose) >= pieces {
        return false;
    }
    let Room { loose, kept, joined } = room;
    let outers: Vec<Outer> = (0..loose.len()).filter_map(|i| Outer::of(i, loose.get(i))).collect();
    let mut count = vec![0; loose.len()];
    for piece in inner.iter().filter(|c| twice_area(c) > 0) {
        if let Some(home) = home(piece[0], &outers, loose) {
            count[home] += 1;
        }
    }
    if count.iter().all(|pieces| *pieces < 2) {
        return false;
    }
    let is_joined = |contour: &[Spot]| home(contour[0], &outers, loose).is_some_and(|h| count[h] > 1);
    kept.clear();
    inner.iter().filter(|c| !is_joined(c)).for_each(|c| kept.add(c));
    planar.inset(kept, -crowd, Corner::Sharp { limit: RESTORED }, joined);
    for (i, contour) in loose.iter().enumerate() {
        // A hole goes with the piece that it is in.
        let goes = if twice_area(contour) > 0 { count[i] > 1 } else { is_joined(contour) };
        if goes {
            joined.add(contour);
        }
    }
    true
}

/// True when the tips of two pieces face one another so that what is between them seems to lie so far within the region: to
/// move all of a region in costs more than to look.
fn face(region: &Contours, inner: &Contours, distance: f64) -> bool {
    let mut tips: Vec<(Spot, usize)> = Vec::new();
    for (i, piece) in inner.iter().enumerate().filter(|(_, c)| twice_area(c) > 0) {
        let n = piece.len();
        tips.extend((0..n).filter(|k| is_tip(piece, *k)).map(|k| (piece[k], i)));
    }
    tips.sort_unstable();
    let mut edges = None;
    for (i, (a, piece)) in tips.iter().enumerate() {
        for (b, _) in tips[i + 1..]
            .iter()
            .take_while(|(b, _)| f64::from(b.x) - f64::from(a.x) < WAIST)
            .filter(|t| t.1 != *piece)
        {
            let far = a.distance(*b);
            if far > WAIST {
                continue;
            }
            let edges = edges.get_or_insert_with(|| Edges::of(region));
            let samples = (far / SAMPLE).ceil().max(2.0);
            let clear = |k: u32| {
                let [x, y] = a.to(*b).map(|v| (v * f64::from(k) / samples) as i32);
                edges.depth(Spot::new(a.x + x, a.y + y), distance) >= SEEMS * distance
            };
            if (1..samples as u32).all(clear) {
                return true;
            }
        }
    }
    false
}

/// True for a corner of a piece that is sharp: where a waist begins, both sides come together.
fn is_tip(piece: &[Spot], k: usize) -> bool {
    let n = piece.len();
    let [ux, uy] = piece[(k + n - 1) % n].to(piece[k]);
    let [vx, vy] = piece[k].to(piece[(k + 1) % n]);
    ux * vx + uy * vy < 0.0
}

/// The outer contour of a looser piece.
struct Outer {
    number: usize,
    area: i64,
    low: Spot,
    high: Spot,
}

impl Outer {
    fn of(number: usize, contour: &[Spot]) -> Option<Outer> {
        let area = twice_area(contour);
        let [low, high] = bounds(contour);
        (area > 0).then_some(Outer { number, area, low, high })
    }

    fn holds(&self, at: Spot, all: &Contours) -> bool {
        let near = self.low.x <= at.x && at.x <= self.high.x && self.low.y <= at.y && at.y <= self.high.y;
        near && encloses(all.get(self.number), at)
    }
}

/// Returns in which piece of `all` a place lies: the one with the smallest outer contour around it.
fn home(at: Spot, outers: &[Outer], all: &Contours) -> Option<usize> {
    outers.iter().filter(|o| o.holds(at, all)).min_by_key(|o| o.area).map(|o| o.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walls::{self, WallRules, walls};
    use proptest::prelude::*;

    const PITCH: f64 = 0.4 * PER_MM;
    const WIDTH: f64 = 0.443 * PER_MM;

    /// A strip along x whose width at every millimetre is given, mm.
    fn strip(widths: &[f64]) -> Contours {
        let mut out = Contours::default();
        let last = widths.len() - 1;
        for (i, w) in widths.iter().enumerate() {
            out.push(Spot::from_mm(i as f64, -0.5 * w));
        }
        for i in (0..=last).rev() {
            out.push(Spot::from_mm(i as f64, 0.5 * widths[i]));
        }
        out.close();
        out
    }

    fn rings(region: &Contours) -> Contours {
        let rules = WallRules {
            count: 2,
            width: WIDTH,
            pitch: PITCH,
            to_fill: 0.9 * PITCH,
            resolution: 0.002 * PER_MM,
            fills: [true; 2],
        };
        let (mut planar, mut room) = (Planar::default(), walls::Room::default());
        walls(region, &rules, true, &mut planar, &mut room).rings.swap_remove(0)
    }

    #[test]
    fn a_wall_goes_on_where_it_crowds_a_little() {
        // Two roads want 0.843 mm.
        let mut widths = vec![1.2; 30];
        widths[9..14].copy_from_slice(&[0.81, 0.87, 0.79, 0.86, 0.80]);
        assert_eq!(rings(&strip(&widths)).len(), 1);
        // Too narrow in one place: the wall ends there on both sides, and has no box beside it.
        widths[11] = 0.6;
        let rings = rings(&strip(&widths));
        assert_eq!(rings.len(), 2);
        assert!(rings.iter().all(|r| around_mm(r) > 12.0));
    }

    #[test]
    fn neither_holes_nor_what_is_in_them_are_lost() {
        // A frame of strips about as wide as two roads, with a plate in its hole.
        let mut region = Contours::default();
        let frame = |half: f64, way: f64, region: &mut Contours| {
            for [x, y] in [[-1.0, -1.0], [1.0, -way], [1.0, 1.0], [-1.0, way]] {
                region.push(Spot::from_mm(half * x, half * y));
            }
            region.close();
        };
        frame(10.0, 1.0, &mut region);
        // A hole that leaves 0.9 mm at the corners and 0.8 mm in the middle of every side.
        for k in 0..8 {
            let (sin, cos) = (-std::f64::consts::FRAC_PI_4 * f64::from(k)).sin_cos();
            let far = if k % 2 == 0 { 9.2 } else { 9.1 * std::f64::consts::SQRT_2 };
            region.push(Spot::from_mm(far * cos, far * sin));
        }
        region.close();
        frame(5.0, 1.0, &mut region);
        let rings = rings(&region);
        let signs: Vec<bool> = rings.iter().map(|c| twice_area(c) > 0).collect();
        assert_eq!(signs.iter().filter(|s| **s).count(), 2, "{signs:?}");
        assert_eq!(signs.iter().filter(|s| !**s).count(), 1, "{signs:?}");
    }

    proptest! {
        #[test]
        fn walls_stay_inside_and_have_no_boxes(widths in prop::collection::vec(0.5..1.2f64, 4..40)) {
            let region = strip(&widths);
            let rings = rings(&region);
            let mut inner = Contours::default();
            let inside = 0.5 * WIDTH - 0.02 * PER_MM;
            Planar::default().inset(&region, inside, Corner::Sharp { limit: 3.0 }, &mut inner);
            for ring in rings.iter() {
                for s in ring {
                    prop_assert!(inner.iter().any(|c| encloses(c, *s)), "{:?}", s.mm());
                }
                // A box has nothing but its ends.
                prop_assert!(around_mm(ring) > 2.0, "{}", around_mm(ring));
            }
        }
    }
}
