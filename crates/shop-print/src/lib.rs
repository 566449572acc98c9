//! Slices meshes into layers of walls, skin and infill, and puts them in order.
//!
//! A layer goes through five stages, each a module: [`section`] cuts the mesh to a region, [`walls`](mod@walls) follow its contours,
//! [`skin`] tells solid from sparse by the layers around, [`fill`] draws lines, [`order`] says which comes first, and
//! [`speak`](mod@speak) makes canonical commands of it. [`pipeline`] keeps all of them busy at once; [`slice`](mod@slice) and
//! [`plan`] say what is done alone and what between neighbours.
//!
//! Inside, everything is integers of a tenth of a micrometre ([`shop_geom::planar`]), and what is inside the walls is
//! known on the lines that will fill it ([`rows`]).

pub mod facets;
pub mod fill;
pub mod job;
pub mod order;
pub mod pipeline;
pub mod plan;
pub mod roads;
pub mod rows;
pub mod section;
pub mod settings;
pub mod skin;
pub mod slice;
pub mod speak;
pub mod supports;
pub mod thin;
pub mod walls;

use facets::{Facets, Front, Levels};
use job::Job;
use order::{Ordered, State};
use pipeline::Stages;
use plan::{Plan, Planner};
use section::Mended;
use settings::Settings;
use shop_geom::mesh::Mesh;
use slice::{Slice, Slicer};
use speak::{Spoken, Used, speak};
use std::sync::{Arc, Mutex};
use supports::Supports;

/// What a print came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Layers.
    pub layers: usize,
    /// What they used.
    pub used: Used,
    /// Layers with cracks that were closed.
    pub mended_layers: usize,
    /// What was mended in all.
    pub mended: Mended,
}

/// A part, placed and ready to be sliced.
#[derive(Debug)]
pub struct Print {
    /// The settings, worked out.
    pub job: Job,
    facets: Facets,
    supports: Supports,
}

impl Print {
    /// Puts the middle of the mesh where the settings say, its lowest place on the bed, and makes it ready.
    pub fn new(mesh: Mesh, settings: Settings, filament_mm: f64) -> Print {
        let Some((low, high)) = mesh.bounds() else {
            return Print {
                job: Job::new(settings, 0.0, filament_mm),
                facets: Facets::default(),
                supports: Supports::default(),
            };
        };
        let shift = [
            settings.center_x_mm - 0.5 * (low.x + high.x),
            settings.center_y_mm - 0.5 * (low.y + high.y),
            -low.z,
        ];
        let job = Job::new(settings, high.z - low.z, filament_mm);
        let facets = Facets::new(mesh, shift, &job.levels);
        let supports = if job.settings.supports { Supports::new(&job, &facets) } else { Supports::default() };
        Print { job, facets, supports }
    }

    /// Returns the layers.
    pub fn levels(&self) -> &Levels {
        &self.job.levels
    }

    /// Slices layer by layer on all threads of the current pool. `finish` makes of a layer what is wanted, many at once;
    /// `emit` gets them in order and may end it by returning false. Returns what it came to, or nothing when it was
    /// ended.
    pub fn run<T: Send>(
        &self,
        finish: impl Fn(&Spoken) -> T + Sync,
        mut emit: impl FnMut(T) -> bool + Send,
    ) -> Option<Summary> {
        let summary = Mutex::new(Summary::default());
        let line = Line { print: self, finish, summary: &summary };
        let state = State::new(self.job.settings.seam);
        let layers = self.job.levels.len();
        let whole = pipeline::run(
            &line,
            layers,
            self.job.reach,
            Front::default(),
            state,
            |(used, text): (Used, T)| {
                if let Ok(mut s) = summary.lock() {
                    s.layers += 1;
                    s.used.add(&used);
                }
                emit(text)
            },
        );
        let summary = summary.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        whole.then_some(summary)
    }
}

struct Line<'a, F> {
    print: &'a Print,
    finish: F,
    summary: &'a Mutex<Summary>,
}

/// Room of one worker.
#[derive(Default)]
struct Room {
    slicer: Slicer,
    planner: Planner,
}

impl<T: Send, F: Fn(&Spoken) -> T + Sync> Stages for Line<'_, F> {
    type Room = Room;
    type Feed = Front;
    type Input = Vec<u32>;
    type Cut = Slice;
    type Plan = Plan;
    type State = State;
    type Ordered = Ordered;
    type Text = (Used, T);

    fn feed(&self, front: &mut Front, layer: usize) -> Vec<u32> {
        front.advance(&self.print.facets, layer).to_vec()
    }

    fn cut(&self, room: &mut Room, layer: usize, cut: Vec<u32>) -> Slice {
        let slice = room.slicer.slice(&self.print.job, &self.print.facets, layer, &cut);
        if slice.mended != Mended::default()
            && let Ok(mut s) = self.summary.lock()
        {
            s.mended_layers += 1;
            s.mended.cracks += slice.mended.cracks;
            s.mended.dropped += slice.mended.dropped;
            s.mended.widest_mm = s.mended.widest_mm.max(slice.mended.widest_mm);
        }
        slice
    }

    fn plan(&self, room: &mut Room, layer: usize, around: &[Option<Arc<Slice>>]) -> Plan {
        room.planner.plan(&self.print.job, &self.print.supports, layer, around)
    }

    fn order(&self, state: &mut State, _: usize, plan: Plan) -> Ordered {
        state.order(plan)
    }

    fn text(&self, _: &mut Room, layer: usize, ordered: Ordered) -> (Used, T) {
        let spoken = speak(&self.print.job, layer, &ordered);
        (spoken.used, (self.finish)(&spoken))
    }
}
