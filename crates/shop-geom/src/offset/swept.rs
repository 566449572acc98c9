//! The long way: any number of contours at once, topology by integers, geometry by provenance.
//!
//! **Swept region.** The grown solid is the solid, plus the strip that every piece sweeps on its outside, plus a
//! sector at every convex corner: a point within δ of the solid has a nearest point there, and lies in the strip or
//! sector of it. Add up windings, w = ⟦solid⟧ + Σ ⟦strip⟧ + Σ ⟦sector⟧; the grown solid is where w ≥ 1. Walking
//! along the outer sides of strips and sectors, and through the corner itself where the way turns right, runs once
//! around each of them, so the closed walk *is* that sum:
//!
//! ```text
//!        p1 ┊ p2                 left turn: p1 ─ arc ─ p2          right turn: p1 ─ p ─ p2
//!     ──────x──────  walk           ___                               │ p2
//!            ╲                  ───'   ╲                        ──────┼──p1
//!   ─────────p        solid     ───p    │                       ──────p  │
//! ```
//!
//! *The corner may be cut.* Let the way turn right by θ < 90°, with δ·sin θ at most the length of either neighbour.
//! Going straight from strip to strip at the crossing m of their outer sides, instead of by p1 ─ p ─ p2, takes the
//! kite (m, p1, p, p2) off w once. The kite lies in both neighbouring strips: its four corners do, as p2 is
//! δ·sin θ behind and δ·cos θ ≥ 0 beside the end of the first strip, m is nearer still, and strips are convex. If a
//! point lies in the kites of k corners, it lies in at least k + 1 strips, those before and after each of the
//! corners; so w ≥ 1 stays w ≥ 1, however many kites lie on one another. (All corners of a closed contour have no
//! more strips than corners, so the corner at which the walk begins is never cut.) Without this a finely flattened curve
//! would have a spike of length δ at every vertex and each of them would cross all the others nearby.
//!
//! *Small concave arcs.* Where R ≤ δ, a point beyond the centre is nearer to another point of the arc, so the strip
//! ends at the centre: it is the pie, and the walk goes to the centre and back. Its parallel is never boundary.
//!
//! *Chords.* Arcs are walked by chords with their vertices on the parallel arc; strip and solid are divided at the
//! same angles, so that the sum stays exact for a solid whose arcs are chords, and no joins are needed within an
//! arc.
//!
//! **Provenance.** Every edge of the walk carries the number of the exact line or arc it stands for, and the sweep
//! (i_overlay's `EdgeOverlay`, winding rule "positive") hands it through all splits and merges. `refit` then puts
//! the exact curves back: the integers decide only what is connected to what.

use super::direct::{Joint, Tip, bisector_point, joint, parallel, parallel_radius, tip};
use super::piece::Piece;
use super::{Frame, concave, refit};
use crate::boolean::Scale;
use crate::{Aabb, Point, Vector, cross, left};
use i_overlay::core::edge_data::{EdgeDataMerge, OverlayEdgeData};
use i_overlay::core::edge_overlay::{EdgeOverlay, InputEdge};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::ShapeType;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
use i_overlay::segm::boolean::ShapeCountBoolean;
use i_overlay::vector::edge::SUBJ_LEFT;

/// The exact curve behind edges of the walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curve {
    pub piece: Piece,
    /// The curve that begins where this one ends, when they meet end to end in one exact point.
    pub next: u32,
    /// The piece or corner it runs beside, for the check; `None` for the sides of a sharp tip.
    pub beside: Beside,
}

/// What a curve is parallel to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Beside {
    Piece(u32),
    Corner(Point),
    Tip,
}

/// No curve: edges inside the swept region.
pub(super) const INSIDE: u32 = u32::MAX;
/// The box around everything when the outside is solid.
pub(super) const AROUND: u32 = u32::MAX - 1;
/// There is no curve that follows.
pub(super) const NONE: u32 = u32::MAX;

/// The number of the curve behind an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin(pub u32);

impl OverlayEdgeData for Origin {
    type Store = ();

    /// Edges that fall together: the boundary runs the way of their sum, so one that runs that way speaks for it;
    /// a real curve before the inside of the sweep, then the lower number.
    fn merge(ctx: EdgeDataMerge<ShapeCountBoolean, Self>, (): &mut ()) -> Self {
        let out = ctx.out_count.subj;
        let agrees = |count: ShapeCountBoolean| i64::from(count.subj) * i64::from(out) > 0;
        match (agrees(ctx.lhs_count), agrees(ctx.rhs_count)) {
            (true, false) => ctx.lhs_data,
            (false, true) => ctx.rhs_data,
            _ => Origin(ctx.lhs_data.0.min(ctx.rhs_data.0)),
        }
    }
}

