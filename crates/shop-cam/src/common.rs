//! Common lines: contours that lie one width of the cut apart are cut with one line between them.
//!
//! ```text
//!      ┌──────┐┆┌──────┐     Both contours' paths run in the middle of the gap, on top of each other. Whichever is cut
//!      │  A   │┆│  B   │     first is cut whole; of the other what is left is open, and starts and ends in the kerf
//!      └──────┘┆└──────┘     that is there already.
//! ```
//!
//! Two contours *face* each other when the waste between them is the same. Facing contours that are nowhere nearer
//! than the width of the cut and somewhere no farther, within [`COMMON_TOLERANCE`], are *neighbours*. Neighbours are
//! given different *colours* and contours of one colour are offset together, so that an offset never has to decide
//! between two curves on top of each other. What paths of neighbours have in common is found afterwards
//! (`spans`), and `order` decides who is cut whole.
//!
//! NOTE: an edge that two contours share in the drawing leaves no room for the cut: either part would lose half of
//! it. Such drawings are refused.

mod order;
mod spans;

pub use order::{Arranged, Pace, Sharing, Turn, Unpaced};
pub use spans::Span;

use crate::compensate::CutPath;
use crate::feature::{Profile, Waste};
use shop_geom::distance::{SegmentIndex, segment_distance};
use std::collections::{BTreeMap, VecDeque};

/// A gap between two contours may differ from the width of the cut by this, mm. One line between them then is off
/// by half of it on either side, which with the rounding of a post is within what a proof forgives.
pub const COMMON_TOLERANCE: f64 = 0.003;

/// A line for both may be this far off the place that either contour asks for, mm.
const OFF_PLACE: f64 = 0.0017;

/// Which contours may share lines, and how far apart they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Facing contours nearer to each other than the cut is wide, or that near within the tolerance: the two, the
    /// first below the second, and their distance, mm.
    pub pairs: Vec<(u32, u32, f64)>,
    /// Distance from a contour to the path beside it, mm.
    pub distance: f64,
    /// Colour of each contour that has a neighbour.
    pub colour: Vec<Option<u32>>,
}

impl Neighbours {
    /// Finds the neighbours among contours that may share lines; none when no contour may. O(pieces · neighbours).
    pub fn of(profiles: &[Profile], radius: f64) -> Option<Neighbours> {
        if radius <= 0.0 || !profiles.iter().any(may_share) {
            return None;
        }
        let width = 2.0 * radius;
        let pairs = near(profiles, width + COMMON_TOLERANCE);
        let fits = |gap: f64| (gap - width).abs() <= COMMON_TOLERANCE;
        let mut gaps: Vec<f64> = pairs.iter().map(|p| p.2).filter(|g| fits(*g)).collect();
        gaps.sort_by(f64::total_cmp);
        // The middle of the usual gap; contours that stand alone are beside the cut as far as these.
        let usual = gaps.get(gaps.len() / 2).map_or(radius, |g| g / 2.0);
        let distance = usual.clamp(radius - COMMON_TOLERANCE / 2.0, radius + COMMON_TOLERANCE / 2.0);
        let shares = |p: &&(u32, u32, f64)| {
            may_share(&profiles[p.0 as usize])
                && may_share(&profiles[p.1 as usize])
                && (p.2 - distance - radius).abs() <= OFF_PLACE
        };
        let edges: Vec<(u32, u32)> = pairs.iter().filter(shares).map(|p| (p.0, p.1)).collect();
        let colour = colours(profiles.len(), &edges);
        Some(Neighbours { pairs, distance, colour })
    }

    /// True when contour `i` has a neighbour.
    pub fn has(&self, i: u32) -> bool {
        self.colour.get(i as usize).is_some_and(Option::is_some)
    }
}

/// True when this contour may share its line with another.
fn may_share(profile: &Profile) -> bool {
    // A tab on a line for two would have to be a tab of both.
    profile.common_lines && profile.tabs.is_empty() && follows_nesting(profile)
}

fn follows_nesting(p: &Profile) -> bool {
    match p.waste {
        Waste::Outside => p.depth.is_multiple_of(2),
        Waste::Inside => p.depth % 2 == 1,
        Waste::On => false,
    }
}

/// True when the waste between the two contours is the same.
fn facing(profiles: &[Profile], i: u32, j: u32) -> bool {
    let (a, b) = (&profiles[i as usize], &profiles[j as usize]);
    match (a.waste, b.waste) {
        (Waste::Outside, Waste::Outside) => a.parent == b.parent,
        (Waste::Inside, Waste::Outside) => b.parent == Some(i),
        (Waste::Outside, Waste::Inside) => a.parent == Some(j),
        _ => false,
    }
}

