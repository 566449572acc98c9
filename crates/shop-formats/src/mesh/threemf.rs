//! 3MF: a package of model parts, put together to objects that are to be made.
//!
//! ```text
//!  build items ─▶ objects ─▶ components ─▶ ... ─▶ meshes      (the tree of each item is followed to its meshes,
//!                                                              and the maps on the way are multiplied)
//! ```
//!
//! Items of the same object become one [`Object`] with several instances. Every mesh of an object is a part; where a
//! slicer has left its own notes, they say what the parts mean, or cut a mesh into parts.

use super::model::{self, Item, Model, Resource};
use super::paint::{self, Kind};
use super::project::{self, ObjectNotes, PartNotes, Project};
use super::zip::{self, Damage, Entry, Package};
use super::{Object, Part, Plate, ReadOptions, Role, Scene, Setting, Talk, is_place};
use rayon::prelude::*;
use shop_geom::mesh::{Mesh, Transform};

/// How often an object may stand in another, all in all: packages with more are made to be a burden.
const MOST_VISITS: usize = 1_000_000;
/// How deep objects may stand in one another; slicers write two levels.
const DEEPEST: usize = 64;

/// A painted piece has corners of its own, in a list that grows: it takes the room of so many triangles of a mesh.
const ROOM_OF_PAINT: usize = 8;

/// Reads a package.
pub(super) fn read(bytes: &[u8], options: &ReadOptions, talk: &mut Talk) -> Scene {
    let package = zip::open(bytes);
    say_package(&package, bytes, talk);
    let entries: Vec<&Entry<'_>> = package.entries.iter().filter(|e| e.ends_with(".model")).collect();
    let models: Vec<Model> = entries.par_iter().map(|e| model::read(e)).collect();
    let Some(root) = root(&package, &entries) else {
        talk.error("mesh/no-model", "the package holds no 3D model", 0, 0).hint =
            Some("export the part as 3MF, STL or OBJ".into());
        return Scene::default();
    };
    for (entry, model) in entries.iter().zip(&models) {
        say_model(entry, model, talk);
    }
    let project = project::read(&package);
    if let Some(program) = &project.post_process {
        let message = format!("the project asks to run `{}` on the program: ignored", shortened(program));
        talk.warn("mesh/post-process-ignored", message, 0, 0);
    }
    if project.settings.is_empty() && package.entries.iter().any(|e| e.name.starts_with("Cura/")) {
        let message = "the project holds settings in Cura's own form, which are not read";
        talk.info("mesh/cura-project", message, 0, 0).hint =
            Some("say what matters of them with --set".into());
    }
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let assembly = Assembly { models: &models, names, project: &project, options, root };
    assembly.scene(talk)
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

/// Returns the model part with which to begin: the one that the package's relations name, or the usual one.
fn root(package: &Package<'_>, entries: &[&Entry<'_>]) -> Option<usize> {
    let relations = package.entry("_rels/.rels").map(|e| e.whole(1 << 20)).unwrap_or_default();
    let mut named = None;
    let mut reader = super::xml::Reader::new(&relations, true);
    while let Some(event) = reader.next() {
        if let super::xml::Event::Open(tag) = event
            && tag.raw("Type").is_some_and(|t| t.ends_with(b"/3dmodel"))
        {
            named = tag.value("Target").map(std::borrow::Cow::into_owned);
        }
    }
    let find = |path: &str| {
        let path = path.trim_start_matches('/');
        entries.iter().position(|e| e.name.eq_ignore_ascii_case(path))
    };
    named.and_then(|n| find(&n)).or_else(|| find("3D/3dmodel.model")).or((!entries.is_empty()).then_some(0))
}

fn say_package(package: &Package<'_>, bytes: &[u8], talk: &mut Talk) {
    if package.without_directory {
        let message = "the package ends before its directory; what stands before that is read";
        talk.error("mesh/truncated", message, bytes.len(), bytes.len()).hint =
            Some("export or download the file again".into());
    }
    if let Some(at) = package.unreadable.first {
        let message = package.unreadable.say(
            "an entry of the package is",
            "entries of the package are",
            "encrypted or packed in an unknown way, and not read",
        );
        talk.error("mesh/unreadable-entry", message, at, at + 4);
    }
}

