//! Cutting out: each contour to its full depth in one spiral, on and off on tangent arcs where there is room.

use crate::depth::{Gap, Spiral, back_and_forth, layers, plunge, spiral};
use crate::{Direction, Planner};
use rayon::prelude::*;
use shop_cam::canon::Role;
use shop_cam::common::{Member, Shared, Turn, Unpaced};
use shop_cam::compensate::{CutPath, Fit, compensate, tell_unreached};
use shop_cam::feature::{Profile, Waste};
use shop_cam::lead::{Lead, LeadRule, LeadStyle, Room, starts, within};
use shop_cam::toolpath::{Pass, Piece, PieceKind, Toolpath};
use shop_cam::track::Track;
use shop_geom::offset::Corner;
use shop_geom::route::{Stop, Visit, route};
use shop_geom::{Arc, Segment, left};
use shop_report::{Cancelled, Progress, Severity};
use std::f64::consts::FRAC_PI_2;

struct Job<'a> {
    path: &'a CutPath,
    profile: &'a Profile,
    leads: Vec<Lead>,
    /// How it is cut, where lines are shared.
    turn: Turn,
    /// Its place among paths that share lines, when there are any.
    member: Option<Member<'a>>,
}

impl Job<'_> {
    /// True when waste lies beside the path at distance `s`, and not a part behind a common line.
    fn is_own(&self, s: f64) -> bool {
        self.member.is_none_or(|m| m.is_own(s))
    }
}