/// A directed edge of a boundary on the grid, solid on its left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub a: IntPoint<i32>,
    pub b: IntPoint<i32>,
    pub origin: u32,
}

/// The boundary of a swept region: closed chains of edges.
#[derive(Debug, Default)]
pub(super) struct Rings {
    pub edges: Vec<Edge>,
    /// Ring i is `edges[starts[i]..starts[i + 1]]`.
    pub starts: Vec<u32>,
}

/// A walk under construction.
pub(super) struct Walk {
    pub scale: Scale,
    pub curves: Vec<Curve>,
    overlay: EdgeOverlay<i32, Origin>,
    at: Point,
    at_grid: IntPoint<i32>,
}

impl Walk {
    /// Starts a walk in a region that nothing leaves.
    pub fn new(bounds: Aabb, size: usize) -> Walk {
        Walk {
            scale: Scale::new(bounds),
            curves: Vec::with_capacity(size),
            overlay: EdgeOverlay::new(2 * size + 16),
            at: bounds.center(),
            at_grid: IntPoint::new(0, 0),
        }
    }

    fn jump(&mut self, p: Point) {
        self.at = p;
        self.at_grid = self.scale.to_grid(p);
    }

    fn line_to(&mut self, p: Point, origin: u32) {
        let b = self.scale.to_grid(p);
        // i_overlay drops edges without length itself.
        self.overlay.add_edge(InputEdge { a: self.at_grid, b, data: Origin(origin) }, ShapeType::Subject);
        self.at = p;
        self.at_grid = b;
    }

    /// Walks along `piece` from here, and notes it as the curve that follows `before`.
    fn curve(&mut self, piece: Piece, beside: Beside, chord: f64) {
        let id = self.curves.len() as u32;
        if let Some(last) = self.curves.last_mut()
            && last.piece.b == piece.a
        {
            last.next = id;
        }
        self.curves.push(Curve { piece, next: NONE, beside });
        if !piece.is_line() {
            self.chords(&piece, id, chord);
        }
        self.line_to(piece.b, id);
    }

    /// Walks the inner vertices of an arc, turning a radius step by step.
    fn chords(&mut self, piece: &Piece, id: u32, chord: f64) {
        let sweep = piece.sweep();
        let radius = piece.radius.abs();
        // Sagitta s over angle φ: R(1 − cos(φ/2)) ≤ Rφ²/8.
        let step = (8.0 * chord / radius).sqrt().min(1.0);
        let n = (sweep.abs() / step).ceil().clamp(1.0, 1e6) as u32;
        if n < 2 {
            return;
        }
        let (s, c) = (sweep / f64::from(n)).sin_cos();
        let mut v = piece.a - piece.center;
        for _ in 1..n {
            v = Vector::new(v.x * c - v.y * s, v.x * s + v.y * c);
            self.line_to(piece.center + v, id);
        }
    }

    /// Adds the outside as solid.
    pub fn around(&mut self, bounds: Aabb) {
        let (p, q) = (bounds.min, bounds.max);
        self.jump(p);
        for (x, y) in [(q.x, p.y), (q.x, q.y), (p.x, q.y), (p.x, p.y)] {
            self.line_to(Point::new(x, y), AROUND);
        }
    }

    /// Walks along the contour itself.
    pub fn along(&mut self, pieces: &[Piece], first: u32, chord: f64) {
        let Some(start) = pieces.first() else { return };
        self.jump(start.a);
        let curve = self.curves.len();
        for (i, p) in pieces.iter().enumerate() {
            self.curve(*p, Beside::Piece(first + i as u32), chord);
        }
        self.link_round(curve);
    }

    /// Walks around everything that the contour sweeps; `first` is the number of its first piece.
    pub fn beside(&mut self, pieces: &[Piece], first: u32, frame: &Frame) {
        let (mut gathered, mut index) = (Vec::new(), Vec::new());
        if concave::gather(pieces, frame.delta, first, &mut gathered, &mut index) {
            self.beside_all(&gathered, |i| index[i], frame);
        } else {
            self.beside_all(pieces, |i| first + i as u32, frame);
        }
    }

