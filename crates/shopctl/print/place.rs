//! What stands on the bed: meshes read, mended, scaled, turned, copied and put beside one another.
//!
//! A *thing* is one object with all its parts, and the places where copies of it stand. A project keeps its places; as soon
//! as there is more than one file or copy, or several things are laid flat, they are arranged anew.

use crate::program;
use crate::report::{self, Sources, Style};
use anyhow::Result;
use clap::Args;
use shop_formats::mesh::{HeightChange, HeightRange, ReadOptions, Role, Scene, Setting};
use shop_geom::mesh::repair::{Limits, repair};
use shop_geom::mesh::{Mesh, Point3, Transform, Vector3, arrange, hull, rest};
use shop_geom::{Aabb, Point, Vector};
use shop_report::{Diagnostic, Severity};
use std::path::{Path, PathBuf};

/// Flags that say how bodies stand.
#[derive(Args, Clone, Debug)]
pub struct PlaceArgs {
    /// Print so many of everything
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Placement")]
    pub copies: u32,
    /// Unit of the numbers in STL and OBJ: mm, cm, m, in, or millimetres per unit
    #[arg(long, value_name = "UNIT", value_parser = unit, help_heading = "Placement")]
    pub units: Option<f64>,
    /// Scale by a factor, a percentage, or one for each axis: 1.5, 80%, 1,1,2
    #[arg(long, value_name = "FACTOR", value_parser = factors, help_heading = "Placement")]
    pub scale: Option<[f64; 3]>,
    /// Turn about z, or about x, then y, then z: 45 or 90,0,45
    #[arg(long = "rotate", value_name = "DEGREES", value_parser = angles, allow_hyphen_values = true, help_heading = "Placement")]
    pub rotate_deg: Option<[f64; 3]>,
    /// Lay every body on the side on which it stands best
    #[arg(long, help_heading = "Placement")]
    pub lay_flat: bool,
    /// Arrange the bodies anew, whatever their file says
    #[arg(long, help_heading = "Placement")]
    pub arrange: bool,
    /// Room between arranged bodies
    #[arg(long, value_name = "MM", default_value_t = 6.0, value_parser = not_negative, help_heading = "Placement")]
    pub gap_mm: f64,
    /// Bed of a project with several, counted from 1
    #[arg(long, value_name = "N", help_heading = "Placement")]
    pub plate: Option<u32>,
}