/// Returns facing contours no farther apart than `reach`, with their distance.
fn near(profiles: &[Profile], reach: f64) -> Vec<(u32, u32, f64)> {
    let index = SegmentIndex::new(profiles.iter().map(|p| &p.contour));
    let mut least: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for (k, segment) in index.segments().iter().enumerate() {
        let own = index.owner(k as u32);
        let area = segment.bounds().inflated(reach);
        index.grid().visit(&area, |other| {
            let by = index.owner(other);
            if by <= own || !facing(profiles, own, by) {
                return;
            }
            let piece = &index.segments()[other as usize];
            if !piece.bounds().intersects(&area) {
                return;
            }
            let d = segment_distance(segment, piece);
            if d <= reach {
                let known = least.entry((own, by)).or_insert(d);
                *known = known.min(d);
            }
        });
    }
    least.into_iter().map(|((i, j), d)| (i, j, d)).collect()
}

/// Colours the contours so that no two on an edge have the same; two colours suffice for a grid.
fn colours(n: usize, edges: &[(u32, u32)]) -> Vec<Option<u32>> {
    let mut beside: Vec<Vec<u32>> = vec![Vec::new(); n];
    for &(a, b) in edges {
        beside[a as usize].push(b);
        beside[b as usize].push(a);
    }
    let mut out: Vec<Option<u32>> = vec![None; n];
    let mut queue = VecDeque::new();
    for first in 0..n {
        if out[first].is_some() || beside[first].is_empty() {
            continue;
        }
        queue.push_back(first as u32);
        while let Some(i) = queue.pop_front() {
            if out[i as usize].is_some() {
                continue;
            }
            let mut taken: Vec<u32> = beside[i as usize].iter().filter_map(|&k| out[k as usize]).collect();
            taken.sort_unstable();
            taken.dedup();
            let free = taken.iter().zip(0u32..).take_while(|(t, k)| **t == *k).count() as u32;
            out[i as usize] = Some(free);
            queue.extend(&beside[i as usize]);
        }
    }
    out
}

/// The lines that paths have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shared {
    /// By path: what of it another path covers as well, in order of where it starts.
    pub spans: Vec<Vec<Span>>,
    /// By path: places on it that lie in the kerf of another path without a common line, as corners of a grid do,
    /// and whose kerf that is.
    touches: Vec<Vec<spans::Touch>>,
    /// By path: its colour.
    colour: Vec<u32>,
    /// By path: the first path that it shares lines with, directly or through others; itself when there is none.
    cluster: Vec<u32>,
    /// How far a path is from its contour, mm.
    distance: f64,
    /// Where the waste is: 1 on the left of the paths, -1 on their right.
    side: f64,
}

impl Shared {
    /// Finds what `paths`, with the waste on their left (`side` = 1) or right (-1), have in common, and puts those
    /// that share a line into one group.
    pub fn of(paths: &mut [CutPath], neighbours: &Neighbours, side: f64) -> Shared {
        let (spans, touches) = spans::find(paths, neighbours, side);
        let colour = (paths.iter())
            .map(|p| neighbours.colour.get(p.profile as usize).copied().flatten().unwrap_or(0))
            .collect();
        let mut cluster = Union::new(paths.len());
        let mut group = Union::new(paths.len());
        for (i, list) in spans.iter().enumerate() {
            for span in list {
                cluster.join(i as u32, span.other);
                group.join(paths[i].group, paths[span.other as usize].group);
            }
        }
        for path in paths.iter_mut() {
            path.group = group.root(path.group);
        }
        let cluster = (0..paths.len() as u32).map(|i| cluster.root(i)).collect();
        Shared { spans, touches, colour, cluster, distance: neighbours.distance, side }
    }

    /// True when this path has a line in common with another.
    pub fn is_shared(&self, path: u32) -> bool {
        !self.spans[path as usize].is_empty()
    }

    fn is_own(&self, path: u32, s: f64, length: f64) -> bool {
        let on = |x: f64, span: &Span| span.from - self.distance <= x && x <= span.to + self.distance;
        self.spans[path as usize].iter().all(|span| !on(s, span) && !on(s + length, span))
    }
}

/// One path among those that may share lines.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// All of them.
    pub shared: &'a Shared,
    /// This one.
    pub path: u32,
    /// Its length, mm.
    pub length: f64,
}

impl Member<'_> {
    /// True when distance `s` along the path is on no line that another path has too: what lies beyond such a
    /// line is not waste but the other part.
    pub fn is_own(&self, s: f64) -> bool {
        self.shared.is_own(self.path, s.rem_euclid(self.length), self.length)
    }
}

/// Sets of numbers; the root of a set is its smallest member.
struct Union {
    parent: Vec<u32>,
}

impl Union {
    fn new(n: usize) -> Self {
        Union { parent: (0..n as u32).collect() }
    }

    fn root(&mut self, mut i: u32) -> u32 {
        while self.parent[i as usize] != i {
            let up = self.parent[self.parent[i as usize] as usize];
            self.parent[i as usize] = up;
            i = up;
        }
        i
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
    }
}
