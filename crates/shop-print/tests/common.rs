//! What the modules share: bodies to print, a print as commands, commands as steps of the nozzle, and distances.
//!
//! A step is one stretch of the program with all that holds for it, so that a test says which steps it looks at and
//! does not walk over commands. A *road* is a step that is laid; a *run* is roads without a break.

use shop_cam::canon::Command;
use shop_geom::mesh::{Mesh, Point3};
use shop_geom::planar::Spot;
use shop_geom::{Line, Point, Polyline};
use shop_print::model::{Changes, Model, Object};
use shop_print::settings::Settings;
use shop_print::{Print, Summary};
use std::collections::BTreeMap;
use std::f64::consts::{FRAC_PI_4, TAU};

/// Diameter of the filament, mm.
pub const FILAMENT_MM: f64 = 1.75;
/// Section of the filament, mm².
pub const SECTION: f64 = FRAC_PI_4 * FILAMENT_MM * FILAMENT_MM;

/// A straight piece in the plane: from, to, mm.
pub type Piece = [[f64; 2]; 2];

/// A box from one corner to the other, mm.
pub fn block(low: [f64; 3], high: [f64; 3]) -> Mesh {
    let mut mesh = Mesh::default();
    for i in 0..8 {
        let pick = |k: usize| if i >> k & 1 == 0 { low[k] } else { high[k] };
        mesh.points.push(Point3::new(pick(0), pick(1), pick(2)));
    }
    for [a, b, c, d] in [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]] {
        mesh.triangles.extend([[a, b, c], [a, c, d]]);
    }
    mesh
}

/// A body between level rings of as many corners, each given by its middle and radius, from bottom to top, mm; `turn` is
/// the first corner's, as a part of the way to the second.
pub fn loft(sides: u32, turn: f64, rings: &[([f64; 3], f64)]) -> Mesh {
    let mut mesh = Mesh::default();
    for ([x, y, z], radius) in rings {
        for i in 0..sides {
            let (sin, cos) = (TAU * (f64::from(i) + turn) / f64::from(sides)).sin_cos();
            mesh.points.push(Point3::new(x + radius * cos, y + radius * sin, *z));
        }
    }
    let at = |ring: u32, i: u32| ring * sides + i % sides;
    let top = rings.len() as u32 - 1;
    for k in 0..top {
        for i in 0..sides {
            mesh.triangles.push([at(k, i), at(k, i + 1), at(k + 1, i + 1)]);
            mesh.triangles.push([at(k, i), at(k + 1, i + 1), at(k + 1, i)]);
        }
    }
    for i in 1..sides - 1 {
        mesh.triangles.push([at(0, 0), at(0, i + 1), at(0, i)]);
        mesh.triangles.push([at(top, 0), at(top, i), at(top, i + 1)]);
    }
    mesh
}

/// Several bodies as one mesh.
pub fn together(bodies: impl IntoIterator<Item = Mesh>) -> Mesh {
    let mut all = Mesh::default();
    for body in bodies {
        all.append(&body);
    }
    all
}

/// Settings by their names.
pub fn changes(pairs: &[(&str, &str)]) -> Changes {
    let mut out = Changes::default();
    for (key, text) in pairs {
        out.add(key, text).expect("a setting");
    }
    out
}

/// The print of one body.
pub fn print_of(mesh: Mesh, settings: Settings) -> Print {
    Print::new(mesh, settings, FILAMENT_MM)
}

/// The print of several objects.
pub fn print_all(objects: Vec<Object>, settings: Settings) -> Print {
    Print::of(Model { settings, objects, ..Model::default() }, FILAMENT_MM)
}

/// Everything that is said, layer by layer, by as many threads.
pub fn spoken(print: &Print, threads: usize) -> (Vec<Vec<Command>>, Summary) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut layers = Vec::new();
    let keep = |layer| {
        layers.push(layer);
        true
    };
    let summary = pool.install(|| print.run(|s| s.section.commands, keep));
    (layers, summary.expect("nobody stopped it"))
}

/// The commands of every layer.
pub fn commands(print: &Print) -> Vec<Vec<Command>> {
    spoken(print, 2).0
}

/// A stretch of a program: the nozzle goes somewhere, filament goes in, or both.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where the nozzle stands before, mm.
    pub from: [f64; 3],
    /// Where it stands afterwards, mm.
    pub to: [f64; 3],
    /// Filament that goes in, mm; negative pulls it back.
    pub e: f64,
    /// Speed, mm/s.
    pub speed: f64,
    /// What viewers call the road.
    pub kind: String,
    /// The tool that was taken last.
    pub tool: Option<u32>,
    /// The object between whose labels it lies, where they are OctoPrint's.
    pub object: String,
}

