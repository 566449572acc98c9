//! One entity as the file states it: numbers in drawing units and degrees, in its own coordinate system.

use super::colour::Colour;
use super::groups::{Group, Groups, Next, Number};
use super::hatch::{self, Loop};
use super::layers::LayerNames;
use super::talk::Talk;
use crate::{Anchor, Level};

/// A point or direction in space, as in the file.
pub(super) type Xyz = [f64; 3];

/// What an entity is called and what it shows.
#[derive(Clone, Debug)]
pub(super) struct Entity<'a> {
    /// As in the file.
    pub name: &'a [u8],
    /// Where it stands in the file.
    pub at: usize,
    pub end: usize,
    pub layer: u32,
    pub colour: Colour,
    pub invisible: bool,
    pub paper: bool,
    pub extrusion: Xyz,
    /// Line type as named; empty is BYLAYER.
    pub line_type: &'a [u8],
    /// It is drawn as a wall (group 39).
    pub thick: bool,
    /// Widest width of a polyline, drawing units.
    pub width: f64,
    pub geometry: Geometry<'a>,
}

/// The shape of an entity.
#[derive(Clone, Debug)]
pub(super) enum Geometry<'a> {
    /// LINE, 3DLINE: in world coordinates.
    Line(Xyz, Xyz),
    /// ARC, counter-clockwise from `start` to `end` degrees in its plane.
    Arc { center: Xyz, radius: f64, start: f64, end: f64 },
    /// CIRCLE.
    Circle { center: Xyz, radius: f64 },
    /// ELLIPSE, in world coordinates; parameters in radians.
    Ellipse { center: Xyz, major: Xyz, ratio: f64, start: f64, end: f64 },
    /// LWPOLYLINE and 2D POLYLINE: x, y, bulge in the plane at this elevation.
    Flat { vertices: Vec<[f64; 3]>, elevation: f64, closed: bool },
    /// 3D POLYLINE, in world coordinates.
    Spatial { points: Vec<Xyz>, closed: bool },
    /// SPLINE, HELIX: in world coordinates.
    Spline(Box<Spline>),
    /// INSERT.
    Insert(Box<Insert<'a>>),
    /// TEXT, ATTRIB, MTEXT.
    Text(Box<TextEntity<'a>>),
    /// POINT.
    Point(Xyz),
    /// HATCH: its boundary.
    Hatch { loops: Vec<Loop>, elevation: f64 },
    /// Known or unknown, and no geometry to cut: why.
    Other(&'static str),
}

/// A spline as stored: control points or, when there are none, the points it runs through.
#[derive(Clone, Debug, Default)]
pub(super) struct Spline {
    pub degree: i64,
    pub flags: i64,
    pub knots: Vec<f64>,
    pub points: Vec<Xyz>,
    pub weights: Vec<f64>,
    pub fit: Vec<Xyz>,
    pub start_tangent: Option<Xyz>,
    pub end_tangent: Option<Xyz>,
}

/// A block shown somewhere, perhaps as an array.
#[derive(Clone, Debug)]
pub(super) struct Insert<'a> {
    pub block: &'a [u8],
    pub at: Xyz,
    pub scale: Xyz,
    /// Degrees.
    pub rotation: f64,
    pub columns: u32,
    pub rows: u32,
    pub column_step: f64,
    pub row_step: f64,
    /// Handle of its extension dictionary, which may hold a clip.
    pub dictionary: &'a [u8],
    pub attributes: Vec<Entity<'a>>,
}

/// A text; its characters are decoded when it is placed.
#[derive(Clone, Debug)]
pub(super) struct TextEntity<'a> {
    pub pieces: Vec<&'a [u8]>,
    pub at: Xyz,
    pub height: f64,
    /// Direction of writing in its plane, degrees; for MTEXT perhaps a direction in the world instead.
    pub rotation: f64,
    pub direction: Option<Xyz>,
    /// MTEXT: insertion point in world coordinates, its own formatting codes.
    pub multiline: bool,
    pub anchor: Anchor,
    /// TEXT that is fitted runs to this point.
    pub to: Option<Xyz>,
    /// Fitted in height as well.
    pub scaled: bool,
    /// Width of letters over their usual width; below zero when written backwards.
    pub stretch: f64,
    /// Below zero when written upside down.
    pub rise: f64,
    /// Slant of letters to the right, degrees.
    pub slant: f64,
}

