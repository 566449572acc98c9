//! A print job: settings worked out to grid units.

use crate::facets::Levels;
use crate::hooks::Scene;
use crate::patterns::Core;
use crate::pipeline::Reach;
use crate::rows::Frame;
use crate::settings::{Fuzzy, Seam, Settings, pitch_of};
use crate::skin::SkinRules;
use crate::thin::ThinRules;
use crate::tour::Fare;
use crate::walls::WallRules;
use shop_geom::planar::PER_MM;
use std::sync::Arc;

/// As much travel is a retraction worth, mm: less than what is travelled in its time, so that tours stay short.
const RETRACTION_MM: f64 = 3.0;
/// So much way is as bad as passing through the contour of a part, where a string may be left, mm.
const PASSAGE_MM: f64 = 4.0;

/// What is narrower and uncovered is no skin, mm: more than facets of a wall that stands upright make of it, and too little
/// for a wall above to hang over.
const SLIVER_MM: f64 = 0.05;

/// Shorter solid lines over sparse filling are no bridges, distances of roads (PrusaSlicer opens them by as much).
const SHORTEST_SPAN: f64 = 3.0;

/// Settings in the form in which the stages want them.
#[derive(Clone, Debug)]
pub struct Job {
    /// What was asked for.
    pub settings: Settings,
    /// Where the part is cut.
    pub levels: Arc<Levels>,
    /// How far layers look around.
    pub reach: Reach,
    /// Solids that span sparse filling are bridges.
    pub spans_sparse: bool,
    /// How such solids are told from others.
    pub span: SkinRules,
    /// So many layers have their sparse filling together.
    pub together: usize,
    /// Lines of even and of odd layers.
    pub frames: [Frame; 2],
    /// How skin is taken.
    pub skin: SkinRules,
    /// Ends of lines closer than this along the rows are joined, grid units.
    pub link: i32,
    /// Shorter lines are left out, grid units.
    pub least_line: i32,
    /// What its infill pattern needs to know of the part as a whole.
    pub core: Arc<Core>,
    /// Lowest and highest corner of the box around all that is printed, mm.
    pub bounds: [[f64; 3]; 2],
    /// Tools that are used, and how hot each is in the first layer, °C; of the print as a whole only.
    pub tools: Vec<(u32, f64)>,
    /// Distance of roads, mm.
    pitch_mm: f64,
    /// Section of the filament, mm².
    filament_mm2: f64,
}

impl Job {
    /// Works settings out for layers and filament `filament_mm` thick.
    pub fn new(mut settings: Settings, levels: Arc<Levels>, filament_mm: f64) -> Job {
        if settings.vase {
            settings.walls = 1;
            settings.top_layers = 0;
            settings.infill_percent = 0.0;
            (settings.gap_fill, settings.thin_walls, settings.supports) = (false, false, false);
            settings.seam = Seam::Nearest;
        }
        let shell = |layers: u32, mm: f64| match layers {
            0 => 0,
            n => n.max((mm / settings.layer_height_mm - 1e-9).ceil().clamp(0.0, 1000.0) as u32),
        };
        let top = shell(settings.top_layers, settings.top_shell_mm);
        let bottom = shell(settings.bottom_layers, settings.bottom_shell_mm);
        (settings.top_layers, settings.bottom_layers) = (top, bottom);
        let s = &settings;
        let pitch_mm = s.pitch_mm().max(0.05);
        let pitch = pitch_mm * PER_MM;
        let angle = s.infill_angle_deg.to_radians();
        let grid = |mm: f64| (mm * PER_MM).round() as i32;
        // A bead higher than it is wide does not lie.
        let thickest = (s.road_width_mm / s.layer_height_mm + 1e-9).floor().max(1.0) as usize;
        let even = levels.are_even() && s.infill_percent < 100.0;
        let together = if even { (s.infill_every_layers as usize).min(thickest) } else { 1 };
        let skin = SkinRules {
            sliver: grid(SLIVER_MM),
            least: grid(0.5 * pitch_mm),
            margin: grid(s.skin_margin_mm),
            margin_rows: (s.skin_margin_mm / pitch_mm).round() as i32,
            bridge: grid(2.0 * pitch_mm),
        };
        let sparse = s.infill_percent < s.internal_bridge_below_percent;
        Job {
            spans_sparse: sparse && s.top_layers > 0 && !s.vase,
            span: SkinRules { sliver: grid(SHORTEST_SPAN * pitch_mm), ..skin },
            together,
            reach: Reach { below: s.bottom_layers as usize, above: s.top_layers as usize },
            frames: [Frame::new(angle, pitch), Frame::new(angle + std::f64::consts::FRAC_PI_2, pitch)],
            skin,
            core: Arc::default(),
            link: grid(2.5 * pitch_mm),
            least_line: grid(0.05),
            bounds: [[0.0; 3]; 2],
            tools: Vec::new(),
            pitch_mm,
            filament_mm2: std::f64::consts::FRAC_PI_4 * filament_mm * filament_mm,
            levels,
            settings,
        }
    }

