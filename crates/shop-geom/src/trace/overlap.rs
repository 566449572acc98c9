//! Lines drawn twice: pieces that another piece covers, wholly or in part, and contours that repeat another.
//!
//! Two loose pieces overlap where they stay within [`reach`] of each other over a stretch. Marks on the later piece
//! are the places where an end of either lies on the other; a stretch between two marks is covered when the pieces
//! stay together in between. A spike, however acute, has one mark at its tip and the other nowhere, so it survives;
//! pieces that follow each other share one mark, so they survive however short they are.
//!
//! Repetitions that are not exact are dropped only as a whole: where two curves leave a common tip, their first
//! pieces are near each other too. And a repetition that serves stays: of two neighbours drawn as loose lines, each
//! has its own copy of their common side, which shows in that every place has an even number of ends, and would
//! not without it.
//!
//! A closed contour is never opened: neighbours on a nested sheet share edges, and each is a part of its own. It is
//! dropped only when another closed contour is the same all the way round.

use super::Piece;
use crate::cells::Cells;
use crate::nesting::bounds;
use crate::{Aabb, Point, Polyline, Segment, Vertex};
use rayon::prelude::*;

/// Pieces further apart than this are two lines, whatever the joining tolerance, mm. Ends drawn by hand miss by
/// 0.02 to 0.1, which is what the tolerance is for; but a slot or a web of 0.04 is a thing one may draw, and nobody
/// repeats a line on purpose at less than a fiftieth of a millimetre, which no beam or tool could cut apart.
const APART: f64 = 0.02;

/// Two pieces this near coincide, mm: what is left of equal coordinates after writing, reading and turning.
const EXACT: f64 = 1e-5;

/// Returns how near two pieces must stay to be one line drawn twice. It shrinks with the shorter one, so that the
/// ends of fine pieces are not taken for each other.
fn reach(shorter: f64, tolerance: f64) -> f64 {
    tolerance.min(APART).min(shorter / 8.0)
}

/// What becomes of a piece.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    /// It stays as it is.
    Whole,
    /// Only these parts of it stay (none: it is dropped); with the piece that covers most of the rest, and a place.
    Parts(Vec<Polyline>, u32, Point),
}

/// A covered stretch of a segment.
#[derive(Clone, Copy, Debug)]
struct Cover {
    /// The covered segment.
    segment: u32,
    /// From and to, as fractions of its length.
    from: f64,
    to: f64,
    /// The piece that covers it.
    by: u32,
    /// True when it may be cut out on its own: the two coincide, or are long single lines or arcs.
    sure: bool,
}

/// All segments of some pieces, flat.
struct Flat {
    segments: Vec<Segment>,
    boxes: Vec<Aabb>,
    owner: Vec<u32>,
    /// First segment of each piece, and one more.
    starts: Vec<u32>,
}

