//! From operations to passes: where each contour may be entered, and the pass that follows from a choice.

use crate::figures::{Tally, duration};
use crate::order::{self, Candidate};
use crate::{AvoidLoose, CornerStyle, Options, Plan, SmallHoleRule, loops, loose};
use rayon::prelude::*;
use shop_cam::canon::{Role, Torch};
use shop_cam::common::{Member, Shared, Turn};
use shop_cam::compensate::{CutPath, Fit, compensate, tell_unreached};
use shop_cam::feature::{Operations, Profile, Trace, Waste};
use shop_cam::lead::{Lead, LeadRule, LeadStyle, Room, starts, within};
use shop_cam::machine::MachineKind;
use shop_cam::settings::Settings;
use shop_cam::toolpath::{Pass, PieceKind, Toolpath};
use shop_cam::track::Track;
use shop_geom::distance::SegmentIndex;
use shop_geom::route::{Stop, Visit, route};
use shop_geom::{Arc, Line, Point, Segment, left};
use shop_report::{Cancelled, Diagnostic, Progress, Severity, Span};
use std::f64::consts::FRAC_PI_2;

/// Plans one job, collecting what there is to say.
pub(crate) struct Planner<'a> {
    settings: &'a Settings,
    options: &'a Options,
    pub diagnostics: Vec<Diagnostic>,
    pub tally: Tally,
    /// Where the tool is after what has been planned so far.
    at: Point,
}

/// A compensated path with what its profile asks for.
struct Job<'a> {
    path: &'a CutPath,
    profile: &'a Profile,
    small: bool,
    leads: Vec<Lead>,
    /// So many of these are for the route to choose from; the others are for want of room only.
    offered: usize,
    /// Leads with which the cut goes on after each tab but the first.
    again: Vec<Lead>,
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

impl<'a> Planner<'a> {
    pub fn new(settings: &'a Settings, options: &'a Options) -> Self {
        Planner { settings, options, diagnostics: Vec::new(), tally: Tally::default(), at: options.start }
    }

    /// Says what a beam cannot do.
    pub fn notes_for_others(&mut self, operations: &Operations) {
        let mut say = |what: &str, count: usize, span: Option<Span>| {
            if count > 0 {
                let message = format!("{what} needs a router and is left out");
                let mut d = Diagnostic::error("cut/needs-router", message).count(count);
                d.span = span;
                self.diagnostics.push(d);
            }
        };
        say("a pocket", operations.pockets.len(), operations.pockets.first().and_then(|p| p.span));
        say("a drilled hole", operations.holes.len(), operations.holes.first().and_then(|h| h.span));
    }

    /// Plans the lines: marks, or those cut through.
    pub fn traces(
        &mut self,
        operations: &Operations,
        through: bool,
        progress: &dyn Progress,
    ) -> Result<Option<Toolpath>, Cancelled> {
        let chosen: Vec<(&Trace, Track)> = (operations.traces.iter())
            .filter(|t| t.through == through)
            .map(|t| (t, Track::new(&t.line)))
            .filter(|(_, track)| !track.is_empty())
            .collect();
        if chosen.is_empty() {
            return Ok(None);
        }
        let ways: Vec<Vec<Lead>> = chosen.iter().map(|(_, track)| self.ways_along(track)).collect();
        let stops: Vec<Stop> = (chosen.iter().zip(&ways).enumerate())
            .map(|(i, ((_, track), ways))| {
                let far = |l: &Lead| {
                    if track.is_closed() {
                        l.onto
                    } else {
                        let s = if l.at > 0.0 { 0.0 } else { track.length() };
                        track.point(s)
                    }
                };
                Stop { ways: ways.iter().map(|l| (l.onto, far(l))).collect(), group: i as u32, before: None }
            })
            .collect();
        let visits = route(&stops, self.at, progress)?;
        let (role, label) = if through { (Role::Profile, "lines") } else { (Role::Mark, "marks") };
        let mut path = Toolpath::new(role, label, self.settings);
        for visit in visits {
            let (trace, track) = &chosen[visit.stop as usize];
            let lead = &ways[visit.stop as usize][visit.way as usize];
            path.passes.push(self.trace_pass(trace, track, lead.at));
        }
        self.at = path.end().unwrap_or(self.at);
        Ok(Some(path))
    }