    /// Returns the material of a road of normal width, mm² (mm³ per mm).
    pub fn area(&self, layer: usize) -> f64 {
        self.pitch_mm * self.levels.height(layer)
    }

    /// Returns how walls lie in a layer. A bead is as wide as its material and its thickness make it.
    pub fn wall_rules(&self, layer: usize) -> WallRules {
        let s = &self.settings;
        let height = self.levels.height(layer);
        let width = self.pitch_mm + height * (1.0 - std::f64::consts::FRAC_PI_4);
        debug_assert!((pitch_of(width, height) - self.pitch_mm).abs() < 1e-9);
        WallRules {
            count: s.walls,
            width: width * PER_MM,
            pitch: self.pitch_mm * PER_MM,
            to_fill: self.pitch_mm * (1.0 - 0.01 * s.infill_overlap_percent) * PER_MM,
            resolution: s.resolution_mm * PER_MM,
            fills: [s.thin_walls, s.gap_fill],
        }
    }

    /// Returns how narrow places are filled in a layer.
    pub fn thin_rules(&self, layer: usize) -> ThinRules {
        let rules = self.wall_rules(layer);
        let s = &self.settings;
        ThinRules {
            walls: s.walls,
            width: rules.width / PER_MM,
            pitch: self.pitch_mm,
            height: self.levels.height(layer),
            least: s.least_road_mm,
            thin_walls: s.thin_walls,
            gap_fill: s.gap_fill,
            // Rough walls are as wide as they are.
            wider_walls: s.fuzzy == Fuzzy::Off,
        }
    }

    /// Returns the layers that have their sparse filling together with a layer: the last of them has all of it. Layers
    /// that would be left over have their own.
    pub fn group(&self, layer: usize) -> std::ops::Range<usize> {
        let raft = self.levels.raft();
        let alone = layer..layer + 1;
        let Some(above) = layer.checked_sub(raft + 1).filter(|_| self.together > 1) else { return alone };
        let first = layer - above % self.together;
        if first + self.together > self.levels.len() { alone } else { first..first + self.together }
    }

    /// True where a single wall winds upwards.
    pub fn winds(&self, layer: usize) -> bool {
        self.settings.vase && layer > 0 && layer >= self.settings.bottom_layers as usize
    }

    /// Returns how far ends of lines go on beyond where lines along the walls lie, grid units: an end is square, and reaches
    /// as far into the wall as the side of a line does. Without walls nothing is there to reach into.
    pub fn reach_into_walls(&self) -> f64 {
        if self.settings.walls == 0 { 0.0 } else { 0.5 * self.pitch_mm * PER_MM }
    }

    /// Returns how far from the innermost wall the middle of another road may be, grid units.
    pub fn beside(&self) -> f64 {
        (f64::from(self.settings.walls) * self.pitch_mm + 0.1) * PER_MM
    }

    /// Returns what is known to texts that are written before a layer, or before and after all of them.
    pub fn scene(&self, layer: Option<usize>) -> Scene {
        let number = layer.map_or(0.0, |l| l as f64 + 1.0);
        let (z, height) = layer.map_or((0.0, 0.0), |l| (self.levels.top(l), self.levels.height(l)));
        let [low, high] = self.bounds;
        let layers = self.levels.len() as f64;
        Scene([number, layers, z, height, 0.0, 0.0, low[0], high[0], low[1], high[1], high[2]])
    }

    /// Returns what ways without a road cost.
    pub fn fare(&self) -> Fare {
        let s = &self.settings;
        let retracts = s.retract_mm > 0.0 || s.firmware_retract;
        Fare {
            free: s.retract_least_travel_mm * PER_MM,
            toll: if retracts { RETRACTION_MM * PER_MM } else { 0.0 },
            passage: PASSAGE_MM * PER_MM,
        }
    }

    /// Returns the filament for so much material, mm.
    #[inline]
    pub fn filament(&self, mm3: f64) -> f64 {
        mm3 * self.settings.flow / self.filament_mm2
    }
}
