//! Chaining: from loose pieces to closed contours, and a report of what was joined and dropped.
//!
//! Four steps, each its own file or function: pieces that repeat another are left out (`overlap`); ends that
//! belong together are found, nearest first (`joints`); the way through them is walked (`walk`); the chains are
//! put together. Everything is near-linear and flat; memory per piece is a few dozen bytes beyond the result.
//!
//! Words: a *piece* is an input path or what is left of one; an *end* is one of its two; a *junction* is a place at
//! which more than two ends meet; a *strand* is what runs between two junctions without a choice; a *jog* is the
//! straight bit that bridges a gap.

mod joints;
mod overlap;
mod walk;

use crate::intersect::intersect;
use crate::nesting::crossing::TOUCH;
use crate::{Point, Polyline, Segment, Vertex};
use joints::SNAP;
use overlap::Fate;
use rayon::prelude::*;
use shop_report::{Cancelled, Progress};

/// How pieces are joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceOptions {
    /// Ends at most this far apart are joined, nearest first, mm.
    pub tolerance: f64,
    /// Drop pieces that lie within `tolerance` of another along their whole length, and the overlapping part of
    /// collinear or co-circular ones.
    pub drop_duplicates: bool,
}

/// A chain of input paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The joined geometry; gaps are bridged by straight pieces, so no input point moves. Only where two ends
    /// shoot past each other, both are cut back to the place where they cross.
    pub polyline: Polyline,
    /// The input paths in order, each with whether it is travelled backwards.
    pub pieces: Vec<(u32, bool)>,
}

/// Two ends that were joined although they did not meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// The two input paths.
    pub paths: [u32; 2],
    /// How far apart the ends were, mm.
    pub distance: f64,
    /// Where.
    pub at: Point,
}

/// A path left out, wholly or in part, because another covers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duplicate {
    /// The path that stays.
    pub kept: u32,
    /// The path left out.
    pub dropped: u32,
    /// True when only a part of `dropped` was covered; its rest stays.
    pub partial: bool,
    /// Where.
    pub at: Point,
}

/// A place at which more than two ends meet, so that the way on is a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Where.
    pub at: Point,
    /// The paths that end there.
    pub paths: Vec<u32>,
}

/// What chaining made of the paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traced {
    /// Closed contours, in the order of their first input path, travelled as drawn.
    pub closed: Vec<Chain>,
    /// What could not be closed.
    pub open: Vec<Chain>,
    /// Ends joined across a gap.
    pub gaps: Vec<Gap>,
    /// Paths left out because another covers them.
    pub duplicates: Vec<Duplicate>,
    /// Places where more than two ends meet.
    pub branches: Vec<Branch>,
    /// Paths too short to mean anything, left out: without length, or specks shorter than the tolerance on
    /// their own. Fine pieces of a longer chain are not short.
    pub short: Vec<u32>,
}

/// Joins `paths` end to end. Near-linear in the number of pieces.
///
/// Closed paths pass through. Open ones are joined where their ends meet within the tolerance, nearest first, and
/// where more than two ends meet so that loops close; a path whose own ends meet closes by itself. Nothing moves:
/// what is further apart than 1e-9 mm is bridged by a straight piece.
///
/// Repeated pieces are left out before joining; closed contours are compared as a whole afterwards and are never
/// opened, since neighbours on a sheet may share an edge. Of two that repeat each other the earlier stays.
///
/// ```
/// use shop_geom::{Point, Polyline, trace::{TraceOptions, trace}};
/// let p = [Point::new(0.0, 0.0), Point::new(4.0, 0.0), Point::new(0.0, 3.0)];
/// let sides = [0, 1, 2].map(|i| Polyline::open([p[i], p[(i + 1) % 3]]));
/// let options = TraceOptions { tolerance: 0.05, drop_duplicates: true };
/// let traced = trace(&sides, &options, &shop_report::Silent).unwrap();
/// assert_eq!(traced.closed[0].polyline.area(), 6.0);
/// ```
pub fn trace(
    paths: &[Polyline],
    options: &TraceOptions,
    progress: &dyn Progress,
) -> Result<Traced, Cancelled> {
    progress.begin("chaining", 4);
    let tolerance = if options.tolerance.is_finite() { options.tolerance.max(0.0) } else { 0.0 };
    let mut out = Traced::default();
    let sorted = sort_out(paths, tolerance, &mut out.short);
    progress.advance(1)?;

    // Repeated pieces must go before joining: each would make two junctions.
    let mut arena = Arena::default();
    if options.drop_duplicates {
        let fates = overlap::among(&sorted.loose, tolerance);
        arena.keep(&sorted.loose, fates, |by| sorted.loose[by as usize].path, &mut out.duplicates);
    } else {
        arena.kept.extend(sorted.loose.iter().map(|p| (p.path, None)));
    }
    arena.kept.extend(sorted.rings.iter().map(|p| (p.path, None)));
    arena.kept.sort_unstable();
    progress.advance(1)?;

    let pieces = arena.pieces(paths);
    let Joined { mut closed, mut open, loose } = join(&pieces, tolerance, &mut out.branches);
    closed.extend(sorted.closed.iter().map(Built::alone));
    closed.sort_by_cached_key(Built::first_path);
    progress.advance(1)?;

    if options.drop_duplicates {
        drop_repeated(&mut closed, tolerance, &mut out.duplicates);
        let loose: Vec<Piece<'_>> = loose.iter().map(|&i| pieces[i as usize]).collect();
        let mut rest = Arena::default();
        if drop_covered(&closed, &loose, tolerance, &mut rest, &mut out.duplicates) {
            let again = join(&rest.pieces(paths), tolerance, &mut out.branches);
            open = again.open;
            closed.extend(again.closed);
            closed.sort_by_cached_key(Built::first_path);
        }
    }
    finish(closed, open, tolerance, &mut out);
    progress.advance(1)?;
    Ok(out)
}

