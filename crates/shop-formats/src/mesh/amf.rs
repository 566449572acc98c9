//! AMF (ISO/ASTM 52915): XML in which every number is an element of its own, plain or alone in a ZIP package.
//!
//! An object's volumes share its points and are its parts; a constellation says where objects stand. Files of Slic3r
//! and PrusaSlicer also hold settings (`slic3r.KEY`), and turns in radians where the standard has degrees. Curved
//! triangles and formulas for colours and materials are not read; the former is said.

use super::model::whole;
use super::number::number;
use super::project::ini;
use super::stl::not_finite;
use super::text::Found;
use super::xml::{Event, Reader, Tag, text};
use super::zip::{self, Damage};
use super::{Object, Part, ReadOptions, Role, Scene, Setting, Talk, is_place};
use shop_geom::mesh::{Mesh, Point3, Transform, Vector3};

/// Tags and texts longer than this belong to no model.
const LONGEST: usize = 16 << 20;

/// How the names of packed files end.
pub(super) const ENDINGS: &[&str] = &[".amf", ".amf.xml"];

/// Reads a file, packed or not.
pub(super) fn read(bytes: &[u8], options: &ReadOptions, talk: &mut Talk) -> Scene {
    let mut parser = Parser { unfinished: true, mm: 1.0, ..Parser::default() };
    if bytes.starts_with(b"PK") {
        let package = zip::open(bytes);
        let Some(entry) = package.entries.iter().find(|e| ENDINGS.iter().any(|n| e.ends_with(n))) else {
            return Scene::default();
        };
        let damage = parser.packed(&mut entry.unpack());
        say_damage(damage, &entry.name, entry.start, talk);
        if damage.is_some() {
            parser.unfinished = false;
        }
    } else {
        parser.block(bytes, true);
    }
    parser.close_object();
    parser.scene(options, bytes.len(), talk)
}

fn say_damage(damage: Option<Damage>, name: &str, at: usize, talk: &mut Talk) {
    let (code, message) = match damage {
        None => return,
        Some(Damage::Bomb) => {
            ("mesh/zip-bomb", format!("`{name}` unpacks to more than 200 times its size and is not read on"))
        }
        Some(Damage::Short) => ("mesh/truncated", format!("`{name}` ends too early; what is there is read")),
        Some(Damage::Broken | Damage::Checksum) => ("mesh/damaged", format!("`{name}` is damaged")),
    };
    talk.error(code, message, at, at);
}

#[derive(Debug, Default)]
struct Parser {
    mm: f64,
    objects: Vec<Raw>,
    object: Option<Raw>,
    instances: Vec<Standing>,
    settings: Vec<Setting>,
    program: Option<String>,
    /// Turns are written in radians.
    radians: bool,
    curved: usize,
    materials: Vec<(String, String)>,
    /// The kind and the owner of the note whose text comes by.
    note: Option<String>,
    in_volume: bool,
    in_material: bool,
    in_instance: bool,
    field: Field,
    place: [f64; 3],
    corners: [u32; 3],
    unfinished: bool,
}

/// An object as it is written.
#[derive(Debug, Default)]
struct Raw {
    id: String,
    name: String,
    settings: Vec<Setting>,
    points: Vec<Point3>,
    volumes: Vec<Volume>,
}

#[derive(Debug, Default)]
struct Volume {
    name: String,
    role: Role,
    settings: Vec<Setting>,
    material: Option<String>,
    triangles: Vec<[u32; 3]>,
}

/// An instance as it is written.
#[derive(Clone, Debug)]
struct Standing {
    object: String,
    shift: [f64; 3],
    turn: [f64; 3],
    scale: [f64; 3],
    mirror: [f64; 3],
    printable: bool,
}

/// What the text that comes by is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Field {
    #[default]
    None,
    Coordinate(usize),
    Corner(usize),
    Shift(usize),
    Turn(usize),
    Scale(usize),
    ScaleAll,
    Mirror(usize),
    Printable,
}