/// Returns how the text of a record hangs on its point, for TEXT by 72 and 73, for MTEXT by 71.
fn anchor(multiline: bool, flags: &[i64; 10]) -> Anchor {
    let (before, level) = if multiline {
        let place = (flags[1] - 1).clamp(0, 8);
        (place % 3, [Level::Top, Level::Middle, Level::Bottom][place as usize / 3])
    } else {
        match (flags[2], flags[3]) {
            // "Middle": of both width and height.
            (4, _) => (1, Level::Middle),
            (h, v) => {
                let level = match v {
                    1 => Level::Bottom,
                    2 => Level::Middle,
                    3 => Level::Top,
                    _ => Level::Baseline,
                };
                (if matches!(h, 1 | 2) { h } else { 0 }, level)
            }
        }
    };
    Anchor { before: before as f64 / 2.0, level }
}

/// What a reader of entities needs beside the groups.
pub(super) struct Parse<'a, 'b> {
    pub layers: LayerNames<'a, 'b>,
    pub talk: Talk<'a>,
}

/// Group values of a simple entity, by code.
#[derive(Default)]
struct Fields<'a> {
    /// 10-13, 20-23, 30-33.
    points: [Xyz; 4],
    /// Which of `points` were given: bit 3·point + axis.
    given: u32,
    /// 40-49.
    reals: [f64; 10],
    reals_given: u32,
    /// 50-53.
    angles: [f64; 4],
    /// 70-79.
    flags: [i64; 10],
    flags_given: u32,
    /// 1 and 3, in order.
    texts: Vec<&'a [u8]>,
    /// 2.
    name: &'a [u8],
    /// 66.
    follows: bool,
    /// 360.
    dictionary: &'a [u8],
}

impl Fields<'_> {
    /// True when x and y of point `i` were given.
    fn has(&self, i: usize) -> bool {
        self.given >> (3 * i) & 3 == 3
    }

    fn real(&self, code: usize) -> Option<f64> {
        (self.reals_given >> (code - 40) & 1 == 1).then_some(self.reals[code - 40])
    }

    fn flag(&self, code: usize) -> Option<i64> {
        (self.flags_given >> (code - 70) & 1 == 1).then_some(self.flags[code - 70])
    }
}

/// What is common to all entities.
struct Common<'a> {
    layer: Option<u32>,
    colour: Colour,
    invisible: bool,
    paper: bool,
    extrusion: Xyz,
    line_type: &'a [u8],
    thick: bool,
    width: f64,
}

impl Default for Common<'_> {
    fn default() -> Self {
        Common {
            layer: None,
            colour: Colour::ByLayer,
            invisible: false,
            paper: false,
            extrusion: [0.0, 0.0, 1.0],
            line_type: b"",
            thick: false,
            width: 0.0,
        }
    }
}

impl Common<'_> {
    /// Keeps the widest width of a polyline; one that is no number has none.
    fn widen(&mut self, g: &Group<'_>) {
        if let Number::Plain(v) | Number::Comma(v) = g.number() {
            self.width = self.width.max(v.abs());
        }
    }
}

