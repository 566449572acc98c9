//! The contour of a turned part and the passes that cut it: the geometry of G70, G71 and G72.
//!
//! ```text
//!       x ▲      start ●┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄  rapids in dots
//!         │     ┄┄┄┄┄┄┄┼◄───────────────────          one cut per step, up to the contour,
//!         │       ╱▔▔▔▔▔╲   ◄───────────────          back along the escape
//!         │  ────╯       ╲______╱▔▔▔▔▔▔▔▔╲            then along the contour until it dives: a pocket,
//!         └──────────────────────────────────► z      which is cut in the same way
//! ```
//!
//! Everything happens in a frame in which z falls and x grows along the contour; what comes out is turned back. A
//! facing cycle (G72) is a turning cycle seen from the side. Points are `[z, x]` in the program's units, because the
//! controller's tolerances are. Behaviour and tolerances as LinuxCNC 2.9 has them, measured with its `rs274`.

use super::compensate::{cross, distance, minus};

/// A point or a direction: z, x.
pub(super) type Vector = [f64; 2];

/// Shorter pieces vanish.
const SHORTEST: f64 = 1e-3;
/// Points so near are one.
const SAME: f64 = 1e-6;
/// A larger gap between the offsets of two pieces is bridged by an arc.
const GAP: f64 = 1e-2;
/// Steps of one cycle; more is a mistake in its words.
const MOST_STEPS: u32 = 500_000;

/// A piece of the contour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) start: Vector,
    pub(super) end: Vector,
    /// Of an arc: its middle, and whether it runs counter-clockwise (as G3 means it).
    pub(super) arc: Option<(Vector, bool)>,
    /// A corner that is still to be rounded (an arc) or broken (a line): its radius, 0 for other pieces.
    pub(super) corner: f64,
}

/// What the tool does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cut {
    Rapid(Vector),
    Feed(Vector),
    Arc { to: Vector, center: Vector, counter_clockwise: bool },
}

/// Why a cycle cannot be run.
pub(super) type Why = &'static str;

const NOT_MONOTONIC: Why = "the contour turns back on itself along the direction of the cuts";
const ENDLESS: Why = "the cycle makes more cuts than any part needs";
const TOO_SMALL: Why = "the contour vanishes at this distance";

/// Whether a piece goes down into the work.
#[derive(Clone, Copy, PartialEq)]
enum Dive {
    /// It does, and the tool stands where the depth of the pass or the piece ends.
    Down,
    Not,
}

/// Which pockets a roughing cycle cuts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pockets {
    /// G71, G72: all, each where the contour meets it.
    All,
    /// G71.1, G72.1: none.
    None,
    /// G71.2, G72.2: only what G71.1 has left.
    Only,
}

/// The words of a roughing cycle, in the program's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Roughing {
    pub(super) pockets: Pockets,
    /// G72: cuts run along x.
    pub(super) facing: bool,
    /// U and W: the contour is shifted, `[z, x]`.
    pub(super) shift: Vector,
    /// D: what stays on the contour.
    pub(super) leave: f64,
    /// I: depth of a cut.
    pub(super) step: f64,
    /// R: how far the tool goes away before it returns.
    pub(super) escape: f64,
}

fn line(start: Vector, end: Vector) -> Piece {
    Piece { start, end, arc: None, corner: 0.0 }
}

impl Piece {
    /// Length that is left of it, more or less.
    fn size(&self) -> f64 {
        let chord = distance(self.start, self.end);
        self.arc.map_or(chord, |(center, _)| chord.min(distance(self.start, center)))
    }

    /// True when z never grows along it, and an arc stays on its side of its middle.
    fn falls(&self) -> bool {
        let dz = self.end[0] - self.start[0];
        let Some((center, ccw)) = self.arc else { return dz <= SHORTEST };
        if self.corner != 0.0 {
            return true;
        }
        let turn = if ccw { 1.0 } else { -1.0 };
        let above = |p: Vector| turn * (p[1] - center[1]) >= -SHORTEST;
        above(self.start) && above(self.end) && dz <= -SHORTEST
    }

