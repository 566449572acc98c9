//! From contours to the paths of the tool's middle: half the cut's width into the waste.
//!
//! All profiles whose sides follow their nesting bound one solid, the material that stays, and its offset is made in
//! one call, so that gaps narrower than the cut show up as merged or missing curves instead of gouges. Profiles
//! with a side of their own are offset class by class. Every path is turned so that **the waste is on its left**:
//! outlines run clockwise, holes counter-clockwise. That is the square side of a plasma arc with the usual swirl
//! (Tweco/ESAB manuals, "Direction of cut") and climb milling with a spindle turning clockwise.

use crate::common::{COMMON_TOLERANCE, Neighbours};
use crate::feature::{Profile, Waste};
use crate::track::Track;
use rayon::prelude::*;
use shop_geom::distance::SegmentIndex;
use shop_geom::offset::{Corner, OffsetContour, OffsetOptions, offset};
use shop_geom::{Point, Polyline, Segment};
use shop_report::{Cancelled, Diagnostic, Progress};
use std::collections::{BTreeMap, BTreeSet};

/// Offsets are made this exact, mm: a tenth of what the proof forgives, so that rounding in the post has the rest.
pub const OFFSET_TOLERANCE: f64 = 2e-4;

/// How a gap exactly as wide as the cut is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The tool goes in: slots and reliefs drawn for a cutter of their own width are common, and what their
    /// coordinates are rounded to must not decide. Around parts that have such places paths run [`SNUG`] nearer to the
    /// part than the radius, around others [`CLEAR`] farther.
    Snug,
    /// The cut stays out: a jet would run along its own kerf a second time. Paths run [`CLEAR`] farther from the part
    /// than the radius.
    Clear,
}

/// How much nearer to the part a snug path runs, mm: twice what the offset and a post to four decimals may round
/// off, so that a slot of the tool's own width is a slot still; a quarter of the gouge that the proof forgives.
pub const SNUG: f64 = 5e-4;

/// How much farther from the part a clear path runs, mm: what a post to four decimals rounds off. More would show in
/// wedges: at the bottom of one of 4° it is left 28 times as thick.
pub const CLEAR: f64 = 5e-5;

/// A closed path shorter than this is a place, mm: where the tool goes down into a hole or a relief of its own size.
pub const SPOT: f64 = 20.0 * SNUG;

/// How far the tool's middle runs from the part, mm, for a cut of this half width that stays out of tight places.
pub fn clear_distance(radius: f64) -> f64 {
    radius + CLEAR
}

/// How far the tool's middle runs from the part, mm, for a cut of this half width that goes into tight places.
pub fn snug_distance(radius: f64) -> f64 {
    (radius - SNUG).max(0.5 * radius)
}

/// The path of the tool's middle along one or more contours.
#[derive(Clone, Debug, PartialEq)]
pub struct CutPath {
    /// The path, closed, with the waste on its left.
    pub track: Track,
    /// The profile it belongs to; the outermost when it serves several.
    pub profile: u32,
    /// True when there is no waste side: the middle runs on the line.
    pub on_line: bool,
    /// The path that must come later: the one around it.
    pub before: Option<u32>,
    /// The outermost path around it, or itself.
    pub group: u32,
}

impl CutPath {
    /// True when the path is a place rather than a way: the tool goes straight down there.
    pub fn is_spot(&self) -> bool {
        !self.on_line && self.track.length() < SPOT
    }
}

/// Compensated profiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compensated {
    /// The paths, in the order of their profiles.
    pub paths: Vec<CutPath>,
    /// Which contours may share lines, when any may.
    pub neighbours: Option<Neighbours>,
    /// What did not fit.
    pub diagnostics: Vec<Diagnostic>,
}

