//! A raft: a few layers of lines under everything, from which the part is broken off.
//!
//! ```text
//!      ▓▓▓▓▓▓▓▓▓▓▓▓▓        first layer of the part
//!                           air
//!    ══════════════════     top layers: dense, Kind::SupportInterface
//!    ╫──╫──╫──╫──╫──╫──     between: lines the other way in every layer
//!    ━━━━━━━━━━━━━━━━━━     on the bed
//! ```

use crate::facets::Facets;
use crate::fill::{Lines, Weaver};
use crate::job::Job;
use crate::plan::Plan;
use crate::roads::Kind;
use crate::rows::{Frame, Rows, Scanner};
use crate::section::Cutter;
use crate::supports::Supports;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar};

/// Contours of rafts are as true as this, mm.
const TRUE_MM: f64 = 0.05;
/// Joins of lines reach at most so many distances of lines along them.
const LONGEST_JOIN: f64 = 2.0;

fn round() -> Corner {
    Corner::Round { tolerance: TRUE_MM * PER_MM }
}

/// Returns what lies under an object and its supports, and as far around them as is wanted.
pub fn under<'a>(job: &Job, bodies: impl Iterator<Item = &'a Facets>, supports: &[Supports]) -> Contours {
    let first = job.levels.raft();
    let (mut all, mut one, mut grown) = (Contours::default(), Contours::default(), Contours::default());
    if first >= job.levels.len() {
        return all;
    }
    let (mut cutter, mut planar) = (Cutter::default(), Planar::default());
    for facets in bodies {
        let last = facets.last_layers().enumerate();
        let cut: Vec<u32> = last
            .take(facets.begun(first) as usize)
            .filter(|(_, last)| *last as usize >= first)
            .map(|(f, _)| f as u32)
            .collect();
        all.append(cutter.walks(facets, &cut, job.levels.plane(first), TRUE_MM * PER_MM));
    }
    for kind in supports {
        kind.tiles(first, &mut all);
    }
    planar.unite(&all, &mut one);
    planar.inset(&one, -job.settings.raft_margin_mm * PER_MM, round(), &mut grown);
    grown
}

/// Plans a layer of a raft that covers `region`.
pub fn plan(job: &Job, layer: usize, region: &Contours) -> Plan {
    let s = &job.settings;
    let mut plan = Plan::default();
    let pitch = s.pitch_mm();
    let (kind, spacing) = if layer + s.raft_top_layers as usize >= job.levels.raft() {
        (Kind::SupportInterface, pitch)
    } else if layer == 0 {
        (Kind::Support, s.raft_first_spacing_mm)
    } else {
        (Kind::Support, s.raft_spacing_mm)
    };
    let area = job.area(layer);
    let (mut planar, mut wall) = (Planar::default(), Contours::default());
    planar.inset(region, 0.5 * s.road_width_mm * PER_MM, round(), &mut wall);
    for contour in wall.iter() {
        plan.roads.close(kind, area, contour);
    }
    let mut inside = Contours::default();
    planar.inset(&wall, 0.9 * pitch * PER_MM, round(), &mut inside);
    let spacing = spacing.max(pitch) * PER_MM;
    let frame = Frame::new((layer % 2) as f64 * std::f64::consts::FRAC_PI_2, spacing);
    let mut rows = Rows::default();
    Scanner::default().scan(&inside, &frame, &mut rows);
    let lines =
        Lines { kind, step: 1, link: (LONGEST_JOIN * spacing) as i32, least: 0, area, monotonic: false };
    if let Some(at) = wall.spots().first() {
        Weaver::default().weave(&rows, &frame, &lines, *at, &mut plan.roads);
    }
    plan.as_one_island(false);
    plan
}
