//! Sparse filling: what carries the top of a part and keeps its walls apart.
//!
//! A pattern is one or more families of lines, each scanned through the inside of the walls, so that a line's ends are
//! exact and its density is, too: lines lie `families × pitch / density` apart, whatever that comes to. What is solid is
//! taken off the lines, row by row ([`Rows::along`]); what remains is joined along the walls ([`strands`]).
//!
//! | pattern       | families | direction                    | moves with height     |
//! |---------------|:--------:|------------------------------|-----------------------|
//! | rectilinear   | 1        | a quarter turn every layer   | no                    |
//! | grid          | 2        | at right angles              | no                    |
//! | triangles     | 3        | a sixth of a turn apart      | no                    |
//! | cubic         | 3        | a third of a turn apart      | cubes on their corner |
//! | adaptive cubic| 3        | as cubic, fewer inside ([`adaptive`]) | as cubic      |
//! | gyroid        | 2        | waves ([`gyroid`])           | yes                   |
//! | lightning     | –        | trees under what is solid ([`lightning`]) | yes      |
//! | concentric    | –        | along the walls              | no                    |

pub mod adaptive;
pub mod gyroid;
pub mod lightning;
pub mod strands;

use crate::job::Job;
use crate::roads::{Kind, Roads};
use crate::rows::{Frame, Rows, Scanner, merge, without};
use crate::settings::Pattern;
use crate::supports::Sources;
use adaptive::Octree;
use gyroid::Gyroid;
use lightning::Lightning;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot, simplify};
use std::f64::consts::PI;
use strands::{LOOSE, Strands};

/// What of a layer is filled.
#[derive(Clone, Copy, Debug)]
pub struct Space<'a> {
    /// Number of the layer.
    pub layer: usize,
    /// Number by which lines are turned from layer to layer.
    pub turn: usize,
    /// How thick sparse lines are, mm: as the layer, or as several.
    pub height: f64,
    /// Where lines may end.
    pub inside: &'a Contours,
    /// The same on scan lines.
    pub inner: (&'a Rows, &'a Frame),
    /// What is filled otherwise.
    pub taken: Option<(&'a Rows, &'a Frame)>,
}

/// Room for work, used again and again.
#[derive(Default)]
pub struct Weft {
    scanner: Scanner,
    rows: Rows,
    strands: Strands,
    gyroid: Gyroid,
    loops: Loops,
}

impl Weft {
    /// Adds the sparse lines of a layer to `roads`.
    pub fn fill(&mut self, job: &Job, space: &Space<'_>, roads: &mut Roads) {
        let s = &job.settings;
        if s.infill_percent <= 0.0 || space.inside.is_empty() {
            return;
        }
        self.strands.clear();
        let pitch = s.pitch_mm();
        let least = LEAST_LINE * pitch * PER_MM;
        let spacing = pitch * PER_MM * 100.0 / s.infill_percent;
        let angle = s.infill_angle_deg.to_radians();
        match s.infill_pattern {
            Pattern::Gyroid => {
                let z = job.levels.top(space.layer);
                self.gyroid.fill(space, angle, spacing, z * PER_MM, least, &mut self.strands);
            }
            Pattern::Concentric => {
                let strands = &mut self.strands;
                // Half a distance from the walls, a whole one from one another.
                self.loops.each(space.inside, [0.5 * spacing, spacing], |way| {
                    strands.add_way(way, [LOOSE; 2], space.taken, least);
                });
            }
            Pattern::Lightning => {
                let (inner, frame) = space.inner;
                let lightning = &job.core.lightning;
                // What lies on a short tip would hang without it.
                let least = 0.25 * least;
                match space.taken {
                    None => lightning.fill(space, inner, least, &mut self.strands),
                    Some((taken, _)) => {
                        debug_assert!(space.taken.is_some_and(|t| t.1 == frame));
                        merge(inner, taken, &mut self.rows, |a, b, out| without(a, b, |r| out.push(r)));
                        lightning.fill(space, &self.rows, least, &mut self.strands);
                    }
                }
            }
            Pattern::AdaptiveCubic => self.adaptive(job, space, spacing, least),
            _ => self.straight(&families(job, space, spacing), space, least),
        }
        let link = s.infill_link_mm * PER_MM;
        self.strands.join(space.inside, link, space.taken);
        let road = (Kind::Sparse, pitch * space.height);
        self.strands.lay(space.inside, road, job.reach_into_walls(), roads);
    }

    /// Adds rings along the walls to `roads`. The first ring lies `first` inside of where lines may end, all of them `distance` apart, grid units.
    pub fn rings(
        &mut self,
        space: &Space<'_>,
        [first, distance]: [f64; 2],
        (kind, area): (Kind, f64),
        roads: &mut Roads,
    ) {
        self.strands.clear();
        let strands = &mut self.strands;
        self.loops.each(space.inside, [first, distance], |way| {
            strands.add_way(way, [LOOSE; 2], space.taken, LEAST_LINE * distance);
        });
        self.strands.join(space.inside, 0.0, None);
        self.strands.lay(space.inside, (kind, area), 0.0, roads);
    }

