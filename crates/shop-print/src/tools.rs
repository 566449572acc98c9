//! Several tools in one print: which comes when in a layer, and the tower in which each is filled with its own filament.
//!
//! A layer begins with the tool that the layer below ended with, so a layer of n tools has n − 1 changes. The tower stands
//! beside the print, as high as there are changes: every layer has a frame and as many fields as there may be changes. A
//! field is filled densely after a change, until the new filament is clean; where there is no change it is filled sparsely,
//! to carry what comes above. What of an object may have any colour (`purge_into_infill`, `purge_into_object`) is laid right
//! after a change, and the tower gets so much less.
//!
//! ```text
//!     ┌────────────────┐
//!     │╲╲╲╲╲╲╲╲╲╲╲╲╲╲╲╲│  field 2: a change
//!     │ ╲    ╲    ╲    │  field 1: none
//!     └────────────────┘
//! ```

use crate::Print;
use crate::item::Part;
use crate::roads::{Kind, Roads};
use shop_geom::planar::{PER_MM, Spot};

/// The tools of a print.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// Tool of each part.
    of_part: Vec<u16>,
    /// A part of each tool that there is, lowest tool first.
    parts: Vec<u16>,
    /// What each part becomes when another tool makes it: tool and part.
    others: Vec<Vec<(u16, u16)>>,
    /// What is purged after a change, and what of it goes into the tower in any case, mm³.
    purge: [f64; 2],
    tower: Option<Tower>,
}

/// The tower, grid units.
#[derive(Clone, Debug)]
struct Tower {
    corner: Spot,
    width: f64,
    pitch: f64,
    /// Rows of a field, and fields.
    rows: u32,
    fields: u32,
    /// Layers that have it.
    layers: usize,
    /// Material per length in every one of them, mm².
    areas: Vec<f64>,
}

/// One row in so many is laid in a field without a change.
const SPARSE: u32 = 6;

impl Tools {
    /// Looks at the parts of a print.
    pub(crate) fn new(print: &Print) -> Tools {
        let of_part: Vec<u16> = print.parts.iter().map(|p| p.job.settings.tool as u16).collect();
        let used = of_part.iter().zip(&print.parts).enumerate().filter(|(_, (_, part))| part.used);
        let mut used: Vec<(u16, u16)> = used.map(|(i, (tool, _))| (*tool, i as u16)).collect();
        used.sort_unstable();
        used.dedup_by_key(|u| u.0);
        let parts: Vec<u16> = used.iter().map(|u| u.1).collect();
        let tower = Tower::new(print, parts.len());
        let others = print.parts.iter().map(|p| p.others.clone()).collect();
        let s = &print.job.settings;
        let least = if tower.is_some() { s.tower_least_mm3.min(s.purge_mm3) } else { 0.0 };
        Tools { of_part, parts, others, purge: [s.purge_mm3, least], tower }
    }

    /// Returns how much filament may be purged elsewhere than into the tower after a change, mm³.
    pub fn elsewhere_mm3(&self) -> f64 {
        self.purge[0] - self.purge[1]
    }

    /// Returns what is left for the tower when so much was purged elsewhere, mm³.
    pub fn rest_mm3(&self, elsewhere: f64) -> f64 {
        (self.purge[0] - elsewhere).max(self.purge[1])
    }

    /// Returns the part that a tool makes of a part, if it can.
    pub fn made_with(&self, part: u16, tool: u16) -> Option<u16> {
        if self.of(part) == tool {
            return Some(part);
        }
        let others = self.others.get(usize::from(part))?;
        others.iter().find(|(t, _)| *t == tool).map(|(_, part)| *part)
    }

    /// Returns the box around the tower, mm.
    pub fn tower_box(&self) -> Option<[[f64; 2]; 2]> {
        let tower = self.tower.as_ref()?;
        let margin = 1.5 * tower.pitch / PER_MM;
        let [x, y] = tower.corner.mm();
        let high = tower.pitch * f64::from(tower.rows * tower.fields) / PER_MM;
        Some([[x - margin, y - margin], [x + tower.width / PER_MM + margin, y + high + margin]])
    }

    /// True when there is but one, the first.
    pub fn is_plain(&self) -> bool {
        self.parts.len() < 2 && self.parts.iter().all(|p| self.of(*p) == 0)
    }