/// A path, or a part of one, that takes part in joining: open, of finite coordinates and with some extent.
#[derive(Clone, Copy)]
struct Piece<'a> {
    path: u32,
    polyline: &'a Polyline,
    /// False when it is what an overlap left of its path.
    whole: bool,
}

impl<'a> Piece<'a> {
    fn new(path: u32, polyline: &'a Polyline) -> Self {
        debug_assert!(polyline.vertices.len() > 1);
        Piece { path, polyline, whole: true }
    }

    fn polyline(&self) -> &'a Polyline {
        self.polyline
    }

    #[inline]
    fn start(&self) -> Point {
        self.polyline.vertices[0].point
    }

    #[inline]
    fn end(&self) -> Point {
        self.polyline.vertices[self.polyline.vertices.len() - 1].point
    }

    fn length(&self) -> f64 {
        self.polyline.length()
    }
}

/// The paths by what can be done with them.
#[derive(Default)]
struct Sorted<'a> {
    /// Closed as drawn.
    closed: Vec<Piece<'a>>,
    /// Open as drawn, but with ends that meet: closed for all but the name, and protected like closed ones.
    rings: Vec<Piece<'a>>,
    /// Everything else.
    loose: Vec<Piece<'a>>,
}

fn sort_out<'a>(paths: &'a [Polyline], tolerance: f64, short: &mut Vec<u32>) -> Sorted<'a> {
    let mut sorted = Sorted::default();
    for (i, path) in paths.iter().enumerate() {
        let i = i as u32;
        let Some(first) = path.first() else {
            short.push(i);
            continue;
        };
        let extended = path.vertices.iter().any(|v| (v.point - first).amax() > SNAP);
        if !extended || !path.is_finite() {
            short.push(i);
            continue;
        }
        let piece = Piece::new(i, path);
        if path.closed {
            sorted.closed.push(piece);
        } else if path.vertices.len() > 2 && is_ring(&piece, tolerance) {
            sorted.rings.push(piece);
        } else {
            sorted.loose.push(piece);
        }
    }
    sorted
}

fn is_ring(piece: &Piece<'_>, tolerance: f64) -> bool {
    let gap = (piece.end() - piece.start()).norm();
    gap <= tolerance.max(SNAP) && piece.length() > joints::LOOP_RATIO * gap
}

/// What is left of the paths, with the parts that had to be made.
#[derive(Default)]
struct Arena {
    /// Path, and the index of the part if it is not whole.
    kept: Vec<(u32, Option<u32>)>,
    parts: Vec<Polyline>,
}

