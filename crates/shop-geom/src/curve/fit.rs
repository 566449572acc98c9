//! Covers a chain of Bézier pieces with lines and biarcs, provably within a tolerance.
//!
//! ```text
//!            T0 ↗   J   ↘ T1         a window P0..P1 with its tangents; the biarc's two arcs
//!        P0 •·····──•──·····• P1     meet in J with a common tangent (d1 = d2 construction,
//!                                    K. M. Bolton, "Biarc curves", CAD 7(2), 1975)
//! ```
//!
//! **The bound.** Let an arc start at P0 with unit tangent T, left normal N and signed curvature κ, and let
//! D(t) = P(t) − P0. Then E = κ|D|²/2 − N·D is zero on the circle, and |P − C| = r ± δ exactly where
//! E = ±δ + κδ²/2: without a centre, without cancellation for flat arcs, and with κ = 0 the distance from a line.
//! For a rational piece of degree n, w²E is a polynomial of degree 2n; its Bernstein coefficients bound it. So
//! |E| ≤ δ − |κ|δ²/2 puts the whole piece into the annulus of half width δ. The angle about the centre advances
//! with M = T·D' + κ D×D' of degree 2n − 1; where no coefficient is negative the piece never turns back. Both
//! together, and a window that turns at most half a turn, bound the Hausdorff distance in both directions: every
//! point of the curve has an arc point on its ray, and by continuity every ray of the arc meets the curve.
//!
//! **Few arcs.** Windows are grown greedily over joints without corner, and shrunk inside a piece by the rule that
//! the error of a biarc grows with the cube of the window (D. S. Meek, D. J. Walton, "Approximating smooth planar
//! curves by arc splines", J. Comput. Appl. Math. 59, 1995).

use super::bezier::{Chain, Control, MAX_DEGREE, end_tangent, evaluate_at, place, split, turning};
use crate::{Aabb, Point, Polyline, Vector, Vertex, cross, left};
use std::f64::consts::{FRAC_PI_2, PI};

/// A spline that says it is closed is closed when its ends meet to this, mm: hand-made drawings and the
/// corpus' own definition of closed.
pub(super) const CLOSING_GAP: f64 = 0.01;
/// A joint that turns by more than this keeps its corner, rad.
const CORNER: f64 = 0.01;
/// A line or a single arc may miss the tangents of the curve by this, rad; below what a controller slows for.
const KINK: f64 = 5e-4;
/// Most a window may turn, rad; the little more lets half circles pass.
const WINDOW_TURN: f64 = PI + 1e-6;
/// A piece is not divided below this part of its parameter range; what is left there is a point or a fold.
const LEAST_WINDOW: f64 = 1.0 / (1 << 22) as f64;

/// Returns lines and arcs within `tolerance` of the chain. `closed` says that the drawing calls it closed.
pub(super) fn fit(chain: &Chain, closed: bool, tolerance: f64) -> Polyline {
    let Some((first, last)) = chain.ends() else { return Polyline::default() };
    let extent = Aabb::of(chain.controls.iter().map(|c| place(*c)));
    let extent = extent.width().max(extent.height());
    if !extent.is_finite() {
        return Polyline::default();
    }
    // A controller's own resolution is 1e-4 mm or coarser; f64 has 1e-16 of the coordinates.
    let tolerance = if tolerance > 1e-6 { tolerance } else { 1e-6 };
    let tolerance = tolerance.max(1e-12 * (first.coords.amax() + extent));
    let gap = (last - first).norm();
    let closes = gap <= if closed { tolerance.max(CLOSING_GAP) } else { tolerance } && extent > 4.0 * gap;
    // A small gap is taken up by the last arc, which costs that much of its tolerance; a larger one is a line.
    let snap = closes && gap <= tolerance / 4.0;
    let tolerance = if snap { tolerance - gap } else { tolerance };
    // The usual degrees have loops of constant length.
    let mut vertices = match chain.degree {
        1 => Fitter::<2>::new(chain, tolerance).run(),
        2 => Fitter::<3>::new(chain, tolerance).run(),
        3 => Fitter::<4>::new(chain, tolerance).run(),
        _ => Fitter::<MOST>::new(chain, tolerance).run(),
    };
    if vertices.is_empty() {
        return Polyline::open([first]);
    }
    if !snap {
        vertices.push(Vertex { point: last, bulge: 0.0 });
    }
    Polyline { vertices, closed: closes }
}

