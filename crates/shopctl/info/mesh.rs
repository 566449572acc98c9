//! What can be said about a file of meshes: its objects, their parts, and what is wrong with them.

use super::{bytes_text, counted, rounded};
use serde_json::{Value, json};
use shop_formats::mesh::{Format, Part, Role, Scene};
use shop_geom::mesh::crossing::{Crossings, crossings};
use shop_geom::mesh::repair::{Findings, Limits, repair};
use shop_geom::mesh::{Mesh, Point3};
use shop_report::Checked;
use std::fmt::Write as _;

/// A part as it is in the file, and what mending finds.
pub struct PartFacts {
    object: usize,
    name: String,
    role: Role,
    triangles: usize,
    points: usize,
    bounds: Option<(Point3, Point3)>,
    area: f64,
    /// Nothing for paint, which has no inside and nothing to mend.
    mended: Option<(Findings, Crossings)>,
}

/// Looks at all parts of a scene; returns also what is to be said about them.
pub fn look(scene: Scene) -> Checked<Vec<PartFacts>> {
    let mut out: Checked<Vec<PartFacts>> = Checked::default();
    for (object, parts) in scene.objects.into_iter().map(|o| o.parts).enumerate() {
        for part in parts {
            let facts = look_at(object, part);
            // Modifiers and the like need no inside.
            if let (Role::Solid, Some((found, crossings))) = (facts.role, &facts.mended) {
                out.diagnostics.extend(found.diagnostics(&facts.name));
                out.diagnostics.extend(crossings.diagnostic(&facts.name));
            }
            out.value.push(facts);
        }
    }
    out
}

fn look_at(object: usize, part: Part) -> PartFacts {
    let Part { name, role, mut mesh, .. } = part;
    let Mesh { points, triangles } = &mesh;
    let (points, triangles) = (points.len(), triangles.len());
    let (bounds, area) = (mesh.bounds(), mesh.area());
    let mended = (!role.is_paint()).then(|| (repair(&mut mesh, &Limits::default()), crossings(&mesh)));
    PartFacts { object, name, role, triangles, points, bounds, area, mended }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::StlBinary => "STL binary",
        Format::StlText => "STL ASCII",
        Format::Obj => "OBJ",
        Format::ThreeMf => "3MF",
        Format::Amf => "AMF",
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Solid => "solid",
        Role::Negative => "negative",
        Role::Modifier => "modifier",
        Role::SupportEnforcer => "support enforcer",
        Role::SupportBlocker => "support blocker",
        Role::SupportPaint => "painted support",
        Role::NoSupportPaint => "painted support blocker",
        Role::SeamPaint => "painted seam",
        Role::NoSeamPaint => "painted seam blocker",
    }
}

/// What stands in the file beside its parts.
pub struct SceneFacts {
    program: Option<String>,
    settings: usize,
    bounds: Option<(Point3, Point3)>,
    objects: Vec<(String, usize, usize)>,
}

/// Returns what stands in the file beside its parts.
pub fn scene_facts(scene: &Scene) -> SceneFacts {
    SceneFacts {
        program: scene.program.clone(),
        settings: scene.settings.len(),
        bounds: scene.bounds(),
        objects: scene
            .objects
            .iter()
            .map(|o| (o.name.clone(), o.instances.len(), o.settings.len()))
            .collect(),
    }
}