    fn beside_all(&mut self, pieces: &[Piece], number: impl Fn(usize) -> u32, frame: &Frame) {
        let n = pieces.len();
        if n == 0 {
            return;
        }
        let curve = self.curves.len();
        // The corner at which the walk begins is not cut: see above.
        let mut corner = Corner::between(&pieces[n - 1], &pieces[0], false, frame);
        self.jump(corner.start);
        let begin = self.at;
        for i in 0..n {
            let (p, q) = (&pieces[i], &pieces[(i + 1) % n]);
            let beside = Beside::Piece(number(i));
            let next = Corner::between(p, q, i + 1 < n, frame);
            self.strip(p, &corner, &next, beside, frame);
            self.corner(p, q, &next, frame);
            corner = next;
        }
        if self.at != begin {
            self.line_to(begin, INSIDE);
        }
        self.link_round(curve);
    }

    /// Walks the outer side of the strip of `p`, between two corners.
    fn strip(&mut self, p: &Piece, before: &Corner, after: &Corner, beside: Beside, frame: &Frame) {
        if p.is_line() {
            let piece = Piece { a: self.at, b: after.end, ..*p };
            self.curve(piece, beside, frame.chord);
        } else if let Some(whole) = parallel(p, frame.delta) {
            let moved = before.start != whole.a || after.end != whole.b;
            let (a, b) = (self.at, after.end);
            let piece = if moved {
                let bulge = super::piece::bulge_about(whole.center, whole.radius, a, b);
                // An arc shorter than what its ends were moved may come out as almost a full turn.
                let inverted = bulge.abs() > whole.bulge.abs() * 1.5 + 1e-3;
                Piece { a, b, bulge: if inverted { 0.0 } else { bulge }, ..whole }
            } else {
                whole
            };
            self.curve(piece, beside, frame.chord);
        } else {
            self.line_to(p.center, INSIDE);
            self.line_to(after.end, INSIDE);
        }
    }

    /// Walks from the end of one strip to the start of the next.
    fn corner(&mut self, p: &Piece, q: &Piece, corner: &Corner, frame: &Frame) {
        if corner.joint == Joint::Convex {
            // A pie ends at the corner itself; its fan begins out on the parallel all the same.
            let from = p.b - left(p.to) * frame.delta;
            let to = q.a - left(q.from) * frame.delta;
            match tip(frame, p.b, p.to, q.from) {
                Tip::Round => {
                    self.reach(from);
                    let bulge = super::direct::quarter_tan(p.to, q.from);
                    let fan = Piece {
                        a: self.at,
                        b: to,
                        from: p.to,
                        to: q.from,
                        center: p.b,
                        radius: frame.delta,
                        bulge,
                        contour: p.contour,
                    };
                    self.curve(fan, Beside::Corner(p.b), frame.chord);
                }
                Tip::Point(peak) => {
                    self.tip_side(p, from, peak);
                    self.tip_side(q, peak, to);
                }
                Tip::Cut(c, d) => {
                    self.tip_side(p, from, c);
                    self.side(c, d, p.contour);
                    self.tip_side(q, d, to);
                }
            }
        } else if corner.joint == Joint::Reflex {
            self.reach(p.b);
        }
        self.reach(corner.start);
    }

    /// Goes to `p` through the inside of what is swept.
    fn reach(&mut self, p: Point) {
        if self.at != p {
            self.line_to(p, INSIDE);
        }
    }

    /// Walks one side of a sharp tip. The side of a line is the line itself, gone on with.
    fn tip_side(&mut self, p: &Piece, a: Point, b: Point) {
        self.reach(a);
        if p.is_line() {
            let piece = Piece { a, b, ..*p };
            self.curve(piece, Beside::Tip, 1.0);
        } else {
            self.side(a, b, p.contour);
        }
    }

    fn side(&mut self, a: Point, b: Point, contour: u32) {
        self.reach(a);
        if (b - a).norm() > 1e-12 {
            self.curve(Piece::line(a, b, contour), Beside::Tip, 1.0);
        }
    }

    fn link_round(&mut self, first: usize) {
        let n = self.curves.len();
        if n > first && self.curves[n - 1].piece.b == self.curves[first].piece.a {
            self.curves[n - 1].next = first as u32;
        }
    }