    /// Where it passes the height `x`, up to two z.
    fn crossings(&self, x: f64) -> ([f64; 2], usize) {
        let (s, e) = (self.start, self.end);
        let Some((center, ccw)) = self.arc else {
            if s[1].min(e[1]) > x + SAME || s[1].max(e[1]) < x - SAME {
                return ([0.0; 2], 0);
            }
            if (s[1] - e[1]).abs() < SAME {
                return ([s[0], e[0]], 2);
            }
            return ([(x - s[1]) / (e[1] - s[1]) * (e[0] - s[0]) + s[0], 0.0], 1);
        };
        let (radius, height) = (distance(s, center), x - center[1]);
        let square = (radius - height) * (radius + height);
        let (mut found, mut n) = ([0.0; 2], 0);
        if square >= -SAME {
            let half = square.max(0.0).sqrt();
            let turn = if ccw { 1.0 } else { -1.0 };
            for z in [center[0] + half, center[0] - half] {
                let p = minus([z, x], center);
                let begun = turn * cross(minus(s, center), p) >= -SAME;
                if begun && turn * cross(minus(e, center), p) <= SAME {
                    found[n] = z;
                    n += 1;
                }
            }
        }
        (found, n)
    }

    /// Moves it sideways.
    fn shift_sideways(&mut self, by: f64) {
        if let Some((center, ccw)) = self.arc {
            let radius = distance(self.start, center);
            let factor = (radius + if ccw { by } else { -by }) / radius;
            let scaled = |p: Vector| [0, 1].map(|i| center[i] + factor * (p[i] - center[i]));
            (self.start, self.end) = (scaled(self.start), scaled(self.end));
        } else {
            let length = distance(self.start, self.end);
            let back = minus(self.start, self.end);
            let d = [-back[1] * by / length, back[0] * by / length];
            for p in [&mut self.start, &mut self.end] {
                *p = [p[0] + d[0], p[1] + d[1]];
            }
        }
    }

    fn map(&mut self, turns_over: bool, f: impl Fn(Vector) -> Vector) {
        (self.start, self.end) = (f(self.start), f(self.end));
        if let Some((center, ccw)) = &mut self.arc {
            *center = f(*center);
            *ccw ^= turns_over;
        }
    }
}

/// Points on the line through `p` along the unit vector `d` at the distance `radius` from `center`; the one nearer to
/// `near`. A line that passes the circle by counts as touching it.
fn on_circle(p: Vector, d: Vector, center: Vector, radius: f64, near: Vector) -> Vector {
    let to = minus(center, p);
    let (along, off) = (to[0] * d[0] + to[1] * d[1], cross(d, to));
    let half = (radius * radius - off * off).max(0.0).sqrt();
    let at = |t: f64| [p[0] + d[0] * t, p[1] + d[1] * t];
    let (one, other) = (at(along + half), at(along - half));
    if distance(near, one) < distance(near, other) { one } else { other }
}

/// Makes two pieces that follow each other meet.
fn meet(first: &mut Piece, second: &mut Piece) -> Result<(), Why> {
    let direction = |p: &Piece| {
        let (d, l) = (minus(p.start, p.end), distance(p.start, p.end));
        [d[0] / l, d[1] / l]
    };
    let apart = distance(second.start, first.end) >= SAME;
    let at = match (first.arc, second.arc) {
        (None, None) => {
            let d = direction(second);
            let side = |p: Vector| cross(d, minus(p, second.end));
            let (s, e) = (side(first.start), side(first.end));
            if s == e {
                return Err(
                    "two pieces of the contour run on in one line, and the controller cannot offset them",
                );
            }
            let f = s / (s - e);
            [0, 1].map(|i| first.start[i] + f * (first.end[i] - first.start[i]))
        }
        (Some((center, _)), None) if apart => {
            on_circle(second.end, direction(second), center, distance(center, first.end), second.start)
        }
        (None, Some((center, _))) if apart => {
            on_circle(first.end, direction(first), center, distance(center, second.end), second.start)
        }
        (Some((c, _)), Some((d, _))) => {
            // The third corner of the triangle of both middles, by the law of cosines.
            let (a, b, between) = (distance(second.start, d), distance(first.start, c), distance(c, d));
            let cos = (between * between + a * a - b * b) / (2.0 * between * a);
            let sin = (1.0 - (cos * cos).min(1.0)).sqrt();
            let v = minus(c, d).map(|v| v / between * a);
            [d[0] + v[0] * cos - v[1] * sin, d[1] + v[1] * cos + v[0] * sin]
        }
        _ => return Ok(()),
    };
    first.end = at;
    second.start = at;
    Ok(())
}

