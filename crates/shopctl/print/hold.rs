//! Holds layers against the mesh while they are written: what `shop_sim::layers` wants to know of a print.

use shop_print::facets::Facets;
use shop_print::settings::Settings;
use shop_print::turns::Round;
use shop_print::{Material, Print};
use shop_sim::layers::{Claims, Layers, Level, Shape, Triangles};

/// A mesh as the slicer holds it.
pub struct Facing<'a>(&'a Facets);

impl Triangles for Facing<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn corners(&self, i: usize) -> [[i32; 3]; 3] {
        self.0.corners(i as u32).map(|p| self.0.points[p as usize])
    }
}

/// Returns the meshes of a print, to be borrowed by [`layers`].
pub fn facings(print: &Print) -> Vec<Facing<'_>> {
    print.material().iter().map(|m| Facing(m.facets)).collect()
}

/// Makes ready what a print is held against: all of it, or each object on its own when they are made one after another.
pub fn layers<'a>(print: &'a Print, facings: &'a [Facing<'a>], filament_mm: f64) -> Vec<Layers<'a>> {
    if print.copies.is_empty() {
        return Vec::new();
    }
    let settings = &print.job.settings;
    let shapes: Vec<Shape<'a>> = print
        .material()
        .iter()
        .zip(facings)
        .map(|(m, facing)| Shape::new(facing, m.adds, Vec::new(), settings.layer_height_mm))
        .collect();
    let all = print.levels();
    let levels: Vec<Level> = (0..all.len())
        .map(|i| Level {
            plane: all.plane(i),
            height: all.height(i),
            sparse: print.sparse_height(i),
            moved: print.moved_mm(i),
        })
        .collect();
    let claims = claims(print, filament_mm);
    let round = |round: Round<'_>| {
        let places = |m: &Material<'_>| m.places.iter().map(|p| [p.x, p.y]).collect();
        let known = |m: &Material<'_>| facings.iter().position(|f| std::ptr::eq(f.0, m.facets));
        let own = round.material.iter().filter_map(|m| Some(shapes[known(m)?].at(places(m)))).collect();
        let [low, high] = round.bounds.map(|corner| [corner[0], corner[1]]);
        Layers::new(own, levels[..round.layers].to_vec(), claims.clone(), low, high)
    };
    print.rounds().into_iter().map(round).collect()
}

/// Air below what supports carry is at most so many layers high.
const MOST_GAP_LAYERS: usize = 20;

/// Returns what must hold of a print by its settings.
fn claims(print: &Print, filament_mm: f64) -> Claims {
    let all: Vec<&Settings> =
        std::iter::once(&print.job.settings).chain(print.parts.iter().map(|p| &p.job.settings)).collect();
    let vase = |s: &Settings| s.get("vase").is_some_and(|v| v == "true");
    // A vase is solid below, and nowhere else.
    let bottom = |s: &Settings| match s.bottom_layers as usize {
        n if n == 0 || vase(s) => n,
        _ => usize::MAX,
    };
    let walls = |s: &Settings| match s.walls {
        n if n > 0 && !vase(s) => f64::from(n - 1) * s.pitch_mm() + s.road_width_mm,
        _ => 0.0,
    };
    // Who wants no roads where nothing else fits wants such places left out.
    let narrow = |s: &Settings| match (s.gap_fill, s.thin_walls) {
        (false, _) => 2.0 * walls(s) + s.road_width_mm,
        (true, false) => s.road_width_mm,
        (true, true) => 0.0,
    };
    let thinnest = (0..print.levels().len()).map(|i| print.levels().height(i)).fold(f64::INFINITY, f64::min);
    let gap = |s: &Settings| {
        let air = if s.supports { s.support_gap_mm } else { 0.0 };
        let raft = if s.raft_layers > 0 { s.raft_gap_mm } else { 0.0 };
        // More layers than this are not looked through.
        ((air.max(raft) / thinnest.max(0.01) - 1e-6).ceil() as usize).min(MOST_GAP_LAYERS)
    };
    Claims {
        filament_mm2: std::f64::consts::FRAC_PI_4 * filament_mm * filament_mm,
        walls_mm: all.iter().map(|s| walls(s)).fold(f64::INFINITY, f64::min),
        top: all.iter().all(|s| s.top_layers > 0 && !vase(s)),
        bottom: all.iter().map(|s| bottom(s)).min().unwrap_or(0),
        narrow_mm: all.iter().map(|s| narrow(s)).fold(0.0, f64::max),
        gap_layers: all.iter().map(|s| gap(s)).max().unwrap_or(0),
        closing_mm: all.iter().map(|s| s.closing_mm).fold(0.0, f64::max),
        most_flow: all.iter().map(|s| s.most_flow_mm3_per_s).fold(0.0, f64::max),
        fill: all.iter().all(|s| s.flow == all[0].flow).then_some(all[0].flow),
    }
}