impl Parser {
    fn packed(&mut self, unpack: &mut zip::Unpack<'_>) -> Option<Damage> {
        let mut held = Vec::new();
        let mut more = unpack.next(&mut held);
        while more {
            let mut next = Vec::new();
            let read;
            (more, read) = rayon::join(|| unpack.next(&mut next), || self.block(&held, false));
            held.drain(..read);
            if held.len() > LONGEST {
                return Some(Damage::Broken);
            }
            held.append(&mut next);
        }
        self.block(&held, true);
        unpack.damage()
    }

    fn block(&mut self, block: &[u8], last: bool) -> usize {
        let mut reader = Reader::new(block, last);
        while let Some(event) = reader.next() {
            match event {
                Event::Open(tag) => self.open(tag),
                Event::Close(name) => self.close(name),
                Event::Text(raw) => self.text(raw),
            }
        }
        reader.at()
    }

    fn open(&mut self, tag: Tag<'_>) {
        self.field = match tag.name {
            b"x" => Field::Coordinate(0),
            b"y" => Field::Coordinate(1),
            b"z" => Field::Coordinate(2),
            b"v1" => Field::Corner(0),
            b"v2" => Field::Corner(1),
            b"v3" => Field::Corner(2),
            b"deltax" => Field::Shift(0),
            b"deltay" => Field::Shift(1),
            b"deltaz" => Field::Shift(2),
            b"rx" => Field::Turn(0),
            b"ry" => Field::Turn(1),
            b"rz" => Field::Turn(2),
            b"scalex" => Field::Scale(0),
            b"scaley" => Field::Scale(1),
            b"scalez" => Field::Scale(2),
            b"scale" => Field::ScaleAll,
            b"mirrorx" => Field::Mirror(0),
            b"mirrory" => Field::Mirror(1),
            b"mirrorz" => Field::Mirror(2),
            b"printable" => Field::Printable,
            _ => Field::None,
        };
        if self.field != Field::None {
            return;
        }
        let attribute = |name| tag.value(name).unwrap_or_default().into_owned();
        match tag.name {
            b"coordinates" => self.place = [f64::NAN; 3],
            b"triangle" => self.corners = [u32::MAX; 3],
            b"amf" => {
                self.mm = match tag.value("unit").unwrap_or_default().to_ascii_lowercase().as_str() {
                    "inch" | "inches" => 25.4,
                    "feet" | "foot" => 304.8,
                    "meter" | "metre" => 1000.0,
                    "micron" | "micrometer" | "microns" => 0.001,
                    _ => 1.0,
                };
            }
            b"object" => {
                self.close_object();
                self.object = Some(Raw { id: attribute("id"), ..Raw::default() });
            }
            b"volume" => {
                if let Some(object) = &mut self.object {
                    let material = tag.value("materialid").map(std::borrow::Cow::into_owned);
                    object.volumes.push(Volume { material, ..Volume::default() });
                    self.in_volume = true;
                }
            }
            b"material" => {
                self.materials.push((attribute("id"), String::new()));
                self.in_material = true;
            }
            b"instance" => {
                self.in_instance = true;
                self.instances.push(Standing {
                    object: attribute("objectid"),
                    shift: [0.0; 3],
                    turn: [0.0; 3],
                    scale: [1.0; 3],
                    mirror: [1.0; 3],
                    printable: true,
                });
            }
            b"metadata" => self.note = Some(attribute("type")),
            b"edge" | b"normal" => self.curved += 1,
            _ => {}
        }
    }