    /// Returns the tool of a part.
    pub fn of(&self, part: u16) -> u16 {
        self.of_part.get(usize::from(part)).copied().unwrap_or(0)
    }

    /// Adds what of the tower belongs to a layer's beginning (`change` is nothing) or to its change with a number, after
    /// which so much is purged into it, mm³; to be laid with tool `tool`. Returns which roads these are.
    pub fn tower(
        &self,
        layer: usize,
        change: Option<(u32, f64)>,
        last: bool,
        tool: u16,
        roads: &mut Roads,
    ) -> std::ops::Range<u32> {
        let first = roads.roads().len() as u32;
        if let Some(tower) = self.tower.as_ref().filter(|t| layer < t.layers) {
            let part = self.parts.iter().copied().find(|p| self.of(*p) == tool).unwrap_or(0);
            let dense = |volume: f64| {
                let row = tower.areas[layer] * tower.width / PER_MM;
                ((volume / row.max(1e-9)).ceil() as u32).min(tower.rows)
            };
            let mut own = Roads::default();
            if change.is_none() {
                tower.frame(layer, &mut own);
            }
            if let Some((field, volume)) = change.filter(|c| c.0 < tower.fields) {
                tower.field(layer, field, dense(volume), &mut own);
            }
            if last {
                for field in change.map_or(0, |c| c.0 + 1)..tower.fields {
                    tower.field(layer, field, 0, &mut own);
                }
            }
            own.belong_to(part);
            roads.append(&own);
        }
        first..roads.roads().len() as u32
    }
}

impl Tower {
    fn new(print: &Print, tools: usize) -> Option<Tower> {
        let s = &print.job.settings;
        // Objects one after another would each need their own.
        if tools < 2 || s.purge_mm3 <= 0.0 || s.sequential {
            return None;
        }
        // Above the second highest tool there is nothing to change to; nor is there for what may have any colour.
        let fixed = |p: &&Part| p.used && (p.others.is_empty() || !p.job.settings.purge_into_object);
        let mut tops: Vec<f64> = Vec::new();
        let mut by_tool: Vec<(u32, f64)> =
            print.parts.iter().filter(fixed).map(|p| (p.job.settings.tool, p.top_mm)).collect();
        by_tool.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        by_tool.dedup_by_key(|t| t.0);
        tops.extend(by_tool.iter().map(|t| t.1));
        tops.sort_by(|a, b| b.total_cmp(a));
        let layers = print.job.levels.below(*tops.get(1)?);
        if layers == 0 {
            return None;
        }
        let areas: Vec<f64> = (0..layers).map(|l| print.job.area(l)).collect();
        let thinnest = areas.iter().copied().fold(f64::INFINITY, f64::min);
        let width = s.tower_width_mm;
        let rows = (s.purge_mm3 / (thinnest.max(1e-6) * width)).ceil().clamp(1.0, 10_000.0) as u32;
        Some(Tower {
            corner: Spot::from_mm(s.tower_x_mm, s.tower_y_mm),
            width: width * PER_MM,
            pitch: s.pitch_mm().max(0.05) * PER_MM,
            rows,
            fields: tops.len() as u32 - 1,
            layers,
            areas,
        })
    }

    fn spot(&self, x: f64, y: f64) -> Spot {
        Spot::new(self.corner.x + x.round() as i32, self.corner.y + y.round() as i32)
    }

    fn frame(&self, layer: usize, roads: &mut Roads) {
        let high = self.pitch * f64::from(self.rows * self.fields + 1);
        let wide = self.width + 2.0 * self.pitch;
        let (x, y) = (-self.pitch, -self.pitch);
        let corners =
            [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)].map(|(x, y)| self.spot(x, y));
        roads.close(Kind::PrimeTower, self.areas[layer], &corners);
    }

    /// Lays the first `dense` rows of a field and one in a few of the others, back and forth.
    fn field(&self, layer: usize, field: u32, dense: u32, roads: &mut Roads) {
        roads.begin(Kind::PrimeTower, self.areas[layer]);
        for (k, row) in (0..self.rows).filter(|r| *r < dense || r % SPARSE == SPARSE / 2).enumerate() {
            let y = self.pitch * f64::from(field * self.rows + row);
            let ends = [0.0, self.width];
            let (a, b) = if k % 2 == 0 { (0, 1) } else { (1, 0) };
            roads.push(self.spot(ends[a], y));
            roads.push(self.spot(ends[b], y));
        }
        roads.end();
    }
}
