//! What slicers add to a 3MF package: settings of the project, of objects and of their parts, heights at which
//! settings change, and plates.
//!
//! Two manners are known: PrusaSlicer's and its relatives' (`Metadata/Slic3r_PE*`), in which a part is a range of the
//! object's triangles, and Bambu Studio's and OrcaSlicer's (`Metadata/*_settings.config`), in which a part is a
//! component. Values are passed on as they are written; what they mean is the business of whoever asked for them.

use super::model::whole;
use super::number::number;
use super::xml::{Event, Reader, Tag, text};
use super::zip::Package;
use super::{HeightChange, HeightRange, Role, Setting};

/// Files of settings are small.
const MOST: usize = 64 << 20;

/// What a slicer says about the package.
#[derive(Debug, Default)]
pub(super) struct Project {
    pub settings: Vec<Setting>,
    pub objects: Vec<ObjectNotes>,
    /// Heights by the number of the object, counted from 1 in the order of the package.
    pub ranges: Vec<(u32, HeightRange)>,
    pub changes: Vec<HeightChange>,
    /// Names of plates, and the numbers of objects and of their instances (from 0) that stand on them.
    pub plates: Vec<(String, Vec<(u32, u32)>)>,
    /// Programs that the project wants to be run on what is made.
    pub post_process: Option<String>,
}

/// What a slicer says about an object.
#[derive(Debug, Default)]
pub(super) struct ObjectNotes {
    pub id: u32,
    pub name: Option<String>,
    pub settings: Vec<Setting>,
    pub parts: Vec<PartNotes>,
}

/// What a slicer says about a part of an object.
#[derive(Debug, Default)]
pub(super) struct PartNotes {
    /// The component's number (Bambu, Orca).
    pub id: Option<u32>,
    /// The first and the last of the triangles (PrusaSlicer).
    pub triangles: Option<(u32, u32)>,
    pub name: Option<String>,
    pub role: Role,
    pub settings: Vec<Setting>,
}

/// Reads what slicers say.
pub(super) fn read(package: &Package<'_>) -> Project {
    let file = |names: &[&str]| {
        let entry = names.iter().find_map(|n| package.entry(n))?;
        Some(entry.whole(MOST))
    };
    let mut out = Project::default();
    if let Some(bytes) =
        file(&["Metadata/Slic3r_PE.config", "Metadata/Slic3r.config", "Metadata/SuperSlicer.config"])
    {
        out.settings = ini(&String::from_utf8_lossy(&bytes));
    }
    if let Some(bytes) = file(&["Metadata/project_settings.config"]) {
        out.settings.extend(json(&bytes));
    }
    for names in [
        &[
            "Metadata/Slic3r_PE_model.config",
            "Metadata/Slic3r_model.config",
            "Metadata/SuperSlicer_model.config",
        ][..],
        &["Metadata/model_settings.config"],
    ] {
        if let Some(bytes) = file(names) {
            model_settings(&bytes, &mut out);
        }
    }
    if let Some(bytes) = file(&[
        "Metadata/Prusa_Slicer_layer_config_ranges.xml",
        "Metadata/Slic3r_PE_layer_config_ranges.xml",
        "Metadata/layer_config_ranges.xml",
    ]) {
        out.ranges = height_ranges(&bytes);
    }
    if let Some(bytes) = file(&[
        "Metadata/Prusa_Slicer_custom_gcode_per_print_z.xml",
        "Metadata/Slic3r_PE_custom_gcode_per_print_z.xml",
        "Metadata/custom_gcode_per_layer.xml",
    ]) {
        out.changes = height_changes(&bytes);
    }
    out.drop_programs();
    out
}

impl Project {
    /// Takes out what would run a program on the user's computer, wherever it is set.
    fn drop_programs(&mut self) {
        let objects = self.objects.iter_mut().flat_map(|o| {
            std::iter::once(&mut o.settings).chain(o.parts.iter_mut().map(|p| &mut p.settings))
        });
        for settings in std::iter::once(&mut self.settings).chain(objects) {
            settings.retain(|(key, value)| {
                let program = key == "post_process";
                if program && !matches!(value.trim().trim_matches('"'), "" | "[]") {
                    self.post_process.get_or_insert_with(|| value.clone());
                }
                !program
            });
        }
    }
}

/// Reads lines of `key = value`, which PrusaSlicer begins with `;`.
pub(super) fn ini(text: &str) -> Vec<Setting> {
    let lines = text.lines().map(|l| l.trim().trim_start_matches(';').trim_start());
    let pairs = lines.filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('='));
    pairs.map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())).filter(|(k, _)| is_key(k)).collect()
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'))
}

/// Reads an object of JSON: strings as they are, everything else as JSON.
fn json(bytes: &[u8]) -> Vec<Setting> {
    let Ok(serde_json::Value::Object(map)) = serde_json::from_slice(bytes) else { return Vec::new() };
    let text = |v: serde_json::Value| match v {
        serde_json::Value::String(s) => s,
        other => other.to_string(),
    };
    map.into_iter().map(|(k, v)| (k, text(v))).collect()
}