fn say_model(entry: &Entry<'_>, model: &Model, talk: &mut Talk) {
    let (name, at) = (&entry.name, entry.start);
    match model.damage {
        Some(Damage::Bomb) => {
            let message = format!("`{name}` unpacks to more than 200 times its size and is not read on");
            talk.error("mesh/zip-bomb", message, at, at);
        }
        Some(Damage::Checksum) => {
            let message = format!("`{name}` is damaged: its checksum is wrong");
            talk.error("mesh/damaged", message, at, at).hint =
                Some("export or download the file again".into());
        }
        Some(Damage::Broken) => {
            let message = format!("`{name}` is damaged and can be read only in part");
            talk.error("mesh/damaged", message, at, at).hint =
                Some("export or download the file again".into());
        }
        Some(Damage::Short) => {
            let message = format!("`{name}` ends too early; what is there is read");
            talk.error("mesh/truncated", message, at, at).hint =
                Some("export or download the file again".into());
        }
        None if model.unfinished => {
            let message = format!("`{name}` ends before the model does; what is there is read");
            talk.error("mesh/truncated", message, at, at).hint = Some("export the file again".into());
        }
        None => {}
    }
    for (count, what, hint) in [
        (model.unread[0], "colours", "give every colour a part of its own, whose extruder is read"),
        (model.unread[1], "rough surfaces", "set fuzzy for the part, or for a modifier mesh, which is read"),
    ] {
        if count > 0 {
            let message = format!("painted {what} on {count} triangles are not read");
            talk.warn("mesh/paint-ignored", message, at, at).hint = Some(hint.into());
        }
    }
}

struct Assembly<'a> {
    models: &'a [Model],
    names: Vec<&'a str>,
    project: &'a Project,
    options: &'a ReadOptions,
    root: usize,
}

/// A mesh on its way into an object.
struct Leaf<'a> {
    resource: &'a Resource,
    model: usize,
    /// From the mesh's numbers to the object's millimetres.
    at: Transform,
}

/// The object being followed to its meshes, and what must not be exceeded.
struct Walk<'a> {
    leaves: Vec<Leaf<'a>>,
    visits: usize,
    triangles: usize,
    unknown: usize,
    too_much: bool,
}

impl<'a> Assembly<'a> {
    fn scene(&self, talk: &mut Talk) -> Scene {
        let model = &self.models[self.root];
        let program = model.notes.iter().find(|(n, _)| n == "Application").map(|(_, t)| t.clone());
        let mut scene = Scene {
            settings: self.project.settings.clone(),
            changes: self.project.changes.clone(),
            program,
            ..Scene::default()
        };
        let everything = self.everything();
        let items = if model.items.is_empty() { &everything } else { &model.items };
        if model.items.is_empty() && !everything.is_empty() {
            talk.warn(
                "mesh/nothing-to-build",
                "the model says nothing to build; all of its objects are taken",
                0,
                0,
            );
        }
        let hidden = items.iter().filter(|i| !i.printable).count();
        if hidden > 0 {
            let what = if hidden == 1 { "an object is" } else { "objects are" };
            talk.info(
                "mesh/not-printable",
                format!("{what} marked as not to be printed and left out"),
                0,
                0,
            )
            .count = hidden as u32;
        }
        let mut walk = Walk { leaves: Vec::new(), visits: 0, triangles: 0, unknown: 0, too_much: false };
        // The number of each object's resource, to find it by.
        let mut keys: Vec<(usize, u32)> = Vec::new();
        let mut others = 0;
        for item in items.iter().filter(|i| i.printable) {
            let Some((file, resource)) = self.find(item, self.root) else {
                walk.unknown += 1;
                continue;
            };
            let mut at = item.at;
            at.offset *= model.mm;
            if let Some(known) = keys.iter().position(|k| *k == (file, resource.id)) {
                scene.objects[known].instances.push(at);
                continue;
            }
            if resource.kind != "model" && resource.kind != "surface" {
                others += 1;
                continue;
            }
            self.follow(resource, file, Transform::IDENTITY, 0, &mut walk);
            if walk.too_much {
                let message = "the package unfolds to more objects or triangles than can be meant; the rest is left out";
                talk.error("mesh/too-large", message, 0, 0);
                break;
            }
            let leaves = std::mem::take(&mut walk.leaves);
            if let Some(object) = self.object(resource, &leaves, at, talk) {
                keys.push((file, resource.id));
                scene.objects.push(object);
            }
        }
        if others > 0 {
            let message = "objects that are supports or aids in the file's own terms are left out";
            talk.warn("mesh/object-left-out", message, 0, 0).count = others;
        }
        if walk.unknown > 0 {
            let message = format!("{} objects that do not exist are asked for", walk.unknown);
            talk.error("mesh/unknown-object", message, 0, 0).count = walk.unknown as u32;
        }
        for (number, range) in &self.project.ranges {
            if let Some(object) = (*number as usize).checked_sub(1).and_then(|i| scene.objects.get_mut(i)) {
                object.ranges.push(range.clone());
            }
        }
        scene.plates = self.plates(&keys, &scene.objects);
        scene
    }

