//! A layer on its own: region, walls, and the rows by which its neighbours know it.

use crate::adhesion;
use crate::facets::Facets;
use crate::fit;
use crate::fuzzy;
use crate::job::Job;
use crate::roads::Roads;
use crate::rows::{Frame, Rows, Scanner};
use crate::section::{Cutter, Mended};
use crate::thin::{ThinRules, Thinner};
use crate::walls::{self, WallRules, Walls, walls};
use shop_geom::boolean::Boolean;
use shop_geom::planar::{Contours, PER_MM, Planar, Spot, bounds, twice_area};

/// A layer of which nothing but its own section was needed.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// What the part holds here.
    pub region: Contours,
    /// Its walls.
    pub walls: Walls,
    /// The section as rows, in both directions of filling.
    pub cover: [Rows; 2],
    /// The inside of the walls as rows, in the direction in which this layer's solids are filled.
    pub inner: Rows,
    /// Roads of narrow places.
    pub thin: Roads,
    /// What had to be mended.
    pub mended: Mended,
}

/// Room for slicing, used again and again.
#[derive(Default)]
pub struct Slicer {
    cutter: Cutter,
    planar: Planar,
    scanner: Scanner,
    thinner: Thinner,
    room: walls::Room,
    lasts: Vec<Last>,
    next: usize,
    /// Of regions that came once: only those that come again are worth keeping.
    once: [u64; LASTS],
}

/// What fills less between walls is not worth the way to it: as much as a road lays that is so many times as long as wide.
const DROP: f64 = 1.0;

/// So many of them are kept.
const LASTS: usize = 4;

/// What a region came to in another layer: where nothing changes, the next one comes to the same.
struct Last {
    rules: WallRules,
    thin: ThinRules,
    frames: [Frame; 2],
    slice: Slice,
}

impl Slicer {
    /// Cuts one layer out of the facets that its plane meets.
    pub fn slice(&mut self, job: &Job, facets: &Facets, layer: usize, cut: &[u32]) -> Slice {
        let mut region = Contours::default();
        let mended = self.section(job, facets, layer, cut, &mut region);
        self.fit(job, layer, &mut region);
        let mut slice = self.walled(job, layer, region);
        self.fill(job, layer, &mut slice);
        Slice { mended, ..slice }
    }

    /// Writes to `region` what facets hold in a layer.
    pub fn section(
        &mut self,
        job: &Job,
        facets: &Facets,
        layer: usize,
        cut: &[u32],
        region: &mut Contours,
    ) -> Mended {
        let plane = job.levels.plane(layer);
        let resolution = job.wall_rules(layer).resolution;
        let quiet = job.settings.close_gaps_mm;
        self.cutter.cut(facets, cut, plane, resolution, quiet, &mut self.planar, region)
    }

    /// Changes a region as the settings want it before walls are made: see [`crate::fit`].
    pub fn fit(&mut self, job: &Job, layer: usize, region: &mut Contours) {
        if fit::changes(job, layer) {
            fit::fit(job, layer, &mut self.planar, region);
        }
    }

    /// Returns a region with its walls and the roads of its narrow places.
    pub fn walled(&mut self, job: &Job, layer: usize, region: Contours) -> Slice {
        let mut slice = self.smooth(job, layer, region);
        if let Some(seen) = slice.walls.rings.first_mut() {
            fuzzy::roughen(&job.settings, layer, seen);
        }
        slice
    }

    fn smooth(&mut self, job: &Job, layer: usize, region: Contours) -> Slice {
        let mut slice = Slice { region, ..Slice::default() };
        let rules = job.wall_rules(layer);
        let thin = job.thin_rules(layer);
        let same = |l: &&Last| {
            l.rules == rules && l.thin == thin && l.frames == job.frames && l.slice.region == slice.region
        };
        if let Some(last) = self.lasts.iter().find(same) {
            return last.slice.clone();
        }
        let print = fingerprint(&slice.region);
        let again = self.once.contains(&print);
        self.once.rotate_right(1);
        self.once[0] = print;
        // A narrow place is crossed at a slant by at least one of the two directions, if it is not a mere speck.
        let limit = 2.2 * std::f64::consts::SQRT_2 * thin.reach() * PER_MM;
        let mut narrow = slice.region.iter().any(|c| is_speck(c, 2.0 * thin.reach() * PER_MM));
        for way in 0..2 {
            let (frame, rows) = (&job.frames[way], &mut slice.cover[way]);
            narrow |= self.scanner.scan_for_narrow(&slice.region, frame, limit, rows);
        }
        slice.walls = walls(&slice.region, &rules, narrow, &mut self.planar, &mut self.room);
        for (pairs, rest) in self.room.rests.iter().enumerate() {
            let first = slice.thin.roads().len();
            self.thinner.slits.clear();
            self.thinner.roads(rest, pairs as u32, &thin, &mut slice.thin);
            if pairs > 0 {
                slice.walls.widen(pairs - 1, &self.thinner.slits, thin.pitch);
                let drop = DROP * thin.pitch * thin.pitch * thin.height;
                slice.thin.retain_from(first, |roads, road| roads.volume_mm3(road) >= drop);
            }
        }
        if again {
            self.keep(Last { rules, thin, frames: job.frames, slice: slice.clone() });
        }
        slice
    }

    fn keep(&mut self, last: Last) {
        if self.lasts.len() < LASTS {
            self.lasts.push(last);
        } else {
            self.lasts[self.next % LASTS] = last;
        }
        self.next += 1;
    }

    /// Puts the inside of the walls on the lines that will fill it.
    pub fn fill(&mut self, job: &Job, layer: usize, slice: &mut Slice) {
        self.scanner.scan(&slice.walls.inside, &job.frames[layer % 2], &mut slice.inner);
    }

    /// Returns a region as its neighbours know it: without anything in it.
    pub fn whole(&mut self, job: &Job, region: Contours) -> Slice {
        let mut slice = Slice { region, ..Slice::default() };
        for way in 0..2 {
            self.scanner.scan(&slice.region, &job.frames[way], &mut slice.cover[way]);
        }
        slice
    }

    /// Returns a combination of two regions.
    pub fn combine(&mut self, a: &Contours, b: &Contours, rule: Boolean) -> Contours {
        let mut out = Contours::default();
        self.planar.combine(a, b, rule, &mut out);
        out
    }

    /// Adds the loops of skirt and brim in a layer, the outermost first; `outline` is a convex one around everything.
    pub fn around(
        &mut self,
        job: &Job,
        layer: usize,
        region: &Contours,
        outline: &[Spot],
        out: &mut Contours,
    ) {
        adhesion::skirt(job, outline, &mut self.planar, out);
        if layer == 0 {
            adhesion::brim(job, region, &mut self.planar, out);
        }
    }
}

/// Returns a number that differs for regions that differ, most likely.
fn fingerprint(region: &Contours) -> u64 {
    // An odd number whose bits are as good as random: 2^64 over the golden ratio.
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let corners = region.iter().flat_map(|contour| contour.iter().map(|s| (s.x as u32, s.y as u32)));
    corners.fold(region.len() as u64 + 1, |all, (x, y)| {
        (all.rotate_left(23) ^ (u64::from(x) << 32 | u64::from(y))).wrapping_mul(MIX)
    })
}

/// True for a contour that is smaller than `size` one way.
fn is_speck(contour: &[Spot], size: f64) -> bool {
    if contour.is_empty() {
        return false;
    }
    let [low, high] = bounds(contour);
    let [width, height] = low.to(high);
    width.min(height) < size && twice_area(contour) > 0
}