    /// Returns the boundary of where the walk turns at least once around.
    pub fn boundary(&mut self) -> Rings {
        let vectors = self.overlay.build_vectors(OverlayRule::Subject, FillRule::Positive);
        let edges: Vec<Edge> = vectors
            .iter()
            .map(|v| {
                if v.fill & SUBJ_LEFT != 0 {
                    Edge { a: v.a, b: v.b, origin: v.data.0 }
                } else {
                    Edge { a: v.b, b: v.a, origin: v.data.0 }
                }
            })
            .collect();
        chain(&edges)
    }
}

/// How the walk gets around a corner: where the strip before ends and the strip after begins.
struct Corner {
    joint: Joint,
    end: Point,
    start: Point,
}

impl Corner {
    fn between(p: &Piece, q: &Piece, may_cut: bool, frame: &Frame) -> Corner {
        let delta = frame.delta;
        let (t1, t2) = (p.to, q.from);
        let (pie1, pie2) = (is_pie(p, delta), is_pie(q, delta));
        let ends = |joint| Corner {
            joint,
            end: if pie1 { p.b } else { p.b - left(t1) * delta },
            start: if pie2 { q.a } else { q.a - left(t2) * delta },
        };
        let (s, c) = (cross(t1, t2), t1.dot(&t2));
        let slip = delta * s.abs();
        let kind = joint(frame, t1, t2, parallel_radius(p, delta), parallel_radius(q, delta));
        if pie1 || pie2 {
            // Out on the parallel or in at the corner: both ends of a spike that is swept on both sides. The least
            // turn to the left needs its fan, or a slit as thin would stay open between the two strips.
            let convex = s >= 0.0 || (c < 0.0 && s > -1e-6);
            return ends(if convex { Joint::Convex } else { Joint::Reflex });
        }
        let at = |point| Corner { joint: Joint::Smooth, end: point, start: point };
        let straight = p.is_line() && q.is_line();
        match kind {
            Joint::Convex => ends(Joint::Convex),
            Joint::Smooth if s >= 0.0 => at(bisector_point(delta, p.b, t1, t2)),
            // Right turns: the kite must lie in both strips; for lines that is exact, next to an arc's chords it
            // may stand out by slip·φ/2 for chords of angle φ, so only next to no slip is allowed.
            _ if may_cut && straight && c >= 0.0 && slip <= span(p).min(span(q)) => {
                at(bisector_point(delta, p.b, t1, t2))
            }
            _ if may_cut && !straight && c > 0.0 && slip < 2e-4 && slip <= span(p).min(span(q)) => {
                at(bisector_point(delta, p.b, t1, t2))
            }
            _ => ends(Joint::Reflex),
        }
    }
}

fn span(p: &Piece) -> f64 {
    (p.b - p.a).norm()
}

/// True for a concave arc whose strip ends at its centre.
fn is_pie(p: &Piece, delta: f64) -> bool {
    p.radius < 0.0 && p.radius + delta > -1e-9
}

/// Orders edges into closed chains. Where several leave one point, the sharpest left turn is taken, so that solids
/// that touch in a point stay apart. Sorting twice pairs ends with starts: n log n.
fn chain(edges: &[Edge]) -> Rings {
    let key =
        |p: IntPoint<i32>| (u64::from(p.x as u32 ^ 0x8000_0000) << 32) | u64::from(p.y as u32 ^ 0x8000_0000);
    let mut leaving: Vec<(u64, u32)> = edges.iter().enumerate().map(|(i, e)| (key(e.a), i as u32)).collect();
    let mut arriving: Vec<(u64, u32)> = edges.iter().enumerate().map(|(i, e)| (key(e.b), i as u32)).collect();
    leaving.sort_unstable();
    arriving.sort_unstable();
    let mut next = vec![NONE; edges.len()];
    let (mut i, mut k) = (0, 0);
    while i < leaving.len() {
        let point = leaving[i].0;
        let j = i + leaving[i..].iter().take_while(|l| l.0 == point).count();
        while k < arriving.len() && arriving[k].0 < point {
            k += 1;
        }
        let l = k + arriving[k..].iter().take_while(|a| a.0 == point).count();
        pair(edges, &arriving[k..l], &leaving[i..j], &mut next);
        (i, k) = (j, l);
    }
    let mut rings = Rings { edges: Vec::with_capacity(edges.len()), starts: vec![0] };
    let mut seen = vec![false; edges.len()];
    for first in leaving.iter().map(|l| l.1 as usize) {
        let mut at = first;
        if seen[at] {
            continue;
        }
        while !seen[at] {
            seen[at] = true;
            rings.edges.push(edges[at]);
            match next[at] {
                NONE => break,
                n => at = n as usize,
            }
        }
        if at == first || rings.edges.last().is_some_and(|e| e.b == edges[first].a) {
            rings.starts.push(rings.edges.len() as u32);
        } else {
            // An open end: cannot be, as the boundary of a region closes. Leave it out.
            rings.edges.truncate(rings.starts[rings.starts.len() - 1] as usize);
        }
    }
    rings
}