/// One or two arcs over a window: start points and bulges, and the greatest part of the tolerance they use.
#[derive(Clone, Copy)]
struct Cover {
    vertices: [Vertex; 2],
    count: usize,
    error: f64,
}

impl Cover {
    fn one(point: Point, bulge: f64, error: f64) -> Self {
        Cover { vertices: [Vertex { point, bulge }; 2], count: 1, error }
    }
}

/// What one biarc is to cover: what is left of piece `index`, then whole pieces, `pieces` in all, the last of
/// which may be only a start of the drawn one.
#[derive(Clone, Copy)]
struct Window<'a> {
    head: &'a [Control],
    index: usize,
    pieces: usize,
    tail: Option<&'a [Control]>,
}

/// How long windows have been, to guess the next: curvature changes slowly along most curves.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// Length that would have used the whole tolerance, of the window before, in terms of the speed at its start.
    length: f64,
    /// How that grew from the one before it.
    growth: f64,
}

impl Pace {
    /// Returns the part of the head that the next window is likely to cover; `None` when that may be all of it.
    fn share(&self, head: &[Control], rest: f64) -> Option<f64> {
        let speed = start_speed(head);
        let share = self.length * self.growth / speed;
        (self.length > 0.0 && share < 0.8 && share * rest > LEAST_WINDOW).then_some(share)
    }

    /// Notes a window over a part `t` of the head that used `error` of the tolerance.
    fn step(&mut self, head: &[Control], t: f64, error: f64) {
        let length = t * start_speed(head) * cube_root(0.96 / error.max(0.05));
        self.growth = if self.length > 0.0 { (length / self.length).clamp(0.7, 1.4) } else { 1.0 };
        self.length = if length.is_finite() { length } else { 0.0 };
    }
}

/// Returns the speed at the start of a piece, over its degree; above zero.
fn start_speed(piece: &[Control]) -> f64 {
    (place(piece[1]) - place(piece[0])).norm().max(1e-300)
}

/// Room for a piece of any degree.
const MOST: usize = MAX_DEGREE + 1;

/// Fits pieces of `N` controls; with `N` = [`MOST`] of any number up to that.
struct Fitter<const N: usize> {
    degree: usize,
    tolerance: f64,
    /// Pieces that turn at most a quarter each, or are too small to matter.
    chain: Chain,
    /// What each piece turns, and the joint before it.
    turn: Vec<f64>,
    /// True where a corner precedes the piece.
    corner: Vec<bool>,
    /// C(n,i)·C(n,j)/C(2n,i+j), row i.
    product: [[f64; N]; N],
    /// C(n−1,i)·C(n,j)/C(2n−1,i+j)·n, row i.
    slope: [[f64; N]; N],
    /// All weights are 1.
    plain: bool,
    /// What is left of the current piece.
    head: [Control; N],
}

fn binomials(n: usize) -> Vec<f64> {
    let mut row = vec![1.0];
    for k in 0..n {
        row.push(row[k] * (n - k) as f64 / (k + 1) as f64);
    }
    row
}

impl<const N: usize> Fitter<N> {
    fn new(source: &Chain, tolerance: f64) -> Self {
        let n = source.degree;
        let (b, less) = (binomials(n), binomials(n - 1));
        let (twice, odd) = (binomials(2 * n), binomials(2 * n - 1));
        let (mut product, mut slope) = ([[0.0; N]; N], [[0.0; N]; N]);
        for i in 0..=n {
            for j in 0..=n {
                product[i][j] = b[i] * b[j] / twice[i + j];
                if i < n {
                    slope[i][j] = less[i] * b[j] / odd[i + j] * n as f64;
                }
            }
        }
        let mut fitter = Fitter {
            degree: n,
            tolerance,
            chain: Chain::new(n),
            turn: Vec::with_capacity(source.len()),
            corner: Vec::with_capacity(source.len()),
            product,
            slope,
            plain: source.controls.iter().all(|c| c[2] == 1.0),
            head: [[0.0; 3]; N],
        };
        fitter.chain.controls.reserve(source.controls.len());
        for piece in source.pieces() {
            fitter.admit(piece, 14);
        }
        fitter
    }

