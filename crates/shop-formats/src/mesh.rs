//! Reads STL, OBJ, 3MF and AMF into a [`Scene`]: objects made of parts, placed in space, in mm.
//!
//! The format is told by what the bytes say, not by the file's name. A reader keeps what it can read and says what it
//! cannot; numbers that are not finite stop here. Sizes are never guessed: STL and OBJ name no unit, so their
//! numbers are millimetres unless the caller says otherwise, and a part that looks like inches is remarked upon.
//!
//! Vocabulary: an *object* is printed as a whole; its *parts* are meshes in the object's own coordinates, told apart
//! by their [`Role`]; an *instance* is a place where the object stands.

mod amf;
mod model;
mod number;
mod obj;
mod paint;
mod project;
mod sniff;
mod stl;
mod stl_text;
mod text;
mod threemf;
mod xml;
mod zip;

pub use sniff::{Format, format_of};

use shop_geom::mesh::{Mesh, Point3, Transform, Vector3};
use shop_report::{Checked, Diagnostic, SourceId, Span};
use std::ops::Range;

/// What a file of meshes holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// What is to be made, in the order of the file.
    pub objects: Vec<Object>,
    /// Settings of the whole project as the file writes them, key and value; only projects of slicers have them.
    pub settings: Vec<Setting>,
    /// The program that wrote the file, as it calls itself.
    pub program: Option<String>,
    /// What is to happen at heights of the whole print: pauses, changes of colour.
    pub changes: Vec<HeightChange>,
    /// How the project spreads over several beds; empty when it does not say.
    pub plates: Vec<Plate>,
}

/// A bed of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plate {
    /// Its name; may be empty.
    pub name: String,
    /// What stands on it: places in [`Scene::objects`] and in [`Object::instances`].
    pub instances: Vec<(usize, usize)>,
}

/// Something that is to happen at a height, as a slicer writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeightChange {
    /// The height above the bed, mm.
    pub z: f64,
    /// What it is: a number of the slicer's own (0 colour, 1 pause, 2 tool, 3 template, 4 custom), empty in old files.
    pub kind: String,
    /// The extruder meant, counted from 1.
    pub extruder: Option<u32>,
    /// The new colour, `#RRGGBB`.
    pub colour: String,
    /// What is to be shown or sent.
    pub extra: String,
    /// The command, where it is written out.
    pub gcode: String,
}

/// A setting as a slicer writes it: its key and its value.
pub type Setting = (String, String);

/// Something that is made as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// The name in the file; may be empty.
    pub name: String,
    /// What it is made of, never empty.
    pub parts: Vec<Part>,
    /// Settings for this object alone.
    pub settings: Vec<Setting>,
    /// Settings for heights of this object.
    pub ranges: Vec<HeightRange>,
    /// Where it stands, never empty.
    pub instances: Vec<Transform>,
}

/// A mesh and what it is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// The name in the file; may be empty.
    pub name: String,
    /// What the mesh means.
    pub role: Role,
    /// The mesh, in the object's coordinates.
    pub mesh: Mesh,
    /// Settings for this part alone.
    pub settings: Vec<Setting>,
    /// The extruder or filament asked for, counted from 1; `None` when the file leaves it open.
    pub extruder: Option<u32>,
    /// The material's name, where the file names one.
    pub material: Option<String>,
}

/// What a part's mesh means to a slicer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Material.
    #[default]
    Solid,
    /// What is taken away from the parts of the object.
    Negative,
    /// Where other settings hold.
    Modifier,
    /// Where supports are wanted.
    SupportEnforcer,
    /// Where supports are not wanted.
    SupportBlocker,
    /// A part of the surface, painted: what hangs there is held.
    SupportPaint,
    /// A part of the surface, painted: nothing there is held.
    NoSupportPaint,
    /// A part of the surface, painted: seams lie there.
    SeamPaint,
    /// A part of the surface, painted: no seams lie there.
    NoSeamPaint,
}

