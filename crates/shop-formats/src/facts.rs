//! What can be said about a drawing without making anything of it: extent, length, contours, layers.
//!
//! The definitions are those of a survey of drawings and not of a machine: everything that is drawn in model space
//! counts, hidden layers included; ends that lie within 0.01 mm of each other are one *node*; a *component* is
//! what hangs together at nodes. A contour is closed *in itself* or *by chaining*, when every node of its
//! component joins two ends. Exact *duplicates* (the same path again, either way around, to 0.01 mm) count once.
//!
//! O(n log n) in the number of paths.

use crate::dxf::DxfFacts;
use crate::{Drawing, Exclusion, Rgb};
use shop_geom::curve::Curve;
use shop_geom::{Aabb, Point};
use std::collections::BTreeMap;

/// How near counts as the same, mm.
const SAME: f64 = 0.01;

/// What can be said about a drawing. Lengths in mm unless they say otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Millimetres per drawing unit.
    pub mm_per_unit: f64,
    /// The file or the user names the unit.
    pub units_declared: bool,
    /// Curves to be looked at.
    pub paths: u32,
    /// Their number by layer as shown.
    pub paths_by_layer: BTreeMap<String, u32>,
    /// Their number by colour; `None`: no colour known.
    pub paths_by_colour: BTreeMap<Option<Rgb>, u32>,
    /// What they cover; `None` when there are none.
    pub bounds: Option<Aabb>,
    /// Length of all, duplicates included.
    pub length: f64,
    /// Closed in themselves, duplicates counted once.
    pub closed_in_themselves: u32,
    /// Components in which every node joins two ends.
    pub closed_by_chaining: u32,
    /// All closed contours when duplicates are left in.
    pub closed_raw: u32,
    /// Components with two ends.
    pub open_chains: u32,
    /// Components with a place where the way on is a choice.
    pub branching_components: u32,
    /// Paths that are there already.
    pub duplicates: u32,
    /// Paths shorter than 0.01 mm.
    pub short: u32,
    /// Texts to be seen.
    pub texts: u32,
    /// Points to be seen.
    pub points: u32,
    /// Curves that are not to be made, by reason.
    pub excluded: BTreeMap<Exclusion, u32>,
    /// What the file says about itself, when it is a DXF.
    pub dxf: Option<DxfFacts>,
}

impl Facts {
    /// Returns how many closed contours there are, duplicates counted once.
    pub fn closed_contours(&self) -> u32 {
        self.closed_in_themselves + self.closed_by_chaining
    }
}

/// One path, reduced to what tells it from others.
struct Path {
    ends: [Point; 2],
    length: f64,
    bounds: Aabb,
    closed: bool,
    shape: u32,
}

/// Returns what can be said about a drawing; `dxf` is what its file says, if it is one.
pub fn facts(drawing: &Drawing, dxf: Option<&DxfFacts>) -> Facts {
    let mut f = Facts {
        mm_per_unit: drawing.units.mm_per_unit,
        units_declared: drawing.units.declared,
        texts: drawing.texts.len() as u32,
        points: drawing.points.len() as u32,
        dxf: dxf.cloned(),
        ..Facts::default()
    };
    let mut by_layer = vec![0u32; drawing.layers.len()];
    let mut bounds = Aabb::EMPTY;
    let mut paths = Vec::with_capacity(drawing.shapes.len());
    for (i, s) in drawing.shapes.iter().enumerate() {
        if let Some(why) = s.excluded {
            *f.excluded.entry(why).or_default() += 1;
            if matches!(why, Exclusion::PaperSpace | Exclusion::Construction) {
                continue;
            }
        }
        f.paths += 1;
        if let Some(n) = by_layer.get_mut(s.layer as usize) {
            *n += 1;
        }
        *f.paths_by_colour.entry(s.colour).or_default() += 1;
        let path = Path::of(&s.curve, i as u32);
        f.length += path.length;
        bounds = bounds.union(path.bounds);
        if path.length < SAME {
            f.short += 1;
        } else {
            paths.push(path);
        }
    }
    f.bounds = (!bounds.is_empty()).then_some(bounds);
    for (n, layer) in by_layer.iter().zip(&drawing.layers).filter(|(n, _)| **n > 0) {
        *f.paths_by_layer.entry(layer.name.clone()).or_default() += n;
    }
    let duplicate = duplicates(drawing, &paths);
    f.duplicates = duplicate.iter().filter(|d| **d).count() as u32;
    let kept = || paths.iter().zip(&duplicate).filter(|(_, d)| !**d).map(|(p, _)| p);
    f.closed_in_themselves = kept().filter(|p| p.closed).count() as u32;
    let components = components(kept().filter(|p| !p.closed));
    (f.closed_by_chaining, f.open_chains, f.branching_components) = components;
    f.closed_raw = f.closed_in_themselves + f.closed_by_chaining;
    if f.duplicates > 0 {
        f.closed_raw = paths.iter().filter(|p| p.closed).count() as u32;
        // Where a piece is drawn twice, its ends join three: no contour then.
        f.closed_raw += self::components(paths.iter().filter(|p| !p.closed)).0;
    }
    if let Some(d) = dxf {
        f.paths += d.dots;
        f.short += d.dots;
    }
    f
}