fn unit(text: &str) -> Result<f64, String> {
    match text.trim() {
        "mm" => Ok(1.0),
        "cm" => Ok(10.0),
        "m" => Ok(1000.0),
        "in" | "inch" => Ok(25.4),
        other => positive(other).map_err(|_| "mm, cm, m, in, or millimetres per unit is wanted".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let v = text.trim().parse::<f64>().ok().filter(|v| v.is_finite() && *v > 1e-6 && *v < 1e6);
    v.ok_or_else(|| "a number above 0 is wanted".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let v = text.trim().parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0);
    v.ok_or_else(|| "a number, 0 or more, is wanted".to_owned())
}

fn factor(text: &str) -> Result<f64, String> {
    match text.trim().strip_suffix('%') {
        Some(percent) => Ok(positive(percent)? / 100.0),
        None => positive(text),
    }
}

fn factors(text: &str) -> Result<[f64; 3], String> {
    let all = text.split(',').map(factor).collect::<Result<Vec<f64>, String>>()?;
    match all[..] {
        [f] => Ok([f; 3]),
        [x, y, z] => Ok([x, y, z]),
        _ => Err("one factor, or three, are wanted".to_owned()),
    }
}

fn angles(text: &str) -> Result<[f64; 3], String> {
    let angle = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite() && v.abs() <= 3600.0);
    let all = text.split(',').map(angle).collect::<Option<Vec<f64>>>();
    match all.as_deref() {
        Some([z]) => Ok([0.0, 0.0, *z]),
        Some([x, y, z]) => Ok([*x, *y, *z]),
        _ => Err("one angle, or three, are wanted, in degrees".to_owned()),
    }
}

/// Where bodies may be arranged.
#[derive(Clone, Copy, Debug)]
pub struct Bed {
    /// Its front left corner, mm.
    pub low: Point,
    /// The corner across.
    pub high: Point,
    /// Room that the head needs around bodies which are made one after another, mm; 0 where all are made at once.
    pub head_mm: f64,
    /// Of these only one may be taller, mm.
    pub gantry_mm: f64,
    /// Room for what lies around bodies in the first layer, mm.
    pub edge_mm: f64,
}

/// One object, and where copies of it stand.
#[derive(Clone, Debug, Default)]
pub struct Thing {
    /// Its name; may be empty.
    pub name: String,
    /// What it is made of.
    pub parts: Vec<ThingPart>,
    /// Settings for it alone, as its file writes them.
    pub settings: Vec<Setting>,
    /// Settings for heights of it, as its file writes them.
    pub ranges: Vec<HeightRange>,
    /// What is added to x and y for each copy, mm.
    pub places: Vec<[f64; 2]>,
}

/// A mesh of a thing, and what it is for.
#[derive(Clone, Debug, Default)]
pub struct ThingPart {
    /// What the mesh means.
    pub role: Role,
    /// The mesh, mm on the bed.
    pub mesh: Mesh,
    /// Settings for it alone, as its file writes them.
    pub settings: Vec<Setting>,
}

impl Thing {
    fn transform(&mut self, by: &Transform) {
        for part in &mut self.parts {
            part.mesh.transform(by);
        }
        let turn = by.linear;
        for p in &mut self.places {
            *p = [turn[(0, 0)] * p[0] + turn[(0, 1)] * p[1], turn[(1, 0)] * p[0] + turn[(1, 1)] * p[1]];
        }
    }

    /// Returns its meshes of material.
    pub fn solids(&self) -> impl Iterator<Item = &Mesh> + Clone {
        self.parts.iter().filter(|p| p.role == Role::Solid).map(|p| &p.mesh)
    }

    /// Returns how low it is, mm.
    pub fn low(&self) -> f64 {
        self.solids().flat_map(|m| &m.points).map(|p| p.z).fold(f64::INFINITY, f64::min)
    }

    /// Returns how high its top is, mm.
    fn high(&self) -> f64 {
        self.solids().flat_map(|m| &m.points).map(|p| p.z).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Returns the hull of its shadow on the bed.
    fn shadow(&self) -> Vec<Point> {
        hull::flat(self.solids().flat_map(|m| &m.points).map(Point3::xy))
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Stand {
    /// Everything that is to be printed.
    pub things: Vec<Thing>,
    /// Settings of the projects, as they write them.
    pub settings: Vec<Setting>,
    /// What is to happen at heights above the bed.
    pub changes: Vec<HeightChange>,
}

/// Reads files and puts what they hold on a bed, a rectangle of corners `bed`, mm; nothing when there is nothing to print,
/// which is told.
pub fn stand(
    inputs: &[PathBuf],
    args: &PlaceArgs,
    bed: Bed,
    style: Style,
    notes: &mut Vec<Diagnostic>,
) -> Result<Option<Stand>> {
    let mut all = Stand::default();
    for input in inputs {
        let bytes = program::open(input)?;
        let mut sources = Sources::new();
        let id = sources.add(input.display().to_string(), &*bytes);
        let options = ReadOptions { mm_per_unit: args.units, ..ReadOptions::default() };
        let forget = |range: std::ops::Range<usize>| bytes.forget_range(range);
        let mut found = Vec::new();
        let mut scene =
            shop_formats::mesh::read_releasing(id, &bytes, &options, &forget).drain_into(&mut found);
        name_by_file(&mut scene, input);
        all.settings.append(&mut scene.settings);
        changes(std::mem::take(&mut scene.changes), args, &mut all.changes, &mut found);
        keep_plate(&mut scene, args.plate, &mut found);
        things(scene, &mut all.things, &mut found);
        if found.iter().any(|d| d.severity == Severity::Error) {
            notes.append(&mut found);
            eprint!("{}", report::render(notes, &sources, style));
            return Ok(None);
        }
        // Places in the file are told by name only: the file itself is let go before slicing begins.
        for mut d in found {
            d.span = None;
            notes.push(d);
        }
    }
    if all.things.iter().all(|b| b.solids().all(|m| m.triangles.is_empty())) {
        notes.push(Diagnostic::error("print/nothing-solid", "there is nothing solid to print"));
    } else {
        set(&mut all.things, args, inputs.len(), bed, notes);
        notes.extend(too_large(&all.things));
    }
    if notes.iter().any(|d| d.severity == Severity::Error) {
        eprint!("{}", report::render(notes, &Sources::new(), style));
        return Ok(None);
    }
    Ok(Some(all))
}

/// Everything must lie within a hundred metres, mm: places are counted in tenths of a micrometre.
const LARGEST_MM: f64 = 1e5;

/// Says that things are larger than places can be counted.
fn too_large(things: &[Thing]) -> Option<Diagnostic> {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for thing in things {
        for (a, b) in thing.solids().filter_map(Mesh::bounds) {
            for place in &thing.places {
                for k in 0..3 {
                    let by = place.get(k).copied().unwrap_or(0.0);
                    (low[k], high[k]) = (low[k].min(a[k] + by), high[k].max(b[k] + by));
                }
            }
        }
    }
    let largest = (0..3).map(|k| high[k] - low[k]).fold(0.0, f64::max);
    (largest > LARGEST_MM).then(|| {
        let message = format!(
            "everything together reaches over {:.0} m: more than {:.0} m cannot be counted",
            largest / 1000.0,
            LARGEST_MM / 1000.0
        );
        Diagnostic::error("print/too-large", message)
            .hint("--units, --scale, or --arrange for bodies far apart")
    })
}

/// Takes over what is to happen at heights, unless bodies come to lie otherwise, and heights with them.
fn changes(
    given: Vec<HeightChange>,
    args: &PlaceArgs,
    out: &mut Vec<HeightChange>,
    found: &mut Vec<Diagnostic>,
) {
    let tilted = args.rotate_deg.is_some_and(|[x, y, _]| x != 0.0 || y != 0.0);
    if args.lay_flat || tilted {
        if !given.is_empty() {
            let message =
                "what the project wants to happen at heights is left out, as the part lies otherwise";
            found.push(Diagnostic::warning("print/changes-left-out", message).count(given.len()));
        }
        return;
    }
    let scale = args.scale.map_or(1.0, |[_, _, z]| z);
    out.extend(given.into_iter().map(|c| HeightChange { z: c.z * scale, ..c }));
}

/// Leaves only what stands on one bed of a project that has several.
fn keep_plate(scene: &mut Scene, wanted: Option<u32>, found: &mut Vec<Diagnostic>) {
    let plates = std::mem::take(&mut scene.plates);
    let many = plates.iter().filter(|p| !p.instances.is_empty()).count() > 1;
    if plates.len() < 2 && wanted.unwrap_or(1) == 1 || wanted.is_none() && !many {
        return;
    }
    let number = wanted.unwrap_or(1) as usize;
    let Some(plate) = number.checked_sub(1).and_then(|i| plates.get(i)) else {
        let message =
            format!("the project has {} beds, there is none with the number {number}", plates.len());
        found.push(Diagnostic::error("print/no-such-plate", message));
        return;
    };
    if wanted.is_none() {
        let message = format!("the project has {} beds; the first is printed", plates.len());
        found.push(Diagnostic::info("print/first-plate", message).hint("say --plate N for another one"));
    }
    for (o, object) in scene.objects.iter_mut().enumerate() {
        let mut i = 0;
        object.instances.retain(|_| {
            i += 1;
            plate.instances.contains(&(o, i - 1))
        });
    }
    scene.objects.retain(|o| !o.instances.is_empty());
}

/// Names objects after their file where nobody gave them a name: the head of an STL file tells which program wrote it.
fn name_by_file(scene: &mut Scene, input: &Path) {
    let Some(stem) = input.file_stem().map(|s| s.to_string_lossy().into_owned()).filter(|s| s != "-") else {
        return;
    };
    let is_stl = input.extension().is_some_and(|e| e.eq_ignore_ascii_case("stl"));
    for object in scene.objects.iter_mut().filter(|o| is_stl || o.name.trim().is_empty()) {
        object.name.clone_from(&stem);
    }
}

/// Takes a scene apart. Solids are repaired first, and what was wrong with them is told. Instances that only stand
/// elsewhere are copies; what is turned or scaled otherwise is a thing of its own.
fn things(scene: Scene, out: &mut Vec<Thing>, found: &mut Vec<Diagnostic>) {
    for mut object in scene.objects {
        for part in object.parts.iter_mut().filter(|p| p.role == Role::Solid) {
            found.extend(repair(&mut part.mesh, &Limits::default()).diagnostics(&object.name));
        }
        let mut alike: Vec<(Transform, Vec<[f64; 2]>)> = Vec::new();
        for at in &object.instances {
            let same = |t: &Transform| t.linear == at.linear && t.offset.z == at.offset.z;
            match alike.iter_mut().find(|(t, _)| same(t)) {
                Some((t, places)) => places.push([at.offset.x - t.offset.x, at.offset.y - t.offset.y]),
                None => alike.push((*at, vec![[0.0; 2]])),
            }
        }
        let parts = object.parts.into_iter();
        let mut thing = Thing {
            name: object.name,
            parts: parts.map(|p| ThingPart { role: p.role, mesh: p.mesh, settings: p.settings }).collect(),
            settings: object.settings,
            ranges: object.ranges,
            places: Vec::new(),
        };
        let last = alike.len().saturating_sub(1);
        for (i, (at, places)) in alike.into_iter().enumerate() {
            // The last one takes the meshes along.
            let mut one = if i == last { std::mem::take(&mut thing) } else { thing.clone() };
            one.transform(&at);
            one.places = places;
            out.push(one);
        }
    }
}

/// Scales, turns, copies and arranges.
fn set(things: &mut Vec<Thing>, args: &PlaceArgs, files: usize, bed: Bed, notes: &mut Vec<Diagnostic>) {
    let several = things.iter().map(|t| t.places.len()).sum::<usize>() > 1;
    let scale = args.scale.map(|[x, y, z]| Transform::scale(x, y, z));
    let turn = args.rotate_deg.map(|deg| {
        let [x, y, z] = deg.map(f64::to_radians);
        let about = Transform::turn;
        about(Vector3::x(), x).then(&about(Vector3::y(), y)).then(&about(Vector3::z(), z))
    });
    for by in [scale, turn].iter().flatten() {
        if by.linear[(2, 0)] != 0.0 || by.linear[(2, 1)] != 0.0 {
            single(things);
        }
        for thing in things.iter_mut() {
            thing.transform(by);
        }
    }
    if args.lay_flat {
        for thing in things.iter_mut() {
            let mut whole = Mesh::default();
            thing.solids().for_each(|m| whole.append(m));
            thing.transform(&rest::lay_flat(&whole));
        }
    }
    for thing in things.iter_mut() {
        thing.places = thing.places.repeat(args.copies as usize);
    }
    if args.arrange || args.copies > 1 || files > 1 || args.lay_flat && several {
        put_beside(things, args.gap_mm, bed, notes);
    }
}

/// Makes a thing of every copy: turned about x or y, copies come to stand above one another.
fn single(things: &mut Vec<Thing>) {
    for thing in std::mem::take(things) {
        for place in &thing.places {
            let mut one = Thing { places: vec![[0.0; 2]], ..thing.clone() };
            one.parts.iter_mut().for_each(|p| p.mesh.transform(&Transform::shift(place[0], place[1], 0.0)));
            things.push(one);
        }
    }
}

/// Arranges all copies on the bed, each standing on it.
fn put_beside(things: &mut [Thing], gap_mm: f64, bed: Bed, notes: &mut Vec<Diagnostic>) {
    let hull = |t: &Thing| if bed.head_mm > 0.0 { around(&t.shadow()) } else { t.shadow() };
    let hulls: Vec<Vec<Point>> =
        things.iter().flat_map(|t| std::iter::repeat_n(hull(t), t.places.len())).collect();
    let gap = gap_mm.max(bed.head_mm);
    let places = arranged(&hulls, &bed, gap);
    let missing = places.iter().filter(|p| p.is_none()).count();
    if missing > 0 {
        notes.extend(full(things, &hulls, &bed, [gap_mm, gap], missing));
        return;
    }
    let mut places = places.into_iter().flatten();
    for thing in things {
        let down = Transform::shift(0.0, 0.0, -thing.low());
        thing.parts.iter_mut().for_each(|p| p.mesh.transform(&down));
        thing.places = places.by_ref().take(thing.places.len()).map(|p| [p.x, p.y]).collect();
    }
}

/// Says why bodies have no room: `gaps` are those that were asked for, and those that the head wants.
fn full(
    things: &[Thing],
    hulls: &[Vec<Point>],
    bed: &Bed,
    [asked, gap]: [f64; 2],
    missing: usize,
) -> Vec<Diagnostic> {
    let all = hulls.len();
    let size = format!("{:.0} x {:.0} mm", bed.high.x - bed.low.x, bed.high.y - bed.low.y);
    let mut found = Vec::new();
    let tall = |t: &&Thing| t.high() - t.low() > bed.gantry_mm;
    let count: usize = things.iter().filter(tall).map(|t| t.places.len()).sum();
    if let Some(thing) = things.iter().find(tall).filter(|_| count > 1) {
        let message = format!(
            "{count} of {all} bodies are taller than the gantry's {} mm (`{}`: {:.1} mm): made one after another, only the \
             last may be",
            bed.gantry_mm,
            thing.name,
            thing.high() - thing.low()
        );
        found.push(
            Diagnostic::error("print/object-too-tall", message)
                .hint("set sequential=false, or print the tall ones on their own; gantry_mm is what the printer's head leaves"),
        );
    }
    let fewer = arranged(hulls, bed, asked).iter().filter(|p| p.is_none()).count();
    if gap > asked && fewer < missing {
        let message = format!(
            "{missing} of {all} bodies have no room on the bed of {size} when they are made one after another, {gap} mm \
             apart for the head; all at once {} would have",
            if fewer == 0 { "all".to_owned() } else { (all - fewer).to_string() }
        );
        found.push(Diagnostic::error("print/no-room-for-head", message).hint(
            "print fewer at once, or set sequential=false; head_radius_mm is what the printer's head takes",
        ));
    } else {
        let message = format!("{missing} of {all} bodies have no room on the bed of {size}");
        let hint = "print fewer at once, or bring them nearer to one another with --gap-mm";
        found.push(Diagnostic::error("print/bed-full", message).hint(hint));
    }
    found
}

/// Arranges all copies: from the middle of the bed outwards; or, where the first then leave no room to the last, as on a
/// bed without an end and moved together, or in rows. Returns where each comes to lie, by the way that leaves out fewest.
fn arranged(hulls: &[Vec<Point>], bed: &Bed, gap: f64) -> Vec<Option<Vector>> {
    let edge = Vector::new(bed.edge_mm, bed.edge_mm);
    let room = [bed.low + edge, bed.high - edge];
    let size = room[1] - room[0];
    if size.x <= 0.0 || size.y <= 0.0 {
        return vec![None; hulls.len()];
    }
    let missing = |places: &[Option<Vector>]| places.iter().filter(|p| p.is_none()).count();
    let mut best = arrange::arrange(hulls, &corners(room[0], room[1]), gap);
    for way in [endless, rows] {
        if missing(&best) > 0 {
            let other = way(hulls, room, gap);
            if missing(&other) < missing(&best) {
                best = other;
            }
        }
    }
    best
}

/// Arranges bodies as on a bed without an end, and moves them together to the middle of the room if they fit; else none.
fn endless(hulls: &[Vec<Point>], [low, high]: [Point; 2], gap: f64) -> Vec<Option<Vector>> {
    let (size, middle) = (high - low, low + 0.5 * (high - low));
    let wide = arrange::arrange(hulls, &corners(middle - size, middle + size), gap);
    let shifted = hulls.iter().zip(&wide).filter_map(|(h, at)| Some((h, (*at)?)));
    let all = Aabb::of(shifted.flat_map(|(h, at)| h.iter().map(move |p| p + at)));
    let fits = all.width() <= size.x && all.height() <= size.y;
    if !fits || wide.iter().any(Option::is_none) {
        return vec![None; hulls.len()];
    }
    let back = middle - all.center();
    wide.into_iter().map(|at| at.map(|at| at + back)).collect()
}

/// Arranges the boxes around bodies in rows, the deepest first, in the middle of the room: of boxes of one size no way
/// puts more on a bed without turning them. What has no room has no place.
fn rows(hulls: &[Vec<Point>], [low, high]: [Point; 2], gap: f64) -> Vec<Option<Vector>> {
    let boxes: Vec<Aabb> = hulls.iter().map(|h| Aabb::of(h.iter().copied())).collect();
    let mut order: Vec<usize> = (0..hulls.len()).collect();
    order.sort_by(|&a, &b| boxes[b].height().total_cmp(&boxes[a].height()));
    let mut out: Vec<Option<Vector>> = vec![None; hulls.len()];
    let (mut at, mut deep, mut end) = (low, 0.0_f64, low);
    for i in order {
        let size = Vector::new(boxes[i].width(), boxes[i].height());
        if at.x + size.x > high.x && at.x > low.x {
            at = Point::new(low.x, at.y + deep + gap);
            deep = 0.0;
        }
        if at.x + size.x > high.x || at.y + size.y > high.y {
            continue;
        }
        out[i] = Some(at - boxes[i].min);
        end = Point::new(end.x.max(at.x + size.x), end.y.max(at.y + size.y));
        deep = deep.max(size.y);
        at.x += size.x + gap;
    }
    let back = 0.5 * (high - end);
    out.into_iter().map(|at| at.map(|at| at + back)).collect()
}

fn corners(low: Point, high: Point) -> [Point; 4] {
    [low, Point::new(high.x, low.y), high, Point::new(low.x, high.y)]
}

/// Returns the corners of the box around a hull.
fn around(hull: &[Point]) -> Vec<Point> {
    let all = Aabb::of(hull.iter().copied());
    corners(all.min, all.max).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_formats::mesh::{Object, Part, Plate};

    fn mesh() -> Mesh {
        let points =
            [[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]].map(Point3::from).to_vec();
        Mesh { points, triangles: vec![[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]] }
    }

    fn args(flags: &[&str]) -> PlaceArgs {
        #[derive(clap::Parser)]
        struct Flags {
            #[command(flatten)]
            place: PlaceArgs,
        }
        let words = std::iter::once("test").chain(flags.iter().copied());
        <Flags as clap::Parser>::try_parse_from(words).expect("flags").place
    }

    fn scene(instances: usize) -> Scene {
        let part = |role| Part { role, mesh: mesh(), ..Part::default() };
        let object = Object {
            parts: vec![part(Role::Solid), part(Role::Negative)],
            instances: (0..instances).map(|i| Transform::shift(20.0 * i as f64, 0.0, 0.0)).collect(),
            ..Object::default()
        };
        Scene { objects: vec![object], ..Scene::default() }
    }

    fn bed() -> Bed {
        Bed {
            low: Point::new(0.0, 0.0),
            high: Point::new(100.0, 100.0),
            head_mm: 0.0,
            gantry_mm: f64::INFINITY,
            edge_mm: 0.0,
        }
    }

    fn placed(scene: Scene, flags: &[&str]) -> (Vec<Thing>, Vec<&'static str>) {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        things(scene, &mut out, &mut notes);
        set(&mut out, &args(flags), 1, bed(), &mut notes);
        (out, notes.iter().map(|d| d.code).collect())
    }

    #[test]
    fn what_nobody_named_is_named_after_its_file() {
        let named = |own: &str, file: &str| {
            let mut given = scene(1);
            given.objects[0].name = own.to_owned();
            name_by_file(&mut given, Path::new(file));
            given.objects.swap_remove(0).name
        };
        assert_eq!(named("made by some program", "parts/left.STL"), "left");
        assert_eq!(named("", "right.obj"), "right");
        assert_eq!(named("lid", "box.3mf"), "lid");
        assert_eq!(named("", "-"), "");
    }

    #[test]
    fn a_project_keeps_its_places_and_its_parts() {
        let (things, notes) = placed(scene(2), &[]);
        assert_eq!(notes, [""; 0]);
        assert_eq!(things.len(), 1, "copies are one thing");
        assert_eq!(things[0].places, [[0.0, 0.0], [20.0, 0.0]]);
        assert_eq!(things[0].parts[1].role, Role::Negative);
        let mut turned = scene(2);
        turned.objects[0].instances[1].linear *= 2.0;
        assert_eq!(placed(turned, &[]).0.len(), 2, "what is larger is another thing");
    }

    #[test]
    fn copies_stand_on_the_bed_and_apart() {
        let (things, notes) = placed(scene(2), &["--copies", "3", "--gap-mm", "2"]);
        assert_eq!((things[0].places.len(), notes.len()), (6, 0));
        let (low, high) = things[0].parts[0].mesh.bounds().unwrap();
        assert!(low.z.abs() < 1e-9);
        for (i, p) in things[0].places.iter().enumerate() {
            assert!(low.x + p[0] >= -1e-6 && high.x + p[0] <= 100.0 + 1e-6);
            assert!(things[0].places[..i].iter().all(|o| o != p));
        }
        let (_, notes) = placed(scene(1), &["--copies", "500"]);
        assert_eq!(notes, ["print/bed-full"]);
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let told = |size: f64, apart: f64| {
            let mut one = Thing { places: vec![[0.0; 2], [apart, 0.0]], ..Thing::default() };
            one.parts.push(ThingPart { mesh: mesh(), ..ThingPart::default() });
            one.parts[0].mesh.transform(&Transform::scale(size, 1.0, 1.0));
            too_large(&[one]).map(|d| d.code)
        };
        assert_eq!(told(1.0, 10.0), None);
        assert_eq!(told(1.0, 1e6), Some("print/too-large"));
        assert_eq!(told(1e6, 10.0), Some("print/too-large"));
    }

    #[test]
    fn what_the_head_needs_is_told_as_the_reason() {
        let codes = |copies: &str, head_mm: f64, gantry_mm: f64| {
            let (mut out, mut notes) = (Vec::new(), Vec::new());
            things(scene(1), &mut out, &mut notes);
            let bed = Bed { head_mm, gantry_mm, ..bed() };
            set(&mut out, &args(&["--copies", copies]), 1, bed, &mut notes);
            notes.iter().map(|d| d.code).collect::<Vec<_>>()
        };
        assert_eq!(codes("9", 10.0, 20.0), [""; 0]);
        assert_eq!(codes("9", 40.0, 20.0), ["print/no-room-for-head"]);
        assert_eq!(codes("9", 40.0, 8.0), ["print/object-too-tall", "print/no-room-for-head"]);
        assert_eq!(codes("900", 0.0, f64::INFINITY), ["print/bed-full"]);
    }

    #[test]
    fn a_bed_is_used_to_its_edges_but_for_what_lies_around_bodies() {
        let slab = |w: f64, d: f64| corners(Point::new(5.0, 5.0), Point::new(5.0 + w, 5.0 + d)).to_vec();
        let inside = |hulls: &[Vec<Point>], edge_mm: f64| {
            let places = arranged(hulls, &Bed { edge_mm, ..bed() }, 2.0);
            let boxes: Vec<Aabb> = hulls
                .iter()
                .zip(&places)
                .filter_map(|(h, at)| at.map(|at| Aabb::of(h.iter().map(|p| p + at))))
                .collect();
            for (i, a) in boxes.iter().enumerate() {
                assert!(a.min.x > edge_mm - 1e-6 && a.min.y > edge_mm - 1e-6);
                assert!(a.max.x < 100.0 - edge_mm + 1e-6 && a.max.y < 100.0 - edge_mm + 1e-6);
                for b in &boxes[..i] {
                    let apart = |k: usize| (a.min[k] - b.max[k]).max(b.min[k] - a.max[k]);
                    assert!(apart(0).max(apart(1)) > 2.0 - 1e-6);
                }
            }
            boxes.len()
        };
        // 40 x 20, two beside one another and four rows, need 82 x 86.
        assert_eq!(inside(&vec![slab(40.0, 20.0); 8], 0.0), 8);
        assert_eq!(inside(&vec![slab(40.0, 20.0); 8], 7.0), 8);
        assert_eq!(inside(&vec![slab(40.0, 20.0); 8], 8.0), 6);
        assert_eq!(inside(&[slab(98.0, 20.0), slab(20.0, 70.0), slab(70.0, 30.0)], 0.0), 3);
        assert_eq!(inside(&[slab(101.0, 20.0), slab(20.0, 20.0)], 0.0), 1);
        assert_eq!(inside(&[slab(10.0, 20.0)], 50.0), 0);
    }

    #[test]
    fn scaled_before_turned() {
        let (things, _) = placed(scene(1), &["--scale", "1,1,2", "--rotate=90,0,0"]);
        let (low, high) = things[0].parts[0].mesh.bounds().unwrap();
        assert!((low - Point3::new(0.0, -18.0, 0.0)).norm() < 1e-9, "{low}");
        assert!((high - Point3::new(9.0, 0.0, 9.0)).norm() < 1e-9, "{high}");
        let (things, _) = placed(scene(2), &["--scale=2", "--rotate=90"]);
        let place = things[0].places[1];
        assert!(place[0].abs() < 1e-9 && (place[1] - 40.0).abs() < 1e-9, "{place:?}");
        let (things, _) = placed(scene(2), &["--rotate=0,90,0"]);
        assert_eq!(things.len(), 2);
        assert_eq!(factors("80%"), Ok([0.8; 3]));
        assert!(factors("1,2").is_err() && factors("0").is_err() && angles("a").is_err());
        assert_eq!(unit("in"), Ok(25.4));
    }

    #[test]
    fn one_bed_of_a_project_is_printed() {
        let plate = |i| Plate { name: String::new(), instances: vec![(0, i)] };
        let with_plates = || Scene { plates: vec![plate(0), plate(1)], ..scene(2) };
        let mut found = Vec::new();
        let mut first = with_plates();
        keep_plate(&mut first, None, &mut found);
        assert_eq!(first.objects[0].instances, [Transform::IDENTITY]);
        assert_eq!(found[0].code, "print/first-plate");
        let mut second = with_plates();
        keep_plate(&mut second, Some(2), &mut found);
        assert_eq!(second.objects[0].instances[0].offset.x, 20.0);
        keep_plate(&mut with_plates(), Some(3), &mut found);
        assert_eq!(found.last().map(|d| d.code), Some("print/no-such-plate"));
    }
}