    fn ways_along(&self, track: &Track) -> Vec<Lead> {
        if track.is_closed() {
            return starts(track, self.options.corner_distance, self.options.ways);
        }
        let end = |s: f64| Lead { at: s, onto: track.point(s), pieces: Vec::new(), clearance: 0.0 };
        vec![end(0.0), end(track.length())]
    }

    fn trace_pass(&self, trace: &Trace, track: &Track, at: f64) -> Pass {
        let turned = match (track.is_closed(), at > 0.0) {
            (true, _) => track.started_at(at),
            (false, true) => track.reversed(),
            (false, false) => track.clone(),
        };
        let mut pass = Pass::new(self.bottom(trace.bottom));
        let mark = !trace.through;
        pass.torch = if mark { self.options.marking } else { Torch::Cut };
        pass.power = self.settings.power * if mark { self.options.mark_power } else { 1.0 };
        let percent = trace.feed_percent as f32;
        let times = if mark { 1 } else { self.settings.passes };
        repeat(&mut pass, turned.segments(), turned.is_closed(), times, percent);
        pass
    }

    /// Height of the tool: beams stay where they are, a knife goes down.
    fn bottom(&self, bottom: f64) -> f64 {
        if self.settings.kind == MachineKind::Knife { bottom } else { 0.0 }
    }

    /// Plans all closed contours.
    pub fn profiles(
        &mut self,
        operations: &Operations,
        progress: &dyn Progress,
    ) -> Result<Vec<Toolpath>, Cancelled> {
        let radius =
            if self.settings.kind == MachineKind::Knife { 0.0 } else { self.settings.diameter / 2.0 };
        let corner = self.options.offset_corner();
        let mut found = compensate(&operations.profiles, radius, Fit::Clear, corner, progress)?;
        self.diagnostics.append(&mut found.diagnostics);
        let limits = Some(within(self.options.sheet, radius, self.settings));
        let neighbours = found.neighbours.take();
        let mut room = Room::new(found.paths.iter().map(|p| &p.track), limits);
        if let CornerStyle::Loop { length } = self.options.corner {
            loops::add(&mut found.paths, &operations.profiles, neighbours.as_ref(), &room, radius, length);
            room = Room::new(found.paths.iter().map(|p| &p.track), limits);
        }
        if radius > 0.0 && self.diagnostics.iter().all(|d| d.severity < Severity::Error) {
            self.diagnostics.extend(tell_unreached(&operations.profiles, room.index(), radius));
        }
        // What runs on a line for two is known when the corners are done.
        let shared = neighbours.map(|n| Shared::of(&mut found.paths, &n, 1.0));
        progress.begin("leads", found.paths.len() as u64);
        let mut jobs = self.jobs(&found.paths, &operations.profiles, &room, shared.as_ref(), progress)?;
        let stops: Vec<Stop> = jobs.par_iter().map(|job| self.stop(job)).collect();
        let mut visits = route(&stops, self.at, progress)?;
        if let Some(rule) = self.options.thermal {
            let times: Vec<f64> = jobs.iter().map(|j| self.seconds(j)).collect();
            visits = order::spread(&visits, &stops, &times, &rule, self.at, self.settings);
        }
        if let Some(shared) = &shared {
            visits = self.share_lines(&found.paths, shared, &mut jobs, &visits);
        }
        let crowded = self.leave_old_kerfs(&jobs, &room, &mut visits);
        self.settle_after_tabs(&mut jobs, &visits, &room);
        self.tell(&jobs, &visits, &crowded);
        Ok(self.toolpaths(&jobs, &visits, &room))
    }