impl Flat {
    fn new(pieces: &[Piece<'_>]) -> Flat {
        let n = pieces.iter().map(|p| p.polyline().segment_count()).sum();
        let mut flat = Flat {
            segments: Vec::with_capacity(n),
            boxes: Vec::with_capacity(n),
            owner: Vec::with_capacity(n),
            starts: Vec::with_capacity(pieces.len() + 1),
        };
        for (i, p) in pieces.iter().enumerate() {
            flat.starts.push(flat.segments.len() as u32);
            for s in p.polyline().segments() {
                flat.boxes.push(s.bounds());
                flat.segments.push(s);
                flat.owner.push(i as u32);
            }
        }
        flat.starts.push(flat.segments.len() as u32);
        flat
    }

    /// True when segment `i` is all of its piece.
    fn is_single(&self, i: usize) -> bool {
        let piece = self.owner[i] as usize;
        self.starts[piece + 1] - self.starts[piece] == 1
    }
}

/// Finds what earlier loose pieces cover of later ones.
pub(super) fn among(pieces: &[Piece<'_>], tolerance: f64) -> Vec<Fate> {
    let flat = Flat::new(pieces);
    let margin = tolerance.min(APART);
    let cells = Cells::of_segments(&flat.segments, 0.5 * margin);
    let mut covers = Vec::new();
    for bucket in 0..cells.buckets() {
        let entries = cells.bucket(bucket);
        for (i, a) in entries.iter().enumerate() {
            for b in &entries[i + 1..] {
                if a.tag == b.tag {
                    let (first, second) = (a.item.min(b.item) as usize, a.item.max(b.item) as usize);
                    if flat.owner[first] != flat.owner[second]
                        && near(&flat.boxes[first], &flat.boxes[second], margin)
                    {
                        cover(&flat, first, &flat, second, tolerance, &mut covers);
                    }
                }
            }
        }
    }
    settle(&flat, pieces, &mut covers, tolerance, true)
}

/// Finds what closed contours cover of loose `pieces`.
pub(super) fn by_contours(contours: &[Piece<'_>], pieces: &[Piece<'_>], tolerance: f64) -> Vec<Fate> {
    let flat = Flat::new(pieces);
    let margin = tolerance.min(APART);
    let cells = Cells::of_segments(&flat.segments, 0.5 * margin);
    let area = flat.boxes.iter().fold(Aabb::EMPTY, |all, b| all.union(*b)).inflated(margin);
    let mut covers = Vec::new();
    for (by, contour) in contours.iter().enumerate() {
        let own = Flat::new(std::slice::from_ref(contour));
        for i in (0..own.segments.len()).filter(|&i| own.boxes[i].intersects(&area)) {
            cells.visit_along(&own.segments[i], 0.5 * margin, |k| {
                let k = k as usize;
                if near(&own.boxes[i], &flat.boxes[k], margin) {
                    let from = covers.len();
                    cover(&own, i, &flat, k, tolerance, &mut covers);
                    covers[from..].iter_mut().for_each(|c| c.by = by as u32);
                }
            });
        }
    }
    settle(&flat, pieces, &mut covers, tolerance, false)
}

#[inline]
fn near(a: &Aabb, b: &Aabb, margin: f64) -> bool {
    a.min.x <= b.max.x + margin
        && b.min.x <= a.max.x + margin
        && a.min.y <= b.max.y + margin
        && b.min.y <= a.max.y + margin
}

/// Adds the stretches of segment `k` of `on` that segment `i` of `by` covers.
fn cover(by: &Flat, i: usize, on: &Flat, k: usize, tolerance: f64, covers: &mut Vec<Cover>) {
    let (a, b) = (&by.segments[i], &on.segments[k]);
    if let (Segment::Line(p), Segment::Line(q)) = (a, b) {
        // Lines that are not nearly parallel have no stretch in common; most pairs end here.
        let (u, v) = (p.b - p.a, q.b - q.a);
        let c = crate::cross(u, v);
        // With a reach of an eighth of the shorter one, an angle of 0.3 is never within reach over half of it.
        if c * c > 0.09 * u.norm_squared() * v.norm_squared() {
            return;
        }
    }
    if only_follow(a, b, &by.boxes[i], &on.boxes[k]) {
        return;
    }
    let (la, lb) = (a.length(), b.length());
    let shorter = la.min(lb);
    let reach = reach(shorter, tolerance);
    let mut marks = [0.0; 4];
    let mut count = 0;
    let mut mark = |t: f64| {
        marks[count] = t;
        count += 1;
    };
    for (t, p) in [(0.0, b.start()), (1.0, b.end())] {
        if a.distance_to(p) <= reach {
            mark(t);
        }
    }
    for p in [a.start(), a.end()] {
        let t = b.nearest(p);
        if (b.point_at(t) - p).norm() <= reach {
            mark(t);
        }
    }
    let marks = &mut marks[..count];
    marks.sort_unstable_by(f64::total_cmp);
    // Less than most of the shorter one, and hardly longer than a gap, is a matter of joining.
    let least = (0.75 * shorter).min(2.0 * tolerance.max(reach)) / lb;
    for w in marks.windows(2) {
        let (from, to) = (w[0], w[1]);
        if to - from < least {
            continue;
        }
        let apart = |f: f64| a.distance_to(b.point_at(from + (to - from) * f));
        let between = apart(0.5).max(apart(0.25)).max(apart(0.75));
        if between <= reach {
            let long = by.is_single(i) && on.is_single(k) && (to - from) * lb > 2.0 * tolerance;
            let sure = long || between.max(apart(0.0)).max(apart(1.0)) <= EXACT;
            covers.push(Cover { segment: k as u32, from, to, by: by.owner[i], sure });
        }
    }
}

/// True when two pieces share an end and surely nothing else: neither reaches into the other's box. This is what
/// most neighbours of a drawing do, and it costs no root.
fn only_follow(a: &Segment, b: &Segment, box_a: &Aabb, box_b: &Aabb) -> bool {
    let within = |p: Point, q: Point, b: &Aabb| {
        let b = b.inflated(APART);
        match (b.contains(p), b.contains(q)) {
            (true, false) => Some(p),
            (false, true) => Some(q),
            _ => None,
        }
    };
    match (within(a.start(), a.end(), box_b), within(b.start(), b.end(), box_a)) {
        (Some(p), Some(q)) => (p - q).amax() <= 1e-6,
        _ => false,
    }
}

/// Decides each piece's fate from the covered stretches of its segments. `among`: the covering pieces are of the
/// same list, and one that was itself dropped covers nothing.
fn settle(flat: &Flat, pieces: &[Piece<'_>], covers: &mut [Cover], tolerance: f64, among: bool) -> Vec<Fate> {
    let mut fates = vec![Fate::Whole; pieces.len()];
    covers.sort_unstable_by(|a, b| {
        (a.segment.cmp(&b.segment)).then(a.from.total_cmp(&b.from)).then(a.by.cmp(&b.by))
    });
    for group in covers.chunk_by(|a, b| flat.owner[a.segment as usize] == flat.owner[b.segment as usize]) {
        let piece = flat.owner[group[0].segment as usize] as usize;
        let dropped = |by: u32| among && matches!(&fates[by as usize], Fate::Parts(p, ..) if p.is_empty());
        let valid: Vec<Cover> = group.iter().copied().filter(|c| !dropped(c.by)).collect();
        let Some(first) = valid.first() else { continue };
        // The one that covers the longest stretch is named.
        let length = |c: &Cover| (c.to - c.from) * flat.segments[c.segment as usize].length();
        let most = valid.iter().fold(first, |m, c| if length(c) > length(m) { c } else { m });
        let at = flat.segments[most.segment as usize].point_at(0.5 * (most.from + most.to));
        let mut rest = uncovered(flat, piece, &valid, tolerance);
        if !rest.is_empty() && valid.iter().any(|c| !c.sure) {
            let sure: Vec<Cover> = valid.iter().copied().filter(|c| c.sure).collect();
            if sure.is_empty() {
                continue;
            }
            rest = uncovered(flat, piece, &sure, tolerance);
        }
        fates[piece] = Fate::Parts(rest, most.by, at);
    }
    if among {
        keep_what_serves(flat, pieces, &mut fates, tolerance);
    }
    fates
}

/// Takes back the dropping of pieces without which ends would be left over.
///
/// ```text
///   +-----+-----+   Two squares of four lines each: the middle line is there twice. With both, four ends meet
///   |     ‖     |   above and below; with one, three: the other serves. Were only the left square there, three
///   +-----+-----+   ends would meet, and two without the repetition.
/// ```
///
/// Dropped pieces that hang together stand or fall together. They stay if all their ends are at places of an even
/// number of ends, of which one would become odd, and not just the loose end of an open line.
fn keep_what_serves(flat: &Flat, pieces: &[Piece<'_>], fates: &mut [Fate], tolerance: f64) {
    let dropped: Vec<u32> = (0..pieces.len() as u32)
        .filter(|&i| matches!(&fates[i as usize], Fate::Parts(p, ..) if p.is_empty()))
        .collect();
    if dropped.is_empty() {
        return;
    }
    let ends: Vec<Point> =
        dropped.iter().flat_map(|&i| [pieces[i as usize].start(), pieces[i as usize].end()]).collect();
    let radius: Vec<f64> = (dropped.iter())
        .map(|&i| {
            let (from, to) = (flat.starts[i as usize], flat.starts[i as usize + 1]);
            reach((from..to).map(|s| flat.segments[s as usize].length()).sum(), tolerance)
        })
        .collect();
    let margin = tolerance.min(APART);
    let cells = Cells::of_points(ends.iter().copied(), 4.0 * margin.max(1e-9), margin);
    // For each end of a dropped piece: the ends at its place, how many of them dropped, and with what it hangs
    // together.
    let mut all = vec![0u32; ends.len()];
    let mut gone = vec![0u32; ends.len()];
    let mut group: Vec<u32> = (0..dropped.len() as u32).collect();
    for (i, piece) in pieces.iter().enumerate() {
        let own = dropped.binary_search(&(i as u32)).ok();
        for p in [piece.start(), piece.end()] {
            cells.visit_near(p, 0.0, |k| {
                let k = k as usize;
                let d = (ends[k] - p).norm();
                // Of finer pieces near by only the ends that are just there.
                if d > radius[k / 2] || (d > EXACT && d > reach(piece.length(), tolerance)) {
                    return;
                }
                all[k] += 1;
                if let Some(own) = own {
                    gone[k] += 1;
                    let (a, b) = (root(&mut group, own as u32), root(&mut group, k as u32 / 2));
                    group[a.max(b) as usize] = a.min(b);
                }
            });
        }
    }
    let mut even = vec![true; dropped.len()];
    let mut odd_after = vec![false; dropped.len()];
    for k in 0..ends.len() {
        let g = root(&mut group, k as u32 / 2) as usize;
        let after = all[k].saturating_sub(gone[k]);
        even[g] &= all[k].is_multiple_of(2);
        odd_after[g] |= after % 2 == 1 && after >= 3;
    }
    for (n, &i) in dropped.iter().enumerate() {
        let g = root(&mut group, n as u32) as usize;
        if even[g] && odd_after[g] {
            fates[i as usize] = Fate::Whole;
        }
    }
}

fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        parent[i as usize] = parent[parent[i as usize] as usize];
        i = parent[i as usize];
    }
    i
}

/// Returns the parts of a piece that no stretch covers.
fn uncovered(flat: &Flat, piece: usize, covers: &[Cover], tolerance: f64) -> Vec<Polyline> {
    let mut parts: Vec<Polyline> = Vec::new();
    let mut current: Vec<Vertex> = Vec::new();
    let mut covers = covers.iter().peekable();
    let whole: f64 =
        (flat.starts[piece]..flat.starts[piece + 1]).map(|s| flat.segments[s as usize].length()).sum();
    // What sticks out by less than a gap is the inaccuracy of the repetition.
    let stub = tolerance.min(0.25 * whole);
    let mut end = |current: &mut Vec<Vertex>| {
        let part = Polyline { vertices: std::mem::take(current), closed: false };
        if part.vertices.len() > 1 && part.length() > stub {
            parts.push(part);
        }
    };
    for s in flat.starts[piece]..flat.starts[piece + 1] {
        let segment = &flat.segments[s as usize];
        let slack = reach(segment.length(), tolerance) / segment.length().max(1e-300);
        let mut at = 0.0;
        while let Some(c) = covers.next_if(|c| c.segment == s) {
            if c.from > at + slack {
                append(&mut current, segment, at, c.from);
            }
            end(&mut current);
            at = at.max(c.to);
        }
        if at == 0.0 {
            append(&mut current, segment, 0.0, 1.0);
        } else if at < 1.0 - slack {
            append(&mut current, segment, at, 1.0);
        }
    }
    end(&mut current);
    parts
}

/// Appends the part of `segment` between two fractions to an open chain.
fn append(chain: &mut Vec<Vertex>, segment: &Segment, from: f64, to: f64) {
    let part = if from == 0.0 && to == 1.0 { *segment } else { segment.part(from, to) };
    match chain.last_mut() {
        Some(last) => last.bulge = part.bulge(),
        None => chain.push(Vertex { point: part.start(), bulge: part.bulge() }),
    }
    chain.push(Vertex { point: part.end(), bulge: 0.0 });
}

/// Returns for each closed contour the earlier one that it repeats, if any.
pub(super) fn repeated(contours: &[&Polyline], tolerance: f64) -> Vec<Option<u32>> {
    let boxes: Vec<Aabb> = contours.par_iter().with_min_len(1024).map(|c| bounds(c)).collect();
    let margin = tolerance.min(APART);
    let cells = Cells::of_points(boxes.iter().map(|b| b.min), 4.0 * margin.max(1e-9), margin);
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for bucket in 0..cells.buckets() {
        let entries = cells.bucket(bucket);
        for (i, a) in entries.iter().enumerate() {
            for b in &entries[i + 1..] {
                let (first, second) = (a.item.min(b.item), a.item.max(b.item));
                if a.tag == b.tag && first != second {
                    let (p, q) = (&boxes[first as usize], &boxes[second as usize]);
                    let size = p.width().max(p.height()).min(q.width().max(q.height()));
                    let reach = reach(size, tolerance);
                    if (p.min - q.min).amax() <= reach && (p.max - q.max).amax() <= reach {
                        pairs.push((second, first));
                    }
                }
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    let mut repeats: Vec<Option<u32>> = vec![None; contours.len()];
    for (second, first) in pairs {
        if repeats[second as usize].is_none() && repeats[first as usize].is_none() {
            let size = boxes[first as usize].width().max(boxes[first as usize].height());
            if same_outline(contours[first as usize], contours[second as usize], reach(size, tolerance)) {
                repeats[second as usize] = Some(first);
            }
        }
    }
    repeats
}

/// True when two closed contours run along each other all the way round.
fn same_outline(a: &Polyline, b: &Polyline, reach: f64) -> bool {
    let (la, lb) = (a.length(), b.length());
    // An outline within `reach` of another may be longer by a bend per vertex, and its area differ by a band.
    let vertices = (a.vertices.len() + b.vertices.len()) as f64;
    if (la - lb).abs() > reach * vertices || (a.area().abs() - b.area().abs()).abs() > reach * la.max(lb) {
        return false;
    }
    within(a, b, reach) && within(b, a, reach)
}

/// True when every corner and the middle of every piece of `a` is within `reach` of `b`.
fn within(a: &Polyline, b: &Polyline, reach: f64) -> bool {
    let of: Vec<Segment> = b.segments().collect();
    let tests = a.segments().flat_map(|s| [s.start(), s.point_at(0.5)]);
    if of.len() <= 16 {
        return tests.into_iter().all(|p| of.iter().any(|s| s.distance_to(p) <= reach));
    }
    let cells = Cells::of_segments(&of, reach);
    tests.into_iter().all(|p| {
        let mut found = false;
        cells.visit_near(p, 0.0, |k| found = found || of[k as usize].distance_to(p) <= reach);
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ax: f64, ay: f64, bx: f64, by: f64) -> Polyline {
        Polyline::open([Point::new(ax, ay), Point::new(bx, by)])
    }

    /// What stays of each, as lengths.
    fn left(paths: &[Polyline]) -> Vec<Vec<f64>> {
        let pieces: Vec<Piece<'_>> = paths.iter().enumerate().map(|(i, p)| Piece::new(i as u32, p)).collect();
        let round = |l: f64| (l * 1e3).round() / 1e3;
        among(&pieces, 0.05)
            .iter()
            .zip(paths)
            .map(|(fate, path)| match fate {
                Fate::Whole => vec![round(path.length())],
                Fate::Parts(parts, ..) => parts.iter().map(|p| round(p.length())).collect(),
            })
            .collect()
    }

    #[test]
    fn the_later_piece_loses_what_is_covered() {
        let a = line(0.0, 0.0, 10.0, 0.0);
        let cases: Vec<(Vec<Polyline>, Vec<Vec<f64>>)> = vec![
            (vec![a.clone(), a.clone().reversed()], vec![vec![10.0], vec![]]),
            (vec![a.clone(), line(0.01, 0.01, 9.99, -0.01)], vec![vec![10.0], vec![]]),
            // A slot 0.04 wide, and an acute spike.
            (vec![a.clone(), line(0.0, 0.04, 10.0, 0.04)], vec![vec![10.0], vec![10.0]]),
            (vec![a.clone(), line(10.0, 0.0, 0.0, 0.5)], vec![vec![10.0], vec![10.012]]),
            // Partly covered at one end, inside, and from within.
            (vec![a.clone(), line(5.0, 0.0, 15.0, 0.0)], vec![vec![10.0], vec![5.0]]),
            (vec![a.clone(), line(12.0, 0.0, -3.0, 0.0)], vec![vec![10.0], vec![2.0, 3.0]]),
            (vec![a.clone(), line(3.0, 0.0, 5.0, 0.0)], vec![vec![10.0], vec![]]),
            // Following and crossing pieces.
            (vec![a.clone(), line(10.0, 0.0, 15.0, 0.0)], vec![vec![10.0], vec![5.0]]),
            (vec![a.clone(), line(5.0, -5.0, 5.0, 5.0)], vec![vec![10.0], vec![10.0]]),
            // Three times the same: the third is covered by the first.
            (vec![a.clone(), a.clone(), a.clone()], vec![vec![10.0], vec![], vec![]]),
        ];
        for (paths, expected) in cases {
            assert_eq!(left(&paths), expected, "{paths:?}");
        }
    }

    #[test]
    fn two_curves_may_leave_one_tip() {
        // The first pieces of two fine curves lie near each other, in one path or in many.
        let upper: Vec<Point> =
            (0..40).map(|i| Point::new(f64::from(i) * 0.1, f64::from(i * i) * 2e-4)).collect();
        let lower: Vec<Point> = upper.iter().map(|p| Point::new(p.x, -p.y)).collect();
        let paths = [Polyline::open(upper.iter().copied()), Polyline::open(lower.iter().copied())];
        assert!(left(&paths).iter().all(|parts| parts.len() == 1 && parts[0] > 3.9));
        let loose: Vec<Polyline> = [upper, lower]
            .iter()
            .flat_map(|c| c.windows(2).map(|w| Polyline::open([w[0], w[1]])).collect::<Vec<_>>())
            .collect();
        let kept = left(&loose);
        assert!(kept.iter().filter(|parts| parts.is_empty()).count() <= 1, "{kept:?}");
    }

    #[test]
    fn the_common_side_of_neighbours_is_needed_twice() {
        let square = |x: f64| {
            let p = [(x, 0.0), (x + 4.0, 0.0), (x + 4.0, 4.0), (x, 4.0)];
            (0..4).map(move |i| line(p[i].0, p[i].1, p[(i + 1) % 4].0, p[(i + 1) % 4].1))
        };
        let both: Vec<Polyline> = square(0.0).chain(square(4.0)).collect();
        assert!(left(&both).iter().all(|parts| parts.len() == 1));
        // But not by one square, nor all of it by one drawn twice.
        let mut one: Vec<Polyline> = square(0.0).collect();
        one.push(line(4.0, 4.0, 4.0, 0.0));
        assert!(left(&one)[4].is_empty());
        let twice: Vec<Polyline> = square(0.0).chain(square(0.0)).collect();
        assert!(left(&twice)[4..].iter().all(Vec::is_empty));
    }

    #[test]
    fn arcs_of_one_circle_overlap() {
        let c = Point::new(3.0, 4.0);
        let a = Polyline::arc(c, 10.0, 0.0, 1.0);
        let b = Polyline::arc(c, 10.0, 1.5, -1.0);
        assert_eq!(left(&[a.clone(), b]), vec![vec![10.0], vec![5.0]]);
        assert_eq!(left(&[a.clone(), a.clone().reversed()]), vec![vec![10.0], vec![]]);
        // The arc of another circle through the same ends.
        let (p, q) = (a.vertices[0].point, a.vertices[1].point);
        let flat = Polyline {
            vertices: vec![Vertex { point: p, bulge: 0.1 }, Vertex { point: q, bulge: 0.0 }],
            closed: false,
        };
        assert_eq!(left(&[a, flat])[1].len(), 1);
    }

    #[test]
    fn fine_pieces_are_not_each_other() {
        let fine: Vec<Polyline> =
            (0..200).map(|i| line(f64::from(i) * 0.01, 0.0, f64::from(i + 1) * 0.01, 0.0)).collect();
        assert!(left(&fine).iter().all(|parts| parts == &[0.01]));
        // But all of them repeat one long line.
        let mut all = vec![line(0.0, 0.0, 2.0, 0.0)];
        all.extend(fine.clone());
        assert!(left(&all)[1..].iter().all(Vec::is_empty));
        let mut all = fine;
        all.push(line(0.0, 0.0, 2.0, 0.0));
        assert!(left(&all)[200].is_empty());
    }

    #[test]
    fn contours_repeat_each_other_in_any_form() {
        let c = Polyline::circle(Point::new(5.0, 5.0), 3.0);
        let mut turned = c.clone();
        turned.vertices = vec![Vertex::new(5.0, 8.0, 1.0), Vertex::new(5.0, 2.0, 1.0)];
        let fine = Polyline::polygon(c.flatten(0.001).into_iter().skip(1));
        let other = Polyline::circle(Point::new(5.05, 5.0), 3.0);
        let inner = Polyline::circle(Point::new(5.0, 5.0), 2.9);
        let all = [&c, &turned, &fine, &other, &inner, &c];
        assert_eq!(repeated(&all, 0.05), [None, Some(0), Some(0), None, None, Some(0)]);
    }
}
