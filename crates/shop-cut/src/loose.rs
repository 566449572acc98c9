//! Rapids around pieces that are already cut loose: they may have tipped up and would catch the torch.
//!
//! Each closed cut leaves a loose piece: a slug inside a hole, a part inside an outline. Its box, grown by a margin,
//! is the obstacle. A rapid that crosses one is led around the boxes it meets over their corners, if a short way
//! over at most two corners is free; otherwise it is raised, where the program moves z.

use crate::{AvoidLoose, Options};
use shop_cam::machine::TorchControl;
use shop_cam::settings::Settings;
use shop_cam::toolpath::{Pass, PieceKind, Toolpath};
use shop_geom::grid::Grid;
use shop_geom::{Aabb, Point};

/// Distance kept from loose pieces, mm: a torch's shield is about as wide as a thumb.
const MARGIN: f64 = 10.0;

/// Width of the edge of a piece that may be passed over, mm.
const EDGE: f64 = 0.5;

pub(crate) fn avoid(paths: &mut [Toolpath], start: Point, settings: &Settings, options: &Options) {
    let can_lift = settings.torch != TorchControl::Controller;
    let boxes: Vec<Aabb> =
        paths.iter().flat_map(|t| &t.passes).map(|p| piece_box(p, options.loose_size)).collect();
    let grid = Grid::new(&boxes, 4.0 * MARGIN);
    let [x, y, _] = settings.envelope;
    let reach = Aabb::new(Point::new(x[0], y[0]), Point::new(x[1], y[1]));
    let field = Field { boxes: &boxes, grid: &grid, reach };
    let mut at = start;
    let passes = paths.iter_mut().flat_map(|t| &mut t.passes);
    for (done, pass) in (0u32..).zip(passes) {
        if let (Some(to), Some(end)) = (pass.start(), pass.end()) {
            if !field.free(at, to, done) {
                let way =
                    if options.avoid_loose == AvoidLoose::Detour { field.around(at, to, done) } else { None };
                match way {
                    Some(way) => pass.detour = way,
                    None => pass.lift = can_lift,
                }
            }
            at = end;
        }
    }
}

/// Returns the box of the piece that a pass cuts loose; empty when it cuts nothing loose, or something too small to
/// stand up.
fn piece_box(pass: &Pass, least: f64) -> Aabb {
    let cut = pass.pieces.iter().filter(|p| p.kind == PieceKind::Cut);
    let bounds = cut.clone().fold(Aabb::EMPTY, |b, p| b.union(p.segment.bounds()));
    let ends = (cut.clone().next(), cut.clone().next_back());
    // The rapid away from a piece starts on its edge; a hair inside is what counts as being over it.
    let closed = matches!(ends, (Some(a), Some(b)) if a.segment.start() == b.segment.end());
    let large = bounds.width().max(bounds.height()) >= least;
    if closed && large { bounds.inflated(-EDGE) } else { Aabb::EMPTY }
}

struct Field<'a> {
    boxes: &'a [Aabb],
    grid: &'a Grid,
    /// Where the machine can go.
    reach: Aabb,
}

impl Field<'_> {
    /// True when the straight way crosses no piece loosened before pass `done`. Pieces in which it starts or ends
    /// do not count: the torch is there already, or must go there.
    fn free(&self, a: Point, b: Point, done: u32) -> bool {
        self.blocking(a, b, done).is_none()
    }

    fn blocking(&self, a: Point, b: Point, done: u32) -> Option<u32> {
        let mut found: Option<u32> = None;
        self.grid.visit(&Aabb::new(a, b), |i| {
            let piece = &self.boxes[i as usize];
            let counts = i < done && !piece.is_empty() && !piece.contains(a) && !piece.contains(b);
            if counts && crosses(piece, a, b) {
                found = Some(found.map_or(i, |f: u32| f.min(i)));
            }
        });
        found
    }

    /// Returns the shortest free way over one or two corners of the piece in the way.
    fn around(&self, a: Point, b: Point, done: u32) -> Option<Vec<Point>> {
        let piece = self.boxes[self.blocking(a, b, done)? as usize].inflated(MARGIN);
        let (low, high) = (piece.min, piece.max);
        let corners = [low, Point::new(high.x, low.y), high, Point::new(low.x, high.y)];
        let mut best: Option<(f64, Vec<Point>)> = None;
        let mut offer = |way: &[Point]| {
            let mut points = vec![a];
            points.extend_from_slice(way);
            points.push(b);
            let length: f64 = points.windows(2).map(|w| (w[1] - w[0]).norm()).sum();
            let shorter = best.as_ref().is_none_or(|(l, _)| length < *l);
            let reached = way.iter().all(|p| self.reach.contains(*p));
            if shorter && reached && points.windows(2).all(|w| self.free(w[0], w[1], done)) {
                best = Some((length, way.to_vec()));
            }
        };
        for i in 0..4 {
            offer(&[corners[i]]);
            offer(&[corners[i], corners[(i + 1) % 4]]);
            offer(&[corners[i], corners[(i + 3) % 4]]);
        }
        best.map(|(_, way)| way)
    }
}

/// True when the straight line from `a` to `b` meets the box (clipping by slabs).
fn crosses(area: &Aabb, a: Point, b: Point) -> bool {
    let (mut t0, mut t1) = (0.0f64, 1.0f64);
    for k in 0..2 {
        let (from, to, low, high) = (a[k], b[k], area.min[k], area.max[k]);
        let d = to - from;
        if d == 0.0 {
            if from < low || from > high {
                return false;
            }
            continue;
        }
        let (u, v) = ((low - from) / d, (high - from) / d);
        t0 = t0.max(u.min(v));
        t1 = t1.min(u.max(v));
    }
    t0 <= t1
}
