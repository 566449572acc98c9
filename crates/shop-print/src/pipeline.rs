//! Layers on their way through the stages, all cores busy, few layers in memory.
//!
//! ```text
//!              front          ±reach                state                            in order
//!   layer i ─▶ feed ─▶ cut ─▶ wait for ─▶ plan ─▶ order ─▶ text ─▶ wait for ─▶ emit ─▶ out
//!              (one)  (many)  neighbours (many)  (one)    (many)  turn        (one)
//!
//!   layer    0  1  2  3  4  5  6  7  8  9 10 11 12 13 14
//!   emit     ■
//!   text        ■  ■
//!   order             ■
//!   plan                 ■  ■                              each ■ a worker; what is nearest to the end goes first,
//!   cut                           ■  ■  ■  ■                so that layers leave as early as they can
//! ```
//!
//! The one idea: a layer needs its neighbours, not all layers. Workers take the job that is nearest to the end; feeding
//! stops a window ahead of the layer that is written next, so memory does not grow with the height. *One* marks stages
//! that go from layer to layer in order, one worker at a time: their work must be small. What a layer becomes depends on
//! the layer and its neighbours only, never on which worker did what, so the bytes are the same for any number of them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What happens to a layer, stage by stage.
pub trait Stages: Sync {
    /// Room of one worker.
    type Room: Default;
    /// What is carried from layer to layer when feeding.
    type Feed: Send;
    /// What a layer begins with.
    type Input: Send;
    /// A layer that its neighbours may look at.
    type Cut: Send + Sync;
    /// A layer that needs no neighbour any more.
    type Plan: Send;
    /// What is carried from layer to layer when ordering.
    type State: Send;
    /// A layer in order.
    type Ordered: Send;
    /// A layer as it leaves.
    type Text: Send;

    /// Begins a layer; layers come in order.
    fn feed(&self, feed: &mut Self::Feed, layer: usize) -> Self::Input;
    /// Works on a layer alone.
    fn cut(&self, room: &mut Self::Room, layer: usize, input: Self::Input) -> Self::Cut;
    /// Works on a layer between its neighbours: `around[below]` is the layer itself.
    fn plan(&self, room: &mut Self::Room, layer: usize, around: &[Option<Arc<Self::Cut>>]) -> Self::Plan;
    /// Works on a layer after the one before it.
    fn order(&self, state: &mut Self::State, layer: usize, plan: Self::Plan) -> Self::Ordered;
    /// Finishes a layer.
    fn text(&self, room: &mut Self::Room, layer: usize, ordered: Self::Ordered) -> Self::Text;
}

/// Layers that stand next to one another; nothing where there is none.
type Around<S> = Vec<Option<Arc<<S as Stages>::Cut>>>;

/// How far layers look around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Layers below.
    pub below: usize,
    /// Layers above.
    pub above: usize,
}

/// Sends `layers` layers through the stages on all threads of the current pool; `emit` gets them in order, and ends it
/// all by returning false. Returns whether everything was emitted. At most a few layers per worker and the reach are in
/// memory at any time.
pub fn run<S: Stages>(
    stages: &S,
    layers: usize,
    reach: Reach,
    feed: S::Feed,
    state: S::State,
    emit: impl FnMut(S::Text) -> bool + Send,
) -> bool {
    let workers = rayon::current_num_threads();
    let line = Line {
        stages,
        layers,
        reach,
        // Enough that nobody waits for a slow layer, few enough to stay in the cache of the last level.
        window: reach.below + reach.above + 1 + 4 * workers,
        belt: Mutex::new(Belt {
            feed: Some(feed),
            fed: 0,
            cuts: VecDeque::new(),
            cuts_from: 0,
            planned: 0,
            plans: Turn::default(),
            state: Some(state),
            ordered: VecDeque::new(),
            texts: Turn::default(),
            emit: Some(emit),
            asleep: 0,
            stop: false,
        }),
        bell: Condvar::new(),
    };
    rayon::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|_| line.work());
        }
    });
    let belt = line.belt.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    belt.texts.next == layers
}