/// A contour in the frame of its cuts.
#[derive(Clone, Debug)]
pub(super) struct Contour {
    pieces: Vec<Piece>,
    mirrored_z: bool,
    mirrored_x: bool,
    turned: bool,
}

impl Contour {
    /// Takes the contour as it was written; the first piece leads to it and begins at `from`.
    pub(super) fn new(pieces: Vec<Piece>) -> Contour {
        Contour { pieces, mirrored_z: false, mirrored_x: false, turned: false }
    }

    /// Sets where the way to the contour begins.
    pub(super) fn begin(&mut self, from: Vector) {
        if let Some(first) = self.pieces.first_mut() {
            first.start = from;
        }
    }

    fn first(&self) -> Piece {
        self.pieces.first().copied().unwrap_or(line([0.0; 2], [0.0; 2]))
    }

    fn last(&self) -> Piece {
        self.pieces.last().copied().unwrap_or(line([0.0; 2], [0.0; 2]))
    }

    /// Turns the contour so that z falls and x grows from its first point to its last.
    fn orient(&mut self) {
        let way = minus(self.first().end, self.last().end);
        if way[1] > 0.0 {
            self.mirrored_x ^= true;
            self.pieces.iter_mut().for_each(|p| p.map(true, |p| [p[0], -p[1]]));
        }
        if way[0] < 0.0 {
            self.mirrored_z ^= true;
            self.pieces.iter_mut().for_each(|p| p.map(true, |p| [-p[0], p[1]]));
        }
    }

    fn turn(&mut self) {
        self.turned = true;
        self.pieces.iter_mut().for_each(|p| p.map(false, |p| [p[1], -p[0]]));
    }

    /// Checks that the cuts can reach it.
    fn check(&mut self) -> Result<(), Why> {
        if let Some(first) = self.pieces.first_mut() {
            first.start[0] = first.start[0].max(first.end[0]);
        }
        if self.pieces.iter().all(Piece::falls) { Ok(()) } else { Err(NOT_MONOTONIC) }
    }

    /// Rounds and breaks the corners that ask for it.
    fn corners(&mut self) -> Result<(), Why> {
        for i in 1..self.pieces.len().saturating_sub(1) {
            if self.pieces[i].corner != 0.0 {
                self.corner(i)?;
            }
        }
        self.pieces.retain(|p| p.size() >= SHORTEST);
        Ok(())
    }

    /// The corner's circle touches both neighbours: its middle lies where their parallels meet.
    fn corner(&mut self, i: usize) -> Result<(), Why> {
        let radius = self.pieces[i].corner;
        let parallels = |by: f64| {
            let (mut before, mut after) = (self.pieces[i - 1], self.pieces[i + 1]);
            before.shift_sideways(by);
            after.shift_sideways(by);
            let meet = before.end[0] - after.start[0] <= GAP;
            meet.then_some((by, before, after))
        };
        let (by, mut before, mut after) = parallels(radius)
            .or_else(|| parallels(-radius))
            .ok_or("a corner of the contour cannot be rounded")?;
        meet(&mut before, &mut after)?;
        let center = [0, 1].map(|k| f64::midpoint(before.end[k], after.start[k]));
        before.shift_sideways(-by);
        after.shift_sideways(-by);
        let (start, end) = (before.end, after.start);
        self.pieces[i - 1].end = start;
        self.pieces[i + 1].start = end;
        let piece = &mut self.pieces[i];
        (piece.start, piece.end) = (start, end);
        if let Some(arc) = &mut piece.arc {
            *arc = (center, start[1] > center[1] || end[1] > center[1]);
        }
        piece.corner = 0.0;
        Ok(())
    }