/// Offsets all profiles by `radius` into their waste, near enough for `fit`. Near-linear, as the offset is.
pub fn compensate(
    profiles: &[Profile],
    radius: f64,
    fit: Fit,
    corner: Corner,
    progress: &dyn Progress,
) -> Result<Compensated, Cancelled> {
    let mut raw: Vec<(Vec<u32>, Track, bool)> = Vec::with_capacity(profiles.len());
    let neighbours = Neighbours::of(profiles, radius);
    let classes = classes(profiles, neighbours.as_ref());
    let mut by_class: BTreeMap<Class, Vec<u32>> = BTreeMap::new();
    for (class, i) in classes.iter().zip(0u32..) {
        by_class.entry(*class).or_default().push(i);
    }
    for (class, members) in by_class {
        if class == Class::OnLine || radius <= 0.0 {
            let track = |i: u32| {
                let p = &profiles[i as usize];
                let track = Track::new(&p.contour);
                if p.waste == Waste::Outside { track.reversed() } else { track }
            };
            raw.extend(members.iter().map(|&i| (vec![i], track(i), class == Class::OnLine)));
            continue;
        }
        let distance = match (class, &neighbours) {
            (Class::Sharing { colour: Some(_), .. }, Some(n)) => n.distance,
            _ => clear_distance(radius),
        };
        // A tip would lie in the line that goes on past the corner, or in the part behind it.
        let corner = if matches!(class, Class::Sharing { .. }) { Corner::Round } else { corner };
        let mut made = offset_class(profiles, class, &members, distance, corner, progress)?;
        if fit == Fit::Snug {
            let snug = snug_distance(radius);
            let snug = offset_class(profiles, class, &members, snug, corner, progress)?;
            made = snug_where_tight(profiles, made, snug);
        }
        // Tips that run into each other say nothing about the parts: they are rounded.
        let met: BTreeSet<u32> = (made.iter().filter(|(s, _)| s.len() > 1 && corner != Corner::Round))
            .flat_map(|(s, _)| s.iter().copied())
            .collect();
        let apart = |(s, _): &(Vec<u32>, Polyline)| s.iter().all(|i| !met.contains(i));
        raw.extend(made.into_iter().filter(apart).map(|(s, p)| (s, Track::new(&p), false)));
        if !met.is_empty() {
            let met: Vec<u32> = met.into_iter().collect();
            let made = offset_class(profiles, class, &met, distance, Corner::Round, progress)?;
            raw.extend(made.into_iter().map(|(s, p)| (s, Track::new(&p), false)));
        }
    }
    raw.retain(|(sources, track, _)| {
        !sources.is_empty() && !track.is_empty() && (fit == Fit::Snug || track.length() >= SPOT)
    });
    let mut found = relate(profiles, raw, 2.0 * radius);
    if let Some(n) = &neighbours {
        tell_near(profiles, n, &classes, 2.0 * radius, &mut found.diagnostics);
    }
    found.neighbours = neighbours;
    Ok(found)
}

/// Offsets profiles of one class; returns the sources and the path of each curve.
fn offset_class(
    profiles: &[Profile],
    class: Class,
    members: &[u32],
    distance: f64,
    corner: Corner,
    progress: &dyn Progress,
) -> Result<Paths, Cancelled> {
    let contour = |&i: &u32| {
        let p = &profiles[i as usize];
        let hole = class == Class::Kept && p.waste == Waste::Inside;
        if hole { p.contour.clone().reversed() } else { p.contour.clone() }
    };
    let contours: Vec<Polyline> = members.iter().map(contour).collect();
    let distance = if class.is_inside() { -distance } else { distance };
    let options = OffsetOptions { corner, tolerance: OFFSET_TOLERANCE };
    let found = offset(&contours, distance, &options, progress)?;
    // Solid is on the left of every curve. It is what stays, except where the solid was shrunk.
    let turn = !class.is_inside();
    let made = found.into_iter().map(|OffsetContour { polyline, sources }| {
        let sources = sources.iter().filter_map(|&s| members.get(s as usize).copied()).collect();
        (sources, if turn { polyline.reversed() } else { polyline })
    });
    Ok(made.collect())
}

/// The profiles each path of one offset belongs to, and the path. Polylines, not tracks: they weigh a quarter.
type Paths = Vec<(Vec<u32>, Polyline)>;

/// Returns the snug paths of the nests that have a place into which only a snug path goes, and the clear ones of the
/// others.
fn snug_where_tight(profiles: &[Profile], clear: Paths, snug: Paths) -> Paths {
    let own = |sources: &[u32]| sources.iter().copied().min_by_key(|&s| (profiles[s as usize].depth, s));
    let measure = |paths: &Paths| {
        let mut sums = vec![(0u32, 0.0); profiles.len()];
        for (sources, path) in paths {
            if let Some(i) = own(sources) {
                sums[i as usize].0 += 1;
                sums[i as usize].1 += path.length();
            }
        }
        sums
    };
    // Without a tight place a closed path grows by 2π times the shift at most, and a little at each corner it cuts.
    let longer =
        |(a, b): (&(u32, f64), &(u32, f64))| a.0 != b.0 || b.1 - a.1 > 4.0 * std::f64::consts::PI * SNUG;
    let doubtful: Vec<bool> = measure(&clear).iter().zip(&measure(&snug)).map(longer).collect();
    let root = roots(profiles);
    let mut tight = vec![false; profiles.len()];
    let is_doubtful = |sources: &[u32]| own(sources).filter(|&i| doubtful[i as usize]);
    let index = index_of(clear.iter().filter(|p| is_doubtful(&p.0).is_some()).map(|p| &p.1));
    for (sources, path) in &snug {
        let Some(i) = is_doubtful(sources) else { continue };
        if goes_farther(path, &index) {
            tight[root[i as usize] as usize] = true;
        }
    }
    let is_tight =
        |(sources, _): &(Vec<u32>, Polyline)| own(sources).is_some_and(|i| tight[root[i as usize] as usize]);
    if !tight.contains(&true) {
        return clear;
    }
    let (snug, clear) = (snug.into_iter().filter(is_tight), clear.into_iter().filter(|p| !is_tight(p)));
    snug.chain(clear).collect()
}

