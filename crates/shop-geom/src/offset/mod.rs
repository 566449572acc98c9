//! Parallel curves of regions: kerf and tool compensation, and the rings of a pocket.
//!
//! **The idea.** Arcs stay arcs and results are exact, but topology is never decided by floating point. Contours
//! that cannot influence each other are offset alone (`cluster`), most of them the short way: the parallel pieces
//! end to end, accepted only with a certificate (`direct`). Everything else goes the long way (`swept`): the swept
//! region on an integer grid, with the number of the exact curve on every edge; the grid says what is connected,
//! `refit` puts the exact curves back, and every result is checked by distance (`clear`) before it leaves.
//!
//! **Vocabulary.** *δ* is the unsigned distance. All work is done in a frame in which the solid is on the left and
//! grows to the right (`piece`); shrinking grows the outside. A *strip* is what a piece sweeps, a *joint* or
//! *corner* is where two pieces meet: *smooth*, *convex* (sticks out of the solid) or *reflex*.
//!
//! **What is promised.** Pieces lie on the exact parallel lines, arcs and corner arcs, and meet in their exact
//! crossings, to about 1e-9 mm; with two exceptions, both within the tolerance given: corners so flat that a common
//! point leaves neither neighbour by a tenth of the tolerance get no arc of their own, and curves that graze each
//! other under less than a milliradian meet where the grid puts them. Gaps and slivers narrower than about 2 µm, or
//! half the tolerance if that is less, may be taken as closed.
//!
//! NOTE: contours that cross each other or themselves mean what they wind around at least once; that costs a second
//! sweep. They are found by the check when they disturb the result.

mod clear;
mod cluster;
mod concave;
mod direct;
mod piece;
mod refit;
mod rings;
mod swept;

use crate::{Aabb, Polyline, Vertex};
use clear::Clear;
use cluster::{Groups, Outline};
use direct::Outcome;
use piece::Piece;
use rayon::prelude::*;
use refit::Ring;
use shop_report::{Cancelled, Progress};
use swept::{Beside, Contours};

pub use rings::rings;

/// What happens at a corner that sticks out of the solid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Corner {
    /// An arc about the corner.
    Round,
    /// The two sides extended to their meeting point, cut off at `limit` times the distance.
    Sharp {
        /// Furthest tip, as a multiple of the distance.
        limit: f64,
    },
}

/// How an offset is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OffsetOptions {
    /// Outer corners.
    pub corner: Corner,
    /// How far the result may be from the exact parallel curve, mm.
    pub tolerance: f64,
}

/// A closed curve of an offset.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetContour {
    /// Counter-clockwise around solid, clockwise around a void.
    pub polyline: Polyline,
    /// The input contours it runs beside, sorted.
    pub sources: Vec<u32>,
}

/// Returns the boundary of the solid grown by `distance` (shrunk when negative). The solid is what the closed
/// `contours` enclose: counter-clockwise ones bound solid, clockwise ones voids in it. Open and non-finite ones are
/// left out.
///
/// The result is in the order of the first contour of each group that is offset together. Near-linear: about 1 µs
/// for a small contour that stays alone, about 1 µs a vertex otherwise, plus the crossings of the parallel pieces.
///
/// ```
/// use shop_geom::offset::{Corner, OffsetOptions, offset};
/// use shop_geom::{Point, Polyline};
/// let hole = Polyline::circle(Point::new(5.0, 5.0), 3.0).reversed();
/// let options = OffsetOptions { corner: Corner::Round, tolerance: 1e-3 };
/// let kerf = offset(&[hole], 0.5, &options, &shop_report::Silent).unwrap();
/// assert!((kerf[0].polyline.area() + std::f64::consts::PI * 2.5 * 2.5).abs() < 1e-12);
/// ```
pub fn offset(
    contours: &[Polyline],
    distance: f64,
    options: &OffsetOptions,
    progress: &dyn Progress,
) -> Result<Vec<OffsetContour>, Cancelled> {
    progress.begin("offset", contours.len() as u64);
    if !distance.is_finite() {
        return Ok(Vec::new());
    }
    let reversed = distance < 0.0;
    let frame = Frame::new(distance.abs(), options);
    let outlines = cluster::outlines(contours, reversed);
    if distance == 0.0 {
        return Ok(unchanged(contours, &outlines));
    }
    let groups = cluster::groups(contours, &outlines, &frame);
    let job = Job { contours, outlines: &outlines, frame: &frame, reversed };
    // A few groups at a time: one allocation for their results, and progress is not asked for every circle.
    let chunks: Vec<Result<Vec<OffsetContour>, Cancelled>> = (0..groups.len().div_ceil(CHUNK))
        .into_par_iter()
        .map_init(Scratch::default, |scratch, k| {
            let mut out = Vec::with_capacity(CHUNK);
            let last = groups.len().min((k + 1) * CHUNK);
            let mut done = 0;
            for i in k * CHUNK..last {
                job.group(&groups, i, scratch, &mut out);
                done += groups.get(i).len() as u64;
            }
            progress.advance(done)?;
            Ok(out)
        })
        .collect();
    let mut all = Vec::with_capacity(groups.len());
    for chunk in chunks {
        all.append(&mut chunk?);
    }
    Ok(all)
}

