//! What two paths have in common, measured along each of them.

use super::Neighbours;
use crate::compensate::CutPath;
use crate::track::Track;
use shop_geom::Segment;
use shop_geom::distance::SegmentIndex;

/// A stretch of a path that another path covers as well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Distance along the path at which it starts, mm; at least 0 and less than the path's length.
    pub from: f64,
    /// Distance at which it ends; beyond the length when it runs over the start.
    pub to: f64,
    /// The other path.
    pub other: u32,
}

/// A place on a path that lies in the kerf of another: distance along the path, mm, and the other.
pub(super) type Touch = (f64, u32);

/// Paths this near to each other are one line, mm; less than what a proof forgives.
const SAME_LINE: f64 = 0.0018;
/// Stretches that follow each other this closely are one, mm.
const JOINED: f64 = 2e-3;
/// Joints that turn by more than this are corners, radians.
const CORNER: f64 = 0.26;
/// A start is in another kerf when its middle is this near to it, as a fraction of half the width of the cut: the
/// better part of the tool's circle is cleared then.
const IN_KERF: f64 = 0.9;

/// Returns for each path what it has in common with others, and the places at which it touches another's kerf.
pub(super) fn find(
    paths: &[CutPath],
    neighbours: &Neighbours,
    side: f64,
) -> (Vec<Vec<Span>>, Vec<Vec<Touch>>) {
    let (mut segments, mut owners, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for (k, path) in paths.iter().enumerate().filter(|(_, p)| neighbours.has(p.profile)) {
        for (i, s) in path.track.segments().iter().enumerate() {
            segments.push(*s);
            owners.push(k as u32);
            starts.push(path.track.start_of(i));
        }
    }
    let index = SegmentIndex::of_segments(segments, owners);
    let mut spans: Vec<Vec<Span>> = vec![Vec::new(); paths.len()];
    for (k, segment) in index.segments().iter().enumerate() {
        let own = index.owner(k as u32);
        let area = segment.bounds().inflated(SAME_LINE);
        index.grid().visit(&area, |other| {
            let by = index.owner(other);
            // Contours of one colour are not neighbours, whatever their paths do.
            if by == own || colour(paths, neighbours, by) == colour(paths, neighbours, own) {
                return;
            }
            common(segment, &index.segments()[other as usize], |t0, t1| {
                let at = |t: f64| starts[k] + t * segment.length();
                spans[own as usize].push(Span { from: at(t0), to: at(t1), other: by });
            });
        });
    }
    for (list, path) in spans.iter_mut().zip(paths) {
        join(list, path.track.length(), 2.0 * neighbours.distance);
    }
    mutual(&mut spans);
    let touches = (0..paths.len())
        .map(|k| {
            if spans[k].is_empty() {
                Vec::new()
            } else {
                touching(k as u32, paths, &spans, &index, (neighbours.distance, side))
            }
        })
        .collect();
    (spans, touches)
}

fn colour(paths: &[CutPath], neighbours: &Neighbours, path: u32) -> Option<u32> {
    neighbours.colour[paths[path as usize].profile as usize]
}

/// Calls `found` with the stretches of `a`, as fractions of it, that lie on `b`.
fn common(a: &Segment, b: &Segment, mut found: impl FnMut(f64, f64)) {
    let same_shape = match (a, b) {
        (Segment::Line(_), Segment::Line(_)) => true,
        (Segment::Arc(p), Segment::Arc(q)) => {
            (p.center - q.center).norm() <= SAME_LINE && (p.radius - q.radius).abs() <= SAME_LINE
        }
        _ => false,
    };
    if !same_shape {
        return;
    }
    let mut cuts = [0.0, a.nearest(b.start()), a.nearest(b.end()), 1.0];
    cuts.sort_by(f64::total_cmp);
    for pair in cuts.windows(2) {
        let (t0, t1) = (pair[0], pair[1]);
        let on = |x: f64| b.distance_to(a.point_at(t0 + (t1 - t0) * x)) <= SAME_LINE;
        if (t1 - t0) * a.length() > 1e-6 && on(0.0) && on(0.5) && on(1.0) {
            found(t0, t1);
        }
    }
}

/// Joins stretches that follow each other, over the start of the path as well, and forgets those shorter than
/// `least`: two pierces for a hair's breadth are no gain.
fn join(list: &mut Vec<Span>, length: f64, least: f64) {
    list.sort_by(|a, b| a.other.cmp(&b.other).then(a.from.total_cmp(&b.from)));
    let mut out: Vec<Span> = Vec::with_capacity(list.len());
    for span in list.drain(..) {
        match out.last_mut() {
            Some(last) if last.other == span.other && span.from <= last.to + JOINED => {
                last.to = last.to.max(span.to);
            }
            _ => out.push(span),
        }
    }
    // Over the start: the last stretch of a neighbour may go on in its first.
    let mut i = 0;
    while i < out.len() {
        let first = out[i];
        let last = (i..out.len()).rev().find(|&k| out[k].other == first.other).unwrap_or(i);
        if last > i && first.from <= JOINED && out[last].to >= length - JOINED {
            out[last].to = length + first.to;
            out.remove(i);
            i = last;
        } else {
            i = last + 1;
        }
    }
    out.retain(|s| s.to - s.from >= least);
    out.sort_by(|a, b| a.from.total_cmp(&b.from).then(a.other.cmp(&b.other)));
    *list = out;
}

/// A stretch counts only when both paths found one.
fn mutual(spans: &mut [Vec<Span>]) {
    let known: Vec<Vec<u32>> = spans.iter().map(|l| l.iter().map(|s| s.other).collect()).collect();
    for (i, list) in spans.iter_mut().enumerate() {
        list.retain(|s| known[s.other as usize].contains(&(i as u32)));
    }
}

/// Returns the corners of path `k` that lie in the kerf of a path that it does not share a line with.
fn touching(
    k: u32,
    paths: &[CutPath],
    spans: &[Vec<Span>],
    index: &SegmentIndex,
    (distance, side): (f64, f64),
) -> Vec<Touch> {
    let track = &paths[k as usize].track;
    let reach = IN_KERF * distance;
    let beside = |other: u32| spans[k as usize].iter().any(|s| s.other == other);
    let mut out = Vec::new();
    for s in corners(track, distance, side) {
        let p = track.point(s);
        let spot = Segment::Line(shop_geom::Line { a: p, b: p });
        let mut near: Vec<u32> = Vec::new();
        while let Some(n) = index.nearest_to_segment(&spot, reach, |i| {
            let by = index.owner(i);
            by != k && !near.contains(&by) && !beside(by)
        }) {
            near.push(n.owner);
            out.push((s, n.owner));
        }
    }
    out
}

/// Returns the corners of a path: the middles of arcs about corners of its contour.
fn corners(track: &Track, distance: f64, side: f64) -> Vec<f64> {
    let arcs = track.segments().iter().enumerate().filter(|(_, s)| is_corner_arc(s, distance, side));
    arcs.map(|(i, s)| track.start_of(i) + 0.5 * s.length()).collect()
}

/// True for the arc with which a path goes round a corner of its contour: it turns away from the waste.
pub(super) fn is_corner_arc(segment: &Segment, distance: f64, side: f64) -> bool {
    matches!(segment, Segment::Arc(a) if (a.radius - distance).abs() < 1e-3 && a.sweep * side < -CORNER)
}