/// Indexes the pieces of clear paths, for [`goes_farther`].
pub fn index_of<'a>(clear: impl Iterator<Item = &'a Polyline>) -> SegmentIndex {
    let pieces: Vec<Segment> = clear.flat_map(Polyline::segments).collect();
    let owners = vec![0; pieces.len()];
    SegmentIndex::of_segments(pieces, owners)
}

/// True when a snug path goes to a place where no clear one is.
pub fn goes_farther(snug: &Polyline, clear: &SegmentIndex) -> bool {
    let alone = |p: Point| clear.nearest(p, TIGHT).is_none();
    snug.segments().any(|s| alone(s.start()) || alone(s.point_at(0.5)))
}

/// A snug path this far from every clear one goes where that does not, mm: at the end of a cusp so long a skin of a
/// micrometre stays (a 2 mm tool: 0.05² / 2).
const TIGHT: f64 = 0.05;

/// Which profiles can be offset together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Sides follow the nesting: together they bound the material that stays.
    Kept,
    /// Outside of contours that do not contain each other.
    Outside(u32),
    /// Inside of contours that do not contain each other.
    Inside(u32),
    /// Contours of a nest in which lines are shared, that neither contain each other nor share a line: neighbours
    /// have different colours.
    Sharing { depth: u32, colour: Option<u32> },
    /// No side.
    OnLine,
}

impl Class {
    /// True when the solid shrinks.
    fn is_inside(self) -> bool {
        // Sides follow the nesting where lines are shared.
        matches!(self, Class::Inside(_)) || matches!(self, Class::Sharing { depth, .. } if depth % 2 == 1)
    }
}

fn classes(profiles: &[Profile], neighbours: Option<&Neighbours>) -> Vec<Class> {
    // A wrong side anywhere around or inside a contour makes its nest's parity meaningless, so the decision is
    // taken for whole nests, by their outermost contour.
    let root = roots(profiles);
    let fits = |p: &Profile| match p.waste {
        Waste::Outside => p.depth.is_multiple_of(2),
        Waste::Inside => p.depth % 2 == 1,
        Waste::On => false,
    };
    let mut odd = vec![false; profiles.len()];
    for (i, p) in profiles.iter().enumerate() {
        odd[root[i] as usize] |= !fits(p);
    }
    let mut sharing = vec![false; profiles.len()];
    if let Some(n) = neighbours {
        for i in (0..profiles.len()).filter(|&i| n.has(i as u32)) {
            sharing[root[i] as usize] = true;
        }
    }
    let class = |(i, p): (usize, &Profile)| match p.waste {
        Waste::On => Class::OnLine,
        _ if sharing[root[i] as usize] && !odd[root[i] as usize] => {
            Class::Sharing { depth: p.depth, colour: neighbours.and_then(|n| n.colour[i]) }
        }
        _ if !odd[root[i] as usize] => Class::Kept,
        Waste::Outside => Class::Outside(p.depth),
        Waste::Inside => Class::Inside(p.depth),
    };
    profiles.iter().enumerate().map(class).collect()
}

/// Returns the outermost contour around each profile, itself when there is none.
fn roots(profiles: &[Profile]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..profiles.len() as u32).collect();
    order.sort_by_key(|&i| profiles[i as usize].depth);
    let mut root: Vec<u32> = (0..profiles.len() as u32).collect();
    for i in order {
        if let Some(p) = profiles[i as usize].parent.filter(|&p| (p as usize) < profiles.len()) {
            root[i as usize] = root[p as usize];
        }
    }
    root
}