    /// Moves the contour away from the work, in steps so small that no piece turns inside out.
    fn offset(&mut self, by: f64) -> Result<(), Why> {
        let first = self.first();
        let (approach, whole) = (minus(first.end, first.start), minus(self.last().start, first.start));
        let by = if cross(whole, approach) < 0.0 { -by } else { by };
        let mut way_in = self.pieces.remove(0);
        let (mut done, mut steps) = (0.0, 0);
        while done != by {
            let rest: f64 = by - done;
            let smallest = self.pieces.iter().map(|p| p.size() / 2.0).fold(1e9, f64::min);
            let step = smallest.min(rest.abs()).copysign(by);
            self.offset_once(step)?;
            // The last step ends where it should, whatever the sum of the others is.
            done = if step == rest { by } else { done + step };
            steps += self.pieces.len() as u32;
            if steps > MOST_STEPS || self.pieces.is_empty() {
                return Err(TOO_SMALL);
            }
        }
        for i in 1..self.pieces.len() {
            let (a, b) = (self.pieces[i - 1].end, self.pieces[i].start);
            let middle = [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])];
            self.pieces[i - 1].end = middle;
            self.pieces[i].start = middle;
        }
        way_in.end = self.first().start;
        self.pieces.insert(0, way_in);
        Ok(())
    }

    fn offset_once(&mut self, step: f64) -> Result<(), Why> {
        let all = &mut self.pieces;
        for piece in all.iter_mut() {
            piece.shift_sideways(step);
        }
        all.retain(|p| p.size() >= SHORTEST);
        let mut i = 0;
        while i + 1 < all.len() {
            let (mut one, mut other) = (all[i], all[i + 1]);
            if one.end[0] - other.start[0] > GAP {
                let (start, end) = (one.end, other.start);
                one.shift_sideways(-step);
                other.shift_sideways(-step);
                let center = [0, 1].map(|k| f64::midpoint(one.end[k], other.start[k]));
                i += 1;
                all.insert(i, Piece { start, end, arc: Some((center, step > 0.0)), corner: 0.0 });
            }
            i += 1;
        }
        let (mut i, mut rounds) = (0, 0);
        while i + 1 < all.len() {
            rounds += 1;
            if rounds > MOST_STEPS {
                return Err(ENDLESS);
            }
            if !all[i].falls() {
                // The smaller of the two goes, and everything is looked at again.
                let before = i.checked_sub(1).ok_or(NOT_MONOTONIC)?;
                all.remove(if all[i].size() < all[before].size() { i } else { before });
                i = 0;
            }
            if all[i].size() < SHORTEST {
                all.remove(i);
                i = 0;
            } else if let Some([one, other]) = all.get_mut(i..i + 2) {
                meet(one, other)?;
            }
            i += 1;
        }
        Ok(())
    }

    /// Returns a point as the program knows it.
    fn back(&self, p: Vector) -> Vector {
        let z = if self.mirrored_z { -p[0] } else { p[0] };
        let x = if self.mirrored_x { -p[1] } else { p[1] };
        if self.turned { [-x, z] } else { [z, x] }
    }

    /// G70: along the contour, `passes` times from the distance `from` to the distance `to`.
    pub(super) fn finish(mut self, from: f64, to: f64, passes: u32) -> Result<Vec<Cut>, Why> {
        let mut profile = Contour { pieces: self.pieces[1..].to_vec(), ..self };
        profile.orient();
        if !profile.pieces.iter().all(Piece::falls) {
            // What does not fall along z may do so along x.
            profile.turn();
            profile.orient();
            self.turn();
        }
        profile.check()?;
        self.orient();
        self.corners()?;
        self.check()?;
        let mut cuts = Vec::new();
        for pass in (0..passes).rev() {
            let away = f64::from(pass) * (from - to) / f64::from(passes) + to;
            let mut path = self.clone();
            path.offset(away)?;
            let mut out = Cuts::new(&path);
            out.rapid(path.first().start)?;
            out.rapid(path.first().end)?;
            for piece in &path.pieces[1..] {
                out.along(piece, piece.end)?;
            }
            cuts.extend(out.done);
            if cuts.len() > MOST_STEPS as usize {
                return Err(ENDLESS);
            }
        }
        Ok(cuts)
    }

    /// G71 and G72: the material in front of the contour.
    pub(super) fn rough(mut self, words: &Roughing) -> Result<Vec<Cut>, Why> {
        if words.step.is_nan() || words.step <= 0.0 {
            return Err("the depth of a cut, I, must be above 0");
        }
        if words.facing {
            self.turn();
        }
        self.orient();
        self.corners()?;
        self.check()?;
        self.offset(words.leave)?;
        let [dz, dx] = words.shift;
        self.pieces.iter_mut().for_each(|p| p.map(false, |p| [p[0] + dz, p[1] + dx]));
        let (top, end) = (self.first().start[1], self.last().end);
        if end[1] < top {
            self.pieces.push(line(end, [end[0], top]));
        }
        let mut out = Cuts::new(&self);
        out.rapid(self.first().start)?;
        out.passes(&self.pieces, words)?;
        Ok(out.done)
    }
}

