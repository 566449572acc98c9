//! One model part of a 3MF package (3MF core specification 1.3, production extension 1.1): its objects as they are
//! written, and what is to be built of them.
//!
//! The part is read while it is unpacked: one core unpacks the next block while another reads the last one.

use super::number::number;
use super::paint::{self, Kind};
use super::xml::{Event, Reader, Tag, text};
use super::zip::{Damage, Entry};
use shop_geom::mesh::{Point3, Transform};

/// Tags and texts longer than this are no part of a model.
const LONGEST: usize = 16 << 20;

/// A model part as it is written.
#[derive(Debug)]
pub(super) struct Model {
    /// Millimetres per unit.
    pub mm: f64,
    pub objects: Vec<Resource>,
    pub items: Vec<Item>,
    /// Lists of materials: the list's number and its names.
    pub materials: Vec<(u32, Vec<String>)>,
    /// Notes about the whole model: name and text.
    pub notes: Vec<(String, String)>,
    /// Triangles with painted colours, and with painted roughness, which are not read.
    pub unread: [usize; 2],
    /// What is wrong with the file itself.
    pub damage: Option<Damage>,
    /// The text ends before the model does.
    pub unfinished: bool,
}

/// An object as it is written: a mesh, or other objects put together.
#[derive(Debug, Default)]
pub(super) struct Resource {
    pub id: u32,
    pub name: String,
    /// `model` unless it says otherwise.
    pub kind: String,
    pub points: Vec<Point3>,
    pub triangles: Vec<[u32; 3]>,
    /// Painted triangles: which, with what, and how it is written.
    pub paints: Vec<(u32, Kind, Box<[u8]>)>,
    pub components: Vec<Item>,
    /// The list of materials and the place in it.
    pub material: Option<(u32, u32)>,
    /// Notes about the object: name and text.
    pub notes: Vec<(String, String)>,
}

/// An object put somewhere: as a component of another, or to be built.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub object: u32,
    /// The model part in which the object is, when it is another one.
    pub path: Option<String>,
    /// In units of the file.
    pub at: Transform,
    pub printable: bool,
}

/// Reads a model part.
pub(super) fn read(entry: &Entry<'_>) -> Model {
    let mut parser = Parser {
        model: Model {
            mm: 1.0,
            objects: Vec::new(),
            items: Vec::new(),
            materials: Vec::new(),
            notes: Vec::new(),
            unread: [0; 2],
            damage: None,
            unfinished: true,
        },
        object: None,
        note: None,
    };
    let mut unpack = entry.unpack();
    let mut held = Vec::new();
    let mut more = unpack.next(&mut held);
    while more {
        let mut next = Vec::new();
        let read;
        (more, read) = rayon::join(|| unpack.next(&mut next), || parser.block(&held, false));
        held.drain(..read);
        if held.len() > LONGEST {
            parser.model.damage = Some(Damage::Broken);
            break;
        }
        held.append(&mut next);
    }
    parser.block(&held, true);
    parser.close_object();
    parser.model.damage = parser.model.damage.or(unpack.damage());
    parser.model
}

struct Parser {
    model: Model,
    object: Option<Resource>,
    /// The name of the note whose text comes by.
    note: Option<String>,
}

impl Parser {
    /// Reads what can be read of a block; returns how far.
    fn block(&mut self, block: &[u8], last: bool) -> usize {
        let mut reader = Reader::new(block, last);
        while let Some(event) = reader.next() {
            match event {
                Event::Open(tag) => self.open(tag),
                Event::Close(name) => self.close(name),
                Event::Text(raw) => {
                    if let Some(name) = self.note.take() {
                        let notes = match &mut self.object {
                            Some(object) => &mut object.notes,
                            None => &mut self.model.notes,
                        };
                        notes.push((name, text(raw).trim().to_owned()));
                    }
                }
            }
        }
        reader.at()
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag.name {
            b"vertex" => {
                if let Some(object) = &mut self.object {
                    object.points.push(point(tag));
                }
            }
            b"triangle" => self.triangle(tag),
            b"object" => {
                self.close_object();
                self.object = Some(resource(tag));
            }
            b"component" => {
                if let (Some(object), Some(item)) = (&mut self.object, item(tag)) {
                    object.components.push(item);
                }
            }
            b"item" => self.model.items.extend(item(tag)),
            b"metadata" => self.note = tag.value("name").map(std::borrow::Cow::into_owned),
            b"model" => {
                self.model.mm = match tag.raw("unit") {
                    Some(b"micron") => 0.001,
                    Some(b"centimeter") => 10.0,
                    Some(b"inch") => 25.4,
                    Some(b"foot") => 304.8,
                    Some(b"meter") => 1000.0,
                    _ => 1.0,
                };
            }
            b"basematerials" => {
                let id = whole(tag.raw("id")).unwrap_or(0);
                self.model.materials.push((id, Vec::new()));
            }
            b"base" => {
                if let Some((_, names)) = self.model.materials.last_mut() {
                    names.push(tag.value("name").unwrap_or_default().into_owned());
                }
            }
            _ => {}
        }
    }