impl Role {
    /// True for a part of another mesh's surface.
    pub fn is_paint(self) -> bool {
        matches!(self, Role::SupportPaint | Role::NoSupportPaint | Role::SeamPaint | Role::NoSeamPaint)
    }
}

/// Settings between two heights above the object's bottom, in mm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeightRange {
    /// Lower end, mm.
    pub low: f64,
    /// Upper end, mm.
    pub high: f64,
    /// What holds there.
    pub settings: Vec<Setting>,
}

impl Scene {
    /// Returns the number of triangles in all parts, each object counted once.
    pub fn triangles(&self) -> usize {
        self.objects.iter().flat_map(|o| &o.parts).map(|p| p.mesh.triangles.len()).sum()
    }

    /// Returns the box around all material as it stands in the file, in mm; `None` when there is none.
    pub fn bounds(&self) -> Option<(Point3, Point3)> {
        let boxes = self.objects.iter().flat_map(Object::placed_bounds);
        boxes.reduce(|a, b| (a.0.inf(&b.0), a.1.sup(&b.1)))
    }

    fn of_mesh(name: String, mesh: Mesh) -> Scene {
        let parts = vec![Part { mesh, ..Part::default() }];
        let objects = vec![Object { name, parts, instances: vec![Transform::IDENTITY], ..Object::default() }];
        Scene { objects, ..Scene::default() }
    }
}

impl Object {
    /// Returns the boxes around the material of each instance, in mm.
    fn placed_bounds(&self) -> Vec<(Point3, Point3)> {
        let solids: Vec<&Mesh> =
            self.parts.iter().filter(|p| p.role == Role::Solid).map(|p| &p.mesh).collect();
        let placed = |at: &Transform| {
            let points = solids.iter().flat_map(|m| &m.points).map(|p| at.apply(*p));
            points.map(|p| (p, p)).reduce(|a, b| (a.0.inf(&b.0), a.1.sup(&b.1)))
        };
        self.instances.iter().filter_map(placed).collect()
    }
}

/// What the caller knows, and how much is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReadOptions {
    /// Millimetres per unit, against what the file says or leaves open.
    pub mm_per_unit: Option<f64>,
    /// Most triangles a scene may have, each placed part counted.
    pub max_triangles: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        // 200 million triangles are 10 GB of STL; a small package that unfolds to more is an attack or a mistake.
        ReadOptions { mm_per_unit: None, max_triangles: 200_000_000 }
    }
}

/// Reads meshes of any format, told by their content.
pub fn read(source: SourceId, bytes: &[u8], options: &ReadOptions) -> Checked<Scene> {
    read_releasing(source, bytes, options, &|_| ())
}

/// Reads meshes and says, from any thread, which ranges of the bytes will not be looked at again: a file that is mapped
/// need not stay in memory as a whole. Only binary STL, the largest, is released so.
pub fn read_releasing(
    source: SourceId,
    bytes: &[u8],
    options: &ReadOptions,
    release: &(dyn Fn(Range<usize>) + Sync),
) -> Checked<Scene> {
    let mut talk = Talk { source, found: Vec::new() };
    let format = format_of(bytes);
    let mut scene = match format {
        Some(Format::StlBinary) => stl::read(bytes, release, &mut talk),
        Some(Format::StlText) => stl_text::read(bytes, &mut talk),
        Some(Format::Obj) => obj::read(bytes, &mut talk),
        Some(Format::ThreeMf) => threemf::read(bytes, options, &mut talk),
        Some(Format::Amf) => amf::read(bytes, options, &mut talk),
        None => {
            let hint = "export the part as STL, OBJ, 3MF or AMF";
            talk.error("mesh/unknown-format", "this is no mesh that can be read", 0, 0).hint =
                Some(hint.into());
            Scene::default()
        }
    };
    if let Some(mm) = options.mm_per_unit.filter(|mm| *mm != 1.0) {
        let scale = Transform::scale(mm, mm, mm);
        for part in scene.objects.iter_mut().flat_map(|o| &mut o.parts) {
            part.mesh.transform(&scale);
        }
    }
    drop_useless(&mut scene, &mut talk);
    let unitless = matches!(format, Some(Format::StlBinary | Format::StlText | Format::Obj));
    if unitless && options.mm_per_unit.is_none() {
        look_at_size(&scene, &mut talk);
    }
    Checked { value: scene, diagnostics: talk.found }
}