/// Things that come in any order and leave in that of their numbers.
struct Turn<T> {
    next: usize,
    waiting: VecDeque<Option<T>>,
}

impl<T> Default for Turn<T> {
    fn default() -> Self {
        Turn { next: 0, waiting: VecDeque::new() }
    }
}

impl<T> Turn<T> {
    fn put(&mut self, number: usize, item: T) {
        let i = number - self.next;
        while self.waiting.len() <= i {
            self.waiting.push_back(None);
        }
        self.waiting[i] = Some(item);
    }

    fn ready(&self) -> bool {
        self.waiting.front().is_some_and(Option::is_some)
    }

    fn take(&mut self) -> Option<(usize, T)> {
        let item = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.next += 1;
        Some((self.next - 1, item))
    }
}

/// Where all layers are. A stage that only one worker may be in lends out what it carries.
struct Belt<S: Stages, E> {
    feed: Option<S::Feed>,
    fed: usize,
    cuts: VecDeque<Option<Arc<S::Cut>>>,
    cuts_from: usize,
    planned: usize,
    plans: Turn<S::Plan>,
    state: Option<S::State>,
    ordered: VecDeque<(usize, S::Ordered)>,
    texts: Turn<S::Text>,
    emit: Option<E>,
    /// Workers that wait for the bell.
    asleep: usize,
    stop: bool,
}

struct Line<'a, S: Stages, E> {
    stages: &'a S,
    layers: usize,
    reach: Reach,
    window: usize,
    belt: Mutex<Belt<S, E>>,
    bell: Condvar,
}

/// Stops the line when a worker falls over, so that the others do not wait for it.
struct Guard<'a, 'b, S: Stages, E>(&'a Line<'b, S, E>);

impl<S: Stages, E> Drop for Guard<'_, '_, S, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().stop = true;
            self.0.bell.notify_all();
        }
    }
}

impl<S: Stages, E: FnMut(S::Text) -> bool + Send> Line<'_, S, E> {
    fn work(&self) {
        let _guard = Guard(self);
        let mut room = S::Room::default();
        let mut belt = self.lock();
        loop {
            if belt.stop || belt.texts.next == self.layers {
                drop(belt);
                self.bell.notify_all();
                return;
            }
            belt = match self.emit(belt) {
                Ok(belt) => belt,
                Err(belt) => match self.step(belt, &mut room) {
                    Ok(belt) => belt,
                    Err(belt) => self.sleep(belt),
                },
            };
        }
    }
}

type Locked<'a, S, E> = MutexGuard<'a, Belt<S, E>>;
/// The belt again, after a job was done, or because there was none.
type Done<'a, S, E> = Result<Locked<'a, S, E>, Locked<'a, S, E>>;

impl<S: Stages, E: FnMut(S::Text) -> bool> Line<'_, S, E> {
    fn emit<'m>(&'m self, mut belt: Locked<'m, S, E>) -> Done<'m, S, E> {
        if !belt.texts.ready() {
            return Err(belt);
        }
        let Some(mut emit) = belt.emit.take() else { return Err(belt) };
        // All that wait are written at once, so that the lock is not taken for each.
        let mut go_on = true;
        while go_on && let Some((_, text)) = belt.texts.take() {
            self.share(belt);
            go_on = emit(text);
            belt = self.lock();
        }
        belt.emit = Some(emit);
        belt.stop |= !go_on;
        Ok(belt)
    }
}