/// Gives every edge that arrives at a point the one on which to leave.
fn pair(edges: &[Edge], arriving: &[(u64, u32)], leaving: &[(u64, u32)], next: &mut [u32]) {
    if let ([a], [l]) = (arriving, leaving) {
        next[a.1 as usize] = l.1;
        return;
    }
    let mut free: Vec<u32> = leaving.iter().map(|l| l.1).collect();
    for a in arriving {
        let d = direction(&edges[a.1 as usize]);
        let turn = |i: u32| {
            let v = direction(&edges[i as usize]);
            let s = side(d, v);
            // Turning back counts as the sharpest left.
            (v, s > 0 || (s == 0 && d.0 * v.0 + d.1 * v.1 < 0))
        };
        let best = (0..free.len()).min_by(|&x, &y| {
            let ((u, u_left), (v, v_left)) = (turn(free[x]), turn(free[y]));
            // Left before right; on one side, the one with the other on its right.
            v_left.cmp(&u_left).then(side(u, v).cmp(&0)).then(free[x].cmp(&free[y]))
        });
        if let Some(k) = best {
            next[a.1 as usize] = free.swap_remove(k);
        }
    }
}

fn direction(e: &Edge) -> (i64, i64) {
    (i64::from(e.b.x) - i64::from(e.a.x), i64::from(e.b.y) - i64::from(e.a.y))
}

/// Returns u × v; exact, as coordinates stay below 2^29.
fn side(u: (i64, i64), v: (i64, i64)) -> i64 {
    u.0 * v.1 - u.1 * v.0
}

/// Contours to sweep: contour k is `pieces[starts[k]..starts[k + 1]]`.
#[derive(Clone, Copy)]
pub(super) struct Contours<'a> {
    pub pieces: &'a [Piece],
    pub starts: &'a [u32],
    /// What surrounds them all.
    pub outside_is_solid: bool,
}

/// What came of a sweep: exact rings, and the grid's view of them.
pub(super) struct Swept {
    pub rings: Vec<refit::Ring>,
    boundary: Rings,
    curves: Vec<Curve>,
    scale: Scale,
}

impl Swept {
    fn new(mut walk: Walk, frame: &Frame) -> Swept {
        let boundary = walk.boundary();
        let rings = refit::refit(&boundary, &walk.curves, walk.scale, frame);
        Swept { rings, boundary, curves: walk.curves, scale: walk.scale }
    }

    /// Replaces every ring by the polygon that the grid has of it.
    pub fn flatten(&mut self) {
        for ring in &mut self.rings {
            let edges = &self.boundary.edges[ring.edges.start as usize..ring.edges.end as usize];
            ring.doubtful = Some(refit::on_grid(edges, &self.curves, self.scale));
        }
    }
}

/// Returns the boundary of the grown solid.
pub(super) fn sweep(contours: Contours<'_>, frame: &Frame) -> Swept {
    let mut walk = start(contours, 2.0 * frame.reach + 1.0);
    for w in contours.starts.windows(2) {
        walk.beside(&contours.pieces[w[0] as usize..w[1] as usize], w[0], frame);
    }
    Swept::new(walk, frame)
}

/// Returns the boundary of what the contours themselves wind around at least once: what self-crossing ones mean.
pub(super) fn normalise(contours: Contours<'_>, frame: &Frame) -> Swept {
    let mut walk = start(contours, 1.0);
    for w in contours.starts.windows(2) {
        walk.along(&contours.pieces[w[0] as usize..w[1] as usize], w[0], frame.chord);
    }
    Swept::new(walk, frame)
}

fn start(contours: Contours<'_>, margin: f64) -> Walk {
    let bounds = contours.pieces.iter().fold(Aabb::EMPTY, |all, p| all.union(p.bounds())).inflated(margin);
    let mut walk = Walk::new(bounds, contours.pieces.len());
    if contours.outside_is_solid {
        walk.around(bounds);
    }
    walk
}