    /// Degree of the pieces, a constant where `N` says it.
    #[inline(always)]
    fn degree(&self) -> usize {
        if N == MOST { self.degree } else { N - 1 }
    }

    /// Takes a piece in, halved until no part turns by more than a quarter. A cusp turns at once and never
    /// passes, but its parts shrink with the square of the depth.
    fn admit(&mut self, piece: &[Control], depth: u32) {
        let n = self.degree() + 1;
        let turn = turning(piece);
        if turn > FRAC_PI_2 + 1e-6 && depth > 0 && reach(piece) > self.tolerance / 4.0 {
            let (mut a, mut b) = ([[0.0; 3]; N], [[0.0; 3]; N]);
            split(piece, 0.5, &mut a[..n], &mut b[..n]);
            self.admit(&a[..n], depth - 1);
            self.admit(&b[..n], depth - 1);
            return;
        }
        let Some(start) = end_tangent(piece, false) else { return };
        let before = self.chain.controls.len().checked_sub(n).map(|at| &self.chain.controls[at..]);
        let joint = before.and_then(|b| {
            let t = end_tangent(b, true)?;
            let near = (place(b[n - 1]) - place(piece[0])).norm_squared();
            Some((cross(t, start).abs().atan2(t.dot(&start)), near))
        });
        let (joint, gap) = joint.unwrap_or((PI, 0.0));
        if gap > 0.0 && gap.sqrt() > self.tolerance / 8.0 {
            // A knot of full multiplicity may tear a spline apart; the gap is bridged by a line.
            let (a, b) = (place(self.chain.controls[self.chain.controls.len() - 1]), place(piece[0]));
            self.chain.push_line(a, b);
            self.turn.push(0.0);
            self.corner.push(true);
            self.chain.controls.extend_from_slice(piece);
            self.turn.push(turn);
            self.corner.push(true);
            return;
        }
        self.chain.controls.extend_from_slice(piece);
        self.corner.push(joint > CORNER);
        self.turn.push(turn + if joint > CORNER { 0.0 } else { joint });
    }

    /// Returns the start of every line and arc, with its bulge.
    fn run(&mut self) -> Vec<Vertex> {
        let n = self.degree() + 1;
        let count = self.turn.len();
        let mut out = Vec::with_capacity(count * 2 + 1);
        let mut next = [[0.0; 3]; N];
        let mut spare = next;
        let (mut i, mut rest) = (0, 1.0);
        // How long the next window is likely to be.
        let mut pace = Pace::default();
        while i < count {
            if rest == 1.0 {
                self.head[..n].copy_from_slice(self.chain.piece(i));
            }
            let window = Window { head: &self.head[..n], index: i, pieces: 1, tail: None };
            let share = pace.share(window.head, rest);
            let (cover, t) = match share {
                Some(guess) => self.shrink(window.head, guess, true, rest),
                None => match self.cover(&window) {
                    Ok(c) => (c, 1.0),
                    Err(_) if rest <= LEAST_WINDOW => (Cover::one(place(self.head[0]), 0.0, 1.0), 1.0),
                    Err(excess) => {
                        let guess = cube_root(0.9 / excess.max(1.0)).clamp(0.05, 0.9);
                        self.shrink(window.head, guess, false, rest)
                    }
                },
            };
            pace.step(window.head, t, cover.error);
            if t < 1.0 {
                emit(&mut out, &cover);
                split(&self.head[..n], t, &mut spare[..n], &mut next[..n]);
                self.head = next;
                rest *= 1.0 - t;
                continue;
            }
            let (c, pieces) = self.grow(&window, cover);
            i += pieces;
            rest = 1.0;
            match self.reach_into_next(&Window { pieces, ..window }, &c) {
                Some((c, t)) => {
                    emit(&mut out, &c);
                    split(self.chain.piece(i), t, &mut spare[..n], &mut next[..n]);
                    self.head = next;
                    rest -= t;
                }
                None => emit(&mut out, &c),
            }
        }
        out
    }