/// Gives every path its profile and the path around it, and says what merged or vanished.
fn relate(profiles: &[Profile], mut raw: Vec<(Vec<u32>, Track, bool)>, width: f64) -> Compensated {
    for (sources, ..) in &mut raw {
        // Outermost first: that is whom the path belongs to.
        sources.sort_by_key(|&s| (profiles[s as usize].depth, s));
    }
    // The order of the drawing, whatever the order of the offset; longer paths of one profile first.
    raw.sort_by(|a, b| a.0[0].cmp(&b.0[0]).then(b.1.length().total_cmp(&a.1.length())));
    let mut path_of: Vec<Option<u32>> = vec![None; profiles.len()];
    let mut served = vec![0u32; profiles.len()];
    for (k, (sources, ..)) in raw.iter().enumerate() {
        for &s in sources {
            path_of[s as usize].get_or_insert(k as u32);
            served[s as usize] += 1;
        }
    }
    let mut diagnostics = Vec::new();
    tell_merged(profiles, &raw, width, &mut diagnostics);
    tell_split(profiles, &served, &mut diagnostics);
    let mut paths = Vec::with_capacity(raw.len());
    for (k, (sources, track, on_line)) in raw.into_iter().enumerate() {
        let own = sources[0];
        let first = path_of[own as usize] == Some(k as u32);
        // A second path of the same profile is a trapped void or a hole fallen in two. Its first comes last.
        let before = if first { next_path(profiles, &path_of, own, k as u32) } else { path_of[own as usize] };
        paths.push(CutPath { track, profile: own, on_line, before, group: k as u32 });
    }
    // Outer paths first, so that a path's group is known when those inside it ask.
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by_key(|&k| {
        (profiles[paths[k].profile as usize].depth, path_of[paths[k].profile as usize] != Some(k as u32))
    });
    for k in order {
        if let Some(around) = paths[k].before {
            paths[k].group = paths[around as usize].group;
        }
    }
    Compensated { paths, neighbours: None, diagnostics }
}

/// Returns the path of the nearest contour around `profile` that has one of its own.
fn next_path(profiles: &[Profile], path_of: &[Option<u32>], profile: u32, own: u32) -> Option<u32> {
    let mut at = profile;
    for _ in 0..=profiles[profile as usize].depth {
        at = profiles[at as usize].parent?;
        match path_of.get(at as usize).copied().flatten() {
            Some(path) if path != own => return Some(path),
            _ => {}
        }
    }
    None
}

fn tell_merged(profiles: &[Profile], raw: &[(Vec<u32>, Track, bool)], width: f64, out: &mut Vec<Diagnostic>) {
    let merged = raw.iter().filter(|r| r.0.len() > 1);
    let count = merged.clone().count();
    let Some((sources, ..)) = merged.clone().next() else { return };
    // Of the first few, the two that are closest: the curve may run beside a third that is far from the first.
    let few = &sources[..sources.len().min(8)];
    let pairs = few.iter().enumerate().flat_map(|(i, &a)| few[i + 1..].iter().map(move |&b| (a, b)));
    let gap = |(a, b): (u32, u32)| closest(&profiles[a as usize].contour, &profiles[b as usize].contour);
    let found = pairs.map(|(a, b)| (a, gap((a, b)))).min_by(|x, y| x.1.1.total_cmp(&y.1.1));
    let Some((a, (at, gap))) = found else { return };
    let d = too_near(gap, width, profiles[a as usize].common_lines).at(at.x, at.y).count(count);
    out.push(Diagnostic { span: profiles[a as usize].span, ..d });
}

/// Says which contours are too near to each other although they were offset apart.
fn tell_near(
    profiles: &[Profile],
    neighbours: &Neighbours,
    classes: &[Class],
    width: f64,
    out: &mut Vec<Diagnostic>,
) {
    let apart = |a: u32, b: u32| classes[a as usize] != classes[b as usize];
    let narrow = |gap: f64| gap < width - COMMON_TOLERANCE;
    let mut near = neighbours.pairs.iter().filter(|p| apart(p.0, p.1) && narrow(p.2));
    let Some(&(a, b, gap)) = near.next() else { return };
    let (at, _) = closest(&profiles[a as usize].contour, &profiles[b as usize].contour);
    let d = too_near(gap, width, true).at(at.x, at.y).count(1 + near.count());
    out.push(Diagnostic { span: profiles[a as usize].span, ..d });
}