impl<'a> Parse<'a, '_> {
    /// Returns the group's number; says so and returns `None` when it is none.
    #[inline]
    fn number(&mut self, g: &Group<'a>) -> Option<f64> {
        match g.number() {
            Number::Plain(v) => Some(v),
            other => self.talk.odd_number(g, other),
        }
    }

    /// Reads what all entities share. True when the group was one of those.
    #[inline]
    fn common(&mut self, g: &Group<'a>, common: &mut Common<'a>) -> bool {
        match g.code {
            8 => common.layer = Some(self.layers.id(g.text())),
            6 => common.line_type = g.text(),
            39 => common.thick = !matches!(g.number(), Number::Plain(0.0) | Number::Bad),
            62 => {
                if !matches!(common.colour, Colour::Own(_)) {
                    common.colour = g.integer().map_or(Colour::ByLayer, Colour::of_index);
                }
            }
            420 => common.colour = g.integer().map_or(common.colour, Colour::of_true_colour),
            60 => common.invisible = g.integer() == Some(1),
            67 => common.paper = g.integer() == Some(1),
            210 | 220 | 230 => {
                if let Some(v) = self.number(g) {
                    common.extrusion[(g.code as usize - 210) / 10] = v;
                }
            }
            _ => return false,
        }
        true
    }

    /// Reads the entity whose `0` group was just consumed, with the records that belong to it.
    pub fn entity(&mut self, groups: &mut Groups<'a>, record: Group<'a>) -> Option<Entity<'a>> {
        let mut common = Common::default();
        let name = record.text();
        let read = match name {
            b"LWPOLYLINE" => self.lwpolyline(groups, &mut common),
            b"SPLINE" | b"HELIX" => self.spline(groups, &mut common),
            b"HATCH" | b"MPOLYGON" => self.hatch(groups, &mut common),
            b"POLYLINE" => self.polyline(groups, &mut common),
            b"INSERT" => self.insert(groups, &mut common),
            _ => self.simple(groups, &mut common, name),
        };
        let end = groups.pos();
        // Places point at the name and not at the `0` above it.
        let at = record.value_at();
        let span = self.talk.span(at, end);
        match read {
            Ok(geometry) => Some(Entity {
                name,
                at,
                end,
                layer: common.layer.unwrap_or(self.layers.zero),
                colour: common.colour,
                invisible: common.invisible,
                paper: common.paper,
                extrusion: common.extrusion,
                line_type: common.line_type,
                thick: common.thick,
                width: common.width,
                geometry,
            }),
            Err(Fault::Broken(at)) => {
                let at = self.talk.span(at, at + 1);
                let name = String::from_utf8_lossy(name).into_owned();
                self.talk.error(
                    "dxf/bad-group",
                    at,
                    || format!("no group code where one must stand, in {name}"),
                    "the entity is left out; the file is damaged here, export it again",
                );
                groups.resync();
                None
            }
            Err(Fault::Incomplete(what)) => {
                let name = String::from_utf8_lossy(name).into_owned();
                self.talk.error(
                    "dxf/entity-incomplete",
                    span,
                    || format!("{name} has no {what}"),
                    "the entity is left out; the file may be cut short, export it again",
                );
                None
            }
            Err(Fault::Number) => None,
        }
    }

    fn fields(&mut self, groups: &mut Groups<'a>, common: &mut Common<'a>) -> Result<Fields<'a>, Fault> {
        let mut f = Fields { name: b"", ..Fields::default() };
        let mut bad_number = false;
        loop {
            let g = match groups.next() {
                Next::Group(g) => g,
                Next::End => break,
                Next::Broken(at) => return Err(Fault::Broken(at)),
            };
            let code = g.code;
            match code {
                10..=13 | 20..=23 | 30..=33 => {
                    let (axis, i) = (code as usize / 10 - 1, code as usize % 10);
                    match self.number(&g) {
                        Some(v) => {
                            f.points[i][axis] = v;
                            f.given |= 1 << (3 * i + axis);
                        }
                        None => bad_number = true,
                    }
                }
                40..=49 => match self.number(&g) {
                    Some(v) => {
                        f.reals[code as usize - 40] = v;
                        f.reals_given |= 1 << (code - 40);
                    }
                    None => bad_number = true,
                },
                50..=53 => match self.number(&g) {
                    Some(v) => f.angles[code as usize - 50] = v,
                    None => bad_number = true,
                },
                70..=79 => {
                    if let Some(v) = g.integer() {
                        f.flags[code as usize - 70] = v;
                        f.flags_given |= 1 << (code - 70);
                    }
                }
                1 | 3 => f.texts.push(g.value),
                2 => f.name = g.text(),
                66 => f.follows = g.integer() == Some(1),
                360 => f.dictionary = g.text(),
                // An embedded object repeats codes with other meanings.
                101 => {
                    if let Some(at) = groups.skip_record() {
                        return Err(Fault::Broken(at));
                    }
                }
                _ => {
                    self.common(&g, common);
                }
            }
        }
        if bad_number { Err(Fault::Number) } else { Ok(f) }
    }

    fn simple(
        &mut self,
        groups: &mut Groups<'a>,
        common: &mut Common<'a>,
        name: &[u8],
    ) -> Result<Geometry<'a>, Fault> {
        if let Some(why) = not_geometry(name) {
            // Only layer and space matter; odd numbers in there are nobody's concern.
            loop {
                match groups.next() {
                    Next::Group(g) if g.code < 210 => {
                        self.common(&g, common);
                    }
                    Next::Group(_) => {}
                    Next::End => return Ok(Geometry::Other(why)),
                    Next::Broken(at) => return Err(Fault::Broken(at)),
                }
            }
        }
        let f = self.fields(groups, common)?;
        let need = |has: bool, what| if has { Ok(()) } else { Err(Fault::Incomplete(what)) };
        Ok(match name {
            b"LINE" | b"3DLINE" => {
                need(f.has(0), "start point")?;
                need(f.has(1), "end point")?;
                Geometry::Line(f.points[0], f.points[1])
            }
            b"CIRCLE" => {
                need(f.has(0), "centre")?;
                let radius = f.real(40).ok_or(Fault::Incomplete("radius"))?;
                Geometry::Circle { center: f.points[0], radius }
            }
            b"ARC" => {
                need(f.has(0), "centre")?;
                let radius = f.real(40).ok_or(Fault::Incomplete("radius"))?;
                Geometry::Arc { center: f.points[0], radius, start: f.angles[0], end: f.angles[1] }
            }
            b"ELLIPSE" => {
                need(f.has(0), "centre")?;
                need(f.has(1), "major axis")?;
                Geometry::Ellipse {
                    center: f.points[0],
                    major: f.points[1],
                    ratio: f.real(40).unwrap_or(1.0),
                    start: f.real(41).unwrap_or(0.0),
                    end: f.real(42).unwrap_or(std::f64::consts::TAU),
                }
            }
            b"POINT" => {
                need(f.has(0), "place")?;
                Geometry::Point(f.points[0])
            }
            _ => {
                need(f.has(0), "place")?;
                let multiline = name == b"MTEXT";
                // An attribute has its own mark for what is not shown.
                common.invisible |= name == b"ATTRIB" && f.flags[0] & 1 != 0;
                // Group 72/73 other than left and baseline: the second point is where the text was put.
                let aligned = !multiline && f.has(1) && (f.flags[2] != 0 || f.flags[3] != 0);
                // 3 and 5 are fitted between both points.
                let fitted = aligned && matches!(f.flags[2], 3 | 5);
                let height = f.real(40).unwrap_or(0.0);
                // 71 of a TEXT: 2 backwards, 4 upside down. 41 of an MTEXT is the width of its frame.
                let mirrored = |bit| !multiline && f.flags[1] & bit != 0;
                let sign = |bit| if mirrored(bit) { -1.0 } else { 1.0 };
                let stretch = f.real(41).filter(|w| !multiline && *w > 0.0).unwrap_or(1.0);
                Geometry::Text(Box::new(TextEntity {
                    at: f.points[usize::from(aligned && !fitted)],
                    anchor: anchor(multiline, &f.flags),
                    to: fitted.then_some(f.points[1]),
                    scaled: f.flags[2] == 3,
                    stretch: stretch * sign(2),
                    rise: sign(4),
                    slant: if multiline { 0.0 } else { f.angles[1] },
                    height,
                    rotation: f.angles[0],
                    direction: (multiline && f.has(1)).then_some(f.points[1]),
                    multiline,
                    pieces: f.texts,
                }))
            }
        })
    }

    fn lwpolyline(
        &mut self,
        groups: &mut Groups<'a>,
        common: &mut Common<'a>,
    ) -> Result<Geometry<'a>, Fault> {
        let mut vertices: Vec<[f64; 3]> = Vec::new();
        let (mut elevation, mut closed, mut bad_number, mut complete) = (0.0, false, false, true);
        loop {
            let g = match groups.next() {
                Next::Group(g) => g,
                Next::End => break,
                Next::Broken(at) => return Err(Fault::Broken(at)),
            };
            match g.code {
                10 | 20 | 42 | 38 => {
                    let Some(v) = self.number(&g) else {
                        bad_number = true;
                        continue;
                    };
                    match (g.code, vertices.last_mut()) {
                        (38, _) => elevation = v,
                        (10, _) => {
                            complete &= vertices.last().is_none_or(|p| !p[1].is_nan());
                            vertices.push([v, f64::NAN, 0.0]);
                        }
                        (20, Some(last)) => last[1] = v,
                        (42, Some(last)) => last[2] = v,
                        _ => {}
                    }
                }
                // A believable count saves growing; a lie costs nothing.
                90 => vertices.reserve(g.integer().unwrap_or(0).clamp(0, 256) as usize),
                70 => closed = g.integer().unwrap_or(0) & 1 != 0,
                // Start and end width of the piece that leaves a vertex, and the width of all pieces.
                40 | 41 | 43 => common.widen(&g),
                _ => {
                    self.common(&g, common);
                }
            }
        }
        if bad_number {
            return Err(Fault::Number);
        }
        if !complete || vertices.last().is_some_and(|p| p[1].is_nan()) {
            return Err(Fault::Incomplete("y for one of its vertices"));
        }
        vertices.shrink_to_fit();
        Ok(Geometry::Flat { vertices, elevation, closed })
    }

    fn spline(&mut self, groups: &mut Groups<'a>, common: &mut Common<'a>) -> Result<Geometry<'a>, Fault> {
        let mut s = Spline { degree: 3, ..Spline::default() };
        let (mut bad_number, mut in_spline) = (false, true);
        let mut tangents = [[0.0; 3]; 2];
        let mut tangents_given = [false; 2];
        loop {
            let g = match groups.next() {
                Next::Group(g) => g,
                Next::End => break,
                Next::Broken(at) => return Err(Fault::Broken(at)),
            };
            match g.code {
                // A HELIX is a spline followed by how it was made, in the same codes.
                100 => in_spline = g.text() != b"AcDbHelix",
                10..=13 | 20..=23 | 30..=33 | 40 | 41 if in_spline => {
                    let Some(v) = self.number(&g) else {
                        bad_number = true;
                        continue;
                    };
                    let (axis, which) = (g.code as usize / 10 - 1, g.code as usize % 10);
                    match (g.code, which) {
                        (40, _) => s.knots.push(v),
                        (41, _) => s.weights.push(v),
                        (_, 0 | 1) => {
                            let list = if which == 0 { &mut s.points } else { &mut s.fit };
                            if axis == 0 {
                                list.push([v, 0.0, 0.0]);
                            } else if let Some(last) = list.last_mut() {
                                last[axis] = v;
                            }
                        }
                        _ => {
                            tangents[which - 2][axis] = v;
                            tangents_given[which - 2] = true;
                        }
                    }
                }
                70 if in_spline => s.flags = g.integer().unwrap_or(0),
                71 if in_spline => s.degree = g.integer().unwrap_or(3),
                _ => {
                    self.common(&g, common);
                }
            }
        }
        if bad_number {
            return Err(Fault::Number);
        }
        s.start_tangent = tangents_given[0].then_some(tangents[0]);
        s.end_tangent = tangents_given[1].then_some(tangents[1]);
        Ok(Geometry::Spline(Box::new(s)))
    }

    fn hatch(&mut self, groups: &mut Groups<'a>, common: &mut Common<'a>) -> Result<Geometry<'a>, Fault> {
        let mut boundary = hatch::Boundary::default();
        loop {
            let g = match groups.next() {
                Next::Group(g) => g,
                Next::End => break,
                Next::Broken(at) => return Err(Fault::Broken(at)),
            };
            if !boundary.take(&g) {
                self.common(&g, common);
            }
        }
        let mut bad_number = false;
        for (g, number) in std::mem::take(&mut boundary.odd) {
            bad_number |= self.talk.odd_number(&g, number).is_none();
        }
        if bad_number {
            return Err(Fault::Number);
        }
        let elevation = boundary.elevation;
        Ok(Geometry::Hatch { loops: boundary.finish(), elevation })
    }

    /// Group 70 of a POLYLINE: 1 closed, 2 curve-fit, 4 spline-fit, 8 in space, 16 mesh, 64 polyface. Of a VERTEX:
    /// 16 is a point of the frame that a spline-fit curve replaces; what the fit added (1, 8) is on the curve.
    fn polyline(&mut self, groups: &mut Groups<'a>, common: &mut Common<'a>) -> Result<Geometry<'a>, Fault> {
        let header = self.fields(groups, common);
        let mut vertices: Vec<[f64; 4]> = Vec::new();
        let mut fault = None;
        let mut nobody = Common::default();
        let flags = header.as_ref().map_or(0, |h| h.flags[0]);
        // 40 and 41 are the widths that vertices have which name none.
        let mut width = header.as_ref().map_or(0.0, |h| h.reals[0].abs().max(h.reals[1].abs()));
        loop {
            let from = groups.pos();
            let Some(record) = groups.record(|_| {}) else {
                fault = fault.or(Some(Fault::Incomplete("end (SEQEND)")));
                break;
            };
            match record.text() {
                b"VERTEX" => match self.fields(groups, &mut nobody) {
                    Ok(v) if v.flags[0] & 16 != 0 && flags & 4 != 0 => {}
                    Ok(v) if v.has(0) => {
                        let [x, y, z] = v.points[0];
                        width = width.max(v.reals[0].abs()).max(v.reals[1].abs());
                        vertices.push([x, y, z, v.reals[2]]);
                    }
                    Ok(_) if flags & (16 | 64) != 0 => {}
                    Ok(_) => fault = fault.or(Some(Fault::Incomplete("place for one of its vertices"))),
                    Err(Fault::Broken(at)) => {
                        fault = fault.or(Some(Fault::Broken(at)));
                        groups.resync();
                    }
                    Err(other) => fault = fault.or(Some(other)),
                },
                b"SEQEND" => {
                    groups.skip_record();
                    break;
                }
                _ => {
                    groups.seek(from);
                    break;
                }
            }
        }
        let header = header?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let closed = flags & 1 != 0;
        if flags & 16 != 0 {
            return Ok(Geometry::Other("a mesh, no outline"));
        }
        if flags & 64 != 0 {
            return Ok(Geometry::Other("a polyface mesh, no outline"));
        }
        common.width = width;
        if flags & 8 != 0 {
            let points = vertices.into_iter().map(|[x, y, z, _]| [x, y, z]).collect();
            return Ok(Geometry::Spatial { points, closed });
        }
        let elevation = header.points[0][2];
        let vertices = vertices.into_iter().map(|[x, y, _, bulge]| [x, y, bulge]).collect();
        Ok(Geometry::Flat { vertices, elevation, closed })
    }

    fn insert(&mut self, groups: &mut Groups<'a>, common: &mut Common<'a>) -> Result<Geometry<'a>, Fault> {
        let header = self.fields(groups, common);
        let follows = header.as_ref().is_ok_and(|h| h.follows);
        let mut attributes = Vec::new();
        loop {
            let from = groups.pos();
            match groups.record(|_| {}) {
                Some(record) if record.text() == b"ATTRIB" => attributes.extend(self.entity(groups, record)),
                Some(record) if record.text() == b"SEQEND" && (follows || !attributes.is_empty()) => {
                    groups.skip_record();
                    break;
                }
                _ => {
                    groups.seek(from);
                    break;
                }
            }
        }
        let h = header?;
        let count = |code| h.flag(code).map_or(1, |n| n.clamp(1, i64::from(i16::MAX)) as u32);
        // A scale of 0 means nothing; CAD programs read it as 1.
        let scale = |code| h.real(code).filter(|&v| v != 0.0).unwrap_or(1.0);
        Ok(Geometry::Insert(Box::new(Insert {
            block: h.name,
            at: h.points[0],
            scale: [scale(41), scale(42), scale(43)],
            rotation: h.angles[0],
            columns: count(70),
            rows: count(71),
            column_step: h.reals[4],
            row_step: h.reals[5],
            dictionary: h.dictionary,
            attributes,
        })))
    }
}