    /// Extends a window that covers the head over whole following pieces, as far as it fits.
    fn grow(&self, window: &Window<'_>, first: Cover) -> (Cover, usize) {
        let i = window.index;
        let (mut best, mut fits, mut most) = (first, 1, 1);
        let mut turn = self.turn[i];
        while i + most < self.turn.len() && !self.corner[i + most] {
            turn += self.turn[i + most];
            if turn > WINDOW_TURN || most >= 1 << 12 {
                break;
            }
            most += 1;
        }
        // Doubled until it fails, then the gap halved.
        let (mut step, mut fails) = (1, most + 1);
        while fits < most && fails > most {
            let next = (fits + step).min(most);
            match self.cover(&Window { pieces: next, ..*window }) {
                Ok(c) => {
                    (best, fits) = (c, next);
                    step *= 2;
                }
                Err(_) => fails = next,
            }
        }
        while fails - fits > 1 && fails <= most {
            let next = usize::midpoint(fits, fails);
            match self.cover(&Window { pieces: next, ..*window }) {
                Ok(c) => (best, fits) = (c, next),
                Err(_) => fails = next,
            }
        }
        (best, fits)
    }

    /// Extends a window that whole pieces could not fill over a start of the next piece, when that promises a
    /// good deal more.
    fn reach_into_next(&self, window: &Window<'_>, sofar: &Cover) -> Option<(Cover, f64)> {
        let at = window.index + window.pieces;
        if sofar.error > 0.5 || at >= self.turn.len() || self.corner[at] {
            return None;
        }
        let turn: f64 = self.turn[window.index..=at].iter().sum();
        if turn > WINDOW_TURN {
            return None;
        }
        let next = self.chain.piece(at);
        let long = (place(next[0]) - place(window.head[0])).norm();
        let more = long * (cube_root(0.9 / sofar.error.max(0.01)) - 1.0);
        if more < 0.15 * long {
            return None;
        }
        let guess = (more / reach(next).max(1e-12)).clamp(1e-3, 0.8);
        let n = self.degree() + 1;
        Self::longest(guess, 1.0, false, |t| {
            let (mut a, mut b) = ([[0.0; 3]; N], [[0.0; 3]; N]);
            split(next, t, &mut a[..n], &mut b[..n]);
            self.cover(&Window { pieces: window.pieces + 1, tail: Some(&a[..n]), ..*window })
        })
    }

    /// Returns about the longest start of the head, as a parameter, that one biarc covers; of `whole`, perhaps all.
    fn shrink(&self, head: &[Control], guess: f64, whole: bool, rest: f64) -> (Cover, f64) {
        let n = self.degree() + 1;
        let found = Self::longest(guess, rest, whole, |t| {
            let (mut a, mut b) = ([[0.0; 3]; N], [[0.0; 3]; N]);
            let head = if t < 1.0 {
                split(head, t, &mut a[..n], &mut b[..n]);
                &a[..n]
            } else {
                head
            };
            self.cover(&Window { head, index: 0, pieces: 1, tail: None })
        });
        // Nothing fits: a point or a fold of the least size, which a line may skip.
        found.unwrap_or_else(|| (Cover::one(place(head[0]), 0.0, 1.0), (LEAST_WINDOW / rest).min(0.5)))
    }