impl Step {
    pub fn length(&self) -> f64 {
        (0..3).map(|i| (self.to[i] - self.from[i]).powi(2)).sum::<f64>().sqrt()
    }

    /// True on the way with filament going in or out.
    pub fn feeds(&self) -> bool {
        self.e != 0.0 && self.length() > 0.0
    }

    /// True for a piece of a road.
    pub fn is_laid(&self) -> bool {
        self.e > 0.0 && self.feeds()
    }

    /// Seen from above.
    pub fn piece(&self) -> Piece {
        [self.from, self.to].map(|[x, y, _]| [x, y])
    }

    /// Where it ends, seen from above.
    pub fn end(&self) -> [f64; 2] {
        self.piece()[1]
    }
}

/// The steps of every layer; what held in the layer before holds on.
pub fn steps(layers: &[Vec<Command>]) -> Vec<Vec<Step>> {
    let (kind, object) = (String::new(), String::new());
    let mut now = Step { from: [0.0; 3], to: [0.0; 3], e: 0.0, speed: 0.0, kind, tool: None, object };
    let mut step = |c: &Command| {
        (now.from, now.e) = (now.to, 0.0);
        match c {
            Command::Line { to } => now.to = *to,
            Command::Extrude { to, e } => (now.to, now.e) = (*to, *e),
            Command::Filament { e } => now.e = *e,
            Command::Feed(v) => now.speed = v.mm_per_min() / 60.0,
            Command::Feature(name) => now.kind = name.to_string(),
            Command::ToolChange { number } => now.tool = Some(*number),
            Command::Native(text) if text.contains("printing object ") => {
                text.strip_prefix("; printing object ").unwrap_or_default().clone_into(&mut now.object);
            }
            _ => {}
        }
        let moves = matches!(c, Command::Line { .. } | Command::Extrude { .. } | Command::Filament { .. });
        moves.then(|| now.clone())
    };
    layers.iter().map(|layer| layer.iter().filter_map(&mut step).collect()).collect()
}

/// The steps of every layer that are asked for.
pub fn only(mut layers: Vec<Vec<Step>>, wanted: impl Fn(&Step) -> bool) -> Vec<Vec<Step>> {
    for layer in &mut layers {
        layer.retain(&wanted);
    }
    layers
}

/// What is laid in every layer, and what is wiped.
pub fn roads(print: &Print) -> Vec<Vec<Step>> {
    only(steps(&commands(print)), Step::feeds)
}

/// The roads of one kind in every layer.
pub fn roads_of(print: &Print, kind: &str) -> Vec<Vec<Step>> {
    only(roads(print), |s| s.kind == kind)
}

/// Stretches that are laid without a break.
pub fn runs(steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    steps.chunk_by(|a, b| a.is_laid() == b.is_laid()).filter(|run| run[0].is_laid())
}

/// Filament, mm.
pub fn filament<'a>(steps: impl IntoIterator<Item = &'a Step>) -> f64 {
    steps.into_iter().map(|s| s.e).sum()
}

/// Filament of every kind of road, mm.
pub fn by_kind(layers: &[Vec<Step>]) -> BTreeMap<String, f64> {
    let mut kinds = BTreeMap::new();
    for s in layers.iter().flatten().filter(|s| s.feeds()) {
        *kinds.entry(s.kind.clone()).or_default() += s.e;
    }
    kinds
}

/// A place on a piece, as a part of the way.
pub fn on([a, b]: Piece, t: f64) -> [f64; 2] {
    [0, 1].map(|k| a[k] + t * (b[k] - a[k]))
}

/// Returns how far a place is from the nearest of some pieces, mm.
pub fn distance(at: [f64; 2], pieces: impl IntoIterator<Item = Piece>) -> f64 {
    let far = |[a, b]: Piece| Line { a: a.into(), b: b.into() }.distance_to(at.into());
    pieces.into_iter().map(far).fold(f64::MAX, f64::min)
}

/// Returns how far a place is from a contour, grid units.
pub fn from_contour(at: Spot, contour: &[Spot]) -> f64 {
    let point = |s: &Spot| Point::new(s.x.into(), s.y.into());
    Polyline::polygon(contour.iter().map(point)).distance_to(point(&at))
}
