//! Inside or outside, exactly at arcs: contours as pieces that are monotone in y, and the rays that cross them.
//!
//! A piece covers the half-open range from its lower to its upper end, so a ray through a vertex is counted once
//! where the contour passes and twice or not at all where it turns. Arcs are split at their lowest and highest
//! points, found from the side of the chord on which they lie: no angle is ever computed.

use crate::{Aabb, Point, Polyline, Vector, Vertex, cross};

/// A piece of a contour that rises or falls all along.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mono {
    /// Lower end.
    low: Point,
    /// Upper end.
    high: Point,
    /// Middle of the circle, for an arc.
    center: Point,
    /// Radius, positive when the piece is the right half of the circle, negative for the left; 0 for a line.
    radius: f64,
    /// The segment that it is a part of.
    pub segment: u32,
}

impl Mono {
    /// Returns where the piece crosses the height `y`, if it does.
    #[inline]
    pub fn x_at(&self, y: f64) -> Option<f64> {
        (y >= self.low.y && y < self.high.y).then(|| {
            if self.radius == 0.0 {
                let t = (y - self.low.y) / (self.high.y - self.low.y);
                self.low.x + t * (self.high.x - self.low.x)
            } else {
                let d = y - self.center.y;
                let r = self.radius.abs();
                self.center.x + ((r - d) * (r + d)).max(0.0).sqrt().copysign(self.radius)
            }
        })
    }

    /// Returns the range of heights.
    pub fn range(&self) -> [f64; 2] {
        [self.low.y, self.high.y]
    }
}

/// Appends the pieces of a closed contour.
pub(super) fn monotone(contour: &Polyline, out: &mut Vec<Mono>) {
    let v = &contour.vertices;
    for i in 0..v.len() {
        let b = if i + 1 < v.len() { v[i + 1].point } else { v[0].point };
        monotone_segment(v[i], b, i as u32, out);
    }
}

/// Appends the pieces of the segment from vertex `a` to `b`.
pub(super) fn monotone_segment(a: Vertex, b: Point, segment: u32, out: &mut Vec<Mono>) {
    let mut add = |p: Point, q: Point, center: Point, radius: f64| {
        if p.y != q.y {
            let (low, high) = if p.y < q.y { (p, q) } else { (q, p) };
            out.push(Mono { low, high, center, radius, segment });
        }
    };
    let (p, bulge) = (a.point, a.bulge);
    let chord = b - p;
    let Some((center, radius)) = circle_of(a, b) else {
        return add(p, b, Point::origin(), 0.0);
    };
    let top = Point::new(center.x, center.y + radius);
    let bottom = Point::new(center.x, center.y - radius);
    // A counter-clockwise arc lies to the right of its chord. An end that is itself the top or bottom must not
    // count as passed because of rounding.
    let margin = 1e-12 * radius * chord.norm();
    let on_arc = |q: Point| cross(chord, q - p) * bulge.signum() < -margin;
    // Counter-clockwise from the right half one comes to the top first, from the left half to the bottom.
    let top_first = (p.x > center.x || (p.x == center.x && p.y < center.y)) == (bulge > 0.0);
    let turns = if top_first { [top, bottom] } else { [bottom, top] };
    let mut from = p;
    for to in turns.into_iter().filter(|&q| on_arc(q)).chain([b]) {
        // Counter-clockwise, the right half rises.
        let right = (to.y > from.y) == (bulge > 0.0);
        add(from, to, center, if right { radius } else { -radius });
        from = to;
    }
}

/// Returns how many pieces a ray from `p` to the left crosses.
pub(super) fn crossed(monos: &[Mono], p: Point) -> usize {
    monos.iter().filter(|m| crosses(m, p)).count()
}

/// True when a ray from `p` to the left crosses the piece.
#[inline]
pub(super) fn crosses(m: &Mono, p: Point) -> bool {
    m.x_at(p.y).is_some_and(|x| x < p.x)
}