impl Arena {
    /// Takes over what the fates leave of `pieces`, and notes what they do not.
    fn keep(
        &mut self,
        pieces: &[Piece<'_>],
        fates: Vec<Fate>,
        path_of: impl Fn(u32) -> u32,
        duplicates: &mut Vec<Duplicate>,
    ) {
        for (piece, fate) in pieces.iter().zip(fates) {
            match fate {
                Fate::Whole => self.keep_whole(piece),
                Fate::Parts(parts, by, at) => {
                    let partial = !parts.is_empty();
                    duplicates.push(Duplicate { kept: path_of(by), dropped: piece.path, partial, at });
                    for part in parts {
                        self.kept.push((piece.path, Some(self.parts.len() as u32)));
                        self.parts.push(part);
                    }
                }
            }
        }
    }

    /// Takes over a piece that stays as it is. One that is itself a part is copied.
    fn keep_whole(&mut self, piece: &Piece<'_>) {
        let part = (!piece.whole).then(|| {
            self.parts.push(piece.polyline.clone());
            self.parts.len() as u32 - 1
        });
        self.kept.push((piece.path, part));
    }

    fn pieces<'a>(&'a self, paths: &'a [Polyline]) -> Vec<Piece<'a>> {
        let of = |&(path, part): &(u32, Option<u32>)| {
            let polyline = part.map_or(&paths[path as usize], |p| &self.parts[p as usize]);
            Piece { whole: part.is_none(), ..Piece::new(path, polyline) }
        };
        self.kept.iter().map(of).collect()
    }
}

/// A chain with the gaps it bridges.
struct Built {
    chain: Chain,
    gaps: Vec<Gap>,
}

impl Built {
    fn alone(piece: &Piece<'_>) -> Built {
        let chain = Chain { polyline: piece.polyline().clone(), pieces: vec![(piece.path, false)] };
        Built { chain, gaps: Vec::new() }
    }

