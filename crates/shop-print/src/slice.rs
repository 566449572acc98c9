//! A layer on its own: region, walls, and the rows by which its neighbours know it.

use crate::facets::Facets;
use crate::job::Job;
use crate::roads::Roads;
use crate::rows::{Rows, Scanner};
use crate::section::{Cutter, Mended};
use crate::thin::{Marks, Thinner};
use crate::walls::{self, WallRules, Walls, walls};
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, simplify, twice_area};

/// A layer of which nothing but its own section was needed.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// What the part holds here.
    pub region: Contours,
    /// Its walls.
    pub walls: Walls,
    /// The section as rows, in both directions of filling.
    pub cover: [Rows; 2],
    /// The inside of the walls as rows, in both directions.
    pub inner: [Rows; 2],
    /// Roads of narrow places.
    pub thin: Roads,
    /// Loops around the part, the outermost first; in the first layer only.
    pub around: Contours,
    /// What had to be mended.
    pub mended: Mended,
}

/// Room for slicing, used again and again.
#[derive(Default)]
pub struct Slicer {
    cutter: Cutter,
    planar: Planar,
    scanner: Scanner,
    marks: Marks,
    thinner: Thinner,
    room: walls::Room,
}

impl Slicer {
    /// Cuts one layer out of the facets that its plane meets.
    pub fn slice(&mut self, job: &Job, facets: &Facets, layer: usize, cut: &[u32]) -> Slice {
        let mut slice = Slice::default();
        let plane = job.levels.plane(layer);
        let rules = job.wall_rules(layer);
        slice.mended = self.cutter.cut(
            facets,
            cut,
            plane,
            rules.resolution,
            job.settings.close_gaps_mm,
            &mut self.planar,
            &mut slice.region,
        );
        let thin = job.thin_rules(layer);
        self.marks.begin(slice.region.spots().len());
        // A narrow place is crossed at a slant by at least one of the two directions.
        let limit = 2.2 * std::f64::consts::SQRT_2 * thin.reach() * PER_MM;
        for way in 0..2 {
            let (frame, rows) = (&job.frames[way], &mut slice.cover[way]);
            self.scanner.scan_marking(&slice.region, frame, limit, &mut self.marks, rows);
        }
        let narrow = !self.marks.is_empty();
        slice.walls = walls(&slice.region, &rules, narrow, &mut self.planar, &mut self.room);
        self.thinner.roads(&slice.region, &mut self.marks, &thin, &mut slice.thin);
        if layer == 0 {
            self.around(job, &rules, &slice.region, &mut slice.around);
        }
        for way in 0..2 {
            self.scanner.scan(&slice.walls.inside, &job.frames[way], &mut slice.inner[way]);
        }
        slice
    }

    /// Makes the loops of skirt and brim: outer contours only, as a brim inside a hole could not be taken out.
    fn around(&mut self, job: &Job, rules: &WallRules, region: &Contours, out: &mut Contours) {
        let s = &job.settings;
        let brim = (s.brim_mm * PER_MM / rules.pitch).round() as u32;
        let near = 0.5 * rules.width + s.brim_gap_mm * PER_MM;
        let beyond = s.brim_mm.max(0.0) * PER_MM + near + s.skirt_mm * PER_MM;
        let skirts = (0..s.skirt_loops).rev().map(|k| beyond + f64::from(k) * rules.pitch);
        let brims = (0..brim).rev().map(|k| near + f64::from(k) * rules.pitch);
        let (mut grown, mut simple) = (Contours::default(), Contours::default());
        for distance in skirts.chain(brims) {
            let corner = Corner::Round { tolerance: 0.02 * PER_MM };
            self.planar.inset(region, -distance, corner, &mut grown);
            simplify(&grown, 0.01 * PER_MM, &mut simple);
            for contour in simple.iter().filter(|c| twice_area(c) > 0) {
                out.add(contour);
            }
        }
    }
}
