//! Where walls may begin: places that were painted, and places anywhere along a wall.
//!
//! A wall begins at one of its corners. Where it is to begin elsewhere it gets one more corner there, which changes nothing of
//! its shape; the places among which the [order](crate::order) chooses are noted with the wall.
//!
//! ```text
//!     ●━━━━━━━━━━━━━●        painted:  ▒▒▒
//!     ┃      ○▒▒▒▒▒▒┃        ○  a corner more, in the middle of what is painted
//!     ●━━━━━━━━━━━━━●
//! ```

use crate::settings::Seam;
use shop_geom::grid::Grid;
use shop_geom::planar::{PER_MM, Spot};
use shop_geom::{Aabb, Line, Point};

/// Walls are looked at so closely, mm.
const STEP_MM: f64 = 0.5;
/// A wall lies on a painted surface when it is no farther from it than half its width and this, mm.
const BESIDE_MM: f64 = 0.1;

/// What is painted in a layer.
pub struct Marks {
    kinds: [Option<Lines>; 2],
    reach: f64,
}

struct Lines {
    ends: Vec<Line>,
    grid: Grid,
}

impl Lines {
    fn new(lines: &[[Spot; 2]], reach: f64) -> Option<Lines> {
        let at = |s: Spot| Point::from(s.mm());
        let ends: Vec<Line> = lines.iter().map(|[a, b]| Line { a: at(*a), b: at(*b) }).collect();
        let boxes: Vec<Aabb> = ends.iter().map(|e| Aabb::of([e.a, e.b])).collect();
        (!ends.is_empty()).then(|| Lines { grid: Grid::new(&boxes, reach.max(1.0)), ends })
    }

    fn near(&self, p: Point, reach: f64) -> bool {
        let far = |i: u32| self.ends[i as usize].distance_to(p);
        self.grid.nearest(p, reach, far).is_some_and(|(_, far)| far <= reach)
    }
}

/// What is known of a place on a wall.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Never,
    Any,
    Here,
}

impl Marks {
    /// Takes the lines along which painted surfaces are cut, where seams lie and where none do; `width_mm` is that of walls.
    pub fn new(lines: &[Vec<[Spot; 2]>; 2], width_mm: f64) -> Marks {
        let reach = 0.5 * width_mm + BESIDE_MM;
        Marks { kinds: lines.each_ref().map(|l| Lines::new(l, reach)), reach }
    }

    /// True when nothing is painted.
    pub fn is_empty(&self) -> bool {
        self.kinds.iter().all(Option::is_none)
    }

    fn wish(&self, at: Spot) -> Wish {
        let p = Point::from(at.mm());
        let on = |kind: &Option<Lines>| kind.as_ref().is_some_and(|lines| lines.near(p, self.reach));
        if on(&self.kinds[1]) {
            Wish::Never
        } else if on(&self.kinds[0]) {
            Wish::Here
        } else {
            Wish::Any
        }
    }
}

/// Writes a wall to `out`, with corners more where it may begin, and those among which is chosen to `among`; none when
/// every corner is as good. O(length of the wall + what is painted near it).
pub fn places(
    seam: Seam,
    marks: &Marks,
    layer: usize,
    wall: &[Spot],
    out: &mut Vec<Spot>,
    among: &mut Vec<Spot>,
) {
    out.clear();
    among.clear();
    out.extend_from_slice(wall);
    if marks.is_empty() {
        if seam == Seam::Random {
            insert(wall, &[anywhere(layer, wall)], out, among);
        }
        return;
    }
    let steps = steps(wall);
    let wishes: Vec<Wish> = steps.iter().map(|s| marks.wish(s.2)).collect();
    let Some(best) = wishes.iter().copied().max().filter(|w| wishes.iter().any(|o| o != w)) else {
        // All of it is alike.
        if seam == Seam::Random {
            insert(wall, &[anywhere(layer, wall)], out, among);
        }
        return;
    };
    if seam == Seam::Random {
        let good: Vec<usize> = (0..steps.len()).filter(|i| wishes[*i] == best).collect();
        let k = (chance(layer, wall) * good.len() as f64) as usize;
        let (edge, at, _) = steps[good[k.min(good.len() - 1)]];
        return insert(wall, &[(edge, at)], out, among);
    }
    // Corners of the wall that are good, and the middle of every stretch.
    let n = steps.len();
    let begins = (0..n).find(|i| wishes[*i] == best && wishes[(i + n - 1) % n] != best).unwrap_or(0);
    let mut chosen: Vec<(usize, f64)> = Vec::new();
    let mut stretch: Vec<usize> = Vec::new();
    for k in 0..=n {
        let i = (begins + k) % n;
        if k < n && wishes[i] == best {
            stretch.push(i);
            if steps[i].1 == 0.0 {
                chosen.push((steps[i].0, 0.0));
            }
        } else if let Some(middle) = stretch.get(stretch.len() / 2) {
            chosen.push((steps[*middle].0, steps[*middle].1));
            stretch.clear();
        }
    }
    chosen.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    chosen.dedup();
    insert(wall, &chosen, out, among);
}

/// Returns places along a wall: the edge they are on, how much of it lies before them, and themselves.
fn steps(wall: &[Spot]) -> Vec<(usize, f64, Spot)> {
    let mut out = Vec::new();
    for (i, a) in wall.iter().enumerate() {
        let b = wall[(i + 1) % wall.len()];
        let pieces = (a.distance(b) / (STEP_MM * PER_MM)).ceil().max(1.0) as usize;
        out.extend((0..pieces).map(|k| {
            let t = k as f64 / pieces as f64;
            (i, t, between(*a, b, t))
        }));
    }
    out
}

fn between(a: Spot, b: Spot, t: f64) -> Spot {
    let [x, y] = a.to(b).map(|v| (t * v).round() as i32);
    Spot::new(a.x + x, a.y + y)
}

/// Writes a wall with corners more at places on its edges, sorted; notes them, and corners that are such places.
fn insert(wall: &[Spot], places: &[(usize, f64)], out: &mut Vec<Spot>, among: &mut Vec<Spot>) {
    out.clear();
    let mut places = places.iter().peekable();
    for (i, a) in wall.iter().enumerate() {
        let b = wall[(i + 1) % wall.len()];
        out.push(*a);
        while let Some((_, t)) = places.next_if(|p| p.0 == i) {
            let spot = between(*a, b, *t);
            if spot != *a && spot != b {
                out.push(spot);
            }
            among.push(spot);
        }
    }
}

/// Returns a place that nobody can foretell, but the same one in every run: the edge, and how much of it lies before.
fn anywhere(layer: usize, wall: &[Spot]) -> (usize, f64) {
    let n = wall.len();
    let edge = |i: usize| wall[i].distance(wall[(i + 1) % n]);
    let mut left = (0..n).map(edge).sum::<f64>() * chance(layer, wall);
    for i in 0..n {
        if left < edge(i) {
            return (i, left / edge(i));
        }
        left -= edge(i);
    }
    (n - 1, 0.0)
}

/// Returns a number from 0 to 1 that depends on a layer and a wall.
fn chance(layer: usize, wall: &[Spot]) -> f64 {
    let mut hash = (layer as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for v in [wall[0].x, wall[0].y, wall.len() as i32] {
        // The mixing step of SplitMix64 (Steele, Lea, Flood 2014).
        hash = (hash ^ u64::from(v as u32)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
    }
    (hash >> 11) as f64 / (1u64 << 53) as f64
}
