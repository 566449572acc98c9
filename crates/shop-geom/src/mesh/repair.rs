//! Mends meshes so that they enclose something, and says what was wrong.
//!
//! ```text
//!  closed? ── yes ─────────────────────────────────────────────────▶ shells turned inside out ─▶ done
//!     └─ no ─▶ needles, doubles ─▶ points that almost meet ─▶ turned facets ─▶ fins ─▶ holes ──┘
//! ```
//!
//! A sound mesh costs one pass over its triangles and one over its points, and is left as it is. What is done to others
//! is the least that closes them: points are moved by no more than the tolerance, holes are filled where the fill
//! follows from what is around them, and what remains open is said, for sections can still be closed layer by layer.
//!
//! Vocabulary: an edge is *open* when one triangle has it; a *needle* is a triangle without area; a *fin* is a piece
//! that sticks out of an otherwise closed edge; a *hole* is a loop of edges that are run through in one direction only.

mod fins;
mod holes;
mod join;
mod orient;

use super::edges::{Edges, balance};
use super::{Mesh, Point3, shells};
use rayon::prelude::*;
use shop_report::{Diagnostic, Severity};

/// How far a mend may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Points on open edges that are no further apart become one, mm.
    pub join: f64,
    /// Triangles lower than this have no area, mm.
    pub needle: f64,
    /// Holes of up to so many edges are filled whatever their shape; longer ones only where they are flat.
    pub hole_edges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // A hundredth is a fifth of what the finest printer resolves, and more than the last digit of any export.
        Limits { join: 0.01, needle: 1e-4, hole_edges: 64 }
    }
}

/// What was wrong with a mesh, and what was done about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Triangles without area that were removed.
    pub needles: usize,
    /// Triangles that were there twice, or once from either side.
    pub doubles: usize,
    /// Points that were joined with others nearby.
    pub joined: usize,
    /// How far apart joined points were at most allowed to be, mm.
    pub joined_within: f64,
    /// Triangles that faced the wrong way.
    pub turned: usize,
    /// Triangles in pieces that stuck out of a closed surface.
    pub fins: usize,
    /// Holes that were filled.
    pub holes_filled: usize,
    /// The triangles they were filled with.
    pub triangles_added: usize,
    /// Area of these, mm².
    pub area_added: f64,
    /// Holes that were left.
    pub holes_left: usize,
    /// Edges around the holes that were left.
    pub open_edges: usize,
    /// A place at the first hole, filled or left.
    pub first_hole: Option<Point3>,
    /// Edges along which no way of facing is right: the surface has one side only.
    pub one_sided: usize,
    /// Pieces that were inside out.
    pub inverted: usize,
    /// Pieces that hang together.
    pub shells: usize,
    /// What all enclose, mm³, after the mend.
    pub volume: f64,
}

impl Findings {
    /// True when nothing was wrong.
    pub fn is_sound(&self) -> bool {
        let Findings { shells, volume, .. } = *self;
        *self == Findings { shells, volume, ..Findings::default() } && (volume > 0.0 || shells == 0)
    }

    /// Returns what was wrong as findings about the part of this name.
    pub fn diagnostics(&self, name: &str) -> Vec<Diagnostic> {
        let of = if name.is_empty() { String::new() } else { format!(" of `{name}`") };
        let mut out = Vec::new();
        let mut say = |severity, code, count: usize, message: String, hint: &str| {
            if count > 0 {
                let d = Diagnostic::new(severity, code, message);
                out.push(if hint.is_empty() { d } else { d.hint(hint) });
            }
        };
        let (info, warning, error) = (Severity::Info, Severity::Warning, Severity::Error);
        let n = self.needles;
        say(info, "mesh/zero-area", n, format!("{n} facets{of} have no area and are left out"), "");
        let n = self.doubles;
        say(info, "mesh/duplicate-facets", n, format!("{n} facets{of} lie on others and are left out"), "");
        let (n, within) = (self.joined, self.joined_within * 1000.0);
        let message = format!("{n} points{of} almost meet others and are joined, within {within:.1} µm");
        say(warning, "mesh/points-joined", n, message, "");
        let n = self.turned;
        say(
            warning,
            "mesh/facets-turned",
            n,
            format!("{n} facets{of} faced the wrong way and are turned"),
            "",
        );
        let n = self.fins;
        let message = format!("{n} facets{of} stick out of closed edges, enclose nothing and are left out");
        say(warning, "mesh/fins", n, message, "");
        let place = self
            .first_hole
            .map_or(String::new(), |p| format!(", one at ({:.2}, {:.2}, {:.2})", p.x, p.y, p.z));
        let n = self.holes_filled;
        let (t, area) = (self.triangles_added, self.area_added);
        let message = format!("{n} holes{of} are filled with {t} facets, {area:.2} mm²{place}");
        say(warning, "mesh/holes-filled", n, message, "look at the preview there");
        let (n, e) = (self.holes_left, self.open_edges);
        let message = format!("{n} holes{of} along {e} edges are too large to fill{place}");
        let hint = "layers that meet a hole are closed as well as they can be; mend the part in the program that made it";
        say(error, "mesh/holes-left", n, message, hint);
        let n = self.one_sided;
        let message =
            format!("along {n} edges{of} no way of facing is right: what is inside is not certain there");
        say(error, "mesh/one-sided", n, message, "mend the part in the program that made it");
        let n = self.inverted;
        say(warning, "mesh/inverted-shells", n, format!("{n} pieces{of} were inside out and are turned"), "");
        let nothing = self.shells > 0 && self.volume <= 0.0 && self.holes_left == 0;
        let message = format!("the surface{of} encloses nothing");
        say(error, "mesh/no-volume", usize::from(nothing), message, "give it a thickness, or turn it over");
        out
    }
}

