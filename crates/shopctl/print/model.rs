//! What stands on the bed as the slicer takes it: objects with their copies, and what files want done otherwise in places.

use super::import::{self, Mapped};
use super::place::{Stand, Thing};
use shop_formats::mesh::{HeightChange, Role, Setting};
use shop_geom::mesh::Mesh;
use shop_print::model::{Body, Changes, Effect, Model, Modifier, Object, Place};
use shop_print::settings::Settings;
use shop_report::Diagnostic;

/// Makes a model of everything; what a file wants and we have not is told once for all objects.
pub fn model(stand: Stand, mut settings: Settings, notes: &mut Vec<Diagnostic>) -> Model {
    happen(&stand.changes, &mut settings, notes);
    let mut lost = Mapped::default();
    let objects = stand.things.into_iter().map(|t| object(t, &mut lost)).collect();
    notes.extend(lost.diagnostic("settings of single objects"));
    Model { settings, objects, ..Model::default() }
}

/// Less than any layer is high, and more than heights in files are off, mm.
const BELOW_TOP_MM: f64 = 0.001;

/// Adds what a project wants to happen at heights to the settings: pauses, changes of colour, single commands.
fn happen(changes: &[HeightChange], settings: &mut Settings, notes: &mut Vec<Diagnostic>) {
    let mut acts: Vec<String> = settings.get("at_heights").filter(|t| !t.is_empty()).into_iter().collect();
    let before = acts.len();
    for change in changes {
        // Old files have the command alone.
        let act = match (change.kind.as_str(), change.gcode.trim()) {
            ("0", _) | ("", "M600") => Some("colour".to_owned()),
            ("1", _) | ("", "M601" | "M0" | "M25") => Some("pause".to_owned()),
            ("4" | "", text) if !text.is_empty() && !text.contains([';', '\n', '{']) => {
                Some(format!("write {text}"))
            }
            _ => None,
        };
        // They name the top of the layer before which it happens; ours, the height above which that top is.
        let z = ((change.z - BELOW_TOP_MM).max(0.0) * 1e6).round() / 1e6;
        acts.extend(act.map(|act| format!("{z} {act}")));
    }
    let taken = acts.len() - before;
    let whole = taken == 0 || settings.set("at_heights", &acts.join("; ")).is_ok();
    let lost = changes.len() - if whole { taken } else { 0 };
    if lost > 0 {
        let message = "some of what the project wants to happen at heights is left out";
        notes.push(Diagnostic::warning("print/changes-left-out", message).count(lost));
    }
}

fn object(thing: Thing, lost: &mut Mapped) -> Object {
    let low = thing.low();
    let mut object = Object {
        name: thing.name,
        changes: changes(&thing.settings, lost),
        places: thing.places,
        ..Object::default()
    };
    for part in thing.parts {
        let mut modify =
            |effect| object.modifiers.push(Modifier { place: Place::Mesh(part.mesh.clone()), effect });
        match part.role {
            Role::Solid => {
                let changes = changes(&part.settings, lost);
                object.bodies.push(Body { mesh: part.mesh, changes });
            }
            Role::Negative => modify(Effect::Remove),
            Role::Modifier => modify(Effect::Change(changes(&part.settings, lost))),
            Role::SupportEnforcer => modify(Effect::Support),
            Role::SupportBlocker => modify(Effect::NoSupport),
            Role::SupportPaint => paint(&mut object, part.mesh, Effect::Support),
            Role::NoSupportPaint => paint(&mut object, part.mesh, Effect::NoSupport),
            Role::SeamPaint => paint(&mut object, part.mesh, Effect::Seam),
            Role::NoSeamPaint => paint(&mut object, part.mesh, Effect::NoSeam),
        }
    }
    for range in &thing.ranges {
        let place = Place::Heights { low: low + range.low, high: low + range.high };
        object.modifiers.push(Modifier { place, effect: Effect::Change(changes(&range.settings, lost)) });
    }
    object
}

fn paint(object: &mut Object, mesh: Mesh, effect: Effect) {
    object.modifiers.push(Modifier { place: Place::Surface(mesh), effect });
}

fn changes(foreign: &[Setting], lost: &mut Mapped) -> Changes {
    let mapped = import::map(foreign);
    let mut changes = Changes::default();
    for (key, value) in &mapped.ours {
        // What was mapped was read.
        let _ = changes.add(key, value);
    }
    for one in mapped.lost {
        if !lost.lost.contains(&one) {
            lost.lost.push(one);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::place::ThingPart;
    use super::*;
    use shop_formats::mesh::HeightRange;
    use shop_geom::mesh::{Mesh, Point3};

    #[test]
    fn parts_become_bodies_and_modifiers() {
        let points = [[0.0, 0.0, 5.0], [9.0, 0.0, 5.0], [0.0, 9.0, 5.0], [0.0, 0.0, 14.0]];
        let mesh = Mesh {
            points: points.map(Point3::from).to_vec(),
            triangles: vec![[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]],
        };
        let own = |k: &str, v: &str| vec![(k.to_owned(), v.to_owned())];
        let part = |role, settings| ThingPart { role, mesh: mesh.clone(), settings };
        let thing = Thing {
            name: "thing".to_owned(),
            parts: vec![
                part(Role::Solid, Vec::new()),
                part(Role::Modifier, own("fill_density", "50%")),
                part(Role::SupportBlocker, Vec::new()),
            ],
            settings: own("perimeters", "5"),
            ranges: vec![HeightRange { low: 1.0, high: 2.0, settings: own("warp_drive", "1") }],
            places: vec![[0.0; 2]; 3],
        };
        let mut notes = Vec::new();
        let change = |kind: &str, z| HeightChange { z, kind: kind.to_owned(), ..HeightChange::default() };
        let changes = vec![change("1", 5.5), change("0", 7.0), change("2", 8.0)];
        let stand = Stand { things: vec![thing], settings: Vec::new(), changes };
        let model = model(stand, Settings::default(), &mut notes);
        assert_eq!(model.settings.get("at_heights").as_deref(), Some("5.499 pause; 6.999 colour"));
        let object = &model.objects[0];
        assert_eq!((object.bodies.len(), object.modifiers.len(), object.places.len()), (1, 3, 3));
        assert_eq!(object.changes.keys().collect::<Vec<_>>(), ["walls"]);
        assert!(matches!(&object.modifiers[0].effect, Effect::Change(c) if c.keys().eq(["infill_percent"])));
        assert_eq!(object.modifiers[1].effect, Effect::NoSupport);
        assert!(matches!(object.modifiers[2].place, Place::Heights { low: 6.0, high: 7.0 }));
        assert_eq!(
            notes.iter().map(|d| d.code).collect::<Vec<_>>(),
            ["print/changes-left-out", "print/settings-lost"]
        );
    }
}