    /// Searches for about the greatest parameter below 1 (of `whole`, up to 1) for which `attempt` succeeds, by the
    /// rule of the cube; `None` when none of at least [`LEAST_WINDOW`] of the piece, of which `rest` is left, does.
    fn longest(
        mut guess: f64,
        rest: f64,
        mut whole: bool,
        attempt: impl Fn(f64) -> Result<Cover, f64>,
    ) -> Option<(Cover, f64)> {
        let (mut low, mut high) = (0.0, 1.0);
        let mut best: Option<Cover> = None;
        for round in 0..60 {
            let ratio = match attempt(guess) {
                Ok(c) => {
                    best = Some(c);
                    low = guess;
                    if c.error > 0.88 || guess == 1.0 {
                        break;
                    }
                    c.error.max(1e-3)
                }
                Err(e) => {
                    high = guess;
                    e.clamp(1.05, 1e4)
                }
            };
            if (best.is_some() && (high - low < 0.06 * high || round > 5)) || guess * rest < LEAST_WINDOW {
                break;
            }
            let wish = guess * cube_root(0.92 / ratio);
            if whole && high == 1.0 && wish >= 1.0 {
                (guess, whole) = (1.0, false);
                continue;
            }
            let margin = 0.1 * (high - low);
            guess = if wish > low && wish < high {
                wish.clamp(low + margin, high - margin)
            } else {
                f64::midpoint(low, high)
            };
        }
        best.map(|c| (c, low))
    }

    /// Returns a line, an arc or a biarc over the window, or by how much the best of them exceeds the tolerance
    /// (infinite when it turns back).
    fn cover(&self, window: &Window<'_>) -> Result<Cover, f64> {
        let Window { head, pieces, .. } = *window;
        let part = |k: usize| match window.tail {
            _ if k == 0 => head,
            Some(tail) if k + 1 == pieces => tail,
            _ => self.chain.piece(window.index + k),
        };
        let tail = part(pieces - 1);
        let (p0, p1) = (place(head[0]), place(tail[self.degree()]));
        let chord = p1 - p0;
        let length = chord.norm();
        if length <= self.tolerance / 2.0 {
            let small = (0..pieces).all(|k| {
                part(k)
                    .iter()
                    .all(|c| (place(*c) - p0).norm_squared() <= self.tolerance * self.tolerance / 4.0)
            });
            if small {
                return Ok(Cover::one(p0, 0.0, 0.0));
            }
        }
        let (Some(t0), Some(t1)) = (end_tangent(head, false), end_tangent(tail, true)) else {
            return Err(f64::INFINITY);
        };
        if length == 0.0 {
            return Err(f64::INFINITY);
        }
        // Tangent of half the angle between chord and tangent: the bulge of an arc with that tangent.
        let b0 = cross(t0, chord) / (length + t0.dot(&chord));
        let b1 = cross(chord, t1) / (length + t1.dot(&chord));
        if b0.abs() <= KINK / 2.0 && b1.abs() <= KINK / 2.0 {
            let arc = Circle { origin: p0, tangent: chord / length, curvature: 0.0 };
            if let Ok(e) = self.deviation(&arc, pieces, &part, None) {
                return Ok(Cover::one(p0, 0.0, e));
            }
        }
        if (b0 - b1).abs() <= KINK / 2.0 && b0.abs() < 1.0 + 1e-6 {
            let b = f64::midpoint(b0, b1);
            let (cos, sin) = ((1.0 - b * b) / (1.0 + b * b), 2.0 * b / (1.0 + b * b));
            let u = chord / length;
            let tangent = u * cos - left(u) * sin;
            let arc = Circle { origin: p0, tangent, curvature: 2.0 * sin / length };
            if let Ok(e) = self.deviation(&arc, pieces, &part, None) {
                return Ok(Cover::one(p0, b, e));
            }
        }
        // d1 = d2 = d: |chord − d(T0 + T1)| = 2d.
        let along = chord.dot(&(t0 + t1));
        let open = 2.0 * (1.0 - t0.dot(&t1)).max(0.0);
        let d = length * length / (along + (along * along + open * length * length).sqrt());
        if !(along > -1e-9 * length && d.is_finite() && d > 0.0) {
            return Err(f64::INFINITY);
        }
        let joint = nalgebra::center(&(p0 + t0 * d), &(p1 - t1 * d));
        let middle = ((p1 - t1 * d) - (p0 + t0 * d)) / (2.0 * d);
        let (first, bulge0) = Circle::through(p0, t0, joint);
        let (_, bulge1) = Circle::through(joint, middle, p1);
        if bulge0.abs() > 1.0 + 1e-6 || bulge1.abs() > 1.0 + 1e-6 {
            return Err(f64::INFINITY);
        }
        // The second arc is measured from the far end, where it touches the curve.
        let second =
            Circle { curvature: Circle::through(p1, -t1, joint).0.curvature, origin: p1, tangent: -t1 };
        // Where the curve crosses the ray of the joint. Off by ε, the curve leaves the other circle by another
        // κε²/2 there; that stays in the 2 % which the bound leaves free.
        let spread = (first.curvature + second.curvature).abs();
        let slack = (0.02 * self.tolerance / spread.max(1e-12)).sqrt().min(0.05 * length);
        let cut = self.crossing(joint, middle, slack, pieces, &part).ok_or(f64::INFINITY)?;
        // Most windows that fail do so in the middle of an arc, which costs little to see.
        let (k, t) = cut;
        self.glance(&first, part(k), t / 2.0)?;
        let (last, t) = if k + 1 == pieces { (part(k), f64::midpoint(t, 1.0)) } else { (tail, 0.5) };
        self.glance(&second, last, t)?;
        let e0 = self.deviation(&first, cut.0 + 1, &part, Some((cut, false)))?;
        let e1 = self.deviation(&second, pieces, &part, Some((cut, true)))?;
        let vertices = [Vertex { point: p0, bulge: bulge0 }, Vertex { point: joint, bulge: bulge1 }];
        Ok(Cover { vertices, count: 2, error: e0.max(e1) })
    }