    #[inline]
    fn text(&mut self, raw: &[u8]) {
        match self.field {
            Field::None => {
                if let Some(kind) = self.note.take() {
                    self.take_note(&kind, text(raw).trim());
                }
            }
            Field::Coordinate(i) => self.place[i] = number(raw.trim_ascii()).unwrap_or(f64::NAN),
            Field::Corner(i) => self.corners[i] = whole(Some(raw)).unwrap_or(u32::MAX),
            _ => {
                let value = number(raw.trim_ascii()).filter(|v| v.is_finite());
                let (Some(value), Some(at)) = (value, self.instances.last_mut()) else { return };
                match self.field {
                    Field::Shift(i) => at.shift[i] = value,
                    Field::Turn(i) => at.turn[i] = value,
                    Field::Scale(i) => at.scale[i] = value,
                    Field::ScaleAll => at.scale = [value; 3],
                    Field::Mirror(i) => at.mirror[i] = value,
                    _ => at.printable = value != 0.0,
                }
            }
        }
    }

    fn take_note(&mut self, kind: &str, value: &str) {
        let slicer = kind.strip_prefix("slic3r.").map(str::to_owned);
        if self.in_volume {
            let Some(volume) = self.object.as_mut().and_then(|o| o.volumes.last_mut()) else { return };
            match slicer.as_deref() {
                Some("modifier") if value == "1" => volume.role = Role::Modifier,
                Some("volume_type") => volume.role = role(value),
                Some(key) if key == "modifier" || key == "matrix" || key.starts_with("source_") => {}
                Some(key) => volume.settings.push((key.to_owned(), value.to_owned())),
                None if kind == "name" => value.clone_into(&mut volume.name),
                None => {}
            }
        } else if let Some(object) = &mut self.object {
            match slicer {
                Some(key) => object.settings.push((key, value.to_owned())),
                None if kind == "name" => value.clone_into(&mut object.name),
                None => {}
            }
        } else if self.in_material {
            if let Some(material) = self.materials.last_mut().filter(|_| kind == "name") {
                value.clone_into(&mut material.1);
            }
        } else {
            match kind {
                "cad" | "producer" => {
                    self.radians |= value.contains("Slic3r") || value.contains("PrusaSlicer");
                    self.program = Some(value.to_owned());
                }
                _ if kind.starts_with("slic3rpe_config") => {
                    self.radians = true;
                    self.settings = ini(value);
                }
                _ => self.radians |= kind.starts_with("slic3r"),
            }
        }
    }

    fn close(&mut self, name: &[u8]) {
        self.field = Field::None;
        match name {
            b"coordinates" => {
                if let Some(object) = &mut self.object {
                    object.points.push(Point3::from(self.place));
                }
            }
            b"triangle" => {
                if let Some(volume) = self.object.as_mut().and_then(|o| o.volumes.last_mut()) {
                    volume.triangles.push(self.corners);
                }
            }
            b"volume" => self.in_volume = false,
            b"material" => self.in_material = false,
            b"instance" => self.in_instance = false,
            b"metadata" => self.note = None,
            b"object" => self.close_object(),
            b"amf" => self.unfinished = false,
            _ => {}
        }
    }

    fn close_object(&mut self) {
        self.in_volume = false;
        self.objects.extend(self.object.take());
    }