    fn adaptive(&mut self, job: &Job, space: &Space<'_>, spacing: f64, least: f64) {
        let (octree, strands) = (&job.core.octree, &mut self.strands);
        let z = f64::from(job.levels.plane(space.layer));
        for (k, frame) in families(job, space, spacing).iter().enumerate() {
            self.scanner.scan_showing(space.inside, frame, &mut self.rows, |row, run, e, f| {
                octree.parts(k, frame, z, row, run, |part| {
                    let ends = [frame.spot(part.a, row), frame.spot(part.b, row)];
                    let docks =
                        [if part.a == run.a { e } else { LOOSE }, if part.b == run.b { f } else { LOOSE }];
                    strands.add_line(ends, docks, space.taken, least);
                });
            });
        }
    }

    fn straight(&mut self, families: &[Frame], space: &Space<'_>, least: f64) {
        let strands = &mut self.strands;
        for frame in families {
            self.scanner.scan_showing(space.inside, frame, &mut self.rows, |row, run, e, f| {
                let ends = [frame.spot(run.a, row), frame.spot(run.b, row)];
                strands.add_line(ends, [e, f], space.taken, least);
            });
        }
    }
}

/// What a pattern needs to know of a part as a whole.
#[derive(Clone, Debug, Default)]
pub struct Core {
    /// How deep below the surface places lie, for adaptive cubes.
    pub octree: Octree,
    /// What carries the top, for lightning.
    pub lightning: Lightning,
}

impl Core {
    /// Works out what the pattern of a part needs to know; nothing for most. `surface` holds the triangles of the part, mm,
    /// `sources` its bodies.
    pub fn of(job: &Job, surface: &[[[f64; 3]; 3]], sources: &Sources<'_>) -> Core {
        let s = &job.settings;
        let mut core = Core::default();
        if s.infill_percent <= 0.0 || s.infill_percent >= 100.0 {
            return core;
        }
        let spacing = s.pitch_mm() * PER_MM * 100.0 / s.infill_percent;
        match s.infill_pattern {
            Pattern::AdaptiveCubic => {
                let grid: Vec<_> = surface.iter().map(|t| t.map(|p| p.map(|v| v * PER_MM))).collect();
                core.octree = Octree::new(&grid, s.infill_angle_deg.to_radians(), 3.0 * spacing);
            }
            Pattern::Lightning => core.lightning = Lightning::new(job, sources, spacing),
            _ => {}
        }
        core
    }
}

/// Shorter lines are left out: they carry nothing, and cost a travel. In distances of roads.
const LEAST_LINE: f64 = 1.0;

/// Returns the straight lines of a layer; `spacing` is that of a single family.
fn families(job: &Job, space: &Space<'_>, spacing: f64) -> Vec<Frame> {
    let s = &job.settings;
    let angle = s.infill_angle_deg.to_radians();
    let turned = |k: u32, of: f64, n: f64| Frame::new(angle + f64::from(k) * of, n * spacing);
    match s.infill_pattern {
        Pattern::Rectilinear => vec![turned(space.turn as u32 % 2, 0.5 * PI, 1.0)],
        Pattern::Triangles => (0..3).map(|k| turned(k, PI / 3.0, 3.0)).collect(),
        Pattern::Cubic | Pattern::AdaptiveCubic => {
            // The faces of cubes that stand on a corner rise by √2 for every unit across.
            let shift = -f64::from(job.levels.plane(space.layer)) / 2f64.sqrt();
            (0..3).map(|k| turned(k, 2.0 * PI / 3.0, 3.0).moved(shift)).collect()
        }
        _ => (0..2).map(|k| turned(k, 0.5 * PI, 2.0)).collect(),
    }
}

/// Rings along the walls.
#[derive(Default)]
struct Loops {
    planar: Planar,
    a: Contours,
    b: Contours,
    way: Vec<Spot>,
}

impl Loops {
    /// Shows all rings within a region, from outside inwards, as ways that end where they begin.
    fn each(&mut self, inside: &Contours, [first, spacing]: [f64; 2], mut visit: impl FnMut(&[Spot])) {
        let round = Corner::Round { tolerance: TOLERANCE };
        self.planar.inset(inside, first, round, &mut self.b);
        while !self.b.is_empty() {
            simplify(&self.b, TOLERANCE, &mut self.a);
            for contour in self.a.iter() {
                self.way.clear();
                self.way.extend_from_slice(contour);
                self.way.push(contour[0]);
                visit(&self.way);
            }
            self.planar.inset(&self.a, spacing, round, &mut self.b);
        }
    }
}

/// How far rings may be straightened, grid units.
const TOLERANCE: f64 = 0.01 * PER_MM;
