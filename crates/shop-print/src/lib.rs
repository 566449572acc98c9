//! Slices meshes into layers of walls, skin and infill, and puts them in order.
//!
//! [`model`] says what is printed, [`item`] makes it ready: objects whose parts have settings of their own. A [`layer`]
//! of each part goes through five stages, each a module: [`section`] cuts the mesh to a region, [`walls`](mod@walls) follow its contours,
//! [`infill`] tells [`skin`] from sparse by the layers around and draws lines, [`order`] says which comes first, and
//! [`speak`](mod@speak) makes canonical commands of it. [`pipeline`] keeps all of them busy at once; [`slice`](mod@slice) and
//! [`plan`] say what is done alone and what between neighbours.
//!
//! Inside, everything is integers of a tenth of a micrometre ([`shop_geom::planar`]), and what is inside the walls is
//! known on the lines that will fill it ([`rows`]).

pub mod adaptive;
pub mod adhesion;
pub mod bridges;
pub mod comb;
pub mod corners;
pub mod edges;
pub mod facets;
pub mod fence;
pub mod fill;
pub mod fit;
pub mod fuzzy;
pub mod heights;
pub mod hooks;
pub mod infill;
pub mod item;
pub mod job;
pub mod layer;
pub mod legs;
pub mod lines;
pub mod model;
pub mod narrow;
pub mod order;
pub mod overhang;
pub mod pace;
pub mod patterns;
pub mod pipeline;
pub mod plan;
pub mod props;
pub mod raft;
pub mod roads;
pub mod roles;
pub mod rows;
pub mod seams;
pub mod section;
pub mod settings;
pub mod skin;
pub mod slice;
pub mod slits;
pub mod speak;
pub mod stubs;
pub mod supports;
pub mod thin;
pub mod tools;
pub mod tour;
pub mod turns;
pub mod verge;
pub mod waists;
pub mod walls;

use comb::Comber;
use facets::{Facets, Front, Levels};
use item::{Item, Part};
use job::Job;
use layer::LayerCut;
use model::{Model, Object};
use order::{Force, Ordered, State};
use pace::Pace;
use pipeline::Stages;
use plan::{Plan, Planner};
use section::Mended;
use settings::Settings;
use shop_cam::canon::Section;
use shop_geom::mesh::Mesh;
use shop_geom::planar::Spot;
use slice::Slicer;
use speak::{Spare, Spoken, Used, speak};
use std::sync::{Arc, Mutex};
use tools::Tools;
use turns::Turn;

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

/// Everything, placed and ready to be sliced.
#[derive(Debug)]
pub struct Print {
    /// The settings of the print as a whole, worked out.
    pub job: Job,
    /// Settings of its parts, worked out; roads know whose they are.
    pub parts: Vec<Part>,
    items: Vec<Item>,
    spare: Spare,
    /// Objects in the order in which copies of them are numbered.
    pub copies: Vec<Copy>,
    /// There are more objects or mixes of settings than are told apart: some are not as they were to be.
    pub(crate) crowded: bool,
}

/// A copy of an object, as it stands on the bed.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// Name of the object, with a number where there are several copies; never empty.
    pub name: String,
    /// Lowest and highest corner of the box around it, mm.
    pub bounds: [[f64; 3]; 2],
}

/// A mesh as it is sliced.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The mesh, moved to where it is printed.
    pub facets: &'a Facets,
    /// It is solid; else it takes away.
    pub adds: bool,
    /// Copies of it: grid units to add.
    pub places: &'a [Spot],
}

impl Print {
    /// Makes one mesh ready.
    pub fn new(mesh: Mesh, settings: Settings, filament_mm: f64) -> Print {
        Print::of(Model { settings, objects: vec![Object::of(mesh)], ..Model::default() }, filament_mm)
    }