    /// Looks at one place of a piece, and fails when it is too far from the circle.
    fn glance(&self, circle: &Circle, piece: &[Control], t: f64) -> Result<(), f64> {
        let d = place(evaluate_at::<N>(&piece[..=self.degree()], t).0) - circle.origin;
        let e = 0.5 * circle.curvature * d.norm_squared() - cross(circle.tangent, d);
        let excess = e.abs() / self.tolerance;
        if excess > 1.0 { Err(excess) } else { Ok(()) }
    }

    /// Returns piece and parameter at which the window crosses the line through `joint` across `direction`.
    fn crossing<'a>(
        &self,
        joint: Point,
        direction: Vector,
        slack: f64,
        pieces: usize,
        part: &impl Fn(usize) -> &'a [Control],
    ) -> Option<(usize, f64)> {
        // How far a control is ahead of that line, times its weight: that is a polynomial along the piece.
        let ahead =
            |c: &Control| (c[0] - joint.x * c[2]) * direction.x + (c[1] - joint.y * c[2]) * direction.y;
        let n = self.degree();
        let k = (0..pieces).find(|&k| ahead(&part(k)[n]) >= 0.0)?;
        let piece = &part(k)[..=n];
        let (mut f, mut least) = ([0.0; N], f64::INFINITY);
        for (f, c) in f.iter_mut().zip(piece) {
            *f = ahead(c);
            least = least.min(c[2]);
        }
        let slack = slack * least;
        let (mut t0, mut t1) = (0.0, 1.0);
        let (mut f0, mut f1) = (f[0], f[n]);
        if f0 >= 0.0 {
            return (f0 <= slack).then_some((k, 0.0));
        }
        for round in 0..60 {
            let share = if round % 3 == 2 { 0.5 } else { (f0 / (f0 - f1)).clamp(0.02, 0.98) };
            let t = t0 + (t1 - t0) * share;
            let mut q = f;
            for r in (1..=n).rev() {
                for i in 0..r {
                    q[i] += (q[i + 1] - q[i]) * t;
                }
            }
            if q[0].abs() <= slack {
                return Some((k, t));
            }
            if q[0] < 0.0 { (t0, f0) = (t, q[0]) } else { (t1, f1) = (t, q[0]) }
        }
        None
    }

    /// Returns the greatest deviation of the window from the circle as a part of the tolerance when it is below 1,
    /// else as an error. With a `cut`, only what lies before it is looked at, or (true) what lies after it, then
    /// seen from the far end.
    fn deviation<'a>(
        &self,
        circle: &Circle,
        pieces: usize,
        part: &impl Fn(usize) -> &'a [Control],
        cut: Option<((usize, f64), bool)>,
    ) -> Result<f64, f64> {
        let n = self.degree() + 1;
        let mut worst = 0.0_f64;
        let from = match cut {
            Some(((k, _), true)) => k,
            _ => 0,
        };
        let (mut a, mut b) = ([[0.0; 3]; N], [[0.0; 3]; N]);
        for k in from..pieces {
            let mut piece = part(k);
            if let Some(((at, t), after)) = cut
                && at == k
            {
                split(piece, t, &mut a[..n], &mut b[..n]);
                piece = if after { &b[..n] } else { &a[..n] };
            }
            let backward = matches!(cut, Some((_, true)));
            worst = worst.max(self.piece_deviation(circle, piece, backward)?);
        }
        Ok(worst)
    }

    fn piece_deviation(&self, circle: &Circle, piece: &[Control], backward: bool) -> Result<f64, f64> {
        let n = self.degree();
        let kappa = circle.curvature;
        // 2 % are left for the joint.
        let limit = 0.98 * self.tolerance - 0.5 * kappa.abs() * self.tolerance * self.tolerance;
        if limit <= 0.5 * self.tolerance {
            return Err(f64::INFINITY);
        }
        let (o, t, normal) = (circle.origin, circle.tangent, left(circle.tangent));
        // Relative to the origin, along tangent and normal, homogeneous.
        let mut along = [0.0; N];
        let mut off = [0.0; N];
        let mut least = f64::INFINITY;
        let mut heavy = 0.0_f64;
        let piece = &piece[..=n];
        for (i, c) in piece.iter().enumerate() {
            let (x, y) = (c[0] - o.x * c[2], c[1] - o.y * c[2]);
            along[i] = x * t.x + y * t.y;
            off[i] = x * normal.x + y * normal.y;
            least = least.min(c[2]);
            heavy = heavy.max(c[2]);
        }
        let sense = if backward { -1.0 } else { 1.0 };
        if !self.advances(&along[..=n], &off[..=n], piece, kappa, sense, heavy) {
            return Err(f64::INFINITY);
        }
        let mut e = [[0.0; N]; 2];
        let e = e.as_flattened_mut();
        for i in 0..=n {
            let row = &self.product[i];
            let (ka, kf) = (0.5 * kappa * along[i], 0.5 * kappa * off[i]);
            if self.plain {
                for j in 0..=n {
                    e[i + j] += row[j] * (ka * along[j] + kf * off[j] - off[i]);
                }
            } else {
                for j in 0..=n {
                    e[i + j] += row[j] * (ka * along[j] + kf * off[j] - off[i] * piece[j][2]);
                }
            }
        }
        let e = &e[..=2 * n];
        let bound = e.iter().fold(0.0_f64, |m, v| m.max(v.abs())) / (least * least);
        if bound <= 0.5 * limit {
            return Ok(bound / limit);
        }
        let weights = (heavy != least).then_some(piece);
        let worst = refine::<N>(e, weights, least, limit, 4);
        if worst <= limit { Ok(worst / limit) } else { Err(worst / limit) }
    }
}