    /// Returns an item for every object that is not part of another.
    fn everything(&self) -> Vec<Item> {
        let objects = &self.models[self.root].objects;
        let used: Vec<u32> = objects.iter().flat_map(|o| &o.components).map(|c| c.object).collect();
        let free = objects.iter().filter(|o| !used.contains(&o.id));
        free.map(|o| Item { object: o.id, path: None, at: Transform::IDENTITY, printable: true }).collect()
    }

    /// Returns the object that an item names, and its model part; `from` is where the item stands.
    fn find(&self, item: &Item, from: usize) -> Option<(usize, &'a Resource)> {
        let file = match &item.path {
            None => from,
            Some(path) => {
                let path = path.trim_start_matches('/');
                self.names.iter().position(|n| n.eq_ignore_ascii_case(path))?
            }
        };
        Some((file, self.models[file].objects.iter().find(|o| o.id == item.object)?))
    }

    /// Collects the meshes of an object, each with the map that takes it there.
    fn follow(&self, resource: &'a Resource, file: usize, at: Transform, depth: usize, walk: &mut Walk<'a>) {
        walk.visits += 1;
        let paint = resource.painted.saturating_mul(ROOM_OF_PAINT);
        walk.triangles = walk.triangles.saturating_add(resource.triangles.len()).saturating_add(paint);
        walk.too_much |=
            walk.visits > MOST_VISITS || walk.triangles > self.options.max_triangles || depth > DEEPEST;
        if walk.too_much {
            return;
        }
        let mm = self.models[file].mm;
        if !resource.triangles.is_empty() {
            let at = Transform::scale(mm, mm, mm).then(&at);
            walk.leaves.push(Leaf { resource, model: file, at });
        }
        for component in &resource.components {
            match self.find(component, file) {
                Some((file, inner)) => {
                    let mut placed = component.at;
                    placed.offset *= mm;
                    self.follow(inner, file, placed.then(&at), depth + 1, walk);
                }
                None => walk.unknown += 1,
            }
        }
    }