    /// Puts the middle of everything where the settings say, the lowest place on the bed, and makes it ready.
    pub fn of(model: Model, filament_mm: f64) -> Print {
        let Model { settings, filaments, mut objects } = model;
        objects.retain(|o| o.bounds().is_some() && !o.places.is_empty());
        let all = objects.len();
        objects.truncate(within_bounds(&objects));
        let mut crowded = objects.len() < all;
        let (mut shift, height) = placed(&objects, &settings);
        let s = &settings;
        let levels = layers(&objects, shift[2], height, s);
        let raft = if objects.is_empty() { 0 } else { s.raft_layers as usize };
        let levels = levels.on_raft(raft, s.first_layer_height_mm, s.layer_height_mm, s.raft_gap_mm);
        shift[2] += levels.lift();
        let levels = Arc::new(levels);
        let copies = copies(&objects, shift);
        let mut parts = Vec::new();
        let mut items: Vec<Item> = objects
            .into_iter()
            .enumerate()
            .map(|(i, object)| {
                Item::new(object, i as u16, shift, (s, &filaments), &levels, filament_mm, &mut parts)
            })
            .collect();
        let skirt = if s.skirt_loops > 0 { s.skirt_layers as usize } else { 0 };
        let props = props::props(&items);
        for (item, props) in items.iter_mut().zip(props) {
            item.stand(props, skirt);
        }
        let parts_of: Vec<u16> = parts.iter().map(|p| p.object).collect();
        let props = |part: u16| {
            let object = parts_of[usize::from(part)];
            items[usize::from(object)].props_mm()
        };
        crowded |= items.iter().any(Item::is_crowded);
        crowded |=
            !roles::cast(&mut parts, &roles::Cast { base: s, filaments: &filaments, supports: &props });
        let mut job = Job::new(settings, levels, filament_mm);
        for part in &parts {
            let (reach, more) = (part.job.reach, part.job.together - 1);
            // Whether what lies below is sparse is known one layer further down.
            let deeper = more.max(usize::from(part.job.spans_sparse));
            job.reach.below = job.reach.below.max(reach.below + deeper);
            job.reach.above = job.reach.above.max(reach.above + more);
        }
        job.bounds = around(&copies);
        job.tools = tools_of(&parts);
        Print { job, parts, items, spare: Spare::default(), copies, crowded }
    }

    /// Returns the meshes of everything solid, and of what is taken away from it, for whoever wants to hold the layers
    /// against them.
    pub fn material(&self) -> Vec<Material<'_>> {
        self.items.iter().flat_map(Item::material).collect()
    }

    /// Returns the layers.
    pub fn levels(&self) -> &Levels {
        &self.job.levels
    }

    /// Returns the thickness of the sparse filling that ends in a layer, mm: more than the layer's where several have
    /// theirs together.
    pub fn sparse_height(&self, layer: usize) -> f64 {
        let levels = self.levels();
        let groups = self.parts.iter().map(|part| part.job.group(layer)).filter(|g| g.end == layer + 1);
        let heights = groups.map(|group| group.map(|l| levels.height(l)).sum());
        heights.fold(levels.height(layer), f64::max)
    }

    /// Returns how far outwards of the mesh contours of a layer lie on purpose at least and at most, mm; negative inwards.
    pub fn moved_mm(&self, layer: usize) -> [f64; 2] {
        let all = self.parts.iter().map(|part| fit::moved_mm(&part.job, layer));
        all.reduce(|[a, b], [c, d]| [a.min(c), b.max(d)]).unwrap_or_default()
    }

    /// Takes back the commands of a layer that is done with, for another one.
    pub fn give_back(&self, section: Section) {
        self.spare.give(section.commands);
    }

    /// Slices layer by layer on all threads of the current pool. `finish` makes of a layer what is wanted, many at once;
    /// `emit` gets them in order and may end it by returning false. Returns what it came to, or nothing when it was
    /// ended.
    pub fn run<T: Send>(
        &self,
        finish: impl Fn(Spoken) -> T + Sync,
        mut emit: impl FnMut(T) -> bool + Send,
    ) -> Option<Summary> {
        let summary = Mutex::new(Summary::default());
        let tools = Arc::new(Tools::new(self));
        let last = Mutex::new((None, None));
        let mut whole = true;
        for turn in self.turns() {
            let line = Line { print: self, turn, finish: &finish, summary: &summary, last: &last };
            let (at, tool) = *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let state = State::new(self.job.settings.seam, self.job.fare(), Arc::clone(&tools), at, tool);
            let fronts = self.items.iter().map(Item::fronts).collect();
            whole &= pipeline::run(
                &line,
                turn.layers,
                self.job.reach,
                fronts,
                state,
                |(used, text): (Used, T)| {
                    if let Ok(mut s) = summary.lock() {
                        s.layers += 1;
                        s.used.add(&used);
                    }
                    emit(text)
                },
            );
            if !whole {
                break;
            }
        }
        let summary = summary.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        whole.then_some(summary)
    }
}