impl<const N: usize> Fitter<N> {
    /// True when a piece, given along tangent and normal of a circle of this curvature, never turns back about the
    /// circle's centre: no coefficient of M is negative.
    #[inline]
    fn advances(
        &self,
        along: &[f64],
        off: &[f64],
        piece: &[Control],
        kappa: f64,
        sense: f64,
        heavy: f64,
    ) -> bool {
        let n = self.degree();
        if self.plain {
            // κ D×D' is at most κ|D||D'|; where legs are about equal and the turn is small, that settles it.
            let (mut least, mut far, mut long) = (f64::INFINITY, 0.0_f64, 0.0_f64);
            for i in 0..n {
                let (da, df) = (along[i + 1] - along[i], off[i + 1] - off[i]);
                least = least.min(da * sense);
                long = long.max(da * da + df * df);
            }
            for i in 0..=n {
                far = far.max(along[i] * along[i] + off[i] * off[i]);
            }
            if least > 0.0 && least * least > kappa * kappa * far * long {
                return true;
            }
        }
        let mut m = [[0.0; N]; 2];
        let m = m.as_flattened_mut();
        let mut size = 0.0_f64;
        for i in 0..n {
            let (da, df, dw) = (along[i + 1] - along[i], off[i + 1] - off[i], piece[i + 1][2] - piece[i][2]);
            for j in 0..=n {
                let w = piece[j][2];
                let v = (da * w - along[j] * dw) + kappa * (along[j] * df - off[j] * da);
                m[i + j] += self.slope[i][j] * v;
            }
            size += da.abs() + df.abs();
        }
        m[..2 * n].iter().all(|v| v * sense >= -1e-9 * size * heavy)
    }
}