    fn jobs<'b>(
        &self,
        paths: &'b [CutPath],
        profiles: &'b [Profile],
        room: &Room,
        shared: Option<&'b Shared>,
        progress: &dyn Progress,
    ) -> Result<Vec<Job<'b>>, Cancelled> {
        paths
            .par_iter()
            .with_min_len(16)
            .enumerate()
            .map(|(i, path)| {
                progress.advance(1)?;
                let profile = &profiles[path.profile as usize];
                let small = self.small_hole(path, profile).is_some();
                let length = path.track.length();
                let member = shared.map(|shared| Member { shared, path: i as u32, length });
                let mut job = Job {
                    path,
                    profile,
                    small,
                    leads: Vec::new(),
                    offered: 0,
                    again: Vec::new(),
                    turn: Turn::Whole,
                    member,
                };
                job.leads = self.ways_into(&job, room);
                job.offered = if profile.tabs.is_empty() { job.leads.len() } else { 1 };
                self.reserve(&mut job);
                job.again = self.after_tabs(&job, room);
                Ok(job)
            })
            .collect()
    }

    /// Gives contours that share lines their turns, group by group, and returns the visits in the new order.
    fn share_lines(
        &mut self,
        paths: &[CutPath],
        shared: &Shared,
        jobs: &mut [Job<'_>],
        visits: &[Visit],
    ) -> Vec<Visit> {
        let mut way: Vec<u32> = vec![0; jobs.len()];
        for v in visits {
            way[v.stop as usize] = v.way;
        }
        let mut pace = order::Cooling::new(self.options.thermal, self.settings);
        let mut at = self.at;
        let mut out = Vec::with_capacity(visits.len());
        for block in visits.chunk_by(|a, b| paths[a.stop as usize].group == paths[b.stop as usize].group) {
            if block.iter().any(|v| shared.is_shared(v.stop)) {
                let members: Vec<u32> = block.iter().map(|v| v.stop).collect();
                let lead = |path: u32| {
                    let job = &jobs[path as usize];
                    let lead = &job.leads[way[path as usize] as usize];
                    let enters = !lead.pieces.is_empty() || !shared.is_shared(path);
                    enters.then(|| (lead.pierce(), self.leaves(job, lead)))
                };
                let made = shared.arrange(paths, &members, &lead, at, &mut pace);
                self.tally.sharing.add(&made);
                for (path, turn) in made.turns {
                    jobs[path as usize].turn = turn;
                    out.push(Visit { stop: path, way: way[path as usize] });
                }
            } else {
                out.extend_from_slice(block);
            }
            let last = out.last().map(|v| &jobs[v.stop as usize].leads[v.way as usize]);
            at = last.map_or(at, |l| l.onto);
        }
        out
    }

    fn small_hole(&self, path: &CutPath, profile: &Profile) -> Option<&'a SmallHoleRule> {
        let rule =
            self.options.small_holes.as_ref().filter(|_| profile.waste == Waste::Inside && !path.on_line)?;
        let limit = rule.diameter.max(rule.thicknesses * self.settings.thickness.unwrap_or(0.0));
        // No contour is wider than half its length, and its path is narrower still.
        let bounds = || profile.contour.bounds();
        let small = path.track.length() / 2.0 + self.settings.diameter < limit || {
            let b = bounds();
            b.width().max(b.height()) < limit
        };
        small.then_some(rule)
    }

    fn lead_rule(&self, path: &CutPath, profile: &Profile) -> LeadRule {
        match self.small_hole(path, profile) {
            Some(rule) => LeadRule { style: rule.lead, ..self.options.lead },
            None => self.options.lead,
        }
    }

    fn ways_into(&self, job: &Job<'_>, room: &Room) -> Vec<Lead> {
        let Job { path, profile, .. } = job;
        let (track, ways) = (&path.track, self.options.ways.max(1));
        let rule = self.lead_rule(path, profile);
        if let Some(&(_, after)) = self.gaps(track, profile).first() {
            let found = self.leads_after(job, room, after);
            return if found.is_empty() { vec![bare(track, after)] } else { found };
        }
        if !path.on_line {
            let is_own = |s: f64| job.is_own(s);
            let found = room.leads_where(track, 1.0, &rule, self.options.corner_distance, ways, &is_own);
            if !found.is_empty() {
                return found;
            }
        }
        starts(track, self.options.corner_distance, ways)
    }

    /// Adds starts on the path itself, for a torch whose every pierce would be on another's kerf.
    fn reserve(&self, job: &mut Job<'_>) {
        if self.settings.kind != MachineKind::Plasma || job.leads.iter().all(|l| l.pieces.is_empty()) {
            return;
        }
        let track = &job.path.track;
        match self.gaps(track, job.profile).first() {
            Some(&(_, after)) => job.leads.push(bare(track, after)),
            None => job.leads.extend(starts(track, self.options.corner_distance, self.options.ways.max(1))),
        }
    }

    /// Returns leads onto the place `after` a tab, the longest first.
    fn leads_after(&self, job: &Job<'_>, room: &Room, after: f64) -> Vec<Lead> {
        let rule = self.lead_rule(job.path, job.profile);
        let parts = [1.0, 0.6, 0.3].iter().filter(|_| !job.path.on_line);
        let lead = |part: &f64| {
            let (length, clearance) = (rule.length * part, rule.clearance * part);
            let rule = LeadRule { length, clearance, radius: rule.radius * part, ..rule };
            room.lead(&job.path.track, after, 1.0, &rule)
        };
        parts.filter_map(lead).collect()
    }

    /// Returns the leads with which the cut goes on after tabs, in order, without the first. Shorter ones are taken
    /// where a pierce would land on a kerf of the same contour, as two in the middle of a hole do.
    fn after_tabs(&self, job: &Job<'_>, room: &Room) -> Vec<Lead> {
        let half = self.settings.diameter / 2.0;
        let mut cut: Vec<Segment> = job.leads.iter().flat_map(|l| l.pieces.iter().copied()).collect();
        let mut out = Vec::new();
        for &(_, after) in self.gaps(&job.path.track, job.profile).iter().skip(1) {
            let clear = |lead: &Lead| {
                lead.clearance >= half && cut.iter().all(|s| s.distance_to(lead.pierce()) >= half)
            };
            let lead = self.leads_after(job, room, after).into_iter().find(clear);
            let lead = lead.unwrap_or_else(|| bare(&job.path.track, after));
            cut.extend_from_slice(&lead.pieces);
            out.push(lead);
        }
        out
    }

    /// Shortens leads after tabs whose pierce lies on the lead of a contour cut before.
    fn settle_after_tabs(&self, jobs: &mut [Job<'_>], visits: &[Visit], room: &Room) {
        let half = self.settings.diameter / 2.0;
        if half <= 0.0 || jobs.iter().all(|j| j.again.is_empty()) {
            return;
        }
        let (mut pieces, mut owners) = (Vec::new(), Vec::new());
        for (i, v) in visits.iter().enumerate() {
            let job = &jobs[v.stop as usize];
            let all = job.leads.get(v.way as usize).into_iter().chain(&job.again);
            pieces.extend(all.flat_map(|l| l.pieces.iter().copied()));
            owners.resize(pieces.len(), i as u32);
        }
        let index = SegmentIndex::of_segments(pieces, owners);
        for (i, v) in visits.iter().enumerate() {
            let job = &jobs[v.stop as usize];
            let clear = |lead: &Lead| {
                let p = lead.pierce();
                let spot = Segment::Line(Line { a: p, b: p });
                let earlier = |k: u32| index.owner(k) < i as u32;
                lead.clearance >= half && index.nearest_to_segment(&spot, half, earlier).is_none()
            };
            let gaps = self.gaps(&job.path.track, job.profile);
            let mut again = job.again.clone();
            for (k, lead) in again.iter_mut().enumerate().filter(|(_, l)| !l.pieces.is_empty()) {
                if !clear(lead) {
                    let after = gaps[k + 1].1;
                    let other = self.leads_after(job, room, after).into_iter().skip(1).find(clear);
                    *lead = other.unwrap_or_else(|| bare(&job.path.track, after));
                }
            }
            jobs[v.stop as usize].again = again;
        }
    }

    /// Returns where the cut of a whole contour ends that begins with this lead.
    fn leaves(&self, job: &Job<'_>, lead: &Lead) -> Point {
        let over = self.overburn(job);
        match self.gaps(&job.path.track, job.profile).first() {
            Some(&(before, _)) => job.path.track.point(before),
            None if over > 0.0 => job.path.track.point(lead.at + over),
            None => lead.onto,
        }
    }

    fn stop(&self, job: &Job<'_>) -> Stop {
        let ways = job.leads[..job.offered].iter().map(|l| (l.pierce(), self.leaves(job, l))).collect();
        Stop { ways, group: job.path.group, before: job.path.before }
    }

    fn overburn(&self, job: &Job<'_>) -> f64 {
        let wanted = match self.options.small_holes {
            Some(rule) if job.small => rule.overburn,
            _ => self.options.overburn,
        };
        // Never more than half-way round: that would be a second cut, not a closing one.
        wanted.clamp(0.0, job.path.track.length() / 2.0)
    }

    /// Returns the ranges along `track` left standing, in order of where they start.
    fn gaps(&self, track: &Track, profile: &Profile) -> Vec<(f64, f64)> {
        if profile.tabs.is_empty() {
            return Vec::new();
        }
        let mut gaps: Vec<(f64, f64)> = (profile.tabs.iter())
            .map(|tab| {
                let middle = track.nearest(tab.at);
                let half = 0.5 * (tab.width + self.settings.diameter);
                (middle - half, middle + half)
            })
            .collect();
        gaps.sort_by(|a, b| a.0.total_cmp(&b.0));
        gaps.dedup_by(|b, a| b.0 < a.1);
        gaps
    }

    fn percent(&self, job: &Job<'_>) -> f32 {
        let small = self.options.small_holes.filter(|_| job.small).map_or(100.0, |r| r.feed_percent);
        job.profile.feed_percent as f32 * small / 100.0
    }

    /// Returns how long the torch is on, about.
    fn seconds(&self, job: &Job<'_>) -> f64 {
        let speed = self.settings.feed.mm_per_s().max(1e-3) * f64::from(self.percent(job).max(1.0)) / 100.0;
        (job.path.track.length() + self.options.lead.length) / speed
    }

    /// Chooses other ways where a pierce would land on a kerf cut before. Returns the visits for which there is none.
    /// Starts in a kerf on purpose are left where they are.
    fn leave_old_kerfs(&self, jobs: &[Job<'_>], room: &Room, visits: &mut [Visit]) -> Vec<u32> {
        let half = self.settings.diameter / 2.0;
        if half <= 0.0 {
            return Vec::new();
        }
        let candidates: Vec<Candidate<'_>> = (jobs.iter())
            .map(|j| Candidate { leads: if j.turn == Turn::Whole { &j.leads } else { &[] }, again: &j.again })
            .collect();
        order::leave_old_kerfs(visits, &candidates, room, half)
    }

    fn tell(&mut self, jobs: &[Job<'_>], visits: &[Visit], crowded: &[u32]) {
        let wanted = self.options.lead.clearance;
        let lead = |v: &Visit| &jobs[v.stop as usize].leads[v.way as usize];
        let open = |v: &&Visit| {
            let job = &jobs[v.stop as usize];
            !job.path.on_line && job.turn == Turn::Whole && self.options.lead.style != LeadStyle::None
        };
        let bare: Vec<&Visit> = visits.iter().filter(open).filter(|v| lead(v).pieces.is_empty()).collect();
        let is_close = |v: &&Visit| {
            !jobs[v.stop as usize].small && !lead(v).pieces.is_empty() && lead(v).clearance < wanted - 1e-6
        };
        let close: Vec<&Visit> = visits.iter().filter(open).filter(is_close).collect();
        let again = |v: &Visit| jobs[v.stop as usize].again.iter();
        let bare_again = |l: &&Lead| l.pieces.is_empty() && self.options.lead.style != LeadStyle::None;
        let close_again = |l: &&Lead| !l.pieces.is_empty() && l.clearance < wanted - 1e-6;
        let more: usize = visits.iter().map(|v| again(v).filter(bare_again).count()).sum();
        self.tally.without_lead += (bare.len() + more) as u32;
        let more: usize = visits.iter().map(|v| again(v).filter(close_again).count()).sum();
        self.tally.close_pierces += (close.len() + more) as u32;
        // A relief cut on its own, cut off by a neck narrower than the kerf, is one more pierce, not one more contour.
        let relief = |v: &Visit| {
            let path = jobs[v.stop as usize].path;
            path.before.is_some_and(|b| jobs[b as usize].path.profile == path.profile)
        };
        let contours = || visits.iter().filter(|v| !relief(v));
        self.tally.contours += contours().count() as u32;
        self.tally.small_holes += visits.iter().filter(|v| jobs[v.stop as usize].small).count() as u32;
        let outside = |v: &&Visit| jobs[v.stop as usize].profile.waste == Waste::Outside;
        self.tally.parts += contours().filter(outside).count() as u32;
        let mut say = |list: &[&Visit], d: Diagnostic| {
            let Some(first) = list.first() else { return };
            let at = lead(first).onto;
            let mut d = d.at(at.x, at.y).count(list.len());
            d.span = jobs[first.stop as usize].profile.span;
            self.diagnostics.push(d);
        };
        say(
            &bare,
            Diagnostic::warning(
                "cut/no-room-for-lead",
                "a cut starts on its own edge: there is no room for a lead",
            )
            .hint("give parts more room, or shorten the least lead"),
        );
        let nearest = close.iter().map(|v| lead(v).clearance).fold(f64::INFINITY, f64::min);
        let message = format!(
            "a pierce is nearer to an edge than {wanted:.2} mm for want of room; the nearest {nearest:.2} mm"
        );
        say(&close, Diagnostic::info("cut/pierce-close", message));
        let crowded: Vec<&Visit> = crowded.iter().map(|&i| &visits[i as usize]).collect();
        say(
            &crowded,
            Diagnostic::warning("cut/pierce-on-old-kerf", "a pierce lands on a kerf cut before")
                .hint("give parts more room"),
        );
    }

    fn toolpaths(&mut self, jobs: &[Job<'_>], visits: &[Visit], room: &Room) -> Vec<Toolpath> {
        let passes: Vec<Vec<Pass>> = visits
            .par_iter()
            .with_min_len(16)
            .map(|v| self.passes(&jobs[v.stop as usize], v.way as usize, room))
            .collect();
        let mut groups: Vec<(u32, Vec<Pass>)> = Vec::new();
        for (visit, passes) in visits.iter().zip(passes) {
            let group = jobs[visit.stop as usize].path.group;
            match groups.last_mut() {
                Some((last, list)) if *last == group => list.extend(passes),
                _ => groups.push((group, passes)),
            }
        }
        let total = groups.len();
        let mut out: Vec<Toolpath> = Vec::with_capacity(total);
        for (i, (_, passes)) in groups.into_iter().enumerate() {
            let mut path = Toolpath::new(Role::Profile, format!("part {} of {total}", i + 1), self.settings);
            path.passes = passes;
            out.push(path);
        }
        if self.options.avoid_loose != AvoidLoose::No {
            loose::avoid(&mut out, self.at, self.settings, self.options);
        }
        self.at = out.last().and_then(Toolpath::end).unwrap_or(self.at);
        out
    }

    /// Makes the passes of one contour from the way chosen into it.
    fn passes(&self, job: &Job<'_>, way: usize, room: &Room) -> Vec<Pass> {
        match &job.turn {
            Turn::Whole => {}
            Turn::From(s) => return vec![self.closed_pass(job, &bare(&job.path.track, *s), room)],
            Turn::Open(ranges) => return ranges.iter().map(|r| self.open_pass(job, *r)).collect(),
            Turn::Done => return Vec::new(),
        }
        let gaps = self.gaps(&job.path.track, job.profile);
        if gaps.is_empty() {
            vec![self.closed_pass(job, &job.leads[way], room)]
        } else {
            self.tabbed(job, way, &gaps)
        }
    }

    fn empty_pass(&self, job: &Job<'_>, lead: &Lead) -> Pass {
        let mut pass = Pass::new(self.bottom(job.profile.bottom));
        pass.height_control = !job.small || self.options.small_holes.is_none_or(|r| r.height_control);
        pass.power = self.settings.power;
        pass.clearance = (!lead.pieces.is_empty()).then_some(lead.clearance);
        for piece in &lead.pieces {
            pass.add(*piece, PieceKind::LeadIn, self.percent(job));
        }
        pass
    }

    fn closed_pass(&self, job: &Job<'_>, lead: &Lead, room: &Room) -> Pass {
        let percent = self.percent(job);
        let track = job.path.track.started_at(lead.at);
        let mut pass = self.empty_pass(job, lead);
        pass.pieces.reserve(track.segments().len() + 4);
        meet(&mut pass, track.point(0.0));
        repeat(&mut pass, track.segments(), true, self.settings.passes, percent);
        let over = self.overburn(job);
        track.run(0.0, over, |s| pass.add(s, PieceKind::Overburn, percent));
        if job.is_own(lead.at + over)
            && let Some(arc) = self.lead_out(&track, over, job, room)
        {
            pass.add(arc, PieceKind::LeadOut, percent);
        }
        pass
    }

    /// Returns the quarter arc off the path at distance `s`, if its ball is empty.
    fn lead_out(&self, track: &Track, s: f64, job: &Job<'_>, room: &Room) -> Option<Segment> {
        let radius = self.options.lead_out / FRAC_PI_2;
        if radius <= 0.0 || job.path.on_line || job.small {
            return None;
        }
        let (p, t) = (track.point(s), track.direction(s));
        if room.ball(p, left(t), radius) < radius * 0.999 {
            return None;
        }
        // A hair smaller than the ball, which was found to within a micrometre.
        let radius = radius * 0.99;
        let center = p + left(t) * radius;
        let start = (p.y - center.y).atan2(p.x - center.x);
        let arc = Arc { a: p, b: center + t * radius, center, radius, start, sweep: FRAC_PI_2 };
        Some(Segment::Arc(arc)).filter(|arc| room.allows(arc))
    }

    /// Cuts a range of the path from kerf to kerf.
    fn open_pass(&self, job: &Job<'_>, (from, to): (f64, f64)) -> Pass {
        let mut pass = self.empty_pass(job, &bare(&job.path.track, from));
        let track = job.path.track.stretch(from, to);
        repeat(&mut pass, track.segments(), false, self.settings.passes, self.percent(job));
        pass
    }

    fn tabbed(&self, job: &Job<'_>, way: usize, gaps: &[(f64, f64)]) -> Vec<Pass> {
        let (track, percent) = (&job.path.track, self.percent(job));
        let length = track.length();
        let mut out = Vec::with_capacity(gaps.len());
        for (i, &(_, from)) in gaps.iter().enumerate() {
            let to = gaps.get(i + 1).map_or(gaps[0].0 + length, |g| g.0);
            if to - from <= 1e-3 {
                continue;
            }
            let lead = if i == 0 { &job.leads[way] } else { &job.again[i - 1] };
            let mut pass = self.empty_pass(job, lead);
            let mut pieces = Vec::new();
            track.run(from, to, |s| pieces.push(s));
            if let Some(first) = pieces.first() {
                meet(&mut pass, first.start());
            }
            repeat(&mut pass, &pieces, false, self.settings.passes, percent);
            out.push(pass);
        }
        out
    }
}

/// Lets the lead end on the very bits on which the cut starts.
fn meet(pass: &mut Pass, p: Point) {
    if let Some(last) = pass.pieces.last_mut() {
        match &mut last.segment {
            Segment::Line(l) => l.b = p,
            Segment::Arc(a) => a.b = p,
        }
    }
}

/// Returns a start on the path itself.
fn bare(track: &Track, s: f64) -> Lead {
    Lead { at: s, onto: track.point(s), pieces: Vec::new(), clearance: 0.0 }
}

/// Follows `segments` as often as asked: round and round when closed, there and back when open.
fn repeat(pass: &mut Pass, segments: &[Segment], closed: bool, times: u32, percent: f32) {
    for k in 0..times.max(1) {
        if closed || k % 2 == 0 {
            for s in segments {
                pass.add(*s, PieceKind::Cut, percent);
            }
        } else {
            for s in segments.iter().rev() {
                pass.add(s.reversed(), PieceKind::Cut, percent);
            }
        }
    }
}

impl Plan {
    /// Returns how long the tool is engaged, s, at the feeds alone.
    pub fn engaged_seconds(&self) -> f64 {
        let passes = self.toolpaths.iter().flat_map(|t| t.passes.iter().map(move |p| (t, p)));
        passes.map(|(t, p)| duration(p, t.feed.mm_per_s())).sum()
    }
}
