//! Which tool makes what of a part, and the settings that go with another tool: its filament's.
//!
//! A tool has its own filament, so a road that is laid with another tool than the rest of its part belongs to a part of its
//! own: the same settings but for the tool and what its filament wants. Such parts stand behind those of the objects.
//!
//! ```text
//!   part 0: tool 0 ─┬─ walls, solids ── part 0
//!                   ├─ sparse filling ─ part 3: the same with tool 1
//!                   └─ supports ─────── part 4: the same with tool 2
//! ```

use crate::item::Part;
use crate::model::Changes;
use crate::roads::Kind;
use crate::settings::{OwnTool, Settings};
use std::collections::BTreeMap;

/// The parts to which roads of a part belong, by what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Walls, skirt and brim.
    pub walls: u16,
    /// Solid filling.
    pub solid: u16,
    /// Sparse filling.
    pub sparse: u16,
    /// Supports.
    pub supports: u16,
    /// Their dense lines.
    pub faces: u16,
}

impl Roles {
    /// Returns those of a part that makes all of itself.
    pub fn all(part: u16) -> Roles {
        Roles { walls: part, solid: part, sparse: part, supports: part, faces: part }
    }

    /// True when one part makes all of what the object itself is.
    pub fn is_plain(&self) -> bool {
        self.walls == self.solid && self.solid == self.sparse
    }

    /// Returns the part to which a road belongs.
    pub fn of(&self, kind: Kind) -> u16 {
        match kind {
            Kind::OuterWall | Kind::InnerWall | Kind::Gap | Kind::Skirt | Kind::PrimeTower => self.walls,
            Kind::Top | Kind::Solid | Kind::Bridge | Kind::InternalBridge | Kind::Ironing => self.solid,
            Kind::Sparse => self.sparse,
            Kind::Support => self.supports,
            Kind::SupportInterface => self.faces,
        }
    }
}

/// Lays what the filament of a tool wants over settings, as far as nothing nearer than the print's own `base` says otherwise.
pub fn filament(settings: &mut Settings, base: &Settings, filaments: &[Changes]) {
    if let Some(changes) = filaments.get(settings.tool as usize) {
        let own: Vec<&str> = changes.keys().filter(|k| settings.get(k) == base.get(k)).collect();
        changes.apply_some(settings, |key| own.contains(&key));
    }
}

/// What is known of a print when tools are told apart.
pub(crate) struct Cast<'a> {
    /// The print's own settings.
    pub(crate) base: &'a Settings,
    /// What the filament of each tool wants otherwise.
    pub(crate) filaments: &'a [Changes],
    /// Tops of the supports or the raft under each part's object, mm; nothing where there is neither.
    pub(crate) supports: &'a dyn Fn(u16) -> Option<f64>,
}

/// Adds the parts that other tools make, and says which roads belong to them; false when there are more than can be
/// numbered, so that some are made by the tool of their part. O(parts × tools).
pub(crate) fn cast(parts: &mut Vec<Part>, cast: &Cast<'_>) -> bool {
    let own = parts.len();
    let mut made = Made { known: BTreeMap::new(), all: true };
    for i in 0..own as u16 {
        let s = parts[usize::from(i)].job.settings.clone();
        let top = parts[usize::from(i)].top_mm;
        let mut with = |tool: OwnTool, top: f64| {
            let Some(tool) = tool.0.filter(|t| *t != s.tool) else { return i };
            let part = made.with_tool(parts, i, tool, cast);
            let other = &mut parts[usize::from(part)];
            other.top_mm = other.top_mm.max(top);
            part
        };
        let mut roles = Roles::all(i);
        roles.walls = with(s.wall_tool, top);
        roles.solid = with(s.solid_tool, top);
        roles.sparse = with(s.infill_tool, top);
        let plain = [roles.walls, roles.solid, roles.sparse].contains(&i);
        let props = (cast.supports)(i);
        if let Some(top) = props {
            roles.supports = with(s.support_tool, top);
            roles.faces = with(s.support_interface_tool, top);
        }
        let part = &mut parts[usize::from(i)];
        part.roles = roles;
        part.used = plain || props.is_some() && [roles.supports, roles.faces].contains(&i);
    }
    purged(parts, cast, &mut made);
    made.all
}

/// Parts that other tools make.
struct Made {
    /// By the part that they are made of, and by tool.
    known: BTreeMap<(u16, u32), u16>,
    /// None was left out for want of numbers.
    all: bool,
}