impl Path {
    fn of(curve: &Curve, shape: u32) -> Path {
        let (a, b) = (curve.start().unwrap_or_default(), curve.end().unwrap_or_default());
        let length = curve.length();
        let full = match curve {
            Curve::Polyline(p) => p.closed,
            Curve::Ellipse(e) => e.is_full(),
            Curve::Nurbs(_) => false,
        };
        let closed = full || ((a - b).norm() <= SAME && length > SAME);
        Path { ends: [a, b], length, bounds: curve.bounds(), closed, shape }
    }
}

/// Returns which paths are there already, earlier in the file. Candidates share the lower left corner of their
/// boxes; they are compared along their whole length, from either end.
fn duplicates(drawing: &Drawing, paths: &[Path]) -> Vec<bool> {
    let corners: Vec<Point> = paths.iter().map(|p| p.bounds.min).collect();
    let mut pairs = Vec::new();
    near_pairs(&corners, |i, j| {
        if alike(&paths[i as usize], &paths[j as usize]) {
            pairs.push((i.min(j), i.max(j)));
        }
    });
    pairs.sort_unstable();
    let mut duplicate = vec![false; paths.len()];
    let mut outlines: BTreeMap<u32, Vec<Point>> = BTreeMap::new();
    for (first, later) in pairs {
        if duplicate[first as usize] || duplicate[later as usize] {
            continue;
        }
        for k in [first, later] {
            let curve = &drawing.shapes[paths[k as usize].shape as usize].curve;
            outlines.entry(k).or_insert_with(|| outline(curve));
        }
        let closed = paths[first as usize].closed;
        duplicate[later as usize] = same_outline(&outlines[&first], &outlines[&later], closed);
    }
    duplicate
}

/// True when boxes, lengths and, for open paths, ends agree.
fn alike(a: &Path, b: &Path) -> bool {
    let ends = |p: &Path, q: &Path| near(p.ends[0], q.ends[0]) && near(p.ends[1], q.ends[1]);
    let turned = |p: &Path, q: &Path| near(p.ends[0], q.ends[1]) && near(p.ends[1], q.ends[0]);
    a.closed == b.closed
        && near(a.bounds.min, b.bounds.min)
        && near(a.bounds.max, b.bounds.max)
        && (a.length - b.length).abs() <= 4.0 * SAME + 1e-3 * a.length
        && (a.closed || ends(a, b) || turned(a, b))
}

/// True when two places are the same in each coordinate.
fn near(p: Point, q: Point) -> bool {
    (p.x - q.x).abs() <= SAME && (p.y - q.y).abs() <= SAME
}

/// How many places along a path are compared.
const SAMPLES: usize = 16;

/// Returns points at equal steps along a curve.
fn outline(curve: &Curve) -> Vec<Point> {
    let polyline = curve.to_polyline(SAME / 10.0);
    let total = polyline.length();
    let mut out = Vec::with_capacity(SAMPLES + 1);
    let mut done = 0.0;
    for s in polyline.segments() {
        let length = s.length();
        while out.len() <= SAMPLES && length > 0.0 {
            let want = total * out.len() as f64 / SAMPLES as f64;
            if want > done + length {
                break;
            }
            out.push(s.point_at((want - done) / length));
        }
        done += length;
    }
    out.extend(polyline.last().filter(|_| out.len() <= SAMPLES));
    out
}

