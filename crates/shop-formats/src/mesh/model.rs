//! One model part of a 3MF package (3MF core specification 1.3, production extension 1.1): its objects as they are
//! written, and what is to be built of them.
//!
//! The part is read while it is unpacked: one core unpacks the next block while others read the last one. Most of it is
//! long lists of corners and triangles, one tag like the other: these are divided among cores.

use super::number::number;
use super::paint::{self, Kind};
use super::xml::{Event, Reader, Tag, text};
use super::zip::{Damage, Entry};
use rayon::prelude::*;
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
    /// How long all that is painted is, digits: no more pieces come of it.
    pub painted: usize,
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
    let mut parser = Parser::new();
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

/// Lists at least so long, bytes, are divided among cores, each of which gets at least so much.
const WORTH_DIVIDING: usize = 1 << 16;

/// A stretch of corners and triangles.
#[derive(Default)]
struct Stretch {
    points: Vec<Point3>,
    triangles: Vec<[u32; 3]>,
    /// As those of a resource, counted from the first triangle of the stretch.
    paints: Vec<(u32, Kind, Box<[u8]>)>,
    unread: [usize; 2],
}

/// Reads a text that holds corners and triangles and nothing else; `None` when it holds something else.
fn stretch(text: &[u8]) -> Option<Stretch> {
    let mut out = Stretch::default();
    let mut reader = Reader::new(text, true);
    while let Some(event) = reader.next() {
        match event {
            Event::Open(tag) if tag.name == b"vertex" => out.points.push(point(tag)),
            Event::Open(tag) if tag.name == b"triangle" => {
                triangle(tag, &mut out.triangles, &mut out.paints, &mut out.unread);
            }
            Event::Close(b"vertex" | b"triangle") => {}
            _ => return None,
        }
    }
    (reader.at() == text.len()).then_some(out)
}

struct Parser {
    model: Model,
    object: Option<Resource>,
    /// The name of the note whose text comes by.
    note: Option<String>,
}

impl Parser {
    fn new() -> Parser {
        let model = Model {
            mm: 1.0,
            objects: Vec::new(),
            items: Vec::new(),
            materials: Vec::new(),
            notes: Vec::new(),
            unread: [0; 2],
            damage: None,
            unfinished: true,
        };
        Parser { model, object: None, note: None }
    }

    /// Reads what can be read of a block; returns how far.
    fn block(&mut self, block: &[u8], last: bool) -> usize {
        let list = self.list(block).unwrap_or(0);
        list + self.tags(&block[list..], last)
    }

    /// Reads a list of corners or triangles that a block begins with on many cores; returns how long it is. `None` when
    /// there is none, or something between; then nothing is done.
    fn list(&mut self, block: &[u8]) -> Option<usize> {
        let object = self.object.as_mut().filter(|_| self.note.is_none())?;
        // The last tag may go on in the next block, unless the list ends before it.
        let end = memchr::memmem::find(block, b"</").or_else(|| memchr::memrchr(b'<', block))?;
        let pieces = end / WORTH_DIVIDING;
        if pieces < 2 {
            return None;
        }
        let next_tag = |at: usize| memchr::memchr(b'<', &block[at..end]).map_or(end, |i| at + i);
        let cuts: Vec<usize> =
            (0..=pieces).map(|i| if i == 0 { 0 } else { next_tag(i * end / pieces) }).collect();
        let read: Vec<Stretch> =
            cuts.par_windows(2).map(|w| stretch(&block[w[0]..w[1]])).collect::<Option<_>>()?;
        for Stretch { points, triangles, paints, unread } in read {
            let first = object.triangles.len() as u32;
            object.points.extend(points);
            object.triangles.extend(triangles);
            object.paints.extend(paints.into_iter().map(|(i, kind, text)| (first + i, kind, text)));
            for (all, more) in self.model.unread.iter_mut().zip(unread) {
                *all += more;
            }
        }
        Some(end)
    }

    /// Reads what can be read of a block, tag by tag; returns how far.
    fn tags(&mut self, block: &[u8], last: bool) -> usize {
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
            b"triangle" => {
                if let Some(object) = &mut self.object {
                    triangle(tag, &mut object.triangles, &mut object.paints, &mut self.model.unread);
                }
            }
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
            object.painted = object.paints.iter().map(|(_, _, text)| text.len()).sum();
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

/// Adds a triangle and what is painted on it.
#[inline]
fn triangle(
    tag: Tag<'_>,
    triangles: &mut Vec<[u32; 3]>,
    paints: &mut Vec<(u32, Kind, Box<[u8]>)>,
    unread: &mut [usize; 2],
) {
    let mut corners = [u32::MAX; 3];
    for (name, value) in tag.attributes() {
        match name {
            b"v1" => corners[0] = whole(Some(value)).unwrap_or(u32::MAX),
            b"v2" => corners[1] = whole(Some(value)).unwrap_or(u32::MAX),
            b"v3" => corners[2] = whole(Some(value)).unwrap_or(u32::MAX),
            _ => match paint::kind(name).filter(|_| !value.is_empty()) {
                Some(Kind::Colour) => unread[0] += 1,
                Some(Kind::Roughness) => unread[1] += 1,
                Some(kind) => paints.push((triangles.len() as u32, kind, value.into())),
                None => {}
            },
        }
    }
    triangles.push(corners);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parser() -> Parser {
        Parser { object: Some(Resource::default()), ..Parser::new() }
    }

    /// Tags of a list, and now and then something that has no place in one.
    fn tag() -> impl Strategy<Value = String> {
        prop_oneof![
            200 => (-9i32..9, 0u32..9).prop_map(|(x, y)| format!("<vertex x=\"{x}\" y='{y}' z=\"0.5\" />\n")),
            200 => (0u32..9).prop_map(|i| format!("<triangle v1=\"{i}\" v2=\"1\" v3=\"2\" paint_color=\"4\" paint_seam=\"{i}\"/>")),
            1 => Just("<vertex x=\"<triangle v1='1'/>\" y=\"1\" z=\"1\"/>".to_owned()),
            1 => Just("<!-- <vertex/> -->".to_owned()),
            1 => Just("</vertices><triangles>".to_owned()),
            1 => Just("words".to_owned()),
            1 => Just("<metadata name=\"n\">t</metadata>".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn many_cores_read_what_one_reads(
            tags in prop::collection::vec(tag(), 1..60),
            odd in prop::collection::vec(tag(), 0..3),
            cut in 0usize..80,
        ) {
            let list = tags.concat();
            let text = odd.concat() + &list.repeat(3 * WORTH_DIVIDING / list.len() + 1);
            let block = &text.as_bytes()[..text.len() - cut.min(text.len())];
            let (mut many, mut one) = (parser(), parser());
            prop_assert_eq!(many.block(block, false), one.tags(block, false));
            let told = |p: &Parser| format!("{:?} {:?} {:?}", p.model, p.object, p.note);
            prop_assert!(told(&many) == told(&one));
        }
    }
}