impl Made {
    /// Returns the number of a part as another tool makes it; its own when there are no numbers left.
    fn with_tool(&mut self, parts: &mut Vec<Part>, part: u16, tool: u32, cast: &Cast<'_>) -> u16 {
        if let Some(known) = self.known.get(&(part, tool)) {
            return *known;
        }
        let Ok(number) = u16::try_from(parts.len()) else {
            self.all = false;
            return part;
        };
        parts.push(parts[usize::from(part)].with_tool(tool, cast));
        self.known.insert((part, tool), number);
        number
    }
}

/// Adds, for parts in which filament may be purged, those that every other tool in use makes.
fn purged(parts: &mut Vec<Part>, cast: &Cast<'_>, made: &mut Made) {
    let mut tools: Vec<u32> = parts.iter().filter(|p| p.used).map(|p| p.job.settings.tool).collect();
    tools.sort_unstable();
    tools.dedup();
    for i in 0..parts.len() as u16 {
        let part = &parts[usize::from(i)];
        let s = &part.job.settings;
        let own = s.tool;
        if !part.used || !(s.purge_into_infill || s.purge_into_object) {
            continue;
        }
        for &tool in tools.iter().filter(|t| **t != own) {
            made.with_tool(parts, i, tool, cast);
        }
    }
    for ((part, tool), other) in &made.known {
        parts[usize::from(*part)].others.push((*tool as u16, *other));
    }
}

impl Part {
    /// Returns the same part, made with another tool. Nothing of it is high until something is said to be laid with it.
    fn with_tool(&self, tool: u32, cast: &Cast<'_>) -> Part {
        let mut job = self.job.clone();
        job.settings.tool = tool;
        // What the filament of the old tool wanted goes with it.
        let mut plain = cast.base.clone();
        if let Some(old) = cast.filaments.get(self.job.settings.tool as usize) {
            old.apply(&mut plain);
            for key in old.keys().filter(|k| job.settings.get(k) == plain.get(k)).collect::<Vec<_>>() {
                // It was read from there.
                let _ = job.settings.set(key, &cast.base.get(key).unwrap_or_default());
            }
        }
        filament(&mut job.settings, cast.base, cast.filaments);
        Part { job, top_mm: 0.0, used: true, others: Vec::new(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facets::Levels;
    use crate::job::Job;
    use std::sync::Arc;

    #[test]
    fn roads_belong_to_the_tools_that_make_them() {
        let mut base = Settings { hotend_c: 200.0, fan_percent: 80.0, ..Settings::default() };
        let mut second = Changes::default();
        second.add("hotend_c", "250").expect("a setting");
        second.add("fan_percent", "10").expect("a setting");
        let filaments = [Changes::default(), second];
        base.infill_tool = OwnTool(Some(1));
        base.support_interface_tool = OwnTool(Some(2));
        // The part itself says what its fan does.
        let own = Settings { fan_percent: 55.0, ..base.clone() };
        let job = Job::new(own, Arc::new(Levels::even(1.0, 0.2, 0.2)), 1.75);
        let mut parts = vec![Part::of(job, 0, 7.0)];
        let with = Cast { base: &base, filaments: &filaments, supports: &|_| Some(3.0) };
        cast(&mut parts, &with);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0].roles, Roles { sparse: 1, faces: 2, ..Roles::all(0) });
        let told = |i: usize| (parts[i].job.settings.tool, parts[i].job.settings.hotend_c, parts[i].top_mm);
        assert_eq!([told(0), told(1), told(2)], [(0, 200.0, 7.0), (1, 250.0, 7.0), (2, 200.0, 3.0)]);
        assert_eq!(parts[1].job.settings.fan_percent, 55.0);
        assert!(parts.iter().all(|p| p.used));
    }

    #[test]
    fn a_tool_that_makes_nothing_is_not_used() {
        let one = OwnTool(Some(1));
        let base = Settings { wall_tool: one, solid_tool: one, infill_tool: one, ..Settings::default() };
        let job = Job::new(base.clone(), Arc::new(Levels::even(1.0, 0.2, 0.2)), 1.75);
        let mut parts = vec![Part::of(job, 0, 7.0)];
        cast(&mut parts, &Cast { base: &base, filaments: &[], supports: &|_| None });
        assert_eq!(parts.iter().map(|p| p.used).collect::<Vec<_>>(), [false, true]);
    }
}