/// Why an entity could not be read.
enum Fault {
    Broken(usize),
    Incomplete(&'static str),
    /// Said already.
    Number,
}

/// Returns why entities of this name are not geometry to be cut; `None` for those read.
fn not_geometry(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"LINE" | b"3DLINE" | b"CIRCLE" | b"ARC" | b"ELLIPSE" | b"POINT" | b"TEXT" | b"MTEXT" | b"ATTRIB" => {
            return None;
        }
        b"ATTDEF" => "a template for attributes",
        b"SOLID" | b"TRACE" => "a filled area, no outline",
        b"3DFACE" => "a face in space, no outline",
        b"DIMENSION"
        | b"ARC_DIMENSION"
        | b"LARGE_RADIAL_DIMENSION"
        | b"LEADER"
        | b"MULTILEADER"
        | b"MLEADER"
        | b"TOLERANCE" => "annotation",
        b"RAY" | b"XLINE" => "a construction line without end",
        b"VIEWPORT" => "a window of paper space",
        b"IMAGE" | b"WIPEOUT" | b"OLEFRAME" | b"OLE2FRAME" | b"UNDERLAY" | b"PDFUNDERLAY"
        | b"DGNUNDERLAY" | b"DWFUNDERLAY" => "a picture",
        b"3DSOLID" | b"BODY" | b"REGION" | b"SURFACE" | b"EXTRUDEDSURFACE" | b"LOFTEDSURFACE"
        | b"REVOLVEDSURFACE" | b"SWEPTSURFACE" | b"PLANESURFACE" | b"NURBSURFACE" => {
            "a solid in ACIS format; explode it or export its outline"
        }
        b"MESH" => "a mesh, no outline",
        b"SHAPE" => "a symbol from a shape file",
        b"MLINE" => "a multi-line; explode it to cut it",
        b"ACAD_TABLE" => "a table",
        b"VERTEX" | b"SEQEND" => "outside of a polyline",
        b"ACAD_PROXY_ENTITY" | b"ACAD_ZOMBIE_ENTITY" => {
            "made by an add-on (a proxy); explode it where that is"
        }
        b"ARCALIGNEDTEXT" | b"RTEXT" => "a text of an add-on; explode it to cut it",
        b"LIGHT" | b"SUN" | b"CAMERA" | b"SECTIONOBJECT" => "a scene object",
        _ => "not known to this reader",
    })
}