    fn triangle(&mut self, tag: Tag<'_>) {
        let Some(object) = &mut self.object else { return };
        let mut corners = [u32::MAX; 3];
        for (name, value) in tag.attributes() {
            match name {
                b"v1" => corners[0] = whole(Some(value)).unwrap_or(u32::MAX),
                b"v2" => corners[1] = whole(Some(value)).unwrap_or(u32::MAX),
                b"v3" => corners[2] = whole(Some(value)).unwrap_or(u32::MAX),
                _ => match paint::kind(name).filter(|_| !value.is_empty()) {
                    Some(Kind::Colour) => self.model.unread[0] += 1,
                    Some(Kind::Roughness) => self.model.unread[1] += 1,
                    Some(kind) => object.paints.push((object.triangles.len() as u32, kind, value.into())),
                    None => {}
                },
            }
        }
        object.triangles.push(corners);
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"object" => self.close_object(),
            b"metadata" => self.note = None,
            b"model" => self.model.unfinished = false,
            _ => {}
        }
    }

    fn close_object(&mut self) {
        if let Some(mut object) = self.object.take() {
            object.points.shrink_to_fit();
            object.triangles.shrink_to_fit();
            self.model.objects.push(object);
        }
    }
}

fn resource(tag: Tag<'_>) -> Resource {
    let material = whole(tag.raw("pid")).map(|pid| (pid, whole(tag.raw("pindex")).unwrap_or(0)));
    Resource {
        id: whole(tag.raw("id")).unwrap_or(0),
        name: tag.value("name").unwrap_or_default().into_owned(),
        kind: tag.value("type").unwrap_or("model".into()).into_owned(),
        material,
        ..Resource::default()
    }
}

#[inline]
fn point(tag: Tag<'_>) -> Point3 {
    let mut at = Point3::new(f64::NAN, f64::NAN, f64::NAN);
    for (name, value) in tag.attributes() {
        let Some(v) = number(value) else { continue };
        match name {
            b"x" => at.x = v,
            b"y" => at.y = v,
            b"z" => at.z = v,
            _ => {}
        }
    }
    at
}

fn item(tag: Tag<'_>) -> Option<Item> {
    Some(Item {
        object: whole(tag.raw("objectid"))?,
        path: tag.value("path").map(std::borrow::Cow::into_owned),
        at: tag.raw("transform").map_or(Some(Transform::IDENTITY), transform)?,
        printable: tag.raw("printable") != Some(b"0"),
    })
}

/// Returns a whole number.
#[inline]
pub(super) fn whole(digits: Option<&[u8]>) -> Option<u32> {
    let digits = digits?.trim_ascii();
    if digits.is_empty() || digits.len() > 9 {
        return std::str::from_utf8(digits).ok()?.parse().ok();
    }
    let digit = |n: u32, b: &u8| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0'));
    digits.iter().try_fold(0, digit)
}

/// Returns the map of twelve numbers, row by row for places written as rows (core specification §3.3); `None` when it
/// is none.
fn transform(raw: &[u8]) -> Option<Transform> {
    let words = raw.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let n: Vec<f64> = words.map(number).collect::<Option<_>>()?;
    let n: [f64; 12] = n.try_into().ok()?;
    let mut out = Transform::IDENTITY;
    for row in 0..3 {
        for column in 0..3 {
            out.linear[(column, row)] = n[row * 3 + column];
        }
        out.offset[row] = n[9 + row];
    }
    out.is_finite().then_some(out)
}