/// Mends a welded mesh. Near-linear; without harm to a sound one.
pub fn repair(mesh: &mut Mesh, limits: &Limits) -> Findings {
    let mut found = Findings::default();
    if balance(&mesh.triangles) != 0 {
        close(mesh, limits, &mut found);
    }
    let labels = shells::labels(mesh);
    let shells = shells::shells(mesh, &labels);
    let inverted = shells::inverted(mesh, &labels, &shells);
    if !inverted.is_empty() {
        mesh.triangles.par_iter_mut().for_each(|t| {
            if inverted.binary_search(&labels[t[0] as usize]).is_ok() {
                t.swap(1, 2);
            }
        });
    }
    found.inverted = inverted.len();
    found.shells = shells.len();
    let sign =
        |s: &shells::Shell| if inverted.binary_search(&s.first).is_ok() { -s.volume } else { s.volume };
    found.volume = shells.iter().map(sign).sum();
    found
}

fn close(mesh: &mut Mesh, limits: &Limits, found: &mut Findings) {
    found.needles = drop_needles(mesh, limits.needle);
    found.doubles = drop_doubles(mesh);
    let (joined, within) = join::join(mesh, limits.join);
    (found.joined, found.joined_within) = (joined, within);
    if joined > 0 {
        found.needles += drop_pointed(mesh);
        found.doubles += drop_doubles(mesh);
    }
    (found.turned, found.one_sided) = orient::orient(mesh);
    found.fins = fins::remove(mesh);
    holes::fill(mesh, limits.hole_edges, found);
}

/// Removes triangles that have a corner twice.
fn drop_pointed(mesh: &mut Mesh) -> usize {
    let before = mesh.triangles.len();
    mesh.triangles.retain(|[a, b, c]| a != b && b != c && c != a);
    before - mesh.triangles.len()
}

/// Removes triangles that are lower than `lowest` and have an open edge, until there is none: such a triangle closes
/// nothing. Those within a closed surface hold it together and stay.
fn drop_needles(mesh: &mut Mesh, lowest: f64) -> usize {
    let before = mesh.triangles.len();
    drop_pointed(mesh);
    let is_needle = |points: &[Point3], t: [u32; 3]| {
        let [a, b, c] = t.map(|i| points[i as usize]);
        let longest = (b - a).norm().max((c - b).norm()).max((a - c).norm());
        (b - a).cross(&(c - a)).norm() <= lowest * longest
    };
    if !mesh.triangles.par_iter().any(|t| is_needle(&mesh.points, *t)) {
        return before - mesh.triangles.len();
    }
    // Rounds grow with how deep needles are stacked on one another, which real files hardly do.
    for _ in 0..8 {
        let edges = Edges::of(&mesh.triangles);
        let mut drop: Vec<u32> = edges
            .iter()
            .filter(|uses| uses.len() == 1)
            .map(|uses| uses[0].triangle())
            .filter(|i| is_needle(&mesh.points, mesh.triangles[*i]))
            .map(|i| i as u32)
            .collect();
        if drop.is_empty() {
            break;
        }
        drop.sort_unstable();
        drop.dedup();
        drop_listed(&mut mesh.triangles, &drop);
    }
    before - mesh.triangles.len()
}

/// Removes triangles that lie on one another: of those that face the same way one stays, of those that face one another
/// none.
fn drop_doubles(mesh: &mut Mesh) -> usize {
    // Corners in order, whether the order is that of the triangle, and the triangle.
    let mut sorted: Vec<([u32; 3], bool, u32)> = mesh
        .triangles
        .par_iter()
        .enumerate()
        .map(|(i, &[a, b, c])| {
            let mut t = [a, b, c];
            t.sort_unstable();
            let even = t == [a, b, c] || t == [b, c, a] || t == [c, a, b];
            (t, even, i as u32)
        })
        .collect();
    sorted.par_sort_unstable();
    let mut drop: Vec<u32> = Vec::new();
    for same in sorted.chunk_by(|a, b| a.0 == b.0).filter(|s| s.len() > 1) {
        let even = same.iter().filter(|s| s.1).count();
        let wanted = match even.cmp(&(same.len() - even)) {
            std::cmp::Ordering::Greater => Some(true),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => Some(false),
        };
        let stays = same.iter().find(|s| Some(s.1) == wanted).map(|s| s.2);
        drop.extend(same.iter().map(|s| s.2).filter(|i| Some(*i) != stays));
    }
    drop.sort_unstable();
    drop_listed(&mut mesh.triangles, &drop);
    drop.len()
}

/// Removes the triangles of an ordered list.
fn drop_listed(triangles: &mut Vec<[u32; 3]>, drop: &[u32]) {
    let mut next = drop.iter().peekable();
    let mut at = 0;
    triangles.retain(|_| {
        let dropped = next.next_if(|d| **d == at).is_some();
        at += 1;
        !dropped
    });
}
