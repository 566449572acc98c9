//! What a program must do, in terms that a proof can check without knowing how it was planned.
//!
//! The intent is made from the drawing and the flags, before any planning; the planner and the proof both read it,
//! and meet again only in the program's text.

use crate::machine::MachineKind;
use shop_geom::{Point, Polyline};

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
    pub sheet: Option<shop_geom::Aabb>,
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