impl<S: Stages, E> Line<'_, S, E> {
    fn lock(&self) -> Locked<'_, S, E> {
        // A worker that fell over stops the line; what it left on the belt is dropped with it.
        self.belt.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn sleep<'m>(&'m self, mut belt: Locked<'m, S, E>) -> Locked<'m, S, E> {
        belt.asleep += 1;
        let mut belt = self.bell.wait(belt).unwrap_or_else(std::sync::PoisonError::into_inner);
        belt.asleep -= 1;
        belt
    }

    /// Lets go of the belt, for a job that was taken from it; wakes another worker if that left something to do. Whoever
    /// ends a job looks for the next one himself, so nothing else needs to wake anyone: a bell costs more than a small job.
    fn share(&self, belt: Locked<'_, S, E>) {
        let wake = belt.asleep > 0 && self.has_job(&belt);
        drop(belt);
        if wake {
            self.bell.notify_one();
        }
    }

    /// True when a worker would find something to do.
    fn has_job(&self, belt: &Belt<S, E>) -> bool {
        belt.texts.ready() && belt.emit.is_some()
            || belt.plans.ready() && belt.state.is_some()
            || !belt.ordered.is_empty()
            || self.has_neighbours(belt)
            || self.may_feed(belt)
    }

    fn may_feed(&self, belt: &Belt<S, E>) -> bool {
        belt.feed.is_some() && belt.fed < self.layers.min(belt.texts.next + self.window)
    }

    fn step<'m>(&'m self, mut belt: Locked<'m, S, E>, room: &mut S::Room) -> Done<'m, S, E> {
        if belt.plans.ready()
            && let Some(mut state) = belt.state.take()
        {
            while let Some((layer, plan)) = belt.plans.take() {
                self.share(belt);
                let ordered = self.stages.order(&mut state, layer, plan);
                belt = self.lock();
                belt.ordered.push_back((layer, ordered));
            }
            belt.state = Some(state);
            return Ok(belt);
        }
        if let Some((layer, ordered)) = belt.ordered.pop_front() {
            self.share(belt);
            let text = self.stages.text(room, layer, ordered);
            let mut belt = self.lock();
            belt.texts.put(layer, text);
            return Ok(belt);
        }
        if let Some([around, gone]) = self.neighbours(&mut belt) {
            let layer = belt.planned;
            belt.planned += 1;
            self.share(belt);
            // A layer has many pieces; nobody shall wait until they are freed.
            drop(gone);
            let plan = self.stages.plan(room, layer, &around);
            drop(around);
            let mut belt = self.lock();
            belt.plans.put(layer, plan);
            return Ok(belt);
        }
        if self.may_feed(&belt)
            && let Some(mut feed) = belt.feed.take()
        {
            let layer = belt.fed;
            belt.fed += 1;
            belt.cuts.push_back(None);
            drop(belt);
            let input = self.stages.feed(&mut feed, layer);
            let mut belt = self.lock();
            belt.feed = Some(feed);
            self.share(belt);
            let cut = self.stages.cut(room, layer, input);
            let mut belt = self.lock();
            let i = layer - belt.cuts_from;
            belt.cuts[i] = Some(Arc::new(cut));
            return Ok(belt);
        }
        Err(belt)
    }

    /// True when the next layer to plan and its neighbours are all there.
    fn has_neighbours(&self, belt: &Belt<S, E>) -> bool {
        let layer = belt.planned;
        let last = (layer + self.reach.above).min(self.layers.saturating_sub(1));
        let first = layer.saturating_sub(self.reach.below);
        layer < self.layers
            && (first..=last).all(|i| belt.cuts.get(i - belt.cuts_from).is_some_and(Option::is_some))
    }

    /// Returns the next layer to plan among its neighbours, when all of them are there, and takes from the belt those that
    /// nobody will ask for again.
    fn neighbours(&self, belt: &mut Belt<S, E>) -> Option<[Around<S>; 2]> {
        if !self.has_neighbours(belt) {
            return None;
        }
        let layer = belt.planned;
        let from = layer as i64 - self.reach.below as i64;
        let around = (from..=(layer + self.reach.above) as i64)
            .map(|i| {
                let i = usize::try_from(i).ok().filter(|i| *i < self.layers)?;
                belt.cuts[i - belt.cuts_from].clone()
            })
            .collect();
        let mut gone = Vec::new();
        while belt.cuts_from + self.reach.below < layer + 1 {
            gone.extend(belt.cuts.pop_front());
            belt.cuts_from += 1;
        }
        Some([around, gone])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A layer is its number; neighbours are summed, and the order adds up.
    struct Sums {
        alive: AtomicI64,
        most: AtomicI64,
    }

    struct Layer(i64);

    impl Stages for Sums {
        type Room = ();
        type Feed = i64;
        type Input = i64;
        type Cut = Layer;
        type Plan = i64;
        type State = i64;
        type Ordered = i64;
        type Text = (usize, i64);

        fn feed(&self, feed: &mut i64, layer: usize) -> i64 {
            assert_eq!(*feed, layer as i64);
            *feed += 1;
            let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(alive, Ordering::SeqCst);
            layer as i64
        }
        fn cut(&self, (): &mut (), _: usize, input: i64) -> Layer {
            // Uneven work, so that layers overtake one another.
            std::hint::black_box((0..(input * 7919 % 1000)).sum::<i64>());
            Layer(input)
        }
        fn plan(&self, (): &mut (), layer: usize, around: &[Option<Arc<Layer>>]) -> i64 {
            assert_eq!(around[2].as_ref().map(|l| l.0), Some(layer as i64));
            around.iter().flatten().map(|l| l.0).sum()
        }
        fn order(&self, state: &mut i64, _: usize, plan: i64) -> i64 {
            *state = (*state * 31 + plan) % 1_000_003;
            *state
        }
        fn text(&self, (): &mut (), layer: usize, ordered: i64) -> (usize, i64) {
            (layer, ordered)
        }
    }

    fn with_threads(threads: usize, layers: usize, stop_at: usize) -> (bool, Vec<(usize, i64)>, i64) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let stages = Sums { alive: AtomicI64::new(0), most: AtomicI64::new(0) };
        let mut out = Vec::new();
        let whole = pool.install(|| {
            run(&stages, layers, Reach { below: 2, above: 3 }, 0, 0, |text| {
                stages.alive.fetch_sub(1, Ordering::SeqCst);
                out.push(text);
                out.len() < stop_at
            })
        });
        (whole, out, stages.most.into_inner())
    }

    #[test]
    fn any_number_of_workers_gives_the_same() {
        for layers in [0, 1, 2, 5, 400] {
            let one = with_threads(1, layers, usize::MAX);
            assert!(one.0);
            assert!(one.1.iter().map(|t| t.0).eq(0..layers));
            for threads in [2, 3, 8] {
                assert_eq!(with_threads(threads, layers, usize::MAX).1, one.1);
            }
        }
    }

    #[test]
    fn few_layers_are_on_the_way_however_many_there_are() {
        for threads in [1, 4] {
            let (_, _, most) = with_threads(threads, 5000, usize::MAX);
            assert!(most <= 6 + 4 * threads as i64 + 1, "{most}");
        }
    }

    #[test]
    fn who_receives_may_stop_it() {
        let (whole, out, _) = with_threads(4, 1000, 10);
        assert!(!whole);
        assert_eq!(out.len(), 10);
    }

    #[test]
    #[should_panic(expected = "fell over")]
    fn a_fault_in_a_stage_comes_out_and_hangs_nobody() {
        struct Falls;
        impl Stages for Falls {
            type Room = ();
            type Feed = ();
            type Input = ();
            type Cut = ();
            type Plan = ();
            type State = ();
            type Ordered = ();
            type Text = ();
            fn feed(&self, (): &mut (), _: usize) {}
            fn cut(&self, (): &mut (), layer: usize, (): ()) {
                assert!(layer < 5, "fell over");
            }
            fn plan(&self, (): &mut (), _: usize, _: &[Option<Arc<()>>]) {}
            fn order(&self, (): &mut (), _: usize, (): ()) {}
            fn text(&self, (): &mut (), _: usize, (): ()) {}
        }
        run(&Falls, 100, Reach { below: 0, above: 0 }, (), (), |()| true);
    }
}