/// Pieces by rows of equal height, so that a ray meets only those at its height.
#[derive(Debug)]
pub(super) struct Rows {
    low: f64,
    per_mm: f64,
    /// Pieces of row i: `items[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Rows {
    /// Sorts `monos` into rows; as many as pieces, but fewer where pieces are tall, so that memory stays linear.
    pub fn new(monos: &[Mono]) -> Rows {
        let (mut low, mut high, mut tall) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        for m in monos {
            let [a, b] = m.range();
            low = a.min(low);
            high = b.max(high);
            tall += b - a;
        }
        let height = high - low;
        if height.is_nan() || height <= 0.0 {
            return Rows { low: 0.0, per_mm: 0.0, starts: vec![0, 0], items: Vec::new() };
        }
        // Entries: about one per piece, plus rows × (sum of heights / height).
        let n = monos.len() as f64;
        let rows = n.min(4.0 * n * height / tall).max(1.0) as usize;
        let mut this =
            Rows { low, per_mm: rows as f64 / height, starts: vec![0; rows + 1], items: Vec::new() };
        let mut entries: Vec<(u32, u32)> = Vec::with_capacity(2 * monos.len());
        for (i, m) in monos.iter().enumerate() {
            let [a, b] = m.range();
            for row in this.row(a, rows)..=this.row(b, rows) {
                entries.push((row as u32, i as u32));
                this.starts[row + 1] += 1;
            }
        }
        for i in 0..rows {
            this.starts[i + 1] += this.starts[i];
        }
        let mut next = this.starts.clone();
        this.items = vec![0; entries.len()];
        for (row, i) in entries {
            this.items[next[row as usize] as usize] = i;
            next[row as usize] += 1;
        }
        this
    }

    fn row(&self, y: f64, rows: usize) -> usize {
        (((y - self.low) * self.per_mm).max(0.0) as usize).min(rows - 1)
    }