/// The tool at work.
struct Cuts<'a> {
    contour: &'a Contour,
    done: Vec<Cut>,
    at: Vector,
    steps: u32,
}

impl<'a> Cuts<'a> {
    fn new(contour: &'a Contour) -> Self {
        Cuts { contour, done: Vec::new(), at: contour.first().start, steps: 0 }
    }

    fn step(&mut self) -> Result<(), Why> {
        self.steps += 1;
        if self.steps > MOST_STEPS { Err(ENDLESS) } else { Ok(()) }
    }

    fn rapid(&mut self, to: Vector) -> Result<(), Why> {
        self.done.push(Cut::Rapid(self.contour.back(to)));
        self.at = to;
        self.step()
    }

    fn feed(&mut self, to: Vector) -> Result<(), Why> {
        self.done.push(Cut::Feed(self.contour.back(to)));
        self.at = to;
        self.step()
    }

    /// Along a piece up to a point of it.
    fn along(&mut self, piece: &Piece, to: Vector) -> Result<(), Why> {
        let Some((center, ccw)) = piece.arc else { return self.feed(to) };
        let over = self.contour.mirrored_z != self.contour.mirrored_x;
        let (end, center) = (self.contour.back(to), self.contour.back(center));
        self.done.push(Cut::Arc { to: end, center, counter_clockwise: ccw != over });
        self.at = to;
        self.step()
    }

    /// As [`Cuts::along`], unless the tool stands there already.
    fn along_if_far(&mut self, piece: &Piece, to: Vector) -> Result<(), Why> {
        if distance(self.at, to) > SHORTEST {
            self.along(piece, to)?;
        }
        self.at = to;
        Ok(())
    }

    /// Goes down along a piece to the height `x`; the way in goes at rapid.
    fn dive(&mut self, piece: &Piece, x: f64, way_in: bool) -> Result<Dive, Why> {
        let Some((center, ccw)) = piece.arc else {
            if piece.start[1] <= piece.end[1] + SAME {
                return Ok(Dive::Not);
            }
            let to = if x < piece.end[1] {
                piece.end
            } else {
                match piece.crossings(x) {
                    (_, 0) => return Err("a cut begins beyond its piece of the contour"),
                    (z, _) => [z[0], x],
                }
            };
            if way_in {
                self.rapid(to)?;
            } else {
                self.feed(to)?;
            }
            return Ok(Dive::Down);
        };
        if distance(self.at, piece.end) < SAME || self.at[0] - piece.end[0] <= SAME {
            self.at = piece.end;
            return Ok(Dive::Down);
        }
        let (z, n) = match piece.crossings(x) {
            (_, 0) => piece.crossings(x - SAME),
            found => found,
        };
        if if ccw { self.at[0] - SAME > center[0] } else { self.at[0] <= center[0] } {
            return Ok(Dive::Not);
        }
        match (n, ccw) {
            (0, _) => self.along(piece, piece.end)?,
            (n, true) if z[n - 1] > center[0] => self.along(piece, piece.end)?,
            (n, true) => self.along(piece, [z[n - 1], x])?,
            // The valley is met at its far side only: a deeper cut will find it.
            (_, false) if z[0] < center[0] => {}
            (_, false) => self.along(piece, [z[0], x])?,
        }
        Ok(Dive::Down)
    }

    /// Goes up along a piece; false where the contour dives again.
    fn climb(&mut self, piece: &Piece) -> Result<bool, Why> {
        let Some((center, ccw)) = piece.arc else {
            if piece.end[1] + SAME < piece.start[1] {
                return Ok(false);
            }
            if distance(self.at, piece.start) > SAME {
                return Err("the tool is not on the contour where it should follow it");
            }
            self.feed(piece.end)?;
            return Ok(true);
        };
        if !ccw {
            let climbs = self.at[0] <= center[0];
            if climbs {
                self.along_if_far(piece, piece.end)?;
            }
            return Ok(climbs);
        }
        if self.at[0] >= center[0] {
            self.along_if_far(piece, piece.top(center))?;
        }
        Ok(false)
    }