/// Calls `take` with the events of a whole text.
fn events(bytes: &[u8], mut take: impl FnMut(Event<'_>)) {
    let mut reader = Reader::new(bytes, true);
    while let Some(event) = reader.next() {
        take(event);
    }
}

fn model_settings(bytes: &[u8], out: &mut Project) {
    let mut inside = Inside::Nothing;
    let mut standing = (0, 0);
    events(bytes, |event| match event {
        Event::Open(tag) => match tag.name {
            b"object" => {
                let id = whole(tag.raw("id")).unwrap_or(0);
                out.objects.push(ObjectNotes { id, ..ObjectNotes::default() });
                inside = Inside::Object;
            }
            b"volume" | b"part" => {
                if let Some(object) = out.objects.last_mut() {
                    object.parts.push(part(tag));
                    inside = Inside::Part;
                }
            }
            b"plate" => {
                out.plates.push((String::new(), Vec::new()));
                inside = Inside::Plate;
            }
            b"model_instance" => {
                standing = (0, 0);
                inside = Inside::Instance;
            }
            b"metadata" => {
                let (Some(key), Some(value)) = (tag.value("key"), tag.value("value")) else { return };
                match inside {
                    Inside::Object => {
                        if let Some(object) = out.objects.last_mut() {
                            object.note(&key, &value);
                        }
                    }
                    Inside::Part => {
                        if let Some(part) = out.objects.last_mut().and_then(|o| o.parts.last_mut()) {
                            part.note(&key, &value);
                        }
                    }
                    Inside::Plate => {
                        if let Some(plate) = out.plates.last_mut().filter(|_| key == "plater_name") {
                            plate.0 = value.into_owned();
                        }
                    }
                    Inside::Instance => match key.as_ref() {
                        "object_id" => standing.0 = value.parse().unwrap_or(0),
                        "instance_id" => standing.1 = value.parse().unwrap_or(0),
                        _ => {}
                    },
                    Inside::Nothing => {}
                }
            }
            _ => {}
        },
        Event::Close(name) => {
            inside = match name {
                b"volume" | b"part" => Inside::Object,
                b"model_instance" => {
                    if let Some(plate) = out.plates.last_mut() {
                        plate.1.push(standing);
                    }
                    Inside::Plate
                }
                b"object" | b"plate" => Inside::Nothing,
                _ => return,
            }
        }
        Event::Text(_) => {}
    });
}

/// What a note in the list of objects is about.
enum Inside {
    Nothing,
    Object,
    Part,
    Plate,
    Instance,
}

fn part(tag: Tag<'_>) -> PartNotes {
    PartNotes {
        id: whole(tag.raw("id")),
        triangles: whole(tag.raw("firstid")).zip(whole(tag.raw("lastid"))),
        role: tag.value("subtype").map_or(Role::Solid, |s| role(&s)),
        ..PartNotes::default()
    }
}

fn role(name: &str) -> Role {
    match name {
        "NegativeVolume" | "negative_part" => Role::Negative,
        "ParameterModifier" | "modifier_part" => Role::Modifier,
        "SupportEnforcer" | "support_enforcer" => Role::SupportEnforcer,
        "SupportBlocker" | "support_blocker" => Role::SupportBlocker,
        _ => Role::Solid,
    }
}

/// Notes that say where a part came from, which are no settings.
fn is_origin(key: &str) -> bool {
    key == "matrix" || key.starts_with("source_") || key == "face_count" || key == "module"
}

impl ObjectNotes {
    fn note(&mut self, key: &str, value: &str) {
        match key {
            "name" => self.name = Some(value.to_owned()),
            _ if is_origin(key) => {}
            _ => self.settings.push((key.to_owned(), value.to_owned())),
        }
    }
}

impl PartNotes {
    fn note(&mut self, key: &str, value: &str) {
        match key {
            "name" => self.name = Some(value.to_owned()),
            // Older files only say that a part is a modifier.
            "modifier" if self.role == Role::Solid && value == "1" => self.role = Role::Modifier,
            "modifier" => {}
            "volume_type" => self.role = role(value),
            _ if is_origin(key) => {}
            _ => self.settings.push((key.to_owned(), value.to_owned())),
        }
    }
}

fn height_ranges(bytes: &[u8]) -> Vec<(u32, HeightRange)> {
    let mut out: Vec<(u32, HeightRange)> = Vec::new();
    let mut object = 0;
    let mut option = None;
    events(bytes, |event| match event {
        Event::Open(tag) => match tag.name {
            b"object" => object = whole(tag.raw("id")).unwrap_or(0),
            b"range" => {
                let height = |name| tag.raw(name).and_then(number).filter(|v| v.is_finite());
                if let (Some(low), Some(high)) = (height("min_z"), height("max_z")) {
                    out.push((object, HeightRange { low, high, settings: Vec::new() }));
                }
            }
            b"option" => option = tag.value("opt_key").map(std::borrow::Cow::into_owned),
            _ => {}
        },
        Event::Text(raw) => {
            if let (Some(key), Some((_, range))) = (option.take(), out.last_mut()) {
                range.settings.push((key, text(raw).trim().to_owned()));
            }
        }
        Event::Close(_) => {}
    });
    out
}

fn height_changes(bytes: &[u8]) -> Vec<HeightChange> {
    let mut out = Vec::new();
    events(bytes, |event| {
        let Event::Open(tag) = event else { return };
        let height = tag.raw("print_z").or(tag.raw("top_z")).and_then(number).filter(|v| v.is_finite());
        let (b"code" | b"layer", Some(z)) = (tag.name, height) else { return };
        let value = |name| tag.value(name).unwrap_or_default().into_owned();
        out.push(HeightChange {
            z,
            kind: value("type"),
            extruder: whole(tag.raw("extruder")),
            colour: value("color"),
            extra: value("extra"),
            gcode: value("gcode"),
        });
    });
    out
}