/// Returns by how much everything is moved, and how tall it is, mm.
fn placed(objects: &[Object], settings: &Settings) -> ([f64; 3], f64) {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for object in objects {
        let Some(bounds) = object.bounds() else { continue };
        for place in &object.places {
            for k in 0..3 {
                let by = place.get(k).copied().unwrap_or(0.0);
                low[k] = low[k].min(bounds[0][k] + by);
                high[k] = high[k].max(bounds[1][k] + by);
            }
        }
    }
    if objects.is_empty() {
        return ([0.0; 3], 0.0);
    }
    let middle = |k: usize| 0.5 * (low[k] + high[k]);
    ([settings.center_x_mm - middle(0), settings.center_y_mm - middle(1), -low[2]], high[2] - low[2])
}

/// Returns all tools that parts want, the lowest first, and how hot each is in the first layer.
fn tools_of(parts: &[Part]) -> Vec<(u32, f64)> {
    let mut tools: Vec<(u32, f64)> = parts
        .iter()
        .filter(|p| p.used)
        .map(|p| (p.job.settings.tool, p.job.settings.first_layer_hotend_c))
        .collect();
    tools.sort_by_key(|t| t.0);
    tools.dedup_by_key(|t| t.0);
    tools
}

/// Returns the layers of everything.
fn layers(objects: &[Object], shift: f64, height: f64, settings: &Settings) -> Levels {
    let s = settings;
    if s.adaptive_cusp_mm <= 0.0 {
        return heights::layers(objects, shift, height, s);
    }
    let mut slopes = adaptive::Slopes::new(height);
    for body in objects.iter().flat_map(|o| &o.bodies) {
        slopes.add(&body.mesh, shift);
    }
    slopes.layers(&adaptive::Wanted {
        first: s.first_layer_height_mm,
        cusp: s.adaptive_cusp_mm,
        heights: [s.adaptive_least_mm, s.adaptive_most_mm],
    })
}

/// Returns the box around all copies, mm.
fn around(copies: &[Copy]) -> [[f64; 3]; 2] {
    let both = |a: [[f64; 3]; 2], b: [[f64; 3]; 2]| {
        [std::array::from_fn(|k| a[0][k].min(b[0][k])), std::array::from_fn(|k| a[1][k].max(b[1][k]))]
    };
    copies.iter().map(|c| c.bounds).reduce(both).unwrap_or_default()
}

/// Returns how many of the objects can be told apart, with all their bodies and copies.
fn within_bounds(objects: &[Object]) -> usize {
    let (mut bodies, mut copies) = (0, 0);
    let fits = |o: &&Object| {
        (bodies, copies) = (bodies + o.bodies.len(), copies + o.places.len());
        bodies <= item::MOST_PARTS && u16::try_from(copies).is_ok()
    };
    objects.iter().take_while(fits).count()
}

