//! Walls: the contours of a layer, moved inwards road by road.

use crate::corners::{self, Moved};
use crate::slits::Slits;
use crate::waists;
use shop_geom::planar::{Contours, Corner, PER_MM, Planar, Spot, simplify};

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
    /// Places too narrow for the outer walls get roads of their own, and those too narrow for inner ones.
    pub fills: [bool; 2],
}

/// How far inner walls may be straightened, grid units: nobody sees them.
const INNER_RESOLUTION: f64 = 0.005 * PER_MM;

/// The walls of a layer.
#[derive(Clone, Debug, Default)]
pub struct Walls {
    /// Middles of the roads, outermost first.
    pub rings: Vec<Contours>,
    /// By how much those of each ring are wider than usual at their corners, mm; nothing where none is.
    pub wider: Vec<Vec<f32>>,
    /// Where lines of the filling may end.
    pub inside: Contours,
}

impl Walls {
    /// Lets the walls of a ring fill slits between them; roads lie `pitch` mm from one another.
    pub fn widen(&mut self, ring: usize, slits: &Slits, pitch: f64) {
        let wider = slits.widen(&mut self.rings[ring], 0.5 * pitch);
        if !wider.is_empty() {
            self.wider.resize_with(self.wider.len().max(ring + 1), Vec::new);
            self.wider[ring] = wider;
        }
    }

    /// Returns the walls of every ring, the outermost first, with by how much each is wider at its corners, mm; nothing for
    /// one that is nowhere.
    pub fn each(&self) -> impl Iterator<Item = (usize, &[Spot], &[f32])> {
        self.rings.iter().enumerate().flat_map(|(depth, ring)| {
            let mut rest = self.wider.get(depth).map_or(&[][..], |w| &w[..]);
            ring.iter().map(move |wall| {
                let (own, after) = rest.split_at(wall.len().min(rest.len()));
                rest = after;
                (depth, wall, if own.iter().any(|w| *w > 0.0) { own } else { &[] })
            })
        })
    }
}

/// Room for work, used again and again.
#[derive(Default)]
pub struct Room {
    a: Contours,
    b: Contours,
    covered: Contours,
    corners: corners::Room,
    waists: waists::Room,
    /// What the walls leave open of a narrow region: before the first of them, between one and the next, and within the
    /// last where lines of the filling do not fit.
    pub rests: Vec<Contours>,
}

/// Returns the walls of a region. Where it is `narrow`, walls are only where two of them lie beside one another without
/// crowding: half a pitch further in there must still be something. What is left open then is in `room.rests`.
pub fn walls(
    region: &Contours,
    rules: &WallRules,
    narrow: bool,
    planar: &mut Planar,
    room: &mut Room,
) -> Walls {
    let mut out = Walls::default();
    room.rests.iter_mut().for_each(Contours::clear);
    room.rests.resize_with(if narrow { rules.count as usize + 1 } else { 0 }, Contours::default);
    for i in 0..rules.count {
        let tolerance = if i == 0 { rules.resolution } else { INNER_RESOLUTION };
        let mut ring = Contours::default();
        if narrow {
            narrow_ring(region, i, rules, tolerance, planar, room);
        } else {
            let (last, distance) =
                if i == 0 { (region, 0.5 * rules.width) } else { (&out.rings[i as usize - 1], rules.pitch) };
            planar.inset(last, distance, Corner::Round { tolerance }, &mut room.b);
        }
        simplify(&room.b, 0.5 * tolerance, &mut ring);
        out.rings.push(ring);
    }
    if narrow {
        // Within the innermost walls: lines of the filling have room where a road does.
        let half = 0.5 * rules.pitch;
        let count = rules.count as usize;
        let (last, edge) = if count == 0 { (region, 0.0) } else { (&room.a, half) };
        open(last, half, INNER_RESOLUTION, planar, &mut room.b, &mut room.covered, &mut room.rests[count]);
        let grow = half + edge - rules.to_fill;
        planar.inset(&room.b, -grow, Corner::Sharp { limit: RESTORED }, &mut out.inside);
    } else {
        let last = out.rings.last().unwrap_or(region);
        planar.inset(last, rules.to_fill, Corner::Sharp { limit: MITER }, &mut out.inside);
    }
    out
}

/// Leaves in `room.b` the middle of a wall, and in `room.a` its inner edge; before, `room.a` has that of the wall before.
fn narrow_ring(
    region: &Contours,
    i: u32,
    rules: &WallRules,
    tolerance: f64,
    planar: &mut Planar,
    room: &mut Room,
) {
    let half = 0.5 * rules.pitch;
    let (last, to_middle) = if i == 0 { (region, 0.5 * rules.width) } else { (&room.a, half) };
    let (rest, distance) = (&mut room.rests[i as usize], to_middle + half);
    rest.clear();
    let whole = planar.inset(last, distance, Corner::Round { tolerance }, &mut room.b);
    // How far within the middle of the wall its pieces are known.
    let mut back = half;
    if !whole {
        if rules.fills[usize::from(i > 0)] {
            waists::drop_stubs(&mut room.b, rules.pitch, &mut room.covered);
        }
        let crowd = waists::CROWD * rules.pitch;
        if waists::join(last, &room.b, (distance, crowd), tolerance, planar, &mut room.waists) {
            back -= crowd;
        }
        let pieces = if back < half { &room.waists.joined } else { &room.b };
        uncover(last, pieces, to_middle + back, planar, &mut room.covered, rest);
    }
    std::mem::swap(&mut room.a, &mut room.b);
    let pieces = if back < half { &room.waists.joined } else { &room.a };
    planar.inset(pieces, -back, Corner::Sharp { limit: RESTORED }, &mut room.b);
    if i == 0 {
        // What sticks out of an outer wall sticks out of the part.
        let moved = Moved { inside: to_middle, back };
        corners::hold(&mut room.b, region, moved, tolerance, planar, &mut room.corners);
    }
}

/// Writes to `inner` what lies so far inside a region, and to `rest` what of the region is not within that distance of it:
/// what is narrower than twice that, and sharp tips. `covered` is room for work.
pub fn open(
    region: &Contours,
    distance: f64,
    tolerance: f64,
    planar: &mut Planar,
    inner: &mut Contours,
    covered: &mut Contours,
    rest: &mut Contours,
) {
    rest.clear();
    let whole = planar.inset(region, distance, Corner::Round { tolerance }, inner);
    if !whole {
        uncover(region, inner, distance, planar, covered, rest);
    }
}

/// Writes to `rest` what of a region is not within a distance of what lies inside it.
fn uncover(
    region: &Contours,
    inner: &Contours,
    distance: f64,
    planar: &mut Planar,
    covered: &mut Contours,
    rest: &mut Contours,
) {
    planar.inset(inner, -(distance + BEYOND), Corner::Sharp { limit: COVERED }, covered);
    planar.subtract(region, covered, rest);
}

/// Tips of walls reach at most this many distances beyond their corner: those of right angles and a little sharper ones
/// are whole.
const MITER: f64 = 3.0;
/// Corners that were cut off by half a pitch and put back: sharper ones than right angles stay cut, as beyond them the
/// place may be too narrow.
pub const RESTORED: f64 = 3.0;
/// What a road covers beyond its corner: the rounding of wider corners than 60° leaves no place for another road.
const COVERED: f64 = 2.0;
/// What roads cover is taken to reach this much farther, grid units: more than rounding, so that what is left open are places
/// and not slivers along every edge, and the contours of the one do not run along those of the other.
const BEYOND: f64 = 20.0;
