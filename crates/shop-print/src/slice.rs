//! A layer on its own: region, walls, and the rows by which its neighbours know it.

use crate::facets::Facets;
use crate::job::Job;
use crate::rows::{Rows, Scanner};
use crate::section::{Cutter, Mended};
use crate::walls::{Walls, walls};
use shop_geom::planar::{Contours, Planar};

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
    /// What had to be mended.
    pub mended: Mended,
}

/// Room for slicing, used again and again.
#[derive(Default)]
pub struct Slicer {
    cutter: Cutter,
    planar: Planar,
    scanner: Scanner,
    room: Contours,
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
        slice.walls = walls(&slice.region, &rules, &mut self.planar, &mut self.room);
        for way in 0..2 {
            self.scanner.scan(&slice.region, &job.frames[way], &mut slice.cover[way]);
            self.scanner.scan(&slice.walls.inside, &job.frames[way], &mut slice.inner[way]);
        }
        slice
    }
}