    /// Makes an object of its meshes; `None` when there is none.
    fn object(
        &self,
        resource: &Resource,
        leaves: &[Leaf<'_>],
        at: Transform,
        talk: &mut Talk,
    ) -> Option<Object> {
        let notes = self.project.objects.iter().find(|o| o.id == resource.id);
        let cuts: Vec<(usize, Option<&PartNotes>)> =
            leaves.iter().enumerate().flat_map(|(i, leaf)| cuts(i, leaf, notes)).collect();
        let parts: Vec<(Part, usize, usize)> =
            cuts.par_iter().map(|&(leaf, cut)| self.part(&leaves[leaf], cut, notes)).collect();
        let unknown: usize = parts.iter().map(|p| p.1).sum();
        if unknown > 0 {
            let message = format!("{unknown} triangles of `{}` name points that do not exist", resource.name);
            talk.error("mesh/unknown-point", message, 0, 0).count = unknown as u32;
        }
        let broken: usize = parts.iter().map(|p| p.2).sum();
        if broken > 0 {
            super::stl::not_finite(talk, broken, 0, 0);
        }
        let mut parts: Vec<Part> =
            parts.into_iter().map(|p| p.0).filter(|p| !p.mesh.triangles.is_empty()).collect();
        let torn: usize = leaves.iter().map(|leaf| painted(leaf, &mut parts)).sum();
        if torn > 0 {
            let message = format!("the paint of {torn} triangles of `{}` is damaged", resource.name);
            talk.warn("mesh/paint-damaged", message, 0, 0).count = torn as u32;
        }
        let name = notes.and_then(|n| n.name.clone()).unwrap_or_else(|| resource.name.clone());
        let settings = notes.map(|n| n.settings.clone()).unwrap_or_default();
        (!parts.iter().all(|p| p.role.is_paint())).then(|| Object {
            name,
            parts,
            settings,
            instances: vec![at],
            ..Object::default()
        })
    }

    /// Makes a part; returns also how many triangles name unknown points, and how many have broken ones.
    fn part(
        &self,
        leaf: &Leaf<'_>,
        cut: Option<&PartNotes>,
        notes: Option<&ObjectNotes>,
    ) -> (Part, usize, usize) {
        let resource = leaf.resource;
        let all = &resource.triangles;
        let range = cut.and_then(|c| c.triangles).map_or(0..all.len(), |(first, last)| {
            (first as usize).min(all.len())..(last as usize).saturating_add(1).min(all.len())
        });
        let range = range.start..range.end.max(range.start);
        let (mut unknown, mut broken) = (0, 0);
        let mut triangles = Vec::with_capacity(range.len());
        for t in &all[range] {
            if t.iter().any(|i| *i as usize >= resource.points.len()) {
                unknown += 1;
            } else if t.iter().any(|i| !resource.points[*i as usize].iter().all(|v| is_place(*v))) {
                broken += 1;
            } else {
                triangles.push(*t);
            }
        }
        let mesh = Mesh::welded_from(&resource.points, &triangles).transformed(&leaf.at);
        let mut part = Part { name: resource.name.clone(), mesh, ..Part::default() };
        cura(&resource.notes, &mut part);
        if let Some(notes) = cut {
            part.role = notes.role;
            part.settings.extend(notes.settings.iter().cloned());
            if let Some(name) = &notes.name {
                part.name.clone_from(name);
            }
        }
        let of_object = notes.map(|n| n.settings.as_slice()).unwrap_or_default();
        part.extruder = extruder(&part.settings).or_else(|| extruder(of_object));
        part.material = resource.material.and_then(|(list, place)| {
            let (_, names) = self.models[leaf.model].materials.iter().find(|m| m.0 == list)?;
            names.get(place as usize).cloned()
        });
        (part, unknown, broken)
    }

    fn plates(&self, keys: &[(usize, u32)], objects: &[Object]) -> Vec<Plate> {
        let place = |&(object, instance): &(u32, u32)| {
            let at = keys.iter().position(|k| k.1 == object)?;
            let instance = instance as usize;
            (instance < objects[at].instances.len()).then_some((at, instance))
        };
        let plates = self.project.plates.iter();
        plates
            .map(|(name, on)| Plate { name: name.clone(), instances: on.iter().filter_map(place).collect() })
            .collect()
    }
}

/// Adds the painted surfaces of a mesh as parts; returns how many triangles' paint cannot be read.
fn painted(leaf: &Leaf<'_>, parts: &mut Vec<Part>) -> usize {
    let resource = leaf.resource;
    let kinds = [
        (Kind::Supports, [Role::SupportPaint, Role::NoSupportPaint]),
        (Kind::Seam, [Role::SeamPaint, Role::NoSeamPaint]),
    ];
    let mut torn = 0;
    for (kind, roles) in kinds {
        let mut surfaces = [Mesh::default(), Mesh::default()];
        for (triangle, _, text) in resource.paints.iter().filter(|p| p.1 == kind) {
            let corners = resource.triangles[*triangle as usize];
            let near = |i: &u32| resource.points.get(*i as usize).filter(|p| p.iter().all(|v| is_place(*v)));
            // What is wrong with the triangle itself is told with the mesh.
            let [Some(a), Some(b), Some(c)] = corners.each_ref().map(near) else { continue };
            torn += usize::from(!paint::unfold(text, [*a, *b, *c], &mut surfaces));
        }
        for (surface, role) in surfaces.into_iter().zip(roles).filter(|(s, _)| !s.triangles.is_empty()) {
            parts.push(Part { role, mesh: surface.transformed(&leaf.at), ..Part::default() });
        }
    }
    torn
}

/// Returns the parts into which a slicer's notes cut a mesh: several, one, or the mesh as it is.
fn cuts<'n>(
    index: usize,
    leaf: &Leaf<'_>,
    notes: Option<&'n ObjectNotes>,
) -> Vec<(usize, Option<&'n PartNotes>)> {
    let Some(notes) = notes else { return vec![(index, None)] };
    let ranges: Vec<_> =
        notes.parts.iter().filter(|p| p.triangles.is_some()).map(|p| (index, Some(p))).collect();
    if leaf.resource.id == notes.id && !ranges.is_empty() {
        return ranges;
    }
    vec![(index, notes.parts.iter().find(|p| p.triangles.is_none() && p.id == Some(leaf.resource.id)))]
}

fn extruder(settings: &[Setting]) -> Option<u32> {
    // Zero means that the slicer's own choice holds.
    settings.iter().find(|(k, _)| k == "extruder").and_then(|(_, v)| v.parse().ok()).filter(|n| *n > 0)
}

/// Takes what Cura writes about an object: settings with a prefix, some of which say what the mesh is for.
fn cura(notes: &[Setting], part: &mut Part) {
    for (name, value) in notes {
        let Some(key) = name.strip_prefix("cura:") else { continue };
        let yes = value.eq_ignore_ascii_case("true");
        match key {
            "infill_mesh" | "cutting_mesh" if yes => part.role = Role::Modifier,
            "support_mesh" if yes => part.role = Role::SupportEnforcer,
            "anti_overhang_mesh" if yes => part.role = Role::SupportBlocker,
            _ => {}
        }
        part.settings.push((key.to_owned(), value.clone()));
    }
}