/// Groups handed to a thread at a time.
const CHUNK: usize = 32;

/// Distances that an offset works with, mm.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// How far the solid grows.
    delta: f64,
    corner: Corner,
    /// How far a smooth joint may be from the exact curve: a tenth of the tolerance.
    flat: f64,
    /// How far chords may leave their arc when topology is decided.
    chord: f64,
    /// How far from the parallel curve the check lets a piece be.
    tolerance: f64,
    /// How far from the contour the result may be, sharp tips included.
    reach: f64,
}

impl Frame {
    fn new(delta: f64, options: &OffsetOptions) -> Frame {
        let tolerance = if options.tolerance.is_finite() { options.tolerance.clamp(1e-5, 1.0) } else { 1e-3 };
        let chord = (0.5 * tolerance).min(0.1 * delta).clamp(2e-5, 2e-3);
        let reach = match options.corner {
            Corner::Round => delta,
            Corner::Sharp { limit } => {
                let limit = if limit.is_finite() { limit.clamp(1.0, 1e3) } else { 1e3 };
                delta * limit.hypot(1.0)
            }
        };
        let flat = (0.1 * tolerance).min(1e-3);
        Frame { delta, corner: options.corner, flat, chord, tolerance: tolerance.max(4.0 * chord), reach }
    }
}

/// Room for work that is used again for the next group.
#[derive(Default)]
struct Scratch {
    pieces: Vec<Piece>,
    starts: Vec<u32>,
    room: direct::Room,
    vertices: Vec<Vertex>,
}

struct Job<'a> {
    contours: &'a [Polyline],
    outlines: &'a [Outline],
    frame: &'a Frame,
    reversed: bool,
}

impl Job<'_> {
    /// Appends the offset of one group.
    fn group(&self, groups: &Groups, i: usize, scratch: &mut Scratch, out: &mut Vec<OffsetContour>) {
        let members = groups.get(i);
        scratch.pieces.clear();
        scratch.starts.clear();
        scratch.starts.push(0);
        for &m in members {
            piece::load(&self.contours[m as usize], m, self.reversed, &mut scratch.pieces);
            scratch.starts.push(scratch.pieces.len() as u32);
        }
        let outside_is_solid = self.outside_is_solid(members);
        let narrow = |b: Aabb| b.width().min(b.height()) <= 2.0 * self.frame.delta;
        if scratch.pieces.is_empty() {
            return;
        }
        if outside_is_solid {
            // A void narrower than 2δ closes, and so does all that is in it.
            let void =
                members.iter().fold(Aabb::EMPTY, |all, &m| all.union(self.outlines[m as usize].bounds));
            if narrow(void) {
                return;
            }
        }
        if let [only] = members {
            scratch.vertices.clear();
            let outcome =
                direct::direct(&scratch.pieces, self.frame, &mut scratch.room, &mut scratch.vertices);
            match outcome {
                Outcome::Done => {
                    let vertices = scratch.vertices.clone();
                    out.push(self.finish(Polyline { vertices, closed: true }, vec![*only]));
                    return;
                }
                Outcome::Nothing => return,
                Outcome::Unsure => {}
            }
        }
        let contours = Contours { pieces: &scratch.pieces, starts: &scratch.starts, outside_is_solid };
        let rings = long_way(contours, self.frame);
        out.extend(rings.iter().filter_map(|r| self.ring(r)));
    }

    /// True when what surrounds the group is solid: the contour that reaches furthest left tells.
    fn outside_is_solid(&self, members: &[u32]) -> bool {
        let left = |m: &&u32| self.outlines[**m as usize].bounds.min.x;
        let leftmost = members.iter().min_by(|a, b| left(a).total_cmp(&left(b)).then(a.cmp(b)));
        leftmost.is_some_and(|&m| !self.outlines[m as usize].solid)
    }

    fn ring(&self, ring: &Ring) -> Option<OffsetContour> {
        let mut vertices = Vec::with_capacity(ring.pieces.len());
        let mut sources = Vec::new();
        let mut add = |p: &Piece| {
            direct::push(p.a, p.b, p.bulge, &mut vertices);
            if sources.last() != Some(&p.contour) && p.contour != u32::MAX {
                sources.push(p.contour);
            }
        };
        match &ring.doubtful {
            Some(pieces) => pieces.iter().for_each(&mut add),
            None => ring.pieces.iter().for_each(|f| add(&f.piece)),
        }
        sources.sort_unstable();
        sources.dedup();
        (vertices.len() > 1).then(|| self.finish(Polyline { vertices, closed: true }, sources))
    }

    fn finish(&self, mut polyline: Polyline, sources: Vec<u32>) -> OffsetContour {
        if self.reversed {
            polyline.reverse();
        }
        OffsetContour { polyline, sources }
    }
}

