//! What a program must do, in terms that a proof can check without knowing how it was planned.
//!
//! The intent is made from the drawing and the flags, before any planning; the planner and the proof both read it,
//! and meet again only in the program's text.

use crate::feature::{Operations, Profile};
use crate::machine::MachineKind;
use crate::settings::Settings;
use shop_geom::{Aabb, Point, Polyline};

/// What the program must do and must not touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// The process; says when the tool is "in the work" (router: below `top`; beam: on).
    pub kind: MachineKind,
    /// Width of the cut by tool number, mm; tool 0 is the machine without a tool table (torch, beam).
    pub diameters: Vec<(u32, f64)>,
    /// Height of the stock's top, mm.
    pub top: f64,
    /// Everything that must be made.
    pub goals: Vec<Goal>,
    /// Boundary of the material that must stay, as closed contours: counter-clockwise around solid, clockwise
    /// around voids in it. Nothing but a trace may cut inside.
    pub kept: Vec<Polyline>,
    /// Pierce points keep this far from kept material, beyond the cut's own radius, where there is room, mm.
    pub pierce_clearance: f64,
    /// Deepest bite into kept material that is not a fault, mm.
    pub gouge_tolerance: f64,
    /// Thickest skin left on a contour that the tool could reach, mm.
    pub skin_tolerance: f64,
    /// Where the machine can go, work coordinates, mm: [[x min, x max], [y..], [z..]].
    pub envelope: Option<[[f64; 2]; 3]>,
    /// The sheet, if known: pierces and leads must stay on it.
    pub sheet: Option<Aabb>,
    /// How far the tip of a drag knife trails its axis, mm; 0 on other machines.
    pub blade_offset: f64,
    /// True when contours may share lines: a torch then starts in a kerf that is there already where one contour's
    /// cut goes on from another's.
    pub common_lines: bool,
    /// True when a program of the machine's controller must say that it ends (M2, M30).
    pub must_end: bool,
}

/// One thing to be made.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// Cut free along a closed contour.
    Profile {
        /// The contour, counter-clockwise.
        contour: Polyline,
        /// On which side the cut's width goes.
        waste: Waste,
        /// Height that counts as through, mm; beams cut through at any height.
        bottom: f64,
        /// How many contours lie around it: even is an outline, odd a hole.
        depth: u32,
        /// The goal that must be finished after this one: the contour around it.
        parent: Option<u32>,
        /// Where material is left standing on purpose: middle of the tab on the contour, its length along it, mm.
        tabs: Vec<(Point, f64)>,
    },
    /// Clear an area.
    Pocket {
        /// Boundary: counter-clockwise outside, clockwise islands.
        boundary: Vec<Polyline>,
        /// Height of the floor, mm.
        bottom: f64,
    },
    /// Follow a line, open or closed: marking, engraving.
    Trace {
        /// The line.
        line: Polyline,
        /// Height of the tool's tip, mm.
        bottom: f64,
    },
    /// Drill a hole.
    Drill {
        /// Where.
        at: Point,
        /// Diameter of the hole, mm.
        diameter: f64,
        /// Height of the bottom, mm.
        bottom: f64,
    },
}

/// The side of a contour that becomes waste.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waste {
    /// The part is inside: the tool runs outside.
    Outside,
    /// The part is outside: the tool runs inside.
    Inside,
    /// The tool's middle runs on the line.
    On,
}

/// What the proof may forgive, and what it should know about the sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Pierce points keep this far from kept material, beyond the cut's own radius, where there is room, mm.
    pub pierce_clearance: f64,
    /// Deepest bite into kept material that is not a fault, mm.
    pub gouge_tolerance: f64,
    /// Thickest skin left on a contour that the tool could reach, mm.
    pub skin_tolerance: f64,
    /// True when the work zero is known, so that the envelope can be checked in x and y.
    pub envelope: bool,
    /// The sheet, if known.
    pub sheet: Option<Aabb>,
    /// True when a program of the machine's controller must say that it ends.
    pub must_end: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            pierce_clearance: 0.0,
            gouge_tolerance: 0.002,
            skin_tolerance: 0.002,
            envelope: true,
            sheet: None,
            must_end: true,
        }
    }
}

/// States what the program must do, from the operations alone: profiles first, in their order (so that parents keep
/// their numbers), then pockets, traces and holes.
pub fn intent(operations: &Operations, settings: &Settings, limits: &Limits) -> Intent {
    let mut goals = Vec::new();
    goals.extend(operations.profiles.iter().map(|p| Goal::Profile {
        contour: p.contour.clone(),
        waste: p.waste,
        bottom: p.bottom,
        depth: p.depth,
        parent: p.parent,
        tabs: p.tabs.iter().map(|t| (t.at, t.width)).collect(),
    }));
    goals.extend(
        operations.pockets.iter().map(|p| Goal::Pocket { boundary: p.boundary.clone(), bottom: p.bottom }),
    );
    goals.extend(operations.traces.iter().map(|t| Goal::Trace { line: t.line.clone(), bottom: t.bottom }));
    goals.extend((operations.holes.iter()).map(|h| Goal::Drill {
        at: h.at,
        diameter: h.diameter,
        bottom: h.bottom,
    }));
    let mut diameters = vec![(settings.tool, settings.diameter)];
    for drill in &settings.drills {
        if diameters.iter().all(|(number, _)| *number != drill.number) {
            diameters.push((drill.number, drill.diameter));
        }
    }
    Intent {
        kind: settings.kind,
        diameters,
        top: 0.0,
        goals,
        kept: kept(operations),
        pierce_clearance: limits.pierce_clearance,
        gouge_tolerance: limits.gouge_tolerance,
        skin_tolerance: limits.skin_tolerance,
        envelope: limits.envelope.then_some(settings.envelope),
        sheet: limits.sheet,
        blade_offset: settings.blade_offset,
        must_end: limits.must_end,
        common_lines: operations.profiles.iter().any(|p| p.common_lines),
    }
}

/// Returns the boundary of the material that stays.
fn kept(operations: &Operations) -> Vec<Polyline> {
    let profiles = &operations.profiles;
    let mut has_child = vec![false; profiles.len()];
    for parent in profiles.iter().filter_map(|p| p.parent) {
        if let Some(flag) = has_child.get_mut(parent as usize) {
            *flag = true;
        }
    }
    let follows_nesting = |p: &Profile| match p.waste {
        Waste::Outside => p.depth.is_multiple_of(2),
        Waste::Inside => p.depth % 2 == 1,
        Waste::On => true,
    };
    let natural = profiles.iter().all(follows_nesting);
    let mut out = Vec::new();
    for (i, p) in profiles.iter().enumerate() {
        // With sides that do not follow the nesting, cutting an outer contour away or an inner one out leaves no
        // one solid to protect: only the innermost outsides and the outermost insides are beyond doubt.
        match p.waste {
            Waste::Outside if natural || !has_child[i] => out.push(p.contour.clone()),
            Waste::Inside if natural || p.parent.is_none() => out.push(p.contour.clone().reversed()),
            _ => {}
        }
    }
    // A pocket's boundary bounds a void with islands: the other way around.
    out.extend(operations.pockets.iter().flat_map(|p| &p.boundary).map(|b| b.clone().reversed()));
    let drilled = operations.holes.iter().filter(|h| h.diameter > 0.0);
    out.extend(drilled.map(|h| Polyline::circle(h.at, h.diameter / 2.0).reversed()));
    out
}