    /// Returns the pieces that may be met at height `y`.
    pub fn at(&self, y: f64) -> &[u32] {
        let row = self.row(y, self.starts.len() - 1);
        &self.items[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// Returns how many of `monos` (those it was made from) a ray from `p` to the left crosses.
    pub fn crossed(&self, monos: &[Mono], p: Point) -> usize {
        self.at(p.y).iter().filter(|&&i| crosses(&monos[i as usize], p)).count()
    }
}

/// Returns a point well inside a closed contour (even-odd), given its pieces; `None` if it encloses nothing.
///
/// The height is taken from the middle of the widest band without a vertex, where the contour is large from a few
/// heights; at that height the widest stretch inside is halved.
pub(super) fn point_inside(monos: &[Mono], bounds: &Aabb, scratch: &mut Vec<f64>) -> Option<Point> {
    const FEW: usize = 24;
    if monos.len() <= FEW {
        let y = middle_of_widest_band(monos, scratch)?;
        return widest_stretch(monos, y, scratch).map(|(p, _)| p);
    }
    // Odd fractions keep clear of the vertices of symmetric drawings.
    let best = [0.4871, 0.2713, 0.7297, 0.0917, 0.9119]
        .iter()
        .filter_map(|f| widest_stretch(monos, bounds.min.y + f * bounds.height(), scratch))
        .fold(None, |best: Option<(Point, f64)>, found| match best {
            Some(b) if b.1 >= found.1 => best,
            _ => Some(found),
        });
    best.map(|b| b.0)
}

fn middle_of_widest_band(monos: &[Mono], scratch: &mut Vec<f64>) -> Option<f64> {
    scratch.clear();
    scratch.extend(monos.iter().flat_map(Mono::range));
    scratch.sort_unstable_by(f64::total_cmp);
    let widest = scratch.windows(2).max_by(|v, w| (v[1] - v[0]).total_cmp(&(w[1] - w[0])))?;
    Some(0.5 * (widest[0] + widest[1]))
}

/// Returns the middle of the widest stretch inside at height `y`, and its width.
fn widest_stretch(monos: &[Mono], y: f64, scratch: &mut Vec<f64>) -> Option<(Point, f64)> {
    scratch.clear();
    scratch.extend(monos.iter().filter_map(|m| m.x_at(y)));
    scratch.sort_unstable_by(f64::total_cmp);
    let widest = scratch.chunks_exact(2).max_by(|v, w| (v[1] - v[0]).total_cmp(&(w[1] - w[0])))?;
    Some((Point::new(0.5 * (widest[0] + widest[1]), y), widest[1] - widest[0]))
}

/// Returns the box of a contour, given its pieces.
pub(super) fn bounds(monos: &[Mono], contour: &Polyline) -> Aabb {
    let mut b = Aabb::of(contour.vertices.iter().map(|v| v.point));
    for m in monos.iter().filter(|m| m.radius != 0.0) {
        b.add(m.low);
        b.add(m.high);
        // The half passes the circle's side where it passes the height of the middle.
        if m.low.y <= m.center.y && m.center.y <= m.high.y {
            b.add(Point::new(m.center.x + m.radius, m.center.y));
        }
    }
    b
}

/// Returns the box of a closed contour from its vertices and the sides of its circles that it passes.
pub(super) fn bounds_of(contour: &Polyline) -> Aabb {
    let v = &contour.vertices;
    let mut out = Aabb::of(v.iter().map(|v| v.point));
    for i in 0..v.len() {
        let (a, b) = (v[i], if i + 1 < v.len() { v[i + 1].point } else { v[0].point });
        let Some((center, radius)) = circle_of(a, b) else { continue };
        for side in [Vector::x(), Vector::y(), -Vector::x(), -Vector::y()] {
            let p = center + side * radius;
            if !out.contains(p) && cross(b - a.point, p - a.point) * a.bulge < 0.0 {
                out.add(p);
            }
        }
    }
    out
}

/// Returns the circle of the arc from `a` to `b` as [`crate::Arc::from_bulge`] has it; `None` for a line.
#[inline]
fn circle_of(a: Vertex, b: Point) -> Option<(Point, f64)> {
    let (chord, bulge) = (b - a.point, a.bulge);
    let d = chord.norm_squared();
    if bulge == 0.0 || d == 0.0 {
        return None;
    }
    let center =
        nalgebra::center(&a.point, &b) + crate::left(chord) * ((1.0 - bulge * bulge) / (4.0 * bulge));
    let radius = d.sqrt() * (1.0 + bulge * bulge) / (4.0 * bulge.abs());
    (radius.is_finite() && radius <= 1e9).then_some((center, radius))
}

/// Returns the absolute area of a closed contour.
pub(super) fn area(contour: &Polyline) -> f64 {
    let v = &contour.vertices;
    let Some(o) = contour.first() else { return 0.0 };
    let mut twice = 0.0;
    for i in 0..v.len() {
        let (a, b) = (v[i], if i + 1 < v.len() { v[i + 1].point } else { o });
        twice += cross(a.point - o, b - o);
        if a.bulge != 0.0 {
            twice += twice_segment(a.bulge, (b - a.point).norm_squared());
        }
    }
    0.5 * twice.abs()
}

/// Returns twice the signed area between a chord of squared length `d2` and its arc.
fn twice_segment(bulge: f64, d2: f64) -> f64 {
    // r²(θ − sin θ) with θ = 4 atan b, r² = d²(1 + b²)²/(16 b²) and sin θ = 4b(1 − b²)/(1 + b²)².
    let b2 = bulge * bulge;
    let s = 1.0 + b2;
    if b2 < 1e-6 {
        // θ − sin θ loses its digits; the parabola's area 2/3·d·sagitta is exact to b² here.
        return d2 * bulge * (2.0 / 3.0);
    }
    d2 / (16.0 * b2) * (4.0 * bulge.atan() * s * s - 4.0 * bulge * (1.0 - b2))
}