/// Returns all copies with their names, and where they stand once they are moved.
fn copies(objects: &[Object], shift: [f64; 3]) -> Vec<Copy> {
    let mut out = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        let Some(bounds) = object.bounds() else { continue };
        let name = if object.name.is_empty() { format!("object {}", i + 1) } else { object.name.clone() };
        for (k, place) in object.places.iter().enumerate() {
            let by = [place[0] + shift[0], place[1] + shift[1], shift[2]];
            let several = object.places.len() > 1;
            out.push(Copy {
                name: if several { format!("{name} copy {}", k + 1) } else { name.clone() },
                bounds: bounds.map(|corner| std::array::from_fn(|k| corner[k] + by[k])),
            });
        }
    }
    out
}

struct Line<'a, F> {
    print: &'a Print,
    turn: Turn,
    finish: &'a F,
    summary: &'a Mutex<Summary>,
    /// Where the nozzle came to at the end of the layer that was ordered last, and with which tool.
    last: &'a Mutex<(Option<Spot>, Option<u16>)>,
}

impl<F> Line<'_, F> {
    /// Returns what a layer leaves in force, `fan` being that of its roads.
    fn leaves(&self, layer: usize, fan: f64, ordered: &Ordered) -> Force {
        let print = self.print;
        // A tower is a matter of the order, and takes its time.
        let plain = print.job.tools.iter().all(|t| t.0 == 0);
        let last = ordered.lays.last().map(|lay| &ordered.roads.roads()[lay.road as usize]);
        let limits =
            last.map_or(ordered.force.limits, |road| Pace::limits(&print.job, &print.parts, layer, road));
        Force { fan: if plain { fan } else { f64::NAN }, limits }
    }
}

/// Room of one worker.
#[derive(Default)]
struct Room {
    slicer: Slicer,
    planner: Planner,
    combers: [Comber; 2],
}

impl<T: Send, F: Fn(Spoken) -> T + Sync> Stages for Line<'_, F> {
    type Room = Room;
    type Feed = Vec<Vec<Front>>;
    type Input = Vec<Vec<Vec<u32>>>;
    type Cut = LayerCut;
    type Plan = Plan;
    type State = State;
    type Ordered = Ordered;
    type Text = (Used, T);

    fn feed(&self, fronts: &mut Vec<Vec<Front>>, layer: usize) -> Vec<Vec<Vec<u32>>> {
        let wanted = |i: usize| self.turn.only.is_none_or(|(item, ..)| item == i);
        let items = self.print.items.iter().zip(fronts).enumerate();
        items
            .map(|(i, (item, fronts))| if wanted(i) { item.advance(fronts, layer) } else { Vec::new() })
            .collect()
    }

    fn cut(&self, room: &mut Room, layer: usize, cuts: Vec<Vec<Vec<u32>>>) -> LayerCut {
        let cut = self.print.cut_layer(&mut room.slicer, self.turn, layer, &cuts);
        if cut.mended != Mended::default()
            && let Ok(mut s) = self.summary.lock()
        {
            s.mended_layers += 1;
            s.mended.add(&cut.mended);
        }
        cut
    }

    fn plan(&self, room: &mut Room, layer: usize, around: &[Option<Arc<LayerCut>>]) -> Plan {
        let mut plan = self.print.plan_layer(&mut room.planner, self.turn, layer, around);
        plan.fan = Pace::fan_with(&self.print.job, &self.print.parts, layer, &plan.roads);
        plan
    }

    fn order(&self, state: &mut State, layer: usize, plan: Plan) -> Ordered {
        let fan = plan.fan;
        let ordered = state.order(plan);
        state.force = self.leaves(layer, fan, &ordered);
        if let Ok(mut last) = self.last.lock() {
            *last = (ordered.to, state.tool());
        }
        ordered
    }

    fn text(&self, room: &mut Room, layer: usize, ordered: Ordered) -> (Used, T) {
        let spoken = speak(self.print, self.turn, layer, &ordered, &mut room.combers);
        (spoken.used, (self.finish)(spoken))
    }
}