    /// Returns the lowest path; closed chains start with it.
    fn first_path(&self) -> u32 {
        self.chain.pieces.iter().map(|p| p.0).min().unwrap_or(u32::MAX)
    }
}

/// What joining makes of some pieces.
struct Joined {
    closed: Vec<Built>,
    open: Vec<Built>,
    /// The pieces of the open chains, ascending.
    loose: Vec<u32>,
}

fn join(pieces: &[Piece<'_>], tolerance: f64, branches: &mut Vec<Branch>) -> Joined {
    let joints = joints::joints(pieces, tolerance);
    note_branches(pieces, &joints, branches);
    let walked = walk::walk(pieces, &joints);
    let chains: Vec<(&[u32], bool)> = walked.iter().collect();
    let built: Vec<Built> = (chains.par_iter().with_min_len(1024))
        .map(|&(steps, closed)| build(pieces, steps, closed, tolerance))
        .collect();
    let mut joined = Joined { closed: Vec::new(), open: Vec::new(), loose: Vec::new() };
    for (b, (steps, _)) in built.into_iter().zip(chains) {
        if b.chain.polyline.closed {
            joined.closed.push(b);
        } else {
            joined.loose.extend(steps.iter().map(|e| e / 2));
            joined.open.push(b);
        }
    }
    joined.loose.sort_unstable();
    joined.closed.sort_by_cached_key(Built::first_path);
    joined.open.sort_by_cached_key(Built::first_path);
    joined
}

fn note_branches(pieces: &[Piece<'_>], joints: &joints::Joints, branches: &mut Vec<Branch>) {
    let from = branches.len();
    for ends in joints.junctions.iter().filter(|ends| ends.len() > 2) {
        let place = |e: u32| {
            let piece = &pieces[e as usize / 2];
            if e.is_multiple_of(2) { piece.start() } else { piece.end() }
        };
        let mut paths: Vec<u32> = ends.iter().map(|&e| pieces[e as usize / 2].path).collect();
        paths.sort_unstable();
        paths.dedup();
        branches.push(Branch { at: place(ends[0]), paths });
    }
    branches[from..].sort_by(|a, b| a.paths.cmp(&b.paths));
}

/// Ends up to this far apart meet as well as files are written; a jog is made, but nobody needs to hear of it, mm.
const MEETS: f64 = 1e-6;

/// Puts the pieces of a chain together, from its lowest path on and as that one was drawn.
fn build(pieces: &[Piece<'_>], steps: &[u32], closed: bool, tolerance: f64) -> Built {
    let lowest = (0..steps.len()).min_by_key(|&i| (steps[i] / 2, i)).unwrap_or(0);
    let backwards = steps[lowest] % 2 == 1;
    let n = steps.len();
    // Position i of the chain, counted from the lowest when closed, against the steps when backwards.
    let step = |i: usize| match (backwards, closed) {
        (false, false) => steps[i],
        (false, true) => steps[(lowest + i) % n],
        (true, false) => steps[n - 1 - i] ^ 1,
        (true, true) => steps[(lowest + n - i) % n] ^ 1,
    };
    let total: usize = steps.iter().map(|&e| pieces[e as usize / 2].polyline.vertices.len()).sum();
    let mut vertices: Vec<Vertex> = Vec::with_capacity(total);
    let mut built = Built {
        chain: Chain { polyline: Polyline::default(), pieces: Vec::with_capacity(n) },
        gaps: Vec::new(),
    };
    let mut last: Option<(u32, Point)> = None;
    for i in 0..n {
        let e = step(i);
        let piece = &pieces[e as usize / 2];
        let backwards = e % 2 == 1;
        let (from, to) = if backwards { (piece.end(), piece.start()) } else { (piece.start(), piece.end()) };
        let first = vertices.len();
        append(&mut vertices, &piece.polyline.vertices, backwards);
        if let Some(end) = last {
            let after = vertices.get(first + 1).map_or(to, |v| v.point);
            bridge(&mut vertices, &mut built.gaps, first, end, (piece.path, from), after, tolerance);
        }
        built.chain.pieces.push((piece.path, backwards));
        last = Some((piece.path, to));
    }
    if let (true, Some(end), [first, rest @ ..]) = (closed, last, vertices.as_slice()) {
        let (start, after) =
            ((built.chain.pieces[0].0, first.point), rest.first().map_or(end.1, |v| v.point));
        bridge(&mut vertices, &mut built.gaps, 0, end, start, after, tolerance);
    } else if let Some((_, point)) = last {
        vertices.push(Vertex { point, bulge: 0.0 });
    }
    built.chain.polyline = Polyline { vertices, closed };
    if closed && encloses_nothing(&built.chain.polyline) {
        reopen(&mut built);
    }
    built
}

/// Joins the piece that starts at vertex `first` (its second point is `after`) to what comes before it, which ends
/// at `from`: nothing to do when it is the same place; cut back what shoots past; else a jog.
fn bridge(
    vertices: &mut Vec<Vertex>,
    gaps: &mut Vec<Gap>,
    first: usize,
    from: (u32, Point),
    to: (u32, Point),
    after: Point,
    tolerance: f64,
) {
    let distance = (to.1 - from.1).norm();
    if distance > MEETS {
        gaps.push(Gap { paths: [from.0, to.0], distance, at: nalgebra::center(&from.1, &to.1) });
    }
    if distance <= SNAP {
        return;
    }
    // The piece before is the last one, also when a closed chain comes round to its first vertex.
    let before = if first == 0 { vertices.len() - 1 } else { first - 1 };
    let arriving = Segment::new(vertices[before].point, from.1, vertices[before].bulge);
    let leaving = Segment::new(vertices[first].point, after, vertices[first].bulge);
    if before != first
        && let Some([arriving, leaving]) = cut_back(&arriving, &leaving, tolerance)
    {
        vertices[before].bulge = arriving.bulge();
        vertices[first] = Vertex { point: leaving.start(), bulge: leaving.bulge() };
    } else {
        vertices.insert(before + 1, Vertex { point: from.1, bulge: 0.0 });
    }
}

/// Returns two pieces cut back to where they meet, if that is about as near to the ends that should meet as these
/// are to each other: within `tolerance`, or 8 gaps, which is a crossing at 7 degrees. One of the two may keep its
/// end there: a jog from the end of the other would run back over what it has just passed.
fn cut_back(arriving: &Segment, leaving: &Segment, tolerance: f64) -> Option<[Segment; 2]> {
    let most = tolerance.max(8.0 * (arriving.end() - leaving.start()).norm());
    let near = |&(ta, tb, _): &(f64, f64, Point)| {
        let (past, before) = ((1.0 - ta) * arriving.length(), tb * leaving.length());
        ta > 0.25 && tb < 0.75 && past <= most && before <= most
    };
    let touched = [(arriving.nearest(leaving.start()), 0.0, leaving.start())]
        .into_iter()
        .chain([(1.0, leaving.nearest(arriving.end()), arriving.end())])
        .filter(|&(ta, tb, at)| {
            (arriving.point_at(ta) - at).norm() <= TOUCH && (leaving.point_at(tb) - at).norm() <= TOUCH
        });
    let met = intersect(arriving, leaving, 0.0);
    let crossed = met.points().iter().map(|m| (m.ta, m.tb, m.at));
    let (ta, tb, at) = touched.chain(crossed).find(near)?;
    let (a, b) = (arriving.part(0.0, ta), leaving.part(tb, 1.0));
    // Both ends are the one place, to the last bit.
    Some([Segment::new(a.start(), at, a.bulge()), Segment::new(at, b.end(), b.bulge())])
}

/// Appends all vertices of an open path but the last.
fn append(vertices: &mut Vec<Vertex>, path: &[Vertex], backwards: bool) {
    if backwards {
        let turned = path
            .windows(2)
            .rev()
            .map(|w| Vertex { point: w[1].point, bulge: if w[0].bulge == 0.0 { 0.0 } else { -w[0].bulge } });
        vertices.extend(turned);
    } else {
        vertices.extend_from_slice(&path[..path.len() - 1]);
    }
}

/// True for a line there and back: every piece lies on another. Equal areas to the left and right are not enough,
/// a bow tie has them too.
fn encloses_nothing(polyline: &Polyline) -> bool {
    let n = polyline.segment_count();
    let doubled = |i: usize| {
        let middle = polyline.segment(i).point_at(0.5);
        (0..n).any(|k| k != i && polyline.segment(k).distance_to(middle) <= SNAP)
    };
    n <= 4 && polyline.area().abs() <= SNAP * polyline.length() && (0..n).all(doubled)
}

/// Turns a closed chain into an open one with the same pieces.
fn reopen(built: &mut Built) {
    let polyline = &mut built.chain.polyline;
    polyline.closed = false;
    if let Some(first) = polyline.first() {
        polyline.vertices.push(Vertex { point: first, bulge: 0.0 });
    }
}

/// Leaves out closed contours that repeat an earlier one.
fn drop_repeated(closed: &mut Vec<Built>, tolerance: f64, duplicates: &mut Vec<Duplicate>) {
    let outlines: Vec<&Polyline> = closed.iter().map(|b| &b.chain.polyline).collect();
    let repeats = overlap::repeated(&outlines, tolerance);
    for (built, kept) in closed.iter().zip(&repeats) {
        let Some(kept) = kept.map(|k| closed[k as usize].first_path()) else { continue };
        for &(dropped, _) in &built.chain.pieces {
            let at = built.chain.polyline.first().unwrap_or_default();
            duplicates.push(Duplicate { kept, dropped, partial: false, at });
        }
    }
    let mut repeats = repeats.into_iter();
    closed.retain(|_| repeats.next().flatten().is_none());
}

/// Leaves out what closed contours cover of `loose` pieces; true when there was any.
fn drop_covered(
    closed: &[Built],
    loose: &[Piece<'_>],
    tolerance: f64,
    rest: &mut Arena,
    duplicates: &mut Vec<Duplicate>,
) -> bool {
    if closed.is_empty() || loose.is_empty() {
        return false;
    }
    let contours: Vec<Piece<'_>> =
        closed.iter().map(|b| Piece::new(b.first_path(), &b.chain.polyline)).collect();
    let fates = overlap::by_contours(&contours, loose, tolerance);
    if fates.iter().all(|f| *f == Fate::Whole) {
        return false;
    }
    rest.keep(loose, fates, |by| contours[by as usize].path, duplicates);
    true
}

/// Moves the chains to the result; specks go to `short`.
fn finish(closed: Vec<Built>, open: Vec<Built>, tolerance: f64, out: &mut Traced) {
    for (list, chains) in [(closed, &mut out.closed), (open, &mut out.open)] {
        chains.reserve_exact(list.len());
        for b in list {
            if is_speck(&b.chain.polyline, tolerance) {
                out.short.extend(b.chain.pieces.iter().map(|p| p.0));
            } else {
                out.gaps.extend(b.gaps);
                chains.push(b.chain);
            }
        }
    }
    out.short.sort_unstable();
    out.short.dedup();
    out.gaps.sort_by_key(|g| g.paths);
    out.duplicates.sort_by_key(|d| (d.dropped, d.kept));
}

/// True when all of it is shorter than the tolerance.
fn is_speck(polyline: &Polyline, tolerance: f64) -> bool {
    // Most chains show with their first vertices that they are not.
    let first = polyline.vertices[0].point;
    polyline.vertices.iter().all(|v| (v.point - first).amax() <= tolerance) && polyline.length() <= tolerance
}

#[cfg(test)]
mod tests;