/// Two contours whose gap the cut does not fit into.
fn too_near(gap: f64, width: f64, sharing: bool) -> Diagnostic {
    if gap <= 1e-3 {
        let message = "two contours share an edge: either would lose half the cut's width along it";
        let hint = format!("space the parts by the width of the cut, {width} mm, and say --common-lines");
        return Diagnostic::error("cut/edge-shared", message).hint(hint);
    }
    let message = format!("the gap of {gap:.3} mm between two contours is narrower than the cut");
    let hint = if (gap - width).abs() <= COMMON_TOLERANCE && !sharing {
        "say --common-lines to cut both with one line, move the contours apart, or take a narrower tool"
            .to_owned()
    } else if sharing {
        format!(
            "one line for both wants a gap of {width} mm, within {COMMON_TOLERANCE}, and no tabs; or move them apart"
        )
    } else {
        "move the contours apart, or take a narrower tool".to_owned()
    };
    Diagnostic::error("cut/gap-narrower-than-kerf", message).hint(hint)
}

fn tell_split(profiles: &[Profile], served: &[u32], out: &mut Vec<Diagnostic>) {
    let mut say = |fault: &dyn Fn(usize) -> bool, make: &dyn Fn(&Profile) -> Diagnostic| {
        let hits = (0..profiles.len()).filter(|&i| fault(i));
        let count = hits.clone().count();
        if let Some(i) = hits.clone().next() {
            let at = profiles[i].contour.bounds().center();
            let mut d = make(&profiles[i]).at(at.x, at.y).count(count);
            d.span = profiles[i].span;
            out.push(d);
        }
    };
    say(&|i| served[i] == 0, &|p| {
        let size = p.contour.bounds();
        let size = size.width().min(size.height());
        Diagnostic::error(
            "cut/hole-smaller-than-kerf",
            format!("nothing of a contour {size:.3} mm wide is left beside the cut"),
        )
        .hint("mark or skip it, or take a narrower tool")
    });
    say(&|i| served[i] > 1, &|p| {
        let what = if p.waste == Waste::Inside { "a neck of a hole" } else { "a gap in an outline" };
        Diagnostic::warning(
            "cut/neck-narrower-than-kerf",
            format!("{what} is narrower than the cut and stays uncut"),
        )
        .hint("take a narrower tool")
    });
}

/// Says which stretches of contours no path comes near to, beyond what any corner leaves: slots and wedges narrower
/// than the cut stay uncut. `paths` are all paths of the profiles. O(pieces), as the path that was near to one place
/// mostly is to the next.
pub fn tell_unreached(profiles: &[Profile], paths: &SegmentIndex, radius: f64) -> Option<Diagnostic> {
    // A right-angled corner is left by 0.41 radii; its sides' middles are not corners.
    let reach = 1.5 * radius;
    let left_out = |contour: &Polyline| {
        let mut near: Option<u32> = None;
        let mut is_left = |p: &Point| {
            let still = near.is_some_and(|i| paths.segments()[i as usize].distance_to(*p) <= reach);
            if !still {
                near = paths.nearest(*p, reach).map(|n| n.segment);
            }
            near.is_none()
        };
        contour.segments().find_map(|s| {
            let samples: &[f64] = if s.length() < radius { &[0.5] } else { &[0.25, 0.5, 0.75] };
            samples.iter().map(|t| s.point_at(*t)).find(&mut is_left)
        })
    };
    let places: Vec<Option<Point>> = (profiles.par_iter())
        .with_min_len(16)
        .map(|p| if p.waste == Waste::On { None } else { left_out(&p.contour) })
        .collect();
    let mut hits = places.iter().enumerate().filter_map(|(i, p)| p.map(|p| (i, p)));
    let (first, at) = hits.next()?;
    let d = Diagnostic::warning(
        "cut/neck-narrower-than-kerf",
        "a slot or notch of a contour is narrower than the cut and stays uncut",
    );
    let d = d.at(at.x, at.y).count(1 + hits.count()).hint("take a narrower tool, or widen the slot");
    Some(Diagnostic { span: profiles[first].span, ..d })
}

/// Returns about where two contours are closest, and how far apart they are there.
fn closest(a: &Polyline, b: &Polyline) -> (Point, f64) {
    let index = SegmentIndex::new([b]);
    let reach = a.bounds().union(b.bounds());
    let reach = reach.width() + reach.height() + 1.0;
    let mut best = (Point::origin(), f64::INFINITY);
    for s in a.segments() {
        if let Some(n) = index.nearest_to_segment(&s, best.1.min(reach), |_| true)
            && n.distance < best.1
        {
            let other = &index.segments()[n.segment as usize];
            best = (s.point_at(s.nearest(other.point_at(other.nearest(s.point_at(0.5))))), n.distance);
        }
    }
    best
}