/// Returns a bound of |E|: Bernstein coefficients of E·w² over those of w², on halves where that is needed to
/// decide. Where a value itself exceeds the limit it is returned at once.
fn refine<const N: usize>(e: &[f64], weights: Option<&[Control]>, least: f64, limit: f64, depth: u32) -> f64 {
    let bound = e.iter().fold(0.0_f64, |m, v| m.max(v.abs())) / (least * least);
    if bound <= limit || depth == 0 {
        return bound;
    }
    let n = e.len();
    let (mut a, mut b) = ([[0.0; N]; 2], [[0.0; N]; 2]);
    let (a, b) = (a.as_flattened_mut(), b.as_flattened_mut());
    b[..n].copy_from_slice(e);
    for r in 0..n {
        a[r] = b[0];
        for i in 0..n - 1 - r {
            b[i] = f64::midpoint(b[i], b[i + 1]);
        }
    }
    if let Some(w) = weights {
        let k = w.len();
        let (mut wa, mut wb) = ([[0.0; 3]; N], [[0.0; 3]; N]);
        split(w, 0.5, &mut wa[..k], &mut wb[..k]);
        let value = b[0].abs() / (wb[0][2] * wb[0][2]);
        if value > limit {
            return value;
        }
        let low = |w: &[Control]| w.iter().fold(f64::INFINITY, |m, c| m.min(c[2]));
        let (la, lb) = (low(&wa[..k]), low(&wb[..k]));
        return refine::<N>(&a[..n], Some(&wa[..k]), la, limit, depth - 1).max(refine::<N>(
            &b[..n],
            Some(&wb[..k]),
            lb,
            limit,
            depth - 1,
        ));
    }
    let value = b[0].abs() / (least * least);
    if value > limit {
        return value;
    }
    refine::<N>(&a[..n], None, least, limit, depth - 1).max(refine::<N>(
        &b[..n],
        None,
        least,
        limit,
        depth - 1,
    ))
}

/// A directed circle through its origin; a line when the curvature is 0.
struct Circle {
    origin: Point,
    tangent: Vector,
    curvature: f64,
}

impl Circle {
    /// Returns the circle that leaves `a` along `tangent` and comes to `b`, with the bulge of that arc.
    fn through(a: Point, tangent: Vector, b: Point) -> (Circle, f64) {
        let chord = b - a;
        let length = chord.norm();
        let turn = cross(tangent, chord);
        let curvature = if length > 0.0 { 2.0 * turn / (length * length) } else { 0.0 };
        let base = length + tangent.dot(&chord);
        let bulge = if base > 0.0 { turn / base } else { f64::INFINITY };
        (Circle { origin: a, tangent, curvature }, bulge)
    }
}

/// Returns the cube root of a positive number to 0.1 %, which is enough for a guess: a third of the bits of the
/// number are about those of the root, and one step of Newton's does the rest.
fn cube_root(v: f64) -> f64 {
    let v = v.clamp(1e-200, 1e200);
    let y = f64::from_bits(v.to_bits() / 3 + 0x2a9f_7893_782d_a1ce);
    (2.0 * y + v / (y * y)) / 3.0
}

/// Returns the greatest distance of a control from the first.
fn reach(piece: &[Control]) -> f64 {
    let p = place(piece[0]);
    piece.iter().map(|c| (place(*c) - p).norm_squared()).fold(0.0, f64::max).sqrt()
}

fn emit(out: &mut Vec<Vertex>, c: &Cover) {
    out.extend_from_slice(&c.vertices[..c.count]);
}