/// Sweeps a group and checks the result. A result that fails the check is swept again from what the contours wind
/// around at least once; what fails again is returned as the grid has it, chords within the chord tolerance,
/// rather than as wrong arcs.
fn long_way(contours: Contours<'_>, frame: &Frame) -> Vec<Ring> {
    let swept = swept::sweep(contours, frame);
    if stands(&swept.rings, contours.pieces, frame) {
        return swept.rings;
    }
    let (mut pieces, mut starts) = (Vec::with_capacity(contours.pieces.len()), vec![0]);
    for ring in swept::normalise(contours, frame).rings {
        match &ring.doubtful {
            Some(polygon) => pieces.extend(polygon),
            None => pieces.extend(ring.pieces.iter().map(|f| f.piece)),
        }
        starts.push(pieces.len() as u32);
    }
    let mut swept = swept::sweep(Contours { pieces: &pieces, starts: &starts, ..contours }, frame);
    if !stands(&swept.rings, &pieces, frame) {
        swept.flatten();
    }
    swept.rings
}

/// True when ends and middles of all pieces are at distance δ from the contours, give or take the tolerance.
fn stands(rings: &[Ring], pieces: &[Piece], frame: &Frame) -> bool {
    if rings.iter().any(|r| r.doubtful.is_some()) {
        return false;
    }
    let clear = Clear::new(pieces);
    let least = frame.delta - frame.tolerance;
    let most = if frame.corner == Corner::Round { frame.delta + frame.tolerance } else { f64::INFINITY };
    // Both ends clear and the chord below this, the middle is clear to within half the tolerance: what reaches in
    // between two points of the circle about it stands in by at most chord²/8δ.
    let short = 4.0 * frame.delta * frame.tolerance;
    let good = |f: &refit::Fitted| {
        let middle = (f.piece.b - f.piece.a).norm_squared() > short;
        [Some(f.piece.a), middle.then(|| f.piece.middle())].into_iter().flatten().all(|p| {
            let own = match f.beside {
                Beside::Piece(i) => {
                    pieces.get(i as usize).map_or(0.0, |s| crate::distance::point_distance(&s.segment(), p))
                }
                Beside::Corner(at) => (p - at).norm(),
                Beside::Tip => frame.delta,
            };
            own <= most && !clear.is_nearer(p, least)
        })
    };
    rings.iter().all(|r| r.pieces.par_iter().with_min_len(512).all(good))
}

/// Returns the contours as they are, without pieces that have no length.
fn unchanged(contours: &[Polyline], outlines: &[Outline]) -> Vec<OffsetContour> {
    let mut pieces = Vec::new();
    let mut out = Vec::new();
    for (i, contour) in contours.iter().enumerate().filter(|(i, _)| !outlines[*i].bounds.is_empty()) {
        pieces.clear();
        piece::load(contour, i as u32, false, &mut pieces);
        let mut vertices = Vec::with_capacity(pieces.len());
        for p in &pieces {
            direct::push(p.a, p.b, p.bulge, &mut vertices);
        }
        if vertices.len() > 1 {
            out.push(OffsetContour {
                polyline: Polyline { vertices, closed: true },
                sources: vec![i as u32],
            });
        }
    }
    out
}