    /// Goes up along a piece from where the height of the tool meets it, without entering pockets.
    fn climb_only(&mut self, piece: &Piece) -> Result<(), Why> {
        let (z, n) = piece.crossings(self.at[1]);
        if n == 0 {
            return Ok(());
        }
        let Some((center, ccw)) = piece.arc else {
            if piece.end[1] >= piece.start[1] {
                self.feed([z[0], self.at[1]])?;
                self.feed(piece.end)?;
            }
            return Ok(());
        };
        let (here, climbs) = if ccw { (z[0], z[0] >= center[0]) } else { (z[n - 1], z[n - 1] <= center[0]) };
        if climbs {
            self.feed([here, self.at[1]])?;
            self.along_if_far(piece, if ccw { piece.top(center) } else { piece.end })?;
        }
        Ok(())
    }

    /// Cut after cut down to the contour, and along it to the next pocket.
    fn passes(&mut self, pieces: &[Piece], words: &Roughing) -> Result<(), Why> {
        let mut from = 0;
        // Where cuts begin; with `Only`, pockets remember where they do.
        let mut tops = vec![self.at[1]];
        if words.pockets == Pockets::Only {
            // What lies in front of the first pocket has been cut.
            while from < pieces.len() && self.dive(&pieces[from], -1e9, from == 0)? == Dive::Down {
                self.step()?;
                from += 1;
            }
        }
        while let Some(next) = self.pocket(pieces, from, tops.last().copied().unwrap_or(0.0), words)? {
            if words.pockets == Pockets::None {
                for piece in &pieces[next..] {
                    self.climb_only(piece)?;
                }
                return Ok(());
            }
            let mut dives = None;
            for (i, piece) in pieces.iter().enumerate().skip(next) {
                self.step()?;
                if !self.climb(piece)? {
                    dives = Some(i);
                    break;
                }
            }
            let Some(i) = dives else { return Ok(()) };
            if words.pockets == Pockets::Only {
                if tops.len() > 1 && tops.last().is_some_and(|top| self.at[1] > *top) {
                    tops.pop();
                }
                if tops.len() == 1 {
                    tops.push(self.at[1]);
                }
            }
            from = i;
        }
        Ok(())
    }

    /// The cuts of one pocket from the piece `p` on; returns the piece at its bottom where the contour rises.
    fn pocket(
        &mut self,
        pieces: &[Piece],
        mut p: usize,
        top: f64,
        words: &Roughing,
    ) -> Result<Option<usize>, Why> {
        let (mut x, delta) = (top, words.step.max(2.0 * SAME));
        while p < pieces.len() {
            self.step()?;
            while x - SAME > self.at[1] {
                x -= delta;
                self.step()?;
            }
            if self.dive(&pieces[p], x, p == 0)? == Dive::Not {
                return Ok(Some(p));
            }
            if (self.at[1] - x).abs() > SAME {
                // The piece ends above this height.
                p += 1;
                continue;
            }
            for (i, piece) in pieces.iter().enumerate().skip(p) {
                self.step()?;
                let (z, n) = piece.crossings(self.at[1]);
                if n == 0 {
                    continue;
                }
                let z = if i == p { z[n - 1] } else { z[0] };
                let length = (z - self.at[0]).abs();
                // The contour in front of the tool counts, and not where the cut begins.
                if z - SAME > self.at[0] || (length < SAME && i == p) {
                    continue;
                }
                if length >= SAME {
                    self.cut(z, length, words.escape, p == 0)?;
                    x -= delta;
                } else if distance(self.at, piece.start) < SAME {
                    p = i;
                } else {
                    x -= delta;
                }
                break;
            }
        }
        Ok(None)
    }

    /// One cut to `z` and back.
    fn cut(&mut self, z: f64, length: f64, escape: f64, way_in: bool) -> Result<(), Why> {
        let begin = self.at;
        self.feed([z, begin[1]])?;
        // Half of a short cut must do for going away and coming back.
        let away = (length / 2.0 / escape).min(1.0) * escape;
        self.rapid([z + away, begin[1] + away])?;
        self.rapid([begin[0] - away, begin[1] + away])?;
        if way_in { self.rapid(begin) } else { self.feed(begin) }
    }
}

impl Piece {
    /// Where a hill's rising half ends: at its top, or earlier.
    fn top(&self, center: Vector) -> Vector {
        if self.end[0] < center[0] { [center[0], center[1] + distance(self.start, center)] } else { self.end }
    }
}
