//! Walls: the contours of a layer, moved inwards road by road.

use shop_geom::planar::{Contours, Corner, PER_MM, Planar, simplify};

/// How walls lie, grid units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WallRules {
    /// How many there are.
    pub count: u32,
    /// Width of a road.
    pub width: f64,
    /// Distance of roads.
    pub pitch: f64,
    /// From the innermost wall to where lines of the filling end.
    pub to_fill: f64,
    /// How far the outer wall may be straightened.
    pub resolution: f64,
}

/// How far inner walls may be straightened, grid units: nobody sees them.
const INNER_RESOLUTION: f64 = 0.005 * PER_MM;

/// The walls of a layer.
#[derive(Clone, Debug, Default)]
pub struct Walls {
    /// Middles of the roads, outermost first.
    pub rings: Vec<Contours>,
    /// Where lines of the filling may end.
    pub inside: Contours,
}

/// Returns the walls of a region.
pub fn walls(region: &Contours, rules: &WallRules, planar: &mut Planar, room: &mut Contours) -> Walls {
    let mut out = Walls::default();
    let mut last = region;
    for i in 0..rules.count {
        let (distance, tolerance) =
            if i == 0 { (0.5 * rules.width, rules.resolution) } else { (rules.pitch, INNER_RESOLUTION) };
        planar.inset(last, distance, Corner::Round { tolerance }, room);
        let mut ring = Contours::default();
        simplify(room, 0.5 * tolerance, &mut ring);
        out.rings.push(ring);
        last = &out.rings[i as usize];
    }
    planar.inset(last, rules.to_fill, Corner::Sharp { limit: 2.0 }, &mut out.inside);
    out
}
