//! Pockets: rings parallel to the wall, from the inside out, linked at depth where the way is clear.
//!
//! The rings of a pocket form a forest: a ring hangs on the ring one step nearer to the wall that it runs beside.
//! Each leaf is entered by a ramp along itself; from there the tool works outwards from ring to ring over short
//! links, so that it always cuts with the same width and the wall comes last, in one clean loop. A link runs inside
//! the area the tool's middle may be in, or the tool is raised. With a step of at most half the diameter no corner is
//! left standing: a point between two rings of a corner of angle θ is reached when the step is at most
//! r·(1 + sin(θ/2)), and that is at least r.

use crate::depth::{Spiral, layers, spiral};
use crate::{Direction, Planner};
use rayon::prelude::*;
use shop_cam::canon::Role;
use shop_cam::compensate::{OFFSET_TOLERANCE, clear_distance, goes_farther, index_of, snug_distance};
use shop_cam::feature::Pocket;
use shop_cam::toolpath::{Pass, Piece, PieceKind, Toolpath};
use shop_cam::track::Track;
use shop_geom::distance::SegmentIndex;
use shop_geom::offset::{Corner, OffsetOptions, offset};
use shop_geom::route::{Stop, route};
use shop_geom::{Line, Point, Segment};
use shop_report::{Cancelled, Diagnostic, Progress};

/// A step of a pocket's 2D plan: one ring, started somewhere.
struct Step {
    track: Track,
    /// True when the tool comes from the ring before without being raised.
    linked: bool,
}

impl Planner<'_> {
    /// Plans all pockets.
    pub fn pockets(
        &mut self,
        pockets: &[Pocket],
        progress: &dyn Progress,
    ) -> Result<Option<Toolpath>, Cancelled> {
        if pockets.is_empty() {
            return Ok(None);
        }
        progress.begin("pockets", pockets.len() as u64);
        let plans: Vec<Vec<Step>> =
            pockets.par_iter().map(|p| self.steps(p, progress)).collect::<Result<_, Cancelled>>()?;
        self.tell_empty(pockets, &plans);
        let made: Vec<Vec<Pass>> =
            pockets.par_iter().zip(&plans).map(|(p, steps)| self.pocket_passes(p, steps)).collect();
        let stops: Vec<Stop> = (made.iter().enumerate())
            .map(|(i, passes)| {
                let ends = (passes.iter().find_map(Pass::start), passes.iter().rev().find_map(Pass::end));
                let ways = if let (Some(a), Some(b)) = ends { vec![(a, b)] } else { Vec::new() };
                Stop { ways, group: i as u32, before: None }
            })
            .collect();
        let mut path = Toolpath::new(Role::Pocket, "pockets", self.settings);
        let mut made: Vec<Option<Vec<Pass>>> = made.into_iter().map(Some).collect();
        for visit in route(&stops, self.at, progress)? {
            path.passes.extend(made[visit.stop as usize].take().unwrap_or_default());
        }
        self.at = path.end().unwrap_or(self.at);
        Ok(Some(path))
    }

    fn tell_empty(&mut self, pockets: &[Pocket], plans: &[Vec<Step>]) {
        let empty = || pockets.iter().zip(plans).filter(|(_, steps)| steps.is_empty()).map(|(p, _)| p);
        let Some(first) = empty().next() else { return };
        let message = format!("a pocket is narrower than the {} mm tool", self.settings.diameter);
        let mut d = Diagnostic::error("mill/pocket-narrower-than-tool", message)
            .count(empty().count())
            .hint("take a narrower tool");
        d.span = first.span;
        if let Some(p) = first.boundary.first() {
            let middle = p.bounds().center();
            d = d.at(middle.x, middle.y);
        }
        self.diagnostics.push(d);
    }

    /// Returns how far the tool's middle keeps from the wall: a little nearer where there are places exactly as wide as
    /// the tool.
    fn wall_distance(&self, pocket: &Pocket, progress: &dyn Progress) -> Result<f64, Cancelled> {
        let radius = self.settings.diameter / 2.0;
        let options = OffsetOptions { corner: Corner::Round, tolerance: OFFSET_TOLERANCE };
        let ring = |distance: f64| offset(&pocket.boundary, -distance, &options, progress);
        let (clear, snug) = (clear_distance(radius), snug_distance(radius));
        let index = index_of(ring(clear)?.iter().map(|c| &c.polyline));
        Ok(if ring(snug)?.iter().any(|c| goes_farther(&c.polyline, &index)) { snug } else { clear })
    }

    /// Returns the rings of a pocket, wall first.
    fn rings(&self, pocket: &Pocket, progress: &dyn Progress) -> Result<Vec<Vec<Track>>, Cancelled> {
        let (radius, step) = (self.wall_distance(pocket, progress)?, self.settings.step_over);
        let options = OffsetOptions { corner: Corner::Round, tolerance: OFFSET_TOLERANCE };
        let mut out = Vec::new();
        // Every ring is made from the wall itself, so that errors do not add up.
        for k in 0..100_000 {
            let distance = radius + f64::from(k) * step;
            let found = offset(&pocket.boundary, -distance, &options, progress)?;
            if found.is_empty() {
                break;
            }
            let climb = self.options.direction == Direction::Climb;
            let track = |p: &shop_geom::Polyline| {
                let track = Track::new(p);
                if climb { track } else { track.reversed() }
            };
            out.push(found.iter().map(|c| track(&c.polyline)).filter(|t| !t.is_empty()).collect());
        }
        Ok(out)
    }

    fn steps(&self, pocket: &Pocket, progress: &dyn Progress) -> Result<Vec<Step>, Cancelled> {
        let rings = self.rings(pocket, progress)?;
        progress.advance(1)?;
        let Some(wall) = rings.first().filter(|w| !w.is_empty()) else { return Ok(Vec::new()) };
        let wall = index(wall);
        let forest = Forest::of(&rings, self.settings.step_over);
        let longest = 2.0 * self.settings.diameter;
        let mut out: Vec<Step> = Vec::new();
        for (level, ring, leaf) in forest.inside_out() {
            let track = &rings[level][ring];
            let from = if leaf { None } else { out.last().map(|s| s.track.point(0.0)) };
            let s = from.map_or(0.0, |p| track.nearest(p));
            let turned = track.started_at(s);
            let linked = from.is_some_and(|p| is_clear(p, turned.point(0.0), &wall, longest));
            out.push(Step { track: turned, linked });
        }
        Ok(out)
    }

    fn pocket_passes(&self, pocket: &Pocket, steps: &[Step]) -> Vec<Pass> {
        let heights = layers(pocket.bottom, self.settings.step_down);
        let percent = pocket.feed_percent as f32;
        let mut out: Vec<Pass> = Vec::new();
        let mut above = 0.0;
        for &z in &heights {
            for step in steps {
                match out.last_mut().filter(|_| step.linked) {
                    Some(pass) => follow(pass, &step.track, z, percent),
                    None => out.push(self.enter(&step.track, above, z, percent)),
                }
            }
            above = z;
        }
        out
    }

    /// Ramps down one layer along a ring, then cuts it whole and returns to where the ramp began.
    fn enter(&self, track: &Track, above: f64, z: f64, percent: f32) -> Pass {
        let (mut pass, end) = spiral(&Spiral {
            track,
            lead: &[],
            layers: &[z - above],
            ramp_angle: self.options.ramp_angle,
            ramp_percent: percent * self.ramp_percent() / 100.0,
            percent,
            tabs: &[],
        });
        pass.z += above;
        for piece in &mut pass.pieces {
            piece.z += above;
        }
        // Links start where the ring does.
        track.run(end, track.length(), |segment| {
            pass.pieces.push(Piece { segment, z, kind: PieceKind::Cut, feed_percent: percent });
        });
        pass
    }
}

