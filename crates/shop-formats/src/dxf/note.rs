//! What is read otherwise than it looks in the CAD program: widths, heights, gaps, clips. Counted by name while
//! reading, and said once for each kind.

use super::affine::{Affine, cross3, normalized};
use super::entity::{Entity, Geometry, Xyz};
use shop_report::{Diagnostic, Severity, Span};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is read otherwise than it looks in the CAD program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Note {
    /// A block behind a clip (XCLIP). By name of the block.
    Clipped,
    /// A polyline with a width. By name of the entity.
    Width,
    /// Not parallel to the plane of the drawing. By name of the entity.
    NotFlat,
    /// A wall (group 39). By name of the entity.
    Thickness,
    /// Drawn with gaps. By name of the line type.
    LineType,
    /// On a layer that is shown and not printed. By name of the layer.
    NotPlotted,
}

/// How often, the largest measure, and where first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub count: u32,
    pub most: f64,
    pub first: Span,
}

/// At most this many names are listed.
const NAMES: usize = 5;

impl Note {
    /// Returns what there is to say.
    pub fn diagnostic(
        self,
        names: &BTreeMap<Box<[u8]>, Noted>,
        decode: impl for<'t> Fn(&'t [u8]) -> Cow<'t, str>,
    ) -> Diagnostic {
        let count = names.values().fold(0u32, |n, x| n.saturating_add(x.count));
        let most = names.values().fold(0.0, |m, x| f64::max(m, x.most));
        let first = names.values().map(|x| x.first).min();
        // The most frequent first; those of equal count by name.
        let mut by_count: Vec<_> = names.iter().collect();
        by_count.sort_by_key(|(_, x)| std::cmp::Reverse(x.count));
        let shown = by_count.iter().take(NAMES).map(|(name, x)| {
            format!(
                "{} {}",
                x.count,
                if self == Note::NotPlotted { String::from_utf8_lossy(name) } else { decode(name) }
            )
        });
        let mut list = shown.collect::<Vec<_>>().join(", ");
        if let Some(more) = names.len().checked_sub(NAMES).filter(|n| *n > 0) {
            let _ = write!(list, " and {more} more");
        }
        let (severity, code) = self.rank();
        let mut d = Diagnostic::new(severity, code, self.sentence(&list, most))
            .hint(self.hint())
            .count(count as usize);
        d.span = first;
        d
    }

    fn rank(self) -> (Severity, &'static str) {
        match self {
            Note::Clipped => (Severity::Warning, "dxf/clipped"),
            Note::Width => (Severity::Warning, "dxf/polyline-width"),
            Note::NotFlat => (Severity::Warning, "dxf/not-flat"),
            Note::Thickness => (Severity::Info, "dxf/thickness"),
            Note::LineType => (Severity::Info, "dxf/line-type"),
            Note::NotPlotted => (Severity::Info, "dxf/not-plotted"),
        }
    }

    fn sentence(self, list: &str, most: f64) -> String {
        match self {
            Note::Clipped => format!("blocks are shown in part (XCLIP) and read whole: {list}"),
            Note::Width => {
                format!("polylines are drawn up to {most:.3} mm wide; their middle line is read: {list}")
            }
            Note::NotFlat => {
                format!("not parallel to the plane of the drawing, read as seen from above: {list}")
            }
            Note::Thickness => format!("walls (thickness) are read as the line they stand on: {list}"),
            Note::LineType => format!("lines drawn with gaps are read as whole: {list}"),
            Note::NotPlotted => format!("on layers that are not printed, and read all the same: {list}"),
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Note::Clipped => "explode and trim the block in your CAD program, or all of it is made",
            Note::Width => "if both edges are meant to be cut, draw them as outlines",
            Note::NotFlat => "lengths are foreshortened; export a flat view or flatten the drawing",
            Note::Thickness => "nothing to do if the drawing is meant to be flat",
            Note::LineType => "if these are centre or bend lines, put them on a layer of their own",
            Note::NotPlotted => "switch the layer off if it is not to be made",
        }
    }
}

/// Heights that differ by less than this, mm, are the rounding of a CAD program: at 10 m length they shorten a
/// line by less than a picometre.
pub(super) const LEVEL: f64 = 1e-3;

/// Returns the lowest and highest place of an entity over the drawing's plane, mm; of round ones that are tipped over
/// at least how much.
pub(super) fn heights(e: &Entity<'_>, m: &Affine) -> [f64; 2] {
    let height = |p: Xyz| m.x[2] * p[0] + m.y[2] * p[1] + m.z[2] * p[2] + m.origin[2];
    let of = |points: &mut dyn Iterator<Item = Xyz>| {
        points.map(height).fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], z| [a.min(z), b.max(z)])
    };
    match &e.geometry {
        Geometry::Line(a, b) => of(&mut [*a, *b].into_iter()),
        Geometry::Circle { center: [x, y, z], radius } | Geometry::Arc { center: [x, y, z], radius, .. } => {
            of(&mut [[x + radius, *y, *z], [*x, y + radius, *z], [*x, *y, *z]].into_iter())
        }
        Geometry::Ellipse { center, major, .. } => {
            let n = normalized(e.extrusion).unwrap_or([0.0, 0.0, 1.0]);
            let at = |v: Xyz| [center[0] + v[0], center[1] + v[1], center[2] + v[2]];
            of(&mut [*center, at(*major), at(cross3(n, *major))].into_iter())
        }
        Geometry::Flat { vertices, elevation, .. } => {
            // A plane that is parallel to the drawing's has one height.
            let few = if m.x[2] == 0.0 && m.y[2] == 0.0 { 1 } else { vertices.len() };
            of(&mut vertices.iter().take(few).map(|v| [v[0], v[1], *elevation]))
        }
        Geometry::Spatial { points, .. } => of(&mut points.iter().copied()),
        Geometry::Spline(s) => of(&mut s.points.iter().chain(&s.fit).copied()),
        _ => [f64::INFINITY, f64::NEG_INFINITY],
    }
}