/// True when every place of `p` lies on `q`'s path in one direction or the other; closed ones may start anywhere
/// on the grid of samples, which covers circles drawn twice and copies.
fn same_outline(p: &[Point], q: &[Point], closed: bool) -> bool {
    // Ends and boxes agree to 0.01 mm already; rounding on the way must not undo that.
    let near = |a: Point, b: Point| (a - b).norm() <= 2.0 * SAME;
    let n = p.len();
    if n != q.len() || n == 0 {
        return false;
    }
    let forward = || p.iter().zip(q).all(|(a, b)| near(*a, *b));
    let backward = || p.iter().zip(q.iter().rev()).all(|(a, b)| near(*a, *b));
    let turned = || {
        let n = n - 1;
        (0..n).any(|k| {
            (0..n).all(|i| near(p[i], q[(i + k) % n])) || (0..n).all(|i| near(p[i], q[(k + n - i) % n]))
        })
    };
    forward() || backward() || (closed && n > 1 && turned())
}

/// Returns how many components of open paths are closed, have two ends, or branch.
fn components<'a>(open: impl Iterator<Item = &'a Path>) -> (u32, u32, u32) {
    let ends: Vec<Point> = open.flat_map(|p| p.ends).collect();
    let node = clusters(&ends);
    let nodes = node.iter().max().map_or(0, |m| *m as usize + 1);
    let mut degree = vec![0u32; nodes];
    let mut sets = Sets::new(nodes);
    for ends in node.chunks_exact(2) {
        degree[ends[0] as usize] += 1;
        degree[ends[1] as usize] += 1;
        sets.join(ends[0], ends[1]);
    }
    // Ends and branches per component.
    let mut of: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for (n, d) in degree.iter().enumerate() {
        let entry = of.entry(sets.root(n as u32)).or_default();
        entry.0 += u32::from(*d == 1);
        entry.1 += u32::from(*d > 2);
    }
    let mut counts = (0, 0, 0);
    for (ends, branches) in of.values() {
        match (ends, branches) {
            (0, 0) => counts.0 += 1,
            (2, 0) => counts.1 += 1,
            _ => counts.2 += 1,
        }
    }
    counts
}

/// Returns for each point which cluster it is in, numbered in the order of the points: points within 0.01 mm of
/// each other are together, and so on from each to the next.
fn clusters(points: &[Point]) -> Vec<u32> {
    // Ends that meet to the last bit are the rule; they are one point from here on.
    let mut order: Vec<u32> = (0..points.len() as u32).collect();
    let at = |i: u32| points[i as usize];
    order.sort_by(|&a, &b| at(a).y.total_cmp(&at(b).y).then(at(a).x.total_cmp(&at(b).x)).then(a.cmp(&b)));
    let mut places: Vec<Point> = Vec::new();
    let mut place = vec![0u32; points.len()];
    for &i in &order {
        if places.last() != Some(&at(i)) {
            places.push(at(i));
        }
        place[i as usize] = places.len() as u32 - 1;
    }
    let mut sets = Sets::new(places.len());
    near_pairs(&places, |i, j| {
        if (places[i as usize] - places[j as usize]).norm() <= SAME {
            sets.join(i, j);
        }
    });
    let mut number = vec![u32::MAX; places.len()];
    let mut next = 0;
    place
        .iter()
        .map(|&p| {
            let n = &mut number[sets.root(p) as usize];
            if *n == u32::MAX {
                *n = next;
                next += 1;
            }
            *n
        })
        .collect()
}

/// Calls `visit` with every pair of points that may lie within 0.01 mm of each other, each pair once. The points are sorted into
/// cells of that size; the partners of a point lie in its own row of cells and in the next. O(n log n + pairs).
fn near_pairs(points: &[Point], mut visit: impl FnMut(u32, u32)) {
    let cell = |p: Point| ((p.y / SAME).floor(), (p.x / SAME).floor());
    let mut order: Vec<((f64, f64), u32)> = (0u32..).zip(points).map(|(i, p)| (cell(*p), i)).collect();
    order.sort_by(|(a, i), (b, j)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(i.cmp(j)));
    for (n, &((row, column), i)) in order.iter().enumerate() {
        let above = order.partition_point(|&(c, _)| c < (row + 1.0, column - 1.0));
        for (from, row) in [(n + 1, row), (above, row + 1.0)] {
            let run = order[from..].iter().take_while(|(c, _)| c.0 == row && c.1 <= column + 1.0);
            for &(_, j) in run {
                visit(i, j);
            }
        }
    }
}

/// Disjoint sets with path halving.
struct Sets(Vec<u32>);

impl Sets {
    fn new(n: usize) -> Sets {
        Sets((0..n as u32).collect())
    }

    fn root(&mut self, mut i: u32) -> u32 {
        while self.0[i as usize] != i {
            let up = self.0[self.0[i as usize] as usize];
            self.0[i as usize] = up;
            i = up;
        }
        i
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}