/// Goes on from the ring before to this one, and round it.
fn follow(pass: &mut Pass, track: &Track, z: f64, percent: f32) {
    if let Some(a) = pass.end() {
        let b = track.point(0.0);
        if (b - a).norm() > 0.0 {
            let segment = Segment::Line(Line { a, b });
            pass.pieces.push(Piece { segment, z, kind: PieceKind::Link, feed_percent: percent });
        }
    }
    for s in track.segments() {
        pass.pieces.push(Piece { segment: *s, z, kind: PieceKind::Cut, feed_percent: percent });
    }
}

fn index(tracks: &[Track]) -> SegmentIndex {
    let (mut segments, mut owners) = (Vec::new(), Vec::new());
    for (i, t) in tracks.iter().enumerate() {
        segments.extend_from_slice(t.segments());
        owners.resize(segments.len(), i as u32);
    }
    SegmentIndex::of_segments(segments, owners)
}

/// True when the tool may go straight from `a` to `b` at depth: no farther than `longest`, and nowhere across the
/// innermost line to the wall. The way may end on that line, so its last bit is not asked.
fn is_clear(a: Point, b: Point, wall: &SegmentIndex, longest: f64) -> bool {
    let length = (b - a).norm();
    if length > longest {
        return false;
    }
    let short = Segment::Line(Line { a, b: a + (b - a) * 0.98 });
    length < 1e-6 || wall.nearest_to_segment(&short, 1e-7, |_| true).is_none()
}

/// Which ring hangs on which.
struct Forest {
    /// Rings as (level, index in it).
    rings: Vec<(usize, usize)>,
    children: Vec<Vec<u32>>,
    roots: Vec<u32>,
}

impl Forest {
    fn of(levels: &[Vec<Track>], step: f64) -> Forest {
        let mut rings = Vec::new();
        let mut starts = Vec::with_capacity(levels.len());
        for (level, tracks) in levels.iter().enumerate() {
            starts.push(rings.len());
            rings.extend((0..tracks.len()).map(|i| (level, i)));
        }
        let mut children = vec![Vec::new(); rings.len()];
        let mut roots = Vec::new();
        let mut outer: Option<SegmentIndex> = None;
        for (level, tracks) in levels.iter().enumerate() {
            for (i, track) in tracks.iter().enumerate() {
                let own = (starts[level] + i) as u32;
                // A ring runs one step from those it hangs on; any of them will do.
                let near = outer.as_ref().and_then(|o| o.nearest(track.point(0.0), 4.0 * step));
                match near {
                    Some(n) => children[starts[level - 1] + n.owner as usize].push(own),
                    None => roots.push(own),
                }
            }
            outer = Some(index(tracks));
        }
        Forest { rings, children, roots }
    }

    /// Returns (level, index, leaf) with every ring after those that hang on it.
    fn inside_out(&self) -> Vec<(usize, usize, bool)> {
        let mut out = Vec::with_capacity(self.rings.len());
        for &root in &self.roots {
            // Depth first with an explicit stack: a pocket may have thousands of rings.
            let mut stack = vec![(root, 0usize)];
            while let Some((ring, next)) = stack.pop() {
                let children = &self.children[ring as usize];
                if let Some(&child) = children.get(next) {
                    stack.push((ring, next + 1));
                    stack.push((child, 0));
                } else {
                    let (level, i) = self.rings[ring as usize];
                    out.push((level, i, children.is_empty()));
                }
            }
        }
        out
    }
}