impl Planner<'_> {
    /// Plans all closed contours.
    pub fn profiles(
        &mut self,
        profiles: &[Profile],
        progress: &dyn Progress,
    ) -> Result<Vec<Toolpath>, Cancelled> {
        let radius = self.settings.diameter / 2.0;
        let mut found = compensate(profiles, radius, Fit::Snug, Corner::Round, progress)?;
        self.diagnostics.append(&mut found.diagnostics);
        if self.options.direction == Direction::Conventional {
            found.paths.par_iter_mut().for_each(|p| p.track = p.track.reversed());
        }
        let neighbours = found.neighbours.take();
        let shared = neighbours.map(|n| Shared::of(&mut found.paths, &n, self.side()));
        let limits = Some(within(self.options.sheet, radius, self.settings));
        let room = Room::new(found.paths.iter().map(|p| &p.track), limits);
        if self.diagnostics.iter().all(|d| d.severity < Severity::Error) {
            self.diagnostics.extend(tell_unreached(profiles, room.index(), radius));
        }
        progress.begin("entries", found.paths.len() as u64);
        let mut jobs: Vec<Job<'_>> = (found.paths.par_iter().with_min_len(16).enumerate())
            .map(|(i, path)| {
                progress.advance(1)?;
                let profile = &profiles[path.profile as usize];
                let length = path.track.length();
                let member = shared.as_ref().map(|shared| Member { shared, path: i as u32, length });
                let mut job = Job { path, profile, leads: Vec::new(), turn: Turn::Whole, member };
                job.leads = self.ways_into(&job, &room);
                Ok(job)
            })
            .collect::<Result<_, Cancelled>>()?;
        let made: Vec<Vec<Made>> = jobs
            .par_iter()
            .with_min_len(16)
            .map(|j| j.leads.iter().map(|l| self.ends(j, l)).collect())
            .collect();
        let stops: Vec<Stop> = (jobs.iter().zip(&made))
            .map(|(job, made)| Stop {
                ways: job.leads.iter().zip(made).map(|(l, m)| (l.pierce(), m.leave)).collect(),
                group: job.path.group,
                before: job.path.before,
            })
            .collect();
        let mut visits = route(&stops, self.at, progress)?;
        if let Some(shared) = &shared {
            visits = self.share_lines(&found.paths, shared, &stops, &mut jobs, &visits);
        }
        let passes: Vec<Vec<Pass>> = (visits.par_iter().with_min_len(16))
            .map(|v| self.passes(&jobs[v.stop as usize], v.way as usize, &room))
            .collect();
        self.count(&jobs, &visits);
        Ok(self.by_part(&jobs, &visits, passes))
    }

    /// Gives contours that share lines their turns, group by group, and returns the visits in the new order.
    fn share_lines(
        &mut self,
        paths: &[CutPath],
        shared: &Shared,
        stops: &[Stop],
        jobs: &mut [Job<'_>],
        visits: &[Visit],
    ) -> Vec<Visit> {
        let mut way: Vec<u32> = vec![0; jobs.len()];
        for v in visits {
            way[v.stop as usize] = v.way;
        }
        let mut at = self.at;
        let mut out = Vec::with_capacity(visits.len());
        for block in visits.chunk_by(|a, b| paths[a.stop as usize].group == paths[b.stop as usize].group) {
            if block.iter().any(|v| shared.is_shared(v.stop)) {
                let members: Vec<u32> = block.iter().map(|v| v.stop).collect();
                // A tool ramps into its own path where it finds no room, and spoils nothing by it.
                let lead = |path: u32| Some(stops[path as usize].ways[way[path as usize] as usize]);
                let made = shared.arrange(paths, &members, &lead, at, &mut Unpaced);
                self.figures.sharing.add(&made);
                for (path, turn) in made.turns {
                    jobs[path as usize].turn = turn;
                    out.push(Visit { stop: path, way: way[path as usize] });
                }
            } else {
                out.extend_from_slice(block);
            }
            let last = out.last().map(|v| stops[v.stop as usize].ways[v.way as usize].1);
            at = last.unwrap_or(at);
        }
        out
    }

    fn side(&self) -> f64 {
        if self.options.direction == Direction::Climb { 1.0 } else { -1.0 }
    }

    fn ways_into(&self, job: &Job<'_>, room: &Room) -> Vec<Lead> {
        let (path, track, options) = (job.path, &job.path.track, self.options);
        if path.is_spot() {
            let onto = track.point(0.0);
            return vec![Lead { at: 0.0, onto, pieces: Vec::new(), clearance: 0.0 }];
        }
        if options.lead_radius > 0.0 && !path.on_line {
            let radius = options.lead_radius;
            let rule = LeadRule {
                style: LeadStyle::Arc,
                length: radius * FRAC_PI_2,
                radius,
                clearance: 0.0,
                least: radius / 4.0,
            };
            let is_own = |s: f64| job.is_own(s);
            let (distance, ways) = (options.corner_distance, options.ways);
            let found = room.leads_where(track, self.side(), &rule, distance, ways, &is_own);
            if !found.is_empty() {
                return found;
            }
        }
        starts(track, options.corner_distance, options.ways)
    }

    fn gaps(&self, job: &Job<'_>, start: f64) -> Vec<Gap> {
        let half_width = |width: f64| 0.5 * (width + self.settings.diameter);
        (job.profile.tabs.iter())
            .map(|tab| {
                let middle = job.path.track.nearest(tab.at) - start;
                let half = half_width(tab.width);
                Gap { from: middle - half, to: middle + half, top: tab.top }
            })
            .collect()
    }

    /// Returns about where a pass with this lead leaves the contour; the lead-out's few millimetres do not matter
    /// to the route.
    fn ends(&self, job: &Job<'_>, lead: &Lead) -> Made {
        let heights = layers(job.profile.bottom, self.settings.step_down);
        let slope = self.options.ramp_angle.clamp(1e-3, 1.5).tan();
        let last = heights.len().saturating_sub(1);
        let thickness = if last > 0 { heights[last - 1] - heights[last] } else { -heights[last] };
        let onto: f64 = if last == 0 { lead.pieces.iter().map(Segment::length).sum() } else { 0.0 };
        let ramp = (thickness / slope - onto).max(0.0);
        Made { leave: job.path.track.point(lead.at + ramp) }
    }

    /// Makes the passes of one contour.
    fn passes(&self, job: &Job<'_>, way: usize, room: &Room) -> Vec<Pass> {
        let open = |&(from, to): &(f64, f64)| {
            let heights = layers(job.profile.bottom, self.settings.step_down);
            back_and_forth(&job.path.track.stretch(from, to), &heights, job.profile.feed_percent as f32)
        };
        match &job.turn {
            Turn::Whole | Turn::From(_) => vec![self.pass(job, way, room)],
            // Both ends are in slots that are there already: the tool goes down in one of them.
            Turn::Open(ranges) => ranges.iter().map(open).collect(),
            Turn::Done => Vec::new(),
        }
    }

    fn pass(&self, job: &Job<'_>, way: usize, room: &Room) -> Pass {
        let lead = &job.leads[way];
        let track = job.path.track.started_at(lead.at);
        let heights = layers(job.profile.bottom, self.settings.step_down);
        if job.path.is_spot() {
            let pecks = -job.profile.bottom > self.options.peck_diameters * self.settings.diameter;
            return plunge(track.point(0.0), &heights, pecks);
        }
        let gaps = self.gaps(job, lead.at);
        let percent = job.profile.feed_percent as f32;
        let mut pieces = lead.pieces.clone();
        if let Some(last) = pieces.last_mut() {
            // The lead ends on the very bits on which the contour starts.
            match last {
                Segment::Line(l) => l.b = track.point(0.0),
                Segment::Arc(a) => a.b = track.point(0.0),
            }
        }
        let (mut pass, end) = spiral(&Spiral {
            track: &track,
            lead: &pieces,
            layers: &heights,
            ramp_angle: self.options.ramp_angle,
            ramp_percent: percent * self.ramp_percent() / 100.0,
            percent,
            tabs: &gaps,
        });
        if !job.path.on_line
            && job.is_own(lead.at + end)
            && let Some(arc) = self.lead_out(&track, end, &pass, room)
        {
            let z = pass.pieces.last().map_or(0.0, |p| p.z);
            pass.pieces.push(Piece { segment: arc, z, kind: PieceKind::LeadOut, feed_percent: percent });
        }
        pass
    }

    /// Returns the quarter arc off the wall, if it is clear.
    fn lead_out(&self, track: &Track, s: f64, pass: &Pass, room: &Room) -> Option<Segment> {
        let radius = self.options.lead_radius;
        if radius <= 0.0 {
            return None;
        }
        let (p, t, side) = (pass.end()?, track.direction(s), self.side());
        let n = left(t) * side;
        if room.ball(p, n, radius) < radius * 0.999 {
            return None;
        }
        // A hair smaller than the ball, which was found to within a micrometre.
        let radius = radius * 0.99;
        let center = p + n * radius;
        let start = (-n.y).atan2(-n.x);
        let arc = Arc { a: p, b: center + t * radius, center, radius, start, sweep: FRAC_PI_2 * side };
        let arc = Segment::Arc(arc);
        Some(arc).filter(|arc| room.allows(arc))
    }

    fn count(&mut self, jobs: &[Job<'_>], visits: &[Visit]) {
        for v in visits {
            let job = &jobs[v.stop as usize];
            // A relief cut on its own, cut off by a neck narrower than the tool, is one more plunge, not one more
            // contour.
            let relief = |b: u32| jobs[b as usize].path.profile == job.path.profile;
            if job.path.before.is_some_and(relief) {
                continue;
            }
            self.figures.contours += 1;
            self.figures.parts += u32::from(job.profile.waste == Waste::Outside);
            self.figures.tabs += job.profile.tabs.len() as u32;
            let bare = job.turn == Turn::Whole && job.leads[v.way as usize].pieces.is_empty();
            self.figures.without_lead += u32::from(bare);
        }
    }

    fn by_part(&mut self, jobs: &[Job<'_>], visits: &[Visit], passes: Vec<Vec<Pass>>) -> Vec<Toolpath> {
        let mut groups: Vec<(u32, Vec<Pass>)> = Vec::new();
        for (visit, made) in visits.iter().zip(passes) {
            let group = jobs[visit.stop as usize].path.group;
            match groups.last_mut() {
                Some((last, list)) if *last == group => list.extend(made),
                _ => groups.push((group, made)),
            }
        }
        let total = groups.len();
        let out: Vec<Toolpath> = (groups.into_iter().enumerate())
            .map(|(i, (_, passes))| {
                let label = format!("part {} of {total}", i + 1);
                let mut path = Toolpath::new(Role::Profile, label, self.settings);
                path.passes = passes;
                path
            })
            .collect();
        self.at = out.last().and_then(Toolpath::end).unwrap_or(self.at);
        out
    }
}

/// Where a pass leaves its contour.
struct Made {
    leave: shop_geom::Point,
}