fn damage(f: &Findings) -> Value {
    let all = [
        ("zero_area", f.needles),
        ("duplicates", f.doubles),
        ("points_joined", f.joined),
        ("turned", f.turned),
        ("fins", f.fins),
        ("holes_filled", f.holes_filled),
        ("holes_left", f.holes_left),
        ("one_sided_edges", f.one_sided),
        ("inverted_shells", f.inverted),
    ];
    all.iter()
        .filter(|(_, n)| *n > 0)
        .map(|(k, n)| ((*k).to_owned(), json!(n)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn corner(p: Point3) -> [f64; 3] {
    [p.x, p.y, p.z].map(|v| rounded(v, 4))
}

fn size(bounds: Option<(Point3, Point3)>) -> Option<[f64; 3]> {
    bounds.map(|(low, high)| [high.x - low.x, high.y - low.y, high.z - low.z].map(|v| rounded(v, 4)))
}

/// Returns the facts for scripts.
pub fn json(file: &str, bytes: u64, format: Format, scene: &SceneFacts, parts: &[PartFacts]) -> Value {
    let part = |p: &PartFacts| {
        let (found, crossings) = p.mended.as_ref().map_or((None, None), |(f, c)| (Some(f), Some(c)));
        json!({
            "name": p.name,
            "role": role_name(p.role),
            "triangles": p.triangles,
            "points": p.points,
            "size_mm": size(p.bounds),
            "area_mm2": rounded(p.area, 3),
            "volume_mm3": found.map(|f| rounded(f.volume, 3)),
            "shells": found.map(|f| f.shells),
            "sound": found.map(Findings::is_sound),
            "self_intersections": crossings.filter(|c| !c.undecided).map(|c| c.pairs),
            "damage": found.map(damage),
        })
    };
    let objects: Vec<Value> = scene
        .objects
        .iter()
        .enumerate()
        .map(|(i, (name, instances, settings))| {
            let own: Vec<Value> = parts.iter().filter(|p| p.object == i).map(part).collect();
            json!({ "name": name, "instances": instances, "settings": settings, "parts": own })
        })
        .collect();
    json!({
        "file": file,
        "size": bytes,
        "format": format_name(format),
        "program": scene.program,
        "settings": scene.settings,
        "bbox_mm": scene.bounds.map(|(low, high)| [corner(low), corner(high)]),
        "size_mm": size(scene.bounds),
        "triangles": parts.iter().map(|p| p.triangles).sum::<usize>(),
        "objects": objects,
    })
}

/// Returns the facts as aligned lines for people.
pub fn text(file: &str, bytes: u64, format: Format, scene: &SceneFacts, parts: &[PartFacts]) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name:<10} {text}");
    };
    line("file", format!("{file} ({})", bytes_text(bytes)));
    let by = scene.program.as_deref().map_or(String::new(), |p| format!(", written by {p}"));
    line("format", format!("{}{by}", format_name(format)));
    if let (Some([x, y, z]), Some((low, _))) = (size(scene.bounds), scene.bounds) {
        line(
            "extent",
            format!("{x:.2} x {y:.2} x {z:.2} mm from ({:.2}, {:.2}, {:.2})", low.x, low.y, low.z),
        );
    }
    if scene.settings > 0 {
        line("project", counted(scene.settings as u32, "setting"));
    }
    for (i, (name, instances, _)) in scene.objects.iter().enumerate() {
        let own: Vec<&PartFacts> = parts.iter().filter(|p| p.object == i).collect();
        if scene.objects.len() > 1 || own.len() > 1 || *instances > 1 {
            let times = if *instances > 1 { format!(", placed {instances} times") } else { String::new() };
            line("object", format!("{}{times}", if name.is_empty() { "without a name" } else { name }));
        }
        for p in own {
            if p.role != Role::Solid || !p.name.is_empty() && p.name != *name {
                line("part", format!("{} ({})", p.name, role_name(p.role)));
            }
            let [x, y, z] = size(p.bounds).unwrap_or_default();
            let Some((found, crossings)) = &p.mended else {
                line("surface", format!("{} triangles, {:.2} cm²", p.triangles, p.area / 100.0));
                line("size", format!("{x:.2} x {y:.2} x {z:.2} mm"));
                continue;
            };
            let pieces = counted(found.shells as u32, "piece");
            line("mesh", format!("{} triangles, {} points, {pieces}", p.triangles, p.points));
            line("size", format!("{x:.2} x {y:.2} x {z:.2} mm"));
            line("volume", format!("{:.3} cm³, surface {:.2} cm²", found.volume / 1000.0, p.area / 100.0));
            let found = found.diagnostics("").into_iter().chain(crossings.diagnostic(""));
            let damage: Vec<String> = found.map(|d| d.message).collect();
            line("damage", if damage.is_empty() { "none".to_owned() } else { damage.join("; ") });
        }
    }
    out
}