/// No part, and no place to put one, is further from the origin, mm: ten kilometres. What is, is no number that was meant,
/// and whoever calculates with places need not look for overflows.
const FARTHEST: f64 = 1e7;

fn is_place(v: f64) -> bool {
    v.abs() <= FARTHEST
}

/// Leaves out parts without a facet, and what maps and units have taken too far away.
fn drop_useless(scene: &mut Scene, talk: &mut Talk) {
    let (mut far, mut empty) = (0, 0);
    for object in &mut scene.objects {
        let near = |p: &Point3| p.iter().all(|v| is_place(*v));
        object.parts.retain(|p| {
            let bounds = p.mesh.bounds().filter(|_| !p.mesh.triangles.is_empty());
            let is_near = bounds.is_some_and(|(low, high)| near(&low) && near(&high));
            empty += usize::from(bounds.is_none());
            far += usize::from(bounds.is_some() && !is_near);
            is_near
        });
        let before = object.instances.len();
        object.instances.retain(|t| t.linear.iter().chain(t.offset.iter()).all(|v| is_place(*v)));
        far += before - object.instances.len();
    }
    if far + empty == 0 {
        return;
    }
    if far > 0 {
        let message = "parts further away than 10 km are left out";
        talk.error("mesh/too-far", message, 0, 0).count = far as u32;
    }
    if empty > 0 {
        talk.error("mesh/empty", "the mesh has no facet that can be read", 0, 0).count = empty as u32;
    }
    // Plates count objects by their place, which is no longer what it was.
    scene.plates.clear();
    scene.objects.retain(|o| !o.parts.is_empty() && !o.instances.is_empty());
}

/// Parts smaller than this, mm, are rarely printed; as inches or metres most of them have an everyday size.
const TINY: f64 = 5.0;

/// Remarks upon a part that looks as if its numbers were inches or metres. Nothing is scaled.
fn look_at_size(scene: &Scene, talk: &mut Talk) {
    let Some((low, high)) = scene.bounds() else { return };
    let size = high - low;
    let largest = size.max();
    if largest <= 0.0 || largest >= TINY {
        return;
    }
    let (unit, flag, mm) =
        if largest < TINY / 25.4 { ("metres", "m", 1000.0) } else { ("inches", "in", 25.4) };
    let text = |s: Vector3| format!("{:.4} x {:.4} x {:.4}", s.x, s.y, s.z);
    let message = format!("the part is only {} mm; the file names no unit", text(size));
    let large = size * mm;
    let hint = format!(
        "say --units {flag} if its numbers are {unit}: {:.1} x {:.1} x {:.1} mm; --units mm if it is so small",
        large.x, large.y, large.z
    );
    talk.warn("mesh/tiny", message, 0, 0).hint = Some(hint);
}

/// Where readers complain.
#[derive(Debug)]
struct Talk {
    source: SourceId,
    found: Vec<Diagnostic>,
}

impl Talk {
    fn say(&mut self, diagnostic: Diagnostic, start: usize, end: usize) -> &mut Diagnostic {
        let at = self.found.len();
        self.found.push(diagnostic.span(Span::new(self.source, start, end)));
        &mut self.found[at]
    }

    fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        start: usize,
        end: usize,
    ) -> &mut Diagnostic {
        self.say(Diagnostic::new(shop_report::Severity::Error, code, message), start, end)
    }

    fn warn(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        start: usize,
        end: usize,
    ) -> &mut Diagnostic {
        self.say(Diagnostic::new(shop_report::Severity::Warning, code, message), start, end)
    }

    fn info(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        start: usize,
        end: usize,
    ) -> &mut Diagnostic {
        self.say(Diagnostic::new(shop_report::Severity::Info, code, message), start, end)
    }
}