    fn scene(self, options: &ReadOptions, end: usize, talk: &mut Talk) -> Scene {
        if self.unfinished {
            let message = "the file ends before the model does; what is there is read";
            talk.error("mesh/truncated", message, end, end).hint =
                Some("export or download the file again".into());
        }
        if self.curved > 0 {
            let message = "curved triangles are read as flat ones";
            talk.warn("mesh/surface-ignored", message, 0, 0).count = self.curved as u32;
        }
        if self.settings.iter().any(|(k, v)| k == "post_process" && !matches!(v.trim_matches('"'), "" | "[]"))
        {
            let message = "the project asks to run a program on what is made: ignored";
            talk.warn("mesh/post-process-ignored", message, 0, 0);
        }
        let settings = self.settings.iter().filter(|(k, _)| k != "post_process").cloned().collect();
        let mut scene = Scene { settings, program: self.program.clone(), ..Scene::default() };
        let (mut unknown, mut broken, mut triangles) = (Found::default(), 0, 0);
        for object in &self.objects {
            triangles += object.volumes.iter().map(|v| v.triangles.len()).sum::<usize>();
            if triangles > options.max_triangles {
                talk.error("mesh/too-large", "the file holds more triangles than can be meant", 0, 0);
                break;
            }
            let parts: Vec<Part> = object
                .volumes
                .iter()
                .map(|v| self.part(object, v, &mut unknown, &mut broken))
                .filter(|p| !p.mesh.triangles.is_empty())
                .collect();
            let standing: Vec<&Standing> = self.instances.iter().filter(|i| i.object == object.id).collect();
            let mut instances: Vec<Transform> =
                standing.iter().filter(|s| s.printable).map(|s| self.place(s)).collect();
            if standing.is_empty() {
                instances.push(Transform::IDENTITY);
            }
            if parts.is_empty() || instances.is_empty() {
                continue;
            }
            let (name, settings) = (object.name.clone(), object.settings.clone());
            scene.objects.push(Object { name, parts, settings, instances, ..Object::default() });
        }
        if unknown.count > 0 {
            let message = unknown.say("a triangle names", "triangles name", "points that do not exist");
            talk.error("mesh/unknown-point", message, 0, 0).count = unknown.count as u32;
        }
        if broken > 0 {
            not_finite(talk, broken, 0, 0);
        }
        scene
    }

    fn part(&self, object: &Raw, volume: &Volume, unknown: &mut Found, broken: &mut usize) -> Part {
        let mut triangles = Vec::with_capacity(volume.triangles.len());
        for t in &volume.triangles {
            if t.iter().any(|i| *i as usize >= object.points.len()) {
                unknown.one(0);
            } else if t.iter().any(|i| !object.points[*i as usize].iter().all(|v| is_place(*v))) {
                *broken += 1;
            } else {
                triangles.push(*t);
            }
        }
        let mut mesh = Mesh::welded_from(&object.points, &triangles);
        if self.mm != 1.0 {
            mesh.transform(&Transform::scale(self.mm, self.mm, self.mm));
        }
        let extruder = |settings: &[Setting]| {
            settings
                .iter()
                .find(|(k, _)| k == "extruder")
                .and_then(|(_, v)| v.parse().ok())
                .filter(|n| *n > 0)
        };
        let material = volume.material.as_ref().and_then(|id| self.materials.iter().find(|m| m.0 == *id));
        Part {
            name: volume.name.clone(),
            role: volume.role,
            mesh,
            settings: volume.settings.clone(),
            extruder: extruder(&volume.settings).or_else(|| extruder(&object.settings)),
            material: material.map(|m| m.1.clone()).filter(|m| !m.is_empty()),
        }
    }

    /// Returns the map of an instance: scaled, mirrored, turned about x, y and z in this order, and shifted.
    fn place(&self, at: &Standing) -> Transform {
        let unit = if self.radians { 1.0 } else { std::f64::consts::PI / 180.0 };
        let [x, y, z] = [0, 1, 2].map(|i| at.scale[i] * at.mirror[i]);
        let turned = Transform::scale(x, y, z)
            .then(&Transform::turn(Vector3::x(), at.turn[0] * unit))
            .then(&Transform::turn(Vector3::y(), at.turn[1] * unit))
            .then(&Transform::turn(Vector3::z(), at.turn[2] * unit));
        let [x, y, z] = at.shift.map(|v| v * self.mm);
        turned.then(&Transform::shift(x, y, z))
    }
}

fn role(name: &str) -> Role {
    match name {
        "NegativeVolume" => Role::Negative,
        "ParameterModifier" => Role::Modifier,
        "SupportEnforcer" => Role::SupportEnforcer,
        "SupportBlocker" => Role::SupportBlocker,
        _ => Role::Solid,
    }
}
