//! Timing a long program in parts, side by side, with the result of timing it from the beginning.
//!
//! A later part begins with a guess of what is in force ([`Estimator::fork`]) and replays some of what stands before it,
//! so that its planner fills. From [`Estimator::begin`] on it counts. Whether it began as the estimator before it ended,
//! down to the last bit of every speed in the buffer, is asked by [`Estimator::continues_as`]; if so,
//! [`Estimator::append`] adds what it counted. Times are sums of whole steps, so nothing depends on the division. What a
//! part cannot know is left open until then: to whose time the moves count that were waiting when it began, in which
//! layer it is, and how warm the nozzle is.

use super::ledger::Ledger;
use super::moves::Motion;
use super::{Estimate, Estimator, Inner};
use crate::tally::Sum;
use shop_cam::canon::{Heater, Wait};

/// What was in force where a part began.
pub(super) struct Begun {
    modes: String,
    motion: Motion,
}

/// A temperature that a program asks for.
pub(super) struct Heat {
    pub heater: Heater,
    pub target_c: f64,
    pub wait: Wait,
    /// Time since the part began.
    pub after: Sum,
    /// Whose time the waiting is.
    pub slot: u32,
}

impl<'a> Estimator<'a> {
    /// Returns an estimator for a later part, with what is in force here as its guess.
    pub fn fork(&self) -> Estimator<'a> {
        let i = &self.inner;
        Estimator {
            machine: self.machine,
            state: self.state.clone(),
            inner: Inner {
                machine: i.machine,
                motion: i.motion.clone(),
                ledger: Ledger::later(0),
                out: Estimate::default(),
                material: i.material,
                factor: i.factor,
                speed_percent: i.speed_percent,
                flow: i.flow,
                rapid_feed: i.rapid_feed,
                down: i.down,
                changed: i.changed,
                homed: i.homed,
                lengths: [Sum::default(); 3],
                hotends: Vec::new(),
                bed: i.bed,
                heats: Some(Vec::new()),
                usual_rule: i.usual_rule,
            },
            ended: self.ended,
            begun: None,
        }
        .emptied()
    }

    /// Nothing waits at the beginning of a guess.
    fn emptied(mut self) -> Self {
        self.inner.motion.change_tags(|tag| *tag = 0);
        self.inner.stop();
        self
    }

    /// The part's own commands begin here; what was counted while it warmed up is forgotten.
    pub fn begin(&mut self) {
        self.state.chords = self.state.chords.anew();
        let i = &mut self.inner;
        i.motion.chords = i.motion.chords.anew();
        self.begun = Some(Begun { modes: self.modes(), motion: self.inner.motion.clone() });
        let i = &mut self.inner;
        let mut waiting = 0;
        i.motion.change_tags(|tag| {
            *tag = waiting << 2 | (*tag & 3);
            waiting += 1;
        });
        i.ledger = Ledger::later(waiting as usize);
        i.out = Estimate::default();
        i.lengths = [Sum::default(); 3];
        i.heats = Some(Vec::new());
    }

    /// True when `part` began where this one stands, with all in force that is in force here.
    pub fn continues_as(&self, part: &Estimator<'_>) -> bool {
        let Some(begun) = &part.begun else { return false };
        let doing = |motion: &Motion| motion.tags().into_iter().map(|tag| tag & 3).collect::<Vec<_>>();
        begun.modes == self.modes()
            && begun.motion.is_like(&self.inner.motion)
            && doing(&begun.motion) == doing(&self.inner.motion)
            && self.state.chords.would_give(part.state.chords)
            && self.inner.motion.chords.would_give(part.inner.motion.chords)
            && self.inner.ledger.has_room_for(&part.inner.ledger)
            && self.inner.heats.is_none()
    }

    /// Adds what `part` counted and goes on from its end; it must continue this one.
    pub fn append(&mut self, part: Estimator<'a>) {
        let mut chords = self.state.chords;
        chords.join(part.state.chords);
        self.state = part.state;
        self.state.chords = chords;
        self.ended = part.ended;

        let (i, mut later) = (&mut self.inner, part.inner);
        let begun = i.ledger.seconds();
        let slots = i.ledger.join(&later.ledger, &i.motion.tags());
        let mut chords = i.motion.chords;
        chords.join(later.motion.chords);
        i.motion = later.motion;
        i.motion.chords = chords;
        let here = |tag: u32| slots.get((tag >> 2) as usize).copied().unwrap_or(0);
        i.motion.change_tags(|tag| *tag = here(*tag) << 2 | (*tag & 3));
        (i.material, i.factor, i.speed_percent) = (later.material, later.factor, later.speed_percent);
        (i.flow, i.down, i.changed) = (later.flow, later.down, later.changed);
        i.homed = later.homed;
        for (sum, more) in i.lengths.iter_mut().zip(later.lengths) {
            sum.join(more);
        }
        i.out.moves += later.out.moves;
        i.out.pierces = i.out.pierces.saturating_add(later.out.pierces);
        i.out.tool_changes = i.out.tool_changes.saturating_add(later.out.tool_changes);
        i.out.homings = i.out.homings.saturating_add(later.out.homings);
        i.out.homings_not_counted = i.out.homings_not_counted.saturating_add(later.out.homings_not_counted);
        let mut waited = Sum::default();
        for mut heat in later.heats.take().into_iter().flatten() {
            let mut now = begun;
            now.join(heat.after);
            now.join(waited);
            heat.slot = slots.get(heat.slot as usize).copied().unwrap_or(0);
            waited.add(i.heat_at(&heat, now.value()));
        }
    }

    /// Returns all that is in force beside the planner, written out, so that no bit is forgotten; nor any field, since all
    /// are named here.
    fn modes(&self) -> String {
        let Inner {
            machine: _,
            motion: _,
            ledger: _,
            out: _,
            material,
            factor,
            speed_percent,
            flow,
            rapid_feed: _,
            down,
            changed,
            homed,
            lengths: _,
            hotends: _,
            bed: _,
            heats: _,
            usual_rule: _,
        } = &self.inner;
        let scales = (factor, speed_percent, flow);
        format!("{:?} {} {material:?} {scales:?} {down} {changed} {homed:?}", self.state, self.ended)
    }
}
