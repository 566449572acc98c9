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

/// Room for work, used again and again.
#[derive(Default)]
pub struct Room {
    a: Contours,
    b: Contours,
}

/// Returns the walls of a region. Where it is `narrow`, walls are only where two of them lie beside one another without
/// crowding: half a pitch further in there must still be something.
pub fn walls(
    region: &Contours,
    rules: &WallRules,
    narrow: bool,
    planar: &mut Planar,
    room: &mut Room,
) -> Walls {
    let mut out = Walls::default();
    let half = 0.5 * rules.pitch;
    for i in 0..rules.count {
        let tolerance = if i == 0 { rules.resolution } else { INNER_RESOLUTION };
        let corner = Corner::Round { tolerance };
        let mut ring = Contours::default();
        if narrow {
            // `a` holds the inner edge of the last wall, as far as there is one.
            let (last, distance) =
                if i == 0 { (region, 0.5 * rules.width + half) } else { (&room.a, rules.pitch) };
            planar.inset(last, distance, corner, &mut room.b);
            std::mem::swap(&mut room.a, &mut room.b);
            planar.inset(&room.a, -half, Corner::Sharp { limit: RESTORED }, &mut room.b);
        } else {
            let (last, distance) =
                if i == 0 { (region, 0.5 * rules.width) } else { (&out.rings[i as usize - 1], rules.pitch) };
            planar.inset(last, distance, corner, &mut room.b);
        }
        simplify(&room.b, 0.5 * tolerance, &mut ring);
        out.rings.push(ring);
    }
    let last = out.rings.last().unwrap_or(region);
    planar.inset(last, rules.to_fill, Corner::Sharp { limit: MITER }, &mut out.inside);
    out
}

/// Tips of walls reach at most this many distances beyond their corner: those of right angles and a little sharper ones
/// are whole.
const MITER: f64 = 3.0;
/// Corners that were cut off by half a pitch and put back: sharper ones than right angles stay cut, as beyond them the
/// place may be too narrow.
const RESTORED: f64 = 3.0;
