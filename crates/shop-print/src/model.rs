//! What is printed: objects made of bodies, and what makes places of them different from others.
//!
//! ```text
//! Model ── settings                      what holds everywhere
//!   └─ Object ── copies at places        labelled, cancelled and cooled as one
//!        ├─ Body ── changes              material; where bodies overlap, the later one has the place
//!        └─ Modifier ── where, effect    other settings, no material, supports or none, seams or none
//! ```
//!
//! Lengths are mm, and everything is in the same coordinates: a print is moved as a whole until its lowest place lies on
//! the bed and the middle of all where the settings say.

use crate::settings::Settings;
use shop_geom::mesh::Mesh;

/// Everything of one print.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Settings, as far as nothing below says otherwise. What concerns the whole print (heights of layers, skirt, place on
    /// the bed, heat of the bed) is only read here.
    pub settings: Settings,
    /// What is different where a tool lays, for the sake of its filament: the first is that of tool 0. What is said of
    /// single objects counts more.
    pub filaments: Vec<Changes>,
    /// What is made, in the order in which it is numbered.
    pub objects: Vec<Object>,
}

/// What is made as a whole.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Its name; may be empty.
    pub name: String,
    /// What it is made of.
    pub bodies: Vec<Body>,
    /// What holds in places only; later ones win.
    pub modifiers: Vec<Modifier>,
    /// What is different from the print's settings.
    pub changes: Changes,
    /// Where copies of it stand: x and y to add. Copies are sliced once.
    pub places: Vec<[f64; 2]>,
}

/// A mesh of material.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The mesh.
    pub mesh: Mesh,
    /// What is different from the object's settings.
    pub changes: Changes,
}

/// Something that holds in a place only.
#[derive(Clone, Debug)]
pub struct Modifier {
    /// The place.
    pub place: Place,
    /// What holds there.
    pub effect: Effect,
}

/// Where a modifier holds.
#[derive(Clone, Debug)]
pub enum Place {
    /// Inside a mesh.
    Mesh(Mesh),
    /// On a part of the surface: for supports and seams only.
    Surface(Mesh),
    /// In layers whose middle lies between two heights.
    Heights {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// What a modifier does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Other settings hold.
    Change(Changes),
    /// There is no material.
    Remove,
    /// What hangs is held by supports.
    Support,
    /// Nothing is held by supports.
    NoSupport,
    /// Walls begin here, if they come by.
    Seam,
    /// Walls do not begin here, if they can begin elsewhere.
    NoSeam,
}

/// Settings that are different, by their keys; what is said later counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<(String, String)>);

impl Changes {
    /// Adds one; says what is wrong with it otherwise.
    pub fn add(&mut self, key: &str, text: &str) -> Result<(), String> {
        Settings::default().set(key, text)?;
        self.0.push((key.to_owned(), text.to_owned()));
        Ok(())
    }

    /// True when nothing is different.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> + '_ {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Lays them over settings.
    pub fn apply(&self, settings: &mut Settings) {
        self.apply_some(settings, |_| true);
    }

    /// Lays those over settings whose keys are wanted.
    pub fn apply_some(&self, settings: &mut Settings, wanted: impl Fn(&str) -> bool) {
        for (key, text) in self.0.iter().filter(|(key, _)| wanted(key)) {
            // They were read once, when they were added.
            let _ = settings.set(key, text);
        }
    }
}

impl Object {
    /// Returns one of a single body, standing where its mesh says.
    pub fn of(mesh: Mesh) -> Object {
        let bodies = vec![Body { mesh, changes: Changes::default() }];
        Object { bodies, places: vec![[0.0; 2]], ..Object::default() }
    }

    /// Returns the box around its bodies, copies not counted, mm.
    pub fn bounds(&self) -> Option<[[f64; 3]; 2]> {
        let boxes = self.bodies.iter().filter_map(|b| b.mesh.bounds());
        boxes.map(|(low, high)| [[low.x, low.y, low.z], [high.x, high.y, high.z]]).reduce(|a, b| {
            [std::array::from_fn(|k| a[0][k].min(b[0][k])), std::array::from_fn(|k| a[1][k].max(b[1][k]))]
        })
    }
}
